"""Rules across rows: duplicates, samples, labels, directions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from metaalliance.core.conversion.rules import RULES
from metaalliance.problems import Problem
from metaalliance.sheet.columns.vocabularies import HIGHER_IS_BETTER, HIGHER_IS_WORSE, key_of
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.coders import coder_problems
from metaalliance.sheet.rules.columns import code_problems, level_problems, rater_problems
from metaalliance.sheet.rules.repeats import grouped
from metaalliance.sheet.rules.reports import report_problems, shared_sample_problems

_SIGNED = (
    *(rule.inputs[0] for rule in RULES.values() if rule.signed and len(rule.inputs) == 1),
    "value",
)
_CONSTANT = ("year", "doi", "source", "design", "country")
_IMPROVED = re.compile(
    r"change|improve|remi(?:ssion|tted)|recover|respon[sd]|abstinen|gain|reduc|free", re.IGNORECASE
)
_OPPOSITE = {"higher_better": "lower_better", "lower_better": "higher_better"}
_HOMOGLYPHS = str.maketrans("АВЕКМНОРСТХаеорсухіѕј", "ABEKMHOPCTXaeopcyxisj")

#: Parts of names of outcome measures that say that a higher score is worse.
_SYMPTOM_WORDS = ("symptom", "distress", "severity", "dropout", "attrition", "relapse", "problem")


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
            problems.append(
                odd.problem("MA502", message, "n", "use sample for independent samples")
            )
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
    for row in rows:
        name, _, count = row.study.rpartition(".")
        counted = count.isdigit() and name in labels
        twin = first.setdefault(label_key(name if counted else row.study), row)
        if twin.study != row.study and row.study not in reported:
            reported.add(row.study)
            message = f"{row.study!r} and {twin.study!r} (row {twin.number}) count as two studies"
            problems.append(row.problem("MA503", message, "study", "unify them if they are one"))
    return problems


def constant_problems(rows: list[Row]) -> list[Problem]:
    """Study-level columns that vary within a study."""
    problems = []
    for group in grouped(rows, "study").values():
        for column in _CONSTANT:
            known = [row for row in group if row.get(column) is not None]
            odd = next((r for r in known if r.get(column) != known[0].get(column)), None)
            if odd is not None:
                message = f"{column} differs from row {known[0].number} of the same study"
                problems.append(odd.problem("MA506", message, column))
    return problems


def direction_problems(rows: list[Row]) -> list[Problem]:
    """Blank directions once for all rows; and directions that contradict a known measure."""
    return [*_blank_directions(rows), *(p for row in rows for p in _reversed(row))]


def _blank_directions(rows: list[Row]) -> list[Problem]:
    """One warning for all rows without a direction, naming those most likely not aligned."""
    blank = [row for row in rows if not row.has("outcome_direction")]
    if not blank:
        return []
    suspects = [row for row in blank if _counts_symptoms(row)]
    negative = sorted({row.label for row in suspects if _negative(row)})
    message = (
        f"outcome_direction is blank in {len(blank)} of {len(rows)} rows: their sign is taken as "
        "aligned (positive = better alliance, better outcome)"
    )
    hint = ""
    if suspects:
        hint = f"{len(suspects)} of them count symptoms or dropout"
    if negative:
        hint += f", and are negative, as if not aligned, in {_listed(negative)}"
    elif suspects:
        hint += f": {_listed(sorted({row.label for row in suspects}))}"
    return [blank[0].problem("MA504", message, "outcome_direction", hint)]


def _listed(studies: list[str]) -> str:
    more = f" and {len(studies) - 5} more" if len(studies) > 5 else ""
    return "; ".join(studies[:5]) + more


def _negative(row: Row) -> bool:
    return any(isinstance(row.get(c), float) and row.get(c) < 0 for c in _SIGNED)


def _counts_symptoms(row: Row) -> bool:
    if row.get("outcome_domain") in {"symptom", "dropout"}:
        return True
    measure = str(row.get("outcome_measure") or "")
    return measure in HIGHER_IS_WORSE or any(w in measure.lower() for w in _SYMPTOM_WORDS)


def _reversed(row: Row) -> list[Problem]:
    """A direction that contradicts what is known of the measure."""
    direction = row.get("outcome_direction")
    what, known, sure = known_direction(row)
    if not known or direction not in _OPPOSITE or direction != _OPPOSITE[known]:
        return []
    side = "better" if known == "higher_better" else "worse"
    message = f"a higher {what} is {side}, but outcome_direction says {direction}"
    hint = "correct it, unless the score is a change score or was reversed"
    code = "MA514" if sure else "MA537"
    return [row.problem(code, message, "outcome_direction", hint)]


def known_direction(row: Row) -> tuple[str, str, bool]:
    """What a row measures, the direction in which that is better, and whether that is sure.

    The measure decides; else the event; else what it belongs to, where a symptom scale that
    is not known may have been reversed.
    """
    measure, domain = str(row.get("outcome_measure") or ""), str(row.get("outcome_domain") or "")
    if measure in HIGHER_IS_BETTER | HIGHER_IS_WORSE:
        better = measure in HIGHER_IS_BETTER
        return measure, "higher_better" if better else "lower_better", True
    if _IMPROVED.search(measure):
        return "", "", False
    for text in (measure.lower(), domain):
        if any(word in text for word in ("dropout", "drop-out", "drop out", "attrition")):
            return measure or domain, "lower_better", True
        if any(word in text for word in ("retention", "completion", "adherence", "satisfaction")):
            return measure or domain, "higher_better", True
    if domain == "symptom":
        return measure or domain, "lower_better", False
    return "", "", False


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
