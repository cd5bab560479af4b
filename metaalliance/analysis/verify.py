"""A recorded analysis, run again: whether its result still follows from the sheet."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import Analysis, config_for, read
from metaalliance.analysis.cells import coding_now
from metaalliance.analysis.checks import (
    Check,
    checked_record,
    configuration_check,
    digest_check,
    files_check,
    follows,
    input_check,
    numbers_check,
    read_record,
    rows_check,
    rules_check,
    seal_check,
    settings_check,
    versions_check,
)
from metaalliance.analysis.content import Content
from metaalliance.analysis.documents import (
    FIGURE_COMMANDS,
    POOL_RESULTS,
    digest,
    figure_document,
    figure_results,
    pool_document,
    versions,
)
from metaalliance.analysis.examinations import EXAMINATIONS
from metaalliance.analysis.record import (
    UNMARKED,
    asked_in,
    changed_rows,
    intact,
    moved_numbers,
    numbers_of,
    plain,
    recorded_parts,
)
from metaalliance.analysis.report import REPORT_RESULTS, record_parts, report_document
from metaalliance.analysis.rules import (
    RULES_VERSION,
    SIZES,
    Where,
    explained,
    has_ruled_t,
    is_read_otherwise,
    rules_of,
    takes_effective_n,
    takes_levels,
)
from metaalliance.analysis.two_sheets import compare_checks, sheet_of
from metaalliance.config import Config
from metaalliance.effects.convert import effect_sizes
from metaalliance.errors import OptionError, StudyDataError
from metaalliance.models.cross_check import CrossCheck

#: Commands whose settings are those of one mean.
_MEANS = frozenset({"pool", "report"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The results of a record, computed again.

    Attributes
    ----------
    document : dict
        The document of the command.
    results : tuple of str
        Parts of it that are results.
    numbers : mapping, optional
        What the numbers of the record are taken from, where these are not all of the results.
    """

    document: dict[str, Any]
    results: tuple[str, ...]
    numbers: Mapping[str, Any] | None = None

    @property
    def parts(self) -> Mapping[str, Any]:
        """What is compared number by number."""
        if self.numbers is not None:
            return self.numbers
        return recorded_parts(self.document, self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a recorded result follows from a sheet.

    Attributes
    ----------
    command : str
        What was recorded.
    checks : tuple of Check
        One for each thing that can change.
    follows : bool
        Whether the result follows; where rules changed since, whether they explain every number
        that moved.
    rules : int
        Version of the rules of the record.
    witness : CrossCheck or None
        The two-level rows of the comparison by PyMARE and statsmodels, for a pooled result.
    """

    command: str
    checks: tuple[Check, ...]
    follows: bool
    rules: int
    witness: CrossCheck | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict and the checks for JSON."""
        return {
            "follows": self.follows,
            "rules": self.rules,
            "checks": [check.to_dict() for check in self.checks],
            "cross_check": None if self.witness is None else self.witness.to_dict(),
        }

    def summary(self) -> str:
        """Return one line for each check, and the verdict."""
        lines = [f"{c.name}: {'same' if c.same else 'CHANGED'}, {c.text}" for c in self.checks]
        lines += [] if self.witness is None else [self.witness.text()]
        return "\n".join([*lines, self.verdict])

    @property
    def verdict(self) -> str:
        """The answer in a sentence."""
        what = "report" if self.command == "report" else "result"
        what = "figure" if self.command in FIGURE_COMMANDS else what
        if not self.follows:
            return f"The {what} does not follow from this workbook as it is now."
        changed = next(c for c in self.checks if c.name == "rules")
        if changed.same:
            return f"The {what} follows from this workbook."
        rules = "; ".join(dict.fromkeys(d["rule"] for d in changed.details))
        since = f"; these rules changed since: {rules}" if rules else ""
        return f"The {what} follows from this workbook by the rules of version {self.rules}{since}."


def verify(
    record: str | Path | Mapping[str, Any],
    workbook: str | Path,
    *,
    old: str | Path | None = None,
    sheet: str | None = None,
    config: str | Path | None = None,
    strict: bool = False,
) -> Verification:
    """Run a recorded analysis again and compare it with its record.

    Model and policy are those of the record, whole; the configuration beside the sheet says only
    how its columns and levels are read.

    Parameters
    ----------
    record : path or mapping
        ``run.json``, or ``run_<command>.json``; or what `Analysis.record` returns, whose files
        are then looked for beside the sheet.
    workbook : path
        The sheet as it is now; for a record of `compare`, the later one.
    old : path, optional
        The earlier sheet of a record of `compare`; by default the file of the recorded name
        beside the later one.
    sheet : str, optional
        Name of the sheet; by default that of the record.
    config : path, optional
        Configuration; by default the nearest ``metaalliance.toml`` beside or above the sheet.
    strict : bool
        Whether other bytes, versions or configuration are failures too.

    Raises
    ------
    OptionError
        For an earlier sheet that the record has no use for.
    UnreadableFileError
        When the file is no record that can be verified.
    StudyDataError
        When the sheet has errors; it carries every problem.
    """
    file = Path(workbook)
    path = file if isinstance(record, Mapping) else Path(record)
    content = checked_record(record) if isinstance(record, Mapping) else read_record(path)
    if content["command"] == "compare":
        earlier = Path(content["input"]["old"]["file"]).name
        first = file.with_name(earlier) if old is None else Path(old)
        own = None if config is None else Path(config)
        checks = compare_checks(content, first, file, path.parent, sheet=sheet, config=own)
        return Verification(
            command="compare",
            checks=tuple(checks),
            follows=follows(checks, strict=strict),
            rules=rules_of(content),
        )
    if old is not None:
        raise OptionError(
            f"A record of {content['command']} has one sheet; an earlier one has no use."
        )
    found = config_for(file, None if config is None else Path(config))
    analysis = restored(content, file, found, sheet)
    checks = compared(content, analysis, path.parent)
    return Verification(
        command=content["command"],
        checks=tuple(checks),
        follows=follows(checks, strict=strict),
        rules=rules_of(content),
        witness=analysis.cross_check() if content["command"] in _MEANS else None,
    )


def restored(
    record: Mapping[str, Any], workbook: Path, config: Config, sheet: str | None = None
) -> Analysis:
    """Return the whole analysis that a record asks for, of the sheet as it is now."""
    model, policy = asked_in(record)
    kind = EXAMINATIONS.get(record["command"])
    reading = policy
    if kind is not None:
        reading = kind.reading(policy, kind.restored(record["request"]["options"]))
    studies = read(workbook, reading, config, sheet or sheet_of(record["input"], workbook))
    if studies.errors:
        count = len(studies.errors)
        raise StudyDataError(
            f"{count} error{'' if count == 1 else 's'} in {studies.file}. The report does not "
            "follow from this sheet. Correct these cells, or set include = no with a reason.",
            studies.problems,
        )
    return Analysis.of(studies, model, policy, config)


def again(record: Mapping[str, Any], analysis: Analysis) -> Again:
    """Run the analyses of a record again.

    Raises
    ------
    OptionError
        For a command whose records cannot be verified.
    """
    command = record["command"]
    if command == "pool":
        models, notes = analysis.comparison
        document = pool_document(analysis.studies, models, notes, analysis.recorded, ())
        return Again(document=document, results=POOL_RESULTS)
    if command == "report":
        stored = record["settings"]["content"]
        content = Content(**{**stored, "moderators": tuple(stored["moderators"])})
        document = report_document(analysis.report(content))
        return Again(document=document, results=REPORT_RESULTS, numbers=record_parts(document))
    if command in FIGURE_COMMANDS:
        drawn = figure_document(
            command,
            analysis.studies,
            analysis.fit,
            record["request"]["options"],
            (),
            {**analysis.settings(), **analysis.recorded},
            (),
        )
        results, numbers = figure_results(drawn)
        return Again(document=drawn, results=results, numbers=numbers)
    if command not in EXAMINATIONS or "request" not in record:
        raise OptionError(f"A record of {command} cannot be verified.", code="MA680")
    kind = EXAMINATIONS[command]
    options = kind.restored(record["request"]["options"])
    document = kind.document(analysis, options, kind.run(analysis, options))
    return Again(document=document, results=kind.results)


def compared(record: dict[str, Any], analysis: Analysis, folder: Path) -> list[Check]:
    """Return every check of a record against an analysis of the sheet as it is now."""
    now = again(record, analysis)
    numbers, version = dict(numbers_of(now.parts)), rules_of(record)
    older = version < RULES_VERSION
    if older:  # results that a later version added are no change of those it had
        numbers = {path: numbers.get(path) for path in record["numbers"]}
    moved = moved_numbers(record["numbers"], numbers)
    unchanged = record["input"]["sha256"] == analysis.studies.sha256
    sheet: list[Where] = ["samples"] if analysis.coded.studies_with_samples else []
    rows, sized = _rows(record, analysis)
    sheet += ["sizes"] if sized else []
    sheet += ["reading"] if older and unchanged and is_read_otherwise(moved) else []
    sheet += ["structure"] if older and unchanged and takes_levels(analysis.model.columns) else []
    sheet += ["degrees"] if older and has_ruled_t(analysis.model) else []
    models = now.document.get("models", ())
    sheet += ["effective-n"] if older and takes_effective_n(models) else []
    rows_of = [row["name"] for row in models]
    by_rule, unexplained = explained(version, record["command"], moved, sheet, rows_of)
    content = {key: now.document[key] for key in now.results}
    return [
        seal_check(intact(record)),
        input_check(
            record["input"]["sha256"],
            analysis.studies.sha256,
            coding=coding_now(record, [*rows, *sized]),
        ),
        rows_check(rows, len(analysis.studies.rows), sized, unmarked=record.get(UNMARKED)),
        settings_check(
            {**_settings(record, left="reading" in sheet), **_said(record)},
            {**_settings(now.document), **_acted(record)},
            shared=older,
        ),
        configuration_check(_configured(record, analysis)),
        versions_check(record["versions"], {"python": platform.python_version(), **versions()}),
        rules_check(version, by_rule, rows_of),
        numbers_check(
            unexplained,
            len({**record["numbers"], **numbers}),
            explained=len(moved) - len(unexplained),
        ),
        digest_check(record["result_digest"], digest(content)),
        files_check(record["files"], folder),
    ]


def _rows(
    record: Mapping[str, Any], analysis: Analysis
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows that are not as recorded, and those that are by the former variances."""
    studies, policy = analysis.studies, analysis.policy
    changed = changed_rows(record, studies, analysis.coded)
    if rules_of(record) >= SIZES or not studies.sized:
        return changed, []
    coded = effect_sizes(studies, **{**policy.conversion, "variances": "fisher"})
    left = {row["row"] for row in changed_rows(record, studies, coded)}
    by_rules = [row for row in changed if row["row"] not in left]
    return [row for row in changed if row["row"] in left], by_rules


def _settings(content: Mapping[str, Any], *, left: bool = False) -> dict[str, Any]:
    """Settings that change numbers: the place of a configuration file is none.

    `left` leaves out what was left to the effects (auto), where these are others now.
    """
    asked = content.get("request", {}).get("settings", {}) if left else {}
    own = {k: v for k, v in content["settings"].items() if k != "config"}
    return {k: v for k, v in own.items() if asked.get(k) != "auto"}


def _said(record: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that a record says were asked for."""
    return {f"asked {k}": v for k, v in record.get("request", {}).get("settings", {}).items()}


def _acted(record: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with which it is verified."""
    model, policy = asked_in(record)
    settings = plain({**policy.to_record(), **model.to_record()})
    return {name: settings[name.removeprefix("asked ")] for name in _said(record)
            if name.removeprefix("asked ") in settings}  # fmt: skip


def _configured(record: Mapping[str, Any], analysis: Analysis) -> list[dict[str, Any]]:
    """Settings that the configuration file asks for and that the record does not have."""
    stored = {**record.get("request", {}).get("settings", {}), **record["settings"]}
    if record["command"] in _MEANS and "aggregation_rho" in stored:
        stored["rho"] = stored["aggregation_rho"]
    return [
        {"name": key, "recorded": stored[key], "now": value}
        for key, value in analysis.config.pool.items()
        if key != "width" and value != "auto" and key in stored and stored[key] != value
    ]
