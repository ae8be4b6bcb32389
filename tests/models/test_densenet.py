"""DenseNet against the paper: counts, Table 1, what each layer sees, the weights of Fig. 5, long connections cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import models
from app.interpret.trace import expand, trace
from models import checkpoint, photos
from models.densenet import PAPER as CARD
from models.densenet import model, train
from models.densenet.model import Block, Chain, Layer, Transition

MAPS = ("batch", "channel", "height", "width")


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return model.build(model.SMALL).eval()


def count(config: model.Config) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in model.build(config).parameters())


def seen(module: nn.Module, x: torch.Tensor) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, part in module.named_modules():
        part.register_forward_hook(lambda _m, _i, out, name=name: shapes.__setitem__(name, tuple(out.shape)))
    module(x)
    return shapes


def test_parameters_are_as_many_as_published():
    assert count(model.PAPER) == 7_978_856
    assert model.PAPER.depth == 121
    assert round(count(model.DENSENET_40) / 1e6, 1) == 1.0
    assert model.DENSENET_40.depth == 40
    assert model.DENSENET_40.layers == (12, 12, 12)
    assert model.SMALL.depth == 16


@pytest.mark.parametrize(
    ("depth", "growth", "millions"), [(40, 12, 1.0), (100, 12, 7.0), (100, 24, 27.2)], ids=["k12", "L100", "k24"]
)
def test_the_networks_for_cifar_are_those_of_table_2(depth, growth, millions):
    assert count(model.cifar(depth, growth)) / 1e6 == pytest.approx(millions, abs=0.06)


def test_every_block_of_densenet_121_has_the_size_of_table_1():
    with torch.device("meta"):
        shapes = seen(model.build(model.PAPER), torch.zeros(1, 3, 224, 224))
    assert shapes["conv0"] == (1, 64, 112, 112)
    assert shapes["pool0"] == (1, 64, 56, 56)
    assert [shapes[f"blocks.{i}"] for i in range(4)] == [
        (1, 256, 56, 56),
        (1, 512, 28, 28),
        (1, 1024, 14, 14),
        (1, 1024, 7, 7),
    ]
    assert [shapes[f"transitions.{i}"] for i in range(3)] == [(1, 128, 28, 28), (1, 256, 14, 14), (1, 512, 7, 7)]
    assert shapes["blocks.2.23.conv1"] == (1, 128, 14, 14), "a bottleneck of 4k maps"
    assert shapes["classifier"] == (1, 1000)


def test_every_block_of_ours_has_the_size_that_the_note_gives(net):
    shapes = seen(model.build(model.SMALL), torch.zeros(1, 3, 32, 32))
    assert shapes["conv0"] == (1, 16, 32, 32)
    assert [shapes[f"blocks.{i}"] for i in range(3)] == [(1, 80, 32, 32), (1, 144, 16, 16), (1, 208, 8, 8)]
    assert [shapes[f"transitions.{i}"] for i in range(2)] == [(1, 80, 16, 16), (1, 144, 8, 8)]
    assert [shapes[f"blocks.0.{i}.hook_seen"][1] for i in range(4)] == [16, 32, 48, 64]
    assert {shapes[f"blocks.{b}.{i}.hook_new"][1] for b in range(3) for i in range(4)} == {16}
    assert shapes["flatten"] == (1, 208)


def test_the_probes_are_all_there_with_their_axes(net):
    found = {path: probe.axes for path, probe in expand(net, CARD.probes).items()}
    wanted = dict.fromkeys(("conv0", "norm", "relu"), MAPS)
    for b in range(3):
        wanted[f"blocks.{b}"] = MAPS
        wanted |= {
            f"blocks.{b}.{i}.{part}": MAPS for i in range(4) for part in ("hook_seen", "norm1", "relu1", "hook_new")
        }
    wanted |= {f"transitions.{t}.{part}": MAPS for t in range(2) for part in ("norm", "relu", "conv", "pool")}
    wanted |= dict.fromkeys(("flatten", "classifier"), ("batch", "unit"))
    assert found == wanted


def test_a_layer_is_given_all_that_was_made_before_oldest_first():
    torch.manual_seed(0)
    block = Block(3, 3, 2, False).eval()
    kept: dict[str, torch.Tensor] = {}
    for name, part in block.named_modules():
        part.register_forward_hook(lambda _m, _i, out, name=name: kept.__setitem__(name, out))
    x = torch.randn(2, 3, 5, 5)
    y = block(x)
    made = [x, *(kept[f"{i}.hook_new"] for i in range(3))]
    assert torch.equal(y, torch.cat(made, 1))
    for i in range(3):
        assert torch.equal(kept[f"{i}.hook_seen"], torch.cat(made[: i + 1], 1))
    assert y.shape[1] == block.out_channels == 3 + 3 * 2


def test_a_layer_is_normalised_rectified_and_convolved_in_this_order():
    torch.manual_seed(0)
    layer = Layer(3, 2, True).eval()
    x = torch.randn(1, 3, 4, 4)
    with torch.no_grad():
        layer.norm1.bias.copy_(torch.tensor([0.5, -0.5, 0.0]))
        inner = torch.conv2d(layer.norm1(x).clamp(min=0), layer.conv1.weight)
        assert inner.shape == (1, 8, 4, 4)
        outer = torch.conv2d(layer.norm2(inner).clamp(min=0), layer.conv2.weight, padding=1)
        assert torch.allclose(layer(x), outer, atol=1e-6)


def test_a_transition_averages_squares():
    transition = Transition(1, 1).eval()
    with torch.no_grad():
        transition.conv.weight.fill_(2.0)
    x = torch.tensor([[[[1.0, 3.0], [-4.0, 4.0]]]])
    assert transition(x).item() == pytest.approx(2 * (1 + 3 + 0 + 4) / 4, rel=1e-4)


def test_every_activation_is_used_once(net):
    used: dict[str, int] = {}
    handles = [
        m.register_forward_hook(lambda _m, _i, _o, n=n: used.__setitem__(n, used.get(n, 0) + 1))
        for n, m in net.named_modules()
        if not list(m.children())
    ]
    net(torch.zeros(1, 3, 32, 32))
    for handle in handles:
        handle.remove()
    assert set(used.values()) == {1}
    assert sum(isinstance(m, nn.ReLU) for m in net.modules()) == 12 + 2 + 1


def test_the_twin_is_a_chain_of_the_same_depth_and_size():
    twin = model.build(model.TWIN)
    assert all(isinstance(block, Chain) for block in twin.blocks)
    assert model.TWIN.depth == model.SMALL.depth
    assert count(model.TWIN) == pytest.approx(count(model.SMALL), rel=0.03)
    assert twin(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    widths = [(layer.norm1.num_features, layer.conv1.out_channels) for block in twin.blocks for layer in block]
    assert widths == [(16, 32), *[(32, 32)] * 3, (32, 48), *[(48, 48)] * 3, (48, 52), *[(52, 52)] * 3]


def test_reuse_is_the_mean_absolute_weight_for_every_source_and_reader():
    torch.manual_seed(0)
    net = model.build(model.SMALL)
    block = net.blocks[0]
    assert isinstance(block, Block)
    assert block.sources() == [(0, 16), (16, 32), (32, 48), (48, 64), (64, 80)]
    with torch.no_grad():
        block[2].conv1.weight.fill_(0.0)
        block[2].conv1.weight[:, 16:32] = -3.0
        net.transitions[0].conv.weight[:, 64:] = 0.25
    tables = net.reuse()
    assert [table.shape for table in tables] == [(5, 5)] * 3
    assert tables[0][:3, 2].tolist() == [0, 3, 0]
    assert np.isnan(tables[0][3:, 2]).all()
    assert tables[0][4, 4] == 0.25
    assert np.isfinite(tables[0][:, 4]).all()
    assert tables[2][0, 4] == pytest.approx(net.classifier.weight[:, :144].abs().mean().item(), abs=1e-6)


def test_reuse_on_a_picture_weighs_every_map_by_its_size():
    torch.manual_seed(0)
    net, x, given = model.build(model.SMALL).eval(), torch.randn(2, 3, 32, 32), []
    net.blocks[1][2].relu1.register_forward_hook(lambda _module, _inputs, output: given.append(output))
    net(x)
    sizes = given[0].abs().mean((0, 2, 3))
    weights = net.blocks[1][2].conv1.weight.abs().mean((0, 2, 3))
    table = net.reuse(x)[1]
    for source, (start, end) in enumerate(net.blocks[1].sources()[:3]):
        wanted = (weights * sizes)[start:end].mean().item()
        assert table[source, 2] == pytest.approx(wanted, rel=1e-5)
    assert np.isnan(table[3:, 2]).all() and np.isnan(table[0]).sum() == 0
    assert not any(module._forward_pre_hooks for module in net.modules())


def test_reach_compares_far_sources_with_the_last_one():
    table = np.array([[9.0, 1.0, 2.0], [np.nan, 4.0, 3.0], [np.nan, np.nan, 2.0]])
    assert train.reach(table) == pytest.approx((1 + 2 + 3) / 3 / ((4 + 2) / 2))


def test_cutting_long_connections_leaves_the_layer_before_and_the_network_itself():
    torch.manual_seed(0)
    net = model.build(model.SMALL).eval()
    x = torch.rand(1, 3, 32, 32)
    before = net(x)
    less = train.without_far(net, 1)
    assert torch.equal(net(x), before)
    assert not torch.equal(less(x), before)
    block = less.blocks[1]
    assert not block[3].conv1.weight[:, : 80 + 2 * 16].any()
    assert torch.equal(block[3].conv1.weight[:, 80 + 2 * 16 :], net.blocks[1][3].conv1.weight[:, 80 + 2 * 16 :])
    assert torch.equal(block[0].conv1.weight, net.blocks[1][0].conv1.weight), (
        "the first layer sees what the block is given"
    )
    assert torch.equal(less.blocks[0][3].conv1.weight, net.blocks[0][3].conv1.weight)


@pytest.mark.skipif(CARD in models.waiting(), reason="not trained yet")
def test_the_record_reaches_what_was_asked():
    record = checkpoint.read_record(CARD.slug)
    values = {metric.name: metric.value for metric in record.metrics}
    assert values["test_accuracy"] >= 86  # the floor for a slow core
    assert abs(values["test_accuracy"] - values["twin_test_accuracy"]) < 0.2, "the note says: no difference"
    far = [values[f"without_far_block_{i}"] for i in (1, 2, 3)]
    assert min(far) > 60 and far[0] == max(far)
    assert record.parameters == count(model.SMALL) == 212_730
    picture = checkpoint.read_arrays(checkpoint.folder(CARD.slug) / "portrait.safetensors")["portrait"]
    assert picture.shape == (96, 128)
    assert picture.max() == 1


def test_what_the_note_says_of_the_scales_and_of_the_classifier():
    net = models.load(CARD.slug).module
    scales = [float(layer.norm1.weight.abs().min()) for block in net.blocks for layer in block]
    assert 0.13 < min(scales) < 0.15
    tables = net.reuse()
    last = tables[2][:, -1]
    assert last.argmax() == len(last) - 1 and last[-1] > 5 * last[0]
    assert np.nanmin(tables[0] / np.nanmax(tables[0], 0)) > 0.75


@pytest.mark.data
def test_what_the_note_says_of_new_maps():
    net = models.load(CARD.slug)
    found = trace(net.module, net.paper, photos.pictures("test")[0][:200].numpy())

    def like(block: int) -> float:
        """The share of new maps that correlate to a half or more with one that their layer was given."""
        most = []
        for layer in range(4):
            new, seen = (found.values[f"blocks.{block}.{layer}.hook_{name}"].swapaxes(0, 1) for name in ("new", "seen"))
            new, seen = (v.reshape(len(v), -1) - v.mean((1, 2, 3))[:, None] for v in (new, seen))
            new, seen = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (new, seen))
            most.append(np.abs(new @ seen.T).max(1))
        return float((np.concatenate(most) >= 0.5).mean())

    assert like(1) < 0.15 and like(0) > 0.5
