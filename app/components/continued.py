"""A text that the network writes on: the settings of chance, what was drawn, and all that could have been."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.board import board
from app.components.exhibit import foot
from app.components.give_text import put
from app.components.strip import strip
from app.figures.words import label
from app.interpret.generate import Written, generate
from app.view import Visit
from models.paper import Text

SEEDS = 1000


@dataclass(frozen=True)
class Chance:
    """How tokens are drawn; what `generate` takes."""

    length: int
    temperature: float
    top_k: int
    top_p: float
    dice: int

    @property
    def said(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items())


def settings() -> Chance:
    """Sliders for temperature, top-k and top-p, the length and the seed; all are in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="chance"):
        temperature = st.slider("Temperature", 0.0, 2.0, 0.8, 0.1, key="temperature", bind="query-params", width=150)
        k = st.slider("Top-k (0: all)", 0, 100, 40, key="top-k", bind="query-params", width=150)
        p = st.slider("Top-p, the nucleus", 0.05, 1.0, 0.95, 0.05, key="top-p", bind="query-params", width=150)
        length = st.slider("Tokens", 1, 64, 16, key="length", bind="query-params", width=120)
        dice = st.number_input("Seed", 0, SEEDS - 1, 0, key="dice", bind="query-params", width=110)
        st.button("Draw again", on_click=_again, key="again")
    return Chance(length, round(temperature, 2), k, round(p, 2), int(dice))


def _again() -> None:
    st.session_state["dice"] = (int(st.session_state["dice"]) + 1) % SEEDS


def continued(visit: Visit) -> None:
    """What the network writes behind the text, and below it each step's alternatives; a click goes on from one."""
    chance, takes = settings(), visit.paper.takes
    assert isinstance(takes, Text)
    room = takes.context - visit.x.shape[1]
    if room < 1:
        st.info(
            f"The text fills all {takes.context} tokens that this network reads at once: shorten it to let it go on."
        )
        return
    found = session.ask(generate, visit, **vars(chance))
    _written(visit, found, chance, room)
    _alternatives(visit, found, chance)


def _written(visit: Visit, found: Written, chance: Chance, room: int) -> None:
    """What was written, coloured by how unlikely it was; a click takes it into the text up to there."""
    share = found.shares[np.arange(len(found.ids)), found.chosen]
    bits = -np.log2(np.maximum(share, np.finfo(np.float32).tiny))
    titles = [f"{percent(float(p))}, number {rank}" for p, rank in zip(share, found.rank, strict=True)]

    def taken(step: int) -> None:
        _go_on(visit, found.texts[step][found.chosen[step]])

    st.markdown("**It goes on**")
    with st.container(key="figure-written"):
        strip(
            found.tokens,
            titles,
            visit.dark,
            key="written-strip",
            label="What the network writes; the stronger its colour, the less likely a token was. A click takes all up to it.",
            values=bits,
            signed=False,
            top=10.0,
            on_pick=taken,
        )
    end = "There it ended the text itself." if found.ended else ""
    if not end and len(found.ids) == room:
        end = f"There it stops: with it the text fills all {visit.paper.takes.context} tokens that the network reads."  # type: ignore[union-attr]
    first = int((found.rank == 1).sum())
    foot(
        visit,
        key="written",
        reading=f"{first} of {len(found.ids)} tokens are the likeliest of their step, the others chance preferred. {end} "
        "A click takes all up to that token into your text.",
        numbers={"tokens": np.array(found.tokens), "probability": share, "rank": found.rank},
        code=_code(visit, chance, "print(found.tokens)"),
        sheet=True,
    )


def _alternatives(visit: Visit, found: Written, chance: Chance) -> None:
    """A row a step, its likeliest tokens side by side; what was cut away is pale."""
    steps, most = found.ids.shape
    ranks = np.tile(np.arange(1, most + 1), (steps, 1))
    ranks[np.arange(steps), found.chosen] = found.rank
    texts = [f"{'→ ' * int(j == found.chosen[i])}{label(found.names[i][j])}" for i in range(steps) for j in range(most)]
    titles = [
        f"step {i + 1}: {label(found.names[i][j])}, {percent(float(found.shares[i, j]))}, number {ranks[i, j]}"
        + (", written" if j == found.chosen[i] else ", cut away" if ranks[i, j] > found.kept[i] else "")
        for i in range(steps)
        for j in range(most)
    ]
    st.markdown("**All that it could have written**")
    with st.container(key="figure-alternatives"):
        board(
            found.shares,
            [label(token) for token in found.tokens],
            [str(j + 1) for j in range(most)],
            visit.dark,
            key="alternatives-board",
            label="Each step's likeliest tokens, the first on the left",
            titles=titles,
            texts=texts,
            corner="written",
            signed=False,
            top=1.0,
            dim=np.flatnonzero((ranks > found.kept[:, None]).ravel()).tolist(),
            cell=(48, 24),
            widest=84,
            on_pick=lambda i: _go_on(visit, found.texts[i // most][i % most]),
        )
    foot(
        visit,
        key="alternatives",
        reading=_cut(found),
        numbers={
            "tokens": np.array(found.names),
            "probabilities": found.shares,
            "written": found.chosen,
            "could_be_drawn": found.kept,
            "cut_by_top_k_and_top_p": found.cut,
        },
        code=_code(visit, chance, "print(found.names, found.shares)"),
        sheet=True,
    )


def _cut(found: Written) -> str:
    """What top-k and top-p took away: where most and least was left, and how much probability it was."""
    low, high = int(found.kept.argmin()), int(found.kept.argmax())
    by_k, by_p = found.cut.mean(0)
    left = (
        f"{found.kept[low]:,} at every step"
        if found.kept[low] == found.kept[high]
        else f"between {found.kept[low]:,} (step {low + 1}) and {found.kept[high]:,} (step {high + 1})"
    )
    return (
        "The stronger the colour, the likelier; pale is what was cut away, an arrow what was written. Tokens left to draw from: "
        f"{left}. In the mean, top-k took away {percent(float(by_k))} of the probability, top-p {percent(float(by_p))}. A click on "
        "a token goes on from there."
    )


def _go_on(visit: Visit, more: str) -> None:
    put(str(visit.source) + more)
    st.session_state["place"] = ""


def _code(visit: Visit, chance: Chance, last: str) -> str:
    return (
        "import models\nfrom app.interpret.generate import generate\n\n"
        f'net = models.load("{visit.paper.slug}")\nx = net.paper.takes.parse({str(visit.source)!r})\n'
        f"found = generate(net.module, net.paper, x, {chance.said})\n{last}"
    )
