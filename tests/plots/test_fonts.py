"""Fonts: fallbacks are silent, text is one drawable line."""

from __future__ import annotations

import pytest

from metaalliance import plots
from metaalliance.plots.canvas.fonts import REPLACEMENT, base_families, drawable, families_for
from metaalliance.plots.canvas.typeset import line_width, own, plain, shorten, user, wrap


def test_only_installed_families_are_asked_for():
    assert base_families()[-1] == "DejaVu Sans"
    assert families_for("Zoë") == base_families()


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
