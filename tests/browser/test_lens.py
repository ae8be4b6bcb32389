"""The logit lens and direct attribution as a visitor uses them: cells, tokens and heads by mouse and keyboard, and by link."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

TEXT = "&text=The+cat+sat+on+the+mat."


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_a_cell_is_shown_large_and_the_link_keeps_it(visitor, settle):
    page = visitor("/paper?paper=gpt2&view=logit_lens" + TEXT)
    cells = page.locator(".st-key-figure-lens td button")
    rows = page.locator(".st-key-figure-lens tbody tr").count()
    columns = cells.count() // rows
    assert rows == 9 and columns > 6  # the embedding, and twice for each of four layers
    expect(cells.last).to_have_attribute("aria-pressed", "true")
    cells.nth(columns + 2).click()
    settle(page)
    assert (address(page)["layer"], address(page)["place"]) == ("0.attention", "2")
    expect(page.get_by_text("After layer 0's attention, at")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settle(page)
    assert (address(page)["layer"], address(page)["place"]) == ("0.MLP", "2")
    page.get_by_role("radio", name="rank of").click()
    settle(page)
    assert address(page)["show"] == "rank"
    assert all(text.replace(",", "").isdigit() for text in cells.all_inner_texts())
    again = visitor(page.url)
    expect(again.get_by_text("After layer 0's MLP, at")).to_be_visible()


def test_a_head_and_a_token_of_it_are_chosen(visitor, settle):
    page = visitor("/paper?paper=gpt2&view=direct_attribution&against=none" + TEXT)
    expect(page.get_by_text("The network's own number, the logit, is")).to_be_visible()
    page.locator(".st-key-figure-shares td button").nth(6).click()
    settle(page)
    assert address(page)["head"] == "1.0"
    expect(page.get_by_text("Where layer 1, head 0 has its")).to_be_visible()
    page.locator(".st-key-origins button").nth(1).click()
    settle(page)
    assert address(page)["key"] == "1"
    page.locator(".st-key-after button").nth(3).click()
    settle(page)
    assert address(page)["place"] == "3"
    expect(page.locator(".st-key-after button").nth(3)).to_be_focused()
    expect(page.locator(".st-key-origins button[aria-pressed=true]")).to_have_count(1)
    assert not page.locator("[data-testid=stException]").count()


def test_what_was_chosen_here_does_no_harm_in_other_rooms(visitor, settle):
    page = visitor("/paper?paper=vit&view=logit_lens")
    page.locator(".st-key-figure-classes td button").nth(15).click()
    settle(page)
    assert address(page)["layer"] == "0.attention"
    page.locator(".st-key-figure-lens td button").nth(10).click()
    settle(page)
    assert address(page)["place"] == "11"
    for room in ("Training", "Activations", "Attention", "Prediction", "Logit lens"):
        page.get_by_role("radio", name=room, exact=True).click()
        settle(page)
        assert not page.locator("[data-testid=stException]").count(), room
