"""Bracketed roots, beside those of scipy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from metaalliance.core.roots import bracketed_root

STEEP = {
    "square": (lambda x: x * x - 2, 0.0, 2.0),
    "downwards": (lambda x: 3 - math.exp(x), -5.0, 8.0),
    "a step": (lambda x: math.tanh(1e4 * (x - 0.3)), 0.0, 1.0),
    "a pole beside it": (lambda x: 1 / (x + 1e-6) - 3, 0.0, 1.0),
    "a sign alone": (lambda x: 1.0 if x > 0.7 else -1.0, 0.0, 1.0),
}


@pytest.mark.parametrize("name", STEEP)
def test_same_root_in_no_more_than_twice_the_calls(name):
    function, low, high = STEEP[name]
    calls = {"ours": 0, "scipy": 0}

    def counted(who):
        def work(x):
            calls[who] += 1
            return function(x)

        return work

    found = bracketed_root(counted("ours"), low, high, xtol=1e-13, rtol=1e-14)
    expected = brentq(counted("scipy"), low, high, xtol=1e-13, rtol=1e-14)
    assert abs(found - expected) < 1e-12
    assert calls["ours"] <= 2 * calls["scipy"]


@settings(deadline=None)
@given(root=st.floats(-5, 5), steep=st.floats(0.01, 100), turned=st.booleans())
def test_root_is_within_its_tolerance(root, steep, turned):
    ends = (11.0, -9.0) if turned else (-9.0, 11.0)
    found = bracketed_root(lambda x: math.atan(steep * (x - root)), *ends, xtol=1e-11)
    assert abs(found - root) <= 1e-11 + 1e-14


def test_root_at_which_the_function_is_flat():
    """Here scipy's method does not end within a hundred steps."""
    assert abs(bracketed_root(lambda x: (x - 0.1) ** 3, -1.0, 2.0, xtol=1e-13) - 0.1) < 1e-12


def test_ends_that_are_roots():
    assert bracketed_root(lambda x: x, 0.0, 1.0) == 0.0
    assert bracketed_root(lambda x: x - 1, 0.0, 1.0) == 1.0


@pytest.mark.parametrize("function", [lambda x: x * x + 1, lambda _: math.nan])
def test_without_a_change_of_sign(function):
    with pytest.raises(ValueError, match="no change of sign between -1"):
        bracketed_root(function, -1.0, 1.0)
