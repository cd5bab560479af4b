"""The page about the configuration file: what it shows is read, and every key stands in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from metaalliance.config import (
    POOL_KEYS,
    PRISMA_KEYS,
    REPORT_KEYS,
    parse_config,
)
from metaalliance.effects.effects import Effects
from metaalliance.options import DECISIONS
from metaalliance.plots.canvas.own_style import own_style
from metaalliance.report.sections.flow import flow_gaps
from metaalliance.robustness.defaults import default_grid
from metaalliance.robustness.specifications import make_grid

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "sheets" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = {
    f"{name}-{index}": text
    for name in ("sheets/configuration", "multiverse", "results/report", "results/figures")
    for index, text in enumerate(
        re.findall(r"^```toml\n(.*?)^```", (DOCS / f"{name}.md").read_text("utf-8"), re.M | re.S)
    )
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_read(name):
    content = tomllib.loads(EXAMPLES[name])
    config = parse_config(content)
    assert content
    for key in ("multiverse", "report", "prisma", "styles", "style"):
        assert getattr(config, key) == content.get(key, {})


def test_page_has_an_example_of_every_section():
    shown = {key for text in EXAMPLES.values() for key in tomllib.loads(text)}
    assert {"columns", "vocabulary", "ignore", "pool", "multiverse", "report", "prisma", "style",
            "styles"} <= shown  # fmt: skip


@pytest.mark.parametrize("key", [*POOL_KEYS, *DECISIONS, *REPORT_KEYS, *PRISMA_KEYS])
def test_every_key_stands_in_the_page(key):
    assert re.search(rf"^{key} =|`{key}`|\.{key}\]", PAGE, re.M), key


def test_decisions_of_the_example_exist():
    for text in EXAMPLES.values():
        given = parse_config(tomllib.loads(text)).multiverse
        if given:
            grid = make_grid(given, default_grid(Effects.from_arrays([0.1, 0.2], [0.01, 0.02])))
            assert grid.options["rho"] == tuple(given["rho"])


def test_styles_of_the_example_exist():
    config = parse_config(tomllib.loads(next(t for t in EXAMPLES.values() if "[style]" in t)))
    assert own_style(config.style, "style").accent == "#1B6CA8"
    assert own_style(config.styles["lab"], "lab").forest.study_head == "Report"


def test_numbers_of_the_flow_add_up():
    flow = next(f for t in EXAMPLES.values() if (f := parse_config(tomllib.loads(t)).prisma))
    assert flow_gaps(flow, flow["studies"]) == []
