"""Rules across rows: duplicates, samples, labels, directions."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable

from metaalliance.core.conversion.rules import RULES
from metaalliance.problems import Problem
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.coders import coder_problems
from metaalliance.sheet.rules.columns import code_problems, level_problems, rater_problems
from metaalliance.sheet.rules.directions import direction_problems
from metaalliance.sheet.rules.reports import report_problems, shared_sample_problems

#: Columns that tell two effects of a study apart.
_IDENTITY = ("sample", "alliance_measure", "alliance_subscale", "alliance_rater", "alliance_time",
             "outcome_measure", "outcome_domain", "outcome_rater", "outcome_time")  # fmt: skip
_NUMERIC_GROUPS = ("statistic", "companion", "direction")
_CONSTANT = ("year", "doi", "source", "design", "country")
#: What is said about a row, not coded from the report.
_ASIDE = frozenset({"include", "exclusion_reason"})
_NUMERIC = re.compile(r"[\d.,−-]+").fullmatch
_HOMOGLYPHS = str.maketrans("АВЕКМНОРСТХаеорсухіѕј", "ABEKMHOPCTXaeopcyxisj")

#: What makes two rows the same effect beside their identity.
_VALUES = tuple(c.name for c in COLUMNS.values() if c.group in _NUMERIC_GROUPS)


def study_problems(rows: list[Row]) -> list[Problem]:
    """Return the problems of the included rows with a study label, taken together."""
    return [problem for rule in STUDY_RULES for problem in rule(rows)]


def _grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[object, ...], list[Row]]:
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.get(c) for c in columns)].append(row)
    return groups


def duplicate_problems(rows: list[Row]) -> list[Problem]:
    """One effect coded twice; and effects that nothing but their value tells apart."""
    problems = []
    for group in _grouped(rows, "study", *_IDENTITY).values():
        described = any(group[0].has(c) for c in _IDENTITY)
        firsts: dict[tuple[object, ...], Row] = {}
        values: dict[tuple[object, ...], Row] = {}
        for row in (r for r in group if not r.faulty):
            value = tuple(row.get(c) for c in _VALUES)
            whole = tuple(sorted((c, str(v.value)) for c, v in row.cells.items()
                                 if c not in _ASIDE and v.value is not None))  # fmt: skip
            first = next(iter(values.values()), None)
            if whole in firsts:
                message = f"the same effect stands in row {firsts[whole].number}"
                hint = "delete one, or code what distinguishes them"
                problems.append(row.problem("MA501", message, _value_column(row), hint))
            elif value in values and _labels(row) == _labels(values[value]):
                message = f"has the numbers of row {values[value].number}, and no text that differs"
                problems.append(row.problem("MA508", message, _value_column(row)))
            elif first is not None and described and _labels(row) == _labels(first):
                message = f"agrees with row {first.number} in everything but its value"
                problems.append(row.problem("MA508", message, _value_column(row)))
            firsts.setdefault(whole, row)
            values.setdefault(value, row)
    return problems


def _labels(row: Row) -> dict[str, str]:
    """Text that may tell effects apart; the team's numbers may be counters."""
    return {
        name: coded.value
        for name, coded in row.cells.items()
        if (name not in COLUMNS or COLUMNS[name].group != "identity")
        and isinstance(coded.value, str)
        and not _NUMERIC(coded.value)
    }


def _value_column(row: Row) -> str:
    columns = (*(c for rule in RULES.values() for c in rule.begun_by or rule.inputs), "value")
    return next((c for c in columns if row.has(c)), "study")


def sample_problems(rows: list[Row]) -> list[Problem]:
    """Every n that differs within a sample, once per sample."""
    problems = []
    for group in _grouped(rows, "study", "sample").values():
        sized = [row for row in group if isinstance(row.get("n"), float)]
        values = sorted({row.get("n") for row in sized})
        if len(values) > 1:
            odd = next(row for row in sized if row.get("n") != sized[0].get("n"))
            listed = ", ".join(f"{v:g}" for v in values)
            message = f"n is {listed} within one sample (first in {sized[0].cells['n'].cell})"
            problems.append(
                odd.problem("MA502", message, "n", "use sample for independent samples")
            )
    return problems


def label_key(label: str) -> str:
    """Fold what a reader would not see: case, accents, blanks, look-alike letters."""
    latin = unicodedata.normalize("NFKD", label.translate(_HOMOGLYPHS))
    return key_of("".join(c for c in latin if not unicodedata.combining(c)))


def label_problems(rows: list[Row]) -> list[Problem]:
    """Labels that differ only in what a reader would not see."""
    first: dict[str, Row] = {}
    reported: set[str] = set()
    problems = []
    for row in rows:
        twin = first.setdefault(label_key(row.study), row)
        if twin.study != row.study and row.study not in reported:
            reported.add(row.study)
            message = f"{row.study!r} and {twin.study!r} (row {twin.number}) count as two studies"
            problems.append(row.problem("MA503", message, "study", "unify them if they are one"))
    return problems


def constant_problems(rows: list[Row]) -> list[Problem]:
    """Study-level columns that vary within a study."""
    problems = []
    for group in _grouped(rows, "study").values():
        for column in _CONSTANT:
            known = [row for row in group if row.get(column) is not None]
            odd = next((r for r in known if r.get(column) != known[0].get(column)), None)
            if odd is not None:
                message = f"{column} differs from row {known[0].number} of the same study"
                problems.append(odd.problem("MA506", message, column))
    return problems


def estimand_problems(rows: list[Row]) -> list[Problem]:
    """Estimands that answer different questions."""
    levels = sorted({str(row.get("estimand")) for row in rows if row.get("estimand")})
    if len(levels) < 2:
        return []
    odd = next(row for row in rows if row.get("estimand") == levels[1])
    message = f"different estimands are pooled: {', '.join(levels)}"
    return [odd.problem("MA509", message, "estimand")]


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
    duplicate_problems,
    coder_problems,
    sample_problems,
    label_problems,
    constant_problems,
    direction_problems,
    estimand_problems,
    overlap_problems,
    level_problems,
    code_problems,
    rater_problems,
    report_problems,
    shared_sample_problems,
)
