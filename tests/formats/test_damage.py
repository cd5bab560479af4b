"""Damaged, oversized and foreign data files: one sentence, exit 3, within bounds."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
import subprocess
import sys

import pytest

import metaalliance as ma
from metaalliance.sheet.read import limits
from metaalliance.sheet.read.source import parse_grids


def refusal(path):
    with pytest.raises(ma.UnreadableFileError) as caught:
        ma.load_studies(path)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture
def contents(sheet, files, jamovi, old_jasp, new_jasp, open_document, binary_workbook, tmp_path,
             rows_of_columns):  # fmt: skip
    """The sheet in each format but those of pyreadstat."""
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pd.DataFrame(sheet).to_parquet(tmp_path / "t.parquet")
    rows = rows_of_columns(sheet)
    return {
        "t.rds": (files / "odd.rds").read_bytes(),
        "t.rda": (files / "both.rda").read_bytes(),
        "t.xls": (files / "marks.xls").read_bytes(),
        "t.omv": jamovi(sheet),
        "old.jasp": old_jasp(sheet),
        "t.jasp": new_jasp(sheet),
        "t.ods": open_document(rows),
        "t.xlsb": binary_workbook(rows),
        "t.parquet": (tmp_path / "t.parquet").read_bytes(),
    }


def test_every_damage_is_a_refusal_or_a_sheet(contents):
    chance = random.Random(13)
    for name, content in contents.items():
        for _ in range(8):
            damaged = bytearray(content[: chance.randrange(len(content) // 2, len(content) + 1)])
            for _ in range(chance.randrange(4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                parse_grids(bytes(damaged), name)
            except ma.UnreadableFileError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["t.rds", "t.xls", "t.omv", "t.jasp", "t.ods", "t.parquet"])
def test_half_a_file_is_refused(contents, write, name):
    assert refusal(write(contents[name][: len(contents[name]) // 2], name)).code == "MA105"


@pytest.mark.parametrize("name", ["t.sav", "t.dta"])
def test_half_a_data_file_is_refused(saved, sheet, write, name):
    content = saved(sheet, name).read_bytes()
    error = refusal(write(content[: len(content) // 2], f"half.{name}"))
    assert error.code == "MA105"


@pytest.mark.parametrize("version", [8, 10, 12, 13, 15])
def test_a_stata_file_without_its_end_is_refused(saved, write, version):
    """The library reads it without its labels: include = 1 and 0 would be taken as they stand."""
    columns = {"study": ["A", "B"], "r": [0.1, 0.2], "n": [40, 50], "include": [1, 0]}
    labels = {"include": {1: "no", 0: "yes"}}
    path = saved(columns, "t.dta", version=version, variable_value_labels=labels)
    assert [row.included for row in ma.load_studies(path).rows] == [False, True]
    content = path.read_bytes()
    for missing in (1, 5, 70):
        error = refusal(write(content[:-missing], "cut.dta"))
        assert error.code == "MA105"
        assert "its end" in str(error)


def test_a_crash_of_the_library_is_one_sentence(monkeypatch, saved, sheet):
    """The library behind .sav can crash on a damaged file: it runs in a process of its own."""
    path = saved(sheet, "t.sav")
    crash = [sys.executable, "-c", "import os; os.abort()"]
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **options: real(crash, **options))
    assert refusal(path).code == "MA105"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_an_r_file_that_unpacks_beyond_the_bound(write, pack):
    content = pack(b"X\n" + bytes(limits.MAX_UNPACKED + 10))
    assert refusal(write(content, "t.rds")).code == "MA107"


def test_a_declared_count_of_rows_is_not_believed(jamovi, sheet, write, zipped):
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(jamovi(sheet))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(parts["metadata.json"])
    for rows, code in ((10**12, "MA107"), (1000, "MA105"), (-5, "MA105")):
        metadata["dataSet"]["rowCount"] = rows
        parts["metadata.json"] = json.dumps(metadata).encode()
        assert refusal(write(zipped(parts), "t.omv")).code == code


def test_too_many_variables(new_jasp, jamovi, write):
    wide = {"study": ["A"], **{f"v{i}": [0.5] for i in range(520)}}
    assert refusal(write(jamovi(wide), "t.omv")).code == "MA107"


def test_a_data_file_declares_its_size_before_it_is_read(saved):
    long = {"study": ["A" * 2000, "B"] * 26_000, "r": [0.1, 0.2] * 26_000}
    assert refusal(saved(long, "t.sav")).code == "MA107"


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("t.rds", "rdata"),
        ("t.xls", "xlrd"),
        ("t.parquet", "pyarrow"),
    ],
)
def test_without_the_library_the_command_is_named(contents, write, monkeypatch, name, library):
    monkeypatch.setitem(sys.modules, library, None)
    error = refusal(write(contents[name], name))
    assert error.code == "MA121"
    assert "pip install 'metaalliance[formats]'" in str(error)


@pytest.mark.parametrize("name", ["t.sav", "t.dta"])
def test_without_pyreadstat_the_command_is_named(saved, sheet, monkeypatch, name):
    path = saved(sheet, name)
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    assert refusal(path).code == "MA121"


def test_the_command_line_leaves_with_3(write, contents):
    path = write(contents["t.omv"][:300], "t.omv")
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", "pool", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_libraries_are_not_imported_until_a_file_needs_them():
    code = (
        "import sys, metaalliance.sheet.read.source; "
        "print([m for m in ('pyreadstat', 'rdata', 'pyarrow', 'xlrd') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in {"[]", "['pyarrow']"}  # pandas takes pyarrow where it is


def test_a_damaged_part_is_one_sentence(jamovi, sheet, write):
    content = bytearray(jamovi(sheet))
    at = content.find(b"meta") + 4  # the first part, which tells whose file it is
    content[at : at + 6] = b"\xff" * 6
    refusal(write(bytes(content), "t.omv"))


def test_a_matrix_that_lies_about_its_size(files, write):
    content = lzma.decompress((files / "odd.rds").read_bytes())
    dim = b"\x00\x00\x00\x06\x00\x00\x00\x02"
    assert content.count(dim) == 1
    changed = content.replace(dim, b"\x00\x00\x00\x06\x7f\xff\xff\xff")
    assert refusal(write(gzip.compress(changed), "t.rds")).code == "MA105"
