"""Draw every kind of figure in every style and size, and check what was drawn.

``python scripts/check_figures.py`` draws every kind in every style, 85 and 174 mm wide, from 3, 12,
40, 120 and 295 studies of the example workbook, and prints what is wrong: texts that touch or leave
the page, heights above that of the page, type that is too small, names that are cut. ``--keep
FOLDER`` writes the pages as PNG, and a sheet of thumbnails for each kind. Options choose among
kinds, styles, widths and sizes: ``--kinds forest,orchard --sizes 12``.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

import metaalliance as ma
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.plots.canvas.style import STYLES, drawing, style_named
from metaalliance.plots.kinds import KINDS, function_at

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "data" / "simulated_alliance_studies.xlsx"
SIZES, WIDTHS = (3, 12, 40, 120, 295), (85.0, 174.0)

#: Pixels that neighbours may share: runs of text are set on whole pixels.
APART = 1.5

#: Points below the small type of a style that marks in a panel may have.
SMALLER = 1.0


def texts_of(figure: Figure) -> list[Text]:
    """Return every text of a figure that is seen."""
    found: list[Text] = [*figure.texts]
    for axes in figure.axes:
        found += axes.texts
        if axes.axison:
            found += [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title]
            found += [axes.xaxis.label, axes.yaxis.label]
    return [t for t in found if t.get_visible() and t.get_text().strip()]


def faults(figure: Figure) -> list[str]:
    """Return texts that touch another, the edge of the page, or a panel that is not theirs."""
    with drawing():
        renderer = FigureCanvasAgg(figure).get_renderer()
        for axes in figure.axes:  # ticks take their places
            axes.xaxis.get_tightbbox(renderer)
            axes.yaxis.get_tightbbox(renderer)
        shown = texts_of(figure)
        boxes = np.array([t.get_window_extent(renderer).extents for t in shown])
        panels = [a for a in figure.axes if a.get_label() != "text"]
        places = [(a, a.get_window_extent(renderer).extents) for a in panels]
    words = [t.get_text() for t in shown]
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    shared = np.minimum(high, boxes[None, :, 2:]) - np.maximum(low, boxes[None, :, :2])
    touching = np.triu((shared > APART).all(axis=2), 1)
    found = [f"{words[i]!r} touches {words[j]!r}" for i, j in np.argwhere(touching)]
    inside = (boxes[:, :2] > -0.5).all(axis=1)
    inside &= (boxes[:, 2] < figure.bbox.width) & (boxes[:, 3] < figure.bbox.height)
    found += [f"{word!r} leaves the page" for word, ok in zip(words, inside, strict=True) if not ok]
    for axes, place in places:
        over = np.minimum(boxes[:, 2:], place[2:]) - np.maximum(boxes[:, :2], place[:2])
        foreign = np.array([t not in axes.texts for t in shown])
        covered = (over > APART).all(axis=1) & foreign
        found += [
            f"{word!r} covers a plot" for word, bad in zip(words, covered, strict=True) if bad
        ]
    return found


def page_faults(figure: Figure, style: str) -> list[str]:
    """Return what is wrong with a page beside its texts: height, type, words that are cut."""
    look, height = style_named(style), figure.get_figheight() * 25.4
    found = [] if height <= look.tallest + 0.01 else [f"{height:.0f} mm high"]
    shown = texts_of(figure)
    least = min(t.get_fontsize() for t in shown)
    found += [f"type of {least:g} points"] if least < look.small_size - SMALLER else []
    return found + [
        f"{t.get_text()!r} is cut" for t in shown if "\N{HORIZONTAL ELLIPSIS}" in t.get_text()
    ]


def lost_names(pages: Sequence[Figure], names: Sequence[str]) -> list[str]:
    """Return the names that no page shows whole, on one line or several."""
    shown = "|".join("".join("".join(t.get_text() for t in texts_of(p)).split()) for p in pages)
    return [f"{name!r} is not there" for name in names if "".join(name.split()) not in shown]


def drawn(fit: Any, kind: str, style: str, width: float, **options: Any) -> list[Figure]:
    """Return the pages of a figure."""
    made = KINDS[kind]
    figure = function_at(made.path)(
        fit, style=style, width_mm=width, title=None, **{**made.example, **options}
    )
    return [figure] if isinstance(figure, Figure) else list(figure)


def samples(sizes: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Yield fits of as many studies of the example workbook, chosen with the size as seed."""
    effects = ma.effect_sizes(ma.read_studies(BOOK))
    names = list(dict.fromkeys(effects.frame["study"]))
    for size in sizes:
        chosen = set(np.random.default_rng(size).choice(names, size=size, replace=False))
        yield size, ma.pool(_part(effects, chosen))


def _part(effects: Effects, studies: set[str]) -> Effects:
    return effects.subset(effects.frame["study"].isin(studies).to_numpy())


def checked(fit: Any, kind: str, style: str, width: float) -> tuple[list[Figure], list[str]]:
    """Return the pages of a figure, and what is wrong with them; no page where it is refused."""
    try:
        pages = drawn(fit, kind, style, width)
    except (OptionError, ma.EstimationError):
        return [], []
    found = [text for page in pages for text in (*faults(page), *page_faults(page, style))]
    if kind == "forest":
        found += lost_names(pages, list(dict.fromkeys(fit.effects.frame["study"])))
    return pages, found


def _thumbnails(pictures: list[Path], target: Path) -> None:
    """Write pictures beside each other, small."""
    shown = []
    for path in pictures:
        with Image.open(path) as image:
            image.thumbnail((360, 480))
            shown.append(image.convert("RGB"))
    columns = 6
    cells = Image.new("RGB", (columns * 370, 490 * -(-len(shown) // columns)), "grey")
    for i, image in enumerate(shown):
        cells.paste(image, (370 * (i % columns), 490 * (i // columns)))
    cells.save(target)


def main() -> int:
    """Draw, check, and print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--styles", default=",".join(STYLES))
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    kinds, styles = asked.kinds.split(","), asked.styles.split(",")
    widths = [float(width) for width in asked.widths.split(",")]
    count, wrong, kept = 0, 0, dict[str, list[Path]]()
    for size, fit in samples([int(size) for size in asked.sizes.split(",")]):
        for kind, style, width in itertools.product(kinds, styles, widths):
            pages, found = checked(fit, kind, style, width)
            count, wrong = count + len(pages), wrong + bool(found)
            for text in found[:8]:
                print(f"{kind} {style} {width:g} mm, {size} studies: {text}")
            for i, page in enumerate(pages if asked.keep else [], start=1):
                path = asked.keep / f"{kind}-{style}-{width:g}-{size}-{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                page.savefig(path, dpi=110)
                kept.setdefault(kind, []).append(path)
    for kind, pictures in kept.items():
        _thumbnails(pictures, asked.keep / f"{kind}.png")
    print(f"{count} pages, {wrong} figures with faults")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
