"""The public names of `metaalliance.plots`: the one list, which the package reads when it is imported."""

from .canvas.alt_text import alt_text
from .canvas.own_style import own_style
from .canvas.save import save
from .canvas.style import Style
from .charts.baujat import baujat
from .charts.bubble import bubble
from .charts.caterpillar import caterpillar
from .charts.coefficients import coefficients
from .charts.components import component_correlations, component_orchard
from .charts.cumulative import cumulative
from .charts.drapery import drapery
from .charts.evidence.evidence_map import evidence_map
from .charts.evidence.traffic_lights import traffic_lights
from .charts.funnel import funnel
from .charts.funnel_marks import AsymmetryLine
from .charts.funnel_variants import egger_funnel, pet_peese_funnel, study_funnel, trim_fill_funnel
from .charts.gosh import gosh
from .charts.influence_panel import influence_panel
from .charts.leave_one_out import leave_one_out
from .charts.orchard import orchard
from .charts.path_diagram import path_diagram
from .charts.power_funnel import power_funnel
from .charts.profile import profile
from .charts.selection_weights import selection_weights
from .charts.specification_curve import specification_curve
from .charts.z_curve import z_curve
from .forests.comparison import comparison_forest
from .forests.forest import forest, forest_pages
from .forests.interactive import interactive_forest
from .forests.summary import summary_forest

__all__ = [
    "AsymmetryLine",
    "Style",
    "alt_text",
    "baujat",
    "bubble",
    "caterpillar",
    "coefficients",
    "comparison_forest",
    "component_correlations",
    "component_orchard",
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
    "path_diagram",
    "pet_peese_funnel",
    "power_funnel",
    "profile",
    "save",
    "selection_weights",
    "specification_curve",
    "study_funnel",
    "summary_forest",
    "traffic_lights",
    "trim_fill_funnel",
    "z_curve",
]
