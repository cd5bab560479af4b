# Values of the package metaselection, for selection models of dependent effects.
#
#   Rscript scripts/golden/selection.R CHECKOUT lehmann2018.csv tests/golden/selection.json
#
# CHECKOUT is a clone of github.com/jepusto/metaselection (0.1.5, commit ac99bd1), whose score functions are
# called and stay outside this tree; the data are metadat's dat.lehmann2018 (study, yi, vi). Roots of
# the scores are found by Newton's method with numerical derivatives, from the estimates of the package
# or the points given here. Errors are sandwich errors by study from its scores with numerical
# derivatives: the package's own Jacobian of the ARGL equations counts effects below the first step
# among those whose weight moves. They have no factor m / (m - 1).
args <- commandArgs(trailingOnly = TRUE)
for (name in c("step-function", "step-utilities", "hybrid-estimating", "define-priors", "beta-function", "beta-utilities"))
  source(file.path(args[1], "R", paste0(name, ".R")))
data <- read.csv(args[2])
sei <- sqrt(data$vi)
study <- factor(data$study, levels = unique(data$study))
precise <- as.numeric(data$vi < median(data$vi))
D <- cbind(1, precise)
colnames(D) <- c("(Intercept)", "precise")

solved <- function(score, loglik, start) {
  theta <- start
  for (i in 1:100) {
    step <- solve(numDeriv::jacobian(score, theta), score(theta))
    theta <- theta - step * min(1, 1 / max(abs(step)))
    if (max(abs(step)) < 1e-12) break
  }
  bread <- solve(numDeriv::jacobian(score, theta))
  sums <- rowsum(score(theta, TRUE), study)
  list(theta = theta, se = sqrt(diag(bread %*% crossprod(sums) %*% t(bread))),
       log_likelihood = loglik(theta) - nrow(data) * log(2 * pi) / 2)
}

one <- function(start, estimator = "cml", penalised = FALSE, steps = .025, type = "step",
                X = NULL, U = NULL, Z = NULL) {
  priors <- if (penalised) define_priors() else NULL
  Z <- if (is.null(Z)) NULL else list(Z)
  if (type == "beta") {
    score <- function(t, each = FALSE) beta_score(theta = t, yi = data$yi, sei = sei, steps = c(.025, .975), X = X, U = U,
                                                  priors = priors, contributions = each)
    loglik <- function(t) beta_loglik(theta = t, yi = data$yi, sei = sei, steps = c(.025, .975), X = X, U = U)
  } else {
    f <- if (estimator == "cml") step_score else step_hybrid_score
    score <- function(t, each = FALSE) f(theta = t, yi = data$yi, sei = sei, steps = steps, X = X, U = U, Z = Z,
                                         priors = priors, contributions = each)
    loglik <- function(t) step_loglik(theta = t, yi = data$yi, sei = sei, steps = steps, X = X, U = U, Z = Z)
  }
  found <- solved(score, loglik, start)
  c(list(estimator = estimator, penalised = penalised, steps = steps, model = type,
         moderated = paste0(c(if (!is.null(X)) "X", if (!is.null(U)) "U", if (!is.null(Z)) "Z"), collapse = "")), found)
}

three <- c(.13, -2.5, -.6); four <- c(.07, -2.5, -.7, -1.1)
cases <- list(
  one(three), one(three, penalised = TRUE), one(three, "argl"), one(three, "argl", TRUE),
  one(four, steps = c(.025, .5)), one(four, penalised = TRUE, steps = c(.025, .5)),
  one(c(.09, -2.9, -.9, -1.1), "argl", steps = c(.025, .5)),
  one(c(-.12, -1.8, -.1, .5), type = "beta"), one(c(-.1, -1.9, -.1, .45), penalised = TRUE, type = "beta"),
  one(c(.27, -.22, -2.6, -.6), X = D), one(c(.13, -2.4, -.1, -.6), U = D), one(c(.14, -2.6, -1.3, 1.5), Z = D),
  one(c(.165, -.046, -3.94, 1.58, -1.66, 1.73), X = D, U = D, Z = D),
  one(c(.2, -.08, -3.4, 1, -1.3, 1.4), "argl", X = D, U = D, Z = D),
  one(c(-.12, -1.8, 0, -.1, .5), type = "beta", U = D))
writeLines(jsonlite::toJSON(list(
  meta = list(package = "metaselection 0.1.5, commit ac99bd1", R = R.version.string),
  data = list(study = as.character(data$study), yi = data$yi, vi = data$vi, precise = precise),
  cases = cases), digits = NA, auto_unbox = TRUE), args[3])
