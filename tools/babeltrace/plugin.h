/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin.h: the babeltrace2 plugin: component class source.xenflight.snapshot.
 *
 *   plugin.c    the component: parameters, a port for each file, support-info
 *   trace.c     a file as babeltrace2's trace: classes and streams
 *   messages.c  its records as messages, in time order over all streams
 *
 * The trace is the same as that of `xenflight export --to ctf': see
 * lib/read/ctf.h.
 */

#ifndef XENFLIGHT_BABELTRACE_PLUGIN_H
#define XENFLIGHT_BABELTRACE_PLUGIN_H

#include <babeltrace2/babeltrace.h>

#include "lib/read/ctf.h"
#include "lib/base/text.h"

/* A class of events, made for the first of them. */
struct trace_class {
    bt_event_class *bt;
    struct ctf_class ctf;
};

/* An open snapshot file.  It is owned by its port. */
struct trace {
    bt_self_component *self;
    char path[TEXT_ROOM(256)];        /* escaped */
    struct snapshot *snap;
    struct doc doc;
    bt_trace_class *bt_class;
    bt_stream_class *stream_class;
    bt_trace *bt;
    struct trace_class *event[CTF_IDS]; /* by id; NULL if not met yet */
    bt_stream *stream[CTF_STREAMS];
};

/*
 * Return 0, or -errno with the reason appended to babeltrace2's error.
 * trace_close() accepts NULL.
 */
int trace_open(bt_self_component *self, const char *path, struct trace **out);
void trace_close(struct trace *t);

/* Print a warning to stderr if babeltrace2's log level shows warnings. */
void trace_warn(const struct trace *t, const char *text);

/* Get a class or stream of the trace.  It is made when first asked for.  Return
 * NULL without memory. */
const struct trace_class *trace_event_class(struct trace *t, unsigned int id);
const bt_stream *trace_stream(struct trace *t, const struct merge_record *rec);

/* Methods of the message iterator. */
bt_message_iterator_class_initialize_method_status
messages_begin(bt_self_message_iterator *self,
               bt_self_message_iterator_configuration *config,
               bt_self_component_port_output *port);
void messages_end(bt_self_message_iterator *self);
bt_message_iterator_class_next_method_status
messages_next(bt_self_message_iterator *self, bt_message_array_const out,
              uint64_t capacity, uint64_t *count);
bt_message_iterator_class_seek_beginning_method_status
messages_rewind(bt_self_message_iterator *self);

#endif /* XENFLIGHT_BABELTRACE_PLUGIN_H */
