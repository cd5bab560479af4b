"""Entry point: run a command, turn what goes wrong into a sentence and an exit code."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line."""
    # A command lives for seconds: collecting cycles at the usual rate costs it one of them.
    gc.set_threshold(200_000, 20, 100)
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


if __name__ == "__main__":
    main()
