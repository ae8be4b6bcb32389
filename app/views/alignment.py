"""Alignment: a sentence translated word by word, what is looked at for each, and the search behind it."""

import streamlit as st

from app.components.search import grown
from app.components.translated import aligned, choose, said
from app.view import View, Visit
from models.paper import Translation


def draw(visit: Visit) -> None:
    """The alignment as it grows, and beside it the translation's tokens; below, the tree of the search."""
    translated = choose(visit)
    left, right = st.columns([1.4, 1], gap="large")
    with left:
        aligned(translated)
    with right:
        said(translated)
    if translated.tree is not None:
        grown(translated)


VIEW = View(
    "Alignment",
    12,
    (Translation, ("head", "query", "key")),
    draw,
    "Your sentence translated word by word: which words each one looks at, what else might have come, and how it was found.",
)
