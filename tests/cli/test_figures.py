"""`forest`, `funnel` and `plot`: files, options, styles of the configuration, refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

DATA = Path(__file__).resolve().parents[2] / "data"


def width_of(path: Path) -> float:
    found = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", path.read_bytes())
    return float(found[1]) * 25.4 / 72


def svg_text(path: Path) -> set[str]:
    """Comments before each text of an SVG whose letters are paths."""
    return set(re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8")))


def test_the_line_of_the_documentation(run, tmp_path):
    target = tmp_path / "forest.pdf"
    done = run(
        "forest", DATA / "primary_alliance_effects.xlsx", "--style", "apa", "--width", "174",
        "-o", target, "--columns", "year,n,modality", "--sort", "r", "--by", "modality",
        "--published", ".28",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert width_of(target) == pytest.approx(174, abs=0.1)
    assert b"/Type3" not in target.read_bytes()
    alt = (tmp_path / "forest.alt.txt").read_text(encoding="utf-8")
    assert " ".join(done.stdout.split()) == " ".join(alt.split())
    assert "A line marks Published: .28." in alt
    assert "Wrote" in done.stderr


def test_several_files_of_one_figure(call, nested, tmp_path):
    names = ["a.svg", "a.png", "b.tif", "c.eps"]
    words = [w for name in names for w in ("-o", tmp_path / name)]
    assert call("forest", nested, *words, "--width", "120", "--dpi", "100").exit_code == 0
    assert {p.name for p in tmp_path.iterdir()} >= {*names, "a.alt.txt", "b.alt.txt"}
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == pytest.approx(120 / 25.4 * 100, abs=1)


def test_without_an_output_there_is_a_folder_beside_the_sheet(call, nested):
    result = call("funnel", nested)
    assert result.exit_code == 0, result.stderr
    folder = nested.parent / "nested_results" / "figures"
    names = {p.name for p in folder.iterdir()}
    assert names == {
        "funnel.pdf", "funnel.png", "funnel.alt.txt", "funnel.caption.txt", "run_funnel.json",
    }  # fmt: skip
    assert width_of(folder / "funnel.pdf") == pytest.approx(120, abs=0.1)
    assert call("forest", nested).exit_code == 0
    assert call("funnel", nested).exit_code == 0
    record = json.loads((folder / "run_funnel.json").read_text())
    assert record["tool"] == "metaalliance"
    assert set(record["files"]) == names - {"run_funnel.json"}


def test_json_is_one_document(call, nested, tmp_path):
    result = call("forest", nested, "-o", tmp_path / "f.pdf", "--style", "bmj", "--json")
    document = json.loads(result.stdout)
    assert document["command"] == "forest"
    assert document["figure"] == {
        "kind": "forest", "style": "bmj", "width_mm": 174.0, "title": None,
        "page": "a4", "notes": "short",
        "levels": {"by": "modality", "pool": "joint"},
    }  # fmt: skip
    assert [level["level"] for level in document["levels"]] == ["CBT", "psychodynamic"]
    assert document["files"] == [
        str(tmp_path / f"f{end}") for end in (".pdf", ".alt.txt", ".caption.txt")
    ]
    assert document["input"]["rows_used"] == 7


def test_a_result_is_laid_under_those_of_published_reviews(run, tmp_path):
    target = tmp_path / "beside.svg"
    sheet = DATA / "primary_alliance_effects.xlsx"
    done = run("forest", sheet, "--compare", "published", "--style", "jama", "-o", target, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["figure"] == {
        "kind": "comparison-forest", "style": "jama", "width_mm": 174.0, "title": None,
        "page": "a4", "notes": "short",
        "compare": "published",
    }  # fmt: skip
    assert {"Martin et al. (2000)", "This review", "0.22", "0.27"} <= svg_text(target)
    alt = (tmp_path / "beside.alt.txt").read_text(encoding="utf-8")
    assert "https://doi.org/10.1037/pst0000172" in alt
    pooled = json.loads(run("pool", sheet, "--json", "--no-figures").stdout)["pooled"]["r"]
    interval = "[{}, {}]".format(*(f"{pooled[k]:.2f}"[1:] for k in ("ci_low", "ci_high")))
    assert f"Pooled r = {pooled['estimate']:.2f}".replace("0.", ".") in alt
    assert interval in alt


def test_a_figure_of_ours_is_replaced_and_another_file_is_not(call, nested, tmp_path):
    target = tmp_path / "forest.pdf"
    assert call("forest", nested, "-o", target).exit_code == 0
    assert call("forest", nested, "-o", target, "--style", "jama").exit_code == 0
    target.write_bytes(b"%PDF edited by hand")
    result = call("forest", nested, "-o", target)
    assert result.exit_code == 2
    assert "was not written by this tool" in result.stderr
    assert target.read_bytes() == b"%PDF edited by hand"
    assert call("forest", nested, "-o", target, "--force").exit_code == 0


def test_the_input_is_never_replaced(call, tmp_path, nested):
    sheet = tmp_path / "sheet.svg"
    sheet.write_bytes(nested.read_bytes())
    result = call("forest", sheet, "-o", sheet, "--force")
    assert result.exit_code != 0
    assert sheet.read_bytes() == nested.read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "f.jpg"], "this figure is saved as .pdf"),
        (["-o", "f.pdf", "--interactive"], "this figure is saved as .html"),
        (["-o", "f.pdf", "-o", "folder"], "give one folder, or files only"),
        (["--style", "jamma"], "Did you mean 'jama'"),
        (["--columns", "yeer"], "has no such column|have no such column"),
        (["--sort", "size"], "sort='size' is not one of"),
        (["--width", "20"], "is not between"),
        (["--published", "2"], "is not a correlation"),
        (["--published-label", "x"], "needs --published"),
        (["--limits", "1"], "is not LOW,HIGH"),
        (["--sides", "a"], "is not 'LEFT|RIGHT'"),
        (["--effects", "each"], "effects='each' is not one of"),
        (["--prediction-mark", "cloud"], "--prediction cloud is not one of"),
        (["--summary", "--columns", "n"], "--columns has no meaning for summary-forest"),
        (["--summary", "--interactive"], "has no interactive page"),
        (["--compare", "publishd"], "compare='publishd' is not one of 'published'. Did you mean"),
        (["--compare", ""], "compare='' is not one of 'published'"),
        (["--compare", "published", "--by", "modality"], "--by has no meaning for comparison-for"),
        (["--compare", "published", "--summary"], "--compare has no meaning for summary-forest"),
        (["--compare", "published", "--interactive"], "has no interactive page"),
    ],
)
def test_options_that_cannot_be(words, message, call, nested, monkeypatch):
    monkeypatch.chdir(nested.parent)
    result = call("forest", nested, *words)
    assert result.exit_code == 2, result.stderr
    assert re.search(message.replace("|LEFT", r"\|LEFT").replace("LEFT|", r"LEFT\|"), result.stderr)
    assert not list(nested.parent.glob("f.*"))


def test_nothing_is_drawn_from_a_sheet_with_errors(call, bad, tmp_path):
    result = call("forest", bad, "-o", tmp_path / "f.pdf")
    assert result.exit_code == 1
    assert "Nothing was drawn." in result.stderr
    assert not (tmp_path / "f.pdf").exists()


def test_the_summary_stands_on_one_page(call, nested, tmp_path):
    result = call("forest", nested, "--summary", "-o", tmp_path / "s.svg")
    assert result.exit_code == 0, result.stderr
    assert "Forest plot of the levels of modality" in result.stdout
    assert {"CBT", "Psychodynamic"} <= svg_text(tmp_path / "s.svg")


def test_pages_of_an_svg_are_numbered(call, tmp_path):
    rows = "".join(f"Study {i},0.{1 + i % 5},{40 + i},higher_better\n" for i in range(20))
    sheet = tmp_path / "many.csv"
    sheet.write_text(f"study,r,n,outcome_direction\n{rows}")
    words = ("forest", sheet, "-o", tmp_path / "f.svg", "--rows-per-page", "12")
    assert call(*words).exit_code == 0
    assert {"f-1.svg", "f-2.svg", "f.alt.txt"} <= {p.name for p in tmp_path.iterdir()}
    (tmp_path / "f-2.svg").write_text("mine")
    result = call(*words)
    assert result.exit_code == 2
    assert (tmp_path / "f-2.svg").read_text() == "mine"


def test_a_style_of_the_configuration(call, nested, tmp_path):
    (tmp_path / "metaalliance.toml").write_text(
        '[style]\nbase = "revman"\nforest = { study_head = "Trial" }\n'
        '[styles.lab]\nbase = "apa"\nsize = 9\nforest = { study_head = "Report" }\n'
    )
    assert call("forest", nested, "-o", tmp_path / "a.svg").exit_code == 0
    assert {"Trial", "Weight"} <= svg_text(tmp_path / "a.svg")
    assert call("forest", nested, "-o", tmp_path / "b.svg", "--style", "lab").exit_code == 0
    assert "Report" in svg_text(tmp_path / "b.svg")
    assert call("forest", nested, "-o", tmp_path / "c.svg", "--style", "jama").exit_code == 0
    assert "Source" in svg_text(tmp_path / "c.svg")
    result = call("forest", nested, "-o", tmp_path / "d.svg", "--style", "labb")
    assert result.exit_code == 2
    assert (
        "--style labb is not one of apa, revman, jama, bmj, lab. Did you mean 'lab'?"
        in result.stderr
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[style]\nsise = 9\n", "there is no 'sise'. Did you mean 'size'? (MA675)"),
        ("[styles]\nlab = 3\n", "lab must be a table [styles.lab]"),
        ("style = 'apa'\n", "style must be a dict"),
    ],
)
def test_a_configuration_that_cannot_be(text, message, call, nested, tmp_path):
    (tmp_path / "metaalliance.toml").write_text(text)
    result = call("forest", nested, "-o", tmp_path / "a.svg")
    assert result.exit_code == 2
    assert message in result.stderr


def test_interactive_page(call, nested, tmp_path):
    target = tmp_path / "forest.html"
    result = call("forest", nested, "--interactive", "-o", target, "--title", "Alliance & outcome")
    assert result.exit_code == 0, result.stderr
    page = target.read_text(encoding="utf-8")
    assert "<title>Alliance &amp; outcome</title>" in page
    assert call("forest", nested, "--interactive", "-o", target).exit_code == 0
    assert (tmp_path / "forest.alt.txt").exists()


def test_plot_lists_its_kinds(call):
    result = call("plot")
    assert result.exit_code == 0
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert names[:4] == ["forest", "summary-forest", "comparison-forest", "funnel"]


def test_plot_draws_a_kind(call, nested, tmp_path):
    target = tmp_path / "s.pdf"
    result = call("plot", "summary-forest", nested, "--by", "alliance_rater", "-o", target)
    assert result.exit_code == 0, result.stderr
    assert target.exists()
    again = call("plot", "forest", nested, "-o", tmp_path / "f.pdf", "--option", "rows-per-page=20")
    assert again.exit_code == 0, again.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pie"], "There is no figure of the kind 'pie'"),
        (["funnell"], "Did you mean 'funnel'"),
        (["summary-forest"], "summary-forest needs --by"),
        (["forest", "--option", "rows"], "is not NAME=VALUE"),
        (["forest", "--option", "colour=red"], "--colour has no meaning for forest"),
    ],
)
def test_plot_refuses(words, message, call, nested):
    kind, *rest = words
    result = call("plot", kind, nested, *rest)
    assert result.exit_code == 2
    assert message in result.stderr


def test_plot_needs_a_workbook(call):
    result = call("plot", "funnel")
    assert result.exit_code == 2
    assert "needs a workbook" in result.stderr


def test_labels_of_another_font_are_told(call, tmp_path):
    sheet = tmp_path / "names.csv"
    sheet.write_text(
        "study,r,n,outcome_direction\n"
        "日本 1999,0.3,40,higher_better\n\U00016e40 2001,0.2,50,higher_better\n"
        "C,0.1,60,higher_better\n",
        encoding="utf-8",
    )
    result = call("forest", sheet, "-o", tmp_path / "f.pdf")
    assert result.exit_code == 0
    assert "MA676" in result.stderr
    assert "they are drawn as □" in result.stderr
    assert "MA676" not in call("funnel", sheet, "-o", tmp_path / "g.pdf").stderr  # has no labels
