"""The real app in real Chromium: payload, memory, time to the first figure, clicks."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

import models
from app.view import fitting
from tests.bench.compute import Row
from tests.browser.conftest import CHROMIUM, FLAGS, serve, settle

CLICKS = 50
DRAWN = """() => {
    const first = document.querySelector('[class*="st-key-figure-"], [data-testid=stImage]');
    return !first || !!first.querySelector('.main-svg, img, canvas, svg, button');
}"""
ANSWER = """(button, where) => new Promise((done, fail) => {
    const said = () => document.querySelector(where)?.textContent, before = said(), start = performance.now();
    const look = () => {
        if (performance.now() - start > 10000) return fail(new Error(`${where} says the same after 10 s`));
        if (!said() || said() === before) setTimeout(look, 2);
        else requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
    };
    button.click();
    look();
})"""
REST = 5.0  # seconds after the last page, when what was freed has been given back
LIBRARIES = "streamlit torch plotly.io pandas scipy.ndimage captum.attr sklearn.manifold transformer_lens.tools.analysis".split()
LONG = ("the cat sat on the mat, " * 8)[:-2]  # 64 tokens of GPT-2's


class Wire:
    """The largest message that the server sent a page, and the bytes of all together, both since the last `start`."""

    def __init__(self, page: Page) -> None:
        self.start()
        page.on("websocket", self._listen)
        page.on("response", lambda reply: self._note(int(reply.headers.get("content-length", 0)), reply.url))

    def start(self) -> None:
        self.largest = self.total = 0

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self._note(len(frame), "frame"))

    def _note(self, size: int, what: str) -> None:
        if what == "frame" or "/media/" in what:
            self.largest = max(self.largest, size)
            self.total += size


def address(slug: str, view: str) -> str:
    main, _, further = slug.partition("/")
    return f"/paper?paper={main}&view={view}" + (f"&network={further}" if further else "")


@contextmanager
def visiting() -> Iterator[tuple[Browser, str, int]]:
    """Chromium, the address of an app of its own, and the app's process id."""
    with serve() as (url, pid), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium, url, pid
        chromium.close()


def new_page(chromium: Browser) -> Page:
    return chromium.new_context(viewport={"width": 1400, "height": 900}).new_page()


def rooms() -> Iterator[Row]:
    """Every room of every network, one after the other: what goes over the wire, and what the server comes to hold."""
    with visiting() as (chromium, url, pid):
        page, server, highest = new_page(chromium), psutil.Process(pid), 0
        wire, largest, most = Wire(page), 0, 0
        for paper in models.papers():
            for network in models.networks(paper.slug):
                for view in fitting(network):
                    wire.start()
                    page.goto(url + address(network.slug, view))
                    settle(page)
                    largest, most = max(largest, wire.largest), max(most, wire.total)
                    highest = max(highest, server.memory_info().rss)
        yield Row("the largest message on the wire", largest / 2**20, "MB", 1.0)
        yield Row("all messages of the heaviest page", most / 2**20, "MB")
        yield Row("the server's memory: the highest on the way through every paper and view", highest / 2**20, "MB")
        page.goto("about:blank")
        time.sleep(REST)
        yield Row("the server's memory after every paper and view", server.memory_info().rss / 2**20, "MB", 650.0)
        yield Row("the same of a process that has imported the libraries, and no more", imported(), "MB")


def imported() -> float:
    """Megabytes of a process that has imported the libraries that all views together need, and done nothing."""
    code = "import importlib, sys, psutil; [importlib.import_module(name) for name in sys.argv[1:]]"
    code += "; print(psutil.Process().memory_info().rss / 2**20)"
    found = subprocess.run([sys.executable, "-c", code, *LIBRARIES], capture_output=True, text=True, check=True)
    return float(found.stdout)


def opening() -> Iterator[Row]:
    """A warm server, a new visit: from the address to the first figure or mosaic."""
    with visiting() as (chromium, url, _):
        yield from opened(new_page(chromium), url)


def opened(page: Page, url: str) -> Iterator[Row]:
    """A row a paper, each opened five times."""
    for paper in models.papers():
        taken = []
        for _ in range(5):
            page.goto("about:blank")
            start = time.perf_counter()
            page.goto(f"{url}/paper?paper={paper.slug}")
            page.get_by_text("Take away").first.wait_for()  # it stands below the first figure
            page.wait_for_function(DRAWN)
            taken.append(time.perf_counter() - start)
        yield Row(f"open {paper.slug}: to the first figure, median of 5", statistics.median(taken), "s", 2.0)


def clicks() -> Iterator[Row]:
    """What a click costs, in the room of weights and in that of attention."""
    with visiting() as (chromium, url, _):
        yield from units(new_page(chromium), url)
        yield from heads(new_page(chromium), url)


def units(page: Page, url: str) -> Iterator[Row]:
    """Fifty clicks on units of the Weights mosaic, each to the moment when the figure beside it has changed."""
    page.goto(url + "/paper?paper=lenet5&view=weights&layer=C3")
    settle(page)
    taken = []
    for i in range(CLICKS):
        taken.append(answer(page, f"unit {(i + 1) % 16}", ".st-key-foot-weight"))
    yield from spread("a click to the new figure", taken)


def heads(page: Page, url: str) -> Iterator[Row]:
    """Fifty clicks on heads in the mosaic of all, a text of 64 tokens, each until that head is drawn large, by its title."""
    wire = Wire(page)
    page.goto(url + "/paper?paper=gpt2&view=attention&head=3.5&text=" + LONG.replace(" ", "+"))
    settle(page)
    opened = wire.total
    taken = []
    for i in range(CLICKS):
        taken.append(answer(page, f"layer {i % 4}, head {i % 6}", ".st-key-figure-head-map .gtitle"))
    yield Row("attention of 64 tokens, all heads: the largest message", wire.largest / 2**20, "MB", 1.0)
    yield Row("attention of 64 tokens, all heads: all messages of the page", opened / 2**20, "MB")
    yield from spread("attention of 64 tokens: a click to the new head", taken)


def answer(page: Page, button: str, where: str) -> float:
    """Milliseconds from a click until what stands at a selector is another and has been painted, by the page's clock."""
    found = page.get_by_role("button", name=button, exact=True).element_handle()
    taken = found.evaluate(ANSWER, where)
    settle(page, quiet=50)
    return float(taken)


def spread(what: str, taken: list[float]) -> Iterator[Row]:
    """Median and 95th percentile of milliseconds."""
    taken.sort()
    yield Row(f"{what}, p50 of {len(taken)}", taken[len(taken) // 2], "ms")
    yield Row(f"{what}, p95 of {len(taken)}", taken[int(0.95 * len(taken)) - 1], "ms", 300.0)
