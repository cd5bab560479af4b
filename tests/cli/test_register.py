"""The register of commands: what each reads is what it has options for."""

from __future__ import annotations

import pytest
import typer.main

from metaalliance.cli.app import COMMANDS, app
from metaalliance.cli.local.analysis import flags
from metaalliance.cli.register import ANALYSIS, SECTIONS
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.setting import settings_in

#: Commands that fit a model to a sheet.
FITTING = {
    "pool", "moderators", "bias", "influence", "forest", "funnel", "plot", "multiverse", "compare",
    "components",
    "report", "export-r", "export-python", "serve",
}  # fmt: skip


def flags_of(command):
    made = typer.main.get_command(app).get_command(None, command.name)
    return [flag for p in made.params for flag in p.opts if flag.startswith("-")]


def test_every_command_stands_in_a_section_that_exists():
    assert {c.section for c in COMMANDS.values()} == set(SECTIONS)


def test_commands_that_fit_a_model_read_every_setting():
    assert {name for name, c in COMMANDS.items() if c.reads == ANALYSIS} == FITTING
    assert set(ANALYSIS) == {*settings_in(Model), *settings_in(Policy)}


@pytest.mark.parametrize("name", COMMANDS)
def test_flags_are_those_of_the_settings_and_none_twice(name):
    found = flags_of(COMMANDS[name])
    assert len(found) == len(set(found))
    assert {s.flag for s in COMMANDS[name].reads} <= set(found)


def test_settings_of_the_local_page_reach_the_commands_that_read_them():
    given = {"within": ["sample", "arm"], "nonsignificant": "zero", "level": 0.9, "tau2": None}
    assert flags("validate", given) == ["--nonsignificant", "zero"]
    words = flags("report", given)
    assert words == ["--nonsignificant", "zero", "--level", "0.9", "--within", "sample",
                     "--within", "arm"]  # fmt: skip
