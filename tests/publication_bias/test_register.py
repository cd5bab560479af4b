"""A new method is one file and one row of the register: done here, in a copy of the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_command import sheet

import metaalliance as ma

ROOT = Path(ma.__file__).parents[1]

FUNCTION = '''
"""Skewness of standardised deviates, as a test for publication bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np
from scipy.stats import norm

from metaalliance.effects.effects import Effects
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.publication_bias.checks import begin_averaged, random_effects_mean
from metaalliance.publication_bias.result import BiasResult, Term


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Skewness(BiasResult):
    """Skewness of standardised deviates (Lin and Chu 2018)."""

    method: ClassVar[str] = "skewness"
    title: ClassVar[str] = "Skewness test"
    takes: ClassVar[frozenset[str]] = frozenset({"rho", "tau2"})
    because: ClassVar[str] = "skewness has a normal test of its own and no interval"

    skewness: float
    z: float

    def terms(self) -> Sequence[Term]:
        """Return the skewness with its test."""
        return (
            Term(
                name="skewness",
                estimate=self.skewness,
                statistic=self.z,
                df=math.inf,
                p_value=float(2 * norm.sf(abs(self.z))),
            ),
        )


def skewness(effects: Effects | PooledFit, **settings: Unpack[ModelSettings]) -> Skewness:
    """Test the skewness of standardised deviates."""
    start = begin_averaged(Skewness, effects, settings, "The skewness test")
    yi, vi = start.effects.yi, start.effects.vi
    mean, tau2 = random_effects_mean(yi, vi, start.model.tau2)
    d = (yi - mean) / np.sqrt(vi + tau2)
    value = float(np.mean((d - d.mean()) ** 3) / np.std(d, ddof=1) ** 3)
    found = Skewness(
        **start.fields(), skewness=value, z=value * math.sqrt(d.size / 6), notices=start.notices
    )
    return announced(found)
'''.lstrip()

IMPORT = "from metaalliance.publication_bias.skewness import Skewness, skewness\n"
ROW = """    Method(
        name="Skewness",
        title="Skewness test",
        result=Skewness,
        function=skewness,
        kind="test",
        sentence="The skewness test looks at the shape of standardised deviates",
        references=("sterne2011",),
    ),
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package and of what makes the docs, with one more method; a sheet beside."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("metaalliance", "scripts", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    bias = folder / "metaalliance" / "publication_bias"
    (bias / "skewness.py").write_text(FUNCTION, encoding="utf-8")
    text = (bias / "methods.py").read_text(encoding="utf-8")
    assert text.endswith("    ),\n)\n")
    above = "from metaalliance.publication_bias.trim_and_fill import"
    text = text.replace(above, IMPORT + above).removesuffix(")\n") + ROW + ")\n"
    (bias / "methods.py").write_text(text, encoding="utf-8")
    sheet(folder / "studies.csv", 24, 3)
    return folder


def run(folder, *words):
    """Run Python in the copy."""
    path = os.pathsep.join([str(folder), str(folder / "scripts")])
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


def test_the_command_runs_it(copy):
    words = ("-m", "metaalliance.cli.main", "bias", "studies.csv", "--no-figures", "--quiet")
    document = json.loads(run(copy, *words, "--json", "--tau2", "ML", "--test", "wald"))
    found = document["methods"]["Skewness"]
    assert found["not_taken"] == ["test"]
    tested = next(row for row in document["tests"] if row["name"] == "Skewness")
    assert tested["p_value"] == found["terms"][0]["p_value"]
    effects = ma.effect_sizes(ma.load_studies(copy / "studies.csv"))
    assert 0 < tested["p_value"] < 1 and tested["n_effects"] == effects.n_studies


def test_the_report_holds_it(copy):
    words = ("-m", "metaalliance.cli.main", "report", "studies.csv", "--no-figures", "--quiet")
    run(copy, *words, "-o", "out")
    results = json.loads((copy / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["bias"]["methods"]["Skewness test"]["method"] == "skewness"
    page = (copy / "out" / "report.html").read_text(encoding="utf-8")
    assert "The skewness test looks at the shape of standardised deviates (Sterne" in page
    table = (copy / "out" / "tables" / "bias-tests.csv").read_text(encoding="utf-8-sig")
    assert "Skewness" in table


def test_the_docs_list_it(copy):
    page = run(copy, "-c", "from make_docs import bias_page; print(bias_page())")
    row = next(line for line in page.splitlines() if line.startswith("| `skewness` |"))
    assert "| averaged first | `tau2`, `rho` | skewness has a normal test" in row
    assert "Sterne et al., 2011" in row
    assert "`skewness`" not in (ROOT / "docs" / "publication_bias.md").read_text(encoding="utf-8")
