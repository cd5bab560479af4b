"""Workbooks that Excel saves as "Strict Open XML Spreadsheet", in the names of the usual form."""

from __future__ import annotations

import io
import re
import zipfile

#: Names of the strict form of ISO/IEC 29500-1, as values of attributes: of the same vocabularies,
#: which the usual form calls http://schemas.openxmlformats.org/spreadsheetml/2006/main and so on.
_STRICT = re.compile(rb"(?<=[\"'])http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_USUAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"
_MARKUP = (".xml", ".rels", ".vml")


def with_usual_names(content: bytes) -> bytes:
    """Return a workbook that passed the preflight with the names that openpyxl knows.

    Anything but a strict workbook is returned as it is.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if not _STRICT.search(archive.read("xl/workbook.xml")):
            return content
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
            for entry in archive.infolist():
                part = archive.read(entry)
                if entry.filename.lower().endswith(_MARKUP):
                    part = _STRICT.sub(_USUAL, part)
                written.writestr(entry.filename, part)
    return buffer.getvalue()
