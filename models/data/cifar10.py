"""CIFAR-10: 50,000 + 10,000 photographs of 32x32 in colour, ten kinds of thing (Krizhevsky 2009)."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from models.data import folder, need
from models.data.scenes import SAMPLES

# SAMPLES are scenes painted by a program of ours, since no photograph of the set may travel.
__all__ = ["LABELS", "SAMPLES", "decode", "read"]

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@cache
def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (n, 32, 32, 3) and int64 (n,) of "train" or "test", in the order of the file. Raises DataMissing."""
    pixels, labels = decode(need(folder() / "cifar10" / f"{split}.parquet"))
    pixels.setflags(write=False)
    labels.setflags(write=False)
    return pixels, labels


def decode(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels of one Parquet file in the layout of the public one: a struct of picture bytes, and a label."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    files = (row["bytes"] for row in table["img"].to_pylist())
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files])
    return pixels, table["label"].to_numpy().astype(np.int64)
