"""Entry point: run a command, turn what goes wrong into a sentence and an exit code."""

from __future__ import annotations

import gc
import os
import sys

#: What says how many threads a library of linear algebra takes.
THREADS = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


def one_thread() -> None:
    """Let linear algebra run in one thread, unless the environment says otherwise.

    The products of a meta-analysis are long and narrow: further threads wait for one another,
    and take processor time from whatever else runs. The libraries read this when numpy is first
    imported.
    """
    if not any(name in os.environ for name in THREADS):
        os.environ.update(dict.fromkeys(THREADS, "1"))


def main() -> None:
    """Run the command line."""
    one_thread()
    # A command lives for seconds: collecting cycles at the usual rate costs it one of them.
    gc.set_threshold(500_000, 20, 100)
    try:
        from metaalliance.cli import streams

        streams.prepare()
        from metaalliance.cli.app import app

        app(prog_name="metaalliance")
    except KeyboardInterrupt:
        from metaalliance.cli import streams  # again: it may not have been whole

        sys.exit(streams.interrupted(sys.argv[1:]))
    except streams.ReaderGoneError as gone:
        sys.exit(gone.code)
    except streams.OutputError as error:
        sys.stderr.write(f"{error} ({error.code})\n")
        sys.exit(3)
    finally:
        streams.end()
        gc.freeze()  # the system takes all memory back at once; nobody has to look for cycles


if __name__ == "__main__":
    main()
