"""Robust variance estimation through the public surface: robumeta, designs, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close, golden

import metaalliance as ma
from metaalliance.errors import EstimationError, OptionError

SETS = ("crede2010", "konstantopoulos2011", "assink2016", "tannersmith2016")
CASES = [
    (name, design, model)
    for name in SETS
    for design, models in golden("robust")[name]["robu"].items()
    for model in models
    if design == "mean" or all(row[0] == 1 for row in golden("robust")[name]["designs"][design])
]
cases = pytest.mark.parametrize("where", CASES, ids="-".join)
corrections = pytest.mark.parametrize("small", [True, False], ids=["small", "large"])


def robumeta(where):
    return golden("robust")[where[0]]["robu"][where[1]][where[2]]


def ours(where, *, small=True, seed=None):
    """Our fit; with a seed the rows are shuffled first."""
    name, design, model = where
    data = golden("robust")[name]["data"]
    order = np.arange(len(data["yi"]))
    if seed is not None:
        np.random.default_rng(seed).shuffle(order)
    effects = ma.Effects.from_arrays(
        *(np.array(data[c])[order] for c in ("yi", "vi")),
        study=[data["study"][i] for i in order],
    )
    X = None
    if design != "mean":
        X = np.array(golden("robust")[name]["designs"][design], float)[order, 1:]
    working = "CORR" if model.startswith("corr") else "HIER"
    rho = robumeta(where).get("rho", 0.8)
    return ma.rve(effects, X, working_model=working, rho=rho, small=small), order


@cases
@corrections
def test_as_robumeta_has_it(where, small):
    (found, _), expected = ours(where, small=small), robumeta(where)
    table = expected["small" if small else "large"]
    se = np.array(table["se"])
    assert_close(found.beta, expected["beta"], ITERATED, scale=se)
    assert_close(found.se, se, ITERATED)
    assert_close(found.df, table["df"], ITERATED)
    assert_close(found.tau2, expected["tau2"], ITERATED)
    assert_close(found.omega2, expected.get("omega2", 0.0), ITERATED)


@cases
def test_order_of_rows(where):
    (found, order), (one, _) = ours(where, seed=3), ours(where)
    assert_close(found.beta, one.beta, 1e-9, scale=one.se)
    assert_close(found.weights, one.weights[order], 1e-9)


def test_joint_test_as_clubsandwich_has_it():
    where = ("crede2010", "source", "corr_rho0.8")
    expected = robumeta(where)["tests"]["CR2"]["all"]["htz"]
    found = ours(where)[0].wald()
    assert_close([found.statistic, found.df2], [expected["statistic"], expected["df2"]], ITERATED)


# Designs -----------------------------------------------------------------------------------------

RATER = ["client", "observer", "client", "therapist"] * 6
YEAR = np.repeat(np.arange(1990.0, 2002.0), 2)
RNG = np.random.default_rng(4)
EFFECTS = ma.Effects.from_arrays(
    RNG.normal(0.3, 0.2, 24),
    RNG.uniform(0.01, 0.05, 24),
    study=np.repeat(np.arange(12), 2),
    moderators={"rater": RATER, "year": YEAR, "gap": [None, *RATER[1:]]},
    measure="z",
)


def test_moderators_by_name_are_the_columns_of_a_design():
    by_name = ma.rve(EFFECTS, moderators=["rater", "year"])
    X = np.column_stack([[r == "observer" for r in RATER], [r == "therapist" for r in RATER], YEAR])
    by_hand = ma.rve(EFFECTS, X, names=["o", "t", "y"])
    assert by_name.names == ("intercept", "rater: observer", "rater: therapist", "year")
    assert by_hand.names == ("intercept", "o", "t", "y")
    assert_close(by_name.beta, by_hand.beta, CLOSED)


def test_joint_test_by_names_and_by_matrix():
    fit = ma.rve(EFFECTS, moderators=["rater", "year"])
    named = fit.wald(["rater: observer", "rater: therapist"])
    matrix = fit.wald(np.eye(4)[1:3])
    assert named == matrix
    assert named.df1 == 2


def test_one_name_is_the_t_test_squared():
    fit = ma.rve(EFFECTS, moderators=["year"])
    found = fit.wald("year")
    assert_close([found.statistic, found.df2], [fit.statistic[1] ** 2, fit.df[1]], 1e-9)


def test_interval_is_that_of_t():
    from scipy import stats

    fit = ma.rve(EFFECTS, level=0.9)
    half = stats.t.ppf(0.95, fit.df) * fit.se
    assert_close([fit.ci_low, fit.ci_high], [fit.beta - half, fit.beta + half], 1e-10)


def test_large_sample_joint_test_is_an_f_test():
    assert ma.rve(EFFECTS, moderators=["rater"], small=False).wald().test == "f"


def test_mean_on_the_scale_of_r():
    frame = ma.rve(EFFECTS).to_frame("r")
    assert_close(frame["estimate"], np.tanh(ma.rve(EFFECTS).beta), CLOSED)
    assert frame["se"].isna().all()


def test_slopes_have_no_scale_of_r():
    fit = ma.rve(EFFECTS, moderators=["year"])
    assert fit.to_frame("r").equals(fit.to_frame())


def test_few_degrees_of_freedom_are_noticed():
    few = ma.Effects.from_arrays([0.1, 0.3, 0.5, 0.2], [0.02] * 4, study=[1, 1, 2, 3])
    assert [p.code for p in ma.rve(few).notices] == ["MA620"]


def test_identical_effects_claim_no_certainty():
    same = ma.Effects.from_arrays([0.3] * 6, [0.02] * 6, study=[1, 1, 2, 2, 3, 3])
    fit = ma.rve(same)
    assert_close(fit.beta, [0.3], CLOSED)
    assert np.isnan([fit.p_value[0], fit.ci_low[0], fit.ci_high[0]]).all()
    assert fit.to_dict()["coefficients"][0]["p_value"] is None


def test_summary_and_document():
    fit = ma.rve(EFFECTS, moderators=["rater"], working_model="HIER")
    assert "omega²" in fit.summary()
    assert "rater: observer" in fit.summary()
    document = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert document["settings"]["working_model"] == "HIER"
    assert document["counts"] == {"n_studies": 12, "n_effects": 24}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"working_model": "corr"}, OptionError, "Did you mean 'CORR'"),
        ({"rho": 1.5}, OptionError, "rho is 1.5"),
        ({"moderators": ["modality"]}, OptionError, "no moderator 'modality'; there are rater"),
        ({"moderators": ["gap"]}, EstimationError, "gap is missing for 0"),
        ({"X": np.ones((24, 1))}, EstimationError, "linearly dependent"),
        ({"X": np.ones((3, 1))}, OptionError, r"shape \(3, 1\)"),
        ({"X": np.full(24, np.nan)}, EstimationError, "row 0"),
        ({"X": YEAR, "names": ["a", "b"]}, OptionError, "2 names for 1 columns"),
        ({"X": YEAR, "moderators": ["year"]}, OptionError, "either X or moderators"),
        ({"names": ["a"]}, OptionError, "not given"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        ma.rve(EFFECTS, **options)


def test_unknown_term():
    with pytest.raises(OptionError, match="no coefficient 'years'; there are intercept, year"):
        ma.rve(EFFECTS, moderators=["year"]).wald(["years"])


def test_one_study():
    with pytest.raises(EstimationError, match="two studies"):
        ma.rve(ma.Effects.from_arrays([0.1, 0.2], [0.02, 0.02], study=[1, 1]))
