"""Rules about the direction of the outcome: blank, or against what is known of the measure."""

from __future__ import annotations

import re
from functools import lru_cache

from metaalliance.core.conversion.rules import RULES
from metaalliance.problems import Problem
from metaalliance.sheet.columns.vocabularies import OUTCOME_MEASURE, TOTALS, names_in
from metaalliance.sheet.rows import Row
from metaalliance.wording.phrases import agreeing, count_text

_SIGNED = (
    *(rule.inputs[0] for rule in RULES.values() if rule.signed and len(rule.inputs) == 1),
    "value",
)
_DIRECTIONS = {"better": "higher_better", "worse": "lower_better"}
_OPPOSITE = {"higher_better": "lower_better", "lower_better": "higher_better"}
#: Events and conduct of which more is worse, and those of which more is better.
_WORSE = re.compile(
    r"\b(?:drop\w*[-\s]?outs?\b|attrition|(?:premature|early|unilateral) termination|relaps"
    r"|recurrence|re-?admission|re-?hospitali[sz]|recidiv|re-?offen[dcs]"
    r"|discontinuation(?! of (?:medic|drug|anti|benzo|smok|use)))",
    re.IGNORECASE,
)
_BETTER = re.compile(
    r"\b(?:retention|completion|completers?\b|sessions completed|completed sessions|attend|adheren"
    r"|complian|homework|engagement|remission|remitted|recover|abstinen"
    r"|(?:remain|stay)\w* in (?:treatment|therapy))",
    re.IGNORECASE,
)
#: Good ends, which an instrument of symptoms may define.
_ENDS = re.compile(r"\b(?:remission|remitted|recover|abstinen)", re.IGNORECASE)
#: Sessions that did not take place: one event, whose words would turn it round elsewhere.
_MISSED = re.compile(
    r"(?:missed|cancell?ed) (?:session|appointment|visit)s?"
    r"|(?:session|appointment|visit)s? (?:missed|cancell?ed)|no-?shows?",
    re.IGNORECASE,
)
#: States of which more is better, unless the measure counts what is wrong with them.
_STATES = re.compile(
    r"\b(?:satisfaction|functioning|well[-\s]?being|quality of life)", re.IGNORECASE
)
#: Words for what is wrong, under a name that is no known scale: it may have been reversed.
_AILMENTS = re.compile(
    r"symptom|distress|severity|problem|impair|disab|difficult|burden|dysfunction|complaint"
    r"|lonel|burn-?out|unemploy|\bsick|delinquen|hopeless|aggress|offen[cs]e",
    re.IGNORECASE,
)
#: What stands beside a good event and makes it something else: a barrier to engagement.
_SPOILED = re.compile(r"problem|difficult|barrier|obstacle|syndrome|refus", re.IGNORECASE)
#: Changes, and words that turn what stands beside them: nothing is known of such names.
_TURNED = re.compile(
    r"change|improve|respon[sd]|\bgain|reduc|revers|free\b|prevent|dissatisf|disengag|\bnon"
    r"|\bavoid(?:ance of|ing|ed)\b|\b(?:time|days?|weeks?|months?|years?)[-\s](?:to|until|till"
    r"|before|without|in)\b|\b(?:length|duration) of (?:stay|treatment|therapy)|surviv|laten|delay"
    r"|\b(?:no|not|without|lack|poor|low|few\w*|less|miss\w*|cancel\w*|absen\w*|fail\w*)\b",
    re.IGNORECASE,
)
#: Parts of instruments on which a higher score is worse that count the same way.
PARTS = frozenset({
    "depression", "depressive", "anxiety", "anxious", "stress", "distress", "state", "trait",
    "negative", "general", "psychopathology", "severity", "symptom", "symptoms", "gsi",
    "intrusion", "intrusions", "avoidance", "hyperarousal", "fear", "obsessions", "compulsions",
    "restraint", "internalizing", "internalising", "externalizing", "externalising", "somatization",
    "somatisation", "hostility", "psychoticism", "problems", "difficulties", "disability",
    "impairment", "self", "report", "rated", "clinician",
})  # fmt: skip


def direction_problems(rows: list[Row]) -> list[Problem]:
    """Blank directions once for all rows; and directions that contradict a known measure."""
    return [
        *_blank_directions(rows),
        *_not_applied(rows),
        *(p for row in rows for p in _reversed(row)),
    ]


def _blank_directions(rows: list[Row]) -> list[Problem]:
    """One warning for all rows without a direction, naming those most likely not aligned."""
    blank = [r for r in rows if not r.has("outcome_direction") and r.holds("outcome")]
    named = [r for r in rows if r.names_both and r.holds("outcome")]
    if not any(r.has("outcome_direction") or _counts_symptoms(r) for r in named):
        blank = [r for r in blank if not r.names_both]
    if not blank:
        return []
    suspects = [row for row in blank if _counts_symptoms(row)]
    negative = sorted({row.label for row in suspects if _negative(row)})
    message = (
        f"outcome_direction is blank in {len(blank)} of {count_text(len(rows), 'row')}: "
        f"{agreeing(len(blank), 'its', 'their')} sign is taken as aligned (positive = better "
        "alliance, better outcome)"
    )
    hint = ""
    if suspects:
        hint = f"{len(suspects)} of them count symptoms or dropout"
    if negative:
        hint += f", and are negative, as if not aligned, in {_listed(negative)}"
    elif suspects:
        hint += f": {_listed(sorted({row.label for row in suspects}))}"
    return [blank[0].problem("MA504", message, "outcome_direction", hint)]


def _not_applied(rows: list[Row]) -> list[Problem]:
    """Rows of two other variables that carry the direction of a side, once for each side.

    Where other rows say which variable it is, they are of others, and keep their sign. Where no
    row does, nobody can say what the direction is about.
    """
    found = []
    for side in ("outcome", "alliance"):
        column = f"{side}_direction"
        idle = [r for r in rows if r.get(column) == "lower_better" and not r.holds(side)]
        if not idle:
            continue
        pairs = _listed(sorted({f"{r.get('var1')} with {r.get('var2')}" for r in idle}))
        size = count_text(len(idle), "row")
        hint = f"name the {side} '{side}' in var1 or var2, or name it in {side}_measure"
        if any(r.names_both and r.holds(side) for r in rows):
            message = (
                f"{column} is not applied in {size} of two other variables ({pairs}): "
                f"{agreeing(len(idle), 'its', 'their')} sign stays as reported"
            )
            found.append(idle[0].problem("MA545", message, column, f"else {hint}"))
        else:
            message = (
                f"{column} is lower_better in {size} ({pairs}), and no row says which of its "
                f"variables is the {side}"
            )
            found.append(idle[0].problem("MA546", message, column, hint))
    return found


def _listed(studies: list[str]) -> str:
    more = f" and {len(studies) - 5} more" if len(studies) > 5 else ""
    return "; ".join(studies[:5]) + more


def _negative(row: Row) -> bool:
    return any(isinstance(row.get(c), float) and row.get(c) < 0 for c in _SIGNED)


def _counts_symptoms(row: Row) -> bool:
    """Whether more is worse, a change among them: its sign may not have been aligned either."""
    return row.get("outcome_domain") == "symptom" or known_direction(row)[1] == "lower_better"


def _reversed(row: Row) -> list[Problem]:
    """A direction that contradicts what is known of the measure."""
    direction = row.get("outcome_direction")
    what, known, sure = known_direction(row)
    if not known or direction not in _OPPOSITE or direction != _OPPOSITE[known]:
        return []
    side = "better" if known == "higher_better" else "worse"
    message = f"a higher {what} is {side}, but outcome_direction says {direction}"
    hint = "correct it, unless the score is a change score or was reversed"
    code = "MA514" if sure else "MA537"
    return [row.problem(code, message, "outcome_direction", hint)]


def known_direction(row: Row) -> tuple[str, str, bool]:
    """What a row measures, the direction in which that is better, and whether that is sure.

    The instrument decides; else the event or the construct that the measure names; else the
    domain. A symptom scale that is not known may have been reversed, and so may one that is coded
    under a state. Nothing is known of a change, of a name whose meanings have opposite
    directions, and of what a word turns round (non-completion).
    """
    measure, domain = row.get("outcome_measure"), row.get("outcome_domain")
    return _known(str(measure or ""), str(domain or ""))


@lru_cache(maxsize=4096)  # measures stand in many rows
def _known(measure: str, domain: str) -> tuple[str, str, bool]:
    if not measure and not domain:
        return "", "", False
    side, whole = _instrument(measure)
    if side and whole:
        return measure, _DIRECTIONS[side], True
    if _TURNED.search(_MISSED.sub("", measure)) or OUTCOME_MEASURE.question(measure):
        return "", "", False
    if _MISSED.search(measure):
        return measure, "lower_better", True
    what = measure or domain
    ailing = bool(_AILMENTS.search(measure))
    for text in (measure, "" if _TURNED.search(domain) else domain):
        if _WORSE.search(text):
            return what, "lower_better", True
        if side == "worse" and not _ENDS.search(text):  # the words may name a part of it
            continue
        if _BETTER.search(text):
            spoiled = _SPOILED.search(measure)
            return ("", "", False) if spoiled else (what, "higher_better", True)
        if _STATES.search(text) and not ailing:
            return what, "higher_better", text == what
    if side != "better" and (domain == "symptom" or ailing):
        return what, "lower_better", False
    return "", "", False


def _instrument(measure: str) -> tuple[str, bool]:
    """On which side a higher score of the instrument in a name lies, and whether that is sure.

    What follows it may be a word for its total, or for a part that counts the same way.
    """
    side = OUTCOME_MEASURE.side(measure)
    if side or OUTCOME_MEASURE.question(measure):
        return side or "", bool(side)
    words = names_in(measure)
    while words and words[0] in TOTALS:
        words.pop(0)
    for count in range(len(words), 0, -1):
        side = OUTCOME_MEASURE.side("".join(words[:count]))
        if side:
            same = TOTALS | PARTS if side == "worse" else TOTALS
            return side, same.issuperset(words[count:])
    return "", False
