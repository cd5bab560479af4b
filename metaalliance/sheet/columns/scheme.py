"""The coding scheme that a sheet is read with: the specification and what a team adds to it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from metaalliance.config import EVERYWHERE, Config
from metaalliance.errors import OptionError
from metaalliance.messages import MESSAGES
from metaalliance.options import did_you_mean
from metaalliance.sheet.columns.specification import COLUMNS, find_column
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary, key_of
from metaalliance.sheet.read.missing import MissingWords, folded_word


@dataclass(frozen=True, slots=True)
class Scheme:
    """What headers mean and which levels a column has.

    Attributes
    ----------
    headers : dict of str to str
        Column by folded header, for the headers that the team has mapped.
    taken : dict of str to str
        The team's header of each column that is mapped; its own names and aliases do not count.
    vocabularies : dict of str to Vocabulary
        Vocabulary of each choice column, extended by the team.
    moderators : frozenset of str
        Folded headers that the team has declared as moderators.
    own : dict of str to Vocabulary
        Levels of the team's own columns, by folded header.
    missing : MissingWords
        Words that the team has declared to be missing.
    fill_down : True or tuple of str
        Columns whose blank cells take the value above; True are those of the study.
    named : tuple of str
        What the configuration says about single columns: each must stand in the sheet.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=lambda: VOCABULARIES)
    moderators: frozenset[str] = frozenset()
    own: Mapping[str, Vocabulary] = field(default_factory=dict)
    missing: MissingWords = field(default_factory=MissingWords)
    fill_down: bool | tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def vocabulary_of(self, column: str) -> Vocabulary | None:
        """Return the vocabulary of a column, or of the team's own column by its header."""
        if column in COLUMNS:
            return self.vocabularies.get(column)
        return self.own.get(key_of(column))

    def orders(self, columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the levels of the columns for which the team has entered some."""
        found = {name: self.vocabulary_of(name) for name in columns}
        return {
            name: known.levels
            for name, known in found.items()
            if known is not None and known != VOCABULARIES.get(name)
        }

    def name_of(self, name: str) -> str:
        """Return the column that the team means: one of the specification, or its header."""
        return name if name in COLUMNS else self.column_of(name) or name

    def column_of(self, header: str) -> str | None:
        """Return the column that a header names: by the team's mapping, its name or an alias."""
        mapped = self.headers.get(key_of(header))
        if mapped is not None:
            return mapped
        if key_of(header) in self.moderators and header.strip() not in COLUMNS:
            return None  # the team's own column, under its own name
        found = find_column(header)
        return None if found in self.taken else found

    def is_mapped(self, header: str) -> bool:
        """Whether the team has mapped or declared this header."""
        return key_of(header) in self.headers or key_of(header) in self.moderators


def scheme_of(config: Config, base: Scheme | None = None) -> Scheme:
    """Build the scheme of a configuration, on top of what a codebook has added.

    Raises
    ------
    OptionError
        When it names a column or a code that does not exist, or silences an error.
    """
    where = str(config.path or "the configuration")
    below = base or Scheme()
    moderators = below.moderators | {key_of(m) for m in config.moderators}
    for name in config.columns:
        _check_column(name, where)
    for entry in config.ignore:
        _check_code(entry.code, where)
    extended, own = dict(below.vocabularies), dict(below.own)
    for name, levels in config.vocabulary.items():
        into, key = (extended, name) if has_levels(name) else (own, key_of(name))
        if into is own and key not in moderators:
            _check_column(name, where)
            raise OptionError(f"{where}: {name} has no vocabulary; it holds numbers.")
        try:
            into[key] = extend(into.get(key) or own_vocabulary(name), levels)
        except OptionError as error:
            raise OptionError(f"{where}: {error}") from error
    kept = {h: name for h, name in below.headers.items() if name not in config.columns}
    headers = {key_of(header): name for name, header in config.columns.items()}
    scheme = Scheme(
        headers={**kept, **headers},
        taken=dict(config.columns),
        vocabularies=extended,
        moderators=moderators,
        own=own,
        fill_down=config.fill_down,
    )
    return _with_missing(scheme, config)


def has_levels(name: str) -> bool:
    """Whether a column of the specification may have levels: choices, and text of the study."""
    column = COLUMNS.get(name)
    return column is not None and (
        name in VOCABULARIES or (column.kind == "text" and column.group == "study")
    )


def own_vocabulary(name: str) -> Vocabulary:
    """Return the empty vocabulary of a column of the team."""
    return Vocabulary(name, (), open=True)


def _with_missing(scheme: Scheme, config: Config) -> Scheme:
    """Enter the missing words, and what the sheet must have for them and for `fill_down`."""
    words = {
        scheme.name_of(name): frozenset(map(folded_word, given))
        for name, given in config.missing.items()
        if name != EVERYWHERE
    }
    everywhere = frozenset(map(folded_word, config.missing.get(EVERYWHERE, ())))
    fill = config.fill_down
    if not isinstance(fill, bool):
        fill = tuple(scheme.name_of(name) for name in fill)
    listed = () if isinstance(fill, bool) else fill
    named = (*words, *(name for name in listed if name in COLUMNS))  # of others fill_down tells
    return replace(scheme, missing=MissingWords(everywhere, words), fill_down=fill, named=named)


def extend(vocabulary: Vocabulary, levels: Mapping[str, tuple[str, ...]]) -> Vocabulary:
    """Return a vocabulary with more levels and aliases; the team's win over the built-in ones.

    A name that the team has entered is asked about no longer. A level that it puts under another
    goes there with all its other names.

    Raises
    ------
    OptionError
        When a name is put under two levels, or the level of a closed column under another.
    """
    key = vocabulary.key
    own: dict[str, str] = {key(level): level for level in levels}
    for level, names in levels.items():
        for name in names:
            if own.setdefault(key(name), level) != level:
                raise OptionError(
                    f"{vocabulary.name} has {name!r} under {level!r} and {own[key(name)]!r}; a "
                    "name stands for one level."
                )
    to = {level: own.get(key(level), level) for level in vocabulary.levels}
    for level, other in to.items():
        if other != level and not vocabulary.open:
            raise OptionError(
                f"{vocabulary.name} has {level!r}, which decides and keeps its name: it cannot "
                f"be read as {other!r}."
            )
    aliases = {level: (*names,) for level, names in levels.items()}
    for level, names in vocabulary.aliases.items():
        kept = tuple(n for n in names if key(n) not in own)
        aliases[to[level]] = (*aliases.get(to[level], ()), *kept)
    stay = tuple(level for level in vocabulary.levels if to[level] == level)
    new = tuple(level for level in levels if level not in stay)
    ordered = (*stay, *new)
    if len(new) < len(levels):  # the team's order, where it names levels that there were
        ordered = (*levels, *(level for level in stay if level not in levels))
    return replace(
        vocabulary,
        levels=ordered,
        aliases=aliases,
        questions={n: m for n, m in vocabulary.questions.items() if key(n) not in own},
        _lookup={},
    )


def _check_column(name: str, where: str) -> None:
    if name not in COLUMNS:
        hint = did_you_mean(name, COLUMNS)
        raise OptionError(f"{where} names a column {name!r} that does not exist.{hint}")


def _check_code(code: str, where: str) -> None:
    if code not in MESSAGES:
        near = difflib.get_close_matches(code, MESSAGES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise OptionError(f"{where} ignores a code {code!r} that does not exist.{hint}")
    if MESSAGES[code].severity == "error":
        raise OptionError(f"{where} ignores {code}, which is an error; errors cannot be silenced.")
