"""Comments on cells: those of a sheet are kept, new ones come beside or below them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from openpyxl.utils import coordinate_to_tuple

from metaalliance.report.package.cells import legacy_drawing, with_legacy_drawing
from metaalliance.report.package.markup import (
    Edit,
    Element,
    as_utf8,
    children,
    elements,
    fragment,
    shown,
    splice,
)
from metaalliance.report.package.package import MAIN, Package
from metaalliance.sheet.read.grid import cell_name

AUTHOR = "metaalliance"
#: Letters on a line of a new box, its width, and the heights of a line and of the box in points.
_LINE, _WIDTH, _LINE_HEIGHT, _MOST_HEIGHT = 44, 240, 13, 360
_SPACES = {
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "x": "urn:schemas-microsoft-com:office:excel",
}
_BOX = (
    '<v:shapetype{} id="_x0000_t202" coordsize="21600,21600" o:spt="202" '
    'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
    '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_SHAPES = re.compile(rb"(?=<v:shape\s)")
_SHAPE_ID = re.compile(rb'"_x0000_s(\d+)"')
_PLACE = re.compile(rb"<x:Row>\s*(\d+)\s*</x:Row>\s*<x:Column>\s*(\d+)\s*</x:Column>")
_ANCHOR = re.compile(rb"(<x:Anchor>)([\d\s,]+)(</x:Anchor>)")
_THREADED = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"


def add_comments(package: Package, sheet: str, texts: Mapping[str, str]) -> None:
    """Write texts as comments on cells of a sheet; where a cell has one, behind its text."""
    if not texts:
        return
    part = package.related(sheet, "comments")
    if part is None:
        empty = _empty_comments(package, sheet)
        pattern, kind = "xl/comments{}.xml", f"{MAIN}.comments+xml"
        part, _ = package.add(sheet, "comments", pattern, empty, kind)
    xml = package.xml(part)
    replies = _threads(package, sheet, texts)
    found = elements(xml, lambda _name, depth, _attributes: depth <= 4)
    own = {e.attributes.get("ref", ""): e for e in found if e.name == "comment" and e.depth == 2}
    edits: list[Edit] = []
    for cell in texts.keys() & own.keys():
        label = "Reply:\n    " if cell in replies else ""
        edits += _appended(xml, own[cell], found, f"\n{label}{texts[cell]}")
    new = [cell for cell in texts if cell not in own]
    if new:
        edits += _new_comments(xml, found, {cell: texts[cell] for cell in new})
    package.parts[part] = splice(xml, edits)
    grown = {cell: texts[cell] for cell in texts if cell in own}
    _draw_boxes(package, sheet, {cell: texts[cell] for cell in new}, grown)


def _empty_comments(package: Package, sheet: str) -> bytes:
    xml = package.xml(sheet)
    root = children(xml)[0]
    space = root.attributes.get("xmlns:" + root.prefix[:-1] if root.prefix else "xmlns")
    return fragment(
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<comments xmlns="{space}"><authors></authors><commentList></commentList></comments>'
    )


def _appended(xml: bytes, comment: Element, found: list[Element], text: str) -> list[Edit]:
    """Put a text behind that of a comment, whose own runs stay."""
    inside = [e for e in found if comment.start < e.start < comment.stop]
    body = next(e for e in inside if e.name == "text")
    p = body.prefix
    run = fragment(f'<{p}r><{p}t xml:space="preserve">{shown(text)}</{p}t></{p}r>')
    edits: list[Edit] = []
    for plain in (e for e in inside if e.name == "t" and e.depth == body.depth + 1):
        edits.append((plain.start, plain.start, fragment(f"<{p}r>")))  # plain text as a run
        edits.append((plain.stop, plain.stop, fragment(f"</{p}r>") + run))
        return edits
    runs = [e for e in inside if e.name == "r" and e.depth == body.depth + 1]
    if runs:
        return [(runs[-1].stop, runs[-1].stop, run)]
    return [body.append(xml, run)]


def _new_comments(xml: bytes, found: list[Element], texts: Mapping[str, str]) -> list[Edit]:
    """Comments on cells that have none, by this tool as their author."""
    authors, listed = (next(e for e in found if e.name == n) for n in ("authors", "commentList"))
    p = listed.prefix
    number = sum(e.name == "author" and e.depth == 2 for e in found)
    content = "".join(
        f'<{p}comment ref="{cell}" authorId="{number}"><{p}text><{p}r>'
        f'<{p}t xml:space="preserve">{shown(text)}</{p}t></{p}r></{p}text></{p}comment>'
        for cell, text in texts.items()
    )
    author = fragment(f"<{p}author>{AUTHOR}</{p}author>")
    return [authors.append(xml, author), listed.append(xml, fragment(content))]


def _threads(package: Package, sheet: str, texts: Mapping[str, str]) -> set[str]:
    """Add replies to threads of comments; return the cells that have one."""
    part = package.related(sheet, "threadedComment")
    persons = package.related(package.workbook, "person")
    if part is None or persons is None:
        return set()
    xml = package.xml(part)
    root, inner = children(xml)
    threads = {e.attributes["ref"]: e.attributes for e in inner if "parentId" not in e.attributes}
    cells = [cell for cell in texts if cell in threads]
    person = _guid(AUTHOR)
    p = root.prefix
    replies = ""
    for cell in cells:
        first = threads[cell]
        date = f" dT={quoteattr(first['dT'])}" if "dT" in first else ""
        replies += (
            f'<{p}threadedComment ref="{cell}"{date} personId="{person}" '
            f'id="{_guid(first["id"] + texts[cell])}" parentId="{first["id"]}">'
            f"<{p}text>{shown(texts[cell])}</{p}text></{p}threadedComment>"
        )
    if cells:
        package.parts[part] = splice(xml, [root.append(xml, fragment(replies))])
        _add_person(package, persons, person)
    return set(cells)


def _add_person(package: Package, part: str, person: str) -> None:
    xml = package.xml(part)
    root, inner = children(xml)
    if all(e.attributes.get("id") != person for e in inner):
        entry = (
            f'<{root.prefix}person displayName="{AUTHOR}" id="{person}" userId="{AUTHOR}" '
            'providerId="None"/>'
        )
        package.parts[part] = splice(xml, [root.append(xml, fragment(entry))])


def _guid(text: str) -> str:
    """An identifier that is the same for the same text."""
    return "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, _THREADED + text)).upper() + "}"


# Boxes ----------------------------------------------------------------------------------


def _draw_boxes(
    package: Package, sheet: str, new: Mapping[str, str], grown: Mapping[str, str]
) -> None:
    """Draw the box of each new comment, and enlarge those that hold more than before."""
    part = _drawing_of(package, sheet)
    if part is None:
        if not new:
            return
        kind = "application/vnd.openxmlformats-officedocument.vmlDrawing"
        pattern = "xl/drawings/vmlDrawing{}.vml"
        layout = '<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>'
        content = fragment(f"<xml{_declared(_SPACES)}>{layout}</xml>")
        part, relation = package.add(sheet, "vmlDrawing", pattern, content, kind)
        package.parts[sheet] = with_legacy_drawing(package.xml(sheet), relation, package.base)
    vml = as_utf8(package.parts[part])
    vml = b"".join(_grown(part, grown) for part in _SHAPES.split(vml))
    first = max([1024, *map(int, _SHAPE_ID.findall(vml))]) + 1
    root = vml[: vml.find(b">", vml.find(b"<xml"))].decode("latin-1")
    missing = {p: space for p, space in _SPACES.items() if f"xmlns:{p}=" not in root}
    spaces = _declared(missing)
    shapes = [_box(first + i, *item, spaces) for i, item in enumerate(new.items())]
    if b'"_x0000_t202"' not in vml and shapes:
        shapes.insert(0, _BOX.format(spaces))
    boxes = "".join(shapes)
    at = vml.rindex(b"</xml>")
    package.parts[part] = vml[:at] + fragment(boxes) + vml[at:]


def _declared(spaces: Mapping[str, str]) -> str:
    return "".join(f" xmlns:{prefix}={quoteattr(space)}" for prefix, space in spaces.items())


def _drawing_of(package: Package, sheet: str) -> str | None:
    """The part that the sheet names as its legacy drawing."""
    element = legacy_drawing(package.xml(sheet))[2]
    if element is None:
        return None
    name = next((v for k, v in element.attributes.items() if k.endswith(":id")), "")
    targets = (r.target for r in package.relations(sheet) if r.id == name)
    return next((t for t in targets if b"</xml>" in package.parts.get(t, b"")), None)


def _lines(text: str) -> int:
    return sum(1 + len(line) // _LINE for line in text.split("\n"))


def _box(number: int, cell: str, text: str, spaces: str) -> str:
    row, column = coordinate_to_tuple(cell)
    height = min(18 + _LINE_HEIGHT * _lines(text), _MOST_HEIGHT)
    style = (
        "position:absolute;margin-left:59.25pt;margin-top:1.5pt;"
        f"width:{_WIDTH}pt;height:{height}pt;z-index:1;visibility:hidden"
    )
    return (
        f'<v:shape{spaces} id="_x0000_s{number}" type="#_x0000_t202" style="{style}" '
        'fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/>'
        '<v:shadow color="black" obscured="t"/>'
        '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto">'
        '<div style="text-align:left"></div></v:textbox><x:ClientData ObjectType="Note">'
        "<x:MoveWithCells/><x:SizeWithCells/><x:AutoFill>False</x:AutoFill>"
        f"<x:Row>{row - 1}</x:Row><x:Column>{column - 1}</x:Column></x:ClientData></v:shape>"
    )


def _grown(shape: bytes, texts: Mapping[str, str]) -> bytes:
    """What begins with a box of the sheet, which grows where its comment does."""
    place = _PLACE.search(shape)
    text = texts.get(cell_name(int(place[1]) + 1, int(place[2]) + 1), "") if place else ""
    return _ANCHOR.sub(lambda m: m[1] + _lower(m[2], text) + m[3], shape) if text else shape


def _lower(anchor: bytes, text: str) -> bytes:
    """Corners of a box (column, offset, row, offset; twice) with more rows and columns."""
    numbers = [int(n) for n in anchor.split(b",")]
    if len(numbers) == 8:
        numbers[4] += 2
        numbers[6] += min(_lines(text), 15)
    return ", ".join(map(str, numbers)).encode()
