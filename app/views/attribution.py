"""Attribution: which parts of an input speak for an answer, by every method that can say so, and whether to believe it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from app import session
from app.components.cards import cards
from app.components.evidence import believe, compare
from app.components.exhibit import foot
from app.components.heat import card, large, little
from app.components.methods import Wanted, answered, choose, settings, some
from app.figures.attribution import together
from app.interpret.attribution import METHODS, Attribution, Survey, survey
from app.interpret.prediction import predict
from app.view import View, Visit
from models.paper import ClassScores, Fact, Image


def draw(visit: Visit) -> None:
    """The chosen method large on the left, all methods on the right; below, whether to believe them."""
    found = session.ask(survey, visit.given(np.zeros_like(visit.x), "any input"))
    if not found.methods:
        st.info("No method of Captum works on this network.")
        return
    wanted = choose(visit, found, session.ask(predict, visit))
    working = st.container()  # where progress is shown
    with working:
        one = answered(visit, found, wanted, wanted.method)
        ready = some(visit, found, wanted)
    how = settings(visit, found, wanted, wanted.method)
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        large(visit, one, how, found)
    with right:
        _overview(visit, found, wanted, ready)
    if len(ready) < len(found.methods):
        with working:
            some(visit, found, wanted)
        _again()
    believe(visit, one, how, str(wanted.general["baseline"]))
    compare(visit, ready)


def _again() -> None:
    """Run once more with what is ready by now: the fragment alone where that is possible."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        st.rerun()


def _overview(visit: Visit, found: Survey, wanted: Wanted, ready: Mapping[str, Attribution]) -> None:
    """All methods as cards, those still computed empty; and why the rest is absent."""
    cards(
        [card(visit, name, ready.get(name)) for name in found.methods],
        key="cards",
        label="All methods that work on this network",
        selected=wanted.method,
        on_pick=lambda name: st.session_state.update(method=name),
    )
    foot(
        visit,
        key="methods",
        reading=f"{len(found.methods)} of {len(METHODS)} methods of Captum work here. Each map has a scale of its own: orange "
        "speaks for the answer, blue against it. Off: by how much the map's sum misses the score's change.",
        numbers={name: one.values for name, one in ready.items()},
        png=together([little(visit, one) for one in ready.values()], visit.dark),
    )
    by_reason: dict[str, list[str]] = {}
    for name, reason in found.reasons.items():
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        st.caption(f"Not here: {', '.join(names)}: {reason}.")


VIEW = View(
    "Attribution",
    50,
    (Image | Fact, ClassScores),
    draw,
    "Which parts of your input speak for an answer and which against it, by every method that can say so.",
)
