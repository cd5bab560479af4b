"""Time selection models: ``python scripts/benchmarks/benchmark_selection.py``.

Each case has a limit in seconds of processor time, which other work on the machine does not
change; the script fails where one is exceeded. The effects are those of dat.lehmann2018 (81 of 41
studies), and simulated ones (847 of 295 studies).
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import metaalliance as ma
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning

_GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / "selection.json"


def lehmann() -> Effects:
    """Return the effects of Lehmann and colleagues."""
    data = json.loads(_GOLDEN.read_text(encoding="utf-8"))["data"]
    return Effects.from_arrays(data["yi"], data["vi"], study=data["study"])


def large(studies: int = 295, effects: int = 847) -> Effects:
    """Return many effects, those without significance seen with probability .4."""
    rng = np.random.default_rng(3)
    yi, vi, study = [], [], []
    for j in range(studies):
        v, mean = 1 / rng.integers(20, 300), 0.2 + 0.15 * rng.normal()
        wanted = 1 + (j < effects % studies) + effects // studies - 1
        while wanted:
            y = mean + 0.1 * rng.normal() + rng.normal() * np.sqrt(v)
            if y > 1.96 * np.sqrt(v) or rng.random() < 0.4:
                yi, vi, study, wanted = [*yi, y], [*vi, v], [*study, j], wanted - 1
    return Effects.from_arrays(yi, vi, study=study)


def fits(effects: Effects, times: int = 20) -> Callable[[], object]:
    options = {"alternative": "greater", "bootstrap": "none"}
    return lambda: [ma.selection_model(effects, **options) for _ in range(times)]


def bootstrap(effects: Effects, **options: str) -> Callable[[], object]:
    return lambda: ma.selection_model(
        effects, alternative="greater", bootstrap="two-stage", **options
    )


def beta(effects: Effects, **options: int) -> Callable[[], object]:
    return lambda: ma.beta_selection_model(effects, alternative="greater", **options)


CASES: dict[str, tuple[Callable[[], object], float]] = {
    "20 fits, one step": (fits(lehmann()), 0.15),
    "1,999 two-stage replicates": (bootstrap(lehmann()), 2.0),
    "1,999 two-stage replicates, studentised": (bootstrap(lehmann(), interval="studentised"), 2.0),
    "1,999 two-stage replicates, ARGL": (bootstrap(lehmann(), estimator="argl"), 15.0),
    "1,999 two-stage replicates, beta": (beta(lehmann(), replications=1999), 12.0),
    "399 two-stage replicates (the default), beta": (beta(lehmann()), 2.0),
    "399 two-stage replicates, beta, 847 effects": (beta(large()), 6.0),
    "1,999 two-stage replicates, 847 effects": (bootstrap(large()), 20.0),
}


def main() -> int:
    """Print the processor time of each case, and fail where one is above its limit."""
    warnings.simplefilter("ignore", MetaAllianceWarning)
    late = 0
    fits(lehmann(), 1)()  # imports
    for name, (case, limit) in CASES.items():
        begin = time.process_time()
        case()
        took = time.process_time() - begin
        late += took > limit
        print(f"{name}: {took:.2f} s (limit {limit:g} s)")
    return int(late > 0)


if __name__ == "__main__":
    sys.exit(main())
