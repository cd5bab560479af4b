"""Write the effects of every simulated sheet for `r/truth.R`: `cd tests && python -m
intake.truth_in_r`.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import intake.houses  # noqa: F401
from intake.sheets import HOUSES


def main() -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["house", "study", "sample", "z", "vi"])
    for name, house in HOUSES.items():
        with tempfile.TemporaryDirectory() as folder:
            _, effects = house.write(Path(folder))
        writer.writerows([name, e.study, e.sample, repr(e.z), repr(e.vi)] for e in effects)


if __name__ == "__main__":
    main()
