"""Fonts: fallbacks are silent, text is one drawable line."""

from __future__ import annotations

import pytest
from matplotlib.font_manager import FontEntry, fontManager

from metaalliance import plots
from metaalliance.plots.canvas.fonts import (
    REPLACEMENT,
    base_families,
    drawable,
    families_for,
    installed,
)
from metaalliance.plots.canvas.style import STYLES
from metaalliance.plots.canvas.typeset import line_width, own, plain, shorten, user, wrap


@pytest.mark.usefixtures("either_font")
def test_only_installed_families_are_asked_for():
    assert base_families()[-1] == "DejaVu Sans"
    assert families_for("Zoë") == base_families()


def test_the_fonts_of_these_tests_are_those_of_matplotlib():
    assert base_families() == ("DejaVu Sans",)


def test_a_font_that_is_gone_is_not_installed(monkeypatch, tmp_path):
    gone = FontEntry(fname=str(tmp_path / "arial.ttf"), name="Arial", style="normal", weight=400)
    monkeypatch.setattr(fontManager, "ttflist", [gone, *fontManager.ttflist])
    assert installed.__wrapped__() == installed()


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
@pytest.mark.usefixtures("either_font")
class TestNarrowPages:
    """A column of a journal holds the figures in a wide font as in a narrow one."""

    @pytest.mark.parametrize("several", [False, True])
    def test_forest(self, several, make_fit, assert_clear):
        fit = make_fit(12, several=several, smallest=4, seed=3)
        assert_clear(plots.forest(fit, width_mm=60))

    @pytest.mark.parametrize("style", STYLES)
    def test_forest_of_groups(self, style, make_fit, assert_clear):
        fit = make_fit(20, groups=("CBT", "psychodynamic", "humanistic", "third-wave"))
        assert_clear(plots.forest(fit, style=style, width_mm=84))

    @pytest.mark.parametrize("several", [False, True])
    @pytest.mark.parametrize("style", STYLES)
    def test_summary(self, style, several, make_fit, assert_clear, texts):
        fit = make_fit(24, several=several, groups=("CBT", "a name of many words", "IPT"))
        figure = plots.summary_forest(fit, "modality", style=style, width_mm=84)
        assert_clear(figure)
        shown = [t.get_text() for t in texts(figure)]
        for letter in "kmN":  # over its column and in the foot, or in neither
            assert shown.count(letter) in {0, 2}
        assert "k" in shown
        assert not [text for text in shown if "IV," in text and "…" in text]

    def test_titles_under_two_plots(self, make_fit, assert_readable, texts):
        figure = plots.influence_panel(make_fit(14, tau2="REML"), width_mm=84)
        assert_readable(figure)
        titles = [t.get_text() for t in texts(figure) if t.get_text().startswith("Study, in")]
        assert len(titles) == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two\nlines\t", "two lines"),
        ("e\u0301", "é"),
        ("\u202eabc\x00", "abc"),
        ("\U000f0000", ""),
        ("\u0e01\U0001f600", None),
    ],
)
def test_drawable(value, shown):
    found = drawable(value)
    assert "\n" not in found
    if shown is not None:
        assert found == shown


def test_characters_that_no_font_has_become_squares():
    assert drawable("a\U00016e40b") == f"a{REPLACEMENT}b"


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
@pytest.mark.usefixtures("either_font")
def test_any_script_is_drawn_without_a_word(make_fit, tmp_path, caplog, recwarn):
    names = ("日本 太郎", "Мария", "שלום", "محمد", "\U00016e40", "ไทย", "한국")
    fit = make_fit(14, names=names, groups=("心理", "التحليل"))
    recwarn.clear()
    for suffix in ("pdf", "png"):
        plots.save(plots.forest(fit), tmp_path / f"forest.{suffix}", dpi=60)
    assert not caplog.records
    assert not recwarn.list


def test_shorten_fits_and_says_so():
    line = user("A name of a great many words and letters")
    cut = shorten(line, 20.0, 8.0)
    assert line_width(cut, 8.0) <= 20.0
    assert plain(cut).endswith("…")
    assert shorten(line, 500.0, 8.0) == line


def test_wrap_keeps_every_word_and_every_face():
    line = own("Heterogeneity: *Q*(15) = 53.78, *p* < .001, τ = 0.19, *I*² = 74%.")
    lines = wrap(line, 30.0, 7.0)
    assert len(lines) > 1
    assert " ".join(plain(found) for found in lines) == plain(line)
    assert all(line_width(found, 7.0) <= 30.0 for found in lines)
    assert [r.text for found in lines for r in found if r.italic] == ["Q", "p", "I"]
