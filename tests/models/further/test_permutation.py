"""Permutation test of the mean through the public surface."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden_data import assert_close, golden, quiet_pool
from hypothesis import given, settings
from hypothesis import strategies as st

import metaalliance as ma
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=20)
FIVE = ma.Effects.from_arrays([0.2, 0.3, 0.1, 0.4, 0.2], [0.02, 0.03, 0.01, 0.02, 0.04])
TEST = {"z": "wald", "knha": "knapp-hartung"}


@pytest.mark.parametrize("name", ["molloy2014", "mcdaniel1994", "bcg", "crede2010"])
@pytest.mark.parametrize("method", ["FE", "DL", "HE", "HS", "SJ", "PM", "ML", "REML"])
@pytest.mark.parametrize("test", TEST)
def test_as_permutest_has_it(name, method, test):
    expected = golden("extras")["data_sets"][name]["permutation_first_10"][method][test]
    data = golden(name)["data"]
    effects = ma.Effects.from_arrays(data["yi"][:10], data["vi"][:10])
    found = ma.permutation_test(effects, tau2=method, test=TEST[test])
    assert found.p_value == expected["p_value"]
    assert_close(found.statistic, expected["statistic"], 1e-9)
    assert found.exact


@pytest.mark.parametrize("tau2", ["DL", "REML", "PM"])
@pytest.mark.parametrize("test", ["wald", "knapp-hartung"])
def test_fit_brings_its_settings(tau2, test):
    fit = quiet_pool(FIVE, tau2=tau2, test=test)
    found = ma.permutation_test(fit)
    assert (found.tau2_method, found.test) == (tau2, test)
    assert_close(found.statistic, fit.statistic, 1e-9)
    assert found == ma.permutation_test(FIVE, tau2=tau2, test=test)


def test_common_effect_fit_has_no_heterogeneity():
    found = ma.permutation_test(quiet_pool(FIVE, model="common-effect"))
    assert (found.tau2_method, found.test) == ("FE", "wald")


@modest
@given(st.integers(0, 10**6))
def test_sign_and_order(seed):
    rng = np.random.default_rng(seed)
    yi, vi = rng.normal(0.1, 0.3, 7), rng.uniform(0.01, 0.1, 7)
    turned = rng.permutation(7)
    one = ma.permutation_test(ma.Effects.from_arrays(yi, vi), tau2="DL")
    for y, v in ((-yi, vi), (yi[turned], vi[turned]), (1e3 * yi, 1e6 * vi)):
        assert ma.permutation_test(ma.Effects.from_arrays(y, v), tau2="DL").p_value == one.p_value


def test_random_signs_repeat_with_their_seed():
    data = golden("molloy2014")["data"]
    effects = ma.Effects.from_arrays(data["yi"], data["vi"])
    one, again, other = (ma.permutation_test(effects, seed=s, tau2="DL") for s in (1, 1, 2))
    assert one == again
    assert not one.exact
    assert one.replications == 1000
    assert one.monte_carlo_se > 0
    exact = ma.permutation_test(effects, tau2="DL", exact_up_to=2**16)
    assert exact.exact
    assert abs(other.p_value - exact.p_value) < 5 * max(other.monte_carlo_se, 1e-3)


def test_few_studies_cannot_be_significant():
    found = ma.permutation_test(FIVE)
    assert found.smallest_p_value == 2**-4
    assert [p.code for p in found.notices] == ["MA633"]
    assert "MA633" in found.summary()


def test_six_studies_can():
    six = ma.Effects.from_arrays([0.2, 0.3, 0.1, 0.4, 0.2, 0.3], [0.02] * 6)
    found = ma.permutation_test(six)
    assert found.p_value == found.smallest_p_value == 2**-5
    assert found.notices == ()


def test_identical_effects_have_an_infinite_statistic():
    found = ma.permutation_test(ma.Effects.from_arrays([0.3] * 6, [0.02] * 6))
    assert found.p_value == 2**-5
    assert found.to_dict()["statistic"] is None


def test_documents():
    found = ma.permutation_test(FIVE)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["settings"]["tau2"] == "REML"
    assert found.to_frame()["p_value"][0] == found.p_value
    assert "all 32 sign patterns" in found.summary()


DEPENDENT = ma.Effects.from_arrays(FIVE.yi, FIVE.vi, study=list("AABCD"))


def test_dependent_effects():
    with pytest.raises(EstimationError, match="one effect per study"):
        ma.permutation_test(DEPENDENT)
    found = ma.permutation_test(DEPENDENT, rho=0.5)
    assert found.n_studies == 4
    assert found.p_value == ma.permutation_test(ma.aggregate(DEPENDENT, 0.5)).p_value


def test_multilevel_fit_is_refused():
    with pytest.raises(EstimationError, match="this is a che fit"):
        ma.permutation_test(quiet_pool(DEPENDENT))


def test_one_effect():
    with pytest.raises(EstimationError, match="two effects"):
        ma.permutation_test(ma.Effects.from_arrays([0.2], [0.02]))


@pytest.mark.parametrize("options", [{"tau2": "GENQ"}, {"test": "cr2"}, {"replications": 1}])
def test_options(options):
    many = ma.Effects.from_arrays(np.linspace(0, 0.4, 20), [0.02] * 20)
    with pytest.raises(OptionError):
        ma.permutation_test(many, **options)


def test_guarded_test_has_no_permutation_form():
    fit = quiet_pool(FIVE, test="knapp-hartung-adhoc")
    with pytest.raises(OptionError, match="no permutation form"):
        ma.permutation_test(fit)
    assert ma.permutation_test(fit, test="wald").test == "wald"
