"""A text, token by token, each a button: coloured by a value, picked by mouse, touch or the arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from app.figures.words import paint, shown
from app.view import Visit
from models.paper import Text, TextPair, Token

_CSS = """
.strip { font-family: var(--st-font); font-size: .95rem; line-height: 1.95; color: var(--st-text-color);
  overflow-wrap: anywhere; }
.strip button { font: inherit; line-height: 1.35; color: inherit; border: 0; border-radius: 3px; margin: 0 1px 0 0;
  padding: .1rem;
  background: color-mix(in srgb, var(--st-text-color) 7%, transparent); cursor: pointer; white-space: pre-wrap; min-width: .7rem; }
.strip button.special { opacity: .65; font-size: .8em; }
.strip button:hover { outline: 2px solid var(--st-text-color); }
.strip button:focus-visible { outline: 3px solid var(--st-text-color); }
.strip button[aria-pressed="true"] { outline: 3px solid var(--st-primary-color); }
"""

_JS = """
export default function (component) {
  const { parentElement, data, setTriggerValue } = component, strip = parentElement.querySelector('.strip');
  strip.setAttribute('aria-label', data.label);
  const held = [...strip.querySelectorAll('button')].indexOf(strip.getRootNode().activeElement);
  strip.replaceChildren();
  const all = data.tokens.map((token, i) => {
    const b = document.createElement('button');
    b.type = 'button'; b.textContent = token.text; b.title = token.title;
    b.setAttribute('aria-label', `${token.text}: ${token.title}`);
    b.setAttribute('aria-pressed', i === data.selected);
    if (token.ground) { b.style.background = token.ground; b.style.color = token.ink; }
    b.classList.toggle('special', token.special);
    b.tabIndex = i === Math.max(0, data.selected) ? 0 : -1;
    b.onclick = () => { all.forEach(o => o.setAttribute('aria-pressed', o === b)); setTriggerValue('picked', i); };
    b.onkeydown = e => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[e.key], next = step === undefined ? null : all[i + step];
      if (next) { e.preventDefault(); next.focus(); }
    };
    strip.append(b);
    if (token.text.endsWith('⏎')) strip.append(document.createElement('br'));
    return b;
  });
  all[held]?.focus({preventScroll: true});  // whoever walks by keyboard stays where they are
}
"""

_strip = st.components.v2.component(
    "cutaway_strip",
    html='<div class="strip" role="group" data-sheet></div>',  # what `exhibit.foot(..., sheet=True)` saves
    css=_CSS,
    js=_JS,
    isolate_styles=False,
)


def sides(visit: Visit) -> tuple[tuple[Token, ...], ...]:
    """The tokens of the visitor's text, (tokens,), or of a sentence and its translation, (source, target)."""
    takes = visit.paper.takes
    if isinstance(takes, TextPair):
        return takes.tokens(visit.source)
    assert isinstance(takes, Text)
    return (takes.tokens(visit.source),)


def strip(
    texts: Sequence[str],
    titles: Sequence[str],
    dark: bool,
    *,
    key: str,
    label: str,
    values: np.ndarray | None = None,
    signed: bool | None = None,
    top: float = 0.0,
    special: Sequence[int] = (),
    selected: int = -1,
    on_pick: Callable[[int], None] | None = None,
) -> int | None:
    """Show tokens in reading order; the place of the one picked in this run, or None.

    `titles` show under the pointer. `values` (tokens,) colour them on the common scales, NaN not at all. `on_pick` is
    called with the place before the script runs again, so that it may set a widget's value in the session.
    """

    def picked() -> None:
        place = st.session_state[key].get("picked")
        if on_pick is not None and place is not None:
            on_pick(int(place))

    grounds = [("", "")] * len(texts) if values is None else paint(values, dark, signed=signed, top=top)
    rows = [
        {"text": shown(text), "title": title, "ground": ground, "ink": ink, "special": place in special}
        for place, (text, title, (ground, ink)) in enumerate(zip(texts, titles, grounds, strict=True))
    ]
    result = _strip(key=key, data={"tokens": rows, "label": label, "selected": selected}, on_picked_change=picked)
    return None if result.picked is None else int(result.picked)
