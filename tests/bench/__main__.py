"""Run all measurements, print a table, write `tests/bench/results.json`."""

from __future__ import annotations

import dataclasses
import json
import logging
import platform
import sys
from pathlib import Path

import torch

from tests.bench import compute, pages

OUT = Path(__file__).with_name("results.json")


def main() -> None:
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)  # outside an app, Streamlit misses one at every look
    rows: list[compute.Row] = []
    for part in (compute.tracing, compute.attribution, compute.caching, compute.patching, pages.pages):
        for row in part():
            rows.append(row)
            goal = "" if row.goal is None else f"goal {row.goal:g} {row.unit}: {'met' if row.met else 'MISSED'}"
            print(f"{row.what:<72}{row.value:>9.2f} {row.unit:<4} {goal}", flush=True)
    missed = [row.what for row in rows if row.met is False]
    print(f"\n{sum(row.met is True for row in rows)} goals met, {len(missed)} missed")
    machine = (
        f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"
    )
    listed = [{**dataclasses.asdict(row), "value": round(row.value, 3), "met": row.met} for row in rows]
    OUT.write_text(json.dumps({"machine": machine, "rows": listed}, indent=1) + "\n", "utf8")
    print(f"written to {OUT}", file=sys.stderr)


if __name__ == "__main__":
    main()
