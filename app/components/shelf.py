"""The timeline as one component: an axis with a dot a paper, and below it a lane a track; every paper is a card, a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

_CSS = """
.shelf { color: var(--st-text-color); font-family: var(--st-font); }
.lane { font-size: .82rem; letter-spacing: .06em; text-transform: uppercase; opacity: .7; padding: 1.1rem 0 .5rem; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr)); gap: .9rem; align-items: stretch; }
.axis { position: relative; height: 3.1rem; margin-bottom: .6rem; }
.axis::before { content: ''; position: absolute; left: 0; right: 0; top: 1.05rem; border-top: 1px solid var(--st-border-color); }
.axis span { position: absolute; top: 1.35rem; transform: translateX(-50%); font-size: .75rem; opacity: .6;
  font-variant-numeric: tabular-nums; }
.axis a { position: absolute; top: .65rem; width: .8rem; height: .8rem; border-radius: 50%; transform: translateX(-50%);
  background: var(--st-text-color); border: 2px solid var(--st-background-color); }
.axis a:hover, .axis a:focus-visible { outline: 2px solid var(--st-primary-color); }
a.card { display: flex; flex-direction: column; gap: .55rem; color: inherit; text-decoration: none; padding: .85rem;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  background: var(--st-background-color); box-sizing: border-box; min-width: 0; }
a.card:hover { border-color: var(--st-text-color); }
a.card:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
.card img { width: 100%; image-rendering: pixelated; aspect-ratio: 2 / 1; object-fit: contain;
  background: var(--st-background-color); border-radius: 2px; }
.card h3 { margin: 0; font-size: 1.05rem; line-height: 1.3; font-weight: 600; }
.card p { margin: 0; font-size: .9rem; line-height: 1.45; }
.card .title { font-style: italic; }
.card .who { opacity: .7; font-size: .82rem; }
.card .numbers { display: grid; grid-template-columns: 1fr 1fr; gap: .1rem .8rem; border-top: 1px solid var(--st-border-color);
  padding-top: .55rem; font-size: .82rem; margin-top: auto; }
.card .numbers b { font-size: 1.05rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.card .numbers span { opacity: .7; }
.card .numbers .metric { grid-column: 1 / -1; }
.when { font-size: 1.35rem; line-height: 1; font-variant-numeric: tabular-nums; font-weight: 600; }
@media (max-width: 640px) { .axis { display: none; } }
"""

_JS = """
export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const shelf = parentElement.querySelector('.shelf');
  const make = (tag, name, text) => {
    const e = document.createElement(tag); if (name) e.className = name; if (text) e.textContent = text; return e;
  };
  shelf.replaceChildren();
  const open = (a, slug) => {
    a.href = `paper?paper=${encodeURIComponent(slug)}`;
    a.onclick = e => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return;
      e.preventDefault(); setTriggerValue('open', slug);
    };
  };
  const [first, last] = data.span, at = y => `${1 + 98 * (y - first) / (last - first)}%`;
  const axis = make('div', 'axis'); shelf.append(axis);
  for (let y = first; y <= last; y += 10) {
    const tick = make('span', '', String(y)); tick.style.left = at(y); axis.append(tick);
  }
  for (const c of data.cards) {
    const dot = make('a'); dot.style.left = at(c.year); dot.title = `${c.year}  ${c.name}`;
    dot.setAttribute('aria-label', dot.title); open(dot, c.slug); axis.append(dot);
  }
  for (const track of data.tracks) {
    const cards = data.cards.filter(c => c.track === track), row = make('div', 'row');
    if (!cards.length) continue;
    shelf.append(make('div', 'lane', track), row);
    for (const c of cards) {
      const a = make('a', 'card'); open(a, c.slug);
      a.append(make('span', 'when', `${c.year}`));
      if (c.png) { const img = make('img'); img.src = c.png; img.alt = c.alt; a.append(img); }
      a.append(make('h3', '', c.name));
      if (c.title) a.append(make('p', 'title', c.title));
      a.append(make('p', 'who', c.authors), make('p', '', c.idea));
      const n = make('div', 'numbers');
      n.append(make('span', 'metric', c.metric), make('span', '', 'here'), make('span', '', 'in the paper'),
               make('b', '', c.ours), make('b', '', c.theirs));
      a.append(n);
      row.append(a);
    }
  }
}
"""


@dataclass(frozen=True)
class Card:
    """One paper on the timeline; `png` is a data URL or empty."""

    slug: str
    year: int
    track: str
    name: str
    title: str
    authors: str
    idea: str
    metric: str
    ours: str
    theirs: str
    png: str
    alt: str


_shelf = st.components.v2.component(
    "cutaway_shelf", html='<nav class="shelf" aria-label="Papers by year and track"></nav>', css=_CSS, js=_JS
)


def shelf(cards: Sequence[Card], tracks: Sequence[str], *, key: str) -> str | None:
    """Show the cards by track and year; the slug of the paper opened in this run, or None."""
    years = [card.year for card in cards] or [1950]
    span = (min(years) // 10 * 10, -(-(max(years) + 1) // 10) * 10)  # whole decades around all papers
    data = {"cards": [asdict(card) for card in cards], "tracks": list(tracks), "span": span}
    opened = _shelf(key=key, data=data, on_open_change=lambda: None).open
    return None if opened is None else str(opened)
