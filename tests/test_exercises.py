"""Additions that CONTRIBUTING describes, each done in a copy of the package and then used.

An exercise changes the files that its row of the table names and nothing else; the commands, the
JSON and the docs must follow.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.errors import OptionError

ROOT = Path(ma.__file__).parents[1]
MAIN = ("-m", "metaalliance.cli.main")


def copied(folder: Path, changes: Mapping[str, Mapping[str, str]]) -> Path:
    """Copy the package with what makes its docs, and replace texts by file; each is there once."""
    for name in ("metaalliance", "scripts", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, replacements in changes.items():
        path = folder / name
        text = path.read_text(encoding="utf-8")
        for old, new in replacements.items():
            assert text.count(old) == 1, f"{name}: {old!r}"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, *words: str, code: int = 0) -> str:
    """Run Python on the copy, which has to end with `code`; what it prints."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "scripts")])},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stderr[-3000:]
    return done.stdout


def command(folder: Path, *words: str, code: int = 0) -> dict:
    """The document that a command prints with --json."""
    return json.loads(run(folder, *MAIN, *words, "--json", code=code))


# An estimator of tau² ------------------------------------------------------------------------

FUNCTION = '''def hartung_makambi(data: DataSets) -> Array:
    """Q² / ((2 (k - p) + Q) tr(P)), always positive.

    References
    ----------
    Hartung J, Makambi KH (2003). Communications in Statistics 32, 1179-1190.
    """
    fits = data.weighted(np.reciprocal)
    q = fits.squares(1)
    return q**2 / ((2 * data.df + q) * fits.trace())


def root_of_q('''
ROW = """ESTIMATORS: dict[str, Tau2Method] = {
    "HM": Tau2Method(
        estimate=hartung_makambi,
        words="the method of Hartung and Makambi (2003)",
        metafor=False,
    ),
"""
ESTIMATOR = {
    "metaalliance/core/variance/tau2.py": {
        "def root_of_q(": FUNCTION,
        "ESTIMATORS: dict[str, Tau2Method] = {\n": ROW,
    },
    "metaalliance/options.py": {
        'Tau2Estimator = Literal["REML"': 'Tau2Estimator = Literal["HM", "REML"'
    },
    "docs/methods.md": {
        "| HS | (Q − k) / Σw |": "| HM | Q² / ((2 (k − p) + Q) tr(P)) | Hartung & Makambi 2003 |\n"
        "| HS | (Q − k) / Σw |"
    },
}

R = np.array([0.05, 0.42, 0.31, 0.12, 0.55, 0.28, 0.47, 0.18, 0.61, 0.22])
N = np.array([40, 55, 120, 80, 62, 45, 150, 33, 90, 70])
YI, VI = np.arctanh(R), 1 / (N - 3)
GROUP = np.array([0, 1] * 5)


def by_hand(yi: np.ndarray, vi: np.ndarray, X: np.ndarray) -> float:
    """Hartung and Makambi's tau² with dense matrices."""
    W = np.diag(1 / vi)
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    q, df = yi @ P @ yi, yi.size - X.shape[1]
    return float(q**2 / ((2 * df + q) * np.trace(P)))


@pytest.fixture(scope="module")
def estimator(tmp_path_factory):
    """A copy with one more estimator, and a sheet of independent effects."""
    folder = copied(tmp_path_factory.mktemp("estimator"), ESTIMATOR)
    rows = [
        f"Study {i} {1990 + i},{r},{n},higher_better,{'CBT' if g else 'PDT'}"
        for i, (r, n, g) in enumerate(zip(R, N, GROUP, strict=True))
    ]
    text = "\n".join(["study,r,n,outcome_direction,modality", *rows, ""])
    (folder / "studies.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_new_estimator_does_not_exist_yet():
    with pytest.raises(OptionError):
        ma.pool(ma.Effects.from_arrays(YI, VI), tau2="HM")


def test_pool_takes_a_new_estimator(estimator):
    document = command(estimator, "pool", "studies.csv", "--tau2", "HM", "--no-figures")
    tau2 = by_hand(YI, VI, np.ones((10, 1)))
    wi = 1 / (VI + tau2)
    assert document["settings"]["tau2"] == "HM"
    assert document["heterogeneity"]["tau2"] == pytest.approx(tau2, rel=1e-12)
    assert document["pooled"]["estimate"] == pytest.approx(wi @ YI / wi.sum(), rel=1e-12)


def test_moderators_take_a_new_estimator(estimator):
    words = ("moderators", "studies.csv", "--by", "modality", "--tau2", "HM")
    document = command(estimator, *words, "--also", "permutation", "--no-figures")
    found = document["moderators"][0]
    tau2 = by_hand(YI, VI, np.column_stack([np.ones(10), GROUP]))
    assert [level["tau2"] for level in found["levels"]] == pytest.approx([tau2] * 2, rel=1e-12)


def test_influence_refits_with_a_new_estimator(estimator):
    words = ("influence", "studies.csv", "--tau2", "HM", "--no-figures")
    omitted = command(estimator, *words)["leave_one_out"]["omitted"]
    assert len(omitted) == 10
    for i, row in enumerate(omitted):
        rest = np.arange(10) != i
        tau2 = by_hand(YI[rest], VI[rest], np.ones((9, 1)))
        assert row["tau2"] == pytest.approx(tau2, rel=1e-12)


def test_the_multiverse_takes_a_new_estimator(estimator):
    words = ("multiverse", "studies.csv", "--decision", "tau2=HM,REML", "--no-figures")
    options = command(estimator, *words)["options"]
    assert {row["option"] for row in options if row["decision"] == "tau2"} == {"HM", "REML"}


SCRIPT = """
import json
import metaalliance as ma
from metaalliance.report.scripts.r import r_files
from metaalliance.models.comparison import NamedFit
fit = ma.pool(ma.effect_sizes(ma.read_studies("studies.csv")), tau2="HM", test="wald")
boot = ma.bootstrap_i2(fit, replications=199, seed=1)
test = ma.permutation_test(fit, replications=99, seed=1)
try:
    refused = r_files([NamedFit("two-level (main)", fit)])
except ma.OptionError as error:
    refused = str(error)
print(json.dumps([test.tau2_method, boot.failed, refused]))
"""


def test_resampling_takes_a_new_estimator_and_r_refuses_what_metafor_lacks(estimator):
    method, failed, refused = json.loads(run(estimator, "-c", SCRIPT))
    assert (method, failed) == ("HM", 0)
    assert refused.startswith("tau2='HM' does not exist in metafor")


def test_help_and_docs_list_a_new_estimator(estimator):
    helped = run(estimator, *MAIN, "pool", "--help")
    assert "HM, REML, ML, DL" in " ".join(helped.replace("│", " ").split())
    made = run(estimator, "-c", "from make_docs import commands_page; print(commands_page())")
    assert "HM, REML, ML, DL" in made
