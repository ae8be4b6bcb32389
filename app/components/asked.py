"""Which answer of a network of words is to be explained: its place, what is said there, and what stands for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.choice import choice
from app.components.strip import sides
from app.figures.words import label, labels
from app.interpret.answers import Answers, answers, baselines, causal, fixed, lengths
from app.interpret.words import words
from app.view import Visit
from models.paper import ClassScores, TextPair, Token


@dataclass(frozen=True)
class Asked:
    """What is explained. A row is an answer: a place and one of what can be said there, or a class."""

    visit: Visit
    places: tuple[int, ...]  # in the text, or in the translation; all 0 for classes
    targets: tuple[int, ...]  # ids of tokens, or classes
    texts: Mapping[int, str]  # of the targets
    row: int  # the chosen answer
    baseline: int
    called: str  # the baseline

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """All that goes in: of a pair, the translation behind the sentence."""
        return tuple(token for side in sides(self.visit) for token in side)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Tokens of each side; answers belong to the last."""
        return lengths(self.visit.paper, self.visit.x)

    @cached_property
    def fixed(self) -> np.ndarray:
        return fixed(self.visit.paper, self.visit.x)

    @cached_property
    def columns(self) -> list[str]:
        """A name for each token, all different."""
        return labels([token.text for token in self.tokens])

    @cached_property
    def names(self) -> list[str]:
        """A name for each answer, all different."""
        return labels([self.texts[target] for target in self.targets])

    @property
    def classes(self) -> bool:
        return isinstance(self.visit.paper.gives, ClassScores)

    @property
    def unit(self) -> str:
        return self.visit.paper.gives.unit if isinstance(self.visit.paper.gives, ClassScores) else "logit"

    @property
    def place(self) -> int:
        return self.places[self.row]

    @property
    def answer(self) -> str:
        """The chosen one as people read it."""
        return f"“{label(self.texts[self.targets[self.row]])}”"

    def seen(self, row: int) -> np.ndarray:
        """bool (tokens,): those that an answer knows of."""
        last = sum(self.sizes[:-1]) + self.places[row] if causal(self.visit.paper) else len(self.tokens)
        return np.arange(len(self.tokens)) <= last


def translated(visit: Visit) -> Visit:
    """Where a translation is asked for and none is given, the network's own is put in."""
    if not isinstance(visit.paper.takes, TextPair) or len(sides(visit)[1]) > 1:
        return visit
    said = session.ask(words, visit).translation
    source = str(visit.source).partition("\t")[0]
    return session.visit(visit.paper, f"{source}\t{said}", visit.name) if said else visit


def choose(visit: Visit) -> Asked:
    """The widgets that say what is explained; all are in the address."""
    said, gives = session.ask(answers, visit), visit.paper.gives
    with st.container(horizontal=True, vertical_alignment="bottom", key="asked"):
        if isinstance(gives, ClassScores):
            targets, place = list(range(len(gives.labels))), 0
        else:
            targets, place = said.explained.tolist(), _place(visit, said)
        texts = dict(enumerate(gives.labels)) if isinstance(gives, ClassScores) else _texts(visit, said)
        first = int(said.ids[0, 0]) if isinstance(gives, ClassScores) else targets[place]
        options = {str(i): f"{label(texts[i])}  {percent(p)}" for i, p in _shares(said, place).items()}
        target = int(choice(st.selectbox, "What speaks for", options, key="target", first=str(first), width=220))
        none = {str(i): f"“{label(name)}”" for i, name in baselines(visit.paper).items()}
        bare = choice(st.selectbox, "Baseline: what stands for nothing", none, key="baseline", width=260)
    if isinstance(gives, ClassScores):
        return Asked(visit, (0,) * len(targets), tuple(targets), texts, target, int(bare), none[bare])
    targets[place] = target
    return Asked(visit, tuple(range(len(targets))), tuple(targets), texts, place, int(bare), none[bare])


def _place(visit: Visit, said: Answers) -> int:
    names = labels([token.text for token in sides(visit)[-1]])
    spots = {str(i): f"{'after' if causal(visit.paper) else 'at'} {name}" for i, name in enumerate(names)}
    return int(choice(st.selectbox, "Answer", spots, key="place", first=str(said.place), width=200))


def _shares(said: Answers, place: int) -> dict[int, float]:
    """Probabilities of the likeliest answers of a place, and of what does stand there."""
    found = dict(zip(said.ids[place].tolist(), said.shares[place].tolist(), strict=True))
    if said.there[place] >= 0:
        found.setdefault(int(said.there[place]), float(said.there_shares[place]))
    return found


def _texts(visit: Visit, said: Answers) -> dict[int, str]:
    """Texts of all tokens that stand in the text or are likely anywhere."""
    likely = (
        pair for ids, names in zip(said.ids, said.names, strict=True) for pair in zip(ids.tolist(), names, strict=True)
    )
    return {token.id: token.text for token in sides(visit)[-1]} | dict(likely)
