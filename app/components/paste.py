"""A picture from the clipboard, pasted anywhere on the page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

import streamlit as st

_JS = """
const SIDE = 1024;  // pixels; no more are read
export default function (component) {
  const { parentElement, setTriggerValue } = component;
  const pasted = async event => {
    const file = [...(event.clipboardData?.files ?? [])].find(f => f.type.startsWith('image/'));
    if (!file) return;
    event.preventDefault();
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture) return setTriggerValue('pasted', '');
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height)), canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    setTriggerValue('pasted', canvas.toDataURL('image/png').split(',')[1]);
  };
  const host = parentElement.querySelector('span');
  if (host.pasted) document.removeEventListener('paste', host.pasted);
  document.addEventListener('paste', host.pasted = pasted);
  return () => document.removeEventListener('paste', host.pasted);
}
"""

_CSS = """
span { font-family: var(--st-font); font-size: .85rem; opacity: .7; color: var(--st-text-color); }
@media (hover: none) { span { display: none; } }
"""

_paste = st.components.v2.component("cutaway_paste", html="<span>\nor paste one: Ctrl+V</span>", css=_CSS, js=_JS)


def paste(*, key: str, on_paste: Callable[[bytes], None]) -> None:
    """Say that pictures can be pasted; `on_paste` is called with the bytes of a PNG file, none if it is unreadable."""

    def pasted() -> None:
        try:
            on_paste(base64.b64decode(st.session_state[key]["pasted"], validate=True))
        except (binascii.Error, TypeError):
            on_paste(b"")

    _paste(key=key, on_pasted_change=pasted)
