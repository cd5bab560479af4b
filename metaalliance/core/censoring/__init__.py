"""Effects known only as lying between two limits: likelihood, its maximum, its profiles."""
