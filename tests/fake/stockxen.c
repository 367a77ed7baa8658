/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stockxen.c: play a Xen without flight recorder for the hosted tier, see
 * lib/xen/hyp-hosted.h: trace buffers written by a model of Xen's producer, and
 * the operations on them.
 *
 *   stockxen DIR CPUS
 *
 * Commands come on stdin, one in a line, answered with "ok NUMBER" or "error
 * NUMBER":
 *
 *   domain DOMID HANDLE VCPUS  start a domain (HANDLE: 32 hex digits)
 *   crash DOMID CPU [REASON]   crash it on that pCPU
 *   vanish DOMID CPU [REASON]  crash it, and remove it before it can be listed
 *   gone DOMID                 remove it
 *   fill CPU N                 write N records; wait a moment after a VIRQ
 *   fast CPU N                 write N records at once; some may be dropped
 *   index CPU VALUE            overwrite the consumer index with VALUE
 *   online N                   set the number of online pCPUs
 *   dropped CPU / percent CPU / mask / enabled    return that value
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <x86intrin.h>

#include "lib/xen/hyp-backend.h"
#include "lib/xen/hyp-hosted.h"
#include "lib/xen/tbuf.h"
#include "tests/fake/tbuf-model.h"

#define MAX_CPUS    3
#define CLIENTS     8
#define INFO_FRAME  1          /* t_info; the buffers follow it */
#define INFO_FRAMES 4
#define MAX_PAGES   1024
#define FIRST_LIST  200        /* in words, behind the offsets */
#define WAIT_MS     1000

#define EV_RUNSTATE 0x00021001U
#define EV_SHUTDOWN 0x00028007U

static struct {
    int dir, ops, virq, evt;
    struct hyp_tbuf_host *host;
    struct hosted_domain *doms;
    uint8_t *mem;
    struct tbuf_model cpu[MAX_CPUS];
    unsigned int nr_cpus, pages;
    uint32_t mask;
    bool enabled;
    struct pollfd poll[2 + CLIENTS]; /* new clients, commands, clients */
} xen = { .mask = 0x0ffff000 };

static void __attribute__((__noreturn__)) die(const char *what)
{
    perror(what);
    exit(1);
}

static void *map_new(const char *name, size_t bytes)
{
    int fd = openat(xen.dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *p;

    if ( fd < 0 || ftruncate(fd, bytes) )
        die(name);
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if ( p == MAP_FAILED )
        die(name);
    close(fd);
    return p;
}

static int fifo_new(const char *dir, const char *name)
{
    char path[512];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if ( mkfifo(path, 0600) && errno != EEXIST )
        die(path);
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if ( fd < 0 )
        die(path);
    return fd;
}

/*
 * The producer.
 */

/* Return true if the VIRQ was raised. */
static bool put(unsigned int cpu, const struct tbuf_model_record *r)
{
    struct tbuf_model *m = &xen.cpu[cpu];
    bool virq;

    if ( !xen.pages || !xen.enabled )
        return false;
    /* Xen stops tracing if the indices are invalid. */
    if ( m->index[0] % 4 || m->index[0] >= 2 * m->bytes )
    {
        xen.enabled = false;
        return false;
    }
    tbuf_model_begin(m);
    tbuf_model_end(m, r, &virq);
    if ( virq && write(xen.virq, "", 1) < 0 && errno != EAGAIN )
        die("virq.4");
    return virq;
}

static void serve_some(int timeout_ms);

/* Serve operations: the consumer may need some before it moves. */
static void wait_for_consumer(unsigned int cpu)
{
    unsigned int i;

    for ( i = 0; i < WAIT_MS; i++ )
    {
        if ( tbuf_model_fill(&xen.cpu[cpu]) < xen.cpu[cpu].bytes / 2 )
            return;
        serve_some(1);
    }
}

static void fill(unsigned int cpu, unsigned int n, bool wait)
{
    while ( n-- )
    {
        struct tbuf_model_record r = {
            .event = EV_RUNSTATE, .has_tsc = n % 4, .words = 2,
            .data = { 0, n }, .tsc = __rdtsc(),
        };

        if ( put(cpu, &r) && wait )
            wait_for_consumer(cpu);
    }
}

static void say_shutdown(unsigned int domid, unsigned int cpu,
                         unsigned int reason)
{
    struct tbuf_model_record r = {
        .event = EV_SHUTDOWN, .has_tsc = true, .words = 3,
        .data = { domid, 1, reason }, .tsc = __rdtsc(),
    };

    put(cpu, &r);
}

/*
 * Operations.
 */

static int make_buffers(unsigned int pages)
{
    uint16_t *info = (uint16_t *)(xen.mem + INFO_FRAME * TBUF_FRAME);
    uint32_t *list = (uint32_t *)info;
    unsigned int cpu, i, off, frame = INFO_FRAME + INFO_FRAMES;

    if ( xen.pages )
        return -EBUSY;
    if ( !pages || pages > MAX_PAGES )
        return -EINVAL;
    info[0] = pages;
    for ( cpu = 0; cpu < xen.nr_cpus; cpu++ )
    {
        off = FIRST_LIST + cpu * pages;
        info[1 + cpu] = off;
        for ( i = 0; i < pages; i++ )
            list[off + i] = frame + i;
        tbuf_model_init(&xen.cpu[cpu], xen.mem + frame * TBUF_FRAME, pages);
        frame += pages;
    }
    xen.pages = pages;
    xen.enabled = true;
    return 0;
}

static int serve_tbuf(struct hyp_tbuf_op *op)
{
    switch ( op->cmd )
    {
    case HYP_TBUF_GET_INFO:
        op->value = xen.mask;
        op->mfn = xen.pages ? INFO_FRAME : 0;
        op->size = xen.pages ? INFO_FRAMES * TBUF_FRAME : 0;
        return 0;
    case HYP_TBUF_SET_MASK:
        xen.mask = op->value;
        return 0;
    case HYP_TBUF_SET_SIZE:
        return make_buffers(op->value);
    case HYP_TBUF_ALL_CPUS:
        return 0;
    case HYP_TBUF_ENABLE:
    case HYP_TBUF_DISABLE:
        if ( !xen.pages )
            return -EINVAL;
        xen.enabled = op->cmd == HYP_TBUF_ENABLE;
        return 0;
    default:
        return -EINVAL;
    }
}

static bool serve_client(int fd)
{
    struct hosted_answer a = { .rc = -ENOSYS };
    struct hyp_tbuf_op op;

    if ( recv(fd, &a.op, sizeof(a.op), 0) != sizeof(a.op) )
        return false;
    if ( a.op.cmd == HOSTED_OP_TBUF )
    {
        memcpy(&op, a.op.u.pad, sizeof(op));
        a.rc = serve_tbuf(&op);
        memcpy(a.op.u.pad, &op, sizeof(op));
    }
    return send(fd, &a, sizeof(a), MSG_NOSIGNAL) == sizeof(a);
}

static void accept_client(void)
{
    int fd = accept4(xen.ops, NULL, NULL, SOCK_CLOEXEC), i;

    for ( i = 2; fd >= 0 && i < 2 + CLIENTS; i++ )
        if ( !xen.poll[i].events )
        {
            xen.poll[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
            return;
        }
}

/* Serve one round of operations, without reading commands. */
static void serve_some(int timeout_ms)
{
    int i;

    if ( poll(xen.poll, 2 + CLIENTS, timeout_ms) <= 0 )
        return;
    for ( i = 2; i < 2 + CLIENTS; i++ )
        if ( xen.poll[i].events && xen.poll[i].revents &&
             !serve_client(xen.poll[i].fd) )
        {
            close(xen.poll[i].fd);
            xen.poll[i] = (struct pollfd){ .fd = -1 };
        }
    if ( xen.poll[0].revents )
        accept_client();
}

/*
 * Commands.
 */

static void dom_exc(void)
{
    const uint32_t port = 1;

    if ( write(xen.evt, &port, sizeof(port)) < 0 && errno != EAGAIN )
        die("evt");
}

static int run_domain(unsigned int domid, const char *handle,
                      unsigned int vcpus)
{
    struct hosted_domain d = { .present = 1, .vcpus = vcpus };
    unsigned int i, byte;

    for ( i = 0; i < 16; i++ )
    {
        if ( sscanf(handle + 2 * i, "%2x", &byte) != 1 )
            return -EINVAL;
        d.handle[i] = byte;
    }
    xen.doms[domid] = d;
    return 0;
}

static void run_down(unsigned int domid, unsigned int cpu, unsigned int reason,
                     bool vanish)
{
    say_shutdown(domid, cpu, reason);
    if ( vanish )
        xen.doms[domid].present = 0;
    else
    {
        xen.doms[domid].reason = reason;
        xen.doms[domid].shutdown = 1;
    }
    dom_exc();
}

static long on_cpu(const char *word, unsigned int cpu, unsigned int n)
{
    struct tbuf_model *m = &xen.cpu[cpu];

    if ( cpu >= xen.nr_cpus || !xen.pages )
        return -ENODEV;
    if ( !strcmp(word, "fill") || !strcmp(word, "fast") )
        fill(cpu, n, word[1] == 'i');
    else if ( !strcmp(word, "index") )
        m->index[0] = n;
    else if ( !strcmp(word, "dropped") )
        return m->dropped;
    else if ( !strcmp(word, "percent") )
        return 100ULL * tbuf_model_fill(m) / m->bytes;
    else
        return -EINVAL;
    return 0;
}

static long command(const char *line)
{
    unsigned int a = 0, b = 0, reason = 3;
    char word[16] = "", handle[40] = "";

    if ( sscanf(line, "domain %u %39s %u", &a, handle, &b) == 3 &&
         a < HOSTED_DOMAINS && strlen(handle) == 32 )
        return run_domain(a, handle, b);
    if ( sscanf(line, "%15s %u %u %u", word, &a, &b, &reason) < 1 )
        return -EINVAL;
    if ( !strcmp(word, "mask") )
        return xen.mask;
    if ( !strcmp(word, "enabled") )
        return xen.enabled;
    if ( !strcmp(word, "online") )
        return xen.host->online = a;
    if ( strcmp(word, "crash") && strcmp(word, "vanish") &&
         strcmp(word, "gone") )
        return on_cpu(word, a, b);
    if ( a >= HOSTED_DOMAINS || b >= xen.nr_cpus )
        return -EINVAL;
    if ( word[0] == 'g' )
    {
        xen.doms[a].present = 0;
        dom_exc();
    }
    else
        run_down(a, b, reason, word[0] == 'v');
    return 0;
}

static bool read_command(void)
{
    char line[256];
    long rc;

    if ( !fgets(line, sizeof(line), stdin) )
        return false;
    rc = command(line);
    printf(rc < 0 ? "error %ld\n" : "ok %ld\n", rc);
    fflush(stdout);
    return true;
}

static void open_dir(const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    xen.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if ( xen.dir < 0 )
        die(path);
    snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/ops",
             xen.dir);
    xen.ops = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if ( bind(xen.ops, (struct sockaddr *)&sun, sizeof(sun)) ||
         listen(xen.ops, CLIENTS) )
        die("ops");
    xen.virq = fifo_new(path, "virq.4");
    xen.evt = fifo_new(path, "evt");
    xen.doms = map_new("doms", HOSTED_FRAME);
    xen.doms[0].present = 1;
    xen.doms[0].vcpus = xen.nr_cpus;
    xen.mem = map_new("mem", (INFO_FRAME + INFO_FRAMES +
                                 MAX_CPUS * MAX_PAGES) * TBUF_FRAME);
    xen.host = map_new("host", sizeof(*xen.host));
    /* The TSC's frequency does not matter here, but must not be 0. */
    *xen.host = (struct hyp_tbuf_host){ .tsc_khz = 2000000,
                                        .max_cpus = xen.nr_cpus + 2,
                                        .online = xen.nr_cpus };
}

/* Serve until the end of the commands. */
static void loop(void)
{
    xen.poll[0] = (struct pollfd){ .fd = xen.ops, .events = POLLIN };
    xen.poll[1] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    do {
        serve_some(-1);
    } while ( !xen.poll[1].revents || read_command() );
}

int main(int argc, char **argv)
{
    int i;

    if ( argc < 3 )
    {
        fprintf(stderr, "usage: stockxen DIR CPUS\n");
        return 2;
    }
    /* Unbuffered, so that poll() sees each line that was not read yet. */
    setvbuf(stdin, NULL, _IONBF, 0);
    for ( i = 0; i < 2 + CLIENTS; i++ )
        xen.poll[i].fd = -1;
    xen.nr_cpus = atoi(argv[2]);
    if ( !xen.nr_cpus || xen.nr_cpus > MAX_CPUS )
        return 2;
    open_dir(argv[1]);
    printf("ok 0\n");
    fflush(stdout);
    loop();
    return 0;
}
