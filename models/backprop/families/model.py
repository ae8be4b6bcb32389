"""Who is whose aunt: the five-layer network of the paper's Figs. 3 and 4, which completes facts about two families.

D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature 323, 533-536,
1986; the task at greater length in G. E. Hinton, "Learning distributed representations of concepts", Proc. 8th Conf. of the
Cognitive Science Society, 1986. n is the batch.

    unit                       what comes out    trainable    what it does
    person, person_y           (n, 6)                  150    what the second layer makes of person 1, one input unit each
    relation, relation_y       (n, 6)                   78    the same of the relation
    central, central_y         (n, 12)                 156    both together
    penultimate, penultimate_y (n, 6)                   78    a description of whoever is asked for
    output, output_y           (n, 24)                 168    person 2, one unit each: the scores

`name` gives total inputs x_j = sum_i y_i w_ji (Eq. 1, bias included), `name_y` outputs y_j = 1 / (1 + e^-x_j) (Eq. 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """Sizes, all the paper's (Fig. 3). `frozen=True` is the twin: nothing but its output units ever learns."""

    people: int = 24  # input units for person 1, output units for person 2
    relations: int = 12
    person: int = 6  # units that describe person 1
    relation: int = 6  # units that describe the relation
    central: int = 12
    penultimate: int = 6  # units that describe person 2
    initial: float = 1.0  # weights start uniform in -initial..initial; from Fig. 1's 0.3 it learns less reliably
    frozen: bool = False


PAPER = Config()
SMALL = PAPER
TWIN = Config(frozen=True)


class Families(nn.Module):
    """Person 1 and a relation -> person 2, all sigmoid units. Scores are the outputs, 0 to 1."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.people = config.people
        self.person = nn.Linear(config.people, config.person)
        self.person_y = nn.Sigmoid()
        self.relation = nn.Linear(config.relations, config.relation)
        self.relation_y = nn.Sigmoid()
        self.central = nn.Linear(config.person + config.relation, config.central)
        self.central_y = nn.Sigmoid()
        self.penultimate = nn.Linear(config.central, config.penultimate)
        self.penultimate_y = nn.Sigmoid()
        self.output = nn.Linear(config.penultimate, config.people)
        self.output_y = nn.Sigmoid()
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -config.initial, config.initial)
        if config.frozen:
            self.requires_grad_(False)
            self.output.requires_grad_(True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, people + relations), one of each on -> (n, people)."""
        person = self.person_y(self.person(x[:, : self.people]))  # (n, 6)
        relation = self.relation_y(self.relation(x[:, self.people :]))  # (n, 6)
        central = self.central_y(self.central(torch.cat([person, relation], 1)))  # (n, 12)
        penultimate = self.penultimate_y(self.penultimate(central))  # (n, 6)
        return self.output_y(self.output(penultimate))


def error(y: Tensor, right: Tensor) -> Tensor:
    """Eq. 3, half the squared differences, summed; none for units above 0.8 that should be on, or below 0.2 and off.

    y: outputs (n, people); right: bool of the same shape, whoever should be on. "To prevent the network needing large
    weights to drive the outputs to 1 or 0" (Fig. 4).
    """
    wanting = torch.where(right, y < 0.8, y > 0.2)
    return 0.5 * ((y - right.to(y)).square() * wanting).sum()


def correct(y: Tensor, right: Tensor) -> Tensor:
    """Which facts are completed: every right person above 0.5, and everybody else below (n,), bool."""
    return ((y > 0.5) == right).all(1)


def build(config: Config) -> Families:
    """A network with fresh weights, drawn from torch's generator."""
    return Families(config)
