"""A text as a visitor gives it, reads what the network expects of it, and lets it go on: by mouse, keyboard and file."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

import models
from models.paper import Translation

pytestmark = pytest.mark.browser

CAT = "The cat sat on the"
ROOM = "/paper?paper=gpt2&view=tokens&length=4&text=" + CAT.replace(" ", "+")
TRANSLATORS = [paper.slug for paper in models.papers() if isinstance(paper.gives, Translation)]
BINARY = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))
BAD = [
    ("empty.txt", b"", "There is no text in that"),
    ("blank.txt", b" \r\n\t ", "There is no text in that"),
    ("book.txt", b"ten thousand words " * 3334, "tokens long; this network reads 256 at most"),
    ("word.txt", b"x" * 5000, "That text is 5,001 tokens long"),
    ("null.txt", b"a null\x00byte", "control characters"),
    ("picture.txt", BINARY, "not plain text in UTF-8"),
]


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def field(page: Page):
    return page.get_by_role("textbox", name="Text", exact=True)


def point_at(page: Page, figure: str, number: int) -> tuple[float, float]:
    """Move the pointer to a bar or a dot of a Plotly figure, until it is told of; where that is in the window."""
    mark = page.locator(f".st-key-figure-{figure} .point, .st-key-figure-{figure} path.point").nth(number)
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    expect(page.locator(f".st-key-figure-{figure} .hoverlayer .hovertext")).to_be_visible()
    return x, y


def test_a_token_is_chosen_and_its_guesses_are_shown(visitor, settle):
    page = visitor(ROOM)
    tokens = page.locator(".st-key-figure-surprise .strip button")
    count = tokens.count()
    expect(tokens.last).to_have_attribute("aria-pressed", "true")
    tokens.nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    settle(page)
    assert address(page)["place"] == "2"
    expect(page.get_by_text(re.compile("^“.*” leads with .* The text has “.*” there"))).to_be_visible()
    assert tokens.count() == count and field(page).input_value() == CAT


def test_an_alternative_goes_on_from_there_and_back_takes_it_back(visitor, settle):
    page = visitor(ROOM)
    cell = page.locator(".st-key-figure-alternatives td button").nth(1)
    name = (cell.get_attribute("aria-label") or "").split(": ", 1)[1].split(",")[0]
    cell.click()
    settle(page)
    longer = field(page).input_value()
    assert longer.startswith(CAT) and longer[len(CAT) :].strip() == name
    assert address(page)["text"] == longer
    expect(page.locator(".st-key-figure-surprise .strip button").last).to_have_attribute("aria-pressed", "true")

    written = page.locator(".st-key-figure-written .strip button")
    texts = written.all_inner_texts()
    written.nth(1).click()
    settle(page)
    assert "".join(field(page).input_value()[len(longer) :].split()) == "".join(
        "".join(texts[:2]).replace("⏎", "").split()
    )
    # chance is the same for the same place: what was written goes on as it did
    assert page.locator(".st-key-figure-written .strip button").all_inner_texts()[:2] == texts[2:4]
    page.go_back()
    settle(page)
    assert field(page).input_value() == longer


def test_a_bar_writes_its_token(visitor, settle):
    page = visitor(ROOM + "&place=2")
    page.mouse.click(*point_at(page, "next", 1))
    settle(page)
    text = field(page).input_value()
    assert text != CAT and "on the" not in text and address(page)["text"] == text
    page.mouse.click(*point_at(page, "next", 1))
    settle(page)
    assert len(field(page).input_value()) > len(text), "the same bar can be clicked on again"


def test_chance_is_in_the_link(visitor, settle):
    page = visitor(ROOM)
    page.get_by_role("button", name="Draw again").click()
    settle(page)
    assert address(page)["dice"] == "1"
    written = page.locator(".st-key-figure-written .strip button").all_inner_texts()
    other = visitor(page.url)
    assert other.locator(".st-key-figure-written .strip button").all_inner_texts() == written


def test_tokens_are_counted_while_one_types(visitor, settle):
    page = visitor(ROOM)
    count = page.locator(".st-key-limit [role=status]")
    before = int(count.inner_text().split()[0])
    field(page).focus()
    page.keyboard.press("End")
    page.keyboard.type(" mat and")
    expect(count).not_to_have_text(re.compile(f"^{before} of at most 256 tokens"))
    assert int(count.inner_text().split()[0]) > before
    assert address(page)["text"] == CAT, "nothing else is run again before the field is left"
    expect(field(page)).to_be_focused()
    field(page).fill("x" * 300)
    expect(count).to_have_text("301 of at most 256 tokens: 45 too many")
    field(page).fill("The cat")
    expect(count).to_have_text(re.compile("^[1-9] of at most 256 tokens$"))


def test_what_cannot_be_read_is_told_and_the_text_stays(visitor, settle):
    page = visitor(ROOM)
    alert = page.get_by_role("alert")
    page.get_by_text("From a file").click()
    for name, data, says in BAD:
        page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/plain", "buffer": data})
        expect(alert).to_contain_text(says)
        expect(alert).to_contain_text("The text before it stays: your text.")
        settle(page)
        assert (field(page).input_value(), address(page)["text"]) == (CAT, CAT)
    good = b"Once upon a time\r\nthere was"
    page.locator("input[type=file]").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": good})
    expect(alert).to_have_count(0)
    settle(page)
    assert address(page)["text"] == field(page).input_value() == "Once upon a time\nthere was"


def test_bad_typing_is_told_and_the_text_before_stays(visitor, settle):
    page = visitor(ROOM)
    alert = page.get_by_role("alert")
    bad = (("", "no text"), ("   ", "no text"), ("ten thousand words " * 3334, "shorten it"))
    for text, says in (*bad, ("🙂🚀🎉", "never saw such writing"), ("שלום עולם", "never saw such writing")):
        field(page).fill(text)
        page.keyboard.press("Control+Enter")
        expect(alert).to_contain_text(says)
        settle(page)
        assert (field(page).input_value(), address(page)["text"]) == (CAT, CAT)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_it_all_without_scrolling_sideways(visitor, theme):
    page = visitor(ROOM, width=390, height=844, theme=theme)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_a_translation_grows_by_play_and_its_tree_tells_numbers(visitor, settle):
    page = visitor(f"/paper?paper={TRANSLATORS[0]}&view=alignment&how=greedy&word=0&text=The+cat+is+black.")
    words = page.locator(".st-key-figure-said .strip button")
    count = words.count()
    expect(words.first).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Play").click()
    expect(words.last).to_have_attribute("aria-pressed", "true", timeout=60_000)
    settle(page)
    assert address(page)["word"] == str(count - 1)
    page.locator(".st-key-choose-how").get_by_text("by a beam").click()
    settle(page)
    expect(page.get_by_role("table", name="Translations that came to an end").locator("tbody tr").first).to_be_visible()
    point_at(page, "tree", 1)
    expect(page.locator(".st-key-figure-tree .hoverlayer")).to_contain_text("log-probability")
