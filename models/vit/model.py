"""ViT, as section 3.1 of the paper describes it: a picture cut into patches, read by a plain transformer encoder.

A. Dosovitskiy, L. Beyer, A. Kolesnikov, D. Weissenborn, X. Zhai, T. Unterthiner, M. Dehghani, M. Minderer, G. Heigold,
S. Gelly, J. Uszkoreit, N. Houlsby, "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
ICLR 2021, arXiv 2010.11929. Sections, tables, figures and equations below are those of that paper.

    z_0 = [x_class; x_1 E; ...; x_N E] + E_pos                 (Eq. 1)   `embed`
    z'_l = MSA(LN(z_{l-1})) + z_{l-1}                          (Eq. 2)   `blocks.*.attn`
    z_l = MLP(LN(z'_l)) + z'_l                                 (Eq. 3)   `blocks.*.mlp`
    y = LN(z_L^0), then one linear layer                       (Eq. 4)   `hook_y`, `unembed`

n is the batch, t the tokens: the class token at 0, then the patches row by row; d the width, h the heads, u = d / h.

    what comes out         of SMALL            of PAPER (ViT-B/16)
    picture                (n, 3, 32, 32)      (n, 3, 224, 224)
    patches, embedded      (n, 64, 96)         (n, 196, 768)
    tokens, after Eq. 1    (n, 65, 96)         (n, 197, 768)
    attention pattern      (n, 3, 65, 65)      (n, 12, 197, 197)
    scores                 (n, 10)             (n, 1000)

Places that no layer of torch puts out are named identities (`hook_q`, `hook_pattern`, ...), called as in TransformerLens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """The sizes of ViT-B/16 (Table 1). `positions=False` is the twin: nothing says where a patch lies."""

    side: int = 224  # pixels: the pre-training resolution; divisible by the patch
    patch: int = 16  # pixels: "16x16 words"; the sequence has (side / patch)^2 of them
    channels: int = 3  # red, green, blue
    classes: int = 1000  # ImageNet
    width: int = 768  # D, the same through all layers, as in BERT-base
    layers: int = 12  # of attention and MLP in turn
    heads: int = 12  # so that a head has 64 units
    hidden: int = 3072  # of the MLP: four times the width
    dropout: float = 0.1  # Table 3; after every linear layer but q, k, v, and after adding the positions
    epsilon: float = 1e-6  # of the layer norms, as in the authors' code
    positions: bool = True


PAPER = Config()
# 32x32 pictures in patches of 4 make 64 words; as many layers as a core trains in an hour; each head has 32 units
SMALL = Config(32, 4, 3, 10, width=96, layers=6, heads=3, hidden=192, dropout=0.0)
TWIN = replace(SMALL, positions=False)


class Attention(nn.Module):
    """MSA (appendix A): every head compares all tokens with all, softmax(q k^T / sqrt(u)) v; heads are joined by `o`."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.heads, self.units = c.heads, c.width // c.heads
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.o = nn.Linear(c.width, c.width)
        self.dropout = nn.Dropout(c.dropout)
        self.hook_q, self.hook_k, self.hook_v = nn.Identity(), nn.Identity(), nn.Identity()
        self.hook_attn_scores, self.hook_pattern, self.hook_z = nn.Identity(), nn.Identity(), nn.Identity()

    @property
    def W_O(self) -> Tensor:  # noqa: N802 (TransformerLens's name)
        """(heads, u, d): what each head writes into the residual stream for each of its units."""
        return self.o.weight.T.unflatten(0, (self.heads, self.units))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, self.units)).unbind(2)
        q, k, v = self.hook_q(q), self.hook_k(k), self.hook_v(v)  # (n, t, h, u) each
        scores = (q.transpose(1, 2) * self.units**-0.5) @ k.permute(0, 2, 3, 1)  # (n, h, t, t)
        pattern = self.hook_pattern(self.hook_attn_scores(scores).softmax(3))  # (n, h, query, key), rows add up to 1
        z = self.hook_z((pattern @ v.transpose(1, 2)).transpose(1, 2))  # (n, t, h, u)
        return self.dropout(self.o(z.flatten(2)))  # (n, t, d)


class MLP(nn.Module):
    """Two linear layers with a GELU between them, for every token by itself."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.fc1 = nn.Linear(c.width, c.hidden)
        self.gelu = nn.GELU()
        self.dropout1 = nn.Dropout(c.dropout)
        self.fc2 = nn.Linear(c.hidden, c.width)
        self.dropout2 = nn.Dropout(c.dropout)
        self.hook_pre, self.hook_post = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        post = self.hook_post(self.gelu(self.hook_pre(self.fc1(x))))  # (n, t, hidden)
        return self.dropout2(self.fc2(self.dropout1(post)))  # (n, t, d)


class Block(nn.Module):
    """Eq. 2 and 3: each part reads a normed copy of the residual stream and adds to the stream what it has found."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(c.width, c.epsilon)
        self.attn = Attention(c)
        self.ln2 = nn.LayerNorm(c.width, c.epsilon)
        self.mlp = MLP(c)
        self.hook_resid_pre, self.hook_attn_out, self.hook_resid_mid = nn.Identity(), nn.Identity(), nn.Identity()
        self.hook_mlp_out, self.hook_resid_post = nn.Identity(), nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        z = self.hook_resid_pre(z)  # (n, t, d)
        z = self.hook_resid_mid(z + self.hook_attn_out(self.attn(self.ln1(z))))
        return self.hook_resid_post(z + self.hook_mlp_out(self.mlp(self.ln2(z))))


class ViT(nn.Module):
    """(n, 3, side, side) -> (n, classes) scores, read from the class token."""

    E_pos: Tensor  # (1, t, d)

    def __init__(self, c: Config = PAPER) -> None:
        super().__init__()
        self.config = c
        tokens = 1 + (c.side // c.patch) ** 2
        self.E = nn.Conv2d(c.channels, c.width, c.patch, stride=c.patch)  # one linear layer, the same for each patch
        self.x_class = nn.Parameter(torch.zeros(1, 1, c.width))
        if c.positions:
            self.E_pos = nn.Parameter(torch.zeros(1, tokens, c.width))
        else:
            self.register_buffer("E_pos", torch.zeros(1, tokens, c.width), persistent=False)
        self.hook_embed, self.hook_pos_embed = nn.Identity(), nn.Identity()
        self.dropout = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.ln_final = nn.LayerNorm(c.width, c.epsilon)
        self.hook_y = nn.Identity()
        self.unembed = nn.Linear(c.width, c.classes)
        initialise(self)

    def embed(self, x: Tensor) -> Tensor:
        """Eq. 1: the words of the picture, each with its place. (n, 3, side, side) -> (n, t, d)."""
        patches = self.E(x).flatten(2).transpose(1, 2)  # (n, t - 1, d)
        words = self.hook_embed(torch.cat([self.x_class.expand(len(x), -1, -1), patches], 1))  # (n, t, d)
        return self.dropout(words + self.hook_pos_embed(self.E_pos.expand(len(x), -1, -1)))

    def encode(self, z: Tensor) -> Tensor:
        """Eq. 2 to 4: any number of tokens, the class token first. (n, t, d) -> (n, classes)."""
        for block in self.blocks:
            z = block(z)
        return self.unembed(self.hook_y(self.ln_final(z)[:, 0]))  # (n, d) -> (n, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.encode(self.embed(x))

    def read(self, z: Tensor) -> Tensor:
        """What each word's stream (n, t, d) says, wherever on its way, were it the class token's end: (n, t, classes)."""
        return self.unembed(self.ln_final(z))


@torch.no_grad()
def initialise(net: ViT) -> None:
    """As the authors' code: matrices uniform by Glorot, MLP biases near 0, positions N(0, 0.02), the head 0."""
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, MLP):
            nn.init.normal_(module.fc1.bias, std=1e-6)
            nn.init.normal_(module.fc2.bias, std=1e-6)
    fan_in = net.E.weight[0].numel()
    nn.init.trunc_normal_(net.E.weight, std=fan_in**-0.5)
    nn.init.constant_(net.get_parameter("E.bias"), 0.0)
    nn.init.zeros_(net.unembed.weight)
    if net.config.positions:
        nn.init.normal_(net.E_pos, std=0.02)


def build(config: Config = SMALL) -> ViT:
    """A ViT, or its twin, with fresh weights."""
    return ViT(config)
