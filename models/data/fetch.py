"""Bring a data set from its public home into `models.data.folder()`: whole and checked, or not at all.

What is checked is the content, pixels and labels as decoded: the public file may be packed anew, its digits may not
change. Where our own copy is not the public one, point for point, there is no checksum to compare, and the reader says what
it can (`doubt`). `CUTAWAY_HOME_URL` names another server that has the same paths (a mirror).
"""

from __future__ import annotations

import hashlib
import http.client
import importlib
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from models.data import DataMissing, folder, sources

HOME = "https://huggingface.co"
PATIENCE = 30  # seconds without an answer
CHUNK = 1 << 18  # bytes


@dataclass(frozen=True)
class File:
    """One file of a data set: where it lies at home, where it goes, and the sha256 of its decoded content.

    No sha256: the content is held to be right where the reader's `doubt(path)` finds nothing to say.
    """

    remote: str
    local: str
    sha256: str = ""


# The name of a data set is that of its reader in `models.data`, whose `decode` gives the content of a file as arrays.
# `python -m models.data.fetch` prints the checksums of the files that are on this machine.
FILES = {
    "mnist": (
        File(
            "datasets/ylecun/mnist/resolve/main/mnist/train-00000-of-00001.parquet",
            "train.parquet",
            "a354ceb508cf3f4c56a2fecf49133e72ecffbd59937aa1ab79ec90d2c362df52",
        ),
        File(
            "datasets/ylecun/mnist/resolve/main/mnist/test-00000-of-00001.parquet",
            "test.parquet",
            "b8278cdfcfe81cb7dfb66cb0b66bee143fe006b5ae330bf9a58079e1d28d9e04",
        ),
    ),
    "cifar10": (
        File("datasets/uoft-cs/cifar10/resolve/main/plain_text/train-00000-of-00001.parquet", "train.parquet"),
        File("datasets/uoft-cs/cifar10/resolve/main/plain_text/test-00000-of-00001.parquet", "test.parquet"),
    ),
}


def fetch(name: str) -> None:
    """Fetch what is missing of a data set. Raises DataMissing with a sentence for people; no half file is left."""
    if name not in FILES and (known := sources.source(name)) and known.home:
        raise DataMissing(
            f"{known.title} cannot be fetched: there is no public file of just what our networks were trained on. It comes from: "
            f"{known.source} Set CUTAWAY_DATA to a folder that holds it."
        )
    if name not in FILES:
        raise DataMissing(f"There is no data set {name!r} to fetch; known are: {', '.join(sorted(FILES))}.")
    for file in FILES[name]:
        path = folder() / name / file.local
        if path.exists() and _is_right(name, path, file):
            print(f"{path} is there and {_how_right(name, file)}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        try:
            _download(f"{os.environ.get('CUTAWAY_HOME_URL', HOME).rstrip('/')}/{file.remote}", part)
            if not _is_right(name, part, file):
                what = f"What came for {name}/{file.local} is not the data set as we know it: try again later."
                raise DataMissing(what)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        print(f"{path} is fetched and {_how_right(name, file)}")


def checksum(name: str, path: Path) -> str:
    """sha256 over the decoded arrays of one file, in C order and little-endian."""
    digest = hashlib.sha256()
    for array in importlib.import_module(f"models.data.{name}").decode(path):
        digest.update(str(array.shape).encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _is_right(name: str, path: Path, file: File) -> bool:
    try:
        if not file.sha256:
            return not importlib.import_module(f"models.data.{name}").doubt(path)
        return checksum(name, path) == file.sha256
    except Exception:  # a damaged file makes its reader raise anything; all that matters is that it is not right
        return False


def _how_right(name: str, file: File) -> str:
    """How the sentence goes on: what has been checked is named where it is less than every point."""
    return "right" if file.sha256 else f"looks right: {importlib.import_module(f'models.data.{name}').CHECKED}"


def _download(url: str, part: Path) -> None:
    """Stream `url` into `part` with a progress bar in kilobytes. Raises DataMissing."""
    from models.training import progress

    started, had = time.monotonic(), 0
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply, part.open("wb") as out:
            total = int(reply.headers.get("Content-Length") or 0)
            while data := reply.read(CHUNK):
                out.write(data)
                had += len(data)
                if total:
                    progress(-(-had // 1000), -(-total // 1000), f"kB of {part.stem}", started)
    except urllib.error.HTTPError as error:
        raise DataMissing(f"{url} answers {error.code} {error.reason}: the data set may have moved.") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise DataMissing(f"{url} cannot be fetched ({reason}): is this machine on the internet?") from None
    if had < total:
        raise DataMissing(f"{url} broke off after {had:,} of {total:,} bytes: try again.")


def main() -> None:
    """Print the checksum of every known file that is on this machine."""
    for name, files in FILES.items():
        for file in files:
            path = folder() / name / file.local
            print(name, file.local, checksum(name, path) if path.exists() else "is not here")


if __name__ == "__main__":
    main()
