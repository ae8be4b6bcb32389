"""A network one can click: every stage's units as small pictures, laid out as a flow with its connections, or on shelves.

One component, drawn on canvases, so that thousands of units cost little. The mouse picks a unit; from the keyboard a stage
takes the focus with Tab, its units are walked with the arrow keys, Enter picks the stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from app.figures.architecture import Group, palettes, wire

_HTML = """
<div class="all" role="group">
  <div class="scroll"><svg aria-hidden="true"></svg><div class="flow"></div></div>
  <div class="below"><p class="said" aria-live="polite"></p><button class="more" type="button" hidden></button></div>
</div>
"""

_CSS = """
.all { font-family: var(--st-font); color: var(--st-text-color); }
.scroll { position: relative; overflow-x: auto; overflow-y: hidden; padding: 2px; }
svg { position: absolute; left: 0; top: 0; overflow: visible; pointer-events: none; }
svg path { fill: none; stroke: color-mix(in srgb, var(--st-text-color) 24%, transparent); stroke-width: .7; }
svg polygon { fill: color-mix(in srgb, var(--st-text-color) 6%, transparent); }
svg .near { stroke: var(--st-text-color); stroke-width: 1.1; }
svg .on { stroke: var(--st-primary-color); stroke-width: 1.5; }
svg polygon.near { fill: color-mix(in srgb, var(--st-text-color) 12%, transparent); stroke: none; }
svg polygon.on { fill: color-mix(in srgb, var(--st-primary-color) 16%, transparent); stroke: none; }
.flow { position: relative; display: flex; align-items: stretch; justify-content: space-between; column-gap: 10px; }
.column { display: flex; flex-direction: column; justify-content: space-around; gap: 18px; flex: none; }
.group { display: flex; flex-direction: column; align-items: center; flex: 1; }
.head { font-size: .74rem; line-height: 1.32; text-align: center; padding-bottom: 8px; white-space: nowrap;
  font-variant-numeric: tabular-nums; color: color-mix(in srgb, var(--st-text-color) 72%, transparent); }
.head b { display: block; font-size: .92rem; font-weight: 600; color: var(--st-text-color); }
.head span { display: block; min-height: 1.32em; }
.head i { display: block; font: 400 .74rem/1.32 var(--st-font); min-height: 1.32em; }
.head i[hidden] { display: none; }
.sheets { display: flex; gap: 9px; align-items: center; justify-content: center; flex: 1; }
.sheet { position: relative; padding: 0; border: 0; margin: 0; background: none; color: inherit; cursor: pointer; flex: none;
  font: inherit; display: block; border-radius: 1px; touch-action: manipulation; }
.sheet:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 3px; }
canvas { display: block; image-rendering: pixelated; }
.plain canvas { outline: 1px solid var(--st-border-color); }
.mark { position: absolute; box-sizing: border-box; pointer-events: none; display: none; }
.mark.near { outline: 1.5px solid var(--st-text-color); }
.mark.on { outline: 2.5px solid var(--st-primary-color); z-index: 1; }
.names { position: absolute; left: 0; top: 0; font-size: .78rem; line-height: 1; font-variant-numeric: tabular-nums; }
.names span { position: absolute; white-space: nowrap; opacity: .75; }
.names .first { font-weight: 700; opacity: 1; }
.caption { font-size: .7rem; line-height: 1.25; opacity: .72; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  text-align: center; margin-top: 3px; }
.scroll.cut { mask-image: linear-gradient(to right, #000 calc(100% - 48px), transparent); }
.below { display: flex; gap: 1rem; justify-content: space-between; align-items: baseline; margin-top: .35rem; }
.more { all: unset; cursor: pointer; font-size: .8rem; line-height: 1.35; white-space: nowrap; color: var(--st-primary-color); }
.more[hidden] { display: none; }
.more:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 2px; }
.said { margin: 0; font-size: .8rem; line-height: 1.35; min-height: 1.35em;
  color: color-mix(in srgb, var(--st-text-color) 78%, transparent); font-variant-numeric: tabular-nums; }
.tall .group { justify-content: center; }
.tall .sheets { flex: none; }
.stack .scroll { max-height: 72vh; overflow-y: auto; }
.stack .flow { flex-direction: column; gap: 14px; align-items: stretch; }
.stack .group { flex-direction: column; align-items: flex-start; }
.stack .head { text-align: left; white-space: normal; padding-bottom: 4px; }
.stack .head b, .stack .head span { display: inline; margin-right: .55rem; }
.stack .head i, .on-shelf .head i { display: inline; font: inherit; }
.stack .sheets { flex-wrap: wrap; justify-content: flex-start; align-items: flex-start; gap: 6px 10px; }
.on-shelf .flow { flex-direction: column; gap: 12px; align-items: stretch; }
.on-shelf .group { align-items: flex-start; }
.on-shelf .head { text-align: left; white-space: normal; padding-bottom: 4px; }
.on-shelf .head b, .on-shelf .head span { display: inline; margin-right: .55rem; }
.on-shelf .sheets { justify-content: flex-start; align-items: flex-start; flex-wrap: wrap; gap: 6px 14px; }
.stack .caption, .on-shelf .caption { text-align: left; }
.plain .head, .plain .caption { display: none; }
"""

_JS = """
const NS = 'http://www.w3.org/2000/svg';
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const make = (tag, name) => { const e = document.createElement(tag); if (name) e.className = name; return e; };
const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

// How the units of a sheet stand: columns, size of a cell's picture and gap, all in CSS pixels.
function plan(s, mode, room, scale, tall) {
  const map = s.h * s.w > 1, ratio = s.w / s.h;
  const fit = (columns, height) => {
    const gap = height < 5 ? (height < 3 ? 0 : 1) : map ? 3 : 1;
    return { columns, rows: Math.ceil(s.n / columns), h: height, w: Math.max(1, Math.round(height * ratio)), gap };
  };
  const even = (columns, height) => fit(Math.ceil(s.n / Math.ceil(s.n / columns)), height);  // rows of one length
  if (s.columns) {
    const side = clamp(Math.floor((room - 2) / s.columns) - (room / s.columns > 6 ? 1 : 0), 1, 26);
    return { columns: s.columns, rows: Math.ceil(s.n / s.columns), h: side, w: side, gap: room / s.columns > 6 ? 1 : 0 };
  }
  if (mode === 'flow') {
    if (map) {
      const cap = (s.n === 1 ? 84 : s.n <= 8 ? 54 : 32) * scale, columns = s.n <= 8 ? 1 : Math.ceil(s.n / 8);
      const rows = Math.ceil(s.n / columns);
      return fit(columns, Math.floor(Math.min(cap / Math.max(1, ratio), (tall - 3 * rows) / rows)));
    }
    if (s.n <= 12) return fit(1, Math.min(26, Math.floor(tall / s.n) - 1));
    if (s.n <= 160) {
      const columns = Math.ceil(s.n / 60), rows = Math.ceil(s.n / columns);
      return fit(columns, Math.min(12, Math.floor(tall / rows) - 1));
    }
    const rows = Math.min(s.n, Math.ceil(Math.sqrt(2.2 * s.n)));
    return fit(Math.ceil(s.n / rows), Math.max(2, Math.min(9, Math.floor(tall / rows))));
  }
  if (map) {
    const side = (s.n === 1 ? 72 : s.n <= 8 ? 46 : s.n <= 24 ? 32 : 24) * scale;
    const best = Math.floor(clamp(room / Math.min(s.n, 8) / Math.max(1, ratio) - 4, 14, side * (mode === 'stack' ? 1.2 : 1)));
    const wide = Math.max(1, Math.round(best * ratio));
    return even(clamp(Math.floor((room + 3) / (wide + 3)), 1, s.n), best);
  }
  const limit = s.n <= 12 ? room / s.n - 1 : 24;
  const side = Math.max(2, Math.floor(Math.min(limit, (s.n <= 12 ? 20 : s.n <= 160 ? 11 : s.n <= 1000 ? 6 : 3) * scale)));
  const step = side + (side < 5 ? (side < 3 ? 0 : 1) : 1);
  return even(clamp(Math.floor(room / step), 1, s.n), side);
}

function paint(canvas, s, p, palette, ratio) {
  const W = p.columns * (p.w + p.gap) - p.gap, H = p.rows * (p.h + p.gap) - p.gap;
  canvas.style.width = W + 'px'; canvas.style.height = H + 'px';
  canvas.width = Math.round(W * ratio); canvas.height = Math.round(H * ratio);
  const context = canvas.getContext('2d'), one = document.createElement('canvas');
  context.imageSmoothingEnabled = false;
  one.width = s.w; one.height = s.h;
  const small = one.getContext('2d'), image = small.createImageData(s.w, s.h), size = s.w * s.h;
  for (let i = 0; i < s.n; i++) {
    for (let k = 0; k < size; k++) {
      const at = 3 * s.bytes[i * size + k];
      image.data[4 * k] = palette[at]; image.data[4 * k + 1] = palette[at + 1]; image.data[4 * k + 2] = palette[at + 2];
      image.data[4 * k + 3] = 255;
    }
    small.putImageData(image, 0, 0);
    const x = (i % p.columns) * (p.w + p.gap), y = Math.floor(i / p.columns) * (p.h + p.gap);
    const left = Math.round(x * ratio), top = Math.round(y * ratio);
    const right = Math.round((x + p.w) * ratio), bottom = Math.round((y + p.h) * ratio);
    context.drawImage(one, left, top, right - left, bottom - top);
    if (p.h >= 9 && !s.columns) {
      context.strokeStyle = s.line; context.lineWidth = 1;
      context.strokeRect(left + .5, top + .5, right - left - 1, bottom - top - 1);
    }
  }
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const all = parentElement.querySelector('.all'), flow = all.querySelector('.flow'), svg = all.querySelector('svg');
  const scroll = all.querySelector('.scroll'), said = all.querySelector('.said');
  all.setAttribute('aria-label', data.alt);
  all.trigger = setTriggerValue;
  const { selected, alt, ...drawn } = data, drawing = JSON.stringify(drawn);
  if (all.drawing === drawing) {  // only the choice is another one: what is drawn stays, and so does the focus
    all.show(selected);
    return () => all.watch.disconnect();
  }
  all.drawing = drawing;
  const state = { picked: all.pending || { ...selected }, near: null, sheets: new Map() };
  const palette = {
    true: Uint8Array.from(data.palettes.signed.match(/../g), c => parseInt(c, 16)),
    false: Uint8Array.from(data.palettes.unsigned.match(/../g), c => parseInt(c, 16)),
  };
  const line = getComputedStyle(all).getPropertyValue('--st-border-color') || '#888';

  const name = (s, i) => {
    if (s.columns && s.labels.length) return s.labels[i];
    if (s.columns) return `row ${Math.floor(i / s.columns)}, column ${i % s.columns}`;
    return `${s.unit} ${s.labels.length ? s.labels[i] : i}`;
  };
  const tell = (s, i) => {
    const largest = s.h * s.w > 1 ? ', largest value ' : ': ';
    return `${s.columns ? '' : s.path + ', '}${name(s, i)}${largest}${String(s.answers[i]).replace('-', '−')}`;
  };
  const box = (v, i) => ({
    x: (i % v.plan.columns) * (v.plan.w + v.plan.gap), y: Math.floor(i / v.plan.columns) * (v.plan.h + v.plan.gap) });
  const put = (mark, v, i) => {
    if (i < 0 || i >= v.s.n) { mark.style.display = 'none'; return; }
    const at = box(v, i);
    mark.style.cssText = `display:block;left:${at.x}px;top:${at.y}px;width:${v.plan.w}px;height:${v.plan.h}px`;
  };
  const speak = () => {
    const from = state.near || state.picked, v = state.sheets.get(from.layer);
    said.textContent = v && from.unit >= 0 && from.unit < v.s.n ? tell(v.s, from.unit) : '';
  };
  const marks = () => {
    for (const [path, v] of state.sheets) {
      put(v.on, v, state.picked.layer === path ? state.picked.unit : -1);
      put(v.near, v, state.near && state.near.layer === path ? state.near.unit : -1);
      const unit = state.picked.layer === path ? state.picked.unit : 0;
      v.button.setAttribute('aria-pressed', state.picked.layer === path);
      const count = `${v.s.n} ${v.s.unit}${v.s.n > 1 ? 's' : ''}`;
      v.button.setAttribute('aria-label', `${v.s.path}, ${count}. Chosen: ${tell(v.s, Math.min(unit, v.s.n - 1))}`);
    }
    speak(); links();
  };
  const pick = (layer, unit, wait = 0) => {
    state.picked = all.pending = { layer, unit }; marks(); clearTimeout(all.later);
    all.later = setTimeout(() => { all.pending = null; all.trigger('picked', { layer, unit }); }, wait);
  };

  const links = () => {
    svg.replaceChildren();
    if (data.layout !== 'flow' || all.classList.contains('stack')) return;
    const home = scroll.getBoundingClientRect(), dx = scroll.scrollLeft - home.left, dy = scroll.scrollTop - home.top;
    svg.setAttribute('width', flow.scrollWidth); svg.setAttribute('height', flow.scrollHeight);
    const place = path => {
      const v = state.sheets.get(path), r = v.canvas.getBoundingClientRect();
      return { v, left: r.left + dx, top: r.top + dy, right: r.right + dx, bottom: r.bottom + dy };
    };
    const front = [];
    for (const group of data.groups) {
      const mine = new Set(group.sheets.map(s => s.path));
      const lit = which => which && mine.has(which.layer) ? which.unit : -1;
      const on = lit(state.picked), near = lit(state.near);
      for (const link of group.links) {
        const a = place(link.source), b = place(link.target);
        const same = group.sheets.every(s => s.n === b.v.s.n);
        const kind = unit => !same ? '' : unit === on ? 'on' : unit === near ? 'near' : '';
        const end = unit => { const at = box(b.v, unit); return { x: b.left + at.x, y: b.top + at.y + b.v.plan.h / 2 }; };
        const draw = (tag, set, name) => {
          const e = document.createElementNS(NS, tag);
          for (const [k, v] of Object.entries(set)) e.setAttribute(k, v);
          if (name) { e.setAttribute('class', name); front.push(e); } else svg.append(e);
        };
        if (!link.pairs.length) {
          draw('polygon', { points: `${a.right},${a.top} ${b.left},${b.top} ${b.left},${b.bottom} ${a.right},${a.bottom}` });
          if (same) for (const [unit, name] of [[near, 'near'], [on, 'on']]) {
            if (unit < 0 || unit >= b.v.s.n) continue;
            const at = end(unit);
            draw('polygon', { points: `${a.right},${a.top} ${at.x},${at.y} ${a.right},${a.bottom}` }, name);
          }
        }
        for (const [source, unit] of link.pairs) {
          const from = box(a.v, source), to = end(unit);
          const x = a.left + from.x + a.v.plan.w, y = a.top + from.y + a.v.plan.h / 2, half = (to.x - x) / 2;
          draw('path', { d: `M${x},${y} C${x + half},${y} ${to.x - half},${to.y} ${to.x},${to.y}` }, kind(unit));
        }
      }
    }
    svg.append(...front);
  };

  const more = all.querySelector('.more');
  const edge = () => {  // how many columns lie to the right of what is in view
    const end = scroll.scrollLeft + scroll.clientWidth;
    const hidden = [...flow.children].filter(c => c.offsetLeft + c.offsetWidth / 2 > end).length;
    scroll.classList.toggle('cut', hidden > 0);
    more.hidden = !hidden;
    more.textContent = `${hidden} more to the right →`;
  };
  scroll.onscroll = edge;
  more.onclick = () => scroll.scrollBy({ left: .8 * scroll.clientWidth, behavior: 'smooth' });

  const focused = parentElement.activeElement?.dataset.path;
  flow.replaceChildren();
  const halves = title => [title.slice(0, title.lastIndexOf('.') + 1), title.slice(title.lastIndexOf('.') + 1)];
  const written = g => {  // the width of what stands over a group, about
    const [stem, end] = halves(g.title);
    return Math.max(58, 6 * stem.length, 7.6 * end.length, ...g.lines.map(l => 5.8 * l.length));
  };
  const columns = new Map(), stems = data.groups.some(group => group.title.includes('.'));
  for (const group of data.groups) {
    const where = data.layout === 'flow' ? group.depth : columns.size;
    if (!columns.has(where)) { const c = make('div', 'column'); columns.set(where, c); flow.append(c); }
    const column = columns.get(where), least = Math.max(parseFloat(column.style.minWidth) || 0, written(group));
    column.style.minWidth = data.layout === 'flow' ? `${least}px` : '';
    const g = make('div', 'group'), head = make('div', 'head'), sheets = make('div', 'sheets');
    const b = make('b'), stem = make('i'), title = halves(group.title);
    stem.textContent = title[0]; b.append(stem, title[1]); head.append(b);
    stem.hidden = !stems;
    for (const text of group.lines) { const e = make('span'); e.textContent = text; head.append(e); }
    g.append(head, sheets); columns.get(where).append(g);
    for (const s of group.sheets) {
      s.bytes = bytes(s.levels); s.line = line;
      const cell = make('div'), button = make('button', 'sheet'), canvas = make('canvas');
      const near = make('div', 'mark near'), on = make('div', 'mark on'), names = make('div', 'names');
      const caption = make('div', 'caption'); caption.textContent = s.name; caption.title = s.path;
      button.type = 'button'; button.dataset.path = s.path;
      button.append(canvas, near, on, names); cell.append(button, caption); sheets.append(cell);
      const v = { s, button, canvas, near, on, names, caption, group };
      state.sheets.set(s.path, v);
      const under = e => {
        const r = canvas.getBoundingClientRect();
        const x = Math.floor((e.clientX - r.left) / (v.plan.w + v.plan.gap));
        const y = Math.floor((e.clientY - r.top) / (v.plan.h + v.plan.gap));
        const i = clamp(y, 0, v.plan.rows - 1) * v.plan.columns + clamp(x, 0, v.plan.columns - 1);
        return Math.min(i, s.n - 1);
      };
      const look = unit => {
        const now = unit === null ? null : { layer: s.path, unit };
        if (JSON.stringify(now) !== JSON.stringify(state.near)) { state.near = now; marks(); }
      };
      button.onpointermove = e => { if (e.pointerType === 'mouse') look(under(e)); };
      button.onpointerleave = () => look(null);
      button.onclick = e => pick(s.path, e.detail ? under(e) : state.picked.layer === s.path ? state.picked.unit : 0);
      button.onkeydown = e => {
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: v.plan.columns, ArrowUp: -v.plan.columns }[e.key];
        if (!step) return;
        e.preventDefault();
        const now = state.picked.layer === s.path ? state.picked.unit : 0, next = now + step;
        if (next >= 0 && next < s.n) pick(s.path, next, 150);
      };
    }
  }

  const layout = () => {
    const W = scroll.clientWidth - 4;
    if (W <= 0) return;
    const narrow = W < (data.layout === 'flow' ? 560 : 420), mode = data.layout === 'flow' ? (narrow ? 'stack' : 'flow') : 'shelf';
    all.className = `all on-${data.layout}${narrow ? ' stack' : ''}${data.plain ? ' plain' : ''}`;
    const ratio = Math.max(1, window.devicePixelRatio || 1), between = 26;
    const deep = [...columns.keys()].map(d => data.groups.filter(g => g.depth === d));
    if (mode === 'flow' && deep.some(groups => groups.length > 2)) all.classList.add('tall');  // a heading beside its units
    const width = p => p.columns * (p.w + p.gap) - p.gap;
    const portion = peers => Math.max(data.height / peers, Math.min(data.height, 150));  // the height of one of several in a column
    const last = data.groups.at(-1).sheets.at(-1), words = 8 + 6.6 * Math.max(...last.labels.map(l => l.length), 0);
    const need = scale => deep.reduce((sum, groups) => sum + Math.max(...groups.map(written), ...groups.map(g => {
      const tall = portion(groups.length);
      return g.sheets.reduce((w, s) => w + width(plan(s, 'flow', W, scale, tall)) + 9, -9);
    })), between * (deep.length - 1) + 20 + words);
    const room = group => {
      const share = data.layout === 'flow' || narrow ? 1 : Math.min(2, group.sheets.length);
      return mode === 'flow' ? W : W / share - (share > 1 ? 7 : 0);
    };
    const tall = scale => data.groups.reduce((sum, g) => sum + 45 + Math.max(...g.sheets.map(s => {
      const p = plan(s, mode, room(g), scale, 0);
      return p.rows * (p.h + p.gap);
    })), 0);
    let scale = mode === 'flow' ? 2.2 : 1;
    if (mode === 'flow') while (scale > .5 && need(scale) > W) scale *= .94;
    if (mode === 'flow' && scale <= .5) scale = 1;  // it has to be scrolled anyway
    else if (mode === 'shelf' && !data.plain) while (scale < 3 && tall(scale * 1.06) < data.height) scale *= 1.06;
    for (const v of state.sheets.values()) {
      const peers = data.layout === 'flow' ? data.groups.filter(g => g.depth === v.group.depth).length : 1;
      v.plan = plan(v.s, mode, room(v.group), scale, portion(peers));
      paint(v.canvas, v.s, v.plan, palette[v.s.signed], ratio);
      const w = width(v.plan);
      v.caption.style.maxWidth = w + 'px';
      v.caption.style.display = v.group.sheets.length > 1 && w >= 40 ? '' : 'none';
      v.names.replaceChildren();
      const named = v.s.labels.length && v.plan.h >= 11 && v.s.n <= 40;
      const beside = named && mode === 'flow' && v.plan.columns === 1 && v.s === last;
      const below = named && mode !== 'flow' && v.plan.rows === 1 && v.plan.w >= 14;
      v.button.style.marginRight = beside ? words + 'px' : '';
      const longest = 6.6 * Math.max(...v.s.labels.map(l => l.length), 0), turned = below && v.plan.w + v.plan.gap < longest;
      v.button.style.marginBottom = turned ? longest + 4 + 'px' : below ? '1rem' : '';
      if (beside || below) v.s.labels.forEach((label, i) => {
        const e = make('span', v.s === last && v.s.answers[i] === Math.max(...v.s.answers) ? 'first' : ''), at = box(v, i);
        e.textContent = label;
        e.style.cssText = beside ? `left:${v.plan.w + 5}px;top:${at.y + v.plan.h / 2}px;transform:translateY(-50%)`
          : `left:${at.x + v.plan.w / 2}px;top:${v.plan.h + 3}px;transform:translateX(-50%)`;
        if (turned) e.style.writingMode = 'vertical-rl';
        v.names.append(e);
      });
    }
    marks(); edge();
  };
  let before = 0;
  all.watch?.disconnect();
  all.watch = new ResizeObserver(() => {
    if (Math.abs(scroll.clientWidth - before) > 1) { before = scroll.clientWidth; layout(); } else links();
  });
  all.watch.observe(scroll);
  const reveal = () => {  // a unit that was chosen elsewhere may lie out of view
    const v = state.sheets.get(state.picked.layer);
    if (!v) return;
    const own = v.button.getBoundingClientRect(), view = scroll.getBoundingClientRect();
    if (own.left < view.left || own.right > view.right) scroll.scrollLeft += own.left - view.left - view.width / 4;
    if (own.top < view.top || own.bottom > view.bottom) scroll.scrollTop += own.top - view.top - view.height / 4;
  };
  all.show = choice => {
    const moved = choice.layer !== state.picked.layer;
    state.picked = all.pending || { ...choice }; marks(); all.watch.observe(scroll);
    if (moved) reveal();
  };
  before = scroll.clientWidth; layout(); reveal();
  if (focused) state.sheets.get(focused)?.button.focus({ preventScroll: true });
  return () => all.watch.disconnect();
}
"""

_diagram = st.components.v2.component("cutaway_diagram", html=_HTML, css=_CSS, js=_JS)


def diagram(
    groups: Sequence[Group],
    dark: bool,
    *,
    key: str,
    alt: str,
    layout: Literal["flow", "shelf"] = "flow",
    selected: tuple[str, int] = ("", -1),
    height: int = 372,
    plain: bool = False,
    on_pick: Callable[[str, int], None] | None = None,
) -> None:
    """Show the groups; `on_pick(path, unit)` is called before the script runs again.

    "flow": columns from input to output, `height` pixels tall, with connections; below 560 pixels stacked. "shelf": a row
    a group. `plain` leaves headings away.
    """

    def picked() -> None:
        found = st.session_state[key].get("picked")
        if on_pick is not None and found:
            on_pick(str(found["layer"]), int(found["unit"]))

    _diagram(
        key=key,
        data={
            "groups": [wire(group) for group in groups],
            "palettes": palettes(dark),
            "alt": alt,
            "layout": layout,
            "selected": {"layer": selected[0], "unit": selected[1]},
            "height": height,
            "plain": plain,
        },
        on_picked_change=picked,
    )
