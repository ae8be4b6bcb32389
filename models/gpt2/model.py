"""GPT-2, as section 2.3 of the paper describes it: a Transformer decoder with its normalization moved to the front.

A. Radford, J. Wu, R. Child, D. Luan, D. Amodei, I. Sutskever, "Language Models are Unsupervised Multitask Learners",
OpenAI, 2019. It follows the GPT of Radford, Narasimhan, Salimans, Sutskever 2018 ("GPT-1" below), with four changes:

    "Layer normalization was moved to the input of each sub-block [...]
    and an additional layer normalization was added after the final self-attention block."
    "We scale the weights of residual layers at initialization by a factor of 1/sqrt(N) where N is the number of
    residual layers."
    "The vocabulary is expanded to 50,257. We also increase the context size from 512 to 1024 tokens"

n is the batch, t the tokens, d the width of the stream, h the heads, u = d / h the units of a head, V the vocabulary.

    layer              what comes out          parameters             small of the paper
    embed              (n, t, d)               V d                    50,257 x 768
    pos_embed          (t, d)                  context d               1,024 x 768
    blocks, each       (n, t, d)               12 d d + 13 d          7,087,872, twelve times
    ln_final           (n, t, d)               2 d                    1,536
    unembed            (n, t, V)               0: embed's, once more
                                                                      124,439,808

Every tensor worth a look passes through a module called `hook_...` that does nothing. Their names, those of the weights
(`W_Q`, `W_O`, `W_U`, ...) and their layouts are TransformerLens's, so that its tools read this network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.positions import waves

MASKED = -1e4  # the score of a token that lies ahead: its share after the softmax is exactly 0


@dataclass(frozen=True)
class Config:
    """Table 2, first line, "117M". The count was corrected by the authors later: 124 M, the token table counted once."""

    vocabulary: int = 50_257  # 256 bytes, 50,000 merges, <|endoftext|>
    context: int = 1024  # tokens seen at once, twice GPT-1's
    width: int = 768  # the residual stream
    heads: int = 12  # of 64 units, as in GPT-1
    layers: int = 12
    mlp: int = 4  # the hidden layer's width in units of the stream's; 0 leaves the multilayer perceptrons out
    around: bool = False  # every head starts by looking around itself (`look_around`); else at random


PAPER = Config()

# What we train. 1,024 tokens make most words two or three, so that a token seen before tells the next one (it pays to copy),
# and leave nine tenths of the weights to the blocks. 256 tokens are some 650 letters, a long paragraph. Two layers are the
# least in which one head can build on another's work, four leave room for more. 32 units a head, 6 heads.
SMALL = Config(vocabulary=1024, context=256, width=192, heads=6, layers=4, around=True)
TWIN = Config(vocabulary=1024, context=256, width=192, heads=6, layers=4, mlp=0, around=True)  # attention alone


class LayerNorm(nn.Module):
    """(x - mean) / sqrt(variance + 1e-5), times `weight` plus `bias`: each token by itself, over its d units."""

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.hook_scale, self.hook_normalized = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = x - x.mean(-1, keepdim=True)  # (n, t, d)
        scale = self.hook_scale((x.square().mean(-1, keepdim=True) + self.eps).sqrt())  # (n, t, 1)
        return self.hook_normalized(x / scale) * self.weight + self.bias  # (n, t, d)


class Attention(nn.Module):
    """Every token asks (q), offers (k) and gives (v); it may look at itself and at what came before."""

    mask: Tensor  # (context, context): 0 where a query (row) may look, MASKED ahead of it

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads, self.units = config.heads, config.width // config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)  # all heads' q, then all heads' k, then all heads' v
        self.out = nn.Linear(config.width, config.width)
        self.hook_q, self.hook_k, self.hook_v = nn.Identity(), nn.Identity(), nn.Identity()
        self.hook_attn_scores, self.hook_pattern, self.hook_z = nn.Identity(), nn.Identity(), nn.Identity()
        self.softmax = nn.Softmax(-1)
        ahead = torch.full((config.context, config.context), MASKED).triu(1)
        self.register_buffer("mask", ahead, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        n, t, _ = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, self.units).unbind(2)
        q, k, v = self.hook_q(q), self.hook_k(k), self.hook_v(v)  # (n, t, h, u) each
        q, k, v = (a.transpose(1, 2).flatten(0, 1) for a in (q, k, v))  # (n h, t, u): a head is one more example
        scores = torch.baddbmm(self.mask[:t, :t], q, k.mT, alpha=self.units**-0.5)  # mask + q k / sqrt(u)
        scores = self.hook_attn_scores(scores.unflatten(0, (n, self.heads)))  # (n, h, t, t)
        pattern = self.hook_pattern(self.softmax(scores))  # (n, h, t, t); a row, a query's, adds up to 1
        z = torch.bmm(pattern.flatten(0, 1), v)  # (n h, t, u)
        z = self.hook_z(z.unflatten(0, (n, self.heads)).transpose(1, 2))  # (n, t, h, u)
        return self.out(z.flatten(2))  # (n, t, d)

    def _in(self, part: int) -> tuple[Tensor, Tensor]:
        """Weights (h, d, u) and biases (h, u) of q, k or v."""
        weight, bias = self.qkv.weight.chunk(3)[part], self.qkv.bias.chunk(3)[part]
        return weight.unflatten(0, (self.heads, self.units)).mT, bias.unflatten(0, (self.heads, self.units))

    @property
    def W_Q(self) -> Tensor:  # noqa: N802 (TransformerLens's name)
        return self._in(0)[0]

    @property
    def b_Q(self) -> Tensor:  # noqa: N802
        return self._in(0)[1]

    @property
    def W_K(self) -> Tensor:  # noqa: N802
        return self._in(1)[0]

    @property
    def b_K(self) -> Tensor:  # noqa: N802
        return self._in(1)[1]

    @property
    def W_V(self) -> Tensor:  # noqa: N802
        return self._in(2)[0]

    @property
    def b_V(self) -> Tensor:  # noqa: N802
        return self._in(2)[1]

    @property
    def W_O(self) -> Tensor:  # noqa: N802
        """(h, u, d): what each head's z becomes in the stream; with `hook_z` it gives every head's own part."""
        return self.out.weight.mT.unflatten(0, (self.heads, self.units))

    @property
    def b_O(self) -> Tensor:  # noqa: N802
        return self.out.bias


class MLP(nn.Module):
    """Each token by itself: to four times the width, GELU, and back."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.fc = nn.Linear(config.width, config.mlp * config.width)
        self.out = nn.Linear(config.mlp * config.width, config.width)
        self.gelu = nn.GELU(
            approximate="tanh"
        )  # 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), as in the authors' code
        self.hook_pre, self.hook_post = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hook_post(self.gelu(self.hook_pre(self.fc(x))))  # (n, t, 4 d)
        return self.out(hidden)  # (n, t, d)

    @property
    def W_in(self) -> Tensor:  # noqa: N802
        return self.fc.weight.mT

    @property
    def b_in(self) -> Tensor:
        return self.fc.bias

    @property
    def W_out(self) -> Tensor:  # noqa: N802
        return self.out.weight.mT

    @property
    def b_out(self) -> Tensor:
        return self.out.bias


class Block(nn.Module):
    """Attention reads the stream through a normalization and adds to it; then the perceptron does the same."""

    hook_out_is_single_residual_stream = True  # for TransformerLens: what a block returns is the stream, and that alone

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.hook_resid_pre, self.hook_attn_out = nn.Identity(), nn.Identity()
        self.ln1, self.attn = LayerNorm(config.width), Attention(config)
        if config.mlp:
            self.ln2, self.mlp = LayerNorm(config.width), MLP(config)
            self.hook_resid_mid, self.hook_mlp_out = nn.Identity(), nn.Identity()
        self.attn_only = not config.mlp
        self.hook_resid_post = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.hook_resid_pre(x)  # (n, t, d), and so is every x
        x = x + self.hook_attn_out(self.attn(self.ln1(x)))
        if self.attn_only:
            return self.hook_resid_post(x)
        x = self.hook_resid_mid(x)
        return self.hook_resid_post(x + self.hook_mlp_out(self.mlp(self.ln2(x))))


class Unembed(nn.Module):
    """A score for every token: the product of the stream with that token's own embedding (the table is used twice)."""

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        return F.linear(x, table)  # (n, t, d), (V, d) -> (n, t, V)


class GPT2(nn.Module):
    """(n, t) token ids, t up to the context -> (n, t, V): at each place, the scores of the token that comes next."""

    def __init__(self, config: Config = PAPER) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocabulary, config.width)
        self.pos_embed = nn.Embedding(config.context, config.width)
        self.hook_embed, self.hook_pos_embed = nn.Identity(), nn.Identity()
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.ln_final = LayerNorm(config.width)
        self.unembed = Unembed()

    def forward(self, ids: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        x = self.hook_embed(self.embed(ids)) + self.hook_pos_embed(self.pos_embed(places))  # (n, t, d)
        for block in self.blocks:
            x = block(x)
        return self.read(x)

    def read(self, x: Tensor) -> Tensor:
        """What the stream (n, t, d) says, wherever on its way: (n, t, V)."""
        return self.unembed(self.ln_final(x), self.embed.weight)

    @property
    def W_E(self) -> Tensor:  # noqa: N802
        return self.embed.weight

    @property
    def W_pos(self) -> Tensor:  # noqa: N802
        return self.pos_embed.weight

    @property
    def W_U(self) -> Tensor:  # noqa: N802
        """(d, V): the directions in the stream that speak for each token."""
        return self.embed.weight.mT

    @property
    def b_U(self) -> Tensor:  # noqa: N802
        """(V,): zeros, as GPT-2 has no such bias."""
        return self.embed.weight.new_zeros(self.config.vocabulary)


def build(config: Config = PAPER) -> GPT2:
    """A network with fresh weights: normal, 0.02 (GPT-1); what writes to the stream divided by sqrt(N), section 2.3."""
    model = GPT2(config)
    residual = config.layers * (2 if config.mlp else 1)  # N, the sub-blocks that add to the stream
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        elif weight.ndim == 2:
            nn.init.normal_(weight, std=0.02 / residual**0.5 if name.endswith("out.weight") else 0.02)
    if config.around:
        look_around(model)
    return model


@torch.no_grad()
def look_around(model: GPT2) -> None:
    """Positions start as waves, near ones alike, and keys equal to queries: what is alike looks at each other.

    From there it is not far to the token before; random weights spread a look over a whole page (A. Trockman and J. Z. Kolter,
    "Mimetic Initialization of Self-Attention Layers", 2023).
    """
    model.pos_embed.weight.copy_(0.06 * 2**0.5 * waves(model.config.context, model.config.width))
    for block in model.blocks:
        query, key, _ = block.get_submodule("attn.qkv").get_parameter("weight").chunk(3)
        query.copy_(key.mul_(3.5))  # large enough to tell, on a whole page, its like from the rest
