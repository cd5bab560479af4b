"""Samples of a study, independent or within each other, in every model: against R, and refits."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close, golden
from golden_people import CASES, cases, fitted, people

import metaalliance as ma
from metaalliance.core.variance.many.subset_likelihood import maximize_subsets, q_subsets
from metaalliance.effects.aggregate import aggregate
from metaalliance.model import Model
from metaalliance.models.pool import fit_mean

#: The made-up n do not belong to the variances of "overlap", so that some weights are negative.
negative = pytest.mark.filterwarnings("ignore::metaalliance.MetaAllianceWarning")
both = pytest.mark.parametrize("name", ["samples", pytest.param("overlap", marks=negative)])
clustered = pytest.mark.parametrize("case", [c for c in CASES if c != "crossed"])


@both
@cases
def test_coefficients_and_components_are_those_of_rma_mv(name, case):
    ours, theirs = fitted(name, case, test="t")
    assert set(ours.sigma2) == set(theirs["sigma2"])
    scale = sum(theirs["sigma2"].values())
    components = [theirs["sigma2"][level] for level in ours.sigma2]
    assert_close(list(ours.sigma2.values()), components, ITERATED, scale=scale)
    assert_close(ours.beta, np.ravel(theirs["beta"]), ITERATED, scale=np.max(theirs["se"]))
    vcov = np.atleast_2d(theirs["vcov"])
    assert_close(ours.covariance, vcov, ITERATED, scale=np.abs(vcov).max())
    assert_close(ours.log_likelihood, theirs["logLik"], ITERATED)
    assert_close([ours.QE, ours.QE_p_value], [theirs["Q"], theirs["Q_p"]], ITERATED, scale=1e-6)
    assert_close(ours.I2, theirs["I2_total"], ITERATED)


@both
@clustered
def test_robust_inference_is_that_of_clubSandwich(name, case):
    ours, theirs = fitted(name, case, test="cr2")
    vcov = np.atleast_2d(theirs["CR2"]["vcov"])
    assert_close(ours.covariance, vcov, ITERATED, scale=np.abs(vcov).max())
    assert_close(ours.df, np.ravel(theirs["CR2"]["df"]), ITERATED)
    if case in {"regression", "within_sample", "within_crossing"}:
        joint, htz = ours.wald(np.eye(3)[1:]), theirs["CR2"]["htz"]
        assert_close([joint.statistic, joint.df2], [htz["F"], htz["df2"]], 1e-9)


@both
@pytest.mark.parametrize("case", ["mean", "mean_ml"])
def test_profile_intervals_of_the_mean(name, case):
    theirs = golden(name)[case]["sigma2_ci"]
    fit = fit_mean(people(name), Model(kind="che", **CASES[case]))
    for level in ("study", "effect"):
        assert_close(list(fit.sigma2_ci(level)), list(theirs[level].values()), 1e-7, scale=0.01)


@both
@pytest.mark.parametrize("how", ["plain", "weighted"])
def test_averages_are_those_of_aggregate(name, how):
    theirs = golden(name)[how]
    one = aggregate(people(name), 0.5, weighted=how == "weighted")
    place = {study: i for i, study in enumerate(one.frame["study"])}
    order = [place[study] for study in theirs["study"]]
    assert_close(one.yi[order], theirs["yi"], CLOSED, scale=0.1)
    assert_close(one.vi[order], theirs["vi"], CLOSED)
    fit = fit_mean(one, Model(kind="two-level"))
    assert_close([fit.tau2, fit.estimate, fit.se, fit.Q],
                 [theirs[n] for n in ("tau2", "estimate", "se", "Q")], ITERATED)  # fmt: skip


@both
def test_leaving_a_study_out_is_a_refit_without_it(name):
    found = people(name)
    left_out = ma.leave_one_out(found)
    frame = left_out.to_frame()
    for study in (1, 5, 9):
        rest = ma.pool(found.subset(found.frame["study"] != study))
        row = frame[frame["omitted"] == str(study)]
        assert_close(float(row["estimate"].iloc[0]), rest.estimate, 1e-8)


@both
@pytest.mark.parametrize("case", ["mean", "within_sample", "above", "rho_by_study", "crossed"])
def test_subsets_are_refits(name, case):
    found = people(name)
    fit = fit_mean(found, Model(kind="che", **CASES[case]))
    frame = found.frame.iloc[fit.data.order]
    study, place = frame["study"].to_numpy(), np.arange(found.n_effects)
    present = np.array([study != 2, study != 3, study > 6, place % 5 > 0, place % 7 != 3])
    optima = maximize_subsets(fit.data, present, [fit.point.theta], restricted=True)
    q = q_subsets(fit.data, present)
    for row, keep in enumerate(present):
        mask = np.zeros(found.n_effects, dtype=bool)
        mask[fit.data.order[keep]] = True
        rest = fit_mean(found.subset(mask), fit.specification)
        assert_close(optima.beta[row, 0], rest.estimate, 1e-8)
        assert_close(optima.theta[row].sum(), rest.tau2, 1e-7)
        typical = rest.tau2 * (1 - rest.I2) / rest.I2
        assert_close([q.Q[row], q.typical_variance[row]], [rest.Q, typical], 1e-8)


@both
def test_drawn_effects_have_the_covariance_of_the_model(name):
    structure = fit_mean(people(name), Model(kind="che")).data.structure
    rng, theta = np.random.default_rng(1), np.array([0.02, 0.01])
    draws = np.array([structure.draw(theta, rng) for _ in range(20_000)])
    at = structure.at(theta)
    S = np.column_stack([at.multiply(column) for column in np.eye(structure.vi.size)])
    scale = np.sqrt(np.outer(np.diag(S), np.diag(S)))
    assert np.abs(np.cov(draws.T) / scale - S / scale).max() < 0.05
