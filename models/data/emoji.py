"""Emoji: 11,139 pictures of 64x64 with transparent ground, 1,914 emoji as up to seven vendors drew them, with their names.

Names, keywords and groups are those of Unicode's CLDR in English. One vendor is held out entirely: its 1,906 drawings
are "test", and every drawing of every other vendor is "train". It is Twemoji (Twitter): it has nearly all emoji, it draws in
a style between the others', and none of its drawings is another vendor's (Fluent's flat and 3-D sets share their designs,
and the 3-D set's flags are much like Google's).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from models.data import folder, need

HELD_OUT = "twitter"
VENDORS = ("emojione", "fluent-3d", "fluent-flat", "fxemoji", "google", "openmoji", "twitter")
# Unicode's groups in Unicode's order: as the data names them, and as one would say them.
GROUPS = {
    "smileys-emotion": "smileys and emotion",
    "people-body": "people and body",
    "animals-nature": "animals and nature",
    "food-drink": "food and drink",
    "travel-places": "travel and places",
    "activities": "activities",
    "objects": "objects",
    "symbols": "symbols",
    "flags": "flags",
}
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Emoji:
    """One emoji, whoever draws it."""

    name: str  # CLDR's English name: "smiling face with sunglasses"
    tags: tuple[str, ...]  # CLDR's English keywords
    group: str  # a key of GROUPS
    subgroup: str
    hexcode: str  # code points joined by "-", without FE0F


@dataclass(frozen=True)
class Drawings:
    """Every drawing: uint8 (n, 64, 64, 4) with straight alpha, the index of its emoji (n,), its vendor (n,)."""

    rgba: np.ndarray
    labels: np.ndarray
    vendors: np.ndarray

    def of(self, *vendors: str) -> np.ndarray:
        """The places of these vendors' drawings, in the order of the file."""
        return np.flatnonzero(np.isin(self.vendors, vendors))


@cache
def emoji() -> tuple[Emoji, ...]:
    """All emoji, in Unicode's order of groups: the order of the labels. Raises DataMissing."""
    return _all()[0]


@cache
def drawings() -> Drawings:
    """All drawings, in the order of the file. Raises DataMissing."""
    return _all()[1]


@cache
def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (n, 64, 64, 3) on white, and int64 (n,) indices among the names, of "train" or "test". Raises DataMissing."""
    if split not in ("train", "test"):
        raise ValueError(f"the splits are train and test, not {split!r}")
    every = drawings()
    chosen = every.of(HELD_OUT) if split == "test" else every.of(*(v for v in VENDORS if v != HELD_OUT))
    pixels, labels = composed(every.rgba[chosen]), every.labels[chosen]
    pixels.setflags(write=False)
    labels.setflags(write=False)
    return pixels, labels


def composed(rgba: np.ndarray, ground: tuple[int, int, int] = WHITE) -> np.ndarray:
    """uint8 (n, h, w, 4) laid on a plain ground: uint8 (n, h, w, 3)."""
    alpha = rgba[..., 3:].astype(np.uint32)
    mixed = rgba[..., :3] * alpha + np.array(ground, np.uint32) * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


@cache
def _all() -> tuple[tuple[Emoji, ...], Drawings]:
    return decode(need(folder() / "emoji" / "images.parquet"))


def decode(path: Path) -> tuple[tuple[Emoji, ...], Drawings]:
    """All emoji and all drawings of one Parquet file, a row a drawing."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = table.drop_columns(["image"]).to_pylist()
    known = {
        row["hexcode"]: Emoji(row["label"], tuple(row["tags"]), row["group"], row["subgroup"], row["hexcode"])
        for row in rows
    }
    order = list(GROUPS)
    ordered = sorted(known.values(), key=lambda e: (order.index(e.group), e.subgroup, e.hexcode))
    place = {e.hexcode: i for i, e in enumerate(ordered)}
    files = (entry["bytes"] for entry in table["image"].to_pylist())
    rgba = np.stack([np.asarray(Image.open(io.BytesIO(file)).convert("RGBA")) for file in files])
    labels = np.array([place[row["hexcode"]] for row in rows], np.int64)
    vendors = np.array([row["vendor"] for row in rows])
    for array in (rgba, labels, vendors):
        array.setflags(write=False)
    return tuple(ordered), Drawings(rgba, labels, vendors)
