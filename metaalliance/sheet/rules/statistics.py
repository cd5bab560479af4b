"""Which statistic a row reports, and whether everything that its conversion needs is there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from metaalliance.core.conversion.rules import RULES, Converted, Rule
from metaalliance.options import BetaPolicy
from metaalliance.problems import Problem
from metaalliance.sheet.columns.specification import COLUMNS, find_column
from metaalliance.sheet.rows import Row

#: Columns that belong to a statistic of several columns.
_MEMBERS = {member: rule.statistic for rule in RULES.values() for member in rule.inputs}
_NAMES = {"means": "means", "means and sds": "means", "2x2": "cells", "counts": "cells"}
BETA_LIMIT = 0.5
#: Above this Fisher z the correlation is 1 to the last digit.
LARGEST_Z = 18.0
_COMPANIONS = ("n", "df", "df1", "df2", "n1", "n2", "n_predictors", "tails", "r2_model",
               "ci_low", "ci_high", "sd_x", "sd_y", "vi")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The statistic of a row with its inputs by column.

    Attributes
    ----------
    rule : Rule
        Its conversion.
    inputs : dict of str to float
        Numbers that the conversion uses, n completed from group sizes or counts.
    named : bool
        Whether the statistic column names it.
    """

    rule: Rule
    inputs: dict[str, float] = field(repr=False)
    named: bool = False

    @property
    def statistic(self) -> str:
        """Name of the statistic."""
        return self.rule.statistic

    def convert(self, flip: int = 1) -> Converted:
        """Convert to a correlation with its variance, with the sign as reported.

        `flip` is -1 where the direction of the scores will turn the sign. An asymmetric
        formula is applied to the turned statistic, so that the result does not depend on who
        aligned it, the coder or the direction columns.
        """
        if flip > 0 or not self.rule.asymmetric:
            return self.rule.convert(self.inputs)
        column = self.rule.inputs[0]
        found = self.rule.convert({**self.inputs, column: -self.inputs[column]})
        return replace(found, r=-found.r)


def present_statistics(row: Row) -> list[str]:
    """Return the statistics of a row, in the order of precedence, "n.s." and faulty included."""
    return [
        name
        for name, rule in RULES.items()
        if (all if len(rule.inputs) > 1 else any)(row.has(c) for c in rule.inputs)
    ]


def silent(row: Row, statistic: str) -> bool:
    """Whether a statistic of the row is reported as "n.s." without a value."""
    inputs = RULES[statistic].inputs
    return any(row.cells[c].nonsignificant for c in inputs if c in row.cells)


def named_statistic(row: Row) -> str | None:
    """Return the statistic that the statistic column names, "" for a name that is none."""
    text = row.get("statistic")
    if text is None:
        return None
    plain = str(text).strip()
    column = find_column(plain)
    if column in RULES:
        return column
    if column in _MEMBERS:
        return _MEMBERS[column]
    return _NAMES.get(plain.lower(), "")


def inputs_of(row: Row, rule: Rule, override: float | None = None) -> dict[str, float]:
    """Collect the numbers of a row that a rule may use.

    `override` replaces the statistic itself (the value column).
    """
    wanted = (*rule.inputs, *_COMPANIONS)
    inputs = {c: float(row.get(c)) for c in wanted if isinstance(row.get(c), float)}
    if override is not None:
        inputs[rule.inputs[0]] = override
    if "n" not in inputs:
        parts = [
            inputs.get(k) for k in (("n1", "n2") if rule.statistic != "cells" else rule.inputs)
        ]
        if all(p is not None for p in parts):
            inputs["n"] = float(sum(p for p in parts if p is not None))
    return inputs


def sample_size(row: Row) -> float | None:
    """N of a row: coded, or the sum of its groups or counts."""
    for parts in (("n",), ("n1", "n2"), RULES["cells"].inputs):
        values = [row.get(p) for p in parts]
        if all(isinstance(v, float) for v in values):
            return float(sum(values))
    return None


def choose(row: Row, beta: BetaPolicy) -> tuple[Choice | None, list[Problem]]:
    """Return the statistic of an included row, or the problems that prevent it.

    Cells with a fault of their own are reported elsewhere and give no second problem.
    """
    named = named_statistic(row)
    if named == "":
        listed = ", ".join(RULES)
        return None, [row.problem("MA331", f"statistic has {listed}", "statistic")]
    override: float | None = None
    if named is not None:
        statistic: str = named
        override, problems = _override(row, statistic)
        if problems:
            return None, problems
    else:
        present = present_statistics(row)
        if not present:
            return None, _nothing(row)
        statistic = next((s for s in present if not silent(row, s)), present[0])
    rule = RULES[statistic]
    generic = row.cells.get("value")
    waiting = named is not None and override is None and generic is not None and generic.faulty
    if waiting or any(row.cells[c].faulty for c in rule.inputs if c in row.cells):
        return None, []
    if silent(row, statistic) and override is None:
        return None, []
    choice = Choice(rule, inputs_of(row, rule, override), named is not None)
    if _waits(row, choice):
        return None, []
    return choice, _needs(row, choice) or _refusals(row, choice, beta)


def _nothing(row: Row) -> list[Problem]:
    """The row has no statistic; silent where the value cell has a fault of its own."""
    if "value" in row.cells and row.cells["value"].faulty:
        return []
    partial = [c for c in ("mean1", "mean2", "cell_a", "cell_b", "cell_c", "cell_d") if row.has(c)]
    if partial:
        rule = RULES[_MEMBERS[partial[0]]]
        missing = [c for c in rule.inputs if not row.has(c)]
        message = f"{rule.statistic} also needs {', '.join(missing)}"
        return [row.problem("MA403", message, partial[0])]
    if row.get("value") is not None:
        message = "value needs the statistic column to say what it is"
        return [row.problem("MA401", message, "value")]
    hint = "enter a statistic, or set include = no with a reason"
    return [row.problem("MA401", "the row has no statistic", "study", hint)]


def _override(row: Row, statistic: str) -> tuple[float | None, list[Problem]]:
    """Value of a named statistic that stands in the value column."""
    rule = RULES[statistic]
    own = all(row.has(c) for c in rule.inputs)
    generic = row.get("value")
    if own and generic is not None and len(rule.inputs) == 1:
        stated = row.get(rule.inputs[0])
        if stated is not None and stated != generic:
            message = f"value is {generic:g} but {statistic} is {stated:g}"
            return None, [row.problem("MA404", message, "value")]
    if own or ("value" in row.cells and row.cells["value"].faulty):
        return None, []
    if generic is None or len(rule.inputs) > 1:
        message = f"the row names {statistic}, which has no value"
        return None, [row.problem("MA411", message, "statistic")]
    return _in_range(row, rule, float(generic))


def _in_range(row: Row, rule: Rule, value: float) -> tuple[float | None, list[Problem]]:
    """Check a generic value against the range of its statistic."""
    column = COLUMNS[rule.inputs[0]]
    low, high, ends = column.low, column.high, column.open_ends
    below = low is not None and (value <= low if ends else value < low)
    above = high is not None and (value >= high if ends else value > high)
    if not (below or above):
        return value, []
    code = "MA312" if (low, high) == (-1, 1) else "MA313"
    message = f"{rule.statistic} = {value:g} is outside its range"
    return None, [row.problem(code, message, "value")]


def _waits(row: Row, choice: Choice) -> bool:
    """Whether a number that the conversion needs stands in a faulty cell, reported already."""
    return any(
        not any(a in choice.inputs for a in alternatives)
        and any(a in row.cells and row.cells[a].faulty for a in alternatives)
        for alternatives in choice.rule.needs
    )


def _needs(row: Row, choice: Choice) -> list[Problem]:
    """Columns that the conversion needs and the row has not."""
    missing = dict.fromkeys(
        " or ".join(alternatives)
        for alternatives in choice.rule.needs
        if not any(a in choice.inputs for a in alternatives)
    )
    if not missing:
        return []
    wanted = " and ".join(missing)
    message = f"{choice.statistic} needs {wanted}"
    return [row.problem("MA403", message, choice.rule.inputs[0], f"enter {wanted}")]


def _refusals(row: Row, choice: Choice, beta: BetaPolicy) -> list[Problem]:
    """Conversions that would be wrong."""
    x, name = choice.inputs, choice.statistic
    problems = _sizes(row, x, choice) + (_limits(row, x) if name in _RATIOS else [])
    if problems:
        return problems
    if name == "F" and x.get("df1", 1) != 1:
        hint = "use a contrast with one degree of freedom"
        message = f"df1 = {x['df1']:g}, and only df1 = 1 holds one correlation"
        return [row.problem("MA405", message, "df1", hint)]
    if name == "F" and "df2" not in x and x.get("df", 99) <= 3 and "n" in x:
        message = f"df = {x['df']:g} looks like the numerator of F; enter df1 and df2"
        return [row.problem("MA405", message, "df")]
    if name == "chi2" and x.get("df", 1) != 1:
        message = f"chi2 has {x['df']:g} degrees of freedom; one is needed"
        return [row.problem("MA405", message, "df")]
    if name in {"r_squared", "eta_squared"} and x.get("n_predictors", 1) > 1:
        return [row.problem("MA406", f"{name} of {x['n_predictors']:g} predictors", "n_predictors")]
    if name in {"beta", "b"} and x.get("n_predictors") != 1:
        return _beta_refusals(row, choice, beta)
    return _impossible(row, choice) or _degrees(row, choice)


_RATIOS = frozenset({"odds_ratio", "log_odds_ratio"})


def _sizes(row: Row, x: dict[str, float], choice: Choice) -> list[Problem]:
    """N must be the sum of its groups or of the counts."""
    coded = row.get("n")
    cells = choice.statistic == "cells"
    parts = choice.rule.inputs if cells else ("n1", "n2")
    if coded is None or not all(p in x for p in parts):
        return []
    total = sum(x[p] for p in parts)
    if total == coded:
        return []
    return [row.problem("MA415", f"n is {coded:g}, but {' + '.join(parts)} is {total:g}", "n")]


def _limits(row: Row, x: dict[str, float]) -> list[Problem]:
    """Confidence limits of an odds ratio that no odds ratio has."""
    low, high = x.get("ci_low"), x.get("ci_high")
    if low is None or high is None:
        return []
    bounds = (0.0, 1e300) if "odds_ratio" in x else (-500.0, 500.0)
    if not (bounds[0] < low < high < bounds[1]):
        return [row.problem("MA313", f"[{low:g}, {high:g}] cannot be its limits", "ci_low")]
    return []


def _impossible(row: Row, choice: Choice) -> list[Problem]:
    """Values that contradict each other."""
    x, name = choice.inputs, choice.statistic
    column = choice.rule.inputs[0]
    if name == "cells":
        a, b, c, d = (x[k] for k in choice.rule.inputs)
        if 0 in {a + b, c + d, a + c, b + d}:
            return [row.problem("MA313", "a margin of the 2×2 table is zero", column)]
    if name == "semipartial_r" and x["semipartial_r"] ** 2 > x["r2_model"]:
        return [row.problem("MA313", "its square exceeds r2_model", column)]
    if name == "p" and x["p"] == 0:
        message = "p = 0 holds no value; enter the exact p or its bound"
        return [row.problem("MA313", message, "p")]
    if name == "p" and x.get("tails") == 1 and x["p"] > 0.5:
        message = "a one-tailed p above .5 points the other way; enter its complement and the sign"
        return [row.problem("MA313", message, "p")]
    return []


def _beta_refusals(row: Row, choice: Choice, beta: BetaPolicy) -> list[Problem]:
    """Betas that are not converted."""
    x, column = choice.inputs, choice.rule.inputs[0]
    size = x["beta"] if choice.statistic == "beta" else x["b"] * x["sd_x"] / x["sd_y"]
    if beta == "refuse":
        return [row.problem("MA407", "betas are not converted (--beta refuse)", column)]
    if abs(size) > BETA_LIMIT:
        message = f"|beta| = {abs(size):.2f}; the formula holds up to {BETA_LIMIT}"
        return [row.problem("MA407", message, column, "enter t with its df instead")]
    return _degrees(row, choice)


def _degrees(row: Row, choice: Choice) -> list[Problem]:
    """Sample sizes that leave no variance, and values that give |r| = 1."""
    x = choice.inputs
    if choice.statistic == "yi":
        extreme = abs(x["yi"]) > LARGEST_Z
        message = f"|Fisher z| = {abs(x['yi']):g} is no correlation"
        return [row.problem("MA312", message, "yi")] if extreme else []
    column = "n" if "n" in row.cells else choice.rule.inputs[0]
    n = x.get("n")
    floor = 4 if choice.statistic == "kendall_tau" else 3
    if n is not None and n <= floor:
        return [row.problem("MA321", f"Fisher's z needs n > {floor}", column)]
    df = x.get("df2" if choice.statistic == "F" else "df")
    used = choice.statistic in {"t", "F", "p", "partial_r"} or n is None
    if df is not None and used and df <= 1:
        place = "df2" if choice.statistic == "F" else "df"
        return [row.problem("MA321", "Fisher's z needs df > 1", place)]
    partial = choice.statistic == "partial_r" and df is None and n is not None
    if partial and x["n"] - x["n_predictors"] <= 2:
        return [row.problem("MA321", "n is too small for that many predictors", column)]
    try:
        found = choice.convert()
        possible = abs(found.r) < 1 and found.z_variance > 0 and math.isfinite(found.r)
    except (ArithmeticError, ValueError):
        possible = False
    if not possible:
        message = f"{choice.statistic} is too extreme to be a correlation between −1 and 1"
        return [row.problem("MA312", message, choice.rule.inputs[0])]
    return []
