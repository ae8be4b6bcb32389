"""What a network says midway as boards of cells: layers by tokens; or, of a picture, layers by classes, and its patches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.components.answer import address, names
from app.components.answers import percent
from app.components.board import board
from app.components.exhibit import foot
from app.components.midway import Midway


def over_text(look: Midway) -> None:
    """Layers down, tokens across. A click chooses the cell."""
    rows, places = range(len(look.rows)), range(len(look.columns))
    _board(look, look.rows, look.columns, rows, places, (38, 22), 64, look.corner)


def over_picture(look: Midway) -> None:
    """What the class token says of the likeliest classes, layer by layer; and what every patch would, at the chosen layer."""
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        st.markdown("**The class token, layer by layer**")
        _classes(look)
    with right:
        st.markdown(f"**What each patch speaks for, {look.where(look.row)}**")
        across = [str(i + 1) for i in range(look.side)]
        _board(look, across, across, [look.row], range(1, look.side**2 + 1), (34, 30), 40, "")


def _classes(look: Midway) -> None:
    """Layers down, classes across. A click chooses both, and the class token as the place."""
    every = np.zeros((len(look.rows), look.size), np.float32)
    np.put_along_axis(every, look.found.ids[:, 0], look.found.shares[:, 0], 1)
    likely = sorted(look.found.ids[-1, 0].tolist())
    called, cells = [names(look.visit.paper)[i] for i in likely], every[:, likely]
    spots = [(row, answer) for row in range(len(look.rows)) for answer in likely]

    def picked(i: int) -> None:
        row, answer = spots[i]
        st.session_state.update(layer=look.found.rows[row], target=address(look.visit.paper, answer), place="0")

    with st.container(key="figure-classes"):
        board(
            cells,
            look.rows,
            called,
            look.visit.dark,
            key="classes",
            label="What the class token says of every class, layer by layer",
            titles=[f"{look.rows[r]}: {names(look.visit.paper)[i]} {percent(float(every[r, i]))}" for r, i in spots],
            texts=[f"{100 * p:.0f}" for p in cells.ravel()],
            corner=look.corner,
            signed=False,
            top=1.0,
            selected=spots.index((look.row, look.target)) if look.target in likely else -1,
            cell=(30, 22),
            widest=48,
            on_pick=picked,
        )
    lead = cells[-1].argmax()
    others = np.flatnonzero(cells.argmax(1) != lead)
    since = int(others[-1]) + 1 if len(others) else 0
    reading = (
        f"Probabilities in per cent. It ends with {called[lead]}, which leads {look.where(since)} and from there on."
    )
    foot(look.visit, key="classes", reading=reading, numbers={"classes": cells}, code=look.code(), sheet=True)


def _board(
    look: Midway,
    down: list[str],
    across: list[str],
    rows: Sequence[int],
    places: Sequence[int],
    cell: tuple[int, int],
    widest: int,
    corner: str,
) -> None:
    """The cells of some rows and places, all in one board."""
    spots = [(row, place) for row in rows for place in places]
    index = tuple(np.array(spots).T)

    def picked(i: int) -> None:
        row, place = spots[i]
        st.session_state.update(layer=look.found.rows[row], place=str(place))

    with st.container(key="figure-lens"):
        board(
            look.colours()[index].reshape(len(down), -1),
            down,
            across,
            look.visit.dark,
            key="lens",
            label="What the network would say at every layer and place",
            titles=[look.title(*spot) for spot in spots],
            texts=look.texts()[index].tolist(),
            corner=corner,
            signed=False,
            top=1.0,
            selected=spots.index((look.row, look.place)) if (look.row, look.place) in spots else -1,
            cell=cell,
            widest=widest,
            on_pick=picked,
        )
    foot(look.visit, key="lens", reading=_reading(look), numbers=look.numbers(), code=look.code(), sheet=True)


def _reading(look: Midway) -> str:
    """How to read the board, with the chosen column's own story."""
    cells = {
        "top": "Each cell has its likeliest answer, the stronger the colour the surer of it.",
        "share": f"Each cell has the probability of {look.called}, in per cent.",
        "rank": f"Each cell has the rank of {look.called} among {look.size:,}; the strongest colour is first.",
    }[look.show]
    ranks, shares = look.way.ranks[:, look.place], look.way.shares[:, look.place]
    leads = f"leads first {look.where(int(np.argmax(ranks == 1)))}" if 1 in ranks else "never leads"
    where = look.columns[look.place]
    return (
        f"{cells} At “{where}”, {look.called} {leads}; it is number {ranks[0]:,} of {look.size:,} in the first row and number "
        f"{ranks[-1]:,} in the last, with {percent(float(shares[-1]))}."
    )
