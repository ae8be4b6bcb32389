"""A vocabulary of two sentences, "stand-in", for tests of translation that need no trained one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from models import tokens

CAT, CHAT = "the cat sat on the mat", "le chat est sur le tapis"


@contextmanager
def stand_in(folder: Path) -> Iterator[Tokenizer]:
    """Learn it in a checkpoint folder of its own, in which networks are looked for meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(folder))
        yield tokens.train("stand-in", [f"{CAT} " * 20, f"{CHAT} " * 20], 290, ("<pad>", "<s>", "</s>"))
