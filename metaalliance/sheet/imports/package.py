"""The data package of RevMan Web: an archive that holds the data rows."""

from __future__ import annotations

import io
import zipfile

from metaalliance.errors import UnreadableFileError
from metaalliance.sheet.read.limits import MAX_FILE
from metaalliance.sheet.read.preflight import check_archive

_ROWS, _INNER = "-data-rows.csv", "-data.zip"
_DEEPEST = 2


def data_rows(content: bytes, name: str, depth: int = 0) -> tuple[bytes, str]:
    """Return the data rows of a package and their name; any other file as it is.

    An export of a review holds the package as an archive within the archive.

    Raises
    ------
    UnreadableFileError
        When the archive is broken or unsafe.
    """
    if not content.startswith(b"PK\x03\x04") or depth > _DEEPEST:
        return content, name
    names = sorted(check_archive(content, name))
    found = [n for n in names if n.endswith(_ROWS)] or [n for n in names if n.endswith(_INNER)]
    if not found:
        return content, name
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(found[0]) as stream:
        inner = stream.read(MAX_FILE + 1)
    if len(inner) > MAX_FILE:
        raise UnreadableFileError(
            f"{found[0]} of {name} is larger than {MAX_FILE // 2**20} MB.", code="MA107"
        )
    return data_rows(inner, found[0].rsplit("/", 1)[-1], depth + 1)
