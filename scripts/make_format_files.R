# Writes tests/formats/files/*.rds and *.rda: Rscript scripts/make_format_files.R
# Needs metafor (escalc). The same six effects as tests/formats/conftest.py, and what R adds.
suppressMessages(library(metafor))
folder <- "tests/formats/files"
sheet <- data.frame(
  study = c("Ames 2001", "Boll 2004", "Boll 2004", "Crane 2010", "D\u00f6rn 2012", "Eder 2015"),
  r = c(.35, .2, -.1, .31, .05, NA),
  fisher_z = c(NA, NA, NA, NA, NA, .25),
  n = c(40L, 55L, 55L, 120L, 95L, 60L),
  stringsAsFactors = FALSE
)
sheet$setting_kind <- factor(
  c("ward", "clinic", NA, "clinic", "ward", "home"), levels = c("ward", "home", "clinic", "other")
)
sheet$dose <- factor(
  c("low", "high", "high", "low", NA, "mid"), levels = c("low", "mid", "high"), ordered = TRUE
)
saveRDS(sheet, file.path(folder, "sheet.rds"), version = 2)

odd <- sheet
odd$coded <- as.Date(c("2020-01-31", NA, "2021-05-06", "2020-01-31", NA, NA))
odd$seen <- as.POSIXct(c("2020-01-31 10:00:00", NA, NA, NA, NA, NA), tz = "UTC")
odd$checked <- c(TRUE, NA, FALSE, TRUE, TRUE, FALSE)
odd$kind <- addNA(factor(c("a", NA, "b", "a", "b", "a")))
odd$parts <- matrix(1:12, 6, dimnames = list(NULL, c("bond", "task")))
odd$z_score <- scale(c(1, 2, 4, 5, 7, 9))
odd$raw <- I(list(1, 2:3, "a", NULL, 5, 6))
row.names(odd) <- paste0("row_", letters[1:6])
saveRDS(odd, file.path(folder, "odd.rds"), compress = "xz")

computed <- escalc(measure = "ZCOR", ri = r, ni = n, data = sheet[1:5, c("study", "r", "n")])
computed$r <- NULL
saveRDS(computed, file.path(folder, "escalc.rds"))
three <- data.frame(study = c("Ames 2001", "Boll 2004", "Crane 2010"))
partial <- escalc(measure = "PCOR", ti = c(2.5, 1.8, 3.1), ni = c(50, 60, 70), mi = c(3, 2, 4),
                  data = three)
saveRDS(partial, file.path(folder, "escalc_pcor.rds"))
risk <- escalc(measure = "RR", ai = c(12, 20, 15), n1i = c(40, 50, 60), ci = c(20, 25, 22),
               n2i = c(41, 52, 58), data = three)
saveRDS(risk, file.path(folder, "escalc_rr.rds"))

effects <- sheet
studies <- data.frame(study = unique(sheet$study), year = c(2001, 2004, 2010, 2012, 2015))
note <- "made by hand"
save(effects, studies, note, file = file.path(folder, "both.rda"), version = 2)
saveRDS(lm(r ~ n, sheet), file.path(folder, "model.rds"))
