"""The tokens view: what is shown of a place, what a click writes into the text, and what chance is told."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import models
from app import session
from app.interpret.generate import generate
from app.interpret.reading import reading
from app.view import Visit, fits
from app.views.tokens import VIEW
from models import tokens
from models.bert import model as bert
from models.gpt2 import model as gpt2
from models.paper import Text
from tests.views.toys import said, serve, show

CAT = "the cat sat on the mat"


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        yield tokens.train("stand-in", [f"{CAT} " * 20], 280, ("<pad>", "<s>", "</s>", "<mask>"))


@pytest.fixture
def forward(monkeypatch):
    """`forward(text)`: a small GPT-2 that is sure of some things, and a text."""

    def make(text: str = CAT) -> Visit:
        torch.manual_seed(0)
        net = gpt2.build(gpt2.Config(vocabulary=280, context=32, width=24, heads=3, layers=2))
        for weight in net.parameters():
            weight.data.mul_(12 if weight.ndim == 2 else 1)
        serve(monkeypatch, {None: net.eval().requires_grad_(False)})
        paper = dataclasses.replace(models.paper("gpt2"), takes=Text("stand-in", 32, before=("<s>",)))
        return Visit(paper, paper.takes.parse(text), f"toy {text}", text, "a text")

    return make


@pytest.fixture
def blanks(monkeypatch):
    def make(text: str) -> Visit:
        torch.manual_seed(0)
        net = bert.build(dataclasses.replace(bert.SMALL, vocabulary=280)).eval().requires_grad_(False)
        serve(monkeypatch, {None: net})
        takes = Text("stand-in", 64, before=("<s>",), after=("</s>",), mask="<mask>")
        paper = dataclasses.replace(models.paper("bert"), takes=takes)
        return Visit(paper, takes.parse(text), f"blanks {text}", text, "a text")

    return make


def component(at: AppTest, name: str) -> dict:
    """What a component of our own, by its key, was given."""
    found = next(e.proto for e in at.get("bidi_component") if f"-{name}" in e.proto.id)
    return json.loads(found.json) if found.WhichOneof("data") == "json" else json.loads(found.mixed.json)


def title(at: AppTest) -> str:
    return json.loads(at.get("plotly_chart")[0].proto.spec)["layout"]["title"]["text"]


def test_it_fits_what_guesses_tokens():
    assert all(fits(VIEW, models.paper(slug)) for slug in ("gpt2", "bert"))
    assert not any(
        fits(VIEW, models.paper(slug)) for slug in ("seq2seq", "word2vec", "lenet5", "vit", "bert/sentiment")
    )


def test_the_strip_has_every_tokens_surprise(forward):
    visit = forward()
    at = show(VIEW, visit)
    found = session.ask(reading, visit)
    rows = component(at, "surprise-strip")["tokens"]
    assert "".join(row["text"] for row in rows) == f"<s>{CAT}"
    assert rows[0]["title"] == "place 0: never guessed" and rows[0]["ground"] == ""
    for place in range(1, len(rows)):
        assert f"place {place}: {found.surprise[place]:.1f} bits" in rows[place]["title"]
        assert f"number {found.rank[place - 1]:,} of 280" in rows[place]["title"]
    assert f"by {np.nanmax(found.surprise):.1f} bits" in said(at)
    assert component(at, "surprise-strip")["selected"] == len(rows) - 1


def test_the_address_chooses_the_place_and_the_sentence_has_its_numbers(forward):
    visit = forward()
    found = session.ask(reading, visit)
    at = show(VIEW, visit, place="2")
    assert component(at, "surprise-strip")["selected"] == 2
    assert title(at) == "What may come after “cat”"
    share, rank = 100 * found.share[2], found.rank[2]
    assert f"The text has “sat” there, {'the likeliest' if rank == 1 else f'number {rank:,} of 280'}" in said(at)
    assert f"{share:.1f} %" in said(at) or "< 0.1 %" in said(at)
    assert f"entropy of {found.entropy[2]:.2f} bits" in said(at)
    assert "Nothing stands there yet." in said(show(VIEW, visit))


@pytest.mark.parametrize(
    "address",
    [{"place": "99"}, {"place": "x"}, {"temperature": "hot"}, {"top-k": "-3"}, {"top-p": "2"}, {"dice": "x"}, {"length": "0"}],
)  # fmt: skip
def test_nonsense_falls_back(forward, address):
    visit = forward()
    assert said(show(VIEW, visit, **address)) == said(show(VIEW, visit))


def test_chance_is_in_the_address(forward):
    visit = forward()
    at = show(VIEW, visit, temperature="1.5", **{"top-k": "7", "top-p": "0.6", "dice": "3", "length": "5"})
    found = session.ask(generate, visit, length=5, temperature=1.5, top_k=7, top_p=0.6, dice=3)
    rows = component(at, "written-strip")["tokens"]
    assert [row["title"].split(", number ")[1] for row in rows] == [str(rank) for rank in found.rank]
    board = component(at, "alternatives-board")
    assert len(board["rows"]) == 5
    cells, most = board["cells"], found.ids.shape[1]
    for step in range(5):
        row = cells[step * most : (step + 1) * most]
        assert [cell[0].startswith("→ ") for cell in row].index(True) == found.chosen[step]
        pale = [bool(cell[4]) for cell in row]
        assert pale[: found.kept[step]] == [False] * min(most, found.kept[step]) and all(pale[found.kept[step] :])
    assert f"top-k took away {100 * found.cut[:, 0].mean():.1f} %" in said(at)


def test_draw_again_takes_the_next_seed(forward):
    at = show(VIEW, forward())
    before = component(at, "written-strip")
    at.button(key="again").click().run()
    assert at.number_input(key="dice").value == 1
    assert component(at, "written-strip") != before
    at.number_input(key="dice").set_value(0).run()
    assert component(at, "written-strip") == before


def test_a_full_text_is_told_in_one_sentence(forward):
    full = CAT + " cat" * 25
    visit = forward(full)
    assert visit.x.shape == (1, 32)
    at = show(VIEW, visit)
    assert [box.value for box in at.info] == [
        "The text fills all 32 tokens that this network reads at once: shorten it to let it go on."
    ]
    nearly = show(VIEW, forward(CAT + " cat" * 23), length="9", temperature="0")
    assert not nearly.info and "with it the text fills all 32 tokens" in said(nearly)


def test_blanks_are_guessed_in_their_place_and_nothing_is_written(blanks):
    at = show(VIEW, blanks("the cat <mask> on the mat"))
    place = component(at, "surprise-strip")["selected"]
    assert component(at, "surprise-strip")["tokens"][place]["text"].strip() == "<mask>"
    assert title(at).startswith("What may come in the place of")
    assert "puts that token there" in said(at) and "Nothing stands there yet." in said(at)
    assert not at.number_input
    assert "itself hidden" in said(at)


def test_a_click_writes_what_it_says(forward, blanks):
    from app.components.guesses import Guesses

    visit = forward()
    text = Guesses(visit, session.ask(reading, visit), 2)
    assert text.goes_on(" flew") == "the cat flew"
    visit = blanks("the cat <mask> on the mat")
    found = session.ask(reading, visit)
    assert Guesses(visit, found, found.place).goes_on(" sat").replace("  ", " ") == "the cat sat on the mat"


def test_a_guess_is_written_without_a_pointer(forward):
    from app.components.guesses import Guesses

    visit = forward()
    at = show(VIEW, visit)
    field = next(box for box in at.selectbox if box.key.startswith("write-"))
    assert len(field.options) >= 12 and field.options[0].endswith("%")
    found = session.ask(reading, visit)
    field.select_index(1).run()
    assert at.session_state["text"] == Guesses(visit, found, found.place).goes_on(found.names[found.place][1])


def test_the_snippets_run(forward, monkeypatch, capsys):
    visit = forward()
    at = show(VIEW, visit)

    class Loaded:
        module, paper = models.build("gpt2").eval(), visit.paper

    monkeypatch.setattr(models, "load", lambda slug: Loaded)
    assert len(at.code) == 4
    for code in at.code:
        exec(code.value, {})
    assert capsys.readouterr().out
