"""How the coders agreed, from what `agree` found before they settled their conflicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from metaalliance.report.manuscript.document import Section
from metaalliance.report.manuscript.phrases import effects, in_words
from metaalliance.report.manuscript.prose import prose
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.numbers import limits
from metaalliance.wording.phrases import capital, count_text, typographic

_TITLE = "Agreement of coders"


def agreement_section(found: Mapping[str, Any] | None) -> Section:
    """Return the sentence and the table of agreement; empty where nothing was given."""
    if found is None:
        return Section(key="agreement", title=_TITLE)
    coders, matched = len(found["coders"]), int(found["matching"]["matched"])
    conflicts = len(found["conflicts"])
    text = prose(
        "{coders} coders extracted the studies independently of each other. {matched} {were} "
        "coded by all; {table:agreement} shows how far the coders agreed before their {conflicts} "
        "settled by discussion.",
        coders=capital(in_words(coders)),
        matched=effects(matched),
        were="was" if matched == 1 else "were",
        conflicts=count_text(conflicts, "conflict was", "conflicts were"),
    )
    return Section(key="agreement", title=_TITLE, methods=(text, agreement_table(found)))


def agreement_table(found: Mapping[str, Any]) -> Table:
    """Return one row for each variable: exact agreement and a coefficient."""
    level = found.get("level") or found.get("settings", {}).get("level") or 0.95
    return Table(
        name="agreement",
        title="Agreement of the Coders by Variable",
        fields=(
            Field(key="name", title="Variable"),
            Field(key="n", title="n", kind="count"),
            Field(key="exact", title="Exact %", kind="percent", digits=1),
            Field(key="coefficient", title="Coefficient"),
            Field(key="estimate", title="Value", kind="r", digits=2),
            Field(key="ci", title=f"{100 * float(level):g}% CI", kind="interval"),
        ),
        rows=tuple(_row(variable) for variable in found["variables"]),
        notes=("Exact = share of pairs with equal codes; a dash means that all codes are equal "
               "or that there are too few.",),
    )  # fmt: skip


def _row(variable: Mapping[str, Any]) -> dict[str, Any]:
    main = _main(variable)
    low, high = (main.get(name) for name in ("ci_low", "ci_high"))
    low, high = (math.nan if end is None else float(end) for end in (low, high))
    return {
        "name": str(variable["name"]).replace("_", " "),
        "n": int(variable["n"]),
        "exact": variable.get("exact"),
        "coefficient": typographic(str(main.get("name") or "–")),
        "estimate": main.get("estimate"),
        "ci": limits(low, high, 2, correlation=True),
    }


def _main(variable: Mapping[str, Any]) -> Mapping[str, Any]:
    """The coefficient that is printed: kappa of categories, the ICC of numbers."""
    coefficients = variable.get("coefficients")
    found = coefficients[0] if coefficients else variable.get("icc")
    return found if isinstance(found, Mapping) else {}
