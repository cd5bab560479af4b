"""Funnel plots with an analysis of asymmetry: trim and fill, Egger, PET-PEESE, averages."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import quiet
from metaalliance.plots.canvas.numbers import size_text
from metaalliance.plots.canvas.sentences import estimate_sentence, pooled_sentence, spoken
from metaalliance.plots.charts.funnel import funnel
from metaalliance.plots.charts.funnel_marks import AsymmetryLine
from metaalliance.publication_bias.egger import Egger, egger
from metaalliance.publication_bias.pet_peese import PetPeese, pet_peese
from metaalliance.publication_bias.trim_and_fill import TrimAndFill, trim_and_fill
from metaalliance.wording.numbers import number, p_text


def trim_fill_funnel(
    fit: PooledFit | TrimAndFill, *, width_mm: float = 120, **settings: Any
) -> Figure:
    """Draw a funnel with the effects that trim and fill imputes, hollow.

    Parameters
    ----------
    fit : PooledFit or TrimAndFill
        A result of `pool`, whose effects are filled up (study averages, where effects are
        dependent), or of `trim_and_fill`.
    width_mm, **settings
        As for `funnel`.
    """
    found = _filled(fit)
    return funnel(found.observed, filled=found, width_mm=width_mm, **settings)


def trim_fill_text(fit: PooledFit | TrimAndFill) -> str:
    """Describe the plot for readers who cannot see it."""
    found = _filled(fit)
    after = found.fit
    mean = estimate_sentence(
        after.estimate, after.ci_low, after.ci_high, after.measure, after.level
    )
    return spoken(
        f"Funnel plot of {size_text(found.observed)} with {found.filled_yi.size} effects that "
        f"trim and fill imputes on the {found.side}, hollow. {pooled_sentence(found.observed)} "
        f"With them {mean}; a sensitivity analysis, no estimate of the truth."
    )


def egger_funnel(
    fit: PooledFit, found: Egger | None = None, *, width_mm: float = 120, **settings: Any
) -> Figure:
    """Draw a funnel with the regression of the effects on their standard errors.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    found : Egger, optional
        A result of `egger`; by default that of the fit, which knows of dependent effects.
    width_mm, **settings
        As for `funnel`.
    """
    chosen = _quiet(egger, fit) if found is None else found
    return funnel(fit, lines=(AsymmetryLine.of(chosen),), width_mm=width_mm, **settings)


def egger_text(fit: PooledFit, found: Egger | None = None) -> str:
    """Describe the plot for readers who cannot see it."""
    found = found or _quiet(egger, fit)
    assert found is not None
    size = "the size of their studies" if found.by_size else "their standard errors"
    return spoken(
        f"Funnel plot of {size_text(fit)} with the regression of the effects on {size}: slope "
        f"{number(found.slope, 2)}, p {p_text(found.p_value)}. {pooled_sentence(fit)}"
    )


def pet_peese_funnel(
    fit: PooledFit, found: PetPeese | None = None, *, width_mm: float = 120, **settings: Any
) -> Figure:
    """Draw a funnel with the lines of PET and of PEESE, which meet the top at their estimates.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    found : PetPeese, optional
        A result of `pet_peese`; by default that of the fit.
    width_mm, **settings
        As for `funnel`.
    """
    chosen = _quiet(pet_peese, fit) if found is None else found
    lines = (AsymmetryLine.of(chosen.pet, "PET"), AsymmetryLine.of(chosen.peese, "PEESE"))
    return funnel(fit, lines=lines, width_mm=width_mm, **settings)


def pet_peese_text(fit: PooledFit, found: PetPeese | None = None) -> str:
    """Describe the plot for readers who cannot see it."""
    found = found or _quiet(pet_peese, fit)
    assert found is not None
    adjusted = estimate_sentence(
        found.estimate,
        found.adjusted().ci_low,
        found.adjusted().ci_high,
        fit.measure,
        fit.level,
    )
    return spoken(
        f"Funnel plot of {size_text(fit)} with the lines of PET and PEESE. {pooled_sentence(fit)} "
        f"Without sampling error {found.chosen} expects {adjusted}."
    )


def study_funnel(fit: PooledFit, **settings: Any) -> Figure:
    """Draw a funnel of study averages; see `funnel`."""
    return funnel(fit, points="studies", **settings)


def study_funnel_text(fit: PooledFit, *, by: str | None = None) -> str:
    """Describe the plot for readers who cannot see it."""
    shapes = f", shapes and colours by {by.replace('_', ' ')}" if by else ""
    return spoken(
        f"Funnel plot of {size_text(fit)}: the average of each study against its standard error"
        f"{shapes}, with zones of statistical significance around zero. {pooled_sentence(fit)}"
    )


def _filled(fit: PooledFit | TrimAndFill) -> TrimAndFill:
    if isinstance(fit, TrimAndFill):
        return fit
    found: TrimAndFill = _quiet(trim_and_fill, fit)
    return found


def _quiet(method: Any, fit: PooledFit) -> Any:
    """Apply a method to a fit; its warnings stay in its notices."""
    with quiet():
        return method(fit)
