"""The timeline, and the family trees, as a person uses them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import models

pytestmark = pytest.mark.browser


def test_every_paper_has_a_card_with_a_picture_and_both_numbers(visitor):
    page = visitor("/")
    cards = page.locator("a.card")
    expect(cards).to_have_count(len(models.papers()))
    for paper in models.papers():
        card = page.locator(f"a.card[href='paper?paper={paper.slug}']")
        expect(card).to_contain_text(paper.name or paper.title)
        expect(card).to_contain_text(paper.idea)
        expect(card.locator("img")).to_have_js_property("complete", True)
        assert card.locator("img").evaluate("i => i.naturalWidth") > 50
        assert len(card.locator(".numbers b").all_inner_texts()) == 2


@pytest.mark.parametrize("width", [1400, 390])
def test_a_card_opens_its_paper_without_a_reload(visitor, settle, width):
    page = visitor("/", width=width)
    page.evaluate("window.kept = true")
    last = models.papers()[-1]
    page.locator(f"a.card[href='paper?paper={last.slug}']").click()
    page.wait_for_url("**/paper?*")
    settle(page)
    assert f"paper={last.slug}" in page.url
    expect(page.locator("h1")).to_have_text(last.title)
    assert page.evaluate("window.kept") is True


def test_a_dot_on_the_axis_is_a_link_for_the_keyboard(visitor, settle):
    page = visitor("/")
    first = models.papers()[0]
    dot = page.locator(".axis a").first
    expect(dot).to_have_attribute("href", f"paper?paper={first.slug}")
    dot.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/paper?*")
    settle(page)
    expect(page.locator("h1")).to_have_text(first.title)


def test_cards_stand_beside_each_other_in_lanes(visitor):
    page = visitor("/")
    boxes = page.locator("a.card").evaluate_all("all => all.map(a => a.getBoundingClientRect().toJSON())")
    for i, a in enumerate(boxes):
        assert a["right"] <= 1400
        for b in boxes[i + 1 :]:
            apart = (
                a["right"] <= b["left"] or b["right"] <= a["left"] or a["bottom"] <= b["top"] or b["bottom"] <= a["top"]
            )
            assert apart


def test_nothing_is_wider_than_a_phone(visitor):
    page = visitor("/", width=390, height=844, theme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_mark_on_the_board_asks_its_question(visitor, settle):
    page = visitor("/paper?paper=backprop&network=families&view=facts")
    expect(page.get_by_text("Colin has aunt:").first).to_be_visible()
    board = page.locator(".st-key-figure-facts .scatterlayer .point").first
    board.click(force=True)
    settle(page)
    expect(page.get_by_text("Colin has aunt:")).to_have_count(0)
    assert "person=" in page.url or "relation=" in page.url
