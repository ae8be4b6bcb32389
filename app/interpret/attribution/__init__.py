"""Which parts of an input a score goes back to, by every method of Captum that can say so for a network.

`survey` says what works on a network and why the rest does not; `attribute` computes one map. Both leave the module as
they found it, also after an error, and draw random numbers from generators of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from app.interpret.attribution.baselines import choices, side
from app.interpret.attribution.case import Case
from app.interpret.attribution.methods import METHODS, Method, smoothed
from app.interpret.attribution.survey import Survey, best_layer, survey, unavailable
from app.interpret.attribution.trust import Removal, agreement, at_input, consensus, likeness, removal
from app.interpret.copies import undisturbed
from models.paper import Paper

__all__ = [
    "METHODS",
    "SMOOTHINGS",
    "Attribution",
    "Method",
    "Removal",
    "Survey",
    "agreement",
    "at_input",
    "attribute",
    "choices",
    "consensus",
    "likeness",
    "removal",
    "side",
    "survey",
    "unavailable",
]

SMOOTHINGS = {"off": "off", "smoothgrad": "SmoothGrad", "smoothgrad_sq": "SmoothGrad-Sq", "vargrad": "VarGrad"}
Tick = Callable[[float | None], None]


def _silent(_done: float | None) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Attribution:
    """One map. `values` is (channels, height, width) or (units,), float32: of the input, or of `layer` where that is named.

    `delta` is by how much the map's sum misses what it should explain (f(x) - f(x'); for LRP f(x)), in the score's unit;
    None where nothing promises a sum. `seconds` is what Captum took.
    """

    method: str
    target: int
    values: np.ndarray
    delta: float | None
    seconds: float
    layer: str = ""  # where the map lies; "" is the input
    unit: str = ""  # what a value is measured in

    @property
    def explained(self) -> float | None:
        """What the map's sum should be: the score, or its difference from the baseline's."""
        return None if self.delta is None else float(self.values.sum()) - self.delta


def attribute(
    module: nn.Module,
    paper: Paper,
    x: np.ndarray,
    *,
    method: str,
    target: int | None = None,
    layer: str = "",
    unit: int = 0,
    baseline: str = "zero",
    steps: int = 0,
    samples: int = 0,
    block: int = 0,
    smooth: str = "off",
    smooth_samples: int = 16,
    noise: float = 0.15,
    random_seed: int = 0,
    tick: Tick = _silent,
) -> Attribution:
    """The map of `method` for the score `target` on one input x (1, ...); None: for the largest score.

    `layer` is a probe's path and `unit` a channel or unit of it, for the methods that use them (`survey` lists which fit;
    "" is the one that fits best). `steps` and `samples` are the method's own defaults at 0. `block` is the side of a patch
    in pixels, at 0 an eighth of the picture's. `smooth` is one of SMOOTHINGS, over `smooth_samples` copies of x with
    Gaussian noise of `noise` times the input's range.

    Raises KeyError for a method or baseline that there is not, ValueError for a layer that is missing.
    """
    how = METHODS[method]
    if "layer" in how.uses and not layer:
        layer = best_layer(module, paper, method)
    with undisturbed(module) if how.hooks else nullcontext():
        case = Case(
            *(module, paper, x, _largest(module, x) if target is None else target, layer, unit, baseline),
            *(steps or how.steps, samples or how.samples, block or side(paper), noise, random_seed, smooth != "off"),
        )
        counting = _counting(tick, how, case, smooth_samples) if tick is not _silent else None
        handle = module.register_forward_pre_hook(counting) if counting else None
        try:
            values, delta, seconds = _captum(how, case, smooth, smooth_samples)
        finally:
            if handle:
                handle.remove()
    where = layer if how.where == "layer" else ""
    return Attribution(method, case.target, values, delta, seconds, where, _unit(how, paper, smooth))


@torch.no_grad()
def _largest(module: nn.Module, x: np.ndarray) -> int:
    return int(module(torch.tensor(x))[0].argmax())


def _captum(how: Method, case: Case, smooth: str, smooth_samples: int) -> tuple[np.ndarray, float | None, float]:
    """The values, the delta, and the seconds that Captum took."""
    plan = how.plan(case)
    delta: Tensor | None = None
    if smooth != "off":
        plan = smoothed(plan, case, how, smooth, smooth_samples)
    attributor, arguments = plan
    x = case.input.requires_grad_(how.slopes)
    started = time.perf_counter()
    if how.complete and smooth == "off":
        found, delta = attributor.attribute(x, **arguments, return_convergence_delta=True)
    else:
        found = attributor.attribute(x, **arguments)
    seconds = time.perf_counter() - started
    sign = -1 if how.name == "LRP" else 1  # Captum's LRP subtracts the other way round
    off = None if delta is None else sign * float(delta.detach().mean())
    return found.detach()[0].float().numpy().copy(), off, seconds


def _counting(tick: Tick, how: Method, case: Case, copies: int) -> Callable[[nn.Module, object], None]:
    """A forward pre-hook that reports how many of the expected passes are done: progress, and a way out."""
    expected, done = how.passes(case) * (copies if case.noisy and not how.batched else 1), 0

    def hook(_module: nn.Module, _inputs: object) -> None:
        nonlocal done
        tick(min(done / expected, 1.0))
        done += 1

    return hook


def _unit(how: Method, paper: Paper, smooth: str) -> str:
    score = paper.scores.unit
    unit = score if how.measures == "contribution" else f"{score} per unit of input"
    return f"({unit})²" if smooth in ("smoothgrad_sq", "vargrad") else unit
