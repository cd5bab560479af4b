"""Traffic lights: one for each study and domain, whole names, pages, nothing refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from metaalliance import plots
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pool import pool
from metaalliance.plots.charts.evidence.risk_of_bias import OTHERS, risk_of_bias
from metaalliance.plots.charts.evidence.traffic_lights import traffic_text
from metaalliance.plots.lights import LIGHTS

TABLE = pd.DataFrame(
    {
        "Randomisation": ["low", "high", "some concerns"],
        "Missing data": ["no information", "critical", "not reported"],
    },
    index=["Adler (1988)", "Berg & Castellanos-Ferreira (1991)", "Cohn (1999)"],
)


def lights(figure):
    (layer,) = (a for a in figure.axes if a.get_label() == "text")
    found = [p for p in layer.patches if p.get_label() == "light"]
    return sorted(found, key=lambda p: (round(p.center[1], 3), p.center[0]))


@pytest.mark.parametrize("width", [85, 174])
def test_each_rating_has_its_light_and_its_sign(width, texts, assert_readable):
    (figure,) = plots.traffic_lights(TABLE, width_mm=width)
    cells = lights(figure)[: TABLE.size]
    wanted = [LIGHTS[level] for level in TABLE.to_numpy().ravel()]
    assert [to_hex(p.get_facecolor()).upper() for p in cells] == [color for _, color in wanted]
    shown = [t for t in texts(figure) if t.get_text() in {sign for sign, _ in wanted}]
    for patch, (sign, _) in zip(cells, wanted, strict=True):
        here = [t.get_text() for t in shown if abs(t.get_position()[1] - patch.center[1]) < 2
                and abs(t.get_position()[0] - patch.center[0]) < 2]  # fmt: skip
        assert here == ([sign] if sign else [])
    words = {t.get_text() for t in texts(figure)}
    assert {"no information", "critical"} <= words
    joined = "".join("".join(t.get_text() for t in texts(figure)).split())
    assert all("".join(name.split()) in joined for name in TABLE.index)
    assert_readable(figure)


def test_columns_of_a_sheet_and_levels_that_nobody_knows():
    rng = np.random.default_rng(4)
    ratings = {"risk_of_bias": list("3215"), "rob_own": ["fine", "poor", None, "fine"]}
    effects = Effects.from_arrays(rng.normal(0.3, 0.1, 4), [0.02] * 4, moderators=ratings)
    fit = pool(effects, tau2="DL")
    (figure,) = plots.traffic_lights(fit)
    assert len(lights(figure)) == 8 + len({*"3215", "fine", "poor", "not reported"})
    text = traffic_text(fit)
    assert "Own: 2 fine, 1 poor and 1 not reported" in text
    bare = pool(Effects.from_arrays([0.1, 0.2, 0.4], [0.02] * 3), tau2="DL")
    with pytest.raises(OptionError, match="no ratings of the risk of bias"):
        plots.traffic_lights(bare)


def test_pages_are_about_as_long_and_fit(assert_readable):
    names = [f"Hesselquay, Wandlebourne & Harkenstow number {i} (1999)" for i in range(130)]
    table = pd.DataFrame({f"Domain with a long name {j}": ["low", "high"] * 65 for j in range(7)})
    pages = plots.traffic_lights(table.set_axis(names), width_mm=85, title="Ratings")
    heights = [page.get_figheight() * 25.4 for page in pages]
    assert len(pages) > 1
    assert max(heights) <= 230.01
    assert max(heights) - min(heights) < 15
    assert "D7: Domain with a long name 6" in pages[0].caption
    assert_readable(pages[0])


def test_bars_of_many_kinds_of_ratings_are_not_refused(texts):
    table = pd.DataFrame({"Own": [f"grade {i}" for i in range(12)]})
    figure = risk_of_bias(table)
    assert OTHERS in {t.get_text() for t in texts(figure)}


@pytest.mark.parametrize("width", [85, 174])
def test_lights_stand_beside_a_forest(width, make_fit, texts, assert_clear):
    fit = make_fit(6)
    frame = fit.effects.frame.assign(rob_missing=["low", "high", None, "low", "critical", "low"])
    fit = pool(Effects(frame=frame, measure="z"), tau2="HS")
    figure = plots.forest(fit, right_columns="ratings", width_mm=width)
    found = [to_hex(p.get_facecolor()).upper() for p in lights(figure)]
    overall = ["low", "some concerns", "high"] * 2
    pairs = zip(frame["rob_missing"].fillna("not reported"), overall, strict=True)
    wanted = [LIGHTS[level][1] for pair in pairs for level in pair]
    assert found == wanted
    words = "".join(t.get_text() for t in texts(figure))
    assert "D1: Missing; D2: Overall. Lights: + low" in words
    assert_clear(figure)
    assert "<circle" in plots.interactive_forest(fit, right_columns="ratings")
    bare = pool(Effects.from_arrays([0.1, 0.2, 0.4], [0.02] * 3), tau2="DL")
    with pytest.raises(OptionError, match="no column of the risk of bias"):
        plots.forest(bare, columns="ratings")
