"""A multiverse as text, tables, a workbook and a JSON document."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from metaalliance.moderation.frames import records
from metaalliance.report.tables.table import Field, Kind, Table
from metaalliance.robustness.results import Multiverse
from metaalliance.wording.untrusted import printable

#: Reasons and failures that the terminal lists.
FIRST_REASONS = 5


def decision_table(found: Multiverse) -> Table:
    """Which decision moves the estimate and the verdict most."""
    kind: Kind = "r" if found.is_r else "number"
    name = "r" if found.is_r else "estimate"
    rows = records(found.decision_table())
    notes = [
        f"Share: of the variance of {name} over specifications (Shapley). Mean and largest move: "
        f"of {name}",
        "when only this decision is changed. Verdict share, flips: the same for significance.",
    ]
    if all(math.isnan(row["verdict_share"]) for row in rows):
        notes.append("The verdict is the same in every specification.")
    return Table(
        title="Which decision matters",
        fields=(
            Field(key="decision", title="Decision"),
            Field(key="options", title="Options", kind="count"),
            Field(key="share", title="Share %", kind="percent", digits=1),
            Field(key="mean_move", title="Mean move", kind=kind),
            Field(key="largest_move", title="Largest", kind=kind),
            Field(key="verdict_share", title="Verdict share %", kind="percent", digits=1),
            Field(key="flips", title="Flips %", kind="percent", digits=1),
            Field(key="pairs", title="Pairs", kind="count", optional=True),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        name="decisions",
    )


def option_table(found: Multiverse) -> Table:
    """What each option gives."""
    kind: Kind = "r" if found.is_r else "number"
    rows = []
    for row in records(found.option_table()):
        option = row["option"]
        shown = f"{option:g}" if isinstance(option, float) else str(option)
        rows.append({**row, "option": shown})
    return Table(
        title="Options",
        fields=(
            Field(key="decision", title="Decision"),
            Field(key="option", title="Option"),
            Field(key="specifications", title="Specifications", kind="count"),
            Field(key="mean", title="Mean", kind=kind),
            Field(key="low", title="Lowest", kind=kind),
            Field(key="high", title="Highest", kind=kind),
            Field(key="significant", title="Significant %", kind="percent", digits=1),
            Field(key="move", title="Move", kind=kind),
        ),
        rows=tuple(rows),
        notes=("Move: mean difference to the first option where nothing else differs.",),
        name="options",
    )


def failure_lines(found: Multiverse) -> list[str]:
    """Return why specifications have no result, the most frequent reason first."""
    failures = found.failures
    reasons = Counter(zip(failures["failure"], failures["code"], strict=True))
    ordered = reasons.most_common()
    lines = [
        f"{count:,} without a result: {printable(reason)} ({code})"
        for (reason, code), count in ordered[:FIRST_REASONS]
    ]
    if len(ordered) > FIRST_REASONS:
        lines.append(f"(+{len(ordered) - FIRST_REASONS:,} more reasons; all are in the workbook)")
    return lines


def multiverse_sheets(
    found: Multiverse, document: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the sheets of multiverse.xlsx, its document being written."""
    counts = document["counts"]
    summary = [
        ("quantity", "value"),
        *((k, v) for k, v in counts.items() if k != "impossible"),
        *document["verdict"].items(),
    ]
    left_out = pd.DataFrame(list(counts["impossible"].items()), columns=["rule", "combinations"])
    grid = [
        ("decision", "options"),
        *((k, ", ".join(map(str, v))) for k, v in document["settings"]["grid"].items()),
        *((f"include {k}", _filter_text(v)) for k, v in document["settings"]["filters"].items()),
        *((f"main {k}", v) for k, v in document["settings"]["main"].items()),
        *settings.items(),
    ]
    sheets: dict[str, Any] = {
        "Summary": summary,
        "Decisions": found.decision_table(),
        "Options": found.option_table(),
        "Specifications": found.to_frame(),
        "Curve": found.curve(),
        "Left out": left_out,
        "Settings": grid,
    }
    if found.counts.failed:
        sheets["Failures"] = found.failures
    return sheets


def _filter_text(kept: dict[str, Sequence[Any]]) -> str:
    return "; ".join(f"{column} in {', '.join(map(str, v))}" for column, v in kept.items())
