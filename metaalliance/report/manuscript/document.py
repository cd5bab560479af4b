"""A report before it has a format: sections of paragraphs, tables and figures, numbered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from metaalliance.options import Paper
from metaalliance.report.manuscript.bibliography import BIBLIOGRAPHY, Work
from metaalliance.report.manuscript.prose import Prose, Run
from metaalliance.report.tables.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A drawn figure.

    Attributes
    ----------
    name : str
        What references call it.
    title : str
        Caption.
    alt : str
        Text for readers who cannot see it.
    width_mm : float
        Exact width.
    pages : tuple of (bytes, bytes)
        SVG and PNG of each page.
    note : Prose
        What stands under it.
    folded : bool
        Whether a screen may fold it away because it is long.
    """

    name: str
    title: str
    alt: str
    width_mm: float
    pages: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    note: Prose = field(default_factory=Prose)
    folded: bool = False


Block = Prose | Table | Figure
#: Parts of a report in the order of print, with their headings in every format.
CHAPTERS = {"methods": "Method", "results": "Results", "appendix": "Supplement"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What one analysis has to say: how it was done and what came out.

    Attributes
    ----------
    key, title : str
        Anchor and heading.
    methods, results : tuple of Prose, Table or Figure
        Blocks of the two chapters; either may be empty.
    appendix : tuple of Table or Figure
        What a manuscript puts into its supplement.
    """

    key: str
    title: str
    methods: tuple[Block, ...] = ()
    results: tuple[Block, ...] = ()
    appendix: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The whole report.

    Attributes
    ----------
    title : str
        Title of the review.
    authors : str
        As the team gave them; may be blank.
    summary : tuple of Prose
        The result in a few sentences.
    attention : tuple of Prose
        What the authors should look at; not part of the manuscript.
    sections : tuple of Section
        In the order of print.
    facts : tuple of (str, str)
        What was read, with which versions.
    page : {"a4", "letter"}
        Paper of print.
    """

    title: str
    authors: str = ""
    summary: tuple[Prose, ...] = ()
    attention: tuple[Prose, ...] = ()
    sections: tuple[Section, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    page: Paper = "a4"

    def blocks(self) -> Iterator[Block]:
        """Every block in the order of print."""
        yield from self.summary
        for name in CHAPTERS:
            for section in self.sections:
                yield from getattr(section, name)

    def tables(self) -> list[Table]:
        """Every table in the order of print."""
        return [block for block in self.blocks() if isinstance(block, Table)]

    def figures(self) -> list[Figure]:
        """Every figure in the order of print."""
        return [block for block in self.blocks() if isinstance(block, Figure)]

    def numbers(self) -> dict[str, str]:
        """Return "Table 2" by "table:models"; appendix numbers begin with S."""
        found: dict[str, str] = {}
        for prefix, names in (("", ("methods", "results")), ("S", ("appendix",))):
            blocks = [b for n in names for s in self.sections for b in getattr(s, n)]
            tables = [b for b in blocks if isinstance(b, Table)]
            figures = [b for b in blocks if isinstance(b, Figure)]
            for i, table in enumerate(tables, start=1):
                found[f"table:{table.name}"] = f"Table {prefix}{i}"
            for i, figure in enumerate(figures, start=1):
                found[f"figure:{figure.name}"] = f"Figure {prefix}{i}"
        return found

    def resolve(self, text: Prose) -> Prose:
        """Return a paragraph whose references are numbers of tables and figures."""
        numbers = self.numbers()
        runs = (
            Run(numbers.get(run.text, run.text), "plain") if run.look == "reference" else run
            for run in text.runs
        )
        return Prose(tuple(runs), text.cited)

    def works(self) -> list[Work]:
        """Return what is cited, in the order of a list of references."""
        keys = {key for block in self._texts() for key in block.cited}
        return sorted((BIBLIOGRAPHY[key] for key in keys), key=lambda work: work.sort_key())

    def _texts(self) -> Sequence[Prose]:
        blocks = list(self.blocks())
        notes = [block.note for block in blocks if isinstance(block, Figure)]
        return [block for block in blocks if isinstance(block, Prose)] + notes
