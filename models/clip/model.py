"""CLIP ViT-B/32, as section 2 of the paper describes it: a picture tower and a text tower that meet in one space.

A. Radford, J. W. Kim, C. Hallacy, A. Ramesh, G. Goh, S. Agarwal, G. Sastry, A. Askell, P. Mishkin, J. Clark, G. Krueger,
I. Sutskever, "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021, arXiv 2103.00020.
Sections, tables and figures below are those of that paper.

    I_e = l2_normalize(picture tower(I) W_i)      T_e = l2_normalize(text tower(T) W_t)      logits = I_e T_e^T e^t

(Fig. 3). A zero-shot classifier is the same product with the embeddings of the classes' names in the place of T_e: a
linear layer whose weights the text tower has written (section 3.1.4). `forward` is that classifier, `write_names` writes it.

n is the batch, t the tokens, d the width of a tower, h its heads, u = d / h, e the units of the common space.

    what comes out                        of SMALL            of PAPER (ViT-B/32)
    picture                               (n, 3, 64, 64)      (n, 3, 224, 224)
    tokens: class token, then patches     (n, 65, 96)         (n, 50, 768)
    attention pattern of the pictures     (n, 4, 65, 65)      (n, 12, 50, 50)
    text                                  (n, up to 32)       (n, up to 77)
    tokens                                (n, t, 64)          (n, t, 512)
    embedding of either                   (n, 64)             (n, 512)
    scores                                (n, 1914)           (n, 1000)

Places that no layer of torch puts out are named identities (`hook_q`, `hook_pattern`, ...), called as in TransformerLens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Tower:
    """The sizes of one transformer. Both towers are pre-norm, with an MLP four times as wide as the stream."""

    width: int
    layers: int
    heads: int


@dataclass(frozen=True)
class Config:
    """The sizes of CLIP ViT-B/32 (Tables 19 and 20). `contrast=False` is the twin: no text, a free weight a name."""

    side: int = 224  # pixels
    patch: int = 32  # pixels: 7x7 patches
    channels: int = 3  # red, green, blue
    picture: Tower = Tower(width=768, layers=12, heads=12)  # ViT-B
    vocabulary: int = 49_408  # byte pairs of the text, the ends among them; the paper's own tokenizer has 49,152 + 256
    context: int = 77  # tokens at most, both ends included: section 2.4 says 76
    end: int = 49_407  # the token at which the text is read out
    text: Tower = Tower(width=512, layers=12, heads=8)  # section 2.4: 63 million parameters
    units: int = 512  # of the space in which both meet
    names: int = 1000  # classes of the zero-shot classifier: ImageNet's
    temperature: float = 0.07  # of the softmax, at the start (section 2.5)
    contrast: bool = True

    @property
    def patches(self) -> int:
        return (self.side // self.patch) ** 2


PAPER = Config()
# 64 patches as 49 in the paper; a tower that one core shows half a million pictures in an hour; names are short texts
SMALL = Config(
    side=64,
    patch=8,
    picture=Tower(width=96, layers=4, heads=4),
    vocabulary=1200,
    context=32,
    end=2,
    text=Tower(width=64, layers=3, heads=2),
    units=64,
    names=1914,
)
TWIN = replace(SMALL, contrast=False)


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x), the approximation of GELU that CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Attention(nn.Module):
    """Every head compares all tokens with all, or with those before (`causal`): softmax(q k^T / sqrt(u)) v."""

    def __init__(self, c: Tower, causal: bool) -> None:
        super().__init__()
        self.heads, self.units, self.causal = c.heads, c.width // c.heads, causal
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.o = nn.Linear(c.width, c.width)
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
        if self.causal:
            later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(later, -torch.inf)
        pattern = self.hook_pattern(self.hook_attn_scores(scores).softmax(3))  # (n, h, query, key), rows add up to 1
        z = self.hook_z((pattern @ v.transpose(1, 2)).transpose(1, 2))  # (n, t, h, u)
        return self.o(z.flatten(2))  # (n, t, d)


class MLP(nn.Module):
    """Two linear layers with a QuickGELU between them, for every token by itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.gelu = QuickGELU()
        self.fc2 = nn.Linear(4 * width, width)
        self.hook_pre, self.hook_post = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.hook_post(self.gelu(self.hook_pre(self.fc1(x)))))  # (n, t, 4 d) inside, (n, t, d) after


class Block(nn.Module):
    """Each part reads a normed copy of the residual stream and adds to the stream what it has found."""

    def __init__(self, c: Tower, causal: bool) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(c.width)
        self.attn = Attention(c, causal)
        self.ln2 = nn.LayerNorm(c.width)
        self.mlp = MLP(c.width)
        self.hook_resid_pre, self.hook_attn_out, self.hook_resid_mid = nn.Identity(), nn.Identity(), nn.Identity()
        self.hook_mlp_out, self.hook_resid_post = nn.Identity(), nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        z = self.hook_resid_pre(z)  # (n, t, d)
        z = self.hook_resid_mid(z + self.hook_attn_out(self.attn(self.ln1(z))))
        return self.hook_resid_post(z + self.hook_mlp_out(self.mlp(self.ln2(z))))


class Visual(nn.Module):
    """The picture tower: a Vision Transformer with one more layer norm, after the positions (section 2.4)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        width = c.picture.width
        self.patch = nn.Conv2d(c.channels, width, c.patch, stride=c.patch, bias=False)
        self.class_token = nn.Parameter(torch.zeros(width))
        self.positions = nn.Parameter(torch.zeros(1 + c.patches, width))
        self.hook_embed, self.hook_pos_embed = nn.Identity(), nn.Identity()
        self.ln_pre = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(c.picture, causal=False) for _ in range(c.picture.layers))
        self.ln_final = nn.LayerNorm(width)
        self.project = nn.Linear(width, c.units, bias=False)  # W_i of Fig. 3

    def embed(self, x: Tensor) -> Tensor:
        """(n, 3, side, side) -> (n, t, d): the class token and the patches row by row, each with its place, normed."""
        patches = self.patch(x).flatten(2).transpose(1, 2)  # (n, t - 1, d)
        tokens = self.hook_embed(torch.cat([self.class_token.expand(len(x), 1, -1), patches], 1))  # (n, t, d)
        return self.ln_pre(tokens + self.hook_pos_embed(self.positions.expand(len(x), -1, -1)))

    def encode(self, z: Tensor) -> Tensor:
        """Any number of tokens, the class token first: (n, t, d) -> (n, e)."""
        for block in self.blocks:
            z = block(z)
        return self.project(self.ln_final(z[:, 0]))

    def forward(self, x: Tensor) -> Tensor:
        return self.encode(self.embed(x))


class Text(nn.Module):
    """The text tower: a transformer that looks back only, read out at the end token (section 2.4)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.end = c.end
        self.embed = nn.Embedding(c.vocabulary, c.text.width)
        self.positions = nn.Parameter(torch.zeros(c.context, c.text.width))
        self.hook_embed, self.hook_pos_embed = nn.Identity(), nn.Identity()
        self.blocks = nn.ModuleList(Block(c.text, causal=True) for _ in range(c.text.layers))
        self.ln_final = nn.LayerNorm(c.text.width)
        self.project = nn.Linear(c.text.width, c.units, bias=False)  # W_t of Fig. 3

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t) ids, anything after the end token -> (n, e)."""
        positions = self.positions[: tokens.shape[1]].expand(len(tokens), -1, -1)
        z = self.hook_embed(self.embed(tokens)) + self.hook_pos_embed(positions)  # (n, t, d)
        for block in self.blocks:
            z = block(z)
        at_end = (
            (tokens == self.end).int().argmax(1)
        )  # (n,): the first end token; nothing before it has seen what follows
        return self.project(self.ln_final(z[torch.arange(len(z), device=z.device), at_end]))


class CLIP(nn.Module):
    """(n, 3, side, side) -> (n, names): the similarity of each picture to each name, times e^t."""

    names: Tensor  # (names, e), each of length 1: written by the text tower; the twin's are its own weights

    def __init__(self, c: Config = PAPER) -> None:
        super().__init__()
        self.config = c
        self.visual = Visual(c)
        if c.contrast:
            self.text = Text(c)
            self.register_buffer("names", torch.zeros(c.names, c.units))
        else:
            self.names = nn.Parameter(torch.zeros(c.names, c.units))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / c.temperature)))  # t of Fig. 3
        self.hook_embedding = nn.Identity()  # I_e
        initialise(self)

    def encode_image(self, pictures: Tensor) -> Tensor:
        """(n, 3, side, side) -> (n, e), each of length 1: I_e."""
        return self.hook_embedding(normalised(self.visual(pictures)))

    def encode_part(self, pictures: Tensor, shown: Tensor) -> Tensor:
        """As `encode_image`, of pictures of which only the patches `shown`, (n, k) places of theirs, are to be seen."""
        z = self.visual.embed(pictures)  # (n, t, d)
        chosen = nn.functional.pad(shown + 1, (1, 0))  # and the class token
        return normalised(self.visual.encode(z.gather(1, chosen[:, :, None].expand(-1, -1, z.shape[2]))))

    def encode_text(self, tokens: Tensor) -> Tensor:
        """(n, t) ids -> (n, e), each of length 1: T_e."""
        return normalised(self.text(tokens))

    def scale(self) -> Tensor:
        """e^t."""
        return self.logit_scale.exp()

    @torch.no_grad()
    def clip_scale(self) -> None:
        """ "Clipped to prevent scaling the logits by more than 100", after every step (section 2.5)."""
        self.logit_scale.clamp_(max=math.log(100))

    def similarity(self, pictures: Tensor, tokens: Tensor) -> Tensor:
        """(n, 3, side, side) and (m, t) -> (n, m): the logits of Fig. 3."""
        return self.scale() * self.encode_image(pictures) @ self.encode_text(tokens).T

    @torch.no_grad()
    def write_names(self, prompts: Tensor) -> None:
        """(names, prompts, t): each name in several sentences, whose embeddings are averaged (section 3.1.4)."""
        parts = prompts.flatten(0, 1).split(256)  # few at a time: what a layer holds then fits into the cache
        each = torch.cat([self.encode_text(part) for part in parts]).unflatten(
            0, prompts.shape[:2]
        )  # (names, prompts, e)
        self.names.copy_(normalised(each.mean(1)))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.scores(self.encode_image(pictures))  # (n, names)

    def read(self, z: Tensor) -> Tensor:
        """What each token's stream (n, t, d) says, wherever on its way, were it the class token's end: (n, t, names)."""
        return self.scores(normalised(self.visual.project(self.visual.ln_final(z))))

    def scores(self, embedding: Tensor) -> Tensor:
        """(..., e) of length 1 -> (..., names): the cosine with every name, times e^t."""
        names = self.names if self.config.contrast else normalised(self.names)
        return self.scale() * embedding @ names.T


def normalised(x: Tensor) -> Tensor:
    """Every row divided by its length."""
    return x / x.norm(dim=-1, keepdim=True)


def contrast(logits: Tensor) -> Tensor:
    """Fig. 3's symmetric loss of (n, n) logits: each picture finds its text among all, each text its picture."""
    diagonal = torch.arange(len(logits), device=logits.device)
    return (nn.functional.cross_entropy(logits, diagonal) + nn.functional.cross_entropy(logits.T, diagonal)) / 2


@torch.no_grad()
def initialise(net: CLIP) -> None:
    """As the authors' code: normal everywhere, narrower with width and, where the stream is written to, with depth."""
    c = net.config
    towers: list[tuple[Visual | Text, Tower]] = [(net.visual, c.picture)]
    if c.contrast:
        towers.append((net.text, c.text))
        nn.init.normal_(net.text.embed.weight, std=0.02)
        nn.init.normal_(net.text.positions, std=0.01)
    else:
        nn.init.normal_(net.names, std=c.units**-0.5)
    nn.init.normal_(net.visual.class_token, std=c.picture.width**-0.5)
    nn.init.normal_(net.visual.positions, std=c.picture.width**-0.5)
    nn.init.normal_(net.visual.patch.weight, std=net.visual.patch.weight[0].numel() ** -0.5)
    for tower, size in towers:
        narrow, deep = size.width**-0.5, (2 * size.layers) ** -0.5
        nn.init.normal_(tower.project.weight, std=narrow)
        for block in tower.blocks:
            assert isinstance(block, Block)
            nn.init.normal_(block.attn.qkv.weight, std=narrow)
            nn.init.normal_(block.attn.o.weight, std=narrow * deep)
            nn.init.normal_(block.mlp.fc1.weight, std=(2 * size.width) ** -0.5)
            nn.init.normal_(block.mlp.fc2.weight, std=narrow * deep)
            for linear in (block.attn.qkv, block.attn.o, block.mlp.fc1, block.mlp.fc2):
                nn.init.zeros_(linear.bias)


def build(config: Config = SMALL) -> CLIP:
    """A CLIP, or its twin, with fresh weights."""
    return CLIP(config)
