"""Every message by its stable code: what it means and what to do.

The text files beside this one hold them, in paragraphs: code, severity and title; why it matters;
what to do. `metaalliance explain CODE`, the documentation and the tests read this table. A code
never changes its meaning; a retired code is not used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, cast

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Message:
    """What a code stands for.

    Attributes
    ----------
    title : str
        The rule in one line.
    severity : {"error", "warning", "note"}
        What it does to the analysis.
    explanation, remedy : str
        Why it matters, and what to do.
    """

    title: str
    severity: Severity
    explanation: str
    remedy: str


def _read(room: str) -> dict[str, Message]:
    """Return the messages of one file."""
    found = {}
    text = files(__package__).joinpath(f"{room}.txt").read_text(encoding="utf-8")
    for paragraph in text.strip().split("\n\n"):
        head, explanation, *remedy = paragraph.split("\n")
        code, severity, title = head.split(" ", 2)
        kind = cast(Severity, severity.removesuffix(":"))
        found[code] = Message(title, kind, explanation, "".join(remedy))
    return found


_ROOMS = ("files", "sheets", "cells", "rows", "studies", "analyses", "paths")
MESSAGES = {code: message for room in _ROOMS for code, message in _read(room).items()}


def severity_of(code: str) -> Severity:
    """Return the severity of a code."""
    return MESSAGES[code].severity
