"""Effects whose sign stands alone against the others: perhaps one was reversed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.statistics import Choice

#: Effects that are needed before one can stand alone, in a study and in the sheet.
_IN_STUDY, _IN_SHEET = 3, 5
#: Correlations nearer to 0 have no sign to speak of.
_NEAR_ZERO = 0.1
#: Sampling error alone turns the sign of a weaker effect.
_BEYOND = 1.96


def sign_suspects(rows: Sequence[Row], choices: Mapping[int, Choice]) -> list[Problem]:
    """Warn of an aligned effect whose sign stands alone in its study, or in the sheet.

    It must differ from 0 by more than sampling error; effects near 0 do not count.
    """
    aligned = [(row, *_aligned(row, choices[row.number])) for row in rows if row.number in choices]
    marked = [(row, r, z) for row, r, z in aligned if abs(r) >= _NEAR_ZERO]
    studies: dict[str, list[tuple[Row, float, float]]] = defaultdict(list)
    for entry in marked:
        studies[entry[0].study].append(entry)
    found: dict[int, Problem] = {}
    for entries in studies.values():
        found |= _alone(entries, _IN_STUDY, "effects of the study")
    for number, problem in _alone(marked, _IN_SHEET, "effects of the sheet").items():
        found.setdefault(number, problem)
    return list(found.values())


def _aligned(row: Row, choice: Choice) -> tuple[float, float]:
    """Correlation as it is pooled, and its distance from 0 in standard errors."""
    converted = choice.convert(row.flip)
    sign = -1 if not choice.rule.signed and row.get("sign") == "-" else 1
    r = row.flip * sign * converted.r
    return r, math.atanh(r) / math.sqrt(converted.z_variance) if abs(r) < 1 else 0.0


def _alone(entries: list[tuple[Row, float, float]], least: int, what: str) -> dict[int, Problem]:
    """The one effect whose sign no other has."""
    for sign in (-1, 1):
        own = [(row, r, z) for row, r, z in entries if r * sign > 0]
        if len(entries) >= least and len(own) == 1 and abs(own[0][2]) >= _BEYOND:
            row, r, _ = own[0]
            side, other = ("positive", "negative") if r > 0 else ("negative", "positive")
            message = (
                (
                    f"the aligned r of {r:.2f} is the only {side} one: the other "
                    f"{len(entries) - 1} {what} beyond ±.1 are {other}"
                )
                .replace("-0.", "−.")
                .replace("0.", ".")
            )
            column = "outcome_direction" if row.has("outcome_direction") else "study"
            return {row.number: row.problem("MA517", message, column)}
    return {}
