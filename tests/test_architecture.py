"""The shape of the house: layers, third-party imports, public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import metaalliance

PACKAGE = Path(metaalliance.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: From the bottom up. A module may import its own layer and those on strictly lower lines.
LAYERS = [
    {"shortening"},
    {"errors", "messages", "frozen", "setting"},
    {"options", "problems", "staging", "interchange"},
    {"model", "policy", "notices", "files"},
    {"workers"},
    {"config"},
    {"core", "wording"},
    {"sheet"},
    {"effects"},
    {"models"},
    {"moderation", "coding", "publication_bias", "diagnostics"},
    {"robustness"},
    {"analysis"},
    {"plots", "report"},
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

#: A library that belongs to some layers only.
HOMES = {
    "openpyxl": {"sheet", "report"},
    "defusedxml": {"sheet"},
    "xlrd": {"sheet"},
    "pyreadstat": {"sheet"},
    "rdata": {"sheet"},
    "pyarrow": {"sheet", "interchange"},
    "matplotlib": {"plots"},
    "typer": {"cli"},
    "pymare": {"effects", "models"},  # `Effects.to_pymare` hands the data over
    "statsmodels": {"models"},
    "formulaic": {"moderation"},
    "joblib": {"workers"},
    "distributed": {"workers"},
    "jinja2": {"report"},
    "docx": {"report"},
    "pandas": set(RANK)
    - {"errors", "messages", "options", "problems", "config", "core", "wording"},
}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, *, types: bool = False) -> set[str]:
    """Dotted names of everything that a module imports, by default outside `if TYPE_CHECKING`."""
    names: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if id(node) in checking and not types:
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


#: Layers whose functions commands reach through `analysis`.
COMPUTING = {"core", "effects", "models", "moderation", "coding", "publication_bias",
             "diagnostics", "robustness"}  # fmt: skip


@pytest.mark.parametrize(
    "path", [p for p in MODULES if layer_of(p) == "cli"], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_commands_call_analysis_and_compute_nothing(path):
    """Of what computes they know classes and constants, which say what a result is."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = {alias.name for alias in node.names}
        module = "" if isinstance(node, ast.Import) else str(node.module)
        if not module:
            assert not {name for name in names if name.startswith("metaalliance")}
        elif module == "metaalliance":
            assert names <= {"plots", "__version__"}
        elif module.startswith("metaalliance.") and module.split(".")[1] in COMPUTING:
            assert not {name for name in names if not name[0].isupper()}, module


def test_every_layer_is_ranked():
    layers = {layer_of(p) for p in MODULES} - {"__init__"}
    assert layers == set(RANK)


def test_public_names_are_sorted_and_real():
    for holder in (metaalliance, metaalliance.plots):
        assert list(holder.__all__) == sorted(holder.__all__)
        for name in holder.__all__:
            assert getattr(holder, name) is not None


def test_no_package_bears_the_name_of_a_public_function():
    """Importing it would put the package where the function was."""
    for holder, folder in ((metaalliance, PACKAGE), (metaalliance.plots, PACKAGE / "plots")):
        inside = {p.stem for p in folder.iterdir() if p.suffix in {"", ".py"}}
        assert not {n for n in holder.__all__ if callable(getattr(holder, n))} & inside


def test_every_module_can_be_imported_by_its_dotted_name():
    lines = ["import sys"]
    for path in MODULES:
        name = dotted(path)
        lines.append(f"import {name} as module; assert module is sys.modules[{name!r}]")
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_no_circle_of_imports():
    """Neither between layers nor inside one, types included."""
    modules = {dotted(path): path for path in MODULES}
    below = {
        name: {known for n in imports_of(path, types=True) for known in modules if known == n}
        - {name}
        for name, path in modules.items()
    }
    while below:
        leaves = {name for name, needed in below.items() if not needed & below.keys()}
        assert leaves, f"these import each other: {sorted(below)}"
        below = {name: needed for name, needed in below.items() if name not in leaves}


def test_no_folder_is_crowded():
    rooms = ("metaalliance", "tests", "scripts", "docs", "data", "findings")
    files = [path for room in rooms for path in (ROOT / room).rglob("*") if path.is_file()]
    held = Counter(path.parent for path in files if path.parent.name != "__pycache__")
    assert [str(folder) for folder, count in held.items() if count > 25] == []


def test_import_is_lazy():
    code = "import sys, metaalliance, metaalliance.cli.app; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "pandas", "scipy", "openpyxl", "matplotlib", "pymare", "rich"):
        assert f"'{heavy}'" not in done.stdout


def test_no_vague_module_names():
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not {p.stem for p in MODULES} & vague
