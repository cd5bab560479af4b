"""`metaalliance bias`: every method for publication bias that a sheet allows."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, cast

from metaalliance.bias.summary import BiasSummary, bias_summary
from metaalliance.cli.analysis import (
    Loaded,
    Request,
    load,
    open_folder,
    print_preamble,
    settings_of,
)
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.errors import OptionError
from metaalliance.options import check_option, check_rho
from metaalliance.report.bias import (
    adjusted_table,
    bias_document,
    bias_sheets,
    fail_safe_table,
    reading_lines,
    tests_table,
    weights_table,
)
from metaalliance.report.results import input_record, run_record, to_json
from metaalliance.report.table import render_text
from metaalliance.report.workbook import write_workbook

FILES = ("bias.json", "bias.xlsx", "run_bias.json")
#: Parts of the document that the digest of the record covers.
RESULTS = ("counts", "unadjusted", "tests", "adjusted", "methods", "henmi_copas")

Way = Literal["auto", "greater", "less"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasOptions:
    """Options of the command."""

    request: Request
    steps: str
    alternative: str
    aggregation_rho: float


def run_bias(options: BiasOptions) -> int:
    """Run the command."""
    request = options.request
    steps = parse_steps(options.steps)
    way = cast(Way, check_option("alternative", options.alternative, Way))
    rho = check_rho(options.aggregation_rho)
    config, settings = settings_of(request)
    folder = open_folder(request, "bias", FILES)
    loaded = load(request, config, settings, "Nothing was computed.")
    if isinstance(loaded, int):
        return loaded
    found = bias_summary(loaded.fit(), steps=steps, alternative=way, aggregation_rho=rho)
    own = {"steps": list(steps), "alternative": way, "aggregation_rho": rho}
    document = bias_document(
        found,
        input_record(loaded.studies),
        loaded.studies.problems,
        {**own, **loaded.recorded},
        FILES,
    )
    if not request.json_output:
        _print(found, loaded, request)
    listed = [*document["settings"].items(), ("file", loaded.studies.file)]
    listed.append(("sha256", loaded.studies.sha256))
    shown = [(k, ", ".join(map(str, v)) if isinstance(v, list) else v) for k, v in listed]
    folder.write("bias.xlsx", write_workbook(bias_sheets(found, shown)))
    folder.write("bias.json", to_json(document).encode())
    record = run_record(document, dict(folder.written), RESULTS)
    folder.write(folder.record_name, to_json(record).encode())
    folder.remove_stale()
    if request.json_output:
        print_document(document)
    if not request.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return OK


def parse_steps(text: str) -> tuple[float, ...]:
    """Return cut points from a text such as ".025,.5".

    Raises
    ------
    OptionError
        When they are not rising numbers between 0 and 1.
    """
    try:
        steps = tuple(float(part) for part in text.split(","))
    except ValueError:
        steps = ()
    rising = all(a < b for a, b in pairwise(steps))
    if not steps or not rising or not all(0 < s < 1 for s in steps):
        raise OptionError(
            f"--steps {text}: write rising one-sided p-values between 0 and 1, such as .025,.5."
        )
    return steps


def _print(found: BiasSummary, loaded: Loaded, request: Request) -> None:
    """Problems of the sheet on stderr, tables and sentences on stdout."""
    print_preamble(loaded.studies, request)
    width = terminal_width()
    tables = (adjusted_table(found), tests_table(found), weights_table(found))
    lines = []
    for table in (*tables, fail_safe_table(found)):
        if table is not None:
            lines += [render_text(table, width), ""]
    for text in reading_lines(found):
        lines += [textwrap.fill(text, width), ""]
    for p in found.notices:
        lines.append(textwrap.fill(f"{p.severity}: {p.message} ({p.code})", width))
    print_result(lines)
