"""Agreement of coders, variable by variable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from metaalliance.coding.matching import MatchedRow, Matching
from metaalliance.coding.points import sheet_points
from metaalliance.coding.values import (
    REMARKS,
    STUDY_LEVEL,
    Value,
    VariableKind,
    coded_value,
    comparison_key,
    kind_of,
    order_of,
    place_of,
)
from metaalliance.coding.variables import (
    AgreementTable,
    CategoryAgreement,
    Largest,
    NumberAgreement,
    VariableAgreement,
)
from metaalliance.core.agreement.categories import Coefficient, cohen_kappa, fleiss_kappa, gwet_ac1
from metaalliance.core.agreement.intraclass import icc_agreement
from metaalliance.core.agreement.krippendorff import krippendorff_alpha
from metaalliance.options import check_level
from metaalliance.sheet.columns.specification import COLUMNS

#: Name of the variable that each row converts to.
CONVERTED = "r (converted)"
#: Largest difference of two correlations that counts as the same within rounding.
R_TOLERANCE = 0.005
#: The same for other numbers, as a share of the larger one; counts have to be equal.
RELATIVE_TOLERANCE = 0.01
BLANK = "(blank)"
_CORRELATIONS = frozenset(
    {CONVERTED, "fisher_z", *(c.name for c in COLUMNS.values() if c.is_correlation)}
)


class Unit(NamedTuple):
    """One thing that was coded: a row, or a study for what belongs to the study.

    `absent` says for each coder whether the coder has no such row at all.
    """

    match: MatchedRow
    values: tuple[Value, ...]
    absent: tuple[bool, ...]


def agreement(matching: Matching, *, level: float = 0.95) -> AgreementTable:
    """Measure how far coders agree, over the rows that were matched.

    Categories get Cohen's kappa (quadratic weights where they have an order), for more than two
    coders Fleiss's kappa, and Gwet's AC1 and Krippendorff's alpha in either case; numbers get the
    shares of exact and near agreement and ICC(A,1); text the share of exact agreement. Units
    in which nobody has a value are left out; a value beside a blank is a disagreement, and in
    kappa "blank" is then a category of its own. The correlation that each row converts to is
    one of the variables.

    Parameters
    ----------
    matching : Matching
        The matched rows.
    level : float
        Coverage of the intervals.
    """
    check_level(level)
    found = []
    for column in variables_of(matching):
        pieces = units(matching, column)
        if pieces:
            found.append(_measure(column, pieces, column in matching.used_key, level))
    converted = _converted_units(matching)
    if converted:
        found.append(_numbers(CONVERTED, "number", converted, keyed=False, level=level))
    return AgreementTable(coders=matching.coders, level=level, variables=tuple(found))


def variables_of(matching: Matching) -> list[str]:
    """Columns that are compared: all but labels of rows and remarks, the team's own last."""
    left_out = REMARKS | {"study", "effect"}
    used = {name for m in matching.matched for r in m.rows if r is not None for name in r.cells}
    known = [c for c in COLUMNS if c in used and c not in left_out]
    extra: dict[str, None] = {}
    for sheet in matching.sheets:
        for row in sheet.rows:
            extra.update(dict.fromkeys(c for c in row.cells if c in used and c not in COLUMNS))
    return [*known, *extra]


def units(matching: Matching, column: str) -> list[Unit]:
    """Return what was coded in a column: rows with a value, or one entry per study and code.

    A variable of the study that all its rows repeat counts once.
    """
    found: list[Unit] = []
    seen: set[tuple[Any, ...]] = set()
    for match in matching.matched:
        values = tuple(None if r is None else coded_value(r, column) for r in match.rows)
        if all(v is None for v in values):
            continue
        unit = Unit(match, values, tuple(r is None for r in match.rows))
        if column in STUDY_LEVEL:
            key = (match.study, *(comparison_key(v, column) for v in values), *unit.absent)
            if key in seen:
                continue
            seen.add(key)
        found.append(unit)
    return found


def _converted_units(matching: Matching) -> list[Unit]:
    """The correlation that each matched row converts to, for each coder."""
    points = [sheet_points(sheet) for sheet in matching.sheets]
    found = []
    for match in matching.matched:
        values: list[Value] = []
        for row, known in zip(match.rows, points, strict=True):
            point = None if row is None else known.get(row.number)
            values.append(None if point is None else point.r)
        if any(v is not None for v in values):
            found.append(Unit(match, tuple(values), tuple(r is None for r in match.rows)))
    return found


def _measure(column: str, pieces: list[Unit], keyed: bool, level: float) -> VariableAgreement:
    """Compare one column by its kind."""
    kind = kind_of(column, (v for u in pieces for v in u.values))
    if kind in {"number", "count"}:
        return _numbers(column, kind, pieces, keyed=keyed, level=level)
    if kind == "text":
        return VariableAgreement(**_shared(column, kind, pieces, keyed))
    return _categories(column, kind, pieces, keyed, level)


def _present(unit: Unit, column: str) -> list[Value]:
    """What the coders who have the row say, ready to be compared."""
    return [
        comparison_key(v, column)
        for v, gone in zip(unit.values, unit.absent, strict=True)
        if not gone
    ]


def _shared(column: str, kind: VariableKind, pieces: list[Unit], keyed: bool) -> dict[str, Any]:
    """Fields that every kind has."""
    said = [_present(u, column) for u in pieces]
    agreed = sum(_all_same(values) for values in said)
    blank = sum(any(v is None for v in values) for values in said)
    return {
        "name": column,
        "kind": kind,
        "unit": "study" if column in STUDY_LEVEL else "row",
        "n": len(pieces),
        "exact": agreed / len(pieces),
        "one_blank": blank,
        "keyed": keyed,
    }


def _all_same(values: Sequence[Value], tolerance: float = 1e-12, *, absolute: bool = False) -> bool:
    """Whether all values are equal, numbers within a tolerance."""
    if all(isinstance(v, float) for v in values):
        numbers = [v for v in values if isinstance(v, float)]
        scale = 1.0 if absolute else max(map(abs, numbers))
        return max(numbers) - min(numbers) <= tolerance * scale + 1e-12 * absolute
    return len(set(values)) == 1


def _categories(
    column: str, kind: VariableKind, pieces: list[Unit], keyed: bool, level: float
) -> CategoryAgreement:
    """Kappa and its relatives."""
    order = order_of(v for u in pieces for v in u.values) if kind == "ordinal" else None
    table = [
        [None if gone else _category(v, column) for v, gone in zip(u.values, u.absent, strict=True)]
        for u in pieces
    ]
    if kind == "ordinal":
        table = [[None if v == BLANK else v for v in row] for row in table]
    used = {v for row in table for v in row if v is not None}
    labels: list[Any] = [v for v in order if v in used] if order else _sorted(used)
    scale = _scale(labels) if kind == "ordinal" else labels
    main: tuple[Coefficient, ...]
    if len(pieces[0].values) == 2:
        weights: Any = "quadratic" if kind == "ordinal" else "none"
        first, second = [row[0] for row in table], [row[1] for row in table]
        kappa = cohen_kappa(first, second, weights=weights, categories=scale, level=level)
        main = (kappa, gwet_ac1(table, categories=labels, level=level))
    else:
        main = tuple(f(table, categories=labels, level=level) for f in (fleiss_kappa, gwet_ac1))
    metric: Any = "ordinal" if kind == "ordinal" else "nominal"
    return CategoryAgreement(
        **_shared(column, kind, pieces, keyed),
        coefficients=main,
        alpha=krippendorff_alpha(table, metric, categories=labels),
    )


def _category(value: Value, column: str) -> Value:
    """A category as a label; a blank where another coder has a value is one too."""
    key = comparison_key(value, column)
    return BLANK if key is None else key


def _sorted(labels: Iterable[Any]) -> list[Any]:
    """Numbers by size, then text by the alphabet."""
    return sorted(labels, key=lambda label: (isinstance(label, str), label))


def _scale(labels: list[Any]) -> list[Any]:
    """Complete a rating by whole numbers, so that an unused one keeps its distance."""
    if not labels or any(isinstance(v, str) or v != int(v) for v in labels):
        return labels
    return [float(v) for v in range(int(min(labels)), int(max(labels)) + 1)]


def _numbers(
    column: str, kind: VariableKind, pieces: list[Unit], *, keyed: bool, level: float
) -> NumberAgreement:
    """Shares of agreement and ICC(A,1)."""
    tolerance, absolute, words = tolerance_of(column, kind)
    said = [_present(u, column) for u in pieces]
    near = sum(_all_same(values, tolerance, absolute=absolute) for values in said)
    complete = [
        [float(v) if isinstance(v, float) else float("nan") for v in u.values] for u in pieces
    ]
    return NumberAgreement(
        **_shared(column, kind, pieces, keyed),
        within=near / len(pieces),
        tolerance=words,
        icc=icc_agreement(complete, level=level),
        largest=_largest(column, pieces),
    )


def tolerance_of(column: str, kind: VariableKind) -> tuple[float, bool, str]:
    """Return the tolerance of a number, whether it is absolute, and its name."""
    if column in _CORRELATIONS:
        return R_TOLERANCE, True, "±.005"
    if kind == "count":
        return 0.0, True, "equal"
    return RELATIVE_TOLERANCE, False, "1%"


def _largest(column: str, pieces: list[Unit]) -> Largest | None:
    """The largest difference between two coders."""
    best: Largest | None = None
    for unit in pieces:
        numbers = [(r, v) for r, v in zip(unit.match.rows, unit.values, strict=True)
                   if r is not None and isinstance(v, float)]  # fmt: skip
        if len(numbers) < 2:
            continue
        values = tuple(v for _, v in numbers)
        size = max(values) - min(values)
        if size > (best.difference if best else 1e-12):
            cells = tuple(
                f"{r.sheet}, row {r.number}" if column == CONVERTED else place_of(r, column)
                for r, _ in numbers
            )
            best = Largest(difference=size, study=unit.match.study, cells=cells, values=values)
    return best
