# Golden values of the agreement statistics, from R.
#
#   Rscript scripts/golden/agreement.R          (from the project root)
#
# Needs R with psych, vcd and jsonlite (Debian: r-cran-psych, r-cran-vcd, r-cran-jsonlite) and with
# irr (CRAN).  Writes tests/golden/agreement.json.  The tests read only that file; they never
# need R.
#
# - Values of kappa: irr::kappa2; of Fleiss's kappa: irr::kappam.fleiss; of alpha:
#   irr::kripp.alpha; intraclass correlations with limits: irr::icc, checked against psych::ICC.
# - Standard errors of kappa: vcd::Kappa (its ASE), for plain kappa checked against
#   psych::cohen.kappa.  irr's is the one under the hypothesis kappa = 0, which is not the one for an
#   interval.  That of psych 2.2.9 for weighted kappa is not used: for Cohen's table of 1960 with
#   linear weights it is .0515; vcd has .0544, and so has a simulation of 20,000 units (.0545).
# - irr::kripp.alpha of more than two coders is used on data with missing codes only: without any,
#   irr does not divide the coincidences by the number of coders less one.

suppressPackageStartupMessages({
  library(irr)
  library(psych)
  library(vcd)
})
options(warn = 1)

OUT <- file.path("tests", "golden", "agreement.json")

num <- function(x) {
  out <- sprintf("%.17g", as.double(x))
  out[!is.finite(x)] <- "null"
  out
}

js <- function(x, pad = "") {
  if (is.matrix(x)) x <- lapply(seq_len(nrow(x)), function(i) unname(x[i, ]))
  if (is.list(x)) {
    body <- vapply(x, js, "", pad = paste0(pad, " "))
    if (!is.null(names(x))) body <- paste0("\"", names(x), "\": ", body)
    ends <- if (is.null(names(x))) c("[", "]") else c("{", "}")
    return(paste0(ends[1], "\n", paste0(pad, " ", body, collapse = ",\n"), "\n", pad, ends[2]))
  }
  if (is.character(x)) return(as.character(jsonlite::toJSON(x, auto_unbox = length(x) == 1)))
  if (length(x) == 1) return(num(x))
  paste0("[", paste(num(x), collapse = ", "), "]")
}

# ---------------------------------------------------------------------------
# Two coders, categories
# ---------------------------------------------------------------------------

kappa_case <- function(ratings) {
  q <- max(ratings)
  tab <- table(factor(ratings[, 1], 1:q), factor(ratings[, 2], 1:q))
  one <- function(weight, W, irr_weight) {
    value <- kappa2(ratings, irr_weight)$value
    found <- vcd::Kappa(tab, weights = W)$Weighted
    other <- psych::cohen.kappa(tab, w = W)
    stopifnot(abs(found[["value"]] - value) < 1e-12,
              abs(other$weighted.kappa - value) < 1e-12,
              weight != "none" || abs(sqrt(other$var.kappa) - found[["ASE"]]) < 1e-12)
    list(kappa = value, se = found[["ASE"]])
  }
  d <- abs(outer(1:q, 1:q, "-")) / (q - 1)
  list(ratings = ratings,
       none = one("none", diag(q), "unweighted"),
       linear = one("linear", 1 - d, "equal"),
       quadratic = one("quadratic", 1 - d^2, "squared"))
}

expand <- function(tab) {
  pairs <- NULL
  for (i in seq_len(nrow(tab))) for (j in seq_len(ncol(tab)))
    if (tab[i, j] > 0) pairs <- rbind(pairs, matrix(rep(c(i, j), tab[i, j]), ncol = 2, byrow = TRUE))
  pairs
}

set.seed(20240607)
draw <- function(n, q, slips) {
  truth <- sample(q, n, replace = TRUE, prob = q:1)
  sapply(slips, function(p) ifelse(runif(n) < p, sample(q, n, replace = TRUE), truth))
}

kappas <- list(
  cohen1960 = kappa_case(expand(rbind(c(88, 14, 18), c(10, 40, 10), c(2, 6, 12)))),
  few = kappa_case(rbind(c(1, 1), c(2, 2), c(3, 3), c(1, 2), c(2, 1), c(3, 2), c(1, 3))),
  worse_than_chance = kappa_case(expand(rbind(c(2, 9), c(8, 3)))),
  prevalent = kappa_case(expand(rbind(c(90, 4), c(5, 1)))),
  five = kappa_case(draw(80, 5, c(0.2, 0.3)))
)

# ---------------------------------------------------------------------------
# Several coders
# ---------------------------------------------------------------------------

fleiss_case <- function(ratings) list(ratings = ratings, kappa = kappam.fleiss(ratings)$value)

diagnoses <- matrix(c(
  4, 4, 4, 4, 4, 4, 2, 2, 2, 5, 5, 5, 2, 3, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 2, 2, 2, 4, 4, 4,
  1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 5, 5, 1, 1, 3, 3, 3, 4, 1, 1, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5,
  1, 4, 4, 4, 4, 4, 1, 2, 4, 4, 4, 4, 2, 2, 2, 3, 3, 3, 1, 4, 4, 4, 4, 4, 2, 2, 4, 4, 4, 5,
  3, 3, 3, 3, 3, 5, 1, 1, 1, 4, 5, 5, 1, 1, 1, 1, 1, 2, 2, 2, 4, 4, 4, 4, 1, 3, 3, 5, 5, 5,
  5, 5, 5, 5, 5, 5, 2, 4, 4, 4, 4, 4, 2, 2, 4, 5, 5, 5, 1, 1, 4, 4, 4, 4, 1, 4, 4, 4, 4, 5,
  2, 2, 2, 2, 2, 4, 1, 1, 1, 1, 5, 5, 2, 2, 4, 4, 4, 4, 1, 3, 3, 3, 3, 3, 5, 5, 5, 5, 5, 5),
  ncol = 6, byrow = TRUE)

fleiss <- list(
  fleiss1971 = fleiss_case(diagnoses),
  three = fleiss_case(draw(40, 4, c(0.1, 0.2, 0.4)))
)

alpha_case <- function(ratings) {
  # irr takes coders as rows; values of our ordinal and interval metrics are the numbers themselves
  found <- lapply(c(nominal = "nominal", ordinal = "ordinal", interval = "interval"),
                  function(m) kripp.alpha(t(ratings), m)$value)
  list(ratings = ratings, nominal = found$nominal, ordinal = found$ordinal,
       interval = found$interval)
}

holes <- draw(50, 6, c(0.1, 0.3, 0.3, 0.5))
holes[cbind(sample(50, 30, replace = TRUE), sample(4, 30, replace = TRUE))] <- NA
alphas <- list(
  krippendorff2011 = alpha_case(rbind(
    c(1, 1, NA, 1), c(2, 2, 3, 2), c(3, 3, 3, 3), c(3, 3, 3, 3), c(2, 2, 2, 2), c(1, 2, 3, 4),
    c(4, 4, 4, 4), c(1, 1, 2, 1), c(2, 2, 2, 2), c(NA, 5, 5, 5), c(NA, NA, 1, 1), c(NA, NA, 3, NA))),
  two = alpha_case(draw(30, 5, c(0.2, 0.3))),
  holes = alpha_case(holes)
)

# ---------------------------------------------------------------------------
# Numbers
# ---------------------------------------------------------------------------

icc_case <- function(values) {
  agreement <- icc(values, model = "twoway", type = "agreement")
  consistency <- icc(values, model = "twoway", type = "consistency")
  # lmer is an approximation; the analysis of variance is what both formulas are about
  other <- psych::ICC(values, lmer = FALSE)$results
  stopifnot(abs(other["Single_random_raters", "ICC"] - agreement$value) < 1e-10,
            abs(other["Single_random_raters", "lower bound"] - agreement$lbound) < 1e-10,
            abs(other["Single_random_raters", "upper bound"] - agreement$ubound) < 1e-10,
            abs(other["Single_fixed_raters", "ICC"] - consistency$value) < 1e-10,
            abs(other["Single_fixed_raters", "lower bound"] - consistency$lbound) < 1e-10)
  part <- function(x) list(icc = x$value, ci_low = x$lbound, ci_high = x$ubound)
  list(values = values, agreement = part(agreement), consistency = part(consistency))
}

truth <- rnorm(60, 0.28, 0.15)
iccs <- list(
  shrout_fleiss1979 = icc_case(rbind(
    c(9, 2, 5, 8), c(6, 1, 3, 2), c(8, 4, 6, 8), c(7, 1, 2, 6), c(10, 5, 6, 9), c(6, 2, 4, 7))),
  two = icc_case(cbind(truth, truth + rnorm(60, 0.01, 0.02))),
  three = icc_case(cbind(truth, truth + rnorm(60, 0, 0.1), truth + rnorm(60, 0.05, 0.05))),
  negative = icc_case(cbind(c(1, 2, 3, 4, 5), c(5, 3, 4, 2, 1))),
  sizes = icc_case(cbind(c(23, 45, 120, 1045, 62, 88), c(23, 48, 120, 1054, 26, 88)))
)

out <- list(
  source = list(
    R = R.version.string,
    irr = as.character(packageVersion("irr")),
    psych = as.character(packageVersion("psych")),
    vcd = as.character(packageVersion("vcd"))
  ),
  kappa = kappas, fleiss = fleiss, alpha = alphas, icc = iccs
)
con <- file(OUT, open = "wb")
writeBin(charToRaw(enc2utf8(paste0(js(out), "\n"))), con)
close(con)
message("wrote ", OUT)
