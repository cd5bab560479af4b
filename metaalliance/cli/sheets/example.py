"""`metaalliance example`: workbooks to try."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from metaalliance.cli.run import OK, print_error, print_result
from metaalliance.report.folder import write_file

EXAMPLE = "simulated_alliance_studies.xlsx"
THREE_QUESTIONS = "simulated_three_questions.xlsx"


def run_example(output: Path, *, force: bool, three_questions: bool) -> int:
    """Write an example workbook."""
    name = THREE_QUESTIONS if three_questions else EXAMPLE
    target = output / name if output.is_dir() or not output.suffix else output
    content = (files("metaalliance") / "examples" / name).read_bytes()
    write_file(target, content, force=force)
    print_result([str(target)])
    commands = (
        "validate, components or mediation" if three_questions else "validate, pool or report"
    )
    print_error(
        f"Simulated data, for trying and teaching only. Next: metaalliance {commands} {target}"
    )
    return OK
