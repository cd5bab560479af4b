"""The command that serves the local page."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import Config, Debug


def serve(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port [default: a free one].")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Open a page on this computer: drop a workbook, see its problems, download the report."""
    from metaalliance.cli.run import guarded
    from metaalliance.cli.serve import ServeOptions, run_serve

    options = ServeOptions(port=port, browser=browser, config=config)
    guarded("serve", lambda: run_serve(options), debug=debug)
