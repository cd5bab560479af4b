"""Draw the figures of the README and the gallery: every kind of figure in every style.

``python scripts/make_figures.py`` draws all of them and writes docs/results/gallery.md; with names
of kinds it draws only those, and the published results, and writes the page from what is there.
"""

from __future__ import annotations

import io
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

import metaalliance as ma
from metaalliance.plots.canvas.style import STYLES
from metaalliance.plots.charts.evidence.flow import flow_diagram
from metaalliance.plots.kinds import KINDS, function_at
from metaalliance.plots.options import OPTIONS, options_of

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "figures"
GALLERY = FIGURES / "gallery"
HEAD = "<!-- Made by scripts/make_figures.py; edit the script. -->\n\n"
DPI = 110
CONFIGURATION = ROOT / "docs" / "sheets" / "configuration.md"


def fits() -> dict[str, Any]:
    """Pool the example workbooks."""
    books = {"small": "primary_alliance_effects", "large": "simulated_alliance_studies"}
    return {
        name: ma.pool(ma.effect_sizes(ma.read_studies(ROOT / "data" / f"{book}.xlsx")))
        for name, book in books.items()
    }


def flow_numbers() -> dict[str, Any]:
    """Return the numbers of the flow of studies that the page on the configuration shows."""
    block = re.search(r"```toml\n(\[prisma\]\n.*?)```", CONFIGURATION.read_text("utf-8"), re.S)
    if block is None:
        raise SystemExit(f"{CONFIGURATION} has no [prisma].")
    found: dict[str, Any] = tomllib.loads(block[1])["prisma"]
    return found


def write_png(figure: Figure | list[Figure], path: Path) -> None:
    """Write the first page of a figure as a small PNG with a palette."""
    page = figure if isinstance(figure, Figure) else figure[0]
    buffer = io.BytesIO()
    page.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(buffer).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
        path, optimize=True, dpi=(DPI, DPI)
    )


def draw_kind(name: str, pooled: dict[str, Any]) -> None:
    """Draw one kind of figure in every style."""
    kind = KINDS[name]
    fit = pooled["small" if kind.few else "large"]
    for style in STYLES:
        figure = function_at(kind.path)(
            fit, style=style, width_mm=kind.width, title=None, **kind.example
        )
        write_png(figure, GALLERY / style / f"{name}.png")


def draw_readme(pooled: dict[str, Any]) -> None:
    """Draw the figures of the README, and forest plots with other options."""
    large, small = pooled["large"], pooled["small"]
    plots, width = ma.plots, 174
    write_png(plots.summary_forest(large, "modality"), FIGURES / "summary.png")
    write_png(plots.funnel(large, width_mm=120), FIGURES / "funnel.png")
    write_png(plots.forest(small), FIGURES / "forest.png")
    write_png(plots.forest(small, effects="rows", width_mm=width), FIGURES / "forest_rows.png")
    write_png(plots.forest(small, prediction="density", by="none"), FIGURES / "forest_density.png")
    write_png(plots.forest_pages(large, columns=("year", "n")), FIGURES / "forest_page.png")
    write_png(plots.forest(small, width_mm=85), FIGURES / "forest_column.png")
    write_png(flow_diagram(flow_numbers()), FIGURES / "flow.png")


def draw_three_questions() -> None:
    """Draw the figures of the page of the three questions."""
    book = ROOT / "data" / "simulated_three_questions.xlsx"
    studies, plots = ma.read_studies(book, estimand="total"), ma.plots
    parts = ma.multivariate(
        ma.effect_sizes(studies),
        "alliance_subscale",
        "HCS",
        only=["bond", "task", "goal"],
        correlations=studies.correlations,
    )
    each = ma.effect_sizes(ma.read_studies(book, estimand="each"))
    estimands = ma.multivariate(each, "estimand", "CS", within_studies="equal")
    model = "outcome ~ b*alliance + c*severity\nalliance ~ a*severity\nindirect := a*b"
    paths = ma.masem(ma.Analysis.read(book, sheet="paths").coded, model)
    write_png(plots.component_orchard(parts), FIGURES / "three_components.png")
    write_png(plots.component_orchard(estimands), FIGURES / "three_estimands.png")
    write_png(plots.path_diagram(paths), FIGURES / "three_paths.png")


def _told(value: Any) -> str:
    """Return the value of an option as the command line takes it."""
    if isinstance(value, tuple) and not isinstance(value[0], str):  # a number and its label
        return str(value[0])
    return ",".join(value) if isinstance(value, tuple) else str(value)


def gallery_page() -> str:
    """Return the page that shows every figure in every style."""
    parts = [
        HEAD,
        "# Gallery\n\nEvery kind of figure in every style, drawn by "
        "`python scripts/make_figures.py` from the example workbooks. [figures.md](figures.md) "
        "says how each is made.\n",
    ]
    for name, kind in KINDS.items():
        shown = [s for s in STYLES if (GALLERY / s / f"{name}.png").exists()]
        if not shown:
            continue
        told = " ".join(f"{OPTIONS[k].flag} {_told(v)}" for k, v in kind.example.items())
        parts.append(f"\n## {name}\n\n{kind.about[:1].upper()}{kind.about[1:]}.\n\n")
        parts.append(f"`metaalliance plot {name} studies.xlsx {told}".rstrip() + "`\n\n")
        if kind.options:
            flags = ", ".join(f"`{option.flag}`" for option in options_of(kind.options))
            parts.append(f"Takes {flags}.\n\n")
        for style in shown:
            link = f"../figures/gallery/{style}/{name}.png"
            parts.append(f"**{style}**\n\n![{name} in the style {style}]({link})\n\n")
    return "".join(parts).rstrip() + "\n"


def main(names: list[str]) -> None:
    """Write docs/figures and docs/results/gallery.md."""
    pooled = fits()
    for name in names or KINDS:
        sys.stderr.write(f"{name}\n")
        draw_kind(name, pooled)
    if not names:
        draw_readme(pooled)
        draw_three_questions()
    write_png(ma.plots.comparison_forest(), FIGURES / "literature.png")
    (ROOT / "docs" / "results" / "gallery.md").write_text(gallery_page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
