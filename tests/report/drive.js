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
