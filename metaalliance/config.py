"""The configuration file `metaalliance.toml`: what a team says once for its sheet."""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from metaalliance.errors import OptionError
from metaalliance.files import may_wait
from metaalliance.model import Model
from metaalliance.options import (
    DECISIONS,
    Paper,
    Repeats,
    YiMeasure,
    check_decision,
    check_option,
    did_you_mean,
    listed,
    option_values,
)
from metaalliance.policy import Policy
from metaalliance.setting import settings_in

FILE_NAME = "metaalliance.toml"
_SETTINGS = {s.name: s for kind in (Policy, Model) for s in settings_in(kind)}
#: Settings of the section ``[pool]``, with the types that each takes.
POOL_KEYS: dict[str, tuple[type, ...]] = {
    **{name: s.toml for name, s in _SETTINGS.items()},
    "width": (int, float),
}
#: Settings of the section ``[report]``.
REPORT_KEYS: dict[str, type | tuple[type, ...]] = {
    "title": str, "authors": str, "moderators": list, "bias": bool, "page": str,
    "agreement": str, "characteristics": list, "columns": list, "of_interest": (int, float),
    "template": str,
}  # fmt: skip
#: Numbers of the section ``[prisma]``; `reasons` maps reasons of exclusion to numbers.
PRISMA_KEYS = (
    "databases", "registers", "other_sources", "duplicates", "removed_otherwise", "screened",
    "screened_out", "sought", "not_retrieved", "assessed", "excluded", "reasons", "reports",
    "studies",
)  # fmt: skip
_SECTIONS = (
    "sheet", "yi_measure", "columns", "vocabulary", "moderators", "missing", "fill_down",
    "repeats", "ignore", "pool", "multiverse", "style",
    "styles",
    "report",
    "prisma",
)  # fmt: skip


#: Bytes of a configuration, letters of a text in it, and tables and lists in one another.
MAX_CONFIG = 2**20
MAX_TEXT = 10_000
MAX_DEPTH = 8
#: Name of the words that are missing in every column.
EVERYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A rule that the team has silenced, with its reason.

    Attributes
    ----------
    code : str
        The code of warnings or notes; errors cannot be silenced.
    reason : str
        Why; it is printed with the results.
    study : str
        The study that it concerns; blank means all.
    """

    code: str
    reason: str
    study: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The content of a configuration file.

    Attributes
    ----------
    path : Path or None
        Where it was read.
    sheet : str or None
        Sheet to read.
    columns : dict of str to str
        The team's header of each column of the specification.
    vocabulary : dict of str to dict of str to tuple of str
        By column: levels with their aliases, which extend the built-in vocabulary.
    moderators : tuple of str
        Headers of columns that are moderators of the team.
    missing : dict of str to tuple of str
        Words that mean "not reported", by column; "*" holds those of every column.
    fill_down : bool or tuple of str
        Columns whose blank cells take the value above; true are all columns of the study.
    repeats : {"first", "all"} or None
        What rows are worth that repeat another in every cell: one of each is used, or each is an
        effect of its own. Without it they are errors.
    ignore : tuple of Ignore
        Silenced warnings and notes.
    pool : dict
        Settings of `pool`, with `yi_measure` wherever it stands.
    multiverse : dict
        Options by decision of `multiverse`.
    style : dict
        The style of figures without ``--style``; its keys are checked when a figure is drawn.
    styles : dict of str to dict
        Further styles by name.
    report : dict
        Title, authors and content of `report`.
    prisma : dict
        Numbers of the flow of studies.
    """

    path: Path | None = None
    sheet: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    vocabulary: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    moderators: tuple[str, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fill_down: bool | tuple[str, ...] = False
    repeats: Repeats | None = None
    ignore: tuple[Ignore, ...] = ()
    pool: Mapping[str, Any] = field(default_factory=dict)
    multiverse: Mapping[str, Any] = field(default_factory=dict)
    style: Mapping[str, Any] = field(default_factory=dict)
    styles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    prisma: Mapping[str, Any] = field(default_factory=dict)


def find_config(start: Path) -> Path | None:
    """Return the nearest configuration file in `start` or a folder above it.

    Raises
    ------
    OptionError
        When what has its name is no file: a link that leads nowhere, a folder.
    """
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        path = candidate / FILE_NAME
        if path.is_file():
            return path
        if os.path.lexists(path):
            what = "a link that leads nowhere" if path.is_symlink() else "no file"
            raise OptionError(f"{path} is {what}: its settings cannot be read.")
    return None


def read_config(path: Path) -> Config:
    """Read a configuration file.

    Raises
    ------
    OptionError
        When it is no TOML, or has a key that does not exist; with the nearest that does.
    """
    try:
        if may_wait(path):
            raise OptionError(f"{path} is a pipe or a device, not a file.")
        with path.open("rb") as stream:
            text = stream.read(MAX_CONFIG + 1)
    except OSError as error:
        raise OptionError(f"{path} cannot be read ({error.strerror}).") from None
    if len(text) > MAX_CONFIG:
        raise OptionError(f"{path} is larger than {MAX_CONFIG // 2**20} MB.")
    content = _parsed(text, path)
    _check_sizes(content, str(path))
    return parse_config(content, path)


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    """Return the content of a configuration file, which may begin with the mark of UTF-8."""
    try:
        return tomllib.loads(text.decode("utf-8-sig").replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        reason = f"line {line} has a letter that is not in UTF-8; save the file as UTF-8"
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError:  # a number of thousands of digits, a date that there is not
        reason = "it has a number or a date that cannot be read"
    raise OptionError(f"{path} is not valid TOML: {reason}.")


def _check_sizes(content: Mapping[str, Any], where: str) -> None:
    """Refuse values that no setting has, before they are computed with or printed."""
    level: list[Any] = [content]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [*value, *value.values()]
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and len(value) > MAX_TEXT:
                raise OptionError(f"{where}: {value!r} is longer than {MAX_TEXT:,} characters.")
            elif isinstance(value, int) and abs(value) >= 2**63:
                raise OptionError(f"{where}: {value} is beyond the numbers of TOML.")
        level = inner
    if level:
        raise OptionError(f"{where} is nested too deeply: tables and lists lie in one another.")


def parse_config(content: Mapping[str, Any], path: Path | None = None) -> Config:
    """Check the content of a configuration file and return it."""
    where = str(path or FILE_NAME)
    _known(content, _SECTIONS, where)
    return Config(
        path=path,
        sheet=_typed(content, "sheet", str, where),
        columns=_strings(_typed(content, "columns", dict, where) or {}, f"{where} [columns]"),
        vocabulary=_vocabulary(_typed(content, "vocabulary", dict, where) or {}, where),
        moderators=_listed(content.get("moderators", []), f"{where} moderators"),
        missing=_missing(content.get("missing", []), f"{where} missing"),
        fill_down=_fill_down(content.get("fill_down", False), f"{where} fill_down"),
        repeats=_repeats(content, where),
        ignore=tuple(
            _ignore(entry, where) for entry in _typed(content, "ignore", list, where) or []
        ),
        pool=_pool(_with_scale(content, where), where),
        multiverse=_multiverse(_typed(content, "multiverse", dict, where) or {}, where),
        style=_typed(content, "style", dict, where) or {},
        styles=_tables(_typed(content, "styles", dict, where) or {}, f"{where} [styles]"),
        report=_report(_typed(content, "report", dict, where) or {}, where),
        prisma=_prisma(_typed(content, "prisma", dict, where) or {}, where),
    )


def _known(content: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
    """Refuse an unknown key, with the nearest known one."""
    for key in content:
        if key not in allowed:
            hint = did_you_mean(key, allowed, otherwise=f" It has {', '.join(allowed)}.")
            raise OptionError(f"{where} has an unknown key {key!r}.{hint}")


def _typed(content: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = content.get(key)
    if value is not None and not isinstance(value, kind):
        raise OptionError(f"{where}: {key} must be a {kind.__name__}, not {value!r}.")
    return value


def _tables(content: Mapping[str, Any], where: str) -> dict[str, Mapping[str, Any]]:
    for key, value in content.items():
        if not isinstance(value, dict):
            raise OptionError(f"{where}: {key} must be a table [styles.{key}], not {value!r}.")
    return dict(content)


def _strings(content: Mapping[str, Any], where: str) -> dict[str, str]:
    for key, value in content.items():
        if not isinstance(value, str):
            raise OptionError(f"{where}: {key} must be a text in quotes, not {value!r}.")
    return dict(content)


def _listed(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise OptionError(f"{where} must be a list of texts, not {value!r}.")
    return tuple(value)


def _missing(value: Any, where: str) -> dict[str, tuple[str, ...]]:
    """A list for every column, or a table of lists by column."""
    table = value if isinstance(value, dict) else {EVERYWHERE: value}
    return {name: _words(words, f"{where} {name}") for name, words in table.items()}


def _words(value: Any, where: str) -> tuple[str, ...]:
    """A list of texts or numbers."""
    if not isinstance(value, list) or any(
        not isinstance(v, str | int | float) or isinstance(v, bool) for v in value
    ):
        raise OptionError(f'{where} must be a list such as ["k.A.", "999"], not {value!r}.')
    return tuple(str(v) for v in value)


def _fill_down(value: Any, where: str) -> bool | tuple[str, ...]:
    return value if isinstance(value, bool) else _listed(value, where)


def _repeats(content: Mapping[str, Any], where: str) -> Repeats | None:
    value = content.get("repeats")
    if value is not None and value not in option_values(Repeats):
        raise OptionError(f"{where}: repeats must be {listed(Repeats)}, not {value!r}.")
    return cast("Repeats | None", value)


def _vocabulary(content: Mapping[str, Any], where: str) -> dict[str, dict[str, tuple[str, ...]]]:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for column, levels in content.items():
        section = f"{where} [vocabulary.{column}]"
        if not isinstance(levels, dict):
            raise OptionError(f"{section} must map each level to a list of its aliases.")
        found[column] = {level: _listed(v, f"{section} {level}") for level, v in levels.items()}
    return found


def _ignore(entry: Any, where: str) -> Ignore:
    section = f"{where} [[ignore]]"
    if not isinstance(entry, dict):
        raise OptionError(f"{section} must have code and reason.")
    _known(entry, ("code", "study", "reason"), section)
    values = _strings(entry, section)
    if not values.get("code") or not values.get("reason", "").strip():
        raise OptionError(f"{section} needs a code and a reason: readers will ask why.")
    return Ignore(
        code=values["code"].upper(), reason=values["reason"], study=values.get("study", "")
    )


def _with_scale(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The section ``[pool]`` with the scale of yi, which may stand above all sections too."""
    pool = _typed(content, "pool", dict, where) or {}
    scale = _typed(content, "yi_measure", str, where)
    if scale is None:
        return dict(pool)
    with _located(where, "yi_measure"):
        check_option("yi_measure", scale, YiMeasure)
    if pool.get("yi_measure", scale) != scale:
        raise OptionError(f"{where} says yi_measure twice: {scale!r} and {pool['yi_measure']!r}.")
    return {**pool, "yi_measure": scale}


def _pool(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    section = f"{where} [pool]"
    _known(content, tuple(POOL_KEYS), section)
    for key, value in content.items():
        if POOL_KEYS[key] == (list,) and not isinstance(value, list):
            raise OptionError(
                f'{section}: {key} must be a list, as in {key} = ["{value}"], not {value!r}.'
            )
        if not isinstance(value, POOL_KEYS[key]) or isinstance(value, bool):
            shown = value if isinstance(value, dt.date | dt.time) else repr(value)
            raise OptionError(f"{section}: {key} has no value {shown}.")
        if key in _SETTINGS:
            with _located(section, key):
                _SETTINGS[key].check(key, _SETTINGS[key].read(value))
    return dict(content)


@contextmanager
def _located(where: str, key: str) -> Iterator[None]:
    """Let an error about a value name the file and the key that hold it."""
    try:
        yield
    except OptionError as error:
        said = str(error).replace(f"{key}=", f"{key} = ", 1)
        raise OptionError(f"{where}: {said}", code=error.code) from None


def _multiverse(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    section = f"{where} [multiverse]"
    _known(content, DECISIONS, section)
    for key, value in content.items():
        if key == "include" and isinstance(value, dict):
            _filters(value, f"{section[:-1]}.include]")
        elif not isinstance(value, list) or not value:
            example = "[0.4, 0.6]" if key == "rho" else '["...", "..."]'
            raise OptionError(f"{section}: {key} must be a list such as {example}, not {value!r}.")
        elif key != "include":  # names of filters, which the sheet has to hold
            for option in value:
                with _located(section, key):
                    check_decision(key, option)
    return dict(content)


def _filters(content: Mapping[str, Any], section: str) -> None:
    """Each filter maps columns to the values that it keeps."""
    for name, kept in content.items():
        if not isinstance(kept, dict) or not all(isinstance(v, list) for v in kept.values()):
            raise OptionError(
                f"{section}: {name!r} must map columns to lists of values that are kept, such as "
                '{ design = ["RCT"] }.'
            )


def _report(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    section = f"{where} [report]"
    _known(content, tuple(REPORT_KEYS), section)
    for key, value in content.items():
        kind = REPORT_KEYS[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise OptionError(f"{section}: {key} has no value {value!r}.")
    for key in ("moderators", "characteristics", "columns"):
        _listed(content.get(key, []), f"{section} {key}")
    if "page" in content:
        check_option("page", content["page"], Paper)
    return dict(content)


def _prisma(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    section = f"{where} [prisma]"
    _known(content, PRISMA_KEYS, section)
    reasons = _typed(content, "reasons", dict, section) or {}
    numbers = {**{k: v for k, v in content.items() if k != "reasons"}, **reasons}
    for key, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise OptionError(f"{section}: {key} must be a whole number, not {value!r}.")
    return dict(content)
