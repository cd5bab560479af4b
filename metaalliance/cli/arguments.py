"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.options import Tau2Estimator, listed

Sheet = Annotated[str | None, typer.Option("--sheet", help="Sheet to read [default: effects].")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files of others in the folder.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only beside results.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print notes too.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration [default: metaalliance.toml, sheet's or above]."),
]
Nonsignificant = Annotated[
    str | None,
    typer.Option(
        "--nonsignificant",
        help="'n.s.' without a value: error, zero, drop or half-p [default: error].",
    ),
]
Beta = Annotated[
    str | None,
    typer.Option("--beta", help="Betas: peterson-brown or refuse [default: peterson-brown]."),
]
Workbook = Annotated[
    Path, typer.Argument(help="Extraction workbook (.xlsx, .csv, .tsv), or - for standard input.")
]
Folder = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Folder [default: <name>_results beside the sheet]."),
]
Measure = Annotated[str | None, typer.Option("--measure", help="z, r or r-unbiased [default: z].")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="auto, che, three-level, two-level or common-effect [default: auto].",
    ),
]
Tau2 = Annotated[
    str | None,
    typer.Option("--tau2", help=f"{listed(Tau2Estimator)} [default: REML]."),
]
Test = Annotated[
    str | None,
    typer.Option(
        "--test",
        help="auto, cr2, cr1s, cr1, cr0, knapp-hartung, knapp-hartung-adhoc, t or wald "
        "[default: auto].",
    ),
]
Rho = Annotated[
    str | None,
    typer.Option(
        "--rho",
        help="Correlation of sampling errors within a study, or the column that holds it "
        "[default: .6 for che, .5 to aggregate].",
    ),
]
Level = Annotated[
    float | None, typer.Option("--level", help="Coverage of the intervals [default: 0.95].")
]
Prediction = Annotated[
    str | None,
    typer.Option(
        "--prediction", help="Prediction interval: t, normal, riley or simple [default: t]."
    ),
]
