"""Bounds that keep reading within seconds and memory; `docs/sheets/limits.md` lists each."""

from __future__ import annotations

#: Where the bounds are explained; each refusal names it.
PAGE = "see docs/sheets/limits.md"

#: Rows and columns of a sheet.
MAX_ROWS = 50_000
MAX_COLUMNS = 512
#: Cells of all sheets of a file, blank ones to the left of others and rows included.
MAX_CELLS = 1_000_000
#: The same of text and Parquet, which hold no more cells than their bytes allow.
MAX_LONG_ROWS = 1_048_576
MAX_LONG_CELLS = 12_000_000
#: Cells and characters that a byte of Parquet, which is packed, may stand for.
MAX_SPREAD = 10
#: Characters of all cells together.
MAX_TEXT = 25_000_000
#: Characters of the formulas of a sheet.
MAX_FORMULAS = 5_000_000
#: Characters of a cell of a text file.
MAX_CELL = 100_000
#: Bytes of a file, of one of text or Parquet, and of all that a file unpacks to.
MAX_FILE = 25 * 2**20
MAX_LONG_FILE = 128 * 2**20
MAX_UNPACKED = 100 * 2**20
#: Parts of an archive; a part that is large, and how often its size it may unpack to.
MAX_ENTRIES = 2_000
LARGE_PART = 5 * 2**20
MAX_RATIO = 100
#: Bytes that a workbook may unpack to where it is read without a process of its own.
MAX_HERE = 8 * 2**20
#: Seconds, and bytes of memory, of the process that reads a file.
MAX_SECONDS = 30
MAX_MEMORY = 2**30
