/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * recorder.h: operations on the recorder that daemon and tool share.  @op
 * carries out one operation: hyp_op(), or a message to the monitor.  All
 * functions return 0 or -errno.
 */

#ifndef XENFLIGHT_RECORDER_H
#define XENFLIGHT_RECORDER_H

#include <jansson.h>

#include "lib/xen/rings.h"

/* Start recording; first create buffers of @bytes_per_cpu if there are none. */
int recorder_start(hyp_op_fn *op, void *arg, uint32_t bytes_per_cpu);
int recorder_stop(hyp_op_fn *op, void *arg);

/*
 * Describe the recorder as a JSON object, which the caller must decref:
 * "state", "gen", "held", "complete_s": {"busy", "rare"}, "cpus": [ {"cpu",
 * "online", "channels": {"busy": {...}, "rare": {...}}} ], ...  @rings: see
 * horizon_read().
 */
int recorder_json(hyp_op_fn *op, void *arg, const struct rings *rings,
                  json_t **out);

#endif /* XENFLIGHT_RECORDER_H */
