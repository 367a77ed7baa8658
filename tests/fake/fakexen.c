/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fakexen.c: run the unmodified xenstored (C or OCaml) without Xen.
 *
 * When preloaded it replaces the few library functions that xenstored uses.
 * Its files are in the directory $FAKEXEN:
 *
 *   doms      the domains, see lib/xen/hyp-hosted.h; written by the fake Xen
 *   evt       FIFO: a 32-bit port number is an event.  1: VIRQ_DOM_EXC;
 *             100 + domid: a guest's ring
 *   ring.N    xenstore ring page of domain N
 *
 * Permissions, quotas, watches and the special watches are xenstored's own.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define XC_WANT_COMPAT_MAP_FOREIGN_API
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "lib/xen/hyp-hosted.h"

#define PORT_VIRQ     1
#define PORT_DOMAIN   100
#define RING_BYTES    4096
#define REASON_CRASH  3

/* These replace the functions of libc, see below. */
int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);

static const char *fake_path(const char *name, char *buf, size_t room)
{
    const char *dir = getenv("FAKEXEN");

    snprintf(buf, room, "%s/%s", dir ? dir : ".", name);
    return buf;
}

static int fake_open(const char *name, int flags)
{
    char path[512];

    return openat(AT_FDCWD, fake_path(name, path, sizeof(path)),
                  flags | O_CLOEXEC, 0600);
}

/* Map a file of the directory; create it if it does not exist. */
static void *fake_map(const char *name, size_t bytes)
{
    int fd = fake_open(name, O_RDWR | O_CREAT);
    void *p = MAP_FAILED;
    struct stat st;

    if ( fd < 0 )
        return NULL;
    if ( !fstat(fd, &st) &&
         ((size_t)st.st_size >= bytes || !ftruncate(fd, bytes)) )
        p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return p == MAP_FAILED ? NULL : p;
}

static const struct hosted_domain *domains;

xc_interface *xc_interface_open(xentoollog_logger *logger,
                                xentoollog_logger *dombuild_logger,
                                unsigned int open_flags)
{
    domains = fake_map("doms", HOSTED_DOMAINS * sizeof(*domains));
    return (xc_interface *)domains;
}

int xc_interface_close(xc_interface *xch)
{
    return 0;
}

static bool domain_there(unsigned int domid)
{
    return !domid || domains[domid].present;
}

int xc_domain_getinfo(xc_interface *xch, uint32_t first, unsigned int max,
                      xc_dominfo_t *info)
{
    unsigned int d, n = 0;

    for ( d = first; d < HOSTED_DOMAINS && n < max; d++ )
    {
        if ( !domain_there(d) )
            continue;
        memset(&info[n], 0, sizeof(info[n]));
        info[n].domid = d;
        info[n].shutdown = !!domains[d].shutdown;
        info[n].shutdown_reason = domains[d].reason;
        info[n].crashed = domains[d].shutdown &&
                          domains[d].reason == REASON_CRASH;
        info[n].dying = !!domains[d].dying;
        info[n++].running = !domains[d].shutdown;
    }
    return n;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                          xc_domaininfo_t *info)
{
    unsigned int d, n = 0;

    for ( d = first; d < HOSTED_DOMAINS && n < max; d++ )
    {
        if ( !domain_there(d) )
            continue;
        memset(&info[n], 0, sizeof(info[n]));
        info[n].domain = d;
        info[n].flags = domains[d].reason << XEN_DOMINF_shutdownshift;
        if ( domains[d].shutdown )
            info[n].flags |= XEN_DOMINF_shutdown;
        if ( domains[d].dying )
            info[n].flags |= XEN_DOMINF_dying;
        memcpy(info[n++].handle, domains[d].handle, 16);
    }
    return n;
}

static void *map_ring(uint32_t domid)
{
    char name[32];

    snprintf(name, sizeof(name), "ring.%u", domid);
    return fake_map(name, RING_BYTES);
}

void *xc_map_foreign_range(xc_interface *xch, uint32_t dom, int size, int prot,
                           unsigned long mfn)
{
    return map_ring(dom);
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger,
                                 unsigned int open_flags)
{
    static int handle;

    return (xengnttab_handle *)&handle;
}

int xengnttab_close(xengnttab_handle *xgt)
{
    return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
    return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid,
                              uint32_t ref, int prot)
{
    return map_ring(domid);
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
    return munmap(start_address, RING_BYTES);
}

static int event_fd = -1;

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger,
                                 unsigned int open_flags)
{
    char path[512];

    if ( mkfifo(fake_path("evt", path, sizeof(path)), 0600) &&
         errno != EEXIST )
        return NULL;
    /* Open for writing too, so that a read never sees end of file. */
    event_fd = fake_open("evt", O_RDWR);
    return event_fd < 0 ? NULL : (xenevtchn_handle *)&event_fd;
}

xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd,
                                   unsigned int open_flags)
{
    event_fd = fd;
    return (xenevtchn_handle *)&event_fd;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
    return close(event_fd);
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
    return event_fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *xce,
                                              unsigned int virq)
{
    return PORT_VIRQ;
}

xenevtchn_port_or_error_t
xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
                           evtchn_port_t remote_port)
{
    return PORT_DOMAIN + domid;
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
    return 0;
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
    uint32_t port;

    return read(event_fd, &port, sizeof(port)) == sizeof(port) ? (int)port
                                                               : -1;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
    return 0;
}

/* Open the files by which Linux exports Dom0's xenstore ring; -2 for others. */
static int open_special(const char *path)
{
    int fd;

    if ( !strcmp(path, "/proc/xen/xsd_kva") )
        return map_ring(0) ? fake_open("ring.0", O_RDWR) : -1;
    if ( strcmp(path, "/proc/xen/xsd_port") )
        return -2;
    fd = memfd_create("xsd_port", MFD_CLOEXEC);
    if ( fd >= 0 && (write(fd, "1", 1) != 1 || lseek(fd, 0, SEEK_SET)) )
    {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int open_any(const char *path, int flags, mode_t mode)
{
    int fd = open_special(path);

    return fd != -2 ? fd : openat(AT_FDCWD, path, flags, mode);
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    mode_t mode;
    va_list ap;

    va_start(ap, flags);
    mode = mode_of(flags, ap);
    va_end(ap);
    return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode;
    va_list ap;

    va_start(ap, flags);
    mode = mode_of(flags, ap);
    va_end(ap);
    return open_any(path, flags, mode);
}

/* oxenstored raises RLIMIT_NOFILE to the maximum, and exits if that fails. */
int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    return 0;
}
