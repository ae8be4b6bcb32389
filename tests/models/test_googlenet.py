"""GoogLeNet against Table 1 of its paper, line by line, with its auxiliary heads."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from app.interpret.trace import expand, trace_heads
from models import checkpoint, photos, restore
from models.googlenet import MODULES, model, train
from models.googlenet import PAPER as CARD
from models.photos import LABELS

MAPS, UNITS = ("batch", "channel", "height", "width"), ("batch", "unit")

# Table 1 as printed: output size, then 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj, and "params" in units of 1,024.
PRINTED = {
    "3a": ((256, 28), (64, 96, 128, 16, 32, 32), 159),
    "3b": ((480, 28), (128, 128, 192, 32, 96, 64), 380),
    "4a": ((512, 14), (192, 96, 208, 16, 48, 64), 364),
    "4b": ((512, 14), (160, 112, 224, 24, 64, 64), 437),
    "4c": ((512, 14), (128, 128, 256, 24, 64, 64), 463),
    "4d": ((528, 14), (112, 144, 288, 32, 64, 64), 580),
    "4e": ((832, 14), (256, 160, 320, 32, 128, 128), 840),
    "5a": ((832, 7), (256, 160, 320, 32, 128, 128), 1072),
    "5b": ((1024, 7), (384, 192, 384, 48, 128, 128), 1388),
}


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
    net.all_scores(x)
    for handle in handles:
        handle.remove()
    return seen


@pytest.fixture(scope="module")
def published_shapes(published):
    return shapes(published, torch.empty(1, 3, 224, 224, device="meta"))


def test_the_sizes_of_the_modules_are_table_1s():
    assert {name: sizes for name, (_, sizes, _) in PRINTED.items()} == model.TABLE_1


@pytest.mark.parametrize("name", PRINTED)
def test_each_module_has_table_1s_maps_and_the_weights_that_its_sizes_ask_for(published, published_shapes, name):
    (maps, side), (one, r3, three, r5, five, project), printed = PRINTED[name]
    module = published.get_submodule(f"inception{name}")
    inputs = module.branch1.conv.in_channels
    weights = inputs * (one + r3 + r5 + project) + 9 * r3 * three + 25 * r5 * five
    assert published_shapes[f"inception{name}"] == (maps, side, side)
    assert count(module) == weights + one + r3 + three + r5 + five + project
    assert weights / 1024 == pytest.approx(printed, rel=0.08)  # the table's own counts are a little off its sizes


@pytest.mark.parametrize(
    ("layer", "shape", "parameters"),
    [
        ("conv1", (64, 112, 112), 64 * 3 * 49 + 64),
        ("pool1", (64, 56, 56), 0),
        ("reduce2", (64, 56, 56), 64 * 64 + 64),
        ("conv2", (192, 56, 56), 192 * 64 * 9 + 192),
        ("pool2", (192, 28, 28), 0),
        ("pool3", (480, 14, 14), 0),
        ("pool4", (832, 7, 7), 0),
        ("pool5", (1024, 1, 1), 0),
        ("fc", (1000,), 1024 * 1000 + 1000),
        ("head4a.pool", (512, 4, 4), 0),  # section 5: "resulting in an 4x4x512 output for the (4a) ...
        ("head4d.pool", (528, 4, 4), 0),  # ... and 4x4x528 for the (4d) stage"
        ("head4a.conv", (128, 4, 4), 512 * 128 + 128),
        ("head4d.conv", (128, 4, 4), 528 * 128 + 128),
        ("head4a.fc1", (1024,), 128 * 16 * 1024 + 1024),
        ("head4d.fc2", (1000,), 1024 * 1000 + 1000),
    ],
)
def test_each_other_layer_is_as_the_paper_says(published, published_shapes, layer, shape, parameters):
    assert published_shapes[layer] == shape
    assert count(published.get_submodule(layer)) == parameters


@pytest.mark.parametrize(
    ("config", "inputs", "sides", "weights", "times", "work"),
    [
        (model.SMALL, 48, (16, 8, 4), (311_840, 1_056_768), 3.4, 2.9),
        (model.PAPER, 192, (28, 14, 7), (5_842_176, 24_151_040), 4.1, 3.6),
    ],
)
def test_what_the_kernels_of_1x1_save(config, inputs, sides, weights, times, work):
    cost = {"with": [0, 0], "without": [0, 0]}
    for name, (one, r3, three, r5, five, project) in config.modules.items():
        ends = inputs * (one + project)
        small = ends + inputs * (r3 + r5) + 9 * r3 * three + 25 * r5 * five
        large = ends + inputs * (9 * three + 25 * five)
        for kind, size in (("with", small), ("without", large)):
            cost[kind][0] += size
            cost[kind][1] += size * sides[int(name[0]) - 3] ** 2
        inputs = one + three + five + project
    assert (cost["with"][0], cost["without"][0]) == weights
    assert cost["without"][0] / cost["with"][0] == pytest.approx(times, abs=0.05)
    assert cost["without"][1] / cost["with"][1] == pytest.approx(work, abs=0.05)


def test_what_is_counted(published):
    heads = count(published.head4a) + count(published.head4d)
    assert (count(published.head4a), count(published.head4d)) == (3_188_840, 3_190_888)
    assert count(published) - heads == 6_998_552  # weights and biases without the auxiliary heads
    assert count(published) == 13_378_280
    weights = sum(p.numel() for n, p in published.named_parameters() if p.ndim > 1 and not n.startswith("head"))
    assert weights == 6_990_272
    printed = 2.7 + 112 + sum(line[2] for line in PRINTED.values()) + 1000
    assert weights / 1024 == pytest.approx(printed, rel=0.01)  # Table 1's column adds up to 6,795.7


def test_it_is_22_layers_deep(published):
    """Section 5: "22 layers deep when counting only layers with parameters"; a module is two deep."""
    assert 3 + 2 * len(published.config.modules) + 1 == 22


def test_the_small_network_and_its_twin_in_numbers(net):
    twin = model.build(model.TWIN)
    assert count(net) == 359_846
    assert count(twin) == 332_690
    assert count(net) - count(twin) == count(net.head4a) + count(net.head4c) == 27_156
    assert {name: (side, sizes) for name, (side, sizes) in MODULES.items()} == {
        name: (16 if name[0] == "3" else 8 if name[0] == "4" else 4, sizes) for name, sizes in model.FOR_32.items()
    }
    seen = shapes(net, torch.zeros(1, 3, 32, 32))
    assert seen["conv1"] == (32, 32, 32)
    assert [seen[f"inception{name}"] for name in model.FOR_32] == [
        (64, 16, 16),
        (96, 16, 16),
        (128, 8, 8),
        (128, 8, 8),
        (160, 8, 8),
        (192, 4, 4),
        (224, 4, 4),
    ]
    assert [name for name, _ in twin.named_children()] == [
        name for name, _ in net.named_children() if not name.startswith("head")
    ]


def test_every_probe_is_there_with_its_axes(net):
    parts = ("branch1", "reduce3", "branch3", "reduce5", "branch5", "pool", "project", "hook_concat")
    maps = [f"inception{name}.{part}" for name in ("3a", "3b", "4a", "4b", "4c", "5a", "5b") for part in parts]
    maps += ["conv1", "pool1", "reduce2", "conv2", "pool3", "pool4", "pool5"]
    wanted = dict.fromkeys(maps, MAPS) | {"flatten": UNITS, "fc": UNITS}
    assert {path: probe.axes for path, probe in expand(net, CARD.probes).items()} == wanted


def test_the_auxiliary_classifiers_are_open_too(net):
    wanted = {f"head{name}.{part}": MAPS for name in ("4a", "4c") for part in ("pool", "conv")}
    wanted |= {f"head{name}.{part}": UNITS for name in ("4a", "4c") for part in ("relu", "fc2")}
    assert {path: probe.axes for path, probe in expand(net, CARD.head_probes).items()} == wanted
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        seen, (main, *heads) = trace_heads(net, CARD, x.numpy()), net.all_scores(x)
    assert {path: values.shape[1:] for path, values in seen.values.items() if "4c" in path} == {
        "head4c.pool": (160, 2, 2),
        "head4c.conv": (32, 2, 2),
        "head4c.relu": (64,),
        "head4c.fc2": (10,),
    }
    for name, scores in zip(("4a", "4c"), heads, strict=True):
        assert torch.equal(torch.from_numpy(seen.values[f"head{name}.fc2"]), scores)
    assert torch.equal(torch.from_numpy(seen.scores), main)


def test_a_module_stacks_its_branches_in_the_papers_order(net):
    module = net.inception3a
    x = torch.randn(2, 48, 16, 16)
    y = module(x)
    assert y.shape == (2, 64, 16, 16)
    assert torch.equal(y[:, :16], module.branch1(x))
    assert torch.equal(y[:, 16:48], module.branch3(module.reduce3(x)))
    assert torch.equal(y[:, 48:56], module.branch5(module.reduce5(x)))
    assert torch.equal(y[:, 56:], module.project(module.pool(x)))


def test_the_forward_pass_is_the_main_classifier_and_the_heads_are_within_reach(net):
    x = torch.randn(2, 3, 32, 32)
    main, *heads = net.all_scores(x)
    assert torch.equal(net(x), main)
    assert [head.shape for head in heads] == [(2, 10), (2, 10)]
    assert len(model.build(model.TWIN).eval().all_scores(x)) == 1


def test_an_auxiliary_loss_reaches_the_lower_modules_and_not_the_upper_ones(net):
    scores = net.all_scores(torch.randn(2, 3, 32, 32))
    weights = {name: net.get_submodule(f"inception{name}").branch1.conv.weight for name in ("3a", "4a", "4b")}
    gradients = torch.autograd.grad(scores[1].square().sum(), list(weights.values()), allow_unused=True)
    assert [g is not None for g in gradients] == [True, True, False]


def test_pictures_of_every_side_of_the_training_are_taken(net):
    for side in (16, 24, 32):
        assert all(scores.shape == (2, 10) for scores in net.all_scores(torch.zeros(2, 3, side, side)))


def test_every_module_is_used_once_when_the_heads_are_asked_too(net):
    used: dict[str, int] = {}
    leaves = [(n, m) for n, m in net.named_modules() if not list(m.children())]
    handles = [
        m.register_forward_hook(lambda _m, _i, _o, n=n: used.__setitem__(n, used.get(n, 0) + 1)) for n, m in leaves
    ]
    net.all_scores(torch.zeros(1, 3, 32, 32))
    for handle in handles:
        handle.remove()
    assert used == {n: 1 for n, _ in leaves}


def test_shares_of_the_branches_add_up(net):
    shares = train.shares(net, torch.randn(4, 3, 32, 32))
    assert len(shares) == 12
    for stage in "345":
        assert sum(v for k, v in shares.items() if k.startswith(f"stage_{stage}")) == pytest.approx(100, abs=1e-3)


def test_the_branches_of_a_module_are_read_off_in_one_pass(net):
    found = train.outputs_of(net, torch.randn(3, 3, 32, 32))
    assert {name: {k: v.shape[1] for k, v in of.items()} for name, of in found.items()}["4c"] == {
        "branch1": 32,
        "branch3": 80,
        "branch5": 24,
        "project": 24,
    }
    assert not any(m._forward_hooks for m in net.modules())


def test_the_record_reaches_what_was_asked_and_the_heads_are_worth_what_the_note_says():
    record = checkpoint.read_record("googlenet")
    ours, twin = (record.metric(f"{lead}test_accuracy").value for lead in ("", "twin_"))
    assert ours >= 85  # the floor for a slow core
    assert abs(ours - twin) < 0.1


def test_what_the_note_says_of_the_trained_network():
    module, x = restore("googlenet"), torch.from_numpy(photos.one_of_each())
    truck, deer = (train.shares(module, x[i : i + 1]) for i in (LABELS.index("truck"), LABELS.index("deer")))
    assert truck["stage_5_share_of_pool"] == pytest.approx(36, abs=0.6)
    assert truck["stage_5_share_of_5x5"] == pytest.approx(19, abs=0.6)
    assert deer["stage_5_share_of_5x5"] == pytest.approx(39, abs=0.6)
    assert deer["stage_5_share_of_pool"] == pytest.approx(16, abs=0.6)
    for i in range(10):
        early = [v for k, v in train.shares(module, x[i : i + 1]).items() if k.startswith("stage_3")]
        assert 20 <= min(early) <= max(early) <= 32
    with torch.no_grad():
        end, *heads = [[LABELS[k] for k in scores.argmax(1)] for scores in module.all_scores(x)]
    apart = [(i, *said) for i, said in enumerate(zip(*heads, end, strict=True)) if len(set(said)) > 1]
    assert apart == [(LABELS.index("deer"), "deer", "horse", "horse")]
