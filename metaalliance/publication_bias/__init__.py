"""Publication bias: funnel asymmetry, selection models, adjusted estimates."""
