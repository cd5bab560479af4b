"""Commands keep finished tasks beside their output and take them up, and say both."""

from __future__ import annotations

import pytest

from metaalliance.robustness import simulation

POWER = ("power", "mean", "--r", ".2", "--k", "4,5", "--n", "40", "--tau", ".1", "--simulate", "60")


@pytest.fixture
def interrupted_once(monkeypatch):
    """Ctrl-C while the second batch is drawn."""
    drawn, draw = [], simulation.draw

    def once(*given):
        drawn.append(1)
        if len(drawn) == 56:
            raise KeyboardInterrupt
        return draw(*given)

    monkeypatch.setattr(simulation, "draw", once)
    return drawn


def test_an_interrupted_command_is_taken_up(call, tmp_path, interrupted_once):
    words = (*POWER, "-o", "plan", "--resume")
    assert call(*words).exit_code == 130
    assert not (tmp_path / "plan").exists()
    assert len(list((tmp_path / "plan_unfinished").glob("power-*.jsonl"))) == 1
    done = call(*words)
    assert done.exit_code == 0
    assert "1 of 4 tasks are taken up" in " ".join(done.stderr.split())
    assert "Removed the finished tasks in plan_unfinished" in done.stderr
    assert not (tmp_path / "plan_unfinished").exists()
    assert len(interrupted_once) == 56 + 120 - 50
    call(*POWER, "-o", "whole")
    written = [(tmp_path / name / "power.json").read_bytes() for name in ("plan", "whole")]
    assert written[0] == written[1]


def test_what_is_kept_of_other_settings_is_told_even_quietly(call, interrupted_once):
    call(*POWER, "-o", "plan", "--resume")
    done = call(*POWER, "--seed", "9", "-o", "plan", "--resume", "--quiet")
    assert done.exit_code == 0
    assert "(MA701)" in done.stderr
    assert "Removed" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*POWER[:-2], "--jobs", "2"), "Add --simulate"),
        ((*POWER, "--backend", "dask"), "address of its scheduler"),
        ((*POWER, "--scheduler", "tcp://here:1"), "Name that too"),
        ((*POWER, "--backend", "ray"), "loky"),
        (
            ("bias", "studies.csv", "--bootstrap", "none", "--resume"),
            "Add one, such as --bootstrap two-stage",
        ),
        (("multiverse", "studies.csv", "--backend", "dask"), "address of its scheduler"),
    ],
)
def test_options_that_nothing_obeys_are_refused(call, tmp_path, words, told):
    from multiverse_sheets import sheet_text

    (tmp_path / "studies.csv").write_text(sheet_text(), encoding="utf-8")
    done = call(*words)
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())
