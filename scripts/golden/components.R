# Golden values of multivariate models with correlated sampling errors, from R.
#
#   Rscript scripts/golden/components.R          (from the project root, about a minute)
#
# Needs what pooling.R needs.  Writes tests/golden/metadat/components.json.  The tests read only that
# file; they never need R.

source(file.path("scripts", "golden", "pooling.R"))   # writer, make_source(); runs nothing

rows <- function(V) lapply(seq_len(nrow(V)), function(i) arr(V[i, ]))

# One call of rma.mv, or NULL where it does not converge.
fit_by <- function(d, V, struct, method, control) {
  args <- list(yi = d$yi, V = V, mods = ~ level - 1, random = ~ level | study, struct = struct,
    data = d, method = method, control = control)
  tryCatch(suppressWarnings(do.call(rma.mv, args)), error = function(e) NULL)
}

# The highest of several optimisers, each told to go on.
highest <- function(d, V, struct, method) {
  controls <- list(
    list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15, maxit = 5000),
    list(optimizer = "nlminb", rel.tol = 1e-14, iter.max = 5000, eval.max = 10000),
    list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 20000)
  )
  found <- Filter(Negate(is.null), lapply(controls, function(x) fit_by(d, V, struct, method, x)))
  found[[which.max(sapply(found, function(x) as.numeric(logLik(x))))]]
}

fits_of <- function(d, V) {
  out <- list()
  for (struct in c("UN", "HCS", "CS", "DIAG")) for (method in c("REML", "ML")) {
    plain <- fit_by(d, V, struct, method, list())
    x <- highest(d, V, struct, method)
    ct <- coef_test(x, cluster = d$study, vcov = "CR2")
    htz <- Wald_test(x, vcov = "CR2", cluster = d$study, constraints = constrain_equal(seq_len(x$p)))
    con <- linear_contrast(x, vcov = "CR2", cluster = d$study, contrasts = constrain_pairwise(seq_len(x$p)))
    out[[paste(struct, method)]] <- list(
      log_likelihood = as.numeric(logLik(x)), default_log_likelihood = if (is.null(plain)) NA else as.numeric(logLik(plain)),
      estimate = arr(as.numeric(coef(x))), se = arr(as.numeric(x$se)),
      tau2 = arr(as.numeric(diag(x$G))), G = rows(unname(as.matrix(x$G))),
      robust_se = arr(ct$SE), df = arr(if (is.null(ct$df_Satt)) ct$df else ct$df_Satt),
      htz = list(F = htz$Fstat, df1 = htz$df_num, df2 = htz$df_denom, p = htz$p_val),
      contrasts = list(estimate = arr(con$Est), se = arr(con$SE), df = arr(con$df)))
  }
  out
}

case_of <- function(d, V, from) {
  d$level <- factor(d$level)
  list(from = from, data = list(study = arr(as.character(d$study)), level = arr(as.character(d$level)), yi = arr(d$yi)),
    levels = arr(levels(d$level)), V = rows(V), fits = fits_of(d, V))
}

berkey <- function() {
  d <- dat.berkey1998
  V <- vcalc(vi = 1, cluster = trial, rvars = c(v1i, v2i), data = d)
  case_of(data.frame(study = d$trial, level = d$outcome, yi = d$yi), V, "dat.berkey1998, V as published")
}

kalaian <- function() {
  d <- dat.kalaian1996
  V <- vcalc(vi, cluster = study, type = outcome, rho = 0.66, data = d)
  case_of(data.frame(study = d$study, level = d$outcome, yi = d$yi), V, "dat.kalaian1996, rho .66 between the two tests")
}

ishak <- function() {
  d <- reshape(dat.ishak2007, direction = "long", idvar = "study", v.names = c("yi", "vi"),
    varying = list(c(2, 4, 6, 8), c(3, 5, 7, 9)))
  d <- d[!is.na(d$yi), ]
  d <- d[order(d$study, d$time), ]
  d$yi <- d$yi / 10; d$vi <- d$vi / 100
  V <- vcalc(vi, cluster = study, time1 = time, phi = 0.97, data = d)
  case_of(data.frame(study = d$study, level = paste0("t", d$time), yi = d$yi), V,
    "dat.ishak2007 in tens, autocorrelation .97, up to four times of which most studies lack some")
}

# Correlations of three kinds of competitive anxiety with performance, some components left out.
craft <- function(rtoz) {
  d <- dat.craft2003
  d <- d[ave(is.na(d$ri), d$study, FUN = sum) == 0, ]
  x <- rcalc(ri ~ var1 + var2 | study, ni = ni, data = d, rtoz = rtoz)
  perf <- x$dat$var1 == "perf" | x$dat$var2 == "perf"
  dat <- x$dat[perf, ]; V <- x$V[perf, perf]
  level <- ifelse(dat$var1 == "perf", as.character(dat$var2), as.character(dat$var1))
  out <- !(dat$study %in% unique(dat$study)[1:2] & level == "conf")
  case <- case_of(data.frame(study = dat$study[out], level = level[out], yi = dat$yi[out]), V[out, out],
    "dat.craft2003, studies that report every correlation, V of rcalc, conf left out of two studies")
  case$correlations <- list(study = arr(as.character(d$study)), var1 = arr(d$var1), var2 = arr(d$var2), r = arr(d$ri), n = arr(d$ni))
  case$n <- arr(dat$ni[out])
  case
}

source <- make_source("data of metadat", "metadat",
  fits = "rma.mv(yi, V, mods = ~ level - 1, random = ~ level | study): the highest of optim BFGS, nlminb and Nelder-Mead, each told to go on; default_log_likelihood is that of the defaults",
  robust = "clubSandwich CR2: coef_test, Wald_test (HTZ), linear_contrast of pairs")
source$script <- "scripts/golden/components.R"
write_golden(list(source = source, berkey1998 = berkey(), kalaian1996 = kalaian(), ishak2007 = ishak(),
  craft2003_z = craft(TRUE), craft2003_r = craft(FALSE)), file.path("metadat", "components"))
