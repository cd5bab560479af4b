"""Every setting moves the results without a study as it moves the pooled mean."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import assert_close, quiet_pool

import metaalliance as ma
from metaalliance.diagnostics.refits import Refits, point_of
from metaalliance.diagnostics.subject import examine

STUDIES, EACH = 8, 4
NUMBERS = ("estimate", "se", "ci_low", "pi_low", "tau2")
SETTINGS = [
    {"tau2": "ML"},
    {"test": "t"},
    {"rho": 0.2},
    {"level": 0.8},
    {"prediction": "normal"},
    {"within": ("arm",)},
    {"above": ("team",)},
    {"crossed": "instrument"},
    {"rho": "errors"},
    {"rho": 0.2, "rho_same": 0.7, "same": "outcome"},
    {"model": "three-level"},
]
each_setting = pytest.mark.parametrize("options", SETTINGS, ids=str)


@pytest.fixture(scope="module")
def effects():
    rng = np.random.default_rng(11)
    study = np.repeat(np.arange(STUDIES), EACH)
    k = study.size
    team, arm = np.arange(STUDIES) // 2, np.arange(k) // 2
    instrument = rng.integers(0, 3, k)
    yi = 0.3 + rng.normal(0, 0.15, STUDIES)[study] + rng.normal(0, 0.2, STUDIES // 2)[team[study]]
    yi += rng.normal(0, 0.5, k // 2)[arm] + rng.normal(0, 0.2, 3)[instrument]
    columns = {
        "arm": [f"A{a}" for a in arm],
        "team": [f"T{t}" for t in team[study]],
        "instrument": [f"I{i}" for i in instrument],
        "errors": rng.uniform(0.1, 0.9, STUDIES)[study],
        "outcome": [f"O{i % 2}" for i in range(k)],
        "year": 2000.0 + study,
    }
    vi = rng.uniform(0.01, 0.06, k)
    labels = [f"S{s}" for s in study]
    order = rng.permutation(k)  # rows of a study are not adjacent
    return ma.Effects.from_arrays(
        (yi + rng.normal(0, np.sqrt(vi)))[order],
        vi[order],
        np.array(labels)[order],
        moderators={name: np.array(values)[order] for name, values in columns.items()},
        measure="z",
    )


def numbers_of(fit):
    return np.array([getattr(fit, name) for name in NUMBERS])


@each_setting
def test_what_moves_the_mean_moves_every_result_without_a_study(effects, options):
    plain, fit = (
        quiet_pool(effects, model="che"),
        quiet_pool(effects, **{"model": "che", **options}),
    )
    assert np.abs(numbers_of(fit) - numbers_of(plain)).max() > 1e-4
    left = ma.leave_one_out(effects, **{"model": "che", **options}).frame
    for row in left.itertuples():
        rest = effects.subset(effects.frame["study"] != row.study)
        naive = quiet_pool(rest, **{"model": "che", **options})
        assert_close([getattr(row, n) for n in NUMBERS], numbers_of(naive), 1e-7, 1e-4)
    whole = ma.cumulative(fit).frame.iloc[-1]
    assert_close([whole[n] for n in NUMBERS], numbers_of(fit), 1e-8, 1e-6)


@each_setting
def test_diagnostics_against_dense_matrices(effects, options):
    fit = quiet_pool(effects, **{"model": "che", **options})
    subject, found = examine(fit), ma.influence(fit)
    order, k = subject.order, effects.n_effects
    assert_close(found.studies["hat"].sum(), 1.0, 1e-12)
    G = float(subject.point.bread[0, 0])
    assert_close(1 / G, dense(subject, subject.point.theta, np.arange(k)).sum(), 1e-9)
    label = effects.frame["study"].to_numpy()[order]
    for row in found.studies.head(3).itertuples():
        out, rest = np.flatnonzero(label == row.study), np.flatnonzero(label != row.study)
        naive = quiet_pool(
            effects.subset(effects.frame["study"] != row.study), **{"model": "che", **options}
        )
        theta = point_of(subject, refit_without(subject, row.study)).theta
        assert_close(row.tau2_del, naive.tau2, 1e-7, 1e-4)
        change = fit.estimate - naive.estimate
        assert_close(row.cook, change**2 / G, 1e-6, 1e-6)
        everywhere = 1 / dense(subject, theta, np.arange(k)).sum()
        assert_close(row.dfbetas, change / np.sqrt(everywhere), 1e-6, 1e-4)
        errors = subject.data.yi[out] - naive.estimate
        C = np.linalg.inv(dense(subject, theta, out)) + 1 / dense(subject, theta, rest).sum()
        assert_close(row.X2, errors @ np.linalg.solve(C, errors), 1e-6, 1e-4)


def refit_without(subject, label):
    keep = np.array([subject.labels[s] != label for s in subject.study])[None, :]
    return next(iter(Refits(subject, keep, "wald")))


def dense(subject, theta, rows):
    """Inverse of the covariance of some rows, from the covariance of all as it is defined."""
    data = subject.data
    if subject.structured:
        whole = np.linalg.inv(data.structure.at(theta).solve(np.eye(data.yi.size)))
    else:
        same = subject.study[:, None] == subject.study
        root = np.sqrt(data.vi)
        whole = same * (data.structure.rho * np.outer(root, root) + theta[0])
        whole += np.diag((1 - data.structure.rho) * data.vi + theta[1])
    return np.linalg.inv(whole[np.ix_(rows, rows)])


@pytest.mark.parametrize("options", [{"tau2": "DL"}, {"test": "wald"}, {"level": 0.8}], ids=str)
def test_settings_of_the_two_level_model(effects, options):
    first = effects.subset(~effects.frame["study"].duplicated())
    left = ma.leave_one_out(first, **options).frame
    assert np.abs(left["ci_low"] - ma.leave_one_out(first).frame["ci_low"]).max() > 1e-4
    naive = quiet_pool(first.subset(np.arange(STUDIES) != 2), **options)
    assert_close([left[n][2] for n in NUMBERS], numbers_of(naive), 1e-8, 1e-6)


@pytest.mark.parametrize(
    "options",
    [{"within": ("arm",)}, {"above": ("team",)}, {"crossed": "instrument"}, {"rho": "errors"},
     {"within": ("arm",), "above": ("team",), "rho": 0.4}],
    ids=str,
)  # fmt: skip
def test_structures_are_kept_by_outliers_and_subsets(effects, options):
    fit = quiet_pool(effects, model="che", **options)
    found = ma.outliers(fit, threshold=1.5)
    assert found.rules[1].flagged
    keep = ~found.frame["outside_residual"].to_numpy()
    naive = quiet_pool(effects.subset(keep), model="che", **options)
    assert_close(found.rules[1].fit.estimate, naive.estimate, 1e-10)
    clouds = ma.gosh(fit, 6, seed=2)
    frame = clouds.frame
    done = np.flatnonzero(frame["estimate"].notna())
    assert done.size
    for index in done:
        studies = [s for s in clouds.labels if clouds.contains(s)[index]]
        rest = effects.subset(effects.frame["study"].isin(studies))
        some = quiet_pool(rest, model="che", **options)
        assert_close(frame.loc[index, ["estimate", "tau2", "I2", "Q"]].astype(float),
                     [some.estimate, some.tau2, some.I2, some.Q], 1e-8, 1e-4)  # fmt: skip


def test_subsets_of_nested_levels_are_fitted_at_once(effects):
    fit = quiet_pool(effects, model="che", within=("arm",), above=("team",))
    told = []
    ma.gosh(fit, 60, progress=lambda done, total: told.append((done, total)))
    assert told == [(60, 60)]


def test_means_of_studies_under_correlations_by_column(effects):
    fit = quiet_pool(effects, model="che", rho="errors")
    found = ma.outliers(fit, "study").frame.set_index("study")
    part = effects.frame[effects.frame["study"] == "S3"]
    root, rho = np.sqrt(part["vi"].to_numpy()), float(part["errors"].iloc[0])
    V = rho * np.outer(root, root) + (1 - rho) * np.diag(root**2)
    w = np.linalg.solve(V, np.ones(EACH))
    assert_close(found.loc["S3", "estimate"], w @ part["yi"].to_numpy() / w.sum(), 1e-10)
    half = 1.959963984540054 / np.sqrt(w.sum())
    assert_close(found.loc["S3", "ci_high"] - found.loc["S3", "estimate"], half, 1e-10)


def test_early_steps_without_their_structure_say_so(effects):
    fit = quiet_pool(effects, model="che", within=("arm",))
    found = ma.cumulative(fit).frame
    assert found["model"].iloc[0] == "two-level"
    assert set(found["model"].iloc[1:]) <= {"che", "che without further structure"}
    assert found["model"].iloc[-1] == "che"


def test_an_unknown_setting_is_refused(effects):
    with pytest.raises(ma.OptionError, match="no setting 'rhoo'"):
        ma.leave_one_out(effects, rhoo=0.3)


@pytest.mark.parametrize(
    "options",
    [{"within": ("arm",)}, {"above": ("team",)}, {"crossed": "instrument"}, {"rho": "errors"}],
    ids=str,
)
def test_a_regression_of_every_structure_without_each_study(effects, options, regression_of):
    model = {"model": "che", "test": "t", **options}
    fit = regression_of(effects, effects.frame["year"], **model)
    left, found = ma.leave_one_out(fit), ma.influence(fit)
    G = fit.basis @ fit.point.bread @ fit.basis.T
    for row, study in zip(left.frame.itertuples(), found.studies.itertuples(), strict=True):
        rest = effects.subset(effects.frame["study"] != row.study)
        naive = regression_of(rest, rest.frame["year"], **model)
        ours = left.coefficients[left.coefficients["omitted"] == row.omitted]
        assert_close(ours["estimate"], naive.beta, 1e-6, 1e-3)
        assert_close(ours["se"], naive.se, 1e-6)
        assert_close([row.tau2, row.QE], [naive.tau2, naive.QE], 1e-6, 1e-4)
        change = fit.beta - naive.beta
        assert_close(study.cook, change @ np.linalg.solve(G, change), 1e-4, 1e-3)
        assert study.tau2_del == row.tau2
