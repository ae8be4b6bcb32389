"""LeNet-5 against the paper: every layer's count and arithmetic, the table, the bitmaps, the loss, the training."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import models
from models import checkpoint, training
from models.lenet5 import PAPER as CARD
from models.lenet5 import model, train
from models.lenet5.model import Squash, Subsampling, TableConv2d, Unshared2d, bitmaps, criterion

# Table I as it is printed: a row for each map of S2, a column for each map of C3.
PRINTED = """
x...xxx..xxxx.xx
xx...xxx..xxxx.x
xxx...xxx..x.xxx
.xxx..xxxx..x.xx
..xxx..xxxx.xx.x
...xxx..xxxx.xxx
"""


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return model.build(model.PAPER)


@pytest.fixture(scope="module")
def twin():
    torch.manual_seed(0)
    return model.build(model.TWIN)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("layer", "shape", "trainable", "connections"),
    [
        ("C1", (6, 28, 28), 156, 122_304),
        ("S2", (6, 14, 14), 12, 5_880),
        ("C3", (16, 10, 10), 1_516, 151_600),
        ("S4", (16, 5, 5), 32, 2_000),
        ("C5", (120, 1, 1), 48_120, 48_120),
        ("F6", (84,), 10_164, 10_164),
    ],
)
def test_each_layer_is_as_section_2b_counts_it(net, layer, shape, trainable, connections):
    seen = []
    module = getattr(net, layer)
    handle = module.register_forward_hook(lambda _m, _i, output: seen.append(output.shape))
    net(torch.zeros(1, 1, 32, 32))
    handle.remove()
    assert seen == [(1, *shape)]
    assert count(module) == trainable
    positions = math.prod(shape[1:])
    if isinstance(module, Subsampling):
        assert shape[0] * positions * (4 + 1) == connections
    else:
        assert trainable * positions == connections  # every weight and bias is used once at each position


def test_there_are_60000_trainable_parameters_and_no_others(net):
    assert count(net) == 60_000
    assert sum(p.numel() for p in net.parameters()) == 60_000
    assert model.SMALL == model.PAPER
    named = sum(count(getattr(net, layer)) for layer in ("C1", "S2", "C3", "S4", "C5", "F6"))
    assert named == 60_000
    assert list(net.output.parameters()) == []


def test_the_table_is_table_1():
    rows = PRINTED.split()
    columns = tuple(tuple(i for i in range(6) if rows[i][map_] == "x") for map_ in range(16))
    assert columns == model.TABLE_I


def test_a_map_of_c3_sees_the_maps_of_its_column_alone(net):
    x = torch.randn(1, 6, 14, 14, requires_grad=True)
    y = net.C3(x)
    for unit, column in enumerate(model.TABLE_I):
        (gradient,) = torch.autograd.grad(y[0, unit].sum(), x, retain_graph=True)
        assert tuple(gradient[0].abs().sum((1, 2)).nonzero()[:, 0].tolist()) == column


def test_the_dense_kernel_of_c3_is_the_sparse_one_with_zeros(net):
    weight = net.C3.weight
    assert weight.shape == (16, 6, 5, 5)
    assert int((weight != 0).sum()) == 1_500
    assert torch.equal(weight[0, 2], net.C3.kernels[2])
    assert torch.equal(weight[15, 5], net.C3.kernels[59])
    assert not weight[0, 3:].any()


def test_one_cell_of_a_convolution_is_window_times_kernel_plus_bias(net):
    x = torch.randn(1, 1, 32, 32)
    cell = (x[0, 0, 7:12, 20:25] * net.C1.weight[4, 0]).sum() + net.C1.bias[4]
    assert net.C1(x)[0, 4, 7, 20].item() == pytest.approx(cell.item(), abs=1e-5)
    maps = torch.randn(1, 6, 14, 14)
    cell = sum((maps[0, i, 3:8, 9:14] * net.C3.weight[14, i]).sum() for i in (0, 2, 3, 5)) + net.C3.bias[14]
    assert net.C3(maps)[0, 14, 3, 9].item() == pytest.approx(cell.item(), abs=1e-5)


def test_subsampling_adds_four_times_a_coefficient_plus_a_bias():
    layer = Subsampling(1)
    with torch.no_grad():
        layer.scale.weight.fill_(0.5)
        layer.scale.bias.fill_(-1)
    x = torch.tensor([[[[1.0, 2, 0, 0], [3, 4, 0, 8]]]])
    assert layer(x).tolist() == [[[[4.0, 3.0]]]]  # (1+2+3+4)/2 - 1, 8/2 - 1


def test_squashing_is_the_papers_scaled_tanh():
    a = torch.tensor([-100.0, -1, 0, 1, 100], dtype=torch.float64)
    f = Squash()(a)
    assert f.tolist() == pytest.approx([-1.7159, -1, 0, 1, 1.7159], abs=1e-4)  # f(1) = 1 and f(-1) = -1, appendix A


def test_the_bitmaps_are_ten_pictures_of_7_by_12():
    drawn = bitmaps()
    assert drawn.shape == (10, 1, 12, 7)
    assert drawn.abs().min() == drawn.abs().max() == 1
    assert drawn[7, 0, 0].tolist() == [1] * 7  # the bar of the seven
    assert drawn[0, 0, 5].tolist() == [1, 1, -1, -1, -1, 1, 1]  # the hole of the nought
    apart = torch.cdist(drawn.flatten(1), drawn.flatten(1)).square() + 1e9 * torch.eye(10)
    assert apart.min() >= 4 * 15  # no two agree in all but fifteen points
    assert apart[0, 8] < apart[0, 1]  # alike digits have alike codes (section II.B)


def test_the_output_measures_squared_distances(net):
    pictures = bitmaps()
    y = net.output.rbf(pictures)
    assert y.diagonal().tolist() == [0.0] * 10
    assert torch.allclose(y, torch.cdist(pictures.flatten(1), pictures.flatten(1)).square(), atol=1e-3)
    pictures[3, 0, 4, 4] = -pictures[3, 0, 4, 4]  # one wrong point: (1 - -1)^2
    assert net.output.rbf(pictures)[3, 3] == 4
    assert net.output(pictures)[3, 3] == -4


def test_the_loss_is_equation_9_worked_by_hand():
    scores = torch.tensor([[-1.0, -2.0], [-5.0, -0.5]])
    rows = [
        1 + math.log(math.exp(-3) + math.exp(-1) + math.exp(-2)),  # y_D = 1, the others e^-1 and e^-2, j = 3
        0.5 + math.log(math.exp(-3) + math.exp(-5) + math.exp(-0.5)),
    ]
    assert criterion(scores, torch.tensor([0, 1]), 3.0).item() == pytest.approx(sum(rows) / 2, abs=1e-6)


def test_the_loss_pulls_until_the_rubbish_class_is_farther():
    far = torch.tensor([[-60.0, -80.0]], requires_grad=True)
    (pull,) = torch.autograd.grad(criterion(far, torch.tensor([0]), 10.0), far)
    assert pull.tolist()[0] == pytest.approx([-1, 0], abs=1e-6)  # the whole of y_D, though the class already wins
    near = torch.tensor([[-1.0, -80.0]], requires_grad=True)
    (pull,) = torch.autograd.grad(criterion(near, torch.tensor([0]), 10.0), near)
    assert abs(pull[0, 0]) < 1e-3
    wrong = torch.tensor([[-5.0, -4.0]], requires_grad=True)
    (pull,) = torch.autograd.grad(criterion(wrong, torch.tensor([0]), 10.0), wrong)
    assert pull[0, 0] < 0 < pull[0, 1]  # a larger score for the right class, a smaller one for the rival


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("C1.weight", 25), ("S2.scale.weight", 4), ("C5.weight", 400), ("F6.weight", 120), ("F6.bias", 120)],
)
def test_weights_start_within_the_papers_bounds(net, name, inputs):
    largest = net.get_parameter(name).abs().max().item() * inputs / 2.4
    assert 0.5 < largest <= 1 + 1e-6


def test_weights_of_c3_start_by_how_many_maps_each_sees(net):
    weight = net.C3.weight
    for unit, column in enumerate(model.TABLE_I):
        assert 0.9 < weight[unit].abs().max() * 25 * len(column) / 2.4 <= 1 + 1e-6


def test_every_module_is_used_once_in_a_forward_pass(net):
    used: dict[str, int] = {}
    leaves = [(n, m) for n, m in net.named_modules() if not list(m.children())]
    handles = [
        m.register_forward_hook(lambda _m, _i, _o, n=n: used.__setitem__(n, used.get(n, 0) + 1)) for n, m in leaves
    ]
    net(torch.zeros(1, 1, 32, 32))
    for handle in handles:
        handle.remove()
    assert used == {n: 1 for n, _ in leaves}


def test_the_twin_has_a_weight_for_every_connection_of_c1_and_c3(twin):
    assert (count(twin.C1), count(twin.C3)) == (122_304, 151_600)
    assert count(twin) - count(twin.C1) - count(twin.C3) == 60_000 - 156 - 1_516
    x = torch.randn(3, 1, 32, 32)
    assert twin(x).shape == (3, 10)


def test_the_twin_with_equal_kernels_everywhere_is_the_model():
    torch.manual_seed(1)
    shared, free = TableConv2d(model.TABLE_I, 6, 5), Unshared2d(model.TABLE_I, 6, 5, 14)
    with torch.no_grad():
        shared.kernels.normal_()
        shared.bias.normal_()
        free.kernels.copy_(shared.kernels[..., None, None])
        free.bias.copy_(shared.bias[:, None, None])
    x = torch.randn(2, 6, 14, 14)
    assert torch.allclose(shared(x), free(x), atol=1e-4)
    with torch.no_grad():
        free.kernels[0, :, :, 3, 4] += 1  # the kernel from map 0 to map 0, at one position
    changed = (shared(x) - free(x)).abs() > 1e-3
    assert changed.nonzero()[:, 1:].unique(dim=0).tolist() == [[0, 3, 4]]


def test_the_network_sees_ground_and_ink_as_the_paper_sets_them():
    pixels = np.zeros((1, 28, 28), np.uint8)
    pixels[0, 0, 0] = 255
    x = CARD.takes.from_pixels(pixels)
    assert x.shape == (1, 1, 32, 32)
    assert x[0, 0, 2, 2] == pytest.approx(1.175, abs=1e-6)
    assert x[0, 0, 1, 1] == pytest.approx(-0.1, abs=1e-6) == train.GROUND


def test_distortions_leave_a_tenth_as_it_is_and_the_ground_alone():
    x = torch.full((400, 1, 32, 32), train.GROUND)
    x[:, :, 8:24, 12:20] = 1.175
    y = train.distort(x, torch.Generator().manual_seed(3))
    same = (y - x).abs().amax((1, 2, 3)) < 1e-4
    assert 20 <= same.sum() <= 60
    assert torch.allclose(y[:, :, 0], torch.tensor(train.GROUND), atol=1e-5)
    ink = (y - train.GROUND).sum((1, 2, 3)) / (x - train.GROUND).sum((1, 2, 3))
    assert 0.75 < ink.min() < 0.95  # the smallest: 1 / 1.1 in both directions
    assert 1.05 < ink.max() < 1.3
    assert torch.equal(y, train.distort(x, torch.Generator().manual_seed(3)))


def test_the_learning_rate_warms_up_and_ends_at_zero():
    rates = [train.rate(step, 1000) for step in range(1001)]
    assert rates[0] == 0
    assert max(rates) == rates[100] == train.RATE
    assert rates[550] == pytest.approx(train.RATE / 2)
    assert rates[1000] == pytest.approx(0)
    assert all(a >= b for a, b in pairwise(rates[100:]))


def test_shifts_go_four_ways_and_lose_no_ground():
    x = torch.full((4, 1, 32, 32), train.GROUND)
    x[:, 0, 10, 10] = 1.0
    where = (train.shifted(x, 3) == 1).nonzero()[:, 2:].tolist()
    assert where == [[10, 13], [10, 7], [13, 10], [7, 10]]
    assert (train.shifted(x, 3) == train.GROUND).sum() == 4 * (32 * 32 - 1)


def test_noise_turns_its_share_of_the_pixels_to_their_negative():
    x = torch.full((20, 1, 32, 32), train.GROUND)
    y = train.noisy(x, 5)
    turned = (y - 1.175).abs() < 1e-5
    assert 0.04 < turned.float().mean() < 0.06
    assert torch.allclose(y[~turned], torch.tensor(train.GROUND), atol=1e-6)
    assert torch.equal(y, train.noisy(x, 5))


def test_tiles_stand_side_by_side_with_a_point_between():
    maps = np.arange(1, 5, dtype=np.float32)[:, None, None] * np.ones((4, 2, 2), np.float32)
    assert train.tiled(maps, 2).tolist() == [
        [1, 1, 0, 2, 2],
        [1, 1, 0, 2, 2],
        [0, 0, 0, 0, 0],
        [3, 3, 0, 4, 4],
        [3, 3, 0, 4, 4],
    ]


class Cut(Exception):
    """The power goes off in the middle of a training."""


def test_a_training_that_was_cut_off_ends_as_if_it_had_not_been(tmp_path, monkeypatch):
    drawn = torch.nn.functional.pad(bitmaps().repeat_interleave(2, 2).repeat_interleave(2, 3), (9, 9, 4, 4), value=-1)
    x = torch.where(drawn > 0, 1.175, train.GROUND).repeat(13, 1, 1, 1)
    monkeypatch.setattr(train, "digits", lambda split: (x, torch.arange(10).repeat(13)))
    monkeypatch.setattr(train, "EPOCHS", 3)
    monkeypatch.setattr(training, "run_folder", lambda slug, name: tmp_path / name)

    def weights(where: str) -> dict[str, torch.Tensor]:
        monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path / where))
        if where == "cut":
            with monkeypatch.context() as patch, pytest.raises(Cut):
                patch.setattr(training, "progress", cut_off)
                train.learn("model", 0, "cpu")
        train.learn("model", 0, "cpu")
        assert checkpoint.snapshots(train.SLUG)[0] == 0
        assert [row["step"] for row in checkpoint.read_curves(train.SLUG)["model"]["0"]][-1] == 9
        return models.restore(train.SLUG).state_dict()

    def cut_off(*_: object) -> None:
        raise Cut

    whole, resumed = weights("whole"), weights("cut")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert not list(tmp_path.glob("*.safetensors"))


def test_the_record_reaches_what_was_asked_of_every_seed():
    record = checkpoint.read_record(CARD.slug)
    accuracy = record.metric("test_accuracy")
    assert accuracy is not None
    assert len(accuracy.seeds) == 3
    assert min(accuracy.seeds) >= 98.9
    assert record.parameters == 60_000


def test_the_trained_network_draws_the_bitmap_of_what_it_reads():
    golden = checkpoint.read_tensors(checkpoint.folder(CARD.slug) / "golden.safetensors")
    module = models.load(CARD.slug).module
    pictures = []
    handle = module.F6_picture.register_forward_hook(lambda _m, _i, output: pictures.append(output))
    module(golden["input"])  # a digit of every class, in order
    handle.remove()
    agree = ((pictures[0] > 0) == (bitmaps() > 0)).float().mean((1, 2, 3))
    assert (agree > 0.9).all()
    assert golden["output"].argmax(1).tolist() == list(range(10))


def test_what_the_note_says_of_the_trained_weights_is_so():
    module = models.load(CARD.slug).module
    assert int((module.S4.scale.weight.abs() < 0.02).sum()) == 1  # the map that nobody reads
    assert module.S2.scale.weight.min() < 0 < module.S2.scale.weight.max()
    golden = checkpoint.read_tensors(checkpoint.folder(CARD.slug) / "golden.safetensors")["input"]
    drawn = []
    early = models.load(CARD.slug, step=87).module
    handle = early.F6_picture.register_forward_hook(lambda _m, _i, output: drawn.append(output))
    assert early(golden).argmax(1).tolist() == [3] * 10
    handle.remove()
    assert (drawn[0] - bitmaps().mean(0)).abs().max() < 0.2  # the average bitmap, whatever is shown
    assert models.load(CARD.slug, step=213).module(golden).argmax(1).tolist() == [3] * 10
    assert len(models.load(CARD.slug, step=523).module(golden).argmax(1).unique()) >= 8
    record = checkpoint.read_record(CARD.slug)
    metrics = {metric.name: metric.value for metric in record.metrics}
    assert metrics["digit_distance"] < metrics["rubbish_distance"] < 4 * 10  # tidier than ten wrong points


@pytest.mark.data
def test_the_mistakes_are_those_that_the_note_names():
    x, target = train.digits("test")
    read = training.outputs(models.load(CARD.slug).module, x).argmax(1)
    table = torch.zeros(10, 10, dtype=torch.long).index_put_((target, read), torch.tensor(1), accumulate=True)
    table.fill_diagonal_(0)
    assert int(table.sum(1).argmax()) == 8
    often = {(int(i), int(j)) for i, j in (table == table.max()).nonzero()}
    assert often == {(2, 7), (8, 3), (9, 4)}
