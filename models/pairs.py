"""Pairs of sentences that a network solves, for patching: measured, not assumed. `checkpoints/<slug>/pairs.json`, if it has some.

Two sentences of equally many tokens differ in a word or so, and with it in what comes next: "The king said that" goes on
with " he", "The queen said that" with " she". A network solves the pair if it prefers the right one of the two after both.
The command in the paper's folder that knows its language writes the file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from models import checkpoint
from models.checkpoint import CheckpointError

NAME = "pairs"


@dataclass(frozen=True)
class Pair:
    """Two sentences and the token that should follow each. A difference: logit of `target` minus logit of `against`."""

    family: str
    clean: str
    corrupted: str
    target: str  # right after `clean`
    against: str  # right after `corrupted`
    clean_difference: float  # above 0 where solved
    corrupted_difference: float  # below 0 where solved

    @property
    def margin(self) -> float:
        """By how many logits the right token leads, in that of the two sentences where it leads by less."""
        return min(self.clean_difference, -self.corrupted_difference)


@dataclass(frozen=True)
class Family:
    """Sentences of one kind: how many pairs were tried, the share solved, and the share of single sentences (chance: half)."""

    name: str
    what: str
    tried: int
    solved: float
    right: float
    kept: bool  # solved often enough for its best pairs to be shown


@dataclass(frozen=True)
class Pairs:
    """What was measured of a network: all families, and the best pairs of those that it solves, the farthest apart first."""

    families: tuple[Family, ...] = ()
    pairs: tuple[Pair, ...] = ()


def read(slug: str) -> Pairs:
    """The pairs of that network; none where nobody has looked for any."""
    try:
        raw = checkpoint.read_json(slug, NAME)
    except CheckpointError:
        return Pairs()
    return Pairs(tuple(Family(**f) for f in raw["families"]), tuple(Pair(**p) for p in raw["pairs"]))


def write(slug: str, found: Pairs) -> None:
    """Put them beside the weights that they were measured on."""
    checkpoint.write_json(slug, NAME, asdict(found))
