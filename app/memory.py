"""Keep Python's garbage collector off what was imported, which is for good.

Streamlit collects all garbage after every run. With torch, plotly and their kin imported that walks through 350,000
objects, 0.1 to 0.2 s in which no other visitor's script runs, and finds nothing. Frozen objects are not walked through.
"""

from __future__ import annotations

import gc
import sys

ENOUGH = 20  # modules imported since the last time that make it worth while to freeze again

_seen = 0


def settle() -> None:
    """Freeze all objects there are, if a good many modules were imported since the last time."""
    global _seen
    if len(sys.modules) > _seen + ENOUGH:
        _seen = len(sys.modules)
        gc.collect()
        gc.freeze()
