"""Auxiliary heads: what is said of the input in the middle of the network, and what the network makes of it afterwards."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.exhibit import exhibit
from app.figures.bars import bars
from app.interpret.auxiliary import END, Heads, heads
from app.view import View, Visit
from models import checkpoint
from models.paper import ClassScores

SHOWN = 10  # classes of an answer


def draw(visit: Visit) -> None:
    """One figure a head, the network's own answer last, on one axis."""
    found = session.ask(heads, visit)
    order = np.argsort(-found.probabilities[-1], kind="stable")[:SHOWN]
    for i, column in enumerate(st.columns(len(found.names), gap="medium")):
        with column:
            _answer(visit, found, i, order)
    st.caption(_story(visit, found))


def _answer(visit: Visit, found: Heads, i: int, order: np.ndarray) -> None:
    name, row, labels = found.names[i], found.probabilities[i], visit.paper.scores.labels
    metric = "test_accuracy" if name == END else f"{name.replace('head', 'head_')}_test_accuracy"
    right = checkpoint.read_record(visit.paper.slug).metric(metric)
    often = f" Of {right.samples:,} test pictures it names {right.value:.1f} % rightly." if right else ""
    figure = bars(
        100 * row[order],
        [labels[k] for k in order],
        visit.dark,
        title="At the end" if name == END else f"By {name}",
        axis="probability, %",
        texts=[percent(float(p)) for p in row[order]],
        strong=np.flatnonzero(order == found.tops[i]).tolist(),
        span=(0.0, 100.0),
    )
    exhibit(
        visit,
        figure,
        key=f"head-{i}",
        reading=f"{labels[found.tops[i]].capitalize()} with {percent(float(row.max()))}.{often}",
        numbers={"classes": np.array(labels), "probabilities": row},
        code="import models\nfrom app.interpret.auxiliary import heads\n\n"
        f'net = models.load("{visit.paper.slug}")\nx = net.paper.takes.parse("your input")\n'
        "print(heads(net.module, net.paper, x))",
    )


def _story(visit: Visit, found: Heads) -> str:
    """Since when the answer stands."""
    labels, tops = visit.paper.scores.labels, found.tops
    final, n = labels[tops[-1]], len(tops) - 1
    since = next(i for i in range(n + 1) if all(top == tops[-1] for top in tops[i:]))
    if since == n:
        told = f"No head says so: the layers behind {found.names[n - 1]} make {final} of {labels[tops[-2]]}"
    else:
        told = f"{found.names[since]} says so already" + ("" if since else ", and all behind it")
    return (
        f"The answer at the end is {final}. {told}. The heads look at the maps of the modules that they are named after. They were "
        "there for the training, for gradients to reach the lower layers, and the answer at the end does without them."
    )


VIEW = View(
    "Auxiliary heads",
    58,
    (ClassScores, "head_probes"),
    draw,
    "What the classifiers in the middle of the network say of your input, beside the answer at its end.",
)
