"""Rows that are computed from the others: by their label, or because the file says so."""

from __future__ import annotations

import re
import unicodedata

from metaalliance.sheet.read.grid import Grid, PercentCell, is_blank

#: Words with which the label of a computed row begins: English, German, Dutch, French, Spanish,
#: Italian, Portuguese.
_FIRST = frozenset(
    {"mean", "total", "totals", "sum", "average", "overall", "pooled", "summary", "median", "sd",
     "min", "max", "subtotal", "sub", "grand", "weighted", "re", "fe", "random", "fixed",
     "common", "all", "count", "mittelwert", "mittel", "gesamt", "gesamtergebnis", "gesamtsumme",
     "gesamteffekt", "insgesamt", "ergebnis", "summe", "teilergebnis", "zwischensumme",
     "durchschnitt", "anzahl", "totaal", "eindtotaal", "subtotaal", "gemiddelde", "som",
     "aantal", "mediaan", "totaux", "moyenne", "somme", "sous", "médiane", "effectif",
     "promedio", "suma", "media", "mediana", "recuento", "totales", "totale", "totali", "somma",
     "subtotale", "conteggio", "média", "soma"}
)  # fmt: skip
#: Further words that such a label may hold.
_OTHER = frozenset(
    {"effect", "effects", "size", "sizes", "r", "es", "n", "k", "of", "the", "model", "models",
     "across", "studies", "study", "sample", "samples", "correlation", "correlations", "z",
     "and", "general", "général", "générale", "generale", "complessivo", "ponderada", "pondérée",
     "ponderata", "gewogen", "gewichtet", "gewichteter", "gewichtetes", "effekt", "effekte",
     "effet", "efecto", "effetto", "studien", "études", "estudios", "studi", "aller", "alle",
     "der", "des", "del", "de", "la", "di", "von", "van", "d", "und", "et", "y", "e", "en",
     "über"}
)  # fmt: skip
_SIZE_ONLY = re.compile(r"[kn]\s*=\s*\d+", re.IGNORECASE)


def is_summary(label: str) -> bool:
    """Whether a label is that of a computed row rather than of a study.

    Examples
    --------
    >>> is_summary("Total (k = 24)"), is_summary("Mean & Smith (2001)"), is_summary("k = 12")
    (True, False, True)
    >>> is_summary("Total général"), is_summary("Media et al. (2001)")
    (True, False)
    """
    if _SIZE_ONLY.fullmatch(label.strip()):
        return True
    text = unicodedata.normalize("NFC", label)
    words = re.findall(r"[^\W\d_]+", text.lower())
    year = re.search(r"(?:19|20)\d\d", text)
    if re.fullmatch(r"[^\W\d_]+[-_]?\d+", text.strip()):
        return False  # the code of a study, such as ALL-002
    return bool(words) and not year and words[0] in _FIRST and set(words) <= _FIRST | _OTHER


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


def totals_of(grid: Grid, header: int, study: int | None) -> dict[int, str]:
    """Return the rows that the file itself marks as totals, each with what marks it.

    That is the totals row of a table; a row with SUBTOTAL over its own column; and a row whose
    formulas sum or average all rows above: the last rows of a sheet, or those without a label
    or with the label of a total. A formula over some of the rows above needs such a label, since
    an effect may be the mean of the two before it.
    """
    found: dict[int, str] = {}
    below = False
    filled = [n for n in range(header + 1, len(grid.rows) + 1) if _is_filled(grid, n)]
    for number in reversed(filled):
        why = _mark(grid, number, filled, study, last=not below)
        if why:
            found[number] = why
        else:
            below = True
    return found


def _is_filled(grid: Grid, number: int) -> bool:
    return not all(is_blank(v) for v in grid.rows[number - 1])


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
