"""What would have to change: for every other answer, the smallest change of a picture that makes the network give it.

Three ways, three meanings of small. `sign`: every point moves by the same amount, in the direction that helps (the fast
gradient sign method, Goodfellow, Shlens, Szegedy 2014, arXiv 1412.6572, section 4); small is the amount. `gradient`: one
step straight down the gradient; small is its Euclidean length. `points`: single points go over to black or white, the
one that helps most first; small is their number, and no gradient is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from models.paper import ClassScores, Image, Paper

Way = Literal["sign", "gradient", "points"]
Score = Callable[[torch.Tensor], torch.Tensor]
Tick = Callable[[float | None], None]

LENGTHS = torch.from_numpy(np.geomspace(1 / 1024, 1, 25)).float()  # of a step, as a share of the longest one tried
LONGEST = {"sign": 1.0, "gradient": 32.0}  # a whole range of grey for every point; twice a digit's own length
ROUNDS = 13  # the bracket is halved so often: to less than 1 in 10,000 of the length
SMALL = {"sign": 4 / 255, "gradient": 0.5}  # one of the small steps, in the same units as LONGEST
STEPS, MOST = 48, 32  # small steps, and points, at most
CANDIDATES = 16  # points tried in every step: those of which most is promised
SURE = 1e-5  # of the scores' size: a lead that is left however the same sum is rounded
NEAR = 24  # answers tried of a network with more: the likeliest
BATCH = 64  # pictures at a time: more of them fall out of the processor's cache


@dataclass(frozen=True)
class Flips:
    """For every class tried the smallest change found that makes it the answer. Row `was` is the input itself.

    classes (rows,): which they are, all where they are few; before (channels, height, width) and after (rows, channels,
    height, width) in 0..1; scores (rows, classes) of the changed pictures; steps (rows,): 1 for a single step, more where
    only small steps one after the other helped, 0 where nothing did; for `points` their number.
    """

    way: Way
    was: int
    classes: np.ndarray
    before: np.ndarray
    after: np.ndarray
    scores: np.ndarray
    steps: np.ndarray

    @property
    def flipped(self) -> np.ndarray:
        """Which rows were reached (rows,)."""
        return self.steps > 0

    @property
    def change(self) -> np.ndarray:
        """Signed, (rows, channels, height, width), in 0..1."""
        return self.after - self.before

    @property
    def epsilon(self) -> np.ndarray:
        """The largest change of a single point for every row (rows,), in 0..1."""
        return np.abs(self.change).reshape(len(self.after), -1).max(1)

    @property
    def length(self) -> np.ndarray:
        """The Euclidean length of the change for every row (rows,); 1 is one point from black to white."""
        return np.sqrt((self.change.reshape(len(self.after), -1) ** 2).sum(1))

    @property
    def share(self) -> np.ndarray:
        """The share of points that change by half a grey level of 255 or more (rows,)."""
        return (np.abs(self.change) >= 0.5 / 255).reshape(len(self.after), -1).mean(1)

    @property
    def cost(self) -> np.ndarray:
        """How large the change is in its own measure (rows,): grey levels of 255, length, points; inf if never."""
        own = {"sign": 255 * self.epsilon, "gradient": self.length, "points": self.steps.astype(np.float32)}
        return np.where(self.flipped, own[self.way], np.inf)

    @property
    def nearest(self) -> int:
        """The row that the smallest change reaches; `was` where nothing changes the answer."""
        return int(self.cost.argmin()) if self.flipped.any() else self.was


def ways(module: nn.Module, paper: Paper, x: np.ndarray) -> tuple[Way, ...]:
    """The ways that can work here: points alone where the network has no gradient or its retina knows only on and off."""
    if not isinstance(paper.takes, Image):
        return ()
    if paper.takes.binary or not all(getattr(m, "differentiable", True) for m in module.modules()):
        return ("points",)
    v, score = _picture(module, paper.takes, paper.scores, x)
    every = tried(_all(score, v)[0])
    flat = not _gradient(score, v.expand(len(every), *v.shape[1:]), every)[0].any()
    return ("points",) if flat else ("sign", "gradient", "points")


def tried(scores: torch.Tensor, also: int = -1) -> torch.Tensor:
    """(classes,) scores -> the classes that are tried, in their order: the NEAR likeliest, and one more if asked for."""
    few = scores.argsort(descending=True, stable=True)[:NEAR]
    return torch.cat([few, torch.tensor([also])[: also + 1]]).unique()


def flips(
    module: nn.Module, paper: Paper, x: np.ndarray, way: Way = "sign", also: int = -1, tick: Tick = lambda _: None
) -> Flips:
    """Change the picture `x` (1, channels, height, width) as little as possible towards every other class: of more than
    NEAR the likeliest, and the class `also`.

    A single step is searched along its length for the first flip (on a grid, then finer and finer around it). Where no
    length flips, small steps follow the gradient as it turns, and the way they went is then shortened. `points` turns
    over the point that raises the margin most, again and again. Found by search: a smaller change may exist.
    """
    if not isinstance(paper.takes, Image):
        raise TypeError(f"{paper.slug} takes no picture")
    takes = paper.takes
    v, score = _picture(module, takes, paper.scores, x)
    before = _all(score, v)[0]
    classes = tried(before, also)
    was = int((classes == before.argmax()).int().argmax())
    others = torch.arange(len(classes)) != was
    goals = classes[others]
    found, steps = _points(score, v, goals, tick) if way == "points" else _steps(score, v, goals, way, tick)
    after, count = v.repeat(len(classes), 1, 1, 1), torch.zeros(len(classes), dtype=torch.long)
    reached = torch.nonzero(others).flatten()[steps > 0]
    after[reached], count[reached] = found[steps > 0], steps[steps > 0]
    scores = _all(lambda pictures: module(_normalised(pictures, takes)), after)
    return Flips(way, was, classes.numpy(), v[0].numpy().copy(), after.numpy(), scores.numpy(), count.numpy())


def _picture(module: nn.Module, takes: Image, gives: ClassScores, x: np.ndarray) -> tuple[torch.Tensor, Score]:
    """The picture in 0..1, and the network as a function of such pictures (n, channels, height, width).

    Outputs between 0 and 1 are taken as log-odds: a unit near 0 has next to no slope, and would never be asked to rise.
    """
    v = torch.from_numpy(takes.unnormalise(x).astype(np.float32)).clamp(0, 1)
    if gives.probability != "identity":
        return v, lambda pictures: module(_normalised(pictures, takes))

    def odds(pictures: torch.Tensor) -> torch.Tensor:
        p = module(_normalised(pictures, takes))
        return torch.log(p.clamp_min(0) + 1e-30) - torch.log((1 - p).clamp_min(0) + 1e-7)

    return v, odds


def _normalised(pictures: torch.Tensor, takes: Image) -> torch.Tensor:
    mean, std = (torch.tensor(a, dtype=torch.float32).view(1, -1, 1, 1) for a in (takes.mean, takes.std))
    return (pictures - mean) / std


@torch.no_grad()
def _all(score: Score, v: torch.Tensor) -> torch.Tensor:
    return torch.cat([score(part) for part in v.split(BATCH)])


def _margin(scores: torch.Tensor, goals: torch.Tensor) -> torch.Tensor:
    """The goal's score less the best other one: above zero where the goal is the answer. (n, classes), (n,) -> (n,)."""
    mine = torch.nn.functional.one_hot(goals, scores.shape[1]).bool()
    return scores[mine] - scores.masked_fill(mine, -torch.inf).amax(1)


def _wins(scores: torch.Tensor, goals: torch.Tensor) -> torch.Tensor:
    """Whether the goal is the answer, beyond doubt. (n, classes), (n,) -> (n,)."""
    return _margin(scores, goals) > SURE * scores.abs().amax(1)


def _gradient(score: Score, v: torch.Tensor, goals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of every row's margin by its picture, zero where none comes through; and which rows are won already (n,)."""
    with torch.enable_grad():
        v = v.detach().clone().requires_grad_()
        scores = score(v)
        margin = _margin(scores, goals).sum()
        found = torch.autograd.grad(margin, v, allow_unused=True)[0] if margin.requires_grad else None
    return torch.zeros_like(v) if found is None else found, _wins(scores.detach(), goals)


def _direction(gradient: torch.Tensor, way: Way) -> torch.Tensor:
    """The step of size one: a sign for every point, or a vector of length one."""
    if way == "sign":
        return gradient.sign()
    length = gradient.flatten(1).norm(dim=1).clamp_min(1e-30)
    return gradient / length.view(-1, 1, 1, 1)


def _steps(
    score: Score, v: torch.Tensor, goals: torch.Tensor, way: Way, tick: Tick
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step, or where that never helps small ones: (goals, channels, height, width), and how many steps (goals,)."""
    start = v.repeat(len(goals), 1, 1, 1)
    step = _direction(_gradient(score, start, goals)[0], way) * LONGEST[way]
    tick(0.1)
    found, good = _shortest(score, start, step, goals, LENGTHS)
    steps = good.long()
    tick(0.3)
    left = torch.nonzero(~good).flatten()
    if len(left):
        ends, count = _walk(score, start[left], goals[left], way, tick)
        shorter, good = _shortest(score, start[left], ends - start[left], goals[left], torch.linspace(0, 1, 17)[1:])
        steps[left], found[left] = count * good, shorter
    return found, steps


def _shortest(
    score: Score, start: torch.Tensor, step: torch.Tensor, goals: torch.Tensor, lengths: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The first picture start + t * step, kept in 0..1, that is the goal's, and which goals have one (goals,)."""

    def wins(t: torch.Tensor) -> torch.Tensor:
        """t (goals, lengths) -> whether each is the goal's."""
        pictures = (start[:, None] + t[..., None, None, None] * step[:, None]).clamp(0, 1)
        return _wins(_all(score, pictures.flatten(0, 1)), goals.repeat_interleave(t.shape[1])).view_as(t)

    won = wins(lengths.expand(len(goals), -1))
    first = won.int().argmax(1)
    low, high = torch.cat([torch.zeros(1), lengths])[first], lengths[first]
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        below = wins(middle[:, None])[:, 0]
        low, high = torch.where(below, low, middle), torch.where(below, middle, high)
    return (start + high.view(-1, 1, 1, 1) * step).clamp(0, 1), won.any(1)


def _walk(
    score: Score, start: torch.Tensor, goals: torch.Tensor, way: Way, tick: Tick
) -> tuple[torch.Tensor, torch.Tensor]:
    """Small steps, each along the gradient where it stands: the pictures reached, and after how many (0: never)."""
    v, steps, going = start.clone(), torch.zeros(len(goals), dtype=torch.long), torch.arange(len(goals))
    for k in range(STEPS + 1):
        gradient, won = _gradient(score, v[going], goals[going])
        steps[going[won]] = k
        going, gradient = going[~won], gradient[~won]
        if not len(going):
            break
        v[going] = (v[going] + SMALL[way] * _direction(gradient, way)).clamp(0, 1)
        tick(0.3 + 0.6 * k / STEPS)
    return v, steps


def _points(score: Score, v: torch.Tensor, goals: torch.Tensor, tick: Tick) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn over the most helpful point until the goal wins: the pictures, and how many points (goals,; 0: never).

    Of the points that the gradient promises most from, or without one those that did most when each was tried alone, the
    best is taken by trying them all.
    """
    pictures, steps = v.repeat(len(goals), 1, 1, 1), torch.zeros(len(goals), dtype=torch.long)
    promise = _gradient(score, pictures, goals)[0].flatten(1)
    blind = not promise.any()
    if blind:
        alone = _all(score, _turned(v, torch.arange(v.numel())[None]))
        promise = torch.stack([_margin(alone, goal.expand(len(alone))) for goal in goals])
    used, going = torch.zeros_like(promise, dtype=torch.bool), torch.arange(len(goals))
    for k in range(1, min(MOST, v.numel()) + 1):
        if not blind:
            gradient = _gradient(score, pictures[going], goals[going])[0]
            promise[going] = (gradient * ((pictures[going] < 0.5).float() - pictures[going])).flatten(1)
        left = promise[going].masked_fill(used[going], -torch.inf)
        options = left.topk(min(CANDIDATES, v.numel() - k + 1), dim=1).indices
        tried = _turned(pictures[going], options)
        scores = _all(score, tried).view(*options.shape, -1)
        margins = _margin(scores.flatten(0, 1), goals[going].repeat_interleave(options.shape[1])).view_as(options)
        row, best = torch.arange(len(going)), margins.argmax(1)
        pictures[going] = tried.view(*options.shape, *v.shape[1:])[row, best]
        used[going, options[row, best]] = True
        won = _wins(scores[row, best], goals[going])
        steps[going[won]], going = k, going[~won]
        tick(0.1 + 0.9 * k / MOST)
        if not len(going):
            break
    return pictures, steps


def _turned(v: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Each picture (n, ...) once for each of its points (n, k), with that point gone over: (n * k, ...)."""
    flat = v.flatten(1).repeat_interleave(points.shape[1], 0)
    index = points.reshape(-1, 1)
    flat.scatter_(1, index, (flat.gather(1, index) < 0.5).float())
    return flat.view(-1, *v.shape[1:])
