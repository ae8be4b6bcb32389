"""The three laws of the house, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "models": {"app", "streamlit", "plotly", "captum"},
    "app/interpret": {"streamlit", "plotly"},
    "app/figures": {"streamlit", "torch", "captum", "transformer_lens"},
    "app/views": {"torch", "captum", "transformer_lens"},
    "app/pages": {"torch", "captum", "transformer_lens"},
}


def imports(file: Path) -> set[str]:
    """Top-level names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_each_floor_imports_only_what_it_may(folder):
    files = sources(folder)
    assert files
    wrong = {str(f.relative_to(ROOT)): sorted(imports(f) & FORBIDDEN[folder]) for f in files}
    assert {f: names for f, names in wrong.items() if names} == {}


def test_whatever_the_app_imports_is_installed_with_it():
    """Not by chance, because tests and trainings need it as well."""
    required = {line.partition("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    asked = set().union(*(imports(f) for f in [*sources("app"), ROOT / "streamlit_app.py"]))
    asked -= {*sys.stdlib_module_names, "app", "models"}
    homes = packages_distributions()
    assert "torch" in asked
    missing = {
        name for name in asked if not {home.lower().replace("_", "-") for home in homes.get(name, ())} & required
    }
    assert missing == set()


def test_no_code_outside_a_papers_folder_names_it():
    slugs = {f.parent.name for f in (ROOT / "models").glob("*/model.py")}
    slugs |= {f.parent.relative_to(ROOT / "models").as_posix() for f in (ROOT / "models").glob("*/*/model.py")}
    assert slugs
    named = []
    shared = [*sources("app"), *(ROOT / "models").glob("*.py"), *sources("models/data"), ROOT / "streamlit_app.py"]
    for file in shared:
        tree = ast.parse(file.read_text("utf8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare | ast.Dict | ast.match_case):
                named += [
                    f"{file.relative_to(ROOT)}:{inner.lineno} {inner.value}"
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Constant) and inner.value in slugs
                ]
    assert named == []


def test_nothing_is_unpickled():
    wrong = [
        str(f.relative_to(ROOT))
        for folder in ("app", "models")
        for f in sources(folder)
        if imports(f) & {"pickle", "joblib", "dill", "shelve", "marshal"}
        or "torch.load(" in f.read_text("utf8")
        or "allow_pickle=True" in f.read_text("utf8")
    ]
    assert wrong == []


def test_the_cards_load_without_torch():
    code = "import sys, models; print(len(models.papers()), 'torch' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    count, torch = asked.stdout.split()
    assert int(count) >= 3
    assert torch == "False"


def test_no_module_of_the_app_imports_transformer_lens_before_a_view_asks_it():
    """It takes seconds and 200 MB."""
    names = [
        ".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for folder in ("app/interpret", "app/components", "app/views")
        for f in sources(folder)
    ]
    assert "app.views.logit_lens" in names and "app.interpret.lens" in names
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    code += "print('torch' in sys.modules, 'transformer_lens' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, cwd=ROOT, check=True)
    assert asked.stdout.split() == ["True", "False"]


def test_every_public_function_says_what_it_is():
    silent = []
    for folder in ("models", "app/interpret", "app/figures"):
        for file in sources(folder):
            tree = ast.parse(file.read_text("utf8"))
            if not ast.get_docstring(tree) and tree.body:
                silent.append(str(file.relative_to(ROOT)))
    assert silent == []


def test_visitors_never_touch_the_random_numbers_that_all_threads_share():
    """Saving or seeding torch's global generator waits for its lock without letting go of Python's: threads can deadlock."""
    shared = {"manual_seed", "seed", "fork_rng", "get_rng_state", "set_rng_state"}
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sources("app")
        for node in ast.walk(ast.parse(file.read_text("utf8")))
        if isinstance(node, ast.Attribute)
        and node.attr in shared
        and ast.unparse(node.value) in ("torch", "torch.random")
    ]
    assert wrong == []
