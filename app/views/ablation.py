"""Ablation: heads and perceptrons switched off, and what the network says, loses and looks at without them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.choice import choice
from app.components.downstream import downstream
from app.components.exhibit import exhibit, foot
from app.components.strip import sides, strip
from app.components.switches import Switches, choose, code, switches
from app.figures.versus import versus
from app.figures.words import label, labels
from app.interpret.ablation import Ablated, ablate
from app.view import View, Visit
from models.paper import NextToken


def draw(visit: Visit) -> None:
    """The switches on the left, what comes next on the right; the text's loss and one head's look below."""
    now = choose(visit)
    tokens = [token.text for token in sides(visit)[0]]
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        switches(visit, now)
    with right:
        spots = {str(i): f"after {name}" for i, name in enumerate(labels(tokens))}
        place = int(choice(st.selectbox, "What comes next", spots, key="place", first=str(len(tokens) - 1)))
        found = session.ask(ablate, visit, off=now.off, how=now.how, place=place)
        _next(visit, now, found, tokens[place], place)
    with left:
        _losses(visit, now, found, tokens, place)
    downstream(visit, now, found, labels(tokens))
    if now.how == "mean":
        st.caption(
            f"The mean of a part is that over all tokens of the {len(visit.paper.samples)} samples in the rail, the special one in "
            "front left out, and the same in all places."
        )


def _next(visit: Visit, now: Switches, found: Ablated, token: str, place: int) -> None:
    figure = versus(
        found.shares,
        labels(found.names),
        ("whole", "without"),
        visit.dark,
        title=f"What comes after “{label(token)}”",
    )
    first, then = (found.names[int(row.argmax())] for row in found.shares)
    stays = "stays the likeliest" if first == then else f"gives way to “{label(then)}”"
    i = int(found.shares[0].argmax())
    exhibit(
        visit,
        figure,
        key="ablated",
        reading=f"Off: {now.told}. “{label(first)}” {stays}: {100 * found.shares[0, i]:.1f} % before, "
        f"{100 * found.shares[1, i]:.1f} % after.",
        numbers={"tokens": np.array(found.names), "whole_without": found.shares},
        code=code(visit, "ablate", f"{now.settings}, place={place}"),
    )


def _losses(visit: Visit, now: Switches, found: Ablated, tokens: list[str], place: int) -> None:
    """The text, coloured by what each token lost."""
    change = found.losses[1] - found.losses[0]
    worst, (before, after) = int(np.nanargmax(change)), found.bits
    st.markdown(f"**Loss: {before:.2f} bits a token whole, {after:.2f} without**")
    with st.container(key="figure-losses"):
        strip(
            tokens,
            [
                "nothing comes before it" if np.isnan(c) else f"{b:.2f} bits whole, {a:.2f} without, {c:+.2f}"
                for b, a, c in zip(*found.losses, change, strict=True)
            ],
            visit.dark,
            key="losses",
            label="The text by how much harder each token is to guess",
            values=change,
            signed=True,
            top=max(float(np.nanmax(np.abs(change))), 1.0),
            special=range(len(visit.paper.takes.before)),  # type: ignore[union-attr]
            selected=place,
            on_pick=lambda i: st.session_state.update(place=str(i)),
        )
    foot(
        visit,
        key="losses",
        reading=f"Orange is harder to guess than before, blue easier; “{label(tokens[worst])}” changes most for the worse: "
        f"{found.losses[0, worst]:.1f} bits before, {found.losses[1, worst]:.1f} after. A click asks what comes after a token.",
        numbers={"tokens": np.array(tokens), "whole_without": found.losses},
        code=code(visit, "ablate", now.settings),
        sheet=True,
    )


VIEW = View(
    "Ablation",
    56,
    ("blocks.*.attn.hook_z", "ln_final.hook_scale", "stream", NextToken),
    draw,
    "Switch off heads and perceptrons one by one: what the network says, how well it guesses and where it looks without them.",
)
