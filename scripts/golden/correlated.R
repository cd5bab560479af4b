# Golden values of correlated correlations and of influential studies, from R.
#
#   Rscript scripts/golden/correlated.R          (from the project root, some seconds)
#
# Needs what pooling.R needs.  Writes tests/golden/correlated.json and
# tests/golden/influential.json.  The tests read only those files; they never need R.

source(file.path("scripts", "golden", "pooling.R"))   # writer, make_source(); runs nothing

# --- sampling covariances of correlations ---------------------------------------------------

rows <- function(V) lapply(seq_len(nrow(V)), function(i) arr(V[i, ]))

rcalc_of <- function(d, rtoz) {
  x <- rcalc(ri ~ var1 + var2 | study, ni = ni, data = d, rtoz = rtoz)
  perf <- x$dat$var1 == "perf" | x$dat$var2 == "perf"
  V <- x$V[perf, perf]
  dat <- x$dat[perf, ]
  es <- escalc(measure = "GEN", yi = dat$yi, vi = diag(V), data = dat[, c("study", "var1", "var2", "ni")])
  one <- aggregate(es, cluster = study, V = V, weighted = TRUE)
  plain <- aggregate(es, cluster = study, V = V, weighted = FALSE)
  pooled <- rma(yi, vi, data = one, test = "knha", control = list(threshold = 1e-14, maxiter = 1000))
  # the same model on all effects: a random effect of studies, none within
  by_effect <- rma.mv(yi, V, random = ~ 1 | study, data = dat, sigma2 = pooled$tau2)
  list(
    study = arr(dat$study), var1 = arr(dat$var1), var2 = arr(dat$var2), yi = arr(dat$yi), ni = arr(dat$ni), V = rows(V),
    gls = list(study = arr(one$study), yi = arr(one$yi), vi = arr(one$vi)),
    plain = list(yi = arr(plain$yi), vi = arr(plain$vi)),
    pooled = list(estimate = c(pooled$beta), se = pooled$se, tau2 = pooled$tau2),
    by_effect = list(estimate = c(by_effect$beta), se = by_effect$se)
  )
}

made_up <- function() {                        # five variables, two samples
  L <- matrix(c(.8, .7, .6, .3, .2, .1, .2, .3, .7, .8), 5)
  R <- L %*% t(L); diag(R) <- 1
  dimnames(R) <- list(letters[1:5], letters[1:5])
  full <- function(rtoz, n) { x <- rcalc(R, ni = n, rtoz = rtoz); list(yi = arr(x$dat$yi), var1 = arr(x$dat$var1), var2 = arr(x$dat$var2), V = rows(x$V)) }
  list(R = rows(R), names = arr(rownames(R)), n = 47, z = full(TRUE, 47), r = full(FALSE, 47))
}

correlated <- function() {
  d <- dat.craft2003
  d <- d[ave(is.na(d$ri), d$study, FUN = sum) == 0, ]   # rcalc has no covariances with missing correlations
  data <- list(study = arr(d$study), ni = arr(d$ni), var1 = arr(d$var1), var2 = arr(d$var2), ri = arr(d$ri))
  source <- make_source("dat.craft2003, studies that report every correlation", "metadat",
    rcalc = "metafor::rcalc, all correlations of each study, then the rows with perf",
    gls = "metafor aggregate(cluster=study, V=V, weighted=TRUE), then rma REML knha (threshold=1e-14)",
    by_effect = "rma.mv(yi, V, random = ~ 1 | study) with sigma2 at that tau2: the same mean, normal standard error")
  source$script <- "scripts/golden/correlated.R"
  write_golden(list(source = source, data = data, z = rcalc_of(d, TRUE), r = rcalc_of(d, FALSE), made_up = made_up()), "correlated")
}

# --- influential studies ----------------------------------------------------------------------

influential_of <- function(name, test) {
  d <- jsonlite::fromJSON(file.path(OUT, "metadat", paste0(name, ".json")))$data
  fit <- rma(d$yi, d$vi, test = test, control = list(threshold = 1e-14, maxiter = 1000))
  x <- influence(fit)
  half <- qnorm(0.975) * sqrt(d$vi)
  list(cook = arr(x$inf$cook.d), dffits = arr(x$inf$dffits), dfbetas = arr(x$dfbs$intrcpt), hat = arr(x$inf$hat),
       influential = arr(as.integer(x$is.infl)),
       outlier = arr(as.integer(d$yi + half < fit$ci.lb | d$yi - half > fit$ci.ub)))
}

influential <- function() {
  names <- c("molloy2014", "mcdaniel1994", "bcg", "crede2010")
  source <- make_source(paste(names, collapse = ", "), "metadat", data = "yi, vi of the golden file of that name, as if independent",
    influential = "metafor::influence of rma (REML, threshold=1e-14), is.infl",
    outlier = "95% normal interval of the effect wholly outside the 95% interval of the mean")
  source$script <- "scripts/golden/correlated.R"
  both <- function(n) list(knha = influential_of(n, "knha"), z = influential_of(n, "z"))
  write_golden(list(source = source, data_sets = lapply(setNames(nm = names), both)), "influential")
}

if (sys.nframe() == 0L) { correlated(); influential() }
