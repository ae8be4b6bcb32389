"""Muon, an optimiser for the matrices and kernels inside a network: every step turns and does not stretch.

K. Jordan and others, "Muon: An optimizer for hidden layers in neural networks", 2024. The step is the orthogonal matrix
nearest to the gradient's running mean, so that no direction is learnt faster than another. `torch.optim.Muon` does the same
in bfloat16, one matrix at a time, which on a processor without that format takes longer than all else in a step. Here they are
float32, or bfloat16 within `training.half`, and all matrices of a shape are done at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

A, B, C = 3.4445, -4.775, 2.0315  # Jordan's quintic: after five rounds singular values lie between about 0.7 and 1.2
ROUNDS = 5


def turned(x: Tensor) -> Tensor:
    """(n, rows, columns) -> nearly orthogonal matrices of the same singular vectors, by Newton and Schulz's iteration."""
    if x.shape[1] > x.shape[2]:
        return turned(x.mT).mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)  # no singular value is above 1
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x


class Muon(torch.optim.Optimizer):
    """Nesterov's momentum, turned; the step is longer by the root of rows / columns where a matrix is taller than wide."""

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, weight_decay: float = 0.0, momentum: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # nothing here asks for a loss
        for group in self.param_groups:
            alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    ahead = self.ahead(p, p.grad, group["momentum"]).flatten(1)  # a kernel is a row
                    alike[ahead.shape].append((p, ahead))
            for (rows, columns), found in alike.items():
                length = group["lr"] * max(1, rows / columns) ** 0.5
                weights, steps = zip(*found, strict=True)
                for p, step in zip(weights, turned(torch.stack(steps)), strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(step.reshape(p.shape), alpha=length)

    def ahead(self, p: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        """The running mean of the gradient, and from there once more towards the gradient of now (Nesterov)."""
        mean = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
        mean.lerp_(gradient, 1 - momentum)
        return gradient.lerp(mean, momentum)
