"""Lesions as a visitor meets them: the block that is missed most is out, parts go out and in, and nothing is nothing."""

from __future__ import annotations

import numpy as np
import pytest

import models
from app import session
from app.components.answers import percent
from app.interpret.lesions import lesioned, lesions
from app.view import fits
from app.views.lesions import VIEW
from models import checkpoint
from models.data.samples import FILES
from tests.views.toys import said, show

PAPER = models.paper("resnet")
PICTURE = (FILES / PAPER.samples[0].source).read_bytes()
X = PAPER.takes.parse(PICTURE)


def visited(paper=PAPER, **address: str):
    return show(VIEW, session.visit(paper, PICTURE, "sample"), **address)


@pytest.fixture(scope="module")
def net():
    return models.load("resnet").module


def test_it_fits_what_has_parts_to_take_out():
    assert {paper.slug for paper in models.papers() if fits(VIEW, paper)} == {"resnet", "googlenet", "densenet"}


def test_it_opens_without_the_part_that_is_missed_most(net):
    found = lesions(net, PAPER, X)
    worst = found.parts[int(found.effects.argmax())].name
    label = PAPER.scores.labels[found.top]
    at = visited()
    text = said(at)
    assert f"Out: {worst}." in text
    assert f"{percent(float(found.whole.max()))} to begin with" in text
    assert f"most without {worst}, {-100 * found.effects.max():+.1f}" in text
    assert f"**What the answer {label} loses without each part**" in [m.value for m in at.markdown]


def test_a_link_brings_the_parts(net):
    text = said(visited(out="stages.1.1,stages.2.0,no.such"))
    assert "Out: stages.1.1 and stages.2.0." in text
    after = lesioned(net, PAPER, X, ("stages.1.1", "stages.2.0"))[1]
    assert f"{PAPER.scores.labels[int(after.argmax())]}" in text and f"with {percent(float(after.max()))}." in text


def test_all_in_is_the_plain_network():
    at = visited()
    at.button[0].click().run()
    assert not at.exception
    assert at.session_state["out"] == "none"
    assert "Out: nothing. A click takes a part out." in said(at)


def test_the_record_speaks_for_the_test_set():
    record = checkpoint.read_record("resnet")
    text = said(visited())
    assert "Over 2,000 test pictures, from the record." in text
    assert f"{record.metric('test_error').value:.1f} % for the model" in text
    assert "for its twin, over 10,000 of them." in text
    assert "Over 2,000" not in said(visited(models.paper("densenet"))), "measured for nobody else"


def test_branches_are_weighed_against_those_beside_them():
    paper = models.paper("googlenet")
    found = lesions(models.load("googlenet").module, paper, X)
    table = found.table(found.strength)
    shares = table / table.sum(0)
    row, column = np.unravel_index(shares.argmax(), shares.shape)
    told = f"as {found.rows[row]} of {found.columns[column]}: {100 * shares.max():.0f} % of the strength of all 4."
    assert told in said(visited(paper))
    assert "share of its column" not in said(visited())


def test_the_lines_to_take_away_run(net):
    at = visited(out="stages.0.1")
    given: list[object] = []
    code = next(code.value for code in at.code if "lesioned(" in code.value)
    exec(code.replace('parse("your input")', f"parse({PICTURE!r})"), {"print": given.append})
    assert np.allclose(given[0], lesioned(net, PAPER, X, ("stages.0.1",)), atol=1e-6)
