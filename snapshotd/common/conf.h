/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf.h: the configuration, snapshotd.conf(5).  A plain structure without
 * pointers: the monitor reads the file once and hands this to each engine.
 */

#ifndef SNAPSHOTD_CONF_H
#define SNAPSHOTD_CONF_H

#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>

#include "snapshotd/common/limit.h"

#define CONF_DEFAULT_FILE "/etc/xen/snapshotd.conf"
#define CONF_PATH         200
#define CONF_HOOK_WORDS   16       /* of the program and its arguments */

/* Which guests may ask for a snapshot. */
enum conf_guests { CONF_GUESTS_NONE, CONF_GUESTS_NAMED, CONF_GUESTS_ALL };

/* [tbuf] cpus */
enum conf_tbuf_cpus { CONF_TBUF_KEEP_CPUS, CONF_TBUF_ALL_CPUS };

struct conf {
    char user[64];
    char state[CONF_PATH];     /* where snapshots are kept */
    char run[CONF_PATH];       /* control socket, lock */
    uint32_t heartbeat_s;
    uint32_t create;           /* make buffers if Xen has none */
    uint32_t bytes_per_cpu;    /* of such buffers */
    uint32_t backend;          /* enum hyp_kind */
    uint32_t tbuf_events;      /* [tbuf]: with Xen's own trace buffers */
    uint32_t tbuf_cpus;        /* CONF_TBUF_*_CPUS */
    uint32_t tbuf_at_exit;     /* enum hyp_tbuf_exit */
    uint32_t causes;           /* bit per XEN_FLIGHTREC_CAUSE_* written */
    uint32_t sources;          /* bit per enum request_source heard */
    uint32_t delay_ms;         /* from a request to its freeze */
    struct limit_rate per_domain, total, requests;
    uint32_t max_files;
    uint32_t keep_partial;     /* unfinished files of a former run */
    uint64_t max_bytes;
    uint64_t min_free;         /* bytes of the disk that stay free */
    uint32_t max_age_s;        /* 0: no limit */
    int32_t compression_level; /* LZ4F's: 0 fast, negative faster, 3..12 high */
    char textfile[CONF_PATH];  /* for Prometheus; "": none */
    char hook[CONF_PATH];      /* program and arguments; "": none */
    char hook_user[64];        /* "": the daemon's */
    uint32_t hook_timeout_s;   /* 0: no limit */
    uint32_t threads;          /* that compress; 0: as many as seem right */
    uint32_t guests;           /* enum conf_guests */
    struct limit_rate guest;   /* of one guest's requests */
};

void conf_default(struct conf *c);

/*
 * Set the defaults and read `path` over them.  Without a path (NULL) it is the
 * default file, which may be absent.  Errors as those of conf_read().
 */
int conf_load(struct conf *c, const char *path, char *why, size_t why_bytes);

/*
 * Read `path` over the values in *c.  Return 0, -EINVAL if its content is wrong,
 * or another -errno if the file cannot be read.  On failure `why` holds the
 * place, the error and its remedy.
 */
int conf_read(struct conf *c, const char *path, char *why, size_t why_bytes);

#endif /* SNAPSHOTD_CONF_H */
