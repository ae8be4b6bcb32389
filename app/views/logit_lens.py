"""Logit lens: what the network would say if it stopped midway, at every layer and place."""

from __future__ import annotations

import streamlit as st

from app import session
from app.components.answer import choose_answer
from app.components.asked import translated
from app.components.cell import cell
from app.components.choice import choice, unseen
from app.components.layers import over_picture, over_text
from app.components.midway import Midway
from app.interpret.answers import answers
from app.interpret.logit_lens import course, reading
from app.view import View, Visit
from models.paper import ClassScores, Image, MaskedToken, NextToken, Paper, Translation

KINDS = {
    "resid": "the stream",
    "attn_out": "attention alone",
    "cross_attn_out": "look across alone",
    "mlp_out": "MLP alone",
}
SHOWN = {"top": "the likeliest", "share": "probability of", "rank": "rank of"}
ASSUMES = (
    "The stream midway is read by what reads its end: the last normalisation, then the scores. That takes for granted that the "
    "layers between only add to what is written in the scores' own terms already; where they would turn it into something else, "
    "a row says less than the network knows."
)
ALONE = " What one part adds is read as if it were the whole stream."
OTHERS = " Only the class token was ever trained to be read: any other is read as if it stood in its place."


def kinds(paper: Paper) -> dict[str, str]:
    """What can be read of a network: its stream, and each part that it declares to add to it."""
    base, declared = paper.stream.rpartition(".")[0], {probe.path for probe in paper.probes}
    return {of: name for of, name in KINDS.items() if of == "resid" or f"{base}.hook_{of}" in declared}


def draw(visit: Visit) -> None:
    """The board of all layers and places; below it, one cell large and the course of one answer over the layers."""
    visit = translated(visit)
    look = _look(visit)
    (over_picture if isinstance(visit.paper.takes, Image) else over_text)(look)
    cell(look)
    classes = isinstance(visit.paper.gives, ClassScores)
    st.caption(ASSUMES + ALONE * (look.of != "resid") + OTHERS * classes)


def _look(visit: Visit) -> Midway:
    """The widgets that say what is read and shown; all are in the address."""
    said = session.ask(answers, visit)
    with st.container(horizontal=True, vertical_alignment="bottom", key="look"):
        of = choice(st.segmented_control, "What is read", kinds(visit.paper), key="of", required=True)
        show = choice(st.segmented_control, "Cells show", SHOWN, key="show", required=True)
        with st.spinner("TransformerLens is starting: the first time takes some seconds."):
            found = session.ask(reading, visit, of=of)
        row = found.rows.index(unseen("Layer", found.rows, key="layer", first=found.rows[-1]))
        places = [str(i) for i in range(found.ids.shape[1])]
        place = int(unseen("Place", places, key="place", first=str(said.place)))
        likely = [int(i) for i in said.ids[0 if isinstance(visit.paper.gives, ClassScores) else place]]
        target = choose_answer(visit, "Answer", likely, first=likely[0])
    return Midway(visit, of, show, found, session.ask(course, visit, of=of, target=target), row, place, target)


VIEW = View(
    "Logit lens",
    24,
    ("stream", NextToken | MaskedToken | Translation | ClassScores),
    draw,
    "What the network would say if it stopped midway: the likeliest answer at every layer and place.",
)
