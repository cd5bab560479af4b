
# ------------------------------------------------------------------------------------------
# Comparison.
# ------------------------------------------------------------------------------------------

found <- do.call(rbind, results)
write.csv(found, "results_r.csv", row.names = FALSE, fileEncoding = "UTF-8")
both <- merge(expected, found, by = c("analysis", "term"), suffixes = c("", ".r"), sort = FALSE)
if (nrow(both) != nrow(expected)) stop("some analyses are missing in R")

near <- function(a, b) is.na(a) | is.na(b) | abs(a - b) <= TOLERANCE * pmax(1, abs(a))
# Degrees of freedom and joint statistics move more than the estimates for the same variances.
roughly <- function(a, b) {
  both_infinite <- is.infinite(a) & is.infinite(b)
  is.na(a) | is.na(b) | both_infinite | abs(a - b) <= 1e-3 * pmax(1, abs(a))
}
joint <- both$term == "omnibus"
good <- ifelse(joint, roughly(both$estimate, both$estimate.r), near(both$estimate, both$estimate.r))
for (name in c("se", "ci_low", "ci_high"))
  good <- good & near(both[[name]], both[[paste0(name, ".r")]])
for (name in c("df", "p_value"))
  good <- good & roughly(both[[name]], both[[paste0(name, ".r")]])

shown <- data.frame(analysis = both$analysis, term = both$term, metaalliance = both$estimate,
                    R = both$estimate.r, difference = signif(both$estimate.r - both$estimate, 2),
                    agrees = good)
print(shown, row.names = FALSE, digits = 7, right = FALSE)
largest <- max(abs(both$estimate.r - both$estimate)[!joint], abs(both$se.r - both$se)[!joint])
cat(sprintf("\nLargest difference of an estimate or standard error: %.1e\n", largest))
if (!all(good)) stop("R and metaalliance differ: ", paste(unique(both$analysis[!good]), collapse = "; "))
cat("R reproduces the results.\n")
