"""The table of figures: every entry leads to a function that takes what it says."""

from __future__ import annotations

import inspect

import pytest

from metaalliance.errors import OptionError
from metaalliance.plots.kinds import KINDS, function_at, kind_named


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_leads_to_its_function(name):
    kind = KINDS[name]
    parameters = inspect.signature(function_at(kind.path)).parameters
    passed_on = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    assert passed_on or {"style", "width_mm", "title", *kind.options} <= set(parameters)
    assert set(kind.required) <= set(kind.options)
    for option in set(kind.options) & set(parameters) - set(kind.required):
        assert parameters[option].default is not inspect.Parameter.empty
    assert 50 <= kind.width <= 500
    assert kind.about
    assert kind.about[0].islower()


@pytest.mark.parametrize("name", [n for n, k in KINDS.items() if k.alt])
def test_every_alternative_text_takes_a_fit_and_options_of_its_figure(name):
    parameters = inspect.signature(function_at(KINDS[name].alt)).parameters
    _, *rest = parameters.values()
    names = {p.name for p in rest if p.kind is not inspect.Parameter.VAR_KEYWORD}
    needed = {p.name for p in rest if p.default is inspect.Parameter.empty and p.name in names}
    assert needed <= set(KINDS[name].required)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'funnel'") as caught:
        kind_named("funel")
    assert caught.value.code == "MA677"
