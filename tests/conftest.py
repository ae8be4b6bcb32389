"""One thread a test run, set before torch is imported; what needs the data sets is skipped where there are none."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("cutaway", deadline=None)  # a busy machine is no failure
settings.load_profile("cutaway")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `data` unless CUTAWAY_DATA names the data sets' folder."""
    if os.environ.get("CUTAWAY_DATA"):
        return
    missing = pytest.mark.skip(reason="CUTAWAY_DATA is not set")
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(missing)
