"""The record of a run with what is needed to find out later what has changed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from metaalliance.analysis.cells import (
    Coding,
    changed_cells,
    coding_of,
    exact_coding_of,
    packed,
    unpacked,
)
from metaalliance.analysis.documents import digest, run_record
from metaalliance.analysis.rules import RULES_VERSION
from metaalliance.effects.effects import Effects
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.sheet.studies import Studies

#: Rows of a sheet of which a record holds each, with what it said.
MOST_MARKED = 50_000
#: Length of the fingerprint of a row.
_LENGTH = 16
#: Where a record has the number of rows of which it does not hold each.
UNMARKED = "rows_not_recorded"
#: Relative difference above which a number counts as moved: platforms differ by less.
TOLERANCE = 1e-8
#: Parts of a result that are words about it, and no numbers of it.
_WORDS = frozenset({"settings", "notices"})
#: Lists by study, effect, subset or specification.
_LONG = frozenset({"omitted", "effects", "studies", "units", "subsets", "specifications"})


def asked_of(model: Model, policy: Policy) -> dict[str, Any]:
    """Return the whole analysis that was asked for, and the version of the rules it follows."""
    return {
        "analysis": {"model": model.to_record(), "policy": policy.to_record()},
        "rules": RULES_VERSION,
    }


def asked_in(record: Mapping[str, Any]) -> tuple[Model, Policy]:
    """Return the whole analysis that a record asks for.

    Raises
    ------
    OptionError
        When a setting or a value of it does not exist in this version.
    """
    if "analysis" in record:
        stored = {**record["analysis"]["policy"], **record["analysis"]["model"]}
    elif "request" in record:
        stored = record["request"]["settings"]
    else:  # pool of 0.1 has what was used in place of what was asked for
        stored = dict(record["settings"])
        if stored.get("aggregation_rho") is not None:
            stored["rho"] = stored["aggregation_rho"]
        elif stored.get("model") != "che":
            stored.pop("rho", None)
    return Model.read(stored), Policy.read(stored)


def record_of(
    document: dict[str, Any],
    results: Sequence[str],
    asked: Mapping[str, Any],
    studies: Studies,
    coded: Effects,
    *,
    files: Mapping[str, str],
    options: Mapping[str, Any],
    further: Mapping[str, Any] | None = None,
    numbers: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the sealed record of a run.

    Parameters
    ----------
    document : dict
        The document of the command.
    results : sequence of str
        Parts of it that are results.
    asked : mapping
        From `asked_of`.
    studies, coded : Studies and Effects
        The sheet, and one effect per used row.
    files : mapping of str to str
        SHA-256 of each file beside the record.
    options : mapping
        Those of the command alone.
    further : mapping, optional
        What else the record of a command holds.
    numbers : mapping, optional
        What its numbers are taken from, where these are not all of the results.
    """
    settings = {**asked["analysis"]["policy"], **asked["analysis"]["model"]}
    record = {
        **run_record(document, dict(files), results),
        **asked,
        "request": plain({"settings": settings, "options": dict(options)}),
        **(further or {}),
    }
    shown = recorded_parts(document, results) if numbers is None else numbers
    return sealed(record, studies, coded, shown)


def recorded_parts(document: dict[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Return the results whose numbers a record holds, without lists of every study or effect.

    Those lists stand in the document, and in the digest of the record.
    """
    short: dict[str, Any] = _shortened({key: document[key] for key in results})
    return short


def _shortened(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _shortened(v) for key, v in content.items() if key not in _LONG}
    return [_shortened(v) for v in content] if isinstance(content, list) else content


def plain(content: Any) -> Any:
    """Tuples as lists, as JSON gives them back."""
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    return [plain(v) for v in content] if isinstance(content, list | tuple) else content


def sealed(
    record: Mapping[str, Any],
    studies: Studies,
    coded: Effects,
    results: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a record with its rows and what they said, its numbers, and a seal over all of it.

    Parameters
    ----------
    record : mapping
        From `run_record`.
    studies : Studies
        The sheet.
    coded : Effects
        One effect per used row, with `row` in its frame.
    results : mapping
        Parts of the results document.
    """
    whole = {**record, **_marked(studies, coded), "numbers": dict(numbers_of(results))}
    return {**whole, "seal": digest(whole)}


def _marked(studies: Studies, coded: Effects) -> dict[str, Any]:
    """Rows with what they said; of a sheet of very many only their number."""
    count = len(studies.rows)
    if count > MOST_MARKED:
        return {"rows": {}, UNMARKED: count}
    coding = coding_of(studies)
    return {"rows": row_marks(coding, coded), "coding": packed(coding)}


def intact(record: Mapping[str, Any]) -> bool:
    """Whether nobody has edited a record since it was written."""
    return record.get("seal") == digest({k: v for k, v in record.items() if k != "seal"})


def row_marks(coding: Coding, coded: Effects) -> dict[str, str]:
    """Return by row: a fingerprint of its cells, then effect and variance where it is used.

    The fingerprint is of what the cells say, not of where the row stands, so that rows that
    only moved can be recognised.

    Parameters
    ----------
    coding : mapping
        What the cells say, from `coding_of`, or `exact_coding_of` for records of earlier versions.
    coded : Effects
        One effect per used row.
    """
    frame = coded.frame
    values = {
        str(int(row)): f" {float(yi)!r} {float(vi)!r}"
        for row, yi, vi in zip(frame["row"], frame["yi"], frame["vi"], strict=True)
    }
    return {row: digest(seen)[:_LENGTH] + values.get(row, "") for row, seen in coding.items()}


def numbers_of(content: Any, path: str = "") -> Iterator[tuple[str, float | None]]:
    """Every number of a JSON document with its path, such as ``models.0.pooled.estimate``."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key not in _WORDS:
                yield from numbers_of(value, f"{path}.{key}" if path else str(key))
    elif isinstance(content, Sequence) and not isinstance(content, str):
        for index, value in enumerate(content):
            yield from numbers_of(value, f"{path}.{index}")
    elif content is None or (isinstance(content, int | float) and not isinstance(content, bool)):
        yield path, content


def moved_numbers(
    recorded: Mapping[str, float | None], now: Mapping[str, float | None]
) -> list[dict[str, Any]]:
    """Return the numbers that differ, those of the main result first, then by relative change."""
    moved: list[dict[str, Any]] = []
    for path in {**recorded, **now}:
        before, after = recorded.get(path), now.get(path)
        if not _equal(before, after):
            moved.append({"number": path, "recorded": before, "now": after})
    return sorted(moved, key=lambda m: (_rank(m["number"]), -_change(m["recorded"], m["now"])))


def _equal(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is after
    return math.isclose(before, after, rel_tol=TOLERANCE, abs_tol=TOLERANCE**1.5)


def _rank(path: str) -> int:
    order = ("pooled.", "heterogeneity.", "counts.")
    return next((i for i, start in enumerate(order) if path.startswith(start)), len(order))


def _change(before: float | None, after: float | None) -> float:
    if before is None or after is None:
        return math.inf
    return abs(after - before) / max(abs(before), TOLERANCE)


def changed_rows(
    record: Mapping[str, Any], studies: Studies, coded: Effects
) -> list[dict[str, Any]]:
    """Return the rows whose cells or effects are not as recorded.

    Rows that only moved are as recorded, and so are numbers that another program has saved with
    the digits that it keeps, and other words for a level. Each has its `row`, its `study` (blank
    where it is gone), `what` happened, the effect on the analysis scale `recorded` and `now`, and
    the `cells` that changed, where the record knows what they said.
    """
    if UNMARKED in record:
        return []
    former = unpacked(record.get("coding"))
    recorded: Mapping[str, str] = record["rows"]
    now = row_marks((exact_coding_of if former is None else coding_of)(studies), coded)
    rows = {str(row.number): row for row in studies.rows}
    cells = {
        number: changed_cells(said, rows[number], studies.scheme)
        for number, said in (former or {}).items()
        if number in rows and not _alike(recorded.get(number), now[number])
    }
    same = {n for n in {*recorded, *now} if _alike(recorded.get(n), now.get(n), cells.get(n))}
    before_left, after_left = _unmatched(recorded, now, same), _unmatched(now, recorded, same)
    found = []
    for row in sorted({*before_left, *after_left}, key=int):
        before, after = before_left.get(row), after_left.get(row)
        what = "changed" if before and after else "new" if after else "gone"
        entry = {"row": int(row), "study": rows[row].label if after else "", "what": what}
        entry |= {"recorded": _effect(before), "now": _effect(after)}
        entry |= {"cells": cells[row]} if what == "changed" and cells.get(row) else {}
        found.append(entry)
    return found


def _alike(
    before: str | None, after: str | None, cells: Sequence[Mapping[str, str]] | None = None
) -> bool:
    """Whether a row is as recorded: no cell of it changed, and neither did its effect."""
    if before is None or after is None:
        return False
    (mark, *former), (other, *effect) = before.split(), after.split()
    return (
        (mark == other or cells == [])
        and len(former) == len(effect)
        and all(map(_equal, map(float, former), map(float, effect)))
    )


def _unmatched(
    rows: Mapping[str, str], others: Mapping[str, str], same: Collection[str]
) -> dict[str, str]:
    """Rows that are not the same and have no equal elsewhere, each being used up once."""
    left = Counter(_key(mark) for row, mark in others.items() if row not in same)
    found = {}
    for row, mark in rows.items():
        if row in same:
            continue
        if left[_key(mark)] > 0:
            left[_key(mark)] -= 1
        else:
            found[row] = mark
    return found


def _key(mark: str) -> str:
    """Return a fingerprint with its effect to the digits that platforms share."""
    cells, *effect = mark.split()
    return " ".join([cells, *(f"{float(x):.7g}" for x in effect)])


def _effect(mark: str | None) -> float | None:
    parts = (mark or "").split()
    return float(parts[1]) if len(parts) > 1 else None
