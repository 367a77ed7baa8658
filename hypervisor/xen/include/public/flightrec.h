/* SPDX-License-Identifier: MIT */
/*
 * public/flightrec.h: the flight recorder's interface.
 *
 * The stable formats on which Dom0 and readers of snapshot files may rely: a
 * record, a packet (one sub-buffer with its header), the information pages and
 * the control operations.  No code.
 *
 * All values are little endian on x86.  Xen never reads these structures from
 * memory that Dom0 can see: pages are lent read-only and every field in them
 * is a copy.
 */

#ifndef __XEN_PUBLIC_FLIGHTREC_H__
#define __XEN_PUBLIC_FLIGHTREC_H__

/* Version of this interface; incremented by an incompatible change. */
#define XEN_FLIGHTREC_VERSION        1

/* Maximum number of slots (sub-buffers) in one ring. */
#define XEN_FLIGHTREC_MAX_SLOTS      64
/* Minimum: two slots to write in, one to hold, one whose writer is late. */
#define XEN_FLIGHTREC_MIN_SLOTS      4
/* Size limits of one slot, in bytes; always a multiple of 4096. */
#define XEN_FLIGHTREC_MIN_SLOT_BYTES 4096
#define XEN_FLIGHTREC_MAX_SLOT_BYTES (512 * 1024)
/* The resulting limits for both channels of a pCPU; rare has 1/8. */
#define XEN_FLIGHTREC_MIN_CPU_BYTES  (128U << 10)
#define XEN_FLIGHTREC_MAX_CPU_BYTES  (36U << 20)
/* Maximum number of generations that can be held at once. */
#define XEN_FLIGHTREC_MAX_HELD       4

/* Channels: one ring per pCPU and channel. */
#define XEN_FLIGHTREC_CH_BUSY        0 /* all events, in their exact order */
#define XEN_FLIGHTREC_CH_RARE        1 /* second copy of events that must
                                        * outlive a flood */
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
 * anchor + ((time - anchor) mod 2^20), both in units of 2^tsc_shift ticks.  The
 * writer guarantees that the difference is below 2^20.
 *
 * ANCHOR: two words of payload, TSC low and high; its own time field is the
 * same stamp.  Anchors are not records and not included in any count.
 * ESCAPE: an event without a compact id.  One word with the event (28 bits)
 * stands between header and payload and is not included in `words`.
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
 * Reasons why a record was not written: indices of every lost[] array.
 */
#define XEN_FLIGHTREC_LOST_NESTED    0 /* NMI/#MC during a slot switch */
#define XEN_FLIGHTREC_LOST_BUSY      1 /* all writable slots had open writes */
#define XEN_FLIGHTREC_LOST_STOPPED   2 /* stopped by a panic */
#define XEN_FLIGHTREC_LOST_RETRY     3 /* the retry limit was reached */
#define XEN_FLIGHTREC_LOST_CAUSES    4

#define XEN_FLIGHTREC_PACKET_MAGIC   0x4b505246U /* "FRPK" */
#define XEN_FLIGHTREC_NO_CPU         0xffffU

/*
 * The header of a slot, which makes the sub-buffer decodable by itself.  128
 * bytes.  Fields marked (open) are written when the slot is opened, (close)
 * when it is closed, (hold) when a generation holds or releases it.  While a
 * slot is open its (close) fields are 0, so a reader does not know its end.
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
    uint32_t gen;          /* (open) newest generation adopted */
    uint16_t domid;        /* (open) domain and vCPU that ran at begin_tsc */
    uint16_t vcpu;
    uint64_t overwritten;  /* (open) total records overwritten in this ring */
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES]; /* (open) total records lost */
    uint64_t emitted;      /* (open) total records emitted */
    uint32_t used_bytes;   /* (close) header and records; 0: still open */
    uint32_t records;      /* (close) records, without anchors */
    uint32_t hold_gen;     /* (hold) generation that holds it; 0: writable */
    uint32_t _rsvd[3];
};

#define XEN_FLIGHTREC_PKT_SYNC       1 /* the clock pair is valid */

/*
 * The account of one (pCPU, channel) when it adopted a generation.  Exact once
 * the pCPU is quiescent:
 *
 *   emitted - late = held + held_earlier + sacrificed + overwritten + sum(lost)
 *
 * All counts are records since the ring was created.  96 bytes.
 */
struct xen_flightrec_audit {
    uint32_t gen;          /* generation; 0: unused entry */
    uint32_t slots;        /* slots in this ring that the generation holds */
    uint64_t tsc;          /* TSC at adoption */
    uint64_t emitted;      /* records selected by the mask */
    int64_t late;          /* emitted records accounted for after the adoption:
                            * the adopter interrupted their writers (negative:
                            * their writers interrupted the adopter) */
    uint64_t held;         /* records in this generation's slots */
    uint64_t held_earlier; /* records in slots held by earlier generations */
    uint64_t sacrificed;   /* records in slots kept writable, hence not in the
                            * snapshot */
    uint64_t overwritten;  /* records overwritten */
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES]; /* records never written */
};

/* Geometry of one ring. */
struct xen_flightrec_channel {
    uint32_t first_frame;  /* in this pCPU's resource, in 4 KiB frames */
    uint32_t slot_bytes;   /* multiple of 4096 */
    uint32_t slots;
    uint32_t spares;       /* slots that stay writable at the first hold */
};

#define XEN_FLIGHTREC_CPU_MAGIC      0x43505246U /* "FRPC" */

/* First frame of a pCPU's resource: copies of its geometry and audits. */
struct xen_flightrec_cpu {
    uint32_t magic;        /* XEN_FLIGHTREC_CPU_MAGIC */
    uint16_t version;      /* XEN_FLIGHTREC_VERSION */
    uint16_t bytes;        /* sizeof(this) */
    uint32_t cpu;          /* Xen's pCPU number */
    uint32_t node;         /* NUMA node of the memory, ~0 if not known */
    uint64_t incarnation;  /* of the set of buffers; changes with each create */
    struct xen_flightrec_channel ch[XEN_FLIGHTREC_CHANNELS];
    /* Entry for generation g: [g % XEN_FLIGHTREC_MAX_HELD], if .gen == g. */
    struct xen_flightrec_audit
        audit[XEN_FLIGHTREC_MAX_HELD][XEN_FLIGHTREC_CHANNELS];
};

#define XEN_FLIGHTREC_INFO_MAGIC     0x49525246U /* "FRRI" */

/* The global information page: the events behind the compact ids. */
struct xen_flightrec_info {
    uint32_t magic;        /* XEN_FLIGHTREC_INFO_MAGIC */
    uint16_t version;      /* XEN_FLIGHTREC_VERSION */
    uint16_t bytes;        /* sizeof(this) */
    uint64_t incarnation;  /* as in struct xen_flightrec_cpu */
    uint32_t tsc_khz;      /* TSC frequency */
    uint32_t tsc_shift;    /* of records, see there */
    uint32_t nr_cpus;      /* pCPU numbers are below this, not all in use */
    uint32_t nr_ids;       /* ids below this are assigned */
    uint32_t event[XEN_FLIGHTREC_IDS]; /* id -> event; 0: none */
};

/*
 * Mapping: XENMEM_acquire_resource, domid DOMID_XEN, this type; id is the pCPU
 * or XEN_FLIGHTREC_RES_INFO.  Frame 0 of a pCPU is struct xen_flightrec_cpu,
 * the slots start at ch[].first_frame.  Read-only.  Fails with EINVAL if there
 * is no such resource.
 */
#define XENMEM_resource_flightrec    0x4652
#define XEN_FLIGHTREC_RES_INFO       0xffffffffU

/* Raised to Dom0 when a generation begins.  Edge-triggered: read the status. */
#ifndef VIRQ_FLIGHTREC
#define VIRQ_FLIGHTREC               14
#endif

/*
 * Raised to the domain that binds it when the rings that a reader follows have
 * moved on, see the wake operation.  Separate from VIRQ_FLIGHTREC because only
 * one process of a domain can bind a VIRQ, and the daemon binds that one.
 */
#ifndef VIRQ_FLIGHTREC_WAKE
#define VIRQ_FLIGHTREC_WAKE          15
#endif

/* The cause of a generation. */
#define XEN_FLIGHTREC_CAUSE_REQUEST    1 /* freeze operation */
#define XEN_FLIGHTREC_CAUSE_CRASH      2 /* SHUTDOWN_crash by the guest */
#define XEN_FLIGHTREC_CAUSE_XEN_CRASH  3 /* domain_crash() */
#define XEN_FLIGHTREC_CAUSE_WATCHDOG   4 /* SHUTDOWN_watchdog */
#define XEN_FLIGHTREC_CAUSE_TRIPLE     5 /* HVM triple fault */
#define XEN_FLIGHTREC_CAUSE_VIRIDIAN   6 /* Viridian crash MSR */
#define XEN_FLIGHTREC_CAUSES           7

/* The event that began generation `gen`.  56 bytes. */
struct xen_flightrec_trigger {
    uint32_t gen;
    uint8_t cause;         /* XEN_FLIGHTREC_CAUSE_* */
    uint8_t flags;         /* XEN_FLIGHTREC_TRG_* */
    uint16_t cpu;          /* pCPU on which it occurred */
    uint16_t domid;        /* DOMID_INVALID: none */
    uint16_t vcpu;         /* 0xffff: not known */
    uint32_t reason;       /* resolved SHUTDOWN_*; REQUEST: caller's value */
    uint64_t tsc;          /* TSC just after the generation began */
    uint64_t ns;           /* system time, ns since boot */
    uint64_t rip;          /* guest's instruction pointer, if TRG_RIP */
    uint8_t handle[16];    /* the domain's handle (its uuid) */
};

#define XEN_FLIGHTREC_TRG_RIP        1 /* rip is valid */
#define XEN_FLIGHTREC_TRG_ACKED      2 /* acknowledged by a reader */
#define XEN_FLIGHTREC_TRG_DEFERRED   4 /* began late: its history is partial */

/*
 * Control: sub-commands of XEN_SYSCTL_tbuf_op.  The structure overlays the
 * sysctl's 128-byte union; `cmd` is at the offset of tbuf_op's.  All other
 * input bytes must be 0; otherwise the operation fails with EINVAL.
 *
 * Errors: ENOSYS or EINVAL without a flight recorder; ENODEV if there are no
 * buffers; EPERM if XSM refuses; EBUSY, ENOMEM, ENOENT and EINVAL as described
 * below.  Xen continues the hypercall by itself until a long operation is
 * complete.  Versions that did not failed with ERESTART: the caller must repeat
 * the operation then, with the same input and after a pause.
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
    uint32_t causes;       /* bit per XEN_FLIGHTREC_CAUSE_* that holds */
    uint32_t deferred;     /* triggers that found all generations held */
    uint32_t given_up;     /* generations given up unreleased: for a newer one,
                            * or by destroy */
    uint32_t expired;      /* generations whose lease expired */
    uint32_t suppressed;   /* repeated triggers of one domain's death, or of
                            * its Viridian crash MSR within a minute */
    uint32_t bytes_per_cpu;/* memory for slots, both channels */
    uint32_t wake_every;   /* value of the armed wake operation; 0: none */
    uint32_t wakes;        /* number of VIRQ_FLIGHTREC_WAKE raised */
    uint32_t slot_bytes;   /* of busy */
    uint32_t spares;       /* of busy */
    uint32_t _rsvd;
};

#define XEN_FLIGHTREC_ST_CREATED     1 /* buffers exist */
#define XEN_FLIGHTREC_ST_RUNNING     2 /* events are recorded */
#define XEN_FLIGHTREC_ST_PANICKED    4

/*
 * create: allocate buffers for all pCPUs, including those that come up later.
 * All zero selects the defaults.  Succeeds if buffers made with the same input
 * exist; EEXIST if they were made with another input.  EBUSY: a create with
 * another input was begun and not completed; destroy removes it.  ENOMEM,
 * EINVAL: nothing is allocated.
 *
 * destroy (no input): stop recording, free all buffers.  Succeeds if there are
 * none.  EBUSY: pages are mapped, see `mapped`; nothing has changed.
 *
 * Both take long; other work on the pCPU is done in between.  Once a destroy has
 * begun no page can be mapped.  It waits for pCPUs that are inside a record.  If
 * a caller does not come back, the next create or destroy completes it.
 */
struct xen_flightrec_op_create {
    uint32_t bytes_per_cpu;/* in: both channels; rounded down to slots */
    uint32_t slot_bytes;   /* in: slot size of busy; 0: default */
    uint32_t spares;       /* in: spares of busy; 0: default */
    uint32_t _rsvd;
};

/*
 * freeze: hold the history and begin the next generation.  EBUSY if all
 * generations are held and the oldest is acknowledged.
 */
struct xen_flightrec_op_freeze {
    uint32_t reason;       /* in: any value, kept in the trigger */
    uint32_t gen;          /* out */
};

/*
 * quiesce: make every pCPU adopt generation `gen` and wait, for a bounded time,
 * until all records that it holds are committed.  The caller may repeat it
 * while `pending` is not 0.
 */
struct xen_flightrec_op_quiesce {
    uint32_t gen;          /* in: ENOENT if not held */
    uint32_t pending;      /* out: pCPUs not yet quiescent */
    uint32_t first;        /* out: first such pCPU */
    uint32_t _rsvd;
    uint64_t waited_ns;    /* out: duration of the wait */
};

/*
 * ack: a reader has `gen`, do not give it up.  release: stop holding `gen`; the
 * oldest must be released first.
 */
struct xen_flightrec_op_gen {
    uint32_t gen;          /* in: ENOENT if not held; release: EINVAL if an
                            * older one is still held */
    uint32_t _rsvd;
};

/*
 * mask: select the events of one channel, at any time.  An event is recorded if
 * the mask has its class and subclass, as for xentrace, and it is not refused
 * individually.  Events that are not selected are not counted as emitted.
 */
struct xen_flightrec_op_mask {
    uint32_t channel;      /* in */
    uint32_t mask;         /* in: SET: classes and subclasses; else 0 */
    uint32_t event;        /* in: SET: 0; REFUSE, ALLOW: an event of the list,
                            * else ENOENT; in, out: NEXT: the refused event that
                            * follows this one by number; 0: there is none */
    uint32_t how;          /* in: XEN_FLIGHTREC_MASK_* */
};

/* All classes and subclasses; the default leaves out SHADOW and GUEST. */
#define XEN_FLIGHTREC_EVENTS_ALL     0x0ffff000U
#define XEN_FLIGHTREC_EVENTS_DEFAULT 0x07bff000U

#define XEN_FLIGHTREC_MASK_SET       0
#define XEN_FLIGHTREC_MASK_REFUSE    1
#define XEN_FLIGHTREC_MASK_ALLOW     2
#define XEN_FLIGHTREC_MASK_NEXT      3

/* causes: select the XEN_FLIGHTREC_CAUSE_* that begin a generation */
struct xen_flightrec_op_causes {
    uint32_t causes;       /* in: bit mask */
    uint32_t _rsvd;
};

/* clock: read TSC, system time and wall clock at one moment; all out */
struct xen_flightrec_op_clock {
    uint64_t tsc;
    uint64_t ns;           /* system time, ns since boot */
    uint64_t wall_sec;     /* Xen's wall clock at `ns` */
    uint32_t wall_nsec;
    uint32_t _rsvd;
};

/*
 * cpu: read the counters of one ring.  The writer maintains them anyway, so
 * this costs it nothing; they are not a consistent snapshot.
 */
struct xen_flightrec_op_cpu {
    uint32_t cpu;          /* in: ENODEV if it has no buffers */
    uint32_t channel;      /* in */
    uint32_t flags;        /* out: XEN_FLIGHTREC_CPU_* */
    uint32_t frames;       /* out: frames of this pCPU's resource */
    uint64_t emitted;      /* out, as the rest: records emitted */
    uint64_t overwritten;  /* records overwritten */
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES]; /* records never written */
    uint64_t newest_seq;   /* seq of the newest slot */
    uint64_t oldest_tsc;   /* begin_tsc of the oldest slot in use, not held;
                            * ~0: none */
    uint64_t tsc;          /* current TSC of the pCPU that ran this */
    uint32_t writable;     /* slots that can be overwritten */
    uint32_t held;         /* slots held by any generation */
    uint64_t done_seq;     /* all packets up to this seq are complete */
};

#define XEN_FLIGHTREC_CPU_ONLINE     1

/*
 * wake: raise VIRQ_FLIGHTREC_WAKE once, when any ring opens a slot whose seq is
 * a multiple of `every`, or when the buffers are destroyed.  Raising it disarms
 * it: a reader that died costs one VIRQ, and a slow reader is woken no more
 * often than it arms.  A reader arms, reads up to done_seq, waits, and repeats;
 * since it arms before it reads, it misses no wake-up.  There is one for all
 * rings; a new one replaces the old.
 */
struct xen_flightrec_op_wake {
    uint32_t every;        /* in: slots of a ring; 0: disarm */
    uint32_t _rsvd;
};

/* mapped: count the frames of one resource that are mapped outside of Xen */
struct xen_flightrec_op_mapped {
    uint32_t id;           /* in: a pCPU, or XEN_FLIGHTREC_RES_INFO */
    uint32_t frames;       /* out: number of mapped frames */
    uint32_t first;        /* out: the first of them */
    uint32_t _rsvd;
};

/*
 * bench: measure the cost of records on this pCPU with the active sinks; the
 * recorder's go into a ring made for it.  EINVAL: more than 4096 records, or a
 * Xen without CONFIG_FLIGHTREC_BENCH.
 */
struct xen_flightrec_op_bench {
    uint32_t records;      /* in */
    uint32_t words;        /* in: payload of each record; 0..7 */
    uint32_t sinks;        /* out: bit 0: trace buffers; bit 1: the recorder */
    uint32_t _rsvd;
    uint64_t recorded;     /* out: records in that ring, including NMIs' */
    uint64_t cycles;       /* out: TSC ticks for all records */
    uint64_t floor;        /* out: TSC ticks of the reads and stores alone */
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
