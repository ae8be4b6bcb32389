"""What the attention heads of a language model do: previous-token, duplicate-token and induction heads.

    previous token     a token looks at the one before it
    duplicate token    ... at earlier occurrences of itself
    induction          ... at what came after earlier occurrences of itself, and so finds what may come next

Two measures. `on_text` compares a head's pattern on any text with the ideal one, as `transformer_lens.head_detector` does, and
a test holds the two equal. We do not call it, because trainings measure heads too and get by without TransformerLens, and
because all heads are scored at once from patterns that a forward pass gives anyway, where it takes head by head.
`on_repeats` takes random tokens, twice over: no knowledge of language helps there, only looking back does.
(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022, "In-context Learning and
Induction Heads".)

Any network will do whose blocks are `blocks.<i>` with the pattern passing through `attn.hook_pattern`, (n, h, t, t).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Kind = Literal["previous_token", "duplicate_token", "induction"]
KINDS: tuple[Kind, ...] = ("previous_token", "duplicate_token", "induction")


@torch.no_grad()
def patterns(module: nn.Module, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Every head's pattern, (layers, n, heads, t, t), and the scores (n, t, V), from ids (n, t). Hooks `module` meanwhile."""
    seen: list[Tensor] = []
    spots = [m for name, m in module.named_modules() if name.endswith(".attn.hook_pattern")]
    handles = [spot.register_forward_hook(lambda _m, _i, output: seen.append(output)) for spot in spots]
    try:
        scores = module(ids)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack(seen), scores


def ideal(kind: Kind, ids: Tensor) -> Tensor:
    """(t, t) of 0 and 1 for one text's ids (t,): where a perfect head of that kind may look, query by key."""
    if kind == "previous_token":
        return torch.eye(len(ids)).roll(-1, 1).tril()  # row i: 1 at i - 1
    same = (ids[:, None] == ids[None, :]).float().tril(-1)
    if kind == "duplicate_token":
        return same
    after = same.roll(1, 1)  # what followed; the last column, which comes round to the first, is empty
    return after.tril()


def agreement(
    pattern: Tensor,
    wanted: Tensor,
    measure: Literal["mul", "abs"] = "mul",
    exclude_bos: bool = False,
    exclude_current_token: bool = False,
) -> Tensor:
    """How well patterns (..., t, t) agree with the ideal one (t, t): one number each, as head_detector defines it.

    "mul": the share of all attention that lies on wanted places. "abs": 1 - sum |pattern - wanted| / t, to three digits. The
    first column, or the diagonal, can be left out of either.
    """
    kept = torch.ones_like(wanted)
    if exclude_bos:
        kept[:, 0] = 0
    if exclude_current_token:
        kept.fill_diagonal_(0)
    if measure == "mul":
        return (pattern * kept * wanted).sum((-1, -2)) / (pattern * kept).sum((-1, -2))
    apart = ((pattern - wanted).abs() * kept).sum((-1, -2)) / len(wanted)
    return 1 - (1000 * apart).round() / 1000


def on_text(
    pattern: Tensor, ids: Tensor, measure: Literal["mul", "abs"] = "mul", **exclude: bool
) -> dict[Kind, Tensor]:
    """The score of each head as each kind, (layers, heads), from its pattern (layers, heads, t, t) on one text's ids (t,)."""
    return {kind: agreement(pattern, ideal(kind, ids), measure, **exclude) for kind in KINDS}


def repeats(count: int, length: int, tokens: range, start: int, seed: int = 0) -> Tensor:
    """`count` rows of `start`, `length` random tokens, and the same tokens again: (count, 1 + 2 length)."""
    drawn = torch.randint(tokens.start, tokens.stop, (count, length), generator=torch.Generator().manual_seed(seed))
    return torch.cat([torch.full((count, 1), start), drawn, drawn], 1)


def on_repeats(pattern: Tensor) -> dict[Kind, Tensor]:
    """The score of each head as each kind, (layers, heads), from (layers, n, heads, t, t) on `repeats`, t = 1 + 2 length.

    The mean attention of a token in the second half to: the token before it; its first occurrence; the token after that.
    """
    length = (pattern.shape[-1] - 1) // 2

    def back(distance: int) -> Tensor:
        return pattern.diagonal(-distance, -2, -1)[..., -length:].mean((1, 3))

    return {"previous_token": back(1), "duplicate_token": back(length), "induction": back(length - 1)}


def repeat_losses(scores: Tensor, ids: Tensor) -> tuple[float, float]:
    """Mean loss (nats) of the tokens of the first half and of the second, from scores (n, t, V) on `repeats` (n, t).

    Each half without its first token: nothing says that the repetition begins.
    """
    length = (ids.shape[1] - 1) // 2
    losses = F.cross_entropy(scores[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(len(ids), -1)
    return losses[:, 1:length].mean().item(), losses[:, length + 1 :].mean().item()


def survey(module: nn.Module, ids: Tensor, size: int = 8) -> tuple[dict[Kind, Tensor], tuple[float, float]]:
    """`on_repeats` and `repeat_losses` of a network on `repeats`, `size` rows at a time."""
    total, losses = dict.fromkeys(KINDS, torch.zeros(())), torch.zeros(2)
    for part in ids.split(size):
        pattern, scores = patterns(module, part)
        share = len(part) / len(ids)
        total = {kind: total[kind] + share * score for kind, score in on_repeats(pattern).items()}
        losses = losses + share * torch.tensor(repeat_losses(scores, part))
    return total, (losses[0].item(), losses[1].item())


def best(scores: dict[Kind, Tensor]) -> dict[Kind, tuple[float, int, int]]:
    """The strongest head of each kind, from scores (layers, heads): its score, layer and number."""
    found = {}
    for kind, score in scores.items():
        layer, head = divmod(int(score.argmax()), score.shape[1])
        found[kind] = (score[layer, head].item(), layer, head)
    return found
