/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin.c: declares the component class: its parameters, its ports, and its
 * answer to babeltrace.support-info.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/babeltrace/plugin.h"

typedef bt_component_class_initialize_method_status init_status;
typedef bt_component_class_query_method_status query_status;

#define INIT_OK     BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK
#define INIT_ERROR  BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_ERROR
#define INIT_NOMEM  BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_MEMORY_ERROR
#define QUERY_OK    BT_COMPONENT_CLASS_QUERY_METHOD_STATUS_OK
#define QUERY_ERROR BT_COMPONENT_CLASS_QUERY_METHOD_STATUS_ERROR
#define QUERY_NOMEM BT_COMPONENT_CLASS_QUERY_METHOD_STATUS_MEMORY_ERROR
#define QUERY_WHAT  BT_COMPONENT_CLASS_QUERY_METHOD_STATUS_UNKNOWN_OBJECT

/* The traces of a component's ports.  They are closed with the component. */
struct files {
    uint64_t nr;
    struct trace *trace[];
};

static void close_files(struct files *files)
{
    for ( uint64_t i = 0; files && i < files->nr; i++ )
        trace_close(files->trace[i]);
    free(files);
}

static void snapshot_finalize(bt_self_component_source *self)
{
    close_files(bt_self_component_get_data(
        bt_self_component_source_as_self_component(self)));
}

static int add_file(bt_self_component_source *self, const char *path,
                    struct files *files)
{
    bt_self_component *base = bt_self_component_source_as_self_component(self);
    struct trace *t;
    char name[24];
    int rc = trace_open(base, path, &t);

    if ( rc )
        return rc;

    snprintf(name, sizeof(name), "out%llu", (unsigned long long)files->nr);
    files->trace[files->nr++] = t;
    return bt_self_component_source_add_output_port(self, name, t, NULL)
               ? -ENOMEM
               : 0;
}

/* Return the value of "inputs" if it is the only parameter and an array of
 * strings, or NULL. */
static const bt_value *get_inputs(const bt_value *params)
{
    const bt_value *inputs = bt_value_map_borrow_entry_value_const(params,
                                                                   "inputs");

    if ( !inputs || bt_value_map_get_size(params) != 1 ||
         !bt_value_is_array(inputs) || !bt_value_array_get_length(inputs) )
        return NULL;

    for ( uint64_t i = 0; i < bt_value_array_get_length(inputs); i++ )
        if ( !bt_value_is_string(
                 bt_value_array_borrow_element_by_index_const(inputs, i)) )
            return NULL;

    return inputs;
}

static init_status snapshot_initialize(
    bt_self_component_source *self, bt_self_component_source_configuration *c,
    const bt_value *params, void *data)
{
    bt_self_component *base = bt_self_component_source_as_self_component(self);
    const bt_value *inputs = get_inputs(params);
    uint64_t n = inputs ? bt_value_array_get_length(inputs) : 0;
    struct files *files;
    int rc = 0;

    if ( !n )
    {
        BT_CURRENT_THREAD_ERROR_APPEND_CAUSE_FROM_COMPONENT(
            base, "the only parameter is `inputs', a non-empty array of paths "
            "of snapshots");
        return INIT_ERROR;
    }

    files = calloc(1, sizeof(*files) + n * sizeof(files->trace[0]));
    if ( !files )
        return INIT_NOMEM;

    for ( uint64_t i = 0; i < n && !rc; i++ )
        rc = add_file(self, bt_value_string_get(
            bt_value_array_borrow_element_by_index_const(inputs, i)), files);
    if ( rc )
        close_files(files);
    else
        bt_self_component_set_data(base, files);
    return !rc ? INIT_OK : rc == -ENOMEM ? INIT_NOMEM : INIT_ERROR;
}

/*
 * babeltrace.support-info asks whether a path is a snapshot.
 */

static bool is_snapshot(const char *path)
{
    struct snapshot_header head;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
              pread(fd, &head, sizeof(head), 0) == sizeof(head) &&
              head.skip_magic == SNAPSHOT_SKIP_HEADER &&
              !memcmp(head.magic, SNAPSHOT_HEADER_MAGIC, sizeof(head.magic));

    if ( fd >= 0 )
        close(fd);
    return is;
}

static const char *get_text(const bt_value *params, const char *key)
{
    const bt_value *v = bt_value_is_map(params)
                        ? bt_value_map_borrow_entry_value_const(params, key)
                        : NULL;

    return v && bt_value_is_string(v) ? bt_value_string_get(v) : NULL;
}

static query_status snapshot_query(
    bt_self_component_class_source *self, bt_private_query_executor *executor,
    const char *object, const bt_value *params, void *data,
    const bt_value **result)
{
    const char *type = get_text(params, "type");
    const char *input = get_text(params, "input");

    if ( strcmp(object, "babeltrace.support-info") )
        return QUERY_WHAT;
    if ( !type || !input )
    {
        BT_CURRENT_THREAD_ERROR_APPEND_CAUSE_FROM_COMPONENT_CLASS(
            bt_self_component_class_source_as_self_component_class(self),
            "babeltrace.support-info takes two strings: `type' and `input'");
        return QUERY_ERROR;
    }

    *result = bt_value_real_create_init(
        !strcmp(type, "file") && is_snapshot(input) ? 1 : 0);
    return *result ? QUERY_OK : QUERY_NOMEM;
}

static bt_message_iterator_class_can_seek_beginning_method_status
messages_can_rewind(bt_self_message_iterator *self, bt_bool *can)
{
    *can = BT_TRUE;
    return BT_MESSAGE_ITERATOR_CLASS_CAN_SEEK_BEGINNING_METHOD_STATUS_OK;
}

/* babeltrace2's macros define functions that no header declares. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

BT_PLUGIN_MODULE();
BT_PLUGIN(xenflight);
BT_PLUGIN_DESCRIPTION("Snapshots of the Xen flight recorder");
BT_PLUGIN_LICENSE("LGPL-2.1-or-later");
BT_PLUGIN_SOURCE_COMPONENT_CLASS(snapshot, messages_next);
BT_PLUGIN_SOURCE_COMPONENT_CLASS_DESCRIPTION(snapshot,
    "Read snapshots of the Xen flight recorder (*.xfr.lz4).");
BT_PLUGIN_SOURCE_COMPONENT_CLASS_HELP(snapshot,
    "See babeltrace2-source.xenflight.snapshot(7).");
BT_PLUGIN_SOURCE_COMPONENT_CLASS_INITIALIZE_METHOD(snapshot,
                                                   snapshot_initialize);
BT_PLUGIN_SOURCE_COMPONENT_CLASS_FINALIZE_METHOD(snapshot, snapshot_finalize);
BT_PLUGIN_SOURCE_COMPONENT_CLASS_QUERY_METHOD(snapshot, snapshot_query);
BT_PLUGIN_SOURCE_COMPONENT_CLASS_MESSAGE_ITERATOR_CLASS_INITIALIZE_METHOD(
    snapshot, messages_begin);
BT_PLUGIN_SOURCE_COMPONENT_CLASS_MESSAGE_ITERATOR_CLASS_FINALIZE_METHOD(
    snapshot, messages_end);
BT_PLUGIN_SOURCE_COMPONENT_CLASS_MESSAGE_ITERATOR_CLASS_SEEK_BEGINNING_METHODS(
    snapshot, messages_rewind, messages_can_rewind);
