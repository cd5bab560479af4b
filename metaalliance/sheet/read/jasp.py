"""Read .jasp: internal.sqlite of newer versions, data.bin of those before 0.18."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import zipfile
from contextlib import closing
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.archives import columns_of, filtered, json_part, read_archive
from metaalliance.sheet.read.grid import Grid, check_size
from metaalliance.sheet.read.limits import MAX_ROWS
from metaalliance.sheet.read.variables import Variable, grid_of

#: 1,948 or 1.948,5: a number as it is shown.
_GROUPED = re.compile(r"(-?\d{1,3}(?:[.,'\s]\d{3})+)(?:[.,](\d+))?")
#: Words that JASP takes for missing unless told otherwise.
_MISSING_WORDS = frozenset({"", "nan", "NaN", "NA", "."})


def read_jasp(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return the data of a JASP file as a sheet.

    Raises
    ------
    UnreadableFileError
        When a part is missing, broken or too large.
    """
    return read_archive(content, name, "JASP", _read)


def _read(archive: zipfile.ZipFile, name: str) -> tuple[list[Grid], list[Problem]]:
    if "internal.sqlite" in archive.namelist():
        return _from_database(archive.read("internal.sqlite"), name)
    return _from_binary(archive, name)


# Before 0.18 ----------------------------------------------------------------------------


def _from_binary(archive: zipfile.ZipFile, name: str) -> tuple[list[Grid], list[Problem]]:
    data = json_part(archive, "metadata.json")["dataSet"]
    labels = json_part(archive, "xdata.json")
    fields = data["fields"]
    columns = columns_of(
        archive.read("data.bin"),
        int(data["rowCount"]),
        (entry["measureType"] == "Continuous" for entry in fields),
        name,
    )
    variables = []
    for entry, values in zip(fields, columns, strict=True):
        levels = labels.get(entry["name"], {}).get("labels") or []
        pairs = {int(level[0]): str(level[1]) for level in levels}
        if entry["measureType"] == "NominalText":
            read = [None if v is None else pairs.get(int(v), str(v)) for v in values]
            order = tuple(pairs.values())
            variables.append(Variable(name=str(entry["name"]), values=read, order=order))
        else:
            pairs = {code: text for code, text in pairs.items() if text != str(code)}
            variables.append(Variable(name=str(entry["name"]), values=values, levels=pairs))
    grid, found = grid_of(name, variables)
    left_out = sum(not kept for kept in data.get("filterVector") or ())
    words = {
        str(word)
        for words in (data.get("emptyValuesMap") or {}).values()
        for word in (words or {}).values()
    } - _MISSING_WORDS
    return [grid], _said(left_out, words) + found


def _said(left_out: int, words: set[str]) -> list[Problem]:
    """What JASP did to the rows and values."""
    found = filtered("JASP", left_out)
    if words:
        listed = ", ".join(map(repr, sorted(words)))
        message = f"values that JASP takes for missing are read as missing: {listed}."
        found.append(notice("MA115", message, severity="note"))
    return found


# Since 0.18 -----------------------------------------------------------------------------


def _from_database(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    with closing(sqlite3.connect(":memory:")) as base:
        base.deserialize(content)
        base.execute("PRAGMA trusted_schema = OFF")
        tables = dict(base.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        if any("virtual" in str(tables.get(t, "virtual")).lower() for t in ("Columns", "Labels")):
            raise ValueError("no table of columns")
        (dataset,) = base.execute("SELECT id FROM DataSets ORDER BY id LIMIT 1").fetchone()
        table = f"DataSet_{int(dataset)}"
        places = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
        (rows,) = base.execute(f"SELECT count(*) FROM {table}").fetchone()
        columns = base.execute(
            "SELECT * FROM Columns WHERE dataSet = ? ORDER BY colIdx", (dataset,)
        )
        keys = [entry[0] for entry in columns.description]
        entries = [dict(zip(keys, row, strict=True)) for row in columns]
        check_size(name, int(rows), len(entries))
        own = [_own_words(base, int(dataset))] * len(entries)
        words: set[str] = set()
        variables = [
            _variable(base, table, places, entry, empty, words)
            for entry, empty in zip(entries, own, strict=True)
        ]
        left_out = _left_out(base, table, places)
    grid, found = grid_of(name, variables)
    return [grid], _said(left_out, words - _MISSING_WORDS) + found


def _own_words(base: sqlite3.Connection, dataset: int) -> frozenset[str]:
    """Words that the data set declares missing."""
    (text,) = base.execute(
        "SELECT emptyValuesJson FROM DataSets WHERE id = ?", (dataset,)
    ).fetchone()
    return _words(text) or _MISSING_WORDS


def _words(text: str | None) -> frozenset[str]:
    read = json.loads(text) if text else None
    strings = read.get("strings") if isinstance(read, dict) else read
    return frozenset(map(str, strings or ()))


def _left_out(base: sqlite3.Connection, table: str, places: list[str]) -> int:
    filters = [p for p in places if p.startswith("Filter_") and p[7:].isdigit()]
    counts = [
        int(base.execute(f"SELECT count(*) FROM {table} WHERE {p} = 0").fetchone()[0])
        for p in filters
    ]
    return max(counts, default=0)


def _variable(
    base: sqlite3.Connection,
    table: str,
    places: list[str],
    entry: dict[str, Any],
    empty: frozenset[str],
    words: set[str],
) -> Variable:
    """One column: each cell points at a label, which holds the original value beside its text."""
    column = int(entry["id"])
    labels = {
        value: (str(text or "").strip(), _original(original))
        for value, text, original in base.execute(
            "SELECT value, label, originalValueJson FROM Labels WHERE columnId = ? "
            "ORDER BY ordering",
            (column,),
        )
    }
    empty = _words(entry.get("emptyValuesJson")) or empty
    number, pointer = f"Column_{column}_DBL", f"Column_{column}_INT"
    if pointer not in places:  # since 0.98 the pointer alone
        number, pointer = "NULL", f"Column_{column}"
    if pointer not in places:
        raise UnreadableFileError(
            "This JASP file is of a newer version than is known; export its data as .csv.",
            code="MA105",
        )
    query = f"SELECT {number}, {pointer} FROM {table} ORDER BY rowNumber LIMIT {MAX_ROWS + 1}"
    values = [_value(real, labels.get(at), empty, words) for real, at in base.execute(query)]
    shown = {
        original: text
        for text, original in labels.values()
        if isinstance(original, int | float) and text and not _same(text, original)
    }
    title = str(entry.get("title") or "").strip() or str(entry.get("description") or "").strip()
    order = tuple(t for t, original in labels.values() if isinstance(original, str) and t)
    return Variable(
        name=str(entry["name"]),
        label=title,
        values=values,
        levels=shown,
        order=() if shown else order,
    )


def _original(text: Any) -> Any:
    """The value of a label as it was imported: a number or text."""
    try:
        value = json.loads(text) if text else None
    except ValueError:
        return str(text).strip()
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole and value is not None else value


def _same(text: str, number: float) -> bool:
    """Whether a label only shows its number: in fewer digits, or with grouped thousands."""
    plain = text.replace("−", "-")
    try:
        return math.isclose(float(plain), number, rel_tol=1e-6)
    except ValueError:
        pass
    grouped = _GROUPED.fullmatch(plain)
    if grouped is None:
        return False
    whole, decimals = re.sub(r"[^0-9-]", "", grouped[1]), grouped[2] or ""
    return math.isclose(float(f"{whole}.{decimals or 0}"), number, rel_tol=1e-6)


def _value(real: Any, label: tuple[str, Any] | None, empty: frozenset[str], words: set[str]) -> Any:
    """Value of one cell; where JASP has no number, it stores the text 'nan'."""
    text, original = label or ("", None)
    if isinstance(original, str):
        word = original.strip()
        if word in empty:
            words.add(word)
            return None
        return text or word or None
    if original is not None:
        if str(original) in empty:
            words.add(str(original))
            return None
        return original
    if isinstance(real, int | float):
        return float(real)
    return text or None
