# Golden values of the influence methods, from R.
#
#   Rscript scripts/golden/influence.R          (from the project root, about four minutes)
#
# Needs R with metafor, metadat and clubSandwich, and what pooling.R needs, whose data sets,
# JSON writer and polishing of variance components it uses.  Writes tests/golden/influence.json.
# The tests read only that file and the data in tests/golden/<data set>.json.

source(file.path("scripts", "golden", "pooling.R"))
pdf(NULL)                                  # baujat() and gosh() draw

data_of <- function(name) {
  e <- new.env()
  data(list = paste0("dat.", name), package = "metadat", envir = e)
  DATASETS[[name]](get(paste0("dat.", name), envir = e))$dat
}

# the tightest threshold at which the fit and all its deletions converge
converged <- function(make, work) {
  for (th in 10^(-14:-10)) {
    out <- try({
      fit <- make(list(threshold = th, maxiter = 1000, tol = 1e-14))
      list(fit = fit, value = work(fit))
    }, silent = TRUE)
    if (!inherits(out, "try-error") && !anyNA(unlist(out$value))) return(c(out, threshold = th))
  }
  stop("no threshold converges")
}

# --- independent effects ------------------------------------------------------------------------

# (y - prediction without it) / sqrt(v + tau2 + its variance): Viechtbauer and Cheung (2010).  With
# knha metafor multiplies v + tau2 by Knapp and Hartung's factor too.
studentised <- function(fit) {
  vapply(seq_len(fit$k), function(i) {
    g <- suppressWarnings(rma.uni(fit$yi[-i], fit$vi[-i], mods = fit$X[-i, , drop = FALSE], intercept = FALSE, method = fit$method,
                                  test = fit$test, control = fit$control))
    x <- fit$X[i, ]
    (fit$yi[i] - sum(x * g$beta)) / sqrt(fit$vi[i] + g$tau2 + c(t(x) %*% g$vb %*% x))
  }, 0)
}

diagnose <- function(fit) {
  inf <- influence(fit)
  b <- baujat(fit)
  table <- as.data.frame(inf$inf)
  names(table)[match(c("cook.d", "cov.r"), names(table))] <- c("cook", "covratio")
  out <- lapply(table[c("rstudent", "dffits", "cook", "covratio", "tau2.del", "QE.del", "hat")], function(x) arr(as.numeric(x)))
  c(out, list(
    rstudent_own = arr(as.numeric(studentised(fit))), weight = arr(as.numeric(table$weight) / 100), rstandard = arr(as.numeric(rstandard(fit)$z)),
    dfbetas = lapply(as.list(as.data.frame(inf$dfbs)), arr), influential = arr(as.logical(inf$is.infl)),
    baujat_x = arr(b$x), baujat_y = arr(b$y)))
}

leave_one <- function(fit) {
  d <- leave1out(fit)
  names <- c("estimate", "se", "zval", "pval", "ci.lb", "ci.ub", "Q", "Qp", "tau2", "I2", "H2")
  lapply(setNames(nm = intersect(names, names(d))), function(n) arr(as.numeric(d[[n]])))
}

cumulate <- function(fit, dat) {
  d <- cumul(fit, order = dat$year)
  names(d)[names(d) == "pvals"] <- "pval"
  names <- c("estimate", "se", "pval", "ci.lb", "ci.ub", "tau2", "I2", "Q")
  lapply(setNames(nm = intersect(names, names(d))), function(n) arr(as.numeric(d[[n]])))
}

uni_case <- function(dat, method, test) {
  make <- function(control) suppressWarnings(rma.uni(yi, vi, data = dat, method = method, test = test, control = control))
  out <- converged(make, function(fit) {
    v <- list(influence = diagnose(fit), leave1out = leave_one(fit))
    if (!is.null(dat$year)) v$cumul <- cumulate(fit, dat)
    v
  })
  c(list(threshold = out$threshold), out$value)
}

uni_mods_case <- function(dat, x, method, test) {
  make <- function(control) rma.uni(yi, vi, mods = ~ x, data = dat, method = method, test = test, control = control)
  out <- converged(make, function(fit) {
    inf <- diagnose(fit)
    rows <- lapply(seq_len(nrow(dat)), function(i) {
      g <- rma.uni(yi, vi, mods = ~ x, data = dat, method = method, test = test, control = fit$control, subset = -i)
      c(g$beta[1], g$beta[2], g$se[1], g$se[2], g$tau2, g$QE, g$I2, g$QM, g$QMp)
    })
    m <- do.call(rbind, rows)
    colnames(m) <- c("intercept", "slope", "se_intercept", "se_slope", "tau2", "QE", "I2", "QM", "QMp")
    list(influence = inf, without = lapply(as.list(as.data.frame(m)), arr))
  })
  c(list(x = arr(x), threshold = out$threshold), out$value)
}

gosh_case <- function(dat, method) {
  make <- function(control) rma.uni(yi, vi, data = dat, method = method, control = control)
  out <- converged(make, function(fit) {
    g <- gosh(fit, progbar = FALSE)
    code <- as.numeric(as.matrix(g$incl) %*% 2^(seq_len(nrow(dat)) - 1))
    o <- order(code)
    res <- as.data.frame(g$res)[o, ]
    res <- res[c("k", "QE", "I2", "H2", "tau2", "estimate")[c("k", "QE", "I2", "H2", "tau2", "estimate") %in% names(res)]]
    c(list(code = arr(code[o])), lapply(as.list(res), arr))
  })
  c(list(threshold = out$threshold), out$value)
}

# --- dependent effects --------------------------------------------------------------------------

matrices <- function(dat, rho) {
  same <- outer(dat$study, dat$study, "==") * 1
  V <- rho * same * outer(sqrt(dat$vi), sqrt(dat$vi))
  diag(V) <- dat$vi
  list(y = dat$yi, V = V, X = cbind(rep(1, nrow(dat))), ZZ = same)
}

optimum <- function(dat, rho) {
  d <- matrices(dat, rho)
  fit <- rma.mv(dat$yi, d$V, random = ~ 1 | study/effect, data = dat)
  s <- polish(fit$sigma2, d, TRUE)
  for (start in list(c(sum(s), 0), c(0, sum(s)))) {   # the likelihood can have two maxima
    other <- tryCatch(polish(start, d, TRUE), error = function(e) s)
    state <- vc_state(other, d, TRUE)
    at_top <- all(abs(state$score) < 1e-6 | (other == 0 & state$score < 0))
    if (at_top && state$ll > vc_state(s, d, TRUE)$ll + 1e-9) s <- other
  }
  list(fit = rma.mv(dat$yi, d$V, random = ~ 1 | study/effect, data = dat, sigma2 = s), s = s, d = d)
}

marginal <- function(d, s) d$V + s[1] * d$ZZ + diag(s[2], length(d$y))

mv_deletions <- function(dat, rho, groups, robust) {
  full <- optimum(dat, rho)
  d <- full$d
  rows <- lapply(groups, function(gone) {
    sub <- dat[-gone, ]
    o <- optimum(sub, rho)
    g <- o$fit
    change <- c(full$fit$beta - g$beta)
    M <- marginal(d, o$s)
    W <- chol2inv(chol(M))
    S <- M[gone, gone, drop = FALSE]
    e <- dat$yi[gone] - c(g$beta)
    C <- S + c(g$vb)
    w <- solve(S, rep(1, length(gone)))
    w <- w / sum(w)
    v <- marginal(d, full$s)[gone, gone, drop = FALSE]
    inside <- dat$yi[gone] - c(full$fit$beta)
    tv <- i2_levels(g, o$d$V, o$d$X)
    out <- c(estimate = c(g$beta), se = g$se, sigma2_study = o$s[1], sigma2_effect = o$s[2], QE = g$QE,
      I2 = tv$total, cook = change^2 / c(full$fit$vb), dfbetas = change * sqrt(sum(W)),
      covratio = c(g$vb / full$fit$vb), X2 = c(t(e) %*% solve(C, e)),
      rstudent = sum(w * e) / sqrt(c(t(w) %*% C %*% w)), hat = NA,
      pearson2 = c(t(inside) %*% solve(v, inside)), shift2 = change^2 / c(g$vb))
    W0 <- chol2inv(chol(marginal(d, full$s)))
    out["hat"] <- sum((colSums(W0) / sum(W0))[gone])
    if (robust) {
      ct <- coef_test(g, vcov = vcovCR(g, cluster = sub$study, type = "CR2"), test = "Satterthwaite")
      out <- c(out, cr2_se = ct$SE, cr2_df = ct$df_Satt, cr2_p = ct$p_Satt)
    }
    out
  })
  lapply(as.list(as.data.frame(do.call(rbind, rows))), arr)
}

mv_case <- function(dat, rho, single) {
  by_study <- split(seq_len(nrow(dat)), factor(dat$study, levels = unique(dat$study)))
  out <- list(rho = rho, studies = c(list(study = arr(names(by_study))), mv_deletions(dat, rho, by_study, TRUE)))
  if (single) out$effects <- mv_deletions(dat, rho, as.list(seq_len(nrow(dat))), FALSE)
  # what metafor's functions say at their default convergence
  d <- matrices(dat, rho)
  fit <- rma.mv(dat$yi, d$V, random = ~ 1 | study/effect, data = dat)
  r <- rstudent(fit, cluster = dat$study)
  at <- match(names(by_study), r$cluster$slab)
  out$metafor <- list(
    cook = arr(as.numeric(cooks.distance(fit, cluster = dat$study))[at]),
    dfbetas = arr(dfbetas(fit, cluster = dat$study)[at, 1]), X2 = arr(r$cluster$X2[at]), hat = arr(as.numeric(hatvalues(fit))))
  out
}

main_influence <- function() {
  molloy <- data_of("molloy2014")
  bcg <- data_of("bcg")
  e <- new.env()
  data("dat.bcg", package = "metadat", envir = e)
  uni <- list(
    molloy2014 = list(REML.z = uni_case(molloy, "REML", "z"), REML.knha = uni_case(molloy, "REML", "knha"), DL.z = uni_case(molloy, "DL", "z"),
                      ML.knha = uni_case(molloy, "ML", "knha"), PM.z = uni_case(molloy, "PM", "z"), FE.z = uni_case(molloy, "FE", "z")),
    bcg = list(REML.z = uni_case(bcg, "REML", "z"), HE.z = uni_case(bcg, "HE", "z"), SJ.knha = uni_case(bcg, "SJ", "knha"), HS.z = uni_case(bcg, "HS", "z")),
    mcdaniel1994 = list(REML.knha = uni_case(data_of("mcdaniel1994"), "REML", "knha")))
  small <- molloy[c(1, 3, 4, 6, 8, 10, 12, 15), ]
  golden <- list(
    source = make_source("dat.molloy2014, dat.bcg, dat.mcdaniel1994, dat.crede2010, dat.konstantopoulos2011", "metadat",
      control = "rma.uni: threshold as stored beside each case, maxiter=1000, tol=1e-14; rma.mv: Newton steps on the analytic score to the optimum (pooling.R), but `metafor` holds what its functions say at their defaults",
      uni = "influence(), rstandard(), baujat(), leave1out(), cumul(order = year)", mods = "one moderator, x; refits with subset = -i",
      gosh = "gosh() of 8 studies of dat.molloy2014 (rows 1 3 4 6 8 10 12 15), sorted by code = sum of 2^(i - 1)",
      dependent = "deletions of studies and of single effects, by matrices at the polished variance components; cr2: clubSandwich"),
    uni = uni,
    mods = list(bcg = list(REML.z = uni_mods_case(bcg, e$dat.bcg$ablat, "REML", "z"), REML.knha = uni_mods_case(bcg, e$dat.bcg$ablat, "REML", "knha"))),
    gosh = list(rows = arr(c(1, 3, 4, 6, 8, 10, 12, 15)), REML = gosh_case(small, "REML"), DL = gosh_case(small, "DL"), FE = gosh_case(small, "FE")),
    dependent = list(
      konstantopoulos2011 = list(three_level = mv_case(data_of("konstantopoulos2011"), 0, TRUE), che = mv_case(data_of("konstantopoulos2011"), 0.6, FALSE)),
      crede2010 = list(che = mv_case(data_of("crede2010"), 0.6, FALSE))))
  write_golden(golden, "influence")
}

if (sys.nframe() == 0L) main_influence()
