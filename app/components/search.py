"""The search for a translation: its tree, and the translations that came to an end."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from app.components.answers import percent
from app.components.exhibit import exhibit
from app.components.translated import Translated
from app.figures.tree import tree as drawn
from app.interpret.alignment import ENDED, LATE, WENT_ON, Tree


def grown(t: Translated) -> None:
    """The search as a tree, and the translations that came to their end."""
    tree = t.tree
    assert tree is not None
    path = tree.path(tree.best)
    figure = drawn(
        tree.names,
        tree.parents,
        tree.lengths,
        [_hover(tree, i) for i in range(len(tree.names))],
        t.visit.dark,
        title=f"How the beam found it: {t.width} hypotheses at a time" if t.width > 1 else "How it was found",
        best=[0, *path],
        going=np.flatnonzero((tree.fates == WENT_ON) | (tree.fates == ENDED)).tolist(),
        ends=np.flatnonzero((tree.fates == ENDED) | (tree.fates == LATE)).tolist(),
        selected=path[t.word] if t.word < len(path) else -1,
    )
    pruned = int(len(tree.names) - 1 - ((tree.fates == WENT_ON) | (tree.fates == ENDED)).sum())
    exhibit(
        t.visit,
        figure,
        key="tree",
        reading=f"{len(tree.names) - 1} tokens were weighed and {pruned} of them, the pale ones, let go. A square is an end. "
        f"At each length the {'best' if t.width > 1 else 'likeliest'} go on; the thick line is the translation.",
        numbers={
            "tokens": np.array(tree.names),
            "parents": tree.parents,
            "log_probability": tree.logs,
            "log_probability_of_all": tree.totals,
            "score": tree.scores,
            "fate": tree.fates,
        },
        code=t.code(f"print(search(net.module, net.paper, x, width={t.width}).text)"),
    )
    _ends(t, tree)


def _hover(tree: Tree, node: int) -> str:
    if node == 0:
        return "the start"
    fate = {WENT_ON: "went on", ENDED: "a translation", LATE: "an end, not among the best"}.get(
        int(tree.fates[node]), "let go"
    )
    own, text = percent(float(np.exp(tree.logs[node]))), "".join(tree.names[i] for i in tree.path(node)).strip()
    return (
        f"{text}\nlog-probability {tree.logs[node]:.2f} ({own}), of all {tree.totals[node]:.2f}\n"
        f"by its length {tree.scores[node]:.2f}: {fate}"
    )


def _ends(t: Translated, tree: Tree) -> None:
    """The finished translations in a table, the best first."""
    rows = "".join(
        f"<tr><td>{html.escape(''.join(tree.names[i] for i in tree.path(node)[:-1]).strip())}</td>"
        f"<td>{tree.lengths[node]}</td><td>−{-tree.totals[node]:.3f}</td><td>−{-tree.scores[node]:.3f}</td></tr>"
        for node in tree.ended
    )
    if rows:
        st.html(
            '<table class="ends" aria-label="Translations that came to an end"><thead><tr><th>translation</th><th>tokens</th>'
            f"<th>log-probability</th><th>by its length</th></tr></thead><tbody>{rows}</tbody></table>"
        )
    st.caption(
        "Log-probability in nats. A longer translation has more factors, each below 1: so hypotheses are compared by it over "
        "((5 + length) / 6)^0.6, the end counted in; the largest wins."
    )
