"""Pictures of arrays, read back pixel by pixel."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from app.figures.maps import heatmap, mosaic, portrait
from app.figures.theme import DARK, LIGHT, colours, limits


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def rgb(text: str) -> list[int]:
    return [int(text[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize(("dark", "look"), [(False, LIGHT), (True, DARK)])
def test_zero_is_the_ground_and_the_ends_are_the_ends(dark, look):
    shown = colours(np.array([-2.0, 0.0, 2.0]), look.signed, -2, 2)
    assert shown[0].tolist() == rgb(look.signed[0][1])
    assert shown[2].tolist() == rgb(look.signed[-1][1])
    assert np.abs(shown[1].astype(int) - rgb(look.ground)).max() <= 2


def test_values_outside_take_the_colour_of_the_end():
    assert colours(np.array([9.0]), LIGHT.unsigned, 0, 1).tolist() == [rgb(LIGHT.unsigned[-1][1])]
    assert colours(np.array([np.nan]), LIGHT.unsigned, 0, 1).tolist() == [rgb(LIGHT.unsigned[0][1])]


def test_a_signed_scale_is_symmetric_about_zero():
    assert limits(np.array([-1.0, 3.0]), signed=True) == (-3.0, 3.0)
    assert limits(np.array([0.5, 3.0]), signed=False) == (0.0, 3.0)
    assert limits(np.zeros(3), signed=True) == (-1.0, 1.0)


def test_every_cell_of_a_mosaic_lies_where_it_says():
    maps = np.arange(6, dtype=np.float32).reshape(6, 1, 1) * np.ones((6, 28, 28), np.float32)
    sheet = mosaic(maps, False, columns=3, signed=False)
    picture = pixels(sheet.png)
    assert picture.shape == (*sheet.size, 3)
    assert sheet.size == (2 * 29 + 1, 3 * 29 + 1)
    for i in range(6):
        y, x = (i // 3) * sheet.cell[0] + 14, (i % 3) * sheet.cell[1] + 14
        assert picture[y, x].tolist() == colours(np.array(float(i)), LIGHT.unsigned, 0, 5).tolist()
    assert picture[0, 0].tolist() == rgb(LIGHT.line)


def test_small_maps_are_enlarged_whole_pixel_by_whole_pixel():
    maps = np.array([[[0.0, 1.0], [1.0, 0.0]]], np.float32)
    sheet = mosaic(maps, False, signed=False)
    assert sheet.cell == (29, 29)
    inside = pixels(sheet.png)[1:29, 1:29]
    assert (inside[:14, :14] == rgb(LIGHT.unsigned[0][1])).all()
    assert (inside[:14, 14:] == rgb(LIGHT.unsigned[-1][1])).all()


def test_each_map_may_have_a_scale_of_its_own():
    maps = np.stack([np.full((28, 28), 1.0), np.full((28, 28), 10.0)]).astype(np.float32)
    together, alone = (pixels(mosaic(maps, False, columns=2, signed=False, each=e).png) for e in (False, True))
    assert together[14, 14].tolist() != together[14, 43].tolist()
    assert alone[14, 14].tolist() == alone[14, 43].tolist() == rgb(LIGHT.unsigned[-1][1])


def test_a_heat_map_has_the_scale_it_was_given():
    figure = heatmap(np.array([[-1.0, 2.0]]), False, title="t", unit="u", top=5.0)
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-5.0, 5.0)
    assert figure.data[0].z.dtype == np.float32
    named = heatmap(np.ones((2, 2)), True, title="t", unit="u", row_names=("a", "b"), column_names=("c", "d"))
    assert list(named.layout.yaxis.ticktext) == ["a", "b"]
    assert list(named.layout.xaxis.ticktext) == ["c", "d"]


def test_a_portrait_is_the_array_in_colour():
    assert pixels(portrait(np.eye(5, 7, dtype=np.float32), False)).shape == (5, 7, 3)
    coloured = np.zeros((5, 7, 3), np.uint8)
    coloured[1, 2] = 10, 20, 30
    assert (pixels(portrait(coloured, False)) == coloured).all()
    assert (pixels(portrait(coloured / np.float32(255), True)) == coloured).all()


def test_pictures_in_colour_stay_as_they_are():
    two = np.zeros((2, 28, 28, 3), np.float32)
    two[1] = (1.0, 0.5, 2.0)
    found = mosaic(two, False, columns=2, signed=False)
    shown = pixels(found.png)
    assert shown[5, 5].tolist() == [0, 0, 0]
    assert shown[5, found.cell[1] + 5].tolist() == [255, 128, 255]
