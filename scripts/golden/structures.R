# Golden values of meta-regressions with further levels, a crossed factor and richer correlations.
#
#   Rscript scripts/golden/structures.R          (from the project root, a minute)
#
# Needs what pooling.R needs.  Writes tests/golden/structures.json.  The tests read only that
# file; they never need R.

source(file.path("scripts", "golden", "pooling.R"))   # writer, make_source(); runs nothing

# --- variance components to machine precision, as in pooling.R, for any number of them -------

state <- function(s, d, reml) {
  M <- d$V + Reduce(`+`, Map(`*`, s, d$A))
  W <- chol2inv(chol(M))
  WX <- W %*% d$X
  XWX <- crossprod(d$X, WX)
  P <- W - WX %*% solve(XWX, t(WX))
  Py <- P %*% d$y
  T <- if (reml) P else W
  TA <- lapply(d$A, function(A) T %*% A)
  APy <- lapply(d$A, function(A) A %*% Py)
  score <- 0.5 * mapply(function(TA, APy) sum(Py * APy) - sum(diag(TA)), TA, APy)
  n <- seq_along(s)
  info <- outer(n, n, Vectorize(function(a, b)
    sum(APy[[a]] * (P %*% APy[[b]])) - 0.5 * sum(TA[[a]] * t(TA[[b]]))))
  ll <- -0.5 * (length(d$y) - if (reml) ncol(d$X) else 0) * log(2 * pi) -
    0.5 * as.numeric(determinant(M)$modulus) - 0.5 * sum(d$y * Py)
  if (reml) ll <- ll - 0.5 * as.numeric(determinant(XWX)$modulus) + 0.5 * as.numeric(determinant(crossprod(d$X))$modulus)
  list(score = score, info = info, ll = ll)
}

polish_all <- function(s, d, reml, held = rep(FALSE, length(s))) {
  s[s < 1e-9 & !held] <- 0
  for (i in 1:500) {
    st <- state(s, d, reml)
    free <- !held & (s > 0 | st$score > 0)
    if (!any(free)) break
    info <- st$info[free, free, drop = FALSE]
    if (min(eigen(info, TRUE, TRUE)$values) <= 0) info <- diag(abs(diag(info)), nrow(info))
    step <- numeric(length(s))
    step[free] <- solve(info, st$score[free])
    new <- pmax(s + step, 0)
    while (state(new, d, reml)$ll < st$ll - 1e-11 && max(abs(step)) > 1e-15) {
      step <- step / 2
      new <- pmax(s + step, 0)
    }
    done <- max(abs(new - s)) <= 1e-16 + 4 * .Machine$double.eps * max(s)
    s <- new
    if (done) break
  }
  s
}

intervals <- function(s, d, reml) {
  top <- state(s, d, reml)$ll
  lapply(setNames(seq_along(s), names(d$A)), function(j) {
    held <- seq_along(s) == j
    excess <- function(v) {
      at <- s
      at[j] <- v
      2 * (top - state(polish_all(at, d, reml, held), d, reml)$ll) - qchisq(0.95, 1)
    }
    root <- function(a, b) uniroot(excess, c(a, b), tol = 1e-14, maxiter = 1000)$root
    high <- 2 * s[j] + 0.01
    while (excess(high) < 0) high <- 2 * high
    list(low = if (s[j] > 0 && excess(0) > 0) root(0, s[j]) else 0, high = root(s[j], high))
  })
}

# --- one fit -------------------------------------------------------------------------------------

fit_of <- function(dat, V, random, groups, mods, cluster = NULL, method = "REML") {
  first <- rma.mv(yi, V, mods = mods, random = random, data = dat, method = method,
                  control = list(optimizer = "nlminb", rel.tol = 1e-10, iter.max = 2000, eval.max = 2000))
  A <- lapply(groups, function(g) outer(g, g, `==`) * 1)
  d <- list(y = dat$yi, X = first$X, V = as.matrix(first$V), A = A)
  reml <- method == "REML"
  stopifnot(length(first$sigma2) == length(groups))
  s <- polish_all(unname(first$sigma2[match(names(groups), names_of(first, groups))]), d, reml)
  fit <- rma.mv(yi, V, mods = mods, random = random, data = dat, method = method, sigma2 = s[match(names_of(first, groups), names(groups))])
  stopifnot(as.numeric(logLik(fit)) > as.numeric(logLik(first)) - 1e-9)
  t <- update(fit, test = "t")
  k <- length(dat$yi); p <- ncol(d$X)
  W <- solve(d$V)
  P <- W - W %*% d$X %*% solve(t(d$X) %*% W %*% d$X, t(d$X) %*% W)
  out <- list(beta = c(fit$beta), vcov = unname(fit$vb), se = fit$se,
    t = list(df = unname(t$ddf), p_value = t$pval, QM = t$QM, QMp = t$QMp),
    sigma2 = as.list(setNames(s, names(groups))), Q = fit$QE, Q_df = k - p, Q_p = fit$QEp,
    logLik = as.numeric(logLik(fit)), I2_total = sum(s) / (sum(s) + (k - p) / sum(diag(P))),
    sigma2_ci = intervals(s, d, reml), nlminb_vs_polished = signif(max(abs(first$sigma2[match(names(groups), names_of(first, groups))] - s)), 2))
  if (!is.null(cluster)) {
    vc <- vcovCR(fit, cluster = cluster, type = "CR2")
    test <- as.data.frame(coef_test(fit, vcov = vc, test = "Satterthwaite"))
    out$CR2 <- list(se = test$SE, df = test$df_Satt, p_value = test$p_Satt, vcov = unname(as.matrix(vc)))
    if (p > 1) {
      wald <- Wald_test(fit, constraints = constrain_zero(2:p), vcov = vc, test = "HTZ")
      out$CR2$htz <- list(F = wald$Fstat, df2 = wald$df_denom, p_value = wald$p_val)
    }
  }
  out
}

# names of the components in the order of rma.mv, by their numbers of groups
names_of <- function(fit, groups) {
  sizes <- vapply(groups, function(g) length(unique(g)), 0)
  stopifnot(!anyDuplicated(sizes))
  names(groups)[match(fit$s.nlevels, sizes)]
}

# --- data ----------------------------------------------------------------------------------------

assink <- function() {
  d <- dat.assink2016
  d$team <- (d$study + 1) %/% 2
  d$effect <- seq_len(nrow(d))
  d$rho <- 0.2 + 0.03 * d$study
  d$kind <- interaction(d$study, d$deltype, drop = TRUE)
  d$x <- (d$year - mean(d$year)) / 10
  root <- sqrt(d$vi)
  by_study <- outer(root, root) * outer(d$study, d$study, `==`) * d$rho
  diag(by_study) <- d$vi
  one <- vcalc(vi, cluster = study, obs = effect, rho = 0.6, data = d)
  two <- vcalc(vi, cluster = study, type = deltype, obs = effect, rho = c(0.8, 0.5), data = d)
  mods <- ~ x + pubstatus
  in_study <- list(effect = d$effect, study = d$study)
  with_kind <- list(effect = d$effect, deltype = as.integer(d$kind), study = d$study)
  with_team <- list(effect = d$effect, study = d$study, team = d$team)
  crossed <- list(effect = d$effect, study = d$study, deltype = as.integer(factor(d$deltype)))
  nested <- ~ 1 | study/effect
  list(
    data = list(study = arr(d$study), yi = arr(c(d$yi)), vi = arr(d$vi), deltype = arr(as.character(d$deltype)), team = arr(d$team),
                rho = arr(d$rho), x = arr(d$x), pubstatus = arr(d$pubstatus)),
    within = fit_of(d, d$vi, ~ 1 | study/kind/effect, with_kind, mods, d$study),
    within_che = fit_of(d, one, ~ 1 | study/kind/effect, with_kind, mods, d$study),
    within_ml = fit_of(d, d$vi, ~ 1 | study/kind/effect, with_kind, mods, d$study, "ML"),
    above = fit_of(d, one, ~ 1 | team/study/effect, with_team, mods, d$team),
    crossed = fit_of(d, one, list(~ 1 | study/effect, ~ 1 | deltype), crossed, mods),
    rho_by_study = fit_of(d, by_study, nested, in_study, mods, d$study),
    rho_same = fit_of(d, two, nested, in_study, mods, d$study)
  )
}

konstantopoulos <- function() {
  d <- dat.konstantopoulos2011
  d$effect <- seq_len(nrow(d))
  d$x <- rep(c(-1, 0.5, 1, 0, 2, -0.5, 0.2), 8)
  groups <- list(effect = d$effect, study = d$district, year = as.integer(factor(d$year)))
  list(
    data = list(study = arr(d$district), yi = arr(c(d$yi)), vi = arr(d$vi), year = arr(as.character(d$year)), x = arr(d$x)),
    crossed = fit_of(d, d$vi, list(~ 1 | district/effect, ~ 1 | year), groups, ~ x),
    crossed_ml = fit_of(d, d$vi, list(~ 1 | district/effect, ~ 1 | year), groups, ~ x, method = "ML")
  )
}

if (sys.nframe() == 0L) {
  source <- make_source("dat.assink2016 (teams, correlations by study made up), dat.konstantopoulos2011 (x made up)", "metadat",
    fits = "rma.mv at the polished optimum: Newton steps on the analytic (RE)ML score, nlminb rel.tol=1e-10 before",
    sigma2_ci = "95% profile likelihood intervals by uniroot (tol 1e-14), the other components maximised by the score",
    CR2 = "clubSandwich coef_test (Satterthwaite), Wald_test HTZ of all coefficients but the intercept; cluster = the coarsest level",
    rho_same = "vcalc(type = deltype, rho = c(0.8, 0.5))")
  source$script <- "scripts/golden/structures.R"
  write_golden(list(source = source, assink2016 = assink(), konstantopoulos2011 = konstantopoulos()), "structures")
}
