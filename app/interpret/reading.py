"""How well a network of words guesses a text that is there: the probability of every token in its place, and surprise.

Surprise is -log2 of the probability that a token was given, in bits: 1 bit is a coin's toss, 10 bits one of a thousand. A
network that reads from left to right is given what comes before the token; one that fills blanks is given all the rest, with
the token itself hidden (pseudo-log-likelihood: Salazar, Liang, Nguyen, Kirchhoff 2020, arXiv 1910.14659, Eq. 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from app.interpret.answers import causal, fixed, lengths
from models.paper import Paper, Text, TextPair

MOST = 16  # likeliest tokens kept of every place
BATCH = 32  # texts with one token hidden, read at once
LOG2 = float(np.log(2))


@dataclass(frozen=True)
class Reading:
    """A row is a place where the network guesses: after each token of a text, or at each token where it fills blanks.

    `there` (rows,) is the token that does stand where the guess belongs, -1 where none does; `shares`, `ids`, `names`
    (rows, MOST) are the likeliest tokens, most likely first. `rank` counts from 1, the likeliest; 0 where nothing stands.
    """

    ids: np.ndarray  # int (rows, MOST)
    shares: np.ndarray  # (rows, MOST), probabilities
    names: tuple[tuple[str, ...], ...]
    there: np.ndarray  # int (rows,)
    share: np.ndarray  # (rows,), probability of what stands there; NaN where nothing does
    rank: np.ndarray  # int (rows,)
    entropy: np.ndarray  # (rows,), bits: how undecided the guess is
    shift: int  # 1 where the guess of a row is about the token after it, 0 where about the token itself
    place: int  # the row to begin with: the blank, or the last
    vocabulary: int  # how many tokens there are to choose from

    @property
    def surprise(self) -> np.ndarray:
        """(tokens,): bits that each token of the text is worth to the network; NaN where it was never guessed."""
        bits = -np.log2(np.maximum(self.share, np.finfo(np.float32).tiny))
        return np.append(np.full(self.shift, np.nan, np.float32), bits[: len(bits) - self.shift]).astype(np.float32)


@torch.no_grad()
def reading(
    module: nn.Module, paper: Paper, x: np.ndarray, tick: Callable[[float], None] = lambda done: None
) -> Reading:
    """Guess every token of the text x (1, tokens), or of the translation in x (1, 2, tokens)."""
    from models.tokens import pieces

    takes, forward = paper.takes, causal(paper)
    assert isinstance(takes, Text | TextPair)
    side = x[0, 1, : lengths(paper, x)[1]] if isinstance(takes, TextPair) else x[0]
    there = np.append(side[1:], -1) if forward else np.where(_hidden(paper, x), side, -1)
    scores = module(torch.from_numpy(x))[0, : len(side)] if forward else _one_by_one(module, paper, x, there, tick)
    logs = scores.log_softmax(-1)
    best = logs.topk(min(MOST, logs.shape[1]))
    known = there >= 0
    own = logs.gather(1, torch.from_numpy(np.maximum(there, 0))[:, None])  # (rows, 1)
    ids = best.indices.numpy()
    return Reading(
        ids,
        best.values.exp().numpy(),
        tuple(tuple(pieces(takes.tokenizer, row)) for row in ids.tolist()),
        there,
        np.where(known, own[:, 0].exp().numpy(), np.nan).astype(np.float32),
        np.where(known, (logs > own).sum(1).numpy() + 1, 0),
        (-(logs.exp() * logs).sum(1) / LOG2).numpy(),
        int(forward),
        len(side) - 1 if forward else _first(paper, x, known),
        logs.shape[1],
    )


def _hidden(paper: Paper, x: np.ndarray) -> np.ndarray:
    """bool (tokens,): those that are hidden in their turn; neither special tokens nor blanks."""
    return ~fixed(paper, x) & (x[0] != _mask(paper))


def _mask(paper: Paper) -> int:
    from models.tokens import special

    assert isinstance(paper.takes, Text)
    return special(paper.takes.tokenizer, paper.takes.mask)


def _first(paper: Paper, x: np.ndarray, known: np.ndarray) -> int:
    """The first blank, else the last token that was hidden."""
    blanks = np.flatnonzero(x[0] == _mask(paper))
    return int(blanks[0]) if len(blanks) else int(np.flatnonzero(known)[-1]) if known.any() else 0


def _one_by_one(
    module: nn.Module, paper: Paper, x: np.ndarray, there: np.ndarray, tick: Callable[[float], None]
) -> Tensor:
    """(tokens, V): the scores at each token from the text with that one hidden; at blanks and special ones, as it stands."""
    text = torch.from_numpy(x)
    scores = module(text)[0].clone()
    places = np.flatnonzero(there >= 0)
    for start in range(0, len(places), BATCH):
        tick(start / len(places))
        part = torch.from_numpy(places[start : start + BATCH])
        row = torch.arange(len(part))
        texts = text.repeat(len(part), 1)
        texts[row, part] = _mask(paper)
        scores[part] = module(texts)[row, part]
    return scores
