"""Which tokens of a text an answer goes back to: four methods of Captum on the embeddings, and attention rollout beside them.

The embeddings are looked at where they come out (`hook_embed`), not in the table: a network may use that once more to read
its answers from the stream, and those are not the input.

What stands for nothing is a token too, the baseline. The special tokens around a text stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from app.interpret.answers import fixed, lengths
from app.interpret.copies import undisturbed
from models.paper import ClassScores, Paper

METHODS = {
    "LayerIntegratedGradients": "Integrated gradients",
    "LayerGradientXActivation": "Gradient times embedding",
    "FeatureAblation": "Ablation",
    "ShapleyValueSampling": "Shapley values",
}
COMPLETE = 0.01  # share of the score's change by which a sum of integrated gradients may miss it
FLOAT = 1e-4  # of a score: less is rounding
STEPS = (32, 128, 256)  # points on the way from the baseline: as many as that takes
ORDERS = (3, 10)  # random orders in which tokens are put in, for Shapley values: at least, and at most
PUT_IN = 600  # tokens put in, in all orders together: the longer the text, the fewer orders
TOKENS = 512  # at once in one forward pass: what fits a cache is twice as fast, and a visitor can soon abandon it

Array = np.ndarray
Tick = Callable[[float | None], None]


@dataclass(frozen=True)
class TokenAttribution:
    """What each token of the input counts for some answers: `values` (answers, tokens), signed, in the score's unit.

    The tokens of a sentence and of its translation stand one after the other. `scores` and `bare` (answers,) are the scores of
    the input, and of the baseline in the place of every token. `delta` (answers,) is by how much a row's sum misses the
    difference of the two; nan where the method promises no sum.
    """

    method: str
    values: Array
    scores: Array
    bare: Array
    delta: Array
    steps: int  # points of the way, or random orders; 0 where there are none
    seconds: float


def attribute(
    module: nn.Module,
    paper: Paper,
    x: Array,
    *,
    method: str,
    places: tuple[int, ...],
    targets: tuple[int, ...],
    baseline: int,
    steps: int = 0,
    seed: int = 0,
    tick: Tick = lambda _: None,
) -> TokenAttribution:
    """What each token of x (1, ...) counts for the score of each target (a token's id, or a class) at its place.

    `steps` are points of the way for integrated gradients (0: as many as COMPLETE takes), and random orders for Shapley
    values (0: as ORDERS and PUT_IN have it). `module` must be a private copy; it is left as it was, also after an error.
    Raises KeyError for another method.

    Sundararajan et al. 2017, arXiv 1703.01365; Shrikumar et al. 2016, arXiv 1605.01713; Castro et al. 2009.
    """
    how = {
        "LayerIntegratedGradients": _integrated,
        "LayerGradientXActivation": _gradient,
        "FeatureAblation": _ablated,
        "ShapleyValueSampling": _shapley,
    }[method]
    with undisturbed(module):
        case = _Case(module, paper, torch.tensor(x), baseline, places, targets)
        started = time.perf_counter()
        scores, bare = (s.numpy() for s in case.scores(torch.tensor([[1.0], [0.0]]).expand(2, case.size)))
        values, steps = how(case, steps, seed, tick)
        sums = method not in ("LayerGradientXActivation", "FeatureAblation")
        delta = values.sum(1) - (scores - bare) if sums else np.full(len(places), np.nan)
        return TokenAttribution(
            method, values, scores, bare, delta.astype(np.float32), steps, time.perf_counter() - started
        )


@dataclass(frozen=True)
class _Case:
    """One question, made ready for Captum."""

    module: nn.Module
    paper: Paper
    ids: Tensor  # (1, ...)
    baseline: int
    places: tuple[int, ...]
    targets: tuple[int, ...]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        return lengths(self.paper, self.ids.numpy())

    @property
    def size(self) -> int:
        return sum(self.sizes)

    @cached_property
    def layers(self) -> list[nn.Module]:
        """Where the embeddings of each side come out."""
        from app.interpret.trace import expand

        paths = [p for p in expand(self.module, self.paper.probes) if p.split(".")[-1] == "hook_embed"]
        found: list[nn.Module] = [self.module.get_submodule(path) for path in paths]
        found = found or next(([m] for m in self.module.modules() if isinstance(m, nn.Embedding)), [])
        if len(found) != len(self.sizes):
            raise ValueError(
                f"{self.paper.slug} has {len(found)} places where embeddings come out, not {len(self.sizes)}"
            )
        return found

    @cached_property
    def bare(self) -> Tensor:
        """The input with the baseline in the place of all that is not special, (1, ...)."""
        kept = torch.from_numpy(fixed(self.paper, self.ids.numpy())).split(self.sizes)
        found = self.ids.clone()
        for row, stay in zip(found.view(-1, found.shape[-1]), kept, strict=True):
            row[: len(stay)] = torch.where(stay, row[: len(stay)], self.baseline)
        return found

    @cached_property
    def alive(self) -> Tensor:
        """int64 (alive,): the tokens that the baseline changes."""
        pair = (a.view(-1, a.shape[-1]) for a in (self.ids, self.bare))
        rows = zip(*pair, self.sizes, strict=True)
        return torch.cat([(own != none)[:size] for own, none, size in rows]).nonzero()[:, 0]

    @cached_property
    def ends(self) -> list[tuple[Tensor, Tensor]]:
        """The embeddings (1, t, units) of each side, and those of the baseline."""
        with torch.no_grad():
            return list(zip(self._embedded(self.ids), self._embedded(self.bare), strict=True))

    def _embedded(self, ids: Tensor) -> list[Tensor]:
        kept: dict[nn.Module, Tensor] = {}
        with _hooks(self.layers, lambda layer, output: kept.update({layer: output})):
            self.module(ids)
        return [kept[layer] for layer in self.layers]

    @torch.no_grad()
    def scores(self, there: Tensor) -> Tensor:
        """(n, answers): the scores where a token is there (1) or the baseline in its place (0), by (n, tokens)."""
        parts = there.split(self.sizes, 1)
        given = {}
        for layer, part, (own, bare) in zip(self.layers, parts, self.ends, strict=True):
            on = torch.nn.functional.pad(part, (0, own.shape[1] - part.shape[1]))[..., None] > 0
            given[layer] = torch.where(on, own, bare)
        with _hooks(self.layers, lambda layer, _output: given[layer]):
            found = self.module(self.ids.expand(len(there), *self.ids.shape[1:]))
        return found[:, self.targets] if found.ndim == 2 else found[:, self.places, self.targets]

    def some(self, there: Tensor) -> Tensor:
        """As `scores`, from the tokens alone that the baseline changes: (n, alive)."""
        whole = torch.ones(len(there), self.size)
        whole[:, self.alive] = there
        return self.scores(whole)

    def spread(self, values: Tensor) -> Array:
        """(answers, alive) -> (answers, tokens); the others count nothing."""
        found = np.zeros((len(self.places), self.size), np.float32)
        found[:, self.alive.numpy()] = values.numpy()
        return found

    def chunks(self) -> Iterator[tuple[Tensor, Tensor, list[tuple[int, ...]]]]:
        """A few answers at a time: the input and the baseline once for each, and where their scores are."""
        single = isinstance(self.paper.gives, ClassScores)
        spots: list[tuple[int, ...]] = [
            (t,) if single else (p, t) for p, t in zip(self.places, self.targets, strict=True)
        ]
        for start in range(0, len(spots), self.at_once):
            part = spots[start : start + self.at_once]
            ids, bare = (a.expand(len(part), *a.shape[1:]).contiguous() for a in (self.ids, self.bare))
            yield ids, bare, part

    @property
    def at_once(self) -> int:
        return max(1, TOKENS // self.ids[0].numel())

    def summed(self, found: list[Tensor]) -> Tensor:
        """Attributions (n, t, units) of each side -> (n, tokens), the units added up."""
        return torch.cat([a.detach().sum(-1)[:, :size] for a, size in zip(found, self.sizes, strict=True)], 1)


@contextmanager
def _hooks(layers: list[nn.Module], hook: Callable[[nn.Module, Tensor], Tensor | None]) -> Iterator[None]:
    handles = [layer.register_forward_hook(lambda m, _inputs, output: hook(m, output)) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _counted(case: _Case, expected: int, tick: Tick) -> Iterator[None]:
    """Report after every forward pass how many of the expected ones are done: progress, and a way out."""
    done = 0

    def count(_module: nn.Module, _inputs: object) -> None:
        nonlocal done
        tick(min(done / expected, 1.0))
        done += 1

    handle = case.module.register_forward_pre_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _integrated(case: _Case, steps: int, seed: int, tick: Tick) -> tuple[Array, int]:
    from captum.attr import LayerIntegratedGradients

    rows = torch.stack(list(case.scores(torch.tensor([[1.0], [0.0]]).expand(2, case.size))))
    change = (rows[0] - rows[1]).numpy()
    values, steps_now = np.zeros((0, case.size), np.float32), 0
    method = LayerIntegratedGradients(case.module, case.layers[0])
    method.layer = case.layers  # Captum would warn of several, as one might come from another: these do not
    for steps_now in (steps,) if steps else STEPS:
        found = []
        with _counted(case, 2 + -(-steps_now * len(case.places) // case.at_once), tick):
            for ids, bare, spots in case.chunks():
                parts = method.attribute(
                    ids, bare, target=spots, n_steps=steps_now, internal_batch_size=max(case.at_once, len(ids))
                )
                found.append(case.summed(parts))
        values = torch.cat(found).numpy()
        if (np.abs(values.sum(1) - change) <= COMPLETE * np.abs(change) + FLOAT).all():
            break
    return values, steps_now


def _gradient(case: _Case, steps: int, seed: int, tick: Tick) -> tuple[Array, int]:
    from captum.attr import LayerGradientXActivation

    method, found = LayerGradientXActivation(case.module, case.layers), list[Tensor]()
    for ids, _bare, spots in case.chunks():
        tick(len(found) * case.at_once / len(case.places))
        found.append(case.summed(method.attribute(ids, target=spots)))
    return torch.cat(found).numpy(), 0


def _ablated(case: _Case, steps: int, seed: int, tick: Tick) -> tuple[Array, int]:
    from captum.attr import FeatureAblation

    count = len(case.alive)
    if not count:
        return case.spread(torch.zeros(len(case.places), 0)), 0
    with _counted(case, 1 + -(-count // case.at_once), tick):
        found = FeatureAblation(case.some).attribute(torch.ones(1, count), perturbations_per_eval=case.at_once)
    return case.spread(found), 0


def _shapley(case: _Case, steps: int, seed: int, tick: Tick) -> tuple[Array, int]:
    from app.interpret.attribution.draws import Draws, ShapleyValueSampling

    count = len(case.alive)
    if not count:
        return case.spread(torch.zeros(len(case.places), 0)), 0
    orders = steps or int(np.clip(PUT_IN // count, *ORDERS))
    with _counted(case, 1 + orders * -(-count // case.at_once), tick):
        found = ShapleyValueSampling(case.some, Draws(seed)).attribute(
            torch.ones(1, count), n_samples=orders, perturbations_per_eval=case.at_once
        )
    return case.spread(found.reshape(-1, count)), orders


def rolled(module: nn.Module, paper: Paper, x: Array) -> Array:
    """Attention rollout from each answer's place back to the tokens: (answers, tokens), as in `attribute`. None is negative.

    Abnar and Zuidema 2020, arXiv 2005.00928. In a decoder, a layer's look across counts as its look at itself does: half of
    what it holds, the other half stays; what it brings across is as the encoder's rollout has it. Classes are read from the
    first token.
    """
    from app.interpret.attention import attention, rollout

    parts = attention(module, paper, x).parts
    stacks = {name: [layer.pattern[0] for layer in part.layers] for name, part in parts.items()}
    if "self" in stacks:
        whole = rollout(stacks["self"])[-1]
        return whole[:1] if isinstance(paper.gives, ClassScores) else whole
    sizes = lengths(paper, x)
    read = rollout(stacks["encoder"])[-1] if "encoder" in stacks else np.eye(sizes[0], dtype=np.float32)
    held = np.eye(sizes[1], sum(sizes), sizes[0], dtype=np.float32)  # each target token holds itself
    for i, across in enumerate(stacks["across"]):
        if "decoder" in stacks:
            held = 0.5 * held + 0.5 * stacks["decoder"][i].mean(0) @ held
        held *= 0.5
        held[:, : sizes[0]] += 0.5 * across.mean(0) @ read
    return held


def alike(maps: Array, compared: Array) -> Array:
    """Spearman's rank correlation of maps (methods, tokens) by how much each token counts, signs aside: (methods, methods).

    `compared` (tokens,) says which tokens take part. nan where there is nothing to rank.
    """
    from app.interpret.attribution.trust import agreement

    return agreement(list(maps[:, compared]))
