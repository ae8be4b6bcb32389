"""The real app in real Chromium: one server for the whole test run, one browser a test file, one context a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STILL = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton]')"""

expect.set_options(timeout=20_000)
Visitor = Callable[..., Page]


def settle(page: Page, quiet: int = 300, timeout: int = 120_000) -> None:
    """Wait until the script has run, and stays at rest for `quiet` milliseconds."""
    page.wait_for_selector("[data-testid=stApp]", timeout=timeout)
    page.wait_for_function(STILL, timeout=timeout)
    page.wait_for_timeout(quiet)
    page.wait_for_function(STILL, timeout=timeout)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def serve(log: Path | None = None) -> Iterator[tuple[str, int]]:
    """The app on a free port for the length of a `with`: "http://127.0.0.1:PORT", and its process id."""
    port, log = _free_port(), log or Path(tempfile.mkdtemp()) / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.address", "127.0.0.1"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--server.port", str(port), "--server.headless", "true"],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        url, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while not _answers(f"{url}/_stcore/health"):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the app did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app, started once for the whole test run."""
    with serve(tmp_path_factory.mktemp("server") / "log.txt") as (url, _):
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; $CHROMIUM names another one."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; set CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser: Browser, server: str) -> Iterator[Visitor]:
    """`visitor("/paper?paper=lenet5", width=390, theme="dark")`: a visitor of their own, whose page has settled.

    A context of its own each time, as another browser would be. At the end no page may have raised a JavaScript error.
    """
    contexts, errors = [], []

    def come(address: str = "/", *, width: int = 1400, height: int = 900, theme: str = "light") -> Page:
        phone = width < 600
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,  # type: ignore[arg-type]
            has_touch=phone,
            is_mobile=phone,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address if address.startswith("http") else server + address)
        settle(page)
        return page

    yield come
    for context in contexts:
        context.close()
    assert not errors, errors


@pytest.fixture(name="settle")
def _settle() -> Callable[..., None]:
    """`settle(page)`: wait until the page is at rest."""
    return settle
