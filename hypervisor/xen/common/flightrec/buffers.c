/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/buffers.c: allocate the rings, lend them read-only to Dom0,
 * follow CPU hotplug, and reclaim and free all of it.
 *
 * A pCPU's resource, in frames of 4 KiB: its information page, the slots of
 * rare, then those of busy.  Each slot is one physically contiguous block of
 * Xen heap on the pCPU's node; the slots need not be adjacent.
 */

#include <xen/cpu.h>
#include <xen/flightrec.h>
#include <xen/init.h>
#include <xen/numa.h>
#include <xen/param.h>
#include <xen/softirq.h>
#include <asm/guest.h>

#include "glue.h"

#define FR_DEFAULT_BYTES (1U << 20)

/* ----------------------------------------------------------------- pages -- */

/* Allocate @bytes of zeroed heap; free what rounding up to an order added. */
static void *fr_alloc(unsigned int cpu, unsigned int bytes)
{
    unsigned int order = get_order_from_bytes(bytes);
    unsigned int i, pages = PFN_UP(bytes);
    void *p = alloc_xenheap_pages(order, MEMF_node(cpu_to_node(cpu)));

    if ( !p )
        return NULL;

    for ( i = 0; i < 1U << order; i++ )
    {
        void *page = p + i * PAGE_SIZE;

        if ( i < pages )
            clear_page(page);
        else
            free_xenheap_page(page);
    }

    return p;
}

static void fr_free(void *p, unsigned int bytes)
{
    unsigned int i;

    for ( i = 0; p && i < PFN_UP(bytes); i++ )
        free_xenheap_page(p + i * PAGE_SIZE);
}

static void fr_lend(void *page)
{
    share_xen_page_with_privileged_guests(virt_to_page(page), SHARE_ro);
}

/*
 * Reclaim a lent page.  Return false, with the page lent as before, if Dom0 has
 * it mapped.
 */
static bool fr_reclaim(void *page)
{
    struct page_info *pg = virt_to_page(page);

    put_page_alloc_ref(pg);
    if ( !(pg->count_info & ~PGC_xen_heap) )
        return true;

    /* Either it is mapped, or its last mapping went away just now. */
    if ( !get_page(pg, dom_xen) )
        return true;
    set_bit(_PGC_allocated, &pg->count_info);
    return false;
}

static void fr_lend_again(void *page)
{
    page_set_owner(virt_to_page(page), NULL);
    fr_lend(page);
}

static bool fr_is_mapped(const void *page)
{
    return (virt_to_page(page)->count_info & PGC_count_mask) > 1;
}

/* -------------------------------------------------------------- one pCPU -- */

static unsigned int fr_channel_frames(unsigned int ch)
{
    return fr_set.geo[ch].slots * (fr_set.geo[ch].slot_bytes >> PAGE_SHIFT);
}

/* Return a frame of a pCPU's resource; NULL: no such frame, or no memory. */
static void *fr_frame(const struct fr_cpu *c, unsigned int frame)
{
    unsigned int ch;

    if ( !frame )
        return c->info;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        const struct fr_geometry *geo = &fr_set.geo[ch];
        unsigned int per_slot = geo->slot_bytes >> PAGE_SHIFT;
        unsigned int off = frame - geo->first_frame;
        void *slot;

        if ( frame < geo->first_frame || off >= fr_channel_frames(ch) )
            continue;
        slot = c->ring[ch].slot[off / per_slot].data;
        return slot ? slot + (off % per_slot) * PAGE_SIZE : NULL;
    }

    return NULL;
}

static uint32_t *cf_check fr_slot_memory(void *arg, unsigned int channel,
                                         unsigned int index)
{
    const unsigned int *cpu = arg;

    return fr_alloc(*cpu, fr_set.geo[channel].slot_bytes);
}

static void fr_pcpu_free(struct fr_pcpu *p)
{
    unsigned int ch, i;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        for ( i = 0; i < p->core.ring[ch].slots; i++ )
            fr_free(p->core.ring[ch].slot[i].data,
                    p->core.ring[ch].slot_bytes);
    fr_free(p->core.info, PAGE_SIZE);
    fr_free(p, sizeof(*p));
}

static void cf_check fr_pcpu_free_rcu(struct rcu_head *rcu)
{
    fr_pcpu_free(container_of(rcu, struct fr_pcpu, rcu));
}

/* Runs on the pCPU, outside of any record. */
static void cf_check fr_adopt_here(void *unused)
{
    struct fr_cpu *c = fr_this_cpu();

    /* On failure (an NMI was switching) op_quiesce() schedules this again. */
    if ( c )
        (void)fr_adopt(c);
}

static bool fr_pcpu_whole(const struct fr_pcpu *p)
{
    unsigned int i;

    for ( i = 0; i < fr_set.frames; i++ )
        if ( !fr_frame(&p->core, i) )
            return false;

    return true;
}

static int fr_pcpu_create(unsigned int cpu)
{
    struct fr_pcpu *p = fr_alloc(cpu, sizeof(*p));
    struct xen_flightrec_cpu *info = fr_alloc(cpu, PAGE_SIZE);
    unsigned int i;

    BUILD_BUG_ON(sizeof(*info) > PAGE_SIZE);
    BUILD_BUG_ON(offsetof(struct fr_pcpu, core));

    if ( !p || !info )
    {
        fr_free(p, sizeof(*p));
        fr_free(info, PAGE_SIZE);
        return -ENOMEM;
    }

    fr_cpu_init(&p->core, cpu, fr_set.incarnation, fr_set.geo, info,
                fr_slot_memory, &cpu);
    if ( !fr_pcpu_whole(p) )
    {
        fr_pcpu_free(p);
        return -ENOMEM;
    }

    if ( cpu_to_node(cpu) != NUMA_NO_NODE )
        info->node = cpu_to_node(cpu);
    softirq_tasklet_init(&p->adopt, fr_adopt_here, NULL);
    for ( i = 0; i < fr_set.frames; i++ )
        fr_lend(fr_frame(&p->core, i));

    smp_wmb(); /* complete it before a writer on that pCPU finds it */
    flightrec_cpu[cpu] = &p->core;
    fr_root_update();
    return 0;
}

/* -------------------------------------------------------- set of buffers -- */

uint32_t fr_buffers_bytes(void)
{
    return (fr_set.frames - 1) * PAGE_SIZE;
}

static int fr_set_begin(const struct xen_flightrec_op_create *how)
{
    struct xen_flightrec_info *info;
    int rc = fr_geometry(how->bytes_per_cpu ?: FR_DEFAULT_BYTES,
                         how->slot_bytes, how->spares, fr_set.geo);

    if ( rc )
        return rc;

    info = fr_alloc(smp_processor_id(), PAGE_SIZE);
    if ( !info )
        return -ENOMEM;

    BUILD_BUG_ON(sizeof(*info) > PAGE_SIZE);
    fr_gen_release_all(); /* a trigger that raced with the last destroy */
    fr_set.how = *how;
    fr_set.frames = 1 + fr_channel_frames(0) + fr_channel_frames(1);
    fr_set.incarnation++;
    info->magic = XEN_FLIGHTREC_INFO_MAGIC;
    info->version = XEN_FLIGHTREC_VERSION;
    info->bytes = sizeof(*info);
    info->incarnation = fr_set.incarnation;
    info->tsc_khz = cpu_khz;
    info->tsc_shift = fr_tsc_shift();
    info->nr_cpus = nr_cpu_ids;
    info->nr_ids = fr_events(info->event);
    fr_lend(info);
    fr_set.info = info;
    fr_set.state = FR_SET_CREATING;
    return 0;
}

/*
 * Undo a create that failed half way.  No buffer was mapped or recorded into
 * yet, so there is no need to wait.
 */
static void fr_create_undo(void)
{
    int rc;

    do {
        rc = fr_buffers_destroy();
    } while ( rc == -ERESTART );

    if ( rc )
        printk(XENLOG_WARNING "flightrec: buffers of a failed create are in "
               "use, not freeing them\n");
}

int fr_buffers_create(const struct xen_flightrec_op_create *how)
{
    unsigned int cpu;
    int rc = 0;

    if ( fr_set.state == FR_SET_DESTROYING )
        rc = fr_buffers_destroy(); /* its caller did not come back */
    if ( rc )
        return rc;
    if ( fr_set.state != FR_SET_NONE && memcmp(how, &fr_set.how, sizeof(*how)) )
        return fr_set.state == FR_SET_CREATED ? -EEXIST : -EBUSY;
    if ( fr_set.state == FR_SET_CREATED )
        return 0;
    if ( fr_set.state == FR_SET_NONE )
        rc = fr_set_begin(how);
    if ( rc )
        return rc;

    for_each_online_cpu ( cpu )
    {
        if ( flightrec_cpu[cpu] )
            continue;
        rc = fr_pcpu_create(cpu);
        if ( rc )
        {
            fr_create_undo();
            return rc;
        }
        /* Progress is in flightrec_cpu[]: the caller calls again. */
        if ( softirq_pending(smp_processor_id()) )
            return -ERESTART;
    }

    fr_set.state = FR_SET_CREATED;
    return 0;
}

/* --------------------------------------------------------------- reclaim -- */

/*
 * Call fn for each pCPU that has buffers, from *next on.  Return -ERESTART
 * between two of them if softirqs are pending; the caller must call again.
 */
static int fr_each_pcpu(unsigned int *next, int (*fn)(const struct fr_cpu *c))
{
    while ( *next < nr_cpu_ids )
    {
        const struct fr_cpu *c = flightrec_cpu[*next];
        int rc = c ? fn(c) : 0;

        if ( rc )
            return rc;
        ++*next;
        if ( c && softirq_pending(smp_processor_id()) )
            return -ERESTART;
    }

    return 0;
}

static int cf_check fr_pcpu_unmapped(const struct fr_cpu *c)
{
    unsigned int i;

    for ( i = 0; i < fr_set.frames; i++ )
        if ( fr_is_mapped(fr_frame(c, i)) )
            return -EBUSY;

    return 0;
}

/* Reclaim all pages of a pCPU or none. */
static int cf_check fr_pcpu_reclaim(const struct fr_cpu *c)
{
    unsigned int i;

    for ( i = 0; i < fr_set.frames; i++ )
        if ( !fr_reclaim(fr_frame(c, i)) )
            break;
    if ( i == fr_set.frames )
        return 0;

    while ( i-- )
        fr_lend_again(fr_frame(c, i));
    return -EBUSY;
}

static void fr_pcpu_lend_again(const struct fr_cpu *c)
{
    unsigned int i;

    for ( i = 0; i < fr_set.frames; i++ )
        fr_lend_again(fr_frame(c, i));
}

/* A pCPU whose buffers cannot be allocated comes up without them. */
static void fr_pcpu_add(unsigned int cpu)
{
    if ( fr_pcpu_create(cpu) )
        printk(XENLOG_WARNING
               "flightrec: CPU%u: no memory for its rings, not recording it\n",
               cpu);
}

/*
 * Undo a destroy: Dom0 mapped a page by a frame number that it knew from
 * before.  pCPUs that came up in between get their buffers.
 */
static void fr_destroy_undo(void)
{
    unsigned int cpu;

    while ( fr_set.taken-- )
        if ( flightrec_cpu[fr_set.taken] )
            fr_pcpu_lend_again(flightrec_cpu[fr_set.taken]);
    for_each_online_cpu ( cpu )
        if ( !flightrec_cpu[cpu] )
            fr_pcpu_add(cpu);

    fr_set.state = FR_SET_CREATED;
    if ( fr_set.ran )
        fr_start();
}

/*
 * Free the pages once every pCPU has run its softirqs: until then it may be
 * inside a record.
 */
static void fr_set_free(void)
{
    unsigned int cpu;

    fr_gen_release_all();
    fr_set.state = FR_SET_NONE;
    fr_free(fr_set.info, PAGE_SIZE);
    fr_set.info = NULL;
    for ( cpu = 0; cpu < nr_cpu_ids; cpu++ )
    {
        struct fr_pcpu *p;

        if ( !flightrec_cpu[cpu] )
            continue;
        p = fr_pcpu(cpu);
        flightrec_cpu[cpu] = NULL;
        tasklet_kill(&p->adopt);
        call_rcu(&p->rcu, fr_pcpu_free_rcu);
    }
    fr_root_update();
}

/*
 * First check, while recording continues, that no page is mapped; a refusal
 * then costs no events.  Then refuse new mappings and reclaim the pages.
 */
int fr_buffers_destroy(void)
{
    int rc;

    if ( fr_set.state == FR_SET_NONE )
        return 0;

    if ( fr_set.state != FR_SET_DESTROYING )
    {
        rc = fr_is_mapped(fr_set.info)
                 ? -EBUSY
                 : fr_each_pcpu(&fr_set.looked, fr_pcpu_unmapped);
        if ( rc != -ERESTART )
            fr_set.looked = 0;
        if ( rc )
            return rc;
        fr_set.taken = 0;
        fr_set.ran = fr_running();
        fr_halt();
        fr_set.state = FR_SET_DESTROYING;
    }

    rc = fr_each_pcpu(&fr_set.taken, fr_pcpu_reclaim);
    if ( !rc && !fr_reclaim(fr_set.info) )
        rc = -EBUSY;
    if ( rc == -EBUSY )
        fr_destroy_undo();
    if ( !rc )
        fr_set_free();
    return rc;
}

/* --------------------------------------------------------------- mapping -- */

unsigned int flightrec_frames(const struct domain *d, unsigned int id)
{
    unsigned int frames = 0;

    if ( d != dom_xen )
        return 0;

    spin_lock(&fr_lock);
    if ( fr_set.state != FR_SET_CREATED )
        frames = 0;
    else if ( id == XEN_FLIGHTREC_RES_INFO )
        frames = 1;
    else if ( id < nr_cpu_ids &&
              flightrec_cpu[array_index_nospec(id, NR_CPUS)] )
        frames = fr_set.frames;
    spin_unlock(&fr_lock);

    return frames;
}

/* Callers must hold fr_lock. */
static void *fr_resource_frame(unsigned int id, unsigned int frame)
{
    const struct fr_cpu *c;

    if ( fr_set.state != FR_SET_CREATED )
        return NULL;
    if ( id == XEN_FLIGHTREC_RES_INFO )
        return frame ? NULL : fr_set.info;
    if ( id >= nr_cpu_ids )
        return NULL;

    c = flightrec_cpu[array_index_nospec(id, NR_CPUS)];
    return c ? fr_frame(c, frame) : NULL;
}

int fr_buffers_mapped(struct xen_flightrec_op_mapped *op)
{
    const void *page = fr_resource_frame(op->id, 0);
    unsigned int i;

    if ( !page )
        return -ENODEV;

    for ( i = 0; page; page = fr_resource_frame(op->id, ++i) )
        if ( fr_is_mapped(page) && !op->frames++ )
            op->first = i;

    return 0;
}

int flightrec_acquire(unsigned int id, unsigned int frame,
                      unsigned int nr_frames, xen_pfn_t mfn_list[])
{
    unsigned int i;
    int rc = nr_frames;

    spin_lock(&fr_lock);
    for ( i = 0; i < nr_frames; i++ )
    {
        const void *page = fr_resource_frame(id, frame + i);

        if ( !page )
        {
            rc = -EINVAL;
            break;
        }
        mfn_list[i] = virt_to_mfn(page);
    }
    spin_unlock(&fr_lock);

    return rc;
}

/* ------------------------------------------------------ hotplug and boot -- */

static void fr_cpu_prepare(unsigned int cpu)
{
    spin_lock(&fr_lock);
    if ( flightrec_cpu[cpu] )
        fr_cpu_resume(flightrec_cpu[cpu]);
    else if ( fr_set.state == FR_SET_CREATING ||
              fr_set.state == FR_SET_CREATED )
        fr_pcpu_add(cpu);
    spin_unlock(&fr_lock);
}

static int cf_check fr_cpu_callback(struct notifier_block *nfb,
                                    unsigned long action, void *hcpu)
{
    unsigned int cpu = (unsigned long)hcpu;
    uint32_t word = cpu;
    struct fr_cpu *c;

    switch ( action )
    {
    case CPU_UP_PREPARE:
        fr_cpu_prepare(cpu);
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

static struct xen_flightrec_op_create __initdata opt_create;
static bool __initdata opt_flightrec;
/* ~0: not given; no mask can have all bits set. */
static uint32_t __initdata opt_mask[FR_CHANNELS] = { ~0U, ~0U };

/*
 * flightrec=<size per pCPU>[,slot=<size>][,spares=<n>][,lease=<seconds>]
 *           [,busy=<mask>][,rare=<mask>]
 */
static int __init cf_check parse_flightrec(const char *s)
{
    const char *end;

    if ( !strcmp(s, "no") || !strcmp(s, "off") || !strcmp(s, "0") )
        return 0;

    opt_create.bytes_per_cpu = parse_size_and_unit(s, &end);
    for ( s = end; *s == ','; s = end )
    {
        s++;
        if ( !strncmp(s, "slot=", 5) )
            opt_create.slot_bytes = parse_size_and_unit(s + 5, &end);
        else if ( !strncmp(s, "spares=", 7) )
            opt_create.spares = simple_strtoul(s + 7, &end, 0);
        else if ( !strncmp(s, "lease=", 6) )
            fr_lease_s = simple_strtoul(s + 6, &end, 0);
        else if ( !strncmp(s, "busy=", 5) )
            opt_mask[XEN_FLIGHTREC_CH_BUSY] = simple_strtoul(s + 5, &end, 0);
        else if ( !strncmp(s, "rare=", 5) )
            opt_mask[XEN_FLIGHTREC_CH_RARE] = simple_strtoul(s + 5, &end, 0);
        else
            return -EINVAL;
    }

    if ( *s || !opt_create.bytes_per_cpu )
        return -EINVAL;
    opt_flightrec = true;
    return 0;
}
custom_param("flightrec", parse_flightrec);

static void __init fr_set_opt_masks(void)
{
    unsigned int ch;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        if ( opt_mask[ch] != ~0U && fr_set_mask(ch, opt_mask[ch]) )
            printk(XENLOG_ERR "flightrec: ignoring invalid mask %#x\n",
                   opt_mask[ch]);
}

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
    fr_set_opt_masks();
    if ( !opt_flightrec )
        return 0;

    spin_lock(&fr_lock);
    do {
        rc = fr_buffers_create(&opt_create);
    } while ( rc == -ERESTART );
    if ( !rc )
        fr_start();
    spin_unlock(&fr_lock);

    if ( rc )
        printk(XENLOG_ERR "flightrec: failed to create buffers of %u KiB: %d\n",
               opt_create.bytes_per_cpu >> 10, rc);
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
