"""A text continued token by token: what was likely at each step, what was cut away, and what was drawn.

The scores are divided by the temperature first; then all but the `top_k` likeliest tokens are cut away, and of those that
remain, renormalised, the unlikely end that the nucleus does without: the smallest set whose probability reaches `top_p`
(Holtzman, Buys, Du, Forbes, Choi 2020, arXiv 1904.09751, Eq. 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.paper import Paper, Text

MOST = 6  # alternatives kept of every step


@dataclass(frozen=True)
class Cut:
    """One distribution after cutting. All arrays are in the order of probability, the likeliest first."""

    ids: np.ndarray  # int (V,)
    shares: np.ndarray  # (V,), at the temperature
    kept: int  # tokens out of which one is drawn
    top_k: float  # probability that was cut away by top-k
    top_p: float  # and by top-p, of the whole

    @property
    def drawn(self) -> np.ndarray:
        """(kept,): the probabilities by which a token is drawn; they add up to 1."""
        kept = self.shares[: self.kept]
        return kept / kept.sum()


@dataclass(frozen=True)
class Written:
    """Steps from the first token written on; alternatives (steps, MOST), the likeliest first.

    The token written stands among them at `chosen`; one that is less likely than all others takes the last place.
    """

    ids: np.ndarray  # int (steps, MOST)
    shares: np.ndarray  # (steps, MOST), probabilities at the temperature, before anything is cut away
    names: tuple[tuple[str, ...], ...]
    chosen: np.ndarray  # int (steps,)
    rank: np.ndarray  # int (steps,), of the token written, from 1
    kept: np.ndarray  # int (steps,), how many tokens could be drawn
    cut: np.ndarray  # (steps, 2), probability cut away by top-k and by top-p
    ended: bool  # whether the network ended the text itself
    texts: tuple[tuple[str, ...], ...]  # (steps, MOST), all that is written if one goes on with that alternative

    @property
    def tokens(self) -> tuple[str, ...]:
        """(steps,): what was written."""
        return tuple(names[i] for names, i in zip(self.names, self.chosen, strict=True))


def cut(scores: np.ndarray, temperature: float, top_k: int, top_p: float) -> Cut:
    """(V,) scores -> what is left to draw from; top_k 0 and top_p 1 cut nothing. Temperature 0 is temperature 1 and top_k 1.

    Equal scores come in the order of their ids.
    """
    temperature, top_k = (temperature, top_k) if temperature > 0 else (1.0, 1)
    order = np.argsort(-scores, kind="stable")
    z = scores[order].astype(np.float64)
    shares = np.exp((z - z[0]) / temperature)
    shares /= shares.sum()
    first = min(top_k or len(z), len(z))
    before = np.cumsum(shares[:first]) - shares[:first]  # probability of all likelier ones
    kept = int((before < top_p * shares[:first].sum() * (1 - 1e-12)).sum()) or 1
    return Cut(order, shares, kept, float(shares[first:].sum()), float(shares[kept:first].sum()))


def draw(drawn: np.ndarray, seed: int, place: int) -> int:
    """The index that chance picks from probabilities (n,): the same for a seed and a place in the text, whatever came before.

    So a text that is continued from what was written goes on as it did.
    """
    u = np.random.default_rng((seed, place)).random()
    return min(int(np.searchsorted(np.cumsum(drawn), u, side="right")), len(drawn) - 1)


@torch.no_grad()
def generate(
    module: nn.Module,
    paper: Paper,
    x: np.ndarray,
    length: int,
    temperature: float,
    top_k: int,
    top_p: float,
    dice: int,
    tick: Callable[[float], None] = lambda done: None,
) -> Written:
    """Continue x (1, tokens) by at most `length` tokens, within what the network reads at once; the same for a seed, `dice`.

    It stops behind a token that belongs around a text, not into it.
    """
    from models.tokens import decode, pieces, tokenizer

    takes = paper.takes
    assert isinstance(takes, Text)
    ends = {tokenizer(takes.tokenizer).token_to_id(name) for name in (*takes.before, *takes.after)}
    ids, steps = x[0].tolist(), []
    room = max(0, min(length, takes.context - len(ids)))
    for i in range(room):
        tick(i / room)
        found = cut(module(torch.tensor([ids]))[0, -1].numpy(), temperature, top_k, top_p)
        rank = draw(found.drawn, dice, len(ids))
        ids.append(int(found.ids[rank]))
        steps.append((found, rank))
        if ids[-1] in ends:
            break
    most = min(MOST, len(steps[0][0].ids)) if steps else MOST
    best = [[*found.ids[: most - 1], found.ids[max(rank, most - 1)]] for found, rank in steps]
    shares = [[*found.shares[: most - 1], found.shares[max(rank, most - 1)]] for found, rank in steps]
    written = ids[x.shape[1] :]
    return Written(
        np.array(best, np.int64).reshape(-1, most),
        np.array(shares, np.float32).reshape(-1, most),
        tuple(tuple(pieces(takes.tokenizer, row)) for row in best),
        np.array([min(rank, most - 1) for _, rank in steps], np.int64),
        np.array([rank + 1 for _, rank in steps], np.int64),
        np.array([found.kept for found, _ in steps], np.int64),
        np.array([(found.top_k, found.top_p) for found, _ in steps], np.float32).reshape(-1, 2),
        bool(steps) and ids[-1] in ends,
        tuple(tuple(decode(takes.tokenizer, [*written[:i], one]) for one in row) for i, row in enumerate(best)),
    )
