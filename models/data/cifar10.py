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

# What `doubt` looks at. The public copy holds the original points as PNG in another order, ours JPEG copies of them, so that
# a checksum of ours says nothing about it.
CHECKED = "pictures and their size, classes, and the mean colour of each class; not every point"

# SAMPLES are scenes painted by a program of ours, since no photograph of the set may travel.
__all__ = ["CHECKED", "CIFAR", "LABELS", "SAMPLES", "decode", "doubt", "read"]

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


SIZES = {50_000: "train", 10_000: "test"}
# The mean red, green and blue of each class over the training set, 0..255. Compression hardly moves a mean of so many points.
COLOURS = (
    (134.0, 142.8, 150.1),
    (120.1, 115.9, 114.0),
    (124.7, 125.3, 108.1),
    (126.3, 116.4, 106.0),
    (120.2, 118.6, 96.5),
    (127.4, 118.5, 106.2),
    (119.8, 111.8, 88.1),
    (128.0, 122.3, 106.3),
    (125.0, 134.0, 141.4),
    (127.1, 123.7, 121.8),
)
APART = {"train": 1.0, "test": 6.0}  # how far a mean may be from these: the test set's are other pictures' means


def doubt(path: Path) -> str:
    """What speaks against a file's being CIFAR-10's, train or test by its size; empty where nothing does."""
    pixels, labels = decode(path)
    split = SIZES.get(len(pixels))
    if split is None or pixels.shape[1:] != (32, 32, 3):
        return f"its pictures are {pixels.shape}"
    if np.bincount(labels, minlength=10).tolist() != [len(labels) // 10] * 10:
        return "its classes are not equally many"
    means = np.stack([pixels[labels == label].mean((0, 1, 2)) for label in range(10)])
    apart = float(np.abs(means - np.array(COLOURS)).max())
    return f"a class has another colour, by {apart:.1f} of 255" if apart > APART[split] else ""
