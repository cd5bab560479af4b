"""Styles that are added behind those of a workbook, whose numbers stay what they are."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from metaalliance.report.package.markup import (
    Edit,
    Element,
    children,
    elements,
    fragment,
    splice,
    with_attributes,
)

_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#: Containers in the order of the format, with what one that is missing has to hold.
_CONTAINERS = {
    "numFmts": "",
    "fonts": "<{0}font/>",
    "fills": '<{0}fill><{0}patternFill patternType="none"/></{0}fill>'
    '<{0}fill><{0}patternFill patternType="gray125"/></{0}fill>',
    "borders": "<{0}border/>",
    "cellStyleXfs": "<{0}xf/>",
    "cellXfs": "<{0}xf/>",
}
_WRAP = ' wrapText="1"'
_ITEMS = {"fonts": "font", "fills": "fill", "borders": "border", "cellXfs": "xf"}


def empty_styles(*, strict: bool) -> bytes:
    """Return the styles of a workbook that has none."""
    return fragment(f'<styleSheet xmlns="{_STRICT if strict else _TRANSITIONAL}"></styleSheet>')


class Styles:
    """The styles of a workbook, and what was added to them."""

    def __init__(self, xml: bytes) -> None:
        self._xml = _complete(xml)
        root, inner = children(self._xml)
        self._prefix = root.prefix
        self._containers = {e.name: e for e in inner if e.name in _CONTAINERS}
        found = elements(self._xml, lambda _name, depth, _attributes: depth <= 2)
        self._formats = [e for e in found if self._inside(e, "cellXfs") and e.depth == 2]
        self._count = {
            name: sum(e.depth == 2 and self._inside(e, name) for e in found) for name in _ITEMS
        }
        self._added: dict[str, list[str]] = {name: [] for name in _ITEMS}
        self._copies: dict[tuple[int, int], int] = {}

    def _inside(self, element: Element, container: str) -> bool:
        outer = self._containers[container]
        return outer.inside <= element.start < outer.end

    def _add(self, container: str, content: str) -> int:
        known = self._added[container]
        if content not in known:
            known.append(content)
        return self._count[container] + known.index(content)

    def font(self, *marks: str, color: str = "") -> int:
        """Add a font of 11 points; marks are the names of elements such as "b"."""
        p = self._prefix
        colour = f'<{p}color rgb="FF{color}"/>' if color else ""
        marked = "".join(f"<{p}{mark}/>" for mark in marks)
        size = f'<{p}sz val="11"/>{colour}<{p}name val="Calibri"/><{p}family val="2"/>'
        return self._add("fonts", f"<{p}font>{marked}{size}</{p}font>")

    def fill(self, color: str) -> int:
        """Add a plain fill."""
        p = self._prefix
        pattern = f'<{p}fgColor rgb="FF{color}"/><{p}bgColor indexed="64"/>'
        pattern = f'<{p}patternFill patternType="solid">{pattern}</{p}patternFill>'
        return self._add("fills", f"<{p}fill>{pattern}</{p}fill>")

    def hair(self, color: str) -> int:
        """Add a border that is a thin line below."""
        p = self._prefix
        line = f'<{p}bottom style="thin"><{p}color rgb="FF{color}"/></{p}bottom>'
        return self._add(
            "borders", f"<{p}border><{p}left/><{p}right/><{p}top/>{line}<{p}diagonal/></{p}border>"
        )

    def cell(self, *, wrapped: bool = False, **parts: int) -> int:
        """Add the style of a cell of text from the numbers of its font, fill and border."""
        p = self._prefix
        numbers = {"fontId": 0, "fillId": 0, "borderId": 0, **parts}
        ids = "".join(f" {name}={quoteattr(str(n))}" for name, n in numbers.items())
        inner = f'<{p}alignment vertical="top"{_WRAP if wrapped else ""}/>'
        return self._add(
            "cellXfs",
            f'<{p}xf numFmtId="0"{ids} xfId="0" quotePrefix="1" applyFont="1" applyFill="1" '
            f'applyBorder="1" applyAlignment="1">{inner}</{p}xf>',
        )

    def coloured(self, style: int, fill: int) -> int:
        """Add a style that is another one with a fill."""
        if (style, fill) not in self._copies:
            xf = self._formats[style] if style < len(self._formats) else self._formats[0]
            tag, rest = self._xml[xf.start : xf.inside], self._xml[xf.inside : xf.stop]
            tag = with_attributes(tag, {"fillId": fill, "applyFill": 1})
            # The bytes of the file as text of one letter each, like the other additions.
            self._copies[style, fill] = self._add("cellXfs", (tag + rest).decode("latin-1"))
        return self._copies[style, fill]

    def to_bytes(self) -> bytes:
        """Return the part with the additions."""
        edits: list[Edit] = []
        for name, added in self._added.items():
            if not added:
                continue
            container = self._containers[name]
            content = b"".join(text.encode("latin-1") for text in added)
            edits.append(container.change(self._xml, count=self._count[name] + len(added)))
            edits.append((container.end, container.end, content))
        return splice(self._xml, edits)


def _complete(xml: bytes) -> bytes:
    """Give styles every container that additions need, none of them without an end tag."""
    for name, content in _CONTAINERS.items():
        root, inner = children(xml)
        present = next((e for e in inner if e.name == name), None)
        filled = fragment(content.format(root.prefix))
        if present is not None:
            if present.is_empty(xml):
                xml = splice(xml, [present.append(xml, filled)])
            continue
        if name == "numFmts":
            continue
        order = list(_CONTAINERS)
        before = [e for e in inner if e.name in order[: order.index(name)]]
        place = before[-1].stop if before else root.inside
        tag = f"{root.prefix}{name}"
        whole = fragment(f"<{tag}>") + filled + fragment(f"</{tag}>")
        if root.is_empty(xml):
            xml = splice(xml, [root.append(xml, whole)])
        else:
            xml = splice(xml, [(place, place, whole)])
    return xml
