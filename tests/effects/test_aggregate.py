"""One effect per study: against R, by hand, and what averaging has to keep."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from golden_data import CLOSED, ITERATED, assert_close, effects, golden, quiet_pool
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError

modest = settings(derandomize=True, max_examples=30)

DATA = (
    "assink2016",
    "craft2003",
    "crede2010",
    "konstantopoulos2011",
    "effect_variance_zero",
    "one_big_study",
    "study_variance_zero",
)
GRID = [(name, rho, kind) for name in DATA for rho in (0.5, 0.6) for kind in ("weighted", "plain")]
grid = pytest.mark.parametrize(("name", "rho", "kind"), GRID)


def theirs(name: str, rho: float, kind: str) -> dict:
    found = golden(name).get("dependent", golden(name))["aggregate"][f"rho{rho}"]
    return found["weighted" if kind == "weighted" else "unweighted"]


def ours(name: str, rho: float, kind: str) -> Effects:
    return aggregate(effects(name, dependent=True), rho, weighted=kind == "weighted")


def by_study(name: str, rho: float, kind: str, column: str) -> np.ndarray:
    """Our column in the order of R, which sorts studies."""
    frame = ours(name, rho, kind).frame
    column = pd.Series(frame[column].to_numpy(), index=frame["study"].astype(str))
    return column[[str(s) for s in theirs(name, rho, kind)["study"]]].to_numpy()


# Against metafor's aggregate ------------------------------------------------------------------


def test_grid_is_whole():
    assert len(GRID) == 7 * 2 * 2
    assert all(len(theirs(*case)["study"]) == ours(*case).n_effects for case in GRID)


@grid
def test_mean(name, rho, kind):
    assert_close(by_study(name, rho, kind, "yi"), theirs(name, rho, kind)["yi"], CLOSED, scale=0.1)


@grid
def test_variance(name, rho, kind):
    assert_close(by_study(name, rho, kind, "vi"), theirs(name, rho, kind)["vi"], CLOSED)


@grid
@pytest.mark.parametrize(
    "value", ["estimate", "se", "statistic", "df", "ci_low", "ci_high", "pi_low", "pi_high"]
)
def test_mean_of_the_aggregated_effects(name, rho, kind, value):
    expected = theirs(name, rho, kind)["REML_knha"]
    found = getattr(quiet_pool(ours(name, rho, kind)), value)
    assert_close(found, expected[value], ITERATED, expected["se"])


@grid
@pytest.mark.parametrize("value", ["tau2", "Q", "H2"])
def test_heterogeneity_of_the_aggregated_effects(name, rho, kind, value):
    expected = theirs(name, rho, kind)["REML_knha"]
    assert_close(getattr(quiet_pool(ours(name, rho, kind)), value), expected[value], ITERATED)


# By hand -----------------------------------------------------------------------------------------

TWO = Effects.from_arrays([0.2, 0.5], [0.04, 0.09], study=["A", "A"])


def test_plain_mean_by_hand():
    # variance (.04 + .09 + 2 * .5 * .2 * .3) / 4 = .0475
    found = aggregate(TWO, 0.5)
    assert_close([found.yi[0], found.vi[0]], [0.35, 0.0475], CLOSED)


def test_weighted_mean_by_hand():
    # V = [[.04, .03], [.03, .09]], det .0027, V^-1 1 = (.06, .01) / .0027: mean (.012 + .005) / .07
    found = aggregate(TWO, 0.5, weighted=True)
    assert_close([found.yi[0], found.vi[0]], [0.017 / 0.07, 0.0027 / 0.07], CLOSED)


def test_weighted_mean_can_leave_the_range_of_its_effects():
    # cov .9 * .1 * .3 = .027 exceeds the smaller variance, so that the larger one weighs negative
    pair = Effects.from_arrays([0.2, 0.5], [0.01, 0.09], study=["A", "A"])
    assert aggregate(pair, 0.9, weighted=True).yi[0] < 0.2


def test_composite_of_three_effects_as_r_has_it():
    case = next(c for c in golden("conversions")["cases"] if c["id"] == "composite_mean")
    x = case["inputs"]
    found = aggregate(Effects.from_arrays(x["yi"], x["vi"], study=["A"] * 3), x["rho"])
    assert_close([found.yi[0], found.vi[0]], list(case["outputs"].values()), CLOSED)


# Columns -----------------------------------------------------------------------------------------

MIXED = Effects.from_arrays(
    [0.1, 0.2, 0.3, 0.4, 0.5],
    [0.01] * 5,
    study=["B", "A", "B", "C", "A"],
    moderators={
        "modality": ["CBT", "CBT", "CBT", None, "other"],
        "year": [1990, 2000, 1990, math.nan, 2001],
    },
    measure="z",
    n=[30, 40, 50, 60, 45],
)


def column(name: str) -> list:
    return aggregate(MIXED).frame[name].tolist()


def test_studies_in_order_of_first_appearance():
    assert column("study") == ["B", "A", "C"]


def test_n_is_the_largest():
    assert column("n") == [50, 45, 60]


def test_text_that_varies_is_mixed():
    assert column("modality")[:2] == ["CBT", "mixed"]


def test_text_that_is_missing_stays_missing():
    assert pd.isna(column("modality")[2])


def test_numbers_are_averaged():
    assert column("year")[:2] == [1990, 2000.5]


def test_numbers_that_are_missing_stay_missing():
    assert math.isnan(column("year")[2])


def test_number_of_effects_is_kept():
    assert column("n_effects") == [2, 2, 1]


def test_r_is_that_of_the_mean():
    assert_close(column("r"), np.tanh(aggregate(MIXED).yi), CLOSED)


def test_measure_is_kept():
    assert aggregate(MIXED).measure == "z"


def test_participants_stay_the_same():
    assert aggregate(MIXED).n_participants == MIXED.n_participants


@pytest.mark.parametrize("rho", [1.0, -0.1, math.nan, "0.5"])
def test_rho_out_of_range(rho):
    with pytest.raises(OptionError, match="rho="):
        aggregate(MIXED, rho)


# Properties --------------------------------------------------------------------------------------


@st.composite
def nested(draw: st.DrawFn) -> Effects:
    """Effects of two to six studies, one to four each."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=6))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    whole = st.lists(st.integers(1, 1000), min_size=labels.size, max_size=labels.size)
    yi, vi = np.array(draw(whole)) / 500 - 1, np.array(draw(whole)) / 5000
    return Effects.from_arrays(yi, vi, study=labels)


rhos = st.floats(0, 0.95)
weighting = pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])


@weighting
@modest
@given(nested(), rhos)
def test_one_effect_per_study_is_left_as_it_is(weighted, chosen, rho):
    single = chosen.subset(~chosen.frame["study"].duplicated())
    found = aggregate(single, rho, weighted=weighted)
    assert_close([found.yi, found.vi], [single.yi, single.vi], CLOSED)


@weighting
@modest
@given(nested(), rhos)
def test_aggregating_twice_changes_nothing(weighted, chosen, rho):
    once = aggregate(chosen, rho, weighted=weighted)
    twice = aggregate(once, rho, weighted=weighted)
    assert_close([twice.yi, twice.vi], [once.yi, once.vi], CLOSED)


@modest
@given(nested())
def test_independent_effects_average_like_independent_means(chosen):
    found = aggregate(chosen, 0.0)
    sums = chosen.frame.groupby("study")["vi"].agg(["sum", "size"])
    assert_close(found.vi, sums["sum"] / sums["size"] ** 2, CLOSED)


@modest
@given(nested())
def test_with_rho_near_one_averaging_gains_nothing(chosen):
    # ((sum of standard errors) / n)² in the limit
    found = aggregate(chosen, 1 - 1e-12)
    root = chosen.frame.assign(se=np.sqrt(chosen.vi)).groupby("study")["se"].mean()
    assert_close(found.vi, root**2, 1e-10)


@modest
@given(nested(), rhos)
def test_plain_mean_lies_between_its_effects(chosen, rho):
    ends = chosen.frame.groupby("study")["yi"].agg(["min", "max"])
    found = aggregate(chosen, rho).yi
    assert ((found >= ends["min"] - 1e-12) & (found <= ends["max"] + 1e-12)).all()


@modest
@given(nested(), rhos)
def test_weighted_variance_is_the_smaller_one(chosen, rho):
    plain, weighted = aggregate(chosen, rho), aggregate(chosen, rho, weighted=True)
    assert (weighted.vi <= plain.vi * (1 + 1e-12)).all()


@modest
@given(nested(), rhos)
def test_equal_variances_make_both_means_the_same(chosen, rho):
    same = Effects.from_arrays(chosen.yi, np.full(chosen.n_effects, 0.02), chosen.frame["study"])
    plain, weighted = aggregate(same, rho), aggregate(same, rho, weighted=True)
    assert_close(weighted.yi, plain.yi, 1e-10, scale=1.0)
    assert_close(weighted.vi, plain.vi, 1e-10)


@modest
@given(nested(), st.floats(0, 0.4))
def test_variance_grows_with_rho(chosen, rho):
    assert (aggregate(chosen, rho + 0.5).vi >= aggregate(chosen, rho).vi * (1 - 1e-12)).all()


@weighting
@modest
@given(nested(), rhos, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(weighted, chosen, rho, random):
    turned = random.sample(range(chosen.n_effects), chosen.n_effects)
    other = Effects.from_arrays(
        chosen.yi[turned], chosen.vi[turned], chosen.frame["study"].to_numpy()[turned]
    )
    both = [
        aggregate(e, rho, weighted=weighted).frame.set_index("study").sort_index()
        for e in (chosen, other)
    ]
    for name in ("yi", "vi"):
        assert_close(both[1][name], both[0][name], 1e-10, scale=1e-3)


def test_number_of_effects_is_not_a_moderator():
    two = Effects.from_arrays([0.2, 0.5], [0.04, 0.06], study=["A", "A"])
    assert aggregate(two).moderators == ()


def test_true_and_false_have_no_mean():
    three = Effects.from_arrays(
        [0.2, 0.5, 0.1],
        [0.04, 0.06, 0.02],
        study=["A", "A", "B"],
        moderators={"same": [True, True, False], "other": [True, False, True]},
    )
    one = aggregate(three).frame
    assert one["same"].tolist() == [True, False]
    assert one["other"].tolist() == ["mixed", True]
