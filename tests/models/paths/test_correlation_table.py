"""Long tables of correlations: what is used, what is refused, and sampling covariances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import metaalliance as ma
from metaalliance.core.conversion.steiger import correlation_vector
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError, StudyDataError
from metaalliance.models.paths.table import correlation_table

COLUMNS = ["study", "var1", "var2", "r", "n"]
MODEL = "y ~ b*m + x; m ~ a*x; ab := a*b"


def rows(*given: tuple) -> pd.DataFrame:
    return pd.DataFrame(given, columns=COLUMNS)


def full(study: str, n: int = 100, shift: float = 0.0) -> list[tuple]:
    return [(study, "x", "m", 0.3 + shift, n), (study, "m", "y", 0.4 - shift, n),
            (study, "y", "x", 0.2, n)]  # fmt: skip


def made(frame: pd.DataFrame, **options):
    options = {"measures_r": 0.6, "not_positive_definite": "refuse"} | options
    return correlation_table(frame, ["x", "m", "y"], **options)


def test_sampling_covariances_are_those_of_the_mean_correlations():
    found = made(rows(*full("A", 50), *full("B", 150, 0.1)))
    R = found.mean
    assert R[0, 1] == pytest.approx(0.3 + 0.1 * 0.75)
    expected = correlation_vector(R, 51, fisher=False).V  # which divides by n - 1
    np.testing.assert_allclose(found.cells.V[0], expected, rtol=1e-12)
    assert found.pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    np.testing.assert_allclose(found.cells.y[0], [0.3, 0.2, 0.4])


def test_order_of_variables_and_rows_changes_nothing():
    frame = rows(*full("A"), *full("B", 80, 0.05), *full("C", 60, -0.1))
    turned = frame.rename(columns={"var1": "var2", "var2": "var1"})[COLUMNS].iloc[::-1]
    one, two = ma.masem(frame, MODEL), ma.masem(turned, MODEL)
    assert one.minus_two_log_likelihood == pytest.approx(two.minus_two_log_likelihood, abs=1e-11)


def test_samples_of_a_study_are_independent():
    frame = rows(*full("A"), *full("A"), *full("B"))
    frame["sample"] = ["1"] * 3 + ["2"] * 3 + [None] * 3
    found = made(frame)
    assert found.n.tolist() == [200, 100]
    np.testing.assert_allclose(found.cells.V[0], found.cells.V[1] / 2, rtol=1e-10)


def test_several_measures_of_a_cell_count_as_less_than_independent_ones():
    frame = rows(*full("A"), ("A", "m", "y", 0.35, 100), *full("B"))
    by = {r: made(frame, measures_r=r).cells.V[0, 2, 2] for r in (0.3, 0.6, 0.9)}
    single = made(rows(*full("A"), *full("B"))).cells.V[0, 2, 2]
    assert single / 2 < by[0.3] < by[0.6] < by[0.9] < single * 1.02
    [notice] = made(frame).notices
    assert notice.code == "MA724"
    assert "correlate .60" in notice.message


def test_the_correlation_of_measures_comes_from_its_column():
    frame = rows(*full("A"), ("A", "m", "y", 0.35, 100), *full("B")).assign(measures_r=None)
    frame.loc[0, "measures_r"] = 0.9
    np.testing.assert_allclose(
        made(frame).cells.V, made(frame[COLUMNS], measures_r=0.9).cells.V, rtol=1e-12
    )
    frame.loc[1, "measures_r"] = 0.5
    with pytest.raises(EstimationError, match="one correlation"):
        made(frame)


def test_named_measures_say_which_variable_has_several():
    frame = rows(*full("A"), ("A", "m", "y", 0.35, 100), ("A", "y", "x", 0.1, 100), *full("B"))
    named = frame.assign(measure1=None, measure2=None)
    named.loc[[1, 3], "measure2"] = ["BDI", "HRSD"]  # y in m with y
    named.loc[[2, 4], "measure1"] = ["BDI", "HRSD"]  # y in y with x
    found = made(named).cells.V[0]
    items = np.eye(4)  # x, m, y by BDI, y by HRSD
    mean = made(named).mean
    place = [0, 1, 2, 2]
    R = np.where(items == 1, 1.0, mean[np.ix_(place, place)])
    R[2, 3] = R[3, 2] = 0.6
    pairs = np.array([(0, 1), (1, 2), (2, 0), (1, 3), (3, 0)])
    V = correlation_vector(R, 101, pairs, fisher=False).V
    Z = np.zeros((5, 3))
    Z[[0, 1, 2, 3, 4], [0, 2, 1, 2, 1]] = 1
    expected = np.linalg.inv(Z.T @ np.linalg.solve(V, Z))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_matrix_that_is_not_positive_definite_is_named():
    bad = [("B", "x", "m", 0.9, 100), ("B", "m", "y", 0.9, 100), ("B", "x", "y", -0.9, 100)]
    frame = rows(*full("A"), *bad, *full("C"), *full("D"))
    with pytest.raises(EstimationError, match=r"of B \(x, y, m\) contradict") as caught:
        ma.masem(frame, MODEL)
    assert caught.value.code == "MA723"
    with pytest.warns(MetaAllianceWarning, match="MA725"):
        found = ma.masem(frame, MODEL, not_positive_definite="exclude")
    assert found.table.excluded == ("B",)
    assert found.to_dict()["excluded"] == ["B"]
    assert found.n_studies == 3


def test_a_part_of_an_incomplete_matrix_is_checked():
    odd = [("B", "x", "m", 0.9, 100), ("B", "m", "y", 0.9, 100), ("B", "x", "y", -0.9, 100),
           ("B", "x", "z", 0.1, 100)]  # fmt: skip
    more = [(s, v, "z", 0.1, 90) for s in "AC" for v in "xmy"]
    frame = rows(*full("A"), *odd, *full("C"), *more)
    with pytest.raises(EstimationError, match="of B"):
        ma.masem(frame, MODEL + "; z ~ y")


def test_other_variables_are_left_out_and_counted():
    frame = rows(*full("A"), *full("B"), *full("C"), ("C", "x", "age", 0.1, 100))
    found = ma.masem(frame, MODEL)
    assert [p.message for p in found.notices if p.code == "MA722"] == [
        "Left out: 1 correlation of variables that the model does not name (age)."
    ]


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (rows(*full("A"))[:2], EstimationError, "No study correlates x with y"),
        (rows(*full("A")).replace("m", "q"), OptionError, "The model names m"),
        (rows(*full("A", 3)), EstimationError, "a correlation needs 4"),
        (rows(("A", "x", "x", 0.3, 50)), StudyDataError, "with itself"),
        (rows(("A", "x", "m", 1.3, 50)), StudyDataError, "between -1 and 1"),
        (rows(*full("A")).drop(columns="n"), StudyDataError, "no column n"),
    ],
)
def test_what_cannot_be_used_is_refused(frame, error, words):
    with pytest.raises(error, match=words):
        ma.masem(frame, MODEL)


def test_a_swapped_pair_is_the_same_pair():
    """Which variable is written first says nothing, where a pair has two rows."""
    frame = rows(*full("A"), ("A", "m", "y", 0.1, 100), *full("B", 80, 0.05), *full("C", 60))
    swapped = frame.copy()
    swapped.loc[[0, 3, 5], ["var1", "var2"]] = frame.loc[[0, 3, 5], ["var2", "var1"]].to_numpy()
    one, two = ma.masem(frame, MODEL), ma.masem(swapped, MODEL)
    np.testing.assert_array_equal(one.table.cells.V, two.table.cells.V)
    named = ma.masem(
        frame.assign(measure1=None, measure2=["p", "q", None, "r"] + [None] * 6), MODEL
    )
    assert named.minus_two_log_likelihood != one.minus_two_log_likelihood


def test_a_blank_time_is_not_coded_and_no_other_measure():
    frame = rows(*full("A"), *full("B", 80, 0.05), *full("C", 60))
    timed = frame.assign(time1="early", time2=None)
    timed.loc[[1, 4], "time1"] = ["", float("nan")]
    timed.loc[2, "time1"] = None
    found = ma.masem(timed, MODEL)
    assert "nan" not in found.summary()
    assert found.to_dict()["timing"]
    same = frame.assign(time1=None, time2=None)
    np.testing.assert_allclose(found.table.cells.V[:2], ma.masem(same, MODEL).table.cells.V[:2])


@pytest.mark.parametrize("line", ["ab/0", "log(0*ab - 1)", "1/(a - a)"])
def test_a_defined_parameter_without_a_value_is_named(line):
    with pytest.raises(OptionError, match=r"'d := .*it has no value"):
        ma.masem(rows(*full("A"), *full("B"), *full("C")), f"{MODEL}; d := {line}")
