/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * page.js: draws the data that `xenflight report' embeds in the page, see
 * tools/report/report.h.  Texts of the file reach the page as text nodes only.
 */
"use strict";

(() => {
const $ = id => document.getElementById(id);

/* An error, at the start or later, is shown: without a message the page would
 * just be empty. */
addEventListener("error", e => {
    $("failure").hidden = false;
    $("failure").textContent = `The page cannot be drawn: ${e.message}`;
});

const facts = JSON.parse($("facts").textContent);
const NO_VCPU = 0xffff, UNKNOWN = 4, IDLE = 32767;
const GAP = 0, UNDESCRIBED = 1;
const RUNNING = 0, RUNNABLE = 1, BLOCKED = 2;

/* An element with attributes and children; a string child is text. */
function element(tag, attributes, ...children) {
    const e = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {}))
        if (key === "style") Object.assign(e.style, value);
        else e.setAttribute(key, value);
    e.append(...children);
    return e;
}

/*
 * Members of the metadata come from the file, and may have any type.
 */

const is_object = x => x !== null && typeof x === "object" && !Array.isArray(x);
const object_of = x => is_object(x) ? x : {};
const objects_of = x => Array.isArray(x) ? x.filter(is_object) : [];
const text_of = x => typeof x === "string" || typeof x === "number" ? String(x) : "";
const count_of = x => Number.isFinite(x) ? x : 0;
const meta = object_of(facts.meta);

/*
 * Columns.
 */

function from_base64(text) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return bytes;
}

/* One lz4 block. */
function unpack(from, bytes) {
    const to = new Uint8Array(bytes);
    let i = 0, o = 0;
    const more = n => {
        if (n < 15) return n;
        for (;;) {
            const b = from[i++];
            n += b;
            if (b !== 255) return n;
        }
    };
    while (i < from.length) {
        const token = from[i++];
        const literals = more(token >> 4);
        to.set(from.subarray(i, i + literals), o);
        i += literals;
        o += literals;
        if (i >= from.length) break;
        const back = from[i] | from[i + 1] << 8;
        i += 2;
        let n = more(token & 15) + 4;
        if (back >= n) {
            to.copyWithin(o, o - back, o - back + n);
            o += n;
        } else
            for (; n; n--, o++) to[o] = to[o - back];
    }
    if (o !== bytes) throw new Error("the page is damaged");
    return to;
}

function numbers(bytes, count, sum) {
    const list = new Float64Array(count);
    let at = 0, before = 0;
    for (let n = 0; n < count; n++) {
        let value = 0, scale = 1, byte;
        do {
            byte = bytes[at++];
            value += (byte & 127) * scale;
            scale *= 128;
        } while (byte & 128);
        if (sum) value = before += value;
        list[n] = value;
    }
    return list;
}

function columns() {
    const size = facts.columns, total = size.reduce((a, b) => a + b, 0);
    const all = unpack(from_base64($("columns").textContent), total);
    let at = 0;
    const part = size.map(n => all.slice(at, at += n));
    const u16 = p => new Uint16Array(p.buffer);
    const nr = facts.events, first = new Uint32Array(nr + 1);
    for (let i = 0; i < nr; i++) first[i + 1] = first[i] + part[4][i];
    const end = numbers(part[6], facts.intervals, true);
    const length = numbers(part[7], facts.intervals, false);
    return {
        event: { nr, time: numbers(part[0], nr, true), cpu: u16(part[1]),
                 kind: u16(part[2]), vcpu: u16(part[3]), first,
                 words: new Uint32Array(part[5].buffer) },
        interval: { nr: facts.intervals, end, start: end.map((e, i) => e - length[i]),
                    cpu: u16(part[8]), vcpu: u16(part[9]), state: part[10] },
    };
}

/*
 * Names.
 */

const names = {};        /* table: Map of value to name */
for (const [table, list] of Object.entries(facts.enums || {}))
    names[table] = new Map(list.map(([value, name]) => [BigInt(value), name]));

/*
 * The part of a value that its name stands for: a code without the flags that
 * Xen composes it with.
 */
function value_code(table, value) {
    const known = names[table], rule = facts.composed?.[table];
    if (!known || !rule || known.has(value)) return value;
    if (rule.marked && !(value & BigInt(rule.marked))) return value;
    for (const mask of rule.masks)
        if (known.has(value & BigInt(mask))) return value & BigInt(mask);
    return value;
}

/* A value's name and its flags, or undefined: NAME|FLAG|0xREST. */
function value_name(table, value) {
    const code = value_code(table, value), name = names[table]?.get(code);
    if (name === undefined || code === value) return name;
    let rest = value ^ code, text = name;
    for (const [bit, flag] of Object.entries(facts.composed[table].flags)) {
        if (!(rest >> BigInt(bit) & 1n)) continue;
        rest ^= 1n << BigInt(bit);
        if (flag !== name) text += `|${flag}`;
    }
    return rest ? `${text}|0x${rest.toString(16)}` : text;
}

/*
 * A domain's key is its number + 65536 * the number of later domains that got
 * the same number.
 */
const number_of = domain => domain % 65536;
const domain_names = new Map(facts.names);

/* In a redacted file, the number of all domains but one. */
const other_domain = meta.redacted ? 0x7ff4 : undefined;

function domain_label(domid) {
    if (domid === IDLE) return "idle";
    if (domid === other_domain) return "other domains or idle";
    const name = domain_names.get(domid);
    return name ? `d${number_of(domid)} ${name}` : `d${number_of(domid)}`;
}

function vcpu_label(index) {
    if (index === NO_VCPU) return "?";
    const [domid, vcpu] = facts.vcpus[index];
    if (domid === IDLE) return `idle v${vcpu}`;
    return domid === other_domain ? "other" : `d${number_of(domid)}v${vcpu}`;
}

function kind_name(index, word) {
    if (index === GAP) return "RECORDS LOST";
    if (index === UNDESCRIBED)
        return word >>> 28 === 15 ? `id_${word & 0xfffffff}` : `EVENT_${word.toString(16).padStart(8, "0")}`;
    return facts.kinds[index].name;
}

/* Classes of events, by the first word of their names. */
const CLASS = { RECORDS: "lost", FR: "marks", SCHED: "scheduler", HVM: "HVM", PV: "PV",
                MEM: "memory", HW: "hardware", DOM0: "domains", LOST: "lost" };
const classes = [], class_of = facts.kinds.map((k, i) => {
    const word = i === GAP ? "LOST" : i === UNDESCRIBED ? "" : k.name.split("_")[0];
    const name = CLASS[word] || "other";
    if (!classes.includes(name) && k.nr) classes.push(name);
    return name;
});
const class_index = class_of.map(name => Math.max(0, classes.indexOf(name)));
const class_shown = classes.map(() => true);

/* The same text as lib/format/event-show.c's, always as name=value. */
function field_value(field, words) {
    const [, type, word, shift, bits, constant] = field;
    if (type === "e") return BigInt(constant);
    if (type === "a") {
        let at = 1;
        if (!words.length) return null;
        for (let k = 0; k < shift; k++) at += arg_words(words, k);
        const n = arg_words(words, shift);
        if (!n || n > 2 || at + n > words.length) return null;
        return BigInt(words[at]) | (n === 2 ? BigInt(words[at + 1]) << 32n : 0n);
    }
    if (word + Math.ceil(bits / 32) > words.length) return null;
    if (bits > 32) return BigInt(words[word]) | BigInt(words[word + 1]) << 32n;
    return BigInt(bits === 32 ? words[word] : words[word] >>> shift & 2 ** bits - 1);
}

function field_text(field, value, words, kind) {
    const [, type, word, shift, bits, , table] = field;
    if (type === "b") {
        const set = [];
        for (let bit = 0; bit < bits; bit++) {
            const at = shift + bit;
            if (words[word + (at >> 5)] >>> (at & 31) & 1)
                set.push(names[table]?.get(BigInt(bit)) ?? String(bit));
        }
        return `{${set.join(",")}}`;
    }
    let from = table;
    if (type === "d") from = "domid";
    if (type === "a") {
        const op = field_value(kind.fields[0], words);
        from = `${names.hypercall?.get(op)}_a${shift}`;
    }
    const name = value_name(from, value);
    if (name !== undefined) return name;
    if (type === "v" && value === (1n << BigInt(bits)) - 1n) return "none";
    if (type === "x") return "0x" + value.toString(16);
    if (type === "i") return BigInt.asIntN(bits, value).toString();
    /* A time between two pCPUs' clocks: just below 0, not 4.29 s. */
    if (type === "t" && value >= 0xff000000n) return BigInt.asIntN(32, value).toString();
    return value.toString();
}

/* Number of words of argument k of a hypercall record. */
function arg_words(words, k) {
    return words[0] >>> (20 + 2 * k) & 3;
}

/*
 * Index of the first word that no field shows, and whether a field is missing.
 */
function tail_of(kind, words) {
    if (kind.fields.some(f => f[1] === "a")) {
        let rest = 1;
        for (let k = 0; words.length && k < 6; k++) {
            const n = arg_words(words, k);
            if (n > 2 || rest + n > words.length) return [rest, true];
            rest += n;
        }
        return [rest, !words.length];
    }
    let rest = 0, short = false;
    const parts = kind.fields.filter(f => f[1] !== "e");
    for (const [, , word, , bits, , , optional] of parts) {
        const end = word + Math.ceil(bits / 32);
        if (end <= words.length) rest = Math.max(rest, end);
        else if (!optional) short = true;
    }
    return [words.length >= kind.words ? kind.words : rest, short];
}

function words_of(n) {
    return event.words.subarray(event.first[n], event.first[n + 1]);
}

function event_text(n) {
    const index = event.kind[n], words = words_of(n), kind = facts.kinds[index];
    if (index === GAP) {
        const missing = words[1] + words[2] * 2 ** 32;
        return `${facts.gaps[words[0]]}${missing ? `: ${missing}` : ""}`;
    }
    const hex = list => Array.from(list, w => "0x" + w.toString(16)).join(",");
    if (index === UNDESCRIBED) return words.length > 1 ? `rest=${hex(words.subarray(1))}` : "";
    const parts = [];
    for (const field of kind.fields) {
        const value = field_value(field, words);
        if (value !== null) parts.push(`${field[0]}=${field_text(field, value, words, kind)}`);
    }
    const [rest, short] = tail_of(kind, words);
    if (short) parts.push("(too short)");
    if (rest < words.length) parts.push(`rest=${hex(words.subarray(rest))}`);
    return parts.join(" ");
}

function event_name(n) {
    return kind_name(event.kind[n], event.words[event.first[n]] ?? 0);
}

/* Seconds from the trigger. */
function seconds(ns, digits = 6) {
    const s = (ns + facts.first_ns) / 1e9;
    return (s >= 0 ? "+" : "") + s.toFixed(digits);
}

function duration(ns) {
    if (ns < 1000) return `${Math.round(ns)} ns`;
    if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
    if (ns < 1e9) return `${(ns / 1e6).toPrecision(3)} ms`;
    return `${(ns / 1e9).toPrecision(3)} s`;
}

/*
 * State of the page.
 */

let event, interval;
let order;               /* indices of the listed events, null for all */
let picked = -1;         /* index of the selected event */
let from = 0, to = 1;    /* range of the timeline, ns */
let span = 1;            /* length of the recording, ns */
let trigger = 0;
let lanes = [];
let palette = {};

const LABEL = 128, LANE = 24, HEAD = 22, TICKS = 8;
const NARROWEST = LABEL + 64;
const SWITCH = 100e3;    /* ns: a pCPU switches vCPUs in less */

function lower_bound(list, value, nr = list.length) {
    let lo = 0, hi = nr;
    while (lo < hi) {
        const mid = (lo + hi) >> 1;
        if (list[mid] < value) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

function cpu_lane(cpus, cpu, begin) {
    if (!cpus.has(cpu)) cpus.set(cpu, { cpu, label: `pCPU ${cpu}`, events: [], parts: [], begin });
    return cpus.get(cpu);
}

/* Stretches of a pCPU's lane in which no vCPU, nor idle, is known to run. */
function holes_of(lane) {
    const end = Math.max(0, facts.to_ns - facts.first_ns), holes = [];
    let known = Math.max(0, facts.from_ns - facts.first_ns, lane.begin);
    for (const i of lane.parts) {
        if (interval.start[i] - known > SWITCH) holes.push([known, interval.start[i]]);
        known = Math.max(known, interval.end[i]);
    }
    if (end > known) holes.push([known, end]);
    return holes;
}

/*
 * A lane for each pCPU, then for each vCPU by domain, explain's subject first.
 */
function make_lanes() {
    const cpus = new Map(), vcpus = new Map();
    for (let i = 0; i < event.nr; i++) cpu_lane(cpus, event.cpu[i], event.time[i]).events.push(i);
    for (let i = 0; i < interval.nr; i++) {
        const index = interval.vcpu[i], [domid, vcpu] = facts.vcpus[index];
        if (interval.state[i] === RUNNING) {
            const lane = cpu_lane(cpus, interval.cpu[i], interval.start[i]);
            lane.begin = Math.min(lane.begin, interval.start[i]);
            lane.parts.push(i);
        }
        if (domid === IDLE) continue;
        if (!vcpus.has(index)) vcpus.set(index, { domid, vcpu, label: `d${number_of(domid)}v${vcpu}`, parts: [] });
        vcpus.get(index).parts.push(i);
    }
    const weight = lane => lane.domid === facts.subject ? -1 : lane.domid;
    lanes = [
        ...[...cpus.values()].sort((a, b) => a.cpu - b.cpu),
        ...[...vcpus.values()].sort((a, b) => weight(a) - weight(b) || a.vcpu - b.vcpu),
    ];
    for (const lane of lanes) {
        lane.parts.sort((a, b) => interval.start[a] - interval.start[b]);
        lane.start = Float64Array.from(lane.parts, i => interval.start[i]);
        if (!lane.events) continue;
        lane.time = Float64Array.from(lane.events, i => event.time[i]);
        lane.holes = holes_of(lane);
        lane.hole_start = Float64Array.from(lane.holes, h => h[0]);
    }
}

/* Dom0 and explain's subject always have the same colours. */
const domain_colours = new Map();
function domain_colour(domid) {
    if (!domain_colours.has(domid)) {
        const free = [2, 3, 4, 5, 6, 7];
        domain_colours.set(domid, domid === 0 ? 0 : domid === facts.subject ? 1 : free[domain_colours.size % 6]);
    }
    return palette[`dom-${domain_colours.get(domid)}`];
}

function read_palette() {
    const style = getComputedStyle(document.documentElement);
    const keys = ["paper", "panel", "line", "ink", "dim", "accent", "pick", "wait", "rest", "unknown", "gap"];
    for (let i = 0; i < 8; i++) keys.push(`dom-${i}`, `ev-${i}`);
    for (const key of keys) palette[key] = style.getPropertyValue(`--${key}`).trim();
}

/*
 * The timeline.
 */

const canvas = $("canvas"), pen = canvas.getContext("2d");
let width = 800, height = 200;

const x_of = ns => LABEL + (ns - from) / (to - from) * (width - LABEL);
const ns_of = x => from + (x - LABEL) / (width - LABEL) * (to - from);

function fit_canvas() {
    const box = $("lanes"), all = HEAD + lanes.length * LANE + 4;
    $("lanes-all").style.height = `${all}px`;
    width = Math.max(NARROWEST, box.clientWidth);
    height = Math.min(all, Math.max(160, Math.round(innerHeight * 0.56)));
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
}

/* The smallest round step that leaves room for its label. */
function step_of() {
    const least = (to - from) / (width - LABEL) * 110;
    let step = 10 ** Math.floor(Math.log10(least));
    for (const factor of [1, 2, 5, 10]) if (step * factor >= least) return step * factor;
    return step * 10;
}

function draw_axis() {
    const step = step_of(), digits = Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step))));
    pen.fillStyle = palette.panel;
    pen.fillRect(0, 0, width, HEAD);
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.fillStyle = palette.dim;
    pen.textAlign = "left";
    pen.fillText("s from the trigger", 8, HEAD / 2);
    pen.textAlign = "center";
    for (let t = Math.ceil((from + facts.first_ns) / step) * step - facts.first_ns; t <= to; t += step) {
        const x = x_of(t);
        pen.fillRect(Math.round(x), HEAD - 4, 1, 4);
        if (x > LABEL + 30 && x < width - 30) pen.fillText(seconds(t, digits), x, HEAD / 2);
    }
}

/*
 * Parts narrower than a pixel are added up.  A pixel gets each of their colours
 * with an opacity by its share, the tallest on top.
 */
function draw_parts(lane, y, colour_of, height_of) {
    const wide = width - LABEL, scale = wide / (to - from);
    const bar = (x, w, h, colour) => {
        pen.fillStyle = colour;
        pen.fillRect(LABEL + x, y + (LANE - 2 - h) / 2, w, h);
    };
    let pixel = -1;
    const shares = new Map();
    const flush = () => {
        for (const [colour, [share, tall]] of [...shares].sort((a, b) => a[1][1] - b[1][1])) {
            pen.globalAlpha = Math.min(1, 0.2 + share);
            bar(pixel, 1, tall, colour);
        }
        pen.globalAlpha = 1;
        shares.clear();
    };
    /* Parts of a lane do not overlap, so earlier ones cannot reach in. */
    let n = Math.max(0, lower_bound(lane.start, from) - 1);
    for (; n < lane.parts.length && lane.start[n] <= to; n++) {
        const i = lane.parts[n], colour = colour_of(i);
        if (!colour) continue;
        const a = Math.max(0, (interval.start[i] - from) * scale), b = Math.min(wide, (interval.end[i] - from) * scale);
        if (b < 0) continue;
        if (b - a >= 1.5) {
            bar(a, Math.max(1, b - a - 0.5), height_of(i), colour);
            continue;
        }
        if (Math.floor(a) !== pixel) {
            flush();
            pixel = Math.floor(a);
        }
        const sum = shares.get(colour);
        if (sum) sum[0] += b - a;
        else shares.set(colour, [b - a, height_of(i)]);
    }
    flush();
}

/* One stroke per pixel, in the colour of the rarest class of its events. */
function draw_ticks(lane, y) {
    const wide = Math.ceil(width - LABEL), scale = (width - LABEL) / (to - from);
    const seen = new Uint8Array(wide + 1);
    const last = lower_bound(lane.time, to);
    for (let n = lower_bound(lane.time, from); n < last; n++) {
        const i = lane.events[n];
        if (!event_shown(i)) continue;
        const x = Math.floor((lane.time[n] - from) * scale);
        const c = class_index[event.kind[i]] + 1;
        if (!seen[x] || class_rank[c - 1] < class_rank[seen[x] - 1]) seen[x] = c;
    }
    for (let x = 0; x <= wide; x++) {
        if (!seen[x]) continue;
        const name = classes[seen[x] - 1];
        pen.fillStyle = palette[`ev-${class_colour[seen[x] - 1]}`];
        if (name === "marks" || name === "lost") pen.fillRect(LABEL + x, y, 2, LANE - 2);
        else pen.fillRect(LABEL + x, y + LANE - 2 - TICKS, 1, TICKS);
    }
}

/* A rarer class takes precedence, so that it stays visible. */
const class_rank = classes.map(name => facts.kinds.reduce((n, k, i) => n + (class_of[i] === name ? k.nr : 0), 0));
const class_colour = classes.map(name => ({ lost: 0, marks: 0, scheduler: 1, HVM: 2, PV: 3, memory: 4, hardware: 5, domains: 6 })[name] ?? 7);

function event_shown(i) {
    return class_shown[class_index[event.kind[i]]];
}

function hatch(x, y, w, h, colour) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, w, h);
    pen.clip();
    pen.strokeStyle = colour;
    pen.globalAlpha = 0.45;
    pen.beginPath();
    for (let d = x - h - (x - h) % 6; d < x + w; d += 6) {
        pen.moveTo(d, y + h);
        pen.lineTo(d + h, y);
    }
    pen.stroke();
    pen.restore();
}

/* At most one bar per pixel. */
function draw_holes(lane, y) {
    let last = -1;
    for (let n = Math.max(0, lower_bound(lane.hole_start, from) - 1); n < lane.holes.length && lane.hole_start[n] <= to; n++) {
        const a = Math.max(LABEL, x_of(lane.holes[n][0])), b = Math.min(width, x_of(lane.holes[n][1]));
        if (b < LABEL || b <= last) continue;
        last = Math.max(b, a + 1);
        pen.fillStyle = palette.unknown;
        pen.fillRect(a, y + (LANE - 2 - TICKS - 6) / 2, last - a, 6);
    }
}

function draw_cpu(lane, y) {
    const begin = Math.min(width, x_of(lane.begin)), idle = i => facts.vcpus[interval.vcpu[i]][0] === IDLE;
    if (begin > LABEL) hatch(LABEL, y, begin - LABEL, LANE - 2, palette.rest);
    draw_holes(lane, y);
    draw_parts(lane, y - TICKS / 2, i => idle(i) ? palette.rest : domain_colour(facts.vcpus[interval.vcpu[i]][0]),
               i => idle(i) ? 2 : LANE - 4 - TICKS);
    draw_ticks(lane, y);
}

function draw_vcpu(lane, y) {
    draw_parts(lane, y, i => {
        const state = interval.state[i];
        return state === RUNNING ? domain_colour(lane.domid) : state === RUNNABLE ? palette.wait
               : state === UNKNOWN ? palette.unknown : palette.rest;
    }, i => {
        const state = interval.state[i];
        return state === RUNNING ? LANE - 8 : state === RUNNABLE ? LANE - 14 : state === UNKNOWN ? 6 : 2;
    });
}

function draw_label(lane, y) {
    pen.fillStyle = palette.panel;
    pen.fillRect(0, y - 1, LABEL - 1, LANE);
    pen.fillStyle = lane.events ? palette.ink : domain_colour(lane.domid);
    pen.font = lane.domid !== undefined && lane.domid === facts.subject ? "bold 12px system-ui, sans-serif" : "12px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    const name = lane.domid !== undefined && domain_names.get(lane.domid);
    pen.save();
    pen.beginPath();
    pen.rect(0, y, LABEL - 8, LANE);
    pen.clip();
    pen.fillText(name ? `${lane.label} ${name}` : lane.label, 8, y + LANE / 2 - 1);
    pen.restore();
}

function line_at(ns, colour, dash) {
    const x = Math.round(x_of(ns)) + 0.5;
    if (x < LABEL || x > width) return;
    pen.strokeStyle = colour;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(x, HEAD - 6);
    pen.lineTo(x, height);
    pen.stroke();
    pen.setLineDash([]);
}

function draw() {
    const top = $("lanes").scrollTop;
    pen.fillStyle = palette.paper;
    pen.fillRect(0, 0, width, height);
    lanes.forEach((lane, n) => {
        const y = HEAD + n * LANE - top;
        if (y < HEAD - LANE || y > height) return;
        pen.fillStyle = palette.line;
        pen.fillRect(0, y + LANE - 1, width, lanes[n + 1] && !lane.events !== !lanes[n + 1].events ? 2 : 0.5);
        if (lane.events) draw_cpu(lane, y);
        else draw_vcpu(lane, y);
        draw_label(lane, y);
    });
    draw_axis();
    line_at(trigger, palette.accent, [4, 3]);
    if (picked >= 0) line_at(event.time[picked], palette.pick, []);
    $("range").textContent = `${seconds(from)} s to ${seconds(to)} s, ${duration(to - from)}`;
}

let pending = false;
function redraw() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
        pending = false;
        draw();
    });
}

function show_range(a, b) {
    const least = 100, room = span * 0.02 + 100;
    let w = Math.max(least, Math.min(b - a, span + 2 * room));
    let start = (a + b) / 2 - w / 2;
    start = Math.max(-room, Math.min(start, span + room - w));
    from = start;
    to = start + w;
    redraw();
}

/* Zoom around the selected event if it is in view, else around the middle. */
function zoom(factor, at) {
    const pick = picked >= 0 ? event.time[picked] : -1;
    at ??= pick >= from && pick <= to ? pick : (from + to) / 2;
    const w = (to - from) * factor, part = (at - from) / (to - from);
    show_range(at - w * part, at - w * part + w);
}

function pan(part) {
    const d = (to - from) * part;
    show_range(from + d, to + d);
}

function fit() {
    show_range(-span * 0.01, span * 1.01);
}

function centre(ns) {
    if (ns >= from && ns <= to) return redraw();
    const w = to - from;
    show_range(ns - w / 2, ns + w / 2);
}

/* Return the event of a lane nearest to a point, or -1. */
function event_at(x, y) {
    const lane = lanes[Math.floor((y - HEAD + $("lanes").scrollTop) / LANE)];
    const ns = ns_of(x), reach = (to - from) / (width - LABEL) * 8;
    if (!lane || x < LABEL || y < HEAD) return -1;
    let best = -1, distance = reach;
    const n = lower_bound(event.time, ns - reach, event.nr);
    for (let i = n; i < event.nr && event.time[i] <= ns + reach; i++) {
        if (!event_shown(i) || (lane.events ? event.cpu[i] !== lane.cpu : !of_vcpu(i, lane))) continue;
        const d = Math.abs(event.time[i] - ns);
        if (d < distance) {
            distance = d;
            best = i;
        }
    }
    return best;
}

function of_vcpu(i, lane) {
    const index = event.vcpu[i];
    if (index === NO_VCPU) return false;
    const [domid, vcpu] = facts.vcpus[index];
    return domid === lane.domid && vcpu === lane.vcpu;
}

/* Describe the interval of a lane at a point. */
function part_at(x, y) {
    const lane = lanes[Math.floor((y - HEAD + $("lanes").scrollTop) / LANE)];
    if (!lane || x < LABEL || y < HEAD) return null;
    const ns = ns_of(x), n = lower_bound(lane.start, ns) - 1;
    const i = lane.parts[n];
    if (i === undefined || interval.end[i] < ns) return `${lane.label}: not known`;
    const state = ["running", "waiting to run", "blocked", "paused", "in an unknown state"][interval.state[i]];
    const [domid] = facts.vcpus[interval.vcpu[i]];
    return `${lane.label}: ${lane.events ? `${vcpu_label(interval.vcpu[i])} ${domain_names.get(domid) ?? ""} ` : ""}${state} for ` +
           `${duration(interval.end[i] - interval.start[i])}, from ${seconds(interval.start[i])} s` +
           (lane.events ? "" : ` (pCPU ${interval.cpu[i]})`);
}

function show_tip(e, x, y) {
    const tip = $("tip"), i = event_at(x, y), part = part_at(x, y);
    tip.hidden = !part;
    if (!part) return;
    tip.textContent = i < 0 ? part : `${part}\n${seconds(event.time[i], 9)} ${vcpu_label(event.vcpu[i])} ${event_name(i)} ${event_text(i)}`;
    tip.style.left = `${Math.min(e.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(e.clientY + 16, innerHeight - tip.offsetHeight - 8)}px`;
}

let drag = null;
function pointer(e) {
    const box = canvas.getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
}

canvas.addEventListener("pointerdown", e => {
    const [x, y] = pointer(e);
    drag = { x, y, from, to, moved: false, select: e.shiftKey };
    canvas.setPointerCapture(e.pointerId);
    $("lanes").focus({ preventScroll: true });
});
canvas.addEventListener("pointermove", e => {
    const [x, y] = pointer(e);
    if (!drag) return show_tip(e, x, y);
    $("tip").hidden = true;
    if (Math.abs(x - drag.x) > 3) drag.moved = true;
    if (!drag.moved) return;
    if (drag.select) {
        draw();
        pen.globalAlpha = 0.2;
        pen.fillStyle = palette.accent;
        pen.fillRect(Math.min(x, drag.x), HEAD, Math.abs(x - drag.x), height);
        pen.globalAlpha = 1;
        return;
    }
    const d = (drag.x - x) / (width - LABEL) * (drag.to - drag.from);
    show_range(drag.from + d, drag.to + d);
});
canvas.addEventListener("pointerup", e => {
    const [x, y] = pointer(e), was = drag;
    drag = null;
    if (!was) return;
    if (was.moved && was.select) return show_range(ns_of(Math.min(x, was.x)), ns_of(Math.max(x, was.x)));
    if (!was.moved) pick(event_at(x, y), false);
});
canvas.addEventListener("pointerleave", () => { $("tip").hidden = true; });
canvas.addEventListener("wheel", e => {
    if (e.altKey) return;
    e.preventDefault();
    if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) return pan((e.deltaX || e.deltaY) / 1000);
    zoom(Math.exp(e.deltaY * 0.002), ns_of(pointer(e)[0]));
}, { passive: false });

/*
 * The list of events.
 */

const ROW = 20, TALLEST = 8e6;
const list = $("list");
const listed = n => order ? order[n] : n;
const listed_nr = () => order ? order.length : event.nr;

/* Browsers limit the height of a box: beyond it a pixel is several rows. */
const rows_tall = () => Math.min(TALLEST, listed_nr() * ROW);
const rows_shown = () => Math.ceil(list.clientHeight / ROW) + 1;

function first_row() {
    const nr = listed_nr(), room = rows_tall() - list.clientHeight;
    if (nr * ROW <= TALLEST) return Math.floor(list.scrollTop / ROW);
    return Math.round(list.scrollTop / room * (nr - rows_shown() + 1));
}

function draw_list() {
    const nr = listed_nr(), top = Math.max(0, Math.min(first_row(), nr)), rows = [];
    for (let n = top; n < Math.min(nr, top + rows_shown()); n++) {
        const i = listed(n), lost = event.kind[i] === GAP;
        const text = element("span", lost ? { class: "loss" } : {}, `${event_name(i)} ${event_text(i)}`);
        const row = element("div", { class: "row", role: "option", "aria-selected": String(i === picked), "data-event": i },
                            element("span", {}, seconds(event.time[i])), element("span", {}, String(event.cpu[i])),
                            element("span", {}, lost ? "" : vcpu_label(event.vcpu[i])), text);
        if (event.vcpu[i] !== NO_VCPU && i !== picked && !lost)
            row.children[2].style.color = facts.vcpus[event.vcpu[i]][0] === IDLE ? palette.dim : domain_colour(facts.vcpus[event.vcpu[i]][0]);
        rows.push(row);
    }
    const exact = nr * ROW <= TALLEST;
    $("rows").style.top = `${exact ? top * ROW : Math.min(list.scrollTop, rows_tall() - rows.length * ROW)}px`;
    $("rows").replaceChildren(...rows);
    $("list-all").style.height = `${rows_tall()}px`;
}

function row_of(i) {
    return order ? lower_bound(order, i) : i;
}

function scroll_to(i) {
    const n = row_of(i), nr = listed_nr(), shown = rows_shown();
    const top = first_row();
    $("list-all").style.height = `${rows_tall()}px`;
    if (n >= top && n < top + shown - 2) return;
    const want = Math.max(0, n - (shown >> 1));
    list.scrollTop = nr * ROW <= TALLEST ? want * ROW : want / (nr - shown + 1) * (rows_tall() - list.clientHeight);
}

function pick(i, from_list) {
    picked = i;
    $("picked").textContent = i < 0 ? "" : `${seconds(event.time[i], 9)} s  pCPU ${event.cpu[i]}  ` +
        `${vcpu_label(event.vcpu[i])}  ${event_name(i)} ${event_text(i)}`;
    if (i >= 0) {
        if (!from_list) scroll_to(i);
        centre(event.time[i]);
    }
    draw_list();
    redraw();
}

function pick_next(d) {
    const nr = listed_nr();
    if (!nr) return;
    const n = picked < 0 ? row_of(lower_bound(event.time, from, event.nr)) : row_of(picked) + d;
    pick(listed(Math.max(0, Math.min(nr - 1, n))), false);
}

/*
 * Each word must be part of an event's name or domain, or be its vCPU or pCPU.
 */
function apply_filter() {
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(w => w);
    if (!words.length && class_shown.every(s => s)) {
        order = null;
    } else {
        const kinds = words.map(w => facts.kinds.map((k, i) => kind_name(i, 0).toLowerCase().includes(w)));
        const vcpus = words.map(w => facts.vcpus.map(([d, v], i) =>
            vcpu_label(i) === w || `d${number_of(d)}` === w || (domain_names.get(d) ?? "").toLowerCase().includes(w)));
        const cpus = words.map(w => /^cpu\d+$/.test(w) ? Number(w.slice(3)) : -1);
        const found = new Uint32Array(event.nr);
        let nr = 0;
        for (let i = 0; i < event.nr; i++) {
            if (!event_shown(i)) continue;
            let all = true;
            for (let w = 0; w < words.length && all; w++)
                all = kinds[w][event.kind[i]] || (event.vcpu[i] !== NO_VCPU && vcpus[w][event.vcpu[i]]) || cpus[w] === event.cpu[i];
            if (all) found[nr++] = i;
        }
        order = found.subarray(0, nr);
    }
    $("shown").textContent = `${listed_nr().toLocaleString("en")} of ${event.nr.toLocaleString("en")}`;
    list.scrollTop = 0;
    if (picked >= 0) scroll_to(picked);
    draw_list();
}

list.addEventListener("scroll", draw_list);
list.addEventListener("click", e => {
    const row = e.target.closest("[data-event]");
    if (row) pick(Number(row.dataset.event), true);
});
list.addEventListener("keydown", e => {
    const d = { ArrowDown: 1, ArrowUp: -1, PageDown: rows_shown() - 2, PageUp: 2 - rows_shown() }[e.key];
    if (!d) return;
    e.preventDefault();
    e.stopPropagation();
    pick_next(d);
});
let typing;
$("filter").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(apply_filter, 120);
});

/*
 * Tables.
 */

function table(caption, heads, rows) {
    return element("table", {}, element("caption", {}, caption),
                   element("thead", {}, element("tr", {}, ...heads.map(h => element("th", { scope: "col" }, h)))),
                   element("tbody", {}, ...rows.map(r => element("tr", {}, ...r.map(c => element("td", {}, c))))));
}

const count = n => n.toLocaleString("en");
const stretch = Math.max(1, facts.to_ns - facts.from_ns);
const percent = ns => `${(100 * ns / stretch).toFixed(1)} %`;
const rate = n => count(Math.round(n / stretch * 1e9));

function histogram(times) {
    const low = Math.min(...times.octaves.map(o => o[0])), high = Math.max(...times.octaves.map(o => o[0]));
    const most = Math.max(...times.octaves.map(o => o[1])), by = new Map(times.octaves);
    const bars = [];
    for (let k = low; k <= high && times.octaves.length; k++) {
        const n = by.get(k) ?? 0;
        const bar = element("i", { title: `${duration(k ? 2 ** k : 0)} to ${duration(2 ** (k + 1))}: ${n}` });
        bar.style.height = `${n ? 2 + 22 * Math.log1p(n) / Math.log1p(most) : 0}px`;
        bars.push(bar);
    }
    return element("span", { class: "histogram", role: "img",
                             "aria-label": times.octaves.map(([k, n]) => `from ${duration(2 ** k)}: ${n}`).join(", ") }, ...bars);
}

const waits = t => t.nr ? [duration(t.p50), duration(t.p99), duration(t.max), histogram(t)] : ["", "", "", ""];

function share(d) {
    const part = (ns, colour, state) => {
        const i = element("i", { title: `${state} ${percent(ns)} of a pCPU` });
        i.style.width = `${100 * ns / Math.max(1, d.running + d.runnable + d.blocked + d.offline + d.unknown)}%`;
        i.style.background = colour;
        return i;
    };
    return element("span", { class: "share" }, part(d.running, "var(--dom-0)", "running"), part(d.runnable, d.domid === IDLE ? "var(--rest)" : "var(--wait)", "waiting"),
                   part(d.blocked, "var(--rest)", "blocked"), part(d.offline, "var(--line)", "paused"), part(d.unknown, "var(--unknown)", "unknown"));
}

function domains_table() {
    return table(`Over the ${duration(stretch)} recorded of all pCPUs; percent of one pCPU`,
                 ["domain", "", "running", "waiting", "blocked", "paused", "unknown", "entries/s", "hypercalls/s", "I/O/s"],
                 facts.domains.map(d => [`${domain_label(d.domid)}, ${d.vcpus} vCPU${d.vcpus === 1 ? "" : "s"}`, share(d), percent(d.running),
                     d.domid === IDLE ? "" : percent(d.runnable), percent(d.blocked),
                     percent(d.offline), percent(d.unknown), rate(d.entries), rate(d.hypercalls), rate(d.io)]));
}

function waits_table() {
    return table("Time from a wake-up until the vCPU ran; bars are powers of two",
                 ["domain", "wake-ups", "median", "99 %", "longest", ""],
                 facts.domains.filter(d => d.waits.nr).map(d => [domain_label(d.domid), count(d.waits.nr), ...waits(d.waits)]));
}

function exits_table() {
    const rows = facts.exits.slice().sort((a, b) => b.nr - a.nr);
    return table("Exits of HVM and PVH guests, and the time until VM entry of vCPUs that kept their pCPU" +
                 (facts.exits_left_out ? `; ${count(facts.exits_left_out)} exits with other reasons are left out` : ""),
                 ["domain", "reason", "exits", "median", "99 %", "longest", ""],
                 rows.map(e => [domain_label(e.domid), e.name ?? String(e.reason), count(e.nr), ...waits(e.times)]));
}

function hypercalls_table() {
    const rows = [];
    for (const d of facts.domains)
        for (const [op, n] of d.ops) rows.push([d.domid, op, n]);
    rows.sort((a, b) => b[2] - a[2]);
    return table("Hypercalls", ["domain", "hypercall", "count", "per second"],
                 rows.map(([domid, op, n]) => [domain_label(domid), names.hypercall?.get(BigInt(op)) ?? String(op), count(n), rate(n)]));
}

function kinds_table() {
    const rows = facts.kinds.map((k, i) => [kind_name(i, 0), k.nr]).filter(r => r[1]).sort((a, b) => b[1] - a[1]);
    return table("All records of the file by kind", ["event", "records"], rows.map(([name, n]) => [name, count(n)]));
}

function losses_table() {
    const rows = objects_of(meta.streams).map(s => [`pCPU ${text_of(s.cpu)} ${text_of(s.channel)}`,
        ...["emitted", "held", "overwritten"].map(k => count(count_of(s[k]))),
        count(Object.values(object_of(s.lost)).reduce((a, b) => a + count_of(b), 0)), s.balanced === true ? "yes" : "no"]);
    return table("Records of each ring: emitted, held in this file, and missing", ["stream", "emitted", "held", "overwritten", "lost", "balanced"], rows);
}

function facts_table() {
    const rows = [], add = (key, value) => value !== undefined && value !== null && value !== "" && rows.push([key, String(value)]);
    const walk = (key, value) => {
        if (is_object(value))
            for (const [k, v] of Object.entries(value)) walk(key ? `${key} ${k}` : k, v);
        else if (!Array.isArray(value)) add(key.replaceAll("_", " "), value);
    };
    for (const key of ["trigger", "host", "xen", "clock", "history"]) walk(key, meta[key]);
    walk("", facts.note);
    return table("Metadata of the file", ["item", "value"], rows);
}

const tabs = [
    ["Domains", domains_table], ["Waits", waits_table], ["Exits", exits_table], ["Hypercalls", hypercalls_table],
    ["Kinds", kinds_table], ["Losses", losses_table], ["File", facts_table],
];

function show_tab(n, focus) {
    [...$("tabs").children].forEach((b, i) => {
        b.setAttribute("aria-selected", String(i === n));
        b.tabIndex = i === n ? 0 : -1;
        if (i === n && focus) b.focus();
    });
    const made = tabs[n][1]();
    $("panel").replaceChildren(made.querySelector("tbody").childElementCount ? made : element("p", { class: "hint" }, "The recording has no such records."));
    $("panel").querySelectorAll("td").forEach(td => {
        if (td.previousElementSibling && td.parentNode.children.length === 2 && n === tabs.length - 1) td.className = "text";
    });
    $("panel").scrollTop = 0;
}

function make_tabs() {
    tabs.forEach(([name], n) => {
        const b = element("button", { type: "button", role: "tab" }, name);
        b.addEventListener("click", () => show_tab(n, false));
        b.addEventListener("keydown", e => {
            const d = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
            if (d) show_tab((n + d + tabs.length) % tabs.length, true);
        });
        $("tabs").append(b);
    });
    show_tab(0, false);
}

/*
 * Head, legend, themes, keys.
 */

/* Make the times cited in a line of explain buttons that show them. */
function explain_line(text) {
    const item = element("li", text.startsWith("  ") ? { class: "detail" } : {});
    let rest = 0;
    for (const match of text.matchAll(/[-+]\d+\.\d{3,9}/g)) {
        const b = element("button", { type: "button", class: "cite", title: "Show this moment" }, match[0]);
        const ns = Number(match[0]) * 1e9 - facts.first_ns;
        b.addEventListener("click", () => {
            const w = Math.min(to - from, span / 50);
            show_range(ns - w / 2, ns + w / 2);
            pick(Math.min(event.nr - 1, lower_bound(event.time, ns - 500, event.nr)), false);
        });
        item.append(text.slice(rest, match.index), b);
        rest = match.index + match[0].length;
    }
    item.append(text.slice(rest));
    return item;
}

function make_head() {
    const t = object_of(meta.trigger), name = text_of(t.name), version = text_of(object_of(meta.xen).version);
    const of = Number.isInteger(t.domid) ? ` of d${t.domid}${name ? ` ${name}` : ""}` : "";
    const title = `${text_of(t.cause) || "snapshot"}${of}`;
    document.title = `${title} - Xen trace snapshot`;
    $("title").textContent = title;
    const events = `${count(event.nr)} events over ${duration(span)}`;
    $("subtitle").textContent = [text_of(object_of(meta.host).name), version && `Xen ${version}`, events].filter(x => x).join(" · ");
    $("explain").replaceChildren(...facts.explain.map(explain_line));
}

function make_legend() {
    classes.forEach((name, c) => {
        const swatch = element("span", { class: "swatch" });
        swatch.style.background = `var(--ev-${class_colour[c]})`;
        const b = element("button", { type: "button", "aria-pressed": "true", title: `Show or hide ${name}` }, swatch, name);
        b.addEventListener("click", () => {
            class_shown[c] = !class_shown[c];
            b.setAttribute("aria-pressed", String(class_shown[c]));
            apply_filter();
            redraw();
        });
        $("legend").append(b);
    });
    const key = (colour, text, style = "") => {
        const swatch = element("span", { class: `swatch ${style}` });
        swatch.style.background = `var(--${colour})`;
        $("key").append(element("span", {}, swatch, text));
    };
    const domains = [...domain_colours], most = 8;
    for (const [domid, n] of domains.slice(0, most)) key(`dom-${n}`, `${domain_label(domid)} running`);
    if (domains.length > most) key("dim", `${domains.length - most} more domains`);
    key("wait", "waiting to run");
    key("rest", "idle or blocked");
    key("rest", "before the oldest record", "hatched");
    key("unknown", "unknown: records are missing");
}

function set_theme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    read_palette();
    redraw();
    if (event) draw_list();
}

function toggle_theme() {
    set_theme(document.documentElement.dataset.theme !== "dark");
}

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => set_theme(dark.matches));
$("theme").addEventListener("click", toggle_theme);
$("zoom-in").addEventListener("click", () => zoom(0.5));
$("zoom-out").addEventListener("click", () => zoom(2));
$("fit").addEventListener("click", fit);
$("to-trigger").addEventListener("click", to_trigger);

function to_trigger() {
    const w = Math.min(to - from, span / 20);
    show_range(trigger - w * 0.7, trigger + w * 0.3);
}

const keys = {
    ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2),
    "0": fit, t: to_trigger, n: () => pick_next(1), p: () => pick_next(-1), d: toggle_theme,
    Home: () => show_range(0, to - from), End: () => show_range(span - (to - from), span),
};
document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, [role=tab]")) return;
    if (!keys[e.key] || (e.target !== $("lanes") && e.key.length > 1)) return;
    e.preventDefault();
    keys[e.key]();
});

$("lanes").addEventListener("scroll", redraw);
addEventListener("resize", () => {
    fit_canvas();
    redraw();
    draw_list();
});

function start() {
    ({ event, interval } = columns());
    $("columns").remove();
    trigger = -facts.first_ns;
    span = Math.max(1, event.nr ? event.time[event.nr - 1] : 0, interval.nr ? interval.end[interval.nr - 1] : 0);
    make_lanes();
    set_theme(dark.matches);
    for (const lane of lanes) if (!lane.events) domain_colour(lane.domid);
    make_head();
    make_legend();
    make_tabs();
    fit_canvas();
    /* Show the part with all pCPUs; rare events reach much further back. */
    const dense = Math.min(span * 0.999, Math.max(0, facts.from_ns - facts.first_ns));
    from = dense - (span - dense) * 0.02;
    to = span + (span - dense) * 0.02;
    apply_filter();
    scroll_to(Math.min(event.nr - 1, lower_bound(event.time, trigger, event.nr)));
    draw_list();
    draw();
    performance.mark("first-picture");
}

start();
})();
