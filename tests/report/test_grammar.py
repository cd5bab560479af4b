"""Reports and terminals of few and of many studies: counts agree, and no number is printed raw."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from command_line import call
from openpyxl import load_workbook

from metaalliance.wording.phrases import agreeing, count_text, run_text, studies_text

WORKBOOK = Path(__file__).parents[2] / "data" / "simulated_alliance_studies.xlsx"
THINGS = "studies|effects|rows|columns|samples|levels|moderators|participants|errors|warnings|" \
         "notes|records|reports|methods|analyses|specifications|decisions|degrees"  # fmt: skip
#: What no text may hold, with what is wrong with it.
FAULTS = {
    "a plural of one": rf"(?<![\d,.−-])1 (?:other |coded |further |whole )*(?:{THINGS})\b",
    "none of many": rf"\bone (?:other )?(?:{THINGS})\b",
    "a plural verb of one": r"(?<![\d,.−-])\b1(?: \([^)]*\))? (?:were|are|have)\b",
    "a run of one": r"\brows? (\d+) to \1\b",
    "a missing number as percent": r"[–-] ?%|\bnan\b|\bNone\b|\bNaN\b",
    "a hyphen as minus": r"(?<=[\s(\[=<>,])-(?=\.?\d)",
    "a p that is nothing or all": r"\b[Pp] ?(?:=|is) ?(?:0?\.000|1\.000?|1\b(?!\.))",
    "all of the true effects": r"estimated as (?:100|0)%|\[100%|100%\]",
    "digits of a computer": r"\d\.\d{8,}|\d[eE][+-]?\d\d",
    "a straight quote": r"[\"']",
    "two blanks": r"(?<=\S)  (?=\S)",
    "a blank before a mark": r"\w [,;:](?=\s)|\w \.(?=\s|$)",
    "a word twice": r"\b(?!had|that)([a-z]+) \1\b",
    "a small letter for an abbreviation": r"\bpET-",
    "jargon of the program": r"\bthe che model\b|\bin che\b",
}


@pytest.fixture(scope="module")
def rows():
    """Header and rows of the simulated workbook."""
    book = load_workbook(WORKBOOK, read_only=True, data_only=True)
    found = [list(row) for row in book["effects"].iter_rows(min_row=3, values_only=True)]
    book.close()
    return [row for row in found if row[0]]


def write_sample(path: Path, rows: list[list], n: int) -> Path:
    """Write every row of `n` studies, spread over the workbook, as CSV; of one its first row."""
    names = list(dict.fromkeys(row[0] for row in rows[1:]))
    kept = {names[i * len(names) // n] for i in range(n)}
    lines = [rows[0], *(row for row in rows[1:] if row[0] in kept)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines[:2] if n == 1 else lines)
    return path


def faults(text: str) -> list[str]:
    """Return every fault of a text with its surroundings."""
    return [
        f"{name}: …{text[max(0, found.start() - 40) : found.end() + 30]}…"
        for name, pattern in FAULTS.items()
        for found in re.finditer(pattern, text)
    ]


def in_sentences(markdown: str) -> str:
    """Return a report without its references and the marks of Markdown."""
    body = markdown.partition("## References")[0]
    apart = re.sub(r"(?<!\\)\|", "\n", body)  # cells are no sentence
    return re.sub(r"\\([\\`*_{}\[\]<>#|~$!&^])|[*#]+", r"\1", apart).replace(" --: ", "")


@pytest.mark.parametrize(
    "n",
    [1, 3, 12, *(pytest.param(k, marks=pytest.mark.slow) for k in (2, 40, 120, 295))],
)
def test_report_reads_well_with(n, rows, tmp_path):
    sheet = write_sample(tmp_path / "sample.csv", rows, n)
    words = ["--by", "modality", "--by", "alliance_rater", "--by", "year"]
    done = call("report", sheet, "--no-figures", "-o", tmp_path / "out", *words)
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    shown = in_sentences(text)
    assert faults(shown) == []
    assert len(re.findall("no evidence that", shown)) <= 2  # the sentence, and its caution
    assert "## Method\n" in text and "Methods" not in shown
    assert "## Method" in text and ">Method<" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("command", ["pool", "moderators", "bias", "influence"])
@pytest.mark.parametrize("n", [3])
def test_terminal_reads_well(command, n, rows, tmp_path):
    sheet = write_sample(tmp_path / "sample.csv", rows, n)
    done = call(command, sheet, *(["--no-figures"] if command == "pool" else []))
    said = (done.stdout + done.stderr).replace("\n", " ")
    allowed = (
        "a straight quote",
        "a word twice",
        "two blanks",
        "jargon of the program",
        "digits of a computer",
    )
    found = [f for f in faults(re.sub(" +", " ", said)) if not f.startswith(allowed)]
    assert found == []


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "0 studies were"),
        (1, "1 study was"),
        (2, "2 studies were"),
        (1204, "1,204 studies were"),
    ],
)
def test_counts_agree(n, words):
    assert count_text(n, "study was", "studies were") == words
    assert f"{studies_text(n)} {agreeing(n, 'was', 'were')}" == words


def test_a_run_of_one_is_no_run():
    assert (run_text(33, 33, "row"), run_text(33, 35, "row")) == ("row 33", "rows 33 to 35")


@pytest.mark.parametrize(
    "text",
    ["Of 1 studies", "1 (20%) were rated", "rows 33 to 33", "R² = –%", "adjusted p is 0.000",
     "3.9999999999999996 degrees", "r = -.20", "share was estimated as 100%", "p = 1.000"],
)  # fmt: skip
def test_faults_are_seen(text):
    assert faults(text)
