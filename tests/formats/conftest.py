"""One sheet of six effects in every format, and the formats written by hand."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from binary_books import binary_workbook_of

import metaalliance as ma

FILES = Path(__file__).parent / "files"
#: The rows of scripts/make_format_files.R.
SHEET: dict[str, list[Any]] = {
    "study": ["Ames 2001", "Boll 2004", "Boll 2004", "Crane 2010", "Dörn 2012", "Eder 2015"],
    "r": [0.35, 0.2, -0.1, 0.31, 0.05, None],
    "fisher_z": [None, None, None, None, None, 0.25],
    "n": [40, 55, 55, 120, 95, 60],
    "setting_kind": ["ward", "clinic", None, "clinic", "ward", "home"],
    "dose": ["low", "high", "high", "low", None, "mid"],
}


@pytest.fixture
def sheet() -> dict[str, list[Any]]:
    return {name: list(values) for name, values in SHEET.items()}


@pytest.fixture
def files() -> Path:
    return FILES


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to_file(content: bytes, name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return to_file


@pytest.fixture
def codes() -> Callable[[ma.Studies], list[str]]:
    return lambda studies: [p.code for p in studies.problems]


@pytest.fixture
def said() -> Callable[[ma.Studies, str], list[str]]:
    """Messages of one code."""
    return lambda studies, code: [p.message for p in studies.problems if p.code == code]


@pytest.fixture
def errors() -> Callable[[ma.Studies], list[tuple[str, str]]]:
    """Code and cell of each error."""
    return lambda studies: [(p.code, p.cell) for p in studies.errors]


# Archives -------------------------------------------------------------------------------


def archive(parts: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in parts.items():
            written.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def zipped() -> Callable[..., bytes]:
    return archive


def _integers(values: Sequence[int | None]) -> bytes:
    return struct.pack(f"<{len(values)}i", *(-(2**31) if v is None else v for v in values))


def _floats(values: Sequence[float | None]) -> bytes:
    return struct.pack(f"<{len(values)}d", *(float("nan") if v is None else v for v in values))


def _jamovi(
    columns: dict[str, list[Any]], fields: dict[str, dict[str, Any]] | None = None
) -> bytes:
    """An .omv file: numbers as decimals, the first text as an ID, other texts as levels."""
    described, xdata, data, strings = [], {}, b"", b""
    for name, values in columns.items():
        field = {"name": name, "columnType": "Data", "type": "integer"}
        texts = [v for v in values if isinstance(v, str)]
        if name == "study":
            field |= {"dataType": "Text", "measureType": "ID", "type": "string"}
            starts = []
            for value in values:
                starts.append(None if value is None else len(strings))
                strings += b"" if value is None else value.encode() + b"\x00"
            data += _integers(starts)
        elif texts:
            field |= {"dataType": "Text", "measureType": "Nominal"}
            levels = list(dict.fromkeys(texts))
            xdata[name] = {"labels": [[i, t, t, False] for i, t in enumerate(levels)]}
            data += _integers([None if v is None else levels.index(v) for v in values])
        elif all(isinstance(v, int) for v in values):
            field |= {"dataType": "Integer", "measureType": "Nominal"}
            xdata[name] = {"labels": [[v, str(v), str(v), False] for v in sorted(set(values))]}
            data += _integers(values)
        else:
            field |= {"dataType": "Decimal", "measureType": "Continuous", "type": "number"}
            data += _floats(values)
        extra = dict((fields or {}).get(name, {}))
        if "labels" in extra:
            xdata[name] = {"labels": extra.pop("labels")}
        described.append(field | extra)
    rows = len(next(iter(columns.values())))
    metadata = {"dataSet": {"rowCount": rows, "columnCount": len(columns), "fields": described}}
    return archive(
        {
            "meta": "Manifest-Version: 1.0\njamovi-Archive-Version: 11.0\n",
            "metadata.json": json.dumps(metadata),
            "xdata.json": json.dumps(xdata),
            "data.bin": data,
            "strings.bin": strings,
        }
    )


@pytest.fixture
def jamovi() -> Callable[..., bytes]:
    return _jamovi


def _old_jasp(columns: dict[str, list[Any]], **dataset: Any) -> bytes:
    """A .jasp file of versions before 0.18."""
    described, xdata, data = [], {}, b""
    for name, values in columns.items():
        texts = [v for v in values if isinstance(v, str)]
        if texts:
            levels = list(dict.fromkeys(texts))
            xdata[name] = {"labels": [[i, t, True] for i, t in enumerate(levels, 1)]}
            data += _integers([None if v is None else levels.index(v) + 1 for v in values])
            described.append({"name": name, "measureType": "NominalText", "type": "integer"})
        else:
            data += _floats(values)
            described.append({"name": name, "measureType": "Continuous", "type": "number"})
    rows = len(next(iter(columns.values())))
    metadata = {"rowCount": rows, "columnCount": len(columns), "fields": described, **dataset}
    return archive(
        {
            "META-INF/MANIFEST.MF": "Created-By: JASP 0.16.4\nJASP-Archive-Version: 3.1\n",
            "metadata.json": json.dumps({"dataSet": metadata}),
            "xdata.json": json.dumps(xdata),
            "data.bin": data,
        }
    )


@pytest.fixture
def old_jasp() -> Callable[..., bytes]:
    return _old_jasp


def _new_jasp(
    columns: dict[str, list[Any]],
    *,
    pointers: bool = False,
    labels: dict[str, dict[Any, str]] | None = None,
    titles: dict[str, str] | None = None,
    filtered: Sequence[int] = (),
    empty: Sequence[str] = (".", "NA", "NaN", "nan"),
) -> bytes:
    """A .jasp file since 0.18; with `pointers` that of 0.98, which has labels alone."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE DataSets (id INTEGER PRIMARY KEY, emptyValuesJson TEXT)")
    base.execute(
        "CREATE TABLE Columns (id INTEGER PRIMARY KEY, dataSet INT, name TEXT, title TEXT, "
        "description TEXT, columnType TEXT, colIdx INT, emptyValuesJson TEXT)"
    )
    base.execute(
        "CREATE TABLE Labels (id INTEGER PRIMARY KEY, columnId INT, value INT, ordering INT, "
        "label TEXT, originalValueJson TEXT)"
    )
    base.execute("INSERT INTO DataSets VALUES (1, ?)", (json.dumps({"strings": list(empty)}),))
    base.execute("CREATE TABLE DataSet_1 (rowNumber INTEGER PRIMARY KEY, Filter_1 INT DEFAULT 1)")
    rows = len(next(iter(columns.values())))
    base.executemany(
        "INSERT INTO DataSet_1 VALUES (?, ?)",
        [(i, int(i not in filtered)) for i in range(1, rows + 1)],
    )
    for number, (name, values) in enumerate(columns.items(), start=1):
        base.execute(
            "INSERT INTO Columns VALUES (?, 1, ?, ?, '', 'nominal', ?, NULL)",
            (number, name, (titles or {}).get(name, ""), number - 1),
        )
        present = list(dict.fromkeys(v for v in values if v is not None))
        shown = (labels or {}).get(name, {})
        for at, value in enumerate(present):
            text = shown.get(value, value if isinstance(value, str) else "")
            base.execute(
                "INSERT INTO Labels (columnId, value, ordering, label, originalValueJson) "
                "VALUES (?, ?, ?, ?, ?)",
                (number, at, at, text, json.dumps(value)),
            )
        pointer = f"Column_{number}" if pointers else f"Column_{number}_INT"
        base.execute(f"ALTER TABLE DataSet_1 ADD {pointer} INT")
        if not pointers:
            base.execute(f"ALTER TABLE DataSet_1 ADD Column_{number}_DBL REAL")
        for row, value in enumerate(values, start=1):
            at = -1 if value is None else present.index(value)
            base.execute(f"UPDATE DataSet_1 SET {pointer} = ? WHERE rowNumber = ?", (at, row))
            if not pointers:
                real = "nan" if value is None or isinstance(value, str) else float(value)
                base.execute(
                    f"UPDATE DataSet_1 SET Column_{number}_DBL = ? WHERE rowNumber = ?", (real, row)
                )
    content = base.serialize()
    base.close()
    return archive({"manifest.json": '{"jaspVersion": "0.96"}', "internal.sqlite": content})


@pytest.fixture
def new_jasp() -> Callable[..., bytes]:
    return _new_jasp


# Spreadsheets ---------------------------------------------------------------------------

_OPEN = (
    '<?xml version="1.0"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
    ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    '<office:automatic-styles><style:style style:name="off" style:family="table">'
    '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    "<office:body><office:spreadsheet>{}</office:spreadsheet></office:body>"
    "</office:document-content>"
)


def _open_cell(value: Any) -> str:
    """A cell of a text, a number or nothing; other cells are given as XML in angle brackets."""
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str) and value.startswith("<"):
        return value
    if isinstance(value, str):
        text = f"<text:p>{value}</text:p>"
        return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'


def _open_document(rows: Sequence[Sequence[Any]], *, before: str = "", more: str = "") -> bytes:
    """An .ods file with one sheet, and more sheets as XML."""
    lines = "".join(
        row if isinstance(row, str)
        else f"<table:table-row>{''.join(map(_open_cell, row))}</table:table-row>"
        for row in rows
    )  # fmt: skip
    table = f'<table:table table:name="effects">{before}{lines}</table:table>{more}'
    return archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": _OPEN.replace("{}", table),
        }
    )


@pytest.fixture
def open_document() -> Callable[..., bytes]:
    return _open_document


@pytest.fixture
def binary_workbook() -> Callable[..., bytes]:
    return lambda rows, **options: binary_workbook_of({"effects": rows}, **options)


def as_rows(columns: dict[str, list[Any]]) -> list[list[Any]]:
    return [list(columns), *(list(row) for row in zip(*columns.values(), strict=True))]


@pytest.fixture
def rows_of_columns() -> Callable[[dict[str, list[Any]]], list[list[Any]]]:
    return as_rows


# Data files -----------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Write columns as .sav or .dta by pyreadstat."""
    pyreadstat = pytest.importorskip("pyreadstat")

    def save(columns: dict[str, list[Any]], name: str, **options: Any) -> Path:
        path = tmp_path / name
        frame = pd.DataFrame(columns)
        for column in frame:
            if any(isinstance(v, str) for v in frame[column]):
                frame[column] = frame[column].fillna("")
        kind = pyreadstat.write_dta if name.endswith("dta") else pyreadstat.write_sav
        kind(frame, str(path), **options)
        return path

    return save
