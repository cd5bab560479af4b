"""Rules about the statistics of all rows together: scales, adjustment, proportions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from metaalliance.core.conversion.rules import YI_SCALES
from metaalliance.problems import Problem
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.percentages import says_percent
from metaalliance.sheet.rows import Row, columns_of
from metaalliance.sheet.rules.against_n import FACTOR, yi_variances
from metaalliance.sheet.rules.statistics import Choice
from metaalliance.wording.phrases import agreeing


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Rows with the statistic that each is read by.

    Attributes
    ----------
    rows : list of Row
        The rows; those without a statistic are passed over.
    choices : mapping of int to Choice
        The statistics by row number.
    """

    rows: Sequence[Row]
    choices: Mapping[int, Choice]

    def __post_init__(self) -> None:
        known = [row for row in self.rows if row.number in self.choices]
        object.__setattr__(self, "rows", known)

    def __iter__(self) -> Iterator[tuple[Row, Choice]]:
        return ((row, self.choices[row.number]) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)


#: Some of them.
_Some = Sequence[tuple[Row, Choice]]
#: How near a variance is to that of a scale to suggest it.
_NEAR = 0.15
#: The same where rounding alone may differ, in logarithms: two scales whose variances are alike.
_SAME = 0.03
_PERCENTAGES = ("percent_female", "percent_minority")
_ASK = 'say it in a column yi_measure, or yi_measure = "g" in metaalliance.toml: z, r, d, g, log_or'


def statistic_problems(chosen: Chosen) -> list[Problem]:
    """Return the problems of the rows with a statistic, taken together."""
    return [problem for rule in STATISTIC_RULES for problem in rule(chosen)]


def scale_problems(chosen: Chosen) -> list[Problem]:
    """Effects computed already, whose scale nobody says."""
    silent = [(r, c) for r, c in chosen if c.statistic == "yi" and c.scale is None]
    if not silent:
        return []
    blind = [(r, c) for r, c in silent if "n" not in c.inputs]
    if blind:
        message = f"yi has neither a scale nor n in {_rows(blind, silent)}"
        return [blind[0][0].problem("MA416", message, "yi", _ASK)]
    wrong = silent if _like_r(silent) else [(r, c) for r, c in silent if _contradicts(c)]
    if wrong:
        return [_contradiction(wrong, silent)]
    message = f"yi is taken as Fisher z in {_rows(silent, silent)}; its variance agrees with n"
    return [silent[0][0].problem("MA425", message, "yi", _ASK)]


def _rows(some: _Some, of: _Some) -> str:
    total = f"{len(of)} row{'' if len(of) == 1 else 's'}"
    return total if len(some) == len(of) else f"{len(some)} of {total}"


def _ratio(choice: Choice, scale: str) -> float:
    given, expected, _ = yi_variances(choice, scale)
    return given / expected if expected > 0 else float("inf")


def _contradicts(choice: Choice) -> bool:
    """Whether the variance is far from that of Fisher z."""
    return not 1 / FACTOR <= _ratio(choice, "z") <= FACTOR


def _like_r(silent: _Some) -> bool:
    """Whether the variances are those of r, which is near Fisher z and still another scale."""
    if any(abs(c.inputs["yi"]) >= 1 for _, c in silent):
        return False
    of_r, of_z = (median(abs(math.log(_ratio(c, s))) for _, c in silent) for s in ("r", "z"))
    return of_r <= _SAME and of_z > 3 * of_r + _SAME


def _contradiction(wrong: _Some, silent: _Some) -> Problem:
    row, first = wrong[0]
    ratio = median(_ratio(c, "z") for _, c in wrong)
    near = [
        scale for scale in YI_SCALES
        if scale != "z" and all(scale != "r" or abs(c.inputs["yi"]) < 1 for _, c in wrong)
        and abs(median(_ratio(c, scale) for _, c in wrong) - 1) <= _NEAR
    ]  # fmt: skip
    like = f", as on the scale of {' or '.join(near)}" if near else ""
    message = (
        f"vi · (n − 3) is about {ratio:.2g} in {_rows(wrong, silent)}; of Fisher z it is 1{like}"
    )
    column = next(c for c in ("vi", "sei", "se", "ci_low") if c in first.inputs)
    return row.problem("MA417", message, column, _ASK)


def adjusted_problems(chosen: Chosen) -> list[Problem]:
    """Correlations that hold other variables constant, beside others that do not."""
    adjusted = [(r, c) for r, c in chosen if _adjusted(r, c)]
    if not adjusted or len(adjusted) == len(chosen):
        return []
    row, choice = adjusted[0]
    kinds = ", ".join(dict.fromkeys(_how(r, c) for r, c in adjusted))
    message = (
        f"{len(adjusted)} of {len(chosen)} effects {agreeing(len(adjusted), 'is', 'are')} adjusted "
        f"for other variables ({kinds}), the others are not"
    )
    column = "adjusted_for" if row.get("adjusted_for") else choice.rule.inputs[0]
    return [row.problem("MA428", message, column)]


def _adjusted(row: Row, choice: Choice) -> bool:
    said = row.get("adjusted_for")
    if said is not None:
        return bool(said != "none")
    several = bool(choice.rule.df) and choice.inputs.get("n_predictors", 1) > 1
    one = choice.rule.coefficient and choice.inputs.get("n_predictors") == 1
    return several or (choice.rule.adjusted and not one)


def _how(row: Row, choice: Choice) -> str:
    return str(row.get("adjusted_for") or choice.statistic)


def proportion_problems(chosen: Chosen) -> list[Problem]:
    """Proportions in a column of percentages."""
    problems = []
    present = columns_of(chosen.rows)
    own = {c for c in present if c not in COLUMNS and says_percent(c)}
    for column in (*(c for c in _PERCENTAGES if c in present), *sorted(own)):
        coded = [r for r in chosen.rows if isinstance(r.get(column), float) and r.get(column) > 0]
        small = [r for r in coded if r.get(column) < 1]
        whole = [r for r in coded if r.get(column) > 1]
        if not small or (column in own and not whole):
            continue
        count = f"{len(small)} of {len(coded)} values lie below 1"
        message = f"{count}: proportions among percentages" if whole else f"{count}: proportions?"
        hint = f"enter {100 * small[0].get(column):g} for {small[0].get(column):g}"
        problems.append(small[0].problem("MA340", message, column, hint))
    return problems


#: Rules about rows with their statistics, in the order of their problems.
STATISTIC_RULES: tuple[Callable[[Chosen], list[Problem]], ...] = (
    scale_problems,
    adjusted_problems,
    proportion_problems,
)
