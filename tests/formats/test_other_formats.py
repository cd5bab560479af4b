"""The formats of the optional extra; the files were saved by LibreOffice from simulated rows."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

import metaalliance as ma

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("name", ["small.ods", "small.xls"])
def test_rows_are_read(name):
    studies = ma.load_studies(FILES / name)
    effects = ma.effect_sizes(studies)
    assert effects.frame["r"].tolist() == [0.31, 0.22, 0.18]
    assert effects.frame["modality"].tolist() == ["CBT", "psychodynamic", "third-wave"]


def test_a_note_says_what_the_format_does_not_show():
    assert "MA112" in [p.code for p in ma.load_studies(FILES / "small.xls").problems]


def test_a_format_that_shows_all_has_no_such_note():
    assert "MA112" not in [p.code for p in ma.load_studies(FILES / "small.ods").problems]


def test_without_the_extra_the_way_out_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "xlrd", None)
    with pytest.raises(ma.UnreadableFileError, match=r"Save it as \.xlsx, or install") as caught:
        ma.load_studies(FILES / "small.xls")
    assert caught.value.code == "MA121"


def test_a_broken_file_is_one_sentence(tmp_path):
    path = tmp_path / "broken.xls"
    path.write_bytes((FILES / "small.xls").read_bytes()[:700])
    with pytest.raises(ma.UnreadableFileError, match="is broken"):
        ma.load_studies(path)


def test_a_file_of_gnumeric_is_read():
    """Gnumeric 1.12.55 wrote it from three lines of text."""
    studies = ma.load_studies(FILES / "gnumeric.ods")
    assert [(r.study, r.get("r"), r.get("n")) for r in studies.rows] == [
        ("Adler 1988", 0.35, 40), ("Berg 1990", -0.21, 50),
    ]  # fmt: skip


@pytest.mark.parametrize("kept", [None, "last"])
def test_ods_whose_mimetype_is_missing_or_not_first_is_read(tmp_path, kept):
    path = tmp_path / "t.ods"
    with zipfile.ZipFile(FILES / "gnumeric.ods") as source, zipfile.ZipFile(path, "w") as target:
        names = [n for n in source.namelist() if n != "mimetype"] + ["mimetype"] * bool(kept)
        for name in names:
            target.writestr(name, source.read(name))
    assert len(ma.load_studies(path).rows) == 2
