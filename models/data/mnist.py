"""MNIST: 60,000 + 10,000 handwritten digits, 28x28 grey, ink 255 on ground 0 (LeCun, Cortes, Burges)."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image

from models.data import folder, need

LABELS = tuple("0123456789")


@cache
def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (n, 28, 28) and int64 (n,) of "train" or "test", in the original order. Raises DataMissing."""
    import pyarrow.parquet as pq

    table = pq.read_table(need(folder() / "mnist" / f"{split}.parquet"))
    files = (row["bytes"] for row in table["image"].to_pylist())
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])
    labels = table["label"].to_numpy().astype(np.int64)
    pixels.setflags(write=False)
    labels.setflags(write=False)
    return pixels, labels
