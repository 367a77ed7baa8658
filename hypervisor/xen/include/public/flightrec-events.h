/* SPDX-License-Identifier: MIT */
/*
 * The list of events: those that the trace points of Xen 4.17 to 4.20 emit, and
 * the recorder's own.  The writer, the readers and the dictionary in a snapshot
 * file are all generated from it.  No code, no includes.
 *
 *   E(NAME, event, channels, fields, format)
 *
 * NAME      Xen's name without TRC_, as in 4.17.  A suffix after a double
 *           underscore distinguishes rows whose event word differs by flags
 *           only; it is not shown, so several rows can show one name.
 * event     the event word: class, subclass, number, flags (28 bits)
 * channels  BUSY, or BOTH: also recorded in the rare channel.  An event that a
 *           guest can repeat cheaply without dying must not be BOTH (hence not
 *           SHUTDOWN_CODE: the call only sets a number, any number of times).
 * fields    the meaning of the payload words, in order: see below
 * format    "" shows the fields as `name=value name=value`; else a template in
 *           which {name} stands for the value of a field.  If the record lacks
 *           a field of the template, it is shown as for "".
 *
 * The compact id of a row is XEN_FLIGHTREC_ID_FIRST + its index, so it changes
 * when a row is inserted before it.  Readers must take ids from the dictionary
 * that is stored with the records, never from this file.
 *
 * Fields, one blank between two:
 *
 *   fields = "" | field { " " field }
 *   field  = ( name | "-" ) ":" type [ "?" ] [ "/" enum ]
 *   name   = a-z, then a-z 0-9 _ ; at most 31;  "-" is padding, never shown
 *   type   = uN  number, shown in decimal    N = 1..32, 64
 *          | iN  the same, signed            N = 2..32, 64
 *          | xN  the same, shown in hex      N = 1..32, 64
 *          | bN  set of bits, shown as a list of names or numbers
 *                                            N = 1..32, or a multiple of 32
 *          | dN  domain id                   N = 16, 32
 *          | vN  vCPU id (or unit: its first vCPU)  N = 16, 32
 *          | eS.N  bits S..S+N-1 of the event word; takes no payload
 *          | argK  argument K of a hypercall record, see below
 *          | N   padding: N = 1..32          (only with the name "-")
 *   enum   = name of an enum table: shows names for values (for bN: for bits)
 *
 * The payload is a sequence of 32-bit words.  Fields fill a word from its low
 * bit up, without gaps.  A field of at most 32 bits must not cross words; a
 * longer one starts at a word and takes whole words, low word first.  A "?"
 * field may be absent, in which case the record ends before it; all fields
 * after it must be "?" too.  If the record is too short for any other field, it
 * is damaged or from another Xen, and readers must report that.  Words after
 * the last field are shown raw.  The k-th v field of a record is a vCPU of the
 * domain in its k-th d field.
 *
 * argK: word 0 of a PV_HYPERCALL_V2 record has two bits for each argument K
 * from bit 20 + 2K on: 0 absent, 1 one word, 2 two words; those present follow
 * in order from word 1 on.  If there is an enum table OP_aK, OP being the name
 * of the record's first field in table "hypercall", it names argK's values.
 *
 * Value names are a-z A-Z 0-9 _ ; at most 31.  If a field's enum table does not
 * exist, the number is shown.  "hvm_exit" is never in the list below: the
 * dictionary of a snapshot has it as a copy of vmx_exit or svm_exit, depending
 * on the recorded machine.  Table "domid" applies to all d fields.
 *
 * Rows for records that Xen 4.17 defines but never emits are kept, with the
 * layout that xentrace documents for them, if any.
 */
#ifndef __XEN_PUBLIC_FLIGHTREC_EVENTS_H__
#define __XEN_PUBLIC_FLIGHTREC_EVENTS_H__

/*
 * The recorder's own events.  Payload words:
 *   FREEZE        gen, cause (XEN_FLIGHTREC_CAUSE_*)
 *   RELEASE       gen
 *   CPU_UP, CPU_DOWN  pCPU
 *   DOMAIN_CRASH  domid << 16 | vCPU (0xffff: not known), cause, SHUTDOWN_*
 *                 reason, guest's rip low and high (left out if not known)
 *   START, STOP   none
 */
#define XEN_FLIGHTREC_EV_START        0x0001f100
#define XEN_FLIGHTREC_EV_STOP         0x0001f101
#define XEN_FLIGHTREC_EV_FREEZE       0x0001f102
#define XEN_FLIGHTREC_EV_RELEASE      0x0001f103
#define XEN_FLIGHTREC_EV_CPU_UP       0x0001f104
#define XEN_FLIGHTREC_EV_CPU_DOWN     0x0001f105
#define XEN_FLIGHTREC_EV_DOMAIN_CRASH 0x0001f108

#define FR_FIELDS_RUNSTATE \
    "vcpu:v16 dom:d16 old:e8.2/runstate new:e4.2/runstate"
#define FR_FIELDS_HYPERCALL \
    "op:u20/hypercall -:12 " \
    "a0:arg0? a1:arg1? a2:arg2? a3:arg3? a4:arg4? a5:arg5?"

#define FR_EVENT_LIST(E)                                                      \
    /* Marks of the recorder itself */                                        \
    E(FR_START, 0x0001f100, BOTH, "", "")                                     \
    E(FR_STOP, 0x0001f101, BOTH, "", "")                                      \
    E(FR_FREEZE, 0x0001f102, BOTH, "gen:u32 cause:u32/cause", "")             \
    E(FR_RELEASE, 0x0001f103, BOTH, "gen:u32", "")                            \
    E(FR_CPU_UP, 0x0001f104, BOTH, "cpu:u32", "")                             \
    E(FR_CPU_DOWN, 0x0001f105, BOTH, "cpu:u32", "")                           \
    E(FR_DOMAIN_CRASH, 0x0001f108, BOTH,                                      \
      "vcpu:v16 dom:d16 cause:u32/cause reason:u32/shutdown rip:x64?", "")    \
    /* TRC_GEN: only in Xen's own trace buffers */                            \
    E(LOST_RECORDS, 0x0001f001, BUSY,                                         \
      "lost:u32 dom:d16 vcpu:v16 first_tsc:u64", "")                          \
    E(TRACE_WRAP_BUFFER, 0x0001f002, BUSY, "", "")                            \
    E(TRACE_CPU_CHANGE, 0x0001f003, BUSY, "cpu:u32 window_bytes:u32", "")     \
    /* TRC_SCHED_MIN: event bits 8-9 are the old runstate, 4-5 the new */     \
    E(SCHED_RUNSTATE_CHANGE, 0x00021001, BUSY, FR_FIELDS_RUNSTATE, "")        \
    E(SCHED_RUNSTATE_CHANGE__RUNNING_RUNNABLE, 0x00021011, BUSY,              \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__RUNNING_BLOCKED, 0x00021021, BUSY,               \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__RUNNING_OFFLINE, 0x00021031, BUSY,               \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__RUNNABLE_RUNNING, 0x00021101, BUSY,              \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__RUNNABLE_RUNNABLE, 0x00021111, BUSY,             \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__RUNNABLE_BLOCKED, 0x00021121, BUSY,              \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__RUNNABLE_OFFLINE, 0x00021131, BUSY,              \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__BLOCKED_RUNNING, 0x00021201, BUSY,               \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__BLOCKED_RUNNABLE, 0x00021211, BUSY,              \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__BLOCKED_BLOCKED, 0x00021221, BUSY,               \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__BLOCKED_OFFLINE, 0x00021231, BUSY,               \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__OFFLINE_RUNNING, 0x00021301, BUSY,               \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__OFFLINE_RUNNABLE, 0x00021311, BUSY,              \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__OFFLINE_BLOCKED, 0x00021321, BUSY,               \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_RUNSTATE_CHANGE__OFFLINE_OFFLINE, 0x00021331, BUSY,               \
      FR_FIELDS_RUNSTATE, "")                                                 \
    E(SCHED_CONTINUE_RUNNING, 0x00021002, BUSY, "vcpu:v16 dom:d16", "")       \
    /* TRC_SCHED_VERBOSE */                                                   \
    E(SCHED_DOM_ADD, 0x00028001, BOTH, "dom:d32", "")                         \
    E(SCHED_DOM_REM, 0x00028002, BOTH, "dom:d32", "")                         \
    E(SCHED_SLEEP, 0x00028003, BUSY, "dom:d32 vcpu:v32", "")                  \
    E(SCHED_WAKE, 0x00028004, BUSY, "dom:d32 vcpu:v32", "")                   \
    E(SCHED_YIELD, 0x00028005, BUSY, "dom:d32 vcpu:v32", "")                  \
    E(SCHED_BLOCK, 0x00028006, BUSY, "dom:d32 vcpu:v32", "")                  \
    E(SCHED_SHUTDOWN, 0x00028007, BOTH,                                       \
      "dom:d32 vcpu:v32 reason:u32/shutdown", "")                             \
    E(SCHED_CTL, 0x00028008, BUSY, "", "")                                    \
    E(SCHED_ADJDOM, 0x00028009, BUSY, "dom:d32", "")                          \
    E(SCHED_SWITCH, 0x0002800a, BUSY,                                         \
      "prev_dom:d32 prev_vcpu:v32 next_dom:d32 next_vcpu:v32", "")            \
    E(SCHED_S_TIMER_FN, 0x0002800b, BUSY, "", "")                             \
    E(SCHED_T_TIMER_FN, 0x0002800c, BUSY, "", "")                             \
    E(SCHED_DOM_TIMER_FN, 0x0002800d, BUSY, "", "")                           \
    E(SCHED_SWITCH_INFPREV, 0x0002800e, BUSY,                                 \
      "dom:d32 vcpu:v32 ran_ns:u32", "")                                      \
    E(SCHED_SWITCH_INFNEXT, 0x0002800f, BUSY,                                 \
      "dom:d32 vcpu:v32 waited_ns:u32 slice_ns:i32", "")                      \
    E(SCHED_SHUTDOWN_CODE, 0x00028010, BUSY,                                  \
      "dom:d32 vcpu:v32 reason:u32/shutdown", "")                             \
    E(SCHED_SWITCH_INFCONT, 0x00028011, BUSY,                                 \
      "dom:d32 vcpu:v32 ran_ns:u32 slice_ns:i32", "")                         \
    /* TRC_SCHED_CLASS: credit */                                             \
    E(CSCHED_SCHED_TASKLET, 0x00022001, BUSY, "", "")                         \
    E(CSCHED_ACCOUNT_START, 0x00022002, BUSY,                                 \
      "dom:d32 unit:v32 active:u32", "")                                      \
    E(CSCHED_ACCOUNT_STOP, 0x00022003, BUSY,                                  \
      "dom:d32 unit:v32 active:u32", "")                                      \
    E(CSCHED_STOLEN_UNIT, 0x00022004, BUSY,                                   \
      "from_cpu:u32 dom:d32 unit:v32", "")                                    \
    E(CSCHED_PICKED_CPU, 0x00022005, BUSY, "dom:d32 unit:v32 cpu:u32", "")    \
    E(CSCHED_TICKLE, 0x00022006, BUSY, "cpu:u32", "")                         \
    E(CSCHED_BOOST_START, 0x00022007, BUSY, "dom:d32 unit:v32", "")           \
    E(CSCHED_BOOST_END, 0x00022008, BUSY, "dom:d32 unit:v32", "")             \
    E(CSCHED_SCHEDULE, 0x00022009, BUSY, "cpu:u16 tasklet:u8 idle:u8", "")    \
    E(CSCHED_RATELIMIT, 0x0002200a, BUSY, "unit:v16 dom:d16 ran_ns:u32", "")  \
    E(CSCHED_STEAL_CHECK, 0x0002200b, BUSY, "from_cpu:u32 checked:u32", "")   \
    /* TRC_SCHED_CLASS: credit2 */                                            \
    E(CSCHED2_TICK, 0x00022201, BUSY, "", "")                                 \
    E(CSCHED2_RUNQ_POS, 0x00022202, BUSY, "unit:v16 dom:d16 pos:u32", "")     \
    E(CSCHED2_CREDIT_BURN, 0x00022203, BUSY,                                  \
      "unit:v16 dom:d16 credit:i32 budget:i32 delta:i32", "")                 \
    E(CSCHED2_CREDIT_ADD, 0x00022204, BUSY, "", "")                           \
    E(CSCHED2_TICKLE_CHECK, 0x00022205, BUSY,                                 \
      "unit:v16 dom:d16 credit:i32 score:i32", "")                            \
    E(CSCHED2_TICKLE, 0x00022206, BUSY, "cpu:u16 -:16", "")                   \
    E(CSCHED2_CREDIT_RESET, 0x00022207, BUSY,                                 \
      "unit:v16 dom:d16 credit_start:i32 credit_end:i32", "")                 \
    E(CSCHED2_SCHED_TASKLET, 0x00022208, BUSY, "", "")                        \
    E(CSCHED2_UPDATE_LOAD, 0x00022209, BUSY, "", "")                          \
    E(CSCHED2_RUNQ_ASSIGN, 0x0002220a, BUSY,                                  \
      "unit:v16 dom:d16 runq:u16 -:16", "")                                   \
    E(CSCHED2_UPDATE_UNIT_LOAD, 0x0002220b, BUSY,                             \
      "avgload:u64 unit:v16 dom:d16 shift:u32", "")                           \
    E(CSCHED2_UPDATE_RUNQ_LOAD, 0x0002220c, BUSY,                             \
      "rq_avgload:u64 b_avgload:u64 load:u16 runq:u8 shift:u8 -:32", "")      \
    E(CSCHED2_TICKLE_NEW, 0x0002220d, BUSY,                                   \
      "unit:v16 dom:d16 cpu:u32 credit:i32", "")                              \
    E(CSCHED2_RUNQ_MAX_WEIGHT, 0x0002220e, BUSY,                              \
      "runq:u16 max_weight:u16", "")                                          \
    E(CSCHED2_MIGRATE, 0x0002220f, BUSY,                                      \
      "unit:v16 dom:d16 from_runq:u16 to_runq:u16", "")                       \
    E(CSCHED2_LOAD_CHECK, 0x00022210, BUSY,                                   \
      "local_runq:u16 other_runq:u16 load_delta:u32", "")                     \
    E(CSCHED2_LOAD_BALANCE, 0x00022211, BUSY,                                 \
      "local_avgload:u64 other_avgload:u64 local_runq:u16 other_runq:u16 "    \
      "-:32",                                                                 \
      "")                                                                     \
    E(CSCHED2_PICKED_CPU, 0x00022213, BUSY,                                   \
      "b_avgload:u64 unit:v16 dom:d16 runq:i16 cpu:u16", "")                  \
    E(CSCHED2_RUNQ_CANDIDATE, 0x00022214, BUSY,                               \
      "unit:v16 dom:d16 tickled_cpu:i32 credit:i32", "")                      \
    E(CSCHED2_SCHEDULE, 0x00022215, BUSY,                                     \
      "cpu:u16 runq:u16 tasklet:u8 idle:u8 smt_idle:u8 tickled:u8", "")       \
    E(CSCHED2_RATELIMIT, 0x00022216, BUSY, "unit:v16 dom:d16 ran_ns:u32", "") \
    E(CSCHED2_RUNQ_CAND_CHECK, 0x00022217, BUSY, "unit:v16 dom:d16", "")      \
    /* TRC_SCHED_CLASS: rtds */                                               \
    E(RTDS_TICKLE, 0x00022801, BUSY, "cpu:u16 -:16", "")                      \
    E(RTDS_RUNQ_PICK, 0x00022802, BUSY,                                       \
      "unit:v16 dom:d16 deadline_ns:u64 budget_ns:u64", "")                   \
    E(RTDS_BUDGET_BURN, 0x00022803, BUSY,                                     \
      "unit:v16 dom:d16 budget_ns:i64 delta_ns:i32 priority:u32 "             \
      "extratime:u8 -:24",                                                    \
      "")                                                                     \
    E(RTDS_BUDGET_REPLENISH, 0x00022804, BUSY,                                \
      "unit:v16 dom:d16 priority:u32 deadline_ns:u64 budget_ns:u64", "")      \
    E(RTDS_SCHED_TASKLET, 0x00022805, BUSY, "", "")                           \
    E(RTDS_SCHEDULE, 0x00022806, BUSY,                                        \
      "cpu:u16 tasklet:u8 tickled:u4 idle:u4", "")                            \
    /* TRC_SCHED_CLASS: null (arinc653 has number 3 and no events) */         \
    E(SNULL_PICKED_CPU, 0x00022a01, BUSY, "unit:v16 dom:d16 cpu:u32", "")     \
    E(SNULL_UNIT_ASSIGN, 0x00022a02, BUSY, "unit:v16 dom:d16 cpu:u32", "")    \
    E(SNULL_UNIT_DEASSIGN, 0x00022a03, BUSY, "unit:v16 dom:d16 cpu:u32", "")  \
    E(SNULL_MIGRATE, 0x00022a04, BUSY,                                        \
      "unit:v16 dom:d16 from_cpu:u16 to_cpu:u16", "")                         \
    E(SNULL_SCHEDULE, 0x00022a05, BUSY,                                       \
      "tasklet:u16 cpu:u16 unit:v16 dom:d16", "")                             \
    E(SNULL_TASKLET, 0x00022a06, BUSY, "", "")                                \
    /* TRC_DOM0_DOMOPS */                                                     \
    E(DOM0_DOM_ADD, 0x00041001, BOTH, "dom:d32", "")                          \
    E(DOM0_DOM_REM, 0x00041002, BOTH, "dom:d32", "")                          \
    /* TRC_HVM_ENTRYEXIT: 0x400 set: a nested guest (SVM only) */             \
    E(HVM_VMENTRY, 0x00081001, BUSY, "", "")                                  \
    E(HVM_VMENTRY__NESTED, 0x00081401, BUSY, "nested:e10.1", "")              \
    E(HVM_VMEXIT, 0x00081002, BUSY, "exit:u32/hvm_exit eip:x32", "")          \
    E(HVM_VMEXIT__NESTED, 0x00081402, BUSY,                                   \
      "exit:u32/hvm_exit eip:x32 nested:e10.1", "")                           \
    E(HVM_VMEXIT64, 0x00081102, BUSY, "exit:u32/hvm_exit rip:x64", "")        \
    E(HVM_VMEXIT64__NESTED, 0x00081502, BUSY,                                 \
      "exit:u32/hvm_exit rip:x64 nested:e10.1", "")                           \
    /* From Xen 4.19 on VMX and SVM have separate events; above: VMX_EXIT */  \
    E(HVM_SVM_EXIT, 0x00081003, BUSY, "exit:u32/svm_exit eip:x32", "")        \
    E(HVM_SVM_EXIT__NESTED, 0x00081403, BUSY,                                 \
      "exit:u32/svm_exit eip:x32 nested:e10.1", "")                           \
    E(HVM_SVM_EXIT64, 0x00081103, BUSY, "exit:u32/svm_exit rip:x64", "")      \
    E(HVM_SVM_EXIT64__NESTED, 0x00081503, BUSY,                               \
      "exit:u32/svm_exit rip:x64 nested:e10.1", "")                           \
    /* TRC_HVM_HANDLER */                                                     \
    E(HVM_PF_XEN, 0x00082001, BUSY, "error:b32/pf_error va:x32", "")          \
    E(HVM_PF_XEN64, 0x00082101, BUSY, "error:b32/pf_error va:x64", "")        \
    E(HVM_PF_INJECT, 0x00082002, BUSY, "error:b32/pf_error va:x32", "")       \
    E(HVM_PF_INJECT64, 0x00082102, BUSY, "error:b32/pf_error va:x64", "")     \
    E(HVM_INJ_EXC, 0x00082003, BUSY, "vector:u32/trap error:x32", "")         \
    E(HVM_INJ_VIRQ, 0x00082004, BUSY, "vector:x32 fake:u32", "")              \
    E(HVM_REINJ_VIRQ, 0x00082005, BUSY, "vector:x32", "")                     \
    E(HVM_IO_READ, 0x00082006, BUSY, "port:x32 bytes:u32", "")                \
    E(HVM_IO_WRITE, 0x00082007, BUSY, "port:x32 bytes:u32", "")               \
    E(HVM_CR_READ, 0x00082008, BUSY, "cr:u32 value:x32", "")                  \
    E(HVM_CR_READ64, 0x00082108, BUSY, "cr:u32 value:x64", "")                \
    E(HVM_CR_WRITE, 0x00082009, BUSY, "cr:u32 value:x32", "")                 \
    E(HVM_CR_WRITE64, 0x00082109, BUSY, "cr:u32 value:x64", "")               \
    E(HVM_DR_READ, 0x0008200a, BUSY, "", "")                                  \
    E(HVM_DR_WRITE, 0x0008200b, BUSY, "", "")                                 \
    E(HVM_MSR_READ, 0x0008200c, BUSY, "msr:x32 value:x64", "")                \
    E(HVM_MSR_WRITE, 0x0008200d, BUSY, "msr:x32 value:x64", "")               \
    E(HVM_CPUID, 0x0008200e, BUSY,                                            \
      "leaf:x32 subleaf:x32 eax:x32 ebx:x32 ecx:x32 edx:x32", "")             \
    E(HVM_INTR, 0x0008200f, BUSY, "vector:x32?", "")                          \
    E(HVM_NMI, 0x00082010, BUSY, "", "")                                      \
    E(HVM_SMI, 0x00082011, BUSY, "", "")                                      \
    E(HVM_VMMCALL, 0x00082012, BUSY, "eax:u32/hypercall", "")                 \
    E(HVM_HLT, 0x00082013, BUSY, "pending:u32", "")                           \
    E(HVM_INVLPG, 0x00082014, BUSY, "invlpga:u32 va:x32", "")                 \
    E(HVM_INVLPG64, 0x00082114, BUSY, "invlpga:u32 va:x64", "")               \
    E(HVM_MCE, 0x00082015, BUSY, "", "")                                      \
    E(HVM_IOPORT_READ, 0x00082016, BUSY, "port:x32 data:x32?", "")            \
    E(HVM_IOPORT_READ__64, 0x00082116, BUSY, "port:x64 data:x64?", "")        \
    E(HVM_IOMEM_READ, 0x00082017, BUSY, "addr:x32 data:x32?", "")             \
    E(HVM_IOMEM_READ__64, 0x00082117, BUSY, "addr:x64 data:x64?", "")         \
    E(HVM_CLTS, 0x00082018, BUSY, "", "")                                     \
    E(HVM_LMSW, 0x00082019, BUSY, "value:x32", "")                            \
    E(HVM_LMSW64, 0x00082119, BUSY, "value:x64", "")                          \
    E(HVM_RDTSC, 0x0008201a, BUSY, "tsc:u64", "")                             \
    E(HVM_INTR_WINDOW, 0x00082020, BUSY,                                      \
      "vector:x32 source:u32/intsrc injecting:i32", "")                       \
    E(HVM_NPF, 0x00082021, BUSY,                                              \
      "gpa:x64 mfn:x64 qualification:x32 type:u32/p2m", "")                   \
    E(HVM_REALMODE_EMULATE, 0x00082022, BUSY, "", "")                         \
    E(HVM_TRAP, 0x00082023, BUSY, "vector:u32/trap", "")                      \
    E(HVM_TRAP_DEBUG, 0x00082024, BUSY, "qualification:x32", "")              \
    E(HVM_VLAPIC, 0x00082025, BUSY, "", "")                                   \
    E(HVM_XCR_READ64, 0x00082126, BUSY, "xcr:u32 value:x64", "")              \
    E(HVM_XCR_WRITE64, 0x00082127, BUSY, "xcr:u32 value:x64", "")             \
    E(HVM_IOPORT_WRITE, 0x00082216, BUSY, "port:x32 data:x32?", "")           \
    E(HVM_IOPORT_WRITE__64, 0x00082316, BUSY, "port:x64 data:x64?", "")       \
    E(HVM_IOMEM_WRITE, 0x00082217, BUSY, "addr:x32 data:x32?", "")            \
    E(HVM_IOMEM_WRITE__64, 0x00082317, BUSY, "addr:x64 data:x64?", "")        \
    /* TRC_HVM_EMUL: times in ns; Xen truncates the 32-bit ones */            \
    E(HVM_EMUL_HPET_START_TIMER, 0x00084001, BUSY,                            \
      "timer:u32 irq:u32 delta_ns:u64 period_ns:u64", "")                     \
    E(HVM_EMUL_PIT_START_TIMER, 0x00084002, BUSY,                             \
      "delta_ns:u32 period_ns:u32", "")                                       \
    E(HVM_EMUL_RTC_START_TIMER, 0x00084003, BUSY,                             \
      "delta_ns:u32 period_ns:u32", "")                                       \
    E(HVM_EMUL_LAPIC_START_TIMER, 0x00084004, BUSY,                           \
      "delta_ns:u64 period_ns:u64 irq:u32", "")                               \
    E(HVM_EMUL_HPET_STOP_TIMER, 0x00084005, BUSY, "timer:u32", "")            \
    E(HVM_EMUL_PIT_STOP_TIMER, 0x00084006, BUSY, "", "")                      \
    E(HVM_EMUL_RTC_STOP_TIMER, 0x00084007, BUSY, "", "")                      \
    E(HVM_EMUL_LAPIC_STOP_TIMER, 0x00084008, BUSY, "", "")                    \
    E(HVM_EMUL_PIT_TIMER_CB, 0x00084009, BUSY, "", "")                        \
    E(HVM_EMUL_LAPIC_TIMER_CB, 0x0008400a, BUSY, "", "")                      \
    E(HVM_EMUL_PIC_INT_OUTPUT, 0x0008400b, BUSY,                              \
      "int_output:u32 master:u32 irq:i32", "")                                \
    E(HVM_EMUL_PIC_KICK, 0x0008400c, BUSY, "irq:u32", "")                     \
    E(HVM_EMUL_PIC_INTACK, 0x0008400d, BUSY, "master:u32 irq:u32", "")        \
    E(HVM_EMUL_PIC_POSEDGE, 0x0008400e, BUSY, "irq:u32", "")                  \
    E(HVM_EMUL_PIC_NEGEDGE, 0x0008400f, BUSY, "irq:u32", "")                  \
    E(HVM_EMUL_PIC_PEND_IRQ_CALL, 0x00084010, BUSY,                           \
      "accept:u32 int_output:u32", "")                                        \
    E(HVM_EMUL_LAPIC_PIC_INTR, 0x00084011, BUSY, "target:u32 accept:u32", "") \
    /* TRC_MEM */                                                             \
    E(MEM_PAGE_GRANT_MAP, 0x0010f001, BUSY, "dom:d32", "")                    \
    E(MEM_PAGE_GRANT_UNMAP, 0x0010f002, BUSY, "dom:d32", "")                  \
    E(MEM_PAGE_GRANT_TRANSFER, 0x0010f003, BUSY, "dom:d32", "")               \
    E(MEM_SET_P2M_ENTRY, 0x0010f004, BUSY,                                    \
      "gfn:x64 mfn:x64 type:u32/p2m dom:d16 order:u16", "")                   \
    E(MEM_DECREASE_RESERVATION, 0x0010f005, BUSY,                             \
      "gfn:x64 dom:d16 order:u16 -:32", "")                                   \
    E(MEM_POD_POPULATE, 0x0010f010, BUSY,                                     \
      "gfn:x64 mfn:x64 dom:d16 order:u16 -:32", "")                           \
    E(MEM_POD_ZERO_RECLAIM, 0x0010f011, BUSY,                                 \
      "gfn:x64 mfn:x64 dom:d16 order:u16 -:32", "")                           \
    E(MEM_POD_SUPERPAGE_SPLINTER, 0x0010f012, BUSY,                           \
      "gfn:x64 dom:d16 -:16 -:32", "")                                        \
    /* TRC_PV_ENTRY, TRC_PV_SUBCALL */                                        \
    E(PV_HYPERCALL, 0x00201001, BUSY, "eip:x32 op:u32/hypercall", "")         \
    E(PV_HYPERCALL__64, 0x00201101, BUSY, "rip:x64 op:u32/hypercall", "")     \
    E(PV_TRAP, 0x00201003, BUSY,                                              \
      "eip:x32 vector:u15/trap has_error:u1 error:x16", "")                   \
    E(PV_TRAP__64, 0x00201103, BUSY,                                          \
      "rip:x64 vector:u15/trap has_error:u1 error:x16", "")                   \
    E(PV_PAGE_FAULT, 0x00201004, BUSY,                                        \
      "eip:x32 va:x32 error:b32/pf_error", "")                                \
    E(PV_PAGE_FAULT__64, 0x00201104, BUSY,                                    \
      "rip:x64 va:x64 error:b32/pf_error", "")                                \
    E(PV_FORCED_INVALID_OP, 0x00201005, BUSY, "eip:x32", "")                  \
    E(PV_FORCED_INVALID_OP__64, 0x00201105, BUSY, "rip:x64", "")              \
    E(PV_EMULATE_PRIVOP, 0x00201006, BUSY, "eip:x32", "")                     \
    E(PV_EMULATE_PRIVOP__64, 0x00201106, BUSY, "rip:x64", "")                 \
    E(PV_EMULATE_4GB, 0x00201007, BUSY, "eip:x32", "")                        \
    E(PV_EMULATE_4GB__64, 0x00201107, BUSY, "rip:x64", "")                    \
    E(PV_MATH_STATE_RESTORE, 0x00201008, BUSY, "", "")                        \
    E(PV_PAGING_FIXUP, 0x00201009, BUSY, "eip:x32 va:x32", "")                \
    E(PV_PAGING_FIXUP__64, 0x00201109, BUSY, "rip:x64 va:x64", "")            \
    E(PV_GDT_LDT_MAPPING_FAULT, 0x0020100a, BUSY, "eip:x32 offset:x32", "")   \
    E(PV_GDT_LDT_MAPPING_FAULT__64, 0x0020110a, BUSY,                         \
      "rip:x64 offset:x64", "")                                               \
    E(PV_PTWR_EMULATION, 0x0020100b, BUSY, "pte:x32 va:x32 eip:x32", "")      \
    E(PV_PTWR_EMULATION__64, 0x0020110b, BUSY, "pte:x64 va:x64 rip:x64", "")  \
    E(PV_PTWR_EMULATION_PAE, 0x0020100c, BUSY, "pte:x64 va:x32 eip:x32", "")  \
    E(PV_HYPERCALL_V2, 0x0020100d, BUSY, FR_FIELDS_HYPERCALL, "")             \
    E(PV_HYPERCALL_SUBCALL, 0x0020200e, BUSY, FR_FIELDS_HYPERCALL, "")        \
    /* TRC_SHADOW: event bits 8-9 are the levels of the page tables, less 2 */\
    E(SHADOW_NOT_SHADOW, 0x0040f001, BUSY,                                    \
      "gl1e:x32 va:x32 path:b32/shadow_path", "")                             \
    E(SHADOW_NOT_SHADOW__3L, 0x0040f101, BUSY,                                \
      "gl1e:x64 va:x32 path:b32/shadow_path", "")                             \
    E(SHADOW_NOT_SHADOW__4L, 0x0040f201, BUSY,                                \
      "gl1e:x64 va:x64 path:b32/shadow_path", "")                             \
    E(SHADOW_FAST_PROPAGATE, 0x0040f002, BUSY, "va:x32", "")                  \
    E(SHADOW_FAST_PROPAGATE__3L, 0x0040f102, BUSY, "va:x32", "")              \
    E(SHADOW_FAST_PROPAGATE__4L, 0x0040f202, BUSY, "va:x64", "")              \
    E(SHADOW_FAST_MMIO, 0x0040f003, BUSY, "va:x32", "")                       \
    E(SHADOW_FAST_MMIO__3L, 0x0040f103, BUSY, "va:x32", "")                   \
    E(SHADOW_FAST_MMIO__4L, 0x0040f203, BUSY, "va:x64", "")                   \
    E(SHADOW_FALSE_FAST_PATH, 0x0040f004, BUSY, "va:x32", "")                 \
    E(SHADOW_FALSE_FAST_PATH__3L, 0x0040f104, BUSY, "va:x32", "")             \
    E(SHADOW_FALSE_FAST_PATH__4L, 0x0040f204, BUSY, "va:x64", "")             \
    E(SHADOW_MMIO, 0x0040f005, BUSY, "va:x32", "")                            \
    E(SHADOW_MMIO__3L, 0x0040f105, BUSY, "va:x32", "")                        \
    E(SHADOW_MMIO__4L, 0x0040f205, BUSY, "va:x64", "")                        \
    E(SHADOW_FIXUP, 0x0040f006, BUSY,                                         \
      "gl1e:x32 va:x32 path:b32/shadow_path", "")                             \
    E(SHADOW_FIXUP__3L, 0x0040f106, BUSY,                                     \
      "gl1e:x64 va:x32 path:b32/shadow_path", "")                             \
    E(SHADOW_FIXUP__4L, 0x0040f206, BUSY,                                     \
      "gl1e:x64 va:x64 path:b32/shadow_path", "")                             \
    E(SHADOW_DOMF_DYING, 0x0040f007, BUSY, "va:x32", "")                      \
    E(SHADOW_DOMF_DYING__3L, 0x0040f107, BUSY, "va:x32", "")                  \
    E(SHADOW_DOMF_DYING__4L, 0x0040f207, BUSY, "va:x64", "")                  \
    E(SHADOW_EMULATE, 0x0040f008, BUSY,                                       \
      "gl1e:x32 write:x32 va:x32 path:b29/shadow_path -:3", "")               \
    E(SHADOW_EMULATE__3L, 0x0040f108, BUSY,                                   \
      "gl1e:x64 write:x64 va:x32 path:b29/shadow_path again:u3", "")          \
    E(SHADOW_EMULATE__4L, 0x0040f208, BUSY,                                   \
      "gl1e:x64 write:x64 va:x64 path:b29/shadow_path -:3", "")               \
    E(SHADOW_EMULATE_UNSHADOW_USER, 0x0040f009, BUSY, "gfn:x32 va:x32", "")   \
    E(SHADOW_EMULATE_UNSHADOW_USER__3L, 0x0040f109, BUSY,                     \
      "gfn:x64 va:x32", "")                                                   \
    E(SHADOW_EMULATE_UNSHADOW_USER__4L, 0x0040f209, BUSY,                     \
      "gfn:x64 va:x64", "")                                                   \
    E(SHADOW_EMULATE_UNSHADOW_EVTINJ, 0x0040f00a, BUSY, "gfn:x32 va:x32", "") \
    E(SHADOW_EMULATE_UNSHADOW_EVTINJ__3L, 0x0040f10a, BUSY,                   \
      "gfn:x64 va:x32", "")                                                   \
    E(SHADOW_EMULATE_UNSHADOW_EVTINJ__4L, 0x0040f20a, BUSY,                   \
      "gfn:x64 va:x64", "")                                                   \
    E(SHADOW_EMULATE_UNSHADOW_UNHANDLED, 0x0040f00b, BUSY,                    \
      "gfn:x32 va:x32", "")                                                   \
    E(SHADOW_EMULATE_UNSHADOW_UNHANDLED__3L, 0x0040f10b, BUSY,                \
      "gfn:x64 va:x32", "")                                                   \
    E(SHADOW_EMULATE_UNSHADOW_UNHANDLED__4L, 0x0040f20b, BUSY,                \
      "gfn:x64 va:x64", "")                                                   \
    E(SHADOW_WRMAP_BF, 0x0040f00c, BUSY, "gfn:x64", "")                       \
    E(SHADOW_PREALLOC_UNPIN, 0x0040f00d, BUSY, "gfn:x64", "")                 \
    E(SHADOW_RESYNC_FULL, 0x0040f00e, BUSY, "gfn:x64", "")                    \
    E(SHADOW_RESYNC_ONLY, 0x0040f00f, BUSY, "gfn:x64", "")                    \
    /* TRC_HW_PM */                                                           \
    E(PM_FREQ_CHANGE, 0x00801001, BOTH,                                       \
      "old_mhz:u32 new_mhz:u32", "{old_mhz} MHz -> {new_mhz} MHz")            \
    E(PM_IDLE_ENTRY, 0x00801002, BUSY,                                        \
      "state:u32 tick:u32 expected_us:u32 predicted_us:u32",                  \
      "C{state}, expected {expected_us} us, predicted {predicted_us} us")     \
    E(PM_IDLE_EXIT, 0x00801003, BUSY,                                         \
      "state:u32 tick:u32 vector0:x32 vector1:x32 vector2:x32 vector3:x32",   \
      "")                                                                     \
    /* TRC_HW_IRQ */                                                          \
    E(HW_IRQ_MOVE_CLEANUP_DELAY, 0x00802001, BUSY,                            \
      "irq:u32 vector:x32 cpu:u32", "")                                       \
    E(HW_IRQ_MOVE_CLEANUP, 0x00802002, BUSY, "irq:u32 vector:x32 cpu:u32", "")\
    E(HW_IRQ_BIND_VECTOR, 0x00802003, BUSY,                                   \
      "irq:u16 vector:x16 cpus:b192", "")                                     \
    E(HW_IRQ_CLEAR_VECTOR, 0x00802004, BUSY,                                  \
      "irq:u16 vector:x16 cpus:b192", "")                                     \
    E(HW_IRQ_MOVE_FINISH, 0x00802005, BUSY, "irq:u32 vector:x32 cpu:u32", "") \
    E(HW_IRQ_ASSIGN_VECTOR, 0x00802006, BUSY,                                 \
      "irq:u16 vector:x16 cpus:b192", "")                                     \
    E(HW_IRQ_UNMAPPED_VECTOR, 0x00802007, BUSY, "vector:x32", "")             \
    E(HW_IRQ_HANDLED, 0x00802008, BUSY, "irq:u32 tsc_in:u32 tsc_out:u32", "")

/*
 * Names of values: V(table, value, "name"), the rows of a table together and
 * in ascending order.
 */
#define FR_ENUM_LIST(V)                                                       \
    V(domid, 0x7ff0, "self") V(domid, 0x7ff1, "io") V(domid, 0x7ff2, "xen")   \
    V(domid, 0x7ff3, "cow") V(domid, 0x7ff4, "invalid")                       \
    V(domid, 0x7fff, "idle") V(domid, 0xffff, "none")                         \
    V(runstate, 0, "running") V(runstate, 1, "runnable")                      \
    V(runstate, 2, "blocked") V(runstate, 3, "offline")                       \
    V(shutdown, 0, "poweroff") V(shutdown, 1, "reboot")                       \
    V(shutdown, 2, "suspend") V(shutdown, 3, "crash")                         \
    V(shutdown, 4, "watchdog") V(shutdown, 5, "soft_reset")                   \
    V(shutdown, 255, "unset")                                                 \
    V(cause, 1, "request") V(cause, 2, "crash") V(cause, 3, "xen_crash")      \
    V(cause, 4, "watchdog") V(cause, 5, "triple_fault")                       \
    V(cause, 6, "viridian_crash")                                             \
    V(hypercall, 0, "set_trap_table") V(hypercall, 1, "mmu_update")           \
    V(hypercall, 2, "set_gdt") V(hypercall, 3, "stack_switch")                \
    V(hypercall, 4, "set_callbacks") V(hypercall, 5, "fpu_taskswitch")        \
    V(hypercall, 6, "sched_op_compat") V(hypercall, 7, "platform_op")         \
    V(hypercall, 8, "set_debugreg") V(hypercall, 9, "get_debugreg")           \
    V(hypercall, 10, "update_descriptor") V(hypercall, 12, "memory_op")       \
    V(hypercall, 13, "multicall") V(hypercall, 14, "update_va_mapping")       \
    V(hypercall, 15, "set_timer_op")                                          \
    V(hypercall, 16, "event_channel_op_compat")                               \
    V(hypercall, 17, "xen_version") V(hypercall, 18, "console_io")            \
    V(hypercall, 19, "physdev_op_compat") V(hypercall, 20, "grant_table_op")  \
    V(hypercall, 21, "vm_assist")                                             \
    V(hypercall, 22, "update_va_mapping_otherdomain")                         \
    V(hypercall, 23, "iret") V(hypercall, 24, "vcpu_op")                      \
    V(hypercall, 25, "set_segment_base") V(hypercall, 26, "mmuext_op")        \
    V(hypercall, 27, "xsm_op") V(hypercall, 28, "nmi_op")                     \
    V(hypercall, 29, "sched_op") V(hypercall, 30, "callback_op")              \
    V(hypercall, 31, "xenoprof_op") V(hypercall, 32, "event_channel_op")      \
    V(hypercall, 33, "physdev_op") V(hypercall, 34, "hvm_op")                 \
    V(hypercall, 35, "sysctl") V(hypercall, 36, "domctl")                     \
    V(hypercall, 37, "kexec_op") V(hypercall, 38, "tmem_op")                  \
    V(hypercall, 39, "argo_op") V(hypercall, 40, "xenpmu_op")                 \
    V(hypercall, 41, "dm_op") V(hypercall, 42, "hypfs_op")                    \
    V(hypercall, 48, "mca") V(hypercall, 49, "paging_domctl_cont")            \
    V(hypercall, 0x80000000, "viridian")                                      \
    V(sched_op_a0, 0, "yield") V(sched_op_a0, 1, "block")                     \
    V(sched_op_a0, 2, "shutdown") V(sched_op_a0, 3, "poll")                   \
    V(sched_op_a0, 4, "remote_shutdown") V(sched_op_a0, 5, "shutdown_code")   \
    V(sched_op_a0, 6, "watchdog") V(sched_op_a0, 7, "pin_override")           \
    V(vcpu_op_a0, 0, "initialise") V(vcpu_op_a0, 1, "up")                     \
    V(vcpu_op_a0, 2, "down") V(vcpu_op_a0, 3, "is_up")                        \
    V(vcpu_op_a0, 4, "get_runstate_info")                                     \
    V(vcpu_op_a0, 5, "register_runstate_memory_area")                         \
    V(vcpu_op_a0, 6, "set_periodic_timer")                                    \
    V(vcpu_op_a0, 7, "stop_periodic_timer")                                   \
    V(vcpu_op_a0, 8, "set_singleshot_timer")                                  \
    V(vcpu_op_a0, 9, "stop_singleshot_timer")                                 \
    V(vcpu_op_a0, 10, "register_vcpu_info") V(vcpu_op_a0, 11, "send_nmi")     \
    V(vcpu_op_a0, 12, "get_physid")                                           \
    V(vcpu_op_a0, 13, "register_vcpu_time_memory_area")                       \
    V(grant_table_op_a0, 0, "map_grant_ref")                                  \
    V(grant_table_op_a0, 1, "unmap_grant_ref")                                \
    V(grant_table_op_a0, 2, "setup_table")                                    \
    V(grant_table_op_a0, 3, "dump_table") V(grant_table_op_a0, 4, "transfer") \
    V(grant_table_op_a0, 5, "copy") V(grant_table_op_a0, 6, "query_size")     \
    V(grant_table_op_a0, 7, "unmap_and_replace")                              \
    V(grant_table_op_a0, 8, "set_version")                                    \
    V(grant_table_op_a0, 9, "get_status_frames")                              \
    V(grant_table_op_a0, 10, "get_version")                                   \
    V(grant_table_op_a0, 11, "swap_grant_ref")                                \
    V(grant_table_op_a0, 12, "cache_flush")                                   \
    V(trap, 0, "DE") V(trap, 1, "DB") V(trap, 2, "NMI") V(trap, 3, "BP")      \
    V(trap, 4, "OF") V(trap, 5, "BR") V(trap, 6, "UD") V(trap, 7, "NM")       \
    V(trap, 8, "DF") V(trap, 9, "copro_seg") V(trap, 10, "TS")                \
    V(trap, 11, "NP") V(trap, 12, "SS") V(trap, 13, "GP") V(trap, 14, "PF")   \
    V(trap, 15, "spurious") V(trap, 16, "MF") V(trap, 17, "AC")               \
    V(trap, 18, "MC") V(trap, 19, "XM") V(trap, 20, "VE") V(trap, 21, "CP")   \
    V(pf_error, 0, "present") V(pf_error, 1, "write") V(pf_error, 2, "user")  \
    V(pf_error, 3, "reserved") V(pf_error, 4, "fetch") V(pf_error, 5, "pkey") \
    V(pf_error, 6, "shstk") V(pf_error, 15, "sgx")                            \
    V(intsrc, 0, "none") V(intsrc, 1, "pic") V(intsrc, 2, "lapic")            \
    V(intsrc, 3, "nmi") V(intsrc, 4, "mce") V(intsrc, 5, "vector")            \
    V(p2m, 0, "ram_rw") V(p2m, 1, "invalid") V(p2m, 2, "ram_logdirty")        \
    V(p2m, 3, "ram_ro") V(p2m, 4, "mmio_dm") V(p2m, 5, "mmio_direct")         \
    V(p2m, 6, "populate_on_demand") V(p2m, 7, "grant_map_rw")                 \
    V(p2m, 8, "grant_map_ro") V(p2m, 9, "ram_paging_out")                     \
    V(p2m, 10, "ram_paged") V(p2m, 11, "ram_paging_in")                       \
    V(p2m, 12, "ram_shared") V(p2m, 13, "ram_broken")                         \
    V(p2m, 14, "map_foreign") V(p2m, 15, "ioreq_server")                      \
    V(shadow_path, 0, "set_ad") V(shadow_path, 1, "set_a")                    \
    V(shadow_path, 2, "l1_get_ref") V(shadow_path, 3, "l1_put_ref")           \
    V(shadow_path, 4, "l2_propagate") V(shadow_path, 5, "set_changed")        \
    V(shadow_path, 6, "set_flush") V(shadow_path, 7, "set_error")             \
    V(shadow_path, 8, "demote") V(shadow_path, 9, "promote")                  \
    V(shadow_path, 10, "wrmap") V(shadow_path, 11, "wrmap_guess")             \
    V(shadow_path, 12, "wrmap_brute_force")                                   \
    V(shadow_path, 13, "early_unshadow") V(shadow_path, 14, "2nd_pt_written") \
    V(shadow_path, 15, "emulation_failed")                                    \
    V(shadow_path, 16, "emulate_full_pt")                                     \
    V(shadow_path, 17, "prealloc_unhook") V(shadow_path, 18, "unsync")        \
    V(shadow_path, 19, "oos_fixup_add") V(shadow_path, 20, "oos_fixup_evict") \
    V(vmx_exit, 0, "EXCEPTION_NMI") V(vmx_exit, 1, "EXTERNAL_INTERRUPT")      \
    V(vmx_exit, 2, "TRIPLE_FAULT") V(vmx_exit, 3, "INIT")                     \
    V(vmx_exit, 4, "SIPI") V(vmx_exit, 5, "IO_SMI")                           \
    V(vmx_exit, 6, "OTHER_SMI") V(vmx_exit, 7, "INTR_WINDOW")                 \
    V(vmx_exit, 8, "NMI_WINDOW") V(vmx_exit, 9, "TASK_SWITCH")                \
    V(vmx_exit, 10, "CPUID") V(vmx_exit, 11, "GETSEC") V(vmx_exit, 12, "HLT") \
    V(vmx_exit, 13, "INVD") V(vmx_exit, 14, "INVLPG")                         \
    V(vmx_exit, 15, "RDPMC") V(vmx_exit, 16, "RDTSC") V(vmx_exit, 17, "RSM")  \
    V(vmx_exit, 18, "VMCALL") V(vmx_exit, 19, "VMCLEAR")                      \
    V(vmx_exit, 20, "VMLAUNCH") V(vmx_exit, 21, "VMPTRLD")                    \
    V(vmx_exit, 22, "VMPTRST") V(vmx_exit, 23, "VMREAD")                      \
    V(vmx_exit, 24, "VMRESUME") V(vmx_exit, 25, "VMWRITE")                    \
    V(vmx_exit, 26, "VMXOFF") V(vmx_exit, 27, "VMXON")                        \
    V(vmx_exit, 28, "CR_ACCESS") V(vmx_exit, 29, "DR_ACCESS")                 \
    V(vmx_exit, 30, "IO_INSTRUCTION") V(vmx_exit, 31, "MSR_READ")             \
    V(vmx_exit, 32, "MSR_WRITE") V(vmx_exit, 33, "INVALID_GUEST_STATE")       \
    V(vmx_exit, 34, "MSR_LOADING") V(vmx_exit, 36, "MWAIT")                   \
    V(vmx_exit, 37, "MONITOR_TRAP_FLAG") V(vmx_exit, 39, "MONITOR")           \
    V(vmx_exit, 40, "PAUSE") V(vmx_exit, 41, "MCE_DURING_VMENTRY")            \
    V(vmx_exit, 43, "TPR_BELOW_THRESHOLD") V(vmx_exit, 44, "APIC_ACCESS")     \
    V(vmx_exit, 45, "EOI_INDUCED") V(vmx_exit, 46, "GDTR_IDTR_ACCESS")        \
    V(vmx_exit, 47, "LDTR_TR_ACCESS") V(vmx_exit, 48, "EPT_VIOLATION")        \
    V(vmx_exit, 49, "EPT_MISCONFIG") V(vmx_exit, 50, "INVEPT")                \
    V(vmx_exit, 51, "RDTSCP") V(vmx_exit, 52, "PREEMPTION_TIMER")             \
    V(vmx_exit, 53, "INVVPID") V(vmx_exit, 54, "WBINVD")                      \
    V(vmx_exit, 55, "XSETBV") V(vmx_exit, 56, "APIC_WRITE")                   \
    V(vmx_exit, 58, "INVPCID") V(vmx_exit, 59, "VMFUNC")                      \
    V(vmx_exit, 62, "PML_FULL") V(vmx_exit, 63, "XSAVES")                     \
    V(vmx_exit, 64, "XRSTORS") V(vmx_exit, 74, "BUS_LOCK")                    \
    V(vmx_exit, 75, "NOTIFY")                                                 \
    V(vmx_exit, 0x80000021, "ENTRY_FAILED_GUEST_STATE")                       \
    V(vmx_exit, 0x80000022, "ENTRY_FAILED_MSR_LOADING")                       \
    V(vmx_exit, 0x80000029, "ENTRY_FAILED_MCE")                               \
    V(svm_exit, 0, "CR0_READ") V(svm_exit, 2, "CR2_READ")                     \
    V(svm_exit, 3, "CR3_READ") V(svm_exit, 4, "CR4_READ")                     \
    V(svm_exit, 8, "CR8_READ") V(svm_exit, 16, "CR0_WRITE")                   \
    V(svm_exit, 18, "CR2_WRITE") V(svm_exit, 19, "CR3_WRITE")                 \
    V(svm_exit, 20, "CR4_WRITE") V(svm_exit, 24, "CR8_WRITE")                 \
    V(svm_exit, 32, "DR0_READ") V(svm_exit, 33, "DR1_READ")                   \
    V(svm_exit, 34, "DR2_READ") V(svm_exit, 35, "DR3_READ")                   \
    V(svm_exit, 36, "DR4_READ") V(svm_exit, 37, "DR5_READ")                   \
    V(svm_exit, 38, "DR6_READ") V(svm_exit, 39, "DR7_READ")                   \
    V(svm_exit, 48, "DR0_WRITE") V(svm_exit, 49, "DR1_WRITE")                 \
    V(svm_exit, 50, "DR2_WRITE") V(svm_exit, 51, "DR3_WRITE")                 \
    V(svm_exit, 52, "DR4_WRITE") V(svm_exit, 53, "DR5_WRITE")                 \
    V(svm_exit, 54, "DR6_WRITE") V(svm_exit, 55, "DR7_WRITE")                 \
    V(svm_exit, 64, "EXC_DE") V(svm_exit, 65, "EXC_DB")                       \
    V(svm_exit, 66, "EXC_NMI") V(svm_exit, 67, "EXC_BP")                      \
    V(svm_exit, 68, "EXC_OF") V(svm_exit, 69, "EXC_BR")                       \
    V(svm_exit, 70, "EXC_UD") V(svm_exit, 71, "EXC_NM")                       \
    V(svm_exit, 72, "EXC_DF") V(svm_exit, 73, "EXC_09")                       \
    V(svm_exit, 74, "EXC_TS") V(svm_exit, 75, "EXC_NP")                       \
    V(svm_exit, 76, "EXC_SS") V(svm_exit, 77, "EXC_GP")                       \
    V(svm_exit, 78, "EXC_PF") V(svm_exit, 79, "EXC_15")                       \
    V(svm_exit, 80, "EXC_MF") V(svm_exit, 81, "EXC_AC")                       \
    V(svm_exit, 82, "EXC_MC") V(svm_exit, 83, "EXC_XF")                       \
    V(svm_exit, 85, "EXC_CP") V(svm_exit, 96, "INTR") V(svm_exit, 97, "NMI")  \
    V(svm_exit, 98, "SMI") V(svm_exit, 99, "INIT") V(svm_exit, 100, "VINTR")  \
    V(svm_exit, 101, "CR0_SEL_WRITE") V(svm_exit, 102, "IDTR_READ")           \
    V(svm_exit, 103, "GDTR_READ") V(svm_exit, 104, "LDTR_READ")               \
    V(svm_exit, 105, "TR_READ") V(svm_exit, 106, "IDTR_WRITE")                \
    V(svm_exit, 107, "GDTR_WRITE") V(svm_exit, 108, "LDTR_WRITE")             \
    V(svm_exit, 109, "TR_WRITE") V(svm_exit, 110, "RDTSC")                    \
    V(svm_exit, 111, "RDPMC") V(svm_exit, 112, "PUSHF")                       \
    V(svm_exit, 113, "POPF") V(svm_exit, 114, "CPUID")                        \
    V(svm_exit, 115, "RSM") V(svm_exit, 116, "IRET")                          \
    V(svm_exit, 117, "SWINT") V(svm_exit, 118, "INVD")                        \
    V(svm_exit, 119, "PAUSE") V(svm_exit, 120, "HLT")                         \
    V(svm_exit, 121, "INVLPG") V(svm_exit, 122, "INVLPGA")                    \
    V(svm_exit, 123, "IOIO") V(svm_exit, 124, "MSR")                          \
    V(svm_exit, 125, "TASK_SWITCH") V(svm_exit, 126, "FERR_FREEZE")           \
    V(svm_exit, 127, "SHUTDOWN") V(svm_exit, 128, "VMRUN")                    \
    V(svm_exit, 129, "VMMCALL") V(svm_exit, 130, "VMLOAD")                    \
    V(svm_exit, 131, "VMSAVE") V(svm_exit, 132, "STGI")                       \
    V(svm_exit, 133, "CLGI") V(svm_exit, 134, "SKINIT")                       \
    V(svm_exit, 135, "RDTSCP") V(svm_exit, 136, "ICEBP")                      \
    V(svm_exit, 137, "WBINVD") V(svm_exit, 138, "MONITOR")                    \
    V(svm_exit, 139, "MWAIT") V(svm_exit, 140, "MWAIT_CONDITIONAL")           \
    V(svm_exit, 141, "XSETBV") V(svm_exit, 142, "RDPRU")                      \
    V(svm_exit, 0x400, "NPF") V(svm_exit, 0xffffffff, "INVALID")

#endif /* __XEN_PUBLIC_FLIGHTREC_EVENTS_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
