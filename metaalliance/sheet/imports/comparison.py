"""Two groups as columns of the coding sheet: what RevMan, metapsy and CMA compare."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from metaalliance.errors import OptionError
from metaalliance.sheet.columns.vocabularies import (
    OUTCOME_MEASURE,
    VOCABULARIES,
    key_of,
)
from metaalliance.sheet.imports.entries import Asked, Cell, Entry, Found

MEANS = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")
EVENTS = ("events1", "total1", "events2", "total2")
#: What stands in `outcome_direction` until a person has decided; no sheet with it is pooled.
DECIDE = "decide"
CHANGE = "change scores"

#: What such numbers are.
MEANING = (
    "These are comparisons of two groups, not correlations of alliance with outcome. Pooled, each "
    "becomes the correlation of belonging to group 1 with the outcome: an effect of treatment on "
    "the scale of r. It is an alliance effect only where the groups differ in alliance."
)

Parts = Mapping[str, Cell | None]


def number(cell: Cell | None) -> float | None:
    """The number in a cell, or None."""
    value = cell.value if cell is not None else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def means(parts: Parts) -> tuple[Entry, str]:
    """Means, SDs and sizes as they stand, and why they give no effect ("" where they do)."""
    entry = {name: cell for name in MEANS if (cell := parts.get(name)) is not None}
    missing = [name for name in MEANS if name not in entry]
    if missing:
        return entry, f"{', '.join(missing)} not reported"
    if not all(number(entry[name]) for name in ("n1", "n2")):
        return entry, "a group without participants"
    if not any(number(entry[name]) for name in ("sd1", "sd2")):
        return entry, "no spread in either group: not estimable"
    return entry, ""


def events(parts: Parts) -> tuple[Entry, str]:
    """Events and totals as they stand, and why they give no effect ("" where they do)."""
    entry = {name: cell for name in EVENTS if (cell := parts.get(name)) is not None}
    counts = [number(entry.get(name)) for name in EVENTS]
    missing = [name for name, n in zip(EVENTS, counts, strict=True) if n is None]
    if missing:
        return entry, f"{', '.join(missing)} not reported"
    events1, total1, events2, total2 = (n for n in counts if n is not None)
    if not total1 or not total2:
        return entry, "a group without participants"
    if not events1 + events2:
        return entry, "no events in either group: not estimable"
    return entry, "events in everybody: not estimable" * (events1 + events2 == total1 + total2)


def exclude(entry: Entry, reason: str) -> None:
    """Keep a row that gives no effect, with its reason."""
    entry["include"] = Cell("no", how=reason)
    entry["exclusion_reason"] = Cell(reason, how="why the row gives no effect")


def set_directions(found: Found, asked: Asked) -> None:
    """Enter the direction of each outcome where it is certain, and ask for the others.

    What the command was told comes first. Effects whose signs a coder has chosen keep them;
    scores of two groups, and whatever a house has that knows scores only, need a direction.

    Raises
    ------
    OptionError
        When the command was told of an outcome that the file does not have.
    """
    _doubt_signs(found)
    _tell(found, asked)
    signed = []
    groups: dict[tuple[str, str], list[int]] = {}
    for index, entry in enumerate(found.entries):
        if "outcome_direction" in entry or _is_excluded(entry):
            continue
        if found.scores or entry.keys() & {"mean1", "events1"}:
            groups.setdefault(_outcome(entry), []).append(index)
        else:
            signed.append(index)
    if groups:
        _set_known(found, groups)
        signed = _beside_scores(found, groups, signed)
    if signed:
        listed = ", ".join(dict.fromkeys(_outcome(found.entries[i])[0] for i in signed))
        found.ask(
            "MA551",
            "The effects keep the signs of the source; outcome_direction is blank, which means "
            f"that positive is: better alliance, better outcome{f' ({listed})' if listed else ''}.",
            "Where a lower score is better, enter lower_better.",
            column="outcome_direction",
            entries=tuple(signed),
        )


def _beside_scores(
    found: Found, groups: Mapping[tuple[str, str], list[int]], signed: list[int]
) -> list[int]:
    """Rows of chosen signs but those whose outcome has scores that are turned: these are asked."""
    turned = {
        outcome
        for (outcome, _), rows in groups.items()
        if any("outcome_direction" in found.entries[i] for i in rows)
    }
    doubt = tuple(i for i in signed if _outcome(found.entries[i])[0] in turned)
    for index in doubt:
        how = "other rows of the outcome are scores, with their direction"
        found.entries[index]["outcome_direction"] = Cell(DECIDE, how=how)
    if doubt:
        found.ask(
            "MA550",
            f"{len(doubt)} effects stand beside means of the same outcome; were their signs turned "
            "already? The cells say 'decide', an error until you have.",
            "Enter higher_better where they were, else the direction of the scale.",
            column="outcome_direction",
            entries=doubt,
        )
    return [i for i in signed if i not in doubt]


def _doubt_signs(found: Found) -> None:
    """A direction that is positive or negative may be the sign of the effect, unless it says so."""
    rows = tuple(
        i
        for i, entry in enumerate(found.entries)
        if (cell := entry.get("outcome_direction")) is not None
        and key_of(str(cell.value)) in {"positive", "negative"}
        and "outcomedirection" not in key_of(cell.place)
    )
    for index in rows:
        cell = found.entries[index]["outcome_direction"]
        how = f"{cell.value} may be the sign of the effect"
        found.entries[index]["outcome_direction"] = Cell(DECIDE, cell.place, how)
    if rows:
        found.ask(
            "MA550",
            f"{len(rows)} directions are 'positive' or 'negative': of the effect, or of the scale? "
            "The cells say 'decide', an error until you have.",
            "Enter higher_better or lower_better.",
            column="outcome_direction",
            entries=rows,
        )


def _tell(found: Found, asked: Asked) -> None:
    """Enter the directions that the command was told; by its name one wins over the source."""
    told = {key_of(name): d for name, d in asked.directions.items() if name != "*"}
    names = {key_of(n): n for entry in found.entries for n in _names(entry)}
    unknown = [n for n in asked.directions if n != "*" and key_of(n) not in names]
    if unknown:
        listed = ", ".join(map(repr, names.values())) or "none by name"
        raise OptionError(f"There is no outcome {unknown[0]!r} in the file; it has {listed}.")
    for entry in found.entries:
        named = next((told[k] for n in _names(entry) if (k := key_of(n)) in told), None)
        stated = entry.get("outcome_direction")
        direction = named or (
            asked.directions.get("*") if stated is None or stated.value == DECIDE else None
        )
        if direction is not None:
            instead = f" in place of {stated.value}" if stated is not None else ""
            how = f"as the command was told (--direction){instead}"
            entry["outcome_direction"] = Cell(direction, how=how)


def _names(entry: Entry) -> list[str]:
    """What the command can call the outcome of a row."""
    columns = ("outcome_measure", "outcome_domain", "effect")
    return [str(entry[c].value) for c in columns if c in entry]


def _is_excluded(entry: Entry) -> bool:
    cell = entry.get("include")
    return cell is not None and VOCABULARIES["include"].find(str(cell.value)) == "no"


def _set_known(found: Found, groups: Mapping[tuple[str, str], list[int]]) -> None:
    """Enter the direction of instruments whose scores are known.

    Where only some are, or several outcomes are not, signs could be mixed: these cells say
    `decide`, which no analysis accepts. A single outcome is left blank.
    """
    open_ends: dict[tuple[str, str], list[int]] = {}
    known = any("outcome_direction" in entry for entry in found.entries)
    for outcome, rows in groups.items():
        cell = _direction(outcome[0], [found.entries[i] for i in rows])
        if cell is None:
            open_ends[outcome] = rows
            continue
        known = True
        for index in rows:
            found.entries[index]["outcome_direction"] = cell
    for outcome, rows in open_ends.items():
        mixed = known or len(open_ends) > 1
        named = ", ".join(x for x in (repr(outcome[0]), outcome[1]) if x)
        state = "the cells say 'decide', an error until you have" if mixed else "left blank"
        text = f"{named} ({len(rows)} rows): is a higher score better? Not stated; {state}."
        hint = (
            "Enter higher_better or lower_better, or import again with --direction "
            '"OUTCOME=lower_better" ("*=..." for all others).'
        )
        found.ask("MA550", text, hint, column="outcome_direction", entries=tuple(rows))
        for index in rows if mixed else ():
            found.entries[index]["outcome_direction"] = Cell(DECIDE, how="not stated in the source")


def _outcome(entry: Entry) -> tuple[str, str]:
    """The outcome, and in what its numbers differ from scores, so that their sign may too."""
    kind = "computed effects" if entry.keys() & {"g", "yi"} else ""
    if "mean1" in entry and entry["mean1"].how == CHANGE:
        kind = CHANGE
    return next(iter(_names(entry)), ""), kind


def _direction(outcome: str, entries: Sequence[Entry]) -> Cell | None:
    """The direction of an outcome with its reason, or None where it is not certain."""
    level = OUTCOME_MEASURE.find(outcome) if outcome else None
    if level is None or any(_may_be_turned(e, level) for e in entries):
        return None
    side = OUTCOME_MEASURE.higher.get(level)
    if side is None:
        return None
    direction = "higher_better" if side == "better" else "lower_better"
    return Cell(direction, how=f"higher scores of {level} are {side}")


def _may_be_turned(entry: Entry, level: str) -> bool:
    """Whether the numbers may go against the scores of their instrument.

    Events can be good or bad, means below zero and computed effects may have been turned.
    """
    if "events1" in entry:
        return level != "dropout"
    if "mean1" not in entry:
        return True
    return any((number(entry.get(name)) or 0.0) < 0 for name in ("mean1", "mean2"))


def log_of(cell: Cell) -> Cell:
    """The natural logarithm of a ratio."""
    value = number(cell)
    if value is None or value <= 0:
        return cell
    return Cell(math.log(value), cell.place, f"natural logarithm of {value:g}")
