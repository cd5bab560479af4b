"""Several models of the same effects weighed against each other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.inference.intervals import critical_value
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import LIKELIHOOD, Model, ModelSettings, Specification, refuse
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import without_nan
from metaalliance.moderation.design import Design, build_design
from metaalliance.moderation.frames import records
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import count_text, effects_text

#: Moderators of which all subsets are fitted, at most.
MOST = 10
#: Why a setting plays no part in the weights of models.
_REFUSED = {
    "test": "models are weighed by their likelihoods, and no coefficient is tested",
    "prediction": "coefficients are averaged over models, and no effect is predicted",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelSet(InNotebook):
    """Models ranked by AICc.

    Attributes
    ----------
    models : DataFrame
        formula, n_parameters, log_likelihood, aicc, delta, weight; best first.
    importance : DataFrame
        term, weight: summed weights of the models that hold a term.
    coefficients : DataFrame
        term, estimate, se, ci_low, ci_high: averaged over all models, a coefficient being zero
        where its term is left out; the standard error, and with it the normal interval, includes
        the uncertainty about the model.
    level : float
        Coverage of the intervals.
    n_studies, n_effects : int
        The effects of all models: those with a value of every moderator.
    """

    models: pd.DataFrame = field(repr=False)
    importance: pd.DataFrame = field(repr=False)
    coefficients: pd.DataFrame = field(repr=False)
    model: str
    level: float
    n_studies: int
    n_effects: int
    missing: dict[str, dict[str, int]]

    def to_frame(self) -> pd.DataFrame:
        """Return the models, best first."""
        return self.models.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return models, importance and averaged coefficients; missing is None."""
        return without_nan(
            {
                "model": self.model,
                "counts": {"n_studies": self.n_studies, "n_effects": self.n_effects},
                "missing": self.missing,
                "models": records(self.models),
                "importance": records(self.importance),
                "coefficients": records(self.coefficients),
            }
        )

    def summary(self) -> str:
        """Return the best models and the importance of terms as text."""
        lines = [
            f"{count_text(len(self.models), 'model')} of {effects_text(self.n_effects)}, by AICc"
        ]
        lines += [
            f"  {row['formula']}: delta {number(row['delta'], 2)}, weight {number(row['weight'])}"
            for row in records(self.models.head(8))
        ]
        lines.append("Importance of terms (summed weights)")
        lines += [
            f"  {row['term']}: {number(row['weight'], 2)}" for row in records(self.importance)
        ]
        return "\n".join(lines)


def model_set(
    effects: Effects,
    terms: Sequence[str],
    *,
    reference: Mapping[str, str] | None = None,
    centre: Mapping[str, float] | None = None,
    scale: Mapping[str, float] | None = None,
    min_studies: int = 3,
    **settings: Unpack[ModelSettings],
) -> ModelSet:
    """Fit every subset of a declared set of moderators and weigh the models by AICc.

    All models are fitted by full maximum likelihood to the same effects, those with a value of
    every moderator. The set has to be declared before the results are seen, and short.

    Parameters
    ----------
    effects : Effects
        What is explained.
    terms : sequence of str
        Terms of a formula, such as ``["modality", "alliance_rater", "year"]``; at most 10.
    reference, centre, scale, min_studies
        As in `meta_regression`.
    **settings
        The settings of `pool` but `test` and `prediction`, or a whole `Model` as `model`; `tau2`
        is "ML" whether it is said or not.

    Raises
    ------
    OptionError
        For a setting that plays no part, or another `tau2`.

    References
    ----------
    Burnham and Anderson (2002): AICc counts effects and all parameters, variance components among
    them, as metafor does; Buckland et al. (1997): standard error.

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.2, 0.1, 0.5, 0.6, 0.5, 0.2, 0.6], [0.01] * 8,
    ...     moderators={"arm": list("aaabbbab"), "age": [30.0, 41, 35, 42, 38, 40, 37, 33]},
    ... )
    >>> model_set(effects, ["arm", "age"]).models["formula"].iloc[0]
    'arm'
    """
    model = _by_likelihood(Model.of(settings))
    names = list(dict.fromkeys(str(t).strip() for t in terms))
    if not 1 <= len(names) <= MOST:
        raise OptionError(f"{len(names)} terms; allowed are 1 to {MOST}.")
    full = build_design(
        effects,
        " + ".join(names),
        reference=reference,
        centre=centre,
        scale=scale,
        min_studies=min_studies,
    )
    fits = _fits(full, names, model)
    rows = [_row(chosen, fit) for chosen, fit in fits]
    frame = pd.DataFrame(rows)
    frame["delta"] = frame["aicc"] - frame["aicc"].min()
    weight = np.exp(-frame["delta"] / 2)
    frame["weight"] = weight / weight.sum()
    importance = [
        {"term": t, "weight": float(sum(frame["weight"][i] for i, (c, _) in enumerate(fits)
                                        if t in c))}
        for t in full.terms
    ]  # fmt: skip
    averaged = _averaged(full, fits, frame["weight"].to_numpy(), model.level)
    return ModelSet(
        models=frame.sort_values("aicc", kind="stable", ignore_index=True),
        importance=pd.DataFrame(importance).sort_values(
            "weight", ascending=False, kind="stable", ignore_index=True
        ),
        coefficients=averaged,
        model=fits[0][1].model,
        level=model.level,
        n_studies=full.used.n_studies,
        n_effects=full.used.n_effects,
        missing=full.missing,
    )


_Fits = list[tuple[tuple[str, ...], RegressionFit]]


def _by_likelihood(model: Model) -> Model:
    """Return the model with full maximum likelihood; refuse what has no part in it."""
    refuse(model, "A set of models", _REFUSED)
    if model.kind != "common-effect" and model.tau2 not in LIKELIHOOD:
        raise OptionError(
            f"A set of models cannot obey tau2={model.tau2!r}: likelihoods of different designs "
            "are compared at their full maximum ('ML')."
        )
    return replace(model, tau2="ML")


def _fits(full: Design, names: list[str], model: Model) -> _Fits:
    """Fit every subset of the terms."""
    terms = list(full.terms)
    if len(terms) != len(names):
        raise OptionError(f"The terms {', '.join(names)} must be single: no * or +.")
    if full.used.n_effects <= full.X.shape[1] + 4:
        raise EstimationError(
            f"{effects_text(full.used.n_effects)} are too few for {full.X.shape[1]} coefficients.",
            code="MA641",
        )
    chosen = _untested(model, full.used)
    fits: _Fits = []
    for size in range(len(terms) + 1):
        for subset in itertools.combinations(terms, size):
            columns = [0, *(c for t in subset for c in full.terms[t])]
            names_of = [full.names[c] for c in columns]
            found = fit_regression(full.used, full.X[:, columns], names_of, chosen)
            fits.append((subset, found))
    return fits


def _untested(model: Model, effects: Effects) -> Specification:
    """Return the model with the test that needs no small-sample work: no test plays a part."""
    chosen = model.resolved(dependent=effects.dependent())
    independent = not chosen.multilevel and effects.dependent()
    return chosen.with_test("cr0" if independent else "wald")


def _row(chosen: tuple[str, ...], fit: RegressionFit) -> dict[str, Any]:
    components = 0 if fit.model == "common-effect" else len(fit.sigma2)
    parameters = len(fit.names) + components
    k = fit.n_effects
    return {
        "formula": " + ".join(chosen) or "1",
        "n_parameters": parameters,
        "log_likelihood": fit.log_likelihood,
        "aicc": aicc(fit.log_likelihood, parameters, k),
    }


def aicc(log_likelihood: float, parameters: int, k: int) -> float:
    """Return AICc, metafor's: -2 ll + 2 p n / (n - p - 1) with n = max(k, p + 2)."""
    n = max(k, parameters + 2)
    return -2 * log_likelihood + 2 * parameters * n / (n - parameters - 1)


def _averaged(full: Design, fits: _Fits, weights: Any, level: float) -> pd.DataFrame:
    """Average every coefficient over all models."""
    estimates = np.zeros((len(fits), len(full.names)))
    variances = np.zeros_like(estimates)
    for row, (_, fit) in enumerate(fits):
        at = [full.names.index(name) for name in fit.names]
        estimates[row, at] = fit.beta
        variances[row, at] = fit.se**2
    mean = weights @ estimates
    se = weights @ np.sqrt(variances + (estimates - mean) ** 2)
    half = critical_value(level, math.inf) * se
    ends = {"ci_low": mean - half, "ci_high": mean + half}
    return pd.DataFrame({"term": full.names, "estimate": mean, "se": se, **ends})
