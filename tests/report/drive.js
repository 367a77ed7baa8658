/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * drive.js: uses the keys, buttons and rows of the report's page, and writes the
 * results into the document, for report.sh to judge.
 */
"use strict";

(async () => {
const $ = id => document.getElementById(id);
const out = [], check = (name, good, why) => out.push(`${good ? "ok" : "not ok"} ${name}${good ? "" : `: ${why}`}`);
const frame = () => new Promise(done => setTimeout(done, 40));
const key = async (where, k) => {
    where.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true, cancelable: true }));
    await frame();
};
const range = () => $("range").textContent.match(/[-+][\d.]+/g).map(Number);
const wide = () => { const [a, b] = range(); return b - a; };
const near = (a, b) => Math.abs(a - b) <= 0.02 * Math.abs(b) + 2e-6;

/* Number of colours drawn right of the labels. */
function colours() {
    const c = $("canvas"), ratio = devicePixelRatio, pen = c.getContext("2d");
    const data = new Uint32Array(pen.getImageData(130 * ratio, 24 * ratio, c.width - 130 * ratio, c.height - 24 * ratio).data.buffer);
    return new Set(data).size;
}

/* The colours drawn in a lane, right of the labels, as "r,g,b". */
function lane_colours(n) {
    const c = $("canvas"), ratio = devicePixelRatio, found = new Set();
    const { data } = c.getContext("2d").getImageData(130 * ratio, (22 + n * 24) * ratio, c.width - 130 * ratio, 22 * ratio);
    for (let i = 0; i < data.length; i += 4) found.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    return found;
}

/* A colour of the page's style, "#rrggbb", as lane_colours() has it. */
function style_colour(name) {
    const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)).join(",");
}

/* Lanes on the canvas. */
function lane_count() {
    return Math.floor((Math.min(parseFloat($("lanes-all").style.height), parseFloat($("canvas").style.height)) - 26) / 24);
}

/* Nothing but runs, waits and unknown stretches has these colours. */
function check_lanes() {
    const facts = JSON.parse($("facts").textContent), lanes = [...Array(lane_count()).keys()].map(lane_colours);
    const empty = lanes.findIndex(found => found.size < 2);
    check("every lane is drawn", lanes.length > 2 && empty < 0, `${lanes.length} lanes, ${empty} is empty`);
    const cpus = new Set(facts.meta.cpus?.map?.(c => c.cpu)).size || 2;
    const unknown = lanes.slice(0, cpus).some(found => found.has(style_colour("unknown")));
    check("pCPUs are unknown where records are missing", unknown === facts.kinds[0].nr > 0, `${unknown}, ${facts.kinds[0].nr} gaps`);
    const waits = lanes.slice(cpus).some(found => found.has(style_colour("wait")));
    const waited = facts.domains.some(d => d.domid !== 32767 && d.runnable);
    check("vCPUs wait if their account has waits", waits === waited, `${waits}, ${waited}`);
}

/* All rows of the list, by scrolling through it. */
async function rows() {
    const list = $("list"), found = new Map();
    for (let top = 0; ; top += list.clientHeight - 40) {
        list.scrollTop = top;
        list.dispatchEvent(new Event("scroll"));
        for (const r of document.querySelectorAll("#rows .row"))
            found.set(Number(r.dataset.event), [...r.children].map(c => c.textContent).join("\t"));
        if (top + list.clientHeight >= list.scrollHeight) break;
    }
    return [...found].sort((a, b) => a[0] - b[0]).map(r => r[1]);
}

async function drive() {
    const lanes = $("lanes");
    await frame();
    check("something is drawn", colours() > 3, `${colours()} colours`);

    const whole = wide();
    await key(lanes, "+");
    check("+ shows half", near(wide(), whole / 2), `${wide()} of ${whole}`);
    await key(lanes, "-");
    check("- undoes it", near(wide(), whole), `${wide()} of ${whole}`);
    const [left] = range();
    await key(lanes, "+");
    await key(lanes, "ArrowRight");
    check("the arrow moves", range()[0] > left, `${range()[0]} after ${left}`);
    canvas_wheel(-500);
    await frame();
    check("the wheel zooms in", wide() < whole / 2.2, `${wide()} of ${whole}`);
    await key(lanes, "0");
    check("0 shows all", wide() >= whole * 0.98, `${wide()} of ${whole}`);
    check_lanes();

    document.body.style.width = "60px";
    dispatchEvent(new Event("resize"));
    await frame();
    check("a narrow page is drawn", $("failure").hidden && colours() > 1, $("failure").textContent);
    document.body.style.width = "";
    dispatchEvent(new Event("resize"));
    await frame();
    await key(lanes, "t");
    check("t shows the trigger", range()[0] < 0 && range()[1] > 0, range().join(" "));

    const row = document.querySelector("#rows .row:nth-child(3)"), picked = Number(row.dataset.event);
    row.click();
    await frame();
    check("a click picks a row", document.querySelector("#rows [aria-selected=true]")?.dataset.event === String(picked), "no row is selected");
    const at = parseFloat($("picked").textContent);
    check("and the timeline shows it", range()[0] <= at && at <= range()[1], `${at} in ${range().join(" ")}`);
    await key(lanes, "n");
    check("n picks the next", document.querySelector("#rows [aria-selected=true]")?.dataset.event === String(picked + 1), "it does not");

    const before = getComputedStyle(document.documentElement).backgroundColor;
    $("theme").click();
    await frame();
    check("the other theme", getComputedStyle(document.documentElement).backgroundColor !== before, before);
    $("theme").click();

    const names = [...document.querySelectorAll("#legend button")];
    names[0].click();
    check("a kind can be hidden", /^([\d,]+) of ([\d,]+)$/.exec($("shown").textContent).slice(1).reduce((a, b) => a !== b), $("shown").textContent);
    names[0].click();

    for (const tab of document.querySelectorAll("#tabs button")) {
        tab.click();
        check(`table ${tab.textContent}`, $("panel").querySelector("td, p") && tab.getAttribute("aria-selected") === "true", "is empty");
    }
    check("no failure is shown", $("failure").hidden, $("failure").textContent);
}

function canvas_wheel(delta) {
    const box = $("canvas").getBoundingClientRect();
    $("canvas").dispatchEvent(new WheelEvent("wheel", { deltaY: delta, clientX: box.left + 600, clientY: box.top + 60, bubbles: true, cancelable: true }));
}

let list = [];
try {
    await drive();
    list = await rows();
    document.querySelector("#tabs button").click();
    const table = [...document.querySelectorAll("#panel tbody tr")].map(r => [...r.children].map(c => c.textContent).join("\t"));
    out.push(...table.map(r => `table ${r}`));
} catch (error) {
    check("the page can be used", false, error.stack);
}
const result = document.createElement("script");
result.type = "text/plain";
result.id = "result";
result.textContent = btoa(unescape(encodeURIComponent([...out, ...list.map(r => `row ${r}`), "end"].join("\n"))));
document.body.append(result);
})();
