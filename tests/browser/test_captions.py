"""Captions as a visitor writes them: lines of one's own, a bar or a cell clicked on, the address that carries both."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

import models

CAPTIONED = [paper.slug for paper in models.papers() if paper.captions]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("slug", CAPTIONED)]


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_lines_are_written_and_one_is_chosen(visitor, settle, slug):
    page = visitor(f"/paper?paper={slug}&view=captions")
    field = page.get_by_role("textbox", name="Captions, one a line")
    field.fill("a red fruit\na wild animal\na flag")
    field.press("Control+Enter")
    settle(page)
    assert address(page)["captions"].split("\n") == ["a red fruit", "a wild animal", "a flag"]
    cells = page.locator(".st-key-figure-pairs").get_by_role("button")
    names = len(models.paper(slug).samples) + 1
    expect(cells).to_have_count(3 * names)
    page.get_by_role("button", name="your input, “a wild animal”").click()
    settle(page)
    assert address(page)["caption"] == "a wild animal"
    expect(page.get_by_text("Where “a wild animal” is in it")).to_be_visible()
    bar = page.locator(".st-key-figure-near .points path").first
    bar.evaluate("bar => bar.scrollIntoView({ block: 'center' })")
    box = bar.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settle(page)
    nearest = address(page)["caption"]
    expect(page.get_by_text(f"Were these all the captions there are, “{nearest}”")).to_be_visible()


def test_a_link_brings_lines_and_choice(visitor, settle, slug):
    page = visitor(f"/paper?paper={slug}&view=captions&captions=a+flag%0Asome+food&caption=some+food")
    settle(page)
    expect(page.get_by_text("Where “some food” is in it")).to_be_visible()
    expect(page.get_by_role("textbox", name="Captions, one a line")).to_have_value("a flag\nsome food")
