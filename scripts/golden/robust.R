# Golden values of the joint robust tests, the wild bootstrap and robumeta's models, from R.
#
#   Rscript scripts/golden/robust.R          (from the project root, about half a minute)
#
# Needs what pooling.R needs, and robumeta (Debian: r-cran-robumeta).
# Writes tests/golden/robust.json.  The tests read only that file; they never need R.

source(file.path("scripts", "golden", "pooling.R"))   # writer, polish(), prepare(), zcor(); runs nothing
suppressPackageStartupMessages(library(robumeta))

ROBUST_CONTROL <- list(
  sigma2 = "REML: rma.mv (nlminb) taken to the optimum by Newton steps on the analytic score, as in pooling.R; everything else is evaluated at the sigma2 stored here (rma.mv with sigma2 given), so that no optimizer's tolerance is left in it",
  CHE = "V = vcalc(vi, cluster=study, obs=effect, rho=0.6)",
  tests = "clubSandwich Wald_test, vcov = vcovCR(type); htz: test=\"HTZ\"; naive_f: test=\"Naive-F\"; chi2: test=\"chi-sq\" (statistic = Q); constraints as matrix C, C beta = 0",
  robu = "robumeta robu(); unrounded fields: b.r, VR.r, dfs, mod_info; small: VR.r and dfs, p from t; large: reg_table's SE, that is VR.r * m/(m-p), dfs m - p; weights: data.full$r.weights",
  robu_htz = "clubSandwich Wald_test on the robu object (target: inverse of the weights)",
  wild = "F = Q/q of the full model (clubSandwich, sigma2 given) on y* = X b0 + eta_j A_j e0_j: b0, e0 from the null model at the same sigma2, A_j = 1 (adjust cr0) or the CR2 adjustment matrices of the null model (adjust cr2)"
)

# ---------------------------------------------------------------------------
# designs and constraints
# ---------------------------------------------------------------------------

dummies <- function(x, levels) sapply(levels[-1], function(l) as.numeric(x == l))

CASES <- list(
  crede2010 = function(d) {
    z <- zcor(d$ri, d$ni)
    list(dat = prepare(d$studyid, z$yi, z$vi), note = "ZCOR",
         designs = list(
           source = cbind(1, dummies(d$source, c("dissertation", "journal", "other"))),
           mixed = cbind(1, dummies(d$source, c("dissertation", "journal", "other")), d$criterion == "grade", d$year - 2000)))
  },
  konstantopoulos2011 = function(d) list(
    dat = prepare(d$district, d$yi, d$vi), note = "yi, vi as given; study = district; period: to 1989, 1994 to 1997, 2000",
    designs = list(
      period = cbind(1, dummies(cut(d$year, c(0, 1990, 1998, 2001), labels = c("a", "b", "c")), c("a", "b", "c"))),
      cells = sapply(c("a", "b", "c"), function(l) as.numeric(cut(d$year, c(0, 1990, 1998, 2001), labels = c("a", "b", "c")) == l)))),
  assink2016 = function(d) list(
    dat = prepare(d$study, d$yi, d$vi), note = "yi, vi as given",
    designs = list(
      deltype = cbind(1, dummies(d$deltype, c("general", "overt", "covert"))),
      year = cbind(1, d$pubstatus, d$year))),
  tannersmith2016 = function(d) list(
    dat = prepare(d$studyid, d$yi, d$vi), note = "yi (Fisher z), vi as given",
    designs = list(
      sexmix = cbind(1, dummies(d$sexmix, c("female", "male", "mixed"))),
      mixed = cbind(1, dummies(d$sexmix, c("female", "male", "mixed")), d$aget1, d$aget2 - d$aget1)))
)

unit <- function(i, p) diag(p)[i, , drop = FALSE]

constraints <- function(X) {
  p <- ncol(X)
  if (!all(X[, 1] == 1))               # cell means: equal, and all zero
    return(list(equal = cbind(-1, diag(p - 1)), zero = diag(p)))
  out <- list(all = unit(2:p, p), last = unit(p, p))
  if (p >= 3) out$equal <- unit(2, p) - unit(3, p)
  if (p > 3) out$factor <- unit(2:3, p)
  out
}

# ---------------------------------------------------------------------------
# models
# ---------------------------------------------------------------------------

test_fields <- function(fit, vcv, C) {
  one <- function(test) {
    w <- Wald_test(fit, constraints = C, vcov = vcv, test = test)
    list(statistic = w$Fstat, df1 = w$df_num, df2 = w$df_denom, p_value = w$p_val)
  }
  chi <- Wald_test(fit, constraints = C, vcov = vcv, test = "chi-sq")
  list(C = C, htz = one("HTZ"), naive_f = one("Naive-F"),
       chi2 = list(statistic = chi$Fstat * nrow(C), df1 = nrow(C), p_value = chi$p_val))
}

tests_of <- function(fit, cluster, X, types = c("CR0", "CR1", "CR2")) {
  lapply(setNames(nm = types), function(type) {
    vcv <- if (is.null(cluster)) vcovCR(fit, type = type) else vcovCR(fit, cluster = cluster, type = type)
    lapply(constraints(X), function(C) test_fields(fit, vcv, C))
  })
}

fixed_mv <- function(y, dat, V, X, s) {
  colnames(X) <- paste0("x", seq_len(ncol(X)))
  rma.mv(yi = y, V = V, mods = X, intercept = FALSE, random = ~ 1 | study/effect, data = dat, sigma2 = s)
}

polished <- function(dat, V, X) {
  Vm <- if (is.matrix(V)) V else diag(V)
  d <- list(y = dat$yi, V = Vm, X = X, ZZ = outer(dat$study, dat$study, "==") * 1)
  for (tol in 10^(-15:-10)) {
    a <- try(rma.mv(dat$yi, V, mods = X, intercept = FALSE, random = ~ 1 | study/effect, data = dat,
                    control = list(optimizer = "nlminb", rel.tol = tol, iter.max = 2000, eval.max = 2000)), silent = TRUE)
    if (!inherits(a, "try-error")) break
  }
  s <- polish(a$sigma2, d, TRUE)
  list(sigma2 = s, check = list(nlminb_rel_tol = tol, nlminb_vs_polished = signif(max(abs(a$sigma2 - s)), 2),
                                score_at_solution = arr(signif(vc_state(s, d, TRUE)$score, 2))))
}

model_fields <- function(dat, V, X) {
  po <- polished(dat, V, X)
  s <- po$sigma2
  fit <- fixed_mv(dat$yi, dat, V, X, s)
  out <- list(sigma2 = list(study = s[1], effect = s[2]), beta = arr(c(fit$beta)), vcov = unname(fit$vb))
  ct <- coef_test(fit, vcov = vcovCR(fit, cluster = dat$study, type = "CR2"), test = "Satterthwaite")
  out$coef_cr2 <- list(se = arr(ct$SE), df = arr(unname(ct$df_Satt)), p_value = arr(ct$p_Satt))
  C <- constraints(X)[[1]]
  Q <- c(t(C %*% fit$beta) %*% solve(C %*% fit$vb %*% t(C)) %*% (C %*% fit$beta))
  out$model_chi2 <- list(C = C, statistic = Q, p_value = pchisq(Q, nrow(C), lower.tail = FALSE))
  c(out, list(tests = tests_of(fit, dat$study, X), check = po$check))
}

# ---------------------------------------------------------------------------
# wild bootstrap: statistics for given weights
# ---------------------------------------------------------------------------

null_basis <- function(C) { q <- qr(t(C)); qr.Q(q, complete = TRUE)[, -seq_len(nrow(C)), drop = FALSE] }

wild_fields <- function(dat, V, X, s, eta) {
  C <- constraints(X)[[1]]
  X0 <- X %*% null_basis(C)
  studies <- unique(dat$study)
  null <- fixed_mv(dat$yi, dat, V, X0, s)
  e0 <- dat$yi - c(X0 %*% null$beta)
  adjustments <- attr(vcovCR(null, cluster = factor(dat$study, levels = studies), type = "CR2"), "adjustments")
  residuals <- list(cr0 = e0, cr2 = e0)
  for (j in seq_along(studies)) {
    rows <- dat$study == studies[j]
    residuals$cr2[rows] <- c(adjustments[[j]] %*% e0[rows])
  }
  F_of <- function(y, type) {
    fit <- fixed_mv(y, dat, V, X, s)
    Wald_test(fit, constraints = C, vcov = vcovCR(fit, cluster = dat$study, type = type), test = "Naive-F")$Fstat
  }
  replicates <- lapply(residuals, function(e) lapply(c(cr0 = "CR0", cr2 = "CR2"), function(type)
    arr(apply(eta, 1, function(w) F_of(dat$yi - e0 + w[match(dat$study, studies)] * e, type)))))
  list(C = C, eta = eta, observed = list(cr0 = F_of(dat$yi, "CR0"), cr2 = F_of(dat$yi, "CR2")), adjust = replicates)
}

wild_weights <- function(m, n = 8) {
  set.seed(20)
  rbind(matrix(sample(c(-1, 1), n / 2 * m, TRUE), n / 2), matrix(sample(c(-1, 1) %o% sqrt(c(.5, 1, 1.5)), n / 2 * m, TRUE), n / 2))
}

# ---------------------------------------------------------------------------
# robumeta
# ---------------------------------------------------------------------------

robu_fields <- function(dat, X, kind, rho = 0.8) {
  p <- ncol(X)
  names <- paste0("x", seq_len(p))
  d <- cbind(dat, setNames(as.data.frame(X), names))
  f <- as.formula(paste("yi ~ 0 +", paste(names, collapse = " + ")))
  # robumeta takes the root of eigenvalues of -1e-17 before it sets them to 0
  quiet <- function(expr) withCallingHandlers(expr, warning = function(w) {
    if (conditionMessage(w) == "NaNs produced") invokeRestart("muffleWarning")
  })
  run <- function(small) quiet(eval(bquote(robu(.(f), data = d, studynum = study, var.eff.size = vi, modelweights = .(kind), rho = .(rho), small = .(small)))))
  s <- run(TRUE)
  l <- run(FALSE)
  m <- s$N
  fields <- function(V, df) {
    se <- sqrt(diag(as.matrix(V)))
    t <- c(s$b.r) / se
    list(se = arr(unname(se)), df = arr(rep_len(c(df), p)), statistic = arr(unname(t)), p_value = arr(unname(2 * pt(abs(t), rep_len(c(df), p), lower.tail = FALSE))))
  }
  out <- list(beta = arr(c(s$b.r)), tau2 = c(s$mod_info$tau.sq),
              omega2 = if (kind == "HIER") c(s$mod_info$omega.sq) else NULL,
              I2 = if (kind == "CORR") c(s$mod_info$I.2) else NULL,
              weights = arr(s$data.full$r.weights),
              small = fields(s$VR.r, s$dfs), large = fields(as.matrix(l$VR.r) * m / (m - p), l$dfs))
  stopifnot(max(abs(out$large$se$values - l$reg_table$SE)) < 1e-12, max(abs(out$small$se$values - s$reg_table$SE)) < 1e-12)
  if (kind == "CORR") out$rho <- rho
  out <- out[!vapply(out, is.null, NA)]
  if (p > 1) out$tests <- tests_of(s, NULL, X, "CR2")
  out
}

robu_block <- function(dat, designs) {
  designs <- c(list(mean = cbind(rep(1, nrow(dat)))), designs)
  lapply(designs, function(X) {
    X <- unname(X)
    list(corr_rho0.8 = robu_fields(dat, X, "CORR"), corr_rho0.3 = robu_fields(dat, X, "CORR", 0.3), hier = robu_fields(dat, X, "HIER"))
  })
}

# made up so that a component is negative before it is set to 0
robu_edges <- function() {
  n <- c(3, 1, 4, 2, 2, 5, 1, 3)
  g <- rep(seq_along(n), n)
  k <- length(g)
  vi <- 0.02 + 0.01 * (seq_len(k) %% 4)
  wave <- c(1, -1, 2, -2, 0.5, -1.5, 1.5)[(seq_len(k) - 1) %% 7 + 1]
  cases <- list(
    both_zero = 0.3 + 0.02 * wave,
    omega_zero = c(0.1, 0.5, -0.2, 0.7, 0.3, 0.0, 0.6, 0.2)[g] + 0.02 * wave,
    tau_zero = 0.3 + 0.35 * wave)
  lapply(cases, function(y) {
    dat <- data.frame(study = g, effect = seq_len(k), yi = y, vi = vi)
    X <- cbind(1, seq_len(k) %% 3)
    list(data = lapply(dat, arr), design = X, corr_rho0.8 = robu_fields(dat, X, "CORR"), hier = robu_fields(dat, X, "HIER"))
  })
}

# ---------------------------------------------------------------------------

make_case <- function(name) {
  x <- CASES[[name]](as.data.frame(get(paste0("dat.", name), "package:metadat")))
  dat <- x$dat
  dat <- dat[order(dat$study), ]
  designs <- lapply(x$designs, function(X) unname(X)[order(x$dat$study), , drop = FALSE] * 1)
  dat$effect <- seq_len(nrow(dat))
  V <- vcalc(vi, cluster = study, obs = effect, rho = 0.6, data = dat)
  models <- lapply(designs, function(X) list(three_level = model_fields(dat, dat$vi, X), che_rho0.6 = model_fields(dat, V, X)))
  s <- unlist(models[[1]]$che_rho0.6$sigma2)
  wild <- wild_fields(dat, V, designs[[1]], unname(s), wild_weights(length(unique(dat$study))))
  list(note = x$note, data = lapply(dat, arr), designs = designs, models = models, wild_che_rho0.6 = wild,
       robu = robu_block(dat, designs))
}

main_robust <- function() {
  if (!dir.exists("tests")) stop("run this from the project root")
  source <- make_source(paste0("dat.", names(CASES)), "metadat", control = ROBUST_CONTROL)
  source$packages$robumeta <- as.character(packageVersion("robumeta"))
  source$script <- "scripts/golden/robust.R"
  out <- list(source = source)
  for (name in names(CASES)) out[[name]] <- make_case(name)
  out$robu_edges <- robu_edges()
  write_golden(out, "robust")
}

if (sys.nframe() == 0L) main_robust()
