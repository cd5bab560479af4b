# Results known only as not significant: tests/golden/censored.json.
# R with metafor (for its data), metadat and jsonlite (r-cran-metafor r-cran-metadat r-cran-jsonlite).
#
# The likelihood is written out here: normal densities of values, normal probabilities of intervals,
# and R's integrate() over the effect of a study; optim() and uniroot() find maximum and limits.
# With a file as argument (R/source.R of the package metansue 2.6, GPL-3) its imputations are made,
# too: its mean is the maximum without heterogeneity after studies that oppose zero most are left
# out, its tau² that given this mean, so that it is another estimator; the critical values are ours.
suppressMessages({library(metafor); library(metadat); library(jsonlite)})
options(digits = 17)
critical <- function(n) atanh(sqrt(qt(.975, n - 2)^2 / (qt(.975, n - 2)^2 + n - 2)))
climb <- function(f, start) {
  control <- list(reltol = 1e-16, maxit = 5000, abstol = -Inf)
  found <- optim(start, f, control = control)
  for (i in 1:5) found <- optim(found$par, f, control = control)
  optim(found$par, f, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000, ndeps = rep(1e-5, length(start))))
}
log_interval <- function(low, high, mean, sd) {
  a <- pnorm(high, mean, sd, log.p = TRUE); b <- pnorm(low, mean, sd, log.p = TRUE)
  a + log1p(-exp(b - a))
}

# 1. One effect of each study: correlations of conscientiousness and adherence; those that are not
# significant are known only as that.
dat <- dat.molloy2014
y <- atanh(dat$ri); v <- 1 / (dat$ni - 3); limit <- critical(dat$ni); silent <- abs(y) < limit
minus <- function(b, s) -sum(dnorm(y, b, sqrt(v + s^2), log = TRUE)[!silent]) -
  sum(log_interval(-limit, limit, b, sqrt(v + s^2))[silent])
best <- climb(function(x) minus(x[1], x[2]), c(.15, .1))
profile <- function(b) 2 * (optimize(function(s) minus(b, s), c(0, 1), tol = 1e-12)$objective - best$value)
ends <- sapply(c(-.3, .3), function(d) uniroot(function(b) profile(b) - qchisq(.95, 1), sort(c(best$par[1], best$par[1] + d)), tol = 1e-13)$root)
of_tau2 <- function(t2) 2 * (optimize(function(b) minus(b, sqrt(t2)), c(-1, 1), tol = 1e-12)$objective - best$value)
high <- uniroot(function(t2) of_tau2(t2) - qchisq(.95, 1), c(best$par[2]^2, .5), tol = 1e-14)$root
two_level <- list(yi = y, vi = v, limit = limit, silent = silent, estimate = best$par[1], tau2 = best$par[2]^2,
  log_likelihood = -best$value, ci = ends, statistic = sign(best$par[1]) * sqrt(profile(0)), tau2_high = high)

# 2. Several effects of a study (schools in districts), independent sampling errors.
dat <- dat.konstantopoulos2011
y2 <- dat$yi; v2 <- dat$vi; limit2 <- qnorm(.975) * sqrt(v2); silent2 <- abs(y2) < limit2 & seq_along(y2) %% 2 == 0
of_district <- function(rows, b, tau, omega) {
  sd <- sqrt(v2[rows] + omega^2); q <- silent2[rows]
  inner <- function(z) sapply(z, function(one) {
    m <- b + tau * one
    exp(sum(dnorm(y2[rows], m, sd, log = TRUE)[!q]) + sum(log_interval(-limit2[rows], limit2[rows], m, sd)[q])) * dnorm(one)
  })
  log(integrate(inner, -9, 9, rel.tol = 1e-11, subdivisions = 2000)$value)
}
minus2 <- function(x) -sum(sapply(split(seq_along(y2), dat$district), of_district, x[1], x[2], x[3]))
best2 <- climb(minus2, c(.18, .25, .17))
three_level <- list(yi = y2, vi = v2, limit = limit2, silent = silent2, study = dat$district, estimate = best2$par[1],
  sigma2 = best2$par[2:3]^2, log_likelihood = -best2$value)

# 3. Imputations of metansue.
file <- commandArgs(trailingOnly = TRUE)
stored <- "tests/golden/censored.json"
metansue <- if (file.exists(stored)) fromJSON(stored)$metansue  # kept without the file
if (length(file)) {
  source(file[1])
  set.seed(1)
  r <- tanh(y); r[silent] <- NA
  x <- zcor_from_r(r, dat.molloy2014$ni)
  stopifnot(max(abs(x$y_up - limit)) < 1e-14)
  m <- meta(x, n.imp = 2000)
  metansue <- list(version = "2.6", estimate = m$model$coef, se = sqrt(m$model$cov[1]), tau2 = m$heterogeneity$tau2)
}
version <- function(p) as.character(packageVersion(p))
provenance <- list(made_by = "scripts/golden/censored.R", R = R.version.string, metafor = version("metafor"), metadat = version("metadat"))
write_json(list(provenance = provenance, two_level = two_level, three_level = three_level, metansue = metansue),
  "tests/golden/censored.json", digits = I(17), auto_unbox = TRUE, pretty = TRUE)
