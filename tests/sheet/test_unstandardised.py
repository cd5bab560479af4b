"""An unstandardised coefficient whose standard error stands in its limits or in its p."""

from __future__ import annotations

import pytest
from scipy import stats

import metaalliance as ma

B, SE, DF = -0.42, 0.15, 56
R = B / SE / ((B / SE) ** 2 + DF) ** 0.5
P = 2 * stats.t.sf(abs(B / SE), DF)


def limits(level=0.95):
    half = stats.t.ppf((1 + level) / 2, DF) * SE
    return f"{B - half:.6f},{B + half:.6f}"


def r_of(load, header, cells):
    studies = load(f"study,b,{header}\nA,{B},{cells}\n")
    assert studies.errors == ()
    return ma.effect_sizes(studies).frame["r"].iloc[0]


@pytest.mark.parametrize(("header", "cells"), [
    ("df,se_b", f"56,{SE}"),
    ("df,ci_low,ci_high", f"56,{limits()}"),
    ("n,ci_low,ci_high,ci_level", f"58,{limits(0.9)},90"),
    ("n,n_predictors,ci_low,ci_high,sd_x,sd_y", f"60,3,{limits()},1,2"),
    ("df,p", f"56,{P:.9f}"),
    ("n,n_predictors,p,tails", f"60,3,{P / 2:.9f},1"),
])  # fmt: skip
def test_limits_or_p_give_the_t_of_b(load, header, cells):
    assert r_of(load, header, cells) == pytest.approx(R, abs=1e-6)


def test_symptoms_turn_b_with_its_limits(load):
    text = f"study,b,df,ci_low,ci_high,outcome_direction\nA,{B},56,{limits()},lower_better\n"
    frame = ma.effect_sizes(load(text)).frame
    assert frame["r"].iloc[0] == pytest.approx(-R, abs=1e-6)


@pytest.mark.parametrize(("header", "cells", "code"), [
    ("df,ci_low", "56,-.7", "MA403"),
    ("df,ci_low,ci_high", "56,-.5,.6", "MA313"),
    ("df,ci_low,ci_high", "56,-.1,-.7", "MA403"),
    ("df,ci_low,sd_y", "56,-.7,2", "MA403"),
    ("df,p", "56,0", "MA403"),
    ("df,p", "56,<.01", "MA309"),
    ("df,p,tails", "56,.03,two", "MA302"),
    ("ci_low,ci_high", limits(), "MA403"),
    ("p", ".03", "MA403"),
])  # fmt: skip
def test_what_gives_no_t_is_refused(load, header, cells, code):
    assert code in [p.code for p in load(f"study,b,{header}\nA,{B},{cells}\n").errors]
