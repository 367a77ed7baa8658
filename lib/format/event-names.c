/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event-names.c: look up tables, values and fields by name or number.
 *
 * A leaf: the other event*.c files use this one, and it uses none of them.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/format/event-impl.h"

int event_bad(const struct event_err *err, const char *fmt, ...)
{
    va_list ap;

    if ( err->bytes )
    {
        va_start(ap, fmt);
        vsnprintf(err->text, err->bytes, fmt, ap);
        va_end(ap);
    }

    return -EBADMSG;
}

bool event_is_word(const char *s, size_t max)
{
    size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return len && len < max && !s[len];
}

const char *event_enum_name(const struct event_enum *names)
{
    return names->name;
}

const char *event_enum_row(const struct event_enum *names, unsigned int i,
                           uint64_t *value)
{
    if ( !names || i >= names->nr )
        return NULL;

    *value = names->values[i].value;
    return names->values[i].name;
}

const struct event_enum *event_enum_find(const struct event_dict *dict,
                                         const char *name)
{
    for ( unsigned int i = 0; i < dict->nr_enums; i++ )
        if ( !strcmp(dict->enums[i].name, name) )
            return &dict->enums[i];

    return NULL;
}

/*
 * Composed values.
 */

static const struct event_composed composed[] = {
    /*
     * VMX has flags above 16 bits of the reason, of which Xen 4.17 records 32.
     * SVM has 64 bits, all ones for an invalid state.  hvm_exit is either.
     */
    { "vmx_exit", { 0xffffffff, 0xffff }, 0, true },
    { "svm_exit", { 0xffffffff, 0 }, 0, false },
    { "hvm_exit", { 0xffffffff, 0xffff }, 0, true },
    /* Xen takes 32 bits of the guest's register as the command. */
    { "sched_op_a0", { 0xffffffff, 0 }, 0, false },
    { "vcpu_op_a0", { 0xffffffff, 0 }, 0, false },
    /* A hypercall that is continued has its progress above the command. */
    { "grant_table_op_a0", { 0xffffffff, 0xfff }, 0, false },
    { "memory_op_a0", { 0xffffffff, 0x3f }, 0, false },
    /* Viridian guests set this bit, and leave any value in the others. */
    { "hypercall", { 0x80000000, 0 }, 0x80000000, false },
};

/* Intel SDM, volume 3, "Format of Exit Reason". */
static const struct {
    unsigned int bit;
    const char *name;
} vmx_flags[] = {
    { 25, "SHADOW_STACK_BUSY" }, { 26, "BUS_LOCK" }, { 27, "ENCLAVE" },
    { 28, "PENDING_MTF" }, { 29, "VMX_ROOT" }, { 31, "ENTRY_FAILED" },
};

#define NR_VMX_FLAGS (sizeof(vmx_flags) / sizeof(vmx_flags[0]))

const struct event_composed *event_composed_find(const char *table)
{
    for ( size_t i = 0; i < sizeof(composed) / sizeof(composed[0]); i++ )
        if ( !strcmp(table, composed[i].table) )
            return &composed[i];

    return NULL;
}

static const char *whole_name(const struct event_enum *names, uint64_t value)
{
    unsigned int lo = 0, hi;

    /* Most tables start with 0, 1, 2, ..., so the value is often its index. */
    if ( value < names->nr && names->values[value].value == value )
        return names->values[value].name;

    for ( hi = names->nr; lo < hi; )
    {
        unsigned int mid = lo + (hi - lo) / 2;

        if ( names->values[mid].value == value )
            return names->values[mid].name;
        if ( names->values[mid].value < value )
            lo = mid + 1;
        else
            hi = mid;
    }

    return NULL;
}

uint64_t event_value_code(const struct event_enum *names, uint64_t value)
{
    const struct event_composed *c = names ? names->composed : NULL;

    if ( !c || whole_name(names, value) || (c->marked && !(value & c->marked)) )
        return value;
    for ( unsigned int i = 0; i < 2 && c->mask[i]; i++ )
        if ( whole_name(names, value & c->mask[i]) )
            return value & c->mask[i];

    return value;
}

const char *event_value_name(const struct event_enum *names, uint64_t value)
{
    return names ? whole_name(names, event_value_code(names, value)) : NULL;
}

const char *event_flag_name(const struct event_enum *names, unsigned int bit)
{
    for ( size_t i = 0; names && names->composed && names->composed->vmx &&
                        i < NR_VMX_FLAGS; i++ )
        if ( vmx_flags[i].bit == bit )
            return vmx_flags[i].name;

    return NULL;
}

const char *event_enum_flag_row(const struct event_enum *names, unsigned int i,
                                uint64_t *value)
{
    const char *name;

    if ( !names || !names->composed || !names->composed->vmx || !names->nr ||
         i / names->nr >= NR_VMX_FLAGS )
        return NULL;

    name = event_enum_row(names, i % names->nr, value);
    *value |= 1ULL << vmx_flags[i / names->nr].bit;
    return name;
}

int event_field_index(const struct event_desc *desc, const char *name)
{
    for ( unsigned int i = 0; i < desc->nr_fields; i++ )
        if ( !strcmp(desc->field[i].name, name) )
            return i;

    return -1;
}
