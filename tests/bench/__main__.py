"""Run all measurements, or the parts that are named; print a table, write `tests/bench/results.json`.

python -m tests.bench               all parts
python -m tests.bench opening       one of them anew; the others' rows stay
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import platform
import sys
from pathlib import Path

import torch

from tests.bench import compute, pages

OUT = Path(__file__).with_name("results.json")
PARTS = {
    "tracing": compute.tracing,
    "attribution": compute.attribution,
    "caching": compute.caching,
    "patching": compute.patching,
    "rooms": pages.rooms,
    "opening": pages.opening,
    "clicks": pages.clicks,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Run all measurements, or the parts that are named."
    )
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; all, if none is named")
    asked = parser.parse_args().part or list(PARTS)
    if unknown := set(asked) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)  # outside an app, Streamlit misses one at every look
    machine = (
        f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"
    )
    for part in asked:
        rows = []
        for row in PARTS[part]():
            goal = "" if row.goal is None else f"goal {row.goal:g} {row.unit}: {'met' if row.met else 'MISSED'}"
            print(f"{row.what:<80}{row.value:>9.2f} {row.unit:<4} {goal}", flush=True)
            rows.append({**dataclasses.asdict(row), "value": round(row.value, 3), "met": row.met})
        known = json.loads(OUT.read_text("utf8"))["parts"] if OUT.exists() else {}
        known[part] = {"machine": machine, "rows": rows}
        parts = {name: known[name] for name in PARTS if name in known}
        OUT.write_text(json.dumps({"parts": parts}, indent=1) + "\n", "utf8")
    met = [row["met"] for part in known.values() for row in part["rows"] if row["met"] is not None]
    print(f"\n{sum(met)} goals met, {len(met) - sum(met)} missed; written to {OUT}", file=sys.stderr)


if __name__ == "__main__":
    main()
