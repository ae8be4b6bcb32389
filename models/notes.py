"""The numbers in a paper's note: a table written between two marks of its README from the card and the record."""

from __future__ import annotations

from models import checkpoint, paper, root
from models.paper import Claim

START, END = "<!-- numbers: python -m models notes -->", "<!-- /numbers -->"


def value(number: float | None, unit: str = "") -> str:
    """A number as people read it, with its unit: "98.93 %", "4 of 4", "0.95 %"."""
    if number is None:
        return "not given"
    text = f"{number:,.0f}" if float(number).is_integer() and abs(number) >= 100 else f"{number:.4g}"
    return f"{text} {unit}".strip()


def ours(slug: str, claim: Claim) -> str:
    """Our value of a claim with the spread over seeds, or "not measured"."""
    metric = checkpoint.read_record(slug).metric(claim.metric)
    if metric is None:
        return "not measured"
    text = value(metric.value, metric.unit)
    return (
        f"{text} ({min(metric.seeds):.4g} to {max(metric.seeds):.4g} over {len(metric.seeds)} seeds)"
        if len(metric.seeds) > 1
        else text
    )


def table(slug: str) -> str:
    """Markdown: the paper's claims beside ours, then every further metric of the record."""
    card, record = paper(slug), checkpoint.read_record(slug)
    lines = ["| what | the paper | where | ours | samples |", "|---|---|---|---|---|"]
    for claim in card.claims:
        metric = record.metric(claim.metric)
        unit = metric.unit if metric else ""
        samples = f"{metric.samples:,}" if metric else ""
        lines.append(
            f"| {claim.label or claim.metric} | {value(claim.value, unit)} | {claim.where} ({claim.dataset}) "
            f"| {ours(slug, claim)} | {samples} |"
        )
    claimed = {claim.metric for claim in card.claims}
    for metric in record.metrics:
        if metric.name not in claimed:
            shown = ours(slug, Claim(metric.name, None, "", ""))
            lines.append(f"| {metric.name} | | | {shown} | {metric.samples:,} |")
    lines.append("")
    lines.append(
        f"{record.parameters:,} trainable parameters; {record.steps:,} steps ({record.epochs:g} epochs) on "
        f"{record.hardware}; {record.wall_seconds:,.0f} s for all seeds and the twin. "
        f"Seed 0 unless a spread is given; data: {record.dataset}, {record.split}."
    )
    return "\n".join(lines)


def path(slug: str):
    """The note of a paper; a further network's numbers stand in a README of its own folder."""
    return root() / "models" / slug / "README.md"


def updated(slug: str) -> str | None:
    """The note with its numbers as the record has them now; None where the note has no marks."""
    file = path(slug)
    if not file.exists():
        return None
    text = file.read_text("utf8")
    if START not in text or END not in text:
        return None
    head, rest = text.split(START, 1)
    return f"{head}{START}\n{table(slug)}\n{END}{rest.split(END, 1)[1]}"


def update(slug: str) -> bool:
    """Write the numbers into the note; True where the file changed."""
    text = updated(slug)
    if text is None or text == path(slug).read_text("utf8"):
        return False
    path(slug).write_text(text, "utf8")
    return True
