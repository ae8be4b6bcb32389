"""Swin, as section 3 of the paper describes it: attention inside small windows, which move from layer to layer.

Z. Liu, Y. Lin, Y. Cao, H. Hu, Y. Wei, Z. Zhang, S. Lin, B. Guo, "Swin Transformer: Hierarchical Vision Transformer using
Shifted Windows", ICCV 2021, arXiv 2103.14030. Sections, tables, figures and equations below are those of that paper.

    z'_l = W-MSA(LN(z_{l-1})) + z_{l-1}        z_l = MLP(LN(z'_l)) + z'_l             (Eq. 3, layers 0, 2, ...)
    z'_l = SW-MSA(LN(z_{l-1})) + z_{l-1}       z_l = MLP(LN(z'_l)) + z'_l             (Eq. 3, layers 1, 3, ...)
    attention in a window: softmax(q k^T / sqrt(u) + B) v                             (Eq. 4)

n is the batch, d the width, which doubles from stage to stage, h the heads, u = d / h their units, m the side of a window
in tokens; a picture has r rows and c columns of windows.

    what comes out       of SMALL            of PAPER (Swin-T)
    picture              (n, 3, 32, 32)      (n, 3, 224, 224)
    stage 0              (n, 16, 16, 32)     (n, 56, 56, 96)     2 blocks    2 blocks
    stage 1              (n, 8, 8, 64)       (n, 28, 28, 192)    4           2
    stage 2              (n, 4, 4, 128)      (n, 14, 14, 384)    1           6
    stage 3                                  (n, 7, 7, 768)                  2
    mean, scores         (n, 128), (n, 10)   (n, 768), (n, 1000)

Places that no layer of torch puts out are named identities, called as in TransformerLens. Those of the residual stream put it
out as maps, (n, d, height, width); those inside a window say of which: (n, r, c, ...).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """The sizes of Swin-T (section 3.3). `shifted=False` is the twin: the windows of all layers are the same."""

    side: int = 224  # pixels
    patch: int = 4  # pixels: small, since no picture is read at this scale by more than a window at a time
    channels: int = 3  # red, green, blue
    classes: int = 1000  # ImageNet
    width: int = 96  # C, of the first stage
    depths: tuple[int, ...] = (2, 2, 6, 2)  # blocks of each stage: pairs of one with and one without shift
    heads: tuple[int, ...] = (3, 6, 12, 24)  # so that a head has 32 units in every stage
    window: int = 7  # M, tokens: 56, 28, 14 and 7 are its multiples
    ratio: int = 4  # of the MLP's hidden units to the width
    drop_path: float = 0.2  # appendix A2.1: how often the last block's branches are left out; the first's never
    shifted: bool = True


PAPER = Config()
# Patches of 2 make 16x16 tokens of a 32x32 picture; windows of 4 fit 16, 8 and 4; heads are half as wide, so that all have two
SMALL = Config(32, 2, 3, 10, width=32, depths=(2, 4, 1), heads=(2, 4, 8), window=4, ratio=2, drop_path=0.0)
TWIN = replace(SMALL, shifted=False)


def windows(z: Tensor, m: int) -> Tensor:
    """(n, r * m, c * m, d) -> (n, r, c, m * m, d): the tokens of each window, row by row."""
    return z.unflatten(2, (-1, m)).unflatten(1, (-1, m)).transpose(2, 3).flatten(3, 4)


def joined(z: Tensor, m: int) -> Tensor:
    """The inverse: (n, r, c, m * m, d) -> (n, r * m, c * m, d)."""
    return z.unflatten(3, (m, m)).transpose(2, 3).flatten(3, 4).flatten(1, 2)


def offsets(m: int) -> Tensor:
    """(m * m, m * m): the line of the bias table for each query and key, by how far apart they lie (section 3.2)."""
    place = torch.cartesian_prod(torch.arange(m), torch.arange(m))
    down, across = (place[:, None] - place + m - 1).unbind(2)  # each from 0 to 2 m - 2
    return down * (2 * m - 1) + across


def strangers(side: int, m: int, shift: int) -> Tensor:
    """(r, c, 1, m * m, m * m): -100 for two tokens that share a window only because the picture was rolled (Fig. 4)."""
    region = (torch.arange(side) >= side - m).long() + (torch.arange(side) >= side - shift)
    of = windows((3 * region[:, None] + region)[None, :, :, None], m)[0, ..., 0]  # (r, c, m * m)
    return (of[..., None, :] != of[..., None]).float()[:, :, None] * -100


class StochasticDepth(nn.Module):
    """In training a branch is left out for a picture at random, and made larger for the others to keep the mean."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, z: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return z
        stays = torch.rand(len(z), 1, 1, 1, device=z.device) >= self.p
        return z * stays / (1 - self.p)


class Attention(nn.Module):
    """W-MSA, or with a shift SW-MSA: every head compares the tokens of a window among themselves (Eq. 4)."""

    index: Tensor
    mask: Tensor

    def __init__(self, d: int, heads: int, m: int, side: int, shift: int) -> None:
        super().__init__()
        self.heads, self.units, self.m, self.shift = heads, d // heads, m, shift
        self.qkv = nn.Linear(d, 3 * d)
        self.table = nn.Parameter(torch.zeros((2 * m - 1) ** 2, heads))  # B-hat: a number for every offset and head
        self.o = nn.Linear(d, d)
        self.register_buffer("index", offsets(m), persistent=False)
        self.register_buffer("mask", strangers(side, m, shift) if shift else torch.zeros(1), persistent=False)
        self.hook_q, self.hook_k, self.hook_v = nn.Identity(), nn.Identity(), nn.Identity()
        self.hook_attn_scores, self.hook_pattern, self.hook_z = nn.Identity(), nn.Identity(), nn.Identity()

    @property
    def B(self) -> Tensor:  # noqa: N802 (the paper's name)
        """(h, query, key): the relative position bias, the same in every window."""
        return self.table[self.index].permute(2, 0, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.shift:
            x = x.roll((-self.shift, -self.shift), (1, 2))  # windows from the middle of one to the middle of the next
        x = windows(x, self.m)  # (n, r, c, m * m, d)
        q, k, v = self.qkv(x).unflatten(4, (3, self.heads, self.units)).unbind(4)
        q, k, v = self.hook_q(q), self.hook_k(k), self.hook_v(v)  # (n, r, c, token, h, u) each
        scores = (q.transpose(3, 4) * self.units**-0.5) @ k.permute(0, 1, 2, 4, 5, 3)  # (n, r, c, h, query, key)
        scores = scores + (self.B + self.mask if self.shift else self.B)
        pattern = self.hook_pattern(self.hook_attn_scores(scores).softmax(5))  # rows add up to 1
        z = self.hook_z((pattern @ v.transpose(3, 4)).transpose(3, 4))  # (n, r, c, token, h, u)
        out = joined(self.o(z.flatten(4)), self.m)  # (n, height, width, d)
        return out.roll((self.shift, self.shift), (1, 2)) if self.shift else out


class MLP(nn.Module):
    """Two linear layers with a GELU between them, for every token by itself."""

    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(d, hidden)
        self.gelu = nn.GELU()
        self.fc2 = nn.Linear(hidden, d)
        self.hook_pre, self.hook_post = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        pre = maps(self.hook_pre, self.fc1(x))  # (n, height, width, hidden)
        return self.fc2(maps(self.hook_post, self.gelu(pre)))


class Block(nn.Module):
    """Eq. 3: each part reads a normed copy of the residual stream and adds to the stream what it has found."""

    def __init__(self, c: Config, stage: int, side: int, shift: int, drop_path: float) -> None:
        super().__init__()
        d, m = c.width * 2**stage, min(c.window, side)
        self.ln1 = nn.LayerNorm(d)
        self.attn = Attention(d, c.heads[stage], m, side, shift if side > m else 0)  # one window has nowhere to go
        self.drop1 = StochasticDepth(drop_path)
        self.ln2 = nn.LayerNorm(d)
        self.mlp = MLP(d, c.ratio * d)
        self.drop2 = StochasticDepth(drop_path)
        self.hook_resid_pre, self.hook_attn_out, self.hook_resid_mid = nn.Identity(), nn.Identity(), nn.Identity()
        self.hook_mlp_out, self.hook_resid_post = nn.Identity(), nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        z = maps(self.hook_resid_pre, z)  # (n, height, width, d)
        z = maps(self.hook_resid_mid, z + maps(self.hook_attn_out, self.drop1(self.attn(self.ln1(z)))))
        return maps(self.hook_resid_post, z + maps(self.hook_mlp_out, self.drop2(self.mlp(self.ln2(z)))))


class Merge(nn.Module):
    """Patch merging: four neighbours become one token, twice as wide."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * d)
        self.reduce = nn.Linear(4 * d, 2 * d, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        four = [z[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduce(self.norm(torch.cat(four, 3)))  # (n, height, width, d) -> (n, height/2, width/2, 2 d)


class Stage(nn.Module):
    """Blocks in turn without and with a shift by half a window; before them, but for the first stage, a merging."""

    def __init__(self, c: Config, stage: int, rates: list[float]) -> None:
        super().__init__()
        side = c.side // c.patch // 2**stage
        shift = c.window // 2 if c.shifted else 0
        self.merge = Merge(c.width * 2 ** (stage - 1)) if stage else None
        self.blocks = nn.ModuleList(Block(c, stage, side, shift * (i % 2), rate) for i, rate in enumerate(rates))

    def forward(self, z: Tensor) -> Tensor:
        if self.merge is not None:
            z = self.merge(z)
        for block in self.blocks:
            z = block(z)
        return z


class Swin(nn.Module):
    """(n, 3, side, side) -> (n, classes) scores, read from the mean of the last stage's tokens."""

    def __init__(self, c: Config = PAPER) -> None:
        super().__init__()
        self.config = c
        self.embed = nn.Conv2d(
            c.channels, c.width, c.patch, stride=c.patch
        )  # one linear layer, the same for each patch
        self.ln_embed = nn.LayerNorm(c.width)
        rates = [c.drop_path * i / (sum(c.depths) - 1) for i in range(sum(c.depths))]  # growing with depth
        ends = [sum(c.depths[: i + 1]) for i in range(len(c.depths))]
        self.stages = nn.ModuleList(Stage(c, i, rates[e - c.depths[i] : e]) for i, e in enumerate(ends))
        d = c.width * 2 ** (len(c.depths) - 1)
        self.ln_final = nn.LayerNorm(d)
        self.unembed = nn.Linear(d, c.classes)
        self.hook_embed, self.hook_final, self.hook_mean = nn.Identity(), nn.Identity(), nn.Identity()
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        z = maps(self.hook_embed, self.ln_embed(self.embed(x).movedim(1, 3)))  # (n, height, width, width of stage 0)
        for stage in self.stages:
            z = stage(z)
        z = maps(self.hook_final, self.ln_final(z))
        return self.unembed(self.hook_mean(z.mean((1, 2))))  # (n, d) -> (n, classes)


def maps(hook: nn.Module, z: Tensor) -> Tensor:
    """Show a hook the tokens (n, height, width, d) as maps, (n, d, height, width), and go on with what it gives back."""
    return hook(z.movedim(3, 1)).movedim(1, 3)


@torch.no_grad()
def initialise(net: Swin) -> None:
    """As the authors' code: matrices and bias tables from a normal distribution of 0.02, cut off; biases 0. That is for a
    width of 96; the matrices of a narrower network start larger, so that sums over its units come out as large.
    Keys start equal to queries, so that a token scores highest with its like (Trockman and Kolter 2023, "Mimetic
    Initialization of Self-Attention Layers")."""
    std = 0.02 * math.sqrt(PAPER.width / net.config.width)
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, Attention):
            nn.init.trunc_normal_(module.table, std=0.02)
    for module in net.modules():
        if isinstance(module, Attention):
            query, key, _ = module.qkv.weight.chunk(3)
            key.copy_(query)


def build(config: Config = SMALL) -> Swin:
    """A Swin, or its twin, with fresh weights."""
    return Swin(config)
