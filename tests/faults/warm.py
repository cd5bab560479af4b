"""A process that has imported everything and forks one of its kind for each run of a command."""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from pathlib import Path

from typer.testing import CliRunner

from metaalliance.cli.app import app

HOOK = Path(__file__).parent / "hook" / "sitecustomize.py"


def begin(request):
    """Become the run that is asked for."""
    os.chdir(request["cwd"])
    os.environ.update(request["env"])
    for number, name in ((1, request["out"]), (2, request["err"])):
        opened = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["metaalliance", *request["words"]]
    runpy.run_path(str(HOOK))
    from metaalliance.cli.main import main

    main()


def serve(words):
    CliRunner().invoke(app, words, catch_exceptions=False)  # in a folder of its own
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            begin(json.loads(line))
            sys.exit()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answers.write(f"{code}\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1:])
