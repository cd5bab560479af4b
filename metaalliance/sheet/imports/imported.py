"""Import a file of another program: what was found, as a coding workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from metaalliance.errors import OptionError, UnreadableFileError
from metaalliance.files import write_whole
from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.columns.header_rows import find_header
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, key_of
from metaalliance.sheet.imports.comparison import set_directions
from metaalliance.sheet.imports.entries import Asked, Entry, Found, LeftOut
from metaalliance.sheet.imports.houses import HOUSES, House
from metaalliance.sheet.imports.package import data_rows
from metaalliance.sheet.imports.source import Source
from metaalliance.sheet.imports.workbook import cell_of, columns_of, imported_workbook
from metaalliance.sheet.read.source import read_source


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """A file of another program as rows of the coding sheet.

    Attributes
    ----------
    file, house : str
        What was read, and whose file it is.
    columns : tuple of str
        Columns of the coding sheet.
    entries : tuple of dict
        Its rows: cells with value, place in the source, and what was done.
    left_out : tuple of LeftOut
        Rows and cells of the source that became no row, each with its reason.
    questions : tuple of Problem
        What a person has to decide or to know, with its first cell.
    meaning : str
        What pooling these numbers as r means; "" where they are correlations.
    """

    file: str
    house: str
    columns: tuple[str, ...] = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)
    left_out: tuple[LeftOut, ...] = field(repr=False)
    questions: tuple[Problem, ...] = field(repr=False)
    meaning: str = ""
    unit: str = "rows"

    @property
    def frame(self) -> pd.DataFrame:
        """The rows, with the columns that have a value."""
        rows = [{name: cell.value for name, cell in entry.items()} for entry in self.entries]
        filled = [c for c in self.columns if any(c in entry for entry in self.entries)]
        return pd.DataFrame(rows, columns=filled)

    @property
    def origins(self) -> pd.DataFrame:
        """For each cell: its column, study and value, its place in the source, what was done."""
        at = {name: i for i, name in enumerate(self.columns)}
        records = [
            {
                "cell": cell_of(index, at[name]),
                "study": str(entry["study"].value) if "study" in entry else "",
                "column": name,
                "value": cell.value,
                "source": cell.place,
                "what was done": cell.how or "as it stands",
            }
            for index, entry in enumerate(self.entries)
            for name, cell in sorted(entry.items(), key=lambda pair: at[pair[0]])
        ]
        return pd.DataFrame(
            records, columns=["cell", "study", "column", "value", "source", "what was done"]
        )

    @property
    def used(self) -> int:
        """How many rows are included."""
        return sum("include" not in e or e["include"].value != "no" for e in self.entries)

    def to_workbook(self) -> bytes:
        """Return the coding workbook as .xlsx; equal content gives equal bytes."""
        return imported_workbook(
            self.file,
            self.columns,
            self.entries,
            self.origins,
            self.questions,
            self.left_out,
            self.meaning,
        )

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the coding workbook; an existing file is replaced by `force` only.

        Raises
        ------
        OptionError
            When the name does not end in .xlsx, or the file exists.
        """
        target = Path(path)
        if target.suffix.lower() != ".xlsx":
            raise OptionError(f"{target} must end in .xlsx: the coding sheet is an Excel workbook.")
        if target.exists() and not force:
            raise OptionError(f"{target} exists already; force=True replaces it.", code="MA691")
        write_whole(target, self.to_workbook())
        return target


def import_sheet(
    path: str | Path,
    *,
    house: str | None = None,
    sheet: str | None = None,
    reviewer: str | None = None,
    directions: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Imported:
    """Read an export of another program as rows of the coding sheet.

    Parameters
    ----------
    path : str or Path
        RevMan (.rm5, its CSV or data package), Covidence, metapsy, Comprehensive
        Meta-Analysis, or a wide sheet.
    house : {"revman", "covidence", "metapsy", "cma", "wide"}, optional
        Whose file it is; by default it is told by its content.
    sheet : str, optional
        Sheet of a workbook.
    reviewer : str, optional
        Whose rows of a Covidence export are read, in place of the consensus.
    directions : mapping of str to str, optional
        ``higher_better`` or ``lower_better`` by the name of an outcome; ``"*"`` for all others.
    columns : mapping of str to str, optional
        Columns of the coding sheet by headers of the source, for questions and moderators of
        the team: ``{"N analysed": "n"}``.

    Returns
    -------
    Imported
        The rows; nothing is written before `save`.

    Raises
    ------
    UnreadableFileError
        When the file cannot be read, is of no known house, or can be read as it is.
    """
    content, name = data_rows(*read_source(path))
    source = Source(content, name)
    asked = Asked(
        sheet=sheet,
        reviewer=reviewer,
        directions=_directions(directions or {}),
        columns=_columns(columns or {}),
    )
    chosen = _house(source, house, sheet)
    if reviewer is not None and chosen.name != "covidence":
        raise OptionError(f"a reviewer is chosen in Covidence's exports; {name} is {chosen.words}.")
    found = chosen.read(source, asked)
    if found.entries:
        _check_columns(found, asked, source, chosen)
        set_directions(found, asked)
    if source.chosen is not None:
        table = source.chosen
        found.left_out += [LeftOut(table.line(n), "", why) for n, why in table.totals.items()]
    if not found.entries:
        reasons = "; ".join(dict.fromkeys(x.reason for x in found.left_out)) or "no rows of data"
        raise UnreadableFileError(f"{name} holds no effect to import: {reasons}.", code="MA136")
    return _imported(found, name, chosen)


def _directions(given: Mapping[str, str]) -> dict[str, str]:
    """Directions as their levels.

    Raises
    ------
    OptionError
        When one is none.
    """
    levels = {}
    for outcome, direction in given.items():
        level = VOCABULARIES["outcome_direction"].find(direction)
        if level is None:
            raise OptionError(
                f"The direction of {outcome!r} is higher_better or lower_better, not {direction!r}."
            )
        levels[outcome] = level
    return levels


def _columns(given: Mapping[str, str]) -> dict[str, str]:
    """Columns by header.

    Raises
    ------
    OptionError
        When the coding sheet has no such column, or two headers are to be one.
    """
    unknown = [c for c in given.values() if c not in COLUMNS]
    if unknown:
        raise OptionError(
            f"The coding sheet has no column {unknown[0]!r}; metaalliance template lists them."
        )
    twice = next((c for c in given.values() if list(given.values()).count(c) > 1), None)
    if twice is not None:
        headers = " and ".join(repr(h) for h, c in given.items() if c == twice)
        raise OptionError(f"{headers} cannot both be {twice!r}: a column has one header.")
    return dict(given)


def _check_columns(found: Found, asked: Asked, source: Source, house: House) -> None:
    """Refuse what the command was told of headers that are not there or not read so.

    Raises
    ------
    OptionError
        When one is.
    """
    headers = source.chosen.headers if source.chosen is not None else ()
    for told, column in asked.columns.items():
        header = next((h for h in headers if h and key_of(h) == key_of(told)), None)
        if header is None:
            listed = ", ".join(repr(h) for h in headers if h) or "none"
            raise OptionError(f"{source.name} has no header {told!r}; it has {listed}.")
        if not any(column in e and header in e[column].place for e in found.entries):
            raise OptionError(
                f"{header!r} cannot be {column!r}: it is blank in every row that is read, or "
                f"{house.words} reads one of them as something else."
            )


def _house(source: Source, wanted: str | None, sheet: str | None) -> House:
    """The house of a file, as asked for or by its content."""
    house: House | None
    if wanted is not None:
        house = next((h for h in HOUSES if h.name == wanted), None)
        if house is None:
            names = ", ".join(h.name for h in HOUSES)
            raise OptionError(f"There is no house {wanted!r}; --from takes {names}.")
        if not house.fits(source, sheet):
            raise UnreadableFileError(
                f"{source.name} is no file of {house.words}: it lacks {house.needs}.", code="MA134"
            )
        return house
    for house in HOUSES:
        if house.fits(source, sheet):
            return house
    if any(find_header(g, Scheme()) for g in source.grids if g.visible):
        raise UnreadableFileError(
            f"{source.name} has one row for each effect already; it can be read as it is: "
            f"metaalliance validate {source.name}.",
            code="MA131",
        )
    listed = "; ".join(f"{h.words}: {h.needs}" for h in HOUSES)
    raise UnreadableFileError(
        f"{source.name} has the layout of no known house ({listed}). For a sheet of your own, "
        f"metaalliance init {source.name} proposes what each column is.",
        code="MA130",
    )


def _imported(found: Found, file: str, house: House) -> Imported:
    """Give the own columns their names, and the questions their cells."""
    columns, entries = columns_of(found.entries, house.name)
    at = {name: i for i, name in enumerate(columns)}
    questions = [
        Problem(
            code=q.code,
            severity=severity_of(q.code),
            message=q.text,
            hint=q.hint,
            sheet="effects" if q.entries else "",
            cell=cell_of(q.entries[0], at.get(q.column, 0)) if q.entries else "",
            row=q.entries[0] + 2 if q.entries else None,
            column=q.column,
        )
        for q in found.questions
    ]
    return Imported(
        file=file,
        house=house.name,
        columns=columns,
        entries=tuple(entries),
        left_out=tuple(found.left_out),
        questions=tuple(questions),
        meaning=found.meaning,
        unit=found.unit,
    )
