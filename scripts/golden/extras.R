# Golden values of the further methods, from R.
#
#   Rscript scripts/golden/extras.R          (from the project root, about four minutes)
#
# Needs R with metafor, metadat, mvtnorm and what pooling.R needs, whose data sets and JSON
# writer it uses.  Writes tests/golden/extras.json.  The tests read only that file.
#
# Where metafor stops early, or needs a package that Debian does not have, the value is computed
# here from the definition with base R, by another route than the package's: quadratic forms by
# Imhof's integral, the moments of Henmi and Copas by matrices, posteriors by integrate().

source(file.path("scripts", "golden", "pooling.R"))
suppressPackageStartupMessages(library(mvtnorm))

root <- function(f, lower, upper) uniroot(f, c(lower, upper), tol = 1e-16, maxiter = 10000)$root

# An integral over consecutive pieces of the range
pieces <- function(f, at, rel.tol = 1e-12) {
  sum(mapply(function(a, b) integrate(f, a, b, rel.tol = rel.tol, abs.tol = 0, subdivisions = 2000L,
                                      stop.on.error = FALSE)$value, at[-length(at)], at[-1]))
}

# --- generalised Q ------------------------------------------------------------------------------

# P(sum(lambda * chi2_1) > q) by Imhof (1961)
imhof <- function(q, lambda) {
  scale <- sum(lambda)
  lambda <- lambda / scale
  q <- q / scale
  f <- function(u) vapply(u, function(x) {
    theta <- 0.5 * (sum(atan(lambda * x)) - q * x)
    sin(theta) / (x * exp(0.25 * sum(log1p((lambda * x)^2))))
  }, 0)
  end <- 1
  while (sum(log1p((lambda * end)^2)) / 4 + log(end) < 36 && end < 1e7) end <- end * 1.5
  at <- unique(c(1e-300, seq(0, min(end, 400 * pi / q), by = pi / (2 * max(q, 0.1)))[-1], end))
  0.5 + pieces(f, at, 1e-10) / pi
}

generalized_q <- function(yi, vi, a) {
  k <- length(yi)
  X <- matrix(1, k)
  P <- diag(a) - a %*% t(a) / sum(a)
  Q <- drop(t(yi) %*% P %*% yi)
  upper <- function(tau2) {
    s <- sqrt(vi + tau2)
    imhof(Q, eigen(P * outer(s, s), symmetric = TRUE, only.values = TRUE)$values[seq_len(k - 1)])
  }
  top <- 10 * var(yi) + 1
  at <- function(p) if (upper(0) >= p) 0 else {
    high <- 0.01
    while (upper(high) < p) high <- 2 * high
    uniroot(function(t) upper(t) - p, c(0, high), tol = 1e-15, maxiter = 1000)$root
  }
  fit <- rma(yi, vi, weights = a, method = "GENQ")
  list(Q = Q, GENQ = fit$tau2, GENQM = at(0.5), ci_low = at(0.025), ci_high = at(0.975))
}

median_unbiased <- function(yi, vi) {
  fit <- rma(yi, vi, method = "PMM", control = list(tol = 1e-16, maxiter = 10000))
  target <- qchisq(0.5, length(yi) - 1)
  q <- function(t) { w <- 1 / (vi + t); sum(w * (yi - sum(w * yi) / sum(w))^2) - target }
  by_root <- root(q, 0, 10 * var(yi) + 1)
  list(PMM = by_root, metafor_differs_by = signif(fit$tau2 - by_root, 2))
}

# --- Henmi and Copas ----------------------------------------------------------------------------

henmi_copas <- function(yi, vi, level) {
  k <- length(yi)
  w <- 1 / vi
  W1 <- sum(w)
  W2 <- sum(w^2) / W1
  b <- sqrt(w / W1)
  beta <- sum(w * yi) / W1
  Q <- sum(w * (yi - beta)^2)
  tau2 <- max(0, (Q - (k - 1)) / (W1 - W2))
  S <- diag(1 + tau2 * w)                      # covariance of sqrt(w) (y - mu)
  VR <- drop(t(b) %*% S %*% b)
  M <- diag(k) - b %*% t(b)                    # Q = x' M x
  C <- S - S %*% b %*% t(b) %*% S / VR         # covariance given R = b'x
  m <- drop(S %*% b) / VR                      # mean given R = 1
  MC <- M %*% C
  e0 <- sum(diag(MC)); e1 <- drop(t(m) %*% M %*% m)
  v0 <- 2 * sum(MC * t(MC)); v1 <- 4 * drop(t(m) %*% M %*% C %*% M %*% m)
  f <- function(r) (W1 / W2 - 1) * (r^2 - 1) + k - 1
  tail <- function(u) {
    g <- function(r) {
      EQ <- e0 + e1 * r^2
      VQ <- v0 + v1 * r^2
      pgamma(f(r / u), shape = EQ^2 / VQ, scale = VQ / EQ) * dnorm(r, sd = sqrt(VR))
    }
    2 * pieces(g, u + sqrt(VR) * c(0, 0.25, 0.5, 1, 2, 4, 8, 14))
  }
  u <- root(function(u) tail(u) - (1 - level), 1e-3, 50)
  se <- sqrt(VR / W1)
  list(estimate = beta, se = se, tau2 = tau2, critical_value = u, ci_low = beta - u * se, ci_high = beta + u * se,
       p_value = tail(abs(beta) / se), conditional = list(mean_0 = e0, mean_slope = e1, var_0 = v0, var_slope = v1))
}

hc_metafor <- function(yi, vi) {
  h <- hc(rma(yi, vi, method = "DL"), control = list(tol = 1e-14, maxiter = 10000))
  list(estimate = h$beta, se = h$se, tau2 = h$tau2, ci_low = h$ci.lb, ci_high = h$ci.ub)
}

# --- permutation test ---------------------------------------------------------------------------

permutation <- function(yi, vi, method, test) {
  control <- switch(method, DL = list(), PM = list(tol = 1e-13, maxiter = 10000), list(threshold = 1e-12, maxiter = 1000))
  fit <- rma(yi, vi, method = method, test = test, control = control)
  p <- permutest(fit, exact = TRUE, progbar = FALSE, retpermdist = TRUE)
  z <- as.matrix(p$zval.perm)[, 1]
  stopifnot(!anyNA(z), length(z) == 2^length(yi))
  list(statistic = fit$zval, p_value = p$pval, replications = length(z), mean_abs = mean(abs(z)), mean_fourth_root = mean(abs(z)^0.25))
}

# --- Bayesian model -----------------------------------------------------------------------------

PRIORS <- list(
  half_normal_0.3 = function(t) 2 * dnorm(t, sd = 0.3),
  half_cauchy_0.3 = function(t) 2 * dcauchy(t, scale = 0.3),
  uniform_2 = function(t) ifelse(t <= 2, 0.5, 0),
  uniform = function(t) rep(1, length(t))
)

bayes <- function(yi, vi, prior, mean0, sd0) {
  k <- length(yi)
  flat <- is.infinite(sd0)
  given <- function(t) {                       # t is a vector; everything in closed form given tau
    V <- outer(vi, t^2, "+")                   # k x length(t)
    A <- colSums(1 / V) + 1 / sd0^2
    m <- (colSums(yi / V) + if (flat) 0 else mean0 / sd0^2) / A
    logN <- function(mu) -0.5 * colSums(log(2 * pi * V) + (yi - rep(mu, each = k))^2 / V)
    ll <- logN(m) + 0.5 * log(2 * pi / A) + if (flat) 0 else dnorm(m, mean0, sd0, log = TRUE)
    list(ll = ll, m = m, V = 1 / A, ll_null = logN(rep(0, length(t))))
  }
  if (!flat) for (t in c(0, 0.1, 1))           # the same as the density of the multivariate normal
    stopifnot(abs(given(t)$ll - dmvnorm(yi, rep(mean0, k), diag(vi + t^2) + sd0^2, log = TRUE)) < 1e-9)
  if (flat) for (t in c(0, 0.1, 1)) {          # the same as the integral over the mean
    s <- given(t)
    f <- function(mu) exp(vapply(mu, function(c) sum(dnorm(yi, c, sqrt(vi + t^2), log = TRUE)), 0) - s$ll)
    stopifnot(abs(pieces(f, s$m + sqrt(s$V) * seq(-12, 12, 3)) - 1) < 1e-9)
  }
  grid <- given(exp(seq(-8, 3, length.out = 200)))
  top <- max(grid$ll); top_null <- max(grid$ll_null)
  at <- c(0, 0.01, 0.02, 0.05, 0.08, 0.11, 0.14, 0.17, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1, 1.4, 2)
  if (!identical(prior, PRIORS$uniform_2)) at <- c(at, 4, 10, 100, Inf)
  over <- function(g, to = at) pieces(function(t) { s <- given(t); exp(s$ll - top) * g(t, s) * prior(t) }, to, 1e-11)
  Z <- over(function(x, s) 1)
  mean_of <- function(g) over(g) / Z
  mu <- mean_of(function(x, s) s$m)
  mu2 <- mean_of(function(x, s) s$V + (s$m - mu)^2)
  tau <- mean_of(function(x, s) x)
  tau2 <- mean_of(function(x, s) (x - tau)^2)
  cdf <- function(c) mean_of(function(x, s) pnorm(c, s$m, sqrt(s$V)))
  below <- function(c) if (c <= 0) 0 else over(function(x, s) 1, c(at[at < c], c)) / Z
  new <- function(c) mean_of(function(x, s) pnorm(c, s$m, sqrt(s$V + x^2)))
  quantile <- function(f, p, lower, upper) uniroot(function(c) f(c) - p, c(lower, upper), tol = 1e-12, maxiter = 1000)$root
  null <- pieces(function(t) exp(given(t)$ll_null - top_null) * prior(t), at, 1e-11)
  theta <- function(i) {
    b <- function(x) vi[i] / (vi[i] + x^2)
    m <- mean_of(function(x, s) b(x) * s$m + (1 - b(x)) * yi[i])
    v <- mean_of(function(x, s) (1 - b(x)) * vi[i] + b(x)^2 * s$V + (b(x) * s$m + (1 - b(x)) * yi[i] - m)^2)
    c(m, sqrt(v))
  }
  shrunk <- sapply(c(1, k), theta)
  list(
    log_marginal_likelihood = log(Z) + top,
    mu = list(mean = mu, sd = sqrt(mu2), median = quantile(cdf, 0.5, -3, 3), low = quantile(cdf, 0.025, -3, 3),
              high = quantile(cdf, 0.975, -3, 3), above_0.1 = 1 - cdf(0.1)),
    tau = list(mean = tau, sd = sqrt(tau2), median = quantile(below, 0.5, 0, 2), low = quantile(below, 0.025, 0, 2),
               high = quantile(below, 0.975, 0, 2)),
    new_effect = list(sd = sqrt(mu2 + tau2 + tau^2), low = quantile(new, 0.025, -6, 6), high = quantile(new, 0.975, -6, 6)),
    study_means = arr(shrunk[1, ]), study_sds = arr(shrunk[2, ]),
    log_bayes_factor_mu = if (flat) NA else log(Z) + top - log(null) - top_null,
    log_bayes_factor_tau = unname(log(Z) + top - given(0)$ll)
  )
}

# --- psychometric -------------------------------------------------------------------------------

psychometric <- function(ri, ni) {
  k <- length(ri)
  i <- seq_len(k)
  rxx <- 0.70 + 0.02 * ((7 * i) %% 11)         # made-up reliabilities
  ryy <- 0.75 + 0.03 * ((5 * i) %% 7)
  rbar <- weighted.mean(ri, ni)
  vr <- weighted.mean((ri - rbar)^2, ni)
  ve <- (1 - rbar^2)^2 / (mean(ni) - 1)
  ve_each <- weighted.mean((1 - rbar^2)^2 / (ni - 1), ni)
  A <- sqrt(rxx * ryy)
  rc <- ri / A
  w <- ni * A^2
  rc_bar <- weighted.mean(rc, w)
  rc_var <- weighted.mean((rc - rc_bar)^2, w)
  rc_ve <- weighted.mean((1 - rbar^2)^2 / (ni - 1) / A^2, w)
  a <- sqrt(rxx[i %% 3 != 0]); b <- sqrt(ryy[i %% 2 == 0])
  n_var <- function(x) mean((x - mean(x))^2)
  AB <- c(outer(a, b))                         # every combination of the two factors
  rho <- rbar / mean(AB)
  va <- rho^2 * n_var(AB)
  av <- escalc(measure = "COR", ri = ri, ni = ni, vtype = "AV")
  hs <- rma(yi, vi, data = av, weights = ni, method = "HS")
  list(
    rxx = arr(rxx), ryy = arr(ryy), known_x = arr(which(i %% 3 != 0)), known_y = arr(which(i %% 2 == 0)),
    bare_bones = list(mean_rho = rbar, observed_variance = vr, sampling_variance = ve, sampling_variance_each = ve_each,
                      rho_variance = max(0, vr - ve), se = sqrt(vr / k), explained = ve / vr,
                      credibility_low = rbar - qnorm(0.9) * sqrt(max(0, vr - ve)), credibility_high = rbar + qnorm(0.9) * sqrt(max(0, vr - ve))),
    individual = list(mean_rho = rc_bar, observed_variance = rc_var, sampling_variance = rc_ve, rho_variance = max(0, rc_var - rc_ve),
                      se = sqrt(rc_var / k), ci_low = rc_bar - qnorm(0.975) * sqrt(rc_var / k)),
    distribution = list(mean_rho = rho, artifact_variance = va, rho_variance = max(0, vr - ve - va) / mean(AB)^2,
                        se = sqrt(vr / k) / mean(AB)),
    metafor_HS_AV = list(estimate = c(hs$beta), vi = arr(av$vi), tau2 = hs$tau2)
  )
}

# --- all ----------------------------------------------------------------------------------------

extras <- function(name) {
  d <- jsonlite::fromJSON(file.path(OUT, "metadat", paste0(name, ".json")))$data
  yi <- d$yi; vi <- d$vi
  message(name, ": quadratic forms")
  out <- list(k = length(yi), median_unbiased = median_unbiased(yi, vi),
              generalized_q = list(inverse_variance = generalized_q(yi, vi, 1 / vi),
                                   inverse_se = generalized_q(yi, vi, 1 / sqrt(vi)),
                                   equal = generalized_q(yi, vi, rep(1, length(yi)))),
              henmi_copas = list(level_95 = henmi_copas(yi, vi, 0.95), level_99 = henmi_copas(yi, vi, 0.99),
                                 metafor = hc_metafor(yi, vi)))
  message(name, ": permutations")
  first <- seq_len(10)
  out$permutation_first_10 <- lapply(setNames(nm = c("FE", "DL", "HE", "HS", "SJ", "PM", "ML", "REML")), function(m)
    lapply(setNames(nm = c("z", "knha")), function(te) suppressWarnings(permutation(yi[first], vi[first], m, te))))
  message(name, ": posteriors")
  if (name %in% c("molloy2014", "bcg", "crede2010"))
    out$bayes <- lapply(PRIORS, function(prior) list(flat = bayes(yi, vi, prior, 0, Inf), normal = bayes(yi, vi, prior, 0.1, 0.5)))
  if (!is.null(d$ri)) out$psychometric <- psychometric(d$ri, d$ni)
  out
}

main_extras <- function() {
  names <- c("molloy2014", "mcdaniel1994", "bcg", "crede2010")
  source <- make_source(paste(names, collapse = ", "), "metadat", data = "yi, vi, ri, ni of the golden file of that name",
    intervals = "95% (Henmi-Copas also 99%)",
    generalized_q = "GENQ by metafor; GENQM and interval by Imhof's integral and uniroot (metafor needs CompQuadForm)",
    henmi_copas = "conditional moments of Q by matrices, integrate(rel.tol=1e-12); metafor::hc with tol=1e-14 beside it",
    permutation = "metafor::permutest, all sign patterns of the first ten effects, REML and ML with threshold=1e-12, PM tol=1e-13",
    bayes = "integrate() over tau in pieces; priors of tau as named, of the mean flat or N(0.1, 0.5); log marginal likelihood with density 1 for flat priors; central 95% intervals; study_means and study_sds of the first and the last study",
    psychometric = "by the formulas, all combinations of factors for the artifact distributions; metafor_HS_AV is rma(vtype=\"AV\", weights=ni, method=\"HS\")")
  source$script <- "scripts/golden/extras.R"
  source$packages$mvtnorm <- as.character(packageVersion("mvtnorm"))
  write_golden(list(source = source, data_sets = lapply(setNames(nm = names), extras)), "extras")
}

if (sys.nframe() == 0L) main_extras()
