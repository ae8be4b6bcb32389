"""Shares as pictures: where each head lies, what long texts are shrunk to, what a name may hold, where the light falls."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from app.figures.attention import overview, shares, shrunk, spotlight, units
from app.figures.roles import on_text


def test_blocks_are_pooled_to_their_largest_share():
    maps = np.zeros((2, 5, 5), np.float32)
    maps[1, 4, 3], maps[1, 0, 1] = 0.9, 0.4
    small = shrunk(maps, 3)
    assert small.shape == (2, 3, 3) and not small[0].any()
    assert small[1].tolist() == [[np.float32(0.4), 0, 0], [0, 0, 0], [0, np.float32(0.9), 0]]
    assert shrunk(maps, 5) is maps


def test_layers_lie_below_each_other_and_heads_beside():
    found = overview([np.ones((1, 28, 28)), np.zeros((3, 28, 28))], False)
    assert (found.columns, found.count, found.cell) == (3, 6, (29, 29))
    pixels = np.asarray(Image.open(io.BytesIO(found.png)).convert("RGB"))
    assert pixels[15, 15].tolist() == [6, 59, 73]  # the end of the scale
    assert pixels[15, 45].tolist() == pixels[45, 15].tolist() == [255, 255, 255]


def test_a_map_has_its_shares_and_names_that_are_no_tags():
    pattern = np.array([[1, 0, 0], [0.25, 0.75, 0]], np.float32)
    figure = shares(pattern, False, title="t", rows=["<s>", "b"], columns=["<s>", "c", "d"], chosen=(1, 0))
    one = figure.data[0]
    assert np.allclose(np.asarray(one.z), np.sqrt(pattern)) and np.array_equal(np.asarray(one.customdata), pattern)
    assert list(one.y) == ["&lt;s>", "b"] and list(figure.layout.xaxis.ticktext) == ["&lt;s>", "c", "d"]
    row, cell = figure.layout.shapes
    assert (row.x0, row.x1, row.y0, row.y1) == (-0.5, 2.5, 0.5, 1.5)
    assert (cell.x0, cell.x1, cell.y0, cell.y1) == (-0.5, 0.5, 0.5, 1.5)
    assert list(figure.layout.yaxis.range) == [1.5, -0.5]  # the first query on top


def test_the_light_falls_on_what_is_looked_at():
    picture = spotlight(np.zeros((4, 4, 3), np.float32), np.array([0, 0.8, 0.2, 0], np.float32), 2, False)
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))[64::128, 64::128, 0]
    assert pixels[0, 1] == 0  # black as it is
    assert pixels[1, 0] == round(255 * (1 - (0.12 + 0.88 * 0.5)))  # a quarter of the largest share: half the light
    assert pixels[0, 0] == pixels[1, 1] == round(255 * 0.88)
    assert (picture.columns, picture.cell) == (2, (128, 128))


def test_products_stand_below_query_and_key():
    figure = units(np.array([1.0, -2]), np.array([3.0, 1]), False, title="t")
    assert [list(bar.y) for bar in figure.data] == [[1, -2], [3, 1], [3, -2]]
    assert "in all 1" in figure.layout.annotations[2].text


def test_rings_lie_in_the_cells_that_are_marked():
    ideal = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], bool)
    heat, rings = on_text(np.eye(3), ideal, ["<s>", "a", "b"], False, title="a map", role="a head").data
    assert list(zip(rings.y, rings.x, strict=True)) == [("a", "&lt;s>"), ("b", "a")]
    assert set(rings.x) | set(rings.y) <= set(heat.x)  # numbers would be categories of their own, off the map
