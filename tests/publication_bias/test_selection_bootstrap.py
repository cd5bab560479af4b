"""The cluster bootstrap of selection models: resamples, refits, intervals, what failed."""

from __future__ import annotations

import numpy as np
import pytest
from bias_data import dependent, quiet
from golden_data import assert_close, golden
from scipy import stats

import metaalliance as ma
from metaalliance.core.inference.bootstrap_intervals import bootstrap_limits
from metaalliance.core.selection.bootstrap import bootstrap_selection, refit, without_each_study
from metaalliance.core.selection.estimating import equations
from metaalliance.core.selection.fit import maximise_selection
from metaalliance.core.selection.resamples import draw_resamples
from metaalliance.core.selection.steps import StepWeights
from metaalliance.errors import EstimationError, OptionError

KINDS = ("two-stage", "multinomial", "exponential")


def lehmann():
    data = golden("selection")["data"]
    labels = {name: i for i, name in enumerate(dict.fromkeys(data["study"]))}
    codes = np.array([labels[name] for name in data["study"]])
    return np.array(data["yi"]), np.array(data["vi"]), codes


def fit(yi, vi, **options):
    cuts = np.array([0.025])
    X = np.ones((yi.size, 1))
    build = lambda y, v: StepWeights.build(y, v, cuts, "greater")  # noqa: E731
    return maximise_selection(yi, vi, X, build, **options)


def first(kind, codes, replications=40, seed=1):
    return next(draw_resamples(kind, codes, replications, replications, seed))


# --- resamples ---


@pytest.mark.parametrize("kind", KINDS)
def test_effects_count_as_the_studies_do_that_are_drawn(kind):
    codes = lehmann()[2]
    some = first(kind, codes, 400)
    sizes = np.bincount(codes)
    totals = np.array([np.bincount(codes, weights=row) for row in some.counts])
    # a mean study counts once
    error = 5 * np.sqrt(2 / 400)
    assert (np.abs((totals / sizes).mean(axis=0) - 1) < error).all()
    if kind == "exponential":
        assert_close(some.counts, (totals / sizes)[:, codes], 1e-12)
        assert len(np.unique(some.counts)) > 1000
        return
    assert (totals % sizes == 0).all()  # as many effects as the study has, for each draw
    assert ((totals / sizes).sum(axis=1) == sizes.size).all()
    same = np.array([(row == (total / sizes)[codes]).all()
                     for row, total in zip(some.counts, totals, strict=True)])  # fmt: skip
    assert same.all() == (kind == "multinomial")


@pytest.mark.parametrize("kind", ["two-stage", "multinomial"])
def test_a_replicate_is_the_fit_of_the_effects_that_were_drawn(kind):
    yi, vi, codes = lehmann()
    optimum = fit(yi, vi)
    some = first(kind, codes, 12)
    found = optimum.scaling.parameters(refit(optimum, some.counts))
    for row, counts in zip(found, some.counts, strict=True):
        rows = np.repeat(np.arange(yi.size), counts.astype(int))
        assert_close(row, fit(yi[rows], vi[rows]).theta, 1e-7, 1.0)


def test_a_replicate_solves_the_estimating_equations_of_its_effects():
    yi, vi, codes = lehmann()
    optimum = fit(yi, vi, estimator="argl")
    counts = first("two-stage", codes, 60).counts
    found = refit(optimum, counts)
    done = np.isfinite(found).all(axis=1)
    assert done.sum() > 50
    values = equations(optimum.problem, found[done], counts[done])[0]
    at_zero = found[done, 1] == 0
    assert (values[at_zero, 1] <= 0).all()
    values[at_zero, 1] = 0.0
    assert_close(values, np.zeros(values.shape), 1e-6, 1.0)


@pytest.mark.parametrize("estimator", ["cml", "argl"])
def test_errors_of_a_replicate_take_a_study_that_is_drawn_twice_as_two(estimator):
    yi, vi, codes = lehmann()
    optimum = fit(yi, vi, estimator=estimator)
    some = first("two-stage", codes, 6)
    found = bootstrap_selection(optimum, codes, "two-stage", 6, 1, errors=True)
    ends = np.append(some.starts[1:], some.picks.size)
    sizes = (ends - some.starts).reshape(6, -1)
    compared = 0
    for b in np.flatnonzero(np.isfinite(found.theta).all(axis=1)):
        rows = some.picks[some.picks // yi.size == b] % yi.size
        copies = np.repeat(np.arange(sizes.shape[1]), sizes[b])
        alone = fit(yi[rows], vi[rows], estimator=estimator)
        if np.allclose(alone.theta, found.theta[b], atol=1e-5):  # the same root
            expected, own = alone.sandwich(copies, sizes.shape[1]), found.covariance[b]
            assert (np.isnan(own) == np.isnan(expected)).all()
            assert_close(np.nan_to_num(own), np.nan_to_num(expected), 1e-4, 0.1)
            compared += 1
    assert compared >= 3


def test_leaving_out_a_study_is_the_fit_of_the_others():
    yi, vi, codes = lehmann()
    found = without_each_study(fit(yi, vi), codes)
    for study in (0, 17, 40):
        others = codes != study
        assert_close(found[study], fit(yi[others], vi[others]).theta, 1e-7, 1.0)


def test_a_seed_gives_the_same_replicates_and_another_one_others():
    yi, vi, codes = lehmann()
    optimum = fit(yi, vi)
    one, same, other = (
        bootstrap_selection(optimum, codes, "two-stage", 300, seed).theta for seed in (1, 1, 2)
    )
    assert (one == same).all() and not np.allclose(one, other)


# --- intervals ---


def test_limits_are_their_definitions():
    rng = np.random.default_rng(1)
    draws, estimates = rng.gamma(2, size=(999, 2)), np.array([1.5, 2.0])
    errors, each = np.array([0.4, 0.5]), rng.uniform(0.3, 0.6, (999, 2))
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    assert_close(bootstrap_limits("percentile", estimates, draws, 0.9), [low, high], 1e-12)
    assert_close(
        bootstrap_limits("basic", estimates, draws, 0.9),
        [2 * estimates - high, 2 * estimates - low],
        1e-12,
    )
    below, above = np.quantile((draws - estimates) / each, [0.05, 0.95], axis=0)
    found = bootstrap_limits(
        "studentised", estimates, draws, 0.9, errors=errors, replicate_errors=each
    )
    assert_close(found, [estimates - errors * above, estimates - errors * below], 1e-12)


def test_bca_limits_are_those_of_scipy():
    rng = np.random.default_rng(2)
    sample = rng.gamma(2, size=40)
    theirs = stats.bootstrap(
        (sample,), np.mean, n_resamples=1999, method="BCa", rng=np.random.default_rng(3)
    )
    left_out = (sample.sum() - sample)[:, None] / 39
    found = bootstrap_limits(
        "bca",
        np.array([sample.mean()]),
        theirs.bootstrap_distribution[:, None],
        0.95,
        left_out=left_out,
    )
    assert_close(found[:, 0], list(theirs.confidence_interval), 1e-10)


@pytest.mark.parametrize("interval", ["percentile", "basic", "studentised", "bca"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_result_has_the_limits_of_its_bootstrap(kind, interval):
    yi, vi, codes = lehmann()
    effects = ma.Effects.from_arrays(-yi, vi, study=codes)
    plain = quiet(ma.selection_model, effects, alternative="less")
    found = quiet(
        ma.selection_model, effects, alternative="less", bootstrap=kind, interval=interval,
        replications=199,
    )  # fmt: skip
    drawn = found.bootstrap
    assert_close(found.beta, plain.beta, 1e-12)
    assert found.ci_low[0] == drawn.low[0] < drawn.high[0] == found.ci_high[0]
    assert found.ci_low[0] != plain.ci_low[0]
    assert found.weights_low[1] == drawn.low[2] > 0
    assert drawn.names == ("intercept", "tau2", "weight, p 0.025 to 1") and drawn.low[1] >= 0
    assert drawn.estimates.shape == (199 - drawn.failed, 3)
    if interval == "percentile":
        assert_close(drawn.high[0], np.quantile(drawn.estimates[:, 0], 0.975), 1e-12)
    assert "199" in found.reading() and kind in found.reading()
    record = found.to_dict()["bootstrap"]
    assert record["failed"] == drawn.failed and len(record["limits"]) == 3


def test_replicates_without_estimates_are_counted_and_a_penalty_has_none():
    # of 28 effects three are not significant: samples without any have no weight
    yi, vi, codes = lehmann()
    few = np.flatnonzero(yi / np.sqrt(vi) < 1.96)[:3]
    kept = np.r_[np.flatnonzero(yi / np.sqrt(vi) >= 1.96), few]
    effects = ma.Effects.from_arrays(yi[kept], vi[kept], study=codes[kept])
    options = {"alternative": "greater", "bootstrap": "multinomial", "replications": 199}
    found = quiet(ma.selection_model, effects, **options)
    drawn = found.bootstrap
    counts = first("multinomial", np.unique(codes[kept], return_inverse=True)[1], 199).counts
    assert drawn.failed >= (counts[:, -3:].sum(axis=1) == 0).sum() > 0
    assert drawn.estimates.shape[0] == 199 - drawn.failed
    (said,) = [p for p in found.notices if p.code == "MA634"]
    assert f"{drawn.failed} of 199" in said.message and said.severity == "warning"
    assert f"{drawn.failed} had no estimates" in found.reading()
    kept_finite = quiet(ma.selection_model, effects, penalty="weak", **options)
    assert kept_finite.bootstrap.failed == 0
    assert not [p for p in kept_finite.notices if p.code == "MA634"]


def test_no_interval_where_most_replicates_fail():
    yi, vi, codes = lehmann()
    z = yi / np.sqrt(vi)
    middle, below = np.flatnonzero((z > 0) & (z < 1.96))[:1], np.flatnonzero(z < 0)[:1]
    kept = np.r_[np.flatnonzero(z >= 1.96), middle, below]
    effects = ma.Effects.from_arrays(yi[kept], vi[kept], study=codes[kept])
    with pytest.raises(EstimationError) as refused:
        quiet(
            ma.selection_model, effects, (0.025, 0.5), alternative="greater",
            bootstrap="two-stage", replications=99,
        )  # fmt: skip
    assert refused.value.code == "MA654"


@pytest.mark.parametrize("replications", [0, 20])
def test_too_few_replicates_are_refused(replications):
    with pytest.raises(OptionError, match="too few"):
        ma.selection_model(
            dependent("assink2016"), bootstrap="two-stage", replications=replications
        )
