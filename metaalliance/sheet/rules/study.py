"""Rules across rows: duplicates, samples, labels, directions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from metaalliance.problems import Problem
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.rows import Row, columns_of
from metaalliance.sheet.rules.alliance_direction import alliance_direction_problems
from metaalliance.sheet.rules.coders import coder_problems
from metaalliance.sheet.rules.columns import code_problems, level_problems, rater_problems
from metaalliance.sheet.rules.directions import direction_problems
from metaalliance.sheet.rules.repeats import grouped
from metaalliance.sheet.rules.reports import report_problems, shared_sample_problems

_CONSTANT = ("year", "doi", "source", "design", "country")
_HOMOGLYPHS = str.maketrans("АВЕКМНОРСТХаеорсухіѕј", "ABEKMHOPCTXaeopcyxisj")


def study_problems(rows: list[Row]) -> list[Problem]:
    """Return the problems of the included rows with a study label, taken together."""
    return [problem for rule in STUDY_RULES for problem in rule(rows)]


def sample_problems(rows: list[Row]) -> list[Problem]:
    """Every n that differs within a sample, once per sample."""
    problems = []
    for group in grouped(rows, "study", "sample").values():
        sized = [row for row in group if isinstance(row.get("n"), float)]
        values = sorted({row.get("n") for row in sized})
        if len(values) > 1:
            odd = next(row for row in sized if row.get("n") != sized[0].get("n"))
            listed = ", ".join(f"{v:g}" for v in values)
            message = f"n is {listed} within one sample (first in {sized[0].cells['n'].cell})"
            hint = (
                "use sample for independent samples, --overlap nested for some of the same people"
            )
            problems.append(odd.problem("MA502", message, "n", hint))
    return problems


def label_key(label: str) -> str:
    """Fold what a reader would not see: case, accents, blanks, look-alike letters."""
    latin = unicodedata.normalize("NFKD", label.translate(_HOMOGLYPHS))
    return key_of("".join(c for c in latin if not unicodedata.combining(c)))


def label_problems(rows: list[Row]) -> list[Problem]:
    """Labels that differ only in what a reader would not see, or in R's count of a row name."""
    first: dict[str, Row] = {}
    reported: set[str] = set()
    problems = []
    labels = {row.study for row in rows}
    for row in _firsts(rows):
        name, _, count = row.study.rpartition(".")
        counted = count.isdigit() and name in labels
        twin = first.setdefault(label_key(name if counted else row.study), row)
        if twin.study != row.study and row.study not in reported:
            reported.add(row.study)
            message = f"{row.study!r} and {twin.study!r} (row {twin.number}) count as two studies"
            problems.append(row.problem("MA503", message, "study", "unify them if they are one"))
    return problems


def _firsts(rows: list[Row]) -> list[Row]:
    """The first row of each study."""
    firsts: dict[str, Row] = {}
    for row in rows:
        firsts.setdefault(row.study, row)
    return list(firsts.values())


def constant_problems(rows: list[Row]) -> list[Problem]:
    """Study-level columns that vary within a study."""
    problems = []
    present = columns_of(rows)
    columns = [column for column in _CONSTANT if column in present]
    for group in (g for g in grouped(rows, "study").values() if len(g) > 1):
        for column in columns:
            known = [row for row in group if row.get(column) is not None]
            odd = next((r for r in known if r.get(column) != known[0].get(column)), None)
            if odd is not None:
                message = f"{column} differs from row {known[0].number} of the same study"
                problems.append(odd.problem("MA506", message, column))
    return problems


def overlap_problems(rows: list[Row]) -> list[Problem]:
    """Studies with the same first author, n and country: perhaps one sample twice."""
    first: dict[tuple[str, float, str], Row] = {}
    reported: set[str] = set()
    problems = []
    for row in rows:
        n, country = row.get("n"), row.get("country")
        author = re.match(r"[^\W\d_]+", row.label)
        if not isinstance(n, float) or not country or author is None:
            continue
        twin = first.setdefault((label_key(author[0]), n, key_of(str(country))), row)
        if twin.study != row.study and row.study not in reported:
            reported.add(row.study)
            message = (
                f"shares first author, n = {n:g} and country with {twin.label!r} (row "
                f"{twin.number}): the samples may overlap"
            )
            problems.append(row.problem("MA513", message, "study"))
    return problems


#: Rules about rows taken together, in the order of their problems.
STUDY_RULES: tuple[Callable[[list[Row]], list[Problem]], ...] = (
    coder_problems,
    sample_problems,
    label_problems,
    constant_problems,
    direction_problems,
    alliance_direction_problems,
    overlap_problems,
    level_problems,
    code_problems,
    rater_problems,
    report_problems,
    shared_sample_problems,
)
