"""Agreement coefficients against published tables, R, and what has to hold of them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaalliance.core.agreement.categories import (
    FEW_ROWS,
    ONE_CATEGORY,
    PERFECT,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    pabak,
    percent_agreement,
)
from metaalliance.core.agreement.intraclass import (
    NO_VARIANCE,
    OPPOSED,
    icc_agreement,
    icc_consistency,
)
from metaalliance.core.agreement.krippendorff import krippendorff_alpha
from metaalliance.core.agreement.ratings import encode
from metaalliance.errors import OptionError

GOLDEN = json.loads(
    Path(__file__).parents[1].joinpath("golden", "agreement.json").read_text(encoding="utf-8")
)
#: Closed forms, and F quantiles. Seen: 2e-15.
TOLERANCE = 1e-12
NA = None


def codes(table):
    """Two lists of codes from a table of counts."""
    cells = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return [i for i, _ in cells], [j for _, j in cells]


def pairs(table):
    return list(zip(*codes(table), strict=True))


COHEN_1960 = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
SHROUT_FLEISS = [
    [9, 2, 5, 8],
    [6, 1, 3, 2],
    [8, 4, 6, 8],
    [7, 1, 2, 6],
    [10, 5, 6, 9],
    [6, 2, 4, 7],
]
KRIPPENDORFF = [
    [1, 1, NA, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [NA, 5, 5, 5], [NA, NA, 1, 1], [NA, NA, 3, NA],
]  # fmt: skip
#: First 15 patients of Fleiss 1971, as the R package irrCAC prints them (distrib.6raters).
SIX_RATERS = [
    [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0],
    [2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6],
    [1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1],
]  # fmt: skip


def raters(counts):
    return [[k for k, n in enumerate(row) for _ in range(n)] for row in counts]


# Published values -------------------------------------------------------------------------------


def test_cohen_1960():
    found = cohen_kappa(*codes(COHEN_1960))
    assert found.observed == pytest.approx(0.70)
    assert found.expected == pytest.approx(0.41)
    assert round(found.estimate, 3) == 0.492


def test_cohen_1968_with_its_own_weights():
    disagreement = np.array([[0, 1, 3], [1, 0, 6], [3, 6, 0]])
    found = cohen_kappa(*codes(COHEN_1960), weights=1 - disagreement / 6)
    assert round(found.estimate, 3) == 0.348


def test_fleiss_1971():
    ratings = GOLDEN["fleiss"]["fleiss1971"]["ratings"]
    assert round(fleiss_kappa(ratings).estimate, 3) == 0.430


@pytest.mark.parametrize(
    ("metric", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_krippendorff_2011_four_observers(metric, alpha):
    assert round(krippendorff_alpha(KRIPPENDORFF, metric).estimate, 3) == alpha


def test_krippendorff_2011_two_observers():
    binary = zip("0100000010", "1110010000", strict=True)
    assert round(krippendorff_alpha(list(binary)).estimate, 3) == 0.095
    ben = ["a", "a", "b", "b", "d", "c", "c", "c", "e", "d", "d", "a"]
    gerry = ["b", "a", "b", "b", "b", "c", "c", "c", "e", "d", "d", "d"]
    found = krippendorff_alpha(list(zip(ben, gerry, strict=True)))
    assert round(found.estimate, 3) == 0.692
    assert (found.n, found.values, found.coders) == (12, 24, 2)


def test_shrout_and_fleiss_1979():
    agreement, consistency = icc_agreement(SHROUT_FLEISS), icc_consistency(SHROUT_FLEISS)
    assert [round(x, 2) for x in (agreement.estimate, agreement.ci_low, agreement.ci_high)] == [
        0.29, 0.02, 0.76,
    ]  # fmt: skip
    assert [
        round(x, 2) for x in (consistency.estimate, consistency.ci_low, consistency.ci_high)
    ] == [0.71, 0.34, 0.95]
    assert agreement.ms_rows == pytest.approx(11.24, abs=0.005)
    assert agreement.ms_coders == pytest.approx(32.49, abs=0.005)
    assert agreement.ms_error == pytest.approx(1.02, abs=0.005)


@pytest.mark.parametrize(
    ("statistic", "estimate", "se"),
    [
        (fleiss_kappa, 0.4139265, 0.08119291),
        (gwet_ac1, 0.4448007, 0.08418757),
        (pabak, 0.4388889, 0.08312142),
    ],
)
def test_gwet_six_raters(statistic, estimate, se):
    # printed by the R package irrCAC 1.0 of K. L. Gwet in its README
    found = statistic(raters(SIX_RATERS))
    assert found.estimate == pytest.approx(estimate, abs=6e-8)
    assert found.se == pytest.approx(se, abs=6e-9)


@pytest.mark.parametrize(
    ("statistic", "estimate", "se", "low"),
    [
        (fleiss_kappa, 0.76117, 0.15302, 0.424),
        (gwet_ac1, 0.77544, 0.14295, 0.461),
        (pabak, 0.77273, 0.14472, 0.454),
        (percent_agreement, 0.8181818, 0.12561, 0.542),
    ],
)
def test_gwet_missing_codes(statistic, estimate, se, low):
    found = statistic(KRIPPENDORFF)  # cac.raw4raters of irrCAC
    assert found.estimate == pytest.approx(estimate, abs=6e-6)
    assert found.se == pytest.approx(se, abs=6e-6)
    assert found.ci_low == pytest.approx(low, abs=6e-4)
    assert found.ci_high == 1


def test_gwet_two_abstractors():
    table = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]  # cont3x3abstractors of irrCAC
    assert cohen_kappa(*codes(table)).estimate == pytest.approx(0.7964094, abs=6e-8)
    assert cohen_kappa(*codes(table)).se == pytest.approx(0.05891072, abs=6e-9)
    assert gwet_ac1(pairs(table)).estimate == pytest.approx(0.8493305, abs=6e-8)
    assert pabak(pairs(table)).estimate == pytest.approx(0.835, abs=1e-12)
    assert krippendorff_alpha(pairs(table)).estimate == pytest.approx(0.7972585, abs=6e-8)
    # its function for two coders divides by n where that for many divides by n - 1
    assert gwet_ac1(pairs(table)).se * math.sqrt(0.99) == pytest.approx(0.04321747, abs=6e-9)


def test_kappa_paradox():
    # Feinstein and Cicchetti 1990: high agreement, prevalent category
    ratings = pairs([[118, 5], [2, 0]])
    first, second = codes([[118, 5], [2, 0]])
    assert cohen_kappa(first, second).estimate < 0
    assert gwet_ac1(ratings).estimate > 0.9
    assert pabak(ratings).estimate == pytest.approx(2 * 118 / 125 - 1)


# R ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
@pytest.mark.parametrize("name", GOLDEN["kappa"])
def test_kappa_as_in_r(name, weights):
    case = GOLDEN["kappa"][name]
    ratings = np.array(case["ratings"], dtype=int)
    scale = range(1, ratings.max() + 1)
    found = cohen_kappa(ratings[:, 0], ratings[:, 1], weights=weights, categories=scale)
    assert found.estimate == pytest.approx(case[weights]["kappa"], abs=TOLERANCE)
    assert found.se == pytest.approx(case[weights]["se"], abs=TOLERANCE)


@pytest.mark.parametrize("name", GOLDEN["fleiss"])
def test_fleiss_as_in_r(name):
    case = GOLDEN["fleiss"][name]
    assert fleiss_kappa(case["ratings"]).estimate == pytest.approx(case["kappa"], abs=TOLERANCE)


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("name", GOLDEN["alpha"])
def test_alpha_as_in_r(name, metric):
    case = GOLDEN["alpha"][name]
    found = krippendorff_alpha(case["ratings"], metric)
    assert found.estimate == pytest.approx(case[metric], abs=TOLERANCE)


@pytest.mark.parametrize(
    ("kind", "statistic"), [("agreement", icc_agreement), ("consistency", icc_consistency)]
)
@pytest.mark.parametrize("name", GOLDEN["icc"])
def test_icc_as_in_r(name, kind, statistic):
    case = GOLDEN["icc"][name]
    found = statistic(case["values"])
    assert found.estimate == pytest.approx(case[kind]["icc"], abs=TOLERANCE)
    assert found.ci_low == pytest.approx(case[kind]["ci_low"], abs=TOLERANCE)
    assert found.ci_high == pytest.approx(case[kind]["ci_high"], abs=TOLERANCE)


# Degenerate tables ------------------------------------------------------------------------------

CHANCE_CORRECTED = (fleiss_kappa, gwet_ac1, pabak, percent_agreement)


def kappa_of(ratings):
    return cohen_kappa([r[0] for r in ratings], [r[1] for r in ratings])


@pytest.mark.parametrize("statistic", [kappa_of, *CHANCE_CORRECTED, krippendorff_alpha])
@pytest.mark.parametrize(
    "ratings", [[], [["a", "b"]], [["a", None], [None, "b"]], [["a", "a"], ["b", math.nan]]]
)
def test_fewer_than_two_units(statistic, ratings):
    found = statistic(ratings)
    assert math.isnan(found.estimate)
    assert found.reason == FEW_ROWS


@pytest.mark.parametrize("statistic", [kappa_of, fleiss_kappa])
def test_one_category_has_no_kappa(statistic):
    found = statistic([["a", "a"]] * 5)
    assert math.isnan(found.estimate)
    assert math.isnan(found.ci_low)
    assert found.observed == 1
    assert found.reason == ONE_CATEGORY


@pytest.mark.parametrize("statistic", [gwet_ac1, pabak, percent_agreement])
def test_one_category_is_agreement(statistic):
    found = statistic([["a", "a"]] * 5)
    assert found.estimate == 1
    assert found.reason == PERFECT


def test_one_category_has_no_alpha():
    for metric in ("nominal", "ordinal", "interval"):
        found = krippendorff_alpha([[2, 2]] * 5, metric)
        assert math.isnan(found.estimate)
        assert found.reason == NO_VARIANCE


@pytest.mark.parametrize("statistic", [kappa_of, *CHANCE_CORRECTED])
def test_perfect_agreement_claims_no_certainty(statistic):
    found = statistic([["a", "a"], ["b", "b"], ["c", "c"]])
    assert found.estimate == 1
    assert found.se == 0
    assert math.isnan(found.ci_low)
    assert found.reason == PERFECT


@pytest.mark.parametrize("statistic", [icc_agreement, icc_consistency])
def test_degenerate_numbers(statistic):
    assert statistic([]).reason == FEW_ROWS
    assert statistic([[1, 2], [1, math.nan]]).reason == FEW_ROWS
    same = statistic([[0.3, 0.3]] * 4)
    assert math.isnan(same.estimate)
    assert same.reason == NO_VARIANCE
    perfect = statistic([[0.1, 0.1], [0.2, 0.2], [0.7, 0.7]])
    assert perfect.estimate == 1
    assert math.isnan(perfect.ci_low)
    assert perfect.reason == PERFECT


def test_constant_difference_is_consistent_but_no_agreement():
    values = [[1.0, 3.0], [2.0, 4.0], [3.0, 5.0], [7.0, 9.0]]
    assert icc_consistency(values).estimate == 1
    found = icc_agreement(values)
    assert 0 < found.estimate < 1
    assert found.ci_low < found.estimate < found.ci_high


def test_opposite_rows():
    found = icc_agreement([[0, 1], [1, 0]])
    assert math.isnan(found.estimate)
    assert found.reason == OPPOSED
    assert icc_consistency([[0, 1], [1, 0]]).estimate == -1


def test_huge_numbers_lose_nothing():
    small = icc_agreement([[1, 2], [3, 3], [5, 4], [9, 8]])
    large = icc_agreement([[1e9 + a, 1e9 + b] for a, b in [[1, 2], [3, 3], [5, 4], [9, 8]]])
    assert large.estimate == pytest.approx(small.estimate, rel=1e-6)


@pytest.mark.parametrize("ratings", ["ab", [1, 2, 3], [[1], [2]]])
def test_no_table(ratings):
    with pytest.raises(OptionError):
        encode(ratings)


def test_unknown_category_and_weights():
    with pytest.raises(OptionError, match="not one of the categories"):
        cohen_kappa(["a", "b"], ["a", "c"], categories=["a", "b"])
    with pytest.raises(OptionError, match="quadratic"):
        cohen_kappa([1, 2], [1, 2], weights="squared")
    with pytest.raises(OptionError, match="shape"):
        cohen_kappa([1, 2], [1, 2], weights=np.eye(3))
    with pytest.raises(OptionError, match="needs numbers"):
        krippendorff_alpha([["a", "b"], ["a", "a"]], "interval")


# Properties -------------------------------------------------------------------------------------

LABELS = st.sampled_from(["CBT", "IPT", "other", "mixed"])
TWO = st.lists(st.tuples(LABELS, LABELS), min_size=2, max_size=40)
THREE = st.lists(st.tuples(*[st.one_of(st.none(), LABELS)] * 3), min_size=2, max_size=30)
NUMBERS = st.lists(st.tuples(*[st.integers(-50, 50)] * 3), min_size=2, max_size=25)


def same(first, second):
    assert first.estimate == pytest.approx(second.estimate, abs=1e-9, nan_ok=True)
    assert first.se == pytest.approx(second.se, abs=1e-7, nan_ok=True)  # the root of a rounding


@given(TWO)
def test_kappa_is_symmetric(ratings):
    a, b = [r[0] for r in ratings], [r[1] for r in ratings]
    scale = ["CBT", "IPT", "other", "mixed"]
    for weights in ("none", "linear", "quadratic"):
        same(
            cohen_kappa(a, b, weights=weights, categories=scale),
            cohen_kappa(b, a, weights=weights, categories=scale),
        )


@given(TWO, st.randoms(use_true_random=False))
def test_order_of_units_and_names_of_categories_do_not_matter(ratings, random):
    shuffled = random.sample(ratings, len(ratings))
    renamed = [(f"x{a[::-1]}", f"x{b[::-1]}") for a, b in ratings]
    for statistic in (kappa_of, *CHANCE_CORRECTED):
        same(statistic(ratings), statistic(shuffled))
        same(statistic(ratings), statistic(renamed))


@given(THREE, st.permutations([0, 1, 2]))
def test_coders_are_exchangeable(ratings, order):
    turned = [tuple(r[i] for i in order) for r in ratings]
    for statistic in CHANCE_CORRECTED:
        same(statistic(ratings), statistic(turned))
    a, b = krippendorff_alpha(ratings).estimate, krippendorff_alpha(turned).estimate
    assert a == pytest.approx(b, abs=1e-12, nan_ok=True)


@given(st.lists(LABELS, min_size=2, max_size=30).filter(lambda x: len(set(x)) > 1))
def test_perfect_agreement_is_one(labels):
    ratings = [(x, x, x) for x in labels]
    for statistic in (kappa_of, *CHANCE_CORRECTED, krippendorff_alpha):
        assert statistic(ratings).estimate == 1


@given(TWO)
def test_alpha_is_scotts_pi_with_its_small_sample_term(ratings):
    pi, alpha = fleiss_kappa(ratings), krippendorff_alpha(ratings)
    if math.isnan(pi.estimate):
        return
    expected = 1 - (1 - 1 / (2 * len(ratings))) * (1 - pi.estimate)
    assert alpha.estimate == pytest.approx(expected, abs=1e-12)


@given(TWO)
def test_two_categories_need_no_weights(ratings):
    binary = [(a == "CBT", b == "CBT") for a, b in ratings]
    a, b = [str(x) for x, _ in binary], [str(y) for _, y in binary]
    same(cohen_kappa(a, b), cohen_kappa(a, b, weights="quadratic"))


@given(TWO)
def test_no_coefficient_exceeds_one(ratings):
    for statistic in (kappa_of, *CHANCE_CORRECTED):
        found = statistic(ratings)
        assert math.isnan(found.estimate) or -1 - 1e-12 <= found.estimate <= 1
        if not math.isnan(found.ci_low):
            assert -1 <= found.ci_low <= found.estimate + 1e-12
            assert found.estimate - 1e-12 <= found.ci_high <= 1


@given(NUMBERS, st.integers(-9, 9), st.sampled_from([0.001, 1, 1000]))
def test_icc_does_not_depend_on_origin_and_unit(values, shift, scale):
    x = np.array(values, dtype=float)
    moved = shift + scale * x
    for statistic in (icc_agreement, icc_consistency):
        a, b = statistic(x), statistic(moved)
        assert a.estimate == pytest.approx(b.estimate, abs=1e-7, nan_ok=True)
    a, b = (
        krippendorff_alpha(x.tolist(), "interval"),
        krippendorff_alpha(moved.tolist(), "interval"),
    )
    assert a.estimate == pytest.approx(b.estimate, abs=1e-7, nan_ok=True)


@given(NUMBERS)
def test_a_level_of_one_coder_is_no_matter_of_consistency(values):
    x = np.array(values, dtype=float)
    a, b = icc_consistency(x), icc_consistency(x + np.array([0.0, 10.0, -3.0]))
    assert a.estimate == pytest.approx(b.estimate, abs=1e-9, nan_ok=True)


@pytest.mark.slow
def test_interval_of_kappa_covers():
    rng = np.random.default_rng(7)
    p = np.array([[0.44, 0.07, 0.09], [0.05, 0.20, 0.05], [0.01, 0.03, 0.06]])
    draws = [rng.multinomial(200, p.ravel()).reshape(3, 3).tolist() for _ in range(1000)]
    intervals = [cohen_kappa(*codes(d), weights="linear") for d in draws]
    truth = cohen_kappa(*codes((p * 100).round().astype(int)), weights="linear").estimate
    covered = np.mean([f.ci_low <= truth <= f.ci_high for f in intervals])
    assert 0.93 <= covered <= 0.97
