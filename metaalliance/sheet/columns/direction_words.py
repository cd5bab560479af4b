"""Columns of a team that look like directions: asked about, never read without being mapped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from metaalliance.sheet.columns.vocabularies import SAID_IN, SAID_OUT, VOCABULARIES, key_of
from metaalliance.sheet.columns.wide import is_alliance
from metaalliance.sheet.columns.words import names, pieces
from metaalliance.sheet.read.grid import is_blank
from metaalliance.sheet.read.missing import MISSING_WORDS

#: Where on a scale, in the languages of the teams.
_HIGH = names(
    """high higher more large larger greater hoch hohe hoher hohere mehr grosser eleve elevee plus
    haut haute alto alta mayor mas maggiore piu hoog hoge hoger hogere meer"""
)
_LOW = names(
    """low lower less fewer small smaller niedrig niedriger niedrigere tief tiefer weniger geringer
    bas basse moins faible bajo baja menor menos basso bassa minore meno laag lage lager lagere
    minder"""
)
_BETTER = names(
    """better besser bessere mieux meilleur meilleure mejor meglio migliore beter betere desirable
    desired favorable favourable"""
)
_WORSE = names(
    """worse schlechter schlechtere pire peor peggio peggiore slechter slechtere
    undesirable unfavorable unfavourable"""
)
#: What stands for these in a cell, where a high value is named beside it.
_GOOD = _BETTER | names("good gut bien bon bonne bueno bene buono goed positive positiv")
_BAD = _WORSE | names("bad poor schlecht mal mauvais malo male slecht negative negativ")
_NOT = names("not no nicht pas nie niet non neither nor")
_DIRECTION = names(
    """direction directions directionality dir richtung richtungen polung direccion direzione
    richting polarity"""
)
_REVERSED = names(
    """reverse reversed reversescored reversecoded reversekeyed inverse inverted invers invertiert
    umgepolt gepolt umgekehrt inversee invertido invertida invertito omgekeerd gespiegeld
    flip flipped"""
)
#: Other things of which these words are said.
_OTHER = names("causality causation causal variance analysis hypothesis translated translation")
#: Most words that are listed.
_LISTED = 8
_SPOKEN = frozenset(map(key_of, (*SAID_IN, *SAID_OUT)))


def side_in(text: str) -> str:
    """Return the direction that a text spells out, or "".

    Examples
    --------
    >>> side_in("niedriger = besser"), side_in("higher score, worse"), side_in("lower")
    ('lower_better', 'lower_better', '')
    """
    words = pieces(text)
    low = next((w in _LOW for w in words if w in _LOW | _HIGH), None)
    bad = next((w in _BAD for w in words if w in _GOOD | _BAD), None)
    if low is None or bad is None or _NOT & {*words}:
        return ""
    return "higher_better" if low == bad else "lower_better"


def direction_named(header: str, values: Sequence[Any]) -> str:
    """Return outcome_direction or alliance_direction where a column looks like one, else "".

    Its cells spell directions out, or are signs, words of directions or yes and no under a header
    that speaks of a direction.

    Examples
    --------
    >>> direction_named("Skala", ["niedriger = besser"]), direction_named("reversed?", ["yes"])
    ('outcome_direction', 'outcome_direction')
    >>> direction_named("alliance reversed", [0, 1]), direction_named("reversed items", [3, 7])
    ('alliance_direction', '')
    """
    texts = texts_in(values)
    if not texts:
        return ""
    words = {*pieces(header)}
    told = [bool(side_in(t)) or _completes(header, t) for t in texts]
    if _speaks(words, header):
        told = [t or _is_short(text) for t, text in zip(told, texts, strict=True)]
    if sum(told) * 2 <= len(told):
        return ""
    of_alliance = any(map(is_alliance, words)) or words & names("alliances allianz alianza")
    of_outcome = words & names("outcome outcomes")
    return "alliance_direction" if of_alliance and not of_outcome else "outcome_direction"


def texts_in(values: Iterable[Any]) -> list[str]:
    """Texts of cells that are not missing, numbers as a person writes them."""
    whole = (int(v) if isinstance(v, float) and v.is_integer() else v for v in values)
    texts = (str(v).strip() for v in whole if not is_blank(v))
    return [t for t in texts if t.casefold() not in MISSING_WORDS]


def words_of(header: str, values: Sequence[Any]) -> dict[str, list[str]]:
    """Words under a header by the direction that they mean; under "" those that do not say it.

    Examples
    --------
    >>> words_of("higher is better", ["yes", "no"]), words_of("reversed", ["yes"])
    ({'higher_better': ['yes'], 'lower_better': ['no']}, {'': ['yes']})
    """
    found: dict[str, list[str]] = {}
    other = {"higher_better": "lower_better", "lower_better": "higher_better", "": ""}
    whole = side_in(header)
    for text in dict.fromkeys(texts_in(values)):
        side = side_in(text)
        if not side and _completes(header, text):
            side = side_in(f"{header} {text}")
        elif not side and whole and (said := VOCABULARIES["include"].find(text)):
            side = whole if said == "yes" else other[whole]
        found.setdefault(side, []).append(text)
    return found


def words_to_map(column: str, header: str, values: Sequence[Any]) -> str:
    """Return what a configuration has to say of the words under a header, "" where nothing.

    Examples
    --------
    >>> words_to_map("outcome_direction", "higher is better", ["yes", "no"])
    '[vocabulary.outcome_direction] higher_better = ["yes"], lower_better = ["no"]'
    """
    parts = []
    for side, texts in sorted(words_of(header, values).items()):
        foreign = [t for t in texts if VOCABULARIES[column].find(t) != side][:_LISTED]
        listed = ", ".join(json.dumps(t, ensure_ascii=False) for t in foreign)
        if foreign and not side:
            parts.append(f"lower_better and higher_better, each with its words of [{listed}]")
        elif foreign:
            parts.append(f"{side} = [{listed}]")
    return f"[vocabulary.{column}] {', '.join(parts)}" if parts else ""


def _speaks(words: set[str], header: str) -> bool:
    """Whether a header speaks of a direction."""
    if words & _OTHER:
        return False
    french = "sens" in words and words & {"du", "de", "des", "d", "l"}
    paired = words & (_LOW | _HIGH) and words & (_BETTER | _WORSE)
    named = words & (_DIRECTION | _REVERSED) or VOCABULARIES["outcome_direction"].find(header)
    return bool(named or french or paired)


def _completes(header: str, text: str) -> bool:
    """Whether a header and a cell say a direction together: ``better when``, ``lower``."""
    levels, sides, words = _LOW | _HIGH, _BETTER | _WORSE, {*pieces(text)}
    asked, said = ((sides, levels), (levels, sides)), {*pieces(header)}
    return bool(words) and any(said & a and not said & b and words <= b for a, b in asked)


def _is_short(text: str) -> bool:
    """Whether a cell says a direction, a sign, or yes or no."""
    said = VOCABULARIES["include"].find(text) is not None and key_of(text) not in _SPOKEN
    known = VOCABULARIES["outcome_direction"].find(text) or VOCABULARIES["sign"].find(text)
    words = {*pieces(text)}
    bare = words and words <= _LOW | _HIGH | _GOOD | _BAD | _REVERSED | names("score scored is")
    return said or bool(known or bare)
