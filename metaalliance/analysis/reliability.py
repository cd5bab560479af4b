"""Reliabilities of a sheet: what is asked, what is found, and what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.further_documents import reliability_document
from metaalliance.core.conversion.alpha import AlphaTransformation
from metaalliance.model import refuse
from metaalliance.models.further.coefficients import coefficients_of
from metaalliance.models.further.reliability import ReliabilityGeneralization, fit_table
from metaalliance.policy import Policy
from metaalliance.problems import Problem
from metaalliance.setting import settings_in

#: Settings of the policy that decide which rows give a reliability, and whose people overlap.
TAKEN = ("nonsignificant", "beta", "yi_measure", "estimand", "overlap")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityOptions:
    """What is asked about reliabilities.

    Attributes
    ----------
    transformation : {"bonett", "hakstian-whalen"}
        Scale of the models.
    """

    transformation: AlphaTransformation = "bonett"


def fit_reliability(analysis: Analysis, options: ReliabilityOptions) -> ReliabilityGeneralization:
    """Pool the reliabilities of the rows of a sheet.

    Raises
    ------
    OptionError
        For a correction for unreliability, which has no meaning for reliabilities.
    EstimationError
        When no row reports a reliability.
    """
    why = "reliabilities are pooled here, and no correlation is corrected"
    refuse(analysis.policy, "A pooled reliability", {"attenuation": why})
    table = coefficients_of(analysis.studies, analysis.coded.frame)
    return fit_table(table, options.transformation, analysis.model, analysis.coded.overlap)


def document(
    analysis: Analysis,
    options: ReliabilityOptions,
    found: ReliabilityGeneralization,
    notes: Sequence[Problem] = (),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the document of `reliability`."""
    del options  # the result says them
    own = {
        **analysis.model.to_record(),
        "nonsignificant": analysis.studies.nonsignificant,
        "beta": analysis.studies.beta,
        "yi_measure": analysis.policy.yi_measure,
        "estimand": analysis.policy.estimand,
        "overlap": analysis.policy.overlap,
        "config": analysis.studies.config,
        "transformation": found.transformation,
        "not_taken": not_taken(analysis.policy),
    }
    return reliability_document(analysis, found, own, (*found.notices, *notes), files)


def not_taken(policy: Policy) -> list[str]:
    """Return the settings that were asked for and have no meaning for reliabilities."""
    return [
        s.name
        for s in settings_in(Policy)
        if s.name not in TAKEN and getattr(policy, s.field) != s.default
    ]
