"""Draw the figures of the README from the example workbooks."""

from __future__ import annotations

from pathlib import Path

import metaalliance as ma

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write docs/figures."""
    target = ROOT / "docs" / "figures"
    target.mkdir(parents=True, exist_ok=True)
    large = ma.pool(ma.effect_sizes(ma.read_studies(ROOT / "data/simulated_alliance_studies.xlsx")))
    small = ma.pool(ma.effect_sizes(ma.read_studies(ROOT / "data/primary_alliance_effects.xlsx")))
    ma.plots.save(ma.plots.summary_forest(large, "modality"), target / "summary.png", dpi=150)
    ma.plots.save(ma.plots.funnel(large, width_mm=120), target / "funnel.png", dpi=150)
    ma.plots.save(ma.plots.forest(small), target / "forest.png", dpi=150)


if __name__ == "__main__":
    main()
