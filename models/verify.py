"""Is what is committed true? Hashes of the weights, golden outputs, and the record against a fresh evaluation."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import numpy as np

from models import checkpoint, paper, restore

GOLDEN = 1e-4  # absolute difference allowed between golden and recomputed outputs


def evaluate(slug: str, **limit: int) -> tuple[checkpoint.Metric, ...]:
    """Every metric of the record, computed afresh from the weights (on `limit` test samples). Raises DataMissing."""
    paper(slug)
    return importlib.import_module(f"models.{slug.replace('/', '.')}.train").evaluate(**limit)


def faults(slug: str, fresh: bool = True, whole: bool = False) -> Iterator[str]:
    """One sentence for everything that is wrong; nothing where all is well.

    `fresh`: measure again too, on the first test samples, or with `whole` on all of them. Raises DataMissing, when all else
    is checked, where the data for it is not here.
    """
    record = checkpoint.read_record(slug)
    base = checkpoint.folder(slug)
    files = {str(p.relative_to(base)): p for p in checkpoint.hashed_files(slug)}
    for name in sorted(files.keys() ^ record.sha256.keys()):
        yield f"{slug}: {name} is {'not in the record' if name in files else 'missing'}"
    for name in sorted(files.keys() & record.sha256.keys()):
        if checkpoint.sha256(files[name]) != record.sha256[name]:
            yield f"{slug}: {name} has another sha256 than the record says"
    yield from _golden(slug)
    for metric in record.sample:
        if abs((published := _published(record, metric)) - metric.value) > _by_chance(metric):
            yield f"{slug}: the record says {metric.name} {published}, and {metric.value} on the first test samples"
    if fresh:
        known = record.metrics if whole else record.sample or record.metrics
        limit = {"limit": checkpoint.SAMPLE} if record.sample and not whole else {}
        measured = {m.name: m for m in evaluate(slug, **limit)}
        for metric in known:
            again = measured.get(metric.name)
            if again is None or abs(again.value - metric.value) > _allowed(metric):
                yield f"{slug}: the record says {metric.name} {metric.value}, the weights {again and again.value}"


def _published(record: checkpoint.Record, metric: checkpoint.Metric) -> float:
    """What the record says on all test samples of what `metric` is on the first."""
    found = record.metric(metric.name)
    return found.value if found else float("nan")


def _by_chance(metric: checkpoint.Metric) -> float:
    """How far accuracy or error may lie from that on all samples: five standard errors. Others: anywhere (a name is easier found
    among fewer)."""
    fixed = metric.name.endswith(("accuracy", "error"))
    return 5 * metric.sampling if fixed and metric.sampling else float("inf")


def _allowed(metric: checkpoint.Metric) -> float:
    """How far a metric may be off on another processor: one sample in a share, a thousandth elsewhere."""
    return max(1e-3 * abs(metric.value), 101 / metric.samples if metric.unit == "%" else 1e-6)


def _golden(slug: str) -> Iterator[str]:
    import torch

    golden = checkpoint.read_tensors(checkpoint.folder(slug) / "golden.safetensors")
    with torch.no_grad():
        output = restore(slug)(golden["input"])
    apart = float((output - golden["output"]).abs().max())
    if not np.isfinite(apart) or apart > GOLDEN:
        yield f"{slug}: the outputs differ from the golden ones by {apart:.2g}"
