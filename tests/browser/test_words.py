"""The room of words as a visitor uses it: a link, a click on a word, an analogy of one's own."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

import models

ASKED = [paper.slug for paper in models.papers() if paper.analogies]
pytestmark = pytest.mark.browser


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


@pytest.mark.parametrize("slug", ASKED)
@pytest.mark.parametrize(("width", "theme"), [(1400, "light"), (390, "dark")])
def test_a_link_a_word_and_an_analogy(visitor, settle, slug, width, theme):
    page = visitor(
        f"/paper?paper={slug}&view=words&text=king+queen+man&word=queen&a=man&b=woman&c=king", width=width, theme=theme
    )
    expect(page.get_by_text("Nearest to “queen”", exact=True)).to_be_visible()
    expect(page.get_by_text("man is to woman as king is to …")).to_be_visible()
    page.get_by_role("button", name="man, of your text").click()
    settle(page)
    assert address(page)["word"] == "man"
    expect(page.get_by_text("Nearest to “man”", exact=True)).to_be_visible()
    field = page.get_by_role("textbox", name="as", exact=True)
    field.fill("boy")
    field.press("Enter")
    settle(page)
    assert address(page)["c"] == "boy"
    expect(page.get_by_text("man is to woman as boy is to …")).to_be_visible()
    field.fill("blorb")
    field.press("Enter")
    settle(page)
    expect(page.get_by_text("The network does not know “blorb”")).to_be_visible()
    expect(page.get_by_text("man is to woman as boy is to …")).to_be_visible()
    names = page.locator(".st-key-figure-map .textpoint text")
    boxes = [box for box in (name.bounding_box() for name in names.all()) if box]
    assert len(boxes) >= 4
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
            assert apart or a["y"] + a["height"] <= b["y"] + 3 or b["y"] + b["height"] <= a["y"] + 3
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
