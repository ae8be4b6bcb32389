"""From whatever a visitor hands over to one upright picture, grey or RGB, small enough to work on.

Everything is checked before it costs something: the number of bytes before they are read, the number of pixels in the
header before they are decoded. Whatever is wrong ends in `BadInput` with one sentence.
"""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from models.paper import BadInput

FORMATS = {
    "PNG": (b"\x89PNG",),
    "JPEG": (b"\xff\xd8",),
    "WEBP": (b"RIFF",),
    "BMP": (b"BM",),
    "GIF": (b"GIF8",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
NAMES = "PNG, JPEG, WebP, BMP, GIF or TIFF"
MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
SIDE = 768  # pixels; a larger picture is made smaller while it is read
COARSE = 4096  # pixels; a larger palette or 1-bit picture is sampled down before it takes four bytes a pixel
WHITISH = 230  # a transparent picture with nothing darker than this (of 255) is drawn in white: it is laid on black

# What people take for a picture, by how the file begins (in lower case), and what to do about it.
OTHERS = (
    (b"%pdf", "a PDF: save its page as a PNG picture"),
    (b"<svg", "an SVG drawing: export it as PNG"),
    (b"<?xml", "XML, an SVG drawing perhaps: export it as PNG"),
    (b"<!doctype", "a web page: save the picture in it as PNG or JPEG"),
    (b"<html", "a web page: save the picture in it as PNG or JPEG"),
    (b"pk\x03\x04", "a ZIP archive or an office document: take the picture out of it"),
    (b"\x1f\x8b", "a gzip archive: take the picture out of it"),
    (b"8bps", "a Photoshop file: export it as PNG"),
    (b"\x00\x00\x01\x00", "an icon file: save it as PNG"),
    (b"\x00\x00\x00\x0cjp", "a JPEG 2000 picture: save it as JPEG"),
)
BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF", b"avif": "AVIF"}

ORIENTATION = 0x0112  # the EXIF tag, and what turns each of its values upright
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# One picture at a time: it bounds the memory, and `warnings.catch_warnings` holds for the whole process.
_turn = threading.Lock()

Source = bytes | str | Image.Image | np.ndarray


def decode(source: Source) -> Image.Image:
    """The picture in mode L or RGB, upright, opaque, at most 768 pixels a side. Raises BadInput."""
    return read(source)[0]


def read(source: Source) -> tuple[Image.Image, str]:
    """As `decode`, with one sentence that says what was given and what was done to it."""
    if isinstance(source, str):
        source = _file(source)
    elif isinstance(source, np.ndarray):
        source = _from_array(source)
    if isinstance(source, bytes):
        _check_bytes(source)
    elif not isinstance(source, Image.Image):
        raise BadInput(f"A picture is needed: the bytes of a {NAMES} file, its path, a PIL image or a NumPy array.")
    with _turn, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd EXIF and of large pictures; both are dealt with here
        picture = source if isinstance(source, Image.Image) else _open(source)
        _check_size(picture.size)
        kind = (picture.format or "picture").replace("MPO", "JPEG")
        told = [f"A {kind} of {picture.width:,} x {picture.height:,} pixels"]
        try:
            return _upright(picture, told, own=picture is not source), ", ".join(told) + "."
        except BadInput:
            raise
        except Exception:  # Pillow's readers raise whatever a damaged file makes them stumble over
            raise _damaged(kind) from None


def _upright(picture: Image.Image, told: list[str], own: bool) -> Image.Image:
    """Load, shrink, flatten and turn the picture; `told` is continued by what was done. Not our own: left as it is."""
    larger = max(picture.size) > SIDE
    if own:
        picture.draft(None, (2 * SIDE, 2 * SIDE))  # a JPEG is decoded at 1/2, 1/4 or 1/8 where that suffices
    if getattr(picture, "is_animated", False):
        told.append("of which the first frame is taken")
    picture.load()
    turn = UPRIGHT.get(_orientation(picture))
    picture = _small(_plain(picture))
    if picture.mode in ("RGBA", "LA"):
        picture, ground = _flat(picture.convert("RGBA"))
        told.append(f"laid on {ground} where it is transparent")
    picture = picture if picture.mode == "L" else picture.convert("RGB")
    if turn is not None:
        picture = picture.transpose(turn)
        told.append("turned upright as its EXIF note says")
    if larger:
        told.append(f"made smaller to {picture.width:,} x {picture.height:,}")
    return picture


def _file(path: str) -> bytes:
    try:
        file = Path(path)
        if not file.is_file():
            raise OSError
        if file.stat().st_size > MAX_BYTES:
            raise _too_large(file.stat().st_size)
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"There is no readable file {path[:80]!r}: give the path of a {NAMES} file.") from None


def _from_array(array: np.ndarray) -> Image.Image:
    """uint8 or other numbers 0..255, floats 0..1; (h, w), (h, w, 1, 3 or 4) or (1 or 3, h, w)."""
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)) or not array.size:
        raise BadInput(f"An array of shape {array.shape} is no picture: give (height, width) or (height, width, 3).")
    _check_size((array.shape[1], array.shape[0]))
    if array.dtype.kind not in "buif":
        raise BadInput(f"An array of {array.dtype} is no picture: give uint8 of 0 to 255, or floats of 0 to 1.")
    top = 1 if array.dtype.kind in "bf" else 255
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= top):
        raise BadInput(f"An array of {array.dtype} must hold numbers from 0 to {top}, all of them finite.")
    pixels = array if array.dtype == np.uint8 else np.rint(array * (255 / top)).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)


def _check_bytes(data: bytes) -> None:
    if not data:
        raise BadInput(f"The file is empty: give a {NAMES} picture.")
    if len(data) > MAX_BYTES:
        raise _too_large(len(data))


def _too_large(size: int) -> BadInput:
    return BadInput(f"The file has {size / 1e6:,.0f} MB, and up to {MAX_BYTES / 1e6:.0f} MB are read: make it smaller.")


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise BadInput(
            f"The picture has {width:,} x {height:,} pixels, and up to {MAX_PIXELS / 1e6:.0f} million are read: "
            "make it smaller."
        )
    if not width or not height:
        raise BadInput("The picture has no pixels: give one with at least one.")


def _open(data: bytes) -> Image.Image:
    """The header alone, read by one of our six formats; the file's name does not matter."""
    try:
        return Image.open(io.BytesIO(data), formats=tuple(FORMATS))
    except Image.DecompressionBombError:
        raise BadInput(
            f"The picture says that it has far more than the {MAX_PIXELS / 1e6:.0f} million pixels that are read: "
            "make it smaller."
        ) from None
    except Exception:  # as in `read`
        kind = next((name for name, starts in FORMATS.items() if data.startswith(starts)), None)
        raise _damaged(kind) if kind else _not_a_picture(data) from None


def _damaged(kind: str) -> BadInput:
    return BadInput(f"This {kind} file is damaged or breaks off before its end: save or send it again.")


def _not_a_picture(data: bytes) -> BadInput:
    head = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").lower()
    found = next((what for start, what in OTHERS if head.startswith(start)), None)
    if data[4:8] == b"ftyp":
        found = f"a video or {BRANDS.get(data[8:12], 'HEIC')} photo: save or share it as JPEG"
    if found is None:
        found = f"{'text, no picture' if _is_text(data) else 'of an unknown kind'}: give a {NAMES} picture"
    return BadInput(f"This file is {found}.")


def _is_text(data: bytes) -> bool:
    try:
        return min(data) >= 9 and bool(data.decode("utf8"))  # below the tabulator there is no text
    except UnicodeDecodeError:
        return False


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # a damaged EXIF note is no reason to refuse the picture
        return 1


def _plain(picture: Image.Image) -> Image.Image:
    """The same picture in a mode that can be averaged: L, RGB, CMYK or RGBA."""
    if picture.mode in ("1", "P", "PA") and max(picture.size) > COARSE:
        picture = picture.copy()
        picture.thumbnail((COARSE, COARSE), Image.Resampling.NEAREST)
    if picture.mode.startswith(("I", "F")):
        return _eight_bits(picture)
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode == "1":
        return picture.convert("L")
    return picture if picture.mode in ("L", "RGB", "CMYK") else picture.convert("RGB")


def _small(picture: Image.Image) -> Image.Image:
    if max(picture.size) <= SIDE:
        return picture
    scale = SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float pictures: 0..1, 0..255 and 0..65535 keep their meaning, others are stretched."""
    values = np.asarray(picture)
    k = [max(1, min(n, -(-n // (2 * SIDE)))) for n in values.shape]  # averaged k by k first: less to widen
    h, w = (n // step * step for n, step in zip(values.shape, k, strict=True))
    values = values[:h, :w].reshape(h // k[0], k[0], w // k[1], k[1]).mean((1, 3), dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):
        raise BadInput("This picture holds values that are no finite numbers: save it with 8 or 16 bits a pixel.")
    tops = (1, 255, 65535) if picture.mode == "F" else (255, 65535)
    top = next((t for t in tops if low >= 0 and high <= t), None)
    base, span = (0.0, float(top)) if top else (low, high - low)
    return Image.fromarray(np.rint((values - base) * (255 / span)).astype(np.uint8))


def _flat(picture: Image.Image) -> tuple[Image.Image, str]:
    """RGBA laid on white; on black where all that is visible is white, as in white ink on a transparent ground."""
    alpha = np.asarray(picture.getchannel("A"))
    visible = np.asarray(picture.convert("L"))[alpha > 127]
    ground = "black" if visible.size and visible.min() >= WHITISH else "white"
    under = Image.new("RGBA", picture.size, ground)
    return Image.alpha_composite(under, picture), ground
