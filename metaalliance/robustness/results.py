"""The result of a multiverse: its specifications, and what each decision does."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray
from metaalliance.models.scale import without_nan
from metaalliance.options import DECISIONS, Scale, check_option
from metaalliance.robustness.decomposition import (
    Switch,
    VarianceShares,
    combine,
    switches,
    variance_shares,
)
from metaalliance.robustness.main_analysis import MainAnalysis
from metaalliance.robustness.specifications import Grid
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import agreeing, count_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the combinations of a grid.

    Attributes
    ----------
    combinations : int
        All options combined.
    impossible : dict of str to int
        Combinations that were left out, by rule.
    equivalent : int
        Combinations that are the same analysis as another one.
    specifications : int
        Analyses that are left.
    distinct : int
        Of these, with a result, and on effects that are not equal to those of another one.
    failed : int
        Of these, without a result.
    effect_sets : int
        Different sets of effects.
    """

    combinations: int
    impossible: Mapping[str, int]
    equivalent: int
    specifications: int
    distinct: int
    failed: int
    effect_sets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the specifications say together.

    Attributes
    ----------
    median, low, high : float
        Median and range of the estimates.
    positive : float
        Share of positive estimates.
    significant : float
        Share with p < 1 - level and the sign of the median.
    opposite : float
        Share with p < 1 - level and the other sign.
    """

    median: float
    low: float
    high: float
    positive: float
    significant: float
    opposite: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Multiverse(InNotebook):
    """Every declared analysis of the same studies.

    Attributes
    ----------
    frame : DataFrame
        A row per specification: `specification`, a column per decision (missing where it
        has no meaning for the model), `estimate`, `ci_low`, `ci_high`, `pi_low`, `pi_high`
        as correlations (on the analysis scale for generic effects), `p_value`, `df`,
        `analysis_estimate` and `se` on the analysis scale, `tau`, `I2`, `n_studies`,
        `n_effects`, `notices`, the `code` and sentence of a `failure` (blank where there is
        none), `same_as` (the specification with equal effects that was fitted), `reference`
        (the main analysis).
    grid : Grid
        The decisions.
    main : MainAnalysis
        What is done when no decision is varied.
    measures : tuple of str
        Analysis scales that occur.
    counts : Counts
        What became of the combinations.
    ids : ndarray of int, one axis per decision
        Row of each combination in `frame`, or -1.
    """

    frame: pd.DataFrame = field(repr=False)
    grid: Grid = field(repr=False)
    main: MainAnalysis
    measures: tuple[str, ...]
    counts: Counts
    ids: IntArray = field(repr=False)
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        return self.main.model.level

    @property
    def is_r(self) -> bool:
        """Whether estimates are correlations."""
        return "generic" not in self.measures

    @property
    def decisions(self) -> tuple[str, ...]:
        """Decisions with more than one option."""
        return self.grid.varied

    @property
    def results(self) -> pd.DataFrame:
        """Specifications that have a result."""
        return self.frame[self.frame["failure"] == ""]

    @property
    def failures(self) -> pd.DataFrame:
        """Specifications that have none: their decisions, the code and the reason."""
        columns = ["specification", *self.decisions, "code", "failure"]
        return self.frame.loc[self.frame["failure"] != "", columns].reset_index(drop=True)

    @property
    def reference(self) -> pd.Series | None:
        """The main analysis, where the grid holds it."""
        found = self.results[self.results["reference"]]
        return None if found.empty else found.iloc[0]

    def curve(self) -> pd.DataFrame:
        """Return distinct specifications with a result, by the size of the estimate.

        The frame of a specification-curve figure: `rank`, `estimate`, `ci_low`, `ci_high`,
        `p_value`, `significant`, `reference`, and a column per decision with several options.
        """
        distinct = self.results[self.results["same_as"].isna()]
        ordered = distinct.sort_values(["estimate", "specification"], kind="stable")
        columns = ["estimate", "ci_low", "ci_high", "p_value", "reference", *self.decisions]
        out = ordered[["specification", *columns]].reset_index(drop=True)
        out.insert(0, "rank", np.arange(1, len(out) + 1))
        out.insert(6, "significant", out["p_value"] < 1 - self.level)
        return out

    def verdict(self) -> Verdict:
        """Return what distinct specifications say together."""
        curve = self.curve()
        estimates = curve["estimate"].to_numpy(dtype=float)
        significant = curve["significant"].to_numpy(dtype=bool)
        median = float(np.median(estimates))
        same = np.sign(estimates) == np.sign(median)
        return Verdict(
            median=median,
            low=float(estimates.min()),
            high=float(estimates.max()),
            positive=float(np.mean(estimates > 0)),
            significant=float(np.mean(significant & same)),
            opposite=float(np.mean(significant & ~same)),
        )

    def decision_table(self) -> pd.DataFrame:
        """Return which decision moves estimate and verdict most, the most important first.

        `share` and `verdict_share` are shares of the variance of estimates and of verdicts over
        all possible combinations (Shapley values; the row "(interactions)" is what decisions do
        together). `alone` is R² of the decision by itself. `mean_move`, `largest_move` and
        `flips` compare pairs of specifications that differ in this decision only: the mean and
        the largest difference of the estimate, and how often the verdict (significant with the
        sign of the median, with the other sign, not significant) differs.
        """
        if "decisions" not in self._tables:
            self._tables["decisions"] = self._decision_table()
        return self._tables["decisions"].copy()

    def _decision_table(self) -> pd.DataFrame:
        estimates, verdicts, codes = self._coded()
        moved, turned = variance_shares(estimates, codes), variance_shares(verdicts, codes)
        every, rows = self._verdicts(), []
        for index, name in enumerate(self.decisions):
            pairs = combine(self._switches(name, every))
            rows.append(
                {
                    "decision": name,
                    "options": len(self.grid.options[name]),
                    "share": moved.shares[index],
                    "alone": moved.alone[index],
                    "verdict_share": turned.shares[index],
                    "pairs": pairs.pairs,
                    "mean_move": pairs.mean_absolute,
                    "largest_move": pairs.largest,
                    "flips": pairs.flips,
                }
            )
        table = pd.DataFrame(rows, columns=_DECISION_COLUMNS)
        table = table.sort_values("share", ascending=False, kind="stable", na_position="last")
        rest = {"decision": "(interactions)", "share": _rest(moved), "verdict_share": _rest(turned)}
        return pd.concat([table, pd.DataFrame([rest])], ignore_index=True)[_DECISION_COLUMNS]

    def option_table(self) -> pd.DataFrame:
        """Return each option: specifications, estimates, share that is significant, and its move.

        `move` is the mean difference of the estimate to the first option of the decision, over
        pairs of specifications that differ in nothing else.
        """
        rows = []
        results, every = self.results, self._verdicts()
        for name in self.decisions:
            moves = {s.second: s.mean for s in self._switches(name, every) if s.first == 0}
            for index, option in enumerate(self.grid.options[name]):
                part = results[results[name] == option]
                rows.append(
                    {
                        "decision": name,
                        "option": option,
                        "specifications": len(part),
                        "mean": part["estimate"].mean(),
                        "low": part["estimate"].min(),
                        "high": part["estimate"].max(),
                        "significant": (part["p_value"] < 1 - self.level).mean(),
                        "move": 0.0 if index == 0 else moves.get(index, math.nan),
                    }
                )
        return pd.DataFrame(rows, columns=_OPTION_COLUMNS)

    def _coded(self) -> tuple[Array, Array, IntArray]:
        """Estimates, verdicts and options of every combination that has a result."""
        estimates = self.frame["estimate"].to_numpy(dtype=float)
        places = np.argwhere(self.ids >= 0)
        rows = self.ids[self.ids >= 0]
        known = np.isfinite(estimates[rows])
        varied = [DECISIONS.index(name) for name in self.decisions]
        verdicts = (self._verdicts() == 1).astype(float)
        return estimates[rows][known], verdicts[rows][known], places[known][:, varied]

    def _verdicts(self) -> IntArray:
        """1 significant with the sign of the median, -1 with the other, 0 not significant."""
        estimates = self.frame["estimate"].to_numpy(dtype=float)
        side = 1.0 if self.verdict().median >= 0 else -1.0
        significant = self.frame["p_value"].to_numpy(dtype=float) < 1 - self.level
        found: IntArray = np.where(significant, np.sign(estimates) * side, 0.0).astype(np.intp)
        return found

    def _switches(self, name: str, verdicts: IntArray) -> list[Switch]:
        estimates = self.frame["estimate"].to_numpy(dtype=float)
        return switches(self.ids, DECISIONS.index(name), estimates, verdicts)

    def to_frame(self, scale: Scale = "r") -> pd.DataFrame:
        """Return a row per specification.

        Parameters
        ----------
        scale : {"r", "analysis"}
            "analysis" gives estimates as they were analysed, which cannot be compared where the
            measure is a decision; their limits are left out.
        """
        check_option("scale", scale, Scale)
        if scale == "r":
            return self.frame.copy()
        out = self.frame.drop(columns=["ci_low", "ci_high", "pi_low", "pi_high"])
        return out.assign(estimate=out["analysis_estimate"]).drop(columns="analysis_estimate")

    def to_dict(self) -> dict[str, Any]:
        """Return counts, verdict, decisions, options, specifications; missing is None."""
        specifications = self.frame.astype(object).where(self.frame.notna(), None)
        content = {
            "settings": {
                "level": self.level,
                "main": self.main.to_record(),
                "grid": {name: list(self.grid.options[name]) for name in DECISIONS},
                "filters": {k: dict(v) for k, v in self.grid.filters.items()},
            },
            "counts": asdict(self.counts),
            "verdict": asdict(self.verdict()),
            "decisions": self.decision_table().to_dict("records"),
            "options": self.option_table().to_dict("records"),
            "specifications": specifications.to_dict("records"),
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result in a few sentences."""
        return "\n".join(_sentences(self))


_DECISION_COLUMNS = [
    "decision", "options", "share", "alone", "verdict_share", "pairs", "mean_move", "largest_move",
    "flips",
]  # fmt: skip
_OPTION_COLUMNS = [
    "decision", "option", "specifications", "mean", "low", "high", "significant", "move",
]  # fmt: skip


def _rest(shares: VarianceShares) -> float:
    return 1 - shares.explained


def _sentences(found: Multiverse) -> list[str]:
    counts, verdict = found.counts, found.verdict()
    name, is_r = "r" if found.is_r else "estimate", found.is_r
    low, median, high = (
        number(x, correlation=is_r) for x in (verdict.low, verdict.median, verdict.high)
    )
    left_out = sum(counts.impossible.values())
    lines = [
        f"{count_text(counts.specifications, 'specification')} of "
        f"{count_text(len(found.decisions), 'decision')}, on "
        f"{counts.effect_sets:,} sets of effects ({counts.combinations:,} combinations: "
        f"{left_out:,} impossible, {counts.equivalent:,} the same as another)",
        f"{name} from {low} to {high}, median {median}",
        f"{number(100 * verdict.significant, 1)}% significant (p < "
        f"{number(1 - found.level, 2, correlation=True)}) with the sign of the median, "
        f"{number(100 * verdict.opposite, 1)}% with the other; "
        f"{number(100 * verdict.positive, 1)}% of the estimates are positive",
    ]
    main = found.reference
    if found.main.absent:
        lines.append(f"The main analysis is not among them: {found.main.absent}")
    elif main is None:
        lines.append("The main analysis has no result")
    else:
        rank = int((found.curve()["estimate"] <= main["estimate"]).sum())
        unlike = "" if counts.distinct == counts.specifications else " unlike results"
        lines.append(
            f"The main analysis gives {number(float(main['estimate']), correlation=is_r)}: number "
            f"{rank:,} of {counts.distinct:,}{unlike} from below"
        )
    if counts.failed:
        lost = found.frame.loc[found.frame["failure"] != "", "selection"]
        models = int((lost != "none").sum())
        own = f", {models:,} of them selection models" if models else ""
        lines.append(
            f"{count_text(counts.failed, 'specification has', 'specifications have')} no result"
            f"{own}; {agreeing(counts.failed, 'its reason is', 'their reasons are')} listed"
        )
    selected = found.frame.loc[found.frame["selection"] != "none", "notices"]
    if codes := Counter(code for text in selected for code in text.split()):
        told = ", ".join(f"{code} in {n:,}" for code, n in sorted(codes.items()))
        lines.append(f"Notices of specifications with a selection model: {told}")
    return lines
