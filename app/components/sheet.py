"""A sheet of maps at one of several moments, on one scale for all, so that a change of colour is a change of value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.components.exhibit import foot
from app.components.grid import grid
from app.figures.maps import mosaic
from app.view import Visit

CELL, WIDTH = 20, 320  # pixels of the side of a small map, of the sheet: points are enlarged so that lines stay thin


def sheet(
    visit: Visit,
    moments: Sequence[np.ndarray],
    at: int,
    *,
    key: str,
    title: str,
    what: str,
    code: str,
    signed: bool | None = None,
) -> None:
    """Draw `moments[at]`, (n, height, width).

    The scale ends at the largest value of the last moment, or of a middling one where that is larger: a single moment of
    large values would make all others pale. What lies beyond has the end's colour.
    """
    values, tops = moments[at], [float(np.abs(m).max()) for m in moments]
    top = max(tops[-1], float(np.median(tops))) or max(tops) or 1.0
    signed = any((m < 0).any() for m in moments) if signed is None else signed
    n, h, w = values.shape
    columns = max(1, round((1.5 * n * h / w) ** 0.5))
    k = max(1, (min(CELL, WIDTH // columns) if n > 1 else WIDTH) // w)
    room = k if n > 1 and w < CELL // 2 and w > 1 else 0  # a margin of ground sets small kernels apart
    large = np.pad(values.repeat(k, 1).repeat(k, 2), ((0, 0), (room, room), (room, room)))
    picture = mosaic(large, visit.dark, columns=min(n, columns), signed=signed, top=top)
    st.markdown(f"**{title}**")
    grid(picture, [], key=f"sheet-{key}", alt=title, width=min(720, 4 * picture.size[1]))
    ends = f"{-top if signed else 0:.3g} to {top:.3g}"
    beyond = "; what lies beyond has the end's colour" if tops[at] > 1.001 * top else ""
    reading = f"{what} from {values.min():.3g} to {values.max():.3g}. The scale is {ends} at every step{beyond}."
    foot(visit, key=key, reading=reading, numbers={key: values}, code=code, png=picture.png)
