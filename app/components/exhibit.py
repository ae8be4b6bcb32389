"""How every figure is shown: the figure, one sentence on how to read it, and a way to take it away."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.components.download import save_as
from app.view import Visit

CONFIG = {"displayModeBar": False, "scrollZoom": False}


def exhibit(
    visit: Visit,
    figure: go.Figure,
    *,
    key: str,
    reading: str,
    numbers: Mapping[str, np.ndarray],
    code: str = "",
    on_select: Callable[[], None] | None = None,
    fresh: str = "",
) -> Any:
    """Draw a Plotly figure with its sentence and its take-away; returns Streamlit's selection state with `on_select`.

    The selection is at `st.session_state[key + fresh]`: it is forgotten where `fresh` changes, and can be made anew.
    """
    title = figure.layout.title.text or key
    with st.container(key=f"figure-{key}"):
        chosen: Any
        if on_select is None:
            chosen = st.plotly_chart(figure, key=key, config=CONFIG, theme=None, alt=f"{title}. {reading}")
        else:
            chosen = st.plotly_chart(
                figure,
                key=key + fresh,
                config=CONFIG,
                theme=None,
                alt=f"{title}. {reading}",
                on_select=on_select,
                selection_mode="points",
            )
    foot(
        visit, key=key, reading=reading, numbers=numbers, code=code, html=lambda: figure.to_html(include_plotlyjs="cdn")
    )
    return chosen


def foot(
    visit: Visit,
    *,
    key: str,
    reading: str,
    numbers: Mapping[str, np.ndarray],
    code: str = "",
    html: Callable[[], str] | None = None,
    sheet: bool = False,
    png: bytes | Callable[[], bytes] | None = None,
) -> None:
    """The sentence under a figure, and its take-away: picture, numbers, permalink, snippet. For what is no Plotly figure too.

    `sheet`: the container "figure-<key>" holds a table or a page that can be saved as it is seen.
    """
    with st.container(gap="xsmall", key=f"foot-{key}"):
        st.caption(reading)
        with st.popover("Take away", type="tertiary", key=f"take-{key}"):
            name = f"{visit.paper.slug.replace('/', '-')}-{key}"
            if html is not None or sheet:
                save_as(f"figure-{key}", name)
            if html is not None:
                st.download_button("HTML", html, f"{name}.html", "text/html", key=f"html-{key}", on_click="ignore")
            if png is not None:
                st.download_button("PNG", png, f"{name}.png", "image/png", key=f"png-{key}", on_click="ignore")
            st.download_button("Numbers, npz", lambda: npz(numbers), f"{name}.npz", key=f"npz-{key}", on_click="ignore")
            st.download_button(
                "Numbers, csv", lambda: table(numbers), f"{name}.csv", key=f"csv-{key}", on_click="ignore"
            )
            st.caption("The page's address is the permalink of what you see.")
            if code:
                st.code(code, language="python")


def npz(numbers: Mapping[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    arrays: dict[str, Any] = {k: np.asarray(v) for k, v in numbers.items()}
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def table(numbers: Mapping[str, np.ndarray]) -> bytes:
    """Long form: array, index (dots between the axes), value; one line a number."""
    file = io.StringIO()
    out = csv.writer(file)
    out.writerow(("array", "index", "value"))
    for name, values in numbers.items():
        for index, value in np.ndenumerate(np.asarray(values)):
            out.writerow((name, ".".join(map(str, index)), value))
    return file.getvalue().encode()
