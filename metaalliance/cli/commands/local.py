"""The command that serves the local page."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request


@command(
    "serve",
    "Report and check",
    ANALYSIS,
    without=["workbook", "output", "sheet", "json_output", "force", "quiet", "verbose"],
    examples=("serve", "serve --port 8080 --no-browser"),
)
def serve(
    request: Request,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port [default: a free one].")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> int:
    """Open a page on this computer: drop a workbook, see its problems, download the report."""
    from metaalliance.cli.local.serve import run_serve

    return run_serve(request, port=port, browser=browser)
