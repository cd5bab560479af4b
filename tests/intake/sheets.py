"""How the sheets of these tests are drawn, written and touched. All data are simulated;
nobody's names are meant.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from intake.truth import Effect
from openpyxl import Workbook

NAMES = (
    "Abelard", "Bosquet", "Cardew", "Dunmore", "Eckhoff", "Fennimore", "Garrick", "Holloway",
    "Ilves", "Jorissen",
    "Kestrel", "Lindqvist", "Marchetti", "Norcross", "Oduya", "Pellegrin", "Quistgaard",
    "Rademaker", "Sandoval", "Thorne",
    "Ullmann", "Vasquez", "Westbrook", "Yardley", "Zielinski", "Ångström",
)  # fmt: skip
RATERS, OUTCOMES = ("client", "therapist", "observer"), ("GAF", "SWLS", "WHO-5", "SOFAS")
MODALITIES, COUNTRIES = (
    ("CBT", "psychodynamic", "humanistic", "integrative"),
    ("US", "UK", "DE", "NL"),
)


@dataclass(frozen=True)
class Row:
    """One simulated effect."""

    author: str
    year: int
    n: int
    r: float
    number: int
    effect: int
    rater: str
    outcome: str
    modality: str
    country: str
    female: int
    age: float

    @property
    def study(self) -> str:
        return f"{self.author} ({self.year})"


def drawn(seed: int, studies: int, several: int = 1, digits: int = 2) -> list[Row]:
    """Simulate `studies` studies of one to `several` effects, mean correlation about .28."""
    random = np.random.default_rng(seed)
    names = random.permutation(NAMES)
    rows: list[Row] = []
    for i in range(studies):
        n, base = int(random.integers(24, 230)), 0.3 + 0.14 * random.standard_normal()
        fixed = (
            str(random.choice(MODALITIES)), str(random.choice(COUNTRIES)), int(random.integers(31,
            90)),
            round(float(random.uniform(19, 52)), 1),
        )  # fmt: skip
        year = int(random.integers(1988, 2024))
        for effect in range(1 + (i % several if several > 1 else 0)):
            noise = random.standard_normal() / np.sqrt(n)
            r = round(float(np.tanh(base + noise)), digits)
            rows.append(
                Row(
                    str(names[i]), year, n, r or 0.01, i + 1, len(rows) + 1, RATERS[effect % 3],
                    OUTCOMES[(i + effect) % 4], *fixed,
                )
            )  # fmt: skip
    return rows


# Files --------------------------------------------------------------------------------------

Cell = Any
Grid = Sequence[Sequence[Cell]]


def text_file(
    path: Path,
    grid: Grid,
    separator: str = ",",
    decimal: str = ".",
    encoding: str = "utf-8",
    quote: int = csv.QUOTE_MINIMAL,
    missing: str = "",
) -> Path:
    def shown(cell: Cell) -> Cell:
        if cell is None:
            return missing
        if isinstance(cell, float):
            found = repr(cell)
            return found if decimal == "." else found.replace(".", decimal)
        return cell

    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, quoting=quote, lineterminator="\r\n")
    writer.writerows([shown(c) for c in row] for row in grid)
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def r_file(
    path: Path, head: Sequence[str], rows: Iterable[Sequence[Cell]], second: bool = False
) -> Path:
    """As R's write.csv (or write.csv2) does: row names under a blank header, texts in quotes,
    NA.
    """
    decimal, separator = (",", ";") if second else (".", ",")

    def shown(cell: Cell) -> str:
        if cell is None:
            return "NA"
        return f'"{cell}"' if isinstance(cell, str) else str(cell).replace(".", decimal)

    lines = [separator.join(f'"{h}"' for h in ("", *head))]
    lines += [separator.join([f'"{i}"', *map(shown, row)]) for i, row in enumerate(rows, start=1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def with_stored_value(path: Path, formula: str, value: float) -> Path:
    """Store the value of a formula, as a spreadsheet program does and openpyxl does not."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    pattern = re.compile(rf"<f>{re.escape(formula)}</f><v( ?/>|></v>)")
    changed = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            text, times = content, 0
            if name.startswith("xl/worksheets/"):
                new = f"<f>{formula}</f><v>{value}</v>"
                found, times = pattern.subn(new, content.decode())
                text = found.encode()
            archive.writestr(name, text)
            changed += times
    assert changed == 1
    return path


def workbook(
    path: Path, sheets: dict[str, Grid], dress: Callable[[Workbook], None] | None = None
) -> Path:
    book = Workbook()
    book.remove(book.active)
    for name, grid in sheets.items():
        sheet = book.create_sheet(name)
        for row in grid:
            sheet.append(list(row))
    if dress:
        dress(book)
    book.save(path)
    return path


# What a person touches ----------------------------------------------------------------------


@dataclass(frozen=True)
class Touch:
    """One line of the configuration that a person writes, or uncomments where `init` proposed it.

    `key` is a regular expression; without a value the line is taken as it was proposed.
    """

    key: str
    value: str | None = None
    table: str = ""


def touched(proposal: str, touches: Iterable[Touch]) -> tuple[str, int]:
    """Return the configuration after the touches, and the number of lines that changed."""
    lines = proposal.splitlines()
    for touch in touches:
        lines = _touched(lines, touch)
    changes = difflib.ndiff(proposal.splitlines(), lines)
    return "\n".join(lines) + "\n", sum(c.startswith("+ ") and len(c) > 2 for c in changes)


def _touched(lines: list[str], touch: Touch) -> list[str]:
    line = re.compile(rf"^\s*(?:#\s*)?[\"']?({touch.key})[\"']?\s*=\s*(.+)$")
    found: list[tuple[int, int | None, str]] = []
    head: int | None = None
    table = ""
    for i, text in enumerate(lines):
        if heading := re.match(r"^\s*(?:#\s*)?\[([\w. -]+)\]\s*$", text):
            head, table = i, heading[1]
        elif line.match(text):
            found.append((i, head, table))
    found.sort(key=lambda f: f[2] != touch.table)
    if found and (found[0][2] == touch.table or lines[found[0][0]].lstrip().startswith("#")):
        i, head, _ = found[0]
        match = line.match(lines[i])
        assert match
        value = touch.value if touch.value is not None else match[2]
        lines = [*lines[:i], f"{match[1]} = {value}", *lines[i + 1 :]]
        if head is not None:
            lines[head] = re.sub(r"^\s*#\s*", "", lines[head])
        return lines
    if touch.value is None:
        return lines
    new = f"{touch.key} = {touch.value}"
    if not touch.table:
        return [new, *lines]
    for i, text in enumerate(lines):
        if text.strip() == f"[{touch.table}]":
            return [*lines[: i + 1], new, *lines[i + 1 :]]
    return [*lines, f"[{touch.table}]", new]


# The collection -----------------------------------------------------------------------------

Written = tuple[Path, list[Effect]]


@dataclass(frozen=True)
class House:
    """A sheet as one house keeps it, and what a person has to do.

    `asks`: what the untouched sheet must be told before it is pooled (a pattern of the message).
    `warns`: what the
    warning says of a sheet that is pooled without a touch. `refused`: cells must be corrected
    first.
    `either`: refused with this word, or right with a warning of it.
    """

    name: str
    write: Callable[[Path], Written]
    touches: tuple[Touch, ...] = ()
    flow: str = "init"
    asks: str = ""
    warns: str = ""
    refused: str = ""
    either: str = ""


HOUSES: dict[str, House] = {}


def house(
    *touches: Touch,
    flow: str = "init",
    asks: str = "",
    warns: str = "",
    refused: str = "",
    either: str = "",
) -> Callable[[Callable[[Path], Written]], Callable[[Path], Written]]:
    """Add a sheet to the collection."""

    def added(write: Callable[[Path], Written]) -> Callable[[Path], Written]:
        name = write.__name__
        HOUSES[name] = House(name, write, touches, flow, asks, warns, refused, either)
        return write

    return added
