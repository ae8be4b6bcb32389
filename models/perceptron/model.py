"""The perceptron: a retina, association units wired to it at random, and response units that learn from their errors.

F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
Psychological Review 65(6), 386-408, 1958. The wiring is that of "The Organization of a Perceptron" (Figs. 1 and 2); the
error correction is that of Rosenblatt's "Principles of Neurodynamics" (1962), chapter 5. n is the batch.

    unit     what comes out     trainable    what it does
    S        (n, 1, 28, 28)             0    the retina: points that are on (1) or off (0)
    S_A      (n, 4000)                  0    fixed connections: excitatory minus inhibitory impulses of each A-unit
    A        (n, 4000)                  0    all or nothing: 1 where that sum reaches the threshold, else 0
    R        (n, 10)               40,000    net input of each response unit; the largest is the answer

Nothing flows back through A, whose slope is zero wherever it has one: only the values of the A-R connections learn, and
they do so without any gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    """Sizes and wiring. `association=0` is the twin: every point of the retina goes straight to the responses."""

    side: int = 28  # the retina, side x side points: MNIST's own size
    association: int = 4000  # A-units: enough for the 60,000 training digits to be separable without an error
    responses: int = 10  # one R-unit a digit
    excitatory: int = 2  # the paper's x: connections that add 1 to an A-unit's sum
    inhibitory: int = 4  # the paper's y: connections that take 1 off; y > x leaves few A-units active at a time
    threshold: int = 1  # the paper's theta, in impulses
    spread: float = 3.0  # mean distance, in points, of a connection's origin from its A-unit's centre
    margin: int = 4  # no centre lies this near the edge: MNIST leaves 4 points of ground around each digit
    rate: float = 2**-7  # what one correction adds to a value; see `Perceptron.correct` for why any rate would do


# The machine that was built, the Mark I of 1960: 400 photocells, 512 A-units, 8 R-units, hence 4,096 values to learn, each
# a potentiometer turned by a motor. Its wiring was a plugboard, free to change; ours here covers the whole retina.
PAPER = Config(side=20, association=512, responses=8, margin=0)
SMALL = Config()
TWIN = Config(association=0)


class Wiring(nn.Module):
    """S-A connections: for every A-unit, x excitatory and y inhibitory origin points, drawn once and then fixed.

    "The origin points of each A-unit tend to be clustered about some central point" and grow rarer exponentially with the
    distance from it (The Organization of a Perceptron, rule 2). Two connections of a unit may share their origin.
    """

    origins: Tensor  # int16 (A, x + y): the retina points a unit listens to, row * side + column, excitatory ones first
    signs: Tensor  # float32 (A, x + y): +1 excitatory, -1 inhibitory

    def __init__(self, config: Config) -> None:
        super().__init__()
        units, fan = config.association, config.excitatory + config.inhibitory
        self.side = config.side
        centre = config.margin + torch.rand(units, 1, 2) * (config.side - 2 * config.margin)
        distance = -config.spread * torch.log1p(-torch.rand(units, fan, 1))
        angle = 2 * torch.pi * torch.rand(units, fan, 1)
        point = centre + distance * torch.cat([angle.sin(), angle.cos()], -1)
        row, column = point.floor().clamp(0, config.side - 1).long().unbind(-1)
        signs = torch.tensor([1.0] * config.excitatory + [-1.0] * config.inhibitory)
        self.register_buffer("origins", (row * config.side + column).short())
        self.register_buffer("signs", signs.repeat(units, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, side, side) -> (n, A): every A-unit is a bag of retina points, summed with their signs."""
        points = x.flatten(1).T.contiguous()  # (side * side, n)
        return F.embedding_bag(self.origins.int(), points, per_sample_weights=self.signs, mode="sum").T

    def matrix(self) -> Tensor:
        """(A, side * side): how often each retina point excites (+) or inhibits (-) each A-unit."""
        dense = self.signs.new_zeros(len(self.origins), self.side**2)
        return dense.scatter_add_(1, self.origins.long(), self.signs)


class Straight(nn.Module):
    """The twin's connections: every retina point is its own A-unit."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.side = config.side

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, side, side) -> (n, side * side)."""
        return x.flatten(1)

    def matrix(self) -> Tensor:
        """The identity."""
        return torch.eye(self.side**2)


class Threshold(nn.Module):
    """All or nothing: 1 where the sum of impulses is at least theta, else 0. Its derivative is 0 or does not exist.

    `differentiable` says so to whoever thinks of asking for gradients; those that torch gives are exactly zero.
    """

    differentiable = False

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = theta

    def forward(self, u: Tensor) -> Tensor:
        return (1 + torch.sign(u - self.theta)).clamp(max=1)

    def extra_repr(self) -> str:
        return f"theta={self.theta}"


class Perceptron(nn.Module):
    """Retina -> association -> response. Scores are net inputs of the R-units, in units of the A-R values."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        straight = not config.association
        self.rate = config.rate
        self.S = nn.Identity()
        self.S_A: Wiring | Straight = Straight(config) if straight else Wiring(config)
        self.A = nn.Identity() if straight else Threshold(config.threshold)
        self.R = nn.Linear(config.association or config.side**2, config.responses, bias=False)
        nn.init.zeros_(self.R.weight)  # it knows nothing: all responses start equal, and no digit is favoured

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, side, side) of 0 and 1 -> (n, responses)."""
        return self.R(self.associate(x))

    def associate(self, x: Tensor) -> Tensor:
        """(n, 1, side, side) -> (n, A): which A-units are active, 1 or 0."""
        return self.A(self.S_A(self.S(x)))

    @torch.no_grad()
    def correct(self, x: Tensor, target: int, rate: float | None = None) -> bool:
        """Show one example (1, 1, side, side) of class `target` and correct the values if the answer is wrong.

        With a the active A-units (1, A), s = R a the responses and c the strongest response but the target's:

            if s[c] >= s[target]:   R[target] += rate * a,   R[c] -= rate * a

        Values of inactive A-units stay as they are, and a right answer changes nothing. Returns whether there was a
        correction. Started from zero, all values and net inputs are whole multiples of the rate: another rate scales
        them and changes no answer. The default, `config.rate`, is a power of two, so that they are exact in float16 too,
        and of a size at which the softmax of the net inputs is a sensible probability.
        """
        a = self.associate(x)
        rival, wrong = rivals(self.R(a), torch.tensor([target]))
        if wrong:
            change = (self.rate if rate is None else rate) * a[0]
            self.R.weight[target] += change
            self.R.weight[rival[0]] -= change
        return bool(wrong)

    def retina(self, values: Tensor | None = None) -> Tensor:
        """The values of the A-R connections thrown back onto the retina: (responses, side, side), or (k, side, side).

        Every A-unit adds its value at the points that excite it and takes it off at those that inhibit it: R times the
        S-A connections, as if there were no threshold. `values` (k, A) stands for R where it is given.
        """
        values = self.R.weight if values is None else values
        return (values @ self.S_A.matrix().to(values)).unflatten(1, (self.S_A.side, -1))


def rivals(scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """For scores (n, responses) and targets (n,): the strongest response but the target's, and whether it is as strong.

    A tie is an error: with all values zero nothing is known.
    """
    own = target[:, None]
    best, rival = scores.scatter(1, own, -torch.inf).max(1)
    return rival, best >= scores.gather(1, own)[:, 0]


def build(config: Config) -> Perceptron:
    """A perceptron that knows nothing yet, its wiring drawn from torch's generator."""
    return Perceptron(config)
