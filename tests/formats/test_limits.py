"""The page of limits and the constants say the same, and messages name the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import metaalliance as ma
from metaalliance.sheet.columns.header_rows import SEARCH_ROWS
from metaalliance.sheet.read import limits

PAGE = (Path(__file__).parents[2] / "docs/sheets/limits.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| MA", PAGE, re.MULTILINE))


def bound(start):
    (found,) = [value for what, value in ROWS.items() if what.startswith(start)]
    return found


def test_the_page_names_every_bound():
    long = f"{limits.MAX_LONG_ROWS:,} in text and Parquet"
    assert bound("rows of a sheet") == f"{limits.MAX_ROWS:,}; {long}"
    assert bound("columns of a sheet") == str(limits.MAX_COLUMNS)
    assert bound("characters of a cell") == f"{limits.MAX_CELL:,}"
    long = f"{limits.MAX_LONG_FILE // 2**20} MB of text and Parquet"
    assert bound("size of a file") == f"{limits.MAX_FILE // 2**20} MB; {long}"
    assert bound("what a file unpacks to") == f"{limits.MAX_UNPACKED // 2**20} MB"
    assert bound("parts of an archive") == f"{limits.MAX_ENTRIES:,}"
    spread = f"{limits.MAX_SPREAD} for each byte of the file"
    long = f"{limits.MAX_LONG_CELLS:,} in text; in Parquet too, but at most {spread}"
    assert bound("cells of all sheets") == f"{limits.MAX_CELLS:,}; {long}"
    long = f"in text and Parquet {spread} where that is more"
    assert bound("characters of all cells") == f"{limits.MAX_TEXT // 10**6} million; {long}"
    assert bound("characters of the formulas") == f"{limits.MAX_FORMULAS:,}"
    large = f"how often its size a part of more than {limits.LARGE_PART // 2**20} MB"
    assert bound(large) == str(limits.MAX_RATIO)
    apart = f"{limits.MAX_SECONDS} seconds, {limits.MAX_MEMORY // 2**30} GB"
    assert bound("seconds and memory of the process") == apart
    assert f"first {SEARCH_ROWS} rows" in PAGE
    assert f"unpacks to at most {limits.MAX_HERE // 2**20} MB" in PAGE
    named = {name for name in vars(limits) if name.startswith(("MAX", "LARGE"))}
    assert len(named) == 18  # a new bound is a new line of the page


@pytest.mark.parametrize(
    "content",
    [
        b"study,r,n\n" + b"\n" * (limits.MAX_LONG_ROWS + 1),
        b"study,r,n" + b",x" * 600,
        b"study,r,n\nA," + b"9" * 100_001 + b",40\n",
    ],
    ids=["rows", "columns", "cell"],
)
def test_a_refusal_names_the_page(write, content):
    with pytest.raises(ma.UnreadableFileError, match=r"docs/sheets/limits\.md") as caught:
        ma.load_studies(write(content, "t.csv"))
    assert caught.value.code == "MA107"
