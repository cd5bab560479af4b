"""Figures for a journal: forest and funnel plots, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaalliance.public_names import make_lazy

if TYPE_CHECKING:
    from metaalliance.plots.alt_text import alt_text
    from metaalliance.plots.baujat import baujat
    from metaalliance.plots.bubble import bubble
    from metaalliance.plots.caterpillar import caterpillar
    from metaalliance.plots.coefficients import coefficients
    from metaalliance.plots.cumulative import cumulative
    from metaalliance.plots.drapery import drapery
    from metaalliance.plots.evidence_map import evidence_map
    from metaalliance.plots.forest import forest, forest_pages
    from metaalliance.plots.funnel import funnel
    from metaalliance.plots.funnel_marks import AsymmetryLine
    from metaalliance.plots.funnel_variants import (
        egger_funnel,
        pet_peese_funnel,
        study_funnel,
        trim_fill_funnel,
    )
    from metaalliance.plots.gosh import gosh
    from metaalliance.plots.influence_panel import influence_panel
    from metaalliance.plots.interactive import interactive_forest
    from metaalliance.plots.leave_one_out import leave_one_out
    from metaalliance.plots.orchard import orchard
    from metaalliance.plots.own_style import own_style
    from metaalliance.plots.power_funnel import power_funnel
    from metaalliance.plots.profile import profile
    from metaalliance.plots.save import save
    from metaalliance.plots.selection_weights import selection_weights
    from metaalliance.plots.specification_curve import specification_curve
    from metaalliance.plots.style import Style
    from metaalliance.plots.summary import summary_forest

_HOMES = {
    "AsymmetryLine": "metaalliance.plots.funnel_marks",
    "Style": "metaalliance.plots.style",
    "alt_text": "metaalliance.plots.alt_text",
    "baujat": "metaalliance.plots.baujat",
    "bubble": "metaalliance.plots.bubble",
    "caterpillar": "metaalliance.plots.caterpillar",
    "coefficients": "metaalliance.plots.coefficients",
    "cumulative": "metaalliance.plots.cumulative",
    "drapery": "metaalliance.plots.drapery",
    "egger_funnel": "metaalliance.plots.funnel_variants",
    "evidence_map": "metaalliance.plots.evidence_map",
    "forest": "metaalliance.plots.forest",
    "forest_pages": "metaalliance.plots.forest",
    "funnel": "metaalliance.plots.funnel",
    "gosh": "metaalliance.plots.gosh",
    "influence_panel": "metaalliance.plots.influence_panel",
    "interactive_forest": "metaalliance.plots.interactive",
    "leave_one_out": "metaalliance.plots.leave_one_out",
    "orchard": "metaalliance.plots.orchard",
    "own_style": "metaalliance.plots.own_style",
    "pet_peese_funnel": "metaalliance.plots.funnel_variants",
    "power_funnel": "metaalliance.plots.power_funnel",
    "profile": "metaalliance.plots.profile",
    "save": "metaalliance.plots.save",
    "selection_weights": "metaalliance.plots.selection_weights",
    "specification_curve": "metaalliance.plots.specification_curve",
    "study_funnel": "metaalliance.plots.funnel_variants",
    "summary_forest": "metaalliance.plots.summary",
    "trim_fill_funnel": "metaalliance.plots.funnel_variants",
}

__all__ = [
    "AsymmetryLine",
    "Style",
    "alt_text",
    "baujat",
    "bubble",
    "caterpillar",
    "coefficients",
    "cumulative",
    "drapery",
    "egger_funnel",
    "evidence_map",
    "forest",
    "forest_pages",
    "funnel",
    "gosh",
    "influence_panel",
    "interactive_forest",
    "leave_one_out",
    "orchard",
    "own_style",
    "pet_peese_funnel",
    "power_funnel",
    "profile",
    "save",
    "selection_weights",
    "specification_curve",
    "study_funnel",
    "summary_forest",
    "trim_fill_funnel",
]

make_lazy(__name__)
