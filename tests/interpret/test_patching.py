"""Patching: our tables are TransformerLens's, nothing patched is nothing changed, everything patched is the clean run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import models
from app.interpret import patching
from app.interpret.copies import Copies, state
from app.interpret.lens import Lens
from app.interpret.patching import POINTS, completion, estimates, runs, tables
from app.interpret.ranks import rank_correlation
from models import pairs, tokens
from models.gpt2 import PAPER, model
from models.gpt2.model import Config
from tests.interpret.test_load import alike_for_all

CLEAN = np.array([[0, 300, 411, 290, 505, 290, 611, 700]])
OTHER = (0, 300, 412, 290, 506, 290, 611, 700)  # differs in places 2 and 4
TARGET, AGAINST = 99, 44


def fresh(**more: int) -> torch.nn.Module:
    torch.manual_seed(0)
    net = model.build(Config(vocabulary=1024, context=16, width=32, heads=4, layers=3, **more)).eval()
    net.requires_grad_(False)
    for p in net.parameters():
        p.add_(torch.randn_like(p) * 0.2)
    return net


@pytest.fixture(scope="module", params=["fresh", "alone", "trained"])
def net(request):
    if request.param == "trained":
        return models.restore("gpt2")
    return fresh(mlp=0) if request.param == "alone" else fresh()


@pytest.fixture(scope="module")
def trained():
    return models.restore("gpt2")


def measure(logits: torch.Tensor) -> torch.Tensor:
    return logits[0, -1, TARGET] - logits[0, -1, AGAINST]


@pytest.mark.filterwarnings("ignore")
def test_the_tables_are_those_of_transformer_lens(net):
    from transformer_lens import patching as theirs

    lens, clean, other = Lens(net), torch.from_numpy(CLEAN), torch.tensor([OTHER])
    found = tables(net, PAPER, CLEAN, OTHER, TARGET, AGAINST)
    with torch.no_grad():
        logits, cache = lens.run_with_cache(clean)
        start = measure(lens(other))
        assert found.clean == pytest.approx(float(measure(logits)), abs=1e-5)
        assert found.corrupted == pytest.approx(float(start), abs=1e-5)
        wanted = {
            "stream": theirs.get_act_patch_resid_pre,
            "attention": theirs.get_act_patch_attn_out,
            "mlp": theirs.get_act_patch_mlp_out,
            "heads": theirs.get_act_patch_attn_head_out_all_pos,
        }
        if "mlp" not in found.kinds:
            del wanted["mlp"]
        assert set(found.kinds) == set(wanted)
        for kind, make in wanted.items():
            raw = make(lens, other, cache, measure)
            told = ((raw - start) / (measure(logits) - start)).numpy()
            assert found[kind].shape == told.shape
            assert np.abs(found[kind] - told).max() < 1e-4, kind
            assert np.abs(told).max() > 0.01, kind
    assert not any(m._forward_hooks for m in net.modules())


def test_patching_nothing_changes_nothing_bit_by_bit(net):
    """Of one text, cell by cell; in tables, whose cells are rows of a batch, some processors round each row otherwise."""
    lens, other = Lens(net), torch.tensor([OTHER])
    names = [p.format(layer) for p in POINTS.values() for layer in range(lens.cfg.n_layers)]
    with torch.no_grad():
        own = patching.kept(lens, other, [name for name in names if name in lens.hook_dict])
        whole = lens(other)
        plain = whole[0, -1]
        for kind, point in patching._points(lens).items():
            for layer in range(lens.cfg.n_layers):
                name, cells = point.format(layer), range(lens.cfg.n_heads if kind == "heads" else len(OTHER))
                hook = (name, patching._patch(kind, cells, own[name]))
                stream = own[POINTS["stream"].format(layer)]
                logits = net.read(patching.onwards(lens, layer, stream, hook, len(cells) + 1))[:, -1]
                assert torch.allclose(logits, plain.expand_as(logits), atol=1e-4), (kind, layer)
                for cell in cells:
                    same = lens.run_with_hooks(other, [(name, patching._put(kind, cell, own[name]))])
                    assert torch.equal(same, whole), (kind, layer, cell)
    found = completion(net, PAPER, CLEAN, OTHER, TARGET, AGAINST, "stream", 1, cell=1)  # equal up to there
    assert np.array_equal(found.shares[2], found.shares[1])
    assert not np.array_equal(found.shares[0], found.shares[1])
    assert found.recovered == 0
    assert found.said[2] == found.said[1]


def test_patching_everything_gives_the_clean_output(net):
    lens, clean, other = Lens(net), torch.from_numpy(CLEAN), torch.tensor([OTHER])
    first = POINTS["stream"].format(0)
    with torch.no_grad():
        plain = lens(clean)
        inside = patching.kept(lens, clean, [first])[first]
        assert torch.equal(lens.run_with_hooks(other, [(first, lambda x, hook: inside)]), plain)
        assert not torch.equal(lens(other), plain)
    single = (*OTHER[:4], int(CLEAN[0, 4]), *OTHER[5:])  # now one token differs: its stream is everything
    found = tables(net, PAPER, CLEAN, single, TARGET, AGAINST)
    assert found["stream"][0, 2] == pytest.approx(1, abs=1e-3)  # a quotient of small differences
    assert np.abs(np.delete(found["stream"][0], 2)).max() == 0
    done = completion(net, PAPER, CLEAN, single, TARGET, AGAINST, "stream", 0, cell=2)
    assert np.array_equal(done.shares[2], done.shares[0])
    assert done.said[2] == done.said[0]


def test_a_cell_worked_by_hand(net):
    """Head 1 of layer 1 in all places, by a hook of torch's own."""
    clean, other = torch.from_numpy(CLEAN), torch.tensor([OTHER])
    spot, seen = net.blocks[1].attn.hook_z, []
    with torch.no_grad():
        keep = spot.register_forward_hook(lambda m, i, z: seen.append(z.clone()))
        top = measure(net(clean))
        keep.remove()

        def put(_m, _i, z):
            z = z.clone()
            z[0, :, 1] = seen[0][0, :, 1]
            return z

        low, swap = measure(net(other)), spot.register_forward_hook(put)
        worked = float((measure(net(other)) - low) / (top - low))
        swap.remove()
    assert tables(net, PAPER, CLEAN, OTHER, TARGET, AGAINST)["heads"][1, 1] == pytest.approx(worked, abs=1e-4)
    one = completion(net, PAPER, CLEAN, OTHER, TARGET, AGAINST, "heads", 1, 1)
    assert one.recovered == pytest.approx(worked, abs=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_estimates_are_those_of_attribution_patching(trained):
    from transformer_lens.tools.analysis import attribution_patch
    from transformer_lens.tools.analysis.attribution_patching import EdgeAttributionConfig

    net, before = Copies(trained), state(trained)
    with net.lend() as module:
        had = state(module)
        found = estimates(module, PAPER, CLEAN, OTHER, TARGET, AGAINST)
        assert state(module) == had
    gap = found.clean - found.corrupted
    with net.lend() as module:
        module.requires_grad_(True)
        told = attribution_patch(
            Lens(module), torch.from_numpy(CLEAN), torch.tensor([OTHER]), measure, EdgeAttributionConfig()
        ).node_scores
    assert state(trained) == before
    heads, mlp = np.zeros_like(found["heads"]), np.zeros_like(found["mlp"])
    embed = np.zeros(CLEAN.shape[1])
    for node, score in told.items():
        if node.kind == "attn_head_out":
            heads[node.layer, node.head] += score / gap
        elif node.kind == "mlp_out":
            mlp[node.layer, node.position] = score / gap
        else:
            embed[node.position] = score / gap
    assert np.abs(heads - found["heads"]).max() < 1e-4
    assert np.abs(mlp - found["mlp"]).max() < 1e-4
    assert np.abs(embed - found["stream"][0]).max() < 1e-4
    assert (
        np.abs(found["attention"].sum(1) - found["heads"].sum(1)).max() < 1e-4
    )  # attention out is the sum of its heads
    assert np.abs(heads).max() > 0.01


def test_estimates_hold_for_small_differences(trained):
    """To first order: where the clean stream is nearly the corrupted one, patching and its estimate are one."""
    net = Copies(trained)
    with net.lend() as module:
        near = module.embed.weight.data.clone()
        near[412], near[506] = near[411] + 1e-3 * near[412], near[505] + 1e-3 * near[506]
        module.embed.weight = torch.nn.Parameter(near, requires_grad=False)
        module.unembed = Old(trained.embed.weight.data)
        true = tables(module, PAPER, CLEAN, OTHER, TARGET, AGAINST)
        told = estimates(module, PAPER, CLEAN, OTHER, TARGET, AGAINST)
    for kind in true.kinds:
        assert np.abs(true[kind] - told[kind]).max() < 0.05, kind
        assert rank_correlation(true[kind], told[kind]) > 0.9, kind


class Old(torch.nn.Module):
    """Logits by the table as it was."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.table = table

    def forward(self, x: torch.Tensor, _table: torch.Tensor) -> torch.Tensor:
        return x @ self.table.T


def test_one_token_is_replaced_where_nothing_is_given(trained):
    found = runs(trained, PAPER, CLEAN)
    assert found.equal and len(found.differ) == 1
    place = found.differ[0]
    assert 0 < place < CLEAN.shape[1] - 1
    with torch.no_grad():
        likely = trained(torch.from_numpy(CLEAN))[0, place - 1].argsort(descending=True)[:2].tolist()
    assert found.ids[1][place] in likely
    assert found.ids[0] == tuple(CLEAN[0].tolist())
    assert found.names[0][0] == tokens.pieces("gpt2", [int(found.answers[0, 0])])[0]
    assert (np.diff(found.shares) <= 0).all()
    short = runs(trained, PAPER, CLEAN[:, :2])
    assert short.differ == (1,)


def test_sentences_of_unequal_length_are_no_pair(trained):
    found = runs(trained, PAPER, CLEAN, OTHER[:5])
    assert not found.equal
    for question in (tables, estimates):
        with pytest.raises(ValueError, match="8 tokens, the corrupted one 5"):
            question(trained, PAPER, CLEAN, OTHER[:5], TARGET, AGAINST)


def test_ready_made_pairs_begin_at_nothing_and_end_at_all(trained):
    def both(pair):
        return PAPER.takes.parse(pair.clean), tuple(PAPER.takes.parse(pair.corrupted)[0].tolist())

    pair = next(p for p in pairs.read("gpt2").pairs if (both(p)[0][0] != both(p)[1]).sum() == 1)
    x, other = both(pair)
    ids = [tokens.encode("gpt2", token)[0] for token in (pair.target, pair.against)]
    found, differ = tables(trained, PAPER, x, other, *ids), runs(trained, PAPER, x, other).differ
    assert (found.clean, found.corrupted) == pytest.approx((pair.clean_difference, pair.corrupted_difference), abs=2e-3)
    assert found["stream"][0, differ[0]] == pytest.approx(1, abs=1e-4)
    assert found["stream"][-1, -1] > found["stream"][0, -1]  # by the last block it has arrived at the end


def test_ranks_worked_by_hand():
    assert rank_correlation(np.array([1, 2, 3]), np.array([10, 20, 15])) == pytest.approx(0.5)
    # ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, norms 4.5 and 5
    assert rank_correlation(np.array([0, 5, 5, 9]), np.array([1, 2, 3, 4])) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
    assert rank_correlation(np.array([[1, 2], [3, 4]]), -np.array([[1, 2], [3, 4]])) == pytest.approx(-1)
    assert np.isnan(rank_correlation(np.ones(3), np.array([1, 2, 3])))


def test_many_visitors_get_what_each_would_get_alone():
    """Eight threads on one shared network; every third question is left in its middle first."""
    generator, questions = np.random.default_rng(0), []
    for i in range(48):
        x = generator.integers(300, 1000, (1, 6 + i % 4))
        other = x.copy()
        other[0, 1 + i % 4] = 5 + i
        questions.append((x, tuple(other[0].tolist()), 7 + i, 9))

    def ask(module, i, **more):
        question = (tables, estimates)[i % 4 == 3]
        found = question(module, PAPER, *questions[i], **more)
        return b"".join(found[kind].tobytes() for kind in found.kinds)

    alike_for_all(ask, fresh, len(questions), left=lambda i: i % 3 == 0 and i % 4 != 3)
