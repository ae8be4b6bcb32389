"""Fig. 2: BLEU by the length of the sentence, with the alignment and without."""

from __future__ import annotations

from models.figure import Figure
from models.translation import drawn


def draw() -> Figure:
    return drawn("seq2seq", "Fig. 2, redrawn.", {"": "RNNsearch", "twin_": "one vector (twin)"})
