"""Captions in the app: the samples' names to begin with, one's own words, and what cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

import models
from app.components.captions import MOST
from tests.test_views import opened

CAPTIONED = [paper for paper in models.papers() if paper.captions]
pytestmark = pytest.mark.parametrize("paper", CAPTIONED, ids=lambda p: p.slug)


def said(at) -> str:
    return " ".join(caption.value for caption in at.caption)


def test_it_begins_with_the_samples_names(paper):
    at = opened(paper.slug, "captions")
    assert not at.exception and not at.error
    assert "Were these all the captions there are" in said(at)
    assert f"Of the {len(paper.samples)} samples whose names stand above" in said(at)


def test_own_words_are_compared_and_the_chosen_one_is_explained(paper):
    at = opened(paper.slug, "captions", captions="a picture of a tiger\na flag\na flag\n\n", caption="a flag")
    assert not at.exception and not at.error
    assert "nearer to “a flag” than" in said(at), "the chosen caption is looked for in the picture"
    assert "read again without each word" in said(at)
    assert "gathers from the others by attention" in said(at)
    assert "samples whose names" not in said(at)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("a flag\n" + "word " * 60, "Caption 2: That text is"),
        ("猫猫猫猫猫猫", "The samples' names stand in their place."),
        ("\n".join(f"caption {i}" for i in range(MOST + 3)), f"These are {MOST + 3} captions; the first {MOST}"),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_stays(paper, lines, sentence):
    at = opened(paper.slug, "captions", captions=lines)
    assert not at.exception
    assert len(at.error) == 1 and sentence in at.error[0].value
    assert "Were these all the captions there are" in said(at)


def test_a_caption_in_the_address_that_is_not_there_gives_way_to_the_nearest(paper):
    at = opened(paper.slug, "captions", captions="a flag\nfood", caption="an astronaut")
    assert not at.exception and not at.error
    assert "nearer to “a flag” than" in said(at) or "nearer to “food” than" in said(at)


def test_the_snippets_run(paper):
    at = opened(paper.slug, "captions", captions="a flag\nsome $5 *food*", caption="a flag")
    snippets = [block.value for block in at.code if "app.interpret.captions" in block.value]
    assert len(snippets) == 5
    for snippet in snippets:
        given = f"np.zeros((1, *{paper.sized.shape}), np.float32)"
        exec(compile(snippet.replace('net.paper.takes.parse("your input")', given), "snippet", "exec"), {"np": np})
