"""Read jamovi's .omv: metadata.json, xdata.json (labels), data.bin and strings.bin."""

from __future__ import annotations

import operator
import re
import zipfile
from collections.abc import Callable
from typing import Any

from metaalliance.problems import Problem
from metaalliance.sheet.read.archives import columns_of, filtered, json_part, read_archive
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.read.variables import Variable, grid_of

_COMPARISON = re.compile(r"\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<=": operator.le, ">=": operator.ge,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip


def read_jamovi(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return the data of a jamovi file as a sheet.

    Raises
    ------
    UnreadableFileError
        When a part is missing, broken or too large.
    """
    return read_archive(content, name, "jamovi", _read)


def _read(archive: zipfile.ZipFile, name: str) -> tuple[list[Grid], list[Problem]]:
    data = json_part(archive, "metadata.json")["dataSet"]
    labels = json_part(archive, "xdata.json")
    fields = data["fields"]
    columns = columns_of(
        archive.read("data.bin"), int(data["rowCount"]), map(_is_decimal, fields), name
    )
    strings = archive.read("strings.bin") if "strings.bin" in archive.namelist() else b""
    variables, left_out = [], 0
    for entry, values in zip(fields, columns, strict=True):
        if entry.get("columnType") == "Filter":
            if entry.get("active", True):
                left_out = max(left_out, sum(v != 1 for v in values))
            continue
        variables.append(_variable(entry, values, labels.get(entry["name"], {}), strings))
    grid, found = grid_of(name, variables)
    return [grid], filtered("jamovi", left_out) + found


def _is_decimal(entry: dict[str, Any]) -> bool:
    kind = entry.get("dataType")
    return kind == "Decimal" if kind else entry.get("measureType") == "Continuous"


def _variable(
    entry: dict[str, Any], values: list[Any], extra: dict[str, Any], strings: bytes
) -> Variable:
    """One field with its labels: texts are levels by nature, labelled integers are codes."""
    kind, measure = entry.get("dataType"), entry.get("measureType")
    pairs = {int(level[0]): str(level[1]) for level in extra.get("labels") or ()}
    texts = kind == "Text" or measure == "NominalText"
    order = tuple(pairs.values()) if texts and measure != "ID" else ()
    read: list[Any] = values
    if texts and measure == "ID":
        read = [None if v is None else _string(strings, v) for v in values]
    elif texts:
        read, pairs = [None if v is None else pairs.get(v, str(v)) for v in values], {}
    else:
        pairs = {code: text for code, text in pairs.items() if text != str(code)}
    label = str(entry.get("description") or "")
    return Variable(
        name=str(entry["name"]),
        label=label if label != entry["name"] else "",
        values=read,
        levels=pairs,
        order=order,
        missing=_declared(entry.get("missingValues") or []),
    )


def _string(strings: bytes, start: int) -> str:
    """Text that begins at a place of the table of strings and ends with a zero byte."""
    end = strings.find(b"\x00", start)
    return strings[start : end if end >= 0 else len(strings)].decode("utf-8", "replace")


def _declared(conditions: list[Any]) -> Callable[[Any], bool] | None:
    """Whether a value meets one of the conditions of missing values, such as ``== -99``."""
    tests = []
    for condition in conditions:
        found = _COMPARISON.fullmatch(str(condition))
        if found is None:
            raise ValueError(f"a condition of missing values that is not known: {condition}")
        text = found[2]
        quoted = text[:1] in {"'", '"'}
        tests.append((_OPERATORS[found[1]], text[1:-1] if quoted else float(text)))

    def declared(value: Any) -> bool:
        return any(
            compare(value, bound) for compare, bound in tests
            if isinstance(value, str) == isinstance(bound, str)
        )  # fmt: skip

    return declared if tests else None
