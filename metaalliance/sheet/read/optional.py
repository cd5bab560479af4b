"""Libraries of the extra `formats`, imported when a file needs them."""

from __future__ import annotations

import importlib
from typing import Any

from metaalliance.errors import UnreadableFileError


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
        raise UnreadableFileError(
            f"{name} is {kind}. Save it as .xlsx, or install the readers: "
            "pip install 'metaalliance[formats]'.",
            code="MA121",
        ) from None
