# The analysis of metaalliance again, with metafor and clubSandwich.
#
#   Rscript analysis.R          (in the folder of effects.csv and expected.csv)
#
# Fits every model from effects.csv, prints the results, and compares them with those of
# metaalliance in expected.csv. Stops with an error where an estimate, a standard error or a
# limit differs by more than 1e-6. Writes results_r.csv.
#
# Needs R with the packages metafor (3.8 or later) and clubSandwich (0.5.8 or later).

suppressPackageStartupMessages({
  library(metafor)
  library(clubSandwich)
})

TOLERANCE <- 1e-6

# A table with its numbers where they are named; all else is text, so that 1.1 and 1.10, 1 and 01
# or a level called NA stay what they are. The files mark text that a spreadsheet would run, such
# as "+", by an apostrophe before it.
read_table <- function(file, numbers, missing) {
  d <- read.csv(file, fileEncoding = "UTF-8-BOM", colClasses = "character",
                na.strings = missing, check.names = FALSE)
  is_number <- names(d) %in% numbers
  d[is_number] <- lapply(d[is_number], function(x) as.numeric(replace(x, which(x == "NA"), NA)))
  d[!is_number] <- lapply(d[!is_number], function(x) sub("^'(?=[-'=+@])", "", x, perl = TRUE))
  d
}

dat <- read_table("effects.csv", {{numbers}}, missing = "")
expected <- read_table("expected.csv", c("estimate", "se", "df", "p_value", "ci_low", "ci_high", "tau2"),
                       missing = character())
results <- list()

# ------------------------------------------------------------------------------------------
# Fits that are converged to the optimum: metafor's own tolerances stop earlier.
# ------------------------------------------------------------------------------------------

first_that_works <- function(controls, fit) {
  for (control in controls) {
    found <- try(suppressWarnings(fit(control)), silent = TRUE)
    if (!inherits(found, "try-error")) return(found)
  }
  stop("metafor did not converge: ", attr(found, "condition")$message)
}

two_level <- function(d, mods, method, test) {
  plain <- startsWith(test, "cr")
  controls <- switch(method,
    PM = , PMM = list(list(tol = 1e-14, maxiter = 10000), list(tol = 1e-10, maxiter = 10000), list()),
    REML = , ML = , EB = lapply(10^-(14:8), function(th) list(threshold = th, maxiter = 10000)),
    list(list()))
  metafor_test <- switch(test, "knapp-hartung" = "knha", "knapp-hartung-adhoc" = "adhoc",
                         t = "t", "z")
  first_that_works(controls, function(control) {
    rma(yi, vi, mods = mods, data = d, method = method, test = if (plain) "z" else metafor_test,
        control = control)
  })
}

# Labels of a column; those that are missing are one group of their own.
labels_of <- function(d, column) {
  found <- as.character(d[[column]])
  ifelse(is.na(found), "", found)
}

# Effects of different samples of a study come from different people: their sampling errors are
# independent. Without the column every study is one sample.
samples_of <- function(d) if (is.null(d$independent_sample)) rep(1, nrow(d)) else d$independent_sample

# The root of the smaller n over the larger, where the fewer people of a sample are among the more;
# without the column the effects of a sample are of the same people.
overlap_of <- function(d) {
  if (is.null(d$overlap_n)) return(1)
  root <- sqrt(d$overlap_n)
  outer(root, root, pmin) / outer(root, root, pmax)
}

# Sampling covariance: rho between effects of a sample (one number, or a column that holds it),
# rho_same between those of one innermost level that also share the column `same`.
sampling_covariance <- function(d, spec) {
  V <- diag(d$vi, nrow(d))
  if (spec$model != "che") return(V)
  d$.sample <- samples_of(d)
  if (is.null(spec$rho_column) && is.null(spec$same) && is.null(d$overlap_n))
    return(vcalc(vi, cluster = study, subgroup = .sample, obs = .obs, rho = spec$rho, data = d))
  rho <- if (is.null(spec$rho_column)) rep(spec$rho, nrow(d)) else d[[spec$rho_column]]
  shared <- do.call(paste, c(lapply(c(spec$levels, spec$same), labels_of, d = d), sep = "\r"))
  for (i in split(seq_len(nrow(d)), factor(d$study, levels = unique(d$study)))) {
    R <- matrix(rho[i[1]], length(i), length(i))
    if (!is.null(spec$same)) R[outer(shared[i], shared[i], "==")] <- spec$rho_same
    R[outer(d$.sample[i], d$.sample[i], "!=")] <- 0
    R <- R * overlap_of(d[i, ])
    diag(R) <- 1
    V[i, i] <- R * outer(sqrt(d$vi[i]), sqrt(d$vi[i]))
  }
  V
}

# The likelihood of few studies can have two maxima: the fit starts where metafor would and at
# the variances of metaalliance, and the highest one is taken. An optimizer can stay above a
# variance of 0, so that those at 0 are also held there.
nested <- function(d, mods, spec) {
  d$.obs <- seq_len(nrow(d))
  for (column in c(spec$levels, spec$crossed)) d[[paste0(".", column)]] <- labels_of(d, column)
  V <- sampling_covariance(d, spec)
  quoted <- function(columns) paste0("`.", columns, "`")
  nesting <- paste(c(quoted(spec$levels), ".obs"), collapse = "/")
  random <- list(as.formula(paste("~ 1 |", nesting)))
  if (!is.null(spec$crossed)) random <- c(random, as.formula(paste("~ 1 |", quoted(spec$crossed))))
  fit <- function(init, held = rep(NA, length(spec$start))) {
    controls <- lapply(10^-(15:9), function(tol) {
      control <- list(optimizer = "nlminb", rel.tol = tol, iter.max = 5000, eval.max = 5000)
      if (!is.null(init)) control$sigma2.init <- init
      control
    })
    first_that_works(controls, function(control) {
      rma.mv(yi, V, mods = mods, random = random, data = d, method = spec$tau2,
             sigma2 = held, test = if (spec$test == "t") "t" else "z",
             dfs = if (identical(spec$df, "contain")) "contain" else "residual", sparse = nrow(d) > 100, control = control)
    })
  }
  start <- pmax(spec$start, 1e-6)
  fits <- list(fit(NULL), fit(start))
  if (any(spec$start == 0)) fits <- c(fits, list(fit(start, ifelse(spec$start == 0, 0, NA))))
  fits[[which.max(sapply(fits, function(f) as.numeric(logLik(f))))]]
}

# ------------------------------------------------------------------------------------------
# Satterthwaite's degrees of freedom from the restricted information of the variances, which
# metafor does not have: 2 f^2 / (g' A g), f the variance of a combination of the coefficients, g
# its derivatives by the variances, A the inverse information. Variances at zero are held there.
# ------------------------------------------------------------------------------------------

satterthwaite <- function(spec) spec$test == "t" && identical(spec$df, "satterthwaite")

components_of <- function(fit, d, spec) {
  inside <- function(i) do.call(paste, c(lapply(spec$levels[1:i], labels_of, d = d), sep = "\r"))
  groups <- c(lapply(seq_along(spec$levels), inside), list(seq_len(nrow(d))))
  if (!is.null(spec$crossed)) groups <- c(groups, list(labels_of(d, spec$crossed)))
  free <- fit$sigma2 > 1e-6 * max(fit$sigma2, mean(d$vi))
  X <- fit$X
  W <- solve(as.matrix(fit$M))
  Phi <- solve(t(X) %*% W %*% X)
  P <- W - W %*% X %*% Phi %*% t(X) %*% W
  same <- lapply(groups[free], function(g) outer(g, g, "==") * 1)
  PA <- lapply(same, function(A) P %*% A)
  entry <- function(a, b) sum(PA[[a]] * t(PA[[b]])) / 2
  information <- outer(seq_along(PA), seq_along(PA), Vectorize(entry))
  list(Phi = Phi, H = W %*% X %*% Phi, same = same, sigma2 = fit$sigma2[free],
       information = information)
}

df_of <- function(parts, C) {
  if (!length(parts$same)) return(rep(Inf, nrow(C)))
  H <- parts$H %*% t(C)
  gradient <- vapply(parts$same, function(A) colSums(H * (A %*% H)), numeric(nrow(C)))
  gradient <- matrix(gradient, nrow(C))
  f <- rowSums((C %*% parts$Phi) * C)
  2 * f^2 / rowSums((gradient %*% solve(parts$information)) * gradient)
}

# The F test: uncorrelated combinations, their degrees of freedom averaged by the expectation of F.
joint_df_of <- function(parts, C) {
  white <- solve(t(chol(C %*% parts$Phi %*% t(C)))) %*% C
  H <- parts$H %*% t(white)
  made <- Reduce(`+`, Map(function(A, s) s * t(H) %*% A %*% H, parts$same, parts$sigma2),
                 matrix(0, nrow(C), nrow(C)))
  df <- df_of(parts, t(eigen(made, symmetric = TRUE)$vectors) %*% white)
  if (any(df <= 2)) return(min(df))
  2 + 2 * length(df) / sum(2 / (df - 2))
}

# ------------------------------------------------------------------------------------------
# What is kept of a fit: coefficients with the test that was asked for.
# ------------------------------------------------------------------------------------------

# The coarsest level, whose groups are independent of each other.
clusters_of <- function(d, spec) labels_of(d, c(spec$levels, "study")[1])

coefficients_of <- function(fit, d, spec) {
  test <- spec$test
  level <- spec$level
  if (startsWith(test, "cr")) {
    vcov <- vcovCR(fit, cluster = clusters_of(d, spec), type = toupper(test))
    found <- coef_test(fit, vcov = vcov, test = "Satterthwaite")
    ends <- conf_int(fit, vcov = vcov, level = level, test = "Satterthwaite")
    df <- if (is.null(found$df_Satt)) found$df else found$df_Satt
    return(data.frame(estimate = c(fit$beta), se = found$SE, df = df, p_value = found$p_Satt,
                      ci_low = ends$CI_L, ci_high = ends$CI_U))
  }
  df <- if (is.null(fit$ddf) || all(is.na(fit$ddf))) Inf else fit$ddf
  p_value <- c(fit$pval)
  if (satterthwaite(spec)) {
    df <- df_of(components_of(fit, d, spec), diag(length(fit$se)))
    p_value <- 2 * pt(-abs(c(fit$beta) / fit$se), df)
  }
  half <- if (all(is.infinite(df))) qnorm((1 + level) / 2) else qt((1 + level) / 2, df)
  data.frame(estimate = c(fit$beta), se = fit$se, df = df, p_value = p_value,
             ci_low = c(fit$beta) - half * fit$se, ci_high = c(fit$beta) + half * fit$se)
}

keep <- function(analysis, terms, found, tau2) {
  row <- data.frame(analysis = analysis, term = terms, found, tau2 = tau2, row.names = NULL)
  results[[length(results) + 1]] <<- row
}

fit_model <- function(d, spec, mods = ~ 1) {
  if (spec$model %in% c("three-level", "che"))
    nested(d, mods, spec)
  else
    two_level(d, mods, if (spec$model == "common-effect") "FE" else spec$tau2, spec$test)
}

total_tau2 <- function(fit) if (is.null(fit$sigma2) || inherits(fit, "rma.uni")) fit$tau2 else sum(fit$sigma2)

mean_of <- function(analysis, d, spec) {
  fit <- fit_model(d, spec)
  keep(analysis, "mean", coefficients_of(fit, d, spec), total_tau2(fit))
}

# Plain average of the effects of a study; its variance knows of their correlation (within samples).
averaged <- function(d, rho) {
  parts <- split(seq_len(nrow(d)), factor(d$study, levels = unique(d$study)))
  do.call(rbind, lapply(parts, function(i) {
    R <- rho * outer(samples_of(d)[i], samples_of(d)[i], "==") * overlap_of(d[i, ])
    diag(R) <- 1
    v <- sqrt(d$vi[i])
    data.frame(study = d$study[i[1]], yi = mean(d$yi[i]), vi = c(t(v) %*% R %*% v) / length(i)^2)
  }))
}

extreme <- function(d, which) {
  d[unlist(lapply(split(seq_len(nrow(d)), factor(d$study, levels = unique(d$study))),
                  function(i) i[which(d$yi[i])])), ]
}

# One mean per level, and the test that they are equal.
levels_of <- function(analysis, d, column, tested, spec) {
  d <- d[!is.na(d[[column]]) & d[[column]] %in% tested, ]
  d$.level <- factor(d[[column]], levels = tested)
  fit <- fit_model(d, spec, if (length(tested) > 1) ~ 0 + .level else ~ 1)
  keep(analysis, tested, coefficients_of(fit, d, spec), total_tau2(fit))
  g <- length(tested)
  if (g < 2) return(invisible())
  if (startsWith(spec$test, "cr")) {
    vcov <- vcovCR(fit, cluster = clusters_of(d, spec), type = toupper(spec$test))
    test <- Wald_test(fit, constraints = constrain_equal(seq_len(g)), vcov = vcov, test = "HTZ")
    found <- c(test$Fstat, test$df_num, test$df_denom, test$p_val)
  } else {
    test <- anova(fit, X = cbind(1, -diag(g - 1)))
    df2 <- if (is.null(test$QMdf) || length(test$QMdf) < 2 || is.na(test$QMdf[2])) Inf else test$QMdf[2]
    found <- c(test$QM, g - 1, df2, test$QMp)
    if (satterthwaite(spec)) {
      found[3] <- joint_df_of(components_of(fit, d, spec), cbind(1, -diag(g - 1)))
      found[4] <- pf(found[1], g - 1, found[3], lower.tail = FALSE)
    }
  }
  row <- data.frame(analysis = analysis, term = "omnibus", estimate = found[1], se = NA,
                    df = found[3], p_value = found[4], ci_low = NA, ci_high = NA, tau2 = total_tau2(fit))
  results[[length(results) + 1]] <<- row
}

slope_of <- function(analysis, d, column, centre, scale, spec) {
  d <- d[!is.na(d[[column]]), ]
  d$.x <- (d[[column]] - centre) / scale
  fit <- fit_model(d, spec, ~ .x)
  keep(analysis, c("mean", "slope"), coefficients_of(fit, d, spec), total_tau2(fit))
}

# ------------------------------------------------------------------------------------------
# The analyses.
# ------------------------------------------------------------------------------------------

