"""Effects to draw, and what every figure has to satisfy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from metaalliance.effects.effects import Effects
from metaalliance.models.pool import pool
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas import fonts, typeset
from metaalliance.plots.canvas.style import drawing

NAMES = (
    "Horvath & Symonds",
    "Lorenzo-Luaces, DeRubeis & Webb",
    "Falkenström et al.",
    "Müller-Núñez",
    "Crits-Christoph et al.",
    "Zuroff & Blatt",
)
MODALITIES = ("CBT", "psychodynamic", "humanistic", "integrative", "third-wave")

#: Pixels that neighbours may share; before 3.11 matplotlib sets runs of text on whole pixels.
APART = 0.6 if metadata.version("matplotlib") >= "3.11" else 1.5

MakeFit = Callable[..., PooledFit]
MACHINE = tuple(fontManager.ttflist)
SHIPPED = tuple(
    font for font in MACHINE if Path(matplotlib.get_data_path()) in Path(font.fname).parents
)


@contextmanager
def _only(listed: Sequence[object]) -> Iterator[None]:
    """Within this context the fonts of `listed` alone are installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fontManager, "ttflist", list(listed))
        _forget()
        yield
    _forget()


def _forget() -> None:
    """Drop what was remembered about fonts, their files, and widths measured in them."""
    fontManager._findfont_cached.cache_clear()
    for module in (fonts, typeset):
        for found in vars(module).values():
            if hasattr(found, "cache_clear"):
                found.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def shipped_fonts() -> Iterator[None]:
    """Figures are set in the fonts that come with matplotlib, so that every machine agrees."""
    with _only(SHIPPED):
        yield


@pytest.fixture
def machine_fonts() -> Iterator[None]:
    """Figures are set in the fonts of the machine, as in another process."""
    with _only(MACHINE):
        yield


@pytest.fixture(params=[SHIPPED, MACHINE], ids=["shipped", "machine"])
def either_font(request: pytest.FixtureRequest) -> Iterator[None]:
    """The fonts that come with matplotlib, which are wide, then those of the machine."""
    with _only(request.param):
        yield


@pytest.fixture
def make_fit() -> MakeFit:
    return _make_fit


def _make_fit(
    k: int,
    *,
    groups: Sequence[str] = (),
    names: Sequence[str] = NAMES,
    several: bool = False,
    measure: str = "z",
    smallest: int = 12,
    seed: int = 1,
    **options: object,
) -> PooledFit:
    """Pool k seeded studies with modality, year and rater; tau² by a quick closed form."""
    if not several and "model" not in options:
        options = {"tau2": "HS", **options}
    rng = np.random.default_rng(seed)
    labels = np.array([f"{names[i % len(names)]} ({1980 + i})" for i in range(k)], dtype=object)
    n = np.maximum(smallest, np.exp(rng.normal(4.2, 0.8, k))).astype(int)
    rows = np.repeat(np.arange(k), rng.integers(1, 4, k) if several else 1)
    yi = rng.normal(0.28, 0.15, k)[rows] + rng.normal(0, 1, rows.size) / np.sqrt(n[rows] - 3)
    moderators: dict[str, object] = {
        "year": 1980 + rows,
        "blank": np.full(rows.size, None, dtype=object),
        "risk_of_bias": np.array(["low", "some concerns", "high"], dtype=object)[rows % 3],
        "alliance_rater": np.array(["client", "therapist", "observer"], dtype=object)[rows % 3],
    }
    if groups:
        moderators["modality"] = np.array(groups, dtype=object)[rows % len(groups)]
    effects = Effects.from_arrays(
        yi,
        1 / (n[rows] - 3),
        study=labels[rows],
        moderators=moderators,
        measure=measure,  # type: ignore[arg-type]
        n=n[rows],
    )
    return pool(effects, **options)  # type: ignore[arg-type]


@pytest.fixture
def texts() -> Callable[[Figure], list[Text]]:
    return _texts


def _texts(figure: Figure) -> list[Text]:
    """Every text of a figure that is seen."""
    found: list[Text] = [*figure.texts]
    for axes in figure.axes:
        found += axes.texts
        if axes.axison:
            found += [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title]
            found += [axes.xaxis.label, axes.yaxis.label]
    return [t for t in found if t.get_visible() and t.get_text().strip()]


@pytest.fixture
def assert_clear() -> Callable[[Figure], None]:
    return _assert_clear


def _assert_clear(figure: Figure) -> None:
    """No text touches another, the plot, or the edge of the page."""
    shown = _texts(figure)
    with drawing():
        renderer = FigureCanvasAgg(figure).get_renderer()
        for axes in figure.axes:  # ticks take their places
            axes.xaxis.get_tightbbox(renderer)
            axes.yaxis.get_tightbbox(renderer)
        boxes = np.array([t.get_window_extent(renderer).extents for t in shown])
        panel = _panel(figure).get_window_extent(renderer).extents
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    shared = np.minimum(high, boxes[None, :, 2:]) - np.maximum(low, boxes[None, :, :2])
    touching = (shared > APART).all(axis=2)
    np.fill_diagonal(touching, False)
    pairs = [(shown[i].get_text(), shown[j].get_text()) for i, j in np.argwhere(touching)]
    assert not pairs
    width, height = figure.bbox.width, figure.bbox.height
    inside = (boxes[:, :2] > -0.5).all(axis=1) & (boxes[:, 2] < width) & (boxes[:, 3] < height)
    assert inside.all(), [t.get_text() for t, ok in zip(shown, inside, strict=True) if not ok]
    over = np.minimum(boxes[:, 2:], panel[2:]) - np.maximum(boxes[:, :2], panel[:2])
    on_plot = [t.get_text() for t, o in zip(shown, over, strict=True) if (o > 0.6).all()]
    assert not on_plot


def _panel(figure: Figure) -> Axes:
    (panel,) = (a for a in figure.axes if a.get_label() != "text")
    return panel


@pytest.fixture
def panel() -> Callable[[Figure], Axes]:
    return _panel


@pytest.fixture
def artist() -> Callable[..., object]:
    return _artist


def _artist(figure: Figure, panel: str, label: str) -> object:
    """The first artist of a label on the axes of a label."""
    axes = next(a for a in figure.axes if a.get_label() == panel)
    return next(a for a in axes.get_children() if a.get_label() == label)


@pytest.fixture
def assert_readable() -> Callable[[Figure], None]:
    return _assert_readable


def _assert_readable(figure: Figure) -> None:
    """No text touches another, the edge of the page, or a panel that it does not belong to."""
    with drawing():
        renderer = FigureCanvasAgg(figure).get_renderer()
        for axes in figure.axes:
            axes.xaxis.get_tightbbox(renderer)
            axes.yaxis.get_tightbbox(renderer)
        shown = _texts(figure)
        boxes = np.array([t.get_window_extent(renderer).extents for t in shown])
        panels = [a for a in figure.axes if a.get_label() != "text"]
        places = [(a, a.get_window_extent(renderer).extents) for a in panels]
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    shared = np.minimum(high, boxes[None, :, 2:]) - np.maximum(low, boxes[None, :, :2])
    touching = (shared > APART).all(axis=2)
    np.fill_diagonal(touching, False)
    assert not [(shown[i].get_text(), shown[j].get_text()) for i, j in np.argwhere(touching)]
    width, height = figure.bbox.width, figure.bbox.height
    inside = (boxes[:, :2] > -0.5).all(axis=1) & (boxes[:, 2] < width) & (boxes[:, 3] < height)
    assert inside.all(), [t.get_text() for t, ok in zip(shown, inside, strict=True) if not ok]
    for axes, place in places:
        over = np.minimum(boxes[:, 2:], place[2:]) - np.maximum(boxes[:, :2], place[:2])
        foreign = [t not in axes.texts for t in shown]
        covered = (over > 0.6).all(axis=1) & np.array(foreign)
        assert not [t.get_text() for t, bad in zip(shown, covered, strict=True) if bad]
