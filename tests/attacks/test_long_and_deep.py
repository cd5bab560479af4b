"""Names, cells and settings that are too long or too deep are one sentence of usual length."""

from __future__ import annotations

import csv
import errno
import json
import tempfile

import pytest
from attack_examples import GOOD

import metaalliance as ma
from metaalliance.report.workbooks.spreadsheet_text import inert

LONG = "x" * 32_767
NAME = "a" * 300


@pytest.fixture
def coded(tmp_path):
    """A sheet with one long text in the place that is named."""

    def write(**texts):
        head = {c: texts.pop(f"head_{c}", c) for c in ("study", "r", "n", "modality", "mean_age")}
        rows = [["A 2001", 0.3, 40, "CBT", 30], ["B 2002", 0.2, 50, "CBT", 31],
                ["C 2003", 0.1, 60, "PDT", 35], ["D 2004", 0.25, 45, "PDT", 38]]  # fmt: skip
        for column, text in texts.items():
            rows[1][list(head).index(column)] = text
        with (tmp_path / "long.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([head.values(), *rows])
        return tmp_path / "long.csv"

    return write


CELLS = {
    "label": {"study": LONG},
    "label of a row in error": {"study": LONG, "r": 1.3},
    "number": {"r": LONG},
    "digits": {"n": "9" * 32_767},
    "level": {"modality": LONG},
    "words of a level": {"modality": "many words " * 2_900},
    "header": {"head_mean_age": LONG},
    "header that is needed": {"head_study": LONG},
}


@pytest.mark.parametrize("texts", CELLS.values(), ids=CELLS)
def test_a_long_cell_is_cut_in_messages(call, coded, texts):
    done = call("validate", coded(**texts))
    assert done.exit_code in {0, 1, 3}
    assert len(done.stdout) + len(done.stderr) < 3_000


@pytest.mark.parametrize("texts", CELLS.values(), ids=CELLS)
def test_a_long_cell_is_cut_in_each_message_of_the_document(call, coded, texts):
    document = json.loads(call("validate", coded(**texts), "--json").stdout)
    messages = [p[key] for p in document["problems"] for key in ("message", "hint")]
    assert all(len(m) < 700 for m in (*messages, document.get("error", {}).get("message", "")))


def test_a_long_label_stays_whole_in_the_effects(coded):
    effects = ma.effect_sizes(ma.read_studies(coded(study=LONG)))
    assert LONG in set(effects.frame["study"])


TOML = {
    "nested lists": "missing = " + "[" * 20_000 + "]" * 20_000,
    "nested tables": "sheet = " + "{a = " * 5_000 + "1" + "}" * 5_000,
    "dotted keys": "a" + ".a" * 5_000 + " = 1",
    "nested style": "[style" + ".a" * 3_000 + "]\nb = 1",
    "more digits than Python reads": "[pool]\nrho = " + "9" * 5_000,
    "more digits than a float holds": "[pool]\nlevel = " + "9" * 400,
    "a width of many digits": "[pool]\nwidth = " + "9" * 400,
    "a number in a list": "[multiverse]\nrho = [" + "9" * 4_000 + "]",
    "a count": "[prisma]\nscreened = " + "9" * 4_000,
    "infinity": "[pool]\nrho = 1e999",
    "a text": '[pool]\nmodel = "' + "x" * 100_000 + '"',
    "a title": '[report]\ntitle = "' + "x" * 100_000 + '"',
    "a key": "x" * 100_000 + " = 1",
    "a file": "# " + "x" * 2**20,
}


@pytest.mark.parametrize("text", TOML.values(), ids=TOML)
def test_a_huge_configuration_is_refused_in_a_sentence(call, good, tmp_path, text):
    (tmp_path / "metaalliance.toml").write_text(text + "\n")
    done = call("pool", good, "--no-figures")
    assert (done.exit_code, done.stdout) == (2, ""), done.stderr[:500]
    assert len(done.stderr) < 700 and done.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["link to nowhere", "link to itself", "folder"])
def test_a_configuration_that_is_no_file_is_not_passed_over(call, good, tmp_path, kind):
    path = tmp_path / "metaalliance.toml"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("metaalliance.toml" if kind == "link to itself" else "/none/team.toml")
    done = call("pool", good, "--no-figures")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "its settings cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"sheet = 'a'\n# caf\xe9", "line 2 has a letter that is not in UTF-8"),
        (b"[pool]\nrho = " + b"9" * 5_000, "a number or a date that cannot be read"),
        (b"[pool]\nrho = 2020-01-01", "rho has no value 2020-01-01"),
        (b"# " + b"x" * 2**20, "metaalliance.toml is larger than 1 MB. "),
    ],
    ids=["letter", "number", "date", "size"],
)
def test_what_is_wrong_with_a_configuration_is_said_plainly(call, good, tmp_path, content, reason):
    (tmp_path / "metaalliance.toml").write_bytes(content)
    done = call("pool", good, "--no-figures")
    assert (done.exit_code, done.stdout) == (2, "")
    assert reason in done.stderr


def test_a_configuration_may_begin_with_the_mark_of_utf_8(call, good, tmp_path):
    (tmp_path / "metaalliance.toml").write_bytes(b"\xef\xbb\xbf[pool]\nlevel = 0.9\n")
    done = call("pool", good, "--no-figures")
    assert done.exit_code == 0
    assert "90% CI" in done.stdout


def test_a_title_within_the_bound_is_written(call, good, tmp_path):
    (tmp_path / "metaalliance.toml").write_text(f'[report]\ntitle = "{"x " * 4_000}"\n')
    assert call("report", good, "--no-figures").exit_code == 0


WRITTEN = {
    "folder": ["pool", "t.csv", "--no-figures", "-o", NAME],
    "file": ["convert", "t.csv", "-o", f"{NAME}.csv"],
    "template": ["template", "-o", f"{NAME}.xlsx"],
    "annotated": ["validate", "t.csv", "--annotate", f"{NAME}.xlsx"],
    "figure": ["forest", "t.csv", "-o", f"{NAME}.pdf"],
    "script": ["export-r", "t.csv", "-o", NAME],
}


@pytest.mark.parametrize("words", WRITTEN.values(), ids=WRITTEN)
def test_a_name_that_is_too_long_to_write(call, tmp_path, words):
    (tmp_path / "t.csv").write_text(GOOD)
    done = call(*words)
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.endswith("(MA692)\n") and "Internal" not in done.stderr


def test_no_folder_for_temporary_files(call, good, monkeypatch):
    def nowhere():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    done = call("pool", good, "-o", "out")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "No usable temporary directory" in done.stderr and done.stderr.endswith("(MA692)\n")


def test_files_that_cannot_be_opened(call, tmp_path):
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for name in (f"{NAME}.csv", "loop.csv", "none/t.csv"):
        done = call("validate", name)
        assert (done.exit_code, done.stdout) == (3, "")
        assert done.stderr.endswith("(MA101)\n")
    with pytest.raises(ma.UnreadableFileError):
        ma.read_studies("a\0b.csv")


@pytest.mark.parametrize(
    "formula", ["mean_age - mean_age", "modality - modality", "mean_age + modality - modality"]
)
def test_a_formula_that_takes_a_column_out_again(call, coded, formula):
    done = call("moderators", coded(), "--formula", formula, "--no-figures")
    assert done.exit_code == 2
    assert "out again" in done.stderr and done.stderr.endswith("(MA649)\n")


LIVE = ["=1+1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x", "\t=1", "\r=1", "\n=1", " =1",
        "\x00=1", "\u00a0=1"]  # fmt: skip


@pytest.mark.parametrize("text", LIVE)
def test_no_text_of_a_written_table_begins_like_a_formula(text):
    assert str(inert(text)).startswith("'")


@pytest.mark.parametrize("text", ["Adler 1988", "r = -.2", "−.21", "", 3, -0.21, None])
def test_other_text_is_written_as_it_is(text):
    assert inert(text) == text
