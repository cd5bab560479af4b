"""Marginal covariances, their likelihoods, and the estimators of variance components."""
