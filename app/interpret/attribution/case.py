"""One question put to a method: a network, an input, a target and settings, made ready for Captum when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from app.interpret.attribution import baselines
from app.interpret.attribution.draws import Draws
from models.paper import Paper

BATCH = 64  # inputs in one forward pass of a path method, at most: lets a visitor abandon it
MASKED = 32  # masked inputs in one forward pass of a perturbation method
# Bytes that all layers put out in one forward pass, at most; gradients and Captum take several times as much.
MAPS = 96 * 2**20


@dataclass(frozen=True)
class Case:
    """One question: the arguments of `attribute`, and what methods need of them, made when first asked for."""

    module: nn.Module
    paper: Paper
    x: np.ndarray  # (1, ...)
    target: int
    layer: str
    unit: int
    baseline: str
    steps: int
    samples: int
    block: int
    noise: float
    seed: int
    noisy: bool = False  # whether the method is to be smoothed: then no patch of the input is bare

    @cached_property
    def batch(self) -> int:
        """How many inputs go through the network at once: so many that their maps fit into MAPS, from 4 to BATCH."""
        sizes: list[int] = []
        layers = [layer for layer in self.module.modules() if not [*layer.children()]]
        handles = [
            layer.register_forward_hook(lambda _module, _inputs, output: sizes.append(getattr(output, "nbytes", 0)))
            for layer in layers
        ]
        self._forward(handles)
        return max(4, min(BATCH, MAPS // max(1, sum(sizes))))

    @cached_property
    def input(self) -> Tensor:
        return torch.tensor(self.x)  # a copy: the given array may be read-only

    @cached_property
    def reference(self) -> Tensor:
        """The baseline, (1, ...)."""
        return torch.from_numpy(baselines.baseline(self.paper, self.x, self.baseline, self.seed))

    @cached_property
    def crowd(self) -> Tensor:
        """(samples, ...) usual inputs as baselines."""
        return torch.from_numpy(baselines.crowd(self.paper, self.x, self.samples))

    @cached_property
    def patches(self) -> Tensor:
        bare = np.full_like(self.x, np.nan) if self.noisy else self.reference.numpy()
        return baselines.patches(self.paper, self.block, self.x, bare)

    @cached_property
    def draws(self) -> Draws:
        return Draws(self.seed)

    @property
    def at(self) -> nn.Module:
        return self.module.get_submodule(self.layer)

    @property
    def neuron(self) -> tuple[int, ...]:
        """Index of the chosen unit in its layer; of a unit with a map, the place where it answers most."""
        kept: list[Tensor] = []
        self._forward([self.at.register_forward_hook(lambda _module, _inputs, output: kept.append(output.detach()[0]))])
        one = kept[0][self.unit]
        place = np.unravel_index(int(one.abs().argmax()), one.shape) if one.ndim else ()
        return (self.unit, *map(int, place))

    @torch.no_grad()
    def _forward(self, handles: Sequence[RemovableHandle]) -> None:
        """The input once through the network, for the sake of hooks that are taken off again."""
        try:
            self.module(self.input)
        finally:
            for handle in handles:
                handle.remove()
