"""What a network says, as bars: scores in their own unit, and probabilities."""

from __future__ import annotations

import streamlit as st

from app.components.exhibit import exhibit
from app.figures.bars import bars
from app.interpret.prediction import Prediction
from app.view import Visit
from models.paper import ClassScores

MOST = 12  # answers shown of a network with many
PROBABILITY = {
    "softmax": "probability (softmax of the scores), %",
    "sigmoid": "probability, each answer on its own, %",
    "identity": "output, %",
}


def percent(share: float) -> str:
    """A share as people read it: no "0.0 %" and no "100.0 %" where it is neither."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


def answers(visit: Visit, said: Prediction, code: str) -> None:
    """Two figures, the most likely answer on top; one where a score is itself a number between 0 and 1."""
    gives, order = visit.paper.gives, said.order[:MOST]
    labels = [said.labels[i] for i in order]
    plain = gives.probability == "identity"
    more = f", the first {MOST} of {len(said.labels)}" if len(said.labels) > MOST else ""
    numbers = {"scores": said.scores, "probabilities": said.probabilities}
    left, right = st.columns(2, gap="medium")
    with left:
        scores = said.scores[order]
        figure = bars(
            scores,
            labels,
            visit.dark,
            title=f"{'Outputs' if plain else 'Scores'}{more}",
            axis=f"{gives.unit}, 0 to 1" if plain else gives.unit,
            texts=[f"{s:.3g}" for s in scores],
            strong=(0,),
            span=(0.0, 1.0) if plain else None,
        )
        exhibit(visit, figure, key="scores", reading=_margin(gives, said), numbers=numbers, code=code)
    if plain:
        return
    with right:
        shares = said.probabilities[order]
        figure = bars(
            100 * shares,
            labels,
            visit.dark,
            title=f"Probabilities{more}",
            axis=PROBABILITY[gives.probability],
            texts=[percent(s) for s in shares],
            strong=(0,),
            span=(0.0, 100.0),
        )
        exhibit(visit, figure, key="probabilities", reading=_shares(gives, said), numbers=numbers, code=code)


def _margin(gives: ClassScores, said: Prediction) -> str:
    first, second = said.order[:2]
    below = said.scores[first] <= 0 and "distance" in gives.unit
    tail = " A score is how far away the answer's pattern is, below zero: the shortest bar wins." if below else ""
    return (
        f"{said.labels[first]} leads with {said.scores[first]:.3g}; the runner-up is {said.labels[second]} with "
        f"{said.scores[second]:.3g}, a margin of {said.scores[first] - said.scores[second]:.3g} ({gives.unit}).{tail}"
    )


def _shares(gives: ClassScores, said: Prediction) -> str:
    first, second = said.order[:2]
    text = f"{percent(said.probabilities[first])} for {said.labels[first]}, {percent(said.probabilities[second])} for "
    if gives.probability != "softmax" or len(said.labels) < 3:
        return f"{text}{said.labels[second]}."
    others = float(said.probabilities[said.order[2:]].sum())
    return f"{text}{said.labels[second]}, {percent(others)} for all others together."
