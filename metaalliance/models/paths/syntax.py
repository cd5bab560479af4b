"""Path models as text, in the syntax of lavaan: what is taken, and what is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from metaalliance.errors import OptionError
from metaalliance.models.paths.expressions import Expression

#: Rosseel (2012) names the syntax.
_NAME = r"(?:[^\W\d]|\.(?!\d))[\w.]*|`[^`]+`"
_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE]-?\d+)?"
_TERM = re.compile(rf"(?:(?P<number>{_NUMBER})|(?P<label>{_NAME}))\s*\*\s*(?P<rest>.+)", re.DOTALL)
_OPERATOR = re.compile(r":=|=~|<~|~~|~\*~|==|<|>|\||~|=")
#: Operators of lavaan that correlations have no use for, and why.
_REFUSED = {
    "=~": "latent variables (=~) are not fitted: the variables of a table of correlations are "
    "those that it names",
    "<~": "formative variables (<~) are not fitted",
    "==": "equality constraints (==) are not taken: give the paths one label",
    "<": "inequality constraints (<) are not taken",
    ">": "inequality constraints (>) are not taken",
    "|": "thresholds (|) have no meaning for a table of correlations",
    "~*~": "scaling factors (~*~) have no meaning for a table of correlations",
    "=": "the operator = is not one of lavaan's; a defined parameter is written name := ...",
}
_FUNCTION = re.compile(rf"({_NAME})\s*\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A directed path or a covariance.

    Attributes
    ----------
    lhs, rhs : str
        Variables; a directed path leads from rhs to lhs.
    op : {"~", "~~"}
        Directed path, or covariance.
    label : str
        Name of the parameter; paths of one label are equal. Empty where the model gives none.
    fixed : float or None
        Value of a path that is not estimated.
    added : bool
        Whether the model does not name it: the covariance of two exogenous variables.
    """

    lhs: str
    op: Literal["~", "~~"]
    rhs: str
    label: str = ""
    fixed: float | None = None
    added: bool = False

    @property
    def parameter(self) -> str:
        """What it is estimated under: its label, or itself."""
        return self.label or f"{self.lhs}{self.op}{self.rhs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSyntax:
    """A path model as it is written.

    Attributes
    ----------
    paths : tuple of Path
        In the order of the text, then covariances of exogenous variables that it does not name.
    defined : tuple of (str, Expression)
        Defined parameters.
    """

    paths: tuple[Path, ...]
    defined: tuple[tuple[str, Expression], ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables: those that nothing leads to first, each in the order of the text."""
        named = [v for p in self.paths for v in (p.lhs, p.rhs)]
        endogenous = {p.lhs for p in self.paths if p.op == "~"}
        return tuple(dict.fromkeys(sorted(named, key=lambda v: v in endogenous)))

    @property
    def order(self) -> tuple[str, ...]:
        """Variables, each after those that lead to it, as far as no circle of paths forbids it."""
        depth = dict.fromkeys(self.variables, 0)
        for _ in depth:
            for p in self.paths:
                if p.op == "~":
                    depth[p.lhs] = max(depth[p.lhs], min(depth[p.rhs] + 1, len(depth)))
        return tuple(sorted(depth, key=lambda v: depth[v]))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what is estimated."""
        return tuple(dict.fromkeys(p.parameter for p in self.paths if p.fixed is None))

    @property
    def indirect(self) -> bool:
        """Whether a variable stands between two others."""
        to = {p.lhs for p in self.paths if p.op == "~"}
        return any(p.rhs in to for p in self.paths if p.op == "~")


def parse(text: str) -> PathSyntax:
    """Read a path model.

    Parameters
    ----------
    text : str
        Lines such as ``outcome ~ b*alliance + 0.3*severity``, ``x ~~ y`` and ``indirect := a*b``;
        ``;`` parts them as a line break does, and ``#`` or ``!`` begin a remark. A term is a
        variable, or a label or a number before ``*`` and a variable; a number fixes the path.
        A name with other characters than letters, digits, dots and underscores stands in
        backticks.

    Raises
    ------
    OptionError
        For what is no path model; it names the line, and each construct of lavaan that is not
        taken.

    Notes
    -----
    Correlations leave variances nothing to estimate: every variable has the variance 1, and
    ``x ~~ 1*x`` says no more. As in lavaan, exogenous variables covary unless the model says
    otherwise (``x ~~ 0*z``); residuals do where the model says so.

    References
    ----------
    Rosseel (2012).

    Examples
    --------
    >>> found = parse("outcome ~ b*alliance + c*severity; alliance ~ a*severity; ab := a*b")
    >>> found.parameters, found.variables
    (('b', 'c', 'a'), ('severity', 'outcome', 'alliance'))
    """
    paths: list[Path] = []
    defined: list[tuple[str, Expression]] = []
    for line in _lines(text):
        operator = _OPERATOR.search(line)
        if operator is None:
            raise _refused(line, "it has none of the operators ~, ~~ and :=")
        op = operator.group()
        if op in _REFUSED:
            raise _refused(line, _REFUSED[op])
        left, right = line[: operator.start()].strip(), line[operator.end() :].strip()
        if op == ":=":
            defined.append((_name(left, line), Expression.read(right, line)))
        else:
            paths += _paths(left, op, right, line)  # type: ignore[arg-type]
    return _checked(paths, defined)


def _lines(text: str) -> Iterator[str]:
    """Statements; one goes on in the next line where it ends in an operator or begins with one."""
    bare = "\n".join(re.split("[#!]", line, maxsplit=1)[0] for line in text.splitlines())
    joined = re.sub(r"([+*~=,(])\s*\n\s*", r"\1 ", bare)
    joined = re.sub(r"\n\s*([+*])", r" \1", joined)
    for part in re.split(r"[;\n]", joined):
        if part.strip():
            yield part.strip()


def _refused(line: str, why: str) -> OptionError:
    return OptionError(f"The model line {line!r} is not taken: {why}.", code="MA720")


def _name(text: str, line: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise _refused(line, f"{text!r} is not a name")
    return text.strip("`")


def _paths(left: str, op: Literal["~", "~~"], right: str, line: str) -> list[Path]:
    if op == "~" and re.fullmatch(r"(?:.*\*)?\s*[01]", right):
        raise _refused(line, "intercepts (~ 1) have no meaning for a table of correlations")
    found = []
    for lhs in _split(left):
        for term in _split(right):
            found.append(_path(_name(lhs, line), op, term, line))
    return found


def _split(text: str) -> list[str]:
    """Terms between plus signs, but not those of names in backticks."""
    parts = re.split(r"\+(?=(?:[^`]*`[^`]*`)*[^`]*$)", text)
    return [part.strip() for part in parts]


def _path(lhs: str, op: Literal["~", "~~"], term: str, line: str) -> Path:
    called = _FUNCTION.match(term)
    if called:
        raise _refused(
            line, f"the modifier {called.group(1)}() is not taken: write a number or a label"
        )
    label, fixed = "", None
    modified = _TERM.fullmatch(term)
    if modified:
        term = modified["rest"].strip()
        if modified["number"]:
            fixed = float(modified["number"])
        else:
            label = modified["label"].strip("`")
            label = "" if label == "NA" else label
    rhs = _name(term, line)
    if lhs == rhs and op == "~":
        raise _refused(line, f"{lhs} cannot lead to itself")
    if lhs == rhs and fixed != 1:
        raise _refused(
            line, f"the variance of {lhs} is 1, or what its paths leave of it, and is not estimated"
        )
    return Path(lhs=lhs, op=op, rhs=rhs, label=label, fixed=fixed)


def _checked(paths: list[Path], defined: list[tuple[str, Expression]]) -> PathSyntax:
    """Refuse what contradicts itself, and add covariances of exogenous variables."""
    endogenous = {p.lhs for p in paths if p.op == "~"}
    for p in paths:
        if p.lhs == p.rhs and p.lhs in endogenous:
            raise OptionError(
                f"{p.lhs} ~~ 1*{p.lhs}: the residual variance of {p.lhs} is what its paths leave.",
                code="MA720",
            )
    paths = [p for p in paths if p.lhs != p.rhs]
    if not endogenous:
        raise OptionError(
            "The model has no directed path, such as outcome ~ alliance.", code="MA720"
        )
    if all(p.fixed is not None for p in paths):
        raise OptionError("The model fixes every path, and estimates none.", code="MA720")
    seen: set[tuple[str, ...]] = set()
    for p in paths:
        key = (p.op, p.lhs, p.rhs) if p.op == "~" else (p.op, *sorted((p.lhs, p.rhs)))
        if key in seen:
            raise OptionError(f"The model names {p.lhs} {p.op} {p.rhs} twice.", code="MA720")
        seen.add(key)
    names = list(dict.fromkeys(v for p in paths for v in (p.lhs, p.rhs)))
    exogenous = [v for v in names if v not in endogenous]
    mixed = [p for p in paths if p.op == "~~" and (p.lhs in endogenous) != (p.rhs in endogenous)]
    if mixed:
        p = mixed[0]
        raise OptionError(
            f"{p.lhs} ~~ {p.rhs}: one of them has paths that lead to it and the other has none; "
            "write a directed path.",
            code="MA720",
        )
    for i, a in enumerate(exogenous):
        for b in exogenous[i + 1 :]:
            if ("~~", *sorted((a, b))) not in seen:
                paths.append(Path(lhs=a, op="~~", rhs=b, added=True))
    _check_defined(paths, defined)
    return PathSyntax(paths=tuple(paths), defined=tuple(defined))


def _check_defined(paths: list[Path], defined: list[tuple[str, Expression]]) -> None:
    labels = {p.label for p in paths if p.label}
    for name, _ in defined:
        if name in labels:
            raise OptionError(f"{name} is a label and a defined parameter.", code="MA720")
        labels.add(name)
