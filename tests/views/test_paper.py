"""The paper's page: its note as prose, our numbers beside the paper's, the record, the source of the data."""

from __future__ import annotations

import numpy as np
import pytest

import models
from app.view import Visit
from app.views.paper import VIEW, _duration, _note
from models import checkpoint, notes
from models.checkpoint import Metric, Record
from models.citation import bibtex
from models.data.sources import source
from tests.views.toys import picture, show

PAPER = picture(("a", "b"))
RECORD = Record(
    slug="toy",
    dataset="mnist",
    split="made up",
    seed=0,
    steps=12345,
    epochs=2.5,
    commit="abc1234",
    hardware="a desk, 1 thread",
    wall_seconds=3725.0,
    parameters=1010,
    metrics=(Metric("test_accuracy", 91.5, 10000, "%", seeds=(91.5, 91.0, 92.25)),),
    snapshots=(0, 10, 12345),
    sha256={"weights.safetensors": "f" * 64},
    deviations=(),
    versions={"torch": "9.9", "python": "3.0"},
)
NOTE = """# A toy

The first paragraph.

## The idea

```python
# no heading
```

<!-- numbers: python -m models notes -->
| what | ours |
|---|---|
| it | 91.5 % |
<!-- /numbers -->

### Deeper
"""


@pytest.fixture
def visit(monkeypatch, tmp_path) -> Visit:
    for name in ("weights.safetensors", "record.json"):
        (tmp_path / name).write_bytes(b"x" * 2000)
    (tmp_path / "README.md").write_text(NOTE)
    monkeypatch.setattr(checkpoint, "read_record", lambda slug: RECORD)
    monkeypatch.setattr(checkpoint, "folder", lambda slug: tmp_path)
    monkeypatch.setattr(notes, "path", lambda slug: tmp_path / "README.md")
    return Visit(PAPER, np.zeros((1, 1, 2, 2), np.float32), "k")


def test_the_note_loses_its_title_and_marks_and_nothing_else(visit):
    text = _note(PAPER)
    assert text.startswith("\nThe first paragraph.")
    assert "##### The idea" in text and "##### Deeper" in text
    assert "# no heading" in text and "##### no heading" not in text
    assert "| it | 91.5 % |\n" in text and "<!--" not in text


def test_the_notes_figure_is_within_it(visit, tmp_path):
    (tmp_path / "README.md").write_text(NOTE + "\n![A line that falls](figure.svg)\n")
    assert "![A line that falls](figure.svg)" in _note(PAPER), "none is there"
    (tmp_path / "figure.svg").write_text("<svg/>")
    assert "![A line that falls](data:image/svg+xml;base64,PHN2Zy8+)" in _note(PAPER)


def test_all_that_belongs_to_a_label_is_there(visit):
    at = show(VIEW, visit)
    text = "\n".join(m.value for m in at.markdown)
    assert "- Ours is smaller." in text
    assert "CC BY-SA 3.0" in text and "Y. LeCun, C. Cortes, C. J. C. Burges" in text
    assert "12,345 steps, 2.5 passes through the data" in text
    assert "1 h 2 min for all of it" in text and "a desk, 1 thread" in text and "`abc1234`" in text
    assert (
        "3, from step 0 to 12,345; all but the last are rounded to 16 bits a weight" in text
        and "torch 9.9, python 3.0" in text
    )
    rows = at.table[0].value
    assert rows["The paper"].tolist() == ["90 %"]
    assert "91.5 % (91 to 92.25 over 3 seeds)" in rows["Here"][0] and "measured on 10,000" in rows["Here"][0]
    code = "\n".join(c.value for c in at.code)
    assert "@article{person2000," in code and "f" * 64 in code


def test_differences_are_stated_once(visit, tmp_path):
    (tmp_path / "README.md").write_text(NOTE + "\n## What differs from the paper\n\n- Much.\n")
    text = "\n".join(m.value for m in show(VIEW, visit).markdown)
    assert "- Much." in text and "- Ours is smaller." not in text


def test_without_a_note_the_card_speaks(visit, tmp_path):
    (tmp_path / "README.md").unlink()
    assert _note(PAPER) == "All that there is to say."


def test_bibtex_takes_the_venue_apart():
    assert bibtex(PAPER) == (
        "@article{person2000,\n"
        "  title = {{A toy}},\n"
        "  author = {Ann Émile Person and Bob Other},\n"
        "  journal = {Journal of Toys},\n"
        "  volume = {12},\n"
        "  number = {3},\n"
        "  pages = {45--67},\n"
        "  year = {2000},\n"
        "  url = {https://example.org/toy},\n"
        "}"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "less than a second"), (59.6, "1 min"), (61, "1 min 1 s"), (3725, "1 h 2 min"), (7200, "2 h")],
)
def test_durations(seconds, said):
    assert _duration(seconds) == said


def test_every_data_set_of_every_network_has_its_source_and_licence():
    for paper in models.papers():
        for network in models.networks(paper.slug):
            found = source(network.dataset)
            assert found is not None, f"{network.slug}: no source of {network.dataset}"
            assert found.licence and found.attribution and found.source
    assert source("nothing") is None
