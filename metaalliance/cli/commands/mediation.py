"""The command about path models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.cli.arguments import Figures, PathModerators, among
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request

#: Settings that a path model takes.
_TAKEN = ("nonsignificant", "beta", "yi_measure", "estimand", "level")


@command(
    "mediation",
    "Examine",
    tuple(s for s in ANALYSIS if s.name in _TAKEN),
    draws=True,
    helps={"workbook": "Table of correlations (study, var1, var2, r, n), or a coding sheet whose "
           "rows name both variables; - for standard input."},
    examples=(
        "mediation correlations.xlsx --model model.txt",
        "mediation correlations.xlsx --mediator alliance --moderator b=year",
    ),
)  # fmt: skip
def mediation(
    request: Request,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="File with a path model in the syntax of lavaan."),
    ] = None,
    mediator: Annotated[
        str | None,
        typer.Option("--mediator", help="Variable between two others, in place of --model."),
    ] = None,
    predictor: Annotated[
        str | None,
        typer.Option("--predictor", help="With --mediator [default: the third variable]."),
    ] = None,
    outcome: Annotated[
        str | None, typer.Option("--outcome", help="With --mediator [default: outcome].")
    ] = None,
    moderator: PathModerators = None,
    measures_r: Annotated[
        float,
        typer.Option(
            "--measures-r",
            help="Assumed correlation of two measures of one variable, where a study has several "
            "correlations of one pair.",
        ),
    ] = 0.6,
    wald: Annotated[
        bool,
        typer.Option("--wald", help="Estimate ± z × SE in place of intervals of the likelihood."),
    ] = False,
    not_positive_definite: Annotated[
        str,
        typer.Option(
            "--not-positive-definite",
            help="Studies whose correlations contradict each other: refuse or exclude.",
            autocompletion=among(("refuse", "exclude")),
        ),
    ] = "refuse",
    figures: Figures = True,
) -> int:
    """Fit a path model to correlations of several variables: paths, indirect effects, fit."""
    from metaalliance.analysis.mediation import MediationOptions
    from metaalliance.cli.multivariate.mediation import model_text, run_mediation
    from metaalliance.errors import OptionError

    alone = mediator is None and (predictor or outcome)
    if (model is None) == (mediator is None) or alone:
        raise OptionError("Give either --model, or --mediator with --predictor and --outcome.")
    options = MediationOptions(
        model=model_text(model),
        mediator=mediator,
        predictor=predictor,
        outcome=outcome,
        moderators=tuple(moderator or ()),
        measures_r=measures_r,
        interval="wald" if wald else "likelihood",
        not_positive_definite=not_positive_definite,
    )
    return run_mediation(request, options, figures=figures)
