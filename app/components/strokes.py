"""A drawing as strokes: rendered as a picture, and packed into the address. Pure functions.

A stroke is [width, x0, y0, x1, y1, ...] in units of 1/256 of the pad's side, from the top left.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence

from PIL import Image, ImageDraw

from models.paper import BadInput

Strokes = Sequence[Sequence[float]]
UNITS = 256  # the pad's side
CLOSEST = 2.0  # units; points closer to the one before are left out,
COARSEST = 24.0  # and up to this far where a drawing would be too long
LONGEST = 4000  # characters of a packed drawing
MOST = 60_000  # bytes of an unpacked one: some 30,000 points
SMOOTH = 4  # every pixel is drawn as SMOOTH x SMOOTH and averaged


def render(strokes: Strokes, side: int = 280) -> Image.Image:
    """Dark ink on white, as a pen writes: a grey picture of side x side pixels with round, smooth lines."""
    scale = side * SMOOTH / UNITS
    sheet = Image.new("L", (side * SMOOTH, side * SMOOTH), 255)
    pen = ImageDraw.Draw(sheet)
    for width, *flat in strokes:
        points = [(x * scale, y * scale) for x, y in zip(flat[::2], flat[1::2], strict=True)]
        thick = max(1, round(width * scale))
        if len(points) > 1:
            pen.line(points, fill=0, width=thick, joint="curve")
        for x, y in points:
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=0)
    return sheet.resize((side, side), Image.Resampling.BOX)


def encode(strokes: Strokes) -> str:
    """Strokes -> text for the address: whole units, one byte each; a stroke is its width, its count of points, its points.

    A drawing too long for an address is told with fewer points; with very many strokes it stays longer than LONGEST.
    Packing what `decode` gave gives the same text.
    """
    apart = CLOSEST
    while len(text := _packed(strokes, apart)) > LONGEST and apart < COARSEST:
        apart *= 1.5
    return text


def _packed(strokes: Strokes, apart: float) -> str:
    packed = bytearray()
    for width, *flat in strokes:
        points = _thin([(_byte(x), _byte(y)) for x, y in zip(flat[::2], flat[1::2], strict=True)], apart)
        for start in range(0, max(1, len(points) - 1), 254):
            part = points[start : start + 255]  # parts of a long stroke share a point, so that the line goes on
            if part:
                packed += bytes((_byte(width), len(part)))
                packed += bytes(value for point in part for value in point)
    return base64.urlsafe_b64encode(zlib.compress(bytes(packed), 9)).decode().rstrip("=") if packed else ""


def decode(text: str) -> list[list[float]]:
    """The strokes that `encode` packed. Raises BadInput for anything else."""
    wrong = BadInput("The drawing in this address is damaged: draw it again, or open the link as it was given.")
    if not text or len(text) > LONGEST:
        raise wrong
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        inflate = zlib.decompressobj()
        packed = inflate.decompress(raw, MOST)
    except (binascii.Error, ValueError, zlib.error):
        raise wrong from None
    if inflate.unconsumed_tail or inflate.unused_data or not inflate.eof or not packed:
        raise wrong
    strokes: list[list[float]] = []
    at = 0
    while at < len(packed):
        end = at + 2 + 2 * packed[at + 1] if at + 1 < len(packed) else len(packed) + 1
        if end > len(packed) or end == at + 2:
            raise wrong
        strokes.append([float(packed[at]), *map(float, packed[at + 2 : end])])
        at = end
    return strokes


def _byte(value: float) -> int:
    return min(255, max(0, round(value)))


def _thin(points: list[tuple[int, int]], apart: float) -> list[tuple[int, int]]:
    """Leave out points closer than `apart` to the one before; the last always stays."""
    kept = points[:1]
    for x, y in points[1:]:
        if (x - kept[-1][0]) ** 2 + (y - kept[-1][1]) ** 2 >= apart**2:
            kept.append((x, y))
    if kept[-1:] != points[-1:]:
        kept.append(points[-1])
    return kept
