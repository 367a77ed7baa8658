# SPDX-License-Identifier: LGPL-2.1-or-later
"""answers.py XENFLIGHT: plays a captured engine, whose answers are hostile text and
numbers.  No answer may crash the tool, reach the terminal unescaped, or pass for a
path that is none.  TAP."""

import copy
import json
import os
import re
import socket
import subprocess
import sys
import tempfile

XENFLIGHT = sys.argv[1]
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\n"
HOSTILE = [ESCAPE, "x" * 3000, -2**63, 2**63 - 1, 1e308, [ESCAPE], None,
           {ESCAPE: {ESCAPE: 2**63 - 1}}]
CHANNEL = {"horizon_s": 1.5, "whole": False, "events_per_s": 9.0,
           "bytes_per_event": 9.0, "emitted": 5, "overwritten": 1, "held": 2,
           "lost": {"nested": 1, "busy": 0}}
STATUS = {"ok": True, "recorder": {
    "state": "running", "backend": "flightrec", "bytes_per_cpu": 1048576, "gen": 3,
    "held": 1, "deferred": 0, "suppressed": 0, "given_up": 0, "expired": 0,
    "complete_s": {"busy": 1.0, "rare": 2.0},
    "cpus": [{"cpu": 0, "online": True, "channels": {"busy": CHANNEL},
              "tbuf": {"bytes": 4096, "fill": 100, "produced": 1000, "moves": 5,
                       "walked_bytes": 10, "lost": 0}}]},
    "daemon": {
        "engine_starts": 1, "written": 2, "bytes_written": 1000, "failed": 0,
        "gone": 0, "suppressed_limit": 0, "suppressed_budget": 0,
        "suppressed_off": 0, "causes": {"crash": {"written": 1, "failed": 0}},
        "store": {"files": 1, "max_files": 64, "bytes": 100, "max_bytes": 1000,
                  "pinned": 0, "evicted": 0, "expired": 0},
        "times": {"durable": 1, "durable_ns": 5, "durable_max_ns": 5, "held_ns": 5,
                  "held_max_ns": 5},
        "hook": {"done": 1, "failed": 0, "timed_out": 0, "dropped": 0},
        "guests": {"asked": 1, "rate_limited": 0, "stale": 0, "opted_out": 0,
                   "shut_out": 0},
        "last": {"file": "/x", "latency_ns": {"durable": 5}}}}
SNAPSHOT = {"ok": True, "file": "/var/lib/xen/snapshotd/x.xfr.lz4"}
ERROR = {"ok": False, "error": "no buffers"}

tmp = tempfile.TemporaryDirectory()
servers = {}
for name in ("control", "recorder"):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.bind(os.path.join(tmp.name, name))
    s.listen(4)
    servers[name] = s


def run(name, answer, *args):
    """The output, and status, of a command that gets these bytes as its answer."""
    p = subprocess.Popen([XENFLIGHT, *args, "--run", tmp.name],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    servers[name].settimeout(20)
    c, _ = servers[name].accept()
    c.recv(65536)
    if answer is not None:
        c.send(answer)
    c.close()
    out, err = p.communicate(timeout=30)
    return out, err, p.returncode


def printable(data):
    return not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\x9f]|\xc2[\x80-\x9f]|\xe2\x80",
                         data)


def leaves(o, path=()):
    """The paths of all members below @o, objects and lists themselves included."""
    items = o.items() if isinstance(o, dict) else enumerate(o) \
        if isinstance(o, list) else ()
    for k, v in items:
        yield path + (k,)
        yield from leaves(v, path + (k,))


def changed(o, path, value):
    o = copy.deepcopy(o)
    at = o
    for k in path[:-1]:
        at = at[k]
    at[path[-1]] = value
    return o


tests, failed = 0, False


def check(what, bad):
    global tests, failed
    tests += 1
    failed = failed or bool(bad)
    print(f"{'not ok' if bad else 'ok'} {tests} - {what}", flush=True)
    for b in bad[:5]:
        print(f"# {b}"[:500])


def hostile(name, good, *args, codes=(0, 1)):
    bad = []
    for path in leaves(good):
        for value in HOSTILE:
            answer = json.dumps(changed(good, path, value)).encode()
            out, err, rc = run(name, answer, *args)
            if rc not in codes or not printable(out + err):
                bad.append((path, value, rc, out[-200:], err[-200:]))
    return bad


for label, raw in (("an array", b"[1,2]"), ("a text", b'"x"'), ("a number", b"1"),
                   ("no JSON", b"\x1b[2J"), ("an empty object", b"{}"),
                   ("deep", b"[" * 5000), ("nothing", None)):
    bad = []
    for name, args in (("control", ["status"]), ("control", ["snapshot"]),
                       ("recorder", ["stop"])):
        out, err, rc = run(name, raw, *args)
        if rc != 1 or not err or not printable(out + err):
            bad.append((args, rc, out, err))
    check(f"{label} instead of an answer", bad)

check("status", hostile("control", STATUS, "status"))
tbuf = changed(STATUS, ("recorder", "backend"), "tbuf")
del tbuf["daemon"]
check("status of Xen's own buffers", hostile("control", tbuf, "status"))
check("snapshot", hostile("control", SNAPSHOT, "snapshot", "--wait"))
check("an error", hostile("control", ERROR, "status") +
      hostile("control", ERROR, "snapshot") + hostile("recorder", ERROR, "start"))
check("as JSON", [r for r in [run("control", json.dumps(changed(
    STATUS, ("recorder", "state"), ESCAPE)).encode(), "status", "--json")]
    if r[2] != 1 or not printable(r[0])])
bad = []
for path in ("-o/etc/passwd", "--help", "x.xfr.lz4", "", "./x"):
    answer = json.dumps({"ok": True, "file": path}).encode()
    out, err, rc = run("control", answer, "snapshot", "--wait")
    if rc != 1 or out:
        bad.append((path, rc, out))
check("a path that is not absolute", bad)

print(f"1..{tests}")
sys.exit(failed)
