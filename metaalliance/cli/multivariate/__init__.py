"""Commands of models of several variables at once."""
