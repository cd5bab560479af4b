"""A multiverse is `pool` under every combination: no more, no less, whatever the number of jobs."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from effort import calls
from multiverse_sheets import sheet_text

import metaalliance as ma
from metaalliance.effects.selection import extreme_per_study
from metaalliance.errors import EstimationError, OptionError, StudyDataError
from metaalliance.options import DECISIONS
from metaalliance.robustness.effect_sets import kept_rows, outliers

SMALL = {
    "rho": [0.4, 0.6], "tau2": ["REML", "DL"], "test": ["cr2", "knapp-hartung"],
    "include": ["all", "client-rated"],
}  # fmt: skip
#: One set of effects, four models.
TINY = {"conversions": "all", "measure": "z", "outliers": "keep", "include": "all",
        "aggregation": "none", "model": ["che", "three-level"], "rho": [0.4, 0.6],
        "tau2": "REML", "test": "cr2"}  # fmt: skip


@pytest.fixture(scope="module")
def module_studies(tmp_path_factory):
    path = tmp_path_factory.mktemp("sheet") / "studies.csv"
    path.write_text(sheet_text(), encoding="utf-8")
    return ma.read_studies(path)


@pytest.fixture(scope="module")
def small(module_studies):
    """A multiverse of 2 x 2 x 2 x 2 sets of effects."""
    return ma.multiverse(module_studies, grid=SMALL)


def again(studies, row):
    """Repeat one specification by the public functions."""
    effects = ma.effect_sizes(studies, measure=row["measure"])
    keep = np.ones(effects.n_effects, dtype=bool)
    if row["conversions"] == "exact":
        keep &= ~effects.ledger["approximate"].to_numpy(dtype=bool)
    column = {"RCT": ("design", "RCT"), "client-rated": ("alliance_rater", "client"),
              "published": ("source", "journal")}.get(row["include"])  # fmt: skip
    if column:
        keep &= (effects.frame[column[0]] == column[1]).to_numpy()
    effects = effects.subset(keep)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.MetaAllianceWarning)
        if row["outliers"] == "remove":
            mean = ma.pool(effects)
            half = 1.959963984540054 * np.sqrt(effects.vi)
            effects = effects.subset(
                (effects.yi + half >= mean.ci_low) & (effects.yi - half <= mean.ci_high)
            )
        if row["aggregation"] == "mean" and effects.dependent():
            effects = ma.aggregate(effects, row["rho"])
        more = {} if pd.isna(row["tau2"]) else {"tau2": row["tau2"]}
        if row["model"] == "che":
            more["rho"] = row["rho"]
        return ma.pool(effects, model=row["model"], test=row["test"], **more)


def test_every_specification_is_what_pool_gives(small, module_studies):
    found, studies = small, module_studies
    assert found.counts.failed == 0
    assert set(found.decisions) >= {"conversions", "measure", "include", "outliers", "model"}
    for _, row in found.frame.iloc[::3].iterrows():  # every option occurs among them
        fit = again(studies, row)
        back = math.tanh if row["measure"] == "z" else float
        assert row["analysis_estimate"] == pytest.approx(fit.estimate, rel=1e-12), row
        for name in ("estimate", "ci_low", "ci_high"):
            assert row[name] == pytest.approx(back(getattr(fit, name)), rel=1e-12)
        assert row["p_value"] == pytest.approx(fit.p_value, rel=1e-9)
        assert row["se"] == pytest.approx(fit.se, rel=1e-12)
        assert (row["n_studies"], row["n_effects"]) == (fit.n_studies, fit.n_effects)


def test_results_do_not_depend_on_the_number_of_jobs(studies):
    grid = {**TINY, "measure": ["z", "r"], "include": ["all", "client-rated"]}
    one, two = (ma.multiverse(studies, grid=grid, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)
    assert json.dumps(one.to_dict()) == json.dumps(two.to_dict())


def test_the_curve_holds_distinct_specifications_by_size(small):
    found = small
    curve = found.curve()
    assert len(curve) == found.counts.distinct
    assert curve["estimate"].is_monotonic_increasing
    assert list(curve["rank"]) == list(range(1, len(curve) + 1))
    assert {"estimate", "ci_low", "ci_high", "p_value", *found.decisions} <= set(curve)
    assert curve["reference"].sum() == 1


def test_the_reference_is_what_pool_does_at_its_defaults(small, module_studies):
    fit = ma.pool(ma.effect_sizes(module_studies))
    assert small.reference["analysis_estimate"] == pytest.approx(fit.estimate, rel=1e-12)
    other = ma.multiverse(module_studies, grid=TINY, reference={"rho": 0.4}).reference
    assert other["rho"] == 0.4


def test_the_main_analysis_is_added_to_a_grid_unless_a_decision_is_fixed(module_studies):
    added = ma.multiverse(module_studies, grid={**TINY, "rho": [0.3, 0.4]})
    assert added.grid.options["rho"] == (0.3, 0.4, 0.6)
    assert added.reference["rho"] == 0.6
    fixed = ma.multiverse(module_studies, grid={**TINY, "rho": [0.3]})
    assert fixed.grid.options["rho"] == (0.3,)
    assert fixed.reference is None
    assert "not among them: its rho is 0.6" in fixed.summary()


def test_equal_sets_of_effects_are_fitted_once(studies):
    grid = {**TINY, "include": {"everyone": {"design": ["RCT", "other"]}}}
    found = ma.multiverse(studies, grid=grid)
    twins = found.frame[found.frame["same_as"].notna()]
    assert found.counts.effect_sets == 1
    assert len(twins) == len(found.frame) / 2 == found.counts.distinct
    first = found.frame.set_index("specification").loc[twins["same_as"].astype(int)]
    assert (first["estimate"].to_numpy() == twins["estimate"].to_numpy()).all()
    assert set(first["include"]) == {"all"}
    table = found.decision_table().set_index("decision")
    assert table.loc["include", "share"] == pytest.approx(0, abs=1e-12)
    assert table.loc["include", "mean_move"] == 0


def test_variances_are_a_decision_where_groups_or_counts_give_them(tmp_path):
    path = tmp_path / "s.csv"
    lines = ["study,r,n,d,n1,n2"]
    lines += [f"S{i},.{i + 1}{i},{40 + 7 * i},,," for i in range(1, 6)]
    path.write_text("\n".join([*lines, "S6,,,.9,9,81", "S7,,,-.2,60,20"]))
    studies = ma.read_studies(path)
    grid = {"conversions": "all", "measure": "z", "outliers": "keep", "include": "all",
            "model": "two-level", "tau2": "REML", "test": "wald"}  # fmt: skip
    settings = {"model": "two-level", "test": "wald"}
    found = ma.multiverse(studies, grid=grid, **settings)
    assert found.decisions == ("variances",)
    rows = found.frame.set_index("variances")
    for variances in ("delta", "fisher"):
        fit = ma.pool(ma.effect_sizes(studies, variances=variances), **settings)
        row = rows.loc[variances]
        assert row["analysis_estimate"] == pytest.approx(fit.estimate, rel=1e-12)
        assert row["se"] == pytest.approx(fit.se, rel=1e-12)
    assert rows.loc["delta", "reference"] and not rows.loc["fisher", "reference"]
    main = ma.multiverse(studies, grid=grid, policy=ma.Policy(variances="fisher"), **settings)
    assert main.frame.set_index("variances").loc["fisher", "reference"]
    path.write_text("\n".join(lines))
    without = ma.multiverse(ma.read_studies(path), grid={**grid, "tau2": ["REML", "DL"]})
    assert without.decisions == ("tau2",)


def test_policies_for_silent_results(silent_sheet):
    studies = ma.load_studies(silent_sheet)
    assert studies.errors
    found = ma.multiverse(studies, grid={**TINY, "nonsignificant": ["zero", "drop", "half-p"]})
    by_policy = found.frame.groupby("nonsignificant")
    sizes = by_policy["n_effects"].max()
    assert sizes["zero"] == sizes["drop"] + 3  # the study has three effects
    for policy in ("zero", "drop"):
        fit = ma.pool(ma.effect_sizes(ma.read_studies(silent_sheet, nonsignificant=policy)))
        row = found.frame[
            (found.frame["nonsignificant"] == policy) & (found.frame["rho"] == 0.6)
        ]  # fmt: skip
        assert row["analysis_estimate"].iloc[0] == pytest.approx(fit.estimate, rel=1e-12)
    failures = found.failures
    assert set(failures["nonsignificant"]) == {"half-p"}
    assert len(failures) == found.counts.failed == (found.frame["failure"] != "").sum()
    assert failures["failure"].str.contains("errors").all()
    assert by_policy["estimate"].count()["half-p"] == 0


def test_a_sheet_with_other_errors_is_refused(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("study,r,n\nA,1.4,40\nB,0.2,50\nC,n.s.,50\n", encoding="utf-8")
    with pytest.raises(StudyDataError, match="has 1 error"):
        ma.multiverse(ma.load_studies(path))


def test_attenuation_is_a_decision(studies):
    grid = {**TINY, "attenuation": ["none", "individual"]}
    found = ma.multiverse(studies, grid=grid)
    means = found.option_table().set_index(["decision", "option"])["mean"]
    assert means["attenuation", "individual"] > means["attenuation", "none"] + 0.02
    effects = ma.effect_sizes(
        studies, attenuation="individual", alliance_reliability="mean", outcome_reliability="mean"
    )
    fit = ma.pool(effects)
    frame = found.frame
    row = frame[(frame["attenuation"] == "individual") & (frame["rho"] == 0.6)]
    assert row["analysis_estimate"].iloc[0] == pytest.approx(fit.estimate, rel=1e-12)


def test_failures_are_listed_with_their_reason():
    effects = ma.Effects.from_arrays(
        [0.1, 0.3, 0.2], [0.02] * 3, study=["a", "a", "b"], measure="z",
        moderators={"design": ["RCT", "other", "other"], "year": [1990, 2001, 2005]},
    )  # fmt: skip
    grid = {"include": {"RCT": {"design": ["RCT"]}, "none": {"design": ["cohort"]},
                        "new": {"year": [">=2000"]}},
            "outliers": "keep", "tau2": "REML", "rho": [0.6]}  # fmt: skip
    found = ma.multiverse(effects, grid=grid)
    failed = found.failures
    assert "none" in set(failed["include"])
    assert failed["failure"].str.len().min() > 20
    assert found.frame["estimate"].isna().sum() == len(failed)
    assert "no result" in found.summary()
    new = found.frame[(found.frame["include"] == "new") & (found.frame["failure"] == "")]
    assert set(new["n_effects"]) == {2}


def test_nothing_but_failures_is_an_error():
    effects = ma.Effects.from_arrays([0.1, 0.3], [0.02] * 2, measure="z")
    with pytest.raises(EstimationError, match="None of the"):
        ma.multiverse(effects, grid={"model": ["che"]})


def test_a_filter_with_an_unknown_column_is_refused():
    effects = ma.Effects.from_arrays([0.1, 0.3], [0.02] * 2, measure="z")
    with pytest.raises(OptionError, match="no column 'desing'"):
        ma.multiverse(effects, grid={"include": {"RCT": {"desing": ["RCT"]}}})


def test_filters_compare_values_and_numbers():
    frame = pd.DataFrame({"design": ["RCT", None, "other"], "year": [1999.0, np.nan, 2010.0]})
    assert kept_rows(frame, {"design": ("RCT", "other")}, "x").tolist() == [True, False, True]
    assert kept_rows(frame, {"year": (">=2000",)}, "x").tolist() == [False, False, True]
    assert kept_rows(frame, {"year": (1999,)}, "x").tolist() == [True, False, False]
    assert kept_rows(frame, {"year": ("<2000", ">2005")}, "x").tolist() == [True, False, True]
    with pytest.raises(OptionError, match="no number"):
        kept_rows(frame, {"year": (">=young",)}, "x")


def test_outliers_are_those_whose_interval_misses_that_of_the_mean():
    effects = ma.Effects.from_arrays(
        [0.3, 0.31, 0.29, 0.3, 0.28, 0.32, 2.0, -2.0], [0.001] * 6 + [0.01] * 2, measure="z"
    )
    low, high = outliers(effects)
    assert (low.nonzero()[0].tolist(), high.nonzero()[0].tolist()) == ([7], [6])
    found = ma.multiverse(effects, grid={
        "outliers": ["keep", "remove", "remove-low", "remove-high"], "tau2": "REML",
        "test": "wald", "model": "two-level",
    })  # fmt: skip
    assert found.frame.set_index("outliers")["n_effects"].to_dict() == {
        "keep": 8, "remove": 6, "remove-low": 7, "remove-high": 7,
    }  # fmt: skip


def test_the_extreme_effect_of_each_study_is_an_aggregation():
    effects = ma.Effects.from_arrays(
        [0.1, 0.5, 0.3], [0.02] * 3, study=["a", "a", "b"], measure="z"
    )
    found = ma.multiverse(effects, grid={
        "aggregation": ["lowest", "highest"], "model": "common-effect", "test": "wald",
        "outliers": "keep",
    })  # fmt: skip
    values = found.frame.set_index("aggregation")["analysis_estimate"]
    assert values["lowest"] == pytest.approx(0.2)
    assert values["highest"] == pytest.approx(0.4)


def test_generic_effects_stay_on_their_scale():
    effects = ma.Effects.from_arrays([1.2, 3.0, 2.2], [0.2] * 3)
    found = ma.multiverse(effects)
    assert (found.frame["estimate"] == found.frame["analysis_estimate"]).all()
    assert not found.is_r
    assert found.summary().splitlines()[1].startswith("estimate from")


def test_verdict_and_flips():
    """One filter turns a significant mean into one that is not."""
    effects = ma.Effects.from_arrays(
        [0.3] * 10 + [0.02] * 10, [0.01] * 20, measure="z",
        moderators={"design": ["RCT"] * 10 + ["other"] * 10},
    )  # fmt: skip
    found = ma.multiverse(effects, grid={
        "include": {"RCT": {"design": ["RCT"]}, "other": {"design": ["other"]}},
        "outliers": "keep", "model": "common-effect", "test": ["wald", "t"],
    })  # fmt: skip
    verdict = found.verdict()
    assert verdict.significant == pytest.approx(4 / 6)
    assert verdict.opposite == 0
    assert (verdict.low, verdict.high) == (
        pytest.approx(math.tanh(0.02)),
        pytest.approx(math.tanh(0.3)),
    )
    table = found.decision_table().set_index("decision")
    assert table.loc["include", "verdict_share"] == pytest.approx(1)
    assert table.loc["include", "flips"] == pytest.approx(2 / 3)
    assert table.loc["test", "mean_move"] == 0
    assert table["share"].sum() == pytest.approx(1)
    assert table["verdict_share"].sum() == pytest.approx(1)


def test_results_are_written_out(small):
    found = small
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(content["specifications"]) == len(found.frame)
    assert content["specifications"][0]["model"] in {"che", "three-level"}
    assert set(content["settings"]["grid"]) == set(DECISIONS)
    analysis = found.to_frame(scale="analysis")
    assert (analysis["estimate"] == found.frame["analysis_estimate"]).all()
    assert "ci_low" not in analysis
    assert "specifications of" in found.summary()


def test_one_specification_is_a_multiverse_too():
    effects = ma.Effects.from_arrays([0.1, 0.3], [0.02] * 2, measure="z")
    found = ma.multiverse(effects, grid={
        "outliers": "keep", "model": "two-level", "tau2": "DL", "test": "wald",
    })  # fmt: skip
    assert found.counts.specifications == 1
    assert found.decisions == ()
    assert list(found.decision_table()["decision"]) == ["(interactions)"]
    assert found.option_table().empty


def test_progress_is_reported(studies):
    seen = []
    grid = {**TINY, "measure": ["z", "r"]}
    ma.multiverse(studies, grid=grid, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_package_and_function_share_their_name():
    """Whichever is imported first, `metaalliance.multiverse` can be called."""
    code = (
        "import metaalliance as ma; import metaalliance.robustness.power\n"
        "e = ma.Effects.from_arrays([.1, .3], [.02, .02])\n"
        "print(ma.multiverse(e, grid={'outliers': 'keep'}).counts.specifications > 1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_specifications_that_differ_in_their_test_share_data_and_estimates(module_studies):
    effects = ma.effect_sizes(module_studies)
    grid = TINY | {"model": "che", "rho": 0.6}
    del grid["measure"]
    one, four = ({**grid, "test": t} for t in ("cr2", ["cr2", "cr1", "cr0", "wald"]))
    found = ma.multiverse(effects, grid=four)  # imports too
    assert found.counts.specifications == 4
    assert found.frame["tau"].nunique() == 1
    assert calls(lambda: ma.multiverse(effects, grid=four)) < 2 * calls(
        lambda: ma.multiverse(effects, grid=one)
    )


def test_tau2_of_several_averages_is_that_of_each(module_studies):
    effects = ma.effect_sizes(module_studies)
    tau2 = ["REML", "ML", "DL", "HE", "HS", "SJ", "EB", "PM", "PMM"]
    grid = TINY | {"model": "two-level", "tau2": tau2, "test": "wald"}
    del grid["measure"]
    grid |= {"aggregation": ["mean", "lowest", "highest"], "rho": [0.2, 0.5, 0.8]}
    found = ma.multiverse(effects, grid=grid)
    ways = {"lowest": lambda _: extreme_per_study(effects, "lowest"),
            "highest": lambda _: extreme_per_study(effects, "highest"),
            "mean": lambda rho: ma.aggregate(effects, rho)}  # fmt: skip
    for row in found.frame.to_dict("records"):
        own = ways[row["aggregation"]](row["rho"])
        alone = ma.pool(own, model="two-level", tau2=row["tau2"], test="wald")
        assert row["tau"] == pytest.approx(alone.tau, rel=1e-11, abs=1e-12)
        assert row["analysis_estimate"] == pytest.approx(alone.estimate, rel=1e-12)
