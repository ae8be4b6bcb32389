"""A drawing as strokes: what is rendered, and that an address holds it, whatever is drawn or typed."""

from __future__ import annotations

import base64
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.components.strokes import LONGEST, MOST, decode, encode, render
from models.paper import BadInput, Image

BYTE = st.integers(0, 255)
STROKE = st.builds(
    lambda width, points: [width, *(value for point in points for value in point)],
    st.integers(1, 60),
    st.lists(st.tuples(BYTE, BYTE), min_size=1, max_size=60),
)
DRAWING = st.lists(STROKE, min_size=1, max_size=8)

DIGIT = Image(1, (28, 28), tuple("0123456789"))


def points(stroke) -> np.ndarray:
    return np.array(stroke[1:], float).reshape(-1, 2)


def test_a_line_is_rendered_where_it_is_drawn_and_as_wide():
    pixels = 255 - np.asarray(render([[16, 64, 128, 192, 128]], side=256)).astype(int)
    assert pixels[:, 128].sum() / 255 == pytest.approx(16, abs=0.6)
    across, down = np.flatnonzero(pixels.any(0)), np.flatnonzero(pixels.any(1))
    assert (across[0], across[-1]) == pytest.approx((56, 200), abs=1)  # round caps stand out by half the width
    assert (down[0], down[-1]) == pytest.approx((120, 136), abs=1)
    assert pixels[121, 56] == 0, "the cap is round"
    assert ((pixels > 0) & (pixels < 255)).any(), "its edge is smooth"


def test_a_point_is_a_dot_and_nothing_is_white():
    pixels = 255 - np.asarray(render([[20, 128, 128]], side=256)).astype(float)
    assert pixels.sum() / 255 == pytest.approx(np.pi * 100, rel=0.06)
    assert np.asarray(render([])).min() == 255
    assert render([], side=64).size == (64, 64)


def test_a_smaller_side_is_the_same_drawing():
    drawing = [[24, 40, 40, 200, 40, 90, 220]]
    large, small = (np.asarray(render(drawing, side)).astype(float) for side in (256, 64))
    assert np.abs(large.reshape(64, 4, 64, 4).mean((1, 3)) - small).mean() < 3


@given(DRAWING)
def test_packing_keeps_every_stroke_within_two_units(drawing):
    again = decode(encode(drawing))
    assert [stroke[0] for stroke in again] == [stroke[0] for stroke in drawing]
    for was, now in zip(drawing, again, strict=True):
        was, now = points(was), points(now)
        assert np.array_equal(was[0], now[0])
        assert np.array_equal(was[-1], now[-1])
        apart = np.abs(was[:, None] - now[None]).max(2).min(1)
        assert apart.max() <= 2


@given(DRAWING)
def test_packing_again_changes_nothing(drawing):
    text = encode(drawing)
    assert encode(decode(text)) == text
    assert text.isascii()
    assert not set(text) & set("+/=&?# ")


def test_a_long_stroke_becomes_parts_that_go_on():
    line = [12, *(v for i in range(700) for v in (10 + (i * 3) % 240, 10 + i // 4))]
    parts = decode(encode([line]))
    assert len(parts) > 1
    assert all(a[-2:] == b[1:3] for a, b in pairwise(parts))
    assert encode(parts) == encode(decode(encode(parts)))


def test_a_scribble_is_told_with_fewer_points_so_that_it_fits():
    walk = np.cumsum(np.random.default_rng(0).normal(0, 3, (20_000, 2)), 0)
    scribble = np.abs((walk + 128) % 512 - 256)
    text = encode([[10, *scribble.ravel()]])
    assert 1000 < len(text) <= LONGEST
    assert decode(text)


def test_values_outside_the_pad_are_brought_to_its_edge():
    assert decode(encode([[12.4, -5, 300, 128.6, 7]])) == [[12, 0, 255, 129, 7]]
    assert encode([]) == encode([[9]]) == ""


def packed(*values: int) -> str:
    return base64.urlsafe_b64encode(zlib.compress(bytes(values))).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seven",
        "a b",
        "é",
        "x" * (LONGEST + 1),
        "%00",
        packed(),
        packed(12),
        packed(12, 0),
        packed(12, 2, 5, 5, 9),
        packed(12, 1, 5, 5, 9),
        packed(12, 1, 5, 5)[:-3],
        packed(12, 1, 5, 5) + "AAAA",
        base64.urlsafe_b64encode(bytes((12, 1, 5, 5))).decode(),
        packed(*[12, 1, 5, 5] * (MOST // 4 + 1)),
    ],
)
def test_anything_else_is_refused_in_one_sentence(text):
    with pytest.raises(BadInput, match=r"^The drawing in this address is damaged: .*\.$"):
        decode(text)


def test_a_bomb_is_not_inflated():
    bomb = base64.urlsafe_b64encode(zlib.compress(bytes(2_900_000), 9)).decode().rstrip("=")
    assert len(bomb) <= LONGEST
    with pytest.raises(BadInput):
        decode(bomb)


@settings(max_examples=300)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_any_text_is_a_drawing_or_refused(text):
    try:
        drawing = decode(text)
    except BadInput:
        return
    assert drawing
    assert all(len(stroke) >= 3 and len(stroke) % 2 for stroke in drawing)


@settings(max_examples=40)
@given(DRAWING)
def test_any_drawing_is_framed_or_refused(drawing):
    try:
        x = DIGIT.parse(render(drawing))
    except BadInput:
        return
    assert x.shape == (1, 1, 28, 28)
    assert x.max() == 1


@pytest.mark.parametrize("width", (6, 12, 20, 32))
def test_a_seven_is_framed_alike_with_every_pen(width):
    frames = [DIGIT.parse(render([[pen, 60, 50, 190, 50, 110, 210]]))[0, 0] for pen in (width, 20)]
    assert frames[0].max() == 1
    assert np.corrcoef(frames[0].ravel(), frames[1].ravel())[0, 1] > 0.85


def test_a_drawing_may_run_over_the_border():
    frame = DIGIT.parse(render([[20, 0, 0, 255, 0, 100, 255]]))[0, 0]
    assert np.flatnonzero(frame.any(1)).size == 20
