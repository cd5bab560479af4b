"""Files: formats, exact sizes, identical bytes, nothing half written, nothing left behind."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.subset import Options
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from PIL import Image

from metaalliance import plots
from metaalliance.errors import OptionError, UnreadableFileError
from metaalliance.plots.canvas import strokes
from metaalliance.plots.canvas.page import ExactFigure
from metaalliance.plots.canvas.save import is_ours

SUFFIXES = ("pdf", "svg", "png", "tif", "eps")

DRAW = """
import numpy as np
from metaalliance import plots
from metaalliance.effects.effects import Effects
from metaalliance.models.pool import pool

yi = np.linspace(-0.1, 0.7, 12)
groups = np.array(["CBT", "systemic"], dtype=object)[np.arange(12) % 2]
effects = Effects.from_arrays(
    yi, np.linspace(0.01, 0.05, 12), study=[f"Zoë & Ørsted ({i})" for i in range(12)],
    moderators={"modality": groups}, measure="z",
)
fit = pool(effects, model="common-effect")
plots.save(plots.funnel(fit), f"{folder}/funnel.pdf")
plots.save(plots.forest(fit, style="jama", prediction="density"), f"{folder}/jama.pdf")
for suffix in ("pdf", "svg", "png", "tif", "eps"):
    plots.save(plots.forest(fit), f"{folder}/forest.{suffix}", dpi=60)
"""

ALONE = f"""
import sys
folder = sys.argv[1]
{DRAW}
assert "matplotlib.pyplot" not in sys.modules
"""


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


@pytest.mark.usefixtures("machine_fonts")
def test_two_processes_write_the_same_bytes(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    other = subprocess.Popen(
        [sys.executable, "-c", ALONE, str(there)],
        env={**os.environ, "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "700000000"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    exec(DRAW, {"folder": here})
    said, _ = other.communicate(timeout=240)
    assert (other.returncode, said) == (0, b"")
    assert digests(here) == digests(there)
    assert len(digests(here)) == 2 + len(SUFFIXES)


@pytest.fixture(scope="module")
def figure(module_fit):
    return plots.forest(module_fit)


@pytest.fixture(scope="module")
def module_fit():
    from metaalliance.effects.effects import Effects
    from metaalliance.models.pool import pool

    effects = Effects.from_arrays([0.1, 0.3, 0.6], [0.02] * 3, measure="z")
    return pool(effects, model="common-effect")


def width_in_mm(path: Path) -> float:
    content = path.read_bytes()
    if path.suffix == ".pdf":
        return float(re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", content)[1]) * 25.4 / 72
    if path.suffix == ".svg":
        return float(re.search(rb'<svg[^>]* width="([\d.]+)pt"', content)[1]) * 25.4 / 72
    if path.suffix == ".eps":
        box = re.search(rb"HiResBoundingBox: ([\d.]+) [\d.]+ ([\d.]+)", content)
        return (float(box[2]) - float(box[1])) * 25.4 / 72
    with Image.open(path) as image:
        return image.width / float(image.info["dpi"][0]) * 25.4


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_width_is_exact(suffix, figure, tmp_path):
    (path,) = plots.save(figure, tmp_path / f"forest.{suffix}")
    assert width_in_mm(path) == pytest.approx(174, abs=0.1)


def test_width_is_exact_with_the_settings_of_the_user(module_fit, tmp_path):
    with matplotlib.rc_context(
        {"savefig.bbox": "tight", "figure.autolayout": True, "font.size": 30, "pdf.fonttype": 3}
    ):
        (path,) = plots.save(plots.forest(module_fit), tmp_path / "forest.pdf")
        plots.forest(module_fit).savefig(tmp_path / "own.pdf")
    assert width_in_mm(path) == pytest.approx(174, abs=0.1)
    assert width_in_mm(tmp_path / "own.pdf") == pytest.approx(174, abs=0.1)


def test_pdf_fonts_are_truetype_and_there_is_no_date(figure, tmp_path):
    (path,) = plots.save(figure, tmp_path / "forest.pdf")
    content = path.read_bytes()
    assert b"/Type3" not in content
    assert b"CreationDate" not in content


def streams(path: Path) -> list[bytes]:
    """Return the packed streams of a PDF."""
    found = re.findall(rb"stream\n(.*?)\nendstream", path.read_bytes(), re.DOTALL)
    return [zlib.decompress(part) for part in found]


def test_fonts_of_a_pdf_have_outlines_and_no_tables_of_layout(figure, tmp_path):
    usual = list(Options._drop_tables_default)
    (path,) = plots.save(figure, tmp_path / "forest.pdf")
    fonts = [TTFont(io.BytesIO(s)) for s in streams(path) if s.startswith(b"\0\1\0\0")]
    assert fonts
    for font in fonts:
        assert {"glyf", "hmtx"} <= set(font.keys())
        assert not {"GSUB", "GPOS", "GDEF"} & set(font.keys())
    assert usual == Options._drop_tables_default


@pytest.mark.parametrize(
    "look", [{}, {"linestyles": "dashed"}, {"alpha": 0.4}, {"colors": ["r", "b"]}]
)
def test_lines_of_a_pdf_are_those_of_matplotlib(look, tmp_path, monkeypatch):
    figure = ExactFigure(figsize=(3, 2))
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.set_axis_off()
    y = np.linspace(0, 1, 40)
    axes.hlines(y, y - 0.3, y**2 + 0.2, linewidths=0.7, **look)
    pages = []
    for few in (strokes.FEW, 10**6):
        monkeypatch.setattr(strokes, "FEW", few)
        (path,) = plots.save(figure, tmp_path / f"{few}.pdf")
        pages.append(next(s for s in streams(path) if s.count(b" m") >= y.size))
    ends = [
        np.array(re.findall(rb"([\d.-]+) ([\d.-]+) m\s+([\d.-]+) ([\d.-]+) l\s+S\b", page), float)
        for page in pages
    ]
    assert ends[0].shape == (y.size, 4)
    assert np.abs(ends[0] - ends[1]).max() < 2e-6
    for width in (b"0.7 w", b"[", b"RG"):
        assert (width in pages[0]) == (width in pages[1])


def test_tiff_has_no_alpha_channel(figure, tmp_path):
    (path,) = plots.save(figure, tmp_path / "forest.tiff")
    with Image.open(path) as image:
        assert image.mode == "RGB"
        assert image.info["compression"] == "tiff_lzw"


def test_pages_share_a_pdf_or_tiff(figure, tmp_path):
    (pdf,) = plots.save([figure, figure], tmp_path / "pages.pdf")
    assert len(re.findall(rb"/Type /Page\b", pdf.read_bytes())) == 2
    (tiff,) = plots.save([figure, figure], tmp_path / "pages.tif", dpi=50)
    with Image.open(tiff) as image:
        assert image.n_frames == 2


def test_pages_of_other_formats_are_numbered(figure, tmp_path):
    paths = plots.save([figure, figure], tmp_path / "pages.png", dpi=50)
    assert [p.name for p in paths] == ["pages-1.png", "pages-2.png"]


def test_alt_text_is_written_beside(figure, module_fit, tmp_path):
    paths = plots.save(figure, tmp_path / "forest.svg", alt=plots.alt_text(module_fit, "forest"))
    assert [p.name for p in paths] == ["forest.svg", "forest.alt.txt", "forest.caption.txt"]
    text = paths[1].read_text(encoding="utf-8")
    assert text.startswith("Forest plot of 3 studies.")
    assert "r = .32, 95% CI [.17, .46]" in text
    assert "*" not in text


def test_a_failed_save_leaves_the_old_file(figure, tmp_path, monkeypatch):
    path = tmp_path / "forest.png"
    path.write_bytes(b"old")

    def fail(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UnreadableFileError, match="cannot be written"):
        plots.save(figure, path, dpi=50)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "pages", "dpi", "message"),
    [
        ("forest.jpg", 1, 300, "saved as .pdf, .svg, .png, .tif, .tiff, .eps, .pptx"),
        ("forest", 1, 300, "saved as"),
        ("forest.png", 0, 300, "0 figures at 300 dpi"),
        ("forest.png", 1, 0, "1 figures at 0 dpi"),
    ],
)
def test_what_cannot_be_saved(name, pages, dpi, message, tmp_path):
    with pytest.raises(OptionError, match=message):
        plots.save([Figure()] * pages, tmp_path / name, dpi)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_file_says_where_it_comes_from(suffix, figure, tmp_path):
    (path,) = plots.save(figure, tmp_path / f"forest.{suffix}", dpi=50)
    assert is_ours(path)
    path.write_bytes(path.read_bytes().replace(b"Drawn by metaalliance", b"Adobe Illustrator 29 "))
    assert not is_ours(path)


def test_a_file_edited_since_is_not_ours(figure, tmp_path):
    path, alt, caption = plots.save(figure, tmp_path / "forest.svg", alt="A forest.")
    assert is_ours(alt) and is_ours(caption)
    path.write_text(path.read_text().replace("<svg ", '<svg inkscape:version="1.3" '))
    assert not is_ours(path)
    assert not is_ours(alt) and not is_ours(caption)
    assert not is_ours(tmp_path / "absent.pdf")


def test_eps_has_truetype_fonts_and_no_date(figure, tmp_path):
    (path,) = plots.save(figure, tmp_path / "forest.eps")
    content = path.read_bytes()
    assert b"/FontType 42" in content
    assert b"/FontType 3 " not in content
    assert b"CreationDate" not in content


@pytest.mark.parametrize("width", [84, 90, 120, 140, 174, 190])
@pytest.mark.parametrize("style", ["revman", "jama", "bmj"])
def test_width_is_exact_in_every_style(width, style, module_fit, tmp_path):
    figure = plots.forest(module_fit, width_mm=width, style=style)
    (path,) = plots.save(figure, tmp_path / "forest.pdf")
    assert width_in_mm(path) == pytest.approx(width, abs=0.1)


def test_notebooks_show_the_figure(figure):
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_settings_of_the_user_are_given_back(module_fit, tmp_path):
    before = dict(matplotlib.rcParams)
    plots.save(plots.funnel(module_fit), tmp_path / "funnel.eps")
    assert dict(matplotlib.rcParams) == before


def test_transparent_points_are_saved_as_eps_without_a_word(make_fit, tmp_path, caplog):
    fit = make_fit(100, model="common-effect")
    plots.save(plots.funnel(fit), tmp_path / "funnel.eps")
    assert not caplog.records
