"""PyMARE and statsmodels as witness: what agrees, what has no counterpart, what is seen."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.core.variance.tau2 import estimate_tau2, q_profile
from metaalliance.models.comparison import NamedFit, compare_models
from metaalliance.models.cross_check import cross_check, witness

YI = np.array([0.1, 0.3, 0.35, 0.02, 0.5])
VI = np.array([0.01, 0.02, 0.015, 0.03, 0.02])
EFFECTS = ma.Effects.from_arrays(YI, VI)


def named(fit, name="two-level (main)"):
    return NamedFit(name, fit)


@pytest.mark.parametrize("tau2", ["DL", "HE", "ML", "REML", "PM"])
@pytest.mark.parametrize("test", ["wald", "knapp-hartung", "knapp-hartung-adhoc", "t"])
def test_independent_implementations_agree(tau2, test):
    check = cross_check(ma.pool(EFFECTS, tau2=tau2, test=test))
    found = check.differences()
    assert abs(found["estimate"]) < 1e-14
    assert abs(found["se"]) < 1e-14
    assert abs(found["tau2_ci"]) < 1e-10
    assert math.isnan(found["tau2"]) if tau2 == "PM" else abs(found["tau2"]) < 1e-7
    assert check.largest < 1e-7
    assert check.agrees


@pytest.mark.parametrize("tau2", ["DL", "HE"])
@pytest.mark.parametrize("seed", range(8))
def test_moments_and_the_interval_are_pymares_to_rounding(tau2, seed):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 1, rng.integers(2, 40)))
    yi = rng.normal(0.2, np.sqrt(vi + rng.choice([0, 0.01, 0.2])))
    found = cross_check(ma.pool(ma.Effects.from_arrays(yi, vi), tau2=tau2)).rows[0]
    X, size = np.ones((yi.size, 1)), yi.size / np.sum(1 / vi)
    assert abs(found.tau2) <= 1e-12 * (estimate_tau2(yi, vi, X, tau2) + size)
    assert abs(found.tau2_ci) <= 1e-10 * (q_profile(yi, vi, X, 0.95).high + size)


@pytest.mark.filterwarnings("ignore:MA620")
def test_a_cluster_robust_test_has_no_counterpart_but_its_estimates_have():
    found = cross_check(ma.pool(EFFECTS, model="two-level", test="cr2")).rows[0]
    assert math.isnan(found.se)
    assert abs(found.tau2) < 1e-7
    assert abs(found.estimate) < 1e-14
    assert found.agrees


@pytest.mark.filterwarnings("ignore::metaalliance.MetaAllianceWarning")
def test_identical_effects_have_the_error_of_the_model():
    same = ma.pool(ma.Effects.from_arrays(np.full(4, 0.3), [0.01, 0.02, 0.03, 0.04]))
    assert cross_check(same).agrees


@pytest.mark.filterwarnings("ignore::metaalliance.MetaAllianceWarning")
def test_a_single_effect_leaves_nothing_to_recompute():
    single = ma.pool(ma.Effects.from_arrays([0.3], [0.02]), model="two-level")
    assert witness([named(single)]).rows == ()
    assert "no two-level row" in witness([named(single)]).text()
    with pytest.raises(ma.EstimationError, match="no independent implementation"):
        cross_check(single)


@pytest.mark.filterwarnings("ignore::metaalliance.MetaAllianceWarning")
def test_every_two_level_row_of_a_comparison_is_recomputed():
    study = ["a", "a", "b", "c", "d"]
    rows, _ = compare_models(ma.pool(ma.Effects.from_arrays(YI, VI, study=study)))
    found = witness(rows)
    assert len(found.rows) >= 3  # aggregated, and the lowest and the highest effect per study
    assert {row.name for row in found.rows} == {
        row.name for row in rows if row.fit.model == "two-level"
    }
    assert f"agree on {len(found.rows)} two-level rows: largest difference" in found.text()


@pytest.mark.parametrize("tau2", ["DL", "REML"])
def test_a_wrong_number_is_seen_and_named(tau2):
    fit = ma.pool(EFFECTS, tau2=tau2)
    good, wrong = named(fit), named(replace(fit, tau2=fit.tau2 * 1.5), "aggregated")
    found = witness([good, wrong])
    assert [row.agrees for row in found.rows] == [True, False]
    assert found.text().startswith("PyMARE or statsmodels differ by ")
    assert "aggregated" in found.text()
    assert not found.agrees
    if tau2 == "REML":
        assert found.rows[1].gain < -1e-4  # theirs has the higher likelihood


def test_a_wrong_standard_error_is_seen():
    fit = ma.pool(EFFECTS)
    assert "standard error" in witness([named(replace(fit, se=fit.se * 1.001))]).text()


def test_json_keeps_its_keys_and_names_the_rows():
    content = cross_check(ma.pool(EFFECTS, tau2="PM")).to_dict()
    assert list(content) == ["tau2", "tau2_ci", "estimate", "se", "largest", "agrees", "rows"]
    assert content["tau2"] is None
    assert content["rows"][0]["name"] == "two-level"
    assert content["largest"] < 1e-10


def test_effects_are_handed_over_to_pymare():
    plain = EFFECTS.to_pymare()
    assert plain.y.ravel().tolist() == YI.tolist()
    assert plain.X.tolist() == [[1.0]] * 5
    assert plain.n is None
    assert plain.g is None
    dependent = ma.Effects.from_arrays(YI, VI, study=list("aabcd"), n=[10, 20, 30, 40, 50])
    handed = dependent.to_pymare()
    assert np.ravel(handed.g).tolist() == list("aabcd")
    assert np.ravel(handed.n).tolist() == [10, 20, 30, 40, 50]


def test_pymare_fits_what_is_handed_over():
    from pymare.estimators import DerSimonianLaird

    theirs = DerSimonianLaird(small_sample_correction="wald").fit_dataset(EFFECTS.to_pymare())
    ours = ma.pool(EFFECTS, tau2="DL", test="wald")
    assert float(np.ravel(theirs.summary().fe_params)[0]) == pytest.approx(ours.estimate, rel=1e-12)


PLAIN = """
import sys
import numpy as np
import metaalliance as ma
fit = ma.pool(ma.Effects.from_arrays([0.1, 0.3, 0.5], [0.02, 0.02, 0.02]))
fit.summary(), fit.tau2_ci()
ma.pool(ma.Effects.from_arrays([0.1, 0.3, 0.5], [0.02, 0.02, 0.02]), tau2="DL").to_dict()
print({"pymare", "statsmodels", "sympy"} & set(sys.modules))
"""


def test_a_plain_fit_imports_neither():
    done = subprocess.run([sys.executable, "-c", PLAIN], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
