/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dump XENFLIGHT FILE...: measure the size of snapshots' records on disk and
 * the speed of writing and reading them, compared with lz4 alone, zstd on these
 * bytes, and babeltrace2 on the same events.  XENFLIGHT is the program.
 *
 * All runs in one process and in interleaved rounds; a figure is the median of
 * ROUNDS.  Rates are MB/s of packets, the bytes in a ring; ratios are computed
 * per round, and their median is printed.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <lz4frame.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "lib/format/columns.h"
#include "lib/format/doc.h"
#include "lib/read/merge.h"
#include "lib/format/pack.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot.h"

#define ROUNDS    15
#define COPIES    24  /* copies of the packets, more than caches hold */
#define MAX_SLOTS 4096
#define BIG_BYTES (512ULL << 20)

static void die(const char *what, int rc)
{
    fprintf(stderr, "dump: %s: %s\n", what, strerror(-rc));
    exit(1);
}

static void *get(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if ( p == MAP_FAILED )
        die("memory", -ENOMEM);
    return p;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof(*v), by_value);
    return v[ROUNDS / 2];
}

/*
 * The packets of a file as in the rings, frame by frame, and the same events as
 * xentrace stores them: 4 bytes of header, 8 of TSC, the payload.
 */
struct input {
    char *meta;
    size_t meta_bytes;
    uint8_t *plain;
    size_t bytes;
    size_t frame[MAX_SLOTS];   /* end of each */
    unsigned int frames;
    uint8_t *xentrace;
    size_t xentrace_bytes;
    uint64_t records;
    double tsc_khz;
};

static void add_xentrace(struct input *in, const struct packet *p)
{
    struct packet_record rec;
    struct packet_iter it;

    packet_iter_init(&it, p);
    while ( packet_next(&it, &rec) == 1 )
    {
        uint32_t head = 1U << 31 | (uint32_t)rec.words << 28 | rec.id;
        uint8_t *at = in->xentrace + in->xentrace_bytes;

        memcpy(at, &head, 4);
        memcpy(at + 4, &rec.tsc, 8);
        memcpy(at + 12, rec.data, rec.words * 4);
        in->xentrace_bytes += 12 + rec.words * 4;
        in->records++;
    }
}

static void add_frame(struct input *in, const void *data, size_t len)
{
    struct packet p;

    memcpy(in->plain + in->bytes, data, len);
    for ( size_t off = 0; off < len; off += p.hdr.used_bytes )
    {
        if ( packet_parse(in->plain + in->bytes + off, len - off, &p) )
            die("packet", -EBADMSG);
        add_xentrace(in, &p);
    }
    in->bytes += len;
    in->frame[in->frames++] = in->bytes;
}

static void load(const char *path, struct input *in)
{
    struct snapshot_fault fault;
    struct snapshot *s;
    void *buf = NULL;
    size_t size = 0, len;
    int rc = snapshot_open(path, &s, &fault);

    if ( !rc )
        rc = snapshot_json(s, SNAPSHOT_META, &in->meta, &in->meta_bytes);
    if ( rc )
        die(path, rc);

    in->plain = get(256 << 20);
    in->xentrace = get(1 << 30);
    for ( uint32_t i = 0; i < snapshot_frames(s) && i < MAX_SLOTS; i++ )
    {
        if ( snapshot_frame(s, i)->kind != SNAPSHOT_DATA )
            continue;
        rc = snapshot_read(s, i, &buf, &size, &len);
        if ( rc )
            die(path, rc);
        add_frame(in, buf, len);
    }
    free(buf);
    snapshot_close(s);
}

/*
 * Size: each codec over the same frames.
 */

typedef size_t codec(const void *in, size_t len, void *out, size_t room);

static size_t lz4(const void *in, size_t len, void *out, size_t room)
{
    return pack_lz4(0, in, len, out, room);
}

#ifdef HAVE_ZSTD
static size_t zstd(const void *in, size_t len, void *out, size_t room)
{
    return ZSTD_compress(out, room, in, len, -1);
}
#endif

static size_t columns_lz4(const void *in, size_t len, void *out, size_t room)
{
    static struct columns_work *work;
    static uint8_t *packed;
    size_t bytes;

    if ( !work )
    {
        work = columns_work_new(SNAPSHOT_MAX_DATA_BYTES);
        packed = get(SNAPSHOT_MAX_DATA_BYTES);
    }
    return columns_pack(work, in, len, packed, &bytes)
               ? lz4(in, len, out, room)
               : lz4(packed, bytes, out, room);
}

struct result {
    size_t stored;
    double secs;
};

/* plain: in the file's frames; else in pieces of 256 KiB. */
static struct result compress(const struct input *in, codec *fn, bool plain)
{
    static uint8_t out[2 * SNAPSHOT_MAX_DATA_BYTES];
    size_t from = 0, len = plain ? in->bytes : in->xentrace_bytes, i = 0;
    const uint8_t *data = plain ? in->plain : in->xentrace;
    struct result r = { 0 };
    double begin = now();

    while ( from < len )
    {
        size_t to = plain                               ? in->frame[i++]
                    : len - from < SNAPSHOT_CHUNK_BYTES ? len
                                                : from + SNAPSHOT_CHUNK_BYTES;

        r.stored += fn(data + from, to - from, out, sizeof(out));
        from = to;
    }
    r.secs = now() - begin;
    return r;
}

static const struct method {
    const char *name;
    codec *fn;
    bool plain;
} methods[] = {
    { "xentrace's records, lz4", lz4, false },
#ifdef HAVE_ZSTD
    { "xentrace's records, zstd -1", zstd, false },
#endif
    { "our packets, lz4", lz4, true },
#ifdef HAVE_ZSTD
    { "our packets, zstd -1", zstd, true },
#endif
    { "our packets, columns, lz4", columns_lz4, true },
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

static void bench_size(const struct input *in)
{
    static double secs[METHODS][ROUNDS], ratio[METHODS][ROUNDS];
    struct result r[METHODS];
    unsigned int base = 0;

    for ( unsigned int m = 0; m < METHODS; m++ )
        if ( methods[m].plain && methods[m].fn == lz4 )
            base = m;
    for ( unsigned int i = 0; i < ROUNDS; i++ )
    {
        for ( unsigned int m = 0; m < METHODS; m++ )
        {
            r[m] = compress(in, methods[m].fn, methods[m].plain);
            secs[m][i] = r[m].secs;
        }
        for ( unsigned int m = 0; m < METHODS; m++ )
            ratio[m][i] = secs[base][i] / secs[m][i];
    }

    printf("%-30s%10s%16s%14s%20s\n", "", "bytes/ev", "x xentrace+lz4",
           "ns/event", "speed x packets+lz4");
    for ( unsigned int m = 0; m < METHODS; m++ )
        printf("%-30s%10.2f%16.2f%14.1f%20.2f\n", methods[m].name,
               r[m].stored / (double)in->records,
               r[m].stored / (double)r[0].stored,
               median(secs[m]) * 1e9 / in->records, median(ratio[m]));
}

/*
 * Dump: slots to a file, as the daemon does it.
 */

static uint64_t dump(const struct input *in, const struct snapshot_how *how,
                     int fd, uint64_t bytes, double *first)
{
    struct snapshot_writer *w;
    struct snapshot_totals t;
    uint64_t done = 0, seq = 1;
    double begin = now();
    int rc = snapshot_create_as(fd, 0, how, &w);

    if ( !rc )
        rc = snapshot_put_meta(w, in->meta, in->meta_bytes);
    for ( unsigned int copy = 0; !rc && done < bytes; copy++ )
        for ( size_t at = 0; !rc && at < in->bytes && done < bytes; )
        {
            /* Each copy acts as another pCPU's ring. */
            struct xen_flightrec_packet *hdr = (void *)(in->plain + at);

            hdr->seq = seq++;
            rc = snapshot_put_packet(w, hdr, in->bytes - at);
            at += hdr->used_bytes;
            done += hdr->used_bytes;
            if ( first && !*first && done > 2 << 20 && !rc )
            {
                rc = snapshot_flush(w);
                if ( fdatasync(fd) )
                    rc = -errno;
                *first = now() - begin;
            }
        }
    if ( rc || (rc = snapshot_finish(w, &t)) )
        die("dump", rc);
    return done;
}

static int new_file(void)
{
    char name[] = "./xenflight-bench-XXXXXX";
    int fd = mkstemp(name);

    if ( fd < 0 )
        die("temporary file", -errno);
    unlink(name);
    return fd;
}

/* Plain liblz4 over the same bytes: no file and no hash. */
static double plain_lz4(const struct input *in, uint64_t bytes)
{
    static uint8_t out[2 * SNAPSHOT_MAX_DATA_BYTES];
    double begin = now();
    uint64_t done = 0;

    while ( done < bytes )
        for ( size_t from = 0, i = 0; from < in->bytes; from = in->frame[i++] )
        {
            lz4(in->plain + from, in->frame[i] - from, out, sizeof(out));
            done += in->frame[i] - from;
        }
    return (now() - begin) * bytes / done;
}

static double dump_secs(const struct input *in, const struct snapshot_how *how,
                        uint64_t bytes)
{
    int fd = new_file();
    double begin = now(), secs;

    dump(in, how, fd, bytes, NULL);
    secs = now() - begin;
    close(fd);
    return secs;
}

static void bench_dump(const struct input *in)
{
    const struct snapshot_how plain = { .plain = true };
    struct snapshot_how one = { 0 }, two = { 0 };
    const struct snapshot_how *how[] = { &plain, &one, &two };
    static const char *const name[] = {
        "lz4 alone, one thread", "columns, one thread", "columns, two threads",
    };
    static double secs[3][ROUNDS], by_lz4[3][ROUNDS], by_one[3][ROUNDS];
    static double base[ROUNDS];
    uint64_t bytes = in->bytes * COPIES;
    int rc = pack_pool_new(1, &two.pool);

    if ( rc )
        die("threads", rc);
    for ( unsigned int i = 0; i < ROUNDS; i++ )
    {
        base[i] = plain_lz4(in, bytes);
        for ( unsigned int h = 0; h < 3; h++ )
            secs[h][i] = dump_secs(in, how[h], bytes);
        for ( unsigned int h = 0; h < 3; h++ )
        {
            by_lz4[h][i] = base[i] / secs[h][i];
            by_one[h][i] = secs[1][i] / secs[h][i];
        }
    }

    printf("\ndump into the page cache, %.0f MB of packets\n%-30s%10s%16s%16s\n",
           bytes / 1e6, "", "MB/s", "x liblz4", "x one thread");
    printf("%-30s%10.0f%16.2f\n", "liblz4 on the same bytes",
           bytes / 1e6 / median(base), 1.0);
    for ( unsigned int h = 0; h < 3; h++ )
        printf("%-30s%10.0f%16.2f%16.2f\n", name[h],
               bytes / 1e6 / median(secs[h]), median(by_lz4[h]),
               median(by_one[h]));
}

static void bench_big(const struct input *in)
{
    struct snapshot_how how = { 0 };
    struct rusage before, after;
    double begin, all, synced, first = 0;
    int fd = new_file(), rc = pack_pool_new(1, &how.pool);

    if ( rc )
        die("threads", rc);
    getrusage(RUSAGE_SELF, &before);
    begin = now();
    dump(in, &how, fd, BIG_BYTES, &first);
    all = now() - begin;
    fsync(fd);
    synced = now() - begin;
    getrusage(RUSAGE_SELF, &after);
    printf("512 MiB of rings, two threads: the first 2 MiB on the disk after "
           "%.1f ms, all written after %.2f s, on the disk after %.2f s; %.1f "
           "MiB more of memory at the most\n\n", first * 1e3, all, synced,
           (after.ru_maxrss - before.ru_maxrss) / 1024.0);
    close(fd);
}

/*
 * Reading.
 */

static uint64_t read_all(struct snapshot *s, bool walk)
{
    void *buf = NULL;
    size_t size = 0, len;
    uint64_t n = 0;

    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
    {
        struct packet_record rec;
        struct packet_iter it;
        struct packet p;

        if ( snapshot_frame(s, i)->kind != SNAPSHOT_DATA )
            continue;
        if ( snapshot_read(s, i, &buf, &size, &len) )
            die("read", -EBADMSG);
        for ( size_t at = 0; walk && at < len; at += p.hdr.used_bytes )
        {
            packet_parse((uint8_t *)buf + at, len - at, &p);
            packet_iter_init(&it, &p);
            while ( packet_next(&it, &rec) == 1 )
                n += rec.tsc != 0;
        }
    }
    free(buf);
    return n;
}

static uint64_t merge_all(struct snapshot *s)
{
    struct merge_record rec;
    struct merge *m;
    struct doc doc;
    uint64_t n = 0;
    char err[128];

    if ( doc_load(s, true, &doc, err, sizeof(err)) )
        die(err, -EBADMSG);
    if ( merge_open(s, doc.dict, &doc.clock, &m) )
        die("merge", -ENOMEM);
    while ( merge_next(m, &rec) > 0 )
        n++;
    merge_close(m);
    doc_free(&doc);
    return n;
}

static void inflate(const uint8_t *data, size_t len)
{
    static uint8_t out[SNAPSHOT_MAX_DATA_BYTES];
    LZ4F_dctx *d;

    if ( LZ4F_isError(LZ4F_createDecompressionContext(&d, LZ4F_VERSION)) )
        die("lz4", -ENOMEM);
    while ( len )
    {
        size_t in = len, room = sizeof(out);

        if ( LZ4F_isError(LZ4F_decompress(d, out, &room, data, &in, NULL)) )
            die("lz4", -EBADMSG);
        data += in;
        len -= in;
    }
    LZ4F_freeDecompressionContext(d);
}

static void bench_read(const struct input *in)
{
    static double lz4_secs[ROUNDS], secs[3][ROUNDS];
    static const char *const name[] = {
        "read frames", "and decode records", "merge in time order",
    };
    struct snapshot_how how = { 0 };
    int fd = new_file();
    uint64_t n = 0, merged = 0;
    struct snapshot *s;
    size_t len;
    void *file;

    dump(in, &how, fd, in->bytes, NULL);
    len = lseek(fd, 0, SEEK_END);
    file = mmap(NULL, len, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if ( file == MAP_FAILED || snapshot_open_fd(fd, &s, NULL) )
        die("file", -EIO);
    for ( unsigned int i = 0; i < ROUNDS; i++ )
    {
        double a = now(), b;

        inflate(file, len);
        b = now();
        lz4_secs[i] = b - a;
        read_all(s, false);
        a = now();
        secs[0][i] = a - b;
        n = read_all(s, true);
        b = now();
        secs[1][i] = b - a;
        merged = merge_all(s);
        secs[2][i] = now() - b;
    }

    printf("\n%-30s%14s%14s%10s\n", "read back, one core", "M records/s",
           "ns/record", "x lz4 -d");
    printf("%-30s%14.1f%14.1f\n", "lz4 -d", n / median(lz4_secs) / 1e6,
           median(lz4_secs) * 1e9 / n);
    for ( unsigned int i = 0; i < 3; i++ )
        printf("%-30s%14.1f%14.1f%10.2f\n", name[i],
               (i == 2 ? merged : n) / median(secs[i]) / 1e6,
               median(secs[i]) * 1e9 / n, median(secs[i]) / median(lz4_secs));
    snapshot_close(s);
    munmap(file, len);
    close(fd);
}

/*
 * Programs, on files with a longer history than the given one: the stream of
 * its first busy frames repeated, on several pCPUs.
 */

/* Time between two copies; a multiple that keeps the 20-bit stamps. */
static uint64_t copy_span(const struct packet *first, uint64_t last_tsc)
{
    uint64_t step = 1ULL << (XEN_FLIGHTREC_TIME_BITS + first->hdr.tsc_shift);

    return ((last_tsc - first->hdr.begin_tsc) / step + 1) * step;
}

/* Move a packet and its anchors to a later time. */
static void shift_packet(uint8_t *at, const struct packet *p, uint64_t by)
{
    struct xen_flightrec_packet hdr = p->hdr;
    size_t off = hdr.header_bytes;

    hdr.begin_tsc += by;
    memcpy(at, &hdr, sizeof(hdr));
    while ( off < hdr.used_bytes )
    {
        uint32_t head = packet_word(at + off), id = head & XEN_FLIGHTREC_ID_MASK;
        uint64_t tsc;

        if ( id == XEN_FLIGHTREC_ID_ANCHOR )
        {
            memcpy(&tsc, at + off + 4, sizeof(tsc));
            tsc += by;
            memcpy(at + off + 4, &tsc, sizeof(tsc));
        }
        off += 4 + 4 * (head >> XEN_FLIGHTREC_WORDS_SHIFT &
                        XEN_FLIGHTREC_WORDS_MASK) +
               4 * (id == XEN_FLIGHTREC_ID_ESCAPE);
    }
}

/* The packets of the first busy stream; `span` as of copy_span(). */
static unsigned int pick_stream(const struct input *in, const uint8_t **packet,
                                uint64_t *span)
{
    struct packet p, first = { .records = NULL };
    unsigned int n = 0;
    uint64_t last = 0;
    uint32_t records;

    for ( size_t at = 0; at < in->bytes && n < MAX_SLOTS;
          at += p.hdr.used_bytes )
    {
        packet_parse(in->plain + at, in->bytes - at, &p);
        if ( p.hdr.channel != XEN_FLIGHTREC_CH_BUSY ||
             (n && p.hdr.cpu != first.hdr.cpu) )
            continue;
        if ( !n )
            first = p;
        packet[n++] = in->plain + at;
        packet_count(&p, &records, &last);
    }
    *span = copy_span(&first, last);
    return n;
}

/* The document, with its trigger moved to a later time. */
static char *later_meta(const struct input *in, uint64_t by)
{
    json_t *root = json_loadb(in->meta, in->meta_bytes, 0, NULL);
    json_t *trigger = json_object_get(root, "trigger");
    json_int_t tsc = json_integer_value(json_object_get(trigger, "tsc"));
    char *text;

    json_object_set_new(trigger, "tsc", json_integer(tsc + (json_int_t)by));
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static void write_long(const struct input *in, const char *path,
                       unsigned int cpus, uint64_t bytes)
{
    static const uint8_t *packet[MAX_SLOTS];
    static uint8_t copy[XEN_FLIGHTREC_MAX_SLOT_BYTES];
    uint64_t span, each = 0;
    unsigned int n = pick_stream(in, packet, &span), copies, cpu, i, k;
    int rc, fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct snapshot_writer *w;
    struct packet p;
    char *meta;

    for ( i = 0; i < n; i++ )
        each += ((const struct xen_flightrec_packet *)packet[i])->used_bytes;
    copies = bytes / cpus / each + 1;
    meta = later_meta(in, (copies - 1) * span);
    rc = fd < 0 ? -errno : snapshot_create(fd, 0, &w);
    if ( !rc )
        rc = snapshot_put_meta(w, meta, strlen(meta));
    for ( cpu = 0; !rc && cpu < cpus; cpu++ )
        for ( k = 0; !rc && k < copies; k++ )
            for ( i = 0; !rc && i < n; i++ )
            {
                packet_parse(packet[i], SNAPSHOT_MAX_DATA_BYTES, &p);
                memcpy(copy, packet[i], p.hdr.used_bytes);
                p.hdr.cpu = cpu;
                p.hdr.seq = k * n + i + 1;
                shift_packet(copy, &p, k * span);
                rc = snapshot_put_packet(w, copy, sizeof(copy));
            }
    if ( rc || (rc = snapshot_finish(w, NULL)) )
        die(path, rc);
    free(meta);
    close(fd);
}

/* The cost of one run of a program; secs below 0: it failed. */
struct cost {
    double secs, cpu_secs;
    long rss_kib;
};

/* Run a program and discard its output. */
static struct cost run(const char *const argv[])
{
    struct cost c = { .secs = -1 };
    double begin = now();
    struct rusage use;
    pid_t pid = fork();
    int status;

    if ( !pid )
    {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        dup2(null, 1);
        dup2(null, 2);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    if ( pid < 0 || wait4(pid, &status, 0, &use) != pid || status )
        return c;
    c.secs = now() - begin;
    c.cpu_secs = use.ru_utime.tv_sec + use.ru_stime.tv_sec +
                 (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
    c.rss_kib = use.ru_maxrss;
    return c;
}

static struct cost tell_run(const char *what, const char *const argv[])
{
    double secs[ROUNDS], cpu[ROUNDS];
    struct cost c = { 0 };

    for ( unsigned int i = 0; i < ROUNDS; i++ )
    {
        c = run(argv);
        secs[i] = c.secs;
        cpu[i] = c.cpu_secs;
    }
    c.secs = median(secs);
    c.cpu_secs = median(cpu);
    if ( c.secs < 0 )
        printf("%-45s failed, or is not installed\n", what);
    else
        printf("%-45s%8.3f s%10.3f s of CPU%8.1f MiB resident\n", what,
               c.secs, c.cpu_secs, c.rss_kib / 1024.0);
    return c;
}

static void bench_programs(const struct input *in, const char *xenflight)
{
    char dir[] = "./xenflight-bench-XXXXXX", big[64], small[64], ctf[64];
    char plugins[PATH_MAX];
    const char *const show[] = { xenflight, "show", "--last", "100ms", big,
                                 NULL };
    const char *const top[] = { xenflight, "top", small, NULL };
    const char *const lz4d[] = { "lz4", "-t", small, NULL };
    const char *const convert[] = { xenflight, "export", "--to", "ctf", "-o",
                                    ctf, small, NULL };
    const char *const babeltrace[] = { "babeltrace2", ctf, "-c",
                                       "sink.utils.dummy", NULL };
    const char *const plugin[] = { "babeltrace2", plugins, small, "-c",
                                   "sink.utils.dummy", NULL };
    const char *const clean[] = { "rm", "-rf", dir, NULL };
    struct cost ours, bt, direct;

    if ( !mkdtemp(dir) )
        die("temporary directory", -errno);
    snprintf(big, sizeof(big), "%s/big.xfr.lz4", dir);
    snprintf(small, sizeof(small), "%s/small.xfr.lz4", dir);
    snprintf(ctf, sizeof(ctf), "%s/ctf", dir);
    snprintf(plugins, sizeof(plugins), "--plugin-path=%.*s/babeltrace",
             (int)(strrchr(xenflight, '/') - xenflight), xenflight);
    write_long(in, big, 16, 1ULL << 30);
    write_long(in, small, 4, 32ULL << 20);

    printf("\nprograms, start and end included\n");
    tell_run("show --last 100ms of 1 GiB of packets", show);
    tell_run("lz4 -t of 32 MiB of packets", lz4d);
    ours = tell_run("top, which reads all of it", top);
    if ( run(convert).secs < 0 )
        die("export", -EIO);
    bt = tell_run("babeltrace2, the same events from CTF", babeltrace);
    direct = tell_run("babeltrace2, the file itself by our plugin", plugin);
    if ( bt.secs > 0 )
        printf("%-45s%8.2f x babeltrace2's CPU\n", "top",
               ours.cpu_secs / bt.cpu_secs);
    if ( bt.secs > 0 && direct.secs > 0 )
        printf("%-45s%8.2f x its CPU for CTF\n", "babeltrace2 by our plugin",
               direct.cpu_secs / bt.cpu_secs);
    run(clean);
}

int main(int argc, char **argv)
{
    if ( argc < 3 )
    {
        fprintf(stderr, "usage: dump XENFLIGHT FILE...\n");
        return 2;
    }
    for ( int i = 2; i < argc; i++ )
    {
        struct input in = { 0 };

        load(argv[i], &in);
        printf("%s%s: %" PRIu64 " records, %.2f bytes each in packets, medians "
               "of %d rounds\n", i > 2 ? "\n" : "", argv[i], in.records,
               in.bytes / (double)in.records, ROUNDS);
        /* First, before other cases have allocated memory. */
        if ( i == 2 )
            bench_big(&in);
        bench_size(&in);
        if ( i > 2 )
            continue;
        bench_read(&in);
        bench_dump(&in);
        bench_programs(&in, argv[1]);
    }
    return 0;
}
