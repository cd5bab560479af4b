"""A style of one's own, from a table of `metaalliance.toml` or any other mapping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from string import Formatter
from typing import Any, Literal, get_args, get_origin, get_type_hints

from matplotlib.colors import is_color_like

from metaalliance.errors import OptionError
from metaalliance.options import did_you_mean
from metaalliance.plots.canvas.style import ROW_PER_POINT, STYLES, Style
from metaalliance.plots.forests.look import OWN_COLUMNS

#: Smallest and largest value of each length and size.
BOUNDS = {
    "size": (5.0, 24.0),
    "small_size": (5.0, 24.0),
    "row": (2.0, 20.0),
    "gap": (1.0, 20.0),
    "margin": (0.0, 30.0),
    "square": (0.5, 10.0),
    "thin": (0.1, 5.0),
    "medium": (0.1, 5.0),
    "thick": (0.1, 5.0),
    "least_side": (0.0, 0.5),
}

_COLORS = frozenset(
    {
        "ink", "accent", "pale", "zones", "head_fill", "stripe", "square", "interval", "diamond",
        "diamond_edge", "group_diamond", "group_edge",
    }
)  # fmt: skip
_SPREAD = frozenset({"k", "Q", "df", "p", "tau", "tau2", "I2"})
_HEADS = frozenset({"effect", "name", "level", "model"})
#: Fields in braces that a template may hold.
_FIELDS: dict[str, frozenset[str]] = {
    "heterogeneity": _SPREAD,
    "group": _SPREAD,
    "test_t": frozenset({"statistic", "df", "p"}),
    "test_z": frozenset({"statistic", "df", "p"}),
    "between_label": frozenset({"common", "among"}),
    "between_f": frozenset({"statistic", "df1", "df2", "p"}),
    "between_chi2": frozenset({"statistic", "df1", "p"}),
    "effect_head": _HEADS,
    "panel_head": _HEADS,
    "subtotal": frozenset({"level"}),
    "total": frozenset({"level"}),
    "prediction": frozenset({"level"}),
}


def own_style(table: Mapping[str, Any], name: str = "own") -> Style:
    """Return a style that differs from one of ours in what a table says.

    Parameters
    ----------
    table : mapping
        `base` ("apa" where it is not given), and any attribute of `Style`; `words` and
        `forest` are tables themselves, with attributes of `Wording` and `ForestLook`. With a
        new `size` and nothing else, small type and rows grow along; what a forest draws in
        the `ink` or the `accent` of the base follows a new one.
    name : str
        Name of the style.

    Raises
    ------
    OptionError
        For an unknown key, with the nearest that there is, or a value that cannot be drawn.

    Examples
    --------
    >>> mine = own_style({"base": "jama", "size": 9, "forest": {"stripe": ""}}, "mine")
    >>> mine.name, mine.size, mine.forest.stripe, mine.words.leading_zero
    ('mine', 9.0, '', True)
    """
    given = dict(table)
    named, where = given.pop("base", "apa"), f"style {name!r}"
    if not isinstance(named, str) or named not in STYLES:
        raise _refused(where, f"base = {named!r} is not one of {', '.join(map(repr, STYLES))}")
    base = STYLES[named]
    style: Style = replace(_changed(base, given, where), name=name)
    style = _recoloured(style, base, given.get("forest", {}))
    ratio = style.size / base.size
    if "small_size" not in given:
        style = replace(style, small_size=base.small_size * ratio)
    if "row" not in given:
        style = replace(style, row=base.row * ratio)
    least = ROW_PER_POINT * max(style.size, style.small_size)
    if style.row < least - 1e-9:
        raise _refused(
            where,
            f"row = {style.row:g} mm is too low for type of {style.size:g} points: "
            f"at least {math.ceil(least * 100) / 100:g} mm",
        )
    return style


def _recoloured(style: Style, base: Style, said: Mapping[str, Any]) -> Style:
    """Return a style whose forest follows its ink and accent, but for what is said of it."""
    new = {base.ink: style.ink, base.accent: style.accent}
    colors = {f.name: getattr(style.forest, f.name) for f in fields(style.forest)
              if f.name in _COLORS and f.name not in said}  # fmt: skip
    changes: dict[str, Any] = {name: new[color] for name, color in colors.items() if color in new}
    return replace(style, forest=replace(style.forest, **changes))


def _changed(record: Any, given: Mapping[str, Any], where: str) -> Any:
    """Return a frozen record with new values, each checked against its declared type."""
    hints = get_type_hints(type(record))
    known = [f.name for f in fields(record) if f.name != "name"]
    changes = {}
    for key, value in given.items():
        if key not in known:
            hint = did_you_mean(key, known, otherwise=f" It has {', '.join(known)}.")
            raise _refused(where, f"there is no {key!r}.{hint}")
        old = getattr(record, key)
        if is_dataclass(old):
            if not isinstance(value, Mapping):
                raise _refused(where, f"{key} is a table, not {value!r}")
            changes[key] = _changed(old, value, f"{where}, {key}")
        else:
            changes[key] = _value(key, value, hints[key], old, where)
    return replace(record, **changes)


def _value(key: str, value: Any, hint: Any, old: Any, where: str) -> Any:
    """Return a value in the type of its field."""
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            listed = ", ".join(map(repr, get_args(hint)))
            raise _refused(where, f"{key} = {value!r} is not one of {listed}")
        return value
    if isinstance(old, bool):
        if not isinstance(value, bool):
            raise _refused(where, f"{key} is true or false, not {value!r}")
        return value
    if isinstance(old, float):
        return _number(key, value, where)
    if isinstance(old, tuple):
        return _listed(key, value, hint, where)
    return _text(key, value, where)


def _number(key: str, value: Any, where: str) -> float:
    low, high = BOUNDS[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _refused(where, f"{key} = {value!r} is no number from {low:g} to {high:g}")
    return float(value)


def _listed(key: str, value: Any, hint: Any, where: str) -> tuple[Any, ...]:
    """Return a list of texts, or of pairs of them, as a tuple."""
    kinds = get_args(hint)
    open_ended = kinds[-1] is Ellipsis
    if not isinstance(value, list | tuple) or (not open_ended and len(value) != len(kinds)):
        size = "" if open_ended else f" of {len(kinds)}"
        raise _refused(where, f"{key} is a list{size}, not {value!r}")
    if get_origin(kinds[0]) is tuple:
        return tuple(_listed(key, entry, kinds[0], where) for entry in value)
    allowed = get_args(kinds[0]) if get_origin(kinds[0]) is Literal else ()
    allowed = OWN_COLUMNS if key in {"left", "right"} else allowed
    for entry in value:
        if allowed and entry not in allowed:
            listed = ", ".join(map(repr, allowed))
            raise _refused(where, f"{key} may have {listed}, not {entry!r}")
    return tuple(_text(key, entry, where) for entry in value)


def _text(key: str, value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _refused(where, f"{key} is a text in quotes, not {value!r}")
    if key in _COLORS:
        may_be_empty = key in {"head_fill", "stripe"}
        if not (is_color_like(value) or (may_be_empty and not value)):
            raise _refused(where, f"{key} = {value!r} is no colour such as '#0072B2'")
    allowed = _FIELDS.get(key)
    if allowed is not None:
        _check_fields(key, value, allowed, where)
    return value


def _check_fields(key: str, value: str, allowed: frozenset[str], where: str) -> None:
    try:
        found = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
    except ValueError as error:
        raise _refused(where, f"{key} = {value!r}: {error}") from None
    if found - allowed:
        wrong = ", ".join(sorted(f"{{{name}}}" for name in found - allowed))
        listed = ", ".join(sorted(f"{{{name}}}" for name in allowed))
        raise _refused(where, f"{key} holds {wrong}; it may hold {listed}")


def _refused(where: str, why: str) -> OptionError:
    end = "" if why.endswith((".", "?")) else "."
    return OptionError(f"{where}: {why}{end}", code="MA675")
