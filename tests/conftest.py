"""One thread a test run, set before torch is imported; what needs the data sets is skipped where there are none.

A test that hangs ends the run, and `python -m tests.hang` says where it stood.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from functools import cache

import pytest
import torch
from hypothesis import settings
from streamlit.components.v2 import manifest_scanner

from tests import hang

torch.set_num_threads(1)
# AppTest reads the metadata of every installed package at every run of a page: once is enough.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
settings.register_profile("cutaway", deadline=None)  # a busy machine is no failure
settings.load_profile("cutaway")
LONGEST = ("browser", "tests", "interpret", "views")  # the folders whose files take longest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with hang.watched(item.nodeid):
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no worker ends alone; without CUTAWAY_DATA, the data sets' folder, no `data` tests."""
    items.sort(key=lambda item: (*LONGEST, item.path.parent.name).index(item.path.parent.name))
    if os.environ.get("CUTAWAY_DATA"):
        return
    missing = pytest.mark.skip(reason="CUTAWAY_DATA is not set")
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(missing)
