"""The test of differences between the groups of a figure, in the words of a style."""

from __future__ import annotations

import math

from metaalliance.moderation.level_means import LevelMeans
from metaalliance.plots.canvas.wording import Wording
from metaalliance.wording.numbers import number


def between_text(means: LevelMeans, wording: Wording) -> str:
    """Return the omnibus test of the levels; empty without one.

    It has one heterogeneity for all, as `metaalliance moderators` prints it, and the sentence
    says so, since groups that are pooled apart have one each.
    """
    found = means.test
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
    among = f" among groups of {means.least} studies or more" if some else ""
    common = "" if found.options["model"] == "common-effect" else " (common τ²)"
    label = wording.between_label.format(among=among, common=common)
    return f"{label}{template.format(**values)}{wording.end}"
