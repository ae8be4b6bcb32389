"""Patterns are the network's own, their measures and the rollout are worked out by hand, and one look by its arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import models
from app.interpret.attention import Layer, Part, arithmetic, attention, distance, entropy, part_of, rollout, windowed
from app.interpret.copies import state
from models.paper import Image, Paper, TextPair
from models.swin.model import windows

SLUGS = ("seq2seq", "transformer", "bert", "gpt2", "vit", "swin", "clip")
SIZES = (9, 6)  # tokens of a source and of its translation, which is padded


def network(slug: str) -> tuple[torch.nn.Module, Paper, np.ndarray]:
    """A network with fresh weights, its card, and an input."""
    torch.manual_seed(0)
    module, paper = models.build(slug).eval().requires_grad_(False), models.paper(slug)
    random = np.random.default_rng(0)
    if isinstance(paper.takes, Image):
        return module, paper, random.standard_normal((1, *paper.takes.shape)).astype(np.float32)
    x = random.integers(5, 200, (1, 2, max(SIZES)))
    x[0, 1, SIZES[1] :] = 0
    return module, paper, x if isinstance(paper.takes, TextPair) else x[:, 0]


def by_hand(module: torch.nn.Module, x: np.ndarray, ending: str) -> dict[str, np.ndarray]:
    """What the modules of that name put out."""
    seen: dict[str, np.ndarray] = {}
    for name, m in module.named_modules():
        if name.endswith(ending):
            m.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, out.numpy().copy()))
    module(torch.from_numpy(x))
    for m in module.modules():
        m._forward_hooks.clear()
    return seen


@pytest.mark.parametrize("slug", SLUGS)
def test_patterns_are_those_of_a_forward_pass(slug):
    module, paper, x = network(slug)
    before = state(module)
    found = attention(module, paper, x)
    assert state(module) == before
    own = by_hand(module, x, ".hook_pattern")
    layers = [layer for part in found.parts.values() for layer in part.layers]
    assert {f"{layer.path}.hook_pattern" for layer in layers} == {n for n in own if not n.startswith("text.")}
    for layer in layers:
        whole = own[f"{layer.path}.hook_pattern"][0]
        whole = whole.reshape(-1, *whole.shape[-3:])
        queries, keys = layer.pattern.shape[2:]
        assert np.array_equal(layer.pattern, whole[:, :, :queries, :keys])
        np.testing.assert_allclose(layer.pattern.sum(-1), 1, atol=1e-5)


def test_each_side_of_a_translation_is_cut_to_its_length_and_called_by_its_name():
    found = attention(*network("transformer")).parts
    source, target = SIZES
    shapes = {name: part.layers[0].pattern.shape[2:] for name, part in found.items()}
    assert shapes == {"encoder": (source, source), "decoder": (target, target), "across": (target, source)}
    assert {name: (part.asks, part.asked) for name, part in found.items()} == {
        "encoder": (0, 0),
        "decoder": (1, 1),
        "across": (1, 0),
    }
    assert [len(part.layers) for part in found.values()] == [3, 3, 3]
    assert [part.own for part in found.values()] == [True, True, False]
    assert np.isnan(found["across"].distance).all() and np.isfinite(found["decoder"].distance).all()
    assert attention(*network("seq2seq")).parts["across"].layers[0].pattern.shape == (1, 1, target, source)


@pytest.mark.parametrize("slug", ["transformer", "seq2seq"])
def test_keys_across_are_the_source_and_queries_the_target(slug):
    module, paper, x = network(slug)
    other = x.copy()
    other[0, 0, 2] = 210
    before, after = (attention(module, paper, one).parts for one in (x, other))
    own = before.get("decoder")
    if own is not None:  # the decoder's first layer has not seen the source yet
        assert np.array_equal(own.layers[0].pattern, after["decoder"].layers[0].pattern)
        assert not np.triu(own.layers[0].pattern, 1).any()
    assert not np.allclose(before["across"].layers[0].pattern, after["across"].layers[0].pattern, atol=1e-6)
    other = x.copy()
    other[0, 1, 3] = 210  # looks before that token is read stay as they are
    later = attention(module, paper, other).parts["across"].layers[0].pattern
    first = before["across"].layers[0].pattern
    read = 3 if slug == "transformer" else 4  # RNNsearch looks before it reads
    assert np.allclose(first[:, :, :read], later[:, :, :read], atol=1e-6)
    assert not np.allclose(first[:, :, read:], later[:, :, read:], atol=1e-6)


def test_the_part_is_told_by_the_path():
    pair, text = models.paper("transformer"), models.paper("gpt2")
    assert part_of("encoder.blocks.1.attn.hook_pattern", pair) == ("encoder", 0, 0)
    assert part_of("decoder.blocks.1.attn.hook_pattern", pair) == ("decoder", 1, 1)
    assert part_of("decoder.blocks.1.cross_attn.hook_pattern", pair) == ("across", 1, 0)
    assert part_of("decoder.align.hook_pattern", pair) == ("across", 1, 0)
    assert part_of("blocks.0.attn.hook_pattern", text) == ("self", 0, 0)


@pytest.mark.parametrize("slug", [s for s in SLUGS if s != "seq2seq"])
def test_the_arithmetic_of_every_look_comes_to_the_networks_score_and_share(slug):
    module, paper, x = network(slug)
    scores = by_hand(module, x, ".hook_attn_scores")
    for part in attention(module, paper, x).parts.values():
        assert part.open
        layer, head = part.layers[-1], part.layers[-1].pattern.shape[1] - 1
        window = len(layer.tokens) - 1
        whole = scores[f"{layer.path}.hook_attn_scores"][0]
        whole = whole.reshape(-1, *whole.shape[-3:])
        count = layer.pattern.shape[2]
        for query in sorted({0, 2, count - 1}):
            found = arithmetic(module, paper, x, layer.path, head, window, query)
            keys = len(found.share)
            score = np.array([sum(a * b for a, b in zip(found.q, k, strict=True)) for k in found.k])
            np.testing.assert_allclose(found.dot, score, atol=1e-4)
            np.testing.assert_allclose(found.scaled, score / np.sqrt(len(found.q)), atol=1e-4)
            np.testing.assert_allclose(found.scaled + found.added, whole[window, head, query, :keys], atol=1e-5)
            np.testing.assert_allclose(found.share, layer.pattern[window, head, query], atol=1e-6)
            assert np.array_equal(found.pattern, layer.pattern[window, head, query])
            if slug != "swin":  # it has a position bias
                assert np.abs(found.added[found.seen]).max() < 1e-5


def test_a_hidden_key_has_no_share():
    module, paper, x = network("gpt2")
    found = arithmetic(module, paper, x, "blocks.0.attn", 0, 0, 2)
    assert found.seen.tolist() == [True] * 3 + [False] * 6
    assert not found.share[3:].any() and found.share[:3].sum() == pytest.approx(1)


def test_a_network_without_queries_and_keys_is_not_open():
    assert not attention(*network("seq2seq")).parts["across"].open


def test_no_hook_stays_after_an_error():
    module, paper, x = network("gpt2")
    before = state(module)
    with pytest.raises(IndexError):
        attention(module, paper, x + 10**6)
    with pytest.raises(KeyError):
        arithmetic(module, paper, x, "blocks.99.attn", 0, 0, 0)
    assert state(module) == before


def test_rollout_by_hand():
    """Two layers, two tokens, two heads whose mean is in the comments; A_hat is half of it and half of the identity."""
    first = np.array([[[1, 0], [1, 0]], [[1, 0], [0, 1]]])  # mean 1 0 | .5 .5, A_hat 1 0 | .25 .75
    second = np.array([[[1, 0], [1, 0]], [[0, 1], [1, 0]]])  # mean .5 .5 | 1 0, A_hat .75 .25 | .5 .5
    found = rollout([first, second])
    np.testing.assert_allclose(found[0], [[1, 0], [0.25, 0.75]])
    np.testing.assert_allclose(found[1], [[0.75 + 0.25 * 0.25, 0.25 * 0.75], [0.5 + 0.5 * 0.25, 0.5 * 0.75]])
    np.testing.assert_allclose(rollout([2 * first])[0], [[1, 0], [1 / 3, 2 / 3]], atol=1e-6)  # rows are normalised


def layer(pattern: list, **more: object) -> Layer:
    array = np.array(pattern, np.float32)
    array = array.reshape(1, *array.shape) if array.ndim == 3 else array
    return Layer("l", array, np.arange(array.shape[2])[None], **more)


def test_entropy_by_hand():
    one = layer([[[1, 0, 0], [0.5, 0.5, 0], [0.25, 0.25, 0.5]], [[1, 0, 0], [1, 0, 0], [0, 0, 1]]])
    np.testing.assert_allclose(entropy(one), [(0 + 1 + 1.5) / 3, 0])


def test_distance_by_hand():
    one = layer([[[1, 0, 0], [0.5, 0.5, 0], [0.25, 0.25, 0.5]], [[1, 0, 0], [1, 0, 0], [1, 0, 0]]])
    np.testing.assert_allclose(distance(one), [(0 + 0.5 + 0.75) / 3, (0 + 1 + 2) / 3])


def test_distance_between_patches_by_hand():
    """A class token and patches 0 1 | 2 3: each looks half at the class token, half at the patch across."""
    rows = [[1, 0, 0, 0, 0], *([0.5, *np.eye(4)[3 - i] / 2] for i in range(4))]
    one = layer([[*rows]], side=2, front=1)
    np.testing.assert_allclose(distance(one), [np.sqrt(2)], rtol=1e-6)
    near = layer([[[1, 0, 0, 0, 0], *([0, *(np.eye(4)[i ^ 1])] for i in range(4))]], side=2, front=1)
    np.testing.assert_allclose(distance(near), [1])


def test_windows_lie_where_the_network_has_them():
    assert windowed(1, 2, 0).tolist() == [[0, 1, 2, 3]]
    assert windowed(2, 2, 0).tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    assert windowed(2, 2, 1)[3].tolist() == [15, 12, 3, 0]  # the corners of the picture, rolled together
    patches = torch.arange(64).view(1, 8, 8, 1)
    for shift in (0, 2):
        cut = windows(patches.roll((-shift, -shift), (1, 2)), 4)[0, ..., 0].flatten(0, 1)
        assert windowed(2, 4, shift).tolist() == cut.tolist()


def test_a_look_in_a_window_as_one_over_the_whole_picture():
    found = attention(*network("swin")).parts["self"]
    assert [one.side for one in found.layers] == [16, 16, 8, 8, 8, 8, 4]
    assert found.entropy.shape == (7, 8)
    assert np.isfinite(found.entropy).sum(1).tolist() == [2, 2, 4, 4, 4, 4, 8]
    shifted = found.layers[1]
    row = shifted.row(1, 16 * 7 + 6).reshape(16, 16)  # row 7, column 6: windows begin in row and column 2, 6, 10, 14
    assert row.sum() == pytest.approx(1, abs=1e-5)
    assert np.argwhere(row > 0).min(0).tolist() == [6, 6] and np.argwhere(row > 0).max(0).tolist() == [9, 9]
    corner = shifted.row(0, 0).reshape(16, 16)  # its window is rolled together; only its true neighbours are seen
    assert np.argwhere(corner > 1e-6).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert not found.own


@pytest.mark.parametrize("slug", ["vit", "clip"])
def test_patches_lie_behind_the_class_token(slug):
    one = attention(*network(slug)).parts["self"].layers[0]
    assert (one.side, one.front, one.tokens.shape) == (8, 1, (1, 65))
    assert np.array_equal(one.row(1, 3), one.pattern[0, 1, 3])


def part(*layers: Layer) -> Part:
    table = np.array([entropy(one) for one in layers], np.float32)
    return Part(layers, 0, 0, table, table, True)


def test_the_telling_head_is_the_most_decided_that_does_not_look_at_one_key_alone():
    sink = [[1, 0, 0], [1, 0, 0], [1, 0, 0]]  # 0 bits
    back = [[1, 0, 0], [0.9, 0.1, 0], [0, 0.9, 0.1]]  # key 0 gets 0.63: passed over as well
    mixed = [[0.4, 0.3, 0.3], [0.3, 0.4, 0.3], [0.3, 0.3, 0.4]]
    itself = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]
    assert part(layer([sink, mixed]), layer([itself, back])).telling == (1, 0)
    assert part(layer([back, sink])).telling == (0, 1)  # nothing but such heads: the most decided of them
    assert part(layer([[[1]]])).telling == (0, 0)


def test_a_network_without_attention_has_none():
    with pytest.raises(KeyError, match="lenet5 declares no hook_pattern"):
        attention(models.build("lenet5"), models.paper("lenet5"), np.zeros((1, 1, 32, 32), np.float32))
