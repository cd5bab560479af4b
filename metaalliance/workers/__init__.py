"""Long runs: where their tasks are computed, and what is kept of those that are finished."""
