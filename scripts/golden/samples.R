# Golden values of studies with several independent samples, and of samples whose effects are of more
# and of fewer of the same people.
#
#   Rscript scripts/golden/samples.R          (from the project root, a minute)
#
# Needs what pooling.R needs.  Writes tests/golden/samples.json and tests/golden/overlap.json.
# The tests read only these files; they never need R.

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

effects_of <- function() {
  d <- escalc("GEN", yi = yi, vi = vi, data = dat.assink2016)
  d$effect <- seq_len(nrow(d))
  d$sample <- samples_of(d)
  d$x <- (d$year - mean(d$year)) / 10
  d$team <- (d$study + 1) %/% 2
  d$rho <- 0.2 + 0.03 * d$study
  d$people <- interaction(d$study, d$sample, drop = TRUE)
  d$kind <- interaction(d$study, d$deltype, drop = TRUE)
  d$n <- c(40, 60, 90, 90, 200)[1 + (7 * d$effect) %% 5]
  d
}

# Every structure with covariances of the sampling errors: V of rho .6, `half` of .5, one by study and one by deltype.
cases <- function(d, V, half, by_study, same) {
  study <- list(effect = d$effect, study = d$study)
  people <- list(effect = d$effect, sample = as.integer(d$people), study = d$study)
  kind <- list(effect = d$effect, deltype = as.integer(d$kind), study = d$study)
  team <- list(effect = d$effect, study = d$study, team = d$team)
  crossed <- list(effect = d$effect, study = d$study, deltype = as.integer(factor(d$deltype)))
  nested <- ~ 1 | study/effect
  mods <- ~ x + pubstatus
  list(
    data = list(study = arr(d$study), sample = arr(ifelse(d$sample == "", NA, d$sample)), yi = arr(c(d$yi)), vi = arr(d$vi),
                n = arr(d$n), deltype = arr(as.character(d$deltype)), team = arr(d$team), rho = arr(d$rho), x = arr(d$x),
                pubstatus = arr(d$pubstatus)),
    mean = fit_of(d, V, nested, study, ~ 1, d$study),
    mean_ml = fit_of(d, V, nested, study, ~ 1, d$study, "ML"),
    regression = fit_of(d, V, nested, study, mods, d$study),
    within_sample = fit_of(d, V, ~ 1 | study/people/effect, people, mods, d$study),
    within_crossing = fit_of(d, V, ~ 1 | study/kind/effect, kind, mods, d$study),
    above = fit_of(d, V, ~ 1 | team/study/effect, team, mods, d$team),
    crossed = fit_of(d, V, list(~ 1 | study/effect, ~ 1 | deltype), crossed, mods),
    rho_by_study = fit_of(d, by_study, nested, study, mods, d$study),
    rho_same = fit_of(d, same, nested, study, mods, d$study),
    plain = averaged(aggregate(d, cluster = study, V = half, weighted = FALSE)),
    weighted = averaged(aggregate(d, cluster = study, V = half, weighted = TRUE))
  )
}

samples <- function() {
  d <- effects_of()
  rho <- function(r) vcalc(vi, cluster = study, subgroup = sample, obs = effect, rho = r, data = d)
  same <- vcalc(vi, cluster = study, subgroup = sample, type = deltype, obs = effect, rho = c(0.8, 0.5), data = d)
  root <- sqrt(d$vi)
  by_study <- outer(root, root) * outer(d$people, d$people, `==`) * d$rho
  diag(by_study) <- d$vi
  found <- cases(d, rho(0.6), rho(0.5), by_study, same)
  found$data$n <- NULL
  found
}

# Smaller groups within larger ones: every correlation times the root of the smaller n over the larger.
overlap <- function() {
  d <- effects_of()
  root <- sqrt(d$vi)
  n <- sqrt(d$n)
  alike <- outer(d$people, d$people, `==`) * outer(n, n, pmin) / outer(n, n, pmax)
  covariance <- function(R) {
    V <- alike * R * outer(root, root)
    diag(V) <- d$vi
    V
  }
  same <- covariance(ifelse(outer(d$deltype, d$deltype, `==`), 0.8, 0.5))
  cases(d, covariance(0.6), covariance(0.5), covariance(d$rho), same)
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
  source$V <- "built by hand: rho sqrt(min(n)/max(n)) within a sample, 0 between samples; n is made up"
  source$rho_same <- "0.8 where deltype is shared, else 0.5, each times sqrt(min(n)/max(n))"
  source$aggregate <- "the same V of rho 0.5"
  write_golden(c(list(source = source), overlap()), "overlap")
}
