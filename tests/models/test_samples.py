"""Independent samples of a study: their errors are independent, in every model, against R."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden
from golden_people import cases, fitted, people

import metaalliance as ma
from metaalliance.core.arrays import Array
from metaalliance.effects.aggregate import aggregate
from metaalliance.model import Model
from metaalliance.models.structure import working_data


def effects() -> ma.Effects:
    return people("samples")


# The dense covariance ----------------------------------------------------------------------------


def dense(found: ma.Effects, rho: float) -> Array:
    root, study = np.sqrt(found.vi), found.frame["study"].to_numpy()
    sample = found.frame["sample"].fillna("").to_numpy()
    alike = (study[:, None] == study) & (sample[:, None] == sample)
    V = rho * alike * np.outer(root, root)
    np.fill_diagonal(V, found.vi)
    return np.asarray(V)


@cases
def test_covariance_of_the_working_model_is_zero_between_samples(case):
    fit, _ = fitted("samples", case, test="t")
    order, at = fit.data.order, fit.data.structure.at(np.zeros(fit.point.theta.size))
    S = np.column_stack([at.multiply(column) for column in np.eye(order.size)])
    sample, study = (effects().frame[c].fillna("").to_numpy()[order] for c in ("sample", "study"))
    alike = (study[:, None] == study) & (sample[:, None] == sample)
    assert not S[~alike].any()
    assert (S[alike] > 0).all()
    assert_close(np.linalg.slogdet(S)[1], at.log_determinant, CLOSED)
    assert_close(at.solve(S), np.eye(order.size), 1e-11, scale=1.0)
    for rows in fit.data.blocks.of_one_size(np.ones(fit.data.blocks.m, dtype=bool)):
        assert_close(at.dense_blocks(rows)[0], S[np.ix_(rows[0], rows[0])], CLOSED, scale=1e-3)


@cases
def test_traces_of_the_working_model(case):
    fit, _ = fitted("samples", case, test="t")
    at, k = fit.point.covariance, fit.data.order.size
    inverse = at.solve(np.eye(k))
    for index, level in enumerate(fit.data.structure.levels):
        Z = level.spread(np.eye(level.m))
        assert_close(at.diagonal(index), np.diag(Z.T @ inverse @ Z), 1e-10)


def test_one_label_of_samples_everywhere_is_no_sample():
    data = golden("samples")["data"]
    plain = ma.Effects.from_arrays(data["yi"], data["vi"], data["study"])
    one = ma.Effects.from_arrays(data["yi"], data["vi"], data["study"], sample=["a"] * 100)
    assert ma.pool(plain).to_dict()["pooled"] == ma.pool(one).to_dict()["pooled"]
    assert not {n.code for n in ma.pool(one).notices} & {"MA605"}


def test_every_effect_a_sample_of_its_own_is_a_diagonal_covariance():
    data = golden("samples")["data"]
    apart = ma.Effects.from_arrays(data["yi"], data["vi"], data["study"], sample=range(100))
    che, three = ma.pool(apart, model="che"), ma.pool(apart, model="three-level")
    assert_close([che.estimate, che.se, che.tau2], [three.estimate, three.se, three.tau2], 1e-9)
    assert {n.code for n in che.notices} - {n.code for n in three.notices} == {"MA605"}


def test_order_of_rows_plays_no_part():
    found, rng = effects(), np.random.default_rng(3)
    order = rng.permutation(found.n_effects)
    mixed = ma.Effects(frame=found.frame.iloc[order].reset_index(drop=True), measure="generic")
    ours, theirs = ma.pool(mixed), ma.pool(found)
    assert_close([ours.estimate, ours.se, ours.Q], [theirs.estimate, theirs.se, theirs.Q], 1e-9)
    assert_close(np.asarray(ours.weights), np.asarray(theirs.weights)[order], 1e-7)


# Averages ----------------------------------------------------------------------------------------

TWO = {"study": ["A"] * 4 + ["B"], "sample": ["x", "y", "x", "y", None]}


def two(measure: str = "z") -> ma.Effects:
    return ma.Effects.from_arrays(
        [0.1, 0.2, 0.3, 0.4, 0.3], [0.01, 0.02, 0.01, 0.02, 0.04], TWO["study"], measure=measure,
        n=[103, 53, 100, 53, 28], sample=TWO["sample"],
    )  # fmt: skip


def test_average_by_hand():
    one = aggregate(two(), 0.5)
    # each sample: v (1 + rho) 2; independent: their sum over 4 squared
    assert_close(one.vi, [(0.01 * 3 + 0.02 * 3) / 16, 0.04], CLOSED)
    assert one.yi.tolist() == [0.25, 0.3]
    assert one.frame["n"].tolist() == [156, 28]
    assert one.n_participants == two().n_participants == 184
    assert one.frame["sample"].fillna("").tolist() == ["mixed", ""]
    assert one.frame["n_effects"].tolist() == [4, 1]


def test_composite_is_one_of_each_sample():
    one = aggregate(two("r"), 0.5, method="composite")
    first, second = 0.4 / np.sqrt(3), 0.6 / np.sqrt(3)
    assert one.yi[0] == pytest.approx((first + second) / 2)
    variance = sum((1 - r * r) ** 2 / (n - 1) for r, n in ((first, 102), (second, 53)))
    assert one.vi[0] == pytest.approx(variance / 4)
    assert one.frame["n"].tolist() == [155, 28]


def test_psychometric_weights_samples_by_n():
    effects = two("r")
    found = ma.psychometric(effects, rho=0.5)
    a, b = 0.2, 0.3  # means of the samples
    mean = (103 * a + 53 * b) / 156
    assert found.bare_bones.mean_r == pytest.approx((156 * mean + 28 * 0.3) / 184)
    assert found.n_participants == 184
    assert "MA605" in {n.code for n in found.notices}


@pytest.mark.parametrize("working_model", ["CORR", "HIER"])
def test_rve_takes_rho_within_samples(working_model):
    found = effects()
    fit = ma.rve(found, working_model=working_model, rho=0.8)
    plain = ma.rve(ma.Effects(frame=found.frame.drop(columns="sample"), measure="generic"),
                   working_model=working_model, rho=0.8)  # fmt: skip
    if working_model == "HIER":
        assert fit.tau2 == pytest.approx(plain.tau2)
        return
    # The expectation of Q under V, with dense matrices: Q = y'(W - W X V X'W) y.
    n = found.frame.groupby("study")["vi"].transform("size").to_numpy(float)
    mean_v = found.frame.groupby("study")["vi"].transform("mean").to_numpy(float)
    study = found.frame["study"].to_numpy()
    w, J = 1 / (n * mean_v), (study[:, None] == study).astype(float)
    alike = dense(found, 1.0) > 0
    Sigma = np.where(alike, 0.8, 0.0) * np.sqrt(np.outer(mean_v, mean_v))
    np.fill_diagonal(Sigma, mean_v)
    P = np.diag(w) - np.outer(w, w) / w.sum()
    tau2 = (found.yi @ P @ found.yi - np.trace(P @ Sigma)) / np.trace(P @ J)
    assert fit.tau2 == pytest.approx(tau2)
    assert fit.tau2 != pytest.approx(plain.tau2)
    mixed = found.frame.sample(frac=1, random_state=1).reset_index(drop=True)
    again = ma.rve(ma.Effects(frame=mixed, measure="generic"), rho=0.8)
    assert again.tau2 == pytest.approx(fit.tau2)


# Levels that nest in samples, hold them or cross them ---------------------------------------------

WITHIN = ((), ("w",), ("sample",), ("sample", "w"), ("w", "v"), ("w", "sample"))


def drawn(rng: np.random.Generator) -> tuple[ma.Effects, Model]:
    """Effects with samples and levels at random, and a model that uses some of them."""
    study = np.repeat(np.arange(5), rng.integers(1, 7, 5) + (np.arange(5) == 0))
    k = study.size
    columns = {
        "w": rng.choice(list("xyz"), k), "v": rng.choice(list("pq"), k), "team": study // 2,
        "tool": rng.choice(list("mno"), k),
    }  # fmt: skip
    sample = list(rng.choice(np.array(["a", "b", None], dtype=object), k))
    found = ma.Effects.from_arrays(
        0.3 * rng.normal(size=k), 1 / rng.integers(20, 90, k), study, columns, sample=sample,
        n=rng.choice([30.0, 50.0, 51.0, 90.0], k), overlap=str(rng.choice(["full", "nested"])),
    )  # fmt: skip
    asked: dict[str, Any] = {"within": WITHIN[rng.integers(6)], "rho": rng.choice([0.0, 0.3, 0.6])}
    asked |= {"above": ("team",)} if rng.random() < 0.3 else {}
    asked |= {"crossed": "tool", "test": "t"} if rng.random() < 0.3 else {}
    asked |= {"same": "v", "rho_same": 0.85} if rng.random() < 0.4 else {}
    return found, Model(kind="che", **{**asked, "rho": float(asked["rho"])})


def by_definition(found: ma.Effects, model: Model, theta: dict[str, float]) -> Array:
    """The covariance of the effects, entry by entry."""

    def alike(column: str) -> Array:
        values = found.frame[column].astype(object).where(found.frame[column].notna(), "")
        return np.asarray(values.to_numpy()[:, None] == values.to_numpy())

    study = alike("study")
    inside, parts = study, {"effect": np.eye(found.n_effects), "study": study}
    for column in model.within:
        inside = inside & alike(column)
        parts[column] = inside
    parts |= {c: alike(c) for c in (*model.above, model.crossed) if c}
    people = study & alike("sample")
    rho = np.where(people, model.rho, 0.0)
    if model.same:
        rho = np.where(people & inside & alike(model.same), model.rho_same, rho)
    if found.overlap == "nested":
        n = found.frame["n"].to_numpy()
        rho = rho * np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n))
    np.fill_diagonal(rho, 1.0)
    S = rho * np.sqrt(np.outer(found.vi, found.vi))
    return np.asarray(S + sum(t * parts[name] for name, t in theta.items()))


@pytest.mark.parametrize("seed", range(120))
def test_any_structure_is_its_definition_and_so_is_a_part_of_it(seed):
    rng = np.random.default_rng(seed)
    found, model = drawn(rng)
    k = found.n_effects
    data = working_data(found, np.ones((k, 1)), model.resolved(dependent=True))
    theta = 0.1 * rng.random(len(data.names)) * (rng.random(len(data.names)) < 0.8)
    S = by_definition(found, model, dict(zip(data.names, theta, strict=True)))
    S = S[np.ix_(data.order, data.order)]
    keep = rng.random(k) < 0.7
    keep[:2] = True
    for own, T in ((data, S), (data.subset(keep), S[np.ix_(keep, keep)])):
        at, inverse = own.structure.at(theta), np.linalg.inv(T)
        ours = np.column_stack([at.multiply(column) for column in np.eye(len(T))])
        assert_close(ours, T, CLOSED, scale=0.1)
        assert_close(at.solve(np.eye(len(T))), inverse, 1e-9, scale=np.abs(inverse).max())
        assert_close(at.log_determinant, np.linalg.slogdet(T)[1], 1e-11)
        for index, level in enumerate(own.structure.levels):
            Z = level.spread(np.eye(level.m))
            assert_close(at.diagonal(index), np.diag(Z.T @ inverse @ Z), 1e-9)
