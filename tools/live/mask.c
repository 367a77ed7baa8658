/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mask.c: translate names of channels, classes and events to mask operations.
 */

#include "tools/live/mask.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/flightrec-events.h>

#include "lib/format/event.h"

/* Bits of an event word.  Each class is one bit. */
#define CLASS_BITS    0x0fff0000U
#define SUBCLASS_BITS 0x0000f000U
#define NAME_ROOM     64

const char *const mask_channels[XEN_FLIGHTREC_CHANNELS] = {
    [XEN_FLIGHTREC_CH_BUSY] = "busy",
    [XEN_FLIGHTREC_CH_RARE] = "rare",
};

#define ROW(name, ev, ch, fields, format) { #name, ev },
static const struct {
    const char *name;
    uint32_t event;
} events[] = { FR_EVENT_LIST(ROW) };
#undef ROW

#define EVENTS (sizeof(events) / sizeof(events[0]))

uint32_t mask_channel(const char *name)
{
    uint32_t ch;

    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        if ( !strcmp(name, mask_channels[ch]) )
            break;
    return ch;
}

static int add(struct command *c, struct command_mask m)
{
    if ( c->nr_masks == COMMAND_MASKS )
        return -E2BIG;
    c->mask[c->nr_masks++] = m;
    return 0;
}

static int add_classes(struct command *c, uint32_t channel, uint32_t clear,
                       uint32_t set)
{
    return add(c, (struct command_mask){ .channel = channel, .clear = clear,
                                         .set = set });
}

/* Cut the suffix that makes row names unique. */
static const char *shown(const char *row, char name[NAME_ROOM])
{
    snprintf(name, NAME_ROOM, "%s", row);
    if ( strstr(name, "__") )
        *strstr(name, "__") = '\0';
    return name;
}

/* Several rows may have one name. */
static int add_events(struct command *c, uint32_t channel, const char *glob,
                      bool on)
{
    char name[NAME_ROOM];
    unsigned int found = 0;
    int rc = 0;
    size_t i;

    for ( i = 0; !rc && i < EVENTS; i++ )
        if ( !fnmatch(glob, shown(events[i].name, name), FNM_CASEFOLD) )
        {
            rc = add(c, (struct command_mask){ .channel = channel,
                                               .event = events[i].event,
                                               .clear = on, .set = !on });
            found++;
        }
    return rc ? rc : found ? 0 : -EINVAL;
}

static int add_switch(struct command *c, uint32_t channel, const char *name,
                      bool on)
{
    size_t i;

    for ( i = 0; i < EVENT_CLASSES; i++ )
        if ( !strcasecmp(name, event_classes[i].name) )
            return on ? add_classes(c, channel, 0,
                                    event_classes[i].bit | SUBCLASS_BITS)
                      : add_classes(c, channel, event_classes[i].bit, 0);
    return add_events(c, channel, name, on);
}

int mask_add(struct command *c, uint32_t channel, const char *text)
{
    const char *eq = strchr(text, '=');
    unsigned long number;
    char name[NAME_ROOM];
    char *end;

    if ( !strcmp(text, "all") )
        return add_classes(c, channel, ~0U, XEN_FLIGHTREC_EVENTS_ALL);
    if ( !strcmp(text, "default") )
        return add_classes(c, channel, ~0U, XEN_FLIGHTREC_EVENTS_DEFAULT);
    if ( *text >= '0' && *text <= '9' )
    {
        number = strtoul(text, &end, 0);
        return *end || (number & ~(unsigned long)XEN_FLIGHTREC_EVENTS_ALL)
                   ? -EINVAL
                   : add_classes(c, channel, ~0U, number);
    }
    if ( !eq || eq == text || eq - text >= NAME_ROOM ||
         (strcmp(eq, "=on") && strcmp(eq, "=off")) )
        return -EINVAL;
    snprintf(name, sizeof(name), "%.*s", (int)(eq - text), text);
    return add_switch(c, channel, name, !strcmp(eq, "=on"));
}

const char *mask_text(uint32_t mask, char *buf)
{
    size_t i, len = 0;

    buf[0] = '\0';
    for ( i = 0; i < EVENT_CLASSES; i++ )
        if ( mask & event_classes[i].bit )
            len += sprintf(buf + len, " %s", event_classes[i].name);
    if ( mask & CLASS_BITS && (mask & SUBCLASS_BITS) != SUBCLASS_BITS )
        sprintf(buf + len, " (subclasses %#x)", mask & SUBCLASS_BITS);
    return buf[0] ? buf + 1 : "nothing";
}

const char *mask_event_name(uint32_t event)
{
    static char name[NAME_ROOM];
    size_t i;

    for ( i = 0; i < EVENTS; i++ )
        if ( events[i].event == event )
            return shown(events[i].name, name);
    return NULL;
}
