"""How the mean was pooled, in the words and with the references of its methods."""

from __future__ import annotations

from metaalliance.analysis.evidence import Evidence
from metaalliance.core.variance.tau2 import ESTIMATORS
from metaalliance.models.comparison import NamedFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.publication_bias.comparison import BIAS_ADJUSTED
from metaalliance.report.manuscript.phrases import effects
from metaalliance.report.manuscript.prose import Prose, joined, listed, prose
from metaalliance.wording.estimands import estimand_name
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import agreeing, level_text, studies_text

_TESTS = {
    "wald": "The mean was tested with a normal distribution (Wald-type test and interval).",
    "t": "The mean was tested with a *t* distribution with one degree of freedom fewer than there "
    "are studies.",
    "t satterthwaite": "The mean was tested with a *t* distribution with degrees of freedom after "
    "@satterthwaite1946, from the information of the variance components.",
    "t contain": "The mean was tested with a *t* distribution whose degrees of freedom are the "
    "groups of the random effect with the fewest of them, less one (containment).",
    "knapp-hartung": "The test and confidence interval of the mean use the adjustment of "
    "@knapp2003, which allows for the uncertainty of τ² and refers to a *t* distribution.",
    "knapp-hartung-adhoc": "The test and confidence interval of the mean use the adjustment of "
    "@knapp2003, modified so that the interval is never based on a smaller standard error than "
    "without the adjustment [@rover2015].",
    "cr0": "Standard errors are cluster-robust at the level of studies (CR0) [@hedges2010], with "
    "degrees of freedom after Satterthwaite.",
    "cr1": "Standard errors are cluster-robust at the level of studies [@hedges2010] with the "
    "small-sample factor *m*/(*m* − 1) (CR1), with degrees of freedom after Satterthwaite.",
    "cr1s": "Standard errors are cluster-robust at the level of studies [@hedges2010] with the "
    "small-sample factor *m*(*k* − 1)/((*m* − 1)(*k* − *p*)) (CR1S), with degrees of freedom after "
    "Satterthwaite.",
    "cr2": "Standard errors, tests, and confidence intervals are cluster-robust at the level of "
    "studies with bias-reduced linearisation (CR2) and Satterthwaite degrees of freedom "
    "[@pustejovsky2018; @tipton2015], so that the interval and the test of the mean remain valid "
    "where the assumed dependence is wrong; the measures of heterogeneity still rest on it.",
}
#: Models as sentences call them.
_MODELS = {
    "three-level": "a three-level model",
    "che": "the correlated and hierarchical effects model",
    "two-level": "a two-level random-effects model",
    "common-effect": "a common-effect model",
}
#: Comparisons that need a sentence of their own: which effects are left out, which method.
_OWN_SENTENCE = {
    "outliers removed": "The main analysis was repeated without outliers, which are effects whose "
    "own confidence interval lies wholly outside that of the mean.",
    "influential removed": "It was also repeated without influential studies, as marked by "
    "DFFITS, Cook’s distance, DFBETAS, or their weight [@viechtbauer2010b].",
    BIAS_ADJUSTED: "The bias-adjusted mean is that of {method} [@stanley2014], {how}.",
}


def model_words(kind: str) -> str:
    """Return a model in words.

    Examples
    --------
    >>> model_words("che")
    'the correlated and hierarchical effects model'
    """
    return _MODELS.get(kind, kind)


def model_methods(evidence: Evidence) -> list[Prose]:
    """Return the paragraphs: model, inference, heterogeneity, other models."""
    fit = evidence.fit
    ruled = fit.test == "t" and fit.specification.multilevel
    test = prose(_TESTS.get(f"t {fit.specification.df}" if ruled else fit.test, ""))
    paragraphs = [
        _estimand(fit) + _model(evidence) + _estimator(fit) + test,
        _heterogeneity(fit),
        _comparison(evidence),
    ]
    return [text for text in paragraphs if text]


def _estimand(fit: PooledFit) -> Prose:
    """Say which question the effects answer where it is not the total association."""
    name = estimand_name(fit.effects.frame.get("estimand", ()))
    return prose(f"All effects are associations {name}.") if name else Prose()


def _structure(fit: PooledFit) -> Prose:
    """Return the levels and correlations beside those of studies and effects."""
    model = fit.specification
    levels = [
        *(f"{column} within studies" for column in model.within),
        *(f"{column}, which holds studies" for column in model.above),
        *([f"{model.crossed}, which studies share"] if model.crossed else []),
    ]
    text = Prose()
    if levels:
        text = prose("There are further random effects for {levels}.", levels=listed(levels))
    if model.rho_same is not None:
        text = text + prose(
            "Sampling errors that also share {same} correlate at an assumed ρ = {rho}.",
            same=model.same,
            rho=number(model.rho_same, 2, correlation=True),
        )
    return text


def _model(evidence: Evidence) -> Prose:
    fit = evidence.fit
    averaged = Prose()
    if evidence.aggregation_rho is not None:
        averaged = prose(
            "The {n} were first averaged within studies, with a variance that assumes a "
            "correlation of {rho} between their sampling errors [@borenstein2009].",
            n=effects(evidence.coded.n_effects),
            rho=number(evidence.aggregation_rho, 2, correlation=True),
        ) + (_samples(evidence) + _overlap(evidence))
    if fit.model == "che":
        return prose(
            "Because {several} contributed more than one effect, effects were pooled with the "
            "correlated and hierarchical effects model [@pustejovsky2022], which has random "
            "effects for studies and for effects within studies, and sampling errors that "
            "correlate at an assumed {rho} within a study.",
            several=_several(evidence),
            rho=_assumed(fit.settings()["rho"]),
        ) + (_samples(evidence) + _overlap(evidence) + _structure(fit))
    if fit.model == "three-level":
        return prose(
            "Because {several} contributed more than one effect, effects were pooled with a "
            "three-level model [@vandennoortgate2013], which has random effects for studies and "
            "for effects within studies. It takes the sampling errors of effects of one study as "
            "independent.",
            several=_several(evidence),
        ) + _structure(fit)
    if fit.model == "common-effect":
        return averaged + prose(
            "Effects were pooled with the common-effect model, which assumes one true effect "
            "behind all studies [@hedges1985]."
        )
    return averaged + prose(
        "Effects were pooled with a random-effects model [@higgins2009], in which true effects "
        "vary between studies."
    )


def _samples(evidence: Evidence) -> Prose:
    """Say whose sampling errors are independent where studies have several samples."""
    count = evidence.coded.studies_with_samples
    if not count:
        return Prose()
    return prose(
        "In {several} with several independent samples, sampling errors of effects of different "
        "samples are independent.",
        several=agreeing(count, "the one study", f"the {studies_text(count)}"),
    )


def _overlap(evidence: Evidence) -> Prose:
    """Say what effects of one sample with different n share."""
    if evidence.coded.overlap == "full":
        return Prose()
    return prose(
        "Where effects of one sample differ in *n*, the smaller group was taken to lie within the "
        "larger one: ρ was multiplied by the square root of the smaller *n* over the larger."
    )


def _several(evidence: Evidence) -> str:
    """How many studies have more than one effect."""
    sizes = evidence.sizes()
    n = int((sizes > 1).sum())
    return f"{n:,} of {studies_text(len(sizes))}"


def _estimator(fit: PooledFit) -> Prose:
    name = str(fit.settings().get("tau2", ""))
    if name not in ESTIMATORS or fit.model == "common-effect":
        return Prose()
    what = "The variance components were" if fit.model in {"che", "three-level"} else "τ² was"
    return prose(f"{what} estimated by {ESTIMATORS[name].words}.")


def _heterogeneity(fit: PooledFit) -> Prose:
    """Measures of heterogeneity, as far as the model has them."""
    if fit.Q_df < 1:
        return Prose()
    parts = [prose("Homogeneity was tested with Cochran’s *Q* [@cochran1954].")]
    if fit.model == "common-effect":
        parts.append(prose("*I*² was computed from *Q* [@higgins2002]."))
        return joined(parts)
    profile = "profile likelihood" if fit.model in {"che", "three-level"} else "*Q*-profile method"
    cite = "@hardy1996" if fit.model in {"che", "three-level"} else "@viechtbauer2007"
    parts.append(
        prose(
            "Heterogeneity is described by τ, the standard deviation of the true effects, with a "
            f"{{level}} confidence interval from the {profile} [{cite}], by *I*², the share of "
            "true variance in the total [@higgins2002], and relative to the mean by CVH and M "
            "[@yang2025], whose intervals are those of τ² at the estimated mean.",
            level=level_text(fit.level),
        )
    )
    return joined([*parts, _prediction(fit)])


def _prediction(fit: PooledFit) -> Prose:
    shape = {
        "t": "a *t* distribution with the degrees of freedom of the test of the mean",
        "normal": "a normal distribution",
        "riley": "a *t* distribution with *k* − 2 degrees of freedom",
        "simple": "a normal distribution without the uncertainty of the mean",
    }[fit.prediction]
    if fit.prediction == "t" and fit.test == "wald":
        shape = "a *t* distribution"
    return prose(
        "A {level} prediction interval gives the range in which the true effect of a comparable "
        f"new study is expected [@riley2011], from {shape}.",
        level=level_text(fit.level),
    )


def _comparison(evidence: Evidence) -> Prose:
    """The models beside the main one."""
    names = [row.name for row in evidence.models[1:]]
    if not names:
        return Prose()
    phrases = {
        "aggregated": f"one averaged effect per study ({_rho(evidence)}two-level model)",
        "lowest per study": "the lowest effect of each study",
        "highest per study": "the highest effect of each study",
        "three-level": "a three-level model without correlated sampling errors",
    }
    shown = [phrases.get(name) or model_words(name) for name in names if name not in _OWN_SENTENCE]
    removed = joined(_own_sentence(row) for row in evidence.models[1:] if row.name in _OWN_SENTENCE)
    if not shown:
        return removed
    text = shown[0] if len(shown) == 1 else f"{'; '.join(shown[:-1])}; and {shown[-1]}"
    return (
        prose(
            "For comparison, the effects were also pooled in {other}: {models}.",
            other=agreeing(len(shown), "another way", "other ways"),
            models=text,
        )
        + removed
    )


def _assumed(rho: float | str) -> str:
    """The correlation of sampling errors, or where each study has its own."""
    if isinstance(rho, str):
        return f"ρ (by study, column {rho})"
    return f"ρ = {number(rho, 2, correlation=True)}"


def _rho(evidence: Evidence) -> str:
    """The correlation with which effects of a study were averaged for a row."""
    used = next((row.aggregation_rho for row in evidence.models if row.aggregation_rho), None)
    return "" if used is None else f"ρ = {number(used, 2, correlation=True)}; "


def _own_sentence(row: NamedFit) -> Prose:
    """The sentence of a row that has one; a row adjusted for bias names its method."""
    used = row.fit.settings().get("regression", row.fit.model)
    classical = "by classical weighted least squares, as its authors define it"
    how = classical if used == "classical" else f"in {model_words(used)}"
    if "effective n" in row.fit.settings().get("predictor", ""):
        how += ", with the effective *n* for the size of studies"
    return prose(_OWN_SENTENCE[row.name], method=row.fit.model, how=prose(how))
