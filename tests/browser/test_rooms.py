"""The network's rooms as a visitor walks through them: mouse, keyboard, links, a phone."""

from __future__ import annotations

import statistics
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

VIEWS = ("architecture", "activations")
SHEET = "button.sheet[data-path='{}']"


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def sheet(page: Page, path: str, room: str = "flow"):
    return page.locator(f".st-key-{room} {SHEET.format(path)}")


def unit(page: Page, path: str, index: int, columns: int, rows: int, room: str = "flow") -> None:
    """Click a unit of a sheet that stands in so many columns and rows."""
    sheet(page, path, room).scroll_into_view_if_needed()
    box = sheet(page, path, room).bounding_box()
    assert box
    x, y = (index % columns + 0.5) / columns, (index // columns + 0.5) / rows
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_a_click_on_a_unit_works_its_cell_out(visitor, settle):
    page = visitor("/paper?paper=lenet5&view=architecture&sample=7")
    unit(page, "C3", 5, columns=2, rows=8)
    settle(page)
    expect(page.get_by_text("How C3, map 5,")).to_be_visible()
    assert (address(page)["layer"], address(page)["unit"]) == ("C3", "5")
    assert page.locator(".st-key-figure-worked details").count() == 3  # S2's maps 5, 0 and 1: Table I
    closed = page.locator(".st-key-figure-worked details").nth(2)
    closed.locator("summary").click()
    expect(closed.locator("table").first).to_be_visible()
    unit(page, "C3", 42, columns=10, rows=10, room="cells")
    settle(page)
    expect(page.get_by_text("How C3, map 5, row 4, column 2 comes about")).to_be_visible()
    assert address(page)["cell"] == "4,2"


def test_a_wide_network_says_how_much_of_it_is_out_of_view(visitor):
    page = visitor("/paper?paper=googlenet&view=architecture")
    more = page.locator(".st-key-flow .more")
    hidden = [int(more.inner_text().split()[0])]
    assert hidden[0] > 5
    while more.is_visible():
        more.click()
        page.wait_for_timeout(900)  # it glides
        hidden.append(int(more.inner_text().split()[0]) if more.is_visible() else 0)
        assert hidden[-1] < hidden[-2]
    place = "[e.scrollLeft, e.scrollWidth - e.clientWidth]"
    at, end = page.locator(".st-key-flow .scroll").evaluate(f"e => {place}")
    assert at > end / 2


def test_a_link_to_a_layer_shows_it(visitor):
    page = visitor("/paper?paper=googlenet&view=architecture&layer=inception5b.branch3")
    box = sheet(page, "inception5b.branch3").bounding_box()
    view = page.locator(".st-key-flow .scroll").bounding_box()
    assert box and view and view["x"] <= box["x"] < box["x"] + box["width"] <= view["x"] + view["width"]


def test_the_keyboard_walks_through_units_and_layers(visitor, settle):
    page = visitor("/paper?paper=lenet5&view=architecture&sample=7&layer=C1&unit=2")
    first = sheet(page, "C1")
    first.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    settle(page)
    assert address(page)["unit"] == "3"
    expect(sheet(page, "C1")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settle(page)
    assert address(page)["layer"] == "C1_squash"
    expect(sheet(page, "C1_squash")).to_be_focused()
    assert "C1_squash, 6 maps. Chosen: C1_squash, map 0" in (sheet(page, "C1_squash").get_attribute("aria-label") or "")


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_opens_the_same_unit_and_other_rooms_keep_it(visitor, settle, view):
    page = visitor(f"/paper?paper=lenet5&view={view}&sample=3&layer=C5_squash&unit=17")
    expect(page.get_by_text("C5_squash, unit 17").first).to_be_visible()
    other = "Activations" if view == "architecture" else "Architecture"
    page.get_by_role("radio", name=other).or_(page.get_by_text(other, exact=True)).first.click()
    settle(page)
    expect(page.get_by_text("C5_squash, unit 17").first).to_be_visible()
    assert (address(page)["layer"], address(page)["unit"]) == ("C5_squash", "17")


def test_a_unit_stands_among_the_probe_set(visitor, settle):
    page = visitor("/paper?paper=lenet5&view=activations&sample=7&layer=output&unit=7")
    expect(page.get_by_text("They drive output, unit 7 most")).to_be_visible()
    seven = page.locator(".cw .sources").filter(has=page.locator("img[width='46']")).first
    assert (seven.locator("figure").first.get_attribute("title") or "").startswith("7, number ")
    unit(page, "S2", 3, columns=6, rows=1, room="shelf")
    settle(page)
    expect(page.get_by_text("S2, map 3 answers").first).to_be_visible()


@pytest.mark.parametrize(
    ("paper", "view"),
    [
        ("lenet5", "architecture"),
        ("lenet5", "activations"),
        ("perceptron", "activations"),
        ("backprop", "architecture"),
        ("backprop&network=families", "architecture"),
    ],
)
def test_a_phone_shows_it_all_without_scrolling_sideways(visitor, paper, view):
    page = visitor(f"/paper?paper={paper}&view={view}", width=390, height=844, theme="dark")
    assert page.locator("button.sheet").count() >= 4
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    for box in (e.bounding_box() for e in page.locator("button.sheet").all()):
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 391


def test_a_deep_network_on_a_phone_leaves_the_rest_of_the_page_within_reach(visitor):
    page = visitor("/paper?paper=googlenet&view=architecture&layer=inception5b.branch1&unit=3", width=390, height=844)
    flow = page.locator(".all .scroll").first
    chosen = flow.locator(".mark.on:visible")
    inside, outside = flow.evaluate("e => [e.scrollHeight, e.clientHeight]")
    assert inside > 3 * outside and outside < 844
    around, box = flow.bounding_box(), chosen.bounding_box()
    assert around and box and around["y"] <= box["y"] and box["y"] + box["height"] <= around["y"] + around["height"]


def test_a_worked_cell_can_be_taken_away_as_a_picture(visitor, tmp_path):
    page = visitor("/paper?paper=lenet5&view=architecture&sample=7&layer=C3&unit=5")
    page.locator(".st-key-foot-worked").get_by_role("button", name="Take away").click()
    for kind in ("PNG", "SVG", "HTML"):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind, exact=True).last.click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        assert file.name == f"lenet5-worked.{kind.lower()}" and file.stat().st_size > 3000
    with Image.open(tmp_path / "lenet5-worked.png") as picture:
        assert picture.width > 600 and len(set(picture.convert("L").get_flattened_data())) > 50


def test_clicks_are_answered_quickly(visitor):
    """From the click until the new sentence stands, over 12 clicks on two layers, warm; the bench measures more."""
    page = visitor("/paper?paper=lenet5&view=architecture&sample=7&layer=C1&unit=0")
    times = []
    for turn in range(14):
        path, index = ("C1", "S2")[turn % 2], turn // 2 % 6
        start = time.monotonic()
        unit(page, path, index, columns=1, rows=6)
        page.get_by_text(f"How {path}, map {index},").wait_for()
        times.append(time.monotonic() - start)
    assert statistics.median(times[2:]) < 3, times  # a loaded machine; 0.2 s on a quiet one
