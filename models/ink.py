"""Find the mark in a grey picture: which of light and dark is ink, the ground taken away, dust and surroundings left out.

A drawing or scan has an even ground and needs little. A photograph of paper has shadows, noise, dust and table edges.
"""

from __future__ import annotations

import numpy as np
from PIL import Image as Pictures
from scipy import ndimage

from models.paper import BadInput, Step

Array = np.ndarray

SMALL = 64  # pixels; pictures up to this side are taken at their word: no lighting, no dust
EVEN = 0.015  # of 0..1; how much the ground of a drawing or screenshot may vary
FAINT = 0.08  # of 0..1; a mark that stands out less than this is none
BLIND = "There is no mark in this picture: draw or photograph one digit, dark on a light ground or light on a dark one."
EIGHT = np.ones((3, 3), bool)  # diagonal neighbours belong together, too


def find(grey: Array) -> list[Step]:
    """(h, w) in 0..1 -> steps of which the last is the ink alone, 1 where it is strongest, 0 around. Raises BadInput."""
    if np.ptp(grey) < FAINT:
        raise BadInput(BLIND)
    even, taken = _is_even(grey), []
    if not even and (cut := _sheet(grey)):
        (y0, y1), (x0, x1) = cut
        grey = grey[y0:y1, x0:x1]
        what = f"A sheet of {x1 - x0} x {y1 - y0} pixels lies before another ground: what is around it is cut off."
        taken.append(Step("sheet", what, grey))
    dark = _ink_is_dark(grey)
    side, ink = ("light", "dark: the two are swapped") if dark else ("dark", "light already: nothing is swapped")
    what = f"The ground is {side} ({np.median(border(grey)):.2f} of 1 at the border) and the ink {ink}."
    v = 1 - grey if dark else grey
    taken.append(Step("inversion", what, v))
    return [*taken, _drawn(v) if even else _photographed(v)]


def bounds(mask: Array) -> tuple[tuple[int, int], tuple[int, int]]:
    """First row and last row + 1, first column and last column + 1 of what is set."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def border(v: Array) -> Array:
    """The values of a frame around the picture, one fiftieth of its smaller side wide."""
    n = max(1, min(v.shape) // 50)
    return np.concatenate([v[:n].ravel(), v[-n:].ravel(), v[:, :n].ravel(), v[:, -n:].ravel()])


def within(shape: tuple[int, ...], side: int, always: bool = False) -> tuple[int, int]:
    """(width, height) of the same aspect whose larger side is `side`; smaller pictures stay unless `always`."""
    h, w = shape[:2]
    scale = side / max(h, w)
    return (max(1, round(w * scale)), max(1, round(h * scale))) if always or scale < 1 else (w, h)


def resize(v: Array, size: tuple[int, int]) -> Array:
    """(h, w) or (h, w, c) in 0..1 to (width, height): areas averaged on the way down, bicubic on the way up."""
    h, w = v.shape[:2]
    if (w, h) == size:
        return v
    if v.ndim == 3:
        return np.stack([resize(plane, size) for plane in np.moveaxis(v, -1, 0)], -1)
    way = Pictures.Resampling.BICUBIC if max(size) > max(h, w) else Pictures.Resampling.BOX
    return np.clip(np.asarray(Pictures.fromarray(v.astype(np.float32)).resize(size, way)), 0, 1)


def _is_even(v: Array) -> bool:
    """Whether most of the border has one brightness, as in drawings and screenshots; ink may run over the rest of it."""
    edge = border(v)
    return max(v.shape) <= SMALL or bool((np.abs(edge - np.median(edge)) < EVEN).mean() >= 0.5)


def _ink_is_dark(grey: Array) -> bool:
    """Ink is what departs from the brightness that is usual around it, be it paper in shadow or a blackboard."""
    coarse = resize(grey, within(grey.shape, 48))
    window = 2 * (max(coarse.shape) // 5) + 1
    usual = float(np.median(border(grey))) if _is_even(grey) else ndimage.median_filter(coarse, window, mode="reflect")
    apart = coarse - usual
    return bool((apart[apart < 0] ** 2).sum() > (apart[apart > 0] ** 2).sum())


def _drawn(v: Array) -> Step:
    """Light ink on an even ground: the ground is subtracted, the rest stretched; dust goes from larger pictures."""
    ground = float(np.median(border(v)))
    m = np.clip(v - ground, 0, None)
    top = float(m.max())
    if top < FAINT:
        raise BadInput(BLIND)
    if max(v.shape) > SMALL:
        m[m < FAINT / 2] = 0  # the ripples of JPEG
        mask = _marks(m, 0.3 * top)
        if not mask.any():
            raise BadInput(BLIND)
        m *= _grown(mask)
    return Step("lighting", f"The ground is even; the ink, {top:.2f} above it at most, is stretched to 1.", m / top)


def _photographed(v: Array) -> Step:
    """Light ink on an uneven ground, with noise, dust, and things that reach in over the border."""
    ground = _lighting(v)
    smooth = ndimage.uniform_filter(v, max(3, max(v.shape) // 250))
    m = (smooth - ground) / np.maximum(1 - ground, 0.3)
    m = _cleared(m)
    mask = _marks(m, _threshold(m))
    strong = float(np.median(m[mask])) if mask.any() else 0.0
    if strong < FAINT:
        raise BadInput(BLIND)
    m = np.clip((m / strong - 0.25) / 0.6, 0, 1) * _grown(mask)
    span = float(np.ptp(ground))
    what = f"The ground varies by {span:.2f} across the picture: it is taken away, and specks with it."
    return Step("lighting", what, m)


def _lighting(v: Array) -> Array:
    """The ground under light ink: an opening wider than a stroke, smoothed; computed on a small copy.

    Light that rises towards the border goes on rising beyond it, or the opening would leave its edge as ink.
    """
    coarse = ndimage.median_filter(resize(v, within(v.shape, 128)), 3)
    wide = max(3, round(0.3 * max(coarse.shape)))
    pads = [min(wide, n - 1) for n in coarse.shape]
    beyond = np.pad(coarse, [(n, n) for n in pads], mode="reflect", reflect_type="odd")
    ground = ndimage.uniform_filter(ndimage.grey_opening(beyond, wide), max(3, wide // 3))
    inner = tuple(slice(n, n + size) for n, size in zip(pads, coarse.shape, strict=True))
    return resize(ground[inner], v.shape[::-1])


def _threshold(m: Array) -> float:
    """Less than half of strong ink; more than 1 where there is nothing but noise."""
    usual = float(np.median(m))
    noise = usual - float(np.percentile(m, 16))  # one standard deviation, from the side where no ink is
    inked = m[m > usual + max(FAINT, 5 * noise)]
    return 0.45 * float(np.percentile(inked, 90)) if inked.size else 2.0


def _cleared(m: Array) -> Array:
    """Without what reaches in over the border (a table, a finger), if something is left then."""
    labels, _ = ndimage.label(m > _threshold(m), EIGHT)
    areas = np.bincount(labels.ravel())
    areas[np.unique(border(labels))] = 0
    if not (areas[1:] > 3e-4 * m.size).any():
        return m
    return np.where((areas == 0)[labels] & (labels > 0), 0, m)


def _marks(m: Array, threshold: float) -> Array:
    """Where the ink is: strong enough, and in no speck."""
    labels, count = ndimage.label(m > threshold, EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    return (areas > max(0.03 * areas.max(), 4, 1e-4 * m.size))[labels]


def _grown(mask: Array) -> Array:
    """The mask and a little around it: the soft edge of the stroke."""
    return ndimage.binary_dilation(mask, EIGHT, iterations=max(2, max(mask.shape) // 200))


def _sheet(grey: Array) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The bounds of a rectangular sheet with something on it, lying in front of a ground of the other brightness."""
    size = within(grey.shape, 96)
    for v in (resize(grey, size), 1 - resize(grey, size)):
        labels, _ = ndimage.label(v > _otsu(v))
        areas = np.bincount(labels.ravel())
        areas[0] = 0
        part = labels == areas.argmax()
        whole = ndimage.binary_fill_holes(part)
        holes = 1 - part.sum() / whole.sum()
        if whole.mean() < 0.15 or border(whole).mean() > 0.15 or not 0.003 < holes < 0.2 or _squareness(whole) < 0.85:
            continue
        inside = whole & ~ndimage.binary_erosion(whole, EIGHT, iterations=2)
        outside = ~whole & ndimage.binary_dilation(whole, EIGHT, iterations=2)
        if v[outside].mean() < 0.6 * v[inside].mean():
            core = ndimage.binary_erosion(whole, EIGHT, iterations=2)
            scale = grey.shape[0] / size[1]
            (y0, y1), (x0, x1) = bounds(core)
            return (int(y0 * scale), int(y1 * scale)), (int(x0 * scale), int(x1 * scale))
    return None


def _squareness(mask: Array) -> float:
    """Area over that of the smallest rectangle around: 1 for a rectangle however it is turned, 0.79 for an ellipse."""
    y, x = np.nonzero(mask)
    turns = np.deg2rad(np.arange(0, 90, 5))[:, None]
    across, down = np.cos(turns) * x + np.sin(turns) * y, np.cos(turns) * y - np.sin(turns) * x
    return float(mask.sum() / ((np.ptp(across, axis=1) + 1) * (np.ptp(down, axis=1) + 1)).min())


def _otsu(v: Array) -> float:
    """The threshold that splits the values into the two classes that lie farthest apart (Otsu 1979)."""
    counts, edges = np.histogram(v, 64)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    above = v.size - below
    mean = np.cumsum(counts * middles)[:-1]
    apart = below * above * (mean / np.maximum(below, 1) - (counts @ middles - mean) / np.maximum(above, 1)) ** 2
    return float(edges[1 + int(apart.argmax())])
