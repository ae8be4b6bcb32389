"""Lesions: a network without some of its blocks, branches or layers, and what each of these adds to one input.

What may be taken out is what the card names as `lesions`: whatever such a part puts out is added to a sum or laid beside other
maps, so that with zeros in its place the rest is still a network. Nothing is trained anew. (Veit, Wilber, Belongie 2016,
"Residual networks behave like ensembles of relatively shallow networks", section 4.1, do so with a ResNet's blocks.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from app.interpret.prediction import probabilities
from app.interpret.trace import expand, trace
from models.paper import Paper


@dataclass(frozen=True)
class Part:
    """A module that may be taken out, and where it stands in the table of them."""

    path: str  # "stages.0.2.hook_branch"
    row: str  # "stages.0", or where several kinds of parts stand below one another "branch3"
    column: str  # "2", "3a"
    number: str  # what the stars of its pattern stand for, "0_2": as a record's metrics name it

    @property
    def name(self) -> str:
        """As an address and people have it: "stages.0.2", "inception3a.branch3"."""
        return re.sub(r"\.hook_\w+$", "", self.path)


@dataclass(frozen=True)
class Lesions:
    """What each part adds to one input, and what the network says without it alone."""

    parts: tuple[Part, ...]  # row by row
    added: tuple[np.ndarray, ...]  # (height, width) each: the mean of its maps
    strength: np.ndarray  # (parts,) mean absolute value over its maps and places
    whole: np.ndarray  # (classes,) probabilities of the network as it is
    without: np.ndarray  # (parts, classes)

    @property
    def rows(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.row for part in self.parts))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.column for part in self.parts))

    @property
    def top(self) -> int:
        """The class that the whole network finds most likely."""
        return int(self.whole.argmax())

    @property
    def effects(self) -> np.ndarray:
        """(parts,): by how much the probability of that class falls without each part; below 0 where it rises."""
        return self.whole[self.top] - self.without[:, self.top]

    def table(self, values: np.ndarray) -> np.ndarray:
        """(parts,) -> (rows, columns), NaN where there is no part."""
        found = np.full((len(self.rows), len(self.columns)), np.nan, np.float32)
        for part, value in zip(self.parts, values, strict=True):
            found[self.rows.index(part.row), self.columns.index(part.column)] = value
        return found


def parts(module: nn.Module, paper: Paper) -> tuple[Part, ...]:
    """All parts that may be taken out, row by row: a row for each pattern, or of one pattern for each first star."""
    paths, several, found = expand(module, paper.probes), len(paper.lesions) > 1, []
    for pattern in paper.lesions:
        shape = re.compile(re.escape(pattern).replace(r"\*", "([^.]+)"))
        for match in filter(None, map(shape.fullmatch, paths)):
            path, stars = match[0], match.groups()
            row = pattern.rpartition(".")[2] if several else path[: match.start(len(stars))].rstrip(".")
            found.append(Part(path, row, stars[-1], "_".join(stars)))
    return tuple(found)


@torch.no_grad()
def lesions(module: nn.Module, paper: Paper, x: np.ndarray) -> Lesions:
    """x (1, ...) -> every part's output, and the answer with each part alone taken out."""
    found = parts(module, paper)
    seen = trace(module, paper, x, tuple(part.path for part in found))
    outputs = [seen.values[part.path][0] for part in found]  # (maps, height, width)
    return Lesions(
        found,
        tuple(output.mean(0) for output in outputs),
        np.array([np.abs(output).mean() for output in outputs], np.float32),
        probabilities(seen.scores, paper.scores)[0],
        np.stack([_without(module, paper, x, [part.path]) for part in found]),
    )


@torch.no_grad()
def lesioned(module: nn.Module, paper: Paper, x: np.ndarray, off: tuple[str, ...]) -> np.ndarray:
    """(2, classes) probabilities: of the whole network, and without all parts of these names. ValueError for another name."""
    known = {part.name: part.path for part in parts(module, paper)}
    if unknown := set(off) - known.keys():
        raise ValueError(f"no part {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return np.stack([_without(module, paper, x, which) for which in ([], [known[name] for name in off])])


def _without(module: nn.Module, paper: Paper, x: np.ndarray, paths: Iterable[str]) -> np.ndarray:
    with _silent(module, paths):
        return probabilities(module(torch.from_numpy(x)).numpy(), paper.scores)[0]


@contextmanager
def _silent(module: nn.Module, paths: Iterable[str]) -> Iterator[None]:
    """Zeros in place of what these modules put out."""
    handles = [
        module.get_submodule(path).register_forward_hook(lambda _module, _inputs, output: torch.zeros_like(output))
        for path in paths
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
