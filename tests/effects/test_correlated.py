"""Correlation matrices to effects with their covariances, and aggregation with them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from golden_data import CLOSED, ITERATED, assert_close, golden, quiet_pool

import metaalliance as ma
from metaalliance.errors import EstimationError, OptionError, StudyDataError

GOLDEN = golden("correlated")
measures = pytest.mark.parametrize("measure", ["z", "r"])


def craft():
    """dat.craft2003, the studies that report every correlation."""
    frame = pd.DataFrame(GOLDEN["data"]).rename(columns={"ri": "r", "ni": "n"})
    return frame.assign(study=frame["study"].astype(str))


def theirs(measure):
    """R's effects with the covariance of all of them."""
    found = GOLDEN[measure]
    rows = pd.DataFrame({name: found[name] for name in ("study", "var1", "var2", "yi")})
    return rows, np.array(found["V"])


def ours(measure):
    return ma.correlated_effects(craft(), alliance=["perf"], measure=measure)


def in_their_order(found, rows):
    """Index of our effect for each of R's rows."""
    frame = found.effects.frame
    keys = {
        (s, frozenset((a, b))): i
        for i, (s, a, b) in enumerate(
            zip(frame["study"], frame["var1"], frame["var2"], strict=True)
        )
    }
    return [
        keys[s, frozenset((a, b))]
        for s, a, b in zip(rows["study"], rows["var1"], rows["var2"], strict=True)
    ]


@measures
def test_effects_and_covariance_as_rcalc_has_them(measure):
    found, (rows, V) = ours(measure), theirs(measure)
    index = in_their_order(found, rows)
    assert sorted(index) == list(range(found.effects.n_effects))
    assert_close(found.effects.yi[index], rows["yi"], CLOSED, scale=0.1)
    assert_close(found.V()[np.ix_(index, index)], V, CLOSED, scale=1e-3)


@measures
@pytest.mark.parametrize("weighted", [True, False], ids=["gls", "plain"])
def test_aggregation_as_metafor_has_it(measure, weighted):
    found = ours(measure)
    one = ma.aggregate(found.effects, weighted=weighted, covariance=found.covariance)
    expected = GOLDEN[measure]["gls" if weighted else "plain"]
    order = [one.frame["study"].tolist().index(s) for s in GOLDEN[measure]["gls"]["study"]]
    assert_close(one.yi[order], expected["yi"], CLOSED, scale=0.1)
    assert_close(one.vi[order], expected["vi"], CLOSED)


@measures
def test_pooled_mean_is_that_of_all_effects_with_a_random_effect_of_studies(measure):
    found = ours(measure)
    one = ma.aggregate(found.effects, weighted=True, covariance=found.covariance)
    fit, expected = quiet_pool(one), GOLDEN[measure]["pooled"]
    by_effect = GOLDEN[measure]["by_effect"]
    assert_close([fit.estimate, fit.se], [expected["estimate"], expected["se"]], ITERATED)
    assert_close(fit.tau2, expected["tau2"], ITERATED)
    wald = quiet_pool(one, test="wald")
    assert_close([wald.estimate, wald.se], [by_effect["estimate"], by_effect["se"]], ITERATED)


# Rows --------------------------------------------------------------------------------------------


def table(*rows):
    return pd.DataFrame(rows, columns=["study", "var1", "var2", "r", "n"])


THREE = table(
    ("A", "bond", "BDI", 0.3, 60), ("A", "BDI", "task", 0.2, 60), ("A", "bond", "task", 0.6, 60)
)


def test_only_correlations_of_alliance_with_others_are_effects():
    frame = ma.correlated_effects(THREE, alliance=["bond", "task"]).effects.frame
    assert frame["effect"].tolist() == ["bond.BDI", "task.BDI"]
    assert_close(frame["r"], [0.3, 0.2], CLOSED)


def test_without_alliance_all_are_effects():
    assert ma.correlated_effects(THREE).effects.n_effects == 3


def test_whole_covariance_is_block_diagonal():
    both = pd.concat([THREE, THREE.assign(study="B")])
    V = ma.correlated_effects(both).V()
    assert V.shape == (6, 6)
    assert (V[:3, 3:] == 0).all()
    assert_close(V[:3, :3], V[3:, 3:], CLOSED)


def test_order_of_variables_does_not_matter():
    turned = THREE.assign(var1=THREE["var2"], var2=THREE["var1"])
    one, other = (ma.correlated_effects(f, alliance=["bond", "task"]) for f in (THREE, turned))
    assert_close(other.covariance["A"], one.covariance["A"], CLOSED)


@pytest.mark.parametrize(
    ("how", "n"), [("smallest", 40), ("mean", 60), ("harmonic", 3 / (1 / 40 + 2 / 70))]
)
def test_sample_size_of_a_study(how, n):
    found = ma.correlated_effects(THREE.assign(n=[40, 70, 70]), sample_size=how)
    assert_close(found.effects.vi, np.full(3, 1 / (n - 3)), CLOSED)


def test_missing_correlation_is_refused_by_name():
    with pytest.raises(EstimationError, match=r"Study A lacks 1 .*: bond with task"):
        ma.correlated_effects(THREE[:2])


def test_assumed_correlation_is_listed():
    found = ma.correlated_effects(THREE[:2], missing=0.6, alliance=["bond", "task"])
    assert found.assumed.to_dict("records") == [
        {"study": "A", "var1": "bond", "var2": "task", "r": 0.6}
    ]
    known = ma.correlated_effects(THREE, alliance=["bond", "task"])
    assert_close(found.covariance["A"], known.covariance["A"], CLOSED)
    assert known.assumed.empty


def test_contradicting_correlations():
    impossible = THREE.assign(r=[0.9, -0.9, 0.9])
    with pytest.raises(EstimationError, match="contradict each other"):
        ma.correlated_effects(impossible)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("r", 1.0, "r = 1"),
        ("r", math.nan, "r = nan"),
        ("r", "x", "numbers only"),
        ("n", 0, "n = 0"),
        ("n", math.inf, "n = inf"),
        ("n", 3, r"n = 3; measure='z' needs 4"),
        ("var1", None, "var1 is missing in row 0"),
        ("var2", "bond", "correlated with itself"),
    ],
)
def test_impossible_rows(column, value, message):
    frame = THREE.astype({column: object})
    frame.loc[0, column] = value
    with pytest.raises(StudyDataError, match=message):
        ma.correlated_effects(frame)


def test_pair_that_comes_twice():
    twice = pd.concat([THREE, table(("A", "BDI", "bond", 0.3, 60))])
    with pytest.raises(StudyDataError, match="BDI with bond twice"):
        ma.correlated_effects(twice)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alliance": ["WAI"]}, "No study has the variable WAI"),
        ({"alliance": "bond"}, "list of variables"),
        ({"measure": "d"}, "measure='d'"),
        ({"sample_size": "largest"}, "sample_size='largest'"),
        ({"missing": 1.0}, "missing=1.0"),
    ],
)
def test_impossible_options(options, message):
    with pytest.raises(OptionError, match=message):
        ma.correlated_effects(THREE, **options)


def test_missing_column():
    with pytest.raises(StudyDataError, match="no column n;"):
        ma.correlated_effects(THREE.drop(columns="n"))


def test_alliance_alone_has_no_effects():
    with pytest.raises(EstimationError, match="No study correlates"):
        ma.correlated_effects(THREE, alliance=["bond", "task", "BDI"])


# Aggregation with known covariances ---------------------------------------------------------------

PAIR = ma.Effects.from_arrays([0.2, 0.5, 0.3], [0.04, 0.09, 0.01], study=["A", "A", "B"])


def test_constant_correlation_is_the_one_of_rho():
    V = np.array([[0.04, 0.03], [0.03, 0.09]])
    for weighted in (False, True):
        known = ma.aggregate(PAIR, weighted=weighted, covariance={"A": V})
        assumed = ma.aggregate(PAIR, 0.5, weighted=weighted)
        assert_close([known.yi, known.vi], [assumed.yi, assumed.vi], CLOSED)


def test_studies_without_known_covariance_use_rho():
    both = ma.Effects.from_arrays([0.2, 0.5, 0.2, 0.5], [0.04, 0.09] * 2, study=list("AABB"))
    found = ma.aggregate(both, 0.2, covariance={"A": np.diag([0.04, 0.09])})
    assert_close(found.vi, [0.13 / 4, (0.13 + 2 * 0.2 * 0.06) / 4], CLOSED)


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        ({"C": np.eye(1)}, "studies without effects: C"),
        ({"A": np.eye(3)}, r"shape \(3, 3\); its 2 effects"),
        ({"A": np.diag([0.09, 0.04])}, "not the vi of its effects"),
        ({"A": [[0.04, 0.07], [0.07, 0.09]]}, "positive definite"),
        ({"A": [[0.04, 0.01], [0.03, 0.09]]}, "not symmetric"),
    ],
)
def test_covariances_that_do_not_fit(covariance, message):
    with pytest.raises(OptionError, match=message):
        ma.aggregate(PAIR, covariance=covariance)


def test_matrices_of_different_samples_are_independent():
    first, second = (
        {"var1": ["bond", "task", "bond"], "var2": ["BDI", "BDI", "task"], "r": r, "n": [n] * 3}
        for r, n in (([0.3, 0.2, 0.6], 103), ([0.35, 0.1, 0.5], 53))
    )
    apart = [
        pd.DataFrame({"study": study, **part}) for study, part in (("A", first), ("B", second))
    ]
    together = pd.concat([f.assign(study="A", sample=s) for f, s in zip(apart, "xy", strict=True)])
    alone = ma.correlated_effects(pd.concat(apart), alliance=["bond", "task"])
    found = ma.correlated_effects(together, alliance=["bond", "task"])
    V = found.covariance["A"]
    assert V[:2, :2].tolist() == alone.covariance["A"].tolist()
    assert V[2:, 2:].tolist() == alone.covariance["B"].tolist()
    assert not V[:2, 2:].any()
    one = ma.aggregate(found.effects, covariance=found.covariance)
    assert one.vi[0] == pytest.approx(V.sum() / 16)
    assert one.n_participants == 156
    with pytest.raises(StudyDataError, match=r"Study A, sample x gives .* twice"):
        ma.correlated_effects(pd.concat([together, together]), alliance=["bond", "task"])
