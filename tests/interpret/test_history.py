"""One moment of a training through one input, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from app.interpret.history import first_weights, input_x_gradient, moment, occlusion
from models.paper import ClassScores, Fact, Image
from tests.views.toys import Dense, card, picture

NET = Dense([[1, -2, 3, 0], [0, 0, 0, 1]], [0.5, 0.25])
X = np.array([[[[1.0, 0.5], [0.25, 2.0]]]], np.float32)


def test_input_times_gradient_of_a_linear_network_is_input_times_weight():
    np.testing.assert_allclose(input_x_gradient(NET, X, 0), [[1, -1], [0.75, 0]])
    np.testing.assert_allclose(input_x_gradient(NET, X, 1), [[0, 0], [0, 2]])


def test_channels_are_added_up():
    net = Dense([[1, 2, 3, 4, 10, 20, 30, 40]], [0])
    np.testing.assert_allclose(input_x_gradient(net, np.ones((1, 2, 2, 2), np.float32), 0), [[11, 22], [33, 44]])


def test_occlusion_gives_each_point_the_mean_fall_of_the_squares_over_it():
    # squares of side 2, stride 1, on a picture of 1x2: the left point is under squares {left} and {left, right} ...
    class Sum(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.sum((1, 2, 3))[:, None]

    takes = Image(1, (1, 2), ("a",))
    found = occlusion(Sum(), takes, np.array([[[[1.0, 3.0]]]], np.float32), 0, side=2, stride=1)
    # falls: {left} 1, {left, right} 4, {right} 3, each seen from two rows of corners
    np.testing.assert_allclose(found, [[(1 + 4) / 2, (4 + 3) / 2]])


def test_the_ground_of_an_occlusion_is_black_after_normalisation():
    class Sum(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.sum((1, 2, 3))[:, None]

    takes = Image(1, (1, 1), ("a",), mean=(0.5,), std=(0.5,))  # black is -1
    np.testing.assert_allclose(occlusion(Sum(), takes, np.array([[[[1.0]]]], np.float32), 0, side=1, stride=1), [[2.0]])


def test_a_moment_holds_the_answer_the_layer_and_what_counts():
    found = moment(NET, picture(("a", "b")), X, layer="dense", target=1)
    np.testing.assert_allclose(found.prediction.scores, [1.25, 2.25])
    np.testing.assert_allclose(found.activations[:, 0, 0], [1.25, 2.25])
    assert found.units == 2 and found.activations.shape == (2, 1, 1)
    assert found.by == "input x gradient"
    np.testing.assert_allclose(found.attribution, [[0, 0], [0, 2]])


def test_without_a_gradient_occlusion_takes_its_place():
    class Steps(Dense):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward((x >= 0.5).float())

    found = moment(Steps([[1, 1, 1, 1]], [0]), picture(("a",)), X, layer="dense", target=0)
    assert found.by == "occlusion" and found.attribution.shape == (2, 2)
    assert found.attribution[0, 0] > 0


def test_large_layers_are_cut_and_say_so():
    net = Dense([[0.0] * 4 for _ in range(500)], list(range(500)))
    found = moment(net, picture(tuple(map(str, range(500)))), X, layer="dense", target=0)
    assert found.units == 500 and found.activations.shape == (400, 1, 1)
    assert found.activations[399] == 399


def test_a_fact_has_no_place_to_look_at():
    facts = Fact(("Ann", "Bob"), ("aunt",))
    found = moment(
        Dense([[1, 0, 0], [0, 1, 0]], [0, 0]),
        card(facts, ClassScores(facts.people)),
        facts.parse("Ann aunt"),
        "dense",
        0,
    )
    assert found.attribution.size == 0 and found.prediction.top == "Ann"


def test_the_first_weights_are_thrown_back_onto_the_picture():
    sheet = first_weights(NET, picture(("a", "b")), X)
    assert sheet.path == "dense" and sheet.kind == "retina" and sheet.units == ("a", "b")
    np.testing.assert_allclose(sheet.maps[0], [[1, -2], [3, 0]])
    many = first_weights(Dense([[0.0] * 4] * 120, [0.0] * 120), picture(("a",)), X)
    assert len(many.maps) == len(many.units) == len(many.bias) == 100


def test_fixed_weights_are_passed_over():
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 2))
    fixed = net[1].weight.detach().clone()
    del net[1].weight
    net[1].bias = None
    net[1].register_buffer("weight", fixed)
    sheet = first_weights(net.requires_grad_(False), picture(("a", "b")), X)
    assert sheet.path == "2" and sheet.trainable
