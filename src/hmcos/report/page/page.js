"use strict";
(async () => {
// Names come from a file that nobody vouches for: they only ever become text nodes, never markup.
const packed = Uint8Array.from(atob(document.getElementById("data").textContent), c => c.charCodeAt(0));
const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
const data = JSON.parse(await new Response(unpacked).text());
const byId = id => document.getElementById(id);
const steps = data.order.length;
const DARK = matchMedia("(prefers-color-scheme: dark)");
const SHADES = { false: ["#dfebf6", "#bdd7ed", "#92bfe1", "#629fcf", "#3779b4", "#174f88"],
  true: ["#1d3043", "#254565", "#2d5c8b", "#3d7ab3", "#62a1d8", "#a0cdf5"] };
const UNITS = [[1024 ** 3, "GiB"], [1024 ** 2, "MiB"], [1024, "KiB"], [1, "bytes"]];

const whole = n => n.toLocaleString("en-US");
const unitOf = most => UNITS.find(([size]) => most >= size) || UNITS[3];
const percent = part => `${(100 * part).toFixed(1)} %`;
function short(bytes) {
  const [size, name] = unitOf(bytes);
  return size === 1 ? `${bytes} B` : `${(bytes / size).toFixed(2)} ${name}`;
}
const human = bytes => bytes < 1024 ? `${bytes} B` : `${whole(bytes)} B = ${short(bytes)}`;

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}
const LONGEST = 90;
function named(text) {
  const made = element("span", "name", text.length > LONGEST ? `${text.slice(0, LONGEST / 2)}…${text.slice(1 - LONGEST / 2)}` : text);
  if (text.length > LONGEST) made.title = text;
  return made;
}
/* What an operator is called, once: as report/names.py says it. */
function operatorWords(op) {
  const name = data.operators.name[op], kind = data.operators.kind[op], number = data.operators.number[op];
  if (!name || name === kind) return `${kind || "operator"} ${number}`;
  if (kind && name.startsWith(kind) && !/^[\p{L}\p{N}]/u.test(name.slice(kind.length))) return name;
  return `${kind || "operator"} '${name}'`;
}

// One object per thing that takes memory.
const lives = data.lives.name.map((name, i) => ({
  index: i, name, type: data.lives.type[i], size: data.lives.size[i], birth: data.lives.birth[i],
  death: data.lives.death[i], offset: data.lives.offset ? data.lives.offset[i] : null,
  block: data.lives.memory ? data.lives.memory[i] : 0,
  made: data.lives.maker[i] < 0 ? "the caller" : operatorWords(data.lives.maker[i]),
  last: data.lives.last[i] === -1 ? "the caller" : data.lives.last[i] === -2 ? "nobody" : operatorWords(data.lives.last[i]),
  atPeak: false,
}));
for (const i of data.live) lives[i].atPeak = true;
// The arena is one block; several memories are one each.
const blocks = data.arena ? [data.arena] : data.lives.memory ? data.memories.blocks : [];
const peakStep = Math.max(0, data.peak_step);
const liveAt = step => lives.filter(l => l.birth <= step && step < l.death).sort((a, b) => b.size - a.size);

/* ---------- verdict ---------- */
function figure(label, value, note, main) {
  const made = element("li", main ? "main" : "", element("span", "label", label), element("strong", "", value), element("small", "", note));
  byId("figures").append(made);
}
function tellFigures() {
  const less = data.given_peak ? (data.given_peak - data.peak) / data.given_peak : 0;
  figure("Peak", short(data.peak), `${whole(data.peak)} B`, true);
  figure("Least possible", short(data.lower_bound), data.peak === data.lower_bound ? "proved: it is reached" : `proved bound; status: ${data.status}`);
  if (data.arena) figure("Arena", short(data.arena.size), data.arena.size === data.peak ? "equals the peak" : `${whole(data.arena.size)} B; status: ${data.arena.status}`);
  if (data.lives.memory) for (const block of blocks) figure(block.name, short(block.size), `${short(block.traffic)} read and written`);
  figure("File order", short(data.given_peak), data.peak < data.given_peak ? `${percent(less)} saved` : "needs no more");
  figure("Reverse post-order", short(data.rpo_peak), `${whole(data.rpo_peak)} B`);
}

/* ---------- charts ---------- */
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const plain = text => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");
const CONFIG = { displaylogo: false, responsive: true,
  modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]] };
const touches = matchMedia("(pointer: coarse)").matches;

function layout(title, most) {
  const narrow = innerWidth < 640;
  const axis = { gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line"), automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: false,
    dragmode: touches ? false : "zoom",
    font: { color: colour("ink"), family: "system-ui, sans-serif", size: narrow ? 11 : 13 },
    margin: { l: narrow ? 44 : 64, r: 12, t: 34, b: 44 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("soft"), activecolor: colour("accent") },
    legend: { orientation: "h", y: narrow ? -0.2 : -0.15, x: 0, yanchor: "top" }, showlegend: true,
    xaxis: { ...axis, title: { text: "step", standoff: 6 }, range: [0, Math.max(1, steps)], showgrid: false },
    yaxis: { ...axis, title: { text: title, standoff: 8 }, range: [0, most * 1.06 || 1] },
  };
}

function drawTime() {
  const most = Math.max(data.given_peak, data.rpo_peak, data.peak), [size, unit] = unitOf(most);
  const at = [0, ...Array.from({ length: steps }, (_, i) => i + 0.5), steps];
  const wide = running => [running[0] ?? 0, ...running, running[steps - 1] ?? 0];
  const curve = (name, running, peak, width, fill) => ({
    type: "scatter", mode: "lines", x: at, y: wide(running).map(b => b / size), line: { shape: "hvh", width, color: colour(name[0]) },
    name: `${plain(name[1])}: ${short(peak)}`, hoverinfo: "skip", ...(fill ? { fill: "tozeroy", fillcolor: colour(name[0]) + "2b" } : {}),
  });
  const level = data.lower_bound / size;
  const traces = [
    curve(["given", "file order"], data.running.given, data.given_peak, 1.1),
    curve(["rpo", "reverse post-order"], data.running.rpo, data.rpo_peak, 1.1),
    curve(["accent", data.called], data.running.result, data.peak, 2, true),
    { type: "scatter", mode: "lines", x: [0, Math.max(1, steps)], y: [level, level], hoverinfo: "skip",
      line: { dash: "dot", width: 1.6, color: colour("ink") }, name: `lower bound: ${short(data.lower_bound)}` },
    { type: "scatter", mode: "markers", x: [peakStep + 0.5], y: [data.peak / size], hoverinfo: "skip", showlegend: false,
      marker: { color: colour("peak"), size: 9 } },
  ];
  return Plotly.react("time-chart", traces, layout(`memory in use (${unit})`, most / size), CONFIG);
}

function outline(chosen, size) {
  const x = [], y = [];
  for (const l of chosen) {
    const low = l.offset / size, high = (l.offset + l.size) / size;
    x.push(l.birth, l.death, l.death, l.birth, l.birth, null);
    y.push(low, low, high, high, low, null);
  }
  return { type: "scatter", mode: "lines", x, y, hoverinfo: "skip" };
}

function drawBlock(k) {
  const block = blocks[k], placed = lives.filter(l => l.offset !== null && l.block === k && l.death > l.birth), largest = Math.max(1, ...data.lives.size);
  const [size, unit] = unitOf(block.size), shades = SHADES[DARK.matches], classes = shades.map(() => []);
  for (const l of placed) classes[Math.min(5, Math.ceil(l.size * 6 / largest) - 1)].push(l);
  const many = placed.length > 3000;
  const traces = classes.flatMap((members, i) => members.length ? [{
    ...outline(members, size), fill: "toself", fillcolor: shades[i], mode: many ? "none" : "lines", line: { width: 0.6, color: colour("edge") },
    name: `up to ${short(Math.max(...members.map(l => l.size)))}`,
  }] : []);
  traces.push({ ...outline(placed.filter(l => l.atPeak), size), line: { width: 1.5, color: colour("peak") }, name: "live at the peak" });
  // A capacity far above all that is used would leave the rectangles flat.
  const line = data.arena ? data.peak : block.capacity, level = line / size, isNear = line !== null && line <= 1.5 * block.size;
  if (data.arena || isNear) traces.push({ type: "scatter", mode: "lines", x: [0, Math.max(1, steps)], y: [level, level], hoverinfo: "skip",
    line: { dash: "dash", width: 1.4, color: colour("peak") }, name: `${data.arena ? "peak" : "capacity"}: ${short(line)}` });
  return Plotly.react(chartOf(k), traces, layout(`address (${unit})`, Math.max(block.size, isNear && !data.arena ? line : 0) / size), CONFIG);
}
const chartOf = k => byId(k ? `arena-chart-${k}` : "arena-chart");
/* One chart per memory, each under its name; the arena has its chart already. */
function addCharts() {
  if (!data.lives.memory) return;
  byId("arena-title").textContent = "The memories";
  const first = byId("arena-chart");
  first.before(element("h3", "", named(blocks[0].name)));
  for (let k = 1, last = first; k < blocks.length; k++) {
    const heading = element("h3", "", named(blocks[k].name)), chart = first.cloneNode(false);
    chart.id = `arena-chart-${k}`;
    last.after(heading, chart);
    last = chart;
  }
}

/* Where a pointer is, in steps and in units of the other axis; null outside of the axes. */
function place(chart, event) {
  const full = chart._fullLayout;
  if (!full || !full.xaxis) return null;
  const box = chart.getBoundingClientRect(), { xaxis, yaxis } = full;
  const px = event.clientX - box.left - xaxis._offset, py = event.clientY - box.top - yaxis._offset;
  if (px < 0 || py < 0 || px > xaxis._length || py > yaxis._length) return null;
  return { x: xaxis.p2d(px), y: yaxis.p2d(py) };
}

function overlay(chart, className) {
  const made = element("div", className);
  made.hidden = true;
  chart.append(made);
  return made;
}

function putCursor(chart, cursor, step) {
  const { xaxis, yaxis } = chart._fullLayout, left = xaxis.d2p(step + 0.5);
  cursor.hidden = left < 0 || left > xaxis._length;
  Object.assign(cursor.style, { left: `${xaxis._offset + left}px`, top: `${yaxis._offset}px`, height: `${yaxis._length}px` });
}

function putMark(k, life) {
  const chart = chartOf(k), mark = marks[k];
  mark.hidden = !life || life.block !== k;
  if (mark.hidden) return;
  const { xaxis, yaxis } = chart._fullLayout, [size] = unitOf(blocks[k].size);
  const inside = (axis, v) => Math.min(Math.max(axis.d2p(v), 0), axis._length);
  const left = inside(xaxis, life.birth), right = inside(xaxis, life.death);
  const top = inside(yaxis, (life.offset + life.size) / size), bottom = inside(yaxis, life.offset / size);
  Object.assign(mark.style, { left: `${xaxis._offset + left}px`, width: `${Math.max(3, right - left)}px`,
    top: `${yaxis._offset + top}px`, height: `${Math.max(3, bottom - top)}px` });
}

/* ---------- one step ---------- */
const cursors = [];
let current = peakStep;
function tellStep(step) {
  current = Math.min(Math.max(0, step), Math.max(0, steps - 1));
  byId("step").value = current;
  byId("step-number").textContent = `${current} of ${steps}`;
  for (const [chart, cursor] of cursors) putCursor(chart, cursor, current);
  if (!steps) return;
  const live = liveAt(current), shown = live.slice(0, 24), rest = live.slice(24);
  const list = element("ul", "", ...shown.map(l => element("li", "", named(l.name), element("span", "", short(l.size)))));
  if (rest.length) list.append(element("li", "", `${rest.length} more`, element("span", "", short(rest.reduce((s, l) => s + l.size, 0)))));
  byId("step-told").replaceChildren(
    element("p", "", element("strong", "", named(operatorWords(data.order[current]))), ` runs; ${human(data.running.result[current])} in use by ${live.length} tensors:`),
    list,
    element("p", "other", "At this step the order of the file runs ", named(operatorWords(current)), ` with ${short(data.running.given[current])}, reverse post-order `,
      named(operatorWords(data.rpo_order[current])), ` with ${short(data.running.rpo[current])}.`));
}

let marked = null;
const marks = [];
function tellPoint(life) {
  marked = life;
  blocks.forEach((_, k) => putMark(k, life));
  byId("arena-point").replaceChildren(...(life ? [
    element("strong", "", named(life.name)), ` ${life.type} takes ${human(life.size)} at offset ${whole(life.offset)}${data.lives.memory ? ` of ${blocks[life.block].name}` : ""}, `,
    `from step ${life.birth} until step ${life.death}. Made by `, named(life.made), "; last needed by ", named(life.last), ".",
  ] : ["Point at a rectangle, or choose a tensor in the table of all tensors."]));
}

function lifeAt(point, k) {
  const [size] = unitOf(blocks[k].size), address = point.y * size;
  return lives.find(l => l.offset !== null && l.block === k && l.birth <= point.x && point.x < l.death && l.offset <= address && address < l.offset + l.size) || null;
}

/* ---------- tables ---------- */
/* Columns are [heading, value to sort by, cell or undefined for the value itself, is a number]. */
function headings(table, columns, onSort) {
  const row = element("tr", "");
  columns.forEach(([heading, , , isNumber], place) => {
    const cell = element("th", isNumber ? "number" : "");
    cell.scope = "col";
    if (onSort) {
      const button = element("button", "", heading);
      button.type = "button";
      button.addEventListener("click", () => onSort(place));
      cell.append(button);
    } else cell.append(heading);
    row.append(cell);
  });
  table.replaceChildren(element("thead", "", row), element("tbody", ""));
}
function rowOf(columns, item, isPeak) {
  return element("tr", isPeak ? "peak" : "", ...columns.map(([heading, value, cell, isNumber]) => {
    const shown = cell ? cell(item) : value(item);
    return element("td", isNumber ? "number" : heading === "type" ? "type" : "", typeof shown === "number" ? whole(shown) : shown);
  }));
}
function sortable(table, columns, items, show) {
  let by = -1, down = false;
  const compare = (a, b) => typeof a === "number" ? a - b : String(a).localeCompare(String(b));
  headings(table, columns, place => {
    down = by === place ? !down : Boolean(columns[place][3]);
    by = place;
    table.querySelectorAll("th").forEach((th, i) => i === by ? th.setAttribute("aria-sort", down ? "descending" : "ascending") : th.removeAttribute("aria-sort"));
    const value = columns[place][1];
    items.sort((a, b) => (down ? -1 : 1) * compare(value(a), value(b)) || a.index - b.index);
    show();
  });
  show();
}

const typeColumn = lives.some(l => l.type) ? [["type", l => l.type]] : [];
const tensorColumns = [
  ["tensor", l => l.name, l => tensorButton(l)], ...typeColumn, ["bytes", l => l.size, null, true],
  ["made by", l => l.made, l => named(l.made)], ["last needed by", l => l.last, l => named(l.last)],
  ["first step", l => l.birth, null, true], ["until step", l => l.death, null, true],
  ...(data.lives.memory ? [["memory", l => l.offset === null ? "" : blocks[l.block].name, l => l.offset === null ? "" : named(blocks[l.block].name)]] : []),
  ...(data.lives.offset ? [["offset", l => l.offset, null, true]] : []),
];
function tensorButton(life) {
  if (life.offset === null) return named(life.name);
  const button = element("button", "", named(life.name));
  button.type = "button";
  button.title = "Show it in the arena";
  button.addEventListener("click", () => { tellPoint(life); byId("arena").scrollIntoView(); });
  return button;
}

function tellPeak() {
  const crest = data.peak_step < 0 ? "The peak is before the first operator runs" :
    `The peak is at step ${data.peak_step}, while ${operatorWords(data.order[data.peak_step])} runs`;
  byId("moment-told").textContent = `${crest}. These ${data.live.length} tensors are live then; they add up to ${human(data.peak)}.`;
  const live = data.live.map(i => lives[i]);
  live.forEach((l, i) => {
    const part = element("span", "");
    part.style.flexGrow = l.size;
    part.style.opacity = Math.max(0.3, 1 - i * 0.12);
    part.title = l.name;
    byId("share").append(part);
  });
  const columns = [
    ["tensor", l => l.name, l => named(l.name)], ...typeColumn, ["bytes", l => l.size, null, true],
    ["share", l => l.size, l => percent(l.size / (data.peak || 1)), true],
    ["made by", l => l.made, l => named(l.made)], ["still needed by", l => l.index, l => named(stillNeeded(l))],
    ["dies after step", l => l.death, l => whole(l.death - 1), true],
    ["least peak if halved", l => least(l, 0) ?? Infinity, l => least(l, 0) ?? "–", true],
    ["if gone", l => least(l, 1) ?? Infinity, l => least(l, 1) ?? "–", true],
  ];
  sortable(byId("live-table"), columns, live, () => byId("live-table").tBodies[0].replaceChildren(...live.map(l => rowOf(columns, l, false))));
  byId("proof").textContent = data.proof;
  const forced = [["operator", f => f.operator, f => named(operatorWords(f.operator))], ["must be live beside it", f => "", f => named(f.beside.join(", ") || "nothing")],
    ["bytes, whatever the order", f => f.bytes, null, true]];
  headings(byId("forced-table"), forced);
  byId("forced-table").tBodies[0].append(...data.forced.map(f => rowOf(forced, f, f.bytes === data.peak)));
}
const least = (life, place) => data.instead[life.index][place];
function stillNeeded(life) {
  const after = data.needed[life.index] || [];
  const words = after.slice(0, 3).map(operatorWords);
  if (after.length > 3) words.push(`${after.length - 3} more`);
  if (life.last === "the caller") words.push("the caller");
  return words.join(", ") || "nobody";
}

function tellAdvice() {
  byId("tiling-told").textContent = data.tiling.note;
  byId("tiling-told").hidden = !data.tiling.note;
  byId("advice-told").textContent = data.advice_note;
  const most = Math.max(1, ...data.advice.map(a => a.saved));
  for (const a of data.advice) {
    const bar = element("span", "bar");
    bar.style.width = `${100 * a.saved / most}%`;
    const saved = element("div", "saved", element("strong", "", `−${short(a.saved)}`), element("small", "", percent(a.saved / (data.least || 1))), bar);
    const peak = `${a.proved ? "" : "at most "}${human(a.peak)}`;
    byId("advice-list").append(element("li", "", saved, element("div", "", element("strong", "", named(a.change)), ` → ${peak}`), element("div", "how", a.kind === "tiled" ? element("span", "name", a.how) : named(a.how))));
  }
}

function tellCells() {
  const columns = [
    ["cell", c => c.index, c => named(`${c.intrudes ? "from" : "to"} ${operatorWords(c.end)}`)], ["operators", c => c.operators, null, true],
    ["first step", c => c.birth, null, true], ["last step", c => c.death, null, true], ["peak", c => c.peak, null, true],
    ["of the network's", c => c.peak, c => percent(c.peak / (data.peak || 1)), true],
  ];
  const cells = data.cells.map((c, index) => ({ ...c, index }));
  byId("cells").hidden = !cells.length;
  sortable(byId("cell-table"), columns, cells, () => byId("cell-table").tBodies[0].replaceChildren(...cells.map(c => rowOf(columns, c, c.peak === data.peak))));
}

function tellTensors() {
  const table = byId("tensor-table"), items = [...lives].sort((a, b) => b.size - a.size || a.index - b.index);
  let limit = 25;
  const show = () => {
    const words = byId("search").value.toLowerCase();
    const found = words ? items.filter(l => `${l.name} ${l.type} ${l.made} ${l.last}`.toLowerCase().includes(words)) : items;
    table.tBodies[0].replaceChildren(...found.slice(0, limit).map(l => rowOf(tensorColumns, l, l.atPeak)));
    const bytes = found.reduce((sum, l) => sum + l.size, 0);
    byId("found").textContent = `${whole(found.length)} tensors, ${human(bytes)} in all; those at the peak have a red edge.`;
    byId("more").hidden = found.length <= limit;
  };
  byId("search").addEventListener("input", () => { limit = 25; show(); });
  byId("more").addEventListener("click", () => { limit += 475; show(); });
  sortable(table, tensorColumns, items, show);
}

function tellSettings() {
  for (const [label, value] of data.settings) byId("setting-list").append(element("dt", "", label), element("dd", "", named(value)));
  byId("command").textContent = data.command || "The network had no name: hmcos.schedule(model) in Python makes the plan.";
}

/* ---------- together ---------- */
function follow(chart, onPoint) {
  const listen = event => { const point = place(chart, event); if (point) onPoint(point); };
  chart.addEventListener("pointermove", listen, true);
  chart.addEventListener("pointerdown", listen, true);
}
async function drawCharts() {
  await drawTime();
  for (let k = 0; k < blocks.length; k++) await drawBlock(k);
}
async function start() {
  tellFigures(); tellPeak(); tellAdvice(); tellCells(); tellTensors(); tellSettings();
  byId("step").max = Math.max(0, steps - 1);
  byId("step").addEventListener("input", event => tellStep(Number(event.target.value)));
  byId("to-peak").addEventListener("click", () => tellStep(peakStep));
  addCharts();
  await drawCharts();
  const time = byId("time-chart");
  const refresh = () => { for (const [chart, cursor] of cursors) putCursor(chart, cursor, current); marks.forEach((_, k) => putMark(k, marked)); };
  cursors.push([time, overlay(time, "cursor")]);
  follow(time, point => tellStep(Math.floor(point.x)));
  time.on("plotly_afterplot", refresh);
  if (data.arena) {
    byId("arena-told").textContent = `One block of ${human(data.arena.size)}: every tensor keeps its offset for all of its life. ` +
      (data.arena.size === data.arena.lower_bound ? "No arena for this order is smaller." : `It is proved that at least ${human(data.arena.lower_bound)} are needed.`);
  } else if (data.memories) {
    byId("arena-told").replaceChildren(...data.memories.lines.flatMap(line => [line, element("br")]));
  } else byId("arena-told").textContent = "No arena was asked for when the plan was made.";
  if (blocks.length) {
    blocks.forEach((_, k) => {
      const chart = chartOf(k);
      cursors.push([chart, overlay(chart, "cursor")]);
      marks.push(overlay(chart, "mark"));
      follow(chart, point => tellPoint(lifeAt(point, k)));
    });
    blocks.forEach((_, k) => chartOf(k).on("plotly_afterplot", refresh));
    tellPoint(null);
  } else {
    byId("arena-chart").remove();
    byId("arena-point").remove();
  }
  tellStep(peakStep);
  DARK.addEventListener("change", drawCharts);
  performance.mark("drawn");
  document.documentElement.dataset.drawn = "yes";
}
await start();
})();
