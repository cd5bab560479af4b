"""Results in a notebook, and tables of other libraries where frames of pandas are taken."""

from __future__ import annotations

import re
import sys
import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import metaalliance as ma
from metaalliance.interchange import pandas_frame

HOSTILE = '<img src=x onerror="alert(1)"> & $x^2$'
RESULTS = {
    "two-level": lambda e: ma.pool(ma.aggregate(e)),
    "common-effect": lambda e: ma.pool(ma.aggregate(e), model="common-effect"),
    "three-level": lambda e: ma.pool(e, model="three-level"),
    "che": ma.pool,
    "moderators": lambda e: ma.moderators(e, "group"),
    "slope": lambda e: ma.moderator_table(e, ["year"]).moderators[0],
    "moderator table": lambda e: ma.moderator_table(e, ["group", "year"]),
    "meta-regression": lambda e: ma.meta_regression(e, "group + year"),
    "location-scale": lambda e: ma.location_scale(e, "year", "year"),
    "model set": lambda e: ma.model_set(e, ["group", "year"]),
    "egger": ma.egger,
    "trim and fill": lambda e: ma.trim_and_fill(ma.aggregate(e)),
    "bias": ma.bias_summary,
    "leave one out": ma.leave_one_out,
    "influence": ma.influence,
    "outliers": ma.outliers,
    "cumulative": lambda e: ma.cumulative(e, "year"),
    "baujat": ma.baujat,
    "gosh": lambda e: ma.gosh(e, 100, seed=1),
    "bayes": lambda e: ma.bayes(ma.aggregate(e)),
    "rve": ma.rve,
    "permutation": lambda e: ma.permutation_test(ma.aggregate(e)),
    "henmi-copas": lambda e: ma.henmi_copas(ma.aggregate(e)),
    "effects": lambda e: e,
}


class Tables(HTMLParser):
    """Every table with its caption, the headers of its columns and rows, and its cells."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tables, self.tags, self.said = [], [], set(), []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "br":
            return
        self.open.append((tag, dict(attributes).get("scope", "")))
        if tag == "table":
            self.tables.append({"caption": "", "col": [], "row": [], "cells": []})
        if tag == "td":
            self.tables[-1]["cells"].append("")

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if not self.open or not data.strip():
            return
        tag, scope = self.open[-1]
        if tag == "caption":
            self.tables[-1]["caption"] += data
        elif tag == "th":
            self.tables[-1][scope].append(data)
        elif tag == "td":
            self.tables[-1]["cells"][-1] += data
        else:
            self.said.append(data)


@pytest.fixture(scope="module")
def effects():
    random = np.random.default_rng(3)
    study = np.repeat(np.arange(14), 2)
    yi = 0.3 + 0.2 * random.standard_normal(14)[study] + 0.1 * random.standard_normal(28)
    moderators = {"group": np.where(study % 2, "A", HOSTILE), "year": 1990 + 2 * study}
    names = [f"{HOSTILE} {i}" for i in study]
    n = 30 + 4 * study
    return ma.Effects.from_arrays(
        yi, 1 / (n - 3), study=names, n=n, moderators=moderators, measure="z"
    )


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_every_result_is_a_card_with_accessible_tables(effects, name):
    result = RESULTS[name](effects)
    text = result._repr_html_()
    assert "<img" not in text
    assert 'class="metaalliance tex2jax_ignore mathjax_ignore"' in text
    found = Tables(text)
    assert found.tags <= {"div", "p", "strong", "br", "table", "caption", "thead", "tbody", "tr",
                          "th", "td"}  # fmt: skip
    for table in found.tables:
        assert table["caption"]
        assert len(table["col"]) > 1
        assert len(table["row"]) == len(table["cells"]) / (len(table["col"]) - 1)
    if name != "effects":
        first = re.sub(r"\s+", " ", result.summary().splitlines()[0]).strip()
        assert first in " ".join(found.said)


def test_a_fit_has_title_model_heterogeneity_and_apa_numbers(effects):
    fit = ma.pool(effects, model="three-level")
    found = Tables(fit._repr_html_())
    said = " ".join(found.said)
    assert said.startswith("Pooled mean: 14 studies, 28 effects, 784 participants")
    assert "Model: three-level, REML, cr2" in said
    assert f"Heterogeneity: Q({fit.Q_df}) = {fit.Q:.2f}" in said
    (table,) = found.tables
    row = dict(zip(table["col"], [*table["row"], *table["cells"]], strict=True))
    assert row["estimate"] == f"{np.tanh(fit.estimate):.3f}"[1:]
    assert row["tau2"] == f"{fit.tau2:.4f}"
    assert row["se"] == "–"


def test_generic_effects_keep_their_leading_zero():
    fit = ma.pool(ma.Effects.from_arrays([0.5, -0.75, 0.25, 0.3], [0.1] * 4))
    (table,) = Tables(fit._repr_html_()).tables
    row = dict(zip(table["col"], [*table["row"], *table["cells"]], strict=True))
    assert row["estimate"] == f"{fit.estimate:.3f}"
    assert row["ci_low"].startswith("−")


def test_a_sheet_shows_its_problems_and_rows(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("study,r,n,outcome_direction\n<b>Adler</b>,.3*,40,higher_better\n"
                    "Berg,.2,50,higher_better\n", encoding="utf-8")  # fmt: skip
    found = Tables(ma.read_studies(path)._repr_html_())
    assert found.said[:2] == ["s.csv, sheet s.csv", "2 rows read, 2 used, 0 excluded, 0 in error."]
    problems, rows = found.tables
    assert "note" in problems["row"]
    assert "<b>Adler</b>" in rows["cells"]


def test_dir_shows_public_names_only():
    import metaalliance.cli.app  # noqa: F401  # a submodule that was imported is no public name

    assert dir(ma) == sorted(ma.__all__)
    assert not any(name.startswith("_") for name in dir(ma))
    assert dir(ma.plots) == sorted(ma.plots.__all__)


@pytest.mark.parametrize("name", [n for n in RESULTS if n != "effects"])
@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_frames_of_results_go_to_arrow(effects, name):
    pa = pytest.importorskip("pyarrow")
    frame = RESULTS[name](effects).to_frame()
    table = pa.table(frame)
    assert table.column_names == [str(c) for c in frame.columns]
    assert table.num_rows == len(frame)
    for column in frame.select_dtypes("number"):
        got = np.asarray(table[column].to_pandas(), dtype=float)
        assert np.array_equal(got, frame[column].to_numpy(dtype=float, na_value=np.nan),
                              equal_nan=True)  # fmt: skip


# Tables of other libraries ---
def _polars(frame):
    pl = pytest.importorskip("polars")
    return pl.DataFrame({c: frame[c].to_list() for c in frame})


def _pyarrow(frame):
    return pytest.importorskip("pyarrow").Table.from_pandas(frame, preserve_index=False)


LIBRARIES = pytest.mark.parametrize("made", [_polars, _pyarrow])


@LIBRARIES
@pytest.mark.parametrize("missing_arrow", [False, True])
def test_moderators_and_arrays_of_other_libraries(effects, made, missing_arrow, monkeypatch):
    frame = effects.frame[["group", "year"]]
    arrays = effects.frame[["yi", "vi", "study", "n"]]
    other, columns = made(frame), made(arrays)
    if missing_arrow:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        if made is _pyarrow:
            with pytest.raises(ma.OptionError, match=r"metaalliance\[formats\]"):
                pandas_frame(other)
            return
    found = ma.Effects.from_arrays(
        columns["yi"], columns["vi"], study=columns["study"], n=columns["n"], moderators=other,
        measure="z",
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.MetaAllianceWarning)
        got, expected = (ma.moderators(e, "group").to_dict() for e in (found, effects))
    assert got["levels"] == expected["levels"]


@LIBRARIES
def test_frames_of_other_libraries_predict_and_correlate(effects, made):
    fit = ma.meta_regression(effects, "year")
    frame = pd.DataFrame({"year": [1995, 2005]})
    pd.testing.assert_frame_equal(fit.predict(made(frame)), fit.predict(frame), check_dtype=False)
    rows = pd.DataFrame({"study": ["A"] * 3, "var1": ["bond", "task", "bond"],
                         "var2": ["BDI", "BDI", "task"], "r": [0.3, 0.2, 0.6],
                         "n": [103] * 3})  # fmt: skip
    got, expected = (
        ma.correlated_effects(one, alliance=["bond", "task"]) for one in (made(rows), rows)
    )
    assert np.array_equal(got.covariance["A"], expected.covariance["A"])


@LIBRARIES
def test_figures_take_frames_of_other_libraries(made):
    frame = pd.DataFrame({"term": ["a", "b"], "estimate": [0.1, 0.2], "ci_low": [0.0, 0.1],
                          "ci_high": [0.2, 0.3]})  # fmt: skip
    drawn = [ma.plots.coefficients(one) for one in (made(frame), frame)]
    words = [[t.get_text() for t in figure.findobj(Text)] for figure in drawn]
    assert words[0] == words[1]
    assert "a" in words[0]


@LIBRARIES
def test_a_null_is_missing_and_refused_where_no_value_may_be(made):
    frame = pd.DataFrame({"yi": [0.1, None], "vi": [0.1, 0.1]})
    table = made(frame)
    with pytest.raises(ma.StudyDataError, match=r"yi\[1\] is nan"):
        ma.Effects.from_arrays(table["yi"], table["vi"])


def test_what_is_no_table_is_refused_by_name(effects):
    with pytest.raises(ma.OptionError, match="moderators is a list; a data frame"):
        ma.Effects.from_arrays([0.1], [0.1], moderators=["x"])
    with pytest.raises(ma.OptionError, match="frame is a dict; a data frame"):
        ma.meta_regression(effects, "year").predict({"year": [1]})


@pytest.mark.parametrize("name", ["yi", "vi", "n", "study", "sample", "year"])
def test_a_masked_value_is_refused_by_name(name):
    values = {"yi": [0.1, 0.2, 0.3], "vi": [0.1] * 3, "n": [40, 50, 60], "study": ["a", "b", "c"],
              "sample": ["a", "b", "c"], "year": [2000, 2001, 2002]}  # fmt: skip
    values[name] = np.ma.masked_array(values[name], mask=[False, True, False])
    moderators = {"year": values.pop("year")}
    with pytest.raises(ma.StudyDataError, match=rf"{name}\[1\] is masked"):
        ma.Effects.from_arrays(**values, moderators=moderators)


def test_a_masked_value_in_a_list_is_refused_by_name():
    with pytest.raises(ma.StudyDataError, match=r"yi\[1\] is masked"):
        ma.Effects.from_arrays([0.1, np.ma.masked], [0.1, 0.1])


def test_a_table_is_no_sheet():
    with pytest.raises(ma.OptionError, match="A path is needed, not a DataFrame"):
        ma.read_studies(pd.DataFrame({"study": ["A"], "r": [0.3], "n": [40]}))


def test_an_array_with_an_empty_mask_is_taken():
    yi = np.ma.masked_array([0.1, 0.2], mask=[False, False])
    assert ma.Effects.from_arrays(yi, np.ma.masked_array([0.1, 0.1])).n_effects == 2
