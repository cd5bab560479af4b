"""Sentences with numbers filled in: our own markup is read once, values stay inert."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from metaalliance.report.manuscript.bibliography import BIBLIOGRAPHY
from metaalliance.wording.phrases import typographic
from metaalliance.wording.untrusted import printable

Look = Literal["plain", "italic", "bold", "reference"]

_TOKEN = re.compile(
    r"\*\*(?P<bold>[^*]+)\*\*|\*(?P<italic>[^*]+)\*|\{(?P<ref>(?:table|figure):[a-z0-9_-]+)\}"
    r"|\{(?P<value>[A-Za-z_0-9]+)\}|\[(?P<cite>@[^\]]+)\]|@(?P<narrative>[a-z]+\d{4}[a-z]?)"
)


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look.

    Attributes
    ----------
    text : str
        What is printed; of a reference, the target ("table:models").
    look : {"plain", "italic", "bold", "reference"}
        How; a reference becomes "Table 2".
    """

    text: str
    look: Look = "plain"


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph.

    Attributes
    ----------
    runs : tuple of Run
        Its text.
    cited : tuple of str
        Keys of the bibliography, in order of citation.
    """

    runs: tuple[Run, ...] = ()
    cited: tuple[str, ...] = ()

    def __add__(self, other: Prose) -> Prose:
        """Return both, with a blank between them where both have text and the second no comma."""
        gap = (Run(" "),) if self.runs and other.runs and other.plain()[:1] != "," else ()
        return Prose(self.runs + gap + other.runs, self.cited + other.cited)

    def __bool__(self) -> bool:
        return bool(self.runs)

    def plain(self) -> str:
        """Return the text without its looks; references by their target."""
        return "".join(run.text for run in self.runs)


def prose(template: str, **values: Any) -> Prose:
    """Fill a template of ours with values.

    Parameters
    ----------
    template : str
        Text with ``*italic*``, ``**bold**``, ``{value}``, ``{table:name}``, ``{figure:name}``,
        ``[@key; @key]`` for a citation in brackets and ``@key`` for one in the sentence.
    **values
        Texts, or other paragraphs. Nothing in them is read as markup.

    Examples
    --------
    >>> prose("*r* = {r} for {who}", r=".28", who="*A* {b}").plain()
    'r = .28 for *A* {b}'
    """
    runs: list[Run] = []
    cited: list[str] = []
    for piece in _pieces(" ".join(template.split()), values):
        if isinstance(piece, Prose):
            runs += piece.runs
            cited += piece.cited
        else:
            runs.append(piece)
    return Prose(tuple(runs), tuple(cited))


def joined(parts: Iterable[Prose]) -> Prose:
    """Return paragraphs as one."""
    whole = Prose()
    for part in parts:
        whole = whole + part
    return whole


def listed(parts: Iterable[str], last: str = "and") -> str:
    """Return "a", "a and b", or "a, b, and c".

    Examples
    --------
    >>> listed(["a", "b"]), listed(["a", "b", "c"])
    ('a and b', 'a, b, and c')
    """
    texts = list(parts)
    if len(texts) < 3:
        return f" {last} ".join(texts)
    return f"{', '.join(texts[:-1])}, {last} {texts[-1]}"


def symbols(text: str) -> Prose:
    """Return a heading or note of ours with the symbols of statistics in italics.

    Examples
    --------
    >>> [run.text for run in symbols("p of Q").runs if run.look == "italic"]
    ['p', 'Q']
    """
    text, at = typographic(text), 0
    runs: list[Run] = []
    for found in _SYMBOL.finditer(text):
        runs += [Run(text[at : found.start()]), Run(found.group(), "italic")]
        at = found.end()
    return Prose(tuple(run for run in (*runs, Run(text[at:])) if run.text))


_SYMBOL = re.compile(r"(?<![\w'’.-])(?:SE|SD|df|[rpnkmtzQFNMI])(?![\w'’.-])|(?<!\w)[IR](?=²)")


def _pieces(text: str, values: dict[str, Any]) -> Iterator[Run | Prose]:
    """Text and values of a template, in order."""
    at = 0
    for found in _TOKEN.finditer(text):
        if found.start() > at:
            yield Run(typographic(text[at : found.start()]))
        at = found.end()
        yield _piece(found, values)
    if at < len(text):
        yield Run(typographic(text[at:]))


def _inert(text: str) -> str:
    """Return a value without control characters; a blank at either end stays."""
    before, after = text[:1].isspace(), text[-1:].isspace()
    return f"{' ' if before else ''}{printable(text)}{' ' if after else ''}"


def _piece(found: re.Match[str], values: dict[str, Any]) -> Run | Prose:
    kind, content = str(found.lastgroup), str(found[str(found.lastgroup)])
    if kind == "value":
        value = values[content]
        return value if isinstance(value, Prose) else Run(_inert(str(value)))
    if kind in {"bold", "italic"}:
        return Run(content, "bold" if kind == "bold" else "italic")
    if kind == "ref":
        return Run(content, "reference")
    keys = [key.strip().removeprefix("@") for key in content.split(";")]
    works = [BIBLIOGRAPHY[key] for key in keys]
    if kind == "narrative":
        text = works[0].narrative()
    else:
        text = f"({'; '.join(sorted(work.parenthetical() for work in works))})"
    return Prose((Run(text),), tuple(keys))
