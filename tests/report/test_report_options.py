"""What a report shows beside its results: title, paper, columns, agreement, certainty."""

from __future__ import annotations

import io
import json

import docx
import numpy as np
import pytest
from command_line import call
from docx.oxml.ns import qn

from metaalliance.report.manuscript.compose import compose_report
from metaalliance.report.renderers.html import report_html
from metaalliance.report.renderers.word import report_docx
from metaalliance.report.sections.certainty import certainty, certainty_document

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
HEAD = "study,r,n,outcome_direction,modality,alliance_rater,risk_of_bias,country,source"
FAST = ("--no-bias", "--no-influence", "--no-figures", "--by", "none")


def sheet(folder, k=12):
    """A sheet in which one study with half of all people has a high risk of bias."""
    rows = [
        f"S{i:02},.{10 + 3 * i},{3 + 40 * (k - 1 if i == 1 else 1)},higher_better,"
        f"{'CBT' if i % 2 else 'PDT'},client,{'high' if i == 1 else 'low'},"
        f"{'Peru' if i % 3 else 'Chad'},{'dissertation' if i == 2 else 'journal'}"
        for i in range(1, k + 1)
    ]
    path = folder / "s.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return path


def report(path, *words):
    done = call("report", path, *FAST, "-o", path.parent / "out", *words)
    assert done.exit_code == 0, done.stderr
    return path.parent / "out"


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A report of chosen title, paper and columns, asked for by flags over the configuration."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "metaalliance.toml").write_text(
        '[report]\ntitle = "Another"\npage = "letter"\ncolumns = ["country"]\nof_interest = 0.25\n'
    )
    words = ["--title", "Alliance & outcome", "--characteristic", "country",
             "--characteristic", "source"]  # fmt: skip
    return report(sheet(folder), *words)


def test_title_and_columns_of_choice(shown):
    text = (shown / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Alliance \\& outcome\n")
    counted = (shown / "tables" / "characteristics.csv").read_text("utf-8-sig")
    assert "Country,Peru,8,67" in counted and "Source,journal,11" in counted
    assert "CBT" not in counted
    studies = (shown / "tables" / "studies.csv").read_text("utf-8-sig")
    assert studies.splitlines()[0] == "Study,n,Country,r,95% CI"


def test_paper_of_choice(shown):
    section = docx.Document(str(shown / "report.docx")).sections[0]
    assert (round(section.page_width.mm, 1), round(section.page_height.mm, 1)) == (215.9, 279.4)
    assert "size: letter" in (shown / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--page", "a5"], "'a4', 'letter'"),
        (["--study-column", "colour"], "there is no column 'colour'"),
        (["--of-interest", "2"], "between −1 and 1"),
        (["--agreement", "s.csv"], "is not what agree --json prints"),
        (["--agreement", "gone.json"], "gone.json cannot be read"),
        (["--template", "gone.docx"], "gone.docx"),
    ],
)
def test_what_does_not_exist_is_refused(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("report", sheet(tmp_path), *FAST, *words)
    assert done.exit_code != 0
    assert says in done.stderr.replace("\n", " ")


def test_agreement_of_coders(tmp_path):
    a, b = sheet(tmp_path), tmp_path / "b.csv"
    text = a.read_text(encoding="utf-8")
    b.write_text(text.replace("PDT,client", "PDT,therapist", 2), encoding="utf-8")
    done = call("agree", a, b, "--json", "-o", tmp_path / "conflicts.xlsx")
    found = json.loads(done.stdout)
    (tmp_path / "agreement.json").write_text(done.stdout, encoding="utf-8")
    out = report(a, "--agreement", tmp_path / "agreement.json")
    said = (out / "report.md").read_text(encoding="utf-8")
    assert "Two coders extracted the studies independently of each other. 12 effects were" in said
    assert "before their 2 conflicts were settled" in said
    lines = (out / "tables" / "agreement.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(found["variables"])
    (rater,) = [line for line in lines if line.startswith("alliance rater")]
    assert rater.startswith("alliance rater,12,83.3,")


def test_grade_counts_the_weight_at_high_risk(tmp_path):
    out = report(sheet(tmp_path), "--model", "common-effect")
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))["certainty"]
    by_name = {d["domain"]: d for d in found["domains"]}
    assert by_name["risk_of_bias"]["numbers"]["weight_high"] == pytest.approx(0.5)
    assert {d["judgement"] for d in found["domains"]} == {None} and found["certainty"] is None
    assert found["of_interest"] == 0.1
    assert by_name["publication_bias"]["numbers"]["n_unpublished"] == 1
    assert by_name["inconsistency"]["evidence"] == "There is no prediction interval."
    html = (out / "report.html").read_text(encoding="utf-8")
    assert "GRADE Summary of Findings" in html and "50% “low” and 50% “high”" in html
    words = "\n".join(c.text for t in docx.Document(str(out / "report.docx")).tables
                      for c in t._cells)  # fmt: skip
    assert "50% “low” and 50% “high”" in words


@pytest.mark.parametrize("of_interest", [0.1, 0.3, 0.9])
def test_intervals_are_compared_with_the_value_of_interest(of_interest, evidence_of):
    yi = 0.3 + 0.2 * np.linspace(-1, 1, 12)
    evidence = evidence_of(yi, np.full(12, 0.01), further={"of_interest": of_interest})
    fit, found = evidence.fit, {d.key: d for d in certainty(evidence)}
    low, high = np.tanh([fit.pi_low, fit.pi_high])
    across = found["inconsistency"].numbers["includes_value"]
    assert across == (low < of_interest < high)
    assert (" includes " in found["inconsistency"].evidence) == across
    above = fit.proportion_above(of_interest).estimate
    assert found["inconsistency"].numbers["share_above"] == pytest.approx(above)
    inside = np.tanh(fit.ci_low) < of_interest < np.tanh(fit.ci_high)
    assert found["imprecision"].numbers["includes_value"] == inside
    assert found["imprecision"].numbers["includes_zero"] is False
    assert json.loads(json.dumps(certainty_document(evidence)))["of_interest"] == of_interest


def kept(paragraph):
    return paragraph.find(f"{qn('w:pPr')}/{qn('w:keepNext')}") is not None


def test_captions_and_notes_are_never_left_alone(evidence):
    """Every caption stays with its table, heads with rows, and last rows with the note."""
    document = compose_report(evidence)
    body = docx.Document(io.BytesIO(report_docx(document))).element.body
    tables = [one for one in body if one.tag == qn("w:tbl")]
    assert len(tables) == len(document.tables())
    for table, shown in zip(tables, document.tables(), strict=True):
        label, title = table.getprevious().getprevious(), table.getprevious()
        assert kept(label) and kept(title)
        rows = table.findall(qn("w:tr"))
        for row in rows[:3][: len(rows) - 1]:
            assert all(map(kept, row.iter(qn("w:p"))))
        assert all(kept(p) == bool(shown.notes) for p in rows[-1].iter(qn("w:p")))


def test_no_study_is_hidden_and_figures_follow_the_dark(evidence):
    html = report_html(compose_report(evidence))
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "max-height" not in style and "overflow-y" not in style
    assert "prefers-color-scheme: dark" in style and ".drawing svg { filter: invert" in style


def test_a_flow_that_does_not_add_up_is_said_everywhere(tmp_path):
    path = sheet(tmp_path)
    flow = '[prisma]\nassessed = 49\nexcluded = 40\nreasons = { "no outcome" = 60 }\n'
    (tmp_path / "metaalliance.toml").write_text(flow, encoding="utf-8")
    done = call("report", path, *FAST, "-o", tmp_path / "flow")
    assert done.exit_code == 0, done.output
    gap = "the reasons add up to 60, not the 40 reports excluded"
    assert gap in " ".join(done.stdout.split())
    assert gap in (tmp_path / "flow" / "report.md").read_text(encoding="utf-8")
    assert gap in (tmp_path / "flow" / "report.html").read_text(encoding="utf-8")
    shown = docx.Document(str(tmp_path / "flow" / "report.docx"))
    assert any(gap in paragraph.text for paragraph in shown.paragraphs)
