"""Where one head looks in a whole network, and without some of its parts."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.choice import choice
from app.components.exhibit import exhibit
from app.components.switches import Switches, code
from app.figures.attention import shares
from app.interpret.ablation import Ablated, looks
from app.view import Visit


def downstream(visit: Visit, now: Switches, found: Ablated, names: list[str]) -> None:
    """One head's pattern before and after: to begin with, that which is thrown off most."""
    layers, heads = found.moved.shape
    spots = {
        f"{i}.{j}": f"layer {i}, head {j}: {100 * found.moved[i, j]:.0f} % of its look moves"
        for i in range(layers)
        for j in range(heads)
    }
    best = divmod(int(found.moved.argmax()), heads)
    st.subheader("Attention downstream", anchor=False)
    head = choice(st.selectbox, "Head", spots, key="head", first=f"{best[0]}.{best[1]}", width=360)
    i, j = map(int, head.split("."))
    both = session.ask(looks, visit, off=now.off, how=now.how, layer=i, head=j)
    for column, pattern, when in zip(st.columns(2, gap="medium"), both, ("whole", "without"), strict=True):
        with column:
            figure = shares(pattern, visit.dark, title=f"Layer {i}, head {j}, {when}", rows=names, columns=names)
            row = "The network whole." if when == "whole" else f"Off: {now.told}."
            exhibit(
                visit,
                figure,
                key=f"look-{when}",
                reading=f"{row} {_moved(found, both, (i, j), names)}",
                numbers={"pattern": pattern},
                code=code(visit, "looks", f"{now.settings}, layer={i}, head={j}"),
            )


def _moved(found: Ablated, both: np.ndarray, head: tuple[int, int], names: list[str]) -> str:
    """What part of the look goes elsewhere, and whose most."""
    if found.moved[head] < 0.0005:
        return "Nothing of its look moves: what is off comes after it, or adds nothing to what it reads."
    apart = np.abs(both[1] - both[0]).sum(-1) / 2
    return (
        f"On average {100 * found.moved[head]:.0f} % of a look goes elsewhere; most of “{names[int(apart.argmax())]}”, "
        f"{100 * apart.max():.0f} %."
    )
