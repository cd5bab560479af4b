"""Formulas from users: read strictly, so that nothing in them can be executed.

formulaic evaluates Python code in a formula. Here a formula is cut into columns, numbers,
operators and a few named functions; columns are replaced by names of our own, and only the
rebuilt formula reaches formulaic.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from metaalliance.effects.levels import read_as
from metaalliance.errors import OptionError

#: Functions of one number that are computed before formulaic sees the column.
NUMERIC = ("log", "log2", "log10", "sqrt")
#: Functions that make several columns of a number, with the options that take a number.
CURVES = {
    "poly": ("degree",),
    "bs": ("df", "degree"),
    "cr": ("df",),
    "cs": ("df",),
}
LONGEST, MOST_FACTORS, MOST_PRODUCTS, HIGHEST_POWER, LARGEST_NUMBER = 1000, 20, 4, 3, 12

_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>`[^`]+`)|(?P<name>[^\W\d]\w*)|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<power>\*\*|\^)|(?P<mark>[-+*:/(),=]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One variable of a formula.

    Attributes
    ----------
    column : str
        The column behind it.
    function : str
        One of `NUMERIC`, "C" for levels, or "" for the column itself.
    """

    column: str
    function: str = ""

    @property
    def name(self) -> str:
        """The variable as a reader knows it: "log(n)"."""
        numeric = self.function in NUMERIC
        return f"{self.function}({self.column})" if numeric else self.column


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFormula:
    """A formula that is safe to evaluate.

    Attributes
    ----------
    text : str
        As given, without a leading tilde.
    safe : str
        With columns replaced by ``v0x``, ``v1x``, ...
    factors : tuple of Factor
        What these stand for.
    curved : frozenset of int
        Factors inside a function of `CURVES`.
    """

    text: str
    safe: str
    factors: tuple[Factor, ...]
    curved: frozenset[int] = frozenset()


def parse_formula(
    text: str, columns: Sequence[str], frame: pd.DataFrame | None = None
) -> ParsedFormula:
    """Read a formula such as ``"modality * alliance_rater + poly(year, 2)"``.

    Parameters
    ----------
    text : str
        Columns joined by ``+ - : * / ^``, with parentheses and the functions C, log, log2, log10,
        sqrt, poly, bs, cr and cs. Names with blanks stand in backticks. The intercept is
        always there.
    columns : sequence of str
        Columns that may occur.
    frame : DataFrame, optional
        The effects, which know what headers of the sheet are called here.

    Raises
    ------
    OptionError
        MA649 for anything else.

    Examples
    --------
    >>> parse_formula("a * `b c` + log(n)", ["a", "b c", "n"]).safe
    'v0x * v1x + v2x'
    """
    if not isinstance(text, str):
        raise refused(text, "it must be text")
    plain = text.strip().removeprefix("~").strip()
    if not plain:
        raise refused(text, "it is empty")
    if len(plain) > LONGEST:
        raise refused(plain[:40] + "...", f"it has more than {LONGEST} characters")
    return _Reader(plain, tuple(columns), frame).read()


def refused(text: object, reason: str) -> OptionError:
    """Return the error about a formula."""
    return OptionError(
        f"The formula {text!r} is not accepted: {reason}. It may hold columns (in backticks when "
        f"they have blanks), + - : * / ^, parentheses, C(), {', '.join(f'{n}()' for n in NUMERIC)},"
        f" {', '.join(f'{n}()' for n in CURVES)}.",
        code="MA649",
    )


def first_line(error: Exception) -> str:
    """First line of a message, without our placeholders and colours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().split("\n")[0]
    return re.sub(r"v\d+x", "a column", text).rstrip(".") or "it cannot be read"


class _Reader:
    """Turns the tokens of a formula into the safe formula."""

    def __init__(
        self, text: str, columns: tuple[str, ...], frame: pd.DataFrame | None = None
    ) -> None:
        self.text, self.columns, self.frame = text, columns, frame
        self.tokens = self._tokens()
        self.at = 0
        self.factors: list[Factor] = []
        self.curved: set[int] = set()

    def _tokens(self) -> list[tuple[str, str]]:
        found, place = [], 0
        while place < len(self.text):
            match = _TOKEN.match(self.text, place)
            if match is None:
                if not self.text[place:].strip():
                    break
                raise refused(self.text, f"{self.text[place:].strip()[0]!r} has no meaning in it")
            kind = str(match.lastgroup)
            found.append((kind, match.group(kind)))
            place = match.end()
        return found

    def read(self) -> ParsedFormula:
        """Return the formula rebuilt from its tokens."""
        self._check_size()
        parts: list[str] = []
        depth, operand = 0, True  # operand: whether a variable has to come next
        while self.at < len(self.tokens):
            kind, value = self.tokens[self.at]
            starts = kind in {"quoted", "name"} or value == "("
            if kind != "number" and starts != operand:
                raise refused(self.text, f"{value!r} stands in a wrong place")
            if kind in {"quoted", "name"}:
                parts.append(self._variable())
                operand = False
            elif kind == "number":
                parts.append(self._number(parts))
                operand = False
            else:
                depth += {"(": 1, ")": -1}.get(value, 0)
                parts.append(self._mark(kind, value))
                operand = value != ")"
            if depth < 0:
                raise refused(self.text, "its parentheses do not match")
        if depth or operand:
            raise refused(self.text, "its parentheses do not match" if depth else "it has no end")
        if not self.factors:
            raise refused(self.text, "it names no column")
        return ParsedFormula(
            text=self.text,
            safe=" ".join(parts).replace("( ", "(").replace(" )", ")"),
            factors=tuple(self.factors),
            curved=frozenset(self.curved),
        )

    def _check_size(self) -> None:
        """Refuse products that expand to thousands of terms."""
        values = [value for _, value in self.tokens]
        if values.count("*") + values.count("/") > MOST_PRODUCTS:
            raise refused(self.text, f"it has more than {MOST_PRODUCTS} products")
        if sum(kind == "power" for kind, _ in self.tokens) > 1:
            raise refused(self.text, "it has more than one power")

    def _mark(self, kind: str, value: str) -> str:
        """An operator or a parenthesis."""
        if kind != "power" and value not in "+-*:/()":
            raise refused(self.text, f"{value!r} stands outside a function")
        self.at += 1
        return "**" if kind == "power" else value

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else ("end", "")

    def _expect(self, mark: str, where: str) -> None:
        if self._peek()[1] != mark or self._peek()[0] != "mark":
            raise refused(self.text, f"{mark!r} is missing {where}")
        self.at += 1

    def _number(self, parts: list[str]) -> str:
        """A power, or the intercept; nothing else is a number."""
        value = self._peek()[1]
        self.at += 1
        if parts and parts[-1] == "**":
            if value not in {str(i) for i in range(1, HIGHEST_POWER + 1)}:
                raise refused(self.text, f"a power is at most {HIGHEST_POWER}")
            return value
        before = parts[-1] if parts else "+"
        if value == "1" and before == "+":
            return value
        if value in {"0", "1"}:
            raise refused(
                self.text,
                "the intercept cannot be removed (marginal_means gives the mean of each level)",
            )
        raise refused(self.text, f"the number {value} is not a power")

    def _variable(self) -> str:
        """A column, or a function of one."""
        kind, value = self._peek()
        if kind == "name" and self._peek(1) == ("mark", "("):
            if value in CURVES:
                return self._curve(value)
            if value in {*NUMERIC, "C"}:
                return self._placeholder(self._function())
            if value not in self.columns:
                raise refused(self.text, f"there is no function {value}()")
        return self._placeholder(self._column())

    def _column(self, function: str = "") -> Factor:
        kind, value = self._peek()
        if kind not in {"quoted", "name"}:
            raise refused(self.text, f"a column is missing before {value or 'its end'!r}")
        self.at += 1
        name = value[1:-1] if kind == "quoted" else value
        if name not in self.columns:
            known = None if self.frame is None else read_as(self.frame, name)
            there = f"there are {', '.join(self.columns) or 'none'}"
            told = f"the sheet's {name!r} is read as {known!r}, which is its name"
            raise OptionError(
                f"The formula {self.text!r} names {name!r}, which is no column; "
                f"{told if known else there}.",
                code="MA649",
            )
        return Factor(column=name, function=function)

    def _function(self) -> Factor:
        name = self._peek()[1]
        self.at += 2
        found = self._column(name)
        self._expect(")", f"after {name}({found.column}")
        return found

    def _curve(self, name: str) -> str:
        """A function that makes several columns: its variable, then numbers."""
        self.at += 2
        kind, value = self._peek()
        call = kind == "name" and value in NUMERIC and self._peek(1) == ("mark", "(")
        factor = self._function() if call else self._column()
        held = self._placeholder(factor)
        self.curved.add(int(held[1:-1]))
        options = self._options(name)
        self._expect(")", f"after {name}({factor.name}")
        return f"{name}({', '.join([held, *options])})"

    def _options(self, name: str) -> list[str]:
        found = []
        while self._peek() == ("mark", ","):
            self.at += 1
            kind, value = self._peek()
            key = CURVES[name][0]
            if kind == "name":
                key = value
                self.at += 1
                self._expect("=", f"after {key}")
            if key not in CURVES[name]:
                raise refused(self.text, f"{name}() has no option {key}")
            kind, value = self._peek()
            if kind != "number" or "." in value or not 1 <= int(value) <= LARGEST_NUMBER:
                raise refused(self.text, f"{key} must be a whole number from 1 to {LARGEST_NUMBER}")
            self.at += 1
            found.append(f"{key}={value}")
        return found or (["degree=2"] if name == "poly" else ["df=4"])

    def _placeholder(self, factor: Factor) -> str:
        """Name of our own for a variable."""
        if factor not in self.factors:
            if len(self.factors) == MOST_FACTORS:
                raise refused(self.text, f"it has more than {MOST_FACTORS} variables")
            self.factors.append(factor)
        return f"v{self.factors.index(factor)}x"
