"""Error correction, one example at a time: a single response unit is taught two classes from nothing.

The rule (Rosenblatt, "Principles of Neurodynamics", 1962, chapter 5): with a the active units that the network's fixed
connections give for an example, t = +1 for the first class and -1 for the second, and u = w a the net input,

    if t u <= 0:   w := w + rate * t * a

A module that can be taught has `associate(x)`, (n, ...) -> (n, A) of 0 and 1, and `retina(values)`, (k, A) -> (k, height,
width), which throws values back onto the retina. Its own response weights are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.paper import Paper

SWEEPS = 50  # a lesson that has not come to an end by then is broken off


@dataclass(frozen=True)
class Lesson:
    """All steps of a lesson; step k shows example `order[k]`. Net inputs are in units of the values, as `rate` is."""

    pair: tuple[int, int]
    rate: float
    order: np.ndarray  # int32 (steps,): which example was shown, as a row of the inputs
    sweep: np.ndarray  # int32 (steps,): in which sweep, from 0
    target: np.ndarray  # int8 (steps,): +1 for the first class of the pair, -1 for the second
    net: np.ndarray  # float32 (steps,): the net input, before any correction
    firing: np.ndarray  # int32 (steps,): how many units were active
    wrong: np.ndarray  # bool (steps,): the response was the other class or, at a net input of 0, none: it was corrected
    errors: np.ndarray  # int32 (steps,): errors so far, this step's included; as many corrections
    changes: np.ndarray  # float32 (corrections, height, width): each correction, thrown back onto the retina
    taught: np.ndarray  # int8 (corrections, A): each correction in units of the rate, target times active units
    converged: bool  # the last sweep was without an error

    @property
    def response(self) -> np.ndarray:
        """int8 (steps,): +1, -1, or 0 for none."""
        return np.sign(self.net).astype(np.int8)

    @property
    def sweeps(self) -> int:
        return int(self.sweep[-1]) + 1


def lesson(
    module: nn.Module,
    paper: Paper,
    x: np.ndarray,
    *,
    labels: tuple[int, ...],
    pair: tuple[int, int],
    rate: float = 1.0,
    order_seed: int = 0,
    sweeps: int = SWEEPS,
) -> Lesson:
    """Teach the classes `pair` by those of the examples `x` (n, ...) that have them as `labels` (n,).

    Every sweep shows all of them once, in a new order; the lesson ends after the first sweep without an error, or after
    `sweeps`. Raises ValueError where a class has no example.
    """
    chosen = np.flatnonzero(np.isin(labels, pair))
    classes = np.asarray(labels)[chosen]
    if set(classes) != set(pair):
        raise ValueError(f"a lesson needs examples of two classes, and there are only those of {np.unique(classes)}")
    a = activity(module, paper, x[chosen]).astype(np.float32)
    targets = np.where(classes == pair[0], 1, -1).astype(np.int8)
    values, draw = np.zeros(a.shape[1], np.float32), np.random.default_rng(order_seed)
    shown, nets, wrongs = [], [], []
    for _ in range(sweeps):
        for i in draw.permutation(len(chosen)):
            shown.append(i)
            nets.append(float(values @ a[i]))
            wrongs.append(targets[i] * nets[-1] <= 0)
            if wrongs[-1]:
                values += rate * targets[i] * a[i]
        converged = not any(wrongs[-len(chosen) :])
        if converged:
            break
    rows, wrong = np.array(shown), np.array(wrongs)
    taught = (targets[:, None] * a).astype(np.int8)[rows[wrong]]
    return Lesson(
        pair=pair,
        rate=rate,
        order=chosen[rows].astype(np.int32),
        sweep=(np.arange(len(rows)) // len(chosen)).astype(np.int32),
        target=targets[rows],
        net=np.array(nets, np.float32),
        firing=a.sum(1).astype(np.int32)[rows],
        wrong=wrong,
        errors=wrong.cumsum().astype(np.int32),
        changes=_thrown_back(module, rate * taught.astype(np.float32)),
        taught=taught,
        converged=converged,
    )


@torch.no_grad()
def activity(module: nn.Module, paper: Paper, x: np.ndarray) -> np.ndarray:
    """uint8 (n, A): the units that each input (n, ...) sets off, through the connections that never change."""
    return module.associate(torch.from_numpy(x)).byte().numpy()  # type: ignore[operator]


@torch.no_grad()
def _thrown_back(module: nn.Module, values: np.ndarray) -> np.ndarray:
    return module.retina(torch.from_numpy(values)).numpy()  # type: ignore[operator]


def retina_at(given: Lesson, shown: int) -> np.ndarray:
    """(height, width): the values after `shown` examples, thrown back onto the retina; all zero at 0."""
    done = int(given.errors[shown - 1]) if shown else 0
    return given.changes[:done].sum(0, dtype=np.float32)


def judged(given: Lesson, active: np.ndarray) -> np.ndarray:
    """float32 (steps + 1,): the net input of any input, by its active units (A,), before the first example and after each."""
    gains = given.rate * (given.taught.astype(np.float32) @ active.astype(np.float32))
    after = np.concatenate([[0], gains.cumsum()]).astype(np.float32)
    return after[np.concatenate([[0], given.errors])]
