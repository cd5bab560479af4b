"""Give cells of a sheet another style, also those that the file does not hold yet."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping

from openpyxl.utils import coordinate_to_tuple

from metaalliance.report.package.markup import Edit, Element, elements, fragment, splice
from metaalliance.sheet.read.grid import cell_name

#: The style of a cell by the one that it has now.
Restyle = Callable[[int], int]

_TRUE = {"1", "true"}
#: What stands behind a sheet's legacy drawing, in the order of the format.
_BEHIND = frozenset(
    {"legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems",
     "tableParts", "extLst"}
)  # fmt: skip


def restyle_cells(xml: bytes, marks: Mapping[tuple[int, int], Restyle]) -> bytes:
    """Return a sheet in which cells, by row and column, have another style."""
    if not marks:
        return xml
    wanted: dict[int, dict[int, Restyle]] = {}
    for (row, column), style in sorted(marks.items()):
        wanted.setdefault(row, {})[column] = style
    found = elements(xml, _Sheet(wanted).keeps)
    data = next(e for e in found if e.name == "sheetData")
    columns = [e for e in found if e.name == "col"]
    rows = _rows(found)
    numbers = sorted(rows)
    edits: list[Edit] = []
    inserted: list[bytes] = []
    for number, styles in wanted.items():
        if number in rows:
            edits += _restyle_row(xml, number, *rows[number], styles, columns)
            continue
        new = _new_cells(data.prefix, number, styles, lambda c: _column_style(columns, c))
        tag = f"{data.prefix}row"
        content = fragment(f'<{tag} r="{number}">') + new + fragment(f"</{tag}>")
        after = bisect(numbers, number)
        if after < len(numbers):
            place = rows[numbers[after]][0].start
            edits.append((place, place, content))
        else:
            inserted.append(content)
    if inserted:
        edits.append(data.append(xml, b"".join(inserted)))
    return splice(xml, edits)


class _Sheet:
    """Which elements of a sheet are needed: its rows, and the cells of some of them."""

    def __init__(self, rows: Mapping[int, object]) -> None:
        self._rows = rows
        self._row = 0

    def keeps(self, name: str, depth: int, attributes: Mapping[str, str]) -> bool:
        if depth == 3 and name == "c":
            return self._row in self._rows
        if depth == 2 and name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            return True
        return (depth == 1 and name == "sheetData") or (depth == 2 and name == "col")


def _rows(found: Iterable[Element]) -> dict[int, tuple[Element, list[Element]]]:
    """Rows by their numbers, which a file may leave out, each with its cells."""
    number = 0
    rows: dict[int, tuple[Element, list[Element]]] = {}
    for element in found:
        if element.name == "row":
            number = int(element.attributes.get("r", number + 1))
            rows[number] = (element, [])
        elif element.name == "c":
            rows[number][1].append(element)
    return rows


def _restyle_row(
    xml: bytes,
    number: int,
    row: Element,
    cells: list[Element],
    styles: Mapping[int, Restyle],
    columns: list[Element],
) -> Iterator[Edit]:
    """Edits of the cells of one row; a cell that is missing is put at its place."""
    column, left = 0, dict(styles)
    missing: list[Edit] = []
    own = int(row.attributes.get("s", 0)) if row.attributes.get("customFormat") in _TRUE else None

    def base(column: int) -> int:
        return _column_style(columns, column) if own is None else own

    for cell in cells:
        reference = cell.attributes.get("r")
        column = coordinate_to_tuple(reference)[1] if reference else column + 1
        before = {c: left.pop(c) for c in sorted(left) if c < column}
        if before:
            new = _new_cells(row.prefix, number, before, base)
            missing.append((cell.start, cell.start, new))
        if column in left:
            style = left.pop(column)(int(cell.attributes.get("s", 0)))
            yield cell.change(xml, s=style)
    if left:
        missing.append(row.append(xml, _new_cells(row.prefix, number, left, base)))
    if missing and "spans" in row.attributes and not row.is_empty(xml):
        yield row.change(xml, spans=None)  # the columns that it says are no longer all
    yield from missing


def _column_style(columns: list[Element], column: int) -> int:
    """The style that empty cells of a column have."""
    for element in columns:
        a = element.attributes
        if int(a.get("min", 0)) <= column <= int(a.get("max", 0)):
            return int(a.get("style", 0))
    return 0


def _new_cells(
    prefix: str, row: int, styles: Mapping[int, Restyle], base: Callable[[int], int]
) -> bytes:
    """Blank cells with a style."""
    return fragment(
        "".join(
            f'<{prefix}c r="{cell_name(row, c)}" s="{style(base(c))}"/>'
            for c, style in styles.items()
        )
    )


def legacy_drawing(xml: bytes) -> tuple[Element, list[Element], Element | None]:
    """Return the root of a sheet, what stands in it, and its legacy drawing if it has one."""
    root, *inner = elements(xml, lambda _name, depth, _attributes: depth <= 1)
    return root, inner, next((e for e in inner if e.name == "legacyDrawing"), None)


def with_legacy_drawing(xml: bytes, relation: str, base: str) -> bytes:
    """Return a sheet that refers to the boxes of its comments by a relationship."""
    root, inner, old = legacy_drawing(xml)
    tag = f'<{root.prefix}legacyDrawing xmlns:r="{base}" r:id="{relation}"/>'
    if old is not None:
        return splice(xml, [(old.start, old.stop, fragment(tag))])
    data = next(i for i, e in enumerate(inner) if e.name == "sheetData")
    behind = [e for e in inner[data:] if e.name in _BEHIND]
    place = behind[0].start if behind else root.end
    return splice(xml, [(place, place, fragment(tag))])
