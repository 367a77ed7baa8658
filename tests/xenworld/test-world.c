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

/* Domain 1 does `what`, on pCPU 1. */
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
