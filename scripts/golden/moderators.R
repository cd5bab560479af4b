# Golden values of moderator tests, meta-regression and location-scale models, from R.
#
#   Rscript scripts/golden/moderators.R          (from the project root, under a minute)
#
# Needs what pooling.R needs.  Writes tests/golden/moderators.json.  The tests read only that
# file; they never need R.

source(file.path("scripts", "golden", "pooling.R"))   # writer, fit_uni(), polish(), zcor(); runs nothing

NOTES <- list(
  two_level = "rma(mods = ~ factor(level)); iterated estimators with threshold=1e-14 (fit_uni). levels: predict of the cell means model (~ 0 + level), t or normal quantile as the test. contrasts: anova(X = ) of all pairs a - b, p.adjust holm. R2 percent as R gives it. lrt: full likelihoods (ML) with and without the moderator",
  separate = "rma of each level on its own (REML); Q_between = QM of rma(means, sei, mods = ~ level, method = FE); lrt: restricted likelihoods, sum over levels against the common tau2 model",
  clustered = "rma.mv(random = ~ 1 | study/effect) with REML components polished by Newton steps on the analytic score (pooling.R), evaluated at them; CHE: correlation 0.6 within studies; clubSandwich coef_test and Wald_test HTZ, CR2",
  subgroups = "each level on its own, components polished; then stacked: rma.mv(random = list(~ level | study, ~ level | effect), struct = DIAG) at these components, V with correlation 0.6 within study and level; CR2 by study, coef_test and Wald_test HTZ",
  regression = "rma or rma.mv with several moderators; anova(btt) of each term; vif(btt): gvif and gsif",
  permutest = "permutest(exact = TRUE); p of the test of moderators (QMp)",
  location_scale = "rma(scale = ~ ), log link, started by its nlminb optimizer and polished by Newton steps on the analytic score; se.alpha from the observed information; means and log likelihood by formula at this solution, rma values beside them in check"
)

num <- function(x) arr(unname(c(x)))

pairs_of <- function(levels) { p <- combn(length(levels), 2); lapply(seq_len(ncol(p)), function(i) p[, i]) }

# ---------------------------------------------------------------------------
# two-level: one categorical moderator
# ---------------------------------------------------------------------------

fit_mods <- function(yi, vi, mods, method, test) fit_uni(yi, vi, method, test, mods = mods)

two_level_case <- function(yi, vi, g, methods = c("DL", "HE", "PM", "ML", "REML"), tests = c("z", "t", "knha", "adhoc")) {
  keep <- !is.na(g)
  yi <- yi[keep]; vi <- vi[keep]; g <- factor(g[keep])
  lev <- levels(g)
  A <- model.matrix(~ g)[, -1, drop = FALSE]; B <- model.matrix(~ 0 + g)
  colnames(B) <- lev
  fits <- list()
  for (m in methods) for (te in tests) {
    f <- fit_mods(yi, vi, A, m, te)
    cm <- fit_uni(yi, vi, m, te, mods = B, intercept = FALSE)
    pr <- predict(cm, newmods = diag(length(lev)))
    D <- do.call(rbind, lapply(pairs_of(lev), function(p) { r <- numeric(length(lev)); r[p[1]] <- 1; r[p[2]] <- -1; r }))
    an <- anova(cm, X = D)
    fits[[paste(m, te, sep = "_")]] <- list(
      tau2 = f$tau2, QE = f$QE, QEp = f$QEp, QM = f$QM, QMp = f$QMp, QMdf = num(f$QMdf), R2 = f$R2, I2 = f$I2,
      levels = list(level = lev, estimate = num(pr$pred), se = num(pr$se), ci_low = num(pr$ci.lb), ci_high = num(pr$ci.ub),
                    pi_low = num(pr$pi.lb), pi_high = num(pr$pi.ub)),
      contrasts = list(a = sapply(pairs_of(lev), function(p) lev[p[1]]), b = sapply(pairs_of(lev), function(p) lev[p[2]]),
                       estimate = num(an$Xb), se = num(an$se), p = num(an$pval), holm = num(p.adjust(an$pval, "holm"))))
  }
  full <- fit_mods(yi, vi, A, "ML", "z"); null <- fit_uni(yi, vi, "ML", "z")
  lrt <- list(statistic = 2 * (logLik(full) - logLik(null))[1], df = ncol(A))
  lrt$p <- pchisq(lrt$statistic, lrt$df, lower.tail = FALSE)
  list(fits = fits, lrt = lrt, separate = separate_case(yi, vi, g))
}

separate_case <- function(yi, vi, g) {
  lev <- levels(g)
  out <- list()
  for (te in c("z", "knha")) {
    fs <- lapply(lev, function(l) fit_uni(yi[g == l], vi[g == l], "REML", te))
    b <- sapply(fs, function(f) c(f$beta)); se <- sapply(fs, function(f) f$se)
    q <- rma(b, sei = se, mods = ~ factor(seq_along(b)), method = "FE")
    out[[te]] <- list(level = lev, estimate = num(b), se = num(se), tau2 = num(sapply(fs, function(f) f$tau2)),
                      ci_low = num(sapply(fs, function(f) f$ci.lb)), ci_high = num(sapply(fs, function(f) f$ci.ub)),
                      Q_between = q$QM, Q_df = length(b) - 1, Q_p = q$QMp)
  }
  common <- fit_mods(yi, vi, model.matrix(~ g)[, -1, drop = FALSE], "REML", "z")
  ll <- sum(sapply(lev, function(l) logLik(fit_uni(yi[g == l], vi[g == l], "REML", "z"))[1]))
  out$lrt <- list(separate = ll, common = logLik(common)[1], statistic = 2 * (ll - logLik(common)[1]), df = length(lev) - 1)
  out$lrt$p <- pchisq(out$lrt$statistic, out$lrt$df, lower.tail = FALSE)
  out
}

# ---------------------------------------------------------------------------
# effects nested in studies
# ---------------------------------------------------------------------------

# sampling covariance with correlation rho within clusters (vcalc with one type of correlation)
correlated <- function(v, cluster, rho) {
  V <- rho * outer(sqrt(v), sqrt(v)) * outer(cluster, cluster, "==")
  diag(V) <- v
  V
}

components <- function(dat, V, X) {
  d <- list(y = dat$yi, V = V, X = X, ZZ = outer(dat$study, dat$study, "==") * 1)
  for (tol in 10^(-15:-10)) {
    a <- try(rma.mv(dat$yi, V, mods = X, intercept = FALSE, random = ~ 1 | study/effect, data = dat,
                    control = list(optimizer = "nlminb", rel.tol = tol, iter.max = 2000, eval.max = 2000)), silent = TRUE)
    if (!inherits(a, "try-error")) break
  }
  polish(a$sigma2, d, TRUE)
}

wald_of <- function(fit, study, C) {
  w <- Wald_test(fit, constraints = C, vcov = vcovCR(fit, cluster = study, type = "CR2"), test = "HTZ")
  list(statistic = w$Fstat, df1 = w$df_num, df2 = w$df_denom, p = w$p_val)
}

coefs_of <- function(fit, study) {
  ct <- coef_test(fit, vcov = vcovCR(fit, cluster = study, type = "CR2"), test = "Satterthwaite")
  list(estimate = num(fit$beta), se = num(ct$SE), df = num(ct$df_Satt), p = num(ct$p_Satt))
}

equal_of <- function(g) cbind(1, -diag(g - 1))

clustered_case <- function(dat, rhos = c(0, 0.6)) {
  dat <- dat[!is.na(dat$g), ]
  studies <- tapply(dat$study, dat$g, function(x) length(unique(x)))
  dat <- dat[dat$g %in% names(studies)[studies >= 3], ]          # others are not tested
  g <- factor(dat$g); lev <- levels(g)
  X <- model.matrix(~ 0 + g); colnames(X) <- lev
  out <- list(levels = lev)
  for (rho in rhos) {
    V <- correlated(dat$vi, dat$study, rho)
    s <- components(dat, V, X)
    fit <- rma.mv(yi, V, mods = X, intercept = FALSE, random = ~ 1 | study/effect, data = dat, sigma2 = s)
    null_s <- components(dat, V, cbind(rep(1, nrow(dat))))
    contrasts <- lapply(pairs_of(lev), function(p) {
      r <- numeric(length(lev)); r[p[1]] <- 1; r[p[2]] <- -1
      w <- wald_of(fit, dat$study, matrix(r, 1))
      list(a = lev[p[1]], b = lev[p[2]], estimate = sum(r * c(fit$beta)), statistic = w$statistic, df = w$df2, p = w$p)
    })
    out[[if (rho == 0) "three_level" else "che"]] <- list(
      sigma2 = num(s), coefs = coefs_of(fit, dat$study), htz = wald_of(fit, dat$study, equal_of(length(lev))),
      QM = c(anova(fit, X = equal_of(length(lev)))$QM), QE = fit$QE, null_sigma2 = num(null_s), contrasts = contrasts)
  }
  out$subgroups <- subgroup_case(dat, g, 0.6)
  out
}

subgroup_case <- function(dat, g, rho) {
  lev <- levels(g)
  dat$level <- g
  per <- lapply(lev, function(l) {
    d <- dat[g == l, ]
    V <- correlated(d$vi, d$study, rho)
    if (any(duplicated(d$study))) components(d, V, cbind(rep(1, nrow(d)))) else c(fit_uni(d$yi, d$vi, "REML", "z")$tau2, 0)
  })
  V <- correlated(dat$vi, paste(dat$study, g), rho)
  fit <- rma.mv(yi, V, mods = ~ 0 + level, random = list(~ level | study, ~ level | effect), struct = c("DIAG", "DIAG"),
                data = dat, tau2 = sapply(per, `[`, 1), gamma2 = sapply(per, `[`, 2))
  list(components = lapply(per, num), coefs = coefs_of(fit, dat$study), htz = wald_of(fit, dat$study, equal_of(length(lev))))
}

# ---------------------------------------------------------------------------
# several moderators
# ---------------------------------------------------------------------------

regression_case <- function(yi, vi, X, terms, method, test) {
  fit <- fit_uni(yi, vi, method, test, mods = X[, -1, drop = FALSE])
  null <- fit_uni(yi, vi, method, test)
  per <- lapply(terms, function(b) { a <- anova(fit, btt = b); list(QM = a$QM, df = num(a$QMdf), p = a$QMp) })
  V <- fit$vb[-1, -1]; R <- cov2cor(V)          # vif() as metafor defines it, from the coefficients' covariance
  gv <- lapply(terms, function(b) {
    i <- b - 1
    v <- det(R[i, i, drop = FALSE]) * det(R[-i, -i, drop = FALSE]) / det(R)
    list(gvif = v, gsif = v^(1 / (2 * length(i))))
  })
  list(X = X, beta = num(fit$beta), se = num(fit$se), p = num(fit$pval), tau2 = fit$tau2, tau2_null = null$tau2, R2 = fit$R2,
       QM = fit$QM, QMdf = num(fit$QMdf), QMp = fit$QMp, QE = fit$QE, terms = per, gvif = gv,
       fit_stats = if (method == "ML") list(ll = fit$fit.stats["ll", "ML"], AICc = fit$fit.stats["AICc", "ML"]))
}

permutest_case <- function(yi, vi, x, method, test) {
  fit <- fit_uni(yi, vi, method, test, mods = x)
  pt <- permutest(fit, exact = TRUE, progbar = FALSE)
  list(method = method, test = test, yi = num(yi), vi = num(vi), x = x, QM = fit$QM, p = pt$QMp)
}

# ---------------------------------------------------------------------------
# location-scale
# ---------------------------------------------------------------------------

ls_state <- function(a, y, v, X, Z, reml) {
  t2 <- c(exp(Z %*% a)); W <- diag(1 / (v + t2)); WX <- W %*% X; A <- crossprod(X, WX)
  P <- W - WX %*% solve(A, t(WX)); Py <- c(P %*% y); T <- if (reml) P else W
  q <- ncol(Z); D <- lapply(1:q, function(j) t2 * Z[, j])
  score <- sapply(D, function(d) 0.5 * (sum(d * Py^2) - sum(diag(T) * d)))
  info <- matrix(0, q, q)
  for (i in 1:q) for (j in 1:q) {
    dij <- t2 * Z[, i] * Z[, j]
    info[i, j] <- sum((D[[i]] * Py) * (P %*% (D[[j]] * Py))) - 0.5 * sum(dij * Py^2) -
      0.5 * sum(T * t(T) * outer(D[[i]], D[[j]])) + 0.5 * sum(diag(T) * dij)
  }
  list(score = score, info = info, beta = c(solve(A, crossprod(WX, y))), vb = solve(A))
}

location_scale_case <- function(yi, vi, X, Z, method) {
  scale_ <- Z[, -1, drop = FALSE]
  for (tol in 10^(-12:-6)) {
    f <- try(rma(yi, vi, mods = X[, -1, drop = FALSE], scale = ~ scale_, method = method,
                 control = list(optimizer = "nlminb", rel.tol = tol)), silent = TRUE)
    if (!inherits(f, "try-error")) break
  }
  a <- c(f$alpha)
  for (i in 1:50) { s <- ls_state(a, yi, vi, X, Z, method == "REML"); a <- a + solve(s$info, s$score); if (max(abs(s$score)) < 1e-13) break }
  s <- ls_state(a, yi, vi, X, Z, method == "REML")
  t2 <- c(exp(Z %*% a))
  reml <- method == "REML"
  rss <- sum((yi - X %*% s$beta)^2 / (vi + t2))
  ll <- -0.5 * ((length(yi) - if (reml) ncol(X) else 0) * log(2 * pi) + sum(log(vi + t2)) + rss)
  if (reml) ll <- ll + 0.5 * as.numeric(determinant(s$vb)$modulus) + 0.5 * as.numeric(determinant(crossprod(X))$modulus)
  Q <- c(t(a[-1]) %*% solve(solve(s$info)[-1, -1, drop = FALSE]) %*% a[-1])
  list(X = X, Z = Z, alpha = num(a), se_alpha = num(sqrt(diag(solve(s$info)))), beta = num(s$beta), se = num(sqrt(diag(s$vb))),
       ll = ll, QS = Q, QSdf = ncol(Z) - 1,
       check = list(metafor_alpha = num(f$alpha), metafor_se_alpha = num(f$se.alpha), metafor_ll = c(logLik(f)), score = num(signif(s$score, 2))))
}

# ---------------------------------------------------------------------------
# data sets
# ---------------------------------------------------------------------------

main_moderators <- function() {
  mc <- dat.mcdaniel1994; z <- zcor(mc$ri, mc$ni); mc$yi <- c(z$yi); mc$vi <- c(z$vi)
  bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
  bd <- dat.bangertdrowns2004
  cr <- dat.crede2010; z <- zcor(cr$ri, cr$ni)
  cr <- data.frame(study = cr$studyid, effect = seq_len(nrow(cr)), yi = c(z$yi), vi = c(z$vi), source = cr$source, criterion = cr$criterion)
  as2 <- dat.assink2016; as2$effect <- seq_len(nrow(as2))
  ko <- dat.konstantopoulos2011
  ko <- data.frame(study = ko$district, effect = seq_len(nrow(ko)), yi = c(ko$yi), vi = c(ko$vi),
                   period = as.character(cut(ko$year, c(0, 1990, 1998, 2001), labels = c("a", "b", "c"))))
  with_g <- function(d, name) { d$g <- d[[name]]; d }
  put <- function(d, name) list(study = num(d$study), yi = num(d$yi), vi = num(d$vi), g = arr(d[[name]]))

  X <- function(f, d) unclass(model.matrix(f, d)) |> (\(m) matrix(m, nrow(m)))()
  m2 <- mc[!is.na(mc$type) & !is.na(mc$struct), ]
  b2 <- bd[!is.na(bd$length) & !is.na(bd$wic) & !is.na(bd$meta), ]
  b2$meta <- as.character(b2$meta); b2$subject2 <- ifelse(b2$subject == "Math", "math", "other")
  XB <- X(~ length + wic * meta, b2); XM <- X(~ type + struct + log(ni), m2)
  out <- list(
    source = c(make_source("mcdaniel1994, bcg, bangertdrowns2004, crede2010, assink2016, konstantopoulos2011", "metadat"), notes = list(NOTES)),
    two_level = list(
      mcdaniel1994_type = c(list(data = put(mc, "type")), two_level_case(mc$yi, mc$vi, mc$type)),
      bcg_alloc = c(list(data = list(study = num(bcg$trial), yi = num(bcg$yi), vi = num(bcg$vi), g = arr(bcg$alloc))),
                    two_level_case(c(bcg$yi), c(bcg$vi), bcg$alloc))),
    clustered = list(
      crede2010_source = c(list(data = put(cr, "source")), clustered_case(with_g(cr, "source"))),
      crede2010_criterion = c(list(data = put(cr, "criterion")), clustered_case(with_g(cr, "criterion"))),
      assink2016_deltype = c(list(data = put(as2, "deltype")), clustered_case(with_g(as2, "deltype"))),
      konstantopoulos2011_period = c(list(data = put(ko, "period")), clustered_case(with_g(ko, "period")))),
    regression = list(
      mcdaniel1994 = list(
        data = list(yi = num(m2$yi), vi = num(m2$vi), ni = num(m2$ni), type = arr(m2$type), struct = arr(m2$struct)),
        formula = "type + struct + log(ni)",
        fits = list(REML_z = regression_case(m2$yi, m2$vi, XM, list(type = 2:3, struct = 4, ni = 5), "REML", "z"),
                    REML_knha = regression_case(m2$yi, m2$vi, XM, list(type = 2:3, struct = 4, ni = 5), "REML", "knha"),
                    DL_knha = regression_case(m2$yi, m2$vi, XM, list(type = 2:3, struct = 4, ni = 5), "DL", "knha"),
                    ML_z = regression_case(m2$yi, m2$vi, XM, list(type = 2:3, struct = 4, ni = 5), "ML", "z"))),
      bangertdrowns2004 = list(
        data = list(yi = num(b2$yi), vi = num(b2$vi), length = num(b2$length), wic = num(b2$wic), meta = arr(b2$meta)),
        formula = "length + wic * meta",
        fits = list(REML_knha = regression_case(c(b2$yi), c(b2$vi), XB, list(length = 2, wic = 3, meta = 4, `wic:meta` = 5), "REML", "knha"),
                    ML_z = regression_case(c(b2$yi), c(b2$vi), XB, list(length = 2, wic = 3, meta = 4, `wic:meta` = 5), "ML", "z")))),
    permutest = list(
      permutest_case(c(bcg$yi)[1:6], c(bcg$vi)[1:6], cbind(c(1, 1, 1, 0, 0, 0)), "REML", "knha"),
      permutest_case(c(bcg$yi)[1:7], c(bcg$vi)[1:7], cbind(c(1, 1, 0, 0, 0, 1, 0)), "DL", "z"),
      permutest_case(c(bcg$yi)[1:7], c(bcg$vi)[1:7], cbind(c(1, 1, 0, 0, 0, 0, 0), c(0, 0, 1, 1, 1, 0, 0)), "ML", "knha"),
      permutest_case(c(bcg$yi)[1:6], c(bcg$vi)[1:6], cbind(bcg$ablat[1:6]), "REML", "z")),
    location_scale = list(
      mcdaniel1994 = list(
        data = list(yi = num(m2$yi), vi = num(m2$vi), ni = num(m2$ni), struct = arr(m2$struct)),
        REML = location_scale_case(m2$yi, m2$vi, X(~ struct, m2), X(~ struct, m2), "REML"),
        ML = location_scale_case(m2$yi, m2$vi, X(~ struct, m2), X(~ struct, m2), "ML")),
      bangertdrowns2004 = list(
        data = list(yi = num(b2$yi), vi = num(b2$vi), ni = num(b2$ni), meta = arr(b2$meta)),
        REML = location_scale_case(c(b2$yi), c(b2$vi), X(~ meta, b2), X(~ I(ni / 100), b2), "REML"),
        ML = location_scale_case(c(b2$yi), c(b2$vi), X(~ meta, b2), X(~ I(ni / 100), b2), "ML"))))
  out$source$script <- "scripts/golden/moderators.R"
  write_golden(out, "moderators")
}

main_moderators()
