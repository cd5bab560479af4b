"""One variance for each component of studies, and how the components go together."""
