"""Entry point: run a command, turn what goes wrong into a sentence and an exit code."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line."""
    # A command lives for seconds: collecting cycles at the usual rate costs it one of them.
    gc.set_threshold(200_000, 20, 100)
    from metaalliance.wording.plain import PLAIN

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=PLAIN)
    from metaalliance.cli.app import app

    try:
        app(prog_name="metaalliance")
    except BrokenPipeError:  # the reader of a pipe has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
