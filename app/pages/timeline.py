"""Home: the papers on their timeline, before torch is imported."""

import streamlit as st

import models
from app import session

for paper in models.papers():
    st.page_link("app/pages/paper.py", label=f"{paper.year}  {paper.title}", query_params={"paper": paper.slug})
session.warm()
