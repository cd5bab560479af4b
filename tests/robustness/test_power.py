"""Power by formula against R and published numbers, and its properties."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from golden_data import golden
from hypothesis import given, settings
from hypothesis import strategies as st

import metaalliance as ma
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.inference.degrees import contrast_df
from metaalliance.robustness.assumptions import assume
from metaalliance.robustness.noncentral import power_of_test, realised_power
from metaalliance.robustness.planning import design, plan_test
from metaalliance.robustness.simulation import contrasts

GOLDEN = golden("power")
DESIGNS = GOLDEN["designs"]


def test_noncentral_f_is_that_of_R():
    for case in GOLDEN["f"]:
        ours = power_of_test(case["ncp"] ** 2, case["q"], case["df"], 0.95)
        assert ours == pytest.approx(case["power"], rel=1e-8), case


def test_noncentral_chi_squared_is_that_of_R():
    for case in GOLDEN["chi2"]:
        ours = power_of_test(case["ncp"] ** 2, case["q"], math.inf, 0.95)
        assert ours == pytest.approx(case["power"], rel=1e-8), case


@pytest.mark.parametrize("ncp", [0.7, 4.0, 12.0])
@pytest.mark.parametrize("df", [4.5, 60.0])
def test_one_constraint_is_the_two_sided_noncentral_t(ncp, df):
    """t = (Z + ncp) / sqrt(chi2 / df): integrated over chi-squared with 30 digits."""
    from scipy import stats

    c = mpmath.mpf(float(stats.t.isf(0.025, df)))

    def density(x):
        return (
            x ** (mpmath.mpf(df) / 2 - 1)
            * mpmath.exp(-x / 2)
            / (2 ** (mpmath.mpf(df) / 2) * mpmath.gamma(mpmath.mpf(df) / 2))
        )

    def rejects(x):
        limit = c * mpmath.sqrt(x / df)
        return mpmath.ncdf(ncp - limit) + mpmath.ncdf(-ncp - limit)

    with mpmath.workdps(30):
        exact = mpmath.quad(
            lambda x: density(x) * rejects(x), [0, df / 2, df, 2 * df, 6 * df, 40 * df]
        )
    assert power_of_test(ncp**2, 1, df, 0.95) == pytest.approx(float(exact), rel=1e-8)


def test_realised_power_is_the_integral_of_jackson_and_turner():
    for case in GOLDEN["realised"]:
        args = (case["mu"], case["v"], case["tau2"], case["k"])
        assert realised_power(*args, 0.95) == pytest.approx(case["power"], rel=1e-6), case


def test_realised_power_nears_the_known_one_with_many_studies():
    mu, v, tau2, k = 0.02, 1 / 47, 0.02, 2000
    known = power_of_test(mu**2 * k / (v + tau2), 1, math.inf, 0.95)
    assert realised_power(mu, v, tau2, k, 0.95) == pytest.approx(known, abs=2e-3)


def test_common_effect_is_the_published_example_of_metapower():
    case = GOLDEN["fixed"]
    found = ma.power_mean(mu=case["d"], v=case["v"], k=case["k"], tau=0, model="common-effect")
    assert round(found.power, 7) == case["published"]


def test_che_with_cr2_is_the_published_example_of_pomade():
    """Each draw against the equations in R, and the means against the printed page."""
    printed = {40: (0.00917, 33.0, 0.528), 60: (0.00593, 48.1, 0.721)}
    for case in GOLDEN["pomade"]:
        values = []
        for sigma2, kj, theirs in zip(case["sigma2"], case["kj"], case["found"], strict=True):
            ours = ma.power_mean(
                mu=0.2, v=sigma2, effects_per_study=kj, k=case["J"], model="che",
                tau=math.hypot(0.2, 0.1), between=0.8, rho=0.7,
            ).rows[0]  # fmt: skip
            assert ours.df == pytest.approx(theirs["df"], rel=1e-9)
            assert 0.2**2 / ours.noncentrality == pytest.approx(theirs["var_b"], rel=1e-10)
            assert ours.power == pytest.approx(theirs["power"], rel=1e-8)
            values.append((0.2**2 / ours.noncentrality, ours.df, ours.power))
        var_b, df, power = np.mean(values, axis=0)
        assert (round(var_b, 5), round(df, 1), round(power, 3)) == printed[case["J"]]


def assumptions(**more):
    return assume(
        n=DESIGNS["n"], effects_per_study=DESIGNS["m"], tau=math.sqrt(sum(DESIGNS["tau2"])),
        between=DESIGNS["tau2"][0] / sum(DESIGNS["tau2"]), rho=DESIGNS["rho"], **more,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["mean", "egger", "two", "three"])
def test_planned_designs_have_clubsandwich_degrees_of_freedom(name):
    assumed = assumptions()
    studies = {"two": DESIGNS["groups"][:2], "three": DESIGNS["groups"]}.get(
        name, DESIGNS["groups"][:1]
    )
    planned = design(assumed, studies, predictor=name == "egger")
    p = planned.data.X.shape[1]
    C = contrasts(p) if name in {"two", "three"} else np.eye(p)[-1:]
    ours, theirs = plan_test(assumed, planned, C), DESIGNS[name]
    covariance = theirs["covariance"] if name == "three" else [[theirs["variance"]]]
    assert ours.covariance == pytest.approx(np.array(covariance), rel=1e-10)
    assert ours.df == pytest.approx(theirs["df"], rel=1e-8)


def test_equal_studies_have_k_less_one_degrees_of_freedom():
    for test, model in (("knapp-hartung", "two-level"), ("cr2", "two-level"), ("cr2", "che")):
        m = 3 if model == "che" else 1
        found = ma.power_mean(
            0.2, k=12, n=50, tau=0.15, effects_per_study=m, model=model, test=test
        )
        assert found.rows[0].df == pytest.approx(11, rel=1e-9)


@pytest.mark.parametrize(
    ("model", "rho", "df"), [("three-level", 0.0, 11), ("che", 0.6, 11), ("two-level", 0.0, 11)]
)
def test_t_of_equal_studies_has_k_less_one_degrees_of_freedom(model, rho, df):
    """Not effects less coefficients, 35: the variance of the mean rests on twelve studies."""
    m = 1 if model == "two-level" else 3
    found = ma.power_mean(
        0.2, k=12, n=50, tau=0.15, effects_per_study=m, model=model, rho=rho, test="t"
    )
    assert found.rows[0].df == pytest.approx(df, rel=1e-9)


def test_t_of_unequal_studies_has_the_degrees_of_freedom_of_the_fit():
    """Drawn with the planned variances, by the rule that `pool` takes by default."""
    assumed = assumptions(model="che", test="t")
    planned = design(assumed, DESIGNS["groups"][:1])
    df = plan_test(assumed, planned, np.eye(1)).df
    model = assumed.fitted.resolved(dependent=True)
    assert model.df == "satterthwaite"
    own = contrast_df(planned.data, planned.point, np.eye(1), np.eye(1), model)
    assert df == pytest.approx(float(own[0]), rel=1e-12)
    assert df < planned.data.blocks.m


def test_two_equal_groups_are_the_two_sample_t_test():
    """Power of Student's test, from the noncentral t: n per group as k, standard deviation 1."""
    found = ma.power_contrast(mu=[0.0, 0.5], k=[64, 64], v=0.5, tau=math.sqrt(0.5))
    assert found.rows[0].df == 126
    assert round(found.power, 4) == 0.8015  # Cohen (1988): .80 with 64 per group


def test_a_mean_of_zero_has_the_size_of_the_test():
    for test in ("knapp-hartung", "cr2", "t"):
        assert ma.power_mean(0.0, k=9, n=50, tau=0.2, test=test).power == pytest.approx(0.05)
    assert ma.power_mean(0.0, k=9, n=50, tau=0.2, test="wald").power > 0.06


@settings(max_examples=40)
@given(
    r=st.floats(0.02, 0.6), k=st.integers(3, 60), n=st.integers(10, 300), tau=st.floats(0, 0.4),
    m=st.integers(1, 4), rho=st.floats(0, 0.9),
)  # fmt: skip
def test_power_grows_with_studies_and_effect(r, k, n, tau, m, rho):
    options = {"n": n, "tau": tau, "effects_per_study": m, "rho": rho}
    more = ma.power_mean(r, k=[k, 2 * k], **options)
    assert 0.05 - 1e-9 <= more.rows[0].power <= more.rows[1].power + 1e-9 <= 1 + 1e-9
    assert ma.power_mean(r / 2, k=k, **options).power <= more.power + 1e-9
    assert ma.power_mean(-r, k=k, **options).power == pytest.approx(more.power, rel=1e-9)


def test_the_needed_number_is_the_smallest():
    found = ma.power_mean(0.15, k=5, n=50, tau=0.2, target=0.8)
    (needed,) = found.needed
    around = ma.power_mean(0.15, k=[needed - 1, needed], n=50, tau=0.2)
    assert around.rows[0].power < 0.8 <= around.rows[1].power
    groups = ma.power_contrast([0.3, 0.2], k=[30, 10], n=60, tau=0.1, target=0.8).needed
    assert groups[0] == pytest.approx(3 * groups[1], abs=2)
    assert ma.power_mean(0.0, k=5, n=50, tau=0.2, target=0.8).needed is None


def test_the_excess_of_small_studies_is_their_difference_in_r():
    found = ma.power_egger(0.2, r=0.25, k=30, n=[20, 400], tau=0.1)
    intercept, slope = found.beta
    assert math.tanh(intercept + slope / math.sqrt(17)) == pytest.approx(0.45)
    assert math.tanh(intercept + slope / math.sqrt(397)) == pytest.approx(0.25)
    again = ma.power_egger(slope=slope, r=0.25, k=30, n=[20, 400], tau=0.1)
    assert again.power == pytest.approx(found.power, rel=1e-12)


def test_a_pilot_gives_sizes_and_numbers_of_effects():
    pilot = ma.Effects.from_arrays(
        [0.1, 0.2, 0.3, 0.2], [0.01, 0.01, 0.02, 0.04], study=["a", "a", "b", "c"], measure="z"
    )
    found = ma.power_mean(0.2, k=6, pilot=pilot, tau=0.1)
    assert found.assumed.model == "che"
    assert found.rows[0].n_effects == 8
    same = ma.power_mean(0.2, k=6, v=[0.01, 0.02, 0.04], effects_per_study=[2, 1, 1], tau=0.1)
    assert same.power == found.power


def test_precision_is_reached_by_the_number_and_not_by_one_less():
    found = ma.precision(0.05, r=0.3, n=60, tau=0.15)
    assert found.expected <= 0.05
    k = found.k
    for studies, reached in ((k, True), (k - 1, False)):
        se = math.sqrt((1 / 57 + 0.15**2) / studies)
        from scipy import stats

        half = float(stats.t.isf(0.025, studies - 1)) * se
        z = math.atanh(0.3)
        assert ((math.tanh(z + half) - math.tanh(z - half)) / 2 <= 0.05) is reached
    assert ma.precision(0.05, r=None, n=60, tau=0.15).k >= found.k
    assert (found.to_frame()["half_width"].diff().dropna() < 0).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ma.power_mean(0.2, k=10, tau=0.1), "n (participants"),
        (lambda: ma.power_mean(0.2, k=10, n=3, tau=0.1), "more than 3"),
        (lambda: ma.power_mean(0.2, k=10, n=40, tau=-0.1), "tau"),
        (lambda: ma.power_mean(1.2, k=10, n=40, tau=0.1), "between -1 and 1"),
        (lambda: ma.power_mean(k=10, n=40, tau=0.1), "not both"),
        (lambda: ma.power_mean(0.2, k=0, n=40, tau=0.1), "number of studies"),
        (lambda: ma.power_mean(0.2, k=[], n=40, tau=0.1), "number of studies"),
        (lambda: ma.power_mean(0.2, k=True, n=40, tau=0.1), "number of studies"),
        (lambda: ma.power_mean(0.2, k=9, n=40, tau=0.1, effects_per_study=2.5), "whole numbers"),
        (lambda: ma.power_mean(0.2, k=9, n=[40, 50], tau=0.1, effects_per_study=[1, 2, 3]), "pair"),
        (lambda: ma.power_mean(0.2, k=9, n=40, tau=0.1, test="cr0"), "no formula"),
        (lambda: ma.power_mean(0.2, k=9, n=40, tau=0.1, test="kh"), "not one of"),
        (lambda: ma.power_mean(0.2, k=9, n=40, tau=0.1, model="che"), "several effects"),
        (lambda: ma.power_mean(0.2, k=9, n=40, tau=0.1, effects_per_study=2, model="two-level"),
         "one effect per study"),
        (lambda: ma.power_mean(0.2, k=9, n=40, tau=0.1, effects_per_study=2, model="three-level"),
         "no formula"),
        (lambda: ma.power_mean(0.2, k=9, n=40, tau=0.1, between=1.5), "share"),
        (lambda: ma.power_mean(0.2, k=9, n=40, tau=0.1, target=2), "target"),
        (lambda: ma.power_contrast([0.2, 0.3], k=[9], n=40, tau=0.1), "groups"),
        (lambda: ma.power_contrast([0.2], k=[9], n=40, tau=0.1), "two or more"),
        (lambda: ma.power_egger(0.1, k=9, n=[40], tau=0.1), "different size"),
        (lambda: ma.power_egger(k=9, n=[40, 90], tau=0.1), "excess or slope"),
        (lambda: ma.precision(-0.1, n=40, tau=0.1), "positive"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_reason(call, says):
    with pytest.raises(OptionError, match=says.replace("(", r"\(")):
        call()


def test_too_few_studies_are_refused():
    with pytest.raises(EstimationError, match="cannot estimate"):
        ma.power_mean(0.2, k=1, n=40, tau=0.1)
    with pytest.raises(EstimationError, match="not enough"):
        ma.precision(1e-5, n=10, tau=0.5)


def test_results_are_written_out():
    found = ma.power_mean(0.15, k=[8, 16], n=50, tau=0.2, target=0.8)
    assert "knapp-hartung" in found.summary() and "needs" in found.summary()
    content = found.to_dict()
    assert [plan["k"] for plan in content["plans"]] == [8, 16]
    assert content["plans"][0]["simulated"] is None
    assert list(found.to_frame()["k"]) == [8, 16]
    assert "±" in ma.precision(0.05, n=60, tau=0.15).summary()


def test_simulation_repeats_by_its_seed():
    options = {"k": 8, "n": [30, 60], "tau": 0.15, "effects_per_study": [1, 2], "simulate": 60}
    one, two, other = (ma.power_mean(0.1, **options, seed=seed) for seed in (5, 5, 6))
    assert one.rows[0].simulated == two.rows[0].simulated
    assert one.rows[0].simulated.half_width != other.rows[0].simulated.half_width


def test_a_test_without_formula_is_simulated():
    found = ma.power_mean(0.3, k=8, n=60, tau=0.1, test="cr1", simulate=50)
    assert math.isnan(found.rows[0].power)
    assert found.power == found.rows[0].simulated.power > 0.5
    low, high = found.rows[0].simulated.interval
    assert 0 <= low <= found.power <= high <= 1
