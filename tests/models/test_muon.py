"""Muon: its step turns and does not stretch, and is torch's own but for that one's rounding."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.muon import Muon, turned


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 24, 6), (2, 6, 24)])
def test_what_is_turned_keeps_its_directions_and_loses_its_lengths(shape):
    torch.manual_seed(0)
    x = torch.randn(shape)
    left, lengths, right = torch.linalg.svd(x, full_matrices=False)
    inner = left.mT @ turned(x) @ right.mT  # diagonal, as the singular vectors are the same
    kept = inner.diagonal(dim1=1, dim2=2)
    assert (inner - torch.diag_embed(kept)).abs().max() < 1e-4
    real = lengths > 0.05 * lengths.amax(1, keepdim=True)
    assert 0.6 < kept[real].min() < kept[real].max() < 1.3
    assert lengths.max() / lengths[real].min() > 2


def test_a_step_is_worked_by_hand():
    weight = nn.Parameter(torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]]))
    weight.grad = torch.tensor([[3.0, 0.0], [0.0, 3.0], [0.0, 0.0], [0.0, 0.0]])
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    x = 0.5**0.5  # the gradient's two singular values, by its norm
    for _ in range(5):
        x = 3.4445 * x - 4.775 * x**3 + 2.0315 * x**5
    assert weight.detach()[:2].diagonal().tolist() == pytest.approx([2 * 0.95 - 0.1 * 2**0.5 * x] * 2, rel=1e-5)
    assert not weight.detach()[2:].any()


def test_steps_are_those_of_torch_to_its_rounding():
    torch.manual_seed(1)
    start = [torch.randn(s) for s in ((32, 16), (16, 32), (32, 16), (8, 8))]
    ours, theirs = ([nn.Parameter(w.clone()) for w in start] for _ in range(2))
    idle = nn.Parameter(torch.ones(2, 2))  # has no gradient
    both = Muon([*ours, idle], 0.02, 0.1), torch.optim.Muon(theirs, 0.02, 0.1)
    for _ in range(5):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        for optimizer in both:
            optimizer.step()
    for a, b, w in zip(ours, theirs, start, strict=True):
        assert (a - b).norm() < 0.02 * (b - w).norm()  # bfloat16 keeps eight bits
    assert torch.equal(idle, torch.ones(2, 2))
