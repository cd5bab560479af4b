"""What an unmatched row may belong to: words for a person, never a match."""

from __future__ import annotations

import difflib
import string
from collections.abc import Callable, Mapping, Sequence

from metaalliance.coding.values import coded_value
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.study import label_key

CUTOFF = 0.75


def near_label(row: Row, coder: int, by_study: Mapping[str, Sequence[Sequence[Row]]]) -> str:
    """Name the study of another coder whose label is nearly this one, or say nothing."""
    own = label_key(row.study)
    foreign = {
        label: (i, part)
        for label, parts in by_study.items()
        if not parts[coder]
        for i, part in enumerate(parts)
        if part
    }
    near = difflib.get_close_matches(own, foreign, n=1, cutoff=CUTOFF)
    if not near:
        return "no other coder has this study"
    other, rows = foreign[near[0]]
    listed = ", ".join(str(r.number) for r in rows[:5])
    return f"{string.ascii_uppercase[other]} has {rows[0].named!r} (row {listed})"


def near_labels(by_study: Mapping[str, Sequence[Sequence[Row]]]) -> list[tuple[str, str]]:
    """Return pairs of labels that are nearly alike, each the nearest of the other.

    No coder has both, so that they may be one study under two labels.
    """
    nearest: dict[str, str] = {}
    for own, parts in by_study.items():
        foreign = [
            label
            for label, others in by_study.items()
            if label != own and not any(a and b for a, b in zip(parts, others, strict=True))
        ]
        near = difflib.get_close_matches(own, foreign, n=1, cutoff=CUTOFF)
        if near:
            nearest[own] = near[0]
    return [(a, b) for a, b in nearest.items() if a < b and nearest.get(b) == a]


def near_row(
    row: Row,
    candidates: Sequence[tuple[str, Row]],
    differences: Callable[[Row, Row], list[str]],
) -> str:
    """Name the nearest unmatched row of the study in another sheet, and where it differs."""
    if not candidates:
        return "the other coders have other effects of this study"
    letter, other = min(candidates, key=lambda c: len(differences(row, c[1])))
    columns = differences(row, other)
    if not columns:
        return f"{letter}, row {other.number}, has another effect id"
    shown = "; ".join(f"{c}: {_text(row, c)} / {_text(other, c)}" for c in columns[:3]) + (
        "; ..." if len(columns) > 3 else ""
    )
    return f"{letter}, row {other.number}, differs in {shown}"


def _text(row: Row, column: str) -> str:
    value = coded_value(row, column)
    return "blank" if value is None else f"{value:g}" if isinstance(value, float) else value
