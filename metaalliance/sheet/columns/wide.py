"""Recognise a wide sheet: one row per study, several effects side by side in columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from metaalliance.sheet.columns.effect_words import is_reliability
from metaalliance.sheet.columns.reading import lies_between
from metaalliance.sheet.columns.vocabularies import VOCABULARIES
from metaalliance.sheet.columns.words import (
    beside,
    folded,
    is_r2,
    is_second_r,
    limit,
    names,
    pieces,
)
from metaalliance.sheet.read.grid import is_blank
from metaalliance.sheet.read.numbers import parse_number

#: Stems of headers that hold an effect, with their column.
EFFECTS = {
    "r": "r", "cor": "r", "corr": "r", "correlation": "r", "pearson": "r", "pearsonr": "r",
    "korrelation": "r", "correlatie": "r", "correlacion": "r", "correlazione": "r", "esr": "r",
    "correlations": "r", "korrelationen": "r", "correlaties": "r", "correlaciones": "r",
    "correlazioni": "r",
    "zr": "fisher_z", "fisherz": "fisher_z", "fishersz": "fisher_z", "esz": "fisher_z",
    "rho": "spearman_rho", "spearman": "spearman_rho", "rs": "spearman_rho",
    "pr": "partial_r", "partialr": "partial_r", "d": "d", "cohend": "d", "cohensd": "d",
    "smd": "d", "g": "g", "hedgesg": "g", "hedgeg": "g", "yi": "yi", "te": "yi",
    "beta": "beta", "or": "odds_ratio", "oddsratio": "odds_ratio", "logor": "log_odds_ratio",
    "lnor": "log_odds_ratio", "t": "t", "tval": "t", "tvalue": "t", "f": "F", "chi2": "chi2",
    "r2": "r_squared", "rsquared": "r_squared", "rsq": "r_squared",
}  # fmt: skip
_CORRELATED = frozenset({"r", "spearman_rho", "partial_r"})
_SIDES = {"1": names("1 1i i e t exp eg int tx arm1 group1 g1 treat"),
          "2": names("2 2i c ctrl con kg cg control arm2 group2 g2 ctl")}  # fmt: skip
_NUMBERS = {"mean": names("m mean mw media moyenne gemiddelde"),
            "sd": names("sd s stdev et ds de"), "n": names("n")}  # fmt: skip
_LIMITS = {"low": names("low ll lb lower lcl lowerlimit lowerbound"),
           "high": names("high ul ub upper ucl upperlimit upperbound")}  # fmt: skip
#: Stems of what stands beside an effect; those of two groups carry their side.
_COMPANIONS = {
    "n": "n", "ni": "n", "df": "df", "p": "p", "pval": "p", "pvalue": "p", "se": "sei",
    "sei": "sei", "vi": "vi", "v": "vi", "var": "vi", "sign": "sign", "samplesize": "n",
    "size": "n",
    **{f"{ci}{word}{end}": f"ci_{side}" for side, words in _LIMITS.items() for word in words
       for ci, end in (("", ""), ("ci", ""), ("", "ci"), ("95ci", ""), ("95", "ci"))},
}  # fmt: skip
_GROUPS = {
    f"{word}{ending}": f"{column}{side}"
    for column, words in _NUMBERS.items()
    for word in words
    for side, endings in _SIDES.items()
    for ending in endings
}
_STEMS = {**_GROUPS, **_COMPANIONS, **EFFECTS}
#: What follows or precedes a statistic and names no outcome: another form of the same effect,
#: who extracted it, what the number is.
_NO_LABEL = names(
    """z w sq squared value val stat statistic size es effect effects type source page notes note
    raw corrected uncorrected adj adjusted unadj unadjusted attenuated disattenuated attenuation
    reported original orig recoded rev reversed flipped transformed trans converted calc calculated
    computed est estimate estimated final pooled average averaged avg mean overall xx yy xy sign
    direction coder coder1 coder2 reviewer reviewer1 reviewer2 extractor rater1 rater2 consensus
    check checked scale pearson spearman weighted text comment comments sd variance dir by se age
    test"""
)
_CODERS = re.compile(r"(?:coder|reviewer|extractor|rater|kodierer|codeur)[a-z0-9]?")
_JOIN = re.compile(r"[\s._\-–—/,:()\[\]]+")
_SQUARED = names("sq squared")
_DIGITS = re.compile(r"(.*?[A-Za-zäöüéèñ)])[\s._]*(\d+)")


@dataclass(frozen=True, slots=True)
class Part:
    """The columns of one effect of a wide sheet.

    Attributes
    ----------
    label : str
        What tells it from the others, as the headers spell it.
    columns : dict of str to int
        Position in `headers`, from 0, by column of the specification.
    """

    label: str
    columns: dict[str, int] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Wide:
    """A wide sheet.

    Attributes
    ----------
    statistic : str
        What the effects are: "r", "d", "g", "means" ...
    column : str
        The column that the labels belong to: alliance_rater where all of them are raters,
        likewise alliance_subscale, alliance_measure, alliance_time and outcome_time; effect
        where they are numbers; else outcome_measure.
    parts : tuple of Part
        The effects, in the order of the sheet; two or more.
    """

    statistic: str
    column: str
    parts: tuple[Part, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the effects."""
        return tuple(part.label for part in self.parts)


def find_wide(headers: Sequence[str], columns: Sequence[Sequence[Any]]) -> Wide | None:
    """Return the effects of a wide sheet, or None where the sheet is not wide.

    Parameters
    ----------
    headers : sequence of str
        The header of each column; "" where there is none.
    columns : sequence of sequence
        The values under each header, blank cells included or not.

    Examples
    --------
    >>> wide = find_wide(["study", "n", "r_sleep", "r_mood"], [["A"], [40], [0.3], [0.2]])
    >>> wide.statistic, wide.column, wide.labels
    ('r', 'outcome_measure', ('sleep', 'mood'))
    >>> find_wide(["study", "n", "r", "r_se"], [["A"], [40], [0.3], [0.1]]) is None
    True
    """
    found: dict[str, dict[str, int]] = {}
    labels: dict[str, str] = {}
    squared = _squared(headers, columns)
    for index, header in enumerate(headers):
        split = _at_an_end(header.strip()) if index in squared else _split(header)
        if split is None or (split[0] == "r_squared" and index not in squared and is_r2(header)):
            continue
        column, label = split
        labels.setdefault(folded(label), label)
        found.setdefault(folded(label), {}).setdefault(column, index)
    _without_limits(found, labels, headers, columns)
    statistic, best = _most(found, columns)
    if not best:
        return None
    others = {"r_squared"} - {statistic}  # another form of the effect, which it would contradict
    best = [k for k in best if k not in _of_two_outcomes([labels[k] for k in best])]
    parts = [
        Part(labels[k], {c: i for c, i in _of_groups(found[k]).items() if c not in others})
        for k in best
    ]
    plain = [(i, h) for i, h in enumerate(headers) if EFFECTS.get(folded(h)) == statistic]
    if plain and _numeric(columns[plain[0][0]], statistic):
        parts.append(Part(plain[0][1].strip(), {statistic: plain[0][0]}))
    return Wide(statistic, column_of([labels[k] for k in best]), tuple(parts))


def _most(
    found: dict[str, dict[str, int]], columns: Sequence[Sequence[Any]]
) -> tuple[str, list[str]]:
    """The statistic that most labels have, and these labels; two at least."""
    best: list[str] = []
    statistic = ""
    for name in dict.fromkeys((*EFFECTS.values(), "means")):
        needed = ("mean1", "mean2") if name == "means" else (name,)
        have = [k for k, v in found.items()
                if all(c in v and _numeric(columns[v[c]], c) for c in needed)]  # fmt: skip
        if name in {"t", "F"} and all(k.isdigit() for k in have):
            continue  # T1, T2 are points in time, F1, F2 factors
        spread = name == "means" and all({"sd1", "sd2"} <= found[k].keys() for k in have)
        if not spread and not any(has_decimals(columns[found[k][c]]) for k in have for c in needed):
            continue  # counts are no effects
        if have:  # beside clean columns also one with typing errors, for `validate`
            have = [
                k
                for k, v in found.items()
                if k in have or all(c in v and _some(columns[v[c]], c) for c in needed)
            ]
        if len(have) > max(1, len(best)):
            best, statistic = have, name
    return statistic, best


def _without_limits(
    found: dict[str, dict[str, int]],
    labels: dict[str, str],
    headers: Sequence[str],
    columns: Sequence[Sequence[Any]],
) -> None:
    """Take limits of an interval out of the effects, and put them beside the one they belong to.

    ``r_low`` and ``r_high`` are limits where an effect lies between them in every row.
    """
    ends = {key: end for key in found if (end := limit(labels[key])) is not None}
    for low, (side, rest) in ends.items():
        for high in (k for k, end in ends.items() if side == "low" and end == ("high", rest)):
            for column in found[low].keys() & found[high].keys() & {*EFFECTS.values()}:
                pair = columns[found[low][column]], columns[found[high][column]]
                inside = [found[rest][column]] if column in found.get(rest, {}) else []
                inside += [i for i, h in enumerate(headers) if not (rest or beside(h) or _split(h))]
                if not any(lies_between(pair, columns[i]) for i in inside):
                    continue
                for name, key in (("ci_low", low), ("ci_high", high)):
                    at = found[key].pop(column)
                    if rest in found:
                        found[rest].setdefault(name, at)


def _of_two_outcomes(labels: Sequence[str]) -> set[str]:
    """Of correlations of every pair (wai_bdi, wai_gaf, bdi_gaf), those without alliance.

    So is the correlation of the same measure before and after (pre, post, prepost).
    """
    words = {folded(label): pieces(label) for label in labels}
    joined = {k for k, p in words.items()
              if any(a + b == k for a in words for b in words if a != b)}  # fmt: skip
    pairs = {k: frozenset(p) for k, p in words.items() if len(p) == 2}
    alliance = {w for p in pairs.values() for w in p if is_alliance(w)}
    partners = {w for p in pairs.values() if p & alliance for w in p - alliance}
    return joined | {
        k
        for k, p in pairs.items()
        if partners and (p <= alliance or (not p & alliance and p <= partners))
    }


def is_alliance(word: str) -> bool:
    """Whether a word is the alliance or one of its instruments."""
    return word == "alliance" or VOCABULARIES["alliance_measure"].knows(word)


def _of_groups(columns: dict[str, int]) -> dict[str, int]:
    """`ni` beside `nc` is the size of the first group."""
    if "n2" in columns and "n" in columns and "n1" not in columns:
        return {"n1" if k == "n" else k: v for k, v in columns.items()}
    return columns


def _squared(headers: Sequence[str], columns: Sequence[Sequence[Any]]) -> set[int]:
    """Headers whose r2 is R², not the second r, by the others and without values below 0."""
    return {
        index
        for index, header in enumerate(headers)
        if is_r2(header)
        and not is_second_r(header, headers)
        and all((parse_number(value).value or 0) >= 0 for value in columns[index])
    }


def _split(header: str) -> tuple[str, str] | None:
    """Part a header into a column and the label of an effect: ``r_sleep``, ``WAI_r1``, ``d2``."""
    text = header.strip()
    numbered = _DIGITS.fullmatch(text)
    if numbered:
        stem, number = numbered[1], numbered[2]
        if folded(stem) in {*EFFECTS, *_COMPANIONS}:
            return _STEMS[folded(stem)], number
        inner = _at_an_end(stem)
        if inner and folded(_JOIN.split(stem)[-1]) in {*EFFECTS, *_COMPANIONS}:
            ends = stem.strip(" ._-()[]").endswith(inner[1])  # r T1, but WAI_r1
            return inner[0], f"{inner[1]}{'' if ends else ' '}{number}"
    return _at_an_end(text)


def _at_an_end(text: str) -> tuple[str, str] | None:
    """A stem at the beginning or the end of a header and the label that is left."""
    places = [(m.start(), m.end()) for m in _JOIN.finditer(text) if m.start()]
    cuts = [(a, b) for a, b in places if b < len(text)]
    for a, b in reversed(cuts):  # the longest stem first: se_r_mood is a standard error
        if folded(text[:a]) in _STEMS:
            return _labelled(_STEMS[folded(text[:a])], text[b:])
    for a, b in cuts:
        if folded(text[b:]) in _STEMS:
            return _labelled(_STEMS[folded(text[b:])], text[:a])
    camel = re.fullmatch(r"([rdg])([A-Z][A-Za-z]{2,})", text)
    return _labelled(EFFECTS[camel[1]], camel[2]) if camel is not None else None


def _labelled(column: str, label: str) -> tuple[str, str] | None:
    """The pair, unless the label says something about the number instead of naming an effect.

    A statistic with what stands beside it (``g_mood_se``, ``se_g_mood``) is the latter.
    """
    label = label.strip(" ._-()[]")
    for cut in _JOIN.finditer(label):
        before, after = label[: cut.start()], label[cut.end() :]
        if column in EFFECTS.values() and folded(after) in _COMPANIONS:
            return _labelled(_COMPANIONS[folded(after)], before)
        if column in _COMPANIONS.values() and folded(before) in EFFECTS:
            return _labelled(column, after)
    words = pieces(label)
    silent = beside(label) or is_reliability(label) or all(w in _NO_LABEL for w in words)
    if not words or silent or words[-1] in _SQUARED:
        return None
    if _CODERS.fullmatch(folded(label)):
        return None
    return column, label


def _numeric(values: Sequence[Any], column: str) -> bool:
    """Whether a column holds numbers that its statistic can be; some cell has to hold one."""
    parsed = [p for v in values if not is_blank(v) and not (p := parse_number(v)).missing]
    numbers = [p.value for p in parsed if p.value is not None]
    inside = all(-1 <= v <= 1 for v in numbers) if column in _CORRELATED else True
    return bool(numbers) and inside and len(numbers) >= len(parsed) / 2


def _some(values: Sequence[Any], column: str) -> bool:
    """Whether one cell at least holds a number with decimals that its statistic can be."""
    numbers = [v for value in values if (v := parse_number(value).value) is not None]
    return any(v % 1 and (abs(v) < 1 or column not in _CORRELATED) for v in numbers)


def has_decimals(values: Sequence[Any]) -> bool:
    """Whether a column holds a number that is not whole."""
    numbers = [parse_number(v).value for v in values]
    return any(v is not None and v != int(v) for v in numbers)


def column_of(labels: Sequence[str]) -> str:
    """Return the column whose levels the labels are; outcome_measure where none knows them."""
    if all(label.isdigit() for label in labels):
        return "effect"
    for name in ("alliance_rater", "alliance_subscale", "alliance_measure", "alliance_time",
                 "outcome_domain", "outcome_time"):  # fmt: skip
        if all(VOCABULARIES[name].knows(label) for label in labels):
            return name
    return "outcome_measure"
