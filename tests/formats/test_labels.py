"""What SPSS, Stata, jamovi and JASP say about values: labels, missing codes, dates, precision."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app

BASE = {"study": ["A 2001", "B 2002", "C 2003", "D 2004"], "n": [40, 50, 60, 70]}


def values(studies, name):
    return [row.get(name) for row in studies.rows]


@pytest.fixture
def spss(saved):
    """An SPSS file with codes, a label that tells what V12 is, and each kind of date."""
    columns = {
        "study": BASE["study"],
        "V1": [0.31, 0.2, 0.1, 0.05],
        "V12": [40.0, 50.0, 60.0, 70.0],
        "school": [3.0, 1.0, 9.0, 2.0],
        "hours": [20.0, 999.0, 12.0, 8.0],
        "month": [13797216000.0] * 4,
        "span": [108900.0, -3600.0, 60.0, 0.0],
        "note": ["a  ", "", "b", "c"],
        "filter_$": [1.0, 1.0, 0.0, 1.0],
    }
    path = saved(
        columns,
        "team.sav",
        column_labels={"V1": "Correlation", "V12": "Sample size", "school": "Type of school"},
        variable_value_labels={
            "school": {3: "psychodynamic", 1: "CBT", 9: "not reported"},
            "hours": {999: "unknown"},
        },
        missing_ranges={"school": [9], "hours": [{"lo": 998, "hi": 999}]},
        variable_format={"month": "MOYR8", "span": "TIME8"},
    )
    return ma.load_studies(path)


def test_a_label_names_the_column_where_the_name_tells_nothing(spss, said):
    assert values(spss, "n") == [40, 50, 60, 70]
    assert values(spss, "r") == [0.31, 0.2, 0.1, 0.05]
    assert any("'V12' is read by its label 'Sample size' as 'n'" in m for m in said(spss, "MA113"))


def test_init_reads_the_labels_as_the_reader_does(saved):
    columns = {**BASE, "r": [0.31, 0.2, 0.1, 0.05], "dir": ["lower_better"] * 4}
    path = saved(columns, "d.sav", column_labels={"dir": "Outcome direction"})
    result = CliRunner().invoke(app, ["init", str(path)])
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "outcome_direction (Outcome direction)" in said
    assert "there is no outcome_direction" not in said and "No configuration is needed" in said
    assert "MA504" not in {p.code for p in ma.load_studies(path).problems}


def test_value_labels_become_levels(spss, said):
    assert values(spss, "school") == ["psychodynamic", "CBT", None, "2"]
    (message,) = said(spss, "MA114")
    assert "'3 = psychodynamic', '1 = CBT'" in message  # in the order of the file
    assert "without a label: '2'" in message


@pytest.mark.parametrize("name", ["t.sav", "t.dta"])
def test_a_label_of_a_single_number_makes_no_levels(saved, codes, said, name):
    columns = {
        "study": [*BASE["study"], "E 2005"],
        "n": [40, 50, 60, 70, 99],
        "r": [0.0, 0.2, 0.1, 0.05, 0.3],
        "sessions": [8, 12, 16, 1, 10],
        "school": [1, 2, 1, 3, 2],
    }
    labels = {"r": {0: "no effect"}, "sessions": {1: "single session"},
              "school": {1: "CBT", 2: "IPT", 4: "PDT"}, "n": {99: "not reported"}}  # fmt: skip
    studies = ma.load_studies(saved(columns, name, variable_value_labels=labels))
    assert values(studies, "r") == columns["r"]
    assert values(studies, "sessions") == columns["sessions"]
    assert values(studies, "school") == ["CBT", "IPT", "CBT", "3", "IPT"]
    assert values(studies, "n") == [40, 50, 60, 70, None]
    assert "MA302" not in codes(studies)
    notes = said(studies, "MA125")
    assert len(notes) == 2
    assert "'1 = single session'" in notes[1]


def test_declared_missing_codes_are_missing(spss, said):
    assert values(spss, "hours") == [20, None, 12, 8]
    assert len(said(spss, "MA115")) == 2
    assert any("999 'unknown'" in m for m in said(spss, "MA115"))


def test_a_text_that_is_declared_missing_is_missing(saved, said):
    columns = BASE | {"r": [0.3, 0.2, 0.1, 0.05], "school": ["CBT", "refused", "IPT", "CBT"]}
    studies = ma.load_studies(saved(columns, "t.sav", missing_ranges={"school": ["refused"]}))
    assert values(studies, "school") == ["CBT", None, "IPT", "CBT"]
    assert any("refused" in message for message in said(studies, "MA115"))


def test_dates_and_durations_are_text(spss):
    assert values(spss, "month") == ["2020-01"] * 4
    assert values(spss, "span") == ["30:15:00", "-01:00:00", "00:01:00", "00:00:00"]


def test_blanks_behind_a_text_are_no_part_of_it(spss):
    assert values(spss, "notes") == ["a", None, "b", "c"]


def test_a_filter_of_spss_is_warned_of(spss, codes):
    assert "MA119" in codes(spss)
    assert len(spss.rows) == 4


def test_a_mapped_name_wins_over_its_label(saved, tmp_path):
    path = saved(BASE | {"V1": [0.3, 0.2, 0.1, 0.05]}, "t.sav", column_labels={"V1": "Total n"})
    config = tmp_path / "metaalliance.toml"
    config.write_text('[columns]\nr = "V1"\n')
    assert values(ma.load_studies(path, config=config), "r") == [0.3, 0.2, 0.1, 0.05]


@pytest.fixture
def stata(saved):
    single = np.array([0.35, 0.2, 0.1, 0.05], dtype="float32").astype(float)
    columns = BASE | {
        "r": list(single),
        "school": [2.0, 1.0, "a", 1.0],
        "hours": [20.0, "b", 12.0, 8.0],
        "visit": [dt.date(2020, 1, 31)] * 4,
        "month": [720.0] * 4,
        "quarter": [240.0] * 4,
    }
    path = saved(
        columns,
        "team.dta",
        variable_value_labels={"school": {2: "psychodynamic", 1: "CBT"}},
        missing_user_values={"school": ["a"], "hours": ["b"]},
        variable_format={"month": "%tm", "quarter": "%tq"},
    )
    return ma.load_studies(path)


def test_single_precision_is_rounded_with_a_note(stata, said):
    assert values(stata, "r") == [0.35, 0.2, 0.1, 0.05]
    (message,) = said(stata, "MA116")
    assert "0.3499999940395355 to 0.35" in message


def test_extended_missing_values_are_missing(stata, said):
    assert values(stata, "school") == ["psychodynamic", "CBT", None, "CBT"]
    assert values(stata, "hours") == [20, None, 12, 8]
    assert sorted(m.partition("(")[2] for m in said(stata, "MA115")) == [".a)", ".b)"]


def test_dates_of_stata_are_text(stata):
    assert values(stata, "visit")[0] == "2020-01-31"
    assert values(stata, "month")[0] == "2020-01"
    assert values(stata, "quarter")[0] == "2020-Q1"


def test_double_precision_is_left_alone(saved, codes):
    numbers = [0.3499999940395355, 0.123456789012345, 0.1, 0.5]
    studies = ma.load_studies(saved(BASE | {"r": numbers}, "t.dta"))
    assert values(studies, "r") == numbers
    assert "MA116" not in codes(studies)


def test_codes_with_one_label_are_warned_of(jamovi, write, said):
    labels = [[1, "other", "1", False], [2, "other", "2", False], [3, "CBT", "3", False]]
    columns = BASE | {"r": [0.3, 0.2, 0.1, 0.25], "kind": [1, 2, 3, 1]}
    path = write(jamovi(columns, {"kind": {"labels": labels}}), "t.omv")
    studies = ma.load_studies(path)
    assert values(studies, "kind") == ["other", "other", "CBT", "other"]
    assert said(studies, "MA118")


def test_labels_of_codes_that_do_not_occur_leave_numbers(jamovi, write, codes):
    columns = BASE | {"r": [0.3, 0.2, 0.1, 0.25], "hours": [10, 20, 30, 5]}
    path = write(jamovi(columns, {"hours": {"labels": [[99, "unknown", "99", False]]}}), "t.omv")
    studies = ma.load_studies(path)
    assert values(studies, "hours") == [10, 20, 30, 5]
    assert "MA114" not in codes(studies)


def test_missing_values_and_filters_of_jamovi(jamovi, write, said):
    columns = BASE | {"r": [0.3, 0.2, 0.1, 0.25], "hours": [10, -99, 30, 5], "f": [1, 0, 1, 1]}
    fields = {"hours": {"missingValues": ["== -99"]}, "f": {"columnType": "Filter"}}
    studies = ma.load_studies(write(jamovi(columns, fields), "t.omv"))
    assert values(studies, "hours") == [10, None, 30, 5]
    assert said(studies, "MA119") == ["jamovi left out 1 row by a filter; every row is read here."]
    assert "f" not in studies.frame
    assert len(studies.used) == 4


def test_labels_of_jasp_that_show_a_number_are_no_levels(new_jasp, write, codes):
    """JASP shows 1948 as 1,948 and .21317134656486 as 0.2131713466."""
    columns = {
        "study": BASE["study"],
        "r": [0.21317134656486, 0.2, 0.1, 0.3],
        "n": [1948, 50, 60, 1234567],
    }
    labels = {"r": {0.21317134656486: "0.2131713466"}, "n": {1948: "1,948", 1234567: "1.234.567"}}
    studies = ma.load_studies(write(new_jasp(columns, labels=labels), "t.jasp"))
    assert values(studies, "r")[0] == 0.21317134656486
    assert values(studies, "n") == [1948, 50, 60, 1234567]
    assert "MA114" not in codes(studies)


@pytest.mark.parametrize("pointers", [False, True])
def test_labels_missing_words_and_filters_of_jasp(new_jasp, write, said, pointers):
    columns = BASE | {"r": [0.3, 0.2, 0.1, 0.25], "kind": [1, 2, 1, 2], "dose": [5, 99, None, 7]}
    content = new_jasp(
        columns, pointers=pointers, labels={"kind": {1: "CBT", 2: "IPT"}}, filtered=[2],
        empty=["99", "NA"], titles={"dose": "Sessions"},
    )  # fmt: skip
    studies = ma.load_studies(write(content, "t.jasp"))
    assert values(studies, "kind") == ["CBT", "IPT", "CBT", "IPT"]
    assert values(studies, "dose") == [5, None, None, 7]
    assert said(studies, "MA115") == [
        "values that JASP takes for missing are read as missing: '99'."
    ]
    assert said(studies, "MA119")
    assert len(studies.used) == 4


def test_levels_keep_the_order_of_the_file(jamovi, new_jasp, write, files):
    columns = {
        "study": [f"{name} 2001" for name in "ABCDEF"], "r": [0.3, 0.2, 0.1, 0.25, 0.15, 0.05],
        "n": [40] * 6, "stage": ["start", "middle", "end"] * 2,
    }  # fmt: skip
    for name, content in (("t.omv", jamovi(columns)), ("t.jasp", new_jasp(columns))):
        effects = ma.effect_sizes(ma.load_studies(write(content, name)))
        levels = ma.moderators(effects, "stage", min_studies=1).levels["level"]
        assert levels.tolist() == ["start", "middle", "end"]
    pytest.importorskip("rdata")
    effects = ma.effect_sizes(ma.load_studies(files / "sheet.rds"))
    levels = ma.moderators(effects, "dose", min_studies=1).levels["level"].tolist()
    assert levels[:3] == ["low", "mid", "high"]
