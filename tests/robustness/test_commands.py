"""multiverse, power and compare as their users run them."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest

EVIL = "=cmd|' /C calc'!A0"
TINY = ("-d", "conversions=all", "-d", "measure=z", "-d", "outliers=keep", "-d", "include=all",
        "-d", "tau2=REML", "-d", "aggregation=none", "-d", "test=cr2")  # fmt: skip


def formulas(path):
    book = openpyxl.load_workbook(path)
    return [c.value for sheet in book for row in sheet.iter_rows() for c in row
            if c.data_type == "f"]  # fmt: skip


def test_multiverse_prints_and_writes(run, sheet):
    done = run("multiverse", sheet, *TINY, "-d", "rho=.4,.6", "--all")
    assert done.returncode == 0, done.stderr
    assert "Which decision matters" in done.stdout
    assert "The main analysis gives" in done.stdout
    assert "Wrote specification_curve" in done.stderr
    folder = sheet.parent / "studies_results"
    document = json.loads((folder / "multiverse.json").read_text(encoding="utf-8"))
    assert document["command"] == "multiverse"
    assert document["counts"]["specifications"] == len(document["specifications"]) == 5
    assert document["settings"]["grid"]["rho"] == [0.4, 0.6]
    book = openpyxl.load_workbook(folder / "multiverse.xlsx")
    assert book.sheetnames == [
        "Summary", "Decisions", "Options", "Specifications", "Curve", "Left out", "Settings"
    ]  # fmt: skip
    assert book["Specifications"].max_row == 6
    record = json.loads((folder / "run_multiverse.json").read_text(encoding="utf-8"))
    figure = {f"specification_curve.{end}" for end in ("pdf", "png", "alt.txt", "caption.txt")}
    assert set(record["files"]) == {"multiverse.json", "multiverse.xlsx", *figure}


def test_the_main_analysis_is_that_of_the_configuration(call, sheet):
    """A two-level model takes one averaged effect per study, as `pool` does."""
    (sheet.parent / "metaalliance.toml").write_text(
        "[pool]\nmodel = 'two-level'\ntau2 = 'DL'\n", encoding="utf-8"
    )
    words = ("-d", "conversions=all", "-d", "measure=z", "-d", "include=all", "--json")
    document = json.loads(call("multiverse", sheet, *words).stdout)
    (main,) = [s for s in document["specifications"] if s["reference"]]
    pooled = json.loads(call("pool", sheet, "--json", "--no-figures").stdout)
    assert main["analysis_estimate"] == pytest.approx(pooled["pooled"]["estimate"], rel=1e-12)
    assert main["se"] == pytest.approx(pooled["pooled"]["se"], rel=1e-12)


def test_multiverse_json_is_one_document(call, sheet):
    done = call("multiverse", sheet, *TINY, "-d", "rho=.6", "--json", "-q")
    assert done.exit_code == 0
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert {"input", "problems", "settings", "counts", "verdict", "decisions", "options",
            "specifications", "files"} <= set(document)  # fmt: skip


def test_the_configuration_declares_the_grid(call, sheet):
    (sheet.parent / "metaalliance.toml").write_text(
        "[multiverse]\nmodel = ['che', 'three-level']\nrho = [0.2, 0.7]\ntau2 = ['REML']\n"
        "test = ['cr2']\noutliers = ['keep']\nmeasure = ['z']\nconversions = ['all']\n"
        "[multiverse.include]\n'by clients' = { alliance_rater = ['client'] }\n",
        encoding="utf-8",
    )
    done = call("multiverse", sheet, "--json", "-d", "rho=.3")
    document = json.loads(done.stdout)
    assert document["settings"]["grid"]["include"] == ["all", "by clients"]
    assert document["settings"]["grid"]["rho"] == [0.3]  # the command line wins
    assert document["counts"]["failed"] == 0
    assert {s["model"] for s in document["specifications"]} == {"che", "three-level"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-d", "modle=che"), "Did you mean 'model'"),
        (("-d", "rho"), "write decision=option"),
        (("-d", "rho=x"), "no number"),
        (("--jobs", "-3"), "jobs"),
    ],
)
def test_a_wrong_multiverse_is_a_usage_error(call, sheet, words, says):
    done = call("multiverse", sheet, *words)
    assert done.exit_code == 2
    assert says in done.stderr
    assert not (sheet.parent / "studies_results").exists()


def test_a_sheet_with_errors_is_refused(call, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("study,r,n\nA,1.4,40\nB,0.2,50\n", encoding="utf-8")
    done = call("multiverse", path)
    assert done.exit_code == 1
    assert "MA312" in done.stderr and "Nothing was pooled" in done.stderr


def test_silent_results_are_a_decision_of_the_multiverse(call, silent_sheet):
    done = call("multiverse", silent_sheet, *TINY, "-d", "rho=.6", "--json")
    document = json.loads(done.stdout)
    assert document["settings"]["grid"]["nonsignificant"] == ["zero", "drop"]


def test_hostile_labels_stay_inert(call, tmp_path):
    path = tmp_path / "studies.csv"
    lines = [f'"{EVIL} {i}",{0.1 + i / 50},{40 + i},"=1+{i}"' for i in range(8)]
    path.write_text("study,r,n,modality\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "metaalliance.toml").write_text(
        "[multiverse]\nmodel = ['two-level']\ntau2 = ['DL']\ntest = ['wald']\n"
        "[multiverse.include]\n\"=HYPERLINK('http://x')\" = { modality = ['=1+1', '=1+2', '=1+3'] }"
        "\n[vocabulary.modality]\n" + "".join(f"'=1+{i}' = []\n" for i in range(8)),
        encoding="utf-8",
    )
    done = call("multiverse", path)
    assert done.exit_code == 0, done.stderr
    assert formulas(tmp_path / "studies_results" / "multiverse.xlsx") == []
    other = tmp_path / "old.csv"
    other.write_text("study,r,n,modality\n" + "\n".join(lines[:-2]) + "\n", encoding="utf-8")
    done = call("compare", other, path)
    assert done.exit_code == 0, done.stderr
    assert EVIL in done.stdout
    assert formulas(tmp_path / "studies_results" / "compare.xlsx") == []
    control = tmp_path / "control.csv"
    control.write_text("study,r,n\n" + "".join(f"\x1b[31mA{i},.3,40\n" for i in range(4)), "utf-8")
    assert "\x1b" not in call("compare", other, control, "--all").stdout


def test_power_of_the_mean(run):
    done = run("power", "mean", "--r", ".2", "--k", "10,20", "--n", "40", "--tau", ".15",
               "--target", ".8")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ".727" in done.stdout and ".971" in done.stdout
    assert "needs 12 studies" in done.stdout
    assert done.stderr == ""


def test_power_of_the_others_as_json(call, tmp_path):
    words = ("--n", "30,60,120", "--tau", ".12", "--json")
    means = ("--r", ".3,.2")
    contrast = json.loads(call("power", "contrast", *means, "--k", "60+20,90+30", *words).stdout)
    assert [plan["groups"] for plan in contrast["plans"]] == [[60, 20], [90, 30]]
    one = json.loads(call("power", "contrast", *means, "--k", "60,20", *words).stdout)
    assert one["plans"][0] == contrast["plans"][0]
    egger = json.loads(call("power", "egger", "--excess", ".2", "--k", "30", *words).stdout)
    assert 0.05 < egger["plans"][0]["power"] < 1
    done = call("power", "precision", "--half-width", ".05", *words, "-o", tmp_path / "plan")
    precision = json.loads(done.stdout)
    assert precision["expected"] <= 0.05
    assert sorted(p.name for p in (tmp_path / "plan").iterdir()) == [
        "power.json", "power.xlsx", "run_power.json"
    ]  # fmt: skip


def test_power_from_a_pilot_sheet_and_by_simulation(call, sheet):
    done = call("power", "mean", "--r", ".15", "--k", "10", "--pilot", sheet, "--simulate", "60",
               "--seed", "4", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    (plan,) = document["plans"]
    assert document["settings"]["model"] == "che"
    assert document["settings"]["mean_effects_per_study"] == pytest.approx(27 / 14)
    assert plan["replications"] == 60
    assert plan["mc_low"] < plan["simulated"] < plan["mc_high"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("median",), "not one of mean"),
        (("mean", "--k", "10", "--n", "40", "--tau", ".1"), "--r"),
        (("mean", "--r", ".2", "--n", "40", "--tau", ".1"), "--k"),
        (("mean", "--r", ".2", "--k", "10", "--tau", ".1"), "--n"),
        (("mean", "--r", ".2", "--k", "10", "--n", "40"), "--tau"),
        (("mean", "--r", ".2,.3", "--k", "10", "--n", "40", "--tau", ".1"), "one number"),
        (("mean", "--r", "high", "--k", "10", "--n", "40", "--tau", ".1"), "numbers with commas"),
        (("mean", "--r", "nan", "--k", "10", "--n", "40", "--tau", ".1"), "finite"),
        (("mean", "--r", ".2", "--k", "ten", "--n", "40", "--tau", ".1"), "whole numbers"),
        (("contrast", "--r", ".2", "--k", "10,20", "--n", "40", "--tau", ".1"), "two or more"),
        (("egger", "--k", "10", "--n", "40,80", "--tau", ".1"), "--excess"),
        (("precision", "--n", "40", "--tau", ".1"), "--half-width"),
    ],
)
def test_a_wrong_plan_is_a_usage_error(call, words, says):
    done = call("power", *words)
    assert done.exit_code == 2
    assert says in done.stderr
    failed = call("power", *words, "--json")
    assert json.loads(failed.stdout)["error"]["code"] == "MA690"


def test_an_impossible_plan_is_exit_4(call):
    done = call("power", "mean", "--r", ".2", "--k", "1", "--n", "40", "--tau", ".1")
    assert done.exit_code == 4
    assert "MA666" in done.stderr


def test_compare_prints_and_writes(run, call, sheet, tmp_path):
    new = tmp_path / "later.csv"
    lines = sheet.read_text(encoding="utf-8").splitlines()
    cells = lines[1].split(",")
    cells[1] = "0.499"
    new.write_text(
        "\n".join([lines[0], ",".join(cells), *lines[2:-1], "Zorn 2020,.31,,,80"]) + "\n"
    )
    done = run("compare", sheet, new)
    assert done.returncode == 0, done.stderr
    assert "From the old result to the new one" in done.stdout
    assert "(studies.csv!B2) → 0.499 (later.csv!B2)" in done.stdout
    assert "later.csv, row" in done.stdout and "Zorn 2020" in done.stdout
    folder = tmp_path / "later_results"
    document = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    changes = [step["change"] for step in document["result"]["steps"]]
    assert sum(changes) == pytest.approx(document["result"]["total"], abs=1e-15)
    assert document["input"]["old"]["file"] == "studies.csv"
    printed = json.loads(call("compare", sheet, new, "--json", "-q").stdout)
    assert printed == document


def test_compare_with_errors_lists_changes_and_exits_1(call, sheet, tmp_path):
    new = tmp_path / "later.csv"
    new.write_text(sheet.read_text(encoding="utf-8") + "Zorn 2020,1.31,,,80\n", encoding="utf-8")
    done = call("compare", sheet, new)
    assert done.exit_code == 1
    assert "No result: later.csv has errors" in done.stdout
    assert "MA312" in done.stderr
    failed = call("compare", sheet, new, "--json")
    assert failed.exit_code == 1
    document = json.loads(failed.stdout)
    assert document["result"]["steps"] == []
    assert document["problems"][0]["file"] == "later.csv"


def test_compare_reads_files_only(call, sheet):
    assert call("compare", "-", sheet).exit_code == 2
    assert call("compare", sheet, "nowhere.csv").exit_code == 3


def test_foreign_files_are_kept(call, sheet):
    folder = sheet.parent / "studies_results"
    folder.mkdir()
    (folder / "multiverse.xlsx").write_text("mine", encoding="utf-8")
    done = call("multiverse", sheet, *TINY, "-d", "rho=.6")
    assert done.exit_code == 2
    assert (folder / "multiverse.xlsx").read_text(encoding="utf-8") == "mine"


def test_a_progress_line_needs_a_terminal_and_patience():
    from metaalliance.cli.run import progress_line

    class Stream:
        def __init__(self, terminal):
            self.terminal, self.text = terminal, ""

        def isatty(self):
            return self.terminal

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    import metaalliance.cli.run as command

    patience, command.PATIENCE = command.PATIENCE, 0.0
    try:
        shown, hidden = Stream(True), Stream(False)
        for stream in (shown, hidden):
            show = progress_line(stream, unit="reviews")
            show(1, 3)
            show(3, 3)
    finally:
        command.PATIENCE = patience
    assert "1 of 3 reviews" in shown.text
    assert "left" not in shown.text
    assert hidden.text == ""
    quick = Stream(True)
    progress_line(quick)(1, 3)
    assert quick.text == ""


def test_a_progress_line_says_how_long_is_left(monkeypatch):
    import metaalliance.cli.run as command

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    now = iter([100.0, 130.0, 160.0])
    monkeypatch.setattr(command, "monotonic", lambda: next(now))
    stream = Terminal()
    show = command.progress_line(stream, unit="subsets")
    show(50, 1000)  # 30 s for 50
    show(1000, 1000)
    told = stream.getvalue().split("\r")
    assert told[1] == "[#-------------------] 50 of 1,000 subsets, about 10 min left\x1b[K"
    assert told[-1] == "\x1b[K"
