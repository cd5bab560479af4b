"""`metaalliance power`: power and precision of a planned review."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import run_record, to_json
from metaalliance.cli.frame import own_files, write_results
from metaalliance.cli.request import Request
from metaalliance.cli.run import (
    OK,
    print_document,
    print_error,
    print_result,
    progress_line,
    terminal_width,
)
from metaalliance.errors import OptionError
from metaalliance.report.folder import ResultsFolder
from metaalliance.report.tables.power import (
    power_document,
    power_sheets,
    power_table,
    precision_table,
)
from metaalliance.report.tables.table import render_text
from metaalliance.robustness.power import power_contrast, power_egger, power_mean
from metaalliance.robustness.power_results import Power
from metaalliance.robustness.precision import Precision, precision

FILES = own_files("power")
QUESTIONS = ("mean", "contrast", "egger", "precision")


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOptions:
    """Options of the command; None where they were not given."""

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
    jobs: int


def run_power(request: Request, options: PowerOptions) -> int:
    """Run the command."""
    if options.question not in QUESTIONS:
        raise OptionError(f"{options.question!r} is not one of {', '.join(QUESTIONS)}.")
    folder = None
    if request.output is not None:
        folder = ResultsFolder(request.output, force=request.force, command="power")
        folder.check(FILES, options.pilot)
    shared = _shared(options)
    found: Power | Precision
    if options.question == "precision":
        found = _precision(options, shared)
    else:
        found = _power(options, shared, quiet=request.quiet)
    document = power_document(found, list(FILES) if folder else [])
    if folder is not None:
        write_results(folder, "power", document, power_sheets(found))
        results = [k for k in ("plans", "needed", "k", "expected") if k in document]
        record = run_record({**document, "input": None}, dict(folder.written), results)
        folder.write(folder.record_name, to_json(record).encode())
        folder.remove_stale()
    if request.json_output:
        print_document(document)
    else:
        _print(found)
    if folder is not None and not request.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return OK


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
    sizes = [whole("--effects-per-study", x) for x in options.effects_per_study.split(",")]
    return {**shared, "n": numbers("--n", options.n), "effects_per_study": sizes}


def _power(options: PowerOptions, shared: dict[str, Any], *, quiet: bool) -> Power:
    if options.k is None:
        raise OptionError("Give --k, the number of studies, such as 20 or 20,40,60.")
    progress: Callable[[int, int], None] | None = None
    if options.simulate and not quiet:
        progress = progress_line(unit="reviews")
    shared = {
        **shared,
        "target": options.target,
        "simulate": options.simulate,
        "seed": options.seed,
        "jobs": options.jobs,
        "progress": progress,
    }
    if options.question == "contrast":
        if options.r is None:
            raise OptionError("Give --r of each group, such as .30,.20.")
        plans = [[whole("--k", x) for x in part.split("+")] for part in options.k.split(",")]
        if all(len(plan) == 1 for plan in plans):  # 60,20: one plan
            plans = [[plan[0] for plan in plans]]
        return power_contrast(numbers("--r", options.r), k=plans, **shared)
    k = [whole("--k", x) for x in options.k.split(",")]
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


def _print(found: Power | Precision) -> None:
    width = terminal_width()
    table = precision_table(found) if isinstance(found, Precision) else power_table(found)
    sentences = [textwrap.fill(line, width) for line in found.summary().splitlines()]
    print_result([*sentences, "", render_text(table, width)])


def numbers(name: str, text: str) -> list[float]:
    """Return the numbers of a list such as ".3,.2"."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"{name} {text}: write numbers with commas between them.") from None
    if not all(math.isfinite(x) for x in found):
        raise OptionError(f"{name} {text}: every number has to be finite.")
    return found


def _one(name: str, text: str) -> float:
    found: Sequence[float] = numbers(name, text)
    if len(found) != 1:
        raise OptionError(f"{name} {text}: one number is needed here.")
    return found[0]


def whole(name: str, text: str) -> int:
    """Return a whole number."""
    try:
        return int(text)
    except ValueError:
        raise OptionError(f"{name} {text}: write whole numbers with commas between them.") from None
