"""Commands about choices, planning and updating: multiverse, power, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.cli.arguments import (
    BackendOption,
    Figures,
    Key,
    Processes,
    Resume,
    Scheduler,
    among,
)
from metaalliance.cli.register import ANALYSIS, Former, command
from metaalliance.cli.request import Request, Running
from metaalliance.model import RHO
from metaalliance.options import Kind, Test, option_values


@command(
    "multiverse",
    "Examine",
    ANALYSIS,
    draws=True,
    examples=(
        "multiverse studies.xlsx",
        "multiverse studies.xlsx --decision rho=.4,.6 --decision tau2=REML,ML --no-figures",
    ),
)
def multiverse(
    request: Request,
    decision: Annotated[
        list[str] | None,
        typer.Option(
            "--decision",
            "-d",
            help="Options of a decision in place of the defaults, such as rho=.4,.6; repeat it.",
        ),
    ] = None,
    jobs: Processes = None,
    backend: BackendOption = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    every: Annotated[bool, typer.Option("--all", help="Print every option too.")] = False,
    figures: Figures = True,
) -> int:
    """Pool a sheet under every combination of analytic decisions; say which of them matter."""
    from metaalliance.cli.multiverse import run_multiverse

    running = Running(jobs=jobs, backend=backend, scheduler=scheduler, resume=resume)
    return run_multiverse(request, decision or (), running, every=every, figures=figures)


@command(
    "power",
    "Plan and explain",
    without=["workbook", "sheet", "config", "verbose"],
    helps={"output": "Folder for power.json and power.xlsx."},
    examples=(
        "power mean --r .2 --k 10,20,40 --n 60 --tau .15",
        "power precision --r .25 --k 30 --n 80 --tau .15 --half-width .05",
    ),
    formerly=(Former(flag="--effects", now="--effects-per-study"),),
)
def power(
    request: Request,
    question: Annotated[
        str,
        typer.Argument(
            help="mean, contrast, egger or precision.",
            autocompletion=among(("mean", "contrast", "egger", "precision")),
        ),
    ],
    r: Annotated[
        str | None,
        typer.Option(
            "--r", help="True mean correlation; of each group for contrast, such as .30,.20."
        ),
    ] = None,
    k: Annotated[
        str | None,
        typer.Option("--k", help="Studies: 20, or 20,40,60; for contrast 60,20, or 60+20,90+30."),
    ] = None,
    n: Annotated[
        str | None, typer.Option("--n", help="Participants of a study; several: 30,60,120.")
    ] = None,
    tau: Annotated[
        float | None,
        typer.Option("--tau", help="Standard deviation of the true effects (Fisher z)."),
    ] = None,
    effects_per_study: Annotated[
        str, typer.Option("--effects-per-study", help="Effects of a study; several: 1,2,4.")
    ] = "1",
    rho: Annotated[
        float, typer.Option("--rho", help="Correlation of sampling errors within a study.")
    ] = RHO,
    between: Annotated[
        float | None,
        typer.Option("--between", help="Share of tau² between studies [default: 0.7]."),
    ] = None,
    excess: Annotated[
        float | None,
        typer.Option("--excess", help="egger: r of the smallest study less that of the largest."),
    ] = None,
    half_width: Annotated[
        float | None,
        typer.Option("--half-width", help="precision: wanted half-width of the interval, as r."),
    ] = None,
    pilot: Annotated[
        Path | None,
        typer.Option("--pilot", help="Sheet of a similar review: its n, effects and tau."),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="Model: auto, che, three-level, two-level or common-effect.",
            autocompletion=among(option_values(Kind)),
        ),
    ] = "auto",
    test: Annotated[
        str,
        typer.Option(
            "--test",
            help="Test: auto, knapp-hartung, cr2, t or wald; others are simulated.",
            autocompletion=among(option_values(Test)),
        ),
    ] = "auto",
    level: Annotated[
        float,
        typer.Option("--level", help="Coverage of the intervals; 1 less it is the size of tests."),
    ] = 0.95,
    target: Annotated[
        float | None, typer.Option("--target", help="Find the studies for this power, such as .8.")
    ] = None,
    simulate: Annotated[
        int, typer.Option("--simulate", min=0, help="Reviews to draw and fit beside the formula.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulation.")] = 1,
    jobs: Processes = None,
    backend: BackendOption = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
) -> int:
    """Power of a planned review: of the mean, of a contrast, of Egger's test; or its precision."""
    from metaalliance.analysis.planning import PowerOptions
    from metaalliance.cli.power import run_power

    options = PowerOptions(
        question=question,
        r=r,
        k=k,
        n=n,
        tau=tau,
        effects_per_study=effects_per_study,
        rho=rho,
        between=between,
        excess=excess,
        half_width=half_width,
        pilot=pilot,
        model=model,
        test=test,
        level=level,
        target=target,
        simulate=simulate,
        seed=seed,
    )
    running = Running(jobs=jobs, backend=backend, scheduler=scheduler, resume=resume)
    return run_power(request, options, running)


@command(
    "compare",
    "Examine",
    ANALYSIS,
    without=["workbook", "verbose"],
    helps={"output": "Folder [default: <new>_results beside the sheet]."},
    examples=("compare old.xlsx studies.xlsx", "compare old.xlsx studies.xlsx --key effect --all"),
)
def compare(
    request: Request,
    old: Annotated[Path, typer.Argument(help="Earlier version of the sheet.")],
    new: Annotated[Path, typer.Argument(help="Later version of the sheet.")],
    key: Key = None,
    every: Annotated[
        bool, typer.Option("--all", help="Print every row and cell that changed.")
    ] = False,
) -> int:
    """Compare two versions of a sheet: what changed, and what it did to the pooled result.

    The exit code is 1 when a sheet has errors, and 4 when one of them cannot be pooled.
    """
    from metaalliance.cli.compare import run_compare

    return run_compare(request, old, new, key=key, every=every)
