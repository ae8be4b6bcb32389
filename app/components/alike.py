"""How far the methods that say what tokens count agree with each other."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.components.asked import Asked
from app.components.board import board
from app.components.counted import NAMES
from app.components.exhibit import foot
from app.interpret.token_attribution import alike

SHORT = ("integrated", "gradient", "ablation", "Shapley", "rollout")  # in the order of NAMES


def agreement(asked: Asked, maps: np.ndarray) -> None:
    """Rank correlations of all methods; a click shows a row's method below."""
    free, names = asked.seen(asked.row) & ~asked.fixed, list(NAMES)
    found = alike(maps, free)
    st.markdown("**Do the methods agree?**")
    with st.container(key="figure-alike"):
        board(
            found,
            SHORT,
            SHORT,
            asked.visit.dark,
            key="alike",
            label="Rank correlation of every two methods",
            titles=[
                f"{NAMES[a]} and {NAMES[b]}: {found[i, j]:.2f}"
                for i, a in enumerate(names)
                for j, b in enumerate(names)
            ],
            texts=[f"{v:.2f}" for v in found.ravel()],
            signed=True,
            top=1.0,
            cell=(44, 26),
            on_pick=lambda i: st.session_state.update(matrix=names[i // len(names)]),
        )
    foot(
        asked.visit,
        key="alike",
        reading=_who(found, int(free.sum())),
        numbers={"methods": np.array(names), "correlation": found},
        sheet=True,
    )


def _who(found: np.ndarray, count: int) -> str:
    """The two methods most alike, and the two least."""
    pairs = np.where(np.triu(np.ones_like(found), 1) > 0, found, np.nan)
    start = f"Spearman's rank correlation of how much each of {count} tokens counts, signs aside: 1 is the same order. "
    if np.isnan(pairs).all():
        return start + "So few tokens leave nothing to rank."
    most, least = (_pair(int(best(pairs)), found) for best in (np.nanargmax, np.nanargmin))
    return f"{start}Most alike: {most}; least: {least}."


def _pair(cell: int, found: np.ndarray) -> str:
    a, b = divmod(cell, len(found))
    return f"{SHORT[a]} and {SHORT[b]} ({found[a, b]:.2f})"
