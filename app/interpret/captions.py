"""Pictures and texts in one space: how near each lies to each, and which parts of both bring them together.

A network that declares `captions` has `encode_image` and `encode_text`, which give vectors of length 1, and `encode_part`,
which is shown only some patches of a picture (`Paper.captions`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from app.interpret.trace import trace_caption
from models.paper import Paper

PAIRS = 256  # of glimpses: in the second all is to be seen that the first hides
BATCH = 64  # glimpses in one forward pass


@dataclass(frozen=True)
class Likeness:
    """Cosines (pictures, texts) of the angles between them, -1..1, and what they are multiplied by to be scores."""

    cosines: np.ndarray
    scale: float

    @property
    def shares(self) -> np.ndarray:
        """(pictures, texts): probability of each text, were these all the texts that there are."""
        e = np.exp(self.scale * (self.cosines - self.cosines.max(1, keepdims=True)))
        return e / e.sum(1, keepdims=True)


@torch.no_grad()
def likeness(module: Any, paper: Paper, x: np.ndarray, texts: tuple[str, ...]) -> Likeness:
    """Every picture of x (n, channels, height, width) against every text. Raises BadInput."""
    return Likeness(
        (module.encode_image(torch.from_numpy(x)) @ _read(module, paper, texts).T).numpy(), float(module.scale())
    )


@dataclass(frozen=True)
class Glimpses:
    """A picture with half of its patches hidden, over and over: shown (glimpses, patches), vectors (glimpses, units)."""

    shown: np.ndarray  # bool
    vectors: np.ndarray

    def parts(self, vector: np.ndarray) -> tuple[np.ndarray, float]:
        """(rows, columns): what each patch adds to the cosine with `vector` (units,), more than their mean, and the share
        that this explains. As many patches are always shown, so that what all add alike cannot be told.

        The least squares fit of the cosine as a sum over the patches shown, as LIME has it (Ribeiro, Singh, Guestrin 2016,
        arXiv 1602.04938); `explained` is R^2: 1 where patches count on their own and never only together, or where nothing changes.
        """
        cosines = self.vectors @ vector
        told = np.column_stack([self.shown, np.ones(len(cosines))])
        fit = np.linalg.lstsq(told, cosines, rcond=None)[0]
        spread = float(((cosines - cosines.mean()) ** 2).sum())
        missed = float(((cosines - told @ fit) ** 2).sum())
        side = round(self.shown.shape[1] ** 0.5)
        added = fit[:-1] - fit[:-1].mean()
        return added.reshape(side, side).astype(np.float32), 1 - missed / spread if spread else 1.0


@torch.no_grad()
def glimpses(
    module: Any, paper: Paper, x: np.ndarray, tick: Callable[[float | None], None] = lambda _: None
) -> Glimpses:
    """PAIRS times a random half of the picture x (1, channels, height, width), and the other half."""
    patches = module.config.patches
    order = torch.Generator().manual_seed(0)
    first = torch.rand(PAIRS, patches, generator=order).argsort(1)
    half = patches // 2
    places = torch.cat([first[:, :half], first[:, half : 2 * half]])
    vectors = []
    for part in places.split(BATCH):
        vectors.append(module.encode_part(torch.from_numpy(x).expand(len(part), -1, -1, -1), part))
        tick(len(vectors) * BATCH / len(places))
    shown = torch.zeros(len(places), patches, dtype=torch.bool).scatter_(1, places, True)
    return Glimpses(shown.numpy(), torch.cat(vectors).numpy())


@dataclass(frozen=True)
class Words:
    """The words of a text; `vector` (units,) is where it lies; `added` (words,) how much cosine is lost without each."""

    words: tuple[str, ...]
    vector: np.ndarray
    added: np.ndarray


@torch.no_grad()
def words(module: Any, paper: Paper, x: np.ndarray, text: str) -> Words:
    """Leave each word of the text out, and compare with the picture x (1, ...). One word alone adds all there is."""
    own = tuple(text.split())
    fewer = [" ".join(own[:i] + own[i + 1 :]) for i in range(len(own))] if len(own) > 1 else []
    vectors = _read(module, paper, (text, *fewer))
    cosines = (vectors @ module.encode_image(torch.from_numpy(x))[0]).numpy()
    return Words(own, vectors[0].numpy(), cosines[0] - cosines[1:] if fewer else cosines)


@dataclass(frozen=True)
class Looks:
    """Where the last token of a text looks, from whose vector the text's is made: pattern (layers, heads, tokens), sum 1."""

    tokens: tuple[str, ...]
    pattern: np.ndarray


def looks(module: Any, paper: Paper, x: np.ndarray, text: str) -> Looks:
    """How the text is read by itself; the picture x has no part in it."""
    assert paper.captions is not None, f"{paper.slug} compares no texts"
    seen = trace_caption(module, paper, text)
    found = [seen.values[path][0, :, -1] for path, axes in seen.axes.items() if path.endswith(".hook_pattern")]
    return Looks(tuple(token.text for token in paper.captions.tokens(text)), np.stack(found))


def _read(module: Any, paper: Paper, texts: tuple[str, ...]) -> Tensor:
    """(texts, units): where they lie."""
    assert paper.captions is not None, f"{paper.slug} compares no texts"
    return torch.cat([module.encode_text(torch.from_numpy(paper.captions.parse(text))) for text in texts])
