"""Means of effects of which some are known only as not significant."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from golden_data import golden
from scipy import stats

import metaalliance as ma
from metaalliance.effects.effects import Effects
from metaalliance.models.censored import CensoredFit
from metaalliance.models.comparison import compare_models


def effects_of(y, v, limit, silent, study=None, **columns):
    """Effects of which the silent ones are intervals."""
    y, v, limit, silent = (np.asarray(x) for x in (y, v, limit, silent))
    frame = pd.DataFrame({
        "study": np.arange(y.size) if study is None else study,
        "effect": np.arange(1, y.size + 1),
        "yi": np.where(silent, math.nan, y),
        "vi": v,
        "lower": np.where(silent, -limit, math.nan),
        "upper": np.where(silent, limit, math.nan),
        "r": np.where(silent, math.nan, np.tanh(y)),
        **columns,
    })  # fmt: skip
    return Effects(frame=frame, measure="z")


@pytest.fixture
def quiet_all():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def molloy():
    g = golden("censored")["two_level"]
    return g, effects_of(g["yi"], g["vi"], g["limit"], g["silent"])


@pytest.fixture(scope="module")
def nested():
    rng = np.random.default_rng(2)
    study = np.repeat(np.arange(14), 3)
    v = (1 / rng.integers(30, 120, 14))[study]
    y = 0.25 + 0.1 * rng.normal(size=14)[study] + np.sqrt(v) * rng.normal(size=42)
    limit = 1.96 * np.sqrt(v)
    silent = (np.abs(y) < limit) & (rng.random(42) < 0.6)
    assert 8 < silent.sum() < 20
    return effects_of(y, v, limit, silent, study, rater=np.tile(["client", "other", "client"], 14),
                      half=np.where(study % 2, "a", "b"))  # fmt: skip


def test_two_level_mean_is_that_of_r(molloy):
    g, effects = molloy
    fit = ma.pool(effects)
    assert isinstance(fit, CensoredFit) and fit.model == "two-level"
    assert fit.estimate == pytest.approx(g["estimate"], abs=1e-8)
    assert fit.tau2 == pytest.approx(g["tau2"], abs=1e-8)
    assert (fit.ci_low, fit.ci_high) == pytest.approx(g["ci"], rel=1e-8)
    assert fit.statistic == pytest.approx(g["statistic"], rel=1e-8)
    assert fit.tau2_ci() == pytest.approx((0.0, g["tau2_high"]), rel=1e-7)
    assert fit.tau2_ci() == fit.sigma2_ci("study")


def test_what_a_fit_says(nested):
    fit = ma.pool(nested, level=0.9)
    assert (fit.model, fit.test, fit.settings()["tau2"]) == ("che", "profile-likelihood", "ML")
    content = fit.to_dict()
    assert content["counts"] == {"n_studies": 14, "n_effects": 42, "n_participants": None,
                                 "n_censored": nested.n_censored}  # fmt: skip
    spread = content["heterogeneity"]
    assert spread["Q"] is None and spread["df"] is None and spread["p_value"] is None
    assert set(spread["sigma2"]) == set(spread["sigma2_ci"]) == {"study", "effect"}
    assert sum(spread["sigma2"].values()) == pytest.approx(spread["tau2"])
    assert np.isnan(fit.weights).all()
    half = 1.7709333959868731 * math.sqrt(fit.se**2 + fit.tau2)  # t(13) at .95
    assert fit.pi_high - fit.estimate == pytest.approx(half)
    text = fit.summary()
    assert f"{nested.n_censored} effects known only as not significant enter as intervals" in text
    assert "no Q" in text and "nan" not in text


def test_three_level_is_che_without_a_common_error(nested):
    che, three = ma.pool(nested, rho=0.0), ma.pool(nested, model="three-level")
    assert che.estimate == pytest.approx(three.estimate, rel=1e-9)
    assert che.log_likelihood == pytest.approx(three.log_likelihood, abs=1e-10)
    assert abs(ma.pool(nested).estimate - three.estimate) > 1e-4


def test_order_of_the_effects_is_a_convention(nested):
    turned = Effects(frame=nested.frame.iloc[::-1].reset_index(drop=True), measure="z")
    first, second = ma.pool(nested), ma.pool(turned)
    assert first.estimate == pytest.approx(second.estimate, rel=1e-9)
    assert first.ci_low == pytest.approx(second.ci_low, rel=1e-8)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"test": "cr2"}, "test='cr2': the mean has the interval of its profile likelihood"),
        ({"model": "two-level", "tau2": "DL", "test": "cr2"}, "tau2='DL'"),
        ({"model": "common-effect", "test": "cr2"}, "model='common-effect'"),
        ({"within": ("rater",)}, "within="),
        ({"above": ("half",)}, "above="),
        ({"crossed": "rater"}, "crossed='rater'"),
        ({"rho_same": 0.8, "same": "rater"}, "rho_same=0.8"),
        ({"rho": "shared"}, "rho='shared'"),
        ({"model": "two-level"}, "takes one effect per study"),
    ],
)
def test_what_the_likelihood_cannot_obey_is_refused_by_name(nested, asked, words):
    with pytest.raises((ma.OptionError, ma.EstimationError)) as refused:
        ma.pool(nested, **asked)
    assert words in str(refused.value)


@pytest.mark.parametrize("asked", [{"tau2": "ML"}, {"prediction": "simple"}, {"level": 0.8},
                                   {"rho": 0.3}])  # fmt: skip
def test_what_it_can_obey_it_obeys(nested, asked):
    plain, fit = ma.pool(nested), ma.pool(nested, **asked)
    if "tau2" in asked:
        assert fit.estimate == plain.estimate
    else:
        changed = [abs(getattr(fit, n) - getattr(plain, n)) for n in ("ci_low", "pi_low")]
        assert max(changed) > 1e-4


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (ma.aggregate, "An average of the effects of a study"),
        (ma.egger, "A method for publication bias"),
        (ma.trim_and_fill, "A method for publication bias"),
        (ma.bias_summary, "A method for publication bias"),
        (lambda e: ma.leave_one_out(ma.pool(e)), "A diagnostic of influence"),
        (lambda e: ma.influence(ma.pool(e)), "A diagnostic of influence"),
        (lambda e: ma.moderators(e, "half"), "A model of moderators"),
        (
            lambda e: ma.plots.orchard(ma.pool(e), by="half"),
            "cannot obey nonsignificant='censored'",
        ),
        (lambda e: ma.plots.caterpillar(ma.pool(e)), "A method that takes values"),
        (ma.multiverse, "cannot obey nonsignificant='censored'"),
        (lambda e: e.to_pymare(), "A method that takes values"),
    ],
)
def test_no_other_method_sees_an_effect_without_a_value(nested, refused, words):
    with pytest.raises(ma.OptionError, match=words):
        refused(nested)


def test_comparison_has_the_policies_that_were_not_chosen(molloy):
    _, effects = molloy
    rows, _ = compare_models(ma.pool(effects))
    assert [row.name for row in rows] == [
        "two-level (main)", "not significant as zero", "not significant dropped",
    ]  # fmt: skip
    zero, dropped = rows[1].fit, rows[2].fit
    frame = effects.frame
    y, silent = frame.yi.fillna(0.0), effects.censored
    assert zero.estimate == ma.pool(ma.Effects.from_arrays(y, frame.vi, measure="z")).estimate
    kept = ma.Effects.from_arrays(y[~silent], frame.vi[~silent], measure="z")
    assert dropped.estimate == ma.pool(kept).estimate
    assert zero.estimate < rows[0].fit.estimate < dropped.estimate


SHEET = """study,sample,r,n,df,tails,sign,outcome_direction,outcome_measure
A,one,.30,60,,,,higher_better,a
A,one,n.s.,60,,,,higher_better,b
A,two,n.s.,60,,,,higher_better,c
B,,.45,80,,,,higher_better,a
B,,.21,80,,,,higher_better,b
C,,.28,120,,,,higher_better,a
D,,n.s.,40,36,,,higher_better,a
E,,n.s.,45,,1,-,lower_better,a
F,,.5,70,,,,higher_better,a
"""


def test_arrays_are_the_rows_of_a_sheet(tmp_path, quiet_all):
    """The critical values are computed here, from the t distribution."""
    path = tmp_path / "s.csv"
    path.write_text(SHEET, encoding="utf-8")
    read = ma.effect_sizes(ma.read_studies(path, nonsignificant="censored"))
    nan, n = math.nan, np.array([60, 60, 60, 80, 80, 120, 40, 45, 70])
    df = np.where(n == 40, 36, n - 2)
    t = stats.t.isf(np.where(n == 45, 0.05, 0.025), df)
    top = np.arctanh(t / np.sqrt(t**2 + df))
    silent = np.isin(np.arange(9), [1, 2, 6, 7])
    r = np.array([0.3, nan, nan, 0.45, 0.21, 0.28, nan, nan, 0.5])
    made = Effects.from_arrays(
        np.arctanh(r), 1 / (df - 1), list("AAABBCDEF"), measure="z", n=n,
        sample=["one", "one", "two", *[None] * 6],
        lower=np.where(silent, np.where(n == 45, 0.0, -top), nan),
        upper=np.where(silent, top, nan),
    )  # fmt: skip
    for name in ("yi", "vi", "r", "lower", "upper"):
        np.testing.assert_allclose(made.frame[name], read.frame[name], rtol=1e-12, err_msg=name)
    assert made.n_censored == read.n_censored == 4
    mine, theirs = (ma.pool(e) for e in (made, read))
    for name in ("estimate", "ci_low", "ci_high", "tau2", "pi_high"):
        assert getattr(mine, name) == pytest.approx(getattr(theirs, name), rel=1e-9)
    assert made.subset(~made.censored).n_censored == 0


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"lower": [-0.3, math.nan]}, "lower and upper belong together: give both"),
        ({"lower": [-0.3, math.nan], "upper": [math.nan, 0.3]}, "belong together"),
        (
            {"lower": [0.3, math.nan], "upper": [0.3, math.nan]},
            r"lower\[0\] = 0.3: it is not",
        ),
        ({"lower": [-0.3, -0.2], "upper": [0.3, 0.2]}, r"yi\[1\] = 0.2: an effect has a value, or"),
        ({"lower": [math.nan] * 2, "upper": [math.nan] * 2}, r"yi\[0\] = nan: an effect without"),
        ({"lower": [-math.inf, math.nan], "upper": [0.3, math.nan]}, "must be finite"),
        ({"lower": [-0.3], "upper": [0.3]}, "lower has 1"),
        ({"lower": [-0.3, math.nan], "upper": [0.3, math.nan], "measure": "r"}, "takes no lower"),
        ({}, r"yi\[0\] is nan: every value must be finite"),
    ],
)
def test_limits_that_do_not_fit_are_refused_with_their_place(asked, words):
    with pytest.raises(ma.StudyDataError, match=words):
        Effects.from_arrays([math.nan, 0.2], [0.01, 0.01], **asked)


def test_arrays_without_intervals_have_no_limits():
    nothing = [math.nan] * 2
    effects = Effects.from_arrays([0.1, 0.2], [0.01, 0.01], lower=nothing, upper=nothing)
    assert effects.n_censored == 0 and "lower" not in effects.frame


def test_a_group_within_another_is_refused(nested):
    within = replace(nested, overlap="nested")
    with pytest.raises(ma.OptionError, match="overlap='nested'"):
        ma.pool(within)


def test_too_few_values_are_refused():
    effects = effects_of([0.3, 0.1, 0.1], [0.01] * 3, [0.2] * 3, [False, True, True])
    with pytest.raises(ma.EstimationError, match="heterogeneity needs two"):
        ma.pool(effects)
