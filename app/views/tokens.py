"""Tokens: what a network of words guesses at every place of a text, how surprised it is, and what it writes itself."""

import streamlit as st

from app.components.continued import continued
from app.components.give_text import renew
from app.components.guesses import guesses, next_tokens, surprised
from app.view import View, Visit
from models.paper import MaskedToken, NextToken, Text


def draw(visit: Visit) -> None:
    """The text on top; below it the chosen place's guesses and, where the network can write, what it writes."""
    renew()
    text = guesses(visit)
    surprised(text)
    if not text.forward:
        next_tokens(text)
        return
    left, right = st.columns([1, 1.4], gap="large")
    with left:
        next_tokens(text)
    with right:
        continued(visit)


VIEW = View(
    "Tokens",
    11,
    (Text, NextToken | MaskedToken),
    draw,
    "What the network expects at every place of your text, and what surprises it; where it can write, how it would go on.",
)
