"""AlexNet against section 3.5 of its paper, layer by layer, and the race of Fig. 1."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import models
from app.interpret.trace import expand
from models import checkpoint, notes
from models.alexnet import PAPER as CARD
from models.alexnet import model, train
from models.alexnet.figure import draw

MAPS, UNITS = ("batch", "channel", "height", "width"), ("batch", "unit")


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return model.build(model.SMALL).eval()


@pytest.fixture(scope="module")
def published():
    with torch.device("meta"):
        return model.build(model.PAPER).eval()


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def shapes(net: nn.Module, x: torch.Tensor) -> dict[str, tuple[int, ...]]:
    seen: dict[str, tuple[int, ...]] = {}
    handles = [
        m.register_forward_hook(lambda _m, _i, out, n=n: seen.__setitem__(n, tuple(out.shape[1:])))
        for n, m in net.named_modules()
    ]
    net(x)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize(
    ("layer", "shape", "parameters"),
    [
        ("conv1", (96, 55, 55), 96 * 11 * 11 * 3 + 96),  # "96 kernels of size 11x11x3 with a stride of 4 pixels"
        ("pool1", (96, 27, 27), 0),
        ("conv2", (256, 27, 27), 256 * 5 * 5 * 48 + 256),  # "256 kernels of size 5x5x48"
        ("pool2", (256, 13, 13), 0),
        ("conv3", (384, 13, 13), 384 * 3 * 3 * 256 + 384),  # "384 kernels of size 3x3x256"
        ("conv4", (384, 13, 13), 384 * 3 * 3 * 192 + 384),  # "384 kernels of size 3x3x192"
        ("conv5", (256, 13, 13), 256 * 3 * 3 * 192 + 256),  # "256 kernels of size 3x3x192"
        ("pool5", (256, 6, 6), 0),
        ("fc6", (4096,), 6 * 6 * 256 * 4096 + 4096),
        ("fc7", (4096,), 4096 * 4096 + 4096),
        ("fc8", (1000,), 4096 * 1000 + 1000),
    ],
)
def test_each_layer_is_as_section_3_5_describes_it(published, layer, shape, parameters):
    assert shapes(published, torch.empty(1, 3, 227, 227, device="meta"))[layer] == shape
    assert count(published.get_submodule(layer)) == parameters


def test_there_are_60_million_parameters(published):
    layers = (34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000)
    assert count(published) == sum(layers) == 60_965_224


def test_fig_2s_numbers_of_neurons(published):
    """The caption: 253,440-186,624-64,896-64,896-43,264-4096-4096-1000 neurons, after an input of 150,528 = 224x224x3."""
    seen = shapes(published, torch.empty(1, 3, 227, 227, device="meta"))
    neurons = [torch.Size(seen[f"conv{i}"]).numel() for i in range(1, 6)]
    # The caption's first number would be maps of 51.4 points a side; the text's 55x55 are 290,400.
    assert neurons == [290_400, 186_624, 64_896, 64_896, 43_264]


def test_the_small_network_in_numbers(net):
    assert count(net) == 409_418
    assert [count(net.get_submodule(name)) for name in ("conv1", "conv2", "fc6", "fc7", "fc8")] == [
        2_432,
        38_496,
        110_720,
        16_512,
        1_290,
    ]
    seen = shapes(net, torch.zeros(1, 3, 32, 32))
    assert [seen[n] for n in ("conv1", "pool1", "conv2", "pool2", "conv3", "pool5", "fc6", "fc8")] == [
        (32, 32, 32),
        (32, 15, 15),
        (96, 15, 15),
        (96, 7, 7),
        (128, 7, 7),
        (96, 3, 3),
        (128,),
        (10,),
    ]
    assert count(model.build(model.TWIN)) == count(model.build(model.RELU)) == count(net)


def test_every_probe_is_there_with_its_axes(net):
    maps = [f"{kind}{i}" for i in (1, 2) for kind in ("conv", "relu", "pool", "norm")]
    maps += [*(f"{kind}{i}" for i in (3, 4, 5) for kind in ("conv", "relu")), "pool5"]
    wanted = dict.fromkeys(maps, MAPS) | dict.fromkeys(("fc6", "relu6", "fc7", "relu7", "fc8"), UNITS)
    assert {path: probe.axes for path, probe in expand(net, CARD.probes).items()} == wanted


def test_a_group_sees_its_own_maps_except_in_conv3(net):
    for layer, crossing in (("conv2", False), ("conv3", True), ("conv4", False), ("conv5", False)):
        conv = net.get_submodule(layer)
        x = torch.randn(1, conv.in_channels, 7, 7, requires_grad=True)
        (gradient,) = torch.autograd.grad(conv(x)[0, 0].sum(), x)
        other = gradient[0, conv.in_channels // 2 :].abs().sum()
        assert (other > 0) == crossing, layer


def test_normalisation_worked_by_hand():
    layer = model.LocalResponseNorm(7, model.PAPER)
    a = torch.arange(1.0, 8).view(1, 7, 1, 1)
    b = layer(a).flatten()
    assert b[3].item() == pytest.approx(4 / (2 + 1e-4 * (4 + 9 + 16 + 25 + 36)) ** 0.75, rel=1e-6)  # maps 2 to 6
    assert b[0].item() == pytest.approx(1 / (2 + 1e-4 * (1 + 4 + 9)) ** 0.75, rel=1e-6)  # at the end: three maps
    x = torch.randn(2, 16, 3, 3)
    theirs = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)  # PyTorch divides alpha by n
    assert torch.allclose(model.LocalResponseNorm(16, model.PAPER)(x), theirs(x), atol=1e-6)


def test_pooling_overlaps():
    x = torch.arange(25.0).view(1, 1, 5, 5)
    net = model.build(model.SMALL)
    assert net.pool1(x).flatten().tolist() == [12, 14, 22, 24]  # column 2 is in both windows of a row


def test_pooling_comes_after_normalisation_in_the_paper_and_before_it_in_ours():
    assert model.PAPER.norm_first
    assert not model.SMALL.norm_first
    order: list[str] = []
    small = model.build(model.SMALL)
    for name in ("pool1", "norm1"):
        small.get_submodule(name).register_forward_hook(lambda _m, _i, _o, name=name: order.append(name))
    small(torch.zeros(1, 3, 32, 32))
    assert order == ["pool1", "norm1"]


def test_every_module_is_used_once_and_activations_are_modules(net):
    used: dict[str, int] = {}
    leaves = [(n, m) for n, m in net.named_modules() if not list(m.children())]
    handles = [
        m.register_forward_hook(lambda _m, _i, _o, n=n: used.__setitem__(n, used.get(n, 0) + 1)) for n, m in leaves
    ]
    net(torch.zeros(1, 3, 32, 32))
    for handle in handles:
        handle.remove()
    assert used == {n: 1 for n, _ in leaves}
    assert sum(isinstance(m, nn.ReLU) for m in net.modules()) == 7
    assert sum(isinstance(m, nn.Tanh) for m in model.build(model.TWIN).modules()) == 7


def test_the_race_is_read_off_the_curve():
    rows = [{"epoch": 0.0}] + [
        {"epoch": e, "train_error": error} for e, error in ((1.0, 60.0), (2.0, 40.0), (3.0, 20.0), (4.0, 15.0))
    ]
    # 40 % stands for the middle of the second epoch, 20 % for that of the third: 25 % is three quarters of the way.
    assert train.epochs_to_mark(rows) == pytest.approx(2.25)
    assert train.epochs_to_mark(rows, 50.0) == pytest.approx(1.0)
    assert train.epochs_to_mark(rows[:3]) == 2.0  # never: all that were run


def test_that_tanh_never_reached_the_mark_is_said_with_its_numbers():
    curves = checkpoint.read_curves("alexnet")
    assert min(error for _, error in train.race(curves["twin"]["0"])) > train.MARK
    record = checkpoint.read_record("alexnet")
    for name, said in (
        ("epochs_to_25_tanh", "25 % not reached"),
        ("relu_speedup", "at least: tanh did not reach 25 %"),
    ):
        for metric in (record.metric(name), next(m for m in record.sample if m.name == name)):
            assert metric is not None and said in metric.note
    assert "1.228 (at least: " in notes.table("alexnet")
    assert "the one with tanh has not got there in 5 passes" in draw().caption


def test_colour_is_what_red_green_and_blue_do_not_share():
    net = model.build(model.SMALL)
    with torch.no_grad():
        net.conv1.weight[:16] = torch.randn(16, 1, 5, 5).expand(-1, 3, -1, -1)  # grey kernels
        net.conv1.weight[16:] = torch.tensor([1.0, -1.0, 0.0]).view(1, 3, 1, 1)  # red against green
    assert train.colour(net) == pytest.approx([0, 100], abs=1e-4)


def test_what_the_note_says_of_the_colours_of_the_trained_kernels():
    kernels = models.restore("alexnet").conv1.weight.detach()
    grey = kernels.mean(1, keepdim=True)
    colour = (kernels - grey).square().flatten(1).sum(1) / kernels.square().flatten(1).sum(1)
    assert [round(100 * float(v)) for v in (colour.min(), colour.max())] == [31, 89]


def test_the_record_reaches_what_was_asked():
    record = checkpoint.read_record("alexnet")
    accuracy, parameters = record.metric("test_accuracy"), record.parameters
    assert accuracy is not None and accuracy.samples == 10_000
    assert accuracy.value >= 80  # the floor for a slow core
    assert parameters == 409_418
    assert record.epochs == 26, "as the note says"
