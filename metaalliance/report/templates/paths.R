# The path model of metaalliance again, with metaSEM.
#
#   Rscript analysis.R          (in the folder of correlations.csv and expected.csv)
#
# Needs R with metaSEM 1.5.5 and OpenMx 2.21.1, or later: install.packages("metaSEM"). Fits the
# one-stage model, prints it, and compares paths and -2 log likelihood with those of metaalliance
# in expected.csv. Stops with an error where one differs by more than 1e-4. Intervals of the
# likelihood: osmasem(..., intervals.type = "LB").

suppressPackageStartupMessages(library(metaSEM))

TOLERANCE <- 1e-4

tab <- read.csv("correlations.csv", fileEncoding = "UTF-8-BOM", check.names = FALSE,
                colClasses = c(study = "character"))
expected <- read.csv("expected.csv", fileEncoding = "UTF-8-BOM")
variables <- c({{variables}})
model <- {{model}}
moderators <- c({{moderators}})

studies <- unique(tab$study)
matrices <- lapply(studies, function(s) {
  rows <- tab[tab$study == s, ]
  R <- matrix(NA_real_, length(variables), length(variables), dimnames = list(variables, variables))
  diag(R) <- 1
  for (i in seq_len(nrow(rows)))
    R[rows$var1[i], rows$var2[i]] <- R[rows$var2[i], rows$var1[i]] <- rows$r[i]
  R
})
names(matrices) <- studies
first <- match(studies, tab$study)

# Sampling covariances from the weighted mean correlations, as metaalliance has them.
dat <- Cor2DataFrame(matrices, n = tab$n[first], acov = "weighted")
RAM <- lavaan2RAM(model, obs.variables = variables)
Ax <- list()
for (m in unique(moderators)) {
  dat$data[[m]] <- tab[[m]][first]
  every <- create.modMatrix(RAM = RAM, output = "A", mod = m)
  A <- every
  A[] <- "0"
  for (path in names(moderators)[moderators == m]) {
    ends <- match(strsplit(path, "~", fixed = TRUE)[[1]], variables)
    A[ends[1], ends[2]] <- every[ends[1], ends[2]]
  }
  Ax <- c(Ax, list(A))
}
fit <- if (length(Ax)) osmasem(RAM = RAM, Ax = Ax, data = dat, RE.type = "Diag") else
  osmasem(RAM = RAM, data = dat, RE.type = "Diag")
print(summary(fit, fitIndices = length(Ax) == 0))

found <- c(coef(fit), minus2ll = summary(fit$mx.fit)$Minus2LogLikelihood)
both <- data.frame(name = expected$name, metaalliance = expected$estimate,
                   metaSEM = found[expected$name])
both$difference <- both$metaSEM - both$metaalliance
print(both, row.names = FALSE, digits = 7)
if (anyNA(both$metaSEM)) stop("metaSEM names its parameters otherwise")
if (max(abs(both$difference)) > TOLERANCE) stop("metaSEM and metaalliance differ")
cat("metaSEM reproduces the results.\n")
