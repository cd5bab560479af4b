"""Henmi and Copas's interval through the public surface."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden_data import assert_close, golden, quiet_pool

import metaalliance as ma
from metaalliance.errors import EstimationError, OptionError


def effects(name, measure="generic"):
    data = golden(name)["data"]
    return ma.Effects.from_arrays(data["yi"], data["vi"], measure=measure)


@pytest.mark.parametrize("name", ["molloy2014", "mcdaniel1994", "bcg", "crede2010"])
@pytest.mark.parametrize("level", [95, 99])
def test_as_r_has_it(name, level):
    stored = golden("extras")["data_sets"][name]["henmi_copas"]
    found, expected = ma.henmi_copas(effects(name), level=level / 100), stored[f"level_{level}"]
    for field in ("estimate", "se", "tau2", "critical_value", "ci_low", "ci_high", "p_value"):
        assert_close(getattr(found, field), expected[field], 1e-9, scale=expected["se"] * 0.1)


@pytest.mark.parametrize("name", ["molloy2014", "bcg"])
def test_as_metafor_has_it(name):
    found, expected = ma.henmi_copas(effects(name)), golden("extras")["data_sets"][name]
    theirs = expected["henmi_copas"]["metafor"]
    assert_close([found.ci_low, found.ci_high], [theirs["ci_low"], theirs["ci_high"]], 1e-8, 0.1)


def test_mean_is_the_common_effect_mean():
    fit = quiet_pool(effects("molloy2014"), model="common-effect")
    assert_close(ma.henmi_copas(effects("molloy2014")).estimate, fit.estimate, 1e-13)


def test_example_of_the_documentation():
    """By the definition: common-effect mean, DerSimonian and Laird's tau²."""
    yi, vi = np.array([0.2, 0.5, 0.1, 0.4]), np.array([0.01, 0.02, 0.01, 0.05])
    found = ma.henmi_copas(ma.Effects.from_arrays(yi, vi))
    w = 1 / vi
    mean = w @ yi / w.sum()
    tau2 = max(0, (w @ (yi - mean) ** 2 - 3) / (w.sum() - w @ w / w.sum()))
    se = np.sqrt((1 + tau2 * (w @ w) / w.sum()) / w.sum())
    assert_close([found.estimate, found.tau2, found.se], [mean, tau2, se], 1e-12)
    assert_close(found.ci_high - found.estimate, found.critical_value * se, 1e-12)


def test_scale_of_r():
    found = ma.henmi_copas(effects("molloy2014", "z"))
    frame = found.to_frame("r")
    assert_close(frame["ci_low"][0], np.tanh(found.ci_low), 1e-14)
    assert np.isnan(frame["se"][0])
    assert found.to_dict()["r"]["estimate"] == np.tanh(found.estimate)
    assert found.summary().splitlines()[1].startswith("Mean r = .125, 95% CI [.040, .207]")


def test_generic_effects_have_no_r():
    document = ma.henmi_copas(effects("bcg")).to_dict()
    assert json.loads(json.dumps(document, allow_nan=False))["r"] is None


def test_dependent_effects():
    pair = ma.Effects.from_arrays([0.2, 0.4, 0.1], [0.02, 0.01, 0.03], study=list("AAB"))
    with pytest.raises(EstimationError, match="one effect per study"):
        ma.henmi_copas(pair)
    found = ma.henmi_copas(pair, rho=0.5)
    assert found.n_studies == 2
    assert found.ci_low == ma.henmi_copas(ma.aggregate(pair)).ci_low


def test_one_effect():
    with pytest.raises(EstimationError):
        ma.henmi_copas(ma.Effects.from_arrays([0.2], [0.02]))


def test_level():
    with pytest.raises(OptionError, match="level=95"):
        ma.henmi_copas(effects("bcg"), level=95)
