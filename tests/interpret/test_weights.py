"""Weights as pictures: every number lies where it belongs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from app.interpret.weights import coloured, weights
from models.paper import ClassScores, Fact, Image, Paper

CARD = Paper(
    slug="w",
    title="W",
    authors=(),
    year=2000,
    venue="",
    url="",
    track="Foundations",
    idea="",
    about="",
    takes=Image(1, (2, 3), ("a", "b")),
    gives=ClassScores(("a", "b")),
    probes=(),
    claims=(),
    samples=(),
    dataset="none",
    twin="",
)


def fill(layer):
    with torch.no_grad():
        layer.weight.copy_(torch.arange(layer.weight.numel(), dtype=torch.float32).reshape(layer.weight.shape))
    return layer.requires_grad_(False)


def test_a_layer_on_the_picture_is_thrown_back_onto_it():
    (sheet,) = weights(nn.Sequential(nn.Flatten(), fill(nn.Linear(6, 2))), CARD, None)
    assert (sheet.kind, sheet.path, sheet.units) == ("retina", "1", ("a", "b"))
    assert sheet.maps.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]
    assert len(sheet.bias) == 2


def test_a_deeper_layer_is_a_matrix():
    sheets = weights(nn.Sequential(fill(nn.Linear(6, 4)), fill(nn.Linear(4, 2, bias=False))), CARD, None)
    assert [s.kind for s in sheets] == ["retina", "matrix"]
    assert sheets[1].maps.tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    assert sheets[1].inputs == ("0", "1", "2", "3")
    assert sheets[1].bias.size == 0


def test_kernels_stand_side_by_side():
    (sheet,) = weights(nn.Sequential(fill(nn.Conv2d(2, 3, 2))), CARD, None)
    assert sheet.kind == "filters"
    assert sheet.channels == 2
    assert sheet.maps.shape == (3, 2, 4)
    assert sheet.maps[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7]]


def test_kernels_over_red_green_and_blue_are_pictures_too():
    net = nn.Sequential(nn.Conv2d(3, 2, (1, 2), bias=False))
    net[0].weight.data = torch.tensor([[[[2.0, 0]], [[-1, 1]], [[0, 0]]], [[[0.0, 0]], [[0, 0]], [[0, 0]]]])
    (sheet,) = weights(net, dataclasses.replace(CARD, takes=Image(3, (2, 3), ("r", "g", "b"))), None)
    assert sheet.kind == "colours"
    first, empty = coloured(sheet)
    assert first.tolist() == [[[1, 0.25, 0.5], [0.5, 0.75, 0.5]]]  # a point's red, green and blue
    assert (empty == 0.5).all()


def test_a_network_may_throw_its_weights_back_itself():
    class Through(nn.Module):
        def retina(self):
            return torch.ones(2, 2, 3)

    (sheet,) = weights(Through(), CARD, None)
    assert (sheet.path, sheet.kind, sheet.units) == ("retina", "retina", ("a", "b"))
    assert sheet.maps.shape == (2, 2, 3)


@pytest.mark.parametrize(("inputs", "names"), [(3, ("Ann", "Bob", "Eve")), (2, ("father", "aunt")), (4, tuple("0123"))])
def test_columns_of_a_matrix_are_named_by_the_fact(inputs, names):
    card = dataclasses.replace(CARD, takes=Fact(("Ann", "Bob", "Eve"), ("father", "aunt")))
    (sheet,) = weights(nn.Sequential(nn.Linear(inputs, 7)).requires_grad_(False), card, None)
    assert sheet.inputs == names
    assert sheet.units == tuple("0123456")
    assert np.isfinite(sheet.maps).all()
