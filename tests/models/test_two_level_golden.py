"""Common-effect and two-level models against metafor's rma.uni, converged."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from golden_data import (
    CLOSED,
    CLOSED_FORMS,
    ITERATED,
    TESTS,
    assert_close,
    assert_same_tail,
    effects,
    fit,
    golden,
)

from metaalliance.core.variance.tau2 import estimate_tau2
from metaalliance.core.variance.wls import weighted_fit

DATA = (
    "bangertdrowns2004", "bcg", "cohen1981", "crede2010", "konstantopoulos2011", "mcdaniel1994",
    "molloy2014", "raudenbush1985",
)  # fmt: skip
EDGES = ("k2", "homogeneous", "identical")


class Case(NamedTuple):
    """One fit of rma.uni."""

    data: str
    method: str
    test: str

    @property
    def theirs(self) -> dict[str, Any]:
        return golden(self.data)["two_level"][self.method][self.test]

    @property
    def rtol(self) -> float:
        return CLOSED if self.method in CLOSED_FORMS else ITERATED

    def ours(self, prediction: str = "") -> Any:
        """Fit with the prediction interval that R takes for this test, or another."""
        chosen = prediction or ("normal" if self.test == "z" else "t")
        options = {"test": TESTS[self.test], "prediction": chosen}
        if self.method == "FE":
            return fit(self.data, model="common-effect", **options)
        return fit(self.data, model="two-level", tau2=self.method, **options)


def cases(names: tuple[str, ...]) -> list[Case]:
    return [
        Case(name, method, test)
        for name in names
        for method, tests in golden(name)["two_level"].items()
        for test in tests
    ]


def vanishes(case: Case) -> bool:
    """Whether R's standard error is zero, where ours falls back on the wald one."""
    return case.data == "identical" and case.test == "knha"


#: Knapp and Hartung's tests are not meant for the common effect, and ours has none.
EVERY = [
    case
    for case in cases(DATA + EDGES)
    if not (case.method == "FE" and case.test in {"knha", "adhoc"}) and not vanishes(case)
]
RANDOM = [case for case in EVERY if case.method != "FE"]
COMMON = [case for case in EVERY if case.method == "FE"]

every_fit = pytest.mark.parametrize("case", EVERY, ids="-".join)
random_fit = pytest.mark.parametrize("case", RANDOM, ids="-".join)
common_fit = pytest.mark.parametrize("case", COMMON, ids="-".join)


def test_grid_is_whole():
    # 8 data sets x 8 estimators x 4 tests; k2 x 4 x 4; homogeneous 3 x 4; identical 3 x 3
    assert len(RANDOM) == 8 * 8 * 4 + 4 * 4 + 3 * 4 + 3 * 3
    assert len(COMMON) == (8 + 3) * 2


@every_fit
def test_estimate(case):
    assert_close(case.ours().estimate, case.theirs["estimate"], case.rtol, case.theirs["se"])


@every_fit
def test_standard_error(case):
    assert_close(case.ours().se, case.theirs["se"], case.rtol)


@every_fit
def test_statistic(case):
    assert_close(case.ours().statistic, case.theirs["statistic"], case.rtol)


@every_fit
def test_degrees_of_freedom(case):
    theirs = case.theirs["df"]
    assert case.ours().df == (np.inf if theirs is None else theirs)


@every_fit
def test_p_value(case):
    assert_same_tail(case.ours().p_value, case.theirs["p_value"], case.rtol)


def limits(found: Any, name: str) -> list[float]:
    """Both ends of an interval, of ours or of R's."""
    ends = [f"{name}_low", f"{name}_high"]
    return [found[e] if isinstance(found, dict) else getattr(found, e) for e in ends]


@every_fit
def test_confidence_interval(case):
    theirs = limits(case.theirs, "ci")
    assert_close(limits(case.ours(), "ci"), theirs, case.rtol, case.theirs["se"])


@every_fit
def test_q(case):
    # identical effects: Q is a rounding error in R, and zero or another one here
    assert_close(case.ours().Q, case.theirs["Q"], CLOSED, scale=1e-12)


@every_fit
def test_q_degrees_of_freedom(case):
    assert case.ours().Q_df == case.theirs["Q_df"]


@every_fit
def test_q_p_value(case):
    assert_same_tail(case.ours().Q_p_value, case.theirs["Q_p"], CLOSED)


@random_fit
def test_tau2(case):
    assert_close(case.ours().tau2, case.theirs["tau2"], case.rtol)


@every_fit
def test_i2_is_a_fraction(case):
    assert_close(case.ours().I2, case.theirs["I2"] / 100, case.rtol)


@every_fit
def test_h2(case):
    assert_close(case.ours().H2, case.theirs["H2"], case.rtol, scale=1e-12)


@random_fit
def test_prediction_interval(case):
    theirs = limits(case.theirs, "pi")
    assert_close(limits(case.ours(), "pi"), theirs, case.rtol, case.theirs["se"])


@random_fit
def test_riley_prediction_interval(case):
    theirs = [case.theirs["pi_riley"][end] for end in ("low", "high")]
    assert_close(limits(case.ours("riley"), "pi"), theirs, case.rtol, case.theirs["se"])


@common_fit
def test_common_effect_has_no_prediction_interval(case):
    assert np.isnan(limits(case.ours(), "pi")).all()


# Intervals of tau² and weights ----------------------------------------------------------------

INTERVALS = [
    (name, method, kind)
    for name in DATA
    for method, kinds in golden(name)["tau2_ci"].items()
    for kind in kinds
]


def test_interval_grid_is_whole():
    assert len(INTERVALS) == 8 * (4 + 2)  # Q-profile beside four estimators; ML and REML profile


@pytest.mark.parametrize(("name", "method", "kind"), INTERVALS)
def test_interval_of_tau2(name, method, kind):
    chosen = fit(name, model="two-level", tau2=method, test="wald")
    ours = chosen.tau2_ci() if kind == "QP" else chosen.tau2_profile_ci()
    theirs = golden(name)["tau2_ci"][method][kind]
    assert_close(ours, [theirs["low"], theirs["high"]], ITERATED)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("method", ["FE", "DL", "REML"])
def test_weights(name, method):
    options = {"model": "common-effect"} if method == "FE" else {"model": "two-level"}
    if method != "FE":
        options |= {"tau2": method}
    ours = fit(name, test="wald", **options).weights
    rtol = CLOSED if method in CLOSED_FORMS else ITERATED
    assert_close(100 * ours, golden(name)["weights_pct"][method], rtol)


# One cause at a time: R's tau² given, what follows is a closed form ---------------------------


@pytest.mark.parametrize("case", [c for c in RANDOM if c.data in DATA], ids="-".join)
def test_given_tau2_the_mean_is_exact(case):
    chosen, tau2 = effects(case.data), case.theirs["tau2"]
    found = weighted_fit(chosen.yi, np.ones((chosen.n_effects, 1)), 1 / (chosen.vi + tau2))
    assert_close(found.beta[0], case.theirs["estimate"], CLOSED)


@pytest.mark.parametrize("case", [c for c in RANDOM if c.data in DATA], ids="-".join)
def test_given_tau2_the_standard_error_is_exact(case):
    # Knapp and Hartung 2003: the variance times sum(w (y - mean)²) / (k - 1)
    chosen, tau2 = effects(case.data), case.theirs["tau2"]
    found = weighted_fit(chosen.yi, np.ones((chosen.n_effects, 1)), 1 / (chosen.vi + tau2))
    spread = found.rss / (chosen.n_effects - 1)
    factor = {"z": 1.0, "t": 1.0, "knha": spread, "adhoc": max(1.0, spread)}[case.test]
    # tau² of PM is where the spread is one; R's own rounding of it decides the guard
    rtol = CLOSED if case.method not in {"PM", "EB"} else ITERATED
    assert_close(np.sqrt(factor * found.bread[0, 0]), case.theirs["se"], rtol)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("method", ["DL", "HE", "HS", "SJ", "EB", "PM", "ML", "REML"])
def test_tau2_alone(name, method):
    chosen = effects(name)
    ours = estimate_tau2(chosen.yi, chosen.vi, np.ones((chosen.n_effects, 1)), method)
    rtol = CLOSED if method in CLOSED_FORMS else ITERATED
    assert_close(ours, golden(name)["two_level"][method]["z"]["tau2"], rtol)


def test_reml_of_molloy_is_the_optimum_and_not_where_metafor_stops_by_default():
    assert fit("molloy2014", model="two-level").tau2 == pytest.approx(0.0081095608242, abs=1e-13)


# Identical effects ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["DL", "REML", "PM"])
def test_identical_effects_get_the_wald_standard_error_where_r_gives_zero(method):
    theirs = golden("identical")["two_level"][method]
    assert theirs["knha"]["se"] == 0
    ours = fit("identical", model="two-level", tau2=method, test="knapp-hartung")
    assert_close(ours.se, theirs["z"]["se"], CLOSED)
