"""Fit a multivariate model to the components of studies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack

from metaalliance.effects.effects import Effects
from metaalliance.interchange import FrameLike, pandas_frame
from metaalliance.model import Model, ModelSettings
from metaalliance.models.checks import correction_notice, samples_notice
from metaalliance.models.components.fit import (
    ComponentFit,
    component_data,
    component_model,
    parameters_of,
)
from metaalliance.models.components.sampling import Sampling, sampling_of
from metaalliance.moderation.components.design import (
    ComponentDesign,
    component_design,
    variables_of,
)
from metaalliance.moderation.components.result import Multivariate, component_means
from metaalliance.notices import announced
from metaalliance.options import check_option, check_seed
from metaalliance.problems import Problem, notice
from metaalliance.wording.phrases import count_text, studies_text

Structure = Literal["UN", "HCS", "CS", "DIAG"]
WithinStudies = Literal["none", "equal", "own"]
#: Degrees of freedom below which a robust test is doubtful.
FEW_DF = 4.0
#: Rows of a table that a notice names.
_NAMED = 3


def multivariate(
    effects: Effects,
    by: str,
    structure: Structure = "UN",
    *,
    within_studies: WithinStudies = "none",
    formula: str | None = None,
    correlations: FrameLike | None = None,
    against: str | None = None,
    only: Sequence[str] = (),
    with_total: bool = False,
    seed: int = 1,
    **settings: Unpack[ModelSettings],
) -> Multivariate:
    """Estimate a mean and a variance for each component of studies, in one model.

    Effects y of study i have the covariance S_i = V_i + Z_i G Z_i', where Z_i says which component
    each is of, G is the covariance of true effects between studies, and V_i that of the sampling
    errors. The likelihood is climbed from several starts, and the highest maximum is taken.

    Parameters
    ----------
    effects : Effects
        Effects; a whole sampling covariance (`Effects.from_arrays(V=...)`) is taken as it is.
    by : str
        Column whose levels are the components: a subscale, a rater, an outcome, an estimand.
    structure : {"UN", "HCS", "CS", "DIAG"}
        Form of G: any variances and correlations, any variances and one correlation, one of each,
        or any variances and no correlation.
    within_studies : {"none", "equal", "own"}
        Variance of the true effects of one component within a study: none, one, or one for each
        component.
    formula : str, optional
        Moderators, each with a coefficient in every component.
    correlations : DataFrame, or table of polars or pyarrow, optional
        Correlations between variables, in columns study, var1, var2, r, n; from them the
        covariance of the sampling errors follows. Pairs that they do not tell have the
        correlation `rho`.
    against : str, optional
        Column that names the other variable of each effect, in the words of `correlations`; by
        default outcome_measure where the components are of the alliance, alliance_measure where
        they are of the outcome.
    only : sequence of str
        Levels to take, in this order.
    with_total : bool
        Whether a total may stand beside the parts it is made of.
    seed : int
        Of the random starts.
    **settings
        The settings of `pool`, or a whole `Model` as `model`; tau2 "REML" or "ML", a test that is
        cluster-robust or "wald", rho, rho_same, same, level and prediction have a meaning here,
        and the others are refused.

    Returns
    -------
    Multivariate
        Its `notices` are also given as `MetaAllianceWarning`.

    Raises
    ------
    OptionError
        For a setting that has no meaning here, a level that does not exist, or a total beside its
        parts.
    EstimationError
        When a component has fewer than two studies, or correlations contradict each other.

    References
    ----------
    Pustejovsky and Tipton (2018, 2022); Olkin and Siotani (1976).

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.2, 0.3, 0.1, 0.4, 0.3, 0.5],
    ...     [0.01] * 6,
    ...     study=["A", "A", "B", "B", "C", "C"],
    ...     moderators={"subscale": ["bond", "task"] * 3},
    ... )
    >>> found = multivariate(effects, "subscale", "CS", test="wald")
    >>> found.means["estimate"].round(4).tolist(), found.rank
    ([0.2, 0.4], 1)
    """
    return announced(
        fit_multivariate(
            effects,
            by,
            structure,
            Model.of(settings),
            within_studies=within_studies,
            formula=formula,
            correlations=correlations,
            against=against,
            only=only,
            with_total=with_total,
            seed=seed,
        )
    )


def fit_multivariate(
    effects: Effects,
    by: str,
    structure: str,
    model: Model,
    *,
    within_studies: str = "none",
    formula: str | None = None,
    correlations: FrameLike | None = None,
    against: str | None = None,
    only: Sequence[str] = (),
    with_total: bool = False,
    seed: int = 1,
) -> Multivariate:
    """Fit the model; what its reader has to know stands in its notices."""
    check_option("structure", structure, Structure)
    check_option("within_studies", within_studies, WithinStudies)
    check_seed(seed)
    effects.refuse_intervals("A multivariate model", "only a mean is estimated from intervals")
    chosen = component_model(model)
    design = component_design(effects, by, only=only, with_total=with_total, formula=formula)
    table = None if correlations is None else pandas_frame(correlations)
    variables = None if table is None else variables_of(design, against)
    sampling = sampling_of(design.effects, chosen, table, variables)
    data = component_data(design.effects, design.X, design.codes, len(design.levels), sampling)
    fit = ComponentFit.of(data, chosen, structure, within_studies, design.names, seed)
    asked: dict[str, Any] = {"by": by, "within_studies": within_studies}
    asked |= {} if formula is None else {"formula": formula}
    asked |= {} if against is None else {"against": against}
    asked |= {"only": list(only)} if only else {}
    asked |= {"with_total": True} if with_total else {}
    means = component_means(fit, design)
    found = Multivariate(
        means=means, fit=fit, design=design, sampling=sampling, asked=asked,
        notices=design.notices + samples_notice(design.effects) + correction_notice(design.effects),
    )  # fmt: skip
    return _with_notices(found)


def _with_notices(found: Multivariate) -> Multivariate:
    own = (
        *_assumed_notice(found.sampling),
        *_parameters_notice(found),
        *_rank_notice(found),
        *_df_notice(found),
        *_maxima_notice(found.fit),
        *_together_notice(found.design),
    )
    return replace(found, notices=found.notices + own)


def _assumed_notice(sampling: Sampling) -> tuple[Problem, ...]:
    """Say how many correlations of sampling errors the table left to an assumption."""
    found = []
    if sampling.source == "correlations" and sampling.assumed:
        message = (
            f"{sampling.assumed:,} of {count_text(sampling.pairs, 'pair')} of effects of one "
            "sample have the assumed correlation rho: the table does not tell theirs."
        )
        hint = "Code the missing correlations, or report the result for another rho beside it."
        found.append(notice("MA697", message, hint, severity="note"))
    if sampling.unused:
        listed = "; ".join(sampling.unused[:_NAMED]) + (
            " ..." if len(sampling.unused) > _NAMED else ""
        )
        message = (
            f"{count_text(len(sampling.unused), 'row')} of the table of correlations are about "
            f"variables that their study has no effects of, and were not used: {listed}."
        )
        hint = "Write studies and variables as in the sheet of effects."
        found.append(notice("MA697", message, hint))
    return tuple(found)


def _parameters_notice(found: Multivariate) -> tuple[Problem, ...]:
    """Say that there are more variances and correlations than studies."""
    count = parameters_of(found.fit.data, found.structure, found.fit.within_studies)
    if count <= found.n_studies:
        return ()
    message = (
        f"{found.structure} has {count} variances and correlations, and there are "
        f"{studies_text(found.n_studies)}: they are hardly determined."
    )
    return (notice("MA696", message, "Use HCS, CS or DIAG, and see the ladder of structures."),)


def _rank_notice(found: Multivariate) -> tuple[Problem, ...]:
    """Say that G is singular, and along what."""
    if found.rank == len(found.levels):
        return ()
    hint = (
        "The means stand; correlations of true effects near ±1 and variances of zero are the edge "
        "of what can be, and no finding."
    )
    return (notice("MA696", found.rank_text, hint, severity="note"),)


def _df_notice(found: Multivariate) -> tuple[Problem, ...]:
    """Say which means rest on few degrees of freedom, or on single studies."""
    few = found.means.loc[found.means["df"] < FEW_DF, "level"].tolist()
    alone = found.means.loc[found.means["se"].isna(), "level"].tolist()
    out = []
    if few:
        message = (
            f"Fewer than {FEW_DF:g} degrees of freedom ({', '.join(few)}): the robust tests of "
            "these means are unreliable."
        )
        out.append(notice("MA620", message, "Report them with caution, or merge levels."))
    if alone:
        message = (
            f"One study determines a mean alone ({', '.join(alone)}): its robust standard error is "
            "not defined."
        )
        out.append(notice("MA642", message, "Merge the level with another, or leave it out."))
    return tuple(out)


def _maxima_notice(fit: ComponentFit) -> tuple[Problem, ...]:
    """Say that a lower maximum is close."""
    lower = min(fit.optimum.lower, default=math.inf)
    if lower > 2:
        return ()
    message = (
        f"The likelihood of {fit.structure} has a further maximum, lower by {lower:.3f} only: the "
        "estimate is the highest that was found."
    )
    return (notice("MA670", message, "Report a simpler structure beside it.", severity="note"),)


def _together_notice(design: ComponentDesign) -> tuple[Problem, ...]:
    """Say which two components no study has together: nothing tells how they go together."""
    frame = design.effects.frame
    seen = [set(frame.loc[design.codes == j, "study"]) for j in range(len(design.levels))]
    apart = [
        f"{a} and {b}"
        for i, a in enumerate(design.levels)
        for j, b in enumerate(design.levels[:i])
        if not seen[i] & seen[j]
    ]
    if not apart:
        return ()
    message = (
        f"No study has effects of both {'; of both '.join(apart)}: nothing tells the correlation "
        "of their true effects, and their difference is one between studies."
    )
    hint = "Use DIAG, in which they have none, and compare their means with caution."
    return (notice("MA696", message, hint),)
