"""Run the command line as ``python -m metaalliance``."""

from metaalliance.cli.main import main

if __name__ == "__main__":
    main()
