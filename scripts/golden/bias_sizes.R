# Golden values of methods for publication bias that do not take a variance for the size of a study.
#
#   Rscript scripts/golden/bias_sizes.R          (from the project root, about two minutes)
#
# Needs what bias.R needs.  Writes tests/golden/bias_sizes.json.  The tests read only
# that file; they never need R.
#
# Raw correlations (escalc measure="COR"): regtest by 1/sqrt(n) and 1/n, and lm with weights n.  Steps
# at the critical values of the t test of each correlation: the published likelihood, as in
# bias.R.  The beta model with p truncated to [.025, .975]: the same (Simpson's rule of 401
# points between the ends, where the weight is smooth), and selmodel with control=list(pval.min=.025).

source(file.path("scripts", "golden", "bias.R"))   # functions; runs nothing

TRUNCATED <- 0.025

by_size <- function(ri, ni) {
  z <- escalc(measure = "COR", ri = ri, ni = ni)
  lapply(list(`1/sqrt(effective n)` = "sqrtninv", `1/effective n` = "ninv"), function(name) {
    x <- if (name == "ninv") 1 / ni else 1 / sqrt(ni)
    s <- unname(coef(summary(lm(ri ~ x, weights = ni))))
    fit <- uni(c(z$yi), c(z$vi), "REML", "knha", mods = x)
    rt <- quietly(regtest(uni(c(z$yi), c(z$vi), "REML", "knha", ni = ni), predictor = name))
    stopifnot(abs(rt$zval - fit$zval[2]) < 1e-9)
    list(classical = list(slope = s[2, 1], se = s[2, 2], p_value = s[2, 4], limit = s[1, 1], limit_se = s[1, 2]),
         REML_knha = reg_fields(fit, TRUE), regtest = rt$zval)
  })
}

own_steps <- function(ri, ni, steps) {
  z <- zcor(ri, ni)
  yi <- c(z$yi); vi <- c(z$vi); X <- cbind(rep(1, length(yi)))
  t <- outer(ni - 2, steps, function(df, p) qt(p, df, lower.tail = FALSE))
  critical <- atanh(t / sqrt(t^2 + ni - 2))
  ml <- uni(yi, vi, "ML")
  terms <- function(x) step_terms(x, yi, vi, X, steps, "greater", critical = critical)
  starts <- lapply(c(0.9, 0.3, 0.05), function(w) c(c(ml$beta), max(ml$tau2, 0.005), rep(w, length(steps))))
  best <- highest(function(x) -sum(terms(x)), starts, c(FALSE, rep(TRUE, 1 + length(steps))), 1)
  c(selection_fields(best, 1, as.numeric(logLik(ml, REML = FALSE)), terms),
    list(steps = arr(steps), counts = arr(tabulate(1 + rowSums(yi < critical), length(steps) + 1)),
         critical = arr(critical[, 1])))
}

beta_truncated <- function(d, alternative, study = NULL) {
  X <- cbind(rep(1, length(d$yi)))
  ml <- uni(d$yi, d$vi, "ML")
  start <- c(c(ml$beta), max(ml$tau2, 0.005))
  terms <- function(x) beta_terms(x, d$yi, d$vi, X, alternative, rough = TRUE, smallest = TRUNCATED)
  starts <- list(c(start, 0.9, 1.1), c(0, 0.005, 0.3, 1.1), c(0.5 * start[1], start[2], 0.5, 1.5))
  opt <- highest(function(x) -sum(terms(x)), starts, c(FALSE, TRUE, TRUE, TRUE), 1)
  f <- selection_fields(opt, 1, as.numeric(logLik(ml, REML = FALSE)), terms, study)
  f$alternative <- alternative
  if (is.null(study)) {
    sm <- quietly(selmodel(ml, type = "beta", alternative = alternative, control = list(pval.min = TRUNCATED)))
    f$metafor <- list(beta = arr(c(sm$beta)), tau2 = sm$tau2, delta = arr(sm$delta), LRT = sm$LRT,
                      log_likelihood = as.numeric(logLik(sm)))
  }
  f
}

CORRELATIONS <- list(molloy2014 = dat.molloy2014, mcdaniel1994 = dat.mcdaniel1994)

if (any(grepl("bias_sizes.R", commandArgs()))) {
  found <- list(source = make_source(
    c(names(INDEPENDENT), names(DEPENDENT)), "metadat", numDeriv = as.character(packageVersion("numDeriv")),
    control = list(by_size = "lm(weights=ni); rma.uni on COR with knha; regtest as check",
                   own_steps = "published likelihood with cuts atanh(t / sqrt(t^2 + n - 2)), t = qt(1 - p, n - 2)",
                   beta = "p clipped at .025 and .975, Simpson of 401 points; selmodel(control=list(pval.min=.025)) beside it")))
  found$source$script <- "scripts/golden/bias_sizes.R"
  found$correlations <- lapply(CORRELATIONS, function(d) list(
    r = arr(d$ri), n = arr(d$ni), by_size = by_size(d$ri, d$ni),
    one = own_steps(d$ri, d$ni, 0.025), two = own_steps(d$ri, d$ni, c(0.025, 0.5))))
  found$beta <- lapply(setNames(nm = setdiff(names(INDEPENDENT), "crede2010_aggregated")), function(name) {
    message(name)
    d <- INDEPENDENT[[name]]()
    beta_truncated(d, if (uni(d$yi, d$vi, "REML")$beta[1] >= 0) "greater" else "less")
  })
  found$beta_dependent <- lapply(setNames(nm = names(DEPENDENT)), function(name) {
    message(name)
    d <- DEPENDENT[[name]]()
    beta_truncated(d, "greater", d$study)
  })
  write_golden(found, "bias_sizes")
}
