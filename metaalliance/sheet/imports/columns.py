"""What becomes of the columns of a source that are no statistic: known ones, and the team's own."""

from __future__ import annotations

from collections.abc import Collection

from metaalliance.sheet.columns.names import other_name
from metaalliance.sheet.columns.specification import COLUMNS, Column, find_column
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.imports.entries import Asked
from metaalliance.sheet.imports.source import Table, own_name
from metaalliance.sheet.read.grid import is_blank


def placed(
    table: Table,
    house: str,
    used: Collection[int],
    asked: Asked,
    *,
    aliases: bool,
    taken: Collection[str] = (),
    without: Collection[str] = (),
) -> dict[int, str]:
    """The column of the coding sheet for every other column of a table.

    Parameters
    ----------
    table : Table
        The source.
    house : str
        What the name of an own column begins with where its header means something else here.
    used : collection of int
        Positions that are read already.
    asked : Asked
        What the command was told that headers mean.
    aliases : bool
        Whether headers are the team's, so that aliases count as they do in a sheet; a program's
        own headers count only where they are the names of columns.
    taken, without : collection of str
        Columns that are filled already, and groups of columns that are not filled from here.
    """
    found: dict[int, str] = {}
    told_of = {key_of(header): column for header, column in asked.columns.items()}
    names = {*taken, *told_of.values()}
    own: set[str] = set()
    for index, header in enumerate(table.headers):
        if index in used or all(is_blank(v) for v in table.values(index)):
            continue
        told = told_of.get(key_of(header)) if header else None
        name = told or (find_column(header) or (aliases and other_name(header)) or None)
        known = told or aliases or (name is not None and key_of(header) == key_of(name))
        free = name is not None and name not in names and COLUMNS[name].group not in without
        if name is None or not known or not (free or told):
            found[index] = own_name(header or f"column {index + 1}", house, own)
        elif told is None and not _readable(table, index, COLUMNS[name]):
            found[index] = own_name(f"{house} {header}", house, own)
        else:
            names.add(name)
            found[index] = name
    return found


def _readable(table: Table, index: int, column: Column) -> bool:
    """Whether the values of a column of levels are levels, or words of its own where it is open."""
    if column.kind not in {"choice", "text"} or column.group == "identity":
        return True
    texts = [str(v).strip() for v in table.values(index) if not is_blank(v)]
    vocabulary = column.vocabulary
    if vocabulary is not None and all(vocabulary.knows(t) for t in texts):
        return True
    if vocabulary is not None and not vocabulary.open:
        return any(vocabulary.find(t) for t in texts)  # the others are for `validate` to report
    return not all(t.replace(".", "", 1).isdigit() for t in texts)  # a house's numeric codes
