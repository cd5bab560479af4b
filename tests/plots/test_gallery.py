"""The gallery shows every kind of figure in every style."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from PIL import Image

from metaalliance.plots.canvas.style import STYLES
from metaalliance.plots.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "make_figures", ROOT / "scripts" / "make_figures.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(script):
    page = (ROOT / "docs" / "results" / "gallery.md").read_text(encoding="utf-8")
    assert page == script.gallery_page(), "run python scripts/make_figures.py"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_there_in_every_style_at_its_width(name, script):
    for style in STYLES:
        with Image.open(script.GALLERY / style / f"{name}.png") as image:
            assert image.width * 25.4 / script.DPI == pytest.approx(KINDS[name].width, abs=0.3)
