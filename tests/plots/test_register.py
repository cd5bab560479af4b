"""A kind of figure is one module and one row: done in a copy of the package, and drawn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import metaalliance
from metaalliance.plots.kinds import KINDS
from metaalliance.plots.options import OPTIONS

SHEET = Path(__file__).resolve().parents[2] / "data" / "primary_alliance_effects.xlsx"

MODULE = '''"""Mean, as a number on a page."""

from matplotlib.figure import Figure

from metaalliance.plots.canvas.style import style_named


def mean(fit, *, seed=0, style="apa", width_mm=80, title=None):
    """Write the mean."""
    figure = Figure(figsize=(width_mm / 25.4, 1.0))
    figure.text(0.1, 0.5, f"{fit.estimate:.3f} {style_named(style).size} {seed}")
    return figure


def mean_text(fit):
    """Describe it."""
    return f"A mean of {fit.n_studies} studies."
'''

ROW = """KINDS["mean"] = FigureKind(
    path="charts.mean:mean",
    about="the mean",
    options=("seed",),
    alt="charts.mean:mean_text",
    width=80.0,
)
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """The package with one module and one row more."""
    root = tmp_path_factory.mktemp("copy")
    source = Path(metaalliance.__file__).parent
    shutil.copytree(source, root / "metaalliance", ignore=shutil.ignore_patterns("__pycache__"))
    package = root / "metaalliance" / "plots"
    (package / "charts" / "mean.py").write_text(MODULE, encoding="utf-8")
    kinds = package / "kinds.py"
    kinds.write_text(f"{kinds.read_text('utf-8')}\n\n{ROW}", encoding="utf-8")
    return root


def plot(root, *words):
    command = [sys.executable, "-m", "metaalliance.cli.main", "plot", *map(str, words)]
    return subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_a_new_kind_is_listed_drawn_and_described(copied):
    listed = plot(copied)
    assert "mean " in listed.stdout
    done = plot(copied, "mean", SHEET, "--seed", "7", "-o", copied / "mean.svg")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("A mean of ")
    assert (copied / "mean.alt.txt").read_text("utf-8") == done.stdout
    assert " 7 -->" in (copied / "mean.svg").read_text("utf-8")


def test_a_new_kind_refuses_the_options_of_others(copied):
    done = plot(copied, "mean", SHEET, "--by", "modality", "-o", copied / "other.svg")
    assert done.returncode == 2
    assert "--by has no meaning for mean, which takes --seed." in " ".join(done.stderr.split())


def test_every_option_is_taken_by_a_kind_and_every_kind_takes_options_that_exist():
    taken = {name for kind in KINDS.values() for name in kind.options}
    assert taken == {name for name, option in OPTIONS.items() if not option.label_of}
    assert {o.label_of for o in OPTIONS.values() if o.label_of} <= taken
    flags = [option.flag for option in OPTIONS.values()]
    assert len(set(flags)) == len(flags)
