"""`metaalliance report`: its files, its settings, its refusals."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
import zipfile

import docx
import openpyxl
import pytest
from command_line import call
from docx.shared import Mm

GOOD = """study,r,n,outcome_direction,modality
Adler 1988,0.3,40,higher_better,CBT
Berg 1991,0.2,50,higher_better,PDT
Cohn 1999,0.1,60,higher_better,CBT
Dorn 2004,0.4,45,higher_better,PDT
"""


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.csv"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_every_file_is_written_and_recorded(made):
    record = made.json("run.json")
    present = {str(p.relative_to(made.folder)) for p in made.folder.rglob("*") if p.is_file()}
    assert present == {*record["files"], "run.json"}
    for name in ("report.html", "report.docx", "report.md", "supplement.xlsx", "checklist.docx",
                 "checklist.csv", "references.bib", "results.json", "tables/models.tex",
                 "tables/studies.csv", "tables/moderators.md"):  # fmt: skip
        assert name in present


def test_results_have_every_analysis(made):
    results = made.json("results.json")
    assert results["command"] == "report"
    names = [m["name"] for m in results["moderators"]["moderators"]]
    assert names == ["modality", "alliance_rater", "year"]
    assert set(results["bias"]["methods"]) >= {"Regression test (Egger)", "PET-PEESE"}
    assert len(results["influence"]["omitted"]) == 12


@pytest.mark.slow
def test_same_input_gives_the_same_bytes(made, tmp_path):
    again = tmp_path / "again"
    call(
        "report",
        made.sheet,
        "-o",
        again,
        "-q",
        "--by",
        "modality",
        "--by",
        "alliance_rater",
        "--by",
        "year",
    )
    for path in made.folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(made.folder)).read_bytes(), path


def test_numbers_are_the_same_string_in_page_document_workbook_and_text(made):
    results = made.json("results.json")["pooled"]["r"]
    mean = f"{results['estimate']:.2f}".lstrip("0")
    ends = ", ".join(f"{results[k]:.2f}".replace("-", "−").replace("0.", ".", 1)
                     for k in ("ci_low", "ci_high"))  # fmt: skip
    sentence = f"= {mean}, 95% CI [{ends}]"
    document = docx.Document(made.folder / "report.docx")
    assert any(sentence in p.text for p in document.paragraphs)
    page = made.text("report.html").replace("<i>", "").replace("</i>", "")
    assert sentence in page
    assert sentence in made.text("report.md").replace("\\", "")
    book = openpyxl.load_workbook(made.folder / "supplement.xlsx")
    cells = {str(c.value) for sheet in book for row in sheet.iter_rows() for c in row}
    assert f"[{ends}]" in cells
    assert f"[{ends}]" in made.text("tables/models.csv")


def test_figures_of_the_document_have_exact_width_and_text(made):
    book = docx.Document(made.folder / "report.docx")
    assert len(book.inline_shapes) >= 4
    for shape in book.inline_shapes:
        assert shape.width in {Mm(174), Mm(120)}
        description = shape._inline.docPr.get("descr")
        assert description
        assert len(description) > 20


def test_captions_are_numbered_in_order(made):
    book = docx.Document(made.folder / "report.docx")
    captions = []
    for paragraph in book.paragraphs:
        if paragraph.style.name == "Caption":
            captions.append(
                "".join(t.text or "" for t in paragraph._p.iter() if t.tag.endswith("}t"))
            )
    tables = [c for c in captions if c.startswith("Table ") and "S" not in c]
    assert tables == [f"Table {i}" for i in range(1, len(tables) + 1)]
    assert any(c.startswith("Table S1") for c in captions)


def test_pictures_have_the_resolution_of_print(made):
    with zipfile.ZipFile(made.folder / "report.docx") as archive:
        names = [n for n in archive.namelist() if n.endswith(".png")]
        widths = {struct.unpack(">I", archive.read(n)[16:20])[0] for n in names}
    assert widths <= {round(174 / 25.4 * 300), round(120 / 25.4 * 300)} | {
        int(174 / 25.4 * 300), int(120 / 25.4 * 300)
    }  # fmt: skip


def test_json_is_one_document_and_files_are_written(good, tmp_path):
    done = call("report", good, "-o", tmp_path / "out", "--json", "--no-bias", "--no-influence",
                "--no-figures", "--by", "none")  # fmt: skip
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert content["bias"] is content["influence"] is content["moderators"] is None
    assert (tmp_path / "out" / "report.html").exists()
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    said = text.partition("## References")[0].lower()
    assert "| publication bias | it was not examined. |" in said
    assert said.count("publication bias") == 1
    assert content["certainty"]["domains"][4]["evidence"] == "It was not examined."


def test_sheet_with_errors_is_refused(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(GOOD.replace("0.3", "1.3"), encoding="utf-8")
    done = call("report", path)
    assert done.exit_code == 1
    assert "No report was written." in done.stderr
    assert not (tmp_path / "bad_results").exists()


def test_unknown_moderator_is_refused(good):
    done = call("report", good, "--by", "colour")
    assert done.exit_code == 2
    assert "MA681" in done.stderr
    assert "modality" in done.stderr


def test_files_of_others_are_not_replaced(good, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.html").write_text("mine")
    assert call("report", good, "-o", folder).exit_code == 2
    assert (folder / "report.html").read_text() == "mine"


def test_pool_and_report_share_a_folder(good, tmp_path):
    folder = tmp_path / "out"
    assert call("pool", good, "-o", folder, "-q", "--no-figures").exit_code == 0
    assert call("report", good, "-o", folder, "-q", "--no-figures").exit_code == 0
    assert (folder / "results.xlsx").exists()
    assert call("pool", good, "-o", folder, "-q", "--no-figures").exit_code == 0
    assert (folder / "report.html").exists()
    assert call("report", good, "-o", folder, "-q", "--no-bias", "--no-figures").exit_code == 0
    assert not (folder / "tables" / "bias.csv").exists()


def test_checklist_never_ticks_for_the_authors(made):
    text = made.text("checklist.csv")
    assert "24a Registration" in text
    rows = [line for line in text.splitlines() if ",for the authors," in line]
    assert all("TO DO" in row for row in rows)
    assert len(rows) > 15


def test_flow_that_does_not_add_up_is_told_to_the_authors(made, tmp_path):
    config = (
        (made.sheet.parent / "metaalliance.toml")
        .read_text()
        .replace("screened_out = 60", "screened_out = 61")
    )
    (tmp_path / "m.toml").write_text(config)
    done = call(
        "report",
        made.sheet,
        "-o",
        tmp_path / "out",
        "--config",
        tmp_path / "m.toml",
        "-q",
        "--no-figures",
        "--no-bias",
        "--no-influence",
    )
    assert done.exit_code == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "100 records screened less 61 excluded are 39, not the 40 reports sought" in page


@pytest.mark.parametrize(
    "line", ["[prisma]\nscreened = -1", "[prisma]\nscreend = 1", "[report]\ntitle = 3",
             "[report]\nmoderators = 'x'", "[prisma]\nreasons = { a = 'x' }"],
)  # fmt: skip
def test_configuration_is_checked(good, tmp_path, line):
    (tmp_path / "metaalliance.toml").write_text(line)
    done = call("report", good)
    assert done.exit_code == 2
    assert "metaalliance.toml" in done.stderr


def test_process_prints_the_summary(good, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", "report", str(good), "-o",
         str(tmp_path / "o"), "--no-influence", "--no-figures"],
        capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0
    assert "the pooled correlation was r = " in done.stdout
    assert "open report.html" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
def test_word_file_opens_in_libreoffice(made, tmp_path):
    command = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path),
               str(made.folder / "report.docx")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_supplement_has_every_table_and_the_ledger(made):
    book = openpyxl.load_workbook(io.BytesIO((made.folder / "supplement.xlsx").read_bytes()))
    names = book.sheetnames
    assert names[0] == "Contents"
    assert {"Models", "Effects", "Ledger", "Problems", "Settings"} <= set(names)
    rows = list(book["Contents"].iter_rows(values_only=True))
    assert all(row[0] in names for row in rows[1:])
    assert book["Ledger"].max_row == 19
