"""The analysis of a sheet: read once, with one model and one policy for everything after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from metaalliance.analysis.documents import POOL_RESULTS, pool_document
from metaalliance.analysis.record import asked_of, record_of
from metaalliance.config import Config, find_config, read_config
from metaalliance.core.selection.beta import SMALLEST_P
from metaalliance.diagnostics.removal import removals
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError, StudyDataError
from metaalliance.model import Model, Specification
from metaalliance.models.checks import samples_notice
from metaalliance.models.comparison import NamedFit
from metaalliance.models.one_per_study import averaging_rho, refuse_unused_rho
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import quiet
from metaalliance.policy import Policy
from metaalliance.problems import Problem
from metaalliance.publication_bias.comparison import compare_all_models
from metaalliance.setting import settings_in
from metaalliance.sheet.studies import Studies, load_studies
from metaalliance.wording.phrases import count_text

# The pooled mean and its comparison stand above; what brings more is imported where it is used.
if TYPE_CHECKING:
    from metaalliance.analysis.content import Content
    from metaalliance.analysis.evidence import Evidence
    from metaalliance.analysis.influence import InfluenceKeywords, InfluenceResults
    from metaalliance.models.cross_check import CrossCheck
    from metaalliance.moderation.table import ModeratorTable, TableOptions
    from metaalliance.publication_bias.methods import Alternative, Average
    from metaalliance.publication_bias.selection_asked import SelectionAsked
    from metaalliance.publication_bias.summary import BiasSummary
    from metaalliance.robustness.comparison import Comparison
    from metaalliance.robustness.results import Multiverse
    from metaalliance.workers.workers import Jobs


def config_for(workbook: Path, explicit: Path | None = None) -> Config:
    """Return the configuration that is named, or the nearest beside or above the sheet."""
    if explicit is not None:
        return read_config(explicit)
    folder = Path() if str(workbook) == "-" else workbook.parent
    found = find_config(folder) if folder.exists() else None
    return Config() if found is None else read_config(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """A sheet without errors, with everything that decides its numbers.

    Attributes
    ----------
    studies : Studies
        The sheet.
    model : Model
        What is fitted, in every analysis.
    policy : Policy
        What a row is worth.
    config : Config
        The configuration file beside the sheet.
    coded : Effects
        One effect per row that is used, with the ledger.
    effects : Effects
        What is pooled: `coded`, or one effect per study where the model asks for it.
    aggregation_rho : float or None
        Correlation with which effects were averaged within studies; None when they were not.
    """

    studies: Studies = field(repr=False)
    model: Model
    policy: Policy
    config: Config = field(default_factory=Config, repr=False)
    coded: Effects = field(repr=False)
    effects: Effects = field(repr=False)
    aggregation_rho: float | None = None

    @classmethod
    def read(
        cls,
        workbook: str | Path,
        *,
        sheet: str | None = None,
        config: str | Path | None = None,
        **settings: Any,
    ) -> Self:
        """Read a sheet and convert its rows.

        Parameters
        ----------
        workbook : path
            The sheet, or "-" for standard input.
        sheet : str, optional
            Name of the sheet.
        config : path, optional
            Configuration; by default the nearest ``metaalliance.toml`` beside or above the sheet.
        **settings
            Settings of `Model` and of `Policy` by name; they go over those of the configuration. A
            whole `Model` as `model`, or a whole `Policy` as `policy`, stands for all of its own.

        Raises
        ------
        StudyDataError
            When the sheet has errors; it carries every problem.
        OptionError
            For a setting that does not exist, or a value that it does not have.
        """
        whole = settings.pop("policy", None)
        known = [s.name for kind in (Policy, Model) for s in settings_in(kind)]
        unknown = [name for name in settings if name not in known]
        if unknown:
            raise OptionError(f"There is no setting {unknown[0]!r}; there are {', '.join(known)}.")
        path = Path(workbook)
        found = config_for(path, None if config is None else Path(config))
        model, policy = _model(settings, found), _policy(whole, settings, found)
        studies = read(path, policy, found, sheet)
        if studies.errors:
            raise StudyDataError(
                f"{studies.file} has {count_text(len(studies.errors), 'error')}; nothing is "
                "pooled.",
                studies.problems,
            )
        return cls.of(studies, model, policy, found)

    @classmethod
    def of(
        cls, studies: Studies, model: Model, policy: Policy, config: Config | None = None
    ) -> Self:
        """Convert the rows of a sheet that was read already."""
        coded = coded_effects(studies, policy)
        rho = averaging_rho(coded, model)
        return cls(
            studies=studies,
            model=model,
            policy=policy,
            config=config or Config(),
            coded=coded,
            effects=coded if rho is None else aggregate(coded, rho),
            aggregation_rho=rho,
        )

    @property
    def fitted(self) -> Model:
        """What is fitted to `effects`: the model without a rho that averaging has used up."""
        return self.model if self.aggregation_rho is None else replace(self.model, rho=None)

    @property
    def recorded(self) -> dict[str, Any]:
        """Settings beside those of the model, as documents print them."""
        content: dict[str, Any] = {
            "nonsignificant": self.studies.nonsignificant,
            "beta": self.studies.beta,
            "config": self.studies.config,
        }
        if self.studies.reading.yi_measure is not None:
            content["yi_measure"] = self.studies.reading.yi_measure
        if self.policy.estimand is not None:
            content["estimand"] = self.policy.estimand
        if self.studies.sized:
            content["variances"] = self.policy.variances
        if self.aggregation_rho is not None:
            content["aggregation_rho"] = self.aggregation_rho
        if self.policy.attenuation != "none":
            content |= self.policy.correction
        if self.policy.overlap != "full":
            content["overlap"] = self.policy.overlap
        return content

    def settings(self) -> dict[str, Any]:
        """Return every setting by its name, from which `restored` makes the analysis again."""
        return {**self.policy.to_record(), **self.model.to_record()}

    @cached_property
    def chosen(self) -> Specification:
        """`fitted` with nothing left to choose; its `asked` is `fitted`."""
        found = self.fitted.resolved(dependent=self.effects.dependent())
        refuse_unused_rho(self.fitted, found.kind)
        return found

    def check_structure(self) -> None:
        """Refuse levels that the effects do not have, as `pool` does, before parts are fitted.

        Raises
        ------
        OptionError, EstimationError
            Of the pooled mean.
        """
        if self.model.columns:
            _ = self.fit

    @cached_property
    def fit(self) -> PooledFit:
        """The pooled mean; what its reader has to know stands in its notices."""
        with quiet():
            fit = fit_mean(self.effects, self.chosen)
        averaged = self.aggregation_rho is not None
        return replace(fit, notices=fit.notices + samples_notice(self.coded)) if averaged else fit

    def pool(self) -> PooledFit:
        """Pool the effects."""
        return self.fit

    def moderators(
        self, by: str | Sequence[str] = "modality", **options: Unpack[TableOptions]
    ) -> ModeratorTable:
        """Test moderators one at a time with the model of this analysis.

        Parameters
        ----------
        by : str or sequence of str
            Columns: text gives levels, numbers give slopes.
        **options
            Of `moderator_table`: common_set, scale, centre, reference, min_studies,
            separate_tau2, compare, sesoi, tests, components, replications, seed.

        Returns
        -------
        ModeratorTable
            The result of one column is ``table[column]``; its `levels` are those of every
            table, figure and document of this analysis.
        """
        from metaalliance.moderation.table import moderator_table

        names = (by,) if isinstance(by, str) else by
        self.check_structure()
        return moderator_table(self.effects, names, model=self.chosen.asked, **options)

    def bias(
        self,
        *,
        steps: Sequence[float] = (0.025,),
        alternative: Alternative = "auto",
        aggregation_rho: float | None = None,
        smallest_p: float = SMALLEST_P,
        selection: SelectionAsked | None = None,
        average: Average = "none",
    ) -> BiasSummary:
        """Apply every method for publication bias to the pooled result; see `bias_summary`."""
        from metaalliance.publication_bias.summary import bias_summary

        return bias_summary(
            self.fit,
            steps=steps,
            alternative=alternative,
            aggregation_rho=aggregation_rho,
            smallest_p=smallest_p,
            selection=selection,
            average=average,
        )

    def multiverse(
        self,
        grid: Mapping[str, Any] | None = None,
        *,
        jobs: Jobs = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Multiverse:
        """Repeat the analysis under every combination of other decisions.

        Parameters
        ----------
        grid : mapping, optional
            Options by decision, as `multiverse` takes them; by default those of the configuration.
        jobs, progress
            As in `multiverse`.
        """
        from metaalliance.robustness.run import multiverse  # brings joblib

        self.check_structure()
        return multiverse(
            self.studies,
            grid=dict(self.config.multiverse) if grid is None else grid,
            model=self.model,
            policy=self.policy,
            jobs=jobs,
            progress=progress,
        )

    def compare(self, other: Self | Studies, *, key: Sequence[str] | None = None) -> Comparison:
        """Compare with a later version of the sheet, by the settings of this analysis.

        Parameters
        ----------
        other : Analysis or Studies
            The later version.
        key : sequence of str, optional
            Columns that identify an effect within its study.
        """
        from metaalliance.robustness.compare import compare  # a plain run does without

        later = other if isinstance(other, Studies) else other.studies
        return compare(self.studies, later, model=self.model, policy=self.policy, key=key)

    def influence(self, **options: Unpack[InfluenceKeywords]) -> InfluenceResults:
        """Leave out every study, diagnose it, look for outliers and cumulate.

        Parameters
        ----------
        **options
            Of `metaalliance.analysis.influence.influence_results`.
        """
        from metaalliance.analysis.influence import influence_results

        return influence_results(self.fit, **options)

    def report(self, content: Content | None = None) -> Evidence:
        """Run the analyses of a report.

        Effects that are known only as not significant are refused: most of its parts need values.

        Parameters
        ----------
        content : Content, optional
            What it contains beside the pooled mean; by default what the configuration says.
        """
        from metaalliance.analysis.report import content_for, gather

        self.coded.refuse_intervals("A report", "most of its parts need a value for each effect")
        return gather(
            content or content_for(self.config.report, self.effects),
            studies=self.studies,
            coded=self.coded,
            fit=self.fit,
            comparison=self.comparison,
            recorded=self.recorded,
            config=self.config,
            multiverse=self.multiverse,
        )

    def record(self) -> dict[str, Any]:
        """Return the record of the pooled result, which `verify` takes."""
        models, notes = self.comparison
        problems = (*self.studies.problems, *self.fit.notices, *notes)
        document = pool_document(self.studies, models, problems, self.recorded, ())
        asked = asked_of(self.model, self.policy)
        return record_of(
            document, POOL_RESULTS, asked, self.studies, self.coded, files={}, options={}
        )

    def cross_check(self) -> CrossCheck:
        """Compute the two-level rows of the comparison again, with PyMARE and statsmodels."""
        from metaalliance.models.cross_check import witness

        return witness(self.comparison[0])

    @cached_property
    def comparison(self) -> tuple[list[NamedFit], list[Problem]]:
        """The pooled mean beside what other customary models say, with notes about them."""
        return compare_all_models(self.fit, *removals(self.fit))


def _model(settings: Mapping[str, Any], config: Config) -> Model:
    """The whole model that was given, or the one of the settings over the configuration."""
    if isinstance(settings.get("model"), Model):  # refuses settings beside it
        names = {s.name for s in settings_in(Model)}
        return Model.of({name: value for name, value in settings.items() if name in names})
    return Model.read(settings, config.pool)


def _policy(whole: Any, settings: Mapping[str, Any], config: Config) -> Policy:
    """The whole policy that was given, or the one of the settings over the configuration."""
    if whole is None:
        return Policy.read(settings, config.pool)
    beside = [s.name for s in settings_in(Policy) if s.name in settings]
    if not isinstance(whole, Policy):
        raise OptionError(f"policy={whole!r} is not a Policy.")
    if beside:
        raise OptionError(f"A Policy has its own settings; {', '.join(beside)} cannot be given.")
    return whole


def coded_effects(studies: Studies, policy: Policy) -> Effects:
    """Convert the rows of a sheet by a policy."""
    return effect_sizes(studies, **policy.conversion)


def read(path: Path, policy: Policy, config: Config, sheet: str | None = None) -> Studies:
    """Read a sheet, with errors or without."""
    return load_studies(path, sheet=sheet, config=config, **policy.reading)
