"""Notes below tables, rows of several coders, codes for missing values, errors of two scales."""

from __future__ import annotations

import math
import tomllib

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.config import parse_config


def codes(studies, severity="warning"):
    return {p.code for p in studies.problems if p.severity == severity}


@pytest.fixture
def csv(tmp_path):
    def write(text, name="sheet.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


ROWS = "study,n,r\nAmes 2001,40,.2\nBoll 2004,50,.3\nCrane 2010,60,.4\n"


@pytest.mark.parametrize(
    "note", ["Note. N = participants.", "Anmerkung: r gemittelt", "* p < .05", "Source: own coding"]
)
def test_a_note_below_the_table_is_left_out_and_said(csv, note):
    studies = ma.load_studies(csv(f"{ROWS}\n{note}\n"))
    assert len(studies.used) == 3
    assert "MA419" in codes(studies)


@pytest.mark.parametrize("label", ["Notestine 2003", "Source 2001", "Fonte et al. (2010)"])
def test_a_study_without_numbers_is_no_note(csv, label):
    assert codes(ma.load_studies(csv(f"{ROWS}{label}\n")), "error") == {"MA401"}


CODED = "study,n,r,{0}\nAmes,40,.2,{1}\nAmes,40,.25,{2}\nBoll,50,.3,{1}\nBoll,50,.3,{2}\n"


@pytest.mark.parametrize("header", ["Coder", "Reviewer Name", "coded by", "Kodierer"])
def test_rows_of_two_coders_are_warned_of(csv, header):
    studies = ma.load_studies(csv(CODED.format(header, "AB", "CD")))
    assert "MA525" in codes(studies)
    assert not studies.errors


def test_events_of_a_data_base_that_are_coders_are_warned_of(csv):
    text = CODED.format("redcap_event_name", "coder_1_arm_1", "coder_2_arm_1")
    assert "MA525" in codes(ma.load_studies(csv(text)))


def test_coders_beside_their_consensus_are_refused(csv):
    studies = ma.load_studies(csv(CODED.format("Reviewer", "AB", "Consensus")))
    assert codes(studies, "error") == {"MA526"}


def test_who_coded_each_study_is_no_double_coding(csv):
    rows = "Ames,40,.2,AB\nAmes,40,.25,AB\nBoll,50,.3,CD\n"
    assert "MA525" not in codes(ma.load_studies(csv(f"study,n,r,coder\n{rows}")))


MISSING = (
    "study,n,r,sessions,rating\nAmes,40,.2,8,low\nBoll,50,.3,-999,-999\nCrane,60,.4,12,high\n"
    "Dorn,70,.1,-999,low\n"
)


def test_codes_for_missing_values_are_asked_about_and_declared(csv):
    path = csv(MISSING)
    assert "MA329" in codes(ma.load_studies(path))
    printed = CliRunner().invoke(app, ["init", str(path)]).stdout
    assert 'missing = ["-999"]' in printed
    found = ma.load_studies(path, config=path.parent / "metaalliance.toml")
    assert [row.get("sessions") for row in found.rows] == [8, None, 12, None]
    assert [row.get("rating") for row in found.rows] == ["low", None, "high", "low"]


def test_negative_numbers_are_no_codes(csv):
    text = "study,n,r,change\nAmes,40,.2,-99\nBoll,50,.3,-12\nCrane,60,.4,8\n"
    assert "MA329" not in codes(ma.load_studies(csv(text)))


def test_a_standard_error_beside_r_and_fisher_z_is_that_of_z(csv):
    rows = "Ames 2001,.85,1.2562,.18\nBoll 2004,.20,.2027,.10\n"
    effects = ma.effect_sizes(ma.load_studies(csv(f"Study name,r,Fisher's Z,Std Err\n{rows}")))
    assert effects.vi == pytest.approx([0.18**2, 0.01])
    assert effects.yi == pytest.approx([1.2562, math.atanh(0.2)], abs=1e-4)


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#VALUE!"])
@pytest.mark.parametrize("column", ["r", "outcome_direction", "include"])
def test_errors_of_a_text_file_are_errors(csv, error, column):
    values = {"r": ".2", "outcome_direction": "lower_better", "include": "yes", column: error}
    text = f"study,n,{','.join(values)}\nAmes,40,{','.join(values.values())}\n"
    assert "MA303" in codes(ma.load_studies(csv(text)), "error")


def test_the_configuration_says_what_not_significant_is_worth(csv):
    config = parse_config({"pool": {"nonsignificant": "zero"}})
    path = csv("study,n,r\nAmes 2001,40,n.s.\nBoll 2004,50,.3\n")
    assert not ma.load_studies(path, config=config).errors
    assert ma.load_studies(path, nonsignificant="error", config=config).errors


def test_a_label_of_twenty_one_letters_is_no_compiled_code(tmp_path):
    rdata = pytest.importorskip("rdata")
    pandas = pytest.importorskip("pandas")
    if not hasattr(rdata, "write_rds"):
        pytest.skip("this rdata reads only")
    study = ["Ames, Boll & Crane-Do", "Boll 2004"]
    frame = pandas.DataFrame({"study": pandas.Series(study, dtype=object), "r": [0.2, 0.3]})
    rdata.write_rds(tmp_path / "a.rds", frame.assign(n=[40.0, 50.0]))
    assert [row.study for row in ma.load_studies(tmp_path / "a.rds").rows] == study


def column(header, values):
    """A sheet of one column of numbers; r and n beside it where it is none of them."""
    cells = {
        "r": [".21", "-.22", ".3", ".1"],
        "n": ["40", "50", "62", "45"],
        header: values.split(),
    }
    rows = zip("ABCD", *cells.values(), strict=False)
    return "\n".join([f"study,{','.join(cells)}", *map(",".join, rows)]) + "\n"


#: Header and values of a column, the codes in it and their cells.
NINES = {
    "n": ("n", "999 50 62", '"999"', "C2"),
    "two rows": ("n", "9999 50 9999 44", '"9999"', "C2, C4"),
    "own": ("sessions", "99 12 8", '"99"', "D2"),
    "r": ("r", ".99 .22 -.3 -.99", '"0.99", "-0.99"', "B2, B5"),
    "minus nine": ("sessions", "-9 12 8", '"-9"', "D2"),
}


@pytest.mark.parametrize(("header", "values", "listed", "cells"), NINES.values(), ids=NINES)
def test_codes_of_nines_are_asked_about_with_their_cells(csv, header, values, listed, cells):
    path = csv(column(header, values))
    (found,) = [p for p in ma.load_studies(path).problems if p.code == "MA329"]
    assert f"({cells})" in found.message
    assert found.hint == f"missing = [{listed}]"
    assert found.hint in CliRunner().invoke(app, ["init", str(path)]).stdout
    declared = ma.load_studies(path, config=parse_config(tomllib.loads(found.hint)))
    assert "MA329" not in codes(declared)
    assert {p.cell for p in declared.problems if p.code == "MA310"} >= {cells[:2]}


NO_CODES = {
    "a large study beside a large one": ("n", "999 500 62"),
    "one other number": ("n", "999 50"),
    "one r": ("r", ".99 .22 -.3"),
    "every r": ("r", ".99 .95 .99"),
    "pages": ("page", "999 50 62"),
    "percent": ("percent_female", "99 30 40"),
}


@pytest.mark.parametrize(("header", "values"), NO_CODES.values(), ids=NO_CODES)
def test_nines_that_may_be_numbers_are_not_asked_about(csv, header, values):
    assert "MA329" not in codes(ma.load_studies(csv(column(header, values))))
