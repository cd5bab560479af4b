# Pooled r of the simulated sheets in R: metafor 3.8-1, R 4.2.2. Reads truth_effects.csv (house, study,
# sample, z, vi), which `python -m intake.truth_in_r` writes; its output is kept in truth_r.csv.
suppressMessages(library(metafor))
d <- read.csv("truth_effects.csv", colClasses = c(study = "character", sample = "character"))
cat("house,r\n")
for (h in unique(d$house)) {
  x <- d[d$house == h, ]
  x$es <- seq_len(nrow(x))
  if (any(duplicated(x$study))) {
    V <- outer(sqrt(x$vi), sqrt(x$vi)) * .6 * outer(paste(x$study, x$sample), paste(x$study, x$sample), "==")
    diag(V) <- x$vi
    fit <- rma.mv(z, V, random = ~ 1 | study/es, data = x,
                  control = list(optimizer = "optim", reltol = 1e-15, maxit = 5000))
  } else {
    fit <- rma(z, vi, data = x, control = list(threshold = 1e-14, maxiter = 10000))
  }
  cat(h, ",", format(tanh(coef(fit)), digits = 12), "\n", sep = "")
}
