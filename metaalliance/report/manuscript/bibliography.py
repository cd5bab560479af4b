"""The works that a report cites, as APA text and as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_MOST_AUTHORS = 20  # from 21 authors on APA prints the first 19 and the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One work.

    Attributes
    ----------
    key : str
        By which text cites it.
    authors : tuple of (str, str)
        Family name and initials.
    container : str
        Journal, or publisher of a book.
    volume, issue, pages, doi : str
        As far as known.
    """

    key: str
    authors: tuple[tuple[str, str], ...]
    year: int
    title: str
    container: str
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    kind: Literal["article", "book"] = "article"

    def parenthetical(self) -> str:
        """Return "Knapp & Hartung, 2003"."""
        return f"{self._names('&')}, {self.year}"

    def narrative(self) -> str:
        """Return "Knapp and Hartung (2003)"."""
        return f"{self._names('and')} ({self.year})"

    def _names(self, last: str) -> str:
        names = [family for family, _ in self.authors]
        if len(names) > 2:
            return f"{names[0]} et al."
        return f" {last} ".join(names)

    def sort_key(self) -> tuple[str, int]:
        """Order of a list of references."""
        return "; ".join(f"{f} {i}" for f, i in self.authors).casefold(), self.year

    def apa(self) -> tuple[str, str, str]:
        """Return what stands before, in, and after italics in a list of references."""
        names = [f"{family}, {initials}" for family, initials in self.authors]
        who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, & {names[-1]}"
        if len(names) > _MOST_AUTHORS:
            who = f"{', '.join(names[: _MOST_AUTHORS - 1])}, … {names[-1]}"
        end = f" https://doi.org/{self.doi}" if self.doi else ""
        if self.kind == "book":
            return f"{who} ({self.year}). ", self.title, f". {self.container}.{end}"
        where = f", {self.volume}" if self.volume else ""
        after = f"({self.issue})" if self.issue else ""
        after += f", {self.pages}" if self.pages else ""
        title = self.title if self.title.endswith("?") else f"{self.title}."
        return f"{who} ({self.year}). {title} ", f"{self.container}{where}", f"{after}.{end}"

    def bibtex(self) -> str:
        """Return the entry of a .bib file."""
        journal = self.kind == "article"
        fields = {
            "author": " and ".join(f"{family}, {initials}" for family, initials in self.authors),
            "title": f"{{{self.title}}}",
            "journal" if journal else "publisher": self.container,
            "year": str(self.year),
            "volume": self.volume,
            "number": self.issue,
            "pages": self.pages.replace("–", "--"),
            "doi": self.doi,
        }
        lines = [f"  {k} = {{{_tex(v) if k != 'doi' else v}}}," for k, v in fields.items() if v]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


def bibtex(works: Iterable[Work]) -> str:
    """Return a .bib file."""
    return "\n\n".join(work.bibtex() for work in works) + "\n"


def _tex(text: str) -> str:
    return re.sub(r"(?<!\\)([&%$#_])", r"\\\1", text)


#: key | Family, Initials; ... | year | title | journal (or "book: publisher") | volume(issue)
#: | pages | DOI
_WORKS = """
aloe2012 | Aloe, A. M.; Becker, B. J. | 2012 | An effect size for regression predictors in meta-analysis | Journal of Educational and Behavioral Statistics | 37(2) | 278–297 | 10.3102/1076998610396901
aloe2013 | Aloe, A. M.; Thompson, C. G. | 2013 | The synthesis of partial effect sizes | Journal of the Society for Social Work and Research | 4(4) | 390–405 | 10.5243/jsswr.2013.24
appelbaum2018 | Appelbaum, M.; Cooper, H.; Kline, R. B.; Mayo-Wilson, E.; Nezu, A. M.; Rao, S. M. | 2018 | Journal article reporting standards for quantitative research in psychology: The APA Publications and Communications Board task force report | American Psychologist | 73(1) | 3–25 | 10.1037/amp0000191
baujat2002 | Baujat, B.; Mahé, C.; Pignon, J.-P.; Hill, C. | 2002 | A graphical method for exploring heterogeneity in meta-analyses: Application to a meta-analysis of 65 trials | Statistics in Medicine | 21(18) | 2641–2652 | 10.1002/sim.1221
begg1994 | Begg, C. B.; Mazumdar, M. | 1994 | Operating characteristics of a rank correlation test for publication bias | Biometrics | 50(4) | 1088–1101 | 10.2307/2533446
bell2002 | Bell, R. M.; McCaffrey, D. F. | 2002 | Bias reduction in standard errors for linear regression with multi-stage samples | Survey Methodology | 28(2) | 169–181 |
bonett2000 | Bonett, D. G.; Wright, T. A. | 2000 | Sample size requirements for estimating Pearson, Kendall and Spearman correlations | Psychometrika | 65(1) | 23–28 | 10.1007/BF02294183
borenstein2009 | Borenstein, M.; Hedges, L. V.; Higgins, J. P. T.; Rothstein, H. R. | 2009 | Introduction to meta-analysis | book: Wiley | | |
cochran1954 | Cochran, W. G. | 1954 | The combination of estimates from different experiments | Biometrics | 10(1) | 101–129 | 10.2307/3001666
dersimonian1986 | DerSimonian, R.; Laird, N. | 1986 | Meta-analysis in clinical trials | Controlled Clinical Trials | 7(3) | 177–188 | 10.1016/0197-2456(86)90046-2
duval2000 | Duval, S.; Tweedie, R. | 2000 | Trim and fill: A simple funnel-plot-based method of testing and adjusting for publication bias in meta-analysis | Biometrics | 56(2) | 455–463 | 10.1111/j.0006-341X.2000.00455.x
egger1997 | Egger, M.; Davey Smith, G.; Schneider, M.; Minder, C. | 1997 | Bias in meta-analysis detected by a simple, graphical test | BMJ | 315(7109) | 629–634 | 10.1136/bmj.315.7109.629
fisher1921 | Fisher, R. A. | 1921 | On the "probable error" of a coefficient of correlation deduced from a small sample | Metron | 1 | 3–32 |
hafdahl2009 | Hafdahl, A. R. | 2009 | Improved Fisher z estimators for univariate random-effects meta-analysis of correlations | British Journal of Mathematical and Statistical Psychology | 62(2) | 233–261 |
hardy1996 | Hardy, R. J.; Thompson, S. G. | 1996 | A likelihood approach to meta-analysis with random effects | Statistics in Medicine | 15(6) | 619–629 |
hasselblad1995 | Hasselblad, V.; Hedges, L. V. | 1995 | Meta-analysis of screening and diagnostic tests | Psychological Bulletin | 117(1) | 167–178 | 10.1037/0033-2909.117.1.167
hedges1981 | Hedges, L. V. | 1981 | Distribution theory for Glass's estimator of effect size and related estimators | Journal of Educational Statistics | 6(2) | 107–128 | 10.3102/10769986006002107
hedges1985 | Hedges, L. V.; Olkin, I. | 1985 | Statistical methods for meta-analysis | book: Academic Press | | |
hedges2010 | Hedges, L. V.; Tipton, E.; Johnson, M. C. | 2010 | Robust variance estimation in meta-regression with dependent effect size estimates | Research Synthesis Methods | 1(1) | 39–65 | 10.1002/jrsm.5
henmi2010 | Henmi, M.; Copas, J. B. | 2010 | Confidence intervals for random effects meta-analysis and robustness to publication bias | Statistics in Medicine | 29(29) | 2969–2983 | 10.1002/sim.4029
higgins2002 | Higgins, J. P. T.; Thompson, S. G. | 2002 | Quantifying heterogeneity in a meta-analysis | Statistics in Medicine | 21(11) | 1539–1558 | 10.1002/sim.1186
higgins2009 | Higgins, J. P. T.; Thompson, S. G.; Spiegelhalter, D. J. | 2009 | A re-evaluation of random-effects meta-analysis | Journal of the Royal Statistical Society: Series A | 172(1) | 137–159 | 10.1111/j.1467-985X.2008.00552.x
holm1979 | Holm, S. | 1979 | A simple sequentially rejective multiple test procedure | Scandinavian Journal of Statistics | 6(2) | 65–70 |
hunter2004 | Hunter, J. E.; Schmidt, F. L. | 2004 | Methods of meta-analysis: Correcting error and bias in research findings (2nd ed.) | book: Sage | | |
ioannidis2007 | Ioannidis, J. P. A.; Trikalinos, T. A. | 2007 | An exploratory test for an excess of significant findings | Clinical Trials | 4(3) | 245–253 | 10.1177/1740774507079441
jacobs2017 | Jacobs, P.; Viechtbauer, W. | 2017 | Estimation of the biserial correlation and its sampling variance for use in meta-analysis | Research Synthesis Methods | 8(2) | 161–180 | 10.1002/jrsm.1218
knapp2003 | Knapp, G.; Hartung, J. | 2003 | Improved tests for a random effects meta-regression with a single covariate | Statistics in Medicine | 22(17) | 2693–2710 | 10.1002/sim.1482
morris1983 | Morris, C. N. | 1983 | Parametric empirical Bayes inference: Theory and applications | Journal of the American Statistical Association | 78(381) | 47–55 | 10.1080/01621459.1983.10477920
olkin1958 | Olkin, I.; Pratt, J. W. | 1958 | Unbiased estimation of certain correlation coefficients | The Annals of Mathematical Statistics | 29(1) | 201–211 | 10.1214/aoms/1177706717
olkin2012 | Olkin, I.; Dahabreh, I. J.; Trikalinos, T. A. | 2012 | GOSH: A graphical display of study heterogeneity | Research Synthesis Methods | 3(3) | 214–223 | 10.1002/jrsm.1053
orwin1983 | Orwin, R. G. | 1983 | A fail-safe N for effect size in meta-analysis | Journal of Educational Statistics | 8(2) | 157–159 | 10.3102/10769986008002157
page2021 | Page, M. J.; McKenzie, J. E.; Bossuyt, P. M.; Boutron, I.; Hoffmann, T. C.; Mulrow, C. D.; Shamseer, L.; Tetzlaff, J. M.; Akl, E. A.; Brennan, S. E.; Chou, R.; Glanville, J.; Grimshaw, J. M.; Hróbjartsson, A.; Lalu, M. M.; Li, T.; Loder, E. W.; Mayo-Wilson, E.; McDonald, S.; McGuinness, L. A.; Stewart, L. A.; Thomas, J.; Tricco, A. C.; Welch, V. A.; Whiting, P.; Moher, D. | 2021 | The PRISMA 2020 statement: An updated guideline for reporting systematic reviews | BMJ | 372 | n71 | 10.1136/bmj.n71
paule1982 | Paule, R. C.; Mandel, J. | 1982 | Consensus values and weighting factors | Journal of Research of the National Bureau of Standards | 87(5) | 377–385 | 10.6028/jres.087.022
peters2008 | Peters, J. L.; Sutton, A. J.; Jones, D. R.; Abrams, K. R.; Rushton, L. | 2008 | Contour-enhanced meta-analysis funnel plots help distinguish publication bias from other causes of asymmetry | Journal of Clinical Epidemiology | 61(10) | 991–996 | 10.1016/j.jclinepi.2007.11.010
peterson2005 | Peterson, R. A.; Brown, S. P. | 2005 | On the use of beta coefficients in meta-analysis | Journal of Applied Psychology | 90(1) | 175–181 | 10.1037/0021-9010.90.1.175
pustejovsky2018 | Pustejovsky, J. E.; Tipton, E. | 2018 | Small-sample methods for cluster-robust variance estimation and hypothesis testing in fixed effects models | Journal of Business & Economic Statistics | 36(4) | 672–683 | 10.1080/07350015.2016.1247004
pustejovsky2022 | Pustejovsky, J. E.; Tipton, E. | 2022 | Meta-analysis with robust variance estimation: Expanding the range of working models | Prevention Science | 23(3) | 425–438 | 10.1007/s11121-021-01246-3
riley2011 | Riley, R. D.; Higgins, J. P. T.; Deeks, J. J. | 2011 | Interpretation of random effects meta-analyses | BMJ | 342 | d549 | 10.1136/bmj.d549
rodgers2021 | Rodgers, M. A.; Pustejovsky, J. E. | 2021 | Evaluating meta-analytic methods to detect selective reporting in the presence of dependent effect sizes | Psychological Methods | 26(2) | 141–160 | 10.1037/met0000300
rosenberg2005 | Rosenberg, M. S. | 2005 | The file-drawer problem revisited: A general weighted method for calculating fail-safe numbers in meta-analysis | Evolution | 59(2) | 464–468 | 10.1111/j.0014-3820.2005.tb01004.x
rosenthal1979 | Rosenthal, R. | 1979 | The "file drawer problem" and tolerance for null results | Psychological Bulletin | 86(3) | 638–641 | 10.1037/0033-2909.86.3.638
rosenthal1991 | Rosenthal, R. | 1991 | Meta-analytic procedures for social research (Rev. ed.) | book: Sage | | |
rover2015 | Röver, C.; Knapp, G.; Friede, T. | 2015 | Hartung-Knapp-Sidik-Jonkman approach and its modification for random-effects meta-analysis with few studies | BMC Medical Research Methodology | 15 | 99 | 10.1186/s12874-015-0091-1
rucker2011 | Rücker, G.; Schwarzer, G.; Carpenter, J. R.; Binder, H.; Schumacher, M. | 2011 | Treatment-effect estimates adjusted for small-study effects via a limit meta-analysis | Biostatistics | 12(1) | 122–142 | 10.1093/biostatistics/kxq046
satterthwaite1946 | Satterthwaite, F. E. | 1946 | An approximate distribution of estimates of variance components | Biometrics Bulletin | 2(6) | 110–114 | 10.2307/3002019
sidik2005 | Sidik, K.; Jonkman, J. N. | 2005 | Simple heterogeneity variance estimation for meta-analysis | Journal of the Royal Statistical Society: Series C | 54(2) | 367–384 | 10.1111/j.1467-9876.2005.00489.x
stanley2014 | Stanley, T. D.; Doucouliagos, H. | 2014 | Meta-regression approximations to reduce publication selection bias | Research Synthesis Methods | 5(1) | 60–78 | 10.1002/jrsm.1095
simonsohn2020 | Simonsohn, U.; Simmons, J. P.; Nelson, L. D. | 2020 | Specification curve analysis | Nature Human Behaviour | 4(11) | 1208–1214 | 10.1038/s41562-020-0912-z
steegen2016 | Steegen, S.; Tuerlinckx, F.; Gelman, A.; Vanpaemel, W. | 2016 | Increasing transparency through a multiverse analysis | Perspectives on Psychological Science | 11(5) | 702–712 | 10.1177/1745691616658637
sterne2011 | Sterne, J. A. C.; Sutton, A. J.; Ioannidis, J. P. A.; Terrin, N.; Jones, D. R.; Lau, J.; Carpenter, J.; Rücker, G.; Harbord, R. M.; Schmid, C. H.; Tetzlaff, J.; Deeks, J. J.; Peters, J.; Macaskill, P.; Schwarzer, G.; Duval, S.; Altman, D. G.; Moher, D.; Higgins, J. P. T. | 2011 | Recommendations for examining and interpreting funnel plot asymmetry in meta-analyses of randomised controlled trials | BMJ | 343 | d4002 | 10.1136/bmj.d4002
tipton2015 | Tipton, E. | 2015 | Small sample adjustments for robust variance estimation with meta-regression | Psychological Methods | 20(3) | 375–393 | 10.1037/met0000011
tipton2015b | Tipton, E.; Pustejovsky, J. E. | 2015 | Small-sample adjustments for tests of moderators and model fit using robust variance estimation in meta-regression | Journal of Educational and Behavioral Statistics | 40(6) | 604–634 | 10.3102/1076998615606099
vanaert2023 | van Aert, R. C. M.; van Assen, M. A. L. M. | 2023 | Correcting for publication bias in a meta-analysis with the p-uniform* method | book: MetaArXiv | | | 10.31222/osf.io/zqjr9
vandennoortgate2013 | Van den Noortgate, W.; López-López, J. A.; Marín-Martínez, F.; Sánchez-Meca, J. | 2013 | Three-level meta-analysis of dependent effect sizes | Behavior Research Methods | 45(2) | 576–594 | 10.3758/s13428-012-0261-6
vevea1995 | Vevea, J. L.; Hedges, L. V. | 1995 | A general linear model for estimating effect size in the presence of publication bias | Psychometrika | 60(3) | 419–435 | 10.1007/BF02294384
citkowicz2017 | Citkowicz, M.; Vevea, J. L. | 2017 | A parsimonious weight function for modeling publication bias | Psychological Methods | 22(1) | 28–41 | 10.1037/met0000119
viechtbauer2005 | Viechtbauer, W. | 2005 | Bias and efficiency of meta-analytic variance estimators in the random-effects model | Journal of Educational and Behavioral Statistics | 30(3) | 261–293 | 10.3102/10769986030003261
viechtbauer2007 | Viechtbauer, W. | 2007 | Confidence intervals for the amount of heterogeneity in meta-analysis | Statistics in Medicine | 26(1) | 37–52 | 10.1002/sim.2514
viechtbauer2010 | Viechtbauer, W. | 2010 | Conducting meta-analyses in R with the metafor package | Journal of Statistical Software | 36(3) | 1–48 | 10.18637/jss.v036.i03
viechtbauer2010b | Viechtbauer, W.; Cheung, M. W.-L. | 2010 | Outlier and influence diagnostics for meta-analysis | Research Synthesis Methods | 1(2) | 112–125 | 10.1002/jrsm.11
voracek2019 | Voracek, M.; Kossmeier, M.; Tran, U. S. | 2019 | Which data to meta-analyze, and how? A specification-curve and multiverse-analysis approach to meta-analysis | Zeitschrift für Psychologie | 227(1) | 64–82 | 10.1027/2151-2604/a000357
yule1912 | Yule, G. U. | 1912 | On the methods of measuring association between two attributes | Journal of the Royal Statistical Society | 75(6) | 579–652 | 10.2307/2340126
zhang1998 | Zhang, J.; Yu, K. F. | 1998 | What's the relative risk? A method of correcting the odds ratio in cohort studies of common outcomes | JAMA | 280(19) | 1690–1691 |
"""  # noqa: E501  # one work on a line


def _work(line: str) -> Work:
    names = ("key", "authors", "year", "title", "container", "volume", "pages", "doi")
    parts = dict(zip(names, (part.strip() for part in line.split("|")), strict=True))
    volume, _, issue = parts["volume"].removesuffix(")").partition("(")
    authors = (name.split(", ", 1) for name in parts["authors"].split("; "))
    book = parts["container"].startswith("book: ")
    return Work(
        key=parts["key"],
        authors=tuple((family, initials) for family, initials in authors),
        year=int(parts["year"]),
        title=parts["title"],
        container=parts["container"].removeprefix("book: "),
        volume=volume,
        issue=issue,
        pages=parts["pages"],
        doi=parts["doi"],
        kind="book" if book else "article",
    )


#: Every work by its key.
BIBLIOGRAPHY: dict[str, Work] = {work.key: work for work in map(_work, _WORKS.strip().splitlines())}
