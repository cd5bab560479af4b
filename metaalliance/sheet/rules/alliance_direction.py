"""Rules about the direction of the alliance: what counts what is wrong with it."""

from __future__ import annotations

import re

from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row

#: What is wrong with an alliance, as measures and subscales name it.
_WORSE = re.compile(
    r"\b(?:(?:alliance)?ruptur|allianzbr[uü]ch|confrontation|withdrawal|hostil|feindselig|unbalanc"
    r"|imbalanc|split|strain|negative (?:process|alliance|indicator|behavio))",
    re.IGNORECASE,
)
#: What turns it: a repaired rupture, an absence of hostility, a score that was reversed.
_TURNED = re.compile(
    r"repair|resol|recover|revers|invert|umgepolt|\bfree\b|\bnon|absence"
    r"|\b(?:no|not|without|lack|low|fewer|less)\b",
    re.IGNORECASE,
)
_NAMES = ("alliance_subscale", "alliance_measure")


def alliance_direction_problems(rows: list[Row]) -> list[Problem]:
    """Ruptures, hostility and unbalanced alliances of which more would be better."""
    return [problem for row in rows for problem in _reversed(row)]


def _reversed(row: Row) -> list[Problem]:
    if row.get("alliance_direction") == "lower_better":
        return []
    texts = {name: str(row.get(name) or "") for name in _NAMES}
    if not any(texts.values()):
        return []
    named = next((name for name, text in texts.items() if _WORSE.search(text)), None)
    if named is None or any(map(_TURNED.search, texts.values())):
        return []
    stated = row.has("alliance_direction")
    said = "alliance_direction says higher_better" if stated else "alliance_direction is blank"
    message = f"a higher {texts[named]} is a worse alliance, but {said}"
    hint = "enter lower_better, unless the score was reversed"
    column = "alliance_direction" if stated else named
    return [row.problem("MA541", message, column, hint)]
