"""The logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens", LessWrong): what a network would say, stopped midway.

The stream of every token at every layer is read by what reads the last one: the last normalisation, then the scores. So can
be what attention or the perceptron adds to it, by itself. At the last layer the reading is the network's own answer.

TransformerLens reads networks that have its names; of the others `module.read` says it (`Paper.stream`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from app.interpret.lens import Lens
from app.interpret.prediction import probabilities
from app.interpret.trace import expand, trace
from models.paper import ClassScores, Paper, Probe, TextPair

MOST = 10  # answers kept at each place
SUMS = {
    "hook_resid_mid": "attention",
    "hook_resid_mid_cross": "across",
    "hook_resid_post": "MLP",
}  # what was added last
PARTS = {"attn_out": "attention", "cross_attn_out": "across", "mlp_out": "MLP"}


@dataclass(frozen=True)
class Reading:
    """The likeliest answers at every layer and place, most likely first: `ids` and `shares` (rows, places, answers).

    `rows` are named by what the stream was given last: "embedding", "0.attention", "0.MLP", ... Shares are probabilities.
    """

    rows: tuple[str, ...]
    ids: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class Course:
    """One answer at every layer and place: its probability, and its rank, 1 for the likeliest; (rows, places) either."""

    rows: tuple[str, ...]
    shares: np.ndarray
    ranks: np.ndarray


def reading(module: Any, paper: Paper, x: np.ndarray, of: str = "resid") -> Reading:
    """The likeliest answers to x (1, ...) everywhere; `of` is "resid" or one of PARTS. `module` must be a private copy."""
    paths = rows(module, paper, of)
    if fits(module):
        found = _readout(module, x, of, top_k=min(MOST, module.W_U.shape[1]))
        return Reading(tuple(paths), found.top_ids[:, 0].numpy().astype(np.int32), found.values[:, 0].numpy())
    shares = _shares(module, paper, x, tuple(paths.values()))
    best = shares.topk(min(MOST, shares.shape[-1]))
    return Reading(tuple(paths), best.indices.numpy().astype(np.int32), best.values.numpy())


def course(module: nn.Module, paper: Paper, x: np.ndarray, target: int, of: str = "resid") -> Course:
    """How the answer `target` (a token's id, or a class) to x (1, ...) fares, layer by layer, at every place."""
    paths = rows(module, paper, of)
    if fits(module):
        found = _readout(module, x, of, targets=[target])
        return Course(tuple(paths), found.values[:, 0, :, 0].numpy(), found.target_ranks[:, 0, :, 0].numpy() + 1)
    shares = _shares(module, paper, x, tuple(paths.values()))
    own = shares[..., target]
    return Course(tuple(paths), own.numpy().copy(), (shares > own[..., None]).sum(-1).numpy() + 1)


def rows(module: nn.Module, paper: Paper, of: str = "resid") -> dict[str, str]:
    """Where to read, from the embedding to the output: name of the row -> path of the module that puts it out."""
    base, found = paper.stream.rpartition(".")[0], dict[str, str]()
    for i, path in enumerate(expand(module, (Probe(base, ()),))):
        there = {name for name, _ in module.get_submodule(path).named_children()}
        if of != "resid":
            found |= {f"{i}.{PARTS[of]}": f"{path}.hook_{of}"} if f"hook_{of}" in there else {}
            continue
        if not i:
            found["embedding"] = f"{path}.hook_resid_pre"
        for hook, last in SUMS.items():
            if hook in there:
                last = "attention" if last == "MLP" and "hook_mlp_out" not in there else last
                found[f"{i}.{last}"] = f"{path}.{hook}"
    return found


def fits(module: nn.Module) -> bool:
    """Whether TransformerLens can read this network by itself."""
    return all(hasattr(module, name) for name in ("W_U", "b_U", "ln_final", "blocks"))


def _readout(module: nn.Module, x: np.ndarray, of: str, **wanted: Any) -> Any:
    """TransformerLens's `LogitReadout`, over (rows, 1, tokens)."""
    from transformer_lens.tools.analysis.logit_lens import logit_lens, logit_readout

    lens, ids = Lens(module), torch.from_numpy(x)
    if of == "resid":
        mid = not lens.cfg.attn_only
        return logit_lens(lens, ids, incl_mid=mid, positions=None, return_type="probs", **wanted).readout
    _, cache = lens.run_with_cache(ids, lambda name: name.endswith(f".hook_{of}"))
    return logit_readout(lens, cache.stack_activation(of), return_type="probs", **wanted)


@torch.no_grad()
def _shares(module: Any, paper: Paper, x: np.ndarray, paths: tuple[str, ...]) -> Tensor:
    """Probabilities (rows, places, answers), by the network's own `read`; in a translation, of the target's places alone."""
    seen = trace(module, paper, x, paths).values
    places = int((x[0, 1] != 0).sum()) if isinstance(paper.takes, TextPair) else None
    scores = module.read(torch.from_numpy(np.concatenate([seen[path][:, :places] for path in paths])))
    if isinstance(paper.gives, ClassScores):
        return torch.from_numpy(probabilities(scores.numpy(), paper.gives))
    return scores.softmax(-1)
