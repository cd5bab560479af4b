"""Read an extraction workbook: every problem at once, nothing dropped silently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from metaalliance.config import Config, read_config
from metaalliance.core.conversion.rules import COMPANIONS
from metaalliance.errors import OptionError, StudyDataError
from metaalliance.options import (
    BetaPolicy,
    Nonsignificant,
    ReadEstimand,
    SheetMeasure,
    YiMeasure,
    check_option,
)
from metaalliance.problems import Problem, Severity
from metaalliance.sheet.columns.header import Header, problem_at
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import STATISTICS
from metaalliance.sheet.opening import open_sheet
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.across import Chosen, statistic_problems
from metaalliance.sheet.rules.choices import Choices
from metaalliance.sheet.rules.columns import once_per_column
from metaalliance.sheet.rules.estimands import (
    estimand_problems,
    leave_out_estimands,
    within_problems,
)
from metaalliance.sheet.rules.exclusions import exclusion_problems
from metaalliance.sheet.rules.repeats import leave_out_repeats, repeat_problems
from metaalliance.sheet.rules.row import (
    identity_problems,
    nonsignificant_column,
    nonsignificant_problems,
    row_problems,
)
from metaalliance.sheet.rules.signs import sign_suspects, worded_directions
from metaalliance.sheet.rules.statistics import Choice, Reading, choose
from metaalliance.sheet.rules.study import study_problems
from metaalliance.sheet.rules.totals import total_problems
from metaalliance.wording.notebook import card, frame_table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Studies:
    """A sheet as it was read and checked.

    Attributes
    ----------
    file, sha256, sheet : str
        What was read.
    rows : tuple of Row
        Every row under the header that is not blank.
    choices : mapping of int to Choice
        The statistic of each row that is used, by row number.
    nonsignificant_rows : frozenset of int
        Rows that report "n.s." and fall under the policy.
    problems : tuple of Problem
        Errors, warnings and notes in the order of the sheet.
    reading : Reading
        The settings that it was read with; `nonsignificant` and `beta` are among them.
    config : str or None
        The configuration file that was used.
    silenced : tuple of (Problem, str)
        Warnings and notes that the configuration silences, each with its reason.
    level_orders : dict of str to tuple of str
        Levels that the team has entered, by column, in its order.
    headers : dict of str to str
        Headers of the columns that stand under another name in the sheet.
    scheme : Scheme
        What it was read with: headers and vocabularies, with those of the team.
    correlations : DataFrame or None
        The sheet `correlations`: study, sample, var1, var2, r, n and row.
    """

    file: str
    sha256: str
    sheet: str
    rows: tuple[Row, ...] = field(repr=False)
    choices: Mapping[int, Choice] = field(repr=False)
    nonsignificant_rows: frozenset[int] = field(repr=False)
    problems: tuple[Problem, ...] = field(repr=False)
    reading: Reading = field(default_factory=Reading)
    config: str | None = None
    silenced: tuple[tuple[Problem, str], ...] = field(default=(), repr=False)
    level_orders: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    scheme: Scheme = field(default_factory=Scheme, repr=False)
    correlations: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def nonsignificant(self) -> Nonsignificant:
        """What a row is worth that reports "n.s."."""
        return self.reading.nonsignificant

    @property
    def beta(self) -> BetaPolicy:
        """Whether regression coefficients are converted by a formula."""
        return self.reading.beta

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that stop the analysis."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def excluded(self) -> tuple[tuple[Row, str], ...]:
        """Rows that are left out, each with its reason."""
        by_team = [
            (row, str(row.get("exclusion_reason") or "no reason given"))
            for row in self.rows
            if not row.included
        ]
        broken = self._in_error()
        dropped = [
            (row, "not significant, no value (policy: drop)")
            for row in self.rows
            if self.nonsignificant == "drop"
            and row.number in self.nonsignificant_rows
            and row.number not in broken
        ]
        return tuple(sorted(by_team + dropped, key=lambda pair: pair[0].number))

    @property
    def used(self) -> tuple[Row, ...]:
        """Rows that are pooled."""
        out = {row.number for row, _ in self.excluded}
        broken = self._in_error()
        return tuple(r for r in self.rows if r.number not in out and r.number not in broken)

    @property
    def sized(self) -> bool:
        """Whether group sizes or counts give the variance of some row that is pooled."""
        chosen = (self.choices.get(row.number) for row in self.used)
        return any(choice is not None and choice.sized for choice in chosen)

    @property
    def in_error(self) -> tuple[Row, ...]:
        """Rows with an error."""
        broken = self._in_error()
        return tuple(row for row in self.rows if row.number in broken)

    def _in_error(self) -> set[int | None]:
        """Numbers of included rows with an error on the sheet of the effects."""
        errors = self.errors
        wrong = {p.row for p in errors if p.sheet == self.sheet}
        lost = any(p.code == "MA213" for p in errors)  # a column is lost to every row
        return {r.number for r in self.rows if (lost or r.number in wrong) and r.included}

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a table: `row`, then each column that has a value."""
        records: list[dict[str, Any]] = []
        for row in self.rows:
            records.append({"row": row.number, **{k: row.get(k) for k in row.cells}})
        return pd.DataFrame(records)

    def _repr_html_(self) -> str:
        counts = ", ".join(
            f"{len(rows):,} {what}"
            for rows, what in ((self.rows, "rows read"), (self.used, "used"),
                               (self.excluded, "excluded"), (self.in_error, "in error"))
        )  # fmt: skip
        found = [(p.severity, p.code, p.place, p.study, p.message) for p in self.problems]
        frame = pd.DataFrame(found, columns=["severity", "code", "cell", "study", "problem"])
        problems = [frame_table(f"Problems: {len(found):,}", frame)] if found else []
        title = f"{self.file}, sheet {self.sheet}"
        return card(title, [f"{counts}."], [*problems, frame_table("Rows", self.frame)])


def read_studies(
    path: str | Path,
    *,
    sheet: str | None = None,
    nonsignificant: Nonsignificant | None = None,
    beta: BetaPolicy | None = None,
    yi_measure: YiMeasure | None = None,
    measure: SheetMeasure | None = None,
    estimand: ReadEstimand | None = None,
    config: Config | str | Path | None = None,
) -> Studies:
    """Read and validate an extraction workbook.

    Parameters
    ----------
    path : str or Path
        .xlsx, .xlsm, .xlsb, .ods, .csv, .tsv, .omv, .jasp, and with the extra `formats` .xls,
        .sav, .dta, .rds, .rda or .parquet; ``-`` reads standard input.
    sheet : str, optional
        The sheet, or the data frame of an .rda; by default ``effects``, or the only one with the
        needed columns.
    nonsignificant : {"error", "zero", "drop", "half-p", "censored"}, optional
        What rows are worth that report "n.s." without a value. This and the three below are by
        default what the configuration says, and else "error", "peterson-brown", "z".
    beta : {"peterson-brown", "refuse"}, optional
        Whether standardised regression coefficients are converted (approximately).
    yi_measure : {"z", "r", "d", "g", "log_or"}, optional
        Scale of column `yi` in rows where no column `yi_measure` says it. Where nothing says
        it, yi is Fisher z where its variance agrees with n.
    measure : {"z", "r", "r-unbiased"}, optional
        What rows will be converted to: r allows samples of 3, Fisher z does not.
    estimand : {"total", "within_patient", "between_patient", "between_therapist", "each"}, optional
        The question whose rows are used, a blank one being "total"; "each" keeps those of all, for
        `multivariate(effects, "estimand")`. Without it, several are an error.
    config : Config or path, optional
        A configuration (``metaalliance.toml``) with the team's headers, levels and silenced
        rules. The command line looks for it beside the sheet; Python reads it when told to.

    Returns
    -------
    Studies
        The rows; warnings and notes are in `problems`.

    Raises
    ------
    OptionError
        For anything but a path.
    UnreadableFileError
        When the file cannot be read, or is unsafe.
    StudyDataError
        When any row is in error; `problems` holds all of them.
    """
    studies = load_studies(
        path, sheet=sheet, nonsignificant=nonsignificant, beta=beta, yi_measure=yi_measure,
        measure=measure, estimand=estimand, config=config,
    )  # fmt: skip
    if studies.errors:
        count = len(studies.errors)
        first = studies.errors[0]
        raise StudyDataError(
            f"{count} error{'s' if count > 1 else ''} in {studies.file}; the first is "
            f"{first.place} ({first.code}): {first.message}. Nothing was dropped; correct the "
            "cells, or set include = no with a reason. All are in .problems.",
            studies.problems,
        )
    return studies


def load_studies(
    path: str | Path,
    *,
    sheet: str | None = None,
    nonsignificant: Nonsignificant | None = None,
    beta: BetaPolicy | None = None,
    yi_measure: YiMeasure | None = None,
    measure: SheetMeasure | None = None,
    estimand: ReadEstimand | None = None,
    config: Config | str | Path | None = None,
) -> Studies:
    """Read and validate like `read_studies`, but return a sheet with errors too."""
    if not isinstance(path, str | Path):
        raise OptionError(
            f"A path is needed, not a {type(path).__name__}: a sheet is read with its cells. Save "
            "the table as .csv or .xlsx, or give its numbers to Effects.from_arrays."
        )
    settings = config if isinstance(config, Config) else _read_config(config)
    told: dict[str, Any] = {"nonsignificant": nonsignificant, "beta": beta,
                            "yi_measure": yi_measure, "measure": measure,
                            "estimand": estimand}  # fmt: skip
    found = {k: settings.pool.get(k) if v is None else v for k, v in told.items()}
    reading = _checked(Reading(**{k: v for k, v in found.items() if v is not None}))
    coded = open_sheet(path, sheet, settings)
    rows = coded.rows
    problems = coded.problems + exclusion_problems(rows)
    if settings.repeats == "first":
        problems += leave_out_repeats(rows)
    if reading.estimand not in {None, "each"}:
        leave_out_estimands(rows, str(reading.estimand))
    choices = Choices(rows)
    silent: set[int] = set()
    for row in rows:
        problems += _check_row(row, reading, choices, silent)
    problems = [_without_harm(p, choices) if p.code in _HARMLESS else p for p in problems]
    problems += total_problems([row for row in rows if row.study], choices)
    summaries = {p.row for p in problems if p.code == "MA410"}
    if reading.nonsignificant == "drop":
        summaries |= silent
    studied = [r for r in rows if r.included and r.study and r.number not in summaries]
    problems += repeat_problems(studied, kept=settings.repeats == "all")
    problems += [*study_problems(studied), *sign_suspects(studied, choices)]
    problems += [] if reading.estimand else estimand_problems(studied)
    problems += within_problems(studied)
    problems += worded_directions(
        studied, choices, coded.header.texts.get("outcome_direction", "outcome_direction"),
        mapped="outcome_direction" in settings.columns,
    )  # fmt: skip
    problems += statistic_problems(Chosen(studied, choices))
    problems = [p for p in problems if not _follows(p, coded.header.lost)]
    unread = [repr(p.seen) for p in coded.header.problems if p.code == "MA226"]
    problems = [_with_unread(p, unread) if p.code == "MA504" else p for p in problems]
    names = {row.study: row.label for row in rows if settings.ignore}
    kept, silenced = _silence(_in_order(problems), settings, names)  # before merging: by study
    kept = _in_order(once_per_column(kept))
    studies = Studies(
        file=coded.file,
        sha256=coded.sha256,
        sheet=coded.grid.name,
        rows=tuple(rows),
        choices=choices,
        nonsignificant_rows=frozenset(silent),
        problems=tuple(kept),
        reading=reading,
        config=settings.path.name if settings.path else None,
        silenced=tuple(silenced),
        level_orders=coded.level_orders,
        headers=coded.header.texts,
        scheme=coded.scheme,
        correlations=coded.correlations,
    )
    return _refuse_empty(studies, coded.grid, coded.header)


#: Problems of rows by what, where it is lost, causes all of them.
_CAUSES = {
    "MA401": {*STATISTICS, "statistic"},
    "MA402": {"sign"},
    "MA403": {*COMPANIONS, *STATISTICS},
    "MA411": set(STATISTICS),
}


def _follows(p: Problem, lost: frozenset[str]) -> bool:
    """Whether a problem follows from a column whose mapped header is not there."""
    return not lost.isdisjoint(_CAUSES.get(p.code, ()))


def _with_unread(p: Problem, unread: list[str]) -> Problem:
    """A blank direction, where other columns look like one."""
    if not unread:
        return p
    look = f"not read: {', '.join(unread)}, which may say it"
    return replace(p, hint=f"{look}; {p.hint}" if p.hint else look)


def _checked(reading: Reading) -> Reading:
    """Refuse a choice that does not exist."""
    check_option("nonsignificant", reading.nonsignificant, Nonsignificant)
    check_option("beta", reading.beta, BetaPolicy)
    check_option("measure", reading.measure, SheetMeasure)
    if reading.yi_measure is not None:
        check_option("yi_measure", reading.yi_measure, YiMeasure)
    if reading.estimand is not None:
        check_option("estimand", reading.estimand, ReadEstimand)
    return reading


def _read_config(path: str | Path | None) -> Config:
    return Config() if path is None else read_config(Path(path))


#: Severity of faults in cells that the row does not need.
_HARMLESS: dict[str, Severity] = {
    "MA309": "note", "MA314": "note", "MA331": "note",
    "MA351": "warning", "MA302": "warning", "MA308": "warning", "MA313": "warning",
}  # fmt: skip


def _without_harm(p: Problem, choices: Mapping[int, Choice]) -> Problem:
    """What a row does not need is no error: p < .05 beside another statistic, half a person in n.

    Text and impossible values, such as tails = two beside r, are worth a look.
    """
    choice = choices.get(p.row or 0)
    needless = choice is not None and _is_needless(p.column, choice)
    return replace(p, severity=_HARMLESS[p.code]) if needless else p


def _is_needless(column: str, choice: Choice) -> bool:
    """Whether a row does not need a p-value, a scale, limits, or the n of groups."""
    return {
        "p": "p" not in choice.inputs,
        "tails": "p" not in choice.inputs,
        "yi_measure": choice.statistic != "yi",
        "ci_low": _without_limits(choice),
        "n": {"n1", "n2"} <= choice.inputs.keys(),
    }.get(column, False)


def _without_limits(choice: Choice) -> bool:
    """Whether the variance of a row rests on other columns than its confidence limits."""
    spread = choice.rule.spread
    return choice.statistic != "yi" and (spread is None or not spread.first)


def _silence(
    problems: list[Problem], config: Config, names: dict[str, str]
) -> tuple[list[Problem], list[tuple[Problem, str]]]:
    """Part the problems that the configuration silences from the others."""
    kept, silenced = [], []
    for p in problems:
        reason = next(
            (
                i.reason
                for i in config.ignore
                if i.code == p.code and names.get(i.study, i.study) in {"", p.study}
            ),
            None,
        )
        if reason is None or p.severity == "error":
            kept.append(p)
        else:
            silenced.append((p, reason))
    return kept, silenced


def _check_row(
    row: Row, reading: Reading, choices: MutableMapping[int, Choice], silent: set[int]
) -> list[Problem]:
    """Check one row; enter its statistic, or that it reports "n.s."."""
    problems = identity_problems(row)
    if not row.included or problems:
        return problems
    column = nonsignificant_column(row)
    if column is not None:
        silent.add(row.number)
        return nonsignificant_problems(row, column, reading.nonsignificant)
    choice, found = choose(row, reading)
    if choice is None or found:
        return found
    choices[row.number] = choice
    return row_problems(row, choice)


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by row, whole-file problems first."""
    return sorted(problems, key=lambda p: (p.row is not None, p.row or 0))


def _refuse_empty(studies: Studies, grid: Grid, header: Header) -> Studies:
    """Add an error when no row is left."""
    if studies.used or studies.errors:
        return studies
    code, message = (
        ("MA505", "every row is excluded or dropped: nothing is left to pool")
        if studies.rows
        else ("MA208", "there is no row under the header")
    )
    empty = problem_at(code, grid, header.row, header.columns["study"], message)
    return replace(studies, problems=(*studies.problems, empty))
