"""What is written into a paper's note between two marks of its README: a table of numbers from the card and the record,
and in a further block the paper's key figure drawn from ours, where `models/<slug>/figure.py` draws one (models/figure.py).
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from models import checkpoint, networks, paper, papers, root, waiting
from models.paper import Claim

if TYPE_CHECKING:
    from models.figure import Figure

START, END = "<!-- numbers: python -m models notes -->", "<!-- /numbers -->"
FIGURE_START, FIGURE_END = "<!-- figure: python -m models notes -->", "<!-- /figure -->"


def value(number: float | None, unit: str = "") -> str:
    """A number as people read it, with its unit: "98.93 %", "4 of 4", "0.95 %"."""
    if number is None:
        return "not given"
    text = f"{number:,.0f}" if float(number).is_integer() and abs(number) >= 100 else f"{number:.4g}"
    return f"{text} {unit}".strip()


def ours(slug: str, claim: Claim) -> str:
    """Our value of a claim with the spread over seeds and what has to be said with it, or "not measured"."""
    metric = checkpoint.read_record(slug).metric(claim.metric)
    if metric is None:
        return "not measured"
    text = value(metric.value, metric.unit)
    if len(metric.seeds) > 1:
        text += f" ({min(metric.seeds):.4g} to {max(metric.seeds):.4g} over {len(metric.seeds)} seeds)"
    return f"{text} ({metric.note})" if metric.note else text


def samples(metric: checkpoint.Metric) -> str:
    """On how many samples a metric was measured, and how far by chance so many leave a share: "10,000 (± 0.32)"."""
    by_chance = metric.sampling
    return f"{metric.samples:,}" + (f" (± {by_chance:.{1 if by_chance >= 1 else 2}f})" if by_chance else "")


def table(slug: str) -> str:
    """Markdown: the paper's claims beside ours, then every further metric of the record."""
    card, record = paper(slug), checkpoint.read_record(slug)
    lines = ["| what | the paper | where | ours | samples |", "|---|---|---|---|---|"]
    for claim in card.claims:
        metric = record.metric(claim.metric)
        unit = metric.unit if metric else ""
        lines.append(
            f"| {claim.label or claim.metric} | {value(claim.value, unit)} | {claim.where} ({claim.dataset}) "
            f"| {ours(slug, claim)} | {samples(metric) if metric else ''} |"
        )
    claimed = {claim.metric for claim in card.claims}
    for metric in record.metrics:
        if metric.name not in claimed:
            shown = ours(slug, Claim(metric.name, None, "", ""))
            lines.append(f"| {metric.name} | | | {shown} | {samples(metric)} |")
    lines.append("")
    lines.append(
        f"{record.parameters:,} trainable parameters; {record.steps:,} steps ({record.epochs:g} epochs) on "
        f"{record.hardware}; {record.wall_seconds:,.0f} s for all seeds and the twin. "
        f"Seed 0 unless a spread is given; data: {record.dataset}, {record.split}."
        + " ±: one standard error of a share over so many samples."
        * any(m.sampling for m in record.metrics)
    )
    return "\n".join(lines)


def path(slug: str) -> Path:
    """The note of a paper; a further network's numbers stand in a README of its own folder."""
    return root() / "models" / slug / "README.md"


def figure(slug: str) -> Figure | None:
    """The paper's figure as the committed files have it now; None where it has none. Raises CheckpointError."""
    name = f"models.{slug.replace('/', '.')}.figure"
    return importlib.import_module(name).draw() if find_spec(name) else None


def between(text: str, start: str, end: str, block: str) -> str:
    """The text with another block between two marks."""
    head, rest = text.split(start, 1)
    return f"{head}{start}\n{block}\n{end}{rest.split(end, 1)[1]}"


def files(slug: str) -> dict[Path, str]:
    """What is to stand in the note, and in the figure beside it, by what the record has now; nothing without the marks."""
    note = path(slug)
    text = note.read_text("utf8") if note.exists() else ""
    if START not in text or END not in text:
        return {}
    text, found = between(text, START, END, table(slug)), {}
    if FIGURE_START in text and (drawn := figure(slug)):
        picture = note.with_name("figure.svg")
        text = between(text, FIGURE_START, FIGURE_END, f"![{drawn.alt}]({picture.name})\n\n{drawn.caption}")
        found[picture] = drawn.svg
    return {note: text, **found}


def update(slug: str) -> bool:
    """Write the numbers and the figure; True where a file changed."""
    changed = {file: text for file, text in files(slug).items() if not file.exists() or file.read_text("utf8") != text}
    for file, text in changed.items():
        file.write_text(text, "utf8")
    return bool(changed)


PAPERS_START, PAPERS_END = "<!-- papers: python -m models notes -->", "<!-- /papers -->"


def readme() -> str:
    """The project's README with its table of papers as cards and records have them now."""
    lines = ["| year | network | headline | here | in the paper | parameters |", "|---|---|---|---|---|---|"]
    for card in papers():
        for network in networks(card.slug):
            record, claim = checkpoint.read_record(network.slug), network.headline
            metric = record.metric(claim.metric)
            name = f"{card.name or card.title}{f', {network.network.lower()}' if network.network else ''}"
            lines.append(
                f"| {card.year} | [{name}](models/{network.slug}/README.md) | {claim.label or claim.metric} "
                f"| {ours(network.slug, claim)} | {value(claim.value, metric.unit if metric else '')} "
                f"| {record.parameters:,} |"
            )
    if names := in_training():
        lines += [
            "",
            f"Implemented, tested against a second implementation or the paper's tables, and still in training: {names}.",
        ]
    return between((root() / "README.md").read_text("utf8"), PAPERS_START, PAPERS_END, "\n".join(lines))


def in_training() -> str:
    """The papers that wait for their weights, oldest first: "VGG (2014), ResNet (2015)\"; empty where none does."""
    return ", ".join(f"{p.name or p.title} ({p.year})" for p in waiting())
