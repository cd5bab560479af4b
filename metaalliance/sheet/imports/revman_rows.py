"""Rows of data of RevMan, whichever of its files they come from, as rows of the coding sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from metaalliance.sheet.imports.comparison import (
    EVENTS,
    MEANING,
    MEANS,
    events,
    exclude,
    log_of,
    means,
    number,
)
from metaalliance.sheet.imports.entries import Cell, Entry, Found

Kind = Literal["dichotomous", "continuous", "contrast", "O-E"]

#: Effect measures of contrasts from which a correlation follows, or that are ratios.
_ODDS = frozenset({"OR", "PETO_OR", "ODDSRATIO", "PETOODDSRATIO"})
_RATIOS = frozenset({*_ODDS, "RR", "HR", "RISKRATIO", "HAZARDRATIO", "RATERATIO"})
_SMD = frozenset({"SMD", "STDMEANDIFFERENCE", "STANDARDIZEDMEANDIFFERENCE",
                  "STANDARDISEDMEANDIFFERENCE"})  # fmt: skip
_NUMBERS = frozenset({*MEANS, *EVENTS, "yi", "log_odds_ratio", "se", "sei"})


@dataclass(slots=True, kw_only=True)
class RevManRow:
    """One row of data of an analysis.

    Attributes
    ----------
    study, year, outcome, comparison, subgroup : Cell or None
        What it is about.
    effect : str
        Numbers of comparison, outcome and subgroup: "1.2.1".
    kind : str
        What `parts` hold.
    measure : str
        Effect measure of the analysis, as the file names it; "" where it does not.
    parts : dict of str to Cell
        The numbers.
    estimable : bool
        Whether RevMan computes an effect from them.
    logged : bool
        Whether the estimate of a ratio is on the log scale already.
    own : dict of str to Cell
        What else the file says.
    """

    study: Cell | None
    year: Cell | None = None
    outcome: Cell | None = None
    comparison: Cell | None = None
    subgroup: Cell | None = None
    effect: str = ""
    kind: Kind
    measure: str = ""
    parts: dict[str, Cell] = field(default_factory=dict)
    estimable: bool = True
    logged: bool = True
    own: dict[str, Cell] = field(default_factory=dict)


def found_in(rows: Sequence[RevManRow]) -> Found:
    """Make the rows of the coding sheet, with what has to be decided about them."""
    found = Found(meaning=MEANING, scores=True)
    found.entries = [_entry(row) for row in rows]
    _ask_scales(found, rows)
    _exclude_repeats(found)
    return found


def _entry(row: RevManRow) -> Entry:
    """One row of the coding sheet."""
    named = {
        "study": row.study,
        "year": row.year,
        "outcome_measure": row.outcome,
        "comparison": row.comparison,
        "RevMan subgroup": row.subgroup,
    }
    entry = {name: cell for name, cell in named.items() if cell is not None}
    if row.effect:
        entry["effect"] = Cell(row.effect, how="numbers of comparison, outcome and subgroup")
    if row.kind == "dichotomous":
        numbers, reason = events(row.parts)
    elif row.kind == "continuous":
        numbers, reason = means(row.parts)
    else:
        numbers, reason = _contrast(row)
    entry |= numbers | row.own
    if not row.estimable and not reason:
        reason = "RevMan marks it as not estimable"
    if reason:
        exclude(entry, reason)
    return entry


def _contrast(row: RevManRow) -> tuple[Entry, str]:
    """An estimate with its standard error on a scale that has a correlation, or why not."""
    if row.kind == "O-E":
        kept = {f"RevMan {name}": cell for name, cell in row.parts.items()}
        return kept, "observed less expected events: no correlation follows from them"
    estimate, se = row.parts.get("estimate"), row.parts.get("se")
    if estimate is None or se is None or not number(se):
        return {}, "no estimate with a standard error"
    measure = _folded(row.measure)
    if measure in _RATIOS and not row.logged:
        estimate = log_of(estimate)
    if measure in _ODDS:
        return {"log_odds_ratio": estimate, "se": se}, ""
    if measure and measure not in _SMD:
        kept = {"RevMan estimate": estimate, "RevMan SE": se}
        return kept, f"{row.measure}: no correlation follows from it without more numbers"
    return {"yi": estimate, "sei": se}, ""


def _folded(measure: str) -> str:
    return measure.upper().replace(" ", "").replace(".", "")


def _ask_scales(found: Found, rows: Sequence[RevManRow]) -> None:
    """Ask for the scale of estimates that the file does not name."""
    unknown = [i for i, e in enumerate(found.entries) if "yi" in e and "yi_measure" not in e]
    if unknown:
        measures = sorted({rows[i].measure for i in unknown} - {""})
        seen = f" ({', '.join(measures)})" if measures else ""
        found.ask(
            "MA552",
            f"{len(unknown)} estimates{seen} stand on a scale that the file does not name.",
            "Enter d, g or log_or in yi_measure.",
            column="yi_measure",
            entries=tuple(unknown),
        )


def _exclude_repeats(found: Found) -> None:
    """Count numbers once that a study has in several analyses or subgroups."""
    first: dict[tuple[object, ...], int] = {}
    repeated = []
    for index, entry in enumerate(found.entries):
        numbers = sorted((k, str(c.value)) for k, c in entry.items() if k in _NUMBERS)
        study = str(entry["study"].value) if "study" in entry else ""
        kept = first.setdefault((study, *numbers), index) if "include" not in entry else index
        if kept != index:
            known = found.entries[kept].get("effect")
            exclude(entry, f"the numbers of analysis {known.value if known else '?'} again")
            repeated.append(index)
    if repeated:
        found.ask(
            "MA553",
            f"{len(repeated)} rows repeat the numbers of another row of their study, in "
            "another analysis or subgroup; they have include = no.",
            "Enter yes where they are another outcome, or where you pool that analysis instead.",
            column="include",
            entries=tuple(repeated),
        )
