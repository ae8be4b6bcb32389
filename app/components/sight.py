"""What the network sees: the preprocessing, step by step, and the array at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

_HTML = """
<figure>
  <div class="large"><img alt=""></div>
  <ol aria-label="Steps of the preprocessing"></ol>
  <figcaption aria-live="polite"></figcaption>
</figure>
"""

_CSS = """
figure { margin: 0; display: grid; grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr); gap: .5rem .75rem; align-items: start;
  max-width: 22rem; font-family: var(--st-font); color: var(--st-text-color); font-size: .82rem; line-height: 1.4; }
figure.plain { grid-template-columns: minmax(0, 1fr); }
.large { aspect-ratio: 1; display: grid; place-items: center; }
.plain .large { aspect-ratio: auto; }
.large img { width: 100%; height: 100%; object-fit: contain; image-rendering: pixelated; }
.plain .large img { image-rendering: auto; }
figcaption { grid-column: 1 / -1; opacity: .8; overflow-wrap: anywhere; min-height: 2.8em; }
ol { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: 1px; }
button { display: flex; align-items: center; gap: .45rem; width: 100%; padding: 1px; border: 0; background: none;
  border-radius: var(--st-button-radius); font: inherit; line-height: 1.15; color: inherit; cursor: pointer; text-align: left; }
button img { width: 1.15rem; height: 1.15rem; object-fit: contain; image-rendering: pixelated; flex: none;
  outline: 1px solid var(--st-border-color); outline-offset: -1px; }
button:hover span { text-decoration: underline; }
button[aria-pressed=true] { font-weight: 600; }
button[aria-pressed=true] img { outline: 2px solid var(--st-primary-color); outline-offset: 0; }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: 1px; }
"""

_JS = """
export default function (component) {
  const { parentElement, data } = component;
  const figure = parentElement.querySelector('figure'), list = figure.querySelector('ol');
  const large = figure.querySelector('.large img'), what = figure.querySelector('figcaption');
  const last = data.stages.length - 1;
  const show = () => {
    let i = data.stages.findIndex(s => s.name === figure.step);
    if (i < 0) i = last;
    const stage = data.stages[i];
    large.src = stage.src; large.alt = (i === last ? 'What the network sees: ' : `${stage.name}: `) + stage.what;
    what.textContent = stage.what;
    [...list.children].forEach((li, k) => li.firstChild.setAttribute('aria-pressed', k === i));
  };
  while (list.children.length > data.stages.length) list.lastChild.remove();
  while (list.children.length < data.stages.length) {
    const li = document.createElement('li'); li.innerHTML = '<button type="button"><img alt=""><span></span></button>';
    list.append(li);
  }
  data.stages.forEach((stage, i) => {
    const button = list.children[i].firstChild;
    button.firstChild.src = stage.src; button.lastChild.textContent = stage.name; button.title = stage.what;
    button.onclick = () => { figure.step = i === last ? null : stage.name; show(); };
  });
  list.style.display = last < 1 ? 'none' : ''; figure.className = last < 1 ? 'plain' : '';
  show();
}
"""

_sight = st.components.v2.component("cutaway_sight", html=_HTML, css=_CSS, js=_JS)


@dataclass(frozen=True)
class Stage:
    """One step: its name, a sentence, and its picture as a data URL."""

    name: str
    what: str
    src: str


def sight(stages: Sequence[Stage], *, key: str) -> None:
    """Show the last stage large, all of them as a list; a click shows another one large, without asking the server."""
    _sight(key=key, data={"stages": [asdict(s) for s in stages]})
