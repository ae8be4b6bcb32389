"""Play: one button that walks through moments, each step only once the one before is drawn; it stops at the end."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

_CSS = """
button { font: inherit; color: var(--st-text-color); background: var(--st-background-color); cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); min-width: 5.5rem; height: 2.5rem;
  padding: 0 .8rem; display: inline-flex; align-items: center; justify-content: center; gap: .5rem; }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
svg { width: .8rem; height: .8rem; fill: currentColor; }
"""

_JS = """
const players = new WeakMap();
export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const button = parentElement.querySelector('button'), word = parentElement.querySelector('span');
  const path = parentElement.querySelector('path');
  const mine = players.get(parentElement) ?? {on: false, timer: 0};
  players.set(parentElement, mine);
  const show = () => {
    word.textContent = mine.on ? 'Pause' : 'Play';
    path.setAttribute('d', mine.on ? 'M1 0h3v10H1zM6 0h3v10H6z' : 'M1 0l9 5-9 5z');
  };
  const go = (to) => setTriggerValue('to', to);
  const after = (wait) => {
    clearTimeout(mine.timer);
    if (!mine.on) return;
    if (data.at >= data.last) { mine.on = false; return show(); }
    mine.timer = setTimeout(() => { go(data.at + 1); after(4000); }, wait);
  };
  button.onclick = () => {
    mine.on = !mine.on; show();
    if (mine.on && data.at >= data.last) { go(0); clearTimeout(mine.timer); } else after(150);
  };
  show(); after(data.wait);
  return () => clearTimeout(mine.timer);
}
"""

_player = st.components.v2.component(
    "cutaway_player",
    html='<button type="button"><svg viewBox="0 0 10 10" aria-hidden="true"><path/></svg><span></span></button>',
    css=_CSS,
    js=_JS,
)


def player(at: int, last: int, *, key: str, on_step: Callable[[int], None], wait: int = 700) -> None:
    """A Play button for moments 0 to `last`, of which `at` is shown; `on_step` is called with the next, a `wait` (ms) later."""

    def stepped() -> None:
        to = st.session_state[key].get("to")
        if to is not None:
            on_step(min(max(int(to), 0), last))

    _player(key=key, data={"at": at, "last": last, "wait": wait}, on_to_change=stepped, width="content")
