"""Heterogeneity relative to the mean, by level, and under other assumed correlations."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, effects, quiet_pool
from numpy.testing import assert_allclose
from scipy.stats import norm

import metaalliance as ma
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.relative import relative, relative_record
from metaalliance.model import Model
from metaalliance.models.regression import fit_regression
from metaalliance.moderation.explained import explained
from metaalliance.report.sections.heterogeneity import heterogeneity_blocks
from metaalliance.report.tables.table import Table
from metaalliance.wording.phrases import share_with_ci

MEASURES = ("CVH1", "CVH2", "M1", "M2")


def simulated(m: int = 18, seed: int = 2) -> ma.Effects:
    """Studies of up to four effects, their errors correlated .3."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(m), rng.integers(1, 5, m))
    vi = rng.uniform(0.01, 0.04, m)[study]
    errors = np.sqrt(0.3) * rng.normal(size=m)[study] + np.sqrt(0.7) * rng.normal(size=study.size)
    yi = 0.3 + 0.12 * rng.normal(size=m)[study] + np.sqrt(vi) * errors
    columns = {"own": list(0.1 + 0.04 * study), "outcome": [f"o{i % 2}" for i in range(study.size)]}
    return ma.Effects.from_arrays(yi, vi, study, columns, measure="z")


# Assumed correlation ---------------------------------------------------------------------------


@pytest.mark.parametrize("test", ["cr2", "t"])
@pytest.mark.parametrize("m", [18, 120])
def test_rows_are_those_of_a_model_with_that_correlation(m, test):
    found = simulated(m)
    fit = quiet_pool(found, model="che", rho=0.5, test=test)
    rows = fit.sensitivity()
    assert rows["rho"].tolist() == [0.2, 0.5, 0.9]
    assert rows["as_set"].tolist() == [False, True, False]
    for row in rows.to_dict("records"):
        alone = quiet_pool(found, model="che", rho=row["rho"], test=test)
        for name in ("Q", "Q_p_value", "tau2", "tau", "I2", "estimate", "se", "pi_low", "pi_high"):
            assert_allclose(row[name], getattr(alone, name), rtol=1e-7, atol=1e-10)
        assert_allclose(row["above_zero"], alone.proportion_above().estimate, rtol=1e-9)


def test_a_correlation_that_is_set_to_another_stands_once():
    assert quiet_pool(simulated(), rho=0.9).sensitivity()["rho"].tolist() == [0.2, 0.9]


def test_a_column_and_a_second_correlation_give_way():
    found = simulated()
    rows = quiet_pool(found, rho="own").sensitivity()
    assert rows["rho"].tolist() == [0.2, "own", 0.9]
    plain = quiet_pool(found, rho=0.9)
    assert_allclose(rows["tau2"][2], plain.tau2, rtol=1e-7, atol=1e-10)
    shared = quiet_pool(found, rho=0.2, rho_same=0.8, same="outcome").sensitivity()
    assert shared["rho"].tolist() == [0.2, 0.2, 0.9]
    assert shared["as_set"].sum() == 1
    assert_allclose(shared["Q"][~shared["as_set"]], plain.sensitivity()["Q"][[0, 1]], rtol=1e-9)


def test_a_model_without_an_assumed_correlation_has_no_rows():
    fit = quiet_pool(simulated(), model="three-level")
    assert fit.sensitivity().empty
    assert "sensitivity" not in fit.to_dict()["heterogeneity"]
    assert "rest on the assumed rho" not in fit.summary()


def test_text_and_document_have_the_same_rows():
    fit = quiet_pool(simulated())
    rows = fit.to_dict()["heterogeneity"]["sensitivity"]
    assert json.loads(json.dumps(rows)) == rows
    lines = fit.summary().splitlines()
    first = next(i for i, line in enumerate(lines) if "rest on the assumed rho" in line)
    assert [line.split(":")[0].strip() for line in lines[first + 1 : first + 4]] == [
        ".20", ".60 as set", ".90",
    ]  # fmt: skip
    assert all(len(line) < 80 for line in lines)


def test_nothing_rests_on_a_correlation_that_no_two_errors_have():
    yi, study = [0.1, 0.3, 0.2, 0.5, 0.4, 0.2], list("AABBCC")
    apart = ma.Effects.from_arrays(yi, [0.01] * 6, study, sample=list("uvuvuv"))
    fit = quiet_pool(apart, model="che")
    assert fit.sensitivity().empty
    assert "rest on the assumed rho" not in fit.summary()


def test_rows_as_set_name_both_correlations():
    text = quiet_pool(simulated(), rho_same=0.8, same="outcome").summary()
    assert "Model: che, rho .60 (.80 with the same outcome), " in text
    assert "  .60 (.80 with the same outcome) as set: Q " in text


# Share above zero --------------------------------------------------------------------------------


def test_share_is_that_of_the_distribution_of_true_effects():
    fit = quiet_pool(simulated(), model="che")
    content = fit.to_dict()["heterogeneity"]
    assert_allclose(content["above_zero"], norm.cdf(fit.estimate / fit.tau), rtol=1e-12)
    assert content["above_zero_ci_low"] < content["above_zero"] < content["above_zero_ci_high"]
    shown = share_with_ci(*fit.share_above_zero(), fit.level)
    assert ", 95% CI [" in shown
    assert f"True effects above 0: {shown}\n" in fit.summary()


@pytest.mark.parametrize(
    ("tau2", "value", "share"),
    [
        ("REML", 0, (0.100858157296705, 0.0141817064734115, 0.359000757780994)),
        ("REML", -1, (0.694993138431828, 0.431228986472757, 0.883634590811653)),
        ("ML", 0, (0.0894786389190584, 0.0114714317259796, 0.339598090982211)),
        ("ML", -1, (0.707382789890895, 0.441182962736131, 0.892416193573263)),
    ],
)
def test_share_and_its_interval_from_the_errors_of_metafor(tau2, value, share):
    # metafor 3.8.1, dat.bcg, rma(yi, vi, method, threshold = 1e-14): z = (b - value)/tau, and
    # pnorm(z +- qnorm(.975) sqrt(se^2/tau2 + (z se.tau2/(2 tau2))^2))
    fit = quiet_pool(effects("bcg"), tau2=tau2, test="wald")
    assert_allclose(fit.proportion_above(value, scale="analysis"), share, rtol=1e-8)


def test_share_does_not_depend_on_the_test():
    shares = [
        quiet_pool(simulated(), model="che", test=test).share_above_zero()
        for test in ("cr2", "t", "wald")
    ]
    assert len({share.estimate for share in shares}) == 1


def test_effects_that_do_not_differ_have_no_share():
    fit = quiet_pool(ma.Effects.from_arrays([0.1, 0.12, 0.08, 0.1], [0.02] * 4))
    assert fit.tau2 == 0
    assert fit.to_dict()["heterogeneity"]["above_zero"] is None
    assert "True effects above" not in fit.summary()


def test_an_estimator_without_a_likelihood_has_a_share_without_an_interval():
    share = quiet_pool(effects("bcg"), tau2="PM").share_above_zero()
    assert 0 < share.estimate < 1
    assert math.isnan(share.ci_low)


# Relative to the mean --------------------------------------------------------------------------


def test_relative_measures_by_hand():
    # sigma² .03 and .01, mean -.3, by the formulas of orchaRd 2.2.1 (ml_cvh1, ml_cvh2, ml_m1, _m2)
    total, study = relative(-0.3, 0.04), relative(-0.3, 0.03, 0.04)
    assert_close([total.CVH1, total.CVH2], [2 / 3, 4 / 9], CLOSED)
    assert_close([total.M1, total.M2], [0.4, 4 / 13], CLOSED)
    assert_close([study.CVH1, study.CVH2], [math.sqrt(0.03) / 0.3, 1 / 3], CLOSED)
    assert_close([study.M1, study.M2], [math.sqrt(0.03) / 0.5, 3 / 13], CLOSED)


def mover(top, top_ends, below, below_ends):
    """The closed form of the MOVER for a ratio, of positive numbers."""
    (l1, u1), (l2, u2), both = top_ends, below_ends, top * below

    def root(top_end, below_end, sign):
        inner = both**2 - top_end * below_end * (2 * top - top_end) * (2 * below - below_end)
        return (both + sign * math.sqrt(inner)) / (below_end * (2 * below - below_end))

    return root(l1, u2, -1), root(u1, l2, 1)


def test_limits_are_those_of_the_variance_and_of_the_mean():
    fit = quiet_pool(effects("bcg"))
    found = fit.to_dict()["heterogeneity"]["relative"]["total"]
    sizes = sorted((-fit.ci_low, -fit.ci_high))
    assert fit.ci_high < 0
    low, high = mover(fit.tau, [math.sqrt(end) for end in fit.tau2_ci()], -fit.estimate, sizes)
    assert_close([found["CVH1_ci_low"], found["CVH1_ci_high"]], [low, high], 1e-10)
    assert_close([found["CVH2_ci_low"], found["CVH2_ci_high"]], [low**2, high**2], 1e-10)
    assert_close([found["M1_ci_low"], found["M1_ci_high"]], [low / (1 + low), high / (1 + high)],
                 1e-10)  # fmt: skip
    assert_close(found["M2_ci_high"], high**2 / (1 + high**2), 1e-10)
    held = [math.sqrt(end) / -fit.estimate for end in fit.tau2_ci()]
    assert found["CVH1_ci_low"] < held[0] < held[1] < found["CVH1_ci_high"]


def test_limits_by_level_hold_the_measures():
    fit = quiet_pool(effects("konstantopoulos2011", dependent=True), model="three-level")
    found = fit.heterogeneity()["relative"]
    assert set(found) == {"total", "study", "effect"}
    for level in found.values():
        for name in MEASURES:
            assert level[f"{name}_ci_low"] <= level[name] <= level[f"{name}_ci_high"]


def test_a_mean_that_may_be_zero_bounds_nothing_from_above():
    found = relative_record(0.1, Interval(-0.05, 0.25), 0.01, 0.01, Interval(0.0, 0.02))
    assert math.isinf(found["CVH1_ci_high"]) and math.isinf(found["CVH2_ci_high"])
    assert found["M1_ci_high"] == found["M2_ci_high"] == 1
    assert found["CVH1_ci_low"] == found["M2_ci_low"] == 0
    level = relative_record(0.1, Interval(-0.05, 0.25), 0.01, 0.03, Interval(0.0, 0.02))
    assert level["M1"] < level["M1_ci_high"] < 1
    turned = relative_record(-0.1, Interval(-0.25, 0.05), 0.01, 0.03, Interval(0.0, 0.02))
    assert turned == level
    outside = relative_record(0.3, Interval(0.2, 0.4), 0.0, 0.0, Interval(0.01, 0.04))
    assert outside["CVH1"] == 0 < outside["CVH1_ci_low"] < outside["CVH1_ci_high"]


@pytest.mark.slow
@pytest.mark.parametrize(("k", "mean"), [(20, 0.25), (20, 0.12), (40, 0.25)])
def test_intervals_relative_to_the_mean_cover(k, mean):
    """Of 1,000 reviews; Monte-Carlo standard error of .95: .007."""
    rng, true, held = np.random.default_rng(15), relative(mean, 0.12**2), relative
    hits = np.zeros(2)
    for _ in range(1000):
        vi = 1 / rng.integers(20, 150, k)
        y = mean + 0.12 * rng.normal(size=k) + np.sqrt(vi) * rng.normal(size=k)
        fit = quiet_pool(ma.Effects.from_arrays(y, vi))
        ci = fit.tau2_ci()
        found = fit.relative(fit.tau2, ci)
        low, high = (held(fit.estimate, end).M1 for end in ci)
        hits += [found["M1_ci_low"] <= true.M1 <= found["M1_ci_high"], low <= true.M1 <= high]
    assert 0.93 < hits[0] / 1000 < 0.98
    assert hits[1] / 1000 < 0.94  # the mean held at its estimate


def test_relative_measures_have_no_unit():
    found = simulated()
    scaled = ma.Effects.from_arrays(7 * found.yi, 49 * found.vi, found.frame["study"])
    ours, theirs = (quiet_pool(e, model="che").to_dict()["heterogeneity"] for e in (scaled, found))
    for level, values in ours["relative"].items():
        for name in MEASURES:
            assert_allclose(values[name], theirs["relative"][level][name], rtol=1e-6, atol=1e-9)


def test_edges_of_relative_measures():
    nothing = relative(0.3, 0.0)
    assert (nothing.CVH1, nothing.M1, nothing.CVH2, nothing.M2) == (0, 0, 0, 0)
    at_zero = relative(0.0, 0.04)
    assert math.isinf(at_zero.CVH1)
    assert (at_zero.M1, at_zero.M2) == (1, 1)
    around = Interval(0.2, 0.4)
    open_ended = relative_record(0.3, around, 0.04, 0.04, Interval(0.01, math.inf))
    assert math.isnan(open_ended["M1_ci_high"])
    common = quiet_pool(effects("bcg"), model="common-effect")
    assert "relative to the mean" not in common.summary()
    assert "relative" not in common.to_dict()["heterogeneity"]


def test_a_share_is_never_all_or_none():
    vi = np.full(8, 0.0001)
    for sign in (1, -1):
        found = ma.Effects.from_arrays(sign * np.linspace(0.38, 0.46, 8), vi, measure="z")
        text = ma.pool(found).summary()
        share = "more than 99%" if sign > 0 else "less than 1%"
        assert f"True effects above 0: {share}, 95% CI [" in text
        assert "100%" not in text
        assert " 0%" not in text


# R² --------------------------------------------------------------------------------------------


def test_explained_variance_by_hand():
    found = simulated()
    x = np.linspace(-1, 1, found.n_effects)
    X = np.column_stack([np.ones(x.size), x])
    model = Model(kind="three-level")
    fit = fit_regression(found, X, ["mean", "x"], model)
    null = fit_regression(found, X[:, :1], ["mean"], model)
    ours = explained(fit, null)
    spread = np.var(fit.beta[1] * x, ddof=1)
    total = spread + fit.sigma2["study"] + fit.sigma2["effect"]
    assert_close(ours["R2_marginal"], spread / total, CLOSED)
    assert_close(ours["R2_conditional"], (spread + fit.sigma2["study"]) / total, CLOSED)
    assert_close(ours["R2_levels"]["study"], 1 - fit.sigma2["study"] / null.sigma2["study"], CLOSED)


def test_explained_variance_of_one_component_and_of_none():
    found = effects("bcg")
    X = np.column_stack([np.ones(found.n_effects), np.arange(found.n_effects)])
    model = Model(kind="two-level")
    fit = fit_regression(found, X, ["mean", "x"], model)
    null = fit_regression(found, X[:, :1], ["mean"], model)
    ours = explained(fit, null)
    assert ours["R2_marginal"] == pytest.approx(ours["R2_conditional"], rel=1e-12)
    assert_close(ours["R2_levels"]["study"], 1 - fit.tau2 / null.tau2, CLOSED)
    assert explained(None, None)["R2_levels"] == {}


def test_moderators_and_regressions_have_the_shares():
    found = simulated()
    kinds = [f"k{s % 3}" for s in found.frame["study"]]
    columns = {"kind": kinds, "year": [1990.0 + 2 * s for s in found.frame["study"]]}
    coded = ma.Effects.from_arrays(found.yi, found.vi, found.frame["study"], columns)
    for result in (ma.moderators(coded, "kind"), ma.meta_regression(coded, "kind + year")):
        content = result.to_dict()
        assert set(content["R2_levels"]) == {"study", "effect"}
        assert 0 <= content["R2_marginal"] <= content["R2_conditional"] <= 1
        assert "R² by level: study" in result.summary()


# Report ----------------------------------------------------------------------------------------


def test_tables_of_the_report():
    fit = quiet_pool(simulated())
    tables = {block.name: block.cells() for block in heterogeneity_blocks(fit)
              if isinstance(block, Table)}  # fmt: skip
    assert [row[0].strip() for row in tables["heterogeneity"][1:]] == [
        "Total", "Between studies", "Within studies",
    ]  # fmt: skip
    assert [row[0] for row in tables["assumed"][1:]] == [".20", ".60 (as set)", ".90"]
    assert heterogeneity_blocks(quiet_pool(effects("bcg"), model="common-effect")) == []
    plain = heterogeneity_blocks(quiet_pool(effects("bcg")))
    assert [block.name for block in plain if isinstance(block, Table)] == ["heterogeneity"]
