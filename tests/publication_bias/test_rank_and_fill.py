"""Rank correlation, trim and fill, limit meta-analysis: R and hand-sized cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bias_data import INDEPENDENT, dependent, independent, quiet, theirs
from golden_data import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

import metaalliance as ma
from metaalliance.core.selection.trim_fill import trim
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=40)


@pytest.mark.parametrize("name", INDEPENDENT)
def test_rank_test_agrees_with_metafor(name):
    found = quiet(ma.rank_test, independent(name))
    assert_close(found.tau, theirs(name)["rank"]["tau"], 1e-12)
    assert_close(found.p_value, theirs(name)["rank"]["p_value"], 1e-9)


def test_rank_test_averages_dependent_effects_and_says_so():
    found = ma.rank_test(dependent("crede2010"))
    assert found.n_effects == found.n_studies == 68
    assert [p.code for p in found.notices] == ["MA623"]
    assert_close(found.tau, theirs("crede2010_aggregated")["rank"]["tau"], 1e-12)


def test_rank_test_by_hand():
    # standardised effects rise with the variances but for one pair of ten: tau = 1 - 2/10
    yi, vi = [0.1, 0.2, 0.9, 0.8, 1.5], [0.1, 0.2, 0.3, 0.4, 0.5]
    found = quiet(ma.rank_test, ma.Effects.from_arrays(yi, vi))
    assert_close(found.tau, 0.8, 1e-12)
    assert_close(found.p_value, 2 * (1 + 4) / math.factorial(5), 1e-12)


def test_rank_test_with_ties_is_the_normal_approximation():
    rng = np.random.default_rng(1)
    effects = ma.Effects.from_arrays(rng.normal(size=30), np.repeat([0.1, 0.2, 0.3], 10))
    assert ma.rank_test(effects).computation == "normal"


def test_equal_variances_are_refused():
    effects = ma.Effects.from_arrays(np.linspace(0, 1, 12), [0.1] * 12)
    for method in (ma.rank_test, ma.trim_and_fill, ma.limit_meta):
        with pytest.raises(EstimationError) as refused:
            method(effects)
        assert refused.value.code == "MA652"
    assert ma.trim_and_fill(effects, side="left").k0 == 0


FILLS = [
    (name, m, e, s)
    for name in INDEPENDENT
    for m in ("FE", "DL", "REML")
    for e in ("L0", "R0", "Q0")
    for s in ("auto", "left", "right")
    if f"{m}_{e}_{s}" in theirs(name)["trim_fill"]  # metafor fails for some
]


@pytest.mark.parametrize(("name", "m", "estimator", "side"), FILLS)
def test_trim_and_fill_agrees_with_metafor(name, m, estimator, side):
    golden_fit = theirs(name)["trim_fill"][f"{m}_{estimator}_{side}"]
    options = {"model": "common-effect"} if m == "FE" else {"tau2": m, "test": "wald"}
    found = quiet(ma.trim_and_fill, independent(name), estimator, side, **options)
    # metafor's refits of REML stop at its default threshold of 1e-5
    rtol = 1e-5 if m == "REML" else 1e-9
    assert (found.k0, found.side) == (golden_fit["k0"], golden_fit["side"])
    if found.k0 > 0:  # below zero metafor takes the error at a negative number
        assert_close(found.k0_se, golden_fit["k0_se"], 1e-12)
    if estimator == "R0":
        assert_close(found.k0_p_value, golden_fit["k0_p_value"], 1e-12)
    assert_close(np.sort(found.filled_yi), np.sort(golden_fit["filled_yi"]), rtol, 0.1)
    assert_close(np.sort(found.filled_vi), np.sort(golden_fit["filled_vi"]), 1e-12)
    assert_close(found.estimate, golden_fit["estimate"], rtol, found.fit.se)
    assert_close(found.fit.se, golden_fit["se"], 10 * rtol)


def test_filled_effects_mirror_the_trimmed_ones():
    found = ma.trim_and_fill(independent("molloy2014"))
    mirrored = 2 * found.center - found.filled_yi
    assert np.isin(mirrored.round(12), independent("molloy2014").yi.round(12)).all()


def test_the_final_model_keeps_its_test():
    found = ma.trim_and_fill(independent("molloy2014"))
    assert found.fit.test == "knapp-hartung"
    assert found.fit.n_effects == 16 + found.k0


@modest
@given(st.lists(st.floats(-2, 2), min_size=5, max_size=15, unique=True), st.floats(-1, 1))
def test_trimming_does_not_depend_on_the_origin(yi, shift):
    y = np.round(np.array(yi), 6)
    vi = np.full(y.size, 0.1)

    def middle(a, v):
        return float(a.mean())

    try:
        found = trim(y, vi, middle, "L0")
    except EstimationError:
        return
    moved = trim(y + shift, vi, middle, "L0")
    if np.unique(np.abs(y - found.center).round(9)).size == y.size:
        assert moved.k0 == found.k0


def test_flipping_effects_flips_the_side():
    effects = independent("bcg")
    other = ma.Effects.from_arrays(-effects.yi, effects.vi)
    found, flipped = ma.trim_and_fill(effects), ma.trim_and_fill(other)
    assert (found.side, flipped.side) == ("right", "left")
    assert_close(flipped.estimate, -found.estimate, 1e-9)


def test_no_missing_effects_leave_the_mean():
    found = ma.trim_and_fill(independent("mcdaniel1994"))
    assert found.k0 == 0
    assert found.estimate == found.observed.estimate


def test_wrong_options():
    with pytest.raises(OptionError):
        ma.trim_and_fill(independent("bcg"), "L1")
    with pytest.raises(OptionError):
        ma.trim_and_fill(independent("bcg"), model="che")


# --- limit meta-analysis ---


@pytest.mark.parametrize("name", INDEPENDENT)
def test_limit_meta_agrees_with_the_radial_regression(name):
    found, golden_fit = ma.limit_meta(independent(name)), theirs(name)["limit"]
    for key in ("tau2", "alpha", "alpha_se", "estimate", "se", "G2"):
        assert_close(getattr(found, key), golden_fit[key], 1e-7, 1e-3)
    assert_close(found.limit_yi, golden_fit["limit_yi"], 1e-7, 0.1)
    assert found.se >= golden_fit["se_metasens"] - 1e-9


def test_without_heterogeneity_the_limit_is_the_intercept_of_the_common_effect_regression():
    rng = np.random.default_rng(5)
    vi = rng.uniform(0.01, 0.3, 15)
    effects = ma.Effects.from_arrays(0.3 + 0.2 * np.sqrt(vi), vi)
    found = ma.limit_meta(effects)
    assert found.tau2 == 0
    line = ma.egger(effects, model="common-effect")
    assert_close([found.estimate, found.se], [line.limit, line.limit_se], 1e-9)


def test_effects_that_differ_by_rounding_alone_are_tied():
    n = np.arange(20, 35) ** 2 / 7
    equal = ma.Effects.from_arrays(np.full(15, np.arctanh(0.3)), 1 / n, measure="z")
    with pytest.raises(EstimationError, match="undefined: all 15 effects are equal"):
        quiet(ma.rank_test, equal)
    for model in ("classical", "two-level"):
        found = quiet(ma.egger, equal, model=model)
        assert "small studies have neither larger nor smaller effects" in found.reading()
    rising = ma.Effects.from_arrays(0.3 + 1e-6 / n, 1 / n)
    assert "small studies have larger effects" in quiet(ma.egger, rising).reading()
