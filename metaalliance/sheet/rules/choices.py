"""The statistics of all rows of a sheet."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, MutableMapping, Sequence

from metaalliance.core.conversion.rule import Rule
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.statistics import Choice, inputs_of

#: Choices that are kept whole; those of further rows are made again when they are asked for.
KEPT = 50_000
#: What the choices of most rows of a sheet share: rule, whether it is named, scale.
_Plan = tuple[Rule, bool, str | None]


class Choices(MutableMapping[int, Choice]):
    """The statistic of each row, by row number.

    Parameters
    ----------
    rows : sequence of Row
        The rows of a sheet, in its order; none has a statistic yet.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._numbers = array("q", (row.number for row in rows))
        self._plans: list[_Plan | None] = [None] * len(rows)
        self._shared: dict[tuple[int, bool, str | None], _Plan] = {}
        self._kept: dict[int, Choice] = {}
        self._count = 0

    def _place(self, number: int) -> int:
        at = bisect_left(self._numbers, number)
        if at == len(self._numbers) or self._numbers[at] != number:
            raise KeyError(number)
        return at

    def __getitem__(self, number: int) -> Choice:
        if number in self._kept:
            return self._kept[number]
        at = self._place(number)
        plan = self._plans[at]
        if plan is None:
            raise KeyError(number)
        rule, named, scale = plan
        return Choice(rule, inputs_of(self._rows[at], rule), named, scale)

    def __setitem__(self, number: int, choice: Choice) -> None:
        at = self._place(number)
        key = id(choice.rule), choice.named, choice.scale
        plan = self._shared.setdefault(key, (choice.rule, choice.named, choice.scale))
        self._count += self._plans[at] is None
        self._plans[at] = plan
        if len(self._kept) < KEPT or choice.inputs != inputs_of(self._rows[at], choice.rule):
            self._kept[number] = choice

    def __delitem__(self, number: int) -> None:
        raise TypeError("a row that has a statistic keeps it")

    def __contains__(self, number: object) -> bool:
        try:
            return self._plans[self._place(number)] is not None  # type: ignore[arg-type]
        except KeyError:
            return False

    def __iter__(self) -> Iterator[int]:
        pairs = zip(self._numbers, self._plans, strict=True)
        return (number for number, plan in pairs if plan is not None)

    def __len__(self) -> int:
        return self._count
