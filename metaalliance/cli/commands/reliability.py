"""The command that pools reliabilities."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import among
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request
from metaalliance.model import Model
from metaalliance.setting import settings_in

#: Settings of the policy that reliabilities take; those of the model are taken whole.
_TAKEN = ("nonsignificant", "beta", "yi_measure", "estimand", "overlap")
_MODEL = {s.name for s in settings_in(Model)}


@command(
    "reliability",
    "Examine",
    tuple(s for s in ANALYSIS if s.name in {*_TAKEN, *_MODEL}),
    examples=(
        "reliability studies.xlsx",
        "reliability studies.xlsx --transformation hakstian-whalen --level .9",
    ),
)
def reliability(
    request: Request,
    transformation: Annotated[
        str,
        typer.Option(
            "--transformation",
            help="Scale of coefficient alpha: bonett, -ln(1 - alpha), or hakstian-whalen, "
            "1 - (1 - alpha)^(1/3).",
            autocompletion=among(("bonett", "hakstian-whalen")),
        ),
    ] = "bonett",
) -> int:
    """Pool coefficients alpha by instrument and rater; those quoted from a manual stay apart."""
    from metaalliance.analysis.reliability import ReliabilityOptions
    from metaalliance.cli.multivariate.reliability import run_reliability

    return run_reliability(request, ReliabilityOptions(transformation=transformation))  # type: ignore[arg-type]
