/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/buffers.c: create the set of rings, map it to Dom0, and
 * destroy it.
 *
 * A pCPU's resource, in frames of 4 KiB: its information page, the slots of
 * rare, then those of busy.  Each of these is one block on the pCPU's node; the
 * blocks need not be adjacent.
 *
 * Create and destroy are done in pieces of one block.  After each piece they
 * return -ERESTART if softirqs are pending, and the hypercall is continued.
 * Progress is kept in fr_set and in each struct fr_pcpu.
 */

#include <xen/flightrec.h>
#include <xen/mm.h>
#include <xen/numa.h>
#include <xen/softirq.h>

#include "glue.h"

#define FR_DEFAULT_BYTES (1U << 20)

static bool fr_must_yield(void)
{
    return softirq_pending(smp_processor_id());
}

/* ---------------------------------------------------------------- blocks -- */

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

/* Blocks of a pCPU: the information page, then the slots of both rings. */
static unsigned int fr_blocks(const struct fr_pcpu *p)
{
    unsigned int ch, blocks = 1;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        blocks += p->core.ring[ch].slots;

    return blocks;
}

/* Return where the pointer to the @n-th slot's memory is, and its size. */
static uint32_t **fr_slot_block(struct fr_pcpu *p, unsigned int n,
                                unsigned int *bytes)
{
    unsigned int ch = 0;

    while ( n >= p->core.ring[ch].slots )
        n -= p->core.ring[ch++].slots;
    *bytes = p->core.ring[ch].slot_bytes;
    return &p->core.ring[ch].slot[n].data;
}

static void *fr_block(struct fr_pcpu *p, unsigned int n, unsigned int *bytes)
{
    if ( n )
        return *fr_slot_block(p, n - 1, bytes);

    *bytes = PAGE_SIZE;
    return p->core.info;
}

/* -------------------------------------------------------------- one pCPU -- */

/*
 * Runs on the pCPU after its recorder was taken from flightrec_cpu[]: records
 * that began before are complete, and later ones do not find it.
 */
static void cf_check fr_pcpu_passed(void *data)
{
    struct fr_pcpu *p = data;

    fr_write(p->passed, true);
}

/* Runs on the pCPU, outside of any record. */
static void cf_check fr_adopt_here(void *unused)
{
    struct fr_cpu *c = fr_this_cpu();

    /* On failure (an NMI was switching) op_quiesce() schedules this again. */
    if ( c )
        (void)fr_adopt(c);
}

/* The slots' memory is allocated later, one by one. */
static uint32_t *cf_check fr_no_slot(void *arg, unsigned int channel,
                                     unsigned int index)
{
    return NULL;
}

/* Begin to make a pCPU's recorder.  Return NULL if there is no memory. */
static struct fr_pcpu *fr_pcpu_begin(unsigned int cpu)
{
    struct fr_pcpu *p = fr_pages_alloc(cpu, sizeof(*p));
    struct xen_flightrec_cpu *info = fr_pages_alloc(cpu, PAGE_SIZE);

    BUILD_BUG_ON(sizeof(*info) > PAGE_SIZE);
    BUILD_BUG_ON(offsetof(struct fr_pcpu, core));

    if ( !p || !info )
    {
        fr_pages_free(p, sizeof(*p));
        fr_pages_free(info, PAGE_SIZE);
        return NULL;
    }

    fr_cpu_init(&p->core, cpu, fr_set.incarnation, fr_set.geo, info,
                fr_no_slot, NULL);
    if ( cpu_to_node(cpu) != NUMA_NO_NODE )
        info->node = cpu_to_node(cpu);
    softirq_tasklet_init(&p->adopt, fr_adopt_here, NULL);
    softirq_tasklet_init(&p->pass, fr_pcpu_passed, p);
    p->made = 1;
    p->next = fr_set.pcpus;
    fr_set.pcpus = p;
    fr_set.making = p;
    return p;
}

/* The last piece: a writer on the pCPU finds it from here on. */
static void fr_pcpu_publish(struct fr_pcpu *p)
{
    fr_set.making = NULL;
    smp_wmb(); /* complete it before a writer on that pCPU finds it */
    fr_write(flightrec_cpu[p->core.cpu], &p->core);
    fr_root_cpu(p->core.cpu);
}

/*
 * Do one piece of the work until pCPU @cpu has its recorder; one that was begun
 * for another pCPU is completed first.  Return 0 or -ENOMEM.
 */
static int fr_pcpu_make(unsigned int cpu)
{
    struct fr_pcpu *p = fr_set.making ?: fr_pcpu_begin(cpu);
    unsigned int bytes;
    void *block;

    if ( !p )
        return -ENOMEM;

    if ( p->made < fr_blocks(p) )
    {
        uint32_t **slot = fr_slot_block(p, p->made - 1, &bytes);

        *slot = fr_pages_alloc(p->core.cpu, bytes);
        if ( !*slot )
            return -ENOMEM;
        p->made++;
    }
    else if ( p->lent < p->made )
    {
        block = fr_block(p, p->lent, &bytes);
        fr_pages_lend(block, bytes);
        p->lent++;
    }
    else
        fr_pcpu_publish(p);

    return 0;
}

/* Free one block.  Return false once all of the pCPU's memory is freed. */
static bool fr_pcpu_free(struct fr_pcpu *p)
{
    unsigned int bytes;
    void *block = fr_block(p, --p->made, &bytes);

    fr_pages_free(block, bytes);
    if ( p->made )
        return true;

    fr_pages_free(p, sizeof(*p));
    return false;
}

/*
 * A pCPU comes up, without buffers if there is no memory for them.
 * The pCPU is not online yet, and hotplug is not preemptible.
 */
static void fr_pcpu_add(unsigned int cpu)
{
    struct fr_pcpu *p;

    while ( !flightrec_cpu[cpu] )
    {
        if ( fr_pcpu_make(cpu) )
            break;
        process_pending_softirqs();
    }

    if ( flightrec_cpu[cpu] )
        return;

    printk(XENLOG_WARNING
           "flightrec: CPU%u: no memory for its rings, not recording it\n",
           cpu);

    /* Nothing of it was lent yet.  It was the last one that was begun. */
    p = fr_set.making;
    if ( !p )
        return;
    fr_set.making = NULL;
    fr_set.pcpus = p->next;
    while ( fr_pcpu_free(p) )
        process_pending_softirqs();
}

void fr_buffers_cpu_up(unsigned int cpu)
{
    spin_lock(&fr_lock);
    if ( flightrec_cpu[cpu] )
        fr_cpu_resume(flightrec_cpu[cpu]);
    else if ( fr_set.state == FR_SET_CREATING ||
              fr_set.state == FR_SET_CREATED ||
              fr_set.state == FR_SET_RESTORING ||
              (fr_set.state == FR_SET_DESTROYING && fr_set.whole) )
        fr_pcpu_add(cpu);
    spin_unlock(&fr_lock);
}

/* ---------------------------------------------------------------- create -- */

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

    info = fr_pages_alloc(smp_processor_id(), PAGE_SIZE);
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
    fr_pages_lend(info, PAGE_SIZE);
    fr_set.info_lent = true;
    fr_set.info = info;
    fr_set.state = FR_SET_CREATING;
    fr_root_set();
    return 0;
}

/*
 * Complete a destroy: of a create that failed, or of a caller that did not come
 * back.  Return 0 if @how can be created then; otherwise the error of create.
 */
static int fr_destroy_rest(const struct xen_flightrec_op_create *how)
{
    int error = fr_set.error, rc = fr_buffers_destroy();

    if ( rc == -ERESTART )
        return rc;
    if ( error && !memcmp(how, &fr_set.how, sizeof(*how)) )
        return error;

    /* It is as before if a page is mapped. */
    return fr_set.state == FR_SET_CREATED ? 0 : rc;
}

int fr_buffers_create(const struct xen_flightrec_op_create *how)
{
    unsigned int cpu;
    int rc = 0;

    if ( fr_set.state >= FR_SET_DESTROYING )
        rc = fr_destroy_rest(how);
    if ( rc )
        return rc;

    if ( fr_set.state != FR_SET_NONE && memcmp(how, &fr_set.how, sizeof(*how)) )
        return fr_set.state == FR_SET_CREATED ? -EEXIST : -EBUSY;
    if ( fr_set.state == FR_SET_CREATED )
        return 0;
    if ( fr_set.state == FR_SET_NONE )
    {
        rc = fr_set_begin(how);
        if ( rc )
            return rc;
    }

    for_each_online_cpu ( cpu )
        while ( !flightrec_cpu[cpu] )
        {
            fr_set.error = fr_pcpu_make(cpu);
            if ( fr_set.error )
            {
                fr_set.whole = false;
                fr_set.state = FR_SET_DESTROYING;
                return fr_destroy_rest(how);
            }
            if ( fr_must_yield() )
                return -ERESTART;
        }

    fr_set.state = FR_SET_CREATED;
    return 0;
}

/* --------------------------------------------------------------- destroy -- */

/*
 * Check that no page is mapped.  Return 0, -EBUSY or -ERESTART.  A check begins
 * anew, on all pCPUs, once the last one has ended.
 */
static int fr_set_check(void)
{
    struct fr_pcpu *p;
    unsigned int bytes;
    int rc = fr_pages_are_mapped(fr_set.info, PAGE_SIZE) ? -EBUSY : 0;

    for ( p = fr_set.pcpus; p && !rc; p = p->next )
    {
        if ( p->check != fr_set.check )
            p->checked = 0;
        p->check = fr_set.check;
        while ( p->checked < p->made && !rc )
        {
            const void *block = fr_block(p, p->checked, &bytes);

            if ( fr_pages_are_mapped(block, bytes) )
                rc = -EBUSY;
            else
                p->checked++;
            if ( !rc && fr_must_yield() )
                return -ERESTART;
        }
    }

    fr_set.check++;
    return rc;
}

/* Return 0, -EBUSY if a page is mapped, or -ERESTART. */
static int fr_set_reclaim(void)
{
    struct fr_pcpu *p;
    unsigned int bytes;

    for ( p = fr_set.pcpus; p; p = p->next )
        while ( p->lent )
        {
            void *block = fr_block(p, p->lent - 1, &bytes);

            if ( !fr_pages_reclaim(block, bytes) )
                return -EBUSY;
            p->lent--;
            if ( fr_must_yield() )
                return -ERESTART;
        }

    if ( fr_set.info_lent && !fr_pages_reclaim(fr_set.info, PAGE_SIZE) )
        return -EBUSY;
    fr_set.info_lent = false;
    return 0;
}

/*
 * Undo a destroy: Dom0 mapped a page by a frame number that it knew from
 * before.  Return 0 or -ERESTART.
 */
static int fr_set_restore(void)
{
    struct fr_pcpu *p;
    unsigned int bytes;

    for ( p = fr_set.pcpus; p; p = p->next )
        while ( p->lent < p->made )
        {
            void *block = fr_block(p, p->lent, &bytes);

            fr_pages_lend_again(block, bytes);
            p->lent++;
            if ( fr_must_yield() )
                return -ERESTART;
        }

    if ( !fr_set.info_lent )
        fr_pages_lend_again(fr_set.info, PAGE_SIZE);
    fr_set.info_lent = true;
    fr_set.state = FR_SET_CREATED;
    if ( fr_set.ran )
        fr_start();
    return 0;
}

/*
 * Take a pCPU's recorder out of use.  Its memory can be freed when the pCPU has
 * run a tasklet: until then it may be inside a record, for as long as its NMIs,
 * its SMIs or a hypervisor below this one take.  RCU does not wait for it if it
 * is idle, and there are trace points after rcu_idle_enter().
 */
static void fr_pcpu_retire(struct fr_pcpu *p)
{
    unsigned int cpu = p->core.cpu;

    p->retired = true;
    tasklet_kill(&p->adopt);
    if ( flightrec_cpu[cpu] != &p->core )
    {
        p->passed = true; /* it was never in use */
        return;
    }

    fr_write(flightrec_cpu[cpu], NULL);
    fr_root_cpu(cpu);
    if ( cpu == smp_processor_id() || !cpu_online(cpu) )
        p->passed = true;
    else
        tasklet_schedule_on_cpu(&p->pass, cpu);
}

/* Return 0, or -ERESTART, also while a pCPU may be inside a record. */
static int fr_set_free(void)
{
    struct fr_pcpu *p, *next;

    for ( p = fr_set.pcpus; p; p = p->next )
        if ( !p->retired )
        {
            fr_pcpu_retire(p);
            if ( fr_must_yield() )
                return -ERESTART;
        }

    while ( (p = fr_set.pcpus) != NULL )
    {
        if ( !fr_read(p->passed) )
            return -ERESTART;
        tasklet_kill(&p->pass); /* it may still be returning */
        next = p->next;
        if ( !fr_pcpu_free(p) )
            fr_set.pcpus = next;
        if ( fr_must_yield() )
            return -ERESTART;
    }

    fr_pages_free(fr_set.info, PAGE_SIZE);
    fr_set.info = NULL;
    fr_set.error = 0;
    fr_set.state = FR_SET_NONE;
    return 0;
}

/*
 * First check, while recording continues, that no page is mapped; a refusal
 * then costs no events.  Then refuse new mappings and reclaim the pages.
 */
int fr_buffers_destroy(void)
{
    int rc;

    switch ( fr_set.state )
    {
    case FR_SET_NONE:
        return 0;

    case FR_SET_RESTORING:
        return fr_set_restore() ?: -EBUSY;

    case FR_SET_FREEING:
        return fr_set_free();

    case FR_SET_CREATING:
    case FR_SET_CREATED:
        rc = fr_set_check();
        if ( rc )
            return rc;
        fr_set.whole = fr_set.state == FR_SET_CREATED;
        fr_set.ran = fr_running();
        fr_halt();
        fr_set.state = FR_SET_DESTROYING;
        break;

    case FR_SET_DESTROYING:
        break;
    }

    rc = fr_set_reclaim();
    if ( rc == -EBUSY && fr_set.whole )
    {
        fr_set.state = FR_SET_RESTORING;
        return fr_set_restore() ?: -EBUSY;
    }
    if ( rc )
        return rc;

    fr_gen_release_all();
    fr_set.making = NULL;
    fr_set.state = FR_SET_FREEING;
    fr_root_set();
    return fr_set_free();
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
        if ( fr_page_is_mapped(page) && !op->frames++ )
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

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
