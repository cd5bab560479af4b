"""Path models of correlations: what they imply, their likelihood, its maximum and its profiles."""
