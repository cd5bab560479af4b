"""Libraries of the extra `formats`, imported when a file needs them."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from metaalliance.errors import UnreadableFileError


def require(module: str, name: str, kind: str) -> None:
    """Check that a library of the extra is installed, without importing it.

    Raises
    ------
    UnreadableFileError
        When it is not; the message names the command that installs it.
    """
    try:
        found = importlib.util.find_spec(module)
    except ValueError:  # a module that is blocked
        found = None
    if found is None:
        raise _not_installed(name, kind)


def library(module: str, name: str, kind: str) -> Any:
    """Import a library of the extra.

    Raises
    ------
    UnreadableFileError
        When it is not installed; the message names the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise _not_installed(name, kind) from None


def _not_installed(name: str, kind: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{name} is {kind}. Save it as .xlsx, or install the readers: "
        "pip install 'metaalliance[formats]'.",
        code="MA121",
    )
