"""`metaalliance example`: the workbook to try."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from metaalliance.cli.run import OK, print_error, print_result
from metaalliance.report.folder import write_file

EXAMPLE = "simulated_alliance_studies.xlsx"


def run_example(output: Path, *, force: bool) -> int:
    """Write the example workbook."""
    target = output / EXAMPLE if output.is_dir() or not output.suffix else output
    content = (files("metaalliance") / "examples" / EXAMPLE).read_bytes()
    write_file(target, content, force=force)
    print_result([str(target)])
    print_error(
        "Simulated data, for trying and teaching only. Next: metaalliance validate, pool or "
        f"report {target}"
    )
    return OK
