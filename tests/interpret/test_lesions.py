"""Parts taken out, against the same networks with those parts zeroed by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import models
from app.interpret.lesions import lesioned, lesions, parts
from app.interpret.trace import expand
from models.paper import Probe
from models.resnet import train as resnet
from tests.interpret.test_load import alike_for_all
from tests.views.toys import picture

MAPS = ("batch", "channel", "height", "width")


class Sum(nn.Module):
    """Scores are the input's mean times 1, 10 and -4, by three parts: in two stages, the second of two blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([nn.ModuleList([nn.Identity()]), nn.ModuleList([nn.Identity(), nn.Identity()])])
        for stage in self.stages:
            for block in stage:
                block.hook_branch = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branches = [block.hook_branch for stage in self.stages for block in stage]
        gains = (1.0, 10.0, -4.0)
        y = sum(branch(gain * x) for branch, gain in zip(branches, gains, strict=True))
        mean = y.mean((1, 2, 3))
        return torch.stack([mean, torch.zeros_like(mean)], 1)


PATTERN = "stages.*.*.hook_branch"
CARD = dataclasses.replace(picture(("a", "b")), probes=(Probe(PATTERN, MAPS),), lesions=(PATTERN,))
X = np.array([[[[0.1, 0.2], [0.3, 0.0]]]], np.float32)  # mean 0.15


def logistic(z: float) -> float:
    return 1 / (1 + np.exp(-z))


def test_each_part_adds_and_is_missed_as_worked_out_by_hand():
    found = lesions(Sum().eval(), CARD, X)
    assert [part.name for part in found.parts] == ["stages.0.0", "stages.1.0", "stages.1.1"]
    assert [part.number for part in found.parts] == ["0_0", "1_0", "1_1"]
    assert (found.rows, found.columns) == (("stages.0", "stages.1"), ("0", "1"))
    assert found.strength == pytest.approx([0.15, 1.5, 0.6])
    assert np.allclose(found.added[2], -4 * X[0, 0])
    whole = logistic(7 * 0.15)
    assert found.whole == pytest.approx([whole, 1 - whole])
    without = [logistic(6 * 0.15), logistic(-3 * 0.15), logistic(11 * 0.15)]
    assert found.effects == pytest.approx([whole - p for p in without], abs=1e-6)
    table = found.table(found.strength)
    assert np.isnan(table[0, 1]) and table[1].tolist() == pytest.approx([1.5, 0.6])


def test_several_parts_are_out_at_once_and_the_network_is_whole_again():
    net = Sum().eval()
    both = lesioned(net, CARD, X, ("stages.0.0", "stages.1.0"))
    assert both[0, 0] == pytest.approx(logistic(7 * 0.15))
    assert both[1, 0] == pytest.approx(logistic(-4 * 0.15))
    assert np.array_equal(lesioned(net, CARD, X, ())[0], both[0])
    assert not any(module._forward_hooks for module in net.modules())
    with pytest.raises(ValueError, match=r"no part stages\.7\.7; there are stages\.0\.0, "):
        lesioned(net, CARD, X, ("stages.7.7",))


def test_a_residual_block_is_taken_out_as_the_record_does_it():
    torch.manual_seed(0)
    card, net = models.paper("resnet"), models.build("resnet").eval().requires_grad_(False)
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32)
    found = lesions(net, card, x)
    assert len(found.parts) == 9
    for part, without in zip(found.parts, found.without, strict=True):
        other = resnet.lesioned(net, part.path.removesuffix(".hook_branch"))
        assert without == pytest.approx(other(torch.from_numpy(x)).softmax(-1)[0].numpy(), abs=1e-6)


def test_a_branch_is_a_row_and_a_module_a_column():
    card, net = models.paper("googlenet"), models.build("googlenet").eval().requires_grad_(False)
    found = parts(net, card)
    assert [part.row for part in found[::7]] == ["branch1", "branch3", "branch5", "project"]
    assert [part.column for part in found[:7]] == ["3a", "3b", "4a", "4b", "4c", "5a", "5b"]
    assert found[8].path == found[8].name == "inception3b.branch3"
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32)
    without = lesions(net, card, x).without[8]
    with torch.no_grad():
        net.inception3b.branch3.bn.weight.zero_()
        net.inception3b.branch3.bn.bias.zero_()
        assert without == pytest.approx(net(torch.from_numpy(x)).softmax(-1)[0].numpy(), abs=1e-6)


@pytest.mark.parametrize("card", [card for card in models.papers() if card.lesions], ids=lambda card: card.slug)
def test_what_may_be_taken_out_is_a_probe_and_leaves_a_network(card):
    net = models.build(card.slug).eval().requires_grad_(False)
    found = parts(net, card)
    assert {part.path for part in found} <= expand(net, card.probes).keys()
    assert len({(part.row, part.column) for part in found}) == len(found) >= 9
    for pattern in card.lesions:
        assert any(part.path.endswith(pattern.rpartition("*")[2]) for part in found)
    x = np.zeros((1, *card.sized.shape), np.float32)
    assert np.isfinite(lesioned(net, card, x, tuple(part.name for part in found))).all()


def test_many_visitors_get_what_each_would_get_alone():
    def fresh():
        torch.manual_seed(0)
        return models.build("densenet").eval().requires_grad_(False)

    card, generator = models.paper("densenet"), np.random.default_rng(1)
    names = [part.name for part in parts(fresh(), card)]
    asked = [
        (generator.standard_normal((1, 3, 16, 16)).astype(np.float32), tuple(generator.choice(names, 3, False)))
        for _ in range(24)
    ]

    def ask(module, i, **more):
        x, off = asked[i]
        return lesions(module, card, x).without.tobytes() if i % 2 else lesioned(module, card, x, off).tobytes()

    alike_for_all(ask, fresh, len(asked), left=lambda i: False)
