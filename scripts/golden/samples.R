# Golden values of studies with several independent samples.
#
#   Rscript scripts/golden/samples.R          (from the project root, a minute)
#
# Needs what pooling.R needs.  Writes tests/golden/samples.json.  The tests read only that
# file; they never need R.

source(file.path("scripts", "golden", "structures.R"))   # fit_of(); runs nothing

# Every third study is one sample (blank), every third has effects of the study itself (blank) and of
# two samples, the others have three samples that repeat their labels between studies, one of them with
# a single effect.
samples_of <- function(d) {
  place <- ave(seq_len(nrow(d)), d$study, FUN = seq_along)
  three <- ifelse(place == 1, "a", ifelse(place %% 2 == 0, "b", "c"))
  two <- ifelse(place %% 3 == 0, "", ifelse(place %% 3 == 1, "b", "a"))
  ifelse(d$study %% 3 == 0, "", ifelse(d$study %% 3 == 1, two, three))
}

averaged <- function(one) {
  fit <- rma(yi, vi, data = one, test = "knha", control = list(threshold = 1e-14, maxiter = 1000))
  list(study = arr(one$study), yi = arr(c(one$yi)), vi = arr(one$vi), tau2 = fit$tau2, estimate = c(fit$beta), se = fit$se,
       Q = fit$QE)
}

samples <- function() {
  d <- escalc("GEN", yi = yi, vi = vi, data = dat.assink2016)
  d$effect <- seq_len(nrow(d))
  d$sample <- samples_of(d)
  d$x <- (d$year - mean(d$year)) / 10
  d$team <- (d$study + 1) %/% 2
  d$rho <- 0.2 + 0.03 * d$study
  d$people <- interaction(d$study, d$sample, drop = TRUE)
  d$kind <- interaction(d$study, d$deltype, drop = TRUE)
  rho <- function(r) vcalc(vi, cluster = study, subgroup = sample, obs = effect, rho = r, data = d)
  same <- vcalc(vi, cluster = study, subgroup = sample, type = deltype, obs = effect, rho = c(0.8, 0.5), data = d)
  root <- sqrt(d$vi)
  by_study <- outer(root, root) * outer(d$people, d$people, `==`) * d$rho
  diag(by_study) <- d$vi
  study <- list(effect = d$effect, study = d$study)
  people <- list(effect = d$effect, sample = as.integer(d$people), study = d$study)
  kind <- list(effect = d$effect, deltype = as.integer(d$kind), study = d$study)
  team <- list(effect = d$effect, study = d$study, team = d$team)
  crossed <- list(effect = d$effect, study = d$study, deltype = as.integer(factor(d$deltype)))
  nested <- ~ 1 | study/effect
  mods <- ~ x + pubstatus
  V <- rho(0.6)
  half <- rho(0.5)
  plain <- aggregate(d, cluster = study, V = half, weighted = FALSE)
  weighted <- aggregate(d, cluster = study, V = half, weighted = TRUE)
  list(
    data = list(study = arr(d$study), sample = arr(ifelse(d$sample == "", NA, d$sample)), yi = arr(c(d$yi)), vi = arr(d$vi),
                deltype = arr(as.character(d$deltype)), team = arr(d$team), rho = arr(d$rho), x = arr(d$x), pubstatus = arr(d$pubstatus)),
    mean = fit_of(d, V, nested, study, ~ 1, d$study),
    mean_ml = fit_of(d, V, nested, study, ~ 1, d$study, "ML"),
    regression = fit_of(d, V, nested, study, mods, d$study),
    within_sample = fit_of(d, V, ~ 1 | study/people/effect, people, mods, d$study),
    within_crossing = fit_of(d, V, ~ 1 | study/kind/effect, kind, mods, d$study),
    above = fit_of(d, V, ~ 1 | team/study/effect, team, mods, d$team),
    crossed = fit_of(d, V, list(~ 1 | study/effect, ~ 1 | deltype), crossed, mods),
    rho_by_study = fit_of(d, by_study, nested, study, mods, d$study),
    rho_same = fit_of(d, same, nested, study, mods, d$study),
    plain = averaged(plain),
    weighted = averaged(weighted)
  )
}

if (sys.nframe() == 0L) {
  source <- make_source("dat.assink2016 (samples, teams, correlations by study made up)", "metadat",
    V = "vcalc(vi, cluster = study, subgroup = sample, obs = effect, rho = 0.6): errors of different samples are independent",
    fits = "rma.mv at the polished optimum of scripts/golden/structures.R",
    CR2 = "clubSandwich, cluster = study (team above it)",
    within_crossing = "a random effect of deltype within studies, whose groups cross the samples",
    rho_same = "vcalc(type = deltype, rho = c(0.8, 0.5)) with the same subgroup",
    aggregate = "metafor aggregate(cluster = study, V = V of rho 0.5), plain and weighted; then rma REML knha (threshold=1e-14)")
  source$script <- "scripts/golden/samples.R"
  write_golden(c(list(source = source), samples()), "samples")
}
