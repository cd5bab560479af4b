"""Results: frozen, complete, ready for JSON, and readable."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from golden_data import quiet_pool

from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.wording.numbers import limits, number, p_text

YI, VI = [0.1, 0.3, 0.5, 0.2, -0.1], [0.01, 0.02, 0.03, 0.02, 0.01]


def fits(measure: str) -> dict[str, PooledFit]:
    """One fit of each kind, and those at the edges."""
    apart = Effects.from_arrays(YI, VI, measure=measure, n=[103, 53, 37, 53, 103])
    nested = Effects.from_arrays(YI, VI, study=list("AABBC"), measure=measure)
    one = Effects.from_arrays([0.3], [0.01], measure=measure)
    zero = Effects.from_arrays([0.0] * 4, VI[:4], measure=measure)
    near = Effects.from_arrays([-1e-4, 1e-4, -2e-4, 1e-4], VI[:4], measure=measure)
    same = Effects.from_arrays([0.2] * 5, VI, study=list("AABBC"), measure=measure)
    return {
        "common-effect": quiet_pool(apart, model="common-effect"),
        "two-level": quiet_pool(apart),
        "three-level": quiet_pool(nested, model="three-level"),
        "che": quiet_pool(nested),
        "one effect": quiet_pool(one),
        "one effect, common": quiet_pool(one, model="common-effect"),
        "zeros": quiet_pool(zero),
        "near zero": quiet_pool(near, test="wald"),
        "identical": quiet_pool(same),
    }


FITS = {
    f"{name}, {measure}": fit
    for measure in ("z", "r", "r-unbiased", "generic")
    for name, fit in fits(measure).items()
}
every_fit = pytest.mark.parametrize("fit", FITS.values(), ids=FITS.keys())


def test_there_are_nine_fits_of_each_measure():
    assert len(FITS) == 4 * 9


# Frozen ------------------------------------------------------------------------------------------


@every_fit
def test_no_field_can_be_changed(fit):
    for field in fields(fit):
        with pytest.raises(FrozenInstanceError):
            setattr(fit, field.name, 0.0)


@every_fit
def test_no_field_can_be_added(fit):
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        fit.extra = 1


@every_fit
def test_weights_are_read_only(fit):
    with pytest.raises(ValueError, match="read-only"):
        fit.weights[0] = 1.0


@every_fit
def test_weights_add_up_to_one(fit):
    assert fit.weights.sum() == pytest.approx(1, rel=1e-14)


# to_dict -----------------------------------------------------------------------------------------

CONTENT = {"settings", "counts", "pooled", "heterogeneity"}
COUNTS = {"n_studies", "n_effects", "n_participants"}
LIMITS = {"estimate", "ci_low", "ci_high", "pi_low", "pi_high"}
POOLED = {*LIMITS, "se", "statistic", "df", "p_value", "r"}
HETEROGENEITY = {
    "above_zero", "above_zero_ci_low", "above_zero_ci_high",
    "Q", "df", "p_value", "tau2", "tau", "tau2_ci_low", "tau2_ci_high", "I2", "H2", "sigma2",
    "I2_levels",
}  # fmt: skip


@every_fit
def test_content_is_json_without_nan(fit):
    text = json.dumps(fit.to_dict(), allow_nan=False)
    assert json.loads(text) == fit.to_dict()


@every_fit
def test_parts(fit):
    assert set(fit.to_dict()) == CONTENT | {"notices"}


@every_fit
def test_counts(fit):
    assert set(fit.to_dict()["counts"]) == COUNTS


@every_fit
def test_pooled(fit):
    assert set(fit.to_dict()["pooled"]) == POOLED


@every_fit
def test_correlation(fit):
    r = fit.to_dict()["pooled"]["r"]
    if fit.measure == "generic":
        assert r is None
    else:
        assert set(r) - {"mean"} == LIMITS


@every_fit
def test_heterogeneity(fit):
    more = {"sigma2_ci"} if isinstance(fit, MultilevelFit) else set()
    more |= {"relative"} if fit.model != "common-effect" else set()
    more |= {"sensitivity"} if fit.model == "che" else set()
    assert set(fit.to_dict()["heterogeneity"]) == HETEROGENEITY | more


@every_fit
def test_levels_of_heterogeneity(fit):
    found = fit.to_dict()["heterogeneity"]
    levels = {"study", "effect"} if isinstance(fit, MultilevelFit) else {"study"}
    assert set(found["sigma2"]) == set(found["I2_levels"]) == levels


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("common-effect", set()),
        ("two-level", {"tau2"}),
        ("three-level", {"tau2", "rho"}),
        ("che", {"tau2", "rho"}),
    ],
)
def test_settings(name, more):
    expected = {"measure", "model", "test", "level", "prediction"} | more
    assert set(FITS[f"{name}, z"].to_dict()["settings"]) == expected


@pytest.mark.parametrize("name", ["common-effect", "two-level", "three-level", "che"])
def test_settings_make_the_same_fit(name):
    fit = FITS[f"{name}, z"]
    options = {k: v for k, v in fit.settings().items() if k != "measure"}
    assert quiet_pool(fit.effects, **options).to_dict() == fit.to_dict()


@every_fit
def test_numbers_are_at_full_precision(fit):
    assert fit.to_dict()["pooled"]["estimate"] == fit.estimate


@every_fit
def test_i2_is_a_fraction(fit):
    assert fit.to_dict()["heterogeneity"]["I2"] is None or 0 <= fit.I2 <= 1


def test_infinite_df_are_missing():
    assert FITS["common-effect, z"].to_dict()["pooled"]["df"] is None


def test_participants():
    assert FITS["two-level, z"].to_dict()["counts"]["n_participants"] == 349


def test_participants_that_are_unknown_are_missing():
    assert FITS["che, z"].to_dict()["counts"]["n_participants"] is None


def test_notices_are_records():
    (found,) = FITS["one effect, z"].to_dict()["notices"]
    assert (found["code"], found["severity"]) == ("MA613", "warning")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (math.inf, None),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.float64("nan"), None),
        ((1.0, math.nan), [1.0, None]),
        ({"a": {"b": -math.inf}}, {"a": {"b": None}}),
        ("nan", "nan"),
        (None, None),
    ],
)
def test_what_json_cannot_hold_is_missing(value, expected):
    assert without_nan({"value": value}) == {"value": expected}


# Back-transformation -----------------------------------------------------------------------------


def test_r_is_tanh_of_fisher_z():
    fit = FITS["che, z"]
    r = fit.to_dict()["pooled"]["r"]
    for name in LIMITS:
        assert r[name] == math.tanh(getattr(fit, name))


@pytest.mark.parametrize("measure", ["r", "r-unbiased"])
def test_r_of_a_correlation_is_itself(measure):
    fit = FITS[f"two-level, {measure}"]
    assert fit.to_dict()["pooled"]["r"]["estimate"] == fit.estimate == fit.mean_r()


def test_frame_has_one_row():
    frame = FITS["che, z"].to_frame()
    assert len(frame) == 1
    assert frame.loc[0, "estimate"] == FITS["che, z"].estimate


def test_frame_as_correlation_has_no_standard_error():
    frame = FITS["che, z"].to_frame(scale="r")
    assert frame.loc[0, "ci_high"] == math.tanh(FITS["che, z"].ci_high)
    assert math.isnan(frame.loc[0, "se"])


@every_fit
def test_notebooks_show_a_table(fit):
    assert "<table><caption>" in fit._repr_html_()


# Text --------------------------------------------------------------------------------------------


@every_fit
def test_summary_has_no_nan(fit):
    assert "nan" not in fit.summary().lower()


@every_fit
def test_summary_has_no_negative_zero(fit):
    text = fit.summary().replace("\N{MINUS SIGN}", "-")
    words = text.replace("[", " ").replace("]", " ").replace(",", " ").replace(";", " ").split()
    assert not [w for w in words if w.startswith("-") and not w.strip("-.0%")]


@every_fit
def test_summary_has_real_minus_signs(fit):
    assert " -" not in fit.summary()
    assert "[-" not in fit.summary()


@every_fit
def test_summary_names_model_and_size(fit):
    text = fit.summary()
    assert fit.model in text
    assert f"{fit.n_effects} effect" in text


@every_fit
def test_summary_gives_every_notice_with_its_code(fit):
    assert all(found.code in fit.summary() for found in fit.notices)


@every_fit
def test_summary_fits_a_terminal(fit):
    # notices are sentences, which the terminal wraps
    notices = {f"{n.severity}: {n.message} ({n.code})" for n in fit.notices}
    assert all(len(line) < 80 for line in fit.summary().splitlines() if line not in notices)


def test_summary_of_che():
    text = FITS["che, z"].summary()
    assert "3 studies, 5 effects" in text
    assert "Model: che, rho .60, REML, cr2" in text
    assert "between studies" in text
    assert "within studies" in text


def test_summary_counts_one_in_the_singular():
    assert FITS["one effect, z"].summary().startswith("1 study, 1 effect\n")


@pytest.mark.parametrize(
    ("value", "digits", "correlation", "text"),
    [
        (0.2784, 3, True, ".278"),
        (-0.2784, 3, True, "\N{MINUS SIGN}.278"),
        (0.2784, 3, False, "0.278"),
        (-0.0001, 2, False, "0.00"),
        (-0.0004, 3, True, ".000"),
        (-0.0, 2, False, "0.00"),
        (0.9999, 3, True, "1.000"),
        (-0.9999, 3, True, "\N{MINUS SIGN}1.000"),
        (12.345, 1, False, "12.3"),
        (math.nan, 2, False, "–"),
        (math.inf, 2, False, "∞"),
        (-math.inf, 2, False, "\N{MINUS SIGN}∞"),
    ],
)
def test_number(value, digits, correlation, text):
    assert number(value, digits, correlation=correlation) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0321, "= .032"),
        (0.0009, "< .001"),
        (0.001, "= .001"),
        (1.0, "> .999"),
        (0.0, "< .001"),
        (math.nan, "= –"),
    ],
)
def test_p_text(p, text):
    assert p_text(p) == text


def test_limits_of_nothing_are_a_dash():
    assert limits(math.nan, 0.3) == "–"


def test_limits_as_apa_writes_them():
    assert limits(-0.05, 0.3, 2, correlation=True) == "[\N{MINUS SIGN}.05, .30]"


@pytest.mark.parametrize(("level", "text"), [(0.999, "99.9%"), (0.975, "97.5%"), (0.9, "90%")])
def test_summary_writes_the_level_as_it_is(level, text):
    found = quiet_pool(Effects.from_arrays([0.1, 0.2, 0.3], [0.01] * 3), level=level)
    assert f"{text} CI" in found.summary()
    assert f"{text} prediction" in found.summary()


# Options of results ------------------------------------------------------------------------------


def test_unknown_component():
    with pytest.raises(OptionError, match="'study', 'effect', 'total'"):
        FITS["che, z"].sigma2_ci("bogus")


@pytest.mark.parametrize("call", ["to_frame", "probability_above"])
def test_unknown_scale(call):
    with pytest.raises(OptionError, match="Did you mean 'r'"):
        getattr(FITS["two-level, z"], call)(scale="R")


# Frozen all the way down -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["theta", "beta", "bread", "u"])
def test_optimum_cannot_be_changed(name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(FITS["che, z"].point, name)[0] = 9.0


@pytest.mark.parametrize("name", ["yi", "vi", "X"])
def test_data_of_the_model_cannot_be_changed(name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(FITS["che, z"].data, name)[0] = 9.0


@pytest.mark.parametrize("name", ["sigma2", "I2_levels"])
@pytest.mark.parametrize("change", ["__setitem__", "update", "pop", "clear", "setdefault"])
def test_components_cannot_be_changed(name, change):
    with pytest.raises(TypeError, match="cannot be changed"):
        getattr(getattr(FITS["che, z"], name), change)("study", 9.0)


@every_fit
def test_fits_can_be_sent_to_another_process(fit):
    assert pickle.loads(pickle.dumps(fit)).to_dict() == fit.to_dict()
