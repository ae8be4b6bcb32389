"""python -m models list | train SLUG [--only NAME | --again] | evaluate SLUG | verify [SLUG] | notes [SLUG] | data fetch NAME"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import shutil
import sys

from models import networks, paper, papers, root, waiting
from models.data import DataMissing


def every() -> list[str]:
    """The slugs of all networks of all papers on show."""
    return [n.slug for p in papers() for n in networks(p.slug)]


def command_list(_: argparse.Namespace) -> int:
    from models import checkpoint

    for slug in [*every(), *(n.slug for p in waiting() for n in networks(p.slug))]:
        card = paper(slug)
        try:
            metric = checkpoint.read_record(slug).metric(card.headline.metric)
            shown = f"{metric.name} {metric.value:g} {metric.unit}" if metric else "no headline metric"
        except checkpoint.CheckpointError:
            shown = "not trained yet"
        print(f"{slug:<22}{card.year}  {card.title}  [{shown}]")
    return 0


def command_train(options: argparse.Namespace) -> int:
    if options.again:
        return _again(options)
    wanted = [n.slug for n in networks(options.slug)] if "/" not in options.slug else [options.slug]
    for slug in wanted:
        run = importlib.import_module(f"models.{slug.replace('/', '.')}.train").run
        run(device=options.device, **({"only": options.only} if options.only else {}))
    return 0


def _again(options: argparse.Namespace) -> int:
    """Train a paper anew in a folder of its own, beside links to all others, and set its numbers beside the record's."""
    from models import checkpoint, training

    if "/" in options.slug or options.only:
        raise checkpoint.CheckpointError("A paper is trained again as a whole: name it alone, without --only.")
    known = {n.slug: checkpoint.read_record(n.slug) for n in networks(options.slug)}
    fresh, ours = training.run_folder("again", options.slug), checkpoint.folder(options.slug).parent
    fresh.mkdir(exist_ok=True)
    if all((fresh / slug / "record.json").exists() for slug in known):  # an earlier time, trained to its end
        shutil.rmtree(fresh / options.slug)
    for other in ours.iterdir():
        if other.name != options.slug and not (fresh / other.name).exists():
            (fresh / other.name).symlink_to(other.resolve())
    os.environ["CUTAWAY_CHECKPOINTS"] = str(fresh)
    for slug, record in known.items():
        importlib.import_module(f"models.{slug.replace('/', '.')}.train").run(device=options.device)
        again = checkpoint.read_record(slug)
        print(f"{slug} of {again.commit} on {again.hardware}\n{'':<34}{'record':>12}{'again':>12}")
        for metric in record.metrics:
            if (found := again.metric(metric.name)) is not None:
                print(f"{metric.name:<34}{metric.value:>12.5g}{found.value:>12.5g} {metric.unit}")
    return 0


def command_evaluate(options: argparse.Namespace) -> int:
    from models import verify

    print(json.dumps([dataclasses.asdict(m) for m in verify.evaluate(options.slug)], indent=1))
    return 0


def command_verify(options: argparse.Namespace) -> int:
    from models import verify

    bad = 0
    for slug in [options.slug] if options.slug else every():
        found, seen = list[str](), "sound"
        try:
            found.extend(verify.faults(slug, whole=options.whole))
        except DataMissing as error:
            seen = f"sound as far as can be seen; not measured again: {error}"
        print("\n".join(found) if found else f"{slug}: {seen}")
        bad += len(found)
    return 1 if bad else 0


def command_notes(options: argparse.Namespace) -> int:
    from models import notes

    for slug in [options.slug] if options.slug else every():
        print(f"{slug}: {'rewritten' if notes.update(slug) else 'as it should be'}")
    (root() / "README.md").write_text(notes.readme(), "utf8")
    return 0


def command_data(options: argparse.Namespace) -> int:
    from models.data import fetch

    fetch.fetch(options.name)
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models", description="Train, measure and check the papers.")
    commands = parser.add_subparsers(required=True)
    commands.add_parser("list", help="all networks with their headline number").set_defaults(run=command_list)
    train = commands.add_parser("train", help="train a paper: all seeds, the twin, record and note")
    train.add_argument("slug")
    train.add_argument("--device", default="cpu", help="cpu or cuda")
    train.add_argument("--only", help="one of its trainings alone: model, twin, or a further twin's name")
    train.add_argument("--again", action="store_true", help="train from nothing, aside, and compare with the record")
    train.set_defaults(run=command_train)
    evaluate = commands.add_parser("evaluate", help="recompute every metric of the record, as JSON")
    evaluate.add_argument("slug")
    evaluate.set_defaults(run=command_evaluate)
    verify = commands.add_parser("verify", help="hashes, golden outputs, record against a fresh evaluation")
    verify.add_argument("slug", nargs="?")
    verify.add_argument("--whole", action="store_true", help="measure on all test samples, not on the first 500")
    verify.set_defaults(run=command_verify)
    notes = commands.add_parser("notes", help="write the records' numbers and figures into the notes and the README")
    notes.add_argument("slug", nargs="?")
    notes.set_defaults(run=command_notes)
    data = commands.add_parser("data", help="fetch a data set from its public home").add_subparsers(required=True)
    fetch = data.add_parser("fetch")
    fetch.add_argument("name")
    fetch.set_defaults(run=command_data)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    from models.checkpoint import CheckpointError

    try:
        sys.exit(main())
    except (CheckpointError, DataMissing, KeyError) as error:
        sys.exit(str(error.args[0]))
