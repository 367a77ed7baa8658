/* SPDX-License-Identifier: MIT */
/*
 * public/flightrec.h: the flight recorder's interface.
 *
 * What Dom0 (and a reader of a snapshot file, years later) may rely on: the
 * form of a record, of a packet (one sub-buffer with its header), of the
 * information pages, and of the control operations.  No code.
 *
 * All values are little endian on x86.  Nothing in here is ever read back by
 * Xen from memory that Dom0 can see: pages are lent read-only and every field
 * in them is a copy.
 */

#ifndef __XEN_PUBLIC_FLIGHTREC_H__
#define __XEN_PUBLIC_FLIGHTREC_H__

/* Major version of everything in this file; an incompatible change bumps it. */
#define XEN_FLIGHTREC_VERSION        1

/* Highest number of slots (sub-buffers) in one ring. */
#define XEN_FLIGHTREC_MAX_SLOTS      64
/* Fewest slots of a ring: two to write in, one to hold, one to wait for. */
#define XEN_FLIGHTREC_MIN_SLOTS      4
/* Size limits of one slot, in bytes; always a multiple of 4096. */
#define XEN_FLIGHTREC_MIN_SLOT_BYTES 4096
#define XEN_FLIGHTREC_MAX_SLOT_BYTES (512 * 1024)
/* What follows from these for both channels of a pCPU, rare having 1/8. */
#define XEN_FLIGHTREC_MIN_CPU_BYTES  (128U << 10)
#define XEN_FLIGHTREC_MAX_CPU_BYTES  (36U << 20)
/* How many generations can be held at once. */
#define XEN_FLIGHTREC_MAX_HELD       4

/* Channels: the rings of one configuration, one ring a pCPU. */
#define XEN_FLIGHTREC_CH_BUSY        0 /* everything: a complete exact order */
#define XEN_FLIGHTREC_CH_RARE        1 /* second copy of what must outlive a flood */
#define XEN_FLIGHTREC_CHANNELS       2

/*
 * A record is a 32-bit header and 0..7 words of payload.
 *
 *   31                    12 11    9 8          0
 *  +------------------------+-------+------------+
 *  | time: (TSC >> shift)   | words | compact id |
 *  +------------------------+-------+------------+
 *
 * The time is the low 20 bits of (TSC >> tsc_shift).  A reader extends it from
 * the last anchor (an ANCHOR record or the packet header's begin_tsc): full =
 * anchor + ((time - anchor) mod 2^20), both in units of 2^tsc_shift.  The
 * writer guarantees that the difference is below 2^20.
 *
 * ANCHOR: two words of payload, TSC low and high; its own time field is the
 * same stamp.  It is no record: it is in none of the counts.
 * ESCAPE: an event without a compact id.  One word with the event (28 bits)
 * stands between header and payload and is not part of `words`.
 */
#define XEN_FLIGHTREC_ID_BITS        9
#define XEN_FLIGHTREC_IDS            (1U << XEN_FLIGHTREC_ID_BITS)
#define XEN_FLIGHTREC_ID_MASK        (XEN_FLIGHTREC_IDS - 1)
#define XEN_FLIGHTREC_WORDS_SHIFT    9
#define XEN_FLIGHTREC_WORDS_MASK     7U
#define XEN_FLIGHTREC_TIME_SHIFT     12
#define XEN_FLIGHTREC_TIME_BITS      20
#define XEN_FLIGHTREC_TIME_MASK      ((1U << XEN_FLIGHTREC_TIME_BITS) - 1)
#define XEN_FLIGHTREC_MAX_WORDS      7

#define XEN_FLIGHTREC_ID_ANCHOR      0
#define XEN_FLIGHTREC_ID_ESCAPE      1
#define XEN_FLIGHTREC_ID_FIRST       2 /* first id of the event list */

/*
 * Why a record was never written.  Indices of every lost[] array.
 */
#define XEN_FLIGHTREC_LOST_NESTED    0 /* NMI/#MC inside a slot switch */
#define XEN_FLIGHTREC_LOST_BUSY      1 /* every writable slot had an open write */
#define XEN_FLIGHTREC_LOST_STOPPED   2 /* Xen had panicked */
#define XEN_FLIGHTREC_LOST_RETRY     3 /* bounded retries used up */
#define XEN_FLIGHTREC_LOST_CAUSES    4

#define XEN_FLIGHTREC_PACKET_MAGIC   0x4b505246U /* "FRPK" */
#define XEN_FLIGHTREC_NO_CPU         0xffffU

/*
 * The header of a slot: makes the sub-buffer decodable alone.  128 bytes.
 * Fields marked (open) are written when the slot is opened, (close) when it is
 * closed, (hold) when a generation takes or gives back the slot.  While a slot
 * is open, its (close) fields are 0 and its end is not known to a reader.
 */
struct xen_flightrec_packet {
    uint32_t magic;        /* (open) XEN_FLIGHTREC_PACKET_MAGIC */
    uint16_t version;      /* (open) XEN_FLIGHTREC_VERSION */
    uint16_t header_bytes; /* (open) sizeof(this): records start here */
    uint16_t cpu;          /* (open) Xen's pCPU number */
    uint8_t channel;       /* (open) XEN_FLIGHTREC_CH_* */
    uint8_t tsc_shift;     /* (open) see the record's time */
    uint16_t slot;         /* (open) index of this slot in its ring */
    uint16_t flags;        /* (open) XEN_FLIGHTREC_PKT_* */
    uint64_t seq;          /* (open) 1, 2, ... per ring: the order of packets */
    uint64_t begin_tsc;    /* (open) TSC; the packet's first anchor */
    uint64_t sync_tsc;     /* (open) clock pair: TSC ... */
    uint64_t sync_ns;      /* (open) ... and system time, ns since boot */
    uint32_t gen;          /* (open) newest generation adopted by then */
    uint16_t domid;        /* (open) domain and vCPU that ran at begin_tsc */
    uint16_t vcpu;
    uint64_t overwritten;  /* (open) records overwritten in this ring so far */
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES]; /* (open) records lost so far, LOST_* */
    uint64_t emitted;      /* (open) records emitted so far */
    uint32_t used_bytes;   /* (close) header and records; 0: still open */
    uint32_t records;      /* (close) records, anchors not counted */
    uint32_t hold_gen;     /* (hold) generation that holds it; 0: writable */
    uint32_t _rsvd[3];
};

#define XEN_FLIGHTREC_PKT_SYNC       1 /* the clock pair is valid */

/*
 * The account of one (pCPU, channel) at the moment it adopted a generation.
 * Exact once the pCPU is quiescent:
 *
 *   emitted - late = held + held_earlier + sacrificed + overwritten + sum(lost)
 *
 * All counts are records since the ring was created.  96 bytes.
 */
struct xen_flightrec_audit {
    uint32_t gen;          /* generation; 0: unused entry */
    uint32_t slots;        /* slots that this generation holds here */
    uint64_t tsc;          /* when it was adopted */
    uint64_t emitted;      /* asked for and not refused by a mask */
    int64_t late;          /* of these, accounted for after the adoption: the
                            * writer was interrupted by the adopter (or, if
                            * below 0, interrupted the adopter) */
    uint64_t held;         /* in the slots of this generation */
    uint64_t held_earlier; /* in slots that earlier generations hold */
    uint64_t sacrificed;   /* in the slots kept writable: not in the snapshot */
    uint64_t overwritten;
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES];
};

/* Geometry of one ring. */
struct xen_flightrec_channel {
    uint32_t first_frame;  /* of this pCPU's resource, in 4 KiB frames */
    uint32_t slot_bytes;   /* multiple of 4096 */
    uint32_t slots;
    uint32_t spares;       /* slots that stay writable at the first hold */
};

#define XEN_FLIGHTREC_CPU_MAGIC      0x43505246U /* "FRPC" */

/* First frame of a pCPU's resource: geometry and audits.  Copies. */
struct xen_flightrec_cpu {
    uint32_t magic;
    uint16_t version;
    uint16_t bytes;        /* sizeof(this) */
    uint32_t cpu;
    uint32_t node;         /* NUMA node of the memory, ~0 if not known */
    uint64_t incarnation;  /* of the set of buffers: changes with each create */
    struct xen_flightrec_channel ch[XEN_FLIGHTREC_CHANNELS];
    /* Entry for generation g: [g % XEN_FLIGHTREC_MAX_HELD], if .gen == g. */
    struct xen_flightrec_audit
        audit[XEN_FLIGHTREC_MAX_HELD][XEN_FLIGHTREC_CHANNELS];
};

#define XEN_FLIGHTREC_INFO_MAGIC     0x49525246U /* "FRRI" */

/* The global information page: what the compact ids mean. */
struct xen_flightrec_info {
    uint32_t magic;
    uint16_t version;
    uint16_t bytes;        /* sizeof(this) */
    uint64_t incarnation;
    uint32_t tsc_khz;
    uint32_t tsc_shift;
    uint32_t nr_cpus;      /* pCPU numbers are below this; sparse */
    uint32_t nr_ids;       /* ids below this are assigned */
    uint32_t event[XEN_FLIGHTREC_IDS]; /* id -> event; 0: none */
};

/*
 * Mapping: XENMEM_acquire_resource, domid DOMID_XEN, this type; id is the pCPU
 * or XEN_FLIGHTREC_RES_INFO.  Frame 0 of a pCPU is struct xen_flightrec_cpu,
 * the slots follow from ch[].first_frame on.  Read-only.
 */
#define XENMEM_resource_flightrec    0x4652
#define XEN_FLIGHTREC_RES_INFO       0xffffffffU

/* Raised to Dom0 when a generation begins.  An edge: read the status. */
#ifndef VIRQ_FLIGHTREC
#define VIRQ_FLIGHTREC               14
#endif

/*
 * Raised to the domain that binds it when the rings that a reader follows have
 * moved on, see the wake operation.  Not VIRQ_FLIGHTREC: one process of a domain
 * can bind a VIRQ, and that one is the daemon's.
 */
#ifndef VIRQ_FLIGHTREC_WAKE
#define VIRQ_FLIGHTREC_WAKE          15
#endif

/* Why a generation began. */
#define XEN_FLIGHTREC_CAUSE_REQUEST    1 /* FREEZE operation */
#define XEN_FLIGHTREC_CAUSE_CRASH      2 /* SHUTDOWN_crash, told by the guest */
#define XEN_FLIGHTREC_CAUSE_XEN_CRASH  3 /* domain_crash() */
#define XEN_FLIGHTREC_CAUSE_WATCHDOG   4 /* SHUTDOWN_watchdog */
#define XEN_FLIGHTREC_CAUSE_TRIPLE     5 /* HVM triple fault */
#define XEN_FLIGHTREC_CAUSE_VIRIDIAN   6 /* Viridian crash MSR */
#define XEN_FLIGHTREC_CAUSES           7

/* What began generation `gen`.  56 bytes. */
struct xen_flightrec_trigger {
    uint32_t gen;
    uint8_t cause;         /* XEN_FLIGHTREC_CAUSE_* */
    uint8_t flags;         /* XEN_FLIGHTREC_TRG_* */
    uint16_t cpu;          /* pCPU it happened on */
    uint16_t domid;        /* DOMID_INVALID: none */
    uint16_t vcpu;         /* 0xffff: not known */
    uint32_t reason;       /* SHUTDOWN_* as resolved; REQUEST: caller's word */
    uint64_t tsc;          /* after the generation began */
    uint64_t ns;           /* system time, ns since boot */
    uint64_t rip;          /* guest's instruction pointer, if flagged */
    uint8_t handle[16];    /* the domain's handle (its uuid) */
};

#define XEN_FLIGHTREC_TRG_RIP        1 /* rip is valid */
#define XEN_FLIGHTREC_TRG_ACKED      2 /* somebody reads it */
#define XEN_FLIGHTREC_TRG_DEFERRED   4 /* began late: its history is partial */

/*
 * Control: sub-commands of XEN_SYSCTL_tbuf_op.  The structure overlays the
 * sysctl's 128-byte union; `cmd` lies where tbuf_op's does.  All other input
 * not described is 0 and is checked to be.
 *
 * Errors: ENOSYS or EINVAL without a flight recorder; ENODEV: no buffers;
 * EPERM: XSM; ERESTART: not done yet, ask again with the same input; EBUSY,
 * ENOMEM, ENOENT, EINVAL as described.
 */
#define XEN_FLIGHTREC_OP_BASE        0x46520000U
#define XEN_FLIGHTREC_OP_status      (XEN_FLIGHTREC_OP_BASE + 0)
#define XEN_FLIGHTREC_OP_create      (XEN_FLIGHTREC_OP_BASE + 1)
#define XEN_FLIGHTREC_OP_destroy     (XEN_FLIGHTREC_OP_BASE + 2)
#define XEN_FLIGHTREC_OP_start       (XEN_FLIGHTREC_OP_BASE + 3)
#define XEN_FLIGHTREC_OP_stop        (XEN_FLIGHTREC_OP_BASE + 4)
#define XEN_FLIGHTREC_OP_freeze      (XEN_FLIGHTREC_OP_BASE + 5)
#define XEN_FLIGHTREC_OP_quiesce     (XEN_FLIGHTREC_OP_BASE + 6)
#define XEN_FLIGHTREC_OP_ack         (XEN_FLIGHTREC_OP_BASE + 7)
#define XEN_FLIGHTREC_OP_release     (XEN_FLIGHTREC_OP_BASE + 8)
#define XEN_FLIGHTREC_OP_trigger     (XEN_FLIGHTREC_OP_BASE + 9)
#define XEN_FLIGHTREC_OP_mask        (XEN_FLIGHTREC_OP_BASE + 10)
#define XEN_FLIGHTREC_OP_causes      (XEN_FLIGHTREC_OP_BASE + 11)
#define XEN_FLIGHTREC_OP_clock       (XEN_FLIGHTREC_OP_BASE + 12)
#define XEN_FLIGHTREC_OP_cpu         (XEN_FLIGHTREC_OP_BASE + 13)
#define XEN_FLIGHTREC_OP_wake        (XEN_FLIGHTREC_OP_BASE + 14)
#define XEN_FLIGHTREC_OP_mapped      (XEN_FLIGHTREC_OP_BASE + 15)
#define XEN_FLIGHTREC_OP_bench       (XEN_FLIGHTREC_OP_BASE + 32)

/* status: all out */
struct xen_flightrec_op_status {
    uint32_t version;      /* XEN_FLIGHTREC_VERSION */
    uint32_t state;        /* XEN_FLIGHTREC_ST_* */
    uint64_t incarnation;
    uint32_t gen;          /* newest generation; 0: none yet */
    uint32_t released;     /* held: (released, gen] */
    uint32_t nr_cpus;
    uint32_t tsc_khz;
    uint32_t tsc_shift;
    uint32_t mask[XEN_FLIGHTREC_CHANNELS];
    uint32_t causes;       /* bit per XEN_FLIGHTREC_CAUSE_* that freezes */
    uint32_t deferred;     /* triggers that found nothing left to hold */
    uint32_t given_up;     /* holds that gave way before they were released:
                            * to a newer one, or to destroy */
    uint32_t expired;      /* holds whose lease ran out */
    uint32_t suppressed;   /* second triggers of one domain's death */
    uint32_t bytes_per_cpu;/* memory for slots, both channels */
    uint32_t wake_every;   /* a wake operation is armed; 0: none */
    uint32_t wakes;        /* VIRQ_FLIGHTREC_WAKE raised so often */
    uint32_t slot_bytes;   /* busy's */
    uint32_t spares;       /* busy's */
    uint32_t _rsvd;
};

#define XEN_FLIGHTREC_ST_CREATED     1 /* buffers exist */
#define XEN_FLIGHTREC_ST_RUNNING     2 /* events are recorded */
#define XEN_FLIGHTREC_ST_PANICKED    4

/*
 * create: buffers for all pCPUs, now and those to come.  All zero takes the
 * defaults.  Nothing to do if there are buffers that were made with the same
 * input; EEXIST if they were made with another.  It takes long: ERESTART, see
 * above, comes back as often as others had to run meanwhile.  EBUSY: somebody
 * began it with another input and did not come back; destroy takes that away.
 *
 * destroy (no input): stops, gives all memory back.  Nothing to do if there are
 * no buffers.  ERESTART as for create; nobody can map them any more then, and
 * if the caller does not come back, the next create or destroy goes on with it.
 * EBUSY: somebody has pages mapped, see `mapped`; nothing has changed then.
 */
struct xen_flightrec_op_create {
    uint32_t bytes_per_cpu;/* in: both channels; rounded down to slots */
    uint32_t slot_bytes;   /* in: busy's slot size; 0: default */
    uint32_t spares;       /* in: busy's spares; 0: default */
    uint32_t _rsvd;
};

/* freeze: hold what is recorded so far, take the next generation */
struct xen_flightrec_op_freeze {
    uint32_t reason;       /* in: any word, kept in the trigger */
    uint32_t gen;          /* out: EBUSY if nothing is left to hold */
};

/*
 * quiesce: make every pCPU adopt generation `gen`, wait a bounded time until
 * all that it holds is committed.  May be repeated while `pending` is not 0.
 */
struct xen_flightrec_op_quiesce {
    uint32_t gen;          /* in: ENOENT if not held */
    uint32_t pending;      /* out: pCPUs not yet quiescent */
    uint32_t first;        /* out: first such pCPU */
    uint32_t _rsvd;
    uint64_t waited_ns;    /* out */
};

/* ack: somebody reads `gen`: it does not give way.  release: in order. */
struct xen_flightrec_op_gen {
    uint32_t gen;          /* in: ENOENT if not held; release: EINVAL if an
                            * older one is still held */
    uint32_t _rsvd;
};

/*
 * mask: what is recorded in one channel, at any time.  An event is if its class
 * and subclass are in the mask, as for xentrace, and it is not refused by
 * itself.  What is not recorded is not counted as emitted either.
 */
struct xen_flightrec_op_mask {
    uint32_t channel;      /* in */
    uint32_t mask;         /* in: SET: classes and subclasses; else 0 */
    uint32_t event;        /* in: SET: 0; REFUSE, ALLOW: an event of the list,
                            * else ENOENT; in, out: NEXT: the refused event that
                            * follows this one by number; 0: there is none */
    uint32_t how;          /* in: XEN_FLIGHTREC_MASK_* */
};

/* All classes and subclasses; what is recorded unless asked otherwise. */
#define XEN_FLIGHTREC_EVENTS_ALL     0x0ffff000U
#define XEN_FLIGHTREC_EVENTS_DEFAULT 0x07bff000U /* but SHADOW and GUEST */

#define XEN_FLIGHTREC_MASK_SET       0
#define XEN_FLIGHTREC_MASK_REFUSE    1
#define XEN_FLIGHTREC_MASK_ALLOW     2
#define XEN_FLIGHTREC_MASK_NEXT      3

/* causes: which XEN_FLIGHTREC_CAUSE_* begin a generation */
struct xen_flightrec_op_causes {
    uint32_t causes;       /* in: bit mask */
    uint32_t _rsvd;
};

/* clock: a pair of the two clocks, all out */
struct xen_flightrec_op_clock {
    uint64_t tsc;
    uint64_t ns;           /* system time, ns since boot */
    uint64_t wall_sec;     /* Xen's wall clock at `ns` */
    uint32_t wall_nsec;
    uint32_t _rsvd;
};

/* cpu: counters of one ring, from values the writer keeps anyway */
struct xen_flightrec_op_cpu {
    uint32_t cpu;          /* in: ENODEV if it has no buffers */
    uint32_t channel;      /* in */
    uint32_t flags;        /* out: XEN_FLIGHTREC_CPU_* */
    uint32_t frames;       /* out: of this pCPU's resource */
    uint64_t emitted;      /* out */
    uint64_t overwritten;
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES];
    uint64_t newest_seq;
    uint64_t oldest_tsc;   /* begin of the oldest slot that is not empty */
    uint64_t tsc;          /* now, there */
    uint32_t writable;     /* slots that can be overwritten */
    uint32_t held;         /* slots held, by any generation */
    uint64_t done_seq;     /* closed and wholly written: all packets up to it */
};

#define XEN_FLIGHTREC_CPU_ONLINE     1

/*
 * wake: raise VIRQ_FLIGHTREC_WAKE, once, when some ring opens a slot whose seq
 * is a multiple of `every`, or the buffers go.  That disarms it: who has died
 * since costs one VIRQ, and who reads slower than the rings turn is woken no
 * more often than it asks.  A reader arms, takes what positions (done_seq) say
 * there is, waits, and so on: armed before the look, nothing is missed.  One
 * for all rings; a later one takes the place of an earlier one.
 */
struct xen_flightrec_op_wake {
    uint32_t every;        /* in: slots of a ring; 0: disarm */
    uint32_t _rsvd;
};

/* mapped: which frames of one resource are in use by anyone but Xen */
struct xen_flightrec_op_mapped {
    uint32_t id;           /* in: a pCPU, or XEN_FLIGHTREC_RES_INFO */
    uint32_t frames;       /* out: how many */
    uint32_t first;        /* out: the first of them */
    uint32_t _rsvd;
};

/*
 * bench: what records cost on this pCPU with the sinks that are active now; the
 * recorder's go into a ring made for it.  EINVAL: more than 4096 records, or a
 * Xen without CONFIG_FLIGHTREC_BENCH.
 */
struct xen_flightrec_op_bench {
    uint32_t records;      /* in */
    uint32_t words;        /* in: of payload each; 0..7 */
    uint32_t sinks;        /* out: bit 0: trace buffers; bit 1: the recorder */
    uint32_t _rsvd;
    uint64_t recorded;     /* out: records in that ring, those of NMIs too */
    uint64_t cycles;       /* out: TSC ticks for all of them */
    uint64_t floor;        /* out: for as many TSC reads and as many stores */
};

struct xen_flightrec_op {
    uint32_t cmd;          /* XEN_FLIGHTREC_OP_* */
    uint32_t _rsvd;
    union {
        struct xen_flightrec_op_status status;
        struct xen_flightrec_op_create create;
        struct xen_flightrec_op_freeze freeze;
        struct xen_flightrec_op_quiesce quiesce;
        struct xen_flightrec_op_gen gen;    /* ack, release */
        struct xen_flightrec_trigger trigger; /* .gen in, the rest out */
        struct xen_flightrec_op_mask mask;
        struct xen_flightrec_op_causes causes;
        struct xen_flightrec_op_clock clock;
        struct xen_flightrec_op_cpu cpu;
        struct xen_flightrec_op_wake wake;
        struct xen_flightrec_op_mapped mapped;
        struct xen_flightrec_op_bench bench;
        uint8_t pad[120];
    } u;
};

#endif /* __XEN_PUBLIC_FLIGHTREC_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
