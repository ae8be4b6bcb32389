"""What training leaves behind, in `checkpoints/<slug>/`, and how it is read back. Safetensors and JSON only.

    weights.safetensors      seed 0                  twin.safetensors     the twin; further ones in twins/<name>
    seeds/1.safetensors ...  further seeds           steps/000128.safetensors ...  snapshots of seed 0
    record.json              Record                  curves.json          {"model": {"0": [row, ...]}, "twin": {...}}
    golden.safetensors       inputs and outputs      portrait.safetensors a picture for the timeline
    tokenizer.json           where it reads text

The last snapshot is no file of its own: it is `weights.safetensors`.

In how many bits weights are kept is said in `bits`. What is measured is always what was read back from disk, but for the curves,
which are measured as the training goes. Weights of a training say of which commit's code and on what machine they were made
(`made`), and the record says what they say.

A row of the curves is {"step": 128, "epoch": 0.1, "train_loss": ..., "test_accuracy": ..., ...}.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError

from models import bits, root

if TYPE_CHECKING:
    from torch import nn

# One of these words in the name of a metric in %: a share of right or wrong answers.
SHARES = frozenset({"accuracy", "error", "recall", "lesion", "analogy", "shot", "found", "without", "best"})
SAMPLE = 500  # test samples on which `verify` compares a record with its weights
Curves = dict[str, dict[str, list[dict[str, float]]]]


class CheckpointError(RuntimeError):
    """A checkpoint that is missing, damaged or another model's; the text says which and what to do."""


@dataclass(frozen=True)
class Metric:
    """One measured number. `seeds` holds the value of every seed where several were trained (seed 0 first)."""

    name: str
    value: float
    samples: int
    unit: str = ""  # "%", "facts of 100", ""
    split: str = "test"
    seeds: tuple[float, ...] = ()
    note: str = ""  # what has to be said with the number wherever it is shown: "a lower bound"

    @property
    def spread(self) -> float:
        """Largest minus smallest value over the seeds."""
        return max(self.seeds) - min(self.seeds) if self.seeds else 0.0

    @property
    def sampling(self) -> float | None:
        """One standard error of a share of right or wrong answers over so many samples, in points; None of other numbers."""
        if self.unit != "%" or not SHARES & set(self.name.split("_")):
            return None
        share = min(max(self.value / 100, 0.01), 0.99)
        return 100 * (share * (1 - share) / self.samples) ** 0.5


@dataclass(frozen=True)
class Record:
    """What was trained, how, and what came out; the evaluation writes it, nobody types it."""

    slug: str
    dataset: str
    split: str
    seed: int
    steps: int
    epochs: float
    commit: str
    hardware: str
    wall_seconds: float
    parameters: int
    metrics: tuple[Metric, ...]
    snapshots: tuple[int, ...]
    sha256: Mapping[str, str]
    deviations: tuple[str, ...]
    versions: Mapping[str, str]
    sample: tuple[Metric, ...] = ()  # every metric again, on the first SAMPLE test samples

    def metric(self, name: str) -> Metric | None:
        return next((m for m in self.metrics if m.name == name), None)


def folder(slug: str) -> Path:
    """`checkpoints/<slug>`, or the same under CUTAWAY_CHECKPOINTS where that is set."""
    base = os.environ.get("CUTAWAY_CHECKPOINTS")
    return (Path(base) if base else root() / "checkpoints") / slug


def weights_path(slug: str, step: int | None = None, twin: bool | str = False, seed: int = 0) -> Path:
    """Where the weights of that step, twin and seed are read, whether they exist or not."""
    path = _file(slug, step, twin, seed)
    return _file(slug) if step is not None and not path.exists() and step == _end(slug) else path


def _file(slug: str, step: int | None = None, twin: bool | str = False, seed: int = 0) -> Path:
    if step is not None and (twin or seed):
        raise CheckpointError("snapshots are kept of seed 0 of the model itself, not of its twin or further seeds")
    name = (
        f"twins/{twin}.safetensors"
        if isinstance(twin, str)
        else "twin.safetensors"
        if twin
        else f"steps/{step:06d}.safetensors"
        if step is not None
        else f"seeds/{seed}.safetensors"
        if seed
        else "weights.safetensors"
    )
    return folder(slug) / name


def _end(slug: str) -> int | None:
    """The last step of the training, where it has come to its end."""
    try:
        rows = read_curves(slug)["model"]["0"]
    except (CheckpointError, KeyError):
        return None
    return int(rows[-1]["step"]) if _file(slug).exists() else None


def read_weights(
    slug: str, module: nn.Module, step: int | None = None, twin: bool | str = False, seed: int = 0
) -> None:
    """Fill `module` from disk, all widened to float32. Raises CheckpointError with what is wrong."""
    path = weights_path(slug, step, twin, seed)
    own = module.state_dict()
    tensors = bits.widened(read_tensors(path), own)
    if tensors.keys() != own.keys():
        odd = sorted(tensors.keys() ^ own.keys())[:3]
        raise CheckpointError(f"{path.name} holds the weights of another model: it differs in {', '.join(odd)}")
    if wrong := [k for k in own if tensors[k].shape != own[k].shape]:
        raise CheckpointError(f"{path.name} holds the weights of another size: it differs in {wrong[0]}")
    module.load_state_dict({k: t.to(own[k].dtype) for k, t in tensors.items()})


def read_tensors(path: Path) -> dict[str, Any]:
    """All torch tensors of a safetensors file. Raises CheckpointError where it is missing or damaged."""
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not there: train it, or fetch the repository whole") from None
    except (SafetensorError, OSError) as e:
        raise CheckpointError(f"{path} is damaged ({e}): restore it from the repository") from None


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """As `read_tensors`, as NumPy arrays and without importing torch."""
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not there: train it, or fetch the repository whole") from None
    except (SafetensorError, OSError) as e:
        raise CheckpointError(f"{path} is damaged ({e}): restore it from the repository") from None


def write_weights(
    slug: str,
    module: nn.Module,
    step: int | None = None,
    twin: bool | str = False,
    seed: int = 0,
    made: Mapping[str, str] | None = None,
) -> None:
    """Save a state dict, a snapshot where `step` is given, in as many bits as `bits` says."""
    from safetensors.torch import save_file

    path = _file(slug, step, twin, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    further = isinstance(twin, str) or bool(seed)
    kind: bits.Kind = "snapshot" if step is not None else "further" if further else "twin" if twin else "final"
    tensors = {k: t.contiguous().clone() for k, t in bits.packed(module, kind).items()}
    save_file(tensors, path, metadata=dict(made) if made else None)


def write_arrays(slug: str, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Save arrays as `checkpoints/<slug>/<name>.safetensors`."""
    from safetensors.numpy import save_file

    path = folder(slug) / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: np.ascontiguousarray(a) for k, a in arrays.items()}, path)


@lru_cache(maxsize=64)
def _json(path: Path, modified: float) -> Any:
    return json.loads(path.read_text("utf8"))


def read_json(slug: str, name: str) -> Any:
    """`checkpoints/<slug>/<name>.json`, parsed once for every version of the file. Raises CheckpointError."""
    path = folder(slug) / f"{name}.json"
    try:
        return _json(path, path.stat().st_mtime)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not there: train it, or fetch the repository whole") from None
    except json.JSONDecodeError as e:
        raise CheckpointError(f"{path} is damaged ({e}): restore it from the repository") from None


def write_json(slug: str, name: str, value: Any) -> None:
    path = folder(slug) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf8")


def read_record(slug: str) -> Record:
    """The record of a trained paper. Raises CheckpointError."""
    raw = dict(read_json(slug, "record"))
    for key in ("metrics", "sample"):
        raw[key] = tuple(Metric(**{**m, "seeds": tuple(m["seeds"])}) for m in raw.get(key, ()))
    raw |= {k: tuple(raw[k]) for k in ("snapshots", "deviations")}
    return Record(**raw)


def read_curves(slug: str) -> Curves:
    """{"model": {seed: rows}, "twin": {seed: rows}}. Raises CheckpointError."""
    return read_json(slug, "curves")


def snapshots(slug: str) -> tuple[int, ...]:
    """The steps whose weights are on disk, in order, the end of the training among them."""
    found = {int(p.stem) for p in (folder(slug) / "steps").glob("*.safetensors")}
    end = _end(slug)
    return tuple(sorted(found | {end} if found and end is not None else found))


def drop_last(slug: str, step: int) -> None:
    """Remove the snapshot of the last step: `weights.safetensors` are the same weights in more bits."""
    _file(slug, step).unlink(missing_ok=True)


def write_record(
    slug: str,
    *,
    split: str,
    seed: int,
    steps: int,
    epochs: float,
    wall_seconds: float,
    metrics: Sequence[Metric],
    sample: Sequence[Metric] = (),
) -> Record:
    """Write record.json from what lies in the folder now: hashes, snapshots, parameters, how the weights were made."""
    from models import build, paper

    card = paper(slug)
    base = folder(slug)
    module = build(slug)
    record = Record(
        slug=slug,
        dataset=card.dataset,
        split=split,
        seed=seed,
        steps=steps,
        epochs=epochs,
        **_made(slug),
        wall_seconds=round(wall_seconds, 1),
        parameters=sum(p.numel() for p in module.parameters() if p.requires_grad),
        metrics=tuple(metrics),
        sample=tuple(sample),
        snapshots=snapshots(slug),
        sha256={str(p.relative_to(base)): sha256(p) for p in hashed_files(slug)},
        deviations=card.deviations,
    )
    write_json(slug, "record", dataclasses.asdict(record))
    return record


def weight_files(slug: str) -> list[Path]:
    """Every weights file of this network (not those of a further network in a folder below) and its tokenizer, in order."""
    base = folder(slug)
    parts = ("*.safetensors", *(f"{part}/*.safetensors" for part in ("steps", "seeds", "twins")), "tokenizer.json")
    return sorted(path for part in parts for path in base.glob(part))


def hashed_files(slug: str) -> list[Path]:
    """What the record has a hash of: the weights files and the curves."""
    return [*weight_files(slug), *folder(slug).glob("curves.json")]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def made(slug: str, device: str = "cpu") -> dict[str, str]:
    """Of what code and on what machine weights are made now: the commit, with a "+" where the paper's code is another."""
    import torch

    def git(*asked: str) -> str:
        return subprocess.run(["git", *asked], capture_output=True, text=True, cwd=root()).stdout.strip()

    changed = git(
        "status", "--porcelain", "--untracked-files=no", "--", f"models/{slug}/model.py", f"models/{slug}/train.py"
    )
    hardware = torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor()
    threads = torch.get_num_threads()
    return {
        "commit": (git("rev-parse", "--short", "HEAD") or "unknown") + "+" * bool(changed),
        "hardware": f"{hardware}, torch {torch.__version__}, {threads} thread{'s' * (threads > 1)}",
        "versions": json.dumps({
            "torch": torch.__version__, "python": platform.python_version(), "numpy": np.__version__
        }),
    }  # fmt: skip


def _made(slug: str) -> dict[str, Any]:
    """How the weights were made: what their file says, else the record that knows them, else as things are now."""
    from safetensors import safe_open

    path = weights_path(slug)
    with safe_open(path, "pt") as file:
        said = dict(file.metadata() or {})
    if "commit" in said:
        return {**{k: said[k] for k in ("commit", "hardware")}, "versions": json.loads(said["versions"])}
    try:
        known = read_record(slug)
    except CheckpointError:
        known = None
    if known and known.sha256.get(path.name) == sha256(path):
        return {"commit": known.commit, "hardware": known.hardware, "versions": known.versions}
    now = made(slug)
    return now | {"versions": json.loads(now["versions"])}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
