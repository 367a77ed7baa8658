/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xs-trigger.h: node names and limits of PROTOCOL.md.  Constants only.
 */

#ifndef XS_TRIGGER_H
#define XS_TRIGGER_H

/* A request is a child of XS_TRIGGER_REQUEST; its value is the reason. */
#define XS_TRIGGER_BASE     "/tool/xenflight"
#define XS_TRIGGER_REQUEST  XS_TRIGGER_BASE "/request"

/* The answer is a child of the same name. */
#define XS_TRIGGER_RESULT   XS_TRIGGER_BASE "/result"
#define XS_TRIGGER_FILE     "file"
#define XS_TRIGGER_ERROR    "error"

/* Guests that may send requests, with may_ask = named: one child per uuid. */
#define XS_TRIGGER_GUEST    XS_TRIGGER_BASE "/guest"

/* A guest's own nodes, relative to its directory. */
#define XS_TRIGGER_DOMAIN   "/local/domain/%u"
#define XS_TRIGGER_ASK      "control/trace-snapshot"
#define XS_TRIGGER_STATUS   "control/trace-snapshot-status"

/* State of the daemon. */
#define XS_TRIGGER_HEALTH   XS_TRIGGER_BASE "/status"

/* Bytes of a request's name; requests served at a time. */
#define XS_TRIGGER_NAME_MAX 64
#define XS_TRIGGER_MAX      32
/* Bytes of a reason that are stored. */
#define XS_TRIGGER_TEXT_MAX 256
/* Answers kept in xenstore; older ones are removed. */
#define XS_TRIGGER_RESULTS  64

#endif /* XS_TRIGGER_H */
