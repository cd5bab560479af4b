"""Defined parameters: expressions of labels, with their first and second derivatives."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.errors import OptionError

#: Each with its first and second derivative.
_FUNCTIONS: dict[str, tuple[Callable[[Array], Array], ...]] = {
    "exp": (np.exp, np.exp, np.exp),
    "log": (np.log, lambda x: 1 / x, lambda x: -1 / x**2),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x), lambda x: -0.25 / x**1.5),
    "tanh": (
        np.tanh,
        lambda x: 1 - np.tanh(x) ** 2,
        lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Jet:
    """Values (b,), gradients (b, n) and second derivatives (b, n, n) of a function of n numbers."""

    value: Array
    gradient: Array
    bend: Array

    @classmethod
    def variable(cls, x: Array, j: int) -> Jet:
        """Return number j of x, shape (b, n)."""
        gradient = np.zeros_like(x)
        gradient[:, j] = 1
        return cls(x[:, j], gradient, np.zeros((*x.shape, x.shape[1])))

    @classmethod
    def constant(cls, x: Array, value: float) -> Jet:
        """Return a number that does not change with x."""
        return cls(np.full(len(x), value), np.zeros_like(x), np.zeros((*x.shape, x.shape[1])))

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.value + other.value, self.gradient + other.gradient, self.bend + other.bend)

    def __neg__(self) -> Jet:
        return Jet(-self.value, -self.gradient, -self.bend)

    def __mul__(self, other: Jet) -> Jet:
        a, b = self.value[:, None], other.value[:, None]
        mixed = self.gradient[:, :, None] * other.gradient[:, None, :]
        return Jet(
            self.value * other.value,
            a * other.gradient + b * self.gradient,
            a[..., None] * other.bend + b[..., None] * self.bend + mixed + np.swapaxes(mixed, 1, 2),
        )

    def through(self, value: Array, first: Array, second: Array) -> Jet:
        """Return a function of this one, from its value and derivatives."""
        outer = self.gradient[:, :, None] * self.gradient[:, None, :]
        return Jet(
            value,
            first[:, None] * self.gradient,
            first[:, None, None] * self.bend + second[:, None, None] * outer,
        )

    def power(self, n: float) -> Jet:
        """Return a power."""
        v = self.value
        first = n * v ** (n - 1) if n else np.zeros_like(v)
        second = n * (n - 1) * v ** (n - 2) if n not in {0.0, 1.0} else np.zeros_like(v)
        return self.through(v**n, first, second)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """An expression of labels.

    Attributes
    ----------
    text : str
        As it is written.
    tree : ast.expr
        As it is read.
    """

    text: str
    tree: ast.expr

    @classmethod
    def read(cls, text: str, line: str) -> Expression:
        """Read an expression of labels, numbers, ``+ - * / ^``, brackets, exp, log, sqrt, tanh.

        Raises
        ------
        OptionError
            For anything else.
        """
        plain = re.sub(r"(?<![\w.])([^\W\d][\w.]*)", lambda m: _encoded(m[1]), text)
        try:
            tree = ast.parse(plain.replace("^", "**"), mode="eval").body
        except (SyntaxError, ValueError, RecursionError):
            raise _refused(line, "it cannot be read as an expression") from None
        _check(tree, line)
        return cls(text, tree)

    @property
    def names(self) -> frozenset[str]:
        """The labels in it."""
        called = {id(n.func) for n in ast.walk(self.tree) if isinstance(n, ast.Call)}
        found = (n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and id(n) not in called)
        return frozenset(_decoded(n.id) for n in found)

    def at(self, x: Array, known: Mapping[str, Jet]) -> Jet:
        """Return its value and derivatives by x, shape (b, n), from those of its labels."""
        with np.errstate(all="ignore"):
            return _value(self.tree, x, known)


def _encoded(name: str) -> str:
    return name.replace(".", "__dot__")


def _decoded(name: str) -> str:
    return name.replace("__dot__", ".")


def _refused(line: str, why: str) -> OptionError:
    return OptionError(f"The model line {line!r} is not taken: {why}.", code="MA720")


_OPERATIONS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


def _check(node: ast.expr, line: str) -> None:
    """Refuse what is no arithmetic."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATIONS):
        _check(node.left, line)
        _check(node.right, line)
        if isinstance(node.op, ast.Pow) and not isinstance(node.right, ast.Constant):
            raise _refused(line, "a power has to be a number")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand, line)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id not in _FUNCTIONS or len(node.args) != 1 or node.keywords:
            known = ", ".join(_FUNCTIONS)
            raise _refused(line, f"{node.func.id}() is not one of the functions {known}")
        _check(node.args[0], line)
    elif not (
        isinstance(node, ast.Name)
        or (isinstance(node, ast.Constant) and type(node.value) in {int, float})
    ):
        raise _refused(
            line, "a defined parameter is made of labels, numbers, + - * / ^ and brackets"
        )


def _value(node: ast.expr, x: Array, known: Mapping[str, Jet]) -> Jet:
    if isinstance(node, ast.Constant):
        return Jet.constant(x, float(node.value))  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return known[_decoded(node.id)]
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, x, known)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call):
        inner = _value(node.args[0], x, known)
        functions = _FUNCTIONS[node.func.id]  # type: ignore[attr-defined]
        return inner.through(*(f(inner.value) for f in functions))
    assert isinstance(node, ast.BinOp)
    left = _value(node.left, x, known)
    if isinstance(node.op, ast.Pow):
        return left.power(float(node.right.value))  # type: ignore[attr-defined]
    right = _value(node.right, x, known)
    if isinstance(node.op, ast.Div):
        return left * right.power(-1.0)
    right = -right if isinstance(node.op, ast.Sub) else right
    return left * right if isinstance(node.op, ast.Mult) else left + right
