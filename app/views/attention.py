"""Attention: where every head looks, one of them large, and how one look comes about."""

import streamlit as st

from app import session
from app.components.choice import choice
from app.components.head import lines, maps, product
from app.components.heads import Look, all_heads, choose
from app.components.patches import over_picture
from app.components.stack import measures, rolled
from app.interpret.attention import attention
from app.view import View, Visit
from models.paper import Image

DETAILS = {
    "picture": ("over the picture", over_picture),
    "map": ("the map", maps),
    "pair": ("one look worked out", product),
    "measures": ("heads compared", measures),
    "rollout": ("all layers at once", rolled),
}


def draw(visit: Visit) -> None:
    """All heads on the left and the lines of the chosen one; on the right what else one wants to know of it."""
    look = choose(visit, session.ask(attention, visit))
    names = {key: DETAILS[key][0] for key in fitting(look)}
    detail = choice(st.segmented_control, "Detail", names, key="detail", required=True, label_visibility="collapsed")
    left, right = st.columns([1, 1.3], gap="large")
    with left:
        all_heads(look)
        if detail in ("map", "pair"):
            lines(look)
    with right:
        DETAILS[detail][1](look)


def fitting(look: Look) -> list[str]:
    """The details that this part of the network has."""
    absent = {
        "picture": not isinstance(look.visit.paper.takes, Image) or not look.layer.side,
        "pair": not look.part.open,
        "rollout": not look.part.own or len(look.part.layers) < 2,
    }
    return [key for key in DETAILS if not absent.get(key)]


VIEW = View(
    "Attention",
    22,
    (("head", "query", "key"),),
    draw,
    "Which tokens every head looks at on your input; one head large, its arithmetic, and all layers taken together.",
)
