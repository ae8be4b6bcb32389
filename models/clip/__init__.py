"""CLIP (Radford, Kim, Hallacy, Ramesh, Goh, Agarwal, Sastry, Askell, Mishkin, Clark, Krueger, Sutskever 2021)."""

from __future__ import annotations

from pathlib import Path

from models.paper import Claim, ClassScores, Image, Paper, Probe, Sample, Text

STREAM = ("batch", "token", "channel")
HEADS = ("batch", "token", "head", "unit")
PATTERN = ("batch", "head", "query", "key")
UNITS = ("batch", "token", "unit")

NAMES = tuple(Path(__file__).with_name("names.txt").read_text("utf8").splitlines())
KINDS = (
    ("smileys and emotion", 171),
    ("people and body", 388),
    ("animals and nature", 160),
    ("food and drink", 131),
    ("travel and places", 219),
    ("activities", 85),
    ("objects", 266),
    ("symbols", 224),
    ("flags", 270),
)  # Unicode's groups, in whose order the names stand
# Red, green and blue of the authors' training pictures, as their code has them
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CAPTION = Text("clip", 32, before=("<|startoftext|>",), after=("<|endoftext|>",), small=True)
PICTURE = Image(channels=3, size=(64, 64), labels=NAMES, mean=MEAN, std=STD, ink=False)


def layers(tower: str) -> tuple[Probe, ...]:
    """The probes of every layer of a tower, "visual" or "text"; both are built alike."""
    return (
        Probe(
            f"{tower}.blocks.*.hook_resid_pre",
            STREAM,
            "The residual stream as it comes into a layer: all that each token knows so far.",
        ),
        Probe(
            f"{tower}.blocks.*.ln1", STREAM, "The stream with each token brought to the same size: what the heads read."
        ),
        Probe(f"{tower}.blocks.*.attn.hook_q", HEADS, "Queries: what each token is looking for, one vector a head."),
        Probe(f"{tower}.blocks.*.attn.hook_k", HEADS, "Keys: what each token can be found by, one vector a head."),
        Probe(f"{tower}.blocks.*.attn.hook_v", HEADS, "Values: what each token hands over to those that attend to it."),
        Probe(
            f"{tower}.blocks.*.attn.hook_attn_scores",
            PATTERN,
            "How well each query meets each key, before the softmax.",
        ),
        Probe(
            f"{tower}.blocks.*.attn.hook_pattern",
            PATTERN,
            "Attention: how much each token (query) takes from each token (key), 1 in all.",
        ),
        Probe(
            f"{tower}.blocks.*.attn.hook_z",
            HEADS,
            "What each head has gathered for each token: the values, weighted by attention.",
        ),
        Probe(
            f"{tower}.blocks.*.hook_attn_out",
            STREAM,
            "What all heads of the layer together add to the residual stream.",
        ),
        Probe(f"{tower}.blocks.*.hook_resid_mid", STREAM, "The residual stream between attention and MLP."),
        Probe(
            f"{tower}.blocks.*.ln2", STREAM, "The stream with each token brought to the same size: what the MLP reads."
        ),
        Probe(
            f"{tower}.blocks.*.mlp.hook_pre",
            UNITS,
            "The MLP's hidden units before the QuickGELU: weighted sums over one token.",
        ),
        Probe(
            f"{tower}.blocks.*.mlp.hook_post",
            UNITS,
            "The MLP's hidden units after the QuickGELU: which of its features each token shows.",
        ),
        Probe(f"{tower}.blocks.*.hook_mlp_out", STREAM, "What the MLP adds to the residual stream."),
        Probe(f"{tower}.blocks.*.hook_resid_post", STREAM, "The residual stream as it leaves a layer."),
    )


PAPER = Paper(
    slug="clip",
    name="CLIP",
    title="Learning Transferable Visual Models From Natural Language Supervision",
    authors=(
        "Alec Radford",
        "Jong Wook Kim",
        "Chris Hallacy",
        "Aditya Ramesh",
        "Gabriel Goh",
        "Sandhini Agarwal",
        "Girish Sastry",
        "Amanda Askell",
        "Pamela Mishkin",
        "Jack Clark",
        "Gretchen Krueger",
        "Ilya Sutskever",
    ),
    year=2021,
    venue="ICML 2021",
    url="https://arxiv.org/abs/2103.00020",
    track="Vision transformers",
    idea="Let a picture and its caption find each other among all pictures and captions of a batch: what comes of it is a space "
    "in which both have a place, and any sentence can serve as the name of a class.",
    about="Two towers read, one the picture and one the text, and each ends in a vector of 64 numbers, an arrow of length 1. "
    "During training a batch of drawings and a batch of captions are compared, each with each; the arrows of those that belong "
    "together are turned towards each other, all other pairs apart. No list of classes is built into the network. To ask which of "
    "1,914 emoji a drawing shows, the text tower reads their names once, and the arrows it gives are laid down as the weights of "
    "a last layer; other sentences would make another classifier, with no training. The network learnt from the drawings of six "
    "vendors, and is asked about the drawings of a seventh, in a style that it has never seen.",
    takes=PICTURE,
    gives=ClassScores(labels=NAMES, unit="cosine times the scale", kinds=KINDS),
    probes=(
        Probe(
            "visual.patch",
            ("batch", "channel", "height", "width"),
            "Each patch of the picture as 96 numbers, by one linear layer.",
        ),
        Probe(
            "visual.hook_embed",
            STREAM,
            "The class token, then the patches row by row, before they know their place.",
        ),
        Probe(
            "visual.hook_pos_embed", STREAM, "What is added to each token for its place: the same for every picture."
        ),
        Probe("visual.ln_pre", STREAM, "Tokens with their places, brought to the same size: where the stream begins."),
        *layers("visual"),
        Probe(
            "visual.ln_final",
            ("batch", "channel"),
            "The class token at the end, brought to the size that the projection reads.",
        ),
        Probe("visual.project", ("batch", "unit"), "The class token's vector as 64 numbers, in the space of texts."),
        Probe(
            "hook_embedding",
            ("batch", "unit"),
            "The same 64 numbers as an arrow of length 1: what is compared with the arrow of every name.",
        ),
    ),
    claims=(
        Claim(
            "test_accuracy",
            63.2,
            "Table 11, ViT-B/32, zero-shot among 1,000 classes",
            "ImageNet",
            label="the right name among all names",
        ),
        Claim(
            "zero_shot_group",
            91.3,
            "Table 11, ViT-B/32, zero-shot among 10 classes",
            "CIFAR-10",
            label="zero-shot accuracy with few classes (ours: the 9 groups of Unicode)",
        ),
    ),
    samples=(
        Sample("red apple", "probe:201"),
        Sample("tiger", "probe:157"),
        Sample("thinking face", "probe:18"),
        Sample("rose", "probe:180"),
        Sample("guitar", "probe:344"),
        Sample("crown", "probe:306"),
        Sample("astronaut", "probe:129"),
        Sample("sunrise", "probe:234"),
        Sample("microscope", "probe:357"),
        Sample("flag: Japan", "probe:460"),
    ),
    dataset="emoji",
    twin="No contrast and no text: the same picture tower, with a free weight vector for each of the 1,914 names.",
    penultimate="hook_embedding",
    stream="visual.blocks.*.hook_resid_post",
    captions=CAPTION,
    caption_probes=(
        Probe("text.hook_embed", STREAM, "Each token's own vector, before it knows its place."),
        Probe("text.hook_pos_embed", STREAM, "What is added to each token for its place: the same for every text."),
        *layers("text"),
        Probe(
            "text.ln_final",
            ("batch", "channel"),
            "The end token at the end, brought to the size that the projection reads.",
        ),
        Probe("text.project", ("batch", "unit"), "The end token's vector as 64 numbers, in the space of pictures."),
    ),
    deviations=(
        "0.7 million parameters in two towers, 64x64 pictures in patches of 8x8, a space of 64 dimensions; the paper's ViT-B/32 "
        "has 151 million, 224x224 in patches of 32x32, and 512 dimensions.",
        "Trained on 9,233 drawings of emoji, with captions that a program makes of their names and keywords; the paper's 400 "
        "million pictures come with what people wrote beside them.",
        "The names of the test were seen in training, as captions of other vendors' drawings: new is the style. Nearest to "
        "zero-shot as the paper means it are the nine groups: no caption gives a group as such, but some of their words are "
        "keywords (animal, food) or stand in names (flag). The recipe was set without a look at any network's answers to the "
        "test's drawings.",
        "A batch of 174 pictures, each of another emoji, instead of 32,768: two drawings of the same emoji in one batch would be "
        "taught that they do not belong together.",
        "For the first 70 % of the training a picture is shown by half of its patches, drawn at random (as Li et al. 2022 do), "
        "and whole for the rest. Turns, shifts, mirroring, tints and grounds of any colour take the place of random crops.",
        "The vocabulary has 1,200 byte pairs learnt from the names and keywords, the paper's 49,152. What is kept is an average "
        "over the last weights.",
    ),
)
