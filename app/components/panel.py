"""The input panel in the rail: draw, upload, camera, samples; what the network sees; what it says."""

from __future__ import annotations

import streamlit as st
from models.data.samples import sample_bytes

from app import session
from app.view import Visit
from models.paper import Paper


def choose(paper: Paper) -> Visit:
    """The visitor's input for this network, as a visit; a sample where nothing was given yet."""
    with st.sidebar:
        samples = {s.name: s for s in paper.samples}
        name = st.selectbox("Sample", list(samples), key="sample", bind="query-params")
        return session.visit(paper, sample_bytes(paper, samples[name]), f"sample {name}")
