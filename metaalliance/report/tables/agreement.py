"""Double coding as tables and as a JSON document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from metaalliance.analysis.coders import Coders
from metaalliance.coding.conflicts import Conflict
from metaalliance.coding.matching import Matching
from metaalliance.coding.points import CoderPooled
from metaalliance.coding.variables import (
    AgreementTable,
    CategoryAgreement,
    NumberAgreement,
    VariableAgreement,
)
from metaalliance.models.scale import without_nan
from metaalliance.problems import SCHEMA_VERSION
from metaalliance.report.tables.table import Field, Table
from metaalliance.sheet.studies import Studies
from metaalliance.wording.numbers import limits, number
from metaalliance.wording.phrases import count_text, effects_text, studies_text
from metaalliance.wording.untrusted import printable

_HOW = {
    "effect": "by effect id",
    "description": "by description",
    "key": "by the key",
    "order": "alike, in their order",
    "values": "by description and numbers, under another id",
    "label": "by description and numbers, under another label",
    "elimination": "as the last of their study",
}
FIRST_UNMATCHED, FIRST_CONFLICTS = 10, 5


def matching_lines(matching: Matching, *, every: bool = False) -> list[str]:
    """Return what was matched and what was not, as text."""
    content = matching.to_dict()
    lines = [
        f"{letter}: {_name(sheet)}, {count_text(len(sheet.rows), 'row')}, {studies_text(studies)}"
        for letter, sheet, studies in zip(
            matching.coders, matching.sheets, matching.studies, strict=True
        )
    ]
    hows = ", ".join(f"{n:,} {_HOW[how]}" for how, n in content["matched_by"].items())
    lines.append(f"{effects_text(content['matched'])} matched" + (f" ({hows})" if hows else ""))
    loose = matching.unmatched
    if loose:
        counts = ", ".join(
            f"{sum(u.coder == i for u in loose):,} of {letter}"
            for i, letter in enumerate(matching.coders)
        )
        lines.append(f"{count_text(len(loose), 'row')} not matched ({counts}):")
        shown = loose if every else loose[:FIRST_UNMATCHED]
        lines += [
            f"  {matching.coders[u.coder]}, row {u.row.number}, {printable(u.row.named)}: "
            f"{printable(u.suggestion)}"
            for u in shown
        ]
        if len(shown) < len(loose):
            lines.append(f"  (+{len(loose) - len(shown):,} more; all are in the workbook)")
    return lines


def _name(sheet: Studies) -> str:
    """File and sheet; a text file has no sheet of its own."""
    file, title = printable(sheet.file), printable(sheet.sheet)
    return file if file == title else f"{file}, sheet {title}"


def agreement_table(table: AgreementTable, *, every: bool = False) -> Table:
    """Agreement by variable.

    Parameters
    ----------
    table : AgreementTable
        The agreement.
    every : bool
        Whether variables with full agreement have a row too.
    """
    level = f"{table.level:.0%}"
    shown = [v for v in table.variables if every or v.exact < 1]
    fields = (
        Field(key="name", title="Variable"),
        Field(key="n", title="n", kind="count"),
        Field(key="exact", title="Exact %", kind="percent", digits=1),
        Field(key="within", title="Near %", kind="percent", digits=1),
        Field(key="one_blank", title="One blank", kind="count"),
        Field(key="coefficient", title="Coefficient"),
        Field(key="estimate", title="Value", kind="r"),
        Field(key="ci", title=f"{level} CI"),
        Field(key="ac1", title="AC1", kind="r", optional=True),
        Field(key="alpha", title="alpha", kind="r", optional=True),
        Field(key="largest", title="Largest", kind="number", optional=True),
    )
    return Table(
        title="Agreement",
        fields=fields,
        rows=tuple(_variable_row(v) for v in shown),
        notes=tuple(_notes(shown)),
    )


def agreed_line(table: AgreementTable) -> str:
    """Name the variables on which all coders agree everywhere; "" when there are none."""
    agreed = [v for v in table.variables if v.exact >= 1]
    names = ", ".join(f"{printable(v.name)} ({v.n:,})" for v in agreed)
    return f"Full agreement (n): {names}." if names else ""


def _notes(shown: Sequence[VariableAgreement]) -> list[str]:
    notes = []
    if any(v.unit == "study" for v in shown):
        notes.append("° counted once for each study.")
    if any(v.keyed for v in shown):
        notes.append("† rows were matched by it, so that they agree as a matter of course.")
    if any(isinstance(v, NumberAgreement) for v in shown):
        notes.append("Near: correlations within .005, counts equal, other numbers within 1%.")
    return notes


def _variable_row(variable: VariableAgreement) -> dict[str, Any]:
    marks = ("°" if variable.unit == "study" else "") + ("†" if variable.keyed else "")
    row: dict[str, Any] = {
        "name": f"{variable.name}{marks}",
        "n": variable.n,
        "exact": variable.exact,
        "one_blank": variable.one_blank,
    }
    if isinstance(variable, CategoryAgreement):
        main, ac1 = variable.coefficients
        ci = limits(main.ci_low, main.ci_high, correlation=True)
        row |= {"coefficient": main.name, "estimate": main.estimate, "ci": ci,
                "ac1": ac1.estimate, "alpha": variable.alpha.estimate}  # fmt: skip
    elif isinstance(variable, NumberAgreement):
        icc = variable.icc
        ci = limits(icc.ci_low, icc.ci_high, correlation=True)
        none = 0.0 if icc.n else None
        row |= {"within": variable.within, "coefficient": icc.name, "estimate": icc.estimate,
                "ci": ci, "largest": variable.largest.difference if variable.largest else none,
                }  # fmt: skip
    return row


def pooled_table(pooled: Sequence[CoderPooled], level: float = 0.95) -> Table:
    """The pooled correlation of each coder, over matched rows only where these are fewer."""
    sizes = {p.coder: p.n_effects for p in pooled if p.rows == "all"}
    subset = any(p.rows == "matched" and p.n_effects != sizes[p.coder] for p in pooled)
    pooled = [p for p in pooled if p.rows == "all" or subset]
    fields = (
        Field(key="coder", title="Coder"),
        Field(key="rows", title="Rows"),
        Field(key="n_studies", title="Studies", kind="count"),
        Field(key="n_effects", title="Effects", kind="count"),
        Field(key="r", title="r", kind="r"),
        Field(key="ci", title=f"{level:.0%} CI"),
        Field(key="tau", title="tau", kind="number"),
    )
    nan = math.nan
    rows = tuple(
        {
            "coder": p.coder,
            "rows": p.rows,
            "n_studies": p.n_studies or None,
            "n_effects": p.n_effects or None,
            "r": p.r,
            "ci": limits(
                nan if p.ci_low is None else p.ci_low,
                nan if p.ci_high is None else p.ci_high,
                correlation=True,
            ),
            "tau": p.tau,
        }
        for p in pooled
    )
    reasons = dict.fromkeys(f"{p.coder}: {printable(p.reason)}" for p in pooled if p.reason)
    models = dict.fromkeys(p.model for p in pooled if p.model)
    title = f"Pooled r of each coder ({', '.join(models)})" if models else "Pooled r of each coder"
    return Table(title=title, fields=fields, rows=rows, notes=tuple(reasons))


def conflict_lines(conflicts: Sequence[Conflict]) -> list[str]:
    """Return how many conflicts there are, those that move the result most, and all of labels."""
    count = len(conflicts)
    if not count:
        return ["No conflicts."]
    moving = [c for c in conflicts if c.impact and not math.isnan(c.impact)]
    unknown = sum(math.isnan(c.impact) for c in conflicts)
    lines = [
        f"{count_text(count, 'conflict')}: {len(moving):,} move the pooled r, "
        f"{unknown:,} cannot be judged alone, {count - len(moving) - unknown:,} do not enter it"
    ]
    labels = [c for c in conflicts if c.variable == "study" and c not in moving[:FIRST_CONFLICTS]]
    for c in [*moving[:FIRST_CONFLICTS], *labels]:
        values = " / ".join("blank" if v is None else _value_text(v) for v in c.values)
        what = f"{printable(c.named)}, {printable(c.variable)}: {values}"
        lines.append(f"  {c.id}  {what}{_change_text(c)}")
    return lines


def _change_text(conflict: Conflict) -> str:
    if math.isnan(conflict.impact):
        return ""
    change = number(conflict.impact, 4, correlation=True)
    return f"; r changes by {change}" if conflict.impact else "; r stays"


def _value_text(value: float | str) -> str:
    return f"{value:.10g}" if isinstance(value, float) else printable(value)


def agreement_document(
    found: Coders, settings: dict[str, Any], files: Sequence[str]
) -> dict[str, Any]:
    """Return the document that `agree --json` prints."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "command": "agree",
        "coders": [
            {"coder": c, "file": s.file, "sha256": s.sha256, "sheet": s.sheet,
             "rows": len(s.rows), "errors": len(s.errors)}
            for c, s in zip(found.matching.coders, found.matching.sheets, strict=True)
        ],
        "settings": settings,
        "matching": found.matching.to_dict(),
        "variables": [v.to_dict() for v in found.table.variables],
        "pooled": [{name: getattr(p, name) for name in p.__slots__} for p in found.pooled],
        "conflicts": [c.to_dict() for c in found.conflicts],
        "files": list(files),
    }  # fmt: skip
    return without_nan(content)
