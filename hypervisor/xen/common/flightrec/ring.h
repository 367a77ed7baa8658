/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/ring.h: the recorder's core: reserve, commit, switch,
 * adopt, freeze, release.
 *
 * PURPOSE
 *
 * Each pCPU has one ring a channel.  A ring is a set of slots (sub-buffers).
 * The pCPU writes records into the open slot; when the next record does not
 * fit, it closes the slot and opens the one that was closed longest ago, whose
 * content is thereby overwritten.  Nobody reads.  A freeze makes the ring hold
 * what it has: the slots are set aside, and recording goes on in a few spare
 * ones.  A release gives the slots back.
 *
 *        pos                       fifo, oldest first            held
 *         |                 +-----+-----+-----+-----+       +-----+-----+
 *         v     close  ---> | ... |     |     | old |       | gen | gen |
 *      +------+             +-----+-----+-----+-----+       +-----+-----+
 *      | open |  <--------------- open (overwrite) --+         ^     |
 *      +------+                        |                       |     |
 *                                      +---- adopt a freeze ---+     |
 *                                      ^                             |
 *                                      +---- adopt a release --------+
 *
 * WHO RUNS WHAT
 *
 * Writers run on their own pCPU only, at any level: task, softirq, IRQ, NMI,
 * #MC.  They nest strictly LIFO: an inner writer runs to its end before the
 * outer one continues.  The fast path keeps interrupts on and takes no lock;
 * its atomic operations are atomic against nesting, not against other pCPUs
 * (no LOCK prefix).  The slow path (switch, adopt) has interrupts off and
 * `busy` set; an NMI in there that needs the slow path too loses its record
 * and counts it.
 *
 * A freeze or release changes one global word, G.  Each pCPU adopts the change
 * when it next writes, or by a tasklet, or, while it is offline, by the hand
 * of the controller.  No IPI is sent and nobody waits for anybody.
 *
 * THE WORD G                                    (all writes by LOCK cmpxchg)
 *
 *   63        40 39                        8 7    4 3    0
 *  +------------+---------------------------+------+------+
 *  |   epoch    |       gen                 | ack  | held |
 *  +------------+---------------------------+------+------+
 *
 *   gen    newest generation; the held ones are (gen - held, gen]
 *   ack    bit (g % 4): somebody reads generation g, it does not give way
 *   epoch  changes with each change of gen or held; all ones: stopped (panic)
 *
 * THE WORD pos                                  (local cmpxchg by its pCPU)
 *
 *   63          44 43     38 37           20 19            0
 *  +--------------+---------+---------------+---------------+
 *  |     tag      |  slot   |    records    | offset, bytes |
 *  +--------------+---------+---------------+---------------+
 *
 *   offset of all ones: closed.  The tag changes with each opening, so that a
 *   writer that was interrupted for a whole lap does not succeed by accident.
 *
 * THE ACCOUNT
 *
 * `emitted` and each `lost` count stand in words whose upper 24 bits are the
 * epoch that the ring has adopted; one xadd counts and tells the epoch it was
 * counted in.  The adopter's xadd takes the count for its audit and moves the
 * epoch in one instruction.  So each writer knows, for each adoption, whether
 * it was counted as emitted before it and whether it was accounted for (in pos
 * or in a lost count) before it; where these differ it corrects that audit's
 * `late`.  The audit is exact once the pCPU is quiescent.
 *
 * INVARIANTS (the checkers name them)
 *
 * I1  A slot is exactly one of: open, in the fifo, held.
 * I2  Nothing is written to a held slot but the payload, and the commit, of
 *     records that were reserved before it was closed.
 * I3  A slot is opened again only when committed == used.
 * I4  Records never overlap, never straddle a slot; a slot with committed ==
 *     used is filled with whole records from header to end.
 * I5  seq grows by one with each opening in a ring; the fifo is sorted by it.
 * I6  Each stamp can be extended: it is less than 2^20 steps after the last
 *     anchor before it in its slot.
 * I7  emitted - late = held + held_earlier + sacrificed + overwritten + lost,
 *     for each adoption of a generation, when quiescent.
 * I8  No writer waits: all its loops are bounded.
 * I9  No record whose writer saw a new G before it was stamped is in a slot
 *     that this generation holds.
 *
 * ORDERING PAIRS, with what implements each side (tests/model tries them all)
 *
 * P1  payload, then commit: fr_local_add() of committed, a release | the
 *     reader's fr_load_acquire() of committed, and then payload: else a torn
 *     record.
 * P2  the opening's reset of committed, the slots' hold_gen and used, their
 *     headers and the audit, then agen: fr_store_release() | fr_quiescent()'s
 *     fr_load_acquire() of agen, and then all these: else a slot is missed, or
 *     the count of its last lap is taken for this one's.
 * P3  trigger record: gen 0, fr_wmb(), the fields, fr_store_release() of gen |
 *     fr_trigger_read(): fr_load_acquire() of gen, the fields, fr_rmb(), gen
 *     again: else the fields of two triggers are mixed.
 * P4  what a reader loads from a held slot, then fr_release()'s fr_cmpxchg() of
 *     G, a full barrier | the adopter's load of G, the branch on it, and then
 *     its stores to the slot: else what is read was overwritten.
 * P5  fr_freeze(), fr_ack() and fr_release() change G by fr_cmpxchg(), which is
 *     atomic against all pCPUs: else an acknowledged generation gives way.
 * P6  the closing of a slot, then r->seq of the next: fr_store_release() |
 *     fr_done_seq()'s fr_load_acquire() of r->seq, and then the slots: else a
 *     slot's `used` of an earlier lap is taken for this one's.
 * P7  a header's used_bytes = 0, fr_wmb(), its seq and what the new lap writes;
 *     that seq, then used_bytes again by fr_store_release() | who copies a slot
 *     that is not held: the content, a read barrier, used_bytes again, by a
 *     load-acquire, and seq again: else two laps are mixed.
 * Between a writer and its own pCPU's interrupts only the compiler must keep
 * order: fr_barrier() and the volatile accesses of fr_read()/fr_write().
 *
 * REFUSED
 *
 * Stopping on a freeze: a guest that triggers freezes would blind it.  A second
 * ring to swap to: twice the memory for the same history.  A nest counter with
 * an IPI to wait for writers: the crash path cannot send IPIs.  A stamp a
 * record with 64 bits: memory / bytes-per-event is the history.
 */

#ifndef __XEN_FLIGHTREC_RING_H__
#define __XEN_FLIGHTREC_RING_H__

/* The platform first: it has the fixed-width types. */
#include <xen/flightrec-platform.h>
#include <public/flightrec.h>

#include "table.h"

#define FR_SLOTS         XEN_FLIGHTREC_MAX_SLOTS
#define FR_HELD          XEN_FLIGHTREC_MAX_HELD
#define FR_HEADER_BYTES  ((uint64_t)sizeof(struct xen_flightrec_packet))
#define FR_ANCHOR_BYTES  12

/* G */
#define FR_EPOCH_SHIFT   40
#define FR_GEN_SHIFT     8
#define FR_ACK_SHIFT     4
#define FR_G_STOP        (~0ULL)

/* pos */
#define FR_OFF_BITS      20
#define FR_OFF_MASK      ((1ULL << FR_OFF_BITS) - 1)
#define FR_NREC_SHIFT    FR_OFF_BITS
#define FR_NREC_ONE      (1ULL << FR_NREC_SHIFT)
#define FR_NREC_MASK     ((1ULL << 18) - 1)
#define FR_SLOT_SHIFT    38
#define FR_SLOT_MASK     (FR_SLOTS - 1ULL)
#define FR_TAG_SHIFT     44

/* emitted and lost: epoch | count */
#define FR_COUNT_MASK    ((1ULL << FR_EPOCH_SHIFT) - 1)

/* committed and used are as pos, without tag and slot: records | bytes */
#define FR_DONE_MASK     ((1ULL << FR_SLOT_SHIFT) - 1)
#define FR_DONE_NREC(d)  ((d) >> FR_NREC_SHIFT)

struct fr_slot {
    uint64_t committed;    /* records | bytes; local add by writers */
    uint32_t *data;        /* header and records; lent read-only, never read */
    uint64_t used;         /* records | bytes; by close, read once closed */
    uint64_t seq;          /* 0: never used */
    uint64_t begin_tsc;
    uint32_t hold_gen;     /* 0: not held; by adopt */
} __attribute__((__aligned__(64)));

#define FR_SLOT_SIZE_SHIFT 6 /* log2(sizeof(struct fr_slot)) */

struct fr_ring {
    /* The line that every record touches. */
    uint64_t pos;
    uint64_t emitted;      /* epoch | count */
    uint64_t base;         /* stamp of the last anchor, or an older one */
    uint64_t window;       /* a stamp this far from base needs an anchor */
    uint64_t slot_bytes;
    uint32_t tsc_scale;    /* moves a stamp into place in a header */
    uint8_t tsc_shift;
    uint8_t channel;
    uint8_t slots;         /* 4..64 */
    uint8_t spares;
    uint8_t nfifo;         /* by switch and adopt, under busy, as all below */

    /* epoch | count; on its own line: hot only when something is wrong. */
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES]
        __attribute__((__aligned__(FR_CACHELINE)));
    uint64_t emitted_before; /* folded out of `emitted` */
    uint64_t overwritten;
    uint64_t seq;          /* of the newest slot */
    uint8_t fifo[FR_SLOTS];/* closed slots that may be opened, oldest first */
    struct fr_slot slot[FR_SLOTS];
};

struct fr_audit {
    struct xen_flightrec_audit pub; /* its `late` is in the next field */
    uint64_t late;         /* epoch that its adoption moved to | count */
};

/* All of a pCPU's state.  Xen-private; only `info` and slot data are lent. */
struct fr_cpu {
    struct fr_ring ring[FR_CHANNELS];
    uint64_t agen;         /* last G adopted, for both rings; P2 */
    uint8_t busy;          /* set inside the slow path */
    uint32_t cpu;
    uint64_t incarnation;
    struct xen_flightrec_cpu *info; /* frame 0 of the resource: copies */
    struct fr_audit audit[FR_HELD][FR_CHANNELS];
} __attribute__((__aligned__(FR_CACHELINE)));

/* One ring's form.  first_frame is copied into the information page. */
struct fr_geometry {
    uint32_t slot_bytes;   /* multiple of 4096, within the ABI's limits */
    uint32_t slots;
    uint32_t spares;       /* 2..slots-1; 0: default */
    uint32_t first_frame;
};

/*
 * Set up the table and the clock.  tsc_khz: frequency of fr_clock().  To be
 * called once, before anything else.  -ERANGE if the event list does not fit.
 */
int fr_init(uint32_t tsc_khz);

/*
 * Default geometry for `bytes` of slots a pCPU (both channels): busy gets 7/8.
 * slot_bytes/spares: busy's, 0 for the default.  -EINVAL if it cannot be.
 */
int fr_geometry(uint32_t bytes, uint32_t slot_bytes, uint32_t spares,
                struct fr_geometry geo[FR_CHANNELS]);

/*
 * Make *c a recorder for pCPU `cpu`.  slot(arg, channel, index) gives the
 * memory of each slot (geo[].slot_bytes, zeroed, outlives *c); `info` is the
 * page lent to Dom0.  Nothing is recorded before fr_this_cpu() returns c.
 */
void fr_cpu_init(struct fr_cpu *c, uint32_t cpu, uint64_t incarnation,
                 const struct fr_geometry geo[FR_CHANNELS],
                 struct xen_flightrec_cpu *info,
                 uint32_t *(*slot)(void *arg, unsigned int channel,
                                   unsigned int index), void *arg);

/*
 * The pCPU is about to write again after an absence in which its TSC may have
 * been set: the next record carries an anchor.
 */
void fr_cpu_resume(struct fr_cpu *c);

/*
 * Record an event on this pCPU if a channel's mask asks for it.  Any context.
 * data may have any alignment; bytes above 28 are cut.
 */
void fr_trace(uint32_t event, const void *data, unsigned int bytes);

/* Step of a record's time: 2^this TSC ticks. */
unsigned int fr_tsc_shift(void);

/*
 * Begin a generation: fills in t->gen and t->tsc.  -EBUSY: nothing left to
 * hold (all are held and the oldest is being read); -ENODEV: stopped.  *gave_up
 * is set if the oldest, unread, had to give way.  Callers serialise among
 * themselves (Xen: a leaf spinlock), not against anything else.
 */
int fr_freeze(struct xen_flightrec_trigger *t, bool *gave_up);
/* -ENOENT: not held.  release: -EINVAL if an older one is held. */
int fr_ack(uint32_t gen);
int fr_release(uint32_t gen);
/* Copy of what began gen; flags say if it is acknowledged.  -ENOENT. */
int fr_trigger_read(uint32_t gen, struct xen_flightrec_trigger *t);
/*
 * A reader that follows the rings: whoever opens a slot whose seq is a multiple
 * of fr_wake_every (0: nobody follows) calls the platform's fr_wake_soon(), from
 * any context; what runs some time later asks fr_wake_take() whether it is the
 * one to wake the reader, which it says once an arming.
 */
extern uint64_t fr_wake_every;
bool fr_wake_take(void);
/* All packets of a ring up to this seq are closed and committed.  Any pCPU. */
uint64_t fr_done_seq(const struct fr_cpu *c, unsigned int channel);

/* Panic: nothing is written any more.  Any context, any number of times. */
void fr_stop(void);
bool fr_stopped(void);
/* Newest generation, and the newest that is not held any more. */
void fr_generations(uint32_t *gen, uint32_t *released);

/*
 * Adopt the current G: on the pCPU itself, outside of any record, or, while it
 * is offline, by the controller.  False if that was not possible now (an NMI
 * came in between): call again.
 */
bool fr_adopt(struct fr_cpu *c);
/*
 * Has it adopted `gen`, is all that it holds committed, and is the account
 * settled?  Any pCPU.
 */
bool fr_quiescent(const struct fr_cpu *c, uint32_t gen);
/* Counters of one ring, a snapshot without a guarantee.  Any pCPU. */
void fr_cpu_counters(const struct fr_cpu *c, unsigned int channel,
                     struct xen_flightrec_op_cpu *out);

#endif /* __XEN_FLIGHTREC_RING_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
