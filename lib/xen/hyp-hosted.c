/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-hosted.c: the backend that talks to a process, see hyp-hosted.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/xen/hyp-backend.h"
#include "lib/xen/hyp-hosted.h"

struct hyp_hosted {
    struct hyp hyp;
    int dir, ops, virq[HYP_VIRQS];
};

static struct hyp_hosted *to_hosted(struct hyp *h)
{
    return (struct hyp_hosted *)h;
}

static void hosted_close(struct hyp *h)
{
    struct hyp_hosted *x = to_hosted(h);
    unsigned int i;

    for ( i = 0; i < HYP_VIRQS; i++ )
        if ( x->virq[i] >= 0 )
            close(x->virq[i]);
    if ( x->ops >= 0 )
        close(x->ops);
    if ( x->dir >= 0 )
        close(x->dir);
    free(x);
}

static int hosted_op(struct hyp *h, struct xen_flightrec_op *op)
{
    struct hosted_answer a;
    ssize_t n;

    if ( send(to_hosted(h)->ops, op, sizeof(*op), MSG_NOSIGNAL) !=
         sizeof(*op) )
        return -EIO;
    do {
        n = recv(to_hosted(h)->ops, &a, sizeof(a), 0);
    } while ( n < 0 && errno == EINTR );
    if ( n != sizeof(a) )
        return -EIO;
    if ( !a.rc )
        *op = a.op;
    return a.rc;
}

static int hosted_virq_ack(struct hyp *h, enum hyp_virq which)
{
    char taken[256];
    ssize_t n = read(to_hosted(h)->virq[which], taken, sizeof(taken));

    return n < 0 && errno != EAGAIN ? -errno : 0;
}

static int hosted_virq_bind(struct hyp *h, enum hyp_virq which, int *fd)
{
    static const char *const names[HYP_VIRQS] = {
        [HYP_VIRQ_TRIGGER] = "virq",
        [HYP_VIRQ_WAKE] = "wake",
        [HYP_VIRQ_TBUF] = "virq.4",
    };
    struct hyp_hosted *x = to_hosted(h);
    int *virq = &x->virq[which];

    /* Open for writing too, so that a read never sees end of file. */
    *virq = openat(x->dir, names[which], O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if ( *virq < 0 )
        return -errno;
    if ( flock(*virq, LOCK_EX | LOCK_NB) )
        return errno == EWOULDBLOCK ? -EEXIST : -errno;
    *fd = *virq;
    /* As in Xen, drop the events raised before the bind. */
    return hosted_virq_ack(h, which);
}

static int map_file(int dir, const char *name, size_t bytes, const void **out)
{
    struct stat st;
    void *p = MAP_FAILED;
    int fd, rc = 0;

    fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if ( fd < 0 )
        return -errno;
    if ( fstat(fd, &st) )
        rc = -errno;
    else if ( (uint64_t)st.st_size < bytes )
        rc = -EINVAL;
    if ( !rc )
    {
        p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
        rc = p == MAP_FAILED ? -errno : 0;
    }
    close(fd);
    if ( !rc )
        *out = p;
    return rc;
}

static int hosted_map(struct hyp *h, uint32_t id, uint32_t frames,
                      const void **out)
{
    char name[32] = "info";

    if ( id != XEN_FLIGHTREC_RES_INFO )
        snprintf(name, sizeof(name), "cpu.%u", id);
    return map_file(to_hosted(h)->dir, name, (size_t)frames * HOSTED_FRAME,
                    out);
}

static int hosted_domains(struct hyp *h, struct hyp_domain **list,
                          unsigned int *nr)
{
    const size_t bytes = HOSTED_DOMAINS * sizeof(struct hosted_domain);
    struct hyp_domain *all = calloc(HOSTED_DOMAINS, sizeof(*all));
    struct hosted_domain d;
    const void *doms;
    unsigned int i, n = 0;
    int rc;

    if ( !all )
        return -ENOMEM;
    rc = map_file(to_hosted(h)->dir, "doms", bytes, &doms);
    if ( rc )
    {
        free(all);
        return rc;
    }
    for ( i = 0; i < HOSTED_DOMAINS; i++ )
    {
        memcpy(&d, (const char *)doms + i * sizeof(d), sizeof(d));
        if ( i && !d.present )
            continue;
        all[n].domid = i;
        all[n].shutdown = !!d.shutdown;
        all[n].dying = !!d.dying;
        all[n].reason = d.reason;
        all[n].vcpus = d.vcpus;
        memcpy(all[n++].handle, d.handle, sizeof(d.handle));
    }
    munmap((void *)doms, bytes);
    *list = all;
    *nr = n;
    return 0;
}

static int hosted_version(struct hyp *h, struct hyp_version *v)
{
    snprintf(v->version, sizeof(v->version), "hosted");
    snprintf(v->cmdline, sizeof(v->cmdline), "flightrec (hosted rings)");
    return 0;
}

static int hosted_host(struct hyp *h, struct hyp_tbuf_host *out)
{
    const void *p;
    int rc = map_file(to_hosted(h)->dir, "host", sizeof(*out), &p);

    if ( rc )
        return rc == -ENOENT ? -ENOSYS : rc;
    memcpy(out, p, sizeof(*out));
    munmap((void *)p, sizeof(*out));
    return 0;
}

static int hosted_tbuf(struct hyp *h, struct hyp_tbuf_op *op)
{
    struct xen_flightrec_op o = { .cmd = HOSTED_OP_TBUF };
    int rc;

    memcpy(o.u.pad, op, sizeof(*op));
    rc = hosted_op(h, &o);
    if ( !rc )
        memcpy(op, o.u.pad, sizeof(*op));
    return rc;
}

/* Map each frame by itself: they need not be consecutive. */
static int hosted_map_frames(struct hyp *h, const uint32_t *mfn,
                             uint32_t frames, bool writable, void **out)
{
    const int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    size_t bytes = (size_t)frames * HOSTED_FRAME;
    uint32_t i;
    char *p;
    int fd, rc = 0;

    fd = openat(to_hosted(h)->dir, "mem",
                (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if ( fd < 0 )
        return -errno;
    p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ( p == MAP_FAILED )
        rc = -errno;
    for ( i = 0; !rc && i < frames; i++ )
        if ( mmap(p + (size_t)i * HOSTED_FRAME, HOSTED_FRAME, prot,
                  MAP_SHARED | MAP_FIXED, fd,
                  (off_t)mfn[i] * HOSTED_FRAME) == MAP_FAILED )
            rc = -errno;
    close(fd);
    if ( rc && p != MAP_FAILED )
        munmap(p, bytes);
    *out = p;
    return rc;
}

static void hosted_unmap(void *map, size_t bytes)
{
    munmap(map, bytes);
}

static const struct hyp_backend hosted_backend = {
    .close = hosted_close,
    .op = hosted_op,
    .virq_bind = hosted_virq_bind,
    .virq_ack = hosted_virq_ack,
    .map = hosted_map,
    .domains = hosted_domains,
    .version = hosted_version,
    .host = hosted_host,
    .tbuf = hosted_tbuf,
    .map_frames = hosted_map_frames,
    .unmap = hosted_unmap,
};

/* Through /proc/self/fd: a socket's path has at most 107 bytes. */
static int connect_ops(int dir)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd, rc;

    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if ( fd < 0 )
        return -errno;
    snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/ops", dir);
    if ( connect(fd, (struct sockaddr *)&sun, sizeof(sun)) )
    {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

int hyp_hosted_open(const char *dir, struct hyp **out)
{
    struct hyp_hosted *x = calloc(1, sizeof(*x));
    int rc = 0;

    if ( !x )
        return -ENOMEM;
    x->hyp.be = &hosted_backend;
    memset(x->virq, -1, sizeof(x->virq));
    x->ops = -1;
    x->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if ( x->dir < 0 )
        rc = -errno;
    else
    {
        x->ops = connect_ops(x->dir);
        rc = x->ops < 0 ? x->ops : 0;
    }
    if ( rc )
        hosted_close(&x->hyp);
    else
        *out = &x->hyp;
    return rc;
}
