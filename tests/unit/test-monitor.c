/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-monitor.c: the monitor's view of its engine: questions and verdicts,
 * messages, back-off.  Xen is a function of the test.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/xen/hyp-tbuf.h"
#include "snapshotd/common/now.h"
#include "snapshotd/monitor/engine.h"

/*
 * Xen.
 */

static struct {
    bool tbuf;
    int error;                    /* of each operation */
    unsigned int calls;
    struct xen_flightrec_op last; /* as it was asked */
    struct xen_flightrec_trigger trigger;
    struct xen_flightrec_op_status status;
    uint32_t next_gen;            /* of a freeze */
    uint32_t released;
    uint64_t slow_ns;             /* that a look at the clock takes */
} xen;

int hyp_op(struct hyp *h, struct xen_flightrec_op *op)
{
    xen.calls++;
    xen.last = *op;
    if ( xen.error )
        return xen.error;
    switch ( op->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
        op->u.status = xen.status;
        break;
    case XEN_FLIGHTREC_OP_trigger:
        if ( op->u.trigger.gen != xen.trigger.gen )
            return -ENOENT;
        op->u.trigger = xen.trigger;
        break;
    case XEN_FLIGHTREC_OP_freeze:
        op->u.freeze.gen = xen.next_gen;
        break;
    case XEN_FLIGHTREC_OP_release:
        xen.released = op->u.gen.gen;
        break;
    case XEN_FLIGHTREC_OP_clock:
        op->u.clock.tsc = 111;
        op->u.clock.ns = 222;
        if ( xen.slow_ns )
        {
            usleep(xen.slow_ns / 1000);
            xen.slow_ns = 0;
        }
        break;
    }
    return 0;
}

bool hyp_is_tbuf(const struct hyp *h)
{
    return xen.tbuf;
}

/*
 * Questions.
 */

static struct conf c;
static uint64_t last_number;
static struct engine_child e;
static struct domains domains;
static struct user user = { 12, 34 };
static struct questions *const q = &e.q;
static int other;                 /* the engine's end */

static int begin(void **state)
{
    int fd[2];

    memset(&xen, 0, sizeof(xen));
    xen.status.version = XEN_FLIGHTREC_VERSION;
    memset(&e, 0, sizeof(e));
    memset(&c, 0, sizeof(c));
    memset(&domains, 0, sizeof(domains));
    c.causes = ~0U;
    last_number = 100;
    q->conf = e.conf = &c;
    q->number = &last_number;
    e.user = &user;
    e.domains = &domains;
    e.child.name = "engine";
    if ( socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) )
        return -1;
    e.child.fd = fd[0];
    other = fd[1];
    return 0;
}

static int end(void **state)
{
    if ( e.child.fd >= 0 )
        close(e.child.fd);
    close(other);
    domains_free(&domains);
    return 0;
}

static const struct msg *ask(struct msg *m)
{
    static uint32_t seq;

    m->seq = ++seq;
    q->reply_owed = false;
    memset(&q->reply, 0xff, sizeof(q->reply));
    monitor_question(q, m);
    assert_true(q->reply_owed);
    assert_int_equal(q->reply.type, MSG_REPLY);
    assert_int_equal(q->reply.seq, seq);
    return &q->reply;
}

/* An operation with these bytes behind its command: the answer's status. */
static int op(uint32_t cmd, int fill)
{
    struct msg m = { .type = MSG_OP };

    memset(&m.u.op.op, fill, sizeof(m.u.op.op));
    m.u.op.op.cmd = cmd;
    xen.calls = 0;
    return ask(&m)->rc;
}

/* Xen gets the input of the operation and nothing else that was sent. */
static void test_operations_are_filtered(void **state)
{
    static const struct {
        uint32_t cmd;
        unsigned int bytes;
    } allowed[] = {
        { XEN_FLIGHTREC_OP_status, 0 }, { XEN_FLIGHTREC_OP_clock, 0 },
        { XEN_FLIGHTREC_OP_quiesce, 4 }, { XEN_FLIGHTREC_OP_release, 4 },
        { XEN_FLIGHTREC_OP_cpu, 8 },
    };
    uint8_t want[sizeof(xen.last.u.pad)];
    uint32_t cmd;
    unsigned int i;

    for ( i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++ )
    {
        assert_int_equal(op(allowed[i].cmd, 0x5a), 0);
        assert_int_equal(xen.calls, 1);
        assert_int_equal(xen.last.cmd, allowed[i].cmd);
        assert_int_equal(xen.last._rsvd, 0);
        memset(want, 0, sizeof(want));
        memset(want, 0x5a, allowed[i].bytes);
        assert_memory_equal(xen.last.u.pad, want, sizeof(want));
    }
    for ( cmd = XEN_FLIGHTREC_OP_BASE - 2;
          cmd < XEN_FLIGHTREC_OP_BASE + 0x9000; cmd++ )
    {
        for ( i = 0; i < sizeof(allowed) / sizeof(allowed[0]) &&
                     allowed[i].cmd != cmd; i++ )
            continue;
        if ( i < sizeof(allowed) / sizeof(allowed[0]) )
            continue;
        assert_int_equal(op(cmd, 0x5a), -EPERM);
        assert_int_equal(xen.calls, 0);
    }
}

/* Those of Xen's trace buffers go there, and only there. */
static void test_operations_of_tbuf(void **state)
{
    static const struct {
        uint32_t cmd;
        unsigned int bytes;
    } theirs[] = {
        { HYP_OP_TBUF_FETCHED, 4 }, { HYP_OP_TBUF_WINDOW, 8 },
        { HYP_OP_TBUF_COUNTERS, 4 },
    };
    uint8_t want[sizeof(xen.last.u.pad)];
    unsigned int i;

    for ( i = 0; i < 3; i++ )
    {
        xen.tbuf = false;
        assert_int_equal(op(theirs[i].cmd, 0x5a), -EPERM);
        assert_int_equal(xen.calls, 0);
        xen.tbuf = true;
        assert_int_equal(op(theirs[i].cmd, 0x5a), 0);
        assert_int_equal(xen.calls, 1);
        memset(want, 0, sizeof(want));
        memset(want, 0x5a, theirs[i].bytes);
        assert_memory_equal(xen.last.u.pad, want, sizeof(want));
    }
}

static void test_errors_of_xen_are_passed_on(void **state)
{
    xen.error = -EBUSY;
    assert_int_equal(op(XEN_FLIGHTREC_OP_release, 1), -EBUSY);
    assert_int_equal(q->released, 0);
    assert_int_equal(op(XEN_FLIGHTREC_OP_status, 1), -EBUSY);
}

static void test_questions_that_are_none(void **state)
{
    struct msg m = { .type = MSG_COUNT };

    assert_int_equal(ask(&m)->rc, -EPERM);
    m.type = MSG_READY;
    assert_int_equal(ask(&m)->rc, -EPERM);
    assert_int_equal(xen.calls, 0);
}

/*
 * TAKE.
 */

static const struct msg_take *take(uint32_t gen, int rc)
{
    struct msg m = { .type = MSG_TAKE, .u.take.gen = gen };

    assert_int_equal(ask(&m)->rc, rc);
    return &q->reply.u.take;
}

static void crash(uint32_t gen, uint8_t domain)
{
    xen.trigger = (struct xen_flightrec_trigger){
        .gen = gen, .cause = XEN_FLIGHTREC_CAUSE_CRASH,
        .handle = { domain },
    };
}

static void test_take_reads_the_clocks(void **state)
{
    const uint64_t mono = now_ns(CLOCK_MONOTONIC);
    const uint64_t wall = now_ns(CLOCK_REALTIME);
    const struct msg_take *t;

    /* The first look is slow: another one is narrower. */
    xen.slow_ns = 50000000;
    t = take(0, 0);
    assert_int_equal(xen.calls, 3);
    assert_int_equal(t->now.tsc, 111);
    assert_int_equal(t->now.ns, 222);
    assert_true(t->now.mono_ns >= mono + 50000000);
    assert_true(t->now.mono_ns <= now_ns(CLOCK_MONOTONIC));
    assert_true(t->now.wall_ns >= wall + 50000000);
    assert_true(t->now.wall_ns <= now_ns(CLOCK_REALTIME));
    assert_true(t->now.width_ns > 0);
    assert_true(t->now.width_ns < 50000000);
    /* No generation was taken. */
    assert_int_equal(q->reading, 0);
    xen.error = -EPERM;
    take(0, -EPERM);
}

/* The middle between the two looks at Dom0's clocks. */
static void test_clock_pair_is_in_the_middle(void **state)
{
    uint64_t before, after;
    const struct msg_take *t;

    before = now_ns(CLOCK_MONOTONIC);
    t = take(0, 0);
    after = now_ns(CLOCK_MONOTONIC);
    assert_true(t->now.mono_ns > before);
    assert_true(t->now.mono_ns < after);
    assert_true(t->now.width_ns <= after - before);
}

static void test_take_acknowledges_and_judges(void **state)
{
    const struct msg_take *t;

    c.per_domain = (struct limit_rate){ .burst = 1, .refill_s = 3600 };
    crash(7, 1);
    t = take(7, 0);
    assert_int_equal(t->outcome, OUTCOME_WRITTEN);
    assert_int_equal(t->gen, 7);
    assert_int_equal(t->trigger.cause, XEN_FLIGHTREC_CAUSE_CRASH);
    assert_int_equal(t->now.tsc, 111);
    assert_int_equal(q->reading, 7);
    /* The same one again: the same verdict, and no second token or count. */
    t = take(7, 0);
    assert_int_equal(t->outcome, OUTCOME_WRITTEN);
    assert_int_equal(op(XEN_FLIGHTREC_OP_release, 0), 0);
    assert_int_equal(q->reading, 0);
    crash(8, 1);
    t = take(8, 0);
    assert_int_equal(t->outcome, OUTCOME_DOMAIN);
    assert_int_equal(t->count, 1);
    t = take(8, 0);
    assert_int_equal(t->outcome, OUTCOME_DOMAIN);
    assert_int_equal(t->count, 1);
    crash(9, 1);
    t = take(9, 0);
    assert_int_equal(t->count, 2);
    assert_int_equal(q->counters.of[OUTCOME_DOMAIN][XEN_FLIGHTREC_CAUSE_CRASH],
                     2);
    /* Another domain has its own. */
    crash(10, 2);
    assert_int_equal(take(10, 0)->outcome, OUTCOME_WRITTEN);
    /* A number that comes again after a release is another generation. */
    assert_int_equal(op(XEN_FLIGHTREC_OP_release, 0), 0);
    assert_int_equal(take(10, 0)->outcome, OUTCOME_DOMAIN);
}

static void test_take_of_what_is_not_held(void **state)
{
    crash(7, 1);
    take(8, -ENOENT);
    xen.error = -ENOENT;
    take(9, -ENOENT);
    assert_int_equal(q->reading, 8);
}

/* A cause that no one knows does not lead outside of the counters. */
static void test_take_of_an_odd_cause(void **state)
{
    const struct msg_take *t;

    xen.trigger = (struct xen_flightrec_trigger){ .gen = 7, .cause = 200 };
    t = take(7, 0);
    assert_int_equal(t->outcome, OUTCOME_WRITTEN);
    assert_int_equal(t->count, 0);
    q->counters.of[OUTCOME_WRITTEN][STORE_CAUSE_GUEST] = 77;
    xen.trigger.cause = STORE_CAUSES;
    assert_int_equal(take(7, 0)->count, 0);
    xen.trigger.cause = STORE_CAUSE_GUEST;
    assert_int_equal(take(7, 0)->count, 77);
}

static void test_causes_and_totals(void **state)
{
    c.total = (struct limit_rate){ .burst = 2, .refill_s = 3600 };
    c.causes = ~(1U << XEN_FLIGHTREC_CAUSE_TRIPLE);
    crash(1, 1);
    xen.trigger.cause = XEN_FLIGHTREC_CAUSE_TRIPLE;
    assert_int_equal(take(1, 0)->outcome, OUTCOME_OFF);
    crash(2, 2);
    assert_int_equal(take(2, 0)->outcome, OUTCOME_WRITTEN);
    crash(3, 3);
    assert_int_equal(take(3, 0)->outcome, OUTCOME_WRITTEN);
    crash(4, 4);
    assert_int_equal(take(4, 0)->outcome, OUTCOME_TOTAL);
    /* An operator's own took its token before the freeze. */
    crash(5, 0);
    xen.trigger.cause = XEN_FLIGHTREC_CAUSE_REQUEST;
    c.causes = 0;
    assert_int_equal(take(5, 0)->outcome, OUTCOME_WRITTEN);
}

/* Beyond the total, the domain keeps its token. */
static void test_total_takes_no_domains_token(void **state)
{
    c.per_domain = c.total = (struct limit_rate){ .burst = 1,
                                                  .refill_s = 3600 };
    crash(1, 1);
    assert_int_equal(take(1, 0)->outcome, OUTCOME_WRITTEN);
    crash(2, 2);
    assert_int_equal(take(2, 0)->outcome, OUTCOME_TOTAL);
    c.total = (struct limit_rate){ 0 };
    crash(3, 2);
    assert_int_equal(take(3, 0)->outcome, OUTCOME_WRITTEN);
    /* ... and beyond its own, the others keep theirs. */
    c.total = (struct limit_rate){ .burst = 2, .refill_s = 3600 };
    crash(4, 2);
    assert_int_equal(take(4, 0)->outcome, OUTCOME_DOMAIN);
    crash(5, 3);
    assert_int_equal(take(5, 0)->outcome, OUTCOME_WRITTEN);
}

/*
 * FREEZE.
 */

static const struct msg_freeze *freeze_for(uint64_t xs, uint64_t signal,
                                           bool guest, int rc)
{
    struct msg m = { .type = MSG_FREEZE, .u.freeze.guest = guest };

    m.u.freeze.number[FROM_XENSTORE] = xs;
    m.u.freeze.number[FROM_SIGNAL] = signal;
    xen.trigger = (struct xen_flightrec_trigger){ .gen = ++xen.next_gen,
                                                  .tsc = 10 * xen.next_gen,
                                                  .ns = 20 * xen.next_gen };
    assert_int_equal(ask(&m)->rc, rc);
    return &q->reply.u.freeze;
}

static void test_freeze_is_noted(void **state)
{
    const struct freeze *newest = &q->freeze[PROTO_FREEZES - 1];
    unsigned int i;

    assert_int_equal(freeze_for(5, 0, false, 0)->gen, 1);
    assert_int_equal(newest->gen, 1);
    assert_int_equal(newest->tsc, 10);
    assert_int_equal(newest->ns, 20);
    assert_int_equal(newest->number[FROM_XENSTORE], 5);
    assert_int_equal(newest->number[FROM_SIGNAL], 0);
    /* Requests that were not made yet cannot be covered. */
    freeze_for(100, 101, false, 0);
    assert_int_equal(newest->number[FROM_XENSTORE], 100);
    assert_int_equal(newest->number[FROM_SIGNAL], 100);
    for ( i = 3; i < 3 + PROTO_FREEZES; i++ )
        freeze_for(i, 0, false, 0);
    for ( i = 0; i < PROTO_FREEZES; i++ )
        assert_int_equal(q->freeze[i].gen, 3 + i);
    monitor_forget_freezes(q);
    for ( i = 0; i < PROTO_FREEZES; i++ )
        assert_int_equal(q->freeze[i].gen, 0);
}

static void test_freezes_have_limits(void **state)
{
    const struct msg_freeze *f;

    c.requests = (struct limit_rate){ .burst = 2, .refill_s = 3600 };
    c.total = (struct limit_rate){ .burst = 1, .refill_s = 3600 };
    freeze_for(1, 0, false, 0);
    freeze_for(2, 0, false, 0);
    xen.calls = 0;
    f = freeze_for(3, 0, false, 0);
    assert_int_equal(f->outcome, OUTCOME_REQUESTS);
    assert_int_equal(f->count, 1);
    assert_int_equal(f->gen, 0);
    assert_int_equal(xen.calls, 0);
    /* Guests' count as crashes do. */
    f = freeze_for(4, 0, true, 0);
    assert_int_equal(f->outcome, OUTCOME_WRITTEN);
    f = freeze_for(5, 0, true, 0);
    assert_int_equal(f->outcome, OUTCOME_TOTAL);
    assert_int_equal(f->count, 1);
    assert_int_equal(q->counters.of[OUTCOME_TOTAL][STORE_CAUSE_GUEST], 1);
    assert_int_equal(
        q->counters.of[OUTCOME_REQUESTS][XEN_FLIGHTREC_CAUSE_REQUEST], 1);
    crash(50, 5);
    assert_int_equal(take(50, 0)->outcome, OUTCOME_TOTAL);
}

static void test_freeze_that_xen_refuses(void **state)
{
    xen.error = -EBUSY;
    assert_int_equal(freeze_for(1, 0, false, -EBUSY)->gen, 0);
    assert_int_equal(q->freeze[PROTO_FREEZES - 1].gen, 0);
}

/*
 * Messages of the engine.
 */

static void from_engine(struct msg *m)
{
    assert_int_equal(proto_send(other, m, 0), 0);
    monitor_engine_receive(&e);
}

static void ready(uint32_t incarnation)
{
    struct msg m = { .type = MSG_READY, .u.incarnation = incarnation };

    from_engine(&m);
    assert_true(e.child.ready);
}

/* The hook runs once for a file, and only for one that was taken and released. */
static void test_file_is_reported_once(void **state)
{
    struct msg m = { .type = MSG_SNAPSHOT, .u.snapshot.file.gen = 7,
                     .u.snapshot.records = 123 };
    struct msg release = { .type = MSG_OP };

    ready(1);
    from_engine(&m);
    assert_false(e.wrote);
    release.u.op.op.cmd = XEN_FLIGHTREC_OP_release;
    release.u.op.op.u.gen.gen = 7;
    from_engine(&release);
    assert_int_equal(xen.released, 7);
    m.u.snapshot.file.gen = 8;
    from_engine(&m);
    assert_false(e.wrote);
    m.u.snapshot.file.gen = 7;
    from_engine(&m);
    assert_true(e.wrote);
    assert_int_equal(e.snapshot.records, 123);
    e.wrote = false;
    from_engine(&m);
    assert_false(e.wrote);
    /* Generation 0 is none. */
    m.u.snapshot.file.gen = 0;
    from_engine(&m);
    assert_false(e.wrote);
}

static void test_first_message_is_ready(void **state)
{
    struct msg m = { .type = MSG_PONG };
    pid_t pid = fork();
    int status;

    if ( !pid )
        for ( ;; )
            pause();
    e.child.pid = pid;
    from_engine(&m);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(e.child.fd, -1);
    assert_false(e.alive);
    e.child.pid = 0;
}

static void test_ready_of_other_buffers(void **state)
{
    freeze_for(5, 0, false, 0);
    e.incarnation = 1;
    ready(1);
    assert_int_equal(q->freeze[PROTO_FREEZES - 1].gen, 1);
    assert_true(e.alive && e.changed && e.came);
    assert_true(e.woken);
    assert_int_equal(e.wake.source, WAKE_START);
    e.child.ready = false;
    /* A wake that is owed already stays. */
    monitor_engine_wake(&e, WAKE_VIRQ, 3, 4);
    ready(2);
    assert_int_equal(e.incarnation, 2);
    assert_int_equal(q->freeze[PROTO_FREEZES - 1].gen, 0);
    assert_int_equal(e.wake.source, WAKE_VIRQ);
    assert_int_equal(e.wake.tsc, 3);
    assert_int_equal(e.wake.ns, 4);
}

/* A report that fits: each counter is its own. */
static struct counters report(void)
{
    struct counters r = { .requests = 201, .bytes_written = 202,
                          .held_ns = 203, .held_max_ns = 204, .durable = 7,
                          .durable_ns = 206, .durable_max_ns = 207 };
    unsigned int o;

    for ( o = 0; o < OUTCOMES; o++ )
        r.of[o][2] = 1 + o;
    r.store = (struct store_usage){ .files = 208, .bytes = 209,
                                    .evicted = 210, .expired = 211 };
    return r;
}

static void count(struct counters in)
{
    struct msg m = { .type = MSG_COUNT };

    m.u.counters = in;
    e.changed = false;
    from_engine(&m);
}

/* Its report has all counters but those of the monitor's own verdicts. */
static void test_counters_that_are_the_monitors(void **state)
{
    struct counters r = report();
    unsigned int o;

    ready(1);
    q->takes = 100;
    for ( o = OUTCOME_JUDGED; o < OUTCOMES; o++ )
        q->counters.of[o][2] = 100 + o;
    count(r);
    assert_true(e.changed);
    for ( o = OUTCOME_JUDGED; o < OUTCOMES; o++ )
        r.of[o][2] = 100 + o;
    assert_memory_equal(&q->counters, &r, sizeof(r));
}

/* Counters only grow, and count no more than there was. */
static void test_counters_that_are_implausible(void **state)
{
    struct counters r = report();
    uint64_t sum = 0, *n;
    unsigned int i, o;

    ready(1);
    q->takes = 1000;
    /* These are the monitor's. */
    for ( o = OUTCOME_JUDGED; o < OUTCOMES; o++ )
        r.of[o][2] = 0;
    count(r);
    assert_true(e.changed);
    for ( i = 0; i < OUTCOME_JUDGED * STORE_CAUSES + 7; i++ )
    {
        struct counters less = r;
        uint64_t *const others[] = {
            &less.requests, &less.bytes_written, &less.held_ns,
            &less.durable, &less.durable_ns, &less.store.evicted,
            &less.store.expired,
        };

        n = i < 7 ? others[i] : &less.of[0][0] + (i - 7);
        if ( !*n )
            continue;
        --*n;
        count(less);
        assert_false(e.changed);
        assert_memory_equal(&q->counters, &r, sizeof(r));
    }
    /* The same again, and those that may shrink. */
    count(r);
    assert_true(e.changed);
    {
        struct counters less = r;

        less.store.files = 1;
        less.store.bytes = 1;
        count(less);
        assert_true(e.changed);
        count(r);
    }
    /* More outcomes than generations that were taken; what is refused is not. */
    for ( o = 0; o < OUTCOME_JUDGED; o++ )
        if ( o != OUTCOME_REFUSED )
            sum += 1 + o;
    q->takes = sum;
    count(r);
    assert_true(e.changed);
    q->takes = sum - 1;
    count(r);
    assert_false(e.changed);
    /* Files of a former engine, at each start. */
    e.child.starts = 1;
    count(r);
    assert_true(e.changed);
    {
        struct counters more = r;

        more.of[OUTCOME_WRITTEN][2] += 7;
        count(more);
        assert_true(e.changed);
        more.of[OUTCOME_WRITTEN][2]++;
        count(more);
        assert_false(e.changed);
        more = q->counters;
        more.durable = sum + 7;
        count(more);
        assert_true(e.changed);
        more.durable++;
        count(more);
        assert_false(e.changed);
        /* A sum that wraps. */
        more = q->counters;
        more.of[OUTCOME_WRITTEN][1] = UINT64_MAX;
        more.of[OUTCOME_FAILED][1] = 2;
        count(more);
        assert_false(e.changed);
        more = q->counters;
        more.of[OUTCOME_REFUSED][1] += 1000000;
        count(more);
        assert_true(e.changed);
    }
}

static void test_other_messages(void **state)
{
    struct msg m = { .type = MSG_PONG };

    ready(1);
    e.alive = false;
    from_engine(&m);
    assert_true(e.alive);
    m.type = MSG_UNLINK;
    from_engine(&m);
    assert_true(e.unlink);
    /* Nothing came: nothing happens. */
    monitor_engine_receive(&e);
    assert_true(e.child.ready);
}

/*
 * Messages to the engine.
 */

static bool to_engine(struct msg *m)
{
    return !proto_receive(other, m, MSG_DONTWAIT);
}

static void test_owed_messages_are_sent_in_order(void **state)
{
    static const uint8_t handle[16] = { 9 };
    static const struct guest_counters guests = { .asked = 1 };
    static const struct hook_counters hook = { .run = 2 };
    static const int order[] = { MSG_PING, MSG_CONF, MSG_DOMAIN, MSG_WAKE,
                                 MSG_SIGNAL, MSG_GUESTS, MSG_HOOK, MSG_END };
    struct domain *d;
    struct msg m;
    unsigned int i;

    d = domains_get(&domains, 3, handle);
    domains_changed(&domains, d);
    q->freeze[0].gen = 44;
    q->counters.requests = 55;
    e.incarnation = 66;
    e.child.starts = 77;
    monitor_engine_ping(&e);
    monitor_engine_reload(&e);
    monitor_engine_unmap(&e, true);
    monitor_engine_signal(&e, 88);
    monitor_engine_counters(&e, &guests, &hook);
    monitor_engine_wake(&e, WAKE_VIRQ, 1, 2);
    /* Nothing before it is ready. */
    assert_true(monitor_engine_feed(&e));
    assert_false(to_engine(&m));
    assert_false(monitor_engine_knows(&e));
    ready(66);
    assert_false(monitor_engine_knows(&e));
    assert_true(monitor_engine_feed(&e));
    assert_true(monitor_engine_knows(&e));
    for ( i = 0; i < sizeof(order) / sizeof(order[0]); i++ )
    {
        assert_true(to_engine(&m));
        assert_int_equal(m.type, order[i]);
        switch ( m.type )
        {
        case MSG_CONF:
            assert_int_equal(m.u.conf.starts, 77);
            assert_int_equal(m.u.conf.uid, 12);
            assert_int_equal(m.u.conf.gid, 34);
            assert_int_equal(m.u.conf.incarnation, 66);
            assert_int_equal(m.u.conf.counters.requests, 55);
            assert_int_equal(m.u.conf.freeze[0].gen, 44);
            assert_int_equal(m.u.conf.conf.causes, ~0U);
            break;
        case MSG_DOMAIN:
            assert_int_equal(m.u.domain.domid, 3);
            assert_int_equal(m.u.domain.handle[0], 9);
            break;
        case MSG_SIGNAL:
            assert_int_equal(m.u.signal.number, 88);
            break;
        case MSG_GUESTS:
            assert_int_equal(m.u.guests.asked, 1);
            break;
        case MSG_HOOK:
            assert_int_equal(m.u.hook.run, 2);
            break;
        }
    }
    /* Each of them once. */
    monitor_engine_counters(&e, &guests, &hook);
    assert_true(monitor_engine_feed(&e));
    assert_false(to_engine(&m));
    /* The other process is owed the domain still. */
    assert_int_equal(d->owed, OWED_XENSTORE);
}

static void test_wake_that_is_held_back(void **state)
{
    struct msg m;

    ready(1);
    monitor_engine_hold(&e, true);
    monitor_engine_ping(&e);
    assert_true(monitor_engine_feed(&e));
    assert_true(to_engine(&m));
    assert_int_equal(m.type, MSG_PING);
    assert_false(to_engine(&m));
    monitor_engine_hold(&e, false);
    assert_true(monitor_engine_feed(&e));
    assert_true(to_engine(&m));
    assert_int_equal(m.type, MSG_WAKE);
}

/* A signal is answered by its number; a later one stands for an earlier one. */
static void test_signals(void **state)
{
    struct msg m;

    ready(1);
    e.woken = false;
    monitor_engine_signal(&e, 5);
    assert_true(monitor_engine_feed(&e));
    assert_true(to_engine(&m));
    assert_int_equal(e.signal.source, FROM_SIGNAL);
    assert_int_equal(e.signal.state, REQUEST_SENT);
    m = (struct msg){ .type = MSG_ANSWER, .u.signal.number = 4 };
    from_engine(&m);
    assert_int_equal(e.signal.state, REQUEST_SENT);
    m.u.signal.number = 5;
    from_engine(&m);
    assert_int_equal(e.signal.state, REQUEST_FREE);
    monitor_engine_signal(&e, 6);
    assert_true(monitor_engine_feed(&e));
    assert_true(to_engine(&m));
    monitor_engine_signal(&e, 7);
    assert_true(monitor_engine_feed(&e));
    assert_true(to_engine(&m));
    assert_int_equal(m.u.signal.number, 7);
}

/* A full socket: owed until there is room, and nothing is lost or doubled. */
static void test_engine_that_does_not_read(void **state)
{
    unsigned int sent = 0, got = 0;
    struct msg m;

    ready(1);
    e.woken = false;
    do {
        monitor_engine_ping(&e);
        sent++;
    } while ( monitor_engine_feed(&e) && sent < 100000 );
    assert_true(sent > 1 && sent < 100000);
    assert_true(e.ping_owed);
    while ( to_engine(&m) )
        got++;
    assert_int_equal(got, sent - 1);
    assert_true(monitor_engine_feed(&e));
    assert_true(to_engine(&m));
    assert_false(to_engine(&m));
}

/*
 * Its life.
 */

/* After its end a new one is owed all of it. */
static void test_end_owes_everything(void **state)
{
    static const uint8_t handle[16] = { 9 };
    struct domain *d;

    d = domains_get(&domains, 3, handle);
    ready(1);
    monitor_engine_signal(&e, 5);
    assert_true(monitor_engine_feed(&e));
    e.changed = false;
    q->reply_owed = e.end_sent = true;
    d->owed = 0;
    monitor_engine_ended(&e, 0);
    assert_int_equal(e.child.fd, -1);
    assert_int_equal(e.child.pid, 0);
    assert_false(e.child.ready || q->reply_owed || e.end_sent);
    assert_int_equal(d->owed, OWED_ENGINE);
    assert_true(e.guests_owed && e.hook_owed && e.changed);
    assert_int_equal(e.signal.state, REQUEST_OPEN);
}

/* A generation that kills engines is released unread, and counted. */
static void test_generation_that_kills(void **state)
{
    unsigned int i;

    crash(7, 1);
    take(7, 0);
    for ( i = 0; i < 2; i++ )
    {
        monitor_engine_ended(&e, SIGSEGV);
        assert_int_equal(xen.released, 0);
        take(7, 0);
    }
    monitor_engine_ended(&e, SIGSEGV);
    assert_int_equal(xen.released, 7);
    assert_int_equal(q->reading, 0);
    assert_int_equal(q->counters.of[OUTCOME_FAILED][XEN_FLIGHTREC_CAUSE_CRASH],
                     1);
    /* Deaths of one generation do not count for the next. */
    xen.released = 0;
    crash(8, 1);
    take(8, 0);
    monitor_engine_ended(&e, SIGSEGV);
    take(8, 0);
    monitor_engine_ended(&e, SIGSEGV);
    crash(9, 1);
    take(9, 0);
    monitor_engine_ended(&e, SIGSEGV);
    assert_int_equal(xen.released, 0);
    /* Nor do those of engines that read nothing. */
    q->reading = 0;
    for ( i = 0; i < 5; i++ )
        monitor_engine_ended(&e, SIGSEGV);
    assert_int_equal(xen.released, 0);
}

/* Twice as long each time, up to a limit; a good life or end resets it. */
static void test_back_off(void **state)
{
    uint64_t want, now = now_ms();

    e.child.started_ms = now;
    for ( want = 50; want < 30000; want *= 2 )
    {
        monitor_engine_ended(&e, SIGSEGV);
        assert_int_equal(e.child.backoff_ms, want);
        assert_true(e.child.restart_ms >= now + want);
        assert_true(e.child.restart_ms <= now_ms() + want);
    }
    monitor_engine_ended(&e, SIGSEGV);
    assert_int_equal(e.child.backoff_ms, 30000);
    monitor_engine_ended(&e, SIGSEGV);
    assert_int_equal(e.child.backoff_ms, 30000);
    /* It ended in order. */
    monitor_engine_ended(&e, 0);
    assert_int_equal(e.child.backoff_ms, 50);
    monitor_engine_ended(&e, 1 << 8);
    assert_int_equal(e.child.backoff_ms, 100);
    /* It lived for long. */
    e.child.started_ms = now_ms() - 10001;
    monitor_engine_ended(&e, SIGSEGV);
    assert_int_equal(e.child.backoff_ms, 50);
    e.child.started_ms = now_ms() - 9000;
    monitor_engine_ended(&e, SIGSEGV);
    assert_int_equal(e.child.backoff_ms, 100);
    /* A limit of the caller's own. */
    child_back_off(&e.child, false, 120);
    assert_int_equal(e.child.backoff_ms, 120);
    child_back_off(&e.child, true, 20);
    assert_int_equal(e.child.backoff_ms, 20);
    child_back_off(&e.child, false, UINT64_MAX);
    assert_int_equal(e.child.backoff_ms, 40);
}

static void test_when_a_child_is_due(void **state)
{
    e.child.restart_ms = 1000;
    assert_false(child_due(&e.child, 999));
    assert_int_equal(child_wait_ms(&e.child, 999), 1);
    assert_true(child_due(&e.child, 1000));
    assert_int_equal(child_wait_ms(&e.child, 1000), 0);
    assert_int_equal(child_wait_ms(&e.child, 5000), 0);
    e.child.pid = 1;
    assert_false(child_due(&e.child, 1000));
    assert_int_equal(child_wait_ms(&e.child, 0), -1);
    monitor_engine_hurry(&e);
    assert_int_equal(e.child.restart_ms, 1000);
    e.child.pid = 0;
    monitor_engine_hurry(&e);
    assert_int_equal(e.child.restart_ms, 0);
}

/* Other buffers than it maps: it is replaced, without a back-off. */
static void test_replaced_for_other_buffers(void **state)
{
    pid_t pid;

    ready(1);
    monitor_engine_check(&e);
    assert_true(e.child.ready);
    pid = fork();
    if ( !pid )
        for ( ;; )
            pause();
    e.child.pid = pid;
    e.child.restart_ms = 12345;
    q->reading = 7;
    xen.status.state = XEN_FLIGHTREC_ST_CREATED;
    xen.status.nr_cpus = 2;
    monitor_engine_check(&e);
    assert_int_equal(e.child.pid, 0);
    assert_true(kill(pid, 0) && errno == ESRCH);
    assert_int_equal(e.child.restart_ms, 0);
    assert_int_equal(q->reading, 0);
    assert_false(e.child.ready);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_operations_are_filtered),
        TEST(test_operations_of_tbuf),
        TEST(test_errors_of_xen_are_passed_on),
        TEST(test_questions_that_are_none),
        TEST(test_take_reads_the_clocks),
        TEST(test_clock_pair_is_in_the_middle),
        TEST(test_take_acknowledges_and_judges),
        TEST(test_take_of_what_is_not_held),
        TEST(test_take_of_an_odd_cause),
        TEST(test_causes_and_totals),
        TEST(test_total_takes_no_domains_token),
        TEST(test_freeze_is_noted),
        TEST(test_freezes_have_limits),
        TEST(test_freeze_that_xen_refuses),
        TEST(test_file_is_reported_once),
        TEST(test_first_message_is_ready),
        TEST(test_ready_of_other_buffers),
        TEST(test_counters_that_are_the_monitors),
        TEST(test_counters_that_are_implausible),
        TEST(test_other_messages),
        TEST(test_owed_messages_are_sent_in_order),
        TEST(test_wake_that_is_held_back),
        TEST(test_signals),
        TEST(test_engine_that_does_not_read),
        TEST(test_end_owes_everything),
        TEST(test_generation_that_kills),
        TEST(test_back_off),
        TEST(test_when_a_child_is_due),
        TEST(test_replaced_for_other_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
