"""BERT, as section 3 of the paper and its appendix A.2 describe it: every word is read with both its sides in view.

J. Devlin, M.-W. Chang, K. Lee, K. Toutanova, "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", arXiv 1810.04805, 2018. Sections and tables below are those of that paper. The layers are those of Vaswani et
al. 2017: sublayer, sum, normalisation, in this order.

A sequence is "[CLS] A [SEP]" or "[CLS] A [SEP] B [SEP]". The first [SEP] ends segment A; what follows it is segment B. Id 0
is padding, which nobody attends to.

    what                              what comes out             BERT base
    embed, pos_embed, segment_embed   (n, tokens, width)         23,837,184 with ln_embed
    blocks.*.attn                     (n, tokens, width)         2,362,368 a block
    blocks.*.mlp                      (n, tokens, width)         4,722,432 a block, and 3,072 in ln1, ln2
    pooler                            (n, width)                 590,592      so far 109,482,240, "110M" in section 3
    mlm_head, unembed                 (n, tokens, vocabulary)    622,650      its matrix is that of `embed`
    next_sentence                     (n, 2)                     1,538        in all 110,106,428
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.positions import waves

PAD = 0


@dataclass(frozen=True)
class Config:
    """The sizes of BERT base (section 3). `left_to_right=True` is the twin: a token sees only what stands before it."""

    vocabulary: int = 30_522  # WordPieces of the published uncased vocabulary
    separator: int = 102  # the id of [SEP] in it
    context: int = 512  # positions that have an embedding
    width: int = 768  # H
    layers: int = 12  # L
    heads: int = 12  # A, of 64 units each
    hidden: int = 3072  # 4H, in the feed-forward part
    dropout: float = 0.1  # on all layers, and on attention (A.2)
    next_sentence: bool = True  # the pooler and the second task, "does B follow A?"
    left_to_right: bool = False
    near: bool = (
        False  # a head starts by looking at what is near it and like it, and is free from there; else at random
    )


PAPER = Config()
SMALL = Config(
    vocabulary=4000,  # byte pairs: a tenth of the weights of 30,000, and few words fall into more than two
    separator=2,
    context=128,
    width=128,
    layers=4,
    heads=4,
    hidden=512,
    dropout=0.0,  # less than two passes through the text: nothing is learnt by heart; fine-tuning has its own
    next_sentence=False,  # Liu et al. 2019 (RoBERTa), Table 2: nothing is lost without it
    near=True,  # what stands beside a blank is used after fewer steps so, and we have few
)
TWIN = replace(SMALL, left_to_right=True)


class Attention(nn.Module):
    """softmax(q k / sqrt(units)) v in every head, side by side, and one matrix that joins the heads again."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.hook_q, self.hook_k, self.hook_v = nn.Identity(), nn.Identity(), nn.Identity()
        self.hook_attn_scores, self.softmax, self.hook_pattern = nn.Identity(), nn.Softmax(-1), nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.hook_z = nn.Identity()
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, hidden: Tensor | None) -> Tensor:
        """x: (n, tokens, width). `hidden`: True where a query may not see a key, (n or 1, 1, tokens or 1, tokens)."""
        q = self.hook_q(self.query(x).unflatten(2, (self.heads, -1)))  # (n, tokens, heads, units)
        k = self.hook_k(self.key(x).unflatten(2, (self.heads, -1)))
        v = self.hook_v(self.value(x).unflatten(2, (self.heads, -1)))
        scores = (q / math.sqrt(q.shape[3])).transpose(1, 2) @ k.permute(0, 2, 3, 1)  # (n, heads, query, key)
        if hidden is not None:
            scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
        pattern = self.hook_pattern(self.softmax(self.hook_attn_scores(scores)))  # (n, heads, query, key)
        z = self.dropout(pattern) @ v.transpose(1, 2)  # (n, heads, query, units)
        z = self.hook_z(z.transpose(1, 2))  # (n, tokens, heads, units)
        return self.output(z.flatten(2))  # (n, tokens, width)


class FeedForward(nn.Module):
    """Two layers, the same for every token, with a GELU between them (A.2: "rather than the standard relu")."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.up = nn.Linear(config.width, config.hidden)
        self.hook_pre, self.gelu, self.hook_post = nn.Identity(), nn.GELU(), nn.Identity()
        self.down = nn.Linear(config.hidden, config.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.hook_pre(self.up(x))  # (n, tokens, hidden)
        return self.down(self.hook_post(self.gelu(x)))  # (n, tokens, width)


class Block(nn.Module):
    """One layer. Each part adds to the stream, and the sum is normalised at once: the stream itself is what is scaled."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.hook_resid_pre = nn.Identity()
        self.attn = Attention(config)
        self.attn_dropout, self.hook_attn_out = nn.Dropout(config.dropout), nn.Identity()
        self.hook_resid_mid = nn.Identity()
        self.ln1 = nn.LayerNorm(config.width, eps=1e-12)
        self.mlp = FeedForward(config)
        self.mlp_dropout, self.hook_mlp_out = nn.Dropout(config.dropout), nn.Identity()
        self.hook_resid_post = nn.Identity()
        self.ln2 = nn.LayerNorm(config.width, eps=1e-12)

    def forward(self, x: Tensor, hidden: Tensor | None) -> Tensor:
        x = self.hook_resid_pre(x)  # (n, tokens, width), here and below
        x = self.hook_resid_mid(x + self.hook_attn_out(self.attn_dropout(self.attn(x, hidden))))
        x = self.ln1(x)
        x = self.hook_resid_post(x + self.hook_mlp_out(self.mlp_dropout(self.mlp(x))))
        return self.ln2(x)


class Encoder(nn.Module):
    """What pre-training and fine-tuning have in common: int64 (n, tokens) -> (n, tokens, width)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocabulary, config.width)
        self.pos_embed = nn.Embedding(config.context, config.width)
        self.segment_embed = nn.Embedding(2, config.width)
        self.hook_embed, self.hook_pos_embed, self.hook_segment_embed = nn.Identity(), nn.Identity(), nn.Identity()
        self.ln_embed = nn.LayerNorm(config.width, eps=1e-12)
        self.embed_dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))

    def segments(self, tokens: Tensor) -> Tensor:
        """int64 like `tokens`: 0 up to the first [SEP] and on padding, 1 after it."""
        ends = (tokens == self.config.separator).long()
        return ((ends.cumsum(1) - ends).clamp(max=1)) * (tokens != PAD)

    def hidden(self, tokens: Tensor) -> Tensor | None:
        """True where a query may not see a key, (n or 1, 1, tokens or 1, tokens); None where everything is in view."""
        padding = (tokens == PAD)[:, None, None]  # (n, 1, 1, tokens)
        if self.config.left_to_right:
            size = tokens.shape[1]
            return padding | torch.ones(size, size, dtype=torch.bool, device=tokens.device).triu(1)
        return padding if bool(padding.any()) else None

    def encode(self, tokens: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        x = self.hook_embed(self.embed(tokens)) + self.hook_pos_embed(self.pos_embed(places))
        x = x + self.hook_segment_embed(self.segment_embed(self.segments(tokens)))  # (n, tokens, width)
        x = self.embed_dropout(self.ln_embed(x))
        hidden = self.hidden(tokens)
        for block in self.blocks:
            x = block(x, hidden)
        return x


class Pooler(nn.Module):
    """The vector of the first token, [CLS], after one more layer: what stands for the sequence as a whole."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear, self.tanh = nn.Linear(width, width), nn.Tanh()

    def forward(self, first: Tensor) -> Tensor:
        return self.tanh(self.linear(first))  # (n, width)


class MaskedHead(nn.Module):
    """One more layer for each token before it is compared with the vocabulary (as in the published code)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear, self.gelu, self.ln = nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        return self.ln(self.gelu(self.linear(x)))


class Unembed(nn.Module):
    """Scores for every token of the vocabulary: likeness to its embedding, and a bias of its own."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, x: Tensor, embeddings: Tensor) -> Tensor:
        return F.linear(x, embeddings, self.bias)


class Bert(Encoder):
    """int64 (n, tokens) -> (n, tokens, vocabulary): what stood, or stands, at each place.

    The twin's scores at a place are for the token after it, as in any left-to-right model.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.mlm_head = MaskedHead(config.width)
        self.unembed = Unembed(config.vocabulary)
        if config.next_sentence:
            self.pooler = Pooler(config.width)
            self.next_sentence = nn.Linear(config.width, 2)
        initialise(self)

    def predict(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., vocabulary), so that a training can ask for the masked places alone."""
        return self.unembed(self.mlm_head(x), self.embed.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.predict(self.encode(tokens))

    def read(self, x: Tensor) -> Tensor:
        """What a sum in the stream (n, tokens, width) says, wherever on its way, by the last block's norm and the head."""
        return self.predict(self.get_submodule(f"blocks.{len(self.blocks) - 1}.ln2")(x))

    def both(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Both tasks of section 3.1: scores of the vocabulary, and (n, 2) of "B follows A" and "B is from elsewhere"."""
        x = self.encode(tokens)
        return self.predict(x), self.next_sentence(self.pooler(x[:, 0]))


@torch.no_grad()
def initialise(net: Encoder) -> None:
    """Weights normal, cut at two deviations, and biases 0, as in the published code. Its deviation of 0.02 is for a width
    of 768; a narrower network has larger ones, so that sums over its units come out as large. With `near` positions are waves
    and keys are queries, so that a token scores highest with itself and its neighbours (Trockman and Kolter 2023,
    arXiv:2305.09828, "mimetic initialization")."""
    std = 0.02 * math.sqrt(PAPER.width / net.config.width)
    for module in net.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    if not net.config.near:
        return
    net.pos_embed.weight.copy_(std * math.sqrt(2) * waves(net.config.context, net.config.width))
    for module in net.modules():
        if isinstance(module, Attention):
            module.key.weight.copy_(module.query.weight.mul_(1.5))


def build(config: Config = SMALL) -> Bert:
    """A BERT, or its twin, with fresh weights."""
    return Bert(config)
