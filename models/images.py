"""From a visitor's picture to what the network sees, in steps that have a name and a sentence each.

For ink (digits) the frame is MNIST's (LeCun et al. 1998, section III.A): the mark, light on dark, scaled so that its
larger side fills a box of 20 pixels, is laid into 28 x 28 with its centre of mass in the middle. A picture that already
has this form is kept pixel by pixel. Photographs are cropped to the middle and resized.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from models import decode, ink
from models.paper import Image, Step

Array = np.ndarray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
FINE = 8  # a mark is worked on at this many times its final size
# Pixels of the final size: strokes outside the first and the last of these widths are brought to the one beside it.
PEN = (1.5, 2.2, 3.4, 4.3)


def steps(image: Image, source: decode.Source) -> tuple[Step, ...]:
    """Every step from the source to the normalised array; the one before the last is the framed picture, in 0..1."""
    picture, told = decode.read(source)
    given = np.asarray(picture) / np.float32(255)
    taken = [Step("picture as given", told, given), *(_ink(image, given) if image.ink else _photograph(image, given))]
    if image.binary:
        on = (taken[-1].pixels >= 0.5).astype(np.float32)
        what = f"Points of at least half the full ink are on, {int(on.sum()):,} of {on.size:,}, all others are off."
        taken.append(Step("threshold", what, on))
    x = to_network(image, taken[-1].pixels)[0]
    mean, std = (", ".join(f"{v:.4g}" for v in values) for values in (image.mean, image.std))
    what = f"The mean {mean} is taken away and the rest divided by {std}: values from {x.min():.2f} to {x.max():.2f}."
    taken.append(Step("normalisation", what, x[0] if image.channels == 1 else np.moveaxis(x, 0, -1)))
    return tuple(taken)


def to_network(image: Image, pixels: Array) -> Array:
    """A framed picture, (height, width) or (height, width, channels) in 0..1 -> float32 (1, channels, height, width)."""
    v = np.moveaxis(np.atleast_3d(pixels), -1, 0)
    return image.normalise(np.broadcast_to(v, image.shape)[None])


def _photograph(image: Image, given: Array) -> list[Step]:
    taken = []
    if image.channels == 1 and given.ndim == 3:
        given, what = _grey(given, False)
        taken.append(Step("grey", what, given))
    elif image.channels == 3 and given.ndim == 2:
        given = np.repeat(given[..., None], 3, -1)
        taken.append(Step("colour", "The grey picture is given to red, green and blue alike.", given))
    height, width = image.size
    had = given.shape[:2]
    if had == image.size:
        what = f"The picture already has {width} x {height} pixels: it is kept as it is."
        return [*taken, Step("frame", what, given)]
    scale = min(had[0] / height, had[1] / width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (had[0] - h) // 2, (had[1] - w) // 2
    given = given[top : top + h, left : left + w]
    taken.append(Step("crop", f"The middle is cut out: {w} x {h} of {had[1]} x {had[0]} pixels.", given))
    given = ink.resize(given, (width, height))
    taken.append(Step("scale", f"{w} x {h} pixels become {width} x {height}.", given))
    return taken


def _ink(image: Image, given: Array) -> list[Step]:
    """The steps from the picture to the mark, laid out as in MNIST."""
    frame = image.box * 7 // 5  # 28 for MNIST's box of 20
    grey, what = _grey(given, True) if given.ndim == 3 else (given, "")
    if grey.shape == (frame, frame) and _is_framed(grey, image.box):
        what = f"The picture already is a digit of MNIST's form, {frame} x {frame}: it is kept pixel by pixel."
        return [Step("frame", what, _pad(grey, image.size))]
    taken = [Step("grey", what, grey)] if given.ndim == 3 else []
    taken += ink.find(grey)
    mark, what = _crop(taken[-1].pixels)
    taken.append(Step("crop", what, mark))
    mark, what = _scale(mark, image.box)
    taken.append(Step("scale", what, mark))
    framed, what = _centre(mark, frame)
    taken.append(Step("centre of mass", what, _pad(framed, image.size)))
    return taken


def _grey(given: Array, marked: bool) -> tuple[Array, str]:
    """(h, w, 3) -> (h, w): the luma, or for ink the one of red, green and blue that shows the mark far better."""
    luma = given[..., 0] if (given == given[..., :1]).all() else given @ LUMA
    if marked:
        planes = (luma, *np.moveaxis(given, -1, 0))
        spread = [float(np.ptp(ink.resize(plane, ink.within(plane.shape, 64)))) for plane in planes]
        best = int(np.argmax(spread[1:]))
        if spread[best + 1] > 1.5 * spread[0]:
            name = ("red", "green", "blue")[best]
            what = f"Only {name} is taken: there the picture varies by {spread[best + 1]:.2f}, in brightness by {spread[0]:.2f}."
            return np.ascontiguousarray(given[..., best]), what
    what = f"Red, green and blue become one brightness, from {luma.min():.2f} to {luma.max():.2f}."
    return luma, what


def _is_framed(grey: Array, box: int) -> bool:
    """Whether ink on zeros has a larger side of `box`, or one pixel less, and its mass in the middle, as in MNIST."""
    if not grey.any():
        return False
    (y0, y1), (x0, x1) = ink.bounds(grey > 0)
    middle = np.array(grey.shape) / 2
    apart = np.abs(np.array(ndimage.center_of_mass(grey)) - middle).max()
    return box - 1 <= max(y1 - y0, x1 - x0) <= box and bool(apart < 0.6)


def _crop(m: Array) -> tuple[Array, str]:
    (y0, y1), (x0, x1) = ink.bounds(m > 0)
    what = f"The mark fills {x1 - x0} x {y1 - y0} of {m.shape[1]} x {m.shape[0]} pixels: the rest is cut off."
    return m[y0:y1, x0:x1], what


def _scale(m: Array, box: int) -> tuple[Array, str]:
    """The larger side becomes `box`; strokes that would be thinner than MNIST's are thickened before."""
    if max(m.shape) == box:
        return m, f"Its larger side has {box} pixels already."
    fine = ink.resize(m, ink.within(m.shape, FINE * box, True))
    fine, told = _penned(fine / fine.max(), box)
    size = ink.within(fine.shape, box, True)
    small = ink.resize(fine, size)
    what = f"Its larger side becomes {box} pixels: {m.shape[1]} x {m.shape[0]} become {size[0]} x {size[1]}{told}."
    return small / small.max(), what


def _penned(m: Array, box: int) -> tuple[Array, str]:
    """The mark as a pen of MNIST's width would have drawn it: thin strokes thickened, very thick ones thinned."""
    mask = np.pad(m > 0.5, 1)
    deep = ndimage.distance_transform_edt(mask)[mask].mean()  # (w / 2 + 1) / 2 pixels for a stroke w pixels wide
    wide = (4 * float(deep) - 2) * box / max(m.shape)
    if PEN[0] <= wide <= PEN[-1]:
        return m, ""
    aim = PEN[1] if wide < PEN[0] else PEN[2]
    grow = (aim - wide) * max(m.shape) / box / 2 / (1 - aim / box)  # pixels at each side of the stroke
    mask = np.pad(m > 0.5, max(1, int(np.ceil(grow)) + 1))
    inside, outside = (ndimage.distance_transform_edt(part) for part in (mask, ~mask))
    drawn = np.clip(grow + np.where(mask, inside, 1 - outside), 0, 1).astype(np.float32)
    (y0, y1), (x0, x1) = ink.bounds(drawn > 0)
    return drawn[y0:y1, x0:x1], f", and strokes {wide:.1f} pixels wide are made {aim:.1f}"


def _centre(m: Array, frame: int) -> tuple[Array, str]:
    """Laid into `frame` x `frame` zeros so that the centre of mass is in the middle, as nearly as whole pixels allow."""
    mass = ndimage.center_of_mass(m)
    at = [min(max(round(frame / 2 - c), 0), frame - n) for c, n in zip(mass, m.shape, strict=True)]
    framed = np.zeros((frame, frame), np.float32)
    framed[at[0] : at[0] + m.shape[0], at[1] : at[1] + m.shape[1]] = m
    y, x = ndimage.center_of_mass(framed)
    what = f"Laid into {frame} x {frame} pixels with its centre of mass at {x:.1f}, {y:.1f}, next to the middle."
    return framed, what


def _pad(framed: Array, size: tuple[int, int]) -> Array:
    """Zeros around, the framed mark in the middle of (height, width)."""
    around = [((want - have) // 2, (want - have + 1) // 2) for want, have in zip(size, framed.shape, strict=True)]
    return np.pad(framed, around)
