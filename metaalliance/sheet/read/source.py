"""Bytes of a file or of standard input, and the sheets in them."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.sheet.columns.labels import named_by_labels
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.read.delimited import read_delimited
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.read.jamovi import read_jamovi
from metaalliance.sheet.read.jasp import read_jasp
from metaalliance.sheet.read.limits import MAX_FILE, PAGE
from metaalliance.sheet.read.ods import read_ods
from metaalliance.sheet.read.parquet import read_parquet
from metaalliance.sheet.read.preflight import read_bytes, sniff
from metaalliance.sheet.read.r_data import read_r
from metaalliance.sheet.read.spss_stata import read_spss_stata
from metaalliance.sheet.read.xls import read_xls
from metaalliance.sheet.read.xlsb import read_xlsb
from metaalliance.sheet.read.xlsx import read_xlsx


def read_grids(path: str | Path) -> tuple[list[Grid], str]:
    """Return every sheet of a file, and the name of the file."""
    content, name = read_source(path)
    grids = parse_grids(content, name)[0]
    return [named_by_labels(grid, Scheme())[0] for grid in grids], name


def read_source(path: str | Path) -> tuple[bytes, str]:
    """Bytes and display name of a file, or of standard input."""
    if str(path) == "-":
        content = b"" if sys.stdin is None else sys.stdin.buffer.read(MAX_FILE + 1)
        if not content:
            raise UnreadableFileError("Standard input is empty.", code="MA102")
        if len(content) > MAX_FILE:
            raise UnreadableFileError(
                f"Standard input is larger than {MAX_FILE // 2**20} MB ({PAGE}).", code="MA107"
            )
        return content, "standard input"
    return read_bytes(Path(path)), display_name(Path(path).name)


def display_name(name: str) -> str:
    """Return a file name as text that can be printed and stored anywhere."""
    text = name.encode("utf-8", "replace").decode("utf-8", "replace")
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs"}) or "file"


def parse_grids(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Read every sheet of a file by what it is, whatever it is called."""
    kind = sniff(content, name)
    if kind in {"sav", "dta"}:
        return read_spss_stata(content, name, kind)
    return _READERS[kind](content, name)


_READERS: dict[str, Callable[[bytes, str], tuple[list[Grid], list[Problem]]]] = {
    "xlsx": read_xlsx,
    "text": read_delimited,
    "ods": read_ods,
    "xls": read_xls,
    "xlsb": read_xlsb,
    "omv": read_jamovi,
    "jasp": read_jasp,
    "r": read_r,
    "parquet": read_parquet,
}
