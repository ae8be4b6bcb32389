"""Space: the probe set as a layer sees it, with the visitor's input among them."""

import numpy as np
import streamlit as st

from app import session
from app.components.exhibit import exhibit, foot
from app.figures.maps import Mosaic, mosaic
from app.figures.scatter import scatter
from app.interpret import space as interpret
from app.view import View, Visit
from models.data.probe import probe
from models.data.sources import title
from models.paper import ClassScores, Image

STAND_IN = {
    "painted scenes": " The photographs that the network was tested on may not be shipped: a program painted these scenes of the "
    "same classes."
}


def draw(visit: Visit) -> None:
    """The layer's space on the left; on the right who lies nearest, as pictures."""
    paper = visit.paper
    try:
        crowd = session.probe_visit(visit)
    except KeyError:
        st.info(
            f"A space needs company: the test pictures of {title(paper.dataset)} may not be shipped, and are not on this machine."
        )
        st.caption(
            f"Fetch them with `python -m models data fetch {paper.dataset}`, or name the folder that has them in CUTAWAY_DATA, "
            "and this room opens."
        )
        return
    paths = [p.path for p in paper.probes]
    start = paper.penultimate or paths[-1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = st.selectbox("Layer", paths, index=paths.index(start), key="layer", bind="query-params", width=220)
        method = st.segmented_control(
            "Laid out by", ["PCA", "t-SNE"], default="PCA", required=True, key="layout", bind="query-params"
        )
        axes = st.segmented_control(
            "Axes", ["2-D", "3-D"], default="2-D", required=True, key="axes", bind="query-params"
        )
    among = session.ask(
        interpret.space,
        crowd,
        path=layer,
        method=method,
        dimensions=int(axes[0]),
    )
    vector = session.ask(interpret.vectors, visit, path=layer)[0]
    here = interpret.place(among, vector)
    known = probe(paper.dataset)
    left, right = st.columns([3, 1.15], gap="medium")
    with left:
        names = (
            [f"component {i + 1} ({100 * e:.0f} % of the variance)" for i, e in enumerate(among.explained)]
            if len(among.explained)
            else [f"t-SNE axis {i + 1} (no unit)" for i in range(among.positions.shape[1])]
        )
        kinds, of = _kinds(paper.scores, known.labels)
        figure = scatter(
            among.positions,
            of,
            kinds,
            here.position,
            visit.dark,
            title=f"{len(known.labels)} {known.what} in the {vector.size} dimensions of {layer}",
            axes=names,
        )
        exhibit(
            visit,
            figure,
            key="space",
            reading=_reading(kinds, of[here.neighbours], method, layer) + STAND_IN.get(known.what, ""),
            numbers={"positions": among.positions, "labels": known.labels, "here": here.position},
            code=_code(paper.slug, layer, method),
        )
    with right:
        _neighbours(visit, here, known)


def _neighbours(visit: Visit, here: interpret.Place, known) -> None:
    st.markdown("**Nearest in this layer**")
    sheet: Mosaic = mosaic(known.images[here.neighbours] / np.float32(255), visit.dark, columns=4, signed=False)
    said = [visit.paper.scores.labels[known.labels[i]] for i in here.neighbours]
    st.image(sheet.png, width="stretch", alt=f"The nearest {known.what}: {', '.join(said)}")
    foot(
        visit,
        key="neighbours",
        reading="From near to far, by rows: "
        + ", ".join(f"{s} at {d:.2g}" for s, d in zip(said, here.distances, strict=True))
        + ". Distances are Euclidean, in the layer's own units.",
        numbers={"neighbours": here.neighbours, "distances": here.distances},
        png=sheet.png,
    )


def _kinds(gives: ClassScores, classes: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """What the pictures are told apart by, and which each is of: its class, or where there are too many the class's kind."""
    if not gives.kinds:
        return gives.labels, classes
    return tuple(name for name, _ in gives.kinds), np.array([gives.kind(int(c)) for c in classes])


def _reading(labels: tuple[str, ...], near: np.ndarray, method: str, layer: str) -> str:
    name = labels[int(np.bincount(near).argmax())]
    share = int((near == np.bincount(near).argmax()).sum())
    put = "" if method == "PCA" else " t-SNE cannot place a new point: it is put between its three nearest."
    return f"Pictures that {layer} holds alike lie close. Of the {len(near)} nearest to your input, {share} are {name}.{put}"


def _code(slug: str, layer: str, method: str) -> str:
    return (
        "import models\nfrom app.interpret.space import space\nfrom models.data.probe import probe\n\n"
        f'net = models.load("{slug}")\n'
        "x = net.paper.takes.from_pixels(probe(net.paper.dataset).images)\n"
        f'print(space(net.module, net.paper, x, "{layer}", "{method}").positions)'
    )


VIEW = View(
    "Space",
    60,
    (Image, ClassScores),
    draw,
    "Five hundred pictures as one layer holds them, laid out on a plane, with your input among them.",
)
