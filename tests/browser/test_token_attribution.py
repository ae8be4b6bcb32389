"""What a visitor does with tokens that count: click on one, on another method, on a phone."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

ROOM = "/paper?paper=gpt2&view=token_attribution&text=red%20lamp,%20green%20door,%20red"


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_a_click_on_a_token_explains_what_comes_after_it(visitor, settle):
    page = visitor(ROOM)
    strip = page.locator(".st-key-figure-ShapleyValueSampling .strip button")
    last = strip.count() - 1
    expect(strip.nth(last)).to_have_attribute("aria-pressed", "true")
    before = page.locator(".st-key-foot-ShapleyValueSampling").inner_text()
    strip.nth(3).click()
    settle(page)
    assert address(page)["place"] == "3"
    expect(strip.nth(3)).to_have_attribute("aria-pressed", "true")
    after = page.locator(".st-key-foot-ShapleyValueSampling").inner_text()
    assert "All add up to" in after and after != before
    strip.nth(3).focus()
    page.keyboard.press("ArrowRight")
    expect(strip.nth(4)).to_be_focused()
    page.keyboard.press("Enter")
    settle(page)
    assert address(page)["place"] == "4"


def test_a_click_on_the_board_shows_that_method_for_all_answers(visitor, settle):
    page = visitor(ROOM)
    cells = page.locator(".st-key-figure-alike td button")
    assert cells.count() == 25
    cells.nth(2 * 5 + 3).click()
    settle(page)
    assert address(page)["matrix"] == "FeatureAblation"
    expect(page.get_by_text("Ablation: every answer")).to_be_visible()


def test_a_coloured_text_can_be_taken_away_as_a_picture(visitor, tmp_path):
    page = visitor(ROOM)
    page.locator(".st-key-foot-FeatureAblation").get_by_role("button", name="Take away").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG", exact=True).last.click()
    download.value.save_as(tmp_path / "it.png")
    with Image.open(tmp_path / "it.png") as picture:
        assert picture.width > 400 and len(set(picture.convert("RGB").get_flattened_data())) > 50


def test_a_phone_shows_it_all_without_scrolling_sideways(visitor):
    page = visitor(ROOM, width=390, height=844, theme="dark")
    assert page.locator(".strip").count() == 5
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    columns = [column.bounding_box() for column in page.locator("[data-testid=stColumn]").all()]
    gaps = {round(below["y"] - above["y"] - above["height"]) for above, below in pairwise(columns) if above and below}
    assert gaps == {16}, "methods that stand one under the other are equally far apart"
