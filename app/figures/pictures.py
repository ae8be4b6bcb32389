"""Pictures as they are, black to white or in colour: what a visitor gave, and what the network sees of it."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from app.figures.maps import Mosaic, png

SIDE = 240  # pixels; a larger picture is sent at this size


def bytes_of(pixels: np.ndarray) -> np.ndarray:
    """(..., h, w) or (..., h, w, 3) in 0..1 -> uint8 of the same shape; what lies outside takes the end's value."""
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def address(pixels: np.ndarray) -> str:
    """(h, w) or (h, w, 3) in 0..1 -> a data URL of the picture, at most 240 pixels a side; small ones as they are."""
    small = bytes_of(pixels.squeeze())
    if max(small.shape[:2]) > SIDE:
        picture = Image.fromarray(small)
        picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
        small = np.asarray(picture)
    return url(png(small))


def file(picture: Image.Image) -> bytes:
    """A PIL picture -> the bytes of a PNG file."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def url(data: bytes) -> str:
    """PNG bytes -> a data URL."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def sheet(pixels: np.ndarray, columns: int, gap: int = 2) -> Mosaic:
    """(n, h, w, 1 or 3) in 0..1 -> one picture with a transparent gap between its cells."""
    n, h, w = pixels.shape[:3]
    cells = bytes_of(np.broadcast_to(pixels, (n, h, w, 3)))
    rows = -(-n // columns)
    page = np.zeros((rows * (h + gap), columns * (w + gap), 4), np.uint8)
    for i, cell in enumerate(cells):
        y, x = (i // columns) * (h + gap), (i % columns) * (w + gap)
        page[y : y + h, x : x + w, :3], page[y : y + h, x : x + w, 3] = cell, 255
    return Mosaic(png(page), n, columns, (h + gap, w + gap), (page.shape[0], page.shape[1]))
