"""What a paper declares: who wrote it, what its network takes and gives, and where one may look inside.

Nothing here imports torch, so that all cards load in milliseconds. A paper is a value, not a base class: the network
itself is plain PyTorch in `models/<slug>/model.py`, and every view decides by these declarations whether it fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Track = Literal[
    "Foundations",
    "Convolution",
    "Sequence and attention",
    "Vision transformers",
    "World models",
    "Generation",
    "Agents",
]
TRACKS: tuple[Track, ...] = (
    "Foundations",
    "Convolution",
    "Sequence and attention",
    "Vision transformers",
    "World models",
    "Generation",
    "Agents",
)
AXES = frozenset("batch head query key token layer channel height width unit step".split())


class BadInput(ValueError):
    """Something a visitor gave that cannot be used; its text is one sentence, written for that visitor."""


@dataclass(frozen=True)
class Step:
    """One named step of the preprocessing and the picture after it, for *what the network sees*."""

    name: str  # "grey", "inversion", "crop", "scale", "centre of mass", ...
    what: str  # one plain sentence with this input's own numbers
    pixels: np.ndarray  # (height, width) or (height, width, 3), float32; 0..1 except after normalisation


@dataclass(frozen=True)
class Image:
    """Pictures. `ink=True`: a mark on a ground (digits, drawings), framed as MNIST frames it; else a photograph.

    The network is given (v - mean) / std for v in 0..1, where 1 is full ink for ink and full light for photographs.
    """

    channels: int
    size: tuple[int, int]  # height, width in pixels
    labels: tuple[str, ...]  # names of the classes, in the order of the scores
    mean: tuple[float, ...] = (0.0,)  # per channel, in units of v
    std: tuple[float, ...] = (1.0,)
    ink: bool = True
    box: int = 20  # ink only: the side in pixels of the square that the mark fills, centred by its mass
    binary: bool = False  # a retina of on/off points: v is thresholded at 1/2

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one example, without the batch axis."""
        return (self.channels, *self.size)

    def steps(self, source: bytes | str | Picture | np.ndarray) -> tuple[Step, ...]:
        """Every preprocessing step from the visitor's picture to what the network sees. Raises BadInput."""
        from models.images import steps

        return steps(self, source)

    def parse(self, source: bytes | str | Picture | np.ndarray) -> np.ndarray:
        """Bytes of a picture file, a path, a PIL image or a uint8 array -> float32 (1, channels, height, width)."""
        from models.images import to_network

        return to_network(self, self.steps(source)[-2].pixels)

    def normalise(self, v: np.ndarray) -> np.ndarray:
        """(n, channels, height, width) in 0..1 -> float32 of the same shape, as the network takes it."""
        mean, std = (np.asarray(a, np.float32).reshape(1, -1, 1, 1) for a in (self.mean, self.std))
        v = (v >= 0.5).astype(np.float32) if self.binary else v.astype(np.float32)
        return (v - mean) / std

    def from_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Data-set pictures, uint8 (n, h, w) or (n, h, w, 3), no larger than `size` -> float32 as the network takes it.

        Smaller ones are set in the middle of a ground of zeros (MNIST's 28x28 in LeNet-5's 32x32).
        """
        v = pixels.reshape(*pixels.shape[:3], -1).transpose(0, 3, 1, 2) / np.float32(255)
        down, across = (want - have for want, have in zip(self.size, v.shape[2:], strict=True))
        around = ((0, 0), (0, 0), (down // 2, down - down // 2), (across // 2, across - across // 2))
        return self.normalise(np.pad(v, around))

    def unnormalise(self, x: np.ndarray) -> np.ndarray:
        """The inverse of `normalise` (thresholding aside): back to 0..1, for showing."""
        mean, std = (np.asarray(a, np.float32).reshape(1, -1, 1, 1) for a in (self.mean, self.std))
        return x * std + mean


@dataclass(frozen=True)
class Tree:
    """A family, for drawing it: the generations from old to young, each from left to right, and who has which children."""

    name: str
    generations: tuple[tuple[str, ...], ...]
    couples: tuple[tuple[str, str], ...]
    children: tuple[tuple[tuple[str, str], tuple[str, ...]], ...]  # a couple and its children


@dataclass(frozen=True)
class Fact:
    """A question in two words, "Colin has-aunt": who, and which relation. One-hot units: people, then relations."""

    people: tuple[str, ...]
    relations: tuple[str, ...]
    answers: tuple[tuple[str, tuple[str, ...]], ...] = ()  # every question that has an answer, with all right ones
    held_out: tuple[str, ...] = ()  # the questions among them that seed 0 was never trained on
    trees: tuple[Tree, ...] = ()

    @property
    def shape(self) -> tuple[int]:
        return (len(self.people) + len(self.relations),)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.people + self.relations

    def parse(self, source: bytes | str) -> np.ndarray:
        """ "Colin has-aunt" (case, hyphens and a question mark do not matter) -> float32 (1, people + relations)."""
        text = source.decode("utf8", "replace") if isinstance(source, bytes) else source
        words = text.casefold().replace("?", " ").replace("-", " ").split()
        person = next((i for i, p in enumerate(self.people) if words and p.casefold() == words[0]), None)
        if person is None:
            raise BadInput(f"A fact begins with one of the {len(self.people)} people, for example {self.people[0]}.")
        rest = [w for w in words[1:] if w != "has"]
        relation = next((i for i, r in enumerate(self.relations) if [r.casefold()] == rest), None)
        if relation is None:
            raise BadInput(f"After the person comes one relation out of: {', '.join(self.relations)}.")
        x = np.zeros((1, *self.shape), np.float32)
        x[0, person] = x[0, len(self.people) + relation] = 1
        return x


@dataclass(frozen=True)
class Token:
    """One token of a text: its id, what it is called, and which characters of the text it covers (none: a special one)."""

    id: int
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Text:
    """A text, cut by the tokenizer that lies beside the weights. The network is given int64 (1, tokens)."""

    tokenizer: str  # slug of the network in whose checkpoint folder tokenizer.json lies
    context: int  # the most tokens that the network takes, special ones included
    before: tuple[str, ...] = ()  # special tokens in front: "[CLS]"
    after: tuple[str, ...] = ()  # and behind: "[SEP]"
    mask: str = ""  # the special token of a blank, which a visitor may type as it stands
    small: bool = False  # read in small letters and after a space, as words within a sentence stand

    def tokens(self, source: bytes | str) -> tuple[Token, ...]:
        """The text as the network reads it. Raises BadInput."""
        from models.texts import tokens

        return tokens(self, source)

    def parse(self, source: bytes | str) -> np.ndarray:
        """Text, or the bytes of a UTF-8 text file -> int64 (1, tokens). Raises BadInput."""
        return np.array([[token.id for token in self.tokens(source)]], np.int64)


@dataclass(frozen=True)
class TextPair:
    """A sentence and its translation, as far as there is one: "source TAB target". int64 (1, 2, tokens), padded with id 0.

    Row 0 is the source and `end`, row 1 is `start` and the target: what a decoder is given when it is to say what follows.
    """

    tokenizer: str  # slug of the network in whose checkpoint folder tokenizer.json lies
    context: int  # the most tokens of either side, special ones included
    languages: tuple[str, str]  # "English", "French"
    start: str = "<s>"
    end: str = "</s>"

    def tokens(self, source: bytes | str) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
        """Both sides as the network reads them. Raises BadInput."""
        from models.texts import pair

        return pair(self, source)

    def parse(self, source: bytes | str) -> np.ndarray:
        """ "Hello!" or "Hello!\\tBonjour !" -> int64 (1, 2, tokens). Raises BadInput."""
        sides = self.tokens(source)
        x = np.zeros((1, 2, max(map(len, sides))), np.int64)
        for row, side in zip(x[0], sides, strict=True):
            row[: len(side)] = [token.id for token in side]
        return x


@dataclass(frozen=True)
class ClassScores:
    """One score a class, larger for the more likely. `probability` says how scores become probabilities.

    softmax: exp(s) / sum exp(s). sigmoid: the scores are logits of independent units. identity: each score is a unit's
    output and already lies in 0..1.
    """

    labels: tuple[str, ...]
    unit: str = "logit"  # what a score is measured in: "logit", "negative squared distance", "net input"
    probability: Literal["softmax", "sigmoid", "identity"] = "softmax"
    several: bool = False  # more than one class can be right at once
    kinds: tuple[tuple[str, int], ...] = ()  # of very many classes: each kind and how many, which follow one another

    def kind(self, place: int) -> int:
        """Which of the kinds a class is of, by its place among the labels."""
        ends = np.cumsum([count for _, count in self.kinds])
        return int(np.searchsorted(ends, place, side="right"))


@dataclass(frozen=True)
class Responses(ClassScores):
    """Class scores of threshold units that learn by error correction: `.module.correct` makes one correction."""


@dataclass(frozen=True)
class NextToken:
    """Logits of the token after each one: (n, tokens, vocabulary)."""


@dataclass(frozen=True)
class MaskedToken:
    """Logits of the token in each place, meant where the input has the mask: (n, tokens, vocabulary)."""


@dataclass(frozen=True)
class Translation:
    """Logits of the next token of the target after each of its tokens: (n, tokens, vocabulary)."""


@dataclass(frozen=True)
class Embedding:
    """A vector for each token: (n, tokens, width)."""


Takes = Image | Fact | Text | TextPair
Gives = ClassScores | NextToken | MaskedToken | Translation | Embedding


@dataclass(frozen=True)
class Probe:
    """One place to look: a module path (`*` stands for every child) and the axes of what comes out of it."""

    path: str
    axes: tuple[str, ...]
    what: str = ""  # one plain sentence: what this layer does

    def __post_init__(self) -> None:
        if unknown := set(self.axes) - AXES:
            raise ValueError(f"unknown axes {sorted(unknown)} of probe {self.path}")


@dataclass(frozen=True)
class Claim:
    """What the paper says of itself. Our value is the record's metric of the same name."""

    metric: str  # name of a metric in record.json
    value: float | None  # the paper's; None where it gives no number
    where: str  # "Table 1", "Fig. 4", "section III.B"
    dataset: str  # what the paper measured on
    better: Literal["higher", "lower"] = "higher"
    label: str = ""  # what a visitor reads, "test error"; the metric's name if empty


@dataclass(frozen=True)
class Sample:
    """An input that is always there: one of the probe set, or a file beside the paper or in models/data/sample_files."""

    name: str
    source: str  # "probe:17", a file's name, or where no picture is taken the text itself


@dataclass(frozen=True)
class Paper:
    """An exhibit. Every field is for people or for views to decide by; nothing here computes."""

    slug: str  # "lenet5"; a further network of the same paper is "backprop/families"
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    url: str
    track: Track
    idea: str  # the idea in one sentence
    about: str  # one paragraph
    takes: Takes
    gives: Gives
    probes: tuple[Probe, ...]
    claims: tuple[Claim, ...]
    samples: tuple[Sample, ...]
    dataset: str  # name in models.data: "mnist"
    twin: str  # what the twin lacks, one sentence
    name: str = ""  # what people call it, "LeNet-5"; the title if empty
    network: str = ""  # short name of this network where the paper has several
    penultimate: str = ""  # probe path whose vectors are the paper's representation, for the space view
    stream: str = ""  # path of the residual stream, "blocks.*.hook_resid_post": `module.read` makes logits of any of it
    lesions: tuple[str, ...] = ()  # probe paths of what may be taken out and leaves a network: blocks, branches, layers
    captions: Text | None = (
        None  # what its pictures are compared with, by `module.encode_image`, `encode_text`, `encode_part`
    )
    caption_probes: tuple[Probe, ...] = ()  # of what reads those texts: seen while `module.encode_text` works
    reuse: bool = False  # whether `module.reuse(x)` says how much each layer takes from each one before it
    head_probes: tuple[Probe, ...] = ()  # of classifiers in the middle: seen while `module.all_scores` works
    analogies: tuple[tuple[str, str, str, str], ...] = ()  # of its words, a is to b as c is to d: asked to begin with
    deviations: tuple[str, ...] = field(default=())  # where we differ from the paper and why, a sentence each

    @property
    def headline(self) -> Claim:
        return self.claims[0]

    @property
    def scores(self) -> ClassScores:
        """What it gives, where those are scores of classes. Raises TypeError elsewhere."""
        if not isinstance(self.gives, ClassScores):
            raise TypeError(f"{self.slug} gives no class scores")
        return self.gives

    @property
    def sized(self) -> Image | Fact:
        """What it takes, where every input has the same shape: `shape` and `labels`. Raises TypeError elsewhere."""
        if not isinstance(self.takes, Image | Fact):
            raise TypeError(f"{self.slug} takes inputs of any length")
        return self.takes

    def probe(self, path: str) -> Probe:
        return next(p for p in self.probes if p.path == path)
