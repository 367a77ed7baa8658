/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/crash.c: begin generations, end those whose lease expires,
 * and let a crash kernel find the rings.
 *
 * The hooks are called where a domain dies, with any locks held and interrupts
 * possibly off.  They change the global word, fill in the trigger record and
 * schedule a softirq tasklet, which notifies Dom0 and arms the lease.
 */

#include <xen/event.h>
#include <xen/flightrec.h>
#include <xen/kexec.h>
#include <xen/time.h>
#include <xen/timer.h>
#include <xen/trace.h>
#include <public/sched.h>

#include "glue.h"

/* A leaf: no other lock is taken under it. */
static DEFINE_SPINLOCK(fr_trigger_lock);

struct fr_counts fr_counts;

/* Causes that begin a generation.  Not consulted for requests. */
uint32_t __read_mostly fr_causes = (1U << XEN_FLIGHTREC_CAUSES) - 2;

/*
 * Seconds for which a generation is held without being acknowledged; 0: no
 * limit.  An hour is enough for an administrator to restart the daemon.  While
 * a generation is held, newer history is limited to the spare slots.
 */
unsigned int __read_mostly fr_lease_s = 3600;

/*
 * The first trigger that found all generations held, a death before a Viridian
 * trigger; .cause 0: none.
 */
static struct xen_flightrec_trigger fr_deferred;

/*
 * When each held generation's lease began.  Not the time of its trigger, which
 * may have been deferred.  Protected by fr_trigger_lock.
 */
static s_time_t fr_lease_from[FR_HELD];
static struct timer fr_lease_timer;
static bool fr_lease_timer_ready;

/* ----------------------------------------------------------------- lease -- */

/*
 * Release unread generations that were held for longer than the lease, oldest
 * first.  Return the time of the next check; 0 if no generation is held.
 */
static s_time_t fr_lease_check(void)
{
    s_time_t now = NOW(), again = 0;
    struct xen_flightrec_trigger t;
    uint32_t gen, released;

    spin_lock_irq(&fr_trigger_lock);
    for ( ; ; )
    {
        fr_generations(&gen, &released);
        if ( gen == released || fr_trigger_read(released + 1, &t) )
            break;

        again = fr_lease_from[t.gen % FR_HELD] + SECONDS(fr_lease_s);
        if ( t.flags & XEN_FLIGHTREC_TRG_ACKED )
            again = now + SECONDS(fr_lease_s);
        if ( again > now || fr_release(t.gen) )
            break;
        fr_counts.expired++;
        again = 0;
    }
    spin_unlock_irq(&fr_trigger_lock);

    return again;
}

static void cf_check fr_lease_expired(void *unused)
{
    s_time_t again = fr_lease_check();

    if ( again )
        set_timer(&fr_lease_timer, again);
}

/* -------------------------------------------------------------- triggers -- */

static void cf_check fr_notify_dom0(void *unused)
{
    send_global_virq(VIRQ_FLIGHTREC);

    if ( !fr_lease_s )
        return;
    if ( !fr_lease_timer_ready )
    {
        init_timer(&fr_lease_timer, fr_lease_expired, NULL, 0);
        fr_lease_timer_ready = true;
    }
    fr_lease_expired(NULL);
}
static DECLARE_SOFTIRQ_TASKLET(fr_notify_dom0_tasklet, fr_notify_dom0, NULL);

/* Callers must hold fr_trigger_lock. */
static int fr_gen_begin_locked(struct xen_flightrec_trigger *t)
{
    bool gave_up = false;
    int rc = fr_freeze(t, &gave_up);

    if ( gave_up && !rc )
        fr_counts.given_up++;
    if ( rc )
        return rc;

    fr_lease_from[t->gen % FR_HELD] = NOW();
    tasklet_schedule(&fr_notify_dom0_tasklet);
    return 0;
}

/*
 * A reader has released a generation, so it is alive: those that waited behind
 * that one get a new lease.  Callers must hold fr_trigger_lock.
 */
static void fr_lease_renew(void)
{
    unsigned int i;

    for ( i = 0; i < FR_HELD; i++ )
        fr_lease_from[i] = NOW();
}

/* The first record after the freeze makes this pCPU adopt it at once. */
static void fr_mark_freeze(const struct xen_flightrec_trigger *t)
{
    const uint32_t words[] = { t->gen, t->cause };

    fr_mark(XEN_FLIGHTREC_EV_FREEZE, words, ARRAY_SIZE(words));
}

int fr_gen_begin(struct xen_flightrec_trigger *t)
{
    unsigned long flags;
    int rc;

    t->cpu = smp_processor_id();
    t->ns = NOW();

    spin_lock_irqsave(&fr_trigger_lock, flags);
    rc = fr_gen_begin_locked(t);
    if ( rc == -EBUSY && t->cause != XEN_FLIGHTREC_CAUSE_REQUEST )
    {
        fr_counts.deferred++;
        /* A domain that dies comes before one that may live on. */
        if ( !fr_deferred.cause ||
             (fr_deferred.cause == XEN_FLIGHTREC_CAUSE_VIRIDIAN &&
              t->cause != XEN_FLIGHTREC_CAUSE_VIRIDIAN) )
            fr_deferred = *t;
    }
    spin_unlock_irqrestore(&fr_trigger_lock, flags);

    if ( !rc )
        fr_mark_freeze(t);
    return rc;
}

int fr_gen_ack(uint32_t gen)
{
    int rc;

    /* The lease must not expire between its check and its release. */
    spin_lock_irq(&fr_trigger_lock);
    rc = fr_ack(gen);
    spin_unlock_irq(&fr_trigger_lock);

    return rc;
}

int fr_gen_release(uint32_t gen)
{
    struct xen_flightrec_trigger t = {};
    int rc;

    spin_lock_irq(&fr_trigger_lock);
    rc = fr_release(gen);
    if ( !rc )
        fr_lease_renew();
    if ( !rc && fr_deferred.cause )
    {
        t = fr_deferred;
        t.flags |= XEN_FLIGHTREC_TRG_DEFERRED;
        fr_deferred.cause = 0;
        if ( fr_gen_begin_locked(&t) )
            t.cause = 0;
    }
    spin_unlock_irq(&fr_trigger_lock);

    if ( !rc )
        fr_mark(XEN_FLIGHTREC_EV_RELEASE, &gen, 1);
    if ( t.cause )
        fr_mark_freeze(&t);
    return rc;
}

void fr_gen_release_all(void)
{
    uint32_t gen, released;

    spin_lock_irq(&fr_trigger_lock);
    fr_deferred.cause = 0;
    for ( ; ; )
    {
        fr_generations(&gen, &released);
        if ( gen == released || fr_release(released + 1) )
            break;
        fr_counts.given_up++;
    }
    spin_unlock_irq(&fr_trigger_lock);
}

/* ----------------------------------------------------------------- hooks -- */

/*
 * struct domain's flightrec_dying: two bits for the death, and the time of the
 * last Viridian trigger in seconds; 0: none.
 */
#define FR_DYING_MARKED 0  /* the mark is in the rings */
#define FR_DYING_BEGUN  1  /* a generation has begun, or is deferred */
#define FR_DYING_SHIFT  2

/*
 * A guest can write the Viridian crash MSR and continue.  It gets a generation
 * at most this often: no more than a guest that crashes and is restarted.
 */
#define FR_VIRIDIAN_S   60

/*
 * Fill in the domain, and vCPU and instruction pointer if the domain is the
 * current one.
 */
static void fr_trigger_domain(const struct domain *d,
                              struct xen_flightrec_trigger *t)
{
    const struct vcpu *curr = current;

    t->domid = d->domain_id;
    t->vcpu = 0xffff;
    memcpy(t->handle, d->handle, sizeof(t->handle));
    BUILD_BUG_ON(sizeof(t->handle) != sizeof(d->handle));
    if ( curr->domain != d )
        return;

    t->vcpu = curr->vcpu_id;
    t->rip = guest_cpu_user_regs()->rip;
    t->flags |= XEN_FLIGHTREC_TRG_RIP;
}

static void fr_mark_crash(const struct xen_flightrec_trigger *t)
{
    const uint32_t words[] = {
        t->vcpu | (uint32_t)t->domid << 16, t->cause, t->reason,
        t->rip, t->rip >> 32,
    };

    fr_mark(XEN_FLIGHTREC_EV_DOMAIN_CRASH, words,
            t->flags & XEN_FLIGHTREC_TRG_RIP ? 5 : 3);
}

/*
 * Return true if a Viridian trigger of @d may begin a generation.  It must not
 * use up the bits of the death: the guest may live on, and die later.
 */
static bool fr_viridian_due(struct domain *d)
{
    unsigned int old = ACCESS_ONCE(d->flightrec_dying);
    unsigned int last = old >> FR_DYING_SHIFT;
    unsigned int now = 1 + NOW() / SECONDS(1);

    if ( test_bit(FR_DYING_BEGUN, &d->flightrec_dying) ||
         (last && now - last < FR_VIRIDIAN_S) )
        return false;

    /* If another vCPU changes it, that one's trigger counts. */
    return cmpxchg(&d->flightrec_dying, old,
                   now << FR_DYING_SHIFT |
                   (old & ((1U << FR_DYING_SHIFT) - 1))) == old;
}

/*
 * Set bit @nr of the death.  Return true if the caller is the first, so that a
 * death counts once: domain_crash() is followed by domain_shutdown().
 */
static bool fr_death_is_first(struct domain *d, unsigned int nr)
{
    return !test_and_set_bit(nr, &d->flightrec_dying);
}

void flightrec_domain_dying(struct domain *d, unsigned int cause,
                            unsigned int reason)
{
    struct xen_flightrec_trigger t = { .cause = cause, .reason = reason };
    bool viridian = cause == XEN_FLIGHTREC_CAUSE_VIRIDIAN, due = false;

    if ( ACCESS_ONCE(fr_set.state) != FR_SET_CREATED )
        return;

    fr_trigger_domain(d, &t);
    if ( viridian )
        due = fr_viridian_due(d);
    if ( viridian ? due : fr_death_is_first(d, FR_DYING_MARKED) )
        fr_mark_crash(&t);
    if ( !(fr_causes & (1U << cause)) )
        return;

    if ( viridian ? due : fr_death_is_first(d, FR_DYING_BEGUN) )
        (void)fr_gen_begin(&t); /* it counts a trigger that cannot begin */
    else
        (void)arch_fetch_and_add(&fr_counts.suppressed, 1);
}

/*
 * A guest can choose the code that its shutdown resolves to, before it dies
 * (SCHEDOP_shutdown_code).  So @reason, which the caller passed to
 * domain_shutdown(), counts as well.
 */
void flightrec_domain_shutdown(struct domain *d, unsigned int reason)
{
    unsigned int resolved = d->shutdown_code == SHUTDOWN_CODE_INVALID
                                ? reason : d->shutdown_code;

    if ( d->is_shutting_down )
        return;
    if ( reason != SHUTDOWN_crash && reason != SHUTDOWN_watchdog )
        reason = resolved;
    if ( reason == SHUTDOWN_crash )
        flightrec_domain_dying(d, XEN_FLIGHTREC_CAUSE_CRASH, resolved);
    else if ( reason == SHUTDOWN_watchdog )
        flightrec_domain_dying(d, XEN_FLIGHTREC_CAUSE_WATCHDOG, resolved);
}

void flightrec_domain_resume(struct domain *d)
{
    /* The time of its Viridian trigger stays. */
    clear_bit(FR_DYING_MARKED, &d->flightrec_dying);
    clear_bit(FR_DYING_BEGUN, &d->flightrec_dying);
}

/* ---------------------------------------------------------- death of Xen -- */

#define FR_ROOT_MAGIC 0x54525246U /* "FRRT" */

/*
 * Entry point for a reader of a dead Xen's memory.  VMCOREINFO has its address;
 * without VMCOREINFO its magic, and those of the pages it points to, can be
 * searched for.  Addresses are physical; 0: none.
 */
struct fr_root {
    uint32_t magic;
    uint16_t version;
    uint16_t bytes;        /* sizeof(this) */
    uint32_t nr_cpus;
    uint32_t _rsvd;
    uint64_t incarnation;
    uint64_t info;         /* struct xen_flightrec_info */
    uint64_t cpu[NR_CPUS]; /* struct xen_flightrec_cpu */
};

static struct fr_root fr_root;

void fr_root_cpu(unsigned int cpu)
{
    const struct fr_cpu *c = flightrec_cpu[cpu];

    fr_root.cpu[cpu] = c ? __pa(c->info) : 0;
}

void fr_root_set(void)
{
    fr_root.info = fr_set.info && fr_set.state != FR_SET_FREEING
                       ? __pa(fr_set.info) : 0;
    fr_root.incarnation = fr_set.incarnation;
    fr_root.nr_cpus = nr_cpu_ids;
    fr_root.bytes = sizeof(fr_root);
    fr_root.version = XEN_FLIGHTREC_VERSION;
    fr_root.magic = FR_ROOT_MAGIC;
}

void flightrec_vmcoreinfo(void)
{
#ifdef CONFIG_KEXEC
    vmcoreinfo_append_str("NUMBER(flightrec_root)=%"PRIpaddr"\n",
                          __pa(&fr_root));
#endif
}

void flightrec_stop(void)
{
    fr_stop();
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
