"""MNIST: 60,000 + 10,000 handwritten digits, 28x28 grey, ink 255 on ground 0 (LeCun, Cortes, Burges)."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from models.data import folder, need
from models.paper import Sample

LABELS = tuple("0123456789")

# What every network of digits offers: six made by ourselves as people bring them, then ten hands of the probe set.
SAMPLES = (
    Sample("marker 7", "marker-7.jpg"),
    Sample("phone 5", "phone-5.jpg"),
    Sample("pencil 3", "pencil-3.jpg"),
    Sample("chalk 4", "chalkboard-4.jpg"),
    Sample("table 8", "table-8.jpg"),
    Sample("screen 2", "screen-2.png"),
    *(Sample(str(i % 10), f"probe:{i}") for i in (60, 81, 112, 13, 54, 45, 46, 77, 48, 99)),
)


@cache
def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (n, 28, 28) and int64 (n,) of "train" or "test", in the original order. Raises DataMissing."""
    pixels, labels = decode(need(folder() / "mnist" / f"{split}.parquet"))
    pixels.setflags(write=False)
    labels.setflags(write=False)
    return pixels, labels


def decode(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels of one Parquet file in the layout of the public one: a struct of PNG bytes, and a label."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    files = (row["bytes"] for row in table["image"].to_pylist())
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])
    return pixels, table["label"].to_numpy().astype(np.int64)
