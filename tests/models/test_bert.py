"""BERT against the paper and a second implementation: sizes, shapes, probes, segments, masking, windows, fine-tuning."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import models
from app.interpret.trace import expand
from models import checkpoint, heads, tokens
from models.bert import PAPER as CARD
from models.bert import convert, model, train
from models.bert.sentiment import PAPER as SENTIMENT_CARD
from models.bert.sentiment import model as sentiment
from models.bert.sentiment import train as tuning
from models.data import DataMissing, tweets

TINY = replace(model.PAPER, vocabulary=90, separator=2, context=24, width=32, layers=2, heads=4, hidden=48, dropout=0.1)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.fixture
def net():
    torch.manual_seed(0)
    return model.build(replace(model.SMALL, vocabulary=300)).eval()


# Sizes


def test_bert_base_has_its_published_size():
    with torch.device("meta"):
        base = model.build(model.PAPER)
    encoder = [base.embed, base.pos_embed, base.segment_embed, base.ln_embed, base.blocks]
    assert sum(map(count, encoder)) + count(base.pooler) == 109_482_240
    assert sum(map(count, encoder[:4])) == 23_837_184
    assert count(base.blocks[0].attn) == 2_362_368
    assert count(base.blocks[0].mlp) == 4_722_432
    assert count(base.pooler) == 590_592
    assert count(base.mlm_head) + count(base.unembed) == 622_650
    assert count(base.next_sentence) == 1_538
    assert count(base) == 110_106_428
    with torch.device("meta"):
        assert count(sentiment.build(sentiment.PAPER)) == 109_482_240 + 2 * 768 + 2


def test_ours_is_small():
    assert count(models.build("bert")) == count(models.build("bert", "TWIN")) == 1_342_752
    assert count(models.build("bert/sentiment")) == 1_342_752 - 128 * 128 - 128 - 256 - 4000 + 128 * 128 + 128 + 3 * 129


# A second implementation


def theirs(kind: str):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=TINY.vocabulary,
        hidden_size=TINY.width,
        num_hidden_layers=TINY.layers,
        num_attention_heads=TINY.heads,
        intermediate_size=TINY.hidden,
        max_position_embeddings=TINY.context,
        num_labels=3,
        attn_implementation="eager",
    )
    other = getattr(transformers, kind)(config).eval()
    for parameter in other.parameters():  # biases are 0 at first, which would hide a mistake
        nn.init.normal_(parameter, std=0.1)
    return other


def two_texts() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A pair and a shorter single text, padded: ids, their segments, their attention mask."""
    ids = torch.tensor([[1, 9, 4, 3, 2, 7, 8, 30, 2, 5], [1, 11, 60, 3, 2, 0, 0, 0, 0, 0]])
    segments = torch.tensor([[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], [0] * 10])
    return ids, segments, (ids != 0).long()


def test_both_tasks_agree_with_transformers():
    other = theirs("BertForPreTraining")
    ours = model.build(TINY).eval()
    ours.load_state_dict(convert.from_transformers(other.state_dict()))
    ids, segments, there = two_texts()
    with torch.no_grad():
        known = other(input_ids=ids, token_type_ids=segments, attention_mask=there)
        words, follows = ours.both(ids)
        assert torch.equal(ours(ids), words)
    assert torch.allclose(words[there.bool()], known.prediction_logits[there.bool()], atol=1e-5)
    assert torch.allclose(follows, known.seq_relationship_logits, atol=1e-5)
    assert known.prediction_logits.std() > 0.1


def test_every_block_agrees_with_transformers():
    other = theirs("BertForMaskedLM")
    ours = model.build(replace(TINY, next_sentence=False)).eval()
    ours.load_state_dict(convert.from_transformers(other.state_dict()))
    ids = torch.randint(3, TINY.vocabulary, (2, 12), generator=torch.Generator().manual_seed(0))
    seen: dict[str, torch.Tensor] = {}
    for name, part in ours.named_modules():
        part.register_forward_hook(lambda _m, _i, y, name=name: seen.__setitem__(name, y))
    with torch.no_grad():
        known = other(input_ids=ids, output_hidden_states=True, output_attentions=True)
        ours(ids)
    assert torch.allclose(seen["ln_embed"], known.hidden_states[0], atol=1e-5)
    for i in range(TINY.layers):
        assert torch.allclose(seen[f"blocks.{i}.ln2"], known.hidden_states[i + 1], atol=1e-5)
        assert torch.allclose(seen[f"blocks.{i}.attn.hook_pattern"], known.attentions[i], atol=1e-5)
    assert torch.allclose(seen["unembed"], known.logits, atol=1e-5)


def test_a_fine_tuned_classifier_agrees_with_transformers():
    other = theirs("BertForSequenceClassification")
    ours = sentiment.build(sentiment.Config(TINY, 3)).eval()
    ours.load_state_dict(convert.from_transformers(other.state_dict()))
    ids, segments, there = two_texts()
    with torch.no_grad():
        known = other(input_ids=ids, token_type_ids=segments, attention_mask=there).logits
        assert torch.allclose(ours(ids), known, atol=1e-5)


def test_the_converter_gives_every_key_of_ours_once():
    state = theirs("BertForPreTraining").state_dict()
    own = model.build(TINY).state_dict()
    found = convert.from_transformers(state)
    assert found.keys() == own.keys()
    assert all(found[k].shape == own[k].shape for k in own)
    skipped = [k for k in state if k.removeprefix("bert.") in convert.TWICE]
    assert len(found) == len(state) - len(skipped)  # none is lost on the way, none overwrites another
    assert convert.renamed("embeddings.LayerNorm.gamma") == "ln_embed.weight"
    assert convert.renamed("encoder.layer.11.attention.output.LayerNorm.beta") == "blocks.11.ln1.bias"
    with pytest.raises(KeyError):
        convert.from_transformers({"bert.encoder.layer.0.crossattention.self.query.weight": torch.zeros(1)})


# What the network does


def test_the_first_separator_ends_segment_a(net):
    ids = torch.tensor([[1, 9, 9, 2, 8, 8, 2, 7, 2], [1, 9, 2, 0, 0, 0, 0, 0, 0]])
    assert net.segments(ids).tolist() == [[0, 0, 0, 0, 1, 1, 1, 1, 1], [0] * 9]


def test_padding_changes_nothing(net):
    ids = torch.tensor([[1, 20, 30, 3, 50, 2]])
    padded = torch.cat([ids, torch.zeros(1, 5, dtype=torch.long)], 1)
    assert torch.allclose(net(ids), net(padded)[:, :6], atol=1e-5)


def test_the_model_sees_both_sides_and_its_twin_one():
    ids = torch.randint(4, 300, (1, 9), generator=torch.Generator().manual_seed(0))
    other = ids.clone()
    other[0, 5] += 1
    for left_to_right in (False, True):
        torch.manual_seed(0)
        net = model.build(replace(model.SMALL, vocabulary=301, left_to_right=left_to_right)).eval()
        differs = ((net(ids) - net(other)).abs().amax(2)[0] > 1e-6).tolist()
        assert differs == ([False] * 5 + [True] * 4 if left_to_right else [True] * 9)


def test_attention_is_the_formula_worked_by_hand(net):
    seen: dict[str, torch.Tensor] = {}
    attention = net.blocks[0].attn
    for name in ("hook_q", "hook_k", "hook_v", "hook_pattern", "hook_z"):
        getattr(attention, name).register_forward_hook(lambda _m, _i, y, name=name: seen.__setitem__(name, y))
    net(torch.tensor([[1, 40, 3, 60, 2]]))
    head, query = 2, 3
    q, keys = seen["hook_q"][0, query, head], seen["hook_k"][0, :, head]
    row = (keys @ q / 32**0.5).softmax(0)
    assert torch.allclose(seen["hook_pattern"][0, head, query], row, atol=1e-6)
    assert torch.allclose(seen["hook_z"][0, query, head], row @ seen["hook_v"][0, :, head], atol=1e-6)


def test_the_unembedding_is_the_embedding(net):
    assert {k for k in net.state_dict() if k.startswith("unembed")} == {"unembed.bias"}
    vectors = torch.randn(3, 128)
    assert torch.allclose(net.unembed(vectors, net.embed.weight), vectors @ net.embed.weight.T, atol=1e-5)


@pytest.mark.parametrize(("width", "deviation"), [(768, 0.02), (192, 0.04)])
def test_weights_start_as_in_the_published_code(width, deviation):
    torch.manual_seed(0)
    net = model.build(replace(model.SMALL, width=width, layers=1, near=False))
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "ln" in name:
            assert (parameter == 1).all(), name
        else:
            assert parameter.abs().max() <= 2 * deviation, name
            assert 0.85 * deviation < parameter.std() < 0.9 * deviation, name  # 0.88: the tails are cut


@torch.no_grad()
@pytest.mark.parametrize("config", [model.SMALL, model.TWIN])
def test_a_head_starts_by_looking_around_itself(config):
    torch.manual_seed(0)
    net = model.build(config).eval()
    patterns: list[Tensor] = []
    net.blocks[0].attn.hook_pattern.register_forward_hook(lambda _m, _i, y: patterns.append(y[0]))
    net(torch.randint(4, config.vocabulary, (1, 64)))
    places = torch.arange(64)
    distance = (places[:, None] - places[None]).abs()
    even = torch.ones(64, 64).tril() if config.left_to_right else torch.ones(64, 64)
    even /= even.sum(1, keepdim=True)
    for pattern in patterns[0]:
        near = (pattern * (distance <= 4)).sum(1).mean()
        assert near > 1.4 * (even * (distance <= 4)).sum(1).mean()
    assert net.pos_embed.weight.square().mean().sqrt().item() == pytest.approx(0.02 * math.sqrt(6), rel=1e-3)


@pytest.mark.parametrize("config", [model.SMALL, model.TWIN])
def test_every_module_is_used_once(config):
    net = model.build(replace(config, vocabulary=50)).eval()
    used: dict[str, int] = {}
    for name, part in net.named_modules():
        if not list(part.children()):
            part.register_forward_hook(lambda _m, _i, _o, n=name: used.__setitem__(n, used.get(n, 0) + 1))
    net(torch.tensor([[1, 5, 2]]))
    assert set(used.values()) == {1}
    assert used.keys() == {n for n, m in net.named_modules() if not list(m.children())}


# Probes

STREAM, HEADS, PATTERN = "batch token unit", "batch token head unit", "batch head query key"
IN_A_BLOCK = {
    "hook_resid_pre": (STREAM, (1, 7, 128)),
    "attn.hook_q": (HEADS, (1, 7, 4, 32)),
    "attn.hook_k": (HEADS, (1, 7, 4, 32)),
    "attn.hook_v": (HEADS, (1, 7, 4, 32)),
    "attn.hook_attn_scores": (PATTERN, (1, 4, 7, 7)),
    "attn.hook_pattern": (PATTERN, (1, 4, 7, 7)),
    "attn.hook_z": (HEADS, (1, 7, 4, 32)),
    "hook_attn_out": (STREAM, (1, 7, 128)),
    "hook_resid_mid": (STREAM, (1, 7, 128)),
    "ln1": (STREAM, (1, 7, 128)),
    "mlp.hook_pre": (STREAM, (1, 7, 512)),
    "mlp.hook_post": (STREAM, (1, 7, 512)),
    "hook_mlp_out": (STREAM, (1, 7, 128)),
    "hook_resid_post": (STREAM, (1, 7, 128)),
    "ln2": (STREAM, (1, 7, 128)),
}
IN_THE_ENCODER = {
    **dict.fromkeys(("hook_embed", "hook_pos_embed", "hook_segment_embed", "ln_embed"), (STREAM, (1, 7, 128))),
    **{f"blocks.{i}.{name}": what for i in range(4) for name, what in IN_A_BLOCK.items()},
}
IN_ALL = {
    "bert": IN_THE_ENCODER | {"mlm_head": (STREAM, (1, 7, 128)), "unembed": (STREAM, (1, 7, 4000))},
    "bert/sentiment": IN_THE_ENCODER
    | {name: ("batch unit", (1, size)) for name, size in (("hook_summary", 128), ("pooler", 128), ("classifier", 3))},
}


@pytest.mark.parametrize("card", [CARD, SENTIMENT_CARD], ids=lambda card: card.slug)
def test_these_are_all_probes_with_their_axes_and_shapes(card):
    net = models.build(card.slug).eval()
    probes = expand(net, card.probes)
    seen: dict[str, tuple[int, ...]] = {}
    for path in probes:
        net.get_submodule(path).register_forward_hook(lambda _m, _i, y, p=path: seen.__setitem__(p, tuple(y.shape)))
    net(torch.tensor([[1, 9, 8, 3, 7, 6, 2]]))
    assert {path: (" ".join(probe.axes), seen[path]) for path, probe in probes.items()} == IN_ALL[card.slug]


# Pre-training


@pytest.fixture
def small_vocabulary(tmp_path, monkeypatch):
    """A vocabulary of 300 byte pairs from two sentences, in a checkpoint folder of its own."""
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("CUTAWAY_RUNS", str(tmp_path / "runs"))
    lines = ["The king took off his crown, and the queen took off hers.", "Nobody was at the Gate; nobody came."]
    monkeypatch.setattr(train, "training_texts", lambda: {"novels": lines * 20, "tweets": ["@user the queen!"] * 9})
    monkeypatch.setattr(train, "held_out_texts", lambda: dict.fromkeys(train.sources(), lines * 20))
    monkeypatch.setattr(train, "SMALL", replace(model.SMALL, vocabulary=300))
    train.everything.cache_clear()
    train.held_out.cache_clear()
    train.vocabulary()
    yield lines
    train.everything.cache_clear()
    train.held_out.cache_clear()


def test_the_vocabulary_is_lower_case_and_knows_the_blank(small_vocabulary):
    assert [tokens.tokenizer("bert").token_to_id(name) for name in train.SPECIAL] == [0, 1, 2, 3]
    assert tokens.encode("bert", "The KING") == tokens.encode("bert", "the king")
    blank = tokens.encode("bert", "the [MASK] took")
    assert blank[-2 - len(tokens.encode("bert", " took")) + 1] == train.MASK or train.MASK in blank
    assert tokens.decode("bert", tokens.encode("bert", "off his crown")) == "off his crown"
    x = CARD.takes.parse("The [MASK] came.")
    assert x.dtype == np.int64
    assert x[0, 0] == train.CLS
    assert x[0, -1] == train.SEP
    assert (x == train.MASK).sum() == 1


def test_a_stream_is_paragraphs_ended_by_separators(small_vocabulary):
    made = train.stream(["the king", "nobody came"])
    first, second = tokens.encode("bert", "the king"), tokens.encode("bert", "nobody came")
    assert made.ids.tolist() == [*first, train.SEP, *second, train.SEP]
    assert made.begins.tolist() == [0, len(first) + 1, len(made.ids)]


def test_small_sources_are_in_the_stream_several_times(small_vocabulary):
    tweet = len(tokens.encode("bert", "@user the queen!")) + 1
    novels = sum(len(tokens.encode("bert", line)) + 1 for line in small_vocabulary) * 20
    whole = train.everything()
    assert len(whole.ids) == novels + tweet * 9 * train.TIMES["tweets"] == whole.begins[-1]
    assert (whole.ids[whole.begins[1:] - 1] == train.SEP).all()
    train.everything.cache_clear()
    again = train.everything()  # from the file, this time
    assert np.array_equal(again.ids, whole.ids)
    assert np.array_equal(again.begins, whole.begins)


def test_windows_start_with_a_short_paragraph_or_lie_inside_a_long_one():
    ids = np.arange(10, 110, dtype=np.int16)
    source = train.Stream(ids, np.array([0, 3, 6, 9, 70, 73, 100]))
    x = train.windows(source, 500, 12, torch.Generator().manual_seed(0))
    assert x.shape == (500, 12)
    assert (x[:, 0] == train.CLS).all()
    assert (x[:, -1] == train.SEP).all()
    assert (x[:, 1:-1].diff(dim=1) == 1).all()
    starts = set((x[:, 1] - 10).tolist())
    assert starts & set(range(9)) == {0, 3, 6}  # short ones from their beginning
    assert {9, 60} <= starts  # the long one from its beginning to ten before its end
    assert not starts & set(range(61, 70))


def test_fifteen_percent_are_asked_for_and_eight_of_ten_of_them_hidden(small_vocabulary):
    x = torch.randint(4, 300, (200, 100), generator=torch.Generator().manual_seed(0))
    x[:, 0], x[:, -1], x[:, 50] = train.CLS, train.SEP, train.PAD
    hidden, asked = train.hide(x, torch.Generator().manual_seed(1))
    assert not asked[x <= train.MASK].any()
    assert torch.equal(hidden[~asked], x[~asked])
    assert asked.sum() / (x > train.MASK).sum() == pytest.approx(0.15, abs=0.01)
    assert (hidden[asked] == train.MASK).float().mean() == pytest.approx(0.8, abs=0.02)
    assert (hidden[asked] == x[asked]).float().mean() == pytest.approx(0.1, abs=0.02)
    assert hidden[asked].min() >= train.MASK


def test_the_twin_is_asked_for_the_same_tokens_from_the_left_alone(small_vocabulary):
    x = torch.tensor([[1, 30, 40, 50, 60, 2]])
    asked = torch.tensor([[False, False, True, False, True, False]])
    for config in (model.SMALL, model.TWIN):
        net = model.build(replace(config, vocabulary=300)).eval()
        hidden = torch.where(asked, train.MASK, x)
        found = train.answers(net, x, hidden, asked)
        twin = config.left_to_right
        assert torch.allclose(found, net(x)[0, [1, 3]] if twin else net(hidden)[0, [2, 4]], atol=1e-5)


def test_a_training_runs_and_measures(small_vocabulary, monkeypatch):
    monkeypatch.setattr(train, "STEPS", 9)
    monkeypatch.setattr(train, "BATCH", 2)
    monkeypatch.setattr(train, "LOOK", 20)
    build = models.build
    small = {"SMALL": model.SMALL, "TWIN": model.TWIN}
    tiny = {k: replace(v, vocabulary=300, width=32, heads=2, hidden=32, layers=1) for k, v in small.items()}
    monkeypatch.setattr(train, "build", lambda _slug, config="SMALL": model.build(tiny[config]))
    for which in ("model", "twin"):
        train.learn(which, 0, "cpu")
    rows = models.checkpoint.read_curves("bert")
    assert rows["model"]["0"][-1]["step"] == rows["twin"]["0"][-1]["step"] == 9
    assert 0 <= rows["model"]["0"][-1]["test_accuracy"] <= 100
    assert build is models.build


# Fine-tuning


def test_the_summary_is_the_first_token_or_the_twins_last():
    tiny = replace(TINY, next_sentence=False)
    ids = torch.tensor([[1, 9, 4, 2, 0], [1, 8, 7, 6, 2]])
    vectors = torch.randn(2, 5, TINY.width)
    ours = sentiment.build(sentiment.Config(tiny, 3))
    twin = sentiment.build(sentiment.Config(replace(tiny, left_to_right=True), 3))
    assert torch.equal(ours.summary(vectors, ids), vectors[:, 0])
    assert torch.equal(twin.summary(vectors, ids), torch.stack([vectors[0, 3], vectors[1, 4]]))


def test_lower_blocks_learn_more_slowly():
    net = models.build("bert/sentiment")
    names = [name for name, _ in net.named_parameters()]
    scale = {name: group["scale"] for name, group in zip(names, tuning.groups(net), strict=True)}
    assert scale["classifier.weight"] == scale["pooler.linear.bias"] == 1
    assert scale["blocks.3.mlp.up.weight"] == pytest.approx(tuning.LOWER)
    assert scale["blocks.0.ln1.bias"] == pytest.approx(tuning.LOWER**4)
    assert scale["embed.weight"] == scale["ln_embed.bias"] == pytest.approx(tuning.LOWER**5)
    assert sum(p.numel() for g in tuning.groups(net) for p in g["params"]) == count(net)


@pytest.fixture
def coded(monkeypatch):
    """Sixty-four texts of 3 to 12 tokens."""
    x = torch.zeros(64, 12, dtype=torch.long)
    for i, row in enumerate(x):
        size = 3 + (7 * i) % 10
        row[:size] = torch.tensor([1, *range(10, 8 + size), 2])
    monkeypatch.setattr(tuning, "coded", lambda split: (x, torch.arange(64) % 3))
    monkeypatch.setattr(tuning, "BATCH", 4)
    return x


def test_a_pass_shows_every_text_once_in_batches_of_like_length(coded):
    parts = [tuning.batch(step, 0) for step in range(16)]
    assert sorted(torch.cat(parts).tolist()) == list(range(64))
    spread = [int((coded[part] != 0).sum(1).max() - (coded[part] != 0).sum(1).min()) for part in parts]
    assert np.mean(spread) < 3
    assert not torch.equal(tuning.batch(0, 0), tuning.batch(16, 0))  # the next pass has another order


def test_scores_do_not_depend_on_the_order_or_the_padding(coded):
    net = sentiment.build(sentiment.Config(replace(TINY, next_sentence=False), 3)).eval()
    together = tuning.scores(net, coded, size=10)
    alone = torch.cat([net(tuning.shortened(row[None])) for row in coded])
    assert torch.allclose(together, alone, atol=1e-5)


def test_blanks_hide_no_special_token(coded):
    y = tuning.blanked(coded.repeat(50, 1), torch.Generator().manual_seed(0))
    words = coded.repeat(50, 1) > train.MASK
    assert torch.equal(y[~words], coded.repeat(50, 1)[~words])
    assert (y[words] == train.MASK).float().mean() == pytest.approx(tuning.BLANK, abs=0.01)


# The tweets


@pytest.fixture
def some_tweets(tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    tweets.read.cache_clear()
    table = pa.table(
        {
            "text": ["thank you", "never again", "a plane", "so so", "@user hm"],
            "label": [2, 0, 1, 1, 1],
            "split": ["train", "train", "valid", "test", "test"],
        }
    )
    (tmp_path / "sentiment").mkdir()
    pq.write_table(table, tmp_path / "sentiment" / "tweets.parquet")
    yield tmp_path
    tweets.read.cache_clear()


def test_tweets_are_read_by_split(some_tweets):
    texts, labels = tweets.read("train")
    assert texts == ("thank you", "never again")
    assert labels.tolist() == [2, 0]
    assert labels.dtype == np.int64
    assert tweets.read("test")[0] == ("so so", "@user hm")
    with pytest.raises(ValueError, match="read-only"):
        labels[0] = 1
    with pytest.raises(KeyError, match="no split 'dev'"):
        tweets.read("dev")


def test_tweets_that_are_not_here_say_so(some_tweets):
    (some_tweets / "sentiment" / "tweets.parquet").unlink()
    with pytest.raises(DataMissing, match="sentiment is not on this machine"):
        tweets.read("test")


@pytest.mark.data
def test_the_tweets_are_as_many_as_their_note_says():
    sizes = [len(tweets.read(split)[0]) for split in tweets.SPLITS]
    assert sizes == [14_115, 1_764, 1_764]
    counts = sum(np.bincount(tweets.read(split)[1]) for split in tweets.SPLITS)
    assert counts.tolist() == [8_995, 6_373, 2_275]


def windows(seed=0, count=12):
    """Windows with a blank in the middle, and what stood there."""
    order = torch.Generator().manual_seed(seed)
    x = train.framed(torch.randint(4, 50, (count, train.LENGTH - 2), generator=order).numpy())
    stood = x[:, train.LENGTH // 2].clone()
    x[:, train.LENGTH // 2] = train.MASK
    return x, stood


def sharp():
    """A network with opinions of its own: weights large enough for its answers to differ from place to place."""
    torch.manual_seed(1)
    net = model.build(replace(model.SMALL, vocabulary=50, layers=2)).eval()
    for parameter in net.parameters():
        parameter.data.mul_(3)
    return net


def test_a_side_that_is_hidden_is_not_seen():
    net, (x, _) = sharp(), windows()
    middle = train.LENGTH // 2
    answer = net(x)[:, middle].argmax(1)
    found = train.sides(net, x, answer)
    assert found["blank_accuracy_both_sides"] == 100
    assert found["blank_accuracy_what_stands_before"] < 100 > found["blank_accuracy_what_stands_behind"]
    other, _ = windows(seed=1)
    before, behind = x.clone(), x.clone()
    before[:, middle:], behind[:, : middle + 1] = other[:, middle:], other[:, : middle + 1]
    assert (
        train.sides(net, before, answer)["blank_accuracy_what_stands_before"]
        == found["blank_accuracy_what_stands_before"]
    )
    assert (
        train.sides(net, behind, answer)["blank_accuracy_what_stands_behind"]
        == found["blank_accuracy_what_stands_behind"]
    )


def test_what_the_last_block_leaves_is_the_answer():
    net, (x, _) = sharp(), windows()
    scores = net(x)
    answer = scores[:, train.LENGTH // 2].argmax(1)
    found = train.inside(net, x, answer)
    assert found["after_block_1_accuracy"] == 100 > found["after_block_0_accuracy"]
    plain = x > train.MASK
    assert found["kept_accuracy"] == pytest.approx(100 * float((scores.argmax(2) == x)[plain].float().mean()))
    assert 0 < found["next_token_head"] < 1
    assert not any(module._forward_hooks for module in net.modules())


@pytest.mark.skipif(CARD in models.waiting(), reason="not trained yet")
def test_the_note_says_what_was_measured():
    record = checkpoint.read_record("bert")
    measured = {metric.name: metric.value for metric in record.metrics}
    both, before, behind = (
        measured[f"blank_accuracy_{side}"] for side in ("both_sides", "what_stands_before", "what_stands_behind")
    )
    assert 30 < both < 36  # a third
    assert 0.45 * both < behind < before < 0.6 * both  # half of that
    assert measured["next_token_head"] > 0.985 < measured["previous_token_head"]
    after = [measured[f"after_block_{i}_accuracy"] for i in range(4)]
    assert after[0] < 0.25 * both
    assert 0.7 < after[1] / after[3] < 0.8  # three quarters
    assert after == sorted(after)
    assert measured["kept_accuracy"] > 95
    assert 32 < measured["masked_perplexity"] < 34


@torch.no_grad()
@pytest.mark.skipif(CARD in models.waiting(), reason="not trained yet")
def test_the_blanks_that_the_note_fills_are_filled_so():
    net, samples = models.load("bert").module, {sample.name: sample.source for sample in CARD.samples}
    for name, word in (("a flight", " flight"), ("which bank?", " door")):
        x = torch.from_numpy(CARD.takes.parse(samples[name]))
        best = net(x)[0, int((x[0] == train.MASK).nonzero()[0])].argmax()
        assert [int(best)] == tokens.encode("bert", word)


@torch.no_grad()
@pytest.mark.skipif(CARD in models.waiting(), reason="not trained yet")
def test_the_heads_that_the_note_names_look_beside_the_blank():
    net, later = models.load("bert").module, []
    for sample in CARD.samples[:-1]:  # all that have a blank
        x = torch.from_numpy(CARD.takes.parse(sample.source))
        pattern, _ = heads.patterns(net, x)
        for blank in (x[0] == train.MASK).nonzero()[:, 0].tolist():
            assert pattern[1, 0, 1, blank, blank - 1] > 0.95
            assert pattern[1, 0, 0, blank, blank + 1] > 0.95
            later.append(pattern[2:, 0, :, blank, [blank - 1, blank + 1]])
    assert len(later) == 8
    assert torch.stack(later).mean(0).max() < 0.35  # sometimes a neighbour is what matters


@pytest.mark.skipif(CARD in models.waiting(), reason="not trained yet")
def test_what_the_note_on_tweets_says_of_negation_and_irony():
    net = models.load("bert/sentiment")

    def called(text):
        with torch.no_grad():
            return tweets.LABELS[int(net.module(torch.from_numpy(net.paper.takes.parse(text))).argmax())]

    asked = {sample.name: called(sample.source) for sample in SENTIMENT_CARD.samples}
    assert asked == {
        "thanks": "positive",
        "a complaint": "negative",
        "news": "neutral",
        "a question": "neutral",
        "irony": "positive",
        "not bad": "negative",
        "not good": "positive",
    }
    assert called("great, another delay") == "negative"
    measured = {metric.name: metric.value for metric in net.record.metrics}
    assert measured["same_class_nearby_before"] < 60 < 70 < measured["same_class_nearby_after"]
    for other in ("twin_test_accuracy", "baseline_test_accuracy"):
        assert abs(measured["test_accuracy"] - measured[other]) < 2


def test_company_by_hand():
    class Line(model.Encoder):
        def encode(self, tokens):
            return tokens[:, :, None].float()

    x = torch.tensor([[0], [1], [10], [11], [12]])
    module = Line(replace(model.SMALL, vocabulary=8, layers=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "NEAREST", 1)
        assert tuning.company(module, x, torch.tensor([0, 0, 1, 1, 1])) == 100
        assert tuning.company(module, x, torch.tensor([0, 1, 1, 1, 1])) == pytest.approx(60)
