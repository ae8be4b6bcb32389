"""The captions that a visitor writes, one a line: those that can be read, and a sentence about any that cannot."""

from __future__ import annotations

import streamlit as st

from models.paper import BadInput, Paper, Text

MOST = 16  # captions compared at a time


def captions(paper: Paper) -> tuple[str, ...]:
    """The lines of the field, each once; the names of the paper's samples while nothing stands there."""
    first = tuple(sample.name for sample in paper.samples)
    typed = st.text_area(
        f"Captions, one a line, {MOST} at most",
        key="captions",
        bind="query-params",
        placeholder="\n".join(first),
        height=240,
    )
    lines = tuple(dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip())) or first
    assert paper.captions is not None
    good, trouble = _usable(paper.captions, lines[:MOST])
    if len(lines) > MOST:
        trouble = f"These are {len(lines)} captions; the first {MOST} are compared."
    if trouble:
        st.error(trouble + ("" if good else " The samples' names stand in their place."))
    return good or first


def _usable(kind: Text, lines: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The lines that the network can read, and what is wrong with the first that it cannot."""
    good, trouble = [], ""
    for number, line in enumerate(lines, 1):
        try:
            kind.parse(line)
            good.append(line)
        except BadInput as error:
            trouble = trouble or f"Caption {number}: {error}"
    return tuple(good), trouble
