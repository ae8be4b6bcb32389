"""The rail folded into a bar, on a phone: what the network sees, what it says, and a touch opens the rail."""

from __future__ import annotations

import streamlit as st

_HTML = """
<button type="button">
  <img alt="">
  <span class="said"></span>
  <span class="open">Change input</span>
</button>
"""

_CSS = """
button { display: flex; align-items: center; gap: .75rem; width: 100%; padding: .35rem; cursor: pointer; text-align: left;
  font: inherit; font-family: var(--st-font); font-size: .95rem; color: var(--st-text-color);
  background: var(--st-secondary-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-base-radius); }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: 1px; }
img { width: 2.75rem; height: 2.75rem; image-rendering: pixelated; object-fit: contain; border-radius: 2px; flex: none; }
.said { flex: 1; min-width: 0; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.open { font-size: .85rem; padding: .45rem .7rem; border: 1px solid var(--st-border-color); background: var(--st-background-color);
  border-radius: var(--st-button-radius); white-space: nowrap; }
"""

# Streamlit opens its sidebar by a button of its own in the header. Who comes by the keyboard is led on into the rail.
_JS = """
export default function (component) {
  const { parentElement, data } = component;
  const picture = parentElement.querySelector('img');
  picture.hidden = !data.src; if (data.src) picture.src = data.src;
  parentElement.querySelector('.said').textContent = data.said;
  const button = parentElement.querySelector('button');
  button.setAttribute('aria-label', `${data.given}: ${data.said}. Change the input.`);
  button.onclick = event => {
    document.querySelector('[data-testid=stExpandSidebarButton]')?.click();
    if (!event.detail) setTimeout(() => document.querySelector('.st-key-rail :is(button, input)')?.focus(), 400);
  };
}
"""

_fold = st.components.v2.component("cutaway_fold", html=_HTML, css=_CSS, js=_JS)


def fold(src: str, said: str, given: str, *, key: str) -> None:
    """Show the bar: a picture (data URL), the prediction in a few words, and what the input is called."""
    _fold(key=key, data={"src": src, "said": said, "given": given})
