# Golden values of the methods for publication bias, from R.
#
#   Rscript scripts/golden/bias.R          (from the project root, about five minutes)
#
# Needs what pooling.R needs, and numDeriv (Debian: r-cran-numderiv).  Writes
# tests/golden/bias.json.  The tests read only that file; they never need R.
#
# regtest, ranktest, trimfill, fsn and tes are metafor's.  selmodel is metafor's as a check; since
# its optimizers stop on function values, the values that tests compare with are the optimum of
# the published likelihood written here from its definition: optim, then Newton steps on
# numDeriv's derivatives.  p-uniform* and limit meta-analysis come from the published equations in
# base R (puniform, metasens and weightr are not in Debian).

source(file.path("scripts", "golden", "pooling.R"))
suppressPackageStartupMessages(library(numDeriv))

quietly <- function(expr) suppressWarnings(suppressMessages(expr))

uni <- function(yi, vi, method, test = "z", ...) {
  for (th in 10^(-14:-10)) {
    ctrl <- if (method %in% c("REML", "ML")) list(threshold = th, maxiter = 1000) else list()
    fit <- try(quietly(rma.uni(yi, vi, method = method, test = test, control = ctrl, ...)), silent = TRUE)
    if (!inherits(fit, "try-error")) return(fit)
  }
  stop(fit)
}

# --- regression tests -----------------------------------------------------------------------------

reg_fields <- function(fit, limit) {
  df <- if (fit$test == "z") NA else c(fit$ddf)
  out <- list(slope = fit$beta[2], se = fit$se[2], statistic = fit$zval[2], p_value = fit$pval[2],
              ci_low = fit$ci.lb[2], ci_high = fit$ci.ub[2], df = df, tau2 = fit$tau2)
  if (limit) out <- c(out, list(limit = fit$beta[1], limit_se = fit$se[1], limit_ci_low = fit$ci.lb[1],
                                limit_ci_high = fit$ci.ub[1], limit_p_value = fit$pval[1]))
  out
}

regressions <- function(d) {
  xs <- list(sei = sqrt(d$vi), vi = d$vi)
  if (!is.null(d$ni)) xs <- c(xs, list(n = d$ni, `1/n` = 1 / d$ni, `1/sqrt(n)` = 1 / sqrt(d$ni)))
  names_r <- c(sei = "sei", vi = "vi", n = "ni", `1/n` = "ninv", `1/sqrt(n)` = "sqrtninv")
  lapply(setNames(nm = names(xs)), function(name) {
    x <- xs[[name]]
    limit <- name != "n"
    fit <- lm(yi ~ x, weights = 1 / vi, data = list(yi = d$yi, vi = d$vi, x = x))
    s <- unname(coef(summary(fit)))
    ci <- unname(confint(fit))
    lm_fields <- list(slope = s[2, 1], se = s[2, 2], statistic = s[2, 3], p_value = s[2, 4], ci_low = ci[2, 1],
                      ci_high = ci[2, 2], df = fit$df.residual)
    if (limit) lm_fields <- c(lm_fields, list(limit = s[1, 1], limit_se = s[1, 2], limit_ci_low = ci[1, 1],
                                              limit_ci_high = ci[1, 2], limit_p_value = s[1, 4]))
    # metafor's own regtest, for n known as an argument
    known <- if (is.null(d$ni)) list() else list(ni = d$ni)
    rt <- quietly(do.call(regtest, c(list(d$yi, d$vi, model = "lm", predictor = names_r[[name]]), known)))
    stopifnot(abs(rt$zval - lm_fields$statistic) < 1e-9)
    rr <- quietly(regtest(do.call(uni, c(list(d$yi, d$vi, "REML"), known)), predictor = names_r[[name]]))
    fits <- list(classical = lm_fields)
    for (m in c("FE", "DL", "REML")) fits[[paste0(m, "_z")]] <- reg_fields(uni(d$yi, d$vi, m, mods = x), limit)
    fits$REML_knha <- reg_fields(uni(d$yi, d$vi, "REML", "knha", mods = x), limit)
    fits$check <- list(regtest_lm_statistic = rt$zval, regtest_rma_statistic = rr$zval)
    fits
  })
}

# --- trim and fill ---------------------------------------------------------------------------------

fills <- function(d) {
  out <- list()
  for (m in c("FE", "DL", "REML")) for (e in c("L0", "R0", "Q0")) for (s in c("auto", "left", "right")) {
    # Q0 has a choice of the side of its own only when asked for it
    args <- list(x = uni(d$yi, d$vi, m), estimator = e)
    if (s != "auto") args$side <- s
    t <- try(quietly(do.call(trimfill, args)), silent = TRUE)
    if (inherits(t, "try-error")) next
    fill <- t$fill
    out[[paste(m, e, s, sep = "_")]] <- list(
      k0 = t$k0, k0_se = t$se.k0, side = t$side, k0_p_value = if (e == "R0") t$p.k0 else NA,
      filled_yi = arr(c(t$yi)[fill]), filled_vi = arr(c(t$vi)[fill]),
      estimate = c(t$beta), se = t$se, tau2 = t$tau2)
  }
  out
}

# --- selection models -------------------------------------------------------------------------------

# optim on `rough` (the same function, perhaps to fewer digits), then Newton steps on `nll`
newton <- function(nll, start, positive, rough = nll, tol = if (identical(rough, nll)) 1e-11 else 1e-8) {
  to <- function(u) ifelse(positive, exp(u), u)
  from <- function(x) ifelse(positive, log(x), x)
  u <- from(start)
  for (i in 1:4) u <- quietly(optim(u, function(u) rough(to(u)), control = list(reltol = 1e-12, maxit = 2000)))$par
  x <- to(u)
  for (i in 1:20) {
    step <- solve(hessian(nll, x), grad(nll, x))
    while (any((x - step)[positive] <= 0)) step <- step / 2
    x <- x - step
    if (max(abs(step) / (abs(x) + 1e-3)) < tol) break
  }
  list(par = x, value = nll(x), hessian = hessian(nll, x), gradient = grad(nll, x))
}

# The highest of the maxima reached from several starts, and of those with tau2 (the parameter at
# position p + 1) held at zero.  The likelihoods can have two maxima with very different means.
highest <- function(nll, starts, positive, p, rough = nll) {
  found <- list()
  keep <- function(opt) if (!inherits(opt, "try-error") && is.finite(opt$value)) found[[length(found) + 1]] <<- opt
  for (s in starts) {
    keep(try(quietly(newton(nll, s, positive, rough)), silent = TRUE))
    at_zero <- function(f) function(x) f(append(x, 0, after = p))
    opt <- try(quietly(newton(at_zero(nll), s[-(p + 1)], positive[-(p + 1)], at_zero(rough))), silent = TRUE)
    if (!inherits(opt, "try-error")) {
      opt$par <- append(opt$par, 0, after = p)
      opt$gradient <- append(opt$gradient, NA, after = p)
      opt$at_zero <- TRUE
      keep(opt)
    }
  }
  values <- vapply(found, function(o) o$value, 0)
  best <- found[[which.min(values)]]
  best$all <- arr(sort(unique(signif(-values, 8)), decreasing = TRUE))
  best
}

step_terms <- function(par, yi, vi, X, steps, alternative, fixed = NULL) {
  p <- ncol(X)
  mu <- drop(X %*% par[1:p]); tau2 <- par[p + 1]
  delta <- c(1, if (is.null(fixed)) par[-(1:(p + 1))] else fixed)
  se <- sqrt(vi); s <- sqrt(vi + tau2)
  one <- function(lo, hi) pnorm((hi - mu) / s) - pnorm((lo - mu) / s)
  edges <- c(0, steps, 1)
  A <- 0
  for (j in seq_along(delta)) {
    a <- edges[j]; b <- edges[j + 1]
    A <- A + delta[j] * if (alternative == "two.sided") {
      one(se * qnorm(b / 2, lower.tail = FALSE), se * qnorm(a / 2, lower.tail = FALSE)) +
        one(se * qnorm(a / 2), se * qnorm(b / 2))
    } else if (alternative == "greater") {
      one(se * qnorm(b, lower.tail = FALSE), se * qnorm(a, lower.tail = FALSE))
    } else one(se * qnorm(a), se * qnorm(b))
  }
  pv <- switch(alternative, two.sided = 2 * pnorm(-abs(yi / se)), greater = pnorm(-yi / se), less = pnorm(yi / se))
  w <- delta[findInterval(pv, edges, left.open = TRUE, rightmost.closed = TRUE)]
  log(w) + dnorm(yi, mu, s, log = TRUE) - log(A)
}

# `rough` takes Simpson's rule for integrate()
beta_terms <- function(par, yi, vi, X, alternative, rough = FALSE) {
  p <- ncol(X)
  mu <- drop(X %*% par[1:p]); tau2 <- par[p + 1]; a <- par[p + 2]; b <- par[p + 3]
  if (alternative == "less") { yi <- -yi; mu <- -mu }
  se <- sqrt(vi); s <- sqrt(vi + tau2)
  end <- qnorm(1e-5, lower.tail = FALSE)
  logw <- function(z) (a - 1) * pnorm(z, lower.tail = FALSE, log.p = TRUE) + (b - 1) * pnorm(z, log.p = TRUE)
  at <- seq(-end, end, length.out = 5)
  simpson <- c(1, rep(c(4, 2), 199), 4, 1) * (2 * end / 400) / 3
  grid <- seq(-end, end, length.out = 401)
  A <- if (rough) {
    inner <- dnorm(outer(se, grid), mu, s) * se
    drop(inner %*% (simpson * exp(logw(grid)))) +
      exp(logw(end)) * pnorm((se * end - mu) / s, lower.tail = FALSE) + exp(logw(-end)) * pnorm((-se * end - mu) / s)
  } else vapply(seq_along(yi), function(i) {
    f <- function(z) exp(logw(z)) * dnorm(se[i] * z, mu[i], s[i]) * se[i]
    inner <- sum(vapply(1:4, function(j) integrate(f, at[j], at[j + 1], rel.tol = 1e-12, subdivisions = 500L)$value, 0))
    inner + exp(logw(end)) * pnorm((se[i] * end - mu[i]) / s[i], lower.tail = FALSE) +
      exp(logw(-end)) * pnorm((-se[i] * end - mu[i]) / s[i])
  }, 0)
  z <- pmin(pmax(yi / se, -end), end)
  logw(z) + dnorm(yi, mu, s, log = TRUE) - log(A)
}

selection_fields <- function(opt, p, ml, terms, study = NULL) {
  q <- length(opt$par)
  free <- setdiff(seq_len(q), if (isTRUE(opt$at_zero)) p + 1)
  fill <- function(M) { full <- matrix(NA_real_, q, q); full[free, free] <- M; full }
  V <- fill(solve(opt$hessian))
  out <- list(beta = arr(opt$par[1:p]), tau2 = opt$par[p + 1], delta = arr(opt$par[-(1:(p + 1))]),
              se = arr(sqrt(diag(V))), log_likelihood = -opt$value, log_likelihood_unselected = ml,
              LRT = 2 * (-opt$value - ml), gradient_at_solution = arr(signif(opt$gradient, 2)),
              log_likelihoods_of_maxima = opt$all)
  if (!is.null(study)) {
    S <- rowsum(jacobian(terms, opt$par), study)
    m <- nrow(S)
    R <- fill(V[free, free] %*% crossprod(S)[free, free] %*% V[free, free] * m / (m - 1))
    out$robust_se <- arr(sqrt(diag(R)))
    d <- opt$par[-(1:(p + 1))]
    idx <- seq_along(d) + p + 1
    out$robust_F <- drop(log(d) %*% solve(R[idx, idx, drop = FALSE] / outer(d, d), log(d))) / length(d)
  }
  out
}

selections <- function(d, study = NULL, X = cbind(rep(1, length(d$yi))), cases, beta = TRUE, alternative, mf = TRUE) {
  p <- ncol(X)
  ml <- uni(d$yi, d$vi, "ML", mods = X, intercept = FALSE)
  ll0 <- as.numeric(logLik(ml, REML = FALSE))
  start <- c(c(ml$beta), max(ml$tau2, 0.005))
  out <- list()
  for (name in names(cases)) {
    case <- cases[[name]]
    alt <- if (is.null(case$alternative)) alternative else case$alternative
    q <- length(case$steps)
    terms <- function(x) step_terms(x, d$yi, d$vi, X, case$steps, alt, case$fixed)
    free_weights <- if (is.null(case$fixed)) q else 0
    starts <- lapply(c(0.9, 0.3, 0.05), function(w) c(start, rep(w, free_weights)))
    best <- highest(function(x) -sum(terms(x)), starts, c(rep(FALSE, p), rep(TRUE, 1 + free_weights)), p)
    f <- selection_fields(best, p, ll0, terms, if (is.null(case$fixed)) study)
    f$steps <- arr(case$steps); f$alternative <- alt
    if (!is.null(case$fixed)) f$fixed <- arr(case$fixed)
    if (mf && is.null(study)) {
      sm <- try(quietly(selmodel(ml, type = "stepfun", steps = case$steps, alternative = alt,
                                 delta = if (is.null(case$fixed)) NULL else c(1, case$fixed),
                                 control = list(optimizer = "nlminb", rel.tol = 1e-14))), silent = TRUE)
      if (inherits(sm, "try-error")) sm <- quietly(do.call(selmodel, c(list(ml, type = "stepfun", steps = case$steps, alternative = alt),
                                                            if (!is.null(case$fixed)) list(delta = c(1, case$fixed)))))
      f$metafor <- list(beta = arr(c(sm$beta)), tau2 = sm$tau2, delta = arr(sm$delta[-1]), se = arr(sm$se),
                        LRT = sm$LRT, LRTp = sm$LRTp)
    }
    out[[name]] <- f
  }
  if (beta) {
    terms <- function(x) beta_terms(x, d$yi, d$vi, X, alternative)
    starts <- list(c(start, 0.9, 1.1), c(0 * start[1:p], 0.005, 0.3, 1.1))
    opt <- highest(function(x) -sum(terms(x)), starts, c(rep(FALSE, p), TRUE, TRUE, TRUE), p,
                   rough = function(x) -sum(beta_terms(x, d$yi, d$vi, X, alternative, rough = TRUE)))
    f <- selection_fields(opt, p, ll0, terms, study)
    f$alternative <- alternative
    if (mf && is.null(study)) {
      sm <- quietly(selmodel(ml, type = "beta", alternative = alternative))
      f$metafor <- list(beta = arr(c(sm$beta)), tau2 = sm$tau2, delta = arr(sm$delta), se = arr(sm$se), LRT = sm$LRT)
    }
    out$beta <- f
  }
  out
}

# --- p-uniform* ---------------------------------------------------------------------------------------

p_uniform <- function(yi, vi, sign) {
  y <- sign * yi
  cv <- qnorm(0.975) * sqrt(vi)
  high <- y >= cv
  ll <- function(mu, tau2) {
    s <- sqrt(vi + tau2)
    sum(dnorm(y, mu, s, log = TRUE) - ifelse(high, pnorm(cv, mu, s, lower.tail = FALSE, log.p = TRUE),
                                              pnorm(cv, mu, s, log.p = TRUE)))
  }
  re <- rma.uni(y, vi, method = "PM", control = list(tol = 1e-14, maxiter = 1000))
  nll <- function(x) -ll(x[1], x[2])
  opt <- quietly(newton(nll, c(c(re$beta), max(re$tau2, 0.003)), c(FALSE, TRUE)))
  est <- opt$par; top <- -opt$value
  span <- diff(range(y))
  best_tau2 <- function(mu) {   # a grid first: the maximum may be narrow beside the range
    hi <- 20 * est[2] + span^2
    g <- seq(0, sqrt(hi), length.out = 60)^2
    v <- vapply(g, function(t) ll(mu, t), 0)
    j <- which.max(v)
    max(v[j], optimize(function(t) ll(mu, t), c(g[max(1, j - 1)], g[min(60, j + 1)]), maximum = TRUE, tol = 1e-13)$objective)
  }
  best_mu <- function(t) {
    g <- seq(min(y) - 2 * span, max(y) + span, length.out = 80)
    v <- vapply(g, function(m) ll(m, t), 0)
    j <- which.max(v)
    max(v[j], optimize(function(m) ll(m, t), c(g[max(1, j - 1)], g[min(80, j + 1)]), maximum = TRUE, tol = 1e-13)$objective)
  }
  q <- qchisq(0.95, 1)
  dev_mu <- function(mu) 2 * (top - best_tau2(mu)) - q
  dev_t <- function(t) 2 * (top - best_mu(t)) - q
  low <- est[1]; while (dev_mu(low) < 0) low <- low - span / 4
  up <- est[1]; while (dev_mu(up) < 0) up <- up + span / 4
  ci <- c(uniroot(dev_mu, c(low, est[1]), tol = 1e-12)$root, uniroot(dev_mu, c(est[1], up), tol = 1e-12)$root)
  t_up <- est[2]; while (dev_t(t_up) < 0) t_up <- 2 * t_up + 1e-3
  t_low <- if (dev_t(0) < 0) 0 else uniroot(dev_t, c(0, est[2]), tol = 1e-14)$root
  list(estimate = sign * est[1], ci = arr(sort(sign * ci)), tau2 = est[2], n_significant = sum(high), sign = sign,
       tau2_ci = arr(c(t_low, uniroot(dev_t, c(est[2], t_up), tol = 1e-14)$root)),
       L_0 = 2 * (top - best_tau2(0)), L_het = 2 * (top - best_mu(0)),
       L_pb = 2 * (top - ll(c(re$beta), re$tau2)))
}

# --- limit meta-analysis --------------------------------------------------------------------------------

limit_meta <- function(yi, vi) {
  tau2 <- uni(yi, vi, "REML")$tau2
  s <- sqrt(vi + tau2)
  radial <- lm(I(yi / s) ~ I(1 / s))
  alpha <- unname(coef(radial)[1]); beta <- unname(coef(radial)[2])
  V <- summary(radial)$cov.unscaled            # errors of variance one
  g <- c(sqrt(tau2), 1)
  lim <- beta + sqrt(tau2) / s * (yi - beta)
  lr <- lm(I(lim / sqrt(vi)) ~ I(1 / sqrt(vi)))
  list(tau2 = tau2, alpha = alpha, alpha_se = sqrt(V[1, 1]), beta = beta, estimate = beta + sqrt(tau2) * alpha,
       se = sqrt(drop(g %*% V %*% g)), G2 = 1 - summary(lr)$r.squared, limit_yi = arr(lim),
       se_metasens = 1 / (sd(1 / sqrt(vi)) * sqrt(length(yi) - 1)))
}

# --- counts -----------------------------------------------------------------------------------------------

counts <- function(d) {
  # the signature of fsn differs between versions; these are the definitions of 3.8
  f <- function(...) quietly(fsn(yi, vi, data = d, ...))
  m <- mean(d$yi)
  list(rosenthal = f()$fsnum, rosenthal_01 = f(alpha = 0.01)$fsnum, rosenthal_p = f()$pval,
       orwin = f(type = "Orwin")$fsnum, orwin_target = m / 3, orwin_to_target = f(type = "Orwin", target = m / 3)$fsnum,
       rosenberg = f(type = "Rosenberg")$fsnum, rosenberg_01 = f(type = "Rosenberg", alpha = 0.01)$fsnum,
       rosenberg_p = f(type = "Rosenberg")$pval)
}

excess <- function(d) {
  out <- list()
  for (m in c("FE", "REML")) for (alt in c("two.sided", "greater", "less")) {
    fit <- uni(d$yi, d$vi, m)
    tests <- lapply(c(chi2 = "chi2", binomial = "binom"), function(t)
      quietly(tes(d$yi, d$vi, theta = c(fit$beta), tau2 = fit$tau2, alternative = alt, test = t)))
    exact <- if (length(d$yi) <= 16) try(quietly(tes(d$yi, d$vi, theta = c(fit$beta), tau2 = fit$tau2, alternative = alt,
                                                     test = "exact", progbar = FALSE)), silent = TRUE) else NULL
    one <- tests$chi2
    out[[paste(m, alt, sep = "_")]] <- list(
      observed = one$O, expected = one$E, power = arr(one$power), chi2 = one$pval, binomial = tests$binomial$pval,
      exact = if (is.null(exact) || inherits(exact, "try-error")) NA else exact$pval)
  }
  out
}

# --- data sets ----------------------------------------------------------------------------------------------

one_per_study <- function(d, rho) {
  parts <- split(d, factor(d$study, levels = unique(d$study)))
  out <- lapply(parts, function(g) {
    n <- nrow(g); s <- sqrt(g$vi); V <- rho * outer(s, s); diag(V) <- g$vi
    data.frame(study = g$study[1], yi = mean(g$yi), vi = sum(V) / n^2, ni = max(g$ni))
  })
  do.call(rbind, out)
}

crede <- function() { d <- dat.crede2010; z <- zcor(d$ri, d$ni)
  data.frame(study = d$studyid, effect = seq_len(nrow(d)), yi = c(z$yi), vi = c(z$vi), ni = d$ni, year = d$year) }

INDEPENDENT <- list(
  molloy2014 = function() { z <- zcor(dat.molloy2014$ri, dat.molloy2014$ni); data.frame(yi = c(z$yi), vi = c(z$vi), ni = dat.molloy2014$ni) },
  mcdaniel1994 = function() { z <- zcor(dat.mcdaniel1994$ri, dat.mcdaniel1994$ni); data.frame(yi = c(z$yi), vi = c(z$vi), ni = dat.mcdaniel1994$ni) },
  bcg = function() { d <- dat.bcg; z <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = d)
    data.frame(yi = c(z$yi), vi = c(z$vi), ni = with(d, tpos + tneg + cpos + cneg)) },
  hackshaw1998 = function() data.frame(yi = c(dat.hackshaw1998$yi), vi = dat.hackshaw1998$vi),
  bangertdrowns2004 = function() with(dat.bangertdrowns2004, data.frame(yi = c(yi), vi = vi, ni = ni)),
  crede2010_aggregated = function() one_per_study(crede(), 0.5))

CASES <- list(
  molloy2014 = list(one = list(steps = 0.025), two = list(steps = c(0.025, 0.5)), five = list(steps = 0.05),
                    both = list(steps = 0.05, alternative = "two.sided"),
                    fixed = list(steps = c(0.025, 0.5), fixed = c(0.5, 0.2))),
  mcdaniel1994 = list(one = list(steps = 0.025), three = list(steps = c(0.005, 0.025, 0.5)),
                      both = list(steps = c(0.01, 0.05), alternative = "two.sided")),
  bcg = list(one = list(steps = 0.025), fixed = list(steps = c(0.025, 0.5), fixed = c(0.6, 0.3))),
  hackshaw1998 = list(one = list(steps = 0.025), two = list(steps = c(0.05, 0.5)), three = list(steps = c(0.025, 0.1, 0.5))),
  bangertdrowns2004 = list(one = list(steps = 0.025), two = list(steps = c(0.025, 0.5))),
  crede2010_aggregated = list(fixed = list(steps = c(0.025, 0.5), fixed = c(0.5, 0.2))))

independent <- function(name) {
  message(name)
  d <- INDEPENDENT[[name]]()
  way <- if (uni(d$yi, d$vi, "REML")$beta[1] >= 0) "greater" else "less"
  rk <- quietly(ranktest(d$yi, d$vi))
  list(data = c(list(yi = arr(d$yi), vi = arr(d$vi)), if (!is.null(d$ni)) list(n = arr(d$ni))),
       regression = regressions(d), rank = list(tau = unname(rk$tau), p_value = rk$pval),
       trim_fill = fills(d), counts = counts(d), excess = excess(d),
       selection = selections(d, cases = CASES[[name]], beta = name != "crede2010_aggregated", alternative = way),
       p_uniform = p_uniform(d$yi, d$vi, if (way == "greater") 1 else -1),
       limit = limit_meta(d$yi, d$vi))
}

DEPENDENT <- list(
  crede2010 = crede,
  assink2016 = function() with(dat.assink2016, data.frame(study = study, effect = seq_along(yi), yi = c(yi), vi = vi)))

dependent_bias <- function(name, cases, beta, mods = NULL) {
  message(name, ", dependent")
  d <- DEPENDENT[[name]]()
  V <- vcalc(vi, cluster = study, obs = effect, rho = 0.6, data = d)
  slope <- function(x) list(three_level = fit_mv(d, d$vi, "REML", mods = x), che = fit_mv(d, V, "REML", mods = x))
  out <- list(data = list(study = arr(d$study), yi = arr(d$yi), vi = arr(d$vi)), sei = slope(sqrt(d$vi)), vi = slope(d$vi),
              selection = selections(d, study = d$study, cases = cases, beta = beta, alternative = "greater"))
  if (!is.null(mods)) {
    x <- mods(d)
    out$moderator <- arr(x)
    out$selection_moderator <- selections(d, study = d$study, X = cbind(1, x), cases = cases[1], beta = FALSE,
                                          alternative = "greater")
  }
  out
}

golden_bias <- list(
  source = make_source(
    c(names(INDEPENDENT), names(DEPENDENT)), "metadat", numDeriv = as.character(packageVersion("numDeriv")),
    control = list(
      regression = "lm(weights=1/vi); rma.uni(mods, threshold=1e-14 or the smallest that stops); regtest as check",
      rank = "ranktest", trim_fill = "trimfill on such fits (its own refits use metafor's defaults for REML)",
      counts = "fsn of metafor 3.8 (Orwin: unweighted mean)", excess = "tes(theta, tau2 given); exact up to k = 16",
      selection = "published likelihood, optim and Newton steps on numDeriv derivatives from several starts, also with tau2 = 0, the highest taken; metafor's selmodel beside it; robust: sandwich of scores summed by study times m/(m-1)",
      beta = "p clipped at 1e-5, integrate(rel.tol=1e-12) in four pieces",
      p_uniform = "van Aert & van Assen's conditional likelihood, ML; profiles by optimize on a grid",
      limit = "radial regression by lm, error variance one; se_metasens is what metasens reports",
      dependent = "rma.mv at the polished optimum, clubSandwich CR2, as in pooling.R")))

if (!interactive() && any(grepl("bias.R", commandArgs()))) {
  golden_bias$independent <- lapply(setNames(nm = names(INDEPENDENT)), independent)
  golden_bias$dependent <- list(
    crede2010 = dependent_bias("crede2010", list(one = list(steps = 0.025), two = list(steps = c(0.025, 0.5))), TRUE,
                               mods = function(d) d$year - 2000),
    assink2016 = dependent_bias("assink2016", list(one = list(steps = 0.025), two = list(steps = c(0.025, 0.5))), TRUE))
  golden_bias$source$script <- "scripts/golden/bias.R"
  write_golden(golden_bias, "bias")
}
