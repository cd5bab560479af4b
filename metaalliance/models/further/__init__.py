"""Further methods for a mean, beside the models of `pool`."""
