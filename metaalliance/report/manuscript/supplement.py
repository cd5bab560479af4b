"""The supplementary workbook: every table, effect, conversion, problem and setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metaalliance.analysis.evidence import Evidence
from metaalliance.report.manuscript.document import Document
from metaalliance.report.tables.pooling import effect_frame, model_frame, problem_rows
from metaalliance.report.tables.table import Table

Sheets = dict[str, Table | pd.DataFrame | Sequence[Sequence[Any]]]


def supplement_sheets(evidence: Evidence, document: Document) -> Sheets:
    """Return the sheets: tables as they are printed, then data at full precision."""
    numbers = document.numbers()
    sheets: Sheets = {"Contents": _contents(document)}
    for table in document.tables():
        sheets[numbers[f"table:{table.name}"]] = table
    sheets |= {
        "Models": model_frame(evidence.models),
        "Effects": effect_frame(evidence.fit),
        "Ledger": evidence.coded.ledger,
        "Problems": pd.DataFrame(problem_rows(evidence.problems)),
        "Settings": _settings(document, evidence),
    }
    if evidence.studies.silenced:
        sheets["Silenced"] = pd.DataFrame(
            [{**p.to_dict(), "reason": reason} for p, reason in evidence.studies.silenced]
        )
    if evidence.studies.excluded:
        sheets["Excluded rows"] = pd.DataFrame(
            [
                {"row": row.number, "study": row.label, "reason": reason}
                for row, reason in evidence.studies.excluded
            ]
        )
    return sheets


def _contents(document: Document) -> list[list[Any]]:
    numbers = document.numbers()
    rows: list[list[Any]] = [["Sheet", "Content"]]
    rows += [[numbers[f"table:{table.name}"], table.title] for table in document.tables()]
    rows += [
        ["Models", "Every pooled model at full precision, on the analysis scale and as r"],
        ["Effects", "Every effect that was pooled, with interval, weight and moderators"],
        ["Ledger", "How each effect was computed: rule, inputs with their cells, sign, variance"],
        ["Problems", "Errors, warnings and automatic changes of the sheet, with their cells"],
        ["Settings", "Options, versions, and the checksum of the sheet"],
    ]
    return rows


def _settings(document: Document, evidence: Evidence) -> list[list[Any]]:
    settings = {**evidence.fit.settings(), **evidence.recorded}
    rows: list[list[Any]] = [["setting", "value"], *map(list, settings.items())]
    return [*rows, *map(list, document.facts)]
