"""Degrees of freedom of the test t where several variance components are estimated."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from golden_data import CLOSED, assert_close, effects, golden
from numpy.testing import assert_allclose
from scipy import stats

import metaalliance as ma
from metaalliance.core.inference.denominator import information_df, joint_df
from metaalliance.core.variance.multilevel import evaluate, expected_information
from metaalliance.model import Model
from metaalliance.models.inference.degrees import contrast_df, joint_contrast_df
from metaalliance.models.regression import fit_regression
from metaalliance.models.structure import working_data

STRUCTURES: dict[str, dict[str, Any]] = {
    "three-level": {"kind": "three-level"},
    "che": {"kind": "che", "rho": 0.5},
    "within": {"kind": "che", "rho": 0.4, "within": ("part",)},
    "above": {"kind": "three-level", "above": ("team",)},
    "crossed": {"kind": "che", "rho": 0.5, "crossed": "tool"},
    "crossed, above": {"kind": "three-level", "above": ("team",), "crossed": "tool"},
}


def small(k: int = 15) -> ma.Effects:
    """Effects of five studies in three teams, two parts each, by three instruments."""
    rng = np.random.default_rng(5)
    study = np.sort(np.arange(k) % 5)
    columns = {
        "part": [f"{i % 2}" for i in range(k)],
        "team": [f"t{s // 2}" for s in study],
        "tool": [f"q{(3 * i + s) % 3}" for i, s in enumerate(study)],
    }
    vi = rng.uniform(0.02, 0.08, k)
    return ma.Effects.from_arrays(rng.normal(0.3, 0.3, k), vi, study, columns)


def design(found: ma.Effects) -> np.ndarray:
    k = found.n_effects
    return np.column_stack([np.ones(k), np.linspace(-1, 1, k), np.arange(k) % 2 * 1.0])


def dense(data: Any) -> tuple[Any, list[Any]]:
    """The sampling covariance and the derivative of S by each component, as full matrices."""
    k, c = data.yi.size, len(data.names)
    S0 = data.structure.at(np.zeros(c))
    V = np.column_stack([S0.multiply(column) for column in np.eye(k)])
    parts = []
    for groups in data.structure.levels:
        Z = groups.spread(np.eye(groups.m))
        parts.append(mp.matrix(Z @ Z.T))
    return mp.matrix(V), parts


def by_differentiation(data: Any, theta: Any, c: Any) -> float:
    """2 f² / (g'Ag) with f, g and the information by numerical differentiation, 30 digits.

    The information is minus the second derivative of the expected restricted log-likelihood, the
    effects having the covariance that belongs to `theta`.
    """
    with mp.workdps(30):
        V, parts = dense(data)
        X, c = mp.matrix(data.X), mp.matrix(c.reshape(-1, 1))

        def covariance(values: Any) -> Any:
            return V + sum((t * A for t, A in zip(values, parts, strict=True)), mp.zeros(V.rows))

        true = covariance([mp.mpf(float(t)) for t in theta])

        def variance(*values: Any) -> Any:
            return (c.T * (X.T * covariance(values) ** -1 * X) ** -1 * c)[0]

        def likelihood(*values: Any) -> Any:
            S = covariance(values)
            W = S**-1
            M = X.T * W * X
            P = W - W * X * M**-1 * X.T * W
            expected = P * true
            trace = sum(expected[i, i] for i in range(S.rows))
            return -(mp.log(mp.det(S)) + mp.log(mp.det(M)) + trace) / 2

        n, at = len(parts), [mp.mpf(float(t)) for t in theta]
        unit = [tuple(int(i == j) for j in range(n)) for i in range(n)]
        both = [[tuple(map(sum, zip(a, b, strict=True))) for b in unit] for a in unit]
        g = mp.matrix([mp.diff(variance, at, d) for d in unit])
        information = -mp.matrix([[mp.diff(likelihood, at, d) for d in row] for row in both])
        return float(2 * variance(*at) ** 2 / (g.T * information**-1 * g)[0])


@pytest.mark.parametrize("name", STRUCTURES)
def test_satterthwaite_is_what_numerical_differentiation_gives(name):
    found = small(11)
    model = Model(**STRUCTURES[name], test="t").resolved(dependent=True)
    data = working_data(found, design(found)[:, :2], model)
    theta = np.array([0.03, 0.02, 0.015, 0.01][: len(data.names)])
    point = evaluate(data, theta, restricted=True)
    c = np.array([0.4, 1.0])
    assert_allclose(
        information_df(data, point, c[None])[0], by_differentiation(data, theta, c), rtol=1e-8
    )


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("zero", [False, True])
def test_information_is_that_of_full_matrices(name, zero):
    found = small()
    model = Model(**STRUCTURES[name], test="t").resolved(dependent=True)
    data = working_data(found, design(found), model)
    theta = np.array([0.03, 0.02, 0.015, 0.01][: len(data.names)])
    theta[-1] *= not zero
    for restricted in (True, False):
        point = evaluate(data, theta, restricted=restricted)
        V, parts = dense(data)
        A = [np.array(a.tolist(), float) for a in parts]
        W = np.linalg.inv(np.array(V.tolist(), float) + sum(map(np.multiply, theta, A)))
        X = data.X
        if restricted:
            W = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
        theirs = [[np.trace(W @ a @ W @ b) / 2 for b in A] for a in A]
        assert_allclose(expected_information(data, point, restricted=restricted), theirs, 1e-10)


def test_crossed_means_of_a_balanced_design_are_satterthwaites_own():
    # one effect of each study by each instrument: the variance of the mean is a combination of
    # three mean squares, (MSa + MSb - MSe) / ab
    a, b = 7, 4
    rng = np.random.default_rng(3)
    y = rng.normal(size=(a, 1)) + rng.normal(size=(1, b)) + rng.normal(size=(a, b)) / 2
    study, tool = np.repeat(np.arange(a), b), np.tile(np.arange(b), a)
    columns = {"tool": [f"q{t}" for t in tool]}
    found = ma.Effects.from_arrays(y.ravel(), np.full(a * b, 0.01), study, columns)
    fit = ma.pool(found, model="three-level", crossed="tool")
    rows, columns_ = y.mean(1, keepdims=True), y.mean(0, keepdims=True)
    ms_a, ms_b = b * np.var(rows, ddof=1), a * np.var(columns_, ddof=1)
    ms_e = np.sum((y - rows - columns_ + y.mean()) ** 2) / ((a - 1) * (b - 1))
    parts = ms_a**2 / (a - 1) + ms_b**2 / (b - 1) + ms_e**2 / ((a - 1) * (b - 1))
    assert_close(fit.se**2, (ms_a + ms_b - ms_e) / (a * b), 1e-9)
    assert_close(fit.df, (ms_a + ms_b - ms_e) ** 2 / parts, 1e-8)


@pytest.mark.parametrize(
    ("data", "case", "columns", "settings"),
    [
        ("assink2016", "nested", ("within", "between"), {}),
        ("assink2016", "crossed", ("within", "between"), {"crossed": "deltype"}),
        ("assink2016", "of_type", ("within", "of_type"), {"crossed": "deltype"}),
        ("konstantopoulos2011", "nested", ("within", "between"), {}),
        ("konstantopoulos2011", "crossed", ("between", "of_year"), {"crossed": "year"}),
    ],
)
def test_containment_is_that_of_rma_mv(data, case, columns, settings):
    table = golden("structures")[data]["data"]
    k = len(table["yi"])
    first = {s: i for i, s in enumerate(dict.fromkeys(table["study"]))}
    kinds = {s: i + 1 for i, s in enumerate(sorted(set(map(str, table.get("deltype", ())))))}
    made = {
        "within": [(i + 1) * 37 % 11 / 10 for i in range(k)],
        "between": [(first[s] + 1) % 3 * 1.5 for s in table["study"]],
        "of_type": [2.0 * kinds[str(t)] for t in table.get("deltype", ())],
        "of_year": [(float(t) - 1990) / 10 for t in table.get("year", ())],
    }
    own = {c: table[c] for c in settings.values()}
    found = ma.Effects.from_arrays(table["yi"], table["vi"], table["study"], own)
    X = np.column_stack([np.ones(k), *(made[c] for c in columns)])
    model = Model(kind="three-level", test="t", df="contain", **settings)
    fit = fit_regression(found, X, ["mean", *columns], model)
    theirs = golden("degrees")[data][case]
    assert fit.df.tolist() == theirs["df"]
    assert fit.wald(np.eye(3)[1:]).df2 == theirs["df2"]
    assert fit.predict([[1.0, 0.5, 0.0]])["df"][0] == min(theirs["df"][:2])


def of_levels() -> tuple[ma.Effects, np.ndarray]:
    rng = np.random.default_rng(11)
    study = np.repeat(np.arange(14), 3)
    level, tool = study % 3, np.arange(42) % 4
    yi = 0.2 + 0.1 * level + rng.normal(0, 0.2, 14)[study] + rng.normal(0, 0.15, 42)
    yi += np.array([0.15, -0.1, 0.05, -0.1])[tool]
    columns = {"tool": [f"q{t}" for t in tool]}
    found = ma.Effects.from_arrays(yi, rng.uniform(0.005, 0.02, 42), study, columns)
    return found, np.column_stack([level == i for i in range(3)]).astype(float)


def test_joint_test_does_not_depend_on_reference_or_units():
    found, X = of_levels()
    model = Model(kind="three-level", crossed="tool")
    means = fit_regression(found, X, list("abc"), model)
    contrast = means.wald([[1, -1, 0], [1, 0, -1]])
    other = means.wald([[0, 10, -10], [1, -0.5, -0.5]])
    treated = np.column_stack([np.ones(42), 100 * X[:, 0], X[:, 2]])
    coded = fit_regression(found, treated, ["b", "a", "c"], model).wald(np.eye(3)[1:])
    for another in (other, coded):
        assert_allclose([another.statistic, another.df2], [contrast.statistic, contrast.df2], 1e-6)
    assert 2 < contrast.df2 < 42 - 3
    assert_allclose(contrast.p_value, stats.f.sf(contrast.statistic, 2, contrast.df2), 1e-12)


def test_one_constraint_has_the_degrees_of_its_coefficient():
    found, X = of_levels()
    fit = fit_regression(found, X, list("abc"), Model(kind="che", crossed="tool"))
    assert_allclose(fit.wald([[0, 0, 1.0]]).df2, fit.df[2], 1e-9)
    args = (fit.data, fit.point)
    C = np.array([[1.0, -1.0, 0.0]])
    joint = joint_contrast_df(*args, C, fit.basis, fit.specification)
    assert_allclose(contrast_df(*args, C, fit.basis, fit.specification), joint, 1e-9)


def test_degrees_of_freedom_do_not_know_the_unit_of_the_effects():
    found, _ = of_levels()
    fit = ma.pool(found, model="three-level", crossed="tool")
    scaled = ma.Effects.from_arrays(
        10 * found.yi, 100 * found.vi, found.frame["study"], {"tool": found.frame["tool"]}
    )
    assert_close(ma.pool(scaled, model="three-level", crossed="tool").df, fit.df, 1e-7)
    assert 3 < fit.df < 14


def test_a_component_at_zero_is_held_there():
    found = small()
    model = Model(kind="three-level", test="t").resolved(dependent=True)
    data = working_data(found, np.ones((15, 1)), model)
    points = [
        evaluate(data, np.array(theta), restricted=True)
        for theta in ([0.03, 0.0], [0.03, 1e-12], [0.0, 0.0])
    ]
    df = [information_df(data, point, np.eye(1))[0] for point in points]
    assert df[1] < df[0] < math.inf == df[2]


def test_the_likelihood_moves_the_error_and_not_its_degrees_of_freedom():
    rng = np.random.default_rng(8)
    yi = np.repeat(rng.normal(0, 1, 6), 4) + rng.normal(0, 0.3, 24)
    found = ma.Effects.from_arrays(yi, np.full(24, 0.01), np.repeat(np.arange(6), 4))
    fits = [ma.pool(found, model="three-level", test="t", tau2=tau2) for tau2 in ("REML", "ML")]
    assert_allclose([fit.df for fit in fits], 5.0, 1e-8)
    assert fits[1].se < fits[0].se


def test_joint_degrees_of_freedom():
    # E = 6/4 + 12/10 = 2.7, 2 E / (E - 2)
    assert_close(joint_df(np.array([6.0, 12.0])), 5.4 / 0.7, CLOSED)
    assert joint_df(np.array([1.4, 30.0])) == 1.4
    assert joint_df(np.array([math.inf, math.inf])) == math.inf


@pytest.mark.parametrize(
    "settings",
    [{"test": "cr2"}, {"test": "wald"}, {"kind": "two-level", "test": "t"}, {}],
)
def test_containment_is_refused_where_it_has_no_meaning(settings):
    with pytest.raises(ma.OptionError, match=r"df='contain' is a rule for test='t'"):
        Model(**{"kind": "three-level", **settings}, df="contain").resolved(dependent=True)


def test_rows_of_a_comparison_take_the_rule_where_they_have_it():
    asked = Model(kind="che", test="t", df="contain")
    assert asked.of_kind("three-level").df == "contain"
    averaged = asked.of_kind("two-level")
    assert averaged.df == "satterthwaite"
    assert "df" in averaged.not_taken(asked)
    assert asked.with_test("wald").resolved(dependent=True).to_dict().get("df") is None


def test_prediction_and_document_have_the_same_degrees():
    found = effects("konstantopoulos2011", dependent=True)
    fit = ma.pool(found, model="three-level", test="t")
    assert fit.prediction_df == fit.df < found.n_studies
    assert fit.to_dict()["settings"]["df"] == "satterthwaite"
    plain = ma.pool(found, model="three-level", test="t", df="contain")
    assert plain.df == found.n_studies - 1


# Coverage --------------------------------------------------------------------------------------


def crossed_data(rng: np.random.Generator, sd: float) -> ma.Effects:
    """20 studies of 1 to 4 effects each, by 4 instruments whose means differ by `sd`."""
    means, rows = rng.normal(0, sd, 4), []
    for study in range(20):
        n, between = int(rng.integers(30, 120)), rng.normal(0, 0.08)
        for _ in range(int(rng.integers(1, 5))):
            tool = int(rng.integers(4))
            noise = rng.normal(0, 0.05) + rng.normal() / math.sqrt(n - 3)
            rows.append((0.28 + means[tool] + between + noise, 1 / (n - 3), study, f"q{tool}"))
    yi, vi, study, tool = zip(*rows, strict=True)
    return ma.Effects.from_arrays(yi, vi, study, {"tool": list(tool)})


def clustered_data(rng: np.random.Generator, sd: float) -> ma.Effects:
    """5 studies of 20 effects each."""
    rows = []
    for study in range(5):
        n, between = int(rng.integers(40, 100)), rng.normal(0, sd)
        for _ in range(20):
            noise = rng.normal(0, 0.05) + rng.normal() / math.sqrt(n - 3)
            rows.append((0.28 + between + noise, 1 / (n - 3), study))
    yi, vi, study = zip(*rows, strict=True)
    return ma.Effects.from_arrays(yi, vi, study)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::metaalliance.MetaAllianceWarning")
@pytest.mark.parametrize(
    ("make", "sd", "settings", "low", "high"),
    [
        (crossed_data, 0.12, {"crossed": "tool"}, 0.93, 0.97),
        (crossed_data, 0.06, {"crossed": "tool"}, 0.93, 0.97),
        # an idle factor: its variance cannot be estimated below zero, so that errors are too large
        (crossed_data, 0.0, {"crossed": "tool"}, 0.93, 0.985),
        (clustered_data, 0.15, {"test": "t"}, 0.93, 0.97),
        (clustered_data, 0.0, {"test": "t"}, 0.93, 0.98),
    ],
)
def test_coverage_is_nominal(make, sd, settings, low, high):
    # 400 data sets: the Monte-Carlo error of a coverage of .95 is .011
    rng = np.random.default_rng(20)
    covered = []
    for _ in range(400):
        fit = ma.pool(make(rng, sd), model="three-level", **settings)
        covered.append(fit.ci_low < 0.28 < fit.ci_high)
    error = math.sqrt(0.95 * 0.05 / 400)
    assert low - error < np.mean(covered) < high + error
