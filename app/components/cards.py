"""Cards one can pick from: a small map, a name and a line each; reachable by mouse, touch and the arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

_CSS = """
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.1rem, 1fr)); gap: .45rem;
  font-family: var(--st-font); color: var(--st-text-color); padding: 3px; }
button { all: unset; box-sizing: border-box; cursor: pointer; display: flex; flex-direction: column; gap: .15rem;
  padding: .35rem; border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); min-width: 0; }
button:hover { border-color: var(--st-text-color); }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: 1px; }
button[aria-pressed="true"] { outline: 3px solid var(--st-primary-color); outline-offset: -1px; }
.map { width: 100%; aspect-ratio: 1; display: flex; align-items: center; justify-content: center; }
.map img { width: 100%; height: 100%; object-fit: contain; image-rendering: pixelated; display: block; }
.map.waits { background: color-mix(in srgb, var(--st-text-color) 5%, transparent); font-size: .75rem; }
.name { font-size: .74rem; font-weight: 600; line-height: 1.25; overflow-wrap: anywhere; }
.line { font-size: .7rem; opacity: .72; line-height: 1.3; font-variant-numeric: tabular-nums; }
"""

_JS = """
export default function (component) {
  const { parentElement, data, setTriggerValue } = component, box = parentElement.querySelector('.cards');
  const all = () => [...box.children];
  box.setAttribute('aria-label', data.label);
  while (box.children.length > data.cards.length) box.lastChild.remove();
  while (box.children.length < data.cards.length) {
    const b = document.createElement('button'); b.type = 'button';
    b.innerHTML = '<span class="map"></span><span class="name"></span><span class="line"></span>';
    box.append(b);
  }
  const at = Math.max(0, data.cards.findIndex(c => c.name === data.selected));
  data.cards.forEach((card, i) => {
    const b = box.children[i], map = b.querySelector('.map');
    const long = card.name.replace(/[A-Z]?[a-z]{11,}/g, word => word.slice(0, -8) + '\\u00ad' + word.slice(-8));
    const spaced = long.replace(/([a-z])([A-Z])/g, '$1\\u200b$2');
    b.querySelector('.name').textContent = spaced;
    b.querySelector('.line').textContent = card.line;
    b.title = card.about; b.setAttribute('aria-pressed', card.name === data.selected); b.tabIndex = i === at ? 0 : -1;
    map.classList.toggle('waits', !card.picture);
    let img = map.querySelector('img');
    if (card.picture) {
      if (!img) { map.textContent = ''; img = document.createElement('img'); map.append(img); }
      if (img.src !== card.picture) img.src = card.picture;
      img.alt = '';
    } else { map.textContent = 'computing'; }
    b.onclick = () => {
      all().forEach(o => o.setAttribute('aria-pressed', o === b));
      setTriggerValue('picked', card.name);
    };
    b.onkeydown = e => {
      const columns = getComputedStyle(box).gridTemplateColumns.split(' ').length;
      const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns}[e.key];
      const next = step === undefined ? null : box.children[i + step];
      if (next) { e.preventDefault(); next.focus(); }
    };
  });
}
"""

_cards = st.components.v2.component("cutaway_cards", html='<div class="cards" role="group"></div>', css=_CSS, js=_JS)


@dataclass(frozen=True)
class Card:
    """A name, the line below it, what a pointer that rests on it is told, and a picture as a data URL ("": it waits)."""

    name: str
    line: str
    about: str
    picture: str = ""


def cards(shown: Sequence[Card], *, key: str, label: str, selected: str, on_pick: Callable[[str], None]) -> None:
    """Show cards; `on_pick` is called with the name of a picked one before the script runs again."""

    def picked() -> None:
        name = st.session_state[key].get("picked")
        if name is not None:
            on_pick(str(name))

    _cards(
        key=key,
        data={"cards": [asdict(card) for card in shown], "selected": selected, "label": label},
        on_picked_change=picked,
    )
