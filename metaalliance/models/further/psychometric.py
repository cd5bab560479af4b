"""Hunter and Schmidt's psychometric meta-analysis, beside the Fisher z result."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.conversion.attenuation import (
    PERFECT,
    ArtifactDistribution,
    artifact_distribution,
)
from metaalliance.core.conversion.psychometric import (
    PsychometricFit,
    SamplingError,
    bare_bones,
    correct_by_distribution,
    correct_individually,
)
from metaalliance.effects.aggregate import AggregationMethod, aggregate
from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import Effects, study_names
from metaalliance.errors import EstimationError
from metaalliance.model import Model
from metaalliance.models.checks import samples_notice
from metaalliance.models.further.reliabilities import (
    SIDES,
    PsychometricCorrection,
    choose_correction,
    reliabilities,
    reliability_notices,
)
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.options import check_level, check_option, check_rho
from metaalliance.problems import Problem, notice
from metaalliance.sheet.studies import Studies
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import count_text, studies_text

_TITLES = {
    "none": "bare bones",
    "individual": "corrected individually",
    "artifact-distribution": "artifact distributions",
}
_NUMBERS = ("mean_r", "mean_rho", "se", "ci_low", "ci_high", "observed_variance",
            "sampling_variance", "artifact_variance", "rho_variance", "rho_sd", "explained",
            "credibility_low", "credibility_high")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PsychometricResult(InNotebook):
    """Mean correlation, observed and corrected, and the variance of true correlations.

    Attributes
    ----------
    fits : tuple of PsychometricFit
        Bare bones first, then the corrected one if reliabilities were used.
    fisher_z : PooledFit
        The two-level model of Fisher z of the same observed correlations.
    artifacts : dict of str to ArtifactDistribution
        Mean and variance of the root of the reliabilities, by column, and how many were known.
    sampling_error : {"average-n", "each-n"}
        Form of the sampling variance.
    n_studies : int
        Number of studies.
    n_participants : float
        Sum of their n.
    notices : tuple of Problem
        What was averaged, assumed or left uncorrected.
    """

    fits: tuple[PsychometricFit, ...]
    fisher_z: PooledFit = field(repr=False)
    artifacts: dict[str, ArtifactDistribution] = field(repr=False)
    sampling_error: SamplingError
    n_studies: int
    n_participants: float
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def bare_bones(self) -> PsychometricFit:
        """The fit that is corrected for sampling error only."""
        return self.fits[0]

    @property
    def corrected(self) -> PsychometricFit:
        """The most corrected fit; bare bones when there are no reliabilities."""
        return self.fits[-1]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per fit, and one for Fisher z, all on the scale of r.

        The credibility interval holds the middle `credibility_level` of true correlations.
        The row of Fisher z has the prediction interval in its place, which also allows for
        the error of the mean and has the level of the confidence interval.
        """
        rows = [
            {"method": _TITLES[f.correction], **{n: getattr(f, n) for n in _NUMBERS}}
            for f in self.fits
        ]
        z = self.fisher_z
        names = {"mean_rho": "estimate", "ci_low": "ci_low", "ci_high": "ci_high",
                 "credibility_low": "pi_low", "credibility_high": "pi_high"}  # fmt: skip
        back = {name: math.tanh(getattr(z, own)) for name, own in names.items()}
        rows.append({"method": "Fisher z", **back})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing is None."""
        first = self.bare_bones
        content = {
            "method": "psychometric",
            "settings": {
                "sampling_error": self.sampling_error,
                "level": first.level,
                "credibility_level": first.credibility_level,
            },
            "counts": {"n_studies": self.n_studies, "n_participants": self.n_participants},
            "fits": [
                {"correction": f.correction, **{n: getattr(f, n) for n in _NUMBERS}}
                for f in self.fits
            ],
            "artifacts": {
                name: {"mean": a.mean, "variance": a.variance, "k": a.k}
                for name, a in self.artifacts.items()
            },
            "fisher_z": self.fisher_z.to_dict(),
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        people = f"{count_text(self.n_participants, 'participant')}"
        lines = [f"Psychometric meta-analysis, {studies_text(self.n_studies)}, {people}"]
        for fit in self.fits:
            lines += ["", *_fit_lines(fit)]
        z = self.fisher_z
        mean, low, high = (math.tanh(v) for v in (z.estimate, z.ci_low, z.ci_high))
        ends = limits(low, high, correlation=True)
        lines += [
            "",
            f"Fisher z ({z.specification.tau2}, {_test_name(z)}), observed correlations",
            f"  mean r = {number(mean, correlation=True)}, {100 * z.level:g}% CI {ends},"
            f" p {p_text(z.p_value)}",
        ]
        return "\n".join([*lines, *(p.text for p in self.notices)])


def _test_name(fit: PooledFit) -> str:
    """Name of the test of the mean."""
    return "Knapp-Hartung" if fit.test == "knapp-hartung" else fit.test


def _fit_lines(fit: PsychometricFit) -> list[str]:
    """One fit in words."""
    symbol = "r" if fit.correction == "none" else "rho"
    ci = limits(fit.ci_low, fit.ci_high, correlation=True)
    cr = limits(fit.credibility_low, fit.credibility_high, correlation=True)
    share = "all" if fit.explained >= 1 else f"{number(100 * fit.explained, 1)}%"
    mean = number(fit.mean_rho, correlation=True)
    return [
        _TITLES[fit.correction].capitalize(),
        f"  mean {symbol} = {mean}, {100 * fit.level:g}% CI {ci}",
        f"  SD of rho = {number(fit.rho_sd, correlation=True)},"
        f" {100 * fit.credibility_level:g}% credibility interval {cr};"
        f" {share} of the variance explained",
    ]


def psychometric(
    data: Studies | Effects,
    *,
    correction: PsychometricCorrection = "auto",
    alliance_reliability: float | None = None,
    outcome_reliability: float | None = None,
    sampling_error: SamplingError = "average-n",
    level: float = 0.95,
    credibility_level: float = 0.8,
    rho: float | None = None,
    aggregation: AggregationMethod = "mean",
    fisher_z: Model | None = None,
) -> PsychometricResult:
    """Correct the mean and the variance of correlations for sampling error and unreliability.

    Parameters
    ----------
    data : Studies or Effects
        A sheet, or correlations with their n; reliabilities are the moderators
        `alliance_reliability` and `outcome_reliability`. The observed correlations are
        taken: of effects that were corrected already those before it, each with its own factor.
    correction : {"auto", "none", "individual", "artifact-distribution"}
        "individual" needs both reliabilities of every study; "artifact-distribution" uses
        their mean and variance over the studies that report them, and leaves a measure
        uncorrected for which no study does; "auto" takes the first of individual and
        artifact distribution that is possible, and bare bones only when no reliability is
        known.
    alliance_reliability, outcome_reliability : float, optional
        What stands for a reliability that a study does not report; never assumed unless
        given. 1 leaves the measure of these studies uncorrected.
    sampling_error : {"average-n", "each-n"}
        Sampling variance from the mean n, or the mean of those with each n. Individual
        correction always uses each n.
    level, credibility_level : float
        Levels of the confidence interval and of the credibility interval.
    rho : float, optional
        Averages several effects of a sample first (`aggregate`): their correlation as
        `aggregation` means it. Without it dependent effects are refused. Independent samples of
        a study are then weighted by n. The sampling variance of a mean of m correlations is
        (1 + (m - 1) rho) / m of that of one; a composite has that of one.
    aggregation : {"mean", "composite"}
        How they are averaged.
    fisher_z : Model, optional
        Estimator, test and prediction of the two-level model of Fisher z; its level is that of
        the others.

    Returns
    -------
    PsychometricResult
        Bare bones, corrected and Fisher z results.

    Raises
    ------
    EstimationError
        For effects that are not correlations with n, dependent effects without `rho`, means of
        several effects, or reliabilities that are missing for an individual correction, or that
        are given for effects that were corrected already.

    References
    ----------
    Schmidt and Hunter (2015).

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.2, 0.4], [0.01, 0.01], measure="r", n=[101, 101],
    ...     moderators={"alliance_reliability": [0.81, 0.81], "outcome_reliability": [0.9, None]},
    ... )
    >>> found = psychometric(effects)
    >>> round(found.bare_bones.mean_rho, 3), round(found.corrected.mean_rho, 3)
    (0.3, 0.351)
    """
    check_option("correction", correction, PsychometricCorrection)
    check_option("sampling_error", sampling_error, SamplingError)
    check_level(level)
    effects = effect_sizes(data) if isinstance(data, Studies) else data
    chosen, notices = _observed(effects, rho, aggregation)
    ri, ni = chosen.yi, chosen.frame["n"].to_numpy(dtype=float)
    shares = chosen.vi * (ni - 1)
    given = dict(zip(SIDES, (alliance_reliability, outcome_reliability), strict=True))
    sides = reliabilities(chosen, given)
    how = choose_correction(correction, sides)
    levels = {"level": level, "credibility_level": credibility_level}
    fits = [bare_bones(ri, ni, shares=shares, sampling_error=sampling_error, **levels)]
    if how == "individual":
        x, y = (*sides.values(), np.ones(ni.size))[:2]
        fits.append(correct_individually(ri, ni, x, y, shares=shares, **levels))
    known = {n: artifact_distribution(v) for n, v in sides.items() if not np.isnan(v).all()}
    if how == "artifact-distribution":
        a, b = (*(known.get(name, PERFECT) for name in sides), PERFECT)[:2]
        fits.append(
            correct_by_distribution(
                ri, ni, a, b, shares=shares, sampling_error=sampling_error, **levels
            )
        )
    z = Effects.from_arrays(
        np.arctanh(ri), shares / (ni - 3), study=chosen.frame["study"], measure="z", n=ni
    )
    return PsychometricResult(
        fits=tuple(fits),
        fisher_z=fit_mean(z, replace((fisher_z or Model()).of_kind("two-level"), level=level)),
        artifacts=known,
        sampling_error=sampling_error,
        n_studies=chosen.n_studies,
        n_participants=float(ni.sum()),
        notices=notices + reliability_notices(how, chosen, given, known),
    )


def _observed(
    effects: Effects, rho: float | None, aggregation: AggregationMethod
) -> tuple[Effects, tuple[Problem, ...]]:
    """One observed r per study, with its n; vi is its sampling variance over (1 - rho²)²."""
    if effects.measure == "generic" or "r" not in effects.frame:
        raise EstimationError("A psychometric meta-analysis needs correlations.", code="MA627")
    frame = effects.frame
    n = frame["n"].to_numpy(dtype=float) if "n" in frame else np.full(len(frame), np.nan)
    bad = np.flatnonzero(~(n > 3))
    if bad.size:
        labels = study_names(frame).astype(str).iloc[bad].unique()
        raise EstimationError(
            f"n is missing or not above 3 for {', '.join(labels[:5])}; a psychometric "
            "meta-analysis weights by n.",
            code="MA627",
        )
    if "n_effects" in frame and (frame["n_effects"] > 1).any():
        raise EstimationError(
            "These effects are means of several of a study already. Give the effects themselves; "
            "rho= puts them together.",
            code="MA612",
        )
    r = frame["r_observed" if "r_observed" in frame else "r"].to_numpy(dtype=float)
    observed = replace(effects, frame=frame.assign(r=r, yi=r, vi=1 / (n - 1)), measure="r")
    if not observed.dependent():
        return observed, ()
    if rho is None:
        raise EstimationError(
            "A psychometric meta-analysis takes one correlation per study, but some studies have "
            "several. Give rho=0.5 to average them (aggregation='mean' or 'composite').",
            code="MA612",
        )
    message = (
        f"{observed.n_effects} correlations of {observed.n_studies} studies were put together "
        f"within studies ({aggregation}, rho = {check_rho(rho):g})."
    )
    found = notice("MA623", message, "Try the other kind of aggregation.", severity="note")
    return _by_study(observed, rho, aggregation), (found, *samples_notice(observed))


def _by_study(effects: Effects, rho: float, aggregation: AggregationMethod) -> Effects:
    """One correlation of each sample, and the mean of those of a study, weighted by n."""
    codes = effects.sample_codes
    apart = replace(effects, frame=effects.frame.assign(study=codes))
    one = aggregate(apart, rho, method=aggregation).frame
    study = effects.frame["study"].to_numpy()[np.unique(codes, return_index=True)[1]]
    n, vi = (one[name].to_numpy(dtype=float) for name in ("n", "vi"))
    vi = 1 / (n - 1) if aggregation == "composite" else vi
    apart = replace(effects, frame=one.assign(study=study, vi=1 / n), ledger=pd.DataFrame())
    found = aggregate(apart, weighted=True)
    errors = pd.Series(n**2 * vi).groupby(study, sort=False).sum().to_numpy()
    return replace(found, frame=found.frame.assign(vi=errors / found.frame["n"] ** 2))
