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
    assert {"style", "width_mm", "title"} <= set(parameters)
    assert set(kind.options) <= set(parameters)
    assert set(kind.required) <= set(kind.options)
    for option in kind.options:
        if option not in kind.required:
            assert parameters[option].default is not inspect.Parameter.empty
    assert 50 <= kind.width <= 500
    assert kind.about
    assert kind.about[0].islower()


@pytest.mark.parametrize("name", [n for n, k in KINDS.items() if k.alt])
def test_every_alternative_text_takes_the_options_of_its_figure(name):
    parameters = inspect.signature(function_at(KINDS[name].alt)).parameters
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    assert takes_all or set(KINDS[name].options) <= set(parameters)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'funnel'") as caught:
        kind_named("funel")
    assert caught.value.code == "MA677"
