/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/flightrec.h>

#include "lib/hyp-tbuf.h"
#include "log.h"

enum conf_type {
    CONF_TEXT,
    CONF_BOOL,
    CONF_U32,
    CONF_U32_BYTES,
    CONF_U64_BYTES,
    CONF_MASK,             /* of 28 bits, as Xen's event masks */
    CONF_CHOICE,           /* the number of a word */
};

/* The words of a CONF_CHOICE, by number. */
enum { CHOICE_BACKEND, CHOICE_CPUS, CHOICE_EXIT, CHOICE_GUESTS };
#define WORDS 3

static const char *const words[][WORDS] = {
    [CHOICE_BACKEND] = { [HYP_AUTO] = "auto", [HYP_FLIGHTREC] = "flightrec",
                         [HYP_TBUF] = "tbuf" },
    [CHOICE_CPUS] = { [CONF_TBUF_KEEP_CPUS] = "keep",
                      [CONF_TBUF_ALL_CPUS] = "all" },
    [CHOICE_EXIT] = { [HYP_TBUF_EXIT_AUTO] = "auto",
                      [HYP_TBUF_EXIT_KEEP] = "keep",
                      [HYP_TBUF_EXIT_DISABLE] = "disable" },
    [CHOICE_GUESTS] = { [CONF_GUESTS_NONE] = "none",
                        [CONF_GUESTS_NAMED] = "named",
                        [CONF_GUESTS_ALL] = "all" },
};

static const char *const words_text[] = {
    [CHOICE_BACKEND] = "auto, flightrec or tbuf",
    [CHOICE_CPUS] = "keep or all",
    [CHOICE_EXIT] = "auto, keep or disable",
    [CHOICE_GUESTS] = "none, named or all",
};

/*
 * Every key there is.  min and max bound numbers; max: room for texts; min:
 * CHOICE_* of words.
 */
static const struct conf_key {
    const char *section, *name;
    enum conf_type type;
    size_t offset;
    uint64_t min, max;
} keys[] = {
#define FIELD(f) offsetof(struct conf, f)
    { "daemon", "user", CONF_TEXT, FIELD(user), 0, 64 },
    { "daemon", "state", CONF_TEXT, FIELD(state), 0, CONF_PATH },
    { "daemon", "run", CONF_TEXT, FIELD(run), 0, CONF_PATH },
    { "daemon", "heartbeat", CONF_U32, FIELD(heartbeat_s), 1, 3600 },
    { "recorder", "create", CONF_BOOL, FIELD(create), 0, 0 },
    { "recorder", "bytes_per_cpu", CONF_U32_BYTES, FIELD(bytes_per_cpu),
      XEN_FLIGHTREC_MIN_CPU_BYTES, XEN_FLIGHTREC_MAX_CPU_BYTES },
    { "recorder", "backend", CONF_CHOICE, FIELD(backend), CHOICE_BACKEND, 0 },
    { "tbuf", "events", CONF_MASK, FIELD(tbuf_events), 0, 0 },
    { "tbuf", "cpus", CONF_CHOICE, FIELD(tbuf_cpus), CHOICE_CPUS, 0 },
    { "tbuf", "at_exit", CONF_CHOICE, FIELD(tbuf_at_exit), CHOICE_EXIT, 0 },
    { "store", "max_files", CONF_U32, FIELD(max_files), 1, 100000 },
    { "store", "max_bytes", CONF_U64_BYTES, FIELD(max_bytes), 1 << 20,
      1ULL << 50 },
    { "store", "keep_partial", CONF_BOOL, FIELD(keep_partial), 0, 0 },
    { "guests", "may_ask", CONF_CHOICE, FIELD(guests), CHOICE_GUESTS, 0 },
    { "guests", "burst", CONF_U32, FIELD(guest.burst), 1, 1000 },
    { "guests", "refill", CONF_U32, FIELD(guest.refill_s), 0, 1000000 },
#undef FIELD
};

struct conf_parse {
    struct conf *conf;
    char *why;             /* about the first bad line, without its number */
    size_t why_bytes;
    bool bad;
};

void conf_default(struct conf *c)
{
    *c = (struct conf){
        .user = "_xenflight",
        .state = "/var/lib/xen/snapshotd",
        .run = "/run/xenflight",
        .heartbeat_s = 10,
        .create = true,
        .bytes_per_cpu = 1 << 20,
        .tbuf_events = HYP_TBUF_MASK,
        .max_files = 64,
        .max_bytes = 1ULL << 30,
        .guests = CONF_GUESTS_NONE,
        .guest = { .burst = 2, .refill_s = 900 },
    };
}

/* A number, with K, M or G behind it if `bytes`. */
static int parse_number(const char *s, bool bytes, uint64_t *out)
{
    unsigned int shift = 0;
    char *end;

    if ( *s < '0' || *s > '9' )
        return -EINVAL;
    errno = 0;
    *out = strtoull(s, &end, 10);
    if ( errno )
        return -ERANGE;
    if ( bytes && *end )
    {
        const char *unit = strchr("KMG", *end);

        if ( !unit )
            return -EINVAL;
        shift = 10 * (unit - "KMG" + 1);
        end++;
    }
    if ( *end )
        return -EINVAL;
    if ( *out > UINT64_MAX >> shift )
        return -ERANGE;
    *out <<= shift;
    return 0;
}

static int parse_bool(const char *s, uint64_t *out)
{
    if ( strcmp(s, "yes") && strcmp(s, "no") )
        return -EINVAL;
    *out = !strcmp(s, "yes");
    return 0;
}

static int parse_mask(const char *s, uint64_t *out)
{
    char *end;

    *out = strtoull(s, &end, 0);
    return *s < '0' || *s > '9' || *end || !*out || *out >> 28 ? -EINVAL : 0;
}

static int parse_choice(const struct conf_key *k, const char *s, uint64_t *out)
{
    for ( *out = 0; *out < WORDS && words[k->min][*out]; ++*out )
        if ( !strcmp(words[k->min][*out], s) )
            return 0;
    return -EINVAL;
}

static int set_key(struct conf *c, const struct conf_key *k, const char *value,
                   const char **expects)
{
    char *field = (char *)c + k->offset;
    uint64_t n;
    int rc;

    switch ( k->type )
    {
    case CONF_TEXT:
        *expects = "a text that is not empty and not too long";
        if ( !*value || strlen(value) >= k->max )
            return -EINVAL;
        strcpy(field, value);
        return 0;

    case CONF_BOOL:
        *expects = "yes or no";
        rc = parse_bool(value, &n);
        break;

    case CONF_MASK:
        *expects = "a mask of event classes, like 0x0782f000";
        rc = parse_mask(value, &n);
        break;

    case CONF_CHOICE:
        *expects = words_text[k->min];
        rc = parse_choice(k, value, &n);
        break;

    default:
        *expects = k->type == CONF_U32 ? "a number in its range"
                                       : "a size in its range, like 64M";
        rc = parse_number(value, k->type != CONF_U32, &n);
        if ( !rc && (n < k->min || n > k->max) )
            rc = -ERANGE;
    }
    if ( rc )
        return rc;
    if ( k->type == CONF_U64_BYTES )
        *(uint64_t *)field = n;
    else
        *(uint32_t *)field = n;
    return 0;
}

/* For inih: 0 marks the line as bad. */
static int on_key(void *arg, const char *section, const char *name,
                  const char *value)
{
    struct conf_parse *p = arg;
    struct log_text a, b;
    const char *expects;
    size_t i;

    for ( i = 0; i < sizeof(keys) / sizeof(keys[0]); i++ )
    {
        if ( strcmp(keys[i].section, section) || strcmp(keys[i].name, name) )
            continue;
        if ( !set_key(p->conf, &keys[i], value, &expects) )
            return 1;
        if ( !p->bad )
            snprintf(p->why, p->why_bytes, "%s = \"%s\": takes %s", name,
                     log_escape(&a, value, strlen(value)), expects);
        p->bad = true;
        return 0;
    }
    if ( !p->bad )
        snprintf(p->why, p->why_bytes,
                 "unknown key \"%s\" in section [%s], see snapshotd.conf(5)",
                 log_escape(&a, name, strlen(name)),
                 log_escape(&b, section, strlen(section)));
    p->bad = true;
    return 0;
}

int conf_read(struct conf *c, const char *path, char *why, size_t why_bytes)
{
    char what[512] = "not a line of the form key = value";
    struct conf_parse p = { .conf = c, .why = what, .why_bytes = sizeof(what) };
    FILE *f;
    int line, rc;

    f = fopen(path, "re");
    if ( !f )
    {
        rc = -errno;
        snprintf(why, why_bytes, "%s: %s", path, strerror(-rc));
        return rc;
    }
    line = ini_parse_file(f, on_key, &p);
    rc = ferror(f) ? -EIO : 0;
    fclose(f);
    if ( line > 0 )
        snprintf(why, why_bytes, "%s:%d: %s", path, line, what);
    else if ( line || rc )
        snprintf(why, why_bytes, "%s: cannot be read", path);
    return line || rc ? -EINVAL : 0;
}
