"""Multivariate models of components, through the public function."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from golden_data import golden

import metaalliance as ma
from metaalliance.report.tables.components import component_slope_table

CASES = ("berkey1998", "kalaian1996", "ishak2007", "craft2003_z", "craft2003_r")
FITS = [f"{s} {m}" for s in ("UN", "HCS", "CS", "DIAG") for m in ("REML", "ML")]


def of_case(name: str) -> ma.Effects:
    """The effects of a golden case, with their whole covariance."""
    case = golden("components")[name]
    data = case["data"]
    return ma.Effects.from_arrays(
        data["yi"], V=np.array(case["V"]), study=data["study"], moderators={"level": data["level"]}
    )


def fitted(*args, **keywords) -> ma.Multivariate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.MetaAllianceWarning)
        return ma.multivariate(*args, **keywords)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("name", CASES)
def test_metafor(name, fit):
    """rma.mv with clubSandwich's CR2; where R stops lower by more than rounding, ours is higher.

    Tolerances are those of R's optimisers: at an edge of G they stop up to 2e-7 short.
    """
    wanted, (structure, method) = golden("components")[name]["fits"][fit], fit.split()
    effects = of_case(name)
    found = fitted(effects, "level", structure, tau2=method)
    assert list(found.levels) == golden("components")[name]["levels"]
    gain = found.log_likelihood - wanted["log_likelihood"]
    assert -1e-10 < gain < 3e-7
    close = 2e-6 if gain < 1e-12 else 1e-4  # a gain of g moves estimates by its root
    scale = np.abs(wanted["G"]).max()
    np.testing.assert_allclose(found.G, wanted["G"], atol=close * max(scale, 0.01))
    means, contrasts = found.means, found.contrasts()
    np.testing.assert_allclose(means["estimate"], wanted["estimate"], rtol=close)
    np.testing.assert_allclose(means["se"], wanted["robust_se"], rtol=close)
    np.testing.assert_allclose(means["df"], wanted["df"], rtol=close)
    np.testing.assert_allclose(found.omnibus["statistic"], wanted["htz"]["F"], rtol=close)
    np.testing.assert_allclose(found.omnibus["df2"], wanted["htz"]["df2"], rtol=close)
    pairs = wanted["contrasts"]
    np.testing.assert_allclose(
        contrasts["estimate"].abs(), np.abs(pairs["estimate"]), rtol=10 * close
    )
    np.testing.assert_allclose(contrasts["df"], pairs["df"], rtol=close)
    plain = fitted(effects, "level", structure, tau2=method, test="wald").means["se"]
    np.testing.assert_allclose(plain, wanted["se"], rtol=close)


@pytest.mark.parametrize("measure", ["z", "r"])
def test_covariance_from_the_table_is_that_of_rcalc(measure):
    case = golden("components")[f"craft2003_{measure}"]
    V, data = np.array(case["V"]), case["data"]
    effects = ma.Effects.from_arrays(
        data["yi"], np.diag(V), data["study"], measure=measure, n=case["n"],
        moderators={"level": data["level"], "outcome": ["perf"] * len(data["yi"])},
    )  # fmt: skip
    found = fitted(effects, "level", correlations=pd.DataFrame(case["correlations"]),
                   against="outcome")  # fmt: skip
    assert found.sampling.assumed == 0
    study = np.array(data["study"])
    for label in dict.fromkeys(data["study"]):
        rows = np.flatnonzero(study == label)
        np.testing.assert_allclose(
            found.sampling.dense(rows[None])[0], V[np.ix_(rows, rows)], rtol=1e-10, atol=1e-16
        )
    same = fitted(of_case(f"craft2003_{measure}"), "level")
    assert found.log_likelihood == pytest.approx(same.log_likelihood, rel=1e-12)
    assert any(p.code == "MA697" and "6 rows" in p.message for p in found.notices)


def subscales(**extra) -> dict:
    """Nine studies with bond, task and goal of one sample, some without one of them."""
    rng = np.random.default_rng(11)
    study, level, yi, vi, n = [], [], [], [], []
    for i in range(9):
        own = ["bond", "task", "goal"][: 3 if i % 3 else 2]
        size = int(rng.integers(40, 120))
        shared = rng.normal(0, 0.15)
        for name in own:
            study.append(f"S{i}")
            level.append(name)
            yi.append(0.25 + 0.05 * (name == "task") + shared + rng.normal(0, 0.05))
            vi.append(1 / (size - 3))
            n.append(size)
    return {"yi": yi, "vi": vi, "study": study, "n": n, "measure": "z",
            "moderators": {"alliance_subscale": level, **extra}}  # fmt: skip


def test_results_are_ready_to_read():
    found = fitted(ma.Effects.from_arrays(**subscales()), "alliance_subscale", "HCS", rho=0.5)
    assert list(found.means["level"]) == ["bond", "task", "goal"]  # the order of the vocabulary
    columns = {"level", "estimate", "se", "ci_low", "ci_high", "df", "p_value", "n_studies",
               "n_effects", "tau2", "pi_low", "pi_high"}  # fmt: skip
    assert columns <= set(found.means)
    assert found.means["n_studies"].tolist() == [9, 9, 6]
    np.testing.assert_allclose(np.diag(found.G), found.means["tau2"])
    correlations = found.to_frame("r")["estimate"]
    np.testing.assert_allclose(correlations, np.tanh(found.means["estimate"]))
    document = json.loads(json.dumps(found.to_dict()))
    assert document["settings"]["rho"] == 0.5
    assert [c["level_a"] for c in document["contrasts"]] == ["bond", "bond", "task"]
    assert "task" in found.summary()
    assert "bond" in found._repr_html_()


def test_rho_stands_for_the_table_where_it_is_silent():
    data = subscales(outcome_measure=["BDI"] * 24)
    effects = ma.Effects.from_arrays(**data)
    table = pd.DataFrame(
        {"study": ["S1"], "var1": ["bond"], "var2": ["task"], "r": [0.7], "n": [60]}
    )
    found = fitted(effects, "alliance_subscale", "CS", correlations=table)
    assert (found.sampling.pairs, found.sampling.assumed) == (21, 20)
    rows = np.flatnonzero(np.array(data["study"]) == "S1")
    V = found.sampling.dense(rows[None])[0]
    r = np.tanh(np.array(data["yi"])[rows])
    a, b, ab = r[0], r[1], 0.7
    unscaled = ab * (1 - a**2 - b**2) - a * b * (1 - a**2 - b**2 - ab**2) / 2
    wanted = unscaled / ((1 - a**2) * (1 - b**2)) * data["vi"][rows[0]]
    assert V[0, 1] == pytest.approx(wanted, rel=1e-12)
    assert V[0, 2] == pytest.approx(0.6 * data["vi"][rows[0]], rel=1e-12)


def test_other_people_have_independent_errors():
    data = subscales()
    data["sample"] = list(range(24))
    apart = fitted(ma.Effects.from_arrays(**data), "alliance_subscale", "DIAG", rho=0.9)
    data.pop("sample")
    none = fitted(ma.Effects.from_arrays(**data), "alliance_subscale", "DIAG", rho=0.0)
    assert apart.log_likelihood == pytest.approx(none.log_likelihood, rel=1e-12)
    assert any(p.code == "MA605" for p in apart.notices)


def test_singular_covariance_is_said():
    yi = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.2, 0.3]
    effects = ma.Effects.from_arrays(
        yi, [0.0005] * 8, np.repeat(list("ABCD"), 2), {"scale": ["bond", "task"] * 4}
    )
    found = fitted(effects, "scale", rho=0.5)
    assert found.rank == 1
    assert len(found.without_variance) == 1
    assert found.without_variance[0] in {"bond − task", "−bond + task"}
    assert any(p.code == "MA696" and "singular: rank 1 of 2" in p.message for p in found.notices)
    assert found.correlations.iloc[0, 1] == pytest.approx(1.0, abs=1e-6)


def test_effects_within_studies_can_vary():
    data = subscales()
    for name in ("yi", "vi", "study", "n"):
        data[name] = [*data[name], *data[name]]
    data["yi"] = [y + (0.2 if i < 24 else -0.2) for i, y in enumerate(data["yi"])]
    data["moderators"] = {"alliance_subscale": data["moderators"]["alliance_subscale"] * 2}
    effects = ma.Effects.from_arrays(**data)
    none = fitted(effects, "alliance_subscale", "CS")
    equal = fitted(effects, "alliance_subscale", "CS", within_studies="equal")
    own = fitted(effects, "alliance_subscale", "CS", within_studies="own")
    assert none.log_likelihood < equal.log_likelihood <= own.log_likelihood + 1e-9
    assert (equal.means["tau2_within"] > 0.01).all()
    assert "tau2_within" not in none.means


def test_one_level_of_within_is_the_three_level_model():
    """CS with a correlation of one and one variance within is `pool` of the same effects."""
    data = subscales()
    data["moderators"]["half"] = ["a", "b"] * 12
    effects = ma.Effects.from_arrays(**data)
    found = fitted(effects, "half", "CS", within_studies="equal", rho=0.6, test="wald")
    model = {"model": "che", "rho": 0.6, "test": "wald"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = ma.meta_regression(effects, "half", min_studies=2, **model)
    if found.rank == 1:
        assert found.log_likelihood == pytest.approx(other.fit.log_likelihood, abs=1e-8)
    else:
        assert found.log_likelihood > other.fit.log_likelihood


def test_moderators_have_a_coefficient_in_each_component():
    data = subscales()
    year = {f"S{i}": 1990 + 3 * i for i in range(9)}
    data["moderators"]["year"] = [year[s] for s in data["study"]]
    found = fitted(ma.Effects.from_arrays(**data), "alliance_subscale", "CS", formula="year")
    assert found.slopes["level"].tolist() == ["bond", "task", "goal"]
    assert found.equal_slopes["df1"].tolist() == [2]
    assert len(found.fit.names) == 6
    table = component_slope_table(found)
    assert table.notes[0].startswith("year is per decade, centred at 2002")


SETTINGS = [
    ({"model": "two-level"}, "model='two-level'"),
    ({"model": "three-level"}, "model='three-level'"),
    ({"tau2": "DL"}, "tau2='DL'"),
    ({"test": "t"}, "test='t'"),
    ({"test": "knapp-hartung"}, "test='knapp-hartung'"),
    ({"df": "contain"}, "df='contain'"),
    ({"within": ["alliance_subscale"]}, "within="),
    ({"above": ["alliance_subscale"]}, "above="),
    ({"crossed": "alliance_subscale"}, "crossed="),
    ({"structure": "AR"}, "structure='AR'"),
    ({"within_studies": "all"}, "within_studies='all'"),
    ({"only": ["bonds"]}, "Did you mean 'bond'"),
]


@pytest.mark.parametrize(("given", "said"), SETTINGS)
def test_what_it_cannot_obey_is_refused_by_name(given, said):
    with pytest.raises(ma.OptionError, match=said.replace("[", r"\[")):
        ma.multivariate(ma.Effects.from_arrays(**subscales()), "alliance_subscale", **given)


@pytest.mark.parametrize("given", [{"tau2": "ML"}, {"test": "wald"}, {"rho": 0.1}, {"level": 0.8},
                                   {"prediction": "normal"}])  # fmt: skip
def test_what_it_obeys_moves_the_result(given):
    effects = ma.Effects.from_arrays(**subscales())
    plain, other = (fitted(effects, "alliance_subscale", "CS", **kw).means for kw in ({}, given))
    numbers = plain.columns[1:]
    assert np.nanmax(np.abs(plain[numbers] - other[numbers]).to_numpy(dtype=float)) > 1e-4


def test_total_beside_its_parts():
    data = subscales()
    data["moderators"]["alliance_subscale"][0] = "total"
    data["moderators"]["alliance_subscale"][5] = "total"
    effects = ma.Effects.from_arrays(**data)
    with pytest.raises(
        ma.OptionError, match=r"--only bond --only task --only goal.*--with-total"
    ) as e:
        ma.multivariate(effects, "alliance_subscale")
    assert e.value.code == "MA694"
    both = fitted(effects, "alliance_subscale", "CS", with_total=True)
    assert "total" in both.levels
    parts = fitted(effects, "alliance_subscale", "CS", only=["task", "bond"])
    assert parts.levels == ("task", "bond")
    assert any(p.code == "MA698" and "total (2 studies, 2 effects)" in p.message
               for p in parts.notices)  # fmt: skip


def test_levels_of_one_study_are_refused():
    data = subscales()
    data["moderators"]["alliance_subscale"][0] = "other"
    with pytest.raises(ma.EstimationError, match="one study") as e:
        ma.multivariate(ma.Effects.from_arrays(**data), "alliance_subscale")
    assert e.value.code == "MA695"


def test_estimands_stand_in_the_order_of_their_difference():
    data = subscales()
    kinds = {"bond": "between_patient", "task": "within_patient", "goal": None}
    data["moderators"] = {"estimand": [kinds[x] for x in data["moderators"]["alliance_subscale"]]}
    found = fitted(ma.Effects.from_arrays(**data), "estimand", "CS")
    assert found.levels == ("total", "within_patient", "between_patient")
    last = found.contrasts().iloc[-1]
    assert (last["level_a"], last["level_b"]) == ("within_patient", "between_patient")


def apart(*labels: tuple[str, ...]) -> ma.Effects:
    """Studies that have the components of their label."""
    rng = np.random.default_rng(4)
    rows = [(f"S{i}", one) for i, own in enumerate(labels) for one in own]
    return ma.Effects.from_arrays(
        rng.normal(0.3, 0.3, len(rows)), np.full(len(rows), 0.01), [s for s, _ in rows],
        {"part": [one for _, one in rows]},
    )  # fmt: skip


@pytest.mark.parametrize("structure", ["UN", "HCS"])
def test_nothing_is_said_of_correlations_that_no_study_tells(structure):
    effects, beside = apart(*[("a",), ("b",), ("c",)] * 8), ~np.eye(3, dtype=bool)
    found = [fitted(effects, "part", structure, seed=seed) for seed in (1, 2)]
    for one in found:
        assert np.isnan(one.G[beside]).all()
        assert np.isnan(one.correlations.to_numpy()[beside]).all()
        assert one.to_dict()["correlations"][0][1] is None
        assert one.rank == 3
    assert found[0].log_likelihood == pytest.approx(found[1].log_likelihood, abs=1e-8)
    ladder = ma.structure_ladder(found[0])
    count = ladder.drop_duplicates("structure").set_index("structure")["parameters"]
    assert count.to_dict() == {"none": 0, "CS": 1, "DIAG": 3, "HCS": 3, "UN": 3}
    same = ladder[ladder["df"] == 0]
    assert same["against"].tolist() == ["DIAG", "HCS"] and same["p_value"].isna().all()


def test_one_pair_that_studies_have_tells_its_correlation():
    effects = apart(*[("a", "b"), ("c",)] * 8)
    R = fitted(effects, "part").correlations
    assert np.isfinite(R.loc["a", "b"]) and R.loc["c", ["a", "b"]].isna().all()
    assert np.isfinite(fitted(effects, "part", "HCS").correlations.to_numpy()).all()


def test_more_parameters_than_studies_is_said():
    rng = np.random.default_rng(5)
    codes = np.tile(np.arange(6), 10)
    effects = ma.Effects.from_arrays(
        rng.normal(0.3, 0.2, 60), np.full(60, 0.02), np.repeat(np.arange(10), 6),
        {"outcome": [f"o{c}" for c in codes]},
    )  # fmt: skip
    found = fitted(effects, "outcome")
    assert any(p.code == "MA696" and "21 variances" in p.message for p in found.notices)


MATRICES = [
    (np.eye(3), "V has shape (3, 3); 4 effects need (4, 4)"),
    (np.eye(4) + np.diag([0.1, 0, 0], 1), "V of study A is not symmetric"),
    (np.eye(4) + 0.1 * (np.ones((4, 4)) - np.eye(4)), "different studies"),
    ([np.ones((2, 2)), np.eye(2)], "V of study A is not positive definite"),
    ([np.eye(2)], "V has 1 matrices; there are 2 studies"),
]


@pytest.mark.parametrize(("V", "said"), MATRICES)
def test_impossible_covariances_are_refused(V, said):
    with pytest.raises(ma.StudyDataError) as error:
        ma.Effects.from_arrays([0.1, 0.2, 0.3, 0.4], V=V, study=list("AABB"))
    assert said in str(error.value)


def test_a_whole_covariance_is_obeyed_or_refused():
    V = [np.array([[0.02, 0.01], [0.01, 0.03]]), np.array([[0.02, 0.0], [0.0, 0.02]])] * 2
    effects = ma.Effects.from_arrays(
        np.arange(8) / 10, V=V, study=list("AABBCCDD"), moderators={"m": list("xyxyxyxy")}
    )
    assert effects.vi.tolist() == [0.02, 0.03, 0.02, 0.02] * 2
    part = effects.subset([False, True] + [True] * 6)
    assert part.errors.dense(np.array([[0]]))[0].tolist() == [[0.03]]
    for refused in (lambda: ma.pool(effects), lambda: ma.aggregate(effects),
                    lambda: ma.moderators(effects, "m"),
                    lambda: ma.multivariate(effects, "m", rho=0.3)):  # fmt: skip
        with pytest.raises(ma.OptionError, match="cannot obey"):
            refused()
    with pytest.raises(ma.StudyDataError, match="in place of vi"):
        ma.Effects.from_arrays([0.1], [0.1], V=[[0.1]])
