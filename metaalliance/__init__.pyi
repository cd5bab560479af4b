"""The public names of `metaalliance`: the one list, which the package reads when it is imported."""

from . import plots
from .analysis.analysis import Analysis
from .analysis.verify import Verification, verify
from .diagnostics.baujat import Baujat, baujat
from .diagnostics.cumulative import Cumulative, cumulative
from .diagnostics.diagnostics import Influence, influence
from .diagnostics.gosh import Gosh, gosh
from .diagnostics.leave_one_out import LeaveOneOut, leave_one_out
from .diagnostics.leave_one_out_regression import RegressionLeaveOneOut
from .diagnostics.outliers import Outliers, outliers
from .effects.aggregate import aggregate
from .effects.convert import effect_sizes
from .effects.correlated import CorrelatedEffects, correlated_effects
from .effects.effects import Effects
from .errors import (
    ConvergenceError,
    EstimationError,
    MetaAllianceError,
    MetaAllianceWarning,
    OptionError,
    StudyDataError,
    UnreadableFileError,
)
from .model import Model
from .models.fits import CommonEffectFit, TwoLevelFit
from .models.further.bayes import BayesianFit, bayes
from .models.further.bootstrap_i2 import I2Bootstrap, bootstrap_i2
from .models.further.henmi_copas import HenmiCopasFit, henmi_copas
from .models.further.permutation import PermutationResult, permutation_test
from .models.further.psychometric import PsychometricResult, psychometric
from .models.further.reliability import ReliabilityGeneralization, reliability
from .models.further.rve import RveResult, rve
from .models.further.therapists import TherapistClustering, therapist_clustering
from .models.multilevel_fit import MultilevelFit
from .models.paths.fit import masem
from .models.paths.result import Masem
from .models.pool import pool
from .moderation.categorical import moderators
from .moderation.components.ladder import structure_ladder
from .moderation.components.multivariate import multivariate
from .moderation.components.result import Multivariate
from .moderation.confounding import Confounding, confounding
from .moderation.contrasts import contrasts, marginal_means, simple_slopes
from .moderation.decomposition import WithinBetween, within_between
from .moderation.location_scale import location_scale
from .moderation.meta_regression import MetaRegression, meta_regression
from .moderation.model_set import ModelSet, model_set
from .moderation.result import ModeratorTest
from .moderation.scale.result import LocationScale
from .moderation.table import ModeratorTable, moderator_table
from .policy import Policy
from .problems import Problem
from .publication_bias.beta_selection import BetaSelectionModel, beta_selection_model
from .publication_bias.egger import Egger, egger
from .publication_bias.excess_significance import ExcessSignificance, excess_significance
from .publication_bias.fail_safe import FailSafeN, fail_safe_n
from .publication_bias.limit_meta import LimitMeta, limit_meta
from .publication_bias.p_uniform import PUniform, p_uniform
from .publication_bias.pet_peese import PetPeese, pet_peese
from .publication_bias.rank_test import RankTest, rank_test
from .publication_bias.robma import Robma, robma
from .publication_bias.selection import SelectionModel, selection_model
from .publication_bias.summary import BiasSummary, bias_summary
from .publication_bias.trim_and_fill import TrimAndFill, trim_and_fill
from .robustness.compare import compare
from .robustness.comparison import Comparison
from .robustness.power import power_contrast, power_egger, power_mean
from .robustness.power_results import Power
from .robustness.precision import Precision, precision
from .robustness.results import Multiverse
from .robustness.run import multiverse
from .sheet.imports.imported import Imported, import_sheet
from .sheet.studies import Studies, load_studies, read_studies
from .workers.kept import Kept
from .workers.workers import Workers

__all__ = [
    "Analysis",
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
    "Imported",
    "Influence",
    "Kept",
    "LeaveOneOut",
    "LimitMeta",
    "LocationScale",
    "Masem",
    "MetaAllianceError",
    "MetaAllianceWarning",
    "MetaRegression",
    "Model",
    "ModelSet",
    "ModeratorTable",
    "ModeratorTest",
    "MultilevelFit",
    "Multivariate",
    "Multiverse",
    "OptionError",
    "Outliers",
    "PUniform",
    "PermutationResult",
    "PetPeese",
    "Policy",
    "Power",
    "Precision",
    "Problem",
    "PsychometricResult",
    "RankTest",
    "RegressionLeaveOneOut",
    "ReliabilityGeneralization",
    "Robma",
    "RveResult",
    "SelectionModel",
    "Studies",
    "StudyDataError",
    "TherapistClustering",
    "TrimAndFill",
    "TwoLevelFit",
    "UnreadableFileError",
    "Verification",
    "WithinBetween",
    "Workers",
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
    "import_sheet",
    "influence",
    "leave_one_out",
    "limit_meta",
    "load_studies",
    "location_scale",
    "marginal_means",
    "masem",
    "meta_regression",
    "model_set",
    "moderator_table",
    "moderators",
    "multivariate",
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
    "reliability",
    "robma",
    "rve",
    "selection_model",
    "simple_slopes",
    "structure_ladder",
    "therapist_clustering",
    "trim_and_fill",
    "verify",
    "within_between",
]

__version__: str
