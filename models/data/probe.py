"""The probe sets: at most 500 test pictures a data set, shipped where that is allowed, so that a fresh clone has examples.

`python -m models.data.probe` makes them again from the data sets. Of the digits: the first fifty test pictures of every
class, taking turns, so that picture i shows class i mod 10. Of the emoji: every fourth of the held-out vendor's drawings or
nearly so, in the order of their names. The photographs of CIFAR-10 may not be shipped: where the data set is on this machine
its test pictures are taken from it, elsewhere scenes of the same classes stand in for them, painted by `models.data.scenes`.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from models.data import DataMissing, folder, need

SETS = Path(__file__).with_name("probe_sets")
EACH = 50  # pictures a class
EMOJI = 500  # drawings in all


@dataclass(frozen=True)
class ProbeSet:
    """uint8 images (n, h, w) or (n, h, w, 3), int64 labels (n,), and each picture's place in the test set (n,)."""

    images: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    what: str = "test pictures"


@cache
def probe(name: str) -> ProbeSet:
    """The probe set of a data set. Raises KeyError where there is none, nor the data set itself."""
    if (SETS / f"{name}.npz").exists():
        return _shipped(name)
    try:
        return _from_data(name)
    except KeyError:
        if not (SETS / f"{name}-painted.npz").exists():
            raise
        return _shipped(f"{name}-painted", what="painted scenes")


def _shipped(name: str, what: str = "test pictures") -> ProbeSet:
    with np.load(SETS / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in ("images", "labels", "indices")}
    for array in arrays.values():
        array.setflags(write=False)
    return ProbeSet(**arrays, what=what)


def _from_data(name: str) -> ProbeSet:
    """As many test pictures of every class as of digits, of a data set whose reader names its classes."""
    spec = importlib.util.find_spec(f"models.data.{name}")
    reader: Any = importlib.import_module(f"models.data.{name}") if spec else None
    if not hasattr(reader, "LABELS"):
        raise KeyError(f"no probe set of {name!r}")
    try:
        images, labels = reader.decode(need(folder() / name / "test.parquet"))  # not kept: it is large
    except DataMissing as error:
        raise KeyError(str(error)) from None
    first = _turns(labels, len(reader.LABELS))
    return ProbeSet(images[first], labels[first], first)


def _turns(labels: np.ndarray, classes: int) -> np.ndarray:
    """Places of the first pictures of every class, the classes taking turns."""
    return np.stack([np.flatnonzero(labels == label)[:EACH] for label in range(classes)], axis=1).reshape(-1)


def make() -> None:
    """Write mnist.npz and emoji.npz from the test sets, and cifar10-painted.npz. Raises DataMissing."""
    from models.data import emoji, mnist, scenes

    images, labels = mnist.read("test")
    first = _turns(labels, 10)
    SETS.mkdir(exist_ok=True)
    np.savez_compressed(SETS / "mnist.npz", images=images[first], labels=labels[first], indices=first)
    drawn, names = emoji.read("test")
    spread = np.argsort(names, kind="stable")[np.linspace(0, len(names) - 1, EMOJI).round().astype(int)]
    np.savez_compressed(SETS / "emoji.npz", images=drawn[spread], labels=names[spread], indices=spread)
    painted, classes = np.stack([scenes.small(scene) for scene in scenes.crowd(EACH)]), len(scenes.SCENES)
    order = np.arange(len(painted))
    np.savez_compressed(SETS / "cifar10-painted.npz", images=painted, labels=order % classes, indices=order)


if __name__ == "__main__":
    make()
