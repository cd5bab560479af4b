"""The works that code, reports and pages cite: each stands here, and nowhere else.

Entries were read in reference lists of R packages (metafor, clubSandwich, robumeta, stats) or in
other public ones; a part that none of them shows is blank.
"""

from __future__ import annotations

#: key | Family, Initials; ... | year | title | journal (or "book: publisher") | volume(issue)
#: | pages | DOI, or another address
WORKS = """
albajeseizagirre2019 | Albajes-Eizagirre, A.; Solanes, A.; Radua, J. | 2019 | Meta-analysis of non-statistically significant unreported effects | Statistical Methods in Medical Research | 28 | 3741–3754 | 10.1177/0962280218811349
aloe2012 | Aloe, A. M.; Becker, B. J. | 2012 | An effect size for regression predictors in meta-analysis | Journal of Educational and Behavioral Statistics | 37(2) | 278–297 | 10.3102/1076998610396901
aloe2013 | Aloe, A. M.; Thompson, C. G. | 2013 | The synthesis of partial effect sizes | Journal of the Society for Social Work and Research | 4(4) | 390–405 | 10.5243/jsswr.2013.24
appelbaum2018 | Appelbaum, M.; Cooper, H.; Kline, R. B.; Mayo-Wilson, E.; Nezu, A. M.; Rao, S. M. | 2018 | Journal article reporting standards for quantitative research in psychology: The APA Publications and Communications Board task force report | American Psychologist | 73(1) | 3–25 | 10.1037/amp0000191
barth2013 | Barth, J.; Munder, T.; Gerger, H.; Nüesch, E.; Trelle, S.; Znoj, H.; Jüni, P.; Cuijpers, P. | 2013 | Comparative efficacy of seven psychotherapeutic interventions for patients with depression: A network meta-analysis | PLoS Medicine | 10(5) | e1001454 | 10.1371/journal.pmed.1001454
bartos2023 | Bartoš, F.; Maier, M.; Wagenmakers, E.-J.; Doucouliagos, H.; Stanley, T. D. | 2023 | Robust Bayesian meta-analysis: Model-averaging across complementary publication bias adjustment methods | Research Synthesis Methods | 14(1) | 99–116 | 10.1002/jrsm.1594
bartos2025 | Bartoš, F.; Schimmack, U. | 2025 | Z-curve plot: A visual diagnostic for publication bias in meta-analysis | book: arXiv | | | 10.48550/arXiv.2509.07171
baujat2002 | Baujat, B.; Mahé, C.; Pignon, J.-P.; Hill, C. | 2002 | A graphical method for exploring heterogeneity in meta-analyses: Application to a meta-analysis of 65 trials | Statistics in Medicine | 21(18) | 2641–2652 | 10.1002/sim.1221
begg1994 | Begg, C. B.; Mazumdar, M. | 1994 | Operating characteristics of a rank correlation test for publication bias | Biometrics | 50(4) | 1088–1101 | 10.2307/2533446
bell2002 | Bell, R. M.; McCaffrey, D. F. | 2002 | Bias reduction in standard errors for linear regression with multi-stage samples | Survey Methodology | 28(2) | 169–181 |
belsley1980 | Belsley, D. A.; Kuh, E.; Welsch, R. E. | 1980 | Regression diagnostics | book: Wiley | | |
benjamini1995 | Benjamini, Y.; Hochberg, Y. | 1995 | Controlling the false discovery rate: A practical and powerful approach to multiple testing | Journal of the Royal Statistical Society: Series B | 57(1) | 289–300 | 10.1111/j.2517-6161.1995.tb02031.x
bergsma2013 | Bergsma, W. | 2013 | A bias-correction for Cramér's V and Tschuprow's T | Journal of the Korean Statistical Society | 42(3) | 323–328 |
bonett2000 | Bonett, D. G.; Wright, T. A. | 2000 | Sample size requirements for estimating Pearson, Kendall and Spearman correlations | Psychometrika | 65(1) | 23–28 | 10.1007/BF02294183
bonett2002 | Bonett, D. G. | 2002 | Sample size requirements for testing and estimating coefficient alpha | Journal of Educational and Behavioral Statistics | 27(4) | 335–340 | 10.3102/10769986027004335
bonett2010 | Bonett, D. G. | 2010 | Varying coefficient meta-analytic methods for alpha reliability | Psychological Methods | 15(4) | 368–385 | 10.1037/a0020142
borenstein2009 | Borenstein, M.; Hedges, L. V.; Higgins, J. P. T.; Rothstein, H. R. | 2009 | Introduction to meta-analysis | book: Wiley | | |
brennan1981 | Brennan, R. L.; Prediger, D. J. | 1981 | Coefficient kappa: Some uses, misuses, and alternatives | Educational and Psychological Measurement | 41(3) | 687–699 | 10.1177/001316448104100307
buckland1997 | Buckland, S. T.; Burnham, K. P.; Augustin, N. H. | 1997 | Model selection: An integral part of inference | Biometrics | 53(2) | 603–618 | 10.2307/2533961
burnham2002 | Burnham, K. P.; Anderson, D. R. | 2002 | Model selection and multimodel inference: A practical information-theoretic approach (2nd ed.) | book: Springer | | |
byrt1993 | Byrt, T.; Bishop, J.; Carlin, J. B. | 1993 | Bias, prevalence and kappa | Journal of Clinical Epidemiology | 46(5) | 423–429 | 10.1016/0895-4356(93)90018-V
cairns2020 | Cairns, M.; Prendergast, L. | 2020 | On ratio measures of population heterogeneity for meta-analyses | book: arXiv | | | 10.48550/arXiv.2009.10332
cameron2008 | Cameron, A. C.; Gelbach, J. B.; Miller, D. L. | 2008 | Bootstrap-based improvements for inference with clustered errors | The Review of Economics and Statistics | 90(3) | 414–427 | 10.1162/rest.90.3.414
christensen2018 | Christensen, R. H. B. | 2018 | Satterthwaite's method for degrees of freedom in linear mixed models | book: Notes of the R package lmerTest | | | https://github.com/runehaubo/lmerTestR
citkowicz2017 | Citkowicz, M.; Vevea, J. L. | 2017 | A parsimonious weight function for modeling publication bias | Psychological Methods | 22(1) | 28–41 | 10.1037/met0000119
citkowicz2026 | Citkowicz, M.; Pustejovsky, J. E.; Joshi, M. | 2026 | Estimating beta-function selection models in meta-analysis with dependent effects | book: MetaArXiv | | | 10.31222/osf.io/wjpxk_v1
cochran1954 | Cochran, W. G. | 1954 | The combination of estimates from different experiments | Biometrics | 10(1) | 101–129 | 10.2307/3001666
cohen1960 | Cohen, J. | 1960 | A coefficient of agreement for nominal scales | Educational and Psychological Measurement | 20(1) | 37–46 | 10.1177/001316446002000104
cohen1968 | Cohen, J. | 1968 | Weighted kappa: Nominal scale agreement with provision for scaled disagreement or partial credit | Psychological Bulletin | 70(4) | 213–220 | 10.1037/h0026256
cohen1988 | Cohen, J. | 1988 | Statistical power analysis for the behavioral sciences (2nd ed.) | book: Lawrence Erlbaum Associates | | |
cuijpers2020 | Cuijpers, P.; Karyotaki, E.; de Wit, L.; Ebert, D. D. | 2020 | The effects of fifteen evidence-supported therapies for adult depression: A meta-analytic review | Psychotherapy Research | | 279–293 | 10.1080/10503307.2019.1649732
dersimonian1986 | DerSimonian, R.; Laird, N. | 1986 | Meta-analysis in clinical trials | Controlled Clinical Trials | 7(3) | 177–188 | 10.1016/0197-2456(86)90046-2
dersimonian2007 | DerSimonian, R.; Kacker, R. | 2007 | Random-effects model for meta-analysis of clinical trials: An update | Contemporary Clinical Trials | 28(2) | 105–114 | 10.1016/j.cct.2006.04.004
dickey1971 | Dickey, J. M. | 1971 | The weighted likelihood ratio, linear hypotheses on normal location parameters | The Annals of Mathematical Statistics | 42(1) | 204–223 | 10.1214/aoms/1177693507
duval2000 | Duval, S.; Tweedie, R. | 2000 | Trim and fill: A simple funnel-plot-based method of testing and adjusting for publication bias in meta-analysis | Biometrics | 56(2) | 455–463 | 10.1111/j.0006-341X.2000.00455.x
efron1993 | Efron, B.; Tibshirani, R. J. | 1993 | An introduction to the bootstrap | book: Chapman & Hall | | |
egger1997 | Egger, M.; Davey Smith, G.; Schneider, M.; Minder, C. | 1997 | Bias in meta-analysis detected by a simple, graphical test | BMJ | 315(7109) | 629–634 | 10.1136/bmj.315.7109.629
elliott2013 | Elliott, R.; Greenberg, L. S.; Watson, J.; Timulak, L.; Freire, E. | 2013 | Research on humanistic-experiential psychotherapies | In M. J. Lambert (Ed.), Bergin & Garfield’s handbook of psychotherapy and behavior change (6th ed.) | | 495–538 |
elliott2021 | Elliott, R.; Watson, J. C.; Timulak, L.; Sharbanee, J. | 2021 | Research on humanistic-experiential psychotherapies: Updated review | In M. Barkham, W. Lutz, & L. G. Castonguay (Eds.), Bergin and Garfield’s handbook of psychotherapy and behavior change | | |
fernandezcastilla2020 | Fernández-Castilla, B.; Declercq, L.; Jamshidi, L.; Beretvas, S. N.; Onghena, P.; Van den Noortgate, W. | 2020 | Visual representations of meta-analyses of multiple outcomes: Extensions to forest plots, funnel plots, and caterpillar plots | Methodology | 16(4) | 299–315 | 10.5964/meth.4013
fieller1957 | Fieller, E. C.; Hartley, H. O.; Pearson, E. S. | 1957 | Tests for rank correlation coefficients. I | Biometrika | 44(3–4) | 470–481 | 10.1093/biomet/44.3-4.470
fisher1921 | Fisher, R. A. | 1921 | On the "probable error" of a coefficient of correlation deduced from a small sample | Metron | 1 | 3–32 |
fisher1924 | Fisher, R. A. | 1924 | The distribution of the partial correlation coefficient | Metron | 3 | 329–332 |
fleiss1969 | Fleiss, J. L.; Cohen, J.; Everitt, B. S. | 1969 | Large sample standard errors of kappa and weighted kappa | Psychological Bulletin | 72(5) | 323–327 | 10.1037/h0028106
fleiss1971 | Fleiss, J. L. | 1971 | Measuring nominal scale agreement among many raters | Psychological Bulletin | 76(5) | 378–382 | 10.1037/h0031619
follmann1999 | Follmann, D. A.; Proschan, M. A. | 1999 | Valid inference in random effects meta-analysis | Biometrics | 55(3) | 732–737 | 10.1111/j.0006-341x.1999.00732.x
foroutan2020 | Foroutan, F.; Guyatt, G.; Zuk, V.; Vandvik, P. O.; Alba, A. C.; Mustafa, R.; Vernooij, R.; Arevalo-Rodriguez, I.; Munn, Z.; Roshanov, P.; Riley, R.; Schandelmaier, S.; Kuijpers, T.; Siemieniuk, R.; Canelo-Aybar, C.; Schunemann, H.; Iorio, A. | 2020 | GRADE Guidelines 28: Use of GRADE for the assessment of evidence about prognostic factors: Rating certainty in identification of groups of patients with different absolute risks | Journal of Clinical Epidemiology | 121 | 62–70 | 10.1016/j.jclinepi.2019.12.023
fox1992 | Fox, J.; Monette, G. | 1992 | Generalized collinearity diagnostics | Journal of the American Statistical Association | 87(417) | 178–183 | 10.2307/2290467
francis2013 | Francis, G. | 2013 | Replication, statistical consistency, and publication bias | Journal of Mathematical Psychology | 57(5) | 153–169 | 10.1016/j.jmp.2013.02.003
funder2019 | Funder, D. C.; Ozer, D. J. | 2019 | Evaluating effect size in psychological research: Sense and nonsense | Advances in Methods and Practices in Psychological Science | 2(2) | 156–168 | 10.1177/2515245919847202
gelman2006 | Gelman, A. | 2006 | Prior distributions for variance parameters in hierarchical models | Bayesian Analysis | 1(3) | 515–534 |
gilmour1995 | Gilmour, A. R.; Thompson, R.; Cullis, B. R. | 1995 | Average information REML: An efficient algorithm for variance parameter estimation in linear mixed models | Biometrics | 51(4) | 1440–1450 |
gwet2008 | Gwet, K. L. | 2008 | Computing inter-rater reliability and its variance in the presence of high agreement | British Journal of Mathematical and Statistical Psychology | 61(1) | 29–48 | 10.1348/000711006X126600
hakstian1976 | Hakstian, A. R.; Whalen, T. E. | 1976 | A k-sample significance test for independent alpha coefficients | Psychometrika | 41(2) | 219–231 | 10.1007/BF02291840
hardy1996 | Hardy, R. J.; Thompson, S. G. | 1996 | A likelihood approach to meta-analysis with random effects | Statistics in Medicine | 15(6) | 619–629 | 10.1002/(sici)1097-0258(19960330)15:6<619::aid-sim188>3.0.co;2-a
harrer2021 | Harrer, M.; Cuijpers, P.; Furukawa, T. A.; Ebert, D. D. | 2021 | Doing meta-analysis with R: A hands-on guide | book: Chapman & Hall/CRC Press | | |
harris2020 | Harris, C. R.; Millman, K. J.; van der Walt, S. J.; Gommers, R.; Virtanen, P.; Cournapeau, D.; Wieser, E.; Taylor, J.; Berg, S.; Smith, N. J.; Kern, R.; Picus, M.; Hoyer, S.; van Kerkwijk, M. H.; Brett, M.; Haldane, A.; Fernández del Río, J.; Wiebe, M.; Peterson, P.; Gérard-Marchant, P.; Sheppard, K.; Reddy, T.; Weckesser, W.; Abbasi, H.; Gohlke, C.; Oliphant, T. E. | 2020 | Array programming with NumPy | Nature | 585(7825) | 357–362 | 10.1038/s41586-020-2649-2
harville1974 | Harville, D. A. | 1974 | Bayesian inference for variance components using only error contrasts | Biometrika | 61 | 383–385 | 10.2307/2334370
hasselblad1995 | Hasselblad, V.; Hedges, L. V. | 1995 | Meta-analysis of screening and diagnostic tests | Psychological Bulletin | 117(1) | 167–178 | 10.1037/0033-2909.117.1.167
hedges1981 | Hedges, L. V. | 1981 | Distribution theory for Glass's estimator of effect size and related estimators | Journal of Educational Statistics | 6(2) | 107–128 | 10.3102/10769986006002107
hedges1985 | Hedges, L. V.; Olkin, I. | 1985 | Statistical methods for meta-analysis | book: Academic Press | | |
hedges1992 | Hedges, L. V. | 1992 | Modeling publication selection effects in meta-analysis | Statistical Science | 7(2) | 246–255 | 10.1214/ss/1177011364
hedges2001 | Hedges, L. V.; Pigott, T. D. | 2001 | The power of statistical tests in meta-analysis | Psychological Methods | 6(3) | 203–217 | 10.1037/1082-989X.6.3.203
hedges2004 | Hedges, L. V.; Pigott, T. D. | 2004 | The power of statistical tests for moderators in meta-analysis | Psychological Methods | 9(4) | 426–445 |
hedges2010 | Hedges, L. V.; Tipton, E.; Johnson, M. C. | 2010 | Robust variance estimation in meta-regression with dependent effect size estimates | Research Synthesis Methods | 1(1) | 39–65 | 10.1002/jrsm.5
hedges2015 | Hedges, L. V.; Citkowicz, M. | 2015 | Estimating effect size when there is clustering in one treatment group | Behavior Research Methods | 47(4) | 1295–1308 |
henmi2010 | Henmi, M.; Copas, J. B. | 2010 | Confidence intervals for random effects meta-analysis and robustness to publication bias | Statistics in Medicine | 29(29) | 2969–2983 | 10.1002/sim.4029
higgins2002 | Higgins, J. P. T.; Thompson, S. G. | 2002 | Quantifying heterogeneity in a meta-analysis | Statistics in Medicine | 21(11) | 1539–1558 | 10.1002/sim.1186
higgins2004 | Higgins, J. P. T.; Thompson, S. G. | 2004 | Controlling the risk of spurious findings from meta-regression | Statistics in Medicine | 23(11) | 1663–1682 | 10.1002/sim.1752
higgins2009 | Higgins, J. P. T.; Thompson, S. G.; Spiegelhalter, D. J. | 2009 | A re-evaluation of random-effects meta-analysis | Journal of the Royal Statistical Society: Series A | 172(1) | 137–159 | 10.1111/j.1467-985X.2008.00552.x
holm1979 | Holm, S. | 1979 | A simple sequentially rejective multiple test procedure | Scandinavian Journal of Statistics | 6(2) | 65–70 | https://www.jstor.org/stable/4615733
huguet2013 | Huguet, A.; Hayden, J. A.; Stinson, J.; McGrath, P. J.; Chambers, C. T.; Tougas, M. E.; Wozney, L. | 2013 | Judging the quality of evidence in reviews of prognostic factor research: Adapting the GRADE framework | Systematic Reviews | 2 | 71 | 10.1186/2046-4053-2-71
hunter1990 | Hunter, J. E.; Schmidt, F. L. | 1990 | Methods of meta-analysis: Correcting error and bias in research findings | book: Sage | | |
hunter2004 | Hunter, J. E.; Schmidt, F. L. | 2004 | Methods of meta-analysis: Correcting error and bias in research findings (2nd ed.) | book: Sage | | |
imhof1961 | Imhof, J. P. | 1961 | Computing the distribution of quadratic forms in normal variables | Biometrika | 48(3–4) | 419–426 | 10.1093/biomet/48.3-4.419
ioannidis2007 | Ioannidis, J. P. A.; Trikalinos, T. A. | 2007 | An exploratory test for an excess of significant findings | Clinical Trials | 4(3) | 245–253 | 10.1177/1740774507079441
jackson2013 | Jackson, D. | 2013 | Confidence intervals for the between-study variance in random effects meta-analysis using generalised Cochran heterogeneity statistics | Research Synthesis Methods | 4(3) | 220–229 |
jackson2017 | Jackson, D.; Turner, R. | 2017 | Power analysis for random-effects meta-analysis | Research Synthesis Methods | 8(3) | 290–302 | 10.1002/jrsm.1240
jacobs2017 | Jacobs, P.; Viechtbauer, W. | 2017 | Estimation of the biserial correlation and its sampling variance for use in meta-analysis | Research Synthesis Methods | 8(2) | 161–180 | 10.1002/jrsm.1218
jak2020 | Jak, S.; Cheung, M. W.-L. | 2020 | Meta-analytic structural equation modeling with moderating effects on SEM parameters | Psychological Methods | 25(4) | 430–455 | 10.1037/met0000245
jeffreys1961 | Jeffreys, H. | 1961 | Theory of probability (3rd ed.) | book: Oxford University Press | | |
joshi2022 | Joshi, M.; Pustejovsky, J. E.; Beretvas, S. N. | 2022 | Cluster wild bootstrapping to handle dependent effect sizes in meta-analysis with a small number of studies | Research Synthesis Methods | 13(4) | 457–477 |
kahl2012 | Kahl, K. G.; Winter, L.; Schweiger, U. | 2012 | The third wave of cognitive behavioural therapies: What is new and what is effective? | Current Opinion in Psychiatry | 25(6) | 522–528 | 10.1097/YCO.0b013e328358e531
kelley1935 | Kelley, T. L. | 1935 | An unbiased correlation ratio measure | Proceedings of the National Academy of Sciences | 21(9) | 554–559 |
knapp2003 | Knapp, G.; Hartung, J. | 2003 | Improved tests for a random effects meta-regression with a single covariate | Statistics in Medicine | 22(17) | 2693–2710 | 10.1002/sim.1482
kossmeier2020 | Kossmeier, M.; Tran, U. S.; Voracek, M. | 2020 | Power-enhanced funnel plots for meta-analysis | Zeitschrift für Psychologie | 228(1) | |
krippendorff2011 | Krippendorff, K. | 2011 | Computing Krippendorff's alpha-reliability | book: University of Pennsylvania | | |
lakens2018 | Lakens, D.; Scheel, A. M.; Isager, P. M. | 2018 | Equivalence testing for psychological research: A tutorial | Advances in Methods and Practices in Psychological Science | 1(2) | 259–269 | 10.1177/2515245918770963
lau1992 | Lau, J.; Antman, E. M.; Jimenez-Silva, J.; Kupelnick, B.; Mosteller, F.; Chalmers, T. C. | 1992 | Cumulative meta-analysis of therapeutic trials for myocardial infarction | New England Journal of Medicine | 327(4) | 248–254 | 10.1056/NEJM199207233270406
lipovetsky2001 | Lipovetsky, S.; Conklin, M. | 2001 | Analysis of regression in game theory approach | Applied Stochastic Models in Business and Industry | 17(4) | 319–330 |
luborsky1996 | Luborsky, L.; Barber, J. P.; Siqueland, L.; Johnson, S.; Najavits, L. M.; Frank, A.; Daley, D. | 1996 | The revised Helping Alliance questionnaire (HAq-II): Psychometric properties | The Journal of Psychotherapy Practice and Research | 5(3) | 260–271 |
lui2015 | Lui, P. P. | 2015 | Intergenerational cultural conflict, mental health, and educational outcomes among Asian and Latino/a Americans: Qualitative and meta-analytic review | Psychological Bulletin | 141(2) | 404–446 | 10.1037/a0038449
mackinnon2024 | MacKinnon, J. G.; Nielsen, M. Ø.; Webb, M. D. | 2024 | Jackknife inference with two-way clustering | book: arXiv | | | 10.48550/arXiv.2406.08880
mathur2019 | Mathur, M. B.; VanderWeele, T. J. | 2019 | New metrics for meta-analyses of heterogeneous effects | Statistics in Medicine | 38 | 1336–1342 |
mcgraw1996 | McGraw, K. O.; Wong, S. P. | 1996 | Forming inferences about some intraclass correlation coefficients | Psychological Methods | 1(1) | 30–46 | 10.1037/1082-989X.1.1.30
metaalliance2026 | The metaalliance developers | 2026 | metaalliance: Meta-analysis of therapeutic alliance–outcome effect sizes [Computer software] | book: Python package | | |
morris1983 | Morris, C. N. | 1983 | Parametric empirical Bayes inference: Theory and applications | Journal of the American Statistical Association | 78(381) | 47–55 | 10.1080/01621459.1983.10477920
nakagawa2013 | Nakagawa, S.; Schielzeth, H. | 2013 | A general and simple method for obtaining R2 from generalized linear mixed-effects models | Methods in Ecology and Evolution | 4(2) | 133–142 | 10.1111/j.2041-210x.2012.00261.x
nakagawa2021 | Nakagawa, S.; Lagisz, M.; O'Dea, R. E.; Rutkowska, J.; Yang, Y.; Noble, D. W. A.; Senior, A. M. | 2021 | The orchard plot: Cultivating a forest plot for use in ecology, evolution, and beyond | Research Synthesis Methods | 12(1) | 4–12 | 10.1002/jrsm.1424
olkin1958 | Olkin, I.; Pratt, J. W. | 1958 | Unbiased estimation of certain correlation coefficients | The Annals of Mathematical Statistics | 29(1) | 201–211 | 10.1214/aoms/1177706717
olkin1976 | Olkin, I.; Siotani, M. | 1976 | Asymptotic distribution of functions of a correlation matrix | In S. Ikeda (Ed.), Essays in probability and statistics | | 235–251 |
olkin2012 | Olkin, I.; Dahabreh, I. J.; Trikalinos, T. A. | 2012 | GOSH: A graphical display of study heterogeneity | Research Synthesis Methods | 3(3) | 214–223 | 10.1002/jrsm.1053
orwin1983 | Orwin, R. G. | 1983 | A fail-safe N for effect size in meta-analysis | Journal of Educational Statistics | 8(2) | 157–159 | 10.3102/10769986008002157
page2021 | Page, M. J.; McKenzie, J. E.; Bossuyt, P. M.; Boutron, I.; Hoffmann, T. C.; Mulrow, C. D.; Shamseer, L.; Tetzlaff, J. M.; Akl, E. A.; Brennan, S. E.; Chou, R.; Glanville, J.; Grimshaw, J. M.; Hróbjartsson, A.; Lalu, M. M.; Li, T.; Loder, E. W.; Mayo-Wilson, E.; McDonald, S.; McGuinness, L. A.; Stewart, L. A.; Thomas, J.; Tricco, A. C.; Welch, V. A.; Whiting, P.; Moher, D. | 2021 | The PRISMA 2020 statement: An updated guideline for reporting systematic reviews | BMJ | 372 | n71 | 10.1136/bmj.n71
paule1982 | Paule, R. C.; Mandel, J. | 1982 | Consensus values and weighting factors | Journal of Research of the National Bureau of Standards | 87(5) | 377–385 | 10.6028/jres.087.022
peters2008 | Peters, J. L.; Sutton, A. J.; Jones, D. R.; Abrams, K. R.; Rushton, L. | 2008 | Contour-enhanced meta-analysis funnel plots help distinguish publication bias from other causes of asymmetry | Journal of Clinical Epidemiology | 61(10) | 991–996 | 10.1016/j.jclinepi.2007.11.010
peterson2005 | Peterson, R. A.; Brown, S. P. | 2005 | On the use of beta coefficients in meta-analysis | Journal of Applied Psychology | 90(1) | 175–181 | 10.1037/0021-9010.90.1.175
pritikin2017 | Pritikin, J. N.; Rappaport, L. M.; Neale, M. C. | 2017 | Likelihood-based confidence intervals for a parameter with an upper or lower bound | Structural Equation Modeling | 24(3) | 395–401 | 10.1080/10705511.2016.1275969
pustejovsky2018 | Pustejovsky, J. E.; Tipton, E. | 2018 | Small-sample methods for cluster-robust variance estimation and hypothesis testing in fixed effects models | Journal of Business & Economic Statistics | 36(4) | 672–683 | 10.1080/07350015.2016.1247004
pustejovsky2022 | Pustejovsky, J. E.; Tipton, E. | 2022 | Meta-analysis with robust variance estimation: Expanding the range of working models | Prevention Science | 23(3) | 425–438 | 10.1007/s11121-021-01246-3
pustejovsky2022b | Pustejovsky, J. | 2022 | clubSandwich: Cluster-robust (sandwich) variance estimators with small-sample corrections (R package version 0.5.8) [Computer software] | book: CRAN | | | https://CRAN.R-project.org/package=clubSandwich
pustejovsky2025 | Pustejovsky, J. E.; Citkowicz, M.; Joshi, M. | 2025 | Estimation and inference for step-function selection models in meta-analysis with dependent effects | book: MetaArXiv | | | 10.31222/osf.io/qg5x6_v1
pymare2022 | PyMARE developers | 2022 | PyMARE: Python Meta-Analysis & Regression Engine [Computer software] | book: Zenodo | | | https://zenodo.org/record/6476471
raju1983 | Raju, N. S.; Burke, M. J. | 1983 | Two new procedures for studying validity generalization | Journal of Applied Psychology | 68(3) | 382–395 | 10.1037/0021-9010.68.3.382
raudenbush2002 | Raudenbush, S. W.; Bryk, A. S. | 2002 | Hierarchical linear models: Applications and data analysis methods | book: Sage | | |
riley2011 | Riley, R. D.; Higgins, J. P. T.; Deeks, J. J. | 2011 | Interpretation of random effects meta-analyses | BMJ | 342 | d549 | 10.1136/bmj.d549
rodgers2021 | Rodgers, M. A.; Pustejovsky, J. E. | 2021 | Evaluating meta-analytic methods to detect selective reporting in the presence of dependent effect sizes | Psychological Methods | 26(2) | 141–160 | 10.1037/met0000300
rosenberg2005 | Rosenberg, M. S. | 2005 | The file-drawer problem revisited: A general weighted method for calculating fail-safe numbers in meta-analysis | Evolution | 59(2) | 464–468 | 10.1111/j.0014-3820.2005.tb01004.x
rosenthal1979 | Rosenthal, R. | 1979 | The "file drawer problem" and tolerance for null results | Psychological Bulletin | 86(3) | 638–641 | 10.1037/0033-2909.86.3.638
rosenthal1991 | Rosenthal, R. | 1991 | Meta-analytic procedures for social research (Rev. ed.) | book: Sage | | |
rosseel2012 | Rosseel, Y. | 2012 | lavaan: An R package for structural equation modeling | Journal of Statistical Software | 48(2) | 1–36 |
rover2015 | Röver, C.; Knapp, G.; Friede, T. | 2015 | Hartung-Knapp-Sidik-Jonkman approach and its modification for random-effects meta-analysis with few studies | BMC Medical Research Methodology | 15 | 99 | 10.1186/s12874-015-0091-1
rover2020 | Röver, C. | 2020 | Bayesian random-effects meta-analysis using the bayesmeta R package | Journal of Statistical Software | 93(6) | 1–51 | 10.18637/jss.v093.i06
rubin1981 | Rubin, D. B. | 1981 | Estimation in parallel randomized experiments | Journal of Educational Statistics | 6(4) | 377–401 | 10.2307/1164617
rucker2011 | Rücker, G.; Schwarzer, G.; Carpenter, J. R.; Binder, H.; Schumacher, M. | 2011 | Treatment-effect estimates adjusted for small-study effects via a limit meta-analysis | Biostatistics | 12(1) | 122–142 | 10.1093/biostatistics/kxq046
rucker2021 | Rücker, G.; Schwarzer, G. | 2021 | Beyond the forest plot: The drapery plot | Research Synthesis Methods | 12(1) | 13–19 | 10.1002/jrsm.1410
satterthwaite1946 | Satterthwaite, F. E. | 1946 | An approximate distribution of estimates of variance components | Biometrics Bulletin | 2(6) | 110–114 | 10.2307/3002019
schmidt2015 | Schmidt, F. L.; Hunter, J. E. | 2015 | Methods of meta-analysis: Correcting error and bias in research findings (3rd ed.) | book: Sage | | |
schuirmann1987 | Schuirmann, D. J. | 1987 | A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of average bioavailability | Journal of Pharmacokinetics and Biopharmaceutics | 15(6) | 657–680 | 10.1007/BF01068419
searle1980 | Searle, S. R.; Speed, F. M.; Milliken, G. A. | 1980 | Population marginal means in the linear model: An alternative to least squares means | The American Statistician | 34(4) | 216–221 |
searle1992 | Searle, S. R.; Casella, G.; McCulloch, C. E. | 1992 | Variance components | book: Wiley | | |
sherman1950 | Sherman, J.; Morrison, W. J. | 1950 | Adjustment of an inverse matrix corresponding to a change in one element of a given matrix | The Annals of Mathematical Statistics | 21(1) | 124–127 | 10.1214/aoms/1177729893
shrout1979 | Shrout, P. E.; Fleiss, J. L. | 1979 | Intraclass correlations: Uses in assessing rater reliability | Psychological Bulletin | 86(2) | 420–428 | 10.1037/0033-2909.86.2.420
sidik2005 | Sidik, K.; Jonkman, J. N. | 2005 | Simple heterogeneity variance estimation for meta-analysis | Journal of the Royal Statistical Society: Series C | 54(2) | 367–384 | 10.1111/j.1467-9876.2005.00489.x
simonsohn2020 | Simonsohn, U.; Simmons, J. P.; Nelson, L. D. | 2020 | Specification curve analysis | Nature Human Behaviour | 4(11) | 1208–1214 | 10.1038/s41562-020-0912-z
spearman1904 | Spearman, C. | 1904 | The proof and measurement of association between two things | The American Journal of Psychology | 15(1) | 72–101 | 10.2307/1412159
stanley2014 | Stanley, T. D.; Doucouliagos, H. | 2014 | Meta-regression approximations to reduce publication selection bias | Research Synthesis Methods | 5(1) | 60–78 | 10.1002/jrsm.1095
steegen2016 | Steegen, S.; Tuerlinckx, F.; Gelman, A.; Vanpaemel, W. | 2016 | Increasing transparency through a multiverse analysis | Perspectives on Psychological Science | 11(5) | 702–712 | 10.1177/1745691616658637
steiger1980 | Steiger, J. H. | 1980 | Tests for comparing elements of a correlation matrix | Psychological Bulletin | 87(2) | 245–251 | 10.1037/0033-2909.87.2.245
sterne2000 | Sterne, J. A. C.; Gavaghan, D.; Egger, M. | 2000 | Publication and related bias in meta-analysis: Power of statistical tests and prevalence in the literature | Journal of Clinical Epidemiology | 53(11) | 1119–1129 |
sterne2005 | Sterne, J. A. C.; Egger, M. | 2005 | Regression methods to detect publication and other bias in meta-analysis | In H. R. Rothstein, A. J. Sutton, & M. Borenstein (Eds.), Publication bias in meta-analysis: Prevention, assessment, and adjustments | | 99–110 |
sterne2011 | Sterne, J. A. C.; Sutton, A. J.; Ioannidis, J. P. A.; Terrin, N.; Jones, D. R.; Lau, J.; Carpenter, J.; Rücker, G.; Harbord, R. M.; Schmid, C. H.; Tetzlaff, J.; Deeks, J. J.; Peters, J.; Macaskill, P.; Schwarzer, G.; Duval, S.; Altman, D. G.; Moher, D.; Higgins, J. P. T. | 2011 | Recommendations for examining and interpreting funnel plot asymmetry in meta-analyses of randomised controlled trials | BMJ | 343 | d4002 | 10.1136/bmj.d4002
tate1954 | Tate, R. F. | 1954 | Correlation between a discrete and a continuous variable: Point-biserial correlation | Annals of Mathematical Statistics | 25(3) | 603–607 | 10.1214/aoms/1177728730
tipton2015 | Tipton, E. | 2015 | Small sample adjustments for robust variance estimation with meta-regression | Psychological Methods | 20(3) | 375–393 | 10.1037/met0000011
tipton2015b | Tipton, E.; Pustejovsky, J. E. | 2015 | Small-sample adjustments for tests of moderators and model fit using robust variance estimation in meta-regression | Journal of Educational and Behavioral Statistics | 40(6) | 604–634 | 10.3102/1076998615606099
vanaert2026 | van Aert, R. C. M.; van Assen, M. A. L. M. | 2026 | Correcting for publication bias in a meta-analysis with the p-uniform* method | Psychonomic Bulletin & Review | 33 | | 10.3758/s13423-025-02812-4
vandennoortgate2013 | Van den Noortgate, W.; López-López, J. A.; Marín-Martínez, F.; Sánchez-Meca, J. | 2013 | Three-level meta-analysis of dependent effect sizes | Behavior Research Methods | 45(2) | 576–594 | 10.3758/s13428-012-0261-6
vembye2023 | Vembye, M. H.; Pustejovsky, J. E.; Pigott, T. D. | 2023 | Power approximations for overall average effects in meta-analysis with dependent effect sizes | Journal of Educational and Behavioral Statistics | 48(1) | 70–102 |
vevea1995 | Vevea, J. L.; Hedges, L. V. | 1995 | A general linear model for estimating effect size in the presence of publication bias | Psychometrika | 60(3) | 419–435 | 10.1007/BF02294384
vevea2005 | Vevea, J. L.; Woods, C. M. | 2005 | Publication bias in research synthesis: Sensitivity analysis using a priori weight functions | Psychological Methods | 10(4) | 428–443 | 10.1037/1082-989X.10.4.428
viechtbauer2005 | Viechtbauer, W. | 2005 | Bias and efficiency of meta-analytic variance estimators in the random-effects model | Journal of Educational and Behavioral Statistics | 30(3) | 261–293 | 10.3102/10769986030003261
viechtbauer2007 | Viechtbauer, W. | 2007 | Confidence intervals for the amount of heterogeneity in meta-analysis | Statistics in Medicine | 26(1) | 37–52 | 10.1002/sim.2514
viechtbauer2010 | Viechtbauer, W. | 2010 | Conducting meta-analyses in R with the metafor package | Journal of Statistical Software | 36(3) | 1–48 | 10.18637/jss.v036.i03
viechtbauer2010b | Viechtbauer, W.; Cheung, M. W.-L. | 2010 | Outlier and influence diagnostics for meta-analysis | Research Synthesis Methods | 1(2) | 112–125 | 10.1002/jrsm.11
viechtbauer2015 | Viechtbauer, W.; López-López, J. A.; Sánchez-Meca, J.; Marín-Martínez, F. | 2015 | A comparison of procedures to test for moderators in mixed-effects meta-regression models | Psychological Methods | 20(3) | 360–374 | 10.1037/met0000023
viechtbauer2021 | Viechtbauer, W. | 2021 | Median-unbiased estimators for the amount of heterogeneity in meta-analysis | book: European Congress of Methodology, Valencia | | |
viechtbauer2022 | Viechtbauer, W.; López-López, J. A. | 2022 | Location-scale models for meta-analysis | Research Synthesis Methods | 13(6) | 697–715 | 10.1002/jrsm.1562
virtanen2020 | Virtanen, P.; Gommers, R.; Oliphant, T. E.; Haberland, M.; Reddy, T.; Cournapeau, D.; Burovski, E.; Peterson, P.; Weckesser, W.; Bright, J.; van der Walt, S. J.; Brett, M.; Wilson, J.; Millman, K. J.; Mayorov, N.; Nelson, A. R. J.; Jones, E.; Kern, R.; Larson, E.; Carey, C. J.; Polat, İ.; Feng, Y.; Moore, E. W.; VanderPlas, J.; Laxalde, D.; Perktold, J.; Cimrman, R.; Henriksen, I.; Quintero, E. A.; Harris, C. R.; Archibald, A. M.; Ribeiro, A. H.; Pedregosa, F.; van Mulbregt, P.; SciPy 1.0 Contributors | 2020 | SciPy 1.0: Fundamental algorithms for scientific computing in Python | Nature Methods | 17(3) | 261–272 | 10.1038/s41592-019-0686-2
voracek2019 | Voracek, M.; Kossmeier, M.; Tran, U. S. | 2019 | Which data to meta-analyze, and how? A specification-curve and multiverse-analysis approach to meta-analysis | Zeitschrift für Psychologie | 227(1) | 64–82 | 10.1027/2151-2604/a000357
webb2023 | Webb, M. D. | 2023 | Reworking wild bootstrap-based inference for clustered errors | Canadian Journal of Economics | 56(3) | 839–858 | 10.1111/caje.12661
welch1951 | Welch, B. L. | 1951 | On the comparison of several mean values: An alternative approach | Biometrika | 38 | 330–336 | 10.2307/2332579
whitener1990 | Whitener, E. M. | 1990 | Confusion of confidence intervals and credibility intervals in meta-analysis | Journal of Applied Psychology | 75(3) | 315–321 |
yang2025 | Yang, Y.; Noble, D. W. A.; Spake, R.; Senior, A. M.; Lagisz, M.; Nakagawa, S. | 2025 | A pluralistic framework for measuring, interpreting and decomposing heterogeneity in meta-analysis | Methods in Ecology and Evolution | | | 10.1111/2041-210x.70155
yule1912 | Yule, G. U. | 1912 | On the methods of measuring association between two attributes | Journal of the Royal Statistical Society | 75(6) | 579–652 | 10.2307/2340126
zhang1998 | Zhang, J.; Yu, K. F. | 1998 | What's the relative risk? A method of correcting the odds ratio in cohort studies of common outcomes | JAMA | 280(19) | 1690–1691 |
zou2009 | Zou, G. Y.; Taleban, J.; Huo, C. Y. | 2009 | Confidence interval estimation for lognormal data with application to health economics | Computational Statistics and Data Analysis | 53 | 3755–3764 |
"""  # noqa: E501  # one work on a line
