"""A network's structure, found by running it: graph, shapes, parameters, receptive fields, connections."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import models
from app.interpret.architecture import Numbers, look, numbers, source, structure
from app.interpret.copies import state
from app.interpret.stages import INPUT, MANY, places, run
from models.paper import Image
from tests.interpret.cards import card

LENET = {  # section II of the paper: shape, trainable, receptive field
    "C1": ((6, 28, 28), 156, 5),
    "S2": ((6, 14, 14), 12, 6),
    "C3": ((16, 10, 10), 1516, 14),
    "S4": ((16, 5, 5), 32, 16),
    "C5": ((120, 1, 1), 48120, 32),
    "F6": ((84,), 10164, 32),
}


@pytest.fixture(scope="module")
def lenet():
    net = models.build("lenet5").eval().requires_grad_(False)
    return net, structure(net, models.paper("lenet5"), np.zeros((1, 1, 32, 32), np.float32))


@pytest.mark.parametrize("path", LENET)
def test_lenet_layer_by_layer(lenet, path):
    layer = lenet[1][path]
    shape, trainable, field = LENET[path]
    assert (layer.shape, layer.trainable, layer.field) == (shape, trainable, (field, field))
    assert not layer.joined
    squashed = lenet[1][f"{path}_squash"]
    assert squashed.joined and squashed.sources == (path,) and squashed.field == (field, field)


def test_lenet_as_a_whole(lenet):
    net, found = lenet
    assert (found.trainable, found.fixed) == (60000, 840)
    assert sum(layer.trainable for layer in found.layers) == 60000
    chain = [INPUT, *[p.path for p in models.paper("lenet5").probes]]
    assert [layer.path for layer in found.layers] == chain
    assert [layer.sources for layer in found.layers[1:]] == [(path,) for path in chain[:-1]]
    assert found.base("F6_picture") == "F6" and found.base("output") == "output.rbf" and found.base("C1") == "C1"
    assert found["output.rbf"].fixed == 840 and found["output"].fixed == 0
    assert all(not hooks for m in net.modules() for hooks in (m._forward_hooks, m._forward_pre_hooks))


def test_lenets_connections_are_those_of_its_table(lenet):
    from models.lenet5.model import TABLE_I

    pairs = {(int(unit), int(of)) for _, of, unit in lenet[1]["C3"].links}
    assert pairs == {(unit, of) for unit, line in enumerate(TABLE_I) for of in line}
    assert lenet[1]["S2"].links.tolist() == [[0, i, i] for i in range(6)]
    assert not len(lenet[1]["C5"].links)  # 120 units: too many to list


def test_family_trees_meet_in_the_central_layer():
    slug = "backprop/families"
    net = models.build(slug).eval().requires_grad_(False)
    found = structure(net, models.paper(slug), np.zeros((1, 36), np.float32))
    assert {k.path: k.sources for k in found.layers if not k.joined and k.path != INPUT} == {
        "person": (INPUT,),
        "relation": (INPUT,),
        "central": ("person_y", "relation_y"),
        "penultimate": ("central_y",),
        "output": ("penultimate_y",),
    }
    assert sorted({int(of) for _, of, _ in found["person"].links}) == list(range(24))
    assert sorted({int(of) for _, of, _ in found["relation"].links}) == list(range(24, 36))
    assert all(layer.field is None for layer in found.layers)


FIELDS = [  # layers, what a cell of the last one sees
    ((nn.Conv2d(1, 2, 3),), (3, 3)),
    ((nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Conv2d(2, 2, 3)), (7, 7)),  # 3 + 2 * 2
    ((nn.Conv2d(1, 2, (3, 1)), nn.ReLU(), nn.MaxPool2d(2)), (4, 2)),
    ((nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Conv2d(2, 1, 3)), (8, 8)),  # 3 + 1, then + 2 * 2
    ((nn.Conv2d(1, 2, 3, dilation=2),), (5, 5)),
    ((nn.AvgPool2d(4), nn.AvgPool2d(2)), (8, 8)),
    ((nn.Conv2d(1, 1, 5, padding=2), nn.Flatten(), nn.Linear(256, 3)), (16, 16)),
    ((nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1)), (16, 16)),
]


@pytest.mark.parametrize(("layers", "field"), FIELDS)
def test_receptive_fields(layers, field):
    torch.manual_seed(0)
    net = nn.Sequential(*layers).requires_grad_(False)
    last = str(len(layers) - 1)
    found = structure(net, card(last, takes=Image(1, (16, 16), ("a", "b"))), np.zeros((1, 1, 16, 16), np.float32))
    assert found[last].field == field


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.act, self.second, self.sum = (
            nn.Conv2d(1, 2, 1),
            nn.ReLU(),
            nn.Conv2d(2, 2, 3, padding=1),
            nn.Identity(),
        )
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.sum(x + self.second(self.act(x)))


def test_stages_that_are_no_probes_are_found_between_them():
    torch.manual_seed(0)
    net = Residual()
    found = structure(net, card("first", "sum"), np.zeros((1, 1, 5, 5), np.float32))
    assert {k.path: (k.sources, k.joined) for k in found.layers} == {
        INPUT: ((), False),
        "first": ((INPUT,), False),
        "act": (("first",), True),
        "second": (("act",), False),
        "sum": (("first", "second"), False),
    }
    assert found["sum"].field == (3, 3) and found["act"].what == "" and found["sum"].what == "This is sum."


class Words(nn.Module):
    """A picture of 4x4 in four patches behind a class token, of three units each; then a weighted sum in every token."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.tokens, self.mix = nn.Conv2d(1, 3, 2, stride=2), nn.Identity(), nn.Linear(3, 2)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.cut(x).flatten(2).mT
        return self.mix(self.tokens(torch.cat([torch.ones(len(x), 1, 3), patches], 1)))


def test_the_tokens_of_a_picture_are_places_and_their_units_come_first():
    torch.manual_seed(0)
    net, x = Words(), np.random.default_rng(0).random((1, 1, 4, 4)).astype(np.float32)
    paper = card("tokens", "mix", takes=Image(1, (4, 4), ("a", "b")))
    found = structure(net, paper, x)
    assert found["tokens"].shape == (3, 1, 5) and found["mix"].shape == (2, 1, 5)
    assert found["mix"].sources == ("tokens",) and found["mix"].field == (2, 2)
    assert len(found["mix"].links) == 6
    seen = look(net, paper, x, ("tokens", "mix"))
    assert (seen["tokens"][:, 0, 0] == 1).all()
    kernel, bias = net.mix.weight.numpy(), net.mix.bias.numpy()
    assert pytest.approx(seen["tokens"][:, 0].T @ kernel.T + bias, abs=1e-6) == seen["mix"][:, 0].T
    held = run(net, torch.from_numpy(x), ("mix",), {"tokens": torch.zeros(1, 3, 1, 5)})["mix"]
    assert held[0, :, 0].numpy() == pytest.approx(np.repeat(bias[:, None], 5, 1))


class Deep(nn.Module):
    """Twelve blocks that add to a stream: convolution, normalisation, ReLU, sum."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        for _ in range(12):
            block = nn.Module()
            block.conv, block.bn, block.relu = nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1), nn.ReLU()
            block.copy, block.stream = nn.Identity(), nn.Identity()
            self.blocks.append(block)
        self.flat, self.end = nn.Flatten(), nn.Linear(16, 2)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block.stream(x + block.copy(block.relu(block.bn(block.conv(x)))))
        return self.end(self.flat(x))


def test_of_a_deep_network_the_same_places_of_every_block_are_kept():
    torch.manual_seed(0)
    parts = ("conv", "bn", "relu", "copy", "stream")
    paper = card(*(f"blocks.*.{part}" for part in parts), "end", takes=Image(1, (4, 4), ("a", "b")))
    found = places(Deep(), paper, torch.zeros(1, 1, 4, 4))
    assert len(found) <= MANY and found[-1] == "end"
    kept = [[p.rpartition(".")[2] for p in found if p.startswith(f"blocks.{i}.")] for i in range(12)]
    assert kept == [["copy", "stream"]] * 12  # neither what is normalised and squashed next, nor the same twice


class Streamed(nn.Module):
    """Fourteen blocks of two convolutions, the first of which is added to a stream that bears TransformerLens's name."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        for _ in range(14):
            block = nn.Module()
            block.first, block.hook_resid_post = nn.Conv2d(1, 1, 3, padding=1), nn.Identity()
            block.second = nn.Conv2d(1, 1, 3, padding=1)
            self.blocks.append(block)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block.hook_resid_post(x + block.first(x))
            x = x + block.second(x)
        return x


def test_a_stream_stays_among_the_stages_though_no_logits_are_read_from_it():
    torch.manual_seed(0)
    parts = ("first", "hook_resid_post", "second")
    paper = card(*(f"blocks.*.{part}" for part in parts), takes=Image(1, (4, 4), ("a", "b")))
    assert not paper.stream
    found = places(Streamed(), paper, torch.zeros(1, 1, 4, 4))
    assert found == tuple(f"blocks.{i}.{part}" for i in range(14) for part in ("hook_resid_post", "second"))


def test_a_layer_whose_weights_are_zero_reads_the_one_before():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)).requires_grad_(False)
    net[1].weight.zero_()
    assert structure(net, card("0", "1"), np.zeros((1, 3), np.float32))["1"].sources == ("0",)


def test_numbers_of_a_layer():
    net = nn.Sequential(nn.ReLU(), nn.Tanh()).requires_grad_(False)
    x = np.array([[-2, 0, 1, 4]], np.float32)
    paper = card("0", "1")
    assert numbers(net, paper, x, "0", (INPUT,), True) == Numbers(0, 1.25, 4, 0.5, 0.5)
    # tanh' is 1 - tanh^2: 1, 1, 0.42, 0.0013 at 0, 0, 1, 4: one of four below 5 % of the steepest
    assert numbers(net, paper, x, "1", ("0",), True).saturated == 0.25
    assert (
        numbers(nn.Sequential(nn.Linear(4, 1)).requires_grad_(False), card("0"), x, "0", (INPUT,), False).saturated
        is None
    )


def test_look_gives_what_the_stages_put_out():
    net = nn.Sequential(nn.ReLU(), nn.Identity()).requires_grad_(False)
    before = state(net)
    seen = look(net, card("0"), np.array([[-1.0, 2.0]], np.float32), ("0",))
    assert {k: v.tolist() for k, v in seen.items()} == {INPUT: [-1, 2], "0": [0, 2]}
    assert state(net) == before


def test_no_hook_is_left_after_an_error():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(5, 2)).requires_grad_(False)
    before = state(net)
    with pytest.raises(RuntimeError):
        run(net, torch.zeros(1, 3), ("0", "1"))
    assert state(net) == before


def test_the_source_is_the_layers_own_or_its_networks(lenet):
    net, _ = lenet
    paper = models.paper("lenet5")
    own = source(net, paper, np.zeros(1), "S2")
    assert own.own and own.code.startswith("class Subsampling(nn.Module):")
    around = source(net, paper, np.zeros(1), "C1")
    assert not around.own and around.name == "LeNet5" and "self.C1 = " in around.code
    assert source(nn.Sequential(nn.ReLU()), paper, np.zeros(1), "0").name == "ReLU"
