/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xs-trigger.h: key names and limits of PROTOCOL.md.  Constants only. */

#ifndef XS_TRIGGER_H
#define XS_TRIGGER_H

/* A request: a child of this, any name; its value is the reason, as text. */
#define XS_TRIGGER_BASE     "/tool/xenflight"
#define XS_TRIGGER_REQUEST  XS_TRIGGER_BASE "/request"

/* The answer: a child of the same name. */
#define XS_TRIGGER_RESULT   XS_TRIGGER_BASE "/result"
#define XS_TRIGGER_FILE     "file"
#define XS_TRIGGER_ERROR    "error"

/* Which guests may ask, if only some: a child a uuid, made by Dom0. */
#define XS_TRIGGER_GUEST    XS_TRIGGER_BASE "/guest"

/* A guest's own nodes, below its directory. */
#define XS_TRIGGER_DOMAIN   "/local/domain/%u"
#define XS_TRIGGER_ASK      "control/trace-snapshot"
#define XS_TRIGGER_STATUS   "control/trace-snapshot-status"

/* How the daemon is: a child a fact. */
#define XS_TRIGGER_HEALTH   XS_TRIGGER_BASE "/status"

/* Longest name of a request, most that are served at a time. */
#define XS_TRIGGER_NAME_MAX 64
#define XS_TRIGGER_MAX      32
/* Bytes of a reason that are kept. */
#define XS_TRIGGER_TEXT_MAX 256
/* Answers that are kept; the oldest goes first. */
#define XS_TRIGGER_RESULTS  64

#endif /* XS_TRIGGER_H */
