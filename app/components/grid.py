"""A mosaic one can click: every cell is a button, reachable by mouse, touch and the arrow keys."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import streamlit as st

from app.figures.maps import Mosaic

_CSS = """
.frame { display: grid; grid-template-columns: auto minmax(0, 1fr); font-family: var(--st-font); font-size: .75rem;
  line-height: 1.2; color: color-mix(in srgb, var(--st-text-color) 70%, transparent); }
.across, .down { display: grid; text-align: center; align-items: center; white-space: nowrap; }
.across { grid-column: 2; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); }
.down { grid-auto-rows: minmax(0, 1fr); }
.down span { padding-right: .4rem; text-align: right; }
.sheet { grid-column: 2; position: relative; line-height: 0; width: 100%; }
.sheet img { width: 100%; height: auto; image-rendering: pixelated; display: block; }
.cells { position: absolute; inset: 0; }
.cells button { position: absolute; padding: 0; margin: 0; border: 0; background: transparent; cursor: pointer; }
.cells button:hover { outline: 2px solid var(--st-text-color); outline-offset: -1px; }
.cells button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: -1px; }
.cells button[aria-pressed="true"] { outline: 3px solid var(--st-primary-color); outline-offset: -1px; z-index: 1; }
"""

_JS = """
export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const img = parentElement.querySelector('img'), cells = parentElement.querySelector('.cells');
  const sheet = parentElement.querySelector('.sheet');
  if (img.src !== data.png) img.src = data.png;  // else it would be decoded anew
  img.alt = data.alt;
  for (const [name, texts] of [['across', data.across], ['down', data.down]]) {
    const names = parentElement.querySelector('.' + name);
    names.replaceChildren(...texts.map(text => { const e = document.createElement('span'); e.textContent = text; return e; }));
    names.style.maxWidth = name === 'across' ? data.width + 'px' : '';
  }
  sheet.style.maxWidth = data.width + 'px';
  const [H, W] = data.size, [h, w] = data.cell, n = data.labels.length;
  while (cells.children.length > n) cells.lastChild.remove();
  while (cells.children.length < n) {
    const b = document.createElement('button'); b.type = 'button'; cells.append(b);
  }
  [...cells.children].forEach((b, i) => {
    const x = (i % data.columns) * w, y = Math.floor(i / data.columns) * h;
    b.style.left = 100 * x / W + '%'; b.style.top = 100 * y / H + '%';
    b.style.width = 100 * w / W + '%'; b.style.height = 100 * h / H + '%';
    b.style.display = data.labels[i] ? '' : 'none';
    b.title = data.labels[i]; b.setAttribute('aria-label', data.labels[i]);
    b.setAttribute('aria-pressed', i === data.selected);
    b.tabIndex = i === Math.max(0, data.selected) ? 0 : -1;
    b.onclick = () => {
      [...cells.children].forEach(c => c.setAttribute('aria-pressed', c === b));
      setTriggerValue('picked', i);
    };
    b.onkeydown = e => {
      const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: data.columns, ArrowUp: -data.columns}[e.key];
      const next = step === undefined ? null : cells.children[i + step];
      if (next) { e.preventDefault(); next.focus(); }
    };
  });
}
"""

_grid = st.components.v2.component(
    "cutaway_grid",
    html='<div class="frame"><div class="across" aria-hidden="true"></div><div class="down" aria-hidden="true"></div>'
    '<div class="sheet"><img alt=""><div class="cells" role="group"></div></div></div>',
    css=_CSS,
    js=_JS,
)


def grid(
    mosaic: Mosaic,
    labels: Sequence[str],
    *,
    key: str,
    alt: str,
    selected: int = -1,
    width: int = 720,
    across: Sequence[str] = (),
    down: Sequence[str] = (),
    on_pick: Callable[[int], None] | None = None,
) -> int | None:
    """Show a mosaic `width` pixels wide at most; the index of the cell picked in this run, or None.

    `across` and `down` name its columns and its rows, where they have names. A cell with an empty label is no button.
    `on_pick` is called with it before the script runs again, so that it may set a widget's value in the session.
    """

    def picked() -> None:
        index = st.session_state[key].get("picked")
        if on_pick is not None and index is not None:
            on_pick(int(index))

    result = _grid(
        key=key,
        data={
            "png": "data:image/png;base64," + base64.b64encode(mosaic.png).decode(),
            "alt": alt,
            "labels": list(labels),
            "columns": mosaic.columns,
            "cell": list(mosaic.cell),
            "size": list(mosaic.size),
            "selected": selected,
            "width": width,
            "across": list(across),
            "down": list(down),
        },
        on_picked_change=picked,
    )
    return None if result.picked is None else int(result.picked)
