"""Commands about choices, planning and updating: multiverse, power, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.cli.arguments import Jobs, Key
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request
from metaalliance.model import RHO


@command("multiverse", "Examine", ANALYSIS)
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
    jobs: Jobs = 1,
    every: Annotated[bool, typer.Option("--all", help="Print every option too.")] = False,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Draw the specification curve.")
    ] = True,
) -> int:
    """Pool a sheet under every combination of analytic decisions; say which of them matter."""
    from metaalliance.cli.multiverse import run_multiverse

    return run_multiverse(request, decision or (), jobs=jobs, every=every, figures=figures)


@command(
    "power",
    "Plan and explain",
    without=["workbook", "sheet", "config", "verbose"],
    helps={"output": "Folder for power.json and power.xlsx."},
)
def power(
    request: Request,
    question: Annotated[str, typer.Argument(help="mean, contrast, egger or precision.")],
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
    effects: Annotated[
        str, typer.Option("--effects", help="Effects of a study; several: 1,2,4.")
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
        str, typer.Option("--model", help="auto, che, three-level, two-level, common-effect.")
    ] = "auto",
    test: Annotated[
        str, typer.Option("--test", help="auto, knapp-hartung, cr2, t, wald; others simulated.")
    ] = "auto",
    level: Annotated[float, typer.Option("--level", help="One less the size of the test.")] = 0.95,
    target: Annotated[
        float | None, typer.Option("--target", help="Find the studies for this power, such as .8.")
    ] = None,
    simulate: Annotated[
        int, typer.Option("--simulate", min=0, help="Reviews to draw and fit beside the formula.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulation.")] = 1,
    jobs: Jobs = 1,
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
        effects_per_study=effects,
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
        jobs=jobs,
    )
    return run_power(request, options)


@command(
    "compare",
    "Examine",
    ANALYSIS,
    without=["workbook", "verbose"],
    helps={"output": "Folder [default: <new>_results beside the sheet]."},
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
