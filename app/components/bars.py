"""Horizontal bars that move to their new length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

_CSS = """
ol { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: max-content 1fr max-content;
  gap: .18rem .5rem; align-items: center; font-family: var(--st-font); color: var(--st-text-color); font-size: .85rem; }
li { display: contents; }
.name { max-width: 7rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.name, .value { font-variant-numeric: tabular-nums; line-height: 1.3; opacity: .75; }
.value { text-align: right; }
.rail { height: .7rem; background: color-mix(in srgb, var(--st-text-color) 8%, transparent); border-radius: 2px; }
.bar { height: 100%; border-radius: 2px; min-width: 1px; opacity: .55; transition: width .18s ease-out; }
.first .name, .first .value { font-weight: 600; opacity: 1; }
.first .bar { opacity: 1; }
@media (prefers-reduced-motion: reduce) { .bar { transition: none; } }
"""

_JS = """
export default function (component) {
  const { parentElement, data } = component, list = parentElement.querySelector('ol');
  list.setAttribute('aria-label', data.label);
  while (list.children.length > data.rows.length) list.lastChild.remove();
  while (list.children.length < data.rows.length) {
    const li = document.createElement('li');
    li.innerHTML = '<span class="name"></span><div class="rail"><div class="bar"></div></div><span class="value"></span>';
    list.append(li);
  }
  data.rows.forEach((row, i) => {
    const li = list.children[i], bar = li.querySelector('.bar');
    li.className = row.first ? 'first' : '';
    li.querySelector('.name').textContent = li.querySelector('.name').title = row.name;
    li.querySelector('.value').textContent = row.text;
    bar.style.width = 100 * Math.max(0, Math.min(1, row.share)) + '%'; bar.style.background = data.colour;
  });
}
"""

_bars = st.components.v2.component("cutaway_bars", html="<ol>\n</ol>", css=_CSS, js=_JS)


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its length in 0..1, what stands behind it, and whether it is the winner."""

    name: str
    share: float
    text: str
    first: bool = False


def bars(rows: Sequence[Bar], *, key: str, label: str, colour: str) -> None:
    """Show the bars as a list that reads "name text"; the winner's stands out."""
    _bars(key=key, data={"rows": [asdict(r) for r in rows], "label": label, "colour": colour})
