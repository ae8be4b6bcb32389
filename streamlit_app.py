"""Cutaway: the networks of deep learning's seminal papers, standing open."""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="Cutaway", layout="wide", initial_sidebar_state=320)
st.html(Path(__file__).parent / "app" / "style.css")

pages = [
    st.Page("app/pages/timeline.py", title="Timeline", url_path="timeline", default=True),
    st.Page("app/pages/paper.py", title="Papers", url_path="paper"),
]
st.navigation(pages, position="top").run()
