"""What every chart has to satisfy: width, clear texts, styles, alternative text, files."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from matplotlib.figure import Figure

from metaalliance import plots
from metaalliance.plots.canvas.style import STYLES
from metaalliance.plots.kinds import KINDS, function_at

MODALITIES = ("CBT", "psychodynamic", "humanistic")
OPTIONS = {
    "orchard": {"by": "modality"},
    "bubble": {"x": "year"},
    "coefficients": {"by": ["modality", "year"]},
    "evidence-map": {"by": "modality", "x": "alliance_rater"},
    "cumulative": {"x": "year"},
}
CHARTS = [name for name in KINDS if name not in {"forest", "summary-forest"}]
#: Kinds of which a figure takes long with several effects per study.
SLOW = {"gosh", "profile"}

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def draw(kind, fit, **settings):
    figure = function_at(KINDS[kind].path)(fit, **OPTIONS.get(kind, {}), **settings)
    return figure if isinstance(figure, Figure) else figure[0]


def millimetres(figure):
    return figure.get_figwidth() * 25.4


@pytest.fixture
def fit(make_fit):
    return make_fit(14, groups=MODALITIES, tau2="REML")


#: Kinds whose names may not be cut do not fit in one column of a journal.
WIDE = {"comparison-forest"}


@pytest.mark.parametrize("kind", CHARTS)
def test_exact_width_and_clear_texts(kind, fit, assert_readable):
    width = 174 if kind in WIDE else 84
    figure = draw(kind, fit, width_mm=width, title="Alliance and outcome in psychotherapy")
    assert millimetres(figure) == pytest.approx(width, abs=1e-9)
    assert_readable(figure)


@pytest.mark.parametrize("kind", [k for k in CHARTS if k not in SLOW])
def test_dependent_effects(kind, make_fit, assert_readable):
    fit = make_fit(16, several=True, groups=MODALITIES)
    assert_readable(draw(kind, fit, width_mm=KINDS[kind].width))


@pytest.mark.parametrize("kind", ["caterpillar", "leave-one-out", "influence", "baujat", "funnel"])
def test_many_studies(kind, make_fit, assert_readable):
    assert_readable(draw(kind, make_fit(150, groups=MODALITIES)))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", ["orchard", "bubble"])
def test_styles_write_numbers_their_way(kind, style, fit, assert_readable, texts):
    figure = draw(kind, fit, style=style)
    assert_readable(figure)
    words = " ".join(t.get_text() for t in texts(figure))
    zeros = bool(re.search(r"[(\[]−?0\.\d", words))
    assert zeros == STYLES[style].words.leading_zero


@pytest.mark.parametrize("kind", CHARTS)
def test_alternative_text(kind, fit):
    text = function_at(KINDS[kind].alt)(fit, **OPTIONS.get(kind, {}))
    assert len(text) > 60
    assert text.endswith(".")
    assert "*" not in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize("measure", ["r", "generic"])
@pytest.mark.parametrize("kind", ["caterpillar", "orchard", "bubble", "drapery", "power-funnel"])
def test_other_measures(kind, measure, make_fit, assert_readable, texts):
    figure = draw(kind, make_fit(12, groups=MODALITIES, measure=measure))
    assert_readable(figure)
    shown = {t.get_text() for t in texts(figure)}
    assert ("Effect size" in shown) == (measure == "generic")


@pytest.mark.parametrize("kind", ["funnel", "caterpillar", "orchard", "drapery", "power-funnel"])
@pytest.mark.parametrize("k", [1, 2])
def test_one_study_and_two(kind, k, make_fit, assert_readable):
    assert_readable(draw(kind, make_fit(k, groups=MODALITIES[:1])))


@pytest.mark.parametrize("kind", ["orchard", "bubble", "gosh", "influence"])
def test_files_have_truetype_fonts_only(kind, fit, tmp_path):
    (path,) = plots.save(draw(kind, fit), tmp_path / f"{kind}.pdf")
    content = path.read_bytes()
    assert b"/Type3" not in content
    assert b"/FontFile2" in content


SCRIPT = """
import hashlib, sys
import numpy as np
from metaalliance import Effects, plots, pool
rng = np.random.default_rng(3)
n = rng.integers(20, 90, 14)
effects = Effects.from_arrays(
    rng.normal(0.3, 0.2, 14), 1 / (n - 3), measure="z", n=n,
    moderators={"year": np.arange(1990, 2004), "modality": ["CBT", "other"] * 7},
)
fit = pool(effects, tau2="DL")
for figure, suffix in (
    (plots.orchard(fit), "pdf"), (plots.gosh(fit), "svg"), (plots.influence_panel(fit), "svg")
):
    path, = plots.save(figure, f"{sys.argv[1]}/figure.{suffix}")
    print(suffix, hashlib.sha256(path.read_bytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.usefixtures("machine_fonts")
def test_another_process_writes_the_same_bytes(tmp_path, monkeypatch, capsys):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True
    )
    monkeypatch.setattr(sys, "argv", ["", str(tmp_path)])
    exec(SCRIPT, {})
    here = capsys.readouterr().out
    assert done.stdout == here
    assert len(here.splitlines()) == 3


@pytest.mark.parametrize("kind", ["orchard", "leave-one-out", "bubble", "drapery", "caterpillar"])
def test_axes_of_the_caller(kind, fit):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5))
    axes = figure.subplots()
    assert draw(kind, fit, ax=axes) is figure
    assert axes.get_xlabel()
    assert any(a.get_label() in {"effects", "estimates", "mean"} for a in axes.get_children())
