"""CLIP: the published size, the second implementation's numbers, the loss by hand, names as weights, and its data."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from app.interpret.captions import likeness
from app.interpret.trace import expand, trace, trace_caption
from models import checkpoint, tokens
from models.clip import KINDS, NAMES, train
from models.clip.convert import from_transformers
from models.clip.model import PAPER, SMALL, TWIN, QuickGELU, Tower, build, contrast
from models.data import emoji
from models.data.probe import probe
from models.data.samples import sample_bytes

CARD = models.paper("clip")
TINY = replace(
    PAPER,
    side=12,
    patch=4,
    picture=Tower(width=24, layers=2, heads=2),
    vocabulary=50,
    context=9,
    end=49,
    text=Tower(width=16, layers=3, heads=4),
    units=10,
    names=5,
)


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def scattered(module: torch.nn.Module) -> torch.nn.Module:
    """All weights at random, the biases and gains too."""
    torch.manual_seed(1)
    for p in module.parameters():
        torch.nn.init.normal_(p, mean=1.0 if p.ndim == 1 else 0.0, std=0.3)
    return module.eval()


def test_the_published_network_has_its_published_size():
    with torch.device("meta"):
        module = build(PAPER)
    assert parameters(module) == 151_277_313
    assert parameters(module.visual) == 87_456_000 + 768 * 512  # ViT-B/32 without its head, one more layer norm, W_i
    assert parameters(module.text) == 63_165_952 + 512 * 512  # "a 63M-parameter 12-layer 512-wide model", W_t


def test_ours_has_its_size_and_the_twin_the_same_picture_tower():
    module, twin = build(SMALL), build(TWIN)
    assert parameters(module) == 711_681
    assert parameters(twin) == 478_656 + 1914 * 64 + 1
    assert parameters(twin.visual) == parameters(module.visual) == 478_656
    assert not hasattr(twin, "text")
    assert SMALL.names == len(NAMES) == len(set(NAMES)) == 1914


def test_shapes_are_those_of_the_table():
    module = build(SMALL).eval()
    seen = {}
    for name, part in module.named_modules():
        part.register_forward_hook(lambda _m, _i, output, name=name: seen.update({name: tuple(output.shape)}))
    with torch.no_grad():
        module(torch.zeros(2, 3, 64, 64))
        module.encode_text(torch.tensor([[1, 5, 6, 2, 0], [1, 7, 2, 0, 0]]))
    assert seen["visual.patch"] == (2, 96, 8, 8)
    assert seen["visual.hook_embed"] == (2, 65, 96)
    assert seen["visual.blocks.3.attn.hook_pattern"] == (2, 4, 65, 65)
    assert seen["visual.blocks.3.attn.hook_z"] == (2, 65, 4, 24)
    assert seen["visual.blocks.3.mlp.hook_post"] == (2, 65, 384)
    assert seen["hook_embedding"] == (2, 64)
    assert seen[""] == (2, 1914)
    assert seen["text.blocks.2.attn.hook_pattern"] == (2, 2, 5, 5)
    assert seen["text.blocks.2.hook_resid_post"] == (2, 5, 64)


def test_what_the_note_says_of_model_and_twin_after_equal_times():
    record, curves = checkpoint.read_record("clip"), checkpoint.read_curves("clip")
    assert curves["model"]["0"][-1]["step"] == curves["twin"]["0"][-1]["step"] == train.STEPS
    pairs = {
        name: (record.metric(name).value, record.metric(f"twin_{name}").value)
        for name in ("test_accuracy", "recall_at_10", "picture_recall_at_1", "picture_recall_at_10")
    }
    assert {name: tuple(map(round, pair)) for name, pair in pairs.items()} == {
        "test_accuracy": (26, 31),
        "recall_at_10": (68, 65),
        "picture_recall_at_1": (29, 19),
        "picture_recall_at_10": (70, 49),
    }


def test_the_probes_are_complete():
    stream, heads, pattern = (
        ("batch", "token", "channel"),
        ("batch", "token", "head", "unit"),
        ("batch", "head", "query", "key"),
    )
    units, arrow = ("batch", "token", "unit"), ("batch", "unit")
    layer = {
        "hook_resid_pre": stream,
        "ln1": stream,
        "attn.hook_q": heads,
        "attn.hook_k": heads,
        "attn.hook_v": heads,
        "attn.hook_attn_scores": pattern,
        "attn.hook_pattern": pattern,
        "attn.hook_z": heads,
        "hook_attn_out": stream,
        "hook_resid_mid": stream,
        "ln2": stream,
        "mlp.hook_pre": units,
        "mlp.hook_post": units,
        "hook_mlp_out": stream,
        "hook_resid_post": stream,
    }
    expected = {
        "visual.patch": ("batch", "channel", "height", "width"),
        "visual.hook_embed": stream,
        "visual.hook_pos_embed": stream,
        "visual.ln_pre": stream,
        **{f"visual.blocks.{i}.{name}": axes for i in range(4) for name, axes in layer.items()},
        "visual.ln_final": ("batch", "channel"),
        "visual.project": arrow,
        "hook_embedding": arrow,
    }
    found = expand(build(SMALL), CARD.probes)
    assert {path: probe.axes for path, probe in found.items()} == expected
    assert expand(build(TWIN), CARD.probes).keys() == expected.keys()
    read = expand(build(SMALL), CARD.caption_probes)
    assert {path: probe.axes for path, probe in read.items()} == {
        "text.hook_embed": stream,
        "text.hook_pos_embed": stream,
        **{f"text.blocks.{i}.{name}": axes for i in range(SMALL.text.layers) for name, axes in layer.items()},
        "text.ln_final": ("batch", "channel"),
        "text.project": arrow,
    }


def test_the_probes_of_a_caption_are_what_the_text_tower_computes():
    net = build(SMALL).eval()
    seen = trace_caption(net, CARD, "a red apple")
    ids = torch.from_numpy(CARD.captions.parse("a red apple"))
    assert seen.values.keys() == expand(net, CARD.caption_probes).keys()
    assert all(values.ndim == len(seen.axes[path]) for path, values in seen.values.items())
    with torch.no_grad():
        assert np.array_equal(seen.scores, net.encode_text(ids).numpy())
        first = net.text.embed(ids) + net.text.positions[: ids.shape[1]]
        pattern = net.text.blocks[0].attn(net.text.blocks[0].ln1(first))
    np.testing.assert_allclose(seen.values["text.blocks.0.hook_attn_out"], pattern.numpy(), atol=1e-6)


def test_it_is_the_other_implementations_clip():
    transformers = pytest.importorskip("transformers")
    shared = {"projection_dim": TINY.units, "hidden_act": "quick_gelu"}

    def sizes(tower: Tower) -> dict[str, int]:
        return {
            "hidden_size": tower.width,
            "num_hidden_layers": tower.layers,
            "num_attention_heads": tower.heads,
            "intermediate_size": 4 * tower.width,
        }

    config = transformers.CLIPConfig(
        text_config={
            **shared,
            **sizes(TINY.text),
            "vocab_size": TINY.vocabulary,
            "max_position_embeddings": TINY.context,
            "eos_token_id": TINY.end,
            "bos_token_id": 48,
            "pad_token_id": 0,
        },
        vision_config={**shared, **sizes(TINY.picture), "image_size": TINY.side, "patch_size": TINY.patch},
        projection_dim=TINY.units,
    )
    theirs = scattered(transformers.CLIPModel(config))
    theirs.logit_scale.data.fill_(2.0)
    ours = build(TINY).eval()
    converted = from_transformers(theirs.state_dict(), TINY.names)
    assert converted.keys() == ours.state_dict().keys()
    ours.load_state_dict(converted)
    assert parameters(ours) == parameters(theirs)
    pictures = torch.randn(3, 3, 12, 12)
    texts = torch.tensor([[48, 7, 8, 9, 49, 0], [48, 11, 49, 0, 0, 0]])
    with torch.no_grad():
        expected = theirs(input_ids=texts, pixel_values=pictures)
        assert torch.allclose(ours.encode_image(pictures), expected.image_embeds, atol=1e-5)
        assert torch.allclose(ours.encode_text(texts), expected.text_embeds, atol=1e-5)
        assert torch.allclose(ours.similarity(pictures, texts), expected.logits_per_image, atol=1e-5)


def test_a_key_that_is_not_clips_is_refused():
    with pytest.raises(KeyError, match=r"vision_model\.head"):
        from_transformers({"vision_model.head.weight": torch.zeros(1)})


def test_the_quick_gelu_by_hand():
    x = torch.tensor([0.0, 1.0, -1.0])
    assert torch.allclose(QuickGELU()(x), torch.tensor([0.0, 0.84579, -0.15420]), atol=1e-4)


def test_the_loss_by_hand():
    logits = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    rows = (np.log1p(np.exp(-2)) + np.log(2)) / 2
    columns = (np.log1p(np.exp(-1)) + np.log1p(np.exp(-1))) / 2
    assert contrast(logits).item() == pytest.approx((rows + columns) / 2, abs=1e-6)
    assert contrast(torch.eye(4) * 100).item() < 1e-6


def test_what_comes_after_the_end_of_a_text_does_not_matter_and_what_comes_before_does():
    module = scattered(build(TINY))
    with torch.no_grad():
        a, b, c = module.encode_text(torch.tensor([[48, 5, 6, 49, 0, 0], [48, 5, 6, 49, 3, 49], [48, 6, 5, 49, 0, 0]]))
    assert torch.equal(a, b)
    assert not torch.allclose(a, c, atol=1e-3)


def test_the_text_tower_writes_the_classifier():
    module = scattered(build(TINY))
    names = torch.tensor([[[48, 5 + i, 49, 0], [48, 20, 5 + i, 49]] for i in range(5)])  # two sentences a name
    module.write_names(names)
    assert torch.allclose(module.names.norm(dim=1), torch.ones(5), atol=1e-6)
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        each = module.encode_text(names.flatten(0, 1)).unflatten(0, (5, 2)).mean(1)
        expected = module.scale() * module.encode_image(x) @ (each / each.norm(dim=1, keepdim=True)).T
        assert torch.allclose(module(x), expected, atol=1e-5)
    assert "names" in module.state_dict()
    assert "names" not in dict(module.named_parameters())


def test_the_scale_is_clipped_at_a_hundred():
    module = build(TINY)
    assert module.scale().item() == pytest.approx(1 / 0.07, rel=1e-5)
    module.logit_scale.data.fill_(9.0)
    module.clip_scale()
    assert module.scale().item() == pytest.approx(100, rel=1e-5)


KNOWN = (
    emoji.Emoji("red heart", ("love", "heart"), "smileys-emotion", "heart", "2764"),
    emoji.Emoji("rocket", ("space",), "travel-places", "transport-air", "1F680"),
    emoji.Emoji("left arrow", ("direction", "west"), "symbols", "arrow", "2B05"),
)


@pytest.fixture
def few(monkeypatch):
    """Three emoji by two vendors of ours in the place of the data set; the arrow has one drawing."""
    rgba = np.zeros((6, 64, 64, 4), np.uint8)
    for i in range(6):
        rgba[i, 16:48, 16:48] = (40 * i, 0, 255, 255)
    vendors = np.array(["google", "google", "openmoji", "openmoji", "google", "twitter"])
    every = emoji.Drawings(rgba, np.array([0, 1, 0, 1, 2, 0]), vendors)
    monkeypatch.setattr(emoji, "emoji", lambda: KNOWN)
    monkeypatch.setattr(emoji, "drawings", lambda: every)
    monkeypatch.setattr(train, "NAMES", tuple(e.name for e in KNOWN))
    train.mirrored.cache_clear()
    yield every
    train.mirrored.cache_clear()


@pytest.fixture
def vocabulary(few, monkeypatch, tmp_path):
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    train.learn_vocabulary()


def test_a_caption_is_told_between_its_ends(vocabulary):
    rows = train.tokenised(["Rocket", "a picture of red heart"])
    assert rows[:, 0].tolist() == [1, 1]
    assert (rows == SMALL.end).sum(1).tolist() == [1, 1]
    assert rows[0].tolist() == [
        1,
        *tokens.encode("clip", " rocket"),
        2,
        *[0] * (rows.shape[1] - 2 - len(tokens.encode("clip", " rocket"))),
    ]
    long = train.tokenised(["rocket " * 100])
    assert long.shape == (1, SMALL.context)
    assert long[0, -1] == SMALL.end
    assert train.prompts(["rocket", "left arrow"]).shape[:2] == (2, len(train.TEMPLATES))


def test_captions_are_the_name_alone_in_a_sentence_or_with_keywords(few):
    chance = random.Random(0)
    made = {train.caption(0, chance) for _ in range(300)}
    assert {"red heart", "a picture of red heart", "red heart, love", "red heart, heart, love"} <= made
    assert all("red heart" in text for text in made)


def test_every_emoji_is_drawn_by_each_of_its_vendors_in_turn(few):
    drawn = train.Drawers(("google", "openmoji"))
    order = torch.Generator().manual_seed(0)
    seen = {
        (int(p), int(x[0, 32, 32]))
        for _ in range(40)
        for p in range(3)
        for x in [drawn.draw(torch.tensor([p]), order)[0]]
    }
    assert seen == {(0, 0), (0, 80), (1, 40), (1, 120), (2, 160)}


def test_pictures_are_shown_changed_but_within_their_range_and_signs_not_in_a_mirror(few):
    assert train.mirrored().tolist() == [True, False, False]
    drawn = train.Drawers(("google", "openmoji"))
    order = torch.Generator().manual_seed(0)
    places = torch.tensor([0, 1, 2])
    x = train.shown(drawn.draw(places, order), places, order)
    assert x.shape == (3, 3, 64, 64)
    v = CARD.takes.unnormalise(x.numpy())
    assert v.min() > -1e-5
    assert v.max() < 1 + 1e-5
    assert not torch.equal(x, train.shown(drawn.draw(places, order), places, order))


@pytest.mark.parametrize("config", [SMALL, TWIN])
def test_a_step_makes_the_loss_smaller(vocabulary, config):
    torch.manual_seed(0)
    module = build(replace(config, names=3))
    drawn = train.Drawers(("google", "openmoji"))
    optimizer = torch.optim.AdamW(train.groups_of(module), lr=1e-3)
    assert sum(len(g["params"]) for g in train.groups_of(module)) == len(list(module.parameters()))
    losses = []
    for _ in range(12):
        loss = train.loss_of(module, torch.arange(3), drawn, 16, torch.Generator().manual_seed(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    if config.contrast:
        module.write_names(train.prompts(train.NAMES))
    assert module(torch.zeros(1, 3, 64, 64)).shape == (1, 3)


def test_the_place_of_the_right_name():
    scores = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0]])
    assert train.places_of(scores, torch.tensor([2, 1])).tolist() == [1, 0]
    assert train.percent(torch.tensor([True, False])) == 50


@pytest.mark.data
def test_the_cards_names_are_the_datas_in_its_order():
    assert tuple(e.name for e in emoji.emoji()) == NAMES
    said = [KINDS[CARD.scores.kind(i)][0] for i in range(len(NAMES))]
    assert said == [emoji.GROUPS[e.group] for e in emoji.emoji()]


@pytest.fixture(scope="module")
def trained():
    return models.load(CARD.slug)


@pytest.fixture(scope="module")
def samples():
    return np.concatenate([CARD.takes.parse(sample_bytes(CARD, sample)) for sample in CARD.samples])


def test_what_the_note_says_of_captions(trained, samples):
    names = tuple(sample.name for sample in CARD.samples)

    def told(texts: tuple[str, ...]) -> dict[str, str]:
        best = likeness(trained.module, CARD, samples, texts).cosines.argmax(1)
        return {name: texts[i] for name, i in zip(names, best, strict=True)}

    assert {name for name, caption in told(names).items() if name != caption} == {"astronaut"}
    assert told(names)["astronaut"] == "tiger"
    colours = told(("red", "green", "blue", "yellow", "black and white"))
    assert colours["red apple"] == colours["rose"] == colours["flag: Japan"] == "red"
    assert colours["tiger"] == colours["thinking face"] == "yellow" and colours["microscope"] == "black and white"
    people = ("a red fruit", "a wild animal", "a flag", "something to eat", "a musical instrument", "a face")
    assert told(people)["guitar"] == "something to eat"


def test_what_the_note_says_of_look_alikes(trained, samples):
    scores = trained.module(torch.from_numpy(samples[:1])).detach()[0]
    best = [NAMES[i] for i in scores.argsort(descending=True)[:6]]
    assert best[0] == "red apple" and {"tomato", "red heart", "flag: Morocco", "flag: China"} <= set(best)


def test_what_the_note_says_of_groups_and_of_plain_ground(trained):
    known = probe(CARD.dataset)
    group = np.array([CARD.scores.kind(int(label)) for label in known.labels])
    heads = [f"visual.blocks.{i}.attn.hook_pattern" for i in range(4)]
    found = trace(
        trained.module, CARD, CARD.takes.from_pixels(known.images), ("hook_embedding", "visual.patch", *heads)
    )

    def alike(path: str) -> float:
        v = torch.from_numpy(found.values[path].reshape(len(group), -1))
        apart = torch.cdist(v, v).fill_diagonal_(torch.inf)
        return float((group[apart.argmin(1).numpy()] == group).mean())

    assert round(100 * alike("hook_embedding")) == 51 and round(100 * alike("visual.patch")) == 48
    assert round(100 * sum((group == k).mean() ** 2 for k in range(9))) == 13
    patches = known.images.reshape(-1, 8, 8, 8, 8, 3).swapaxes(2, 3).reshape(len(group), 64, -1)
    ground = (patches == 255).all(2)
    assert round(100 * ground.mean()) == 19
    look = np.stack([(found.values[path][:, :, 0, 1:] * ground[:, None]).sum(2).mean(0) for path in heads])
    assert (look < 0.05).sum() == 14 and np.unravel_index(look.argmax(), look.shape) == (3, 2)
    assert round(100 * look.max()) == 16


def test_the_record_reaches_its_floor_and_beats_what_has_no_text():
    value = {metric.name: metric.value for metric in checkpoint.read_record(CARD.slug).metrics}
    assert value["recall_at_10"] >= 50
    assert value["zero_shot_group"] > 100 / 9
