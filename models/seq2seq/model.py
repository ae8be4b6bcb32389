"""RNNsearch: a recurrent encoder and decoder, and between them a soft alignment, anew for every word that is written.

D. Bahdanau, K. Cho, Y. Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", ICLR 2015,
arXiv 1409.0473 (2014). Sections and equations below are those of that paper; appendix A gives the sizes.

b is the batch, s the tokens of the source, t those of the target; m units an embedding, n a state, n' an alignment, l maxouts.

    part                   what comes out    parameters as published: m 620, n 1000, n' 1000, l 500, 30,000 words a language
    embeddings E           (b, s or t, m)      37,200,000   m 30,000 for either language
    encoder, 2 directions  (b, s, 2n)           9,726,000   each 3 (m n + n n) + 3 n
    first state W_s        (b, n)               1,001,000   n n + n
    alignment W_a, U_a, v  (b, t, s)            3,001,000   n' n + n' 2n + n', no bias
    decoder W, U, C        (b, t, n)           10,863,000   3 (m n + n n + 2n n) + 3 n
    U_o, V_o, C_o          (b, t, 2l)           3,621,000   2l (n + m + 2n) + 2l, of which the larger of each two remain
    output W_o             (b, t, 30,000)      15,030,000   30,000 l + 30,000
    in all                                     80,442,000   of them 41,000 biases, which the paper's formulas leave out
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.translation import PAD, VOCABULARY, State, Translator


@dataclass(frozen=True)
class Config:
    """The sizes of appendix A.2.3, under the paper's letters."""

    vocabulary: int  # K, of either language
    m: int  # units of an embedding
    n: int  # hidden units: of each direction of the encoder, and of the decoder
    aligning: int  # n', hidden units of the alignment model
    maxout: int  # l, units before the output, each the larger of two
    tied: bool = False  # one matrix is both embeddings and W_o; it takes m = l
    align: bool = True  # False: RNNencdec, one fixed vector for the whole sentence


PAPER = Config(vocabulary=30000, m=620, n=1000, aligning=1000, maxout=500)  # RNNsearch
# 1.34 million parameters for sentences of seven words; a vocabulary for both languages, so that one matrix serves three times
SMALL = Config(vocabulary=VOCABULARY, m=112, n=192, aligning=112, maxout=112, tied=True)
TWIN = Config(vocabulary=VOCABULARY, m=112, n=192, aligning=112, maxout=112, tied=True, align=False)


class GRU(nn.Module):
    """The gated hidden unit of appendix A.1.1, for a whole sentence or one step of it.

    r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), h~ = tanh(W x + U [r h]), h' = (1 - z) h + z h~. The reset gate
    acts on the state before U, and z = 1 means new; nn.GRU does both the other way round.
    """

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.W_rz, self.W = nn.Linear(inputs, 2 * units), nn.Linear(inputs, units)
        self.U_rz, self.U = nn.Linear(units, 2 * units, bias=False), nn.Linear(units, units, bias=False)
        self.hook_reset, self.hook_update, self.hook_candidate, self.hook_state = (nn.Identity() for _ in range(4))

    def weighed(self, x: Tensor) -> Tensor:
        """The inputs' part of all three sums, for as many steps as there are: (..., inputs) -> (..., 3 n)."""
        return torch.cat([self.W_rz(x), self.W(x)], -1)

    def step(self, weighed: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(b, 3 n) and the state (b, n) -> reset, update, candidate, and the new state, each (b, n)."""
        of_gates, of_candidate = weighed.split([2 * h.shape[1], h.shape[1]], 1)
        r, z = torch.sigmoid(of_gates + self.U_rz(h)).chunk(2, 1)
        candidate = torch.tanh(of_candidate + self.U(r * h))
        return r, z, candidate, torch.lerp(h, candidate.to(h.dtype), z.to(h.dtype))  # the state stays float32

    def shown(self, steps: list[tuple[Tensor, Tensor, Tensor, Tensor]]) -> Tensor:
        """All steps' gates and states, through the modules at which one can look: the states (b, steps, n)."""
        r, z, candidate, h = (torch.stack(parts, 1) for parts in zip(*steps, strict=True))
        self.hook_reset(r)
        self.hook_update(z)
        self.hook_candidate(candidate)
        return self.hook_state(h)


class Encoder(nn.Module):
    """(b, s, m) -> annotations (b, s, 2n): at every word what was read up to it, and what was read back down to it (A.2.1)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.hook_embed, self.hook_annotations = nn.Identity(), nn.Identity()
        self.onward, self.back = GRU(c.m, c.n), GRU(c.m, c.n)

    def forward(self, embedded: Tensor, real: Tensor) -> Tensor:
        x = self.hook_embed(embedded)
        onward = self.read(self.onward, x, real, 1)
        back = self.read(self.back, x, real, -1)
        return self.hook_annotations(torch.cat([onward, back], -1))

    @staticmethod
    def read(gru: GRU, x: Tensor, real: Tensor, way: int) -> Tensor:
        """The states of one direction (b, s, n); over padding, where `real` (b, s) is 0, the state stays as it is."""
        weighed, going = gru.weighed(x.transpose(0, 1)).unbind(), real.unbind(1)
        h, steps = x.new_zeros(len(x), gru.U.in_features), []
        for i in range(len(weighed))[::way]:
            r, z, candidate, new = gru.step(weighed[i], h)
            h = torch.lerp(h, new, going[i][:, None])
            steps.append((r, z, candidate, h))
        return gru.shown(steps[::way])


class Alignment(nn.Module):
    """How much each annotation counts for the next word (A.1.2): alpha = softmax(e), e_ij = v . tanh(W_a s_i-1 + U_a h_j)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.U_a = nn.Linear(2 * c.n, c.aligning, bias=False)
        self.W_a = nn.Linear(c.n, c.aligning, bias=False)
        self.v_a = nn.Linear(c.aligning, 1, bias=False)
        self.hook_attn_scores, self.hook_pattern = nn.Identity(), nn.Identity()

    def forward(self, s: Tensor, keys: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """State (b, n), U_a h (b, s, n'), real (b, s) -> e and alpha, each (b, s)."""
        e = self.v_a(torch.tanh(self.W_a(s)[:, None] + keys))[..., 0]
        return e, e.masked_fill(real == 0, -1e9).softmax(-1)


class LastAlone(nn.Module):
    """The twin: alpha is 1 for the last annotation, whatever is written. Its forward half is RNNencdec's fixed vector."""

    def __init__(self) -> None:
        super().__init__()
        self.U_a, self.hook_attn_scores, self.hook_pattern = nn.Identity(), nn.Identity(), nn.Identity()

    def forward(self, s: Tensor, keys: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        last = F.one_hot(real.long().sum(1) - 1, real.shape[1]).to(s.dtype)  # (b, s)
        return last, last


class Maxout(nn.Module):
    """The larger of each two neighbours: (..., 2l) -> (..., l)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, 2)).amax(-1)


class Decoder(nn.Module):
    """Writes the target, looking back at the annotations for every word of it (A.2.2)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.W_s = nn.Linear(c.n, c.n)
        self.align = Alignment(c) if c.align else LastAlone()
        self.gru = GRU(c.m, c.n)
        self.C = nn.Linear(2 * c.n, 3 * c.n, bias=False)  # C_r, C_z and C of the three sums
        self.U_o, self.V_o = nn.Linear(c.n, 2 * c.maxout), nn.Linear(c.m, 2 * c.maxout, bias=False)
        self.C_o = nn.Linear(2 * c.n, 2 * c.maxout, bias=False)
        self.maxout = Maxout()
        self.hook_embed, self.hook_start, self.hook_context, self.hook_pre = (nn.Identity() for _ in range(4))

    def start(self, annotations: Tensor) -> Tensor:
        """The first state, from what the encoder had read at the first word, coming from the end: (b, n)."""
        backward = annotations[:, 0, annotations.shape[2] // 2 :]
        return self.hook_start(torch.tanh(self.W_s(backward)).to(annotations.dtype))

    def forward(self, embedded: Tensor, s: Tensor, annotations: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Words so far (b, t, m), first state (b, n), annotations (b, s, 2n) -> t_i (b, t, l), last state (b, n)."""
        y = self.hook_embed(embedded)
        keys = self.align.U_a(annotations)  # (b, s, n'), the same for all words
        steps, scores, patterns, contexts = [], [], [], []
        for weighed in self.gru.weighed(y.transpose(0, 1)).unbind():
            e, alpha = self.align(s, keys, real)  # (b, s)
            context = (alpha[:, None] @ annotations)[:, 0]  # c_i (b, 2n), Eq. 5
            steps.append(self.gru.step(weighed + self.C(context), s))
            s = steps[-1][-1]
            scores.append(e)
            patterns.append(alpha)
            contexts.append(context)
        self.align.hook_attn_scores(torch.stack(scores, 1)[:, None])  # (b, 1, t, s)
        self.align.hook_pattern(torch.stack(patterns, 1)[:, None])
        states, context = self.gru.shown(steps), self.hook_context(torch.stack(contexts, 1))
        pre = self.hook_pre(self.U_o(states) + self.V_o(y) + self.C_o(context))  # (b, t, 2l)
        return self.maxout(pre), s


class Unembed(nn.Module):
    """W_o t_i: the logit of every word."""

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.linear(x, weight, bias)


class RNNsearch(Translator):
    """(b, 2, tokens) int64, a source and its translation from START on -> logits (b, tokens, vocabulary)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.E_x = nn.Embedding(c.vocabulary, c.m)
        self.E_y = None if c.tied else nn.Embedding(c.vocabulary, c.m)
        self.W_o = None if c.tied else nn.Parameter(torch.empty(c.vocabulary, c.maxout))
        self.b_o = nn.Parameter(torch.zeros(c.vocabulary))
        self.encoder, self.decoder, self.unembed = Encoder(c), Decoder(c), Unembed()
        initialise(self)

    def forward(self, pair: Tensor) -> Tensor:
        return self.teach(pair[:, 0], pair[:, 1])

    def teach(self, source: Tensor, target: Tensor) -> Tensor:
        state = self.start(source)
        return self.write(target, state)[0]  # (b, t, vocabulary)

    def start(self, source: Tensor) -> State:
        embedded = self.E_x(source)
        real = (source != PAD).to(embedded.dtype)  # (b, s): 0 for padding
        annotations = self.encoder(embedded, real)
        return {"annotations": annotations, "real": real, "s": self.decoder.start(annotations)}

    def write(self, target: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """Logits (b, t, vocabulary) of the word after each of the target's, and the state after the last (b, n)."""
        embedded = (self.E_x if self.E_y is None else self.E_y)(target)
        t, s = self.decoder(embedded, state["s"], state["annotations"], state["real"])
        return self.unembed(t, self.E_x.weight if self.W_o is None else self.W_o, self.b_o), s

    def next(self, last: Tensor, state: State) -> tuple[Tensor, State]:
        logits, s = self.write(last[:, None], state)
        return logits[:, 0].log_softmax(-1), state | {"s": s}


@torch.no_grad()
def initialise(net: RNNsearch) -> None:
    """Recurrent matrices orthogonal, as in B.1; the others by the number of their units, as our network is narrower."""
    for name, parameter in net.named_parameters():
        if name.endswith(("U.weight", "U_rz.weight")):
            for square in parameter.split(parameter.shape[1]):
                nn.init.orthogonal_(square)
        elif name in ("E_x.weight", "E_y.weight", "W_o"):
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
        elif parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter)
        else:
            nn.init.zeros_(parameter)


def build(config: Config = SMALL) -> RNNsearch:
    """An RNNsearch, or its twin, with fresh weights."""
    return RNNsearch(config)
