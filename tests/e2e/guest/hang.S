/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module for Dom0's kernel that takes a lock with interrupts off and does not
 * come back for 3 * 2^32 cycles (6 s at 2 GHz), as a driver does that is stuck.
 * Then its init fails, so that it is gone again.
 *
 * Put together without the kernel's headers: mkhang takes struct module, of
 * which only the name and the init function are ours, from another module.
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
    .asciz "license=GPL"            /* the lock's functions are for such only */

    .text
    .globl init_module
init_module:
    push %rbx
    push %r12
    sub $8, %rsp
    lea lock(%rip), %rdi
    call _raw_spin_lock_irqsave     /* by paravirt operations: cli does nothing */
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
    cmp $3, %rax
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
