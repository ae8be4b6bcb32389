"""Pictures for the networks of photographs, of the classes of CIFAR-10: renderings of our own, no picture of any data set.

Each is an emoji (Fluent Emoji by Microsoft, MIT licence) that stands in a landscape drawn by this program.
`python -m models.data.scenes` writes ten of them into `sample_files`, beside their licence; `crowd` paints the probe set,
fifty a class. Both read the emoji set.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image

from models.data.samples import FILES
from models.paper import Sample

Array = np.ndarray
SIDE = 128  # pixels: four times the side of what the networks see
VENDOR = "fluent-3d"
Y, X = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]


def _blurred(values: np.ndarray, sigma: float | tuple[float, float], mode: str = "wrap") -> np.ndarray:
    from scipy.ndimage import gaussian_filter  # it takes a second, which cards that only name the samples do without

    return gaussian_filter(values, sigma, mode=mode)


def grain(chance: np.random.Generator, down: float, across: float) -> Array:
    """(SIDE, SIDE): noise of mean 0 and deviation 1 whose spots have about that many pixels."""
    noise = _blurred(chance.normal(0, 1, (SIDE, SIDE)), (down, across))
    return (noise - noise.mean()) / noise.std()


def fade(top: tuple[float, ...], bottom: tuple[float, ...], depth: Array) -> Array:
    """(SIDE, SIDE, 3): from one colour to another as `depth` goes from 0 to 1."""
    return np.array(top) + depth[..., None] * (np.array(bottom) - np.array(top))


def over(back: Array, front: Array, where: Array) -> Array:
    """`front` where `where` is 1, `back` where it is 0."""
    return back + where[..., None] * (front - back)


def below(line: float, hills: Array | float = 0.0) -> Array:
    """1 below the height `line`, 0 above, with a soft edge."""
    return np.clip((Y - line - hills) * SIDE / 2 + 0.5, 0, 1)


def sky(chance: np.random.Generator) -> Array:
    """Blue, paler downwards, with clouds."""
    clouds = np.clip(0.35 * grain(chance, 7, 16) + 0.1 * grain(chance, 2, 4) - 0.05, 0, 0.75)
    return over(fade((0.36, 0.56, 0.82), (0.72, 0.83, 0.93), Y), np.ones((SIDE, SIDE, 3)) * 0.96, clouds)


def meadow(chance: np.random.Generator) -> Array:
    """Grass, darker and finer in the distance, under dark trees."""
    blades = 0.05 * grain(chance, 2.5, 0.8) + 0.05 * grain(chance, 5, 9)
    grass = fade((0.3, 0.4, 0.18), (0.48, 0.57, 0.26), Y) + blades[..., None] * np.array([1.0, 1.0, 0.6])
    trees = fade((0.14, 0.21, 0.12), (0.2, 0.28, 0.15), Y) + 0.06 * grain(chance, 4, 3)[..., None]
    return over(trees, grass, below(0.42, 0.02 * grain(chance, 90, 6)))


def pasture(chance: np.random.Generator) -> Array:
    """Dry grass under a pale sky, hills between them."""
    grass = fade((0.52, 0.54, 0.3), (0.44, 0.5, 0.24), Y) + 0.05 * grain(chance, 1.5, 3)[..., None]
    hills = fade((0.4, 0.47, 0.45), (0.36, 0.44, 0.34), Y) + 0.03 * grain(chance, 3, 3)[..., None]
    land = over(hills, grass, below(0.55))
    return over(fade((0.62, 0.73, 0.84), (0.85, 0.87, 0.86), Y), land, below(0.38, 0.03 * grain(chance, 90, 14)))


def sea(chance: np.random.Generator) -> Array:
    """Waves up to a straight horizon."""
    waves = 0.05 * grain(chance, 1.2, 7) + 0.03 * grain(chance, 3, 14)
    water = fade((0.3, 0.46, 0.58), (0.12, 0.28, 0.42), Y) + waves[..., None]
    return over(sky(chance), water, below(0.6))


def street(chance: np.random.Generator) -> Array:
    """Asphalt, a kerb, and behind it a wall with bushes."""
    asphalt = fade((0.46, 0.46, 0.47), (0.36, 0.36, 0.37), Y) + 0.025 * grain(chance, 0.7, 0.9)[..., None]
    wall = fade((0.78, 0.76, 0.7), (0.66, 0.63, 0.58), Y) + 0.02 * grain(chance, 1, 6)[..., None]
    bushes = fade((0.25, 0.34, 0.2), (0.2, 0.28, 0.16), Y) + 0.06 * grain(chance, 2, 2)[..., None]
    back = over(wall, bushes, below(0.4, 0.04 * grain(chance, 90, 7)))
    kerb = np.ones((SIDE, SIDE, 3)) * 0.7
    return over(over(back, kerb, below(0.6)), asphalt, below(0.635))


def room(chance: np.random.Generator) -> Array:
    """A wooden floor and a wall with light from one side."""
    wood = np.array([0.55, 0.41, 0.28]) + 0.04 * grain(chance, 1, 14)[..., None] * np.array([1.0, 0.9, 0.7])
    wood = wood * (1 - 0.25 * (np.abs((Y * 9) % 1 - 0.5) > 0.46))[..., None]
    wall = fade((0.78, 0.76, 0.72), (0.6, 0.58, 0.55), X) + 0.01 * grain(chance, 2, 2)[..., None]
    return over(wall, wood, below(0.58))


def pond(chance: np.random.Generator) -> Array:
    """Leaves and mud, seen from above."""
    mud = np.array([0.34, 0.32, 0.2]) + 0.06 * grain(chance, 3, 3)[..., None]
    leaves = np.array([0.3, 0.4, 0.17]) + 0.06 * grain(chance, 2, 3)[..., None]
    return over(mud, leaves, np.clip(0.5 + 1.5 * grain(chance, 8, 10), 0, 1))


@dataclass(frozen=True)
class Scene:
    """Who stands where: the emoji's code point, its landscape, its middle and its larger side as shares of the picture."""

    name: str
    hexcode: str
    ground: Callable[[np.random.Generator], Array]
    middle: tuple[float, float]  # down, across
    size: float
    keep: float = 1.0  # the upper share of the emoji that is used: the rising airplane without its runway
    mirrored: bool = False
    shadow: float = 0.4  # how dark the ground under it is
    seed: int = 0
    light: float = 1.0  # of the whole picture


SCENES = (
    Scene("airplane", "1F6EB", sky, (0.5, 0.5), 0.88, keep=0.7, shadow=0),
    Scene("automobile", "1F697", street, (0.6, 0.5), 0.86),
    Scene("bird", "1F986", meadow, (0.54, 0.5), 0.78),
    Scene("cat", "1F408", room, (0.53, 0.5), 0.82),
    Scene("deer", "1F98C", meadow, (0.52, 0.5), 0.88),
    Scene("dog", "1F415", meadow, (0.54, 0.5), 0.8, mirrored=True),
    Scene("frog", "1F438", pond, (0.52, 0.5), 0.76),
    Scene("horse", "1F40E", pasture, (0.52, 0.5), 0.88, mirrored=True),
    Scene("ship", "1F6A2", sea, (0.5, 0.5), 0.86, shadow=0),
    Scene("truck", "1F69B", street, (0.55, 0.5), 0.9),
)

Ground = Callable[[np.random.Generator], Array]

KINDS: dict[str, tuple[str, tuple[Ground, ...]]] = {  # who else stands for a class, and where
    "airplane": ("1F6EB 2708 1F6E9", (sky,)),
    "automobile": ("1F697 1F698 1F699 1F695 1F696", (street,)),
    "bird": ("1F986 1F426 1F985 1F99C 1F54A 1F9A2 1F413", (meadow, pasture, sky)),
    "cat": ("1F408 1F431 1F408-200D-2B1B", (room, meadow)),
    "deer": ("1F98C", (meadow, pasture)),
    "dog": ("1F415 1F436 1F429 1F9AE", (meadow, room, pasture)),
    "frog": ("1F438", (pond, meadow)),
    "horse": ("1F40E 1F434", (pasture, meadow)),
    "ship": ("1F6A2 1F6F3 26F4 1F6E5 26F5", (sea,)),
    "truck": ("1F69A 1F69B 1F692 1F6FB", (street,)),
}

SAMPLES = tuple(Sample(scene.name, f"{scene.name}.jpg") for scene in SCENES)
LICENCE = "scenes-licence.txt"


@cache
def emoji(hexcode: str) -> Image.Image:
    """The picture of one emoji, 64x64 with transparency. Raises DataMissing."""
    import pyarrow.parquet as pq

    from models.data import folder, need

    path = need(folder() / "emoji" / "images.parquet")
    table = pq.read_table(path, filters=[("vendor", "=", VENDOR), ("hexcode", "=", hexcode)])
    return Image.open(io.BytesIO(table["image"][0].as_py()["bytes"])).convert("RGBA")


def paint(scene: Scene) -> Array:
    """(SIDE, SIDE, 3) in 0..1: landscape, shadow on the ground, emoji, and the noise of a small camera."""
    chance = np.random.default_rng(sum(scene.name.encode()) + 10_000 * scene.seed)
    canvas = scene.ground(chance)
    figure = emoji(scene.hexcode)
    figure = figure.crop((0, 0, figure.width, round(figure.height * scene.keep)))
    figure = figure.crop(figure.getbbox())
    scale = scene.size * SIDE / max(figure.size)
    width, height = (round(side * scale) for side in figure.size)
    figure = figure.resize((width, height), Image.Resampling.LANCZOS)
    if scene.mirrored:
        figure = figure.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    top, left = round(scene.middle[0] * SIDE - height / 2), round(scene.middle[1] * SIDE - width / 2)
    foot = (top + height) / SIDE - 0.02
    under = np.exp(-(((Y - foot) / 0.035) ** 2) - ((X - scene.middle[1]) / (0.4 * width / SIDE)) ** 4)
    canvas = canvas * (1 - scene.shadow * under[..., None])
    layer = np.zeros((SIDE, SIDE, 4))
    layer[top : top + height, left : left + width] = np.asarray(figure) / 255
    colour, cover = layer[..., :3], _blurred(layer[..., 3], 0.6, "reflect") * (layer[..., 3] > 0)
    grey = colour.mean(-1, keepdims=True)
    lit = (grey + 0.75 * (colour - grey)) * 0.93  # toys' colours, toned down to those of a photograph
    return scene.light * over(canvas, lit, cover) + chance.normal(0, 0.012, (SIDE, SIDE, 1))


def crowd(each: int) -> Iterator[Scene]:
    """`each` scenes of every class, the classes taking turns, each drawn by lot from its seed and nothing else."""
    for seed in range(1, each + 1):
        for scene in SCENES:
            chance = np.random.default_rng([seed, *scene.name.encode()])
            codes, grounds = KINDS[scene.name]
            code = str(chance.choice(codes.split()))
            size = scene.size * chance.uniform(0.7, 1.0)
            margin = (0.98 - size) / 2
            down, across = (
                float(np.clip(m + chance.normal(0, 0.05), 0.5 - margin, 0.5 + margin)) for m in scene.middle
            )
            yield replace(
                scene,
                hexcode=code,
                ground=grounds[int(chance.integers(len(grounds)))],
                middle=(down, across),
                size=size,
                keep=scene.keep if code == scene.hexcode else 1.0,
                mirrored=bool(chance.random() < 0.5),
                seed=seed,
                light=float(chance.uniform(0.8, 1.1)),
            )


def small(scene: Scene, side: int = 32) -> np.ndarray:
    """A scene as the networks' photographs are: uint8 (side, side, 3), every point the mean of those it covers."""
    cell = SIDE // side
    mean = np.clip(paint(scene), 0, 1).reshape(side, cell, side, cell, 3).mean((1, 3))
    return np.rint(255 * mean).astype(np.uint8)


def file(scene: Scene) -> bytes:
    """The bytes of one picture, the same at every call."""
    picture = Image.fromarray(np.rint(np.clip(paint(scene), 0, 1) * 255).astype(np.uint8))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


def make() -> None:
    """Write all pictures into `sample_files`. Raises DataMissing."""
    FILES.mkdir(exist_ok=True)
    for scene, sample in zip(SCENES, SAMPLES, strict=True):
        (FILES / sample.source).write_bytes(file(scene))


if __name__ == "__main__":
    make()
