"""A paper as BibTeX, from its card."""

from __future__ import annotations

import re
import unicodedata

from models.paper import Paper


def key(paper: Paper) -> str:
    """Family name of the first author, and the year: "rosenblatt1958"."""
    name = unicodedata.normalize("NFKD", paper.authors[0].split()[-1]) if paper.authors else paper.slug
    return f"{re.sub('[^a-z]', '', name.casefold())}{paper.year}"


def bibtex(paper: Paper) -> str:
    """An @article with volume, number and pages where the venue states them: "Nature 323(6088), 533-536"."""
    found = re.fullmatch(
        r"(?P<journal>.*?)(?: (?P<volume>\d+))?(?:\((?P<number>[\d-]+)\))?(?:, (?P<pages>\d+-\d+))?", paper.venue
    )
    parts = found.groupdict() if found else {"journal": paper.venue}
    fields = {
        "title": f"{{{paper.title}}}",
        "author": " and ".join(paper.authors),
        **{k: v.replace("-", "--") if k == "pages" else v for k, v in parts.items() if v},
        "year": str(paper.year),
        "url": paper.url,
    }
    return f"@article{{{key(paper)},\n" + "".join(f"  {k} = {{{v}}},\n" for k, v in fields.items()) + "}"
