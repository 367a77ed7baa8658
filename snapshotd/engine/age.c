/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* age.c: the ages of files by clocks that do not step; part of the engine. */

#include "snapshotd/engine/age.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/format/snapshot.h"
#include "snapshotd/common/now.h"

#define BOOT_ID   "/proc/sys/kernel/random/boot_id"
/* A difference between two clocks that is a step of one of them. */
#define STEP_S    60
/* The wall clock is trusted again after so long without a step. */
#define STEADY_S  3600
/* ... or at once if the directory was changed so recently by that clock. */
#define WITNESS_S 86400

void age_init(struct ages *a)
{
    FILE *f = fopen(BOOT_ID, "re");

    if ( f && fscanf(f, "%36s", a->boot) != 1 )
        a->boot[0] = '\0';
    if ( f )
        fclose(f);
}

uint64_t age_boot_s(void)
{
    return now_ns(CLOCK_BOOTTIME) / 1000000000;
}

static struct age_entry *find(struct ages *a, const struct store_id *id)
{
    struct age_entry *e;

    for ( e = a->entry; e < a->entry + a->nr; e++ )
        if ( store_same(&e->id, id) )
            return e;
    return NULL;
}

static void add(struct ages *a, const struct age_entry *e)
{
    const unsigned int room = a->room ? 2 * a->room : 64;
    struct age_entry *grown;

    if ( a->nr == a->room )
    {
        grown = reallocarray(a->entry, room, sizeof(*grown));
        if ( !grown )
            return;
        a->entry = grown;
        a->room = room;
    }
    a->entry[a->nr++] = *e;
}

/*
 * The member stands in a document like this and nowhere else: the quotes of a
 * text are escaped.  Parsing all of it would take ten times as long.
 */
static void parse(const struct ages *a, const char *text, struct age_entry *e)
{
    static const char member[] = "\"boot\":{\"id\":\"";
    const char *at = strstr(text, member);
    char id[AGE_BOOT];

    if ( !at || !a->boot[0] ||
         sscanf(at + sizeof(member) - 1, "%36[^\"]\",\"seconds\":%" SCNu64, id,
                &e->boot_s) != 2 )
        return;
    e->here = !strcmp(id, a->boot) && e->boot_s <= age_boot_s();
}

static void read_document(const struct ages *a, int dir, struct age_entry *e)
{
    char name[STORE_NAME], *text;
    struct snapshot *s;
    size_t len;
    int fd;

    store_name(&e->id, name);
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if ( fd < 0 )
        return;
    if ( !snapshot_open_fd(fd, &s, NULL) )
    {
        if ( !snapshot_json(s, SNAPSHOT_META, &text, &len) )
        {
            parse(a, text, e);
            free(text);
        }
        snapshot_close(s);
    }
    close(fd);
}

bool age_of(struct ages *a, int dir, const struct store_id *id,
            uint64_t *boot_s)
{
    const struct age_entry *known = find(a, id);
    struct age_entry e = { .id = *id };

    if ( !known )
    {
        read_document(a, dir, &e);
        add(a, &e);
        known = &e;
    }
    *boot_s = known->boot_s;
    return known->here;
}

void age_written(struct ages *a, const struct store_id *id)
{
    const struct age_entry e = { .id = *id, .here = a->boot[0],
                                 .boot_s = age_boot_s() };

    add(a, &e);
}

void age_removed(struct ages *a, const struct store_id *id)
{
    struct age_entry *e = find(a, id);

    if ( e )
        *e = a->entry[--a->nr];
}

bool age_wall_is_good(struct ages *a, int dir, uint64_t wall_s)
{
    const uint64_t boot_s = age_boot_s();
    const int64_t offset = wall_s - boot_s;
    struct stat st;

    if ( !a->looked || llabs(offset - a->offset_s) > STEP_S )
    {
        a->stepped = a->looked;
        a->steady_s = boot_s;
        a->offset_s = offset;
        a->looked = true;
    }
    if ( boot_s - a->steady_s >= STEADY_S )
        return true;
    /* A clock that is ahead since the start would find it long unchanged. */
    return !a->stepped && !fstat(dir, &st) &&
           llabs((int64_t)wall_s - (int64_t)st.st_mtime) < WITNESS_S;
}
