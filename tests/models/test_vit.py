"""ViT against the paper and against a second implementation: sizes, shapes, every probe, weights under other names."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from app.interpret.trace import expand, trace
from models import checkpoint, restore
from models.photos import CIFAR
from models.vit import PAPER as CARD
from models.vit import model, train
from models.vit.convert import from_transformers
from models.vit.model import PAPER, SMALL, TWIN

STREAM, HEADS = ("batch", "token", "channel"), ("batch", "token", "head", "unit")
PATTERN = ("batch", "head", "query", "key")
IN_BLOCK = {
    "hook_resid_pre": (STREAM, (65, 96)),
    "ln1": (STREAM, (65, 96)),
    "attn.hook_q": (HEADS, (65, 3, 32)),
    "attn.hook_k": (HEADS, (65, 3, 32)),
    "attn.hook_v": (HEADS, (65, 3, 32)),
    "attn.hook_attn_scores": (PATTERN, (3, 65, 65)),
    "attn.hook_pattern": (PATTERN, (3, 65, 65)),
    "attn.hook_z": (HEADS, (65, 3, 32)),
    "hook_attn_out": (STREAM, (65, 96)),
    "hook_resid_mid": (STREAM, (65, 96)),
    "ln2": (STREAM, (65, 96)),
    "mlp.hook_pre": (("batch", "token", "unit"), (65, 192)),
    "mlp.hook_post": (("batch", "token", "unit"), (65, 192)),
    "hook_mlp_out": (STREAM, (65, 96)),
    "hook_resid_post": (STREAM, (65, 96)),
}
PROBES = {
    "E": (("batch", "channel", "height", "width"), (96, 8, 8)),
    "hook_embed": (STREAM, (65, 96)),
    "hook_pos_embed": (STREAM, (65, 96)),
    **{f"blocks.{i}.{name}": found for i in range(6) for name, found in IN_BLOCK.items()},
    "hook_y": (("batch", "unit"), (96,)),
    "ln_final": (STREAM, (65, 96)),
    "unembed": (("batch", "unit"), (10,)),
}


@pytest.fixture(scope="module")
def net() -> model.ViT:
    """Our ViT, every weight a little off its start: nothing is exactly 0 or 1."""
    torch.manual_seed(0)
    return scattered(model.build(SMALL)).eval()


def scattered(net: nn.Module):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net


def count(config: model.Config) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in model.build(config).parameters())


def test_the_papers_network_has_the_published_parameters():
    assert count(PAPER) == 86_567_656
    large = replace(PAPER, width=1024, layers=24, heads=16, hidden=4096)
    assert count(large) == 304_326_632  # ViT-L/16; Table 1 says 307 M with its own head
    assert count(replace(PAPER, side=384)) - count(PAPER) == (24**2 - 14**2) * 768  # a longer sequence, more places


def test_ours_has_what_the_note_says_and_the_twin_lacks_the_places_alone():
    assert count(SMALL) == 460_906
    assert count(SMALL) - count(TWIN) == 65 * 96


def test_a_layer_has_the_parts_of_equations_2_and_3():
    with torch.device("meta"):
        block = model.build(PAPER).blocks[0]
    assert sum(p.numel() for p in block.attn.parameters()) == 4 * (768 * 768 + 768)
    assert sum(p.numel() for p in block.mlp.parameters()) == 2 * 768 * 3072 + 3072 + 768
    assert sum(p.numel() for p in (*block.ln1.parameters(), *block.ln2.parameters())) == 4 * 768


def test_every_probe_is_there_with_its_axes_and_shape(net):
    seen = trace(net, CARD, torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)).numpy())
    assert {path: (seen.axes[path], values.shape[1:]) for path, values in seen.values.items()} == PROBES
    for path, values in seen.values.items():
        if path.endswith("hook_pattern"):
            assert values.sum(3) == pytest.approx(1, abs=1e-5)


def test_the_twin_has_the_same_probes():
    assert list(expand(model.build(TWIN), CARD.probes)) == list(expand(model.build(SMALL), CARD.probes))


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


def test_words_are_patches_row_by_row_after_the_class_token(net):
    x = torch.randn(1, 3, 32, 32)
    words = net.embed(x) - net.E_pos
    patch = x[0, :, 8:12, 20:24]  # row 2, column 5
    by_hand = (net.E.weight * patch).sum((1, 2, 3)) + net.E.bias
    assert torch.allclose(words[0, 1 + 2 * 8 + 5], by_hand, atol=1e-4)
    assert torch.allclose(words[0, 0], net.x_class[0, 0], atol=1e-5)


def test_attention_is_worked_by_hand():
    torch.manual_seed(2)
    attention = model.Attention(replace(SMALL, width=4, heads=2))
    x = torch.randn(1, 3, 4)
    weight, bias = attention.qkv.weight, attention.qkv.bias
    rows = []
    for head in range(2):
        own = slice(2 * head, 2 * head + 2)
        q, k, v = (x[0] @ weight[4 * i :][own].T + bias[4 * i :][own] for i in range(3))
        rows.append(torch.softmax(q @ k.T / 2**0.5, 1) @ v)
    by_hand = torch.cat(rows, 1) @ attention.o.weight.T + attention.o.bias
    assert torch.allclose(attention(x)[0], by_hand, atol=1e-5)
    assert torch.allclose(attention.W_O[1], attention.o.weight[:, 2:].T)


def test_without_positions_the_order_of_the_patches_does_not_matter(net):
    twin = scattered(model.build(TWIN)).eval()
    x = torch.randn(1, 3, 32, 32)
    halves = x.roll(16, 3)  # the right half of the picture before the left one: whole patches change places
    assert torch.allclose(twin(x), twin(halves), atol=1e-4)
    assert not torch.allclose(net(x), net(halves), atol=1e-2)
    assert not twin.hook_pos_embed(twin.E_pos).any()
    assert "E_pos" not in twin.state_dict()


def theirs(**sizes: int):
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        image_size=16,
        patch_size=4,
        num_labels=7,
        layer_norm_eps=1e-6,
        attn_implementation="eager",
        **sizes,
    )
    torch.manual_seed(3)
    return scattered(transformers.ViTForImageClassification(config)).eval()


OURS = replace(SMALL, side=16, classes=7, width=48, layers=2, heads=4, hidden=96)


def test_it_computes_what_transformers_computes():
    other, net = theirs(), model.build(OURS).eval()
    ours = from_transformers(other.state_dict())
    assert ours.keys() == net.state_dict().keys()
    assert sum(t.numel() for t in ours.values()) == sum(t.numel() for t in other.state_dict().values())
    net.load_state_dict(ours)
    x = torch.randn(3, 3, 16, 16)
    patterns = []
    handle = net.blocks[1].attn.hook_pattern.register_forward_hook(lambda _m, _i, output: patterns.append(output))
    with torch.no_grad():
        their = other(x, output_hidden_states=True, output_attentions=True)
        assert torch.allclose(net(x), their.logits, atol=1e-5)
        assert torch.allclose(net.blocks[0](net.embed(x)), their.hidden_states[1], atol=1e-5)
    handle.remove()
    assert torch.allclose(patterns[0], their.attentions[1], atol=1e-5)


OLD = {
    "layers.": "encoder.layer.",
    "attention.q_proj": "attention.attention.query",
    "attention.k_proj": "attention.attention.key",
    "attention.v_proj": "attention.attention.value",
    "attention.o_proj": "attention.output.dense",
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
    assert "vit.encoder.layer.1.attention.attention.query.weight" in published
    new, old = from_transformers(state), from_transformers(published)
    assert new.keys() == old.keys()
    assert all(torch.equal(new[name], old[name]) for name in new)
    bare = {name.removeprefix("vit."): t for name, t in state.items() if name.startswith("vit.")}
    bare["pooler.dense.weight"] = torch.zeros(48, 48)
    assert from_transformers(bare).keys() == new.keys() - {"unembed.weight", "unembed.bias"}
    with pytest.raises(KeyError):
        from_transformers({"vit.layers.0.attention.gate.weight": torch.zeros(1)})


def test_patches_are_kept_at_random_and_the_class_token_always():
    z = torch.arange(65.0).view(1, 65, 1).expand(200, -1, 2)
    some = train.kept(z, 32, torch.Generator().manual_seed(0))
    assert some.shape == (200, 33, 2)
    assert not some[:, 0].any()
    assert all(len(set(row)) == 33 for row in some[..., 0].tolist())
    often = torch.bincount(some[..., 0].flatten().long(), minlength=65)[1:]
    assert 60 < often.min() < often.max() < 140  # 100 on average
    assert torch.equal(some, train.kept(z, 32, torch.Generator().manual_seed(0)))


def test_only_matrices_decay(net):
    decays, others = train.optimiser(net).param_groups
    assert len(decays["params"]) == 2 + 4 * 6
    assert {p.ndim for p in decays["params"]} == {2, 4}
    assert any(p is net.E_pos for p in others["params"])
    assert len(decays["params"]) + len(others["params"]) == len(list(net.parameters()))


def test_attention_distances_are_in_pixels_and_leave_the_class_token_out():
    net = model.build(SMALL).eval()  # the queries meet all keys alike once q and k are 0
    with torch.no_grad():
        for block in net.blocks:
            block.attn.qkv.weight.zero_()
    far = train.distances(net, torch.randn(2, 3, 32, 32))
    assert far.shape == (6, 3)
    places = [(4.0 * row, 4.0 * column) for row in range(8) for column in range(8)]
    every = [((a - c) ** 2 + (b - d) ** 2) ** 0.5 for a, b in places for c, d in places]
    assert far.flatten().tolist() == pytest.approx([sum(every) / len(every)] * 18, abs=1e-3)


def test_places_that_spell_rows_and_columns_are_found_to_be_a_grid():
    net = model.build(SMALL)
    row = torch.eye(8).repeat_interleave(8, 0)
    column = torch.eye(8).repeat(8, 1)
    blur = torch.exp(-0.5 * (torch.arange(8)[:, None] - torch.arange(8)) ** 2)  # neighbours share something
    with torch.no_grad():
        net.E_pos.zero_()
        net.E_pos[0, 1:, :16] = torch.cat([row @ blur, column @ blur], 1)
    found = {metric.name: metric.value for metric in train.places(net)}
    assert found["position_similarity_line"] > found["position_similarity_other"] + 0.3
    assert found["position_nearest_touches"] == 100


def test_the_network_takes_cifars_pictures():
    assert CARD.takes is CIFAR
    assert CARD.takes.shape == (SMALL.channels, SMALL.side, SMALL.side)


def test_the_record_reaches_its_floor_and_the_twin_stays_behind():
    record = checkpoint.read_record("vit")
    value = {metric.name: metric.value for metric in record.metrics}
    assert record.parameters == 460_906
    assert value["test_accuracy"] >= 68
    assert value["test_accuracy"] > value["twin_test_accuracy"] + 3
    assert value["position_similarity_line"] > value["position_similarity_other"]


def test_what_the_note_says_of_how_far_heads_reach():
    value = {metric.name: metric.value for metric in checkpoint.read_record("vit").metrics}
    alike = float(train.apart(restore("vit")).mean())
    assert f"{alike:.1f}" == "16.5"
    assert all(10 < value[f"attention_distance_{layer}"] < alike for layer in (1, 2, 3, 4))
    assert value["attention_distance_5_nearest"] > alike
    assert min(value[f"attention_distance_{layer}_nearest"] for layer in range(6)) > 10, "none is local"
