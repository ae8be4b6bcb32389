"""The words of a text and who lies near them: all in a table, one of them as bars."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.components.board import board
from app.components.choice import choice
from app.components.exhibit import exhibit, foot
from app.figures.bars import bars
from app.figures.words import literal
from app.interpret.embedding import Neighbours
from app.view import Visit

ROWS, COLUMNS = 16, 5  # of the table
NTH = ("nearest", "second", "third", "fourth", "fifth")


def chosen(found: Neighbours) -> int:
    """The widget that chooses a word of the text, in the address as "word"; its place."""
    names = {name: name for name in found.names}
    return found.names.index(choice(st.selectbox, "Word of your text", names, key="word", width=180))


def nearest(visit: Visit, found: Neighbours, word: int, least: float, code: str) -> None:
    """The table on the left, its colours from a cosine of `least` on; the chosen word's bars on the right."""
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        _table(visit, found, word, least, code)
    with right:
        _bars(visit, found, word, code)


def _table(visit: Visit, found: Neighbours, word: int, least: float, code: str) -> None:
    """A row a word; a click on it chooses the word."""
    rows = min(len(found.names), ROWS)
    names = [[found.names[i], *found.near_names[i][:COLUMNS]] for i in range(rows)]
    cosines = found.cosines[:rows, :COLUMNS]
    colours = np.column_stack([np.zeros(rows), (cosines - least).clip(0)])  # none for the words of the text
    st.markdown("**The nearest words to each of yours**")
    with st.container(key="figure-nearest"):
        board(
            colours,
            [""] * rows,
            ["your word", *NTH],
            visit.dark,
            key="nearest",
            label="Each word of your text and the words nearest to it; a click chooses the word",
            titles=[
                title
                for (name, *near), line in zip(names, cosines, strict=True)
                for title in (
                    f"{name}, of your text",
                    *(f"{n}: cosine {c:.2f}" for n, c in zip(near, line, strict=True)),
                )
            ],
            texts=[name for row in names for name in row],
            signed=False,
            top=1 - least,
            selected=word * (COLUMNS + 1) if word < rows else -1,
            cell=(70, 28),
            on_pick=lambda i: st.session_state.update(word=found.names[i // (COLUMNS + 1)]),
        )
    first = found.cosines[:, 0]
    most, alone = int(first.argmax()), int(first.argmin())
    closest = (
        f"Closest of all: “{literal(found.names[most])}” and “{literal(found.near_names[most][0])}” ({first[most]:.2f})"
    )
    lonely = f"; most alone: “{literal(found.names[alone])}”, with nobody nearer than {first[alone]:.2f}"
    foot(
        visit,
        key="nearest",
        reading=f"{closest}{lonely if alone != most else ''}. Nearness is the cosine of the angle between two words' vectors: "
        f"no colour at {least:.2f} or less, full colour at 1, the same direction."
        + (f" These are the first {rows} of {len(found.names)} different words." if rows < len(found.names) else ""),
        numbers={
            "words": np.array(found.names),
            "neighbours": np.array(found.near_names),
            "cosines": found.cosines,
            "mean_cosine_with_all": found.usual,
        },
        code=code,
        sheet=True,
    )


def _bars(visit: Visit, found: Neighbours, word: int, code: str) -> None:
    """The chosen word's nearest, and how near an average word is."""
    name, near, cosines = found.names[word], found.near_names[word], found.cosines[word]
    figure = bars(
        cosines,
        near,
        visit.dark,
        title=f"Nearest to “{name}”",
        axis="cosine of the angle: 1 is the same direction",
        texts=[f"{c:.2f}" for c in cosines],
        strong=(0,),
        span=(0.0, 1.0),
    )
    exhibit(
        visit,
        figure,
        key="near",
        reading=f"“{literal(near[0])}” is nearest to “{literal(name)}”, at a cosine of {cosines[0]:.2f}; number {len(near)}, "
        f"“{literal(near[-1])}”, has {cosines[-1]:.2f}, and the mean of all words is {found.usual[word]:.2f}.",
        numbers={"neighbours": np.array(near), "cosines": cosines},
        code=code,
    )
