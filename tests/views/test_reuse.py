"""Which layers listen to which, as a visitor meets it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import models
from app import session
from app.interpret.reuse import reuse
from app.view import fits
from app.views.reuse import VIEW
from models.data.samples import FILES
from tests.interpret.test_load import alike_for_all
from tests.views.toys import said, show

PAPER = models.paper("densenet")
PICTURE = (FILES / PAPER.samples[0].source).read_bytes()
X = PAPER.takes.parse(PICTURE)


def visited(**address: str):
    return show(VIEW, session.visit(PAPER, PICTURE, "sample"), **address)


@pytest.fixture(scope="module")
def net():
    return models.load("densenet").module


def test_it_fits_what_can_say_so():
    assert [paper.slug for paper in models.papers() if fits(VIEW, paper)] == ["densenet"]


@pytest.mark.parametrize("by", ["here", "weights"])
def test_the_end_of_every_block_is_told(net, by):
    at = visited(by=by)
    assert not at.exception
    text, tables = said(at), getattr(reuse(net, PAPER, X), by)
    for table, behind in zip(tables, ("the transition", "the transition", "the classifier"), strict=True):
        last = table[:, -1]
        most, least = int(last.argmax()), int(last.argmin())
        source = f"layer {most}" if most else "what the block was given"
        assert f"At the end {behind} takes most from {source};" in text
        assert f"gives it {100 * last[least] / last[most]:.0f} % of that." in text
    assert ("times the mean size of these maps" in text) == (by == "here")


def test_tables_are_the_networks_own_in_shares_of_each_readers_largest(net):
    found = reuse(net, PAPER, X)
    for tables, owns in ((found.weights, net.reuse()), (found.here, net.reuse(torch.from_numpy(X)))):
        for table, own in zip(tables, owns, strict=True):
            assert np.array_equal(np.nanmax(table, 0), np.ones(len(table)))
            assert np.allclose(table * np.nanmax(own, 0), own, equal_nan=True)
    other = reuse(net, PAPER, X[:, :, ::-1].copy())
    assert not np.allclose(found.here[0], other.here[0], equal_nan=True, atol=1e-3), "it is of this picture"
    assert np.array_equal(found.weights[0], other.weights[0], equal_nan=True)


def test_many_visitors_get_what_each_would_get_alone():
    def fresh():
        torch.manual_seed(0)
        return models.build("densenet").eval().requires_grad_(False)

    asked = np.random.default_rng(0).standard_normal((24, 1, 3, 16, 16)).astype(np.float32)
    alike_for_all(
        lambda module, i, **more: b"".join(table.tobytes() for table in reuse(module, PAPER, asked[i]).here),
        fresh,
        len(asked),
        left=lambda i: False,
    )
