"""Notices of results as Python warnings: given, or kept quiet where the notices are shown."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from metaalliance.errors import MetaAllianceWarning
from metaalliance.problems import Problem


def announce(notices: Iterable[Problem], stacklevel: int = 3) -> None:
    """Give warnings among notices as Python warnings too."""
    for found in notices:
        if found.severity == "warning":
            warnings.warn(f"{found.code} {found.message}", MetaAllianceWarning, stacklevel)


class _Noticing(Protocol):
    @property
    def notices(self) -> tuple[Problem, ...]: ...


_Result = TypeVar("_Result", bound=_Noticing)


def announced(result: _Result) -> _Result:
    """Return a result after the warnings among its notices are given."""
    announce(result.notices, stacklevel=4)
    return result


@contextmanager
def quiet() -> Iterator[None]:
    """Give no warnings of this tool, where the notices of the results are shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        yield
