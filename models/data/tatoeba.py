"""Tatoeba: short English sentences with their French translations, from tatoeba.org by way of manythings.org/anki.

`translation/tatoeba.en-fr.tsv.gz` has the columns en, fr and split. It is made from one export; the public file is another
by now, so that it cannot be fetched and checked.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from functools import cache

from models.data import DataMissing, folder

SPLITS = ("train", "valid", "test")  # no sentence of valid or test, in either language, is in train


@cache
def _rows() -> dict[str, tuple[list[str], list[str]]]:
    path = folder() / "translation" / "tatoeba.en-fr.tsv.gz"
    if not path.exists():
        raise DataMissing(f"{path} is not there: set CUTAWAY_DATA to the folder that has it.")
    found: dict[str, tuple[list[str], list[str]]] = {split: ([], []) for split in SPLITS}
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf8")
        rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
        if rows.fieldnames is None:
            raise EOFError("it is empty")
        for row in rows:
            english, french = found[row["split"]]
            english.append(row["en"])
            french.append(row["fr"])
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, KeyError) as error:
        raise DataMissing(f"{path} is damaged ({error}): put the data set there anew.") from None
    return found


def read(split: str) -> tuple[list[str], list[str]]:
    """The English and the French sentences of "train", "valid" or "test", pair by pair. Raises DataMissing."""
    if split not in SPLITS:
        raise KeyError(f"no split {split!r}; there are {', '.join(SPLITS)}")
    english, french = _rows()[split]
    return list(english), list(french)
