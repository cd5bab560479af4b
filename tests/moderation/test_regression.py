"""Meta-regression: designs, predictions, marginal means, decomposition, model sets."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import metaalliance as ma
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.moderation.formula import parse_formula
from metaalliance.moderation.model_set import aicc

HOSTILE = [
    "__import__('os').system('echo x')",
    "modality + __import__('os')",
    "np.log(year)",
    "year.__class__",
    "{year**2}",
    "[modality]",
    "I(year**2)",
    "year[0]",
    "lambda: 0",
    "eval(year)",
    "exec('x')",
    "modality(year)",
    "C(modality)(year)",
    "(modality)(year)",
    "modality if year else rater",
    "year == 1",
    "open(`size n`)",
    "poly(year, degree=open)",
    "bs(year, knots=year)",
    "hashed(modality)",
    "Q('year')",
    "modality; rater",
    "modality\nrater",
    "modality @ rater",
    "modality | rater",
    "yi ~ modality",
    "`modality",
    "modality + ",
    "",
    "1",
    "0 + modality",
    "modality - 1",
    "(modality + rater)**9",
    "modality" + "*rater" * 9,
    "year + " * 400 + "year",
    "study",
    "vi",
]


@pytest.mark.parametrize("formula", HOSTILE)
def test_formulas_are_read_strictly(formula, nested):
    with pytest.raises(OptionError) as error:
        ma.meta_regression(nested, formula)
    assert error.value.code == "MA649"


def test_columns_may_have_any_name(quiet):
    names = ["log", "import", "v0x", "Größe (cm)", "a:b", "C"]
    rng = np.random.default_rng(2)
    columns = {name: rng.normal(size=30) for name in names}
    effects = Effects.from_arrays(rng.normal(0.3, 0.1, 30), [0.02] * 30, moderators=columns)
    formula = " + ".join(f"`{name}`" for name in names)
    fit = quiet(ma.meta_regression, effects, formula)
    assert fit.names == ("intercept", *names)
    assert_allclose(np.ptp(fit.predict(effects.frame)["estimate"]) > 0, True)


def test_levels_may_have_any_text(quiet):
    labels = ["x]:v1x", "[T.1]", "=1+1"] * 8
    effects = Effects.from_arrays(
        np.linspace(0.1, 0.5, 24), [0.02] * 24,
        moderators={"arm": labels, "year": np.arange(24.0) + 1990},
    )  # fmt: skip
    fit = quiet(ma.meta_regression, effects, "arm * year", reference={"arm": "=1+1"})
    assert "arm[x]:v1x]" in fit.names
    assert "arm[[T.1]]:year" in fit.names


def test_one_factor_is_the_subgroup_analysis(nested, quiet):
    fit = quiet(ma.meta_regression, nested, "modality")
    by = quiet(ma.moderators, nested, "modality")
    means = ma.marginal_means(fit, "modality").set_index("level")
    levels = by.levels.set_index("level")
    for key in ("estimate", "se", "df", "p_value", "ci_low", "ci_high"):
        assert_allclose(means.loc[levels.index, key], levels[key], rtol=1e-7)
    assert_allclose(fit.omnibus["statistic"], by.omnibus["statistic"], rtol=1e-7)
    assert_allclose(fit.R2, by.R2, rtol=1e-7)
    mine = ma.contrasts(fit, "modality")
    assert_allclose(mine["p_adjusted"], by.contrasts["p_adjusted"], rtol=1e-6)


def test_numbers_are_centred_and_scaled(nested, quiet):
    fit = quiet(ma.meta_regression, nested, "year")
    year = next(v for v in fit.design.variables if v.name == "year")
    assert (year.scale, year.unit) == (10.0, "per decade")
    assert_allclose(year.centre, nested.frame["year"].mean())
    plain = quiet(ma.meta_regression, nested, "year", scale={"year": 1}, centre={"year": 2000})
    assert_allclose(fit.fit.beta[1], 10 * plain.fit.beta[1], rtol=1e-8)
    assert_allclose(fit.fit.p_value[1], plain.fit.p_value[1], rtol=1e-7)
    at = fit.predict(at={"year": 2000})
    assert_allclose(at["estimate"], plain.fit.beta[0], rtol=1e-8)
    assert_allclose(at["se"], plain.fit.se[0], rtol=1e-7)


def test_predictions_of_the_data_are_the_fit(nested, quiet):
    for formula in ("modality * rater + year", "poly(year, 2) + rater", "bs(year, df=4)",
                    "log(`size n`) + modality"):  # fmt: skip
        fit = quiet(ma.meta_regression, nested, formula)
        found = fit.predict(fit.design.used.frame)
        assert_allclose(found["estimate"], fit.fit.X @ fit.fit.beta, rtol=1e-8)
        assert (found["pi_low"] < found["ci_low"]).all()


def test_prediction_checks_its_values(nested, quiet):
    fit = quiet(ma.meta_regression, nested, "modality + year")
    with pytest.raises(OptionError, match="no level 'ACT'"):
        fit.predict(at={"modality": "ACT"})
    with pytest.raises(OptionError, match="not in the formula"):
        fit.predict(at={"rater": "client"})
    with pytest.raises(OptionError, match="lack the column"):
        fit.predict(pd.DataFrame({"year": [2000]}))
    with pytest.raises(OptionError, match="finite"):
        fit.predict(pd.DataFrame({"year": [np.nan], "modality": ["CBT"]}))
    with pytest.warns(MetaAllianceWarning, match="outside the data"):
        fit.predict(at={"year": 2050})
    curve = quiet(ma.meta_regression, nested, "bs(year, df=4)")
    with pytest.raises(OptionError, match="says nothing beyond"):
        curve.predict(at={"year": 2050})
    grid = fit.predict(at={"year": [1990, 2000]}, scale="r")
    assert len(grid) == 6
    assert (grid["estimate"].abs() < 1).all()


def test_marginal_means_average_predictions(nested, quiet):
    fit = quiet(ma.meta_regression, nested, "modality * rater + year")
    cells = fit.predict(at={"year": 2000})
    equal = ma.marginal_means(fit, "modality", at={"year": 2000}).set_index("level")
    assert_allclose(
        equal["estimate"], cells.groupby("modality")["estimate"].mean().loc[equal.index], rtol=1e-8
    )
    observed = ma.marginal_means(fit, "modality", at={"year": 2000}, weights="observed")
    share = nested.frame["rater"].value_counts(normalize=True)
    want = (
        cells.assign(w=cells["rater"].map(share))
        .groupby("modality")[["estimate", "w"]]
        .apply(lambda g: float((g["estimate"] * g["w"]).sum()))
    )
    assert_allclose(observed.set_index("level")["estimate"], want.loc[observed["level"]], rtol=1e-8)
    held = ma.marginal_means(fit, "modality", at={"year": 2000, "rater": "client"})
    assert_allclose(
        held["estimate"],
        cells[cells["rater"] == "client"].set_index("modality").loc[held["level"], "estimate"],
        rtol=1e-8,
    )


def test_simple_slopes(nested, quiet):
    fit = quiet(ma.meta_regression, nested, "rater * year", reference={"rater": "client"})
    slopes = ma.simple_slopes(fit, "year", "rater").set_index("level")
    names = dict(zip(fit.names, fit.fit.beta, strict=True))
    assert_allclose(slopes.loc["client", "estimate"], names["year"], rtol=1e-8)
    assert_allclose(
        slopes.loc["therapist", "estimate"], names["year"] + names["rater[therapist]:year"],
        rtol=1e-8,
    )  # fmt: skip


def test_empty_cells_are_not_predicted(quiet):
    arm = ["a"] * 6 + ["b"] * 6 + ["c"] * 3
    time = (["early"] * 3 + ["late"] * 3) * 2 + ["early"] * 3
    effects = Effects.from_arrays(
        np.linspace(0.1, 0.6, 15), [0.02] * 15, moderators={"arm": arm, "time": time}
    )
    fit = quiet(ma.meta_regression, effects, "arm * time", reference={"time": "early", "arm": "a"})
    assert fit.design.dropped == ("arm[c]:time[late]",)
    assert any(p.code == "MA648" for p in fit.notices)
    found = fit.predict(at={}).set_index(["arm", "time"])["estimate"]
    assert math.isnan(found[("c", "late")])
    assert found.notna().sum() == 5
    assert ma.marginal_means(fit, "arm")["estimate"].isna().tolist() == [False, False, True]


def test_a_cell_of_one_study_is_left_out(nested, quiet):
    rater = nested.frame["rater"].mask(nested.frame["modality"] == "PDT", "client").to_numpy()
    one = np.flatnonzero(nested.frame["modality"] == "PDT")[0]
    rater[one] = "therapist"
    effects = Effects(frame=nested.frame.assign(rater=rater), measure="z")
    fit = quiet(ma.meta_regression, effects, "modality * rater")
    assert any(p.code == "MA645" and "PDT x therapist" in p.message for p in fit.notices)
    assert not any(p.code == "MA642" for p in fit.notices)
    assert fit.n_effects == effects.n_effects - 1


def test_collinear_moderators_are_refused(nested, quiet):
    twin = nested.frame.assign(copy=nested.frame["modality"].str.lower())
    effects = Effects(frame=twin, measure="z")
    with pytest.raises(EstimationError, match="follows from the other terms"):
        ma.meta_regression(effects, "modality + copy")


def test_missing_values_of_each_variable_are_reported(nested, quiet):
    frame = nested.frame.assign(
        year=nested.frame["year"].mask(nested.frame.index % 5 == 0),
        rater=nested.frame["rater"].mask(nested.frame.index % 7 == 0),
    )
    fit = quiet(ma.meta_regression, Effects(frame=frame, measure="z"), "year + rater")
    assert fit.design.missing["year"]["n_effects"] == int(frame["year"].isna().sum())
    assert fit.design.missing["rater"]["n_effects"] == int(frame["rater"].isna().sum())
    assert fit.n_effects == int(frame[["year", "rater"]].notna().all(axis=1).sum())
    assert sum(p.code == "MA644" for p in fit.notices) == 2


def test_confounding_is_warned_of(nested, quiet):
    other = nested.frame["study"].isin(["S01", "S02"])  # a PDT and a humanistic study
    twin = nested.frame["modality"].mask(other, "CBT")
    near = nested.frame["year"] + np.cos(np.arange(nested.n_effects))
    frame = nested.frame.assign(school=twin.str.lower(), season=near)
    effects = Effects(frame=frame, measure="z")
    found = ma.confounding(effects, "modality", "school")
    assert found.association > 0.5
    assert [p.code for p in found.notices()] == ["MA647"]
    assert int(found.table.to_numpy().sum()) >= found.n_studies
    fit = quiet(ma.meta_regression, effects, "year + season")
    assert (fit.gvif()["gsif"] > 2).all()
    assert any(p.code == "MA647" for p in fit.notices)
    assert ma.confounding(nested, "modality", "rater").measure == "cramer_v"
    assert ma.confounding(nested, "modality", "year").measure == "eta"
    assert ma.confounding(nested, "size n", "year").association == pytest.approx(1)


@pytest.mark.parametrize("value", [1.1, 0.1, 5.0, 1e-300])
def test_a_constant_is_confounded_with_nothing(nested, value):
    effects = Effects(frame=nested.frame.assign(dose=value), measure="z")
    for other in ("modality", "year"):
        found = ma.confounding(effects, other, "dose")
        assert np.isnan([found.association, found.uncorrected]).all()
        assert not found.notices()


def test_within_and_between_studies(quiet):
    """Two slopes that are known: .1 within studies, -.2 between them, without error."""
    rng = np.random.default_rng(4)
    study = np.repeat([f"S{i}" for i in range(12)], 4)
    mean = np.repeat(rng.normal(size=12), 4)
    inside = rng.normal(size=48)
    inside -= np.repeat(inside.reshape(12, 4).mean(axis=1), 4)
    y = 0.3 + 0.1 * inside - 0.2 * mean + rng.normal(0, 1e-7, 48)
    effects = Effects.from_arrays(
        y, [0.02] * 48, study=study, moderators={"x": mean + inside}, measure="generic"
    )
    found = quiet(ma.within_between, effects, "x")
    slopes = found.slopes.set_index("part")["estimate"]
    assert_allclose(slopes[["within", "between", "contextual"]], [0.1, -0.2, -0.3], atol=1e-6)
    assert found.n_varying == 12
    json.dumps(found.to_dict(), allow_nan=False)


def test_within_and_between_of_levels(nested, quiet):
    found = quiet(ma.within_between, nested, "rater", reference="client")
    assert found.reference == "client"
    assert found.slopes["term"].tolist() == ["therapist"] * 3
    b = found.slopes.set_index("part")["estimate"]
    assert_allclose(b["contextual"], b["between"] - b["within"], rtol=1e-10)
    assert set(found.tests) == {"within", "between", "contextual"}
    with pytest.raises(EstimationError, match="varies within 0 studies"):
        ma.within_between(nested, "modality")


def test_model_set_is_the_arithmetic_of_aicc(nested, quiet):
    found = quiet(ma.model_set, nested, ["modality", "rater", "year"])
    assert len(found.models) == 8
    assert_allclose(found.models["weight"].sum(), 1)
    assert_allclose(
        found.models["weight"][0] / found.models["weight"][1],
        math.exp((found.models["aicc"][1] - found.models["aicc"][0]) / 2),
    )
    row = found.models.set_index("formula").loc["modality"]
    fit = quiet(ma.meta_regression, nested, "modality", tau2="ML", test="wald")
    assert_allclose(row["log_likelihood"], fit.fit.log_likelihood, rtol=1e-9)
    assert row["n_parameters"] == 5
    assert_allclose(row["aicc"], aicc(fit.fit.log_likelihood, 5, nested.n_effects))
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("fit", ["ML_z"])
@pytest.mark.parametrize("name", ["mcdaniel1994", "bangertdrowns2004"])
def test_aicc_is_metafors(name, fit, golden):
    want = golden["regression"][name]["fits"][fit]
    k = len(golden["regression"][name]["data"]["yi"])
    parameters = len(want["beta"]) + 1
    got = aicc(want["fit_stats"]["ll"], parameters, k)
    assert_allclose(got, want["fit_stats"]["AICc"], rtol=1e-12)


def test_several_moderators(nested, quiet):
    found = quiet(ma.moderator_table, nested, ["modality", "rater", "year"])
    p = found.multiplicity
    assert p["name"].tolist() == ["modality", "rater", "year"]
    assert (p["p_holm"] >= p["p_value"]).all()
    frame = found.to_frame("r")
    assert frame["moderator"].nunique() == 3
    assert (frame["level"] == "slope per decade").sum() == 1
    one = quiet(ma.moderators, nested, "modality")
    assert found["modality"].omnibus == one.omnibus
    fit = quiet(ma.meta_regression, nested, "year")
    assert_allclose(found["year"].p_value, fit.fit.p_value[1], rtol=1e-8)
    json.dumps(found.to_dict(), allow_nan=False)
    assert len(found.confounding) == 3


def test_common_set(nested, quiet):
    frame = nested.frame.assign(year=nested.frame["year"].mask(nested.frame.index % 4 == 0))
    effects = Effects(frame=frame, measure="z")
    own = quiet(ma.moderator_table, effects, ["modality", "year"])
    same = quiet(ma.moderator_table, effects, ["modality", "year"], common_set=True)
    assert own["modality"].n_effects == effects.n_effects
    assert same["modality"].n_effects == same["year"].n_effects == int(frame["year"].notna().sum())
    assert same.left_out["n_effects"] == int(frame["year"].isna().sum())


def test_one_impossible_moderator_does_not_stop_the_others(nested, quiet):
    effects = Effects(frame=nested.frame.assign(constant=5.0), measure="z")
    found = quiet(ma.moderator_table, effects, ["modality", "constant"])
    assert list(found.failed) == ["constant"]
    assert [p.code for p in found.notices] == ["MA637"]
    with pytest.raises(OptionError, match="no moderator 'mood'"):
        ma.moderator_table(nested, ["modality", "mood"])


def test_formula_text_survives():
    parsed = parse_formula("~ a * `b c` + log(n)", ["a", "b c", "n"])
    assert parsed.text == "a * `b c` + log(n)"
    assert [f.name for f in parsed.factors] == ["a", "b c", "log(n)"]


def test_summaries_are_text(nested):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for found in (
            ma.meta_regression(nested, "modality * year"),
            ma.moderators(nested, "modality", separate_tau2=True),
            ma.within_between(nested, "rater"),
            ma.model_set(nested, ["modality", "year"]),
            ma.moderator_table(nested, ["modality", "year"]),
        ):
            assert "nan" not in found.summary()


@pytest.mark.parametrize("option", ["centre", "scale"])
def test_levels_have_no_centre_or_scale(option, nested):
    with pytest.raises(OptionError, match="modality holds text"):
        ma.meta_regression(nested, "modality", **{option: {"modality": 2.0}})
