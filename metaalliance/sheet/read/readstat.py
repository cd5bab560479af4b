"""Run pyreadstat in a process of its own: a damaged file can crash the C library behind it.

``python -m metaalliance.sheet.read.readstat KIND`` reads the bytes of a file from standard input
and prints its data as JSON; `read_apart` is what the readers call.
"""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

#: Seconds and bytes that the process may take.
SECONDS = 60
MEMORY = 4 * 2**30


class BrokenDataError(Exception):
    """The library cannot read the file."""


def read_apart(content: bytes, kind: str, *, rows: int, size: int) -> dict[str, Any]:
    """Return the data of a .sav or .dta file, read in another process.

    Parameters
    ----------
    content : bytes
        The file.
    kind : {"sav", "dta"}
        What it is.
    rows, size : int
        Data are read only where the file declares at most so many rows and bytes.

    Raises
    ------
    BrokenDataError
        When the library refuses the file, crashes, or takes too long.
    """
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *sys.path[1:]]),
                   "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-m", __name__, kind, str(rows), str(size)]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=SECONDS, check=False,
            env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BrokenDataError(f"reading it takes longer than {SECONDS} seconds") from None
    if done.returncode:
        raise BrokenDataError("its reader cannot make sense of it")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "error" in answer:
        raise BrokenDataError(answer["error"])
    return answer


def _main(kind: str, rows: int, size: int) -> None:
    _limit()
    import pyreadstat

    read = pyreadstat.read_dta if kind == "dta" else pyreadstat.read_sav
    content = sys.stdin.buffer.read()
    answer: dict[str, Any] = {}
    for encoding in (None, "ISO-8859-1"):
        try:
            answer = _answer(read, content, encoding, rows, size)
            break
        except Exception as error:  # any fault of the library means a broken file
            answer = answer or {"error": str(error) or type(error).__name__}
            if "encoding" not in str(error).lower():
                break
    print(json.dumps(answer))


def _limit() -> None:
    """Bound memory where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _answer(
    read: Any, content: bytes, encoding: str | None, rows: int, size: int
) -> dict[str, Any]:
    """Data and metadata as plain lists; without data where the file declares too many."""
    chosen = {"encoding": encoding} if encoding else {}
    _, meta = read(io.BytesIO(content), metadataonly=True, **chosen)
    widths = (int(w or 0) for w in (meta.variable_storage_width or {}).values())
    answer: dict[str, Any] = {
        "rows": int(meta.number_rows or 0),
        "columns": int(meta.number_columns or 0),
        "width": sum(widths),
        "encoding": encoding or "",
        "variables": [],
    }
    if answer["rows"] > rows or max(answer["rows"], 1) * answer["width"] > size:
        return answer
    data, meta = read(
        io.BytesIO(content), user_missing=True, disable_datetime_conversion=True,
        output_format="dict", row_limit=rows + 1, **chosen,
    )  # fmt: skip
    for name in meta.column_names:
        column = data[name]
        values = column.tolist() if hasattr(column, "tolist") else list(column)
        answer["variables"].append(
            {
                "name": str(name),
                "label": str(meta.column_names_to_labels.get(name) or ""),
                "format": str((meta.original_variable_types or {}).get(name) or ""),
                "numeric": (meta.readstat_variable_types or {}).get(name) != "string",
                "values": [None if _is_nan(v) else v for v in values],
                "levels": list((meta.variable_value_labels.get(name) or {}).items()),
                "missing": [
                    [r["lo"], r["hi"]] for r in (meta.missing_ranges or {}).get(name) or ()
                ],
            }
        )
    answer["rows"] = max(answer["rows"], *(len(v["values"]) for v in answer["variables"]), 0)
    return answer


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
