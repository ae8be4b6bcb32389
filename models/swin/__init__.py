"""Swin (Liu et al. 2021)."""

from __future__ import annotations

from models.data.cifar10 import CIFAR, LABELS, SAMPLES
from models.paper import Claim, ClassScores, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
# Inside a window: height and width are the row and the column of the window in the picture, not of a token.
HEADS = ("batch", "height", "width", "token", "head", "unit")
PATTERN = ("batch", "height", "width", "head", "query", "key")

PAPER = Paper(
    slug="swin",
    name="Swin",
    title="Swin Transformer: Hierarchical Vision Transformer using Shifted Windows",
    authors=(
        "Ze Liu",
        "Yutong Lin",
        "Yue Cao",
        "Han Hu",
        "Yixuan Wei",
        "Zheng Zhang",
        "Stephen Lin",
        "Baining Guo",
    ),
    year=2021,
    venue="ICCV 2021",
    url="https://arxiv.org/abs/2103.14030",
    track="Vision transformers",
    idea="Let words of a picture attend only to those in the same small window, and move the windows by half their width from one "
    "layer to the next: what was a border before is then in the middle of a window.",
    about="When every patch attends to every other, twice as fine patches cost sixteen times as much. Swin lays windows of "
    "4x4 patches over the picture and lets each attend within its window, so that costs grow with the picture's area and "
    "patches can be as small as 2x2 pixels. So that nothing stays shut up in its window, those of every second layer lie half "
    "a window lower and farther right. Inside one, a learnt number for each offset says what a neighbour above or to the left "
    "counts. From stage to stage four neighbouring patches are merged into one: 16x16, then 8x8, then 4x4, coarser maps of "
    "more channels, as in a convolutional network.",
    takes=CIFAR,
    gives=ClassScores(labels=LABELS),
    probes=(
        Probe(
            "hook_embed", MAPS, "Each patch of 2x2 pixels as 32 numbers, by one linear layer, brought to the same size."
        ),
        Probe(
            "stages.*.blocks.*.hook_resid_pre",
            MAPS,
            "The residual stream as it comes into a block, as maps of the picture.",
        ),
        Probe("stages.*.blocks.*.attn.hook_q", HEADS, "Queries, window by window: what each token is looking for."),
        Probe("stages.*.blocks.*.attn.hook_k", HEADS, "Keys, window by window: what each token can be found by."),
        Probe(
            "stages.*.blocks.*.attn.hook_v",
            HEADS,
            "Values, window by window: what each token hands to those that attend to it.",
        ),
        Probe(
            "stages.*.blocks.*.attn.hook_attn_scores",
            PATTERN,
            "How well each query of a window meets each key, its position bias added; -100 for tokens that only rolled together.",
        ),
        Probe(
            "stages.*.blocks.*.attn.hook_pattern",
            PATTERN,
            "Attention in each window: how much each token (query) takes from each other (key), 1 in all.",
        ),
        Probe("stages.*.blocks.*.attn.hook_z", HEADS, "What each head has gathered for each token from its window."),
        Probe(
            "stages.*.blocks.*.hook_attn_out",
            MAPS,
            "What all heads of the block together add to the stream, windows laid back in place.",
        ),
        Probe("stages.*.blocks.*.hook_resid_mid", MAPS, "The residual stream between attention and MLP."),
        Probe(
            "stages.*.blocks.*.mlp.hook_pre",
            MAPS,
            "The MLP's hidden units before the GELU: weighted sums over one token.",
        ),
        Probe(
            "stages.*.blocks.*.mlp.hook_post",
            MAPS,
            "The MLP's hidden units after the GELU: where in the picture each feature is.",
        ),
        Probe("stages.*.blocks.*.hook_mlp_out", MAPS, "What the MLP adds to the residual stream."),
        Probe("stages.*.blocks.*.hook_resid_post", MAPS, "The residual stream as it leaves a block."),
        Probe("hook_final", MAPS, "The last stage's 4x4 tokens, each brought to the same size: 128 coarse maps."),
        Probe("hook_mean", ("batch", "unit"), "The mean of those tokens: the picture in 128 numbers."),
        Probe("unembed", ("batch", "unit"), "The scores: one weighted sum of the mean for each class."),
    ),
    claims=(
        Claim(
            "test_accuracy",
            81.3,
            "Table 4, Swin-T, with 28 million parameters",
            "ImageNet, 1,000 classes",
            label="test accuracy",
        ),
        Claim(
            "twin_test_accuracy",
            80.2,
            "Table 4, where 81.3 % are reached with shifted windows",
            "ImageNet, 1,000 classes",
            label="accuracy without shifting the windows",
        ),
    ),
    samples=SAMPLES,
    dataset="cifar10",
    twin="The windows are not shifted: all layers of a stage look through the same ones.",
    penultimate="hook_mean",
    deviations=(
        "0.33 million parameters and 32x32 pictures: patches of 2x2 pixels, windows of 4x4 patches and three stages of 2, 4 and "
        "1 blocks, where Swin-T has patches of 4x4, windows of 7x7 and four stages of 2, 2, 6 and 2. The last stage is a single "
        "window, which has nowhere to be shifted to.",
        "Heads have 16 units and not 32, so that the first stage has two; the MLP is twice as wide as the stream, not four times.",
        "Trained on CIFAR-10; the paper measures on ImageNet, COCO and ADE20K, and its numbers stand beside ours for the "
        "difference that shifting makes.",
        "Muon (Jordan 2024) trains the matrices inside the blocks, AdamW all else; in the paper AdamW trains everything. Keys "
        "start equal to queries (Trockman and Kolter 2023), and the tables of relative positions learn 40 times as fast as the "
        "rest.",
        "Crops moved by up to four pixels, mirroring, label smoothing 0.1 and an average over the last weights; the paper's "
        "RandAugment, Mixup, CutMix, erasing and stochastic depth are for 300 epochs, and we make 16.",
    ),
)
