"""Rows that are computed from the others: by their label, or because the file says so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from metaalliance.sheet.columns.vocabularies import VOCABULARIES, key_of
from metaalliance.sheet.columns.words import names
from metaalliance.sheet.read.grid import Grid, PercentCell, is_blank

#: Words of which the label of a computed row holds one: English, German, Dutch, French, Spanish,
#: Italian, Portuguese; folded.
_FIRST = names(
    """mean total totals sum average overall pooled summary median sd min max subtotal subtotals sub
    grand weighted re fe random fixed common all count combined metaanalysis metaanalyse
    mittelwert mittel gesamt gesamtergebnis gesamtsumme gesamteffekt gesamteffektstarke
    gesamtmittelwert gesamtstichprobe insgesamt ergebnis summe summen teilergebnis zwischensumme
    durchschnitt anzahl gewichtet gewichteter gewichtetes alle totaal eindtotaal subtotaal
    gemiddelde gemiddeld gewogen som aantal mediaan totaux moyenne somme sous mediane effectif tous
    toutes moyen promedio suma media mediana recuento totales combinado todos todas totale totali
    somma subtotale conteggio complessivo tutti tutte soma"""
)
#: Further words that such a label may hold.
_OTHER = names(
    """effect effects size sizes r es n k of the model models across studies study sample samples
    correlation correlations z and estimate estimates result general generale global globale medio
    ponderada ponderee ponderata effekt effekte effet efecto effetto studien etudes estudios studi
    aller der des del de la di von van d und et y e en uber for ci ki ic bi i q p df tau a modele
    modelo modello modell effets efectos effetti aleatoires aleatorios casuali fixes fijos fissi
    group groups subgroup gruppe gruppen groupe grupo gruppo groep patients participants patienten
    probanden teilnehmer deelnemers pacientes participantes pazienti partecipanti"""
)
#: Words that no author is called and no study bears.
_CLEAR = names(
    """subtotal subtotals subtotaal subtotale zwischensumme teilergebnis gesamtsumme gesamtergebnis
    teilsumme gesamteffekt gesamteffektstarke gesamteffektgrosse gesamtmittelwert eindtotaal"""
)
#: Words that begin or end the label of a total beside the name of a group.
_BEGIN = _CLEAR | names(
    """total totals sum mean average overall pooled summary combined weighted grand mittelwert
    mittel gesamt summe durchschnitt insgesamt totaal gemiddelde moyenne somme promedio suma media
    totale somma soma"""
)
_END = _CLEAR | names(
    "total totals mean average overall pooled combined gesamt summe totaal totale"
)
_LETTERS = names("m n k mw ensemble")
_MIDDLE = names("global globale medio moyen")
_SIZE_ONLY = re.compile(r"[kn]\s*=\s*\d+(?:\s+stud\w+)?", re.IGNORECASE)
#: Statistics in brackets, such as (95% CI) and (I2 = 40%).
_ASIDE = re.compile(r"[(\[][^)\]]*(?:[=%<>]|\b(?:[CK]I|I[CK]|BI)\b)[^)\]]*[)\]]")
#: What only the label of a study holds: a year or what stands for it, further authors, initials.
_DATED = re.compile(
    r"(?:19|20)\d\d|(?i:\bet\s+al\b|\bin\s+press\b|\bim\s+druck\b|\bn\.\s?d\.)|\b[A-Z]\.(?=\s|$)"
)
_CODE = re.compile(r"[^\W\d_]+[-_]?\d+").fullmatch


def _words(label: str) -> list[str]:
    text = unicodedata.normalize("NFKD", _ASIDE.sub(" ", label).replace("ß", "ss"))
    plain = "".join(c for c in text if not unicodedata.combining(c)).casefold()
    return re.findall(r"[^\W\d_]+", re.sub(r"meta-(?=anal)", "meta", plain))


def is_dated(label: str) -> bool:
    """Whether a label has what only that of a study has: a year, et al., initials."""
    return _DATED.search(_ASIDE.sub(" ", label)) is not None


@lru_cache(maxsize=8192)  # labels stand in several rows, and each is asked about more than once
def is_summary(label: str) -> bool:
    """Whether a label is that of a computed row rather than of a study.

    Examples
    --------
    >>> is_summary("Total (k = 24)"), is_summary("Mean & Smith (2001)"), is_summary("k = 12")
    (True, False, True)
    >>> is_summary("Total général"), is_summary("Media et al. (2001)"), is_summary("Subtotal CBT")
    (True, False, True)
    """
    text = label.strip()
    if _SIZE_ONLY.fullmatch(text) or text[:1] in {"Σ", "∑"} or text in {"Ø", "ø", "⌀"}:
        return True
    words = _words(text)
    if not words or is_dated(text) or _CODE(text):
        return False  # a study, or its code such as ALL-002
    if {words[0], words[-1]} & _CLEAR or words[:2] == ["sous", "total"]:
        return True
    if words[0] in {"effet", "efecto", "effetto"} and words[1:] and {*words[1:]} <= _MIDDLE:
        return True
    first = words[:1] if re.search(r"\d", _ASIDE.sub(" ", text)) else words
    return not _FIRST.isdisjoint(first) and set(words) <= _FIRST | _OTHER


def _is_level(word: str) -> bool:
    return any(known.open and known.knows(word) for known in VOCABULARIES.values())


def is_total_of(label: str, groups: Collection[str]) -> bool | None:
    """Whether a label with further words is that of a total: surely, perhaps (None) or not.

    Parameters
    ----------
    groups : collection of str
        Names of groups of studies, as `key_of` folds them.

    Examples
    --------
    >>> is_total_of("Total CBT", ()), is_total_of("Mean Street Study", ()), is_total_of("M", ())
    (True, None, None)
    """
    words = _words(label)
    if not words or is_dated(label) or "&" in label or _CODE(label.strip()):
        return False
    if words[0] not in _BEGIN and words[-1] not in _END:
        return None if len(words) == 1 and words[0] in _LETTERS else False
    known = {w for w in words if w in _FIRST | _OTHER}
    rest = [w for w in re.findall(r"[^\W\d_]+", _ASIDE.sub(" ", label)) if not known & {*_words(w)}]
    capitals = not label.isupper() and all(w.isupper() and 1 < len(w) < 7 for w in rest)
    named = key_of(" ".join(rest)) in groups or all(map(_is_level, rest))
    return True if rest and (capitals or named) else None


#: How notes below a table begin.
_NOTE = re.compile(
    r"(?:notes?|anm\.|anmerkung(?:en)?|hinweis|legende|opmerking(?:en)?|remarques?|notas?|leyenda|"
    r"legenda|legend|abbreviations?|abkürzungen|source|quelle|fuente|fonte|bron)\s*[.:]|[*†‡§¹²³]",
    re.IGNORECASE,
).match


def notes_below(grid: Grid, header: int) -> list[int]:
    """Return the rows at the end of a sheet that hold one text, which begins like a note."""
    found = []
    for number in range(len(grid.rows), header, -1):
        texts = [v for v in grid.rows[number - 1] if not is_blank(v)]
        if texts and not (len(texts) == 1 and isinstance(texts[0], str) and _NOTE(texts[0])):
            break
        found += [number] if texts else []
    return found


def totals_of(
    grid: Grid, header: int, study: int | None, year: int | None = None
) -> dict[int, str]:
    """Return the rows that the file itself marks as totals, each with what marks it.

    That is the totals row of a table; a row with SUBTOTAL over its own column; and a row whose
    formulas sum or average all rows above: the last rows of a sheet, or those without a label
    or with the label of a total. A formula over some of the rows above, which may be two effects
    of one study, needs such a label, or takes several studies together under a label that none of
    them has and no year.
    """
    found: dict[int, str] = {}
    if not grid.totals and not grid.sums:
        return found
    below = False
    filled = [n for n in range(header + 1, len(grid.rows) + 1) if _is_filled(grid, n)]
    for number in reversed(filled):
        why = _mark(grid, number, filled, study, last=not below)
        if not why and not _has(grid, number, year):
            why = _takes_studies(grid, number, filled, study)
        if why:
            found[number] = why
        else:
            below = True
    return found


def _is_filled(grid: Grid, number: int) -> bool:
    return not all(is_blank(v) for v in grid.rows[number - 1])


def _has(grid: Grid, number: int, column: int | None) -> bool:
    values = grid.rows[number - 1]
    return column is not None and column <= len(values) and not is_blank(values[column - 1])


def _takes_studies(grid: Grid, number: int, filled: list[int], study: int | None) -> str:
    """Say so where the formulas of a row take rows of several other studies together."""
    if not study or not _has(grid, number, study):
        return ""
    own = str(grid.rows[number - 1][study - 1])
    for _, low, high, _ in grid.sums.get(number, []):
        rows = [n for n in filled if low <= n <= high and _has(grid, n, study)]
        studies = {str(grid.rows[n - 1][study - 1]) for n in rows}
        if len(studies) > 1 and own not in studies and not is_dated(own):
            return "its formulas take the rows of several studies together"
    return ""


def _mark(grid: Grid, number: int, filled: list[int], study: int | None, *, last: bool) -> str:
    """What marks one row as totals, or ""."""
    if number in grid.totals:
        return "the table has it as its totals row"
    sums = grid.sums.get(number, [])
    if any(made for _, _, _, made in sums):
        return "it holds SUBTOTAL over its column"
    several = [(column, low, high) for column, low, high, _ in sums if high > low]
    if not several:
        return ""
    values = grid.rows[number - 1]
    label = values[study - 1] if study and study <= len(values) else None
    named = is_blank(label) or is_summary(str(label))
    above = [n for n in filled if n < number]
    whole = (
        {c for c, low, high in several if low <= above[0] and above[-1] <= high} if above else ()
    )
    numbers = {
        i for i, v in enumerate(values, 1)
        if isinstance(v, int | float | PercentCell) and not isinstance(v, bool)
    }  # fmt: skip
    if whole and (named or (last and numbers <= whole)):
        return "its formulas take all rows above together"
    if not is_blank(label) and is_summary(str(label)):
        return "its label and its formulas say so"
    return ""
