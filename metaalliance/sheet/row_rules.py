"""Rules about one row: is it a study, does it have a sign, do its numbers agree."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from scipy import stats

from metaalliance.core.rules import RULES, Converted
from metaalliance.options import Nonsignificant
from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row
from metaalliance.sheet.statistics import Choice, inputs_of, present_statistics

_SUMMARY = re.compile(
    r"(grand |weighted |overall |pooled )?"
    r"(mean|total|totals|sum|average|overall|pooled|summary|median|sd|min|max|subtotal|"
    r"mittelwert|gesamt|summe|count)( r| effect| es| n)?"
    r"|k\s*=\s*\d+|n\s*=\s*\d+|all studies",
    re.IGNORECASE,
)

#: Statistics whose correlations must agree when they stand in one row.
_COMPARABLE = ("r", "fisher_z", "t", "F", "means", "d", "g", "chi2", "z_stat", "r_squared",
               "eta_squared")  # fmt: skip
#: Largest difference in r that rounding to two decimals explains.
_TOLERANCE = {"chi2": 0.03, "z_stat": 0.05}
_TOLERANCE_DEFAULT = 0.02


def identity_problems(row: Row) -> list[Problem]:
    """A row needs a study, must not be a summary, and has a reason when it is excluded."""
    if not row.study:
        if "study" in row.cells and row.cells["study"].faulty:
            return []
        hint = "enter the label of the study in every row"
        return [row.problem("MA301", "every row needs a study label", "study", hint)]
    if not row.included:
        if row.get("exclusion_reason"):
            return []
        return [row.problem("MA409", "the row is excluded without a reason", "exclusion_reason")]
    if _SUMMARY.fullmatch(row.study.rstrip(":. ")):
        hint = "delete the row, or set include = no with a reason"
        return [row.problem("MA410", "looks like a summary of the rows above", "study", hint)]
    return []


def sign_problems(row: Row, choice: Choice) -> list[Problem]:
    """A statistic without a sign needs one; a signed one must not be contradicted."""
    column = choice.rule.inputs[0]
    if "sign" in row.cells and row.cells["sign"].faulty:
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
    """Return the column that reports "n.s." where the row has no other statistic."""
    present = present_statistics(row)
    if not present:
        coded = row.cells.get("value")
        return "value" if coded is not None and coded.nonsignificant else None
    first = RULES[present[0]].inputs
    for column in first:
        if column in row.cells and row.cells[column].nonsignificant:
            return column
    return None


def nonsignificant_problems(row: Row, column: str, policy: Nonsignificant) -> list[Problem]:
    """Without a policy an error; with one a warning, and what the policy needs."""
    if policy == "error":
        hint = "use --nonsignificant zero, drop or half-p, or enter the statistic"
        return [row.problem("MA315", "'n.s.' holds no value; the team has to choose", column, hint)]
    applied = {
        "zero": "taken as r = 0 (policy: zero)",
        "drop": "dropped (policy: drop)",
        "half-p": "taken as p = .50, two-tailed (policy: half-p)",
    }[policy]
    found = [row.problem("MA316", f"'n.s.' is {applied}", column)]
    if policy == "drop":
        return found
    n = row.get("n")
    if n is None and not (row.has("n") and row.cells["n"].faulty):
        found.append(row.problem("MA403", "a non-significant result needs n", "n"))
    elif n is not None and n <= 3:
        found.append(row.problem("MA321", "Fisher's z needs n > 3", "n"))
    if policy == "half-p" and row.get("sign") is None:
        message = "the policy half-p needs the sign of the non-significant result"
        found.append(row.problem("MA402", message, column, "enter + or − in the sign column"))
    return found


def agreement_problems(row: Row, choice: Choice) -> list[Problem]:
    """Compare the statistic of a row with the others that stand beside it."""
    if choice.statistic not in _COMPARABLE:
        return []
    chosen = choice.convert()
    problems: list[Problem] = []
    for name in present_statistics(row):
        if name in _COMPARABLE and name != choice.statistic and not problems:
            problems += _disagreement(row, choice, chosen, name)
    return problems + _interval_problems(row, choice) + _p_problems(row, choice, chosen)


def _disagreement(row: Row, choice: Choice, chosen: Converted, name: str) -> list[Problem]:
    """One problem when another statistic of the row gives another correlation."""
    rule = RULES[name]
    x = inputs_of(row, rule)
    enough = all(any(a in x for a in needed) for needed in rule.needs)
    if not enough or not all(c in x for c in rule.inputs) or _another_model(x, name):
        return []
    other = rule.convert(x)
    signed = rule.signed and choice.rule.signed
    first, second = (chosen.r, other.r) if signed else (abs(chosen.r), abs(other.r))
    tolerance = max(_TOLERANCE.get(s, _TOLERANCE_DEFAULT) for s in (name, choice.statistic))
    if abs(first - second) <= tolerance:
        return []
    place = rule.inputs[0]
    message = (
        f"{choice.statistic} gives r = {first:.3f} ({row.cells[choice.rule.inputs[0]].cell}) but "
        f"{name} gives r = {second:.3f}"
        if choice.rule.inputs[0] in row.cells
        else f"{choice.statistic} gives r = {first:.3f} but {name} gives r = {second:.3f}"
    )
    hint = "correct one, or name the right one in the statistic column"
    found = row.problem("MA404", message, place, hint)
    return [replace(found, severity="note") if choice.named else found]


def _another_model(x: dict[str, float], name: str) -> bool:
    """Whether the degrees of freedom say that the test comes from a model with covariates."""
    df = x.get("df2", x.get("df")) if name == "F" else x.get("df")
    several = name == "F" and x.get("df1", 1) != 1
    covariates = name in {"t", "F"} and df is not None and "n" in x and df < x["n"] - 2
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
    tails = row.get("tails") or 2
    t = abs(chosen.r) * math.sqrt(chosen.df / (1 - chosen.r**2))
    implied = float(stats.t.sf(t, chosen.df)) * tails
    gap = abs(math.log10(max(implied, 1e-12)) - math.log10(max(reported, 1e-12)))
    if gap <= 0.5 or abs(implied - reported) <= 0.01:
        return []
    message = f"{choice.statistic} implies p = {implied:.3g}, reported is {reported:g}"
    return [row.problem("MA414", message, "p")]


def assumption_problems(row: Row, choice: Choice) -> list[Problem]:
    """Say which usual value a conversion took because none was coded."""
    column = choice.rule.inputs[0]
    return [row.problem("MA413", text, column) for text in choice.convert().assumptions]
