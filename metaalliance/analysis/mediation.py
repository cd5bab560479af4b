"""The path model of a sheet: its rows as a table of correlations, and what is asked of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.further_documents import mediation_document
from metaalliance.errors import OptionError
from metaalliance.model import refuse
from metaalliance.models.paths.fit import MEASURES_R, masem
from metaalliance.models.paths.of_effects import correlations
from metaalliance.models.paths.result import Masem
from metaalliance.notices import quiet
from metaalliance.problems import Problem
from metaalliance.setting import settings_in

#: Settings that path models take; those of the reading of rows beside them.
TAKEN = ("level", "nonsignificant", "beta", "yi_measure", "estimand")
_WHOLE = "the model takes correlations as they are reported, with sampling errors by their n"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediationOptions:
    """What is asked of a path model.

    Attributes
    ----------
    model : str
        The model as text; empty where `mediator` makes it.
    mediator, predictor, outcome : str or None
        Variables of the model of one variable between two others.
    moderators : tuple of str
        Columns, or ``label=column`` for one path.
    measures_r, interval, not_positive_definite
        As in `masem`.
    """

    model: str = ""
    mediator: str | None = None
    predictor: str | None = None
    outcome: str | None = None
    moderators: tuple[str, ...] = ()
    measures_r: float = MEASURES_R
    interval: str = "likelihood"
    not_positive_definite: str = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathModelOfSheet:
    """A fitted path model of a sheet.

    Attributes
    ----------
    fit : Masem
        The result.
    model : str
        The model as text.
    not_taken : tuple of str
        Settings that were asked for and have no meaning here.
    """

    fit: Masem
    model: str
    not_taken: tuple[str, ...]


def fit_paths(analysis: Analysis, options: MediationOptions) -> PathModelOfSheet:
    """Fit a path model to the correlations of a sheet.

    Raises
    ------
    StudyDataError
        For a sheet whose rows do not name two variables.
    OptionError
        For a setting or an option that cannot be obeyed.
    """
    refuse(analysis.policy, "A path model", {"attenuation": _WHOLE})
    table = correlations(analysis.coded)  # refuses rows that do not name two variables
    text = options.model or simple_model(options, table)
    with quiet():
        found = masem(
            table,
            text,
            moderators=_moderators(options.moderators),
            level=analysis.model.level,
            interval=options.interval,  # type: ignore[arg-type]
            measures_r=options.measures_r,
            not_positive_definite=options.not_positive_definite,  # type: ignore[arg-type]
        )
    asked = [
        s.name
        for value in (analysis.policy, analysis.model)
        for s in settings_in(type(value))
        if s.name not in TAKEN and getattr(value, s.field) != s.default
    ]
    return PathModelOfSheet(fit=found, model=text, not_taken=tuple(asked))


def simple_model(options: MediationOptions, table: pd.DataFrame) -> str:
    """Return the model of one variable between two others, as text.

    Raises
    ------
    OptionError
        Where the variables are not named, and the table does not say them either.
    """
    if options.mediator is None:
        raise OptionError("Give --model, a file with a path model, or --mediator, a variable.")
    known = list(dict.fromkeys([*table["var1"].astype(str), *table["var2"].astype(str)]))
    outcome = options.outcome or ("outcome" if "outcome" in known else None)
    rest = [v for v in known if v not in {options.mediator, outcome}]
    predictor = options.predictor or (rest[0] if len(rest) == 1 else None)
    for flag, name in (("--mediator", options.mediator), ("--outcome", outcome),
                       ("--predictor", predictor)):  # fmt: skip
        if name is None or name not in known:
            said = "is not told" if name is None else f"{name} is no variable of the table"
            raise OptionError(f"{flag} {said}; there are {', '.join(known)}.")
    x, m, y = (_quoted(str(v)) for v in (predictor, options.mediator, outcome))
    return f"{y} ~ b*{m} + c*{x}\n{m} ~ a*{x}\nindirect := a*b\ntotal := c + a*b\n"


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[^\W\d][\w.]*", name) else f"`{name}`"


def _moderators(given: Sequence[str]) -> Any:
    """Return columns, or columns by path; ``label=column`` is for one path."""
    if not any("=" in one for one in given):
        return tuple(given)
    found: dict[str, list[str]] = {}
    for one in given:
        label, equals, column = one.partition("=")
        if not equals:
            raise OptionError(
                f"--moderator {one}: where a moderator names its path, such as b=year, each does."
            )
        found.setdefault(label.strip(), []).append(column.strip())
    return found


def document(
    analysis: Analysis,
    options: MediationOptions,
    found: PathModelOfSheet,
    notes: Sequence[Problem] = (),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the document of `mediation`."""
    own = {
        "model": found.model,
        "moderators": list(options.moderators),
        "measures_r": options.measures_r,
        "interval": options.interval,
        "not_positive_definite": options.not_positive_definite,
        "level": analysis.model.level,
        "not_taken": list(found.not_taken),
    }
    return mediation_document(analysis, found.fit, own, (*found.fit.told, *notes), files)
