"""A forest of sixty rows is drawn in a second and a half."""

from __future__ import annotations

import time

from metaalliance import plots


def test_sixty_rows(make_fit, tmp_path):
    fit = make_fit(60, model="common-effect")
    plots.forest(fit)
    start = time.process_time()
    plots.save(plots.forest(fit), tmp_path / "forest.pdf")
    assert time.process_time() - start < 1.5
