"""The timeline as one component: tracks are lanes, years are columns, every paper is a card that is a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

_CSS = """
.shelf { display: grid; gap: 0 1.25rem; overflow-x: auto; padding: 2px 2px .75rem; color: var(--st-text-color);
  font-family: var(--st-font); align-items: start; }
.year { font-size: 1.35rem; font-variant-numeric: tabular-nums; font-weight: 600; padding: .2rem 0 .45rem;
  border-bottom: 2px solid var(--st-text-color); position: relative; white-space: nowrap; }
.year small { font-size: .78rem; font-weight: 400; opacity: .65; padding-left: .6rem; }
.axis { grid-column: 1 / -1; position: relative; height: 3.1rem; margin-bottom: .6rem; }
.axis::before { content: ''; position: absolute; left: 0; right: 0; top: 1.05rem; border-top: 1px solid var(--st-border-color); }
.axis span { position: absolute; top: 1.35rem; transform: translateX(-50%); font-size: .75rem; opacity: .6;
  font-variant-numeric: tabular-nums; }
.axis a { position: absolute; top: .65rem; width: .8rem; height: .8rem; border-radius: 50%; transform: translateX(-50%);
  background: var(--st-text-color); border: 2px solid var(--st-background-color); }
.axis a:hover, .axis a:focus-visible { outline: 2px solid var(--st-primary-color); }
.lane { grid-column: 1 / -1; font-size: .82rem; letter-spacing: .06em; text-transform: uppercase; opacity: .7;
  padding: 1.1rem 0 .5rem; position: sticky; left: 0; }
a.card { display: flex; flex-direction: column; gap: .55rem; color: inherit; text-decoration: none; padding: .85rem;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); margin-bottom: .9rem;
  background: var(--st-background-color); min-width: 15rem; }
a.card:hover { border-color: var(--st-text-color); }
a.card:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
.card img { width: 100%; image-rendering: pixelated; aspect-ratio: 2 / 1; object-fit: contain;
  background: var(--st-background-color); border-radius: 2px; }
.card h3 { margin: 0; font-size: 1.05rem; line-height: 1.3; font-weight: 600; }
.card p { margin: 0; font-size: .9rem; line-height: 1.45; }
.card .title { font-style: italic; }
.card .who { opacity: .7; font-size: .82rem; }
.card .numbers { display: grid; grid-template-columns: 1fr 1fr; gap: .1rem .8rem; border-top: 1px solid var(--st-border-color);
  padding-top: .55rem; font-size: .82rem; }
.card .numbers b { font-size: 1.05rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.card .numbers span { opacity: .7; }
.card .numbers .metric { grid-column: 1 / -1; }
.when { display: none; font-size: .82rem; opacity: .7; }
@media (max-width: 640px) {
  .shelf { display: flex; flex-direction: column; align-items: stretch; }
  .year, .axis { display: none; }
  .when { display: block; }
  .lane { position: static; }
}
"""

_JS = """
export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const shelf = parentElement.querySelector('.shelf');
  const make = (tag, name, text) => {
    const e = document.createElement(tag); if (name) e.className = name; if (text) e.textContent = text; return e;
  };
  shelf.replaceChildren();
  const years = [...new Set(data.cards.map(c => c.year))].sort();
  shelf.style.gridTemplateColumns = `repeat(${years.length}, minmax(15rem, 1fr))`;
  const open = (a, slug) => {
    a.href = `paper?paper=${encodeURIComponent(slug)}`;
    a.onclick = e => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return;
      e.preventDefault(); setTriggerValue('open', slug);
    };
  };
  const [first, last] = data.span, at = y => `${1 + 98 * (y - first) / (last - first)}%`;
  const axis = make('div', 'axis'); axis.style.gridRow = 1; shelf.append(axis);
  for (let y = first; y <= last; y += 10) {
    const tick = make('span', '', String(y)); tick.style.left = at(y); axis.append(tick);
  }
  for (const c of data.cards) {
    const dot = make('a'); dot.style.left = at(c.year); dot.title = `${c.year}  ${c.name}`;
    dot.setAttribute('aria-label', dot.title); open(dot, c.slug); axis.append(dot);
  }
  years.forEach((y, i) => {
    const e = make('div', 'year', String(y)); e.style.gridColumn = i + 1; e.style.gridRow = 2;
    if (i) e.append(make('small', '', `${y - years[i - 1]} years later`));
    shelf.append(e);
  });
  let row = 3;
  for (const track of data.tracks) {
    const cards = data.cards.filter(c => c.track === track);
    if (!cards.length) continue;
    const lane = make('div', 'lane', track); lane.style.gridRow = row++; shelf.append(lane);
    const depth = {};
    for (const c of cards) {
      const a = make('a', 'card'); open(a, c.slug);
      a.style.gridColumn = years.indexOf(c.year) + 1;
      a.style.gridRow = row + (depth[c.year] = (depth[c.year] ?? -1) + 1);
      a.append(make('span', 'when', `${c.year}`));
      if (c.png) { const img = make('img'); img.src = c.png; img.alt = c.alt; a.append(img); }
      a.append(make('h3', '', c.name));
      if (c.title) a.append(make('p', 'title', c.title));
      a.append(make('p', 'who', c.authors), make('p', '', c.idea));
      const n = make('div', 'numbers');
      n.append(make('span', 'metric', c.metric), make('span', '', 'here'), make('span', '', 'in the paper'),
               make('b', '', c.ours), make('b', '', c.theirs));
      a.append(n);
      shelf.append(a);
    }
    row += Math.max(...Object.values(depth)) + 1;
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
