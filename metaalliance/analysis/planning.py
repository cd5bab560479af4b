"""The power and precision of a planned review, from options as they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.errors import OptionError
from metaalliance.robustness.power import power_contrast, power_egger, power_mean
from metaalliance.robustness.power_results import Power
from metaalliance.robustness.precision import Precision, precision
from metaalliance.workers.workers import Jobs

QUESTIONS = ("mean", "contrast", "egger", "precision")
Progress = Callable[[int, int], None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOptions:
    """What is planned, as the command line has it; None where nothing was said."""

    question: str
    r: str | None
    k: str | None
    n: str | None
    tau: float | None
    effects_per_study: str
    rho: float
    between: float | None
    excess: float | None
    half_width: float | None
    pilot: Path | None
    model: str
    test: str
    level: float
    target: float | None
    simulate: int
    seed: int


def check_question(options: PowerOptions) -> None:
    """Refuse a question that does not exist.

    Raises
    ------
    OptionError
        Naming those that do.
    """
    if options.question not in QUESTIONS:
        raise OptionError(f"{options.question!r} is not one of {', '.join(QUESTIONS)}.")


def planned(options: PowerOptions, progress: Progress = None, jobs: Jobs = 1) -> Power | Precision:
    """Answer the question about a planned review.

    Parameters
    ----------
    progress : callable, optional
        Called with the number of simulated reviews done and the number in all.
    jobs : int, None or Workers
        Where reviews are simulated.

    Raises
    ------
    OptionError
        When something is missing, or cannot be read.
    """
    shared = _shared(options)
    if options.question == "precision":
        return _precision(options, shared)
    return _power(options, {**shared, "jobs": jobs, "progress": progress})


def _shared(options: PowerOptions) -> dict[str, Any]:
    """What the studies are like: as given, or as a pilot sheet has it."""
    shared: dict[str, Any] = {
        name: getattr(options, name) for name in ("rho", "model", "test", "level", "tau", "between")
    }
    if options.pilot is not None:
        shared["pilot"] = Analysis.read(options.pilot, measure="z").coded  # r is planned as z
        return shared
    if options.n is None:
        raise OptionError("Give --n, the participants of a study, or a --pilot sheet.")
    if options.tau is None:
        raise OptionError(
            "Give --tau, the standard deviation of the true effects (Fisher z, such as .15), or "
            "a --pilot sheet."
        )
    sizes = [_whole("--effects-per-study", x) for x in options.effects_per_study.split(",")]
    return {**shared, "n": _numbers("--n", options.n), "effects_per_study": sizes}


def _power(options: PowerOptions, shared: dict[str, Any]) -> Power:
    if options.k is None:
        raise OptionError("Give --k, the number of studies, such as 20 or 20,40,60.")
    shared = {
        **shared,
        "target": options.target,
        "simulate": options.simulate,
        "seed": options.seed,
    }
    if options.question == "contrast":
        if options.r is None:
            raise OptionError("Give --r of each group, such as .30,.20.")
        plans = [[_whole("--k", x) for x in part.split("+")] for part in options.k.split(",")]
        if all(len(plan) == 1 for plan in plans):  # 60,20: one plan
            plans = [[plan[0] for plan in plans]]
        return power_contrast(_numbers("--r", options.r), k=plans, **shared)
    k = [_whole("--k", x) for x in options.k.split(",")]
    if options.question == "egger":
        if options.excess is None:
            raise OptionError("Give --excess, by how much r of the smallest study is too large.")
        largest = {} if options.r is None else {"r": _one("--r", options.r)}
        return power_egger(options.excess, k=k, **{**shared, **largest})
    if options.r is None:
        raise OptionError("Give --r, the true mean correlation.")
    return power_mean(_one("--r", options.r), k=k, **shared)


def _precision(options: PowerOptions, shared: dict[str, Any]) -> Precision:
    if options.half_width is None:
        raise OptionError("Give --half-width of the interval that is wanted, such as .05.")
    mean = {} if options.r is None else {"r": _one("--r", options.r)}
    return precision(options.half_width, **{**shared, **mean})


def _numbers(name: str, text: str) -> list[float]:
    """Return the numbers of a list such as ".3,.2"."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"{name} {text}: write numbers with commas between them.") from None
    if not all(math.isfinite(x) for x in found):
        raise OptionError(f"{name} {text}: every number has to be finite.")
    return found


def _one(name: str, text: str) -> float:
    found: Sequence[float] = _numbers(name, text)
    if len(found) != 1:
        raise OptionError(f"{name} {text}: one number is needed here.")
    return found[0]


def _whole(name: str, text: str) -> int:
    """Return a whole number."""
    try:
        return int(text)
    except ValueError:
        raise OptionError(f"{name} {text}: write whole numbers with commas between them.") from None
