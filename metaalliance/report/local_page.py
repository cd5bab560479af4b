"""The page of `metaalliance serve`: drop a workbook, see its problems, download the report."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

_TEMPLATES = ("local_page.html.j2", "local_page.css", "local_page.js")
#: Most problems of one severity on the page; the checked copy holds all.
MOST_SHOWN = 500
_SEVERITIES = (("error", "Errors"), ("warning", "Warnings"), ("note", "Notes"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """What the page shows.

    Attributes
    ----------
    stage : str
        idle, receiving, checking, analysing or done.
    file : str
        Name of the workbook.
    problems : sequence of dict
        Problems of the sheet, as `Problem.to_dict` gives them.
    message : str
        Why there is no result; empty when there is one.
    summary : sequence of str
        Title and paragraphs of the result.
    downloads : sequence of str
        Names of the files that can be downloaded.
    largest : int
        Largest workbook that is taken, in bytes.
    """

    stage: str
    file: str = ""
    problems: Sequence[dict[str, Any]] = ()
    message: str = ""
    summary: Sequence[str] = ()
    downloads: Sequence[str] = field(default=())
    largest: int


def local_page(state: PageState) -> tuple[str, str]:
    """Return the page and the policy under which a browser shows it.

    The policy allows this page's own script and style and requests to this server, nothing
    else; text of the sheet is escaped, and could not run if it were not.
    """
    sources = _sources()
    style, script = sources["local_page.css"], sources["local_page.js"]
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("local_page.html.j2").render(
        state=state,
        groups=_groups(state.problems),
        shown=MOST_SHOWN,
        style=Markup(style),
        script=Markup(script),
    )
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return text, policy


@cache
def _sources() -> dict[str, str]:
    folder = files("metaalliance.report") / "templates"
    return {name: (folder / name).read_text(encoding="utf-8") for name in _TEMPLATES}


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _groups(problems: Sequence[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Problems by severity, the worst first; severities without any are left out."""
    found = []
    for severity, heading in _SEVERITIES:
        group = [p for p in problems if p["severity"] == severity]
        if group:
            found.append((severity, heading, group))
    return found
