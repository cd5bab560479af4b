"""What large sheets cost: processor time and memory of whole commands, beside a bare import.

``python scripts/benchmarks/benchmark_sheets.py [ROWS ...]`` writes seeded sheets of three effects
a study and runs ``validate`` and ``pool --no-figures`` on them (by default 20,000 rows, as .csv,
.xlsx and .parquet; .xlsx up to 50,000). It prints processor seconds (user and system, the least
of a few runs), peak memory, and the ratio to a program that imports numpy, pandas and openpyxl;
then, for several sizes, how the time grows with the rows: 1 is in proportion.
"""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from openpyxl import Workbook

IMPORTS = ("-c", "import numpy, pandas, openpyxl")
HEAD = ("study", "year", "r", "n", "modality", "team")
MODALITIES = ("CBT", "psychodynamic", "humanistic", "IPT", "systemic", "integrative")
RUNS = 3


def rows(count: int) -> list[list[object]]:
    """Return effects with between-study differences and sampling error."""
    rng = np.random.default_rng(1)
    found: list[list[object]] = []
    while len(found) < count:
        study = len(found) // 3 + 1
        n, mean = int(rng.integers(20, 300)), rng.normal(0.28, 0.15)
        for _ in range(min(3, count - len(found))):
            z = min(2.2, rng.normal(mean, 0.1) + rng.normal(0, 1 / math.sqrt(n - 3)))
            year = 1980 + study % 44
            name = f"Author{study:06d} et al. ({year})"
            r = round(math.tanh(z), 7)
            found.append([name, year, r, n, MODALITIES[study % 6], f"team {study % 6}"])
    return found


def write(folder: Path, count: int) -> list[Path]:
    """Write a sheet in each format that may have so many rows."""
    content = rows(count)
    text, packed, book = (folder / f"e{count}{end}" for end in (".csv", ".parquet", ".xlsx"))
    with text.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        writer.writerows(content)
    made = [text]
    try:
        from pyarrow import parquet, table
    except ImportError:
        print("pyarrow is not installed: no Parquet")
    else:
        columns = dict(zip(HEAD, map(list, zip(*content, strict=True)), strict=True))
        parquet.write_table(table(columns), packed)
        made.append(packed)
    if count <= 50_000:
        workbook = Workbook(write_only=True)
        sheet = workbook.create_sheet("effects")
        for line in (HEAD, *content):
            sheet.append(line)
        workbook.save(book)
        made.append(book)
    return made


def cost(words: tuple[str, ...], folder: Path) -> tuple[float, float]:
    """Return processor seconds, of the cheapest run, and the peak memory in MB."""
    found = []
    for _ in range(RUNS):
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
        found.append((used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
    return min(found)


def main() -> None:
    """Print the table."""
    counts = sorted(map(int, sys.argv[1:])) or [20_000]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare, memory = cost(IMPORTS, folder)
        print(f"{'imports alone':40} {bare:7.2f} s  {memory:6.0f} MB")
        before: dict[tuple[str, str], tuple[int, float]] = {}
        for count in counts:
            for sheet in write(folder, count):
                for command in (("validate",), ("pool", "--no-figures", "-o", "out", "--force")):
                    words = ("-m", "metaalliance", command[0], sheet.name, *command[1:])
                    seconds, memory = cost(words, folder)
                    told = f"{command[0]} of {count:,} rows, {sheet.suffix}"
                    grown = ""
                    key = command[0], sheet.suffix
                    if key in before:
                        rows_then, then = before[key]
                        growth = (seconds - bare) / (then - bare) / (count / rows_then)
                        grown = f"  {growth:5.2f} times as much for a row as of {rows_then:,}"
                    before[key] = count, seconds
                    ratio = seconds / bare
                    print(f"{told:40} {seconds:7.2f} s  {memory:6.0f} MB  {ratio:6.2f}{grown}")


if __name__ == "__main__":
    main()
