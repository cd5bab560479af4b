"""Drawing a forest takes work in proportion to its rows, beside that of the figure itself."""

from __future__ import annotations

from effort import calls

from metaalliance import plots


def test_sixty_rows(make_fit, tmp_path):
    def work(rows: int) -> int:
        fit, path = make_fit(rows, model="common-effect"), tmp_path / "forest.pdf"
        plots.save(plots.forest(fit), path)
        return calls(lambda: plots.save(plots.forest(fit), path))

    assert work(60) < 2 * work(15)  # seen: 1.3
