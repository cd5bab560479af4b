"""Confidence intervals in one cell: read as two limits, or refused with the cell; never guessed."""

from __future__ import annotations

import csv
import math
import re

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.config import Config

Z95 = 1.959963984540054


@pytest.fixture
def load(tmp_path):
    """Write rows of cells and read them without a configuration."""

    def read(header, *rows, name="studies.csv", config=None):
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([header, *rows])
        return ma.load_studies(path, config=config)

    return read


def limits(studies):
    return [(row.get("ci_low"), row.get("ci_high")) for row in studies.rows]


def codes(studies, *wanted):
    return [(p.code, p.cell) for p in studies.problems if p.code in wanted]


WRITTEN = {
    "[.10, .35]": (0.10, 0.35),
    "[.10; .35]": (0.10, 0.35),
    "(.10, .35)": (0.10, 0.35),
    "{.10, .35}": (0.10, 0.35),
    ".10, .35": (0.10, 0.35),
    ".10 .35": (0.10, 0.35),
    ".10/.35": (0.10, 0.35),
    ".10 to .35": (0.10, 0.35),
    "from .10 to .35": (0.10, 0.35),
    "between .10 and .35": (0.10, 0.35),
    ".10 bis .35": (0.10, 0.35),
    "von .10 bis .35": (0.10, 0.35),
    ".10 tot .35": (0.10, 0.35),
    "de .10 à .35": (0.10, 0.35),
    "de .10 a .35": (0.10, 0.35),
    "0,10–0,35": (0.10, 0.35),
    "0,10 - 0,35": (0.10, 0.35),
    "0,10; 0,35": (0.10, 0.35),
    "0,10, 0,35": (0.10, 0.35),
    "0,10,0,35": (0.10, 0.35),
    "[0.1–0.35]*": (0.1, 0.35),
    "95% CI [.10, .35]": (0.10, 0.35),
    "95%-KI: 0,10 bis 0,35": (0.10, 0.35),
    "KI 95 % = [0,10; 0,35]": (0.10, 0.35),
    "IC 95% .10, .35": (0.10, 0.35),
    "CI95 [.10, .35]": (0.10, 0.35),
    "(95% CI .10 to .35)": (0.10, 0.35),
    "CI -.05 to .35": (-0.05, 0.35),
    "[−.05, .35]": (-0.05, 0.35),
    "-.05-.35": (-0.05, 0.35),
    "-.05 - .35": (-0.05, 0.35),
    "-.05–.35": (-0.05, 0.35),
    "−0.05, +0.35": (-0.05, 0.35),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_one_cell_is_two_limits(load, text):
    studies = load(("study", "r", "95% CI"), ("A", ".23", text))
    assert studies.errors == ()
    assert limits(studies) == [WRITTEN[text]]
    assert codes(studies, "MA350") == [("MA350", "C2")]
    low, high = map(math.atanh, WRITTEN[text])
    assert ma.effect_sizes(studies).vi[0] == pytest.approx(((high - low) / 2 / Z95) ** 2, rel=1e-12)


HEADERS = ["ci", "CI", "95% CI", "CI 95%", "95%CI", "CI95", "KI", "95%-KI", "IC 95%", "BI", "r CI",
           "95% CI for r", "95% CI [LL, UL]", "Confidence interval", "Konfidenzintervall",
           "Intervalle de confiance", "CI (lower, upper)", "CI_r"]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_an_interval(load, header):
    studies = load(("study", "r", header), ("A", ".23", "[.10, .35]"), ("B", ".30", "[.2, .4]"))
    assert limits(studies) == [(0.10, 0.35), (0.2, 0.4)]
    assert studies.errors == ()
    assert header == "ci" or ("MA206", "C1") in codes(studies, "MA206")


@pytest.mark.parametrize("header", ["d 95% CI", "CI of beta", "IC", "CI"])
def test_an_interval_of_something_else_is_not_taken(load, header):
    rows = [("A", ".23", "[.50, .95]"), ("B", ".30", "[.60, 1.2]")]
    studies = load(("study", "r", header), *rows)
    assert limits(studies) == [(None, None)] * 2
    assert [c for c, _ in codes(studies, "MA220", "MA403")] == ["MA220", "MA403", "MA403"]


@pytest.mark.parametrize("text", ["18-24", "yes", "informed, written"])
def test_other_text_under_ci_stays_a_column_of_the_team(load, text):
    studies = load(("study", "n", "r", "CI"), ("A", "40", ".23", text), ("B", "50", ".30", text))
    assert studies.errors == ()
    assert limits(studies) == [(None, None)] * 2
    assert studies.rows[0].get("CI") == text


OWN = {
    "r = .23 [.10, .35]": (0.23, 0.10, 0.35),
    ".23 [.10, .35]": (0.23, 0.10, 0.35),
    ".23 (.10, .35)": (0.23, 0.10, 0.35),
    ".23, 95% CI .10 to .35": (0.23, 0.10, 0.35),
    ".23 (95% CI .10–.35)": (0.23, 0.10, 0.35),
    ".23* [.10; .35]": (0.23, 0.10, 0.35),
    "0,23 [0,10–0,35]": (0.23, 0.10, 0.35),
    "−.15 [−.28 -.05]": (-0.15, None, None),
    ".02 [−.28 -.05]": (0.02, -0.28, 0.05),
    "r = .23; KI 95% [.10, .35]": (0.23, 0.10, 0.35),
}


@pytest.mark.parametrize("text", OWN)
@pytest.mark.parametrize("header", ["r", "Korrelation"])
def test_value_with_its_interval(load, header, text):
    studies = load(("study", header), ("A", text))
    (row,) = studies.rows
    assert (row.get("r"), row.get("ci_low"), row.get("ci_high")) == OWN[text]
    assert row.cells["r"].seen == text
    assert [p.code for p in studies.errors] == ([] if OWN[text][1] is not None else ["MA351"])


def test_value_column_with_intervals(load):
    rows = [("A", "d", ".47 [.20, .74]", "60"), ("B", "r", ".30 [.15, .44]", "90")]
    studies = load(("study", "statistic", "value", "n"), *rows)
    assert studies.errors == ()
    assert limits(studies) == [(0.20, 0.74), (0.15, 0.44)]


@pytest.mark.parametrize(
    "text",
    [".10 (.08, .20)", ".23 (.12)", ".23 (.05, .001)", ".23 ± .12", ".23 (p = .03, n = 45)",
     ".23 [.35, .10]", ".23 [.10, .20, .35, .40]", ".23 [a, b]"],
)  # fmt: skip
def test_other_numbers_behind_a_value_are_errors(load, text):
    studies = load(("study", "r"), ("A", text))
    assert [p.cell for p in studies.errors] == ["B2"]
    assert studies.rows[0].get("ci_low") is None


@pytest.mark.parametrize(
    ("value", "text", "right"),
    [(".02", "-.28 -.05", (-0.28, 0.05)), ("-.15", "-.28 - .05", (-0.28, 0.05)),
     ("-.15", "-.28--.05", (-0.28, -0.05)), ("1.5", "[1,2,3]", (1.2, 3.0))],
)  # fmt: skip
def test_the_value_settles_what_a_mark_means(load, value, text, right):
    column = "odds_ratio" if value == "1.5" else "r"
    studies = load(("study", column, "n", "CI"), ("A", value, "40", text))
    if value == "1.5":  # 1 to 2.3 holds it too
        assert [p.code for p in studies.errors] == ["MA351"]
        return
    assert limits(studies) == [right]
    assert codes(studies, "MA350") == [("MA350", "D2")]


@pytest.mark.parametrize("text", ["-.28 -.05", ".35 to .10", ".10", "[10%, 35%]", ".1; .2; .3"])
def test_what_has_no_one_reading_is_an_error_where_the_row_needs_it(load, text):
    rows = [("A", "-.15", "", text), ("B", ".2", "", "[.1, .3]"), ("C", ".2", "", "[.1, .3]")]
    studies = load(("study", "r", "n", "CI"), *rows)
    assert codes(studies, "MA351") == [("MA351", "D2")]
    assert [p.code for p in studies.errors] == ["MA351"]
    sized = load(("study", "r", "n", "CI"), ("A", "-.15", "40", text), *rows[1:])
    assert sized.errors == ()
    assert codes(sized, "MA351") == [("MA351", "D2")]
    assert limits(sized)[0] == (None, None)


def test_an_interval_without_the_value_is_the_error_of_limits(load):
    rows = [("A", ".60", "[.1, .3]"), *((s, ".2", "[.1, .3]") for s in "BCDEF")]
    studies = load(("study", "r", "CI"), *rows)
    assert [(p.code, p.cell) for p in studies.errors] == [("MA412", "B2")]


@pytest.mark.parametrize(
    ("header", "text", "level"),
    [("90% CI", "[.1, .3]", 90.0), ("CI", "99% CI [.1, .3]", 99.0), ("CI", "[.1, .3]", None),
     ("95% CI", "90% CI .1 to .3", 90.0)],
)  # fmt: skip
def test_another_level_is_read(load, header, text, level):
    studies = load(("study", "r", header), ("A", ".2", text))
    assert studies.rows[0].get("ci_level") == level
    assert studies.errors == ()


def test_two_places_that_differ_are_an_error(load):
    studies = load(
        ("study", "r", "n", "ci_low", "ci_high"), ("A", ".23 [.10, .35]", "", ".11", ".35")
    )
    assert codes(studies, "MA351") == [("MA351", "B2")]
    same = load(("study", "r", "n", "ci_low", "ci_high"), ("A", ".23 [.10, .35]", "", ".10", ".35"))
    assert same.errors == ()


def test_the_interval_of_another_statistic_is_not_that_of_r(load):
    studies = load(("study", "r", "d", "n"), ("A", ".23", ".47 [.20, .74]", "80"))
    assert limits(studies) == [(None, None)]
    assert codes(studies, "MA352") == [("MA352", "C2")]
    named = load(("study", "r", "d", "n", "statistic"), ("A", ".23", ".47 [.20, .74]", "80", "d"))
    assert limits(named) == [(0.20, 0.74)]


@pytest.mark.parametrize("text", ["NR", "-", "n.s.", "not reported"])
def test_no_interval_is_missing(load, text):
    rows = [("A", ".2", "40", text), ("B", ".2", "40", "[.1, .3]")]
    studies = load(("study", "r", "n", "CI"), *rows)
    assert studies.errors == ()
    assert limits(studies) == [(None, None), (0.1, 0.3)]


def test_one_header_may_be_mapped_to_both_limits(load):
    config = Config(columns={"ci_low": "Precision", "ci_high": "Precision"})
    studies = load(("study", "r", "Precision"), ("A", ".2", ".1 to .3"), config=config)
    assert studies.errors == ()
    assert limits(studies) == [(0.1, 0.3)]


@pytest.mark.parametrize("cells", [("95% CI", ".23", "[.10, .35]"), ("KI", "r = .23", "0,1–0,35")])
def test_init_says_that_the_interval_is_read(tmp_path, cells):
    path = tmp_path / "own.csv"
    header, value, text = cells
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = [("study", "r", header), ("A", value, text), ("B", ".3", "[.2, .4]")]
        csv.writer(stream).writerows(rows)
    result = CliRunner().invoke(app, ["init", str(path)])
    said = " ".join(result.stdout.split())
    assert "2 of 2 rows would be used" in said
    assert f"ci_low ({header}), ci_high ({header})" in said


#: A header over values with their intervals: the statistic and the first cell.
BEFORE = {
    "r (95% CI)": ("r", ".25 [.10, .39]", 0.25),
    "r [95% CI]": ("r", ".25 (.10, .39)", 0.25),
    "Correlation (95% CI)": ("r", ".25 [.10, .39]", 0.25),
    "Pearson r (KI 95 %)": ("r", ".25 [.10, .39]", 0.25),
    "OR (95% CI)": ("odds_ratio", "1.8 (1.2, 2.7)", 1.8),
    "Hedges' g [95% CI]": ("g", "0.42 [0.10, 0.74]", 0.42),
}


def before(tmp_path, header, cell):
    path = tmp_path / "sheet.csv"
    path.write_text(
        f'study,n,"{header}"\nAmes 2001,150,"{cell}"\nBoll 2004,160,"{cell}"\n', "utf-8"
    )
    return path


@pytest.mark.parametrize(("header", "expected"), BEFORE.items())
def test_a_header_that_names_a_value_and_its_interval(tmp_path, header, expected):
    column, cell, value = expected
    studies = ma.load_studies(before(tmp_path, header, cell))
    row = studies.rows[0]
    assert not studies.errors
    assert row.get(column) == value
    limits = [float(x) for x in re.findall(r"\d*\.\d+", cell)][1:]
    assert [row.get("ci_low"), row.get("ci_high")] == limits
    assert "MA206" in {p.code for p in studies.problems if p.seen == header}


@pytest.mark.parametrize(
    ("cells", "read"),
    [((".25 [.10, .39]", ".21", "-.30 (p<.01)", ".18*"), True), ((".25", ".21"), False)],
    ids=["some with their intervals", "none"],
)
def test_values_alone_stand_among_those_with_intervals(tmp_path, cells, read):
    path = tmp_path / "sheet.csv"
    rows = "".join(f'S{i},150,"{cell}"\n' for i, cell in enumerate(cells))
    path.write_text(f'study,n,"r (95% CI)"\n{rows}', "utf-8")
    if read:
        studies = ma.load_studies(path)
        assert not studies.errors
        assert [row.get("r") for row in studies.rows] == [0.25, 0.21, -0.30, 0.18]
        assert [row.get("ci_low") for row in studies.rows] == [0.10, None, None, None]
        return
    with pytest.raises(ma.UnreadableFileError):
        ma.load_studies(path)


def test_the_header_says_the_level_of_the_interval_in_its_cells(tmp_path):
    row = ma.load_studies(before(tmp_path, "r (90% CI)", ".25 [.12, .37]")).rows[0]
    assert row.get("ci_level") == 90


@pytest.mark.parametrize("header", ["ES (95% CI)", "Effect size [95% CI]"])
def test_an_effect_without_a_name_stays_a_question(tmp_path, header):
    path = before(tmp_path, header, ".25 [.10, .39]")
    with pytest.raises(ma.UnreadableFileError):
        ma.load_studies(path)
    said = CliRunner().invoke(app, ["init", str(path)])
    assert said.exit_code == 0
    lines = (tmp_path / "metaalliance.toml").read_text("utf-8").splitlines()
    (line,) = [line for line in lines if f'= "{header}"' in line]
    assert line.startswith("# ")


def test_a_header_of_limits_alone_is_no_statistic(tmp_path):
    with pytest.raises(ma.UnreadableFileError):
        ma.load_studies(before(tmp_path, "r (95% CI)", "[.10, .39]"))


#: Intervals beside r = .25, one of them odd: the code and the cell that names it.
ODD = {
    "a word": (["[.10, .39]", "[.12, .46]", "wide"], ("MA351", "D4")),
    "one number of two cells": (["[.10, .39]", ".10"], ("MA351", "D3")),
    "elsewhere": (["[.10, .39]", "[.12, .46]", "[.60, .75]"], ("MA412", "C4")),
}


@pytest.mark.parametrize(("cells", "problem"), ODD.values(), ids=ODD)
def test_one_odd_cell_is_named_and_its_column_stays(load, cells, problem):
    rows = [[f"{'ABC'[i]} 2001", 150, ".25", cell] for i, cell in enumerate(cells)]
    studies = load(["study", "n", "r", "95% CI"], *rows)
    assert problem in codes(studies, "MA351", "MA412")
    assert limits(studies)[0] == (0.10, 0.39)
    assert not codes(studies, "MA205", "MA220")


def test_limits_in_two_columns_stay_where_one_row_is_odd(load):
    rows = [["A 2001", 150, ".25", ".10", ".39"], ["B 2002", 150, ".25", ".10", ".39"],
            ["C 2003", 150, ".25", ".60", ".75"]]  # fmt: skip
    studies = load(["study", "n", "r", "LL", "UL"], *rows)
    assert codes(studies, "MA412") == [("MA412", "C4")]
