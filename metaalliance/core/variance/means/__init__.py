"""The model of effects whose design is constant within studies, as the means of studies."""
