"""How large a mean is, beside published benchmarks."""

from __future__ import annotations

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.report.manuscript.phrases import excludes_zero
from metaalliance.report.manuscript.prose import Prose, prose
from metaalliance.wording.numbers import number

#: Correlations with their names by Funder and Ozer (2019).
_BENCHMARKS = {0.05: "very small", 0.10: "small", 0.20: "medium", 0.30: "large",
               0.40: "very large"}  # fmt: skip


def magnitude_text(fit: PooledFit) -> Prose:
    """How large a mean is that differs from zero, beside benchmarks; no verdict on its worth."""
    if fit.measure == "generic" or not excludes_zero(fit):
        return Prose()
    size = abs(back_transform(fit.estimate, fit.measure))
    below = [value for value in _BENCHMARKS if value <= size]
    above = [value for value in _BENCHMARKS if value > size]
    parts = [f"at least {_benchmark(below[-1])}"] if below else []
    parts += [f"less than {_benchmark(above[0])}"] if above else []
    return prose(
        f"By the benchmarks of @funder2019 for correlations in psychology, its size is "
        f"{' and '.join(parts)}."
    )


def _benchmark(value: float) -> str:
    return f"{_BENCHMARKS[value]} (*r* = {number(value, 2, correlation=True)})"
