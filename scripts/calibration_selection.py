"""What is calibrated under selective reporting: methods for publication bias of dependent effects.

Reviews are drawn as in `calibration_cells.py`, and a part of their results is not reported: by
effects, where each effect whose one-sided p is above .025 is seen with some chance; or by studies,
where that is so of a whole study by its first effect, its main result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from calibration_cells import ASSUMED_RHO, BOOTSTRAP, Draw, Found, Review, Row, _drawn
from scipy.stats import norm

import metaalliance as ma
from metaalliance.core.inference.bootstrap_intervals import bootstrap_limits
from metaalliance.core.selection.bootstrap import bootstrap_selection, without_each_study
from metaalliance.core.selection.fit import maximise_selection
from metaalliance.core.selection.steps import StepWeights
from metaalliance.errors import MetaAllianceError

MEANS = (0.0, 0.28)
#: Chance with which a result that is not significant is seen.
CHANCES = {"no": 1.0, "mild": 0.5, "strong": 0.1}
#: Reviews in which penalties are compared, where the mean is zero.
PENALISED = (("no", ""), ("mild", "effects"))
UNADJUSTED, PET_PEESE = "unadjusted (CHE, CR2)", "PET-PEESE (CHE, CR2)"
INTERVALS = ("percentile", "basic", "studentised", "bca")


@dataclass(frozen=True, kw_only=True)
class Selected(Review):
    """A review of which a part is not reported.

    Attributes
    ----------
    strength : {"no", "mild", "strong"}
    by : {"", "effects", "studies"}
        What is reported or not.
    drawn : int
        Studies that are drawn for each that is wanted.
    """

    strength: str
    by: str = ""
    drawn: int = 12


def draw_selected(review: Selected, studies: int, rng: np.random.Generator) -> Draw:
    """Draw the effects of the first so many studies of which something is seen."""
    many = 1 if review.strength == "no" else review.drawn
    whole = _drawn(review, many * studies, rng)
    study = whole.study
    significant = whole.effects.yi / np.sqrt(whole.effects.vi) > norm.ppf(0.975)
    seen = significant | (rng.random(study.size) < review.reported)
    if review.by == "studies":
        first = np.diff(study, prepend=-1) > 0
        seen = seen[first][study]
    if many > 1:
        seen &= study <= np.unique(study[seen])[studies - 1]
    codes = np.unique(study[seen], return_inverse=True)[1]
    return Draw(review, whole.effects.subset(seen), codes, rng)


# What is computed from one draw ------------------------------------------------------------------

ASKED = {"model": "che", "rho": ASSUMED_RHO}


def _told(name: str, mean: float, estimate: float, low: float, high: float) -> Found:
    """Error of an estimate, and whether its interval holds the mean and leaves out zero."""
    return {
        f"{name}: error": float(estimate - mean),
        f"{name}: covers": bool(low <= mean <= high),
        f"{name}: rejects": bool(low > 0 or high < 0),
    }


def _attempt(name: str, found: Callable[[], Found], more: tuple[str, ...] = ()) -> Found:
    """What a method says; nothing where it refuses."""
    try:
        return found()
    except MetaAllianceError:
        return dict.fromkeys(f"{name}: {what}" for what in ("covers", "rejects", *more))


def _selection(name: str, drawn: Draw, fit: Callable[..., object], **options: object) -> Found:
    def found() -> Found:
        model = fit(drawn.effects, alternative="greater", **ASKED, **options)
        term = model.adjusted()
        told = _told(name, drawn.review.mean, term.estimate, term.ci_low, term.ci_high)
        return {**told, f"{name}: finds selection": bool(model.test_p_value < 0.05)}

    return _attempt(name, found, ("finds selection",))


def methods(drawn: Draw) -> Found:
    """Every method with its own errors."""
    mean, effects = drawn.review.mean, drawn.effects

    def pooled() -> Found:
        fit = ma.pool(effects, **ASKED)
        return _told(UNADJUSTED, mean, fit.estimate, fit.ci_low, fit.ci_high)

    def regression() -> Found:
        term = ma.pet_peese(effects, **ASKED).adjusted()
        return _told(PET_PEESE, mean, term.estimate, term.ci_low, term.ci_high)

    found = {**_attempt(UNADJUSTED, pooled), **_attempt(PET_PEESE, regression)}
    compared = mean == 0 and (drawn.review.strength, drawn.review.by) in PENALISED
    for penalty, ending in (("none", ""), *((("weak", ", penalised"),) if compared else ())):
        own = {"penalty": penalty, "bootstrap": "none"}
        found |= _selection(f"step .025{ending}", drawn, ma.selection_model, **own)
        found |= _selection(f"beta{ending}", drawn, ma.beta_selection_model, **own)
    return found


def resampled(drawn: Draw) -> Found:
    """The step model by a two-stage bootstrap with percentile limits."""
    seed = int(drawn.rng.integers(2**31))
    own = {"bootstrap": "two-stage", "replications": BOOTSTRAP, "seed": seed}
    found = _selection("step .025, bootstrap", drawn, ma.selection_model, **own)
    return {k: v for k, v in found.items() if k.endswith(("covers", "rejects"))}


def resampled_beta(drawn: Draw) -> Found:
    """The beta model so, penalised or not."""
    seed, found = int(drawn.rng.integers(2**31)), {}
    for penalty, ending in (("none", ""), ("weak", ", penalised")):
        own = {"bootstrap": "two-stage", "replications": BOOTSTRAP, "seed": seed}
        name = f"beta{ending}, bootstrap"
        found |= _selection(name, drawn, ma.beta_selection_model, penalty=penalty, **own)
    return {k: v for k, v in found.items() if k.endswith(("covers", "rejects"))}


def kinds(drawn: Draw) -> Found:
    """The step model by each bootstrap with each kind of limits."""
    effects, codes = drawn.effects, drawn.study.astype(np.intp)
    seed, found = int(drawn.rng.integers(2**31)), {}
    steps = np.array([0.025])
    try:
        top = maximise_selection(
            effects.yi, effects.vi, np.ones((codes.size, 1)),
            lambda y, v: StepWeights.build(y, v, steps, "greater"),
        )  # fmt: skip
        own = np.sqrt(np.diag(top.sandwich(codes, int(codes.max()) + 1)))[:1]
        left_out = without_each_study(top, codes)[:, :1]
    except MetaAllianceError:
        return {f"{b}, {i}: covers": None for b in BOOTSTRAPS for i in INTERVALS}
    for bootstrap in BOOTSTRAPS:
        drawn_again = bootstrap_selection(top, codes, bootstrap, BOOTSTRAP, seed, errors=True)
        for interval in INTERVALS:
            low, high = bootstrap_limits(
                interval, top.theta[:1], drawn_again.theta[:, :1], 0.95, errors=own,
                replicate_errors=np.sqrt(drawn_again.covariance[:, :1, 0]), left_out=left_out,
            )[:, 0]  # fmt: skip
            found[f"{bootstrap}, {interval}: covers"] = bool(low <= drawn.review.mean <= high)
    return found


BOOTSTRAPS = ("two-stage", "multinomial", "exponential")


# The cells ---------------------------------------------------------------------------------------


def reviews() -> Iterator[Selected]:
    """Yield every mean with no, mild and strong selection of effects and of studies."""
    for mean in MEANS:
        for strength, chance in CHANCES.items():
            for by in ("effects", "studies") if strength != "no" else ("",):
                text = f"{strength} selection{f' of {by}' if by else ''}, mean z {mean:g}"
                yield Selected(text=text, mean=mean, reported=chance, strength=strength, by=by)


_COMPUTED = {
    "bias-methods": methods,
    "bias-bootstrap": resampled,
    "bias-beta": resampled_beta,
    "bias-kinds": kinds,
}


def cell_row(what: str, review: Selected) -> Row:
    """Return the row of cells of one kind of review."""
    by = [review.by] if review.by else []
    key = "_".join([what, review.strength, *by, f"{100 * review.mean:.0f}"])
    return Row(key=key, review=review, compute=_COMPUTED[what], nominal=0.95, least=15,
               drawing=draw_selected)  # fmt: skip


ROWS = tuple(cell_row(what, review) for what in _COMPUTED for review in reviews())
