# Golden values of the degrees of freedom that metafor's rule of containment leaves.
#
#   Rscript scripts/golden/degrees.R          (from the project root, seconds)
#
# Needs R with metafor (3.8-1) and jsonlite.  Reads the data of tests/golden/structures.json, writes
# tests/golden/degrees.json.  The tests read only that file; they never need R.  The variances are
# metafor's at its own tolerance: degrees of freedom by containment do not depend on them.

suppressPackageStartupMessages({ library(metafor); library(jsonlite) })

data_of <- function(name) {
  d <- as.data.frame(fromJSON(file.path("tests", "golden", "structures.json"))[[name]]$data)
  k <- nrow(d)
  d$within <- ((seq_len(k) * 37) %% 11) / 10                    # varies within everything
  d$between <- (match(d$study, unique(d$study)) %% 3) * 1.5     # constant within studies
  d$effect <- seq_len(k)
  d
}

contained <- function(d, mods, random) {
  fit <- rma.mv(yi, vi, mods = mods, random = random, data = d, test = "t", dfs = "contain")
  p <- length(fit$ddf)
  joint <- anova(fit, btt = 2:3)
  list(names = rownames(fit$beta), df = as.numeric(fit$ddf), df2 = joint$QMdf[2])
}

nested <- list(~ 1 | study / effect)
crossed <- function(column) c(nested, as.formula(paste("~ 1 |", column)))
assink <- data_of("assink2016")
schools <- data_of("konstantopoulos2011")
assink$of_type <- as.numeric(factor(assink$deltype)) * 2
schools$of_year <- (as.numeric(schools$year) - 1990) / 10
found <- list(
  source = list(R = R.version.string, metafor = as.character(packageVersion("metafor"))),
  assink2016 = list(
    nested = contained(assink, ~ within + between, nested),
    crossed = contained(assink, ~ within + between, crossed("deltype")),
    of_type = contained(assink, ~ within + of_type, crossed("deltype"))
  ),
  konstantopoulos2011 = list(
    nested = contained(schools, ~ within + between, nested),
    crossed = contained(schools, ~ between + of_year, crossed("year"))
  )
)
write(toJSON(found, auto_unbox = TRUE, digits = NA, pretty = TRUE), file.path("tests", "golden", "degrees.json"))
