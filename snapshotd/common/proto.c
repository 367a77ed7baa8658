/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* proto.c: send and receive whole messages; part of each process. */

#include "snapshotd/common/proto.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_packet(int fd, const void *m, size_t bytes, int flags)
{
    ssize_t n;

    do {
        n = send(fd, m, bytes, flags | MSG_NOSIGNAL);
    } while ( n < 0 && errno == EINTR );
    if ( n < 0 )
        return errno == ECONNRESET ? -EPIPE : -errno;
    return n == (ssize_t)bytes ? 0 : -EPROTO;
}

static int receive_packet(int fd, void *m, size_t bytes, int flags)
{
    ssize_t n;

    do {
        n = recv(fd, m, bytes, flags | MSG_TRUNC);
    } while ( n < 0 && errno == EINTR );
    if ( n < 0 )
        return errno == ECONNRESET ? -EPIPE : -errno;
    if ( !n )
        return -EPIPE;
    return n == (ssize_t)bytes ? 0 : -EPROTO;
}

static int check(const struct msg *m)
{
    return m->magic == PROTO_MAGIC && m->type >= MSG_CONF &&
                   m->type <= MSG_LAST
               ? 0
               : -EPROTO;
}

int proto_send(int fd, struct msg *m, int flags)
{
    m->magic = PROTO_MAGIC;
    return send_packet(fd, m, sizeof(*m), flags);
}

int proto_receive(int fd, struct msg *m, int flags)
{
    int rc = receive_packet(fd, m, sizeof(*m), flags);

    return rc ? rc : check(m);
}

int proto_text_send(int fd, struct text_msg *m, int flags)
{
    m->magic = PROTO_TEXT_MAGIC;
    return send_packet(fd, m, sizeof(*m), flags);
}

int proto_text_receive(int fd, struct text_msg *m, int flags)
{
    int rc = receive_packet(fd, m, sizeof(*m), flags);

    if ( rc )
        return rc;
    return m->magic == PROTO_TEXT_MAGIC && m->type >= TEXT_NAME &&
                   m->type <= TEXT_LAST && m->bytes <= sizeof(m->text)
               ? 0
               : -EPROTO;
}

const char *health_state_name(uint32_t state)
{
    static const char *const names[] = {
        [HEALTH_UNKNOWN] = "unknown",     [HEALTH_NO_BUFFERS] = "no-buffers",
        [HEALTH_STOPPED] = "stopped",     [HEALTH_RECORDING] = "recording",
        [HEALTH_PANICKED] = "panicked",
    };

    return names[state <= HEALTH_PANICKED ? state : HEALTH_UNKNOWN];
}

/* Room for one descriptor, aligned. */
union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

int proto_send_fd(int fd, struct msg *m, int pass)
{
    struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
    union control c = { .room = "" };
    struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
                        .msg_control = &c, .msg_controllen = sizeof(c) };
    struct cmsghdr *cm = CMSG_FIRSTHDR(&h);
    ssize_t n;

    m->magic = PROTO_MAGIC;
    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cm), &pass, sizeof(pass));
    do {
        n = sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while ( n < 0 && errno == EINTR );
    if ( n < 0 )
        return errno == ECONNRESET ? -EPIPE : -errno;
    return n == sizeof(*m) ? 0 : -EPROTO;
}

int proto_receive_fd(int fd, struct msg *m, int flags, int *passed)
{
    struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
    union control c = { .room = "" };
    struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
                        .msg_control = &c, .msg_controllen = sizeof(c) };
    struct cmsghdr *cm;
    ssize_t n;
    int rc;

    *passed = -1;
    do {
        n = recvmsg(fd, &h, flags | MSG_CMSG_CLOEXEC);
    } while ( n < 0 && errno == EINTR );
    if ( n < 0 )
        return errno == ECONNRESET ? -EPIPE : -errno;
    if ( !n )
        return -EPIPE;
    cm = CMSG_FIRSTHDR(&h);
    if ( cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS &&
         cm->cmsg_len == CMSG_LEN(sizeof(int)) )
        memcpy(passed, CMSG_DATA(cm), sizeof(*passed));
    rc = n == sizeof(*m) && !(h.msg_flags & MSG_TRUNC) ? check(m) : -EPROTO;
    if ( *passed >= 0 && (rc || m->type != MSG_LINK) )
    {
        close(*passed);
        *passed = -1;
    }
    return rc;
}
