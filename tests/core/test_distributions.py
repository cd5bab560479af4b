"""Tails and quantiles are those of scipy.stats, from the far tails to the ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metaalliance.core import distributions as ours

DF = st.floats(0.3, 1e6)
TAIL = st.floats(1e-12, 1 - 1e-6)
ANY = st.floats(-30, 30)
POSITIVE = st.floats(0, 300)


def agree(found, expected):
    assert found == pytest.approx(float(expected), rel=1e-10, abs=1e-290, nan_ok=True)


@settings(deadline=None)
@given(z=ANY, tail=TAIL, df=DF)
def test_normal_and_t(z, tail, df):
    agree(ours.normal_sf(z), stats.norm.sf(z))
    agree(ours.normal_isf(tail), stats.norm.isf(tail))
    agree(ours.normal_pdf(z), stats.norm.pdf(z))
    agree(ours.t_sf(z, df), stats.t.sf(z, df))
    agree(ours.t_isf(tail, df), stats.t.isf(tail, df))
    agree(ours.relative_t_density(z, df), stats.t.pdf(z, df) / stats.t.pdf(0, df))


@settings(deadline=None)
@given(q=POSITIVE, tail=TAIL, df1=DF, df2=DF)
def test_chi_squared_and_f(q, tail, df1, df2):
    agree(ours.chi2_sf(q, df1), stats.chi2.sf(q, df1))
    agree(ours.chi2_isf(tail, df1), stats.chi2.isf(tail, df1))
    agree(ours.f_sf(q, df1, df2), stats.f.sf(q, df1, df2))


@settings(deadline=None)
@given(tail=st.floats(1e-8, 0.999), df1=st.floats(1, 60), df2=st.floats(1, 1e4))
def test_quantile_of_f_has_its_tail(tail, df1, df2):
    """A quantile of scipy's is that of 1 minus the tail, with fewer digits."""
    found = ours.f_isf(tail, df1, df2)
    agree(ours.f_sf(found, df1, df2), tail)
    assert found == pytest.approx(float(stats.f.isf(tail, df1, df2)), rel=1e-6)


@settings(deadline=None)
@given(count=st.integers(-1, 60), trials=st.integers(1, 60), chance=st.floats(0.001, 0.999))
def test_binomial(count, trials, chance):
    count = min(count, trials)
    agree(ours.binomial_sf(count, trials, chance), stats.binom.sf(count, trials, chance))


def test_infinite_degrees_of_freedom_are_normal():
    agree(ours.t_sf(1.7, math.inf), stats.norm.sf(1.7))
    agree(ours.t_isf(0.025, math.inf), stats.norm.isf(0.025))
    agree(ours.relative_t_density(1.3, math.inf), math.exp(-(1.3**2) / 2))


def test_ends_and_what_is_undefined():
    assert (ours.t_isf(0.0, 4), ours.t_isf(1.0, 4)) == (math.inf, -math.inf)
    assert (ours.chi2_sf(-1e-12, 3), ours.f_sf(-1e-12, 2, 9)) == (1.0, 1.0)
    assert ours.binomial_sf(-1, 5, 0.2) == 1.0
    undefined = (ours.chi2_sf(2.0, 0), ours.t_sf(1.0, 0), ours.t_sf(1.0, math.nan),
                 ours.t_isf(0.1, math.nan), ours.chi2_sf(math.nan, 2))  # fmt: skip
    assert all(map(math.isnan, undefined))


def test_arrays():
    q, df = np.array([0.5, 3.0, math.nan]), np.array([1, 2, 3])
    np.testing.assert_allclose(ours.chi2_sf(q, df), stats.chi2.sf(q, df), rtol=1e-12)
    np.testing.assert_allclose(ours.t_sf(q, df), stats.t.sf(q, df), rtol=1e-12)
