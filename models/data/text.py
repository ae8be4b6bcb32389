"""English text: novels, plays, speeches and short pieces, one UTF-8 file a source, without markup.

Paragraphs are separated by an empty line; prose has one line a paragraph, verse and plays keep their lines.
"""

from __future__ import annotations

import gzip
import zlib

from models.data import DataMissing, folder, need

NAMES = (
    "novels",  # 88 English and American novels and story collections, 1794-1925, one after another
    "austen",  # Jane Austen's six novels
    "moby-dick",
    "alice",
    "grimm",
    "andersen",
    "shakespeare",
    "web-bible",
    "sotu",  # State of the Union addresses, by year
    "wordnet-glosses",  # "lemmas: gloss; examples", shuffled
    "fortunes",  # short sayings, shuffled
    "tatoeba-en",  # sentences, shuffled
)
HELD_OUT = 0.02  # the share of a source, at its end, that no network is trained on


def read(name: str) -> str:
    """The whole text of one source. Raises DataMissing."""
    if name not in NAMES:
        raise KeyError(f"no text {name!r}; there are {', '.join(NAMES)}")
    path = need(folder() / "text" / f"{name}.txt.gz")
    try:
        return gzip.decompress(path.read_bytes()).decode("utf8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataMissing(f"{path} is damaged ({error}): put the data set there anew.") from None


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, in order, without empty ones."""
    return [part for part in (part.strip("\n") for part in text.split("\n\n")) if part]


def divided(name: str, share: float = HELD_OUT) -> tuple[str, str]:
    """A source as what is trained on and what is held out: its last `share`, cut between two paragraphs."""
    text = read(name)
    cut = text.rfind("\n\n", 0, round(len(text) * (1 - share)) + 2)
    return text[:cut], text[cut + 2 :]
