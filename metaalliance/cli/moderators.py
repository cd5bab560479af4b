"""`metaalliance moderators`: differences between levels, slopes, and meta-regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.moderators import ModeratorModels, ModeratorOptions
from metaalliance.cli.drawing.further_figures import Drawing, moderator_drawings, slug
from metaalliance.cli.frame import Shown, examined
from metaalliance.cli.request import Request
from metaalliance.cli.run import print_error, progress_line
from metaalliance.moderation.result import ModeratorTest
from metaalliance.moderation.table import ModeratorTable
from metaalliance.problems import Problem
from metaalliance.report.tables.meta_regression import (
    prediction_table,
    regression_sheets,
    regression_tables,
)
from metaalliance.report.tables.moderator_models import (
    location_scale_table,
    model_set_sheets,
    model_set_tables,
    within_between_table,
)
from metaalliance.report.tables.moderators import (
    combined_table,
    confounding_table,
    contrast_table,
    method_table,
    moderator_sheets,
    multiplicity_table,
)
from metaalliance.report.tables.table import Table, render_text
from metaalliance.wording.numbers import p_text

#: Contrasts that the terminal shows of one moderator; the workbook has all.
SHOWN = 12


def run_moderators(request: Request, options: ModeratorOptions, *, figures: bool) -> int:
    """Run the command."""
    names = figure_names(options) if figures else None
    return examined(
        "moderators",
        request,
        options,
        _shown,
        figures=names,
        refused="Nothing was compared.",
        progress=None if request.quiet else progress_line(unit="differences bootstrapped"),
    )


def _shown(loaded: Analysis, found: ModeratorModels) -> Shown:
    return Shown(
        sheets=lambda _: moderator_workbook(found),
        lines=lambda width, notes: _printed(found, notes, width),
        drawings=_drawings(found, loaded),
    )


def figure_names(options: ModeratorOptions) -> list[str]:
    """Return the figures that could be drawn: what a column holds is not known yet."""
    kinds = ("orchard", "levels", "bubble")
    names = [f"{kind}_{slug(by)}" for by in options.moderators for kind in kinds]
    return [*names, "coefficients"] if options.regressed else names


def _drawings(found: ModeratorModels, loaded: Analysis) -> list[Drawing]:
    """The figures; forests of levels where there are levels."""
    levels = found.table is not None and any(
        isinstance(one, ModeratorTest) for one in found.table.moderators
    )
    return moderator_drawings(found, loaded.fit if levels else None)


def moderator_workbook(found: ModeratorModels) -> dict[str, Any]:
    """Return the sheets of moderators.xlsx."""
    sheets = {} if found.table is None else moderator_sheets(found.table)
    if found.regression is not None:
        sheets |= regression_sheets(found.regression, found.predicted)
    for index, one in enumerate(found.parts, start=1):
        mark = "" if len(found.parts) == 1 else f" {index}"
        sheets[f"Within and between{mark}"] = within_between_table(one)
        sheets[f"Slopes{mark}"] = one.to_frame()
    if found.spread is not None:
        sheets["Location-scale"] = location_scale_table(found.spread, found.aggregation_rho)
        sheets["Location-scale numbers"] = found.spread.to_frame()
        if found.spread_predicted is not None:
            sheets["Location-scale predictions"] = found.spread_predicted
    if found.models is not None:
        sheets |= model_set_sheets(found.models)
    return sheets


def _printed(found: ModeratorModels, notes: Sequence[Problem], width: int) -> list[str]:
    """Tables; notices go to stderr."""
    lines = [] if found.table is None else _lines(found.table, width)
    for table in _model_tables(found):
        lines += [*([""] if lines else []), render_text(table, width)]
    for problem in (*found.notices, *notes):
        print_error(problem.text)
    return lines


def _model_tables(found: ModeratorModels) -> list[Table]:
    """Tables of every model beside those of single moderators."""
    tables = []
    if found.regression is not None:
        tables += regression_tables(found.regression, found.predicted)
    tables += [within_between_table(one) for one in found.parts]
    if found.spread is not None:
        tables.append(location_scale_table(found.spread, found.aggregation_rho))
        if found.spread_predicted is not None:
            of, at = found.spread, found.spread_predicted
            tables.append(prediction_table(of, of.designs.variables, at))
    if found.models is not None:
        tables += model_set_tables(found.models)
    return tables


def _lines(found: ModeratorTable, width: int) -> list[str]:
    """Every table of the moderators that were tested one at a time."""
    lines = [render_text(combined_table(found), width)]
    if len(found.moderators) > 1:
        lines += ["", render_text(multiplicity_table(found), width)]
    for one in found.moderators:
        if not isinstance(one, ModeratorTest):
            continue
        lines += _moderator_lines(one, width)
    for pair in found.confounding:
        if pair.strong:
            lines += ["", render_text(confounding_table(pair), width)]
    return lines


def _moderator_lines(one: ModeratorTest, width: int) -> list[str]:
    lines = []
    if one.tau2_test is not None:
        text = next(t for t in one.summary().splitlines() if t.startswith("Equal tau²"))
        lines += ["", f"{one.name}. {text}"]
    if 0 < len(one.contrasts) <= SHOWN:
        lines += ["", render_text(contrast_table(one), width)]
    elif len(one.contrasts):
        low = float(one.contrasts["p_adjusted"].min())
        lines += [
            "",
            f"{one.name}: {len(one.contrasts)} differences between levels are in the workbook "
            f"(smallest adjusted p {p_text(low)}).",
        ]
    tests = method_table(one)
    if tests is not None:
        lines += ["", render_text(tests, width)]
    return lines
