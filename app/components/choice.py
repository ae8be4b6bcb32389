"""A choice whose address is short: `?paper=lenet5`, while people read the paper's title."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import streamlit as st


def choice(
    control: Callable[..., Any], label: str, names: Mapping[str, str], *, key: str, first: str = "", **rest: Any
) -> str:
    """Let people choose one of `names` (value -> what they read) by st.selectbox, st.segmented_control or the like.

    `st.session_state[key]` is the value, bound to the address: set it to choose from elsewhere. Streamlit writes what
    people read into the address of a bound widget, so that here an unseen text field is bound in the control's stead.
    The control itself has the key "choose-<key>". What is read is understood as well; anything else is `first`, which is
    the first name if empty.
    """
    seen, first = f"choose-{key}", first or next(iter(names))
    known = {name: value for value, name in names.items()} | {value: value for value in names}
    st.session_state[seen] = known.get(unseen(label, known, key=key, first=first), first)

    def chosen() -> None:
        st.session_state[key] = st.session_state[seen]

    control(label, list(names), format_func=names.get, key=seen, on_change=chosen, **rest)
    return st.session_state[seen]


def unseen(label: str, known: Collection[str], *, key: str, first: str) -> str:
    """A choice that is made elsewhere, by a click on a figure: one of `known`, which the address carries, or else `first`.

    `st.session_state[key]` is the value: set it to choose.
    """
    with st.container(key=f"unseen-{key}"):
        value = st.text_input(f"{label}, as the address has it", key=key, bind="query-params")
    return value if value in known else first
