"""GPT-2 against the paper, against `transformers`, and against TransformerLens's names; its loop and its continuations."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

import models
from app.interpret.trace import expand
from models import checkpoint, heads, tokens
from models.gpt2 import CONTEXT, END, generate, model, train
from models.gpt2 import PAPER as CARD
from models.gpt2.convert import from_transformers, to_transformers
from models.gpt2.model import Config

TINY = Config(vocabulary=50, context=24, width=32, heads=4, layers=3)

BLOCK = {
    "hook_resid_pre": "batch token unit",
    "ln1.hook_scale": "batch token unit",
    "ln1.hook_normalized": "batch token unit",
    "attn.hook_q": "batch token head unit",
    "attn.hook_k": "batch token head unit",
    "attn.hook_v": "batch token head unit",
    "attn.hook_attn_scores": "batch head query key",
    "attn.hook_pattern": "batch head query key",
    "attn.hook_z": "batch token head unit",
    "hook_attn_out": "batch token unit",
    "hook_resid_mid": "batch token unit",
    "ln2.hook_scale": "batch token unit",
    "ln2.hook_normalized": "batch token unit",
    "mlp.hook_pre": "batch token unit",
    "mlp.hook_post": "batch token unit",
    "hook_mlp_out": "batch token unit",
    "hook_resid_post": "batch token unit",
}
PROBES = {
    "hook_embed": "batch token unit",
    "hook_pos_embed": "batch token unit",
    **{f"blocks.{i}.{path}": axes for i in range(4) for path, axes in BLOCK.items()},
    "ln_final.hook_scale": "batch token unit",
    "ln_final.hook_normalized": "batch token unit",
    "unembed": "batch token unit",
}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def randomised(config: Config, seed: int = 0) -> model.GPT2:
    """A network whose every weight, biases and normalizations included, matters."""
    torch.manual_seed(seed)
    net = model.build(config).eval()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p) * 0.1)
    return net.requires_grad_(False)


def outputs_of(net: nn.Module, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    """What every module gave in one forward pass."""
    seen: dict[str, torch.Tensor] = {}
    handles = [
        m.register_forward_hook(lambda _m, _i, output, name=name: seen.__setitem__(name, output))
        for name, m in net.named_modules()
    ]
    net(ids)
    for handle in handles:
        handle.remove()
    return seen


def test_the_small_model_of_the_paper_has_124_million_parameters():
    with torch.device("meta"):
        net = model.GPT2(model.PAPER)
    assert count(net) == 124_439_808
    assert count(net.embed) == 50_257 * 768 == 38_597_376
    assert count(net.pos_embed) == 1024 * 768 == 786_432
    assert [count(block) for block in net.blocks] == [7_087_872] * 12
    assert count(net.blocks[0].attn) == 4 * 768 * 768 + 4 * 768
    assert count(net.blocks[0].mlp) == 8 * 768 * 768 + 5 * 768
    assert count(net.ln_final) == 1536
    assert count(net.unembed) == 0  # tied: the token table is used twice, and kept once
    assert net.blocks[0].attn.W_Q.shape == (12, 768, 64)


def test_the_twin_is_the_model_without_perceptrons():
    net, twin = model.build(model.SMALL), model.build(model.TWIN)
    assert count(net) == 2_025_600
    assert count(twin) == 840_576
    lacking = count(net) - count(twin)
    assert lacking == sum(count(block.mlp) + count(block.ln2) for block in net.blocks)
    assert dataclasses.replace(model.TWIN, mlp=4) == model.SMALL
    assert model.SMALL.context == CONTEXT == CARD.takes.context
    names = dict(twin.named_modules())
    assert "blocks.0.attn.hook_pattern" in names
    assert not any("mlp" in name or "ln2" in name for name in names)
    assert twin(torch.zeros(2, 7, dtype=torch.long)).shape == (2, 7, 1024)


def test_the_probes_are_all_these_and_no_others():
    found = expand(model.build(model.SMALL), CARD.probes)
    assert {path: " ".join(probe.axes) for path, probe in found.items()} == PROBES


def test_every_hook_has_its_probe():
    hooks = {name for name, _ in model.build(model.SMALL).named_modules() if name.split(".")[-1].startswith("hook_")}
    assert hooks == PROBES.keys() - {"unembed"}


def test_each_tensor_has_the_shape_that_the_docstring_says():
    seen = outputs_of(randomised(TINY), torch.randint(50, (2, 7)))
    shapes = {
        "hook_embed": (2, 7, 32),
        "hook_pos_embed": (2, 7, 32),
        "blocks.0.hook_resid_pre": (2, 7, 32),
        "blocks.1.ln1.hook_scale": (2, 7, 1),
        "blocks.1.ln1.hook_normalized": (2, 7, 32),
        "blocks.1.attn.hook_q": (2, 7, 4, 8),
        "blocks.1.attn.hook_z": (2, 7, 4, 8),
        "blocks.1.attn.hook_attn_scores": (2, 4, 7, 7),
        "blocks.1.attn.hook_pattern": (2, 4, 7, 7),
        "blocks.2.mlp.hook_pre": (2, 7, 128),
        "blocks.2.mlp.hook_post": (2, 7, 128),
        "blocks.2.hook_resid_post": (2, 7, 32),
        "unembed": (2, 7, 50),
    }
    assert {path: tuple(seen[path].shape) for path in shapes} == shapes


def test_the_stream_is_only_ever_added_to():
    net, ids = randomised(TINY), torch.randint(50, (2, 7))
    seen = outputs_of(net, ids)
    stream = seen["hook_embed"] + seen["hook_pos_embed"]
    for i in range(3):
        assert torch.equal(stream, seen[f"blocks.{i}.hook_resid_pre"])
        stream = stream + seen[f"blocks.{i}.hook_attn_out"]
        assert torch.equal(stream, seen[f"blocks.{i}.hook_resid_mid"])
        stream = stream + seen[f"blocks.{i}.hook_mlp_out"]
        assert torch.equal(stream, seen[f"blocks.{i}.hook_resid_post"])


def test_no_token_sees_what_lies_ahead():
    net, ids = randomised(TINY), torch.randint(50, (1, 12))
    changed = ids.clone()
    changed[0, 8] = (ids[0, 8] + 1) % 50
    before, after = net(ids), net(changed)
    assert torch.equal(before[:, :8], after[:, :8])
    assert not torch.allclose(before[:, 8:], after[:, 8:])
    pattern = outputs_of(net, ids)["blocks.2.attn.hook_pattern"]
    assert not pattern.triu(1).any()
    assert torch.allclose(pattern.sum(-1), torch.ones(1, 4, 12), atol=1e-6)


def test_the_pattern_of_one_query_worked_by_hand():
    net, ids = randomised(TINY), torch.randint(50, (1, 6))
    seen = outputs_of(net, ids)
    q, k, v = (seen[f"blocks.0.attn.hook_{part}"][0, :, 2] for part in "qkv")  # head 2: (6, 8)
    scores = [float(q[3] @ k[j]) / math.sqrt(8) for j in range(4)]
    shares = np.exp(scores) / np.exp(scores).sum()
    assert seen["blocks.0.attn.hook_pattern"][0, 2, 3, :4].tolist() == pytest.approx(shares.tolist(), abs=1e-5)
    z = sum(share * v[j] for j, share in enumerate(shares))
    assert seen["blocks.0.attn.hook_z"][0, 3, 2].tolist() == pytest.approx(z.tolist(), abs=1e-5)


def test_the_weights_under_transformer_lenss_names_compute_the_same():
    net, ids = randomised(TINY), torch.randint(50, (2, 7))
    seen, block = outputs_of(net, ids), net.blocks[1]
    x = seen["blocks.1.ln1"]
    for part in "qkv":
        weight, bias = getattr(block.attn, f"W_{part.upper()}"), getattr(block.attn, f"b_{part.upper()}")
        mine = torch.einsum("ntd,hdu->nthu", x, weight) + bias
        assert torch.allclose(mine, seen[f"blocks.1.attn.hook_{part}"], atol=1e-5)
    heads = torch.einsum("nthu,hud->nthd", seen["blocks.1.attn.hook_z"], block.attn.W_O)
    assert torch.allclose(heads.sum(2) + block.attn.b_O, seen["blocks.1.hook_attn_out"], atol=1e-5)
    pre = seen["blocks.1.ln2"] @ block.mlp.W_in + block.mlp.b_in
    assert torch.allclose(pre, seen["blocks.1.mlp.hook_pre"], atol=1e-5)
    out = seen["blocks.1.mlp.hook_post"] @ block.mlp.W_out + block.mlp.b_out
    assert torch.allclose(out, seen["blocks.1.hook_mlp_out"], atol=1e-5)
    assert torch.allclose(net.W_E[ids], seen["hook_embed"])
    assert torch.allclose(net.W_pos[:7], seen["hook_pos_embed"][0])
    assert torch.allclose(seen["ln_final"] @ net.W_U + net.b_U, net(ids), atol=1e-5)


def test_normalization_is_torchs_own():
    layer, theirs = model.LayerNorm(32), nn.LayerNorm(32)
    with torch.no_grad():
        for mine, other in zip(layer.parameters(), theirs.parameters(), strict=True):
            mine.normal_()
            other.copy_(mine)
    x = 3 + 5 * torch.randn(2, 7, 32)
    assert torch.allclose(layer(x), theirs(x), atol=1e-5)


def test_every_module_is_used_once_in_a_forward_pass():
    net = model.build(TINY)
    used: dict[str, int] = {}
    leaves = [name for name, m in net.named_modules() if not list(m.children())]
    for name in leaves:
        net.get_submodule(name).register_forward_hook(
            lambda _m, _i, _o, name=name: used.__setitem__(name, used.get(name, 0) + 1)
        )
    net(torch.zeros(1, 4, dtype=torch.long))
    assert used == dict.fromkeys(leaves, 1)


def test_what_writes_to_the_stream_starts_smaller():
    torch.manual_seed(0)
    config = Config(vocabulary=500, context=64, width=128, heads=4, layers=8)
    net = model.build(config)
    assert net.embed.weight.std().item() == pytest.approx(0.02, rel=0.05)
    for block in net.blocks:
        for layer in (block.attn.out, block.mlp.out):
            assert layer.weight.std().item() == pytest.approx(0.02 / math.sqrt(16), rel=0.05)  # N = 16 sub-blocks
        assert block.attn.qkv.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert not block.attn.qkv.bias.any()


def test_our_heads_start_by_looking_around():
    torch.manual_seed(0)
    small = model.build(model.SMALL)
    assert small.pos_embed.weight.square().mean().sqrt().item() == pytest.approx(0.06, rel=1e-3)
    for block in small.blocks:
        query, key, value = block.attn.qkv.weight.chunk(3)
        assert torch.equal(query, key)
        assert query.std().item() == pytest.approx(3.5 * value.std().item(), rel=0.05)
    pattern, _ = heads.patterns(small, torch.randint(257, 1024, (4, 200)))
    looks = pattern.mean((1, 2))[:, -1]  # (layers, keys): of the last token
    assert (looks[:, -1] > 0.04).all()  # a two-hundredth, were all alike
    assert (looks[:, -8:-1].mean(1) > 3 * looks[:, :150].mean(1)).all()


def test_every_weight_is_trained_by_one_optimiser_or_the_other():
    small = model.build(model.SMALL)
    inside, embeddings, others = train.optimiser(small).param_groups
    assert len(inside["params"]) == 4 * 4
    assert inside["weight_decay"] and embeddings["weight_decay"] and not others["weight_decay"]
    every = [p for group in (inside, embeddings, others) for p in group["params"]]
    assert sorted(map(id, every)) == sorted(map(id, small.parameters()))


@pytest.fixture(scope="module")
def theirs():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(1)
    config = GPT2Config(
        vocab_size=50, n_positions=24, n_embd=32, n_head=4, n_layer=3, attn_implementation="eager", bos_token_id=0
    )
    net = GPT2LMHeadModel(config).eval().requires_grad_(False)
    for p in net.parameters():
        p.add_(torch.randn_like(p) * 0.1)
    return net


def test_transformers_computes_the_same_from_the_same_weights(theirs):
    net = model.build(TINY).eval().requires_grad_(False)
    net.load_state_dict(from_transformers(theirs.state_dict()))
    ids = torch.randint(50, (3, 24))
    answer = theirs(ids, output_hidden_states=True, output_attentions=True)
    seen = outputs_of(net, ids)
    assert torch.allclose(seen[""], answer.logits, atol=1e-5)
    for i, (stream, pattern) in enumerate(zip(answer.hidden_states, answer.attentions, strict=False)):
        assert torch.allclose(seen[f"blocks.{i}.hook_resid_pre"], stream, atol=1e-5)
        assert torch.allclose(seen[f"blocks.{i}.attn.hook_pattern"], pattern, atol=1e-5)


def test_the_names_of_weights_are_converted_without_rest_both_ways(theirs):
    state = theirs.state_dict()
    ours = from_transformers(state)
    assert ours.keys() == model.build(TINY).state_dict().keys()
    back = to_transformers(ours)
    assert back.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.equal(back[name], tensor), name


def test_the_published_files_without_prefix_and_with_masks_convert_too(theirs):
    state = {k.removeprefix("transformer."): v for k, v in theirs.state_dict().items() if not k.startswith("lm_head")}
    ours = from_transformers(state)
    published = state | {"h.0.attn.bias": torch.ones(1, 1, 24, 24), "h.2.attn.masked_bias": torch.tensor(-1e4)}
    assert from_transformers(published).keys() == ours.keys() == model.build(TINY).state_dict().keys()
    with pytest.raises(KeyError):
        from_transformers({"transformer.h.0.crossattention.c_attn.weight": torch.zeros(2, 2)})


def test_the_converted_names_fit_the_papers_size():
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.device("meta"):
        ours, other = model.GPT2(model.PAPER), GPT2LMHeadModel(GPT2Config())
    converted = from_transformers(other.state_dict())
    assert {k: v.shape for k, v in converted.items()} == {k: v.shape for k, v in ours.state_dict().items()}
    assert count(ours) == sum({id(p): p.numel() for p in other.parameters()}.values())


@pytest.fixture
def little(monkeypatch, tmp_path):
    """A data folder of six short sources, a vocabulary of them, and nothing in any cache."""
    import gzip

    for name in ("DATA", "CHECKPOINTS", "RUNS"):
        monkeypatch.setenv(f"CUTAWAY_{name}", str(tmp_path / name.lower()))
    (tmp_path / "data/text").mkdir(parents=True)
    for number, name in enumerate(train.SOURCES):
        chapter = "\n\n".join(f"The {name} sat on the mat, and so did number {i * number}." for i in range(60))
        whole = f"CHAPTER I\n\n{chapter}\n\nCHAPTER II\n\n{chapter}"
        (tmp_path / f"data/text/{name}.txt.gz").write_bytes(gzip.compress(whole.encode()))
    for cached in (train.stream, train.windows, train.sizes):
        cached.cache_clear()
    tokens.train("gpt2", (train.text.read(name) for name in train.SOURCES), 300, (END,))
    monkeypatch.setattr(train, "SMALL", dataclasses.replace(model.SMALL, vocabulary=300))
    yield
    for cached in (train.stream, train.windows, train.sizes):
        cached.cache_clear()


def test_chapters_are_documents():
    source = "EMMA\n\nVOLUME I\n\nCHAPTER I\n\nOne.\n\nTwo.\n\nCHAPTER II\n\nThree of Chapter and verse."
    assert train.documents(source) == [
        "EMMA",
        "VOLUME I",
        "CHAPTER I\n\nOne.\n\nTwo.",
        "CHAPTER II\n\nThree of Chapter and verse.",
    ]


def test_every_token_of_the_text_is_to_be_predicted_once(little):
    for split in ("train", "test"):
        rows = train.windows(split)
        assert rows.shape[1] == CONTEXT + 1
        assert (rows[:, 0] == 0).all()
        ids = np.sort(rows[:, 1:].flatten().numpy())
        assert np.array_equal(ids, np.sort(train.stream(split)[: ids.size]))
    first = train.text.divided(train.SOURCES[0])[0]
    assert tokens.decode("gpt2", train.stream("train")[:2000].tolist()).startswith(train.documents(first)[0] + END)
    held = tokens.decode("gpt2", train.stream("test").tolist()).replace(END, "")
    assert held == "".join("".join(train.documents(train.text.divided(name)[1])) for name in train.SOURCES)


def test_the_bytes_of_tokens_add_up_to_those_of_the_text(little):
    ids = train.stream("test").astype(np.int64)
    text = tokens.decode("gpt2", [i for i in ids.tolist() if i])
    assert int(train.sizes()[ids].sum()) == len(text.encode())
    assert int(train.sizes()[0]) == 0


def test_a_network_that_knows_nothing_spends_log_v_on_each_token(little):
    class Level(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Parameter(torch.zeros(300))

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.scores.expand(*ids.shape, 300)

    rows = train.windows("train")[:3]
    row = train.reading(Level(), rows)
    assert row["test_loss"] == pytest.approx(math.log(300), rel=1e-5)
    size = int(train.sizes()[rows[:, 1:]].sum())
    assert row["bits_per_byte"] == pytest.approx(3 * 256 * math.log2(300) / size, rel=1e-5)


def test_the_rate_rises_stays_and_falls():
    rates = [train.rate(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(train.RATE / train.WARM)
    assert rates[train.WARM : 700] == [train.RATE] * (700 - train.WARM)
    assert rates[850] == pytest.approx(train.RATE / 2)
    assert rates[999] == pytest.approx(train.RATE / 300)
    longer = [train.rate(step, 4000) for step in range(700)]
    assert rates[:700] == longer  # equal up to the shorter one's fall


def test_continuations_are_drawn_from_the_likeliest_and_repeat_with_the_seed():
    net, ids = randomised(TINY), torch.randint(50, (2, 5))
    assert torch.equal(generate.generate(net, ids, 10, seed=3), generate.generate(net, ids, 10, seed=3))
    assert not torch.equal(generate.generate(net, ids, 10, seed=3), generate.generate(net, ids, 10, seed=4))
    greedy = generate.generate(net, ids, 4, top=1)
    for place in range(5, 9):
        assert torch.equal(greedy[:, place], net(greedy[:, :place])[:, -1].argmax(1))
    for seed in range(5):
        drawn = generate.generate(net, ids, 1, top=3, seed=seed)[:, 5]
        likeliest = net(ids)[:, -1].topk(3).indices
        assert all(token in row for token, row in zip(drawn.tolist(), likeliest.tolist(), strict=True))


def test_the_continuations_stand_in_the_note_between_their_marks(little, monkeypatch, tmp_path):
    checkpoint.write_weights("gpt2", model.build(model.SMALL))
    note = tmp_path / "README.md"
    note.write_text(f"before\n{generate.START}\nold\n{generate.FINISH}\nafter", "utf8")
    monkeypatch.setattr(generate.notes, "path", lambda _slug: note)
    monkeypatch.setattr(generate, "LENGTH", 3)
    rows = train.windows("train")[:, 1:]
    generate.write_continuations(rows)
    head, *lines, after = note.read_text("utf8").split("\n")[1:-1]
    assert (head, after) == (generate.START, generate.FINISH)
    assert len(lines) == min(len(rows), generate.COUNT)
    given = " ".join(tokens.decode("gpt2", rows[0, : generate.GIVEN].tolist()).split())
    assert lines[0].startswith(f"1. {given.replace('<', '&lt;').replace('|', '&#124;')} **")
    assert all(line.endswith("**") for line in lines)


def test_a_text_begins_with_the_end_of_the_one_before():
    if not tokens.path("gpt2").exists():
        pytest.fail("the vocabulary of gpt2 is missing")
    ids = CARD.takes.parse("It was a dark night.")
    assert ids[0, 0] == tokens.special("gpt2", END) == 0
    assert tokens.decode("gpt2", ids[0, 1:].tolist()) == "It was a dark night."
    assert tokens.tokenizer("gpt2").get_vocab_size() == model.SMALL.vocabulary
    assert checkpoint.folder("gpt2") == tokens.path("gpt2").parent


def test_what_the_note_says_of_the_heads():
    net, ids = models.restore("gpt2"), torch.from_numpy(CARD.takes.parse(CARD.samples[0].source))
    names = tokens.pieces("gpt2", ids[0].tolist())
    first, last = names.index(" C"), len(names) - 1
    assert names[last] == " C" and names[first + 1] == "o"

    def seen(*without: tuple[int, int]) -> tuple[float, torch.Tensor]:
        """The induction head's look at what followed, and the chances of the next token, without some heads."""

        def off(head: int):
            return lambda _m, _i, z: z.index_fill(2, torch.tensor([head]), 0)

        hooks = [net.blocks[layer].attn.hook_z.register_forward_hook(off(head)) for layer, head in without]
        pattern, scores = heads.patterns(net, ids)
        for hook in hooks:
            hook.remove()
        return pattern[3, 0, 2, last, first + 1].item(), scores[0, -1].softmax(0)

    look, chances = seen()
    assert look > 0.95
    o = tokens.encode("gpt2", "o")[0]
    assert chances.argmax() == o
    assert chances[o].item() == pytest.approx(0.35, abs=0.01)
    assert seen((3, 2))[1][o].item() == pytest.approx(0.01, abs=0.005)
    assert seen((0, 1))[0] == pytest.approx(0.25, abs=0.02)  # it builds on the head that knows the token before

    scores, _ = heads.survey(net, heads.repeats(*train.REPEATS, tokens=range(257, 1024), start=0))
    assert heads.best(scores)["previous_token"][1:] == (0, 1)
    assert heads.best(scores)["induction"][1:] == (3, 2)
    rows = {int(row["step"]): row for row in checkpoint.read_json("gpt2", "curves")["model"]["0"]}
    assert rows[183]["previous_token_score"] < 0.2 < 0.9 < rows[1467]["previous_token_score"]
    assert rows[2383]["induction_score"] < 0.012 < 0.06 < rows[5133]["induction_score"]
    of = {m["name"]: m["value"] for m in checkpoint.read_json("gpt2", "record")["metrics"]}
    assert of["induction_score"] > 8 * 0.007 and of["twin_induction_score"] == pytest.approx(0.013, abs=5e-4)
