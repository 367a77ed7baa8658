/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest of a few instructions.  MODE selects how it dies or floods the recorder:
 *
 *   1  PV: report a crash                         (SHUTDOWN_crash)
 *   2  PV: fault without a handler                (Xen kills it)
 *   3  PV: let its watchdog expire                (SHUTDOWN_watchdog)
 *   4  PV: power off                              (SHUTDOWN_poweroff)
 *   5  PVH: fault without an IDT                  (triple fault)
 *   6  PVH: report a crash                        (SHUTDOWN_crash)
 *   7  PV: request a reboot                       (SHUTDOWN_reboot)
 *   8  PV: report that it is suspended            (SHUTDOWN_suspend)
 *   9  PV: live until destroyed
 *  10  PV: issue hypercalls in a loop
 *  11  PVH: write records of its own in a loop, by HVMOP_xentrace
 *  12  PV: compute, and enter Xen every 2^21 cycles, like a kernel's clock
 *  13  PV: the same every 2^18 cycles, like a busy kernel
 *  14  PV: request a bad page table entry, which Xen refuses; then unmap its own
 *      stack                                      (Xen kills it)
 *  15  PV: set its shutdown code to a clean end, then report a crash
 *                                                 (SHUTDOWN_crash)
 *  16  PVH: write the Viridian crash MSR, run for 2^30 cycles, then report a
 *      crash                                      (SHUTDOWN_crash)
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
    .long 0, 1                      /* a new watchdog of one second */
#elif MODE == 7
    .long 1                         /* SHUTDOWN_reboot */
#elif MODE == 8
    .long 2                         /* SHUTDOWN_suspend */
#elif MODE == 11
    .word 0x123, 28                 /* event, bytes that follow */
    .fill 7, 4, 0x55aa55aa
#elif MODE == 14
    .quad 0x1000, 0x1003            /* not a page table of this guest */
#else
    .long 0                         /* SHUTDOWN_poweroff */
#endif
clean:
    .long 0                         /* SHUTDOWN_poweroff */
no_idt:
    .word 0
    .quad 0
