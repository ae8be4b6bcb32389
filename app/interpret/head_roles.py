"""What every head does, at one moment of training: as measured on random tokens twice over, and on a visitor's own text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models import heads
from models.paper import Paper, Text

ROWS, LENGTH = 4, 60  # sequences of random tokens, and tokens before each repeats
ROLES = heads.KINDS


@dataclass(frozen=True)
class Roles:
    """Scores of all heads, 0 to 1: `scores` (roles, layers, heads), in the order of ROLES; see `models.heads.on_repeats`.

    `even` is what a head would score that looks evenly at all it may see. `losses` are the mean losses, in nats, of the tokens
    of the first half and of the second, which repeats it.
    """

    scores: np.ndarray
    even: float
    losses: tuple[float, float]


@dataclass(frozen=True)
class Look:
    """One head on one text: its `pattern` (t, t); `ideal` (roles, t, t), 1 where a perfect head of each role may look.

    `scores` (roles, layers, heads): the share of a head's whole look that lies there; nan where the text has no such place.
    """

    pattern: np.ndarray
    ideal: np.ndarray
    scores: np.ndarray


def roles(module: nn.Module, paper: Paper, x: np.ndarray) -> Roles:
    """Every head's part in looking back, on random tokens twice over (`x` is not looked at). Leaves no hook behind.

    Olsson et al. 2022, "In-context Learning and Induction Heads". Raises TypeError for a network that reads no text.
    """
    ids = random_tokens(paper)
    found, losses = heads.survey(module, ids, ROWS)
    length = (ids.shape[1] - 1) // 2
    even = float(np.mean(1 / np.arange(length + 2, ids.shape[1] + 1)))  # of a query that sees 1, 2, ... tokens
    return Roles(np.stack([found[role].numpy() for role in ROLES]), even, losses)


def random_tokens(paper: Paper) -> torch.Tensor:
    """int64 (ROWS, 1 + 2 LENGTH), less where the network reads less: a start, random tokens, and the same again.

    Drawn from what byte-pair encoding has put together, which is what texts consist of: no special tokens, no single bytes.
    """
    from models.tokens import special, tokenizer

    takes = paper.takes
    if not isinstance(takes, Text):
        raise TypeError(f"{paper.slug} reads no text")
    made = tokenizer(takes.tokenizer)
    size, marks = made.get_vocab_size(), made.get_added_tokens_decoder()
    merged = [i for i in range(size) if i not in marks and len(str(made.id_to_token(i))) > 1]
    start = special(takes.tokenizer, takes.before[0]) if takes.before else merged[0]
    length = min(LENGTH, (takes.context - 1) // 2)
    return heads.repeats(ROWS, length, range(merged[0], merged[-1] + 1), start)


def look(module: nn.Module, paper: Paper, x: np.ndarray, layer: int, head: int) -> Look:
    """One head's pattern on x (1, t), and what all heads' patterns there amount to, as TransformerLens's head_detector has it."""
    ids = torch.from_numpy(x)
    pattern, _ = heads.patterns(module, ids)
    ideal = torch.stack([heads.ideal(role, ids[0]) for role in ROLES])
    scores = torch.stack(list(heads.on_text(pattern[:, 0], ids[0]).values()))
    scores[ideal.sum((1, 2)) == 0] = torch.nan
    return Look(pattern[layer, 0, head].numpy().copy(), ideal.numpy().astype(bool), scores.numpy())
