"""What a network of words can answer, place by place: the likeliest, what does stand there, and where one begins to ask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.paper import ClassScores, MaskedToken, NextToken, Paper, Text, TextPair, Translation

MOST = 12  # answers kept at each place

Array = np.ndarray


@dataclass(frozen=True)
class Answers:
    """What a network says wherever it says something: a row a place, or one row of class scores. Most likely first.

    `ids`, `shares` and `names` are (rows, MOST); `there` (rows,) is what does stand in that place, -1 where nothing does.
    """

    ids: Array
    shares: Array
    names: tuple[tuple[str, ...], ...]
    there: Array
    there_shares: Array
    place: int  # the row to begin with: the blank, or what comes next

    @property
    def explained(self) -> Array:
        """(rows,): which answer of each place is looked at first: what does stand there; at `place`, the likeliest."""
        found = np.where(self.there >= 0, self.there, self.ids[:, 0])
        found[self.place] = self.ids[self.place, 0]
        return found


def causal(paper: Paper) -> bool:
    """Whether a place knows nothing of what comes after it on its own side."""
    return isinstance(paper.gives, NextToken | Translation)


def lengths(paper: Paper, x: Array) -> tuple[int, ...]:
    """Tokens of the text x (1, t), or of the sentence and the translation x (1, 2, t); what fills them up is id 0."""
    if isinstance(paper.takes, TextPair):
        return tuple(int(n) for n in (x[0] != 0).sum(1))
    return (x.shape[1],)


def fixed(paper: Paper, x: Array) -> Array:
    """bool (tokens,): the special tokens, which no baseline replaces."""
    sizes, takes = lengths(paper, x), paper.takes
    kept = np.zeros(sum(sizes), bool)
    if isinstance(takes, TextPair):
        kept[sizes[0] - 1 : sizes[0] + 1] = True  # the sentence's end, and the translation's start
    elif isinstance(takes, Text):
        kept[: len(takes.before)] = True
        kept[len(kept) - len(takes.after) :] = True
    return kept


def baselines(paper: Paper) -> dict[int, str]:
    """Tokens that may stand for nothing, by id: the blank or the end where there is one, and a few that mean little."""
    from models.tokens import tokenizer

    takes = paper.takes
    assert isinstance(takes, Text | TextPair)
    special = (takes.end,) if isinstance(takes, TextPair) else (takes.mask, *takes.after, *takes.before)
    made = tokenizer(takes.tokenizer)
    found = {_id(takes, name): name for name in special if name}
    for name in (" the", ",", "."):
        ids = made.encode(name, add_special_tokens=False).ids
        if len(ids) == 1:
            found.setdefault(ids[0], name.strip())
    return found


@torch.no_grad()
def answers(module: nn.Module, paper: Paper, x: Array) -> Answers:
    """The likeliest answers to x (1, ...) at every place where the network gives one."""
    from app.interpret.prediction import probabilities
    from models.tokens import pieces

    scores = module(torch.from_numpy(x))[0]
    if isinstance(paper.gives, ClassScores):
        share = torch.from_numpy(probabilities(scores[None].numpy(), paper.gives))
        there = np.array([-1])
    else:
        share, there = scores[: lengths(paper, x)[-1]].softmax(-1), _there(paper, x)
    best = share.topk(min(MOST, share.shape[1]))
    ids = best.indices.numpy()
    if isinstance(paper.gives, ClassScores):
        names = tuple(tuple(paper.gives.labels[i] for i in row) for row in ids)
    else:
        assert isinstance(paper.takes, Text | TextPair)
        names = tuple(tuple(pieces(paper.takes.tokenizer, row)) for row in ids.tolist())
    place = share[np.arange(len(there)), np.maximum(there, 0)].numpy()
    return Answers(ids, best.values.numpy(), names, there, place, _first(paper, x, ids))


def _there(paper: Paper, x: Array) -> Array:
    """What stands where each answer belongs: the token after, or, where blanks are filled, the token itself."""
    if isinstance(paper.gives, MaskedToken):
        assert isinstance(paper.takes, Text)
        return np.where(x[0] == _id(paper.takes, paper.takes.mask), -1, x[0])
    side = x[0, 1, : lengths(paper, x)[1]] if isinstance(paper.takes, TextPair) else x[0]
    return np.append(side[1:], -1)


def _first(paper: Paper, x: Array, ids: Array) -> int:
    """The place to begin with: the blank; in a translation, the last place where it does not stop; else the last."""
    takes = paper.takes
    if isinstance(paper.gives, MaskedToken):
        assert isinstance(takes, Text)
        blanks = np.flatnonzero(x[0] == _id(takes, takes.mask))
        return int(blanks[0]) if len(blanks) else x.shape[1] - 1 - len(takes.after)
    if isinstance(takes, TextPair):
        going = np.flatnonzero(ids[:, 0] != _id(takes, takes.end))
        return int(going[-1]) if len(going) else 0
    return len(ids) - 1


def _id(takes: Text | TextPair, name: str) -> int:
    from models.tokens import special

    return special(takes.tokenizer, name) if name else -1
