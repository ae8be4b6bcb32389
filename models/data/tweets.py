"""English tweets of about 2011 to 2015 with the sentiment that people read in them: negative, neutral or positive."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from models.data import folder, need

LABELS = ("negative", "neutral", "positive")
SPLITS = ("train", "valid", "test")


@cache
def read(split: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The texts and int64 (n,) labels of "train", "valid" or "test". Raises DataMissing, KeyError."""
    if split not in SPLITS:
        raise KeyError(f"tweets has no split {split!r}; there are {', '.join(SPLITS)}")
    texts, labels, splits = decode(need(folder() / "sentiment" / "tweets.parquet"))
    wanted = splits == split
    chosen = labels[wanted]
    chosen.setflags(write=False)
    return tuple(texts[wanted].tolist()), chosen


def decode(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Texts, int64 labels (a place in LABELS) and splits, (n,) each, of the one Parquet file."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    texts, splits = (np.array(table[name].to_pylist(), dtype=object) for name in ("text", "split"))
    return texts, table["label"].to_numpy().astype(np.int64), splits
