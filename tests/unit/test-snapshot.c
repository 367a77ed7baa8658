/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-snapshot.c: snapshot files: round trip, every cut, every flipped bit,
 * and a check by lz4(1).
 */

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/format/packet.h"
#include "lib/format/snapshot.h"
#include "tests/lib/gen.h"

#define META "{\"format\":1,\"what\":\"test\"}"
#define NOTE "{\"latency_ns\":{}}"

static struct gen g;

static int new_file(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* Make a packet of `n` records of two words.  Return its length. */
static uint32_t make_packet(unsigned int cpu, unsigned int channel,
                            unsigned int n)
{
    uint64_t tsc = 1000000 + g.seq * 1000000;

    g.cpu = cpu;
    g.channel = channel;
    g.shift = 3;
    gen_begin(&g, (struct gen_at){ .tsc = tsc, .domid = 1 });
    for ( unsigned int i = 0; i < n; i++ )
    {
        struct gen_record r = { .tsc = tsc + i * 100, .id = 2 + i % 7,
                                .words = 2, .data = { i, cpu } };

        assert_true(gen_add(&g, &r));
    }
    return gen_end(&g);
}

static struct snapshot_writer *begin(int fd)
{
    struct snapshot_writer *w;

    memset(&g, 0, sizeof(g));
    assert_int_equal(snapshot_create(fd, 1234567890, &w), 0);
    assert_int_equal(snapshot_put_meta(w, META, strlen(META)), 0);
    return w;
}

static void put(struct snapshot_writer *w, unsigned int cpu,
                unsigned int channel, unsigned int n)
{
    make_packet(cpu, channel, n);
    assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);
}

/* The file to cut and flip: three streams, four packets, a note. */
static int small_file(void)
{
    int fd = new_file();
    struct snapshot_writer *w = begin(fd);

    put(w, 0, XEN_FLIGHTREC_CH_RARE, 2);
    put(w, 0, XEN_FLIGHTREC_CH_BUSY, 5);
    put(w, 0, XEN_FLIGHTREC_CH_BUSY, 4);
    put(w, 1, XEN_FLIGHTREC_CH_BUSY, 3);
    assert_int_equal(snapshot_put_note(w, NOTE, strlen(NOTE)), 0);
    assert_int_equal(snapshot_finish(w, NULL), 0);
    return fd;
}

static uint8_t *slurp(int fd, size_t *len)
{
    uint8_t *data;

    *len = lseek(fd, 0, SEEK_END);
    data = malloc(*len);
    assert_non_null(data);
    assert_int_equal(pread(fd, data, *len, 0), *len);
    return data;
}

/* Count packets and records of all readable frames. */
struct sum {
    uint32_t frames, packets, records;
};

static struct sum read_all(struct snapshot *s)
{
    struct sum sum = { 0 };
    void *buf = NULL;
    size_t size = 0, len;

    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s, i);

        assert_int_equal(snapshot_read(s, i, &buf, &size, &len), 0);
        sum.frames++;
        if ( f->kind != SNAPSHOT_DATA )
            continue;

        for ( size_t off = 0; off < len; )
        {
            struct packet p;
            uint32_t records;
            uint64_t last;

            assert_int_equal(packet_parse((char *)buf + off, len - off, &p), 0);
            assert_int_equal(packet_count(&p, &records, &last), 0);
            assert_int_equal(p.hdr.cpu, f->cpu);
            sum.packets++;
            sum.records += records;
            off += p.hdr.used_bytes;
        }
    }

    free(buf);
    return sum;
}

static void test_write_read_round_trip(void **state)
{
    int fd = small_file();
    struct snapshot *s;
    const struct snapshot_frame *f;
    struct snapshot_totals t;
    struct sum sum;
    char *text;
    size_t len;

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    assert_null(snapshot_truncated(s));
    assert_int_equal(snapshot_header(s)->created_ns, 1234567890);
    assert_int_equal(snapshot_frames(s), 5);

    assert_int_equal(snapshot_json(s, SNAPSHOT_META, &text, &len), 0);
    assert_string_equal(text, META);
    assert_int_equal(len, strlen(META));
    free(text);
    assert_int_equal(snapshot_json(s, SNAPSHOT_NOTE, &text, &len), 0);
    assert_string_equal(text, NOTE);
    free(text);

    f = snapshot_frame(s, 2);
    assert_int_equal(f->kind, SNAPSHOT_DATA);
    assert_int_equal(f->cpu, 0);
    assert_int_equal(f->channel, XEN_FLIGHTREC_CH_BUSY);
    assert_int_equal(f->packets, 2);
    assert_int_equal(f->records, 9);
    assert_int_equal(f->first_seq, 2);
    assert_int_equal(f->last_seq, 3);
    assert_int_equal(f->first_tsc, 2000000);
    assert_int_equal(f->last_tsc, (3000000 + 300) >> 3 << 3);

    sum = read_all(s);
    assert_int_equal(sum.packets, 4);
    assert_int_equal(sum.records, 14);
    snapshot_close(s);

    assert_int_equal(snapshot_verify(fd, NULL, &t), 0);
    assert_int_equal(t.frames, 3);
    assert_int_equal(t.packets, 4);
    assert_int_equal(t.records, 14);
    assert_int_equal(t.damaged, 0);
    close(fd);
}

static void test_write_chunks_are_bounded(void **state)
{
    int fd = new_file();
    struct snapshot_writer *w = begin(fd);
    struct snapshot_totals t;
    struct snapshot *s;
    uint64_t records = 0;

    for ( unsigned int i = 0; i < 70; i++ )
    {
        put(w, 5, XEN_FLIGHTREC_CH_BUSY, 5000);
        records += 5000;
    }
    assert_int_equal(snapshot_finish(w, &t), 0);
    assert_int_equal(t.packets, 70);
    assert_int_equal(t.records, records);
    assert_true(t.frames > 3);

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    for ( uint32_t i = 1; i < snapshot_frames(s); i++ )
        assert_true(snapshot_frame(s, i)->content_bytes <
                    SNAPSHOT_CHUNK_BYTES + GEN_SLOT_BYTES);
    assert_int_equal(read_all(s).records, records);
    snapshot_close(s);
    assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);
    close(fd);
}

static void test_write_slot_refused(void **state)
{
    int fd = new_file();
    struct snapshot_writer *w = begin(fd);
    struct xen_flightrec_packet *hdr = (void *)g.slot;
    struct snapshot_totals t;

    make_packet(0, 0, 4);
    hdr->used_bytes = sizeof(g.slot) + 4;
    assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), -EBADMSG);
    hdr->used_bytes = 0;
    assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), -ENODATA);
    hdr->used_bytes = g.bytes;
    assert_int_equal(snapshot_put_packet(w, g.slot, g.bytes - 4), -EBADMSG);
    assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);
    /* The same slot again, and an older one. */
    assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), -ESTALE);

    /*
     * A record with a wrong length is kept, and its frame counts as damaged.
     */
    make_packet(0, 0, 4);
    g.slot[g.bytes - 12 + 1] |= 7 << 1;
    assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);

    assert_int_equal(snapshot_finish(w, &t), 0);
    assert_int_equal(t.packets, 2);
    assert_int_equal(t.records, 7);
    assert_int_equal(t.damaged, 1);
    assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);
    close(fd);
}

static void test_write_wrong_order_refused(void **state)
{
    int fd = new_file();
    struct snapshot_writer *w;

    memset(&g, 0, sizeof(g));
    make_packet(0, 0, 1);
    assert_int_equal(snapshot_create(fd, 0, &w), 0);
    assert_int_equal(snapshot_put_packet(w, g.slot, g.bytes), -EINVAL);
    assert_int_equal(snapshot_put_note(w, NOTE, strlen(NOTE)), -EINVAL);
    assert_int_equal(snapshot_put_meta(w, "[]", 2), -EINVAL);
    assert_int_equal(snapshot_put_meta(w, META, strlen(META)), 0);
    assert_int_equal(snapshot_put_meta(w, META, strlen(META)), -EINVAL);
    assert_int_equal(snapshot_put_note(w, NOTE, strlen(NOTE)), 0);
    assert_int_equal(snapshot_put_packet(w, g.slot, g.bytes), -EINVAL);
    snapshot_abort(w);

    assert_int_equal(snapshot_create(fd, 0, &w), 0);
    assert_int_equal(snapshot_finish(w, NULL), -EINVAL);
    close(fd);
}

static void test_write_disk_full(void **state)
{
    struct rlimit old, small = { 0 };
    struct snapshot_writer *w;
    int fd = new_file();

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    w = begin(fd);
    put(w, 0, 0, 3000);
    small = (struct rlimit){ .rlim_cur = 4096, .rlim_max = old.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(snapshot_finish(w, NULL), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    close(fd);

    fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if ( fd >= 0 )
    {
        assert_int_equal(snapshot_create(fd, 0, &w), -ENOSPC);
        close(fd);
    }
}

/* Ends of the small file's frames: a cut there loses nothing else. */
static void test_read_cut_at_every_byte(void **state)
{
    int whole = small_file(), fd = new_file();
    struct snapshot *s;
    uint64_t ends[8];
    unsigned int n;
    size_t len, cut;
    uint8_t *data = slurp(whole, &len);

    assert_int_equal(snapshot_open_fd(whole, &s, NULL), 0);
    n = snapshot_frames(s);
    assert_true(n < 8);
    ends[0] = sizeof(struct snapshot_header);
    for ( unsigned int i = 0; i < n; i++ )
        ends[i + 1] = ends[i] + snapshot_frame(s, i)->bytes;
    snapshot_close(s);

    for ( cut = 0; cut < len; cut++ )
    {
        struct snapshot_fault fault = { 0 };
        unsigned int frames = 0;

        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, data, cut, 0), cut);
        assert_int_equal(snapshot_verify(fd, &fault, NULL), -EBADMSG);
        assert_true(fault.what[0]);

        if ( cut < ends[0] )
        {
            assert_int_equal(snapshot_open_fd(fd, &s, NULL), -EBADMSG);
            continue;
        }

        while ( frames < n && cut >= ends[frames + 1] )
            frames++;
        assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
        assert_non_null(snapshot_truncated(s));
        assert_int_equal(snapshot_truncated(s)->offset, ends[frames]);
        assert_true(snapshot_truncated(s)->what[0]);
        assert_int_equal(snapshot_frames(s), frames);
        assert_int_equal(read_all(s).frames, frames);
        snapshot_close(s);
    }

    printf("# measured: %zu cuts\n", cut);
    free(data);
    close(fd);
    close(whole);
}

/* Return the offset of the part (header, frame, index) that contains `at`. */
static uint64_t part_of(struct snapshot *s, uint64_t at)
{
    uint64_t part = at < sizeof(struct snapshot_header) ? 0 :
                    sizeof(struct snapshot_header);

    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s, i);

        if ( at >= f->offset )
            part = f->offset;
        if ( at >= f->offset + f->bytes )
            part = f->offset + f->bytes;
    }

    return part;
}

static void test_verify_flip_of_every_bit(void **state)
{
    int fd = small_file(), whole = small_file();
    unsigned int missed = 0, misplaced = 0;
    struct snapshot *s, *cut;
    size_t len;
    uint8_t *data = slurp(whole, &len);

    assert_int_equal(snapshot_open_fd(whole, &s, NULL), 0);
    for ( size_t bit = 0; bit < len * 8; bit++ )
    {
        struct snapshot_fault fault;
        uint8_t byte = data[bit / 8] ^ 1 << bit % 8;
        int rc;

        assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
        rc = snapshot_verify(fd, &fault, NULL);
        if ( !rc )
            missed++;
        else if ( fault.offset != part_of(s, bit / 8) )
            misplaced++;

        /* The rest may be readable or not, but must not crash the reader. */
        if ( !snapshot_open_fd(fd, &cut, NULL) )
            snapshot_close(cut);
        assert_int_equal(pwrite(fd, &data[bit / 8], 1, bit / 8), 1);
    }

    assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);
    printf("# measured: %zu bits flipped, %u missed, %u misplaced\n", len * 8,
           missed, misplaced);
    assert_int_equal(missed, 0);
    assert_int_equal(misplaced, 0);
    snapshot_close(s);
    free(data);
    close(fd);
    close(whole);
}

static void test_read_bytes_behind_the_end(void **state)
{
    int fd = small_file();
    struct snapshot_fault fault;
    struct snapshot *s;
    off_t end = lseek(fd, 0, SEEK_END);

    assert_int_equal(pwrite(fd, "x", 1, end), 1);
    assert_int_equal(snapshot_verify(fd, &fault, NULL), -EBADMSG);
    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    assert_non_null(snapshot_truncated(s));
    assert_int_equal(snapshot_frames(s), 5);
    snapshot_close(s);
    close(fd);
}

/* With an index, a damaged frame leaves all others readable. */
static void test_read_damaged_frame_between_whole_ones(void **state)
{
    int fd = small_file();
    struct snapshot *s;
    void *buf = NULL;
    size_t size = 0, len;
    uint64_t at;
    uint8_t byte;

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    at = snapshot_frame(s, 1)->offset + 20;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    snapshot_close(s);

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    assert_null(snapshot_truncated(s));
    assert_int_equal(snapshot_read(s, 1, &buf, &size, &len), -EBADMSG);
    assert_int_equal(snapshot_read(s, 2, &buf, &size, &len), 0);
    assert_int_equal(snapshot_read(s, 99, &buf, &size, &len), -ENOENT);
    snapshot_close(s);
    free(buf);
    close(fd);
}

/*
 * Without an index, frames after a damaged one are readable if its end is
 * certain: that is, if its content has the stated length.
 */
static void test_scan_goes_on_behind_a_damaged_frame(void **state)
{
    int fd = small_file();
    struct snapshot_frame frame[5];
    unsigned int went_on = 0;
    struct snapshot *s;

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    assert_int_equal(snapshot_frames(s), 5);
    for ( uint32_t i = 0; i < 5; i++ )
        frame[i] = *snapshot_frame(s, i);
    assert_int_equal(ftruncate(fd, frame[4].offset + frame[4].bytes), 0);
    snapshot_close(s);

    for ( uint32_t at = 0; at < frame[1].bytes; at++ )
    {
        const struct snapshot_fault *fault;
        uint8_t byte;

        assert_int_equal(pread(fd, &byte, 1, frame[1].offset + at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, frame[1].offset + at), 1);
        assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
        fault = snapshot_truncated(s);
        assert_non_null(fault);
        /*
         * A flipped match may still copy equal bytes: then nothing is damaged.
         */
        if ( snapshot_frames(s) == 5 )
            assert_int_equal(fault->offset, frame[4].offset + frame[4].bytes);
        else
            assert_int_equal(fault->offset, frame[1].offset);
        if ( snapshot_frames(s) == 4 )
        {
            for ( uint32_t i = 1; i < 4; i++ )
                assert_int_equal(snapshot_frame(s, i)->offset,
                                 frame[i + 1].offset);
            went_on++;
        }
        else if ( snapshot_frames(s) != 5 )
            assert_int_equal(snapshot_frames(s), 1);
        assert_int_equal(read_all(s).frames, snapshot_frames(s));
        snapshot_close(s);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, frame[1].offset + at), 1);
    }

    printf("# measured: a byte of %" PRIu32 " damaged: the rest is read %u "
           "times\n", frame[1].bytes, went_on);
    assert_true(went_on > frame[1].bytes / 2);
    close(fd);
}

static void test_open_other_files_refused(void **state)
{
    struct snapshot_fault fault;
    struct snapshot *s;
    int fd = new_file();

    assert_int_equal(snapshot_open_fd(fd, &s, &fault), -EBADMSG);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(snapshot_open_fd(fd, &s, &fault), -EBADMSG);
    close(fd);
    assert_int_equal(snapshot_open("/nonexistent/file", &s, &fault), -ENOENT);
    assert_int_equal(snapshot_open("/dev/null", &s, &fault), -EBADMSG);
}

/* Run lz4 with the file as stdin.  Return its exit status. */
static int run_lz4(const char *option, int in, int out)
{
    int status;
    pid_t pid;

    assert_int_equal(lseek(in, 0, SEEK_SET), 0);
    pid = fork();
    assert_true(pid >= 0);
    if ( !pid )
    {
        dup2(in, 0);
        dup2(out, 1);
        execlp("lz4", "lz4", "-q", "-c", option, "-", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_lz4_accepts_the_file(void **state)
{
    int fd = new_file(), out = new_file();
    struct snapshot_writer *w = begin(fd);
    struct snapshot_totals t;
    uint64_t content;
    int rc;

    for ( unsigned int i = 0; i < 40; i++ )
        put(w, i / 20, XEN_FLIGHTREC_CH_BUSY, 4000);
    assert_int_equal(snapshot_finish(w, &t), 0);
    content = strlen(META) + t.content_bytes;

    rc = run_lz4("-t", fd, out);
    if ( rc == 127 )
    {
        print_message("lz4 is not installed\n");
        skip();
    }
    assert_int_equal(rc, 0);
    assert_int_equal(run_lz4("-d", fd, out), 0);
    assert_int_equal(lseek(out, 0, SEEK_END), content);
    close(fd);
    close(out);
}

static void test_write_speed(void **state)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct snapshot_writer *w = begin(fd);
    struct snapshot_totals t;
    struct timespec a, b;
    double secs;

    make_packet(0, 0, 5000);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for ( unsigned int i = 0; i < 1000; i++ )
    {
        struct xen_flightrec_packet *hdr = (void *)g.slot;

        hdr->seq = i + 1;
        assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);
    }
    assert_int_equal(snapshot_finish(w, &t), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    secs = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
    printf("# measured: %.0f MB/s from slots to compressed file\n",
           t.packet_bytes / secs / 1e6);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_read_round_trip),
        cmocka_unit_test(test_write_chunks_are_bounded),
        cmocka_unit_test(test_write_slot_refused),
        cmocka_unit_test(test_write_wrong_order_refused),
        cmocka_unit_test(test_write_disk_full),
        cmocka_unit_test(test_read_cut_at_every_byte),
        cmocka_unit_test(test_verify_flip_of_every_bit),
        cmocka_unit_test(test_read_bytes_behind_the_end),
        cmocka_unit_test(test_read_damaged_frame_between_whole_ones),
        cmocka_unit_test(test_scan_goes_on_behind_a_damaged_frame),
        cmocka_unit_test(test_open_other_files_refused),
        cmocka_unit_test(test_lz4_accepts_the_file),
        cmocka_unit_test(test_write_speed),
    };

    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
