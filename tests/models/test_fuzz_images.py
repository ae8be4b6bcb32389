"""Whatever is handed over ends in an array or in one sentence: never another exception, never a warning."""

from __future__ import annotations

import io
import resource
import struct
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image as Pictures

from models.paper import BadInput, Image

DIGITS = tuple("0123456789")
INK = Image(1, (32, 32), DIGITS, mean=(0.1,), std=(0.8,))
PHOTO = Image(3, (32, 32), DIGITS, ink=False)
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")


def saved(picture: Pictures.Image, form: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def seven(mode: str = "L", size: tuple[int, int] = (90, 120)) -> Pictures.Image:
    """A dark seven on white, in any mode."""
    pixels = np.full((120, 90), 255, np.uint8)
    pixels[20:30, 20:70] = 10
    pixels[20:100, 60:70] = 10
    return Pictures.fromarray(pixels).resize(size).convert(mode)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int = 8, colour: int = 0, data: bytes = b"", *before: bytes) -> bytes:
    """A PNG file whose header claims what it likes."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def claims() -> Iterator[tuple[str, bytes]]:
    """Headers that claim far more than they hold."""
    for side in (6_400, 20_000, 65_535, 2_000_000_000):
        yield f"png {side} square", png(side, side)
    yield "png 500 MB", png(25_000, 20_000, 8, 0, zlib.compress(bytes(100_000)))
    yield "png bomb", png(6_000, 6_000, 8, 2, zlib.compress(bytes(6_000 * 18_001), 9))
    yield "png large bomb", png(20_000, 20_000, 1, 0, zlib.compress(bytes(20_000 * 2_501), 9))
    yield "png text bomb", png(9, 9, 8, 0, b"", chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(30_000_000), 9)))
    yield "png no pixels", png(0, 0)
    yield "png wide", png(40_000_000, 1, 1, 0, zlib.compress(bytes(5_000_001)))
    for side in (20_000, -20_000, 2_000_000_000):
        body = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
        yield f"bmp {side}", b"BM" + struct.pack("<IHHI", 500_000_000, 0, 0, 54) + body
    yield "gif 65535", b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b";"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x4c\x01\x00;"
    yield "gif large frame", b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0x80, 0, 0) + bytes(6) + frame
    size = (16_382).to_bytes(3, "little") * 2
    yield "webp 16383", b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size
    jpeg = saved(seven(), "JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    yield "jpeg 65535", jpeg[:at] + b"\xff\xff\xff\xff" + jpeg[at + 4 :]
    tags = ((256, 20_000), (257, 25_000), (258, 8), (259, 1), (262, 1), (273, 8), (278, 25_000), (279, 500_000_000))
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    yield "tiff 500 MB", b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + body + bytes(4)


def strangers() -> Iterator[tuple[str, bytes]]:
    """Files that are no pictures, or no pictures of ours."""
    yield "empty", b""
    yield "one byte", b"\x89"
    yield "zeros", bytes(1000)
    yield "pdf", b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n<<>>\nendobj\n"
    yield "svg", b'<svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/></svg>'
    yield "xml", b'\xef\xbb\xbf <?xml version="1.0"?><svg/>'
    yield "html", b"<!DOCTYPE html><html><body>7</body></html>"
    yield "text", b"seven\n"
    yield "utf-8", "sept, c'est à dire 7".encode()
    yield "json", b'{"digit": 7}'
    yield "zip", b"PK\x03\x04" + bytes(40)
    yield "gzip", b"\x1f\x8b\x08" + bytes(40)
    yield "heic", b"\0\0\0\x18ftypheic" + bytes(40)
    yield "mp4", b"\0\0\0\x18ftypisom" + bytes(40)
    yield "psd", b"8BPS" + bytes(40)
    yield "elf", b"\x7fELF" + bytes(200)
    yield "script", b"#!/bin/sh\nrm -rf /\n"
    yield "npy", b"\x93NUMPY\x01\0" + bytes(80)
    yield "noise", np.random.default_rng(0).bytes(5000)
    for form in ("PPM", "ICO", "TGA", "PCX", "JPEG2000", "SGI", "EPS"):
        yield f"a {form}", saved(seven("RGB"), form)
    for form, start in (
        ("PNG", b"\x89PNG\r\n\x1a\n"),
        ("JPEG", b"\xff\xd8\xff\xe0"),
        ("GIF", b"GIF89a"),
        ("BMP", b"BM"),
    ):
        yield f"only the start of a {form}", start
    yield "only the start of a WEBP", b"RIFF\x10\0\0\0WEBPVP8 "
    yield "only the start of a TIFF", b"II*\0\x08\0\0\0"


def damaged() -> Iterator[tuple[str, bytes]]:
    """Good files cut off, or with bytes changed."""
    chance = np.random.default_rng(1)
    for form in FORMATS:
        good = saved(seven("RGB"), form)
        for part in (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
            yield f"{form} cut at {part}", good[: int(len(good) * part)]
        for turn in range(8):
            bad = bytearray(good)
            for at in chance.integers(4, len(bad), 1 + 4 * turn):
                bad[at] = int(chance.integers(256))
            yield f"{form} changed {turn}", bytes(bad)
        yield f"{form} with more behind", good + chance.bytes(500)
        yield f"{form} twice", good + good


def odd() -> Iterator[tuple[str, bytes]]:
    """Good files of unusual kinds: all of them can be read."""
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield f"png {mode}", saved(seven(mode), "PNG")
    deep = Pictures.fromarray(np.asarray(seven()).astype(np.uint16) * 257)
    yield "png 16 bits", saved(deep, "PNG")
    yield "tiff 16 bits", saved(deep, "TIFF")
    yield "tiff 16 bits high", saved(Pictures.fromarray(np.asarray(deep).astype(">u2")), "TIFF")
    yield "tiff 32 bits", saved(Pictures.fromarray(np.asarray(deep).astype(np.int32) * 1000), "TIFF")
    for top in (1, 255, 1e6):
        yield f"tiff floats to {top}", saved(Pictures.fromarray(np.asarray(seven()) / np.float32(255) * top), "TIFF")
    for mode in ("CMYK", "L", "RGB"):
        yield f"jpeg {mode}", saved(seven(mode), "JPEG")
        yield f"tiff {mode}", saved(seven(mode), "TIFF")
    for press in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        yield f"tiff {press}", saved(seven("RGB"), "TIFF", compression=press)
    yield "tiff fax", saved(seven("1"), "TIFF", compression="group4")
    yield "tiff lab", saved(Pictures.merge("LAB", seven("RGB").split()), "TIFF")
    yield "jpeg progressive", saved(seven("RGB"), "JPEG", progressive=True, quality=40)
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        pages = [seven("RGB").rotate(turn) for turn in (0, 90, 180)]
        yield f"{form} of three frames", saved(pages[0], form, save_all=True, append_images=pages[1:])
    clear = seven("P")
    yield "png palette, transparent", saved(clear, "PNG", transparency=0)
    yield "png palette, bytes", saved(clear, "PNG", transparency=bytes(range(256)))
    yield "gif transparent", saved(clear, "GIF", transparency=0)
    yield "png grey with a clear shade", saved(seven(), "PNG", transparency=255)
    for turn in range(10):
        exif = Pictures.Exif()
        exif[0x0112] = turn
        for form in ("JPEG", "PNG", "WEBP", "TIFF"):
            yield f"{form} turned {turn}", saved(seven("RGB"), form, exif=exif)
    yield "jpeg, damaged exif", saved(seven(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(30))
    yield "jpeg, endless exif", saved(seven(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01" * 900)
    for size in ((2, 2), (3, 700), (700, 3), (5000, 4), (28, 28), (32, 32), (33, 64), (65, 65), (2500, 2000)):
        yield f"{size}", saved(seven("L", size), "PNG")


def blank() -> Iterator[tuple[str, bytes]]:
    """Pictures of one colour: nothing to see for a reader of digits, a picture like any other for the rest."""
    for form in FORMATS:
        for colour in ("white", "black", "#c04020"):
            for size in ((1, 1), (1, 400), (200, 300)):
                yield f"{form} {colour} {size}", saved(Pictures.new("RGB", size, colour), form)
    yield "all transparent", saved(Pictures.new("RGBA", (50, 50)), "PNG")


def ends_well(kind: Image, source) -> str:
    """The sentence, or "" where there is an array; anything else fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            x = kind.parse(source)
        except BadInput as error:
            text = str(error)
            assert text.endswith(".")
            assert text[0].isupper()
            assert text.count(". ") == 0, "one sentence"
            assert 20 < len(text) < 250
            assert "Error" not in text
            return text
    assert x.dtype == np.float32
    assert x.shape == (1, *kind.shape)
    assert np.isfinite(x).all()
    return ""


FILES = [(name, data, group.__name__) for group in (claims, strangers, damaged, odd, blank) for name, data in group()]


def test_there_are_more_than_two_hundred_files():
    assert len({data for _, data, _ in FILES}) >= 200


@pytest.mark.parametrize(("data", "group"), [f[1:] for f in FILES], ids=[f"{g}: {n}" for n, _, g in FILES])
def test_a_file_ends_in_a_picture_or_in_a_sentence(data, group, capfd):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ink, photo = ends_well(INK, data), ends_well(PHOTO, data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 350_000, "kilobytes"
    assert capfd.readouterr() == ("", ""), "the libraries below are silent, too"
    if group == "strangers":
        assert ink == photo != ""
    if group == "odd":
        assert (ink, photo) == ("", "")
    if group == "blank":
        assert ink.startswith("There is no mark")
        assert photo == ""


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"%PDF-1.4", "PDF"),
        (b"<svg/>", "SVG"),
        (b" <html></html>", "web page"),
        (b"hello there", "text"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\1\2\3\4\5", "unknown kind"),
        (saved(seven("RGB"), "JPEG")[:900], "JPEG file is damaged"),
        (png(20_000, 20_000), "far more than the 40 million pixels"),
        (png(8_000, 8_000), "8,000 x 8,000"),
        (bytes(20_000_001), "20 MB"),
    ],
)
def test_the_sentence_says_what_is_wrong(data, word):
    assert word in ends_well(INK, data)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((1, 1, 28, 28)),
        np.zeros(28),
        np.float32(3),
        np.zeros((0, 5)),
        np.zeros((28, 28, 2)),
        np.full((28, 28), np.nan),
        np.full((28, 28), np.inf),
        np.full((28, 28), -0.1),
        np.full((28, 28), 1.5),
        np.full((28, 28), 256),
        np.zeros((28, 28), complex),
        np.full((28, 28), "7"),
        np.full((28, 28), None),
        np.zeros((7000, 7000), bool),
    ],
    ids=lambda a: f"{a.dtype} {a.shape}",
)
def test_an_array_that_is_no_picture_is_refused(array):
    for kind in (INK, PHOTO):
        assert "array" in ends_well(kind, array) or "pixels" in ends_well(kind, array)


@pytest.mark.parametrize("source", [None, 7, [1, 2], {"a": 1}, bytearray(b"x")], ids=str)
def test_what_is_no_picture_at_all_is_refused(source):
    assert "A picture is needed" in ends_well(INK, source)


@settings(max_examples=60)
@given(st.binary(max_size=400), st.sampled_from([b"", *(saved(seven("RGB", (9, 12)), f)[:60] for f in FORMATS)]))
def test_any_bytes_end_well(data, start):
    ends_well(INK, start + data)


@settings(max_examples=60)
@given(st.data(), st.sampled_from([saved(seven("RGB", (45, 60)), f) for f in FORMATS]))
def test_any_changed_byte_ends_well(data, good):
    bad = bytearray(good)
    for at in data.draw(st.lists(st.integers(0, len(bad) - 1), max_size=8)):
        bad[at] = data.draw(st.integers(0, 255))
    ends_well(INK, bytes(bad))
    ends_well(PHOTO, bytes(bad))


SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, max_side=70)
TYPES = st.sampled_from([np.uint8, np.bool_, np.float32, np.float64, np.int16, np.uint16, np.complex64])


@settings(max_examples=60)
@given(st.data(), TYPES, SHAPES)
def test_any_array_ends_well(data, dtype, shape):
    array = data.draw(arrays.arrays(dtype, shape))
    ends_well(INK, array)
    ends_well(PHOTO, array)


@settings(max_examples=60)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 150), st.integers(1, 150)), fill=st.integers(0, 255)),
    st.sampled_from(FORMATS),
)
def test_any_picture_ends_well(pixels, form):
    assert ends_well(PHOTO, saved(Pictures.fromarray(pixels), form)) == ""
    ends_well(INK, saved(Pictures.fromarray(pixels), form))
