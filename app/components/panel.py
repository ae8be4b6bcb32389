"""The input panel in the rail: draw, type, upload, camera, samples; what the network sees; what it says.

One input is chosen at a time, and it goes with the visitor from view to view and from paper to paper. What cannot be
used is answered by one sentence, and the input before it stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app import session
from app.components import give_fact, give_picture, give_text
from app.components.answers import percent
from app.components.bars import Bar, bars
from app.components.fold import fold
from app.components.sight import Stage, sight
from app.figures.theme import theme
from app.view import Visit
from models.checkpoint import CheckpointError
from models.paper import ClassScores, Embedding, Fact, Image, MaskedToken, Paper, Text, TextPair

ALL = 12  # classes up to which every one has its bar, in a place of its own
SOME = 6  # bars of a network with more classes: the likeliest
NEXT = "probability of the next token"


def choose(paper: Paper) -> Visit:
    """The visitor's input for this network, as a visit; a sample where nothing was given yet."""
    kind = KINDS[type(paper.takes)]
    with st.sidebar, st.container(key="rail", gap="small"):
        visit = kind.give(paper)
        with st.container(key="sees", gap="xsmall"):
            st.markdown("**What the network sees**")
            src = kind.see(visit)
        with st.container(key="says", gap="xsmall"):
            said = _says(visit) if isinstance(paper.gives, ClassScores) else _writes(visit)
    with st.container(key="bar"):
        fold(src, said, visit.name, key="fold")
    return visit


def _staged(stages: Callable[[Visit], tuple[Stage, ...]]) -> Callable[[Visit], str]:
    """Show an input's way to the network step by step; returns the last step's picture."""

    def see(visit: Visit) -> str:
        found = session.once(("stages", visit.paper.slug, visit.key, visit.dark), lambda: stages(visit))
        sight(found, key="sight")
        return found[-1].src

    return see


def _writes(visit: Visit) -> str:
    """The likeliest tokens as bars, and the translation where it is one; returns its first place in a few words."""
    from app.interpret.words import near, words

    if isinstance(visit.paper.gives, Embedding):
        found = session.ask(near, visit)
        top = f"{found.token} is near {found.tokens[0]}"
        st.markdown(f"**What it says:** {top}")
        rows = [Bar(name, float(c), f"{c:.2f}") for name, c in zip(found.tokens[:SOME], found.cosines, strict=False)]
        bars(rows, key="bars", label=top, colour=theme(visit.dark).ours)
        st.caption("cosine of the angle between the last word's vector and another's: 1 is the same direction")
        return top
    said = session.ask(words, visit)
    top = said.translation or f"“{said.tokens[0].strip()}”"
    if said.translation:
        st.markdown(f"**What it says:** {said.translation}")
        st.caption("word by word, each time the likeliest; below, what may come next")
    else:
        st.markdown(f"**What it says:** {top}, {percent(float(said.probabilities[0]))}")
    shares = [float(p) for p in said.probabilities[:SOME]]
    rows = [
        Bar(token.replace("\n", "⏎").strip() or "␣", p, percent(p), i == 0)
        for i, (token, p) in enumerate(zip(said.tokens, shares, strict=False))
    ]
    unit = "probability of the token in the blank" if isinstance(visit.paper.gives, MaskedToken) else NEXT
    bars(rows, key="bars", label=f"{top}; {unit}", colour=theme(visit.dark).ours)
    st.caption(unit)
    return top


def _says(visit: Visit) -> str:
    """The prediction as bars; returns its first place in a few words."""
    from app.interpret.prediction import predict  # it imports torch, which the timeline does without

    gives = visit.paper.scores
    try:
        said = session.ask(predict, visit)
    except CheckpointError:
        st.caption("This network is not trained yet.")
        return "not trained yet"
    share = {i: float(p) for i, p in enumerate(said.probabilities)}
    text = "{:.2f}".format if gives.probability == "identity" else percent
    unit = {
        "softmax": f"probability: softmax of the {gives.unit}",
        "sigmoid": f"probability of each on its own: sigmoid of the {gives.unit}",
        "identity": gives.unit,
    }[gives.probability]
    places = range(len(share)) if len(share) <= ALL else [int(i) for i in said.order[:SOME]]
    first, *more = map(int, said.order)
    winners = [first, *(i for i in more if gives.several and share[i] >= 0.5)]
    top = ", ".join([*(said.labels[i] for i in winners[:3]), text(share[first])])
    st.markdown(f"**What it says:** {top}")
    rows = [Bar(said.labels[i], share[i], text(share[i]), i in winners) for i in places]
    bars(rows, key="bars", label=f"{top}; {unit}", colour=theme(visit.dark).ours)
    st.caption(unit if len(places) == len(share) else f"{unit}; {SOME} of {len(share)} answers")
    return top


@dataclass(frozen=True)
class Kind:
    """How the panel asks for one kind of input, and how it shows what the network is given."""

    give: Callable[[Paper], Visit]
    see: Callable[[Visit], str]  # draws it; returns the address of a picture of it, or nothing


KINDS: dict[type, Kind] = {
    Image: Kind(give_picture.give, _staged(give_picture.stages)),
    Fact: Kind(give_fact.give, _staged(give_fact.stages)),
    Text: Kind(give_text.give, give_text.see),
    TextPair: Kind(give_text.give, give_text.see),
}
