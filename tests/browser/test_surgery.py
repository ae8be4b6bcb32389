"""What people do with two sentences, and with a board of switches."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_a_pair_is_taken_and_a_cell_chosen(visitor, settle):
    page = visitor("/paper?paper=gpt2&view=patching")
    expect(page.get_by_text("To begin with, two sentences that this network solves")).to_be_visible()
    page.get_by_role("combobox", name="Pairs that this network solves").click()
    page.get_by_role("option").nth(4).click()
    settle(page)
    taken = address(page)
    assert taken["text"] and taken["corrupted"] and taken["text"] != taken["corrupted"]
    expect(page.get_by_label("Text", exact=True)).to_have_value(taken["text"])
    expect(page.get_by_text("To begin with, two sentences")).to_have_count(0)
    cells = page.locator(".st-key-figure-patching button")
    mlp = page.locator(".st-key-figure-patching button[aria-label^='layer 1, head 2:']")
    mlp.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    settle(page)
    assert address(page)["patch"] == "heads.1.3"
    expect(page.get_by_text("Heads: layer 1, head 3").first).to_be_visible()
    cells.first.click()
    settle(page)
    assert address(page)["patch"] == "stream.0.0"
    expect(page.get_by_text(" 0 % of the difference comes back", exact=False).first).to_be_visible()


def test_a_corrupted_sentence_is_typed(visitor, settle):
    page = visitor("/paper?paper=gpt2&view=patching&text=The+man+said+that")
    page.get_by_role("textbox", name="Corrupted sentence").fill("The king was very angry.")
    page.keyboard.press("Enter")
    settle(page)
    expect(page.get_by_text("nothing can be patched")).to_be_visible()
    page.get_by_role("textbox", name="Corrupted sentence").fill("The men said that")
    page.keyboard.press("Enter")
    settle(page)
    expect(page.get_by_text("With this part taken from the clean run")).to_be_visible()
    assert address(page)["corrupted"] == "The men said that"


def test_parts_go_off_and_on(visitor, settle):
    page = visitor("/paper?paper=gpt2&view=ablation&off=none&text=Once+upon+a+time+there+was")
    expect(page.get_by_text("Off: nothing.").first).to_be_visible()
    part = page.locator(".st-key-figure-switches button[aria-label^='head 1 of layer 0']")
    part.click()
    settle(page)
    assert address(page)["off"] == "0.1"
    expect(part).to_have_text("off")
    expect(page.get_by_text("Off: head 1 of layer 0.").first).to_be_visible()
    page.locator(".st-key-figure-switches button[aria-label^='the perceptron of layer 3']").click()
    settle(page)
    assert address(page)["off"] == "0.1,3.mlp"
    part.click()
    settle(page)
    assert address(page)["off"] == "3.mlp"
    page.locator(".st-key-figure-losses button").nth(3).click()
    settle(page)
    assert address(page)["place"] == "3"
    page.get_by_role("button", name="All on").click()
    settle(page)
    expect(page.get_by_text("Off: nothing.").first).to_be_visible()


@pytest.mark.parametrize("view", ["patching", "ablation"])
def test_a_phone_shows_it_without_scrolling_sideways(visitor, view):
    page = visitor(f"/paper?paper=gpt2&view={view}", width=390, height=844, theme="dark")
    assert page.locator(".cutaway-board button").count() >= 24
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_a_block_is_taken_out_of_a_picture_network(visitor, settle):
    page = visitor("/paper?paper=resnet&view=lesions&out=none")
    expect(page.get_by_text("Out: nothing.").first).to_be_visible()
    page.locator(".st-key-figure-lesions button[aria-label^='stages.1.1, in']").click()
    settle(page)
    assert address(page)["out"] == "stages.1.1"
    expect(page.get_by_text("Out: stages.1.1.").first).to_be_visible()
    page.locator("button[aria-label^='stages.0.2: ']").click()  # on the picture of what it adds
    settle(page)
    assert address(page)["out"] == "stages.0.2,stages.1.1"
    expect(page.get_by_text("Out: stages.0.2 and stages.1.1.").first).to_be_visible()
    page.get_by_role("button", name="All in").click()
    settle(page)
    assert address(page)["out"] == "none"
