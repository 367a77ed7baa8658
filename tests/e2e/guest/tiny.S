/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest of a few instructions that dies at once, or floods the recorder, in
 * the way MODE says:
 *
 *   1  PV: tells Xen that it has crashed          (SHUTDOWN_crash)
 *   2  PV: faults without having any handler      (Xen kills it)
 *   3  PV: does not feed its watchdog             (SHUTDOWN_watchdog)
 *   4  PV: goes down cleanly                      (SHUTDOWN_poweroff)
 *   5  PVH: faults without having an IDT          (triple fault)
 *   6  PVH: tells Xen that it has crashed         (SHUTDOWN_crash)
 *   7  PV: wants to be rebooted                   (SHUTDOWN_reboot)
 *   8  PV: is ready to be suspended               (SHUTDOWN_suspend)
 *   9  PV: lives until it is destroyed
 *  10  PV: makes hypercalls and nothing else
 *  11  PVH: makes records of its own, by HVMOP_xentrace, and nothing else
 *  12  PV: computes, and enters Xen every 2^21 cycles, as a kernel's clock does
 *  13  PV: the same every 2^18 cycles, as a kernel does that has much to do
 *  14  PV: asks for a bad page table entry, which Xen refuses, then takes its
 *      own stack out of its page table  (Xen kills it)
 *  15  PV: sets its shutdown code to a clean end, then reports that it has
 *      crashed                                   (SHUTDOWN_crash)
 *  16  PVH: writes the Viridian crash MSR, runs for 2^30 cycles, then reports
 *      that it has crashed                       (SHUTDOWN_crash)
 */

#define HYPERCALL_MMU_UPDATE 1
#define HYPERCALL_UPDATE_VA_MAPPING 14
#define HYPERCALL_XEN_VERSION 17
#define HYPERCALL_SCHED_OP 29
#define HYPERCALL_HVM_OP   34
#define HVMOP_XENTRACE     11
#define SCHEDOP_SHUTDOWN   2
#define SCHEDOP_WATCHDOG   6
#define SCHEDOP_SHUTDOWN_CODE 5
#define MSR_VIRIDIAN_CRASH_CTL 0x40000105
#define CRASH_NOTIFY       0x80000000 /* bit 63 */
#define UVMF_INVLPG        2
#define DOMID_SELF         0x7ff0

#if MODE == 12
#define PERIOD (1 << 21)
#else
#define PERIOD (1 << 18)
#endif

#define NOTE(type, desc...)         \
    .pushsection .note.xen, "a";    \
    .align 4;                       \
    .long 4, 2f - 1f, type;         \
    .asciz "Xen";                   \
1:  desc;                           \
2:  .align 4;                       \
    .popsection

    NOTE(6, .asciz "tiny")          /* GUEST_OS */
    NOTE(5, .asciz "xen-3.0")       /* XEN_VERSION */
    NOTE(8, .asciz "generic")       /* LOADER */
    NOTE(3, .quad 0)                /* VIRT_BASE */
    NOTE(1, .quad _start)           /* ENTRY */
    NOTE(18, .long _start)          /* PHYS32_ENTRY */

    .text
    .globl _start
_start:
#if MODE == 5
    .code32
    lidt no_idt
    ud2
    .code64
#elif MODE == 6 || MODE == 16
    .code32
#if MODE == 16
    mov $MSR_VIRIDIAN_CRASH_CTL, %ecx
    xor %eax, %eax
    mov $CRASH_NOTIFY, %edx
    wrmsr
    rdtsc
    mov %eax, %ebx
live_on:
    rdtsc
    sub %ebx, %eax
    cmp $(1 << 30), %eax
    jb live_on
#endif
    mov $HYPERCALL_SCHED_OP, %eax
    mov $SCHEDOP_SHUTDOWN, %ebx
    mov $argument, %ecx
    vmmcall                         /* QEMU's qemu64 is an AMD */
    .code64
#elif MODE == 2
    ud2
#elif MODE == 10
flood:
    mov $HYPERCALL_XEN_VERSION, %eax
    xor %edi, %edi
    syscall
    jmp flood
#elif MODE == 11
    .code32
flood:
    mov $HYPERCALL_HVM_OP, %eax
    mov $HVMOP_XENTRACE, %ebx
    mov $argument, %ecx
    vmmcall
    jmp flood
    .code64
#elif MODE == 12 || MODE == 13
work:
    rdtsc
    mov %eax, %ebx
compute:
    rdtsc
    sub %ebx, %eax
    cmp $PERIOD, %eax
    jb compute
    mov $HYPERCALL_XEN_VERSION, %eax
    xor %edi, %edi
    syscall
    jmp work
#elif MODE == 14
    mov $HYPERCALL_MMU_UPDATE, %eax
    lea argument(%rip), %rdi
    mov $1, %esi
    xor %edx, %edx
    mov $DOMID_SELF, %r10d
    syscall
    mov $HYPERCALL_UPDATE_VA_MAPPING, %eax
    lea -8(%rsp), %rdi
    xor %esi, %esi
    mov $UVMF_INVLPG, %edx
    syscall
    push %rax
#elif MODE != 9
#if MODE == 15
    mov $HYPERCALL_SCHED_OP, %eax
    mov $SCHEDOP_SHUTDOWN_CODE, %edi
    lea clean(%rip), %rsi
    syscall
#endif
    mov $HYPERCALL_SCHED_OP, %eax
#if MODE == 3
    mov $SCHEDOP_WATCHDOG, %edi
#else
    mov $SCHEDOP_SHUTDOWN, %edi
#endif
    lea argument(%rip), %rsi
    syscall
#endif
forever:
    jmp forever

    .data
    .align 8
argument:
#if MODE == 1 || MODE == 6 || MODE == 15 || MODE == 16
    .long 3                         /* SHUTDOWN_crash */
#elif MODE == 3
    .long 0, 1                      /* a new one, of one second */
#elif MODE == 7
    .long 1                         /* SHUTDOWN_reboot */
#elif MODE == 8
    .long 2                         /* SHUTDOWN_suspend */
#elif MODE == 11
    .word 0x123, 28                 /* event, bytes behind it */
    .fill 7, 4, 0x55aa55aa
#elif MODE == 14
    .quad 0x1000, 0x1003            /* an entry that is not the guest's */
#else
    .long 0                         /* SHUTDOWN_poweroff */
#endif
clean:
    .long 0                         /* SHUTDOWN_poweroff */
no_idt:
    .word 0
    .quad 0
