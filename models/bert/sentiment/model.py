"""BERT after fine-tuning (section 3.2): the encoder, one vector for the whole text, and one new layer for the classes.

    what                        what comes out        what it is
    embed ... blocks            (n, tokens, width)    the pre-trained encoder, as in `models/bert/model.py`
    hook_summary                (n, width)            the last block's vector of [CLS], which has read everything
    pooler                      (n, width)            one more layer (published with the paper's code)
    classifier                  (n, classes)          W, the only new weights that section 4.1 speaks of

In the left-to-right twin [CLS] has seen nothing but itself; there the last token, [SEP], is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from models.bert import model as bert
from models.bert.model import PAD, Encoder, Pooler, initialise


@dataclass(frozen=True)
class Config:
    """An encoder and the number of classes."""

    encoder: bert.Config
    classes: int


PAPER = Config(bert.PAPER, 2)  # BERT base with SST-2's two classes, positive and negative
SMALL = Config(replace(bert.SMALL, dropout=0.1), 3)  # section A.3: dropout is always 0.1 in fine-tuning
TWIN = Config(replace(bert.TWIN, dropout=0.1), 3)


class Sentiment(Encoder):
    """int64 (n, tokens), "[CLS] text [SEP]" padded with 0 -> (n, classes)."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.encoder)
        self.hook_summary = nn.Identity()
        self.pooler = Pooler(config.encoder.width)
        self.dropout = nn.Dropout(config.encoder.dropout)
        self.classifier = nn.Linear(config.encoder.width, config.classes)
        initialise(self)

    def summary(self, x: Tensor, tokens: Tensor) -> Tensor:
        """(n, width): the vector of the token that has everything in view."""
        if not self.config.left_to_right:
            return x[:, 0]
        return x[torch.arange(len(x), device=x.device), (tokens != PAD).sum(1) - 1]

    def forward(self, tokens: Tensor) -> Tensor:
        summary = self.hook_summary(self.summary(self.encode(tokens), tokens))
        return self.classifier(self.dropout(self.pooler(summary)))

    def read(self, x: Tensor) -> Tensor:
        """What a sum in the stream (n, tokens, width) says, were it read as the last [CLS] is: (n, tokens, classes)."""
        x = self.get_submodule(f"blocks.{len(self.blocks) - 1}.ln2")(x)
        return self.classifier(self.dropout(self.pooler(x)))


def build(config: Config = SMALL) -> Sentiment:
    """The network for fine-tuning with fresh weights, encoder included."""
    return Sentiment(config)
