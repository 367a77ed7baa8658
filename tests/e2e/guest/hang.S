/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module for Dom0's kernel that behaves like a stuck driver: it takes a lock with
 * interrupts off and spins for 2^32 cycles (4 s at the 1 GHz of run-qemu -I).  Then
 * its init fails, so the kernel unloads it.
 *
 * Built without the kernel's headers: mkhang takes struct module from another
 * module; only the name and the init function are ours.
 */

    .section .gnu.linkonce.this_module, "aw"
    .balign 64
    .incbin THIS_MODULE, 0, NAME
    .asciz "hang"
    .skip NAME_BYTES - 5
    .incbin THIS_MODULE, NAME + NAME_BYTES, INIT - NAME - NAME_BYTES
    .quad init_module
    .incbin THIS_MODULE, INIT + 8

    .section .modinfo, "a"
    .asciz "license=GPL"            /* the lock functions are exported GPL-only */

    .text
    .globl init_module
init_module:
    push %rbx
    push %r12
    sub $8, %rsp
    lea lock(%rip), %rdi
    call _raw_spin_lock_irqsave     /* has the paravirt call; cli has no effect */
    mov %rax, %r12
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, %rbx
spin:
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    sub %rbx, %rax
    shr $32, %rax
    cmp $1, %rax
    jb spin
    lea lock(%rip), %rdi
    mov %r12, %rsi
    call _raw_spin_unlock_irqrestore
    mov $-11, %eax                  /* -EAGAIN */
    add $8, %rsp
    pop %r12
    pop %rbx
    ret

    .data
lock:
    .quad 0

    .section .note.GNU-stack, "", @progbits
