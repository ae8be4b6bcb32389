"""The input panel as a visitor uses it: mouse, finger, keyboard, files, links."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

START = "/paper?paper=lenet5&view=paper&sample=0"  # a view without figures: it is the panel that is tried
SEVEN = ((60, 60), (195, 60), (110, 210))
ONE = ((128, 40), (128, 215))
WINNER = ".st-key-bars li.first .name"
VALUES = ".st-key-bars .value"
FULL = 255


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def draw(page: Page, points: tuple[tuple[int, int], ...]) -> None:
    """One stroke with the mouse through these points of the pad."""
    box = page.locator(".st-key-pad canvas").bounding_box()
    assert box
    spots = [(box["x"] + x / FULL * box["width"], box["y"] + y / FULL * box["height"]) for x, y in points]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=8)
    page.mouse.up()


def ink(page: Page) -> int:
    """How many pixels of the pad are drawn on."""
    return page.locator(".st-key-pad canvas").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v > 99).length"
    )


def values(page: Page) -> list[str]:
    return page.locator(VALUES).all_inner_texts()


def picture(points: tuple[tuple[int, int], ...]) -> bytes:
    """A PNG of 300 x 300 pixels with a dark stroke on white paper."""
    sheet, file = Image.new("L", (300, 300), 250), io.BytesIO()
    ImageDraw.Draw(sheet).line([(x + 20, y + 20) for x, y in points], fill=20, width=24, joint="curve")
    sheet.save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def page(visitor: Callable[..., Page]) -> Page:
    return visitor(START)


def test_a_seven_by_the_mouse_is_read_and_goes_with_its_link(page, visitor, settle):
    before = values(page)
    expect(page.locator(WINNER)).not_to_have_text("7")
    draw(page, SEVEN)
    expect(page.locator(WINNER)).to_have_text("7")
    settle(page)
    assert values(page) != before
    assert address(page)["ink"]

    elsewhere = visitor(page.url)
    expect(elsewhere.locator(WINNER)).to_have_text("7")
    assert values(elsewhere) == values(page)
    assert ink(elsewhere) == ink(page) > 1000


def test_undo_and_clear(page, settle):
    at_first = values(page)
    draw(page, ONE)
    settle(page)
    one, drawn = values(page), ink(page)
    draw(page, ((60, 128), (200, 128)))
    settle(page)
    assert ink(page) > drawn
    page.get_by_role("button", name="Undo").click()
    settle(page)
    assert (values(page), ink(page)) == (one, drawn)
    page.get_by_role("button", name="Clear").click()
    settle(page)
    assert ink(page) == 0
    assert values(page) == at_first
    assert "ink" not in address(page)
    page.locator(".st-key-pad canvas").focus()
    page.keyboard.press("Control+z")
    settle(page)
    assert (values(page), ink(page)) == (one, drawn)


def test_a_stroke_by_the_keyboard(page, settle):
    page.locator(".st-key-pad canvas").focus()
    for key in [*["ArrowUp"] * 8, "Space", *["ArrowDown"] * 16, "Space"]:
        page.keyboard.press(key)
    settle(page)
    assert ink(page) > 1000
    expect(page.locator(WINNER)).to_have_text("1")


def test_a_finger_draws_on_a_phone(visitor, settle):
    page = visitor(START, width=390, height=844)
    fold = page.locator(".st-key-bar button")
    expect(fold).to_be_visible()
    expect(page.locator(".st-key-pad canvas")).not_to_be_in_viewport()
    said = fold.inner_text()
    fold.tap()
    canvas = page.locator(".st-key-pad canvas")
    expect(canvas).to_be_in_viewport()
    page.wait_for_timeout(400)  # the rail slides in
    box = canvas.bounding_box()
    assert box
    touch = page.context.new_cdp_session(page)
    spots = [(box["x"] + x / FULL * box["width"], box["y"] + y / FULL * box["height"]) for x, y in SEVEN]
    path = [(a[0] + (b[0] - a[0]) * k / 8, a[1] + (b[1] - a[1]) * k / 8) for a, b in pairwise(spots) for k in range(9)]
    for i, (x, y) in enumerate(path):
        kind = "touchMove" if i else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(WINNER)).to_have_text("7")
    settle(page)
    assert ink(page) > 1000
    assert fold.inner_text() != said


def test_the_drawing_goes_to_every_paper_and_view(page, settle):
    draw(page, SEVEN)
    settle(page)
    drawn, link = ink(page), address(page)["ink"]
    page.get_by_role("radio", name="Weights", exact=True).click()
    settle(page)
    assert (ink(page), address(page)["ink"]) == (drawn, link)
    unit = page.locator(".st-key-bars ol").get_attribute("aria-label")
    page.get_by_role("combobox", name="Paper").click()
    page.get_by_role("option").filter(has_text="1958").click()
    settle(page)
    assert (ink(page), address(page)["ink"]) == (drawn, link)
    assert page.locator(".st-key-bars ol").get_attribute("aria-label") != unit
    page.get_by_text("Timeline", exact=True).click()
    settle(page)
    page.get_by_text("Papers", exact=True).click()
    settle(page)
    assert (ink(page), address(page)["ink"]) == (drawn, link)


def test_back_takes_a_stroke_back(page, settle):
    draw(page, ONE)
    settle(page)
    one = ink(page)
    draw(page, ((60, 128), (200, 128)))
    settle(page)
    page.go_back()
    settle(page)
    assert ink(page) == one


def test_upload(page, visitor, settle):
    page.get_by_role("radio", name="Upload", exact=True).click()
    settle(page)
    was = values(page)
    page.locator("input[type=file]").set_input_files(
        {"name": "seven.png", "mimeType": "image/png", "buffer": picture(SEVEN)}
    )
    expect(page.locator(WINNER)).to_have_text("7")
    settle(page)
    seven = values(page)
    expect(page.get_by_text("a link to this page shows sample")).to_be_visible()

    page.locator("input[type=file]").set_input_files(
        {"name": "paper.png", "mimeType": "image/png", "buffer": b"%PDF-1.7\n" + b"0" * 2000}
    )
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("PDF")
    expect(alert).to_contain_text("The input before it stays: your picture.")
    settle(page)
    assert values(page) == seven

    page.get_by_role("radio", name="Samples", exact=True).click()
    settle(page)
    page.get_by_role("radio", name="Upload", exact=True).click()
    settle(page)
    assert values(page) == seven
    expect(alert).to_have_count(0)

    assert values(visitor(page.url)) == was
    page.get_by_role("button", name="Remove the picture").click()
    settle(page)
    assert values(page) == was


def test_a_picture_can_be_pasted(page, settle):
    page.get_by_role("radio", name="Upload", exact=True).click()
    settle(page)
    expect(page.get_by_text("or paste one")).to_be_visible()
    page.evaluate(
        """bytes => {
            const given = new DataTransfer();
            given.items.add(new File([new Uint8Array(bytes)], 'clip.png', { type: 'image/png' }));
            document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: given, bubbles: true }));
        }""",
        list(picture(SEVEN)),
    )
    expect(page.locator(WINNER)).to_have_text("7")
    expect(page.get_by_role("button", name="Remove the picture")).to_be_visible()


def test_a_sample_by_a_click_and_from_its_link(page, visitor, settle):
    page.get_by_role("radio", name="Samples", exact=True).click()
    settle(page)
    cell = page.locator(".st-key-sample-grid .cells button").nth(3)
    cell.click()
    settle(page)
    name = cell.get_attribute("aria-label")
    assert address(page)["sample"] == name
    assert cell.get_attribute("aria-pressed") == "true"
    assert page.get_by_role("combobox", name="Sample").input_value() == name
    elsewhere = visitor(page.url)
    assert values(elsewhere) == values(page)


def test_steps_of_the_preprocessing_can_be_looked_at(page, settle):
    draw(page, SEVEN)
    settle(page)
    steps = page.locator(".st-key-sight ol button")
    large = page.locator(".st-key-sight .large img")
    assert steps.count() >= 5
    final = large.get_attribute("src")
    steps.nth(1).click()
    assert large.get_attribute("src") != final
    expect(page.locator(".st-key-sight figcaption")).to_contain_text("light")
    steps.last.click()
    assert large.get_attribute("src") == final


def test_a_stroke_changes_the_bars_at_once(visitor, settle):
    """From the pen's lifting to the bars' change, beside figures: the goal is 300 ms at the 95th percentile."""
    page = visitor("/paper?paper=lenet5&view=weights&sample=0")
    page.wait_for_selector(WINNER)
    page.evaluate(
        """([pad, bars]) => {
            const deep = key => [...document.querySelectorAll(key + ' *')].map(e => e.shadowRoot).find(Boolean);
            window.waits = []; let start = null;
            deep(pad).querySelector('canvas').addEventListener('pointerup', () => { start = performance.now(); });
            new MutationObserver(() => { if (start !== null) { window.waits.push(performance.now() - start); start = null; } })
                .observe(deep(bars), { subtree: true, childList: true, characterData: true, attributes: true });
        }""",
        [".st-key-pad", ".st-key-bars"],
    )
    for i in range(21):
        draw(page, SEVEN)
        page.wait_for_function(f"window.waits.length > {i}")
        settle(page)
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(WINNER)).not_to_have_text("7")
        settle(page)
    waits = sorted(page.evaluate("window.waits.slice(1)"))  # the first one warms up
    print(
        f"pen up to bars: median {statistics.median(waits):.0f} ms, 95 % within {waits[18]:.0f} ms, longest {waits[-1]:.0f} ms"
    )
    assert waits[18] < 1500  # loose: a loaded machine must not fail the tests; the bench is strict
