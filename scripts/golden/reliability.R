# Golden values of pooled coefficients alpha, from R.
#
#   Rscript scripts/golden/reliability.R          (from the project root)
#
# Needs what pooling.R needs.  Writes tests/golden/metadat/bonett2010.json.  The tests read only that
# file; they never need R.

source(file.path("scripts", "golden", "pooling.R"))   # writer, make_source(); runs nothing

d <- dat.bonett2010
team <- sub(" .*", "", d$source)   # Hooker and Brody have several samples: made dependent for CHE

back <- list(
  ABT = function(y) 1 - exp(-y),
  AHW = function(y) 1 - (1 - y)^3
)

case <- function(measure) {
  e <- escalc(measure = measure, ai = d$ai, mi = d$mi, ni = d$ni)
  x <- rma(e$yi, e$vi, method = "REML", test = "z", control = list(threshold = 1e-14, maxiter = 1000))
  f <- back[[measure]]
  p <- predict(x)
  V <- vcalc(e$vi, cluster = team, obs = d$study, rho = 0.6)
  m <- rma.mv(e$yi, V, random = ~ 1 | team / study, data = data.frame(team = team, study = d$study), method = "REML", sparse = FALSE,
    control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15))
  ct <- coef_test(m, vcov = "CR2", cluster = team)
  list(
    yi = arr(as.numeric(e$yi)), vi = arr(as.numeric(e$vi)),
    estimate = as.numeric(x$beta), se = x$se, tau2 = x$tau2, I2 = x$I2 / 100,
    reliability = f(as.numeric(x$beta)), ci = arr(f(c(x$ci.lb, x$ci.ub))),
    pi = arr(f(c(p$pi.lb, p$pi.ub))),
    che = list(estimate = as.numeric(m$beta), robust_se = ct$SE, df = ct$df_Satt, tau2 = sum(m$sigma2))
  )
}

source <- make_source("dat.bonett2010", "metadat",
  fits = "escalc(measure, ai, mi, ni); rma(REML, test z); rma.mv(~ 1 | author / study), vcalc rho .6, CR2 of clubSandwich")
source$script <- "scripts/golden/reliability.R"
write_golden(list(source = source,
  data = list(study = arr(d$source), author = arr(team), n = arr(d$ni), items = arr(d$mi), reliability = arr(d$ai)),
  bonett = case("ABT"), `hakstian-whalen` = case("AHW")), file.path("metadat", "bonett2010"))
