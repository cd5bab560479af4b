"""Correction of coded correlations for unreliability: values, variances, ledger, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close

import metaalliance as ma
from metaalliance.effects.ledger import LEDGER_COLUMNS
from metaalliance.errors import EstimationError, OptionError

HEADER = (
    "study,r,n,alliance_measure,alliance_reliability,outcome_measure,outcome_reliability,"
    "outcome_direction\n"
)
FULL = "A,.30,50,WAI,.93,BDI-II,.90,lower_better\nB,.25,80,HAq-II,.80,SCL-90-R,.85,higher_better\n"
GAPS = (
    "A,.30,50,WAI,.93,BDI-II,.90,higher_better\nB,.25,80,WAI,,BDI-II,.85,higher_better\n"
    "C,.40,40,HAq-II,.80,SCL-90-R,,higher_better\n"
)


@pytest.fixture
def sheet(tmp_path):
    def read(rows, header=HEADER):
        path = tmp_path / "studies.csv"
        path.write_text(header + rows, encoding="utf-8")
        return ma.read_studies(path)

    return read


def both(x):
    return {"alliance_reliability": x, "outcome_reliability": x}


# Values -----------------------------------------------------------------------------------------


def test_fisher_z_and_its_variance(sheet):
    found = ma.effect_sizes(sheet(FULL), attenuation="individual").frame
    A = np.sqrt([0.93 * 0.90, 0.80 * 0.85])
    r, n = np.array([-0.30, 0.25]), np.array([50, 80])
    assert_close(found["yi"], np.arctanh(r / A), CLOSED)
    # delta method: d atanh(tanh(z) / A) / dz
    slope = (1 - r**2) / (A * (1 - (r / A) ** 2))
    assert_close(found["vi"], slope**2 / (n - 3), CLOSED)


def test_r_and_its_variance(sheet):
    found = ma.effect_sizes(sheet(FULL), "r", attenuation="individual").frame
    plain = ma.effect_sizes(sheet(FULL), "r").frame
    A2 = np.array([0.93 * 0.90, 0.80 * 0.85])
    assert_close(found["yi"], plain["yi"] / np.sqrt(A2), CLOSED)
    assert_close(found["vi"], plain["vi"] / A2, CLOSED)


@pytest.mark.parametrize("measure", ["z", "r", "r-unbiased"])
def test_variance_by_numeric_derivative(sheet, measure):
    from metaalliance.core.conversion.attenuation import correct_r, correct_z

    plain = ma.effect_sizes(sheet(FULL), measure).frame
    found = ma.effect_sizes(sheet(FULL), measure, attenuation="individual").frame
    correct, h = (correct_z if measure == "z" else correct_r), 1e-5
    for i, (rxx, ryy) in enumerate([(0.93, 0.90), (0.80, 0.85)]):
        y = plain["yi"][i]
        ends = [correct(y + d, 1.0, rxx, ryy).estimate for d in (-h, h)]
        slope = (ends[1] - ends[0]) / (2 * h)
        assert_close(found["vi"][i], slope**2 * plain["vi"][i], 1e-8)


@pytest.mark.parametrize(("side", "A2"), [("alliance", [0.93, 0.80]), ("outcome", [0.90, 0.85])])
def test_one_measure_only(sheet, side, A2):
    found = ma.effect_sizes(sheet(FULL), attenuation=side).frame
    assert_close(found["attenuation"], np.sqrt(A2), CLOSED)


def test_observed_r_is_kept(sheet):
    found = ma.effect_sizes(sheet(FULL), attenuation="individual").frame
    assert found["r_observed"].tolist() == [-0.30, 0.25]
    assert_close(found["r"], found["r_observed"] / found["attenuation"], CLOSED)


def test_corrected_columns_are_not_moderators(sheet):
    found = ma.effect_sizes(sheet(FULL), attenuation="individual")
    assert not {"r_observed", "attenuation"} & set(found.moderators)


def test_perfect_reliability_changes_nothing(sheet):
    perfect = FULL.replace(".93", "1").replace(".90", "1").replace(".80", "1").replace(".85", "1")
    plain = ma.effect_sizes(sheet(perfect)).frame
    found = ma.effect_sizes(sheet(perfect), attenuation="individual").frame
    assert_close(found[["yi", "vi"]], plain[["yi", "vi"]], CLOSED)


def test_default_is_no_correction(sheet):
    found = ma.effect_sizes(sheet(FULL))
    assert "attenuation" not in found.frame
    assert tuple(found.ledger.columns) == LEDGER_COLUMNS


# What stands for a missing reliability -----------------------------------------------------------


def test_missing_is_refused_with_its_rows(sheet):
    with pytest.raises(
        EstimationError, match=r"missing in 1 of 3 rows: B \(row 3, WAI\)"
    ) as caught:
        ma.effect_sizes(sheet(GAPS), attenuation="individual")
    assert caught.value.code == "MA624"
    with pytest.raises(EstimationError, match=r"outcome_reliability .* C \(row 4, SCL-90-R\)"):
        ma.effect_sizes(sheet(GAPS), attenuation="individual", alliance_reliability=0.9)


def test_one_number(sheet):
    found = ma.effect_sizes(sheet(GAPS), attenuation="individual", **both(0.88)).frame
    expected = np.sqrt([0.93 * 0.90, 0.88 * 0.85, 0.80 * 0.88])
    assert_close(found["attenuation"], expected, CLOSED)


def test_by_measure(sheet):
    found = ma.effect_sizes(
        sheet(GAPS), attenuation="alliance", alliance_reliability={"wai": 0.9, "CALPAS": 0.8}
    )
    assert_close(found.frame["attenuation"], np.sqrt([0.93, 0.9, 0.80]), CLOSED)


def test_star_stands_for_the_rest(sheet):
    found = ma.effect_sizes(
        sheet(GAPS), attenuation="alliance", alliance_reliability={"CALPAS": 0.8, "*": 0.7}
    )
    assert_close(found.frame["attenuation"], np.sqrt([0.93, 0.7, 0.80]), CLOSED)
    assert "alliance 0.7 [assumed for *]" in found.ledger["attenuation"][1]


def test_measure_that_is_not_in_the_mapping(sheet):
    with pytest.raises(EstimationError, match=r"B \(row 3, WAI\)"):
        ma.effect_sizes(sheet(GAPS), attenuation="alliance", alliance_reliability={"HAq-II": 0.9})


def test_mean_of_the_reported_ones(sheet):
    found = ma.effect_sizes(sheet(GAPS), attenuation="alliance", alliance_reliability="mean")
    mean = (math.sqrt(0.93) + math.sqrt(0.80)) / 2
    assert_close(found.frame["attenuation"], [math.sqrt(0.93), mean, math.sqrt(0.80)], CLOSED)
    assert "mean of 2 reported" in found.ledger["attenuation"][1]


def test_mean_of_none(sheet):
    blank = "A,.3,50,WAI,,BDI-II,,higher_better\n"
    with pytest.raises(EstimationError, match="the sheet has none"):
        ma.effect_sizes(sheet(blank), attenuation="alliance", alliance_reliability="mean")


# Ledger -------------------------------------------------------------------------------------------


def test_ledger_says_what_was_used_and_where_it_came_from(sheet):
    found = ma.effect_sizes(sheet(GAPS), attenuation="individual", **both(0.88)).ledger
    text = found["attenuation"].tolist()
    assert text[0] == (
        "0.3 / sqrt(alliance 0.93 [studies.csv!E2] × outcome 0.9 [studies.csv!G2]) = 0.327913"
    )
    assert "alliance 0.88 [assumed] × outcome 0.85 [studies.csv!G3]" in text[1]


def test_ledger_holds_the_corrected_values(sheet):
    found = ma.effect_sizes(sheet(FULL), attenuation="individual")
    assert_close(found.ledger[["yi", "vi", "r"]], found.frame[["yi", "vi", "r"]], CLOSED)
    assert found.ledger["r_reported"].tolist() == [0.30, 0.25]


def test_partial_correlations_are_flagged(sheet):
    header = "study,partial_r,n,n_predictors,alliance_reliability,outcome_reliability\n"
    found = ma.effect_sizes(sheet("A,.3,60,2,.9,.9\n", header), attenuation="individual").ledger
    assert found["approximate"][0]
    assert "zero-order" in found["assumptions"][0]


# Refusals -----------------------------------------------------------------------------------------


def test_corrected_correlations_that_reach_one_are_refused_at_once(sheet):
    high = "A,.85,50,WAI,.7,BDI,.7,higher_better\nB,.90,50,WAI,.8,BDI,.8,higher_better\n"
    with pytest.raises(
        EstimationError, match=r"2 correlations reach 1 .* A \(row 2\).* B \(row 3\)"
    ):
        ma.effect_sizes(sheet(high), attenuation="individual")


def test_on_the_scale_of_r_they_are_kept_and_marked(sheet):
    high = "A,.85,50,WAI,.7,BDI,.7,higher_better\n"
    found = ma.effect_sizes(sheet(high), "r", attenuation="individual")
    assert_close(found.yi, [0.85 / 0.7], CLOSED)
    assert found.ledger["attenuation"][0].endswith("beyond 1 by sampling error")


def test_reliability_of_zero(sheet):
    with pytest.raises(EstimationError, match=r"studies\.csv!E2: 0 is not a reliability"):
        ma.effect_sizes(sheet("A,.3,50,WAI,0,BDI,.9,higher_better\n"), attenuation="alliance")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attenuation": "both"}, "attenuation='both'"),
        ({"alliance_reliability": 0.9}, "does not correct for the alliance"),
        (
            {"attenuation": "alliance", "outcome_reliability": 0.9},
            "does not correct for the outcome",
        ),
        ({"attenuation": "alliance", "alliance_reliability": 0.0}, "alliance_reliability=0.0"),
        ({"attenuation": "alliance", "alliance_reliability": 1.2}, "alliance_reliability=1.2"),
        ({"attenuation": "alliance", "alliance_reliability": "median"}, "nor 'mean'"),
        ({"attenuation": "alliance", "alliance_reliability": {"WAI": math.nan}}, "=nan is not"),
    ],
)
def test_options(sheet, options, message):
    with pytest.raises(OptionError, match=message):
        ma.effect_sizes(sheet(FULL), **options)


def test_pooled_mean_is_larger_and_less_precise(sheet):
    rows = FULL.replace("lower_better", "higher_better") + "C,.2,60,WAI,.9,BDI,.8,higher_better\n"
    plain = ma.pool(ma.effect_sizes(sheet(rows)), model="common-effect")
    found = ma.pool(ma.effect_sizes(sheet(rows), attenuation="individual"), model="common-effect")
    assert found.estimate > plain.estimate
    assert found.se > plain.se
