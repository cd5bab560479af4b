"""Colour for severities, on terminals that want it."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

#: Colours of severities (SGR): those that stand out on a light and on a dark ground.
_COLOURS = {"error": "1;31", "warning": "1;33", "note": "1;36"}
_SEVERITY = re.compile(r"^(error|warning|note)(?=:| MA\d{3}:)", re.MULTILINE)


def wants_colour(stream: Any) -> bool:
    """Whether a stream is shown in colour: NO_COLOR over FORCE_COLOR over what it is."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    term = os.environ.get("TERM", "")
    # An old console of Windows prints the codes; those that do not say who they are.
    known = sys.platform != "win32" or term or "WT_SESSION" in os.environ
    return bool(stream.isatty() and term != "dumb" and known)


def coloured(text: str, stream: Any) -> str:
    """Return a text with severities at the start of its lines in colour, where that is wanted."""
    if not wants_colour(stream):
        return text
    return _SEVERITY.sub(lambda m: f"\x1b[{_COLOURS[m[1]]}m{m[1]}\x1b[0m", text)
