"""VGG against Table 1 of its paper, column D, and its receptive fields against section 2.3."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import models
from app.interpret.trace import expand
from models import checkpoint, photos
from models.data.cifar10 import LABELS
from models.vgg import BLOCKS, model
from models.vgg import PAPER as CARD

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
        ("block1", (64, 224, 224), 1_792 + 36_928),
        ("block2", (128, 112, 112), 73_856 + 147_584),
        ("block3", (256, 56, 56), 295_168 + 2 * 590_080),
        ("block4", (512, 28, 28), 1_180_160 + 2 * 2_359_808),
        ("block5", (512, 14, 14), 3 * 2_359_808),
        ("pool5", (512, 7, 7), 0),
        ("fc6", (4096, 1, 1), 7 * 7 * 512 * 4096 + 4096),
        ("fc7", (4096, 1, 1), 4096 * 4096 + 4096),
        ("fc8", (1000, 1, 1), 4096 * 1000 + 1000),
        ("flatten", (1000,), 0),
    ],
)
def test_each_block_is_as_column_d_of_table_1(published, layer, shape, parameters):
    assert shapes(published, torch.empty(1, 3, 224, 224, device="meta"))[layer] == shape
    assert count(published.get_submodule(layer)) == parameters


def test_there_are_16_layers_and_138_million_parameters(published):
    layers = [m for m in published.modules() if isinstance(m, nn.Conv2d)]
    assert len(layers) == 16
    assert {m.kernel_size for m in layers[:13]} == {(3, 3)}
    assert count(published) == 138_357_544  # Table 2: 138 million
    assert not any(isinstance(m, nn.BatchNorm2d) for m in published.modules())


def test_the_published_network_gives_a_map_of_scores_for_a_larger_picture(published):
    """Section 3.2: fully connected layers as convolutions, the class score map is averaged."""
    seen = shapes(published, torch.empty(1, 3, 384, 384, device="meta"))
    assert seen["fc8"] == (1000, 6, 6)
    assert seen["flatten"] == (1000,)


def test_the_small_network_and_its_twin_in_numbers(net):
    assert count(net) == 410_338
    twin = model.build(model.TWIN)
    assert count(twin) == 411_690
    assert abs(count(twin) / count(net) - 1) < 0.01  # the same budget
    assert [m.kernel_size[0] for m in twin.modules() if isinstance(m, nn.Conv2d)] == [5, 5, 7, 7, 1, 1, 1]
    seen = shapes(net, torch.zeros(1, 3, 32, 32))
    assert [seen[f"block{i}"] for i in (1, 2, 3, 4)] == [(24, 32, 32), (48, 16, 16), (72, 8, 8), (96, 4, 4)]
    assert (seen["fc6"], seen["fc8"], seen["flatten"]) == ((96, 2, 2), (10, 2, 2), (10,))


def test_the_scores_are_the_mean_of_the_map(net):
    x = torch.randn(2, 3, 32, 32)
    kept = []
    handle = net.fc8.register_forward_hook(lambda _m, _i, out: kept.append(out))
    y = net(x)
    handle.remove()
    assert torch.allclose(y, kept[0].mean((2, 3)), atol=1e-6)


def test_every_probe_is_there_with_its_axes(net):
    maps = []
    for block, depth in enumerate((2, 2, 3, 3), 1):
        maps += [f"block{block}.{kind}{i}" for i in range(1, depth + 1) for kind in ("conv", "bn", "relu")]
        maps.append(f"pool{block}")
    wanted = dict.fromkeys([*maps, "fc6", "relu6", "fc7", "relu7", "fc8", "scores"], MAPS) | {"flatten": UNITS}
    assert {path: probe.axes for path, probe in expand(net, CARD.probes).items()} == wanted


def test_two_kernels_see_5_pixels_and_three_see_7():
    one = model.Config(depths=(3,), widths=(8,), fc_side=1)
    fields = model.receptive_fields(one)
    assert [fields[f"block1.conv{i}"] for i in (1, 2, 3)] == [(3, 1), (5, 1), (7, 1)]


def test_receptive_fields_are_those_of_the_gradient():
    small = model.Config(depths=(2, 2), widths=(2, 2), units=2, fc_side=1, classes=2)
    net = model.build(small)
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    seen = {}
    for name in ("block1.conv2", "pool1", "block2.conv1", "block2.conv2", "pool2"):
        x = torch.rand(1, 3, 64, 64, requires_grad=True)
        kept = []
        handle = net.get_submodule(name).register_forward_hook(lambda _m, _i, out, kept=kept: kept.append(out))
        net(x)
        handle.remove()
        middle = kept[0].shape[-1] // 2
        (gradient,) = torch.autograd.grad(kept[0][0, 0, middle, middle], x)
        rows = gradient[0].abs().sum((0, 2)).nonzero()[:, 0]
        seen[name] = int(rows.max() - rows.min()) + 1
    wanted = {name: model.receptive_fields(small)[name][0] for name in seen}
    assert seen["block1.conv2"] == wanted["block1.conv2"] == 5
    assert all(seen[name] <= wanted[name] for name in seen)


def test_the_card_says_the_receptive_fields_that_are_computed():
    fields = model.receptive_fields(model.SMALL)
    for block, (maps, _, seen) in enumerate(BLOCKS, 1):
        assert model.SMALL.widths[block - 1] == maps
        assert tuple(fields[f"block{block}.conv{i}"][0] for i in range(1, len(seen) + 1)) == seen


def test_the_twin_sees_as_far_as_the_model():
    deep, shallow = model.receptive_fields(model.SMALL), model.receptive_fields(model.TWIN)
    assert [deep[f"pool{i}"] for i in (1, 2, 3, 4)] == [shallow[f"pool{i}"] for i in (1, 2, 3, 4)]


def test_pictures_of_every_side_of_the_training_are_taken(net):
    assert all(net(torch.zeros(2, 3, side, side)).shape == (2, 10) for side in (16, 24, 32))


def test_muon_has_every_kernel_but_the_last(net):
    kernels, others = photos.optimiser(net, 0.05, 5e-4, net.fc8.weight).param_groups
    assert len(kernels["params"]) == 10 + 2
    assert {p.ndim for p in kernels["params"]} == {4}
    assert any(p is net.fc8.weight for p in others["params"])
    assert sorted(map(id, (*kernels["params"], *others["params"]))) == sorted(map(id, net.parameters()))


def test_every_module_is_used_once(net):
    used: dict[str, int] = {}
    leaves = [(n, m) for n, m in net.named_modules() if not list(m.children())]
    handles = [
        m.register_forward_hook(lambda _m, _i, _o, n=n: used.__setitem__(n, used.get(n, 0) + 1)) for n, m in leaves
    ]
    net(torch.zeros(1, 3, 32, 32))
    for handle in handles:
        handle.remove()
    assert used == {n: 1 for n, _ in leaves}


def test_the_record_reaches_what_was_asked():
    record = checkpoint.read_record("vgg")
    assert record.metric("test_accuracy").value >= 86  # the floor for a slow core
    assert record.metric("shallow_minus_deep").value > 2


def test_what_the_note_says_of_the_trained_network():
    net, x, seen = models.restore("vgg"), torch.from_numpy(photos.one_of_each()).requires_grad_(), {}
    for name in ("block4", "fc8"):
        net.get_submodule(name).register_forward_hook(lambda _m, _i, y, name=name: seen.__setitem__(name, y))
    net(x)
    quarters = seen["fc8"].argmax(1).flatten(1)
    assert sum(len(set(four)) == 1 for four in quarters.tolist()) == 7
    assert [LABELS[i] for i in quarters[LABELS.index("dog")].tolist()] == ["dog", "deer"] * 2
    (slope,) = torch.autograd.grad(seen["block4"][:, :, 1, 1].sum(), x)
    shares = slope.abs().sum(1).flatten(1).sort(1, descending=True).values.cumsum(1)
    assert float((shares < 0.9 * shares[:, -1:]).float().mean()) == pytest.approx(0.7, abs=0.03)
