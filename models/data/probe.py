"""The probe sets: at most 500 test pictures a data set, shipped, so that a fresh clone has examples at once.

`python -m models.data.probe` makes them again from the data sets. Of the digits: the first fifty test pictures of every
class, taking turns, so that picture i shows class i mod 10. Of the emoji: every fourth of the held-out vendor's drawings or
nearly so, in the order of their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

SETS = Path(__file__).with_name("probe_sets")
EACH = 50  # digits a class
EMOJI = 500  # drawings in all


@dataclass(frozen=True)
class ProbeSet:
    """uint8 images (n, h, w) or (n, h, w, 3), int64 labels (n,), and each picture's place in the test set (n,)."""

    images: np.ndarray
    labels: np.ndarray
    indices: np.ndarray


@cache
def probe(name: str) -> ProbeSet:
    """The probe set of a data set. Raises KeyError where there is none."""
    path = SETS / f"{name}.npz"
    if not path.exists():
        raise KeyError(f"no probe set of {name!r}")
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in ("images", "labels", "indices")}
    for array in arrays.values():
        array.setflags(write=False)
    return ProbeSet(**arrays)


def make() -> None:
    """Write mnist.npz and emoji.npz from the test sets. Raises DataMissing."""
    from models.data import emoji, mnist

    images, labels = mnist.read("test")
    first = np.stack([np.flatnonzero(labels == digit)[:EACH] for digit in range(10)], axis=1).reshape(-1)
    SETS.mkdir(exist_ok=True)
    np.savez_compressed(SETS / "mnist.npz", images=images[first], labels=labels[first], indices=first)
    drawn, names = emoji.read("test")
    spread = np.argsort(names, kind="stable")[np.linspace(0, len(names) - 1, EMOJI).round().astype(int)]
    np.savez_compressed(SETS / "emoji.npz", images=drawn[spread], labels=names[spread], indices=spread)


if __name__ == "__main__":
    make()
