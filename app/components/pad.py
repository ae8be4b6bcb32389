"""A drawing pad: mouse, touch, pen, or the keyboard. It hands over the strokes, not the pixels."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.components.strokes import Strokes

_HTML = """
<div class="pad">
  <div class="sheet">
    <canvas tabindex="0" role="application" width="560" height="560"></canvas>
    <p class="hint" aria-hidden="true">Draw here</p>
  </div>
  <div class="tools">
    <div role="group" aria-label="Pen width">
      <button type="button" data-pen="12" aria-label="Fine pen" title="Fine pen"><i></i></button>
      <button type="button" data-pen="20" aria-label="Medium pen" title="Medium pen"><i></i></button>
      <button type="button" data-pen="32" aria-label="Broad pen" title="Broad pen"><i></i></button>
    </div>
    <button type="button" data-do="undo" title="Ctrl+Z">Undo</button>
    <button type="button" data-do="clear">Clear</button>
  </div>
  <output class="said"></output>
</div>
"""

_CSS = """
.pad { position: relative; display: grid; grid-template-columns: 1fr 3rem; gap: .5rem; max-width: 22rem;
  font-family: var(--st-font); color: var(--st-text-color); }
.sheet { position: relative; }
canvas { display: block; width: 100%; aspect-ratio: 1; box-sizing: border-box; touch-action: none; cursor: crosshair;
  background: var(--st-secondary-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-base-radius); }
canvas:focus { outline: none; }
canvas.ringed { outline: 3px solid var(--st-text-color); outline-offset: 1px; }
.hint { position: absolute; inset: 0; margin: 0; display: grid; place-items: center; pointer-events: none; opacity: .55; }
.hint[hidden] { display: none; }
.tools, .tools [role=group] { display: flex; flex-direction: column; gap: .4rem; }
.tools [role=group] { margin-bottom: auto; gap: .2rem; }
button { font: inherit; font-size: .82rem; height: 2.25rem; padding: 0; cursor: pointer; color: inherit;
  background: transparent; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); }
button:hover:enabled { border-color: currentColor; }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: 1px; }
button:disabled { opacity: .45; cursor: default; }
[data-pen] { display: grid; place-items: center; border-color: transparent; }
[data-pen][aria-pressed=true] { border-color: var(--st-primary-color); }
[data-pen] i { background: currentColor; border-radius: 50%; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

# `pad` lives on the canvas: this function runs again at every rerun, and must not lose a stroke that is being drawn.
_JS = """
export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const $ = name => parentElement.querySelector(name), canvas = $('canvas'), context = canvas.getContext('2d');
  const K = canvas.width / 256, PEN = 'cutaway-pen', copy = x => JSON.parse(JSON.stringify(x));
  const stored = () => { try { return +sessionStorage.getItem(PEN) || 20 } catch { return 20 } };
  const fresh = !canvas.pad;
  const pad = canvas.pad ??= { strokes: [], past: [], line: null, pen: stored(), at: [128, 128], keys: false };
  if (fresh || (!data.own && !pad.line)) {
    if (!fresh && JSON.stringify(pad.strokes) !== JSON.stringify(data.strokes)) pad.past = [];
    pad.strokes = copy(data.strokes);
  }
  canvas.setAttribute('aria-label', data.label);

  const style = getComputedStyle(canvas), ink = style.color;
  const trace = ([width, ...p]) => {
    context.lineWidth = width * K; context.beginPath(); context.moveTo(p[0] * K, p[1] * K);
    if (p.length === 2) context.lineTo(p[0] * K, p[1] * K + .01);
    for (let i = 2; i < p.length; i += 2) context.lineTo(p[i] * K, p[i + 1] * K);
    context.stroke();
  };
  const show = () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = ink; context.lineCap = context.lineJoin = 'round';
    pad.strokes.forEach(trace);
    if (pad.line) trace(pad.line);
    if (pad.keys) {
      context.lineWidth = 2; context.beginPath();
      context.arc(pad.at[0] * K, pad.at[1] * K, (pad.pen / 2 + 3) * K, 0, 7); context.stroke();
    }
    const none = !pad.strokes.length && !pad.line;
    $('.hint').hidden = !none;
    $('[data-do=undo]').disabled = !pad.past.length && !pad.strokes.length;
    $('[data-do=clear]').disabled = !pad.strokes.length;
    parentElement.querySelectorAll('[data-pen]').forEach(b => {
      b.setAttribute('aria-pressed', +b.dataset.pen === pad.pen);
      const dot = b.firstElementChild; dot.style.width = dot.style.height = +b.dataset.pen * .55 + 'px';
    });
  };
  const change = (strokes, past) => {
    pad.strokes = strokes; pad.past = past; pad.line = null; show();
    $('.said').textContent = strokes.length === 1 ? '1 stroke' : `${strokes.length} strokes`;
    setTriggerValue('drawn', strokes);
  };
  const add = line => change([...pad.strokes, lean(line)], [...pad.past, pad.strokes]);
  const undo = () => {
    if (pad.past.length) change(pad.past.at(-1), pad.past.slice(0, -1));
    else if (pad.strokes.length) change(pad.strokes.slice(0, -1), []);
  };
  const clear = () => pad.strokes.length && change([], [...pad.past, pad.strokes]);

  const clamp = v => Math.max(0, Math.min(255, Math.round(v)));
  const place = e => {
    const box = canvas.getBoundingClientRect();
    return [clamp((e.clientX - box.left) / box.width * 256), clamp((e.clientY - box.top) / box.height * 256)];
  };
  const extend = ([x, y]) => {
    const [u, v] = pad.line.slice(-2);
    if (Math.hypot(x - u, y - v) >= 2) pad.line.push(x, y);
  };
  const lean = ([width, ...p]) => {  // Douglas and Peucker 1973: only points that lie off the line between others
    const kept = new Set([0, p.length / 2 - 1]), todo = [[0, p.length / 2 - 1]];
    while (todo.length) {
      const [a, b] = todo.pop(), x = p[2 * a], y = p[2 * a + 1], u = p[2 * b] - x, v = p[2 * b + 1] - y;
      let most = .7, at = 0;
      for (let i = a + 1; i < b; i++) {
        const s = p[2 * i] - x, t = p[2 * i + 1] - y, k = Math.max(0, Math.min(1, (s * u + t * v) / (u * u + v * v || 1)));
        const off = Math.hypot(s - k * u, t - k * v);
        if (off > most) { most = off; at = i; }
      }
      if (at) { kept.add(at); todo.push([a, at], [at, b]); }
    }
    return [width, ...[...kept].sort((i, j) => i - j).flatMap(i => [p[2 * i], p[2 * i + 1]])];
  };
  canvas.onpointerdown = e => {
    if (e.button || (pad.line && pad.pointer !== e.pointerId)) return;
    e.preventDefault(); canvas.focus({ preventScroll: true }); canvas.classList.remove('ringed');
    canvas.setPointerCapture(e.pointerId);
    pad.pointer = e.pointerId; pad.keys = false; pad.line = [pad.pen, ...place(e)]; show();
  };
  canvas.onpointermove = e => {
    if (!pad.line || pad.pointer !== e.pointerId) return;
    const all = e.getCoalescedEvents?.() ?? [];
    (all.length ? all : [e]).forEach(one => extend(place(one))); show();
  };
  canvas.onpointerup = canvas.onpointercancel = e => {
    if (pad.line && pad.pointer === e.pointerId) { pad.pointer = null; add(pad.line); }
  };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.onkeydown = e => {
    const step = arrows[e.key];
    if (step) {
      pad.keys = true; pad.at = pad.at.map((v, i) => clamp(v + step[i] * (e.shiftKey ? 3 : 10)));
      if (pad.line) extend(pad.at);
      show();
    } else if (e.key === ' ') {
      pad.keys = true;
      if (pad.line) add(pad.line); else { pad.line = [pad.pen, ...pad.at]; show(); }
    } else if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'z') undo();
    else if (e.key === 'Escape' && pad.line) { pad.line = null; show(); }
    else return;
    e.preventDefault(); e.stopPropagation();
  };
  canvas.onfocus = () => canvas.classList.add('ringed');
  canvas.onblur = () => {
    canvas.classList.remove('ringed');
    if (pad.keys) { pad.keys = false; if (pad.line) add(pad.line); else show(); }
  };
  $('[data-do=undo]').onclick = undo; $('[data-do=clear]').onclick = clear;
  parentElement.querySelectorAll('[data-pen]').forEach(b => { b.onclick = () => {
    pad.pen = +b.dataset.pen; try { sessionStorage.setItem(PEN, pad.pen) } catch {} show();
  }; });
  show();
}
"""

_LABEL = (
    "Drawing pad. Draw with the mouse, a finger or a pen; or move with the arrow keys, "
    "and put the pen down and lift it with the space bar. Ctrl+Z takes a stroke back."
)

_pad = st.components.v2.component("cutaway_pad", html=_HTML, css=_CSS, js=_JS)


def pad(strokes: Strokes, *, key: str, own: bool, on_draw: Callable[[Strokes], None]) -> None:
    """Show a square pad with these strokes, each [width, x0, y0, x1, y1, ...] in 0..255 from the left and the top.

    `on_draw` is called with all strokes after every stroke, undo and clear, before the script runs again. `own` says
    that the strokes are those which the pad handed over last: it then keeps what has been drawn since.
    """

    def drawn() -> None:
        on_draw(st.session_state[key]["drawn"])

    _pad(key=key, data={"strokes": [list(s) for s in strokes], "own": own, "label": _LABEL}, on_drawn_change=drawn)
