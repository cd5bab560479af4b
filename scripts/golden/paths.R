# Golden values of path models of correlations, from R.
#
#   Rscript scripts/golden/paths.R          (from the project root, a minute)
#
# Needs what pooling.R needs, and numDeriv.  Writes tests/golden/metadat/craft2003_paths.json.  The
# tests read only that file; they never need R.
#
# metaSEM, which fits such models with OpenMx, is not in Debian.  The saturated model is one of
# metafor; the path models are written here as a likelihood of their own: correlations and variances
# in closed form, nlminb, derivatives by numDeriv.

source(file.path("scripts", "golden", "pooling.R"))   # writer, make_source(); runs nothing

VARS <- c("acog", "asom", "conf", "perf")
cell_of <- function(a, b) {
  i <- match(a, VARS); j <- match(b, VARS)
  paste(VARS[pmin(i, j)], VARS[pmax(i, j)])
}
CELLS <- c("acog asom", "acog conf", "asom conf", "acog perf", "asom perf", "conf perf")

# n times the covariance of r_ij and r_kl (Olkin and Siotani, 1976)
olkin <- function(R, i, j, k, l)
  0.5 * R[i, j] * R[k, l] * (R[i, k]^2 + R[i, l]^2 + R[j, k]^2 + R[j, l]^2) + R[i, k] * R[j, l] + R[i, l] * R[j, k] -
    (R[i, j] * R[i, k] * R[i, l] + R[j, i] * R[j, k] * R[j, l] + R[k, i] * R[k, j] * R[k, l] + R[l, i] * R[l, j] * R[l, k])

data_of <- function() {
  d <- dat.craft2003
  d <- d[!is.na(d$ri), ]
  d$cell <- cell_of(d$var1, d$var2)
  d
}

mean_matrix <- function(d) {
  R <- diag(4); dimnames(R) <- list(VARS, VARS)
  for (x in CELLS) {
    at <- d$cell == x; ab <- strsplit(x, " ")[[1]]
    R[ab[1], ab[2]] <- R[ab[2], ab[1]] <- weighted.mean(d$ri[at], d$ni[at])
  }
  R
}

blocks <- function(d, R) lapply(split(d, factor(d$study, unique(d$study))), function(s) {
  ab <- do.call(rbind, strsplit(s$cell, " "))
  V <- matrix(0, nrow(s), nrow(s))
  for (p in seq_len(nrow(s))) for (q in seq_len(nrow(s)))
    V[p, q] <- olkin(R, ab[p, 1], ab[p, 2], ab[q, 1], ab[q, 2]) / s$ni[1]
  list(r = s$ri, at = match(s$cell, CELLS), V = V)
})

minus2 <- function(rho, tau2, B) sum(vapply(B, function(b) {
  S <- b$V + diag(tau2[b$at], length(b$at)); e <- b$r - rho[b$at]
  c(determinant(S)$modulus) + sum(e * solve(S, e)) + length(e) * log(2 * pi)
}, 0))

# perf ~ c*conf; conf ~ a*acog + d*asom; acog ~~ s*asom
implied <- function(p) {
  a <- p[1]; d <- p[2]; c <- p[3]; s <- p[4]
  ac <- a + d * s; dc <- d + a * s
  c(s, ac, dc, c * ac, c * dc, c)
}

# the first m numbers are free, the others are variances, at zero or above
climb <- function(f, start, m) {
  x <- start; low <- rep(c(-Inf, 0), c(m, length(x) - m))
  for (i in 1:5) x <- nlminb(x, f, lower = low, control = list(rel.tol = 1e-15, iter.max = 2000, eval.max = 4000))$par
  free <- x > low + 1e-9; x[!free] <- 0
  g <- function(y) f(replace(x, free, y))
  for (i in 1:6) x[free] <- x[free] - solve(numDeriv::hessian(g, x[free]), numDeriv::grad(g, x[free]))  # Newton
  list(x = x, free = free, H = numDeriv::hessian(g, x[free]) / 2)
}

fit_path <- function(B) {
  f <- function(x) minus2(implied(x[1:4]), x[5:10], B)
  found <- climb(f, c(.3, -.3, .3, .5, rep(.02, 6)), 4); x <- found$x
  held <- function(m) {                       # the product a c held at m
    h <- function(y) minus2(implied(c(y[1], y[2], m / y[1], y[3])), y[4:9], B)
    h(climb(h, x[c(1, 2, 4:10)], 3)$x)
  }
  top <- f(x); m <- x[1] * x[3]; drop <- qchisq(.95, 1)
  root <- function(lo, hi) uniroot(function(t) held(t) - top - drop, c(lo, hi), tol = 1e-11)$root
  list(coef = arr(x[1:4]), se = arr(sqrt(diag(solve(found$H)))[1:4]), tau2 = arr(x[5:10]), minus2ll = top,
       indirect = m, interval = arr(c(root(-.25, m - 1e-3), root(m + 1e-3, -.005))))
}

craft <- function() {
  d <- data_of(); R <- mean_matrix(d); B <- blocks(d, R)
  V <- metafor::bldiag(lapply(B, `[[`, "V"))
  d$cell <- factor(d$cell, CELLS)
  sat <- rma.mv(ri ~ 0 + cell, V, random = ~ cell | study, struct = "DIAG", method = "ML", data = d,
                tau2 = c(0, rep(NA, 5)), control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15, maxit = 5000))
  zero <- climb(function(x) minus2(rep(0, 6), x, B), rep(.1, 6), 0)$x
  source <- make_source("dat.craft2003, correlations that are reported", "metadat",
    V = "Olkin and Siotani (1976) at the n-weighted mean correlations, divided by n",
    saturated = "metafor rma.mv(ri ~ 0 + cell, V, random = ~ cell | study, struct = 'DIAG', method = 'ML'), the first variance at zero, where the likelihood has it",
    path = "own likelihood, nlminb and Newton steps: perf ~ c*conf; conf ~ a*acog + d*asom; acog ~~ s*asom; coefficients a, d, c, s",
    interval = "profile likelihood of a*c, 95%, by uniroot")
  source$script <- "scripts/golden/paths.R"
  write_golden(list(source = source,
    data = list(study = arr(d$study), var1 = arr(as.character(d$var1)), var2 = arr(as.character(d$var2)), r = arr(d$ri), n = arr(d$ni)),
    cells = arr(CELLS),
    saturated = list(coef = arr(c(sat$beta)), tau2 = arr(sat$tau2), minus2ll = -2 * c(logLik(sat))),
    independence = minus2(rep(0, 6), zero, B),
    path = fit_path(B)), file.path("metadat", "craft2003_paths"))
}

if (sys.nframe() == 0L) craft()
