# Golden values of the sampling variances of correlations from groups and counts, from R.
#
#   Rscript scripts/golden/variances.R        (from the project root, a second)
#
# Needs R with metafor and mvtnorm (written with R 4.2, metafor 3.8-1, mvtnorm 1.1-3).  Writes
# tests/golden/variances.json.  The tests read only that file.
#
# RPB and PHI with vtype = "CS": cross-sectional sampling.  z and vz carry yi and vi over to
# Fisher's z by the delta method.  RBIS stays on its own scale.  RTET is metafor's, whose variance
# is a numerical Hessian (good to about 1e-4).  OR: the log odds ratio and Woolf's variance; as r
# through d = log(OR) sqrt(3) / pi with R's symbolic derivative.

suppressPackageStartupMessages(library(metafor))

on_z <- function(e) list(yi = c(e$yi), vi = c(e$vi), z = atanh(c(e$yi)), vz = c(e$vi) / (1 - c(e$yi)^2)^2)
plain <- function(e) list(yi = c(e$yi), vi = c(e$vi))
R <- quote((x * sqrt(3) / pi) / sqrt((x * sqrt(3) / pi)^2 + 4))
Z <- substitute(log((1 + R) / (1 - R)) / 2, list(R = R))

groups <- list()
for (d in c(-1.9, -0.8, -0.1, 0, 0.35, 0.9, 2.2)) {
  for (n in list(c(30, 30), c(12, 48), c(10, 190), c(150, 50), c(4, 6), c(22.5, 41))) {
    f <- function(...) escalc(..., m1i = d, m2i = 0, sd1i = 1, sd2i = 1, n1i = n[1], n2i = n[2])
    groups <- c(groups, list(list(
      d = d, n1 = n[1], n2 = n[2],
      RPB = on_z(f("RPB", vtype = "CS")), RBIS = plain(f("RBIS")))))
  }
}

tables <- list()
for (x in list(c(8, 2, 2, 8), c(18, 12, 9, 25), c(5, 95, 14, 88), c(40, 60, 30, 70), c(0, 14, 6, 11),
               c(3, 1, 97, 199), c(90, 10, 60, 40), c(1, 30, 40, 3), c(500, 20, 30, 450), c(2, 3, 4, 1))) {
  f <- function(...) escalc(..., ai = x[1], bi = x[2], ci = x[3], di = x[4])
  found <- list(counts = x, PHI = on_z(f("PHI", vtype = "CS")))
  if (all(x > 0)) {
    or <- plain(f("OR"))
    found$OR <- c(or, list(z = eval(Z, list(x = or$yi)), vz = or$vi * eval(D(Z, "x"), list(x = or$yi))^2))
    found$RTET <- plain(suppressWarnings(f("RTET")))
  }
  tables <- c(tables, list(found))
}

as_json <- function(x) {
  if (is.list(x) && !is.null(names(x)))
    return(paste0("{", paste0("\"", names(x), "\": ", vapply(x, as_json, ""), collapse = ", "), "}"))
  if (is.list(x)) return(paste0("[", paste0(vapply(x, as_json, ""), collapse = ",\n "), "]"))
  if (length(x) > 1) return(paste0("[", paste0(vapply(x, as_json, ""), collapse = ", "), "]"))
  if (is.character(x)) return(paste0("\"", x, "\""))
  formatC(x, digits = 17, width = 1, format = "g")
}
content <- list(
  source = paste0(R.version.string, ", metafor ", packageVersion("metafor"), ", mvtnorm ", packageVersion("mvtnorm")),
  groups = groups, tables = tables)
writeLines(as_json(content), "tests/golden/variances.json")
