"""The comparison of customary models with a mean adjusted for publication bias beside them."""

from __future__ import annotations

from collections.abc import Sequence

from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.comparison import NamedFit, Row, adjusted_fit, compare_models
from metaalliance.models.inference.coefficients import COLUMNS
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.pet_peese import pet_peese, settings_left_out

#: Name of the row, with its method.
BIAS_ADJUSTED = "PET-PEESE adjusted"
#: Fewer studies cannot carry a regression on their precision.
LEAST_STUDIES = 10


def compare_all_models(
    main: PooledFit, removed: Sequence[Row] = (), notes: Sequence[Problem] = ()
) -> tuple[list[NamedFit], list[Problem]]:
    """Fit the models of `compare_models`, and PET-PEESE where there are ten studies or more.

    Parameters
    ----------
    main : PooledFit
        The main model.
    removed, notes : sequence of Row, and of Problem
        Rows without some of the effects, which come before PET-PEESE, with what is said of them.

    Returns
    -------
    list of NamedFit
        The main model first; the last row is the mean adjusted for bias.
    list of Problem
        A note for each model that could not be fitted.
    """
    rows = [*removed]
    if main.effects.n_censored:
        hidden = notice("MA630", "bias-adjusted: some effects have no value.", severity="note")
        return compare_models(main, rows, (*notes, hidden))
    if main.n_studies >= LEAST_STUDIES:
        rows.append(Row(BIAS_ADJUSTED, adjusted, not_taken=settings_left_out(main)))
    return compare_models(main, rows, notes)


def adjusted(main: PooledFit) -> PooledFit:
    """Return the mean of studies without sampling error (PET-PEESE) as a row.

    Raises
    ------
    EstimationError
        When precision does not differ, or the regression is impossible in the main model.
    """
    try:
        found = pet_peese(main)
    except OptionError as error:
        raise EstimationError(str(error)) from error
    term = found.adjusted()
    chosen = found.pet if found.chosen == "PET" else found.peese
    return adjusted_fit(
        main,
        model=f"PET-PEESE ({found.chosen})",
        test=chosen.test,
        mean={name: getattr(term, name) for name in COLUMNS},
        settings={**chosen.settings(), "regression": chosen.model},
        notices=found.notices,
    )
