"""`metaalliance init`: propose a configuration for a team's own sheet, and say what it is worth."""

from __future__ import annotations

import hashlib
import tempfile
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from metaalliance.cli.request import Request
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.config import FILE_NAME
from metaalliance.errors import OptionError
from metaalliance.messages import MESSAGES
from metaalliance.problems import SCHEMA_VERSION, Problem
from metaalliance.report.folder import check_file, write_file
from metaalliance.sheet.columns.codebook import find_codebook, read_codebook
from metaalliance.sheet.columns.proposal import Line, Proposal, propose
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.wide import Wide
from metaalliance.sheet.read.source import parse_grids, read_source
from metaalliance.sheet.trial import Trial, toml, try_out
from metaalliance.wording.phrases import count_text, effects_text
from metaalliance.wording.untrusted import printable

#: Most headers or labels that one line lists.
SHOWN = 12
#: Warnings of which the conversation speaks in its own words.
_SAID = frozenset({"MA504", "MA219", "MA226"})


def run_init(request: Request) -> int:
    """Write metaalliance.toml beside the sheet and say what it is worth and what is left."""
    workbook = request.workbook
    target = request.output or (Path() if str(workbook) == "-" else workbook.parent) / FILE_NAME
    _check_target(target, request)
    content, name = read_source(workbook)
    grids, _ = parse_grids(content, name)
    codebook = find_codebook(grids)
    scheme = read_codebook(codebook, Scheme())[0] if codebook else Scheme()
    proposal = propose(grids, request.sheet, name, scheme)
    with tempfile.TemporaryDirectory() as folder:
        path = workbook
        if str(workbook) == "-":
            path = Path(folder) / "sheet"
            path.write_bytes(content)
        trial = try_out(path, proposal)
    text = configuration(trial, name)
    document = _document(proposal, trial, name, hashlib.sha256(content).hexdigest(), target)
    write_file(target, text.encode(), force=request.force, source=workbook)
    if request.json_output:
        print_document(document)
        return OK
    width = terminal_width()
    print_result(
        [part for line in conversation(proposal, trial, name)
         for part in textwrap.wrap(line, width, subsequent_indent="   ") or [""]]
    )  # fmt: skip
    told = "" if target.name == FILE_NAME and request.output is None else f" --config {target}"
    print_error(f"Wrote {target}. Then run: metaalliance validate {workbook}{told}")
    return OK


def _check_target(target: Path, request: Request) -> None:
    """Refuse to replace a file before the sheet is read; say how two sheets share a folder."""
    if target.exists() and not request.force and request.output is None:
        own = request.workbook.with_suffix(".toml") if request.source else Path("sheet.toml")
        raise OptionError(
            f"{target} exists already. Where it is that of another sheet, write a configuration of "
            f"its own with metaalliance init {request.workbook} -o {own} and give every command "
            f"--config {own}; --force replaces {target.name}.",
            code="MA691",
        )
    check_file(target, force=request.force, source=request.source)


def _document(
    proposal: Proposal, trial: Trial, file: str, digest: str, target: Path
) -> dict[str, object]:
    """Return the proposal as one document."""
    studies = trial.studies
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "init",
        "input": {
            "file": file,
            "sha256": digest,
            "sheet": proposal.sheet,
            "header_row": proposal.row,
            "rows_read": len(studies.rows) if studies else proposal.rows,
            "rows_used": len(trial.used),
        },
        "counts": {
            "n_studies": len({row.study for row in trial.used}),
            "n_effects": len(trial.used),
        },
        "lines": [{**asdict(line), "text": line.text} for line in trial.lines],
        "known": dict(proposal.known),
        "own_columns": list(proposal.unknown),
        "wide": None if proposal.wide is None else list(proposal.wide.labels),
        "to_decide": _questions(proposal, trial, file),
        "problems": [p.to_dict() for p in studies.problems] if studies else [],
        "files": [target.name],
    }


def configuration(trial: Trial, file: str) -> str:
    """Return the text of a configuration file: each line with its reason."""
    title = f"# Configuration of metaalliance for {printable(file)}."
    if not trial.lines and trial.used:
        title += " No line is needed: the sheet is read as it stands."
    if any(not line.active for line in trial.lines):
        title += " Lines that begin with # are yours to decide."
    text = [title]
    for section, found in toml(trial.lines).items():
        if not found:
            continue
        text += ["", *([f"[{section}]"] if section else [])]
        for line in found:
            why = f"{line.why} ({line.evidence})" if line.evidence else line.why
            text.append(f"{line.text}  # {printable(why)}")
    return "\n".join([*text, ""])


def conversation(proposal: Proposal, trial: Trial, file: str) -> list[str]:
    """Say what would be read, what is proposed and why, and what is left to decide."""
    where = f"{printable(file)}, sheet {printable(proposal.sheet)}, header in row {proposal.row}"
    lines = [where, *_worth(proposal, trial), ""]
    active = [line for line in trial.lines if line.active]
    if active:
        lines.append(f"{len(active)} line{'s' if len(active) > 1 else ''} for metaalliance.toml:")
        lines += [_with_reason(line) for line in active]
    elif trial.used and not trial.lines:
        lines.append("No configuration is needed.")
    known = [f"{name} ({printable(h) or 'the column without header'})" if h != name else name
             for name, h in proposal.known.items()]  # fmt: skip
    if known:
        lines.append(f"Read as they stand: {_listed(known)}")
    if proposal.unknown:
        lines.append(f"Columns of your own (possible moderators): {_listed(proposal.unknown)}")
    questions = _questions(proposal, trial, file)
    if questions:
        lines += ["", "Left to decide, what matters most first:"]
        lines += [f"{i}. {text}" for i, text in enumerate(questions, start=1)]
    return lines


def _worth(proposal: Proposal, trial: Trial) -> list[str]:
    """How many rows would be used with the proposal as it is, and what stops the others."""
    studies = trial.studies
    if studies is None:
        return [f"0 of {count_text(proposal.rows, 'row')} would be used."]
    count = len({row.study for row in trial.used})
    text = (
        f"{len(trial.used)} of {count_text(len(studies.rows), 'row')} would be used "
        f"({count} {'study' if count == 1 else 'studies'})"
    )
    excluded = sum(not row.included for row in studies.rows)
    if excluded:
        text += f"; {excluded} excluded by include = no"
    return [f"{text}{'; ' + _stopped(trial) if trial.reasons() else ''}."]


def _stopped(trial: Trial) -> str:
    """Why rows would not be used, in a few words."""
    reasons = [
        f"{len({p.row for p in found})} because {MESSAGES[code].title} ({code})"
        for code, found in trial.reasons()
    ]
    return ", ".join(reasons[:3]) + (" ..." if len(reasons) > 3 else "")


def _with_reason(line: Line) -> str:
    why = f"{line.why} ({line.evidence})" if line.evidence else line.why
    return f"  {line.text}  : {printable(why)}"


def _listed(texts: Sequence[str]) -> str:
    shown = [printable(t) for t in texts[:SHOWN]]
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(shown) + more


def _questions(proposal: Proposal, trial: Trial, file: str) -> list[str]:
    """What only a person can decide: what stops everything first, what may turn a sign last."""
    columns = {*proposal.known, *(line.key for line in trial.lines)}
    found = []
    if proposal.wide is not None and not proposal.effect_read:
        found.append(_wide(proposal.wide, file))
    elif not proposal.effect:
        found.append(
            "No header looks like a statistic (r, t, F, d, p ...). Say which column is one: "
            '[columns], r = "the header".'
        )
    if "study" not in columns:
        found.append('No header looks like the study label: [columns], study = "the header".')
    found += [f"{_with_reason(line).strip()}. Uncomment it if it is right."
              for line in trial.lines if not line.active]  # fmt: skip
    if trial.refusal and not found:
        found.append(trial.refusal)
    found += [_error(code, problems) for code, problems in trial.reasons()]
    warned = [p for p in trial.warnings if p.code not in _SAID]
    found += [
        f"{f'{len(of)} x ' if len(of) > 1 else ''}{of[0].message} ({code}, first {of[0].place})."
        for code, of in _by_code(warned).items()
    ]
    if proposal.wide is not None and proposal.effect_read:
        found.append(_beside(proposal.wide, file))
    if proposal.effect and "outcome_direction" not in columns and trial.studies is not None:
        found.append(
            "Signs are taken as aligned (positive: better alliance, better outcome), as there is "
            "no outcome_direction. Add it where a lower score is better."
        )
    return found


def _by_code(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.code, []).append(problem)
    return found


def _wide(wide: Wide, file: str) -> str:
    """That several effects stand side by side, and the way out."""
    return (
        f"The sheet is wide: {effects_text(len(wide.parts))} of a study ({wide.statistic}) "
        "stand side by "
        f"side in columns: {_listed(wide.labels)}. None is taken. To make one row of each effect: "
        f"{_import(file)}"
    )


def _beside(wide: Wide, file: str) -> str:
    """That further effects stand beside the one that is read."""
    return (
        f"Further effects may stand side by side in columns ({_listed(wide.labels)}): only one per "
        f"row is read. To make one row of each: {_import(file)}"
    )


def _import(file: str) -> str:
    name = "studies.xlsx" if file != "studies.xlsx" else "effects.xlsx"
    return f"metaalliance import {printable(file)} -o {name}"


def _error(code: str, problems: Sequence[Problem]) -> str:
    first = problems[0]
    column = Counter(p.column for p in problems if p.column).most_common(1)
    where = f" in {column[0][0]}" if column else ""
    rows = len({p.row for p in problems})
    return (
        f"{rows} row{'s' if rows != 1 else ''}{where}: {first.message} ({code}, first "
        f"{first.place}). {first.hint or MESSAGES[code].remedy}".strip()
    )
