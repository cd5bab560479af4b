"""What is calibrated: reviews that are drawn, what is computed from one, and the table of cells.

To add a cell, add its row to `ROWS`: what it is called, the review it is drawn from, and a function
that computes from one draw whether an interval covers, or a test rejects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm, t

import metaalliance as ma
from metaalliance.core.censoring.likelihood import CensoredData
from metaalliance.core.censoring.maximum import maximise, signed_root
from metaalliance.core.variance.ascent import maximize
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.effects.effects import Effects
from metaalliance.models.regression import regress

STUDIES = (10, 15, 30, 60)
ASSUMED_RHO = 0.6
#: Replications of a bootstrap, and those after which it stops where it cannot reject any more:
#: of so many, more are as large than a p-value of .05 allows of all.
BOOTSTRAP, FIRST = 199, 39
#: Chance with which a result that is not significant is reported without a value.
SILENT = 0.6


@dataclass(frozen=True, kw_only=True)
class Review:
    """A kind of review, on the scale of Fisher's z.

    Attributes
    ----------
    text : str
        What is special about it.
    mean, between, within : float
        True mean, and variances of true effects between and within studies.
    rho : float
        Correlation of the sampling errors of one sample.
    samples : int
        Independent samples of a study, to which its effects belong in turn.
    most : int
        A study has 1 to so many effects.
    unbalanced : bool
        Whether one study has 20 effects, and sizes are skew (12 to 1,500 participants in place of
        30 to 200).
    instrument : float
        Variance between 6 instruments that studies share; 0 for none.
    reported : float
        Chance with which an effect is reported whose one-sided p is above .025.
    """

    text: str
    mean: float = 0.28
    between: float = 0.02
    within: float = 0.01
    rho: float = ASSUMED_RHO
    samples: int = 1
    most: int = 6
    unbalanced: bool = False
    instrument: float = 0.0
    reported: float = 1.0


@dataclass(frozen=True)
class Draw:
    """Effects of one review, the study (k,) of each, and a generator for what else is random."""

    review: Review
    effects: Effects
    study: np.ndarray
    rng: np.random.Generator


def draw(review: Review, studies: int, rng: np.random.Generator) -> Draw:
    """Draw the effects of one review."""
    if review.reported == 1:
        return _drawn(review, studies, rng)
    whole = _drawn(review, 3 * studies, rng)
    z = whole.effects.yi / np.sqrt(whole.effects.vi)
    seen = (z > norm.ppf(0.975)) | (rng.random(z.size) < review.reported)
    seen &= whole.study <= np.unique(whole.study[seen])[studies - 1]
    return Draw(
        review,
        whole.effects.subset(seen),
        np.unique(whole.study[seen], return_inverse=True)[1],
        rng,
    )


def _drawn(review: Review, studies: int, rng: np.random.Generator) -> Draw:
    sizes = rng.integers(1, review.most + 1, studies)
    if review.most > 1:
        sizes[:2] = 2, 3  # the split of tau² has to be identified
    n = rng.integers(30, 201, studies)
    if review.unbalanced:
        sizes[2] = 20
        n = np.exp(rng.normal(4.4, 1.1, studies)).clip(12, 1500).round()
    study = np.repeat(np.arange(studies), sizes)
    k, place = study.size, np.concatenate([np.arange(s) for s in sizes])
    sample = study * review.samples + place % review.samples
    v = (1 / (n - 3))[study]
    instrument = rng.integers(0, 6, studies)[study]
    shared, own = rng.normal(size=studies * review.samples)[sample], rng.normal(size=k)
    true = review.mean + np.sqrt(review.between) * rng.normal(size=studies)[study]
    true = true + np.sqrt(review.within) * rng.normal(size=k)
    true = true + np.sqrt(review.instrument) * rng.normal(size=6)[instrument]
    y = true + np.sqrt(v) * (np.sqrt(review.rho) * shared + np.sqrt(1 - review.rho) * own)
    effects = Effects.from_arrays(
        y, v, study=study, measure="z", sample=None if review.samples == 1 else sample,
        moderators={"instrument": instrument.astype(str)},
    )  # fmt: skip
    return Draw(review, effects, study, rng)


# What is computed from one draw ------------------------------------------------------------------

Found = dict[str, bool | float | None]


def mean(drawn: Draw) -> Found:
    """The mean with CR2, and the prediction interval."""
    fit, review = ma.pool(drawn.effects, model="che", rho=ASSUMED_RHO), drawn.review
    new = review.mean + np.sqrt(review.between + review.within) * drawn.rng.normal()
    return {
        "mean (CR2)": fit.ci_low <= review.mean <= fit.ci_high,
        "prediction interval": fit.pi_low <= new <= fit.pi_high,
    }


def components(drawn: Draw) -> Found:
    """Profile-likelihood intervals of the variance components.

    They hold the values whose profile lies less than half a quantile of chi-squared below the
    maximum, so that one inner maximum says whether they hold the truth.
    """
    fit, review = ma.pool(drawn.effects, model="che", rho=ASSUMED_RHO), drawn.review
    theta, truths = fit.point.theta, np.array([review.between, review.within])
    starts = {
        "study": ([truths[0], theta[1]], {"held": np.array([True, False])}),
        "effect": ([theta[0], truths[1]], {"held": np.array([False, True])}),
        "total": (truths, {"same_total": True}),
    }
    found: Found = {}
    for name, (start, fixed) in starts.items():
        inner = maximize(fit.data, np.array(start), restricted=True, **fixed)
        lost = 2 * (fit.point.log_likelihood - inner.log_likelihood)
        found[f"profile interval of tau² ({name})"] = lost <= chi2.ppf(0.95, 1)
    return found


def crossed(drawn: Draw) -> Found:
    """The mean beside a crossed factor."""
    fit = ma.pool(drawn.effects, model="che", rho=ASSUMED_RHO, crossed="instrument", test="t")
    return {"mean, crossed factor (t)": fit.ci_low <= drawn.review.mean <= fit.ci_high}


def knapp_hartung(drawn: Draw) -> Found:
    """The mean of one effect per study."""
    fit = ma.pool(drawn.effects, model="two-level", test="knapp-hartung")
    return {"mean (two-level, Knapp-Hartung)": fit.ci_low <= drawn.review.mean <= fit.ci_high}


def pet_peese(drawn: Draw) -> Found:
    """PET-PEESE where nothing is selected."""
    found = ma.pet_peese(drawn.effects, model="che", rho=ASSUMED_RHO).adjusted()
    return {"PET-PEESE": found.ci_low <= drawn.review.mean <= found.ci_high}


def egger(drawn: Draw) -> Found:
    """Egger's test where nothing is selected."""
    found = ma.egger(drawn.effects, model="che", rho=ASSUMED_RHO)
    return {"Egger's test (CHE, CR2)": found.p_value < 0.05}


def selection(drawn: Draw) -> Found:
    """The mean of a selection model with one step, by its sandwich and by a bootstrap."""
    asked = {"alternative": "greater", "model": "che", "rho": ASSUMED_RHO}
    seed = int(drawn.rng.integers(2**31))
    fits = {
        "sandwich": ma.selection_model(drawn.effects, bootstrap="none", **asked),
        "two-stage bootstrap": ma.selection_model(
            drawn.effects, bootstrap="two-stage", replications=BOOTSTRAP, seed=seed, **asked
        ),
    }
    mean = drawn.review.mean
    return {
        f"mean, selection model ({name})": bool(fit.ci_low[0] <= mean <= fit.ci_high[0])
        for name, fit in fits.items()
    }


def censored(drawn: Draw) -> Found:
    """The mean where results that are not significant often say only that."""
    y, v, rng = drawn.effects.yi, drawn.effects.vi, drawn.rng
    critical = t.ppf(0.975, 1 / v + 1)
    limit = np.arctanh(critical / np.sqrt(critical**2 + 1 / v + 1))
    silent = (np.abs(y) < limit) & (rng.random(y.size) < SILENT)
    several = drawn.review.most > 1
    blocks = StudyBlocks.from_sorted(drawn.study)
    data = CensoredData(
        np.where(silent, -limit, y), np.where(silent, limit, y), v, np.ones((y.size, 1)),
        blocks, blocks, ASSUMED_RHO if several else 0.0,
    )  # fmt: skip
    best = maximise(data, (True, several))
    held = abs(signed_root(best, 0, drawn.review.mean)) <= norm.ppf(0.975)
    return {"mean, censored likelihood": held}


def _of_levels(drawn: Draw, levels: int):
    """A moderator without effect, constant within studies, and the constraints that test it."""
    studies = int(drawn.study.max()) + 1
    group = drawn.rng.permutation(np.arange(studies) % levels)[drawn.study]
    X = np.column_stack([np.ones(group.size), *(group == g for g in range(1, levels))])
    names = [f"level {g}" for g in range(levels)]
    fit = regress(drawn.effects, X, names, model="che", rho=ASSUMED_RHO)
    return fit, np.eye(levels)[1:]


def htz(levels: int) -> Callable[[Draw], Found]:
    """HTZ of a moderator with so many levels; None where the test has no degrees of freedom."""

    def found(drawn: Draw) -> Found:
        fit, C = _of_levels(drawn, levels)
        p = fit.wald(C).p_value
        return {f"HTZ, {levels} levels": None if np.isnan(p) else p < 0.05}

    return found


def _rejects(bootstrap: Callable[..., object], seed: int, **settings: object) -> bool:
    """Whether the bootstrap rejects at .05; often the first replications show that it cannot."""
    first = bootstrap(replications=FIRST, seed=seed, **settings)
    as_large = round(first.p_value_corrected * (first.replications + 1)) - 1
    if as_large + 1 > 0.05 * (BOOTSTRAP + 1):
        return False
    return bootstrap(replications=BOOTSTRAP, seed=seed, **settings).p_value_corrected <= 0.05


def bootstrap_of_levels(components: str) -> Callable[[Draw], Found]:
    """The wild bootstrap of a moderator with four levels."""

    def found(drawn: Draw) -> Found:
        fit, C = _of_levels(drawn, 4)

        def test(**settings: object) -> object:
            return fit.wild_bootstrap(C, **settings)

        seed = int(drawn.rng.integers(2**31))
        rejected = _rejects(test, seed, components=components)
        return {f"wild bootstrap ({components}), 4 levels": rejected}

    return found


def bootstrap_of_mean(drawn: Draw) -> Found:
    """The wild bootstrap of a mean of zero."""
    fit = ma.pool(drawn.effects, model="che", rho=ASSUMED_RHO)
    seed = int(drawn.rng.integers(2**31))
    return {"wild bootstrap (re-estimated), mean": _rejects(fit.wild_bootstrap, seed)}


# The cells ---------------------------------------------------------------------------------------

USUAL = Review(text="as assumed")
WRONG_RHO = Review(text="sampling errors correlate .3, not .6", rho=0.3)
TWO_SAMPLES = Review(text="two samples per study", samples=2)
UNBALANCED = Review(text="unbalanced sizes", unbalanced=True)
INSTRUMENTS = Review(text="six shared instruments", instrument=0.01)
ONE_EFFECT = Review(text="one effect per study", most=1, between=0.03, within=0.0)
SELECTED = Review(text="of effects with p above .025 half are reported", reported=0.5)
NO_MEAN = Review(text="mean zero", mean=0.0)
NO_MEAN_UNBALANCED = Review(text="mean zero, unbalanced sizes", mean=0.0, unbalanced=True)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Cells that are computed from the same draws: one for each number of studies.

    Attributes
    ----------
    key : str
        Name of its files.
    review : Review
        What is drawn.
    compute : callable
        From one draw, by quantity: whether the interval covers or the test rejects; None where
        there is neither; or the error of an estimate.
    nominal : float
        What the share should be: .95 for intervals, .05 for tests.
    least : int
        Fewest studies for which it is computed.
    drawing : callable
        Draws the effects of one review.
    """

    key: str
    review: Review
    compute: Callable[[Draw], Found]
    nominal: float
    least: int = min(STUDIES)
    drawing: Callable[[Review, int, np.random.Generator], Draw] = draw


ROWS = (
    Row(key="mean", review=USUAL, compute=mean, nominal=0.95),
    Row(key="mean_wrong_rho", review=WRONG_RHO, compute=mean, nominal=0.95),
    Row(key="mean_two_samples", review=TWO_SAMPLES, compute=mean, nominal=0.95),
    Row(key="mean_unbalanced", review=UNBALANCED, compute=mean, nominal=0.95),
    Row(key="crossed", review=INSTRUMENTS, compute=crossed, nominal=0.95),
    Row(key="knapp_hartung", review=ONE_EFFECT, compute=knapp_hartung, nominal=0.95),
    Row(key="components", review=USUAL, compute=components, nominal=0.95),
    Row(key="components_wrong_rho", review=WRONG_RHO, compute=components, nominal=0.95),
    Row(key="pet_peese", review=USUAL, compute=pet_peese, nominal=0.95),
    Row(key="pet_peese_unbalanced", review=UNBALANCED, compute=pet_peese, nominal=0.95),
    Row(key="egger", review=USUAL, compute=egger, nominal=0.05),
    Row(key="selection", review=USUAL, compute=selection, nominal=0.95),
    Row(key="selection_selected", review=SELECTED, compute=selection, nominal=0.95),
    Row(key="censored", review=USUAL, compute=censored, nominal=0.95),
    Row(key="censored_wrong_rho", review=WRONG_RHO, compute=censored, nominal=0.95),
    Row(key="censored_one_effect", review=ONE_EFFECT, compute=censored, nominal=0.95),
    Row(key="htz_4", review=USUAL, compute=htz(4), nominal=0.05),
    Row(key="htz_4_wrong_rho", review=WRONG_RHO, compute=htz(4), nominal=0.05),
    Row(key="htz_4_unbalanced", review=UNBALANCED, compute=htz(4), nominal=0.05),
    Row(key="htz_8", review=USUAL, compute=htz(8), nominal=0.05, least=30),
    Row(key="htz_13", review=USUAL, compute=htz(13), nominal=0.05, least=30),
    Row(key="wild_4", review=USUAL, compute=bootstrap_of_levels("re-estimated"), nominal=0.05),
    Row(key="wild_4_unbalanced", review=UNBALANCED, compute=bootstrap_of_levels("re-estimated"),
        nominal=0.05),
    Row(key="wild_4_held", review=USUAL, compute=bootstrap_of_levels("held"), nominal=0.05),
    Row(key="wild_mean", review=NO_MEAN, compute=bootstrap_of_mean, nominal=0.05),
    Row(key="wild_mean_unbalanced", review=NO_MEAN_UNBALANCED, compute=bootstrap_of_mean,
        nominal=0.05),
)  # fmt: skip
