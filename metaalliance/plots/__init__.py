"""Figures for a journal: forest and funnel plots, and their files."""

from __future__ import annotations

from metaalliance.plots.alt_text import alt_text
from metaalliance.plots.forest import forest, forest_pages
from metaalliance.plots.funnel import funnel
from metaalliance.plots.save import save
from metaalliance.plots.summary import summary_forest

__all__ = ["alt_text", "forest", "forest_pages", "funnel", "save", "summary_forest"]
