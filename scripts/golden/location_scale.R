# Golden values of location-scale models and of intervals of residual variances, from R.
#
#   Rscript scripts/golden/location_scale.R          (from the project root, under two minutes)
#
# Needs what pooling.R needs.  Writes tests/golden/location_scale.json.  The tests read only
# that file; they never need R.

source(file.path("scripts", "golden", "pooling.R"))   # writer, fit_uni(), zcor(); runs nothing

NOTES <- list(
  independent = "rma(scale = ~ ), link log, nlminb at the tightest rel.tol that converges; profile: confint (profile likelihood of alpha) of the fit with default control, as its refits do not converge otherwise; lrt: anova against rma with the same mean. Its optimizer stops about 1e-6 short; predicted: predict(newmods, newscale)",
  dependent = "rma.mv(random = list(~ g | study, ~ g | effect), struct = DIAG) with a level g of studies: the variances of each level are those of a location-scale model with g for both components; lrt: against one variance per component",
  residual = "confint of rma(mods): Q-profile (QP) with tol 1e-12; of rma.mv(mods): profile likelihood of each sigma2, of the fit with default control"
)
num <- function(x) arr(unname(c(x)))
#: The tightest tolerance at which the optimizer reports convergence.
tightest <- function(fit) {
  for (tol in 10^(-14:-6)) {
    f <- try(suppressWarnings(fit(list(optimizer = "nlminb", rel.tol = tol))), silent = TRUE)
    if (!inherits(f, "try-error")) return(f)
  }
  stop("no convergence")
}

#: Means of the reference and of the other level of meta at three sizes, with their intervals.
AT <- data.frame(meta = c(0, 1, 1), size = c(0.5, 1, 3))
predicted <- function(f) {
  p <- predict(f, newmods = AT$meta, newscale = AT$size)
  list(meta = arr(as.character(AT$meta)), size = num(AT$size), pred = num(p$pred), se = num(p$se),
       ci_low = num(p$ci.lb), ci_high = num(p$ci.ub), pi_low = num(p$pi.lb), pi_high = num(p$pi.ub))
}

independent_case <- function(d, mods, scale, method, test) {
  f <- tightest(function(control) rma(yi, vi, mods = mods, scale = scale, data = d, method = method, test = test, control = control))
  null <- rma(yi, vi, mods = mods, data = d, method = method, test = test, control = list(threshold = 1e-14, maxiter = 1000))
  loose <- rma(yi, vi, mods = mods, scale = scale, data = d, method = method, test = test)
  ci <- lapply(seq_along(f$alpha), function(i) confint(loose, alpha = i, control = list(tol = 1e-10))$random[1, 2:3])
  list(alpha = num(f$alpha), se_alpha = num(f$se.alpha), z_alpha = num(f$zval.alpha), p_alpha = num(f$pval.alpha),
       ci_low = num(f$ci.lb.alpha), ci_high = num(f$ci.ub.alpha), beta = num(f$beta), se = num(f$se), p = num(f$pval),
       QS = f$QS, QSdf = num(f$QSdf), QSp = f$QSp, ll = c(logLik(f)), lrt = 2 * (c(logLik(f)) - c(logLik(null))),
       profile_low = num(sapply(ci, `[`, 1)), profile_high = num(sapply(ci, `[`, 2)),
       predicted = predicted(f))
}

dependent_case <- function(d, method) {
  d$g <- factor(d$g)
  V <- vcalc(vi, cluster = study, obs = effect, data = d, rho = 0.6)
  f <- tightest(function(control) rma.mv(yi, V, mods = ~ g, random = list(~ g | study, ~ g | effect), struct = c("DIAG", "DIAG"),
                                         data = d, method = method, control = control))
  s <- tightest(function(control) rma.mv(yi, V, mods = ~ g, random = ~ 1 | study/effect, data = d, method = method, control = control))
  list(levels = levels(d$g), study = num(f$tau2), effect = num(f$gamma2), beta = num(f$beta), se = num(f$se),
       ll = c(logLik(f)), lrt = 2 * (c(logLik(f)) - c(logLik(s))),
       cr2 = num(coef_test(f, vcov = "CR2", cluster = d$study)$SE), df = num(coef_test(f, vcov = "CR2", cluster = d$study)$df_Satt))
}

residual_case <- function(yi, vi, mods) {
  d <- data.frame(yi, vi)
  X <- model.matrix(mods[[1]], mods[[2]])[, -1, drop = FALSE]
  q <- rma(yi, vi, mods = X, method = "REML", control = list(threshold = 1e-14, maxiter = 1000))
  list(tau2 = q$tau2, q_profile = num(confint(q, control = list(tol = 1e-12))$random["tau^2", 2:3]))
}

residual_mv <- function(d, V, mods, level) {
  f <- tightest(function(control) rma.mv(yi, V, mods = mods, random = ~ 1 | study/effect, data = d, control = control))
  loose <- rma.mv(yi, V, mods = mods, random = ~ 1 | study/effect, data = d)
  ends <- lapply(1:2, function(i) num(confint(loose, sigma2 = i, level = level, control = list(tol = 1e-10))$random[1, 2:3]))
  list(sigma2 = num(f$sigma2), level = level / 100, study = ends[[1]], effect = ends[[2]])
}

main_location_scale <- function() {
  bd <- dat.bangertdrowns2004
  b2 <- bd[!is.na(bd$length) & !is.na(bd$wic) & !is.na(bd$meta), ]
  b2 <- data.frame(yi = c(b2$yi), vi = c(b2$vi), size = b2$ni / 100, meta = as.character(b2$meta))
  as2 <- dat.assink2016
  as2 <- data.frame(study = as2$study, effect = seq_len(nrow(as2)), yi = c(as2$yi), vi = c(as2$vi), year = as2$year)
  as2$g <- ifelse(as2$year < median(as2$year), "early", "late")
  ko <- dat.konstantopoulos2011
  ko <- data.frame(study = ko$district, effect = seq_len(nrow(ko)), yi = c(ko$yi), vi = c(ko$vi), year = (ko$year - 1990) / 10,
                   g = ifelse(ko$district %in% sort(unique(ko$district))[c(TRUE, FALSE)], "odd", "even"))
  put <- function(d) lapply(as.list(d), arr)
  V <- vcalc(vi, cluster = study, obs = effect, data = as2, rho = 0.6)
  out <- list(
    source = c(make_source("bangertdrowns2004, assink2016, konstantopoulos2011", "metadat"), notes = list(NOTES)),
    independent = list(data = put(b2),
      REML_z = independent_case(b2, ~ meta, ~ size, "REML", "z"), ML_z = independent_case(b2, ~ meta, ~ size, "ML", "z"),
      REML_t = independent_case(b2, ~ meta, ~ size, "REML", "t"), REML_knha = independent_case(b2, ~ meta, ~ size, "REML", "knha")),
    dependent = list(
      assink2016 = list(data = put(as2), REML = dependent_case(as2, "REML"), ML = dependent_case(as2, "ML")),
      konstantopoulos2011 = list(data = put(ko), REML = dependent_case(ko, "REML"), ML = dependent_case(ko, "ML"))),
    residual = list(
      bangertdrowns2004 = residual_case(b2$yi, b2$vi, list(~ size + meta, b2)),
      konstantopoulos2011 = residual_mv(ko, ko$vi, ~ year, 95),
      assink2016 = residual_mv(as2, V, ~ g, 90)))
  out$source$script <- "scripts/golden/location_scale.R"
  write_golden(out, "location_scale")
}

main_location_scale()
