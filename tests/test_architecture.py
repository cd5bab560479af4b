"""The shape of the house: layers, third-party imports, public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import metaalliance

PACKAGE = Path(metaalliance.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: From the bottom up. A module may import its own layer and those on strictly lower lines.
LAYERS = [
    {"errors", "messages", "public_names"},
    {"options", "problems", "config", "files"},
    {"core"},
    {"sheet"},
    {"effects"},
    {"models"},
    {"moderators", "coding", "bias", "influence"},
    {"multiverse"},
    {"plots", "report"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

#: A library that belongs to some layers only.
HOMES = {
    "openpyxl": {"sheet", "report"},
    "defusedxml": {"sheet"},
    "matplotlib": {"plots"},
    "typer": {"cli"},
    "pymare": {"models"},
    "statsmodels": {"models"},
    "formulaic": {"moderators"},
    "joblib": {"multiverse"},
    "jinja2": {"report"},
    "docx": {"report"},
    "pandas": set(RANK) - {"errors", "messages", "options", "problems", "config", "core"},
}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Dotted names of everything that a module imports outside `if TYPE_CHECKING`."""
    names: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards(path):
    layer = layer_of(path)
    if layer == "__init__":
        return
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] == "metaalliance" and len(parts) > 1 and parts[1] in RANK:
            assert parts[1] == layer or RANK[parts[1]] < RANK[layer], f"{layer} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_libraries_stay_in_their_layer(path):
    layer = layer_of(path)
    for name in imports_of(path):
        library = name.split(".")[0]
        assert layer in HOMES.get(library, {layer}), f"{layer} imports {library}"


def test_every_layer_is_ranked():
    layers = {layer_of(p) for p in MODULES} - {"__init__"}
    assert layers == set(RANK)


def test_public_names_are_sorted_and_real():
    assert list(metaalliance.__all__) == sorted(metaalliance.__all__, key=str.lower) or (
        set(metaalliance.__all__) == {*metaalliance._HOMES, *metaalliance._SUBPACKAGES}
    )
    for name in metaalliance.__all__:
        assert getattr(metaalliance, name) is not None


@pytest.mark.parametrize("name", ["influence", "moderators", "multiverse"])
def test_functions_win_over_subpackages_of_their_name(name):
    code = (
        f"import metaalliance as ma, importlib; importlib.import_module('metaalliance.{name}'); "
        f"from metaalliance import {name}; assert callable(ma.{name}) and ma.{name} is {name}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["forest", "funnel", "gosh", "orchard"])
def test_figures_win_over_modules_of_their_name(name):
    code = (
        "import metaalliance as ma, importlib; "
        f"importlib.import_module('metaalliance.plots.{name}'); "
        f"from metaalliance.plots import {name}; assert callable(ma.plots.{name})"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_is_lazy():
    code = "import sys, metaalliance, metaalliance.cli.app; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "pandas", "scipy", "openpyxl", "matplotlib", "pymare", "rich"):
        assert f"'{heavy}'" not in done.stdout


def test_no_vague_module_names():
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not {p.stem for p in MODULES} & vague
