"""One layer and place large: the likeliest answers there, and how one answer fares over the layers."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.components.answer import names
from app.components.answers import percent
from app.components.exhibit import exhibit
from app.components.midway import Midway
from app.figures.bars import bars
from app.figures.course import course
from app.figures.words import plain


def cell(look: Midway) -> None:
    """The chosen cell large; and how the chosen answer fares over the layers in this place."""
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        _answers(look)
    with right:
        _course(look)


def _answers(look: Midway) -> None:
    ids, shares = look.found.ids[look.row, look.place], look.found.shares[look.row, look.place]
    called, where = names(look.visit.paper), f"{look.where(look.row)}, at “{look.columns[look.place]}”"
    figure = bars(
        100 * shares,
        [plain(called[int(i)]) for i in ids],
        look.visit.dark,
        title=plain(where[0].upper() + where[1:]),
        axis="probability, %",
        texts=[percent(float(p)) for p in shares],
        strong=np.flatnonzero(ids == look.target).tolist(),
        span=(0.0, 100.0),
    )
    ended = "the stream ended here" if look.of == "resid" else "the stream were this alone"
    reading = f"What it would say if {ended}: {called[int(ids[0])]} first, with {percent(float(shares[0]))}."
    numbers = {"ids": ids, "probabilities": shares}
    exhibit(look.visit, figure, key="cell", reading=reading, numbers=numbers, code=look.code())


def _course(look: Midway) -> None:
    ranks, shares = look.way.ranks[:, look.place], look.way.shares[:, look.place]
    title = plain(f"{look.called} at “{look.columns[look.place]}”, layer by layer")
    figure = course(shares, ranks, look.rows, look.visit.dark, title=title, at=look.row, answers=look.size)
    best = int(shares.argmax())
    reading = (
        f"{look.called} is likeliest {look.where(best)}, with {percent(float(shares[best]))}; rank 1 is the first of "
        f"{look.size:,}. The line marks the chosen layer."
    )
    numbers = {"probabilities": shares, "ranks": ranks}
    exhibit(look.visit, figure, key="course", reading=reading, numbers=numbers, code=look.code())
