"""Curves over a training with a dot at every snapshot; a click on a dot goes to that step."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.components.exhibit import exhibit
from app.figures.curves import Line, curves
from app.view import Visit


def curve(
    visit: Visit,
    lines: Sequence[Line],
    steps: Sequence[int],
    at: int,
    *,
    key: str,
    title: str,
    axis: str,
    log: bool,
    reading: str,
    code: str = "",
    span: tuple[float, float] | None = None,
) -> None:
    """Draw `lines`; the dots lie on the first one, at `steps`; the chosen one is kept under "step"."""

    def picked() -> None:
        dots = [point["customdata"] for point in st.session_state[key].selection.points if "customdata" in point]
        chosen = [int(d[0] if isinstance(d, list) else d) for d in dots]
        if chosen:
            st.session_state["step"] = str(min(steps, key=lambda s: abs(s - chosen[0])))

    exhibit(
        visit,
        curves(lines, visit.dark, title=title, axis=axis, log=log, moments=steps, at=at, span=span),
        key=key,
        reading=reading,
        numbers={f"{line.name}, {k}": v for line in lines for k, v in (("step", line.steps), ("value", line.values))},
        code=code,
        on_select=picked,
    )
