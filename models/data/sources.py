"""Where each data set comes from and under which licence: for a paper's page, and for whoever passes the data on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A data set's origin. `name` is what papers call it in `Paper.dataset`."""

    name: str
    title: str
    what: str  # one or two sentences
    source: str  # who made it, and the publication
    licence: str
    attribution: str
    home: str  # its public address, or empty where it stands in the paper itself


SOURCES = (
    Source(
        name="mnist",
        title="MNIST",
        what="Handwritten digits as grey pictures of 28x28 points, light on dark: 60,000 to train on and 10,000 to test on, "
        "in the original order, with the original pixels.",
        source="Y. LeCun, C. Cortes, C. J. C. Burges, from digits collected by NIST; first used in LeCun, Bottou, Bengio, "
        "Haffner, Proceedings of the IEEE 86(11), 1998.",
        licence="CC BY-SA 3.0, as it is usually stated",
        attribution="MNIST database of handwritten digits, Y. LeCun, C. Cortes, C. J. C. Burges",
        home="https://yann.lecun.com/exdb/mnist/",
    ),
    Source(
        name="families",
        title="The family trees",
        what="Two family trees of the same shape, one English and one Italian: 24 people, 12 relations, 104 facts of the form "
        "(person, relation, person).",
        source="D. E. Rumelhart, G. E. Hinton, R. J. Williams, Nature 323, 1986: Fig. 2 of the paper.",
        licence="facts, typed from the paper's figure; nothing to license",
        attribution="Rumelhart, Hinton, Williams 1986, Fig. 2",
        home="",
    ),
    Source(
        name="scenes",
        title="Ten scenes",
        what="Ten pictures of our own, one a class of CIFAR-10, as inputs that are always there: an emoji in a landscape drawn "
        "by `models.data.scenes`. No network was trained on them.",
        source="The figures are Fluent Emoji (npm package @lobehub/fluent-emoji-3d 1.1.0), the rest is drawn by the program.",
        licence="MIT",
        attribution="Fluent Emoji, Microsoft Corporation; LobeHub",
        home="https://github.com/microsoft/fluentui-emoji",
    ),
)


def source(name: str) -> Source | None:
    """The source of a data set, or None where nobody has stated it."""
    return next((s for s in SOURCES if s.name == name), None)
