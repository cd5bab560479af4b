"""Tables and paragraphs as Markdown."""

from __future__ import annotations

import re

from metaalliance.report.manuscript.document import CHAPTERS, Document, Figure, Section
from metaalliance.report.manuscript.prose import Prose, Run, symbols
from metaalliance.report.tables.table import Table

_LIVE = re.compile(r"([\\`*_{}\[\]<>#|~$!&^])")
_JOINER = "\N{WORD JOINER}"
#: What a paragraph must not begin with: lists and underlines of headings.
_START = re.compile(r"^(\d*)([-+=.)])")


def escape(text: str) -> str:
    r"""Return text in which nothing is markup.

    Examples
    --------
    >>> print(escape("<script>*x*"))
    \<script\>\*x\*
    """
    return _LIVE.sub(r"\\\1", text).replace("://", f":{_JOINER}//")


def table_markdown(table: Table, number: str = "") -> str:
    """Return the table as GitHub's Markdown with its caption and notes."""
    head, *body = [[escape(text) for text in row] for row in table.cells()]
    lines = [f"**{number}**  " if number else "", f"*{escape(table.title)}*", ""]
    lines += [_line(head), _line(["---" if f.kind == "text" else "--:" for f in table.fields])]
    lines += [_line(row) for row in body]
    lines += ["", *(f"*Note.* {_runs(symbols(note))}" for note in table.notes)]
    return "\n".join(lines).strip() + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def prose_markdown(text: Prose) -> str:
    """Return a paragraph."""
    return _START.sub(r"\1\\\2", _runs(text))


def _runs(text: Prose) -> str:
    return "".join(_run(run) for run in text.runs)


def _run(run: Run) -> str:
    mark = {"italic": "*", "bold": "**"}.get(run.look, "")
    return f"{mark}{escape(run.text)}{mark}" if run.text else ""


def text_markdown(document: Document) -> str:
    """Return methods, results and references without figures."""
    lines = [f"# {escape(document.title)}", ""]
    if document.authors:
        lines += [escape(document.authors), ""]
    for name, heading in CHAPTERS.items():
        parts = [part for part in document.sections if getattr(part, name)]
        lines += [f"## {heading}", ""] if parts else []
        for part in parts:
            lines += [f"### {escape(part.title)}", "", *_blocks(document, part, name)]
    lines += ["## References", ""]
    for work in document.works():
        before, italic, after = work.apa()
        shown = f"{escape(before)}*{escape(italic)}*{escape(after)}"
        ours = shown.replace(_JOINER, "")  # our own addresses may be links
        lines.append(f"- {ours}")
    return "\n".join(lines) + "\n"


def _blocks(document: Document, section: Section, name: str) -> list[str]:
    numbers, lines = document.numbers(), []
    for block in getattr(section, name):
        if isinstance(block, Prose):
            lines += [prose_markdown(document.resolve(block)), ""]
        elif isinstance(block, Table):
            lines += [table_markdown(block, numbers[f"table:{block.name}"])]
        elif isinstance(block, Figure):
            lines += [f"**{numbers[f'figure:{block.name}']}**. *{escape(block.title)}*", ""]
    return lines
