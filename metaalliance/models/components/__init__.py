"""Several components of studies in one model: sampling covariances, the fit, and its inference."""
