"""Controlled vocabularies: the levels that moderators may have, and their aliases."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

#: On which side of a scale, or of an event, a higher value lies.
Side = Literal["better", "worse"]
#: The terms of the field, each with the pages where its meaning or direction was seen.
_TERMS = Path(__file__).parent / "terms"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Allowed values of a column.

    Attributes
    ----------
    name : str
        The column.
    levels : tuple of str
        Canonical values.
    aliases : dict
        Other names by level.
    open : bool
        Whether other values are levels of their own; closed are those that decide a number, a
        sign or a refusal.
    named : bool
        Whether it names instruments, of which there are always more: others are not asked about.
    exact : bool
        Whether punctuation counts, as it does for signs.
    higher : dict
        What a higher value is by level, "better" or "worse", where that is known.
    questions : dict
        Names that mean several things, with what they may mean: asked about, never guessed.
    pages : dict
        Keys of the pages where the meaning or direction was seen, by level or such name.
    """

    name: str
    levels: tuple[str, ...]
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    open: bool = False
    named: bool = False
    exact: bool = False
    higher: dict[str, Side] = field(default_factory=dict)
    questions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _lookup: dict[str, str] = field(default_factory=dict, repr=False)
    _names: dict[str, tuple[int, str]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for place, name in enumerate(self.questions):
            self._names.setdefault(self.key(name), (place, name))
        for level in self.levels:
            self._lookup[self.key(level)] = level
        for level, names in self.aliases.items():
            for name in names:
                self._lookup.setdefault(self.key(name), level)

    def key(self, text: str) -> str:
        """Return what makes two names of the column the same."""
        return text.strip().casefold() if self.exact else key_of(text)

    def find(self, text: str) -> str | None:
        """Return the level that `text` names, or None."""
        return self._lookup.get(self.key(text))

    def question(self, text: str) -> str:
        """Return what a name may mean, as a sentence, or an empty text where it is clear.

        The total of an instrument is asked about like the instrument.

        Examples
        --------
        >>> VOCABULARIES["delivery"].question("Teletherapy")
        'teletherapy may be video or telephone'
        """
        asked = self._asked(text)
        if not asked or self.find(text) is not None:
            return ""
        meant = [self._described(name) for name in self.questions[asked]]
        return f"{asked} may be {', '.join(meant[:-1])} or {meant[-1]}"

    def _asked(self, text: str) -> str:
        """Return the name with several meanings that a text is, alone or with a word for a total."""
        if not self._names:
            return ""
        bare = [self.key(text)]
        if self.named:
            words = names_in(text)
            while words and words[-1] in TOTALS:
                words.pop()
            bare.append("".join(words))
        asked = [self._names[key] for key in bare if key in self._names]
        return min(asked)[1] if asked else ""

    def _meanings(self, text: str) -> tuple[str, ...]:
        """Return the level of a text, or else all that it may mean."""
        level = self.find(text)
        return self.questions.get(self._asked(text), ()) if level is None else (level,)

    def _described(self, name: str) -> str:
        """Name one meaning, with the level that it counts as, or what a higher score is."""
        level = self.find(name) or name
        side = self.higher.get(level)
        about = level if level != name and not self.named else f"higher is {side}" if side else ""
        return f"{name} ({about})" if about else name

    def knows(self, text: str) -> bool:
        """Whether a text names a level, or several things that are asked about."""
        return self.find(text) is not None or bool(self.question(text))

    def side(self, text: str) -> Side | None:
        """Return what a higher value of a name is: of its level, or of all that it may mean.

        Examples
        --------
        >>> [VOCABULARIES["outcome_measure"].side(text) for text in ("HAM-D", "Hamilton", "DAS")]
        ['worse', 'worse', None]
        """
        meant = {self.higher.get(self.find(name) or name) for name in self._meanings(text)}
        return meant.pop() if len(meant) == 1 else None

    def near(self, text: str) -> str | None:
        """Return the level or other name of which `text` is a typing slip, or None.

        A slip is one letter that is another, missing or doubled, an s at the end, or two
        neighbours that are exchanged; never the first letter, and never a digit. Other words that
        look alike are other things (readmission, remission), and so are other acronyms: MBT is
        neither CBT nor MBCT.

        Examples
        --------
        >>> [VOCABULARIES["modality"].near(text) for text in ("psychodynamc", "MDT", "CBTs")]
        ['psychodynamic', None, 'CBT']
        """
        key = self.key(text)
        names = (*self.levels, *(name for known in self.aliases.values() for name in known))
        near = [name for name in names if _is_slip(key, self.key(name), initials=_initials(name))]
        return near[0] if len({self.find(name) for name in near}) == 1 else None


def _initials(name: str) -> bool:
    """Whether a name is made of initials, such as CBT, iCBT and WAI-S."""
    return not re.search("[a-z]{3}", name)


def _is_slip(text: str, name: str, *, initials: bool) -> bool:
    """Whether a text is a name with one slip; of initials only one letter may be too many."""
    if len(name) < 3 or text == name or re.findall(r"\d", text) != re.findall(r"\d", name):
        return False
    pairs = enumerate(zip(text, name, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(text), len(name)))
    typed, meant = text[at:], name[at:]
    if at == 0:
        return False
    if typed[1:] == meant and (typed[0] == text[at - 1] or text == f"{name}s"):
        return True
    if initials or len(name) < 4:
        return False
    if len(text) == len(name):
        return typed[1:] == meant[1:] or typed[1:2] + typed[:1] + typed[2:] == meant
    return len(text) < len(name) and typed == meant[1:]


def turned(include: Vocabulary) -> Vocabulary:
    """Return the vocabulary of a column that marks what is left out: yes is no, in stays in.

    Examples
    --------
    >>> [turned(VOCABULARIES["include"]).find(text) for text in ("x", "0", "excluded", "in")]
    ['no', 'yes', 'no', 'yes']
    """
    other = replace(include, _lookup={})
    spoken = {key_of(word) for word in (*SAID_IN, *SAID_OUT)}
    for key, level in other._lookup.items():
        if key not in spoken:
            other._lookup[key] = "no" if level == "yes" else "yes"
    return other


#: Words for the whole of an instrument, and for any of its scores.
TOTALS = frozenset({"total", "totals", "sum", "score", "scores", "scale", "index", "overall", "global",
                    "full", "mean", "raw", "item", "items"})  # fmt: skip


def names_in(text: str) -> list[str]:
    """Return the words of a name, folded.

    Examples
    --------
    >>> names_in("SCL-90-R (GSI)")
    ['scl', '90', 'r', 'gsi']
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"[^\s._\-–—/()'’,:]+", folded)


@lru_cache(maxsize=8192)
def key_of(text: str) -> str:
    """Fold case, accents' form, blanks and punctuation: what makes two names the same.

    Examples
    --------
    >>> key_of("C.B.T."), key_of("Client-centred"), key_of("sample size")
    ('cbt', 'clientcentred', 'samplesize')
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s._\-–—/()'’,:]+", "", folded)


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


def _rows(name: str) -> list[dict[str, str]]:
    """Read one of the files of terms."""
    with (_TERMS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


#: Columns of terms that name instruments.
_INSTRUMENTS = frozenset({"alliance_measure", "outcome_measure"})


def _of_the_field() -> Iterator[Vocabulary]:
    """Yield the vocabularies of the files of terms; all are open.

    Names of designs are kept apart: which of them are alike, the team says.
    """
    levels, asked = _rows("levels.csv"), _rows("questions.csv")
    for column in dict.fromkeys(row["column"] for row in levels):
        own = [row for row in levels if row["column"] == column]
        questions = [row for row in asked if row["column"] == column]
        sides: dict[str, Side] = {"better": "better", "worse": "worse"}
        yield Vocabulary(
            column,
            tuple(row["level"] for row in own),
            {row["level"]: _split(row["aliases"]) for row in own if row["aliases"]},
            open=True,
            named=column in _INSTRUMENTS,
            higher={row["level"]: sides[row["higher"]] for row in own if row["higher"]},
            questions={row["name"]: _split(row["meanings"]) for row in questions},
            pages={
                **{row["level"]: _split(row["pages"]) for row in own},
                **{row["name"]: _split(row["pages"]) for row in questions},
            },
        )


@lru_cache(maxsize=1)
def term_pages() -> dict[str, tuple[str, str]]:
    """Return the register of pages: address and what was seen there, by key."""
    return {row["key"]: (row["address"], row["seen"]) for row in _rows("pages.csv")}


_DIRECTIONS = {
    "higher_better": ("higher better", "higher is better", "positive", "high = better"),
    "lower_better": ("lower better", "lower is better", "negative", "low = better",
                     "higher_worse", "higher is worse", "reversed"),
}  # fmt: skip

#: Words that say in or out under any header.
SAID_IN = ("in", "incl", "include", "included", "eingeschlossen", "einschluss", "geïncludeerd",
       "geincludeerd", "inclus", "incluse", "inclure", "incluido", "incluida", "incluir", "incluso",
       "inclusa")  # fmt: skip
SAID_OUT = ("out", "excl", "exclude", "excluded", "ausgeschlossen", "ausschluss", "geëxcludeerd",
        "geexcludeerd", "uitgesloten", "exclu", "exclue", "exclure", "excluido", "excluida",
        "excluir", "escluso", "esclusa")  # fmt: skip

#: This program's own words: what they decide is its computation, and no page speaks of it.
_OWN = ("own",)


def _closed(
    name: str,
    aliases: dict[str, tuple[str, ...]],
    pages: dict[str, tuple[str, ...]] | None = None,
    *,
    exact: bool = False,
) -> Vocabulary:
    """Return a vocabulary whose levels decide a number, a sign or a row: its own words if unseen."""
    seen = {level: _OWN for level in aliases} | (pages or {})
    return Vocabulary(name, tuple(aliases), aliases, exact=exact, pages=seen)


VOCABULARIES: dict[str, Vocabulary] = {
    v.name: v
    for v in (
        *_of_the_field(),
        _closed(
            "include",
            {"yes": ("y", "1", "true", "x", "✓", "✔", "☑", "j", "ja", "oui", "si", "sí", "sì", "wahr",
                     "vrai", "verdadero", "vero", "waar", "eligible", *SAID_IN),
             "no": ("n", "0", "false", "✗", "✘", "nein", "nee", "non", "falsch", "faux", "falso",
                    "onwaar", "not eligible", "ineligible", *SAID_OUT)},
        ),
        _closed("outcome_direction", _DIRECTIONS),
        _closed("alliance_direction", _DIRECTIONS),
        _closed(
            "sign",
            {"+": ("positive", "pos", "plus", "1", "+1", "＋"),
             "-": ("−", "–", "—", "‐", "‑", "－", "negative", "neg", "minus", "-1", "−1", "–1")},
            exact=True,
        ),
        _closed(
            "yi_measure",
            {"z": ("fisher z", "fisher's z", "fisher_z", "zcor", "zr"),
             "r": ("cor", "correlation", "pearson r"), "d": ("cohen's d", "cohens d"),
             "g": ("hedges' g", "hedges g", "hedges's g", "SMD"),
             "log_or": ("lnor", "logor", "ln_or", "log odds ratio")},
            dict.fromkeys(("z", "r", "d", "g", "log_or"), ("esc",)),
        ),
        _closed(
            "estimand",
            {"total": (), "between_patient": ("between", "between-person"),
             "within_patient": ("within", "within-person"),
             "between_therapist": ("therapist", "therapist-level")},
            {"total": ("vtas-therapists",), "between_patient": ("between-patients", "disaggregated"),
             "within_patient": ("early-sessions", "disaggregated"),
             "between_therapist": ("vtas-therapists", "goldberg2022")},
        ),
    )
}  # fmt: skip
OUTCOME_MEASURE = VOCABULARIES["outcome_measure"]
