"""Forest plots, from the plan of their table to the page."""
