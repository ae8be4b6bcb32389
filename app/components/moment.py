"""The scrubber: a moment of training, by its step, with a button that plays them all."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.components.choice import choice
from app.components.player import player


def played(steps: Sequence[int], width: int = 380) -> int:
    """The step that the scrubber stands at, at first the last; kept in the address as "step". For a horizontal container."""
    play = st.container(width="content")
    marks = {str(s): f"{s:,}" for s in steps}
    label = "Moment of training, in steps"
    at = int(choice(st.select_slider, label, marks, key="step", first=str(steps[-1]), width=width))
    with play:
        player(
            steps.index(at), len(steps) - 1, key="play", on_step=lambda i: st.session_state.update(step=str(steps[i]))
        )
    return at
