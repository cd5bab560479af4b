"""CONTRIBUTING's recipe for a statistic, followed in a copy: a formula and a record."""

from __future__ import annotations

import csv
import json
import math

import pytest
from golden_data import CLOSED, assert_close, golden
from openpyxl import load_workbook

FORMULA = '''
def r_from_contingency(c: float) -> float:
    """Return phi = C / sqrt(1 - C²) of Pearson's contingency coefficient C of a 2×2 table."""
    return c / math.sqrt(1 - c * c)


'''
RECORD = """
    Rule(statistic="contingency_c", rank=8, signed=False, tolerance=ROUNDING,
         words=("contingency coefficient", "contingency coefficients"),
         columns=(number("contingency_c", "Pearson's C of a 2×2 table; needs a sign.",
                         "contingency coefficient", low=0, high=1),),
         function=to.through(cv.r_from_contingency, "contingency_c"),
         formula="C / √(1 − C²)", source="Pearson 1904"),
"""
#: Golden tables, whose C gives their phi again: sqrt(chi² / (chi² + n)) with chi² = n phi².
TABLES = [c for c in golden("conversions")["cases"] if c["id"].startswith("tab_")]
HEADER = "study,n,contingency_c,sign,outcome_direction"


@pytest.fixture(scope="module")
def house(copied):
    copied.change("core/conversion/formulas.py", ("# Sampling variances ---", FORMULA))
    copied.change("core/conversion/rules.py", ('    Rule(statistic="z_stat"', RECORD))
    rows = [",".join(map(str, row)) for row in coded()]
    (copied.folder / "studies.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return copied


@pytest.fixture(scope="module")
def template(house):
    return house.template()


def coded():
    """One row for each golden table, with its n, C and sign."""
    for i, case in enumerate(TABLES, start=1):
        n, phi = sum(case["inputs"].values()), case["outputs"]["PHI_ST"]["yi"]
        c = math.sqrt(phi**2 / (1 + phi**2))
        yield f"Study {i}", n, repr(c), "-" if phi < 0 else "+", "higher_better"


@pytest.fixture(scope="module")
def effects(house):
    return converted(house, "studies.csv")


def converted(house, sheet):
    done = house.run("convert", sheet)
    assert done.returncode == 0, done.stdout + done.stderr
    return list(csv.DictReader(done.stdout.splitlines()))


def write(house, *lines, name):
    (house.folder / name).write_text("\n".join(lines), encoding="utf-8")
    return name


def problems(house, *lines):
    done = house.run("validate", write(house, *lines, name="faulty.csv"), "--json")
    found = json.loads(done.stdout)["problems"]
    return [(p["code"], p["cell"], p["message"]) for p in found if p["severity"] == "error"]


def test_r_is_that_of_the_golden_tables(effects):
    assert len(TABLES) > 2
    expected = [case["outputs"]["PHI_ST"]["yi"] for case in TABLES]
    assert_close([float(row["r"]) for row in effects], expected, CLOSED)


def test_variance_is_the_standard_one(effects):
    expected = [1 / (sum(case["inputs"].values()) - 3) for case in TABLES]
    assert_close([float(row["vi"]) for row in effects], expected, CLOSED)


def test_it_is_pooled_like_the_r_that_it_is(house, effects):
    rows = [f"{row['study']},{row['n']},{row['r']}" for row in effects]
    write(house, "study,n,r", *rows, name="as_r.csv")
    found, expected = (
        json.loads(house.run("pool", name, "--json").stdout)["pooled"]["r"]
        for name in ("studies.csv", "as_r.csv")
    )
    assert_close([*found.values()], [*expected.values()], CLOSED)


def test_ledger_says_how(house):
    house.run("convert", "studies.csv", "-o", "effects.xlsx", "--force")
    header, first, *_ = load_workbook(house.folder / "effects.xlsx")["Ledger"].values
    line = dict(zip(header, first, strict=True))
    assert line["statistic"] == "contingency_c"
    assert line["formula"] == "C / √(1 − C²)"
    assert line["variance_rule"] == "1 / (n − 3)"
    assert line["source"] == "Pearson 1904"
    assert line["inputs"].startswith("contingency_c = 0.")
    assert line["inputs"].count("C2]") == 1


def test_sheet_is_valid(house):
    assert house.run("validate", "studies.csv").returncode == 0


def test_alias_and_long_form_are_read(house):
    wide = write(house, "study,n,Contingency Coefficient,sign", "A,50,.3,+", name="wide.csv")
    long = write(house, "study,n,statistic,value,sign", "A,50,contingency_c,.3,+", name="long.csv")
    assert converted(house, wide)[0]["r"] == converted(house, long)[0]["r"]


def test_template_has_its_column(template):
    sheet = template["effects"]
    names = [c.value for c in sheet[1]]
    assert names[names.index("contingency_c") - 1] == "chi2"


def test_template_names_it_in_the_dropdown(template):
    lists = template["_lists"]
    statistic = next(column for column in lists.iter_cols() if column[0].value == "statistic")
    assert "contingency_c" in {cell.value for cell in statistic}


def test_codebook_explains_it(template):
    rows = {row[0]: row for row in template["codebook"].values}
    assert rows["contingency_c"][1:5] == (
        "Statistic, collapsed", "Pearson's C of a 2×2 table; needs a sign.", "number, from 0 to 1",
        "contingency coefficient",
    )  # fmt: skip


def test_template_says_that_it_has_no_sign(template):
    texts = {row[0]: row[1] for row in template["about"].values}
    assert "contingency_c" in texts["No sign"]


def test_documentation_has_it_in_both_tables(house):
    page = house.page("sheets/conversions.md")
    assert "| `contingency_c` | `n` | `sign` column | Pearson 1904 |" in page
    assert "| `contingency_c` | C / √(1 − C²) | 1 / (n − 3) | yes |" in page
    assert "| `contingency_c` |" in house.page("sheets/workbook.md")


EXTREME = "too extreme to be a correlation between −1 and 1"
FAULTY = {
    "A,50,1.2,+,": ("MA313", "C2", "contingency_c must be between 0 and 1"),
    "B,50,.9,+,": ("MA312", "C3", f"contingency_c is {EXTREME}"),
    "C,50,.3,,": ("MA402", "C4", "contingency_c carries no sign and the sign column is blank"),
    "D,,.3,+,": ("MA403", "C5", "contingency_c needs n"),
    "E,3,.3,+,": ("MA321", "B6", "Fisher's z needs n > 3"),
}  # fmt: skip


def test_wrong_values_are_reported_at_their_cells(house):
    assert problems(house, HEADER, *FAULTY) == [*FAULTY.values()]


def test_it_is_compared_with_another_statistic_of_the_row(house):
    rows = ("A,50,.3145,.3,+", "B,50,.40,.3,+")
    [(code, cell, message)] = problems(house, "study,n,r,contingency_c,sign", *rows)
    assert (code, cell) == ("MA404", "D3")
    assert message == "r gives r = 0.400 (C3) but contingency_c gives r = 0.314"
