"""A team's own Word file: every field has the value of the results, and follows them."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import docx
import numpy as np
import pytest
from command_line import call

from metaalliance.analysis.report import report_document
from metaalliance.errors import OptionError, UnreadableFileError
from metaalliance.report.manuscript.compose import compose_report
from metaalliance.report.manuscript.values import NAMES, template_values
from metaalliance.report.renderers.word_template import filled_template

pytest.importorskip("docxtpl")
pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
SCRIPT = Path(__file__).parents[2] / "scripts" / "make_word_template.py"
#: Values that one other effect moves; the others count what is there.
MOVING = ("r", "ci", "test", "pi", "tau", "tau_ci", "I2", "Q")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The example of the script."""
    path = tmp_path_factory.mktemp("template") / "mine.docx"
    subprocess.run([sys.executable, SCRIPT, path], check=True, capture_output=True)
    return path


def template(path, *paragraphs):
    book = docx.Document()
    for text in paragraphs:
        book.add_paragraph(text)
    book.save(str(path))
    return path


def filled(path, evidence):
    document = compose_report(evidence)
    values = template_values(evidence, document, report_document(evidence))
    return docx.Document(io.BytesIO(filled_template(path, document, values))), values


def fields_of(book):
    """The values of the table of fields that the example ends with."""
    return {row.cells[0].text: row.cells[2].text for row in book.tables[-1].rows[1:]}


def effects(first=0.1):
    return [first, *np.linspace(-0.1, 0.7, 11)]


def test_every_field_has_its_value_and_one_cell_moves_every_number(example, evidence_of):
    vi = np.linspace(0.01, 0.03, 12)
    before, values = filled(example, evidence_of(effects(), vi))
    after, _ = filled(example, evidence_of(effects(1.2), vi))
    shown, moved = fields_of(before), fields_of(after)
    assert shown == {name: values[name] for name in NAMES}
    assert {name for name in NAMES if shown[name] != moved[name]} >= set(MOVING)
    text = "\n".join(p.text for p in after.paragraphs)
    assert moved["r"] in text and "{{" not in text and "{%" not in text
    assert shown["ci"] not in text


def test_texts_tables_and_any_number_of_the_results(evidence_of, tmp_path):
    evidence = evidence_of(effects(), np.full(12, 0.02))
    path = template(
        tmp_path / "t.docx", "{{p sections.pooled.results }}", "{{p tables.models }}",
        "{{ results.pooled.r.estimate|r(4) }} and {{ results.heterogeneity.I2|percent(1) }}",
    )  # fmt: skip
    book, values = filled(path, evidence)
    assert any("the pooled correlation was r" in p.text for p in book.paragraphs)
    assert any(
        "Two-level random effects" in c.text for t in book.tables for c in t.columns[0].cells
    )
    r = values["results"]["pooled"]["r"]["estimate"]
    assert book.paragraphs[-1].text.startswith(f"{r:.4f}".lstrip("0"))


def test_labels_of_the_sheet_are_no_markup(evidence, tmp_path):
    path = template(tmp_path / "t.docx", "{{p tables.studies }}", "{{ title }}")
    book, _ = filled(path, evidence)
    assert any("<script>" in cell.text for cell in book.tables[0].columns[0].cells)
    assert "<b>" in book.paragraphs[-1].text


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("{{ nothing }}", "'nothing' is undefined.*Known are: I2, Q"),
        ("{{ ''.__class__.__mro__ }}", "unsafe|undefined"),
        ("{{ r ", "cannot be read"),
        ("{{ r|system }}", "cannot be read"),
    ],
)
def test_fields_that_are_refused(field, says, evidence_of, tmp_path):
    path = template(tmp_path / "t.docx", field)
    with pytest.raises(OptionError) as refused:
        filled(path, evidence_of(effects(), np.full(12, 0.02)))
    assert re.search(says, str(refused.value)) and "t.docx" in str(refused.value)


def test_other_files_are_refused(evidence_of, tmp_path):
    evidence = evidence_of(effects(), np.full(12, 0.02))
    with zipfile.ZipFile(tmp_path / "zip.docx", "w") as archive:
        archive.writestr("a.txt", "a")
    (tmp_path / "text.docx").write_text("no archive at all, but a text")
    for name in ("zip.docx", "text.docx", "missing.docx"):
        with pytest.raises((OptionError, UnreadableFileError), match=name):
            filled(tmp_path / name, evidence)


def test_equal_results_give_equal_bytes(example, evidence_of):
    evidence = evidence_of(effects(), np.full(12, 0.02))
    document = compose_report(evidence)
    values = template_values(evidence, document, {"pooled": {"r": {"estimate": 0.1}, "p_value": 1}})
    once = filled_template(example, document, values)
    assert once == filled_template(example, document, values)


def test_the_command_writes_it(example, tmp_path):
    rows = "".join(f"S{i},.{10 + 3 * i},{30 + i},higher_better\n" for i in range(1, 9))
    (tmp_path / "s.csv").write_text(f"study,r,n,outcome_direction\n{rows}")
    words = ["--no-bias", "--no-influence", "--no-figures", "--by", "none", "-o", tmp_path / "out"]
    done = call("report", tmp_path / "s.csv", "--template", example, *words)
    assert done.exit_code == 0, done.stderr
    book = docx.Document(str(tmp_path / "out" / "manuscript.docx"))
    assert fields_of(book)["k"] == "8"
