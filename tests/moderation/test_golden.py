"""Moderator tests against metafor and clubSandwich."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import metaalliance as ma
from metaalliance.core.inference.permuted_moderator import permutation_test_of_moderator
from metaalliance.effects.effects import Effects

TWO_LEVEL = ("mcdaniel1994_type", "bcg_alloc")
CLUSTERED = (
    "crede2010_source",
    "crede2010_criterion",
    "assink2016_deltype",
    "konstantopoulos2011_period",
)
TESTS = {"z": "wald", "t": "t", "knha": "knapp-hartung", "adhoc": "knapp-hartung-adhoc"}
#: Closed forms of an iterated variance; both programs are at its optimum to rounding.
CLOSE = {"rtol": 1e-8, "atol": 1e-12}


@pytest.mark.parametrize("name", TWO_LEVEL)
@pytest.mark.parametrize("method", ["DL", "HE", "PM", "ML", "REML"])
@pytest.mark.parametrize("test", TESTS)
def test_two_level(name, method, test, golden, case, quiet):
    data = golden["two_level"][name]
    want = data["fits"][f"{method}_{test}"]
    effects = case(data["data"])
    levels = want["levels"]["level"]
    got = quiet(
        ma.moderators, effects, "g", tau2=method, test=TESTS[test], reference=levels[0],
        min_studies=1,
    )  # fmt: skip
    frame = got.levels.set_index("level").loc[levels]
    for key, ours in (("estimate", "estimate"), ("se", "se"), ("ci_low", "ci_low"),
                      ("ci_high", "ci_high")):  # fmt: skip
        assert_allclose(frame[ours], want["levels"][key], **CLOSE)
    if test != "z":  # metafor's normal prediction interval is our prediction="normal"
        assert_allclose(frame["pi_low"], want["levels"]["pi_low"], **CLOSE)
        assert_allclose(frame["pi_high"], want["levels"]["pi_high"], **CLOSE)
    assert_allclose(got.tau2, want["tau2"], rtol=1e-8, atol=1e-10)
    assert_allclose(got.omnibus["statistic"], want["QM"], **CLOSE)
    assert_allclose(got.omnibus["p_value"], want["QMp"], **CLOSE)
    assert got.omnibus["df1"] == want["QMdf"][0]
    assert_allclose(got.residual_heterogeneity["Q"], want["QE"], **CLOSE)
    assert_allclose(got.residual_heterogeneity["I2"], want["I2"] / 100, **CLOSE)
    if want["R2"] is not None:
        assert_allclose(got.R2, want["R2"] / 100, rtol=1e-7, atol=1e-9)
    contrasts = got.contrasts.set_index(["level_a", "level_b"])
    w = want["contrasts"]
    for a, b, estimate, se, p, holm in (
        zip(
            w["a"],
            w["b"],
            *(np.atleast_1d(w[k]) for k in ("estimate", "se", "p", "holm")),
            strict=True,
        )
        if isinstance(w["a"], list)
        else [(w["a"], w["b"], *(np.atleast_1d(w[k])[0] for k in ("estimate", "se", "p", "holm")))]
    ):
        sign = 1 if (a, b) in contrasts.index else -1
        row = contrasts.loc[(a, b) if sign > 0 else (b, a)]
        assert_allclose(sign * row["estimate"], estimate, **CLOSE)
        assert_allclose(row["se"], se, **CLOSE)
        assert_allclose(row["p_value"], p, **CLOSE)
        assert_allclose(row["p_adjusted"], holm, **CLOSE)


@pytest.mark.parametrize("name", TWO_LEVEL)
def test_likelihood_ratio(name, golden, case, quiet):
    data = golden["two_level"][name]
    got = quiet(ma.moderators, case(data["data"]), "g", tests=["likelihood-ratio"], min_studies=1)
    row = got.tests.iloc[0]
    assert_allclose(row["statistic"], data["lrt"]["statistic"], rtol=1e-8, atol=1e-10)
    assert_allclose(row["p_value"], data["lrt"]["p"], rtol=1e-8)


@pytest.mark.parametrize("name", TWO_LEVEL)
@pytest.mark.parametrize("test", ["z", "knha"])
def test_separate_tau2(name, test, golden, case, quiet):
    want = golden["two_level"][name]["separate"]
    effects = case(golden["two_level"][name]["data"])
    got = quiet(ma.moderators, effects, "g", test=TESTS[test], separate_tau2=True, min_studies=1)
    frame = got.levels.set_index("level").loc[want[test]["level"]]
    for key in ("estimate", "se", "ci_low", "ci_high", "tau2"):
        assert_allclose(frame[key], want[test][key], rtol=1e-8, atol=1e-10)
    assert_allclose(got.tau2_test["statistic"], want["lrt"]["statistic"], rtol=1e-7, atol=1e-10)
    assert_allclose(got.tau2_test["log_likelihood_common"], want["lrt"]["common"], rtol=1e-9)
    assert_allclose(got.tau2_test["log_likelihood_separate"], want["lrt"]["separate"], rtol=1e-9)
    assert got.tau2_test["df"] == want["lrt"]["df"]
    if test == "z":
        assert_allclose(got.omnibus["statistic"], want["z"]["Q_between"], **CLOSE)
        assert_allclose(got.omnibus["p_value"], want["z"]["Q_p"], **CLOSE)
        assert_allclose(got.Q_between["Q"], want["z"]["Q_between"], **CLOSE)


@pytest.mark.parametrize("name", CLUSTERED)
@pytest.mark.parametrize("model", ["three-level", "che"])
def test_clustered(name, model, golden, case, quiet):
    data = golden["clustered"][name]
    want = data[model.replace("-", "_")]
    got = quiet(
        ma.moderators, case(data["data"], dependent=True), "g", model=model,
        reference=data["levels"][0],
    )  # fmt: skip
    frame = got.levels.set_index("level").loc[data["levels"]]
    assert_allclose(frame["estimate"], want["coefs"]["estimate"], **CLOSE)
    assert_allclose(frame["se"], want["coefs"]["se"], **CLOSE)
    assert_allclose(frame["df"], want["coefs"]["df"], rtol=1e-7)
    assert_allclose(frame["p_value"], want["coefs"]["p"], rtol=1e-7)
    for key, ours in (("statistic", "statistic"), ("df1", "df1"), ("df2", "df2"), ("p", "p_value")):
        assert_allclose(got.omnibus[ours], want["htz"][key], rtol=1e-7)
    assert got.omnibus["test"] == "htz"
    assert_allclose(got.tau2, sum(want["sigma2"]), rtol=1e-8, atol=1e-12)
    assert_allclose(got.tau2_null, sum(want["null_sigma2"]), rtol=1e-8, atol=1e-12)
    assert_allclose(got.R2, max(0, 1 - sum(want["sigma2"]) / sum(want["null_sigma2"])), rtol=1e-6)
    assert_allclose(got.Q_between["Q"], want["QM"], rtol=1e-8)
    assert_allclose(got.residual_heterogeneity["Q"], want["QE"], rtol=1e-8)
    contrasts = got.contrasts.set_index(["level_a", "level_b"])
    for w in want["contrasts"]:
        sign = 1 if (w["a"], w["b"]) in contrasts.index else -1
        row = contrasts.loc[(w["a"], w["b"]) if sign > 0 else (w["b"], w["a"])]
        assert_allclose(sign * row["estimate"], w["estimate"], rtol=1e-7, atol=1e-12)
        assert_allclose(row["statistic"] ** 2, w["statistic"], rtol=1e-7, atol=1e-12)
        assert_allclose(row["df"], w["df"], rtol=1e-7)
        assert_allclose(row["p_value"], w["p"], rtol=1e-7)


@pytest.mark.parametrize("name", CLUSTERED)
def test_separate_tau2_of_dependent_effects(name, golden, case, quiet):
    """The subgroup correlated effects model: studies link the levels in the robust covariance."""
    data = golden["clustered"][name]
    want = data["subgroups"]
    got = quiet(
        ma.moderators, case(data["data"], dependent=True), "g", model="che", separate_tau2=True
    )
    frame = got.levels.set_index("level").loc[data["levels"]]
    assert_allclose(frame["estimate"], want["coefs"]["estimate"], **CLOSE)
    assert_allclose(frame["se"], want["coefs"]["se"], rtol=1e-7)
    assert_allclose(frame["df"], want["coefs"]["df"], rtol=1e-7)
    assert_allclose(frame["tau2"], [sum(c) for c in want["components"]], rtol=1e-7, atol=1e-12)
    for key, ours in (("statistic", "statistic"), ("df1", "df1"), ("df2", "df2"), ("p", "p_value")):
        assert_allclose(got.omnibus[ours], want["htz"][key], rtol=1e-6)


def regression_effects(data):
    columns = {k: v for k, v in data.items() if k not in {"yi", "vi", "ni"}}
    return Effects.from_arrays(
        data["yi"], data["vi"], moderators=columns, n=data.get("ni"), measure="generic"
    )


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("mcdaniel1994", "REML_z"),
        ("mcdaniel1994", "REML_knha"),
        ("mcdaniel1994", "DL_knha"),
        ("mcdaniel1994", "ML_z"),
        ("bangertdrowns2004", "REML_knha"),
        ("bangertdrowns2004", "ML_z"),
    ],
)
def test_meta_regression(name, fit, golden, quiet):
    data = golden["regression"][name]
    want = data["fits"][fit]
    method, test = fit.split("_")
    formula = data["formula"].replace("ni", "n")
    # Uncentred and with R's reference level, so that the coefficients are R's.
    reference = {"mcdaniel1994": {"type": "j", "struct": "s"}, "bangertdrowns2004": {"meta": "0"}}
    zero = {"mcdaniel1994": {"log(n)": 0}, "bangertdrowns2004": {"length": 0, "wic": 0}}
    got = quiet(
        ma.meta_regression, regression_effects(data["data"]), formula, tau2=method,
        test=TESTS[test], reference=reference[name], centre=zero[name], min_studies=1,
    )  # fmt: skip
    order = [_column(got, want["X"], c) for c in range(len(want["beta"]))]
    assert_allclose(got.fit.beta[order], want["beta"], rtol=1e-7, atol=1e-10)
    assert_allclose(got.fit.se[order], want["se"], rtol=1e-7)
    assert_allclose(got.fit.p_value[order], want["p"], rtol=1e-7)
    assert_allclose(got.tau2, want["tau2"], rtol=1e-7, atol=1e-10)
    assert_allclose(got.R2, want["R2"] / 100, rtol=1e-6, atol=1e-9)
    assert_allclose(got.omnibus["statistic"], want["QM"], rtol=1e-8)
    assert_allclose(got.omnibus["p_value"], want["QMp"], rtol=1e-8)
    assert_allclose(got.fit.QE, want["QE"], rtol=1e-9)
    terms = got.anova.set_index("term")
    inflation = got.gvif().set_index("term")
    for term, w in want["terms"].items():
        mine = {"ni": "log(n)"}.get(term, term)
        assert_allclose(terms.loc[mine, "statistic"], w["QM"], rtol=1e-7)
        assert_allclose(terms.loc[mine, "p_value"], w["p"], rtol=1e-7)
        assert_allclose(inflation.loc[mine, "gvif"], want["gvif"][term]["gvif"], rtol=1e-7)
        assert_allclose(inflation.loc[mine, "gsif"], want["gvif"][term]["gsif"], rtol=1e-7)


def _column(got, X, c):
    """Index of our column that equals R's."""
    wanted = np.array(X)[:, c]
    found = [i for i in range(got.fit.X.shape[1]) if np.allclose(got.fit.X[:, i], wanted)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("index", range(4))
def test_exact_permutations(index, golden):
    want = golden["permutest"][index]
    X = np.column_stack([np.ones(len(want["yi"])), np.array(want["x"])])
    scale = {"z": "wald", "knha": "knapp-hartung"}[want["test"]]
    got = permutation_test_of_moderator(
        np.array(want["yi"]), np.array(want["vi"]), X, np.eye(X.shape[1])[1:],
        estimator=want["method"], scale=scale,
    )  # fmt: skip
    assert got.exact
    assert_allclose(got.statistic, want["QM"], rtol=1e-8)
    assert_allclose(got.p_value, want["p"], rtol=1e-12)


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("name", ["mcdaniel1994", "bangertdrowns2004"])
def test_location_scale(name, method, golden, quiet):
    data = golden["location_scale"][name]
    want = data[method]
    content = data["data"]
    if name == "mcdaniel1994":
        columns, formulas = {"struct": content["struct"]}, ("struct", "struct")
    else:
        size = [n / 100 for n in content["ni"]]
        columns, formulas = {"meta": content["meta"], "size": size}, ("meta", "size")
    effects = Effects.from_arrays(content["yi"], content["vi"], moderators=columns)
    first = {"struct": "s"} if name == "mcdaniel1994" else {"meta": "0"}
    got = quiet(ma.location_scale, effects, *formulas, tau2=method, reference=first)
    alpha, se = got.scale["estimate"].to_numpy(), got.scale["se"].to_numpy()
    if name == "bangertdrowns2004":  # ours is centred: the slope is the same, the intercept moves
        alpha = alpha - [alpha[1] * float(np.mean(size)), 0]
        assert_allclose(se[1], want["se_alpha"][1], rtol=1e-7)
    else:
        assert_allclose(se, want["se_alpha"], rtol=1e-8)
    assert_allclose(alpha, want["alpha"], rtol=1e-8)
    assert_allclose(got.location["estimate"], want["beta"], rtol=1e-8)
    assert_allclose(got.location["se"], want["se"], rtol=1e-8)
    assert_allclose(got.log_likelihood, want["ll"], rtol=1e-10)
    assert_allclose(got.scale_test["statistic"], want["QS"], rtol=1e-7)
