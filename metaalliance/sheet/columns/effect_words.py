"""Words of headers that name an effect: which statistic, and whether nothing else is meant."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

from metaalliance.sheet.columns.vocabularies import VOCABULARIES
from metaalliance.sheet.columns.words import folded, limit, names, pieces

#: Words of headers that name an effect, by its column.
EFFECTS: dict[str, frozenset[str]] = {
    "fisher_z": names("zr fisher fisherz fishers rtoz r2z zcor"),
    "r": names("r cor corr correlation correlations pearson pearsons korrelation correlatie "
               "correlacion correlazione rho rxy"),
    "g": names("g hedges hedgesg hedge"),
    "d": names("d cohen cohens cohend smd"),
    "log_odds_ratio": names("logor lnor logodds"),
    "odds_ratio": names("or oddsratio"),
    "t": names("tvalue tstat"),
    "beta": names("beta betas"),
}  # fmt: skip
#: Another kind of correlation, by the words that say so.
_KINDS = {
    "semipartial_r": names("semipartial semipartiell semi part"),
    "partial_r": names("partial partiell partielle partiel partiele parcial parziale"),
    "spearman_rho": names("spearman spearmans rank ranks rho rang"),
    "kendall_tau": names("kendall kendalls tau"),
}
_TRANSFORMED = names("transformed transformation transform trans transformiert transforme")
#: Words that belong to some statistics beside their names.
_MORE = {
    "fisher_z": _TRANSFORMED | EFFECTS["r"] | names("z to from score scores"),
    "g": names("standardized standardised mean difference smd"),
    "d": names("standardized standardised mean difference"),
    "odds_ratio": names("odds ratio"),
    "log_odds_ratio": names("log ln odds ratio or"),
    "beta": names("standardized standardised std"),
}
_NAMES_OF_MEASURES = {
    word
    for column in ("alliance_measure", "outcome_measure")
    for levels in [VOCABULARIES[column]]
    for text in (*levels.levels, *(a for found in levels.aliases.values() for a in found))
    for word in pieces(text)
    if len(word) > 2 and not word.isdigit()
} - names("assessment rating report adjustment other index quality revised change")
#: Words that say which correlation of alliance and outcome it is, and never another number.
_HARMLESS = _NAMES_OF_MEASURES | names(
    """effect effects size sizes es estimate value val statistic coefficient coefficients coef coeff
    pearson pearsons product moment zero order zeroorder bivariate simple observed raw uncorrected
    unadjusted reported original final main mean average averaged total overall study sample
    alliance outcome outcomes association therapeutic working client patient therapist observer
    rated self bond bonds task tasks goal goals early mid late session first last post
    posttreatment end followup follow up termination score scores depressive mood sleep
    symptoms wellbeing
    effektstarke effektgrosse effectgrootte taille effet tamano efecto dimensione effetto
    koeffizient coefficiente coeficiente allianz alliantie alianza alleanza ergebnis therapieerfolg
    outcomemass resultat resultats resultado resultados esito uitkomst zusammenhang
    the of and between with in for at de del della dell di la le les il el des der die das van het
    von und zwischen mit et entre avec con y e en met tussen tra"""
)
#: Words that make another number of a statistic: its correction, its kind, its square.
_OTHER_NUMBER = names(
    """type source page pages note notes squared sq square measure missing method corrected adjusted
    disattenuated direction sign coder reviewer rater kind how where which reverse reversed flag
    code comment unit df n sd"""
)
_RELIABILITY = names(
    """reliability reliabilities reliab reliabilitat zuverlassigkeit fiabilite fiabilidad
    confiabilidad affidabilita betrouwbaarheid alpha cronbach cronbachs omega kappa icc rel rtt tt
    xx yy splithalf interrater intercoder interrateur interjuez retest testretest prepost prapost
    praepost ubereinstimmung stability stabilitat stabilite"""
)
_RATERS = names("rater raters coder coders client patient therapist")
_BEFORE, _AFTER = names("pre pra prae avant vor"), names("post nach apres")
#: Signs that make another number of a statistic: 1 − r, |r|, r², ΔR.
_PLAIN = re.compile(r"[\w\s.(\[\"'#*][\w\s\-–—.,:;()\[\]\"'’/&#*]*")


@lru_cache(maxsize=8192)
def is_reliability(header: str) -> bool:
    """Whether a header names a reliability, an agreement or a pre-post correlation.

    Examples
    --------
    >>> is_reliability("interrater r"), is_reliability("r_prepost"), is_reliability("r_bond")
    (True, True, False)
    """
    words = set(pieces(header))
    joined = {f"{a}{b}" for a, b in pairwise(pieces(header))}
    agreement = "agreement" in words and bool(words & _RATERS)
    both = bool(words & _BEFORE) and bool(words & _AFTER)
    return bool((words | joined) & _RELIABILITY) or agreement or both


def is_other_number(header: str) -> bool:
    """Whether a header names a number that is no effect: a limit, a reliability, a square."""
    parts = pieces(header)
    squared = ("r", "2") in pairwise(parts) and "z" not in parts
    of_cohen = bool({*parts} & EFFECTS["d"] and {*parts} & names("f q h w"))
    other = bool({*parts} & _OTHER_NUMBER) or squared or of_cohen
    return other or is_reliability(header) or limit(header) is not None


def effect_named(header: str) -> tuple[str, bool] | None:
    """Return the column of the statistic that a header names, and whether it is sure.

    It is sure where every word is known to be harmless; of a word that is not known, such as
    ``critical`` or ``imputed``, a person has to say what it means.

    Examples
    --------
    >>> effect_named("Pearson's r (raw)"), effect_named("critical r"), effect_named("r_partial")
    (('r', True), ('r', False), ('partial_r', True))
    """
    parts = pieces(header)
    words = {*parts, folded(header)}
    words -= {p for p in parts[1:-1] if len(p) == 1}  # a letter inside is no statistic
    named = next((c for c, known in EFFECTS.items() if words & known), None)
    if named is None or is_other_number(header):
        return None
    column = _kind(named, {*parts})
    known = EFFECTS.get(column, EFFECTS["r"] | _KINDS.get(column, frozenset()))
    known |= _MORE.get(column, frozenset()) | _HARMLESS
    inside = {p for p in parts[1:-1] if p in {"s", "d", "l", "x"}}  # Pearson's, taille d'effet
    sure = {*parts} - inside <= known or folded(header) in known
    if column == "fisher_z" and column != named:
        sure = sure and bool({*parts} & names("z") and {*parts} & (_TRANSFORMED | {"from", "to"}))
    return column, sure and bool(_PLAIN.fullmatch(_without_accents(header)))


def _kind(column: str, words: set[str]) -> str:
    """The statistic itself, where other words say which kind of it is meant."""
    if column == "odds_ratio" and words & {"log", "ln"}:
        return "log_odds_ratio"
    if column != "r":
        return column
    if words & (_TRANSFORMED | {"z"}):
        return "fisher_z"
    return next((kind for kind, known in _KINDS.items() if words & known), column)


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return re.sub(r"[^\x00-\x7f–—’ßœæ]", "|", plain)
