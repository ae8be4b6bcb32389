"""Waves for positions, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from models.positions import waves


def test_a_step_along_the_waves_is_the_same_turn_everywhere():
    places = waves(64, 16)
    assert places.square().mean().item() == pytest.approx(0.5)
    likeness = places @ places.T
    for distance in (1, 5, 20):
        assert likeness.diagonal(-distance).std() < 1e-4
    assert (likeness.diagonal(-1) > likeness.diagonal(-2).mean()).all()
    angle = 64 ** -(4 / 16)
    turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    assert torch.allclose(places[1:, 4:6], places[:-1, 4:6] @ turn.T, atol=1e-5)
