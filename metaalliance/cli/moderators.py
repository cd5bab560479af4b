"""`metaalliance moderators`: differences between levels, slopes, and meta-regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import input_record
from metaalliance.cli.drawing.further_figures import (
    Drawing,
    moderator_drawings,
    slug,
)
from metaalliance.cli.frame import Found, analysed
from metaalliance.cli.moderator_models import (
    ModeratorModels,
    ModeratorOptions,
    fit_models,
    model_options,
)
from metaalliance.cli.run import print_error
from metaalliance.moderation.meta_regression import with_r
from metaalliance.moderation.result import ModeratorTest
from metaalliance.moderation.table import ModeratorTable
from metaalliance.problems import Problem
from metaalliance.report.tables.meta_regression import regression_sheets, regression_tables
from metaalliance.report.tables.moderator_models import (
    location_scale_document,
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
    moderators_document,
    multiplicity_table,
)
from metaalliance.report.tables.table import Table, render_text

#: Parts of the document that the digest of the record covers.
RESULTS = (
    "counts", "moderators", "regression", "within_between", "location_scale", "model_set",
)  # fmt: skip
#: Contrasts that the terminal shows of one moderator; the workbook has all.
SHOWN = 12


def run_moderators(options: ModeratorOptions) -> int:
    """Run the command."""
    figures = figure_names(options)
    return analysed("moderators", options, _found, figures=figures, refused="Nothing was compared.")


def _found(loaded: Analysis, options: ModeratorOptions) -> Found:
    found = fit_models(loaded, options)
    return Found(
        document=lambda files, notes: moderator_document(loaded, options, found, files, notes),
        sheets=lambda _: moderator_workbook(found),
        lines=lambda width, notes: _printed(found, notes, width),
        results=RESULTS,
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


def moderator_document(
    loaded: Analysis,
    options: ModeratorOptions,
    found: ModeratorModels,
    files: Sequence[str] = (),
    notes: Sequence[Problem] = (),
) -> dict[str, Any]:
    """Return the document of the command."""
    parts: dict[str, Any] = {"moderators": []} if found.table is None else found.table.to_dict()
    parts.pop("notices", None)
    parts["regression"] = None
    if found.regression is not None:
        fit, predicted = found.regression, found.predicted
        rows = None if predicted is None else with_r(predicted, fit.fit)
        parts["regression"] = {**fit.to_dict(), "predictions": rows}
    parts["within_between"] = [one.to_dict() for one in found.parts]
    parts["location_scale"] = location_scale_document(found.spread, found.aggregation_rho)
    parts["model_set"] = None if found.models is None else found.models.to_dict()
    settings = {
        **model_options(loaded),
        "measure": loaded.policy.measure,
        "min_studies": options.min_studies,
        "separate_tau2": options.separate_tau2,
        "replications": options.replications,
        "seed": options.seed,
        **loaded.recorded,
    }
    effects = loaded.effects
    counts = {
        "n_studies": effects.n_studies,
        "n_effects": effects.n_effects,
        "n_participants": effects.n_participants,
    }
    problems = [p.to_dict() for p in (*loaded.studies.problems, *found.notices, *notes)]
    return moderators_document(
        input_record(loaded.studies), problems, settings, counts, parts, files
    )


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
    if found.models is not None:
        sheets |= model_set_sheets(found.models)
    return sheets


def _printed(found: ModeratorModels, notes: Sequence[Problem], width: int) -> list[str]:
    """Tables; notices go to stderr."""
    lines = [] if found.table is None else _lines(found.table, width)
    for table in _model_tables(found):
        lines += [*([""] if lines else []), render_text(table, width)]
    for problem in (*found.notices, *notes):
        print_error(f"{problem.severity}: {problem.message} ({problem.code})")
    return lines


def _model_tables(found: ModeratorModels) -> list[Table]:
    """Tables of every model beside those of single moderators."""
    tables = []
    if found.regression is not None:
        tables += regression_tables(found.regression, found.predicted)
    tables += [within_between_table(one) for one in found.parts]
    if found.spread is not None:
        tables.append(location_scale_table(found.spread, found.aggregation_rho))
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
            f"{one.name}: {len(one.contrasts)} differences between levels are in the workbook; "
            f"the smallest adjusted p is {low:.3f}.",
        ]
    tests = method_table(one)
    if tests is not None:
        lines += ["", render_text(tests, width)]
    return lines
