"""The agreement of coders, as `agree --json` printed it, for a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaalliance.errors import OptionError, UnreadableFileError

#: Bytes of such a file.
MOST = 2**24


def read_agreement(path: Path) -> Mapping[str, Any]:
    """Return what `agree --json` found.

    Raises
    ------
    UnreadableFileError
        When the file cannot be read.
    OptionError
        When it is no document of `agree`.
    """
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8-sig") if size <= MOST else ""
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        text = ""
    try:
        found = json.loads(text)
        whole = found["command"] == "agree" and _counts(found)
    except (ValueError, LookupError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise OptionError(
            f"{path} is not what agree --json prints. Write it with: metaalliance agree "
            "coderA.xlsx coderB.xlsx --json > agreement.json"
        )
    content: Mapping[str, Any] = found
    return content


def _counts(found: dict[str, Any]) -> bool:
    """Whether the numbers that a report prints are there."""
    sizes = [int(found["matching"]["matched"]), len(found["conflicts"]), len(found["coders"])]
    shown = [(str(v["name"]), int(v["n"]), float(v["exact"] or 0)) for v in found["variables"]]
    return min(sizes) >= 0 and bool(shown)
