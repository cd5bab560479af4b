"""The texts of a page: drawn together as matplotlib draws them, and texts of it when asked for."""

from __future__ import annotations

import io
import re
import zlib
from importlib import metadata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.font_manager import findfont
from matplotlib.text import Text
from PIL import Image

from metaalliance import plots
from metaalliance.files import Spool
from metaalliance.plots.canvas.letters.faces import Face, face_of
from metaalliance.plots.canvas.style import drawing
from metaalliance.plots.canvas.typeset import Run, run_width
from metaalliance.plots.forests.forest import paged_forest

NAMES = ("Zoë & Ørsted", "Fischer-Waffel", "Мария", "日本 太郎", "AVATAR To")


@pytest.fixture
def forest(make_fit):
    return plots.forest(make_fit(12, names=NAMES, groups=("CBT", "systemic")))


def layer_of(figure):
    (layer,) = (axes for axes in figure.axes if axes.get_label() == "text")
    return layer


def pixels(figure, dpi=150):
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


@pytest.mark.skipif(
    metadata.version("matplotlib") < "3.11", reason="matplotlib sets texts on whole pixels"
)
@pytest.mark.usefixtures("either_font")
def test_letters_stand_where_matplotlib_has_them(forest):
    together = pixels(forest)
    count = len(layer_of(forest).lettering.placed)
    assert len(layer_of(forest).texts) == count > 60
    apart = np.abs(together - pixels(forest)).max(axis=2)
    assert (together < 128).any()
    assert (apart > 3).mean() < 2e-5  # where two letters share a pixel
    assert apart.max() < 64


@given(st.text(st.sampled_from("AVATo.W,Ty ()−é0127fi&"), min_size=2, max_size=12))
def test_kerning_from_a_text_is_that_of_its_pairs(text):
    path = findfont("DejaVu Sans")
    whole, apart = Face(path, 7.5, 300), Face(path, 7.5, 300)
    if whole.sets(text):
        assert all(apart.sets(pair) for pair in map("".join, pairwise(text)))
        assert whole.places(text) == apart.places(text)


def test_texts_can_be_changed_and_removed(forest):
    texts = layer_of(forest).texts
    (head,) = (text for text in texts if text.get_text() == "Study")
    head.set_text("Report")
    assert [t.get_text() for t in layer_of(forest).texts].count("Report") == 1
    before = len(texts)
    head.remove()
    assert len(layer_of(forest).texts) == before - 1


def test_findobj_finds_the_texts(forest):
    found = {text.get_text() for text in forest.findobj(Text)}
    assert {text.get_text() for text in layer_of(forest).texts} <= found
    assert "Study" in found


def test_a_tight_box_holds_every_letter(forest):
    renderer = FigureCanvasAgg(forest).get_renderer()
    with drawing():
        box = layer_of(forest).lettering.get_window_extent(renderer).extents
        ends = np.array([t.get_window_extent().extents for t in layer_of(forest).texts])
    assert (ends[:, :2] >= box[:2] - 1).all()
    assert (ends[:, 2:] <= box[2:] + 1).all()


def shown_in(pdf: bytes) -> list[str]:
    """The texts of a PDF, each with the letters of one text object or one place."""
    found = []
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(packed)
        except zlib.error:
            continue
        for part in re.split(rb"\bBT\b|\bTm\b", content):
            codes = re.findall(rb"\(((?:[^\\()]|\\.)*)\)", part.split(b"ET")[0], re.DOTALL)
            found.append(b"".join(codes).replace(b"\0", b"").decode("latin-1"))
    return [text for text in found if text]


def test_text_of_a_pdf_is_text(make_fit, tmp_path):
    figure = plots.forest(make_fit(12, names=NAMES[4:]))
    (path,) = plots.save(figure, tmp_path / "forest.pdf")
    shown = shown_in(path.read_bytes())
    labels = [f"AVATAR To ({1980 + i})".replace("(", "\\(").replace(")", "\\)") for i in range(12)]
    assert [shown.count(label) for label in labels] == [1] * 12


def test_png_is_the_page_as_it_is_drawn(forest, tmp_path):
    (path,) = plots.save(forest, tmp_path / "forest.png", dpi=150)
    with Image.open(path) as image:
        assert image.mode == "RGB"
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.02)
        assert (np.asarray(image).astype(int) == pixels(forest)).all()
    buffer = io.BytesIO()
    forest.savefig(buffer, format="png", dpi=150)
    with Image.open(buffer) as image, Image.open(path) as ours:
        assert image.convert("RGB").tobytes() == ours.tobytes()


LETTERS = st.text(st.sampled_from("AVToyfil., ()[]−τ²χéØж–…'0123456789"), min_size=1, max_size=25)


@pytest.mark.usefixtures("either_font")
class TestWidths:
    def test_of_texts_are_those_of_matplotlib(self):
        @given(LETTERS, st.booleans(), st.booleans(), st.sampled_from([7.0, 8.0]))
        def same(text, italic, bold, size):
            run = Run(text, italic=italic, bold=bold)
            with drawing():
                measured = RendererAgg(1, 1, 600).get_text_width_height_descent(
                    text, run.font(size), False
                )
            assert run_width(run, size) == pytest.approx(measured[0] * 25.4 / 600, abs=1e-12)

        same()

    def test_letters_that_join_are_left_to_matplotlib(self):
        assert face_of("a\u0301", Run("a").file, 8.0, 600) is None
        assert face_of("محمد", Run("a").file, 8.0, 600) is None
        assert face_of("Zoë", Run("a").file, 8.0, 600) is not None


def test_pages_are_drawn_when_they_are_asked_for(make_fit):
    fit = make_fit(40)
    lazy, drawn = paged_forest(fit, rows_per_page=20), plots.forest_pages(fit, rows_per_page=20)
    assert len(lazy) == len(drawn) > 1
    assert lazy[0] is not lazy[0]
    assert len(lazy[:]) == len(drawn)
    for one, other in ((lazy[-1], drawn[-1]), (lazy[0], drawn[0])):
        said = [[t.get_text() for t in layer_of(page).texts] for page in (one, other)]
        assert said[0] == said[1]
    with pytest.raises(IndexError):
        lazy[len(drawn)]


def test_a_spool_gives_back_what_it_was_given():
    spool = Spool[str]()
    spool["a"], spool["b"] = b"x" * 2**24, b"yy"
    spool["c"] = b""
    assert (list(spool), len(spool["a"]), spool["b"], spool["c"]) == (
        list("abc"),
        2**24,
        b"yy",
        b"",
    )
    spool["a"] = b"new"
    del spool["c"]
    assert dict(spool) == {"a": b"new", "b": b"yy"}
