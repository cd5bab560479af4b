# Power of planned reviews: tests/golden/power.json.
# R with metafor, clubSandwich and jsonlite (r-cran-metafor r-cran-clubsandwich r-cran-jsonlite).
#
# Published numbers that the values here reproduce:
# - metapower 0.2.2, vignette "Using metapower": mpower(effect_size = .2, sample_size = 20, k = 10,
#   es_type = "d") prints 0.2917841 for the fixed-effects model (Hedges & Pigott 2001).
# - POMADE 0.1.0.9999, help page of power_MADE: J = c(40, 60), mu = .2, tau = .2, omega = .1,
#   rho = .7, sigma2 ~ gamma(5, rate 10), effects 1 + Poisson(4.5), seed 10052510, 5 iterations;
#   CHE-RVE: J = 40 var_b .00917, df 33.0, power .528; J = 60 var_b .00593, df 48.1, power .721.
suppressMessages({library(metafor); library(clubSandwich); library(jsonlite)})

two_sided <- function(ncp, df, level = .95) {
  crit <- qt(1 - (1 - level) / 2, df)
  pt(-crit, df, ncp) + pt(crit, df, ncp, lower.tail = FALSE)
}

# 1. Noncentral distributions. F as its Poisson mixture of betas, since pf(ncp =) stops at 1e-9.
noncentral_f <- function(ncp, q, df) {
  f <- qf(.95, q, df); j <- 0:500
  sum(dpois(j, ncp^2 / 2) * pbeta(q * f / (q * f + df), q / 2 + j, df / 2, lower.tail = FALSE))
}
cases <- expand.grid(ncp = c(0, .5, 1, 2.8, 5), q = c(1, 2, 4), df = c(3.2, 9, 33.4, 200))
cases$power <- with(cases, mapply(noncentral_f, ncp, q, df))
chi2 <- expand.grid(ncp = c(.5, 1, 2.8, 5), q = c(1, 2, 4))
chi2$power <- with(chi2, pchisq(qchisq(.95, q), q, ncp^2, lower.tail = FALSE))

# 2. CHE-RVE by the equations of Vembye et al. (2023).
che <- function(s2, kj, mu, tau, omega, rho) {
  w <- kj / (kj * tau^2 + kj * rho * s2 + omega^2 + (1 - rho) * s2)
  W <- sum(w)
  df <- 1 / (sum(w^2 / (W - w)^2) - 2 / W * sum(w^3 / (W - w)^2) + sum(w^2 / (W - w))^2 / W^2)
  list(var_b = 1 / W, df = df, power = two_sided(mu * sqrt(W), df))
}
pomade <- lapply(c(40, 60), function(J) {
  set.seed(10052510)
  s2 <- lapply(1:5, function(i) rgamma(J, shape = 5, rate = 10))
  kj <- lapply(1:5, function(i) 1 + rpois(J, 5.5 - 1))
  found <- Map(function(s, k) che(s, k, .2, .2, .1, .7), s2, kj)
  list(J = J, sigma2 = s2, kj = kj, found = unname(found),
       mean = list(var_b = mean(sapply(found, `[[`, "var_b")), df = mean(sapply(found, `[[`, "df")),
                   power = mean(sapply(found, `[[`, "power"))))
})

# 3. Realised power of the wald test, Jackson & Turner (2017): equal sampling variances.
realised <- function(mu, v, tau2, k, level = .95) {
  total <- v + tau2; z <- qnorm(1 - (1 - level) / 2); sd <- sqrt(total / k); df <- k - 1
  rejects <- function(s2) { l <- z * sqrt(s2 / k); pnorm((mu - l) / sd) + pnorm((-mu - l) / sd) }
  floor <- df * v / total
  rest <- integrate(function(x) dchisq(x, df) * rejects(total * x / df), floor, Inf,
                    rel.tol = 1e-11, subdivisions = 2000)$value
  pchisq(floor, df) * rejects(v) + rest
}
jt <- expand.grid(mu = c(0, .1, .3), tau2 = c(0, .01, .04), k = c(3, 5, 10, 40))
jt$v <- 1 / 47
jt$power <- with(jt, mapply(realised, mu, v, tau2, k))

# 4. Standard errors and degrees of freedom of planned designs, at given variances.
set.seed(7)
m <- c(1, 2, 3, 5); n <- c(25, 40, 80, 160)
groups <- c(12, 8, 6)
place <- unlist(lapply(groups, function(g) floor((seq_len(g) - .5) / g * 4) + 1))
study <- rep(seq_along(place), m[place]); vi <- rep(1 / (n[place] - 3), m[place])
group <- factor(rep(rep(1:3, groups), m[place]))
yi <- rnorm(length(vi))
fixed <- function(formula, keep = rep(TRUE, length(vi))) {
  d <- data.frame(yi, vi, study, group, sei = sqrt(vi), effect = seq_along(vi))[keep, ]
  V <- impute_covariance_matrix(d$vi, d$study, r = .6)
  rma.mv(formula, V = V, random = ~ 1 | study / effect, sigma2 = c(.12^2, .08^2), data = d)
}
first <- group == 1
mean_fit <- fixed(yi ~ 1, first); egger_fit <- fixed(yi ~ sei, first)
two_fit <- fixed(yi ~ 0 + group, group != 3)  # the third level is dropped
three_fit <- fixed(yi ~ 0 + group)
ct <- function(fit) as.data.frame(coef_test(fit, "CR2"))
wald <- function(fit, C) Wald_test(fit, C, "CR2", test = "HTZ")
C2 <- matrix(c(-1, 1), 1); C3 <- rbind(c(-1, 1, 0), c(-1, 0, 1))
designs <- list(
  n = n, m = m, groups = groups, tau2 = c(.12^2, .08^2), rho = .6,
  mean = list(variance = vcov(mean_fit)[1, 1], df = ct(mean_fit)$df_Satt),
  egger = list(variance = vcov(egger_fit)[2, 2], df = ct(egger_fit)$df_Satt[2]),
  two = list(variance = (C2 %*% vcov(two_fit) %*% t(C2))[1, 1], df = wald(two_fit, C2)$df_denom),
  three = list(covariance = C3 %*% vcov(three_fit) %*% t(C3), df = wald(three_fit, C3)$df_denom)
)

out <- list(
  provenance = list(
    made_by = "scripts/golden/power.R", R = R.version.string,
    metafor = as.character(packageVersion("metafor")),
    clubSandwich = as.character(packageVersion("clubSandwich")),
    published = paste(
      "metapower vignette 'Using metapower' (0.2917841);",
      "POMADE help page of power_MADE (.00917, 33.0, .528; .00593, 48.1, .721)"
    )
  ),
  f = cases, chi2 = chi2, pomade = pomade, realised = jt, designs = designs,
  fixed = list(d = .2, v = 1 / 10 + 1 / 10 + .2^2 / 40, k = 10, published = 0.2917841)
)
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE, dataframe = "rows"),
      "tests/golden/power.json")
