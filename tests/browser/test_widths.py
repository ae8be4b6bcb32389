"""The rooms of attention, of the stream and of parts: on a phone and a desk, in light and dark, nothing breaks or sticks out."""

from __future__ import annotations

import pytest

import models
from app.view import fitting

pytestmark = pytest.mark.browser

ROOMS = {
    "alignment",
    "attention",
    "logit_lens",
    "direct_attribution",
    "head_roles",
    "patching",
    "ablation",
    "token_attribution",
    "lesions",
    "auxiliary",
    "reuse",
}
OUT = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
    .map(e => e.scrollWidth - e.clientWidth)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("slug", ["gpt2", "bert", "seq2seq", "vit", "clip", "swin", "googlenet", "densenet"])
def test_every_room_fits_its_page(visitor, settle, slug, theme):
    """One page walks through the network's rooms and changes its width in each."""
    rooms = {name: view for name, view in fitting(models.paper(slug)).items() if name in ROOMS}
    first = next(iter(rooms))
    page = visitor(f"/paper?paper={slug}&view={first}", theme=theme)
    for name, view in rooms.items():
        if name != first:
            page.get_by_role("radio", name=view.title, exact=True).click()
            settle(page)
            assert f"view={name}" in page.url
        for width in (1400, 390):
            page.set_viewport_size({"width": width, "height": 900})
            settle(page)
            assert max(page.evaluate(OUT)) <= 0, (name, width)
        assert not page.locator("[data-testid=stException]").count(), name
