"""The result of a path model of correlations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import chi2_p
from metaalliance.core.paths.effects import direct_effect, indirect_pairs
from metaalliance.core.paths.likelihood import Problem
from metaalliance.models.paths.indices import PathFit
from metaalliance.models.paths.inference import (
    NUMBERS,
    Term,
    covariance_of,
    numbers_of,
    terms_of,
)
from metaalliance.models.paths.parameters import Slope
from metaalliance.models.paths.per_study import per_study
from metaalliance.models.paths.syntax import PathSyntax
from metaalliance.models.paths.table import CorrelationTable
from metaalliance.models.paths.timing import timing_text
from metaalliance.models.scale import without_nan
from metaalliance.problems import Problem as Notice
from metaalliance.problems import notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import count_text, level_text, studies_text

_PATHS = ("lhs", "op", "rhs", "label", *NUMBERS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Masem(InNotebook):
    """A path model of correlations; maximum likelihood, standardised.

    Attributes
    ----------
    syntax : PathSyntax
        The model.
    table : CorrelationTable
        The correlations.
    slopes : tuple of Slope
        Moderators of paths.
    level : float
        Coverage of intervals.
    interval : {"likelihood", "wald"}
        Their kind, and that of p-values.
    measures_r : float
        Assumed correlation of two measures of one variable.
    not_positive_definite : {"refuse", "exclude"}
        What happened to studies whose correlations contradict each other.
    minus_two_log_likelihood : float
        At the maximum, with every constant.
    minus_two_without_moderators : float
        That of the model without moderators.
    fit : PathFit
        Fit of the model without moderators.
    problem : Problem
        What was fitted.
    best : ndarray, shape (Q + p,)
        Paths, slopes of moderators, tau².
    saturated : ndarray, shape (p,)
        Mean correlations that no model restricts.
    functions : mapping
        Defined parameters.
    notices : tuple of Problem
        What a reader has to know.
    """

    syntax: PathSyntax = field(repr=False)
    table: CorrelationTable = field(repr=False)
    slopes: tuple[Slope, ...] = field(repr=False)
    level: float
    interval: str
    measures_r: float
    not_positive_definite: str
    minus_two_log_likelihood: float
    minus_two_without_moderators: float
    fit: PathFit
    problem: Problem = field(repr=False)
    best: Array = field(repr=False)
    saturated: Array = field(repr=False)
    functions: Mapping[str, Term] = field(repr=False)
    notices: tuple[Notice, ...] = field(repr=False)

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return len(self.table.studies)

    @cached_property
    def _terms(self) -> dict[str, Term]:
        return terms_of(self.problem, self.best, self.functions)

    @cached_property
    def _numbers(self) -> dict[str, dict[str, float]]:
        """Estimate, se, interval and p-value of each term."""
        return numbers_of(
            self.problem, self.best, self._terms, level=self.level, interval=self.interval
        )

    @cached_property
    def _parameters(self) -> dict[str, dict[str, float]]:
        """Those of the parameters by name."""
        names = (*self.syntax.parameters, *(slope.name for slope in self.slopes))
        return {name: self._numbers[f"p {j}"] for j, name in enumerate(names)}

    @property
    def covariance(self) -> Array:
        """Covariance of the estimates of paths, slopes and tau², shape (Q + p, Q + p)."""
        return covariance_of(self.problem, self.best)

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Paths and covariances, then slopes of moderators (``rhs:column``).

        Columns lhs, op, rhs, label, estimate, se, ci_low, ci_high, p_value; a fixed path has an
        estimate only.
        """
        rows: list[dict[str, Any]] = []
        for path in self.syntax.paths:
            numbers = dict.fromkeys(NUMBERS, math.nan)
            if path.fixed is None:
                numbers = self._parameters[path.parameter]
            else:
                numbers["estimate"] = path.fixed
            rows.append(
                {"lhs": path.lhs, "op": path.op, "rhs": path.rhs, "label": path.label, **numbers}
            )
        for slope in self.slopes:
            for path in self.syntax.paths:
                if path.op == "~" and path.parameter == slope.parameter:
                    rows.append(
                        {
                            "lhs": path.lhs,
                            "op": "~",
                            "rhs": f"{path.rhs}:{slope.column}",
                            "label": slope.name if path.label else "",
                            **self._parameters[slope.name],
                        }
                    )
        return pd.DataFrame(rows, columns=list(_PATHS))

    @cached_property
    def defined(self) -> pd.DataFrame:
        """Defined parameters, in the columns of `paths`."""
        rows = [
            {"lhs": name, "op": ":=", "rhs": expression.text, "label": name,
             **self._numbers[f"d {name}"]}
            for name, expression in self.syntax.defined
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(_PATHS))

    @cached_property
    def indirect(self) -> pd.DataFrame:
        """Direct, indirect and total effect of each variable on those that it reaches by others.

        Columns source, target, direct, total, indirect, and se, ci_low, ci_high, p_value of the
        indirect effect. With moderators they are those at `moderators_at`.
        """
        model, names, rows = self.problem.model, self.table.variables, []
        for source, target in indirect_pairs(model):
            numbers = self._numbers[f"i {source} {target}"]
            direct = direct_effect(model, self.best, source, target)
            rows.append(
                {
                    "source": names[source],
                    "target": names[target],
                    "direct": direct,
                    "total": direct + numbers["estimate"],
                    "indirect": numbers["estimate"],
                    **{k: numbers[k] for k in NUMBERS[1:]},
                }
            )
        columns = ["source", "target", "direct", "total", "indirect", *NUMBERS[1:]]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def tau2(self) -> pd.DataFrame:
        """Variance of the correlation of each pair of variables between studies.

        Columns var1, var2, n_studies, n_correlations, r (mean that no model restricts), implied
        (by the model, at `moderators_at`), tau2, tau.
        """
        names, cells = self.table.variables, self.table.frame["cell"]
        implied = self.problem.model.at(self.best[: self.problem.model.q]).rho
        variances = self.best[self.problem.Q :]
        return pd.DataFrame(
            {
                "var1": [names[i] for i in self.table.pairs[:, 0]],
                "var2": [names[j] for j in self.table.pairs[:, 1]],
                "n_studies": self.table.cells.seen.sum(axis=0),
                "n_correlations": [int((cells == c).sum()) for c in range(len(variances))],
                "r": self.saturated,
                "implied": implied,
                "tau2": variances,
                "tau": np.sqrt(variances),
            }
        )

    @cached_property
    def per_study(self) -> pd.DataFrame:
        """Defined parameters and indirect effects of each study, from its own correlations.

        Columns study, n, name, estimate, se; NaN where the correlations of a study do not determine
        the model. Sampling errors are those of the model; moderators have no part.
        """
        terms = {
            name: term
            for name, term in self._terms.items()
            if name[0] in "di" and max(term[1], default=0) < self.problem.model.q
        }
        shown = {name: self._called(name) for name in terms}
        return per_study(self.problem, self.table, self.best, terms, shown)

    def _called(self, name: str) -> str:
        kind, _, rest = name.partition(" ")
        if kind == "p":
            return list(self._parameters)[int(rest)]
        if kind == "d":
            return rest
        source, target = (self.table.variables[int(x)] for x in rest.split())
        return f"{source} → {target}, indirect"

    @property
    def residual_variances(self) -> dict[str, float]:
        """What the paths leave of each variable that they lead to; 1 less R²."""
        theta = self.best[: self.problem.model.q]
        residual = self.problem.model.at(theta).residual
        to = {p.lhs for p in self.syntax.paths if p.op == "~"}
        return {v: float(residual[i]) for i, v in enumerate(self.table.variables) if v in to}

    @property
    def moderation(self) -> dict[str, float]:
        """Likelihood ratio of the moderators: chi2, df, p_value; empty without them."""
        if not self.slopes:
            return {}
        chi2 = max(self.minus_two_without_moderators - self.minus_two_log_likelihood, 0.0)
        df = len(self.slopes)
        return {"chi2": chi2, "df": df, "p_value": chi2_p(chi2, df)}

    @property
    def moderators_at(self) -> dict[str, float]:
        """Values of the moderators at which paths stand: means over studies, else 0."""
        return {slope.column: slope.centre for slope in self.slopes}

    @property
    def told(self) -> tuple[Notice, ...]:
        """Notices, with those that the intervals bring."""
        lacking = [
            self._called(name)
            for name, n in self._numbers.items()
            if math.isnan(n["ci_low"] + n["ci_high"])
        ]
        if not lacking:
            return self.notices
        text = f"The likelihood has no limit on one side or both: {', '.join(lacking)}."
        return (*self.notices, notice("MA730", text, severity="note"))

    def to_frame(self) -> pd.DataFrame:
        """Return paths and defined parameters, one below the other."""
        return pd.concat([f for f in (self.paths, self.defined) if len(f)], ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing is None."""
        content = {
            "counts": {
                "n_studies": self.n_studies,
                "n_correlations": len(self.table.frame),
                "n_participants": float(self.table.n.sum()),
            },
            "paths": self.paths.to_dict("records"),
            "defined": self.defined.to_dict("records"),
            "indirect": self.indirect.to_dict("records"),
            "residual_variances": self.residual_variances,
            "tau2": self.tau2.to_dict("records"),
            "minus_two_log_likelihood": self.minus_two_log_likelihood,
            "fit": self.fit.to_dict(),
            "moderation": self.moderation or None,
            "moderators_at": self.moderators_at or None,
            "studies": self.per_study.to_dict("records"),
            "excluded": [str(s) for s in self.table.excluded],
            "timing": list(timing_text(self.table, self.syntax)),
            "notices": [p.to_dict() for p in self.told],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        lines = [*self.head(), *map(self._line, self.to_frame().to_dict("records"))]
        return "\n".join(
            [*lines, *timing_text(self.table, self.syntax), *(p.text for p in self.told)]
        )

    def head(self) -> list[str]:
        """Return counts and fit, a sentence each."""
        fit, counts = self.fit, count_text(len(self.table.frame), "correlation")
        lines = [
            f"Path model of {counts} in {studies_text(self.n_studies)}, one stage",
            f"−2 log likelihood {number(self.minus_two_log_likelihood, 3)}; "
            f"χ²({fit.df}) = {number(fit.chi2, 2)}, p {p_text(fit.p_value)}; "
            f"RMSEA {number(fit.rmsea, 3, correlation=True)} "
            f"{limits(fit.rmsea_low, fit.rmsea_high, correlation=True)}, "
            f"CFI {number(fit.cfi, 3, correlation=True)}, "
            f"SRMR {number(fit.srmr, 3, correlation=True)}"
            + (" (of the model without moderators)" if self.slopes else ""),
        ]
        if self.moderation:
            m = self.moderation
            at = ", ".join(f"{c} = {number(x, 2)}" for c, x in self.moderators_at.items())
            lines.append(
                f"Moderators: χ²({m['df']:.0f}) = {number(m['chi2'], 2)}, p {p_text(m['p_value'])};"
                f" paths are those at {at}"
            )
        return lines

    def _line(self, row: Mapping[Any, Any]) -> str:
        """A path or a defined parameter as text."""
        value = number(row["estimate"], 3, correlation=True)
        label = f" ({row['label']})" if row["label"] and row["op"] != ":=" else ""
        head = f"{row['lhs']} {row['op']} {row['rhs']}{label}: {value}"
        if math.isnan(row["se"]):
            return f"{head}, fixed"
        ends = limits(row["ci_low"], row["ci_high"], correlation=True)
        return f"{head}, {level_text(self.level)} CI {ends}, p {p_text(row['p_value'])}"
