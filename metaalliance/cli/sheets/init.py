"""`metaalliance init`: propose a configuration for a team's own sheet."""

from __future__ import annotations

import json
from pathlib import Path

from metaalliance.cli.run import OK, print_error, print_result
from metaalliance.config import FILE_NAME
from metaalliance.report.folder import write_file
from metaalliance.sheet.columns.proposal import Proposal, propose
from metaalliance.sheet.read.source import read_grids
from metaalliance.wording.untrusted import printable


def run_init(workbook: Path, output: Path | None, sheet: str | None, *, force: bool) -> int:
    """Write metaalliance.toml beside the sheet and say what has to be checked."""
    grids, name = read_grids(workbook)
    proposal = propose(grids, sheet, name)
    target = output or (Path() if str(workbook) == "-" else workbook.parent) / FILE_NAME
    content = configuration(proposal, name, several=len(grids) > 1).encode()
    write_file(target, content, force=force, source=workbook)
    print_result(_report(proposal))
    print_error(f"Wrote {target}. Check it, then run: metaalliance validate {workbook}")
    return OK


def configuration(proposal: Proposal, file: str, *, several: bool) -> str:
    """Return the text of a configuration file with its comments."""
    lines = [f"# Configuration of metaalliance for {printable(file)}: check every line.", ""]
    if several:
        lines += [f"sheet = {quoted(proposal.sheet)}", ""]
    lines += ["[columns]", "# column = the header of the sheet"]
    for m in proposal.mapped:
        if not m.known:
            lines.append(f"{m.column} = {quoted(m.header)}  # {m.why}")
    if all(m.known for m in proposal.mapped):
        lines.append("# nothing to map: every header that is used is known")
    for column in dict.fromkeys(level.column for level in proposal.levels):
        lines += ["", f"[vocabulary.{column}]", '# level = ["value of the sheet", ...]']
        lines += _level_lines(proposal, column)
    if proposal.unknown:
        listed = ", ".join(quoted(h) for h in proposal.unknown if h not in _mapped(proposal))
        lines += ["", "# Further headers; they are kept as possible moderators:", f"# {listed}"]
    lines += ["", "# [[ignore]]", '# code = "MA502"', '# reason = "completers and intent-to-treat"']
    lines += ["", "# [pool]", '# nonsignificant = "zero"  # or "drop", "half-p"', ""]
    return "\n".join(lines)


def _mapped(proposal: Proposal) -> set[str]:
    return {m.header for m in proposal.mapped}


def _level_lines(proposal: Proposal, column: str) -> list[str]:
    """Levels with the values that may mean them; the others as comments to complete."""
    groups: dict[str, list[str]] = {}
    open_ends = []
    for level in (x for x in proposal.levels if x.column == column):
        if level.suggestion:
            groups.setdefault(level.suggestion, []).append(level.value)
        else:
            open_ends.append(f"# ? = [{quoted(level.value)}]  # {level.count} rows")
    known = [
        f"{quoted(name)} = [{', '.join(quoted(v) for v in values)}]"
        for name, values in groups.items()
    ]
    return [*known, *open_ends]


def quoted(text: str) -> str:
    """Return a TOML basic string."""
    return json.dumps(text, ensure_ascii=False)


def _report(proposal: Proposal) -> list[str]:
    """Say what was found and what a person has to decide."""
    lines = [f"Sheet {printable(proposal.sheet)}, header in row {proposal.row}", ""]
    width = max((len(m.column) for m in proposal.mapped), default=0)
    for m in proposal.mapped:
        mark = " " if m.known else "?"
        lines.append(f"{mark} {m.column:<{width}}  {printable(m.header)}  ({m.why})")
    if proposal.levels:
        lines += ["", "Values outside the vocabularies:"]
    for level in proposal.levels:
        guess = f" taken as {level.suggestion!r}?" if level.suggestion else " no suggestion"
        value = printable(level.value)
        lines.append(f"? {level.column} = {value!r} in {level.count} rows:{guess}")
    if proposal.missing:
        lines += ["", *(f"! {text}" for text in proposal.missing)]
    return lines
