"""Tracing against a plain forward pass, attribution against Captum called directly."""

from __future__ import annotations

import contextlib
import gc
import io
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

import models
from app import session
from app.interpret.copies import Copies, private
from app.interpret.trace import trace
from models.data.samples import sample_bytes
from models.paper import Fact, Image, NextToken


@dataclass(frozen=True)
class Row:
    """One line of the table: what, the figure, its unit, and the goal it is held against."""

    what: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.value <= self.goal


def seconds(*calls: Callable[[], object], rounds: int = 15) -> tuple[float, ...]:
    """Median seconds of each call on this thread's own clock, so that what else runs on the machine does not count.

    The calls take turns, so that what noise is left hits all alike.
    """
    for call in calls:
        call()
    gc.collect()
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for times, call in zip(taken, calls, strict=True):
            start = time.thread_time()
            call()
            times.append(time.thread_time() - start)
    return tuple(statistics.median(times) for times in taken)


def networks() -> Iterator[models.Pretrained]:
    for paper in models.papers():
        for network in models.networks(paper.slug):
            if isinstance(network.takes, Image | Fact):
                yield models.load(network.slug)


def tracing() -> Iterator[Row]:
    """All probes of every network, the private copy included, against a plain forward pass of the shared module."""
    for net in networks():
        x = net.paper.takes.parse(sample_bytes(net.paper, net.paper.samples[0]))
        pool = Copies(net.module)

        def plain(net=net, x=x) -> object:
            with torch.no_grad():
                return net.module(torch.from_numpy(x))

        def traced(net=net, x=x, pool=pool) -> object:
            with pool.lend() as module:
                return trace(module, net.paper, x)

        forward, all_probes, copy = seconds(plain, traced, lambda net=net: private(net.module), rounds=60)
        yield Row(f"trace {net.paper.slug}: more than a forward pass", 1e3 * (all_probes - forward), "ms", 3.0)
        if forward > 0.010:
            yield Row(f"trace {net.paper.slug}: against a forward pass", all_probes / forward, "x", 1.3)
        yield Row(f"trace {net.paper.slug}: a fresh private copy", 1e3 * copy, "ms")


def attribution() -> Iterator[Row]:
    """Every method that fits, on LeNet-like networks, against the same call of Captum; then from the cache."""
    from app.interpret import attribution as ours
    from tests.interpret import direct

    for net in networks():
        if not isinstance(net.paper.takes, Image):
            continue
        source = sample_bytes(net.paper, net.paper.samples[7 % len(net.paper.samples)])
        visit = session.visit(net.paper, source, "bench")
        given = visit.x.copy()
        missing = ours.unavailable(net.module, net.paper)
        for name in ours.METHODS:
            if name in missing:
                continue
            pool = Copies(net.module)
            own = private(net.module)

            def through(net=net, name=name, pool=pool, x=given) -> object:
                with pool.lend() as module:
                    return ours.attribute(module, net.paper, x, method=name)

            def captum(net=net, name=name, own=own, x=given) -> object:
                return direct.attribute(own, net.paper, x, method=name)

            theirs, mine = seconds(captum, through, rounds=7)
            yield Row(f"{net.paper.slug} {name}: against Captum ({1e3 * theirs:.1f} ms)", mine / theirs, "x", 1.1)
            session.ask(ours.attribute, visit, method=name)
            (kept,) = seconds(lambda visit=visit, name=name: session.ask(ours.attribute, visit, method=name), rounds=7)
            yield Row(f"{net.paper.slug} {name}: from the cache", kept / theirs, "x", 1.0)


def patching() -> Iterator[Row]:
    """All tables of a sentence of 12 tokens whose first one differs, against the same tables of TransformerLens."""
    from transformer_lens import patching as cell_by_cell

    from app.interpret import patching as ours
    from app.interpret.lens import Lens

    for net in map(models.load, (p.slug for p in models.papers() if p.stream and isinstance(p.gives, NextToken))):
        x = torch.randint(300, 1000, (1, 12), generator=torch.Generator().manual_seed(0)).numpy()
        other = (5, *x[0, 1:].tolist())
        pool, lens = Copies(net.module), Lens(private(net.module))

        def tables(net=net, x=x, other=other, pool=pool) -> object:
            with pool.lend() as module:
                return ours.tables(module, net.paper, x, other, 9, 11)

        @torch.no_grad()
        def theirs(lens=lens, x=x, other=other) -> object:
            ids = torch.tensor([other])
            _, cache = lens.run_with_cache(torch.from_numpy(x))
            kinds = ("resid_pre", "attn_out", "mlp_out", "attn_head_out_all_pos")
            makes = [getattr(cell_by_cell, f"get_act_patch_{kind}") for kind in kinds]
            return [make(lens, ids, cache, lambda logits: logits[0, -1, 9] - logits[0, -1, 11]) for make in makes]

        with contextlib.redirect_stderr(io.StringIO()):  # a bar for each table
            cells, batched = seconds(theirs, tables, rounds=5)
        named = f"patch 12 tokens of {net.paper.slug}, all layers, positions, heads"
        yield Row(f"{named}: cold", 1e3 * batched, "ms", 500)
        yield Row(f"{named}: against TransformerLens ({1e3 * cells:.0f} ms)", batched / cells, "x", 0.5)


def caching() -> Iterator[Row]:
    """All probes on a text of 64 tokens, private copy included, against TransformerLens's bridge with the same weights."""
    from app.interpret.lens import Lens
    from tests.interpret.bridge import bridge

    for net in map(models.load, (p.slug for p in models.papers() if p.stream and isinstance(p.gives, NextToken))):
        ids = torch.randint(300, 1000, (1, 64), generator=torch.Generator().manual_seed(0))
        pool, lens, theirs = Copies(net.module), Lens(private(net.module)), bridge(net.module)

        def traced(net=net, ids=ids, pool=pool) -> object:
            with pool.lend() as module:
                return trace(module, net.paper, ids.numpy())

        with torch.no_grad():
            forward, own, cache, bridged = seconds(
                lambda net=net, ids=ids: net.module(ids),
                traced,
                lambda lens=lens, ids=ids: lens.run_with_cache(ids),
                lambda theirs=theirs, ids=ids: theirs.run_with_cache(ids),
                rounds=40,
            )
        for name, ours in (("trace", own), ("TransformerLens's cache through Lens,", cache)):
            named = f"{name} {net.paper.slug}, 64 tokens"
            yield Row(f"{named}: against TransformerLens's bridge ({1e3 * bridged:.1f} ms)", ours / bridged, "x", 0.5)
            yield Row(f"{named}: against a forward pass ({1e3 * forward:.1f} ms)", ours / forward, "x", 1.5)
