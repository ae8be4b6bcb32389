"""The README's picture, taken of the real app: timeline, a drawn seven inside LeNet-5, a sentence inside GPT-2.

make pictures
"""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from app.components.strokes import encode
from tests.browser.conftest import CHROMIUM, FLAGS, serve, settle

OUT = Path(__file__).resolve().parents[2] / "docs" / "cutaway.png"
SEVEN = [[18, 62, 66, 120, 60, 186, 62, 172, 92, 148, 138, 128, 186, 120, 214], [18, 96, 138, 176, 134]]
SENTENCE = "“Where is the old house?” asked Tom. “I have not seen the old"
SIZE = {"width": 1400, "height": 900}


def take(page: Page, address: str) -> Image.Image:
    page.goto(address)
    settle(page, quiet=1500)
    return Image.open(io.BytesIO(page.screenshot()))


def main() -> None:
    with serve() as (url, _), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = chromium.new_context(viewport=SIZE, color_scheme="light").new_page()
        shots = [
            take(page, f"{url}/"),
            take(page, f"{url}/paper?paper=lenet5&view=architecture&ink={encode(SEVEN)}"),
            take(page, f"{url}/paper?paper=gpt2&view=attention&text={quote(SENTENCE)}"),
        ]
        chromium.close()
    sheet = Image.new("RGB", (1400, sum(s.height for s in shots) + 20), "#dcdad4")
    top = 0
    for shot in shots:
        sheet.paste(shot, (0, top))
        top += shot.height + 20
    OUT.parent.mkdir(exist_ok=True)
    sheet.quantize(256, dither=Image.Dither.NONE).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
