"""A path model as an R script of metaSEM, with its data."""

from __future__ import annotations

import re

import pandas as pd

from metaalliance.errors import OptionError
from metaalliance.models.paths.result import Masem
from metaalliance.report.scripts.r import r_string, static_text
from metaalliance.report.workbooks.spreadsheet_text import to_csv

#: Names that metaSEM and OpenMx take: no dots.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def path_files(fit: Masem) -> dict[str, str]:
    """Return the script, its data, and the results that it has to reproduce.

    Names with characters that metaSEM does not take are replaced (v1, v2, ...), and every path
    has a label.

    Raises
    ------
    OptionError
        For a table that metaSEM has no place for: several correlations of a pair of variables in
        one study, or several n.
    """
    _refuse_what_metasem_lacks(fit)
    names = {
        v: v if _PLAIN.fullmatch(v) else f"v{i + 1}" for i, v in enumerate(fit.table.variables)
    }
    labels = {p: p if _PLAIN.fullmatch(p) else f"p{a + 1}"
              for a, p in enumerate(fit.syntax.parameters)}  # fmt: skip
    columns = {s.column: s.column if _PLAIN.fullmatch(s.column) else f"moderator{i + 1}"
               for i, s in enumerate(fit.slopes)}  # fmt: skip
    text = static_text("paths.R")
    for key, value in (
        ("variables", ", ".join(r_string(n) for n in names.values())),
        ("model", r_string(_model(fit, names, labels))),
        ("moderators", _moderators(fit, names, columns)),
    ):
        text = text.replace("{{" + key + "}}", value)
    return {
        "analysis.R": text,
        "correlations.csv": to_csv(_data(fit, names, columns)),
        "expected.csv": to_csv(_expected(fit, labels, columns)),
    }


def _refuse_what_metasem_lacks(fit: Masem) -> None:
    frame = fit.table.frame
    if len(frame) > int(fit.table.cells.seen.sum()):
        raise OptionError(
            "A study has several correlations of one pair of variables; osmasem of metaSEM takes "
            "one, so that no script can repeat the model.",
            code="MA683",
        )
    if (frame.groupby("unit")["n"].nunique() > 1).any() or (
        frame.groupby("unit")["part"].nunique() > 1
    ).any():
        raise OptionError(
            "A study has several n, or several samples; metaSEM takes one n of each study, so that "
            "no script can repeat the model.",
            code="MA683",
        )


def _model(fit: Masem, names: dict[str, str], labels: dict[str, str]) -> str:
    """The model with a label for every path, and what lavaan2RAM wants to be told."""
    lines = []
    for p in fit.syntax.paths:
        value = labels[p.parameter] if p.fixed is None else repr(p.fixed)
        lines.append(f"{names[p.lhs]} {p.op} {value}*{names[p.rhs]}")
    endogenous = {p.lhs for p in fit.syntax.paths if p.op == "~"}
    lines += [f"{names[v]} ~~ 1*{names[v]}" for v in fit.table.variables if v not in endogenous]
    return "; ".join(lines)


def _moderators(fit: Masem, names: dict[str, str], columns: dict[str, str]) -> str:
    """Columns by path, as a named vector of R."""
    found = [
        f"{r_string(f'{names[p.lhs]}~{names[p.rhs]}')} = {r_string(columns[s.column])}"
        for s in fit.slopes
        for p in fit.syntax.paths
        if p.op == "~" and p.parameter == s.parameter
    ]
    return ", ".join(found)


def _data(fit: Masem, names: dict[str, str], columns: dict[str, str]) -> pd.DataFrame:
    frame = fit.table.frame
    data = frame[["study", "var1", "var2", "r", "n"]].copy()
    data["study"] = data["study"].astype(str)
    for side in ("var1", "var2"):
        data[side] = data[side].map(names)
    for s in fit.slopes:
        data[columns[s.column]] = s.values[frame["unit"].to_numpy()]
    return data


def _expected(fit: Masem, labels: dict[str, str], columns: dict[str, str]) -> pd.DataFrame:
    """Estimates under the names of metaSEM: a slope is named by its label and a number."""
    best, rows = fit.best, []
    for j, name in enumerate(fit.syntax.parameters):
        rows.append((labels[name], best[j]))
    order = {column: i + 1 for i, column in enumerate(dict.fromkeys(columns.values()))}
    for s, slope in enumerate(fit.slopes):
        name = f"{labels[slope.parameter]}_{order[columns[slope.column]]}"
        rows.append((name, best[len(labels) + s]))
    rows.append(("minus2ll", fit.minus_two_log_likelihood))
    return pd.DataFrame(rows, columns=["name", "estimate"])
