"""The architecture view says of a small network what one works out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from app import session
from app.components.network import groups, labels, network
from app.figures.architecture import levels, picture, sheet
from app.figures.worked import number, table, terms
from app.view import Visit
from app.views.architecture import VIEW
from models.paper import Fact, Image
from tests.interpret.cards import card
from tests.views.toys import said, serve, show

NINE = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)


class Small(nn.Module):
    """A kernel of 2x2, a rectifier, and a dense layer with two answers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act, self.flat, self.out = nn.Conv2d(1, 1, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[[[1.0, 0], [0, -2]]]]))
            self.conv.bias.fill_(10)
            self.out.weight.copy_(torch.tensor([[1.0, 1, 1, 1], [0.5, 0, 0, 0]]))
            self.out.bias.copy_(torch.tensor([0.0, 1]))
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.flat(self.act(self.conv(x))))


@pytest.fixture
def visit(monkeypatch):
    serve(monkeypatch, {None: Small()})
    return Visit(card("conv", "out"), NINE, "k", name="sample 3")


def text(at) -> str:
    """Everything that the view says, in captions, in text and in its own HTML."""
    return "\n".join([said(at), *(m.value for m in at.markdown), *(h.value for h in at.html)])


def test_the_cell_is_worked_out(visit):
    page = text(show(VIEW, visit, layer="conv", cell="0,1"))
    # 2 * 1 + 6 * -2 + 10 = 0
    assert "How conv, map 0, row 0, column 1 comes about" in page
    assert 'all products <b>−10.00</b> + bias <b>10.00</b> = <b class="result">0</b>' in page
    assert "act (ReLU) turns 0 into" in page
    assert "conv, map 0, row 0, column 1 is 0. Worked out here from its parts, it agrees" in page
    assert "13 learnt parameters" not in page and "15 learnt parameters" in page  # 4 + 1 and 8 + 2


def test_it_opens_at_the_strongest_cell_of_the_first_layer(visit):
    # 1 - 10 + 10 = 1, 0, 4 - 16 + 10 = -2, 5 - 18 + 10 = -3
    assert "conv, map 0, row 1, column 1 is −3.000." in text(show(VIEW, visit))


@pytest.mark.parametrize("cell", ["7,7", "x", "-1,0"])
def test_nonsense_falls_back(visit, cell):
    page = text(show(VIEW, visit, layer="nothing", unit="99", cell=cell))
    assert "conv, map 0, row 1, column 1 is −3.000." in page


def test_a_dense_layer_on_a_map(visit):
    at = show(VIEW, visit, layer="out", unit="b")
    page = text(at)
    assert "How out, unit b comes about" in page
    # act is 1, 0, 0, 0: half of 1, plus 1
    assert 'all products <b>0.5000</b> + bias <b>1.000</b> = <b class="result">1.500</b>' in page
    assert ">0.50</td>" in page  # the only weight: a window of one cell
    assert at.selectbox(key="unit").options == ["a", "b"]
    assert "out is PyTorch's own Linear(in_features=4, out_features=2, bias=True); class Small" in page


def test_the_layer_in_numbers(visit):
    page = text(show(VIEW, visit, layer="act"))
    rows = ("reads</dt><dd>conv", "1 × 2 × 2 = 4 values", "learnt</dt><dd>nothing", "2 × 2 pixels", "zero</dt><dd>75 %")
    assert [row for row in rows if row not in page] == []
    assert "saturated</dt><dd>75 %" in page


def test_groups_and_links(visit):
    net = network(visit)
    found = groups(visit, net)
    assert [(g.title, g.depth, [s.path for s in g.sheets]) for g in found] == [
        ("input", 0, ["input"]),
        ("conv", 1, ["conv", "act"]),
        ("out", 2, ["out"]),
    ]
    assert found[1].lines == ("Conv2d", "1 × 2 × 2", "5 learnt", "sees 2 × 2")
    assert [(k.source, k.target, k.pairs) for k in found[2].links] == [("act", "out", ((0, 0), (0, 1)))]
    assert net.census is None and net.ends("conv") == (-3, 1)
    assert labels(visit.paper, net, "out") == ("a", "b") and labels(visit.paper, net, "act") == ()
    assert picture(found, dark=False)[:4] == b"\x89PNG"


def test_the_input_under_another_name_is_drawn_once(monkeypatch):
    net = nn.Sequential(nn.Identity(), nn.Conv2d(1, 2, 2)).requires_grad_(False)
    serve(monkeypatch, {None: net})
    visit = Visit(card("0", "1"), NINE, "k")
    assert [g.title for g in groups(visit, network(visit))] == ["0", "1"]


def test_facts_have_no_receptive_fields(monkeypatch):
    facts = Fact(("Ann", "Bob"), ("aunt",), (("Ann has-aunt", ("Bob",)), ("Bob has-aunt", ("Ann",))))
    serve(monkeypatch, {None: nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()).requires_grad_(False)})
    visit = Visit(card("0", "1", takes=facts), facts.parse("Ann has-aunt"), "k")
    page = text(show(VIEW, visit, layer="0"))
    assert "pixels" not in page and "input Ann" in page and "input Bob" in page


def test_levels_are_a_byte_a_cell_on_a_scale_that_does_not_move():
    assert list(levels(np.array([0, 1, 2, 4]), (0, 4))) == [0, 64, 128, 255]
    assert list(levels(np.array([-4, 0, 4]), (-2, 4))) == [0, 128, 255]
    assert list(levels(np.array([-9, 9]), (-2, 4))) == [0, 255]
    one = sheet("x", np.array([1.23456, -1]), (-2, 2))
    assert (one.count, one.height, one.width, one.signed, one.answers) == (2, 1, 1, True, (1.23, -1))


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (0, 3, "0"),
        (-1.23456, 3, "−1.23"),
        (0.05, 3, "0.0500"),
        (1234.5, 3, "1234"),
        (2e-7, 1, "2 × 10⁻⁷"),
        (1e9, 3, "1.00 × 10⁹"),
    ],
)
def test_numbers_are_written_as_one_reads_them(value, digits, written):
    assert number(value, digits) == written


def test_a_table_has_every_number_and_a_long_sum_its_largest_terms():
    assert table(np.array([[0.5, -1.0]]), (-1, 1), dark=False).count("<td") == 2
    values = np.array([1.0, -5, 0, 2] + [0.1] * 8)
    listed = terms([f"u{i}" for i in range(12)], values, np.ones(12), values, dark=True)
    assert listed.index("u1<") < listed.index("u3<") < listed.index("u0<")
    assert "3 others" in listed and "+0.300" in listed and "1 more add nothing" in listed


def test_answers_are_kept_and_not_computed_twice(visit, monkeypatch):
    show(VIEW, visit)
    monkeypatch.setattr(session, "copies", lambda *_, **__: pytest.fail("asked again"))
    show(VIEW, visit)


def test_colour_pictures_work_as_well(monkeypatch):
    serve(monkeypatch, {None: nn.Sequential(nn.Conv2d(3, 2, 2)).requires_grad_(False)})
    colour = Image(3, (3, 3), ("a", "b"), (0.0,) * 3, (1.0,) * 3, ink=False)
    page = text(show(VIEW, Visit(card("0", takes=colour), np.repeat(NINE, 3, 1), "k")))
    assert "input map 2" in page
