/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-commands.c: run the commands that read files, on files with valid
 * hashes and any content.  Their output must be printable, each line of JSON
 * valid, and each file they write intact.  The input:
 *   byte 0  the command, modulo their number
 *   byte 1  bit 0: the document is the rest's first frame; else it is built in
 *           and changed
 *   built in: number of changes (1 byte); each: place (2 bytes), value (1 byte)
 *   frame by frame: length in 3 bytes, then as much content
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/format/event.h"
#include "lib/format/snapshot.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"
#include "tools/cmd.h"
#include "tools/base/message.h"

enum { TEXT, JSON, CSV, BINARY, WRITES, MAKES_DIR };

/* In the arguments below. */
#define IN_DIR    "\001"
#define FILE_NAME "\002"
#define OUT_NAME  "\003"
#define MAX_ARGS  12

static const struct {
    int (*run)(int argc, char **argv);
    int prints;
    const char *arg[MAX_ARGS];
} commands[] = {
    { cmd_show, TEXT, { "show", FILE_NAME } },
    { cmd_show, JSON, { "show", "--json", FILE_NAME } },
    { cmd_show, TEXT, { "show", "--columns", "time,ran,event,dom,reason,pcpu",
                        FILE_NAME } },
    { cmd_show, TEXT, { "show", "--last", FILE_NAME } },
    { cmd_show, TEXT, { "show", "--last", "1ms", "--filter",
                        "dom==1 || next_dom>2", FILE_NAME } },
    { cmd_show, TEXT, { "show", "--from", "-1s", "--to", "+1ms", "--domain",
                        "a", FILE_NAME } },
    { cmd_show, TEXT, { "show", "--clock", "realtime", FILE_NAME } },
    { cmd_info, TEXT, { "info", FILE_NAME } },
    { cmd_info, JSON, { "info", "--json", FILE_NAME } },
    { cmd_list, TEXT, { "list", IN_DIR } },
    { cmd_list, JSON, { "list", "--json", IN_DIR } },
    { cmd_explain, TEXT, { "explain", FILE_NAME } },
    { cmd_top, TEXT, { "top", FILE_NAME } },
    { cmd_top, JSON, { "top", "--json", "--vcpus", FILE_NAME } },
    { cmd_verify, TEXT, { "verify", FILE_NAME } },
    { cmd_report, WRITES, { "report", "-o", OUT_NAME, FILE_NAME } },
    { cmd_export, JSON, { "export", "--to", "json", FILE_NAME } },
    { cmd_export, CSV, { "export", "--to", "csv", FILE_NAME } },
    { cmd_export, BINARY, { "export", "--to", "perfetto", FILE_NAME } },
    { cmd_export, BINARY, { "export", "--to", "xentrace", FILE_NAME } },
    { cmd_export, MAKES_DIR, { "export", "--to", "ctf", "-o", OUT_NAME,
                               FILE_NAME } },
    { cmd_unpack, WRITES, { "unpack", "-o", OUT_NAME, FILE_NAME } },
    { cmd_redact, WRITES, { "redact", "--domain", "1", "-o", OUT_NAME,
                            FILE_NAME } },
    { cmd_diff, TEXT, { "diff", "--all", "--at", "-3500us", FILE_NAME } },
    { cmd_diff, JSON, { "diff", "--json", "--last", "3900us", FILE_NAME,
                        FILE_NAME } },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static char dir[] = "/tmp/xenflight-fuzz-XXXXXX";
static char file[64], out[64];
static FILE *said;                 /* stderr of the commands */
static int out_fd;                 /* their stdout */

static void expect(bool good)
{
    if ( !good )
        abort();
}

static void remove_out(void)
{
    struct dirent *e;
    DIR *d;

    if ( !unlink(out) || errno == ENOENT )
        return;
    d = opendir(out);
    while ( d && (e = readdir(d)) )
        if ( e->d_name[0] != '.' )
            unlinkat(dirfd(d), e->d_name, 0);
    if ( d )
        closedir(d);
    rmdir(out);
}

static void at_exit(void)
{
    remove_out();
    unlink(file);
    rmdir(dir);
}

/* Use a directory of its own, and print to memory. */
static void set_up(void)
{
    expect(mkdtemp(dir) != NULL);
    snprintf(file, sizeof(file), "%s/x" SNAPSHOT_SUFFIX, dir);
    snprintf(out, sizeof(out), "%s/out", dir);
    atexit(at_exit);
    out_fd = image_file("out");
    said = fmemopen(NULL, 1 << 16, "w+");
    expect(said != NULL);
}

/*
 * The document.
 */

/* Some of the list's events. */
static json_t *make_dictionary(void)
{
    static const char *const kept[] = {
        "SCHED_SWITCH", "SCHED_RUNSTATE_CHANGE", "SCHED_WAKE", "HVM_VMEXIT64",
        "HVM_VMENTRY", "PV_HYPERCALL_V2", "FR_DOMAIN_CRASH", "FR_CPU_DOWN",
    };
    json_t *events, *enums, *few = json_array(), *e;
    struct event_dict *dict;
    size_t i;

    expect(!event_dict_build(NULL, 0, EVENT_VENDOR_INTEL, &dict) &&
           !event_dict_to_json(dict, &events, &enums));
    json_array_foreach(events, i, e)
        for ( size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++ )
            if ( !strcmp(json_string_value(json_object_get(e, "name")),
                         kept[k]) )
                json_array_append(few, e);
    json_decref(events);
    event_dict_free(dict);
    return json_pack("{s:o, s:o}", "events", few, "enums", enums);
}

static json_t *make_meta(void)
{
    json_t *o = json_pack(
        "{s:i, s:{s:s,s:i,s:I,s:I,s:i,s:i,s:i,s:i,s:s,s:I,s:s,s:s,s:s},"
        " s:s, s:[s], s:s, s:[s], s:{s:s,s:s}, s:{s:s,s:s,s:s}}",
        "format", 1, "trigger", "cause", "crash", "gen", 7, "tsc",
        (json_int_t)9000000, "ns", (json_int_t)4500000, "cpu", 0, "domid", 1,
        "vcpu", 0, "reason", 3, "reason_text", "why", "rip",
        (json_int_t)-4096, "uuid", "f0", "name", "a", "source", "virq",
        "history", "partial", "history_why", "late", "backend", "flightrec",
        "limits", "none", "host", "name", "h", "kernel", "k",
        "xen", "version", "4.17", "build_id", "b", "cmdline", "c");

    expect(o != NULL);
    json_object_set_new(o, "clock", json_pack(
        "{s:i, s:i, s:[{s:i,s:i,s:I,s:i,s:i}], s:{s:i,s:i,s:i,"
        "s:[{s:i,s:i,s:i,s:i,s:i,s:i}]}}",
        "tsc_khz", 2000000, "tsc_shift", 3, "pairs", "tsc", 9000000, "ns",
        4500000, "wall_ns", (json_int_t)1700000000000000000, "mono_ns", 5,
        "width_ns", 100, "fit", "drift_ppb", 5, "ns", 4500000, "error_ns", 50,
        "spans", "cpu", 0, "offset", 5, "from_ns", 0, "to_ns", 9000000,
        "busy_ns", 8000000, "rare_ns", 8000000));
    json_object_set_new(o, "window", json_pack(
        "{s:{s:i,s:i}, s:{s:i,s:i}}", "busy", "from_tsc", 1000000, "to_tsc",
        9000000, "rare", "from_tsc", 1, "to_tsc", 9000000));
    json_object_set_new(o, "cpus", json_pack("[{s:i,s:i}]", "cpu", 0, "node",
                                             0));
    json_object_set_new(o, "domains", json_pack(
        "[{s:i,s:s},{s:i,s:s,s:s,s:i}]", "domid", 0, "name", "Domain-0",
        "domid", 1, "uuid", "f0", "name", "a", "vcpus", 2));
    json_object_set_new(o, "dictionary", make_dictionary());
    json_object_set_new(o, "streams", json_pack(
        "[{s:i,s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:{s:i,s:i},s:b,s:b}]", "cpu",
        0, "channel", "busy", "gen", 7, "slots", 8, "emitted", 12, "late", 0,
        "held", 12, "sacrificed", 0, "overwritten", 0, "lost", "nested", 0,
        "busy", 1, "quiescent", 1, "balanced", 1));
    json_object_set_new(o, "gaps", json_pack(
        "[{s:i,s:s,s:s,s:i,s:i,s:i}]", "cpu", 0, "channel", "busy", "cause",
        "no slot was free", "records", 1, "from_tsc", 5, "to_tsc", 6));
    json_object_set_new(o, "recording", json_false());
    return o;
}

/* Values of wrong types and sizes. */
static json_t *odd_value(uint8_t which)
{
    static const json_int_t number[] = {
        0, -1, 1, 7, 0x7ff0, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff,
        1LL << 40, INT64_MAX, INT64_MIN,
    };
    static const char *const text[] = {
        "", "\033[31m\n", "%s%n", "</script><script>", "{dom}", "a,b\"c\"",
        "dom:d16 vcpu:v16 a:x64 b:x64", "prev_dom:d32 next_dom:d32", "x:a",
        "../../etc/passwd", "\xc3\xa4\xe2\x82\xac", "crash", "busy",
    };
    const size_t numbers = sizeof(number) / sizeof(number[0]);
    json_t *o;

    if ( which < numbers )
        return json_integer(number[which]);
    which -= numbers;
    if ( which < sizeof(text) / sizeof(text[0]) )
        return json_string(text[which]);

    switch ( which % 7 )
    {
    case 0:
        return json_null();
    case 1:
        return json_true();
    case 2:
        return json_real(1e308);
    case 3:
        return json_object();
    case 4:
        o = json_array();
        for ( unsigned int i = 0; i < 300; i++ )
            json_array_append_new(o, json_integer(i * which));
        return o;
    case 5:
        o = json_array();
        for ( unsigned int i = 0; i < 500; i++ )
            o = json_pack("[o]", o);
        return o;
    default:
        return json_sprintf("%0*d", 1 + which * 40, 0);
    }
}

/* Replace or remove the n-th value under `o`; *n counts down to 0. */
static bool change(json_t *o, unsigned int *n, json_t *value)
{
    const char *key;
    json_t *child;
    size_t i;
    void *next;

    json_object_foreach_safe(o, next, key, child)
    {
        if ( !(*n)-- )
        {
            if ( value )
                json_object_set(o, key, value);
            else
                json_object_del(o, key);
            return true;
        }
        if ( change(child, n, value) )
            return true;
    }
    json_array_foreach(o, i, child)
    {
        if ( !(*n)-- )
        {
            if ( value )
                json_array_set(o, i, value);
            else
                json_array_remove(o, i);
            return true;
        }
        if ( change(child, n, value) )
            return true;
    }
    return false;
}

/* Return the number of input bytes consumed. */
static size_t put_meta(struct image *im, const uint8_t *data, size_t len)
{
    static json_t *ours;
    size_t at = 1, changes = len ? data[0] % 8 : 0;
    json_t *o;
    char *text;

    if ( !ours )
        ours = make_meta();
    o = json_deep_copy(ours);
    for ( ; changes-- && at + 3 <= len; at += 3 )
    {
        unsigned int n = (data[at] | data[at + 1] << 8) % 1024;
        json_t *value = data[at + 2] == 0xff ? NULL : odd_value(data[at + 2]);

        change(o, &n, value);
        json_decref(value);
    }
    text = json_dumps(o, JSON_COMPACT);
    expect(text != NULL);
    image_frame(im, (uint8_t *)text, strlen(text));
    free(text);
    json_decref(o);
    return at < len ? at : len;
}

static void put_file(const uint8_t *data, size_t len)
{
    struct image im = { .fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600) };
    size_t used = 1;

    expect(im.fd >= 0);
    image_header(&im);
    if ( !(data[0] & 1) )
        used += put_meta(&im, data + 1, len - 1);
    image_frames(&im, data + used, len - used);
    if ( im.frames )
        image_index(&im, 0, NULL);
    close(im.fd);
}

/*
 * Checks of the output.
 */

static void check_text(const char *text, size_t len)
{
    for ( size_t i = 0; i < len; i++ )
        expect(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
}

static void check_lines(const char *text, size_t len)
{
    const char *end = text + len, *eol;

    for ( ; text < end; text = eol + 1 )
    {
        json_t *o;

        eol = memchr(text, '\n', end - text);
        expect(eol != NULL);
        /* A TSC has 64 bits, unsigned. */
        o = json_loadb(text, eol - text,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
        expect(json_is_object(o));
        json_decref(o);
    }
}

static void check_output(int prints)
{
    off_t len = lseek(out_fd, 0, SEEK_END);
    char *text = mmap(NULL, len + 1, PROT_READ, MAP_PRIVATE, out_fd, 0);

    expect(text != MAP_FAILED);
    if ( prints == JSON )
        check_lines(text, len);
    else if ( prints != BINARY )
        check_text(text, len);
    munmap(text, len + 1);
}

static void check_said(void)
{
    static char buf[1 << 16];
    long len;

    fflush(said);
    len = ftell(said);
    rewind(said);
    len = fread(buf, 1, len, said);
    check_text(buf, len);
    rewind(said);
}

/* Check the file of unpack and redact; report writes a page instead. */
static void check_written(const char *command, int rc)
{
    int fd = open(out, O_RDONLY);

    if ( rc == EXIT_OK )
        expect(fd >= 0);
    if ( fd < 0 )
        return;
    if ( strcmp(command, "report") )
        expect(!snapshot_verify(fd, NULL, NULL));
    close(fd);
}

static void run(unsigned int n)
{
    char *argv[MAX_ARGS + 1] = { NULL };
    FILE *real_err = stderr;
    int argc = 0, rc, real_out;

    fflush(stdout);
    real_out = dup(STDOUT_FILENO);

    while ( argc < MAX_ARGS && commands[n].arg[argc] )
    {
        const char *arg = commands[n].arg[argc];

        argv[argc++] = strdup(*arg == *IN_DIR       ? dir
                              : *arg == *FILE_NAME ? file
                              : *arg == *OUT_NAME  ? out
                                                   : arg);
    }
    expect(!ftruncate(out_fd, 0) && !lseek(out_fd, 0, SEEK_SET));
    dup2(out_fd, STDOUT_FILENO);
    stderr = said;
    rc = commands[n].run(argc, argv);
    stderr = real_err;
    fflush(stdout);
    dup2(real_out, STDOUT_FILENO);
    close(real_out);

    expect(rc == EXIT_OK || rc == EXIT_FAIL);
    check_output(commands[n].prints);
    check_said();
    if ( commands[n].prints == WRITES )
        check_written(commands[n].arg[0], rc);
    remove_out();
    while ( argc-- )
        free(argv[argc]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if ( len < 3 )
        return 0;
    if ( !said )
        set_up();
    put_file(data + 1, len - 1);
    run(data[0] % NR_COMMANDS);
    return 0;
}
