"""Re-use: which of the earlier layers each layer listens to, by its weights alone or on the visitor's picture."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.choice import choice
from app.components.exhibit import exhibit
from app.figures.maps import heatmap
from app.interpret.reuse import reuse
from app.view import View, Visit

BY = {"here": "on this picture", "weights": "by its weights alone"}


def draw(visit: Visit) -> None:
    """One table a block."""
    found = session.ask(reuse, visit)
    by = choice(st.segmented_control, "How much a layer takes", BY, key="by", required=True)
    tables = found.here if by == "here" else found.weights
    for i, (column, table) in enumerate(zip(st.columns(len(tables), gap="medium"), tables, strict=True), 1):
        with column:
            _table(visit, table, i, len(tables), by)
    times = " times the mean size of these maps as it is given them" if by == "here" else ""
    st.caption(
        f"A column is a reader, a square the mean size of the weights that it gives to one map of a source{times}, in % of the "
        "source that it takes most from. Were nothing used again, only the lowest square of each column would have a colour."
    )


def _table(visit: Visit, table: np.ndarray, block: int, of: int, by: str) -> None:
    size = len(table)
    made = ["given", *(f"layer {i}" for i in range(1, size))]
    figure = heatmap(
        100 * table,
        visit.dark,
        title=f"Block {block}",
        unit="% of the most",
        signed=False,
        top=100.0,
        height=340,
        rows="made by",
        columns="read by layer",
        row_names=made,
        column_names=[*(str(i) for i in range(1, size)), "end"],
    )
    last = table[:, -1] / table[:, -1].sum()
    most, least = int(last.argmax()), int(last.argmin())
    behind = "the classifier" if block == of else "the transition"

    def source(i: int) -> str:
        return f"layer {i}" if i else "what the block was given"

    little = f"{100 * last[least] / last[most]:.0f} %"
    exhibit(
        visit,
        figure,
        key=f"block-{block}",
        reading=f"At the end {behind} takes most from {source(most)}; a map of {source(least)} gives it {little} of that.",
        numbers={"made_by": np.array(made), "table": table},
        code=f'import models\nfrom app.interpret.reuse import reuse\n\nnet = models.load("{visit.paper.slug}")\n'
        f'x = net.paper.takes.parse("your input")\nprint(reuse(net.module, net.paper, x).{by}[{block - 1}])',
    )


VIEW = View(
    "Re-use",
    59,
    ("reuse",),
    draw,
    "Which of the earlier layers each layer listens to: by its weights, and on your input.",
)
