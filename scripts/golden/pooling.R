# Golden values for the tests, from R.
#
#   Rscript scripts/golden/pooling.R          (from the project root)
#
# Needs R with metafor, metadat, clubSandwich and jsonlite (Debian: r-cran-metafor,
# r-cran-metadat, r-cran-clubsandwich, r-cran-jsonlite).  Writes tests/golden/*.json.
# The tests read only those files; they never need R.  See tests/golden/README.md.

suppressPackageStartupMessages({
  library(metafor)
  library(metadat)
  library(clubSandwich)
})
invisible(Sys.setlocale("LC_COLLATE", "C"))   # the order of labels must not depend on the locale
options(warn = 1)

OUT <- file.path("tests", "golden")
RHOS <- c(0.6, 0.8)

# ---------------------------------------------------------------------------
# JSON writer: 17 significant digits (jsonlite stops at 15), NA/NaN/Inf -> null
# ---------------------------------------------------------------------------

arr <- function(x) structure(list(values = x), class = "json_array")

js_num <- function(x) {
  out <- sprintf("%.17g", as.double(x))
  out[!is.finite(x)] <- "null"
  out
}

js_str <- function(x) {
  out <- vapply(enc2utf8(as.character(x)),
                function(s) as.character(jsonlite::toJSON(s, auto_unbox = TRUE)), "", USE.NAMES = FALSE)
  out[is.na(x)] <- "null"
  out
}

js_atoms <- function(x) {
  if (is.factor(x)) x <- as.character(x)
  if (is.character(x)) return(js_str(x))
  if (is.logical(x)) return(ifelse(is.na(x), "null", ifelse(x, "true", "false")))
  js_num(x)
}

js_array <- function(x, pad) {
  a <- js_atoms(x)
  if (length(a) == 0L) return("[]")
  if (length(a) <= 4L) return(paste0("[", paste(a, collapse = ", "), "]"))
  rows <- split(a, (seq_along(a) - 1L) %/% 6L)
  rows <- vapply(rows, paste, "", collapse = ", ")
  paste0("[\n", paste0(pad, " ", rows, collapse = ",\n"), "\n", pad, "]")
}

js <- function(x, pad = "") {
  pad1 <- paste0(pad, " ")
  if (is.null(x)) return("null")
  if (inherits(x, "json_array")) return(js_array(x$values, pad))
  if (is.matrix(x)) x <- lapply(seq_len(nrow(x)), function(i) arr(unname(x[i, ])))
  if (is.list(x)) {
    if (length(x) == 0L) return(if (is.null(names(x))) "[]" else "{}")
    body <- vapply(x, js, "", pad = pad1)
    if (!is.null(names(x))) body <- paste0(js_str(names(x)), ": ", body)
    ends <- if (is.null(names(x))) c("[", "]") else c("{", "}")
    return(paste0(ends[1], "\n", paste0(pad1, body, collapse = ",\n"), "\n", pad, ends[2]))
  }
  x <- unname(c(x))
  if (length(x) == 1L) return(js_atoms(x))
  js_array(x, pad)
}

write_golden <- function(x, name) {
  txt <- enc2utf8(paste0(js(x), "\n"))
  con <- file(file.path(OUT, paste0(name, ".json")), open = "wb")
  on.exit(close(con))
  writeBin(charToRaw(txt), con)
  message("wrote ", name, ".json (", nchar(txt, "bytes"), " bytes)")
}

# ---------------------------------------------------------------------------
# source object
# ---------------------------------------------------------------------------

CONVENTIONS <- list(
  scale = "analysis scale: Fisher z for correlations; yi as given in the data set, or the log risk ratio, otherwise",
  level = "95%",
  I2 = "percent, as R gives it",
  missing = "null stands for NA, NaN or Inf (so df is null for z tests)"
)

make_source <- function(dataset, package, ...) {
  v <- function(p) as.character(packageVersion(p))
  c(list(
    dataset = dataset, package = package,
    R = paste(R.version$major, R.version$minor, sep = "."),
    packages = list(metafor = v("metafor"), metadat = v("metadat"), clubSandwich = v("clubSandwich")),
    script = "scripts/golden/pooling.R",
    conventions = CONVENTIONS
  ), list(...))
}

# ---------------------------------------------------------------------------
# two-level models
# ---------------------------------------------------------------------------

METHODS <- c("FE", "DL", "HE", "HS", "SJ", "EB", "PM", "ML", "REML")
TESTS <- c("z", "t", "knha", "adhoc")

TWO_LEVEL_CONTROL <- list(
  EB_ML_REML = "threshold=1e-14, maxiter=1000; where Fisher scoring cycles at machine precision instead of stopping, the next larger of 1e-13, 1e-12, ... (threshold_used)",
  PM = "tol=1e-14, maxiter=1000",
  tau2_ci = "confint control tol=1e-13, maxiter=10000; QP = Q-profile, PL = profile likelihood",
  HS = "plain Hunter-Schmidt (Q-k)/sum(w), truncated at 0",
  EB = "solves the same equation as PM",
  pi = "predict() default: normal quantile for z, t quantile (k-1) for t, knha, adhoc; null for FE",
  pi_riley = "by formula, estimate -+ qt(.975, max(k-2,1)) * sqrt(se^2+tau2), because predict(predtype=\"riley\") is silently ignored in metafor 3.8"
)

# the loosest threshold needed so far, and the largest distance of an iterated
# tau^2 from the root of its estimating equation found by bisection
uni_log <- new.env()
uni_reset <- function() { uni_log$threshold <- 1e-14; uni_log$diff <- 0 }

fit_uni <- function(yi, vi, method, test, ...) {
  quiet <- function(expr) withCallingHandlers(expr, warning = function(w) {
    if (grepl("Knapp & Hartung method is not meant", conditionMessage(w))) invokeRestart("muffleWarning")
  })
  if (method == "PM")
    return(quiet(rma.uni(yi, vi, method = method, test = test, control = list(tol = 1e-14, maxiter = 1000), ...)))
  if (!method %in% c("EB", "ML", "REML"))
    return(quiet(rma.uni(yi, vi, method = method, test = test, ...)))
  for (th in 10^(-14:-10)) {
    fit <- try(quiet(rma.uni(yi, vi, method = method, test = test,
                             control = list(threshold = th, maxiter = 1000), ...)), silent = TRUE)
    if (!inherits(fit, "try-error")) {
      uni_log$threshold <- max(uni_log$threshold, th)
      return(fit)
    }
  }
  stop(fit)
}

# root of the estimating equation of tau^2 (intercept only), for checking
tau2_root <- function(yi, vi, method) {
  k <- length(yi)
  f <- function(t2) {
    w <- 1 / (vi + t2)
    r <- yi - sum(w * yi) / sum(w)
    switch(method,
      PM = , EB = sum(w * r^2) - (k - 1),
      ML = sum(w^2 * r^2) - sum(w),
      REML = sum(w^2 * r^2) - (sum(w) - sum(w^2) / sum(w)))
  }
  if (f(0) <= 0) return(0)
  uniroot(f, c(0, 10 * var(yi) + 1), tol = 1e-17, maxiter = 10000)$root
}

uni_fields <- function(fit) {
  p <- predict(fit)
  k <- fit$k
  fe <- fit$method == "FE"
  half <- qt(0.975, max(k - 2, 1)) * sqrt(fit$se^2 + fit$tau2)
  est <- c(fit$beta)
  list(
    estimate = est, se = fit$se, statistic = fit$zval, p_value = fit$pval,
    ci_low = fit$ci.lb, ci_high = fit$ci.ub, df = if (fit$test == "z") NA else c(fit$ddf),
    tau2 = fit$tau2, Q = fit$QE, Q_df = k - 1, Q_p = fit$QEp, I2 = fit$I2, H2 = fit$H2,
    pi_low = if (fe) NA else p$pi.lb, pi_high = if (fe) NA else p$pi.ub,
    pi_riley = if (fe) NULL else list(low = est - half, high = est + half)
  )
}

ci_of <- function(ci, row = 1) list(low = unname(ci$random[row, "ci.lb"]), high = unname(ci$random[row, "ci.ub"]))

two_level <- function(yi, vi) {
  uni_reset()
  out <- list()
  for (m in METHODS) {
    out[[m]] <- list()
    for (te in TESTS) {
      fit <- fit_uni(yi, vi, m, te)
      if (m %in% c("PM", "EB", "ML", "REML"))
        uni_log$diff <- max(uni_log$diff, abs(fit$tau2 - tau2_root(yi, vi, m)))
      out[[m]][[te]] <- uni_fields(fit)
    }
  }
  con <- list(tol = 1e-13, maxiter = 10000)
  tau2_ci <- list()
  for (m in c("DL", "REML", "PM", "ML")) {
    fit <- fit_uni(yi, vi, m, "z")
    tau2_ci[[m]] <- list(QP = ci_of(confint(fit, type = "QP", control = con)))
    if (m %in% c("REML", "ML")) tau2_ci[[m]]$PL <- ci_of(confint(fit, type = "PL", control = con))
  }
  weights_pct <- lapply(setNames(nm = c("FE", "DL", "REML")),
                        function(m) arr(unname(weights(fit_uni(yi, vi, m, "z")))))
  list(two_level = out, tau2_ci = tau2_ci, weights_pct = weights_pct,
       check = list(threshold_used = uni_log$threshold, max_abs_diff_tau2_from_root = signif(uni_log$diff, 2)))
}

# ---------------------------------------------------------------------------
# three-level and correlated-effects models
# ---------------------------------------------------------------------------
# rma.mv's optimizers stop on function values, which fixes the variance components
# to about 1e-8 only.  Newton steps on the analytic (RE)ML score take the optimum to
# machine precision, and rma.mv is then evaluated there (sigma2 = fixed).

DEP_CONTROL <- list(
  first = "rma.mv(random = ~ 1 | study/effect), optimizer nlminb, rel.tol=1e-15, or the next larger power of ten where nlminb does not report convergence (nlminb_rel_tol in check)",
  second = "restart from that solution: optim BFGS, reltol=1e-15, maxit=2000",
  polish = "Newton steps on the analytic (RE)ML score of (sigma2 study, sigma2 effect); all reported values are rma.mv's at that solution (sigma2 given)",
  sigma2_ci = "95% profile likelihood intervals as confint.rma.mv defines them, by uniroot (tol 1e-15) on the profile with the other component maximised by the score; checked against confint.rma.mv with tol=1e-10 on a fit with the smallest nlminb rel.tol that converges everywhere (confint_rel_tol); a low of 0 means that 0 is not excluded",
  logLik = "logLik() of the fit; REML with metafor's 1/2 log|X'X| term",
  t_df = "k - p",
  I2 = "percent; typical variance (k-p)/tr(P), P = W - WX(X'WX)^-1X'W, W = solve(V), with the covariances of V",
  CHE = "V = vcalc(vi, cluster=study, obs=effect, rho=rho), same random effects",
  robust = "clubSandwich coef_test and conf_int, cluster = study"
)

vc_state <- function(s, d, reml) {
  M <- d$V + s[1] * d$ZZ + diag(s[2], length(d$y))
  W <- chol2inv(chol(M))
  WX <- W %*% d$X
  A <- crossprod(d$X, WX)
  P <- W - WX %*% solve(A, t(WX))
  Py <- P %*% d$y
  T <- if (reml) P else W
  TZ <- T %*% d$ZZ
  ZPy <- d$ZZ %*% Py
  score <- 0.5 * c(sum(Py * ZPy) - sum(diag(TZ)), sum(Py^2) - sum(diag(T)))
  PZPy <- P %*% ZPy
  PPy <- P %*% Py
  info <- matrix(c(sum(ZPy * PZPy) - 0.5 * sum(TZ * t(TZ)),
                   sum(PZPy * Py) - 0.5 * sum(TZ * T),
                   0, sum(PPy * Py) - 0.5 * sum(T^2)), 2)
  info[1, 2] <- info[2, 1]
  ll <- -0.5 * (length(d$y) - if (reml) ncol(d$X) else 0) * log(2 * pi) -
    0.5 * as.numeric(determinant(M)$modulus) - 0.5 * sum(d$y * Py)
  if (reml) ll <- ll - 0.5 * as.numeric(determinant(A)$modulus) + 0.5 * as.numeric(determinant(crossprod(d$X))$modulus)
  list(score = score, info = info, ll = ll)
}

polish <- function(s, d, reml) {
  free <- rep(TRUE, 2)
  s[s < 1e-9] <- 0
  for (i in 1:200) {
    st <- vc_state(s, d, reml)
    free <- s > 0 | st$score > 0
    if (!any(free)) break
    step <- c(0, 0)
    step[free] <- solve(st$info[free, free, drop = FALSE], st$score[free])
    new <- pmax(s + step, 0)
    if (max(abs(new - s)) <= 1e-16 + 4 * .Machine$double.eps * max(s)) { s <- new; break }
    s <- new
  }
  s
}

# maximum over the other component with component j held at val
profile_ll <- function(val, j, d, reml) {
  o <- 3 - j
  s <- numeric(2)
  s[j] <- val
  f <- function(v) { s[o] <- v; vc_state(s, d, reml)$score[o] }
  if (f(0) > 0) {
    hi <- 10 * var(c(d$y)) + 1
    s[o] <- uniroot(f, c(0, hi), tol = 1e-12, maxiter = 1000)$root
    for (i in 1:5) {
      st <- vc_state(s, d, reml)
      s[o] <- max(0, s[o] + st$score[o] / st$info[o, o])
    }
  }
  vc_state(s, d, reml)$ll
}

profile_ci <- function(s, d, reml) {
  llmax <- vc_state(s, d, reml)$ll
  lapply(setNames(1:2, c("study", "effect")), function(j) {
    g <- function(v) 2 * (llmax - profile_ll(v, j, d, reml)) - qchisq(0.95, 1)
    low <- if (s[j] == 0 || g(0) <= 0) 0 else uniroot(g, c(0, s[j]), tol = 1e-15, maxiter = 1000)$root
    list(low = low, high = uniroot(g, c(s[j], 10 * s[j] + 1), tol = 1e-15, maxiter = 1000)$root)
  })
}

robust_fields <- function(fit, cluster) {
  lapply(setNames(nm = c("CR0", "CR1", "CR2")), function(type) {
    V <- vcovCR(fit, cluster = cluster, type = type)
    one <- function(test) {
      ct <- coef_test(fit, vcov = V, test = test)
      ci <- conf_int(fit, vcov = V, test = test)
      list(df = c(unname(if (test == "Satterthwaite") ct$df_Satt else ct$df_t)), statistic = ct$tstat,
           p_value = if (test == "Satterthwaite") ct$p_Satt else ct$p_t,
           ci_low = ci$CI_L, ci_high = ci$CI_U)
    }
    list(se = sqrt(diag(V)), satterthwaite = one("Satterthwaite"), naive_t = one("naive-t"))
  })
}

i2_levels <- function(fit, V, X) {
  W <- solve(V)
  P <- W - W %*% X %*% solve(t(X) %*% W %*% X) %*% t(X) %*% W
  tv <- (nrow(X) - ncol(X)) / sum(diag(P))
  s <- fit$sigma2
  list(typical_variance = tv, total = 100 * sum(s) / (sum(s) + tv),
       study = 100 * s[1] / (sum(s) + tv), effect = 100 * s[2] / (sum(s) + tv))
}

# confint refits the model with the fit's control; take the smallest rel.tol with which all of these converge
confint_mv <- function(run) {
  for (tol in 10^(-14:-8)) {
    ci <- tryCatch({
      fit <- run(control = list(optimizer = "nlminb", rel.tol = tol, iter.max = 2000, eval.max = 2000))
      unlist(lapply(1:2, function(j) ci_of(confint(fit, sigma2 = j, control = list(tol = 1e-10, maxiter = 10000)))))
    }, warning = function(w) NULL, error = function(e) NULL)
    if (!is.null(ci)) return(list(ci = ci, tol = tol))
  }
  stop("confint.rma.mv did not converge")
}

fit_mv <- function(dat, V, method, mods = NULL, ci = FALSE, short = FALSE) {
  reml <- method == "REML"
  dat <- as.data.frame(dat)
  k <- nrow(dat)
  Vm <- if (is.matrix(V)) V else diag(V)
  X <- if (is.null(mods)) cbind(rep(1, k)) else cbind(1, mods)
  d <- list(y = dat$yi, V = Vm, X = X, ZZ = outer(dat$study, dat$study, "==") * 1)
  run <- function(...) {
    args <- c(list(yi = dat$yi, V = V, random = ~ 1 | study/effect, data = dat, method = method), list(...))
    if (!is.null(mods)) args$mods <- cbind(moderator = mods)
    do.call(rma.mv, args)
  }
  for (tol in 10^(-15:-10)) {        # nlminb reports false convergence when rel.tol cannot be met
    a <- try(run(control = list(optimizer = "nlminb", rel.tol = tol, iter.max = 2000, eval.max = 2000)), silent = TRUE)
    if (!inherits(a, "try-error")) break
  }
  b <- run(control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15, maxit = 2000,
                          sigma2.init = pmax(a$sigma2, 1e-6)))
  s <- polish(a$sigma2, d, reml)
  st <- vc_state(s, d, reml)
  fz <- run(sigma2 = s, test = "z")
  ft <- run(sigma2 = s, test = "t")
  stopifnot(abs(st$ll - as.numeric(logLik(fz))) < 1e-9,
            as.numeric(logLik(fz)) > as.numeric(logLik(a)) - 1e-10,
            as.numeric(logLik(fz)) > as.numeric(logLik(b)) - 1e-10)
  check <- list(
    nlminb_rel_tol = tol, nlminb_vs_polished = signif(max(abs(a$sigma2 - s)), 2),
    BFGS_vs_polished = signif(max(abs(b$sigma2 - s)), 2), score_at_solution = arr(signif(st$score, 2)))

  infer <- function(f) {
    out <- list(df = if (f$test == "z") NA else c(f$ddf), statistic = f$zval, p_value = f$pval,
                ci_low = f$ci.lb, ci_high = f$ci.ub)
    if (is.null(mods)) { p <- predict(f); out$pi_low <- p$pi.lb; out$pi_high <- p$pi.ub }
    out
  }
  out <- if (is.null(mods)) list(estimate = c(fz$beta)) else list(beta = c(fz$beta), vcov = unname(fz$vb))
  out <- c(out, list(se = fz$se, z = infer(fz), t = infer(ft),
                     sigma2 = list(study = s[1], effect = s[2]),
                     Q = fz$QE, Q_df = k - ncol(X), Q_p = fz$QEp, logLik = as.numeric(logLik(fz))))
  if (is.null(mods)) out$I2 <- i2_levels(fz, Vm, X)
  out$robust <- robust_fields(fz, dat$study)
  if (!is.null(mods)) out$robust <- out$robust["CR2"]
  if (ci) {
    out$sigma2_ci <- profile_ci(s, d, reml)
    cf <- confint_mv(run)
    check$confint_rel_tol <- cf$tol
    check$confint_vs_sigma2_ci <- signif(max(abs(cf$ci - unlist(out$sigma2_ci))), 2)
  }
  out$check <- check
  out
}

aggregates <- function(dat) {
  out <- list()
  es <- escalc(measure = "GEN", yi = yi, vi = vi, data = dat[c("study", "effect", "yi", "vi")])
  for (rho in c(0.5, 0.6)) for (w in c(TRUE, FALSE)) {
    ag <- aggregate(es, cluster = study, struct = "CS", rho = rho, weighted = w)
    yi <- as.numeric(ag$yi)
    vi <- as.numeric(ag$vi)
    out[[paste0("rho", rho)]][[if (w) "weighted" else "unweighted"]] <- list(
      study = arr(ag$study), yi = arr(yi), vi = arr(vi), REML_knha = uni_fields(fit_uni(yi, vi, "REML", "knha")))
  }
  out
}

dependent <- function(dat, moderator = NULL) {
  V <- lapply(setNames(RHOS, paste0("rho", RHOS)),
              function(r) vcalc(vi, cluster = study, obs = effect, rho = r, data = dat))
  out <- list(
    k = nrow(dat), n_studies = length(unique(dat$study)),
    three_level = list(REML = fit_mv(dat, dat$vi, "REML", ci = TRUE), ML = fit_mv(dat, dat$vi, "ML")),
    che = list(rho0.6 = list(REML = fit_mv(dat, V$rho0.6, "REML", ci = TRUE), ML = fit_mv(dat, V$rho0.6, "ML")),
               rho0.8 = list(REML = fit_mv(dat, V$rho0.8, "REML"))))
  if (!is.null(moderator))
    out$moderator <- list(
      name = moderator$name, x = arr(moderator$x),
      three_level = fit_mv(dat, dat$vi, "REML", mods = moderator$x),
      che_rho0.6 = fit_mv(dat, V$rho0.6, "REML", mods = moderator$x))
  out$aggregate <- aggregates(dat)
  ind <- fit_uni(dat$yi, dat$vi, "REML", "z")
  out$independent <- list(estimate = c(ind$beta), se_model = ind$se, tau2 = ind$tau2,
                          robust = robust_fields(ind, dat$study))
  out
}

# ---------------------------------------------------------------------------
# data sets
# ---------------------------------------------------------------------------

prepare <- function(study, yi, vi, ...) {
  d <- data.frame(study = study, effect = seq_along(yi), yi = as.numeric(yi), vi = as.numeric(vi), ...,
                  stringsAsFactors = FALSE)
  stopifnot(!anyNA(d))
  d
}

zcor <- function(ri, ni) escalc(measure = "ZCOR", ri = ri, ni = ni)

DATASETS <- list(
  molloy2014 = function(d) {
    z <- zcor(d$ri, d$ni)
    list(dat = prepare(paste(d$authors, d$year), z$yi, z$vi, ri = d$ri, ni = d$ni, year = d$year), two = TRUE,
         note = "ZCOR")
  },
  mcdaniel1994 = function(d) {
    d <- d[complete.cases(d[c("ri", "ni")]), ]
    z <- zcor(d$ri, d$ni)
    list(dat = prepare(d$study, z$yi, z$vi, ri = d$ri, ni = d$ni), two = TRUE, note = "ZCOR; rows with missing ri or ni dropped (there are none)")
  },
  bcg = function(d) {
    z <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = d)
    list(dat = prepare(paste(d$author, d$year), z$yi, z$vi, year = d$year), two = TRUE, note = "log risk ratio, escalc(measure=\"RR\")")
  },
  crede2010 = function(d) {
    z <- zcor(d$ri, d$ni)
    list(dat = prepare(d$studyid, z$yi, z$vi, ri = d$ri, ni = d$ni, year = d$year), two = TRUE, dep = TRUE,
         mod = list(name = "year - 2000", x = d$year - 2000), note = "ZCOR; study = studyid, effect = row number; two_level takes all effects as independent")
  },
  konstantopoulos2011 = function(d) {
    list(dat = prepare(d$district, d$yi, d$vi, year = d$year), two = TRUE, dep = TRUE,
         mod = list(name = "year - 2000", x = d$year - 2000), note = "yi, vi as given; study = district, effect = row number (school); two_level takes all effects as independent")
  },
  assink2016 = function(d) {
    list(dat = prepare(d$study, d$yi, d$vi, year = d$year), dep = TRUE,
         mod = list(name = "year (centred in the data set)", x = d$year), note = "yi, vi as given; effect = row number")
  },
  craft2003 = function(d) {
    d <- d[d$var2 == "perf" & !is.na(d$ri), ]
    z <- zcor(d$ri, d$ni)
    list(dat = prepare(d$study, z$yi, z$vi, ri = d$ri, ni = d$ni), dep = TRUE,
         note = "ZCOR; the up to three correlations of each study with performance (var2 == \"perf\"), those reported; few clusters, equal variances within study; effect = row number of these")
  },
  cohen1981 = function(d) {
    z <- zcor(d$ri, d$ni)
    list(dat = prepare(paste(d$study, seq_len(nrow(d))), z$yi, z$vi, ri = d$ri, ni = d$ni), two = TRUE,
         note = "ZCOR; study = label and row number, since labels repeat")
  },
  raudenbush1985 = function(d) {
    list(dat = prepare(d$study, d$yi, d$vi, weeks = d$weeks), two = TRUE, note = "yi, vi as given")
  },
  bangertdrowns2004 = function(d) {
    list(dat = prepare(d$id, d$yi, d$vi, year = d$year), two = TRUE, note = "yi, vi as given; study = id")
  },
  bornmann2007 = function(d) {
    z <- escalc(measure = "OR", ai = waward, n1i = wtotal, ci = maward, n2i = mtotal, data = d)
    list(dat = prepare(as.character(d$study), z$yi, z$vi, year = d$year), dep = TRUE,
         mod = list(name = "year - 1990", x = d$year - 1990),
         note = "log odds ratio, escalc(measure=\"OR\") of the awards of women and men; effect = row number")
  },
  knapp2017 = function(d) {
    list(dat = prepare(d$study, d$yi, d$vi, year = d$year), dep = TRUE,
         mod = list(name = "year - 2010", x = d$year - 2010),
         note = "yi, vi as given; effect = row number")
  }
)

make_dataset <- function(name) {
  object <- paste0("dat.", name)
  if (!exists(object, where = "package:metadat")) { message(object, " is not in this metadat, skipped"); return(invisible()) }
  x <- DATASETS[[name]](as.data.frame(get(object, "package:metadat")))
  src <- make_source(object, "metadat", note = x$note)
  out <- list()
  if (isTRUE(x$two)) {
    two <- two_level(x$dat$yi, x$dat$vi)
    src$two_level <- c(TWO_LEVEL_CONTROL, two$check)
    two$check <- NULL
    out <- c(out, two)
  }
  if (isTRUE(x$dep)) {
    src$dependent <- DEP_CONTROL
    out$dependent <- dependent(x$dat, x$mod)
  }
  write_golden(c(list(source = src, data = lapply(x$dat, arr)), out), file.path("metadat", name))
}

# ---------------------------------------------------------------------------
# edge cases
# ---------------------------------------------------------------------------

make_edge <- function() {
  uni_case <- function(note, yi, vi, methods, tests = TESTS) {
    list(note = note, data = list(yi = arr(yi), vi = arr(vi)),
         two_level = lapply(setNames(nm = methods), function(m)
           lapply(setNames(nm = tests), function(te) uni_fields(fit_uni(yi, vi, m, te)))))
  }
  uni_reset()
  one_big <- data.frame(
    study = rep(c("A", "B", "C", "D", "E", "F"), c(6, 1, 1, 1, 1, 1)), effect = 1:11,
    yi = c(0.05, 0.41, 0.22, 0.58, 0.02, 0.30, 0.72, -0.08, 0.61, 0.27, -0.35),
    vi = c(0.020, 0.020, 0.025, 0.020, 0.018, 0.022, 0.030, 0.015, 0.040, 0.010, 0.025))
  study_zero <- one_big
  study_zero$yi <- c(0.10, 0.35, 0.22, 0.48, 0.15, 0.30, 0.52, 0.08, 0.41, 0.27, -0.05)
  effect_zero <- data.frame(
    study = rep(c("A", "B", "C", "D"), c(3, 2, 4, 2)), effect = 1:11,
    yi = c(0.11, 0.08, 0.13, 0.52, 0.49, 0.31, 0.28, 0.30, 0.34, -0.06, -0.02), vi = rep(0.02, 11))
  mv_case <- function(note, d) {
    V <- vcalc(vi, cluster = study, obs = effect, rho = 0.6, data = d)
    list(note = note, data = lapply(d, arr),
         three_level = list(REML = fit_mv(d, d$vi, "REML", ci = TRUE), ML = fit_mv(d, d$vi, "ML")),
         che = list(rho0.6 = list(REML = fit_mv(d, V, "REML", ci = TRUE))),
         aggregate = aggregates(d))
  }
  cases <- list(
    k2 = uni_case("two effects; the Riley df k-2 is floored at 1", c(0.1, 0.5), c(0.02, 0.03), c("FE", "DL", "REML", "ML", "PM")),
    homogeneous = uni_case("tau2 = 0; knha shrinks the se, adhoc does not", c(0.30, 0.31, 0.29, 0.30), rep(0.01, 4), c("FE", "DL", "REML", "PM")),
    identical = uni_case("all effects the same; knha gives se 0 (statistic null)", rep(0.25, 5), c(0.01, 0.02, 0.04, 0.05, 0.08), c("FE", "DL", "REML", "PM")),
    one_big_study = mv_case("one study with six effects, five with one", one_big),
    study_variance_zero = mv_case("as one_big_study, with the study component estimated at 0", study_zero),
    effect_variance_zero = mv_case("three-level: the effect component is estimated at 0", effect_zero)
  )
  write_golden(list(source = make_source("made up here", NA, two_level = TWO_LEVEL_CONTROL, dependent = DEP_CONTROL),
                    cases = cases), "edge")
}

# ---------------------------------------------------------------------------
# conversions
# ---------------------------------------------------------------------------

# closed forms (not all in metafor 3.8)
phi_from_chi2 <- function(chi2, n) sqrt(chi2 / n)
r_from_t <- function(t, df) t / sqrt(t^2 + df)
t_from_p <- function(p, df, tails) qt(p / tails, df, lower.tail = FALSE)
h_exact <- function(n1, n2) (n1 + n2 - 2) / n1 + (n1 + n2 - 2) / n2
h_borenstein <- function(n1, n2) (n1 + n2)^2 / (n1 * n2)
z_of <- function(yi, vi) list(yi = atanh(yi), vi = vi / (1 - yi^2)^2)        # delta method
var_z_bonett_wright <- function(rs, n) (1 + rs^2 / 2) / (n - 3)
var_z_fieller <- function(n) 1.06 / (n - 3)
var_z_kendall <- function(n) 0.437 / (n - 4)
r_peterson_brown <- function(beta) beta + 0.05 * (beta >= 0)
d_from_lnor <- function(lnor) lnor * sqrt(3) / pi
r_from_d <- function(d, a = 4) d / sqrt(d^2 + a)

# partial correlation: metafor 3.8 divides by n-m-1, which is one degree of freedom off
# (n minus the m-1 controls, minus 1, is n-m; for the z transform n-(m-1)-3 = n-m-2); later versions use these
pcor_exact <- function(t, n, m) { r <- r_from_t(t, n - m - 1); list(yi = r, vi = (1 - r^2)^2 / (n - m)) }
zpcor_exact <- function(t, n, m) list(yi = atanh(r_from_t(t, n - m - 1)), vi = 1 / (n - m - 2))

# tetrachoric correlation at full precision: the saturated 2x2 model reproduces the table, so
# r solves Phi2(h, k, r) = p11; variance by the delta method (= inverse of the observed information)
rtet_exact <- function(a, b, c, d) {
  n <- a + b + c + d
  h <- qnorm((a + b) / n); k <- qnorm((a + c) / n)
  Phi2 <- function(r) pnorm(h) * pnorm(k) + integrate(function(u)
    exp(-(h^2 - 2 * h * k * sin(u) + k^2) / (2 * cos(u)^2)) / (2 * pi), 0, asin(r), rel.tol = 1e-13, abs.tol = 0)$value
  r <- uniroot(function(r) Phi2(r) - a / n, c(-0.9999, 0.9999), tol = 1e-15, maxiter = 1000)$root
  s <- sqrt(1 - r^2)
  phi2 <- exp(-(h^2 - 2 * r * h * k + k^2) / (2 * s^2)) / (2 * pi * s)
  u <- pnorm((k - r * h) / s); v <- pnorm((h - r * k) / s)
  g <- c(1 - u - v, -u, -v, 0); p <- c(a, b, c, d) / n
  list(yi = r, vi = (sum(p * g^2) - sum(p * g)^2) / n / phi2^2)
}

# mean of tanh over N(z, tau2), integrated tightly (metafor's integrate uses rel.tol 1.2e-4)
ztor_int_exact <- function(z, tau2) {
  t <- sqrt(tau2)
  integrate(function(x) tanh(x) * dnorm(x, z, t), z - 10 * t, z + 10 * t, rel.tol = 1e-13, abs.tol = 0, subdivisions = 2000)$value
}

es <- function(...) { e <- escalc(...); list(yi = as.numeric(e$yi), vi = as.numeric(e$vi)) }

make_conversions <- function() {
  cases <- list()
  add <- function(id, fun, inputs, outputs) cases[[length(cases) + 1L]] <<- list(id = id, fun = fun, inputs = inputs, outputs = outputs)
  lab <- function(...) paste(..., sep = "_")

  # r
  rn <- list(c(0.28, 45), c(-0.17, 80), c(0, 15), c(0.62, 12), c(0.9, 25), c(-0.95, 10), c(0.03, 1500), c(0.995, 60), c(0.4, 5), c(-0.33, 4))
  for (x in rn) {
    inp <- list(ri = x[1], ni = x[2])
    for (m in c("ZCOR", "COR", "UCOR"))
      if (m != "UCOR" || x[2] >= 5)     # UCOR has no value for n = 4
        add(lab("r", m, x[1], paste0("n", x[2])), sprintf("escalc(measure=\"%s\")", m), inp, es(measure = m, ri = x[1], ni = x[2]))
    z <- escalc(measure = "ZCOR", ri = x[1], ni = x[2])
    se <- sqrt(as.numeric(z$vi))
    add(lab("r_ci", x[1], paste0("n", x[2])), "ZCOR interval back-transformed by transf.ztor", c(inp, level = 95),
        list(low = transf.ztor(as.numeric(z$yi) - qnorm(0.975) * se), high = transf.ztor(as.numeric(z$yi) + qnorm(0.975) * se)))
  }
  add("r_UCOR_vtype_UB", "escalc(measure=\"UCOR\", vtype=\"UB\")", list(ri = 0.28, ni = 45), es(measure = "UCOR", ri = 0.28, ni = 45, vtype = "UB"))

  # t, F, p -> r
  for (x in list(c(2.75, 62), c(-1.4, 33), c(0, 20), c(6.1, 150), c(0.02, 9))) {
    df <- x[2] - 2; r <- r_from_t(x[1], df)
    add(lab("t", x[1], paste0("n", x[2])), "r = t/sqrt(t^2+df), df = n-2; then escalc COR, ZCOR", list(t = x[1], ni = x[2], df = df),
        list(r = r, COR = es(measure = "COR", ri = r, ni = x[2]), ZCOR = es(measure = "ZCOR", ri = r, ni = x[2])))
  }
  for (x in list(c(4.4, 58, 1), c(9.61, 120, -1), c(0.3, 17, 1))) {
    r <- x[3] * r_from_t(sqrt(x[1]), x[2])
    add(lab("F", x[1], "df2", x[2]), "r = sign*sqrt(F/(F+df2)), df1 = 1, n = df2+2", list(F = x[1], df1 = 1, df2 = x[2], sign = x[3]),
        list(r = r, ZCOR = es(measure = "ZCOR", ri = r, ni = x[2] + 2)))
  }
  for (x in list(c(0.03, 40, 1), c(0.0004, 75, -1), c(0.35, 28, 1), c(1e-12, 200, 1))) for (tails in 1:2) {
    tv <- t_from_p(x[1], x[2] - 2, tails); r <- x[3] * r_from_t(tv, x[2] - 2)
    add(lab("p", x[1], paste0("n", x[2]), paste0("tails", tails)), "t = qt(p/tails, n-2, lower.tail=FALSE), r = sign*t/sqrt(t^2+df)",
        list(p = x[1], ni = x[2], tails = tails, sign = x[3]), list(t = tv, r = r, ZCOR = es(measure = "ZCOR", ri = r, ni = x[2])))
  }

  # d -> r
  for (d in c(0.45, -0.7, 0, 1.6)) {
    add(lab("d", d, "no_n"), "transf.dtorpb(d): d/sqrt(d^2+4)", list(d = d), list(r = transf.dtorpb(d)))
    for (n in list(c(25, 25), c(15, 40), c(90, 60))) {
      rpb <- es(measure = "RPB", m1i = d, m2i = 0, sd1i = 1, sd2i = 1, n1i = n[1], n2i = n[2])
      add(lab("d", d, n[1], n[2]), "escalc RPB of means (d, 0) with sds 1; ZPB = atanh, variance by the delta method; RBIS; transf.dtorpb; a = (n1+n2)^2/(n1 n2)",
          list(d = d, n1i = n[1], n2i = n[2]),
          list(h = h_exact(n[1], n[2]), r_exact = transf.dtorpb(d, n[1], n[2]),
               a = h_borenstein(n[1], n[2]), r_borenstein = r_from_d(d, h_borenstein(n[1], n[2])),
               RPB = rpb, ZPB = z_of(rpb$yi, rpb$vi),
               RPB_CS = es(measure = "RPB", m1i = d, m2i = 0, sd1i = 1, sd2i = 1, n1i = n[1], n2i = n[2], vtype = "CS"),
               RBIS = es(measure = "RBIS", m1i = d, m2i = 0, sd1i = 1, sd2i = 1, n1i = n[1], n2i = n[2])))
    }
  }

  # means and SDs
  for (x in list(c(24.1, 21.3, 5.2, 6.1, 32, 30), c(3.2, 4.0, 1.1, 0.9, 18, 41), c(10, 10, 2, 3, 60, 20))) {
    a <- list(m1i = x[1], m2i = x[2], sd1i = x[3], sd2i = x[4], n1i = x[5], n2i = x[6])
    f <- function(m, ...) do.call(es, c(list(measure = m), a, list(...)))
    sp <- sqrt(((x[5] - 1) * x[3]^2 + (x[6] - 1) * x[4]^2) / (x[5] + x[6] - 2))
    rpb <- f("RPB")
    add(lab("means", x[1], x[2], x[5], x[6]), "escalc(measure=SMD|RPB|RBIS); d = uncorrected standardised difference; ZPB = atanh of RPB, variance by the delta method", a,
        list(d = (x[1] - x[2]) / sp, SMD = f("SMD"), RPB = rpb, RPB_CS = f("RPB", vtype = "CS"), ZPB = z_of(rpb$yi, rpb$vi), RBIS = f("RBIS")))
  }

  # 2x2 tables
  for (x in list(c(18, 12, 9, 25), c(5, 95, 14, 88), c(40, 60, 30, 70), c(0, 14, 6, 11))) {
    a <- list(ai = x[1], bi = x[2], ci = x[3], di = x[4])
    f <- function(m, ...) do.call(es, c(list(measure = m), a, list(...)))
    st <- f("PHI", vtype = "ST"); ls <- f("PHI", vtype = "LS")
    rtet <- suppressWarnings(f("RTET"))
    add(paste0("tab_", paste(x, collapse = "_")), "escalc(measure=PHI|OR|OR2DL|OR2DN|RTET|YUQ), add=1/2, to=\"only0\"; ZPHI = atanh of PHI, variance by the delta method; RTET is metafor's (optim, good to about 1e-5), RTET_exact solves the bivariate normal equation (null with a zero cell)", a,
        list(PHI_ST = st, PHI_LS = ls, ZPHI_ST = z_of(st$yi, st$vi), ZPHI_LS = z_of(ls$yi, ls$vi), OR = f("OR"), OR2DL = f("OR2DL"),
             OR2DN = f("OR2DN"), YUQ = f("YUQ"), RTET = if (all(x > 0)) rtet else list(yi = rtet$yi, vi = NA),
             RTET_exact = if (all(x > 0)) rtet_exact(x[1], x[2], x[3], x[4])))
    if (all(x > 0)) {
      ch <- suppressWarnings(chisq.test(matrix(x, 2, byrow = TRUE), correct = FALSE))
      chi2 <- unname(ch$statistic); n <- sum(x)
      add(paste0("chi2_", paste(x, collapse = "_")), "chisq.test(correct=FALSE), |phi| = sqrt(chi2/n)", c(a, list(ni = n)),
          list(chi2 = chi2, p = ch$p.value, phi_abs = phi_from_chi2(chi2, n), z_abs = atanh(phi_from_chi2(chi2, n))))
    }
  }
  for (x in list(c(5.02, 88), c(0.6, 41)))
    add(lab("chi2", x[1], paste0("n", x[2])), "|phi| = sqrt(chi2/n), df = 1", list(chi2 = x[1], ni = x[2]),
        list(phi_abs = phi_from_chi2(x[1], x[2]), ZCOR = es(measure = "ZCOR", ri = phi_from_chi2(x[1], x[2]), ni = x[2])))

  # ln OR -> d -> r
  for (or in c(1.9, 0.35, 1, 6.2)) {
    d <- d_from_lnor(log(or)); dn <- log(or) / 1.65
    add(lab("or", or), "d = lnOR*sqrt(3)/pi (logistic; also /1.65, normal), r = d/sqrt(d^2+4)", list(or = or),
        list(lnor = log(or), d = d, r = r_from_d(d), z = atanh(r_from_d(d)), d_normal = dn, r_normal = r_from_d(dn)))
  }
  add("or_ci_2.3", "se(lnOR) = (log(high)-log(low))/(2*qnorm(.975)); d and var_d by sqrt(3)/pi; r with a = 4, var_r = a^2*var_d/(d^2+a)^3", list(or = 2.3, low = 1.1, high = 4.8), {
    v <- ((log(4.8) - log(1.1)) / (2 * qnorm(0.975)))^2; d <- d_from_lnor(log(2.3)); vd <- v * 3 / pi^2
    list(lnor = log(2.3), var_lnor = v, d = d, var_d = vd, r = r_from_d(d), var_r = 16 * vd / (d^2 + 4)^3)
  })

  # partial and semipartial
  for (x in list(c(2.9, 110, 5, 0.34), c(-1.7, 48, 2, 0.12), c(0.4, 200, 10, 0.55))) {
    a <- list(ti = x[1], ni = x[2], mi = x[3]); b <- c(a, list(r2i = x[4]))
    pc <- do.call(es, c(list(measure = "PCOR"), a)); zpc <- do.call(es, c(list(measure = "ZPCOR"), a)); sp <- do.call(es, c(list(measure = "SPCOR"), b))
    add(lab("partial_t", x[1], paste0("n", x[2]), paste0("m", x[3])), "r = t/sqrt(t^2+df), mi predictors with the focal one, df = n-mi-1; PCOR var (1-r^2)^2/(n-mi), ZPCOR var 1/(n-mi-2), as later metafor versions have it; PCOR_vi_metafor_3.8 and ZPCOR_vi_metafor_3.8 are what the installed version gives (it divides by n-mi-1); SPCOR by escalc; ZSPCOR = atanh, variance by the delta method", b,
        list(PCOR = pcor_exact(x[1], x[2], x[3]), ZPCOR = zpcor_exact(x[1], x[2], x[3]),
             PCOR_vi_metafor_3.8 = pc$vi, ZPCOR_vi_metafor_3.8 = zpc$vi, SPCOR = sp, ZSPCOR = z_of(sp$yi, sp$vi)))
  }
  for (x in list(c(0.42, 0.25, 0.35), c(0.55, -0.3, 0.15)))
    add(lab("partial_r", x[1], x[2], x[3]), "(r12-r13*r23)/sqrt((1-r13^2)(1-r23^2)); semipartial: 3 removed from 2 only", list(r12 = x[1], r13 = x[2], r23 = x[3]),
        list(partial = (x[1] - x[2] * x[3]) / sqrt((1 - x[2]^2) * (1 - x[3]^2)), semipartial = (x[1] - x[2] * x[3]) / sqrt(1 - x[3]^2)))

  # standardised beta, rank correlations, back-transformation, attenuation
  for (b in c(0.25, -0.25, 0, 0.48, -0.5))
    add(lab("beta", b), "Peterson & Brown (2005): r = beta + .05*lambda, lambda = 1 if beta >= 0 else 0", list(beta = b), list(r = r_peterson_brown(b)))
  for (x in list(c(0.37, 52), c(-0.6, 24))) {
    add(lab("spearman", x[1], paste0("n", x[2])), "z = atanh(rs), var (1+rs^2/2)/(n-3) (Bonett & Wright 2000), 1.06/(n-3) (Fieller et al. 1957); Pearson r = 2*sin(pi*rs/6)",
        list(rs = x[1], ni = x[2]),
        list(z = atanh(x[1]), var_bonett_wright = var_z_bonett_wright(x[1], x[2]), var_fieller = var_z_fieller(x[2]), r = 2 * sin(pi * x[1] / 6)))
    add(lab("kendall", x[1], paste0("n", x[2])), "r = sin(pi*tau/2); z = atanh(tau), var .437/(n-4) (Fieller et al. 1957)",
        list(tau = x[1], ni = x[2]), list(r = sin(pi * x[1] / 2), z = atanh(x[1]), var_fieller = var_z_kendall(x[2])))
  }
  for (x in list(c(0.31, 0.02), c(-0.75, 0.05), c(1.9, 0.1), c(0.31, 1e-4)))
    add(lab("ztor", x[1], x[2]), "transf.ztor(z); r_int = transf.ztor.int(z, tau2): mean of tanh over N(z, tau2), integrated over z -+ 10 tau (R's default rel.tol); r_int_exact the same with rel.tol 1e-13", list(z = x[1], tau2 = x[2]),
        list(r = transf.ztor(x[1]), r_int = transf.ztor.int(x[1], list(tau2 = x[2])), r_int_exact = ztor_int_exact(x[1], x[2]), z_back = transf.rtoz(transf.ztor(x[1]))))
  add("disattenuate", "r/sqrt(rxx*ryy)", list(r = 0.27, rxx = 0.83, ryy = 0.76), list(r = 0.27 / sqrt(0.83 * 0.76)))
  add("composite_mean", "mean of m dependent effects, equal weights: var = sum of V / m^2, V from rho", list(yi = arr(c(0.15, 0.4, 0.3)), vi = arr(c(0.03, 0.05, 0.04)), rho = 0.6), {
    s <- sqrt(c(0.03, 0.05, 0.04)); V <- 0.6 * outer(s, s); diag(V) <- s^2
    list(yi = mean(c(0.15, 0.4, 0.3)), vi = sum(V) / 9)
  })
  write_golden(list(source = make_source("made up here", NA, list_of = "id, fun (the R function or closed form), inputs, outputs",
                                         defaults = "escalc vtype LS unless named; UCOR is exact (hypergeometric)"),
                    cases = cases), "conversions")
}

main <- function() {
  if (!dir.exists("tests")) stop("run this from the project root")
  dir.create(file.path(OUT, "metadat"), showWarnings = FALSE, recursive = TRUE)
  for (name in names(DATASETS)) make_dataset(name)
  make_edge()
  make_conversions()
}

if (sys.nframe() == 0L) main()
