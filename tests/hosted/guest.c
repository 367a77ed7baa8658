/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>
#include <xenstore_lib.h>

#include "lib/xen/hyp-hosted.h"
#include "tests/lib/owntime.h"

#define PORT_DOMAIN 100    /* see tests/fake/fakexen.c */

static void die(const char *what)
{
    printf("# guest: %s: %s\n", what, strerror(errno));
    exit(99);
}

static void allow(struct world *w, const char *path, unsigned int domid)
{
    struct xs_permissions p[2] = { { .id = 0, .perms = XS_PERM_NONE },
                                   { .id = domid, .perms = XS_PERM_READ } };

    if ( !xs_set_permissions(w->xs, XBT_NULL, path, p, 2) )
        die(path);
}

static void own(struct world *w, const char *path, unsigned int domid)
{
    struct xs_permissions p = { .id = domid, .perms = XS_PERM_NONE };

    if ( !xs_set_permissions(w->xs, XBT_NULL, path, &p, 1) )
        die(path);
}

static void ring_open(struct world *w, struct guest_ring *g)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/ring.%u", w->dir, g->domid);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if ( fd < 0 || ftruncate(fd, HOSTED_FRAME) )
        die(path);
    g->ring = mmap(NULL, HOSTED_FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                   0);
    close(fd);
    if ( g->ring == MAP_FAILED )
        die(path);
    memset(g->ring, 0, HOSTED_FRAME);
    snprintf(path, sizeof(path), "%s/evt", w->dir);
    g->evt = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if ( g->evt < 0 )
        die(path);
}

void guest_new(struct world *w, struct guest_ring *g, unsigned int domid,
               const char *handle, const char *name)
{
    char base[64], path[128];

    memset(g, 0, sizeof(*g));
    g->domid = domid;
    ring_open(w, g);
    host(w, "domain %u %s 1", domid, handle);
    snprintf(base, sizeof(base), "/local/domain/%u", domid);
    xs_put(w, base, "");
    allow(w, base, domid);
    snprintf(path, sizeof(path), "%s/control", base);
    xs_put(w, path, "");
    snprintf(path, sizeof(path), "%s/data", base);
    xs_put(w, path, "");
    own(w, path, domid);
    snprintf(path, sizeof(path), "%s/name", base);
    xs_put(w, path, name);
    if ( !xs_introduce_domain(w->xs, domid, 1, 1) )
        die("introduce");
}

void guest_owns_control(struct world *w, struct guest_ring *g)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/control", g->domid);
    own(w, path, g->domid);
}

void guest_destroy(struct world *w, struct guest_ring *g)
{
    if ( !xs_rm_domain(w, g->domid) )
        die("rm");
    host(w, "gone %u", g->domid);
    if ( !xs_release(w, g->domid) )
        die("release");
    guest_close(g);
}

void guest_close(struct guest_ring *g)
{
    munmap(g->ring, HOSTED_FRAME);
    close(g->evt);
}

static void kick(struct guest_ring *g)
{
    const uint32_t port = PORT_DOMAIN + g->domid;

    /* EAGAIN: the pipe is full, so xenstored will wake up anyway. */
    if ( write(g->evt, &port, sizeof(port)) < 0 && errno != EAGAIN )
        die("evt");
}

/* Sleep before polling the ring again: xenstored cannot wake us. */
static bool pause_until(uint64_t end)
{
    poll(NULL, 0, 1);
    return own_ms() < end;
}

static bool put(struct guest_ring *g, const void *data, size_t bytes)
{
    uint64_t end = own_ms() + WAIT_MS;
    const char *from = data;
    uint32_t prod = g->ring->req_prod;

    while ( bytes )
    {
        uint32_t cons = __atomic_load_n(&g->ring->req_cons, __ATOMIC_ACQUIRE);

        if ( prod - cons == XENSTORE_RING_SIZE )
        {
            kick(g);
            if ( !pause_until(end) )
                return false;
            continue;
        }
        g->ring->req[MASK_XENSTORE_IDX(prod)] = *from++;
        prod++;
        bytes--;
        __atomic_store_n(&g->ring->req_prod, prod, __ATOMIC_RELEASE);
    }
    kick(g);
    return true;
}

static bool get(struct guest_ring *g, void *data, size_t bytes)
{
    uint64_t end = own_ms() + WAIT_MS;
    char *to = data;
    uint32_t cons = g->ring->rsp_cons;
    unsigned int looks = 0;

    while ( bytes )
    {
        if ( __atomic_load_n(&g->ring->rsp_prod, __ATOMIC_ACQUIRE) == cons )
        {
            /* An answer takes some 100 us: most come while polling. */
            if ( ++looks < 5000 )
                sched_yield();
            else if ( !pause_until(end) )
                return false;
            continue;
        }
        *to++ = g->ring->rsp[MASK_XENSTORE_IDX(cons)];
        cons++;
        bytes--;
        __atomic_store_n(&g->ring->rsp_cons, cons, __ATOMIC_RELEASE);
        /* The answer did not fit: xenstored waits for room. */
        if ( bytes && (cons & 63) == 0 )
            kick(g);
    }
    return true;
}

struct message {
    struct xsd_sockmsg m;
    char data[XENSTORE_PAYLOAD_MAX];
};

static bool get_message(struct guest_ring *g, struct message *to)
{
    return get(g, &to->m, sizeof(to->m)) && to->m.len <= sizeof(to->data) &&
           get(g, to->data, to->m.len);
}

static int error_of(const char *name, size_t bytes)
{
    size_t i;

    for ( i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++ )
        if ( !strncmp(xsd_errors[i].errstring, name, bytes) )
            return -xsd_errors[i].errnum;
    return -EIO;
}

int guest_call(struct guest_ring *g, uint32_t type, const void *payload,
               size_t bytes, void *reply, size_t room)
{
    struct message buf = { .m = { .type = type, .req_id = ++g->id,
                                  .len = bytes } };
    size_t n;

    if ( bytes > sizeof(buf.data) )
        return -E2BIG;
    memcpy(buf.data, payload, bytes);
    if ( !put(g, &buf, sizeof(buf.m) + bytes) )
        return -ETIMEDOUT;
    do {
        if ( !get_message(g, &buf) )
            return -ETIMEDOUT;
    } while ( buf.m.type == XS_WATCH_EVENT );
    if ( buf.m.type == XS_ERROR )
        return error_of(buf.data, buf.m.len);
    n = buf.m.len < room ? buf.m.len : room;
    if ( reply )
        memcpy(reply, buf.data, n);
    return n;
}

/* Copy messages between the device and the ring, like the kernel's xenbus. */
static void bridge(struct guest_ring *g, int master)
{
    struct message m;

    for ( ;; )
    {
        struct pollfd p = { .fd = master, .events = POLLIN };

        if ( g->ring->rsp_prod != g->ring->rsp_cons )
        {
            if ( !get_message(g, &m) ||
                 write(master, &m, sizeof(m.m) + m.m.len) < 0 )
                _exit(1);
        }
        /* The ring cannot be polled: look at it every millisecond. */
        if ( poll(&p, 1, 1) <= 0 )
            continue;
        if ( read(master, &m.m, sizeof(m.m)) != sizeof(m.m) ||
             m.m.len > sizeof(m.data) ||
             (m.m.len && read(master, m.data, m.m.len) != m.m.len) )
            _exit(1);
        put(g, &m, sizeof(m.m) + m.m.len);
    }
}

int guest_run(struct guest_ring *g, char **out, const char *argv[])
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, i, rc;
    struct termios raw;
    char name[64];
    pid_t pid;

    if ( master < 0 || grantpt(master) || unlockpt(master) ||
         ptsname_r(master, name, sizeof(name)) )
        die("pty");
    /* Keep it open, so that it exists before and after the program. */
    slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if ( slave < 0 || tcgetattr(slave, &raw) )
        die(name);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    pid = fork();
    if ( !pid )
    {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bridge(g, master);
    }
    for ( i = 0; argv[i]; i++ )
        if ( !strcmp(argv[i], "DEVICE") )
            argv[i] = name;
    rc = run(out, argv);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    /* Closing the device file resets its watches. */
    guest_call(g, XS_RESET_WATCHES, "", 1, NULL, 0);
    close(slave);
    close(master);
    return rc;
}

int guest_write(struct guest_ring *g, const char *path, const void *value,
                size_t bytes)
{
    char buf[XENSTORE_PAYLOAD_MAX];
    size_t n = strlen(path) + 1;

    if ( n + bytes > sizeof(buf) )
        return -E2BIG;
    memcpy(buf, path, n);
    memcpy(buf + n, value, bytes);
    return guest_call(g, XS_WRITE, buf, n + bytes, NULL, 0);
}

int guest_read(struct guest_ring *g, const char *path, char *value,
               size_t room)
{
    int n = guest_call(g, XS_READ, path, strlen(path) + 1, value, room - 1);

    if ( n >= 0 )
        value[n] = '\0';
    return n;
}

int guest_rm(struct guest_ring *g, const char *path)
{
    return guest_call(g, XS_RM, path, strlen(path) + 1, NULL, 0);
}

int guest_chmod(struct guest_ring *g, const char *path, const char *perms,
                size_t bytes)
{
    char buf[256];
    size_t n = strlen(path) + 1;

    if ( n + bytes > sizeof(buf) )
        return -E2BIG;
    memcpy(buf, path, n);
    memcpy(buf + n, perms, bytes);
    return guest_call(g, XS_SET_PERMS, buf, n + bytes, NULL, 0);
}

bool guest_sees(struct guest_ring *g, const char *path, const char *value)
{
    uint64_t end = own_ms() + WAIT_MS;
    char seen[64] = "";
    int rc;

    do {
        rc = guest_read(g, path, seen, sizeof(seen));
        if ( rc >= 0 && !strcmp(seen, value) )
            return true;
    } while ( pause_until(end) );
    printf("# guest %u: %s is \"%s\" (%d), not \"%s\"\n", g->domid, path,
           rc < 0 ? "" : seen, rc, value);
    return false;
}
