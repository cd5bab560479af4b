"""Mutants of small sheets, each with the result it must have, declared here and not by the package.

A mutant is a base of records, perhaps a change of meaning (with a new result, or the code of a
refusal),
layouts that mean nothing, and a file format. `mutants(count, seed)` draws as many as are asked for;
`singles` and `changes` are the systematic ones. Data are simulated.
"""

from __future__ import annotations

import copy
import csv
import datetime as dt
import itertools
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from intake import truth
from intake.books import FORMATS, Book, Fault, Percent, write
from intake.sheets import drawn
from intake.truth import Effect, Worth, pooled_r

import metaalliance as ma

Record = dict[str, Any]
TEXT = ("xlsx", "csv", "ods", "xls", "xlsb")
BOOKS = ("xlsx", "ods", "xls", "xlsb")


# Bases: what was coded, by the names of the columns -----------------------------------------


def _common(seed: int, studies: int, several: int) -> list[Record]:
    rows = drawn(seed, studies, several)
    found = []
    for r in rows:
        study = {1: f"Ångström ({r.year})", 2: f"Núñez ({r.year})"}.get(r.number, r.study)
        n = 1204 if r.number == 2 else r.n
        turned = r.number % 3 == 0
        found.append(
            {
                "study": study, "year": r.year, "n": n, "r": -r.r if turned else r.r,
                "outcome_direction": "lower_better" if turned else "higher_better",
                "alliance_rater": r.rater, "outcome_measure": r.outcome, "modality": r.modality,
                "mean_age": r.age if r.number % 4 else None, "notes": None,
            }
        )  # fmt: skip
    return found


def plain() -> list[Record]:
    return _common(601, 9, 1)


def nested() -> list[Record]:
    return _common(602, 7, 3)


def samples() -> list[Record]:
    found = _common(603, 8, 3)
    for record in found:
        arm = "arm 2" if record["alliance_rater"] == "therapist" else "arm 1"
        record["sample"] = arm
        record["n"] += 25 if arm == "arm 2" else 0
    return found


def mixed() -> list[Record]:
    found = _common(604, 12, 1)
    for i, record in enumerate(found):
        r, n = record.pop("r"), record["n"]
        t = round(r * math.sqrt((n - 2) / (1 - r * r)), 2)
        n1 = n // 2 - 3
        d = round(r * math.sqrt((n - 2) * (1 / n1 + 1 / (n - n1)) / (1 - r * r)), 2)
        record.update(
            (
                {"r": r},
                {"t": t, "df": n - 2},
                {"F": round(t * t, 2), "df1": 1, "df2": n - 2, "sign": "+" if t > 0 else "-"},
                {"d": d, "n1": n1, "n2": n - n1},
                {"fisher_z": round(math.atanh(r), 4)},
                {"spearman_rho": r},
            )[i % 6]
        )
    return found


def named() -> list[Record]:
    found = _common(605, 8, 2)
    for record in found:
        record["statistic"], record["value"] = "r", record.pop("r")
    return found


def computed() -> list[Record]:
    found = _common(606, 8, 1)
    for record in found:
        r, n = record.pop("r"), record["n"]
        record.update(yi=round(math.atanh(r), 4), vi=round(1 / (n - 3), 6), yi_measure="z")
    return found


BASES = {f.__name__: f for f in (plain, nested, samples, mixed, named, computed)}
ORDER = (
    "study", "year", "sample", "statistic", "value", "r", "t", "df", "F", "df1", "df2", "sign",
    "d", "n1", "n2",
    "fisher_z", "spearman_rho", "yi", "vi", "yi_measure", "n", "alliance_direction",
    "outcome_direction",
    "alliance_rater", "outcome_measure", "modality", "mean_age", "include", "exclusion_reason",
    "notes",
)  # fmt: skip
NUMBERS = ("r", "value", "t", "F", "d", "fisher_z", "spearman_rho", "yi")


def worth(record: Record) -> Worth:
    """What a record is worth, before its directions."""
    n = record.get("n")
    if record.get("statistic"):
        return worth({**record, "statistic": None, record["statistic"]: record["value"]})
    if record.get("r") is not None:
        return truth.from_r(record["r"], n)
    if record.get("t") is not None:
        return truth.from_t(record["t"], record["df"], n)
    if record.get("F") is not None:
        return truth.from_f(record["F"], record["df2"], 1 if record["sign"] == "+" else -1, n)
    if record.get("d") is not None:
        return truth.from_d(record["d"], record["n1"], record["n2"])
    if record.get("fisher_z") is not None:
        return truth.from_z(record["fisher_z"], n)
    if record.get("spearman_rho") is not None:
        return truth.from_spearman(record["spearman_rho"], n)
    if record["yi_measure"] == "z":
        found = truth.from_z_and_variance(record["yi"], record["vi"])
    elif record["yi_measure"] == "r":
        found = truth.from_r_and_se(record["yi"], math.sqrt(record["vi"]))
    elif record["yi_measure"] == "log_or":
        found = truth.from_log_odds(record["yi"], math.sqrt(record["vi"]))
    else:
        found = truth.from_d_with_variance(record["yi"], record["vi"])
    return Worth(found.r, found.vi, n)


def effects_of(records: list[Record]) -> list[Effect]:
    found = []
    for record in records:
        if record.get("include") == "no":
            continue
        directions = (record.get("outcome_direction"), record.get("alliance_direction"))
        sign = (-1) ** directions.count("lower_better")
        found.append(worth(record).turned(sign).of(record["study"], record.get("sample") or ""))
    return found


def book_of(records: list[Record]) -> Book:
    head = [c for c in ORDER if any(c in record for record in records)]
    return Book(head, [[record.get(c) for c in head] for record in records])


# Layouts: changes without a meaning -----------------------------------------------------------

Random = np.random.Generator
LAYOUTS: dict[str, tuple[Callable[[Book, Random], None], tuple[str, ...]]] = {}
Draw = Callable[[Book, Random], None]


def layout(*formats: str) -> Callable[[Draw], Draw]:
    def added(function: Draw) -> Draw:
        LAYOUTS[function.__name__] = function, formats or FORMATS
        return function

    return added


@layout()
def as_it_is(book: Book, random: Random) -> None:
    pass


@layout()
def columns_in_another_order(book: Book, random: Random) -> None:
    order = random.permutation(len(book.head))
    book.head[:] = [book.head[i] for i in order]
    book.rows[:] = [[row[i] for i in order] for row in book.rows]


@layout()
def rows_in_another_order(book: Book, random: Random) -> None:
    book.rows[:] = [book.rows[i] for i in random.permutation(len(book.rows))]


@layout()
def headers_in_capitals(book: Book, random: Random) -> None:
    change = (str.upper, str.title)[int(random.integers(2))]
    _renamed(book, {h: change(h) for h in book.head if h not in {"r", "t", "F", "d", "n"}})


ALIASES = {
    "study": "study_id", "year": "publication_year", "n": "sample_size", "r": "correlation",
    "t": "tval",
    "d": "cohens_d", "fisher_z": "zr", "spearman_rho": "spearman", "outcome_direction": "direction",
    "outcome_measure": "outcome_instrument", "modality": "treatment", "mean_age": "age",
    "notes": "comments",
    "sample": "sample_id", "value": "stat_value", "include": "included",
}  # fmt: skip


@layout()
def headers_by_alias(book: Book, random: Random) -> None:
    _renamed(book, ALIASES)


@layout(*TEXT)
def headers_with_spaces(book: Book, random: Random) -> None:
    _renamed(book, {h: f" {h.replace('_', ' ')}\u00a0" for h in book.head})


def _renamed(book: Book, names: dict[str, str]) -> None:
    for kept in (book.labels, book.single, book.hidden):
        assert not kept, "rename before marking columns"
    book.head[:] = [names.get(h, h) for h in book.head]


@layout()
def blank_rows(book: Book, random: Random) -> None:
    empty = [None] * len(book.head)
    book.rows.insert(int(random.integers(1, len(book.rows))), list(empty))
    book.rows += [list(empty), list(empty)]


@layout(*TEXT)
def title_rows(book: Book, random: Random) -> None:
    book.above = [["Coding of the included reports"], ["Version of March 2024"], []]


@layout(*BOOKS)
def merged_title(book: Book, random: Random) -> None:
    book.above = [["Coding of the included reports"]]
    book.merged = len(book.head)


@layout(*TEXT)
def band_above_the_header(book: Book, random: Random) -> None:
    book.above = [["Report", *[None] * (len(book.head) - 2), "Remarks"]]


@layout(*BOOKS)
def hidden_columns(book: Book, random: Random) -> None:
    book.hidden = {"notes", "mean_age", "n"}


def _number_texts(
    book: Book, change: Callable[[str], str], names: tuple[str, ...] = NUMBERS
) -> None:
    for name in names:
        book.cells(name, lambda c: change(repr(c)) if isinstance(c, (int, float)) else c)


@layout()
def typographic_minus(book: Book, random: Random) -> None:
    _number_texts(book, lambda t: t.replace("-", "\u2212"))


@layout(*TEXT)
def decimal_comma(book: Book, random: Random) -> None:
    book.separator, book.decimal = ";", ","
    _number_texts(book, lambda t: t.replace(".", ","), (*NUMBERS, "vi", "mean_age"))


@layout()
def no_leading_zero(book: Book, random: Random) -> None:
    _number_texts(book, lambda t: t.replace("0.", ".", 1) if t.lstrip("-").startswith("0.") else t)


@layout()
def numbers_as_text(book: Book, random: Random) -> None:
    _number_texts(
        book, str, (*NUMBERS, "n", "df", "df1", "df2", "n1", "n2", "vi", "year", "mean_age")
    )


@layout()
def footnote_stars(book: Book, random: Random) -> None:
    _number_texts(book, lambda t: t + ("*", "**", " *", "")[int(random.integers(4))])


@layout("csv")
def scientific_notation(book: Book, random: Random) -> None:
    for name in NUMBERS:
        book.cells(name, lambda c: f"{c:.15e}" if isinstance(c, float) else c)


@layout()
def blanks_around_texts(book: Book, random: Random) -> None:
    for name in ("study", "outcome_direction", "alliance_rater", "sample", "statistic", "sign"):
        book.cells(name, lambda c: f"  {c} " if random.random() < 0.5 else c)


@layout()
def hard_spaces(book: Book, random: Random) -> None:
    for name in ("study", "alliance_rater", "sample"):
        book.cells(name, lambda c: c.replace(" ", "\u00a0") if random.random() < 0.5 else c)
    _number_texts(book, lambda t: f"\u00a0{t}")


@layout()
def decomposed_names(book: Book, random: Random) -> None:
    book.cells(
        "study", lambda c: unicodedata.normalize("NFD" if random.random() < 0.5 else "NFC", c)
    )


@layout()
def missing_words(book: Book, random: Random) -> None:
    words = ("NR", "n/a", "not reported", "NA", None)
    for name in ("mean_age", "notes"):
        at = book.column(name)
        for row in book.rows:
            if row[at] is None:
                row[at] = words[int(random.integers(5))]


@layout(*TEXT)
def thousands_commas(book: Book, random: Random) -> None:
    book.cells("n", lambda c: f"{c:,}" if c >= 1000 else c)


@layout()
def thousands_spaces(book: Book, random: Random) -> None:
    space = (" ", "\u202f", "\u00a0")[int(random.integers(3))]
    book.cells("n", lambda c: f"{c:,}".replace(",", space) if c >= 1000 else c)


@layout()
def n_with_words(book: Book, random: Random) -> None:
    book.cells("n", lambda c: f"N = {c}" if random.random() < 0.5 else c)


LEVELS = {
    "client": "patient", "therapist": "counsellor", "observer": "independent rater",
    "CBT": "cognitive therapy",
    "psychodynamic": "PDT", "lower_better": "lower is better", "higher_better": "Higher is better",
    "+": "positive", "-": "negative",
}  # fmt: skip


@layout()
def levels_by_alias(book: Book, random: Random) -> None:
    for name in ("alliance_rater", "modality", "outcome_direction", "alliance_direction", "sign"):
        book.cells(name, lambda c: LEVELS.get(c, c))


@layout()
def levels_in_capitals(book: Book, random: Random) -> None:
    for name in ("alliance_rater", "modality", "outcome_direction", "alliance_direction"):
        book.cells(name, str.upper)


@layout("sav", "dta")
def value_labels(book: Book, random: Random) -> None:
    """Codes in no order of the alphabet."""
    for name in ("alliance_rater", "modality", "outcome_direction", "sample", "statistic", "sign"):
        if name in book.head:
            held = {row[book.column(name)] for row in book.rows} - {None}
            levels = sorted(held, reverse=True)
            book.labels[name] = dict(enumerate(map(str, levels), start=1))


@layout("dta")
def single_precision(book: Book, random: Random) -> None:
    book.single = {c for c in (*NUMBERS, "mean_age") if c in book.head}


@layout(*TEXT)
def percentages_elsewhere(book: Book, random: Random) -> None:
    _beside(book, "percent_female", [Percent(0.5 + i / 100) for i in range(len(book.rows))])


@layout()
def dates_elsewhere(book: Book, random: Random) -> None:
    start = dt.date(2024, 3, 1)
    _beside(book, "date_coded", [start + dt.timedelta(days=i) for i in range(len(book.rows))])


@layout()
def remarks_elsewhere(book: Book, random: Random) -> None:
    remarks = ("r = .45 in completers (n = 30)", "t(58) = 2.31", "p < .05; see table 3", "x")
    _beside(book, "coder_remarks", [remarks[i % 4] for i in range(len(book.rows))])


@layout()
def own_columns(book: Book, random: Random) -> None:
    _beside(book, "country_group", [("north", "south")[i % 2] for i in range(len(book.rows))])
    _beside(book, "sessions_planned", [8 + i % 5 for i in range(len(book.rows))])
    _beside(book, "se_of_something", [round(0.05 + i / 100, 2) for i in range(len(book.rows))])


def _beside(book: Book, name: str, cells: list[Any]) -> None:
    book.head.append(name)
    for row, cell in zip(book.rows, cells, strict=True):
        row.append(cell)


@layout(*BOOKS)
def other_sheets(book: Book, random: Random) -> None:
    book.before = {"README": [["How we coded"], ["Ask the second author"]]}
    book.after = {"excluded": [["report", "why"], ["Someone 1999", "no outcome"]]}


@layout(*BOOKS)
def studies_apart(book: Book, random: Random) -> None:
    """Columns of the study move to a sheet of their own."""
    moved = [c for c in ("year", "modality", "mean_age") if c in book.head]
    kept = [i for i, h in enumerate(book.head) if h not in moved]
    study = book.column("study")
    once = {row[study]: [row[book.column(c)] for c in moved] for row in book.rows}
    book.after = {"studies": [["study", *moved], *[[s, *cells] for s, cells in once.items()]]}
    book.head, book.rows = [book.head[i] for i in kept], [[r[i] for i in kept] for r in book.rows]


@layout("csv")
def another_encoding(book: Book, random: Random) -> None:
    book.encoding = ("utf-8-sig", "cp1252", "utf-16")[int(random.integers(3))]


@layout("csv")
def another_separator(book: Book, random: Random) -> None:
    book.separator = (";", "\t")[int(random.integers(2))]


@layout("csv")
def quotes_and_line_ends(book: Book, random: Random) -> None:
    book.quoting, book.ends = csv.QUOTE_ALL, "\r\n"


@layout(*TEXT)
def row_names(book: Book, random: Random) -> None:
    """As R writes them: 1 to n under a blank header."""
    book.head.insert(0, "")
    for i, row in enumerate(book.rows, start=1):
        row.insert(0, i)


# Changes of the records -----------------------------------------------------------------------

Change = Callable[[list[Record], Random], str]
CHANGES: dict[str, tuple[Change, tuple[str, ...], tuple[str, ...]]] = {}
ALL = tuple(BASES)


def change(*bases: str, formats: tuple[str, ...] = FORMATS) -> Callable[[Change], Change]:
    """Add a change of the records. It returns the code that must refuse it, or nothing."""

    def added(function: Change) -> Change:
        CHANGES[function.__name__] = function, bases or ALL, formats
        return function

    return added


def _reported(record: Record) -> str:
    return next(c for c in NUMBERS if record.get(c) is not None)


def _opposite(direction: str | None) -> str:
    return "lower_better" if direction != "lower_better" else "higher_better"


def _any(records: list[Record], random: Random) -> Record:
    return records[int(random.integers(len(records)))]


def _turn_sign(record: Record) -> None:
    if record.get("sign"):
        record["sign"] = "-" if record["sign"] == "+" else "+"
    else:
        record[_reported(record)] *= -1


@change()
def sign_turned_with_direction(records: list[Record], random: Random) -> str:
    """Means the same."""
    for record in records[::2]:
        _turn_sign(record)
        record["outcome_direction"] = _opposite(record["outcome_direction"])
    return ""


@change("plain", "nested", "samples")
def r_as_t(records: list[Record], random: Random) -> str:
    """Means the same."""
    for record in records[::2]:
        r, df = record.pop("r"), record["n"] - 2
        record.update(t=r * math.sqrt(df / (1 - r * r)), df=df)
    return ""


@change("plain", "nested", "samples")
def r_as_fisher_z(records: list[Record], random: Random) -> str:
    """Means the same."""
    for record in records[1::2]:
        record["fisher_z"] = math.atanh(record.pop("r"))
    return ""


@change()
def excluded_row_added(records: list[Record], random: Random) -> str:
    """Means the same."""
    new = dict(_any(records, random), study="Left Out (1999)", notes="dissertation")
    for record in records:
        record["include"] = "yes"
    records.append({**new, "include": "no", "exclusion_reason": "same sample as another report"})
    return ""


@change()
def a_sign(records: list[Record], random: Random) -> str:
    _turn_sign(_any(records, random))
    return ""


@change()
def a_direction(records: list[Record], random: Random) -> str:
    record = _any(records, random)
    record["outcome_direction"] = _opposite(record["outcome_direction"])
    return ""


@change()
def an_alliance_direction(records: list[Record], random: Random) -> str:
    _any(records, random)["alliance_direction"] = "lower_better"
    return ""


@change("plain", "nested", "samples", "named")
def a_sample_size(records: list[Record], random: Random) -> str:
    study = _any(records, random)["study"]
    for record in records:
        if record["study"] == study:
            record["n"] = record["n"] * 2 - 7
    return ""


@change("nested", "named")
def samples_of_different_people(records: list[Record], random: Random) -> str:
    for record in records:
        record["sample"] = record["alliance_rater"] + "s of one site"
    return ""


@change("samples")
def one_sample_for_all(records: list[Record], random: Random) -> str:
    for record in records:
        record["sample"] = "all"
    return ""


@change("computed")
def another_scale(records: list[Record], random: Random) -> str:
    scale = ("r", "d", "log_or")[int(random.integers(3))]
    for record in records:
        size = {"r": 0.2, "d": 0.6, "log_or": 0.9}[scale]
        record.update(yi_measure=scale, yi=round(record["yi"] * size / 0.3, 3))
        record["vi"] = round(record["vi"] * {"r": 0.8, "d": 4.2, "log_or": 14.1}[scale], 5)
        record["n"] = None
    return ""


@change("named")
def another_statistic(records: list[Record], random: Random) -> str:
    for record in records[::2]:
        record["statistic"] = ("spearman_rho", "fisher_z")[int(random.integers(2))]
    return ""


@change()
def a_row_less(records: list[Record], random: Random) -> str:
    records.pop(int(random.integers(len(records))))
    return ""


@change("nested", "samples", "named")
def a_row_of_another_study(records: list[Record], random: Random) -> str:
    several = [r for r in records if [x["study"] for x in records].count(r["study"]) > 1]
    _any(several, random)["study"] = "Hofstede (2011)"
    return ""


@change("plain", "nested", "named")
def a_lost_decimal_place(records: list[Record], random: Random) -> str:
    record = _any(records, random)
    record[_reported(record)] /= 10
    return ""


@change("plain", "nested", "samples", "named")
def r_beyond_one(records: list[Record], random: Random) -> str:
    record = _any(records, random)
    record[_reported(record)] = 1.31
    return "MA312"


@change("plain", "nested", "named")
def no_sample_size(records: list[Record], random: Random) -> str:
    _any(records, random)["n"] = None
    return "MA403"


@change("plain", "nested", "named")
def three_participants(records: list[Record], random: Random) -> str:
    _any(records, random)["n"] = 3
    return "MA321"


@change()
def a_row_twice(records: list[Record], random: Random) -> str:
    records.append(dict(_any(records, random)))
    return "MA501"


@change()
def no_study(records: list[Record], random: Random) -> str:
    _any(records, random)["study"] = None
    return "MA301"


@change()
def an_unknown_direction(records: list[Record], random: Random) -> str:
    _any(records, random)["outcome_direction"] = "sideways"
    return "MA331"


@change("mixed")
def no_sign(records: list[Record], random: Random) -> str:
    _any([r for r in records if r.get("sign")], random)["sign"] = None
    return "MA402"


@change("plain", "nested", formats=TEXT)
def a_correlation_as_percentage(records: list[Record], random: Random) -> str:
    _any(records, random)["r"] = Percent(0.35)
    return "MA308"


#: In a text file an error value is a text like others.
FAILED = "MA303|MA302|MA331|MA1[12]."


@change("plain", "nested", "mixed", formats=TEXT)
def a_failed_formula(records: list[Record], random: Random) -> str:
    record = _any(records, random)
    record["sign" if record.get("sign") else _reported(record)] = Fault("#DIV/0!")
    return FAILED


@change("plain", "nested", formats=TEXT)
def a_failed_second_statistic(records: list[Record], random: Random) -> str:
    """The row has another statistic, and must not be used without a word about this one."""
    _any(records, random)["t"] = Fault("#VALUE!")
    return FAILED


@change(formats=TEXT)
def a_failed_direction(records: list[Record], random: Random) -> str:
    _any(records, random)["outcome_direction"] = Fault("#N/A")
    return FAILED


@change(formats=TEXT)
def a_failed_include(records: list[Record], random: Random) -> str:
    for record in records:
        record["include"] = "yes"
    _any(records, random)["include"] = Fault("#REF!")
    return FAILED


@change("plain", "nested", formats=BOOKS)
def a_correlation_as_date(records: list[Record], random: Random) -> str:
    _any(records, random)["r"] = dt.date(2024, 2, 1)
    return "MA305"


@change("plain", "nested", "named")
def not_significant(records: list[Record], random: Random) -> str:
    record = _any(records, random)
    record[_reported(record)] = "n.s."
    return "MA315"


# Mutants ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mutant:
    """A base, its change (or none), its layouts, its format and the seed of what is drawn."""

    base: str
    change: str
    layouts: tuple[str, ...]
    form: str
    seed: int = 0

    def __str__(self) -> str:
        return "-".join(
            filter(None, (self.base, self.change, *self.layouts, self.form, str(self.seed)))
        )


def born(mutant: Mutant, folder: Path) -> tuple[Path, list[Effect], str]:
    """Write a mutant; return its file, its effects, and the code that must refuse it ('' for
    none).
    """
    random = np.random.default_rng([mutant.seed, *map(ord, str(mutant))])
    records = BASES[mutant.base]()
    code = CHANGES[mutant.change][0](records, random) if mutant.change else ""
    effects = [] if code else effects_of(records)
    book = book_of(copy.deepcopy(records))
    for name in mutant.layouts:
        LAYOUTS[name][0](book, random)
    return write(book, mutant.form, folder), effects, code


def fault_of(mutant: Mutant, folder: Path) -> str:
    """Read and pool a mutant; return what is wrong with the answer, or ''."""
    path, effects, code = born(mutant, folder)
    studies = ma.load_studies(path)
    errors = [
        f"{p.code} {p.cell} {p.message} {p.seen}" for p in studies.problems if p.severity == "error"
    ]
    if code:
        if not errors:
            return f"pooled, must be refused with {code}"
        return (
            "" if any(re.match(code, e) for e in errors) else f"{code} expected, not {errors[:3]}"
        )
    if errors:
        return f"refused: {errors[:3]}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ma.effect_sizes(studies)
        fit = ma.pool(found)
    return difference(found.frame, fit, effects)


def _to_twelve(pair: tuple[float, float]) -> tuple[float, ...]:
    """Order in which effects that differ in their last digit only stand by their variance."""
    return tuple(float(f"{x:.12g}") for x in pair)


def difference(frame: Any, fit: Any, effects: list[Effect]) -> str:
    if len(frame) != len(effects):
        return f"{len(frame)} effects for {len(effects)}"
    if frame["study"].nunique() != len({e.study for e in effects}):
        return f"{frame['study'].nunique()} studies for {len({e.study for e in effects})}"
    pairs = zip(frame["yi"], frame["vi"], strict=True)
    seen, meant = (sorted(p, key=_to_twelve) for p in (pairs, ((e.z, e.vi) for e in effects)))
    if not np.allclose(seen, meant, rtol=1e-9, atol=1e-10):
        worst = int(np.argmax(np.abs(np.array(seen) - np.array(meant)).sum(axis=1)))
        return f"(z, vi) is {seen[worst]} for {meant[worst]}"
    pooled = pooled_r(effects)
    if abs(math.tanh(fit.estimate) - pooled) > 1e-6:
        return f"pooled r is {math.tanh(fit.estimate):.7f} for {pooled:.7f}"
    largest: dict[tuple[str, str], float] = {}
    for e in effects:
        largest[e.study, e.sample] = max(largest.get((e.study, e.sample), 0), e.n or 0)
    people = fit.n_participants
    if all(e.n for e in effects) and people != sum(largest.values()):
        return f"{people} participants for {sum(largest.values())}"
    return ""


def singles(bases: tuple[str, ...] = ALL) -> Iterator[Mutant]:
    """Every layout in every format that it has, on its own."""
    for base, (name, (_, formats)) in itertools.product(bases, LAYOUTS.items()):
        for form in formats:
            yield Mutant(base, "", (name,), form)


def changes(seeds: int = 1) -> Iterator[Mutant]:
    """Every change of the records on every base in every format that it has."""
    for name, (_, bases, formats) in CHANGES.items():
        for base, form, seed in itertools.product(bases, formats, range(seeds)):
            yield Mutant(base, name, (), form, seed)


#: Layouts that cannot stand together, by pairs of what they touch.
APART = (
    {"headers_in_capitals", "headers_by_alias", "headers_with_spaces"},
    {"typographic_minus", "decimal_comma", "no_leading_zero", "numbers_as_text", "footnote_stars",
     "scientific_notation", "hard_spaces", "single_precision"},
    {"thousands_commas", "thousands_spaces", "n_with_words", "numbers_as_text", "hard_spaces",
    "decimal_comma"},
    {"title_rows", "merged_title", "band_above_the_header", "row_names"},
    {"other_sheets", "studies_apart"},
    {"studies_apart", "blanks_around_texts", "hard_spaces", "decomposed_names"},
    {"decimal_comma", "another_separator"},
    {"another_encoding", "hard_spaces", "typographic_minus", "decomposed_names",
    "thousands_spaces"},
    {"levels_by_alias", "levels_in_capitals", "value_labels", "blanks_around_texts", "hard_spaces"},
)  # fmt: skip
#: What a change writes into cells that these layouts would have to read as numbers or texts.
FRAGILE = {
    "a_correlation_as_percentage", "a_failed_formula", "a_failed_second_statistic",
    "a_failed_direction", "a_failed_include",
    "a_correlation_as_date", "not_significant", "no_study", "an_unknown_direction",
}  # fmt: skip
RENAMES = {"headers_in_capitals", "headers_by_alias", "headers_with_spaces"}


def mutants(count: int, seed: int = 1) -> Iterator[Mutant]:
    """Draw mutants of one to three layouts, most of them with a change."""
    random = np.random.default_rng(seed)
    made = 0
    while made < count:
        base = str(random.choice(ALL))
        name = str(random.choice(["", *CHANGES]))
        bases, formats = CHANGES[name][1:] if name else (ALL, FORMATS)
        form = str(random.choice(FORMATS))
        size = int(random.integers(1, 4))
        drawn_layouts = [str(x) for x in random.choice(list(LAYOUTS), size, replace=False)]
        # Names are changed last, blank rows put in before: a layout looks for columns by their
        # names.
        layouts = tuple(sorted(drawn_layouts, key=lambda x: (x in RENAMES, x == "blank_rows", x)))
        fits = (
            base in bases
            and form in formats
            and all(form in LAYOUTS[x][1] for x in layouts)
            and all(len(group & set(layouts)) <= 1 for group in APART)
            and not (name in FRAGILE and set(layouts) - STURDY)
            and not (RENAMES & set(layouts) and set(layouts) & MARKS)
            and not (name == "a_row_twice" and set(layouts) & OWN)
            and not ("single_precision" in layouts and name in EXACT)
        )
        if fits:
            yield Mutant(base, name, layouts, form, made)
            made += 1


#: Layouts that add columns of the team, in which rows differ: then they are no copies.
OWN = {"percentages_elsewhere", "dates_elsewhere", "remarks_elsewhere", "own_columns"}
#: Layouts that leave the cells of the coded columns as they are.
STURDY = {
    "as_it_is", "columns_in_another_order", "rows_in_another_order", "title_rows", "merged_title",
    *OWN, "other_sheets", *RENAMES,
}  # fmt: skip
#: Changes that write all digits of a number, which single precision cannot hold.
EXACT = {"r_as_t", "r_as_fisher_z"}
#: Layouts that mark columns by their names.
MARKS = {"hidden_columns", "value_labels", "single_precision"}
