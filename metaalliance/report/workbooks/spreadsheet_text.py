"""CSV that a spreadsheet program opens without running anything in it."""

from __future__ import annotations

import csv
import io
import re

import pandas as pd

#: Letters by which a spreadsheet knows a formula, in their full width too.
_LIVE = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BLANK = {"\t", "\n", "\r"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def inert(value: object) -> object:
    """Return text that no spreadsheet takes for a formula; numbers are left as they are.

    Examples
    --------
    >>> inert("=1+1"), inert(-0.21), inert("Adler 1988"), inert(" ＝1")
    ("'=1+1", -0.21, 'Adler 1988', "' ＝1")
    """
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub("", value)
    return f"'{text}" if text[:1] in _BLANK or text.lstrip().startswith(_LIVE) else text


#: Rows that are made text together.
_TOGETHER = 10_000


def to_csv(frame: pd.DataFrame) -> str:
    """Return a frame as CSV with inert text and numbers at full precision; missing is blank."""
    return csv_bytes(frame, "utf-8").decode()


def csv_bytes(frame: pd.DataFrame, encoding: str = "utf-8-sig") -> bytes:
    """Return the same in an encoding, without the whole text in between."""
    buffer = io.BytesIO()
    text = io.TextIOWrapper(buffer, encoding, newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([inert(str(c)) for c in frame.columns])
    for start in range(0, len(frame), _TOGETHER):
        part = frame.iloc[start : start + _TOGETHER]
        body = part.astype(object).where(part.notna(), None)
        for row in body.to_numpy().tolist():
            writer.writerow(["" if value is None else inert(value) for value in row])
    text.flush()
    return buffer.getvalue()
