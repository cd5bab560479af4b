"""A wheel, installed where the source is not, holds all that the command needs."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import metaalliance

ROOT = Path(__file__).resolve().parents[1]
PRIMARY = "data/primary_alliance_effects.xlsx"
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "CHANGELOG.md",
           "CITATION.cff", "CONTRIBUTING.md", "Makefile")  # fmt: skip
FOLDERS = ("metaalliance", ".ci", "data", "docs", "scripts", "tests")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}


def run(*words: object, cwd: Path) -> str:
    """Run a command that must succeed, away from the source; return what it prints."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**ENVIRONMENT, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing is left in the source."""
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "*_results")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=ignored)
    for name in SOURCES:
        shutil.copy(ROOT / name, folder / "source")
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "./source", "-w", ".", cwd=folder)
    (built,) = folder.glob("metaalliance-*.whl")
    return built


@pytest.fixture(scope="module")
def sdist(wheel: Path) -> Path:
    """Build the source archive from the same copy."""
    build = "from setuptools import build_meta; print(build_meta.build_sdist('..'))"
    name = run(sys.executable, "-c", build, cwd=wheel.parent / "source").splitlines()[-1]
    return wheel.parent / name


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an empty environment; only what it depends on is lent."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    run(*PIP, "--python", python, "install", "--no-index", "--no-deps", wheel, cwd=folder)
    (site,) = folder.glob("env/lib/python*/site-packages")
    # Folders named in a .pth file come last on the path, and their own .pth files, one of which
    # may point to the source, are not read.
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "dependencies.pth").write_text("\n".join(sorted(lent)), encoding="utf-8")
    return python.parent


def test_wheel_holds_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith("metaalliance-")}
    files = (path for path in (ROOT / "metaalliance").rglob("*") if path.is_file())
    ours = {path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc"}
    assert held == ours


def test_the_source_archive_builds_the_same_wheel_and_holds_the_tests(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    for name in (*SOURCES, "tests/conftest.py", ".ci/run", "scripts/develop.py", PRIMARY):
        assert (source / name).read_bytes() == (ROOT / name).read_bytes()
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", source, "-w", ".", cwd=tmp_path)
    (built,) = tmp_path.glob("metaalliance-*.whl")
    with zipfile.ZipFile(built) as ours, zipfile.ZipFile(wheel) as theirs:
        assert {i.filename: i.CRC for i in ours.infolist()} == {
            i.filename: i.CRC for i in theirs.infolist()
        }


def test_the_wheel_says_what_it_is(wheel):
    assert wheel.name == f"metaalliance-{metaalliance.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        found = email.message_from_bytes(archive.read(name))
        assert any(n.endswith("/licenses/LICENSE") for n in archive.namelist())
    assert found["Version"] == metaalliance.__version__
    assert (found["License-Expression"], found["Requires-Python"]) == ("MIT", ">=3.11")
    assert found["Description-Content-Type"] == "text/markdown"
    assert found.get_payload().strip().startswith("# metaalliance")
    assert len(found.get_all("Classifier")) > 10


def test_installed_package_is_that_of_the_wheel(installed, tmp_path):
    say = "import metaalliance; print(metaalliance.__file__)"
    found = Path(run(installed / "python", "-c", say, cwd=tmp_path).strip())
    assert found.is_relative_to(installed.parent)


def test_installed_command_pools_the_example_as_in_the_readme(installed, tmp_path):
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / PRIMARY, tmp_path / "data")
    shown = run(installed / "metaalliance", "pool", PRIMARY, cwd=tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"$ metaalliance pool {PRIMARY}\n{shown}```" in readme
    (drawn,) = (tmp_path / "data").glob("*_results/forest.pdf")
    assert drawn.read_bytes().startswith(b"%PDF")


def test_installed_command_finds_the_data_of_the_package(installed, tmp_path):
    run(installed / "metaalliance", "example", cwd=tmp_path)
    name = "simulated_alliance_studies.xlsx"
    assert (tmp_path / name).read_bytes() == (ROOT / "data" / name).read_bytes()
    run(installed / "metaalliance", "export-r", ROOT / PRIMARY, "-o", "r", cwd=tmp_path)
    assert list((tmp_path / "r").glob("*.R"))
    words = ("forest", ROOT / PRIMARY, "--compare", "published", "-o", "beside.svg")
    assert "Flückiger et al. (2018)" in run(installed / "metaalliance", *words, cwd=tmp_path)
