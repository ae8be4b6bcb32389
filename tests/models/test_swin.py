"""Swin against the paper and against a second implementation: windows, their shift, sizes, every probe, other names."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

import models
from app.interpret.trace import expand, trace
from models import checkpoint
from models.photos import CIFAR, one_of_each, pictures
from models.swin import PAPER as CARD
from models.swin import model, train
from models.swin.convert import from_transformers
from models.swin.model import PAPER, SMALL, TWIN, StochasticDepth, joined, offsets, strangers, windows

MAPS = ("batch", "channel", "height", "width")
HEADS = ("batch", "height", "width", "token", "head", "unit")
PATTERN = ("batch", "height", "width", "head", "query", "key")
STAGES = ((2, 16, 32, 2), (4, 8, 64, 4), (1, 4, 128, 8))  # blocks, side in tokens, width, heads


def in_block(side: int, d: int, heads: int) -> dict:
    r = side // 4
    maps, inside = (MAPS, (d, side, side)), (HEADS, (r, r, 16, heads, 16))
    hidden, pairs = (MAPS, (2 * d, side, side)), (PATTERN, (r, r, heads, 16, 16))
    return {
        "hook_resid_pre": maps,
        "attn.hook_q": inside,
        "attn.hook_k": inside,
        "attn.hook_v": inside,
        "attn.hook_attn_scores": pairs,
        "attn.hook_pattern": pairs,
        "attn.hook_z": inside,
        "hook_attn_out": maps,
        "hook_resid_mid": maps,
        "mlp.hook_pre": hidden,
        "mlp.hook_post": hidden,
        "hook_mlp_out": maps,
        "hook_resid_post": maps,
    }


PROBES = {
    "hook_embed": (MAPS, (32, 16, 16)),
    **{
        f"stages.{i}.blocks.{j}.{name}": found
        for i, (blocks, *sizes) in enumerate(STAGES)
        for j in range(blocks)
        for name, found in in_block(*sizes).items()
    },
    "hook_final": (MAPS, (128, 4, 4)),
    "hook_mean": (("batch", "unit"), (128,)),
    "unembed": (("batch", "unit"), (10,)),
}


def scattered(net: nn.Module):
    """The same network, every weight a little off its start: nothing is exactly 0 or 1."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net


@pytest.fixture(scope="module")
def net() -> model.Swin:
    torch.manual_seed(0)
    return scattered(model.build(SMALL)).eval()


def count(config: model.Config) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in model.build(config).parameters())


def test_the_papers_network_has_the_published_parameters():
    assert count(PAPER) == 28_288_354
    small = replace(PAPER, depths=(2, 2, 18, 2))
    assert count(small) == 49_606_258  # Swin-S: 50 M in Table 1
    assert count(replace(small, width=128, heads=(4, 8, 16, 32))) == 87_768_224  # Swin-B: 88 M


def test_ours_has_what_the_note_says_and_the_twin_as_many():
    assert count(SMALL) == count(TWIN) == 328_582


def test_every_probe_is_there_with_its_axes_and_shape(net):
    seen = trace(net, CARD, torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)).numpy())
    assert {path: (seen.axes[path], values.shape[1:]) for path, values in seen.values.items()} == PROBES
    for path, values in seen.values.items():
        if path.endswith("hook_pattern"):
            assert values.sum(5) == pytest.approx(1, abs=1e-5)


def test_the_twin_has_the_same_probes(net):
    assert list(expand(model.build(TWIN), CARD.probes)) == list(expand(net, CARD.probes))


def test_every_module_is_used_once_in_a_forward_pass(net):
    used: dict[str, int] = {}
    leaves = [(name, m) for name, m in net.named_modules() if not list(m.children())]
    handles = [
        m.register_forward_hook(lambda _m, _i, _o, n=n: used.__setitem__(n, used.get(n, 0) + 1)) for n, m in leaves
    ]
    net(torch.zeros(1, 3, 32, 32))
    for handle in handles:
        handle.remove()
    assert used == {name: 1 for name, _ in leaves}


def test_windows_are_cut_row_by_row_and_put_back():
    z = torch.arange(64).view(1, 8, 8, 1)
    cut = windows(z, 4)
    assert cut.shape == (1, 2, 2, 16, 1)
    assert cut[0, 0, 1, :5, 0].tolist() == [4, 5, 6, 7, 12]  # the upper right window
    assert cut[0, 1, 0, 15, 0] == 7 * 8 + 3
    assert torch.equal(joined(cut, 4), z)


def test_offsets_count_the_lines_of_the_table():
    index = offsets(2)  # tokens (0,0) (0,1) (1,0) (1,1); offsets from -1 to 1 in both directions, nine lines
    assert index.tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]
    assert offsets(7).unique().tolist() == list(range(13**2))


def test_strangers_are_tokens_that_the_roll_brought_together():
    mask = strangers(8, 4, 2)
    assert mask.shape == (2, 2, 1, 16, 16)
    assert not mask[0, 0].any()  # the first window is of one piece
    right = mask[0, 1, 0]  # its last two columns came from the left border
    assert right[0].tolist() == [0, 0, -100, -100] * 4
    assert right[2].tolist() == [-100, -100, 0, 0] * 4
    assert mask[1, 0, 0, 0].tolist() == [0] * 8 + [-100] * 8
    assert (mask[1, 1, 0] == 0).sum(1).tolist() == [4] * 16  # the last one is of four pieces


def test_blocks_alternate_and_a_single_window_is_not_shifted(net):
    shifts = {name: part.shift for name, part in train.attentions(net).items()}
    assert shifts == {"0_0": 0, "0_1": 2, "1_0": 0, "1_1": 2, "1_2": 0, "1_3": 2, "2_0": 0}
    assert not any(part.shift for part in train.attentions(model.build(TWIN)).values())


def test_a_window_is_shut_and_a_shift_opens_it(net):
    x = torch.randn(1, 3, 32, 32)
    twin = model.build(TWIN).eval()
    twin.load_state_dict(net.state_dict())
    assert train.pixels_seen(twin, x, 0) == 8 * 8
    assert train.pixels_seen(twin, x, 1) == 16 * 16
    assert train.pixels_seen(net, x, 0) == 14 * 14  # along a side 4 tokens see 8 pixels and 12 see 16
    assert train.pixels_seen(net, x, 1) > 900
    assert not torch.allclose(net(x), twin(x), atol=1e-3)


def test_attention_in_a_window_is_worked_by_hand():
    torch.manual_seed(2)
    attention = scattered(model.Attention(4, 2, 2, 4, 0))
    x = torch.randn(1, 4, 4, 4)
    tokens = x[0, 2:, :2].reshape(4, 4)  # the lower left window
    weight, bias = attention.qkv.weight, attention.qkv.bias
    rows = []
    for head in range(2):
        own = slice(2 * head, 2 * head + 2)
        q, k, v = (tokens @ weight[4 * i :][own].T + bias[4 * i :][own] for i in range(3))
        scores = q @ k.T / 2**0.5 + attention.table[:, head][offsets(2)]
        rows.append(torch.softmax(scores, 1) @ v)
    by_hand = torch.cat(rows, 1) @ attention.o.weight.T + attention.o.bias
    assert torch.allclose(attention(x)[0, 2:, :2].reshape(4, 4), by_hand, atol=1e-5)


def test_a_shifted_window_is_that_window_of_the_moved_picture():
    torch.manual_seed(3)
    shifted = scattered(model.Attention(8, 2, 4, 12, 2))
    still = model.Attention(8, 2, 4, 12, 0)
    still.load_state_dict(shifted.state_dict())
    x = torch.randn(1, 12, 12, 8)
    inner = shifted(x)[:, 2:10, 2:10]  # away from the border nothing is masked
    assert torch.allclose(inner, still(x.roll((-2, -2), (1, 2)))[:, :8, :8], atol=1e-5)


def test_merging_puts_four_neighbours_side_by_side():
    merge = model.Merge(1)
    merge.norm = nn.Identity()
    with torch.no_grad():
        merge.reduce.weight.copy_(torch.tensor([[1.0, 10, 100, 1000], [0, 0, 0, 1]]))
    z = torch.tensor([[1.0, 2], [3, 4]]).view(1, 2, 2, 1)
    assert merge(z).flatten().tolist() == [1 + 30 + 200 + 4000, 4]  # upper left, lower left, upper right, lower right


def test_stochastic_depth_leaves_out_a_branch_and_keeps_the_mean():
    torch.manual_seed(0)
    drop, z = StochasticDepth(0.25), torch.ones(4000, 1, 1, 1)
    kept = drop(z)
    assert sorted(set(kept.flatten().tolist())) == [0.0, pytest.approx(4 / 3)]
    assert kept.mean().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(drop.eval()(z), z)
    with torch.device("meta"):
        rates = [m.p for m in model.build(PAPER).modules() if isinstance(m, StochasticDepth)]
    assert rates[0] == rates[1] == 0
    assert rates[-1] == pytest.approx(0.2)
    assert rates == sorted(rates)


def theirs():
    transformers = pytest.importorskip("transformers")
    config = transformers.SwinConfig(
        image_size=32,
        patch_size=2,
        embed_dim=16,
        depths=[2, 2, 1],
        num_heads=[2, 4, 8],
        window_size=4,
        mlp_ratio=2.0,
        num_labels=7,
        attn_implementation="eager",
    )
    torch.manual_seed(4)
    return scattered(transformers.SwinForImageClassification(config)).eval()


OURS = replace(SMALL, classes=7, width=16, depths=(2, 2, 1))


def test_it_computes_what_transformers_computes():
    other, net = theirs(), model.build(OURS).eval()
    ours = from_transformers(other.state_dict())
    assert ours.keys() == net.state_dict().keys()
    assert sum(t.numel() for t in ours.values()) == sum(t.numel() for t in other.state_dict().values())
    net.load_state_dict(ours)
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad(), train.kept({"1": net.stages[1].blocks[1].attn.hook_pattern}) as seen:
        their = other(x, output_attentions=True)
        assert torch.allclose(net(x), their.logits, atol=1e-5)
    assert torch.allclose(seen["1"].flatten(0, 2), their.attentions[1], atol=1e-5)  # windows are folded into the batch


OLD = {
    "attention.q_proj": "attention.self.query",
    "attention.k_proj": "attention.self.key",
    "attention.v_proj": "attention.self.value",
    "attention.o_proj": "attention.output.dense",
    "attention.relative_position_bias.": "attention.self.",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}


def test_names_of_published_files_and_of_the_model_without_a_head_are_understood():
    state = theirs().state_dict()
    published = {}
    for name, tensor in state.items():
        for new, old in OLD.items():
            name = name.replace(new, old)
        published[name] = tensor
    published["swin.encoder.layers.0.blocks.0.attention.self.relative_position_index"] = offsets(4)
    assert "swin.encoder.layers.0.blocks.1.attention.self.relative_position_bias_table" in published
    new, old = from_transformers(state), from_transformers(published)
    assert new.keys() == old.keys()
    assert all(torch.equal(new[name], old[name]) for name in new)
    bare = {name.removeprefix("swin."): t for name, t in state.items() if name.startswith("swin.")}
    assert from_transformers(bare).keys() == new.keys() - {"unembed.weight", "unembed.bias"}
    with pytest.raises(KeyError):
        from_transformers({"swin.encoder.layers.0.blocks.0.attention.gate.weight": torch.zeros(1)})


def test_only_matrices_decay(net):
    inside, ends, tables, others = train.optimiser(net).param_groups
    assert [len(group["params"]) for group in (inside, ends, tables)] == [4 * 7 + 2, 2, 7]
    assert inside["weight_decay"] and ends["weight_decay"]
    assert not tables["weight_decay"] and not others["weight_decay"]
    every = [p for group in (inside, ends, tables, others) for p in group["params"]]
    assert sorted(map(id, every)) == sorted(map(id, net.parameters()))


def test_a_token_begins_by_looking_at_its_like():
    torch.manual_seed(0)
    attention = model.build(SMALL).stages[1].blocks[2].attn
    query, key, _ = attention.qkv.weight.chunk(3)
    assert torch.equal(query, key)
    with torch.no_grad(), train.kept({"scores": attention.hook_attn_scores}) as seen:
        attention(100 * torch.randn(4, 8, 8, 64))
    own = seen["scores"].diagonal(dim1=4, dim2=5)
    assert own.mean() > 10 * seen["scores"].mean().abs()


def test_attention_distances_are_in_pixels():
    net = model.build(SMALL).eval()
    with torch.no_grad():
        for part in train.attentions(net).values():  # every token of a window attends to all alike
            part.qkv.weight.zero_()
            part.table.zero_()
    far = train.distances(net, torch.randn(2, 3, 32, 32))
    places = [(row, column) for row in range(4) for column in range(4)]
    every = [((a - c) ** 2 + (b - d) ** 2) ** 0.5 for a, b in places for c, d in places]
    for name, pixels in (("0_0", 2), ("1_2", 4), ("2_0", 8)):
        assert far[name].tolist() == pytest.approx([pixels * sum(every) / len(every)] * len(far[name]), abs=1e-3)
    assert (far["0_1"] < far["0_0"]).all()  # rolled together is not beside: those pairs are masked


def test_the_network_takes_cifars_pictures():
    assert CARD.takes is CIFAR
    assert CARD.takes.shape == (SMALL.channels, SMALL.side, SMALL.side)


trained = pytest.mark.skipif(not (checkpoint.folder("swin") / "record.json").exists(), reason="not trained yet")


@trained
def test_the_record_reaches_its_floor_and_says_what_the_shift_opens():
    record = checkpoint.read_record("swin")
    value = {metric.name: metric.value for metric in record.metrics}
    assert record.parameters == 328_582
    assert value["test_accuracy"] >= 80
    apart = abs(value["test_accuracy"] - value["twin_test_accuracy"])
    assert apart < record.metric("test_accuracy").sampling, "the note says: less than one standard error"
    assert value["twin_pixels_seen_1"] == 256 < value["pixels_seen_1"]


@pytest.fixture(scope="module")
def looks():
    """Of the trained network, by block: its attention, and the patterns of all windows on the ten scenes."""
    net = models.restore("swin")
    found = train.attentions(net)
    with torch.no_grad(), train.kept({name: part.hook_pattern for name, part in found.items()}) as seen:
        net(torch.from_numpy(one_of_each()))
    return {name: (found[name], pattern) for name, pattern in seen.items()}


@trained
def test_what_the_note_says_of_heads_that_are_convolutions(looks):
    obeyed, bits, own = {}, [], []
    for name, (part, pattern) in looks.items():
        table = part.B + part.mask if part.shift else part.B.expand(1, 1, -1, -1, -1)
        obeyed[name] = (pattern.argmax(5) == table.argmax(4)).float().mean((0, 1, 2, 4))
        bits.append(-(pattern.clamp_min(1e-12).log2() * pattern).sum(5).mean((0, 1, 2, 4)))
        own.append(pattern.diagonal(dim1=4, dim2=5).mean((0, 1, 2, 4)))
    assert torch.cat([obeyed["0_0"], obeyed["0_1"]]).min() > 0.94
    assert torch.cat(list(obeyed.values())).mean() == pytest.approx(0.8, abs=0.05)
    assert set(sorted(obeyed, key=lambda name: obeyed[name].mean())[:2]) == {"2_0", "1_3"}
    assert obeyed["1_0"].argmin() == 2
    assert obeyed["1_3"].argmin() == 0
    assert (torch.cat(bits) < 1).sum().item() == pytest.approx(23, abs=1)
    assert (torch.cat(own) < 0.01).sum().item() == pytest.approx(19, abs=1)
    assert max((part.table.max(0).values - part.table.min(0).values).max() for part, _ in looks.values()) > 40


@trained
@pytest.mark.parametrize(
    ("block", "places"), [("1_1", {(0, -2), (0, 2)}), ("1_0", {(-1, 0), (1, 0)})], ids=["two aside", "above and below"]
)
def test_what_the_note_says_of_heads_for_a_direction(looks, block, places):
    table = looks[block][0].table[:, 3].reshape(7, 7).flip(0, 1)
    best = {(i // 7 - 3, i % 7 - 3) for i in table.flatten().topk(2).indices.tolist()}
    assert best == places


@trained
@pytest.mark.data
@pytest.mark.parametrize(("twin", "most"), [(False, 1.105), (True, 1.23)])
def test_what_the_note_says_of_the_borders_of_windows(twin, most):
    net, (x, _) = models.restore("swin", twin=twin), pictures("test")
    posts = {f"{i}_{j}": b.hook_resid_post for i in (0, 1) for j, b in enumerate(net.stages[i].blocks)}
    with torch.no_grad(), train.kept(posts) as seen:
        net(x[:200])
    larger = []
    for maps in seen.values():
        step = (maps[..., 1:] - maps[..., :-1]).pow(2).mean((0, 1, 2)).sqrt()  # from column to column
        border = torch.arange(len(step)) % 4 == 3
        larger.append((step[border].mean() / step[~border].mean()).item())
    assert max(larger) == pytest.approx(most, abs=0.015)
    if twin:
        assert max(larger) == larger[-1], "in its last block"
