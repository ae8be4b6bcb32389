"""What a network of words says of a text: the likeliest tokens in one place, a translation, or what is near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from app.interpret.embedding import table
from models.paper import MaskedToken, Paper, Text, TextPair

MOST = 50  # tokens kept


@dataclass(frozen=True)
class Words:
    """The likeliest tokens in one place, most likely first, and, for a translation, the whole of it."""

    tokens: tuple[str, ...]
    probabilities: np.ndarray  # (tokens,), of the whole vocabulary
    place: int  # index of the token asked for: the blank, or the one after the last
    translation: str = ""


@dataclass(frozen=True)
class Near:
    """The tokens whose vectors point most nearly where a text's last token's does, by the cosine of the angle."""

    token: str
    tokens: tuple[str, ...]
    cosines: np.ndarray


@torch.no_grad()
def near(module: nn.Module, paper: Paper, x: np.ndarray) -> Near:
    """Neighbours of the last token of `x` (1, tokens) that has a vector, among the whole vocabulary, itself left out."""
    from models.tokens import pieces

    takes = paper.takes
    assert isinstance(takes, Text)
    unit = table(module, takes)
    last = int(x[0, unit[x[0]].any(1)][-1])
    cosines = (unit @ unit[last]).numpy()
    cosines[last] = -1
    order = np.argsort(-cosines, kind="stable")[:MOST]
    token, *tokens = pieces(takes.tokenizer, [last, *order.tolist()])
    return Near(token, tuple(tokens), cosines[order])


@torch.no_grad()
def words(module: nn.Module, paper: Paper, x: np.ndarray) -> Words:
    """Softmax of the logits (Vaswani et al. 2017, section 3.4) at the mask, where there is one, else at the end.

    A translation goes on from the target that `x` holds, greedily: the likeliest token each time, until the end.
    """
    from models.tokens import decode, pieces, tokenizer

    takes, translation = paper.takes, ""
    assert isinstance(takes, Text | TextPair)
    place, ids = x.shape[-1] - 1, torch.from_numpy(x)
    if isinstance(takes, TextPair):
        place = int((x[0, 1] != 0).sum()) - 1
    elif isinstance(paper.gives, MaskedToken):
        blanks = np.flatnonzero(x[0] == tokenizer(takes.tokenizer).token_to_id(takes.mask))
        place = int(blanks[0]) if len(blanks) else place - len(takes.after)
    share = module(ids)[0, place].softmax(-1).numpy()
    if isinstance(takes, TextPair):
        translation = decode(takes.tokenizer, _greedy(module, takes, x))
    order = np.argsort(-share, kind="stable")[:MOST]
    return Words(tuple(pieces(takes.tokenizer, order.tolist())), share[order], place, translation.strip())


def _greedy(module: nn.Module, takes: TextPair, x: np.ndarray) -> list[int]:
    """The target's ids, given ones first, without its start and end."""
    from models.tokens import tokenizer

    end = tokenizer(takes.tokenizer).token_to_id(takes.end)
    said = [int(i) for i in x[0, 1] if i != 0]
    while len(said) < takes.context:
        pair = np.zeros((1, 2, max(x.shape[-1], len(said))), np.int64)
        pair[0, 0, : x.shape[-1]], pair[0, 1, : len(said)] = x[0, 0], said
        following = int(module(torch.from_numpy(pair))[0, len(said) - 1].argmax())
        if following == end:
            break
        said.append(following)
    return said[1:]
