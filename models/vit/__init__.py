"""ViT (Dosovitskiy et al. 2020)."""

from __future__ import annotations

from models.data.cifar10 import CIFAR, LABELS, SAMPLES
from models.paper import Claim, ClassScores, Paper, Probe

STREAM = ("batch", "token", "channel")
HEADS = ("batch", "token", "head", "unit")
PATTERN = ("batch", "head", "query", "key")
UNITS = ("batch", "token", "unit")

PAPER = Paper(
    slug="vit",
    name="ViT",
    title="An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    authors=(
        "Alexey Dosovitskiy",
        "Lucas Beyer",
        "Alexander Kolesnikov",
        "Dirk Weissenborn",
        "Xiaohua Zhai",
        "Thomas Unterthiner",
        "Mostafa Dehghani",
        "Matthias Minderer",
        "Georg Heigold",
        "Sylvain Gelly",
        "Jakob Uszkoreit",
        "Neil Houlsby",
    ),
    year=2020,
    venue="ICLR 2021",
    url="https://arxiv.org/abs/2010.11929",
    track="Vision transformers",
    idea="Cut a picture into patches, call them words, and let a plain transformer read them: nothing in it knows what is beside "
    "what, so it has to learn from pictures even that a picture has rows and columns.",
    about="The picture is cut into 64 patches of 4x4 pixels, and one linear layer makes a vector of each: a word. A further word, "
    "the class token, stands in front; it has nothing to say of its own and collects what the others know. To every word is added "
    "an embedding of its place, learnt from nothing. Six times, every head lets every word ask all others and take what it "
    "needs, however far apart they lie, and a small network works on each word by itself. What the class token carries in the "
    "end is read as one of ten classes. A convolution is told that near pixels belong together; this network finds it out, and "
    "its position embeddings show how it did.",
    takes=CIFAR,
    gives=ClassScores(labels=LABELS),
    probes=(
        Probe(
            "E",
            ("batch", "channel", "height", "width"),
            "Each patch of the picture as 96 numbers, by one linear layer.",
        ),
        Probe(
            "hook_embed",
            STREAM,
            "The words before they know their place: the class token, then the patches row by row.",
        ),
        Probe("hook_pos_embed", STREAM, "What is added to each word for its place: the same for every picture."),
        Probe(
            "blocks.*.hook_resid_pre",
            STREAM,
            "The residual stream as it comes into a layer: all that each word knows so far.",
        ),
        Probe("blocks.*.ln1", STREAM, "The stream with each word brought to the same size: what the heads read."),
        Probe("blocks.*.attn.hook_q", HEADS, "Queries: what each word is looking for, one vector a head."),
        Probe("blocks.*.attn.hook_k", HEADS, "Keys: what each word can be found by, one vector a head."),
        Probe("blocks.*.attn.hook_v", HEADS, "Values: what each word hands over to those that attend to it."),
        Probe("blocks.*.attn.hook_attn_scores", PATTERN, "How well each query meets each key, before the softmax."),
        Probe(
            "blocks.*.attn.hook_pattern",
            PATTERN,
            "Attention: how much each word (query) takes from each word (key), 1 in all.",
        ),
        Probe(
            "blocks.*.attn.hook_z",
            HEADS,
            "What each head has gathered for each word: the values, weighted by attention.",
        ),
        Probe("blocks.*.hook_attn_out", STREAM, "What all heads of the layer together add to the residual stream."),
        Probe("blocks.*.hook_resid_mid", STREAM, "The residual stream between attention and MLP."),
        Probe("blocks.*.ln2", STREAM, "The stream with each word brought to the same size: what the MLP reads."),
        Probe("blocks.*.mlp.hook_pre", UNITS, "The MLP's hidden units before the GELU: weighted sums over one word."),
        Probe(
            "blocks.*.mlp.hook_post",
            UNITS,
            "The MLP's hidden units after the GELU: which of its features each word shows.",
        ),
        Probe("blocks.*.hook_mlp_out", STREAM, "What the MLP adds to the residual stream."),
        Probe("blocks.*.hook_resid_post", STREAM, "The residual stream as it leaves a layer."),
        Probe("hook_y", ("batch", "unit"), "The class token's vector at the end: the picture in 96 numbers."),
        Probe(
            "ln_final",
            STREAM,
            "The stream at the end, each word brought to the same size; only the class token's is read.",
        ),
        Probe("unembed", ("batch", "unit"), "The scores: one weighted sum of the class token's vector for each class."),
    ),
    claims=(
        Claim(
            "test_accuracy",
            98.13,
            "Table 5, ViT-B/16, with 86 million parameters",
            "CIFAR-10, after pre-training on the 1.3 million pictures of ImageNet",
            label="test accuracy",
        ),
        Claim(
            "twin_test_accuracy",
            61.382,
            "Table 8, where 64.206 % are reached with position embeddings",
            "ImageNet, linear and from 5 pictures a class",
            label="accuracy without position embeddings",
        ),
    ),
    samples=SAMPLES,
    dataset="cifar10",
    twin="No position embeddings: the patches are a bag of words, and nothing says which lay where.",
    penultimate="hook_y",
    stream="blocks.*.hook_resid_post",
    deviations=(
        "0.46 million parameters and 32x32 pictures in patches of 4x4; the paper's smallest network has 86 million, its pictures "
        "224x224 in patches of 16x16. Proportions are the paper's but for the MLP, twice as wide as the stream instead of four "
        "times, so that there can be six layers.",
        "Trained on CIFAR-10's 50,000 pictures alone. The paper pre-trains on 1.3 to 300 million pictures, and shows in its Fig. 3 "
        "that with few of them its network falls behind convolutional ones. Ours is in that corner of the figure.",
        "For most of the training each picture is shown by half of its patches, drawn at random, and whole for the rest: attention "
        "takes any number of words, and this costs half.",
        "Crops moved by up to four pixels, mirroring, label smoothing 0.1 and an average over the last weights; the paper has "
        "dropout 0.1 and a stronger weight decay in their place.",
    ),
)
