"""`metaalliance mediation`: a path model of the correlations of a sheet."""

from __future__ import annotations

import textwrap
from pathlib import Path

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.mediation import MediationOptions, PathModelOfSheet
from metaalliance.cli.drawing.further_figures import path_drawings
from metaalliance.cli.frame import Shown, examined, settings_rows
from metaalliance.cli.request import Request
from metaalliance.errors import OptionError, UnreadableFileError
from metaalliance.report.tables.mediation import (
    cells_table,
    indirect_table,
    mediation_sheets,
    paths_table,
)
from metaalliance.report.tables.table import render_text

FIGURES = ("path_diagram",)
#: Characters of a file with a model.
MOST = 100_000


def run_mediation(request: Request, options: MediationOptions, *, figures: bool) -> int:
    """Run the command."""

    def show(loaded: Analysis, found: PathModelOfSheet) -> Shown:
        return Shown(
            sheets=lambda document: mediation_sheets(found.fit, settings_rows(document, loaded)),
            lines=lambda width, notes: [*_lines(found, width), *(
                textwrap.fill(p.text, width) for p in (*found.fit.told, *notes))],
            drawings=path_drawings(found.fit),
        )  # fmt: skip

    return examined(
        "mediation",
        request,
        options,
        show,
        figures=FIGURES if figures else None,
        refused="Nothing was fitted.",
    )


def _lines(found: PathModelOfSheet, width: int) -> list[str]:
    fit = found.fit
    head = [textwrap.fill(line, width) for line in fit.head()]
    lines = [*head, "", render_text(paths_table(fit), width), ""]
    if len(fit.indirect):
        lines += [render_text(indirect_table(fit), width), ""]
    lines += [render_text(cells_table(fit), width), ""]
    if found.not_taken:
        listed = ", ".join(found.not_taken)
        lines.append(textwrap.fill(f"Not taken by a path model: {listed}.", width))
    return lines


def model_text(path: Path | None) -> str:
    """Return the model that a file holds.

    Raises
    ------
    UnreadableFileError, OptionError
        For a file that is not there, is no text, or is too long.
    """
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise UnreadableFileError(f"{path} cannot be read: {why}.") from None
    if len(text) > MOST or not text.strip():
        raise OptionError(f"{path} is {'empty' if not text.strip() else 'too long'}; it holds a "
                          "path model.")  # fmt: skip
    return text
