"""Real processes: exit codes, streams, pipes and terminals."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "metaalliance"]


def test_pooling_succeeds(run, good):
    done = run("pool", good, "--no-figures")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "4 studies, 4 effects, 195 participants",
    )


def test_problems_in_the_data_exit_with_1(run, bad):
    assert run("validate", bad).returncode == 1


def test_wrong_option_exits_with_2(run, good):
    done = run("pool", good, "--model", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--model nonsense is not one of")


def test_missing_file_exits_with_3(run):
    done = run("pool", "nothing.xlsx")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "There is no file nothing.xlsx. (MA101)\n"


def test_impossible_analysis_exits_with_4(run, good):
    done = run("pool", good, "--model", "three-level", "--no-figures")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.endswith("(MA610)\n")


def test_debug_shows_the_traceback(run):
    done = run("validate", "nothing.xlsx", "--debug")
    assert done.returncode != 0
    assert "Traceback (most recent call last)" in done.stderr


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["pool", "-h"], ["validate", "--help"]])
def test_help_goes_to_stdout(run, words):
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage:")


def test_help_needs_no_heavy_import():
    code = (
        "import sys; sys.argv = ['metaalliance', '-h']\n"
        "from metaalliance.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'matplotlib', 'openpyxl', 'pymare'}\n"
        "print(heavy & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "set()"


@pytest.mark.parametrize("words", [["--no-figures"], ["--tau2", "DL", "--no-figures"]])
def test_a_plain_pool_imports_no_witness(tmp_path, good, words):
    code = (
        "import sys\n"
        "from metaalliance.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'pymare', 'statsmodels', 'sympy'} & set(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "pool", str(good), "--quiet", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "two-level (main)" in done.stdout
    assert done.stderr.strip().splitlines()[-1] == "set()"


def test_standard_input(run, good):
    done = run("validate", "-", stdin=good.read_text())
    assert done.returncode == 0
    assert done.stderr.startswith("standard input, sheet standard input: 4 rows read, 4 usable")


def test_empty_standard_input(run):
    done = run("validate", "-")
    assert (done.returncode, done.stderr) == (3, "Standard input is empty. (MA102)\n")


@pytest.mark.parametrize(
    "words", [["explain"], ["validate", "bad.csv"], ["validate", "bad.csv", "--json"]]
)
def test_closed_pipe_gives_no_traceback(tmp_path, bad, words):
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    message = process.stderr.read().decode()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in message
    assert "BrokenPipe" not in message


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["validate", "bad.csv"], 1),
        (["validate", "bad.csv", "--output-format", "csv"], 1),
        (["validate", "good.csv"], 0),
        (["pool", "bad.csv", "--json"], 1),
        (["pool", "good.csv", "--json", "--nope"], 2),
        (["compare", "good.csv", "bad.csv"], 1),
        (["verify", "kept/run.json", "changed.csv"], 1),
        (["verify", "kept/run.json", "good.csv"], 0),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_a_verdict_is_not_lost_with_the_reader(run, good, bad, words, code):
    text = good.read_text(encoding="utf-8").replace("Dorn 2004,0.4", "Dorn 2004,0.1")
    good.with_name("changed.csv").write_text(text, encoding="utf-8")
    if words[0] == "verify":
        assert run("pool", good, "--no-figures", "-o", "kept").returncode == 0
    assert run(*words).returncode == code
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*COMMAND, *words], cwd=good.parent, stdout=writing, check=False)
    os.close(writing)
    assert done.returncode == code


@pytest.mark.parametrize(
    "words",
    [
        ["pool", "good.csv", "-o", ""],
        ["pool", "good.csv", "--config", ""],
        ["pool", ""],
        ["forest", "good.csv", "-o", "a.svg", "-o", ""],
        ["validate", "good.csv", "--annotate="],
        ["example", "-o", ""],
    ],
    ids=" ".join,
)
def test_an_empty_path_is_refused(run, good, words):
    before = sorted(good.parent.iterdir())
    done = run(*words)
    assert (done.returncode, "it is empty" in done.stderr) == (2, True)
    assert sorted(good.parent.iterdir()) == before


@pytest.mark.parametrize("words", [["-o", "link"], ["-o", "link/sub"]])
def test_a_link_that_leads_nowhere_is_told(run, good, words):
    good.with_name("link").symlink_to(good.with_name("nowhere"))
    done = run("pool", good, "--no-figures", *words)
    assert (done.returncode, "the link link leads nowhere" in done.stderr) == (3, True)
    assert not good.with_name("nowhere").exists()


@pytest.mark.parametrize(
    "words", [["pool", "good.csv", "--no-figures"], ["validate", "good.csv"]], ids=" ".join
)
@pytest.mark.parametrize("table", ["style", "styles.lab"])
def test_an_unknown_key_of_a_style_is_refused_by_commands_that_do_not_draw(run, good, words, table):
    good.with_name("metaalliance.toml").write_text(f'[{table}]\nacent = "#000000"\n')
    done = run(*words)
    assert (done.returncode, "there is no 'acent'" in done.stderr) == (2, True)
    assert "'accent'" in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [(["csv", "--json"], 2), (["json", "--json"], 0), (["csv"], 0), (["text", "--json"], 2)],
    ids=str,
)
def test_two_formats_are_a_contradiction(run, good, words, code):
    done = run("validate", good, "--output-format", *words)
    assert done.returncode == code
    if code:
        message = json.loads(done.stdout)["error"]["message"]
        assert message == f"--json and --output-format {words[0]} ask for two formats."


def test_kinds_of_figures_as_one_document(run):
    kinds = json.loads(run("plot", "--json").stdout)["kinds"]
    listed = run("plot").stdout.splitlines()
    assert [line.split("  ")[0] for line in listed] == list(kinds)


@pytest.mark.parametrize(
    ("words", "record"),
    [
        (["pool", "good.csv", "--no-figures"], "good_results/run.json"),
        (["bias", "good.csv", "--no-figures"], "good_results/run_bias.json"),
        (["funnel", "good.csv"], "good_results/figures/run_funnel.json"),
        (["report", "good.csv", "--no-figures"], "good_results/run.json"),
        (["compare", "good.csv", "good.csv"], "good_results/run_compare.json"),
        (
            ["power", "mean", "--r", ".2", "--k", "20", "--n", "60", "--tau", ".1", "-o", "plan"],
            "plan/run_power.json",
        ),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_a_reader_that_closes_the_pipe_loses_no_results(tmp_path, good, words, record):
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=good.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    message = process.stderr.read().decode()
    process.stderr.close()
    process.wait(timeout=120)
    assert (good.parent / record).is_file(), message
    files = json.loads((good.parent / record).read_text(encoding="utf-8"))["files"]
    assert all(((good.parent / record).parent / name).is_file() for name in files)


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"TERM": "xterm-256color"}])
def test_pipe_gets_no_escape_codes(run, bad, env):
    done = run("validate", bad, env=env)
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_no_color_on_a_terminal(tmp_path, bad):
    import pty

    leader, follower = pty.openpty()
    env = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*COMMAND, "validate", str(bad)], cwd=tmp_path, stdout=follower, stderr=follower, env=env
    )
    process.wait(timeout=60)
    os.close(follower)
    shown = os.read(leader, 100_000)
    os.close(leader)
    assert b"MA312" in shown
    assert b"\x1b" not in shown


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_any_stdout_encoding_takes_the_text(tmp_path, bad, encoding):
    done = subprocess.run(
        [*COMMAND, "validate", str(bad)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


def test_json_in_an_ascii_pipe(tmp_path, bad):
    done = subprocess.run(
        [*COMMAND, "validate", str(bad), "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert json.loads(done.stdout)["command"] == "validate"
