/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/ring.h: the recorder's core: reserve, commit, switch,
 * adopt, freeze, release.
 *
 * PURPOSE
 *
 * Each pCPU has one ring per channel.  A ring is a set of slots (sub-buffers).
 * The pCPU writes records into the open slot.  When the next record does not
 * fit, it closes the slot and opens the one that was closed longest ago, which
 * overwrites that slot's content.  There is no reader in normal operation.  A
 * freeze sets the slots written so far aside, and recording continues in a few
 * spare slots.  A release returns the slots to the ring.
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
 * CONTEXTS
 *
 * Writers run on their own pCPU only, at any level: task, softirq, IRQ, NMI,
 * #MC.  They nest strictly LIFO: an inner writer completes before the outer
 * one continues.  The fast path leaves interrupts on and takes no lock.  Its
 * atomic operations are atomic against nesting, not against other pCPUs (no
 * LOCK prefix).  The slow path (switch, adopt) runs with interrupts off and
 * `busy` set.  An NMI inside it that needs the slow path as well drops its
 * record and counts it.
 *
 * A freeze or release changes one global word, G.  Each pCPU adopts the change
 * when it next writes or runs a tasklet; the controller adopts it on behalf of
 * offline pCPUs.  The core sends no IPI, and no context waits for another.
 *
 * THE WORD G                                    (all writes by LOCK cmpxchg)
 *
 *   63        40 39                        8 7    4 3    0
 *  +------------+---------------------------+------+------+
 *  |   epoch    |       gen                 | ack  | held |
 *  +------------+---------------------------+------+------+
 *
 *   gen    newest generation; (gen - held, gen] are held
 *   ack    bit (g % 4): generation g is being read and must not be given up
 *   epoch  changes with each change of gen or held; all ones: stopped (panic)
 *
 * THE WORD pos                                  (local cmpxchg by its pCPU)
 *
 *   63          44 43     38 37           20 19            0
 *  +--------------+---------+---------------+---------------+
 *  |     tag      |  slot   |    records    | offset, bytes |
 *  +--------------+---------+---------------+---------------+
 *
 *   An offset of all ones means closed.  The tag changes with each opening, so
 *   the cmpxchg of a writer that was interrupted for a whole lap must fail.
 *
 * THE ACCOUNT
 *
 * `emitted` and each `lost` count are words whose upper 24 bits are the epoch
 * that the ring has adopted.  One xadd counts a record and returns the epoch
 * it was counted in.  The adopter's xadd reads the count for its audit and
 * moves the epoch in the same instruction.  So each writer knows, for each
 * adoption, whether its record was counted as emitted before it, and whether
 * it was accounted for (in pos or in a lost count) before it.  Where the two
 * differ the writer corrects that audit's `late`.  The audit is exact once the
 * pCPU is quiescent.
 *
 * INVARIANTS (checkers report them by number)
 *
 * I1  A slot is exactly one of: open, in the fifo, held.
 * I2  The only writes to a held slot are the payload and the commit of records
 *     that were reserved before it was closed.
 * I3  A slot is reopened only when committed == used.
 * I4  Records never overlap and never straddle a slot; a slot with committed
 *     == used is filled with whole records from header to end.
 * I5  seq grows by one with each opening in a ring; the fifo is sorted by it.
 * I6  Each stamp can be extended: it is less than 2^20 steps after the last
 *     anchor before it in its slot.
 * I7  emitted - late = held + held_earlier + sacrificed + overwritten + lost,
 *     for each adoption of a generation, when quiescent.
 * I8  No writer waits: all its loops are bounded.
 * I9  A record whose writer saw a new G before taking its stamp is not in a
 *     slot that this generation holds.
 *
 * ORDERING PAIRS: writer's side | reader's side (tests/model checks them all)
 *
 * P1  payload, then commit by fr_local_add(), a release | fr_load_acquire() of
 *     committed, then the payload.  Prevents a torn record.
 * P2  the opening's reset of committed, the slots' hold_gen and used, their
 *     headers and the audit, then agen by fr_store_release() |
 *     fr_quiescent()'s fr_load_acquire() of agen, then all of these.  Prevents
 *     a missed slot, and the last lap's count taken for this lap's.
 * P3  trigger record: gen = 0, fr_wmb(), the fields, fr_store_release() of gen
 *     | fr_trigger_read(): fr_load_acquire() of gen, the fields, fr_rmb(), gen
 *     again.  Prevents a mix of two triggers' fields.
 * P4  loads from a held slot, then fr_release()'s fr_cmpxchg() of G, a full
 *     barrier | the adopter's load of G, the branch on it, then its stores to
 *     the slot.  Prevents a read of overwritten data.
 * P5  fr_freeze(), fr_ack() and fr_release() change G by fr_cmpxchg(), which is
 *     atomic against all pCPUs.  Prevents giving up an acknowledged generation.
 * P6  the closing of a slot, then r->seq of the next by fr_store_release() |
 *     fr_done_seq()'s fr_load_acquire() of r->seq, then the slots.  Prevents
 *     an earlier lap's `used` from being taken for this lap's.
 * P7  a header's used_bytes = 0, fr_wmb(), its seq and the new lap's content;
 *     after that used_bytes again by fr_store_release() | a reader of a slot
 *     that is not held: the content, a read barrier, used_bytes again by a
 *     load-acquire, and seq again.  Prevents a mix of two laps.
 * Between a writer and interrupts of its own pCPU only the compiler must keep
 * order: fr_barrier() and the volatile accesses of fr_read()/fr_write().
 *
 * REFUSED ALTERNATIVES
 *
 * Stop on a freeze: a guest that triggers freezes would blind the recorder.
 * Swap to a second ring: twice the memory for the same history.
 * Count nesting and send an IPI to wait for writers: the crash path cannot
 * send IPIs.
 * A 64-bit stamp per record: the length of the history is memory divided by
 * bytes per event.
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
    uint64_t committed;    /* records | bytes; written by commit */
    uint32_t *data;        /* header and records; lent read-only, never read */
    uint64_t used;         /* records | bytes; written by close, valid then */
    uint64_t seq;          /* 0: never used */
    uint64_t begin_tsc;    /* TSC at opening */
    uint32_t hold_gen;     /* 0: not held; written by adopt */
} __attribute__((__aligned__(64)));

#define FR_SLOT_SIZE_SHIFT 6 /* log2(sizeof(struct fr_slot)) */

struct fr_ring {
    /* The cache line that every record touches. */
    uint64_t pos;          /* see THE WORD pos */
    uint64_t emitted;      /* epoch | count of records */
    uint64_t base;         /* TSC of the last anchor, or an older one */
    uint64_t window;       /* TSC ticks after base that need a new anchor */
    uint64_t slot_bytes;
    uint32_t tsc_scale;    /* factor from TSC to a header's time field */
    uint8_t tsc_shift;     /* one step of a record's time: 2^this TSC ticks */
    uint8_t channel;
    uint8_t slots;         /* 4..64 */
    uint8_t spares;        /* slots left writable by the first hold */
    uint8_t nfifo;         /* from here on: by the slow path, under busy */

    /* epoch | count; on its own line, written only when a record is lost. */
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES]
        __attribute__((__aligned__(FR_CACHELINE)));
    uint64_t emitted_before; /* count folded out of `emitted` */
    uint64_t overwritten;  /* records */
    uint64_t seq;          /* seq of the newest slot */
    uint8_t fifo[FR_SLOTS];/* closed slots that may be opened, oldest first */
    struct fr_slot slot[FR_SLOTS];
};

struct fr_audit {
    struct xen_flightrec_audit pub; /* except pub.late, which is below */
    uint64_t late;         /* epoch that its adoption moved to | count */
};

/* A pCPU's state.  Private to Xen; only `info` and slot data are lent. */
struct fr_cpu {
    struct fr_ring ring[FR_CHANNELS];
    uint64_t agen;         /* last G adopted, for both rings; P2 */
    uint8_t busy;          /* set while in the slow path */
    uint32_t cpu;          /* pCPU number */
    uint64_t incarnation;  /* of the set of buffers */
    struct xen_flightrec_cpu *info; /* frame 0 of the resource; only copies */
    struct fr_audit audit[FR_HELD][FR_CHANNELS];
} __attribute__((__aligned__(FR_CACHELINE)));

/* Geometry of one ring. */
struct fr_geometry {
    uint32_t slot_bytes;   /* multiple of 4096, within the ABI's limits */
    uint32_t slots;
    uint32_t spares;       /* 2..slots-1; 0: default */
    uint32_t first_frame;  /* of the pCPU's resource, for the info page */
};

/*
 * Set up the table and the clock.  @tsc_khz is the frequency of fr_clock().
 * Must be called once, before any other function.  Return 0, or -ERANGE if the
 * event list does not fit the table.
 */
int fr_init(uint32_t tsc_khz);

/*
 * Compute the geometry for @bytes of slots per pCPU, both channels together;
 * busy gets 7/8.  @slot_bytes and @spares are for busy; 0 selects the default.
 * Return 0, or -EINVAL if a ring would be outside of the ABI's limits.
 */
int fr_geometry(uint32_t bytes, uint32_t slot_bytes, uint32_t spares,
                struct fr_geometry geo[FR_CHANNELS]);

/*
 * Initialise *c as the recorder of pCPU @cpu.  slot(arg, channel, index) must
 * return the memory of each slot: geo[].slot_bytes, zeroed, valid as long as
 * *c; or NULL, and the caller must set slot[].data before recording starts.
 * @info is the page lent to Dom0.  Recording starts when fr_this_cpu() returns
 * c.
 */
void fr_cpu_init(struct fr_cpu *c, uint32_t cpu, uint64_t incarnation,
                 const struct fr_geometry geo[FR_CHANNELS],
                 struct xen_flightrec_cpu *info,
                 uint32_t *(*slot)(void *arg, unsigned int channel,
                                   unsigned int index), void *arg);

/*
 * Make the next record carry an anchor.  Must be called before a pCPU writes
 * again after it was offline, since its TSC may have been set in between.
 */
void fr_cpu_resume(struct fr_cpu *c);

/*
 * Record an event on this pCPU if a channel's mask selects it.  Any context.
 * @data may have any alignment; only the first 28 bytes are recorded.
 */
void fr_trace(uint32_t event, const void *data, unsigned int bytes);

/* log2 of the TSC ticks in one step of a record's time. */
unsigned int fr_tsc_shift(void);

/*
 * Begin a generation and fill in t->gen and t->tsc.  *gave_up is set if the
 * oldest generation was unread and had to be given up.  Callers must serialise
 * among themselves (Xen: a leaf spinlock), not against anything else.  Return
 * 0; -EBUSY if all generations are held and the oldest is being read; -ENODEV
 * if the recorder is stopped.
 */
int fr_freeze(struct xen_flightrec_trigger *t, bool *gave_up);
/* Acknowledge @gen so that it is not given up.  Return -ENOENT if not held. */
int fr_ack(uint32_t gen);
/* Return 0; -ENOENT if @gen is not held; -EINVAL if an older one is held. */
int fr_release(uint32_t gen);
/*
 * Copy the trigger of @gen; TRG_ACKED is set in flags if it is acknowledged.
 * Return 0, or -ENOENT if @gen is not held.
 */
int fr_trigger_read(uint32_t gen, struct xen_flightrec_trigger *t);
/*
 * For a reader that follows the rings.  A writer that opens a slot whose seq
 * is a multiple of fr_wake_every calls the platform's fr_wake_soon(), from any
 * context; 0 means that there is no such reader.  The deferred handler then
 * calls fr_wake_take(), which returns true once per arming: wake the reader.
 */
extern uint64_t fr_wake_every;
bool fr_wake_take(void);
/*
 * Return the highest seq up to which all packets of a ring are closed and
 * committed.  Any pCPU.
 */
uint64_t fr_done_seq(const struct fr_cpu *c, unsigned int channel);

/* Stop all writing, for a panic.  Any context, any number of times. */
void fr_stop(void);
bool fr_stopped(void);
/* Get the newest generation, and the newest that is no longer held. */
void fr_generations(uint32_t *gen, uint32_t *released);

/*
 * Adopt the current G.  Must be called on the pCPU itself, outside of any
 * record, or by the controller while the pCPU is offline.  Return false if an
 * NMI interfered; the caller must try again.
 */
bool fr_adopt(struct fr_cpu *c);
/*
 * Return true if the pCPU has adopted @gen, all records that it holds are
 * committed and its audits are settled.  Any pCPU.
 */
bool fr_quiescent(const struct fr_cpu *c, uint32_t gen);
/* Read one ring's counters, without synchronisation.  Any pCPU. */
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
