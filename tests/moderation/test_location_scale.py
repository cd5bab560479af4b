"""Location-scale models of independent and dependent effects, and intervals of what is left."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

import metaalliance as ma
from metaalliance.core.variance.generalized_q import generalized_q_interval
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.models.regression import regress
from metaalliance.moderation.location_scale import location_scale
from metaalliance.moderation.scale.design import read_scale

GOLDEN = Path(__file__).parent.parent / "golden" / "location_scale.json"
TESTS = {"z": "wald", "t": "t", "knha": "knapp-hartung"}


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


def effects_of(data, columns, *, dependent=True) -> Effects:
    study = [f"{s}" for s in data["study"]] if dependent else None
    moderators = {name: data[name] for name in columns}
    return Effects.from_arrays(data["yi"], data["vi"], study=study, moderators=moderators)


@pytest.fixture(scope="module")
def dependent() -> Effects:
    """Effects of forty studies; `size` and `arm` are of studies, `dose` of effects."""
    rng = np.random.default_rng(21)
    study = np.repeat(np.arange(40), rng.integers(1, 5, 40))
    k, size, dose = study.size, rng.normal(size=40), rng.normal(size=study.size)
    spread = np.exp(-1.3 + 0.35 * size) * rng.normal(size=40)
    y = 0.3 + spread[study] + np.exp(-1.5 + 0.3 * dose) * rng.normal(size=k)
    vi = rng.uniform(0.01, 0.04, k)
    return Effects.from_arrays(
        y + np.sqrt(vi) * rng.normal(size=k),
        vi,
        [f"S{i:02d}" for i in study],
        moderators={
            "size": size[study],
            "dose": dose,
            "arm": np.array(list("ab"))[study % 2],
            "team": [f"T{i // 4}" for i in study],
            "tool": np.array(list("wxyz"))[rng.integers(0, 4, k)],
        },
        measure="z",
    )


@pytest.mark.parametrize("case", ["REML_z", "ML_z", "REML_t", "REML_knha"])
def test_one_effect_per_study_is_metafors_model(case, golden, quiet):
    data, want = golden["independent"]["data"], golden["independent"][case]
    method, test = case.split("_")
    effects = effects_of(data, ["meta", "size"], dependent=False)
    got = quiet(
        location_scale, effects, "meta", "size", tau2=method, test=TESTS[test],
        reference={"meta": "0"}, centre={"size": 0.0}, units={"size": 1.0},
    )  # fmt: skip
    # nlminb stops short of the optimum, where the likelihood is flat
    assert_allclose(got.scale["estimate"], want["alpha"], rtol=2e-5)
    assert_allclose(got.scale["se"], want["se_alpha"], rtol=2e-5)
    assert_allclose(got.scale["p_value"], want["p_alpha"], rtol=1e-4)
    assert_allclose(got.scale["ci_low"], want["ci_low"], rtol=1e-4)
    assert_allclose(got.scale["ci_high"], want["ci_high"], rtol=1e-4)
    assert_allclose(got.location["estimate"], want["beta"], rtol=1e-5)
    assert_allclose(got.location["se"], want["se"], rtol=1e-5)
    assert_allclose(got.location["p_value"], want["p"], rtol=1e-4)
    assert_allclose(got.log_likelihood, want["ll"], rtol=1e-9)
    assert_allclose(got.lrt["statistic"], want["lrt"], rtol=1e-6)
    assert_allclose(got.scale["lr"][1], want["lrt"], rtol=1e-6)
    assert_allclose(got.scale["profile_high"], want["profile_high"], rtol=1e-3)


@pytest.mark.parametrize("case", ["REML_z", "ML_z", "REML_t", "REML_knha"])
def test_predictions_are_metafors(case, golden, quiet):
    """`predict(newmods, newscale)`, to the digits at which its optimizer stops."""
    data, want = golden["independent"]["data"], golden["independent"][case]["predicted"]
    method, test = case.split("_")
    got = quiet(
        location_scale, effects_of(data, ["meta", "size"], dependent=False), "meta", "size",
        tau2=method, test=TESTS[test],
    )  # fmt: skip
    prediction = "normal" if test == "z" else "t"
    found = got.predict(pd.DataFrame(want)[["meta", "size"]], prediction=prediction)
    assert_allclose(found["estimate"], want["pred"], rtol=2e-5)
    for name in ("se", "ci_low", "ci_high", "pi_low", "pi_high"):
        assert_allclose(found[name], want[name], rtol=1e-4, err_msg=name)


def test_predictions_of_dependent_effects_are_the_dense_algebra(dependent, quiet):
    """Generalised least squares with the whole covariance matrix at the fitted components."""
    got = quiet(
        location_scale, dependent, "arm + size", "size; effect = dose", test="wald", rho=0.4,
        reference={"arm": "a"}, prediction="normal",
    )  # fmt: skip
    frame, centre = (
        dependent.frame,
        {v["name"]: v["centre"] for v in got.variables if "centre" in v},
    )
    same = frame["study"].to_numpy()[:, None] == frame["study"].to_numpy()
    sd = np.sqrt(frame["vi"].to_numpy())
    V = 0.4 * np.outer(sd, sd) * same + np.diag(0.6 * sd**2)
    a = got.scale["estimate"].to_numpy()

    def variances(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        study = np.exp(a[0] + a[1] * (rows["size"].to_numpy() - centre["size"]))
        return study, np.exp(a[2] + a[3] * (rows["dose"].to_numpy() - centre["dose"]))

    def design(rows: pd.DataFrame) -> np.ndarray:
        second = rows["arm"].to_numpy() == "b"
        return np.column_stack([np.ones(len(rows)), second, rows["size"] - centre["size"]])

    study, effect = variances(frame)
    W = np.linalg.inv(V + same * study[:, None] + np.diag(effect))
    X, new = (
        design(frame),
        pd.DataFrame({"arm": ["a", "b"], "size": [1.0, -0.5], "dose": [0.3, 1.5]}),
    )
    cov = np.linalg.inv(X.T @ W @ X)
    mean = design(new) @ cov @ X.T @ W @ frame["yi"].to_numpy()
    var = np.einsum("ij,jk,ik->i", design(new), cov, design(new))
    tau2 = sum(variances(new))
    found = got.predict(new)
    z = 1.959963984540054
    assert_allclose(found["tau2"], tau2, rtol=1e-10)
    assert_allclose(found["estimate"], mean, rtol=1e-9)
    assert_allclose(found["ci_low"], mean - z * np.sqrt(var), rtol=1e-9)
    assert_allclose(found["pi_low"], mean - z * np.sqrt(var + tau2), rtol=1e-9)
    assert_allclose(found["pi_high"], mean + z * np.sqrt(var + tau2), rtol=1e-9)


def test_predictions_outside_the_data_warn(dependent, quiet):
    got = quiet(location_scale, dependent, "1", "size")
    with pytest.warns(MetaAllianceWarning, match="MA638 size is predicted outside the data"):
        got.predict(at={"size": 99.0})


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("name", ["assink2016", "konstantopoulos2011"])
def test_levels_of_both_components_are_rma_mv_diag(name, method, golden, quiet):
    data, want = golden["dependent"][name]["data"], golden["dependent"][name][method]
    effects = effects_of(data, ["g"])
    got = quiet(
        location_scale,
        effects,
        "g",
        "g; effect = g",
        tau2=method,
        reference={"g": want["levels"][0]},
    )
    each = [got.sigma2[effects.frame["g"].to_numpy() == level] for level in want["levels"]]
    for component in ("study", "effect"):
        ours = [float(part[component].iloc[0]) for part in each]
        assert_allclose(ours, want[component], rtol=1e-4, atol=1e-7)
    assert_allclose(got.location["estimate"], want["beta"], rtol=1e-5)
    assert_allclose(got.log_likelihood, want["ll"], rtol=1e-8)
    assert_allclose(got.lrt["statistic"], want["lrt"], rtol=1e-5)
    assert_allclose(got.location["se"], want["cr2"], rtol=1e-5)
    assert_allclose(got.location["df"], want["df"], rtol=1e-4)


def test_levels_fitted_apart_are_the_same_model(dependent, quiet):
    """Levels of studies share nothing: separate fits maximise the same likelihood."""
    apart = quiet(ma.moderators, dependent, "arm", separate_tau2=True, reference="a")
    got = quiet(location_scale, dependent, "arm", "arm; effect = arm", reference={"arm": "a"})
    assert_allclose(got.lrt["statistic"], apart.tau2_test["statistic"], rtol=1e-7)
    assert got.lrt["df"] == apart.tau2_test["df"] == 2
    means = got.mean.contrast([[1, 0], [1, 1]])
    assert_allclose(means.estimate, apart.levels["estimate"], rtol=1e-7)
    assert_allclose(means.se, apart.levels["se"], rtol=1e-6)
    tau2 = [float(got.tau2[(dependent.frame["arm"] == level).to_numpy()][0]) for level in "ab"]
    assert_allclose(tau2, apart.levels["tau2"], rtol=1e-6)


def test_units_and_centres_do_not_change_the_model(dependent, quiet):
    one = quiet(location_scale, dependent, "size", "size; effect = dose")
    other = quiet(
        location_scale, dependent, "size", "size; effect = dose",
        units={"size": 10.0, "dose": 0.1}, centre={"size": 3.0, "dose": -2.0},
    )  # fmt: skip
    assert_allclose(one.log_likelihood, other.log_likelihood, rtol=1e-12)
    assert_allclose(one.tau2, other.tau2, rtol=1e-6)
    factors = np.array([10.0, 0.1])
    for key in ("estimate", "se", "profile_low", "profile_high"):
        assert_allclose(other.scale[key][[1, 3]], factors * one.scale[key][[1, 3]], rtol=1e-5)
    assert_allclose(other.scale["lr"][[1, 3]], one.scale["lr"][[1, 3]], rtol=1e-7)


def test_a_moderator_that_is_noise_is_the_ordinary_model(dependent, quiet):
    """Twice the difference of likelihoods is what the ratio says, and tau² is averaged around."""
    got = quiet(location_scale, dependent, "size", "size")
    plain = quiet(ma.meta_regression, dependent, "size")
    assert_allclose(
        got.lrt["statistic"], 2 * (got.log_likelihood - plain.fit.log_likelihood), rtol=1e-9
    )
    assert got.lrt["statistic"] == pytest.approx(got.scale["lr"][1], rel=1e-7)
    assert got.component_tests["study"] == got.lrt
    assert got.lrt["p_value"] == pytest.approx(chi2.sf(got.lrt["statistic"], 1))


def test_an_interval_and_its_test_agree(dependent, quiet):
    got = quiet(location_scale, dependent, "1", "size; effect = dose")
    for row in got.scale.to_dict("records"):
        if row["term"] != "intercept":
            excluded = not row["profile_low"] <= 0 <= row["profile_high"]
            assert excluded == (row["lr_p_value"] < 0.05)


@pytest.mark.parametrize(
    ("scale", "settings"),
    [
        ("size", {"above": ["team"]}),
        ("team = team", {"above": ["team"]}),
        ("effect = dose", {"crossed": "tool"}),
        ("size", {"model": "three-level", "test": "wald"}),
        ("size; effect = dose", {"rho": 0.3, "test": "cr1"}),
        ("size", {"rho_same": 0.8, "same": "arm"}),
    ],
    ids=str,
)
def test_structures_of_the_model_are_taken(scale, settings, dependent, quiet):
    if scale.startswith("team"):  # twenty groups of two studies, early and late
        frame = dependent.frame
        early = np.where(frame["study"].str[1:].astype(int) < 20, "early", "late")
        dependent = Effects(frame=frame.assign(era=early), measure="z")
        scale = "team = era"
    got = quiet(location_scale, dependent, "1", scale, **settings)
    assert np.isfinite(got.log_likelihood)
    assert got.lrt["statistic"] >= 0
    plain = quiet(regress, dependent, np.ones((dependent.n_effects, 1)), ["mean"], **settings)
    assert got.log_likelihood >= plain.log_likelihood - 1e-8
    shown = got.to_dict()["settings"]
    assert all(shown[name] == value for name, value in settings.items())
    json.dumps(got.to_dict(), allow_nan=False)


def test_predictions_are_the_mean_and_the_heterogeneity_there(dependent, quiet):
    got = quiet(location_scale, dependent, "arm", "size; effect = dose", reference={"arm": "a"})
    rows = pd.DataFrame({"arm": ["a", "b"], "size": [0.5, -0.5], "dose": [0.0, 1.0]})
    found = got.predict(rows)
    means = got.mean.contrast([[1, 0], [1, 1]])
    assert_allclose(found["estimate"], means.estimate, rtol=1e-12)
    b = got.scale["estimate"].to_numpy()
    centres = {v["name"]: v for v in got.variables}

    def scaled(name: str, x: np.ndarray) -> np.ndarray:
        return (x - centres[name]["centre"]) / centres[name]["scale"]

    tau2 = np.exp(b[0] + b[1] * scaled("size", rows["size"])) + np.exp(
        b[2] + b[3] * scaled("dose", rows["dose"])
    )
    assert_allclose(found["tau2"], tau2, rtol=1e-10)
    normal = got.predict(rows, prediction="normal")
    half = 1.959963984540054 * np.sqrt(means.se**2 + tau2)
    assert_allclose(normal["pi_high"], means.estimate + half, rtol=1e-10)
    assert (found["pi_high"] > normal["pi_high"]).all()
    asked = quiet(location_scale, dependent, "arm", "size; effect = dose", prediction="normal")
    assert_allclose(asked.predict(rows)["pi_high"], normal["pi_high"], rtol=1e-7)
    assert len(got.predict(at={"size": [0.0, 1.0]})) == 4
    with pytest.raises(OptionError, match="team is not in"):
        got.predict(at={"team": "T1"})
    with pytest.warns(MetaAllianceWarning, match="size is predicted outside the data"):
        got.predict(at={"size": 1000.0})


def test_a_variance_that_vanishes_is_said():
    y = [0.3, 0.3, 0.3, 0.3, 0.9, -0.4, 0.7, -0.2]
    effects = Effects.from_arrays(y, [0.02] * 8, moderators={"arm": list("aaaabbbb")})
    with pytest.warns(MetaAllianceWarning, match="MA636"):
        found = location_scale(effects, "1", "arm", reference={"arm": "b"})
    assert found.lrt["p_value"] < 0.05
    slope = found.scale.iloc[1]
    assert np.isneginf([slope["estimate"], slope["profile_low"]]).all()
    assert math.isnan(slope["se"])
    assert slope["profile_high"] < 0  # the interval does not hold zero, as the ratio says
    assert_allclose(found.tau2[:4], 0.0, atol=1e-8)
    assert np.isfinite(found.scale["estimate"][0])
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["scale"][1]["estimate"] is None
    assert "−∞" in found.summary()


def test_what_cannot_be_moderated_is_refused_with_its_reason(dependent):
    with pytest.raises(EstimationError, match=r"dose differs within \d+ studies.*effect = dose"):
        location_scale(dependent, "1", "dose")
    with pytest.raises(OptionError, match=r"no variance component 'team'.*'study', 'effect'"):
        location_scale(dependent, "1", "team = size")
    with pytest.raises(EstimationError, match="one effect per study"):
        location_scale(dependent, "1", "size", model="two-level")
    with pytest.raises(OptionError, match="two formulas"):
        location_scale(dependent, "1", "size; study = arm")
    with pytest.raises(OptionError, match="year is in no formula"):
        location_scale(dependent, "arm", "size", units={"year": 1.0})
    with pytest.raises(OptionError, match="tau2='DL'"):
        location_scale(dependent, "1", "size", tau2="DL", model="two-level", test="cr2")


def test_effects_that_a_formula_leaves_out_are_said(dependent):
    frame = dependent.frame
    gaps = Effects(frame=frame.assign(size=frame["size"].where(frame["arm"] == "a")), measure="z")
    found = location_scale(gaps, "1", "size")
    assert found.n_effects == int((frame["arm"] == "a").sum())
    assert any(n.code == "MA644" and "size" in n.message for n in found.notices)
    both = location_scale(gaps, "dose", "size")
    assert any(n.code == "MA644" and "size" in n.message for n in both.notices)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("year", {"study": "year"}),
        ("study=year", {"study": "year"}),
        ("effect = poly(year, degree=2)", {"effect": "poly(year, degree=2)"}),
        ("poly(year, degree=2)", {"study": "poly(year, degree=2)"}),
        ("`a;b` + c; team = x", {"study": "`a;b` + c", "team": "x"}),
    ],
)
def test_formulas_by_component(text, want):
    assert read_scale(text) == want


def test_intervals_of_residual_variances_are_those_of_r(golden, quiet):
    want = golden["residual"]["bangertdrowns2004"]
    effects = effects_of(golden["independent"]["data"], ["meta", "size"], dependent=False)
    fit = quiet(ma.meta_regression, effects, "size + meta").fit
    assert_allclose(fit.tau2_ci(), want["q_profile"], rtol=1e-7)
    assert fit.sigma2_ci("study") == fit.tau2_ci()
    for name, formula in (("konstantopoulos2011", "year"), ("assink2016", "g")):
        data, want = golden["dependent"][name]["data"], golden["residual"][name]
        effects = effects_of(data, [formula])
        kind = "che" if name == "assink2016" else "three-level"
        fit = quiet(ma.meta_regression, effects, formula, model=kind, level=want["level"]).fit
        assert_allclose([fit.sigma2["study"], fit.sigma2["effect"]], want["sigma2"], rtol=1e-5)
        for component in ("study", "effect"):
            ends = [math.nan if v is None else v for v in want[component]]
            ours = np.where(np.isnan(ends), np.nan, fit.sigma2_ci(component))
            assert_allclose(ours, ends, rtol=1e-4)


def test_other_intervals_of_residual_tau2(golden, quiet):
    effects = effects_of(golden["independent"]["data"], ["meta", "size"], dependent=False)
    fit = quiet(ma.meta_regression, effects, "size + meta").fit
    assert_allclose(
        fit.tau2_generalized_q_ci(),
        generalized_q_interval(effects.yi, effects.vi, fit.X, 1 / effects.vi, 0.95),
        rtol=1e-7,
    )
    low, high = fit.tau2_profile_ci()
    assert low < fit.tau2 < high

    def drop(tau2: float) -> float:
        def likelihood(t: float) -> float:
            W = np.diag(1 / (effects.vi + t))
            A = fit.X.T @ W @ fit.X
            r = effects.yi - fit.X @ np.linalg.solve(A, fit.X.T @ W @ effects.yi)
            return -0.5 * (np.log(effects.vi + t).sum() + np.linalg.slogdet(A)[1] + r @ W @ r)

        return 2 * (likelihood(fit.tau2) - likelihood(tau2))

    assert drop(high) == pytest.approx(chi2.isf(0.05, 1), rel=1e-6)


def test_intervals_of_residual_variances_are_printed(dependent, quiet):
    found = quiet(ma.meta_regression, dependent, "arm")
    content = found.to_dict()["residual_heterogeneity"]
    assert content["tau2_ci"] == list(found.fit.tau2_ci())
    assert set(content["sigma2_ci"]) == {"study", "effect"}
    low, high = found.fit.tau2_ci()
    ends = f"95% CI [{low:.4f}, {high:.4f}]"
    assert f"residual tau² = {found.tau2:.4f}, {ends}" in found.summary()
    levels = quiet(ma.moderators, dependent, "arm")
    assert ends in levels.summary()
    assert_allclose(levels.to_dict()["residual_heterogeneity"]["tau2_ci"], [low, high], rtol=1e-7)
    slope = quiet(ma.meta_regression, dependent, "size")
    low, high = slope.fit.tau2_ci()
    assert low <= slope.tau2 <= high
    common = quiet(ma.meta_regression, dependent, "arm", model="common-effect", test="cr2")
    assert np.isnan(common.fit.tau2_ci()).all()
    assert "CI –" not in common.summary()
