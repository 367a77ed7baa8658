/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/boot.c: start the recorder at boot as flightrec= requests,
 * and follow CPU hotplug.
 */

#include <xen/cpu.h>
#include <xen/ctype.h>
#include <xen/flightrec.h>
#include <xen/init.h>
#include <xen/param.h>
#include <asm/guest.h>

#include "glue.h"

/* --------------------------------------------------------------- hotplug -- */

static int cf_check fr_cpu_callback(struct notifier_block *nfb,
                                    unsigned long action, void *hcpu)
{
    unsigned int cpu = (unsigned long)hcpu;
    uint32_t word = cpu;
    struct fr_cpu *c;

    switch ( action )
    {
    case CPU_UP_PREPARE:
        fr_buffers_cpu_up(cpu);
        break;

    case CPU_STARTING:
        /* Runs on the pCPU itself, whose TSC may just have been set. */
        c = fr_this_cpu();
        if ( c )
            fr_cpu_resume(c);
        break;

    case CPU_ONLINE:
        fr_mark(XEN_FLIGHTREC_EV_CPU_UP, &word, 1);
        break;

    case CPU_DEAD:
        fr_mark(XEN_FLIGHTREC_EV_CPU_DOWN, &word, 1);
        break;
    }

    return NOTIFY_DONE;
}

static struct notifier_block fr_cpu_nfb = {
    .notifier_call = fr_cpu_callback
};

/* ---------------------------------------------------------------- option -- */

/* The option's values. */
struct fr_option {
    struct xen_flightrec_op_create create;
    uint32_t lease_s;
    uint32_t mask[FR_CHANNELS]; /* ~0: not given */
};

static struct fr_option __initdata opt = { .mask = { ~0U, ~0U } };
static bool __initdata opt_flightrec;

/*
 * Parse a number, with a unit if @size.  Return 0, or -EINVAL if there is no
 * digit or the value does not fit 32 bits: Xen's own functions wrap.
 */
static int __init fr_parse(const char *s, const char **end, bool size,
                           uint32_t *value)
{
    unsigned long long n = simple_strtoull(s, end, 0), scaled = n;

    /* Up to 15 digits cannot wrap 64 bits. */
    if ( !isdigit(*s) || *end - s > 15 || n > ~0U )
        return -EINVAL;
    if ( size )
        scaled = parse_size_and_unit(s, end);
    /* A wrapped product of 32 bits and a unit is 0 or above 32 bits. */
    if ( scaled > ~0U || (n && !scaled) )
        return -EINVAL;

    *value = scaled;
    return 0;
}

/* No mask has all bits set. */
static int __init fr_parse_mask(const char *s, const char **end,
                                uint32_t *mask)
{
    int rc = fr_parse(s, end, false, mask);

    return !rc && *mask == ~0U ? -EINVAL : rc;
}

static int __init fr_parse_item(const char *s, const char **end,
                                struct fr_option *o)
{
    if ( !strncmp(s, "slot=", 5) )
        return fr_parse(s + 5, end, true, &o->create.slot_bytes);
    if ( !strncmp(s, "spares=", 7) )
        return fr_parse(s + 7, end, false, &o->create.spares);
    if ( !strncmp(s, "lease=", 6) )
        return fr_parse(s + 6, end, false, &o->lease_s);
    if ( !strncmp(s, "busy=", 5) )
        return fr_parse_mask(s + 5, end, &o->mask[XEN_FLIGHTREC_CH_BUSY]);
    if ( !strncmp(s, "rare=", 5) )
        return fr_parse_mask(s + 5, end, &o->mask[XEN_FLIGHTREC_CH_RARE]);
    return -EINVAL;
}

/*
 * flightrec=<size per pCPU>[,slot=<size>][,spares=<n>][,lease=<seconds>]
 *           [,busy=<mask>][,rare=<mask>]
 *
 * Nothing of an invalid option is used.
 */
static int __init cf_check parse_flightrec(const char *s)
{
    struct fr_option o = { .lease_s = fr_lease_s, .mask = { ~0U, ~0U } };
    int rc;

    opt_flightrec = false;
    if ( !strcmp(s, "no") || !strcmp(s, "off") || !strcmp(s, "0") )
        return 0;

    rc = fr_parse(s, &s, true, &o.create.bytes_per_cpu);
    while ( !rc && *s == ',' )
        rc = fr_parse_item(s + 1, &s, &o);
    if ( rc || *s || !o.create.bytes_per_cpu )
        return -EINVAL;

    opt = o;
    opt_flightrec = true;
    return 0;
}
custom_param("flightrec", parse_flightrec);

static void __init fr_set_opt_masks(void)
{
    unsigned int ch;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        if ( opt.mask[ch] != ~0U && fr_set_mask(ch, opt.mask[ch]) )
            printk(XENLOG_ERR "flightrec: ignoring invalid mask %#x\n",
                   opt.mask[ch]);
}

/* ------------------------------------------------------------------ boot -- */

/*
 * Runs before the other pCPUs come up, so that they get their buffers the same
 * way as pCPUs that are hotplugged later.
 */
static int __init cf_check fr_presmp_init(void)
{
    int rc = fr_init(cpu_khz);

    if ( rc || pv_shim )
    {
        if ( rc )
            printk(XENLOG_ERR "flightrec: event list too long: %d\n", rc);
        return 0;
    }

    register_cpu_notifier(&fr_cpu_nfb);
    fr_ready = true;
    fr_set_opt_masks();
    if ( !opt_flightrec )
        return 0;
    fr_lease_s = opt.lease_s;

    spin_lock(&fr_lock);
    do {
        rc = fr_buffers_create(&opt.create);
    } while ( rc == -ERESTART );
    if ( !rc )
        fr_start();
    spin_unlock(&fr_lock);

    if ( rc )
        printk(XENLOG_ERR "flightrec: failed to create buffers of %u KiB: %d\n",
               opt.create.bytes_per_cpu >> 10, rc);
    else
        printk(XENLOG_INFO "flightrec: recording, %u KiB per pCPU\n",
               fr_buffers_bytes() >> 10);
    return 0;
}
presmp_initcall(fr_presmp_init);

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
