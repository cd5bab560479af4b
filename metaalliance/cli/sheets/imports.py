"""`metaalliance import`: files of other programs as coding workbooks."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from metaalliance.cli.request import Request
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.errors import OptionError
from metaalliance.problems import SCHEMA_VERSION
from metaalliance.report.folder import check_file
from metaalliance.sheet.imports.houses import HOUSES
from metaalliance.sheet.imports.imported import Imported, import_sheet
from metaalliance.wording.phrases import effects_text, studies_text
from metaalliance.wording.untrusted import printable

#: How many reasons and questions of a kind are printed.
FIRST = 8


def run_import(
    request: Request,
    *,
    house: str | None,
    reviewer: str | None,
    directions: Sequence[str],
    columns: Sequence[str],
) -> int:
    """Write the coding workbook; say what was read, what was not, and what has to be decided."""
    target = request.output or _beside(request.workbook)
    if target.suffix.lower() != ".xlsx":
        raise OptionError(f"{target} must end in .xlsx: the coding sheet is an Excel workbook.")
    check_file(target, force=request.force, source=request.source)
    imported = import_sheet(
        request.workbook,
        house=house,
        sheet=request.sheet,
        reviewer=reviewer,
        directions=_pairs("--direction", directions),
        columns=_pairs("--column", columns),
    )
    imported.save(target, force=request.force)
    if request.json_output:
        print_document(_document(imported, target))
        return OK
    if not request.quiet:
        print_result(_report(imported, terminal_width()))
    print_error(
        f"Wrote {target}: effects, to decide, came from, left out, codebook. "
        f"Then: metaalliance validate {target}"
    )
    return OK


def _beside(workbook: Path) -> Path:
    """The coding workbook of a file, beside it."""
    if str(workbook) == "-":
        return Path("studies.xlsx")
    return workbook.with_name(f"{workbook.stem}_studies.xlsx")


def _pairs(flag: str, given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE as a mapping; the last equals sign parts them."""
    found = {}
    for text in given:
        name, mark, value = text.rpartition("=")
        if not mark or not name.strip() or not value.strip():
            raise OptionError(f"{flag} takes NAME=VALUE, not {text!r}.")
        found[name.strip()] = value.strip()
    return found


def _document(imported: Imported, target: Path) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "import",
        "input": {"file": imported.file, "house": imported.house},
        "result": {
            "effects": len(imported.entries),
            "included": imported.used,
            "studies": _studies(imported),
            "meaning": imported.meaning,
            "left_out": [
                {"place": x.place, "study": x.study, "reason": x.reason} for x in imported.left_out
            ],
        },
        "problems": [p.to_dict() for p in imported.questions],
        "files": [target.name],
    }


def _studies(imported: Imported) -> int:
    return len({str(e["study"].value) for e in imported.entries if "study" in e})


def _report(imported: Imported, width: int) -> list[str]:
    """What was read, what was left out and why, and what a person has to decide."""
    words = next(h.words for h in HOUSES if h.name == imported.house)
    count = len(imported.entries)
    lines = [
        f"{printable(imported.file)}: {words}",
        f"{effects_text(count)} of {studies_text(_studies(imported))}; "
        f"{count - imported.used:,} of them "
        f"with include = no; {len(imported.left_out):,} {imported.unit} of the source left out",
    ]
    excluded = Counter(
        str(e["exclusion_reason"].value) for e in imported.entries if "exclusion_reason" in e
    )
    reasons = Counter(x.reason for x in imported.left_out)
    for title, counted in (("include = no", excluded), ("left out", reasons)):
        lines += _wrapped(
            (f"{title}: {n:,} x {printable(reason)}" for reason, n in counted.most_common(FIRST)),
            width,
        )
        if len(counted) > FIRST:
            lines.append(f"  and {len(counted) - FIRST:,} further reasons; all are in the workbook")
    if imported.meaning:
        lines += ["", *textwrap.wrap(imported.meaning, width)]
    if imported.questions:
        lines += ["", "To decide:"]
    shown = imported.questions[: 2 * FIRST]
    for place, p in enumerate(shown):
        hint = "" if place and shown[place - 1].hint == p.hint else f" {p.hint}"
        lines += _wrapped([f"{p.place or 'file'} {p.code} {printable(p.message + hint)}"], width)
    if len(imported.questions) > len(shown):
        more = len(imported.questions) - len(shown)
        lines.append(f"  and {more:,} further; all are on the sheet 'to decide'")
    return lines


def _wrapped(texts: Iterable[str], width: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")
    return lines
