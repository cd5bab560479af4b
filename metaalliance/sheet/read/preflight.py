"""What a file is, and whether it is safe to open, before any parser sees it."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, Literal

from metaalliance.errors import UnreadableFileError
from metaalliance.files import may_wait
from metaalliance.sheet.read.limits import (
    LARGE_PART,
    MAX_ENTRIES,
    MAX_FILE,
    MAX_LONG_FILE,
    MAX_RATIO,
    MAX_UNPACKED,
    PAGE,
)

Kind = Literal[
    "xlsx", "xls", "xlsb", "ods", "text", "sav", "dta", "r", "omv", "jasp", "parquet"
]  # fmt: skip

HEAD = 64 * 1024

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MARKUP = re.compile(
    rb"\s*<(?:!--|!doctype|html|\?xml|table|head|meta|div|body|style|script|span|p>)", re.IGNORECASE
)
#: How data files begin; R's may be packed.
_STARTS: dict[Kind, tuple[bytes, ...]] = {
    "parquet": (b"PAR1",),
    "sav": (b"$FL2", b"$FL3"),
    "dta": (b"<stata_dta>",),
    "r": (
        b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00",
        *(start + version for start in (b"RDX", b"RDA") for version in (b"2\n", b"3\n")),
        b"X\n\x00\x00\x00", b"A\n2\n", b"A\n3\n",
    ),
}  # fmt: skip
#: Release, byte order, file type and a zero: Stata before 13.
_OLD_STATA = re.compile(rb"[\x68-\x73][\x01\x02]\x01\x00")
_ENTITY = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def read_bytes(path: Path) -> bytes:
    """Read a file within its size bound.

    Raises
    ------
    UnreadableFileError
        When it is missing, a folder, a pipe or a device, not permitted, empty or too large.
    """
    try:
        if path.is_dir():
            raise UnreadableFileError(f"{path} is a folder, not a file.")
        if may_wait(path):
            raise UnreadableFileError(
                f"{path} is a pipe or a device, not a file: give - to read standard input."
            )
        with path.open("rb") as stream:
            content = read_within(stream)
    except FileNotFoundError:
        raise UnreadableFileError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:  # a name with a zero byte is no name
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(
            f"{path} cannot be opened ({reason}). If it is open in Excel, close it there."
        ) from None
    if not content:
        raise UnreadableFileError(f"{path.name} is empty (0 bytes).", code="MA102")
    check_length(content, path.name)
    return content


def read_within(stream: IO[bytes]) -> bytes:
    """Read a stream to its end, or to just beyond the bound of what it holds.

    What is asked for takes memory before it is there, so that a short file is read as one.
    """
    content = stream.read(MAX_FILE + 1)
    if len(content) > MAX_FILE and not _is_packed(content):
        content += stream.read(MAX_LONG_FILE - MAX_FILE)
    return content


def check_length(content: bytes, name: str) -> None:
    """Refuse a file that is too large for what it is by its first bytes.

    Raises
    ------
    UnreadableFileError
        When it is.
    """
    most = MAX_FILE if _is_packed(content) else MAX_LONG_FILE
    if len(content) > most:
        raise UnreadableFileError(
            f"{name} is larger than {most // 2**20} MB ({PAGE}).", code="MA107"
        )


def _is_packed(content: bytes) -> bool:
    """Whether a file is anything but text and Parquet, by its first bytes."""
    kinds = (starts for kind, starts in _STARTS.items() if kind != "parquet")
    starts = (b"PK", _OLE, *(start for several in kinds for start in several))
    return content.startswith(starts) or _OLD_STATA.match(content) is not None


def sniff(content: bytes, name: str) -> Kind:
    """Tell the type of a file by its first bytes, whatever its name says.

    Raises
    ------
    UnreadableFileError
        For encrypted workbooks and web pages, which cannot be read.
    """
    if content.startswith(b"PK\x03\x04"):
        return _zip_kind(content, name)
    if content.startswith(b"PK"):
        raise UnreadableFileError(f"{name} is an empty or broken archive.", code="MA105")
    if content.startswith(_OLE):
        if _ENCRYPTED in content:
            raise UnreadableFileError(
                f"{name} is protected with a password. Remove it (in Excel: File, Info, Protect "
                "Workbook) and save again.",
                code="MA103",
            )
        return "xls"
    for kind, starts in _STARTS.items():
        if content.startswith(starts):
            return kind
    if _OLD_STATA.match(content):
        return "dta"
    if _MARKUP.match(content[:512].lstrip(b"\xef\xbb\xbf")):
        raise UnreadableFileError(
            f"{name} is a web page or XML file, not a spreadsheet. Open it in a spreadsheet "
            "program and save it as .xlsx.",
            code="MA104",
        )
    return "text"


def _zip_kind(content: bytes, name: str) -> Kind:
    """Check the archive and tell a workbook from other zip files."""
    names = check_archive(content, name)
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "content.xml" in names:
        return "ods"
    if "internal.sqlite" in names:
        return "jasp"
    if "metadata.json" in names and "data.bin" in names:
        return _program(content, names, name)
    raise UnreadableFileError(f"{name} is a zip archive but not a workbook.", code="MA104")


def _program(content: bytes, names: set[str], name: str) -> Kind:
    """Which program wrote a data archive: older ones of JASP hold the same parts as jamovi's."""
    parts = [part for part in ("meta", "META-INF/MANIFEST.MF") if part in names]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            manifest = b"".join(archive.read(part) for part in parts)
    except _BROKEN:
        manifest = b""
    if b"jamovi-Archive-Version" in manifest:
        return "omv"
    if b"JASP-Archive-Version" in manifest:
        return "jasp"
    raise UnreadableFileError(
        f"{name} is broken: it does not say whether jamovi or JASP wrote it.", code="MA105"
    )


_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def check_archive(content: bytes, name: str) -> set[str]:
    """Refuse archives that are broken, oversized or malicious; return the entry names."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries, name)
            for entry in entries:
                if entry.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _check_markup(archive, entry, name)
            return {entry.filename for entry in entries}
    except UnreadableFileError:
        raise
    except _BROKEN:
        raise UnreadableFileError(
            f"{name} is broken: it begins like a workbook but cannot be unpacked.", code="MA105"
        ) from None


def unpacked_size(content: bytes) -> int:
    """Return the bytes that an archive which passed the preflight unpacks to."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _check_entries(entries: list[zipfile.ZipInfo], name: str) -> None:
    """Check counts, names, sizes and ratios as the archive declares them."""
    names = [entry.filename for entry in entries]
    if len(entries) > MAX_ENTRIES:
        raise UnreadableFileError(f"{name} has {len(entries):,} parts.", code="MA106")
    if len(set(names)) < len(names):
        raise UnreadableFileError(f"{name} holds a part twice.", code="MA106")
    if any(n.startswith(("/", "\\")) or ".." in n.replace("\\", "/").split("/") for n in names):
        raise UnreadableFileError(f"{name} has a part that leaves the archive.", code="MA106")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise UnreadableFileError(f"{name} has encrypted parts.", code="MA103")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise UnreadableFileError(
            f"{name} unpacks to more than {MAX_UNPACKED // 2**20} MB.", code="MA106"
        )
    for entry in entries:
        ratio = entry.file_size / max(entry.compress_size, 1)
        if entry.file_size > LARGE_PART and ratio > MAX_RATIO:
            raise UnreadableFileError(
                f"{name}: the part {entry.filename} unpacks to {ratio:.0f} times its size.",
                code="MA106",
            )


def _check_markup(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
    """Refuse document types and entities, which workbooks never need."""
    with archive.open(entry) as stream:
        head = stream.read(HEAD)
    plain = head.replace(b"\x00", b"")  # UTF-16 parts
    if _ENTITY.search(plain):
        raise UnreadableFileError(
            f"{name}: the part {entry.filename} declares entities; it will not be opened.",
            code="MA106",
        )
