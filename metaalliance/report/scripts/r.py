"""The analysis as an R script with metafor and clubSandwich, with its data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import pandas as pd

from metaalliance.core.variance.tau2 import ESTIMATORS
from metaalliance.effects.overlap import nested_sizes
from metaalliance.errors import OptionError
from metaalliance.model import Specification
from metaalliance.models.comparison import NamedFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.result import ModeratorTest
from metaalliance.moderation.slope import SlopeTest
from metaalliance.report.workbooks.spreadsheet_text import to_csv
from metaalliance.wording.untrusted import printable

_COLUMNS = ("analysis", "term", "estimate", "se", "df", "p_value", "ci_low", "ci_high", "tau2")
_EXTREMES = {"lowest per study": "which.min", "highest per study": "which.max"}
_SUBSETS = {"outliers removed": "kept_outliers", "influential removed": "kept_influential"}


def r_string(text: str) -> str:
    r"""Return text as a literal of R in plain ASCII; nothing in it can end the literal.

    Examples
    --------
    >>> print(r_string('a"; system("x")'))
    "a\"; system(\"x\")"
    """
    parts = []
    for c in printable(text):
        if c in '"\\':
            parts.append(f"\\{c}")
        elif " " <= c <= "~":
            parts.append(c)
        else:
            parts.append(f"\\U{{{ord(c):x}}}")
    return f'"{"".join(parts)}"'


def r_files(
    models: Sequence[NamedFit],
    moderators: Sequence[ModeratorTest | SlopeTest] = (),
    averaged: float | None = None,
) -> dict[str, str]:
    """Return the script, its data, and the results that it has to reproduce.

    Parameters
    ----------
    models : sequence of NamedFit
        The main result first, then the comparison.
    moderators : sequence
        Results of moderators, with one heterogeneity variance for all levels.
    averaged : float, optional
        Correlation with which the effects were averaged before they came here, for a comment.
    """
    main = models[0].fit
    _refuse_what_metafor_lacks(main)
    known = [row for row in models if _known(row)]
    calls = _header(averaged, main.effects.overlap)
    expected = []
    for row in known:
        calls.append(_model_call(row))
        expected.append(_expected(row.name, "mean", row.fit))
    data = _data(main, known)
    for test in moderators:
        if isinstance(test, ModeratorTest) and test.fit is None:
            continue
        name = f"moderator {test.name}"
        column = test.name
        if isinstance(test, ModeratorTest):
            calls.append(_levels_call(name, column, test))
            expected += _level_rows(name, test)
        else:
            calls.append(_slope_call(name, column, test))
            expected += _slope_rows(name, test)
    frame = pd.DataFrame(expected, columns=list(_COLUMNS))
    return {
        "analysis.R": _script(data) + "\n".join(calls) + "\n" + static_text("export_end.R"),
        "effects.csv": to_csv(data),
        "expected.csv": _numbers_csv(frame),
    }


def _refuse_what_metafor_lacks(main: PooledFit) -> None:
    """Refuse an estimator of tau² that R could not repeat."""
    tau2 = main.specification.tau2
    if main.model != "common-effect" and not ESTIMATORS[tau2].metafor:
        raise OptionError(
            f"tau2={tau2!r} does not exist in metafor, so that no R script can repeat it.",
            code="MA683",
        )


def _script(data: pd.DataFrame) -> str:
    """Return what stands before the analyses; it says which columns of the data are numbers."""
    numbers = [str(name) for name in data if data[name].dtype.kind in "iuf"]
    return static_text("export.R").replace("{{numbers}}", _vector(map(r_string, numbers)))


def _text(value: object) -> object:
    """Return text as the script reads it: what begins with an apostrophe has another one."""
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return f"'{shown}" if shown.startswith("'") else shown


def static_text(name: str) -> str:
    """Return a template of this folder's scripts."""
    folder = files("metaalliance.report") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def _known(row: NamedFit) -> bool:
    """Whether the script has a counterpart of a row of the comparison."""
    plain = row.name.removesuffix(" (main)")
    return row.name.endswith(" (main)") or plain in _SUBSETS or plain in {
        "aggregated", "lowest per study", "highest per study", "three-level", "che", "two-level",
        "common-effect",
    }  # fmt: skip


def _header(averaged: float | None, overlap: str) -> list[str]:
    if averaged is None:
        return []
    nested = ", smaller n within larger" if overlap == "nested" else ""
    return [
        f"# The effects of each study were averaged before (rho = {averaged:g}{nested}): "
        "effects.csv has one row per study."
    ]


def _data(main: PooledFit, models: Sequence[NamedFit]) -> pd.DataFrame:
    """Return the effects with their moderators, and which of them each subset keeps."""
    frame = main.effects.frame.copy()
    for name in frame.columns[frame.dtypes.map(lambda t: t.kind not in "iuf")]:
        frame[name] = frame[name].astype(object).map(_text)
    frame["study"] = main.effects.frame["study"].astype(str).map(_text)
    if len(set(frame["study"])) != main.n_studies:
        frame["study"] = [f"study {i}" for i in pd.factorize(main.effects.frame["study"])[0]]
    if main.effects.studies_with_samples:
        frame["independent_sample"] = main.effects.sample_codes + 1
    sizes = nested_sizes(main.effects)
    if sizes is not None and main.effects.dependent():
        frame["overlap_n"] = sizes
    for row in models:
        column = _SUBSETS.get(row.name)
        if column is not None:
            kept = set(zip(row.fit.effects.frame["study"], row.fit.effects.frame["effect"],
                           row.fit.effects.frame["yi"], strict=True))  # fmt: skip
            source = main.effects.frame
            keys = zip(source["study"], source["effect"], source["yi"], strict=True)
            frame[column] = [int(key in kept) for key in keys]
    return frame


def _spec(fit: Any) -> str:
    """Return the specification of a fit as a list of R."""
    chosen: Specification = fit.specification
    parts = {
        "model": r_string(chosen.kind),
        "tau2": r_string(chosen.tau2),
        "test": r_string(_test(fit)),
        "level": repr(float(chosen.level)),
    }
    if chosen.multilevel:
        levels = [*reversed(chosen.above), "study", *chosen.within]
        names = [*levels, "effect", *filter(None, [chosen.crossed])]
        if chosen.test == "t":
            parts["df"] = r_string(chosen.df)
        parts["levels"] = _vector(r_string(name) for name in levels)
        parts["start"] = _vector(repr(float(fit.sigma2.get(name, 0.0))) for name in names)
        parts |= _correlations(chosen)
    return f"list({', '.join(f'{name} = {value}' for name, value in parts.items())})"


def _correlations(chosen: Specification) -> dict[str, str]:
    """The crossed factor, and the correlations of sampling errors."""
    parts = {"crossed": r_string(chosen.crossed)} if chosen.crossed else {}
    if isinstance(chosen.rho, str):
        parts["rho_column"] = r_string(chosen.rho)
    else:
        parts["rho"] = repr(float(chosen.rho or 0.0))
    if chosen.same:
        parts |= {"same": r_string(chosen.same), "rho_same": repr(chosen.rho_same)}
    return parts


def _vector(values: Iterable[str]) -> str:
    return f"c({', '.join(values)})"


def _test(fit: Any) -> str:
    """The test as R has to do it: of identical effects the model's error with a t distribution."""
    if any(found.code == "MA614" for found in fit.notices) and fit.test.startswith("knapp"):
        return "t"
    return str(fit.test)


def _model_call(row: NamedFit) -> str:
    plain = row.name.removesuffix(" (main)")
    data = "dat"
    if row.aggregation_rho is not None:
        data = f"averaged(dat, {row.aggregation_rho!r})"
    elif plain in _EXTREMES:
        data = f"extreme(dat, {_EXTREMES[plain]})"
    elif plain in _SUBSETS:
        data = f"dat[dat${_SUBSETS[plain]} == 1, ]"
    return f"mean_of({r_string(row.name)}, {data}, {_spec(row.fit)})"


def _levels_call(name: str, column: str, test: ModeratorTest) -> str:
    tested = test.levels.loc[test.levels["tested"].astype(bool), "level"]
    levels = f"c({', '.join(r_string(str(v)) for v in tested)})"
    return f"levels_of({r_string(name)}, dat, {r_string(column)}, {levels}, {_spec(test.fit)})"


def _slope_call(name: str, column: str, test: SlopeTest) -> str:
    return (
        f"slope_of({r_string(name)}, dat, {r_string(column)}, {float(test.centre)!r}, "
        f"{float(test.scale)!r}, {_spec(test.fit)})"
    )


def _expected(analysis: str, term: str, fit: PooledFit) -> dict[str, Any]:
    return {
        "analysis": analysis,
        "term": term,
        "estimate": fit.estimate,
        "se": fit.se,
        "df": fit.df,
        "p_value": fit.p_value,
        "ci_low": fit.ci_low,
        "ci_high": fit.ci_high,
        "tau2": fit.tau2,
    }


def _level_rows(name: str, test: ModeratorTest) -> list[dict[str, Any]]:
    rows = []
    tested = test.levels[test.levels["tested"].astype(bool)]
    for row in tested.to_dict("records"):
        kept = {key: row[key] for key in _COLUMNS if key in row}
        rows.append({"analysis": name, "term": _text(row["level"]), **kept})
    omnibus = test.omnibus
    if omnibus["test"] is not None and not math.isnan(omnibus["statistic"]):
        rows.append(
            {
                "analysis": name,
                "term": "omnibus",
                "estimate": omnibus["statistic"],
                "df": omnibus["df2"],
                "p_value": omnibus["p_value"],
                "tau2": test.tau2,
            }
        )
    return rows


def _slope_rows(name: str, test: SlopeTest) -> list[dict[str, Any]]:
    fit = test.fit
    rows = []
    for index, term in enumerate(("mean", "slope")):
        values = {
            "estimate": fit.beta[index],
            "se": fit.se[index],
            "df": fit.df[index],
            "p_value": fit.p_value[index],
            "ci_low": fit.ci_low[index],
            "ci_high": fit.ci_high[index],
        }
        rows.append({"analysis": name, "term": term, **values, "tau2": fit.tau2})
    return rows


def _numbers_csv(frame: pd.DataFrame) -> str:
    """Return expected results as R reads them: Inf and NA in words."""
    text = frame.copy()
    for column in _COLUMNS[2:]:
        text[column] = [_r_number(v) for v in frame[column]]
    return to_csv(text)


def _r_number(value: Any) -> str | float:
    number = float(value) if value is not None else math.nan
    if math.isnan(number):
        return "NA"
    return "Inf" if math.isinf(number) else number
