"""The command about publication bias."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import (
    BackendOption,
    Figures,
    Pairs,
    Processes,
    Resume,
    Scheduler,
    among,
    moderator_columns,
)
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request, Running


@command(
    "bias",
    "Examine",
    ANALYSIS,
    draws=True,
    examples=(
        "bias studies.xlsx",
        "bias studies.xlsx --bootstrap two-stage --selection-by year",
    ),
)
def bias(
    request: Request,
    steps: Annotated[
        str,
        typer.Option(
            "--steps", help="Cut points of one-sided p for the selection model, such as .025,.5."
        ),
    ] = "0.025",
    alternative: Annotated[
        str,
        typer.Option(
            "--alternative",
            help="Direction that selection favours: greater, less or auto (sign of the mean).",
            autocompletion=among(("auto", "greater", "less")),
        ),
    ] = "auto",
    aggregation_rho: Annotated[
        float | None,
        typer.Option(
            "--aggregation-rho",
            help="Correlation with which effects of a study are averaged where a method takes one "
            "[default: --rho where it is a number, else .5].",
        ),
    ] = None,
    smallest_p: Annotated[
        float,
        typer.Option(
            "--smallest-p",
            help="The beta selection model takes p nearer to 0 or 1 than this as this near; 0 for "
            "no truncation.",
        ),
    ] = 0.025,
    bootstrap: Annotated[
        str,
        typer.Option(
            "--bootstrap",
            help="Where limits of selection models come from: none (their standard errors), or "
            "samples of studies: two-stage, multinomial or exponential; auto is two-stage where a "
            "study has several effects, else none.",
            autocompletion=among(("auto", "none", "two-stage", "multinomial", "exponential")),
        ),
    ] = "auto",
    interval: Annotated[
        str,
        typer.Option(
            "--interval",
            help="Kind of limits of the bootstrap: percentile, basic, studentised or bca.",
            autocompletion=among(("percentile", "basic", "studentised", "bca")),
        ),
    ] = "percentile",
    replications: Annotated[
        int | None,
        typer.Option(
            "--replications", help="Samples of the bootstrap [default: 1999; 399 of beta]."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the bootstrap.")] = 1,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator",
            help="Of selection models with steps: cml (composite maximum likelihood) or argl "
            "(augmented and reweighted Gaussian likelihood).",
            autocompletion=among(("cml", "argl")),
        ),
    ] = "cml",
    penalty: Annotated[
        str,
        typer.Option(
            "--penalty",
            help="Of selection models: none, or weak densities that keep estimates finite.",
            autocompletion=among(("none", "weak")),
        ),
    ] = "none",
    mean_by: Annotated[
        Pairs,
        typer.Option(
            "--mean-by",
            help="Column that the mean of selection models depends on; repeat it.",
            autocompletion=among(moderator_columns),
        ),
    ] = None,
    variance_by: Annotated[
        Pairs,
        typer.Option(
            "--variance-by",
            help="Column that their log tau² depends on; repeat it.",
            autocompletion=among(moderator_columns),
        ),
    ] = None,
    selection_by: Annotated[
        Pairs,
        typer.Option(
            "--selection-by",
            help="Column that their log weights depend on, such as year; repeat it.",
            autocompletion=among(moderator_columns),
        ),
    ] = None,
    average: Annotated[
        str,
        typer.Option(
            "--average",
            help="Mean over models of bias, too: none, or robma (36 models with the priors of "
            "RoBMA-PSMA, one effect per study).",
            autocompletion=among(("none", "robma")),
        ),
    ] = "none",
    jobs: Processes = None,
    backend: BackendOption = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    figures: Figures = True,
) -> int:
    """Test for publication bias; print means adjusted for it side by side."""
    from metaalliance.analysis.examinations import BiasOptions
    from metaalliance.cli.bias import run_bias

    options = BiasOptions(
        steps=steps,
        alternative=alternative,
        aggregation_rho=aggregation_rho,
        smallest_p=smallest_p,
        estimator=estimator,
        penalty=penalty,
        bootstrap=bootstrap,
        interval=interval,
        replications=replications,
        seed=seed,
        mean_by=tuple(mean_by or ()),
        variance_by=tuple(variance_by or ()),
        selection_by=tuple(selection_by or ()),
        average=average,
    )
    running = Running(jobs=jobs, backend=backend, scheduler=scheduler, resume=resume)
    return run_bias(request, options, running, figures=figures)
