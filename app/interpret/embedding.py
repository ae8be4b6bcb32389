"""Words by their vectors: which lie near each other, what a is to b as c is to, and where they all lie on a plane.

For networks that give a word one vector, whatever stands around it. Vectors are brought to length 1 first, so that only
their directions count: the product of two is the cosine of the angle between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from app.interpret.space import components
from models.paper import BadInput, Paper, Text

NEVER = -2.0  # below every cosine: a word that is no answer


@dataclass(frozen=True)
class Neighbours:
    """The words of a text, each once, and the words nearest to each, itself left out."""

    ids: np.ndarray  # (words,)
    names: tuple[str, ...]
    near: np.ndarray  # ids (words, k), nearest first
    near_names: tuple[tuple[str, ...], ...]
    cosines: np.ndarray  # (words, k)
    usual: np.ndarray  # (words,): the mean cosine with all words of the vocabulary


@dataclass(frozen=True)
class Analogy:
    """a is to b as c is to what: the words nearest to b - a + c, where a, b and c themselves do not count."""

    given: np.ndarray  # ids (3,) of a, b, c
    given_names: tuple[str, ...]
    ids: np.ndarray  # (k,), nearest first
    names: tuple[str, ...]
    cosines: np.ndarray  # (k,)
    open_name: str  # the nearest if a, b and c do count
    open_cosine: float
    wanted: str  # the word that would be right, where that is known
    rank: int  # its place among the answers, from 1; 0 where none is known
    parallel: float  # cosine of the angle between the steps from a to b and from c to the answer

    @property
    def right(self) -> bool:
        return self.rank == 1


@dataclass(frozen=True)
class Plane:
    """Words on the two axes along which their vectors differ most, and b - a + c among them."""

    positions: np.ndarray  # (words, 2)
    aim: np.ndarray  # (2,)
    explained: np.ndarray  # (2,): share of the words' variance on each axis


def table(module: nn.Module, takes: Text) -> Tensor:
    """(vocabulary, width): the vector of every word, of length 1; of what has none, as all unknown words have, 0."""
    from models.tokens import tokenizer

    return F.normalize(module(torch.arange(tokenizer(takes.tokenizer).get_vocab_size())[None])[0], dim=1)


def known(paper: Paper, words: tuple[str, ...]) -> list[int]:
    """The ids of single words. Raises BadInput that names all that are not in the vocabulary."""
    assert isinstance(paper.takes, Text)
    found, lost = [], []
    for word in words:
        try:
            (token,) = paper.takes.tokens(word)
            found.append(token.id)
        except ValueError:  # not just one token, or BadInput
            lost.append(f"“{word[:20]}”")
    if lost:
        raise BadInput(f"The network does not know {' and '.join(lost)} as a word of its own; put another word there.")
    return found


@torch.no_grad()
def neighbours(module: nn.Module, paper: Paper, x: np.ndarray, count: int = 10) -> Neighbours:
    """The `count` nearest to each word of `x` (1, tokens) among the whole vocabulary; unknown words are left out."""
    from models.tokens import pieces

    assert isinstance(paper.takes, Text)
    unit, slug = table(module, paper.takes), paper.takes.tokenizer
    has = unit.any(1)
    ids = [i for i in dict.fromkeys(x[0].tolist()) if has[i]]
    cosines = unit[ids] @ unit.T  # (words, vocabulary)
    usual = cosines[:, has].mean(1)
    cosines[:, ~has] = NEVER
    cosines[range(len(ids)), ids] = NEVER
    best = cosines.topk(count)
    near = tuple(tuple(pieces(slug, row)) for row in best.indices.tolist())
    return Neighbours(
        np.array(ids), tuple(pieces(slug, ids)), best.indices.numpy(), near, best.values.numpy(), usual.numpy()
    )


@torch.no_grad()
def analogies(
    module: nn.Module, paper: Paper, x: np.ndarray, questions: tuple[tuple[str, ...], ...], count: int = 5
) -> tuple[Analogy, ...]:
    """Answers to questions (a, b, c), or (a, b, c, d) where d would be right. Raises BadInput for words it does not know.

    The answer is the word x that makes cos(x, b - a + c) largest, a, b and c left out (Mikolov et al. 2013, arXiv
    1301.3781, section 4), with all vectors of length 1 before they are added: 3CosAdd (Levy and Goldberg 2014).
    """
    from models.tokens import pieces

    assert isinstance(paper.takes, Text)
    unit, slug, found = table(module, paper.takes), paper.takes.tokenizer, []
    for question in questions:
        ids = known(paper, question)
        a, b, c = ids[:3]
        cosines = unit @ F.normalize(unit[b] - unit[a] + unit[c], dim=0)  # (vocabulary,)
        cosines[~unit.any(1)] = NEVER
        open_cosine, open_id = (t.item() for t in cosines.max(0))
        cosines[[a, b, c]] = NEVER
        best = cosines.topk(count)
        answer = int(best.indices[0])
        found.append(
            Analogy(
                np.array(ids[:3]),
                tuple(pieces(slug, ids[:3])),
                best.indices.numpy(),
                tuple(pieces(slug, best.indices.tolist())),
                best.values.numpy(),
                pieces(slug, [int(open_id)])[0],
                float(open_cosine),
                "".join(pieces(slug, ids[3:])),
                int((cosines > cosines[ids[3]]).sum()) + 1 if ids[3:] else 0,
                float(F.cosine_similarity(unit[b] - unit[a], unit[answer] - unit[c], dim=0)),
            )
        )
    return tuple(found)


@torch.no_grad()
def plane(module: nn.Module, paper: Paper, x: np.ndarray, ids: tuple[int, ...], given: tuple[int, int, int]) -> Plane:
    """The words `ids`, and b - a + c of the words `given`, on the first two principal components of the former (Pearson 1901)."""
    assert isinstance(paper.takes, Text)
    unit = table(module, paper.takes).numpy()
    a, b, c = given
    vectors = unit[list(ids)]
    mean, axes, explained = components(vectors, 2)
    return Plane((vectors - mean) @ axes.T, (unit[b] - unit[a] + unit[c] - mean) @ axes.T, explained)
