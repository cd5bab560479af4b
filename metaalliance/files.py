"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from metaalliance.errors import UnreadableFileError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file through a temporary one beside it, so that it is whole or not there.

    Raises
    ------
    UnreadableFileError
        When the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be written ({error.strerror}). Choose another place with -o.",
            code="MA692",
        ) from None
