/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/common/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/flightrec.h>

#include "lib/xen/hyp-tbuf.h"
#include "snapshotd/common/log.h"
#include "snapshotd/common/proto.h"

enum conf_type {
    CONF_TEXT,
    CONF_ABSOLUTE,         /* a text that is or begins with a path */
    CONF_BOOL,
    CONF_U32,
    CONF_S32,
    CONF_U32_BYTES,
    CONF_U64_BYTES,
    CONF_SECONDS,          /* 0 is "off" */
    CONF_MS,
    CONF_COMMAND,          /* an absolute path, and words */
    CONF_RATE,             /* struct limit_rate */
    CONF_CAUSES,           /* bits of words */
    CONF_SOURCES,
    CONF_MASK,             /* of 28 bits, as Xen's event masks */
    CONF_CHOICE,           /* the number of a word */
};

/* The words of a CONF_CHOICE, by number. */
enum { CHOICE_BACKEND, CHOICE_CPUS, CHOICE_EXIT, CHOICE_GUESTS };
#define CHOICES 3

static const char *const choices[][CHOICES] = {
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

static const char *const choices_text[] = {
    [CHOICE_BACKEND] = "auto, flightrec or tbuf",
    [CHOICE_CPUS] = "keep or all",
    [CHOICE_EXIT] = "auto, keep or disable",
    [CHOICE_GUESTS] = "none, named or all",
};

/*
 * Every key there is.  min and max bound numbers, those of a rate's tokens; max:
 * room for texts; min: CHOICE_* of words.
 */
static const struct conf_key {
    const char *section, *name;
    enum conf_type type;
    size_t offset;
    int64_t min, max;
} keys[] = {
#define FIELD(f) offsetof(struct conf, f)
    { "daemon", "user", CONF_TEXT, FIELD(user), 0, 64 },
    { "daemon", "state", CONF_ABSOLUTE, FIELD(state), 0, CONF_PATH },
    { "daemon", "run", CONF_ABSOLUTE, FIELD(run), 0, CONF_PATH },
    { "daemon", "heartbeat", CONF_U32, FIELD(heartbeat_s), 1, 3600 },
    { "recorder", "create", CONF_BOOL, FIELD(create), 0, 0 },
    { "recorder", "bytes_per_cpu", CONF_U32_BYTES, FIELD(bytes_per_cpu),
      XEN_FLIGHTREC_MIN_CPU_BYTES, XEN_FLIGHTREC_MAX_CPU_BYTES },
    { "recorder", "backend", CONF_CHOICE, FIELD(backend), CHOICE_BACKEND, 0 },
    { "tbuf", "events", CONF_MASK, FIELD(tbuf_events), 0, 0 },
    { "tbuf", "cpus", CONF_CHOICE, FIELD(tbuf_cpus), CHOICE_CPUS, 0 },
    { "tbuf", "at_exit", CONF_CHOICE, FIELD(tbuf_at_exit), CHOICE_EXIT, 0 },
    { "trigger", "causes", CONF_CAUSES, FIELD(causes), 0, 0 },
    { "trigger", "requests", CONF_SOURCES, FIELD(sources), 0, 0 },
    { "trigger", "delay", CONF_MS, FIELD(delay_ms), 0, 60000 },
    { "limit", "domain", CONF_RATE, FIELD(per_domain), 1, 10000 },
    { "limit", "total", CONF_RATE, FIELD(total), 1, 10000 },
    { "limit", "guest", CONF_RATE, FIELD(guest), 1, 10000 },
    { "limit", "requests", CONF_RATE, FIELD(requests), 1, 10000 },
    { "store", "max_files", CONF_U32, FIELD(max_files), 1, 100000 },
    { "store", "max_bytes", CONF_U64_BYTES, FIELD(max_bytes), 1 << 20,
      1ULL << 50 },
    { "store", "max_age", CONF_SECONDS, FIELD(max_age_s), 1, 1U << 31 },
    { "store", "min_free", CONF_U64_BYTES, FIELD(min_free), 0, 1ULL << 50 },
    { "store", "keep_partial", CONF_BOOL, FIELD(keep_partial), 0, 0 },
    { "guests", "may_ask", CONF_CHOICE, FIELD(guests), CHOICE_GUESTS, 0 },
    { "write", "compression_level", CONF_S32, FIELD(compression_level), -64,
      12 },
    { "status", "textfile", CONF_ABSOLUTE, FIELD(textfile), 0, CONF_PATH },
    { "hook", "program", CONF_COMMAND, FIELD(hook), 0, CONF_PATH },
    { "hook", "user", CONF_TEXT, FIELD(hook_user), 0, 64 },
    { "hook", "timeout", CONF_SECONDS, FIELD(hook_timeout_s), 1, 3600 },
    { "write", "threads", CONF_U32, FIELD(threads), 0, 16 },
#undef FIELD
};

struct conf_parse {
    struct conf *conf;
    char *why;             /* about the first bad line, without its number */
    size_t why_bytes;
    bool bad;
};

/* Words of a set; the bit of each is its place. */
static const char *const cause_words[] = {
    [XEN_FLIGHTREC_CAUSE_CRASH] = "crash",
    [XEN_FLIGHTREC_CAUSE_XEN_CRASH] = "xen-crash",
    [XEN_FLIGHTREC_CAUSE_WATCHDOG] = "watchdog",
    [XEN_FLIGHTREC_CAUSE_TRIPLE] = "triple-fault",
    [XEN_FLIGHTREC_CAUSE_VIRIDIAN] = "viridian",
};
static const char *const source_words[] = {
    [FROM_XENSTORE] = "xenstore",
    [FROM_SIGNAL] = "signal",
    [FROM_SOCKET] = "socket",
};

#define WORDS(w)    (sizeof(w) / sizeof((w)[0]))
/* Those with a word: not a request. */
#define ALL_CAUSES  ((1U << WORDS(cause_words)) - \
                     (1U << (XEN_FLIGHTREC_CAUSE_REQUEST + 1)))
#define ALL_SOURCES ((1U << WORDS(source_words)) - 1)

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
        .causes = ALL_CAUSES,
        .sources = ALL_SOURCES,
        .per_domain = { .burst = 8, .refill_s = 300 },
        .total = { .burst = 32, .refill_s = 60 },
        .requests = { .burst = 32, .refill_s = 10 },
        .max_files = 64,
        .max_bytes = 1ULL << 30,
        .hook_timeout_s = 30,
        .guests = CONF_GUESTS_NONE,
        .guest = { .burst = 2, .refill_s = 900 },
        .min_free = 64ULL << 20,
    };
}

/* The suffixes of a number, and their factors. */
struct unit {
    const char *name;
    uint32_t by;
};

static const struct unit units_none[] = { { "", 1 }, { NULL, 0 } };
static const struct unit units_bytes[] = {
    { "", 1 }, { "K", 1U << 10 }, { "M", 1U << 20 }, { "G", 1U << 30 },
    { NULL, 0 },
};
static const struct unit units_seconds[] = {
    { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { NULL, 0 },
};
static const struct unit units_ms[] = {
    { "ms", 1 }, { "s", 1000 }, { NULL, 0 },
};

static int parse_number(const char *s, const struct unit *units, int64_t *out)
{
    const bool minus = *s == '-';
    unsigned long long n;
    char *end;

    s += minus;
    if ( *s < '0' || *s > '9' )
        return -EINVAL;
    errno = 0;
    n = strtoull(s, &end, 10);
    /* Nothing needs no unit. */
    if ( !errno && !n && !*end )
        units = units_none;
    while ( units->name && strcmp(units->name, end) )
        units++;
    if ( !units->name )
        return -EINVAL;
    if ( errno || n > (uint64_t)INT64_MAX / units->by )
        return -ERANGE;
    *out = minus ? -(int64_t)(n * units->by) : (int64_t)(n * units->by);
    return 0;
}

static int parse_bool(const char *s, int64_t *out)
{
    if ( strcmp(s, "yes") && strcmp(s, "no") )
        return -EINVAL;
    *out = !strcmp(s, "yes");
    return 0;
}

static int parse_mask(const char *s, int64_t *out)
{
    char *end;

    *out = strtoll(s, &end, 0);
    return *s < '0' || *s > '9' || *end || !*out || *out >> 28 ? -EINVAL : 0;
}

static int parse_choice(const struct conf_key *k, const char *s, int64_t *out)
{
    for ( *out = 0; *out < CHOICES && choices[k->min][*out]; ++*out )
        if ( !strcmp(choices[k->min][*out], s) )
            return 0;
    return -EINVAL;
}

/* TOKENS/TIME, or off. */
static int parse_rate(const char *s, const struct conf_key *k,
                      struct limit_rate *out)
{
    const char *slash = strchr(s, '/');
    char tokens[16];
    int64_t n, time;
    int rc;

    if ( !strcmp(s, "off") )
    {
        *out = (struct limit_rate){ .burst = 1 };
        return 0;
    }
    if ( !slash || slash - s >= (int)sizeof(tokens) )
        return -EINVAL;
    snprintf(tokens, sizeof(tokens), "%.*s", (int)(slash - s), s);
    rc = parse_number(tokens, units_none, &n);
    if ( !rc )
        rc = parse_number(slash + 1, units_seconds, &time);
    if ( rc )
        return rc;
    if ( n < k->min || n > k->max || time < 1 || time > 86400 )
        return -ERANGE;
    *out = (struct limit_rate){ .burst = n, .refill_s = time };
    return 0;
}

/* Words with blanks between them; "none" stands alone. */
static int parse_words(const char *s, const char *const words[], size_t nr,
                       int64_t *out)
{
    char copy[256], *word, *rest = copy;
    size_t i;

    *out = 0;
    if ( !strcmp(s, "none") )
        return 0;
    if ( !*s || strlen(s) >= sizeof(copy) )
        return -EINVAL;
    strcpy(copy, s);
    while ( (word = strsep(&rest, " \t")) )
    {
        for ( i = 0; i < nr; i++ )
            if ( words[i] && !strcmp(words[i], word) )
                break;
        if ( i == nr && *word )
            return -EINVAL;
        if ( i < nr )
            *out |= 1U << i;
    }
    return 0;
}

static int set_text(char *field, const struct conf_key *k, const char *value)
{
    if ( !*value || strlen(value) >= (size_t)k->max )
        return -EINVAL;
    strcpy(field, value);
    return 0;
}

static unsigned int count_words(const char *s)
{
    unsigned int n = 0;

    while ( *(s += strspn(s, " \t")) )
    {
        s += strcspn(s, " \t");
        n++;
    }
    return n;
}

static int in_range(const struct conf_key *k, int64_t n)
{
    return n < k->min || n > k->max ? -ERANGE : 0;
}

static int set_key(struct conf *c, const struct conf_key *k, const char *value,
                   const char **expects)
{
    char *field = (char *)c + k->offset;
    int64_t n;
    int rc;

    switch ( k->type )
    {
    case CONF_TEXT:
        *expects = "a text that is not empty and not too long";
        return set_text(field, k, value);

    case CONF_ABSOLUTE:
        *expects = "an absolute path";
        return *value == '/' ? set_text(field, k, value) : -EINVAL;

    case CONF_COMMAND:
        *expects = "an absolute path and arguments, at most 16 words";
        return *value == '/' && count_words(value) <= CONF_HOOK_WORDS
                   ? set_text(field, k, value)
                   : -EINVAL;

    case CONF_RATE:
        *expects = "how many at once and the time after which one more may "
                   "come, like 8/5m, or off";
        return parse_rate(value, k, (struct limit_rate *)field);

    case CONF_BOOL:
        *expects = "yes or no";
        rc = parse_bool(value, &n);
        break;

    case CONF_MASK:
        *expects = "a mask of event classes, like 0x0782f000";
        rc = parse_mask(value, &n);
        break;

    case CONF_CHOICE:
        *expects = choices_text[k->min];
        rc = parse_choice(k, value, &n);
        break;

    case CONF_CAUSES:
        *expects = "none, or some of crash xen-crash watchdog triple-fault "
                   "viridian";
        rc = parse_words(value, cause_words, WORDS(cause_words), &n);
        break;

    case CONF_SOURCES:
        *expects = "none, or some of xenstore signal socket";
        rc = parse_words(value, source_words, WORDS(source_words), &n);
        break;

    case CONF_SECONDS:
        *expects = "a time in its range, like 30d, or off";
        n = 0;
        rc = strcmp(value, "off") ? parse_number(value, units_seconds, &n) : 0;
        rc = rc || !n ? rc : in_range(k, n);
        break;

    case CONF_MS:
        *expects = "a time in its range, like 500ms";
        rc = parse_number(value, units_ms, &n);
        rc = rc ? rc : in_range(k, n);
        break;

    case CONF_U32_BYTES:
    case CONF_U64_BYTES:
        *expects = "a size in its range, like 64M";
        rc = parse_number(value, units_bytes, &n);
        rc = rc ? rc : in_range(k, n);
        break;

    default:
        *expects = "a number in its range";
        rc = parse_number(value, units_none, &n);
        rc = rc ? rc : in_range(k, n);
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

int conf_load(struct conf *c, const char *path, char *why, size_t why_bytes)
{
    int rc;

    conf_default(c);
    rc = conf_read(c, path ? path : CONF_DEFAULT_FILE, why, why_bytes);
    return rc == -ENOENT && !path ? 0 : rc;
}
