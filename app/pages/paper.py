"""A paper's page: its label, the visitor's input in the rail, and the views that fit."""

import streamlit as st

import models
from app import memory
from app.components import panel
from app.components.choice import choice
from app.view import Visit, fitting
from models import checkpoint, notes
from models.data.sources import title
from models.paper import Paper


def picked() -> Paper:
    """The network that the address names: its paper, and which of the paper's networks where there are several."""
    titles = {p.slug: f"{p.year}  {p.name}: {p.title}" if p.name else f"{p.year}  {p.title}" for p in models.papers()}
    slug = choice(st.selectbox, "Paper", titles, key="paper", label_visibility="collapsed")
    asked = st.session_state["paper"]
    if asked and asked not in (*titles, *titles.values()):
        names = {p.slug: p.name for p in models.waiting()}
        why = f"{names[asked]} is still in training" if asked in names else "The link names no paper that is here"
        st.info(f"{why}. Below is {models.paper(slug).name}.")
    networks = {n.slug.rpartition("/")[2]: n for n in models.networks(slug)}
    if len(networks) == 1:
        return networks[slug]
    names = {key: n.network for key, n in networks.items()}
    return networks[
        choice(st.segmented_control, "Network", names, key="network", required=True, label_visibility="collapsed")
    ]


def label(paper: Paper) -> None:
    """The museum label: year and track, title, authors, the idea, our number beside the paper's."""
    claim = paper.headline
    name = claim.label or claim.metric
    with st.container(key="label", gap="xsmall"):
        st.caption(" · ".join(filter(None, (str(paper.year), paper.track, paper.name, paper.venue))))
        st.title(paper.title, anchor=False)
        st.caption(", ".join(paper.authors))
        st.markdown(paper.idea)
        try:
            ours = notes.ours(paper.slug, claim)
            metric = checkpoint.read_record(paper.slug).metric(claim.metric)
            theirs = notes.value(claim.value, metric.unit if metric else "")
        except checkpoint.CheckpointError:
            ours, theirs = "not trained yet", notes.value(claim.value)
        st.markdown(
            f"{name[0].upper()}{name[1:]}: **{ours}** here ({title(paper.dataset)}), "
            f"**{theirs}** in the paper ({claim.where}, {claim.dataset}). [Read the paper]({paper.url})"
        )


@st.fragment
def rooms(visit: Visit) -> None:
    """The views as one control, and the chosen one drawn. A fragment: a click inside redraws nothing else."""
    available = fitting(visit.paper)
    titles = {name: view.title for name, view in available.items()}
    view = available[
        choice(st.segmented_control, "View", titles, key="view", required=True, label_visibility="collapsed")
    ]
    st.caption(view.about)
    try:
        view.draw(visit)
    except checkpoint.CheckpointError as error:
        st.error(str(error))
    memory.settle()


def page() -> None:
    paper = picked()
    visit = panel.choose(paper)
    label(paper)
    rooms(visit)


page()
