"""What a network says, as bars: scores in their own unit, and probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.components.exhibit import exhibit
from app.figures.bars import bars
from app.interpret.prediction import Prediction
from app.view import Visit
from models.paper import ClassScores

MOST = 12  # answers shown of a network with many


@dataclass(frozen=True)
class Scale:
    """How probabilities are drawn: their factor, the axis and its end, and a number as people read it."""

    factor: float
    axis: str
    how: str  # where the numbers come from
    end: float
    text: Callable[[float], str]


def percent(share: float) -> str:
    """A probability as people read it: never quite "0.0 %" or "100.0 %", though it may have been rounded to that."""
    if share < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if share >= 0.9995 else f"{100 * share:.1f} %"


def scale(gives: ClassScores) -> Scale:
    """Per cent of probability; where scores are themselves outputs between 0 and 1, those as they are."""
    if gives.probability == "identity":
        return Scale(1.0, gives.unit, "", 1.0, "{:.2f}".format)
    how = " (softmax of the scores)" if gives.probability == "softmax" else " (each answer on its own)"
    return Scale(100.0, "probability, %", how, 100.0, percent)


def answers(visit: Visit, said: Prediction, code: str) -> None:
    """Two figures, the most likely answer on top; one where a score is itself a number between 0 and 1."""
    gives, order, drawn = visit.paper.scores, said.order[:MOST], scale(visit.paper.scores)
    labels = [said.labels[i] for i in order]
    plain = gives.probability == "identity"
    more = f", the first {MOST} of {len(said.labels)}" if len(said.labels) > MOST else ""
    numbers = {"scores": said.scores, "probabilities": said.probabilities}
    named = [i for i, k in enumerate(order) if gives.several and said.probabilities[k] > 0.5] or [0]
    left, right = (st.container(), st.container()) if plain else st.columns(2, gap="medium")
    if not plain:
        with left:
            scores = said.scores[order]
            texts = [f"{s:.3g}" for s in scores]
            figure = bars(scores, labels, visit.dark, title=f"Scores{more}", axis=gives.unit, texts=texts, strong=named)
            exhibit(visit, figure, key="scores", reading=_margin(gives, said), numbers=numbers, code=code)
    with right:
        shares = said.probabilities[order]
        figure = bars(
            drawn.factor * shares,
            labels,
            visit.dark,
            title=f"{'Outputs' if plain else 'Probabilities'}{more}",
            axis=drawn.axis + drawn.how,
            texts=[drawn.text(s) for s in shares],
            strong=named,
            span=(0.0, drawn.end),
        )
        reading = _named(said, len(named)) if gives.several else _margin(gives, said) if plain else _shares(gives, said)
        exhibit(visit, figure, key="probabilities", reading=reading, numbers=numbers, code=code)


def _margin(gives: ClassScores, said: Prediction) -> str:
    first, second = said.order[:2]
    below = said.scores[first] <= 0 and "distance" in gives.unit
    tail = " A score is how far away the answer's pattern is, below zero: the shortest bar wins." if below else ""
    return (
        f"{said.labels[first]} leads with {said.scores[first]:.3g}; the runner-up is {said.labels[second]} with "
        f"{said.scores[second]:.3g}, a margin of {said.scores[first] - said.scores[second]:.3g} ({gives.unit}).{tail}"
    )


def _named(said: Prediction, count: int) -> str:
    """More than one answer may be right: all above one half, and what comes next."""
    p, order = said.probabilities, said.order
    names = " and ".join(f"{said.labels[k]} ({p[k]:.2f})" for k in order[:count])
    rest = f"; next comes {said.labels[order[count]]} with {p[order[count]]:.2f}" if count < len(order) else ""
    if p[order[0]] <= 0.5:
        return f"Nothing is above one half, which would count as an answer: the largest is {names}{rest}."
    return f"It answers {names}: all that is above one half{rest}."


def _shares(gives: ClassScores, said: Prediction) -> str:
    first, second = said.order[:2]
    p, labels = said.probabilities, said.labels
    text = f"{labels[first]} has {percent(p[first])}, {labels[second]} {percent(p[second])}"
    if gives.probability != "softmax" or len(labels) < 3:
        return f"{text}."
    return f"{text}, all others together {percent(float(p[said.order[2:]].sum()))}."
