"""Problems as text that a coder can work through."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Sequence

from metaalliance.messages import MESSAGES
from metaalliance.problems import Problem
from metaalliance.report.tables.table import pad, text_width
from metaalliance.wording.untrusted import printable

FIRST = 10
_ORDER = {"error": 0, "warning": 1, "note": 2}


def count_line(problems: Sequence[Problem]) -> str:
    """Return "2 errors, 1 warning, 14 notes"."""
    parts = []
    for severity in ("error", "warning", "note"):
        count = sum(p.severity == severity for p in problems)
        parts.append(f"{count:,} {severity}{'' if count == 1 else 's'}")
    return ", ".join(parts)


def silenced_lines(silenced: Sequence[tuple[Problem, str]], width: int) -> list[str]:
    """Return one line per silenced rule with its reason."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for p, reason in silenced:
        counts[p.code, reason] += 1
    lines: list[str] = []
    for (code, reason), count in sorted(counts.items()):
        text = f"silenced {code} ({count}): {printable(reason)}"
        lines += textwrap.wrap(text, width, subsequent_indent="  ")
    return lines


def problem_lines(
    problems: Sequence[Problem], width: int, *, first: int | None = FIRST
) -> list[str]:
    """Return the problems grouped by code, errors first, the first few of each or each cell.

    Every line fits `width` columns; nothing of the sheet is interpreted as markup, and
    control characters are removed.
    """
    groups: dict[tuple[int, str, str], list[Problem]] = defaultdict(list)
    for p in problems:
        groups[_ORDER[p.severity], p.severity, p.code].append(p)
    lines: list[str] = []
    for (_, severity, code), group in sorted(groups.items()):
        title = MESSAGES[code].title if code in MESSAGES else group[0].message
        if lines:
            lines.append("")
        lines += textwrap.wrap(f"{severity} {code}: {title} ({len(group)})", width)
        alike = [[p] for p in group] if first is None else _alike(group)
        place = max(text_width(same[0].place) for same in alike[:first])
        for same in alike[:first]:
            lines += _problem(same[0], place, width, len(same))
        rest = 0 if first is None else sum(len(same) for same in alike[first:])
        if rest:
            lines.append(f"  (+{rest} more)")
    return lines


def _alike(group: Sequence[Problem]) -> list[list[Problem]]:
    """Put cells with the same content and message together, for one line each."""
    found: dict[tuple[object, ...], list[Problem]] = {}
    for p in group:
        same = (p.column, p.seen, p.message) if p.seen and p.column else (id(p),)
        found.setdefault(same, []).append(p)
    return list(found.values())


def _problem(p: Problem, place: int, width: int, count: int) -> list[str]:
    """One problem: its cell, its study, what stands there, what is wrong, what to do."""
    where = pad(printable(p.place), place, right=False)
    seen = f"{p.column or 'header'} = {_shorten(p.seen)!r}" if p.seen else p.column
    parts = [part for part in (_shorten(p.study), seen) if part]
    what = f"{', '.join(parts)}: {p.message}" if parts else p.message
    text = f"{what}; {p.hint}" if p.hint else what
    text += f" (and {count - 1} more cells like it)" if count > 1 else ""
    indent = " " * min(place + 4, width // 3)
    head = f"  {where}  " if place else "  "
    return textwrap.wrap(
        printable(text), max(width, 30), initial_indent=head, subsequent_indent=indent
    )


def github_lines(problems: Sequence[Problem], file: str) -> list[str]:
    """Return the problem of each cell as a workflow command, which code hosts show by the file."""
    level = {"error": "error", "warning": "warning", "note": "notice"}
    lines = []
    for p in (one for problem in problems for one in problem.each):
        text = " ".join(part for part in (p.place, p.study, p.column) if part)
        escaped = printable(f"{text}: {p.message}").replace("%", "%25")
        place = printable(file).replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
        lines.append(f"::{level[p.severity]} file={place},title={p.code}::{escaped}")
    return lines


def _shorten(text: str) -> str:
    clean = printable(text)
    return clean if len(clean) <= 40 else clean[:39] + "…"
