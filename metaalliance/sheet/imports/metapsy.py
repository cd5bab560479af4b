"""metapsy databases: a row for each comparison of two arms, as metapsyTools keeps them.

Names of columns stand in docs.metapsy.org and in github.com/metapsy-project/metapsyTools
(data/depressionPsyCtr.rda), where each comparison stands twice, once from either arm.
"""

from __future__ import annotations

from typing import Any

from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, key_of
from metaalliance.sheet.imports.columns import placed
from metaalliance.sheet.imports.comparison import (
    CHANGE,
    EVENTS,
    MEANING,
    MEANS,
    events,
    exclude,
    means,
    number,
)
from metaalliance.sheet.imports.entries import Asked, Cell, Entry, Found, LeftOut
from metaalliance.sheet.imports.source import Source, Table
from metaalliance.sheet.read.numbers import parse_number

#: Columns of the source for the numbers of each kind, by arm.
_MEANS = {"mean": "meanarm{}", "sd": "sdarm{}", "n": "narm{}"}
_CHANGE = {"mean": "meanchangearm{}", "sd": "sdchangearm{}", "n": "nchangearm{}"}
_EVENTS = {"events": "eventarm{}", "total": "totalnarm{}"}
_SIDES = ("conditionarm{}", "multiarm{}", *_MEANS.values(), *_CHANGE.values(), *_EVENTS.values())
#: Arms that are no treatment of interest.
_CONTROLS = frozenset({"wl", "wlc", "waitlist", "cau", "tau", "ctr", "control", "otherctr",
                       "placebo", "pla", "nt", "notreatment", "pillplacebo"})  # fmt: skip
#: What an exchange of arms moves to the other side.
_ARMS = frozenset(
    {*MEANS, *EVENTS, *(f"{k}_arm{a}" for k in ("condition", "multi") for a in (1, 2))}
)
#: Kinds of events that are good, and that are bad, by their first word.
_GOOD = ("response", "remission", "recovery", "reliable improvement", "improvement")
_BAD = ("deterioration", "dropout", "drop-out", "relapse", "reliable deterioration")


def fits(source: Source, sheet: str | None) -> bool:
    """Whether a file is a metapsy database."""
    return _table(source, sheet) is not None


def _table(source: Source, sheet: str | None) -> Table | None:
    return source.table("study", "conditionarm1", "conditionarm2", sheet=sheet)


def read(source: Source, asked: Asked) -> Found:
    """Read each comparison once, with its means, its events or its computed g."""
    table = _table(source, asked.sheet)
    found = Found(meaning=MEANING, scores=True)
    if table is None:
        return found
    lines = list(table.lines())
    mirrors = _mirrors(table, lines)
    used = {table.keys[k] for k in _used() if k in table.keys}
    others = placed(
        table,
        "metapsy",
        used,
        asked,
        aliases=False,
        taken=_TAKEN,
        without=("statistic", "companion", "direction"),
    )
    exchanged: list[int] = []
    contradicted = _contradicted(table, dict(lines), mirrors)
    for line, values in lines:
        if line in mirrors:
            study = str(values[table.keys["study"]] or "")
            place = f"{table.line(line)} (as {table.line(mirrors[line])})"
            reason = "the same comparison with its arms exchanged"
            found.left_out.append(LeftOut(place, study, reason))
            continue
        entry = _entry(table, line, values, others)
        first, second = (_is_control(values[table.keys[f"conditionarm{a}"]]) for a in (1, 2))
        if first and not second:
            exchanged.append(len(found.entries))
            entry = _exchanged(entry)
        if line in contradicted and "g" in entry:
            entry["metapsy g"] = entry.pop("g")
            found.ask(
                "MA557",
                f"{table.line(line)}: the row with its arms exchanged has a g of the same sign.",
                "Enter the effect with its sign.",
                column="g",
                entries=(len(found.entries),),
            )
        found.entries.append(entry)
    _ask(found, len(mirrors))
    if exchanged:
        found.ask(
            "MA561",
            f"{len(exchanged)} rows have a control as their first arm: their arms were exchanged, "
            "so that group 2 is the control as in the other rows; columns of the team's own are as "
            "they stood.",
            "Check that group 1 is the treatment.",
            column="condition_arm1",
            entries=tuple(exchanged),
        )
    return found


_TAKEN = ("study", "outcome_measure", "outcome_time", "outcome_rater")


def _used() -> list[str]:
    """Folded headers that are read by name."""
    sides = [side.format(arm) for side in _SIDES for arm in (1, 2)]
    return ["study", *sides, "instrument", "percentwomen", "precalcg", "precalcgse"]


def _entry(table: Table, line: int, values: list[Any], others: dict[int, str]) -> Entry:
    """One comparison."""

    def at(key: str, column: str = "value") -> Cell | None:
        return table.cell(line, values, table.keys.get(key), COLUMNS[column])

    entry: Entry = {}
    named = {
        "study": at("study", "study"),
        "outcome_measure": at("instrument", "outcome_measure"),
        "condition_arm1": at("conditionarm1", "study"),
        "multi_arm1": at("multiarm1", "study"),
        "condition_arm2": at("conditionarm2", "study"),
        "multi_arm2": at("multiarm2", "study"),
        "percent_female": _percent(at("percentwomen")),
    }
    entry |= {name: cell for name, cell in named.items() if cell is not None}
    for index, name in others.items():
        cell = table.cell(line, values, index, COLUMNS.get(name))
        if cell is not None:
            entry[name] = cell
    _levels(entry, at)
    numbers, reason = _numbers(at)
    entry |= numbers
    if "events1" in numbers and (kind := at("outcometype", "study")) is not None:
        _name_events(entry, kind)
    if reason:
        exclude(entry, reason)
    return entry | _unused(table, line, values, entry)


def _levels(entry: Entry, at: Any) -> None:
    """Time and rater of the outcome, where the source's word is a level."""
    time, rating = at("time", "outcome_time"), at("rating", "outcome_rater")
    if time is not None and VOCABULARIES["outcome_time"].find(str(time.value)):
        entry["outcome_time"] = time
    if rating is not None and str(rating.value).lower().startswith(("self", "sr")):
        entry["outcome_rater"] = Cell("client", rating.place, f"{rating.value}")


def _numbers(cell_at: Any) -> tuple[Entry, str]:
    """The statistic of a comparison: means, events, change scores, or a computed g."""

    def at(key: str) -> Cell | None:
        cell = cell_at(key)
        return cell if number(cell) is not None else None  # NA is no number

    parts = {f"{name}{arm}": at(key.format(arm)) for name, key in _MEANS.items() for arm in (1, 2)}
    if all(number(parts[name]) is not None for name in MEANS):
        return means(parts)
    counts = {f"{k}{arm}": at(v.format(arm)) for k, v in _EVENTS.items() for arm in (1, 2)}
    if all(number(counts[name]) is not None for name in EVENTS):
        return events(counts)
    change = {f"{k}{arm}": at(v.format(arm)) for k, v in _CHANGE.items() for arm in (1, 2)}
    if all(number(change[name]) is not None for name in MEANS):
        entry, reason = means(change)
        return {k: Cell(c.value, c.place, CHANGE) for k, c in entry.items()}, reason
    sizes = {n: parts[n] or change[n] or counts[f"total{n[1]}"] for n in ("n1", "n2")}
    return _computed(at, sizes)


def _computed(at: Any, sizes: dict[str, Cell | None]) -> tuple[Entry, str]:
    """A g that was computed before, with the sizes of the arms or its standard error."""
    g, se = at("precalcg"), at("precalcgse")
    if g is None:  # prepared data, of which only what metapsyTools computed is left
        g, se = at("g"), at("gse")
    if g is None:
        return {}, "neither means with SDs, nor events with totals, nor a computed g"
    known = {n: cell for n, cell in sizes.items() if cell is not None}
    if len(known) < 2 and se is not None:
        return {"g": g, "se": se}, ""
    return {"g": g, **known}, ""


def _unused(table: Table, line: int, values: list[Any], entry: Entry) -> Entry:
    """Numbers of the arms that were not needed, under their own headers."""
    places = {place for cell in entry.values() for place in cell.place.split(", ")}
    found: Entry = {}
    for key in _used()[1:]:
        index = table.keys.get(key)
        cell = table.cell(line, values, index, COLUMNS["value"])
        if index is not None and cell is not None and cell.place not in places:
            found[table.headers[index]] = cell
    return found


def _name_events(entry: Entry, kind: Cell) -> None:
    """What the events are, and their direction where they say it themselves."""
    measure = entry.get("outcome_measure")
    if measure is not None:
        name, place = f"{kind.value} ({measure.value})", f"{kind.place}, {measure.place}"
        entry["outcome_measure"] = Cell(name, place, "events, by the instrument")
    else:
        entry["outcome_measure"] = kind
    word = str(kind.value).lower()
    direction = "higher_better" if word.startswith(_GOOD) else ""
    direction = "lower_better" if word.startswith(_BAD) else direction
    if direction:
        entry["outcome_direction"] = Cell(direction, kind.place, f"events of {kind.value}")


def _percent(cell: Cell | None) -> Cell | None:
    """A proportion of women as a percentage."""
    value = number(cell)
    if cell is None or value is None or value > 1:
        return cell
    return Cell(round(100 * value, 10), cell.place, "proportion × 100")


def _mirrors(table: Table, lines: list[tuple[int, list[Any]]]) -> dict[int, int]:
    """Rows that are another row with its arms exchanged, each with the row that is kept.

    Kept is the one whose second arm is a control; else the first.
    """
    keys = table.keys
    same = [keys[k] for k in ("study", "instrument", "outcometype", "rating", "time") if k in keys]
    computed = [keys[k] for k in ("precalcg", "g") if k in keys]
    sides = [s for s in _SIDES if {s.format(1), s.format(2)} <= keys.keys()]
    open_ones: dict[tuple[Any, ...], list[int]] = {}
    mirrors: dict[int, int] = {}
    rows = dict(lines)
    for line, values in lines:
        arms = [tuple(_text(values[keys[s.format(a)]]) for s in sides) for a in (1, 2)]
        about = tuple(_text(values[i]) for i in same)
        about += tuple(_size(values[i]) for i in computed)
        waiting = open_ones.get((about, arms[1], arms[0]), [])
        if waiting:
            first = waiting.pop(0)
            kept, other = (
                (first, line) if not _better(rows[line], rows[first], keys) else (line, first)
            )
            mirrors[other] = kept
        else:
            open_ones.setdefault((about, arms[0], arms[1]), []).append(line)
    return mirrors


def _better(new: list[Any], old: list[Any], keys: dict[str, int]) -> bool:
    """Whether the second arm of a row is a control, and that of its mirror is none."""
    first, second = (_is_control(values[keys["conditionarm2"]]) for values in (new, old))
    return first and not second


def _contradicted(table: Table, rows: dict[int, list[Any]], mirrors: dict[int, int]) -> set[int]:
    """Rows whose mirror has a computed effect of the same sign."""
    computed = [table.keys[k] for k in ("precalcg", "g") if k in table.keys]
    found = set()
    for other, kept in mirrors.items():
        for index in computed:
            a, b = (parse_number(rows[line][index]).value for line in (other, kept))
            if a is not None and b is not None and a * b > 0:
                found.add(kept)
    return found


def _is_control(value: Any) -> bool:
    return key_of(_text(value)) in _CONTROLS


def _exchanged(entry: Entry) -> Entry:
    """A comparison from its other arm."""
    other = {"1": "2", "2": "1"}
    found = {}
    for name, cell in entry.items():
        how = cell.how or "arms exchanged: the control is the second"
        if name == "g" and (value := number(cell)) is not None:
            found[name] = Cell(-value, cell.place, how)
        elif name in _ARMS:
            found[name[:-1] + other[name[-1]]] = Cell(cell.value, cell.place, how)
        else:
            found[name] = cell
    return found


def _size(value: Any) -> str:
    """A computed effect without its sign, which a mirror turns."""
    size = parse_number(value).value
    return _text(value) if size is None else f"{abs(size):.6f}"


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _ask(found: Found, mirrored: int) -> None:
    """Say what was decided about arms and change scores."""
    if mirrored:
        found.ask(
            "MA554",
            f"{mirrored} rows repeat another row with its arms exchanged; each "
            "comparison is read once, with a control as its second arm where there is one.",
            "Where both arms are treatments, check which one is group 1.",
        )
    changes = tuple(
        i for i, e in enumerate(found.entries) if "mean1" in e and e["mean1"].how == CHANGE
    )
    if changes:
        found.ask(
            "MA555",
            f"{len(changes)} rows hold change scores: their SD is that of the change, "
            "and their sign depends on how the change was taken.",
            "Check the sign, or enter include = no.",
            column="mean1",
            entries=changes,
        )
    raters = tuple(
        i
        for i, e in enumerate(found.entries)
        if e.keys() & {"rating", "metapsy rating"} and "outcome_rater" not in e
    )
    if raters:
        found.ask(
            "MA556",
            f"{len(raters)} outcomes were rated by a clinician: the therapist, or an "
            "independent observer? outcome_rater is blank.",
            "Enter therapist or observer.",
            column="outcome_rater",
            entries=raters,
        )
