"""Smaller groups of a sample within larger ones (overlap = nested), against R and by definition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden
from golden_people import fitted, people

import metaalliance as ma
from metaalliance.core.arrays import Array
from metaalliance.effects.aggregate import aggregate
from metaalliance.models.comparison import compare_models
from metaalliance.models.structure import study_averages

# The made-up n do not belong to the variances of these data, so that some weights are negative.
pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.MetaAllianceWarning")


def effects(**changes: Any) -> ma.Effects:
    return people("overlap", **changes)


def correlation(found: ma.Effects) -> Array:
    """The root of the smaller n over the larger within samples, else zero; one on the diagonal."""
    study = found.frame["study"].to_numpy()
    sample, n = found.frame["sample"].fillna("").to_numpy(), found.frame["n"].to_numpy(float)
    alike = (study[:, None] == study) & (sample[:, None] == sample)
    return np.asarray(alike * np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n)))


@pytest.mark.parametrize("case", ["mean", "rho_by_study", "rho_same"])
def test_averages_of_a_model_take_its_covariance(case):
    fit, _ = fitted("overlap", case, test="t")
    one = study_averages(fit.effects, fit.specification, 0.5)
    at, order = fit.data.structure.at(np.zeros(2)), fit.data.order
    S = np.empty((order.size, order.size))
    S[np.ix_(order, order)] = np.column_stack([at.multiply(c) for c in np.eye(order.size)])
    study = fit.effects.frame["study"].to_numpy()
    for label, vi in zip(one.frame["study"], one.vi, strict=True):
        rows = study == label
        assert_close(vi, S[np.ix_(rows, rows)].mean(), 1e-12)


def test_rve_takes_the_overlap():
    found = effects()
    fit = ma.rve(found, rho=0.8)
    n = found.frame.groupby("study")["vi"].transform("size").to_numpy(float)
    mean_v = found.frame.groupby("study")["vi"].transform("mean").to_numpy(float)
    study = found.frame["study"].to_numpy()
    w, J = 1 / (n * mean_v), (study[:, None] == study).astype(float)
    Sigma = 0.8 * correlation(found) * np.sqrt(np.outer(mean_v, mean_v))
    np.fill_diagonal(Sigma, mean_v)
    P = np.diag(w) - np.outer(w, w) / w.sum()
    tau2 = (found.yi @ P @ found.yi - np.trace(P @ Sigma)) / np.trace(P @ J)
    assert fit.tau2 == pytest.approx(tau2)
    assert fit.tau2 != pytest.approx(ma.rve(effects(overlap="full"), rho=0.8).tau2)


@pytest.mark.parametrize(
    "method",
    [
        lambda e: ma.egger(e).slope,
        lambda e: ma.trim_and_fill(e).estimate,
        lambda e: ma.permutation_test(e, rho=0.5, seed=1).statistic,
        lambda e: ma.henmi_copas(e, rho=0.5).estimate,
        lambda e: ma.leave_one_out(e).to_frame()["estimate"].iloc[0],
    ],
)
def test_methods_that_average_or_model_take_the_overlap(method):
    assert method(effects()) != pytest.approx(method(effects(overlap="full")), abs=1e-7)


@pytest.mark.parametrize("overlap", ["full", "nested"])
def test_methods_for_bias_that_average_take_these_averages(overlap):
    """Samples and overlap stand in the variances of the averages, whatever method takes them."""
    found = effects(overlap=overlap)
    one = ma.bias_summary(ma.pool(aggregate(found, 0.5), model="two-level"))
    every = ma.bias_summary(ma.pool(found), aggregation_rho=0.5)
    averaged = {a.name: a for a in every.applied if a.result and a.result.aggregation_rho}
    assert len(averaged) >= 5
    for name, ours in averaged.items():
        theirs = next(a for a in one.applied if a.name == name)
        for term in (ours.method.mean, ours.method.tested):
            mine, other = term(ours.result), term(theirs.result)
            assert (mine is None) == (other is None)
            if mine is not None and not math.isnan(other.estimate):
                assert_close(mine.estimate, other.estimate, 1e-9, scale=0.1)


# Properties ---------------------------------------------------------------------------------------


def test_one_n_in_each_sample_is_full_overlap():
    full, same = effects(overlap="full", n=[80] * 100), effects(n=[80] * 100)
    ours, theirs = ma.pool(same), ma.pool(full)
    assert ours.to_dict()["pooled"] == theirs.to_dict()["pooled"]
    assert (aggregate(same, 0.5).vi == aggregate(full, 0.5).vi).all()


def test_only_ratios_of_n_matter_and_no_order_of_rows():
    found, ours = effects(), ma.pool(effects())
    data = golden("overlap")["data"]
    scaled = ma.pool(effects(n=[7 * n for n in data["n"]]))
    order = np.random.default_rng(3).permutation(found.n_effects)
    frame = found.frame.iloc[order].reset_index(drop=True)
    mixed = ma.pool(ma.Effects(frame=frame, measure="generic", overlap="nested"))
    for other in (scaled, mixed):
        assert_close([ours.estimate, ours.se, ours.Q], [other.estimate, other.se, other.Q], 1e-9)


def test_two_effects_by_hand():
    # v = (.04, .01), n = (25, 100): rho .6 times 1/2, covariance .3 * .2 * .1 = .006
    two = ma.Effects.from_arrays([0.3, 0.2], [0.04, 0.01], ["A", "A"], n=[25, 100],
                                 overlap="nested")  # fmt: skip
    assert_close(aggregate(two, 0.6).vi, [(0.05 + 2 * 0.006) / 4], CLOSED)
    # weights .01 - .006 and .04 - .006: both positive, as they are not with rho = .6
    weighted = aggregate(two, 0.6, weighted=True)
    assert_close(weighted.yi, [(0.004 * 0.3 + 0.034 * 0.2) / 0.038], CLOSED)


def test_many_sizes_in_one_sample_cost_one_pass():
    k, rng = 400, np.random.default_rng(5)
    n = rng.permutation(np.arange(20, 20 + k)).astype(float)
    study = np.r_[np.zeros(k // 2), 1 + np.arange(k // 2) // 4]
    found = ma.Effects.from_arrays(
        0.2 + rng.normal(size=k) / np.sqrt(n), 1 / (n - 3), study, n=n, overlap="nested"
    )
    fit = ma.pool(found)
    at, order = fit.point.covariance, fit.data.order
    C = 0.6 * np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n))
    C *= study[:, None] == study
    np.fill_diagonal(C, 1.0)
    between, within = fit.sigma2["study"], fit.sigma2["effect"]
    S = C * np.sqrt(np.outer(found.vi, found.vi)) + between * (study[:, None] == study)
    S = (S + within * np.eye(k))[np.ix_(order, order)]
    assert_close(at.log_determinant, np.linalg.slogdet(S)[1], 1e-11)
    inverse = np.linalg.inv(S)
    assert_close(at.solve(np.eye(k)), inverse, 1e-10, scale=np.abs(inverse).max())


@pytest.mark.slow
def test_errors_of_people_within_people_correlate_as_the_formula_says():
    """People are drawn: one measure of all 100, another of all and of the first 25 of them."""
    rng, root = np.random.default_rng(11), math.sqrt(0.5)
    z = np.empty((3, 12_000))
    for i in range(z.shape[1]):
        alliance, common, first, second = rng.standard_normal((4, 100))
        outcome = 0.3 * alliance + root * common
        one, other = outcome + root * first, outcome + root * second
        pairs = ((alliance, one), (alliance, other), (alliance[:25], other[:25]))
        z[:, i] = [math.atanh(np.corrcoef(*pair)[0, 1]) for pair in pairs]
    found = np.corrcoef(z)
    rho = found[0, 1]  # of the same people
    assert found[0, 2] == pytest.approx(rho * math.sqrt(25 / 100), abs=0.03)
    assert found[1, 2] == pytest.approx(math.sqrt(25 / 100), abs=0.03)


# Guards and warnings ------------------------------------------------------------------------------


def test_missing_n_is_named():
    data = golden("overlap")["data"]
    n = [None if i in {3, 4} else v for i, v in enumerate(data["n"])]
    with pytest.raises(ma.EstimationError, match=r"needs the n .* \(effect 4\), .* have none"):
        ma.pool(effects(n=n))
    with pytest.raises(ma.EstimationError, match="and 83 more have none"):
        ma.pool(effects(n=None))


def test_a_lone_effect_needs_no_n():
    found = ma.Effects.from_arrays(
        [0.1, 0.3, 0.2, 0.4, 0.1], [0.01, 0.04, 0.02, 0.02, 0.01], list("AABBC"),
        n=[103, 28, 53, 50, math.nan], overlap="nested",
    )  # fmt: skip
    assert ma.pool(found).n_effects == 5


def test_a_composite_has_no_overlap():
    found = ma.Effects.from_arrays([0.2, 0.3], [0.01, 0.02], ["A", "A"], measure="r", n=[103, 53],
                                   overlap="nested")  # fmt: skip
    with pytest.raises(ma.OptionError, match="no meaning"):
        aggregate(found, 0.5, method="composite")


R = (0.20, 0.35, 0.22, 0.32, 0.21, 0.38, 0.18, 0.33)
N = (400, 40, 350, 45, 500, 35, 300, 30)


def unequal(overlap: str) -> ma.Effects:
    n = np.array(N, dtype=float)
    return ma.Effects.from_arrays(
        np.arctanh(R), 1 / (n - 3), list("AABBCCDD"), measure="z", n=n, overlap=overlap
    )


def test_negative_weights_and_their_cause_are_named():
    full, nested = ma.pool(unequal("full")), ma.pool(unequal("nested"))
    assert round(math.tanh(full.estimate), 3) == 0.185
    assert round(math.tanh(nested.estimate), 3) == 0.209
    assert (np.asarray(full.weights) < 0).sum() == 4
    assert (np.asarray(nested.weights) > 0).all()
    said = next(n for n in full.notices if n.code == "MA673")
    assert said.severity == "warning"
    assert said.message.startswith("4 effects have negative weights (−12.1% together)")
    assert "rho of .60 is more than samples of 35 within 500 can share" in said.message
    assert "--overlap nested" in said.message
    assert "MA673" not in {n.code for n in nested.notices}
    assert nested.settings()["overlap"] == "nested"
    assert "overlap nested" in nested.summary()


def test_negative_weights_without_n_have_another_cause():
    n = np.array(N, dtype=float)
    found = ma.Effects.from_arrays(np.arctanh(R), 1 / (n - 3), list("AABBCCDD"))
    said = next(m for m in ma.pool(found).notices if m.code == "MA673")
    assert "differ by more than the assumed rho" in said.message
    assert "--overlap" not in said.message


@pytest.mark.parametrize(("overlap", "warned"), [("full", True), ("nested", False)])
def test_a_mean_below_the_lowest_effects_is_warned_of(overlap, warned):
    rows, notes = compare_models(ma.pool(unequal(overlap)))
    said = [n for n in notes if n.code == "MA669"]
    assert len(said) == warned
    if warned:
        lowest = next(row.fit.estimate for row in rows if row.name == "lowest per study")
        assert rows[0].fit.estimate < lowest
        assert "below the mean of the lowest" in said[0].message


# Decisions ----------------------------------------------------------------------------------------


def test_overlap_is_a_decision_of_a_multiverse():
    found = ma.multiverse(
        unequal("full"),
        grid={"overlap": ["full", "nested"], "outliers": ["keep"], "tau2": ["REML"], "rho": [0.6],
              "test": ["cr2", "knapp-hartung"]},
    ).frame  # fmt: skip
    che = found[found["model"] == "che"].set_index("overlap")
    for overlap in ("full", "nested"):
        fit = ma.pool(unequal(overlap))
        assert_close(che.loc[overlap, "analysis_estimate"], fit.estimate, 1e-9)
        assert_close(che.loc[overlap, "se"], fit.se, 1e-7)
    assert che["reference"].tolist() == [True, False]
    assert found.loc[found["model"] == "three-level", "overlap"].isna().all()
    averaged = found[(found["aggregation"] == "mean") & (found["test"] == "knapp-hartung")]
    averaged = averaged[averaged["model"] == "two-level"].set_index("overlap")
    for overlap in ("full", "nested"):
        fit = ma.pool(aggregate(unequal(overlap), 0.6), model="two-level")
        assert_close(averaged.loc[overlap, "analysis_estimate"], fit.estimate, 1e-9)


def test_specifications_without_n_fail_with_the_reason():
    n = np.array(N, dtype=float)
    found = ma.Effects.from_arrays(np.arctanh(R), 1 / (n - 3), list("AABBCCDD"), measure="z")
    frame = ma.multiverse(found, grid={"overlap": ["full", "nested"], "rho": [0.6]}).frame
    nested = frame[frame["overlap"] == "nested"]
    assert len(nested) > 0
    assert nested["failure"].str.contains("needs the n of every effect").all()
    assert (frame.loc[frame["overlap"] == "full", "failure"] == "").any()
