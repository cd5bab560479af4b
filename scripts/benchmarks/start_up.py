"""How long ``metaalliance --help`` takes, beside ``import typer`` and an empty program.

``python scripts/benchmarks/start_up.py`` prints the fastest of several runs of each, in
milliseconds, and the ratio of the first two; a ratio above 2 gives exit code 1.
"""

from __future__ import annotations

import subprocess
import sys
import time

RUNS = 15
LIMIT = 2.0
PROGRAMS = {
    "metaalliance --help": ("-W", "error", "-m", "metaalliance", "--help"),
    "import typer": ("-c", "import typer"),
    "nothing": ("-c", ""),
}


def fastest(words: tuple[str, ...]) -> float:
    """Return the seconds of the fastest run: what else the machine does only adds to it."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> int:
    """Print the times."""
    found = {name: fastest(words) for name, words in PROGRAMS.items()}
    for name, seconds in found.items():
        print(f"{name:20} {1000 * seconds:6.0f} ms")
    ratio = found["metaalliance --help"] / found["import typer"]
    print(f"{ratio:.2f} times import typer; at most {LIMIT:g} is meant")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
