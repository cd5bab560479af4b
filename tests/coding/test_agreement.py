"""The agreement table: what is compared with what, and what counts as agreement."""

from __future__ import annotations

import math

import pytest

from metaalliance.coding.agreement import CONVERTED, agreement
from metaalliance.coding.matching import match_rows
from metaalliance.coding.points import pooled_by_coder
from metaalliance.coding.values import kind_of, order_of, same
from metaalliance.core.agreement.categories import cohen_kappa
from metaalliance.core.agreement.intraclass import icc_agreement
from metaalliance.effects.convert import effect_sizes
from metaalliance.models.pool import pool


def table(sheets, *coders, **options):
    found = agreement(match_rows(sheets(*coders)), **options)
    return {v.name: v for v in found.variables}


def test_nominal_is_cohens_kappa_and_ac1(sheets, change):
    found = table(sheets, change(), change((0, {"alliance_rater": "therapist"})))
    rater = found["alliance_rater"]
    a = ["client", "therapist", "client", "observer", "client", "client", "client"]
    b = ["therapist", *a[1:]]
    expected = cohen_kappa(a, b)
    assert (rater.kind, rater.unit, rater.n, rater.keyed) == ("nominal", "row", 7, False)
    assert rater.exact == pytest.approx(6 / 7)
    assert rater.coefficients[0].estimate == pytest.approx(expected.estimate)
    assert rater.coefficients[0].ci_low == pytest.approx(expected.ci_low)
    assert rater.coefficients[1].name == "AC1"


def test_a_blank_beside_a_value_is_a_disagreement_of_its_own(sheets, change):
    found = table(sheets, change(), change((0, {"alliance_time": None}), (3, {"n": "NR"})))
    time, n = found["alliance_time"], found["n"]
    assert (time.n, time.one_blank) == (7, 1)
    assert time.exact == pytest.approx(6 / 7)
    assert time.coefficients[0].n == 7
    assert (n.n, n.one_blank, n.icc.n) == (7, 1, 6)
    assert n.exact == n.within == pytest.approx(6 / 7)


def test_units_that_nobody_has_coded_are_left_out(sheets, change):
    blank = [(i, {"mean_age": None}) for i in (0, 1, 2)]
    found = table(sheets, change(*blank), change(*blank))
    assert found["mean_age"].n == 3  # three studies have an age
    assert "notes" not in found
    assert "study" not in found


def test_a_variable_of_the_study_counts_once_for_each(sheets, change):
    both = [(i, {"modality": "humanistic"}) for i in (0, 1)]
    found = table(sheets, change(), change(*both))
    modality = found["modality"]
    assert (modality.unit, modality.n) == ("study", 5)
    assert modality.exact == pytest.approx(4 / 5)


def test_blank_means_the_default(sheets, change):
    include = [(i, {"include": "yes"}) for i in range(7)]
    found = table(sheets, change((0, {"include": "yes"})), change(*include))
    assert found["include"].exact == 1
    assert found["include"].one_blank == 0


def test_risk_of_bias_is_ordinal(sheets, change):
    found = table(sheets, change(), change((2, {"risk_of_bias": "some concerns"})))
    rating = found["risk_of_bias"]
    scale = ["low", "some concerns", "high"]
    a = ["low", "high", "some concerns", "low", "some concerns"]
    b = ["low", "some concerns", "some concerns", "low", "some concerns"]
    expected = cohen_kappa(a, b, weights="quadratic", categories=scale)
    assert rating.kind == "ordinal"
    assert rating.coefficients[0].estimate == pytest.approx(expected.estimate)


def test_ratings_in_numbers_keep_their_distance(sheets, change):
    ratings = [1, 1, 5, 2, 1, 1, 4]
    a = change(*((i, {"risk_of_bias": v}) for i, v in enumerate(ratings)))
    b = change(*((i, {"risk_of_bias": v}) for i, v in enumerate([1, 1, 4, 2, 1, 1, 4])))
    rating = table(sheets, a, b)["risk_of_bias"]
    expected = cohen_kappa(
        [1, 5, 2, 1, 4], [1, 4, 2, 1, 4], weights="quadratic", categories=range(1, 6)
    )
    assert rating.kind == "ordinal"
    assert rating.coefficients[0].estimate == pytest.approx(expected.estimate)


def test_numbers_have_a_tolerance(sheets, change):
    other = change((0, {"r": 0.305}), (1, {"r": 0.21}), (2, {"n": 56}), (6, {"mean_age": 35.2}))
    found = table(sheets, change(), other)
    r, n, age = found["r"], found["n"], found["mean_age"]
    assert (r.exact, r.within) == (pytest.approx(5 / 7), pytest.approx(6 / 7))
    assert r.tolerance == "±.005"
    assert (r.largest.difference, r.largest.study) == (pytest.approx(0.01), "Adler 1988")
    assert r.largest.cells == ("effects!C3", "effects!C3")
    assert (n.kind, n.within, n.tolerance) == ("count", pytest.approx(6 / 7), "equal")
    assert (age.exact, age.within, age.tolerance) == (pytest.approx(0.8), 1.0, "1%")
    values = [(0.30, 0.305), (0.20, 0.21), (-0.25, -0.25), (0.12, 0.12), (0.41, 0.41),
              (0.36, 0.36), (0.05, 0.05)]  # fmt: skip
    assert r.icc.estimate == pytest.approx(icc_agreement(values).estimate)


def test_the_converted_effect_is_a_variable(sheets, change):
    other = change((2, {"outcome_direction": "higher_better"}), (3, {"r": None, "t": 0.92}))
    found = table(sheets, change(), other)
    assert found["r"].exact == pytest.approx(6 / 7)
    converted = found[CONVERTED]
    assert converted.n == 7
    assert converted.within == pytest.approx(6 / 7)  # t and r report the same effect
    assert converted.largest.difference == pytest.approx(0.5)


def test_text_and_columns_of_the_team(sheets, change):
    a = change(*((i, {"school": "x", "hours": i, "country": "New  Zealand"}) for i in range(7)))
    b = change(
        *(
            (i, {"school": "x y" if i else "z", "hours": i, "country": "new zealand"})
            for i in range(7)
        )
    )
    found = table(sheets, a, b)
    assert found["school"].kind == "nominal"
    assert found["hours"].kind == "number"
    assert (found["country"].kind, found["country"].exact) == ("text", 1)
    assert found["school"].exact == 0


def test_keyed_variables_are_marked(sheets, change):
    bare = [{k: v for k, v in row.items() if k != "effect"} for row in change()]
    found = table(sheets, bare, bare)
    assert found["alliance_rater"].keyed
    assert not found["modality"].keyed


def test_three_coders_have_fleiss_and_alpha(sheets, change):
    found = table(
        sheets, change(), change((0, {"alliance_rater": "other"})), change(drop=[3]), level=0.9
    )
    rater = found["alliance_rater"]
    assert [c.name for c in rater.coefficients] == ["Fleiss kappa", "AC1"]
    assert rater.coefficients[0].level == 0.9
    assert rater.one_blank == 0  # a row that a coder has not is no blank
    assert rater.exact == pytest.approx(6 / 7)
    assert 0 < rater.alpha.estimate < 1
    assert found["r"].icc.coders == 3
    assert found["r"].icc.n == 6


def test_perfect_agreement(sheets, change):
    found = agreement(match_rows(sheets(change(), change())))
    assert all(v.exact == 1 for v in found.variables)
    frame = found.to_frame()
    assert list(frame["variable"])[-1] == CONVERTED
    assert set(frame["estimate"].dropna()) == {1.0}
    assert all(v["exact"] == 1 for v in found.to_dict()["variables"])


def test_coders_are_exchangeable(sheets, change):
    a, b = change(), change((0, {"r": 0.2, "modality": "IPT"}), (3, {"n": 61}), (4, {"r": None}))
    first, second = (agreement(match_rows(sheets(*pair))) for pair in ((a, b), (b, a)))
    for x, y in zip(first.variables, second.variables, strict=True):
        assert (x.name, x.n, x.exact, x.one_blank) == (y.name, y.n, y.exact, y.one_blank)
    columns = ["estimate", "se", "ci_low", "ci_high", "AC1", "alpha"]
    left, right = (t.to_frame()[columns].astype(float) for t in (first, second))
    assert abs(left - right).max().max() < 1e-9


def test_pooled_by_coder(sheets, change):
    a, b = sheets(change(), change((0, {"r": 0.1}), drop=[6]))
    pooled = pooled_by_coder(match_rows([a, b]))
    assert [(p.coder, p.rows, p.n_effects) for p in pooled] == [
        ("A", "all", 7),
        ("A", "matched", 6),
        ("B", "all", 6),
        ("B", "matched", 6),
    ]
    with pytest.warns(match="MA"):
        fit = pool(effect_sizes(a))
    assert pooled[0].r == pytest.approx(math.tanh(fit.estimate), abs=1e-14)
    assert pooled[0].ci_low == pytest.approx(math.tanh(fit.ci_low), abs=1e-14)
    assert pooled[0].model == "che"


def test_a_sheet_with_errors_has_a_reason_instead(sheets, change):
    pooled = pooled_by_coder(match_rows(sheets(change(), change((0, {"r": 1.3})))))
    assert pooled[0].r is not None
    assert pooled[2].r is None
    assert pooled[2].reason == "1 error in the sheet, the first in effects!C2 (MA312)"


def test_a_model_that_cannot_be_fitted_has_a_reason(sheets, change):
    rows = change(drop=[2, 3, 4, 5, 6])
    pooled = pooled_by_coder(match_rows(sheets(rows, rows)))
    assert "one study" in pooled[0].reason


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("modality", ["CBT"], "nominal"),
        ("statistic", ["r", "t"], "nominal"),
        ("n", [40.0], "count"),
        ("r", [0.4], "number"),
        ("country", ["Norway"], "text"),
        ("risk_of_bias", ["Low", "HIGH", None], "ordinal"),
        ("risk_of_bias", ["1", "2.5"], "ordinal"),
        ("risk_of_bias", ["A", "B"], "nominal"),
        ("hours", [1.0, 2.0, "3"], "number"),
        ("school", [f"s{i}" for i in range(13)], "text"),
    ],
)
def test_kinds(column, values, kind):
    assert kind_of(column, values) == kind


def test_equality():
    assert same("1.50", 1.5, "risk_of_bias")
    assert not same("1.5", "15", "risk_of_bias")
    assert same(None, "higher_better", "alliance_direction")
    assert not same(None, "higher_better", "outcome_direction")
    assert same("-", "-", "sign")
    assert not same("-", "+", "sign")
    assert order_of(["serious", "low"]) == ("low", "moderate", "serious", "critical")
