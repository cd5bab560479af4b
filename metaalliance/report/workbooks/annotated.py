"""A checked copy of a sheet: its problems as colours and comments, and as a list with links."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from openpyxl.utils import coordinate_to_tuple

from metaalliance.errors import OptionError, UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.report.package.cells import Restyle, restyle_cells
from metaalliance.report.package.comments import add_comments
from metaalliance.report.package.markup import Edit, elements, fragment, shown, splice
from metaalliance.report.package.package import MAIN, Package
from metaalliance.report.package.styles import Styles, empty_styles
from metaalliance.report.workbooks.annotated_list import COLOURS, gravity, hint_of, problems_sheet
from metaalliance.report.workbooks.grid_copy import apart, grid_title, grid_workbook
from metaalliance.sheet.columns.codebook import find_codebook
from metaalliance.sheet.columns.studies_sheet import find_studies_sheet
from metaalliance.sheet.read.grid import Grid, cell_name
from metaalliance.sheet.read.preflight import read_bytes, sniff
from metaalliance.sheet.read.source import display_name, parse_grids, whole_text
from metaalliance.sheet.read.xlsx_marks import merged_bounds, unescaped
from metaalliance.sheet.studies import Studies
from metaalliance.sheet.template.archive import allowed_text

#: Cells whose only problem is a note that get a comment; more make the file slow to open.
_MOST_NOTES = 2_000


def annotated_workbook(path: str | Path, studies: Studies) -> bytes:
    """Return a copy of a workbook that shows the problems of a sheet where they stand.

    Cells with a problem are coloured and carry a comment, behind the one that they have; the
    sheet `Problems` lists all of them with links, errors first. Everything else is the
    workbook as it is, byte for byte: other sheets, dropdowns, formats, formulas with their
    stored values, tables, charts. Macros are left out, which an .xlsx file cannot hold. A file
    that is no .xlsx or .xlsm gives a new workbook with the values of the sheets that were read,
    in which formulas do not run. Validated in the same way, the copy has the same problems.

    Parameters
    ----------
    path : str or Path
        The file that `studies` was read from; it is read again, never changed.
    studies : Studies
        The sheet as it was checked.

    Raises
    ------
    OptionError
        For standard input, which cannot be read twice.
    UnreadableFileError
        When the file has changed since it was checked, or holds sheets of old macros.
    """
    content, grids = _read_again(path, studies)
    titles = {grid.name: grid.name for grid in grids}
    if sniff(content, studies.file) != "xlsx":
        content = grid_workbook(grids, studies)
        titles = {grid.name: grid_title(grid.name) for grid in grids}
    try:
        return _marked(content, grids, titles, studies)
    except (LookupError, ValueError, StopIteration, ExpatError) as error:
        raise UnreadableFileError(
            f"{studies.file} cannot be copied, since its parts do not fit together "
            f"({type(error).__name__}). Save it anew in a spreadsheet program.",
            code="MA105",
        ) from error


def _marked(
    content: bytes, grids: Sequence[Grid], titles: Mapping[str, str], studies: Studies
) -> bytes:
    """The workbook with marks on the sheets that were read, and the list."""
    package = Package(content)
    _leave_macros_out(package, studies.file)
    styles_part = package.related(package.workbook, "styles")
    strict = "purl.oclc.org" in package.base
    styles = Styles(package.xml(styles_part) if styles_part else empty_styles(strict=strict))
    parts = _sheet_parts(package)
    problems = [one for p in studies.problems for one in p.each]
    for grid in grids:
        _mark(package, parts[titles[grid.name]], grid, problems, styles)
    _add_list(package, list(parts), problems, titles, styles)
    if styles_part:
        package.parts[styles_part] = styles.to_bytes()
    else:
        kind = f"{MAIN}.styles+xml"
        package.add(package.workbook, "styles", "xl/styles.xml", styles.to_bytes(), kind)
    return package.to_bytes()


def _read_again(path: str | Path, studies: Studies) -> tuple[bytes, list[Grid]]:
    """The file, and the sheets that were checked in its order."""
    if str(path) == "-":
        raise OptionError("Standard input cannot be annotated; save the sheet as a file first.")
    content = read_bytes(Path(path))
    if hashlib.sha256(content).hexdigest() != studies.sha256:
        raise UnreadableFileError(f"{path} has changed since it was checked; run this again.")
    grids, _ = parse_grids(content, display_name(Path(path).name))
    main = next(grid for grid in grids if grid.name == studies.sheet)
    read = (main, find_studies_sheet(grids, main), find_codebook(grids))
    return content, [grid for grid in grids if any(grid is r for r in read)]


# The workbook ---------------------------------------------------------------------------

_SIGNED = ("_xmlsignatures/",)
_MACRO_PARTS = ("vbaproject.bin", "vbaprojectsignature.bin", "vbadata.xml", "customui.xml")


def _leave_macros_out(package: Package, file: str) -> None:
    """Make a workbook with macros, or a template, one without; a signature would be broken."""
    kinds = package.content_types()
    if any("macrosheet" in kind or "intlmacrosheet" in kind for kind in kinds.values()):
        raise UnreadableFileError(
            f"{file} holds a sheet of Excel 4 macros, which no .xlsx can hold. Save it as .xlsx "
            "in a spreadsheet program first.",
            code="MA104",
        )
    package.drop(lambda name: name.lower().endswith(_MACRO_PARTS) or name.startswith(_SIGNED))
    if kinds.get(package.workbook, "") != f"{MAIN}.sheet.main+xml":
        package.set_content_type(package.workbook, f"{MAIN}.sheet.main+xml")


def _sheet_parts(package: Package) -> dict[str, str]:
    """The part of each sheet by its title, in the order of the workbook."""
    targets = {r.id: r.target for r in package.relations(package.workbook)}
    found = elements(
        package.xml(package.workbook), lambda name, depth, _: depth == 2 and name == "sheet"
    )
    parts = {}
    for element in found:
        relation = next(v for k, v in element.attributes.items() if k.endswith(":id"))
        parts[whole_text(unescaped(element.attributes["name"]))] = targets[relation]
    return parts


def _add_list(
    package: Package,
    sheets: Sequence[str],
    problems: Sequence[Problem],
    titles: Mapping[str, str],
    styles: Styles,
) -> None:
    """Add the list of problems as the last sheet."""
    taken = {title.lower() for title in sheets}
    names = ["Problems", "Problems found", *(f"Problems found {i}" for i in range(2, 1000))]
    title = next(name for name in names if name.lower() not in taken)
    xml = package.xml(package.workbook)
    root = elements(xml, lambda _name, depth, _: depth == 0)[0]
    space = root.attributes["xmlns:" + root.prefix[:-1] if root.prefix else "xmlns"]
    content, table = problems_sheet(problems, titles, styles, space)
    _, relation = package.add(
        package.workbook, "worksheet", "xl/worksheets/sheet{}.xml", content, f"{MAIN}.worksheet+xml"
    )
    package.parts[package.workbook] = splice(
        xml, _workbook_edits(xml, title, relation, table, package.base)
    )


def _workbook_edits(xml: bytes, title: str, relation: str, table: str, base: str) -> list[Edit]:
    """Name a sheet, and its filter, in the workbook."""
    found = elements(xml, lambda _name, depth, _: depth <= 2)
    outer = {e.name: e for e in found if e.depth == 1}
    sheets = [e for e in found if e.depth == 2 and e.name == "sheet"]
    p = found[0].prefix
    number = max(int(e.attributes["sheetId"]) for e in sheets) + 1
    sheet = f'<{p}sheet xmlns:r="{base}" name="{title}" sheetId="{number}" r:id="{relation}"/>'
    corner, _, end = table.partition(":")
    area = ":".join(_absolute(cell) for cell in (corner, end))
    filtered = (
        f'<{p}definedName name="_xlnm._FilterDatabase" localSheetId="{len(sheets)}" hidden="1">'
        f"{shown(chr(39) + title + chr(39) + chr(33) + area)}</{p}definedName>"
    )
    edits = [outer["sheets"].append(xml, fragment(sheet))]
    if "definedNames" in outer:
        edits.append(outer["definedNames"].append(xml, fragment(filtered)))
    else:
        before = [outer[n] for n in ("sheets", "functionGroups", "externalReferences")
                  if n in outer]  # fmt: skip
        names = fragment(f"<{p}definedNames>{filtered}</{p}definedNames>")
        edits.append((before[-1].stop, before[-1].stop, names))
    return edits


def _absolute(cell: str) -> str:
    row, column = coordinate_to_tuple(cell)
    return f"${cell_name(row, column).removesuffix(str(row))}${row}"


# Marks ----------------------------------------------------------------------------------


def _mark(
    package: Package, part: str, grid: Grid, problems: Iterable[Problem], styles: Styles
) -> None:
    """Colour each cell with a problem by the gravest, and say in a comment what it is."""
    covered = _covered(grid)
    at: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.sheet == grid.name and problem.cell:
            cell = grid.cell_at(problem.cell)
            at[covered.get(cell, cell)].append(problem)
    marks: dict[tuple[int, int], Restyle] = {}
    texts: dict[str, str] = {}
    left = _MOST_NOTES
    for name, group in at.items():
        group.sort(key=gravity)
        worst = group[0].severity
        marks[coordinate_to_tuple(name)] = _coloured(styles, worst)
        left -= worst == "note"
        if worst != "note" or left >= 0:
            texts[name] = _comment(name, group)
    package.parts[part] = restyle_cells(package.xml(part), marks)
    add_comments(package, part, texts)


def _coloured(styles: Styles, severity: Any) -> Restyle:
    fill = styles.fill(COLOURS[severity])
    return lambda style: styles.coloured(style, fill)


def _covered(grid: Grid) -> dict[str, str]:
    """Cells that a merged range hides, with the cell that is seen instead."""
    seen: dict[str, str] = {}
    for reference in apart(grid.merged):
        c1, r1, c2, r2 = merged_bounds(reference)
        for row in range(r1, min(r2, len(grid.rows) + 1) + 1):
            for column in range(c1, c2 + 1):
                seen[cell_name(row, column)] = cell_name(r1, c1)
    return seen


def _comment(name: str, problems: Sequence[Problem]) -> str:
    """What is wrong and what to do, for each problem of a cell."""
    parts = []
    for p in problems:
        place = f"{p.cell}: " if p.cell != name else ""
        parts.append(f"{place}{p.severity} {p.code}: {p.message}")
        if hint_of(p):
            parts.append(f"→ {hint_of(p)}")
    return allowed_text("\n".join(parts))
