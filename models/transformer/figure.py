"""BLEU by the length of the sentence, as our RNNsearch's figure: what one head, or no positions, cost where it is long."""

from __future__ import annotations

from models.figure import Figure
from models.translation import drawn


def draw() -> Figure:
    names = {"": "Transformer", "twin_": "one head (twin)", "no_positions_": "no positions"}
    return drawn("transformer", "By length of the sentence.", names)
