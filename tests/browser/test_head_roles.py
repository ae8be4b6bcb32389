"""What a visitor does with heads: choose one by a click, go back in the training, open it in another room."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

ROOM = "/paper?paper=gpt2&view=head_roles"


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_a_click_on_a_head_shows_it_at_that_moment_on_the_text(visitor, settle):
    page = visitor(f"{ROOM}&step=1744&text=red%20lamp,%20green%20door,%20red%20lamp")
    cells = page.locator(".st-key-figure-roles td button")
    assert cells.count() == 24
    cells.nth(8).click()
    settle(page)
    assert address(page)["head"] == "1.2"
    expect(page.get_by_text("Layer 1, head 2 at step 1,744, on your text")).to_be_visible()
    cells.nth(8).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settle(page)
    assert address(page)["head"] == "2.2"
    page.get_by_role("button", name="Open this head in Attention").click()
    settle(page)
    assert (address(page)["view"], address(page)["head"]) == ("attention", "2.2")
    expect(page.get_by_text("Which tokens every head looks at on your input", exact=False)).to_be_visible()


def test_a_role_at_the_beginning_of_the_training_is_nobodys(visitor):
    page = visitor(f"{ROOM}&step=0&role=duplicate_token")
    expect(
        page.get_by_text("No head reaches 0.1 as a duplicate-token head here at step 0", exact=False)
    ).to_be_visible()


def test_the_map_has_names_along_its_sides_and_rings_on_its_cells(visitor):
    page = visitor(f"{ROOM}&text=red%20lamp,%20green%20door,%20red%20lamp")
    room = page.locator(".st-key-figure-role-map")
    names = room.locator(".ytick text").all_text_contents()
    assert len(names) > 8 and names[0] == "<|endoftext|>"
    rings, plot = room.locator(".scatterlayer .points path"), room.locator(".heatmaplayer image").bounding_box()
    assert rings.count() == len(names) - 1
    for box in (rings.nth(i).bounding_box() for i in (0, len(names) - 2)):
        assert plot["x"] < box["x"] < plot["x"] + plot["width"]
        assert plot["y"] < box["y"] < plot["y"] + plot["height"]


def test_a_phone_shows_it_all_without_scrolling_sideways(visitor):
    page = visitor(ROOM, width=390, height=844, theme="dark")
    assert page.locator(".st-key-figure-roles td button").count() == 24
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
