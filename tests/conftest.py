"""Let every test directory import the modules that lie beside this file; how hypothesis works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from typer.testing import Result

sys.path.append(str(Path(__file__).parent))

# No test depends on how fast or how busy the machine is.
settings.register_profile(
    "metaalliance", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("metaalliance")


@pytest.fixture(autouse=True, scope="session")
def few_replications() -> Iterator[None]:
    """Let bootstraps of selection models that no test asks for have few samples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("metaalliance.publication_bias.selection.REPLICATIONS", 99)
        patch.setattr("metaalliance.publication_bias.beta_selection.BETA_REPLICATIONS", 99)
        yield


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a process of its own, in a folder of its own."""
    from command_line import run_in  # beside this file

    return partial(run_in, tmp_path)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in this process, in a folder of its own."""
    from command_line import call

    monkeypatch.chdir(tmp_path)
    return call
