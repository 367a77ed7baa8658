/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-world.c: test the parts of the recorder around its core, on the Xen of
 * world.h.  Each test boots a Xen of its own, in a child process.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <public/flightrec-events.h>

#include "tests/xenworld/world.h"

#define SECOND    1000000000ULL
#define EV_BUSY   0x00021011U

/* tests/xenworld/world.h: domain() */
#define SHUTDOWN  0
#define DYING     1
#define RESUME    2

#define POWEROFF  0
#define CRASH     3
#define WATCHDOG  4

static const struct xen_world *const w = &xen_world_a;

static void __attribute__((__noreturn__, __format__(__printf__, 2, 3)))
failed(int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("# line %d: ", line);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    _exit(1);
}

#define CHECK(x)                                                              \
    do {                                                                      \
        if ( !(x) )                                                           \
            failed(__LINE__, "%s", #x);                                       \
    } while ( 0 )

#define EQUAL(a, b)                                                           \
    do {                                                                      \
        long long a_ = (a), b_ = (b);                                         \
                                                                              \
        if ( a_ != b_ )                                                       \
            failed(__LINE__, "%s is %lld, not %lld", #a, a_, b_);             \
    } while ( 0 )

/* ------------------------------------------------------------- operations -- */

/* One operation, repeated while it is not complete; others run in between. */
static int operate(struct xen_flightrec_op *op)
{
    struct xen_flightrec_op in = *op;
    unsigned int tries, cpu;
    int rc = -ERESTART;

    for ( tries = 0; rc == -ERESTART && tries < 100000; tries++ )
    {
        *op = in;
        rc = w->control(0, op);
        if ( rc == -ERESTART )
            for ( cpu = 1; cpu < WORLD_CPUS; cpu++ )
                w->softirqs(cpu);
    }

    return rc;
}

static int operate_with(uint32_t cmd, uint32_t first, uint32_t second)
{
    struct xen_flightrec_op op = { .cmd = cmd };

    memcpy(op.u.pad, &first, sizeof(first));
    memcpy(op.u.pad + 4, &second, sizeof(second));
    return operate(&op);
}

static int gen_op(uint32_t cmd, uint32_t gen)
{
    return operate_with(cmd, gen, 0);
}

static struct xen_flightrec_op_status status(void)
{
    struct xen_flightrec_op op = { .cmd = XEN_FLIGHTREC_OP_status };

    EQUAL(operate(&op), 0);
    return op.u.status;
}

static struct xen_flightrec_trigger trigger(uint32_t gen)
{
    struct xen_flightrec_op op = { .cmd = XEN_FLIGHTREC_OP_trigger,
                                   .u.trigger.gen = gen };

    EQUAL(operate(&op), 0);
    return op.u.trigger;
}

static void softirqs(void)
{
    unsigned int cpu;

    for ( cpu = 0; cpu < WORLD_CPUS; cpu++ )
        w->softirqs(cpu);
}

/* Domain 1 performs the action `what` on pCPU 1. */
static void domain(unsigned int what, unsigned int reason)
{
    w->domain(1, 1, what, reason);
    softirqs();
}

/* flightrec_domain_dying() with this cause; see world.c. */
static void dying(unsigned int cause)
{
    domain(DYING, cause - 1);
}

static void boot(const char *option)
{
    unsigned int cpu;

    w->luck(~0U, ~0U, ~0U);
    w->boot(option);
    for ( cpu = 1; cpu < WORLD_CPUS; cpu++ )
        w->plug(cpu, true);
}

/* ------------------------------------------------------------------ deaths -- */

/* A guest that wrote the crash MSR and continued must not hide its death. */
static void test_viridian_then_death(void)
{
    boot("256K");
    dying(XEN_FLIGHTREC_CAUSE_VIRIDIAN);
    EQUAL(status().gen, 1);
    domain(SHUTDOWN, CRASH);
    EQUAL(status().gen, 2);
    EQUAL(status().suppressed, 0);
    EQUAL(trigger(1).cause, XEN_FLIGHTREC_CAUSE_VIRIDIAN);
    EQUAL(trigger(2).cause, XEN_FLIGHTREC_CAUSE_CRASH);
}

static void test_viridian_then_each_death(void)
{
    static const unsigned int cause[] = {
        XEN_FLIGHTREC_CAUSE_XEN_CRASH, XEN_FLIGHTREC_CAUSE_WATCHDOG,
        XEN_FLIGHTREC_CAUSE_TRIPLE,
    };
    unsigned int i;

    boot("256K");
    for ( i = 0; i < 3; i++ )
    {
        w->time(100 * SECOND);
        dying(XEN_FLIGHTREC_CAUSE_VIRIDIAN);
        dying(cause[i]);
        EQUAL(status().gen, 2 * i + 2);
        EQUAL(trigger(2 * i + 2).cause, cause[i]);
        domain(RESUME, 0);
        gen_op(XEN_FLIGHTREC_OP_release, 2 * i + 1);
        gen_op(XEN_FLIGHTREC_OP_release, 2 * i + 2);
    }
}

/* It can write the MSR any number of times: the generations are limited. */
static void test_viridian_is_limited(void)
{
    unsigned int i;

    boot("256K");
    for ( i = 0; i < 100; i++ )
        dying(XEN_FLIGHTREC_CAUSE_VIRIDIAN);
    EQUAL(status().gen, 1);
    EQUAL(status().suppressed, 99);

    /* A later one may be the crash itself. */
    w->time(100 * SECOND);
    dying(XEN_FLIGHTREC_CAUSE_VIRIDIAN);
    EQUAL(status().gen, 2);
    dying(XEN_FLIGHTREC_CAUSE_VIRIDIAN);
    EQUAL(status().gen, 2);

    /* Not after the death itself. */
    domain(SHUTDOWN, CRASH);
    w->time(100 * SECOND);
    dying(XEN_FLIGHTREC_CAUSE_VIRIDIAN);
    EQUAL(status().gen, 3);
}

static void test_one_generation_per_death(void)
{
    boot("256K");
    dying(XEN_FLIGHTREC_CAUSE_XEN_CRASH);
    domain(SHUTDOWN, CRASH);
    EQUAL(status().gen, 1);
    EQUAL(status().suppressed, 1);
    domain(RESUME, 0);
    domain(SHUTDOWN, WATCHDOG);
    EQUAL(status().gen, 2);
}

static void hold_and_ack_all(void)
{
    unsigned int i;

    for ( i = 1; i <= 4; i++ )
    {
        EQUAL(gen_op(XEN_FLIGHTREC_OP_freeze, i), 0);
        EQUAL(gen_op(XEN_FLIGHTREC_OP_ack, i), 0);
    }
    softirqs();
}

/* All generations are held and being read: one trigger can be deferred. */
static void test_viridian_is_not_deferred_before_a_death(void)
{
    boot("256K");
    hold_and_ack_all();
    dying(XEN_FLIGHTREC_CAUSE_VIRIDIAN);
    domain(SHUTDOWN, CRASH);
    EQUAL(status().deferred, 2);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_release, 1), 0);
    EQUAL(trigger(5).cause, XEN_FLIGHTREC_CAUSE_CRASH);
    CHECK(trigger(5).flags & XEN_FLIGHTREC_TRG_DEFERRED);
}

/*
 * SCHEDOP_shutdown_code sets the code that domain_shutdown() resolves to: a
 * guest that sets it to a poweroff must not hide its crash or its watchdog.
 */
static void test_shutdown_code_hides_nothing(void)
{
    boot("256K");
    w->shutdown_code(1, POWEROFF);
    domain(SHUTDOWN, CRASH);
    EQUAL(status().gen, 1);
    EQUAL(trigger(1).cause, XEN_FLIGHTREC_CAUSE_CRASH);
    EQUAL(trigger(1).reason, POWEROFF);

    domain(RESUME, 0);
    w->shutdown_code(1, POWEROFF);
    domain(SHUTDOWN, WATCHDOG);
    EQUAL(status().gen, 2);
    EQUAL(trigger(2).cause, XEN_FLIGHTREC_CAUSE_WATCHDOG);

    domain(RESUME, 0);
    w->shutdown_code(1, CRASH);
    domain(SHUTDOWN, POWEROFF);
    EQUAL(status().gen, 3);
    EQUAL(trigger(3).cause, XEN_FLIGHTREC_CAUSE_CRASH);

    domain(RESUME, 0);
    domain(SHUTDOWN, POWEROFF);
    EQUAL(status().gen, 3);
}

/* ------------------------------------------------------------------- lease -- */

/* A deferred trigger is older than the generation that it begins. */
static void test_lease_of_a_deferred_trigger(void)
{
    unsigned int i;

    boot("256K,lease=60");
    hold_and_ack_all();
    domain(SHUTDOWN, CRASH);
    EQUAL(status().deferred, 1);
    w->time(61 * SECOND);
    softirqs();
    for ( i = 1; i <= 4; i++ )
        EQUAL(gen_op(XEN_FLIGHTREC_OP_release, i), 0);
    softirqs();
    EQUAL(status().expired, 0);
    EQUAL(trigger(5).cause, XEN_FLIGHTREC_CAUSE_CRASH);
    w->time(58 * SECOND);
    softirqs();
    EQUAL(status().expired, 0);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_ack, 5), 0);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_release, 5), 0);
}

/* A reader that takes one generation after another needs a lease for each. */
static void test_lease_behind_a_reader(void)
{
    boot("256K,lease=60");
    EQUAL(gen_op(XEN_FLIGHTREC_OP_freeze, 1), 0);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_ack, 1), 0);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_freeze, 2), 0);
    softirqs();
    w->time(61 * SECOND);
    w->time(39 * SECOND);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_release, 1), 0);
    w->time(30 * SECOND);
    EQUAL(status().expired, 0);
    w->time(29 * SECOND);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_ack, 2), 0);
}

static void test_lease_expires(void)
{
    boot("256K,lease=60");
    EQUAL(gen_op(XEN_FLIGHTREC_OP_freeze, 1), 0);
    softirqs();
    w->time(59 * SECOND);
    w->time(1);
    EQUAL(status().expired, 0);
    w->time(2 * SECOND);
    w->time(1);
    EQUAL(status().expired, 1);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_ack, 1), -ENOENT);
}

/* ------------------------------------------------------------------ option -- */

/* Options that must be refused: none of their numbers may be cut. */
static void test_option_refused(const char *option)
{
    w->luck(~0U, ~0U, ~0U);
    w->boot(option);
    EQUAL(status().state, 0);
    EQUAL(status().bytes_per_cpu, 0);
    CHECK(w->option_refused());
}

static void test_options_refused(void)
{
    static const char *const option[] = {
        "4097M", "4G", "4194305K", "1T", "16777216T", "18446744073709551617M",
        "4294967296B", "1M,slot=4G", "1M,slot=4294971392B",
        "1M,spares=4294967298", "1M,spares=18446744073709551618",
        "1M,lease=4294967296", "1M,lease=18446744073709551616",
        "1M,busy=0xffffffff", "1M,busy=0x100000000", "1M,rare=0x1000000000000f000",
        "1M,spares=", "1M,lease=x", "1M,slot=,lease=5", "1M,lease=-1", "-1M",
        "M", "1M,", "1M,lease=5x", "1Mx",
    };
    unsigned int i;

    for ( i = 0; i < sizeof(option) / sizeof(option[0]); i++ )
    {
        int st;
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if ( !pid )
        {
            test_option_refused(option[i]);
            _exit(0);
        }
        if ( waitpid(pid, &st, 0) != pid || st )
            failed(__LINE__, "flightrec=%s is not refused", option[i]);
    }
}

static void test_option_taken(void)
{
    boot("262144B,slot=8K,spares=3,lease=4294967295,busy=0x4f000,rare=983040");
    EQUAL(status().state,
          XEN_FLIGHTREC_ST_CREATED | XEN_FLIGHTREC_ST_RUNNING);
    EQUAL(status().slot_bytes, 8192);
    EQUAL(status().spares, 3);
    EQUAL(status().mask[XEN_FLIGHTREC_CH_BUSY], 0x4f000);
    EQUAL(status().mask[XEN_FLIGHTREC_CH_RARE], 0xf0000);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_freeze, 1), 0);
    softirqs();
    w->time(1000000 * SECOND);
    EQUAL(status().expired, 0);
}

/* -------------------------------------------------------------------- boot -- */

/*
 * In a shim, as after a failed initialisation, the recorder does not follow CPU
 * hotplug: it must not be created.
 */
static void test_not_ready(void)
{
    struct xen_flightrec_op op = { .cmd = XEN_FLIGHTREC_OP_status };

    w->luck(~0U, ~0U, ~0U);
    w->shim();
    w->boot("1M");
    EQUAL(operate(&op), -EINVAL);
    EQUAL(operate_with(XEN_FLIGHTREC_OP_create, 1 << 20, 0), -EINVAL);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_start, 0), -EINVAL);
    EQUAL(w->pages_used(), 0);
}

/* ----------------------------------------------------------------- destroy -- */

static unsigned int stalls;

/*
 * On pCPU 0, while pCPU 1 stalls inside a record: the destroy must not complete,
 * however long pCPU 1 takes.  It is idle, so RCU does not wait for it.
 */
static void destroy_beside_a_record(void)
{
    struct xen_flightrec_op op = { .cmd = XEN_FLIGHTREC_OP_destroy };
    unsigned int i;

    for ( i = 0; i < 50; i++ )
    {
        struct xen_flightrec_op o = op;

        EQUAL(w->control(0, &o), -ERESTART);
        w->softirqs(0);
        w->softirqs(2);
        w->time(SECOND);
    }
    CHECK(w->pages_used());
    stalls++;
}

static void test_destroy_waits_for_a_record(void)
{
    static const uint32_t words[3] = { 1, 2, 3 };
    unsigned int after;

    boot("256K");
    for ( after = 1; after < 12; after++ )
    {
        unsigned int was = stalls;

        w->stall(after, destroy_beside_a_record);
        w->trace(1, after & 1 ? EV_BUSY : XEN_FLIGHTREC_EV_CPU_UP, words, 12);
        w->stall(0, NULL);
        EQUAL(gen_op(XEN_FLIGHTREC_OP_destroy, 0), 0);
        EQUAL(w->pages_used(), 0);
        if ( stalls == was )
            break;
        EQUAL(operate_with(XEN_FLIGHTREC_OP_create, 256 << 10, 0), 0);
        EQUAL(gen_op(XEN_FLIGHTREC_OP_start, 0), 0);
    }
    CHECK(stalls > 3);
}

/* The page of a frame; it is unmapped again. */
static unsigned int page_of(unsigned int cpu, unsigned int frame)
{
    int page = w->map(cpu, frame);

    CHECK(page >= 0);
    w->unmap(page);
    return page;
}

static bool can_map(void)
{
    int page = w->map(0, 0);

    if ( page >= 0 )
        w->unmap(page);
    return page >= 0;
}

/*
 * A PV Dom0 maps a page by a number that it knows, after the destroy has checked
 * that none is mapped, and unmaps it while the destroy takes the page.
 */
static void destroy_beside_an_unmap(unsigned int page, bool another)
{
    struct xen_flightrec_op op;
    unsigned int other = page_of(2, 5);
    int rc;

    while ( can_map() )
    {
        op = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_destroy };
        w->luck(~0U, 0, ~0U);
        rc = w->control(0, &op);
        w->luck(~0U, ~0U, ~0U);
        EQUAL(rc, -ERESTART);
    }

    CHECK(w->map_page(page));
    w->unmap_race(page);
    if ( another )
        CHECK(w->map_page(other));
    rc = gen_op(XEN_FLIGHTREC_OP_destroy, 0);
    if ( !w->unmap_done() )
        w->unmap(page);
    if ( another )
        w->unmap(other);

    if ( rc == -EBUSY )
    {
        /* Nothing has changed. */
        CHECK(status().state & XEN_FLIGHTREC_ST_RUNNING);
        CHECK(can_map());
        rc = gen_op(XEN_FLIGHTREC_OP_destroy, 0);
    }
    EQUAL(rc, 0);
    softirqs();
    EQUAL(w->pages_used(), 0);
}

static void test_destroy_beside_an_unmap(void)
{
    boot("256K");
    destroy_beside_an_unmap(page_of(2, 2), false);
}

static void test_destroy_beside_an_unmap_of_info(void)
{
    boot("256K");
    destroy_beside_an_unmap(page_of(XEN_FLIGHTREC_RES_INFO, 0), false);
}

static void test_destroy_undone_beside_an_unmap(void)
{
    boot("256K");
    destroy_beside_an_unmap(page_of(2, 2), true);
}

/* -------------------------------------------------------------------- work -- */

/* The pages of a block, each touched a few times; and no more than that. */
#define MOST_WORK 70

static void check_work(int line)
{
    unsigned int most = w->most_work();

    if ( most > MOST_WORK )
        failed(line, "%u pages or lines between two checks", most);
}

#define CHECK_WORK() check_work(__LINE__)

static void test_work_of_create_and_destroy(void)
{
    boot(NULL);
    w->most_work();
    EQUAL(operate_with(XEN_FLIGHTREC_OP_create, 1 << 20, 0), 0);
    CHECK_WORK();
    CHECK(w->pages_used() > 3 * 256);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_destroy, 0), 0);
    CHECK_WORK();
    EQUAL(w->pages_used(), 0);
}

/* Each operation does one piece if softirqs are always pending. */
static void test_create_and_destroy_continue(void)
{
    boot(NULL);
    w->luck(~0U, 0, ~0U);
    EQUAL(operate_with(XEN_FLIGHTREC_OP_create, 1 << 20, 0), 0);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_start, 0), 0);
    EQUAL(status().state, XEN_FLIGHTREC_ST_CREATED | XEN_FLIGHTREC_ST_RUNNING);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_destroy, 0), 0);
    EQUAL(w->pages_used(), 0);
}

static void test_work_of_a_create_that_fails(void)
{
    unsigned int left;

    boot(NULL);
    for ( left = 0; left < 180; left += 7 )
    {
        w->luck(left, ~0U, ~0U);
        w->most_work();
        EQUAL(operate_with(XEN_FLIGHTREC_OP_create, 1 << 20, 0), -ENOMEM);
        CHECK_WORK();
        EQUAL(w->pages_used(), 0);
        EQUAL(status().state, 0);
    }
    w->luck(~0U, ~0U, ~0U);
    EQUAL(operate_with(XEN_FLIGHTREC_OP_create, 1 << 20, 0), 0);
}

/* Another create may come before a failed one is destroyed. */
static void test_create_after_one_that_failed(void)
{
    struct xen_flightrec_op op = { .cmd = XEN_FLIGHTREC_OP_create,
                                   .u.create.bytes_per_cpu = 1 << 20 };
    unsigned int tries;
    int rc = -ERESTART;

    boot(NULL);
    w->luck(100, 0, ~0U);
    for ( tries = 0; tries < 170; tries++ )
    {
        struct xen_flightrec_op o = op;

        rc = w->control(0, &o);
        EQUAL(rc, -ERESTART);
    }
    w->luck(~0U, ~0U, ~0U);
    EQUAL(operate_with(XEN_FLIGHTREC_OP_create, 256 << 10, 0), 0);
    EQUAL(gen_op(XEN_FLIGHTREC_OP_start, 0), 0);
    EQUAL(status().bytes_per_cpu, 256 << 10);
}

static void test_work_of_a_destroy_that_is_undone(void)
{
    struct xen_flightrec_op op;
    unsigned int page;

    boot("1M");
    page = page_of(0, 1);
    while ( can_map() )
    {
        op = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_destroy };
        w->luck(~0U, 0, ~0U);
        EQUAL(w->control(0, &op), -ERESTART);
    }
    w->luck(~0U, ~0U, ~0U);

    /* pCPU 0 is the last one to be reclaimed; another comes up in between. */
    CHECK(w->map_page(page));
    w->plug(2, false);
    w->plug(2, true);
    w->most_work();
    EQUAL(gen_op(XEN_FLIGHTREC_OP_destroy, 0), -EBUSY);
    CHECK_WORK();
    EQUAL(status().state, XEN_FLIGHTREC_ST_CREATED | XEN_FLIGHTREC_ST_RUNNING);
    w->unmap(page);
    CHECK(can_map());
    EQUAL(gen_op(XEN_FLIGHTREC_OP_destroy, 0), 0);
    EQUAL(w->pages_used(), 0);
}

static void test_work_of_hotplug(void)
{
    unsigned int used;

    w->luck(~0U, ~0U, ~0U);
    w->boot("1M");
    used = w->pages_used();
    w->most_work();
    w->plug(1, true);
    CHECK_WORK();
    EQUAL(w->pages_used(), used + (used - 1));

    /* No memory for all of it: none is kept. */
    used = w->pages_used();
    w->luck(40, ~0U, ~0U);
    w->plug(2, true);
    CHECK_WORK();
    EQUAL(w->pages_used(), used);
    w->luck(~0U, ~0U, ~0U);
    w->plug(2, false);
    w->plug(2, true);
    CHECK(w->pages_used() > used);
}

static void test_work_of_quiesce(void)
{
    static const uint32_t words[7];
    struct xen_flightrec_op op;
    unsigned int cpu, i;

    boot("1M");
    for ( cpu = 0; cpu < WORLD_CPUS; cpu++ )
        for ( i = 0; i < 100000; i++ )
            w->trace(cpu, i & 1 ? EV_BUSY : XEN_FLIGHTREC_EV_CPU_UP, words,
                     sizeof(words));
    EQUAL(gen_op(XEN_FLIGHTREC_OP_freeze, 1), 0);
    w->most_work();
    op = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_quiesce,
                                    .u.quiesce.gen = 1 };
    EQUAL(operate(&op), 0);
    EQUAL(op.u.quiesce.pending, 0);
    CHECK_WORK();
    /* Those that were found quiescent are not checked again. */
    op = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_quiesce,
                                    .u.quiesce.gen = 1 };
    EQUAL(operate(&op), 0);
    EQUAL(op.u.quiesce.pending, 0);
    CHECK(w->most_work() < 5);
}

/* ------------------------------------------------------------------- tests -- */

static const struct {
    const char *name;
    void (*run)(void);
} test[] = {
    { "viridian, then a crash", test_viridian_then_death },
    { "viridian, then each other death", test_viridian_then_each_death },
    { "viridian is limited", test_viridian_is_limited },
    { "one generation per death", test_one_generation_per_death },
    { "a death replaces a deferred viridian trigger",
      test_viridian_is_not_deferred_before_a_death },
    { "a shutdown code hides no death", test_shutdown_code_hides_nothing },
    { "the lease of a deferred trigger", test_lease_of_a_deferred_trigger },
    { "the lease behind a reader", test_lease_behind_a_reader },
    { "the lease expires", test_lease_expires },
    { "options out of range are refused", test_options_refused },
    { "an option in range is used", test_option_taken },
    { "no recorder in a shim", test_not_ready },
    { "destroy waits for a record", test_destroy_waits_for_a_record },
    { "destroy beside an unmap", test_destroy_beside_an_unmap },
    { "destroy beside an unmap of the information page",
      test_destroy_beside_an_unmap_of_info },
    { "work of create and destroy", test_work_of_create_and_destroy },
    { "create and destroy continue", test_create_and_destroy_continue },
    { "work of a create that fails", test_work_of_a_create_that_fails },
    { "create after one that failed", test_create_after_one_that_failed },
    { "work of a destroy that is undone",
      test_work_of_a_destroy_that_is_undone },
    { "work of hotplug", test_work_of_hotplug },
    { "work of quiesce", test_work_of_quiesce },
    { "destroy undone beside an unmap", test_destroy_undone_beside_an_unmap },
};

/* Return true if the test passed in a child process. */
static bool passes(void (*run)(void))
{
    int st;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if ( pid < 0 )
        return false;
    if ( !pid )
    {
        alarm(60);
        run();
        _exit(0);
    }

    return waitpid(pid, &st, 0) == pid && WIFEXITED(st) && !WEXITSTATUS(st);
}

int main(void)
{
    const unsigned int tests = sizeof(test) / sizeof(test[0]);
    unsigned int i, bad = 0;

    printf("1..%u\n", tests);
    for ( i = 0; i < tests; i++ )
    {
        bool ok = passes(test[i].run);

        bad += !ok;
        printf("%sok %u - %s\n", ok ? "" : "not ", i + 1, test[i].name);
    }

    return !!bad;
}
