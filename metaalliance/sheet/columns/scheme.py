"""The coding scheme that a sheet is read with: the specification and what a team adds to it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from metaalliance.config import Config
from metaalliance.errors import OptionError
from metaalliance.messages import MESSAGES
from metaalliance.sheet.columns.specification import COLUMNS, find_column
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary, key_of


@dataclass(frozen=True, slots=True)
class Scheme:
    """What headers mean and which levels a column has.

    Attributes
    ----------
    headers : dict of str to str
        Column by folded header, for the headers that the team has mapped.
    taken : frozenset of str
        Columns that are mapped, so that their own names and aliases do not count.
    vocabularies : dict of str to Vocabulary
        Vocabulary of each choice column, extended by the team.
    moderators : frozenset of str
        Folded headers that the team has declared as moderators.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=lambda: VOCABULARIES)
    moderators: frozenset[str] = frozenset()

    def column_of(self, header: str) -> str | None:
        """Return the column that a header names: by the team's mapping, its name or an alias."""
        mapped = self.headers.get(key_of(header))
        if mapped is not None:
            return mapped
        if key_of(header) in self.moderators:
            return None
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
    for name in (*config.columns, *config.vocabulary):
        _check_column(name, where)
    for name in config.vocabulary:
        if name not in VOCABULARIES:
            raise OptionError(f"{where}: {name} has no vocabulary; it holds text or numbers.")
    for entry in config.ignore:
        _check_code(entry.code, where)
    below = base or Scheme()
    extended = dict(below.vocabularies)
    for name, levels in config.vocabulary.items():
        extended[name] = extend(extended[name], levels)
    kept = {h: name for h, name in below.headers.items() if name not in config.columns}
    own = {key_of(header): name for name, header in config.columns.items()}
    return Scheme(
        headers={**kept, **own},
        taken=frozenset(config.columns),
        vocabularies=extended,
        moderators=below.moderators | {key_of(m) for m in config.moderators},
    )


def extend(vocabulary: Vocabulary, levels: Mapping[str, tuple[str, ...]]) -> Vocabulary:
    """Return a vocabulary with more levels and aliases; the team's win over the built-in ones."""
    aliases = {level: (*names,) for level, names in levels.items()}
    for level, names in vocabulary.aliases.items():
        own = {key_of(n) for extra in levels.values() for n in extra} | {key_of(k) for k in levels}
        kept = tuple(n for n in names if key_of(n) not in own)
        aliases[level] = (*aliases.get(level, ()), *kept)
    new = tuple(level for level in levels if level not in vocabulary.levels)
    return replace(vocabulary, levels=(*vocabulary.levels, *new), aliases=aliases, _lookup={})


def _check_column(name: str, where: str) -> None:
    if name not in COLUMNS:
        near = difflib.get_close_matches(name, COLUMNS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise OptionError(f"{where} names a column {name!r} that does not exist.{hint}")


def _check_code(code: str, where: str) -> None:
    if code not in MESSAGES:
        near = difflib.get_close_matches(code, MESSAGES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise OptionError(f"{where} ignores a code {code!r} that does not exist.{hint}")
    if MESSAGES[code].severity == "error":
        raise OptionError(f"{where} ignores {code}, which is an error; errors cannot be silenced.")
