"""Versions of the rules by which numbers are made, and what each version changed.

A record carries the version of the rules that it was made by. Where an older one is verified,
each number that moved is set against the rules that changed since.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metaalliance.model import Model
from metaalliance.publication_bias.comparison import BIAS_ADJUSTED
from metaalliance.sheet.columns.vocabularies import VOCABULARIES

#: Version of the rules that this version of the package follows; 1 is that of 0.1, whose records
#: do not name it.
RULES_VERSION = 5
#: First version by which group sizes and counts give variances.
SIZES = 5


Where = Literal["", "samples", "reading", "structure", "sizes", "degrees", "effective-n"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that changed.

    Attributes
    ----------
    version : int
        The first version of the rules that has it.
    text : str
        What holds since then.
    commands : frozenset of str
        Commands whose numbers it moves.
    numbers : str
        Regular expression of how the paths of these numbers begin; "" for all.
    vanished : bool
        Whether it only takes numbers away.
    row : str
        Name of the row of the comparison whose numbers it moves; "" for those of any.
    where : {"", "samples", "reading", "structure", "sizes", "degrees", "effective-n"}
        Which analyses it concerns: all, those with several independent samples in a study, those
        whose studies, effects, participants or levels are counted otherwise now, those whose
        model takes further levels, a crossed factor or correlations from a column of levels,
        those with effects whose group sizes or counts give their variance, those of a multilevel
        model with the test t, those whose PET-PEESE takes the effective n.
    """

    version: int
    text: str
    commands: frozenset[str]
    numbers: str = ""
    vanished: bool = False
    row: str = ""
    where: Where = ""

    def explains(self, command: str, moved: Mapping[str, Any], rows: Sequence[str] = ()) -> bool:
        """Whether a number of a command can have moved; `rows` name those of the comparison."""
        gone = moved["now"] is None or not self.vanished
        found = re.match(self.numbers, moved["number"])
        if command not in self.commands or not gone or found is None:
            return False
        return not self.row or self.row in rows[int(found["row"]) :][:1]


_ALL = frozenset({"pool", "report", "moderators", "bias", "influence", "multiverse"})
#: Commands that record the numbers of a figure.
_DRAWN = frozenset({"forest", "funnel", "plot"})
_BIAS = frozenset({"bias", "report"})
#: Commands that count levels, and those whose model may take its structure from a column of levels.
_READ_AS_LEVELS: tuple[tuple[frozenset[str], Where], ...] = (
    (frozenset({"moderators", "report", "multiverse", "influence"}), "reading"),
    (_ALL | {"compare"}, "structure"),
)
#: Numbers that count what was read.
_COUNTS = re.compile(r"(?:.*\.)?(?:n_studies|n_effects|n_participants|levels\.\d+\.level)$")

#: Every change, the narrower before the wider.
RULES: tuple[Rule, ...] = (
    Rule(
        version=2,
        text="comparison rows take the settings of the main model",
        commands=frozenset({"pool", "report"}),
        numbers=r"models\.[1-9]",
    ),
    Rule(
        version=2,
        text="levels below the minimum of studies have counts and no interval",
        commands=frozenset({"moderators", "report"}),
        numbers=r"moderators\.\d+\.levels\.",
        vanished=True,
    ),
    Rule(
        version=2,
        text="moderators take every setting of the main model",
        commands=frozenset({"moderators", "report"}),
        numbers=r"(moderators|regression|within_between|location_scale|model_set)\b",
    ),
    Rule(
        version=2,
        text="methods for publication bias take the settings of the main model, and the report "
        "has all of them",
        commands=frozenset({"bias", "report"}),
        numbers=r"(tests|adjusted|methods|henmi_copas|bias)\b",
    ),
    Rule(
        version=2,
        text="analyses of influence take every setting of the main model",
        commands=frozenset({"influence", "report"}),
        numbers=r"(leave_one_out|diagnostics|outliers|cumulative|gosh|moderators|influence)\b",
    ),
    Rule(
        version=2,
        text="specifications of a multiverse start from every setting of the main analysis",
        commands=frozenset({"multiverse", "report"}),
        numbers=r"(counts|verdict|decisions|options|specifications|multiverse)\b",
    ),
    Rule(
        version=3,
        text="author and year tell studies apart, words for missing values are no levels, and rows "
        "of totals, or excluded under another header, are left out; designs keep their names",
        commands=_ALL,
        where="reading",
    ),
    Rule(
        version=3,
        text="sampling errors of different samples of a study are independent, and its "
        "participants are those of all of them",
        commands=_ALL,
        where="samples",
    ),
    *(
        Rule(
            version=4,
            text="parents are raters of their own, further names are read as the levels that they "
            "are, and names with several meanings (EFT, teletherapy, DAS) are levels of their own",
            commands=commands,
            where=where,
        )
        for commands, where in _READ_AS_LEVELS
    ),
    Rule(
        version=5,
        text="p-uniform* has no test of publication bias, and its test of tau² is that of a value "
        "on the boundary",
        commands=_BIAS,
        numbers=r"(bias\.)?methods\.p-uniform",
    ),
    Rule(
        version=5,
        text="limits of selection models of dependent effects are those of a two-stage bootstrap",
        commands=_BIAS,
        numbers=r"(bias\.)?methods\.(Selection|Step|Beta).*(\bci_low|\bci_high|\bbootstrap)\b",
    ),
    Rule(
        version=5,
        text="the beta selection model truncates p to [.025, .975]",
        commands=_BIAS,
        numbers=r"(bias\.)?methods\.Beta selection",
    ),
    Rule(
        version=5,
        text="where variances depend on effects, as on the scale of r, regressions on the size of "
        "studies take the effective n and other methods for publication bias run on Fisher z; an "
        "effect is significant by the test of its report; p-uniform* and the beta selection model "
        "changed",
        commands=_BIAS,
        numbers=r"(tests|adjusted|methods|henmi_copas|bias)\b",
    ),
    Rule(
        version=5,
        text="where variances depend on effects, PET-PEESE takes the effective n",
        commands=frozenset({"pool", "report"}),
        numbers=r"models\.(?P<row>\d+)\.pooled\b",
        row=BIAS_ADJUSTED,
        where="effective-n",
    ),
    Rule(
        version=5,
        text="differences between more than 64 levels are made where they are asked for",
        commands=frozenset({"moderators", "report"}),
        numbers=r"moderators\.\d+\.contrasts\b",
        vanished=True,
    ),
    Rule(
        version=5,
        text="the test t of a multilevel model has Satterthwaite's degrees of freedom (before: "
        "effects less coefficients)",
        commands=_ALL | {"compare"},
        numbers=r"(?:.*[._])?(?:df2?|p_value|p_adjusted|ci_low|ci_high|pi_low|pi_high)\b",
        where="degrees",
    ),
    Rule(
        version=5,
        text="bootstrap and permutation tests of moderators estimate the variance components in "
        "every replication",
        commands=frozenset({"moderators"}),
        numbers=r"moderators\.\d+\.tests\b",
    ),
    Rule(
        version=5,
        text="location-scale models are of the effects themselves, with every setting of the main "
        "model, where those of dependent effects were of averages",
        commands=frozenset({"moderators"}),
        numbers=r"location_scale\b",
    ),
    *(
        Rule(
            version=5,
            text="further names with several meanings (GSI, CSQ, YSR, TRF) are levels of their "
            "own, and so are a hospital as setting and a relationship as part of the alliance; "
            "further names are read as their levels",
            commands=commands,
            where=where,
        )
        for commands, where in _READ_AS_LEVELS
    ),
    Rule(
        version=SIZES,
        text="sampling variances of effects from groups and counts follow from their sizes by the "
        "delta method (variances = fisher has the former ones)",
        commands=_ALL | _DRAWN | {"compare"},
        where="sizes",
    ),
)


def rules_of(record: Mapping[str, Any]) -> int:
    """Return the version of the rules of a record; those of 0.1 do not name it."""
    return int(record.get("rules", 1))


def takes_levels(columns: Iterable[str]) -> bool:
    """Whether a column that gives a model its structure has levels that a vocabulary reads."""
    return any(column in VOCABULARIES for column in columns)


def has_ruled_t(model: Model) -> bool:
    """Whether a model, as asked for, may take the test t with several variance components."""
    t = model.test == "t" or (model.test == "auto" and bool(model.crossed))
    return t and model.kind not in {"two-level", "common-effect"}


def takes_effective_n(models: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the PET-PEESE row of a comparison rests on the effective n."""
    own = (m["settings"].get("predictor") or "" for m in models if m["name"] == BIAS_ADJUSTED)
    return any("effective n" in predictor for predictor in own)


def is_read_otherwise(moved: Sequence[Mapping[str, Any]]) -> bool:
    """Whether numbers that moved count studies, effects or participants."""
    return any(_COUNTS.match(m["number"]) for m in moved)


def changed_since(version: int, command: str, sheet: Collection[Where] = ()) -> tuple[Rule, ...]:
    """Return the rules that changed after a version and move numbers of a command on a sheet."""
    since = (r for r in RULES if r.version > version and command in r.commands)
    return tuple(r for r in since if not r.where or r.where in sheet)


def explained(
    version: int,
    command: str,
    moved: Sequence[Mapping[str, Any]],
    sheet: Collection[Where] = (),
    rows: Sequence[str] = (),
) -> tuple[list[tuple[Rule, list[Mapping[str, Any]]]], list[Mapping[str, Any]]]:
    """Set numbers that moved against the rules that changed since.

    Parameters
    ----------
    sheet : collection of {"samples", "reading", "structure", "sizes", "degrees", "effective-n"}
        What the sheet or the model has that only some rules concern.
    rows : sequence of str
        Names of the rows of the comparison.

    Returns
    -------
    list of (Rule, list)
        Each rule that moved any, with those that it moved.
    list
        Numbers that no change of rules explains.
    """
    left = list(moved)
    found = []
    for rule in changed_since(version, command, sheet):
        own = [m for m in left if rule.explains(command, m, rows)]
        if own:
            found.append((rule, own))
            left = [m for m in left if not rule.explains(command, m, rows)]
    return found, left
