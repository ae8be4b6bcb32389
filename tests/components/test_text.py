"""The text in the rail: typed, sampled, from the address, and what cannot be used."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from models import tokens


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        yield tokens.train("stand-in", ["the cat sat on the mat " * 20], 290, ("<pad>", "<s>", "</s>"))


def rail(pair: bool):
    """The rail of a stand-in card; writes what the visit has."""
    import dataclasses

    import streamlit as st

    import models
    from app.components import give_text
    from models.paper import Sample, Text, TextPair

    takes = TextPair("stand-in", 12, ("English", "French")) if pair else Text("stand-in", 12, before=("<s>",))
    samples = (Sample("cat", "the cat\tle chat" if pair else "the cat"), Sample("mat", "on the mat"))
    paper = dataclasses.replace(models.paper("perceptron"), slug="stand-in", takes=takes, samples=samples)
    visit = give_text.give(paper)
    give_text.see(visit)
    st.code(f"{visit.source!r} {visit.name} {visit.x.tolist()}")


def shown(pair: bool = False, **address: str) -> AppTest:
    at = AppTest.from_function(rail, default_timeout=60, args=(pair,))
    for key, value in address.items():
        at.query_params[key] = value
    return at.run()


def test_it_opens_on_the_first_sample():
    at = shown()
    assert not at.exception
    assert at.code[0].value.startswith("'the cat' sample cat [[1, ")
    assert any("of at most 12 tokens" in caption.value for caption in at.caption)


def test_what_is_typed_counts():
    at = shown()
    at.text_area(key="text").set_value("sat on the cat").run()
    assert at.code[0].value.startswith("'sat on the cat' your text")


def test_a_link_brings_the_text():
    assert shown(text="mat on cat").code[0].value.startswith("'mat on cat' your text")


def test_a_sample_fills_the_field():
    at = shown()
    at.selectbox(key="sample").select("mat").run()
    assert at.text_area(key="text").value == "on the mat"
    assert at.code[0].value.startswith("'on the mat'")


def test_what_cannot_be_used_leaves_the_text_before_it():
    at = shown()
    at.text_area(key="text").set_value("sat on the cat").run()
    at.text_area(key="text").set_value("zebra " * 30).run()
    assert not at.exception
    assert "shorten it. The text before it stays: your text." in at.error[0].value
    assert at.code[0].value.startswith("'sat on the cat'")
    at.text_area(key="text").set_value("on the mat").run()
    assert not at.error


def test_a_pair_takes_a_translation_as_well():
    at = shown(pair=True)
    assert at.code[0].value.startswith("'the cat\\tle chat' sample cat")
    at.text_area(key="text").set_value("the mat").run()
    assert at.code[0].value.startswith("'the mat\\t' your text")
    at.text_input(key="translation").set_value("le mat").run()
    assert at.code[0].value.startswith("'the mat\\tle mat' your text")
