/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-tbuf-bind.c: become the consumer of the trace buffers, and at exit
 * restore the settings that were found.
 */

#include <stdio.h>
#include <unistd.h>

#include "lib/xen/hyp-tbuf-impl.h"

static int read_state(struct hyp_tbuf *x)
{
    unsigned int mask, made;
    FILE *f = x->conf.state ? fopen(x->conf.state, "re") : NULL;
    int n;

    if ( !f )
        return -ENOENT;
    n = fscanf(f, "mask=%x made=%u", &mask, &made);
    fclose(f);
    if ( n != 2 )
        return -EINVAL;
    x->found_mask = mask;
    x->made = made;
    return 0;
}

/* The state file survives a crash of this process. */
static void write_state(const struct hyp_tbuf *x)
{
    FILE *f = x->conf.state ? fopen(x->conf.state, "we") : NULL;

    if ( !f )
        return;
    fprintf(f, "mask=%x made=%u\n", x->found_mask, x->made);
    fclose(f);
}

static int save_found(struct hyp_tbuf *x)
{
    struct hyp_tbuf_op op;
    int rc;

    if ( !read_state(x) )
        return 0;
    rc = hyp_tbuf_raw(x, HYP_TBUF_GET_INFO, 0, &op);
    if ( rc )
        return rc;
    x->found_mask = op.value;
    x->made = !op.mfn;
    write_state(x);
    return 0;
}

static void warn_unsafe(const struct hyp_tbuf *x)
{
    struct hyp_version v;
    unsigned int major = 0, minor = 0, patch = 0;

    if ( !x->host.shadow || x->raw->be->version(x->raw, &v) )
        return;
    sscanf(v.version, "%u.%u.%u", &major, &minor, &patch);
    if ( major == 4 && minor == 17 && patch >= 7 )
        return;
    hyp_tbuf_log(x,
                 "Xen %.20s has shadow paging: without the fix of XSA-477 "
                 "tracing lets a guest that uses it write beyond a buffer of "
                 "Xen, see SECURITY.md", v.version);
}

int hyp_tbuf_set_masks(struct hyp_tbuf *x)
{
    int rc = hyp_tbuf_raw(x, HYP_TBUF_SET_MASK, x->conf.mask, NULL);

    if ( !rc && x->conf.all_cpus )
        rc = hyp_tbuf_raw(x, HYP_TBUF_ALL_CPUS, 0, NULL);
    return rc;
}

/*
 * Bind VIRQ_TBUF, which has one owner, and so become the only consumer.
 * Existing buffers are adopted as a former daemon or xentrace left them.
 */
int hyp_tbuf_virq_bind(struct hyp *h, enum hyp_virq which, int *fd)
{
    struct hyp_tbuf *x = to_tbuf(h);
    int rc;

    if ( which != HYP_VIRQ_TRIGGER )
        return -ENOSYS;
    rc = x->raw->be->virq_bind(x->raw, HYP_VIRQ_TBUF, fd);
    if ( rc == -EEXIST || rc == -EBUSY )
        return -EUSERS;
    if ( !rc )
        rc = save_found(x);
    if ( rc )
        return rc;
    x->consumer = true;
    warn_unsafe(x);
    if ( !x->info )
        return 0;
    rc = hyp_tbuf_take_buffers(x);
    if ( !rc )
        rc = hyp_tbuf_set_masks(x);
    if ( !rc )
        rc = hyp_tbuf_raw(x, HYP_TBUF_ENABLE, 0, NULL);
    x->running = !rc;
    hyp_tbuf_go_on(x);
    return rc;
}

int hyp_tbuf_virq_ack(struct hyp *h, enum hyp_virq which)
{
    struct hyp_tbuf *x = to_tbuf(h);
    int rc = x->raw->be->virq_ack(x->raw, HYP_VIRQ_TBUF);

    hyp_tbuf_go_on(x);
    /* The callers wait for generations, and none has begun. */
    return rc < 0 ? rc : 1;
}

void hyp_tbuf_restore(struct hyp_tbuf *x)
{
    struct hyp_tbuf_op op;

    if ( x->conf.at_exit == HYP_TBUF_EXIT_DISABLE ||
         (x->conf.at_exit == HYP_TBUF_EXIT_AUTO && x->made) )
        hyp_tbuf_raw(x, HYP_TBUF_DISABLE, 0, NULL);
    if ( !hyp_tbuf_raw(x, HYP_TBUF_GET_INFO, 0, &op) &&
         op.value == x->conf.mask )
        hyp_tbuf_raw(x, HYP_TBUF_SET_MASK, x->found_mask, NULL);
    if ( x->conf.state )
        unlink(x->conf.state);
}
