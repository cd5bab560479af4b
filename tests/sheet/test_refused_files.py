"""Files that cannot be read or are unsafe: one sentence, a code, at once, never a traceback."""

from __future__ import annotations

import sys
import tracemalloc

import pytest
from effort import calls
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app


def refusal(path, **options):
    with pytest.raises(ma.UnreadableFileError) as caught:
        ma.load_studies(path, **options)
    return caught.value


def test_bad_file_is_refused_with_its_code(bad_file):
    path, code = bad_file
    assert refusal(path).code == code


def test_bad_file_is_named_in_the_message(bad_file):
    path, _ = bad_file
    assert path.name in str(refusal(path))


def test_bad_file_gives_one_short_line(bad_file):
    message = str(refusal(bad_file[0]))
    assert "\n" not in message
    assert len(message) < 400


def test_bad_file_is_refused_with_little_work(bad_file):
    # fifteen calls for each of 10,000 parts is the most; a table of that size takes millions
    assert calls(lambda: refusal(bad_file[0])) < 300_000


def test_bad_file_needs_little_memory(bad_file):
    tracemalloc.start()
    refusal(bad_file[0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 120 * 2**20


def test_bad_file_gives_exit_code_3_and_no_traceback(bad_file):
    path, code = bad_file
    result = CliRunner().invoke(app, ["validate", str(path)])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.endswith(f"({code})\n")
    assert "Traceback" not in result.stderr


def test_missing_file(tmp_path):
    assert refusal(tmp_path / "nothing.xlsx").code == "MA101"


def test_folder(tmp_path):
    assert refusal(tmp_path).code == "MA101"


def test_path_through_a_file(csv_file):
    assert refusal(csv_file("x") / "studies.xlsx").code == "MA101"


def test_password_message_says_how_to_remove_it(csv_file):
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    assert "Protect Workbook" in str(refusal(csv_file(ole, "locked.xlsx")))


@pytest.fixture
def old_excel(csv_file):
    return csv_file(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old.xls")


def test_old_excel_without_its_reader(old_excel, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlrd", None)
    assert refusal(old_excel).code == "MA121"


def test_old_excel_without_its_reader_says_what_to_do(old_excel, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlrd", None)
    assert "Save it as .xlsx" in str(refusal(old_excel))


def test_broken_old_excel_is_one_sentence(old_excel):
    assert refusal(old_excel).code in {"MA104", "MA105"}


def test_entities_are_not_read(tmp_path, workbook, edit):
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words")
    declaration = f'<!DOCTYPE l [<!ENTITY x SYSTEM "file://{secret}">]>'.encode()
    content = edit(workbook([["study", "r", "n"], ["A", 0.3, 40]]), lambda c: declaration + c)
    path = tmp_path / "t.xlsx"
    path.write_bytes(content)
    assert "hidden words" not in str(refusal(path))


DECLARED = '<!DOCTYPE l [<!ENTITY a "0.2"><!ENTITY b "&a;5">]>'  # b would be read as a number
FAR = f"<!--{'-x' * 40_000}-->"  # beyond what the preflight looks at


@pytest.mark.parametrize(
    "start",
    [
        f"{FAR}{DECLARED}",
        f'<?xml version="1.0"?>{FAR}{DECLARED}',
        f'\ufeff<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n{FAR}{DECLARED}',
        f'<?xml version="1.0" encoding="windows-1252"?>{FAR}{DECLARED}',
        f"{' ' * 70_000}{DECLARED}",
    ],
)
def test_entities_far_down_are_refused(tmp_path, workbook, edit, start):
    plain = workbook([["study", "r", "n"], ["A", 0.3, 40]])

    def with_entities(part):
        root = part[part.index(b"<worksheet") :]
        return start.encode() + root.replace(b"<v>0.3</v>", b"<v>&b;</v>")

    path = tmp_path / "t.xlsx"
    path.write_bytes(edit(plain, with_entities))
    assert refusal(path).code in {"MA105", "MA106"}


@pytest.mark.parametrize(
    ("start", "encoding"),
    [
        ("", "utf-8"),
        ('<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n', "utf-8"),
        ('<?xml version="1.0" encoding="windows-1252"?>', "cp1252"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16"),
        ("<?xml version='1.0' encoding='utf-8'?><!-- by hand --> ", "utf-8"),
    ],
)
def test_however_a_sheet_begins_it_says_the_same(tmp_path, workbook, edit, start, encoding):
    plain = workbook([["study", "r", "n"], ["Müller", 0.3, 40], ["Ångström", 0.2, 50]])

    def beginning(part):
        return (start + part[part.index(b"<worksheet") :].decode()).encode(encoding)

    path = tmp_path / "t.xlsx"
    path.write_bytes(edit(plain, beginning))
    found = ma.load_studies(path)
    assert [(row.study, row.get("r")) for row in found.rows] == [("Müller", 0.3), ("Ångström", 0.2)]


def test_data_below_the_last_allowed_row(xlsx_file):
    def far(book):
        book.active.cell(row=50_001, column=1).value = "B"

    path = xlsx_file([["study", "r", "n"], ["A", 0.3, 40]], change=far)
    assert refusal(path).code == "MA107"
