"""Readers of the training data, one a data set, and `folder()`, where they look.

`CUTAWAY_DATA` names the folder; without it the user's cache folder is taken. `python -m models data fetch NAME` brings a
set there from its public home.
"""

from __future__ import annotations

import os
from pathlib import Path


class DataMissing(RuntimeError):
    """A data set that is not on this machine; the text says how to get it."""


def folder() -> Path:
    """The folder of all data sets, whether it exists or not."""
    if named := os.environ.get("CUTAWAY_DATA"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cutaway"


def need(path: Path) -> Path:
    """`path`, or DataMissing with a sentence that says how to get it."""
    if not path.exists():
        from models.data.fetch import FILES

        name = path.relative_to(folder()).parts[0]
        fetch = f", or run `python -m models data fetch {name}`" if name in FILES else " to the folder that holds it"
        raise DataMissing(f"The data set {name} is not on this machine: set CUTAWAY_DATA{fetch}.")
    return path
