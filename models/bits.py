"""Weights in fewer bits than float32, and back again.

Up to LARGE parameters final weights are float32 and snapshots float16. Above it final weights are float16. Further twins and
seeds, which are measured and not looked into, then have 8 bits a weight with one scale a row or kernel (`<name>::scale`), above
HUGE parameters the twin too. Snapshots, which are looked at and not trained on, then have 8 bits in kernels and 4 in matrices
(NF4), with one scale for every 64 weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor, nn

Kind = Literal["final", "twin", "further", "snapshot"]

LARGE = 100_000  # parameters above which weights are kept in fewer bits
HUGE = 1_000_000  # parameters above which the twin's are kept as those of further twins
SCALE = "::scale"
BLOCK = 64  # weights with one scale, where they have 4 bits
# The 16 values of NF4 (Dettmers and others, "QLoRA", 2023, appendix E): as many weights of a normal distribution lie near each.
NF4 = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
    *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
    *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
    *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
)


def in_words(parameters: int) -> str:
    """In how few bits the snapshots of a network of so many parameters are kept."""
    return "8 bits a weight in kernels, 4 (NF4) in matrices" if parameters > LARGE else "16 bits a weight"


def packed(module: nn.Module, kind: Kind) -> dict[str, Tensor]:
    """The state of a network as it is kept: the model, its twin, a further twin or seed, all at the end, or a snapshot."""
    import torch

    parameters = sum(p.numel() for p in module.parameters())
    large, whole = parameters > LARGE, kind == "final" or (kind == "twin" and parameters <= HUGE)
    tensors: dict[str, Tensor] = {}
    for name, tensor in module.state_dict().items():
        t = tensor.detach().cpu()
        if t.dtype != torch.float32:
            tensors[name] = t
        elif large and t.ndim > 1 and not whole:
            pack = _in_4_bits if kind == "snapshot" and t.ndim == 2 else _in_8_bits
            tensors[name], tensors[name + SCALE] = pack(t)
        else:
            tensors[name] = t.half() if large or kind == "snapshot" else t
    return tensors


def widened(tensors: dict[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every tensor that has a scale, multiplied out, those of 4 bits in the shape that they have in `own`; all else as it is."""
    import torch

    scales = {k.removesuffix(SCALE): tensors.pop(k) for k in [k for k in tensors if k.endswith(SCALE)]}
    for name, scale in scales.items():
        t = tensors[name]
        if t.dtype != torch.uint8:
            tensors[name] = t * scale.view(-1, *[1] * (t.ndim - 1))
        elif name in own and -(-own[name].numel() // BLOCK) == len(scale):
            values = torch.tensor(NF4)[torch.stack((t & 15, t >> 4), 1).long()].view(-1, BLOCK) * scale.float()[:, None]
            tensors[name] = values.flatten()[: own[name].numel()].view(own[name].shape)
    return tensors


def _in_8_bits(t: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers from -127 to 127 in t's shape, and for every t[i] what one of them is worth, float32."""
    import torch

    scale = t.flatten(1).abs().amax(1) / 127
    return (t / scale.clamp(min=1e-12).view(-1, *[1] * (t.ndim - 1))).round().to(torch.int8), scale


def _in_4_bits(t: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers of NF4's values, two a byte, for all of t filled up to whole blocks; each block's largest weight, float16."""
    import torch

    flat = t.flatten()
    blocks = torch.nn.functional.pad(flat, (0, -len(flat) % BLOCK)).view(-1, BLOCK)
    scale = blocks.abs().amax(1).half()
    levels = torch.tensor(NF4)
    near = torch.bucketize(blocks / scale.float().clamp(min=1e-12)[:, None], (levels[1:] + levels[:-1]) / 2)
    low, high = near.to(torch.uint8).view(-1, 2).unbind(1)
    return low | high << 4, scale
