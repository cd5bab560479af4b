# Golden values of the cluster wild bootstrap with every model estimated anew, from R.
#
#   Rscript scripts/golden/bootstrap.R       (from the project root, some minutes)
#
# Needs what robust.R needs, and wildmeta 0.3.2 with sandwich (from its public source,
# github.com/meghapsimatrix/wildmeta at dd08e49, R CMD INSTALL; WILDMETA_LIB names its library).
# Writes tests/golden/bootstrap.json.  The tests read only that file; they never need R.

source(file.path("scripts", "golden", "robust.R"))   # cases, writer, polish(); runs nothing
suppressPackageStartupMessages(library(wildmeta, lib.loc = c(Sys.getenv("WILDMETA_LIB"), .libPaths())))

R <- 8
CONTROL <- list(
  wildmeta = "Wald_test_cwb(R = 8, adjust, type, test): every replication refitted by rma.mv (nlminb, rel.tol 1e-10; NaN where it does not converge) or rma.uni (threshold and tol 1e-14)",
  eta = "weights that run_cwb drew with the same seed, recovered from its outcomes: (y - fitted) / residual of the null model",
  polished = "type CR0, adjust CR0: rma.mv taken to the optimum by Newton steps on the analytic score (pooling.R), Naive-F of clubSandwich at that sigma2"
)
KINDS <- list(naive_cr0 = c("CR0", "Naive-F"), naive_cr2 = c("CR2", "Naive-F"), htz_cr2 = c("CR2", "HTZ"))

# one fitted model: statistics of wildmeta for the weights that it drew
wild <- function(full, C, cluster, kinds = KINDS) {
  null <- wildmeta:::estimate_null(full, C)
  e <- c(residuals(null))
  f <- c(fitted(null))
  studies <- unique(cluster)
  of <- function(adjust, dist) {
    y <- run_cwb(null, cluster = cluster, R = R, adjust = adjust, auxiliary_dist = dist, simplify = TRUE, seed = 7)
    plain <- run_cwb(null, cluster = cluster, R = R, auxiliary_dist = dist, simplify = TRUE, seed = 7)
    eta <- sapply(studies, function(s) { i <- which(cluster == s); i <- i[which.max(abs(e[i]))]; (plain[i, ] - f[i]) / e[i] })
    stats <- lapply(kinds, function(k) {
      w <- Wald_test_cwb(full, constraints = C, R = R, cluster = cluster, adjust = adjust, auxiliary_dist = dist,
                         type = k[1], test = k[2], seed = 7)
      list(observed = c(attr(w, "original")), replications = arr(unname(attr(w, "bootstraps"))))
    })
    list(outcomes = t(y), eta = eta, statistics = stats)
  }
  list(cr0 = of("CR0", "Rademacher"), cr2 = of("CR2", "Webb six"))
}

frame_of <- function(dat, X) cbind(dat, setNames(as.data.frame(X), paste0("x", seq_len(ncol(X)))))
mods_of <- function(X) as.formula(paste("~ 0 +", paste0("x", seq_len(ncol(X)), collapse = " + ")))
common <- function(dat, X, C) list(data = lapply(dat, arr), design = X, C = C)

multilevel <- function(name, correlated, team = FALSE) {
  x <- CASES[[name]](as.data.frame(get(paste0("dat.", name), "package:metadat")))
  X <- unname(x$designs[[1]])[order(x$dat$study), , drop = FALSE] * 1
  dat <- x$dat[order(x$dat$study), ]
  dat$study <- match(dat$study, unique(dat$study))
  dat$effect <- seq_len(nrow(dat))
  if (team) dat$team <- (dat$study + 1) %/% 2
  C <- constraints(X)[[1]]
  V <- if (correlated) vcalc(vi, cluster = study, obs = effect, rho = 0.6, data = dat) else diag(dat$vi)
  d <- frame_of(dat, X)
  random <- if (team) ~ 1 | team/study/effect else ~ 1 | study/effect
  full <- do.call(rma.mv, list(quote(yi), V = quote(V), mods = mods_of(X), random = random, data = d,
                               control = list(optimizer = "nlminb", rel.tol = 1e-10, iter.max = 2000, eval.max = 2000)))
  cluster <- if (team) dat$team else dat$study
  out <- c(common(dat, X, C), list(theta = arr(full$sigma2)), wild(full, C, cluster))
  if (!team) {
    F_of <- function(y) {
      a <- dat
      a$yi <- y
      fit <- fixed_mv(y, a, V, X, polished(a, V, X)$sigma2)
      Wald_test(fit, constraints = C, vcov = vcovCR(fit, cluster = dat$study, type = "CR0"), test = "Naive-F")$Fstat
    }
    out$polished <- arr(apply(out$cr0$outcomes, 1, F_of))
  }
  message(name, if (team) " with teams")
  out
}

two_level <- function(method) {
  dat <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
  d <- data.frame(yi = c(dat$yi), vi = c(dat$vi), study = seq_len(nrow(dat)))
  X <- cbind(1, dat$ablat / 10, (dat$alloc == "random") * 1)
  C <- diag(3)[2:3, ]
  full <- do.call(rma.uni, list(quote(yi), vi = quote(vi), mods = mods_of(X), data = frame_of(d, X), method = method,
                                control = list(threshold = 1e-14, tol = 1e-14, maxiter = 10000)))
  c(common(d, X, C), list(theta = arr(full$tau2)), wild(full, C, d$study))
}

main_bootstrap <- function() {
  if (!dir.exists("tests")) stop("run this from the project root")
  source <- make_source(paste0("dat.", c(names(CASES), "bcg")), "metadat", control = CONTROL)
  source$packages$wildmeta <- as.character(packageVersion("wildmeta", lib.loc = c(Sys.getenv("WILDMETA_LIB"), .libPaths())))
  source$script <- "scripts/golden/bootstrap.R"
  out <- list(source = source,
              che = lapply(setNames(nm = c("crede2010", "konstantopoulos2011", "assink2016")), multilevel, correlated = TRUE),
              three_level = list(konstantopoulos2011 = multilevel("konstantopoulos2011", FALSE)),
              levels = list(assink2016 = multilevel("assink2016", TRUE, team = TRUE)),
              two_level = lapply(setNames(nm = c("REML", "DL", "PM")), two_level))
  write_golden(out, "bootstrap")
}

if (sys.nframe() == 0L) main_bootstrap()
