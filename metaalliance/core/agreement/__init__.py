"""Agreement of coders."""
