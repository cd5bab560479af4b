"""Tables and workbook of a multivariate model of components."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.analysis.components import ComponentResults
from metaalliance.moderation.components.result import Multivariate
from metaalliance.moderation.frames import records
from metaalliance.moderation.result import wald_text
from metaalliance.report.tables.meta_regression import variable_notes
from metaalliance.report.tables.pooling import problem_rows
from metaalliance.report.tables.table import Field, Table, effect_field, with_limits
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import level_text


def component_table(found: Multivariate) -> Table:
    """Mean, intervals and variance of each component."""
    is_r = found.measure != "generic"
    rows = [
        with_limits({**row, "tau": math.sqrt(row["tau2"])}, correlation=is_r)
        for row in records(found.to_frame("r" if is_r else "analysis"))
    ]
    omnibus, level = found.omnibus, level_text(found.level)
    known = not math.isnan(omnibus["statistic"])
    equal = wald_text(omnibus) if known else omnibus["reason"]
    notes = [f"{found.model_text}.", f"Test of equal means: {equal}.", f"{found.rank_text}"]
    if found.design.variables:
        held = ", ".join(
            f"{v.name} = {v.levels[0] if v.levels else number(v.centre, 2)}"
            for v in found.design.variables
        )
        notes.append(f"Means at {held}.")
    inside = (Field(key="tau2_within", title="tau² within", kind="number", digits=4),)
    return Table(
        title=f"Components of {found.by}",
        fields=(
            Field(key="level", title="Component"),
            Field(key="n_studies", title="Studies", kind="count"),
            Field(key="n_effects", title="Effects", kind="count", optional=True),
            effect_field(is_r=is_r),
            Field(key="ci", title=f"{level} CI", kind="interval"),
            Field(key="pi", title=f"{level} PI", kind="interval", optional=True),
            Field(key="df", title="df", kind="number", digits=1, optional=True),
            Field(key="p_value", title="p", kind="p"),
            Field(key="tau", title="tau", kind="number"),
            *(inside if "tau2_within" in found.means else ()),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        name="components",
        wide=True,
    )


def component_contrast_table(found: Multivariate) -> Table:
    """Differences between components on the analysis scale, p-values adjusted by Holm."""
    scale = "Fisher z" if found.measure == "z" else "the analysis scale"
    return Table(
        title=f"{found.by}: differences between components",
        fields=(
            Field(key="level_a", title="Component"),
            Field(key="level_b", title="less"),
            Field(key="estimate", title="Difference", kind="number"),
            Field(key="ci", title=f"{level_text(found.level)} CI", kind="interval"),
            Field(key="df", title="df", kind="number", digits=1, optional=True),
            Field(key="p_value", title="p", kind="p"),
            Field(key="p_adjusted", title="p (Holm)", kind="p"),
        ),
        rows=tuple(with_limits(row) for row in records(found.contrasts())),
        notes=(f"Differences of {scale}.",),
        name="component-contrasts",
    )


def component_slope_table(found: Multivariate) -> Table | None:
    """Coefficients of moderators in each component; None without any."""
    if len(found.design.terms) == 1:
        return None
    equal = [
        f"{row['term']} is equal in all components: "
        f"{row['reason'] if math.isnan(row['statistic']) else wald_text(row)}."
        for row in records(found.equal_slopes)
    ]
    return Table(
        title="Moderators of the components",
        fields=(
            Field(key="term", title="Term"),
            Field(key="level", title="Component"),
            Field(key="estimate", title="b", kind="number"),
            Field(key="ci", title=f"{level_text(found.level)} CI", kind="interval"),
            Field(key="df", title="df", kind="number", digits=1, optional=True),
            Field(key="p_value", title="p", kind="p"),
        ),
        rows=tuple(with_limits(row) for row in records(found.slopes)),
        notes=(*variable_notes(found.design.variables), *equal),
        name="component-slopes",
    )


def correlation_table(found: Multivariate) -> Table:
    """Tau of each component, and correlations of true effects between studies."""
    R = found.correlations.to_numpy()
    rows = []
    for i, level in enumerate(found.levels):
        cells = {f"r{j}": R[i, j] if j < i else "" for j in range(len(found.levels) - 1)}
        rows.append({"level": level, "tau": math.sqrt(float(found.G[i, i])), **cells})
    return Table(
        title="True effects between studies",
        fields=(
            Field(key="level", title="Component"),
            Field(key="tau", title="tau", kind="number"),
            *(
                Field(key=f"r{j}", title=level, kind="r", digits=2)
                for j, level in enumerate(found.levels[:-1])
            ),
        ),
        rows=tuple(rows),
        notes=(
            "Below tau's column: correlations of true effects; – beside a variance of zero, "
            "and where no study has both components.",
        ),
        name="component-correlations",
    )


def ladder_table(ladder: pd.DataFrame) -> Table:
    """The structures, each against the simpler ones below it."""
    rows = records(ladder)
    for row in rows:
        row["against"] = row["against"] if isinstance(row["against"], str) else ""
        for name in ("statistic", "df", "p_value"):
            empty = row[name] is None or math.isnan(row[name])
            row[name] = "" if empty and not row["against"] else row[name]
    return Table(
        title="Ladder of structures",
        fields=(
            Field(key="structure", title="Structure"),
            Field(key="parameters", title="Parameters", kind="count"),
            Field(key="log_likelihood", title="log-likelihood", kind="number", digits=2),
            Field(key="AIC", title="AIC", kind="number", digits=1, optional=True),
            Field(key="against", title="against"),
            Field(key="statistic", title="χ²", kind="number", digits=2),
            Field(key="df", title="df", kind="number", digits=0),
            Field(key="p_value", title="p", kind="p"),
            Field(key="reason", title="Note", optional=True),
        ),
        rows=tuple(rows),
        notes=(
            "The same effects and fixed effects in every row; none: no variance between studies.",
        ),
        name="ladder",
        wide=True,
    )


def component_tables(found: ComponentResults) -> list[Table]:
    """Every table of the command, in its order."""
    slopes = component_slope_table(found.model)
    return [
        component_table(found.model),
        component_contrast_table(found.model),
        *([] if slopes is None else [slopes]),
        correlation_table(found.model),
        ladder_table(found.ladder),
    ]


def component_sheets(
    found: ComponentResults, settings: Sequence[tuple[str, Any]]
) -> dict[str, Any]:
    """The sheets of components.xlsx, at full precision."""
    model = found.model
    levels = list(model.levels)
    sheets: dict[str, Any] = {
        "Components": component_table(model),
        "Numbers": model.means,
        "Contrasts": model.contrasts(),
        "G": pd.DataFrame(np.asarray(model.G), columns=levels).assign(component=levels),
        "Correlations": model.correlations.assign(component=levels),
        "Ladder": found.ladder,
    }
    if model.measure != "generic":
        sheets["Numbers as r"] = model.to_frame("r")
    if len(model.design.terms) > 1:
        sheets |= {"Slopes": model.slopes, "Equal slopes": model.equal_slopes}
    sheets["Problems"] = pd.DataFrame(problem_rows(found.notices))
    sheets["Settings"] = [("setting", "value"), *settings]
    return sheets
