"""Columns of an R data frame: factors, dates, labels, matrices, and what is none of these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metaalliance.problems import Problem
from metaalliance.sheet.read.limits import MAX_COLUMNS
from metaalliance.sheet.read.variables import Variable, listed, variable_problem

#: The flag of a text in R that says that it is UTF-8 or ASCII; without it it is Latin-1.
_LATIN1 = 4
_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class RColumn:
    """A column as a variable, with the measure that escalc noted and where it comes from."""

    variable: Variable
    source: str
    measure: str = ""


def attributes_of(thing: Any) -> dict[str, Any]:
    """Attributes of an R object by name."""
    found: dict[str, Any] = {}
    node = getattr(thing, "attributes", None)
    while node is not None and node.info.type.name == "LIST":
        tag = node.tag
        if tag is not None and tag.info.type.name == "REF":
            tag = tag.referenced_object
        if tag is not None:
            found[tag.value.value.decode("utf-8", "replace")] = node.value[0]
        node = node.value[1]
    return found


def texts_of(thing: Any) -> list[str | None] | None:
    """Texts of a character vector, or None for anything else."""
    if thing is None or thing.info.type.name != "STR":
        return None
    return [_text(element) for element in thing.value]


def _text(element: Any) -> str | None:
    raw = element.value
    if raw is None:
        return None
    if not int(element.info.gp) & _LATIN1:
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError:
            pass
    return str(raw, "latin-1")


def read_column(name: str, column: Any, sheet: str, found: list[Problem]) -> list[RColumn]:
    """Return the variables of one column: one, several for a matrix, none for lists."""
    attributes = attributes_of(column)
    classes = texts_of(attributes.get("class")) or []
    values = _values(column, attributes, [str(c) for c in classes])
    if values is None:
        return []
    label = (texts_of(attributes.get("label")) or [None])[0] or ""
    measure = (texts_of(attributes.get("measure")) or [None])[0] or ""
    dim = attributes.get("dim")
    if dim is not None and len(dim.value) == 2:
        return _matrix(name, values, [int(n) for n in dim.value], attributes, sheet, found)
    levels, by_nature = _levels(attributes, classes)
    variable = Variable(
        name=name, values=values, label=label, levels=levels, labels_are_values=by_nature,
        missing=_missing(attributes),
    )  # fmt: skip
    return [RColumn(variable, name, measure)]


def _values(column: Any, attributes: dict[str, Any], classes: list[str]) -> list[Any] | None:
    """Plain values of a vector; a list of single values counts as one."""
    kind = column.info.type.name
    if kind == "STR":
        return list(texts_of(column) or [])
    if kind == "VEC":
        return _single(column)
    if kind not in {"INT", "REAL", "LGL"}:
        return None
    array = column.value
    if "integer64" in classes:
        whole = array.view("int64").tolist()
        return [None if v == -(2**63) else v for v in whole]
    values = array.tolist()  # masked values become None
    if "Date" in classes:
        return _times(values, lambda v: (_EPOCH + dt.timedelta(days=v)).date())
    if "POSIXct" in classes:
        return _times(values, lambda v: _EPOCH + dt.timedelta(seconds=round(v)))
    if "difftime" in classes or "hms" in classes:
        unit = (texts_of(attributes.get("units")) or [None])[0] or "days"
        if unit == "secs":
            return _times(values, lambda v: dt.timedelta(seconds=v))
    return list(values)


def _times(values: list[Any], convert: Callable[[float], Any]) -> list[Any]:
    return [None if v is None or v != v else convert(v) for v in values]  # noqa: PLR0124


def _single(column: Any) -> list[Any] | None:
    """Values of a list whose elements are single numbers or texts, or None."""
    if "class" in attributes_of(column) and "AsIs" not in (
        texts_of(attributes_of(column)["class"]) or []
    ):
        return None  # POSIXlt, a data frame within the data frame
    values: list[Any] = []
    for element in column.value:
        inner = _values(element, {}, []) if element.info.type.name != "VEC" else None
        if element.info.type.name == "NILVALUE" or inner == []:
            values.append(None)
        elif inner is None or len(inner) != 1:
            return None
        else:
            values.append(inner[0])
    return values


def _levels(attributes: dict[str, Any], classes: list[Any]) -> tuple[dict[Any, str], bool]:
    """Levels of a factor, or the value labels of a labelled vector."""
    if "factor" in classes:
        texts = texts_of(attributes.get("levels")) or []
        return {i: t if t is not None else "NA" for i, t in enumerate(texts, 1)}, True
    labels = attributes.get("labels")
    if labels is None:
        return {}, False
    codes = _values(labels, {}, []) or []
    names = texts_of(attributes_of(labels).get("names")) or []
    return {_whole(c): str(t) for c, t in zip(codes, names, strict=False) if c is not None}, False


def _missing(attributes: dict[str, Any]) -> Callable[[Any], bool] | None:
    """Codes that a labelled vector declares missing; the level NA of a factor."""
    texts = texts_of(attributes.get("levels"))
    codes = {i for i, t in enumerate(texts or [], 1) if t is None}
    declared = attributes.get("na_values")
    if declared is not None:
        codes |= {_whole(v) for v in _values(declared, {}, []) or []}
    bounds = attributes.get("na_range")
    low, high = (_values(bounds, {}, []) or [1, 0])[:2] if bounds is not None else (1, 0)
    if not codes and low > high:
        return None
    return lambda v: v in codes or (not isinstance(v, str) and low <= v <= high)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _matrix(
    name: str,
    values: list[Any],
    dim: list[int],
    attributes: dict[str, Any],
    sheet: str,
    found: list[Problem],
) -> list[RColumn]:
    """Columns of a matrix as variables of their own, called as R prints them."""
    rows, count = dim
    if rows * count != len(values) or count > MAX_COLUMNS:
        raise ValueError("a matrix of another size than its values")
    if count == 1:
        return [RColumn(Variable(name=name, values=values), name)]
    names = attributes.get("dimnames")
    given = texts_of(names.value[1]) if names is not None and len(names.value) == 2 else None
    titles = [f"{name}.{t}" for t in given or range(1, count + 1)]
    message = f"the columns of the matrix {name} are read as {listed(titles)}"
    found.append(variable_problem("MA123", sheet, "", message))
    return [
        RColumn(Variable(name=title, values=values[i * rows : (i + 1) * rows]), name)
        for i, title in enumerate(titles)
    ]
