/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * many.c XENFLIGHT DIRECTORY [MEMBER...]: run each command that reads
 * files on files with two repeated members of the format made large.
 *
 * A file chooses the length of each list in it.  If a reader multiplies two of
 * them, a small file costs minutes.  So the CPU time for two large members
 * must not exceed that for each of them alone by more than FACTOR, plus
 * SLACK_S for noise.  This holds on a machine of any speed.  The output is
 * TAP.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/format/event.h"
#include "lib/format/packet-write.h"
#include "lib/format/snapshot.h"

#define FACTOR  3
#define SLACK_S 0.2
/* A command that takes longer is killed. */
#define LIMIT_S 20

#define KHZ     2000000
#define END     (1ULL << 40)   /* TSC of the trigger */
#define TARGET  5              /* its domain */

#define NR(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The file under construction.
 */

static struct event_dict *dict;
static json_t *meta, *note;
static struct snapshot_writer *writer;
static uint64_t seq[UINT16_MAX][XEN_FLIGHTREC_CHANNELS];
static struct packet_write packet;
static uint8_t room[32768];
static uint64_t now;

static void must(bool good, const char *step)
{
    if ( good )
        return;
    printf("Bail out! %s: %s\n", step, strerror(errno));
    exit(1);
}

static void begin(uint16_t cpu, uint8_t channel, uint32_t lost)
{
    struct xen_flightrec_packet h = {
        .cpu = cpu, .channel = channel, .begin_tsc = now,
        .domid = PACKET_NO_DOMAIN,
    };

    seq[cpu][channel] += lost ? 2 : 1;
    h.seq = seq[cpu][channel];
    for ( unsigned int i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        h.lost[i] = lost;
    packet_begin(&packet, room, sizeof(room), &h);
}

static void end(void)
{
    size_t bytes = packet_end(&packet);

    must(!snapshot_put_packet(writer, room, bytes), "put_packet");
}

static void add(uint32_t event, unsigned int words, uint32_t a, uint32_t b,
                uint32_t c)
{
    const struct event_desc *desc = event_by_event(dict, event);
    struct packet_record rec = {
        .tsc = now += 1000, .words = words, .data = { a, b, c },
        .id = desc ? desc->id : XEN_FLIGHTREC_ID_ESCAPE, .event = event,
    };
    struct xen_flightrec_packet h;

    if ( packet_add(&packet, &rec) )
        return;
    memcpy(&h, room, sizeof(h));
    end();
    begin(h.cpu, h.channel, 0);
    must(packet_add(&packet, &rec), "packet_add");
}

#define RUNS(old, new) (0x00021001 | (old) << 8 | (new) << 4)
#define SCHED_SWITCH   0x0002800a
#define DOM_ADD        0x00028001
#define DOM_REM        0x00028002
#define VMEXIT64       0x00081102
#define HYPERCALL64    0x00201101

static uint32_t vcpu_of(uint32_t domid, uint32_t vcpu)
{
    return vcpu | domid << 16;
}

static void switch_to(uint32_t domid, uint32_t vcpu)
{
    add(RUNS(1, 0), 1, vcpu_of(domid, vcpu), 0, 0);
}

/*
 * The members.
 */

static void append(const char *key, json_t *value)
{
    json_t *list = json_object_get(meta, key);

    if ( !list )
    {
        list = json_array();
        json_object_set_new(meta, key, list);
    }
    json_array_append_new(list, value);
}

static void make_spans(unsigned int n)
{
    json_t *clock = json_object_get(meta, "clock"), *spans = json_array();

    for ( unsigned int i = 0; i < n; i++ )
        json_array_append_new(
            spans, json_pack("{si si si si si si}", "cpu", 0, "offset", 0,
                             "from_ns", 1, "to_ns", 1, "busy_ns", 0, "rare_ns",
                             0));
    json_object_set_new(clock, "fit",
                        json_pack("{si sI si so}", "drift_ppb", 0, "ns",
                                  (json_int_t)1000, "error_ns", 0, "spans",
                                  spans));
}

static void make_pairs(unsigned int n)
{
    json_t *pairs = json_object_get(json_object_get(meta, "clock"), "pairs");

    for ( unsigned int i = 0; i < n; i++ )
        json_array_append_new(pairs, json_pack("{si si si}", "tsc", i, "ns", i,
                                               "wall_ns", i));
}

static void make_accounts(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
        append("streams", json_pack("{si ss si}", "cpu", 60000 - i, "channel",
                                    "busy", "emitted", i));
}

static void make_gap_list(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
        append("gaps", json_pack("{si ss ss si si si}", "cpu", 0, "channel",
                                 "busy", "cause", "x", "records", 1,
                                 "from_tsc", i, "to_tsc", i + 1));
}

static void make_domains(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
        append("domains", json_pack("{si ss+ ss si}", "domid",
                                    100 + i % 32000, "name", "n", "x", "uuid",
                                    "0d13f592-31db-41cf-9d4a-b67a36dd7826",
                                    "vcpus", 1));
}

static void make_named(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
    {
        char name[16], uuid[40];

        snprintf(name, sizeof(name), "guest%u", i);
        snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-0000%08x", i + 1);
        append("domains", json_pack("{si ss ss}", "domid", 100 + i % 32000,
                                    "name", name, "uuid", uuid));
    }
}

static void make_cpus(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
        append("cpus", json_pack("{si si}", "cpu", i, "node", 0));
}

static void make_texts(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
    {
        append("limits", json_string("a limit of the backend"));
        append("history_why", json_string("a reason"));
    }
}

static void make_later(unsigned int n)
{
    json_t *list = json_array();

    json_object_set_new(meta, "recording", json_true());
    note = json_pack("{so}", "domains", list);
    for ( unsigned int i = 0; i < n; i++ )
        json_array_append_new(list, json_pack("{si ss}", "domid",
                                              100 + i % 32000, "name", "n"));
}

static void make_pcpus(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
    {
        begin(10 + i, 0, 0);
        switch_to(TARGET, 0);
        end();
    }
}

/* Frames that are not in the order of their streams. */
static void make_frames(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
    {
        begin(1 + i % 2, i % 2, 0);
        switch_to(TARGET, 1);
        end();
    }
}

static void make_gaps(unsigned int n)
{
    for ( unsigned int i = 0; i < n; i++ )
    {
        begin(0, 0, i + 1);
        add(VMEXIT64, 3, 30, i, 0);
        end();
    }
}

static void make_records(unsigned int n)
{
    begin(0, 0, 0);
    switch_to(TARGET, 0);
    for ( unsigned int i = 0; i < n; i++ )
        add(VMEXIT64, 3, i % 60, 0x1000, 0);
    end();
}

static void make_vcpus(unsigned int n)
{
    begin(0, 0, 0);
    for ( unsigned int i = 0; i < n; i++ )
    {
        switch_to(200 + i / 1000, i % 1000);
        add(VMEXIT64, 3, 30, 0x1000, 0);
        add(RUNS(0, 1), 1, vcpu_of(200 + i / 1000, i % 1000), 0, 0);
    }
    end();
}

/* vCPUs that share a slot if the hash is a product with 0x9e3779b1. */
static void make_colliding(unsigned int n)
{
    begin(0, 0, 0);
    for ( unsigned int i = 0; i < n; i++ )
    {
        /* 0x9e3779b1 * 0x144cbc89 == 1, modulo 2^32. */
        uint32_t key = (i << 25 | (i >> 7 & 0xff)) * 0x144cbc89U;

        add(RUNS(1, 0), 1, vcpu_of(key >> 16 & 0x7fff, key & 0xffff), 0, 0);
        add(VMEXIT64, 3, 30, 0x1000, 0);
    }
    end();
}

/* Domains that the document does not have. */
static void make_doms(unsigned int n)
{
    begin(0, 0, 0);
    for ( unsigned int round = 0; round < 4; round++ )
        for ( unsigned int i = 0; i < n; i++ )
        {
            switch_to(20000 + i, 0);
            add(HYPERCALL64, 3, 0, 0, 29);
        }
    end();
}

static void make_reasons(unsigned int n)
{
    begin(0, 0, 0);
    switch_to(TARGET, 0);
    for ( unsigned int i = 0; i < n; i++ )
    {
        add(VMEXIT64, 3, 1000 + i, 0x1000 + i, 0);
        add(HYPERCALL64, 3, i, 0, 1000 + i);
    }
    end();
}

static void make_lives(unsigned int n)
{
    begin(0, 1, 0);
    for ( unsigned int i = 0; i < n; i++ )
    {
        add(DOM_ADD, 1, 300 + i % 7000, 0, 0);
        add(DOM_REM, 1, 300 + i % 7000, 0, 0);
    }
    end();
}

/* Records of the rare channel that differ from many busy ones in little. */
static void make_rare(unsigned int n)
{
    begin(0, 1, 0);
    for ( unsigned int i = 0; i < n; i++ )
        add(VMEXIT64, 3, i % 60, 0x1001, 0);
    end();
}

static void make_unknown(unsigned int n)
{
    begin(0, 0, 0);
    for ( unsigned int i = 0; i < n; i++ )
        add(0x08f00000 + i, 1, i, 0, 0);
    end();
}

static const struct member {
    const char *name;
    void (*make)(unsigned int n);
    unsigned int n;
    bool packets;              /* else it is a part of a document */
} members[] = {
    { "spans", make_spans, 8000, false },
    { "pairs", make_pairs, 8000, false },
    { "accounts", make_accounts, 8000, false },
    { "gap-list", make_gap_list, 8000, false },
    { "domains", make_domains, 8000, false },
    { "named", make_named, 8000, false },
    { "later", make_later, 8000, false },
    { "cpus", make_cpus, 8000, false },
    { "texts", make_texts, 8000, false },
    { "vcpus", make_vcpus, 8000, true },
    { "colliding", make_colliding, 8000, true },
    { "doms", make_doms, 4000, true },
    { "reasons", make_reasons, 8000, true },
    { "lives", make_lives, 4000, true },
    { "unknown", make_unknown, 8000, true },
    { "pcpus", make_pcpus, 2000, true },
    { "frames", make_frames, 2000, true },
    { "rare", make_rare, 8000, true },
    { "records", make_records, 20000, true },
    { "gaps", make_gaps, 4000, true },
};

static void start_meta(void)
{
    json_t *events, *enums;

    must(!event_dict_to_json(dict, &events, &enums), "dictionary");
    note = NULL;
    meta = json_pack("{si s{ss si sI si ss} s{si si s[]} ss s{so so}}",
                     "format", 1,
                     "trigger", "cause", "crash", "gen", 1, "tsc",
                     (json_int_t)END, "domid", TARGET, "name", "victim",
                     "clock", "tsc_khz", KHZ, "tsc_shift", 0, "pairs",
                     "history", "complete",
                     "dictionary", "events", events, "enums", enums);
    must(meta, "meta");
}

static void put_document(bool is_note, json_t *doc)
{
    char *text = json_dumps(doc, JSON_COMPACT);

    must(text && !(is_note ? snapshot_put_note : snapshot_put_meta)
                      (writer, text, strlen(text)), "document");
    free(text);
}

/* Write a file in which these two members are large; either may be NULL. */
static void make_file(const char *path, const struct member *a,
                      const struct member *b)
{
    const struct member *const part[] = { a, b };
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    must(fd >= 0, path);
    memset(seq, 0, sizeof(seq));
    now = END - (1ULL << 36);
    start_meta();
    for ( unsigned int i = 0; i < NR(part); i++ )
        if ( part[i] && !part[i]->packets )
            part[i]->make(part[i]->n);

    must(!snapshot_create(fd, 0, &writer), "create");
    put_document(false, meta);
    begin(0, 0, 0);
    switch_to(TARGET, 0);
    end();
    for ( unsigned int i = 0; i < NR(part); i++ )
        if ( part[i] && part[i]->packets )
            part[i]->make(part[i]->n);
    begin(0, 0, 0);
    switch_to(TARGET, 0);
    end();
    if ( note )
        put_document(true, note);
    must(!snapshot_finish(writer, NULL), "finish");
    json_decref(meta);
    json_decref(note);
    close(fd);
}

/*
 * The commands.  @ and = stand for the file, + for a small one, % for the
 * output.
 */

static const char *const commands[] = {
    "info @", "info --json @", "verify @", "list @", "show @",
    "show --last=1ms @", "show --json --domain=5 @",
    "show --filter=dom==5 @", "top @", "top --vcpus @", "explain @",
    "diff + @", "diff @ +", "diff @ =", "report -o % @", "export --to=ctf -o % @",
    "export --to=perfetto -o % @", "export --to=xentrace -o % @",
    "export --to=csv -o % @", "redact --domain=5 -o % @", "unpack -o % @",
};

static double cost[NR(commands)][NR(members)];

static void replace(char *arg[], const char *sign, char *path)
{
    for ( ; *arg; arg++ )
        if ( !strcmp(*arg, sign) )
            *arg = path;
}

static void run_child(const char *xenflight, const char *command)
{
    const struct rlimit limit = { LIMIT_S, LIMIT_S + 1 };
    char words[64], *arg[12] = { (char *)xenflight };
    unsigned int n = 1;
    int null = open("/dev/null", O_WRONLY);

    snprintf(words, sizeof(words), "%s", command);
    for ( char *w = strtok(words, " "); w; w = strtok(NULL, " ") )
        arg[n++] = w;
    replace(arg, "@", "many.xfr.lz4");
    replace(arg, "=", "./many.xfr.lz4");
    replace(arg, "+", "few.xfr.lz4");
    replace(arg, "%", "out");
    dup2(null, 1);
    dup2(null, 2);
    setrlimit(RLIMIT_CPU, &limit);
    execv(xenflight, arg);
    _exit(127);
}

/* Run a command.  Return its CPU seconds; *status is that of waitpid(). */
static double run(const char *xenflight, const char *command, int *status)
{
    struct rusage u;
    pid_t pid;

    must(!system("rm -rf out"), "rm");
    fflush(stdout);
    pid = fork();
    if ( !pid )
        run_child(xenflight, command);
    must(pid > 0 && wait4(pid, status, 0, &u) == pid, "fork");
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static bool ended(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) < 126;
}

/* Measure each member alone, where a square would show as a killed command. */
static unsigned int measure_alone(const char *xenflight)
{
    unsigned int failed = 0;

    for ( unsigned int m = 0; m < NR(members); m++ )
    {
        unsigned int before = failed;

        make_file("many.xfr.lz4", &members[m], NULL);
        for ( unsigned int c = 0; c < NR(commands); c++ )
        {
            int status;

            cost[c][m] = run(xenflight, commands[c], &status);
            if ( ended(status) && cost[c][m] < LIMIT_S / 10.0 )
                continue;
            printf("# %s: %s: %.2f s, wait status %#x\n", members[m].name,
                   commands[c], cost[c][m], status);
            failed++;
        }
        printf("%sok - %u %s\n", failed > before ? "not " : "", members[m].n,
               members[m].name);
    }
    return failed;
}

/* Return how many commands multiply the two members. */
static unsigned int check_pair(const char *xenflight, unsigned int a,
                               unsigned int b)
{
    unsigned int failed = 0;

    make_file("many.xfr.lz4", &members[a], &members[b]);
    for ( unsigned int c = 0; c < NR(commands); c++ )
    {
        double limit = FACTOR * (cost[c][a] + cost[c][b]) + SLACK_S;
        int status;
        double used = run(xenflight, commands[c], &status);

        if ( ended(status) && used <= limit )
            continue;
        printf("# %s x %s: %s: %.2f s, alone %.2f s and %.2f s, status %#x\n",
               members[a].name, members[b].name, commands[c], used, cost[c][a],
               cost[c][b], status);
        failed++;
    }
    return failed;
}

static bool wanted(const char *name, char **only, int nr)
{
    for ( int i = 0; i < nr; i++ )
        if ( !strcmp(name, only[i]) )
            return true;
    return !nr;
}

int main(int argc, char **argv)
{
    unsigned int failed, pairs = 0;
    char *xenflight = argc > 2 ? realpath(argv[1], NULL) : NULL;

    must(xenflight && !chdir(argv[2]), "usage: many XENFLIGHT DIRECTORY");
    must(!event_dict_build(NULL, 0, EVENT_VENDOR_INTEL, &dict), "dictionary");
    make_file("few.xfr.lz4", NULL, NULL);
    failed = measure_alone(xenflight);
    for ( unsigned int a = 0; a < NR(members); a++ )
        for ( unsigned int b = a + 1; b < NR(members); b++ )
        {
            unsigned int bad;

            if ( !wanted(members[a].name, argv + 3, argc - 3) ||
                 !wanted(members[b].name, argv + 3, argc - 3) )
                continue;
            bad = check_pair(xenflight, a, b);
            if ( bad )
                printf("not ok - %s x %s\n", members[a].name, members[b].name);
            failed += bad;
            pairs++;
        }
    printf("%sok - %u pairs of members, %zu commands\n1..%zu\n",
           failed ? "not " : "", pairs, NR(commands), NR(members) + 1);
    event_dict_free(dict);
    free(xenflight);
    return !!failed;
}
