"""Who looks at whom: two columns of tokens and a line for every share, as in BertViz's head view (Vig 2019).

A token under the pointer, or with the focus, shows its own lines alone, and what they come to; a click chooses it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from app.figures.theme import FONT, theme
from app.figures.words import shown

ALL = 1500  # lines drawn of a whole head, the strongest; of one token all are drawn
LEAST = 0.02  # the smallest share that has a line while no token is looked at by itself

# Colours come with the data and not from the page's variables, so that it looks the same once saved as a picture.
_CSS = """
.cutaway-arcs { max-height: 30rem; overflow-y: auto; padding: 3px; }
.cutaway-arcs .both { display: grid; grid-template-columns: minmax(0, max-content) minmax(5rem, 16rem) minmax(0, max-content);
  font-size: 13px; position: relative; width: max-content; max-width: 100%; }
.cutaway-arcs h6 { font: inherit; font-size: 12px; margin: 0; padding: 0 4px 4px; opacity: .75; }
.cutaway-arcs .left { text-align: right; }
.cutaway-arcs .one { height: 22px; display: flex; gap: 5px; align-items: center; }
.cutaway-arcs .left .one { justify-content: flex-end; }
.cutaway-arcs button { font: inherit; color: inherit; line-height: 18px; height: 20px; border: 0; border-radius: 3px;
  padding: 0 5px; background: transparent; cursor: pointer; white-space: pre; overflow: hidden; text-overflow: ellipsis;
  max-width: 9.5em; }
.cutaway-arcs button:hover { outline: 2px solid currentColor; outline-offset: -1px; }
.cutaway-arcs button:focus-visible { outline: 3px solid currentColor; outline-offset: -1px; }
.cutaway-arcs small { font-size: 11px; font-variant-numeric: tabular-nums; opacity: .8; min-width: 3em; flex: none; }
.cutaway-arcs svg { width: 100%; display: block; grid-column: 2; }
.cutaway-arcs path { fill: none; vector-effect: non-scaling-stroke; }
"""

_JS = """
const NS = 'http://www.w3.org/2000/svg', TALL = 22;
const percent = p => p >= .995 ? '100 %' : p >= .0995 ? `${Math.round(100 * p)} %` : `${(100 * p).toFixed(1)} %`;

export default function (component) {
  const { parentElement, data, setTriggerValue } = component, box = parentElement.querySelector('.cutaway-arcs');
  const bytes = Uint8Array.from(atob(data.shares), c => c.charCodeAt(0)), raw = new Uint16Array(bytes.buffer);
  const [n, m] = [data.rows.length, data.columns.length], at = (i, j) => raw[i * m + j] / 65535, scrolled = box.scrollTop;
  const active = parentElement.activeElement || document.activeElement, had = active?.dataset?.arc;
  box.style.color = data.text; box.style.fontFamily = data.font; box.setAttribute('aria-label', data.label);
  const make = (tag, name, text = '') => {
    const e = document.createElement(tag); e.className = name; e.textContent = text; return e;
  };
  const both = make('div', 'both'); both.setAttribute('data-sheet', '');
  const sides = [data.rows, data.columns].map((names, side) => {
    const column = make('div', side ? 'right' : 'left'); column.append(make('h6', '', data.heads[side]));
    const tokens = names.map((name, i) => {
      const row = make('div', 'one'), button = make('button', '', name), share = make('small', '');
      const others = [];
      for (let j = 0; j < (side ? n : m); j++) {
        const p = side ? at(j, i) : at(i, j);
        if (p >= .005) others.push([p, j]);
      }
      const most = others.sort((a, b) => b[0] - a[0]).slice(0, 3);
      const said = most.map(([p, j]) => `${(side ? data.rows : data.columns)[j]} ${percent(p)}`).join(', ') || 'nobody';
      button.type = 'button'; button.dataset.arc = `${side},${i}`;
      button.title = `${name}: ${side ? 'looked at by' : 'looks at'} ${said}`;
      button.setAttribute('aria-label', button.title);
      row.append(...(side ? [button, share] : [share, button])); column.append(row);
      return { button, share };
    });
    return { column, tokens };
  });
  const svg = document.createElementNS(NS, 'svg'), H = TALL * Math.max(n, m), middle = make('div', '');
  svg.setAttribute('viewBox', `0 0 100 ${H}`); svg.setAttribute('preserveAspectRatio', 'none');
  svg.style.height = H + 'px'; svg.setAttribute('aria-hidden', 'true');
  middle.append(make('h6', '', '\\u00a0'), svg);
  both.append(sides[0].column, middle, sides[1].column); box.replaceChildren(both);

  const curve = (i, j) => `M0,${TALL * (i + .5)} C45,${TALL * (i + .5)} 55,${TALL * (j + .5)} 100,${TALL * (j + .5)}`;
  const line = (d, p, faint) => {
    const e = document.createElementNS(NS, 'path');
    e.setAttribute('d', d); e.setAttribute('stroke', data.colour); e.setAttribute('stroke-width', (faint ? .5 : 1) + 3 * p);
    e.setAttribute('stroke-opacity', Math.min(1, (faint ? .3 : 1) * Math.sqrt(p)));
    return e;
  };
  const every = [], alike = {};
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) if (at(i, j) >= data.least) every.push([at(i, j), i, j]);
  every.sort((a, b) => b[0] - a[0]);
  // Lines about as strong are one path: a browser takes its time over a thousand.
  for (const [p, i, j] of every.slice(0, data.most)) (alike[Math.round(12 * Math.sqrt(p))] ??= []).push(curve(i, j));
  const back = Object.entries(alike).map(([level, lines]) => line(lines.join(' '), (level / 12) ** 2, true));
  const show = (which, faint) => {
    const front = [];
    sides.forEach(({ tokens }, side) => tokens.forEach(({ button, share }, i) => {
      const mine = which && which[0] === side && which[1] === i, other = which && which[0] !== side;
      const p = !other ? 0 : side ? at(which[1], i) : at(i, which[1]);
      button.style.background = p > 0
        ? `color-mix(in srgb, ${data.colour} ${Math.round(75 * Math.sqrt(p))}%, transparent)` : 'transparent';
      button.style.fontWeight = mine ? '600' : '';
      share.textContent = p >= .005 ? percent(p) : '';
      if (p >= .001) front.push(line(side ? curve(which[1], i) : curve(i, which[1]), p));
    }));
    svg.replaceChildren(...(faint ? back : []), ...front);
  };
  const resting = () => show(data.query >= 0 ? [0, data.query] : null, true);
  sides.forEach(({ column, tokens }, side) => {
    const chosen = side ? data.key : data.query;
    tokens.forEach(({ button }, i) => {
      button.setAttribute('aria-pressed', i === chosen);
      if (i === chosen) button.style.boxShadow = `inset 0 0 0 2px ${data.accent}`;
      button.tabIndex = i === Math.max(0, chosen) ? 0 : -1;
      button.onpointerenter = button.onfocus = () => show([side, i]);
      button.onblur = resting;
      button.onclick = () => setTriggerValue('picked', [side, i]);
      button.onkeydown = e => {
        const to = { ArrowDown: [side, i + 1], ArrowUp: [side, i - 1], ArrowRight: [1, i], ArrowLeft: [0, i] }[e.key];
        if (!to) return;
        const there = sides[to[0]].tokens, next = there[to[0] === side ? to[1] : Math.min(to[1], there.length - 1)];
        if (next) { e.preventDefault(); next.button.focus(); }
      };
    });
    column.onpointerleave = resting;
  });
  resting();
  box.scrollTop = had || scrolled ? scrolled : TALL * (data.query + 2) - box.clientHeight / 2;
  if (had) { const [s, i] = had.split(',').map(Number); sides[s].tokens[i]?.button.focus({ preventScroll: true }); }
}
"""

_arcs = st.components.v2.component(
    "cutaway_arcs",
    html='<div class="cutaway-arcs" role="group" tabindex="-1"></div>',
    css=_CSS,
    js=_JS,
    isolate_styles=False,
)


def arcs(
    shares: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    dark: bool,
    *,
    key: str,
    label: str,
    heads: tuple[str, str] = ("looks", "is looked at"),
    query: int = -1,
    asked: int = -1,
    on_pick: Callable[[bool, int], None] | None = None,
) -> None:
    """Show shares (query, key) in 0..1 as lines between tokens, whose texts are `rows` and `columns`.

    The lines of the chosen `query` are strong while nobody hovers. `on_pick(is_key, place)` is called with what was clicked on
    before the script runs again. Put it in `st.container(key=f"figure-{key}")`, and `foot(..., sheet=True)` below.
    """

    def picked() -> None:
        found = st.session_state[key].get("picked")
        if on_pick is not None and found is not None:
            on_pick(bool(found[0]), int(found[1]))

    t = theme(dark)
    fine = np.rint(65535 * np.clip(shares, 0, 1)).astype("<u2")
    _arcs(
        key=key,
        data={
            "shares": base64.b64encode(fine.tobytes()).decode(),
            "rows": [shown(text) for text in rows],
            "columns": [shown(text) for text in columns],
            "heads": list(heads),
            "label": label,
            "query": query,
            "key": asked,
            "least": LEAST,
            "most": ALL,
            "colour": t.unsigned[1][1],
            "text": t.text,
            "accent": t.accent,
            "font": FONT,
        },
        on_picked_change=picked,
    )
