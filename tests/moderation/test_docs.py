"""docs/moderators.md is what the program does."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from metaalliance.cli.app import app

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "moderators.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ (.+?)\n(.*?)```", PAGE, re.DOTALL)
#: A column of each kind of question that the field asks.
ASKED = {
    "modality", "alliance_subscale", "outcome_domain", "setting", "population", "percent_minority",
    "language_match", "delivery", "n_therapists", "therapist_experience",
}  # fmt: skip


def test_python_of_the_page(monkeypatch):
    monkeypatch.chdir(ROOT)
    source = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    case = doctest.DocTestParser().get_doctest(source, {}, "moderators.md", "moderators.md", 0)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    with warnings.catch_warnings():
        failed, tried = runner.run(case, out=report.append)
    assert not failed, "".join(report)
    assert tried > 25


def test_each_kind_of_question_is_asked():
    asked = {column for command, _ in BLOCKS for column in re.findall(r"--by (\w+)", command)}
    assert asked >= ASKED


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("command", "shown"), BLOCKS[1:], ids=lambda text: text[-60:-30])
def test_answers_of_the_page(command, shown, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = command.split()
    words[words.index("out")] = str(tmp_path / "out")
    done = CliRunner().invoke(app, words[1:], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == shown.strip()


def test_console_of_the_page(tmp_path):
    command, shown = BLOCKS[0]
    words = command.split()
    words[words.index("out")] = str(tmp_path / "out")
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", *words[1:]],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.strip() == shown.strip()


def test_truth_of_the_page_is_that_of_the_simulation():
    import json

    truth = json.loads((ROOT / "data" / "simulated_alliance_studies.truth.json").read_text())
    means = {name: level["true_mean_z"] for name, level in truth["modalities"].items()}
    number = r"([+−][\d.]+)"
    rows = re.findall(
        rf"^\| ([\w-]+) \| {number} \| {number} \| \[{number}, {number}\] \|.*\| (yes|no) \|$",
        PAGE,
        re.MULTILINE,
    )
    assert len(rows) == 12
    for name, *numbers, covered in rows:
        true, _, low, high = (float(number.replace("−", "-")) for number in numbers)
        assert abs(true - (means[name] - means["CBT"])) < 0.00051
        assert covered == ("yes" if low <= true <= high else "no")
