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
    page = visitor(f"{ROOM}&step=2282&text=red%20lamp,%20green%20door,%20red%20lamp")
    cells = page.locator(".st-key-figure-roles td button")
    assert cells.count() == 24
    cells.nth(8).click()
    settle(page)
    assert address(page)["head"] == "1.2"
    expect(page.get_by_text("Layer 1, head 2 at step 2,282, on your text")).to_be_visible()
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
    page = visitor(f"{ROOM}&step=0")
    expect(page.get_by_text("No head reaches 0.1 as a previous-token head here at step 0", exact=False)).to_be_visible()


def test_a_phone_shows_it_all_without_scrolling_sideways(visitor):
    page = visitor(ROOM, width=390, height=844, theme="dark")
    assert page.locator(".st-key-figure-roles td button").count() == 24
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
