"""Ablation: a network with some of its heads and perceptrons switched off, against the same network whole.

A part is "2.3", head 3 of layer 2, or "2.mlp", the perceptron of layer 2. Switched off means that what it adds is
replaced in all places by nothing ("zero"), or by what it adds on average ("mean"): the mean over all tokens of the
paper's samples, special ones left out. Then a part says nothing of this text, and the rest still finds what it is used to.
(Wang et al. 2022, "Interpretability in the Wild", section 3, argue for means.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from app.interpret.lens import Lens
from app.interpret.patching import kept, onwards, portions
from models.paper import Paper, Text

Z, MLP, STREAM, PATTERN = (
    f"blocks.{{}}.{point}" for point in ("attn.hook_z", "hook_mlp_out", "hook_resid_pre", "attn.hook_pattern")
)
How = Literal["zero", "mean"]
Means = dict[str, Tensor]  # by hook point: (heads, units) or (d,)


@dataclass(frozen=True)
class Ablated:
    """The network whole (row 0) and without some parts (row 1) on one text."""

    losses: np.ndarray  # (2, tokens) bits: how surprising each token is after those before it; NaN for the first
    names: tuple[str, ...]  # of the tokens that are likely after `place` in either
    shares: np.ndarray  # (2, names) probabilities
    moved: np.ndarray  # (layers, heads): the share of each head's look that goes elsewhere, mean over the queries, 0..1

    @property
    def bits(self) -> tuple[float, float]:
        """Mean bits a token."""
        before, after = np.nanmean(self.losses, 1)
        return float(before), float(after)


@dataclass(frozen=True)
class Alone:
    """What switching off each part alone does to the loss: (layers, heads and then the perceptron), bits a token."""

    effects: np.ndarray
    names: tuple[str, ...]  # of the parts, row by row
    bits: float  # a token, of the whole network


def parts(lens: Lens) -> list[list[str]]:
    """The names of all parts, a row a layer."""
    tail = ["mlp"] if MLP.format(0) in lens.hook_dict else []
    heads = [str(head) for head in range(lens.cfg.n_heads)]
    return [[f"{layer}.{part}" for part in (*heads, *tail)] for layer in range(lens.cfg.n_layers)]


@torch.no_grad()
def ablate(
    module: Any,
    paper: Paper,
    x: np.ndarray,
    off: tuple[str, ...] = (),
    how: How = "zero",
    place: int = -1,
    shown: int = 6,
) -> Ablated:
    """x (1, t) with and without the parts in `off`, and what comes after `place`. Raises ValueError for an unknown part."""
    from models.tokens import pieces

    assert isinstance(paper.takes, Text)
    lens, ids = Lens(module), torch.from_numpy(x)
    patterns = [PATTERN.format(layer) for layer in range(lens.cfg.n_layers)]
    found = [_run(lens, ids, hooks, patterns) for hooks in ([], _hooks(lens, paper, off, how))]
    (whole, before), (rest, after) = found
    moved = [(before[name] - after[name]).abs().sum(-1).mean((0, 2)) / 2 for name in patterns]
    share = torch.stack([whole[0, place], rest[0, place]]).softmax(-1)
    likely = {i for row in share.topk(shown).indices.tolist() for i in row}
    order = sorted(likely, key=lambda i: (-float(share[:, i].max()), i))
    losses = np.stack([_losses(logits, ids)[0].numpy() for logits in (whole, rest)])
    losses = np.pad(losses, ((0, 0), (1, 0)), constant_values=np.nan)
    names = tuple(pieces(paper.takes.tokenizer, order))
    return Ablated(losses, names, share[:, order].numpy(), torch.stack(moved).numpy())


@torch.no_grad()
def looks(
    module: Any, paper: Paper, x: np.ndarray, off: tuple[str, ...], how: How, layer: int, head: int
) -> np.ndarray:
    """(2, query, key): one head's pattern in the whole network and without the parts in `off`."""
    lens, ids, name = Lens(module), torch.from_numpy(x), PATTERN.format(layer)
    found = [_run(lens, ids, hooks, [name])[1][name][0, head] for hooks in ([], _hooks(lens, paper, off, how))]
    return torch.stack(found).numpy()


@torch.no_grad()
def alone(
    module: Any,
    paper: Paper,
    x: np.ndarray,
    how: How = "zero",
    tick: Callable[[float | None], None] = lambda done: None,
) -> Alone:
    """Each part off by itself, those of a layer in one batch that begins there."""
    lens, ids = Lens(module), torch.from_numpy(x)
    means = _means(lens, paper) if how == "mean" else _nothing(lens)
    streams = kept(lens, ids, [STREAM.format(layer) for layer in range(lens.cfg.n_layers)])
    whole, names = float(_losses(module(ids), ids).mean()), parts(lens)
    effects = np.zeros((len(names), len(names[0])), np.float32)
    for layer, stream in enumerate(streams.values()):
        for part in portions(range(lens.cfg.n_heads), ids.shape[1]):
            tick(layer / len(names))
            hook = (Z.format(layer), _each(part, means[Z.format(layer)]))
            effects[layer, part.start : part.stop] = _apart(
                module, onwards(lens, layer, stream, hook, len(part) + 1), ids
            )
        if len(names[0]) > lens.cfg.n_heads:
            hook = (MLP.format(layer), _last(means[MLP.format(layer)]))
            effects[layer, -1:] = _apart(module, onwards(lens, layer, stream, hook, 2), ids)
    return Alone(effects, tuple(name for row in names for name in row), whole)


def _apart(module: Any, stream: Tensor, ids: Tensor) -> np.ndarray:
    """By how many bits a token the rows from 1 on lose more than row 0, the whole network."""
    losses = _losses(module.read(stream), ids.expand(len(stream), -1)).mean(1)
    return (losses[1:] - losses[0]).numpy()


def _each(heads: range, instead: Tensor) -> Callable[..., Tensor]:
    """A hook: in row i + 1, head i is off. Row 0 is left."""

    def put(z: Tensor, hook: object) -> Tensor:
        for row, head in enumerate(heads, 1):
            z[row, :, head] = instead[head]
        return z

    return put


def _last(instead: Tensor) -> Callable[..., Tensor]:
    """A hook: in row 1 the perceptron is off."""

    def put(out: Tensor, hook: object) -> Tensor:
        out[1] = instead
        return out

    return put


def _hooks(lens: Lens, paper: Paper, off: Iterable[str], how: How) -> list[tuple[str, Any]]:
    """Hooks that switch these parts off."""
    known = {name for row in parts(lens) for name in row}
    if unknown := set(off) - known:
        raise ValueError(f"no part {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    if not off:
        return []
    means = _means(lens, paper) if how == "mean" else _nothing(lens)
    heads: dict[int, list[int]] = {}
    hooks: list[tuple[str, Any]] = []
    for name in off:
        layer, part = name.split(".")
        if part == "mlp":
            point = MLP.format(layer)
            hooks.append((point, lambda out, hook: means[hook.name].expand_as(out)))
        else:
            heads.setdefault(int(layer), []).append(int(part))
    for number, which in heads.items():

        def put(z: Tensor, hook: Any, which: list[int] = which) -> Tensor:
            z[:, :, which] = means[hook.name][which]
            return z

        hooks.append((Z.format(number), put))
    return hooks


def _nothing(lens: Lens) -> Means:
    c = lens.cfg
    found = {Z.format(layer): torch.zeros(c.n_heads, c.d_head) for layer in range(c.n_layers)}
    return found | {MLP.format(layer): torch.zeros(c.d_model) for layer in range(c.n_layers)}


def _means(lens: Lens, paper: Paper) -> Means:
    """What every part adds on average over all tokens of the paper's samples, special ones left out."""
    assert isinstance(paper.takes, Text)
    rows = [torch.from_numpy(paper.takes.parse(sample.source))[0] for sample in paper.samples]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)  # what is behind a text changes nothing in it
    real = torch.nn.utils.rnn.pad_sequence([torch.ones(len(row), dtype=torch.bool) for row in rows], batch_first=True)
    real[:, : len(paper.takes.before)] = False
    names = [point.format(layer) for point in (Z, MLP) for layer in range(lens.cfg.n_layers)]
    seen = kept(lens, ids, [name for name in names if name in lens.hook_dict])
    return {name: values[real].mean(0) for name, values in seen.items()}


def _run(lens: Lens, ids: Tensor, hooks: list[tuple[str, Any]], names: list[str]) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits (1, t, V), and what came out of those hook points meanwhile."""
    seen: dict[str, Tensor] = {}

    def keep(tensor: Tensor, hook: Any) -> None:
        seen[hook.name] = tensor

    return lens.run_with_hooks(ids, [*hooks, *((name, keep) for name in names)]), seen


def _losses(logits: Tensor, ids: Tensor) -> Tensor:
    """(n, t - 1) bits: minus the logarithm to base 2 of the probability of each token but the first."""
    share = logits[:, :-1].log_softmax(-1)
    return -share.gather(-1, ids[:, 1:, None])[..., 0] / math.log(2)
