"""Text of others, made fit to be shown."""

from __future__ import annotations

import unicodedata
from typing import Any


def printable(value: Any) -> str:
    """Return untrusted text without control, format and private characters."""
    text = " ".join(str(value).split())
    kept = (c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
    return "".join(kept).strip()
