"""From reported statistics to a correlation with its variance."""
