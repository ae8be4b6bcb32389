"""Token attribution: which tokens of a text an answer goes back to, by five methods, and how far these agree."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.components.alike import agreement
from app.components.asked import Asked, choose, translated
from app.components.choice import choice
from app.components.counted import NAMES, ROLLOUT, counted, given, missed, whole
from app.components.exhibit import exhibit
from app.figures.token_attribution import matrix
from app.interpret.answers import causal
from app.view import View, Visit
from models.paper import ClassScores, MaskedToken, NextToken, Text, TextPair, Translation

COARSE = 16  # points of the way where integrated gradients are asked for every answer at once


def draw(visit: Visit) -> None:
    """A strip for each method and how they agree; below, all answers of one method at once."""
    asked = choose(translated(visit))
    cells = [cell for _ in range(3) for cell in st.columns(2, gap="large")]
    strips = {}
    for cell, method in zip(cells, NAMES, strict=False):
        with cell:
            strips[method] = counted(asked, method)
    with cells[-1]:
        agreement(asked, np.stack(list(strips.values())))
    _matrix(asked, strips)


def _matrix(asked: Asked, strips: dict[str, np.ndarray]) -> None:
    """All answers of one method; the chosen one's row is its strip."""
    control = st.segmented_control
    method = choice(control, "All answers, by", NAMES, key="matrix", first="ShapleyValueSampling", required=True)
    steps = COARSE if method == "LayerIntegratedGradients" else 0
    rows = [strips[method] if i == asked.row else row for i, row in enumerate(whole(asked, method, steps))]
    values = np.array([np.where(asked.seen(i), row, np.nan) for i, row in enumerate(rows)])
    free = np.where(asked.fixed, np.nan, values)
    figure = matrix(
        values,
        asked.names,
        asked.columns,
        asked.visit.dark,
        title=f"{NAMES[method]}: every answer",
        unit="share" if method == ROLLOUT else asked.unit,
        signed=method != ROLLOUT,
        chosen=asked.row,
        top=float(np.nanmax(np.abs(free), initial=0)),
    )
    empty = " An answer knows nothing of what comes after it: that part is empty." if causal(asked.visit.paper) else ""
    points = missed(asked, method, steps) if steps else ""
    exhibit(
        asked.visit,
        figure,
        key="matrix-map",
        reading=f"A row is an answer, a column a token of the input.{_most(asked, free)} The frame is the answer above."
        f"{points}{empty}",
        numbers={"answers": np.array(asked.names), "tokens": np.array(asked.columns), "counts": values},
        code=_code(asked, method, steps),
    )


def _most(asked: Asked, free: np.ndarray) -> str:
    if np.isnan(free).all():
        return ""
    row, column = np.unravel_index(int(np.nanargmax(free)), free.shape)
    return f" Nothing counts more than “{asked.columns[column]}” for “{asked.names[row]}”: {free[row, column]:.2f}."


def _code(asked: Asked, method: str, steps: int) -> str:
    start = f"import models\nfrom app.interpret.token_attribution import attribute, rolled\n\n{given(asked.visit)}"
    if method == ROLLOUT:
        return f"{start}print(rolled(net.module, net.paper, x))"
    how = f'method="{method}", baseline={asked.baseline}'
    if not steps:
        every = f"places={asked.places}, targets={asked.targets}"
        return f"{start}print(attribute(net.module, net.paper, x, {every}, {how}).values)"
    row = asked.row
    return (
        f"{start}places, targets = {asked.places}, {asked.targets}\n"
        f"values = attribute(net.module, net.paper, x, places=places, targets=targets, steps={steps}, {how}).values\n"
        f"one = attribute(net.module, net.paper, x, places=places[{row}:{row + 1}], targets=targets[{row}:{row + 1}], {how})\n"
        f"values[{row}] = one.values[0]\n"
        "print(values)"
    )


VIEW = View(
    "Token attribution",
    52,
    (Text | TextPair, NextToken | MaskedToken | Translation | ClassScores),
    draw,
    "Which tokens of your text speak for an answer and which against it, by five methods, and how far these agree.",
)
