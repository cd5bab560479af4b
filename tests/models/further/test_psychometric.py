"""Psychometric meta-analysis through the public surface."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden, quiet_pool

import metaalliance as ma
from metaalliance.core.conversion.steiger import correlation_vector
from metaalliance.errors import EstimationError, OptionError

data_sets = pytest.mark.parametrize("name", ["molloy2014", "mcdaniel1994", "crede2010"])


def effects(name, which=None, measure="r"):
    """Correlations with the made-up reliabilities of the golden file, all or some known."""
    data = golden(name)["data"]
    stored = golden("extras")["data_sets"][name]["psychometric"]
    r, n = np.array(data["ri"]), np.array(data["ni"], float)
    rxx, ryy = np.array(stored["rxx"]), np.array(stored["ryy"])
    if which == "some":
        i = np.arange(1, r.size + 1)
        rxx[~np.isin(i, stored["known_x"])] = np.nan
        ryy[~np.isin(i, stored["known_y"])] = np.nan
    moderators = {} if which is None else {"alliance_reliability": rxx, "outcome_reliability": ryy}
    yi, vi = (r, (1 - r**2) ** 2 / (n - 1)) if measure == "r" else (np.arctanh(r), 1 / (n - 3))
    return ma.Effects.from_arrays(yi, vi, measure=measure, n=n, moderators=moderators)


def compare(fit, expected):
    for field, value in expected.items():
        if hasattr(fit, field):
            assert_close(getattr(fit, field), value, CLOSED)


@data_sets
@pytest.mark.parametrize("measure", ["r", "z"])
def test_bare_bones(name, measure):
    found = ma.psychometric(effects(name, measure=measure))
    compare(found.bare_bones, golden("extras")["data_sets"][name]["psychometric"]["bare_bones"])
    assert found.corrected is found.bare_bones


@data_sets
def test_individual_correction(name):
    found = ma.psychometric(effects(name, "all"))
    assert found.corrected.correction == "individual"
    compare(found.corrected, golden("extras")["data_sets"][name]["psychometric"]["individual"])


@data_sets
def test_artifact_distributions(name):
    found = ma.psychometric(effects(name, "some"))
    assert found.corrected.correction == "artifact-distribution"
    compare(found.corrected, golden("extras")["data_sets"][name]["psychometric"]["distribution"])
    assert {p.code for p in found.notices} == {"MA626"}


@data_sets
def test_each_n(name):
    found = ma.psychometric(effects(name), sampling_error="each-n").bare_bones
    stored = golden("extras")["data_sets"][name]["psychometric"]["bare_bones"]
    assert_close(found.sampling_variance, stored["sampling_variance_each"], CLOSED)


def test_fisher_z_beside_it():
    found = ma.psychometric(effects("molloy2014", "all")).fisher_z
    fit = quiet_pool(effects("molloy2014", measure="z"))
    assert_close([found.estimate, found.se, found.tau2], [fit.estimate, fit.se, fit.tau2], 1e-10)


def test_all_reliabilities_one_is_bare_bones():
    found = ma.psychometric(effects("molloy2014"), **both(1.0))
    assert found.corrected.correction == "individual"
    assert_close(found.corrected.mean_rho, found.bare_bones.mean_rho, CLOSED)


def both(x):
    return {"alliance_reliability": x, "outcome_reliability": x}


def test_assumed_reliabilities_are_used_and_noted():
    found = ma.psychometric(effects("molloy2014", "some"), **both(0.8))
    assert found.corrected.correction == "individual"
    assert "alliance_reliability = 0.8 was assumed for 5 of 16 studies" in found.notices[0].message


def test_constant_reliability_divides_everything():
    found = ma.psychometric(effects("molloy2014"), **both(0.81))
    assert_close(found.corrected.mean_rho, found.bare_bones.mean_rho / 0.81, CLOSED)


def test_measure_that_no_study_reports_is_left_uncorrected():
    only = effects("molloy2014", "all")
    frame = only.frame.drop(columns="outcome_reliability")
    found = ma.psychometric(ma.Effects(frame=frame, measure="r"))
    assert found.corrected.correction == "artifact-distribution"
    assert "No study reports outcome_reliability" in found.notices[0].message
    a = np.sqrt(frame["alliance_reliability"]).mean()
    assert_close(found.corrected.mean_rho, found.bare_bones.mean_rho / a, CLOSED)


def test_a_sheet(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(
        "study,r,n,alliance_reliability,outcome_reliability\nA,.2,101,.81,.64\nB,.4,101,.81,.64\n"
    )
    found = ma.psychometric(ma.read_studies(path))
    assert_close(found.corrected.mean_rho, 0.3 / 0.72, CLOSED)


def test_levels():
    found = ma.psychometric(effects("molloy2014"), level=0.9, credibility_level=0.95).bare_bones
    z = 1.6448536269514722
    assert_close(found.ci_high - found.mean_rho, z * found.se, 1e-10)
    assert_close(found.credibility_high - found.mean_rho, 1.959963984540054 * found.rho_sd, 1e-10)


# Dependence and refusals --------------------------------------------------------------------------

PAIR = ma.Effects.from_arrays(
    [0.2, 0.4, 0.3], [0.01] * 3, study=list("AAB"), measure="r", n=[100, 100, 100]
)


def test_dependent_correlations():
    with pytest.raises(EstimationError, match="one correlation per study"):
        ma.psychometric(PAIR)
    assert_close(ma.psychometric(PAIR, rho=0.5).bare_bones.mean_rho, 0.3, CLOSED)
    composite = ma.psychometric(PAIR, rho=0.5, aggregation="composite").bare_bones
    assert_close(composite.mean_rho, (0.6 / math.sqrt(3) + 0.3) / 2, CLOSED)


def test_mean_of_fisher_z_effects_is_taken_on_the_scale_of_r():
    z = ma.Effects.from_arrays(
        np.arctanh(PAIR.yi), [0.01] * 3, study=list("AAB"), measure="z", n=[100] * 3
    )
    assert_close(ma.psychometric(z, rho=0.5).bare_bones.mean_rho, 0.3, CLOSED)


def test_means_have_less_sampling_error_than_one_correlation():
    """By hand: means .2 and .5 of two, n = 101: var(e) .8775² / 100, of the means .75 of it."""
    two = ma.Effects.from_arrays(
        [0.1, 0.3, 0.4, 0.6], [0.01] * 4, study=list("AABB"), measure="r", n=[101] * 4
    )
    found = ma.psychometric(two, rho=0.5)
    fit, error = found.bare_bones, (1 - 0.35**2) ** 2 / 100
    assert_close(fit.rho_variance, 0.0225 - 0.75 * error, CLOSED)
    assert_close(fit.observed_variance, 0.0225 + 0.25 * error, CLOSED)
    assert_close([fit.sampling_variance, fit.se], [error, 0.15 / math.sqrt(2)], CLOSED)
    assert_close(fit.explained, error / (0.0225 + 0.25 * error), CLOSED)
    assert_close(found.fisher_z.effects.vi, np.full(2, 0.75 / 98), CLOSED)
    one = ma.psychometric(two.subset([True, False, True, False])).bare_bones
    composite = ma.psychometric(two, rho=0.5, aggregation="composite").bare_bones
    assert_close(one.sampling_variance, (1 - 0.25**2) ** 2 / 100, CLOSED)
    assert_close(composite.sampling_variance, (1 - composite.mean_r**2) ** 2 / 100, CLOSED)
    spread = composite.observed_variance - composite.sampling_variance
    assert_close(composite.rho_variance, spread, CLOSED)


@pytest.mark.parametrize("sampling_error", ["average-n", "each-n"])
def test_rho_acts_for_every_correction(sampling_error):
    """SD of rho grows with the error that averaging takes away; one effect each: it is idle."""
    rng = np.random.default_rng(3)
    made = ma.Effects.from_arrays(
        rng.normal(0.3, 0.2, 30), [0.01] * 30, study=np.repeat(np.arange(10), 3), measure="r",
        n=rng.integers(40, 200, 30), moderators={"alliance_reliability": [0.8, 0.9, 0.7] * 10,
                                                 "outcome_reliability": [0.8, 0.85, 0.9] * 10},
    )  # fmt: skip
    for correction in ("none", "individual", "artifact-distribution"):
        options = {"correction": correction, "sampling_error": sampling_error}
        low, high = (ma.psychometric(made, rho=r, **options).corrected for r in (0.2, 0.8))
        assert low.rho_variance > high.rho_variance + 1e-4
        assert low.mean_rho == high.mean_rho


def test_samples_of_a_study_are_independent():
    """Two samples of 101 with two effects each: a quarter and a half of .75 of one variance."""
    made = ma.Effects.from_arrays(
        [0.1, 0.3, 0.4, 0.6, 0.2, 0.5], [0.01] * 6, study=list("AAAABC"), measure="r", n=[101] * 6,
        sample=["x", "x", "y", "y", "", ""],
    )  # fmt: skip
    found = ma.psychometric(made, rho=0.5).fisher_z.effects
    variance = 0.75 / 100 / 2
    assert_close(found.vi, [variance * 201 / 199, 1 / 98, 1 / 98], CLOSED)


@pytest.mark.slow
def test_true_variance_behind_means_of_dependent_correlations():
    """Four outcomes that correlate .5 and with the alliance rho ~ N(.3, .1²), n = 60.

    Errors of two such correlations correlate .464; that is the rho that is right. Without it
    SD(rho) was .060.
    """
    S = np.full((5, 5), 0.5)
    np.fill_diagonal(S, 1)
    S[0, 1:] = S[1:, 0] = 0.3
    V = correlation_vector(S, 60, np.array([[0, 1], [0, 2]]), fisher=False).V
    rho, rng, m, found = V[0, 1] / V[0, 0], np.random.default_rng(9), 150, []
    for _ in range(30):
        r = []
        for true in np.clip(rng.normal(0.3, 0.1, m), -0.9, 0.9):
            S[0, 1:] = S[1:, 0] = true
            X = rng.standard_normal((60, 5)) @ np.linalg.cholesky(S).T
            r += list(np.corrcoef(X.T)[0, 1:])
        made = ma.Effects.from_arrays(
            r, np.full(4 * m, 0.01), study=np.repeat(np.arange(m), 4), measure="r", n=[60] * 4 * m
        )
        fit = ma.psychometric(made, rho=rho).bare_bones
        found.append((fit.rho_variance, fit.explained))
    (variance, share), error = np.mean(found, 0), np.std(found, 0, ddof=1) / math.sqrt(len(found))
    assert abs(variance - 0.01) < 4 * error[0] + 2e-4
    assert abs(share - 0.59) < 4 * error[1] + 0.01


def test_effects_that_are_corrected_already_give_their_observed_correlations(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("study,r,n,alliance_reliability\nA,.2,101,.81\nA,.3,101,.81\nB,.4,101,\n")
    studies = ma.read_studies(path)
    options = {"alliance_reliability": 0.9, "outcome_reliability": 0.7}
    corrected = ma.effect_sizes(studies, attenuation="individual", **options)
    found, wanted = (
        ma.psychometric(corrected, rho=0.5),
        ma.psychometric(studies, rho=0.5, **options),
    )
    compare(found.bare_bones, as_numbers(wanted.bare_bones))
    compare(found.corrected, as_numbers(wanted.corrected))
    assert "factors of the main analysis" in found.notices[-1].message
    with pytest.raises(EstimationError, match="corrected for unreliability already"):
        ma.psychometric(corrected, rho=0.5, alliance_reliability=0.9)


def as_numbers(fit):
    names = ("mean_r", "mean_rho", "se", "observed_variance", "rho_variance", "explained")
    return {name: getattr(fit, name) for name in names}


def test_means_of_effects_are_refused():
    with pytest.raises(EstimationError, match="Give the effects themselves"):
        ma.psychometric(ma.aggregate(PAIR))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: ma.Effects.from_arrays([0.2, 0.3], [0.01, 0.01]), "needs correlations"),
        (lambda: ma.Effects.from_arrays([0.2, 0.3], [0.01, 0.01], measure="r"), "n is missing"),
        (
            lambda: ma.Effects.from_arrays(
                [0.2, 0.3], [0.01] * 2, list("AB"), measure="r", n=[3, 9]
            ),
            "above 3 for A",
        ),
        (lambda: ma.Effects.from_arrays([0.2], [0.01], measure="r", n=[30]), "two correlations"),
    ],
)
def test_effects_that_do_not_do(made, message):
    with pytest.raises(EstimationError, match=message):
        ma.psychometric(made())


def test_individual_correction_with_missing_reliabilities():
    with pytest.raises(EstimationError, match="alliance_reliability is missing for 5 studies"):
        ma.psychometric(effects("molloy2014", "some"), correction="individual")


def test_artifact_distributions_of_nothing():
    with pytest.raises(EstimationError, match="No study reports a reliability"):
        ma.psychometric(effects("molloy2014"), correction="artifact-distribution")


@pytest.mark.parametrize(
    "options",
    [{"correction": "both"}, {"alliance_reliability": 1.5}, {"sampling_error": "n"}, {"level": 2}],
)
def test_options(options):
    with pytest.raises(OptionError):
        ma.psychometric(effects("molloy2014"), **options)


def test_impossible_reliability():
    frame = effects("molloy2014", "all").frame
    frame.loc[2, "outcome_reliability"] = 0.0
    with pytest.raises(EstimationError, match="outcome_reliability of 3 is 0"):
        ma.psychometric(ma.Effects(frame=frame, measure="r"))


def test_identical_correlations():
    same = ma.Effects.from_arrays([0.3] * 3, [0.01] * 3, measure="r", n=[50, 60, 70])
    found = ma.psychometric(same)
    assert found.bare_bones.rho_sd == 0
    assert found.to_dict()["fits"][0]["explained"] is None
    assert "all of the variance explained" in found.summary()


def test_documents():
    found = ma.psychometric(effects("molloy2014", "all"))
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [f["correction"] for f in document["fits"]] == ["none", "individual"]
    assert found.to_frame()["method"].tolist() == [
        "bare bones",
        "corrected individually",
        "Fisher z",
    ]
    assert "Corrected individually" in found.summary()
    assert "credibility interval" in found.summary()
