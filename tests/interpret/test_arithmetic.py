"""One cell worked out: by hand for small layers, and equal to the traced cell for every layer of every trained paper."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import models
from app.interpret.architecture import structure
from app.interpret.arithmetic import Arithmetic, arithmetic
from app.interpret.copies import private, state
from app.interpret.stages import INPUT, by_unit
from app.interpret.trace import trace
from models.paper import Fact, Image, Paper
from tests.interpret.cards import card

NINE = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)
NETWORKS = [n.slug for p in models.papers() for n in models.networks(p.slug) if isinstance(n.takes, Image | Fact)]


def fixed(layer: nn.Module, weight: list, bias: list | None = None) -> nn.Module:
    """The layer with these numbers."""
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight, dtype=torch.float32).reshape(layer.weight.shape))
        if bias is not None:
            layer.bias.copy_(torch.tensor(bias, dtype=torch.float32))
    return layer.requires_grad_(False)


def work(
    net: nn.Module, paths: tuple[str, ...], x: np.ndarray, path: str, unit: int, cell: tuple[int, ...] = ()
) -> Arithmetic:
    """The arithmetic of a cell, as the app asks for it."""
    paper = card(*paths)
    layer = structure(net, paper, x)[path]
    before = state(net)
    found = arithmetic(net, paper, x, path, unit, cell, layer.sources, layer.joined)
    assert state(net) == before
    return found


def test_a_convolution_is_window_times_kernel_plus_bias():
    net = nn.Sequential(fixed(nn.Conv2d(1, 2, 2), [[[[1, 0], [0, -1]]], [[[2, 0], [1, 0]]]], [0.5, 0]))
    first = work(net, ("0",), NINE, "0", 0, (0, 1))
    assert (first.kind, first.value, first.bias) == ("sum", 2 - 6 + 0.5, 0.5)
    assert first.worked == pytest.approx(-3.5, abs=1e-9)
    (part,) = first.parts
    assert (part.source, part.unit, part.corner) == (INPUT, 0, (0, 1))
    assert part.window.tolist() == [[2, 3], [5, 6]]
    assert part.weights.tolist() == [[1, 0], [0, -1]]
    assert part.terms.tolist() == [[2, 0], [0, -6]]
    second = work(net, ("0",), NINE, "0", 1, (1, 1))  # a column of zeros belongs to the window all the same
    assert second.worked == 2 * 5 + 8 and second.bias == 0
    (part,) = second.parts
    assert part.window.tolist() == [[5], [8]] and part.corner == (1, 1)


def test_at_the_border_the_window_ends_with_the_map():
    net = nn.Sequential(fixed(nn.Conv2d(1, 1, 3, padding=1, bias=False), [1.0] * 9))
    (part,) = work(net, ("0",), NINE, "0", 0, (0, 2)).parts
    assert part.corner == (0, 1)
    assert part.window.tolist() == [[2, 3], [5, 6]]


def test_maps_that_are_not_connected_are_no_part():
    net = nn.Sequential(fixed(nn.Conv2d(2, 4, 1, groups=2), [1, 2, 3, 4], [0, 0, 0, 1]))
    x = np.concatenate([NINE, 10 * NINE], 1)
    found = work(net, ("0",), x, "0", 3, (0, 0))
    assert [(p.unit, p.window.tolist(), p.weights.tolist()) for p in found.parts] == [(1, [[10]], [[4]])]
    assert found.worked == 41


def test_subsampling_has_one_coefficient():
    scale = fixed(nn.Conv2d(1, 1, 1), [0.25], [2])
    net = nn.Sequential(nn.Sequential(nn.AvgPool2d(2, stride=1, divisor_override=1), scale))
    found = work(net, ("0",), NINE, "0", 0, (1, 0))
    (part,) = found.parts
    assert part.shared == 0.25 and part.window.sum() == 4 + 5 + 7 + 8
    assert found.worked == 24 * 0.25 + 2


def test_the_largest_of_a_window():
    found = work(nn.Sequential(nn.MaxPool2d(2, stride=1)), ("0",), NINE, "0", 0, (0, 1))
    assert (found.kind, found.worked, found.value) == ("largest", 6, 6)
    assert found.parts[0].window.tolist() == [[2, 3], [5, 6]]


def test_a_dense_layer_adds_units():
    net = nn.Sequential(
        nn.Flatten(), fixed(nn.Linear(9, 3), np.eye(3, 9).tolist(), [0, 0, 0]), fixed(nn.Linear(3, 1), [1, -2, 0], [3])
    )
    found = work(net, ("1", "2"), NINE, "2", 0)
    (part,) = found.parts
    assert (part.source, part.unit, part.units.tolist()) == ("1", -1, [0, 1])  # the third weighs nothing
    assert part.terms.tolist() == [1, -4]
    assert (found.bias, found.worked) == (3, 0)


def test_a_dense_layer_on_a_picture_has_a_window_as_large_as_it():
    net = nn.Sequential(nn.Flatten(), fixed(nn.Linear(9, 1), list(range(1, 10)), [0]))
    (part,) = work(net, ("1",), NINE, "1", 0).parts
    assert part.unit == 0 and part.window.tolist() == NINE[0, 0].tolist()
    assert part.terms.sum() == sum(i * i for i in range(1, 10))


class Branches(nn.Module):
    """The input twice, through two layers, side by side and summed."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = fixed(nn.Linear(2, 1), [1, 1], [0]), fixed(nn.Linear(1, 1), [3], [1])
        self.both = fixed(nn.Linear(2, 1), [10, 1], [5])
        self.sum = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.left(x), self.right(x[:, :1])
        return self.sum(self.both(torch.cat([left, right], 1)) + left)


def test_branches_come_together():
    x = np.array([[2.0, 5.0]], np.float32)
    paper = card("left", "right", "both", "sum")
    net = Branches()
    found = structure(net, paper, x)
    assert {k.path: k.sources for k in found.layers[1:]} == {
        "left": (INPUT,),
        "right": (INPUT,),
        "both": ("left", "right"),
        "sum": ("left", "both"),
    }
    both = work(net, ("left", "right", "both", "sum"), x, "both", 0)
    assert [(p.source, p.terms.tolist()) for p in both.parts] == [("left", [70]), ("right", [7])]
    assert both.worked == 70 + 7 + 5
    assert work(net, ("left", "right", "both", "sum"), x, "sum", 0).worked == 82 + 7


def test_a_squashing_function_is_a_function_of_one_cell():
    net = nn.Sequential(fixed(nn.Conv2d(1, 1, 1), [0.5], [0]), nn.Tanh())
    found = work(net, ("0", "1"), NINE, "1", 0, (2, 1))
    assert (found.kind, found.argument) == ("function", 4)
    assert found.value == found.worked == pytest.approx(np.tanh(4))
    assert np.allclose(found.curve[1], np.tanh(found.curve[0]), atol=1e-6)
    assert found.curve[0].min() == -5 and found.curve[0].max() == 5


class Step(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x >= 3).float()


def test_a_threshold_needs_no_derivative():
    net = nn.Sequential(fixed(nn.Conv2d(1, 1, 1), [1], [0]), Step())
    found = work(net, ("0", "1"), NINE, "1", 0, (0, 1))
    assert (found.kind, found.argument, found.value, found.worked) == ("function", 2, 0, 0)
    assert set(found.curve[1].tolist()) == {0, 1}


class Distance(nn.Module):
    def __init__(self, sign: int) -> None:
        super().__init__()
        self.sign = sign
        self.register_buffer("centres", torch.tensor([[0.0] * 9, [1.0, 2, 3, 4, 5, 6, 7, 8, 7]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.sign * (x.flatten(1)[:, None] - self.centres).square().sum(2)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_distance_is_told_from_a_sum(sign):
    found = work(nn.Sequential(Distance(sign)), ("0",), NINE, "0", 1)
    assert (found.kind, found.sign, found.bias) == ("distance", sign, 0)
    assert found.parts[0].weights.ravel().tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 7]
    assert found.worked == found.value == sign * 4


def test_another_layout_is_a_copy():
    net = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (1, 9, 1)))
    found = work(net, ("0", "1"), NINE, "1", 0, (4, 0))
    assert (found.kind, found.value, found.worked) == ("copy", 5, 5)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("unit", [0, 1])
def test_a_sum_that_is_squashed_at_once_is_worked_out_before_it(unit, wrapped):
    """Convolution, normalisation and ReLU as one stage: unit 0 is on, unit 1 is off, and both say what they add up."""
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.ReLU(inplace=True)).eval().requires_grad_(False)
    net[0].weight.copy_(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]], [[[-1.0, 0.0], [0.0, 0.0]]]]))
    net[0].bias.zero_()
    net[1].running_var.fill_(4.0 - net[1].eps)  # halves
    net[1].bias.fill_(0.5)
    x = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)
    whole, path = (nn.Sequential(net), "0") if wrapped else (net, "2")
    found = arithmetic(whole, None, x, path, unit, (0, 1), ("input",), False)
    inner = found.inner
    want = (2 + 2 * 3 + 3 * 5 + 4 * 6) / 2 + 0.5 if unit == 0 else -2 / 2 + 0.5
    assert (found.kind, inner.kind) == ("function", "sum")
    assert inner.value == pytest.approx(want, rel=1e-5) and inner.worked == pytest.approx(want, rel=1e-5)
    assert inner.bias == pytest.approx(0.5)
    assert found.value == found.worked == pytest.approx(max(0.0, want), rel=1e-5)
    assert found.argument == inner.value
    np.testing.assert_allclose(found.curve[1], np.maximum(found.curve[0], 0))
    assert inner.parts[0].weights.shape == ((2, 2) if unit == 0 else (1, 1))
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in net.modules())


def test_what_is_none_of_these_is_said_to_be_unknown():
    net = nn.Sequential(nn.Flatten(), nn.Softmax(1))
    found = work(net, ("0", "1"), NINE, "1", 8)
    assert found.kind == "unknown" and not found.parts and np.isnan(found.worked)
    assert found.value == pytest.approx(1 / sum(np.exp(-i) for i in range(9)))


def example(slug: str) -> np.ndarray:
    """An input of a kind that the network takes, always the same one."""
    takes = models.paper(slug).takes
    if isinstance(takes, Fact):
        return takes.parse(f"{takes.people[0]} has-{takes.relations[0]}")
    assert isinstance(takes, Image)
    return takes.normalise(np.random.default_rng(0).random((1, *takes.shape)).astype(np.float32))


def sound(paper: Paper, net: nn.Module) -> Paper:
    """The paper with those of its probes that this network has: a twin may lack what the paper is about."""
    names = "\n".join(name for name, _ in net.named_modules())
    there = [
        p for p in paper.probes if re.search(f"^{re.escape(p.path).replace(re.escape('*'), '[^.]+')}$", names, re.M)
    ]
    return replace(paper, probes=tuple(there))


@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize("slug", NETWORKS)
def test_the_worked_cell_is_the_traced_cell(slug, twin):
    net = private(models.restore(slug, twin=twin))
    paper, x, chance = sound(models.paper(slug), net), example(slug), np.random.default_rng(1)
    given = torch.from_numpy(x)
    traced = {path: by_unit(torch.from_numpy(v), given).numpy() for path, v in trace(net, paper, x).values.items()}
    found = structure(net, paper, x)
    thinned = not set(traced) <= {layer.path for layer in found.layers}
    known = 0
    for layer in found.layers[1:]:
        for _ in range(3):
            unit, *cell = (int(chance.integers(n)) for n in layer.shape)
            worked = arithmetic(net, paper, x, layer.path, unit, tuple(cell), layer.sources, layer.joined)
            want = traced[layer.path][0, unit, *cell] if layer.path in traced else worked.value
            assert worked.value == pytest.approx(want, rel=1e-5, abs=1e-5), layer.path
            if worked.kind == "unknown":  # a softmax or a norm over units, between what is shown or shown itself
                assert thinned or layer.kind == "LocalResponseNorm", layer.path
                continue
            known += 1
            assert worked.worked == pytest.approx(want, rel=1e-5, abs=1e-4 if thinned else 1e-5), layer.path
    assert known > 10
