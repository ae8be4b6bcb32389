"""LeNet-5, as section II.B of the paper describes it: 60,000 trainable parameters from a 32x32 picture to ten classes.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition", Proceedings of
the IEEE 86(11), 1998. Sections, tables, figures and equations below are those of that paper.

Every unit up to F6 is a weighted sum plus a bias, a, followed by the squashing function, f(a) (Eq. 5). Here the two are
two modules, `C1` and `C1_squash`, so that one can look at either. n is the batch.

    layer    what comes out    trainable    weights and biases
    input    (n, 1, 32, 32)
    C1       (n, 6, 28, 28)          156    6 kernels of 5x5, 6 biases
    S2       (n, 6, 14, 14)           12    6 coefficients, 6 biases
    C3       (n, 16, 10, 10)       1,516    60 kernels of 5x5 (Table I), 16 biases
    S4       (n, 16, 5, 5)            32    16 coefficients, 16 biases
    C5       (n, 120, 1, 1)       48,120    120 kernels of 16x5x5, 120 biases
    F6       (n, 84)              10,164    84x120 weights, 84 biases: the points of a picture, 12 high and 7 wide
    output   (n, 10)                   0    ten such pictures, drawn by hand, fixed (Fig. 3)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Table = tuple[tuple[int, ...], ...]  # for every map of a layer, the maps of the layer before that it sees

# Table I, a column a line. The first six maps of C3 see three neighbouring maps of S2 (in a ring), the next six see four
# neighbouring ones, three see four that are not all neighbours, the last sees all: 60 of 96 possible pairs. It keeps
# the number of connections down and forces the maps to differ, as they are given different inputs.
TABLE_I: Table = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

# What F6 is to draw for each class, 7x12 (Fig. 3): classes that look alike have codes that are alike.
BITMAPS = """
.#####. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
##...## ..###.. ##...## ##...## ...###. ##..... .##.... .....## ##...## ##...##
##...## .####.. .....## .....## ...###. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## ..####. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. .....## .....## ..#.##. ##..... ##..... ....##. .##.##. ##...##
##...## ...##.. ....##. ..####. .##.##. ######. ##.###. ....##. ..###.. ##...##
##...## ...##.. ...##.. .....## .#..##. .....## ###..## ...##.. .##.##. .######
##...## ...##.. ..##... .....## ##..##. .....## ##...## ...##.. ##...## .....##
##...## ...##.. .##.... .....## ####### .....## ##...## ...##.. ##...## .....##
##...## ...##.. ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ....##.
.#####. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
"""


@dataclass(frozen=True)
class Config:
    """The sizes of section II.B. `shared=False` is the twin: every unit of C1 and C3 has kernels of its own."""

    side: int = 32  # larger than any digit (20x20 in 28x28), so that a stroke's end can lie in the middle of a kernel
    c1: int = 6  # feature maps: six kinds of local stroke
    c3: Table = TABLE_I
    c5: int = 120  # units: each sees all of S4, so that C5 is a convolution with 1x1 maps
    f6: int = 84  # 7x12, the pixels of a bitmap
    kernel: int = 5  # side of every receptive field of a convolution
    shared: bool = True


PAPER = Config()
SMALL = PAPER  # the published network is small enough to be trained as it is
TWIN = Config(shared=False)


class Squash(nn.Module):
    """f(a) = A tanh(S a), A = 1.7159, S = 2/3 (Eq. 6 and appendix A: f(1) = 1, f(-1) = -1, most curved there)."""

    A, S = 1.7159, 2 / 3

    def __init__(self) -> None:
        super().__init__()
        self.tanh = nn.Tanh()

    def forward(self, a: Tensor) -> Tensor:
        return self.A * self.tanh(self.S * a)


class Subsampling(nn.Module):
    """S2, S4: the four values of each 2x2 square are added, times the map's coefficient, plus the map's bias."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.sum = nn.AvgPool2d(2, divisor_override=1)
        self.scale = nn.Conv2d(maps, maps, 1, groups=maps)  # one coefficient and one bias a map

    def forward(self, x: Tensor) -> Tensor:
        return self.scale(self.sum(x))  # (n, maps, height, width) -> (n, maps, height/2, width/2)


class TableLayer(nn.Module):
    """5x5 windows of input maps, each map seeing only those that its line of the table names.

    Only kernels that exist are parameters: `kernels` holds one a connection of the table, in its order.
    """

    place: Tensor  # (connections,), where each kernel stands in the dense weight

    def __init__(self, table: Table, inputs: int, kernel: int, *positions: int) -> None:
        super().__init__()
        self.table, self.in_channels, self.out_channels = table, inputs, len(table)
        self.kernel_size, self.stride, self.padding = (kernel, kernel), (1, 1), (0, 0)
        pairs = [(of, seen) for of, line in enumerate(table) for seen in line]
        self.kernels = nn.Parameter(torch.empty(len(pairs), kernel, kernel, *positions))
        self.bias = nn.Parameter(torch.empty(len(table), *positions))
        self.register_buffer("place", torch.tensor([of * inputs + seen for of, seen in pairs]), persistent=False)

    @property
    def weight(self) -> Tensor:
        """(maps, input maps, kernel, kernel, ...): the kernels in place, zeros where there is no connection."""
        dense = self.kernels.new_zeros(self.out_channels * self.in_channels, *self.kernels.shape[1:])
        return dense.index_copy(0, self.place, self.kernels).unflatten(0, (self.out_channels, self.in_channels))


class TableConv2d(TableLayer):
    """C3: a convolution with a table of connections. Every position of a map uses the same kernels and bias."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias)  # (n, 6, 14, 14) -> (n, 16, 10, 10)


class Unshared2d(TableLayer):
    """The same windows without the paper's idea: every position has kernels and a bias of its own (the twin)."""

    windows: Tensor  # (positions, inputs * area), which points of the input each position sees

    def __init__(self, table: Table, inputs: int, kernel: int, side: int) -> None:
        super().__init__(table, inputs, kernel, side - kernel + 1, side - kernel + 1)
        points = torch.arange(inputs * side**2, dtype=torch.float32).view(1, inputs, side, side)
        self.register_buffer("windows", F.unfold(points, kernel)[0].T.long(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        points = x.flatten(1).T.contiguous()  # (points, n): a row is copied at once, several times as fast as unfolding
        seen = points.index_select(0, self.windows.flatten()).unflatten(0, self.windows.shape)
        weight = self.weight.flatten(4).flatten(1, 3).permute(2, 0, 1)  # (positions, maps, inputs * area)
        sums = torch.bmm(weight.contiguous(), seen).permute(2, 1, 0)  # (n, maps, positions)
        return sums.unflatten(2, self.bias.shape[1:]) + self.bias


class RBF(nn.Module):
    """Euclidean radial basis function units (Eq. 7): y_i = sum_j (x_j - w_ij)^2, w fixed at -1 and +1."""

    weight: Tensor  # (classes, 1, 12, 7)

    def __init__(self, bitmaps: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", bitmaps, persistent=False)

    def forward(self, picture: Tensor) -> Tensor:
        """(n, 1, 12, 7) -> (n, classes), 0 where the picture is that class's bitmap."""
        return (picture[:, None] - self.weight).square().sum((2, 3, 4))


class Output(nn.Module):
    """The ten classes: `rbf` gives the distances, their negatives are the scores (larger is more likely)."""

    def __init__(self, bitmaps: Tensor) -> None:
        super().__init__()
        self.rbf = RBF(bitmaps)

    def forward(self, picture: Tensor) -> Tensor:
        return -self.rbf(picture)


class LeNet5(nn.Module):
    """(n, 1, 32, 32), ground -0.1 and ink 1.175 -> (n, 10) negative squared distances to the ten bitmaps."""

    def __init__(self, config: Config = PAPER) -> None:
        super().__init__()
        c, k = config, config.kernel
        half = (c.side - k + 1) // 2  # side of S2: 14
        quarter = (half - k + 1) // 2  # side of S4: 5
        everything = ((0,),) * c.c1  # C1 sees the one picture
        self.C1 = nn.Conv2d(1, c.c1, k) if c.shared else Unshared2d(everything, 1, k, c.side)
        self.C1_squash = Squash()
        self.S2 = Subsampling(c.c1)
        self.S2_squash = Squash()
        self.C3 = TableConv2d(c.c3, c.c1, k) if c.shared else Unshared2d(c.c3, c.c1, k, half)
        self.C3_squash = Squash()
        self.S4 = Subsampling(len(c.c3))
        self.S4_squash = Squash()
        self.C5 = nn.Conv2d(len(c.c3), c.c5, quarter)
        self.C5_squash = Squash()
        self.flatten = nn.Flatten()
        self.F6 = nn.Linear(c.c5, c.f6)
        self.F6_squash = Squash()
        self.F6_picture = nn.Unflatten(1, (1, 12, 7))  # the 84 units are the points of a bitmap
        self.output = Output(bitmaps())
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.C1_squash(self.C1(x))  # (n, 6, 28, 28)
        x = self.S2_squash(self.S2(x))  # (n, 6, 14, 14)
        x = self.C3_squash(self.C3(x))  # (n, 16, 10, 10)
        x = self.S4_squash(self.S4(x))  # (n, 16, 5, 5)
        x = self.C5_squash(self.C5(x))  # (n, 120, 1, 1)
        x = self.F6_squash(self.F6(self.flatten(x)))  # (n, 84)
        return self.output(self.F6_picture(x))  # (n, 10)


def bitmaps() -> Tensor:
    """(10, 1, 12, 7): the hand-drawn pictures, ink +1 and ground -1."""
    ink = torch.tensor(
        [[[point == "#" for point in digit] for digit in row.split()] for row in BITMAPS.split("\n") if row]
    )
    return ink.permute(1, 0, 2)[:, None] * 2.0 - 1  # rows of ten digits -> ten digits of rows


@torch.no_grad()
def initialise(net: LeNet5) -> None:
    """Every weight and bias uniform in +-2.4 / F, F the number of inputs of the unit it belongs to (appendix A)."""
    for module in net.modules():
        if isinstance(module, TableLayer):
            inputs = [len(line) * module.kernel_size[0] * module.kernel_size[1] for line in module.table]
            uniform(module.kernels, [f for f, line in zip(inputs, module.table, strict=True) for _ in line])
            uniform(module.bias, inputs)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            subsampling = isinstance(module, nn.Conv2d) and module.groups > 1
            for parameter in module.parameters():
                uniform(parameter, [4 if subsampling else module.weight[0].numel()] * len(parameter))


def uniform(parameter: Tensor, inputs: list[int]) -> None:
    """Fill each row of a parameter at random within +-2.4 / its number of inputs."""
    bound = 2.4 / torch.tensor(inputs, dtype=torch.float32)
    parameter.uniform_(-1, 1).mul_(bound.view(-1, *[1] * (parameter.ndim - 1)))


def criterion(scores: Tensor, target: Tensor, rubbish: float) -> Tensor:
    """The discriminative loss of Eq. 9, averaged: y_D + log(e^-j + sum_i e^-y_i), y = -scores, j = `rubbish`.

    Maximum a posteriori with a "rubbish" class at the fixed distance j: it keeps pulling the right class's distance
    down until that is well below j, which prevents the collapse in which all the codes are left equally far away.
    """
    others = torch.cat([scores, scores.new_full((len(scores), 1), -rubbish)], 1)
    return (others.logsumexp(1) - scores.gather(1, target[:, None])[:, 0]).mean()


def build(config: Config = SMALL) -> LeNet5:
    """A LeNet-5, or its twin, with fresh weights."""
    return LeNet5(config)
