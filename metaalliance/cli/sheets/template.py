"""`metaalliance template`: the workbook to begin with."""

from __future__ import annotations

from pathlib import Path

from metaalliance.cli.run import OK, print_error
from metaalliance.errors import OptionError
from metaalliance.report.folder import write_file
from metaalliance.sheet.template.workbook import template_workbook


def run_template(output: Path, force: bool, *, short: bool = False) -> int:
    """Write the empty extraction workbook; never over a file, unless by force."""
    if output.suffix.lower() != ".xlsx":
        raise OptionError(f"{output} must end in .xlsx: the template is an Excel workbook.")
    if output.is_dir():
        raise OptionError(f"{output} is a folder, not a file.", code="MA691")
    write_file(output, template_workbook(short=short), force=force)
    print_error(f"Wrote {output}. Fill in the sheet effects; then: metaalliance validate {output}")
    return OK
