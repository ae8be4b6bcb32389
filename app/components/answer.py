"""One of all answers that a network can give, chosen by its name: a token of the vocabulary, or a class."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import session
from app.components.choice import choice
from app.figures.words import shown
from app.view import Visit
from models.paper import ClassScores, Image, Paper, Text, TextPair

NONE = "none"


def names(paper: Paper) -> tuple[str, ...]:
    """What people call every answer, by its id; no two are called the same."""
    if isinstance(paper.gives, ClassScores):
        return paper.gives.labels
    assert isinstance(paper.takes, Text | TextPair)
    tokenizer = paper.takes.tokenizer
    return session.once(("answers", tokenizer), lambda: _tokens(tokenizer))


def _tokens(slug: str) -> tuple[str, ...]:
    """“ the” and “the” are two; bytes that are no character by themselves are told apart by their ids."""
    from models.tokens import pieces, tokenizer

    seen: set[str] = set()
    found = []
    for i, text in enumerate(pieces(slug, range(tokenizer(slug).get_vocab_size()))):
        name = f"“{shown(text)}”"
        found.append(f"{name} {i}" if name in seen else name)
        seen.add(name)
    return tuple(found)


def address(paper: Paper, answer: int) -> str:
    """How the address names an answer: a picture's class by its name, as the other views do; all else by its id."""
    return names(paper)[answer] if isinstance(paper.takes, Image) else str(answer)


def choose_answer(
    visit: Visit, title: str, likely: Sequence[int], *, first: int, key: str = "target", none: str = ""
) -> int:
    """Let people choose an answer, the likely ones on top; its id. `none` is what to call choosing none, which is -1."""
    called, paper = names(visit.paper), visit.paper
    order = dict.fromkeys([*likely, *range(len(called))])
    options = {address(paper, i): called[i] for i in order} | ({NONE: none} if none else {})
    chosen = choice(st.selectbox, title, options, key=key, first=address(paper, first), width=170)
    return {address(paper, i): i for i in order}.get(chosen, -1)
