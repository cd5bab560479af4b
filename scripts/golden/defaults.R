# What metafor returns at its defaults, for docs/evidence/arbitration.md: values that are NOT golden.
#
#   Rscript scripts/golden/defaults.R          (from the project root; needs metafor, jsonlite)
#
# Reads tests/golden/*.json, writes tests/golden/metafor_defaults.json.

suppressPackageStartupMessages({ library(metafor); library(jsonlite) })
GOLDEN <- file.path("tests", "golden")
data_of <- function(name) as.data.frame(fromJSON(file.path(GOLDEN, "metadat", paste0(name, ".json")))$data)
two <- function(name, method) {
  d <- data_of(name)
  list(data = name, model = "two-level", method = method, rho = 0, tau2 = rma(yi, vi, data = d, method = method)$tau2)
}
mv <- function(name, rho) {
  d <- data_of(name); d$obs <- seq_len(nrow(d))
  V <- if (rho > 0) vcalc(vi, cluster = study, obs = obs, rho = rho, data = d) else d$vi
  fit <- rma.mv(yi, V, random = ~ 1 | study/obs, data = d)
  list(data = name, model = if (rho > 0) "che" else "three-level", method = "REML", rho = rho, sigma2 = fit$sigma2)
}
cases <- c(
  lapply(c("molloy2014", "mcdaniel1994", "bcg", "cohen1981"), two, method = "REML"),
  lapply(c("molloy2014", "bangertdrowns2004"), two, method = "ML"),
  lapply(c("molloy2014", "raudenbush1985"), two, method = "PM"),
  lapply(c("crede2010", "konstantopoulos2011", "assink2016", "bornmann2007", "knapp2017"), mv, rho = 0),
  lapply(c("crede2010", "konstantopoulos2011"), mv, rho = 0.6))
source <- list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
               note = "defaults of rma and rma.mv: what stops early; not for comparison in tests")
writeLines(toJSON(list(source = source, cases = cases), auto_unbox = TRUE, digits = I(17), pretty = TRUE),
           file.path(GOLDEN, "metafor_defaults.json"))
