"""Patching: which of a network's parts carry what two sentences differ in.

The network reads the corrupted sentence, and one activation is replaced by what it was for the clean one. How much of the
clean answer comes back? (Meng et al. 2022, "Locating and Editing Factual Associations in GPT", section 2; the layout of
the tables is that of `transformer_lens.patching`.) The measure is a difference of logits at the last place, the clean
answer's minus the corrupted answer's, as a share: 0 is the corrupted run's, 1 the clean run's.

The tables come from batches that begin at the patched block, which all runs share up to there; `transformer_lens.patching`
runs the whole network for every cell. Tests hold the one against the other. Estimates by gradients are TransformerLens's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from app.interpret.copies import undisturbed
from app.interpret.lens import Lens
from models.paper import Paper, Text

POINTS = {
    "stream": "blocks.{}.hook_resid_pre",
    "attention": "blocks.{}.hook_attn_out",
    "mlp": "blocks.{}.hook_mlp_out",
    "heads": "blocks.{}.attn.hook_z",
}
MOST = 50  # answers kept of each run
TOKENS = 4096  # tokens in a batch
NEAR = 24  # places in which a replacement is tried, the last ones

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Runs:
    """The clean and the corrupted sentence (row 0 and 1), read by themselves, and what comes after each."""

    ids: tuple[Ids, Ids]
    tokens: tuple[tuple[str, ...], tuple[str, ...]]
    answers: np.ndarray  # (2, MOST) ids, likeliest first
    names: tuple[tuple[str, ...], tuple[str, ...]]  # of the answers
    shares: np.ndarray  # (2, MOST) probabilities

    @property
    def equal(self) -> bool:
        """Whether both have equally many tokens, so that a place is the same place in both."""
        return len(self.ids[0]) == len(self.ids[1])

    @property
    def differ(self) -> tuple[int, ...]:
        """The places at which they differ."""
        return tuple(i for i, (a, b) in enumerate(zip(*self.ids, strict=False)) if a != b)


@dataclass(frozen=True)
class Tables:
    """What comes back of the clean answer, 0..1 and beyond, part by part."""

    places: dict[str, np.ndarray]  # "stream", "attention", "mlp": (layers, tokens)
    heads: np.ndarray  # (layers, heads), each in all places at once
    clean: float  # the measure, in logits, of the two runs
    corrupted: float

    def __getitem__(self, kind: str) -> np.ndarray:
        return self.heads if kind == "heads" else self.places[kind]

    @property
    def kinds(self) -> tuple[str, ...]:
        return (*self.places, "heads")


@dataclass(frozen=True)
class Patched:
    """One cell: the clean run, the corrupted one and the patched one (rows), and how each goes on."""

    names: tuple[str, ...]  # of the tokens that are likely in any run
    shares: np.ndarray  # (3, tokens) probabilities
    answers: tuple[int, int]  # the columns of the clean answer and the corrupted one
    said: tuple[str, str, str]  # the likeliest token, six times in turn
    recovered: float  # the cell's value


@torch.no_grad()
def runs(module: nn.Module, paper: Paper, x: np.ndarray, corrupted: Ids = ()) -> Runs:
    """Both sentences and their answers: x (1, t), and the ids of the other, or a replacement of one of its tokens."""
    from models.tokens import pieces

    assert isinstance(paper.takes, Text)
    slug = paper.takes.tokenizer
    both = (tuple(x[0].tolist()), corrupted or _replaced(module, x, len(paper.takes.before)))
    share = torch.stack([module(torch.tensor([ids]))[0, -1].softmax(-1) for ids in both])
    best = share.topk(min(MOST, share.shape[1]))
    names = [tuple(pieces(slug, row)) for row in best.indices.tolist()]
    tokens = [tuple(pieces(slug, ids)) for ids in both]
    return Runs(both, (tokens[0], tokens[1]), best.indices.numpy(), (names[0], names[1]), best.values.numpy())


def _replaced(module: nn.Module, x: np.ndarray, special: int) -> Ids:
    """The sentence with one token replaced by what the network itself had thought likeliest there.

    Of the last places before the end, the one where that makes the clean answer least likely: something to find.
    """
    ids = torch.from_numpy(x)[0]
    scores = module(ids[None])[0]
    places = torch.arange(max(special, len(ids) - 1 - NEAR), len(ids) - 1)
    if not len(places):
        places = torch.tensor([len(ids) - 1])
    rows, other = ids.repeat(len(places), 1), scores.clone()
    other[torch.arange(len(ids) - 1), ids[1:]] = -torch.inf  # not the token that stands there
    rows[torch.arange(len(places)), places] = other[places - 1].argmax(-1)
    left = module(rows)[:, -1].log_softmax(-1)[:, scores[-1].argmax()]
    return tuple(rows[left.argmin()].tolist())


@torch.no_grad()
def tables(
    module: Any,
    paper: Paper,
    x: np.ndarray,
    corrupted: Ids,
    target: int,
    against: int,
    tick: Callable[[float | None], None] = lambda done: None,
) -> Tables:
    """Every cell of every table, by patching: x (1, t) is clean; `corrupted` has as many ids. Raises ValueError elsewise."""
    lens, clean, other = _both(module, x, corrupted)
    measure = _measure(target, against)
    ends = [float(measure(lens(ids)[:, -1])) for ids in (clean, other)]
    points = _points(lens)
    names = [point.format(layer) for point in points.values() for layer in range(lens.cfg.n_layers)]
    inside = kept(lens, clean, names)
    streams = kept(lens, other, [POINTS["stream"].format(layer) for layer in range(lens.cfg.n_layers)])
    found = {
        kind: np.zeros((lens.cfg.n_layers, lens.cfg.n_heads if kind == "heads" else clean.shape[1]), np.float32)
        for kind in points
    }
    first = int((clean != other)[0].int().argmax())  # before that all is equal in both
    work = [(kind, layer) for kind in points for layer in range(lens.cfg.n_layers)]
    for done, (kind, layer) in enumerate(work):
        name, stream = points[kind].format(layer), streams[POINTS["stream"].format(layer)]
        cells = range(lens.cfg.n_heads) if kind == "heads" else range(first, clean.shape[1])
        for part in portions(cells, clean.shape[1]):
            tick(done / len(work))
            hook = (name, _patch(kind, part, inside[name]))
            end = onwards(lens, layer, stream, hook, len(part) + 1)[:, -1:]
            value = measure(module.read(end)[:, 0])
            found[kind][layer, part.start : part.stop] = ((value[1:] - value[0]) / _gap(ends)).numpy()
    return Tables({kind: table for kind, table in found.items() if kind != "heads"}, found["heads"], *ends)


def portions(cells: range, tokens: int) -> Iterator[range]:
    """The cells of a row in batches."""
    size = max(1, TOKENS // tokens - 1)
    for begin in range(cells.start, cells.stop, size):
        yield range(begin, min(begin + size, cells.stop))


def _patch(kind: str, cells: range, inside: Tensor) -> Callable[..., Tensor]:
    """A hook that puts the clean activation (1, t, ...) in: in row i + 1, at cell i. Row 0 is left, for comparison."""

    def put(tensor: Tensor, hook: object) -> Tensor:
        for row, cell in enumerate(cells, 1):
            where = (slice(None), cell) if kind == "heads" else (cell,)
            tensor[(row, *where)] = inside[(0, *where)]
        return tensor

    return put


def onwards(lens: Lens, layer: int, stream: Tensor, hook: tuple[str, Callable[..., Tensor]], rows: int) -> Tensor:
    """The stream (rows, t, d) behind the last block, from that before a block (1, t, d), with that hook at work."""
    y = stream.expand(rows, -1, -1)
    with lens.hooks([hook]):
        for block in lens.module.blocks[layer:]:
            y = block(y)
    return y


def estimates(module: nn.Module, paper: Paper, x: np.ndarray, corrupted: Ids, target: int, against: int) -> Tables:
    """The same tables to first order: (clean - corrupted) . gradient of the measure, in one pass forwards and backwards.

    Attribution patching, by `transformer_lens.tools.analysis`. (Nanda 2023, "Attribution Patching: Activation Patching at
    Industrial Scale".)
    """
    from transformer_lens.tools.analysis.attribution_patching import cache_activation_and_gradient

    lens, clean, other = _both(module, x, corrupted)
    measure, points = _measure(target, against), _points(lens)
    names = [point.format(layer) for point in points.values() for layer in range(lens.cfg.n_layers)]
    with undisturbed(module), torch.enable_grad():
        module.requires_grad_(True)

        def last(logits: Tensor) -> Tensor:
            return measure(logits[0, -1])

        given = cache_activation_and_gradient(lens, clean, last, names, compute_gradient=False)
        found = cache_activation_and_gradient(lens, other, last, names)
    gap = _gap([float(given.metric), float(found.metric)])

    def told(kind: str, axes: tuple[int, ...]) -> np.ndarray:
        rows = []
        for name in (points[kind].format(layer) for layer in range(lens.cfg.n_layers)):
            slope = found.gradients[name]
            assert slope is not None
            rows.append(((given.activations[name] - found.activations[name]) * slope)[0].sum(axes) / gap)
        return torch.stack(rows).numpy()

    places = {kind: told(kind, (-1,)) for kind in points if kind != "heads"}
    return Tables(places, told("heads", (0, -1)), float(given.metric), float(found.metric))


@torch.no_grad()
def completion(
    module: nn.Module,
    paper: Paper,
    x: np.ndarray,
    corrupted: Ids,
    target: int,
    against: int,
    kind: str,
    layer: int,
    cell: int,
    length: int = 6,
    shown: int = 5,
) -> Patched:
    """One cell again, and how the patched run goes on: `length` tokens, each time the likeliest."""
    from models.tokens import decode, pieces

    assert isinstance(paper.takes, Text)
    lens, clean, other = _both(module, x, corrupted)
    name = _points(lens)[kind].format(layer)
    put = _put(kind, cell, kept(lens, clean, [name])[name])
    ways: list[tuple[Tensor, list[Any]]] = [(clean, []), (other, []), (other, [(name, put)])]
    scores = torch.stack([lens.run_with_hooks(ids, hooks)[0, -1] for ids, hooks in ways])
    said = [decode(paper.takes.tokenizer, _greedy(lens, ids, hooks, length)) for ids, hooks in ways]
    ends = _measure(target, against)(scores)
    share = scores.softmax(-1)
    likely = dict.fromkeys(i for row in share.topk(shown).indices.tolist() for i in row)
    ids = sorted({*likely, target, against}, key=lambda i: -float(share[:, i].max()))
    recovered = float((ends[2] - ends[1]) / _gap(ends[:2].tolist()))
    names = tuple(pieces(paper.takes.tokenizer, ids))
    answers = (ids.index(target), ids.index(against))
    return Patched(names, share[:, ids].numpy(), answers, (said[0], said[1], said[2]), recovered)


def _put(kind: str, cell: int, inside: Tensor) -> Callable[..., Tensor]:
    """A hook that puts an activation (1, t, ...) in at one cell of a run that may be longer: what comes after is its own."""

    def put(tensor: Tensor, hook: object) -> Tensor:
        if kind == "heads":
            tensor[:, : inside.shape[1], cell] = inside[:, :, cell]
        else:
            tensor[:, cell] = inside[:, cell]
        return tensor

    return put


def _greedy(lens: Lens, ids: Tensor, hooks: list[Any], length: int) -> list[int]:
    """The next tokens, as far as the context reaches."""
    given = ids.shape[1]
    for _ in range(min(length, lens.cfg.n_ctx - given)):
        ids = torch.cat([ids, lens.run_with_hooks(ids, hooks)[:, -1:].argmax(-1)], 1)
    return ids[0, given:].tolist()


def _both(module: nn.Module, x: np.ndarray, corrupted: Ids) -> tuple[Lens, Tensor, Tensor]:
    if len(corrupted) != x.shape[1]:
        raise ValueError(f"the clean sentence has {x.shape[1]} tokens, the corrupted one {len(corrupted)}")
    return Lens(module), torch.from_numpy(x), torch.tensor([corrupted])


def _points(lens: Lens) -> dict[str, str]:
    """The places to patch that the network has: one of attention alone has no perceptrons."""
    return {kind: point for kind, point in POINTS.items() if point.format(0) in lens.hook_dict}


def kept(lens: Lens, ids: Tensor, names: list[str]) -> dict[str, Tensor]:
    """What came out of these hook points."""
    seen: dict[str, Tensor] = {}

    def keep(tensor: Tensor, hook: Any) -> None:
        seen[hook.name] = tensor

    lens.run_with_hooks(ids, [(name, keep) for name in dict.fromkeys(names)])
    return seen


def _measure(target: int, against: int) -> Callable[[Tensor], Tensor]:
    """Logits (..., V) -> their difference (...)."""
    return lambda logits: logits[..., target] - logits[..., against]


def _gap(ends: list[float]) -> float:
    """The clean run's measure minus the corrupted run's; infinite where there is none, so that nothing comes back."""
    return (ends[0] - ends[1]) or float("inf")
