"""word2vec (Mikolov, Chen, Corrado, Dean 2013)."""

from __future__ import annotations

from models.paper import Claim, Embedding, Paper, Probe, Sample, Text

NEWS = "news, a billion words; the paper's own questions"

PAPER = Paper(
    slug="word2vec",
    name="word2vec",
    title="Efficient Estimation of Word Representations in Vector Space",
    authors=("Tomas Mikolov", "Kai Chen", "Greg Corrado", "Jeffrey Dean"),
    year=2013,
    venue="arXiv 1301.3781; with Distributed Representations of Words and Phrases and their Compositionality, arXiv 1310.4546",
    url="https://arxiv.org/abs/1301.3781",
    track="Sequence and attention",
    idea="Give each word a vector that says which words stand near it, and words of like meaning come to lie together: king "
    "minus man plus woman points to queen.",
    about="Take a word of a text and a word near it: their vectors are turned a little towards each other. Take the same word and "
    "a few words drawn at random: these are turned away. Done some hundred million times, with nothing but text, this gives "
    "vectors in which directions mean something: one leads from men to women, another from a country to its capital, a third from "
    "a verb to its past. Skip-gram predicts the neighbours from the word, CBOW the word from the mean of its neighbours. There is "
    "no hidden layer and no full softmax, and so what had taken weeks took hours.",
    takes=Text(tokenizer="word2vec", context=256),
    gives=Embedding(),
    probes=(Probe("input", ("batch", "token", "unit"), "Each word's vector: what the network knows about the word."),),
    claims=(
        Claim("analogy_accuracy", 60, "1310.4546, Table 1, NEG-5 with subsampling", NEWS, label="analogies right"),
        Claim("semantic_accuracy", 58, "1310.4546, Table 1", NEWS, label="analogies of meaning right"),
        Claim("syntactic_accuracy", 61, "1310.4546, Table 1", NEWS, label="analogies of form right"),
        Claim("twin_semantic_accuracy", 24, "1301.3781, Table 3", NEWS, label="CBOW, analogies of meaning right"),
        Claim("twin_syntactic_accuracy", 64, "1301.3781, Table 3", NEWS, label="CBOW, analogies of form right"),
    ),
    samples=(
        Sample("royal family", "king queen prince princess man woman"),
        Sample("countries", "england london france paris italy rome"),
        Sample("verbs", "go went come came see saw"),
        Sample("a sentence", "It is a truth universally acknowledged, that a single man must be in want of a wife."),
        Sample("two banks", "the bank of the river and the bank that keeps our money"),
        Sample("degrees", "good better best bad worse worst"),
    ),
    analogies=(
        ("king", "queen", "man", "woman"),
        ("man", "woman", "king", "queen"),
        ("brother", "sister", "nephew", "niece"),
        ("boy", "girl", "father", "mother"),
        ("france", "french", "spain", "spanish"),
        ("japan", "tokyo", "france", "paris"),
        ("england", "london", "france", "paris"),
        ("four", "fourth", "seven", "seventh"),
        ("up", "down", "north", "south"),
        ("go", "went", "come", "came"),
        ("begin", "began", "drink", "drank"),
        ("hand", "hands", "foot", "feet"),
        ("slow", "slowly", "sudden", "suddenly"),
        ("good", "best", "near", "nearest"),
    ),
    dataset="text",
    twin="CBOW, the paper's other architecture: the mean of the words around it predicts a word.",
    penultimate="input",
    deviations=(
        "Some sixteen million words of novels, speeches, plays, glosses and sayings, with a vocabulary of 8,000 and 48 units; the "
        "paper has a billion words of news, 692,000 words and 300 units. Words outside the vocabulary are left out, as there.",
        "A batch of 2,048 words is held against the same 64 noise words, each of which counts 5/64; the paper draws five for "
        "each pair anew. What is minimised is the same on average.",
        "Adam on whole batches, its rate falling in a straight line; the paper goes pair by pair with plain gradient steps.",
        "Subsampling begins at a frequency of 1e-4, not 1e-5, as the text is so much shorter; the formula is the paper's.",
        "The questions are ours, from pairs of words that such texts contain; the paper's have many cities and currencies.",
    ),
)
