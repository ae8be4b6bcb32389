"""From a visitor's picture to the network's array: MNIST's frame, kept where it is there, made where it is not."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw

from models import decode, ink
from models.data import mnist
from models.data.probe import probe
from models.paper import BadInput, Image

DIGITS = tuple("0123456789")
PLAIN = Image(1, (28, 28), DIGITS)
LENET = Image(1, (32, 32), DIGITS, mean=(0.1 / 1.275,), std=(1 / 1.275,))
RETINA = Image(1, (28, 28), DIGITS, binary=True)
PHOTO = Image(3, (32, 32), DIGITS, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.5), ink=False)
KINDS = pytest.mark.parametrize("kind", (PLAIN, LENET, RETINA), ids=("28", "32", "binary"))


def saved(picture: Pictures.Image, form: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def framed(source, kind: Image = PLAIN) -> np.ndarray:
    """The picture before normalisation."""
    return kind.steps(source)[-2].pixels


def names(source, kind: Image = PLAIN) -> list[str]:
    return [step.name for step in kind.steps(source)]


def paper_with_l(height: int = 300, width: int = 220, ground: float = 0.9, pen: float = 0.2) -> np.ndarray:
    """A capital L with strokes 20 wide, corner at the left below: its frame can be worked out by hand."""
    sheet = np.full((height, width), ground, np.float32)
    sheet[60:240, 50:70] = pen
    sheet[220:240, 50:150] = pen
    return sheet


@KINDS
def test_every_probe_digit_is_kept_pixel_by_pixel(kind):
    digits = probe("mnist").images
    quick = kind.from_pixels(digits)
    for digit, want in zip(digits, quick, strict=True):
        x = kind.parse(Pictures.fromarray(digit))
        assert x.dtype == np.float32
        assert np.array_equal(x[0], want)


@pytest.mark.data
@KINDS
def test_every_test_digit_is_kept_pixel_by_pixel(kind):
    digits = mnist.read("test")[0]
    quick = kind.from_pixels(digits)
    assert [i for i, digit in enumerate(digits) if not np.array_equal(kind.parse(digit)[0], quick[i])] == []


def test_a_kept_digit_says_so_and_is_the_same_in_all_wrappings():
    digit = probe("mnist").images[3]
    want = digit / np.float32(255)
    colour = np.repeat(digit[..., None], 3, -1)
    for source in (digit, digit / 255.0, colour, saved(Pictures.fromarray(digit)), saved(Pictures.fromarray(colour))):
        assert np.array_equal(framed(source), want)
    step = PLAIN.steps(digit)[1]
    assert step.name == "frame"
    assert "kept pixel by pixel" in step.what


def test_a_digit_in_dark_ink_gives_the_same_as_in_light_ink():
    for digit in probe("mnist").images[:60]:
        stretched = digit / np.float32(digit.max())
        assert np.abs(framed(255 - digit) - stretched).max() < 1e-6
        larger = np.pad(digit, ((11, 2), (3, 9)))
        assert np.abs(framed(larger) - stretched).max() < 1e-6


def test_the_frame_of_an_l_worked_out_by_hand():
    # 180 x 100 pixels become 20 x 11, the stroke 20 * 20 / 180 = 2.2 pixels. Mass: 180*20 at (150, 60) and 80*20 at
    # (230, 110), in the middle (174.6, 75.4): of the box (114.6 / 180, 25.4 / 100) = rows 12.7, columns 2.8 of 20 x 11.
    mark = framed(paper_with_l())
    (y0, y1), (x0, x1) = ink.bounds(mark > 0)
    assert (y1 - y0, x1 - x0) == (20, 11)
    assert (y0, x0) == (14 - 12, 14 - 2)  # the centre of mass lies at row 12.2, column 2.3 of the box, counted from 0
    assert mark[y0:y1, x0 : x0 + 2].min() > 0.95
    assert mark[y0:16, x0 + 4 :].max() == 0
    assert mark.max() == 1


def test_the_steps_have_names_sentences_and_the_inputs_numbers():
    colour = np.repeat((paper_with_l() * 255).astype(np.uint8)[..., None], 3, -1)
    steps = RETINA.steps(colour)
    found = "picture as given, grey, inversion, lighting, crop, scale, centre of mass, threshold, normalisation"
    assert ", ".join(step.name for step in steps) == found
    for step in steps:
        assert step.what[0].isupper()
        assert step.what.endswith(".")
        assert any(c.isdigit() for c in step.what)
        assert step.pixels.dtype == np.float32
        assert step.pixels.ndim in (2, 3)
    assert "220 x 300 pixels" in steps[0].what
    assert "100 x 180 of 220 x 300 pixels" in steps[4].what
    assert set(np.unique(steps[-2].pixels)) == {0, 1}


def test_a_32_pixel_network_sees_the_28_pixel_frame_in_the_middle():
    small, large = framed(paper_with_l()), framed(paper_with_l(), LENET)
    assert large.shape == (32, 32)
    assert np.array_equal(large[2:30, 2:30], small)
    assert large.sum() == small.sum()
    x = LENET.parse(paper_with_l())
    assert x.shape == (1, 1, 32, 32)
    assert x.min() == pytest.approx(-0.1, abs=1e-6)
    assert x.max() == pytest.approx(1.175, abs=1e-6)


def lit(sheet: np.ndarray, seed: int = 0) -> np.ndarray:
    """A photo of the sheet: light from one side, a shadow, noise."""
    y, x = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]]
    light = 1 - 0.5 * x / sheet.shape[1] - 0.2 * y / sheet.shape[0]
    return np.clip(sheet * light + np.random.default_rng(seed).normal(0, 0.015, sheet.shape), 0, 1)


def test_uneven_light_and_noise_change_little():
    clean, photo = framed(paper_with_l()), framed(lit(paper_with_l()))
    assert np.abs(photo - clean).mean() < 0.02
    assert "lighting" in names(lit(paper_with_l()))


def test_chalk_is_found_to_be_light_and_a_pen_to_be_dark():
    for sheet, word in ((lit(paper_with_l()), "swapped"), (lit(paper_with_l(ground=0.15, pen=0.8)), "nothing")):
        step = next(s for s in PLAIN.steps(sheet) if s.name == "inversion")
        assert word in step.what
        assert np.abs(framed(sheet) - framed(paper_with_l())).mean() < 0.02


def test_specks_and_a_table_edge_are_left_out():
    sheet = lit(paper_with_l())
    sheet[20:24, 190:194] = 0
    sheet[:, :12] = 0.1
    assert np.abs(framed(sheet) - framed(paper_with_l())).mean() < 0.02


def test_a_sheet_on_a_dark_table_is_cut_out():
    table = np.full((400, 400), 0.2, np.float32)
    table[40:340, 90:310] = paper_with_l()
    table = lit(table)
    assert "sheet" in names(table)
    assert np.abs(framed(table) - framed(paper_with_l())).mean() < 0.03


def test_thin_strokes_are_thickened_and_very_thick_ones_thinned():
    def stroke_of(width: int) -> float:
        picture = Pictures.new("L", (400, 400), 255)
        ImageDraw.Draw(picture).line((200, 50, 200, 350), fill=0, width=width)
        return float(framed(picture)[14].sum())

    widths = [stroke_of(width) for width in (3, 45, 90)]
    assert widths == pytest.approx([2.2, 45 * 20 / 301, 3.4], abs=0.5)


def test_ink_of_a_colour_as_bright_as_its_ground_is_found_in_one_channel():
    sheet = np.full((200, 160, 3), (0.99, 0.95, 0.9), np.float32)
    sheet[40:160, 70:90] = (0.99, 0.95, 0.1)  # a yellow pen: its luma is hardly less
    steps = PLAIN.steps(sheet)
    assert "Only blue is taken" in steps[1].what
    assert framed(sheet).max() == 1


@pytest.mark.parametrize("shade", (0, 0.5, 1))
@pytest.mark.parametrize("size", ((28, 28), (300, 400), (1, 1), (1, 900)))
def test_a_blank_picture_has_no_mark(size, shade):
    with pytest.raises(BadInput, match=r"^There is no mark in this picture: .*\.$"):
        PLAIN.parse(np.full(size, shade))


def test_blank_paper_in_a_photo_has_no_mark():
    for seed in range(5):
        with pytest.raises(BadInput, match="no mark"):
            PLAIN.parse(lit(np.full((300, 220), 0.9, np.float32), seed))


def test_exif_turns_the_picture_upright():
    sheet = Pictures.fromarray((paper_with_l() * 255).astype(np.uint8))
    lying = sheet.transpose(Pictures.Transpose.ROTATE_90)
    exif = Pictures.Exif()
    exif[0x0112] = 6
    data = saved(lying, "JPEG", exif=exif, quality=95)
    assert "turned upright" in PLAIN.steps(data)[0].what
    assert np.abs(framed(data) - framed(sheet)).mean() < 0.01


def test_transparency_is_laid_on_white_and_white_ink_on_black():
    for colour, ground in ((0, "white"), (255, "black")):
        picture = np.zeros((300, 220, 4), np.uint8)
        picture[..., :3] = colour
        picture[..., 3] = (paper_with_l() < 0.5) * 255
        assert f"laid on {ground}" in PLAIN.steps(picture)[0].what
        assert np.abs(framed(picture) - framed(paper_with_l())).max() < 0.02


def test_a_photograph_is_cut_to_the_middle_and_resized_by_areas():
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = np.repeat(np.repeat(np.arange(32)[:, None] * 8 % 256, 2, 0), 64, 1)[..., None]
    assert names(wide, PHOTO) == ["picture as given", "crop", "scale", "normalisation"]
    assert np.allclose(framed(wide, PHOTO)[:, 0, 0] * 255, np.arange(32) * 8, atol=1e-3)
    x = PHOTO.parse(np.full((32, 32, 3), 255, np.uint8))
    assert x.shape == (1, 3, 32, 32)
    assert np.allclose(x[0, :, 0, 0], (2.5, 2.4, 1.4))
    assert np.array_equal(PHOTO.parse(np.full((50, 40), 255, np.uint8)), x)  # grey goes to all three


def test_a_photograph_of_the_right_size_is_kept():
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    assert np.array_equal(PHOTO.parse(saved(Pictures.fromarray(picture))), PHOTO.from_pixels(picture[None]))


def test_a_grey_network_of_photographs_takes_the_luma():
    grey = Image(1, (8, 8), DIGITS, ink=False)
    x = grey.parse(np.full((8, 8, 3), (255, 0, 0), np.uint8))
    assert np.allclose(x, 0.299)


def test_the_picture_given_is_left_as_it_was():
    picture = Pictures.fromarray((np.random.default_rng(0).random((900, 1200)) * 255).astype(np.uint8))
    before = picture.tobytes()
    assert max(decode.decode(picture).size) <= decode.SIDE
    assert picture.size == (1200, 900)
    assert picture.tobytes() == before


def test_a_path_is_read_and_a_missing_one_said(tmp_path):
    path = tmp_path / "digit.txt"  # the name does not matter
    path.write_bytes(saved(Pictures.fromarray(probe("mnist").images[0])))
    assert np.array_equal(PLAIN.parse(str(path)), PLAIN.from_pixels(probe("mnist").images[:1]))
    for wrong in (str(tmp_path / "none.png"), str(tmp_path), "/dev/zero", "a\0b", "x" * 5000, ""):
        with pytest.raises(BadInput, match="There is no readable file"):
            PLAIN.parse(wrong)


def test_a_photo_of_twelve_megapixels_takes_less_than_a_second():
    sheet = Pictures.fromarray((lit(paper_with_l()) * 255).astype(np.uint8)).resize((3000, 4000))
    data = saved(sheet.convert("RGB"), "JPEG", quality=85)
    started = time.process_time()
    mark = framed(data)
    assert time.process_time() - started < 1
    assert np.abs(mark - framed(paper_with_l())).mean() < 0.03
