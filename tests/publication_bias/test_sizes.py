"""Where variances depend on effects: effective n, Fisher z, critical values of each report."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bias_data import dependent, independent, quiet
from golden_data import assert_close, golden
from scipy import stats

import metaalliance as ma
from metaalliance.analysis.content import bias_results
from metaalliance.effects.fisher import (
    critical_values,
    effective_n,
    on_fisher_z,
    variance_of_effect,
)
from metaalliance.errors import EstimationError, OptionError
from metaalliance.plots.charts.funnel_marks import AsymmetryLine
from metaalliance.publication_bias.comparison import compare_all_models
from metaalliance.publication_bias.methods import METHODS
from metaalliance.report.sections.bias import adjusted_table, bias_section

CORRELATIONS = golden("bias_sizes")["correlations"]
both = pytest.mark.parametrize("name", CORRELATIONS)

HEADER = (
    "study,r,spearman_rho,chi2,t,p,tails,sign,n,n_predictors,outcome_direction,"
    "alliance_reliability,outcome_reliability"
)


def read(path, rows, **options):
    """Effects of a sheet: each row is the text behind its study."""
    lines = [f"S{i} (20{i:02d}),{row}" for i, row in enumerate(rows)]
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return ma.effect_sizes(ma.load_studies(path), **options)


def pearson(r, n, rest=""):
    return f"{r},,,,,,,{n},,higher_better,{rest or ','}"


def many(most=1, seed=3, k=24):
    """Rows of a review; every study has up to `most` effects."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(k):
        n = int(np.exp(rng.normal(4.2, 0.6)).clip(12, 400))
        for _ in range(1 + i % most):
            r = math.tanh(0.3 + rng.normal(0, math.sqrt(0.02 + 1 / (n - 3))))
            lines.append(f"S{i} (20{i:02d}),{pearson(f'{r:.5f}', n)}")
    return lines


def review(path, most, measure):
    path.write_text("\n".join([HEADER, *many(most)]) + "\n", encoding="utf-8")
    return ma.effect_sizes(ma.load_studies(path), measure=measure)


def raw(name):
    """Raw correlations of a golden data set, as from arrays."""
    r, n = (np.array(CORRELATIONS[name][c]) for c in ("r", "n"))
    return ma.Effects.from_arrays(r, (1 - r**2) ** 2 / (n - 1), measure="r", n=n)


# --- which effects, which size ---


def test_the_variance_rule_of_a_row_says_whether_it_depends_on_the_effect(tmp_path):
    rows = [pearson(0.3, 60), ",.4,,,,,,50,,higher_better,,", ",,,2.5,,,,60,19,higher_better,,"]
    effects = read(tmp_path / "a.csv", rows)
    assert variance_of_effect(effects).tolist() == [False, True, False]
    # n, n, and n less the covariates beyond the first
    assert effective_n(effects).tolist() == [60, 50, 42]
    on_r = read(tmp_path / "a.csv", rows, measure="r")
    assert variance_of_effect(on_r).all()
    assert effective_n(on_r).tolist() == [60, 50, 42]
    plain = read(tmp_path / "b.csv", [pearson(0.3, 60), pearson(0.2, 50)])
    assert not variance_of_effect(plain).any()
    assert "vi_of_effect" not in plain.frame and "effective_n" not in plain.frame


def test_a_correction_for_unreliability_makes_the_variance_depend_on_the_effect(tmp_path):
    rows = [pearson(0.3, 60, ".81,.64"), pearson(0.2, 50, ".81,1")]
    effects = read(tmp_path / "a.csv", rows, attenuation="individual")
    assert variance_of_effect(effects).all()
    assert_close(effective_n(effects), [60 * 0.81 * 0.64, 50 * 0.81], 1e-12)


def test_an_average_has_the_effective_n_of_its_variance():
    # two effects of 100 people with errors that correlate by .5: worth 100 / .75
    effects = ma.Effects.from_arrays(
        [0.2, 0.3, 0.1], [0.01] * 3, study=["A", "A", "B"], measure="r", n=[100, 100, 40]
    )
    assert_close(effective_n(ma.aggregate(effects, 0.5)), [100 / 0.75, 40], 1e-12)


def test_without_n_the_effective_n_is_that_of_the_variance():
    r = np.array([0.1, 0.4])
    effects = ma.Effects.from_arrays(r, (1 - r**2) ** 2 / 79, measure="r")
    assert_close(effective_n(effects), [80, 80], 1e-12)
    assert effective_n(ma.Effects.from_arrays([0.1, 0.2], [0.1, 0.2])) is None
    assert_close(effective_n(ma.Effects.from_arrays([0.1], [1 / 50], measure="z")), [53], 1e-12)


# --- regressions ---


@both
def test_regressions_on_effective_n_agree_with_r(name):
    effects = raw(name)
    for predictor, expected in CORRELATIONS[name]["by_size"].items():
        for model in ("classical", "two-level"):
            found = quiet(ma.egger, effects, predictor, model)
            theirs = expected["classical" if model == "classical" else "REML_knha"]
            for key in ("slope", "se", "limit", "limit_se", "p_value"):
                assert_close(getattr(found, key), theirs[key], 1e-7, theirs["se"])


@both
def test_on_the_scale_of_r_effective_n_is_the_default_and_is_said(name):
    effects = raw(name)
    found, pet = quiet(ma.egger, effects), quiet(ma.pet_peese, effects)
    assert found.predictor == "1/sqrt(effective n)"
    assert found.slope == quiet(ma.egger, effects, "1/sqrt(effective n)").slope
    assert pet.settings()["predictor"] == ["1/sqrt(effective n)", "1/effective n"]
    for result in (found, pet):
        assert "1/√(effective n)" in result.summary()
        assert [p.severity for p in result.notices if p.code == "MA661"] == ["note"]
    asked = quiet(ma.egger, effects, "sei")
    assert asked.predictor == "sei"
    assert [p.severity for p in asked.notices if p.code == "MA661"] == ["warning"]


def test_one_row_whose_variance_depends_on_its_effect_is_enough(tmp_path):
    path = tmp_path / "a.csv"
    plain = review(path, 1, "z")
    assert quiet(ma.egger, plain).predictor == "sei"
    lines = [*many(), "T (1999),,.4,,,,,,50,,higher_better,,"]
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    mixed = ma.effect_sizes(ma.load_studies(path))
    found = quiet(ma.egger, mixed)
    assert found.predictor == "1/sqrt(effective n)"
    assert "1 of 25" in found.summary()


def test_a_metric_without_n_has_no_effective_n():
    with pytest.raises(EstimationError, match="needs the n"):
        ma.egger(independent("hackshaw1998"), "1/effective n")


# --- the other methods ---


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("measure", ["r", "r-unbiased"])
def test_methods_on_fisher_z_do_not_know_the_measure(tmp_path, most, measure):
    on_z = ma.bias_summary(review(tmp_path / "a.csv", most, "z"))
    on_r = ma.bias_summary(review(tmp_path / "a.csv", most, measure))
    assert set(on_r.results) == set(on_z.results)
    for name, found in on_r.results.items():
        if not type(found).fisher:
            assert found.measure == measure
            continue
        theirs = on_z.results[name]
        assert found.measure == "z", name
        for a, b in zip(found.terms(), theirs.terms(), strict=True):
            found_there = [a.estimate, a.p_value], [b.estimate, b.p_value]
            np.testing.assert_allclose(*found_there, rtol=1e-8, atol=1e-12)
    assert sum("run on Fisher z" in p.message for p in on_r.notices) == 1
    assert not any(p.code == "MA661" for p in on_z.notices)


def test_adjusted_means_stand_on_the_scale_of_the_analysis(tmp_path):
    effects = review(tmp_path / "a.csv", 1, "r")
    summary = ma.bias_summary(effects)
    rows = summary.to_frame().set_index("method")
    fill = summary.results["Trim and fill (L0)"]
    assert_close(rows.loc["Trim and fill (L0)", "estimate"], math.tanh(fill.estimate), 1e-12)
    assert math.isnan(rows.loc["Trim and fill (L0)", "se"])
    assert rows.loc["PET-PEESE", "estimate"] == summary.results["PET-PEESE"].estimate
    document = summary.to_dict()
    shown = {row["name"]: row for row in document["adjusted"]}
    assert_close(shown["Trim and fill (L0)"]["r"]["estimate"], math.tanh(fill.estimate), 1e-12)
    assert document["methods"]["Trim and fill (L0)"]["settings"]["measure"] == "z"


def test_every_method_says_on_which_scale_it_runs():
    regressions = {m.name for m in METHODS if not m.result.fisher}
    assert regressions == {"Egger", "PET-PEESE"}


def test_no_fisher_z_is_a_reason(tmp_path):
    path = tmp_path / "a.csv"
    lines = [*many(), f"T (1999),{pearson(0.5, 3)}"]
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    effects = ma.effect_sizes(ma.load_studies(path, measure="r"), measure="r")
    found = ma.bias_summary(effects)
    assert {"Egger", "PET-PEESE"} <= set(found.results)
    assert "T (1999)" in found.failed["Rank correlation"]
    with pytest.raises(EstimationError, match="n is not above 3"):
        on_fisher_z(effects)


# --- critical values ---


@both
@pytest.mark.parametrize("case", ["one", "two"])
def test_steps_at_the_critical_values_of_t_agree_with_the_likelihood_in_r(tmp_path, name, case):
    data, expected = CORRELATIONS[name], CORRELATIONS[name][case]
    rows = [pearson(r, n) for r, n in zip(data["r"], data["n"], strict=True)]
    effects = read(tmp_path / "a.csv", rows)
    steps = tuple(np.atleast_1d(expected["steps"]))
    critical = critical_values(effects, np.array(steps))[:, 0] * np.sqrt(effects.vi)
    assert_close(critical, expected["critical"], 1e-10)
    found = quiet(ma.selection_model, effects, steps, alternative="greater")
    assert list(found.counts) == expected["counts"]
    assert_close(found.beta, expected["beta"], 1e-6, expected["se"][0])
    assert_close(found.weights[1:], expected["delta"], 1e-6)
    assert_close(found.log_likelihood, expected["log_likelihood"], 1e-10, 1.0)
    assert_close(found.test_statistic, expected["LRT"], 1e-7, 1.0)


def significant(effects, p=0.025):
    critical = critical_values(effects, np.array([p]))[:, 0]
    return (effects.yi / np.sqrt(effects.vi) >= critical).tolist()


def test_significance_is_that_of_the_report(tmp_path):
    rows = [
        pearson(0.443, 20),  # t(18) = 2.097, p .0504; z by 1/√17 is 1.962
        pearson(0.4439, 20),  # t(18) = 2.102, p .0499
        ",,3.85,,,,+,20,,higher_better,,",  # p .0497; z by 1/√17 is 1.940
        ",,3.83,,,,+,20,,higher_better,,",  # p .0503
        ",,,,.04,1,+,50,,higher_better,,",  # one-tailed .04
        ",,,,.06,1,+,50,,higher_better,,",
    ]
    effects = read(tmp_path / "a.csv", rows)
    assert significant(effects) == [False, True, True, False, True, False]
    plain = ma.Effects.from_arrays(effects.yi, effects.vi, measure="z")
    assert significant(plain)[0] and not significant(plain)[2]


def test_significance_is_that_before_a_correction(tmp_path):
    rows = [pearson(r, n, ".7,.7") for r, n in ((0.443, 20), (0.4439, 20), (0.6, 40), (0.1, 90))]
    before = read(tmp_path / "a.csv", rows)
    after = read(tmp_path / "a.csv", rows, attenuation="individual")
    assert significant(after) == significant(before) == [False, True, True, False]
    normal = after.yi / np.sqrt(after.vi) >= 1.959964
    assert normal.tolist() != significant(after)


def test_a_critical_correlation_beyond_one_is_never_reached(tmp_path):
    rows = [pearson(0.3, 6, ".5,.5"), pearson(0.2, 60, ".9,.9")]
    effects = read(tmp_path / "a.csv", rows, attenuation="individual")
    assert critical_values(effects, np.array([0.025]))[0, 0] == 1e3
    assert significant(effects) == [False, False]


def test_critical_values_are_symmetrical_and_zero_at_one_half(tmp_path):
    effects = read(tmp_path / "a.csv", [pearson(0.3, 30), ",,3.8,,,,+,20,,higher_better,,"])
    found = critical_values(effects, np.array([0.1, 0.5, 0.9]))
    assert_close(found[:, 1], [0, 0], 1e-12, 1.0)
    assert_close(found[:, 0], -found[:, 2], 1e-9)
    two = critical_values(effects, np.array([0.2]), "two-sided")
    assert_close(two, found[:, :1], 1e-12)


def test_counts_of_significant_studies_agree_between_methods(tmp_path):
    rows = [pearson(0.443, 20), *(pearson(r, 60) for r in (0.1, 0.2, 0.3, 0.35, 0.5, 0.05, 0.15))]
    effects = read(tmp_path / "a.csv", rows)
    selection = quiet(ma.selection_model, effects)
    assert quiet(ma.p_uniform, effects).n_significant == selection.counts[0] == 3
    assert quiet(ma.excess_significance, effects).observed == 3


# --- the beta model, and the test of tau² ---

BETA = golden("bias_sizes")["beta"]


@pytest.mark.parametrize("name", BETA)
def test_the_truncated_beta_model_agrees_with_r(name):
    expected = BETA[name]
    found = quiet(ma.beta_selection_model, independent(name))
    assert found.alternative == expected["alternative"]
    assert_close(found.log_likelihood, expected["log_likelihood"], 1e-9, 1.0)
    assert_close(found.beta, expected["beta"], 1e-6, expected["se"][0])
    assert_close(found.weights, expected["delta"], 1e-5)
    if abs(expected["metafor"]["LRT"] - expected["LRT"]) < 1e-3:  # it found the same maximum
        assert_close(found.beta, expected["metafor"]["beta"], 2e-2, found.se[0])
    assert found.settings()["smallest_p"] == 0.025
    ends = found.weight(np.array([1e-9, 0.025, 0.975, 1.0]))
    assert (ends[0], ends[3]) == (ends[1], ends[2])


@pytest.mark.parametrize("name", golden("bias_sizes")["beta_dependent"])
def test_the_truncated_beta_model_of_dependent_effects_agrees_with_the_sandwich_in_r(name):
    expected = golden("bias_sizes")["beta_dependent"][name]
    found = quiet(ma.beta_selection_model, dependent(name), alternative="greater")
    assert_close(found.beta, expected["beta"], 1e-5, found.se[0])
    assert_close(found.weights, expected["delta"], 1e-5)
    errors = [*found.se, found.tau2_se, *found.weights_se]
    assert_close(errors, expected["robust_se"], 1e-4)
    assert_close(found.test_statistic, expected["robust_F"], 1e-4)


def raudenbush():
    data = golden("raudenbush1985")["data"]
    return ma.Effects.from_arrays(data["yi"], data["vi"])


def test_a_truncation_that_stands_for_none_is_no_maximum():
    found = quiet(ma.beta_selection_model, raudenbush(), alternative="greater")
    assert_close(found.log_likelihood, -1.811486, 1e-5)
    assert not any("rest on the truncation" in p.message for p in found.notices)
    # at p of 1e-5 a start runs away above every maximum
    with pytest.raises(EstimationError, match="rises without end") as refused:
        quiet(ma.beta_selection_model, raudenbush(), alternative="greater", smallest_p=1e-5)
    assert refused.value.code == "MA654"
    moving = quiet(ma.beta_selection_model, independent("molloy2014"), smallest_p=1e-5)
    assert any("rest on the truncation" in p.message for p in moving.notices)
    with pytest.raises(EstimationError, match="no maximum inside that range"):
        ma.beta_selection_model(independent("molloy2014"), smallest_p=0)


def test_an_untruncated_maximum_is_not_beaten_inside_the_range_where_it_exists():
    from scipy.optimize import minimize

    from metaalliance.core.selection.beta import BetaWeights, room
    from metaalliance.core.selection.likelihood import SelectionProblem

    effects = raudenbush()
    found = quiet(ma.beta_selection_model, effects, alternative="greater", smallest_p=0)
    assert room(effects.vi, found.tau2, found.weights) > 0.05
    X, weights = np.ones((effects.n_effects, 1)), BetaWeights.build(effects.yi, effects.vi, 0)
    chosen = SelectionProblem(yi=effects.yi, vi=effects.vi, X=X, weights=weights)

    def lose(u):
        value = chosen.log_likelihood(np.array([u[0], np.exp(u[1]), *u[2:]]))
        return -value if np.isfinite(value) else 1e6

    rng = np.random.default_rng(1)
    for _ in range(4):
        start = [rng.normal(0, 0.2), rng.normal(-5, 1), rng.normal(-0.7, 0.5), rng.normal(0, 0.5)]
        best = minimize(lose, start, method="Nelder-Mead", options={"maxiter": 1500})
        assert -best.fun <= found.log_likelihood + 1e-6


@pytest.mark.parametrize("smallest", [-0.1, 0.5, 2])
def test_ends_that_cannot_be_are_refused(smallest):
    with pytest.raises(OptionError, match="smallest_p"):
        ma.beta_selection_model(independent("molloy2014"), smallest_p=smallest)


def test_the_test_of_tau2_halves_the_tail_at_the_end_of_its_range():
    found = quiet(ma.p_uniform, independent("hackshaw1998"))
    assert_close(found.tau2_p_value, 0.0859, 5e-4)
    assert_close(found.tau2_p_value, 0.5 * stats.chi2.sf(found.tau2_statistic, 1), 1e-12)
    order = [0, 5, 3, 8, 1, 11, 2, 7, 6, 10, 4, 9]
    even = ma.Effects.from_arrays(np.linspace(0.1, 0.6, 12)[order], np.linspace(0.02, 0.08, 12))
    none = quiet(ma.p_uniform, even)
    assert (none.tau2, none.tau2_p_value) == (0.0, 1.0)
    assert [t.name for t in found.terms()] == ["mean given significance", "tau²"]
    assert not any(name == "p-uniform*" for name, *_ in ma.bias_summary(even).tests())


# --- effects that do not differ ---


@pytest.mark.parametrize("model", [None, "classical", "two-level"])
def test_identical_effects_have_the_errors_of_their_variances(model):
    vi = np.array([1 / 47, 1 / 77, 1 / 37])
    found = quiet(ma.pet_peese, ma.Effects.from_arrays([0.3] * 3, vi), model)
    X = np.column_stack([np.ones(3), np.sqrt(vi)])
    se = math.sqrt(np.linalg.inv((X.T / vi) @ X)[0, 0])
    assert_close([found.pet.limit, found.pet.limit_se], [0.3, se], 1e-7)
    assert found.pet.limit_df == 1
    assert any(p.code == "MA614" for p in found.notices)


# --- one answer wherever the methods are used ---


@pytest.mark.parametrize("most", [1, 2])
def test_pool_bias_and_report_agree_on_the_scale_of_r(tmp_path, most):
    path = tmp_path / "a.csv"
    review(path, most, "r")
    analysis = ma.Analysis.read(path, measure="r")
    found = analysis.bias()
    pet = found.results["PET-PEESE"]
    rows, _ = compare_all_models(found.fit)
    assert rows[-1].name == "PET-PEESE adjusted"
    assert rows[-1].fit.estimate == pet.estimate
    chosen = pet.pet if pet.chosen == "PET" else pet.peese
    assert rows[-1].fit.settings()["predictor"] == chosen.predictor
    assert "effective n" in chosen.predictor
    reported = bias_results(found.fit)
    printed = {row["name"]: row["estimate"] for row in adjusted_table(found.fit, reported).rows}
    for name, term, *_ in found.adjusted():
        title = next((a.title for a in found.applied if a.name == name), name)
        shown = printed.get(title, printed.get(f"{title} ({pet.chosen})"))
        assert shown == term.estimate, name
    text = bias_section(found.fit, reported).methods[0].plain()
    assert "1/√(effective" in text and "ran on Fisher" in text


@pytest.mark.parametrize("measure", ["r", "z"])
def test_a_line_on_effective_n_ends_at_its_limit_and_follows_the_errors(tmp_path, measure):
    effects = raw("molloy2014") if measure == "r" else review(tmp_path / "a.csv", 1, "z")
    found = quiet(ma.egger, effects, "1/sqrt(effective n)")
    line = AsymmetryLine.of(found)
    effect, se = line.at(np.array([0.0, 0.1]))
    assert_close(effect, [found.limit, found.limit + 0.1 * found.slope], 1e-12)
    expected = (1 - effect[1] ** 2) / math.sqrt(99) if measure == "r" else 1 / math.sqrt(97)
    assert_close(se, [0, expected], 1e-12)
    assert_close(line.furthest, 1 / math.sqrt(effective_n(effects).min()), 1e-12)


def test_a_funnel_is_on_one_scale():
    fit = quiet(ma.pool, raw("molloy2014"))
    filled = quiet(ma.trim_and_fill, fit)
    with pytest.raises(OptionError, match=r"filled\.observed"):
        ma.plots.funnel(fit, filled=filled)
    ma.plots.funnel(filled.observed, filled=filled)
