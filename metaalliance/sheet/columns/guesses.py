"""What a header that the reader does not know may be: by like names, checked by the values."""

from __future__ import annotations

from dataclasses import replace

from metaalliance.sheet.columns.effect_words import effect_named, is_other_number
from metaalliance.sheet.columns.reading import before_interval, fits, numbers_of
from metaalliance.sheet.columns.specification import COLUMNS, STATISTICS
from metaalliance.sheet.columns.spreads import Guess, Sheet, variance_is
from metaalliance.sheet.columns.words import beside, folded, names, pieces
from metaalliance.sheet.read.grid import is_blank

_STUDY = names(
    """study studies studie etude estudio studio onderzoek author authors autor autoren auteur
    auteurs autore autori autores paper article trial reference citation publication report record
    covidence slab studlab source label id"""
)
_STUDY_MORE = names(
    """id ids name label first last and year ref number num no nr code key short full et al s de la
    der the of und y e jahr ano annee anno title clean"""
)
#: Who of a sample stands behind the effect.
_N_FIRST = names(
    "final used analyzed analysed analysis completers complete completer valid effective"
)
_N_MORE = _N_FIRST | names(
    """n sample size total participants patients clients subjects overall all pts dyads pairs obs
    observations cases of the in for number no num study correlation corr r es effect itt people
    persons respondents post posttreatment end baseline pre randomised randomized enrolled start
    stichprobe stichprobengrosse fallzahl probanden effectif participants
    muestra campione steekproef deelnemers aantal von de van der totale totaal gesamt"""
)
_SIZE = names(
    """n sample size participants patients clients subjects stichprobe stichprobengrosse fallzahl
    probanden effectif muestra campione steekproef deelnemers"""
)
#: Most columns that are asked about.
_MOST = 4
#: No effect is larger, a t or an odds ratio seldom.
_LARGEST = 100
_SOME_EFFECT = names(
    "es effect effects effectsize effectsizes estimate est ef coef outcome "
    "effektstarke effektgrosse effectgrootte effet efecto effetto"
)
_SOME_MORE = names(
    "size sizes es value val effect the of final main est stat taille d de tamano del "
    "dimensione dell"
)


def guess_study(sheet: Sheet) -> Guess | None:
    """A header that names the study: by its words; else by texts with years, which is unsure."""
    if "study" in sheet.named:
        return None
    if "label" in sheet.named:
        header = sheet.texts[sheet.named["label"]]
        why = "the label, and no header names the study"
        found = sheet.different(sheet.named["label"])
        return Guess(column="study", header=header, why=why, evidence=found)
    likely = []
    for index, header in sheet.free():
        words = set(pieces(header)) or {header.strip().casefold()}
        numbered = header.strip().startswith("#") or words <= names("no nr num number")
        like = words & _STUDY and words <= _STUDY | _STUDY_MORE
        if (like or numbered) and _filled(sheet, index) > 0.3 and _differ(sheet, index):
            bare = numbered or words <= names("id ids record covidence number no nr code")
            likely.append((bare, index, header))
    for bare, index, header in sorted(likely):
        why = "an identifier, and no header names the study" if bare else "its words name a study"
        return Guess(column="study", header=header, why=why, evidence=sheet.different(index))
    for index, header in sheet.free():
        texts = [v for v in sheet.columns[index] if isinstance(v, str) and not is_blank(v)]
        dated = sum(any(c.isdigit() for c in t) and any(c.isalpha() for c in t) for t in texts)
        if texts and dated > len(texts) / 2:
            return Guess(column="study", header=header, sure=False,
                         why="texts with years; nothing in its name says so",
                         evidence=sheet.different(index))  # fmt: skip
    return None


def _differ(sheet: Sheet, index: int) -> bool:
    """Whether a column has as many values as studies would: more than levels have."""
    filled = [str(v) for v in sheet.columns[index] if not is_blank(v)]
    return len(set(filled)) > min(len(filled) / 10, 20)


def _filled(sheet: Sheet, index: int) -> float:
    values = sheet.columns[index]
    return sum(not is_blank(v) for v in values) / max(len(values), 1)


def guess_n(sheet: Sheet) -> list[Guess]:
    """Headers that name the sample size, over whole numbers; those analysed come first."""
    if {"n", "total1"} & sheet.named.keys() or {"n1", "n2"} <= sheet.named.keys():
        return []
    likely = []
    for index, header in sheet.free():
        words = set(pieces(header))
        if words & _SIZE and words <= _N_MORE and not beside(header) and _are_counts(sheet, index):
            likely.append((not words & _N_FIRST, "n" not in words, index, header))
    best = min((rank[:2] for rank in likely), default=None)
    equal = [(index, header) for *rank, index, header in likely if tuple(rank) == best]
    why = "its words name a sample size"
    return [
        Guess(column="n", header=header, evidence=sheet.spread(index), sure=len(equal) == 1,
              why=why if len(equal) == 1 else f"{why}, but other headers do too")
        for index, header in equal
    ]  # fmt: skip


def _are_counts(sheet: Sheet, index: int) -> bool:
    numbers = [v for v in sheet.numbers(index) if v is not None]
    return (
        bool(numbers) and fits(sheet.columns[index], COLUMNS["n"], sheet.grid) and max(numbers) > 3
    )


def has_effect(sheet: Sheet) -> bool:
    """Whether a statistic is known that some cell holds."""
    return any(
        name in STATISTICS and name != "p" and any(not is_blank(v) for v in sheet.columns[at])
        for name, at in sheet.named.items()
        if name not in {"value", "mean1", "sd1", "mean2", "sd2"} or "mean2" in sheet.named
    )


def guess_effect(sheet: Sheet) -> list[Guess]:
    """The headers that may hold the effect where none is known: first what names it.

    A header that speaks of an error, a variance, a limit, a reliability, p, a weight or an id
    never does.
    """
    if has_effect(sheet):
        return []
    free = [
        (i, h)
        for i, h in sheet.free()
        if not (beside(said := _bare(sheet, i, h)) or is_other_number(said))
    ]
    named = [g for i, h in free if (g := _by_words(sheet, i, h))]
    sure = [g for g in named if g.sure]
    if len(sure) == 1:
        return sure
    some = [_of_unknown_scale(sheet, i, h) for i, h in free if _is_some_effect(sheet, i, h)][:1]
    if named:
        doubtful = [g for g in named if all(g.header != other.header for other in some)]
        return [*some, *([_unsure(g) for g in sure] if sure else []),
                *(g for g in doubtful if not g.sure)]  # fmt: skip
    bare = next(((i, h) for i, h in free if folded(h) == "z" and _are_numbers(sheet, i)), None)
    if bare is not None:
        return _guess_z(sheet, *bare)
    if not some:  # identifiers of effects are no decimals
        own = sheet.named.get("effect")
        free += [] if own is None or beside(sheet.texts[own]) else [(own, sheet.texts[own])]
        some = [_of_unknown_scale(sheet, i, h) for i, h in free if _is_some_effect(sheet, i, h)]
    if some:
        return some[:1]
    found = [g for i, h in free if (g := _by_values(sheet, i, h))][:_MOST]
    if len(found) < 2:
        return found
    wide = "; several columns are so: if each is an effect of its own, the sheet is wide"
    return [replace(g, why=f"{g.why}{wide}") for g in found]


def _bare(sheet: Sheet, index: int, header: str) -> str:
    """A header without the interval that its cells hold behind the values."""
    return before_interval(header, sheet.columns[index]) or header


def _unsure(guess: Guess) -> Guess:
    return replace(guess, sure=False, why=f"{guess.why}, but other headers do too")


def _by_words(sheet: Sheet, index: int, header: str) -> Guess | None:
    found = effect_named(_bare(sheet, index, header))
    if found is None or not _are_numbers(sheet, index):
        return None
    column, sure = found
    largest = max((abs(v) for v in sheet.numbers(index) if v is not None), default=0)
    if not fits(sheet.columns[index], COLUMNS[column], sheet.grid) or largest > _LARGEST:
        return None
    why = "its words name the statistic"
    return Guess(column=column, header=header, sure=sure, evidence=sheet.spread(index),
                 why=why if sure else f"{why}, but not all of them are known")  # fmt: skip


def _are_numbers(sheet: Sheet, index: int) -> bool:
    """Whether most cells hold numbers that are not all whole."""
    parsed = numbers_of(sheet.columns[index], sheet.grid)
    known = [p.value for p in parsed if p.value is not None]
    return len(known) * 2 > len(parsed) and any(v != int(v) for v in known)


def _guess_z(sheet: Sheet, index: int, header: str) -> list[Guess]:
    """A bare z: Fisher's z where a variance beside it is 1 / (n − 3), else a question."""
    if variance_is(sheet, lambda _, n: 1 / (n - 3), index):
        why = "z, and the variance beside it is 1 / (n − 3): Fisher’s z"
        return [Guess(column="fisher_z", header=header, why=why, evidence=sheet.spread(index))]
    why = "if it is Fisher’s z of r"
    other = "if it is a test statistic"
    return [
        Guess(column=c, header=header, why=w, evidence=sheet.spread(index), sure=False)
        for c, w in (("fisher_z", why), ("z_stat", other))
    ]


def _is_some_effect(sheet: Sheet, index: int, header: str) -> bool:
    words = set(pieces(_bare(sheet, index, header)))
    named = words & _SOME_EFFECT and words <= _SOME_EFFECT | _SOME_MORE
    return bool(named) and _are_numbers(sheet, index)


def _of_unknown_scale(sheet: Sheet, index: int, header: str) -> Guess:
    """An effect whose name does not say which: what its variance speaks for, to be confirmed."""
    spread = sheet.spread(index)
    if "statistic" in sheet.named:
        why = "the value of the statistic that is named beside it"
        return Guess(column="value", header=header, why=why, evidence=spread)
    why = "an effect, but its name does not say which (r, d, g, Fisher’s z ...)"
    for column, rule, seen in (
        ("fisher_z", lambda _, n: 1 / (n - 3), "its variance is 1 / (n − 3): Fisher’s z?"),
        ("r", lambda r, n: (1 - r * r) ** 2 / (n - 1), "its variance is (1 − r²)² / (n − 1): r?"),
    ):
        if variance_is(sheet, rule, index):
            return Guess(column=column, header=header, why=f"{why}; {seen}", evidence=spread,
                         sure=False)  # fmt: skip
    sized = "n" in sheet.named and _by_values(sheet, index, header) is not None
    return Guess(column="r" if sized else "yi", header=header, why=why, evidence=spread, sure=False)


def _by_values(sheet: Sheet, index: int, header: str) -> Guess | None:
    numbers = [v for v in sheet.numbers(index) if v is not None]
    if len(numbers) < 3 or not all(-1 < v < 1 for v in numbers) or not _are_numbers(sheet, index):
        return None
    why = "numbers between −1 and 1, but nothing in its name says that they are correlations"
    return Guess(column="r", header=header, why=why, evidence=sheet.spread(index), sure=False)
