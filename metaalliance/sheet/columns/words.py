"""Words of headers: how a header is taken apart, and which of them never name an effect."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

_PIECES = re.compile(r"[A-Z]+(?=[A-Z][a-z]{2})|[A-Z]?[a-z]+|[A-Z]+|\d+")


def names(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


#: What stands beside an effect, by the words that say so (in the languages of the teams).
_BESIDE: dict[str, frozenset[str]] = {
    "se": names("se sei stderr stderror serr sterr standarderror standarderr standardfehler seg "
                "sed sez ser sey sete standaardfout errorestandar errorestandard errorstandard "
                "erroretipo erreurtype"),
    "variance": names("v vi var variance varianz variantie varianza variancia varz vari vr vd vg "
                      "vz vy vard varg varr"),
    "p": names("p pval pvalue pvalues pvals sig signif significance signifikanz pwert"),
    "weight": names("w wi weight weights wt wgt gewicht gewichtung poids peso weging"),
    "id": names("id ids uid identifier kennung nr idx index rownum rowid rownames rowname esid"),
    "low": names("ll lb lcl lci cil cilb cill cilow cilower lower lowerci lowci lowerlimit lo llci "
                 "lowerbound untere untergrenze inferieure inferior inferiore ondergrens"),
    "high": names("ul ub ucl uci ciu ciub ciul cihigh ciupper upper upperci highci upci upperlimit "
                  "upperbound obere obergrenze superieure superior superiore bovengrens ulci"),
}  # fmt: skip
#: An error, a variance or a p joined to what it belongs to: SElogOR, varg, pr.
_JOINED = re.compile(r"(se|stderr|var)(?:r|z|d|g|es|te|yi|or|smd|b|beta|zr|fisherz|logor|lnor|or)")
#: Words that name a limit only together with the effect: r_low, g inf, d.l.
_ENDS = {
    "low": _BESIDE["low"] | names("low l min minimum inf"),
    "high": _BESIDE["high"] | names("high hi h u up max maximum sup"),
}
_BOUNDS = names("borne limite limit limits bound grenze grens ci")
#: r2, alone or with a label: R², or the second r.
_R2 = re.compile(r"(?<![^\W_])r[\s._]*(?:2|\^\s*2|²)(?![^\W_])", re.IGNORECASE)
_SISTERS = (1, *range(3, 10))
_INTERVAL = names("ci limit limits conf confidence bound interval intervals cl ki ic bi kl "
                  "konfidenzintervall vertrauensintervall betrouwbaarheidsinterval intervalle "
                  "intervallo intervalo")  # fmt: skip
_OF_INTERVAL = _INTERVAL | names("of for the von fur um de du des del di da van voor around "
                                 "lower upper low high and und to ll ul lb ub lcl ucl confiance "
                                 "confianza confidenza")  # fmt: skip


@lru_cache(maxsize=8192)
def pieces(header: str) -> tuple[str, ...]:
    """Take a header apart into folded words and numbers, without accents.

    Examples
    --------
    >>> pieces("SE.r"), pieces("seTE"), pieces("mean_arm1"), pieces("Taille de l’échantillon")
    (('se', 'r'), ('se', 'te'), ('mean', 'arm', '1'), ('taille', 'de', 'l', 'echantillon'))
    """
    text = unicodedata.normalize("NFKD", header.replace("ß", "ss"))
    plain = "".join(c for c in text if not unicodedata.combining(c))
    return tuple(p.casefold() for p in _PIECES.findall(plain))


def folded(header: str) -> str:
    """The words of a header joined: what makes two headers the same in any spelling."""
    return "".join(pieces(header))


def is_r2(header: str) -> bool:
    """Whether a header says r2: R², or the second of several r."""
    return _R2.search(header) is not None


def is_second_r(header: str, headers: Iterable[str]) -> bool:
    """Whether the r2 of a header is the second r: r1 or r3 stand beside it.

    Examples
    --------
    >>> is_second_r("r2", ["n", "r1", "r2"]), is_second_r("R²", ["R1", "R²"])
    (True, False)
    >>> is_second_r("r2", ["n", "r", "r2"])
    False
    """
    said = _R2.search(header)
    if said is None or {*said[0]} & {"²", "^"}:
        return False
    sisters = {folded(_R2.sub(f"r{number}", header)) for number in _SISTERS}
    return not sisters.isdisjoint(map(folded, headers))


@lru_cache(maxsize=8192)
def beside(header: str) -> str:
    """What a header names that stands beside an effect and is none, or "".

    Returns
    -------
    str
        "se", "variance", "low", "high", "p", "weight" or "id".

    Examples
    --------
    >>> beside("SE.r"), beside("var_z"), beside("g_LL"), beside("effectsizeID"), beside("r")
    ('se', 'variance', 'low', 'id', '')
    """
    words = pieces(header)
    found = {*words, "".join(words)}
    if found & _INTERVAL:
        if found & {"low", "l", "min", "from", "von"} or found & _BESIDE["low"]:
            return "low"
        if found & {"high", "u", "up", "h", "max", "to", "bis"} or found & _BESIDE["high"]:
            return "high"
        return "interval"
    found |= {f"{a}{b}" for a, b in pairwise(words)}
    joined = _JOINED.fullmatch(folded(header))
    if joined is not None:
        return "variance" if joined[1] == "var" else "se"
    return next((kind for kind, known in _BESIDE.items() if found & known), "")


@lru_cache(maxsize=8192)
def interval(header: str) -> tuple[str, float | None] | None:
    """Return the other words of a header that names both limits at once, and their level; or None.

    Examples
    --------
    >>> interval("95% CI"), interval("d 90% CI"), interval("95% CI [LL, UL]"), interval("CI lower")
    (('', 95.0), ('d', 90.0), ('', 95.0), None)
    """
    words = pieces(header)
    sides = [bool({*words} & _BESIDE[side]) for side in ("low", "high")]
    if not ({*words} & _INTERVAL or all(sides)) or sides[0] != sides[1]:
        return None
    levels = [float(w) for w in words if w.isdigit() and 50 <= int(w) < 100]
    rest = [w for w in words if w not in _OF_INTERVAL and not w.isdigit()]
    return " ".join(rest), levels[0] if levels else None


@lru_cache(maxsize=8192)
def limit(header: str) -> tuple[str, str] | None:
    """Return which limit of an interval a header may name, and its other words; or None.

    Whether it is one, the values decide: ``r_low`` may be the r of a group that scores low.

    Examples
    --------
    >>> limit("r_low"), limit("r borne sup"), limit("g 97.5%"), limit("r_mood")
    (('low', 'r'), ('high', 'r'), ('high', 'g'), None)
    """
    words = [w for w in pieces(header) if w not in _BOUNDS]
    if words[-2:] in (["2", "5"], ["97", "5"]):
        return ("low" if words[-2] == "2" else "high"), "".join(words[:-2])
    for side, known in _ENDS.items():
        last = len(words) - 1  # the l of l'alliance is no limit
        rest = [w for i, w in enumerate(words) if w not in known or (len(w) == 1 and i < last)]
        if len(rest) == len(words) - 1:
            return side, "".join(rest)
    return None
