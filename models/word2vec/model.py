"""word2vec: a vector for every word of a vocabulary, learnt from which words stand near which.

T. Mikolov, K. Chen, G. Corrado, J. Dean, "Efficient Estimation of Word Representations in Vector Space", arXiv 1301.3781, 2013
(the two architectures), with T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed Representations of Words and
Phrases and their Compositionality", arXiv 1310.4546, 2013 (negative sampling, subsampling of frequent words). Equations and
sections marked II are those of the second paper.

Every word has two vectors: v as a word that is read (`input`, what is kept), and v' as one that is predicted (`output`).

    skip-gram    v of a word is to be like v' of each word near it
    CBOW         the mean of the v of all words near it is to be like v' of a word

    table     shape                  II, section 3        here
    input     (vocabulary, width)    692,000 x 300        8,000 x 48
    output    (vocabulary, width)    692,000 x 300        8,000 x 48
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

UNKNOWN = 0  # the id of all words outside the vocabulary; its vector stays 0


@dataclass(frozen=True)
class Config:
    """Sizes of the model of II, Table 1. The twin is the other architecture; the other configs look less or more far."""

    vocabulary: int = 692_000  # words seen five times or more among a billion (II, section 3)
    width: int = 300
    window: int = 5  # the farthest word that counts as near; for each word a distance of 1..window is drawn
    architecture: Literal["skip-gram", "cbow"] = "skip-gram"


PAPER = Config()
SMALL = Config(
    vocabulary=8000,  # the words seen 136 times or more in our text
    width=48,  # so few words of text cannot fill many more
)
TWIN = replace(SMALL, architecture="cbow")
WINDOW_2 = replace(SMALL, window=2)
WINDOW_10 = replace(SMALL, window=10)  # as far as 1301.3781 goes


class Word2Vec(nn.Module):
    """int64 (n, words) -> (n, words, width), each word's vector. What is near a word plays no part until training."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.input = nn.Embedding(config.vocabulary, config.width, padding_idx=UNKNOWN)
        self.output = nn.Embedding(config.vocabulary, config.width, padding_idx=UNKNOWN)
        with torch.no_grad():  # as in the published code: short random vectors, and zeros
            self.input.weight.uniform_(-0.5, 0.5).div_(config.width)[UNKNOWN] = 0
            self.output.weight.zero_()

    def forward(self, words: Tensor) -> Tensor:
        return self.input(words)

    def hidden(self, centre: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        """What predicts and what is to be predicted: (examples, width) and word ids (examples,).

        centre: (n,) words; near: (n, 2 window) the words around each, UNKNOWN where there is none that counts.
        """
        there = near != UNKNOWN
        if self.config.architecture == "skip-gram":
            return self.input(centre).repeat_interleave(there.sum(1), 0), near[there]
        some = there.any(1)
        total = self.input(near[some]).sum(1)  # (examples, width); UNKNOWN adds nothing
        return total / there[some].sum(1, keepdim=True), centre[some]

    def loss(self, centre: Tensor, near: Tensor, noise: Tensor, negative: int) -> Tensor:
        """Negative sampling (II, Eq. 4), averaged: -log s(v'_o v) - k E[log s(-v'_i v)], i drawn as `noise` was.

        All examples of a batch are held against the same `noise` words (m,), of which each counts k / m: the mean of more
        draws than the paper's k for each example, and one product of matrices instead of many of vectors.
        """
        v, wanted = self.hidden(centre, near)
        right = F.logsigmoid((v * self.output(wanted)).sum(1))  # (examples,)
        wrong = F.logsigmoid(-v @ self.output(noise).T)  # (examples, m)
        return -(right.mean() + negative * wrong.mean())


def build(config: Config = SMALL) -> Word2Vec:
    """Fresh vectors of a vocabulary, to be trained as skip-gram or as CBOW."""
    return Word2Vec(config)
