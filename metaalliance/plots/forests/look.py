"""What makes a forest plot look like that of a journal: columns, heads, rules, colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Names that stand for columns which the effects do not hold.
OWN_COLUMNS = ("columns", "effect", "weight")

PredictionMark = Literal["bar", "line", "density", "none"]
Rule = Literal["top", "head", "foot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestLook:
    """Layout of a forest plot; colours are hexadecimal, an empty one draws nothing.

    Attributes
    ----------
    left, right : tuple of str
        What stands on either side of the plot, from the left: "columns" (those that were
        asked for), "effect" (estimate and interval), "weight".
    study_head, weight_head : str
        Heads of the labels and of the weights.
    effect_head : tuple of str
        Lines of the head of the effects; fields: effect (r or Estimate), name (Correlation or
        Effect), level (95%), model (Random or Fixed).
    panel_head : tuple of str
        Lines over the plot, with the same fields.
    n_head, k_head : str
        Heads of sample sizes and of numbers of effects.
    n_short, k_short : str
        The same where the page is narrow.
    subtotal, total, prediction : str
        Names of a group's mean, of the overall mean, and of the prediction interval, with the
        field level.
    directions : tuple of (str, str)
        What lies left and right of zero, from the longest wording to the shortest.
    directions_at : {"below", "above", "none"}
        Where they stand.
    least_side : float
        Share of the axis that stands at least on either side of zero, where zero is shown.
    bold_head, bold_group, bold_total : bool
        Faces of heads, of groups and of the overall mean.
    head_fill, stripe : str
        Colours behind the head and behind every other study.
    rules : tuple of {"top", "head", "foot"}
        Rules across the page.
    square, interval : str
        Colours of studies.
    diamond, diamond_edge, group_diamond, group_edge : str
        Colours of means.
    mean_line : {"dotted", "dashed", "solid", "none"}
        Line of the overall mean.
    prediction_mark : {"bar", "line", "density", "none"}
        How the prediction interval is drawn.
    notes_beside : bool
        Whether heterogeneity and tests stand on the left of the axis instead of below.
    join_notes : bool
        Whether a group's heterogeneity may stand beside its mean where there is room.
    """

    left: tuple[str, ...] = ("columns",)
    right: tuple[str, ...] = ("columns", "effect", "weight")
    study_head: str = "Study"
    weight_head: str = "Weight"
    effect_head: tuple[str, ...] = ("*{effect}* [{level}\N{NO-BREAK SPACE}CI]",)
    panel_head: tuple[str, ...] = ()
    n_head: str = "*n*"
    k_head: str = "Effects"
    n_short: str = "*n*"
    k_short: str = "Effects"
    subtotal: str = "Subtotal"
    total: str = "Overall"
    prediction: str = "{level} prediction interval"
    directions: tuple[tuple[str, str], ...] = (
        ("← better alliance, worse outcome", "better alliance, better outcome →"),
        ("← worse outcome", "better outcome →"),
        ("← worse", "better →"),
    )
    directions_at: Literal["below", "above", "none"] = "below"
    least_side: float = 0.0
    bold_head: bool = False
    bold_group: bool = True
    bold_total: bool = True
    head_fill: str = ""
    stripe: str = ""
    rules: tuple[Rule, ...] = ("top", "head")
    square: str = "#0072B2"
    interval: str = "#000000"
    diamond: str = "#0072B2"
    diamond_edge: str = "#0072B2"
    group_diamond: str = "#FFFFFF"
    group_edge: str = "#0072B2"
    mean_line: Literal["dotted", "dashed", "solid", "none"] = "dotted"
    prediction_mark: PredictionMark = "bar"
    notes_beside: bool = False
    join_notes: bool = True


#: American Psychological Association.
APA_FOREST = ForestLook()

#: Cochrane's Review Manager 5: everything in words on the left, black diamonds.
REVMAN_FOREST = ForestLook(
    left=("columns", "weight", "effect"),
    right=("columns",),
    study_head="Study or Subgroup",
    effect_head=("{name}", "IV, {model}, {level}\N{NO-BREAK SPACE}CI"),
    panel_head=("{name}", "IV, {model}, {level}\N{NO-BREAK SPACE}CI"),
    n_head="Total",
    n_short="Total",
    subtotal="Subtotal ({level}\N{NO-BREAK SPACE}CI)",
    total="Total ({level}\N{NO-BREAK SPACE}CI)",
    directions=(
        ("Alliance with worse outcome", "Alliance with better outcome"),
        ("Worse outcome", "Better outcome"),
        ("Worse", "Better"),
    ),
    least_side=0.34,
    bold_head=True,
    rules=("head",),
    square="#1F5FC4",
    diamond="#000000",
    diamond_edge="#000000",
    group_diamond="#000000",
    group_edge="#000000",
    mean_line="none",
    prediction_mark="line",
    notes_beside=True,
    join_notes=False,
)

#: Journal of the American Medical Association: sources, shaded rows, rules, "No.".
JAMA_FOREST = ForestLook(
    left=("columns", "effect"),
    right=("columns", "weight"),
    study_head="Source",
    weight_head="Weight, %",
    effect_head=("{name}", "({level}\N{NO-BREAK SPACE}CI)"),
    n_head="No. of participants",
    k_head="No. of effects",
    n_short="No.",
    subtotal="Subtotal",
    total="Total",
    directions=(
        ("Alliance with worse outcome", "Alliance with better outcome"),
        ("Worse outcome", "Better outcome"),
        ("Worse", "Better"),
    ),
    directions_at="above",
    least_side=0.34,
    bold_head=True,
    stripe="#EDF1F4",
    rules=("top", "head", "foot"),
    square="#14405E",
    interval="#14405E",
    diamond="#14405E",
    diamond_edge="#14405E",
    group_diamond="#FFFFFF",
    group_edge="#14405E",
    mean_line="dashed",
    prediction_mark="line",
    join_notes=False,
)

#: British Medical Journal: plot before weights and effects, a band behind the head.
BMJ_FOREST = ForestLook(
    right=("columns", "weight", "effect"),
    weight_head="Weight (%)",
    effect_head=("{name}", "({level}\N{NO-BREAK SPACE}CI)"),
    panel_head=("{name} ({level}\N{NO-BREAK SPACE}CI)",),
    n_head="No of participants",
    k_head="No of effects",
    n_short="No",
    total="Overall",
    directions=(
        ("Alliance with worse outcome", "Alliance with better outcome"),
        ("Worse outcome", "Better outcome"),
        ("Worse", "Better"),
    ),
    least_side=0.34,
    bold_head=True,
    head_fill="#DCE7F3",
    rules=("head", "foot"),
    square="#2A6EBB",
    interval="#000000",
    diamond="#2A6EBB",
    diamond_edge="#2A6EBB",
    group_diamond="#FFFFFF",
    group_edge="#2A6EBB",
    mean_line="dotted",
    prediction_mark="line",
    notes_beside=True,
    join_notes=False,
)
