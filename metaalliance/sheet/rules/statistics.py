"""Which statistic a row reports, and whether everything that its conversion needs is there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache

from metaalliance.core.conversion.conversions import Converted, has_test
from metaalliance.core.conversion.rule import Rule
from metaalliance.core.conversion.rules import COMPANIONS, RULES, YI
from metaalliance.options import (
    BetaPolicy,
    Nonsignificant,
    ReadEstimand,
    SheetMeasure,
    Variances,
    YiMeasure,
)
from metaalliance.problems import Problem
from metaalliance.sheet.columns.specification import find_column
from metaalliance.sheet.rows import Row

#: Statistic by column and by other names.
_MEMBERS = {member: rule.statistic for rule in RULES.values() for member in rule.inputs}
_NAMES = {n: rule.statistic for rule in RULES.values() for n in (rule.statistic, *rule.names)}
_GROUPS = frozenset({"n1", "n2"})
#: What stands for a variance or for n, and goes without saying where one of them is missing.
_INSTEAD = ("se", "ci_low", "ci_high")
#: The variance of Fisher's z needs more people than this.
_LEAST = 3
#: Columns that are n, or whose sum is.
_SIZES = tuple(dict.fromkeys((("n",), *(rule.parts for rule in RULES.values()))))
#: Effects computed already whose scale nobody says.
_UNSCALED = replace(YI["z"], needs=RULES["yi"].needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What decides how a sheet is read: the settings of `Policy` that are called so.

    `estimand` may also be "each", for what tells rows of several estimands apart.
    """

    measure: SheetMeasure = "z"
    nonsignificant: Nonsignificant = "error"
    beta: BetaPolicy = "peterson-brown"
    yi_measure: YiMeasure | None = None
    estimand: ReadEstimand | None = None


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
    scale : str or None
        What `yi_measure` says of yi.
    """

    rule: Rule
    inputs: dict[str, float] = field(repr=False)
    named: bool = False
    scale: str | None = None
    _found: Converted | None = field(default=None, init=False, repr=False)

    @property
    def statistic(self) -> str:
        """Name of the statistic."""
        return self.rule.statistic

    @property
    def sized(self) -> bool:
        """Whether group sizes or counts give its variance."""
        return self.rule.has_sizes(self.inputs)

    def convert(self, flip: int = 1, variances: Variances = "delta") -> Converted:
        """Convert to a correlation with its variance, with the sign as reported.

        `flip` is -1 where the direction of the scores will turn the sign. The asymmetric
        formula of regression coefficients is applied to the turned statistic, so that the
        result does not depend on who aligned it, the coder or the direction columns.
        """
        if flip > 0 or not self.rule.coefficient:
            if variances != "delta":
                return self.rule.convert(self.inputs, variances)
            if self._found is None:  # several rules ask
                object.__setattr__(self, "_found", self.rule.convert(self.inputs))
            return self._found  # type: ignore[return-value]
        column = self.rule.inputs[0]
        found = self.rule.convert({**self.inputs, column: -self.inputs[column]}, variances)
        return replace(found, r=-found.r)


def present_statistics(row: Row) -> list[str]:
    """Return the statistics of a row, in the order of precedence, "n.s." and faulty included."""
    return [*_present(row.said)]


@lru_cache(maxsize=4096)  # most rows of a sheet have the same columns
def _present(said: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name, rule in RULES.items() if said.issuperset(rule.inputs))


def silent(row: Row, statistic: str) -> bool:
    """Whether a statistic of the row is reported as "n.s." without a value."""
    return any(map(row.is_silent, RULES[statistic].inputs))


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
    wanted = _wanted(rule.inputs, (*rule.needs, rule.parts, rule.counts), row.said)
    inputs = {c: value for c in wanted if isinstance(value := row.get(c), float)}
    if override is not None:
        inputs[rule.inputs[0]] = override
    if "n" not in inputs:
        parts = [inputs[k] for k in rule.parts if k in inputs]
        if len(parts) == len(rule.parts):
            inputs["n"] = float(sum(parts))
    elif rule.grouped and len(_GROUPS & inputs.keys()) == 1:
        (known,) = _GROUPS & inputs.keys()
        if inputs["n"] - inputs[known] >= 1:
            inputs[min(_GROUPS - {known})] = inputs["n"] - inputs[known]
    return inputs


@lru_cache(maxsize=4096)
def _wanted(
    own: tuple[str, ...], needs: tuple[tuple[str, ...], ...], said: frozenset[str]
) -> tuple[str, ...]:
    """Columns that a rule may use, of those that say something."""
    wanted = dict.fromkeys((*own, *COMPANIONS, *(c for one_of in needs for c in one_of)))
    return tuple(c for c in wanted if c in said)


def sample_size(row: Row) -> float | None:
    """N of a row: coded, or the sum of its groups or counts."""
    for parts in _SIZES:
        values = [row.get(p) for p in parts]
        if all(isinstance(v, float) for v in values):
            return float(sum(values))
    return None


def choose(row: Row, reading: Reading) -> tuple[Choice | None, list[Problem]]:
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
        if statistic == "r" and "fisher_z" in present and row.has("se"):
            statistic = "fisher_z"  # beside both, a standard error is that of z, as CMA prints it
    rule = RULES[statistic]
    waiting = named is not None and override is None and row.is_faulty("value")
    if waiting or any(map(row.is_faulty, rule.inputs)):
        return None, []
    if silent(row, statistic) and override is None:
        return None, []
    scale = None
    if statistic == "yi":
        if row.is_faulty("yi_measure"):
            return None, []
        scale = row.get("yi_measure") or reading.yi_measure
        rule = YI[scale] if scale else _UNSCALED
    choice = Choice(rule, inputs_of(row, rule, override), named is not None, scale)
    if _waits(row, choice):
        return None, []
    return choice, _needs(row, choice) or _refusals(row, choice, reading)


def _nothing(row: Row) -> list[Problem]:
    """The row has no statistic; silent where the value cell has a fault of its own."""
    if row.is_faulty("value"):
        return []
    for rule in RULES.values():
        begun = next((c for c in rule.begun_by or rule.inputs if row.has(c)), None)
        if begun is not None:
            missing = [c for c in rule.inputs if not row.has(c)]
            message = f"{rule.statistic} also needs {', '.join(missing)}"
            return [row.problem("MA403", message, begun)]
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
    if own or row.is_faulty("value"):
        return None, []
    if generic is None or len(rule.inputs) > 1:
        message = f"the row names {statistic}, which has no value"
        return None, [row.problem("MA411", message, "statistic")]
    return _in_range(row, rule, float(generic))


def _in_range(row: Row, rule: Rule, value: float) -> tuple[float | None, list[Problem]]:
    """Check a generic value against the range of its statistic."""
    if rule.columns[0].holds(value):
        return value, []
    code = "MA312" if rule.columns[0].is_correlation else "MA313"
    message = f"{rule.statistic} = {value:g} is outside its range"
    return None, [row.problem(code, message, "value")]


def _waits(row: Row, choice: Choice) -> bool:
    """Whether a number that the conversion needs stands in a faulty cell, reported already."""
    missing = choice.rule.missing(choice.inputs)
    instead = _INSTEAD if choice.rule.spread else ()
    return any(row.is_faulty(c) for one_of in missing for c in (*one_of, *instead))


def _needs(row: Row, choice: Choice) -> list[Problem]:
    """Columns that the conversion needs and the row has not."""
    missing = choice.rule.missing(choice.inputs)
    if not missing:
        return []
    wanted, column = _worded(missing), choice.rule.inputs[0]
    message, hint = f"{choice.statistic} needs {wanted}", f"enter {wanted}"
    if choice.rule.spread and any("n" in one_of for one_of in choice.rule.needs):
        own = "se or " if choice.rule.spread.takes_se else ""
        hint += f", or its {own}ci_low and ci_high where n is not known"
    elif "p" in missing[0]:
        hint += f"; the limits or the p of {column} serve, too"
    return [row.problem("MA403", message, column, hint)]


def _worded(missing: list[tuple[str, ...]]) -> str:
    """Say what is missing: one column of each tuple; "a, or b and c" for a or b and a or c."""
    named = (tuple(c for c in one_of if c not in (*_INSTEAD, "p")) for one_of in missing)
    groups = list(dict.fromkeys(named))
    for name in dict.fromkeys(c for group in groups for c in group):
        others = [tuple(c for c in group if c != name) for group in groups if name in group]
        if len(others) > 1 and all(others):
            rest = [group for group in groups if name not in group]
            both = f"{name}, or {' and '.join(dict.fromkeys(' or '.join(o) for o in others))}"
            return "; and ".join([both, *dict.fromkeys(" or ".join(group) for group in rest)])
    return " and ".join(dict.fromkeys(" or ".join(group) for group in groups))


def _refusals(row: Row, choice: Choice, reading: Reading) -> list[Problem]:
    """Conversions that would be wrong."""
    rule, x = choice.rule, choice.inputs
    unequal = _sizes(row, choice)
    if unequal:
        return unequal
    formula = rule.coefficient and x.get("n_predictors") != 1 and not has_test(x)
    if formula and reading.beta == "refuse":
        message = "betas are not converted (--beta refuse)"
        return [row.problem("MA407", message, rule.inputs[0])]
    refused = next((found for refuse in rule.refusals if (found := refuse(x))), None)
    if refused is not None:
        computed = refused.column == "n" and "n" not in row.cells
        place = rule.inputs[0] if computed else refused.column
        return [row.problem(refused.code, refused.message, place, refused.hint)]
    return _degrees(row, choice, reading.measure) or _too_extreme(row, choice)


def _sizes(row: Row, choice: Choice) -> list[Problem]:
    """N must be the sum of its groups or of the counts."""
    coded, x, parts = row.get("n"), choice.inputs, choice.rule.parts
    if coded is None:
        return []
    if choice.rule.grouped:
        larger = next((g for g in sorted(_GROUPS & x.keys()) if x[g] >= coded), None)
        if larger is not None:
            return [row.problem("MA415", f"n is {coded:g}, but {larger} is {x[larger]:g}", "n")]
    if not all(p in x for p in parts):
        return []
    total = sum(x[p] for p in parts)
    if total == coded:
        return []
    return [row.problem("MA415", f"n is {coded:g}, but {' + '.join(parts)} is {total:g}", "n")]


def _degrees(row: Row, choice: Choice, measure: SheetMeasure) -> list[Problem]:
    """Sample sizes that leave no variance; that of r itself takes one person less."""
    rule, n = choice.rule, choice.inputs.get("n")
    if rule.least_n is None:
        return []
    less = 1 if measure == "r" and rule.least_n == _LEAST else 0
    what = "r" if less else "Fisher's z"
    hint = "" if less or n != _LEAST == rule.least_n else "n = 3 will do with --measure r"
    if n is not None and n <= rule.least_n - less:
        place = "n" if "n" in row.cells else rule.inputs[0]
        return [row.problem("MA321", f"{what} needs n > {rule.least_n - less}", place, hint)]
    column = rule.df or "df"
    df = choice.inputs.get(column)
    if df is not None and df <= 1 - less and (rule.df or n is None):
        return [row.problem("MA321", f"{what} needs df > {1 - less}", column)]
    return []


def _too_extreme(row: Row, choice: Choice) -> list[Problem]:
    """Values that give no correlation inside its bounds."""
    try:
        found = choice.convert()
        possible = abs(found.r) < 1 and found.z_variance > 0 and math.isfinite(found.r)
    except (ArithmeticError, ValueError):
        possible = False
    if possible:
        return []
    message = f"{choice.statistic} is too extreme to be a correlation between −1 and 1"
    return [row.problem("MA312", message, choice.rule.inputs[0])]
