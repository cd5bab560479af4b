"""Rules about one row: is it a study, does it have a sign, do its numbers agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from metaalliance.core.conversion.conversions import Converted
from metaalliance.core.conversion.quantities import DF1
from metaalliance.core.conversion.rule import Rule
from metaalliance.core.conversion.rules import ROUNDING, RULES
from metaalliance.core.distributions import t_sf
from metaalliance.options import Nonsignificant
from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.against_n import df_problems, spread_problems, variance_problems
from metaalliance.sheet.rules.signs import sign_of
from metaalliance.sheet.rules.statistics import (
    Choice,
    inputs_of,
    named_statistic,
    present_statistics,
    sample_size,
    silent,
)
from metaalliance.sheet.rules.summary import is_summary

#: Two groups of which one is smaller do not explain that r is smaller than d says.
SMALLEST_SHARE = 0.05
#: Tests of a coefficient that stand beside it.
_TESTS = frozenset({"t", "F", "chi2", "z_stat", "p"})
#: Statistics that may differ in sign from a correlation near 0, or were aligned already.
_OTHER_SIGNS = frozenset({"spearman_rho", "kendall_tau", "yi"})
_CORRECT = "correct one, or name the right one in the statistic column"
_SECOND = (
    "correct one; if r2 is no square but a second correlation, name them r1 and r2 and use "
    "metaalliance import"
)


def identity_problems(row: Row) -> list[Problem]:
    """A row needs a study, must not be a summary, and has a reason when it is excluded."""
    if not row.study and row.included:
        if row.is_faulty("study"):
            return []
        hint = (
            'enter the label of the study in every row, or set fill_down = ["study"] in '
            "metaalliance.toml where it stands in the first row only"
        )
        return [row.problem("MA301", "every row needs a study label", "study", hint)]
    if not row.included:
        if row.get("exclusion_reason"):
            return []
        return [row.problem("MA409", "the row is excluded without a reason", "exclusion_reason")]
    if is_summary(row.study):
        hint = "delete the row, or set include = no with a reason"
        return [row.problem("MA410", "looks like a summary of the rows above", "study", hint)]
    return []


def sign_problems(row: Row, choice: Choice) -> list[Problem]:
    """A statistic without a sign needs one; a signed one must not be contradicted."""
    column = choice.rule.inputs[0]
    if row.is_faulty("sign"):
        return []
    sign = row.get("sign")
    if not choice.rule.signed:
        if sign is None:
            message = f"{choice.statistic} carries no sign and the sign column is blank"
            hint = "enter + or − : the sign of the reported association"
            return [row.problem("MA402", message, column, hint)]
        return []
    r = choice.convert().r
    if sign is not None and r != 0 and (sign == "+") != (r > 0):
        message = f"sign is {sign} but {choice.statistic} is {'positive' if r > 0 else 'negative'}"
        return [row.problem("MA408", message, "sign")]
    return []


def nonsignificant_column(row: Row) -> str | None:
    """Return the column that reports "n.s." where the row has no statistic to convert."""
    named = named_statistic(row)
    present = [named] if named else present_statistics(row)
    if row.is_silent("value") and not any(map(row.has, _own(present))):
        return "value"
    if not present or not all(silent(row, name) for name in present if name in RULES):
        return None
    if named and row.get("value") is not None:
        return None
    inputs = _own(present)
    return next(filter(row.is_silent, inputs), None)


def _own(statistics: list[str]) -> list[str]:
    """Columns of statistics."""
    return [c for name in statistics if name in RULES for c in RULES[name].inputs]


def nonsignificant_problems(row: Row, column: str, policy: Nonsignificant) -> list[Problem]:
    """Without a policy an error; with one a warning, and what the policy needs."""
    if policy == "error":
        hint = "use --nonsignificant zero, drop, half-p or censored, or enter the statistic"
        return [row.problem("MA315", "'n.s.' holds no value; the team has to choose", column, hint)]
    applied = {
        "zero": "taken as r = 0 (policy: zero)",
        "drop": "dropped (policy: drop)",
        "half-p": "taken as p = .50, two-tailed (policy: half-p)",
        "censored": "taken as an interval: |r| below its critical value (policy: censored)",
    }[policy]
    found = [row.problem("MA316", f"'n.s.' is {applied}", column)]
    if policy == "drop":
        return found
    n = sample_size(row)
    if n is None and not (row.is_faulty("n")):
        found.append(row.problem("MA403", "a non-significant result needs n", "n"))
    elif n is not None and n <= 3:
        found.append(row.problem("MA321", "Fisher's z needs n > 3", "n"))
    if policy == "half-p" and row.get("sign") is None:
        message = "the policy half-p needs the sign of the non-significant result"
        found.append(row.problem("MA402", message, column, "enter + or − in the sign column"))
    if policy == "censored" and row.get("tails") == 1 and row.get("sign") is None:
        message = "the policy censored needs the sign of a result that a one-tailed test missed"
        found.append(row.problem("MA402", message, column, "enter + or − in the sign column"))
    return found


def agreement_problems(row: Row, choice: Choice) -> list[Problem]:
    """Compare the statistic of a row with the others that stand beside it."""
    chosen = choice.convert()
    others = [RULES[name] for name in present_statistics(row) if name != choice.statistic]
    found = (
        _disagreement(row, choice, chosen, rule) or _opposed(row, choice, chosen, rule)
        for rule in others
    )
    problems = next((problem for problem in found if problem), [])
    problems = problems + _interval_problems(row, choice)
    return (
        problems if choice.rule.tolerance is None else problems + _p_problems(row, choice, chosen)
    )


def _opposed(row: Row, choice: Choice, chosen: Converted, rule: Rule) -> list[Problem]:
    """One problem when another statistic of the row has another sign, whatever its size.

    A correlation may differ in sign from what is adjusted for other variables; a test may not
    differ from its coefficient.
    """
    x = inputs_of(row, rule)
    said = choice.rule.signed and not rule.signed  # the sign column is compared elsewhere
    aligned = row.flip < 0 and rule.statistic == "yi"  # perhaps turned already
    if said or aligned or abs(chosen.r) <= ROUNDING or not all(c in x for c in rule.inputs):
        return []
    try:
        own, other = sign_of(row, choice.rule, choice.inputs), sign_of(row, rule, x)
    except (ArithmeticError, ValueError):
        return []
    if own * other >= 0:
        return []
    signs = {1: "positive", -1: "negative"}
    message = f"{choice.statistic} is {signs[own]}, {rule.statistic} is {signs[other]}"
    if _may_oppose(choice, rule, x):
        return [row.problem("MA347", message, rule.inputs[0])]
    found = row.problem("MA404", message, rule.inputs[0], _CORRECT)
    return [replace(found, severity="note") if choice.named else found]


def _may_oppose(choice: Choice, rule: Rule, x: dict[str, float]) -> bool:
    """Whether two statistics answer different questions, so that their signs may differ."""
    first, second = choice.rule, rule
    if {first.statistic, second.statistic} & _OTHER_SIGNS:
        return True
    adjusted = [
        r.adjusted or (bool(r.df) and _another_model(i, r))
        for r, i in ((first, choice.inputs), (second, x))
    ]
    of_one = (first.statistic in _TESTS and second.adjusted) or (
        second.statistic in _TESTS and first.adjusted
    )
    return adjusted[0] != adjusted[1] and not of_one


def _disagreement(row: Row, choice: Choice, chosen: Converted, rule: Rule) -> list[Problem]:
    """One problem when another statistic of the row gives another correlation."""
    if rule.tolerance is None or choice.rule.tolerance is None:
        return []
    x = inputs_of(row, rule)
    if rule.missing(x) or not all(c in x for c in rule.inputs) or _another_model(x, rule):
        return []
    try:
        other = rule.convert(x)
    except (ArithmeticError, ValueError):
        return []
    signed = rule.signed and choice.rule.signed
    first, second = (chosen.r, other.r) if signed else (abs(chosen.r), abs(other.r))
    if abs(first - second) <= max(rule.tolerance, choice.rule.tolerance):
        return []
    share = _smaller_group(first, second) if _equal_groups(rule, x) else None
    if share is not None:
        message = (
            f"{rule.statistic} gives r = {second:.3f} for groups of equal size; r = {first:.3f} is "
            f"that of groups of {share:.0%} and {1 - share:.0%}"
        )
        return [row.problem("MA427", message, rule.inputs[0])]
    place = rule.inputs[0]
    coded = row.cells.get(choice.rule.inputs[0])
    where = f" ({coded.cell})" if coded else ""
    message = (
        f"{choice.statistic} gives r = {first:.3f}{where} but {rule.statistic} gives r = "
        f"{second:.3f}"
    )
    both = {choice.statistic, rule.statistic} == {"r", "r_squared"}
    found = row.problem("MA404", message, place, _SECOND if both else _CORRECT)
    return [replace(found, severity="note") if choice.named else found]


def _equal_groups(rule: Rule, x: dict[str, float]) -> bool:
    """Whether a conversion takes groups as equal because their sizes are not coded."""
    return rule.statistic in {"d", "g"} and not {"n1", "n2"} <= x.keys()


def _smaller_group(r: float, equal: float) -> float | None:
    """Share of the smaller of two groups in which the d behind `equal` gives r; None if tiny."""
    if r * equal <= 0 or abs(r) >= abs(equal) or abs(equal) >= 1:
        return None
    product = r**2 * (1 - equal**2) / (4 * equal**2 * (1 - r**2))  # p (1 − p) = 1 / h
    share = (1 - math.sqrt(1 - 4 * product)) / 2
    return share if share >= SMALLEST_SHARE else None


def _another_model(x: dict[str, float], rule: Rule) -> bool:
    """Whether the degrees of freedom say that the test comes from a model with covariates."""
    df = x.get(rule.df, x.get("df")) if rule.df else None
    several = DF1 in rule.beside and x.get("df1", 1) != 1
    covariates = df is not None and "n" in x and df < x["n"] - 2
    return several or covariates or x.get("n_predictors", 1) > 1


def _interval_problems(row: Row, choice: Choice) -> list[Problem]:
    """The reported confidence limits must contain the reported value."""
    low, high = row.get("ci_low"), row.get("ci_high")
    column = choice.rule.inputs[0]
    value = choice.inputs.get(column)
    if low is None or high is None or value is None or len(choice.rule.inputs) > 1:
        return []
    if low <= value <= high:
        return []
    message = f"{column} = {value:g} lies outside [{low:g}, {high:g}]"
    return [row.problem("MA412", message, column)]


def _p_problems(row: Row, choice: Choice, chosen: Converted) -> list[Problem]:
    """A reported p far from the implied one is worth a look."""
    reported = row.get("p")
    if choice.statistic == "p" or reported is None or chosen.df is None or reported == 0:
        return []
    if row.is_faulty("tails"):
        return []
    tails = row.get("tails") or 2
    t = abs(chosen.r) * math.sqrt(chosen.df / (1 - chosen.r**2))
    implied = float(t_sf(t, chosen.df)) * tails
    gap = abs(math.log10(max(implied, 1e-12)) - math.log10(max(reported, 1e-12)))
    if gap <= 0.5 or abs(implied - reported) <= 0.01:
        return []
    message = f"{choice.statistic} implies p = {implied:.3g}, reported is {reported:g}"
    return [row.problem("MA414", message, "p")]


def assumption_problems(row: Row, choice: Choice) -> list[Problem]:
    """Say which usual value a conversion took because none was coded."""
    column = choice.rule.inputs[0]
    return [row.problem("MA413", text, column) for text in choice.convert().assumptions]


#: Rules about a row whose statistic is chosen, in the order of their problems.
ROW_RULES: tuple[Callable[[Row, Choice], list[Problem]], ...] = (
    sign_problems,
    agreement_problems,
    df_problems,
    spread_problems,
    variance_problems,
    assumption_problems,
)


def row_problems(row: Row, choice: Choice) -> list[Problem]:
    """Return the problems of an included row whose statistic is chosen."""
    return [problem for rule in ROW_RULES for problem in rule(row, choice)]
