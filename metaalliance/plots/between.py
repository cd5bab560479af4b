"""The test of differences between the groups of a figure, in the words of a style."""

from __future__ import annotations

import math
import warnings

from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.categorical import MIN_STUDIES, moderators
from metaalliance.moderation.result import ModeratorTest
from metaalliance.plots.canvas.wording import Wording
from metaalliance.wording.numbers import number


def between_text(fit: PooledFit, by: str, wording: Wording) -> str:
    """Return the omnibus test of `moderators` with the settings of `fit`; empty without one.

    The groups' own means have a heterogeneity each; the test has a common one, as
    `metaalliance moderators` prints it, and the sentence says so.
    """
    found = _tested(fit, by)
    if found is None or not math.isfinite(found.omnibus["statistic"]):
        return ""
    omnibus = found.omnibus
    chi2 = math.isinf(omnibus["df2"])
    template = wording.between_chi2 if chi2 else wording.between_f
    values = {
        "df1": f"{omnibus['df1']:g}",
        "df2": "" if chi2 else number(omnibus["df2"], 1),
        "statistic": number(omnibus["statistic"], 2),
        "p": wording.p_text(omnibus["p_value"]),
    }
    some = not bool(found.levels["tested"].all()) or bool(found.missing["n_effects"])
    among = f" among groups of {MIN_STUDIES} studies or more" if some else ""
    common = "" if fit.model == "common-effect" else " (common τ²)"
    label = wording.between_label.format(among=among, common=common)
    return f"{label}{template.format(**values)}{wording.end}"


def _tested(fit: PooledFit, by: str) -> ModeratorTest | None:
    """Return the comparison of the levels, or None where these effects or models have none."""
    settings = fit.settings()
    if fit.specification.columns:
        return None
    names = ("model", "tau2", "test", "rho", "level")
    given = {name: settings[name] for name in names if name in settings}
    with warnings.catch_warnings():  # what is left out is said in the sentence
        warnings.simplefilter("ignore", MetaAllianceWarning)
        try:
            return moderators(fit.effects, by, **given)
        except (EstimationError, OptionError):
            return None
