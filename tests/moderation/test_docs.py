"""docs/moderators.md is what the program does."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "moderators.md").read_text(encoding="utf-8")


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


def test_console_of_the_page(tmp_path):
    command, shown = re.search(r"```console\n\$ (.+?)\n(.*?)```", PAGE, re.DOTALL).groups()
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
    rows = re.findall(r"^\| ([\w-]+) \| ([+−][\d.]+) \|.*\| yes \|$", PAGE, re.MULTILINE)
    assert len(rows) == 12
    for name, difference in rows:
        want = means[name] - means["CBT"]
        assert abs(float(difference.replace("−", "-")) - want) < 0.00051
