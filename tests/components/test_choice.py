"""A choice in the address: by its short value, by what people read, and not at all."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from app.components.choice import choice

    paper = choice(st.selectbox, "Paper", {"a": "1958  A", "b": "1998  B"}, key="paper")
    view = choice(st.segmented_control, "View", {"one": "The one", "two": "The two"}, key="view", required=True)
    st.write(paper, view)


def opened(**address: str) -> AppTest:
    at = AppTest.from_function(script, default_timeout=30)
    for key, value in address.items():
        at.query_params[key] = value
    return at.run()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ({}, "a one"),
        ({"paper": "b"}, "b one"),
        ({"paper": "1998  B", "view": "The two"}, "b two"),
        ({"paper": "b", "view": "no such view"}, "b one"),
    ],
)
def test_what_the_address_says_is_shown(address, shown):
    at = opened(**address)
    assert not at.exception
    assert at.markdown[0].value == shown


def test_what_is_chosen_goes_into_the_address_by_its_value():
    at = opened(view="two")
    at.selectbox(key="choose-paper").select("b").run()
    assert at.markdown[0].value == "b two"
    assert at.query_params["paper"] == "b"
    at.segmented_control(key="choose-view").set_value("one").run()
    assert at.query_params["view"] == "one"
    assert at.markdown[0].value == "b one"
