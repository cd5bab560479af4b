"""Works as they are cited, as APA text and as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from metaalliance.report.manuscript.works import WORKS
from metaalliance.wording.phrases import typographic

_MOST_AUTHORS = 20  # from 21 authors on APA prints the first 19 and the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One work.

    Attributes
    ----------
    key : str
        By which text cites it.
    authors : tuple of (str, str)
        Family name and initials, which those have not who are no persons.
    container : str
        Journal, or publisher of a book.
    volume, issue, pages : str
        As far as seen.
    doi : str
        DOI, or another address where there is none.
    """

    key: str
    authors: tuple[tuple[str, str], ...]
    year: int
    title: str
    container: str
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    kind: Literal["article", "book"] = "article"

    def parenthetical(self) -> str:
        """Return "Knapp & Hartung, 2003"."""
        return f"{self._names('&')}, {self.year}"

    def narrative(self) -> str:
        """Return "Knapp and Hartung (2003)"."""
        return f"{self._names('and')} ({self.year})"

    def label(self) -> str:
        """Return "Knapp & Hartung 2003", for tables."""
        return f"{self._names('&')} {self.year}"

    def _names(self, last: str) -> str:
        names = [family for family, _ in self.authors]
        if len(names) > 2:
            return f"{names[0]} et al."
        return f" {last} ".join(names)

    def address(self) -> str:
        """Return where the work is, if known."""
        if self.doi.startswith("https://"):
            return self.doi
        return f"https://doi.org/{quote(self.doi, safe='/:;()')}" if self.doi else ""

    def sort_key(self) -> tuple[str, int]:
        """Order of a list of references."""
        return "; ".join(f"{f} {i}" for f, i in self.authors).casefold(), self.year

    def apa(self) -> tuple[str, str, str]:
        """Return what stands before, in, and after italics in a list of references."""
        names = [typographic(", ".join(filter(None, name))) for name in self.authors]
        who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, & {names[-1]}"
        if len(names) > _MOST_AUTHORS:
            who = f"{', '.join(names[: _MOST_AUTHORS - 1])}, … {names[-1]}"
        end = f" {self.address()}" if self.doi else ""
        if self.kind == "book":
            title = typographic(self.title)
            return f"{who} ({self.year}). ", title, f". {self.container}.{end}"
        where = f", {self.volume}" if self.volume else ""
        after = f"({self.issue})" if self.issue else ""
        after += f", {self.pages}" if self.pages else ""
        title = typographic(self.title if self.title.endswith("?") else f"{self.title}.")
        return f"{who} ({self.year}). {title} ", f"{self.container}{where}", f"{after}.{end}"

    def bibtex(self) -> str:
        """Return the entry of a .bib file."""
        journal = self.kind == "article"
        fields = {
            "author": " and ".join(map(_in_bibtex, self.authors)),
            "title": f"{{{self.title}}}",
            "journal" if journal else "publisher": self.container,
            "year": str(self.year),
            "volume": self.volume,
            "number": self.issue,
            "pages": self.pages.replace("–", "--"),
            "url" if self.doi.startswith("https://") else "doi": self.doi,
        }
        lines = [
            f"  {k} = {{{_tex(v) if k not in {'doi', 'url'} else v}}},"
            for k, v in fields.items()
            if v
        ]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


def bibtex(works: Iterable[Work]) -> str:
    """Return a .bib file."""
    return "\n\n".join(work.bibtex() for work in works) + "\n"


def _in_bibtex(name: tuple[str, str]) -> str:
    family, initials = name
    return f"{family}, {initials}" if initials else f"{{{family}}}"


def _tex(text: str) -> str:
    return re.sub(r"(?<!\\)([&%$#_])", r"\\\1", text)


def _work(line: str) -> Work:
    names = ("key", "authors", "year", "title", "container", "volume", "pages", "doi")
    parts = dict(zip(names, (part.strip() for part in line.split("|")), strict=True))
    volume, _, issue = parts["volume"].removesuffix(")").partition("(")
    authors = (name.partition(", ") for name in parts["authors"].split("; "))
    book = parts["container"].startswith("book: ")
    return Work(
        key=parts["key"],
        authors=tuple((family, initials) for family, _, initials in authors),
        year=int(parts["year"]),
        title=parts["title"],
        container=parts["container"].removeprefix("book: "),
        volume=volume,
        issue=issue,
        pages=parts["pages"],
        doi=parts["doi"],
        kind="book" if book else "article",
    )


#: Every work by its key.
BIBLIOGRAPHY: dict[str, Work] = {work.key: work for work in map(_work, WORKS.strip().splitlines())}


def cited(source: str) -> list[str]:
    """Return the keys of works that a text like "Hedges 1981; Fieller et al. 1957" names."""
    labels = {part.strip() for part in source.split(";")}
    return [work.key for work in BIBLIOGRAPHY.values() if work.label() in labels]
