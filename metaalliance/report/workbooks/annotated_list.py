"""The sheet `Problems` of a checked copy: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from xml.sax.saxutils import quoteattr

from metaalliance.messages import MESSAGES
from metaalliance.problems import Problem
from metaalliance.report.package.markup import fragment, shown
from metaalliance.report.package.styles import Styles
from metaalliance.sheet.columns.specification import find_column
from metaalliance.sheet.read.grid import cell_name
from metaalliance.sheet.template.archive import allowed_text, row_height

#: Colours of severities.
COLOURS: Final = {"error": "F4A7A0", "warning": "FFE699", "note": "DDEBF7"}

_ORDER = tuple(COLOURS)
_COLUMNS = {"severity": 10, "code": 9, "cell": 13, "in study": 30, "column": 20, "seen": 24,
            "message": 56, "what to do": 56}  # fmt: skip
_LINKED = 3
#: A sheet has at most so many links.
_MOST_LINKS = 65_000
_HEAD = (
    '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView>'
    "</sheetViews>"
)
_FOOT = (
    '<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
    '<pageSetup orientation="landscape" fitToHeight="0"/>'
)


def gravity(problem: Problem) -> int:
    """Return the rank of a problem, errors first."""
    return _ORDER.index(problem.severity)


def hint_of(problem: Problem) -> str:
    """Return what to do about a problem: its own hint, or that of its code."""
    return problem.hint or (MESSAGES[problem.code].remedy if problem.code in MESSAGES else "")


def problems_sheet(
    problems: Iterable[Problem], titles: Mapping[str, str], styles: Styles, space: str
) -> tuple[bytes, str]:
    """Return a sheet with one row a problem, errors first, with a link to its cell.

    Parameters
    ----------
    problems : iterable of Problem
        What is listed.
    titles : mapping
        Title in the copy of each sheet that was read.
    styles : Styles
        The styles of the workbook, to which those of the list are added.
    space : str
        Namespace of the workbook's sheets.

    Returns
    -------
    bytes, str
        The part, and the range of its table.
    """
    looks = _looks(styles)
    ordered = sorted(problems, key=gravity)
    rows = [_row(1, tuple(_COLUMNS), [looks["header"]] * len(_COLUMNS), "")]
    links: list[str] = []
    for number, problem in enumerate(ordered, start=2):
        texts = _texts(problem, several=len(titles) > 1)
        used = [looks[problem.severity], *[looks["text"]] * (len(_COLUMNS) - 1)]
        if (
            problem.sheet in titles
            and problem.cell
            and " " not in problem.cell
            and len(links) < _MOST_LINKS
        ):
            target = titles[problem.sheet].replace("'", "''")
            location = quoteattr(f"'{target}'!{problem.cell}")
            links.append(f'<hyperlink ref="{cell_name(number, _LINKED)}" location={location}/>')
            used[_LINKED - 1] = looks["link"]
        height = row_height(zip(texts, _COLUMNS.values(), strict=True))
        rows.append(_row(number, texts, used, f' ht="{height:g}" customHeight="1"'))
    table = f"A1:{cell_name(len(ordered) + 1, len(_COLUMNS))}"
    columns = "".join(
        f'<col min="{i}" max="{i}" width="{width}" customWidth="1"/>'
        for i, width in enumerate(_COLUMNS.values(), start=1)
    )
    listed = f"<hyperlinks>{''.join(links)}</hyperlinks>" if links else ""
    return fragment(
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<worksheet xmlns="{space}">{_HEAD}<cols>{columns}</cols>'
        f'<sheetData>{"".join(rows)}</sheetData><autoFilter ref="{table}"/>{listed}{_FOOT}'
        "</worksheet>"
    ), table


def _looks(styles: Styles) -> dict[str, int]:
    """The few styles of the list."""
    plain, line = styles.font(), styles.hair("D9D9D9")
    link = styles.font("u", color="0563C1")
    return {
        "header": styles.cell(fontId=styles.font("b"), fillId=styles.fill("D9D9D9")),
        "text": styles.cell(fontId=plain, borderId=line, wrapped=True),
        "link": styles.cell(fontId=link, borderId=line, wrapped=True),
        **{
            severity: styles.cell(
                fontId=plain, fillId=styles.fill(colour), borderId=line, wrapped=True
            )
            for severity, colour in COLOURS.items()
        },
    }


def _texts(p: Problem, *, several: bool) -> list[str]:
    """What the row of one problem says."""
    place = p.place if several else p.cell
    entries = [p.severity, p.code, place, p.study, p.column, p.seen, p.message, hint_of(p)]
    return [_unlike_a_header(allowed_text(entry)) for entry in entries]


def _row(number: int, texts: Iterable[str], styles: Iterable[int], more: str) -> str:
    """One row of text cells; text is never a formula."""
    cells = "".join(
        f'<c r="{cell_name(number, i)}" s="{style}" t="inlineStr"><is>'
        f'<t xml:space="preserve">{shown(text)}</t></is></c>'
        if text
        else f'<c r="{cell_name(number, i)}" s="{style}"/>'
        for i, (text, style) in enumerate(zip(texts, styles, strict=True), start=1)
    )
    return f'<row r="{number}"{more}>{cells}</row>'


def _unlike_a_header(text: str) -> str:
    """Quote what would make the list pass for a sheet with effects: the name of their label."""
    return f"“{text}”" if find_column(text) == "study" else text
