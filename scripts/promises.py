"""Write the figures of docs/reference/promises.md: every fault of tests/faults, and what it left.

Run it without arguments: it runs the tests, a few minutes long, and fails where one of them does.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "promises.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
#: What a fault can leave, as the head of its column.
LEFT = {
    "old": "the former results",
    "new": "the new results",
    "part": "a part of either",
    "none": "no results",
}


def run_tests() -> ET.Element:
    """Run the tests and return what they noted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "junit.xml"
        words = ["-q", "-n", "0", "-m", "slow or not slow", "-o", "junit_family=xunit1"]
        words += [f"--junitxml={path}", "tests/faults"]
        done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=ROOT, check=False)
        if done.returncode:
            sys.exit(done.returncode)
        return ET.parse(path).getroot()


def figures(noted: ET.Element) -> list[str]:
    """Return the table of faults."""
    counts: dict[str, Counter[str]] = {}
    for case in noted.iter("testcase"):
        found = {p.get("name"): p.get("value") for p in case.iter("property")}
        if "fault" in found:
            counts.setdefault(str(found["fault"]), Counter())[str(found["left"])] += 1
    heads = ["fault", "moments", *LEFT.values()]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for fault, left in counts.items():
        cells = [fault, left.total(), *(left[name] for name in LEFT)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def main() -> None:
    table = "\n".join(figures(run_tests()))
    text = PAGE.read_text(encoding="utf-8")
    head, tail = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")
    sys.stdout.write(f"{table}\n")


if __name__ == "__main__":
    main()
