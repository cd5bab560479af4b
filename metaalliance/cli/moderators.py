"""`metaalliance moderators`: differences between levels, slopes, and meta-regression."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metaalliance.cli.analysis import (
    CHE_RHO,
    Loaded,
    Request,
    load,
    open_folder,
    print_preamble,
    settings_of,
)
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.errors import MetaAllianceWarning, OptionError
from metaalliance.moderators.formula import parse_formula
from metaalliance.moderators.meta_regression import MetaRegression, meta_regression, with_r
from metaalliance.moderators.result import ModeratorTest
from metaalliance.moderators.table import ModeratorTable, moderator_table
from metaalliance.problems import Problem
from metaalliance.report.meta_regression import regression_sheets, regression_tables
from metaalliance.report.moderators import (
    combined_table,
    confounding_table,
    contrast_table,
    method_table,
    moderator_sheets,
    moderators_document,
    multiplicity_table,
)
from metaalliance.report.results import input_record, run_record, to_json
from metaalliance.report.table import render_text
from metaalliance.report.workbook import write_workbook

FILES = ("moderators.json", "moderators.xlsx", "run_moderators.json")
#: Contrasts that the terminal shows of one moderator; the workbook has all.
SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorOptions:
    """Options of the command."""

    request: Request
    by: tuple[str, ...]
    formula: str | None
    at: tuple[str, ...]
    reference: tuple[str, ...]
    scale: tuple[str, ...]
    centre: tuple[str, ...]
    separate_tau2: bool
    min_studies: int
    common_set: bool
    compare: str
    tests: str | None
    sesoi: float | None
    replications: int
    seed: int

    @property
    def moderators(self) -> tuple[str, ...]:
        """Columns that are tested one at a time."""
        return self.by if self.by or self.formula else ("modality",)


def run_moderators(options: ModeratorOptions) -> int:
    """Run the command."""
    request = options.request
    config, settings = settings_of(request)
    folder = open_folder(request, "moderators", FILES)
    loaded = load(request, config, settings, "Nothing was compared.")
    if isinstance(loaded, int):
        return loaded
    found = _table(loaded, options) if options.moderators else None
    regression = _regression(loaded, options)
    document = _document(loaded, options, found, regression)
    if not request.json_output:
        print_preamble(loaded.studies, request)
        _print(found, regression)
    sheets = moderator_sheets(found) if found is not None else {}
    if regression is not None:
        sheets |= regression_sheets(*regression)
    folder.write("moderators.json", to_json(document).encode())
    folder.write("moderators.xlsx", write_workbook(sheets))
    record = run_record(document, dict(folder.written), ("counts", "moderators", "regression"))
    folder.write(folder.record_name, to_json(record).encode())
    folder.remove_stale()
    if request.json_output:
        print_document(document)
    if not request.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return OK


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Return values by column from texts such as "year=2020".

    Raises
    ------
    OptionError
        For a text without "=".
    """
    found = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not mark or not name.strip() or not value.strip():
            raise OptionError(f"--{option} {text}: write column=value, such as year=2020.")
        found[name.strip()] = value.strip()
    return found


def numbers(given: Sequence[str], option: str) -> dict[str, float]:
    """Return numbers by column from texts such as "year=10"."""
    found = {}
    for name, text in pairs(given, option).items():
        try:
            found[name] = float(text)
        except ValueError:
            raise OptionError(f"--{option} {name}={text}: {text!r} is no number.") from None
        if not math.isfinite(found[name]):
            raise OptionError(f"--{option} {name}={text}: the number must be finite.")
    return found


def _model_options(loaded: Loaded) -> dict[str, Any]:
    """Options of every model of the run."""
    options, rho = loaded.settings, loaded.settings.rho
    if rho is None or loaded.aggregation_rho is not None:
        rho = CHE_RHO
    return {
        "model": options.model,
        "tau2": options.tau2,
        "test": options.test,
        "rho": rho,
        "level": options.level,
    }


def _variables(options: ModeratorOptions, names: set[str] | None) -> dict[str, Any]:
    """Reference, scale and centre of the variables; of `names` only where there are two uses."""
    given: dict[str, dict[str, Any]] = {
        "reference": {**pairs(options.reference, "reference")},
        "scale": {**numbers(options.scale, "scale")},
        "centre": {**numbers(options.centre, "centre")},
    }
    if names is None:
        return given
    return {
        key: {name: v for name, v in one.items() if name in names} for key, one in given.items()
    }


def _table(loaded: Loaded, options: ModeratorOptions) -> ModeratorTable:
    """Test the moderators one at a time; notices are kept in the result, not warned of."""
    names = options.moderators
    wanted = set(names) if options.formula else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        return moderator_table(
            loaded.effects,
            names,
            common_set=options.common_set,
            **_variables(options, wanted),
            **_model_options(loaded),
            prediction=loaded.settings.prediction,
            min_studies=options.min_studies,
            separate_tau2=options.separate_tau2,
            compare=options.compare,
            sesoi=options.sesoi,
            tests=options.tests.split(",") if options.tests else (),
            replications=options.replications,
            seed=options.seed,
        )


_Regression = tuple[MetaRegression, Any]


def _regression(loaded: Loaded, options: ModeratorOptions) -> _Regression | None:
    """Fit the formula, and predict at the values asked for."""
    if options.formula is None:
        if options.at:
            raise OptionError("--at predicts from a --formula; there is none.")
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        names = _names(loaded, options.formula) if options.by else None
        fit = meta_regression(
            loaded.effects,
            options.formula,
            min_studies=options.min_studies,
            **_variables(options, names),
            **_model_options(loaded),
        )
        if not options.at:
            return fit, None
        wanted = {v.column: bool(v.levels) for v in fit.design.variables}
        texts = [t for t in options.at if wanted.get(t.partition("=")[0].strip()) is not False]
        plain = [t for t in options.at if t not in texts]
        at = {**pairs(texts, "at"), **numbers(plain, "at")}
        return fit, fit.predict(at=at, prediction=loaded.settings.prediction)


def _names(loaded: Loaded, formula: str) -> set[str]:
    """Variables of the formula, by column and by name."""
    effects = loaded.effects
    factors = parse_formula(formula, [*effects.moderators, "n", "sample"]).factors
    return {f.column for f in factors} | {f.name for f in factors}


def _document(
    loaded: Loaded,
    options: ModeratorOptions,
    found: ModeratorTable | None,
    regression: _Regression | None,
) -> dict[str, Any]:
    parts = {"moderators": []} if found is None else found.to_dict()
    parts.pop("notices", None)
    parts["regression"] = None
    if regression is not None:
        fit, predicted = regression
        rows = None if predicted is None else with_r(predicted, fit.fit)
        parts["regression"] = {**fit.to_dict(), "predictions": rows}
    settings = {
        **_model_options(loaded),
        "measure": loaded.settings.measure,
        "min_studies": options.min_studies,
        "separate_tau2": options.separate_tau2,
        "replications": options.replications,
        "seed": options.seed,
        **loaded.recorded,
    }
    effects = loaded.effects
    counts = {
        "n_studies": effects.n_studies,
        "n_effects": effects.n_effects,
        "n_participants": effects.n_participants,
    }
    problems = [*loaded.studies.problems, *_notices(found, regression)]
    return moderators_document(
        input_record(loaded.studies),
        [p.to_dict() for p in problems],
        settings,
        counts,
        parts,
        FILES,
    )


def _notices(found: ModeratorTable | None, regression: _Regression | None) -> list[Problem]:
    """Notices of every result, each once."""
    notices: list[Problem] = []
    if found is not None:
        notices += [*found.notices, *(p for one in found.moderators for p in one.notices)]
    if regression is not None:
        notices += regression[0].notices
    return list(dict.fromkeys(notices))


def _print(found: ModeratorTable | None, regression: _Regression | None) -> None:
    """Tables on stdout, notices on stderr."""
    width = terminal_width()
    lines: list[str] = []
    if found is not None:
        lines += _lines(found, width)
    if regression is not None:
        lines += [""] if lines else []
        lines += [render_text(t, width) + "\n" for t in regression_tables(*regression)]
    for problem in _notices(found, regression):
        print_error(f"{problem.severity}: {problem.message} ({problem.code})")
    print_result(lines)


def _lines(found: ModeratorTable, width: int) -> list[str]:
    """Every table of the moderators that were tested one at a time."""
    lines = [render_text(combined_table(found), width)]
    if len(found.moderators) > 1:
        lines += ["", render_text(multiplicity_table(found), width)]
    for one in found.moderators:
        if not isinstance(one, ModeratorTest):
            continue
        lines += _moderator_lines(one, width)
    for pair in found.confounding:
        if pair.strong:
            lines += ["", render_text(confounding_table(pair), width)]
    return lines


def _moderator_lines(one: ModeratorTest, width: int) -> list[str]:
    lines = []
    if one.tau2_test is not None:
        text = next(t for t in one.summary().splitlines() if t.startswith("Equal tau²"))
        lines += ["", f"{one.name}. {text}"]
    if 0 < len(one.contrasts) <= SHOWN:
        lines += ["", render_text(contrast_table(one), width)]
    elif len(one.contrasts):
        low = float(one.contrasts["p_adjusted"].min())
        lines += [
            "",
            f"{one.name}: {len(one.contrasts)} differences between levels are in the workbook; "
            f"the smallest adjusted p is {low:.3f}.",
        ]
    tests = method_table(one)
    if tests is not None:
        lines += ["", render_text(tests, width)]
    return lines
