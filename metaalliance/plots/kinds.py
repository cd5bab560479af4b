"""Every kind of figure by its name, with the function that draws it.

`metaalliance plot KIND` reads this table. A kind is added by one entry: no function is
imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from metaalliance.errors import OptionError
from metaalliance.options import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureKind:
    """A kind of figure.

    Attributes
    ----------
    path : str
        "module:function" below `metaalliance.plots`. The function takes a `PooledFit`, then
        only keywords: `style`, `width_mm`, `title` and those of `options`; it returns a
        Figure, or a sequence of Figures (pages).
    about : str
        What it shows, in one line for the help.
    options : tuple of str
        Further keywords of the function that the command line gives it: names of
        `metaalliance.plots.options.OPTIONS`.
    required : tuple of str
        Those of `options` without which there is no figure.
    alt : str
        "module:function" for the alternative text: takes the fit and the keywords of
        `options`, or some of them, and returns a paragraph. Without it `about` is the text.
    width : float
        Width in mm when none is given.
    example : mapping
        Options with which the gallery draws it.
    few : bool
        Whether the gallery draws it from few studies.
    intervals : bool
        Whether it shows effects that are known only as not significant.
    counts : str
        What it computes one after the other; figure and text then take `progress`.
    """

    path: str
    about: str
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    alt: str = ""
    width: float = 174.0
    example: Mapping[str, Any] = field(default_factory=dict)
    few: bool = False
    intervals: bool = False
    counts: str = ""


KINDS: dict[str, FigureKind] = {
    "forest": FigureKind(
        path="forests.forest:paged_forest",
        about="each study with its interval, groups and overall mean as diamonds",
        options=(
            "by",
            "columns",
            "right_columns",
            "sort",
            "effects",
            "pool",
            "prediction",
            "reference",
            "limits",
            "directions",
            "rows_per_page",
        ),
        alt="canvas.alt_text:forest_text",
        example={"columns": ("year", "n"), "reference": (0.278, "Flückiger (2018)")},
        few=True,
        intervals=True,
    ),
    "summary-forest": FigureKind(
        path="forests.summary:paged_summary",
        about="one diamond per level of a moderator, on one page",
        options=("by", "pool", "reference", "limits", "directions"),
        required=("by",),
        alt="canvas.alt_text:summary_text",
        example={"by": "modality"},
    ),
    "comparison-forest": FigureKind(
        path="forests.comparison:paged_comparison",
        about="published pooled results, with the result of the sheet below them",
        options=("compare", "prediction", "limits", "directions"),
        alt="forests.comparison:comparison_text",
        example={"compare": "published"},
    ),
    "funnel": FigureKind(
        path="charts.funnel:funnel",
        about="effects against standard errors, with zones of significance",
        options=("by", "limits"),
        alt="canvas.alt_text:funnel_text",
        width=120.0,
        intervals=True,
    ),
    "study-funnel": FigureKind(
        path="charts.funnel_variants:study_funnel",
        about="funnel plot of the average of each study",
        options=("by", "limits"),
        alt="charts.funnel_variants:study_funnel_text",
        width=120.0,
    ),
    "trim-fill-funnel": FigureKind(
        path="charts.funnel_variants:trim_fill_funnel",
        about="funnel plot with the effects that trim and fill imputes",
        options=("limits",),
        alt="charts.funnel_variants:trim_fill_text",
        width=120.0,
    ),
    "egger-funnel": FigureKind(
        path="charts.funnel_variants:egger_funnel",
        about="funnel plot with the regression on standard errors",
        options=("by", "limits"),
        alt="charts.funnel_variants:egger_text",
        width=120.0,
    ),
    "pet-peese-funnel": FigureKind(
        path="charts.funnel_variants:pet_peese_funnel",
        about="funnel plot with the lines of PET and PEESE",
        options=("by", "limits"),
        alt="charts.funnel_variants:pet_peese_text",
        width=120.0,
    ),
    "power-funnel": FigureKind(
        path="charts.power_funnel:power_funnel",
        about="funnel plot over bands of statistical power (sunset)",
        options=("limits",),
        alt="charts.power_funnel:power_funnel_text",
        width=120.0,
    ),
    "caterpillar": FigureKind(
        path="charts.caterpillar:caterpillar",
        about="all effects with their intervals, in order of size",
        options=("limits",),
        alt="charts.caterpillar:caterpillar_text",
        width=120.0,
    ),
    "orchard": FigureKind(
        path="charts.orchard:orchard",
        about="effects, mean and intervals of each level of a moderator",
        options=("by", "pool", "limits"),
        alt="charts.orchard:orchard_text",
        example={"by": "modality"},
    ),
    "bubble": FigureKind(
        path="charts.bubble:bubble",
        about="effects against a continuous moderator, with the regression line",
        options=("x", "by", "limits"),
        alt="charts.bubble:bubble_text",
        width=120.0,
        example={"x": "year"},
    ),
    "coefficients": FigureKind(
        path="charts.coefficients:moderator_coefficients",
        about="coefficients of a meta-regression on several moderators",
        options=("by", "limits"),
        required=("by",),
        alt="charts.coefficients:moderator_coefficients_text",
        example={"by": ("alliance_rater", "year")},
    ),
    "evidence-map": FigureKind(
        path="charts.evidence.evidence_map:evidence_map",
        about="studies and mean of each pair of levels of two moderators",
        options=("by", "x", "pool"),
        alt="charts.evidence.evidence_map:evidence_text",
    ),
    "traffic-lights": FigureKind(
        path="charts.evidence.traffic_lights:traffic_lights",
        about="risk of bias of each study by domain",
        alt="charts.evidence.traffic_lights:traffic_text",
        width=120.0,
    ),
    "leave-one-out": FigureKind(
        path="charts.leave_one_out:leave_one_out",
        about="the mean without each study",
        options=("limits",),
        alt="charts.leave_one_out:leave_one_out_text",
        few=True,
    ),
    "cumulative": FigureKind(
        path="charts.cumulative:cumulative",
        about="the mean as studies came in",
        options=("x", "limits"),
        alt="charts.cumulative:cumulative_text",
        few=True,
    ),
    "baujat": FigureKind(
        path="charts.baujat:baujat",
        about="contribution to heterogeneity against influence on the mean",
        alt="charts.baujat:baujat_text",
        width=120.0,
        few=True,
    ),
    "influence": FigureKind(
        path="charts.influence_panel:influence_panel",
        about="influence diagnostics of each study",
        alt="charts.influence_panel:influence_text",
        few=True,
    ),
    "gosh": FigureKind(
        path="charts.gosh:gosh",
        about="mean and heterogeneity of many subsets of the studies",
        options=("seed", "jobs", "limits"),
        alt="charts.gosh:gosh_text",
        width=120.0,
        example={"seed": 1},
        few=True,
        counts="subsets",
    ),
    "drapery": FigureKind(
        path="charts.drapery:drapery",
        about="p value of every value that the effect could have",
        options=("limits",),
        alt="charts.drapery:drapery_text",
        width=120.0,
    ),
    "profile": FigureKind(
        path="charts.profile:profile",
        about="profile likelihood of the variance components",
        alt="charts.profile:profile_text",
    ),
    "selection-weights": FigureKind(
        path="charts.selection_weights:selection_weights",
        about="how likely effects are to be seen, by their p values",
        alt="charts.selection_weights:selection_weights_text",
        width=120.0,
    ),
    "z-curve": FigureKind(
        path="charts.z_curve:z_curve",
        about="z statistics with the densities implied by models with and without selection",
        alt="charts.z_curve:z_curve_text",
        width=120.0,
    ),
}


def kind_named(name: str) -> FigureKind:
    """Return a kind of figure by its name.

    Raises
    ------
    OptionError
        When there is none of that name; with the nearest that there is.

    Examples
    --------
    >>> kind_named("funnel").width
    120.0
    """
    if name in KINDS:
        return KINDS[name]
    hint = did_you_mean(name, KINDS)
    raise OptionError(
        f"There is no figure of the kind {name!r}; there are {', '.join(KINDS)}.{hint}",
        code="MA677",
    )


def function_at(path: str) -> Callable[..., Any]:
    """Import and return the function that "module:function" names."""
    module, name = path.split(":")
    found: Callable[..., Any] = getattr(import_module(f"metaalliance.plots.{module}"), name)
    return found
