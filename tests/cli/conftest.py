"""Small sheets for the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

GOOD = """study,r,n,outcome_direction
Adler 1988,0.3,40,higher_better
Berg 1991,-0.2,50,lower_better
Cohn 1999,0.1,60,higher_better
Dorn 2004,0.4,45,higher_better
"""
NESTED = """study,r,n,outcome_direction,alliance_rater,modality
Adler 1988,0.3,40,higher_better,client,CBT
Adler 1988,0.2,40,higher_better,therapist,CBT
Berg 1991,0.25,50,higher_better,client,PDT
Berg 1991,0.1,50,higher_better,observer,PDT
Cohn 1999,0.1,60,higher_better,client,CBT
Dorn 2004,0.4,45,higher_better,client,CBT
Dorn 2004,0.5,45,higher_better,observer,CBT
"""
BAD = """study,r,n,outcome_direction
Adler 1988,1.3,40,higher_better
Berg 1991,0.2,50,higher_better
,0.1,60,higher_better
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return _written(tmp_path, "good.csv", GOOD)


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    return _written(tmp_path, "nested.csv", NESTED)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return _written(tmp_path, "bad.csv", BAD)


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
