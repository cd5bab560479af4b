"""Effects made from numbers: what is accepted, what is refused, and what they know."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from metaalliance.effects.effects import RESERVED, Effects
from metaalliance.effects.selection import extreme_per_study
from metaalliance.errors import EstimationError, OptionError, StudyDataError

YI, VI = [0.1, 0.3, 0.2, 0.4], [0.01, 0.02, 0.03, 0.04]
NESTED = Effects.from_arrays(
    YI,
    VI,
    study=["A", "A", "B", "C"],
    moderators={"modality": ["CBT", "CBT", "CBT", "other"], "year": [1990, 1990, 2001, 2010]},
    measure="z",
    n=[103, 53, 37, 28],
)


# What is accepted --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series])
def test_any_array_will_do(kind):
    ours = Effects.from_arrays(kind(YI), kind(VI))
    assert (ours.yi.tolist(), ours.vi.tolist()) == (YI, VI)


def test_integers_become_numbers():
    assert Effects.from_arrays([1, 2], [1, 1]).yi.dtype == float


def test_each_effect_is_its_own_study_by_default():
    assert Effects.from_arrays(YI, VI).n_studies == 4


def test_a_series_of_labels_is_taken_by_position():
    labels = pd.Series(["A", "A", "B", "C"], index=[9, 8, 7, 6])
    assert Effects.from_arrays(YI, VI, study=labels).frame["study"].tolist() == list("AABC")


def test_moderators_of_a_frame():
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": list("wxyz")})
    assert Effects.from_arrays(YI, VI, moderators=frame).moderators == ("a", "b")


def test_a_moderator_may_be_missing_in_places():
    ours = Effects.from_arrays(YI, VI, moderators={"year": [1, 2, math.nan, None]})
    assert ours.frame["year"].isna().tolist() == [False, False, True, True]


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([0.1, math.nan], [0.1, 0.1]), r"yi\[1\] is nan"),
        (([0.1, math.inf], [0.1, 0.1]), r"yi\[1\] is inf"),
        (([0.1, 0.2], [math.nan, 0.1]), r"vi\[0\] is nan"),
        (([0.1, 0.2], [0.1, math.inf]), r"vi\[1\] is inf"),
        (([0.1, 0.2], [0.1, -0.1]), r"vi\[1\] = -0.1: a sampling variance must be positive"),
        (([0.1, 0.2], [0.0, 0.1]), r"vi\[0\] = 0: a sampling variance must be positive"),
        (([0.1], [0.1, 0.1]), "yi has 1 values and vi has 2"),
        (([], []), "no effects"),
        ((["a", 0.2], [0.1, 0.1]), "yi must hold numbers only"),
        (([None, 0.2], [0.1, 0.1]), r"yi\[0\] is nan"),
    ],
)
def test_bad_numbers(arrays, message):
    with pytest.raises(StudyDataError, match=message):
        Effects.from_arrays(*arrays)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"study": ["A"]}, r"study has shape \(1,\); 4 effects need \(4,\)"),
        ({"study": ["A", None, "B", "C"]}, r"study\[1\] is missing"),
        ({"study": pd.Series(["A", "B", math.nan, "C"])}, r"study\[2\] is missing"),
        ({"study": [1, 2, math.nan, 3]}, r"study\[2\] is missing"),
        ({"moderators": {"year": [1990]}}, r"year has shape \(1,\)"),
        ({"moderators": {"yi": YI}}, "A moderator cannot be called 'yi'"),
        ({"moderators": {"study": list("ABCD")}}, "A moderator cannot be called 'study'"),
        ({"n": [10, 20]}, r"n has shape \(2,\)"),
    ],
)
def test_bad_columns(options, message):
    with pytest.raises(StudyDataError, match=message):
        Effects.from_arrays(YI, VI, **options)


def test_unknown_measure():
    with pytest.raises(OptionError, match="Did you mean 'z'"):
        Effects.from_arrays(YI, VI, measure="Z")


# What they know -----------------------------------------------------------------------------------


def test_counts():
    assert (NESTED.n_effects, NESTED.n_studies) == (4, 3)


def test_participants_are_the_largest_n_of_each_study():
    assert NESTED.n_participants == 103 + 37 + 28


def test_participants_of_samples_are_added():
    frame = NESTED.frame.assign(sample=["men", "women", None, None])
    assert Effects(frame=frame, measure="z").n_participants == 103 + 53 + 37 + 28


@pytest.mark.parametrize("n", [None, [10, 20, math.nan, 40]])
def test_participants_are_unknown_where_an_n_is(n):
    assert Effects.from_arrays(YI, VI, n=n).n_participants is None


def test_moderators_are_the_columns_that_are_nothing_else():
    assert NESTED.moderators == ("modality", "year")


def test_dependence():
    assert NESTED.dependent()
    assert not Effects.from_arrays(YI, VI).dependent()


@pytest.mark.parametrize(
    ("measure", "r"), [("z", np.tanh(YI)), ("r", np.array(YI)), ("r-unbiased", np.array(YI))]
)
def test_correlations_stand_beside_the_effects(measure, r):
    ours = Effects.from_arrays(YI, VI, measure=measure).frame["r"]
    assert ours.to_numpy() == pytest.approx(r, rel=1e-15)


def test_other_metrics_have_no_correlation():
    assert "r" not in Effects.from_arrays(YI, VI).frame


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        NESTED.yi[0] = 9.0


# Subsets ------------------------------------------------------------------------------------------


def test_subset_keeps_rows_and_measure():
    ours = NESTED.subset([True, False, False, True])
    assert ours.frame["study"].tolist() == ["A", "C"]
    assert ours.measure == "z"


def test_subset_counts_rows_from_zero():
    assert NESTED.subset([False, False, True, True]).frame.index.tolist() == [0, 1]


def test_subset_takes_the_ledger_along():
    ledger = pd.DataFrame({"formula": ["a", "b", "c", "d"]})
    chosen = Effects(frame=NESTED.frame, measure="z", ledger=ledger)
    ours = chosen.subset([False, True, False, True]).ledger
    assert ours["formula"].tolist() == ["b", "d"]


def test_an_empty_subset_is_refused():
    with pytest.raises(EstimationError, match="No effect is left") as caught:
        NESTED.subset([False] * 4)
    assert caught.value.code == "MA602"


@pytest.mark.parametrize(("which", "first"), [("lowest", 0.1), ("highest", 0.3)])
def test_one_effect_per_study_by_choice(which, first):
    assert extreme_per_study(NESTED, which).yi.tolist() == [first, 0.2, 0.4]


def test_the_first_of_equal_effects_is_chosen():
    tied = Effects.from_arrays([0.2, 0.2, 0.5], [0.01, 0.02, 0.03], study=["A", "A", "B"])
    assert extreme_per_study(tied, "highest").vi.tolist() == [0.01, 0.03]


# Lists, names and signs ---------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [math.nan, None, pd.NA, pd.NaT])
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_missing_label_in_a_list_is_refused(missing, kind):
    with pytest.raises(StudyDataError, match=r"study\[2\] is missing"):
        Effects.from_arrays([1, 2, 3], [1, 1, 1], study=kind(["A", "A", missing]))


def test_labels_of_several_types_stay_what_they_are():
    ours = Effects.from_arrays(YI, VI, study=["A", 1, 1.5, "1"])
    assert ours.frame["study"].tolist() == ["A", 1, 1.5, "1"]
    assert ours.n_studies == 4


@pytest.mark.parametrize("name", RESERVED)
def test_a_moderator_cannot_have_a_reserved_name(name):
    with pytest.raises(StudyDataError, match=f"cannot be called '{name}'"):
        Effects.from_arrays([0.1, 0.2], [0.01] * 2, moderators={name: [1, 2]})


def test_tables_are_refused():
    with pytest.raises(StudyDataError, match=r"yi has shape \(2, 2\)"):
        Effects.from_arrays([[0.1, 0.2], [0.3, 0.4]], [[0.1, 0.1], [0.1, 0.1]])


def test_lists_of_lists_are_no_labels():
    with pytest.raises(StudyDataError, match=r"study has shape \(4, 2\)"):
        Effects.from_arrays(YI, VI, study=[["A", "B"]] * 4)


def test_a_word_is_no_list_of_labels():
    with pytest.raises(StudyDataError, match=r"study has shape \(\)"):
        Effects.from_arrays(YI, VI, study="AABB")


@pytest.mark.parametrize("measure", ["r", "r-unbiased"])
def test_correlations_lie_between_minus_one_and_one(measure):
    with pytest.raises(StudyDataError, match=r"yi\[1\] = -1.01: a correlation"):
        Effects.from_arrays([0.1, -1.01], [0.01] * 2, measure=measure)


@pytest.mark.parametrize("n", [-3, 0])
def test_sample_sizes_are_positive(n):
    with pytest.raises(StudyDataError, match=rf"n\[1\] = {n}: a sample size"):
        Effects.from_arrays([0.1, 0.2], [0.01] * 2, n=[10, n])


def test_sample_sizes_are_numbers():
    with pytest.raises(StudyDataError, match="n must hold numbers"):
        Effects.from_arrays([0.1, 0.2], [0.01] * 2, n=["ten", 20])


def test_samples_of_a_study():
    labels = {"study": ["A", "A", "A"], "sample": ["men", "women", "women"]}
    ours = Effects.from_arrays([0.1, 0.2, 0.3], [0.01] * 3, n=[10, 20, 15], **labels)
    assert (ours.n_participants, ours.moderators) == (30, ())
