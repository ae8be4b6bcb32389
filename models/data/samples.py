"""The inputs that are always there: `sample_bytes` reads a card's `Sample`."""

from __future__ import annotations

import io
from pathlib import Path

from models import root
from models.data.probe import probe
from models.paper import Image, Paper, Sample

FILES = Path(__file__).with_name("sample_files")


def sample_bytes(paper: Paper, sample: Sample) -> bytes | str:
    """The bytes of a sample's picture file, or its text. Raises FileNotFoundError, KeyError, IndexError.

    "probe:17" is picture 17 of the paper's probe set; else a file beside the paper, or one of ours under `sample_files`.
    """
    if not isinstance(paper.takes, Image):
        return sample.source
    if sample.source.startswith("probe:"):
        from PIL.Image import fromarray

        file = io.BytesIO()
        fromarray(probe(paper.dataset).images[int(sample.source[6:])]).save(file, "PNG")
        return file.getvalue()
    beside = root() / "models" / paper.slug / sample.source
    return (beside if beside.exists() else FILES / sample.source).read_bytes()
