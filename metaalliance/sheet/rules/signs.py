"""Signs that may be wrong: directions that restate them, effects that look reversed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev

from metaalliance.core.conversion.rule import Rule
from metaalliance.core.conversion.spread import LOG, Inputs
from metaalliance.problems import Problem
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.directions import known_direction
from metaalliance.sheet.rules.statistics import Choice

#: Effects that are needed before one can stand alone, in a study and in the sheet.
_IN_STUDY, _IN_SHEET = 3, 5
#: Correlations nearer to 0 have no sign to speak of.
_NEAR_ZERO = 0.1
#: Sampling error alone turns the sign of a weaker effect.
_BEYOND = 1.96
#: Effects that are needed to compare those that a direction turns with the others, and alone.
_IN_GROUP, _ALL_TURNED = 3, 5
#: Share of effects that have one sign where nearly all have it.
_NEARLY = 0.8
#: How far reversed effects lie from the others, in standard deviations of these.
_GAP = 2.75
#: How far the others lie from 0, so that they are not the half of effects around zero.
_OFF_ZERO = 1.75
#: Words that name the direction of a scale as well as the sign of an effect.
_EITHER = {"positive": 1, "negative": -1}
#: Share of effects whose sign such a word must have to restate it.
_RESTATED = 0.9


def sign_of(row: Row, rule: Rule, x: Inputs) -> int:
    """Return the sign that a statistic of a row has, by its value or the sign column; else 0."""
    if not rule.signed:
        return {"+": 1, "-": -1}.get(str(row.get("sign")), 0)
    if len(rule.inputs) == 1:
        none = 1 if rule.spread is not None and rule.spread.scale is LOG else 0
        value = x[rule.inputs[0]] - none
    else:
        value = rule.convert(x).r
    return (value > 0) - (value < 0)


def worded_directions(
    rows: Sequence[Row], choices: Mapping[int, Choice], header: str, *, mapped: bool
) -> list[Problem]:
    """Ask about outcome directions that say positive and negative where the effects are so.

    A header that speaks of the outcome, or a mapping, says that they are those of scales: then
    it is a warning. Where the measures are known to have these directions nothing is asked.
    """
    worded = [
        (row, word, sign_of(row, choice.rule, choice.inputs))
        for row in rows
        if (choice := choices.get(row.number)) and "outcome_direction" in row.cells
        and (word := _EITHER.get(key_of(row.cells["outcome_direction"].seen), 0))
    ]  # fmt: skip
    same = sum(word == sign for _, word, sign in worded)
    negative = [row for row, word, _ in worded if word < 0]
    if not negative or same < _RESTATED * len(worded):
        return []
    known = [(known_direction(row)[1], word) for row, word, _ in worded]
    if all(k == "lower_better" for k, word in known if word < 0) and not any(
        k == "lower_better" for k, word in known if word > 0
    ):
        return []
    message = (
        f"{header!r} says positive or negative as the sign of the effect does in {same} of "
        f"{len(worded)} rows; read as the direction of the scale it turns {len(negative)} of them"
    )
    code = "MA346" if mapped or "outcome" in key_of(header) else "MA345"
    hint = (
        "rename the column to sign if it describes the effect; if it describes the scale, enter "
        "higher_better and lower_better"
    )
    return [negative[0].problem(code, message, "outcome_direction", hint)]


def sign_suspects(rows: Sequence[Row], choices: Mapping[int, Choice]) -> list[Problem]:
    """Warn of an aligned effect whose sign stands alone in its study, or in the sheet.

    It must differ from 0 by more than sampling error; effects near 0 do not count, nor do rows
    that name both of their variables.
    """
    asked = [row for row in rows if row.number in choices and not row.names_both]
    aligned = [(row, *_aligned(row, choices[row.number])) for row in asked]
    marked = [(row, r, z) for row, r, z in aligned if abs(r) >= _NEAR_ZERO]
    studies: dict[str, list[tuple[Row, float, float]]] = defaultdict(list)
    for entry in marked:
        studies[entry[0].study].append(entry)
    found: dict[int, Problem] = {}
    for entries in studies.values():
        found |= _alone(entries, _IN_STUDY, "effects of the study")
    for number, problem in _alone(marked, _IN_SHEET, "effects of the sheet").items():
        found.setdefault(number, problem)
    return [*found.values(), *(_turned(marked) or _opposite(aligned))]


def _turned(marked: list[tuple[Row, float, float]]) -> list[Problem]:
    """Rows that their direction turns and that become nearly all opposite to the others.

    Where no others stand beside them, those that become nearly all negative.
    """
    turned, others = ([e for e in marked if e[0].flip == flip] for flip in (-1, 1))
    if len(turned) < (_IN_GROUP if len(others) >= _IN_GROUP else _ALL_TURNED):
        return []
    positive, of_others = (
        sum(r > 0 for _, r, _ in group) / max(len(group), 1) for group in (turned, others)
    )
    if len(others) < _IN_GROUP:
        opposite, beside = 1 - positive >= _NEARLY, ""
    else:
        low, high = sorted((positive, of_others))
        opposite = 1 - low >= _NEARLY <= high
        side = "positive" if of_others > positive else "negative"
        beside = f"; the {len(others)} effects that are not turned are {side}"
    if not opposite:
        return []
    row, r, _ = next(e for e in turned if (e[1] > 0) == (positive > 0.5))
    side = "positive" if r > 0 else "negative"
    message = f"{len(turned)} effects that lower_better turns become {side}{beside}"
    hint = "leave the direction blank in rows whose sign is aligned already"
    return [row.problem("MA529", message, _direction_of(row), hint)]


def _opposite(aligned: list[tuple[Row, float, float]]) -> list[Problem]:
    """Several effects whose sign few others have, and far from the others on Fisher's scale.

    The others show how far effects vary; at least by sampling error. Effects that vary around
    zero leave no gap.
    """
    known = [(row, math.atanh(r), z) for row, r, z in aligned if abs(r) < 1 and z]
    for sign in (-1, 1):
        few = [e for e in known if e[1] * sign > math.atanh(_NEAR_ZERO)]
        rest = [e for e in known if e[1] * sign <= 0]
        if len(few) < 2 or len(rest) < 3 * len(few) or len(few) + len(rest) < len(known) - 1:
            continue
        middle = fmean(z for _, z, _ in rest)
        spread = max(pstdev([z for _, z, _ in rest], middle), fmean(z / d for _, z, d in rest))
        apart = min(abs(z - middle) for _, z, _ in few)
        if abs(middle) > _OFF_ZERO * spread and apart > _GAP * spread:
            row = few[0][0]
            side, other = ("positive", "negative") if sign > 0 else ("negative", "positive")
            message = (
                f"{len(few)} of {len(known)} aligned effects are {side}, far from the others, "
                f"which are {other}"
            )
            return [row.problem("MA529", message, _direction_of(row))]
    return []


def _direction_of(row: Row) -> str:
    return "outcome_direction" if row.has("outcome_direction") else "study"


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
            return {row.number: row.problem("MA517", message, _direction_of(row))}
    return {}
