"""Cumulative results: order, ties, missing years, early steps."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import assert_close, quiet_pool

import metaalliance as ma


def effects(year, study=None, k=6):
    rng = np.random.default_rng(2)
    yi, vi = rng.normal(0.3, 0.2, k), rng.uniform(0.01, 0.05, k)
    return ma.Effects.from_arrays(yi, vi, study=study, moderators={"year": year}, measure="z")


def test_studies_of_a_year_come_in_together():
    chosen = effects([2001, 1990, 2001, 1995, 1990, 2010])
    found = ma.cumulative(chosen)
    assert found.frame["value"].tolist() == [1990, 1995, 2001, 2010]
    assert found.frame["n_added"].tolist() == [2, 1, 2, 1]
    assert found.frame["added"].tolist() == ["2, 5", "4", "1, 3", "6"]
    for row in found.frame.itertuples():
        naive = quiet_pool(chosen.subset(chosen.frame["year"] <= row.value))
        for name in ("estimate", "se", "ci_low", "pi_high", "tau2", "I2", "Q", "n_studies"):
            assert_close(getattr(row, name), getattr(naive, name), 1e-8, 1e-6)
    assert_close(found.frame["estimate"].iloc[-1], found.fit.estimate, 1e-12)


def test_ties_in_the_order_of_the_sheet():
    found = ma.cumulative(effects([2001, 1990, 2001, 1995, 1990, 2010]), ties="sheet")
    assert found.frame["added"].tolist() == ["2", "5", "4", "1", "3", "6"]
    assert found.frame["n_studies"].tolist() == [1, 2, 3, 4, 5, 6]


def test_the_largest_first():
    found = ma.cumulative(effects([1, 2, 3, 4, 5, 6]), descending=True)
    assert found.frame["value"].tolist() == [6, 5, 4, 3, 2, 1]
    by_variance = ma.cumulative(effects([1, 2, 3, 4, 5, 6]), by="vi")
    assert by_variance.frame["value"].is_monotonic_increasing


def test_studies_without_a_year_are_named():
    found = ma.cumulative(effects([2001, np.nan, 2001, 1995, np.nan, 2010]))
    assert found.missing == ("2", "5")
    assert found.frame["n_studies"].tolist() == [1, 3, 4]
    assert found.notices[0].code == "MA663"
    assert "2 studies have no year and never come in: 2, 5" in found.notices[0].message
    assert found.to_dict()["missing"] == ["2", "5"]


def test_a_study_of_two_years_comes_in_whole_at_the_first():
    chosen = effects([2001, 1990, 2001, 1995, 2000, 2010], study=list("AABBCD"))
    found = ma.cumulative(quiet_pool(chosen, model="che"))
    assert found.frame["added"].tolist() == ["A", "B", "C", "D"]
    assert found.frame["value"].tolist() == [1990, 1995, 2000, 2010]
    varying = [p for p in found.notices if "varies within A, B" in p.message]
    assert varying[0].severity == "note"


def test_too_few_studies_fall_back_and_say_so():
    chosen = effects([1, 2, 3, 4, 4, 5], study=list("ABCDDE"))
    found = ma.cumulative(quiet_pool(chosen, model="che"))
    assert found.frame["model"].tolist() == ["two-level", "two-level", "two-level", "che", "che"]
    assert (found.frame["reason"] == "").all()
    single = found.frame.iloc[0]
    assert_close(single["estimate"], chosen.yi[0], 1e-14)
    assert np.isnan(single["tau2"])
    second = quiet_pool(chosen.subset([True] * 2 + [False] * 4), test="knapp-hartung-adhoc")
    assert_close(found.frame["estimate"][1], second.estimate, 1e-10)
    last = quiet_pool(chosen, model="che")
    assert_close(found.frame["se"][4], last.se, 1e-10)


def test_one_study_of_several_effects_is_aggregated_first():
    chosen = effects([1, 1, 2, 3, 3, 4], study=list("AABCCD"))
    found = ma.cumulative(quiet_pool(chosen, model="che"))
    first = ma.aggregate(chosen.subset([True, True] + [False] * 4), 0.6)
    assert_close(found.frame["estimate"][0], first.yi[0], 1e-14)
    assert_close(found.frame["se"][0], np.sqrt(first.vi[0]), 1e-14)


def test_one_effect_in_all():
    chosen = ma.Effects.from_arrays([0.2], [0.01], moderators={"year": [1999]})
    found = ma.cumulative(quiet_pool(chosen))
    assert found.frame["n_studies"].tolist() == [1]
    assert found.frame["estimate"].tolist() == [0.2]


def test_text_and_r():
    found = ma.cumulative(effects([2001, 1990, 2001, 1995, 1990, 2010]))
    assert_close(found.to_frame("r")["ci_low"], np.tanh(found.frame["ci_low"]), 1e-14)
    lines = found.summary().splitlines()
    assert lines[0] == "Cumulative by year: 4 steps"
    assert lines[1].startswith("  1990 (+2, k = 2): .")


def test_columns_that_cannot_order_are_refused():
    chosen = effects([2001, 1990, 2001, 1995, 1990, 2010])
    with pytest.raises(ma.OptionError, match="no column 'decade'"):
        ma.cumulative(chosen, "decade")
    with pytest.raises(ma.OptionError, match="'early'"):
        ma.cumulative(effects(["early", 1, 2, 3, 4, 5]))
    with pytest.raises(ma.OptionError, match="numbers are needed"):
        ma.cumulative(effects([True, False, True, False, True, False]))
    with pytest.raises(ma.OptionError, match="ties='random'"):
        ma.cumulative(chosen, ties="random")
    with pytest.raises(ma.EstimationError, match="No study has a value"):
        ma.cumulative(effects([np.nan] * 6))
