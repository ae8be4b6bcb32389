"""Paper: the note, our numbers beside the paper's, where we differ, the data, the record, and how to cite."""

from __future__ import annotations

import base64
import re

import streamlit as st

from app.view import View, Visit
from models import bits, checkpoint, citation, notes
from models.data.sources import source, title
from models.paper import Paper


def draw(visit: Visit) -> None:
    """The note on the left; beside it what belongs to a label: differences, data, record, citation."""
    paper, record = visit.paper, checkpoint.read_record(visit.paper.slug)
    _numbers(paper, record)
    left, right = st.columns([1.7, 1], gap="large")
    note = _note(paper)
    with left, st.container(key="note"):
        st.markdown(note)
    with right:
        if not re.search("^#+ .*(differ|deviat)", note, re.IGNORECASE | re.MULTILINE):
            _differences(paper)
        _data(paper)
        _record(record)
        _cite(paper)


def _numbers(paper: Paper, record: checkpoint.Record) -> None:
    """Every claim: the paper's number, ours, and on how many examples ours was measured."""
    st.markdown("##### Ours and the paper's")
    rows = []
    for claim in paper.claims:
        metric = record.metric(claim.metric)
        unit, samples = (metric.unit, f"measured on {notes.samples(metric)}") if metric else ("", "")
        name = claim.label or claim.metric.replace("_", " ")
        rows.append(
            {
                "Claim": f"{name[0].upper()}{name[1:]}  \n:small[:gray[{claim.where}, {claim.dataset}]]",
                "The paper": notes.value(claim.value, unit),
                "Here": f"**{notes.ours(paper.slug, claim)}**  \n:small[:gray[{samples}]]",
            }
        )
    st.table(rows, border="horizontal", hide_index=True)
    if any("±" in row["Here"] for row in rows):
        st.caption("±: one standard error of a share of so many, which is what chance leaves open.")


def _note(paper: Paper) -> str:
    """The README as the page shows it: without its title, which stands above, with smaller headings, its figure within."""
    file = notes.path(paper.slug)
    if not file.exists():
        return paper.about
    text = re.sub(r"<!--.*?-->\n?", "", file.read_text("utf8"), flags=re.DOTALL)
    if (picture := file.with_name("figure.svg")).exists():
        data = base64.b64encode(picture.read_bytes()).decode()
        text = text.replace("](figure.svg)", f"](data:image/svg+xml;base64,{data})")
    blocks = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    for i in range(0, len(blocks), 2):  # every other block is code
        blocks[i] = re.sub(r"\A\s*# .*\n", "", blocks[i]) if i == 0 else blocks[i]
        blocks[i] = re.sub(r"^#{1,4} ", "##### ", blocks[i], flags=re.MULTILINE)
    return "".join(blocks)


def _differences(paper: Paper) -> None:
    st.markdown("##### Where we differ from the paper")
    st.markdown("\n".join(f"- {d}" for d in paper.deviations) or "Nowhere that we know of.")


def _data(paper: Paper) -> None:
    st.markdown("##### Data")
    found = source(paper.dataset)
    if found is None:
        st.markdown(f"{paper.dataset}: nobody has stated its source and licence here yet.")
        return
    home = f" [Its home]({found.home})." if found.home else ""
    st.markdown(f"**{found.title}.** {found.what}{home}")
    st.markdown(f"Source: {found.source}\n\nLicence: {found.licence}.\n\nAttribution: {found.attribution}.")


def _record(record: checkpoint.Record) -> None:
    """What was trained, on what, in what time, with the hashes of all files and the files themselves."""
    st.markdown("##### The record")
    seeds = max((len(m.seeds) for m in record.metrics), default=0) or 1
    facts = {
        "Trainable parameters": f"{record.parameters:,}",
        "Training": f"{record.steps:,} steps, {record.epochs:g} passes through the data",
        "Data": f"{title(record.dataset)}, {record.split}",
        "Seeds": f"{seeds}; numbers are seed {record.seed}'s unless a spread is given",
        "Time": f"{_duration(record.wall_seconds)} for all of it",
        "Hardware": record.hardware,
        "Commit": f"`{record.commit}`",
        "Versions": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
        "Snapshots": f"{len(record.snapshots)}, from step {record.snapshots[0]:,} to {record.snapshots[-1]:,}; "
        f"all but the last are rounded to {bits.in_words(record.parameters)}",
    }
    st.markdown("\n".join(["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in facts.items())]))
    folder, name = checkpoint.folder(record.slug), record.slug.replace("/", "-")
    with st.container(horizontal=True):
        for label, file in (("Weights", "weights.safetensors"), ("Record", "record.json")):
            path = folder / file
            kind = "application/json" if path.suffix == ".json" else "application/octet-stream"
            size = f"{path.stat().st_size / 1000:,.0f} kB"
            st.download_button(
                f"{label}, {size}", path.read_bytes, f"{name}-{file}", kind, key=f"take-{label}", on_click="ignore"
            )
    with st.expander("sha256 of every file"):
        st.code("\n".join(f"{digest}  {file}" for file, digest in record.sha256.items()), language=None)


def _duration(seconds: float) -> str:
    """Seconds as people say them: "4 min 5 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest if not hours else 0, "s"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "less than a second"


def _cite(paper: Paper) -> None:
    st.markdown("##### The paper")
    st.markdown(f"{', '.join(paper.authors)}, “{paper.title}”, {paper.venue}, {paper.year}. [Read it]({paper.url}).")
    st.code(citation.bibtex(paper), language="latex", wrap_lines=True)


VIEW = View(
    "Paper",
    90,
    (),
    draw,
    "The note on this reimplementation: what the paper claims, what we measured, where we differ.",
)
