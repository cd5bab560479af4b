"""The JSON documents of the commands beside `pool`: what --json prints and the folder holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import input_record
from metaalliance.model import RHO
from metaalliance.models.of_effects import OfModel
from metaalliance.models.scale import LIMITS, back_transform, without_nan
from metaalliance.moderation.frames import records
from metaalliance.moderation.meta_regression import MetaRegression
from metaalliance.moderation.scale.result import LocationScale
from metaalliance.problems import SCHEMA_VERSION, Problem

if TYPE_CHECKING:
    import pandas as pd

    from metaalliance.analysis.components import ComponentResults
    from metaalliance.analysis.influence import InfluenceResults
    from metaalliance.analysis.moderators import ModeratorModels
    from metaalliance.models.further.reliability import ReliabilityGeneralization
    from metaalliance.models.paths.result import Masem
    from metaalliance.publication_bias.summary import BiasSummary
    from metaalliance.robustness.comparison import Comparison
    from metaalliance.robustness.results import Multiverse


def moderator_document(
    analysis: Analysis,
    found: ModeratorModels,
    own: Mapping[str, Any],
    problems: Sequence[Problem],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return the document of `moderators`.

    Parameters
    ----------
    own : mapping
        Settings of the command alone.
    problems : sequence of Problem
        Those that are not of the sheet.
    files : sequence of str
        What the folder holds.
    """
    parts: dict[str, Any] = {"moderators": []} if found.table is None else found.table.to_dict()
    parts.pop("notices", None)
    effects = analysis.effects
    content = {
        "settings": {
            **analysis.fitted.to_record(),
            "rho": RHO if analysis.fitted.rho is None else analysis.fitted.rho,
            "measure": analysis.policy.measure,
            **own,
            **analysis.recorded,
        },
        "counts": {
            "n_studies": effects.n_studies,
            "n_effects": effects.n_effects,
            "n_participants": effects.n_participants,
        },
        **parts,
        "regression": _regression(found.regression, found.predicted),
        "within_between": [one.to_dict() for one in found.parts],
        "location_scale": _location_scale(
            found.spread, found.spread_predicted, found.aggregation_rho
        ),
        "model_set": None if found.models is None else found.models.to_dict(),
    }
    return _document("moderators", analysis, problems, content, files)


def bias_document(
    analysis: Analysis,
    found: BiasSummary,
    own: Mapping[str, Any],
    problems: Sequence[Problem],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return the document of `bias`; see `moderator_document`."""
    whole = found.to_dict()
    unadjusted = whole["unadjusted"]
    content = {
        "settings": {**unadjusted["settings"], **own, **analysis.recorded},
        "counts": unadjusted["counts"],
        "unadjusted": unadjusted["pooled"],
        "tests": [
            {**term.to_dict(found.measure), "name": name, "tested": term.name,
             "n_studies": m, "n_effects": k}
            for name, term, m, k in found.tests()
        ],
        "adjusted": whole["adjusted"],
        "methods": whole["methods"],
        "selection_models": whole["selection_models"],
        "henmi_copas": whole["henmi_copas"],
    }  # fmt: skip
    return _document("bias", analysis, problems, content, files)


def influence_document(
    analysis: Analysis,
    found: InfluenceResults,
    own: Mapping[str, Any],
    problems: Sequence[Problem],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return the document of `influence`; see `moderator_document`."""
    main = found.fit.to_dict()
    content = {
        "settings": {**main["settings"], **own, **analysis.recorded},
        "counts": main["counts"],
        "pooled": main["pooled"],
        "heterogeneity": main["heterogeneity"],
        "leave_one_out": found.left_out.to_dict(),
        "diagnostics": found.diagnostics.to_dict(),
        "baujat": found.baujat.to_dict(),
        "outliers": found.outliers.to_dict(),
        "cumulative": None if found.cumulative is None else found.cumulative.to_dict(),
        "gosh": None if found.gosh is None else found.gosh.to_dict(),
        "moderators": [{"name": n, **m.to_dict()} for n, m in found.moderators.items()],
    }
    return _document("influence", analysis, problems, content, files)


def components_document(
    analysis: Analysis,
    found: ComponentResults,
    own: Mapping[str, Any],
    problems: Sequence[Problem],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return the document of `components`; see `moderator_document`."""
    parts = found.model.to_dict()
    parts.pop("notices")
    content = {
        **parts,
        "settings": {**parts["settings"], **own, **analysis.recorded},
        "ladder": records(found.ladder),
    }
    return _document("components", analysis, problems, content, files)


def multiverse_document(
    analysis: Analysis, found: Multiverse, problems: Sequence[Problem], files: Sequence[str]
) -> dict[str, Any]:
    """Return the document of `multiverse`; see `moderator_document`."""
    content, studies = found.to_dict(), analysis.studies
    own = {"beta": studies.beta, "config": studies.config}
    content = {**content, "settings": {**content["settings"], **own}}
    return _document("multiverse", analysis, problems, content, files)


def reliability_document(
    analysis: Analysis,
    found: ReliabilityGeneralization,
    own: Mapping[str, Any],
    problems: Sequence[Problem],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return the document of `reliability`; see `moderator_document`."""
    content = found.to_dict()
    del content["notices"]
    return _document("reliability", analysis, problems, {"settings": {**own}, **content}, files)


def mediation_document(
    analysis: Analysis,
    found: Masem,
    own: Mapping[str, Any],
    problems: Sequence[Problem],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return the document of `mediation`; see `moderator_document`."""
    studies = analysis.studies
    read = {
        "nonsignificant": studies.nonsignificant,
        "beta": studies.beta,
        "config": studies.config,
    }
    content = found.to_dict()
    del content["notices"]
    return _document(
        "mediation", analysis, problems, {"settings": {**own, **read}, **content}, files
    )


def compare_document(found: Comparison, files: Sequence[str]) -> dict[str, Any]:
    """Return the document of `compare`, with the errors of both sheets."""
    problems = [
        {**p.to_dict(), "file": sheet.file}
        for sheet in (found.old, found.new)
        for p in sheet.problems
        if p.severity == "error"
    ]
    return without_nan(
        {
            "schema_version": SCHEMA_VERSION,
            "command": "compare",
            "input": {"old": input_record(found.old), "new": input_record(found.new)},
            "problems": problems,
            **found.to_dict(),
            "files": list(files),
        }
    )


def _document(
    command: str,
    analysis: Analysis,
    problems: Sequence[Problem],
    content: Mapping[str, Any],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return what every document of one sheet has around its content."""
    return without_nan(
        {
            "schema_version": SCHEMA_VERSION,
            "command": command,
            "input": input_record(analysis.studies),
            "problems": [p.to_dict() for p in (*analysis.studies.problems, *problems)],
            **content,
            "files": list(files),
        }
    )


def _regression(
    found: MetaRegression | None, predicted: pd.DataFrame | None
) -> dict[str, Any] | None:
    """Return the formula's model with its predictions."""
    if found is None:
        return None
    return {**found.to_dict(), "predictions": _predictions(predicted, found.fit)}


def _predictions(predicted: pd.DataFrame | None, of: OfModel) -> list[dict[str, Any]] | None:
    """Return rows of estimates, each with its back-transformation under "r"."""
    if predicted is None:
        return None
    rows = records(predicted)
    for row in rows:
        if of.measure != "generic":
            names = [n for n in LIMITS if n in row]
            row["r"] = {n: back_transform(float(row[n]), of.measure) for n in names}
    return rows


def _location_scale(
    found: LocationScale | None, predicted: pd.DataFrame | None, aggregation_rho: float | None
) -> dict[str, Any] | None:
    """Return the model with its predictions, and the correlation by which effects were averaged."""
    if found is None:
        return None
    content = found.to_dict()
    content["settings"] = {**content["settings"], "aggregation_rho": aggregation_rho}
    return {**content, "predictions": _predictions(predicted, found)}
