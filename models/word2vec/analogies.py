"""Man is to woman as king is to what? Questions from the pairs of `analogies.txt`, and how vectors answer them."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models import tokens

FILE = Path(__file__).with_name("analogies.txt")
Pairs = tuple[tuple[str, str], ...]


@cache
def relations() -> dict[str, Pairs]:
    """The pairs of each relation, "family (semantic)" and so on."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in FILE.read_text("utf8").splitlines():
        if line.startswith(": "):
            block = found.setdefault(line[2:], [])
        elif line and not line.startswith("#"):
            first, second = line.split()
            block.append((first, second))
    return {name: tuple(pairs) for name, pairs in found.items()}


def questions(pairs: Pairs, slug: str) -> Tensor:
    """int64 (n, 4): a is to b as c is to d, of every two pairs whose words are all in the vocabulary and all different."""
    place = tokens.tokenizer(slug).token_to_id
    known = [(place(a), place(b)) for a, b in pairs if place(a) is not None and place(b) is not None]
    asked = [(*one, *other) for one, other in permutations(known, 2) if len({*one, *other}) == 4]
    return torch.tensor(asked, dtype=torch.long).view(-1, 4)


def answer(vectors: Tensor, asked: Tensor) -> Tensor:
    """Word ids (n,): the word in whose direction b - a + c points most nearly, all of length 1; a, b, c do not count."""
    unit = F.normalize(vectors, dim=1)
    a, b, c = asked[:, :3].T
    likeness = (unit[b] - unit[a] + unit[c]) @ unit.T  # (n, vocabulary)
    return likeness.scatter(1, asked[:, :3], -torch.inf).argmax(1)


def answers(vectors: Tensor, slug: str) -> dict[str, list[bool]]:
    """Which questions of each relation are answered rightly."""
    found = {}
    for name, pairs in relations().items():
        asked = questions(pairs, slug)
        parts = [answer(vectors, part) == part[:, 3] for part in asked.split(500)]
        found[name] = torch.cat(parts).tolist() if parts else []
    return found


def neighbours(vectors: Tensor, word: str, slug: str, count: int = 8) -> list[str]:
    """The words whose vectors point most nearly in the same direction."""
    unit, place = F.normalize(vectors, dim=1), tokens.tokenizer(slug).token_to_id(word)
    near = (unit @ unit[place]).topk(count + 1).indices.tolist()
    return [tokens.tokenizer(slug).id_to_token(i) or "" for i in near if i != place][:count]
