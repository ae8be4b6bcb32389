"""A fact as the input: a person and a relation, each chosen from a list."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.sight import Stage
from app.figures import pictures
from app.figures.maps import mosaic
from app.view import Visit
from models.data.samples import sample_bytes
from models.paper import Fact, Paper


def give(paper: Paper) -> Visit:
    """A person and a relation, asked together."""
    takes = paper.takes
    assert isinstance(takes, Fact)
    first = takes.parse(sample_bytes(paper, paper.samples[0]))[0]
    person, relation = np.flatnonzero(first)
    who = st.selectbox("Person", takes.people, index=int(person), key="person", bind="query-params")
    has = takes.relations
    what = st.selectbox("has", has, index=int(relation) - len(takes.people), key="relation", bind="query-params")
    return session.visit(paper, f"{who} has-{what}", f"“{who} has {what}”")


def stages(visit: Visit) -> tuple[Stage, ...]:
    """The one-hot units as squares, people first, the relations in the last row."""
    takes, x = visit.paper.takes, visit.x[0]
    assert isinstance(takes, Fact)
    on = [takes.labels[i] for i in np.flatnonzero(x)]
    what = f"{x.size} units, of which two are on: {on[0]} among the people, {on[1]} among the relations. All others are off."
    squares = np.broadcast_to(x[:, None, None], (x.size, 31, 31))
    return (
        Stage("one unit a word", what, pictures.url(mosaic(squares, visit.dark, columns=len(takes.relations)).png)),
    )
