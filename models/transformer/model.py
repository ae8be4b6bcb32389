"""The Transformer: an encoder and a decoder of attention alone, without recurrence and without convolution.

A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, L. Kaiser, I. Polosukhin, "Attention Is All You
Need", NeurIPS 2017, arXiv 1706.03762. Sections, tables and equations below are those of that paper.

n is the batch, s the tokens of the source, t those of the target, d = d_model, h the heads, k = d / h.

    part                   what comes out   parameters of the base model: d 512, d_ff 2048, 37,000 tokens
    embedding, shared      (n, s or t, d)   18,944,000   37,000 d, used three times (3.4)
    positions              (s or t, d)               0   sines and cosines (3.5)
    6 encoder blocks       (n, s, d)        18,902,016   each 4 d^2 + (2 d d_ff + d_ff + d) + 2 x 2 d = 3,150,336
    6 decoder blocks       (n, t, d)        25,199,616   each 8 d^2 + (2 d d_ff + d_ff + d) + 3 x 2 d = 4,199,936
    pre-softmax            (n, t, 37,000)            0   the embedding again
    in all                                  63,045,632   65 million in Table 3
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.translation import PAD, VOCABULARY, State, Translator

Memory = tuple[Tensor, Tensor]  # keys and values (n, tokens, h, k) of all that can be looked at


@dataclass(frozen=True)
class Config:
    """The numbers of Table 3, with its own letters where it has them."""

    vocabulary: int  # tokens, for both languages together (5.1)
    blocks: int  # N, of the encoder and of the decoder
    d_model: int  # width of every residual stream
    d_ff: int  # width inside the feed-forward networks
    heads: int  # h; each has d_model / h units for its keys and values
    dropout: float = 0.1  # P_drop: of what each sub-layer adds, and of the embeddings (5.4)
    context: int = 512  # tokens for which positions are made: more than a sentence has
    positions: bool = True  # False: the network is not told where a token stands


PAPER = Config(vocabulary=37000, blocks=6, d_model=512, d_ff=2048, heads=8)  # base
# 1.77 million parameters for sentences of seven words: as deep as the residual streams are worth looking at, and narrow
SMALL = Config(vocabulary=VOCABULARY, blocks=3, d_model=128, d_ff=512, heads=4, dropout=0.05)
TWIN = Config(vocabulary=VOCABULARY, blocks=3, d_model=128, d_ff=512, heads=1, dropout=0.05)  # Table 3 (A), first line
NO_POSITIONS = Config(vocabulary=VOCABULARY, blocks=3, d_model=128, d_ff=512, heads=4, positions=False, dropout=0.05)


class Attention(nn.Module):
    """Multi-head attention (3.2.2): softmax(Q K^T / sqrt(k)) V in every head, and one matrix over all heads."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.heads, self.units = c.heads, c.d_model // c.heads
        self.W_Q, self.W_K, self.W_V, self.W_O = (nn.Linear(c.d_model, c.d_model, bias=False) for _ in range(4))
        self.softmax = nn.Softmax(-1)
        self.hook_q, self.hook_k, self.hook_v, self.hook_z = (nn.Identity() for _ in range(4))
        self.hook_attn_scores, self.hook_pattern = nn.Identity(), nn.Identity()

    def remember(self, asked: Tensor) -> Memory:
        """The keys and values of (n, k, d)."""
        k = self.hook_k(self.W_K(asked).unflatten(-1, (self.heads, self.units)))  # (n, k, h, units)
        v = self.hook_v(self.W_V(asked).unflatten(-1, (self.heads, self.units)))
        return k, v

    def forward(self, asking: Tensor, memory: Memory, hidden: Tensor) -> Tensor:
        """(n, q, d) looks at k tokens, but not where `hidden` (n or 1, 1, q or 1, k) is true."""
        q = self.hook_q(self.W_Q(asking).unflatten(-1, (self.heads, self.units)))  # (n, q, h, units)
        k, v = memory
        scores = q.transpose(1, 2) @ k.permute(0, 2, 3, 1) / math.sqrt(self.units)  # (n, h, q, k), Eq. 1
        scores = self.hook_attn_scores(scores).masked_fill(hidden, -1e9)
        pattern = self.hook_pattern(self.softmax(scores))  # (n, h, q, k), each row adds up to 1
        z = self.hook_z((pattern @ v.transpose(1, 2)).transpose(1, 2))  # (n, q, h, k)
        return self.W_O(z.flatten(-2))  # (n, q, d)


class FeedForward(nn.Module):
    """max(0, x W_1 + b_1) W_2 + b_2, at every position alike (Eq. 2)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.W_in, self.W_out = nn.Linear(c.d_model, c.d_ff), nn.Linear(c.d_ff, c.d_model)
        self.relu = nn.ReLU()
        self.hook_pre, self.hook_post = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.W_out(self.hook_post(self.relu(self.hook_pre(self.W_in(x)))))  # (n, t, d)


class EncoderBlock(nn.Module):
    """LayerNorm(x + Sublayer(x)), twice (3.1): self-attention, then the feed-forward network."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.attn, self.mlp = Attention(c), FeedForward(c)
        self.attn_dropout, self.mlp_dropout = nn.Dropout(c.dropout), nn.Dropout(c.dropout)
        self.ln1, self.ln2 = nn.LayerNorm(c.d_model), nn.LayerNorm(c.d_model)
        self.hook_resid_pre, self.hook_resid_mid, self.hook_resid_post = (nn.Identity() for _ in range(3))
        self.hook_attn_out, self.hook_mlp_out = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        x = self.hook_resid_pre(x)  # (n, s, d)
        x = x + self.hook_attn_out(self.attn_dropout(self.attn(x, self.attn.remember(x), hidden)))
        x = self.ln1(self.hook_resid_mid(x))
        x = x + self.hook_mlp_out(self.mlp_dropout(self.mlp(x)))
        return self.ln2(self.hook_resid_post(x))


class DecoderBlock(nn.Module):
    """As the encoder's, with a third sub-layer between its two: attention to what the encoder made of the source."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.attn, self.cross_attn, self.mlp = Attention(c), Attention(c), FeedForward(c)
        self.attn_dropout, self.cross_dropout, self.mlp_dropout = (nn.Dropout(c.dropout) for _ in range(3))
        self.ln1, self.ln2, self.ln3 = (nn.LayerNorm(c.d_model) for _ in range(3))
        self.hook_resid_pre, self.hook_resid_mid, self.hook_resid_post = (nn.Identity() for _ in range(3))
        self.hook_resid_mid_cross = nn.Identity()
        self.hook_attn_out, self.hook_cross_attn_out, self.hook_mlp_out = (nn.Identity() for _ in range(3))

    def forward(self, x: Tensor, across: Memory, hidden: Tensor, past: Memory | None = None) -> tuple[Tensor, Memory]:
        """(n, t, d), after `past` tokens already written -> the same, and what later tokens may look at."""
        x = self.hook_resid_pre(x)  # (n, t, d)
        own = self.attn.remember(x)
        if past is not None:
            own = torch.cat([past[0], own[0]], 1), torch.cat([past[1], own[1]], 1)
        later = torch.ones(1, 1, x.shape[1], own[0].shape[1], dtype=torch.bool, device=x.device)
        later = later.triu(1 + own[0].shape[1] - x.shape[1])  # true where a key comes after the query
        x = x + self.hook_attn_out(self.attn_dropout(self.attn(x, own, later)))
        x = self.ln1(self.hook_resid_mid(x))
        x = x + self.hook_cross_attn_out(self.cross_dropout(self.cross_attn(x, across, hidden)))
        x = self.ln2(self.hook_resid_mid_cross(x))
        x = x + self.hook_mlp_out(self.mlp_dropout(self.mlp(x)))
        return self.ln3(self.hook_resid_post(x)), own


def sinusoids(context: int, d: int) -> Tensor:
    """(context, d): unit 2i of position p is sin(p / 10000^(2i/d)), unit 2i + 1 the cosine of the same (3.5)."""
    angle = torch.arange(context)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


class Stack(nn.Module):
    """What encoder and decoder begin with: embeddings and positions added up, and dropout over the sum."""

    table: Tensor  # (context, d)

    def __init__(self, c: Config) -> None:
        super().__init__()
        table = sinusoids(c.context, c.d_model) if c.positions else torch.zeros(c.context, c.d_model)
        self.register_buffer("table", table, persistent=False)
        self.hook_embed, self.hook_pos_embed, self.dropout = nn.Identity(), nn.Identity(), nn.Dropout(c.dropout)

    def placed(self, embedded: Tensor, first: int = 0) -> Tensor:
        positions = self.table[first : first + embedded.shape[1]].expand_as(embedded)  # (n, s or t, d)
        return self.dropout(self.hook_embed(embedded) + self.hook_pos_embed(positions))


class Encoder(Stack):
    """The source, every token of it seeing all others: (n, s, d) -> (n, s, d)."""

    def __init__(self, c: Config) -> None:
        super().__init__(c)
        self.blocks = nn.ModuleList(EncoderBlock(c) for _ in range(c.blocks))

    def forward(self, embedded: Tensor, hidden: Tensor) -> Tensor:
        x = self.placed(embedded)
        for block in self.blocks:
            x = block(x, hidden)
        return x


class Decoder(Stack):
    """The target so far, each token seeing itself, those before it, and the whole source: (n, t, d) -> (n, t, d)."""

    def __init__(self, c: Config) -> None:
        super().__init__(c)
        self.blocks = nn.ModuleList(DecoderBlock(c) for _ in range(c.blocks))

    def across(self, source: Tensor) -> list[Memory]:
        """What every block will look at of the encoder's output (n, s, d)."""
        return [b.cross_attn.remember(source) for b in self.blocks if isinstance(b, DecoderBlock)]

    def forward(
        self, embedded: Tensor, across: list[Memory], hidden: Tensor, past: list[Memory] | None = None
    ) -> tuple[Tensor, list[Memory]]:
        x = self.placed(embedded, past[0][0].shape[1] if past else 0)
        memories = []
        for i, block in enumerate(self.blocks):
            x, own = block(x, across[i], hidden, past[i] if past else None)
            memories.append(own)
        return x, memories


class Unembed(nn.Module):
    """The logits of every token: the same matrix as the embedding's (3.4)."""

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x, weight)


class Transformer(Translator):
    """(n, 2, tokens) int64, a source and its translation from START on -> logits (n, tokens, vocabulary)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.scale = math.sqrt(c.d_model)  # of the embeddings (3.4)
        self.embed = nn.Embedding(c.vocabulary, c.d_model)
        self.encoder, self.decoder, self.unembed = Encoder(c), Decoder(c), Unembed()
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.embed.weight, std=c.d_model**-0.5)  # so that a scaled embedding has units of size 1

    def forward(self, pair: Tensor) -> Tensor:
        return self.teach(pair[:, 0], pair[:, 1])

    def teach(self, source: Tensor, target: Tensor) -> Tensor:
        read, hidden = self.encode(source)
        written, _ = self.decoder(self.embed(target) * self.scale, self.decoder.across(read), hidden)  # (n, t, d)
        return self.unembed(written, self.embed.weight)  # (n, t, vocabulary)

    def read(self, x: Tensor) -> Tensor:
        """What a sum in the decoder's stream (n, t, d) says, wherever on its way, by the last block's norm: (n, t, V)."""
        last = self.get_submodule(f"decoder.blocks.{len(self.decoder.blocks) - 1}")
        return self.unembed(last.get_submodule("ln3")(x), self.embed.weight)

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(n, s) -> the encoder's output (n, s, d), and where the source is padding, which nothing looks at (n, 1, 1, s)."""
        hidden = (source == PAD)[:, None, None]
        return self.encoder(self.embed(source) * self.scale, hidden), hidden

    def start(self, source: Tensor) -> State:
        read, hidden = self.encode(source)
        return {"hidden": hidden, **kept("across", self.decoder.across(read))}

    def next(self, last: Tensor, state: State) -> tuple[Tensor, State]:
        across, past = found("across", state), found("past", state)
        x, memories = self.decoder(self.embed(last[:, None]) * self.scale, across, state["hidden"], past)
        return self.unembed(x[:, -1], self.embed.weight).log_softmax(-1), state | kept("past", memories)


def kept(name: str, memories: list[Memory]) -> State:
    """The memories of all blocks as tensors by name, and, below, back again."""
    return {f"{name} {i} {part}": x for i, memory in enumerate(memories) for part, x in zip("kv", memory, strict=True)}


def found(name: str, state: State) -> list[Memory]:
    parts = [x for key, x in state.items() if key.startswith(f"{name} ")]
    return list(zip(parts[::2], parts[1::2], strict=True))


def build(config: Config = SMALL) -> Transformer:
    """A Transformer, or one of its twins, with fresh weights."""
    return Transformer(config)
