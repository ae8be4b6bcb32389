"""How much of what a network reads at once a text takes up, counted while one types."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

# A text area of Streamlit's tells the server what was typed once it is left. This one listens to it, and asks at every pause.
_JS = """
const PAUSE = 250;  // milliseconds without a stroke
export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const meter = parentElement.querySelector('div'), word = parentElement.querySelector('span');
  word.textContent = data.text;
  meter.className = data.over ? 'over' : '';
  parentElement.querySelector('i').style.width = 100 * Math.min(1, data.share) + '%';
  let timer = 0;
  const heard = event => {
    if (!event.target.closest?.('.st-key-' + data.field)) return;
    if (event.type === 'keydown' && !(event.key === 'Enter' && (event.ctrlKey || event.metaKey))) return;
    clearTimeout(timer);  // what is sent by leaving the field or by Ctrl+Enter is counted by that
    if (event.type === 'input')
      timer = setTimeout(() => setTriggerValue('typed', event.target.value.slice(0, data.most)), PAUSE);
  };
  const listen = what => ['input', 'keydown', 'focusout'].forEach(name => document[what](name, meter.heard));
  if (meter.heard) listen('removeEventListener');
  meter.heard = heard;
  listen('addEventListener');
  return () => { clearTimeout(timer); listen('removeEventListener'); };
}
"""

_CSS = """
div { font-family: var(--st-font); font-size: .8rem; color: var(--st-text-color); line-height: 1.3; }
span { opacity: .75; font-variant-numeric: tabular-nums; }
b { display: block; height: 3px; margin-bottom: .2rem; border-radius: 2px; overflow: hidden;
  background: color-mix(in srgb, var(--st-text-color) 12%, transparent); }
i { display: block; height: 100%; background: color-mix(in srgb, var(--st-text-color) 55%, transparent); }
.over span { opacity: 1; font-weight: 600; }
.over i { background: var(--st-text-color); }
"""

_limit = st.components.v2.component(
    "cutaway_limit",
    html='<div role="status"><b aria-hidden="true"><i></i></b><span>\n</span></div>',
    css=_CSS,
    js=_JS,
)


def limit(used: int, context: int, *, field: str, most: int, key: str, on_type: Callable[[str], None]) -> None:
    """Show that `used` of `context` tokens are taken. At every pause in typing, `on_type` is given the text in the text area
    with the key `field`, its first `most` characters: put it into a fragment, and nothing else is run again.
    """
    over = used - context
    text = f"{used:,} of at most {context:,} tokens" + (f": {over:,} too many" if over > 0 else "")

    def typed() -> None:
        text = st.session_state[key].get("typed")
        if text is not None:
            on_type(str(text))

    _limit(
        key=key,
        data={"text": text, "share": used / context, "over": over > 0, "field": field, "most": most},
        on_typed_change=typed,
    )
