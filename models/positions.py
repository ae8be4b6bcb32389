"""Where learning starts: positions of which near ones are alike."""

from __future__ import annotations

import torch
from torch import Tensor


def waves(context: int, width: int) -> Tensor:
    """(context, width): sines and cosines of 2 pi to 2 pi `context` tokens' length (Vaswani et al. 2017, 3.5, shortened).

    Moving on by one token turns every pair by an angle of its own, wherever one is: a head can learn to look one back with
    one matrix, from all positions at once.
    """
    turns = torch.arange(context)[:, None] * context ** -(torch.arange(0, width, 2) / width)
    return torch.stack([turns.sin(), turns.cos()], -1).flatten(1)
