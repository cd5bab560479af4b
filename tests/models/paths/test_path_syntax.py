"""Path models as text: what is taken, and what is refused by its name."""

from __future__ import annotations

import numpy as np
import pytest

from metaalliance.errors import OptionError
from metaalliance.models.paths.expressions import Expression, Jet
from metaalliance.models.paths.syntax import parse


def paths(text: str) -> list[tuple[str, str, str, str, float | None]]:
    return [(p.lhs, p.op, p.rhs, p.label, p.fixed) for p in parse(text).paths]


def test_paths_labels_and_fixed_values():
    found = paths("y ~ b*m + 0.3*x  # remark\nm ~ a * x + -.5*z ! another\ny ~~ w*m")
    assert found == [
        ("y", "~", "m", "b", None),
        ("y", "~", "x", "", 0.3),
        ("m", "~", "x", "a", None),
        ("m", "~", "z", "", -0.5),
        ("y", "~~", "m", "w", None),
        ("x", "~~", "z", "", None),  # exogenous: free, as in lavaan
    ]
    assert parse("y ~ x + z; x ~~ 0*z").paths[-1].fixed == 0
    assert [p.added for p in parse("y ~ x + z").paths] == [False, False, True]


def test_lines_go_on_and_several_outcomes_share_a_line():
    assert paths("y + v ~ x +\n  z") == paths("y ~ x + z; v ~ x + z")
    assert paths("y ~ x\n + z") == paths("y ~ x + z")


def test_labels_that_are_alike_are_one_parameter():
    found = parse("y ~ b*m + x; z ~ b*m; m ~ x")
    assert found.parameters == ("b", "y~x", "m~x")
    assert found.variables == ("x", "y", "m", "z")


def test_names_with_other_characters_stand_in_backticks():
    found = paths("outcome ~ `working alliance` + wai.total + größe")
    assert [rhs for _, op, rhs, *_ in found if op == "~"] == [
        "working alliance", "wai.total", "größe",
    ]  # fmt: skip


def test_na_frees_a_path_and_a_variance_of_one_says_nothing():
    assert paths("y ~ NA*x; x ~~ 1*x") == [("y", "~", "x", "", None)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("f =~ x1 + x2", "latent variables"),
        ("f <~ x1", "formative"),
        ("y ~ a*x; a == 0.3", "give the paths one label"),
        ("y ~ a*x; a > 0", "inequality"),
        ("y | t1", "thresholds"),
        ("y ~*~ y", "scaling factors"),
        ("y ~ 1", "intercepts"),
        ("y ~ start(0.2)*x", r"modifier start\(\)"),
        ("y ~ equal('a')*x", r"modifier equal\(\)"),
        ("y ~ c(a, b)*x", r"modifier c\(\)"),
        ("y ~~ y", "the variance of y"),
        ("x ~~ 2*x; y ~ x", "the variance of x"),
        ("y ~ x; y ~~ 1*y", "what its paths leave"),
        ("y ~ y", "lead to itself"),
        ("y ~ x; y ~ x", "twice"),
        ("y ~ x; x ~~ y", "directed path"),
        ("x ~~ z", "no directed path"),
        ("y ~ 0.3*x", "fixes every path"),
        ("y x", "none of the operators"),
        ("y = x", "not one of lavaan's"),
        ("y ~ x*z*w", "not a name"),
        ("y ~ a*x; a := 2*a", "a label and a defined"),
        ("y ~ a*x; d := __import__('os')", "one of the functions"),
        ("y ~ a*x; d := a.real if a else 0", "labels, numbers"),
        ("y ~ a*x; d := a ^ b", "power has to be a number"),
        ("y ~ a*x; d := a +", "cannot be read"),
    ],
)
def test_what_is_not_taken_is_named(text, words):
    with pytest.raises(OptionError, match=words) as caught:
        parse(text)
    assert caught.value.code == "MA720"


def test_defined_parameters_have_their_derivatives():
    x = np.array([[0.4, 0.7, 1.3]])
    expression = Expression.read("exp(a.1*b) - sqrt(c)/b^2 + 2*log(b) - -tanh(c*a.1)", "line")
    assert expression.names == {"a.1", "b", "c"}

    def at(z):
        known = {n: Jet.variable(z, j) for j, n in enumerate(("a.1", "b", "c"))}
        return expression.at(z, known)

    a, b, c = x[0]
    value = np.exp(a * b) - np.sqrt(c) / b**2 + 2 * np.log(b) + np.tanh(c * a)
    assert at(x).value[0] == pytest.approx(value, abs=1e-14)
    for j in range(3):
        h = np.zeros((1, 3))
        h[0, j] = 1e-6
        assert at(x).gradient[0, j] == pytest.approx(
            (at(x + h).value[0] - at(x - h).value[0]) / 2e-6, abs=1e-8
        )
        np.testing.assert_allclose(
            at(x).bend[0, j], (at(x + h).gradient[0] - at(x - h).gradient[0]) / 2e-6, atol=1e-7
        )
