"""Path models of tables of correlations."""
