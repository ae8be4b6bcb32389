"""Home: the papers on their timeline. It shows before torch is imported, and then warms it up in the background."""

import base64

import streamlit as st

import models
from app import session
from app.components.shelf import Card, shelf
from app.figures.maps import portrait
from models import checkpoint, notes
from models.paper import TRACKS, Paper


def card(paper: Paper) -> Card:
    """The paper's card, with our headline number beside the paper's and a picture computed from the trained model."""
    claim = paper.headline
    try:
        metric = checkpoint.read_record(paper.slug).metric(claim.metric)
        unit = metric.unit if metric else ""
        ours = notes.value(metric.value, unit) if metric else "not measured"
        pixels = checkpoint.read_arrays(checkpoint.folder(paper.slug) / "portrait.safetensors")["portrait"]
        png = "data:image/png;base64," + base64.b64encode(portrait(pixels, session.dark())).decode()
    except checkpoint.CheckpointError:
        ours, unit, png = "not trained yet", "", ""
    names = [a.split()[-1] for a in paper.authors]
    return Card(
        slug=paper.slug,
        year=paper.year,
        track=paper.track,
        name=paper.name or paper.title,
        title=paper.title if paper.name else "",
        authors=f"{', '.join(names[:4])}{' and others' if len(names) > 4 else ''} · {paper.venue}",
        idea=paper.idea,
        metric=f"{claim.label or claim.metric.replace('_', ' ')} ({claim.where})",
        ours=ours,
        theirs=notes.value(claim.value, unit),
        png=png,
        alt=f"A picture computed from the trained {paper.title}",
    )


with st.container(key="label", gap="xsmall"):
    st.title("Cutaway", anchor=False)
    st.markdown(
        "The networks of deep learning's seminal papers, reimplemented, trained, and standing open. "
        "Choose one, give it an input of your own, and see what happens inside."
    )
opened = shelf([card(p) for p in models.papers()], TRACKS, key="shelf")
if names := notes.in_training():
    st.caption(f"Implemented, and still in training: {names}. They open here once their weights are measured.")
session.warm()
if opened:
    st.switch_page("app/pages/paper.py", query_params={"paper": opened})
