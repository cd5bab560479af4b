"""One model at many variants of its effects: subsets, other outcomes, other designs."""
