"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from metaalliance.report.manuscript.document import CHAPTERS, Document, Figure
from metaalliance.report.manuscript.prose import Prose, symbols
from metaalliance.report.renderers.pictures import inline_svg
from metaalliance.report.tables.table import Table

_TEMPLATES = ("report.html.j2", "report.css", "report.js")


@cache
def _sources() -> dict[str, str]:
    folder = files("metaalliance.report") / "templates"
    return {name: (folder / name).read_text(encoding="utf-8") for name in _TEMPLATES}


def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader(_sources()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["symbols"] = symbols
    return environment


def report_html(document: Document) -> str:
    """Return the report as one page: no scripts or styles from elsewhere, no network.

    A policy in the page forbids every request and every script but its own, so that text of
    the sheet can neither load nor run anything.
    """
    sources = _sources()
    script = sources["report.js"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            document=document,
            chapters=_chapters(document),
            numbers=document.numbers(),
            works=document.works(),
            kind=_kind,
            drawn=_drawn,
            resolve=document.resolve,
            style=Markup(sources["report.css"].replace("size: A4", f"size: {document.page}")),
            script=Markup(script),
            digest=digest,
        )
    )


def table_html(table: Table, number: str = "") -> str:
    """Return one table as an HTML fragment."""
    module: Any = (
        _environment()
        .get_template("report.html.j2")
        .make_module({"numbers": {f"table:{table.name}": number}, "fragment": True})
    )
    return str(module.table_block(table, number))


def _chapters(document: Document) -> list[tuple[str, str, list[Any]]]:
    """Name, heading and sections of each chapter that has any."""
    found = []
    for name, heading in CHAPTERS.items():
        parts = [(p.key, p.title, getattr(p, name)) for p in document.sections]
        filled = [part for part in parts if part[2]]
        if filled:
            found.append((name, heading, filled))
    return found


def _kind(block: object) -> str:
    names = {Prose: "prose", Table: "table", Figure: "figure"}
    return next(name for kind, name in names.items() if isinstance(block, kind))


def _drawn(figure: Figure) -> list[Markup]:
    """The pages of a figure as inline drawings."""
    return [
        Markup(inline_svg(svg, f"{figure.name}-{i}"))
        for i, (svg, _) in enumerate(figure.pages, start=1)
    ]
