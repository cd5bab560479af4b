"""Files made in the test: tables as text or workbook, and workbooks with something wrong."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import struct
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

import metaalliance as ma

ROOT = Path(__file__).resolve().parents[2]
SHEET_PART = "xl/worksheets/sheet1.xml"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")

Parts = list[tuple[str, bytes]]


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Write text or bytes as they are."""

    def write(content: str | bytes, name: str = "studies.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def _workbook(
    rows: Iterable[Iterable[Any]],
    sheet: str = "effects",
    change: Callable[[Workbook], None] | None = None,
) -> bytes:
    """Write rows to a workbook; text that begins with = becomes a formula without a value."""
    book = Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    if change is not None:
        change(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def workbook() -> Callable[..., bytes]:
    return _workbook


@pytest.fixture
def xlsx_file(tmp_path: Path) -> Callable[..., Path]:
    """Write rows to `name`; `change` edits the openpyxl workbook before it is saved."""

    def write(rows: Iterable[Iterable[Any]], name: str = "studies.xlsx", **options: Any) -> Path:
        path = tmp_path / name
        path.write_bytes(_workbook(rows, **options))
        return path

    return write


def _rows_of(text: str) -> list[list[Any]]:
    """Rows of comma-separated text: plain numbers as numbers, blank cells as None."""
    return [[_typed(cell) for cell in row] for row in csv.reader(io.StringIO(text))]


def _typed(cell: str) -> Any:
    if not cell:
        return None
    if _PLAIN_NUMBER.fullmatch(cell):
        return float(cell) if "." in cell else int(cell)
    return cell


@pytest.fixture
def rows_of() -> Callable[[str], list[list[Any]]]:
    return _rows_of


@pytest.fixture(params=["csv", "xlsx"])
def load(request, csv_file, xlsx_file) -> Callable[..., ma.Studies]:
    """Load a table that is written as comma-separated text, from a file of either kind."""

    def read(text: str, **options: Any) -> ma.Studies:
        is_csv = request.param == "csv"
        path = csv_file(text) if is_csv else xlsx_file(_rows_of(text))
        return ma.load_studies(path, **options)

    return read


def _cells(studies: ma.Studies, code: str) -> list[str]:
    return [p.cell for p in studies.problems if p.code == code]


@pytest.fixture
def cells() -> Callable[[ma.Studies, str], list[str]]:
    """Cells at which a code is reported."""
    return _cells


def _errors(studies: ma.Studies) -> list[tuple[str, str]]:
    return [(p.code, p.cell) for p in studies.errors]


@pytest.fixture
def errors() -> Callable[[ma.Studies], list[tuple[str, str]]]:
    """Code and cell of each error."""
    return _errors


# Archives -------------------------------------------------------------------------------------


def _parts(content: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(entry.filename, archive.read(entry)) for entry in archive.infolist()]


def _archive(parts: Parts) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # parts that stand twice are meant
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts:
                archive.writestr(name, content)
    return buffer.getvalue()


def _edit(content: bytes, change: Callable[[bytes], bytes], part: str = SHEET_PART) -> bytes:
    """Return a workbook with one part rewritten."""
    return _archive([(n, change(c) if n == part else c) for n, c in _parts(content)])


@pytest.fixture
def edit() -> Callable[..., bytes]:
    return _edit


def _add(content: bytes, *parts: tuple[str, bytes]) -> bytes:
    return _archive([*_parts(content), *parts])


@pytest.fixture
def add_parts() -> Callable[..., bytes]:
    return _add


def _declared(content: bytes, part: str, size: int) -> bytes:
    """Let the archive claim another unpacked size for a part."""
    raw = bytearray(content)
    for signature, name_at, name_size_at, size_at in (
        (b"PK\x01\x02", 46, 28, 24),
        (b"PK\x03\x04", 30, 26, 22),
    ):
        start = raw.find(signature)
        while start >= 0:
            (length,) = struct.unpack_from("<H", raw, start + name_size_at)
            if raw[start + name_at : start + name_at + length] == part.encode():
                struct.pack_into("<I", raw, start + size_at, size)
            start = raw.find(signature, start + 4)
    return bytes(raw)


def _flagged(content: bytes) -> bytes:
    """Mark every part as encrypted."""
    raw = bytearray(content)
    start = raw.find(b"PK\x01\x02")
    while start >= 0:
        raw[start + 8] |= 1
        start = raw.find(b"PK\x01\x02", start + 4)
    return bytes(raw)


def _inflated(content: bytes, piece: bytes, times: int) -> bytes:
    """Put `piece` many times into the sheet, without holding it unpacked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in _parts(content):
            if name != SHEET_PART:
                archive.writestr(name, part)
                continue
            head, tail = part.split(b"</sheetData>")
            with archive.open(name, "w", force_zip64=True) as stream:
                stream.write(head)
                for _ in range(times):
                    stream.write(piece)
                stream.write(b"</sheetData>" + tail)
    return buffer.getvalue()


_GOOD = _workbook([["study", "r", "n"], ["Adler 1988", 0.3, 40], ["Berg 1991", 0.2, 50]])
_ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
_EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
_LATE = b'<?xml version="1.0"?><!--' + b"x" * 70_000 + b"-->" + _ENTITIES.split(b"?>", 1)[1]


def _utf16(declaration: bytes) -> Callable[[bytes], bytes]:
    def change(part: bytes) -> bytes:
        text = (declaration + part).decode().replace('"1.0"', '"1.0" encoding="utf-16"', 1)
        return text.encode("utf-16")

    return change


#: Content and code of every file that has to be refused.
_BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "0 bytes.xlsx": (lambda: b"", "MA102"),
    "blank lines.csv": (lambda: b"\n \n\n", "MA102"),
    "encrypted.xlsx": (
        lambda: OLE_MAGIC + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(90),
        "MA103",
    ),
    "encrypted parts.xlsx": (lambda: _flagged(_GOOD), "MA103"),
    "web page.xls": (lambda: b"<html><table><tr><td>study</td></tr></table></html>", "MA104"),
    "web page with blank lines.xls": (lambda: b"\r\n\r\n <!DOCTYPE html><TABLE>", "MA104"),
    "web page with byte order mark.xls": (lambda: b"\xef\xbb\xbf<HTML>", "MA104"),
    "xml.xls": (lambda: b'<?xml version="1.0"?><Workbook/>', "MA104"),
    "zip but no workbook.xlsx": (lambda: _archive([("a.txt", b"hello")]), "MA104"),
    "empty zip.xlsx": (lambda: b"PK\x05\x06" + bytes(18), "MA105"),
    "truncated early.xlsx": (lambda: _GOOD[: len(_GOOD) // 5], "MA105"),
    "truncated late.xlsx": (lambda: _GOOD[:-30], "MA105"),
    "workbook part is no xml.xlsx": (
        lambda: _edit(_GOOD, lambda _: b"nonsense", "xl/workbook.xml"),
        "MA105",
    ),
    "sheet part is cut.xlsx": (lambda: _edit(_GOOD, lambda c: c[: len(c) // 2]), "MA105"),
    "lying size.xlsx": (
        lambda: _declared(_inflated(_GOOD, b"<row/>" * 1000, 500), SHEET_PART, 2_000),
        "MA105",
    ),
    "late entities.xlsx": (lambda: _edit(_GOOD, lambda c: _LATE + c), "MA105"),
    "10,000 parts.xlsx": (
        lambda: _add(_GOOD, *((f"xl/media/{i}.txt", b"x") for i in range(10_000))),
        "MA106",
    ),
    "part outside.xlsx": (lambda: _add(_GOOD, ("../evil.xml", b"<x/>")), "MA106"),
    "part outside, backslashes.xlsx": (lambda: _add(_GOOD, ("xl\\..\\..\\e.xml", b"")), "MA106"),
    "absolute part.xlsx": (lambda: _add(_GOOD, ("/etc/evil.xml", b"<x/>")), "MA106"),
    "part twice.xlsx": (lambda: _add(_GOOD, (SHEET_PART, b"<worksheet/>")), "MA106"),
    "billion laughs.xlsx": (lambda: _edit(_GOOD, lambda c: _ENTITIES + c), "MA106"),
    "external entity.xlsx": (lambda: _edit(_GOOD, lambda c: _EXTERNAL + c), "MA106"),
    "external entity in UTF-16.xlsx": (lambda: _edit(_GOOD, _utf16(_EXTERNAL)), "MA106"),
    "entities in styles.xlsx": (
        lambda: _edit(_GOOD, lambda c: _ENTITIES + c, "xl/styles.xml"),
        "MA106",
    ),
    "cell of 400 MB.xlsx": (lambda: _inflated(_GOOD, b"A" * 1_000_000, 400), "MA106"),
    "180 MB of rows.xlsx": (lambda: _inflated(_GOOD, b"<row/>" * 100_000, 300), "MA106"),
    "20 MB of rows.xlsx": (lambda: _inflated(_GOOD, b"<row/>" * 100_000, 34), "MA106"),
    "26 MB.xls": (lambda: OLE_MAGIC + bytes(26 * 2**20), "MA107"),
    "600 columns.csv": (lambda: b"study,r,n" + b",x" * 600, "MA107"),
    "binary.csv": (lambda: bytes(range(256)) * 20, "MA108"),
    "UTF-16 without a mark.csv": (lambda: "study,r\nFlückiger,.3".encode("utf-16-le"), "MA108"),
    "no table.csv": (lambda: b"Dear colleague,\nplease find attached the data.\n", "MA201"),
    "no table, Windows-1252.csv": (lambda: "Größe, Übersicht\n".encode("cp1252"), "MA201"),
}


@pytest.fixture(params=[pytest.param(k, id=k) for k in _BAD], scope="session")
def bad_file(request, tmp_path_factory) -> Iterator[tuple[Path, str]]:
    """Path and code of one file that has to be refused."""
    make, code = _BAD[request.param]
    path = tmp_path_factory.mktemp("bad") / request.param
    path.write_bytes(make())
    yield path, code
    path.unlink()


# A copy of the package that a test adds to ----------------------------------------------------


@dataclass(frozen=True)
class Copy:
    """The package and the maker of its documentation in a folder of their own."""

    folder: Path

    def change(self, path: str, *pairs: tuple[str, str]) -> None:
        """Put a text before another one that stands once in a file of the package."""
        file = self.folder / "metaalliance" / path
        text = file.read_text(encoding="utf-8")
        for before, new in pairs:
            assert text.count(before) == 1, (
                f"{before!r} stands {text.count(before)} times in {path}"
            )
            text = text.replace(before, new + before)
        file.write_text(text, encoding="utf-8")

    def run(self, *words: str, python: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command of the copy, or a line of Python with the maker of the docs."""
        path = os.pathsep.join(map(str, (self.folder, self.folder / "scripts")))
        start = ["-c"] if python else ["-m", "metaalliance.cli.main"]
        done = subprocess.run(
            [sys.executable, *start, *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def page(self, name: str) -> str:
        """Return a page of the documentation, made by the copy."""
        return self.run(f"import make_docs; print(make_docs.PAGES[{name!r}]())", python=True).stdout

    def template(self) -> Workbook:
        """Return the template that the copy writes."""
        self.run("template", "-o", "template.xlsx")
        return load_workbook(self.folder / "template.xlsx")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(
        Path(ma.__file__).parent,
        folder / "metaalliance",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("*.R"))
    shutil.copytree(
        ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("*.md", "*.css", "*.png")
    )
    return Copy(folder)
