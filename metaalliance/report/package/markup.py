"""Edit XML where it stands: find elements by their place in the bytes, and splice."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from metaalliance.errors import UnreadableFileError

_START_TAG = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

#: (start, stop, replacement): bytes that give way to others; start == stop inserts.
Edit = tuple[int, int, bytes]


@dataclass(slots=True)
class Element:
    """An element by the places of its tags.

    Attributes
    ----------
    name, prefix : str
        Its name, and its prefix with the colon ("" without one).
    attributes : dict of str to str
        What its start tag says.
    depth : int
        0 for the root.
    start, inside : int
        Where its start tag begins, and where its content does.
    end, stop : int
        Where its content ends, and where the element does.
    """

    name: str
    prefix: str
    attributes: Mapping[str, str]
    depth: int
    start: int
    inside: int
    end: int = 0
    stop: int = 0

    def append(self, xml: bytes, content: bytes) -> Edit:
        """The edit that adds content behind what the element holds."""
        if self.end > self.inside or not self.is_empty(xml):
            return self.end, self.end, content
        opened = xml[self.start : self.inside].rstrip(b"/>").rstrip() + b">"
        return self.start, self.stop, opened + content + fragment(f"</{self.prefix}{self.name}>")

    def is_empty(self, xml: bytes) -> bool:
        """Whether it is one tag that ends itself."""
        return xml[self.inside - 2 : self.inside] == b"/>"

    def change(self, xml: bytes, **attributes: object) -> Edit:
        """The edit that sets attributes; None takes one away."""
        return self.start, self.inside, with_attributes(xml[self.start : self.inside], attributes)


def elements(xml: bytes, wanted: Callable[[str, int, Mapping[str, str]], bool]) -> list[Element]:
    """Return the elements that are wanted by name, depth and attributes, in their order.

    Raises
    ------
    UnreadableFileError
        For a document type, which no part of a workbook has.
    """
    parser = expat.ParserCreate()
    opened: list[Element | None] = []
    found: list[Element] = []

    def start(qualified: str, attributes: dict[str, str]) -> None:
        prefix, colon, name = qualified.rpartition(":")
        element = None
        if wanted(name, len(opened), attributes):
            at = parser.CurrentByteIndex
            tag = _START_TAG.match(xml, at)
            if tag is None:
                raise UnreadableFileError("A part of the workbook has a broken tag.", code="MA105")
            element = Element(name, prefix + colon, attributes, len(opened), at, tag.end())
            found.append(element)
        opened.append(element)

    def end(_: str) -> None:
        element = opened.pop()
        if element is not None:
            element.end = parser.CurrentByteIndex
            closing = xml.find(b">", element.end) + 1
            element.stop = element.inside if element.is_empty(xml) else closing

    def refuse(*_: Any) -> None:
        raise UnreadableFileError("A part of the workbook declares entities.", code="MA106")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(xml, True)
    return found


def children(xml: bytes) -> tuple[Element, list[Element]]:
    """Return the root of a part and what stands directly in it."""
    root, *inner = elements(xml, lambda _name, depth, _attributes: depth <= 1)
    return root, inner


def splice(xml: bytes, edits: Iterable[Edit]) -> bytes:
    """Apply edits that do not overlap; insertions at one place keep their order."""
    parts, at = [], 0
    for start, stop, replacement in sorted(edits, key=lambda edit: edit[:2]):
        parts += [xml[at:start], replacement]
        at = stop
    return b"".join([*parts, xml[at:]])


def with_attributes(tag: bytes, attributes: Mapping[str, object]) -> bytes:
    """Set attributes of a start tag; None takes one away.

    Examples
    --------
    >>> with_attributes(b'<c r="B2" s="1"/>', {"s": 7})
    b'<c r="B2" s="7"/>'
    """
    for name, value in attributes.items():
        old = re.compile(rb"(?<!\s)\s+" + fragment(name) + rb"""\s*=\s*("[^"]*"|'[^']*')""")
        tag = old.sub(b"", tag)
        if value is not None:
            close = b"/>" if tag.endswith(b"/>") else b">"
            body = tag[: -len(close)].rstrip()
            tag = body + fragment(f" {name}={quoteattr(str(value))}") + close
    return tag


def fragment(text: str) -> bytes:
    """Return markup as ASCII, which is right in every encoding that a part may have."""
    return text.encode("ascii", "xmlcharrefreplace")


def shown(text: str) -> str:
    """Return text for the content of an element of a sheet.

    Examples
    --------
    >>> shown("r < .3, cell _x0041_")
    'r &lt; .3, cell _x005F_x0041_'
    """
    return escape(_ESCAPED.sub("_x005F_", text))


def as_utf8(xml: bytes) -> bytes:
    """Return a part without a byte order mark; UTF-16 becomes UTF-8."""
    if xml.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _DECLARATION.sub("", xml.decode("utf-16")).encode()
    return xml
