"""Small invented files in the layouts of other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from imported_sheets import write


@pytest.fixture
def made(tmp_path) -> Callable[..., Path]:
    """Write a file of a name and return its path."""

    def make(name: str, text: str, **how: Any) -> Path:
        return write(tmp_path / name, text, **how)

    return make
