"""One cell as a number: what is read, what was changed, what is refused."""

from __future__ import annotations

import datetime as dt
import math
import re
import string
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metaalliance.sheet.read.grid import ErrorCell, FormulaCell, PercentCell
from metaalliance.sheet.read.numbers import Parsed, parse_number

ZERO, MINUS, MARK = "leading zero added", "minus sign unified", "footnote mark removed"
LABEL, COMMA, GROUP = "label removed", "decimal comma read", "grouping blank removed"
P_VALUE = "p-value removed"

READ: dict[object, tuple[float, tuple[str, ...]]] = {
    0.35: (0.35, ()),
    -0.21: (-0.21, ()),
    45: (45.0, ()),
    0: (0.0, ()),
    "0.35": (0.35, ()),
    "-0.21": (-0.21, ()),
    "+0.21": (0.21, ()),
    "45": (45.0, ()),
    "1.": (1.0, ()),
    "1.0000001": (1.0000001, ()),
    "1E-3": (0.001, ()),
    "2.5e+2": (250.0, ()),
    ".35": (0.35, (ZERO,)),
    "-.35": (-0.35, (ZERO,)),
    "+.35": (0.35, (ZERO,)),
    "- .35": (-0.35, (ZERO,)),
    "0,35": (0.35, (COMMA,)),
    "-0,35": (-0.35, (COMMA,)),
    ",35": (0.35, (ZERO, COMMA)),
    "0,350": (0.350, (COMMA,)),
    "2,5": (2.5, (COMMA,)),
    "2,31": (2.31, (COMMA,)),
    "\N{MINUS SIGN}.21": (-0.21, (ZERO, MINUS)),
    "\N{EN DASH}.21": (-0.21, (ZERO, MINUS)),
    "\N{EM DASH}.21": (-0.21, (ZERO, MINUS)),
    "\N{HYPHEN}0.21": (-0.21, (MINUS,)),
    "\N{NON-BREAKING HYPHEN}0.21": (-0.21, (MINUS,)),
    "\N{FIGURE DASH}0.21": (-0.21, (MINUS,)),
    "\N{SMALL HYPHEN-MINUS}0.21": (-0.21, (MINUS,)),
    "\N{FULLWIDTH HYPHEN-MINUS}0.21": (-0.21, (MINUS,)),
    "\N{MINUS SIGN}0,21": (-0.21, (MINUS, COMMA)),
    "\N{MINUS SIGN} .21": (-0.21, (ZERO, MINUS)),
    " .35 ": (0.35, (ZERO,)),
    "\N{NO-BREAK SPACE}0.35\N{NO-BREAK SPACE}": (0.35, ()),
    "\N{ZERO WIDTH SPACE}0.35\ufeff": (0.35, ()),
    "0.35\n": (0.35, ()),
    ".35*": (0.35, (ZERO, MARK)),
    ".35**": (0.35, (ZERO, MARK)),
    ".35***": (0.35, (ZERO, MARK)),
    ".35 *": (0.35, (ZERO, MARK)),
    "-.35**": (-0.35, (ZERO, MARK)),
    "\N{MINUS SIGN}.35**": (-0.35, (ZERO, MINUS, MARK)),
    ".35†": (0.35, (ZERO, MARK)),
    ".35ᵃ": (0.35, (ZERO, MARK)),
    ".35²": (0.35, (ZERO, MARK)),
    ".35^a": (0.35, (ZERO, MARK)),
    "0.40f": (0.4, (MARK,)),
    "0,35*": (0.35, (MARK, COMMA)),
    "r = .35": (0.35, (ZERO, LABEL)),
    "r=.35": (0.35, (ZERO, LABEL)),
    "r = \N{MINUS SIGN}.35": (-0.35, (ZERO, MINUS, LABEL)),
    "N=45": (45.0, (LABEL,)),
    "n = 45": (45.0, (LABEL,)),
    "N = 1 234": (1234.0, (LABEL, GROUP)),
    ".35 (p < .01)": (0.35, (ZERO, P_VALUE)),
    "-.35** (p = .001)": (-0.35, (ZERO, P_VALUE, MARK)),
    "1 234": (1234.0, (GROUP,)),
    "1\N{NO-BREAK SPACE}234": (1234.0, (GROUP,)),
    "1\N{THIN SPACE}234\N{THIN SPACE}567": (1234567.0, (GROUP,)),
    "1.234,5": (1234.5, (COMMA,)),
    "-1.234.567,25": (-1234567.25, (COMMA,)),
}


@pytest.mark.parametrize("raw", READ, ids=repr)
def test_value_that_is_read(raw):
    assert parse_number(raw).value == READ[raw][0]


@pytest.mark.parametrize("raw", READ, ids=repr)
def test_changes_that_are_recorded(raw):
    assert parse_number(raw).changes == READ[raw][1]


@pytest.mark.parametrize("raw", READ, ids=repr)
def test_what_is_read_has_no_fault(raw):
    found = parse_number(raw)
    assert (found.fault, found.missing, found.nonsignificant) == ("", False, False)


REFUSED: dict[object, str] = {
    "1,234": "MA302",
    "-1,234": "MA302",
    "12,345": "MA302",
    "1,234.5": "MA302",
    "45 (38 completers)": "MA302",
    "45 of 60": "MA302",
    "45, 38": "MA302",
    "45/60": "MA302",
    "45 60": "MA302",
    "1-2": "MA302",
    ".30-.40": "MA302",
    ".35 (p < .01, n = 40)": "MA302",
    ".35 (.42)": "MA302",
    "(.35)": "MA302",
    "~.35": "MA302",
    "ca. .35": "MA302",
    "about 45": "MA302",
    "see text": "MA302",
    "forty": "MA302",
    "inf": "MA302",
    "-inf": "MA302",
    "Infinity": "MA302",
    "1e400": "MA302",
    "1_000": "MA302",
    "0x1F": "MA302",
    "½": "MA302",
    "²": "MA302",
    "--.35": "MA302",
    "+-.35": "MA302",
    "0.35.": "MA302",
    "0..35": "MA302",
    "0.3.5": "MA302",
    "0. 35": "MA302",
    ".35,.42": "MA302",
    "'91": "MA302",
    "12ab": "MA302",
    "*": "MA302",
    "a": "MA302",
    "=1+1": "MA302",
    "r = ": "MA302",
    "1" * 400: "MA302",
    float("inf"): "MA302",
    float("nan"): "MA302",
    1j: "MA302",
    b"0.35": "MA302",
    ErrorCell("#DIV/0!"): "MA303",
    ErrorCell("#N/A"): "MA303",
    FormulaCell("=B5/2"): "MA304",
    dt.datetime(2024, 2, 1): "MA305",
    dt.date(2024, 2, 1): "MA305",
    dt.time(6, 0): "MA306",
    dt.timedelta(hours=30): "MA306",
    True: "MA307",
    False: "MA307",
    "35%": "MA308",
    "35 %": "MA308",
    "< 35%": "MA309",
    "<.001": "MA309",
    "< .05": "MA309",
    "> .05": "MA309",
    "≤ .05": "MA309",
    "≥.05": "MA309",
    "p < .05": "MA309",
    "p<.05": "MA309",
    "P > .05": "MA309",
}


@pytest.mark.parametrize("raw", REFUSED, ids=lambda raw: f"{type(raw).__name__} {str(raw)[:30]}")
def test_code_of_what_is_refused(raw):
    assert parse_number(raw) == Parsed(fault=REFUSED[raw])


def test_percentage_of_a_workbook_is_refused():
    assert parse_number(PercentCell(0.35)) == Parsed(fault="MA308")


MISSING = ["NR", "nr", "N.R.", "NA", "n/a", "N/A", "n.a.", "-", "–", "—", "−", "?", ".", "none",
           "None", "null", "missing", "not reported", "Not available", "/", " - "]  # fmt: skip


@pytest.mark.parametrize("raw", MISSING)
def test_token_is_missing_and_never_zero(raw):
    assert parse_number(raw) == Parsed(missing=True)


NONSIGNIFICANT = ["n.s.", "ns", "NS", "N.S.", "n. s.", "n.s", "ns.", "not significant",
                  "non-significant", "Nonsignificant", " n.s. "]  # fmt: skip


@pytest.mark.parametrize("raw", NONSIGNIFICANT)
def test_nonsignificant_has_no_value(raw):
    assert parse_number(raw) == Parsed(nonsignificant=True)


@pytest.mark.parametrize("raw", [None, "", "  ", "\t\n", "\N{NO-BREAK SPACE}", "\ufeff", "\u200b"])
def test_blank_cell_says_nothing(raw):
    assert parse_number(raw) == Parsed()


# Options --------------------------------------------------------------------------------------

COUNTS = {"1,234": 1234, "12,345": 12_345, "1,234,567": 1_234_567, "N = 1,200": 1200, "45.0": 45}


@pytest.mark.parametrize("raw", COUNTS)
def test_comma_groups_thousands_of_a_count(raw):
    assert parse_number(raw, integer=True).value == COUNTS[raw]


def test_grouped_count_is_recorded():
    assert parse_number("1,234", integer=True).changes == ("thousands separator removed",)


def test_fraction_of_a_count_is_not_rounded():
    assert parse_number("45.5", integer=True).value == 45.5


DECIMAL_COMMA = {"1,234": 1.234, "-0,21": -0.21, ",35": 0.35, "1.234,5": 1234.5, "12,3456": 12.3456,
                 "0.35": 0.35, "−,35": -0.35}  # fmt: skip


@pytest.mark.parametrize("raw", DECIMAL_COMMA)
def test_decimal_comma_of_the_file(raw):
    assert parse_number(raw, decimal_comma=True).value == DECIMAL_COMMA[raw]


def test_comma_count_in_a_decimal_comma_file_is_no_thousand():
    assert parse_number("1,234", decimal_comma=True, integer=True).value == 1.234


PERCENT = {"57%": 57.0, "57 %": 57.0, "57": 57.0, "5,5%": 5.5, "57.5%": 57.5}


@pytest.mark.parametrize("raw", PERCENT)
def test_percentage_where_it_is_allowed(raw):
    assert parse_number(raw, percent=1).value == PERCENT[raw]


def test_percentage_of_variance_is_a_proportion():
    assert parse_number("35%", percent=0.01).value == pytest.approx(0.35, rel=1e-15)


def test_percent_cell_of_variance_is_a_proportion():
    assert parse_number(PercentCell(0.35), percent=0.01).value == pytest.approx(0.35, rel=1e-15)


def test_percent_cell_of_a_percentage():
    assert parse_number(PercentCell(0.25), percent=1).value == 25


def test_percentage_is_recorded():
    assert parse_number("35%", percent=0.01).changes == ("percentage read",)


def test_text_with_percent_sign_is_no_percentage():
    assert parse_number("some%", percent=1).fault == "MA302"


# Properties -----------------------------------------------------------------------------------

QUICK = settings(derandomize=True)

numbers = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.integers(0, 9999).map(lambda i: f"{i / 10_000:.4f}")
MINUSES = "-\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}\N{HYPHEN}\N{FULLWIDTH HYPHEN-MINUS}"


@QUICK
@given(numbers)
def test_every_float_reads_back_exactly(x):
    found = parse_number(x).value
    assert found == x
    assert math.copysign(1, found) == math.copysign(1, x)


@QUICK
@given(numbers)
def test_every_float_as_text_reads_back_exactly(x):
    assert parse_number(repr(x)).value == x


@QUICK
@given(numbers)
def test_exact_text_needs_no_change(x):
    assert parse_number(repr(x)).changes == ()


@QUICK
@given(st.floats(-1e9, 1e9))
def test_decimal_comma_loses_no_digit(x):
    assert parse_number(f"{x:.12f}".replace(".", ","), decimal_comma=True).value == float(
        f"{x:.12f}"
    )


@QUICK
@given(st.integers(-(10**15), 10**15))
def test_every_count_reads_back_exactly(n):
    assert parse_number(str(n), integer=True).value == n


@QUICK
@given(st.integers(1000, 10**12))
def test_grouped_count_reads_back_exactly(n):
    assert parse_number(f"{n:,}", integer=True).value == n


@QUICK
@given(st.integers(1000, 99_999))
def test_blank_grouping_reads_back_exactly(n):
    assert parse_number(f"{n:,}".replace(",", " ")).value == n


@QUICK
@given(decimals, st.sampled_from(MINUSES), st.sampled_from(["", " "]), st.sampled_from(["", "*"]))
def test_no_minus_sign_is_lost(number, minus, blank, mark):
    assert parse_number(f"{minus}{blank}{number}{mark}").value == -float(number)


@QUICK
@given(decimals, st.sampled_from(MINUSES))
def test_no_minus_sign_is_lost_without_leading_zero(number, minus):
    assert parse_number(f"{minus}{number.removeprefix('0')}").value == -float(number)


@QUICK
@given(decimals, st.sampled_from(MINUSES))
def test_no_minus_sign_is_lost_with_a_label(number, minus):
    assert parse_number(f"r = {minus}{number}").value == -float(number)


@QUICK
@given(st.text())
@example("\x00")
@example("\ud7ff")
def test_random_text_never_raises(text):
    parse_number(text)


@QUICK
@given(st.text())
def test_no_number_without_a_digit(text):
    if parse_number(text).value is not None:
        assert any(c.isdigit() for c in text)


@QUICK
@given(st.text(alphabet=string.digits + "+-−.,eE% *aN=()<>", max_size=12))
def test_number_like_text_gives_a_number_or_a_reason(text):
    found = parse_number(text)
    said = found.value is not None, bool(found.fault), found.missing, found.nonsignificant
    assert sum(said) == (1 if text.strip() else 0)


def significant(digits):
    return re.sub(r"\D", "", digits).strip("0")


@QUICK
@given(st.text(alphabet=string.digits + "+-−., *", max_size=12))
@example("1.234,5")
@example("−0,35*")
def test_no_digit_is_lost_or_invented(text):
    found = parse_number(text).value
    if found is not None:
        assert significant(f"{Decimal(repr(found)):f}") == significant(text)


@QUICK
@given(
    st.one_of(st.none(), st.booleans(), st.binary(), st.dates(), st.times(), st.complex_numbers())
)
def test_other_values_never_give_a_number(raw):
    assert parse_number(raw).value is None


@pytest.mark.parametrize(
    "text", ["1" * 32_767, "a" * 32_767, " " * 32_767, "1," * 16_000, "-" * 999]
)
def test_long_text_is_refused_or_blank(text):
    assert parse_number(text).value is None


BEHIND = {
    "-.21 (ns)": -0.21,
    "0.21 n.s.": 0.21,
    ".21 [not significant]": 0.21,
    "-0.22 (n=45)": -0.22,
    "r(48) = -.26, p < .05": -0.26,
    ".35, p = .01": 0.35,
    ".21, n = 45, p = .03": 0.21,
    "t(48) = 2.1; p = .03": 2.1,
}


@pytest.mark.parametrize("raw", BEHIND, ids=repr)
def test_what_stands_behind_a_number_is_dropped_with_a_note(raw):
    found = parse_number(raw)
    assert found.value == BEHIND[raw]
    assert [c for c in found.changes if c in {P_VALUE, "n.s. removed"} or c.startswith("n behind")]


@pytest.mark.parametrize("raw", [".21 (ns", ".2 .3 ns", "(ns)", ".21 (p = ns)", ".21 (m = 4)"])
def test_what_is_no_remark_behind_a_number_is_refused(raw):
    assert parse_number(raw).fault == "MA302"


def test_a_second_number_of_people_behind_a_number_of_people_is_refused():
    assert parse_number("45 (n = 38)", integer=True).fault == "MA302"
