"""A fault at the n-th moment of a process: Python imports this file before anything of the tool.

`FAULT` is `kill:7`, `SIGINT:7` or another signal, `full:7`, `deny:7` or `count:0`. A moment is
one of the operations of Python that make, open for writing, move or remove something below
`FAULT_ROOT`; for a signal also one of the imports after the first module of the command line; for
a denial only a move.
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
from pathlib import Path

KIND, _, NUMBER = os.environ.get("FAULT", "").partition(":")
ROOT = os.environ.get("FAULT_ROOT", "")
FIRST = "metaalliance.cli.streams"
MAKE = {"os.mkdir", "open"}
MOVE = {"os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}
seen = {"moments": 0, "begun": False}


def is_moment(event, args):
    if event == "import":
        seen["begun"] = seen["begun"] or args[0] == FIRST
        return (KIND.startswith("SIG") or KIND == "count-imports") and seen["begun"]
    if KIND in {"deny", "count-moves"} and event != "os.rename":
        return False
    if event not in MAKE | MOVE or isinstance(args[0], int) or args[0] is None:
        return False
    if event == "open" and not (args[2] & (os.O_WRONLY | os.O_RDWR)):
        return False
    path = os.fsdecode(args[0])
    below = args[-1] if event in {"os.remove", "os.rmdir"} else -1  # a folder that is removed
    return os.path.abspath(path).startswith(ROOT) or (isinstance(below, int) and below >= 0)  # noqa: PTH100


def on_event(event, args):
    if not is_moment(event, args):
        return
    seen["moments"] += 1
    now, wanted = seen["moments"], int(NUMBER)
    if KIND == "full" and now >= wanted and event in MAKE:  # and stays full
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(args[0]))
    if now != wanted:
        return
    if KIND == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if KIND.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, KIND))
    if KIND == "deny":
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(args[0]))


if KIND == "size":  # no file may become larger
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(NUMBER), int(NUMBER)))
elif KIND:
    ROOT = os.path.realpath(ROOT)
    sys.addaudithook(on_event)
if KIND.startswith("count"):
    told = Path(os.environ["FAULT_COUNT"])
    atexit.register(lambda: told.write_text(str(seen["moments"])))
