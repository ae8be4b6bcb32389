"""Where every attention head looks on one input: all patterns, what they amount to, and how one entry comes about.

A network has one or several parts, stacks of attentions of one kind: a text's attention to itself; or an encoder's, a
decoder's, and the decoder's across to the encoder. All patterns come from one forward pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import nn

from app.interpret.trace import expand, trace
from models.paper import Image, Paper, TextPair

PATTERN, SCORES = "hook_pattern", "hook_attn_scores"
SINK = 0.5  # a head whose queries spend so much, in the mean, on one and the same key is no telling one


@dataclass(frozen=True)
class Layer:
    """One attention. Rows of `pattern` add up to 1.

    Where tokens see each other only inside windows of a picture there are several windows, else one.
    """

    path: str  # of the attention's module: "blocks.2.attn"
    pattern: np.ndarray  # (windows, heads, query, key), shares 0..1
    tokens: np.ndarray  # int (windows, query): which token of the layer each query is
    side: int = 0  # patches along a side of the picture; 0 where there is no picture
    front: int = 0  # tokens in front of the patches: 1 where there is a class token

    def find(self, token: int) -> tuple[int, int]:
        """The window that a token lies in, and its place there."""
        window, place = np.argwhere(self.tokens == token)[0]
        return int(window), int(place)

    def row(self, head: int, token: int) -> np.ndarray:
        """(keys,): the shares of all the layer's tokens in the look of one; 0 for those outside its window."""
        window, place = self.find(token)
        if len(self.tokens) == 1:
            return self.pattern[0, head, place]
        found = np.zeros(self.tokens.size, self.pattern.dtype)
        found[self.tokens[window]] = self.pattern[window, head, place]
        return found


@dataclass(frozen=True)
class Part:
    """A stack of attentions of one kind. Entropy in bits, distance in tokens or patches: (layers, heads), NaN for no head."""

    layers: tuple[Layer, ...]
    asks: int  # which side the queries are: 0 the text, or the source of a pair; 1 its target
    asked: int  # which side the keys are
    entropy: np.ndarray
    distance: np.ndarray  # all NaN where keys are of another text than queries
    open: bool  # whether queries and keys can be looked at, too

    @property
    def own(self) -> bool:
        """Whether tokens look at those of their own text: such a stack can be rolled out."""
        return self.asks == self.asked and all(len(layer.tokens) == 1 for layer in self.layers)

    @cached_property
    def telling(self) -> tuple[int, int]:
        """Layer and number of the head with the least entropy, out of those that do not mostly look at one and the same key."""
        entropy = self.entropy.copy()
        for i, layer in enumerate(self.layers):
            sink = layer.pattern.mean((0, 2)).max(-1) >= SINK
            entropy[i, : len(sink)][sink] += 1e3  # behind all others, and still in their order
        layer, head = divmod(int(np.nanargmin(entropy)), entropy.shape[1])
        return layer, head


@dataclass(frozen=True)
class Attention:
    """All parts of a network by name: "self", or "encoder", "decoder" and "across"."""

    parts: Mapping[str, Part]


@dataclass(frozen=True)
class Arithmetic:
    """How a query's shares come about: score = dot / sqrt(units) + added, and the softmax over the keys it may see.

    `added` is a position bias or a mask where the network adds one, else 0 but for rounding.
    """

    q: np.ndarray  # (units,)
    k: np.ndarray  # (keys, units)
    dot: np.ndarray  # (keys,), q . k
    scaled: np.ndarray  # (keys,), dot / sqrt(units)
    added: np.ndarray  # (keys,)
    seen: np.ndarray  # bool (keys,): False for keys that the network hides from this query
    share: np.ndarray  # (keys,), softmax of scaled + added over the keys that are seen
    pattern: np.ndarray  # (keys,), what the network itself has there


def attention(module: nn.Module, paper: Paper, x: np.ndarray) -> Attention:
    """The patterns of every head of every layer on the first of `x`, padding cut away. Leaves no hook behind.

    Raises KeyError where the paper declares no pattern.
    """
    probes = expand(module, paper.probes)
    paths = tuple(p for p in probes if p.rpartition(".")[2] == PATTERN)
    if not paths:
        raise KeyError(f"{paper.slug} declares no {PATTERN}")
    seen = trace(module, paper, x, paths)
    stacks: dict[str, list[Layer]] = {}
    for path in paths:
        name, asks, asked = part_of(path, paper)
        pattern = _cut(seen.values[path][0], seen.axes[path][1:], paper, x, asks, asked)
        stacks.setdefault(name, []).append(_layer(module, paper, path.rpartition(".")[0], pattern, seen.axes[path]))
    parts = {}
    for name, layers in stacks.items():
        _, asks, asked = part_of(f"{layers[0].path}.{PATTERN}", paper)
        distances = [distance(layer) if asks == asked else np.full(layer.pattern.shape[1], np.nan) for layer in layers]
        both = all(f"{layer.path}.{hook}" in probes for layer in layers for hook in ("hook_q", "hook_k", SCORES))
        entropies = _table([entropy(layer) for layer in layers])
        parts[name] = Part(tuple(layers), asks, asked, entropies, _table(distances), both)
    return Attention(parts)


def part_of(path: str, paper: Paper) -> tuple[str, int, int]:
    """A pattern's part, and the sides that its queries and its keys are: 0 source, 1 target.

    In a decoder, attention to its own text is called `attn`, as in TransformerLens; any other looks across at the source.
    """
    names = path.split(".")
    if not isinstance(paper.takes, TextPair):
        return "self", 0, 0
    if names[0] == "encoder":
        return "encoder", 0, 0
    return ("decoder", 1, 1) if names[-2] == "attn" else ("across", 1, 0)


def lengths(paper: Paper, x: np.ndarray) -> tuple[int, ...]:
    """Tokens of each side of the first of `x`, without the padding of a pair; () where it is no text of two sides."""
    return tuple(int((side != 0).sum()) for side in x[0]) if isinstance(paper.takes, TextPair) else ()


def _cut(values: np.ndarray, axes: Sequence[str], paper: Paper, x: np.ndarray, asks: int, asked: int) -> np.ndarray:
    """(..., head, query, key) -> (windows, head, query, key) without padding."""
    assert axes[-3:] == ("head", "query", "key"), axes
    values = values.reshape(-1, *values.shape[-3:])
    sizes = lengths(paper, x)
    return values[:, :, : sizes[asks], : sizes[asked]].copy() if sizes else values


def _layer(module: nn.Module, paper: Paper, path: str, pattern: np.ndarray, axes: Sequence[str]) -> Layer:
    windows, _, count, _ = pattern.shape
    if not isinstance(paper.takes, Image):
        return Layer(path, pattern, np.arange(count)[None])
    if "height" in axes and "width" in axes:
        shift = getattr(module.get_submodule(path), "shift", 0)
        tokens = windowed(math.isqrt(windows), math.isqrt(count), shift)
        return Layer(path, pattern, tokens, math.isqrt(tokens.size))
    for front in (0, 1):
        side = math.isqrt(count - front)
        if side**2 == count - front and paper.takes.size[0] % side == 0:
            return Layer(path, pattern, np.arange(count)[None], side, front)
    return Layer(path, pattern, np.arange(count)[None])


def windowed(rows: int, m: int, shift: int) -> np.ndarray:
    """int (rows * rows, m * m): the patches, counted by rows of the picture, in every window of m x m of them.

    The picture is first rolled up and to the left by `shift` patches (Liu et al. 2021, Fig. 4).
    """
    side = rows * m
    patches = np.roll(np.arange(side * side).reshape(side, side), (-shift, -shift), (0, 1))
    return patches.reshape(rows, m, rows, m).swapaxes(1, 2).reshape(rows * rows, m * m)


def _table(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of any lengths as one float32 array, filled up with NaN."""
    table = np.full((len(rows), max(map(len, rows))), np.nan, np.float32)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    return table


def entropy(layer: Layer) -> np.ndarray:
    """(heads,): - sum p log2 p of every query's shares in bits, mean over queries. 0: each looks at one key alone."""
    p = layer.pattern.astype(np.float64)
    return -(p * np.log2(np.where(p > 0, p, 1))).sum(-1).mean((0, 2))


def distance(layer: Layer) -> np.ndarray:
    """(heads,): how far from themselves queries look, mean over shares and then over queries.

    Texts: in tokens. Pictures: in patches, in a straight line; a class token has no place and is left out on either side.
    """
    apart = np.abs(np.subtract.outer(layer.tokens[0], np.arange(layer.pattern.shape[-1])))[None].astype(float)
    if layer.side:
        where = np.stack(np.divmod(layer.tokens - layer.front, layer.side), -1).astype(float)
        where[layer.tokens < layer.front] = np.nan
        apart = np.linalg.norm(where[:, :, None] - where[:, None], axis=-1)  # (windows, query, key)
    placed = np.isfinite(apart)[:, None]
    p = layer.pattern * placed
    total = p.sum(-1)
    far = (p * np.nan_to_num(apart)[:, None]).sum(-1) / np.where(total > 0, total, 1)
    return far.sum((0, 2)) / placed.any(-1).sum((0, 2))


def rollout(patterns: Sequence[np.ndarray]) -> np.ndarray:
    """Attention rollout (Abnar and Zuidema 2020, arXiv 2005.00928, section 3): (layers, t, t) from each layer's (heads, t, t).

    The residual stream carries half of a token on, attention the other half: A_hat = 0.5 A + 0.5 I with A the mean over heads,
    rows normalised; entry i is A_hat_i ... A_hat_0, how much of each first token (column) a token after layer i (row) holds.
    """
    found: list[np.ndarray] = []
    for pattern in patterns:
        mixed = 0.5 * pattern.mean(0, dtype=np.float64) + 0.5 * np.eye(pattern.shape[-1])
        mixed /= mixed.sum(-1, keepdims=True)
        found.append(mixed @ found[-1] if found else mixed)
    return np.stack(found).astype(np.float32)


def arithmetic(
    module: nn.Module, paper: Paper, x: np.ndarray, path: str, head: int, window: int, query: int
) -> Arithmetic:
    """All that leads to one query's shares in one head, from a forward pass. `path` is the attention's: "blocks.2.attn".

    Raises KeyError where the paper declares no q, k and scores beside the pattern.
    """
    names = ("hook_q", "hook_k", SCORES, PATTERN)
    seen = trace(module, paper, x, tuple(f"{path}.{name}" for name in names)).values
    q, k = (v[0].reshape(-1, *v.shape[-3:])[window, :, head] for v in (seen[f"{path}.{n}"] for n in names[:2]))
    _, asks, asked = part_of(f"{path}.{PATTERN}", paper)
    score, pattern = (
        _cut(seen[f"{path}.{n}"][0], ("head", "query", "key"), paper, x, asks, asked)[window, head, query]
        for n in names[2:]
    )
    q, k = q[query], k[: len(pattern)]
    dot = k @ q
    scaled = dot / np.float32(math.sqrt(len(q)))
    visible = pattern > 0
    e = np.where(visible, np.exp(score - score[visible].max(), where=visible, out=np.zeros_like(score)), 0)
    return Arithmetic(q, k, dot, scaled, score - scaled, visible, e / e.sum(), pattern)
