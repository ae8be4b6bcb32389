"""Direct attribution: what every head, every perceptron and the embedding add to an answer's score."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.answer import choose_answer
from app.components.choice import unseen
from app.components.credit import Credit, heads, origins, summed
from app.components.strip import sides, strip
from app.interpret.answers import answers
from app.interpret.direct import direct
from app.view import View, Visit
from models.paper import NextToken

HELD = (
    "A score is a sum over all that was ever added to the stream, but for one thing: the last normalisation divides the stream "
    "by its own size. That size, {scale:.3f} here, is held as it is on this input, and every part is divided by it."
)


def draw(visit: Visit) -> None:
    """The sum on the right, every head on the left; below, where the chosen head has its share from."""
    credit = _credit(visit)
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        heads(credit)
        st.caption(HELD.format(scale=credit.found.scale))
    with right:
        summed(credit)
    best = int(np.abs(credit.found.sources[credit.head]).argmax())
    places = [str(i) for i in range(credit.place + 1)]
    origins(credit, int(unseen("Source", places, key="key", first=str(best))))


def _credit(visit: Visit) -> Credit:
    """The text, of which a click chooses a place, and the widgets that say whose score is taken apart; all in the address."""
    said, tokens = session.ask(answers, visit), sides(visit)[0]
    place = int(unseen("Place", [str(i) for i in range(len(tokens))], key="place", first=str(said.place)))
    st.caption("Choose a token of your text: the answer is what comes after it.")
    strip(
        [token.text for token in tokens],
        [f"what comes after place {i}" for i in range(len(tokens))],
        visit.dark,
        key="after",
        label="The text: choose after which token the answer is asked for",
        selected=place,
        on_pick=lambda i: st.session_state.update(place=str(i)),
    )
    likely = [int(i) for i in said.ids[place]]
    with st.container(horizontal=True, vertical_alignment="bottom", key="whose"):
        target = choose_answer(visit, "What speaks for", likely, first=likely[0])
        others = [i for i in likely if i != target]
        against = choose_answer(visit, "rather than", others, first=others[0], key="against", none="nothing else")
    against = -1 if against == target else against
    with st.spinner("TransformerLens is starting: the first time takes some seconds."):
        found = session.ask(direct, visit, place=place, target=target, against=against)
    spots = [f"{i}.{h}" for i, h in np.ndindex(found.heads.shape)]
    first = spots[int(np.abs(found.heads).argmax())]
    layer, _, head = unseen("Head", spots, key="head", first=first).partition(".")
    return Credit(visit, found, place, target, against, (int(layer), int(head)))


VIEW = View(
    "Direct attribution",
    26,
    ("blocks.*.attn.hook_z", "ln_final.hook_scale", "stream", NextToken),
    draw,
    "What every head, every perceptron and the embedding add to the score of an answer: a sum that comes out.",
)
