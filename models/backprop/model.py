"""One layer of hidden units between a retina and ten outputs, as back-propagation first taught them.

D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature 323, 533-536,
1986. Equations are that paper's. n is the batch.

    unit        what comes out    trainable    what it does
    hidden      (n, 200)            157,000    x_j = sum_i y_i w_ji, the total input (Eq. 1), bias included
    hidden_y    (n, 200)                       y_j = 1 / (1 + e^-x_j) (Eq. 2)
    output      (n, 10)               2,010    total input of one unit a digit
    output_y    (n, 10)                        its output, 0 to 1: the scores
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """Sizes. `frozen=True` is the twin: its hidden layer never learns."""

    side: int = 28  # MNIST's pictures, side x side pixels
    hidden: int = 200  # enough for 98 %, and few enough to look at each
    outputs: int = 10  # one unit a digit
    initial: float = (
        0.05  # weights start uniform in -initial..initial; the paper's 0.3 would saturate units of 784 inputs
    )
    frozen: bool = False


SMALL = Config()
PAPER = SMALL  # the paper teaches no digits, and so publishes no size for them
TWIN = Config(frozen=True)


class Digits(nn.Module):
    """Retina -> hidden units -> output units, every one a sigmoid. Scores are the outputs, 0 to 1."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.hidden = nn.Linear(config.side**2, config.hidden)
        self.hidden_y = nn.Sigmoid()
        self.output = nn.Linear(config.hidden, config.outputs)
        self.output_y = nn.Sigmoid()
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -config.initial, config.initial)
        self.hidden.requires_grad_(not config.frozen)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, side, side), ink 1 on ground 0 -> (n, outputs)."""
        y = self.hidden_y(self.hidden(x.flatten(1)))  # (n, hidden)
        return self.output_y(self.output(y))

    def retina(self) -> Tensor:
        """The hidden units' weights thrown back onto the retina: (hidden, side, side)."""
        side = int(self.hidden.in_features**0.5)
        return self.hidden.weight.unflatten(1, (side, side))


def error(y: Tensor, d: Tensor) -> Tensor:
    """Eq. 3: half the squared difference of actual outputs y and desired ones d, summed over units and cases."""
    return 0.5 * (y - d).square().sum()


def build(config: Config) -> Digits:
    """A network with fresh weights, drawn from torch's generator."""
    return Digits(config)
