"""The input panel: which input a visitor has, what they are told of it, and what stays when it was no good."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw
from streamlit.testing.v1 import AppTest

import models
from app import session
from app.components.strokes import encode, render
from app.figures import pictures
from models import decode
from models.paper import Fact, Image

NETWORKS = [n for p in models.papers() for n in models.networks(p.slug)]
SEERS = [n.slug for n in NETWORKS if isinstance(n.takes, Image)]
KNOWERS = [n.slug for n in NETWORKS if isinstance(n.takes, Fact)]
SEVEN = [[20, 60, 60, 195, 60, 110, 210]]
INK = encode(SEVEN)
PDF = b"%PDF-1.7\n" + b"0" * 500


def script():
    import streamlit as st

    import models
    from app.components import panel

    visit = panel.choose(models.paper(st.query_params.get("slug", "lenet5")))
    st.session_state["visit"] = visit


def opened(slug: str, **address: str) -> AppTest:
    at = AppTest.from_function(script, default_timeout=60)
    for key, value in {"slug": slug, **address}.items():
        at.query_params[key] = value
    return at.run()


def chosen(at: AppTest) -> str:
    assert not at.exception
    return at.session_state["visit"].name


def told(at: AppTest) -> str:
    return " ".join(element.value for element in (*at.caption, *at.error))


def png(picture: Pictures.Image | None = None) -> bytes:
    if picture is None:
        picture = Pictures.new("L", (200, 200), 245)
        ImageDraw.Draw(picture).line([(100, 30), (100, 170)], fill=10, width=18)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def uploaded(at: AppTest, name: str, data: bytes) -> AppTest:
    at.segmented_control(key="input").set_value("Upload").run()
    at.file_uploader[0].upload(name, data)
    return at.run()


@pytest.mark.parametrize("slug", SEERS)
def test_a_visitor_who_has_done_nothing_has_a_sample_and_is_told(slug):
    at = opened(slug)
    first = models.paper(slug).samples[0].name
    assert chosen(at) == f"sample {first}"
    assert f"Until you draw, the input is sample {first}." in told(at)
    assert at.session_state["visit"].x.shape == (1, *models.paper(slug).takes.shape)


@pytest.mark.parametrize("slug", SEERS)
def test_the_address_brings_the_drawing_to_every_paper(slug):
    at = opened(slug, ink=INK)
    assert chosen(at) == "your drawing"
    x = models.paper(slug).takes.parse(render(SEVEN))
    np.testing.assert_array_equal(at.session_state["visit"].x, x)


def test_a_damaged_drawing_is_answered_by_a_sentence():
    at = opened(SEERS[0], ink="%%%")
    assert chosen(at).startswith("sample")
    assert "damaged" in at.error[0].value
    assert f"The input before it stays: {chosen(at)}." in at.error[0].value


def test_the_tool_decides_and_one_that_is_empty_leaves_the_input():
    at = opened(SEERS[0], ink=INK)
    at.segmented_control(key="input").set_value("Upload").run()
    assert chosen(at) == "your drawing"
    assert "Until you choose a picture, the input is your drawing." in told(at)
    at.segmented_control(key="input").set_value("Samples").run()
    assert chosen(at) == f"sample {models.paper(SEERS[0]).samples[0].name}"
    at.selectbox(key="sample").select("3").run()
    assert chosen(at) == "sample 3"
    at.segmented_control(key="input").set_value("Upload").run()
    assert chosen(at) == "sample 3"
    at.segmented_control(key="input").set_value("Draw").run()
    assert chosen(at) == "your drawing"


def test_an_upload_becomes_the_input_and_goes_by_its_tool():
    at = uploaded(opened(SEERS[0], sample="4"), "one.png", png())
    assert chosen(at) == "your picture"
    assert "a link to this page shows sample 4 instead" in told(at)
    assert not at.error
    at.segmented_control(key="input").set_value("Samples").run()
    assert chosen(at) == "sample 4"
    at.segmented_control(key="input").set_value("Upload").run()
    assert chosen(at) == "your picture"
    at.button(key="remove").click().run()
    assert chosen(at) == "sample 4"


@pytest.mark.parametrize(
    ("data", "says"),
    [(PDF, "PDF"), (b"", "empty"), (png()[:60], "damaged"), (png(Pictures.new("L", (50, 50), 255)), "mark")],
)
def test_a_bad_file_gets_one_sentence_and_the_picture_before_it_stays(data, says):
    at = uploaded(opened(SEERS[0]), "one.png", png())
    before = at.session_state["visit"]
    at = uploaded(at, "two.png", data)
    assert len(at.error) == 1
    assert says in at.error[0].value
    assert at.error[0].value.endswith("The input before it stays: your picture.")
    assert at.session_state["visit"].key == before.key
    at.segmented_control(key="input").set_value("Draw").run()
    assert not at.error
    at = uploaded(at, "one.png", png())
    assert not at.error


def test_a_bad_file_leaves_the_drawing():
    at = uploaded(opened(SEERS[0], ink=INK), "two.png", PDF)
    assert chosen(at) == "your drawing"
    assert at.error[0].value.endswith("The input before it stays: your drawing.")


def test_the_camera_is_asked_for_only_where_it_is_chosen():
    at = opened(SEERS[0])
    assert not at.camera_input
    at.segmented_control(key="input").set_value("Camera").run()
    file = io.BytesIO()
    Pictures.open(io.BytesIO(png())).save(file, "JPEG")
    at.camera_input[0].upload("photo.jpg", file.getvalue())
    at.run()
    assert chosen(at) == "your photo"


def test_nonsense_in_the_address_falls_back():
    at = opened(SEERS[0], input="Telepathy", sample="nothing")
    assert chosen(at) == f"sample {models.paper(SEERS[0]).samples[0].name}"
    assert at.segmented_control(key="input").value == "Draw"


@pytest.mark.parametrize("slug", KNOWERS)
def test_a_fact_is_a_person_and_a_relation(slug):
    takes = models.paper(slug).takes
    at = opened(slug)
    assert chosen(at)
    person, relation = takes.people[-1], takes.relations[-1]
    at = opened(slug, person=person, relation=relation)
    x = at.session_state["visit"].x[0]
    assert np.flatnonzero(x).tolist() == [len(takes.people) - 1, len(takes.labels) - 1]
    assert chosen(at) == f"“{person} has {relation}”"
    at.selectbox(key="person").select(takes.people[0]).run()
    assert np.flatnonzero(at.session_state["visit"].x[0]).tolist() == [0, len(takes.labels) - 1]


@pytest.mark.skipif(not (SEERS and KNOWERS), reason="needs networks of both kinds")
def test_the_drawing_outlives_a_network_that_takes_none():
    at = opened(SEERS[0], ink=INK)
    at.query_params["slug"] = KNOWERS[0]
    at.run()
    assert "has" in chosen(at)
    at.query_params["slug"] = SEERS[-1]
    at.run()
    assert chosen(at) == "your drawing"


def test_a_large_picture_is_kept_small_with_the_same_pixels(monkeypatch):
    state: dict[str, object] = {}
    monkeypatch.setattr(session.st, "session_state", state)
    paper = models.paper(SEERS[0])
    rng = np.random.default_rng(0)
    sheet = Pictures.fromarray(rng.integers(200, 255, (1500, 1500), np.uint8))
    ImageDraw.Draw(sheet).line([(750, 200), (750, 1300)], fill=10, width=150)
    file = io.BytesIO()
    sheet.save(file, "BMP")
    data = file.getvalue()
    assert len(data) > session.LARGE
    session.keep_picture(paper, data, "Upload")
    kept = session.picture("Upload")
    assert kept is not None
    assert len(kept) < len(data)
    assert max(Pictures.open(io.BytesIO(kept)).size) <= decode.SIDE
    np.testing.assert_array_equal(paper.takes.parse(kept), paper.takes.parse(data))
    assert session.picture("Camera") is None
    session.drop_picture()
    assert session.picture("Upload") is None


def test_pictures_become_sheets_and_addresses():
    cells = np.stack([np.zeros((2, 2, 1)), np.ones((2, 2, 1)), np.full((2, 2, 1), 0.5)])
    sheet = pictures.sheet(cells, columns=2)
    assert (sheet.count, sheet.cell, sheet.size) == (3, (4, 4), (8, 8))
    page = np.asarray(Pictures.open(io.BytesIO(sheet.png)))
    assert page[0, 0].tolist() == [0, 0, 0, 255]
    assert page[1, 5].tolist() == [255, 255, 255, 255]
    assert page[4, 0].tolist() == [128, 128, 128, 255]
    assert page[0, 2, 3] == page[4, 4, 3] == 0, "gaps, and the empty cell, are transparent"
    small = pictures.address(np.zeros((28, 28)))
    large = pictures.address(np.linspace(0, 1, 900 * 600, dtype=np.float32).reshape(900, 600))
    assert small.startswith("data:image/png;base64,")
    assert len(large) < 40_000
