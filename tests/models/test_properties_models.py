"""What has to hold between models: duplicated and merged studies, limits, refused splits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import assert_close, quiet_pool
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import metaalliance as ma
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.models.pooled_fit import PooledFit

modest = settings(derandomize=True, max_examples=10)
#: The same optimum along two paths.
PATHS = 1e-7
ESTIMATORS = ("DL", "HE", "HS", "EB", "PM", "ML", "REML")
nested_models = pytest.mark.parametrize("model", ["three-level", "che"])


def drawn(seed: int, sizes: list[int]) -> Effects:
    """Effects of studies of these sizes, with heterogeneity on both levels."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(len(sizes)), sizes)
    vi = rng.uniform(0.005, 0.05, study.size)
    between, within = rng.uniform(0, 0.3, 2)
    yi = 0.3 + between * rng.normal(size=len(sizes))[study] + within * rng.normal(size=study.size)
    return Effects.from_arrays(yi + np.sqrt(vi) * rng.normal(size=study.size), vi, study=study)


seeds = st.integers(0, 10**6)
sizes = st.lists(st.integers(1, 4), min_size=4, max_size=8).filter(lambda x: max(x) > 1)
counts = st.integers(3, 10)


def joined(one: Effects, other: Effects) -> Effects:
    """Both sets of effects, the studies of the second with labels of their own."""
    study = [*(f"a{s}" for s in one.frame["study"]), *(f"b{s}" for s in other.frame["study"])]
    return Effects.from_arrays(np.r_[one.yi, other.yi], np.r_[one.vi, other.vi], study=study)


def numbers(fit: PooledFit) -> list[float]:
    return [fit.estimate, fit.se, fit.tau2, fit.ci_low, fit.ci_high]


# Order and unit -----------------------------------------------------------------------------------


@nested_models
@modest
@given(seeds, sizes, st.sampled_from([1e-4, 30.0, 1e4]))
def test_unit_and_order_at_once(model, seed, n, factor):
    chosen = drawn(seed, n)
    turned = np.random.default_rng(seed).permutation(chosen.n_effects)
    other = Effects.from_arrays(
        factor * chosen.yi[turned],
        factor**2 * chosen.vi[turned],
        study=chosen.frame["study"].to_numpy()[turned],
    )
    one, two = (quiet_pool(e, model=model) for e in (chosen, other))
    ours = [two.estimate / factor, two.se / factor, two.tau2 / factor**2, two.I2]
    assert_close(ours, [one.estimate, one.se, one.tau2, one.I2], PATHS, scale=1.0)


# Duplicated studies -------------------------------------------------------------------------------


@nested_models
@modest
@given(seeds, sizes)
def test_every_study_twice_with_ml(model, seed, n):
    """The likelihood is squared: same optimum, half the variance of the mean."""
    chosen = drawn(seed, n)
    one, twice = (
        quiet_pool(e, model=model, tau2="ML", test="wald") for e in (chosen, joined(chosen, chosen))
    )
    assert_close(twice.estimate, one.estimate, PATHS, scale=1.0)
    assert_close(twice.se, one.se / math.sqrt(2), PATHS)
    assert_close(list(twice.sigma2.values()), list(one.sigma2.values()), PATHS, scale=1.0)


@modest
@given(seeds, counts)
def test_every_study_twice_in_a_two_level_model(seed, k):
    chosen = drawn(seed, [1] * k)
    for model in ("two-level", "common-effect"):
        options = {"tau2": "ML"} if model == "two-level" else {}
        one, twice = (
            quiet_pool(e, model=model, test="wald", **options)
            for e in (chosen, joined(chosen, chosen))
        )
        assert_close([twice.estimate, twice.tau2], [one.estimate, one.tau2], PATHS, scale=1.0)
        assert_close(twice.se, one.se / math.sqrt(2), PATHS)


@modest
@given(seeds, counts)
def test_duplicated_study_pulls_the_mean_towards_it(seed, k):
    chosen = drawn(seed, [1] * k)
    one = quiet_pool(chosen, model="common-effect")
    more = quiet_pool(joined(chosen, chosen.subset(np.arange(k) == 0)), model="common-effect")
    assert abs(more.estimate - chosen.yi[0]) <= abs(one.estimate - chosen.yi[0]) + 1e-15


@nested_models
@modest
@given(seeds, sizes)
def test_every_study_twice_with_cr0(model, seed, n):
    """CR0 sums squared scores of studies: copies double the sum, and halve the bread."""
    chosen = drawn(seed, n)
    one, twice = (
        quiet_pool(e, model=model, tau2="ML", test="cr0") for e in (chosen, joined(chosen, chosen))
    )
    assert_close(twice.se, one.se / math.sqrt(2), PATHS)


# Merged studies -----------------------------------------------------------------------------------


@modest
@given(seeds, counts, st.sampled_from([1 - 1e-6, 1 - 1e-9]))
def test_copies_whose_errors_are_one_are_one_effect(seed, k, rho):
    """Every effect twice in its study, errors correlated 1: nothing is gained."""
    chosen = drawn(seed, [1] * k)
    study = chosen.frame["study"].to_numpy()
    copies = Effects.from_arrays(
        np.tile(chosen.yi, 2), np.tile(chosen.vi, 2), study=np.tile(study, 2)
    )
    merged = ma.aggregate(copies, rho)
    assert_close(merged.yi, chosen.yi, 1e-12, scale=1.0)
    assert_close(merged.vi, chosen.vi, 2e-6)
    one, other = (quiet_pool(e, test="wald") for e in (chosen, merged))
    assert_close(numbers(other), numbers(one), 1e-4, scale=0.1)


@modest
@given(seeds, counts)
def test_che_of_copies_with_rho_near_one_is_nearly_the_two_level_model(seed, k):
    chosen = drawn(seed, [1] * k)
    study = chosen.frame["study"].to_numpy()
    copies = Effects.from_arrays(
        np.tile(chosen.yi, 2), np.tile(chosen.vi, 2), study=np.tile(study, 2)
    )
    nested = quiet_pool(copies, model="che", rho=0.999, test="wald", tau2="ML")
    flat = quiet_pool(chosen, model="two-level", test="wald", tau2="ML")
    assert nested.sigma2["effect"] == 0
    assert_close([nested.estimate, nested.se], [flat.estimate, flat.se], 0.01, scale=0.1)
    assert_close(nested.sigma2["study"], flat.tau2, 0.01, scale=0.1)


@modest
@given(seeds, sizes)
def test_weighted_merging_is_che_without_variance_within(seed, n):
    """Effects of a study that differ by less than sampling error only carry their GLS mean."""
    chosen = drawn(seed, n)
    means = chosen.frame.groupby("study")["yi"].transform("mean").to_numpy()
    near = Effects.from_arrays(
        means + 0.05 * (chosen.yi - means), chosen.vi, study=chosen.frame["study"]
    )
    fit = quiet_pool(near, model="che", rho=0.5, test="wald", tau2="ML")
    assume(fit.sigma2["effect"] == 0)
    merged = ma.aggregate(near, 0.5, weighted=True)
    flat = quiet_pool(merged, model="two-level", test="wald", tau2="ML")
    assert_close([fit.estimate, fit.se, fit.tau2], [flat.estimate, flat.se, flat.tau2], 1e-6, 0.1)


# tau² = 0 -----------------------------------------------------------------------------------------


@modest
@given(seeds, sizes)
def test_models_agree_when_nothing_varies(seed, n):
    """Same effect everywhere, no correlation of errors: every model is the common-effect mean."""
    chosen = drawn(seed, n)
    near = Effects.from_arrays(0.3 + 1e-3 * chosen.yi, chosen.vi, study=chosen.frame["study"])
    common = quiet_pool(near, model="common-effect", test="cr2")
    for options in ({"model": "three-level"}, {"model": "che", "rho": 0.0}, {"model": "two-level"}):
        fit = quiet_pool(near, test="cr2", **options)
        assert fit.tau2 == 0
        assert_close([fit.estimate, fit.se, fit.df], [common.estimate, common.se, common.df], 1e-9)


@pytest.mark.parametrize("tau2", ESTIMATORS)
@modest
@given(seeds, counts)
def test_heterogeneity_is_never_negative_and_zero_below_its_expectation(tau2, seed, k):
    chosen = drawn(seed, [1] * k)
    fit = quiet_pool(chosen, tau2=tau2)
    assert fit.tau2 >= 0
    assert 0 <= fit.I2 < 1
    if tau2 in {"DL", "PM", "EB"}:
        assert (fit.tau2 == 0) == (k - 1 >= fit.Q)


# One effect in every study ------------------------------------------------------------------------


@nested_models
@modest
@given(seeds, counts)
def test_split_is_refused_when_it_cannot_be_estimated(model, seed, k):
    with pytest.raises(EstimationError, match="no study has more than one effect") as caught:
        quiet_pool(drawn(seed, [1] * k), model=model)
    assert caught.value.code == "MA610"


@modest
@given(seeds, counts)
def test_auto_takes_the_two_level_model_then(seed, k):
    chosen = drawn(seed, [1] * k)
    auto, flat = quiet_pool(chosen), quiet_pool(chosen, model="two-level")
    assert auto.to_dict() == flat.to_dict()


@modest
@given(seeds, counts)
def test_aggregating_single_effects_keeps_the_two_level_result(seed, k):
    chosen = drawn(seed, [1] * k)
    one, other = (quiet_pool(e) for e in (chosen, ma.aggregate(chosen)))
    assert_close(numbers(other), numbers(one), 1e-10, scale=1.0)


@nested_models
@modest
@given(seeds, counts)
def test_one_study_with_a_worthless_second_effect_is_nearly_the_two_level_model(model, seed, k):
    """The split is allowed by one more effect that says nothing; the total stays the same."""
    chosen = drawn(seed, [1] * k)
    more = Effects.from_arrays(
        np.r_[chosen.yi, 0.3], np.r_[chosen.vi, 1e5], study=np.r_[np.arange(k), 0]
    )
    nested = quiet_pool(more, model=model, tau2="ML", test="wald", rho=0.0)
    flat = quiet_pool(chosen, model="two-level", tau2="ML", test="wald")
    assert_close([nested.estimate, nested.se], [flat.estimate, flat.se], 1e-4, scale=0.1)
    assert_close(nested.tau2, flat.tau2, 1e-4, scale=0.1)
