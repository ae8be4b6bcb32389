"""CIFAR-10: 50,000 + 10,000 photographs of 32x32 in colour, ten kinds of thing (Krizhevsky 2009)."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from models.data import folder, need
from models.data.scenes import SAMPLES
from models.paper import Image as Pictures

# SAMPLES are scenes painted by a program of ours, since no photograph of the set may travel.
__all__ = ["CIFAR", "LABELS", "SAMPLES", "decode", "read"]

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# Mean and standard deviation of red, green and blue over all pixels of the training set, in 0..1.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
CIFAR = Pictures(channels=3, size=(32, 32), labels=LABELS, mean=MEAN, std=STD, ink=False)


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
