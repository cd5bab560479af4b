# Golden values of effects with their own standard error, interval or scale, from R.
#
#   Rscript scripts/golden/reported.R        (from the project root, a second)
#
# Needs R with metafor.  Writes
# tests/golden/reported.json.  The tests read only that file.
#
# Derivatives of Fisher's z are symbolic, by R's D(); h, J, r and the odds ratio come from metafor
# (escalc, conv.*) where it has them.  The mean of the effects on scale g is metafor's rma().

suppressPackageStartupMessages(library(metafor))

atanh_of <- function(r) substitute(log((1 + R) / (1 - R)) / 2, list(R = r))
at <- function(expr, values) eval(expr, values)
# Fisher z and its variance by the delta method, for r as an expression of x
carried <- function(r, values, variance) {
  z <- atanh_of(r)
  c(r = at(r, values), vz = variance * at(D(z, "x"), values)^2)
}
q <- function(level = 95) qnorm(0.5 + level / 200)
by_z <- function(low, high, x, level = 95) ((atanh(high) - atanh(low)) / (2 * q(level)) * (1 - x^2))^2
plain <- function(low, high, level = 95) ((high - low) / (2 * q(level)))^2
by_log <- function(low, high, x) ((log(high) - log(low)) / (2 * q()) * x)^2

R <- quote(x); SPEARMAN <- quote(2 * sin(pi * x / 6)); KENDALL <- quote(sin(pi * x / 2))
FROM_D <- quote(x / sqrt(x^2 + h)); BETA <- quote(x + 0.05); TANH <- quote(tanh(x))
LOG_OR <- quote((x * sqrt(3) / pi) / sqrt((x * sqrt(3) / pi)^2 + 4))
OR <- quote((log(x) * sqrt(3) / pi) / sqrt((log(x) * sqrt(3) / pi)^2 + 4))
RR <- quote((log(x * (1 - p) / (1 - x * p)) * sqrt(3) / pi) /
            sqrt((log(x * (1 - p) / (1 - x * p)) * sqrt(3) / pi)^2 + 4))
h <- function(n1, n2) (n1 + n2 - 2) * (1 / n1 + 1 / n2)
J <- function(m) exp(lgamma(m / 2) - log(sqrt(m / 2)) - lgamma((m - 1) / 2))

cases <- list(
  list("r", list(r = .3, ci_low = -.01, ci_high = .56), carried(R, list(x = .3), by_z(-.01, .56, .3))),
  list("r", list(r = .3, ci_low = .05, ci_high = .52, ci_level = 90),
       carried(R, list(x = .3), by_z(.05, .52, .3, 90))),
  list("r", list(r = -.42, se = .09), carried(R, list(x = -.42), .09^2)),
  list("fisher_z", list(fisher_z = .37, se = .11), carried(TANH, list(x = .37), .11^2)),
  list("fisher_z", list(fisher_z = .37, ci_low = .15, ci_high = .59),
       carried(TANH, list(x = .37), plain(.15, .59))),
  list("partial_r", list(partial_r = .25, se = .1), carried(R, list(x = .25), .1^2)),
  list("semipartial_r", list(semipartial_r = .2, ci_low = .02, ci_high = .37),
       carried(R, list(x = .2), by_z(.02, .37, .2))),
  list("spearman_rho", list(spearman_rho = .35, ci_low = .1, ci_high = .56),
       carried(SPEARMAN, list(x = .35), by_z(.1, .56, .35))),
  list("spearman_rho", list(spearman_rho = .35, se = .1), carried(SPEARMAN, list(x = .35), .1^2)),
  list("kendall_tau", list(kendall_tau = .25, se = .08), carried(KENDALL, list(x = .25), .08^2)),
  list("d", list(d = .6, se = .21), carried(FROM_D, list(x = .6, h = 4), .21^2)),
  list("d", list(d = -.6, ci_low = -1.01, ci_high = -.19),
       carried(FROM_D, list(x = -.6, h = 4), plain(-1.01, -.19))),
  list("g", list(g = .5, se = .2), carried(FROM_D, list(x = .5, h = 4), .2^2)),
  list("beta", list(beta = .25, se = .08), carried(BETA, list(x = .25), .08^2)),
  list("log_odds_ratio", list(log_odds_ratio = 1.41, se = .39, n = 120),
       carried(LOG_OR, list(x = 1.41), .39^2)),
  list("log_odds_ratio", list(log_odds_ratio = .65, ci_low = .18, ci_high = 1.12),
       carried(LOG_OR, list(x = .65), plain(.18, 1.12))),
  list("odds_ratio", list(odds_ratio = 1.9, ci_low = 1.3, ci_high = 2.8),
       carried(OR, list(x = 1.9), by_log(1.3, 2.8, 1.9))),
  list("risk_ratio", list(risk_ratio = 1.5, base_risk = .4, ci_low = 1.1, ci_high = 2.05),
       carried(RR, list(x = 1.5, p = .4), by_log(1.1, 2.05, 1.5))),
  list("risk_ratio", list(risk_ratio = .7, events2 = 12, total2 = 40, ci_low = .5, ci_high = .98),
       carried(RR, list(x = .7, p = .3), by_log(.5, .98, .7)))
)
scales <- list(
  list("z", list(yi = .25, vi = .01), carried(TANH, list(x = .25), .01)),
  list("r", list(yi = .25, sei = .1), carried(R, list(x = .25), .01)),
  list("d", list(yi = .5, vi = .04), carried(FROM_D, list(x = .5, h = 4), .04)),
  list("d", list(yi = .5, vi = .09, n1 = 30, n2 = 60), carried(FROM_D, list(x = .5, h = h(30, 60)), .09)),
  list("g", list(yi = .8, vi = .04, n1 = 52, n2 = 55),
       carried(FROM_D, list(x = .8 / J(105), h = h(52, 55)), .04)),
  list("g", list(yi = -.8, sei = .2, n = 107), carried(FROM_D, list(x = -.8 / J(105), h = 4), .04)),
  list("log_or", list(yi = 1.1, vi = .16), carried(LOG_OR, list(x = 1.1), .16))
)
g <- list(yi = c(.8, .5, 1.1, .3), vi = c(.04, .06, .05, .02), n1 = c(52, 34, 46, 101),
          n2 = c(55, 33, 44, 99))
d <- g$yi / J(g$n1 + g$n2 - 2)
hs <- h(g$n1, g$n2)
stopifnot(all.equal(J(105), metafor:::.cmicalc(105)))
fit <- rma(atanh(d / sqrt(d^2 + hs)), g$vi / (d^2 + hs), test = "knha",
           control = list(threshold = 1e-14, maxiter = 1000))
smd <- c(r = tanh(fit$b[1]), ci_low = tanh(fit$ci.lb), ci_high = tanh(fit$ci.ub), tau2 = fit$tau2)

num <- function(x) formatC(x, digits = 17, format = "g")
object <- function(l) paste0("{", paste0("\"", names(l), "\": ", vapply(l, num, ""), collapse = ", "), "}")
entry <- function(case) paste0("  {\"of\": \"", case[[1]], "\", \"inputs\": ", object(case[[2]]),
                               ", \"outputs\": ", object(as.list(case[[3]])), "}")
all_of <- function(list) paste(vapply(list, entry, ""), collapse = ",\n")
writeLines(c(
  paste0("{\"source\": \"R ", getRversion(), ", metafor ", packageVersion("metafor"),
         ", scripts/golden/reported.R\","),
  " \"statistics\": [", all_of(cases), " ],", " \"scales\": [", all_of(scales), " ],",
  paste0(" \"pooled_g\": ", object(as.list(smd))), "}"
), file.path("tests", "golden", "reported.json"))
