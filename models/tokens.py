"""Byte-level byte-pair encoding: text to token ids and back, one vocabulary a paper, beside its weights.

Every UTF-8 text can be encoded, since the 256 bytes are tokens themselves, and decoding gives it back unchanged.
`checkpoints/<slug>/tokenizer.json` is in the format of the `tokenizers` package.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from models import checkpoint
from models.checkpoint import CheckpointError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def path(slug: str) -> Path:
    """Where that paper's vocabulary lies, whether it exists or not."""
    return checkpoint.folder(slug) / "tokenizer.json"


def train(slug: str, texts: Iterable[str], size: int, special: Sequence[str] = ()) -> Tokenizer:
    """Learn a vocabulary of `size` tokens and write it. The `special` ones come first: ids 0, 1, ... in their order."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    path(slug).parent.mkdir(parents=True, exist_ok=True)
    made.save(str(path(slug)))
    return tokenizer(slug)


def tokenizer(slug: str) -> Tokenizer:
    """That paper's tokenizer, read once for every version of its file; shared, so do not change it."""
    file = path(slug)
    try:
        modified = file.stat().st_mtime_ns
    except FileNotFoundError:
        raise CheckpointError(f"{file} is not there: train it, or fetch the repository whole") from None
    return _read(file, modified)


@lru_cache(maxsize=32)
def _read(file: Path, modified: int) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(file.read_text("utf8"))
    except Exception as error:  # the package raises bare Exceptions
        raise CheckpointError(f"{file} is damaged ({error}): restore it from the repository") from None


def encode(slug: str, text: str) -> list[int]:
    """Text to token ids. The names of special tokens in it are read as those tokens."""
    return tokenizer(slug).encode(text).ids


def decode(slug: str, ids: Iterable[int]) -> str:
    """Token ids to text; special tokens appear by their names, broken UTF-8 as replacement characters."""
    return tokenizer(slug).decode(list(ids), skip_special_tokens=False)


def special(slug: str, name: str) -> int:
    """The id of a special token. Raises CheckpointError where the vocabulary has none of that name."""
    if (found := tokenizer(slug).token_to_id(name)) is None:
        raise CheckpointError(f"{path(slug)} has no token {name}: restore it from the repository")
    return found


def pieces(slug: str, ids: Iterable[int]) -> list[str]:
    """Each token as text of its own, for labels: its bytes decoded, what is no whole character as a replacement."""
    return [decode(slug, [i]) for i in ids]
