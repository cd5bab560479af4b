"""Every setting moves the main analysis of a multiverse and both results of compare as `pool`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.analysis.analysis import Analysis
from metaalliance.errors import OptionError
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.robustness.effect_sets import outliers

HEAD = ("study,effect,sample,r,n,alliance_measure,outcome_measure,outcome_direction,team,own_rho,"
        "alliance_reliability,outcome_reliability")  # fmt: skip
#: Two models, two estimators, two tests: what else the main analysis has must join them.
GRID = {"conversions": "all", "include": "all", "outliers": "keep", "model": ["che", "two-level"],
        "rho": [0.5, 0.6], "tau2": ["REML", "DL"], "test": ["cr2", "knapp-hartung"]}  # fmt: skip
FIXED = {"measure": "z", "nonsignificant": "zero"}
SETTINGS = {
    "measure": {"measure": "r"},
    "nonsignificant": {"nonsignificant": "drop"},
    "attenuation": {"attenuation": "alliance", "alliance_reliability": "mean"},
    "alliance_reliability": {"attenuation": "individual", "outcome_reliability": 0.8,
                             "alliance_reliability": {"WAI": 0.7, "*": 0.9}},
    "outcome_reliability": {"attenuation": "outcome", "outcome_reliability": 0.6},
    "model": {"model": "three-level"},
    "common-effect": {"model": "common-effect"},
    "two-level": {"model": "two-level"},
    "two-level, rho": {"model": "two-level", "rho": 0.2},
    "two-level, tau2": {"model": "two-level", "tau2": "EB"},
    "two-level, test": {"model": "two-level", "test": "cr1"},
    "tau2": {"tau2": "ML"},
    "test": {"test": "cr0"},
    "rho": {"rho": 0.2},
    "rho by study": {"rho": "own_rho"},
    "rho_same": {"rho": 0.3, "rho_same": 0.8, "same": "outcome_measure"},
    "level": {"level": 0.9},
    "prediction": {"prediction": "normal"},
    "within": {"within": ["sample"]},
    "above": {"above": ["team"]},
    "crossed": {"crossed": "alliance_measure"},
    "three-level, within": {"model": "three-level", "within": ["sample"]},
}  # fmt: skip
NUMBERS = ("estimate", "se", "df", "p_value", "ci_low", "ci_high", "pi_low", "pi_high", "tau", "I2")


def sheet_lines() -> list[str]:
    """12 studies of 3 teams, each with two samples, some with two effects in each."""
    random = np.random.default_rng(11)
    lines = []
    for study in range(12):
        between = 0.15 * random.standard_normal()
        for sample in "ab":
            n, inside = int(random.integers(30, 140)), 0.3 * random.standard_normal()
            for effect in range(1 + (study + (sample == "a")) % 2):
                measure = ("WAI", "HAq", "CALPAS")[(study + effect) % 3]
                shift = {"WAI": 0.1, "HAq": 0.0, "CALPAS": -0.1}[measure]
                z = 0.3 + between + inside + shift + 0.1 * random.standard_normal()
                r = "n.s." if (study, sample, effect) == (7, "b", 0) else f"{np.tanh(z):.3f}"
                reported = ("", "0.88", "0.93")[(study + effect) % 3]
                lines.append(
                    f"S{study},{sample}{effect},{sample},{r},{n},{measure},O{effect},higher_better,"
                    f"T{study % 4},{0.1 + study / 20:.2f},{reported},"
                )
    return lines


@pytest.fixture(scope="module")
def sheets(tmp_path_factory) -> tuple[Path, Path]:
    """A sheet and its next version: one row less, one changed, one more."""
    folder, old = tmp_path_factory.mktemp("settings"), sheet_lines()
    new = [*old[1:], "S12,a0,a,0.61,55,WAI,O0,higher_better,T0,0.3,0.9,"]
    new[3] = new[3].replace("higher_better", "lower_better")
    paths = folder / "old.csv", folder / "new.csv"
    for path, lines in zip(paths, (old, new), strict=True):
        path.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return paths


def analysis(path: Path, settings: dict) -> Analysis:
    return Analysis.read(path, **{"nonsignificant": "zero", **settings})


def numbers(fit) -> dict[str, float]:
    return {name: getattr(fit, name) for name in NUMBERS}


def specified(row) -> dict[str, float]:
    """The numbers of a specification on the scale of the analysis."""
    back = np.arctanh if row["measure"] == "z" else float
    limits = {name: back(row[name]) for name in ("ci_low", "ci_high", "pi_low", "pi_high")}
    own = {name: row[name] for name in NUMBERS if name not in limits}
    return {**own, **limits, "estimate": row["analysis_estimate"]}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_sheet_tells_settings_apart(sheets, name):
    plain, moved = (numbers(analysis(sheets[0], s).fit) for s in ({}, SETTINGS[name]))
    assert any(abs(moved[n] - plain[n]) > 1e-4 for n in NUMBERS)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_main_analysis_of_a_multiverse_is_that_of_pool(sheets, name):
    asked = analysis(sheets[0], SETTINGS[name])
    found = asked.multiverse(GRID)
    (main,) = [row for _, row in found.frame.iterrows() if row["reference"]]
    assert specified(main) == pytest.approx(numbers(asked.fit), rel=1e-9, nan_ok=True)
    assert main["analysis_estimate"] == asked.fit.estimate
    assert f"The main analysis gives {main['estimate']:.3f}".replace("0.", ".") in found.summary()
    recorded = found.to_dict()["settings"]["main"]
    assert recorded == json.loads(json.dumps(asked.settings()))


@pytest.mark.parametrize("name", SETTINGS)
def test_both_results_of_compare_are_those_of_pool(sheets, name):
    old, new = (analysis(path, SETTINGS[name]) for path in sheets)
    found = old.compare(new)
    assert numbers(found.old_fit) == pytest.approx(numbers(old.fit), rel=1e-9, nan_ok=True)
    assert numbers(found.new_fit) == pytest.approx(numbers(new.fit), rel=1e-9, nan_ok=True)
    assert found.steps
    assert found.to_dict()["settings"] == old.settings()


@pytest.mark.parametrize(
    ("settings", "shared"),
    [
        ({"within": ["sample"], "prediction": "riley"}, ("within", "prediction", "level")),
        ({"crossed": "alliance_measure", "level": 0.8}, ("crossed", "prediction", "level")),
        ({"rho": 0.3, "rho_same": 0.8, "same": "outcome_measure"}, ("rho_same", "same")),
    ],
)
def test_what_is_no_decision_is_the_same_everywhere(sheets, settings, shared):
    """Each specification of a multilevel model by hand, with the settings of the main analysis."""
    asked = analysis(sheets[0], settings)
    found = asked.multiverse({**GRID, **FIXED, "model": ["che", "three-level"]})
    rows = found.frame[found.frame["failure"] == ""]
    assert set(rows["model"]) == {"che", "three-level"}
    same = {name: getattr(asked.model, name) for name in shared}
    for _, row in rows.iterrows():
        che = row["model"] == "che"
        own = same if che else {k: v for k, v in same.items() if k not in {"rho_same", "same"}}
        rho = row["rho"] if che else None
        fit = ma.pool(asked.coded, model=row["model"], rho=rho, tau2=row["tau2"],
                      test=row["test"], **own)  # fmt: skip
        assert row["analysis_estimate"] == fit.estimate
        assert np.arctanh(row["pi_low"]) == pytest.approx(fit.pi_low, rel=1e-9)


def test_a_test_that_a_structure_has_not_is_left_out_by_rule(sheets):
    found = analysis(sheets[0], {"crossed": "alliance_measure"}).multiverse(GRID)
    assert "che has no cr2 test beside a crossed factor (alliance_measure)" in (
        found.counts.impossible
    )
    assert found.counts.failed == 0
    assert set(found.frame.loc[found.frame["model"] == "che", "test"]) == {"t"}
    # two-level models have no crossed factor; which they are is the decision "model"
    assert "two-level" in set(found.frame["model"])


def test_reliabilities_of_the_policy_stand_in_every_correction(sheets):
    policy = {"attenuation": "individual", "alliance_reliability": {"*": 0.9},
              "outcome_reliability": 0.7}  # fmt: skip
    asked = analysis(sheets[0], policy)
    found = asked.multiverse({**GRID, **FIXED, "attenuation": ["none", "outcome"]})
    assert found.grid.options["attenuation"] == ("none", "outcome", "individual")
    only = analysis(sheets[0], {"attenuation": "outcome", "outcome_reliability": 0.7}).fit
    row = found.frame.query("attenuation == 'outcome' and model == 'che' and rho == 0.6").iloc[0]
    assert row["analysis_estimate"] == only.estimate


def test_outliers_are_told_by_the_main_analysis(sheets):
    effects = analysis(sheets[0], {}).coded
    wide, narrow = (sum(map(np.sum, outliers(effects, Model(level=v)))) for v in (0.99, 0.5))
    assert wide < narrow
    mean = ma.pool(ma.aggregate(effects), model="common-effect")
    low, _ = outliers(effects, Model(kind="common-effect"))
    half = 1.959963984540054 * np.sqrt(effects.vi)
    assert low.tolist() == (effects.yi + half < mean.ci_low).tolist()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"within": ["ward"]}, "no column 'ward'"),
        ({"rho": "team"}, "column of correlations"),
        ({"model": "two-level", "within": ["sample"]}, "no further levels"),
        ({"crossed": "alliance_measure", "test": "cr2"}, "no independent clusters"),
        ({"model": "three-level", "rho": 0.4}, "--rho has no meaning"),
        ({"tau2": "DL"}, "does not exist for model='che'"),
    ],
)
def test_what_pool_refuses_is_refused_by_name(sheets, settings, says):
    asked = analysis(sheets[0], settings)
    for start in (asked.pool, lambda: asked.multiverse(GRID), lambda: asked.compare(asked)):
        with pytest.raises(OptionError, match=says):
            start()


def test_a_policy_about_betas_is_settled_when_a_sheet_is_read(sheets):
    studies = ma.read_studies(sheets[0], nonsignificant="zero")
    refusing = Policy(nonsignificant="zero", beta="refuse")
    for start in (lambda: ma.multiverse(studies, policy=refusing),
                  lambda: ma.compare(studies, studies, policy=refusing)):  # fmt: skip
        with pytest.raises(OptionError, match="was read with beta='peterson-brown'"):
            start()
    assert ma.compare(*sheets, policy=refusing).new.beta == "refuse"


def test_converted_effects_have_no_policy(sheets):
    with pytest.raises(OptionError, match="converted already"):
        ma.multiverse(analysis(sheets[0], {}).coded, policy=Policy())


def test_commands_give_the_number_of_pool(call, sheets, tmp_path):
    for path in sheets:
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "metaalliance.toml").write_text(
        "[pool]\nnonsignificant = 'drop'\nattenuation = 'individual'\n"
        "alliance_reliability = { WAI = 0.8, '*' = 0.9 }\noutcome_reliability = 0.85\n"
        "within = ['sample']\n[multiverse]\ntau2 = ['REML', 'ML']\noutliers = ['keep']\n"
        "rho = [0.5, 0.6]\n",
        encoding="utf-8",
    )
    pooled = {}
    for name in ("old.csv", "new.csv"):
        document = json.loads(call("pool", name, "--json", "--no-figures", "-q").stdout)
        pooled[name] = document["pooled"]["estimate"]
    found = json.loads(call("multiverse", "old.csv", "--json", "--no-figures", "-q").stdout)
    (main,) = [s for s in found["specifications"] if s["reference"]]
    assert main["analysis_estimate"] == pooled["old.csv"]
    assert found["settings"]["main"]["within"] == ["sample"]
    both = json.loads(call("compare", "old.csv", "new.csv", "--json", "-q").stdout)
    assert both["result"]["old"]["pooled"]["estimate"] == pytest.approx(
        pooled["old.csv"], rel=1e-12
    )
    assert both["result"]["new"]["pooled"]["estimate"] == pytest.approx(
        pooled["new.csv"], rel=1e-12
    )
    assert both["settings"]["alliance_reliability"] == {"WAI": 0.8, "*": 0.9}
    assert both["settings"]["nonsignificant"] == "drop"
