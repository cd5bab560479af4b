"""One effect per study, for methods that take independent effects only."""

from __future__ import annotations

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.checks import samples_notice
from metaalliance.problems import Problem, notice


def independent_effects(
    effects: Effects, method: str, rho: float | None
) -> tuple[Effects, tuple[Problem, ...]]:
    """Return effects of which no study has two, and what was done to get them.

    Parameters
    ----------
    effects : Effects
        What is to be analysed.
    method : str
        Name of the method, for messages.
    rho : float, optional
        Correlation of the sampling errors within a study with which several effects are
        averaged. Nothing is assumed without it.

    Raises
    ------
    EstimationError
        When some study has several effects and no `rho` is given.
    """
    if not effects.dependent():
        return effects, ()
    several = int((effects.frame["study"].value_counts() > 1).sum())
    if isinstance(rho, str):
        raise OptionError(f"rho={rho!r}: effects are averaged with one number.")
    if rho is None:
        raise EstimationError(
            f"{method} takes one effect per study, but {several} "
            f"{'study has' if several == 1 else 'studies have'} several. State the correlation of "
            "their sampling errors (rho=0.5) to average them, or choose one effect per study.",
            code="MA612",
        )
    shared = ", overlap nested" if effects.overlap == "nested" else ""
    message = (
        f"{effects.n_effects} effects of {effects.n_studies} studies were averaged within studies "
        f"with rho = {rho:g}{shared}."
    )
    found = notice("MA623", message, "Try other values of rho.", severity="note")
    return aggregate(effects, rho), (found, *samples_notice(effects))
