"""Figures as slides: editable shapes and texts where the figure has them."""

from __future__ import annotations

import io
import zipfile

import matplotlib.pyplot as plt
import numpy as np
import pytest

from metaalliance import plots
from metaalliance.plots.canvas.save import MARK, contents, is_ours

pptx = pytest.importorskip("pptx")
EMU_PER_MM = 36_000


def slides(figure, tmp_path):
    (path,) = plots.save(figure, tmp_path / "figure.pptx")
    return pptx.Presentation(str(path)), path


def test_a_forest_is_one_slide_of_its_size_with_every_text(make_fit, tmp_path):
    fit = make_fit(14)
    figure = plots.forest(fit)
    figure = getattr(figure, "figure", figure)
    book, path = slides(figure, tmp_path)
    (slide,) = book.slides
    width, height = figure.get_size_inches()
    assert book.slide_width == pytest.approx(width * 25.4 * EMU_PER_MM, abs=1)
    assert book.slide_height == pytest.approx(height * 25.4 * EMU_PER_MM, abs=1)
    texts = {shape.text_frame.text for shape in slide.shapes if shape.has_text_frame}
    for label in fit.effects.frame["study"].unique():
        assert any(str(label) in text for text in texts), label
    assert not [s for s in slide.shapes if s.shape_type == 13]  # no picture of the figure
    assert is_ours(path)


def simple():
    figure = plt.Figure(figsize=(4, 2), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 4)
    axes.set_ylim(0, 2)
    axes.axis("off")
    axes.add_patch(plt.Rectangle((1, 0.5), 2, 1, facecolor="#ff0000", edgecolor="none", gid="a"))
    axes.plot([-5, 9], [1, 1], color="#0000ff", linewidth=2, linestyle=(0, (3, 1)))
    axes.text(4, 2, "top right", ha="right", va="top", size=10)
    return figure


def test_places_colours_lines_and_clipping(tmp_path):
    book, _ = slides(simple(), tmp_path)
    shapes = list(book.slides[0].shapes)
    inch = 914_400
    box = next(s for s in shapes if "FF0000" in s._element.xml)
    got = (box.left, box.top, box.width, box.height)
    assert got == pytest.approx([inch, 0.5 * inch, 2 * inch, inch], abs=2)
    line = next(s for s in shapes if "0000FF" in s._element.xml)
    assert (line.left, line.width) == pytest.approx((0, 4 * inch), abs=30_000)  # cut near the axes
    assert line.line.width.pt == pytest.approx(2)
    assert 'd="300000" sp="100000"' in line._element.xml
    text = next(s for s in shapes if s.has_text_frame and s.text_frame.text)
    assert text.left + text.width == pytest.approx(4 * inch, abs=0.02 * inch)
    assert abs(text.top) < 0.1 * inch
    assert text.text_frame.paragraphs[0].runs[0].font.size.pt == 10


def test_several_pages_are_several_slides_and_bytes_are_equal(tmp_path):
    book, path = slides([simple(), simple()], tmp_path)
    assert len(book.slides) == 2
    (again,) = contents([simple(), simple()], tmp_path / "b.pptx").values()
    assert again == path.read_bytes()
    assert zipfile.ZipFile(io.BytesIO(again)).comment == MARK.encode()


def test_texts_turn_about_their_first_letter(tmp_path):
    figure = plt.Figure(figsize=(4, 4))
    figure.text(0.5, 0.5, "upwards", rotation=90, ha="left", va="baseline", size=12)
    book, _ = slides(figure, tmp_path)
    (shape,) = (s for s in book.slides[0].shapes if s.has_text_frame and s.text_frame.text)
    assert shape.rotation == 270
    middle = np.array([shape.left + shape.width / 2, shape.top + shape.height / 2]) / 914_400
    assert middle[1] < 2  # the text goes up from the middle of the figure
    assert abs(middle[0] - 2) < 0.15
