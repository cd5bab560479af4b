"""`cd tests && python -m intake.fuzz 10000 3`: draw mutants with a seed and print what is wrong."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from intake.mutants import fault_of, mutants


def main(count: int, seed: int) -> int:
    wrong = 0
    for mutant in mutants(count, seed):
        with tempfile.TemporaryDirectory() as folder:
            try:
                fault = fault_of(mutant, Path(folder))
            except Exception as error:
                fault = f"{type(error).__name__}: {error}"
        if fault:
            wrong += 1
            print(f"{mutant}: {fault}", flush=True)
    print(f"{wrong} of {count} mutants are wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
