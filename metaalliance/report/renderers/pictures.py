"""Drawings made fit to stand inside an HTML page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_SVG, _LINK = "http://www.w3.org/2000/svg", "{http://www.w3.org/1999/xlink}href"
_URL = re.compile(r"url\(#([^)]+)\)")
_ALLOWED = {"svg", "g", "path", "use", "defs", "clipPath", "rect", "text", "tspan", "image"}


def inline_svg(content: bytes, prefix: str) -> str:
    """Return a drawing as an element of a page.

    Metadata, comments and style sheets (which would hold for the whole page) are left out,
    as is everything that is not a shape; identifiers that something points to get the
    prefix, so that two drawings share none; the others are dropped.

    Parameters
    ----------
    content : bytes
        An SVG file.
    prefix : str
        Unique to the drawing.
    """
    root = ElementTree.fromstring(content)  # our own figure
    _clean(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    pointed = _targets(root)
    for element in root.iter():
        _rename(element, pointed, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element) -> None:
    """Remove what is no shape."""
    for child in list(element):
        name = str(child.tag).removeprefix(f"{{{_SVG}}}")
        if name in _ALLOWED:
            _clean(child)
        else:
            element.remove(child)


def _targets(root: ElementTree.Element) -> set[str]:
    found: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if name in {_LINK, "href"} and value.startswith("#"):
                found.add(value[1:])
            found.update(_URL.findall(value))
    return found


def _rename(element: ElementTree.Element, pointed: set[str], prefix: str) -> None:
    for name, value in list(element.attrib.items()):
        if name == "id":
            del element.attrib["id"]
            if value in pointed:
                element.set("id", f"{prefix}-{value}")
        elif name in {_LINK, "href"}:
            del element.attrib[name]
            if value.startswith(("#", "data:image/png;base64,")):
                element.set("href", f"#{prefix}-{value[1:]}" if value[0] == "#" else value)
        elif name.startswith("on"):
            del element.attrib[name]
        else:
            element.set(name, _URL.sub(rf"url(#{prefix}-\1)", value))
