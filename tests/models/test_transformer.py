"""The Transformer against the paper's counts and formulas, and against torch's own layers with the same weights."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn

import models
from app.interpret.trace import expand, trace
from models import checkpoint, translation
from models.transformer import PAPER as CARD
from models.transformer import model, train
from models.transformer.model import Attention, Config, DecoderBlock, EncoderBlock, sinusoids
from models.translation import PAD, START

TINY = Config(vocabulary=20, blocks=2, d_model=8, d_ff=12, heads=2, context=16)
PAIRS = torch.tensor([[[5, 6, 7, 8, 2], [1, 9, 10, 0, 0]], [[7, 2, 0, 0, 0], [1, 11, 12, 13, 14]]])


@pytest.fixture
def net():
    torch.manual_seed(0)
    return model.build(TINY).eval()


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_base_model_has_its_63_million_parameters_layer_by_layer():
    with torch.device("meta"):
        net = model.build(model.PAPER)
    attention, feed_forward, norm = 4 * 512 * 512, 2 * 512 * 2048 + 2048 + 512, 2 * 512
    assert count(net.encoder.blocks[0].attn) == attention == 1_048_576
    assert count(net.encoder.blocks[0].mlp) == feed_forward == 2_099_712
    assert [count(b) for b in net.encoder.blocks] == [attention + feed_forward + 2 * norm] * 6 == [3_150_336] * 6
    assert [count(b) for b in net.decoder.blocks] == [2 * attention + feed_forward + 3 * norm] * 6 == [4_199_936] * 6
    assert count(net.embed) == 37_000 * 512
    assert count(net.unembed) == 0, "the pre-softmax matrix is the embedding"
    assert count(net) == 63_045_632
    assert net.encoder.blocks[0].attn.units == 64


def test_the_twins_are_as_large_as_the_model():
    sizes = {count(model.build(c)) for c in (model.SMALL, model.TWIN, model.NO_POSITIONS)}
    assert sizes == {1_767_936}
    assert dataclasses.replace(model.TWIN, heads=4) == model.SMALL
    assert dataclasses.replace(model.NO_POSITIONS, positions=True) == model.SMALL


def test_positions_are_the_papers_sines():
    table = sinusoids(50, 128)
    assert table.shape == (50, 128)
    assert table[0].tolist() == [0.0, 1.0] * 64
    assert table[7, 0].item() == pytest.approx(math.sin(7), abs=1e-5)
    assert table[7, 21].item() == pytest.approx(math.cos(7 / 10000 ** (20 / 128)), abs=1e-5)
    near = [(table[i] @ table[i + 4]).item() for i in (0, 11, 40)]
    assert max(near) - min(near) < 1e-3, "how alike two positions are depends on their distance alone"


def test_every_weight_is_trained_by_one_optimiser_or_the_other():
    small = model.build(model.SMALL)
    inside, embedding, others = train.optimiser(small).param_groups
    assert len(inside["params"]) == 3 * (4 + 2) + 3 * (4 + 4 + 2)
    assert embedding["weight_decay"] and not inside["weight_decay"] and not others["weight_decay"]
    every = [p for group in (inside, embedding, others) for p in group["params"]]
    assert sorted(map(id, every)) == sorted(map(id, small.parameters()))


def copied(ours: Attention, theirs: nn.MultiheadAttention) -> None:
    """Our matrices in torch's attention; its biases, which the paper has not, are 0."""
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.W_Q.weight, ours.W_K.weight, ours.W_V.weight]))
        theirs.out_proj.weight.copy_(ours.W_O.weight)
        theirs.in_proj_bias.zero_()
        theirs.out_proj.bias.zero_()


def shaken(block: nn.Module) -> None:
    """Norms and biases away from 1 and 0, so that a forgotten one would show."""
    with torch.no_grad():
        for parameter in block.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))


def same(ours: EncoderBlock | DecoderBlock, theirs: nn.Module, norms: int) -> None:
    theirs.linear1.load_state_dict(ours.mlp.W_in.state_dict())
    theirs.linear2.load_state_dict(ours.mlp.W_out.state_dict())
    for i in range(1, norms + 1):
        getattr(theirs, f"norm{i}").load_state_dict(getattr(ours, f"ln{i}").state_dict())


def test_an_encoder_block_is_torchs():
    torch.manual_seed(0)
    ours = EncoderBlock(TINY).eval()
    shaken(ours)
    theirs = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True).eval()
    copied(ours.attn, theirs.self_attn)
    same(ours, theirs, 2)
    x, hidden = torch.randn(3, 5, 8), torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
    with torch.enable_grad():  # torch takes its plain path, not the fused one, where gradients may be asked for
        wanted = theirs(x, src_key_padding_mask=hidden)
    assert torch.allclose(ours(x, hidden[:, None, None]), wanted, atol=1e-5)


def test_a_decoder_block_is_torchs():
    torch.manual_seed(0)
    ours = DecoderBlock(TINY).eval()
    shaken(ours)
    theirs = nn.TransformerDecoderLayer(8, 2, 12, batch_first=True).eval()
    copied(ours.attn, theirs.self_attn)
    copied(ours.cross_attn, theirs.multihead_attn)
    same(ours, theirs, 3)
    x, source = torch.randn(2, 4, 8), torch.randn(2, 6, 8)
    later = torch.ones(4, 4, dtype=torch.bool).triu(1)
    hidden = torch.tensor([[False] * 6, [False] * 4 + [True] * 2])
    wanted = theirs(x, source, tgt_mask=later, memory_key_padding_mask=hidden)
    written, (keys, values) = ours(x, ours.cross_attn.remember(source), hidden[:, None, None])
    assert torch.allclose(written, wanted, atol=1e-5)
    assert keys.shape == values.shape == (2, 4, 2, 4)


def test_the_whole_is_torchs_transformer_between_the_embeddings(net):
    theirs = nn.Transformer(8, 2, 2, 2, 12, batch_first=True).eval()
    theirs.encoder.norm = theirs.decoder.norm = None
    for mine, block in zip(net.encoder.blocks, theirs.encoder.layers, strict=True):
        copied(mine.attn, block.self_attn)
        same(mine, block, 2)
    for mine, block in zip(net.decoder.blocks, theirs.decoder.layers, strict=True):
        copied(mine.attn, block.self_attn)
        copied(mine.cross_attn, block.multihead_attn)
        same(mine, block, 3)
    embedded = net.embed(PAIRS) * math.sqrt(8) + sinusoids(16, 8)[:5]  # (n, 2, tokens, d)
    hidden = PAIRS[:, 0] == PAD
    later = torch.ones(5, 5, dtype=torch.bool).triu(1)
    with torch.enable_grad():
        written = theirs(
            embedded[:, 0],
            embedded[:, 1],
            tgt_mask=later,
            src_key_padding_mask=hidden,
            memory_key_padding_mask=hidden,
        )
    assert torch.allclose(net(PAIRS), written @ net.embed.weight.T, atol=1e-5)


def test_padding_changes_nothing(net):
    wider = nn.functional.pad(PAIRS, (0, 3))
    assert torch.allclose(net(wider)[:, :5], net(PAIRS), atol=1e-6)
    alone = net(PAIRS[1:, :, :5])
    assert torch.allclose(net(PAIRS)[1:], alone, atol=1e-6)


def test_no_token_sees_those_after_it(net):
    changed = PAIRS.clone()
    changed[:, 1, 3] = 17
    before, after = net(PAIRS), net(changed)
    assert torch.allclose(before[:, :3], after[:, :3], atol=1e-6)
    assert (before[:, 3] - after[:, 3]).abs().max() > 1e-3


def test_writing_token_by_token_is_the_forward_pass(net):
    whole = net(PAIRS).log_softmax(-1)
    state = net.start(PAIRS[:, 0])
    for place in range(5):
        logs, state = net.next(PAIRS[:, 1, place], state)
        if place < 3:
            assert torch.allclose(logs, whole[:, place], atol=1e-5)


def test_without_positions_the_order_of_the_source_is_lost():
    torch.manual_seed(0)
    blind = model.build(dataclasses.replace(TINY, positions=False)).eval()
    seeing = model.build(TINY).eval()
    pair = torch.tensor([[[5, 6, 7, 8], [START, 9, 10, 11]]])
    turned = torch.tensor([[[8, 5, 7, 6], [START, 9, 10, 11]]])
    assert torch.allclose(blind(pair), blind(turned), atol=1e-5)
    assert not torch.allclose(seeing(pair), seeing(turned), atol=1e-2)


def test_a_pattern_is_a_mean_over_what_may_be_seen(net):
    seen = {}
    for name, module in net.named_modules():
        if name.endswith("hook_pattern"):
            module.register_forward_hook(lambda _m, _i, y, name=name: seen.__setitem__(name, y))
    net(PAIRS)
    assert len(seen) == 6
    for name, pattern in seen.items():
        assert torch.allclose(pattern.sum(-1), torch.ones(2, 2, 5), atol=1e-6), name
        if "decoder" in name and "cross" not in name:
            assert not pattern.triu(1).any()
        else:
            assert not pattern[1, :, :, 2:].any(), "nobody looks at the padding of the source"


def test_every_activation_and_every_dropout_is_used_once(net):
    used: dict[str, int] = {}
    for name, module in net.named_modules():
        if isinstance(module, nn.ReLU | nn.Softmax | nn.Dropout):
            module.register_forward_hook(lambda _m, _i, _o, name=name: used.__setitem__(name, used.get(name, 0) + 1))
    net(PAIRS)
    assert set(used.values()) == {1}
    assert len(used) == 2 * (1 + 1 + 2) + 2 * (2 + 1 + 3) + 2


def test_the_probes_are_all_that_can_be_looked_at():
    stream, heads, pattern = (
        ("batch", "token", "unit"),
        ("batch", "token", "head", "unit"),
        ("batch", "head", "query", "key"),
    )
    wanted = {}
    for side, attentions, norms in (("encoder", ["attn"], 2), ("decoder", ["attn", "cross_attn"], 3)):
        wanted |= {f"{side}.hook_embed": stream, f"{side}.hook_pos_embed": stream}
        for i in range(3):
            block = f"{side}.blocks.{i}"
            for attn in attentions:
                wanted |= {f"{block}.{attn}.hook_{x}": heads for x in "qkvz"}
                wanted |= {f"{block}.{attn}.hook_{x}": pattern for x in ("attn_scores", "pattern")}
                wanted[f"{block}.hook_{attn}_out"] = stream
            names = (
                "mlp.hook_pre",
                "mlp.hook_post",
                "hook_mlp_out",
                "hook_resid_pre",
                "hook_resid_mid",
                "hook_resid_post",
            )
            wanted |= {f"{block}.{x}": stream for x in names}
            wanted |= {f"{block}.ln{x}": stream for x in range(1, norms + 1)}
            if side == "decoder":
                wanted[f"{block}.hook_resid_mid_cross"] = stream
    wanted["unembed"] = stream
    net = model.build(model.SMALL)
    found = {path: probe.axes for path, probe in expand(net, CARD.probes).items()}
    assert found == wanted
    hooks = {name for name, _ in net.named_modules() if "hook_" in name}
    assert hooks <= set(found), "every hook is a probe"


def test_what_the_note_says_of_the_trained_network():
    net = models.restore("transformer")
    x = CARD.takes.parse("I have a big black dog.\tJ'ai un gros chien noir.")
    read, said = (
        [token.text.strip() for token in side]
        for side in CARD.takes.tokens("I have a big black dog.\tJ'ai un gros chien noir.")
    )
    with torch.no_grad():
        seen = trace(net, CARD, x).values

    def look(block: int, head: int, french: str, english: str) -> float:
        path = f"decoder.blocks.{block}.cross_attn.hook_pattern"
        return float(seen[path][0, head, said.index(french), read.index(english)])

    ahead = [look(2, 2, "un", "big"), look(2, 2, "gros", "dog"), look(2, 2, "chien", "bl")]
    assert ahead == pytest.approx([0.99, 0.88, 0.94], abs=0.006)
    back = [look(0, 1, "un", "a"), look(0, 1, "gros", "big"), look(0, 1, "chien", "dog")]
    assert back == pytest.approx([1.0, 1.0, 0.91], abs=0.006)
    start = seen["decoder.blocks.0.attn.hook_pattern"][0, :2, 1:, 0].mean(1)
    assert start == pytest.approx([0.8, 0.8], abs=0.05)
    following = [
        seen[f"encoder.blocks.{block}.attn.hook_pattern"][0].diagonal(1, 1, 2).mean(1).max() for block in range(3)
    ]
    assert following[0] == max(following) == pytest.approx(0.41, abs=0.006)
    sizes = [float((seen[f"{side}.hook_embed"] ** 2).mean() ** 0.5) for side in ("encoder", "decoder")]
    assert sizes == pytest.approx([0.6, 0.6], abs=0.07)
    blind = models.restore("transformer", twin="no_positions")
    both = translation.encode("transformer", ["The dog bit the man.", "The man bit the dog."])
    one, other = translation.translate(blind, both, width=4)
    assert one == other
    assert translation.decode("transformer", [one]) == ["L'homme a mordu l'homme."]
    bleu = {m.name: m.value for m in checkpoint.read_record("transformer").metrics}
    falls = [bleu[f"{name}bleu_words_1_4"] - bleu[f"{name}bleu_words_13_99"] for name in ("", "no_positions_")]
    assert falls == pytest.approx([16, 31], abs=0.5)
    recurrent = checkpoint.read_record("seq2seq")
    assert recurrent.metric("bleu").value == pytest.approx(35.45, abs=0.005)
    assert (recurrent.epochs, round(recurrent.parameters / 1e6, 2)) == (8, 1.34)
