"""Read data frames of R (.rds, .rda) by the parser of rdata; what they mean is told here."""

from __future__ import annotations

import bz2
import lzma
import warnings
import zlib
from collections.abc import Callable
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.read.limits import MAX_ROWS, MAX_UNPACKED, PAGE
from metaalliance.sheet.read.optional import library
from metaalliance.sheet.read.r_columns import RColumn, attributes_of, read_column, texts_of
from metaalliance.sheet.read.variables import Variable, grid_of, listed, variable_problem

_R_STARTS = (b"X\n", b"A\n", b"B\n", b"RDX", b"RDA", b"RDB")
#: What metafor calls the scale of an effect, and what this tool calls it.
_MEASURES = {
    "ZCOR": "z",
    "COR": "r",
    "UCOR": "r",
    "PCOR": "r",
    "ZPCOR": "z",
    "SMD": "g",
    "OR": "log_or",
}

#: Those of them that hold other variables constant.
_PARTIAL = frozenset({"PCOR", "ZPCOR"})


def read_r(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return every data frame of an R file as a sheet.

    Raises
    ------
    UnreadableFileError
        When rdata is not installed, or the file is broken, too large, or has no data frame.
    """
    plain = _unpacked(content, name)
    if not plain.startswith(_R_STARTS):
        raise UnreadableFileError(
            f"{name} is a compressed file, not one of R. Unpack it first.", code="MA104"
        )
    library("rdata", name, "an R file")
    found: list[Problem] = []
    try:
        root = _parse(plain)
        frames = _frames(root, name)
        grids = [_grid(title, frame, found) for title, frame in frames.items()]
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:  # any fault of the parser means a broken file
        raise UnreadableFileError(
            f"{name} is broken, or holds R objects that cannot be read ({type(error).__name__}). "
            "Save the data frame alone: saveRDS(dat, 'dat.rds').",
            code="MA105",
        ) from error
    if not grids:
        raise UnreadableFileError(
            f"{name} holds {_what(root)} and no data frame: saveRDS(dat, 'dat.rds') saves one.",
            code="MA124",
        )
    return grids, found


def _unpacked(content: bytes, name: str) -> bytes:
    """The bytes of a file that R has packed, within bounds."""
    packer: Any
    if content.startswith(b"\x1f\x8b"):
        packer = zlib.decompressobj(31)
    elif content.startswith(b"BZh"):
        packer = bz2.BZ2Decompressor()
    elif content.startswith(b"\xfd7zXZ"):
        packer = lzma.LZMADecompressor(memlimit=2 * MAX_UNPACKED)
    else:
        return content
    try:
        plain: bytes = packer.decompress(content, MAX_UNPACKED + 1)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        raise UnreadableFileError(
            f"{name} is broken: it cannot be unpacked.", code="MA105"
        ) from None
    if len(plain) > MAX_UNPACKED:
        raise UnreadableFileError(
            f"{name} unpacks to more than {MAX_UNPACKED // 2**20} MB ({PAGE}).", code="MA107"
        )
    if not packer.eof:
        raise UnreadableFileError(f"{name} is broken: it ends too early.", code="MA105")
    return plain


def _parse(plain: bytes) -> Any:
    """The tree of R objects; what is stored as a count alone stays within bounds."""
    from rdata import parser
    from rdata.parser import _parser

    def bytecode(self: Any, references: Any, repeated: Any = None) -> Any:
        if repeated is None:  # begins with a count for which a list is made
            count = self.parse_int()
            if not 0 <= count <= len(plain):
                raise ValueError("compiled code beyond the bounds")

            def again() -> int:
                del self.parse_int
                return int(count)

            self.parse_int = again
        return whole(self, references, repeated)

    def bounded(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def constructor(state: Any) -> Any:
            if not 0 <= float(state.value[0]) <= MAX_ROWS * 2:
                raise ValueError("a sequence beyond the bounds")
            return build(state)

        return constructor

    constructors = {
        key: bounded(build) if key.startswith(b"compact_") else build
        for key, build in parser.DEFAULT_ALTREP_MAP.items()
    }
    base: Any = _parser.Parser
    whole = base._parse_bytecode
    base._parse_bytecode = bytecode
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the name of the file
            return parser.parse_data(plain, altrep_constructor_dict=constructors).object
    finally:
        base._parse_bytecode = whole


def _frames(root: Any, name: str) -> dict[str, Any]:
    """Data frames by name: the object itself, those of a list, or those of an .rda."""
    if _is_frame(root):
        return {name: root}
    frames = _of_list(root)
    node = root
    while node.info.type.name == "LIST":
        tag = node.tag if node.tag is None or node.tag.value else node.tag.referenced_object
        key = tag.value.value.decode("utf-8", "replace") if tag is not None else ""
        if _is_frame(node.value[0]):
            frames[key] = node.value[0]
        frames |= {f"{key}${inner}": f for inner, f in _of_list(node.value[0]).items()}
        node = node.value[1]
    return frames


def _of_list(thing: Any) -> dict[str, Any]:
    """Data frames of a plain list by name; a model is a list of a class, and is none."""
    if thing.info.type.name != "VEC" or "class" in attributes_of(thing):
        return {}
    names = texts_of(attributes_of(thing).get("names")) or []
    pairs = zip(names, thing.value, strict=False)
    return {str(key): value for key, value in pairs if _is_frame(value)}


def _is_frame(thing: Any) -> bool:
    classes = texts_of(attributes_of(thing).get("class")) or []
    return thing.info.type.name == "VEC" and "data.frame" in classes


def _what(root: Any) -> str:
    """What an object is, in R's own words."""
    classes = texts_of(attributes_of(root).get("class"))
    kinds = {"VEC": "a list", "LIST": "objects", "CLO": "a function", "S4": "an S4 object"}
    return f"an object of class {classes[0]!r}" if classes else kinds.get(
        root.info.type.name, "a vector"
    )  # fmt: skip


def _grid(title: str, frame: Any, found: list[Problem]) -> Grid:
    """One data frame as a sheet; what its attributes say is told."""
    attributes = attributes_of(frame)
    names = [str(n) for n in texts_of(attributes.get("names")) or []]
    columns: list[RColumn] = []
    for name, column in zip(names, frame.value, strict=True):
        columns += read_column(name, column, title, found)
    variables = [c.variable for c in columns]
    row_names = texts_of(attributes.get("row.names"))
    if row_names and not all(str(n).isdigit() for n in row_names):
        variables.insert(0, Variable(name="row.names", values=list(row_names)))
        message = "the names of the rows are read as the column 'row.names'"
        found.append(variable_problem("MA123", title, "", message))
    measured = [(c.variable, c.measure) for c in columns if c.measure]
    for variable, measure in measured[:1]:
        scale = _MEASURES.get(measure)
        message = f"R's escalc computed {variable.name} as {measure}"
        given = {"yi_measure": scale or measure}  # an unknown one is an error of its rows
        if measure in _PARTIAL:
            given["adjusted_for"] = "other"
            message += ", a partial correlation"
        for name in (n for n in given if n not in names):
            told = [None if v is None else given[name] for v in variable.values]
            variables.append(Variable(name=name, values=told))
        if scale is None:
            message += (
                ", and no scale of yi_measure is right for that: enter the numbers that it was "
                "computed from"
            )
        elif "yi_measure" not in names:
            message += f"; yi_measure is {scale!r} for these rows"
        found.append(variable_problem("MA123", title, "", message))
    dropped = [n for n in names if n not in {c.source for c in columns}]
    if dropped:
        message = f"columns that hold lists or tables are not read: {listed(dropped)}"
        found.append(variable_problem("MA122", title, "", message))
    grid, more = grid_of(title, variables)
    found += more
    return grid
