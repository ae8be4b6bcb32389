"""Pictures of digits as visitors send them: our own, drawn by this program, and nothing of any data set in them.

`python -m models.data.drawings` writes them into `sample_files`. A card names one as `Sample("a pencil 3", "pencil-3.jpg")`.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from models.data.samples import FILES

Array = np.ndarray
Lines = tuple[tuple[tuple[float, float], ...], ...]

# Strokes through which a smooth line goes: x to the right, y downwards, in a square of side 1.
DIGITS: dict[int, Lines] = {
    2: (((0.25, 0.3), (0.42, 0.12), (0.68, 0.2), (0.68, 0.42), (0.45, 0.65), (0.2, 0.86), (0.3, 0.87), (0.8, 0.84)),),
    3: (((0.26, 0.2), (0.5, 0.1), (0.7, 0.25), (0.45, 0.46), (0.74, 0.62), (0.66, 0.84), (0.4, 0.9), (0.22, 0.78)),),
    4: (((0.5, 0.1), (0.36, 0.34), (0.18, 0.58), (0.48, 0.58), (0.84, 0.54)), ((0.66, 0.32), (0.63, 0.6), (0.6, 0.93))),
    5: (
        ((0.34, 0.14), (0.3, 0.44), (0.52, 0.38), (0.72, 0.56), (0.62, 0.82), (0.38, 0.9), (0.22, 0.8)),
        ((0.34, 0.14), (0.54, 0.13), (0.76, 0.11)),
    ),
    7: (((0.18, 0.17), (0.5, 0.16), (0.78, 0.13), (0.62, 0.42), (0.48, 0.68), (0.4, 0.92)),),
    8: (
        ((0.66, 0.2), (0.44, 0.11), (0.32, 0.3), (0.54, 0.47), (0.7, 0.66), (0.6, 0.87), (0.38, 0.85)),
        ((0.38, 0.85), (0.32, 0.66), (0.52, 0.47), (0.7, 0.3), (0.66, 0.2)),
    ),
}


def ink(digit: int, height: int, width: int, box: tuple[int, int, int], pen: float) -> Array:
    """(height, width): 1 under a round pen `pen` pixels wide that draws the digit into `box` (left, top, side)."""
    left, top, side = box
    dots = np.ones((height, width), bool)
    for line in DIGITS[digit]:
        points = np.array([line[0], *line, line[-1]])
        t = np.linspace(0, 1, 200)[:, None]
        for a, b, c, d in zip(points, points[1:], points[2:], points[3:], strict=False):  # Catmull and Rom 1974
            curve = b + t * (c - a) / 2 + t**2 * (a - 2.5 * b + 2 * c - d / 2) + t**3 * (1.5 * (b - c) + (d - a) / 2)
            x, y = np.rint(curve.T * side + np.array([[left], [top]])).astype(int)
            dots[y, x] = False
    return np.clip(pen / 2 + 0.5 - ndimage.distance_transform_edt(dots), 0, 1)


def lamp(height: int, width: int, angle: float, depth: float) -> Array:
    """Light that falls off in one direction, and a little towards the corners."""
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    return 1 - depth * (0.5 + np.cos(angle) * x + np.sin(angle) * y) - 0.2 * (x * x + y * y)


def marker(chance: np.random.Generator) -> Array:
    """A thick marker on paper by a lamp."""
    sheet = 0.93 - 0.8 * ink(7, 320, 260, (50, 60, 170), 24)
    return sheet * lamp(320, 260, 0.6, 0.4) + chance.normal(0, 0.015, sheet.shape)


def pencil(chance: np.random.Generator) -> Array:
    """A thin, pale pencil whose lead skips over the grain of the paper."""
    grain = ndimage.gaussian_filter(chance.normal(0, 1, (320, 260)), 0.8)
    sheet = 0.9 - ink(3, 320, 260, (80, 110, 130), 3.5) * (0.36 + 0.25 * grain)
    return sheet * lamp(320, 260, 2.5, 0.3) + chance.normal(0, 0.012, sheet.shape)


def phone(chance: np.random.Generator) -> Array:
    """A phone held sideways: stored lying, with an EXIF note that says how to turn it; its shadow falls in."""
    sheet = 0.92 - 0.7 * ink(5, 340, 260, (40, 90, 170), 10)
    shadow = ndimage.gaussian_filter((np.add(*np.mgrid[0:340, 0:260]) > 380).astype(float), 9)
    upright = sheet * (1 - 0.35 * shadow) * lamp(340, 260, 1.2, 0.2) + chance.normal(0, 0.02, sheet.shape)
    return np.rot90(upright)


def chalkboard(chance: np.random.Generator) -> Array:
    """Chalk on a board that was wiped before."""
    dust = ndimage.gaussian_filter(chance.normal(0, 1, (260, 320)), (6, 18))
    crumbs = np.clip(0.8 + 0.5 * ndimage.gaussian_filter(chance.normal(0, 1, dust.shape), 1), 0, 1)
    board = 0.2 + 0.35 * dust + 0.62 * crumbs * ink(4, 260, 320, (80, 40, 170), 13)
    return board * lamp(260, 320, 3.4, 0.3) + chance.normal(0, 0.015, board.shape)


def table(chance: np.random.Generator) -> Array:
    """A sheet of paper on a dark table."""
    sheet = 0.92 - 0.75 * ink(8, 230, 200, (40, 50, 120), 9)
    wood = 0.24 + 0.2 * ndimage.gaussian_filter(chance.normal(0, 1, (320, 300)), (2, 14))
    wood[40:270, 45:245] = sheet
    turned = ndimage.rotate(wood, 5, reshape=False, order=1, mode="nearest")
    return turned * lamp(320, 300, 5.1, 0.25) + chance.normal(0, 0.015, turned.shape)


def screen(_: np.random.Generator) -> Array:
    """Drawn with a drawing program: nothing but black on white, and small in a corner."""
    return 1 - ink(2, 256, 256, (20, 30, 110), 11)


DRAWN: dict[str, Callable[[np.random.Generator], Array]] = {
    "marker-7.jpg": marker,
    "pencil-3.jpg": pencil,
    "phone-5.jpg": phone,
    "chalkboard-4.jpg": chalkboard,
    "table-8.jpg": table,
    "screen-2.png": screen,
}


def file(name: str) -> bytes:
    """The bytes of one drawing, the same at every call."""
    values = DRAWN[name](np.random.default_rng(sum(name.encode())))
    picture = Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))
    exif = Image.Exif()
    if name.startswith("phone"):
        exif[0x0112] = 6  # turn a quarter to the right
    out = io.BytesIO()
    picture.save(out, "PNG" if name.endswith(".png") else "JPEG", quality=82, optimize=True, exif=exif)
    return out.getvalue()


def make() -> None:
    """Write all drawings into `sample_files`."""
    FILES.mkdir(exist_ok=True)
    for name in DRAWN:
        (FILES / name).write_bytes(file(name))


if __name__ == "__main__":
    make()
