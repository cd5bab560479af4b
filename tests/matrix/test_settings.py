"""Every setting in every command: it moves the result as it moves that of `pool`, or is refused.

Each cell runs one command with one setting in its configuration file, and compares the pooled
result that stands in its output with that of `pool`. There is no third way: a setting that a
command prints, stores or ignores without using it makes its cell red.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import runpy
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matrix_sheet import TOML, sheet
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import COMMANDS, app
from metaalliance.model import Model
from metaalliance.plots.kinds import function_at, kind_named
from metaalliance.policy import Policy
from metaalliance.setting import settings_in

RELIABILITIES = {"alliance_reliability": 0.9, "outcome_reliability": 0.85}
#: Each case: what is set, and what it is compared with.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "measure": ({"measure": "r"}, {}),
    "measure unbiased": ({"measure": "r-unbiased"}, {}),
    "model three-level": ({"model": "three-level"}, {}),
    "model two-level": ({"model": "two-level"}, {}),
    "model common-effect": ({"model": "common-effect"}, {}),
    "tau2 ML": ({"tau2": "ML"}, {}),
    "tau2 DL": ({"model": "two-level", "tau2": "DL"}, {"model": "two-level"}),
    "tau2 PM, robust": (
        {"model": "two-level", "test": "cr2", "tau2": "PM"},
        {"model": "two-level", "test": "cr2"},
    ),
    "test wald": ({"test": "wald"}, {}),
    "test cr0": ({"test": "cr0"}, {}),
    "test t": ({"model": "two-level", "test": "t"}, {"model": "two-level"}),
    "df": ({"test": "t", "df": "contain"}, {"test": "t"}),
    "rho": ({"rho": 0.2}, {}),
    "rho averaged": ({"model": "two-level", "rho": 0.9}, {"model": "two-level"}),
    "rho by study": ({"rho": "shared"}, {}),
    "level": ({"level": 0.8}, {}),
    "prediction": ({"prediction": "normal"}, {}),
    "within": ({"within": ["sample"]}, {}),
    "above": ({"above": ["team"]}, {}),
    "crossed": ({"crossed": "alliance_measure"}, {"test": "t"}),
    "rho_same": ({"rho": 0.3, "rho_same": 0.8, "same": "outcome_measure"}, {"rho": 0.3}),
    "same": (
        {"rho": 0.3, "rho_same": 0.8, "same": "alliance_measure"},
        {"rho": 0.3, "rho_same": 0.8, "same": "outcome_measure"},
    ),
    "variances": ({"variances": "fisher"}, {}),
    "nonsignificant": ({"nonsignificant": "zero"}, {}),
    "nonsignificant censored": ({"nonsignificant": "censored"}, {}),
    "beta": ({"beta": "refuse"}, {}),
    "yi_measure": ({"yi_measure": "d"}, {}),
    "attenuation": ({"attenuation": "individual", **RELIABILITIES}, {}),
    "alliance_reliability": (
        {"attenuation": "individual", **RELIABILITIES, "alliance_reliability": 0.6},
        {"attenuation": "individual", **RELIABILITIES},
    ),
    "alliance_reliability by measure": (
        {
            "attenuation": "individual",
            **RELIABILITIES,
            "alliance_reliability": {"WAI": 0.93, "*": 0.6},
        },
        {"attenuation": "individual", **RELIABILITIES},
    ),
    "estimand": ({"estimand": "within_patient"}, {"estimand": "total"}),
    "overlap": ({"overlap": "nested"}, {}),
    "overlap averaged": (
        {"model": "two-level", "overlap": "nested"},
        {"model": "two-level"},
    ),
    "outcome_reliability": (
        {"attenuation": "individual", **RELIABILITIES, "outcome_reliability": "mean"},
        {"attenuation": "individual", **RELIABILITIES},
    ),
}
#: Second cases of a setting, for the slow suite.
VARIANTS = frozenset({
    "measure unbiased", "model three-level", "model common-effect", "tau2 PM, robust", "test cr0",
    "test t", "rho averaged", "alliance_reliability", "overlap averaged",
})  # fmt: skip
#: Cases as parameters of the cells.
CELLS = [pytest.param(case, marks=[pytest.mark.slow] if case in VARIANTS else []) for case in CASES]
#: Commands that fit no model, with what they are instead.
WITHOUT_MODEL = {
    "template": "writes an empty sheet",
    "validate": "checks a sheet",
    "convert": "converts rows (test_convert)",
    "init": "proposes a configuration",
    "import": "turns a file of another program into a sheet",
    "vocabulary": "prints levels and aliases",
    "explain": "explains a code",
    "power": "plans with its own assumptions",
    "verify": "repeats what a record holds (test_record)",
    "serve": "runs `validate` and `report`",
    "example": "writes the example",
    "agree": "compares the codings of two sheets",
    "reconcile": "makes one sheet of two codings",
    "mediation": "fits a path model of correlations (tests/cli/multivariate/test_mediation.py)",
}
#: Commands whose model is another than that of `pool`, with a test of their own.
OWN_MODEL = {"components", "reliability"}
#: Settings that `components` refuses, by case.
NO_COMPONENTS = {
    "model three-level": "model",
    "model two-level": "model",
    "model common-effect": "model",
    "tau2 DL": "model",
    "tau2 PM, robust": "model",
    "test t": "model",
    "df": "df",
    "rho averaged": "model",
    "within": "within",
    "above": "above",
    "crossed": "crossed",
    "overlap averaged": "model",
    "nonsignificant censored": "nonsignificant",
}
#: Cells that a method's definition refuses: the words that name the setting.
REFUSED: dict[tuple[str, str], str] = {
    (command, "nonsignificant censored"): r"cannot obey (--)?nonsignificant( = |=| )'?censored"
    for command in ("moderators", "bias", "influence", "multiverse", "compare", "report",
                    "export-r", "forest --compare", "plot")
}  # fmt: skip
#: Cells that are wrong today, with the reason. The list only shrinks.
WRONG: dict[tuple[str, str], str] = {}
#: How far a setting has to move the result of `pool`.
MOVED = 1e-4


def toml(settings: dict[str, Any]) -> str:
    """Return settings as lines of a configuration file."""
    lines = []
    for name, value in settings.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{json.dumps(k)} = {v}" for k, v in value.items())
            lines.append(f"{name} = {{ {inner} }}")
        else:
            lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join(lines)


class Run:
    """A folder with the sheet and a configuration, in which commands are run."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.sheet = folder / "s.csv"
        self.out = folder / "out"
        self.sheet.write_text(sheet(estimands="estimand" in settings), encoding="utf-8")
        given = {"nonsignificant": "drop"} | settings
        text = TOML.partition("[pool]")[0] + "[pool]\n" + toml(given) + "\n"
        (folder / "metaalliance.toml").write_text(text, encoding="utf-8")

    def __call__(self, command: str, *words: object) -> Any:
        """Run a command; return its JSON document, whatever its exit code."""
        full = [command, *map(str, words), "--json", "-o", str(self.out), "--force"]
        result = CliRunner().invoke(app, full)
        assert result.exit_code != 70, result.output  # an internal error
        document = json.loads(result.stdout)
        assert result.exit_code in {0, 1} or "error" in document, result.output
        return document


Numbers = dict[str, float | None]
_KEYS = ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high")


def of_fit(document: dict[str, Any]) -> Numbers:
    """The pooled result as `pool`, `influence`, `report` and results by `to_dict` have it."""
    found = {key: document["pooled"][key] for key in _KEYS}
    spread = document["heterogeneity"]
    return {**found, "tau2": spread["tau2"], "I2": spread["I2"], "Q": spread["Q"]}


def of_pool(run: Run) -> Any:
    return of_fit(run("pool", run.sheet, "--no-figures"))


def of_moderators(run: Run) -> Any:
    """A level that holds every effect has the pooled result."""
    found = run("moderators", run.sheet, "--by", "everyone", "--no-figures")
    row = found["moderators"][0]["levels"][0]
    return {key: row[key] for key in (*_KEYS, "tau2")}


def of_bias(run: Run) -> Any:
    found = run("bias", run.sheet, "--no-figures")["unadjusted"]
    return {key: found[key] for key in _KEYS}


def of_influence(run: Run) -> Any:
    found = run("influence", run.sheet, "--no-figures")
    full = found["leave_one_out"]["full"]
    assert_same("estimate", full["estimate"], found["pooled"]["estimate"])
    return of_fit(found) | {key: full[key] for key in (*_KEYS, "tau2")}


def of_multiverse(run: Run) -> Any:
    grid = ("outliers=keep", "include=all", "conversions=all", "rho=.5,.6", "tau2=REML,ML",
            "test=cr2,wald", "model=che,two-level")  # fmt: skip
    found = run("multiverse", run.sheet, *(w for d in grid for w in ("--decision", d)))
    main = [row for row in found["specifications"] if row["reference"]]
    assert len(main) == 1
    return {"estimate": main[0]["analysis_estimate"], "se": main[0]["se"], "I2": main[0]["I2"],
            "ci_low": _back(main[0], "ci_low"), "ci_high": _back(main[0], "ci_high")}  # fmt: skip


def _back(row: dict[str, Any], name: str) -> float:
    """A limit on the scale of the analysis."""
    return math.atanh(row[name]) if row["measure"] == "z" else row[name]


def of_compare(run: Run) -> Any:
    found = run("compare", run.sheet, run.sheet)["result"]
    assert found["old"]["pooled"] == found["new"]["pooled"]
    return of_fit(found["new"])


def of_report(run: Run) -> Any:
    found = run("report", run.sheet, "--no-figures", "--by", "everyone")
    row = found["moderators"]["moderators"][0]["levels"][0]
    numbers = of_fit(found)
    for key in _KEYS:
        assert_same(key, row[key], numbers[key])
    text = (run.out / "report.md").read_text(encoding="utf-8")
    r = found["pooled"]["r"]["estimate"]
    assert f"{r:.3f}".removeprefix("0") in text or f"{r:.2f}".removeprefix("0") in text
    return numbers


def of_export_python(run: Run) -> Any:
    """The script checks its own result and ends with an error where it differs."""
    run("export-python", run.sheet)
    script = run.out / "analysis.py"
    argv, sys.argv = sys.argv, [str(script), str(run.sheet)]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = argv
    return of_fit(found["fit"].to_dict())


def of_export_r(run: Run) -> Any:
    """What the script has to reproduce; that it does is for the slow suite, with R."""
    run("export-r", run.sheet)
    expected = pd.read_csv(run.out / "expected.csv").iloc[0]
    return {key: float(expected[key]) for key in ("estimate", "se", "ci_low", "ci_high", "tau2")}


READERS: dict[str, Any] = {
    "pool": of_pool,
    "moderators": of_moderators,
    "bias": of_bias,
    "influence": of_influence,
    "multiverse": of_multiverse,
    "compare": of_compare,
    "report": of_report,
    "export-python": of_export_python,
    "export-r": of_export_r,
}
#: Figures by the command, with its words and the kind of their alternative text.
FIGURES: dict[str, tuple[tuple[str, ...], str]] = {
    "forest": (("forest",), "forest"),
    "forest --compare": (("forest", "--compare", "published"), "comparison-forest"),
    "funnel": (("funnel",), "funnel"),
    "plot": (("plot", "orchard"), "orchard"),
}


@cache
def expected(case: str, *, base: bool = False) -> Any:
    """What the library itself gives for a setting, through `Analysis`."""
    import tempfile

    settings = CASES[case][int(base)]
    with tempfile.TemporaryDirectory() as name:
        run = Run(Path(name), settings)
        try:
            return of_fit(ma.Analysis.read(run.sheet).pool().to_dict())
        except ma.MetaAllianceError as error:
            return error.code


def refusal(document: Any) -> str | None:
    """The message of a document of failure."""
    return document["error"]["message"] if "error" in document else None


@pytest.mark.parametrize("case", CASES)
def test_every_setting_moves_the_pooled_result(case):
    with_it, without = expected(case), expected(case, base=True)
    if isinstance(with_it, str):
        assert case == "beta" and with_it == "MA400"  # its row has no effect then
        return
    change = max(
        abs((with_it[k] or 0.0) - (without[k] or 0.0)) for k in with_it if k not in {"Q", "I2"}
    )
    assert change > MOVED


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("case", CELLS)
def test_cell(case, command, tmp_path, request):
    if (command, case) in WRONG:
        request.applymarker(pytest.mark.xfail(strict=True, reason=WRONG[command, case]))
    run = Run(tmp_path, CASES[case][0])
    wanted = expected(case)
    if (command, case) in REFUSED or isinstance(wanted, str):
        document = run(command, *([run.sheet] * (1 + (command == "compare"))))
        said = refusal(document) or document["result"]["reason"]
        assert re.search(REFUSED.get((command, case), r"ha(s|ve) errors|1 error in s\.csv"), said)
        return
    found = READERS[command](run)
    for key, value in found.items():
        assert_same(key, value, wanted[key])


@pytest.mark.parametrize("command", FIGURES)
@pytest.mark.parametrize("case", CELLS)
def test_figures(case, command, tmp_path):
    """What a figure says in words is what the fit of the analysis gives."""
    if isinstance(expected(case), str):
        return
    run = Run(tmp_path, CASES[case][0])
    words, kind = FIGURES[command]
    target = tmp_path / "figure.svg"
    result = CliRunner().invoke(app, [*words, str(run.sheet), "-o", str(target), "-q"])
    if (command, case) in REFUSED:
        assert result.exit_code == 2
        assert re.search(REFUSED[command, case], result.output)
        return
    assert result.exit_code == 0, result.output
    fit = ma.Analysis.read(run.sheet).pool()
    text = kind_named(kind).alt
    wanted = function_at(text)(fit)
    assert target.with_name("figure.alt.txt").read_text(encoding="utf-8").strip() == wanted


def assert_same(key: str, value: float | None, wanted: float | None) -> None:
    """Missing is missing; numbers agree to rounding."""
    if wanted is None or value is None:
        assert value is wanted, key
    else:
        assert value == pytest.approx(wanted, rel=1e-8, abs=1e-12), key


@pytest.mark.parametrize("case", CELLS)
def test_record(case, tmp_path):
    """A record holds the whole analysis, and `verify` restores it whole."""
    run = Run(tmp_path, CASES[case][0])
    if isinstance(expected(case), str):
        return
    run("pool", run.sheet, "--no-figures")
    record = json.loads((run.out / "run.json").read_text(encoding="utf-8"))
    analysis = ma.Analysis.read(run.sheet)
    assert Model.read(record["analysis"]["model"]) == analysis.model
    assert Policy.read(record["analysis"]["policy"]) == analysis.policy
    (tmp_path / "metaalliance.toml").write_text(TOML, encoding="utf-8")  # the record says it all
    result = CliRunner().invoke(app, ["verify", str(run.out / "run.json"), str(run.sheet)])
    numbers = next(line for line in result.stdout.splitlines() if line.startswith("numbers"))
    assert " same " in numbers


def of_components(run: Run) -> Any:
    """Means and variances of the components, or why there are none."""
    document = run("components", run.sheet, "--by", "outcome_measure", "--structure", "CS",
                   "--no-figures")  # fmt: skip
    said = refusal(document)
    numbers = ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high", "tau2")
    return said or {
        f"{row['level']} {name}": row[name] for row in document["components"] for name in numbers
    }


@cache
def components_without(settings: str) -> Any:
    """Means and variances of the components under settings, as JSON has them."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        return of_components(Run(Path(name), json.loads(settings)))


@pytest.mark.parametrize("case", CELLS)
def test_components(case, tmp_path):
    """Each setting moves the multivariate model, as it does in Python, or is refused by name."""
    with_it, without = CASES[case]
    found = of_components(Run(tmp_path, with_it))
    if case in NO_COMPONENTS or isinstance(expected(case), str):
        named = NO_COMPONENTS.get(case)
        said = rf"cannot obey (--)?{named}( = |=| )" if named else r"1 error in s\.csv"
        assert re.search(said, str(found))
        return
    analysis = ma.Analysis.read(tmp_path / "s.csv")
    given = {"structure": "CS", "model": analysis.model}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.MetaAllianceWarning)
        found_here = ma.multivariate(analysis.coded, "outcome_measure", **given)
    wanted = found_here.means.set_index("level")
    for name, value in found.items():
        level, number = name.rsplit(" ", 1)
        assert_same(name, value, float(wanted.loc[level, number]))
    base = components_without(json.dumps(without))
    assert max(abs(found[name] - base[name]) for name in found) > MOVED


#: Settings without a meaning for reliabilities, by case: listed, or refused.
NO_RELIABILITIES = {"measure": "listed", "measure unbiased": "listed", "variances": "listed",
                    "yi_measure": "rows", "attenuation": "refused",
                    "alliance_reliability": "refused",
                    "alliance_reliability by measure": "refused",
                    "outcome_reliability": "refused", "nonsignificant": "rows",
                    "nonsignificant censored": "rows", "beta": "rows"}  # fmt: skip


def of_reliability(folder: Path, settings: dict[str, Any]) -> Any:
    """Every pooled reliability of one instrument with a number of items, and the document."""
    run = Run(folder, settings)
    table = pd.read_csv(run.sheet, dtype=str, keep_default_na=False)
    kept = table["alliance_reliability"] != ""
    table = table.assign(alliance_items="12", instrument=table["alliance_measure"])
    table["alliance_measure"] = "WAI"
    shift = (table["effect"].astype(int) - 2) * 0.02  # several coefficients of a sample
    value = pd.to_numeric(table["alliance_reliability"]) + shift
    table["alliance_reliability"] = value.round(2).astype(str).where(kept, "")
    table["alliance_time"] = table["effect"].map(lambda e: ("early", "late")[int(e) % 2])
    table.to_csv(run.sheet, index=False)
    document = run("reliability", run.sheet)
    numbers = (*_KEYS[:2], *("ci_low", "ci_high", "pi_low", "pi_high", "tau2"))
    said = refusal(document)
    return said or ({name: document["pooled"][0][name] for name in numbers}, document)


@pytest.mark.parametrize("case", CELLS)
def test_reliability(case, tmp_path):
    """Each setting moves the pooled reliability, is listed as not taken, or is refused by name."""
    with_it, without = (
        {k: "instrument" if v == "alliance_measure" else v for k, v in settings.items()}
        for settings in CASES[case]
    )
    (tmp_path / "base").mkdir()
    found = of_reliability(tmp_path, with_it)
    how = NO_RELIABILITIES.get(case, "moved")
    if how == "refused":
        assert re.search(r"cannot obey (--)?attenuation", str(found))
        return
    if isinstance(found, str):
        assert case == "beta"  # its row has no effect then
        return
    base = of_reliability(tmp_path / "base", without)
    change = max(abs((found[0][k] or 0.0) - (base[0][k] or 0.0)) for k in found[0])
    listed = found[1]["settings"]["not_taken"]
    if how == "listed":
        assert listed == [next(iter(with_it))]
        assert change == 0
    elif how == "moved":
        assert listed == []
        assert change > MOVED / 10  # on the scale of ln(1 - alpha), of near coefficients


@pytest.mark.parametrize("case", ["measure", "variances", "nonsignificant",
                                  "nonsignificant censored", "beta", "yi_measure",
                                  "attenuation"])  # fmt: skip
def test_convert(case, tmp_path):
    """`convert` obeys every policy: its effects are those that are pooled."""
    run = Run(tmp_path, CASES[case][0])
    target = tmp_path / "effects.csv"
    result = CliRunner().invoke(app, ["convert", str(run.sheet), "-o", str(target), "-q"])
    if isinstance(expected(case), str):
        assert result.exit_code == 1
        return
    effects = ma.Analysis.read(run.sheet).coded
    found = pd.read_csv(target)
    np.testing.assert_allclose(found["yi"], effects.frame["yi"], rtol=1e-12)
    np.testing.assert_allclose(found["vi"], effects.vi, rtol=1e-12)


def test_no_setting_and_no_command_is_missing():
    """A new field or command that is not in the matrix fails here."""
    fields = {s.name for kind in (Model, Policy) for s in settings_in(kind)}
    told = {name for case, _ in CASES.values() for name in case}
    assert fields == told
    drawing = {words[0] for words, _ in FIGURES.values()}
    assert set(COMMANDS) == {*READERS, *OWN_MODEL, *drawing, *WITHOUT_MODEL}


def test_nothing_is_wrong():
    """The list of cells that are wrong is empty."""
    assert not WRONG
