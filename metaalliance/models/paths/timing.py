"""What was measured when, in sentences: correlations alone say nothing of an order in time."""

from __future__ import annotations

from collections.abc import Iterator

from metaalliance.models.paths.syntax import PathSyntax
from metaalliance.models.paths.table import CorrelationTable
from metaalliance.wording.phrases import studies_text


def times_of(table: CorrelationTable) -> dict[str, dict[str, int]]:
    """Return, by variable, in how many studies it was measured at each time that is coded."""
    found: dict[str, dict[str, set[int]]] = {v: {} for v in table.variables}
    frame = table.frame
    for side in (1, 2):
        for v, time, unit in zip(
            frame[f"var{side}"], frame[f"time{side}"], frame["unit"], strict=True
        ):
            if time is not None:
                found[v].setdefault(time, set()).add(unit)
    return {v: {time: len(units) for time, units in own.items()} for v, own in found.items()}


def timing_text(table: CorrelationTable, syntax: PathSyntax) -> Iterator[str]:
    """Yield what a reader has to know before a path is read as an order in time.

    An indirect effect is named as one of the model, never as a finding about what comes of what.
    """
    times = times_of(table)
    if not any(times.values()):
        yield (
            "The table does not say when anything was measured (columns time1 and time2): the "
            "correlations are taken as cross-sectional."
        )
    for v, own in times.items():
        if own:
            told = ", ".join(f"{time} in {studies_text(count)}" for time, count in own.items())
            yield f"{v} was measured: {told}."
        elif any(times.values()):
            yield f"When {v} was measured is not coded."
    if syntax.indirect:
        yield (
            "An indirect effect is a product of paths under the model that was written down; "
            "correlations fit models with other directions of paths as well."
        )
