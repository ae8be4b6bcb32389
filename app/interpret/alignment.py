"""How a sentence is translated: the search for the likeliest translation, kept whole, and what is looked at for each token.

The search is `models.translation.beam`'s, for one sentence, with all that it weighed and let go: hypotheses compare by their
log-probability over ((5 + length) / 6)^0.6 (Wu et al. 2016, arXiv 1609.08144, Eq. 14, without coverage).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from app.interpret.attention import attention
from models.paper import Paper, TextPair
from models.translation import END, PAD, START, Next, State, Translator, padded

ALPHA = 0.6  # the power of the length by which a score is divided: 0 leaves it as it is
PRUNED, WENT_ON, ENDED, LATE = range(4)  # what became of a node; LATE ones ended, though not among the best


@dataclass(frozen=True)
class Tree:
    """All continuations that a beam weighed, in the order of their length and then their score; node 0 is the start.

    Log-probabilities in nats. `best` is the last node of the translation found, an end or, where the length ran out, a token.
    """

    tokens: np.ndarray  # int (nodes,)
    names: tuple[str, ...]  # the tokens as text
    parents: np.ndarray  # int (nodes,), -1 of the start
    lengths: np.ndarray  # int (nodes,), tokens behind the start
    logs: np.ndarray  # (nodes,), of the token alone, given those before it
    totals: np.ndarray  # (nodes,), of the hypothesis up to it
    scores: np.ndarray  # (nodes,), the same by its length: what is compared
    fates: np.ndarray  # int (nodes,)
    best: int
    text: str  # the translation

    def path(self, node: int) -> list[int]:
        """The nodes from the first token to this one, without the start."""
        found = []
        while node > 0:
            found.append(node)
            node = int(self.parents[node])
        return found[::-1]

    @property
    def ids(self) -> list[int]:
        """The translation's token ids, without start and end."""
        return [int(self.tokens[i]) for i in self.path(self.best) if self.tokens[i] != END]

    @property
    def ended(self) -> list[int]:
        """The hypotheses that came to an end in time, the best first."""
        nodes = np.flatnonzero(self.fates == ENDED)
        return nodes[np.argsort(-self.scores[nodes], kind="stable")].tolist()


@dataclass(frozen=True)
class Alignment:
    """What is looked at of the source, for every token of the target, by every head that looks across."""

    patterns: (
        np.ndarray
    )  # (layers, heads, target tokens, source tokens), rows add up to 1; row 0 is what START asks for
    source: tuple[str, ...]  # with the end
    target: tuple[str, ...]  # what each row writes: the tokens behind START; the last row's is yet to come, ""


@dataclass
class _Grown:
    """A tree on its way: a list for each field."""

    tokens: list[int]
    parents: list[int]
    lengths: list[int]
    logs: list[float]
    totals: list[float]
    fates: list[int]

    def add(self, token: int, parent: int, total: float, fate: int) -> int:
        self.tokens.append(token)
        self.parents.append(parent)
        self.lengths.append(self.lengths[parent] + 1)
        self.logs.append(total - self.totals[parent])
        self.totals.append(total)
        self.fates.append(fate)
        return len(self.tokens) - 1

    def score(self, node: int) -> float:
        return self.totals[node] / ((5 + self.lengths[node]) / 6) ** ALPHA


def grow(next_token: Next, state: State, limit: int, width: int) -> tuple[_Grown, int]:
    """A beam of `width` over one sentence, of at most `limit` tokens: all nodes, and the last of the best hypothesis.

    At each length the 2 `width` likeliest continuations of the open hypotheses are weighed. An end among the first `width` of
    them is a translation; the best `width` that do not end go on. It is done once the best translation is ahead of the best
    open hypothesis.
    """
    tree = _Grown([START], [-1], [0], [0.0], [0.0], [WENT_ON])
    best, front, going = -1, [0], list[int]()
    for length in range(1, limit + 1):
        logs, state = next_token(torch.tensor([tree.tokens[i] for i in front]), state)  # (front, vocabulary)
        logs[:, [PAD, START]] = -torch.inf
        sums = torch.tensor([tree.totals[i] for i in front])[:, None] + logs.float()
        top, flat = sums.flatten().topk(min(2 * width, sums.numel()))
        going, rows = list[int](), list[int]()
        for rank, (total, cell) in enumerate(zip(top.tolist(), flat.tolist(), strict=True)):
            row, token = divmod(cell, sums.shape[1])
            if not np.isfinite(total):
                continue
            node = tree.add(token, front[row], total, PRUNED)
            if token == END:
                tree.fates[node] = ENDED if rank < width else LATE
                if rank < width and (best < 0 or tree.score(node) > tree.score(best)):
                    best = node
            elif len(going) < width:
                tree.fates[node] = WENT_ON
                going.append(node)
                rows.append(row)
        if not going or (best >= 0 and tree.score(going[0]) <= tree.score(best)):
            break
        if length == limit:
            best = going[0]
            break
        front, state = going, {k: v[torch.tensor(rows)] for k, v in state.items()}
    for node in going:  # what was still open
        tree.fates[node] = WENT_ON if node == best else PRUNED
    return tree, best


@torch.no_grad()
def search(module: nn.Module, paper: Paper, x: np.ndarray, width: int) -> Tree:
    """Translate the source of x (1, 2, tokens) anew, whatever its target; `width` 1 takes the likeliest token each time.

    At most twice as many tokens as the source has and 10 more, within what the network reads.
    """
    from models.tokens import decode, pieces

    takes = paper.takes
    assert isinstance(takes, TextPair)
    assert isinstance(module, Translator)
    source = torch.from_numpy(x[:, 0][x[:, 0] != PAD][None])
    limit = min(2 * source.shape[1] + 10, takes.context - 1)
    grown, best = grow(module.next, module.start(source), limit, width)
    tree = Tree(
        np.array(grown.tokens),
        tuple(pieces(takes.tokenizer, grown.tokens)),
        np.array(grown.parents),
        np.array(grown.lengths),
        np.array(grown.logs, np.float32),
        np.array(grown.totals, np.float32),
        np.array([grown.score(i) for i in range(len(grown.tokens))], np.float32),
        np.array(grown.fates),
        best,
        "",
    )
    return Tree(**{**vars(tree), "text": decode(takes.tokenizer, tree.ids).strip()})


def written(x: np.ndarray, tree: Tree) -> np.ndarray:
    """The source of x (1, 2, tokens) with the translation found as its target: int64 (1, 2, tokens)."""
    return padded([x[0, 0][x[0, 0] != PAD].tolist(), [START, *tree.ids]]).numpy()[None]


def align(module: nn.Module, paper: Paper, x: np.ndarray) -> Alignment:
    """Every head's look across from the target of x (1, 2, tokens) to its source. Raises KeyError where nothing looks across."""
    from models.tokens import pieces

    takes = paper.takes
    assert isinstance(takes, TextPair)
    across = attention(module, paper, x).parts["across"]
    sides = [pieces(takes.tokenizer, side[side != PAD].tolist()) for side in x[0]]
    patterns = np.stack([layer.pattern[0] for layer in across.layers])
    return Alignment(patterns, tuple(sides[0]), (*sides[1][1:], ""))
