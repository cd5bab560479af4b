"""What is inferred from a fitted model: contrasts, degrees of freedom, intervals, doubts."""
