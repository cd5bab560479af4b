"""Whether a report still follows from its workbook: one check for each thing that can change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaalliance.analysis.rules import RULES_VERSION, Rule
from metaalliance.errors import UnreadableFileError
from metaalliance.files import may_wait
from metaalliance.wording.numbers import number
from metaalliance.wording.untrusted import printable

#: Checks that only `--strict` fails: the numbers are the same nevertheless.
LENIENT = frozenset({"input", "versions", "configuration", "digest", "rules"})
_FIRST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was compared.

    Attributes
    ----------
    name : str
        What.
    same : bool
        Whether it is as recorded.
    text : str
        What was found, in a sentence.
    details : tuple of dict
        Every difference.
    """

    name: str
    same: bool
    text: str
    details: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the check as the JSON output prints it."""
        return {
            "name": self.name,
            "same": self.same,
            "text": self.text,
            "details": list(self.details),
        }


def read_record(path: Path) -> dict[str, Any]:
    """Return the record of a run.

    Raises
    ------
    UnreadableFileError
        When the file is no record of this tool.
    """
    if may_wait(path):
        raise UnreadableFileError(f"{path} is a pipe or a device, not a file.", code="MA680")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be read ({error.strerror}).", code="MA680"
        ) from None
    except ValueError:
        record = None
    return checked_record(record, str(path))


def checked_record(record: Any, name: str = "record") -> dict[str, Any]:
    """Return a record that can be verified.

    Raises
    ------
    UnreadableFileError
        When it is none of this tool, or holds no numbers.
    """
    if not isinstance(record, dict) or record.get("tool") != "metaalliance":
        raise UnreadableFileError(f"{name} is no record of metaalliance.", code="MA680")
    if "numbers" not in record or "rows" not in record:
        raise UnreadableFileError(
            f"{name} holds no numbers to compare: it is of another command or of an earlier "
            "version. Records of pool, report, moderators, influence, bias, multiverse, compare "
            "and of figures can be verified.",
            code="MA680",
        )
    return record


def follows(checks: list[Check], *, strict: bool) -> bool:
    """Whether the recorded result follows from the sheet."""
    return all(check.same or (check.name in LENIENT and not strict) for check in checks)


def seal_check(same: bool) -> Check:
    """Whether the record is as it was written."""
    text = "as it was written" if same else "has been edited since it was written"
    return Check(name="record", same=same, text=text)


def input_check(recorded: str, now: str, *, coding: str = "") -> Check:
    """Compare the checksum of the file.

    Parameters
    ----------
    coding : str
        Whether its cells are "same" or "changed"; blank where the record does not know.
    """
    if recorded == now:
        return Check(name="input", same=True, text="the same bytes")
    said = {"same": "the same coding, ", "changed": "another coding, "}.get(coding, "")
    text = f"{said}other bytes: {recorded[:12]}… recorded, {now[:12]}… now"
    details = ({"coding": coding},) if coding else ()
    return Check(name="input", same=False, text=text, details=details)


def rows_check(
    rows: list[dict[str, Any]],
    total: int,
    by_rules: Sequence[Mapping[str, Any]] = (),
    *,
    unmarked: int | None = None,
) -> Check:
    """Report rows that differ, beside those that a change of rules explains.

    Of a sheet with very many rows the record knows their number alone, `unmarked`.
    """
    if unmarked is not None:
        text = f"{unmarked:,} recorded, none by itself" + (
            "" if unmarked == total else f"; {total:,} now"
        )
        return Check(name="rows", same=unmarked == total, text=text)
    listed = [(rows, "not as recorded"), (by_rules, "moved by the rules")]
    text = "; ".join(f"{len(some):,} {what}: {_rows_text(some)}" for some, what in listed if some)
    return Check(
        name="rows",
        same=not rows,
        text=text or f"all {total:,} as recorded",
        details=(*rows, *map(dict, by_rules)),
    )


def _rows_text(rows: Sequence[Mapping[str, Any]]) -> str:
    shown = "; ".join(_row_text(row) for row in rows[:_FIRST])
    return shown + (f"; and {len(rows) - _FIRST:,} more" if len(rows) > _FIRST else "")


def _row_text(row: Mapping[str, Any]) -> str:
    label = f" ({printable(row['study'])})" if row["study"] else ""
    ends = ["not used" if v is None else number(v, 4) for v in (row["recorded"], row["now"])]
    effect = "" if ends[0] == ends[1] else f", effect {' → '.join(ends)}"
    return f"row {row['row']}{label} {row['what']}{_cells_text(row.get('cells', ()))}{effect}"


def _cells_text(cells: Sequence[Mapping[str, str]]) -> str:
    shown = (
        f"{printable(c['cell'])} {printable(c['column'])} "
        f"{_said(c['recorded'])} → {_said(c['now'])}"
        for c in cells[:_FIRST]
    )
    more = f" and {len(cells) - _FIRST:,} more cells" if len(cells) > _FIRST else ""
    return f": {', '.join(shown)}{more}" if cells else ""


def _said(text: str) -> str:
    return repr(printable(text)) if text else "blank"


def settings_check(
    recorded: Mapping[str, Any], now: Mapping[str, Any], *, shared: bool = False
) -> Check:
    """Compare the settings that the record names with those that were used again.

    Parameters
    ----------
    shared : bool
        Whether only settings that both have are compared, as for a record of another version.
    """
    found = _differences(recorded, now)
    if shared:
        found = [d for d in found if d["name"] in recorded and d["name"] in now]
    text = _joined(found) if found else "as recorded"
    return Check(name="settings", same=not found, text=text, details=tuple(found))


def configuration_check(differences: list[dict[str, Any]]) -> Check:
    """Report settings of the configuration file that are not those of the record."""
    text = _joined(differences) if differences else "asks for nothing else"
    details = tuple(differences)
    return Check(name="configuration", same=not differences, text=text, details=details)


def versions_check(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Check:
    """Compare the versions of the tool and its packages."""
    found = _differences(recorded, now)
    text = _joined(found) if found else "as recorded"
    return Check(name="versions", same=not found, text=text, details=tuple(found))


def _differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = [key for key in {**recorded, **now} if recorded.get(key) != now.get(key)]
    return [{"name": k, "recorded": recorded.get(k), "now": now.get(k)} for k in keys]


def _joined(found: list[dict[str, Any]]) -> str:
    parts = (f"{d['name']} {d['recorded']} → {d['now']}" for d in found)
    return "; ".join(printable(part) for part in parts)


def rules_check(
    version: int,
    moved: Sequence[tuple[Rule, Sequence[Mapping[str, Any]]]],
    models: Sequence[str] = (),
) -> Check:
    """Say which rules changed since the record was made, and which numbers they moved.

    Parameters
    ----------
    models : sequence of str
        Names of the rows of the comparison.
    """
    if version == RULES_VERSION:
        return Check(name="rules", same=True, text=f"version {version}")
    rows = {f"models.{index}.": f"{name}: " for index, name in enumerate(models)}
    parts = []
    for rule, numbers in moved:
        shown = ", ".join(_named(str(m["number"]), rows) for m in numbers[:_FIRST])
        more = f" and {len(numbers) - _FIRST:,} more" if len(numbers) > _FIRST else ""
        parts.append(f"{rule.text} (moved {shown}{more})")
    told = "; ".join(parts) or "none of the changes since moved a number"
    return Check(
        name="rules",
        same=False,
        text=f"version {version}, now {RULES_VERSION}: {told}",
        details=tuple({"rule": rule.text, **m} for rule, numbers in moved for m in numbers),
    )


def _named(number: str, rows: Mapping[str, str]) -> str:
    """Return the path of a number with the name of its row."""
    start = next((start for start in rows if number.startswith(start)), "")
    return rows.get(start, "") + number.removeprefix(start)


def numbers_check(moved: Sequence[Mapping[str, Any]], total: int, *, explained: int = 0) -> Check:
    """Report numbers that differ, beside those that a change of rules explains."""
    if not moved:
        text = f"all {total:,} reproduced"
        if explained:
            text = f"{total - explained:,} of {total:,} reproduced, the others moved by the rules"
        return Check(name="numbers", same=True, text=text)
    parts = (f"{m['number']} {_value(m['recorded'])} → {_value(m['now'])}" for m in moved[:_FIRST])
    more = f"; and {len(moved) - _FIRST:,} more" if len(moved) > _FIRST else ""
    text = f"{len(moved):,} of {total:,} differ: {'; '.join(parts)}{more}"
    return Check(name="numbers", same=False, text=text, details=tuple(dict(m) for m in moved))


def digest_check(recorded: str, now: str) -> Check:
    """Compare the digests of all results, lists by study among them, to the last digit."""
    if recorded == now:
        return Check(name="digest", same=True, text="all results, to the last digit")
    text = f"other digits: {printable(recorded)[:12]}… recorded, {now[:12]}… now"
    details = ({"recorded": recorded, "now": now},)
    return Check(name="digest", same=False, text=text, details=details)


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}".replace("-", "−")


def files_check(recorded: Mapping[str, str], folder: Path) -> Check:
    """Compare the files beside the record with their checksums."""
    found = []
    for name, expected in recorded.items():
        path = folder / name
        if not path.is_file():
            found.append({"file": name, "what": "is missing"})
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            found.append({"file": name, "what": "has been changed"})
    if not found:
        return Check(name="files", same=True, text=f"all {len(recorded):,} as written")
    text = "; ".join(f"{printable(f['file'])} {f['what']}" for f in found[:_FIRST])
    more = f"; and {len(found) - _FIRST:,} more" if len(found) > _FIRST else ""
    return Check(name="files", same=False, text=text + more, details=tuple(found))
