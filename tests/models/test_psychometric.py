"""Psychometric meta-analysis through the public surface."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden, quiet_pool

import metaalliance as ma
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


def test_effects_that_are_corrected_already(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("study,r,n\nA,.2,101\nB,.4,101\n")
    corrected = ma.effect_sizes(
        ma.read_studies(path), attenuation="alliance", alliance_reliability=0.9
    )
    with pytest.raises(EstimationError, match="corrected for unreliability already"):
        ma.psychometric(corrected)


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
