"""The checked copy of a workbook is the workbook: only colours, comments and a list come to it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

import metaalliance as ma
from metaalliance.report.workbooks.annotated import annotated_workbook
from metaalliance.sheet.template.workbook import template_workbook

pytestmark = [
    pytest.mark.filterwarnings("ignore:Data Validation extension"),
    pytest.mark.filterwarnings("ignore:Workbook contains no default style"),
]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
VALIDATION_14 = (
    '<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}" '
    'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main">'
    '<x14:dataValidations count="1" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main">'
    '<x14:dataValidation type="list" allowBlank="1"><x14:formula1><xm:f>lists!$A$1:$A$2</xm:f>'
    "</x14:formula1><xm:sqref>E2:E9</xm:sqref></x14:dataValidation></x14:dataValidations></ext>"
    "</extLst>"
)


def _parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _rich_book() -> bytes:
    """A workbook with everything that a team may have put there."""
    book = Workbook()
    sheet = book.active
    sheet.title = "effects"
    header = ["study", "r", "n", "outcome_direction", "modality"]
    rows = [header, ["A", 1.07, 40, "higher_better"], ["C", 0.3, 60, "sideways", "CBT"]]
    rows.insert(2, ["B", "=.1+.1", 50, "higher_better", "CBT"])
    for row in rows:
        sheet.append(row)
    choice = DataValidation(type="list", formula1='"higher_better,lower_better"')
    choice.add("D2:D9")
    sheet.add_data_validation(choice)
    red = PatternFill("solid", bgColor="FF0000")
    sheet.conditional_formatting.add("C2:C9", CellIsRule("lessThan", ["10"], fill=red))
    sheet["B2"].font = Font(bold=True, color="00AA00")
    sheet["B2"].number_format = "0.000"
    sheet["A4"].fill = PatternFill("solid", fgColor="00FFFF")
    sheet["B2"].comment = Comment("from a mail", "coder")
    sheet["C4"].comment = Comment("completers", "coder")
    sheet.column_dimensions["A"].width = 33
    sheet.freeze_panes = "B2"
    sheet.add_table(Table(displayName="coded", ref="A1:E4"))
    sheet["G1"].hyperlink = "https://example.org/"
    book.defined_names["lowest"] = DefinedName("lowest", attr_text="effects!$C$2")
    lists = book.create_sheet("lists")
    for i, name in enumerate(("CBT", "IPT"), start=1):
        lists.append([name, i])
    chart = BarChart()
    chart.add_data(Reference(lists, min_col=2, min_row=1, max_row=2))
    lists.add_chart(chart, "D4")
    lists.auto_filter.ref = "A1:B2"
    buffer = io.BytesIO()
    book.save(buffer)
    parts = _parts(buffer.getvalue())
    xml = parts["xl/worksheets/sheet1.xml"].decode()
    xml = re.sub(r"(<f>.1\+.1</f>)<v ?/>|(<f>.1\+.1</f>)<v></v>", r"\1\2<v>.2</v>", xml)
    xml = xml.replace("</worksheet>", f"{VALIDATION_14}</worksheet>")
    assert "<v>.2</v>" in xml
    return _packed({**parts, "xl/worksheets/sheet1.xml": xml.encode()})


@pytest.fixture
def copied(tmp_path: Path) -> Callable[..., tuple[dict[str, bytes], dict[str, bytes], Path]]:
    """Annotate a workbook; return the parts of both, and the path of the copy."""

    def copy(content: bytes, name: str = "studies.xlsx"):
        path = tmp_path / name
        path.write_bytes(content)
        studies = ma.load_studies(path)
        assert studies.problems
        made = annotated_workbook(path, studies)
        assert path.read_bytes() == content
        target = tmp_path / "copy.xlsx"
        target.write_bytes(made)
        again = ma.load_studies(target)
        listed = [(p.code, p.sheet, p.cell, p.message) for p in studies.problems]
        assert [(p.code, p.sheet, p.cell, p.message) for p in again.problems if p.code != "MA109"
                ] == [found for found in listed if found[0] != "MA109"]  # fmt: skip
        _check_package(_parts(made))
        return _parts(content), _parts(made), target

    return copy


def _check_package(parts: dict[str, bytes]) -> None:
    """Each part has a type, each relationship a part, each id one relationship."""
    types = ElementTree.fromstring(parts["[Content_Types].xml"])
    defaults = {e.get("Extension", "").lower() for e in types if e.tag.endswith("Default")}
    overrides = {e.get("PartName", "").lstrip("/") for e in types if e.tag.endswith("Override")}
    assert overrides <= parts.keys()
    for name in parts.keys() - {"[Content_Types].xml"}:
        assert name in overrides or name.rpartition(".")[2].lower() in defaults, name
        if name.endswith((".rels", ".xml", ".vml")):
            ElementTree.fromstring(parts[name])
        if not name.endswith(".rels"):
            continue
        folder = name.replace("_rels/", "").rpartition("/")[0]
        relations = list(ElementTree.fromstring(parts[name]))
        assert len({r.get("Id") for r in relations}) == len(relations)
        for r in relations:
            if r.get("TargetMode") != "External":
                path = Path("/", folder, r.get("Target", "")).as_posix()
                assert str(Path(path).resolve()).lstrip("/") in parts, (name, r.get("Target"))


ORDER = [
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols",
    "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios",
    "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells",
    "phoneticPr", "conditionalFormatting", "dataValidations", "hyperlinks", "printOptions",
    "pageMargins", "pageSetup", "headerFooter", "rowBreaks", "colBreaks",
    "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing",
    "legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects",
    "controls", "webPublishItems", "tableParts", "extLst",
]  # fmt: skip


def _ordered(xml: bytes) -> list[str]:
    """Elements of a sheet, in the order of the schema."""
    names = [e.tag.rpartition("}")[2] for e in ElementTree.fromstring(xml)]
    assert names == sorted(names, key=ORDER.index)
    return names


def test_parts_that_need_no_change_are_the_same_bytes(copied):
    before, after, _ = copied(_rich_book())
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {
        "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml",
        "xl/worksheets/sheet1.xml", "xl/comments/comment1.xml",
        next(name for name in before if name.endswith(".vml")),
    }  # fmt: skip
    assert after.keys() - before.keys() == {"xl/worksheets/sheet3.xml"}
    for name in ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet3.xml"):
        _ordered(after[name])


def test_all_that_a_team_has_put_there_stays(copied):
    content = _rich_book()
    before, after, path = copied(content)
    sheets = [p["xl/worksheets/sheet1.xml"].decode() for p in (before, after)]
    old, new = (re.sub(r'( s="\d+"|<c r="E2" */>)', "", xml) for xml in sheets)
    assert new == old  # dropdowns, formats, tables, links, formulas and what they were last worth
    assert VALIDATION_14 in sheets[1]
    for values in (False, True):
        one = load_workbook(io.BytesIO(content), data_only=values)
        two = load_workbook(path, data_only=values)
        assert two.sheetnames == [*one.sheetnames, "Problems"]
        assert two.active.title == one.active.title
        assert list(two.defined_names) == ["lowest"]
        for sheet in one:
            for row in sheet.iter_rows():
                for cell in row:
                    twin = two[sheet.title][cell.coordinate]
                    assert twin.value == cell.value
                    for look in ("font", "number_format", "border", "alignment", "protection"):
                        assert repr(getattr(twin, look)) == repr(getattr(cell, look))
    marked = {"B2", "D4"}
    sheet, twin = one["effects"], two["effects"]
    for cell in ("A1", "B2", "C3", "A4", "D4", "E2"):
        assert (twin[cell].fill.fgColor.rgb == sheet[cell].fill.fgColor.rgb) == (cell not in marked)
    assert twin["B2"].comment.text.startswith("from a mail\nerror MA312")
    assert twin["C4"].comment.text == "completers"
    assert twin["D4"].comment.text.startswith("error MA331")


def test_dropdowns_of_the_template_stay(copied):
    book = load_workbook(io.BytesIO(template_workbook()))
    book["effects"]["B2"] = "1988 or so"
    buffer = io.BytesIO()
    book.save(buffer)
    _, _, path = copied(buffer.getvalue())
    many = [
        [(str(v.sqref), v.formula1, v.type) for v in b["effects"].data_validations.dataValidation]
        for b in (load_workbook(buffer), load_workbook(path))
    ]
    assert len(many[0]) > 20
    assert many[0] == many[1]


# Other hands ----------------------------------------------------------------------------


def _sheet_book(sheet: str, *, main: str = MAIN, office: str = OFFICE, **more: Any) -> bytes:
    """A workbook as small as can be, written by hand, with the XML of its sheet."""
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<x:workbook xmlns:x="{main}" xmlns:q="{office}"><x:sheets><x:sheet '
        'name="a &amp; b" sheetId="4" q:id="rId1"/></x:sheets></x:workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": sheet,
        **more,
    }
    return _packed({name: text.encode() for name, text in parts.items()})


def _text(value: str) -> str:
    return f'<x:c t="inlineStr"><x:is><x:t>{value}</x:t></x:is></x:c>'


def test_prefixes_cells_without_names_and_no_styles(copied):
    head = "".join(map(_text, ("study", "r", "n", "outcome_direction")))
    rows = (
        f"<x:row>{head}</x:row><x:row>{_text('A')}<x:c><x:v>1.2</x:v></x:c><x:c><x:v>40</x:v></x:c>"
        f"</x:row><x:row r='5'><x:c r='B5'><x:v>.3</x:v></x:c>{'<x:c><x:v>40</x:v></x:c>'}</x:row>"
    )
    xml = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:cols><x:col min="1" max="1" width="9" style="0"/>'
        f"</x:cols><x:sheetData>{rows}</x:sheetData><x:pageMargins left='1' right='1' top='1' "
        "bottom='1' header='1' footer='1'/></x:worksheet>"
    )
    _, after, path = copied(_sheet_book(xml))
    made = after["xl/worksheets/sheet1.xml"].decode()
    assert _ordered(made.encode())[-1] == "legacyDrawing"
    book = load_workbook(path)
    sheet = book["a & b"]
    assert sheet["B2"].fill.fill_type == "solid"
    assert sheet["B2"].value == 1.2
    assert "MA312" in sheet["B2"].comment.text
    assert "MA301" in sheet["A5"].comment.text  # a cell that the file did not hold
    assert made.index('r="A5"') < made.index("r='B5'")
    assert (book["Problems"]["C2"].hyperlink.location or "").startswith("'a & b'!")


def test_a_drawing_of_other_things_gets_the_boxes(copied):
    """A sheet with a form control has a drawing, but no comments."""
    parts = _parts(_rich_book())
    _, comments = (name for name in ("", "xl/comments/comment1.xml"))
    del parts[comments]
    rels = "xl/worksheets/_rels/sheet1.xml.rels"
    parts[rels] = re.sub(rb"<Relationship [^>]*comment1.xml[^>]*/>", b"", parts[rels])
    types = "[Content_Types].xml"
    parts[types] = re.sub(rb"<Override [^>]*comment1.xml[^>]*/>", b"", parts[types])
    before, after, path = copied(_packed(parts))
    vml = next(name for name in before if name.endswith(".vml"))
    assert sum(name.endswith(".vml") for name in after) == 1
    ids = re.findall(rb'id="(_x0000_s\d+)"', after[vml])
    assert len(set(ids)) == len(ids) > len(re.findall(rb'id="(_x0000_s\d+)"', before[vml]))
    assert load_workbook(path)["effects"]["B2"].comment.text.startswith("error MA312")


def test_a_thread_of_comments_gets_a_reply(copied):
    parts = _parts(_rich_book())
    space = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
    kind = "http://schemas.microsoft.com/office/2017/10/relationships"
    person = "{11111111-2222-3333-4444-555555555555}"
    thread = "{AAAAAAAA-2222-3333-4444-555555555555}"
    parts["xl/threadedComments/threadedComment1.xml"] = (
        f'<ThreadedComments xmlns="{space}"><threadedComment ref="B2" dT="2024-05-01T10:00:00.00" '
        f'personId="{person}" id="{thread}"><text>from a mail</text></threadedComment>'
        "</ThreadedComments>"
    ).encode()
    parts["xl/persons/person.xml"] = (
        f'<personList xmlns="{space}"><person displayName="A" id="{person}" userId="A" '
        'providerId="None"/></personList>'
    ).encode()
    for rels, name, target in (
        ("xl/worksheets/_rels/sheet1.xml.rels", "threadedComment",
         "../threadedComments/threadedComment1.xml"),
        ("xl/_rels/workbook.xml.rels", "person", "persons/person.xml"),
    ):  # fmt: skip
        relation = f'<Relationship Id="rId77" Type="{kind}/{name}" Target="{target}"/>'
        parts[rels] = parts[rels].replace(
            b"</Relationships>", f"{relation}</Relationships>".encode()
        )
    kinds = "".join(
        f'<Override PartName="/xl/{name}" ContentType="application/vnd.ms-excel.{what}+xml"/>'
        for name, what in (("threadedComments/threadedComment1.xml", "threadedcomments"),
                           ("persons/person.xml", "person"))
    )  # fmt: skip
    types = "[Content_Types].xml"
    parts[types] = parts[types].replace(b"</Types>", f"{kinds}</Types>".encode())
    _, after, path = copied(_packed(parts))
    first, reply = ElementTree.fromstring(after["xl/threadedComments/threadedComment1.xml"])
    assert first[0].text == "from a mail"
    assert (reply.get("parentId"), reply.get("ref")) == (thread, "B2")
    assert "error MA312" in (reply[0].text or "")
    people = ElementTree.fromstring(after["xl/persons/person.xml"])
    assert [p.get("id") for p in people] == [person, reply.get("personId")]
    assert "Reply:\n    error MA312" in load_workbook(path)["effects"]["B2"].comment.text


def test_macros_are_left_out(copied):
    parts = _parts(_rich_book())
    kind = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    types = "[Content_Types].xml"
    plain = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    parts[types] = parts[types].replace(plain, kind).replace(
        b"</Types>", b'<Default Extension="bin" '
        b'ContentType="application/vnd.ms-office.vbaProject"/></Types>')  # fmt: skip
    parts["xl/vbaProject.bin"] = b"macros"
    rels = "xl/_rels/workbook.xml.rels"
    parts[rels] = parts[rels].replace(
        b"</Relationships>",
        b'<Relationship Id="rId88" Type="http://schemas.microsoft.com/office/2006/relationships/'
        b'vbaProject" Target="vbaProject.bin"/></Relationships>',
    )
    _, after, path = copied(_packed(parts), "studies.xlsm")
    assert "xl/vbaProject.bin" not in after
    assert b"vbaProject.bin" not in after[rels]
    assert plain in after[types]
    assert kind not in after[types]
    assert load_workbook(path)["effects"]["D4"].comment


def test_a_copy_of_a_copy_keeps_its_list(copied):
    _, _, path = copied(_rich_book())
    _, _, path = copied(path.read_bytes())
    assert load_workbook(path).sheetnames == ["effects", "lists", "Problems", "Problems found"]
