"""Power and precision as tables and as a JSON document."""

from __future__ import annotations

import math
from typing import Any

from metaalliance.models.scale import without_nan
from metaalliance.problems import SCHEMA_VERSION
from metaalliance.report.tables.table import Field, Table
from metaalliance.robustness.power_results import Power
from metaalliance.robustness.precision import Precision
from metaalliance.wording.numbers import limits

_TITLES = {
    "mean": "Power of the mean",
    "contrast": "Power of the difference between groups",
    "egger": "Power of Egger's test",
}


def power_table(found: Power) -> Table:
    """Power of each plan."""
    simulated = any(row.simulated is not None for row in found.rows)
    grouped = any(len(row.groups) > 1 for row in found.rows)
    fields = [
        Field(key="k", title="Studies", kind="count"),
        Field(key="n_effects", title="Effects", kind="count"),
        Field(key="power", title="Power", kind="r"),
        Field(key="df", title="df", kind="number", digits=1),
        Field(key="known", title="Variances known", kind="r", optional=True),
    ]
    if grouped:
        fields.insert(1, Field(key="groups", title="By group"))
    notes = []
    if simulated:
        fields += [
            Field(key="simulated", title="Simulated", kind="r"),
            Field(key="mc", title="95% CI (Monte Carlo)"),
            Field(key="failures", title="Failed", kind="count", optional=True),
        ]
        notes.append(
            f"{found.rows[0].to_dict()['replications']:,} reviews drawn, seed {found.seed}"
        )
    rows = []
    for row in found.rows:
        content = row.to_dict()
        ends = limits(content["mc_low"], content["mc_high"], correlation=True)
        groups = " + ".join(map(str, row.groups))
        rows.append({**content, "groups": groups, "mc": ends if simulated else ""})
    return Table(
        title=_TITLES[found.question],
        fields=tuple(fields),
        rows=tuple(rows),
        notes=tuple(notes),
        name="power",
    )


def precision_table(found: Precision) -> Table:
    """Half-width by number of studies."""
    kind: Any = "number" if found.r is None else "r"
    return Table(
        title="Expected half-width of the interval",
        fields=(
            Field(key="k", title="Studies", kind="count"),
            Field(key="half_width", title="±", kind=kind),
        ),
        rows=tuple({"k": k, "half_width": w} for k, w in found.around if not math.isinf(w)),
        name="precision",
    )


def power_document(found: Power | Precision, files: list[str]) -> dict[str, Any]:
    """Return the document that `power --json` prints and power.json holds."""
    document = {"schema_version": SCHEMA_VERSION, "command": "power", **found.to_dict()}
    return without_nan({**document, "problems": [], "files": files})


def power_sheets(found: Power | Precision) -> dict[str, Any]:
    """Return the sheets of power.xlsx."""
    settings = list(found.to_dict()["settings"].items())
    name = "Precision" if isinstance(found, Precision) else "Power"
    return {name: found.to_frame(), "Settings": [("setting", "value"), *settings]}
