"""Fitting of a selection model, with its penalty and with the reason where there is no maximum."""

from __future__ import annotations

from typing import Any

from metaalliance.core.selection.fit import maximise_selection
from metaalliance.core.selection.optimum import SelectionOptimum
from metaalliance.core.selection.penalty import Penalty
from metaalliance.effects.effects import Effects
from metaalliance.errors import ConvergenceError, EstimationError
from metaalliance.options import check_option
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.selection_result import Penalised

#: A standardised mean difference of one on the scale of Fisher z: d is about 2z near zero.
_FISHER = 0.5


def penalised(penalty: Penalised, effects: Effects) -> tuple[Penalty | None, tuple[Problem, ...]]:
    """Return the penalty on the scale of the effects, and the note that says so."""
    check_option("penalty", penalty, Penalised)
    if penalty == "none":
        return None, ()
    halved = effects.measure == "z"
    chosen = Penalty(unit=_FISHER if halved else 1.0)
    where = "Fisher z, half of a standardised mean difference" if halved else "the effects"
    message = (
        "The likelihood of the selection model is penalised with weak densities, on the scale of "
        f"{where}: tau has its mode at {chosen.mode * chosen.unit:.2f}, weights at "
        f"{chosen.weight:.1f}."
    )
    return chosen, (notice("MA639", message, severity="note"),)


def highest(method: str, *data: Any, **options: Any) -> SelectionOptimum:
    """Return the maximum, as `maximise_selection` does; refuse moderators that have none.

    Raises
    ------
    EstimationError
        When moderators of the variance or of selection leave no finite maximum.
    ConvergenceError
        When the likelihood has none without them.
    """
    try:
        return maximise_selection(*data, **options)
    except ConvergenceError:
        if options.get("U") is None and options.get("Z") is None:
            raise
        raise EstimationError(
            f"{method} was refused: with these moderators its likelihood has no maximum, as where "
            "tau² or a weight of some level runs to zero. Leave one out, or use a penalty.",
            code="MA654",
        ) from None
