"""What a multivariate model says: means by component, and how true effects go together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.inference.multiplicity import holm
from metaalliance.errors import OptionError
from metaalliance.models.components.fit import ComponentFit
from metaalliance.models.components.sampling import Sampling
from metaalliance.models.inference.coefficients import COLUMNS
from metaalliance.models.inference.prediction import prediction_interval
from metaalliance.models.of_effects import OfModel
from metaalliance.models.scale import LIMITS, back_transform, on_scale, without_nan
from metaalliance.moderation.components.design import ComponentDesign
from metaalliance.moderation.frames import records
from metaalliance.moderation.result import wald_record, wald_text
from metaalliance.options import Scale, check_option
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import (
    assumed_text,
    count_text,
    level_text,
    model_line,
    studies_text,
)

#: Combinations without variance that a sentence names.
_NAMED = 3

Against = Literal["pairwise", "reference"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Multivariate(OfModel, InNotebook):
    """A multivariate model of the components of studies.

    Attributes
    ----------
    by : str
        The column whose levels are the components.
    levels : tuple of str
        The components, in the order of `means` and `G`.
    means : DataFrame
        One row per component on the analysis scale: level, estimate, se, statistic, df, p_value,
        ci_low, ci_high, pi_low, pi_high, n_studies, n_effects, tau2 (between studies), and
        tau2_within where effects vary within studies. With moderators it is the mean at their
        centre and reference level.
    G : ndarray, shape (p, p)
        Covariance of true effects of components between studies; NaN where no study has effects of
        both, so that nothing tells it.
    rank : int
        Number of directions in which they vary, as far as it is told: below p, G is singular.
    log_likelihood : float
        Restricted for REML.
    fit : ComponentFit
        The model.
    design : ComponentDesign
        Effects by component, and the moderators.
    sampling : Sampling
        What the covariance of the sampling errors comes from.
    asked : mapping
        Settings beside those of the model.
    notices : tuple of Problem
        What the reader has to know.
    """

    means: pd.DataFrame
    fit: ComponentFit = field(repr=False)
    design: ComponentDesign = field(repr=False)
    sampling: Sampling = field(repr=False)
    asked: Mapping[str, Any] = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def by(self) -> str:
        """The column whose levels are the components."""
        return self.design.by

    @property
    def levels(self) -> tuple[str, ...]:
        """The components."""
        return self.design.levels

    @property
    def effects(self) -> Any:  # type: ignore[override]
        """The effects of the components."""
        return self.design.effects

    @property
    def specification(self) -> Any:  # type: ignore[override]
        """Estimator, test and level, with nothing left to choose."""
        return self.fit.specification

    @property
    def structure(self) -> str:
        """Form of G."""
        return self.fit.structure

    @property
    def G(self) -> Array:
        """Covariance of true effects between studies; NaN where no study has both components."""
        return self.fit.G

    @property
    def rank(self) -> int:
        """Number of directions in which true effects vary between studies."""
        return self.fit.rank

    @property
    def log_likelihood(self) -> float:
        """Logarithm of the likelihood, restricted for REML."""
        return self.fit.point.log_likelihood

    @property
    def correlations(self) -> pd.DataFrame:
        """Correlations of true effects between studies; NaN beside no variance, or unknown."""
        sd = np.sqrt(np.diag(self.G))
        sd = np.where(sd**2 > 1e-12 * self.fit.data.typical, sd, math.nan)
        R = np.clip(self.G / np.outer(sd, sd), -1.0, 1.0)
        return pd.DataFrame(R, index=list(self.levels), columns=list(self.levels))

    @property
    def without_variance(self) -> tuple[str, ...]:
        """Combinations of components whose true effects do not vary between studies, in words."""
        vectors = self.fit.spectrum[1][:, self.rank :]
        return tuple(_combination(v, self.levels) for v in _simplest(vectors).T)

    @property
    def omnibus(self) -> dict[str, Any]:
        """Test that the means of all components are equal."""
        p = len(self.levels)
        C = np.zeros((p - 1, len(self.fit.names)))
        for j in range(1, p):
            C[j - 1, self.design.column(0)] = -1.0
            C[j - 1, self.design.column(j)] = 1.0
        return wald_record(self.fit.wald(C))

    def contrasts(
        self, compare: Against = "pairwise", reference: str | None = None
    ) -> pd.DataFrame:
        """Compare the means of components, p-values adjusted by Holm.

        Parameters
        ----------
        compare : {"pairwise", "reference"}
            Every two components, or each with the first.
        reference : str, optional
            Another first component.

        Returns
        -------
        DataFrame
            level_a, level_b, and of the difference a less b: estimate, se, statistic, df, p_value,
            ci_low, ci_high, p_adjusted.
        """
        check_option("compare", compare, Against)
        order = list(self.levels)
        if reference is not None:
            check_level(reference, order, self.by)
            order = [reference, *(level for level in order if level != reference)]
        pairs = list(combinations(order, 2))
        if compare == "reference":
            pairs = [(level, order[0]) for level in order[1:]]
        C = np.zeros((len(pairs), len(self.fit.names)))
        for row, (a, b) in enumerate(pairs):
            C[row, self.design.column(self.levels.index(a))] = 1.0
            C[row, self.design.column(self.levels.index(b))] = -1.0
        found = self.fit.contrast(C).to_frame()
        names = pd.DataFrame(pairs, columns=["level_a", "level_b"])
        return pd.concat([names, found], axis=1).assign(p_adjusted=holm(found["p_value"]))

    @property
    def slopes(self) -> pd.DataFrame:
        """Coefficients of moderators: term, level, and as in `means`; empty without any."""
        p, c = len(self.levels), len(self.design.terms)
        wanted = [(t, j) for t in range(1, c) for j in range(p)]
        C = np.zeros((len(wanted), len(self.fit.names)))
        for row, (t, j) in enumerate(wanted):
            C[row, self.design.column(j, t)] = 1.0
        names = [(self.design.terms[t], self.levels[j]) for t, j in wanted]
        frame = pd.DataFrame(names, columns=["term", "level"])
        if not wanted:
            return frame.assign(**dict.fromkeys(COLUMNS, pd.Series(dtype=float)))
        return pd.concat([frame, self.fit.contrast(C).to_frame()], axis=1)

    @property
    def equal_slopes(self) -> pd.DataFrame:
        """Test for each moderator that its coefficients are equal in all components."""
        p, rows = len(self.levels), []
        for t, term in enumerate(self.design.terms[1:], start=1):
            C = np.zeros((p - 1, len(self.fit.names)))
            for j in range(1, p):
                C[j - 1, self.design.column(0, t)] = -1.0
                C[j - 1, self.design.column(j, t)] = 1.0
            rows.append({"term": term, **wald_record(self.fit.wald(C))})
        columns = ["term", "test", "statistic", "df1", "df2", "p_value", "reason"]
        return pd.DataFrame(rows, columns=columns)

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit."""
        model = self.specification.to_dict()
        for name in ("model", "within", "above", "crossed", "df"):
            model.pop(name, None)
        return {
            "structure": self.structure,
            **model,
            **({"rho": None, "rho_same": None} if self.sampling.source == "V" else {}),
            "measure": self.measure,
            **self.effects.sharing,
            **self.asked,
        }

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return `means`; with scale "r" means and limits are correlations."""
        return on_scale(self.means, scale, self.measure)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as the JSON output prints it; missing is None."""
        rows = records(self.means)
        if self.measure != "generic":
            for row in rows:
                row["r"] = {n: back_transform(float(row[n]), self.measure) for n in LIMITS}
        return without_nan(
            {
                "name": self.by,
                "settings": self.settings(),
                "counts": {"n_studies": self.n_studies, "n_effects": self.n_effects},
                "components": rows,
                "omnibus": self.omnibus,
                "contrasts": records(self.contrasts()),
                "slopes": records(self.slopes),
                "equal_slopes": records(self.equal_slopes),
                "variables": [v.to_dict() for v in self.design.variables],
                "G": self.G.tolist(),
                "correlations": self.correlations.to_numpy().tolist(),
                "rank": self.rank,
                "without_variance": list(self.without_variance),
                "log_likelihood": self.log_likelihood,
                "sampling": {
                    "source": self.sampling.source,
                    "pairs": self.sampling.pairs,
                    "assumed": self.sampling.assumed,
                },
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        found, is_r = self.omnibus, self.measure != "generic"
        known = not math.isnan(found["statistic"])
        lines = [
            f"{self.by}: {studies_text(self.n_studies)}, {count_text(self.n_effects, 'effect')}",
            self.model_text,
            "",
            f"Test of equal means: {wald_text(found) if known else found['reason']}",
            self.rank_text,
            "",
        ]
        for row in records(self.to_frame("r" if is_r else "analysis")):
            ends = limits(row["ci_low"], row["ci_high"], correlation=is_r)
            lines.append(
                f"{row['level']} ({studies_text(row['n_studies'])}, "
                f"{count_text(row['n_effects'], 'effect')}): {'r' if is_r else 'estimate'} = "
                f"{number(row['estimate'], correlation=is_r)}, {level_text(self.level)} CI {ends}, "
                f"tau² = {number(row['tau2'], 4)}"
            )
        for row in records(self.contrasts()):
            lines.append(
                f"{row['level_a']} less {row['level_b']}: {number(row['estimate'])}, adjusted p "
                f"{p_text(row['p_adjusted'])}"
            )
        for problem in self.notices:
            lines += ["", problem.text]
        return "\n".join(lines)

    @property
    def model_text(self) -> str:
        """The model as a line for a terminal."""
        settings = self.settings()
        errors = {
            "V": "sampling covariance as given",
            "correlations": "sampling covariance from the table of correlations"
            + (f", else rho {assumed_text(settings)}" if self.sampling.assumed else ""),
            "rho": f"rho {assumed_text(settings)}",
        }[self.sampling.source]
        within = {"none": "", "equal": "one variance within studies", "own": "variances within"}
        inside = within[self.fit.within_studies]
        return model_line(
            {"model": f"multivariate {self.structure}", "tau2": self.specification.tau2,
             "test": self.specification.test},
            errors, *([inside] if inside else []),
        )  # fmt: skip

    @property
    def rank_text(self) -> str:
        """How many directions true effects vary in, and which they do not."""
        p = len(self.levels)
        if self.rank == p:
            return f"Between-study covariance G: rank {p} of {p}"
        combinations = self.without_variance
        none = "; ".join(combinations[:_NAMED])
        if len(combinations) > _NAMED:
            none += f"; and {len(combinations) - _NAMED} more"
        return (
            f"Between-study covariance G is singular: rank {self.rank} of {p}. True effects do not "
            f"vary between studies along {none}."
        )


def check_level(level: str, known: list[str], by: str) -> None:
    """Refuse a component that there is not."""
    if level not in known:
        raise OptionError(f"{by} has no level {level!r}; it has {', '.join(known)}.")


def component_means(fit: ComponentFit, design: ComponentDesign) -> pd.DataFrame:
    """Return means, intervals and variances, one row per component."""
    p, spec = len(design.levels), fit.specification
    C = np.zeros((p, len(fit.names)))
    for j in range(p):
        C[j, design.column(j)] = 1.0
    found = fit.contrast(C)
    rows = []
    for j, level in enumerate(design.levels):
        studies, effects = design.counts(j)
        tau2, within = float(fit.point.G[j, j]), float(fit.point.w[j])
        own = {name: float(getattr(found, name)[j]) for name in COLUMNS}
        units = studies - len(design.terms)
        pi = prediction_interval(
            spec.prediction, own["estimate"], own["se"], tau2 + within, df=own["df"],
            units=units + 1, riley=units - 1, level=spec.level,
        )  # fmt: skip
        within_studies = {} if fit.within_studies == "none" else {"tau2_within": within}
        rows.append(
            {"level": level, **own, "pi_low": pi.low, "pi_high": pi.high, "n_studies": studies,
             "n_effects": effects, "tau2": tau2, **within_studies}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _simplest(vectors: Array) -> Array:
    """Return a basis of the same space with as many zeros as it has columns less one."""
    n = vectors.shape[1]
    found = vectors.copy()
    for c in range(n):
        row = int(np.argmax(np.abs(found[:, c])))
        found[:, c] /= found[row, c]
        for other in range(n):
            if other != c:
                found[:, other] -= found[row, other] * found[:, c]
    return found


def _combination(weights: Array, names: tuple[str, ...]) -> str:
    """Return "bond − 0.62 task"."""
    parts = [(w, name) for w, name in zip(weights, names, strict=True) if abs(w) > 5e-3]
    text = ""
    for w, name in parts:
        size = "" if abs(abs(w) - 1) < 5e-3 else f"{number(abs(w), 2)} "
        sign = ("− " if w < 0 else "+ ") if text else ("−" if w < 0 else "")
        text += f"{' ' if text else ''}{sign}{size}{name}"
    return text
