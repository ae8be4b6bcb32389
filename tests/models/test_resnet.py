"""ResNet against the paper and against another implementation: counts, shapes, shortcuts, blocks that are taken out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import models
from app.interpret.trace import expand
from models import photos
from models.resnet import PAPER as CARD
from models.resnet import model, train
from models.resnet.convert import from_transformers
from models.resnet.model import Block, Pad

MAPS = ("batch", "channel", "height", "width")
SMALL_BOTTLENECK = dataclasses.replace(model.PAPER, blocks=(2, 1, 2, 1), widths=(8, 16, 24, 32), classes=7)
SMALL_BASIC = dataclasses.replace(SMALL_BOTTLENECK, bottleneck=False, expansion=1)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return model.build(model.SMALL).eval()


def count(config: model.Config) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in model.build(config).parameters())


def stirred(module: nn.Module) -> nn.Module:
    """Batch normalisations with means, spreads, scales and shifts of their own, so that none can be left out unseen."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight, part.running_var):
                assert tensor is not None
                tensor.data.uniform_(0.5, 1.5)
            for tensor in (part.bias, part.running_mean):
                assert tensor is not None
                tensor.data.normal_(0, 0.2)
    return module.eval()


def test_parameters_are_as_many_as_published():
    assert count(model.PAPER) == 25_557_032
    assert count(model.RESNET_50_3X3) == 25_557_032
    assert model.PAPER.layers == 50


@pytest.mark.parametrize(
    ("n", "layers", "millions"), [(3, 20, 0.27), (5, 32, 0.46), (7, 44, 0.66), (9, 56, 0.85), (18, 110, 1.7)]
)
def test_the_networks_for_cifar_are_those_of_table_6(n, layers, millions):
    config = model.cifar(n)
    assert config.layers == layers == 6 * n + 2
    assert round(count(config) / 1e6, 2 if millions < 1 else 1) == millions
    assert count(model.cifar(n, residual=False)) == count(config), "shortcuts A have no parameters"
    assert model.cifar(3) == model.SMALL


def seen(module: nn.Module, x: torch.Tensor) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, part in module.named_modules():
        part.register_forward_hook(lambda _m, _i, out, name=name: shapes.__setitem__(name, tuple(out.shape)))
    module(x)
    return shapes


def test_every_stage_of_resnet_50_has_the_size_of_table_1():
    with torch.device("meta"):
        shapes = seen(model.build(model.PAPER), torch.zeros(1, 3, 224, 224))
    assert shapes["conv1"] == (1, 64, 112, 112)
    assert shapes["pool1"] == (1, 64, 56, 56)
    assert [shapes[f"stages.{i}"] for i in range(4)] == [
        (1, 256, 56, 56),
        (1, 512, 28, 28),
        (1, 1024, 14, 14),
        (1, 2048, 7, 7),
    ]
    assert [shapes[f"stages.1.0.conv{i}"] for i in (1, 2, 3)] == [(1, 128, 28, 28), (1, 128, 28, 28), (1, 512, 28, 28)]
    assert shapes["fc"] == (1, 1000)


def test_every_stage_of_resnet_20_has_the_size_of_section_4_2():
    with torch.device("meta"):
        net = model.build(model.SMALL)
        shapes = seen(net, torch.zeros(1, 3, 32, 32))
    assert [shapes[f"stages.{i}"] for i in range(3)] == [(1, 16, 32, 32), (1, 32, 16, 16), (1, 64, 8, 8)]
    assert sum(isinstance(m, nn.Conv2d) for m in net.modules()) == 6 * 3 + 1
    assert shapes["flatten"] == (1, 64)


def test_the_probes_are_all_there_with_their_axes(net):
    found = {path: probe.axes for path, probe in expand(net, CARD.probes).items()}
    inside = ("conv1", "bn1", "relu1", "conv2", "hook_branch", "hook_shortcut", "hook_sum", "hook_stream")
    wanted = dict.fromkeys(("conv1", "bn1", "relu1"), MAPS)
    wanted |= {f"stages.{s}.{b}.{part}": MAPS for s in range(3) for b in range(3) for part in inside}
    wanted |= dict.fromkeys(("flatten", "fc"), ("batch", "unit"))
    assert found == wanted


def test_a_padded_shortcut_takes_every_second_point_and_adds_empty_maps():
    x = torch.arange(2 * 4 * 4, dtype=torch.float32).view(1, 2, 4, 4)
    y = Pad(2, 2)(x)
    assert y.shape == (1, 4, 2, 2)
    assert y[0, :2].tolist() == [[[0, 2], [8, 10]], [[16, 18], [24, 26]]]
    assert not y[0, 2:].any()


def test_a_block_adds_its_branch_to_what_it_was_given():
    torch.manual_seed(0)
    block = stirred(Block(4, 4, 1, dataclasses.replace(model.SMALL, widths=(4, 4, 4))))
    x = torch.randn(2, 4, 6, 6)
    kept: dict[str, torch.Tensor] = {}
    for name in ("hook_branch", "hook_shortcut", "hook_sum"):
        getattr(block, name).register_forward_hook(lambda _m, _i, out, name=name: kept.__setitem__(name, out))
    y = block(x)
    assert torch.equal(kept["hook_shortcut"], x)
    assert torch.equal(kept["hook_sum"], kept["hook_branch"] + x)
    assert torch.equal(y, kept["hook_sum"].clamp(min=0))
    with torch.no_grad():
        block.bn2.weight.zero_()
        block.bn2.bias.zero_()
    assert torch.equal(block(x.abs()), x.abs()), "with nothing to add, a block is the identity"


def test_a_plain_block_has_its_branch_alone():
    torch.manual_seed(0)
    plain = stirred(Block(4, 4, 1, dataclasses.replace(model.TWIN, widths=(4, 4, 4))))
    kept: list[torch.Tensor] = []
    plain.hook_branch.register_forward_hook(lambda _m, _i, out: kept.append(out))
    y = plain(torch.randn(2, 4, 6, 6))
    assert torch.equal(y, kept[0].clamp(min=0))
    assert not hasattr(plain, "shortcut")


def test_the_twin_is_the_network_without_its_shortcuts():
    torch.manual_seed(0)
    twin, net = model.build(model.TWIN), model.build(model.SMALL)
    net.load_state_dict(twin.state_dict())
    for block in train.blocks(net).values():
        block.hook_shortcut = train.Nothing()
    x = torch.randn(2, 3, 32, 32)
    assert torch.allclose(net.eval()(x), twin.eval()(x), atol=1e-6)


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
    assert sum(isinstance(m, nn.ReLU) for m in net.modules()) == 19


@pytest.mark.parametrize("config", [SMALL_BOTTLENECK, dataclasses.replace(SMALL_BOTTLENECK, stride="3x3"), SMALL_BASIC])
def test_another_implementation_computes_the_same(config):
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(1)
    theirs = stirred(
        ResNetForImageClassification(
            ResNetConfig(
                embedding_size=8,
                hidden_sizes=[w * config.expansion for w in config.widths],
                depths=list(config.blocks),
                layer_type="bottleneck" if config.bottleneck else "basic",
                downsample_in_bottleneck=config.stride == "first",
                num_labels=7,
            )
        )
    )
    ours = model.build(config).eval()
    state = from_transformers(theirs.state_dict())
    assert state.keys() == ours.state_dict().keys(), "complete in both directions"
    ours.load_state_dict(state)
    x = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        known, got = theirs(x, output_hidden_states=True), ours(x)
        stream = ours.pool1(ours.relu1(ours.bn1(ours.conv1(x))))
        for stage, hidden in zip(ours.stages, known.hidden_states[1:], strict=True):
            stream = stage(stream)
            assert torch.allclose(stream, hidden, atol=1e-5)
    assert torch.allclose(got, known.logits, atol=1e-5)


def test_weights_of_the_published_size_have_a_place():
    from transformers import ResNetConfig, ResNetForImageClassification, ResNetModel

    with torch.device("meta"):
        ours = model.build(model.RESNET_50_3X3).state_dict()
        full = from_transformers(ResNetForImageClassification(ResNetConfig(num_labels=1000)).state_dict())
        body = from_transformers(ResNetModel(ResNetConfig()).state_dict())
    assert {name: tensor.shape for name, tensor in full.items()} == {
        name: tensor.shape for name, tensor in ours.items()
    }
    assert ours.keys() - body.keys() == {"fc.weight", "fc.bias"}
    with pytest.raises(KeyError):
        from_transformers({"resnet.encoder.nobody.weight": torch.zeros(1)})


def test_a_lesioned_block_adds_nothing_and_the_network_itself_is_left_alone(net):
    stirred(net)
    x = torch.rand(2, 3, 32, 32)
    before = net(x)
    less = train.lesioned(net, "stages.0.1")
    assert less is not None
    stream = net.stages[0][0](net.relu1(net.bn1(net.conv1(x))))
    assert torch.equal(less.stages[0][1](stream), stream), "what a ReLU let through goes on unchanged"
    assert not torch.equal(less(x), before)
    assert torch.equal(net(x), before)
    assert all(train.lesioned(net, path) is not None for path in train.blocks(net))


def test_of_a_plain_net_only_blocks_that_keep_the_shape_can_go():
    plain = model.build(model.TWIN).eval()
    gone = [path for path in train.blocks(plain) if train.lesioned(plain, path) is None]
    assert gone == ["stages.1.0", "stages.2.0"]
    less = train.lesioned(plain, "stages.2.2")
    assert less is not None
    assert less(torch.zeros(1, 3, 32, 32)).shape == (1, 10)


def test_branches_are_what_each_block_adds(net):
    x = torch.rand(2, 3, 32, 32)
    added = train.branches(net, x)
    assert list(added) == [f"stages.{s}.{b}" for s in range(3) for b in range(3)]
    assert added["stages.2.1"].shape == (2, 64, 8, 8)
    stream = net.relu1(net.bn1(net.conv1(x)))
    assert torch.allclose((added["stages.0.0"] + stream).clamp(min=0), net.stages[0][0](stream), atol=1e-6)
    assert train.named("stages.2.1") == "2_1"


def test_every_plan_has_a_network_and_ends_on_the_side_it_is_measured_on():
    for which, plan in train.PLANS.items():
        models.build("resnet", train.CONFIGS.get(which, which.upper()))
        assert photos.side(999, 1000, plan.growing) == plan.side
    assert {plan.epochs for which, plan in train.PLANS.items() if which not in train.CONFIGS} == {3}, "equal times"


def test_weights_start_with_a_variance_of_two_over_the_inputs():
    torch.manual_seed(0)
    weight = model.build(model.SMALL).stages[2][1].conv1.weight
    assert float(weight.detach().var()) == pytest.approx(2 / (64 * 9), rel=0.05)


def test_the_record_reaches_what_was_asked():
    from models import checkpoint

    record = checkpoint.read_record(CARD.slug)
    values = {metric.name: metric.value for metric in record.metrics}
    assert values["test_accuracy"] >= 88.5  # 50 passes, on slow cores; the paper's 164 reach 91.25
    lesions = {name.removeprefix("twin_lesion_") for name in values if name.startswith("twin_lesion_")}
    assert len(lesions) == 7
    assert all(values[f"lesion_{block}"] < 50 < 80 < values[f"twin_lesion_{block}"] for block in lesions)
    for stage in range(3):
        first, second, _ = (values[f"lesion_{stage}_{block}"] for block in range(3))
        assert second < first, "as the note says"
    sizes = {name: value for name, value in values.items() if name.startswith("response_")}
    assert all((value < values[f"twin_{name}"]) == (name < "response_2") for name, value in sizes.items()), "Fig. 7"
    assert record.parameters == 269_722
    passes = {name: seeds["0"][-1]["epoch"] for name, seeds in checkpoint.read_curves(CARD.slug).items()}
    assert (passes["model"], passes["twin"]) == (50, 12), "as card and note say: the twin a quarter as long"
    assert values["resnet_56_brief_error"] < values["plain_56_brief_error"], "the paper's claim"
    picture = checkpoint.read_arrays(checkpoint.folder(CARD.slug) / "portrait.safetensors")["portrait"]
    assert picture.shape == (96, 128)
    assert np.abs(picture).max() <= 1
