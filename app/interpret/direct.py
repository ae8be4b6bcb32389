"""Direct logit attribution: a score is a sum, and every part of the stream has its share in it (Elhage et al. 2021).

logit[v] = norm(x) W_U[:, v] + b_U[v], and norm(x) = (x - mean) / scale * gain + bias. The stream x is the sum of the embedding,
the position, what each head and each perceptron added, and the biases of attention. With `scale` held as it is on this input
the rest is linear: each part's share is its product with W_U[:, v], times the gain, over the scale. The norm's own bias and b_U
are parts with a name too, so that the shares add up to the logit and nothing is swept together.

Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Wang et al. 2022, arXiv 2211.00593, for differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from app.interpret.lens import Lens
from models.paper import Paper

if TYPE_CHECKING:
    from transformer_lens import ActivationCache


@dataclass(frozen=True)
class Direct:
    """What every part adds to one logit, or to the difference of two, at one place; in logits.

    A head's share is told apart by the tokens that it looks at: `sources` (layers, heads, tokens) add up to `heads` over their
    tokens, and are the product of `pattern` (how much of its look a token gets) and `offers` (what it would add if it got all).
    """

    heads: np.ndarray  # (layers, heads)
    mlps: np.ndarray  # (layers,), or (0,) where there are no perceptrons
    others: Mapping[str, float]  # embedding, position, biases
    logit: float  # the network's own, or the difference of two
    scale: float  # by which the last normalisation divides the stream here
    sources: np.ndarray
    pattern: np.ndarray
    offers: np.ndarray

    @property
    def total(self) -> float:
        """The sum of all parts; the logit, but for rounding."""
        return float(self.heads.sum() + self.mlps.sum() + sum(self.others.values()))


@torch.no_grad()
def direct(module: nn.Module, paper: Paper, x: np.ndarray, place: int, target: int, against: int = -1) -> Direct:
    """Who speaks for the token `target` after `place` in x (1, tokens); `against`, unless -1, is one whose logit is taken off.

    `module` must be a private copy of a network with TransformerLens's names. Raises IndexError for a place there is not.
    """
    if not 0 <= place < x.shape[1]:
        raise IndexError(f"no token {place} in a text of {x.shape[1]}")
    lens = Lens(module)
    logits, cache = lens.run_with_cache(torch.from_numpy(x))
    other = against if against >= 0 else None
    parts, names = cache.get_full_resid_decomposition(expand_neurons=False, pos_slice=place, return_labels=True)
    shares = cache.logit_attrs(parts, tokens=target, incorrect_tokens=other, pos_slice=place)[:, 0]
    found = dict(zip(names, shares.tolist(), strict=True))
    layers, heads = range(lens.cfg.n_layers), range(lens.cfg.n_heads)

    def difference(of: Tensor) -> float:
        return float(of[target] - (0 if other is None else of[other]))

    looks, offers = _sources(lens, cache, place, target, other)
    return Direct(
        heads=np.array([[found[f"L{i}H{h}"] for h in heads] for i in layers], np.float32),
        mlps=np.array([found[f"{i}_mlp_out"] for i in layers if f"{i}_mlp_out" in found], np.float32),
        others={
            "embedding": found["embed"],
            "position": found["pos_embed"],
            "attention's biases": found["bias"],
            "last norm's bias": difference(lens.ln_final.bias @ lens.W_U),
            "bias of the scores": difference(lens.b_U),
        },
        logit=difference(logits[0, place]),
        scale=float(cache["ln_final.hook_scale"][0, place, 0]),
        sources=(looks * offers).numpy(),
        pattern=looks.numpy(),
        offers=offers.numpy(),
    )


def _sources(lens: Lens, cache: ActivationCache, place: int, target: int, other: int | None) -> tuple[Tensor, Tensor]:
    """(layers, heads, tokens) each: how much of its look each token gets at `place`, and what it would add with all of it."""
    towards = lens.tokens_to_residual_directions(target)
    towards = towards if other is None else towards - lens.tokens_to_residual_directions(other)
    towards = towards / cache["ln_final.hook_scale"][0, place, 0]  # (d,)
    layers = range(lens.cfg.n_layers)
    looks = torch.stack([cache["pattern", i][0, :, place] for i in layers])
    values = torch.stack([cache["v", i][0] for i in layers])  # (layers, tokens, heads, units)
    reads = torch.stack([block.attn.W_O for block in lens.blocks]) @ towards  # (layers, heads, units)
    return looks, torch.einsum("lthu,lhu->lht", values, reads)
