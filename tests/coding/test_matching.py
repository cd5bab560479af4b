"""Which rows belong together, and which are left to people."""

from __future__ import annotations

import unicodedata

import pytest

from metaalliance.coding.matching import match_rows
from metaalliance.errors import OptionError


def numbers(matching):
    return [tuple(None if r is None else r.number for r in m.rows) for m in matching.matched]


def plain(rows):
    """Rows without effect ids."""
    return [{k: v for k, v in row.items() if k != "effect"} for row in rows]


def test_effect_ids_match_rows_in_any_order(sheets, change):
    rows = change()
    matching = match_rows(sheets(rows, rows[::-1]))
    assert numbers(matching) == [(2, 8), (3, 7), (4, 6), (5, 5), (6, 4), (7, 3), (8, 2)]
    assert {m.how for m in matching.matched} == {"effect"}
    assert matching.unmatched == ()
    assert matching.used_key == frozenset()


def test_ids_match_whatever_else_differs(sheets, change):
    other = change((4, {"alliance_time": "mid", "alliance_rater": "other", "r": -0.1}))
    matching = match_rows(sheets(change(), other))
    assert len(matching.matched) == 7


def test_description_serves_where_ids_do_not(sheets, change):
    renamed = [{**row, "effect": f"x{i}"} for i, row in enumerate(change())]
    matching = match_rows(sheets(change(), renamed[::-1]))
    assert numbers(matching) == [(2, 8), (3, 7), (4, 6), (5, 5), (6, 4), (7, 3), (8, 2)]
    assert {m.how for m in matching.matched} == {"description"}
    assert matching.key == ("alliance_rater", "alliance_time", "outcome_measure")
    assert matching.used_key == frozenset(matching.key)


def test_a_column_that_one_coder_has_not_is_no_key(sheets, change):
    short = [{k: v for k, v in row.items() if k != "alliance_time"} for row in plain(change())]
    del short[5]
    matching = match_rows(sheets(plain(change(drop=[5])), short))
    assert matching.key == ("alliance_rater", "outcome_measure")
    assert len(matching.matched) == 6


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Müller 1999", unicodedata.normalize("NFD", "Müller 1999")),
        ("Müller 1999", "Muller 1999"),
        ("Adler  1988", "adler, 1988"),
        ("Cohn 1999", "Сohn 1999"),  # a Cyrillic first letter
        ("Smith & Jones (2001)", "Smith & Jones, 2001"),
    ],
)
def test_labels_that_look_alike_are_one_study(sheets, change, first, second):
    a, b = change(), change()
    a[2]["study"], b[2]["study"] = first, second
    matching = match_rows(sheets(a, b))
    assert len(matching.matched) == 7


def test_near_labels_with_other_numbers_are_suggested_and_never_matched(sheets, change):
    other = change((2, {"study": "Burg 1991", "n": 99}))
    matching = match_rows(sheets(change(), other))
    assert len(matching.matched) == 6
    a, b = matching.unmatched
    assert (a.coder, a.row.number, b.coder, b.row.number) == (0, 4, 1, 4)
    assert a.suggestion == "B has 'Burg 1991' (row 4)"
    assert b.suggestion == "A has 'Berg 1991' (row 4)"
    assert not a.ambiguous


def test_a_study_of_one_coder(sheets, change):
    matching = match_rows(sheets(change(), change(drop=[6])))
    assert [u.row.study for u in matching.unmatched] == ["Eder 2010"]
    assert matching.unmatched[0].suggestion == "no other coder has this study"


def test_rows_described_alike_go_by_order_when_the_numbers_agree(sheets, change):
    rows = plain(change())
    twin = {**rows[3], "r": 0.5}
    matching = match_rows(sheets([*rows, twin], [*rows[:3], twin, rows[3], *rows[4:]]))
    found = {m.how: m.rows for m in matching.matched if m.study == "Cohn 1999"}
    assert set(found) == {"order"}
    assert len(matching.matched) == 8


def test_rows_described_alike_are_ambiguous_when_the_numbers_differ(sheets, change):
    rows = plain(change())
    matching = match_rows(sheets([*rows, {**rows[3], "r": 0.5}], rows))
    loose = [u for u in matching.unmatched if u.ambiguous]
    assert [(u.coder, u.row.study) for u in loose] == [
        (0, "Cohn 1999"),
        (0, "Cohn 1999"),
        (1, "Cohn 1999"),
    ]
    assert "2 of A, 1 of B" in loose[0].suggestion


def test_a_statistic_tells_rows_apart(sheets, change):
    rows = plain(change())
    by_t = {**rows[3], "r": None, "t": 2.0}
    matching = match_rows(sheets([*rows[:4], by_t, *rows[4:]], [*rows[:3], by_t, *rows[3:]]))
    cohn = [m for m in matching.matched if m.study == "Cohn 1999"]
    assert [tuple(r.number for r in m.rows) for m in cohn] == [(5, 6), (6, 5)]
    assert {m.how for m in cohn} == {"description"}


def test_the_last_row_of_a_study_is_matched_by_elimination(sheets, change):
    a, b = plain(change()), plain(change((2, {"alliance_time": "late"})))
    matching = match_rows(sheets(a, b))
    assert len(matching.matched) == 7
    (berg,) = (m for m in matching.matched if m.study == "Berg 1991")
    assert berg.how == "elimination"


def test_elimination_stops_at_three_differences_or_two_rows(sheets, change):
    far = {"alliance_time": "late", "alliance_rater": "observer", "outcome_measure": "GAF"}
    matching = match_rows(sheets(plain(change()), plain(change((2, far)))))
    assert len(matching.matched) == 6
    assert "differs in alliance_rater: client / observer" in matching.unmatched[0].suggestion
    two = plain(change((4, {"outcome_measure": "X"}), (5, {"outcome_measure": "X"})))
    matching = match_rows(sheets(plain(change()), two))
    assert [u.row.study for u in matching.unmatched] == ["Dorn 2004"] * 4


def test_effect_ids_that_differ_are_different_effects(sheets, change):
    matching = match_rows(sheets(change(), change((5, {"effect": "9", "r": 0.11}))))
    assert [(u.coder, u.row.get("effect")) for u in matching.unmatched] == [(0, "2"), (1, "9")]
    assert matching.unmatched[0].suggestion == "B, row 7, has another effect id"


def test_three_coders(sheets, change):
    matching = match_rows(sheets(change(), change(drop=[3]), change(drop=[0])))
    assert matching.coders == ("A", "B", "C")
    assert numbers(matching)[:4] == [(2, 2, None), (3, 3, 2), (4, 4, 3), (5, None, 4)]
    matching = match_rows(sheets(change(drop=[0]), change(), change()))
    assert numbers(matching)[-1] == (None, 2, 2)


def test_a_key_that_was_asked_for(sheets, change):
    a, b = change(), change((4, {"effect": "2"}), (5, {"effect": "1"}))
    matching = match_rows(sheets(a, b), key=("study", "alliance_time", "alliance_rater"))
    assert numbers(matching) == [(i, i) for i in range(2, 9)]
    assert {m.how for m in matching.matched} == {"key"}
    assert matching.used_key == {"alliance_time", "alliance_rater"}


def test_refused(sheets, change):
    one, two = sheets(change(), change())
    with pytest.raises(OptionError, match="two or more"):
        match_rows([one])
    with pytest.raises(OptionError, match="no sheet has such a column"):
        match_rows([one, two], key=("study", "colour"))


def test_studies_called_na_and_rows_without_a_label(sheets, change):
    a = change((2, {"study": "NA"}), (3, {"study": None}))
    matching = match_rows(sheets(a, a))
    assert [m.study for m in matching.matched].count("NA") == 1
    assert [(u.row.number, u.suggestion) for u in matching.unmatched] == [
        (5, "no study label"),
        (5, "no study label"),
    ]


def test_the_record(sheets, change):
    content = match_rows(sheets(change(), change(drop=[6]))).to_dict()
    assert content["rows"] == [7, 6]
    assert content["matched"] == 6
    assert content["matched_by"] == {"effect": 6}
    assert content["unmatched"][0]["coder"] == "A"
