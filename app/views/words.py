"""Words: who lies near each word of a text, what a is to b as c is to, and a map of them all."""

from __future__ import annotations

import streamlit as st

from app import session
from app.components.atlas import atlas
from app.components.moment import played
from app.components.nearest import chosen, nearest
from app.components.question import answered, asked
from app.interpret.embedding import neighbours
from app.view import View, Visit
from models import checkpoint
from models.paper import Embedding, Text


def draw(visit: Visit) -> None:
    """A moment of training and a word are chosen on top; below are neighbours, an analogy, and the map of both."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step = _moment(visit)
        found = session.ask(neighbours, visit, step=step)
        word = chosen(found)
    least = float(
        session.ask(neighbours, visit).cosines.min()
    )  # at the end, so that colours mean the same at every moment
    nearest(visit, found, word, least, _code(visit, step, "neighbours") + "))")
    st.subheader("Analogies", anchor=False)
    left, right = st.columns([1, 1.3], gap="large")
    with left:
        answer = asked(visit, step)
    with right:
        answered(visit, answer, f"{_code(visit, step, 'analogies')}, ({answer.given_names!r},)))")
    atlas(visit, step, found, word, answer, _code(visit, step, "plane"))


def _moment(visit: Visit) -> int | None:
    """The scrubber, where there are snapshots; None at the end of training."""
    steps = checkpoint.snapshots(visit.paper.slug)
    at = played(steps) if len(steps) > 1 else None
    return None if steps and at == steps[-1] else at


def _code(visit: Visit, step: int | None, name: str) -> str:
    """A snippet up to the call's first arguments."""
    at = "" if step is None else f", step={step}"
    return (
        f"import models\nfrom app.interpret.embedding import {name}\n\n"
        f'net = models.load("{visit.paper.slug}"{at})\nx = net.paper.takes.parse({str(visit.source)!r})\n'
        f"print({name}(net.module, net.paper, x"
    )


VIEW = View(
    "Words",
    8,
    (Text, Embedding, "analogies"),
    draw,
    "The words nearest to each of yours, what a word is to another as a third is to, and a map of them all.",
)
