"""The words view: neighbours, an analogy and the map, as the address has them, at any moment of training."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import models
from app.components.atlas import WORDS
from app.components.nearest import COLUMNS, ROWS
from app.interpret.embedding import Analogy, analogies, neighbours
from app.view import Visit, fits
from app.views.words import VIEW
from models import checkpoint
from tests.views.toys import said, show

ASKED = [paper for paper in models.papers() if paper.analogies]
KING = "king queen prince princess man woman king"


@pytest.fixture(params=ASKED, ids=lambda p: p.slug)
def paper(request):
    return request.param


def visit(paper, text: str = KING) -> Visit:
    return Visit(paper, paper.takes.parse(text), f"words {text}", text, "a text")


def answers(paper, step: int | None = None) -> tuple[Analogy, ...]:
    net = models.load(paper.slug, step)
    return analogies(net.module, paper, np.zeros((1, 0), np.int64), paper.analogies)


def board(at: AppTest) -> dict:
    found = next(e.proto for e in at.get("bidi_component") if "-nearest" in e.proto.id)
    return json.loads(found.json) if found.WhichOneof("data") == "json" else json.loads(found.mixed.json)


def titles(at: AppTest) -> list[str]:
    return [json.loads(chart.proto.spec)["layout"]["title"]["text"] for chart in at.get("plotly_chart")]


def drawn(at: AppTest) -> set[str]:
    """All that can be hovered over on the map."""
    return {
        text
        for trace in json.loads(at.get("plotly_chart")[2].proto.spec)["data"]
        for text in trace.get("hovertext", ())
    }


def test_it_fits_what_gives_words_vectors_and_has_questions(paper):
    assert fits(VIEW, paper)
    assert not fits(VIEW, dataclasses.replace(paper, analogies=()))
    assert not any(fits(VIEW, other) for other in models.papers() if not other.analogies)


def test_it_opens_with_the_first_question_and_every_word_once(paper):
    net = models.load(paper.slug)
    at = show(VIEW, visit(paper))
    assert not at.error
    found = neighbours(net.module, paper, visit(paper).x)
    texts = [cell[0] for cell in board(at)["cells"]]
    assert texts[:: COLUMNS + 1] == ["king", "queen", "prince", "princess", "man", "woman"]
    assert texts[1 : COLUMNS + 1] == list(found.near_names[0][:COLUMNS])
    assert board(at)["selected"] == 0
    (a, b, c, _), first = paper.analogies[0], answers(paper)[0]
    assert titles(at)[:2] == ["Nearest to “king”", f"{a} is to {b} as {c} is to … {first.names[0]}"]
    assert f"at a cosine of {found.cosines[0, 0]:.2f}" in said(at) and f"all words is {found.usual[0]:.2f}" in said(at)
    assert f"{b} − {a} + {c}, at a cosine of {first.cosines[0]:.2f}, and is right." in said(at)
    assert f"(cosine {first.parallel:.2f})" in said(at) and "The plane holds" in said(at)
    assert {"prince, of your text", f"{first.names[0]}, the answer"} <= drawn(at)


def test_the_address_chooses_word_and_question(paper):
    index, missed = next((i, answer) for i, answer in enumerate(answers(paper)) if not answer.right)
    a, b, c, d = paper.analogies[index]
    at = show(VIEW, visit(paper), word="prince", a=a.upper(), b=b, c=c)
    assert titles(at)[0] == "Nearest to “prince”" and board(at)["selected"] == 2 * (COLUMNS + 1)
    assert at.selectbox(key="question").value == f"{a} {b} {c}"
    assert f"right would be “{d}”, which comes as number {missed.rank}." in said(at)
    given = f"with them “{missed.open_name}” itself would be nearest ({missed.open_cosine:.2f})"
    assert (given in said(at)) == (missed.open_name in (a, b, c))
    assert f"{d}, near" not in drawn(at) and f"{b} − {a} + {c}: where the answer is looked for" in drawn(at)


def test_a_ready_made_question_fills_the_fields_and_ones_own_empties_the_choice(paper):
    a, b, c, _ = paper.analogies[2]
    at = show(VIEW, visit(paper))
    assert at.selectbox(key="question").label == (
        f"Ready-made: {sum(answer.right for answer in answers(paper))} of {len(paper.analogies)} found"
    )
    at.selectbox(key="question").select(f"{a} {b} {c}").run()
    assert [at.text_input(key=key).value for key in "abc"] == [a, b, c]
    assert titles(at)[1].startswith(f"{a} is to {b} as {c} is to …")
    at.text_input(key="c").set_value("king").run()
    assert titles(at)[1].startswith(f"{a} is to {b} as king is to …")
    assert at.selectbox(key="question").value is None and "right" not in said(at)


@pytest.mark.parametrize("word", ["blorb", "two words", "42", "<b>$x$</b>", "w" * 500])
def test_words_it_does_not_know_are_told_in_one_sentence_and_the_question_before_stays(paper, word):
    a, b, c, _ = paper.analogies[1]
    at = show(VIEW, visit(paper), a=a, b=b, c=c)
    at.text_input(key="c").set_value(word).run()
    assert not at.exception
    (error,) = at.error
    assert "does not know “" in error.value and f"stays: {a} is to {b} as {c} is to what?" in error.value
    assert titles(at)[1].startswith(f"{a} is to {b} as {c} is to …")
    at.text_input(key="c").set_value("queen").run()
    assert not at.error


def test_a_moment_of_training_is_asked_instead_of_its_end(paper):
    step = checkpoint.snapshots(paper.slug)[1]
    at = show(VIEW, visit(paper), step=str(step))
    early = answers(paper, step)
    assert titles(at)[1].endswith(f"… {early[0].names[0]}")
    assert at.selectbox(key="question").label.startswith(f"Ready-made: {sum(answer.right for answer in early)} of")
    assert all(f'models.load("{paper.slug}", step={step})' in block.value for block in at.code)


def test_of_a_long_text_the_first_words_and_the_chosen_one_are_shown(paper):
    text = "it is a truth that every single man of good fortune must be in want of some wife and house and garden xyzzy"
    at = show(VIEW, visit(paper, text), word="garden")
    words = [*dict.fromkeys(text.split()[:-1])]
    assert len(board(at)["cells"]) == ROWS * (COLUMNS + 1) and board(at)["selected"] == -1
    assert f"the first {ROWS} of {len(words)} different words" in said(at)
    own = {text.removesuffix(", of your text") for text in drawn(at) if text.endswith(", of your text")}
    assert own | {"man"} == {*words[:WORDS], "garden", "man"}, "man is of the question too"


def test_the_snippets_run(paper, capsys):
    at = show(VIEW, visit(paper))
    assert len(at.code) == 4
    for block in at.code:
        exec(block.value, {})
    shown = capsys.readouterr().out
    assert "Neighbours(" in shown and "Analogy(" in shown and "Plane(" in shown
