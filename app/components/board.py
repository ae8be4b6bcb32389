"""A table of coloured cells one can click: heads by layer, layers by token. Each cell is a button with a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from app.figures.theme import FONT, theme
from app.figures.words import paint

# Colours come with the data and not from the page's variables, so that the table looks the same once saved as a picture.
_CSS = """
.cutaway-board { overflow-x: auto; padding: 3px; }
.cutaway-board table { border-collapse: separate; border-spacing: 2px; font-size: 12px; font-variant-numeric: tabular-nums; }
.cutaway-board th { font-weight: 400; text-align: center; padding: 0 3px; white-space: pre; vertical-align: bottom;
  line-height: 1.25; }
.cutaway-board tbody th { text-align: right; vertical-align: middle; padding-right: 6px; }
.cutaway-board tbody th, .cutaway-board thead th:first-child { position: sticky; left: -3px; z-index: 1; }
.cutaway-board thead th div { max-width: 6.5em; overflow: hidden; text-overflow: ellipsis; }
.cutaway-board thead.tall th div { writing-mode: vertical-rl; transform: rotate(180deg); max-width: none;
  max-height: 8em; text-align: left; margin: auto; }
.cutaway-board td { padding: 0; }
.cutaway-board td button { font: inherit; border-radius: 2px; display: block; width: 100%; cursor: pointer;
  padding: 0 2px; overflow: hidden; text-overflow: ellipsis; white-space: pre; }
.cutaway-board td button:hover { outline: 2px solid currentColor; outline-offset: -1px; }
"""

_JS = """
export default function (component) {
  const { parentElement, data, setTriggerValue } = component, box = parentElement.querySelector('.cutaway-board');
  const columns = data.columns.length, left = box.scrollLeft, first_time = !box.firstChild;
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.i : undefined;
  box.style.color = data.text; box.style.fontFamily = data.font;
  box.setAttribute('aria-label', data.label);
  const make = (tag, text) => { const e = document.createElement(tag); e.textContent = text; return e; };
  const table = document.createElement('table'), head = document.createElement('thead'), body = document.createElement('tbody');
  table.setAttribute('data-sheet', '');
  const first = document.createElement('tr');
  first.append(make('th', data.corner)); first.firstChild.style.background = data.ground;
  data.columns.forEach(name => {
    const th = document.createElement('th'); th.title = name; th.append(make('div', name)); first.append(th);
    if (!data.tall) th.firstChild.style.maxWidth = `min(6.5em, ${data.widest}px)`;
  });
  head.className = data.tall ? 'tall' : ''; head.append(first);
  const all = [];
  const choose = b => {
    all.forEach(o => { o.style.boxShadow = ''; o.setAttribute('aria-pressed', 'false'); o.tabIndex = -1; });
    if (b) { b.style.boxShadow = `0 0 0 2px ${data.accent}`; b.setAttribute('aria-pressed', 'true'); b.tabIndex = 0; }
  };
  data.rows.forEach((name, r) => {
    const tr = document.createElement('tr'), th = make('th', name);
    th.style.background = data.ground; tr.append(th);
    for (let c = 0; c < columns; c++) {
      const i = r * columns + c, cell = data.cells[i], td = document.createElement('td');
      if (cell) {
        const b = make('button', cell[0]);
        b.type = 'button'; b.title = cell[1]; b.setAttribute('aria-label', cell[1]); b.tabIndex = -1;
        b.style.background = cell[2] || 'transparent'; b.style.color = cell[3];
        b.style.minWidth = data.size[0] + 'px'; b.style.height = data.size[1] + 'px';
        b.style.border = `1px solid ${data.line}`;  // a cell of zero has the page's own ground
        b.style.maxWidth = data.widest + 'px'; b.style.opacity = cell[4] === 1 ? .35 : 1;
        if (cell[4] === 2) {
          Object.assign(b.style, {background: 'transparent', color: data.text, border: `1px dashed ${data.text}`});
        }
        b.onclick = () => { choose(b); setTriggerValue('picked', i); };
        b.onkeydown = e => {
          const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns}[e.key];
          const next = step === undefined ? null : all.find(o => +o.dataset.i === i + step);
          if (next) { e.preventDefault(); next.focus(); }
        };
        b.dataset.i = i; all.push(b); td.append(b);
      }
      tr.append(td);
    }
    body.append(tr);
  });
  table.append(head, body); box.replaceChildren(table);
  choose(all.find(b => +b.dataset.i === data.selected));
  if (all.length && data.selected < 0) all[0].tabIndex = 0;
  all.find(b => b.dataset.i === held)?.focus({preventScroll: true});  // whoever walks by keyboard stays where they are
  box.scrollLeft = left;
  const chosen = box.querySelector('[aria-pressed="true"]');
  if (first_time && chosen) box.scrollLeft = chosen.getBoundingClientRect().right - box.getBoundingClientRect().right + 60;
}
"""

_board = st.components.v2.component(
    "cutaway_board",
    html='<div class="cutaway-board" role="group"></div>',
    css=_CSS,
    js=_JS,
    isolate_styles=False,
)


def board(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    dark: bool,
    *,
    key: str,
    label: str,
    titles: Sequence[str],
    texts: Sequence[str] | None = None,
    corner: str = "",
    signed: bool | None = None,
    top: float = 0.0,
    dim: Sequence[int] = (),
    off: Sequence[int] = (),
    selected: int = -1,
    cell: tuple[int, int] = (22, 22),
    widest: int = 110,
    on_pick: Callable[[int], None] | None = None,
) -> int | None:
    """Show values (rows, columns) as a table of coloured buttons; the flat index of the one picked in this run, or None.

    `texts` stand in the cells, `titles` (rows * columns of either) are read aloud and show under the pointer. NaN is no
    cell at all. `dim` cells are pale; those that are `off` have no colour and a dashed line. `top` fixes the scale's end; `cell` is
    the least width and the height in pixels, `widest` the greatest width. `on_pick` is called with the index before the
    script runs again.

    Put it in `st.container(key=f"figure-{key}")` and call `exhibit.foot(..., sheet=True)` below: it can be saved then.
    """

    def picked() -> None:
        index = st.session_state[key].get("picked")
        if on_pick is not None and index is not None:
            on_pick(int(index))

    t = theme(dark)
    flat = np.asarray(values, np.float32).ravel()
    painted = paint(flat, dark, signed=signed, top=top)
    shown = texts or [""] * len(flat)
    state = dict.fromkeys(dim, 1) | dict.fromkeys(off, 2)
    cells = [
        None if np.isnan(value) else [text, title, ground, ink, state.get(i, 0)]
        for i, (value, text, title, (ground, ink)) in enumerate(zip(flat, shown, titles, painted, strict=True))
    ]
    result = _board(
        key=key,
        data={
            "cells": cells,
            "rows": list(rows),
            "columns": list(columns),
            "corner": corner,
            "label": label,
            "selected": selected,
            "size": list(cell),
            "widest": widest,
            "tall": max(map(len, columns), default=0) * 8 > max(cell[0], 30) and texts is None,
            "font": FONT,
            "text": t.text,
            "ground": t.ground,
            "line": t.line,
            "accent": t.accent,
        },
        on_picked_change=picked,
    )
    return None if result.picked is None else int(result.picked)
