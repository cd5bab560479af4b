"""What can go wrong, as one tree.

::

    MetaAllianceError
    ├── UnreadableFileError     the file cannot be read, or is unsafe        (exit 3)
    ├── StudyDataError          the sheet has errors; carries every problem  (exit 1)
    ├── OptionError             an option has no such value                  (exit 2)
    └── EstimationError         the analysis is impossible                   (exit 4)
        └── ConvergenceError    an optimum was not reached                   (exit 4)

    MetaAllianceWarning         the analysis ran; read this before using it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from metaalliance.shortening import shortened

if TYPE_CHECKING:
    from metaalliance.problems import Problem


class MetaAllianceError(Exception):
    """Base of every error that this package raises on purpose.

    Attributes
    ----------
    code : str
        The stable code which ``metaalliance explain`` describes.
    """

    default_code = "MA600"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(shortened(message))
        self.code = code or self.default_code


class UnreadableFileError(MetaAllianceError):
    """The file is missing, broken, encrypted, too large or unsafe."""

    default_code = "MA101"


class StudyDataError(MetaAllianceError):
    """The sheet has errors, so nothing is computed from it.

    Attributes
    ----------
    problems : tuple of Problem
        Every problem of the sheet, not only the first.
    """

    default_code = "MA400"

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class OptionError(MetaAllianceError, ValueError):
    """An option was given a value that it does not have."""

    default_code = "MA690"


class EstimationError(MetaAllianceError):
    """The model cannot be estimated from these effects."""

    default_code = "MA600"


class ConvergenceError(EstimationError):
    """The optimum was not reached within the allowed iterations."""

    default_code = "MA601"


class MetaAllianceWarning(UserWarning):
    """The analysis ran, with a limit that its reader has to know."""
