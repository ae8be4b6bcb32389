"""RNNsearch against the paper's sizes, against its formulas written out word by word, and its unit against nn.GRU."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from app.interpret.trace import expand
from models.seq2seq import PAPER as CARD
from models.seq2seq import model
from models.seq2seq.model import GRU, Config, Maxout

TINY = Config(vocabulary=20, m=5, n=4, aligning=3, maxout=6)
PAIRS = torch.tensor([[[5, 6, 7, 8, 2], [1, 9, 10, 0, 0]], [[7, 2, 0, 0, 0], [1, 11, 12, 13, 14]]])


def made(config: Config):
    """A network whose biases are not 0 and whose alignment is sharp enough to matter."""
    torch.manual_seed(0)
    net = model.build(config).eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if parameter.ndim == 1:
                parameter.normal_(std=0.3)
            elif "v_a" in name:
                parameter.normal_(std=2)
    return net


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_published_sizes_layer_by_layer():
    with torch.device("meta"):
        net = model.build(model.PAPER)
    m, n, aligning, maxout, words = 620, 1000, 1000, 500, 30_000
    assert count(net.E_x) == count(net.E_y) == words * m
    assert count(net.encoder.onward) == count(net.encoder.back) == 3 * (m * n + n * n + n) == 4_863_000
    assert count(net.decoder.W_s) == n * n + n
    assert count(net.decoder.align) == aligning * n + aligning * 2 * n + aligning == 3_001_000
    assert count(net.decoder.gru) + count(net.decoder.C) == 3 * (m * n + n * n + 2 * n * n + n) == 10_863_000
    output = [net.decoder.U_o, net.decoder.V_o, net.decoder.C_o]
    assert sum(map(count, output)) == 2 * maxout * (n + m + 2 * n + 1) == 3_621_000
    assert net.W_o.numel() + net.b_o.numel() == words * (maxout + 1)
    assert count(net) == 80_442_000
    assert sum(p.numel() for p in net.parameters() if p.ndim == 1) == 41_000


def test_the_twin_lacks_the_alignment_alone():
    small, twin = model.build(model.SMALL), model.build(model.TWIN)
    assert count(small) == 1_343_240
    assert count(small) - count(twin) == count(small.decoder.align)
    assert dataclasses.replace(model.TWIN, align=True) == model.SMALL


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


class ByHand:
    """Appendix A, one sentence and one word at a time, in NumPy and float64, without padding."""

    def __init__(self, net: nn.Module) -> None:
        self.w = {name: p.detach().double().numpy() for name, p in net.named_parameters()}

    def matrix(self, name: str, x: np.ndarray) -> np.ndarray:
        bias = self.w.get(f"{name}.bias")
        y = self.w[f"{name}.weight"] @ x
        return y if bias is None else y + bias

    def unit(self, name: str, x: np.ndarray, h: np.ndarray, more: np.ndarray | float = 0.0) -> np.ndarray:
        n = len(h)
        extra = np.zeros(3 * n) + more
        gates = self.matrix(f"{name}.W_rz", x) + self.matrix(f"{name}.U_rz", h) + extra[: 2 * n]
        r, z = sigmoid(gates[:n]), sigmoid(gates[n:])
        candidate = np.tanh(self.matrix(f"{name}.W", x) + self.matrix(f"{name}.U", r * h) + extra[2 * n :])
        return (1 - z) * h + z * candidate

    def annotations(self, source: list[int], n: int) -> np.ndarray:
        onward, back = [np.zeros(n)], [np.zeros(n)]
        for word in source:
            onward.append(self.unit("encoder.onward", self.w["E_x.weight"][word], onward[-1]))
        for word in source[::-1]:
            back.append(self.unit("encoder.back", self.w["E_x.weight"][word], back[-1]))
        return np.stack([np.concatenate(pair) for pair in zip(onward[1:], back[:0:-1], strict=True)])

    def logits(self, source: list[int], target: list[int], align: bool) -> tuple[np.ndarray, np.ndarray]:
        n = len(self.w["decoder.W_s.bias"])
        h = self.annotations(source, n)
        s = np.tanh(self.matrix("decoder.W_s", h[0, n:]))
        rows, alphas = [], []
        for word in target:
            y = self.w["E_y.weight"][word]
            if align:
                inner = [self.matrix("decoder.align.W_a", s) + self.matrix("decoder.align.U_a", hj) for hj in h]
                e = np.array([self.w["decoder.align.v_a.weight"][0] @ np.tanh(a) for a in inner])
                alpha = np.exp(e) / np.exp(e).sum()
            else:
                alpha = np.eye(len(h))[-1]
            c = alpha @ h
            s = self.unit("decoder.gru", y, s, self.matrix("decoder.C", c))
            t = self.matrix("decoder.U_o", s) + self.matrix("decoder.V_o", y) + self.matrix("decoder.C_o", c)
            t = np.array([max(t[2 * k], t[2 * k + 1]) for k in range(len(t) // 2)])
            rows.append(self.w["W_o"] @ t + self.w["b_o"])
            alphas.append(alpha)
        return np.stack(rows), np.stack(alphas)


@pytest.mark.parametrize("align", [True, False])
def test_the_network_computes_appendix_a(align):
    net = made(dataclasses.replace(TINY, align=align))
    seen = []
    net.decoder.align.hook_pattern.register_forward_hook(lambda _m, _i, y: seen.append(y))
    ours = net(PAIRS)
    for row, (source, target) in enumerate((([5, 6, 7, 8, 2], [1, 9, 10]), ([7, 2], [1, 11, 12, 13, 14]))):
        logits, alphas = ByHand(net).logits(source, target, align)
        assert np.abs(ours[row, : len(target)].detach().numpy() - logits).max() < 1e-5
        found = seen[0][row, 0].detach().numpy()
        assert np.abs(found[: len(target), : len(source)] - alphas).max() < 1e-5
        assert not found[:, len(source) :].any(), "nothing of the padding is looked at"


def test_the_reset_gate_acts_before_the_matrix():
    """h = (1, 2), U turns the two units round, r = (1/2, 1/2 of 0): U [r h] and not r [U h]."""
    gru = GRU(1, 2)
    with torch.no_grad():
        for parameter in gru.parameters():
            parameter.zero_()
        gru.U.weight.copy_(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
        gru.W_rz.bias.copy_(torch.tensor([50.0, -50.0, 50.0, 50.0]))  # r = (1, 0), z = (1, 1)
    r, z, candidate, h = gru.step(gru.weighed(torch.zeros(1, 1)), torch.tensor([[1.0, 2.0]]))
    assert r[0].tolist() == pytest.approx([1, 0])
    assert z[0].tolist() == pytest.approx([1, 1])
    assert candidate[0].tolist() == pytest.approx([0, np.tanh(1)], abs=1e-6)  # r [U h] would be (tanh 2, 0)
    assert torch.equal(h, candidate)


def test_the_unit_is_nn_gru_where_the_two_orders_agree():
    """With a diagonal U, U [r h] = r [U h]. nn.GRU's z is how much of the old state stays: the sign of its sums turns."""
    torch.manual_seed(0)
    ours, theirs, n = GRU(3, 4), nn.GRU(3, 4, batch_first=True), 4
    with torch.no_grad():
        ours.U.weight.copy_(torch.diag(torch.randn(n)))
        turned = torch.cat([torch.ones(n), -torch.ones(n)])
        theirs.weight_ih_l0.copy_(torch.cat([turned[:, None] * ours.W_rz.weight, ours.W.weight]))
        theirs.bias_ih_l0.copy_(torch.cat([turned * ours.W_rz.bias, ours.W.bias]))
        theirs.weight_hh_l0.copy_(torch.cat([turned[:, None] * ours.U_rz.weight, ours.U.weight]))
        theirs.bias_hh_l0.zero_()
    x = torch.randn(2, 6, 3)
    states, _ = theirs(x)
    read = model.Encoder.read(ours, x, torch.ones(2, 6), 1)
    assert torch.allclose(read, states, atol=1e-5)
    back = model.Encoder.read(ours, x, torch.ones(2, 6), -1)
    assert torch.allclose(back, theirs(x.flip(1))[0].flip(1), atol=1e-5)


def test_maxout_takes_the_larger_of_two_neighbours():
    assert Maxout()(torch.tensor([[1.0, 4.0, -2.0, -3.0]])).tolist() == [[4.0, -2.0]]


def test_padding_changes_nothing():
    net = made(TINY)
    assert torch.allclose(net(nn.functional.pad(PAIRS, (0, 3)))[:, :5], net(PAIRS), atol=1e-6)
    assert torch.allclose(net(PAIRS)[1:], net(PAIRS[1:]), atol=1e-6)


def test_no_word_sees_those_after_it():
    net, changed = made(TINY), PAIRS.clone()
    changed[:, 1, 3] = 17
    before, after = net(PAIRS), net(changed)
    assert torch.equal(before[:, :3], after[:, :3])
    assert (before[:, 3] - after[:, 3]).abs().max() > 1e-3


@pytest.mark.parametrize(
    "config", [TINY, dataclasses.replace(TINY, align=False), dataclasses.replace(TINY, m=6, tied=True)]
)
def test_writing_word_by_word_is_the_forward_pass(config):
    net = made(config)
    whole = net(PAIRS).log_softmax(-1)
    state = net.start(PAIRS[:, 0])
    for place in range(5):
        logs, state = net.next(PAIRS[:, 1, place], state)
        assert torch.allclose(logs, whole[:, place], atol=1e-5)


def test_one_matrix_serves_three_times_where_tied():
    net = made(dataclasses.replace(TINY, m=6, tied=True))
    names = {name for name, p in net.named_parameters() if 20 in p.shape}
    assert names == {"E_x.weight", "b_o"}
    assert set(net.state_dict()) == {name for name, _ in net.named_parameters()}


def test_recurrent_matrices_start_orthogonal():
    net = model.build(model.SMALL)
    for matrix in (net.encoder.back.U.weight, *net.decoder.gru.U_rz.weight.split(192)):
        assert torch.allclose(matrix @ matrix.T, torch.eye(192), atol=1e-4)


def test_the_probes_are_all_that_can_be_looked_at():
    stream, pattern = ("batch", "token", "unit"), ("batch", "head", "query", "key")
    wanted = {f"{unit}.hook_{x}": stream for unit in ("encoder.onward", "encoder.back", "decoder.gru")
              for x in ("reset", "update", "candidate", "state")}  # fmt: skip
    streams = ("encoder.hook_embed", "encoder.hook_annotations", "decoder.hook_embed", "decoder.hook_context")
    wanted |= dict.fromkeys((*streams, "decoder.hook_pre", "decoder.maxout", "unembed"), stream)
    wanted |= {f"decoder.align.hook_{x}": pattern for x in ("attn_scores", "pattern")}
    wanted["decoder.hook_start"] = ("batch", "unit")
    net = model.build(model.SMALL)
    found = {path: probe.axes for path, probe in expand(net, CARD.probes).items()}
    assert found == wanted
    assert {name for name, _ in net.named_modules() if "hook_" in name} <= set(found), "every hook is a probe"
    assert expand(model.build(model.TWIN), CARD.probes).keys() == found.keys()


def test_every_probe_is_called_once_in_a_forward_pass():
    net, used = made(TINY), {}
    for path in expand(net, CARD.probes):
        net.get_submodule(path).register_forward_hook(
            lambda _m, _i, y, path=path: used.setdefault(path, []).append(tuple(y.shape))
        )
    net(PAIRS)
    assert used["decoder.align.hook_pattern"] == [(2, 1, 5, 5)]
    assert used["encoder.hook_annotations"] == [(2, 5, 8)]
    assert used["decoder.hook_pre"] == [(2, 5, 12)]
    assert used["decoder.hook_start"] == [(2, 4)]
    assert all(len(calls) == 1 for calls in used.values())
    assert used.keys() == expand(net, CARD.probes).keys()
