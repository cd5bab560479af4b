"""Meta-analysis of therapeutic alliance-outcome correlations.

Everything public is a name of this module; it is imported when it is first used, so that
``import metaalliance`` and ``metaalliance --help`` cost next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaalliance.public_names import make_lazy

if TYPE_CHECKING:
    from metaalliance import plots
    from metaalliance.bias.beta_selection import BetaSelectionModel, beta_selection_model
    from metaalliance.bias.egger import Egger, egger
    from metaalliance.bias.excess_significance import ExcessSignificance, excess_significance
    from metaalliance.bias.fail_safe import FailSafeN, fail_safe_n
    from metaalliance.bias.limit_meta import LimitMeta, limit_meta
    from metaalliance.bias.p_uniform import PUniform, p_uniform
    from metaalliance.bias.pet_peese import PetPeese, pet_peese
    from metaalliance.bias.rank_test import RankTest, rank_test
    from metaalliance.bias.selection import SelectionModel, selection_model
    from metaalliance.bias.summary import BiasSummary, bias_summary
    from metaalliance.bias.trim_and_fill import TrimAndFill, trim_and_fill
    from metaalliance.effects.aggregate import aggregate
    from metaalliance.effects.convert import effect_sizes
    from metaalliance.effects.correlated import CorrelatedEffects, correlated_effects
    from metaalliance.effects.effects import Effects
    from metaalliance.errors import (
        ConvergenceError,
        EstimationError,
        MetaAllianceError,
        MetaAllianceWarning,
        OptionError,
        StudyDataError,
        UnreadableFileError,
    )
    from metaalliance.influence.baujat import Baujat, baujat
    from metaalliance.influence.cumulative import Cumulative, cumulative
    from metaalliance.influence.diagnostics import Influence, influence
    from metaalliance.influence.gosh import Gosh, gosh
    from metaalliance.influence.leave_one_out import LeaveOneOut, leave_one_out
    from metaalliance.influence.leave_one_out_regression import RegressionLeaveOneOut
    from metaalliance.influence.outliers import Outliers, outliers
    from metaalliance.models.bayes import BayesianFit, bayes
    from metaalliance.models.bootstrap_i2 import I2Bootstrap, bootstrap_i2
    from metaalliance.models.fits import CommonEffectFit, TwoLevelFit
    from metaalliance.models.henmi_copas import HenmiCopasFit, henmi_copas
    from metaalliance.models.multilevel_fit import MultilevelFit
    from metaalliance.models.permutation import PermutationResult, permutation_test
    from metaalliance.models.pool import pool
    from metaalliance.models.psychometric import PsychometricResult, psychometric
    from metaalliance.models.rve import RveResult, rve
    from metaalliance.moderators.categorical import moderators
    from metaalliance.moderators.confounding import Confounding, confounding
    from metaalliance.moderators.contrasts import contrasts, marginal_means, simple_slopes
    from metaalliance.moderators.decomposition import WithinBetween, within_between
    from metaalliance.moderators.location_scale import LocationScale, location_scale
    from metaalliance.moderators.meta_regression import MetaRegression, meta_regression
    from metaalliance.moderators.model_set import ModelSet, model_set
    from metaalliance.moderators.result import ModeratorTest
    from metaalliance.moderators.table import ModeratorTable, moderator_table
    from metaalliance.multiverse.compare import compare
    from metaalliance.multiverse.comparison import Comparison
    from metaalliance.multiverse.power import power_contrast, power_egger, power_mean
    from metaalliance.multiverse.power_results import Power
    from metaalliance.multiverse.precision import Precision, precision
    from metaalliance.multiverse.results import Multiverse
    from metaalliance.multiverse.run import multiverse
    from metaalliance.problems import Problem
    from metaalliance.sheet.studies import Studies, load_studies, read_studies

__version__ = "0.1.0"

_SUBPACKAGES = ("plots",)
_HOMES = {
    "Baujat": "metaalliance.influence.baujat",
    "BayesianFit": "metaalliance.models.bayes",
    "BetaSelectionModel": "metaalliance.bias.beta_selection",
    "BiasSummary": "metaalliance.bias.summary",
    "CommonEffectFit": "metaalliance.models.fits",
    "Comparison": "metaalliance.multiverse.comparison",
    "Confounding": "metaalliance.moderators.confounding",
    "ConvergenceError": "metaalliance.errors",
    "CorrelatedEffects": "metaalliance.effects.correlated",
    "Cumulative": "metaalliance.influence.cumulative",
    "Effects": "metaalliance.effects.effects",
    "Egger": "metaalliance.bias.egger",
    "EstimationError": "metaalliance.errors",
    "ExcessSignificance": "metaalliance.bias.excess_significance",
    "FailSafeN": "metaalliance.bias.fail_safe",
    "Gosh": "metaalliance.influence.gosh",
    "HenmiCopasFit": "metaalliance.models.henmi_copas",
    "I2Bootstrap": "metaalliance.models.bootstrap_i2",
    "Influence": "metaalliance.influence.diagnostics",
    "LeaveOneOut": "metaalliance.influence.leave_one_out",
    "LimitMeta": "metaalliance.bias.limit_meta",
    "LocationScale": "metaalliance.moderators.location_scale",
    "MetaAllianceError": "metaalliance.errors",
    "MetaAllianceWarning": "metaalliance.errors",
    "MetaRegression": "metaalliance.moderators.meta_regression",
    "ModelSet": "metaalliance.moderators.model_set",
    "ModeratorTable": "metaalliance.moderators.table",
    "ModeratorTest": "metaalliance.moderators.result",
    "MultilevelFit": "metaalliance.models.multilevel_fit",
    "Multiverse": "metaalliance.multiverse.results",
    "OptionError": "metaalliance.errors",
    "Outliers": "metaalliance.influence.outliers",
    "PUniform": "metaalliance.bias.p_uniform",
    "PermutationResult": "metaalliance.models.permutation",
    "PetPeese": "metaalliance.bias.pet_peese",
    "Power": "metaalliance.multiverse.power_results",
    "Precision": "metaalliance.multiverse.precision",
    "Problem": "metaalliance.problems",
    "PsychometricResult": "metaalliance.models.psychometric",
    "RankTest": "metaalliance.bias.rank_test",
    "RegressionLeaveOneOut": "metaalliance.influence.leave_one_out_regression",
    "RveResult": "metaalliance.models.rve",
    "SelectionModel": "metaalliance.bias.selection",
    "Studies": "metaalliance.sheet.studies",
    "StudyDataError": "metaalliance.errors",
    "TrimAndFill": "metaalliance.bias.trim_and_fill",
    "TwoLevelFit": "metaalliance.models.fits",
    "UnreadableFileError": "metaalliance.errors",
    "WithinBetween": "metaalliance.moderators.decomposition",
    "aggregate": "metaalliance.effects.aggregate",
    "baujat": "metaalliance.influence.baujat",
    "bayes": "metaalliance.models.bayes",
    "beta_selection_model": "metaalliance.bias.beta_selection",
    "bias_summary": "metaalliance.bias.summary",
    "bootstrap_i2": "metaalliance.models.bootstrap_i2",
    "compare": "metaalliance.multiverse.compare",
    "confounding": "metaalliance.moderators.confounding",
    "contrasts": "metaalliance.moderators.contrasts",
    "correlated_effects": "metaalliance.effects.correlated",
    "cumulative": "metaalliance.influence.cumulative",
    "effect_sizes": "metaalliance.effects.convert",
    "egger": "metaalliance.bias.egger",
    "excess_significance": "metaalliance.bias.excess_significance",
    "fail_safe_n": "metaalliance.bias.fail_safe",
    "gosh": "metaalliance.influence.gosh",
    "henmi_copas": "metaalliance.models.henmi_copas",
    "influence": "metaalliance.influence.diagnostics",
    "leave_one_out": "metaalliance.influence.leave_one_out",
    "limit_meta": "metaalliance.bias.limit_meta",
    "load_studies": "metaalliance.sheet.studies",
    "location_scale": "metaalliance.moderators.location_scale",
    "marginal_means": "metaalliance.moderators.contrasts",
    "meta_regression": "metaalliance.moderators.meta_regression",
    "model_set": "metaalliance.moderators.model_set",
    "moderator_table": "metaalliance.moderators.table",
    "moderators": "metaalliance.moderators.categorical",
    "multiverse": "metaalliance.multiverse.run",
    "outliers": "metaalliance.influence.outliers",
    "p_uniform": "metaalliance.bias.p_uniform",
    "permutation_test": "metaalliance.models.permutation",
    "pet_peese": "metaalliance.bias.pet_peese",
    "pool": "metaalliance.models.pool",
    "power_contrast": "metaalliance.multiverse.power",
    "power_egger": "metaalliance.multiverse.power",
    "power_mean": "metaalliance.multiverse.power",
    "precision": "metaalliance.multiverse.precision",
    "psychometric": "metaalliance.models.psychometric",
    "rank_test": "metaalliance.bias.rank_test",
    "read_studies": "metaalliance.sheet.studies",
    "rve": "metaalliance.models.rve",
    "selection_model": "metaalliance.bias.selection",
    "simple_slopes": "metaalliance.moderators.contrasts",
    "trim_and_fill": "metaalliance.bias.trim_and_fill",
    "within_between": "metaalliance.moderators.decomposition",
}

__all__ = [
    "Baujat",
    "BayesianFit",
    "BetaSelectionModel",
    "BiasSummary",
    "CommonEffectFit",
    "Comparison",
    "Confounding",
    "ConvergenceError",
    "CorrelatedEffects",
    "Cumulative",
    "Effects",
    "Egger",
    "EstimationError",
    "ExcessSignificance",
    "FailSafeN",
    "Gosh",
    "HenmiCopasFit",
    "I2Bootstrap",
    "Influence",
    "LeaveOneOut",
    "LimitMeta",
    "LocationScale",
    "MetaAllianceError",
    "MetaAllianceWarning",
    "MetaRegression",
    "ModelSet",
    "ModeratorTable",
    "ModeratorTest",
    "MultilevelFit",
    "Multiverse",
    "OptionError",
    "Outliers",
    "PUniform",
    "PermutationResult",
    "PetPeese",
    "Power",
    "Precision",
    "Problem",
    "PsychometricResult",
    "RankTest",
    "RegressionLeaveOneOut",
    "RveResult",
    "SelectionModel",
    "Studies",
    "StudyDataError",
    "TrimAndFill",
    "TwoLevelFit",
    "UnreadableFileError",
    "WithinBetween",
    "aggregate",
    "baujat",
    "bayes",
    "beta_selection_model",
    "bias_summary",
    "bootstrap_i2",
    "compare",
    "confounding",
    "contrasts",
    "correlated_effects",
    "cumulative",
    "effect_sizes",
    "egger",
    "excess_significance",
    "fail_safe_n",
    "gosh",
    "henmi_copas",
    "influence",
    "leave_one_out",
    "limit_meta",
    "load_studies",
    "location_scale",
    "marginal_means",
    "meta_regression",
    "model_set",
    "moderator_table",
    "moderators",
    "multiverse",
    "outliers",
    "p_uniform",
    "permutation_test",
    "pet_peese",
    "plots",
    "pool",
    "power_contrast",
    "power_egger",
    "power_mean",
    "precision",
    "psychometric",
    "rank_test",
    "read_studies",
    "rve",
    "selection_model",
    "simple_slopes",
    "trim_and_fill",
    "within_between",
]

make_lazy(__name__)
